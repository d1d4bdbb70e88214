//! Builders for events.

use serde_json::{Value, json};

/// A structured event without `time`.
pub fn event(kind: &str, id: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/tests", "type": kind, "data": data})
}

/// Seconds since the Unix epoch as RFC 3339.
pub fn at(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

/// Seconds since the Unix epoch, now.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Events with ids of one prefix, counted up.
pub struct Batch {
    prefix: String,
    pub events: Vec<Value>,
    made: usize,
}

impl Batch {
    pub fn new(prefix: &str) -> Batch {
        Batch { prefix: prefix.to_owned(), events: Vec::new(), made: 0 }
    }

    pub fn add(&mut self, kind: &str, data: Value) -> &mut Batch {
        let id = format!("{}-{}", self.prefix, self.made);
        self.made += 1;
        self.events.push(event(kind, &id, data));
        self
    }

    pub fn add_at(&mut self, second: i64, kind: &str, data: Value) -> &mut Batch {
        self.add(kind, data);
        let made = self.events.last_mut().unwrap();
        made["time"] = json!(at(second));
        self
    }

    /// The events so far; the ids go on.
    pub fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }
}
