//! The catalogue of exceptions: every kind with what its thresholds mean and their sound defaults.
//!
//! What raises and clears a kind stands with the entity that raises it, in a file of its own; here is what an
//! operator can set about it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::ids::Name;

/// A kind of exception.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExceptionType {
    ShortageNow,
    ProjectedStockout,
    BelowSafetyStock,
    Excess,
    DeadStock,
    ExpiryBeforeUse,
    NegativeStock,
    StockMismatch,
    DemandSpike,
    DemandDrop,
    ForecastBias,
    ForecastAccuracy,
    PromotionUncovered,
    PromotionOffPlan,
    OrderAtRisk,
    AllocationShortage,
    PurchaseLate,
    PurchaseLatePredicted,
    ReceiptPartial,
    AcknowledgementMissing,
    AcknowledgementDiffers,
    LeadTimeDrift,
    SupplierUnreliable,
    CapacityExceeded,
    SingleSource,
    TransferLate,
    ActionUnconfirmed,
    ActionRefused,
    ReconciliationMismatch,
    FeedStale,
    MissingMasterData,
    DataQuality,
    /// One of an operator's own, by its full name: `custom.NAME`.
    Custom(Name),
}

/// How the names of an operator's own kinds begin.
pub const CUSTOM_PREFIX: &str = "custom.";

/// What a threshold of a kind means, its default and what is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub default: f64,
    pub min: f64,
    pub max: f64,
    /// What it is measured in, for people.
    pub unit: &'static str,
}

/// What can be set about a kind. A threshold that a kind does not have is `None`, and setting it is a mistake.
#[derive(Clone, Copy, Debug)]
pub struct KindDefinition {
    pub name: &'static str,
    /// From here on it is raised.
    pub raise: Option<Threshold>,
    /// From here on (in the other direction) it clears.
    pub clear: Option<Threshold>,
    /// Below this it is not worth raising.
    pub minimum: Option<Threshold>,
    /// A span of time that the condition looks at.
    pub days: Option<Threshold>,
    /// Demand periods (for suppliers and feeds: days) in a row for which the condition must hold.
    pub consecutive_periods: u16,
    /// Hours after clearing in which the same trouble reopens the same exception.
    pub quiet_hours: f64,
}

const fn at(default: f64, min: f64, max: f64, unit: &'static str) -> Option<Threshold> {
    Some(Threshold { default, min, max, unit })
}

const fn kind(name: &'static str) -> KindDefinition {
    KindDefinition {
        name,
        raise: None,
        clear: None,
        minimum: None,
        days: None,
        consecutive_periods: 1,
        quiet_hours: 24.0,
    }
}

