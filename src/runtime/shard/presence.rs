//! Who of a shard's entities has an actor.
//!
//! Most of a large catalogue rests most of the time. An entity that nothing was sent to for a while is *packed*: its actor
//! ends, and its state stays as the bytes that a snapshot has of it. What a published generation has, too, need not even
//! stay in memory: it is *stored*. The next record, review or command wakes it up, on the shard's own thread and before
//! anything else is sent to it, so that nobody can tell the difference but by the time that it takes (a replay wakes fewer:
//! [`super::at_rest`]). Who only reads it gets what it reads from the bytes.
//!
//! Idle ones are found by the clock algorithm: a hand goes round all slots, takes away the mark of use that it finds, and
//! packs those that have none.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix::{Actor, Addr, Context, Handler, Message};
use serde::Serialize;

use super::slot::{EntityAddr, Presence, Slot, Slots};
use super::{Shard, ShardShared};
use crate::domain::ids::EntityKey;
use crate::domain::reference::Reference;
use crate::runtime::metrics::{ShardLabel, SourceLabel};
use crate::runtime::panics::contain;
use crate::runtime::shell::{GoLive, Hosted, Shell, ShellImage};
use crate::runtime::snapshots::{
    Entry, Kind, Location, Published, RestoredState, SnapshotFailure, entities_of, pack, unpack,
    without_state,
};
use crate::snapshot::{Block, Generation, SnapshotError};

/// End your actor, if nothing was sent to you since.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Passivate {
    /// Messages sent when it was asked.
    pub sent: u32,
}

/// Slots that the hand looks at in one go.
const HAND_SLOTS_MAX: usize = 8_192;

/// How many entities are there in which form, and what is known of where the stored ones stand.
#[derive(Default)]
pub(super) struct Presences {
    pub live: usize,
    pub packed: usize,
    pub stored: usize,
    pub packed_bytes: usize,
    /// Records of the replay that wait beside states.
    pub behind: usize,
    /// The version of the Reference that was last kept for them, and how many were.
    pub kept_reference: Option<Arc<Reference>>,
    pub kept_references: usize,
    /// The same as it was last shown.
    shown_packed_bytes: usize,
    /// Where the hand is.
    hand: usize,
    /// Woken up for a look alone: they rest again before the hand looks for others.
    only_looked: Vec<u32>,
    /// What locations are of.
    generation: Option<Generation>,
    /// The block that was read last: neighbours are often wanted together.
    block: Option<(u16, u32, Block)>,
    /// Where the generation under way has what was captured for it: its serial, and by slot.
    pub captured: (u64, Vec<(u32, Location)>),
}

impl Presences {
    /// Counts an entity in.
    pub fn count(&mut self, presence: &Presence) {
        match presence {
            Presence::Missing => {}
            Presence::Live(_) => self.live += 1,
            Presence::Packed(state) => {
                self.packed += 1;
                self.packed_bytes += state.len();
            }
            Presence::Stored => self.stored += 1,
        }
    }

    fn discount(&mut self, presence: &Presence) {
        match presence {
            Presence::Missing => {}
            Presence::Live(_) => self.live -= 1,
            Presence::Packed(state) => {
                self.packed -= 1;
                self.packed_bytes -= state.len();
            }
            Presence::Stored => self.stored -= 1,
        }
    }

    /// Gives an entity another form.
    pub fn change(&mut self, slot: &mut Slot, presence: Presence) {
        self.discount(&slot.presence);
        self.count(&presence);
        slot.presence = presence;
    }

    /// What locations are of from now on.
    pub fn set_generation(&mut self, generation: Option<Generation>) {
        self.generation = generation;
        self.block = None;
    }

    /// The state that stands at a location, as it is written.
    ///
    /// # Errors
    /// If the disk does not give it back as it was written.
    pub fn read(&mut self, kind: Kind, at: Location) -> Result<Box<[u8]>, SnapshotFailure> {
        let Location { shard, slot, block, entry } = at;
        if !matches!(&self.block, Some((of, index, _)) if (*of, *index) == (shard, block)) {
            let generation = self.generation.clone();
            let generation = generation.ok_or_else(|| unreadable("there is no snapshot"))?;
            // The store's library may panic on files that are not as it left them.
            let read = || contain(|| generation.read_block(entities_of(shard), block)).map_err(unreadable);
            // Once more, unless it is damaged: making a state anew costs a pass over the journal.
            let read = match read()? {
                Err(SnapshotError::Io { .. }) => read()?,
                read => read,
            }?;
            self.block = Some((shard, block, read));
        }
        let block = self.block.as_ref().and_then(|(_, _, block)| block.entry(usize::from(entry)));
        let entry = Entry::read(block.ok_or_else(|| unreadable("it has no such entry"))?)?;
        let state = entry.packed().filter(|_| entry.kind() == kind && entry.slot() == slot);
        Ok(state.ok_or_else(|| unreadable("its entry is another one's"))?.into())
    }
}

