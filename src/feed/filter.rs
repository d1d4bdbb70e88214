//! Filters: what a subscription's `where` asks, compiled once for all that ask the same.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::{Map, Value};

use super::request::Topic;
use crate::config::FeedConfig;
use crate::domain::approval_case::CaseItem;
use crate::domain::condition::{Condition, ConditionBounds, ConditionError, JsonVariables};
use crate::domain::exception::ExceptionItem;

/// What an item has beside its own fields: money as a number, and the record that last changed it.
const ADDED_FIELDS: [&str; 2] = ["value_at_risk_amount", "lsn"];
const SKU_LOCATION_FIELDS: &[&str] = &[
    "sku",
    "location",
    "on_hand",
    "blocked",
    "reserved",
    "due",
    "available",
    "backorders",
    "on_order",
    "planned",
    "in_transit",
    "inventory_position",
    "demand_rate_per_day",
    "demand_class",
    "days_of_cover",
    "safety_stock",
    "reorder_point",
    "lead_time_days",
    "stockout_probability",
    "stockout_horizon_days",
    "projected_stockout_at",
    "open_exceptions",
    "lsn",
];
const SUPPLIER_FIELDS: &[&str] = &[
    "supplier",
    "name",
    "timezone",
    "calendar",
    "ack_within_hours",
    "open_lines",
    "open_quantity",
    "late_lines",
    "predicted_late_lines",
    "receipts",
    "receipts_before_order",
    "lines_refused",
    "lead_time_mean_days",
    "lead_time_sd_days",
    "lead_time_source",
    "lead_time_p50_days",
    "lead_time_p90_days",
    "lead_time_drift",
    "otif_share",
    "in_full_share",
    "otif_lines",
    "otif_policy",
    "on_time_share",
    "lateness_mean_days",
    "acknowledgement_mean_hours",
    "acknowledgement_p90_hours",
    "unacknowledged_lines",
    "next_acknowledgement_due_at",
    "capacity_factor",
    "delays",
    "capacities",
    "single_sourced",
    "open_exceptions",
    "lsn",
];
const STATS_FIELDS: &[&str] = &[
    "clock",
    "business_time",
    "records",
    "records_per_second",
    "durable_lsn",
    "applied_lsn",
    "lag",
    "exceptions_open",
    "entities",
    "feed_sockets",
    "disk_full",
    "as_of",
    "lsn",
];

/// The names that a filter on a topic may use.
pub fn fields(topic: Topic) -> Vec<&'static str> {
    let with_added = |fields: &[&'static str]| [fields, ADDED_FIELDS.as_slice()].concat();
    match topic {
        Topic::Exceptions => with_added(fields_of::<ExceptionItem>()),
        Topic::Cases => with_added(fields_of::<CaseItem>()),
        Topic::SkuLocations => SKU_LOCATION_FIELDS.to_vec(),
        Topic::Suppliers => SUPPLIER_FIELDS.to_vec(),
        Topic::Stats => STATS_FIELDS.to_vec(),
    }
}

/// The names of a structure's fields as it stands in JSON.
fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It fails, after it has been asked for the fields.
    let _ = T::deserialize(FieldNames(&mut fields));
    fields
}

/// Reads nothing, and notes which fields a structure wants to read.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("no structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(serde::de::Error::custom("only the names of its fields are wanted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Why there is no filter for a subscription.
#[derive(Debug, PartialEq, Eq)]
pub enum FilterError {
    Condition(ConditionError),
    TooMany(usize),
}

/// A filter in use, with what it said of the items that are being published.
pub struct Filter {
    condition: Arc<Condition>,
    verdicts: RefCell<Verdicts>,
}

#[derive(Default)]
struct Verdicts {
    batch: u64,
    by_item: Vec<Option<bool>>,
}

impl Filter {
    /// The condition alone, which may go to another thread.
    pub fn condition(&self) -> Arc<Condition> {
        self.condition.clone()
    }

    /// Whether the item at `index` of a batch matches; asked once an item, whoever asks.
    pub fn matches_in_batch<'a>(
        &self,
        batch: u64,
        index: usize,
        item: impl FnOnce() -> Option<&'a Map<String, Value>>,
    ) -> bool {
        let mut verdicts = self.verdicts.borrow_mut();
        if verdicts.batch != batch {
            verdicts.batch = batch;
            verdicts.by_item.clear();
        }
        if verdicts.by_item.len() <= index {
            verdicts.by_item.resize(index + 1, None);
        }
        *verdicts.by_item[index]
            .get_or_insert_with(|| item().is_some_and(|item| matches(&self.condition, item)))
    }
}

/// Whether an item matches. An item on which the condition fails does not.
pub fn matches(condition: &Condition, item: &Map<String, Value>) -> bool {
    condition.holds(&JsonVariables(item)).unwrap_or(false)
}

/// Money as a number beside it, for filters to compare with.
pub fn add_amount(item: &mut Map<String, Value>) {
    let amount = item.get("value_at_risk").and_then(|money| money.get("amount")).and_then(Value::as_str);
    let amount = amount.and_then(|amount| amount.parse::<f64>().ok());
    item.insert("value_at_risk_amount".to_owned(), Value::from(amount));
}

