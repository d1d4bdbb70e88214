//! Work that goes on beside the tower's own, in short pieces with rests between them.
//!
//! A low priority alone is not enough: the system lets a thread finish its turn of some milliseconds before one of a higher
//! priority gets the core, and an event passes through half a dozen threads until its frame is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A piece of work; shorter ones are put together.
const PIECE: Duration = Duration::from_millis(1);
/// The longest rest. A piece can take long because the disk did, and resting does not make up for that.
const REST_MAX: Duration = Duration::from_millis(20);

/// How a thread goes about work that can wait.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How many times as long as a piece took it rests; 0 is never.
    rests: u32,
    began: Instant,
    /// When it no longer rests, because there is little time left.
    hurries_from: Option<Instant>,
    /// Set when somebody waits: then it no longer rests.
    hurry: Option<Arc<AtomicBool>>,
}

impl Pace {
    /// Rests that many times as long as it works.
    pub fn resting(rests: u32) -> Pace {
        Pace { rests, began: Instant::now(), hurries_from: None, hurry: None }
    }

    /// Works without a rest.
    pub fn at_once() -> Pace {
        Pace::resting(0)
    }

    /// No longer rests from a moment on, or once `hurry` is set.
    pub fn until(self, moment: Instant, hurry: Arc<AtomicBool>) -> Pace {
        Pace { hurries_from: Some(moment), hurry: Some(hurry), ..self }
    }

    /// A piece begins: what was before was waiting.
    pub fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// To be called often while working: rests, if there was work enough since the last rest.
    pub fn pause(&mut self) {
        let now = Instant::now();
        let rest = self.due(now, now.saturating_duration_since(self.began));
        if !rest.is_zero() {
            thread::sleep(rest);
            self.began = Instant::now();
        }
    }

    fn due(&self, now: Instant, worked: Duration) -> Duration {
        let hurries = self.hurries_from.is_some_and(|from| now >= from)
            || self.hurry.as_ref().is_some_and(|hurry| hurry.load(Ordering::Relaxed));
        if worked < PIECE || hurries { Duration::ZERO } else { (worked * self.rests).min(REST_MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_in_proportion_to_its_work_and_not_for_ever() {
        let (pace, now) = (Pace::resting(3), Instant::now());
        assert_eq!(pace.due(now, Duration::from_micros(999)), Duration::ZERO);
        assert_eq!(pace.due(now, Duration::from_millis(2)), Duration::from_millis(6));
        assert_eq!(pace.due(now, Duration::from_secs(2)), REST_MAX);
        assert_eq!(Pace::at_once().due(now, Duration::from_secs(2)), Duration::ZERO);
    }

    #[test]
    fn it_does_not_rest_when_time_is_short_or_somebody_waits() {
        let (now, worked) = (Instant::now(), Duration::from_millis(2));
        let hurry = Arc::new(AtomicBool::new(false));
        let later = now + Duration::from_secs(1);
        let pace = Pace::resting(3).until(later, hurry.clone());
        assert_eq!(pace.due(now, worked), Duration::from_millis(6));
        assert_eq!(pace.due(later, worked), Duration::ZERO);
        hurry.store(true, Ordering::Relaxed);
        assert_eq!(pace.due(now, worked), Duration::ZERO);
    }
}
