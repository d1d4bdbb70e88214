//! The tunables that the domain's fold depends on. They are part of the history: activating them is a record.

use serde::{Deserialize, Serialize};

use super::exception::kind::KindSettings;
use super::exception::routing::RoutingSettings;
use super::exception::{ExceptionType, Severity};
use super::ids::Name;

/// Everything `apply` and `reconcile` may take from the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub fold: FoldSettings,
    pub sku_location: SkuLocationSettings,
    pub supplier: SupplierSettings,
    pub demand: DemandSettings,
    pub defaults: PlanningDefaults,
    pub exceptions: ExceptionSettings,
    #[serde(default)]
    pub routing: RoutingSettings,
    #[serde(default)]
    pub cases: CaseSettings,
}

impl Settings {
    /// Whether anything is set for a part of the range or of the network alone.
    pub fn tells_parts_apart(&self) -> bool {
        let rule_does =
            |rule: &super::exception::routing::RoutingRule| rule.path.is_some() || rule.region.is_some();
        !self.exceptions.overrides.is_empty() || self.routing.rules.iter().any(rule_does)
    }
}

/// Bounds that decide which entities hear of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldSettings {
    /// Live entities; an event that needs another one goes to quarantine.
    pub entities_max: usize,
    /// Document lines remembered; the documents not touched for longest are forgotten.
    pub document_index_lines_max: usize,
    /// Events that wait for their document; the one that waited longest goes to quarantine.
    pub holding_events_max: usize,
}

/// Bounds of one SKU-location's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkuLocationSettings {
    /// Stock movements kept per status; a count that needs forgotten ones is refused.
    pub movements_kept_max: usize,
    /// How long movements are kept for late counts.
    pub count_lateness_hours: u32,
    /// How long closed lines stay as tombstones.
    pub lateness_hours: u32,
    /// Closed lines kept; beyond it the oldest go first.
    pub tombstones_max: usize,
    /// Open lines kept per kind of document; a line beyond it is refused (`too_many_lines`).
    pub lines_max: usize,
    /// Future demand periods told apart; demand beyond them counts in the last.
    pub demand_periods_ahead_max: usize,
    /// Buckets of a published forecast.
    pub forecast_buckets_max: usize,
    /// Shipments remembered per line.
    pub shipments_per_line_max: usize,
    /// Days that a projection looks ahead.
    pub projection_days: u32,
}

/// Bounds of one supplier's memory, and how its deliveries are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SupplierSettings {
    /// Lines kept, open and closed; beyond it the oldest closed go first, then new ones are refused.
    pub lines_max: usize,
    /// Relative change of the mean or standard deviation of the lead time that is published.
    pub statistics_publish_change: f64,
    /// Measures of each kind (lead times, lines on time, acknowledgements) that quantiles, shares and drift look at; the
    /// oldest goes first.
    pub receipts_kept_max: usize,
    /// The date against which a line is on time.
    pub otif_against: OtifDate,
    /// Share of the ordered quantity that may be missing of a line in full.
    pub otif_quantity_tolerance: f64,
    /// Days before and after that date that are still on time.
    pub otif_early_days: f64,
    pub otif_late_days: f64,
}

/// The date against which on time in full is measured. There is no standard: it is shown with the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtifDate {
    /// The order's `requested_at`, else the promise it was placed with.
    Requested,
    /// The promise it was placed with, else the latest.
    #[default]
    Promised,
    /// The latest promise.
    Confirmed,
}

impl Default for SupplierSettings {
    fn default() -> SupplierSettings {
        SupplierSettings {
            lines_max: 100_000,
            statistics_publish_change: 0.05,
            receipts_kept_max: 200,
            otif_against: OtifDate::Promised,
            otif_quantity_tolerance: 0.02,
            otif_early_days: 7.0,
            otif_late_days: 1.0,
        }
    }
}

/// The demand model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemandSettings {
    /// Weight of the newest period in the level, 0–1.
    pub alpha: f64,
    /// Weight of the newest error in the error variance, 0–1.
    pub error_alpha: f64,
    /// The demand period where no policy says one.
    pub period_days: u16,
}

/// What holds when nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanningDefaults {
    pub service_level: f64,
    pub review_days: f64,
    pub lead_time_days: f64,
    /// Receipts before a measured lead time is believed.
    pub measured_receipts_min: u32,
}

