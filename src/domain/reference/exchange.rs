//! Exchange rates, exact as they were sent.

use serde::{Deserialize, Serialize};

use crate::domain::decimal::parse_scaled;
use crate::domain::money::{Currency, Money, clamp, divide_half_even};

/// Beyond that many decimal places a rate is nothing, or beyond all money: bounds the arithmetic.
const EXPONENT_MAX: i32 = 37;

/// Units of base currency for one unit of another: `mantissa × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExchangeRate {
    mantissa: i64,
    exponent: i32,
}

impl ExchangeRate {
    /// The rate whose shortest decimal form is that of `rate`: what was sent, up to 15 digits. `None` unless it is
    /// finite and above zero.
    pub fn from_f64(rate: f64) -> Option<ExchangeRate> {
        if !(rate.is_finite() && rate > 0.0) {
            return None;
        }
        let text = format!("{rate:e}");
        let (digits, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len()) as u32;
        let mantissa = parse_scaled(digits, decimals, i64::MAX).ok()?;
        Some(ExchangeRate { mantissa, exponent: exponent - decimals as i32 })
    }

    /// As a number for formulas: what was sent.
    pub fn as_f64(self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// The amount in `base`, rounded half to even to ten-thousandths.
    pub fn convert(self, money: Money, base: Currency) -> Money {
        let product = i128::from(money.ten_thousandths()) * i128::from(self.mantissa);
        let power = 10i128.pow(self.exponent.abs().min(EXPONENT_MAX) as u32);
        let value =
            if self.exponent >= 0 { product.saturating_mul(power) } else { divide_half_even(product, power) };
        Money::from_ten_thousandths(clamp(value), base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(amount: i64, rate: f64, expected: i64) {
        let (usd, eur) = (Currency::parse("USD").unwrap(), Currency::parse("EUR").unwrap());
        let rate = ExchangeRate::from_f64(rate).unwrap();
        assert_eq!(
            rate.convert(Money::from_ten_thousandths(amount, usd), eur),
            Money::from_ten_thousandths(expected, eur)
        );
    }

    #[test]
    fn converts_by_the_decimal_that_was_sent() {
        // 100.0000 at 0.9234; floating point would do for these.
        check(1_000_000, 0.9234, 923_400);
        check(-1_000_000, 0.9234, -923_400);
        // 90071992547409.93 (2^53 and some) at 1.1 is exactly 99079191802150.923.
        check(900_719_925_474_099_300, 1.1, 990_791_918_021_509_230);
        check(25_000, 0.0001, 2);
        check(35_000, 0.0001, 4);
        check(1_000_000_000, 0.000_036_4, 36_400);
        check(7, 1e6, 7_000_000);
    }

    #[test]
    fn as_a_number_it_is_what_was_sent() {
        for rate in [0.9234, 1.0, 7e6, 0.000_036_781_234_567_8, 1e300, f64::MIN_POSITIVE] {
            assert_eq!(ExchangeRate::from_f64(rate).unwrap().as_f64(), rate);
        }
    }

    #[test]
    fn extreme_rates_saturate() {
        check(1_000_000, 1e300, i64::MAX);
        check(-1_000_000, 1e300, i64::MIN);
        check(i64::MAX, f64::MAX, i64::MAX);
        check(i64::MAX, f64::MIN_POSITIVE, 0);
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(ExchangeRate::from_f64(bad), None);
        }
    }
}
