//! A frame as lines for people.

use serde_json::Value;

/// The lines of a frame: one for an event or a state, one for each item of a snapshot, none for the rest.
pub fn lines(frame: &Value) -> Vec<String> {
    let topic = frame["topic"].as_str().unwrap_or_default();
    match frame["type"].as_str() {
        Some("event") => {
            let kind = frame["kind"].as_str().unwrap_or_default();
            let what = kind.rsplit('.').next().unwrap_or(kind);
            let what = if frame["matches"] == false {
                format!("{what}, no longer matches")
            } else {
                what.to_owned()
            };
            vec![gapless(topic, &what, &frame["item"])]
        }
        Some("state") => {
            let gone = if frame["matches"] == false { "  no longer matches" } else { "" };
            vec![state(topic, &frame["item"]) + gone]
        }
        Some("snapshot") => {
            let items = frame["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let show = |item: &Value| match topic {
                "exceptions" | "cases" => gapless(topic, &format!("is {}", text(&item["state"])), item),
                _ => state(topic, item),
            };
            items.iter().map(show).collect()
        }
        Some("error") => vec![format!("error {}: {}", text(&frame["code"]), text(&frame["detail"]))],
        _ => Vec::new(),
    }
}

fn gapless(topic: &str, what: &str, item: &Value) -> String {
    if topic == "cases" { case(what, item) } else { exception(what, item) }
}

/// When, what happened, how bad and how urgent, what, where, what it costs, until when it can be helped, who has it.
fn exception(what: &str, item: &Value) -> String {
    let mut line = format!(
        "{:<20}  {what:<14}  {:<8} {:>3}  {:<22}  {:<32}  {:>18}  {}",
        text(&item["updated_at"]),
        text(&item["severity"]),
        text(&item["urgency"]),
        text(&item["type"]),
        subject(&item["subject"]),
        value_at_risk(item),
        decide_by(item),
    );
    for (name, field) in [("owner", "owner"), ("team", "team"), ("in", "case_id")] {
        if item[field].is_string() {
            line.push_str(&format!("  {name} {}", text(&item[field])));
        }
    }
    line
}

/// When, what happened, how far it is, its title, what it costs, until when to decide, what there is to choose from.
fn case(what: &str, item: &Value) -> String {
    let options = item["options"].as_array().map_or(0, Vec::len);
    let chosen = match &item["chosen_option"] {
        Value::Null => format!("{options} options"),
        chosen => format!("chosen {} of {options}", text(chosen)),
    };
    format!(
        "{:<20}  {what:<14}  {:<17}  {}  {:<32}  {:>18}  {}  {chosen}",
        text(&item["updated_at"]),
        text(&item["state"]),
        text(&item["id"]),
        text(&item["title"]),
        value_at_risk(item),
        decide_by(item),
    )
}

fn value_at_risk(item: &Value) -> String {
    match &item["value_at_risk"] {
        Value::Null => "value unknown".to_owned(),
        money => format!("{} {}", text(&money["amount"]), text(&money["currency"])),
    }
}

fn decide_by(item: &Value) -> String {
    match &item["decide_by"] {
        Value::Null => "no remedy in time".to_owned(),
        moment => format!("decide by {}", text(moment)),
    }
}

fn subject(subject: &Value) -> String {
    const DOCUMENTS: [(&str, &str); 6] = [
        ("purchase order", "po_id"),
        ("order", "order_id"),
        ("transfer", "transfer_id"),
        ("promotion", "promotion_id"),
        ("action", "action_id"),
        ("source", "source"),
    ];
    let mut parts: Vec<String> = DOCUMENTS
        .iter()
        .filter(|(_, field)| subject[*field].is_string())
        .map(|(name, field)| format!("{name} {}", text(&subject[*field])))
        .collect();
    match (&subject["sku"], &subject["location"]) {
        (Value::Null, Value::Null) => {}
        (Value::Null, location) => parts.push(format!("location {}", text(location))),
        (sku, Value::Null) => parts.push(format!("item {}", text(sku))),
        (sku, location) => parts.push(format!("{} @ {}", text(sku), text(location))),
    }
    if subject["supplier"].is_string() {
        parts.push(format!("supplier {}", text(&subject["supplier"])));
    }
    parts.join(", ")
}

