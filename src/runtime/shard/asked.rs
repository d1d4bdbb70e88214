//! What is asked of an entity from outside its shard: a read of its state, or a command.

use actix::{Context, Handler, Message};

use super::Shard;
use crate::domain::ids::EntityKey;
use crate::runtime::commands::{CommandError, DecideSlot};
use crate::runtime::panics::contain;
use crate::runtime::shell::{Decide, Hosted, Inspect, Inspected, Inspection};

/// Read one entity on its own thread.
#[derive(Message)]
#[rtype(result = "()")]
pub struct InspectSlot<E: Hosted> {
    pub slot: u32,
    pub inspection: Inspection<E>,
}

impl<E: Hosted> Handler<InspectSlot<E>> for Shard {
    type Result = ();

    fn handle(&mut self, message: InspectSlot<E>, _: &mut Context<Self>) {
        let mut slots = self.shared.slots.borrow_mut();
        if let Some((key, entity)) = self.peek::<E>(&slots, message.slot) {
            drop(slots);
            self.inspect(&key, &entity, message.inspection);
            return;
        }
        self.wake(&mut slots, message.slot);
        let slot = slots.get_mut(message.slot as usize);
        match slot.and_then(|slot| slot.actor().and_then(E::addr).cloned().map(|addr| (slot, addr))) {
            Some((slot, addr)) => {
                slot.note_sent();
                addr.do_send(Inspect(message.inspection));
            }
            None => {
                drop(slots);
                (message.inspection)(None);
            }
        }
    }
}

impl Handler<DecideSlot> for Shard {
    type Result = ();

    fn handle(&mut self, message: DecideSlot, _: &mut Context<Self>) {
        let DecideSlot { slot, request } = message;
        let mut slots = self.shared.slots.borrow_mut();
        if self.wake(&mut slots, slot) {
            slots[slot as usize].send(Decide(request));
        } else {
            // It is on its way here with the batch that makes it.
            request.asker.refuse(&self.shared.idempotency_keys, CommandError::NotFound);
        }
    }
}

impl Shard {
    /// Reads the state of one that rests.
    fn inspect<E: Hosted>(&self, key: &EntityKey, entity: &E, inspection: Inspection<E>) {
        let reference = self.shared.reference();
        let inspected = Inspected {
            entity,
            key,
            now: self.shared.now(key.tenant()),
            reference: &reference,
            lsn: entity.applied_lsn().max(self.shared.applied()),
            failed_at: None,
            #[cfg(test)]
            looked: None,
        };
        // Whoever asks is told by its reply channel being dropped.
        if let Err(panic) = contain(|| inspection(Some(inspected))) {
            tracing::error!(entity = %key, detail = panic, "an entity's state can't be shown");
            self.shared.metrics.read_failures.inc();
        }
    }
}
