//! Statistics as JSON numbers without trailing zeros: `7`, not `7.0`. For `#[serde(serialize_with = …)]`.

use serde::Serializer;

/// Whole numbers up to here are exact.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A number; what is not finite is `null`.
///
/// # Errors
/// The serializer's own.
pub fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if !value.is_finite() {
        serializer.serialize_none()
    } else if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// A number that may be unknown.
///
/// # Errors
/// The serializer's own.
pub fn optional<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    #[derive(Serialize)]
    struct Shown {
        #[serde(serialize_with = "super::number")]
        number: f64,
        #[serde(serialize_with = "super::optional")]
        optional: Option<f64>,
    }

    #[test]
    fn whole_numbers_have_no_decimals() {
        for (number, text) in
            [(7.0, "7"), (-0.0, "0"), (0.5, "0.5"), (204.493413, "204.493413"), (f64::NAN, "null")]
        {
            let shown = serde_json::to_string(&Shown { number, optional: None }).unwrap();
            assert_eq!(shown, format!("{{\"number\":{text},\"optional\":null}}"));
        }
    }
}
