//! The review wheel of a shard: when each entity must be looked at again though nothing happened to it.
//!
//! A review is no record: it is a reconcile, and only what that proposes is journaled. Tenants on the wall clock share
//! one queue that a timer drains; each tenant on an event clock has its own, drained when its clock is advanced.

use std::collections::HashMap;

use crate::domain::ids::TenantNumber;
use crate::domain::time::Timestamp;

/// Slots as a binary heap (Williams 1964), the one that is due first in front. Each stands in it once, and is moved when it
/// wants another time: with millions of entities, superseded entries would outweigh them.
type Queue = Vec<u32>;

/// Due times by slot.
#[derive(Default)]
pub struct Reviews {
    wall: Queue,
    event: HashMap<TenantNumber, Queue>,
    wants: Wants,
}

/// What each slot wants, and where it stands in its queue. Apart, because together they would be padded.
#[derive(Default)]
struct Wants {
    at: Vec<Timestamp>,
    place: Vec<u32>,
}

/// The place of a slot that wants no review.
const NOWHERE: u32 = u32::MAX;

impl Reviews {
    /// Sets when a slot wants its next review; `event_clock` names the tenant whose clock counts, if it is not the wall.
    pub fn schedule(&mut self, slot: u32, at: Option<Timestamp>, event_clock: Option<TenantNumber>) {
        if self.wanted(slot) == at {
            return;
        }
        self.wants.make_room(slot);
        let queue = match event_clock {
            None => &mut self.wall,
            Some(tenant) => self.event.entry(tenant).or_default(),
        };
        let wants = &mut self.wants;
        match (at, wants.place_in(queue, slot)) {
            (Some(at), Some(place)) => wants.set(queue, place, at),
            (Some(at), None) => {
                self.leave(slot);
                self.join(slot, at, event_clock);
            }
            (None, Some(place)) => wants.remove(queue, place),
            (None, None) => self.leave(slot),
        }
    }

    fn join(&mut self, slot: u32, at: Timestamp, event_clock: Option<TenantNumber>) {
        let queue = match event_clock {
            None => &mut self.wall,
            Some(tenant) => self.event.entry(tenant).or_default(),
        };
        self.wants.add(queue, slot, at);
    }

    /// Takes a slot out of whichever queue it stands in: its tenant may have been unknown when it asked.
    fn leave(&mut self, slot: u32) {
        let Reviews { wall, event, wants } = self;
        for queue in std::iter::once(wall).chain(event.values_mut()) {
            if let Some(place) = wants.place_in(queue, slot) {
                wants.remove(queue, place);
                return;
            }
        }
    }

    /// When a slot wants its next review.
    pub fn wanted(&self, slot: u32) -> Option<Timestamp> {
        let index = slot as usize;
        let stands = self.wants.place.get(index).is_some_and(|place| *place != NOWHERE);
        if stands { self.wants.at.get(index).copied() } else { None }
    }

    /// Takes up to `max` slots whose time has come on the wall clock.
    pub fn due_wall(&mut self, now: Timestamp, max: usize) -> Vec<u32> {
        self.wants.take_due(&mut self.wall, now, max)
    }

    /// Takes every slot whose time has come on a tenant's event clock.
    pub fn due_event(&mut self, tenant: TenantNumber, now: Timestamp) -> Vec<u32> {
        match self.event.get_mut(&tenant) {
            Some(queue) => self.wants.take_due(queue, now, usize::MAX),
            None => Vec::new(),
        }
    }

    /// Reviews waiting.
    pub fn len(&self) -> usize {
        self.wall.len() + self.event.values().map(Vec::len).sum::<usize>()
    }
}

impl Wants {
    fn make_room(&mut self, slot: u32) {
        let slots = slot as usize + 1;
        if slots > self.at.len() {
            self.at.resize(slots, Timestamp::default());
            self.place.resize(slots, NOWHERE);
        }
    }

    /// Where a slot stands in that queue, if it does.
    fn place_in(&self, queue: &Queue, slot: u32) -> Option<usize> {
        let place = self.place[slot as usize] as usize;
        (queue.get(place) == Some(&slot)).then_some(place)
    }

    fn add(&mut self, queue: &mut Queue, slot: u32, at: Timestamp) {
        self.at[slot as usize] = at;
        queue.push(slot);
        self.rise(queue, queue.len() - 1);
    }

    fn set(&mut self, queue: &mut Queue, place: usize, at: Timestamp) {
        self.at[queue[place] as usize] = at;
        self.settle(queue, place);
    }

    fn remove(&mut self, queue: &mut Queue, place: usize) {
        let gone = queue.swap_remove(place);
        self.place[gone as usize] = NOWHERE;
        if place < queue.len() {
            self.settle(queue, place);
        }
    }

