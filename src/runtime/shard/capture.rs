//! Taking a shard's entities into a generation, a slice at a time, behind whatever else there is to do.
//!
//! The shard asks the entities of a slice for their states; each writes its own. What is collected goes to the snapshotter
//! block by block. When that has no room the shard comes back later: it never waits.

use std::collections::VecDeque;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use crossbeam_channel::{Sender, TrySendError};
use serde::Serialize;

use super::{Shard, ShardShared};
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::runtime::snapshots::{Captured, EntityImage, FromShard, encode_entity};
use crate::snapshot::BlockBuilder;

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
        let image = EntityImage { slot, at: asked.at, is_dirty, review_at, captured: image };
        self.answered(asked, |capture, shard| {
            capture.scratch.clear();
            match encode_entity(&image, &mut capture.scratch) {
                Ok(()) => {
                    capture.builder.push(&capture.scratch);
                    capture.entities += 1;
                    capture.standing_still += u64::from(image.captured.stands_still());
                    capture.highest = capture.highest.max(asked.at);
                    if capture.builder.is_full() {
                        capture.finish_block(shard);
                    }
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
        let reviews = self.shared.reviews.borrow();
        let all = self.shared.slots.borrow();
        for slot in slots {
            let Some((entry, entity)) =
                all.get(slot as usize).and_then(|entry| Some((entry, entry.entity.as_ref()?)))
            else {
                capture.give_up(self.shared.index as u16, format!("slot {slot} has no entity"));
                context.address().do_send(message);
                return;
            };
            // What waits for the entity's second look is in its mailbox or still in the queue: this one comes before it
            // or the queue says so.
            entity.send(CaptureState {
                serial: message.serial,
                at,
                is_dirty: entry.dirty.is_some(),
                review_at: reviews.wanted(slot),
            });
            capture.asked += 1;
        }
    }
}
