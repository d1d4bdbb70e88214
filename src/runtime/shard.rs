//! A shard: one actor per core that owns its part of the entities.
//!
//! It gets a batch as one message, creates what is new, and hands each touched entity the head of its chain of records,
//! one message per entity and batch, on its own thread. Entities apply and, within the batch's time budget, reconcile at
//! once; who did not get to it waits, and looks between batches. A batch counts as applied when
//! its last entity is done, and batches are published as applied in their order.

mod asked;
mod at_rest;
mod batch;
mod capture;
mod drain;
mod looks;
mod presence;
mod restore;
mod slot;
mod stopped;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message};
use crossbeam_channel::Sender;

pub use self::asked::InspectSlot;
pub use self::at_rest::Behind;
use self::batch::BatchInWork;
use self::batch::NO_MORE;
pub use self::batch::{Segment, ShardBatch, ShardDelivery, ShardDirty, Step};
use self::capture::CaptureInWork;
pub use self::capture::{Capture, CaptureState};
use self::looks::Looks;
pub use self::looks::Turn;
#[cfg(test)]
pub use self::looks::testing as looks_testing;
pub use self::presence::Passivate;
use self::presence::Presences;
pub use self::restore::{BeginRestore, RestoreEntities};
pub use self::slot::{EntityAddr, SLOT_BYTES};
use self::slot::{Slot, Slots};
pub use self::stopped::Stopped;
use self::stopped::StoppedEntities;
use super::admission::Admission;
use super::commands::IdempotencyKeys;
use super::metrics::{Metrics, ShardLabel};
use super::progress::Progress;
use super::rebuild::{RebuildRequest, Rebuilder};
use super::reviews::Reviews;
use super::shell::{Apply, EmitState, GoLive, Hosted, Shell};
use super::summaries::{Cases, Exceptions};
use super::writer::Submission;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::ClockKind;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::feed::{StateSink, StateUpdate};

/// Feed topics that show entity state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    SkuLocation,
    Supplier,
}

/// Bounds of a shard's work.
#[derive(Clone, Copy, Debug)]
pub struct ShardLimits {
    /// Time one batch may spend on reconciling before the rest is put off.
    pub reconcile_budget: Duration,
    /// Reviews started per tick.
    pub review_slice: usize,
    /// Of those who wait to look, how many do before records are taken in again.
    pub look_slice: usize,
    /// Whoever looked less than this ago looks again, which has to be done in so many percent of the time.
    pub look_again: Duration,
    pub look_again_percent: u32,
    /// Entities asked for their states at a time while a snapshot is taken.
    pub capture_slice: usize,
    /// Entities with an actor; idle ones beyond that are packed.
    pub live_max: usize,
    /// Bytes of packed states; beyond that those are let go that a snapshot has, too.
    pub packed_bytes_max: usize,
    /// Shortest time between two state frames of one entity.
    pub state_interval: Duration,
}

/// What a shard's actor and its entities share; lives on one thread.
pub struct ShardShared {
    pub index: usize,
    pub live: Cell<bool>,
    /// It was filled from a snapshot of this very program: then it is known who has to look when the tower is live.
    is_known_who_looks: Cell<bool>,
    /// The summaries showed what was applied up to here when they were restored.
    summaries_at: Cell<Lsn>,
    pub submissions: Sender<Submission>,
    pub progress: Arc<Progress>,
    pub metrics: Arc<Metrics>,
    pub exceptions: Arc<Exceptions>,
    pub cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
    admission: Arc<Admission>,
    rebuilder: Rebuilder,
    state_sink: StateSink,
    wall_clock: fn() -> Timestamp,
    limits: ShardLimits,
    slots: RefCell<Slots>,
    presences: RefCell<Presences>,
    reference: RefCell<Arc<Reference>>,
    applied: Cell<Lsn>,
    /// The record up to which everything was sent to the entities.
    handed_out: Cell<Lsn>,
    in_work: RefCell<VecDeque<Arc<BatchInWork>>>,
    looks: RefCell<Looks>,
    draining: Cell<bool>,
    /// Those who wait to look again are thought of soon.
    resting: Cell<bool>,
    changed: RefCell<Vec<u32>>,
    reviews: RefCell<Reviews>,
    /// Highest business time delivered here, by tenant.
    business: RefCell<Vec<Timestamp>>,
    stopped: RefCell<StoppedEntities>,
    /// Failed, or were being rebuilt, before the tower was live: whether the journal knows, and who rebuilds them, is asked
    /// then.
    stopped_before_live: RefCell<Vec<u32>>,
    capture: RefCell<Option<CaptureInWork>>,
    myself: RefCell<Option<Addr<Shard>>>,
}

