//! What the dispatcher hands a shard, and what the shard makes of it for its entities.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use actix::Message;

use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::Record;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::fold::{Dirty, Routed};

/// The end of a chain of records.
pub const NO_MORE: u32 = u32::MAX;

/// Work for a shard, in LSN order.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ShardBatch {
    /// New entities, by slot.
    pub created: Vec<(u32, Arc<EntityKey>)>,
    pub steps: Vec<Step>,
    /// Everything up to here that concerns this shard is in this batch or was in an earlier one.
    pub upto: Lsn,
    /// The Reference as of `upto`.
    pub reference: Arc<Reference>,
}

/// One step of a batch.
pub enum Step {
    /// Records that read the same version of the Reference.
    Deliver {
        reference: Arc<Reference>,
        deliveries: Vec<ShardDelivery>,
    },
    Dirty {
        whom: ShardDirty,
        origin: Lsn,
    },
    ClockAdvanced {
        tenant: TenantNumber,
        to: Timestamp,
        origin: Lsn,
    },
    /// Recovery is done: reconcile from here on.
    GoLive,
}

/// Who of this shard must look again.
pub enum ShardDirty {
    These(Vec<u32>),
    Tenant(TenantNumber),
    Everyone,
}

impl ShardDirty {
    /// The part of `whom` that lives on a shard, if any.
    pub fn on_shard(whom: &Dirty, shard: u16) -> Option<ShardDirty> {
        match whom {
            Dirty::Everyone => Some(ShardDirty::Everyone),
            Dirty::Tenant(tenant) => Some(ShardDirty::Tenant(*tenant)),
            Dirty::These(addresses) => {
                let slots: Vec<u32> = addresses.iter().filter(|a| a.shard == shard).map(|a| a.slot).collect();
                (!slots.is_empty()).then_some(ShardDirty::These(slots))
            }
        }
    }
}

/// A record for one slot.
#[derive(Clone)]
pub struct ShardDelivery {
    pub slot: u32,
    pub record: Arc<Record>,
    pub lsn: Lsn,
    pub business_time: Timestamp,
    pub origin: Lsn,
}

impl ShardDelivery {
    /// As the fold routed it.
    pub fn routed(&self) -> Routed<'_> {
        Routed { record: &self.record, lsn: self.lsn, business_time: self.business_time, origin: self.origin }
    }
}

/// Deliveries being worked on, chained per entity.
pub struct Segment {
    pub reference: Arc<Reference>,
    pub deliveries: Vec<ShardDelivery>,
    /// For each delivery the next one of the same entity.
    pub next: Vec<u32>,
    pub(super) batch: Arc<BatchInWork>,
}

impl Segment {
    /// The records of one entity, whose first one is at `head`.
    pub fn chain(&self, head: u32) -> impl Iterator<Item = &ShardDelivery> {
        let present = |at: u32| (at != NO_MORE).then_some(at);
        let chain = std::iter::successors(present(head), move |at| present(self.next[*at as usize]));
        chain.map(|at| &self.deliveries[at as usize])
    }

    /// Whether there is time left to reconcile at once.
    pub fn within_budget(&self) -> bool {
        self.batch.deadline > Instant::now()
    }
}

pub(super) struct BatchInWork {
    pub upto: Lsn,
    /// Entity messages not handled yet, plus one while the batch is being handed out.
    /// Only this shard's thread touches it; atomic because actix sends nothing that could not cross threads.
    pub remaining: AtomicUsize,
    pub deadline: Instant,
}
