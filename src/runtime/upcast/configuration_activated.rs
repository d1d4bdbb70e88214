//! Schema version 1: exceptions had three kinds, each with settings of its own shape in a field of its own. Since then a
//! table has all kinds in one shape.

use serde_json::{Map, Value, json};

/// Moves the three kinds into the table. A body of version 1 that has the table already stays as it is: the table came
/// before the version was raised.
pub fn upcast(mut body: Value) -> Result<Value, String> {
    let exceptions = body
        .pointer_mut("/configuration_activated/settings/exceptions")
        .and_then(Value::as_object_mut)
        .ok_or("it has no settings of exceptions")?;
    if exceptions.contains_key("kinds") {
        return Ok(body);
    }
    let mut kinds = Map::new();
    for (kind, table) in [
        ("shortage_now", shortage_now as fn(&Value) -> Value),
        ("projected_stockout", projected_stockout),
        ("missing_master_data", missing_master_data),
    ] {
        let old = exceptions.remove(kind).ok_or_else(|| format!("it says nothing about `{kind}`"))?;
        kinds.insert(kind.to_owned(), table(&old));
    }
    exceptions.insert("kinds".to_owned(), Value::Object(kinds));
    Ok(body)
}

fn shortage_now(old: &Value) -> Value {
    json!({
        "enabled": old["enabled"], "raise": 0.0, "clear": old["clear_days_of_demand"], "minimum": 0.0, "days": 0.0,
        "consecutive_periods": 1, "quiet_hours": 24.0,
    })
}

fn projected_stockout(old: &Value) -> Value {
    json!({
        "enabled": old["enabled"], "raise": old["raise_probability"], "clear": old["clear_probability"], "minimum": 0.0,
        "days": 365.0, "consecutive_periods": 1, "quiet_hours": 24.0,
    })
}

fn missing_master_data(old: &Value) -> Value {
    json!({
        "enabled": old["enabled"], "raise": 0.0, "clear": 0.0, "minimum": 0.0, "days": 0.0, "consecutive_periods": 1,
        "quiet_hours": 24.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::ExceptionType;
    use crate::domain::record::SystemBody;

    /// As the first builds journaled it, shortened where it has not changed.
    const FIRST: &str = r#"{"configuration_activated":{"hash":"ab","settings":{
        "fold":{"entities_max":5000000,"document_index_lines_max":5000000,"holding_events_max":100000},
        "sku_location":{"movements_kept_max":512,"count_lateness_hours":48,"lateness_hours":48,"tombstones_max":512,
            "lines_max":1000,"demand_periods_ahead_max":60,"forecast_buckets_max":120,"shipments_per_line_max":16,
            "projection_days":60},
        "supplier":{"lines_max":100000,"statistics_publish_change":0.05},
        "demand":{"alpha":0.1,"error_alpha":0.1,"period_days":1},
        "defaults":{"service_level":0.95,"review_days":0.0,"lead_time_days":7.0,"measured_receipts_min":5},
        "exceptions":{
            "shortage_now":{"enabled":false,"clear_days_of_demand":2.5},
            "projected_stockout":{"enabled":true,"raise_probability":0.7,"clear_probability":0.2},
            "missing_master_data":{"enabled":false},
            "update_value_change":0.1,"update_interval_minutes":60,"severity_value_medium":1.0,
            "severity_value_high":2.0,"severity_value_critical":3.0,"urgency_case_hours":24.0}}}}"#;

    #[test]
    fn what_the_first_builds_set_about_a_kind_holds_on() {
        let body: SystemBody =
            serde_json::from_value(upcast(serde_json::from_str(FIRST).unwrap()).unwrap()).unwrap();
        let SystemBody::ConfigurationActivated { settings, .. } = body else { panic!("{body:?}") };
        let of = |kind: ExceptionType| *settings.exceptions.kinds.get(kind.index().unwrap()).unwrap();
        assert!(!of(ExceptionType::ShortageNow).enabled);
        assert_eq!(of(ExceptionType::ShortageNow).clear, 2.5);
        let stockout = of(ExceptionType::ProjectedStockout);
        assert_eq!((stockout.enabled, stockout.raise, stockout.clear), (true, 0.7, 0.2));
        assert!(!of(ExceptionType::MissingMasterData).enabled);
        assert_eq!(settings.exceptions.severity_value_critical, 3.0);
    }

    #[test]
    fn a_table_that_is_there_stays() {
        let body = json!({"configuration_activated": {"settings": {"exceptions": {"kinds": {"excess": 1}}}}});
        assert_eq!(upcast(body.clone()), Ok(body));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        assert!(upcast(json!({"started": {}})).is_err());
        let empty = json!({"configuration_activated": {"settings": {"exceptions": {}}}});
        assert!(upcast(empty).unwrap_err().contains("shortage_now"));
    }
}