/// What a shard is made of.
pub struct ShardParts {
    pub index: usize,
    pub limits: ShardLimits,
    pub submissions: Sender<Submission>,
    pub progress: Arc<Progress>,
    pub admission: Arc<Admission>,
    pub metrics: Arc<Metrics>,
    pub exceptions: Arc<Exceptions>,
    pub cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
    pub rebuilder: Rebuilder,
    pub state_sink: StateSink,
    pub wall_clock: fn() -> Timestamp,
}

impl ShardShared {
    pub(super) fn new(parts: ShardParts) -> ShardShared {
        ShardShared {
            index: parts.index,
            live: Cell::new(false),
            is_known_who_looks: Cell::new(false),
            summaries_at: Cell::new(Lsn::ZERO),
            submissions: parts.submissions,
            progress: parts.progress,
            metrics: parts.metrics,
            exceptions: parts.exceptions,
            cases: parts.cases,
            idempotency_keys: parts.idempotency_keys,
            admission: parts.admission,
            rebuilder: parts.rebuilder,
            state_sink: parts.state_sink,
            wall_clock: parts.wall_clock,
            limits: parts.limits,
            slots: RefCell::default(),
            presences: RefCell::default(),
            reference: RefCell::default(),
            applied: Cell::new(Lsn::ZERO),
            handed_out: Cell::new(Lsn::ZERO),
            in_work: RefCell::default(),
            looks: RefCell::new(Looks::new(parts.limits.look_again, parts.limits.look_again_percent)),
            draining: Cell::new(false),
            resting: Cell::new(false),
            changed: RefCell::default(),
            reviews: RefCell::default(),
            business: RefCell::default(),
            stopped: RefCell::default(),
            stopped_before_live: RefCell::default(),
            capture: RefCell::default(),
            myself: RefCell::default(),
        }
    }

    /// The Reference as of the last batch.
    pub fn reference(&self) -> Arc<Reference> {
        self.reference.borrow().clone()
    }

    /// The record up to which this shard has applied everything.
    pub fn applied(&self) -> Lsn {
        self.applied.get()
    }

    /// The tenant's business time here: what was last delivered, on the wall clock at least the wall.
    pub fn now(&self, tenant: TenantNumber) -> Timestamp {
        let delivered = self.business.borrow().get(usize::from(tenant.0)).copied().unwrap_or_default();
        match self.event_clock(tenant) {
            Some(_) => delivered,
            None => delivered.max((self.wall_clock)()),
        }
    }

    /// As of when an entity looks at what happened at `at`. Where time passes only as it is told, all that was told counts:
    /// a review before that would be over when it is set, and nobody would see to it.
    pub fn as_of(&self, tenant: TenantNumber, at: Timestamp) -> Timestamp {
        match self.event_clock(tenant) {
            Some(_) => at.max(self.now(tenant)),
            None => at,
        }
    }

    fn event_clock(&self, tenant: TenantNumber) -> Option<TenantNumber> {
        let reference = self.reference.borrow();
        reference.tenant(tenant).filter(|t| t.clock == ClockKind::Event).map(|_| tenant)
    }

    fn note_business_time(&self, tenant: TenantNumber, time: Timestamp) {
        let mut business = self.business.borrow_mut();
        let index = usize::from(tenant.0);
        if index >= business.len() {
            business.resize(index + 1, Timestamp::default());
        }
        business[index] = business[index].max(time);
    }

    /// Before the tower is live: an entity stands still, and the journal may not know; or nobody rebuilds it.
    pub fn note_stopped_before_live(&self, slot: u32) {
        self.stopped_before_live.borrow_mut().push(slot);
    }