fn unreadable(why: impl ToString) -> SnapshotFailure {
    SnapshotFailure::Unreadable(why.to_string())
}

impl ShardShared {
    /// Ends an entity's actor, unless something happened to it since it was asked. Whether it ends.
    pub fn pack<E: Serialize>(&self, slot: u32, asked: Passivate, state: &E) -> bool {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(slot as usize) else { return false };
        if slot.sent() != asked.sent || slot.dirty.is_some() || slot.changed {
            return false;
        }
        let mut presences = self.presences.borrow_mut();
        if presences.live <= self.limits.live_max {
            // Others rest already since it was asked.
            return false;
        }
        let presence = if slot.location.is_some() && presences.packed_bytes >= self.limits.packed_bytes_max {
            Presence::Stored
        } else {
            match pack(state) {
                Ok(state) => Presence::Packed(state),
                Err(error) => {
                    tracing::error!(%error, "an entity's state can't be written: it stays as it is");
                    return false;
                }
            }
        };
        slot.restored_at = slot.restored_at.max(self.handed_out.get());
        presences.change(slot, presence);
        self.metrics.passivations.inc();
        true
    }

    /// Has idle entities packed, if there are more live ones than there should be.
    pub(super) fn make_room(&self) {
        let mut presences = self.presences.borrow_mut();
        let excess = presences.live.saturating_sub(self.limits.live_max);
        if excess == 0 {
            presences.only_looked.clear();
            return;
        }
        let mut slots = self.slots.borrow_mut();
        let count = slots.len();
        let mut asked = 0;
        while asked < excess
            && let Some(slot) = presences.only_looked.pop()
        {
            asked += usize::from(slots.get_mut(slot as usize).is_some_and(ask));
        }
        for _ in 0..count.min(HAND_SLOTS_MAX) {
            if asked >= excess {
                break;
            }
            presences.hand = (presences.hand + 1) % count;
            asked += usize::from(ask(&mut slots[presences.hand]));
        }
    }

    pub(super) fn show_presences(&self) {
        let mut presences = self.presences.borrow_mut();
        let label = ShardLabel { shard: self.index as u32 };
        let metrics = &self.metrics;
        metrics.entities_live.get_or_create(&label).set(presences.live as i64);
        metrics.entities_packed.get_or_create(&label).set(presences.packed as i64);
        metrics.entities_stored.get_or_create(&label).set(presences.stored as i64);
        metrics.records_behind.get_or_create(&label).set(presences.behind as i64);
        metrics.entities_packed_bytes.get_or_create(&label).set(presences.packed_bytes as i64);
        let packed_bytes = presences.packed_bytes;
        let shown = std::mem::replace(&mut presences.shown_packed_bytes, packed_bytes);
        metrics.packed_bytes.fetch_add(packed_bytes.wrapping_sub(shown), Ordering::Relaxed);
    }
}

/// Asks a live entity to rest, unless it was used since it was last looked at. Whether it was asked.
fn ask(slot: &mut Slot) -> bool {
    if slot.actor().is_none() || std::mem::take(&mut slot.used) {
        return false;
    }
    slot.send(Passivate { sent: slot.sent().wrapping_add(1) });
    // If it does not rest for all that, it is asked again when the hand has come by twice.
    slot.used = true;
    true
}

impl Shard {
    /// Makes sure that an entity has an actor, because something happens to it. `false` if there is no such entity here.
    pub(super) fn wake(&self, slots: &mut Slots, slot: u32) -> bool {
        let is_there = self.wake_for_a_look(slots, slot);
        if let Some(entry) = slots.get_mut(slot as usize) {
            entry.used = true;
        }
        is_there
    }

