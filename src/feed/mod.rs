//! The live feed: gapless events from journal records, conflated state from entities.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::record::{Body, Record, Transition};
use crate::runtime::{Committed, StateKind};

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
    /// Durable records that make frames, in LSN order, and how far the journal is with them.
    Records { records: Vec<Arc<Record>>, upto: Lsn },
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
    /// Hands on what of a group makes frames. Bounded by what entities have in flight.
    pub fn group(&self, group: &[Committed]) {
        let Some(upto) = group.last().map(|last| last.record.lsn) else { return };
        let records = group.iter().map(|committed| &committed.record).filter(|record| makes_frame(record));
        let _ = self.sender.send(FeedInput::Records { records: records.cloned().collect(), upto });
    }
}

/// Whether a record is shown in a gapless topic.
pub fn makes_frame(record: &Record) -> bool {
    matches!(&record.body, Body::Transition(body) if matches!(body.transition, Transition::Exception(_)))
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
