//! The shapes that a load may have over time, each a pure function of how much of it has passed.

use std::time::Duration;

use serde::Serialize;

use super::mix::Mix;

/// What the load is like over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The same rate from beginning to end
    Steady,
    /// From a tenth of the rate to all of it
    Ramp,
    /// A day from nine in the evening, compressed: a spike at midnight, a peak in the evening, more orders at night
    BlackFriday,
    /// Within seconds 80 % of events are about one SKU, and there are three times as many
    FlashPromotion,
    /// All feed clients drop at once and come back with `since`, twice
    ReconnectStorm,
    /// After a third of the time feed clients join that read too slowly
    SlowConsumers,
    /// A fifth of requests are sent twice
    Duplicates,
    /// Events are up to 47 hours old, in no order
    OutOfOrder,
}

/// The load at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Of the highest rate, above 0 and at most 1.
    pub rate: f64,
    /// Events about the one SKU, of 10,000.
    pub hot_of_10_000: u32,
    pub orders: Orders,
    /// Requests that repeat an earlier one, of 10,000.
    pub repeated_of_10_000: u32,
    /// Event times lie up to this long before their sending.
    pub spread: Duration,
}

/// How many of the events are orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    Usual,
    /// Orders from the web prevail.
    Many,
}

impl Orders {
    pub const ALL: [Orders; 2] = [Orders::Usual, Orders::Many];

    /// The weights of the kinds of events.
    pub fn mix(self) -> Mix {
        match self {
            Orders::Usual => Mix::default(),
            Orders::Many => Mix::MANY_ORDERS,
        }
    }
}

const HOT_OF_10_000: u32 = 8_000;
const REPEATED_OF_10_000: u32 = 2_000;
/// Below the 48 hours after which a late count is turned away by default.
const SPREAD: Duration = Duration::from_secs(47 * 3_600);

/// Points of (share of the time, share of the highest rate); straight lines between them.
type Curve = &'static [(f64, f64)];

const STEADY: Curve = &[(0.0, 1.0), (1.0, 1.0)];
const RAMP: Curve = &[(0.0, 0.1), (1.0, 1.0)];
/// Hours since nine in the evening over 24.
const BLACK_FRIDAY: Curve = &[
    (0.0 / 24.0, 0.30),
    (2.0 / 24.0, 0.25),
    (2.9 / 24.0, 0.40),
    (3.0 / 24.0, 1.00), // midnight: the doors open
    (3.5 / 24.0, 0.75),
    (4.5 / 24.0, 0.30),
    (6.0 / 24.0, 0.10),
    (9.0 / 24.0, 0.10),
    (11.0 / 24.0, 0.30),
    (13.0 / 24.0, 0.50),
    (16.0 / 24.0, 0.55),
    (19.0 / 24.0, 0.50),
    (21.0 / 24.0, 0.65),
    (23.0 / 24.0, 0.85), // eight in the evening
    (1.0, 0.70),
];
const FLASH_BEGINS: f64 = 0.30;
const FLASH_IS_FULL: f64 = 0.33;
const FLASH_ENDS: f64 = 0.80;
const FLASH: Curve =
    &[(0.0, 0.3), (FLASH_BEGINS, 0.3), (FLASH_IS_FULL, 1.0), (FLASH_ENDS, 0.8), (0.83, 0.3), (1.0, 0.3)];
/// When feed clients drop, as shares of the time.
const STORMS: [f64; 2] = [1.0 / 3.0, 2.0 / 3.0];
const SLOW_JOIN: f64 = 1.0 / 3.0;
/// Midnight of Black Friday and how long it is night, as shares of the time.
const NIGHT: std::ops::Range<f64> = 2.9 / 24.0..5.0 / 24.0;

