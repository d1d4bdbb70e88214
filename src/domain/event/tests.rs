//! The contract's table of events, held against the reader.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::domain::ids::Name;
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// Every type with every field of the contract, and which of the outermost fields are required.
const EXAMPLES: &[(&str, &str, &[&str])] = &[
    (
        "pos.sale",
        r#"{"sku":"A","location":"L","quantity":1.5,"unit_price":"2.99","currency":"EUR","channel":"till","uom":"each"}"#,
        &["sku", "location", "quantity"],
    ),
    (
        "pos.return",
        r#"{"sku":"A","location":"L","quantity":"2","disposition":"damaged"}"#,
        &["sku", "location", "quantity"],
    ),
    (
        "order.placed",
        r#"{"order_id":"O","line_id":"1","sku":"A","location":"L","quantity":0,"customer":"C","channel":"web","promised_at":"2026-03-01T12:00:00Z","requested_at":"2026-03-01T12:00:00+01:00","priority":-3,"unit_price":1,"currency":"USD","ship_complete":true,"substitution_allowed":false}"#,
        &["order_id", "line_id", "sku", "location", "quantity"],
    ),
    (
        "order.changed",
        r#"{"order_id":"O","line_id":"1","sku":"A","location":"L","quantity":7}"#,
        &["order_id", "line_id", "sku", "location", "quantity"],
    ),
    (
        "order.cancelled",
        r#"{"order_id":"O","line_id":"1","reason":"no longer wanted"}"#,
        &["order_id", "line_id"],
    ),
    ("order.shipped", r#"{"order_id":"O","line_id":"1","quantity":1}"#, &["order_id", "line_id", "quantity"]),
    (
        "inventory.counted",
        r#"{"sku":"A","location":"L","on_hand":-3,"status":"blocked","lots":[{"lot":"X","expires_on":"2026-12-31","quantity":1}]}"#,
        &["sku", "location", "on_hand"],
    ),
    (
        "inventory.adjusted",
        r#"{"sku":"A","location":"L","delta":-1,"reason":"shrinkage","status":"available"}"#,
        &["sku", "location", "delta"],
    ),
    (
        "purchase_order.placed",
        r#"{"po_id":"P","supplier":"S","lines":[{"line_id":"1","quantity":5,"promised_at":"2026-03-01T12:00:00Z","unit_cost":1.2345}],"currency":"EUR","requested_at":"2026-03-01T12:00:00Z","action_id":"x"}"#,
        &["po_id"],
    ),
    ("purchase_order.changed", r#"{"po_id":"P","lines":[]}"#, &["po_id"]),
    ("purchase_order.acknowledged", r#"{"po_id":"P"}"#, &["po_id"]),
    (
        "purchase_order.received",
        r#"{"po_id":"P","line_id":"1","quantity":5,"supplier":"S"}"#,
        &["po_id", "line_id", "quantity"],
    ),
    ("purchase_order.cancelled", r#"{"po_id":"P","line_id":"1"}"#, &["po_id"]),
    ("purchase_order.closed", r#"{"po_id":"P"}"#, &["po_id"]),
    (
        "transfer.placed",
        r#"{"transfer_id":"T","lines":[{"line_id":"1","sku":"A","from":"L","to":"M","quantity":5,"promised_at":"2026-03-01T12:00:00Z"}],"action_id":"x"}"#,
        &["transfer_id", "lines"],
    ),
    (
        "transfer.changed",
        r#"{"transfer_id":"T","lines":[{"line_id":"1","sku":"A","from":"L","to":"M","quantity":5,"promised_at":"2026-03-01T12:00:00Z"}]}"#,
        &["transfer_id", "lines"],
    ),
    (
        "transfer.dispatched",
        r#"{"transfer_id":"T","line_id":"1","quantity":5}"#,
        &["transfer_id", "line_id", "quantity"],
    ),
    (
        "transfer.received",
        r#"{"transfer_id":"T","line_id":"1","quantity":5}"#,
        &["transfer_id", "line_id", "quantity"],
    ),
    ("transfer.cancelled", r#"{"transfer_id":"T","line_id":"1"}"#, &["transfer_id"]),
    (
        "shipment.dispatched",
        r#"{"shipment_id":"H","supplier":"S","carrier":"C","mode":"sea","eta":"2026-03-01T12:00:00Z","reason":"r","lines":[{"po_id":"P","line_id":"1","quantity":5}]}"#,
        &["shipment_id"],
    ),
    (
        "shipment.delayed",
        r#"{"shipment_id":"H","lines":[{"transfer_id":"T","line_id":"1"}]}"#,
        &["shipment_id"],
    ),
    ("shipment.arrived", r#"{"shipment_id":"H"}"#, &["shipment_id"]),
    (
        "supplier.delay_reported",
        r#"{"supplier":"S","delay_days":-1.5,"po_id":"P","sku":"A","from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","reason":"r"}"#,
        &["supplier", "delay_days"],
    ),
    (
        "supplier.capacity_changed",
        r#"{"supplier":"S","factor":0.5,"from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","reason":"r"}"#,
        &["supplier", "factor"],
    ),
    (
        "promotion.scheduled",
        r#"{"promotion_id":"R","from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","skus":["A","B"],"locations":"all","expected_uplift":0.4,"mechanic":"m","price":1.99}"#,
        &["promotion_id", "from", "until", "skus", "locations"],
    ),
    (
        "promotion.changed",
        r#"{"promotion_id":"R","from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","skus":"all","locations":["L"]}"#,
        &["promotion_id", "from", "until", "skus", "locations"],
    ),
    ("promotion.cancelled", r#"{"promotion_id":"R"}"#, &["promotion_id"]),
    (
        "forecast.published",
        r#"{"sku":"A","location":"L","buckets":[{"from":"2026-03-02T00:00:00Z","until":"2026-03-03T00:00:00Z","quantity":4,"p10":1,"p90":9},{"from":"2026-03-01T00:00:00Z","until":"2026-03-02T00:00:00Z","quantity":3,"p10":1,"p90":5}],"model":"m","confidence":1}"#,
        &["sku", "location", "buckets"],
    ),
    (
        "signal.observed",
        r#"{"name":"temperature","value":-3.5e1,"location":"L","region":"N","from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","confidence":0.5}"#,
        &["name", "value"],
    ),
    (
        "item.described",
        r#"{"sku":"A","name":"n","path":["p","q"],"attributes":{"colour":"red"},"brand":"b","unit_cost":1,"unit_price":2,"currency":"EUR","uom":"each","uoms":[{"uom":"case","factor":12}],"pack":6,"shelf_life_days":30,"substitutes":[{"sku":"B","ratio":1}]}"#,
        &["sku"],
    ),
    (
        "location.described",
        r#"{"location":"L","name":"n","kind":"dc","path":["r"],"lat":-90,"lon":180,"timezone":"America/Chicago","calendar":"c"}"#,
        &["location"],
    ),
    (
        "supplier.described",
        r#"{"supplier":"S","name":"n","lead_time_days":7,"lead_time_sd_days":1.5,"ack_within_hours":24,"timezone":"Europe/Berlin","calendar":"c"}"#,
        &["supplier"],
    ),
    (
        "customer.described",
        r#"{"customer":"C","tier":"gold","contact_ref":"crm:1","language":"de","account_owner":"o"}"#,
        &["customer"],
    ),
    (
        "lane.described",
        r#"{"from":"L","to":"M","transit_days":2,"cost_per_unit":0.1,"currency":"EUR","min_quantity":0,"calendar":"c"}"#,
        &["from", "to"],
    ),
    (
        "sourcing.set",
        r#"{"sku":"A","location":"L","source":{"kind":"location","id":"D"},"rank":1,"share":0.5,"lead_time_days":3,"moq":10,"pack":5,"unit_cost":1,"valid_from":"2026-03-01T12:00:00Z","valid_until":"2026-03-02T12:00:00Z"}"#,
        &["sku", "location", "source"],
    ),
    (
        "policy.set",
        r#"{"scope":{"sku":"A","location":"L","path":"p/q","segment":"AX"},"service_level":0.95,"measure":"fill","review_days":7,"max_cover_days":60,"lead_time_days":7,"period_days":7}"#,
        &["scope"],
    ),
    (
        "assortment.set",
        r#"{"sku":"A","locations":["L"],"from":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z","status":"phasing_out","successor":"B"}"#,
        &["sku", "locations", "from"],
    ),
    (
        "calendar.described",
        r#"{"calendar":"c","working_days":[1,2,3,4,5],"closed":["2026-12-25"],"order_days":[1],"cutoff":"17:30"}"#,
        &["calendar"],
    ),
    ("fx.published", r#"{"rates":{"USD":0.92,"JPY":6.1e-3}}"#, &["rates"]),
    ("clock.advanced", r#"{"to":"2026-03-01T12:00:00Z"}"#, &["to"]),
    (
        "action.confirmed",
        r#"{"action_id":"x","external_ref":"e","actual":{"quantity":3},"reason":"r"}"#,
        &["action_id"],
    ),
    ("action.refused", r#"{"action_id":"x","reason":"r"}"#, &["action_id"]),
];

fn example(type_name: &str) -> Json {
    let (_, data, _) = EXAMPLES.iter().find(|(name, ..)| *name == type_name).unwrap();
    serde_json::from_str(data).unwrap()
}

/// The pointers and codes of all errors.
fn errors(type_name: &str, data: &str) -> Vec<(String, &'static str)> {
    match parse(type_name, data) {
        Ok(_) => vec![],
        Err(ParseError::UnknownType) => vec![(String::new(), "unknown_type")],
        Err(ParseError::Invalid(errors)) => errors.into_iter().map(|e| (e.pointer, e.code)).collect(),
    }
}

/// The example with one place set to something else.
fn errors_with(type_name: &str, pointer: &str, value: Json) -> Vec<(String, &'static str)> {
    let mut data = example(type_name);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match data.pointer_mut(parent).unwrap() {
        Json::Object(members) => drop(members.insert(name.into(), value)),
        Json::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} is inside a scalar"),
    }
    errors(type_name, &data.to_string())
}

#[test]
fn every_type_has_an_example_that_is_taken() {
    let names: Vec<&str> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
    let all: Vec<&str> = EventType::ALL.iter().map(|t| t.as_str()).collect();
    assert_eq!(names, all);
    for (name, data, _) in EXAMPLES {
        assert_eq!(errors(name, data), vec![], "{name}");
    }
    for name in RESERVED_TYPES {
        assert_eq!(parse(name, r#"{"any":["thing"]}"#), Ok(EventData::Reserved));
        assert_eq!(errors(name, "[]"), vec![("/data".into(), "wrong_type")]);
    }
    assert_eq!(parse("pos.sold", "{}"), Err(ParseError::UnknownType));
}

#[test]
fn the_required_fields_are_required_and_the_others_are_not() {
    for (name, data, required) in EXAMPLES {
        let data: Json = serde_json::from_str(data).unwrap();
        for field in data.as_object().unwrap().keys() {
            let mut without = data.clone();
            without.as_object_mut().unwrap().remove(field);
            let expected = if required.contains(&field.as_str()) {
                vec![(format!("/data/{field}"), "required")]
            } else {
                vec![]
            };
            assert_eq!(errors(name, &without.to_string()), expected, "{name} without {field}");
            without[field] = Json::Null;
            assert_eq!(errors(name, &without.to_string()), expected, "{name} with {field} null");
        }
    }
}

/// Every place inside a value.
fn places(value: &Json, pointer: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Json)> = match value {
        Json::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Json::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => vec![],
    };
    for (step, child) in children {
        let pointer = format!("{pointer}/{step}");
        places(child, &pointer, out);
        out.push(pointer);
    }
}

#[test]
fn a_wrong_type_is_told_with_its_place_wherever_it_stands() {
    for (name, data, _) in EXAMPLES {
        let data: Json = serde_json::from_str(data).unwrap();
        let mut all = vec![];
        places(&data, "", &mut all);
        // Free JSON has no wrong type.
        for pointer in all.iter().filter(|p| !p.starts_with("/attributes/") && !p.starts_with("/actual")) {
            let wrong = if data.pointer(pointer).unwrap().is_object() { json!([]) } else { json!({}) };
            let told = errors_with(name, pointer, wrong);
            assert_eq!(told, vec![(format!("/data{pointer}"), "wrong_type")], "{name} {pointer}");
        }
    }
}

#[test]
fn values_outside_their_bounds_are_told_with_a_code() {
    let long = "x".repeat(129);
    for (name, pointer, value, code) in [
        ("pos.sale", "/quantity", json!(0), "not_positive"),
        ("pos.sale", "/quantity", json!(-1), "not_positive"),
        ("pos.sale", "/quantity", json!(0.0005), "too_precise"),
        ("pos.sale", "/quantity", json!("1000000000.001"), "out_of_range"),
        ("pos.sale", "/quantity", json!("NaN"), "not_a_decimal"),
        ("pos.sale", "/unit_price", json!("1.00001"), "too_precise"),
        ("pos.sale", "/unit_price", json!(-1), "out_of_range"),
        ("pos.sale", "/currency", json!("eur"), "invalid_currency"),
        ("pos.sale", "/sku", json!(""), "empty"),
        ("pos.sale", "/sku", json!(".."), "invalid_name"),
        ("pos.sale", "/sku", json!("a\nb"), "invalid_name"),
        ("pos.sale", "/sku", json!(long), "too_long"),
        ("pos.sale", "/channel", json!(long), "too_long"),
        ("pos.return", "/disposition", json!("lost"), "unknown_value"),
        ("order.placed", "/quantity", json!(-0.001), "out_of_range"),
        ("order.placed", "/promised_at", json!("2026-02-30T00:00:00Z"), "invalid_time"),
        ("order.placed", "/priority", json!(1.5), "too_precise"),
        ("order.shipped", "/quantity", json!(0), "not_positive"),
        ("inventory.counted", "/lots/0/expires_on", json!("2026-13-01"), "invalid_date"),
        ("inventory.counted", "/lots/0/expires_on", json!("2026-12-31T00:00:00Z"), "invalid_date"),
        ("inventory.adjusted", "/reason", json!("x".repeat(1_025)), "too_long"),
        ("purchase_order.received", "/quantity", json!(0), "not_positive"),
        ("transfer.placed", "/lines", json!([]), "empty"),
        ("transfer.placed", "/lines/0/to", json!("L"), "same_location"),
        ("transfer.dispatched", "/quantity", json!("0.000"), "not_positive"),
        ("supplier.delay_reported", "/delay_days", json!(3_650.5), "out_of_range"),
        ("supplier.delay_reported", "/until", json!("2026-03-01T12:00:00Z"), "invalid_period"),
        ("supplier.capacity_changed", "/factor", json!(-0.1), "out_of_range"),
        ("supplier.capacity_changed", "/factor", json!(100.1), "out_of_range"),
        ("promotion.scheduled", "/until", json!("2026-03-01T11:59:59Z"), "invalid_period"),
        ("promotion.scheduled", "/skus", json!([]), "empty"),
        ("promotion.scheduled", "/skus", json!("some"), "unknown_value"),
        ("promotion.scheduled", "/skus/1", json!("."), "invalid_name"),
        ("forecast.published", "/buckets", json!([]), "empty"),
        ("forecast.published", "/buckets/0/quantity", json!(-1), "out_of_range"),
        ("forecast.published", "/buckets/0/p90", json!(0.5), "out_of_range"),
        ("forecast.published", "/buckets/1/until", json!("2026-03-01T00:00:00Z"), "invalid_period"),
        ("forecast.published", "/confidence", json!(1.01), "out_of_range"),
        ("item.described", "/uoms/0/factor", json!(0), "not_positive"),
        ("item.described", "/pack", json!(0), "not_positive"),
        ("location.described", "/lat", json!(90.001), "out_of_range"),
        ("location.described", "/lon", json!(-181), "out_of_range"),
        ("location.described", "/timezone", json!("Mars/Olympus"), "invalid_timezone"),
        ("location.described", "/kind", json!("DC"), "unknown_value"),
        ("supplier.described", "/lead_time_days", json!(-1), "out_of_range"),
        ("sourcing.set", "/source/kind", json!("maker"), "unknown_value"),
        ("sourcing.set", "/share", json!(1.5), "out_of_range"),
        ("sourcing.set", "/valid_until", json!("2026-03-01T12:00:00Z"), "invalid_period"),
        ("policy.set", "/service_level", json!(1), "out_of_range"),
        ("policy.set", "/service_level", json!(0), "out_of_range"),
        ("policy.set", "/period_days", json!(0), "out_of_range"),
        ("policy.set", "/period_days", json!(367), "out_of_range"),
        ("calendar.described", "/working_days/0", json!(8), "out_of_range"),
        ("calendar.described", "/working_days", json!([]), "empty"),
        ("calendar.described", "/cutoff", json!("24:00"), "invalid_time"),
        ("fx.published", "/rates/USD", json!(0), "not_positive"),
        ("fx.published", "/rates/usd", json!(1), "invalid_currency"),
        ("fx.published", "/rates", json!({}), "empty"),
    ] {
        let shown = value.to_string();
        assert_eq!(
            errors_with(name, pointer, value),
            vec![(format!("/data{pointer}"), code)],
            "{name} {pointer} {shown}"
        );
    }
}

#[test]
fn bounds_themselves_are_taken() {
    for (name, pointer, value) in [
        ("pos.sale", "/quantity", json!("1000000000")),
        ("pos.sale", "/quantity", json!(0.001)),
        ("pos.sale", "/sku", json!("ä".repeat(128))),
        ("supplier.delay_reported", "/delay_days", json!(-3_650)),
        ("policy.set", "/scope", json!({})),
        ("policy.set", "/period_days", json!(366)),
        ("forecast.published", "/buckets/0/p90", json!(1)),
        ("order.placed", "/promised_at", json!("0000-01-01T00:00:00Z")),
        ("order.placed", "/promised_at", json!("9999-12-31T23:59:59Z")),
    ] {
        assert_eq!(errors_with(name, pointer, value), vec![], "{name} {pointer}");
    }
}

#[test]
fn fields_that_belong_together_are_judged_together() {
    let received = |more: &str| {
        let data = format!(r#"{{"po_id":"P","line_id":"1","quantity":1{more}}}"#);
        match super::parse("purchase_order.received", &data) {
            Ok(EventData::PurchaseOrderReceived(received)) => received.place,
            other => panic!("{other:?}"),
        }
    };
    let (sku, location) = (|| Some(Name::from("A")), || Some(Name::from("L")));
    for (more, place) in [
        (r#","sku":"A","location":"L""#, StatedPlace { sku: sku(), location: location() }),
        (r#","sku":"A""#, StatedPlace { sku: sku(), location: None }),
        (r#","location":"L""#, StatedPlace { sku: None, location: location() }),
        (r#","sku":"A","location":null"#, StatedPlace { sku: sku(), location: None }),
        ("", StatedPlace::default()),
    ] {
        assert_eq!(received(more), place, "{more}");
        let pair: Option<(Name, Name)> = place.clone().into();
        assert_eq!(pair.is_none(), more.is_empty());
        assert_eq!(StatedPlace::from(pair), place, "as it is written");
    }
    let shipment = |line: &str| {
        errors("shipment.delayed", &format!(r#"{{"shipment_id":"H","lines":[{{"line_id":"1"{line}}}]}}"#))
    };
    assert_eq!(shipment(""), vec![("/data/lines/0/po_id".into(), "required")]);
    assert_eq!(
        shipment(r#","po_id":"P","transfer_id":"T""#),
        vec![("/data/lines/0/transfer_id".into(), "conflict")]
    );
    let lines = |ids: &[&str]| {
        let lines: Vec<Json> = ids.iter().map(|id| json!({"line_id": id, "quantity": 1})).collect();
        errors("purchase_order.placed", &json!({"po_id": "P", "lines": lines}).to_string())
    };
    assert_eq!(lines(&["1", "2", "1"]), vec![("/data/lines/2/line_id".into(), "duplicate_line")]);
    assert_eq!(lines(&vec!["1"; 1_001]), vec![("/data/lines".into(), "too_many")]);
    let overlapping = errors_with("forecast.published", "/buckets/1/until", json!("2026-03-02T00:00:01Z"));
    assert_eq!(overlapping, vec![("/data/buckets".into(), "overlapping")]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let told = errors(
        "pos.sale",
        r#"{"location":7,"quantity":"x","sku":"A","sku":"B","currency":null,"other":{"a":1,"a":2}}"#,
    );
    assert_eq!(
        told,
        vec![
            ("/data/other/a".into(), "duplicate_key"),
            ("/data/sku".into(), "duplicate_key"),
            ("/data/location".into(), "wrong_type"),
            ("/data/quantity".into(), "not_a_decimal"),
        ]
    );
    let many: Vec<Json> = (0..1_000).map(|_| json!({})).collect();
    assert_eq!(
        errors("transfer.placed", &json!({"transfer_id": "T", "lines": many}).to_string()).len(),
        FIELD_ERRORS_MAX
    );
    assert_eq!(errors("pos.sale", "null"), vec![("/data".into(), "required")]);
    assert_eq!(errors("pos.sale", "{"), vec![("/data".into(), "malformed_json")]);
}

#[test]
fn what_was_sent_is_what_is_read() {
    let at = |text| Timestamp::parse(text).unwrap();
    assert_eq!(
        parse(
            "pos.sale",
            r#" {"quantity" : "12.345" , "sku":"\u0041\/ä","location":"L","unit_price":2.5,"currency":"EUR","uom":null,"x":[]} "#
        ),
        Ok(EventData::PosSale(PosSale {
            sku: "A/ä".into(),
            location: "L".into(),
            quantity: Quantity::from_milli(12_345),
            unit_price: Some(UnitPrice::from_ten_thousandths(25_000)),
            currency: Currency::parse("EUR"),
            uom: None,
        }))
    );
    let Ok(EventData::ForecastPublished(forecast)) =
        parse("forecast.published", &example("forecast.published").to_string())
    else {
        panic!("a forecast")
    };
    assert_eq!(forecast.buckets[0].from, at("2026-03-01T00:00:00Z"));
    assert_eq!(forecast.buckets[1].p90, Some(Quantity::from_units(9)));
    let Ok(EventData::Shipment(shipment)) =
        parse("shipment.delayed", &example("shipment.delayed").to_string())
    else {
        panic!("a shipment")
    };
    assert_eq!(
        shipment.lines[0],
        ShipmentLine {
            document_kind: DocumentKind::Transfer,
            document: "T".into(),
            line_id: "1".into(),
            quantity: None
        }
    );
    let Ok(EventData::ActionConfirmed(answer)) =
        parse("action.confirmed", r#"{"action_id":"x","actual":"a\"b"}"#)
    else {
        panic!("an answer")
    };
    assert_eq!(answer.actual.as_deref(), Some(r#""a\"b""#));
    let Ok(EventData::InventoryCounted(count)) =
        parse("inventory.counted", &example("inventory.counted").to_string())
    else {
        panic!("a count")
    };
    assert_eq!((count.on_hand, count.status), (Quantity::from_units(-3), StockStatus::Blocked));
    assert_eq!(count.lots[0].expires_on.unwrap().to_string(), "2026-12-31");
    let Ok(EventData::SourcingSet(sourcing)) = parse("sourcing.set", &example("sourcing.set").to_string())
    else {
        panic!("a source")
    };
    assert_eq!(sourcing.source, SourceOfSupply::Location("D".into()));
    assert_eq!(
        parse("fx.published", r#"{"rates":{"USD":0.92}}"#),
        Ok(EventData::FxPublished(vec![(Currency::parse("USD").unwrap(), 0.92)]))
    );
}

/// Values that are wrong somewhere, odd, or huge.
fn odd_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Into::into),
        (-5i64..5).prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        prop::num::f64::NORMAL.prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
        prop::sample::select(vec!["all", "EUR", "2026-03-01T12:00:00Z", "", "..", "1e999", "-0.0001"])
            .prop_map(Into::into),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"line_id": "1"}, {"line_id": "1"}])),
        Just(json!("x".repeat(2_000))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_error_points_at_something_or_at_what_is_missing_from_something(
        which in 0..EXAMPLES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), odd_value()), 1..4)
    ) {
        let (name, data, _) = EXAMPLES[which];
        let mut data: Json = serde_json::from_str(data).unwrap();
        for (at, value) in edits {
            let mut all = vec![];
            places(&data, "", &mut all);
            if let Some(pointer) = (!all.is_empty()).then(|| at.get(&all)) {
                *data.pointer_mut(pointer).unwrap() = value;
            }
        }
        let whole = json!({"data": data});
        for (pointer, code) in errors(name, &data.to_string()) {
            let there = whole.pointer(&pointer);
            if code == "required" {
                prop_assert!(there.is_none_or(Json::is_null), "{name} {pointer} is there: {data}");
                let (parent, _) = pointer.rsplit_once('/').unwrap();
                prop_assert!(whole.pointer(parent).is_some_and(Json::is_object), "{name} {pointer}");
            } else {
                prop_assert!(there.is_some(), "{name} {pointer} {code} is not there: {data}");
            }
        }
    }
}
