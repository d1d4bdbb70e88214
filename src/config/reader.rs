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
pub(super) struct Findings<'t> {
    /// The document as text.
    text: &'t str,
    /// The mistakes, in the order of the walk.
    pub(super) problems: Vec<Finding>,
    /// Where each key that the document sets has its value (byte range), by dotted path.
    values: BTreeMap<String, Range<usize>>,
}

impl Findings<'_> {
    /// Notes that the value of `key` names something that is not among `known`.
    pub(super) fn undescribed(&mut self, key: &str, allowed: &str, name: &str, known: &[&str]) {
        let span = self.values.get(key).cloned().unwrap_or(0..0);
        self.problems.push(Finding::undescribed(key, span, allowed, name, known));
    }

    /// Notes that the value of `key` must be something else, for reasons that other keys give.
    pub(super) fn refuse(&mut self, key: &str, says: &str) {
        let span = self.values.get(key).cloned().unwrap_or(0..0);
        self.problems.push(Finding::contradiction(key, span, says));
    }

    /// Notes that the string of `key` is no condition at that line and column of it, both from 1.
    pub(super) fn bad_condition(&mut self, key: &str, line: usize, column: usize, detail: &str) {
        let span = self.values.get(key).cloned().unwrap_or(0..0);
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let (at, detail) = match place_in_string(raw, line, column) {
            Some(at) => (span.start + at..span.start + at, detail.to_owned()),
            None => (span, format!("{detail} (line {line}, column {column} of it)")),
        };
        self.problems.push(Finding::condition(key, at, detail));
    }

    /// Notes that two keys contradict each other, at the first of `keys` that the document itself sets.
    pub(super) fn contradiction(&mut self, keys: [&str; 2], allowed: &str) {
        let blamed = keys.iter().find_map(|key| Some((*key, self.values.get(*key)?.clone())));
        // Defaults agree with each other, so one of the two was set.
        let (key, span) = blamed.unwrap_or((keys[0], 0..0));
        self.problems.push(Finding::contradiction(key, span, allowed));
    }
}

/// Where in the text of a TOML string, quotes included, a line and column of its value are. `None` if the string has
/// escapes, which make the value differ from the text.
fn place_in_string(raw: &str, line: usize, column: usize) -> Option<usize> {
    let fence = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|fence| raw.starts_with(fence))?;
    let mut start = fence.len();
    let inside = raw.get(start..raw.len().checked_sub(start)?)?;
    if fence.starts_with('"') && inside.contains('\\') {
        return None;
    }
    if fence.len() == 3 {
        // A line break right after the opening quotes is no part of the value.
        let trimmed = inside.strip_prefix("\r\n").or_else(|| inside.strip_prefix('\n')).unwrap_or(inside);
        start += inside.len() - trimmed.len();
    }
    let value = raw.get(start..)?;
    let before = value.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let in_line = value.get(before..)?.char_indices().nth(column.checked_sub(1)?)?.0;
    Some(start + before + in_line)
}

/// One table of the document while it is read; `None` inside stands for a table that is not there.
pub(super) struct Section<'doc, 'walk> {
    path: String,
    table: Option<&'doc DeTable<'doc>>,
    /// Where the table stands, for what is missing in it.
    span: Range<usize>,
    known: Vec<&'static str>,
    findings: &'walk mut Findings<'doc>,
}