/// All filters in use.
pub struct Filters {
    bounds: ConditionBounds,
    filters_max: usize,
    by_text: HashMap<(Vec<Topic>, String), Weak<Filter>, FixedState>,
}

impl Filters {
    /// None yet.
    pub fn new(config: &FeedConfig) -> Filters {
        let bounds =
            ConditionBounds { length_max: config.filter_length_max, depth_max: config.filter_depth_max };
        Filters { bounds, filters_max: config.filters_max, by_text: HashMap::default() }
    }

    /// The filter with this text on these topics: the one that is in use already, or a new one.
    ///
    /// # Errors
    /// [`FilterError`]
    pub fn get(&mut self, topics: &[Topic], text: &str) -> Result<Rc<Filter>, FilterError> {
        let key = (topics.to_vec(), text.to_owned());
        if let Some(filter) = self.by_text.get(&key).and_then(Weak::upgrade) {
            return Ok(filter);
        }
        if self.in_use() >= self.filters_max {
            return Err(FilterError::TooMany(self.filters_max));
        }
        let mut names: Vec<&str> = topics.iter().flat_map(|topic| fields(*topic)).collect();
        names.sort_unstable();
        names.dedup();
        let condition = Condition::compile(text, &self.bounds, &names).map_err(FilterError::Condition)?;
        let filter = Rc::new(Filter { condition: Arc::new(condition), verdicts: RefCell::default() });
        self.by_text.insert(key, Rc::downgrade(&filter));
        Ok(filter)
    }

    /// How many are in use.
    pub fn in_use(&mut self) -> usize {
        self.by_text.retain(|_, filter| filter.strong_count() > 0);
        self.by_text.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::feed::event::Event;
    use crate::feed::ring::testing::{case_record, exception_record};

    fn filters(filters_max: usize) -> Filters {
        Filters {
            bounds: ConditionBounds { length_max: 2_048, depth_max: 32 },
            filters_max,
            by_text: HashMap::default(),
        }
    }

    #[test]
    fn filters_of_one_text_are_one_and_asked_once_an_item() {
        let mut filters = filters(10);
        let text = "severity == 'high'";
        let first = filters.get(&[Topic::Exceptions], text).expect("a filter");
        let second = filters.get(&[Topic::Exceptions], text).expect("a filter");
        assert!(Rc::ptr_eq(&first, &second));
        let other = filters.get(&[Topic::Exceptions, Topic::Cases], "state == 'open'").expect("a filter");
        assert_eq!(filters.in_use(), 2);
        let item = json!({"severity": "high"});
        assert!(first.matches_in_batch(1, 3, || item.as_object()));
        assert!(second.matches_in_batch(1, 3, || unreachable!("asked again")));
        assert!(!second.matches_in_batch(2, 3, || None), "another batch has other items");
        drop((first, second, other));
        assert_eq!(filters.in_use(), 0);
    }

    #[test]
    fn the_number_of_filters_is_bounded() {
        let mut filters = filters(2);
        let kept: Vec<_> = (0..2)
            .map(|n| filters.get(&[Topic::Exceptions], &format!("urgency > {n}")).expect("a filter"))
            .collect();
        let more = filters.get(&[Topic::Exceptions], "urgency > 5");
        assert_eq!(more.err(), Some(FilterError::TooMany(2)));
        assert!(filters.get(&[Topic::Exceptions], "urgency > 0").is_ok(), "one that is in use already");
        drop(kept);
        assert!(filters.get(&[Topic::Exceptions], "urgency > 5").is_ok());
    }

    #[test]
    fn names_are_those_of_the_topics() {
        let mut filters = filters(10);
        assert!(filters.get(&[Topic::SkuLocations], "on_hand < 5").is_ok());
        assert!(filters.get(&[Topic::Exceptions, Topic::SkuLocations], "on_hand < 5").is_ok());
        let error = filters.get(&[Topic::Exceptions], "urgency > 1 && on_hand < 5").err();
        let expected = ConditionError { line: 1, column: 16, detail: "there is no on_hand here".into() };
        assert_eq!(error, Some(FilterError::Condition(expected)));
    }

    #[test]
    fn every_field_of_an_item_can_be_named() {
        for (record, topic) in
            [(exception_record(7, "A", 1), Topic::Exceptions), (case_record(8, "case_1", 1), Topic::Cases)]
        {
            let event = Event::of(Arc::new(record)).expect("an event");
            let item = event.item().expect("an item");
            let named: BTreeSet<&str> = fields(topic).into_iter().collect();
            let there: BTreeSet<&str> = item.keys().map(String::as_str).collect();
            assert_eq!(named, there);
        }
    }

    #[test]
    fn money_is_compared_as_an_amount() {
        let mut filters = filters(10);
        let filter = filters.get(&[Topic::Exceptions], "value_at_risk_amount > 12").expect("a filter");
        for (money, expected) in [
            (json!({"amount": "12.50", "currency": "EUR"}), true),
            (json!({"amount": "11.99", "currency": "EUR"}), false),
            (json!(null), false),
        ] {
            let mut item = json!({"value_at_risk": money}).as_object().cloned().expect("an object");
            add_amount(&mut item);
            assert_eq!(matches(&filter.condition, &item), expected, "{item:?}");
        }
    }
}
