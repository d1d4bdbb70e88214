//! Quarantine: what could not be used, kept visible until someone deals with it. Folded by the dispatcher.
//!
//! Entries hold where the thing stands in the journal, not the thing: it is read from there when someone asks.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::time::Timestamp;

/// Why something is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// It was never accepted as an event.
    Rejected,
    /// It was accepted; the entity it concerns could not use it.
    Refused,
    /// It was accepted; its document never came.
    Unresolved,
    /// An entity failed on it and stands still.
    Entity(Box<EntityKey>),
}

impl QuarantineReason {
    /// The name on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            QuarantineReason::Rejected => "rejected",
            QuarantineReason::Refused => "refused",
            QuarantineReason::Unresolved => "unresolved",
            QuarantineReason::Entity(_) => "entity_failed",
        }
    }
}

/// One thing in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// The record that put it here: its id.
    pub entry: Lsn,
    /// The record that holds the event.
    pub event: Lsn,
    pub tenant: TenantNumber,
    pub reason: QuarantineReason,
    pub code: Name,
    pub detail: String,
    pub at: Timestamp,
}

/// What is in quarantine. Clones share everything.
#[derive(Clone)]
pub struct Quarantine {
    entries_max: usize,
    entries: RedBlackTreeMapSync<Lsn, Arc<QuarantineEntry>>,
    /// Entries that left because there was no room; their records are still in the journal.
    overflowed: u64,
    added: u64,
}

impl Quarantine {
    /// Room for that many.
    pub fn new(entries_max: usize) -> Quarantine {
        Quarantine { entries_max: entries_max.max(1), entries: Default::default(), overflowed: 0, added: 0 }
    }

    /// Adds one; the oldest leaves if there is no room.
    pub fn add(&mut self, mut entry: QuarantineEntry) {
        if entry.event == Lsn::ZERO {
            // No record is to blame; what there is to show, and what a release may name, is the entry's own.
            entry.event = entry.entry;
        }
        self.added += 1;
        self.entries.insert_mut(entry.entry, Arc::new(entry));
        if self.entries.size() > self.entries_max
            && let Some(oldest) = self.entries.first().map(|(oldest, _)| *oldest)
        {
            self.entries.remove_mut(&oldest);
            self.overflowed += 1;
        }
    }

    /// One was dealt with.
    pub fn close(&mut self, entry: Lsn) {
        self.entries.remove_mut(&entry);
    }

    /// An entity goes on.
    pub fn close_entity(&mut self, entity: &EntityKey) {
        let is_its = |entry: &QuarantineEntry| matches!(&entry.reason, QuarantineReason::Entity(key) if **key == *entity);
        let its: Vec<Lsn> =
            self.entries.iter().filter(|(_, entry)| is_its(entry)).map(|(lsn, _)| *lsn).collect();
        for entry in its {
            self.entries.remove_mut(&entry);
        }
    }

    /// One of a tenant's entries.
    pub fn get(&self, tenant: TenantNumber, entry: Lsn) -> Option<&QuarantineEntry> {
        self.entries.get(&entry).map(|found| &**found).filter(|found| found.tenant == tenant)
    }

    /// A tenant's entries after `after`, newest last.
    pub fn list(&self, tenant: TenantNumber, after: Lsn) -> impl Iterator<Item = &QuarantineEntry> {
        let after = self.entries.range(after.next()..).map(|(_, entry)| &**entry);
        after.filter(move |entry| entry.tenant == tenant)
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &QuarantineEntry> {
        self.entries.iter().map(|(_, entry)| &**entry)
    }

    /// Puts an entry back that was here before.
    pub fn restore(&mut self, entry: QuarantineEntry) {
        self.entries.insert_mut(entry.entry, Arc::new(entry));
    }

    /// Sets what was counted before: how many were put here, and how many lost sight of.
    pub fn restore_counts(&mut self, added: u64, overflowed: u64) {
        self.added = added;
        self.overflowed = overflowed;
    }

    /// Entries now, put here so far, and lost sight of for want of room.
    pub fn usage(&self) -> (usize, u64, u64) {
        (self.entries.size(), self.added, self.overflowed)
    }
}
