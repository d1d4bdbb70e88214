//! How those who have to look come to it: at once, or one slice after the other between batches.

use std::time::Instant;

use actix::{AsyncContext, Context, Handler, Message};

use super::looks::WINDOW_PART;
use super::{Shard, ShardShared, Turn, next_turn};
use crate::domain::ids::Lsn;
use crate::runtime::shell::Reconcile;

impl ShardShared {
    /// Has an entity look when its turn comes, once for all records until then.
    pub fn mark_dirty(&self, slot: u32, origin: Lsn) {
        self.wait_to_look(slot, origin, false);
    }

    /// The same of one for which somebody waits: to look is what it does before anything else.
    pub fn mark_awaited(&self, slot: u32, origin: Lsn) {
        self.wait_to_look(slot, origin, true);
    }

    fn wait_to_look(&self, slot: u32, origin: Lsn, is_awaited: bool) {
        {
            let mut slots = self.slots.borrow_mut();
            let Some(entry) = slots.get_mut(slot as usize) else { return };
            let before = entry.dirty;
            if before.is_none_or(|before| before > origin) {
                entry.dirty = Some(origin);
                self.progress.begin(self.index, origin);
                if let Some(before) = before {
                    self.progress.finish(self.index, before);
                }
            }
            self.looks.borrow_mut().wait(slot, entry, origin, is_awaited);
        }
        self.wake_drain();
    }

    /// Whether an entity that something happened to may look for `origin` at once, and on what grounds.
    pub fn may_look(&self, slot: u32, origin: Lsn) -> Option<Turn> {
        if origin <= self.progress.waited_for() {
            return Some(Turn::Free);
        }
        self.looks.borrow_mut().may_look(self.slots.borrow().get(slot as usize)?)
    }

    /// Has an entity look now, for a record that goes back to `origin` and for whatever it waited to look for.
    pub fn look(&self, slot: u32, turn: Turn, origin: Lsn, look: impl FnOnce(Lsn)) {
        let Some((began, waited)) = self.begin_look(slot) else { return };
        look(waited.map_or(origin, |waited| waited.min(origin)));
        self.looks.borrow_mut().end(turn, began);
        if let Some(waited) = waited {
            self.progress.finish(self.index, waited);
        }
    }

    fn begin_look(&self, slot: u32) -> Option<(tokio::time::Instant, Option<Lsn>)> {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(slot as usize)?;
        Some((self.looks.borrow().begin(slot), slot.dirty.take()))
    }

    /// Lets those who wait look, if it is anybody's turn.
    pub(super) fn wake_drain(&self) {
        if self.live.get()
            && !self.draining.get()
            && (!self.resting.get() || self.looks.borrow().has_due(self.progress.waited_for()))
            && let Some(myself) = &*self.myself.borrow()
        {
            self.draining.set(true);
            myself.do_send(DrainDirty);
        }
    }
}

/// Let a slice of those who wait look.
#[derive(Message)]
#[rtype(result = "()")]
struct DrainDirty;

impl Handler<DrainDirty> for Shard {
    type Result = ();

    fn handle(&mut self, _: DrainDirty, context: &mut Context<Self>) {
        // Whoever rests is woken up first, which takes longer than to look: after a start all of them may have to.
        let until = Instant::now() + self.shared.limits.reconcile_budget;
        let waited_for = self.shared.progress.waited_for();
        let (mut seen, mut asked) = (0, 0);
        while asked < self.shared.limits.look_slice {
            if seen > 0 && Instant::now() > until {
                break;
            }
            seen += 1;
            let Some(next) = self.shared.looks.borrow_mut().next(waited_for) else { break };
            let (slot, turn) = (next.index, next.turn);
            let mut slots = self.shared.slots.borrow_mut();
            let Some(entry) = slots.get_mut(slot as usize) else { continue };
            next.leave(entry);
            // One that looked since, for something else, need not look for this.
            let Some(origin) = entry.dirty.take() else { continue };
            asked += 1;
            if self.wake_for_a_look(&mut slots, slot) {
                slots[slot as usize].send(Reconcile { origin, turn });
            } else {
                self.shared.progress.finish(self.shared.index, origin);
            }
        }
        self.shared.make_room();
        if self.shared.looks.borrow_mut().has_next(waited_for) {
            // Facts go before second looks, and those who were asked to look do so before others are woken up.
            next_turn(context, DrainDirty);
            return;
        }
        self.shared.draining.set(false);
        if self.shared.looks.borrow().waiting() > 0 && !self.shared.resting.replace(true) {
            context.run_later(WINDOW_PART, |shard, _| {
                shard.shared.resting.set(false);
                shard.shared.wake_drain();
            });
        }
    }
}
