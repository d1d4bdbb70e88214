//! Filling a shard from a generation, before anything is replayed.

use std::sync::Arc;

use actix::{Context, Handler, Message};
use crossbeam_channel::Sender;

use super::Shard;
use super::slot::{Presence, Slot, Slots};
use super::stopped::Stopped;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::snapshots::{PlacedEntity, Restored, RestoredState};
use crate::snapshot::Generation;

/// How a shard stood when the generation began.
#[derive(Message)]
#[rtype(result = "()")]
pub struct BeginRestore {
    /// Slots in use.
    pub slots: u32,
    pub reference: Arc<Reference>,
    /// Business time of each tenant.
    pub business: Vec<Timestamp>,
    pub stopped: Vec<(EntityKey, Stopped)>,
    /// The summaries show what was applied up to here.
    pub summaries_at: Lsn,
    /// Another program would have to look at everybody: it may see what the one that wrote it did not.
    pub is_of_this_program: bool,
    /// What the entities come from.
    pub generation: Generation,
}

/// Some entities of this shard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RestoreEntities {
    pub entities: Vec<PlacedEntity>,
    /// Told how many there were.
    pub done: Sender<usize>,
}

impl Handler<BeginRestore> for Shard {
    type Result = ();

    fn handle(&mut self, message: BeginRestore, _: &mut Context<Self>) {
        let shared = &self.shared;
        let mut slots = shared.slots.borrow_mut();
        debug_assert!(slots.is_empty(), "a shard is filled before anything else happens to it");
        *slots = Slots::missing(message.slots as usize);
        shared.presences.borrow_mut().set_generation(Some(message.generation));
        *shared.reference.borrow_mut() = message.reference;
        *shared.business.borrow_mut() = message.business;
        let mut stopped = shared.stopped.borrow_mut();
        for (key, entity) in message.stopped {
            stopped.restore(key, entity);
        }
        shared.summaries_at.set(message.summaries_at);
        shared.is_known_who_looks.set(message.is_of_this_program);
    }
}

impl Handler<RestoreEntities> for Shard {
    type Result = ();

    fn handle(&mut self, message: RestoreEntities, _: &mut Context<Self>) {
        let count = message.entities.len();
        for (at, key, restored) in message.entities {
            self.restore(at.slot, key, restored);
        }
        let _ = message.done.send(count);
    }
}

impl Shard {
    fn restore(&self, slot: u32, key: Arc<EntityKey>, restored: Restored) {
        let Restored { at, is_dirty, review_at, state, location } = restored;
        let shared = &self.shared;
        let tenant = key.tenant();
        let has_stopped = state.has_stopped();
        let presence = match state {
            RestoredState::Packed(state) => Presence::Packed(state),
            RestoredState::Stored => Presence::Stored,
            state => self.revive_any(slot, &key, state).map_or(Presence::Missing, Presence::Live),
        };
        {
            let mut slots = shared.slots.borrow_mut();
            let Some(entry) = slots.get_mut(slot as usize) else { return };
            shared.presences.borrow_mut().count(&presence);
            *entry = Slot {
                presence,
                key: Some(key),
                tenant,
                touched: is_dirty,
                restored_at: at,
                location,
                used: false,
                ..Slot::missing()
            };
        }
        if has_stopped {
            shared.note_stopped_before_live(slot);
        }
        if review_at.is_some() {
            shared.schedule_review(slot, tenant, review_at);
        }
    }
}
