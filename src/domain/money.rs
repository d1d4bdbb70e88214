//! Money: exact, always with its currency.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use super::decimal::{DecimalError, format_scaled, parse_scaled};
use super::quantity::Quantity;

/// An ISO 4217 alphabetic code: three ASCII capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads a three-letter code; `None` if it is not three ASCII capitals.
    pub fn parse(text: &str) -> Option<Currency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Currency(bytes))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        #[allow(clippy::expect_used, reason = "only three ASCII capitals become a currency")]
        std::str::from_utf8(&self.0).expect("a currency is three ASCII capitals")
    }

    /// Decimals of the currency's minor unit (ISO 4217, list one, for those that differ from 2).
    pub fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = compact_str::CompactString::deserialize(deserializer)?;
        Currency::parse(&text).ok_or_else(|| de::Error::custom("is not a currency code of three capitals"))
    }
}

/// A price or cost of one unit, in ten-thousandths of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitPrice(i64);

/// Largest price magnitude taken from outside, in ten-thousandths.
pub const UNIT_PRICE_MAX: i64 = 1_000_000_000 * 10_000;

impl UnitPrice {
    /// From ten-thousandths.
    pub const fn from_ten_thousandths(value: i64) -> UnitPrice {
        UnitPrice(value)
    }

    /// Ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Reads a JSON number's text or a decimal string: at most 4 decimals, |p| ≤ 1e9.
    ///
    /// # Errors
    /// [`DecimalError`].
    pub fn parse(text: &str) -> Result<UnitPrice, DecimalError> {
        parse_scaled(text, 4, UNIT_PRICE_MAX).map(UnitPrice)
    }

    /// As a number for formulas.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 10_000.0
    }

    /// What a quantity costs, rounded half to even to ten-thousandths.
    pub fn times(self, quantity: Quantity, currency: Currency) -> Money {
        Money::of_units(i128::from(self.0), 1, quantity, currency)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_scaled(self.0, 4, 2))
    }
}

impl Serialize for UnitPrice {
    /// A decimal string with 2 to 4 decimals; ten-thousandths in formats that are not for reading.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_i64(self.0);
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnitPrice {
    /// A JSON number or a decimal string, read from its text: of the formats for reading it works with `serde_json`
    /// only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(UnitPrice);
        }
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        UnitPrice::parse(text).map_err(de::Error::custom)
    }
}

/// An amount in one currency, held in ten-thousandths, shown in the currency's minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    ten_thousandths: i64,
    currency: Currency,
}

impl Money {
    /// From ten-thousandths of a currency.
    pub const fn from_ten_thousandths(ten_thousandths: i64, currency: Currency) -> Money {
        Money { ten_thousandths, currency }
    }

    /// What a quantity is worth at `per_unit`, in ten-thousandths of the currency divided by `parts` (1 to 1e12), rounded
    /// half to even to ten-thousandths once, after all of it is multiplied: what one unit is worth may be less than that.
    pub(super) fn of_units(per_unit: i128, parts: i128, quantity: Quantity, currency: Currency) -> Money {
        // What is too large for this is too large for an amount, however many parts.
        let product = per_unit.saturating_mul(i128::from(quantity.milli()));
        Money { ten_thousandths: clamp(divide_half_even(product, parts * 1_000)), currency }
    }

    /// Ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.ten_thousandths
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount as floating point: for comparisons and rankings in statistics only.
    pub fn as_f64(self) -> f64 {
        self.ten_thousandths as f64 / 10_000.0
    }
}

impl Serialize for Money {
    /// `{"amount": "12.50", "currency": "EUR"}`, rounded half to even to the minor unit; the same with the ten-thousandths
    /// as they are in formats that are not for reading.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let exact = ExactMoney { amount: self.ten_thousandths, currency: self.currency };
            return exact.serialize(serializer);
        }
        let digits = self.currency.minor_digits();
        let scale = 10i128.pow(4 - digits);
        let minor = clamp(divide_half_even(i128::from(self.ten_thousandths), scale));
        let mut out = serializer.serialize_struct("Money", 2)?;
        out.serialize_field("amount", &format_scaled(minor, digits, digits))?;
        out.serialize_field("currency", &self.currency)?;
        out.end()
    }
}

/// [`Money`] in formats that are not for reading; the amount in ten-thousandths.
#[derive(Serialize, Deserialize)]
struct ExactMoney {
    amount: i64,
    currency: Currency,
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let ExactMoney { amount, currency } = ExactMoney::deserialize(deserializer)?;
            return Ok(Money { ten_thousandths: amount, currency });
        }
        #[derive(Deserialize)]
        struct Shape {
            amount: String,
            currency: Currency,
        }
        let shape = Shape::deserialize(deserializer)?;
        let ten_thousandths = parse_scaled(&shape.amount, 4, i64::MAX).map_err(de::Error::custom)?;
        Ok(Money { ten_thousandths, currency: shape.currency })
    }
}

/// Integer division, halves to the even neighbour. `divisor` is above zero.
pub(super) fn divide_half_even(value: i128, divisor: i128) -> i128 {
    let quotient = value.div_euclid(divisor);
    let twice = value.rem_euclid(divisor) * 2;
    match twice.cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

pub(super) fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(ten_thousandths: i64) -> Money {
        Money::from_ten_thousandths(ten_thousandths, Currency(*b"EUR"))
    }

    #[test]
    fn money_goes_out_in_minor_units() {
        for (value, text) in
            [(125_000, "12.50"), (125_050, "12.50"), (125_150, "12.52"), (-50, "0.00"), (-10_000, "-1.00")]
        {
            assert_eq!(
                serde_json::to_string(&eur(value)).unwrap(),
                format!("{{\"amount\":\"{text}\",\"currency\":\"EUR\"}}")
            );
        }
        let yen = Money::from_ten_thousandths(125_000, Currency(*b"JPY"));
        assert_eq!(serde_json::to_string(&yen).unwrap(), r#"{"amount":"12","currency":"JPY"}"#);
    }

    #[test]
    fn a_price_times_a_quantity_is_exact() {
        let price = UnitPrice::parse("0.3333").unwrap();
        assert_eq!(price.times(Quantity::from_units(3), Currency(*b"EUR")), eur(9_999));
        assert_eq!(UnitPrice::parse("1.00005"), Err(DecimalError::TooPrecise));
    }

    #[test]
    fn what_one_unit_is_worth_may_be_less_than_a_ten_thousandth() {
        let of = |per_unit: i128, parts: i128, units: i64| {
            Money::of_units(per_unit, parts, Quantity::from_units(units), Currency(*b"EUR"))
        };
        // 0.02 × 0.008219178082 of it, 300,000 times: 49.315068492.
        assert_eq!(of(200 * 8_219_178_082, 1_000_000_000_000, 300_000), eur(493_151));
        assert_eq!(of(-200 * 8_219_178_082, 1_000_000_000_000, 300_000), eur(-493_151));
        // Halves to the even one, and no further than an amount goes.
        assert_eq!((of(1, 2, 1), of(3, 2, 1)), (eur(0), eur(2)));
        assert_eq!(of(i128::MAX, 1_000_000_000_000, 300_000), eur(i64::MAX));
    }
}