/// When exceptions are raised, cleared and told anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionSettings {
    /// What is set about each built-in kind.
    pub kinds: KindTable,
    /// What is set otherwise for a part of the range or of the network; the last one that fits wins, value by value.
    pub overrides: Vec<KindOverride>,
    /// An operator's own kinds.
    pub custom: Vec<CustomException>,
    /// Share by which the value at risk, or the number of affected exceptions, must move to be told anew at once.
    pub update_value_change: f64,
    /// An open exception is told anew after that long, if anything about it changed.
    pub update_interval_minutes: u32,
    /// Value at risk in base currency from which severity is medium, high or critical.
    pub severity_value_medium: f64,
    pub severity_value_high: f64,
    pub severity_value_critical: f64,
    /// The time that working on such an exception usually takes; urgency is measured against it.
    pub urgency_case_hours: f64,
    /// Windows that are no further apart are one exception.
    pub merge_window_hours: f64,
    /// Whether what one cause leads to is grouped under it.
    pub group_by_cause: bool,
}

/// The settings of every built-in kind, by its place among them; on paper by name.
#[derive(Clone, Debug, PartialEq)]
pub struct KindTable(Box<[KindSettings]>);

impl KindTable {
    /// What is set about a built-in kind.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&KindSettings> {
        self.0.get(index)
    }

    /// Sets it.
    pub fn set(&mut self, kind: &ExceptionType, settings: KindSettings) {
        if let Some(slot) = kind.index().and_then(|index| self.0.get_mut(index)) {
            *slot = settings;
        }
    }
}

impl Default for KindTable {
    fn default() -> KindTable {
        KindTable(ExceptionType::BUILT_IN.iter().map(KindSettings::of).collect())
    }
}

impl Serialize for KindTable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(ExceptionType::BUILT_IN.iter().zip(&*self.0))
    }
}

impl<'de> Deserialize<'de> for KindTable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<KindTable, D::Error> {
        let named = std::collections::BTreeMap::<Name, KindSettings>::deserialize(deserializer)?;
        let mut table = KindTable::default();
        for (name, settings) in named {
            if let Some(kind) = ExceptionType::parse(&name) {
                table.set(&kind, settings);
            }
        }
        Ok(table)
    }
}

/// What a part of the range or of the network is set otherwise. What it does not name fits everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KindOverride {
    /// The kinds it is about; all if empty.
    pub types: Vec<ExceptionType>,
    pub part: SegmentSelector,
    pub enabled: Option<bool>,
    pub raise: Option<f64>,
    pub clear: Option<f64>,
    pub minimum: Option<f64>,
    pub days: Option<f64>,
    pub consecutive_periods: Option<u16>,
    pub quiet_hours: Option<f64>,
}

/// A part of the range or of the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SegmentSelector {
    /// The beginning of the item's hierarchy, joined by `/`.
    pub path: Option<String>,
    /// The beginning of the location's hierarchy, joined by `/`.
    pub region: Option<String>,
    /// The item's attribute `abc`.
    pub abc: Option<Name>,
    /// The item's attribute `xyz`, else what the demand's coefficient of variation says.
    pub xyz: Option<Name>,
    pub location: Option<Name>,
    pub sku: Option<Name>,
    pub supplier: Option<Name>,
}

/// Where in the range and in the network something is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    pub item_path: &'a [Name],
    pub location_path: &'a [Name],
    pub abc: Option<&'a str>,
    pub xyz: Option<&'a str>,
    pub location: Option<&'a str>,
    pub sku: Option<&'a str>,
    pub supplier: Option<&'a str>,
}

impl Segment<'_> {
    /// Whether a hierarchy begins with the levels that stand in `prefix`, joined by `/`.
    pub fn begins_with(path: &[Name], prefix: &str) -> bool {
        let mut rest = prefix;
        for level in path {
            match rest.strip_prefix(level.as_str()) {
                Some("") => return true,
                Some(after) => match after.strip_prefix('/') {
                    Some(after) => rest = after,
                    None => return false,
                },
                None => return false,
            }
        }
        false
    }

    fn is_in(&self, part: &SegmentSelector) -> bool {
        let is = |wanted: &Option<Name>, here: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| here == Some(wanted.as_str()))
        };
        part.path.as_ref().is_none_or(|path| Segment::begins_with(self.item_path, path))
            && part.region.as_ref().is_none_or(|region| Segment::begins_with(self.location_path, region))
            && is(&part.abc, self.abc)
            && is(&part.xyz, self.xyz)
            && is(&part.location, self.location)
            && is(&part.sku, self.sku)
            && is(&part.supplier, self.supplier)
    }
}

/// One of an operator's own kinds: a condition over what a SKU-location or a supplier shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomException {
    /// `custom.NAME`.
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    pub about: CustomSubject,
    /// Holds it should be raised, in CEL over the fields of the subject's view.
    pub condition: String,
    /// Holds it clears; without one it clears when `condition` does not hold.
    pub clear: Option<String>,
    /// A sentence for people.
    pub title: String,
    pub severity: Severity,
    pub enabled: bool,
    pub consecutive_periods: u16,
    pub quiet_hours: f64,
}