    /// Up to where an entity's state came from a snapshot.
    pub fn restored_at(&self, slot: u32) -> Lsn {
        self.slots.borrow().get(slot as usize).map_or(Lsn::ZERO, |slot| slot.restored_at)
    }

    /// Whether the summaries show a record's effect already, because they were restored with it.
    pub fn is_in_summaries(&self, lsn: Lsn) -> bool {
        lsn <= self.summaries_at.get()
    }

    /// Notes that an entity's state frame is out of date.
    pub fn note_changed(&self, slot: u32) {
        if !self.state_sink.wanted() {
            return;
        }
        if let Some(entry) = self.slots.borrow_mut().get_mut(slot as usize)
            && !std::mem::replace(&mut entry.changed, true)
        {
            self.changed.borrow_mut().push(slot);
        }
    }

    /// Gives an entity's state to the feed.
    pub fn emit_state(&self, kind: StateKind, key: &EntityKey, lsn: Lsn, item: serde_json::Value) {
        self.state_sink.send(StateUpdate { kind, key: key.clone(), lsn, item });
    }

    /// Sets when an entity must be reviewed.
    pub fn schedule_review(&self, slot: u32, tenant: TenantNumber, at: Option<Timestamp>) {
        let clock = self.event_clock(tenant);
        self.reviews.borrow_mut().schedule(slot, at, clock);
    }

    /// One entity is done with its part of a segment.
    pub fn segment_done(&self, segment: &Segment) {
        self.one_done(&segment.batch);
    }

    fn one_done(&self, batch: &Arc<BatchInWork>) {
        if batch.remaining.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let mut upto = None;
        {
            let mut in_work = self.in_work.borrow_mut();
            while in_work.front().is_some_and(|first| first.remaining.load(Ordering::Relaxed) == 0) {
                upto = in_work.pop_front().map(|batch| batch.upto);
            }
        }
        if let Some(upto) = upto {
            self.applied.set(upto);
            self.progress.publish_applied(self.index, upto);
            self.admission.applied(self.progress.applied());
        }
    }

    /// Has an entity's state made anew from the journal.
    pub fn rebuild<E: Hosted>(&self, request: RebuildRequest) {
        let slots = self.slots.borrow();
        if let Some(addr) = slots.get(request.slot as usize).and_then(|slot| E::addr(slot.actor()?)) {
            self.rebuilder.submit::<E>(request, addr.clone());
        }
    }

    /// A quarantine of an entity is in the journal; `poison` is [`Lsn::ZERO`] if no record is to blame.
    pub fn note_quarantined(&self, key: &EntityKey, poison: Lsn) {
        self.stopped.borrow_mut().quarantined(key, poison);
    }

    /// Whether the journal says that this entity stands still.
    pub fn is_recorded_as_quarantined(&self, key: &EntityKey) -> bool {
        self.stopped.borrow().is_quarantined(key)
    }

    /// An entity was released, perhaps leaving a record out.
    pub fn note_released(&self, key: &EntityKey, poison: Lsn, skip: bool) {
        self.stopped.borrow_mut().released(key, poison, skip);
    }

    /// An entity works again.
    pub fn note_live(&self, key: &EntityKey) {
        self.stopped.borrow_mut().live(key);
    }

    /// Records left out for an entity.
    pub fn skipped(&self, key: &EntityKey) -> Vec<Lsn> {
        self.stopped.borrow().skipped(key)
    }
}

/// The shard's actor.
pub struct Shard {
    shared: Rc<ShardShared>,
}

impl Shard {
    /// Makes the shard on the calling thread, which must run an actix system or arbiter.
    pub fn start_here(parts: ShardParts) -> Addr<Shard> {
        let shared = Rc::new(ShardShared::new(parts));
        Shard { shared }.start()
    }