fn state(topic: &str, item: &Value) -> String {
    let (name, fields): (String, &[&str]) = match topic {
        "sku_locations" => (
            subject(item),
            &[
                "on_hand",
                "available",
                "on_order",
                "inventory_position",
                "stockout_probability",
                "open_exceptions",
            ],
        ),
        "suppliers" => (
            format!("supplier {}", text(&item["supplier"])),
            &["open_lines", "late_lines", "lead_time_mean_days", "on_time_share", "open_exceptions"],
        ),
        _ => (
            "tower".to_owned(),
            &["records", "records_per_second", "exceptions_open", "entities", "feed_sockets"],
        ),
    };
    let fields: Vec<String> = fields.iter().map(|field| format!("{field} {}", text(&item[*field]))).collect();
    format!("{name:<32}  {}", fields.join("  "))
}

/// A value without quotes, `-` when it is not known. Control characters could drive the terminal and are shown as `?`.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_line_with_all_that_decides() {
        let frame = json!({
            "type": "event", "topic": "exceptions", "kind": "exception.opened",
            "item": {
                "type": "shortage_now", "severity": "high", "urgency": 70, "updated_at": "2026-03-01T12:00:00Z",
                "owner": "anna", "team": null, "case_id": "case_7",
                "subject": {"kind": "sku_location", "sku": "A1", "location": "L1", "supplier": null},
                "value_at_risk": {"amount": "12.50", "currency": "EUR"}, "decide_by": "2026-03-02T08:00:00Z",
            },
        });
        let line = lines(&frame).remove(0);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "2026-03-01T12:00:00Z opened high 70 shortage_now A1 @ L1 12.50 EUR decide by 2026-03-02T08:00:00Z \
             owner anna in case_7"
        );
    }

    #[test]
    fn a_case_is_one_line_with_what_there_is_to_choose() {
        let mut frame = json!({
            "type": "event", "topic": "cases", "kind": "case.options",
            "item": {"id": "case_7", "state": "proposed", "title": "A1 runs out", "updated_at": "t", "options": [{}, {}],
                "chosen_option": null, "value_at_risk": null, "decide_by": null},
        });
        let words = |frame: &Value| lines(frame).remove(0).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(&frame),
            "t options proposed case_7 A1 runs out value unknown no remedy in time 2 options"
        );
        frame["item"]["chosen_option"] = json!("opt_1");
        frame["matches"] = json!(false);
        assert_eq!(
            words(&frame),
            "t options, no longer matches proposed case_7 A1 runs out value unknown no remedy in time chosen opt_1 of 2"
        );
    }

    #[test]
    fn a_subject_is_named_by_all_that_it_has() {
        let late =
            json!({"kind": "purchase_order", "po_id": "P1", "sku": null, "location": null, "supplier": "S"});
        assert_eq!(subject(&late), "purchase order P1, supplier S");
        assert_eq!(subject(&json!({"sku": "A", "location": "L", "order_id": "O"})), "order O, A @ L");
    }

    #[test]
    fn what_is_not_known_is_said_so_and_nothing_drives_the_terminal() {
        let frame = json!({
            "type": "snapshot", "topic": "exceptions",
            "items": [{"type": "missing_master_data", "severity": "low", "updated_at": "t", "value_at_risk": null,
                "decide_by": null, "subject": {"sku": "\u{1b}[2J", "location": null, "supplier": null}}],
        });
        let line = lines(&frame).remove(0);
        assert!(
            line.contains("item ?[2J")
                && line.contains("value unknown")
                && line.contains("no remedy in time")
        );
        assert!(lines(&json!({"type": "ping", "position": "e-1"})).is_empty());
    }

    #[test]
    fn a_state_is_one_line() {
        let frame = json!({"type": "state", "topic": "sku_locations", "lsn": 3,
            "item": {"sku": "A", "location": "L", "on_hand": 5, "stockout_probability": null}});
        let line = lines(&frame).remove(0);
        assert!(
            line.starts_with("A @ L ")
                && line.contains("on_hand 5  ")
                && line.contains("stockout_probability -")
        );
    }
}
