//! A circuit breaker: leaves a target alone that does not work, and looks again after a while.

use std::time::{Duration, Instant};

/// Counts failures in a row; see [`BreakerState`].
#[derive(Clone, Debug)]
pub struct Breaker {
    failures_max: u32,
    open_for: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing, for a while.
    Open,
    /// One attempt, whose outcome decides.
    HalfOpen,
}

impl Breaker {
    /// Opens for `open_for` after `failures_max` failures in a row.
    pub fn new(failures_max: u32, open_for: Duration) -> Breaker {
        Breaker { failures_max, open_for, state: State::Closed { failures: 0 } }
    }

    pub fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }

    /// Whether an attempt may begin, or when it makes sense to ask again (`None`: when an attempt has ended).
    pub fn allows(&self, now: Instant) -> Result<(), Option<Instant>> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if now < until => Err(Some(until)),
            State::Open { .. } => Ok(()),
            State::Probing => Err(None),
        }
    }

    /// An attempt that was allowed begins.
    pub fn begin(&mut self) {
        if let State::Open { .. } = self.state {
            self.state = State::Probing;
        }
    }

    /// The target answered as a working one does, be it with a no.
    pub fn works(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The target could not be reached, or failed.
    pub fn fails(&mut self, now: Instant) {
        let open = State::Open { until: now + self.open_for };
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < self.failures_max => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } | State::Probing => open,
            // The end of an attempt from before it opened says nothing new.
            State::Open { until } => State::Open { until },
        };
    }

    /// An attempt that was begun was not made after all.
    pub fn abandon(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(30);

    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, OPEN_FOR);
        (0..3).for_each(|_| breaker.fails(now));
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_only_then() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, OPEN_FOR);
        for _ in 0..5 {
            breaker.fails(now);
            breaker.fails(now);
            breaker.works();
        }
        assert_eq!(breaker.state(now), BreakerState::Closed);
        let breaker = open(now);
        assert_eq!(breaker.allows(now), Err(Some(now + OPEN_FOR)));
    }

    #[test]
    fn after_a_while_one_attempt_probes_it() {
        let now = Instant::now();
        let later = now + OPEN_FOR;
        let mut breaker = open(now);
        assert_eq!(breaker.state(later - Duration::from_nanos(1)), BreakerState::Open);
        assert_eq!((breaker.state(later), breaker.allows(later)), (BreakerState::HalfOpen, Ok(())));
        breaker.begin();
        assert_eq!(breaker.allows(later), Err(None), "a second one while the first is under way");
    }

    #[test]
    fn the_probe_decides() {
        let now = Instant::now();
        let later = now + OPEN_FOR;
        let mut breaker = open(now);
        breaker.begin();
        breaker.fails(later);
        assert_eq!(breaker.allows(later), Err(Some(later + OPEN_FOR)));
        breaker.begin();
        breaker.works();
        assert_eq!(breaker.state(later), BreakerState::Closed);
        breaker.fails(later);
        assert_eq!(breaker.state(later), BreakerState::Closed, "and counts from the start");
    }

    #[test]
    fn late_failures_of_attempts_from_before_do_not_keep_it_open() {
        let now = Instant::now();
        let mut breaker = open(now);
        breaker.fails(now + OPEN_FOR / 2);
        assert_eq!(breaker.allows(now + OPEN_FOR), Ok(()));
    }

    #[test]
    fn a_probe_that_was_not_made_leaves_room_for_another() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + OPEN_FOR;
        breaker.begin();
        breaker.abandon(later);
        assert_eq!(breaker.allows(later), Ok(()));
    }
}
