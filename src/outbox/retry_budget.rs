//! A bound on repeated attempts, so that a target that comes back isn't met by all that failed meanwhile at once.

use std::time::{Duration, Instant};

/// A token bucket: a token for each repeated attempt, filled evenly over time.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    per_minute: u32,
    tokens: f64,
    filled_at: Instant,
}

const MINUTE: Duration = Duration::from_secs(60);

impl RetryBudget {
    /// `per_minute` tokens a minute, and no more than those of ten seconds (but one) kept.
    pub fn new(per_minute: u32, now: Instant) -> RetryBudget {
        let mut budget = RetryBudget { per_minute, tokens: 0.0, filled_at: now };
        budget.tokens = budget.kept_max();
        budget
    }

    fn kept_max(&self) -> f64 {
        (f64::from(self.per_minute) / 6.0).max(1.0)
    }

    /// Whether there is a token, or when there will be.
    pub fn allows(&mut self, now: Instant) -> Result<(), Instant> {
        let since = now.saturating_duration_since(self.filled_at);
        let filled = since.as_secs_f64() / MINUTE.as_secs_f64() * f64::from(self.per_minute);
        self.tokens = (self.tokens + filled).min(self.kept_max());
        self.filled_at = self.filled_at.max(now);
        if self.tokens >= 1.0 {
            return Ok(());
        }
        Err(now + MINUTE.mul_f64((1.0 - self.tokens) / f64::from(self.per_minute)))
    }

    /// Takes the token that there was.
    pub fn take(&mut self) {
        self.tokens -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &mut RetryBudget, now: Instant) -> usize {
        std::iter::from_fn(|| budget.allows(now).ok().map(|()| budget.take())).take(10_000).count()
    }

    #[test]
    fn a_burst_is_bounded_and_then_the_rate_holds() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(60, now);
        assert_eq!(taken(&mut budget, now), 10);
        let later: usize = (1..=60).map(|second| taken(&mut budget, now + Duration::from_secs(second))).sum();
        assert!((59..=60).contains(&later), "{later}");
    }

    #[test]
    fn it_says_when_there_is_a_token_again() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(6, now);
        assert_eq!(taken(&mut budget, now), 1);
        let again = budget.allows(now).unwrap_err();
        assert!((again - now).as_secs_f64() - 10.0 < 0.001, "{:?}", again - now);
        assert!(budget.allows(again + Duration::from_millis(1)).is_ok());
    }

    #[test]
    fn what_is_not_used_is_not_kept_for_ever() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(600, now);
        taken(&mut budget, now);
        assert_eq!(taken(&mut budget, now + Duration::from_secs(3_600)), 100);
    }
}
