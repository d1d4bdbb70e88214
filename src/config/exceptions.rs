//! When an exception is raised, updated and cleared, and how it is ranked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::reader::Section;

/// `[exceptions]`: what all kinds share, and a table for each kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionsConfig {
    /// The relative change of the value at risk that updates an open exception, 0.001–10.
    pub update_value_change: f64,
    /// Minutes after which any change updates an open exception, 1–10,080.
    pub update_interval_minutes: u32,
    /// Hours that such a case takes, 1–720: urgency is the time left to decide measured against it.
    pub urgency_case_hours: u32,
    /// `[exceptions.severity]`: the value at risk that makes an exception severe.
    pub severity: SeverityConfig,
    /// `[exceptions.shortage_now]`.
    pub shortage_now: ShortageNowConfig,
    /// `[exceptions.projected_stockout]`.
    pub projected_stockout: ProjectedStockoutConfig,
    /// `[exceptions.missing_master_data]`.
    pub missing_master_data: MissingMasterDataConfig,
}

impl ExceptionsConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            update_value_change: section.number("update_value_change", 0.1, 0.001..=10.0),
            update_interval_minutes: section.integer("update_interval_minutes", 60, 1..=10_080),
            urgency_case_hours: section.integer("urgency_case_hours", 24, 1..=720),
            severity: section.table("severity", SeverityConfig::read),
            shortage_now: section.table("shortage_now", ShortageNowConfig::read),
            projected_stockout: section.table("projected_stockout", ProjectedStockoutConfig::read),
            missing_master_data: section.table("missing_master_data", MissingMasterDataConfig::read),
        }
    }
}

/// `[exceptions.severity]`: the value at risk from which on an exception has a severity; below all of them,
/// and without a known value, it is `low`.
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
        let mut amount = |key, units| {
            let allowed = "an amount from 0 to 1000000000 with at most 4 decimals, such as \"1000.00\"";
            section.decimal(key, BaseCurrencyAmount::from_units(units), allowed, |text| text.parse().ok())
        };
        Self {
            value_medium: amount("value_medium", 100),
            value_high: amount("value_high", 1_000),
            value_critical: amount("value_critical", 10_000),
        }
    }
}

/// `[exceptions.shortage_now]`: raised with backorders, or with nothing on hand where there is demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShortageNowConfig {
    /// Whether it is raised at all; one that is open when it is switched off is cleared.
    pub enabled: bool,
    /// Days of demand that must be on hand, beside no backorders, before it clears, 0–365.
    pub clear_days_of_demand: f64,
}

impl ShortageNowConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            enabled: section.boolean("enabled", true),
            clear_days_of_demand: section.number("clear_days_of_demand", 1.0, 0.0..=365.0),
        }
    }
}

/// `[exceptions.projected_stockout]`: raised and cleared by the probability of a stockout over the horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectedStockoutConfig {
    /// Whether it is raised at all; one that is open when it is switched off is cleared.
    pub enabled: bool,
    /// The probability from which on it is raised, 0.01–1.
    pub raise_probability: f64,
    /// The probability at or below which it clears, 0–0.99 and below `raise_probability`.
    pub clear_probability: f64,
}

impl ProjectedStockoutConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            enabled: section.boolean("enabled", true),
            raise_probability: section.number("raise_probability", 0.5, 0.01..=1.0),
            clear_probability: section.number("clear_probability", 0.3, 0.0..=0.99),
        }
    }
}

/// `[exceptions.missing_master_data]`: one per item, location or supplier that nobody described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingMasterDataConfig {
    /// Whether it is raised at all; one that is open when it is switched off is cleared.
    pub enabled: bool,
}

impl MissingMasterDataConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self { enabled: section.boolean("enabled", true) }
    }
}

/// An amount of a tenant's base currency, 0–1,000,000,000, exact to four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseCurrencyAmount {
    ten_thousandths: i64,
}

/// Ten-thousandths in one unit of a currency.
const PER_UNIT: i64 = 10_000;
const UNITS_MAX: i64 = 1_000_000_000;

impl BaseCurrencyAmount {
    const fn from_units(units: i64) -> Self {
        Self { ten_thousandths: units * PER_UNIT }
    }

    /// The amount in units of 0.0001 of the currency.
    #[must_use]
    pub const fn ten_thousandths(self) -> i64 {
        self.ten_thousandths
    }
}

/// The text is no decimal from 0 to 1,000,000,000 with at most four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount from 0 to {UNITS_MAX} with at most 4 decimals")]
pub struct BaseCurrencyAmountError;

impl FromStr for BaseCurrencyAmount {
    type Err = BaseCurrencyAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (units, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(BaseCurrencyAmountError),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if units.is_empty() || decimals.len() > 4 || !digits(units) || !digits(decimals) {
            return Err(BaseCurrencyAmountError);
        }
        let ten_thousandths: i64 =
            format!("{units}{decimals:0<4}").parse().map_err(|_| BaseCurrencyAmountError)?;
        if ten_thousandths > UNITS_MAX * PER_UNIT {
            return Err(BaseCurrencyAmountError);
        }
        Ok(Self { ten_thousandths })
    }
}

impl fmt::Display for BaseCurrencyAmount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:04}", self.ten_thousandths / PER_UNIT, self.ten_thousandths % PER_UNIT)
    }
}

impl Serialize for BaseCurrencyAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BaseCurrencyAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ten_thousandths: Option<i64>) {
        let parsed = text.parse::<BaseCurrencyAmount>().ok();
        assert_eq!(parsed.map(BaseCurrencyAmount::ten_thousandths), ten_thousandths, "{text:?}");
    }

    #[test]
    fn an_amount_is_exact_to_four_decimals() {
        check("0", Some(0));
        check("12.5", Some(125_000));
        check("1000.00", Some(10_000_000));
        check("0.0001", Some(1));
        check("1000000000", Some(10_000_000_000_000));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", ".5", "5.", "-1", "+1", "1.00001", "1e3", "1,000", " 1", "1000000000.0001", "٣"]
        {
            check(text, None);
        }
        check("99999999999999999999", None);
    }
}