    fn take_due(&mut self, queue: &mut Queue, now: Timestamp, max: usize) -> Vec<u32> {
        let mut due = Vec::new();
        while due.len() < max
            && let Some(first) = queue.first().copied()
            && self.at[first as usize] <= now
        {
            self.remove(queue, 0);
            due.push(first);
        }
        due
    }

    /// Of two that are due at once, the lower slot goes first.
    fn is_before(&self, a: u32, b: u32) -> bool {
        (self.at[a as usize], a) < (self.at[b as usize], b)
    }

    fn put(&mut self, queue: &mut Queue, place: usize, slot: u32) {
        queue[place] = slot;
        self.place[slot as usize] = place as u32;
    }

    /// Brings who stands at a place to where it belongs.
    fn settle(&mut self, queue: &mut Queue, place: usize) {
        if self.rise(queue, place) == place {
            self.sink(queue, place);
        }
    }

    /// Moves who stands at a place towards the front; says where it is then.
    fn rise(&mut self, queue: &mut Queue, mut place: usize) -> usize {
        let slot = queue[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if !self.is_before(slot, queue[parent]) {
                break;
            }
            self.put(queue, place, queue[parent]);
            place = parent;
        }
        self.put(queue, place, slot);
        place
    }

    fn sink(&mut self, queue: &mut Queue, mut place: usize) {
        let slot = queue[place];
        loop {
            let left = 2 * place + 1;
            let Some(mut child) = queue.get(left).map(|_| left) else { break };
            if queue.get(left + 1).is_some_and(|right| self.is_before(*right, queue[left])) {
                child = left + 1;
            }
            if !self.is_before(queue[child], slot) {
                break;
            }
            self.put(queue, place, queue[child]);
            place = child;
        }
        self.put(queue, place, slot);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

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
    fn a_slot_waits_once_however_often_it_asks() {
        let mut reviews = Reviews::default();
        for second in 0..10_000 {
            reviews.schedule(second as u32 % 3, Some(at(second)), None);
        }
        assert_eq!(reviews.len(), 3);
    }

    #[test]
    fn a_slot_whose_clock_becomes_known_later_waits_on_that_alone() {
        let mut reviews = Reviews::default();
        for slot in 0..9 {
            reviews.schedule(slot, Some(at(10 + i64::from(slot))), None);
        }
        reviews.schedule(2, Some(at(50)), Some(TenantNumber(1)));
        assert_eq!(reviews.due_wall(at(99), 99), [0, 1, 3, 4, 5, 6, 7, 8]);
        assert_eq!(reviews.wanted(2), Some(at(50)));
        reviews.schedule(2, None, None);
        assert_eq!((reviews.wanted(2), reviews.len()), (None, 0));
    }

    /// The earliest first, of equals the lowest slot: as from a list that is sorted each time.
    fn due_by_sorting(wanted: &mut BTreeMap<u32, i64>, now: i64, max: usize) -> Vec<u32> {
        let mut due: Vec<(i64, u32)> =
            wanted.iter().filter(|(_, at)| **at <= now).map(|(slot, at)| (*at, *slot)).collect();
        due.sort_unstable();
        due.truncate(max);
        wanted.retain(|slot, at| !due.contains(&(*at, *slot)));
        due.into_iter().map(|(_, slot)| slot).collect()
    }

    proptest! {
        #[test]
        fn it_is_a_queue_by_time(
            acts in proptest::collection::vec((0_u32..40, proptest::option::weighted(0.8, 0_i64..60), 0_u8..8), 0..400),
        ) {
            let mut reviews = Reviews::default();
            // Even slots are of a tenant on the wall clock, odd ones of one on an event clock.
            let mut wanted: [BTreeMap<u32, i64>; 2] = Default::default();
            let tenant = TenantNumber(1);
            for (slot, second, act) in acts {
                match act {
                    0 => {
                        let now = i64::from(slot);
                        prop_assert_eq!(reviews.due_wall(at(now), 3), due_by_sorting(&mut wanted[0], now, 3));
                        let due = due_by_sorting(&mut wanted[1], now, usize::MAX);
                        prop_assert_eq!(reviews.due_event(tenant, at(now)), due);
                    }
                    _ => {
                        let is_odd = slot % 2 == 1;
                        reviews.schedule(slot, second.map(at), is_odd.then_some(tenant));
                        let wanted = &mut wanted[usize::from(is_odd)];
                        wanted.remove(&slot);
                        wanted.extend(second.map(|second| (slot, second)));
                    }
                }
                prop_assert_eq!(reviews.len(), wanted[0].len() + wanted[1].len());
                let model = wanted[slot as usize % 2].get(&slot).copied();
                prop_assert_eq!(reviews.wanted(slot), model.map(at));
            }
        }
    }
}
