//! Amounts of money in the tenant's base currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::reader::Section;

/// An amount of a tenant's base currency, 0–1,000,000,000, exact to four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseCurrencyAmount {
    ten_thousandths: i64,
}

const ALLOWED: &str = "an amount from 0 to 1000000000 with at most 4 decimals, such as \"1000.00\"";

/// Ten-thousandths in one unit of a currency.
const PER_UNIT: i64 = 10_000;
const UNITS_MAX: i64 = 1_000_000_000;

impl BaseCurrencyAmount {
    pub(super) const fn from_units(units: i64) -> Self {
        Self { ten_thousandths: units * PER_UNIT }
    }

    /// The amount at `key`.
    pub(super) fn read(section: &mut Section<'_, '_>, key: &'static str, default: Self) -> Self {
        section.decimal(key, default, ALLOWED, |text| text.parse().ok())
    }

    /// The amount at `key`; `None` if it is left out.
    pub(super) fn read_optional(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.decimal(key, None, ALLOWED, |text| text.parse().ok().map(Some))
    }

    /// The amount in units of 0.0001 of the currency.
    #[must_use]
    pub const fn ten_thousandths(self) -> i64 {
        self.ten_thousandths
    }

    /// The amount in units of the currency, for comparisons.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.ten_thousandths as f64 / PER_UNIT as f64
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