    fn create(&self, slot: u32, key: Arc<EntityKey>) {
        let shared = self.shared.clone();
        let shared_key = key.clone();
        let entity = match &*key {
            EntityKey::SkuLocation { .. } => EntityAddr::SkuLocation(Shell::new(key, slot, shared).start()),
            EntityKey::Supplier { .. } => EntityAddr::Supplier(Shell::new(key, slot, shared).start()),
            EntityKey::Subject { .. } => EntityAddr::Subject(Shell::new(key, slot, shared).start()),
            EntityKey::ApprovalCase { .. } => EntityAddr::ApprovalCase(Shell::new(key, slot, shared).start()),
        };
        let mut slots = self.shared.slots.borrow_mut();
        debug_assert_eq!(slots.len(), slot as usize, "slots are handed out in order");
        let slot = Slot::live(entity, shared_key);
        self.shared.presences.borrow_mut().count(&slot.presence);
        slots.push(slot);
    }

    /// Chains deliveries per entity and sends each entity the head of its chain.
    fn hand_out(&self, batch: &Arc<BatchInWork>, reference: Arc<Reference>, deliveries: Vec<ShardDelivery>) {
        let mut next = vec![NO_MORE; deliveries.len()];
        let mut touched: Vec<u32> = Vec::with_capacity(deliveries.len());
        let mut slots = self.shared.slots.borrow_mut();
        for (index, delivery) in deliveries.iter().enumerate() {
            let index = index as u32;
            let slot = &mut slots[delivery.slot as usize];
            self.shared.note_business_time(slot.tenant, delivery.business_time);
            if delivery.lsn <= slot.restored_at {
                // Its state came from a snapshot and has this one.
                continue;
            }
            if slot.head == NO_MORE {
                slot.head = index;
                touched.push(delivery.slot);
            } else {
                next[slot.tail as usize] = index;
            }
            slot.tail = index;
        }
        let segment = Arc::new(Segment { reference, deliveries, next, batch: batch.clone() });
        let live = self.shared.live.get();
        batch.remaining.fetch_add(touched.len(), Ordering::Relaxed);
        for slot in touched {
            let entry = &mut slots[slot as usize];
            let head = std::mem::replace(&mut entry.head, NO_MORE);
            if !live && self.shared.replays_at_rest(entry, &segment, head) {
                entry.touched = true;
                entry.note_record();
                self.shared.one_done(batch);
                continue;
            }
            if !self.wake(&mut slots, slot) {
                self.shared.one_done(batch);
                continue;
            }
            let slot = &mut slots[slot as usize];
            slot.touched |= !live;
            slot.note_record();
            slot.send(Apply { segment: segment.clone(), head });
        }
    }

    fn make_dirty(&self, whom: ShardDirty, origin: Lsn) {
        let slots: Vec<u32> = match whom {
            ShardDirty::These(slots) => slots,
            ShardDirty::Everyone => (0..self.shared.slots.borrow().len() as u32).collect(),
            ShardDirty::Tenant(tenant) => {
                let slots = self.shared.slots.borrow();
                (0..slots.len() as u32).filter(|slot| slots[*slot as usize].tenant == tenant).collect()
            }
        };
        if self.shared.live.get() {
            slots.into_iter().for_each(|slot| self.shared.mark_dirty(slot, origin));
            return;
        }
        // It looks once the tower is live. What a state from a snapshot has, or will look at, is in its entry.
        let mut all = self.shared.slots.borrow_mut();
        for slot in slots {
            if let Some(slot) = all.get_mut(slot as usize) {
                slot.touched |= origin > slot.restored_at;
            }
        }
    }

    /// Those who have to look now: after a snapshot, whoever something happened to since they last did, and whose review
    /// came due while the tower was down. The journal alone does not say who looked when, so without one it is everybody;
    /// and so it is after one that another program wrote.
    fn go_live(&self, origin: Lsn) {
        self.shared.live.set(true);
        self.shared.presences.borrow_mut().kept_reference = None;
        {
            let mut slots = self.shared.slots.borrow_mut();
            let mut stopped = self.shared.stopped_before_live.take();
            stopped.sort_unstable();
            // One that was restored as failed may have failed again.
            stopped.dedup();
            for slot in stopped {
                if let Some(slot) = slots.get_mut(slot as usize) {
                    slot.send(GoLive);
                }
            }
        }
        if self.shared.is_known_who_looks.get() {
            let mut whom: Vec<u32> = {
                let mut slots = self.shared.slots.borrow_mut();
                let touched =
                    |(at, slot): (usize, &mut Slot)| std::mem::take(&mut slot.touched).then_some(at as u32);
                slots.iter_mut().enumerate().filter_map(touched).collect()
            };
            // Now, so that the tower is not settled before they have looked.
            let due = self.shared.reviews.borrow_mut().due_wall((self.shared.wall_clock)(), usize::MAX);
            self.shared.metrics.reviews.inc_by(due.len() as u64);
            whom.extend(due);
            self.make_dirty(ShardDirty::These(whom), origin);
        } else {
            self.make_dirty(ShardDirty::Everyone, origin);
        }
        // Some may have been dirty before there was anyone to wake.
        self.shared.wake_drain();
    }

