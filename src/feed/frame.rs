//! Frames as JSON text.
//!
//! What is the same for every subscriber is written once (the *tail*); the subscriber's id stands in the *head* before
//! it: `{"type":"event","id":"q1"` and `,"topic":…}` make one frame.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::request::Topic;
use crate::domain::condition::ConditionError;
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;

/// An item as it is shown: with the record that last changed it.
#[derive(Serialize)]
pub struct Shown<'a, T> {
    #[serde(flatten)]
    pub item: &'a T,
    pub lsn: Lsn,
}

pub fn hello(epoch: &str, position: &str, now: Timestamp, is_disk_full: bool) -> String {
    json!({
        "type": "hello", "epoch": epoch, "position": position, "server_time": now, "disk_full": is_disk_full,
    })
    .to_string()
}

pub fn subscribed(id: &str, lost: Option<&str>, position: &str) -> String {
    json!({"type": "subscribed", "id": id, "recovered": lost.is_none(), "reason": lost, "position": position})
        .to_string()
}

pub fn ping(position: &str, is_disk_full: bool) -> String {
    json!({"type": "ping", "position": position, "disk_full": is_disk_full}).to_string()
}

/// An error that leaves the socket open; `id` is the subscription it is about, if any.
pub fn error(id: Option<&str>, code: &str, detail: &str) -> String {
    json!({"type": "error", "id": id, "code": code, "detail": detail}).to_string()
}

/// An error about a filter, with its place there.
pub fn filter_error(id: &str, code: &str, error: &ConditionError) -> String {
    let ConditionError { line, column, detail } = error;
    json!({
        "type": "error", "id": id, "code": code, "detail": format!("where: {error}"),
        "where": {"line": line, "column": column, "detail": detail},
    })
    .to_string()
}

/// The beginning of a subscriber's event frames.
pub fn event_head(id: &str) -> Arc<str> {
    head("event", id)
}

/// The beginning of a subscriber's state frames.
pub fn state_head(id: &str) -> Arc<str> {
    head("state", id)
}

fn head(frame_type: &str, id: &str) -> Arc<str> {
    format!(r#"{{"type":"{frame_type}","id":{}"#, quoted(id)).into()
}

/// The rest of an event frame around an item that is JSON already.
pub fn event_tail(topic: Topic, kind: &str, lsn: Lsn, position: &str, item: &str) -> Arc<str> {
    let (topic, position) = (topic.as_str(), quoted(position));
    format!(r#","topic":"{topic}","kind":"{kind}","lsn":{lsn},"position":{position},"item":{item}}}"#).into()
}

/// The rest of a state frame around an item that is JSON already.
pub fn state_tail(topic: Topic, lsn: Lsn, item: &str) -> Arc<str> {
    format!(r#","topic":"{}","lsn":{lsn},"item":{item}}}"#, topic.as_str()).into()
}

/// A page of a snapshot in the making, from items that are JSON already.
pub struct Page {
    text: String,
    prefix: usize,
    items: usize,
}

impl Page {
    /// An empty page.
    pub fn new(id: &str, topic: Topic) -> Page {
        let text =
            format!(r#"{{"type":"snapshot","id":{},"topic":"{}","items":["#, quoted(id), topic.as_str());
        Page { prefix: text.len(), text, items: 0 }
    }

    /// Adds an item.
    pub fn push(&mut self, item: &str) {
        if self.items > 0 {
            self.text.push(',');
        }
        self.text.push_str(item);
        self.items += 1;
    }

    /// Whether another item of `bytes` would make it too long in items or bytes.
    pub fn is_full(&self, bytes: usize, items_max: usize, bytes_max: usize) -> bool {
        self.items >= items_max || (self.items > 0 && self.text.len() + bytes > bytes_max)
    }

    /// Gives the frame away and begins the next page.
    pub fn finish(&mut self, last: bool, position: &str) -> String {
        let next = self.text[..self.prefix].to_owned();
        let mut text = std::mem::replace(&mut self.text, next);
        self.items = 0;
        text.push_str(&format!(r#"],"last":{last},"position":{}}}"#, quoted(position)));
        text
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::record::{Body, Transition};
    use crate::feed::ring::testing::exception_record;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn an_event_frame_is_a_subscribers_head_before_the_shared_tail() {
        let record = exception_record(812, "A\"1", 3);
        let Body::Transition(body) = &record.body else { unreachable!() };
        let Transition::Exception(transition) = &body.transition else { unreachable!() };
        let item = serde_json::to_string(&Shown { item: &transition.item, lsn: record.lsn }).expect("JSON");
        let tail = event_tail(Topic::Exceptions, "exception.opened", record.lsn, "abc-812", &item);
        for id in ["q1", "with \"quotes\" and \\"] {
            let frame = parsed(&format!("{}{tail}", event_head(id)));
            let expected = json!({
                "type": "event", "id": id, "topic": "exceptions", "kind": "exception.opened", "lsn": 812,
                "position": "abc-812",
            });
            for (key, value) in expected.as_object().unwrap() {
                assert_eq!(&frame[key], value, "{key}");
            }
            assert_eq!(frame.as_object().unwrap().len(), 7);
            let item = &frame["item"];
            assert_eq!((&item["lsn"], &item["revision"]), (&json!(812), &json!(3)));
            assert_eq!(item["subject"]["sku"], "A\"1");
            assert!(item["case_id"].is_null() && item.as_object().unwrap().contains_key("case_id"));
        }
    }

    #[test]
    fn pages_of_a_snapshot_are_frames_of_their_own() {
        let mut page = Page::new("q", Topic::Exceptions);
        page.push("{\"a\":1}");
        assert!(!page.is_full(10, 2, 1000));
        page.push("{\"a\":2}");
        assert!(page.is_full(10, 2, 1000) && page.is_full(1000, 3, 1000));
        let first = parsed(&page.finish(false, "e-1"));
        assert_eq!(
            first,
            json!({"type": "snapshot", "id": "q", "topic": "exceptions", "items": [{"a": 1}, {"a": 2}], "last": false,
                "position": "e-1"})
        );
        assert!(!page.is_full(10_000, 1, 10), "an empty page takes any item");
        let last = parsed(&page.finish(true, "e-1"));
        assert_eq!((&last["items"], &last["last"]), (&json!([]), &json!(true)));
    }

    #[test]
    fn a_state_frame_carries_its_topic_lsn_and_item() {
        let frame =
            format!("{}{}", state_head("s"), state_tail(Topic::SkuLocations, Lsn(7), r#"{"sku":"A"}"#));
        assert_eq!(
            parsed(&frame),
            json!({"type": "state", "id": "s", "topic": "sku_locations", "lsn": 7, "item": {"sku": "A"}})
        );
    }
}
