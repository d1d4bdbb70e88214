//! Answers about live entities.

use serde::Serialize;
use serde_json::Value;

use super::problem::{Problem, code};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::ask::AskError;
pub use crate::runtime::ask::{Seen, ask_all, ask_each};
use crate::runtime::directory::Address;
use crate::runtime::{Hosted, Running};

/// How soon a state that is being rebuilt may be there.
const REBUILD_RETRY_S: u32 = 5;

/// Asks one entity.
///
/// # Errors
/// `rebuilding` while there is no state to read, `internal` if reading it failed.
pub async fn ask<E: Hosted, T: Send + 'static>(
    running: &Running,
    address: Address,
    question: impl FnOnce(&E, &EntityKey, Timestamp, &Reference) -> T + Send + 'static,
) -> Result<Seen<T>, Problem> {
    crate::runtime::ask::ask(running, address, question).await.map_err(|error| match error {
        AskError::Rebuilding => {
            Problem::new(&code::REBUILDING).detail(error.to_string()).retry_after_s(REBUILD_RETRY_S)
        }
        AskError::Failed => Problem::new(&code::INTERNAL).detail(error.to_string()),
    })
}

/// An entity as lists show it: its key, and `failed_at` where it stands still. With no state to read every field in
/// `fields` that is not of the key is `null`.
pub fn listed(key: &[(&str, &Name)], fields: &[&str], seen: Option<Seen<Value>>) -> Value {
    let failed_at = seen.as_ref().and_then(|seen| seen.failed_at);
    let mut map = match seen.map(|seen| seen.value) {
        Some(Value::Object(map)) => map,
        _ => fields.iter().map(|field| ((*field).to_owned(), Value::Null)).collect(),
    };
    for (field, name) in key {
        map.insert((*field).to_owned(), name.as_str().into());
    }
    map.insert("failed_at".to_owned(), failed_at.map_or(Value::Null, |lsn| lsn.0.into()));
    Value::Object(map)
}

/// An entity's view with the position that it shows.
#[derive(Serialize)]
pub struct Shown<T> {
    #[serde(flatten)]
    pub item: T,
    /// It stands still because its code failed on that record.
    pub failed_at: Option<Lsn>,
    pub lsn: Lsn,
    pub position: String,
    pub as_of: Timestamp,
}

/// An answer about one entity.
pub fn shown<T>(running: &Running, seen: Seen<T>) -> Shown<T> {
    Shown {
        item: seen.value,
        failed_at: seen.failed_at,
        lsn: seen.lsn,
        position: running.position(seen.lsn),
        as_of: seen.now,
    }
}

/// A page of a list.
#[derive(Serialize)]
pub struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
    pub lsn: Lsn,
    pub position: String,
}

impl<T> List<T> {
    /// A page that shows everything up to `lsn`, which must have been read before the items were.
    pub fn new(running: &Running, lsn: Lsn, items: Vec<T>, next_cursor: Option<String>) -> List<T> {
        List { items, next_cursor, lsn, position: running.position(lsn) }
    }
}

/// Adds `lsn` to an item that is JSON.
pub fn with_lsn(mut item: Value, lsn: Lsn) -> Value {
    if let Value::Object(map) = &mut item {
        map.insert("lsn".to_owned(), lsn.0.into());
    }
    item
}

/// There is no such thing, or the caller may not know.
pub fn not_found(what: &str) -> Problem {
    Problem::new(&code::NOT_FOUND).detail(format!("there is no {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_say_of_an_entity_without_a_state_that_it_is_there() {
        let name = Name::from("S");
        let fields = ["supplier", "open_lines"];
        let unread = listed(&[("supplier", &name)], &fields, None);
        assert_eq!(unread, json!({"supplier": "S", "open_lines": null, "failed_at": null}));

        let value = json!({"supplier": "S", "open_lines": 3, "receipts": 2});
        let seen = |failed_at| Seen { value: value.clone(), lsn: Lsn(8), now: Timestamp::MIN, failed_at };
        let live = listed(&[("supplier", &name)], &fields, Some(seen(None)));
        assert_eq!(live, json!({"supplier": "S", "open_lines": 3, "receipts": 2, "failed_at": null}));
        let failed = listed(&[("supplier", &name)], &fields, Some(seen(Some(Lsn(7)))));
        assert_eq!(failed["failed_at"], 7);
    }
}
