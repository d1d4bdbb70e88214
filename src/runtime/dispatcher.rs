//! The dispatcher: one thread between the journal and the shards.
//!
//! It folds committed records in LSN order and cuts what comes out into one batch per shard; where the Reference
//! changes, later deliveries go into a new step that carries the new version.

use std::sync::Arc;

use actix::Addr;
use crossbeam_channel::{Receiver, never, select};

use super::clocks::Clocks;
use super::directory::Address;
use super::fold::{Dirty, Fold, FoldUsage, Routed, Sink};
use super::progress::Progress;
use super::shard::{Capture, Shard, ShardBatch, ShardDelivery, ShardDirty, Step};
use super::snapshots::{Begun, CaptureRequest};
use super::writer::Committed;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::feed::JournalSink;

/// The dispatcher, before its thread runs.
pub struct Dispatcher {
    pub fold: Fold,
    pub shards: Vec<Addr<Shard>>,
    pub progress: Arc<Progress>,
    /// As the records folded so far leave them.
    pub clocks: Clocks,
    pub batch_records_max: usize,
    /// The Reference for readers outside, replaced whenever a batch is cut.
    pub published: Arc<parking_lot::RwLock<Arc<Reference>>>,
    /// How much of its bounds the fold uses, for readers outside.
    pub usage: Arc<parking_lot::RwLock<FoldUsage>>,
    pub feed: JournalSink,
}

/// Batches under construction.
pub(super) struct Outbox {
    /// Entities made in this batch, by shard: they come before all its steps, so that runs of deliveries stay whole.
    created: Vec<Vec<(u32, Arc<EntityKey>)>>,
    steps: Vec<Vec<Step>>,
    deliveries: usize,
    /// The Reference that deliveries read now; made when the first one needs it.
    reference: Option<Arc<Reference>>,
}

impl Dispatcher {
    /// Works until the writer is gone.
    pub fn run(mut self, committed: &Receiver<Vec<Committed>>, captures: Receiver<CaptureRequest>) {
        let mut captures = captures;
        let mut outbox = self.outbox();
        loop {
            select! {
                recv(committed) -> group => {
                    let Ok(group) = group else { return };
                    self.step(&group, &mut outbox);
                }
                recv(captures) -> request => match request {
                    Ok(request) => self.begin_capture(request),
                    // Nobody takes snapshots any more.
                    Err(_) => captures = never(),
                }
            }
        }
    }

    /// Hands one group on.
    pub(super) fn step(&mut self, group: &[Committed], outbox: &mut Outbox) {
        self.dispatch(group, outbox);
        self.feed.group(group, self.fold.no_ops());
    }

    /// Begins a generation: between two groups, so that its start is a place in the journal.
    pub(super) fn begin_capture(&self, request: CaptureRequest) {
        let image = self.fold.image();
        for (shard, below_slot) in self.shards.iter().zip(image.next_slots()) {
            shard.do_send(Capture {
                serial: request.serial,
                below_slot: *below_slot,
                sink: request.sink.clone(),
            });
        }
        let start = self.progress.dispatched();
        let shards = self.shards.iter().map(|shard| shard.clone().recipient()).collect();
        // If nobody waits any more the shards find nobody either.
        let _ = request.begun.send(Begun { start, image, clocks: self.clocks.clone(), shards });
    }

    /// Recovery: what was restored is as of `start`.
    pub fn restored(&mut self, start: Lsn) {
        let mut outbox = self.outbox();
        self.flush(&mut outbox, start);
    }

    pub(super) fn outbox(&self) -> Outbox {
        let shards = self.shards.len();
        Outbox {
            created: (0..shards).map(|_| Vec::new()).collect(),
            steps: (0..shards).map(|_| Vec::new()).collect(),
            deliveries: 0,
            reference: None,
        }
    }

    fn dispatch(&mut self, group: &[Committed], outbox: &mut Outbox) {
        let Some(last) = group.last().map(|last| last.record.lsn) else { return };
        for Committed { record, origin } in group {
            self.clocks.take(record);
            self.fold.take(record, *origin, outbox);
            if outbox.deliveries >= self.batch_records_max && record.lsn != last {
                self.flush(outbox, record.lsn);
            }
        }
        self.flush(outbox, last);
    }

    fn flush(&mut self, outbox: &mut Outbox, upto: Lsn) {
        let reference = outbox.current_reference(&self.fold.reference);
        outbox.deliveries = 0;
        if !Arc::ptr_eq(&self.published.read(), &reference) {
            *self.published.write() = reference.clone();
        }
        for ((shard, steps), created) in self.shards.iter().zip(&mut outbox.steps).zip(&mut outbox.created) {
            shard.do_send(ShardBatch {
                created: std::mem::take(created),
                steps: std::mem::take(steps),
                upto,
                reference: reference.clone(),
            });
        }
        *self.usage.write() = self.fold.usage();
        self.progress.publish_dispatched(upto);
    }

    /// Recovery: the same fold over records read from the journal. Call [`Dispatcher::go_live`] after the last.
    pub fn replay(&mut self, group: &[Committed]) {
        let mut outbox = self.outbox();
        self.dispatch(group, &mut outbox);
    }

    /// Everything up to `upto` was replayed: entities may act again.
    pub fn go_live(&mut self, upto: Lsn) {
        let mut outbox = self.outbox();
        for steps in &mut outbox.steps {
            steps.push(Step::GoLive);
        }
        self.flush(&mut outbox, upto);
    }
}

impl Outbox {
    fn current_reference(&mut self, reference: &Reference) -> Arc<Reference> {
        self.reference.get_or_insert_with(|| Arc::new(reference.clone())).clone()
    }
}

impl Sink for Outbox {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        self.created[usize::from(address.shard)].push((address.slot, key.clone()));
    }

    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        let current = self.current_reference(reference);
        self.deliveries += 1;
        let delivery = ShardDelivery {
            slot: to.slot,
            record: at.record.clone(),
            lsn: at.lsn,
            business_time: at.business_time,
            origin: at.origin,
        };
        let steps = &mut self.steps[usize::from(to.shard)];
        match steps.last_mut() {
            Some(Step::Deliver { reference, deliveries }) if Arc::ptr_eq(reference, &current) => {
                deliveries.push(delivery)
            }
            _ => steps.push(Step::Deliver { reference: current, deliveries: vec![delivery] }),
        }
    }

    fn reference_changed(&mut self) {
        self.reference = None;
    }

    fn dirty(&mut self, whom: Dirty, origin: Lsn) {
        for (shard, steps) in self.steps.iter_mut().enumerate() {
            if let Some(whom) = ShardDirty::on_shard(&whom, shard as u16) {
                steps.push(Step::Dirty { whom, origin });
            }
        }
    }

    fn clock_advanced(&mut self, tenant: TenantNumber, to: Timestamp, origin: Lsn) {
        for steps in &mut self.steps {
            steps.push(Step::ClockAdvanced { tenant, to, origin });
        }
    }
}
