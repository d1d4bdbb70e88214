//! Replaying at a chosen speed: event time against wall time.

use std::str::FromStr;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Longest sleep at once; a file with a hole of years in it still moves on in steps that a signal can end.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

/// `max`, or seconds of event time per second of wall time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    Max,
    Factor(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::Factor(factor)),
            _ => {
                Err("`max`, or seconds of event time per second: 1 is real time, 86400 a day a second".into())
            }
        }
    }
}

/// Holds events back until their time has come: the first one sets where both clocks start.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    start: Option<(Instant, Timestamp)>,
}

impl Pace {
    pub fn new(speed: Speed) -> Self {
        Self { speed, start: None }
    }

    /// Waits until an event of this time is due. An event from before the first one is due at once.
    pub async fn wait_for(&mut self, time: Timestamp) {
        let Speed::Factor(factor) = self.speed else { return };
        let (started, first) = *self.start.get_or_insert_with(|| (Instant::now(), time));
        let due = wall_time_after(time.duration_since(first).as_secs_f64(), factor);
        while let Some(left) = due.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
            tokio::time::sleep(left.min(SLEEP_MAX)).await;
        }
    }
}

/// Wall time that `event_seconds` take at `factor`; negative ones take none.
fn wall_time_after(event_seconds: f64, factor: f64) -> Duration {
    Duration::try_from_secs_f64((event_seconds / factor).max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_max_or_a_positive_number() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("604800".parse(), Ok(Speed::Factor(604_800.0)));
        assert_eq!("0.5".parse(), Ok(Speed::Factor(0.5)));
        for bad in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_week_at_a_day_a_second_takes_seven_seconds() {
        assert_eq!(wall_time_after(604_800.0, 86_400.0), Duration::from_secs(7));
        assert_eq!(wall_time_after(-5.0, 1.0), Duration::ZERO);
        assert_eq!(wall_time_after(1e300, 1e-300), Duration::MAX);
    }
}
