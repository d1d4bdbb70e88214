//! An entity as a generation holds it, and back.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use actix::{ActorContext, Context, Handler};

use super::{Failure, Health, Hosted, Shell};
use crate::domain::ids::{EntityKey, Lsn};
use crate::runtime::shard::{CaptureState, Passivate, ShardShared};
use crate::runtime::snapshots::{Captured, FailureImage};

/// What a generation holds of one entity.
#[derive(Clone, Debug, PartialEq)]
pub struct ShellImage<E> {
    /// Absent if it failed and there was no state before that, or if it was being rebuilt.
    pub entity: Option<E>,
    /// It stands still.
    pub failure: Option<FailureImage>,
    pub is_rebuilding: bool,
    /// Where it stopped being live.
    pub stopped_at: Option<Lsn>,
}

impl<E: Hosted> Shell<E> {
    /// A shell around an entity as it was captured.
    pub fn restored(
        key: Arc<EntityKey>,
        slot: u32,
        shard: Rc<ShardShared>,
        image: ShellImage<E>,
    ) -> Shell<E> {
        let ShellImage { entity, failure, is_rebuilding, stopped_at } = image;
        let failure = failure.map(|failure| Failure { poison: failure.poison, failed_at: failure.failed_at });
        let health = match (failure, entity) {
            // Asked for when the tower is live, which knows by then what was left out meanwhile.
            (None, None) if is_rebuilding => Health::Rebuilding { waiting: Vec::new() },
            (None, Some(entity)) => Health::Live(entity),
            (None, None) => Health::Live(E::new(&key)),
            (Some(failure), before) => Health::Failed { failure, before },
        };
        Shell {
            key,
            slot,
            shard,
            health,
            ticket: 0,
            stopped_at,
            in_flight: None,
            commands: VecDeque::new(),
            has_news: false,
            has_seen_to_it: false,
            #[cfg(test)]
            looked: None,
        }
    }
}

impl<E: Hosted> Handler<CaptureState> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: CaptureState, _: &mut Context<Self>) {
        let (state, failure) = match &self.health {
            Health::Live(entity) => (Some(entity), None),
            Health::Failed { failure, before } => {
                let failure = FailureImage { poison: failure.poison, failed_at: failure.failed_at };
                (before.as_ref(), Some(failure))
            }
            Health::Rebuilding { .. } => {
                if self.shard.capture_later(self.slot, message) {
                    return;
                }
                (None, None)
            }
        };
        let captured = Captured {
            key: &self.key,
            state,
            failure,
            is_rebuilding: matches!(self.health, Health::Rebuilding { .. }),
            stopped_at: self.stopped_at,
            // What is on its way may not have reached the disk: then it must be proposed again.
            is_unsettled: self.has_news || self.in_flight.is_some(),
        };
        self.shard.captured(self.slot, message, captured);
    }
}

impl<E: Hosted> Handler<Passivate> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Passivate, context: &mut Context<Self>) {
        let Health::Live(entity) = &self.health else { return };
        // In replay nobody looks; that it must is noted where it stands.
        let has_to_look = self.has_news && self.shard.live.get();
        let is_idle = self.in_flight.is_none() && self.commands.is_empty() && self.stopped_at.is_none();
        if is_idle && !has_to_look && self.shard.pack(self.slot, message, entity) {
            context.stop();
        }
    }
}
