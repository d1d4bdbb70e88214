//! The live feed: gapless events from journal records, conflated state from entities.
//!
//! One hub on a thread of its own owns all subscriptions ([`Hub`]). Each socket has one bounded queue between the hub
//! and the task that writes to it ([`SocketQueue`]). Where a subscriber's place is behind what the hub has in memory,
//! its events come from the journal until it has caught up.
//!
//! Not responsible for: sockets and credentials (`http`), what an exception is (`domain`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::record::{Body, Record};
use crate::runtime::{Committed, NoOps, StateKind};

mod catch_up;
mod chunk;
mod clock;
mod conflated;
mod event;
mod filter;
mod frame;
mod handle;
mod history;
mod hub;
mod known;
mod publish;
mod queue;
mod request;
mod ring;
mod snapshot;
mod stats;
mod tickets;

pub use chunk::Chunk;
pub use handle::{FeedHandle, Seat, SocketId, Viewer};
pub use hub::Hub;
pub use publish::CLOSE_SLOW;
pub use queue::{Closing, Outgoing, Pushed, QueueLimits, SocketQueue};
pub use request::{Refused, Request, Subscribe, Topic, parse as parse_request};
pub use tickets::{IssuedTicket, TicketsFull};

pub(crate) use frame::error as error_frame;

/// An entity's state as it is now, for subscribers of its topic.
#[derive(Debug)]
pub struct StateUpdate {
    pub kind: StateKind,
    pub key: EntityKey,
    /// The highest record whose effect the item shows.
    pub lsn: Lsn,
    pub item: serde_json::Value,
}

/// What reaches the feed's hub from inside the tower.
#[derive(Debug)]
pub enum FeedInput {
    /// Durable records that the feed reads, in LSN order, how far the journal is with them, and which transitions up to
    /// there had no effect.
    Records {
        records: Vec<Arc<Record>>,
        upto: Lsn,
        no_ops: NoOps,
    },
    State(StateUpdate),
}

/// Where shards put entity state.
#[derive(Clone)]
pub struct StateSink {
    wanted: Arc<AtomicUsize>,
    sender: UnboundedSender<FeedInput>,
}

impl StateSink {
    /// Whether anyone subscribes to state at all: otherwise nothing is made for them.
    pub fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// Hands a state on. Bounded by the entities: each sends at most once per interval.
    pub fn send(&self, update: StateUpdate) {
        let _ = self.sender.send(FeedInput::State(update));
    }
}

/// Where the dispatcher puts durable records.
#[derive(Clone)]
pub struct JournalSink {
    sender: UnboundedSender<FeedInput>,
}

impl JournalSink {
    /// Hands on what the feed reads of a group, as it was folded. Bounded by what entities have in flight.
    pub fn group(&self, group: &[Committed], no_ops: &NoOps) {
        let Some(upto) = group.last().map(|last| last.record.lsn) else { return };
        let is_read = |record: &&Arc<Record>| matches!(record.body, Body::Transition(_));
        let records = group.iter().map(|committed| &committed.record).filter(is_read).cloned().collect();
        let _ = self.sender.send(FeedInput::Records { records, upto, no_ops: no_ops.clone() });
    }
}

/// The feed's inner ends: for the shards, for the dispatcher, and for the hub.
pub fn channel() -> (StateSink, JournalSink, FeedInlet) {
    let (sender, receiver) = unbounded_channel();
    let wanted = Arc::new(AtomicUsize::new(0));
    let state = StateSink { wanted: wanted.clone(), sender: sender.clone() };
    (state, JournalSink { sender }, FeedInlet { wanted, receiver })
}

/// What the hub reads from.
pub struct FeedInlet {
    /// Subscriptions to state topics; the hub keeps it.
    pub wanted: Arc<AtomicUsize>,
    pub receiver: UnboundedReceiver<FeedInput>,
}
