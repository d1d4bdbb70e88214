//! Work that goes on beside the tower's own, in short pieces with rests between them.
//!
//! A low priority alone is not enough: the system lets a thread finish its turn of some milliseconds before one of a higher
//! priority gets the core, and an event passes through half a dozen threads until its frame is shown.

use std::thread;
use std::time::{Duration, Instant};

/// A piece of work; shorter ones are put together.
const PIECE: Duration = Duration::from_millis(1);
/// The longest rest. A piece can take long because the disk did, and resting does not make up for that.
const REST_MAX: Duration = Duration::from_millis(20);

/// How a thread goes about work that can wait.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many times as long as a piece took it rests; 0 is never.
    rests: u32,
    began: Instant,
}

impl Pace {
    /// Rests that many times as long as it works.
    pub fn resting(rests: u32) -> Pace {
        Pace { rests, began: Instant::now() }
    }

    /// Works without a rest.
    pub fn at_once() -> Pace {
        Pace::resting(0)
    }

    /// To be called often while working: rests, if there was work enough since the last rest.
    pub fn pause(&mut self) {
        let rest = self.due(self.began.elapsed());
        if !rest.is_zero() {
            thread::sleep(rest);
            self.began = Instant::now();
        }
    }

    fn due(&self, worked: Duration) -> Duration {
        if worked < PIECE { Duration::ZERO } else { (worked * self.rests).min(REST_MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_in_proportion_to_its_work_and_not_for_ever() {
        let pace = Pace::resting(3);
        assert_eq!(pace.due(Duration::from_micros(999)), Duration::ZERO);
        assert_eq!(pace.due(Duration::from_millis(2)), Duration::from_millis(6));
        assert_eq!(pace.due(Duration::from_secs(2)), REST_MAX);
        assert_eq!(Pace::at_once().due(Duration::from_secs(2)), Duration::ZERO);
    }
}
