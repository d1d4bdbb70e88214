//! The holding area: records whose document line nobody has announced yet. Folded by the dispatcher.
//!
//! A held record counts as applied; the document that names its line releases it, and it takes effect there. Bounded:
//! beyond the limit the one that waited longest goes to quarantine, where a person can see and retry it.

use std::collections::HashMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::documents::DocumentKey;
use crate::domain::ids::{Lsn, Name};
use crate::domain::record::Record;

/// What a record waits for: a line, or anything of the document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Awaited {
    pub document: DocumentKey,
    pub line_id: Option<Name>,
}

/// Records that wait, by their LSN, with what they wait for. Clones share everything.
pub type Held = RedBlackTreeMapSync<Lsn, (Arc<Record>, Awaited)>;

/// The records held.
pub struct Holding {
    events_max: usize,
    by_lsn: Held,
    by_awaited: HashMap<Awaited, Vec<Lsn>>,
}

impl Holding {
    /// Room for that many records.
    pub fn new(events_max: usize) -> Holding {
        Holding { events_max: events_max.max(1), by_lsn: Held::default(), by_awaited: HashMap::new() }
    }

    /// Another bound, from the next record on.
    pub fn set_events_max(&mut self, events_max: usize) {
        self.events_max = events_max.max(1);
    }

    /// Holds a record. Gives back those that had to leave for it: the ones that waited longest.
    pub fn hold(&mut self, record: Arc<Record>, awaited: Awaited) -> Vec<(Arc<Record>, Awaited)> {
        self.restore(record, awaited);
        let mut evicted = Vec::new();
        while self.by_lsn.size() > self.events_max
            && let Some((lsn, (record, awaited))) =
                self.by_lsn.first().map(|(lsn, held)| (*lsn, held.clone()))
        {
            self.by_lsn.remove_mut(&lsn);
            self.forget(&awaited, lsn);
            evicted.push((record, awaited));
        }
        evicted
    }

    /// Puts a record back that was held before.
    pub fn restore(&mut self, record: Arc<Record>, awaited: Awaited) {
        self.by_awaited.entry(awaited.clone()).or_default().push(record.lsn);
        self.by_lsn.insert_mut(record.lsn, (record, awaited));
    }

    /// What is held.
    pub fn held(&self) -> &Held {
        &self.by_lsn
    }

    /// Takes out what waited for this, in no order.
    pub fn release(&mut self, awaited: &Awaited) -> Vec<Arc<Record>> {
        let lsns = self.by_awaited.remove(awaited).unwrap_or_default();
        let mut released = Vec::with_capacity(lsns.len());
        for lsn in lsns {
            released.extend(self.by_lsn.get(&lsn).map(|(record, _)| record.clone()));
            self.by_lsn.remove_mut(&lsn);
        }
        released
    }

    fn forget(&mut self, awaited: &Awaited, lsn: Lsn) {
        if let Some(lsns) = self.by_awaited.get_mut(awaited) {
            lsns.retain(|held| *held != lsn);
            if lsns.is_empty() {
                self.by_awaited.remove(awaited);
            }
        }
    }

    /// Records held now.
    pub fn len(&self) -> usize {
        self.by_lsn.size()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.by_lsn.is_empty()
    }
}