/// What an operator's own kind looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomSubject {
    SkuLocation,
    Supplier,
}

impl ExceptionSettings {
    /// What is set about a kind for something in that segment.
    #[inline]
    pub fn kind(&self, kind: &ExceptionType, segment: &Segment<'_>) -> KindSettings {
        // Asked for every kind with every reconcile, and most configurations override nothing.
        match kind.index().and_then(|index| self.kinds.get(index)) {
            Some(settings) if self.overrides.is_empty() => *settings,
            _ => self.kind_overridden(kind, segment),
        }
    }

    fn kind_overridden(&self, kind: &ExceptionType, segment: &Segment<'_>) -> KindSettings {
        let mut settings = match kind.index() {
            Some(index) => self.kinds.get(index).copied().unwrap_or_else(|| KindSettings::of(kind)),
            None => self.custom.iter().find(|own| own.exception_type == *kind).map_or_else(
                || KindSettings { enabled: false, ..KindSettings::of(kind) },
                |own| KindSettings {
                    enabled: own.enabled,
                    consecutive_periods: own.consecutive_periods,
                    quiet_hours: own.quiet_hours,
                    ..KindSettings::of(kind)
                },
            ),
        };
        for other in &self.overrides {
            if (other.types.is_empty() || other.types.contains(kind)) && segment.is_in(&other.part) {
                let KindOverride {
                    types: _,
                    part: _,
                    enabled,
                    raise,
                    clear,
                    minimum,
                    days,
                    consecutive_periods,
                    quiet_hours,
                } = other;
                settings = KindSettings {
                    enabled: enabled.unwrap_or(settings.enabled),
                    raise: raise.unwrap_or(settings.raise),
                    clear: clear.unwrap_or(settings.clear),
                    minimum: minimum.unwrap_or(settings.minimum),
                    days: days.unwrap_or(settings.days),
                    consecutive_periods: consecutive_periods.unwrap_or(settings.consecutive_periods),
                    quiet_hours: quiet_hours.unwrap_or(settings.quiet_hours),
                };
            }
        }
        settings
    }
}

impl Default for ExceptionSettings {
    fn default() -> ExceptionSettings {
        ExceptionSettings {
            kinds: KindTable::default(),
            overrides: Vec::new(),
            custom: Vec::new(),
            update_value_change: 0.1,
            update_interval_minutes: 60,
            severity_value_medium: 100.0,
            severity_value_high: 1_000.0,
            severity_value_critical: 10_000.0,
            urgency_case_hours: 24.0,
            merge_window_hours: 24.0,
            group_by_cause: true,
        }
    }
}

/// What decisions cost, who may approve them, and how long what was approved is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseSettings {
    /// The role that approves an action of a kind; `admin` always may.
    pub approves_order: Name,
    pub approves_expedite: Name,
    pub approves_transfer: Name,
    /// Also that nothing is done.
    pub approves_custom: Name,
    /// The system of record that carries out an action of a kind.
    pub target_order: Name,
    pub target_expedite: Name,
    pub target_transfer: Name,
    pub target_custom: Name,
    /// Hours until an option must be chosen, and until the next team of `escalate_to` is told where nobody did.
    pub decide_within_hours: f64,
    /// The teams that get a case in which nobody chooses, one after the other.
    pub escalate_to: Vec<Name>,
    /// Hours after which the options of a case in which nothing is chosen are computed anew.
    pub options_max_age_hours: f64,
    /// Hours from the choice until it must be approved; then the case expires.
    pub approve_within_hours: f64,
    /// Hours after its expected arrival at which planned supply that nobody confirmed stops counting.
    pub action_expires_hours: f64,
    /// What one order costs, in base currency.
    pub order_cost: f64,
    /// What expediting costs, as a share of the value of what is expedited.
    pub expedite_cost_share: f64,
    /// Share of its lead time or remaining time that an expedited delivery takes.
    pub expedite_time_share: f64,
    /// What a unit short costs beside its margin, as a share of its price.
    pub shortage_penalty_share: f64,
    /// Share of unserved demand that comes back later.
    pub recapture_share: f64,
    /// What it costs to hold stock for a year, as a share of its value.
    pub carrying_cost_share: f64,
    /// Handling of a transfer, in base currency.
    pub transfer_handling_cost: f64,
    /// Days beyond lead time and review period for which options are compared: an order placed now helps only then.
    pub compare_days_beyond: f64,
    /// Donor locations looked at for one shortage.
    pub donors_max: usize,
    /// Options that a case keeps, a person's own included.
    pub options_max: usize,
    /// Entries that timeline and comments keep.
    pub timeline_max: usize,
    /// Exceptions of a case; further ones are decided elsewhere.
    pub exceptions_max: usize,
    /// Bytes of a case as its records hold it: beyond them what was said first is let go of, and what adds to it is refused.
    pub bytes_max: usize,
    /// Share by which the value at risk must move for votes to be void and options to be computed anew.
    pub facts_moved_share: f64,
}

