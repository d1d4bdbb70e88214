use super::*;
use crate::domain::quantity::Quantity;
use proptest::prelude::*;

const SALE: &str = r#"{"specversion":"1.0","id":"e-1","source":"/store/7","type":"pos.sale","subject":"till","time":"2026-03-01T12:00:00+01:00","sequence":"42","datacontenttype":"application/json; charset=utf-8","traceparent":"00-x","data":{"sku":"A","location":"L","quantity":1.50}}"#;

fn parsed(text: &str) -> ParsedEvent<'_> {
    parse_event(text.as_bytes(), &Limits::default()).unwrap()
}

fn rejected(text: &str) -> Box<Rejection> {
    parse_event(text.as_bytes(), &Limits::default()).map(|_| text).unwrap_err()
}

/// The sale with one piece of its text replaced.
fn sale_with(what: &str, with: &str) -> String {
    assert_eq!(SALE.matches(what).count(), 1, "{what}");
    SALE.replace(what, with)
}

#[test]
fn an_event_is_read_as_it_was_sent() {
    let event = parsed(SALE);
    assert_eq!((event.id.as_ref(), event.source.as_ref()), ("e-1", "/store/7"));
    assert_eq!(event.event_type.as_str(), "pos.sale");
    assert_eq!(event.subject.as_deref(), Some("till"));
    assert_eq!(event.time, Timestamp::parse("2026-03-01T11:00:00Z").ok());
    assert_eq!(event.time_text.as_deref(), Some("2026-03-01T12:00:00+01:00"));
    assert_eq!(event.sequence.as_deref(), Some("42"));
    assert_eq!(event.data_json, r#"{"sku":"A","location":"L","quantity":1.50}"#);
    let EventData::PosSale(sale) = &event.data else { panic!("a sale") };
    assert_eq!(sale.quantity, Quantity::from_milli(1_500));
    assert!(matches!(event.id, Cow::Borrowed(_)));

    let bare = sale_with(
        r#","subject":"till","time":"2026-03-01T12:00:00+01:00","sequence":"42""#,
        r#","time":null,"sequence":7"#,
    );
    let bare = parsed(&bare);
    assert_eq!((bare.subject, bare.time, bare.time_text), (None, None, None));
    assert_eq!(bare.sequence.as_deref(), Some("7"));
}

#[test]
fn the_content_hash_is_over_framed_attributes_and_canonical_data() {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"\x09\0\0\0pos.sale");
    bytes.extend_from_slice(b"\x05\0\0\0till");
    bytes.extend_from_slice(b"\x1a\0\0\x002026-03-01T12:00:00+01:00");
    bytes.extend_from_slice(br#"{"location":"L","quantity":1.5,"sku":"A"}"#);
    assert_eq!(parsed(SALE).content_hash, blake3::hash(&bytes).as_bytes()[..16]);
}

#[test]
fn equal_content_has_equal_hashes_and_other_content_has_not() {
    let hash = parsed(SALE).content_hash;
    let same = [
        sale_with("\"e-1\"", "\"e-2\""),
        sale_with("\"42\"", "\"43\""),
        sale_with("00-x", "00-y"),
        sale_with("1.50", "15e-1"),
        sale_with("\"sku\":\"A\"", "  \"sk\\u0075\" : \"\\u0041\" "),
        sale_with(r#"{"sku":"A","location":"L""#, r#"{"location":"L","sku":"A""#),
    ];
    for text in &same {
        assert_eq!(parsed(text).content_hash, hash, "{text}");
    }
    let other = [
        sale_with("1.50", "1.51"),
        sale_with("1.50", "\"1.50\""),
        sale_with("\"till\"", "\"tilt\""),
        sale_with(r#""subject":"till","#, ""),
        sale_with("12:00:00+01:00", "11:00:00Z"),
        sale_with("pos.sale", "pos.return"),
        sale_with("1.50", "1.50,\"note\":null"),
    ];
    for text in &other {
        assert_ne!(parsed(text).content_hash, hash, "{text}");
    }
}

#[test]
fn a_bad_event_is_refused_with_code_and_status() {
    for (what, with, code, status) in [
        (r#""specversion":"1.0","#, "", "missing_attribute", 400),
        (r#""id":"e-1","#, "", "missing_attribute", 400),
        (r#""source":"/store/7""#, r#""source":null"#, "missing_attribute", 400),
        (r#""type":"pos.sale","#, "", "missing_attribute", 400),
        (r#"}}"#, "}", "malformed_json", 400),
        ("1.50", "01.5", "malformed_json", 400),
        ("1.50", "NaN", "malformed_json", 400),
        ("\"A\"", "\"\\ud800\"", "malformed_json", 400),
        ("\"1.0\"", "\"0.3\"", "invalid_attribute", 422),
        ("\"1.0\"", "1.0", "invalid_attribute", 422),
        ("\"e-1\"", "\"\"", "invalid_attribute", 422),
        ("\"e-1\"", "1", "invalid_attribute", 422),
        ("\"e-1\"", "\"a\\u0000b\"", "invalid_attribute", 422),
        ("\"till\"", "\"\"", "invalid_attribute", 422),
        ("12:00:00+01:00", "12:00:00", "invalid_attribute", 422),
        ("\"id\":\"e-1\"", "\"id\":\"e-1\",\"i\\u0064\":\"e-2\"", "duplicate_key", 422),
        ("application/json; charset=utf-8", "text/xml", "unsupported_data", 422),
        (r#""data":{"#, r#""data_base64":"e30=","data":{"#, "unsupported_data", 422),
        ("pos.sale", "pos.sold", "unknown_type", 422),
        (r#""sku":"A","#, "", "invalid_data", 422),
        ("1.50", "1.50,\"x\":1e400", "invalid_data", 422),
        ("\"sku\":\"A\"", "\"sku\":\"A\",\"sku\":\"A\"", "invalid_data", 422),
    ] {
        let rejection = rejected(&sale_with(what, with));
        assert_eq!((rejection.code.name, rejection.code.status), (code, status), "{what} -> {with}");
        if code != "malformed_json" && what != "\"e-1\"" && !what.contains("\"id\"") {
            assert_eq!(rejection.id.as_deref(), Some("e-1"), "{what} -> {with}");
        }
    }
    for lone in ["5", "[]", "null", "{}"] {
        assert_eq!(rejected(lone).code.name, "missing_attribute", "{lone}");
    }
    let pointers: Vec<String> =
        rejected(r#"{"id":"x","type":null}"#).errors.into_iter().map(|e| e.pointer).collect();
    assert_eq!(pointers, ["/specversion", "/source", "/type"]);
    let no_data = rejected(&sale_with(r#""data":"#, r#""date":"#));
    assert_eq!((no_data.code.name, no_data.errors[0].pointer.as_str()), ("invalid_data", "/data"));
    assert_eq!(rejected(&sale_with("1.50", "1.50,\"x\":[1e400]")).errors[0].pointer, "/data/x/0");
}

#[test]
fn an_event_is_bounded_in_bytes_and_depth() {
    let deep =
        |depth: usize| sale_with("1.50", &format!("1.50,\"x\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(parsed(&deep(30)).id, "e-1");
    assert_eq!(rejected(&deep(31)).code.name, "too_deep");
    let padding = 64 * 1_024 - SALE.len() - ",\"x\":\"\"".len();
    let large = |more: usize| sale_with("1.50", &format!("1.50,\"x\":\"{}\"", "x".repeat(padding + more)));
    assert_eq!(parsed(&large(0)).id, "e-1");
    assert_eq!(rejected(&large(1)).code.name, "event_too_large");
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut bytes = SALE.as_bytes().to_vec();
    let at = SALE.find("till").unwrap();
    bytes[at] = 0xff;
    assert_eq!(parse_event(&bytes, &Limits::default()).unwrap_err().code.name, "invalid_utf8");
}

#[test]
fn a_day_ahead_is_not_too_far() {
    let now = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
    assert!(!is_too_far_ahead(now.plus(DAY), now));
    assert!(is_too_far_ahead(now.plus(DAY + 1), now));
    assert!(!is_too_far_ahead(Timestamp::MIN, Timestamp::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_get_an_answer(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 0..6)) {
        let mut bytes = SALE.as_bytes().to_vec();
        for (at, byte, insert) in edits {
            let at = at.index(bytes.len());
            if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        if let Ok(event) = parse_event(&bytes, &Limits::default()) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            prop_assert!(serde_json::from_str::<serde_json::Value>(event.data_json).is_ok());
        }
    }
}