impl Profile {
    pub const ALL: [Profile; 8] = [
        Profile::Steady,
        Profile::Ramp,
        Profile::BlackFriday,
        Profile::FlashPromotion,
        Profile::ReconnectStorm,
        Profile::SlowConsumers,
        Profile::Duplicates,
        Profile::OutOfOrder,
    ];

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Steady => "steady",
            Profile::Ramp => "ramp",
            Profile::BlackFriday => "black-friday",
            Profile::FlashPromotion => "flash-promotion",
            Profile::ReconnectStorm => "reconnect-storm",
            Profile::SlowConsumers => "slow-consumers",
            Profile::Duplicates => "duplicates",
            Profile::OutOfOrder => "out-of-order",
        }
    }

    fn curve(self) -> Curve {
        match self {
            Profile::Ramp => RAMP,
            Profile::BlackFriday => BLACK_FRIDAY,
            Profile::FlashPromotion => FLASH,
            _ => STEADY,
        }
    }

    /// The load when `passed`, from 0 to 1, of its time has passed.
    pub fn at(self, passed: f64) -> Moment {
        let passed = passed.clamp(0.0, 1.0);
        let usual = Moment {
            rate: on_curve(self.curve(), passed),
            hot_of_10_000: 0,
            orders: Orders::Usual,
            repeated_of_10_000: 0,
            spread: Duration::ZERO,
        };
        match self {
            Profile::BlackFriday if NIGHT.contains(&passed) => Moment { orders: Orders::Many, ..usual },
            Profile::FlashPromotion if (FLASH_BEGINS..FLASH_ENDS).contains(&passed) => {
                let grown = ((passed - FLASH_BEGINS) / (FLASH_IS_FULL - FLASH_BEGINS)).min(1.0);
                let hot_of_10_000 = (f64::from(HOT_OF_10_000) * grown).round() as u32;
                Moment { hot_of_10_000, orders: Orders::Many, ..usual }
            }
            Profile::Duplicates => Moment { repeated_of_10_000: REPEATED_OF_10_000, ..usual },
            Profile::OutOfOrder => Moment { spread: SPREAD, ..usual },
            _ => usual,
        }
    }

    /// When something begins that may disturb others, as a share of the time: figures before and after it are told
    /// apart.
    pub fn disturbed_from(self) -> Option<f64> {
        match self {
            Profile::BlackFriday => Some(NIGHT.start),
            Profile::FlashPromotion => Some(FLASH_BEGINS),
            Profile::ReconnectStorm => Some(STORMS[0]),
            Profile::SlowConsumers => Some(SLOW_JOIN),
            Profile::Steady | Profile::Ramp | Profile::Duplicates | Profile::OutOfOrder => None,
        }
    }

    /// When all feed clients drop, as shares of the time.
    pub fn storms(self) -> &'static [f64] {
        if self == Profile::ReconnectStorm { &STORMS } else { &[] }
    }

    /// Whether any of its events are about one SKU more than about others.
    pub fn has_hot_sku(self) -> bool {
        self == Profile::FlashPromotion
    }
}

fn on_curve(curve: Curve, passed: f64) -> f64 {
    let within = curve.windows(2).find(|pair| passed <= pair[1].0);
    match within {
        Some([(from, low), (until, high)]) => low + (high - low) * (passed - from) / (until - from),
        _ => curve.last().map_or(1.0, |(_, share)| *share),
    }
}

/// When each request of a load is due. Fixed before the first one is sent: a tower that answers slowly does not slow
/// the load down, and so can't hide the time that requests had to wait (coordinated omission).
#[derive(Clone, Debug)]
pub struct Plan {
    /// Consecutive spans of time with a rate that grows or falls evenly.
    spans: Vec<Span>,
    batch: f64,
    requests: u64,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from_s: f64,
    length_s: f64,
    /// Events per second at its beginning and its end.
    rates: (f64, f64),
    /// Events due before it.
    events_before: f64,
}

impl Span {
    fn events(&self) -> f64 {
        self.length_s * f64::midpoint(self.rates.0, self.rates.1)
    }

    /// Seconds after its beginning at which `events` of its events are due: the root of
    /// `slope/2 · t² + rate · t = events`, in the form that has no cancellation and holds for a slope of zero.
    fn seconds_until(&self, events: f64) -> f64 {
        let (rate, slope) = (self.rates.0, (self.rates.1 - self.rates.0) / self.length_s);
        let root = (rate * rate + 2.0 * slope * events).max(0.0).sqrt();
        2.0 * events / (rate + root)
    }
}

impl Plan {
    /// `events_per_s` is the highest rate of the profile; `batch` is at least 1.
    pub fn new(profile: Profile, events_per_s: u64, duration: Duration, batch: usize) -> Plan {
        let (highest, seconds) = (events_per_s as f64, duration.as_secs_f64());
        let mut events_before = 0.0;
        let mut spans = Vec::new();
        for pair in profile.curve().windows(2) {
            let ((from, low), (until, high)) = (pair[0], pair[1]);
            let span = Span {
                from_s: from * seconds,
                length_s: (until - from) * seconds,
                rates: (low * highest, high * highest),
                events_before,
            };
            events_before += span.events();
            spans.push(span);
        }
        let batch = batch.max(1) as f64;
        // Rounded before the ceiling: a hair's breadth above a whole number is that number.
        let requests = ((events_before / batch * 1e6).round() / 1e6).ceil() as u64;
        Plan { spans, batch, requests }
    }

