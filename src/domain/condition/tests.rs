use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;

const BOUNDS: ConditionBounds = ConditionBounds { length_max: 2_048, depth_max: 32 };

const NAMES: [&str; 9] =
    ["severity", "urgency", "on_hand", "reorder_point", "owner", "decide_by", "subject", "evidence", "flag"];

fn item() -> Map<String, Json> {
    let item = json!({
        "severity": "high", "urgency": 70, "on_hand": 12.5, "reorder_point": 40, "owner": null,
        "decide_by": "2026-03-01T12:00:00Z", "flag": true,
        "subject": {"kind": "sku_location", "sku": "A-1", "location": "S1", "supplier": null},
        "evidence": [{"type": "pos.sale", "lsn": 7}, {"type": "inventory.counted", "lsn": 9}],
    });
    match item {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn compiled(source: &str) -> Condition {
    Condition::compile(source, &BOUNDS, &NAMES).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn answer(source: &str) -> Result<bool, EvaluationError> {
    compiled(source).holds(&JsonVariables(&item()))
}

#[track_caller]
fn hold(sources: &[&str]) {
    for source in sources {
        assert_eq!(answer(source), Ok(true), "{source}");
    }
}

#[track_caller]
fn do_not_hold(sources: &[&str]) {
    for source in sources {
        assert_eq!(answer(source), Ok(false), "{source}");
    }
}

#[track_caller]
fn fail(sources: &[&str]) {
    for source in sources {
        assert!(answer(source).is_err(), "{source}: {:?}", answer(source));
    }
}

#[track_caller]
fn mistake(source: &str) -> (usize, usize, String) {
    match Condition::compile(source, &BOUNDS, &NAMES) {
        Ok(_) => panic!("{source} compiles"),
        Err(ConditionError { line, column, detail }) => (line, column, detail),
    }
}

#[test]
fn fields_are_compared_with_values() {
    hold(&[
        "severity == 'high'",
        r#"severity != "low" && urgency >= 70"#,
        "severity in ['high', 'critical']",
        "on_hand < reorder_point",
        "on_hand == 12.5 && urgency == 70",
        "flag",
        "!(urgency > 70)",
        "urgency > 90 ? severity == 'critical' : severity == 'high'",
        "urgency != 'seventy'",
    ]);
    do_not_hold(&[
        "severity == 'HIGH'",
        "severity in []",
        "urgency > 70.0",
        "flag == false",
        "severity == null",
    ]);
}

#[test]
fn integers_mix_with_doubles() {
    hold(&[
        "on_hand * 2 == 25",
        "reorder_point / 2 > 19.9",
        "urgency - 20 == 50 && -urgency < 0",
        "7 / 2 == 3 && 7 % 4 == 3 && 7.0 / 2 == 3.5",
        "int(on_hand) == 12 && double('1.5') == 1.5",
        "urgency % 60 == 10",
    ]);
    fail(&["1 / 0 == 1", "9223372036854775807 + 1 > 0", "-9223372036854775807 - 2 < 0", "int(1e300) > 0"]);
}

#[test]
fn null_is_an_unknown() {
    do_not_hold(&[
        "owner > 5",
        "owner < 5",
        "owner <= owner",
        "owner + 1 > 0",
        "owner.name == 'x'",
        "owner",
        "owner && flag",
        "owner.contains('a')",
        "owner.matches('a')",
        "owner.exists(o, true)",
        "'a' in owner",
        "timestamp(owner) < timestamp('2030-01-01T00:00:00Z')",
        "null",
    ]);
    hold(&[
        "owner == null",
        "severity != null",
        "owner != 'anna'",
        "owner || flag",
        "!owner",
        "size(owner) == 0",
    ]);
}

#[test]
fn nested_fields_are_reached() {
    hold(&[
        "subject.location == 'S1'",
        "subject['sku'].startsWith('A-')",
        "has(subject.sku) && !has(subject.supplier) && !has(subject.carrier)",
        "subject.carrier == null",
        "evidence[1].lsn == 9 && evidence[5].lsn == null",
        "size(evidence) == 2 && severity.size() == 4",
        "evidence.exists(e, e.type == 'pos.sale')",
        "evidence.all(e, e.lsn > 5)",
        "evidence.exists_one(e, e.lsn == 9)",
        "['S1', 'S2'].exists(l, subject.location == l)",
        "evidence.exists(e, evidence.all(f, f.lsn >= e.lsn))",
        "'location' in subject",
    ]);
    do_not_hold(&["evidence.exists(e, e.lsn > 9)", "evidence.exists_one(e, e.lsn > 1)"]);
    fail(&["severity.length > 3", "urgency.exists(u, true)", "evidence + 1 > 0"]);
}

#[test]
fn texts_and_times_have_functions() {
    hold(&[
        "subject.sku.endsWith('1') && severity.contains('ig')",
        "subject.sku.matches('^[A-Z]-[0-9]+$') && matches(severity, 'h.gh')",
        "timestamp(decide_by) < timestamp('2026-03-02T00:00:00Z')",
        "timestamp(decide_by) - timestamp('2026-03-01T00:00:00Z') == duration('12h')",
        "timestamp(decide_by) + duration('1h30m') == timestamp('2026-03-01T13:30:00Z')",
        "duration('1.5s') == duration('1500ms') && duration('-1m') < duration('0s')",
        "severity + '!' == 'high!'",
    ]);
    fail(&["timestamp(severity) > timestamp(decide_by)", "urgency.contains('7')", "double(severity) > 1"]);
}

#[test]
fn a_failing_operand_does_not_matter_where_the_other_decides() {
    hold(&["1 / 0 == 1 || flag", "flag || 1 / 0 == 1"]);
    do_not_hold(&["1 / 0 == 1 && false", "false && 1 / 0 == 1"]);
    fail(&["1 / 0 == 1 && flag", "1 / 0 == 1 || false"]);
}

#[test]
fn what_is_not_a_boolean_is_no_answer() {
    fail(&["urgency", "severity", "severity > 5", "!severity", "flag && severity", "evidence"]);
}

#[test]
fn a_mistake_is_reported_with_its_place() {
    assert_eq!(mistake("severty == 'high'"), (1, 1, "there is no severty here".into()));
    assert_eq!(mistake("severity == 'ü' &&\n  (urgncy > 5)"), (2, 4, "there is no urgncy here".into()));
    assert_eq!(mistake("subject.colour == colour"), (1, 19, "there is no colour here".into()));
    assert_eq!(mistake("e.type == '' || evidence.exists(e, true)"), (1, 1, "there is no e here".into()));
    assert_eq!(mistake("severity.shout()").2, "there is no function shout() here");
    assert_eq!(mistake("size(severity, 1)"), (1, 1, "size() takes 1 values here".into()));
    let (line, column, _) = mistake("urgency >");
    assert_eq!((line, column), (1, 10));
    for (source, column) in [
        ("urgency > 5 & flag", 13),
        ("flag ü", 6),
        ("urgency == 99999999999999999999", 12),
        ("severity == 'open", 13),
        ("severity.matches('(')", 10),
        ("severity.matches(severity)", 10),
        ("severity.matches('(a{1000}){1000}')", 10),
        ("evidence.map(e, e.lsn) == []", 10),
        ("evidence.filter(e, flag) == []", 10),
        ("flag && {'a': 1} == null", 9),
        ("decide_by == b'x'", 14),
        ("timestamp('today') == null", 1),
        ("duration('1 week') == null", 1),
        ("", 1),
    ] {
        let (line, found, detail) = mistake(source);
        assert_eq!((line, found), (1, column), "{source}: {detail}");
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let long = format!("severity == '{}'", "x".repeat(2_048));
    assert_eq!(mistake(&long).2, format!("the condition has {} bytes, 2048 are allowed", long.len()));
    let deep = |count: usize| format!("{}flag{}", "(".repeat(count), ")".repeat(count));
    assert!(Condition::compile(&deep(32), &BOUNDS, &NAMES).is_ok());
    assert_eq!(mistake(&deep(33)), (1, 33, "nested deeper than 32 levels".into()));
    for hostile in [
        deep(900),
        "(".repeat(2_000),
        "[".repeat(2_000),
        "!".repeat(2_000) + "flag",
        "-".repeat(2_000) + "urgency == 1",
        "!(-".repeat(600),
        "flag?flag:".repeat(200) + "flag",
        "urgency".to_owned() + &"+1".repeat(900) + " > 0",
        "subject".to_owned() + &".a".repeat(900),
        "evidence".to_owned() + &"[0]".repeat(600),
        "evidence.exists(a,".repeat(100),
        "severity".to_owned() + &".f()".repeat(500),
        "f(".repeat(900),
    ] {
        assert!(Condition::compile(&hostile, &BOUNDS, &NAMES).is_err(), "{hostile}");
    }
    let many = vec!["flag"; 250].join(" && ");
    assert!(Condition::compile(&many, &BOUNDS, &NAMES).is_ok(), "a flat condition is not a deep one");
}

#[test]
fn bounds_larger_than_the_limits_allow_no_more() {
    let bounds = ConditionBounds { length_max: usize::MAX, depth_max: usize::MAX };
    let long = format!("severity == '{}'", "x".repeat(LENGTH_LIMIT));
    assert!(Condition::compile(&long, &bounds, &NAMES).is_err());
    for unit in ["(", "!", "-", "flag?flag:", "1+", "f(", "a.f().", "[", "evidence.exists(e,", "1?"] {
        let source = unit.repeat(LENGTH_LIMIT / unit.len());
        assert!(Condition::compile(&source, &bounds, &NAMES).is_err(), "{unit}");
    }
}

#[test]
fn work_is_bounded() {
    let many: Vec<Json> = (0..1_000).map(Json::from).collect();
    let mut fields = item();
    fields.insert("evidence".into(), Json::from(many));
    fields.insert("severity".into(), Json::from("a".repeat(100_000)));
    for source in [
        "evidence.all(a, evidence.all(b, a != b || a == b))",
        "evidence.all(a, a in evidence)",
        "severity.matches('(a*)*b')",
    ] {
        assert!(compiled(source).holds(&JsonVariables(&fields)).is_err(), "{source}");
    }
    assert_eq!(compiled("evidence.all(a, a >= 0)").holds(&JsonVariables(&fields)), Ok(true));
}

#[test]
fn variables_can_be_given_by_index() {
    struct Stock {
        on_hand: i64,
    }
    impl Variables for Stock {
        fn value<'a>(&'a self, index: usize, name: &str) -> Value<'a> {
            assert_eq!(NAMES[index], name);
            if index == 2 { Value::Double(self.on_hand as f64 / 1_000.0) } else { Value::Null }
        }
    }
    let condition = compiled("on_hand < 3 && !(reorder_point > 0)");
    assert_eq!(condition.holds(&Stock { on_hand: 2_500 }), Ok(true));
    assert_eq!(condition.holds(&Stock { on_hand: 3_000 }), Ok(false));
}

#[test]
fn a_condition_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Condition>();
}

/// Pieces of conditions, good and bad, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "severity",
            "urgency",
            "subject",
            "evidence",
            "flag",
            "owner",
            "&&",
            "||",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            " in ",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            "?",
            ":",
            "'a'",
            "\"b\"",
            "r'\\'",
            "'''c'''",
            "b'd'",
            "'\\u00e4'",
            "'\\",
            "0x",
            "0xffffffffffffffff",
            "1e999",
            "-1",
            "5u",
            "9223372036854775808",
            "1.5",
            "null",
            "true",
            "false",
            "has(",
            "size(",
            ".exists(e,",
            ".all(e,",
            ".map(e,",
            ".matches('",
            "timestamp('",
            "duration('",
            "//",
            "\n",
            " ",
            "`x`",
            "ü",
            "\u{10ffff}",
            "as",
            ".?",
            "[?",
            "\0",
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Conditions that compile, over values of all kinds.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "severity",
        "urgency",
        "on_hand",
        "owner",
        "subject",
        "evidence",
        "flag",
        "null",
        "true",
        "1",
        "0",
        "-3",
        "2.5",
        "1e308",
        "'high'",
        "''",
        "[1, 'a']",
        "duration('1h')",
        "timestamp('2026-01-01T00:00:00Z')",
        "9223372036854775807",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operators = vec!["&&", "||", "==", "!=", "<", "<=", ">", ">=", " in ", "+", "-", "*", "/", "%"];
        prop_oneof![
            (inner.clone(), proptest::sample::select(operators), inner.clone())
                .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("({a}).lsn")),
            inner.clone().prop_map(|a| format!("size({a})")),
            inner.clone().prop_map(|a| format!("int({a})")),
            inner.clone().prop_map(|a| format!("timestamp({a})")),
            inner.clone().prop_map(|a| format!("({a}).matches('a+')")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}).exists(x, x == {b})")),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_the_source_there_is_an_answer(source in pieces()) {
        if let Ok(condition) = Condition::compile(&source, &BOUNDS, &NAMES) {
            let _ = condition.holds(&JsonVariables(&item()));
        }
    }

    #[test]
    fn a_mistake_lies_within_the_source(source in pieces()) {
        if let Err(error) = Condition::compile(&source, &BOUNDS, &NAMES) {
            let lines: Vec<&str> = source.split('\n').collect();
            prop_assert!((1..=lines.len()).contains(&error.line), "{source:?}: {error}");
            let width = lines[error.line - 1].chars().count();
            prop_assert!((1..=width + 1).contains(&error.column), "{source:?}: {error}");
        }
    }

    #[test]
    fn whatever_the_values_there_is_an_answer(source in expression()) {
        let bounds = ConditionBounds { length_max: 4_096, depth_max: 64 };
        if let Ok(condition) = Condition::compile(&source, &bounds, &NAMES) {
            let _ = condition.holds(&JsonVariables(&item()));
        }
    }

    #[test]
    fn comparisons_are_those_of_numbers(a in -1_000i64..1_000, b in -1_000.0f64..1_000.0) {
        let mut fields = Map::new();
        fields.insert("urgency".into(), Json::from(a));
        fields.insert("on_hand".into(), Json::from(b));
        let variables = JsonVariables(&fields);
        for (sign, expected) in [("<", (a as f64) < b), (">=", a as f64 >= b), ("==", a as f64 == b)] {
            prop_assert_eq!(compiled(&format!("urgency {sign} on_hand")).holds(&variables), Ok(expected));
            prop_assert_eq!(compiled(&format!("{a} {sign} on_hand")).holds(&variables), Ok(expected));
        }
    }
}
