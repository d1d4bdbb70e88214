//! Quantities of goods: exact thousandths, never floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::decimal::{DecimalError, format_scaled, parse_scaled};

/// A quantity in thousandths of a unit. From outside |q| ≤ 1e9 units; sums saturate far above that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

/// Largest magnitude taken from outside, in thousandths.
pub const QUANTITY_MILLI_MAX: i64 = 1_000_000_000 * 1_000;

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(0);

    /// From thousandths of a unit.
    pub const fn from_milli(milli: i64) -> Quantity {
        Quantity(milli)
    }

    /// Whole units.
    pub const fn from_units(units: i64) -> Quantity {
        Quantity(units.saturating_mul(1_000))
    }

    /// Thousandths of a unit.
    pub const fn milli(self) -> i64 {
        self.0
    }

    /// Units as floating point, for statistics only.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Reads a JSON number's text or a decimal string: at most 3 decimals, |q| ≤ 1e9.
    ///
    /// # Errors
    /// [`DecimalError`] says which of the two bounds was broken, or that the text is no decimal.
    pub fn parse(text: &str) -> Result<Quantity, DecimalError> {
        parse_scaled(text, 3, QUANTITY_MILLI_MAX).map(Quantity)
    }

    /// The greater of this and zero.
    pub fn or_zero(self) -> Quantity {
        Quantity(self.0.max(0))
    }

    /// Whether this is above zero.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether this is zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Quantity {
    type Output = Quantity;
    fn add(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_add(other.0))
    }
}

impl Sub for Quantity {
    type Output = Quantity;
    fn sub(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_sub(other.0))
    }
}

impl Neg for Quantity {
    type Output = Quantity;
    fn neg(self) -> Quantity {
        Quantity(self.0.saturating_neg())
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Quantity) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Quantity) {
        *self = *self - other;
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(iter: I) -> Quantity {
        iter.fold(Quantity::ZERO, Add::add)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_scaled(self.0, 3, 0))
    }
}

impl Serialize for Quantity {
    /// A JSON number without trailing zeros; milli-units in formats that are not for reading.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            serializer.serialize_i64(self.0)
        } else if self.0 % 1_000 == 0 {
            serializer.serialize_i64(self.0 / 1_000)
        } else {
            // The nearest double of at most 15 significant digits prints back as those digits.
            serializer.serialize_f64(self.0 as f64 / 1_000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    /// A JSON number or a decimal string. Reads the number's text, so that no digit is lost: of the formats for reading
    /// it works with `serde_json` only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Quantity);
        }
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Quantity::parse(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_strings_exactly() {
        for (text, milli) in [
            ("1", 1_000),
            ("-0.5", -500),
            ("\"12.345\"", 12_345),
            ("1e3", 1_000_000),
            ("2.5000", 2_500),
            ("15e-1", 1_500),
        ] {
            assert_eq!(
                serde_json::from_str::<Quantity>(text).unwrap(),
                Quantity::from_milli(milli),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_it_cannot_hold_exactly() {
        assert_eq!(Quantity::parse("0.0001"), Err(DecimalError::TooPrecise));
        assert_eq!(Quantity::parse("1.00000000000000000001"), Err(DecimalError::TooPrecise));
        assert_eq!(Quantity::parse("1000000000.001"), Err(DecimalError::OutOfRange));
        assert_eq!(Quantity::parse("1e400"), Err(DecimalError::OutOfRange));
        for bad in ["", "NaN", "Infinity", "1,5", "0x1", "--1", "1e", "."] {
            assert_eq!(Quantity::parse(bad), Err(DecimalError::NotADecimal), "{bad:?}");
        }
    }

    #[test]
    fn goes_out_without_trailing_zeros() {
        for (milli, text) in
            [(1_000, "1"), (1_500, "1.5"), (-125, "-0.125"), (0, "0"), (999_999_999_999, "999999999.999")]
        {
            assert_eq!(serde_json::to_string(&Quantity::from_milli(milli)).unwrap(), text);
        }
    }
}