    fn start_due_reviews(&self) {
        let label = ShardLabel { shard: self.shared.index as u32 };
        let metrics = &self.shared.metrics;
        metrics.reviews_waiting.get_or_create(&label).set(self.shared.reviews.borrow().len() as i64);
        metrics.dirty_entities.get_or_create(&label).set(self.shared.looks.borrow().waiting() as i64);
        self.shared.show_presences();
        self.shared.make_room();
        if !self.shared.live.get() {
            return;
        }
        let now = (self.shared.wall_clock)();
        let due = self.shared.reviews.borrow_mut().due_wall(now, self.shared.limits.review_slice);
        self.shared.metrics.reviews.inc_by(due.len() as u64);
        for slot in due {
            self.shared.mark_dirty(slot, self.shared.applied());
        }
    }

    fn emit_changed(&self) {
        let changed = std::mem::take(&mut *self.shared.changed.borrow_mut());
        let mut slots = self.shared.slots.borrow_mut();
        for slot in changed {
            let slot = &mut slots[slot as usize];
            slot.changed = false;
            slot.send(EmitState);
        }
    }
}

/// How often the wall clock's reviews are looked at.
const REVIEW_TICK: Duration = Duration::from_millis(200);
/// Messages the shard's mailbox takes before senders that wait would wait; batches are bounded by admission.
const MAILBOX_CAPACITY: usize = 1_024;

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
        *self.shared.myself.borrow_mut() = Some(context.address());
        context.run_interval(REVIEW_TICK, |shard, _| shard.start_due_reviews());
        context.run_interval(self.shared.limits.state_interval, |shard, _| shard.emit_changed());
    }
}

impl Handler<ShardBatch> for Shard {
    type Result = ();

    fn handle(&mut self, message: ShardBatch, _: &mut Context<Self>) {
        if !message.steps.is_empty() {
            self.shared.looks.borrow_mut().note_records();
        }
        let batch = Arc::new(BatchInWork {
            upto: message.upto,
            remaining: AtomicUsize::new(1),
            deadline: Instant::now() + self.shared.limits.reconcile_budget,
        });
        self.shared.in_work.borrow_mut().push_back(batch.clone());
        *self.shared.reference.borrow_mut() = message.reference;
        for (slot, key) in message.created {
            self.create(slot, key);
        }
        for step in message.steps {
            match step {
                Step::Deliver { reference, deliveries } => self.hand_out(&batch, reference, deliveries),
                Step::Dirty { whom, origin } => self.make_dirty(whom, origin),
                Step::ClockAdvanced { tenant, to, origin } => {
                    self.shared.note_business_time(tenant, to);
                    let due = self.shared.reviews.borrow_mut().due_event(tenant, to);
                    self.shared.metrics.reviews.inc_by(due.len() as u64);
                    self.make_dirty(ShardDirty::These(due), origin);
                }
                Step::GoLive => self.go_live(message.upto),
            }
        }
        self.shared.handed_out.set(message.upto);
        self.shared.one_done(&batch);
        self.shared.make_room();
    }
}

/// Sends the shard a message behind everything that its entities have to do now. By its address it would get it before
/// that: a mailbox is worked off to its end.
fn next_turn<M>(context: &mut Context<Shard>, message: M)
where
    M: Message<Result = ()> + 'static,
    Shard: Handler<M>,
{
    let turn = wrap_future::<_, Shard>(tokio::task::yield_now());
    context.spawn(turn.map(|(), shard: &mut Shard, context| {
        shard.handle(message, context);
    }));
}