/// Every built-in kind in the order of [`ExceptionType::BUILT_IN`].
const DEFINITIONS: [KindDefinition; 32] = [
    KindDefinition { clear: at(1.0, 0.0, 365.0, "days of demand on hand"), ..kind("shortage_now") },
    KindDefinition {
        raise: at(0.5, 0.01, 1.0, "probability"),
        clear: at(0.3, 0.0, 0.99, "probability"),
        days: at(365.0, 0.0, 365.0, "days of the review period looked at, beside the lead time"),
        ..kind("projected_stockout")
    },
    KindDefinition {
        raise: at(0.5, 0.0, 1.0, "share of the safety stock"),
        clear: at(1.0, 0.0, 10.0, "share of the safety stock"),
        minimum: at(1.0, 0.0, 1e9, "units of safety stock"),
        consecutive_periods: 2,
        quiet_hours: 72.0,
        ..kind("below_safety_stock")
    },
    KindDefinition {
        raise: at(1.5, 1.0, 1_000.0, "multiple of the target maximum"),
        clear: at(1.2, 0.0, 1_000.0, "multiple of the target maximum"),
        minimum: at(1.0, 0.0, 1e9, "units beyond the target"),
        consecutive_periods: 7,
        quiet_hours: 336.0,
        ..kind("excess")
    },
    KindDefinition {
        minimum: at(1.0, 0.0, 1e9, "units on hand"),
        days: at(180.0, 1.0, 3_650.0, "days without demand"),
        quiet_hours: 168.0,
        ..kind("dead_stock")
    },
    KindDefinition {
        raise: at(1.0, 0.001, 1e9, "units that will expire unused"),
        clear: at(0.0, 0.0, 1e9, "units that will expire unused"),
        ..kind("expiry_before_use")
    },
    kind("negative_stock"),
    KindDefinition {
        raise: at(0.1, 0.0, 1_000.0, "difference as a share of the book stock"),
        clear: at(0.05, 0.0, 1_000.0, "difference as a share of the book stock"),
        minimum: at(5.0, 0.0, 1e9, "units of difference"),
        days: at(14.0, 0.01, 365.0, "days after which it clears without another count"),
        ..kind("stock_mismatch")
    },
    KindDefinition {
        raise: at(4.0, 0.5, 100.0, "standard deviations of the forecast error"),
        clear: at(1.0, 0.0, 100.0, "standard deviations of the forecast error"),
        minimum: at(10.0, 0.0, 1e9, "units beyond the forecast in a period"),
        quiet_hours: 168.0,
        ..kind("demand_spike")
    },
    KindDefinition {
        raise: at(2.5, 0.5, 100.0, "standard deviations of the forecast error"),
        clear: at(0.5, 0.0, 100.0, "standard deviations of the forecast error"),
        minimum: at(10.0, 0.0, 1e9, "units short of the forecast in a period"),
        consecutive_periods: 2,
        quiet_hours: 168.0,
        ..kind("demand_drop")
    },
    KindDefinition {
        raise: at(0.6, 0.05, 1.0, "Trigg's tracking signal"),
        clear: at(0.3, 0.0, 1.0, "Trigg's tracking signal"),
        minimum: at(12.0, 2.0, 1_000.0, "demand periods measured"),
        consecutive_periods: 2,
        quiet_hours: 336.0,
        ..kind("forecast_bias")
    },
    KindDefinition {
        raise: at(1.0, 0.01, 100.0, "weighted absolute percentage error"),
        clear: at(0.7, 0.0, 100.0, "weighted absolute percentage error"),
        minimum: at(12.0, 2.0, 1_000.0, "demand periods measured"),
        consecutive_periods: 2,
        quiet_hours: 336.0,
        ..kind("forecast_accuracy")
    },
    KindDefinition {
        raise: at(0.1, 0.0, 1.0, "share of the promotion's demand without stock"),
        clear: at(0.02, 0.0, 1.0, "share of the promotion's demand without stock"),
        days: at(21.0, 0.0, 365.0, "days before its start"),
        ..kind("promotion_uncovered")
    },
    KindDefinition {
        raise: at(0.5, 0.01, 100.0, "difference as a share of the demand planned so far"),
        clear: at(0.25, 0.0, 100.0, "difference as a share of the demand planned so far"),
        minimum: at(10.0, 0.0, 1e9, "units planned so far"),
        quiet_hours: 72.0,
        ..kind("promotion_off_plan")
    },
    KindDefinition {
        raise: at(0.5, 0.01, 1.0, "probability that it can't be covered"),
        clear: at(0.3, 0.0, 0.99, "probability that it can't be covered"),
        days: at(7.0, 0.0, 365.0, "days ahead"),
        ..kind("order_at_risk")
    },
    KindDefinition {
        raise: at(1.0, 0.001, 1e9, "units ordered beyond what there will be"),
        minimum: at(2.0, 2.0, 1e6, "orders that compete"),
        days: at(7.0, 0.0, 365.0, "days ahead"),
        ..kind("allocation_shortage")
    },
    KindDefinition { raise: at(0.0, 0.0, 365.0, "days after the promise"), ..kind("purchase_late") },
    KindDefinition {
        raise: at(1.0, 0.01, 365.0, "days that it is expected after its promise"),
        clear: at(0.25, 0.0, 365.0, "days that it is expected after its promise"),
        ..kind("purchase_late_predicted")
    },
    KindDefinition {
        raise: at(0.02, 0.0, 1.0, "share of the line that is missing"),
        days: at(2.0, 0.0, 365.0, "days after the last receipt"),
        ..kind("receipt_partial")
    },
    KindDefinition {
        raise: at(48.0, 0.1, 8_760.0, "hours, where the supplier's description says none"),
        ..kind("acknowledgement_missing")
    },
    KindDefinition {
        raise: at(0.02, 0.0, 1.0, "share by which a quantity differs"),
        days: at(1.0, 0.0, 365.0, "days by which a date is later"),
        ..kind("acknowledgement_differs")
    },
    KindDefinition {
        raise: at(0.3, 0.01, 100.0, "change of the recent lead time as a share"),
        clear: at(0.15, 0.0, 100.0, "change of the recent lead time as a share"),
        minimum: at(8.0, 3.0, 10_000.0, "receipts"),
        quiet_hours: 336.0,
        ..kind("lead_time_drift")
    },
    KindDefinition {
        raise: at(0.8, 0.0, 1.0, "share of lines on time and in full, at or below"),
        clear: at(0.85, 0.0, 1.0, "share of lines on time and in full, at or above"),
        minimum: at(10.0, 1.0, 10_000.0, "lines measured"),
        quiet_hours: 336.0,
        ..kind("supplier_unreliable")
    },
    KindDefinition {
        raise: at(1.0, 0.01, 100.0, "open load as a share of the capacity"),
        clear: at(0.9, 0.0, 100.0, "open load as a share of the capacity"),
        minimum: at(5.0, 1.0, 10_000.0, "receipts from which the normal throughput is known"),
        days: at(7.0, 1.0, 365.0, "days of load looked at"),
        ..kind("capacity_exceeded")
    },
    KindDefinition {
        minimum: at(1.0, 1.0, 1e9, "SKU-locations without another source"),
        quiet_hours: 168.0,
        ..kind("single_source")
    },
    KindDefinition { raise: at(0.0, 0.0, 365.0, "days after the promise"), ..kind("transfer_late") },
    KindDefinition { raise: at(24.0, 0.01, 8_760.0, "hours after delivery"), ..kind("action_unconfirmed") },
    kind("action_refused"),
    KindDefinition {
        raise: at(0.0, 0.0, 1.0, "share by which the document's quantity differs"),
        days: at(1.0, 0.0, 365.0, "days by which its date differs"),
        ..kind("reconciliation_mismatch")
    },
    KindDefinition {
        raise: at(4.0, 1.0, 10_000.0, "multiple of the usual time between events"),
        minimum: at(20.0, 2.0, 1e6, "events from which the usual time is known"),
        days: at(0.25, 0.0, 365.0, "days of silence that are never too long"),
        ..kind("feed_stale")
    },
    kind("missing_master_data"),
    KindDefinition {
        raise: at(2.0, 1.1, 1_000.0, "multiple of the usual volume of a period"),
        clear: at(1.5, 1.0, 1_000.0, "multiple of the usual volume of a period"),
        minimum: at(8.0, 2.0, 10_000.0, "periods from which the usual volume is known"),
        days: at(14.0, 0.01, 365.0, "days after which a receipt that nobody announced clears"),
        ..kind("data_quality")
    },
];

