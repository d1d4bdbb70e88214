//! When an exception is raised, updated and cleared, and how it is ranked.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::amount::BaseCurrencyAmount;
use super::reader::{Findings, Section};
use crate::domain::exception::kind::{CUSTOM_PREFIX, KindDefinition, KindSettings, Threshold};
use crate::domain::exception::{ExceptionType, Severity, own};
use crate::domain::ids::{Name, is_valid_name};
use crate::domain::settings::{CustomException, CustomSubject, KindOverride, KindTable, SegmentSelector};

/// `[exceptions]`: what all kinds share, a table for each kind, and what differs by segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionsConfig {
    /// The relative change of the value at risk, or of the number of affected exceptions, that updates an open exception,
    /// 0.001–10.
    pub update_value_change: f64,
    /// Minutes after which any change updates an open exception, 1–10,080.
    pub update_interval_minutes: u32,
    /// Hours that such a case takes, 1–720: urgency is the time left to decide measured against it.
    pub urgency_case_hours: u32,
    /// Hours between two windows of one trouble that still make them one exception, 0–8,760.
    pub merge_window_hours: f64,
    /// Whether what one cause leads to is grouped under it.
    pub group_by_cause: bool,
    /// `[exceptions.severity]`: the value at risk that makes an exception severe.
    pub severity: SeverityConfig,
    /// `[exceptions.KIND]` for each built-in kind.
    pub kinds: KindTable,
    /// `[[exceptions.override]]`: what holds otherwise for a part of the range or of the network.
    pub overrides: Vec<KindOverride>,
    /// `[[exceptions.custom]]`: the operator's own kinds.
    pub custom: Vec<CustomException>,
}

/// The most overrides, and the most kinds of an operator's own.
const OVERRIDES_MAX: usize = 500;
const CUSTOM_MAX: usize = 100;
/// The longest name, path or title, in bytes.
const TEXT_BYTES_MAX: usize = 512;
const NAME_BYTES_MAX: usize = 64;
const CONSECUTIVE_PERIODS: RangeInclusive<u16> = 1..=366;
const QUIET_HOURS: RangeInclusive<f64> = 0.0..=8_760.0;
const SEVERITIES: [(&str, Severity); 4] = [
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

impl ExceptionsConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let mut kinds = KindTable::default();
        for kind in &ExceptionType::BUILT_IN {
            let name = kind.definition().name;
            kinds.set(kind, section.table(name, |section| read_kind(kind, section)));
        }
        Self {
            update_value_change: section.number("update_value_change", 0.1, 0.001..=10.0),
            update_interval_minutes: section.integer("update_interval_minutes", 60, 1..=10_080),
            urgency_case_hours: section.integer("urgency_case_hours", 24, 1..=720),
            merge_window_hours: section.number("merge_window_hours", 24.0, 0.0..=8_760.0),
            group_by_cause: section.boolean("group_by_cause", true),
            severity: section.table("severity", SeverityConfig::read),
            kinds,
            overrides: section.tables("override", OVERRIDES_MAX, read_override).unwrap_or_default(),
            custom: section.tables("custom", CUSTOM_MAX, read_custom).unwrap_or_default(),
        }
    }

    /// The rules over more than one key.
    pub(super) fn check_relations(&self, findings: &mut Findings<'_>) {
        let severity = &self.severity;
        for (holds, keys, allowed) in [
            (
                severity.value_medium <= severity.value_high,
                ["exceptions.severity.value_medium", "exceptions.severity.value_high"],
                "exceptions.severity.value_medium must not be above value_high",
            ),
            (
                severity.value_high <= severity.value_critical,
                ["exceptions.severity.value_high", "exceptions.severity.value_critical"],
                "exceptions.severity.value_high must not be above value_critical",
            ),
        ] {
            if !holds {
                findings.contradiction(keys, allowed);
            }
        }
        for (index, own) in self.custom.iter().enumerate() {
            if self.custom[..index].iter().any(|other| other.exception_type == own.exception_type) {
                let key = format!("exceptions.custom[{index}].name");
                findings.refuse(&key, "each kind of one's own needs a name that no other has");
            }
        }
        self.check_types(findings, "exceptions.override", self.overrides.iter().map(|other| &*other.types));
        for (index, kind) in ExceptionType::BUILT_IN.iter().enumerate() {
            let Some(settings) = self.kinds.get(index) else { continue };
            let name = kind.as_str();
            let keys = [format!("exceptions.{name}.clear"), format!("exceptions.{name}.raise")];
            if let Some(rule) = flutters(kind, settings.raise, settings.clear) {
                findings.contradiction([&keys[0], &keys[1]], rule);
            } else {
                self.check_overrides_of(kind, *settings, findings);
            }
        }
    }

    /// Whether each kind that is named is there: the built-in ones always are, one's own must be described.
    pub(super) fn check_types<'c>(
        &self,
        findings: &mut Findings<'_>,
        key: &str,
        lists: impl Iterator<Item = &'c [ExceptionType]>,
    ) {
        let known: Vec<&str> = self.custom.iter().map(|own| own.exception_type.as_str()).collect();
        for (index, types) in lists.enumerate() {
            for (place, kind) in types.iter().enumerate() {
                if kind.index().is_none() && !known.contains(&kind.as_str()) {
                    let key = format!("{key}[{index}].types[{place}]");
                    findings.undescribed(
                        &key,
                        "[[exceptions.custom]] says what it is",
                        kind.as_str(),
                        &known,
                    );
                }
            }
        }
    }

    /// No two thresholds that can hold for one thing together may contradict each other: the raise and the clear
    /// threshold that hold come from one or two places, the kind's own table among them.
    fn check_overrides_of(&self, kind: &ExceptionType, own: KindSettings, findings: &mut Findings<'_>) {
        let about: Vec<(usize, &KindOverride)> = self
            .overrides
            .iter()
            .enumerate()
            .filter(|(_, other)| {
                other.types.contains(kind) && (other.raise.is_some() || other.clear.is_some())
            })
            .collect();
        for (at, (index, last)) in about.iter().enumerate() {
            let before = about[..at].iter().filter(|(_, first)| may_share(&first.part, &last.part));
            let alone = [(own.raise, own.clear)].into_iter();
            let mut under = alone.chain(
                before.map(|(_, first)| (first.raise.unwrap_or(own.raise), first.clear.unwrap_or(own.clear))),
            );
            let broken = under.find_map(|(raise, clear)| {
                flutters(kind, last.raise.unwrap_or(raise), last.clear.unwrap_or(clear))
            });
            if let Some(rule) = broken {
                let key = |name| format!("exceptions.override[{index}].{name}");
                findings.contradiction([&key("clear"), &key("raise")], rule);
            }
        }
    }
}

