//! Taking a shard's entities into a generation, a slice at a time, behind whatever else there is to do.
//!
//! The shard asks the entities of a slice for their states; each writes its own. What is collected goes to the snapshotter
//! block by block. When that has no room the shard comes back later: it never waits.

use std::collections::VecDeque;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use crossbeam_channel::{Sender, TrySendError};
use serde::Serialize;

use super::slot::{Presence, Slots};
use super::{Shard, ShardShared, next_turn};
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::runtime::snapshots::{
    Captured, EntityImage, FromShard, Kind, Location, PackedImage, encode_entity, encode_packed,
};
use crate::snapshot::BlockBuilder;

/// States that are made anew for one capture, if the disk does not give them back. With more of them it is given up.
const UNREADABLE_MAX: usize = 64;
/// How long a shard waits for the snapshotter to have room again.
const PAUSE: Duration = Duration::from_millis(2);

/// Capture every entity below a slot.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Capture {
    /// Tells this capture from an earlier one that was given up.
    pub serial: u64,
    /// The first slot that is not part of it.
    pub below_slot: u32,
    pub sink: Sender<FromShard>,
}

/// Go on with the capture.
#[derive(Message)]
#[rtype(result = "()")]
struct Continue {
    serial: u64,
}

/// Write your state down.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CaptureState {
    serial: u64,
    /// Everything up to here was handed to the entity before this message.
    pub at: Lsn,
    /// It waited in the dirty queue when it was asked.
    is_dirty: bool,
    review_at: Option<Timestamp>,
}

/// A capture under way.
pub(super) struct CaptureInWork {
    serial: u64,
    below: u32,
    next: u32,
    /// Entities of the slice that have not answered.
    asked: usize,
    /// Were being rebuilt: they are asked again at the end, once.
    postponed: Vec<u32>,
    is_last_round: bool,
    is_over: bool,
    entities: u64,
    standing_still: u64,
    /// States that the generation before did not give back.
    unreadable: usize,
    /// Blocks that were sent.
    blocks: u32,
    /// Where the entries of working entities stand.
    located: Vec<(u32, Location)>,
    /// The last record that any of the states may show.
    highest: Lsn,
    builder: BlockBuilder,
    scratch: Vec<u8>,
    /// Waits for room at the snapshotter: what one slice makes, and the end.
    outgoing: VecDeque<FromShard>,
    sink: Sender<FromShard>,
}

impl CaptureInWork {
    fn new(capture: Capture) -> CaptureInWork {
        CaptureInWork {
            serial: capture.serial,
            below: capture.below_slot,
            next: 0,
            asked: 0,
            postponed: Vec::new(),
            is_last_round: false,
            is_over: false,
            entities: 0,
            standing_still: 0,
            unreadable: 0,
            blocks: 0,
            located: Vec::new(),
            highest: Lsn::ZERO,
            builder: BlockBuilder::default(),
            scratch: Vec::new(),
            outgoing: VecDeque::new(),
            sink: capture.sink,
        }
    }

    /// Sends what there is room for. `Err` if nobody takes it any more.
    fn send(&mut self) -> Result<(), ()> {
        while let Some(next) = self.outgoing.pop_front() {
            match self.sink.try_send(next) {
                Ok(()) => {}
                Err(TrySendError::Full(next)) => {
                    self.outgoing.push_front(next);
                    return Ok(());
                }
                Err(TrySendError::Disconnected(_)) => return Err(()),
            }
        }
        Ok(())
    }

    fn next_slots(&mut self, slice: usize) -> Vec<u32> {
        if self.next < self.below {
            let end = self.below.min(self.next.saturating_add(u32::try_from(slice).unwrap_or(u32::MAX)));
            let slots = (self.next..end).collect();
            self.next = end;
            return slots;
        }
        self.is_last_round = true;
        std::mem::take(&mut self.postponed)
    }

    fn finish_block(&mut self, shard: u16) {
        if !self.builder.is_empty() {
            let entries = std::mem::take(&mut self.builder);
            self.outgoing.push_back(FromShard::Block { shard, entries });
            self.blocks += 1;
        }
    }

    /// Puts the entry in `scratch` behind the others. `is_working`: it is all there is to know of the entity.
    fn push(&mut self, shard: u16, slot: u32, at: Lsn, is_working: bool) {
        if is_working && let Ok(entry) = u16::try_from(self.builder.len()) {
            self.located.push((slot, Location { shard, slot, block: self.blocks, entry }));
        }
        self.builder.push(&self.scratch);
        self.entities += 1;
        self.highest = self.highest.max(at);
        if self.builder.is_full() {
            self.finish_block(shard);
        }
    }

    fn give_up(&mut self, shard: u16, why: String) {
        self.is_over = true;
        self.outgoing.push_back(FromShard::GivenUp { shard, why });
    }
}

impl ShardShared {
    /// An entity's state, as it was asked for.
    pub fn captured<E: Serialize>(&self, slot: u32, asked: CaptureState, image: Captured<'_, E>) {
        let review_at = self.reviews.borrow().wanted(slot).or(asked.review_at);
        let is_dirty = image.is_unsettled
            || asked.is_dirty
            || self.slots.borrow().get(slot as usize).is_some_and(|slot| slot.dirty.is_some());
        let is_working = image.failure.is_none() && !image.is_rebuilding && image.stopped_at.is_none();
        let image = EntityImage { slot, at: asked.at, is_dirty, review_at, captured: image };
        self.answered(asked, |capture, shard| {
            capture.scratch.clear();
            match encode_entity(&image, &mut capture.scratch) {
                Ok(()) => {
                    capture.standing_still += u64::from(image.captured.stands_still());
                    capture.push(shard, slot, asked.at, is_working);
                }
                Err(error) => {
                    capture.give_up(shard, format!("{} can't be written: {error}", image.captured.key))
                }
            }
        });
    }

