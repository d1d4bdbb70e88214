//! The load of a profile: requests are due by a [`Plan`], whichever connection is free takes the next one, and what a
//! tower under stress does (refusing, breaking connections, standing still) is counted and no reason to end.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use indicatif::ProgressBar;
use tokio::time::{sleep, sleep_until};

use super::BenchError;
use super::load::{deliver, now_text};
use super::profile::{Moment, Orders, Plan, Profile};
use super::random::Random;
use super::requests::{LoadShape, RequestStream, TIME_WIDTH};
use super::timeline::Timeline;
use super::wire::{Answer, Connection, Endpoint};

/// The pause after a refusal that does not say for how long.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// A longer pause is not waited for in one piece.
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Between two tries to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// After the load's end, what is still due is sent for this long; the rest counts as unsent.
pub const DRAIN_MAX: Duration = Duration::from_secs(60);

/// One load.
#[derive(Clone, Debug)]
pub struct OpenLoop {
    pub profile: Profile,
    pub plan: Plan,
    pub duration: Duration,
    /// Everything but the kinds of events, which the profile says.
    pub shape: LoadShape,
    pub connections: usize,
}

/// Connected, with everything made that can be made ahead.
pub struct Ready {
    workers: Vec<Worker>,
    /// Events taken already: orders that the load ships.
    pub opened: u64,
    /// The highest record of these.
    pub lsn: u64,
}

struct Worker {
    number: usize,
    connection: Option<Connection>,
    /// One for each of [`Orders::ALL`].
    streams: Vec<RequestStream>,
    /// The stream whose last request was taken whole.
    repeatable: Option<usize>,
    random: Random,
}

struct Shared<'a> {
    endpoint: &'a Endpoint,
    load: &'a OpenLoop,
    start: Instant,
    next_request: Cell<u64>,
    timeline: &'a RefCell<Timeline>,
    progress: &'a ProgressBar,
}

impl OpenLoop {
    /// Connects and opens the orders that the load ships.
    ///
    /// # Errors
    /// If the tower can't be reached or does not take them.
    pub async fn ready(&self, endpoint: &Endpoint) -> Result<Ready, BenchError> {
        let made = try_join_all((0..self.connections).map(|number| self.worker(endpoint, number))).await?;
        let mut ready = Ready { workers: Vec::new(), opened: 0, lsn: 0 };
        for (worker, opened, lsn) in made {
            ready.workers.push(worker);
            ready.opened += opened;
            ready.lsn = ready.lsn.max(lsn);
        }
        Ok(ready)
    }

    async fn worker(&self, endpoint: &Endpoint, number: usize) -> Result<(Worker, u64, u64), BenchError> {
        let mut connection = Connection::open(endpoint).await?;
        let (mut streams, mut opened, mut lsn) = (Vec::new(), 0, 0);
        for (place, orders) in Orders::ALL.into_iter().enumerate() {
            // Each stream numbers its events by itself, and so needs a source of its own.
            let shape = LoadShape {
                cycle: orders.mix().cycle().into(),
                run: self.shape.run.wrapping_add(place as u64),
                ..self.shape.clone()
            };
            let mut stream = RequestStream::new(endpoint, &shape, number);
            if let Some((request, events)) = stream.opening_orders(endpoint, number, &now_text()) {
                let taken = deliver(&mut connection, &request, events).await?;
                opened += taken.events;
                lsn = lsn.max(taken.lsn);
            }
            streams.push(stream);
        }
        let random = Random::new(self.shape.seed, (1 << 32) + number as u64);
        Ok((Worker { number, connection: Some(connection), streams, repeatable: None, random }, opened, lsn))
    }

    /// Runs to the end, and waits for every answer or gives up on it.
    pub async fn run(
        &self,
        endpoint: &Endpoint,
        ready: Ready,
        timeline: &RefCell<Timeline>,
        progress: &ProgressBar,
    ) {
        progress.set_length(self.duration.as_millis() as u64);
        let start = timeline.borrow().start;
        let shared = Shared { endpoint, load: self, start, next_request: Cell::new(0), timeline, progress };
        join_all(ready.workers.into_iter().map(|worker| worker.run(&shared))).await;
    }
}

/// How a request ended.
enum Outcome {
    Taken {
        new: u64,
        repeated: u64,
        known: u64,
        lsn: u64,
    },
    /// Answered with something that sending it again does not mend.
    Turned,
    GivenUp,
}

