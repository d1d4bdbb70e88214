//! The canonical form of JSON (RFC 8785), so that equal content has equal bytes.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::domain::event::json::{Kind, Value, string_special};

/// Appends the canonical form of `value`. Its nesting was bounded when it was parsed, and so is the recursion here.
/// Repeated keys are the caller's to refuse.
///
/// # Errors
/// The first number that no double can hold: the RFC has no form for it.
pub fn canonicalize<'t, 'a>(value: Value<'t, 'a>, out: &mut Vec<u8>) -> Result<(), Value<'t, 'a>> {
    match value.kind() {
        Kind::Null | Kind::False | Kind::True => out.extend_from_slice(value.raw().as_bytes()),
        Kind::Number => return number(value.raw(), out).ok_or(value),
        Kind::String => string(value, out),
        Kind::Array => {
            out.push(b'[');
            for (index, item) in value.items().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                canonicalize(item, out)?;
            }
            out.push(b']');
        }
        Kind::Object => {
            let mut members: SmallVec<[(Value<'t, 'a>, Value<'t, 'a>); 8]> = value.members().collect();
            if !members.is_sorted_by(|a, b| key_order(a.0, b.0).is_le()) {
                members.sort_by(|a, b| key_order(a.0, b.0));
            }
            out.push(b'{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                string(*key, out);
                out.push(b':');
                canonicalize(*member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn key_order(a: Value<'_, '_>, b: Value<'_, '_>) -> Ordering {
    if a.is_escaped() || b.is_escaped() {
        utf16_order(&a.text(), &b.text())
    } else {
        utf16_order(a.raw(), b.raw())
    }
}

/// RFC 8785, section 3.2.3. Bytes of UTF-8 sort like UTF-16 units except where surrogate pairs meet U+E000–U+FFFF,
/// so only keys beyond ASCII are decoded.
fn utf16_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() || b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// RFC 8785, section 3.2.2.2.
fn string(value: Value<'_, '_>, out: &mut Vec<u8>) {
    out.push(b'"');
    if value.is_escaped() {
        let text = value.text();
        let mut rest = text.as_bytes();
        loop {
            let at = string_special(rest, 0);
            out.extend_from_slice(&rest[..at]);
            let Some(&special) = rest.get(at) else { break };
            match special {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                8 => out.extend_from_slice(b"\\b"),
                b'\t' => out.extend_from_slice(b"\\t"),
                b'\n' => out.extend_from_slice(b"\\n"),
                12 => out.extend_from_slice(b"\\f"),
                b'\r' => out.extend_from_slice(b"\\r"),
                control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
            }
            rest = &rest[at + 1..];
        }
    } else {
        // Nothing that must be escaped is in it, or it would not be JSON.
        out.extend_from_slice(value.raw().as_bytes());
    }
    out.push(b'"');
}

/// RFC 8785, section 3.2.2.3: as ECMAScript prints the nearest double.
fn number(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    if is_shortest(raw.as_bytes()) {
        out.extend_from_slice(raw.as_bytes());
        return Some(());
    }
    let double: f64 = raw.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(double).as_bytes());
    Some(())
}

/// Whether a number's text is canonical for sure: a plain decimal of at most 15 digits that does not end in a
/// fraction's zero. Two of these never share a double, so the shortest text of its double is itself.
fn is_shortest(raw: &[u8]) -> bool {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    if digits.len() > 16 || digits == b"0" && raw.len() > 1 {
        return false;
    }
    match digits.iter().position(|b| !b.is_ascii_digit()) {
        None => digits.len() <= 15,
        // ECMAScript turns to exponents below 1e-6.
        Some(at) => {
            digits[at] == b'.'
                && digits[at + 1..].iter().all(u8::is_ascii_digit)
                && !digits.ends_with(b"0")
                && !digits.starts_with(b"0.000000")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::json::Tape;
    use proptest::prelude::*;

    fn canonical(text: &str) -> Option<String> {
        let mut tape = Tape::default();
        let root = tape.parse(text, 200).unwrap().root;
        let mut out = Vec::new();
        canonicalize(root, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            prop::num::f64::NORMAL.prop_map(Into::into),
            (any::<i32>(), 0i32..9).prop_map(|(m, e)| (f64::from(m) / 10f64.powi(e)).into()),
            ".{0,8}".prop_map(Into::into),
            "[\\x00-\\x7f\u{e000}\u{10000}\u{ffff}]{0,8}".prop_map(Into::into),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec(("[a-c\u{e9}\u{e000}\u{10000}\u{ffff}\\n]{0,4}", inner), 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn agrees_with_another_implementation(value in any_json(), pretty in any::<bool>()) {
            let sent = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let expected = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(canonical(&sent).unwrap(), expected);
        }

        #[test]
        fn plain_numbers_agree_too(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?([eE][-+]?[0-9]{1,2})?") {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            // Integers beyond 2^53 the other one takes exactly; the RFC takes the double.
            let double = value.as_f64().unwrap();
            let expected = serde_json_canonicalizer::to_string(&double).unwrap();
            prop_assert_eq!(canonical(&text).unwrap(), expected);
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let sent = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(sent).unwrap(), expected);
    }

    #[test]
    fn zeros_are_one_and_no_number_is_infinite() {
        assert_eq!(
            canonical("[-0,-0.0,0e5,0.10,0.0000001,0.000001,100000000000000000000,1e21]").unwrap(),
            "[0,0,0,0.1,1e-7,0.000001,100000000000000000000,1e+21]"
        );
        assert_eq!(canonical("[1e309]"), None);
    }
}