    /// Requests in all.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// When the request with that number is due, from the start on; `None` after the last.
    pub fn due(&self, request: u64) -> Option<Duration> {
        if request >= self.requests {
            return None;
        }
        let events = request as f64 * self.batch;
        let after = self.spans.partition_point(|span| span.events_before <= events);
        let span = self.spans.get(after.checked_sub(1)?)?;
        let seconds = span.from_s + span.seconds_until(events - span.events_before).min(span.length_s);
        Some(Duration::from_secs_f64(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Events due in each of 60 seconds, counted from the due times.
    fn per_second(profile: Profile) -> Vec<u64> {
        let plan = Plan::new(profile, 1_000, MINUTE, 1);
        let mut counts = vec![0; 60];
        for request in 0..plan.requests() {
            counts[plan.due(request).expect("due").as_secs() as usize] += 1;
        }
        counts
    }

    #[test]
    fn a_steady_rate_is_evenly_due() {
        let plan = Plan::new(Profile::Steady, 1_000, Duration::from_secs(10), 4);
        assert_eq!(plan.requests(), 2_500);
        assert_eq!(plan.due(0), Some(Duration::ZERO));
        assert_eq!(plan.due(1), Some(Duration::from_millis(4)));
        assert_eq!(plan.due(2_499), Some(Duration::from_millis(9_996)));
        assert_eq!(plan.due(2_500), None);
    }

    #[test]
    fn every_profile_is_due_in_order_and_within_its_time() {
        for profile in Profile::ALL {
            let plan = Plan::new(profile, 777, Duration::from_secs(13), 3);
            let due: Vec<Duration> = (0..plan.requests()).filter_map(|number| plan.due(number)).collect();
            assert_eq!(due.len() as u64, plan.requests(), "{profile:?}");
            assert!(due.is_sorted() && due[0] == Duration::ZERO, "{profile:?}");
            assert!(due[due.len() - 1] <= Duration::from_secs(13), "{profile:?}");
        }
    }

    #[test]
    fn what_is_due_follows_the_rate() {
        for profile in Profile::ALL {
            for (second, count) in per_second(profile).into_iter().enumerate() {
                // The rate's mean over the second, by the midpoints of a hundred parts of it.
                let mean: f64 = (0..100)
                    .map(|part| profile.at((second as f64 + (f64::from(part) + 0.5) / 100.0) / 60.0).rate)
                    .sum::<f64>()
                    / 100.0;
                assert!((count as f64 - mean * 1_000.0).abs() < 6.0, "{profile:?} {second}: {count} {mean}");
            }
        }
    }

    #[test]
    fn a_ramp_rises_from_a_tenth() {
        let counts = per_second(Profile::Ramp);
        assert_eq!(counts.iter().sum::<u64>(), 33_000, "55 % of the highest rate on average");
        assert!(counts.is_sorted() && (100..=115).contains(&counts[0]) && counts[59] >= 985);
    }

    #[test]
    fn black_friday_has_a_spike_at_midnight_and_a_peak_in_the_evening() {
        let hour = |hour: f64| Profile::BlackFriday.at(((hour + 3.0) % 24.0) / 24.0);
        assert_eq!(hour(0.0).rate, 1.0);
        let evening = hour(20.0).rate;
        assert!((0.84..0.86).contains(&evening));
        for before in [21.5, 23.0, 5.0, 8.0, 12.0, 15.0] {
            assert!(hour(before).rate < evening, "{before}");
        }
        assert!(hour(4.0).rate < 0.11, "the night is quiet");
        assert_eq!((hour(0.5).orders, hour(12.0).orders), (Orders::Many, Orders::Usual));
    }

    #[test]
    fn a_flash_promotion_is_about_one_sku_within_seconds() {
        let second = |second: f64| Profile::FlashPromotion.at(second / 60.0);
        assert_eq!((second(17.0).hot_of_10_000, second(20.0).hot_of_10_000), (0, 8_000));
        assert_eq!((second(47.0).hot_of_10_000, second(49.0).hot_of_10_000), (8_000, 0));
        assert!(second(20.0).rate > 3.0 * second(17.0).rate);
    }

    #[test]
    fn the_rest_differ_from_steady_in_one_thing() {
        let steady = Profile::Steady.at(0.5);
        assert_eq!(Profile::ReconnectStorm.at(0.5), steady);
        assert_eq!(Profile::SlowConsumers.at(0.5), steady);
        assert_eq!(Profile::Duplicates.at(0.5), Moment { repeated_of_10_000: 2_000, ..steady });
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        assert_eq!(Profile::OutOfOrder.at(0.5), Moment { spread: hours(47), ..steady });
        assert_eq!(Profile::ReconnectStorm.storms().len(), 2);
        assert!(Profile::Steady.storms().is_empty());
    }
}
