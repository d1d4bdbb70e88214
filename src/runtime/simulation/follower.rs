//! A client of the feed's gapless topics, at the seam between dispatcher and hub: it follows live, and after a restart
//! goes on from its position as the hub has it go on, out of the journal.

use std::sync::Arc;

use super::house::House;
use super::trace::Trace;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::record::{Body, Record};
use crate::feed::FeedInput;
use crate::runtime::codec;

/// What it has seen, over all lives.
#[derive(Default)]
pub struct Follower {
    /// Transitions with their entity and revision, in the order in which they came.
    pub seen: Vec<(Lsn, EntityKey, u64)>,
    pub position: Lsn,
    pub states: u64,
}

impl Follower {
    /// Comes back after a restart: what it missed comes from the journal.
    pub fn come_back(&mut self, house: &House) {
        let durable = house.running.progress.durable();
        assert!(self.position <= durable, "invariant 1: {} was shown, recovered is {durable}", self.position);
        for read in house.running.reader.read_from(self.position.0 + 1) {
            let (lsn, bytes) = read.expect("what is durable can be read");
            if Lsn(lsn) > durable {
                break;
            }
            self.see(&codec::decode(&bytes).unwrap().0);
        }
        self.position = durable;
    }

    /// Takes in what was handed to the feed.
    pub fn drain(&mut self, house: &mut House, trace: &mut Trace) {
        let durable = house.running.progress.durable();
        while let Ok(input) = house.inlet.receiver.try_recv() {
            match input {
                FeedInput::Records { records, upto, .. } => {
                    assert!(upto <= durable, "invariant 1: a frame of {upto}, durable is {durable}");
                    trace.step(format!("feed: {} records up to {upto}", records.len()));
                    let position = self.position;
                    for record in records.iter().filter(|record| record.lsn > position) {
                        self.see(record);
                    }
                    self.position = self.position.max(upto);
                }
                FeedInput::State(update) => {
                    let lsn = update.lsn;
                    assert!(lsn <= durable, "invariant 1: a state of {lsn}, durable is {durable}");
                    trace.bytes(update.item.to_string().as_bytes());
                    self.states += 1;
                }
            }
        }
    }

    fn see(&mut self, record: &Record) {
        if let Some(transition) = transition(record) {
            let last = self.seen.last().map_or(Lsn::ZERO, |(lsn, ..)| *lsn);
            assert!(record.lsn > last, "invariant 24: a frame of {} after one of {last}", record.lsn);
            self.seen.push(transition);
        }
    }

    /// Nothing was left out, nothing came twice, nothing was shown that the journal does not have.
    pub fn check(&self, journal: &[Arc<Record>]) {
        let all: Vec<_> = journal.iter().filter_map(|record| transition(record)).collect();
        assert_eq!(self.seen, all, "invariant 24: the frames are the journal's transitions");
    }
}

fn transition(record: &Record) -> Option<(Lsn, EntityKey, u64)> {
    match &record.body {
        Body::Transition(body) => Some((record.lsn, body.entity.clone(), record.entity_revision)),
        _ => None,
    }
}