/// Whether something can be in both parts.
fn may_share(one: &SegmentSelector, other: &SegmentSelector) -> bool {
    fn both<'a, T>(one: &'a Option<T>, other: &'a Option<T>, agree: impl Fn(&'a T, &'a T) -> bool) -> bool {
        one.as_ref().zip(other.as_ref()).is_none_or(|(one, other)| agree(one, other))
    }
    let nested = |one: &String, other: &String| {
        let mut levels = one.split('/').zip(other.split('/'));
        levels.all(|(one, other)| one == other)
    };
    let same = |one: &Name, other: &Name| one == other;
    both(&one.path, &other.path, nested)
        && both(&one.region, &other.region, nested)
        && both(&one.abc, &other.abc, same)
        && both(&one.xyz, &other.xyz, same)
        && both(&one.location, &other.location, same)
        && both(&one.sku, &other.sku, same)
        && both(&one.supplier, &other.supplier, same)
}

/// What must hold between a kind's two thresholds, if it does not: which of the two is the greater one is the same as
/// among the defaults.
fn flutters(kind: &ExceptionType, raise: f64, clear: f64) -> Option<&'static str> {
    let definition = kind.definition();
    let (first, second) = (definition.raise?, definition.clear?);
    if second.default < first.default {
        (clear >= raise).then_some("clear must be below raise, or the exception flutters")
    } else {
        (clear <= raise).then_some("clear must be above raise, or the exception flutters")
    }
}

fn read_kind(kind: &ExceptionType, section: &mut Section<'_, '_>) -> KindSettings {
    let definition = kind.definition();
    let default = KindSettings::of(kind);
    let mut threshold =
        |key, of: Option<Threshold>| of.map_or(0.0, |of| section.number(key, of.default, of.min..=of.max));
    KindSettings {
        raise: threshold("raise", definition.raise),
        clear: threshold("clear", definition.clear),
        minimum: threshold("minimum", definition.minimum),
        days: threshold("days", definition.days),
        enabled: section.boolean("enabled", default.enabled),
        consecutive_periods: section.integer(
            "consecutive_periods",
            default.consecutive_periods,
            CONSECUTIVE_PERIODS,
        ),
        quiet_hours: section.number("quiet_hours", default.quiet_hours, QUIET_HOURS),
    }
}

/// `types` of an override or of a routing rule.
pub(super) fn read_types(section: &mut Section<'_, '_>) -> Vec<ExceptionType> {
    let known: Vec<&str> = ExceptionType::BUILT_IN.iter().map(|kind| kind.definition().name).collect();
    let types_max = known.len() + CUSTOM_MAX;
    section.texts("types", types_max, "a kind of exception", &known, ExceptionType::parse)
}

/// A text that is not empty and not too long.
pub(super) fn line(text: &str) -> Option<&str> {
    (!text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)).then_some(text)
}

/// An identifier from outside.
pub(super) fn identifier(section: &mut Section<'_, '_>, key: &'static str) -> Option<Name> {
    let allowed = "1 to 128 characters, none of them a control character";
    section.optional_text(key, allowed, |text| is_valid_name(text).then(|| Name::from(text)))
}