impl Worker {
    async fn run(mut self, shared: &Shared<'_>) {
        let give_up = shared.start + shared.load.duration + DRAIN_MAX;
        loop {
            let number = shared.next_request.get();
            shared.next_request.set(number + 1);
            let Some(due_after) = shared.load.plan.due(number) else { return };
            let due = shared.start + due_after;
            if due > Instant::now() {
                sleep_until(due.into()).await;
                shared.timeline.borrow_mut().was_late(due.elapsed());
            }
            shared.timeline.borrow_mut().began(self.number, due);
            let passed = due_after.as_secs_f64() / shared.load.duration.as_secs_f64();
            let outcome = self.send(shared, shared.load.profile.at(passed), give_up).await;
            let now = Instant::now();
            let mut timeline = shared.timeline.borrow_mut();
            match outcome {
                Outcome::Taken { new, repeated, known, lsn } => {
                    timeline.taken(self.number, due, now, lsn);
                    timeline.accepted += new;
                    timeline.repeated += repeated;
                    timeline.known += known;
                }
                Outcome::Turned | Outcome::GivenUp => timeline.given_up(self.number, due, now),
            }
            drop(timeline);
            shared.progress.set_position(now.saturating_duration_since(shared.start).as_millis() as u64);
        }
    }

    async fn send(&mut self, shared: &Shared<'_>, moment: Moment, give_up: Instant) -> Outcome {
        let events = shared.load.shape.batch as u64;
        let repeats = self.random.chance(moment.repeated_of_10_000);
        let repeated = self.repeatable.filter(|_| repeats);
        let place = repeated.unwrap_or(usize::from(moment.orders == Orders::Many));
        let Some(stream) = self.streams.get_mut(place) else { return Outcome::GivenUp };
        let request = match repeated.and_then(|_| stream.repeat()) {
            Some(request) => request,
            None => {
                self.repeatable = None;
                stream.set_hot(moment.hot_of_10_000);
                let now = jiff::Timestamp::now();
                stream.next_at(|random| time_text(now, moment.spread, random))
            }
        };
        let mut attempt =
            Attempt { events, repeated: repeated.is_some(), accepted: 0, known: 0, resent: false };
        let outcome =
            deliver_under_stress(shared, &mut self.connection, request, &mut attempt, give_up).await;
        if matches!(outcome, Outcome::Taken { .. }) {
            self.repeatable = Some(place);
        }
        outcome
    }
}

/// What is known of a request that may have been sent more than once.
struct Attempt {
    events: u64,
    /// All of it was taken before.
    repeated: bool,
    /// By answers so far.
    accepted: u64,
    known: u64,
    /// An answer was lost: nobody knows what was taken.
    resent: bool,
}

impl Attempt {
    /// Whether an answer counts each event once: as new, or as known where it must be.
    fn is_right(&self, answer: &Answer<'_>) -> bool {
        let count = |name| answer.integer(name).unwrap_or(0);
        let known = count("duplicates");
        if count("rejected") > 0 {
            return false;
        }
        if self.repeated {
            return self.accepted == 0 && known == self.events;
        }
        if self.resent {
            return count("accepted") + known == self.events;
        }
        // What refused attempts took is known by the last one, and nothing else is.
        self.accepted == self.events && known + count("accepted") == self.events
    }
}

