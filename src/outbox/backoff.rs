//! How long to wait after a failed attempt.

use std::time::Duration;

/// Doubling waits with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): after
/// the n-th failure a wait drawn evenly from 0 to min(max, initial · 2^(n−1)), so that actions that failed together
/// don't come back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
}

/// Doublings after which a wait is at its bound in any case.
const DOUBLINGS_MAX: u32 = 31;

impl Backoff {
    /// The wait after `failures` failures in a row (1 or more). `random` is any 64 evenly distributed bits;
    /// `retry_after` is what the target asked for, followed up to `max`.
    pub fn wait(&self, failures: u32, random: u64, retry_after: Option<Duration>) -> Duration {
        let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
        let ceiling = self.initial.saturating_mul(2_u32.saturating_pow(doublings)).min(self.max);
        let nanoseconds = (ceiling.as_nanos().saturating_mul(u128::from(random))) >> 64;
        let drawn = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        drawn.max(retry_after.unwrap_or_default().min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(10) };

    #[test]
    fn the_longest_wait_doubles_up_to_its_bound() {
        let longest = |failures| BACKOFF.wait(failures, u64::MAX, None).as_millis() + 1;
        assert_eq!([1, 2, 3, 7, 8, 1_000].map(longest), [100, 200, 400, 6_400, 10_000, 10_000]);
    }

    #[test]
    fn a_wait_is_drawn_evenly_from_nothing_up_to_the_longest() {
        assert_eq!(BACKOFF.wait(3, 0, None), Duration::ZERO);
        assert_eq!(BACKOFF.wait(3, u64::MAX / 2 + 1, None), Duration::from_millis(200));
    }

    #[test]
    fn what_the_target_asks_for_is_followed_within_the_bound() {
        assert_eq!(BACKOFF.wait(1, 0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(BACKOFF.wait(1, 0, Some(Duration::from_secs(86_400))), Duration::from_secs(10));
        assert!(BACKOFF.wait(5, u64::MAX, Some(Duration::from_millis(1))) > Duration::from_secs(1));
    }
}