    /// The same, because it has to look: afterwards it may rest again.
    pub(super) fn wake_for_a_look(&self, slots: &mut Slots, slot: u32) -> bool {
        let Some(entry) = slots.get_mut(slot as usize) else { return false };
        let (Some(key), Presence::Packed(_) | Presence::Stored) = (&entry.key, &entry.presence) else {
            return entry.actor().is_some();
        };
        let began = Instant::now();
        let (key, kind) = (key.clone(), Kind::of(key));
        let mut presences = self.shared.presences.borrow_mut();
        let (state, source) = match (&entry.presence, entry.location) {
            (Presence::Packed(state), _) => (unpack(kind, state), "memory"),
            (_, Some(at)) => (presences.read(kind, at).and_then(|state| unpack(kind, &state)), "disk"),
            (_, None) => (Err(unreadable("nobody knows where its state stands")), "disk"),
        };
        let (state, source) = match state {
            Ok(state) => (state, source),
            Err(failure) => {
                tracing::error!(entity = %key, %failure, "an entity's state can't be read back: it is made anew from the journal");
                (without_state(kind, entry.restored_at), "journal")
            }
        };
        let is_rebuilding = source == "journal";
        if is_rebuilding {
            entry.note_record();
        }
        if let Some(actor) = self.revive_any(slot, &key, state) {
            presences.change(entry, Presence::Live(actor));
            if let Some(behind) = presences.take_behind(entry) {
                entry.send(*behind);
            }
            entry.used = false;
            presences.only_looked.push(slot);
        }
        if is_rebuilding {
            if self.shared.live.get() {
                entry.send(GoLive);
            } else {
                self.shared.note_stopped_before_live(slot);
            }
        }
        let metrics = &self.shared.metrics;
        metrics.activations.get_or_create(&SourceLabel { from: source }).inc();
        metrics.activation_seconds.observe(began.elapsed().as_secs_f64());
        entry.actor().is_some()
    }

    /// Has a state read without waking anybody: a list of everything must not make everything live. `None` if it is live, or
    /// can't be read.
    pub(super) fn peek<E: Hosted>(&self, slots: &Slots, slot: u32) -> Option<(Arc<EntityKey>, E)> {
        let entry = slots.get(slot as usize)?;
        let key = entry.key.clone()?;
        let mut state: E = match (&entry.presence, entry.location) {
            (Presence::Packed(state), _) => rmp_serde::from_slice(state).ok()?,
            (Presence::Stored, Some(at)) => {
                let state = self.shared.presences.borrow_mut().read(Kind::of(&key), at).ok()?;
                rmp_serde::from_slice(&state).ok()?
            }
            _ => return None,
        };
        if let Some(behind) = &entry.behind {
            behind.apply(&mut state, |_, _| {})?;
        }
        Some((key, state))
    }

    /// The actor of a state that was read; none of one that was not.
    pub(super) fn revive_any(
        &self,
        slot: u32,
        key: &Arc<EntityKey>,
        state: RestoredState,
    ) -> Option<EntityAddr> {
        let key = key.clone();
        Some(match state {
            RestoredState::SkuLocation(image) => EntityAddr::SkuLocation(self.revive(slot, key, *image)),
            RestoredState::Supplier(image) => EntityAddr::Supplier(self.revive(slot, key, *image)),
            RestoredState::Subject(image) => EntityAddr::Subject(self.revive(slot, key, *image)),
            RestoredState::ApprovalCase(image) => EntityAddr::ApprovalCase(self.revive(slot, key, *image)),
            RestoredState::Packed(_) | RestoredState::Stored => return None,
        })
    }

    fn revive<E: Hosted>(&self, slot: u32, key: Arc<EntityKey>, image: ShellImage<E>) -> Addr<Shell<E>> {
        Shell::restored(key, slot, Rc::clone(&self.shared), image).start()
    }
}

impl Handler<Published> for Shard {
    type Result = ();

    /// From here on what was captured stands in another generation. It need not stay in memory where there is too much.
    fn handle(&mut self, message: Published, _: &mut Context<Self>) {
        let mut presences = self.shared.presences.borrow_mut();
        if presences.captured.0 != message.serial {
            return;
        }
        let (_, captured) = std::mem::take(&mut presences.captured);
        presences.set_generation(Some(message.generation));
        let mut slots = self.shared.slots.borrow_mut();
        // What it does not have stands nowhere from here on: locations are of one generation.
        for slot in slots.iter_mut() {
            slot.location = None;
        }
        for (slot, location) in captured {
            let Some(slot) = slots.get_mut(slot as usize) else { continue };
            if !std::mem::take(&mut slot.is_as_captured) {
                continue;
            }
            slot.location = Some(location);
            if presences.packed_bytes > self.shared.limits.packed_bytes_max
                && matches!(slot.presence, Presence::Packed(_))
            {
                presences.change(slot, Presence::Stored);
            }
        }
    }
}