/// Sends until it is taken, with the pauses that the tower asks for.
async fn deliver_under_stress(
    shared: &Shared<'_>,
    connection: &mut Option<Connection>,
    request: &[u8],
    attempt: &mut Attempt,
    give_up: Instant,
) -> Outcome {
    while Instant::now() < give_up {
        let mut open = match connection.take() {
            Some(open) => open,
            None => match Connection::open(shared.endpoint).await {
                Ok(open) => open,
                Err(error) => {
                    shared.timeline.borrow_mut().failed(Instant::now(), || error.to_string());
                    sleep(RECONNECT_PAUSE).await;
                    continue;
                }
            },
        };
        let answer = match open.exchange(request).await {
            Ok(answer) => answer,
            Err(error) => {
                // Whatever came of it, the connection is not used again: the answer may come later.
                attempt.resent = true;
                shared.timeline.borrow_mut().failed(Instant::now(), || error.to_string());
                continue;
            }
        };
        let now = Instant::now();
        attempt.accepted += answer.integer("accepted").unwrap_or(0);
        attempt.known += answer.integer("duplicates").unwrap_or(0);
        let outcome = match answer.status {
            202 => {
                if !attempt.is_right(&answer) {
                    shared.timeline.borrow_mut().wrong.add(|| {
                        format!(
                            "{} events, repeated: {}: {}",
                            attempt.events,
                            attempt.repeated,
                            answer.excerpt()
                        )
                    });
                }
                let (new, repeated) =
                    if attempt.repeated { (0, attempt.events) } else { (attempt.events, 0) };
                let lsn = answer.integer("lsn").unwrap_or(0);
                Outcome::Taken { new, repeated, known: attempt.known, lsn }
            }
            429 | 503 => {
                let pause = answer.retry_after_s.map_or(REFUSED_PAUSE, Duration::from_secs);
                let pause = pause.min(REFUSED_PAUSE_MAX);
                shared.timeline.borrow_mut().was_refused(now, pause);
                *connection = Some(open);
                sleep(pause).await;
                continue;
            }
            status => {
                let text = || format!("answered {status}: {}", answer.excerpt());
                shared.timeline.borrow_mut().failed(now, text);
                Outcome::Turned
            }
        };
        *connection = Some(open);
        return outcome;
    }
    Outcome::GivenUp
}

/// A time that lies up to `spread` in the past, as events carry it.
fn time_text(now: jiff::Timestamp, spread: Duration, random: &mut Random) -> [u8; TIME_WIDTH] {
    // Within the 2^32 that a draw has room for: 47 hours are 1.7e8 milliseconds.
    let spread_ms = u32::try_from(spread.as_millis()).unwrap_or(u32::MAX);
    let ago = if spread_ms == 0 { 0 } else { random.below(spread_ms) };
    let at = now.checked_sub(jiff::SignedDuration::from_millis(i64::from(ago))).unwrap_or(now);
    let mut text = [b' '; TIME_WIDTH];
    // Years have four digits until 9999, so that the text always fits.
    let _ = write!(&mut text[..], "{at:.6}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(repeated: bool, accepted: u64, resent: bool) -> Attempt {
        Attempt { events: 10, repeated, accepted, known: 0, resent }
    }

    fn check(attempt: &Attempt, accepted: u64, known: u64, rejected: u64) -> bool {
        let body = format!("{{\"accepted\":{accepted},\"duplicates\":{known},\"rejected\":{rejected}}}");
        attempt.is_right(&Answer { status: 202, retry_after_s: None, body: body.as_bytes() })
    }

    #[test]
    fn each_event_counts_once() {
        let plain = attempt(false, 10, false);
        assert!(check(&plain, 10, 0, 0));
        assert!(!check(&plain, 10, 1, 0), "a duplicate of what was never sent");
        assert!(!check(&attempt(false, 9, false), 9, 0, 1), "rejected");
        assert!(!check(&attempt(false, 9, false), 9, 1, 0), "lost");
        assert!(check(&attempt(false, 10, false), 6, 4, 0), "four were taken before a refusal");
    }

    #[test]
    fn what_is_repeated_is_known_and_new_to_nobody() {
        assert!(check(&attempt(true, 0, false), 0, 10, 0));
        assert!(!check(&attempt(true, 1, false), 1, 9, 0), "an event counted twice");
        assert!(!check(&attempt(true, 0, false), 0, 9, 0));
    }

    #[test]
    fn after_a_lost_answer_both_are_right() {
        assert!(check(&attempt(false, 10, true), 10, 0, 0));
        assert!(check(&attempt(false, 3, true), 3, 7, 0));
        assert!(!check(&attempt(false, 3, true), 3, 6, 0));
    }

    #[test]
    fn times_lie_within_the_spread() {
        let now = jiff::Timestamp::now();
        let mut random = Random::new(1, 0);
        let spread = Duration::from_secs(47 * 3_600);
        let mut ages: Vec<i64> = (0..1_000)
            .map(|_| {
                let text = time_text(now, spread, &mut random);
                let at: jiff::Timestamp = std::str::from_utf8(&text).expect("text").parse().expect("a time");
                now.as_second() - at.as_second()
            })
            .collect();
        assert!(!ages.is_sorted(), "in no order");
        ages.sort_unstable();
        assert!(ages[0] < 1_000 && ages[999] > 46 * 3_600 && ages[999] <= 47 * 3_600, "{ages:?}");
    }
}
