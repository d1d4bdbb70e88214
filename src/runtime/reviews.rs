//! The review wheel of a shard: when each entity must be looked at again though nothing happened to it.
//!
//! A review is no record: it is a reconcile, and only what that proposes is journaled. Tenants on the wall clock share
//! one queue that a timer drains; each tenant on an event clock has its own, drained when its clock is advanced.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::domain::ids::TenantNumber;
use crate::domain::time::Timestamp;

type Queue = BinaryHeap<Reverse<(Timestamp, u32)>>;

/// Due times by slot. An entry counts only while the slot still wants that very time.
#[derive(Default)]
pub struct Reviews {
    wall: Queue,
    event: HashMap<TenantNumber, Queue>,
    wanted: Vec<Option<Timestamp>>,
}

/// Superseded entries are swept out when they outnumber the entities by this factor.
const STALE_FACTOR: usize = 4;

impl Reviews {
    /// Sets when a slot wants its next review; `event_clock` names the tenant whose clock counts, if it is not the wall.
    pub fn schedule(&mut self, slot: u32, at: Option<Timestamp>, event_clock: Option<TenantNumber>) {
        let index = slot as usize;
        if index >= self.wanted.len() {
            self.wanted.resize(index + 1, None);
        }
        if self.wanted[index] == at {
            return;
        }
        self.wanted[index] = at;
        let Some(at) = at else { return };
        let wanted = &self.wanted;
        let queue = match event_clock {
            None => &mut self.wall,
            Some(tenant) => self.event.entry(tenant).or_default(),
        };
        queue.push(Reverse((at, slot)));
        if queue.len() > wanted.len() * STALE_FACTOR + 1_024 {
            queue.retain(|Reverse((at, slot))| wanted[*slot as usize] == Some(*at));
        }
    }

    /// When a slot wants its next review.
    pub fn wanted(&self, slot: u32) -> Option<Timestamp> {
        self.wanted.get(slot as usize).copied().flatten()
    }

    /// Takes up to `max` slots whose time has come on the wall clock.
    pub fn due_wall(&mut self, now: Timestamp, max: usize) -> Vec<u32> {
        take_due(&mut self.wall, &mut self.wanted, now, max)
    }

    /// Takes every slot whose time has come on a tenant's event clock.
    pub fn due_event(&mut self, tenant: TenantNumber, now: Timestamp) -> Vec<u32> {
        match self.event.get_mut(&tenant) {
            Some(queue) => take_due(queue, &mut self.wanted, now, usize::MAX),
            None => Vec::new(),
        }
    }

    /// Reviews waiting, superseded ones included.
    pub fn len(&self) -> usize {
        self.wall.len() + self.event.values().map(BinaryHeap::len).sum::<usize>()
    }
}

fn take_due(queue: &mut Queue, wanted: &mut [Option<Timestamp>], now: Timestamp, max: usize) -> Vec<u32> {
    let mut due = Vec::new();
    while due.len() < max
        && let Some(Reverse((at, slot))) = queue.peek().copied()
        && at <= now
    {
        queue.pop();
        let want = &mut wanted[slot as usize];
        if *want == Some(at) {
            *want = None;
            due.push(slot);
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_slot_is_due_once_at_the_last_time_it_asked_for() {
        let mut reviews = Reviews::default();
        reviews.schedule(0, Some(at(10)), None);
        reviews.schedule(1, Some(at(5)), None);
        reviews.schedule(0, Some(at(20)), None);
        assert_eq!(reviews.due_wall(at(15), 10), [1]);
        assert_eq!(reviews.due_wall(at(25), 10), [0]);
        assert!(reviews.due_wall(at(25), 10).is_empty());
        reviews.schedule(0, Some(at(30)), None);
        reviews.schedule(0, None, None);
        assert!(reviews.due_wall(at(99), 10).is_empty());
    }

    #[test]
    fn clocks_do_not_mix() {
        let mut reviews = Reviews::default();
        reviews.schedule(3, Some(at(10)), Some(TenantNumber(1)));
        assert!(reviews.due_wall(at(99), 10).is_empty());
        assert!(reviews.due_event(TenantNumber(2), at(99)).is_empty());
        assert_eq!(reviews.due_event(TenantNumber(1), at(10)), [3]);
    }

    #[test]
    fn superseded_entries_do_not_pile_up() {
        let mut reviews = Reviews::default();
        for second in 0..100_000 {
            reviews.schedule(0, Some(at(second)), None);
        }
        assert!(reviews.len() < 2_000);
    }
}