    /// An entity has no state to capture: it is being rebuilt. Whether it will be asked again; that is once, at the end.
    pub fn capture_later(&self, slot: u32, asked: CaptureState) -> bool {
        let is_last_round = self.capture.borrow().as_ref().is_some_and(|capture| capture.is_last_round);
        if !is_last_round {
            self.answered(asked, |capture, _| capture.postponed.push(slot));
        }
        !is_last_round
    }

    fn answered(&self, asked: CaptureState, take: impl FnOnce(&mut CaptureInWork, u16)) {
        let mut capture = self.capture.borrow_mut();
        let Some(capture) = capture.as_mut().filter(|capture| capture.serial == asked.serial) else { return };
        capture.asked -= 1;
        if !capture.is_over {
            take(capture, self.index as u16);
        }
        if capture.asked == 0
            && let Some(myself) = &*self.myself.borrow()
        {
            // Behind whatever else is in the mailbox: records go first.
            myself.do_send(Continue { serial: asked.serial });
        }
    }
}

impl Handler<Capture> for Shard {
    type Result = ();

    fn handle(&mut self, message: Capture, context: &mut Context<Self>) {
        let serial = message.serial;
        self.shared.presences.borrow_mut().captured = (serial, Vec::new());
        *self.shared.capture.borrow_mut() = Some(CaptureInWork::new(message));
        context.address().do_send(Continue { serial });
    }
}

impl Handler<Continue> for Shard {
    type Result = ();

    fn handle(&mut self, message: Continue, context: &mut Context<Self>) {
        let mut in_work = self.shared.capture.borrow_mut();
        let Some(capture) = in_work.as_mut().filter(|capture| capture.serial == message.serial) else {
            return;
        };
        if capture.send().is_err() {
            *in_work = None;
            return;
        }
        if !capture.outgoing.is_empty() {
            context.notify_later(message, PAUSE);
            return;
        }
        if capture.is_over {
            *in_work = None;
            return;
        }
        let slots = capture.next_slots(self.shared.limits.capture_slice);
        if slots.is_empty() {
            let shard = self.shared.index as u16;
            capture.finish_block(shard);
            capture.is_over = true;
            let located = std::mem::take(&mut capture.located);
            self.shared.presences.borrow_mut().captured = (message.serial, located);
            capture.outgoing.push_back(FromShard::Done {
                shard,
                entities: capture.entities,
                highest: capture.highest.max(self.shared.handed_out.get()),
                standing_still: capture.standing_still,
                stopped: self.shared.stopped.borrow().all(),
            });
            context.address().do_send(message);
            return;
        }
        let at = self.shared.handed_out.get();
        let mut all = self.shared.slots.borrow_mut();
        for slot in slots {
            if capture.is_over {
                break;
            }
            if !self.capture_one(&mut all, capture, slot, at) {
                capture.give_up(self.shared.index as u16, format!("slot {slot} has no entity"));
                break;
            }
        }
        if capture.asked == 0 {
            next_turn(context, message);
        }
    }
}

impl Shard {
    /// Asks an entity for its state, or takes what is written of it already. `false` if there is no entity.
    fn capture_one(&self, all: &mut Slots, capture: &mut CaptureInWork, slot: u32, at: Lsn) -> bool {
        let Some(entry) = all.get_mut(slot as usize) else { return false };
        let is_dirty = entry.dirty.is_some();
        let review_at = self.shared.reviews.borrow().wanted(slot);
        // If it can't, waking it says why.
        let caught_up = self.shared.presences.borrow_mut().catch_up(entry);
        let stored;
        let state = match (&entry.presence, &entry.key) {
            (Presence::Packed(state), _) => Some(state).filter(|_| caught_up),
            (Presence::Stored, Some(key)) => {
                let mut presences = self.shared.presences.borrow_mut();
                stored = entry.location.and_then(|location| presences.read(Kind::of(key), location).ok());
                stored.as_ref()
            }
            _ => None,
        };
        if let (Some(state), Some(key)) = (state, &entry.key) {
            capture.scratch.clear();
            let image = PackedImage { slot, key, at, is_dirty, review_at, state };
            match encode_packed(&image, &mut capture.scratch) {
                Ok(()) => capture.push(self.shared.index as u16, slot, at, true),
                Err(error) => {
                    capture.give_up(self.shared.index as u16, format!("{key} can't be written: {error}"))
                }
            }
            entry.is_as_captured = true;
            return true;
        }
        // If what is stored can't be read back, waking it has it made anew.
        if matches!(entry.presence, Presence::Stored) {
            capture.unreadable += 1;
            if capture.unreadable > UNREADABLE_MAX {
                capture
                    .give_up(self.shared.index as u16, "too much of the one before can't be read".to_owned());
                return true;
            }
        }
        if !self.wake_for_a_look(all, slot) {
            return false;
        }
        let entry = &mut all[slot as usize];
        entry.is_as_captured = true;
        // What waits for the entity's second look is in its mailbox or still in the queue: this one comes before it or the
        // queue says so.
        entry.send(CaptureState { serial: capture.serial, at, is_dirty, review_at });
        capture.asked += 1;
        true
    }
}