impl Default for CaseSettings {
    fn default() -> CaseSettings {
        CaseSettings {
            approves_order: Name::const_new("supply_planner"),
            approves_expedite: Name::const_new("supply_planner"),
            approves_transfer: Name::const_new("planner"),
            approves_custom: Name::const_new("category_manager"),
            target_order: Name::const_new("erp"),
            target_expedite: Name::const_new("erp"),
            target_transfer: Name::const_new("erp"),
            target_custom: Name::const_new("erp"),
            decide_within_hours: 24.0,
            escalate_to: vec![Name::const_new("management")],
            options_max_age_hours: 24.0,
            approve_within_hours: 48.0,
            action_expires_hours: 72.0,
            order_cost: 50.0,
            expedite_cost_share: 0.1,
            expedite_time_share: 0.5,
            shortage_penalty_share: 0.1,
            recapture_share: 0.2,
            carrying_cost_share: 0.2,
            transfer_handling_cost: 25.0,
            compare_days_beyond: 7.0,
            donors_max: 50,
            options_max: 32,
            timeline_max: 200,
            exceptions_max: 200,
            bytes_max: 1 << 20,
            facts_moved_share: 0.25,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            fold: FoldSettings {
                entities_max: 5_000_000,
                document_index_lines_max: 5_000_000,
                holding_events_max: 100_000,
            },
            sku_location: SkuLocationSettings {
                movements_kept_max: 512,
                count_lateness_hours: 48,
                lateness_hours: 48,
                tombstones_max: 256,
                lines_max: 4_096,
                demand_periods_ahead_max: 64,
                forecast_buckets_max: 400,
                shipments_per_line_max: 8,
                projection_days: 90,
            },
            supplier: SupplierSettings::default(),
            demand: DemandSettings { alpha: 0.1, error_alpha: 0.1, period_days: 1 },
            defaults: PlanningDefaults {
                service_level: 0.95,
                review_days: 0.0,
                lead_time_days: 7.0,
                measured_receipts_min: 5,
            },
            exceptions: ExceptionSettings::default(),
            routing: RoutingSettings::default(),
            cases: CaseSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<Name> {
        text.split('/').map(Name::from).collect()
    }

    #[test]
    fn a_path_begins_with_whole_levels() {
        let drinks = path("Food/Drinks/Beer");
        for (prefix, expected) in [
            ("Food", true),
            ("Food/Drinks", true),
            ("Food/Drinks/Beer", true),
            ("Food/Dri", false),
            ("Food/Drinks/Beer/Pils", false),
            ("Drinks", false),
            ("", false),
        ] {
            assert_eq!(Segment::begins_with(&drinks, prefix), expected, "{prefix}");
        }
    }

    #[test]
    fn the_last_override_that_fits_wins_value_by_value() {
        let kind = ExceptionType::ProjectedStockout;
        let of = |part: SegmentSelector, raise, clear| KindOverride {
            types: vec![kind.clone()],
            part,
            raise,
            clear,
            ..KindOverride::default()
        };
        let region =
            |text: &str| SegmentSelector { region: Some(text.to_owned()), ..SegmentSelector::default() };
        let abc = SegmentSelector { abc: Some("A".into()), ..SegmentSelector::default() };
        let settings = ExceptionSettings {
            overrides: vec![of(region("North"), Some(0.7), Some(0.6)), of(abc, Some(0.4), None)],
            ..ExceptionSettings::default()
        };
        let north = path("North/Oslo");
        let values = |segment: Segment<'_>| {
            let settings = settings.kind(&kind, &segment);
            (settings.raise, settings.clear)
        };
        assert_eq!(values(Segment::default()), (0.5, 0.3));
        assert_eq!(values(Segment { location_path: &north, ..Segment::default() }), (0.7, 0.6));
        assert_eq!(
            values(Segment { location_path: &north, abc: Some("A"), ..Segment::default() }),
            (0.4, 0.6)
        );
        let other = settings.kind(&ExceptionType::Excess, &Segment { abc: Some("A"), ..Segment::default() });
        assert_eq!(other, KindSettings::of(&ExceptionType::Excess));
    }

    #[test]
    fn settings_survive_json_and_unknown_kinds_stay_out() {
        let settings = Settings::default();
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        let table: KindTable = serde_json::from_str("{}").unwrap();
        assert_eq!(table, KindTable::default());
    }
}