/// The beginning of a hierarchy.
pub(super) fn hierarchy(section: &mut Section<'_, '_>, key: &'static str) -> Option<String> {
    let allowed = "the first levels of a hierarchy joined by /, such as \"Food/Drinks\"";
    section.optional_text(key, allowed, |text| {
        line(text).filter(|text| text.split('/').all(|level| !level.is_empty())).map(str::to_owned)
    })
}

pub(super) fn severity(section: &mut Section<'_, '_>, key: &'static str) -> Option<Severity> {
    section.optional_choice(key, &SEVERITIES)
}

fn read_override(section: &mut Section<'_, '_>) -> Option<KindOverride> {
    let types = read_types(section);
    let mut threshold = |key: &'static str, of: fn(&KindDefinition) -> Option<Threshold>| {
        // Within the range of every kind that is named; a kind without it takes none.
        let ranges: Vec<Option<Threshold>> = types.iter().map(|kind| of(kind.definition())).collect();
        if ranges.is_empty() || ranges.contains(&None) {
            return section.forbidden(key, "left out, unless types are named and all of them have it");
        }
        let all = ranges.into_iter().flatten();
        let (min, max) = all.fold((f64::NEG_INFINITY, f64::INFINITY), |(min, max), threshold| {
            (threshold.min.max(min), threshold.max.min(max))
        });
        section.optional_number(key, min..=max)
    };
    let (raise, clear) = (threshold("raise", |of| of.raise), threshold("clear", |of| of.clear));
    let (minimum, days) = (threshold("minimum", |of| of.minimum), threshold("days", |of| of.days));
    Some(KindOverride {
        part: SegmentSelector {
            path: hierarchy(section, "path"),
            region: hierarchy(section, "region"),
            abc: identifier(section, "abc"),
            xyz: identifier(section, "xyz"),
            location: identifier(section, "location"),
            sku: identifier(section, "sku"),
            supplier: identifier(section, "supplier"),
        },
        types,
        raise,
        clear,
        minimum,
        days,
        enabled: section.optional_boolean("enabled"),
        consecutive_periods: section.optional_integer("consecutive_periods", CONSECUTIVE_PERIODS),
        quiet_hours: section.optional_number("quiet_hours", QUIET_HOURS),
    })
}

fn read_custom(section: &mut Section<'_, '_>) -> Option<CustomException> {
    let name = section.required_text("name", "1 to 64 of a-z, 0-9 and _", |text| {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let is_name = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        is_name.then(|| ExceptionType::Custom(Name::from(format!("{CUSTOM_PREFIX}{text}"))))
    });
    let subjects = [("sku_location", CustomSubject::SkuLocation), ("supplier", CustomSubject::Supplier)];
    let about = section.choice("about", CustomSubject::SkuLocation, &subjects);
    let says = "a condition in CEL over the fields of what it is about";
    let text = |text: &str| Some(text.to_owned());
    let condition = section.required_text("condition", says, text);
    let clear = section.optional_text("clear", says, text);
    for (key, source) in [("condition", &condition), ("clear", &clear)] {
        if let Some(source) = source
            && let Err(error) = own::compile(about, source)
        {
            section.bad_condition(key, error.line, error.column, &error.detail);
        }
    }
    let title = section
        .required_text("title", "a sentence of at most 512 bytes", |text| line(text).map(str::to_owned));
    let defaults = KindSettings::of(&ExceptionType::Custom(Name::default()));
    let severity = severity(section, "severity").unwrap_or(Severity::Medium);
    let enabled = section.boolean("enabled", true);
    let periods = section.integer("consecutive_periods", defaults.consecutive_periods, CONSECUTIVE_PERIODS);
    let quiet_hours = section.number("quiet_hours", defaults.quiet_hours, QUIET_HOURS);
    Some(CustomException {
        exception_type: name?,
        about,
        condition: condition?,
        clear,
        title: title?,
        severity,
        enabled,
        consecutive_periods: periods,
        quiet_hours,
    })
}

/// `[exceptions.severity]`: the value at risk from which on an exception has a severity; below all of them it is `low`,
/// without a known value `medium`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeverityConfig {
    /// `medium` from here, in the tenant's base currency, 0–1,000,000,000.
    pub value_medium: BaseCurrencyAmount,
    /// `high` from here.
    pub value_high: BaseCurrencyAmount,
    /// `critical` from here.
    pub value_critical: BaseCurrencyAmount,
}

impl SeverityConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let mut amount =
            |key, units| BaseCurrencyAmount::read(section, key, BaseCurrencyAmount::from_units(units));
        Self {
            value_medium: amount("value_medium", 100),
            value_high: amount("value_high", 1_000),
            value_critical: amount("value_critical", 10_000),
        }
    }
}