/// What can be set about an operator's own kinds; whether they hold is a condition.
const CUSTOM: KindDefinition = kind("custom");

impl ExceptionType {
    /// Every built-in kind.
    pub const BUILT_IN: [ExceptionType; 32] = {
        use ExceptionType::*;
        [
            ShortageNow,
            ProjectedStockout,
            BelowSafetyStock,
            Excess,
            DeadStock,
            ExpiryBeforeUse,
            NegativeStock,
            StockMismatch,
            DemandSpike,
            DemandDrop,
            ForecastBias,
            ForecastAccuracy,
            PromotionUncovered,
            PromotionOffPlan,
            OrderAtRisk,
            AllocationShortage,
            PurchaseLate,
            PurchaseLatePredicted,
            ReceiptPartial,
            AcknowledgementMissing,
            AcknowledgementDiffers,
            LeadTimeDrift,
            SupplierUnreliable,
            CapacityExceeded,
            SingleSource,
            TransferLate,
            ActionUnconfirmed,
            ActionRefused,
            ReconciliationMismatch,
            FeedStale,
            MissingMasterData,
            DataQuality,
        ]
    };

    /// Its place among the built-in kinds; `None` for an operator's own.
    #[inline]
    pub fn index(&self) -> Option<usize> {
        use ExceptionType::*;
        // Asked for every kind with every reconcile: no search.
        Some(match self {
            ShortageNow => 0,
            ProjectedStockout => 1,
            BelowSafetyStock => 2,
            Excess => 3,
            DeadStock => 4,
            ExpiryBeforeUse => 5,
            NegativeStock => 6,
            StockMismatch => 7,
            DemandSpike => 8,
            DemandDrop => 9,
            ForecastBias => 10,
            ForecastAccuracy => 11,
            PromotionUncovered => 12,
            PromotionOffPlan => 13,
            OrderAtRisk => 14,
            AllocationShortage => 15,
            PurchaseLate => 16,
            PurchaseLatePredicted => 17,
            ReceiptPartial => 18,
            AcknowledgementMissing => 19,
            AcknowledgementDiffers => 20,
            LeadTimeDrift => 21,
            SupplierUnreliable => 22,
            CapacityExceeded => 23,
            SingleSource => 24,
            TransferLate => 25,
            ActionUnconfirmed => 26,
            ActionRefused => 27,
            ReconciliationMismatch => 28,
            FeedStale => 29,
            MissingMasterData => 30,
            DataQuality => 31,
            Custom(_) => return None,
        })
    }

