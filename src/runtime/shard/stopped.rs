//! Which of a shard's entities stand still, by the journal, and which records were left out for them.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{EntityKey, Lsn};

/// What the journal says of the entities that ever failed.
#[derive(Default)]
pub(super) struct StoppedEntities(HashMap<EntityKey, Stopped, FixedState>);

/// What the journal says of one that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// It stands still because of that record, [`Lsn::ZERO`] if none is to blame.
    pub poison: Option<Lsn>,
    /// Records that were left out for it.
    pub skip: Vec<Lsn>,
}

impl StoppedEntities {
    pub fn quarantined(&mut self, key: &EntityKey, poison: Lsn) {
        self.0.entry(key.clone()).or_default().poison = Some(poison);
    }

    pub fn is_quarantined(&self, key: &EntityKey) -> bool {
        self.0.get(key).is_some_and(|stopped| stopped.poison.is_some())
    }

    pub fn released(&mut self, key: &EntityKey, poison: Lsn, skip: bool) {
        let entry = self.0.entry(key.clone()).or_default();
        entry.poison = None;
        if skip && poison != Lsn::ZERO && !entry.skip.contains(&poison) {
            entry.skip.push(poison);
        }
    }

    pub fn live(&mut self, key: &EntityKey) {
        if let Some(stopped) = self.0.get_mut(key) {
            stopped.poison = None;
        }
    }

    pub fn skipped(&self, key: &EntityKey) -> Vec<Lsn> {
        self.0.get(key).map(|stopped| stopped.skip.clone()).unwrap_or_default()
    }

    pub fn all(&self) -> Vec<(EntityKey, Stopped)> {
        self.0.iter().map(|(key, stopped)| (key.clone(), stopped.clone())).collect()
    }

    pub fn restore(&mut self, key: EntityKey, stopped: Stopped) {
        self.0.insert(key, stopped);
    }
}
