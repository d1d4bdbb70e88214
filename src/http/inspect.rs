//! Asking live entities, on their own threads.

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::problem::{Problem, code};
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::directory::Address;
use crate::runtime::{Hosted, InspectSlot, Inspected, Running};

/// What an entity answered.
#[derive(Debug)]
pub struct Seen<T> {
    pub value: T,
    pub lsn: Lsn,
    pub now: Timestamp,
    /// It stands still because its code failed on that record.
    pub failed_at: Option<Lsn>,
}

/// Asks one entity; `None` if it can't be read now.
pub async fn ask<E: Hosted, T: Send + 'static>(
    running: &Running,
    address: Address,
    question: impl FnOnce(&E, &EntityKey, Timestamp, &Reference) -> T + Send + 'static,
) -> Option<Seen<T>> {
    let (reply, answer) = oneshot::channel();
    let inspection = Box::new(move |inspected: Option<Inspected<'_, E>>| {
        let seen = inspected.map(|i| Seen {
            value: question(i.entity, i.key, i.now, i.reference),
            lsn: i.lsn,
            now: i.now,
            failed_at: i.failed_at,
        });
        let _ = reply.send(seen);
    });
    running.shards[usize::from(address.shard)].do_send(InspectSlot::<E> { slot: address.slot, inspection });
    answer.await.ok().flatten()
}

/// Asks many entities the same; answers come with their place in `addresses`. Those that can't be read are left out.
pub async fn ask_all<E: Hosted, T: Send + 'static>(
    running: &Running,
    addresses: &[Address],
    question: impl Fn(&E, &EntityKey, Timestamp, &Reference) -> T + Clone + Send + 'static,
) -> Vec<(usize, T)> {
    let (reply, mut answers) = mpsc::unbounded_channel();
    for (index, address) in addresses.iter().enumerate() {
        let reply = reply.clone();
        let question = question.clone();
        let inspection = Box::new(move |inspected: Option<Inspected<'_, E>>| {
            if let Some(i) = inspected {
                let _ = reply.send((index, question(i.entity, i.key, i.now, i.reference)));
            }
        });
        running.shards[usize::from(address.shard)].do_send(InspectSlot::<E> { slot: address.slot, inspection });
    }
    drop(reply);
    let mut all = Vec::with_capacity(addresses.len());
    while let Some(answer) = answers.recv().await {
        all.push(answer);
    }
    all
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