    /// What can be set about it.
    pub fn definition(&self) -> &'static KindDefinition {
        self.index().map_or(&CUSTOM, |index| &DEFINITIONS[index])
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            ExceptionType::Custom(name) => name,
            built_in => built_in.definition().name,
        }
    }

    /// The kind of that name; any `custom.NAME` is one.
    pub fn parse(name: &str) -> Option<ExceptionType> {
        if name.strip_prefix(CUSTOM_PREFIX).is_some_and(|own| !own.is_empty()) {
            return Some(ExceptionType::Custom(Name::from(name)));
        }
        DEFINITIONS
            .iter()
            .position(|definition| definition.name == name)
            .map(|index| Self::BUILT_IN[index].clone())
    }
}

impl fmt::Display for ExceptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ExceptionType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ExceptionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ExceptionType, D::Error> {
        let name = Name::deserialize(deserializer)?;
        ExceptionType::parse(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no kind of exception")))
    }
}

/// What is set about one kind. A threshold that the kind does not have is 0 and is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindSettings {
    pub enabled: bool,
    pub raise: f64,
    pub clear: f64,
    pub minimum: f64,
    pub days: f64,
    pub consecutive_periods: u16,
    pub quiet_hours: f64,
}

impl KindSettings {
    /// The defaults of a kind.
    pub fn of(kind: &ExceptionType) -> KindSettings {
        let definition = kind.definition();
        let default = |threshold: Option<Threshold>| threshold.map_or(0.0, |threshold| threshold.default);
        KindSettings {
            enabled: true,
            raise: default(definition.raise),
            clear: default(definition.clear),
            minimum: default(definition.minimum),
            days: default(definition.days),
            consecutive_periods: definition.consecutive_periods,
            quiet_hours: definition.quiet_hours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_definition_of_its_own_name() {
        for (index, kind) in ExceptionType::BUILT_IN.iter().enumerate() {
            assert_eq!(kind.index(), Some(index));
            // `ShortageNow` is `shortage_now`.
            let camel: String = kind
                .as_str()
                .split('_')
                .flat_map(|word| {
                    word[..1].to_uppercase().chars().chain(word[1..].chars()).collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(camel, format!("{kind:?}"));
            assert_eq!(ExceptionType::parse(kind.as_str()).as_ref(), Some(kind));
        }
        let own = ExceptionType::parse("custom.too_warm").unwrap();
        assert_eq!((own.as_str(), own.index()), ("custom.too_warm", None));
        for unknown in ["custom.", "custom", "", "ShortageNow"] {
            assert_eq!(ExceptionType::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn defaults_are_allowed_values_and_no_kind_clears_where_it_is_raised() {
        for kind in &ExceptionType::BUILT_IN {
            let definition = kind.definition();
            for threshold in [definition.raise, definition.clear, definition.minimum, definition.days]
                .into_iter()
                .flatten()
            {
                assert!((threshold.min..=threshold.max).contains(&threshold.default), "{kind}");
            }
            if let (Some(raise), Some(clear)) = (definition.raise, definition.clear) {
                assert!(raise.default != clear.default, "{kind}");
            }
        }
    }
}
