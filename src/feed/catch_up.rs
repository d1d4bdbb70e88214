//! One subscription's way through the events: from where it left off to the live stream, without gap or repeat.

use crate::domain::ids::Lsn;

use super::ring::{Ring, Source};

/// How far a subscription is. Every event up to its place that it may see has been queued for it, or it has it already.
#[derive(Clone, Copy, Debug)]
pub struct Follower {
    place: Lsn,
    live: bool,
}

/// What a follower needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: from now on it is offered events as they come.
    Live,
    /// Room for the next event.
    Room,
    /// These records of the journal, in order; the last of them may lie before `upto`.
    Journal { from: Lsn, upto: Lsn },
}

impl Follower {
    /// A follower that has everything up to `place` and must be taken to the live stream.
    pub fn behind(place: Lsn) -> Follower {
        Follower { place, live: false }
    }

    /// Whether it takes this event as it comes. The events between its place and the live stream come by
    /// [`Follower::step`], this one among them.
    pub fn takes_live(&mut self, lsn: Lsn) -> bool {
        let takes = self.live && lsn > self.place;
        if takes {
            self.place = lsn;
        }
        takes
    }

    /// Takes what it can from the ring; `take` answers whether there was room for an event.
    pub fn step<T>(&mut self, ring: &Ring<T>, mut take: impl FnMut(&T) -> bool) -> Step {
        match ring.source(self.place) {
            Source::Journal { from, upto } => return Step::Journal { from, upto },
            Source::Live => {}
            Source::Ring => {
                for (lsn, event) in ring.after(self.place) {
                    if !take(event) {
                        return Step::Room;
                    }
                    self.place = *lsn;
                }
                self.place = ring.head();
            }
        }
        self.live = true;
        Step::Live
    }

    /// Everything up to `place` was taken from the journal.
    pub fn has_read(&mut self, place: Lsn) {
        self.place = self.place.max(place);
    }

    /// Up to where the client has, or will have when its queue is written, all that it may see.
    pub fn place(&self, head: Lsn) -> Lsn {
        if self.live { self.place.max(head) } else { self.place }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A journal in which some records make events, the hub that has seen it up to the ring's head, and one client
    /// whose queue takes what the script says.
    struct Run {
        makes_event: Vec<bool>,
        ring: Ring<Lsn>,
        follower: Follower,
        received: Vec<Lsn>,
    }

    impl Run {
        /// The hub takes the next records, at most `count`.
        fn hub_takes(&mut self, count: usize) {
            let head = self.ring.head().0 as usize;
            let upto = (head + count).min(self.makes_event.len());
            for index in head..upto {
                let lsn = Lsn(index as u64 + 1);
                if self.makes_event[index] {
                    self.ring.push(lsn, lsn);
                    if self.follower.takes_live(lsn) {
                        self.received.push(lsn);
                    }
                }
            }
            self.ring.advance(Lsn(upto as u64));
        }

        /// The client's queue has room for `room` events; a read of the journal gives `chunk` records.
        fn client_takes(&mut self, mut room: usize, chunk: u64) {
            let received = &mut self.received;
            let step = self.follower.step(&self.ring, |lsn| {
                let has_room = room > 0;
                if has_room {
                    room -= 1;
                    received.push(*lsn);
                }
                has_room
            });
            if let Step::Journal { from, upto } = step {
                let upto = Lsn(upto.0.min(from.0 + chunk - 1));
                for lsn in from.0..=upto.0 {
                    if self.makes_event[lsn as usize - 1] {
                        if room == 0 {
                            return;
                        }
                        room -= 1;
                        self.received.push(Lsn(lsn));
                    }
                    self.follower.has_read(Lsn(lsn));
                }
            }
        }

        /// The socket breaks: what was not read yet is lost, and the client comes back from its last event.
        fn drops(&mut self, lost: usize, from: Lsn) {
            self.received.truncate(self.received.len().saturating_sub(lost));
            self.follower = Follower::behind(self.received.last().copied().unwrap_or(from));
        }
    }

    #[derive(Clone, Debug)]
    enum Act {
        Hub(usize),
        Client { room: usize, chunk: u64 },
        Drop { lost: usize },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            3 => (1usize..20).prop_map(Act::Hub),
            4 => (0usize..12, 1u64..25).prop_map(|(room, chunk)| Act::Client { room, chunk }),
            1 => (0usize..5).prop_map(|lost| Act::Drop { lost }),
        ]
    }

    proptest! {
        #[test]
        fn a_client_gets_every_event_once_and_in_order(
            makes_event in proptest::collection::vec(any::<bool>(), 1..150),
            ring_max in 1usize..20,
            seen_before in 0usize..100,
            since in 0usize..100,
            acts in proptest::collection::vec(act(), 0..60),
        ) {
            let records = makes_event.len();
            let since = Lsn(since.min(records) as u64);
            let mut run = Run {
                ring: Ring::new(ring_max, Lsn(seen_before.min(records) as u64)),
                follower: Follower::behind(since),
                received: Vec::new(),
                makes_event,
            };
            for act in acts {
                match act {
                    Act::Hub(count) => run.hub_takes(count),
                    Act::Client { room, chunk } => run.client_takes(room, chunk),
                    Act::Drop { lost } => run.drops(lost, since),
                }
            }
            run.hub_takes(records);
            for _ in 0..=records {
                run.client_takes(records, 7);
            }
            let expected: Vec<Lsn> = (1..=records as u64)
                .filter(|lsn| *lsn > since.0 && run.makes_event[*lsn as usize - 1])
                .map(Lsn)
                .collect();
            prop_assert_eq!(run.received, expected);
        }
    }
}