/// Reads a whole document, parsed and as text, with `read`, the root section's reader; `None` reads the defaults.
pub(super) fn read_document<'doc, T>(
    document: Option<(&'doc DeTable<'doc>, &'doc str)>,
    read: impl FnOnce(&mut Section<'doc, '_>) -> T,
) -> (T, Vec<Finding>) {
    let (table, text) = document.unzip();
    let mut findings = Findings { text: text.unwrap_or_default(), ..Findings::default() };
    let mut root =
        Section { path: String::new(), table, span: 0..0, known: Vec::new(), findings: &mut findings };
    let value = read(&mut root);
    root.report_unknown_keys();
    (value, findings.problems)
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

    /// As [`Section::text`]; `None` if the key is left out.
    pub(super) fn optional_text<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.text(key, None, allowed, |text| parse(text).map(Some))
    }

    /// As [`Section::text`]; leaving the key out is a mistake. `None` after a mistake.
    pub(super) fn required_text<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if self.entry(key).is_none() {
            let path = self.path_of(key);
            self.findings.problems.push(Finding::missing(&path, self.span.clone(), allowed));
        }
        self.optional_text(key, allowed, parse)
    }

    /// As [`Section::number`]; `None` if the key is left out.
    pub(super) fn optional_number(&mut self, key: &'static str, allowed: RangeInclusive<f64>) -> Option<f64> {
        self.has(key).then(|| self.number(key, f64::NAN, allowed))
    }

    /// As [`Section::boolean`]; `None` if the key is left out.
    pub(super) fn optional_boolean(&mut self, key: &'static str) -> Option<bool> {
        self.has(key).then(|| self.boolean(key, false))
    }

    /// As [`Section::integer`]; `None` if the key is left out.
    pub(super) fn optional_integer<T>(&mut self, key: &'static str, allowed: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        self.has(key).then(|| self.integer(key, *allowed.start(), allowed))
    }

    /// As [`Section::choice`]; `None` if the key is left out.
    pub(super) fn optional_choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let (_, any) = choices.first()?;
        self.has(key).then(|| self.choice(key, *any, choices))
    }

    /// A key that can't be set here, for reasons that `allowed` says.
    pub(super) fn forbidden<T>(&mut self, key: &'static str, allowed: &str) -> Option<T> {
        if self.has(key)
            && let Some(value) = self.entry(key)
        {
            let path = self.path_of(key);
            self.findings.problems.push(Finding::not_allowed(&path, value, allowed));
        }
        None
    }

    /// Notes that the string of `key` is no condition at that line and column of it, both from 1.
    pub(super) fn bad_condition(&mut self, key: &str, line: usize, column: usize, detail: &str) {
        let path = self.path_of(key);
        self.findings.bad_condition(&path, line, column, detail);
    }

    /// Whether the document sets the key; it is known from now on.
    fn has(&mut self, key: &'static str) -> bool {
        self.known.push(key);
        self.entry(key).is_some()
    }

    /// A list of at most `items_max` strings that `parse` understands; empty if the key is left out. `known` are names
    /// that a mistyped one may stand for.
    pub(super) fn optional_texts<T>(
        &mut self,
        key: &'static str,
        items_max: usize,
        allowed: &str,
        known: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let is_there = self.entry(key).is_some();
        let texts = self.texts(key, items_max, allowed, known, parse);
        is_there.then_some(texts)
    }

    pub(super) fn texts<T>(
        &mut self,
        key: &'static str,
        items_max: usize,
        allowed: &str,
        known: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.known.push(key);
        let path = self.path_of(key);
        let Some(value) = self.entry(key) else { return Vec::new() };
        let items = match value.get_ref() {
            DeValue::Array(items) if items.len() <= items_max => items,
            _ => {
                let allowed = format!("a list of at most {items_max} strings, each {allowed}");
                self.findings.problems.push(Finding::not_allowed(&path, value, &allowed));
                return Vec::new();
            }
        };
        self.findings.values.insert(path.clone(), value.span());
        let mut parsed = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let text = item.get_ref().as_str();
            match text.and_then(&parse) {
                Some(value) => {
                    self.findings.values.insert(path, item.span());
                    parsed.push(value);
                }
                None => {
                    let finding = Finding::not_allowed(&path, item, allowed);
                    self.findings.problems.push(finding.nearest_of(text.unwrap_or_default(), known));
                }
            }
        }
        parsed
    }

    /// The tables `[[…key]]`, at most `tables_max`, each read by `read` (`None` after a mistake) and called `key[0]`,
    /// `key[1]`, … in messages. `None` if there is no such key at all: an empty list is one.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        tables_max: usize,
        mut read: impl FnMut(&mut Section<'doc, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.known.push(key);
        let path = self.path_of(key);
        let value = self.entry(key)?;
        let items = match value.get_ref() {
            DeValue::Array(items) if items.len() <= tables_max => items,
            _ => {
                let allowed = format!("at most {tables_max} tables: [[{path}]]");
                self.findings.problems.push(Finding::not_allowed(&path, value, &allowed));
                return None;
            }
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let DeValue::Table(table) = item.get_ref() else {
                self.findings.problems.push(Finding::not_allowed(&path, item, "a table"));
                continue;
            };
            let mut section = Section {
                path,
                table: Some(table),
                span: item.span(),
                known: Vec::new(),
                findings: self.findings,
            };
            values.extend(read(&mut section));
            section.report_unknown_keys();
        }
        Some(values)
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
        let span = self.entry(key).map_or(0..0, Spanned::span);
        let mut section = Section { path, table, span, known: Vec::new(), findings: self.findings };
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
                let mut section = Section {
                    path,
                    table: Some(table),
                    span: name.span(),
                    known: Vec::new(),
                    findings: tables.findings,
                };
                values.push(read(CompactString::from(name.get_ref().as_ref()), &mut section));
                section.report_unknown_keys();
            }
            // Names are free here, so none of them is unknown.
            tables.table = None;
            values
        })
    }

    /// The mistakes found so far, to add rules over several keys.
    pub(super) fn findings(&mut self) -> &mut Findings<'doc> {
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
