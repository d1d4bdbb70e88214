//! A frame as lines for people.

use serde_json::Value;

/// The lines of a frame: one for an event or a state, one for each item of a snapshot, none for the rest.
pub fn lines(frame: &Value) -> Vec<String> {
    let topic = frame["topic"].as_str().unwrap_or_default();
    match frame["type"].as_str() {
        Some("event") => {
            let kind = frame["kind"].as_str().unwrap_or_default();
            vec![exception(kind.rsplit('.').next().unwrap_or(kind), &frame["item"])]
        }
        Some("state") => vec![state(topic, &frame["item"])],
        Some("snapshot") => {
            let items = frame["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let show = |item: &Value| match topic {
                "exceptions" => exception("is open", item),
                _ => state(topic, item),
            };
            items.iter().map(show).collect()
        }
        Some("error") => vec![format!("error {}: {}", text(&frame["code"]), text(&frame["detail"]))],
        _ => Vec::new(),
    }
}

/// When, what happened, how bad, what, where, what it costs, until when it can be helped.
fn exception(what: &str, item: &Value) -> String {
    let value = match &item["value_at_risk"] {
        Value::Null => "value unknown".to_owned(),
        money => format!("{} {}", text(&money["amount"]), text(&money["currency"])),
    };
    let decide_by = match &item["decide_by"] {
        Value::Null => "no remedy in time".to_owned(),
        moment => format!("decide by {}", text(moment)),
    };
    format!(
        "{:<20}  {what:<8}  {:<8}  {:<20}  {:<32}  {value:>18}  {decide_by}",
        text(&item["updated_at"]),
        text(&item["severity"]),
        text(&item["type"]),
        subject(&item["subject"]),
    )
}

fn subject(subject: &Value) -> String {
    match (&subject["sku"], &subject["location"], &subject["supplier"]) {
        (Value::Null, Value::Null, supplier) => format!("supplier {}", text(supplier)),
        (Value::Null, location, _) => format!("location {}", text(location)),
        (sku, Value::Null, _) => format!("item {}", text(sku)),
        (sku, location, _) => format!("{} @ {}", text(sku), text(location)),
    }
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
                "type": "shortage_now", "severity": "high", "updated_at": "2026-03-01T12:00:00Z",
                "subject": {"kind": "sku_location", "sku": "A1", "location": "L1", "supplier": null},
                "value_at_risk": {"amount": "12.50", "currency": "EUR"}, "decide_by": "2026-03-02T08:00:00Z",
            },
        });
        let line = lines(&frame).remove(0);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "2026-03-01T12:00:00Z opened high shortage_now A1 @ L1 12.50 EUR decide by 2026-03-02T08:00:00Z"
        );
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
