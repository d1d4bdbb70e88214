//! Walks a parsed TOML document key by key, so that every key's name, default and allowed range stand on
//! one line of its section, and every mistake is found in one pass and remembered with its place.
//!
//! A section read from nothing yields the defaults: `Default` of the configuration is that walk over an
//! empty document, which is why the two can't drift apart.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use compact_str::CompactString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Finding;

/// Everything one walk over a document found out.
#[derive(Default)]
pub(super) struct Findings {
    /// The mistakes, in the order of the walk.
    pub(super) problems: Vec<Finding>,
    /// Where each key that the document sets has its value (byte range), by dotted path.
    values: BTreeMap<String, Range<usize>>,
}

impl Findings {
    /// Notes that two keys contradict each other, at the first of `keys` that the document itself sets.
    pub(super) fn contradiction(&mut self, keys: [&str; 2], allowed: &str) {
        let blamed = keys.iter().find_map(|key| Some((*key, self.values.get(*key)?.clone())));
        // Defaults agree with each other, so one of the two was set.
        let (key, span) = blamed.unwrap_or((keys[0], 0..0));
        self.problems.push(Finding::contradiction(key, span, allowed));
    }
}

/// One table of the document while it is read; `None` inside stands for a table that is not there.
pub(super) struct Section<'doc, 'walk> {
    path: String,
    table: Option<&'doc DeTable<'doc>>,
    known: Vec<&'static str>,
    findings: &'walk mut Findings,
}

/// Reads a whole document with `read`, the root section's reader; `None` reads the defaults.
pub(super) fn read_document<T>(
    document: Option<&DeTable<'_>>,
    read: impl FnOnce(&mut Section<'_, '_>) -> T,
) -> (T, Findings) {
    let mut findings = Findings::default();
    let mut root =
        Section { path: String::new(), table: document, known: Vec::new(), findings: &mut findings };
    let value = read(&mut root);
    root.report_unknown_keys();
    (value, findings)
}

/// The defaults of one section.
pub(super) fn defaults<T>(read: impl FnOnce(&mut Section<'_, '_>) -> T) -> T {
    read_document(None, read).0
}

impl<'doc> Section<'doc, '_> {
    /// A whole number within `allowed`.
    pub(super) fn integer<T>(&mut self, key: &'static str, default: T, allowed: RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let described = || format!("a whole number from {} to {}", allowed.start(), allowed.end());
        self.value(key, default, described, |value| {
            let digits = value.as_integer()?;
            let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok()?;
            T::try_from(number).ok().filter(|number| allowed.contains(number))
        })
    }

    /// A number within `allowed`; `1` is as good as `1.0`.
    pub(super) fn number(&mut self, key: &'static str, default: f64, allowed: RangeInclusive<f64>) -> f64 {
        let described = || format!("a number from {} to {}", allowed.start(), allowed.end());
        self.value(key, default, described, |value| {
            let text = match value {
                DeValue::Float(float) => float.as_str(),
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
                _ => return None,
            };
            // NaN is in no range, so it is refused here too.
            text.parse().ok().filter(|number| allowed.contains(number))
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.value(key, default, || "true or false".to_owned(), DeValue::as_bool)
    }

    /// One of the named choices.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, default: T, choices: &[(&str, T)]) -> T {
        let described = || {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            format!("one of {}", names.join(", "))
        };
        self.value(key, default, described, |value| {
            let text = value.as_str()?;
            choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice)
        })
    }

    /// A string that `parse` understands; `allowed` says in words what that is.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.value(key, default, || allowed.to_owned(), |value| parse(value.as_str()?))
    }

    /// A decimal written as a string or as a whole number, both given to `parse` as text.
    pub(super) fn decimal<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.value(
            key,
            default,
            || allowed.to_owned(),
            |value| match value {
                DeValue::String(text) => parse(text),
                DeValue::Integer(integer) if integer.radix() == 10 => parse(integer.as_str()),
                _ => None,
            },
        )
    }

    /// The table `[…key]`, read by `read`.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'doc, '_>) -> T,
    ) -> T {
        self.known.push(key);
        let path = self.path_of(key);
        let table = match self.entry(key) {
            None => None,
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => {
                    let allowed = format!("a table: [{path}]");
                    self.findings.problems.push(Finding::not_allowed(&path, value, &allowed));
                    None
                }
            },
        };
        let mut section = Section { path, table, known: Vec::new(), findings: self.findings };
        let value = read(&mut section);
        section.report_unknown_keys();
        value
    }

    /// The tables `[…key.NAME]` with names of the file's own choosing, in the order of the file.
    /// `name_allowed` says what a name may be; a name for which `is_name` is false is a mistake.
    pub(super) fn named_tables<T>(
        &mut self,
        key: &'static str,
        name_allowed: &str,
        is_name: impl Fn(&str) -> bool,
        mut read: impl FnMut(CompactString, &mut Section<'doc, '_>) -> T,
    ) -> Vec<T> {
        self.table(key, |tables| {
            let mut entries: Vec<_> = tables.table.into_iter().flatten().collect();
            // The parser sorts by name; the numbers that tenants get follow the order of the file.
            entries.sort_by_key(|(name, _)| name.span().start);
            let mut values = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                let path = tables.path_of(name.get_ref());
                if !is_name(name.get_ref()) {
                    tables.findings.problems.push(Finding::bad_name(&path, name.span(), name_allowed));
                    continue;
                }
                let DeValue::Table(table) = value.get_ref() else {
                    let allowed = format!("a table: [{path}]");
                    tables.findings.problems.push(Finding::not_allowed(&path, value, &allowed));
                    continue;
                };
                let mut section =
                    Section { path, table: Some(table), known: Vec::new(), findings: tables.findings };
                values.push(read(CompactString::from(name.get_ref().as_ref()), &mut section));
                section.report_unknown_keys();
            }
            // Names are free here, so none of them is unknown.
            tables.table = None;
            values
        })
    }

    /// The mistakes found so far, to add rules over several keys.
    pub(super) fn findings(&mut self) -> &mut Findings {
        self.findings
    }

    fn value<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: impl Fn() -> String,
        parse: impl FnOnce(&DeValue<'doc>) -> Option<T>,
    ) -> T {
        self.known.push(key);
        let Some(value) = self.entry(key) else {
            return default;
        };
        let path = self.path_of(key);
        match parse(value.get_ref()) {
            Some(parsed) => {
                self.findings.values.insert(path, value.span());
                parsed
            }
            None => {
                self.findings.problems.push(Finding::not_allowed(&path, value, &allowed()));
                default
            }
        }
    }

    fn entry(&self, key: &str) -> Option<&'doc Spanned<DeValue<'doc>>> {
        self.table?.get(key)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn report_unknown_keys(&mut self) {
        for (key, _) in self.table.into_iter().flatten() {
            if !self.known.contains(&key.get_ref().as_ref()) {
                let path = self.path_of(key.get_ref());
                let finding = Finding::unknown_key(&path, &self.path, key.span(), &self.known);
                self.findings.problems.push(finding);
            }
        }
    }
}
