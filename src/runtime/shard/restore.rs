//! Filling a shard from a generation, before anything is replayed.

use std::sync::Arc;

use actix::{Actor, Context, Handler, Message};
use crossbeam_channel::Sender;

use super::Shard;
use super::slot::{EntityAddr, Slot};
use super::stopped::Stopped;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::shell::{Hosted, Shell, ShellImage};
use crate::runtime::snapshots::{Restored, RestoredState};

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
}

/// Some entities of this shard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RestoreEntities {
    pub entities: Vec<(u32, Arc<EntityKey>, Restored)>,
    /// Told how many there were.
    pub done: Sender<usize>,
}

impl Handler<BeginRestore> for Shard {
    type Result = ();

    fn handle(&mut self, message: BeginRestore, _: &mut Context<Self>) {
        let shared = &self.shared;
        let mut slots = shared.slots.borrow_mut();
        debug_assert!(slots.is_empty(), "a shard is filled before anything else happens to it");
        slots.resize_with(message.slots as usize, || Slot::new(None, TenantNumber::default()));
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
        for (slot, key, restored) in message.entities {
            self.restore(slot, key, restored);
        }
        let _ = message.done.send(count);
    }
}

impl Shard {
    fn restore(&self, slot: u32, key: Arc<EntityKey>, restored: Restored) {
        let Restored { at, is_dirty, review_at, state } = restored;
        let shared = &self.shared;
        let tenant = key.tenant();
        let has_stopped = state.has_stopped();
        let entity = match state {
            RestoredState::SkuLocation(image) => EntityAddr::SkuLocation(self.revive(slot, key, *image)),
            RestoredState::Supplier(image) => EntityAddr::Supplier(self.revive(slot, key, *image)),
            RestoredState::Subject(image) => EntityAddr::Subject(self.revive(slot, key, *image)),
            RestoredState::ApprovalCase(image) => EntityAddr::ApprovalCase(self.revive(slot, key, *image)),
        };
        {
            let mut slots = shared.slots.borrow_mut();
            let Some(entry) = slots.get_mut(slot as usize) else { return };
            *entry = Slot { touched: is_dirty, restored_at: at, ..Slot::new(Some(entity), tenant) };
        }
        if has_stopped {
            shared.note_stopped_before_live(slot);
        }
        if review_at.is_some() {
            shared.schedule_review(slot, tenant, review_at);
        }
    }

    fn revive<E: Hosted>(
        &self,
        slot: u32,
        key: Arc<EntityKey>,
        image: ShellImage<E>,
    ) -> actix::Addr<Shell<E>> {
        Shell::restored(key, slot, self.shared.clone(), image).start()
    }
}
