//! What an entity's actor is sent while it works, and what it does then. Rebuilds are in `health`, captures and packing in
//! `image`.

use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, Context, Handler, Message};

use super::health::Health;
use super::{Hosted, Shell};
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::commands::{CommandError, CommandRequest};
use crate::runtime::panics::contain;
use crate::runtime::shard::{Behind, Segment, Turn};

/// Commands that wait for one entity; one more is refused.
const COMMANDS_WAITING_MAX: usize = 256;

/// Decide a command.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Decide(pub CommandRequest);

/// Records of one segment for one entity, linked from `head`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Apply {
    pub segment: Arc<Segment>,
    pub head: u32,
}

/// Look again; the shard took it from its dirty queue.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reconcile {
    pub origin: Lsn,
    pub turn: Turn,
}

/// Read the state on the shard's own thread.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Inspect<E: Hosted>(pub Inspection<E>);

/// What to do with a state that is read. Gets `None` while there is no state to read.
pub type Inspection<E> = Box<dyn FnOnce(Option<Inspected<'_, E>>) + Send>;

/// A state as it is read.
pub struct Inspected<'a, E> {
    pub entity: &'a E,
    pub key: &'a EntityKey,
    pub now: Timestamp,
    pub reference: &'a Reference,
    /// The highest record whose effect the state shows.
    pub lsn: Lsn,
    /// It stands still because its code failed on that record.
    pub failed_at: Option<Lsn>,
    /// As of when it last looked, if it is known.
    #[cfg(test)]
    pub looked: Option<Timestamp>,
}

/// Tell the feed how things stand.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EmitState;

/// The tower has caught up: from now on entities reconcile.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GoLive;

impl<E: Hosted> Handler<Decide> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Decide, _: &mut Context<Self>) {
        if !self.shard.live.get() {
            self.refuse(message.0.asker, CommandError::Unavailable);
        } else if self.commands.len() >= COMMANDS_WAITING_MAX {
            self.refuse(message.0.asker, CommandError::Busy);
        } else {
            self.commands.push_back(message.0);
            // With a group in flight or just landed, whoever takes that in runs the commands.
            self.run_commands();
        }
    }
}

impl<E: Hosted> Actor for Shell<E> {
    type Context = Context<Self>;
}

impl<E: Hosted> Handler<Apply> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Apply, _: &mut Context<Self>) {
        let segment = message.segment;
        self.has_news = true;
        let mut origin = Lsn(u64::MAX);
        let mut now = Timestamp::MIN;
        for delivery in segment.chain(message.head) {
            self.apply(delivery.routed(), &segment.reference);
            origin = origin.min(delivery.origin);
            now = now.max(delivery.business_time);
        }
        if self.shard.live.get() && !self.settle() {
            let now = self.shard.as_of(self.key.tenant(), now);
            let (turn, is_awaited) = self.turn(now, origin);
            match turn.filter(|_| segment.within_budget()) {
                Some(turn) => {
                    let (shard, slot) = (Rc::clone(&self.shard), self.slot);
                    shard.look(slot, turn, origin, |origin| self.reconcile(now, origin));
                }
                None if is_awaited => self.shard.mark_awaited(self.slot, origin),
                None => self.shard.mark_dirty(self.slot, origin),
            }
        }
        if self.shard.live.get() && E::STATE_KIND.is_some() {
            self.shard.note_changed(self.slot);
        }
        self.shard.segment_done(&segment);
    }
}

impl<E: Hosted> Handler<Behind> for Shell<E> {
    type Result = ();

    /// Records of the replay that came while it rested. It looks when its turn comes, as all do that were replayed to.
    fn handle(&mut self, message: Behind, _: &mut Context<Self>) {
        self.has_news = true;
        for delivery in &message.deliveries {
            self.take_in(delivery.routed(), &message.reference);
        }
    }
}

impl<E: Hosted> Handler<Reconcile> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Reconcile, _: &mut Context<Self>) {
        let now = self.shard.now(self.key.tenant());
        let (shard, slot) = (Rc::clone(&self.shard), self.slot);
        shard.look(slot, message.turn, message.origin, |origin| self.reconcile(now, origin));
        shard.progress.finish(shard.index, message.origin);
        if E::STATE_KIND.is_some() {
            self.shard.note_changed(self.slot);
        }
    }
}

impl<E: Hosted> Handler<Inspect<E>> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Inspect<E>, _: &mut Context<Self>) {
        let (entity, failed_at) = match &self.health {
            Health::Live(entity) => (Some(entity), None),
            Health::Failed { failure, before } => (before.as_ref(), Some(failure.failed_at)),
            Health::Rebuilding { .. } => (None, None),
        };
        let reference = self.shard.reference();
        let now = self.shard.now(self.key.tenant());
        let inspected = entity.map(|entity| Inspected {
            entity,
            key: &self.key,
            now,
            reference: &reference,
            // A live state shows everything applied so far; one that stands still shows only what it has.
            lsn: match failed_at {
                None => entity.applied_lsn().max(self.shard.applied()),
                Some(_) => entity.applied_lsn(),
            },
            failed_at,
            #[cfg(test)]
            looked: self.looked,
        });
        // Whoever asks is told by its reply channel being dropped.
        if let Err(panic) = contain(|| (message.0)(inspected)) {
            self.read_failed(&panic);
        }
    }
}

impl<E: Hosted> Handler<EmitState> for Shell<E> {
    type Result = ();

    fn handle(&mut self, _: EmitState, _: &mut Context<Self>) {
        let (Some(kind), Health::Live(entity)) = (E::STATE_KIND, &self.health) else { return };
        let reference = self.shard.reference();
        let now = self.shard.now(self.key.tenant());
        match contain(|| (entity.state_item(&self.key, now, &reference), entity.applied_lsn())) {
            Ok((item, lsn)) => self.shard.emit_state(kind, &self.key, lsn.max(self.shard.applied()), item),
            Err(panic) => self.read_failed(&panic),
        }
    }
}

impl<E: Hosted> Handler<GoLive> for Shell<E> {
    type Result = ();

    fn handle(&mut self, _: GoLive, _: &mut Context<Self>) {
        match &self.health {
            Health::Failed { failure, before } => {
                if !self.shard.is_recorded_as_quarantined(&self.key) {
                    self.journal_failure(*failure, "failed again when the journal was replayed");
                }
                // Captured while the state before was being made, which nobody does any more.
                if before.is_none() && self.ticket == 0 {
                    self.request_before(*failure, self.shard.applied());
                }
            }
            // Captured while it was being rebuilt, which nobody does any more. What came since waits.
            Health::Rebuilding { .. } if self.ticket == 0 => {
                self.request(self.shard.restored_at(self.slot), None);
            }
            Health::Rebuilding { .. } | Health::Live(_) => {}
        }
    }
}
