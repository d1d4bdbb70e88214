//! Decimals from text into scaled integers and back, without floating point in between.

use std::fmt;

/// Why a text is not taken as a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// More decimals than the kind of number has.
    TooPrecise,
    /// Beyond the largest magnitude taken.
    OutOfRange,
    /// No decimal at all.
    NotADecimal,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecimalError::TooPrecise => "has more decimals than are kept",
            DecimalError::OutOfRange => "is beyond the largest number taken",
            DecimalError::NotADecimal => "is not a decimal number",
        })
    }
}

impl std::error::Error for DecimalError {}

/// Exponents beyond this are out of range (or zero) whatever the digits: bounds the arithmetic below.
const EXPONENT_MAX: i64 = 400;

/// Reads `[+-]digits[.digits][e[+-]digits]` as an integer scaled by `10^decimals`.
///
/// Zeros beyond the last decimal kept are no loss and are taken. `max` bounds the scaled magnitude.
///
/// # Errors
/// [`DecimalError`], also for a text with more digits than any number in range can have.
pub fn parse_scaled(text: &str, decimals: u32, max: i64) -> Result<i64, DecimalError> {
    let bytes = text.as_bytes();
    let (negative, rest) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let mut mantissa: i128 = 0;
    let mut fraction_digits: i64 = 0;
    let mut digits_seen = 0usize;
    let mut dropped_nonzero = false;
    let mut dropped_integer_digits: i64 = 0;
    let mut in_fraction = false;
    let mut at = 0usize;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'0'..=b'9' => {
                digits_seen += 1;
                // 30 digits are more than any number in range needs; later ones only matter if they are not zero.
                if mantissa < 10i128.pow(30) {
                    mantissa = mantissa * 10 + i128::from(byte - b'0');
                    fraction_digits += i64::from(in_fraction);
                } else {
                    dropped_nonzero |= byte != b'0';
                    dropped_integer_digits += i64::from(!in_fraction);
                }
            }
            b'.' if !in_fraction => in_fraction = true,
            _ => break,
        }
        at += 1;
    }
    if digits_seen == 0 {
        return Err(DecimalError::NotADecimal);
    }
    let mut exponent: i64 = 0;
    if let Some(b'e' | b'E') = rest.get(at) {
        let text = std::str::from_utf8(&rest[at + 1..]).map_err(|_| DecimalError::NotADecimal)?;
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DecimalError::NotADecimal);
        }
        exponent = digits.parse::<i64>().unwrap_or(i64::MAX).min(EXPONENT_MAX * 2);
        if text.starts_with('-') {
            exponent = -exponent;
        }
        at = rest.len();
    }
    if at != rest.len() {
        return Err(DecimalError::NotADecimal);
    }
    if mantissa == 0 && !dropped_nonzero {
        return Ok(0);
    }
    let shift = i64::from(decimals) - fraction_digits + dropped_integer_digits + exponent;
    let scaled = if shift >= 0 {
        let power = u32::try_from(shift).ok().filter(|p| *p <= 38).ok_or(DecimalError::OutOfRange)?;
        mantissa
            .checked_mul(10i128.checked_pow(power).ok_or(DecimalError::OutOfRange)?)
            .ok_or(DecimalError::OutOfRange)?
    } else {
        let power = u32::try_from(-shift).ok().filter(|p| *p <= 38).ok_or(DecimalError::TooPrecise)?;
        let divisor = 10i128.checked_pow(power).ok_or(DecimalError::TooPrecise)?;
        if mantissa / divisor > i128::from(max) {
            return Err(DecimalError::OutOfRange);
        }
        if mantissa % divisor != 0 || dropped_nonzero {
            return Err(DecimalError::TooPrecise);
        }
        mantissa / divisor
    };
    if scaled > i128::from(max) {
        return Err(DecimalError::OutOfRange);
    }
    let scaled = i64::try_from(scaled).map_err(|_| DecimalError::OutOfRange)?;
    Ok(if negative { -scaled } else { scaled })
}

/// Writes a scaled integer as a decimal with at least `decimals_min` decimals and no trailing zeros beyond.
pub fn format_scaled(value: i64, decimals: u32, decimals_min: u32) -> String {
    let scale = 10u64.pow(decimals);
    let magnitude = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    let whole = magnitude / scale;
    let mut fraction = format!("{:0width$}", magnitude % scale, width = decimals as usize);
    while fraction.len() > decimals_min as usize && fraction.ends_with('0') {
        fraction.pop();
    }
    if fraction.is_empty() || decimals == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in -1_000_000_000_000i64..=1_000_000_000_000, decimals in 0u32..6) {
            let text = format_scaled(value, decimals, 0);
            prop_assert_eq!(parse_scaled(&text, decimals, i64::MAX), Ok(value));
        }

        #[test]
        fn any_text_gets_an_answer(text in "[-+0-9.eE]{0,40}") {
            let _ = parse_scaled(&text, 3, 1_000_000_000_000);
        }
    }

    #[test]
    fn long_digit_strings_are_judged_by_their_value() {
        assert_eq!(parse_scaled(&format!("1.{}", "0".repeat(60)), 3, 1_000_000), Ok(1_000));
        assert_eq!(parse_scaled(&"9".repeat(60), 3, 1_000_000), Err(DecimalError::OutOfRange));
        assert_eq!(
            parse_scaled(&format!("0.{}1", "0".repeat(60)), 3, 1_000_000),
            Err(DecimalError::TooPrecise)
        );
        assert_eq!(parse_scaled("1e-400", 3, 1_000_000), Err(DecimalError::TooPrecise));
    }
}
