//! A place for one entity on its shard.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

use actix::{Addr, Handler, Message};

use super::at_rest::Behind;
use super::batch::NO_MORE;
use super::looks::{NEVER, Waits};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::runtime::shell::Shell;
use crate::runtime::snapshots::Location;

/// An entity's actor.
pub enum EntityAddr {
    SkuLocation(Addr<Shell<SkuLocation>>),
    Supplier(Addr<Shell<Supplier>>),
    Subject(Addr<Shell<Subject>>),
    ApprovalCase(Addr<Shell<ApprovalCase>>),
}

/// In which form an entity is there.
pub(super) enum Presence {
    /// The shard is being filled from a snapshot, and it has not come yet.
    Missing,
    Live(EntityAddr),
    /// Without an actor: its state, written as a snapshot has it.
    Packed(Box<[u8]>),
    /// Without an actor: its state stands in the newest generation, at the slot's location.
    Stored,
}

/// What a shard keeps of every entity, whether it has an actor or not.
pub const SLOT_BYTES: usize = size_of::<Slot>();

/// What a shard knows of an entity beside its actor.
pub(super) struct Slot {
    pub presence: Presence,
    /// Absent only while `presence` is `Missing`.
    pub key: Option<Arc<EntityKey>>,
    pub tenant: TenantNumber,
    /// Must look, for a record that goes back to this one.
    pub dirty: Option<Lsn>,
    /// In the list of changed states already.
    pub changed: bool,
    /// Must look as soon as the tower is live: something happened since it last did.
    pub touched: bool,
    /// Something was sent to it since the hand that looks for idle ones came by.
    pub used: bool,
    /// Its state is the one that the generation under way has.
    pub is_as_captured: bool,
    /// Everything up to here is in its state, which came from a snapshot or was packed.
    pub restored_at: Lsn,
    /// Only of one that rests in memory: records that its state does not have yet.
    pub behind: Option<Box<Behind>>,
    /// Where the newest generation has exactly its state.
    pub location: Option<Location>,
    /// Messages sent to the actor: what it was asked before the last of them is out of date.
    pub(super) sent: u32,
    /// When it last looked, by the shard's clock of looks.
    pub looked_at: u32,
    /// In which queues of those who wait to look it is.
    pub waits: Waits,
    /// Scratch while a batch is chained: the chain's ends.
    pub head: u32,
    pub tail: u32,
}

impl Slot {
    /// Of an entity with an actor.
    pub fn live(entity: EntityAddr, key: Arc<EntityKey>) -> Slot {
        let tenant = key.tenant();
        Slot { presence: Presence::Live(entity), key: Some(key), tenant, ..Slot::missing() }
    }

    /// Of an entity that has not come yet.
    pub fn missing() -> Slot {
        Slot {
            presence: Presence::Missing,
            key: None,
            tenant: TenantNumber::default(),
            dirty: None,
            changed: false,
            touched: false,
            used: true,
            is_as_captured: false,
            restored_at: Lsn::ZERO,
            location: None,
            sent: 0,
            behind: None,
            looked_at: NEVER,
            waits: Waits::default(),
            head: NO_MORE,
            tail: NO_MORE,
        }
    }

    /// The actor, if it has one.
    pub fn actor(&self) -> Option<&EntityAddr> {
        match &self.presence {
            Presence::Live(entity) => Some(entity),
            Presence::Missing | Presence::Packed(_) | Presence::Stored => None,
        }
    }

    /// Puts a message behind what the actor has to do already. Without an actor it is lost.
    pub fn send<M>(&mut self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        Shell<SkuLocation>: Handler<M>,
        Shell<Supplier>: Handler<M>,
        Shell<Subject>: Handler<M>,
        Shell<ApprovalCase>: Handler<M>,
    {
        let Presence::Live(entity) = &self.presence else { return };
        self.sent = self.sent.wrapping_add(1);
        match entity {
            EntityAddr::SkuLocation(addr) => addr.do_send(message),
            EntityAddr::Supplier(addr) => addr.do_send(message),
            EntityAddr::Subject(addr) => addr.do_send(message),
            EntityAddr::ApprovalCase(addr) => addr.do_send(message),
        }
    }

    /// Messages sent to the actor so far, modulo 2^32.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Counts a message that went to the actor by its address.
    pub fn note_sent(&mut self) {
        self.sent = self.sent.wrapping_add(1);
    }

    /// A record is on its way to it: its state will be another one than what was written of it.
    pub fn note_record(&mut self) {
        self.location = None;
        self.is_as_captured = false;
    }
}

/// Slots of a piece.
const PIECE_SLOTS: usize = 4_096;

/// All slots of a shard, in pieces: one list of a million, when it has to grow, stops its shard for as long as it takes to
/// move them all, and needs the memory twice meanwhile.
#[derive(Default)]
pub(super) struct Slots {
    /// All full but for the last one.
    pieces: Vec<Vec<Slot>>,
}

impl Slots {
    pub fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE_SLOTS + last.len())
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn push(&mut self, slot: Slot) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE_SLOTS => last.push(slot),
            _ => self.pieces.push(vec![slot]),
        }
    }

    /// Slots for that many entities that have not come yet.
    pub fn missing(count: usize) -> Slots {
        let piece = |at: usize| {
            let mut piece = Vec::new();
            piece.resize_with((count - at).min(PIECE_SLOTS), Slot::missing);
            piece
        };
        Slots { pieces: (0..count).step_by(PIECE_SLOTS).map(piece).collect() }
    }

    pub fn get(&self, slot: usize) -> Option<&Slot> {
        self.pieces.get(slot / PIECE_SLOTS)?.get(slot % PIECE_SLOTS)
    }

    pub fn get_mut(&mut self, slot: usize) -> Option<&mut Slot> {
        self.pieces.get_mut(slot / PIECE_SLOTS)?.get_mut(slot % PIECE_SLOTS)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.pieces.iter_mut().flatten()
    }
}

impl Index<usize> for Slots {
    type Output = Slot;

    fn index(&self, slot: usize) -> &Slot {
        &self.pieces[slot / PIECE_SLOTS][slot % PIECE_SLOTS]
    }
}

impl IndexMut<usize> for Slots {
    fn index_mut(&mut self, slot: usize) -> &mut Slot {
        &mut self.pieces[slot / PIECE_SLOTS][slot % PIECE_SLOTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(slots: &mut Slots) -> Vec<u32> {
        slots.iter_mut().map(|slot| slot.head).collect()
    }

    #[test]
    fn slots_stand_where_they_were_put_over_all_pieces() {
        let few = 3;
        for restored in [0, 1, PIECE_SLOTS - 1, PIECE_SLOTS, PIECE_SLOTS + 1, 2 * PIECE_SLOTS] {
            let mut slots = Slots::missing(restored);
            assert_eq!((slots.len(), slots.is_empty()), (restored, restored == 0));
            for slot in 0..restored {
                slots[slot].head = slot as u32;
            }
            for slot in restored..restored + PIECE_SLOTS + few {
                slots.push(Slot { head: slot as u32, ..Slot::missing() });
                assert_eq!(slots.len(), slot + 1);
            }
            let all = restored + PIECE_SLOTS + few;
            assert_eq!(numbers(&mut slots), (0..all as u32).collect::<Vec<_>>());
            assert_eq!(slots.get(all - 1).map(|slot| slot.head), Some(all as u32 - 1));
            assert!(slots.get(all).is_none() && slots.get_mut(all).is_none());
            assert_eq!(slots.get_mut(restored).map(|slot| slot.head), Some(restored as u32));
            assert_eq!(slots[restored].head, restored as u32);
        }
    }
}
