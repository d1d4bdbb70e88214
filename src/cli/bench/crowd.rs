//! Feed clients beside a load, on a thread of their own so that what they read does not delay what is sent: some that
//! drop all at once and come back, some that read too slowly, and some that only read.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, sleep_until, timeout};

use super::BenchError;
use super::feed_client::{FeedClient, Heard, Tally, Wish};
use super::recorder::{Latencies, LatencySummary};
use super::wire::Endpoint;

/// The code with which the tower closes a socket that can't keep up.
const CANT_KEEP_UP: u16 = 4008;
/// Each event goes to a slow client that many times, so that its queue in the tower fills within a short run.
const SLOW_SUBSCRIPTIONS: usize = 16;
const SLOW_RECEIVE_BYTES: u32 = 64 << 10;
/// What a slow client reads: less than comes, and enough for the kernel to find room for the close frame behind what
/// waits in its buffers within the two seconds that the tower gives it. A slower one finds its connection cut.
const SLOW_BYTES_PER_S: u32 = 1 << 20;
/// How long after the load a slow client may take to read what was sent before it was closed.
const SLOW_END_MAX: Duration = Duration::from_secs(30);
/// Without a message for this long, there are none.
const QUIET: Duration = Duration::from_secs(2);
/// Clients that are opened at a time before the load.
const OPENED_AT_ONCE: usize = 50;
/// Between two tries to come back.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Who is in a crowd.
#[derive(Clone, Debug)]
pub struct CrowdPlan {
    /// Clients that read all, and drop and come back at these times of the load.
    pub readers: usize,
    pub storms: Vec<Duration>,
    /// Clients that read too slowly, and when they join.
    pub slow: usize,
    pub slow_join: Duration,
}

/// What became of a crowd.
#[derive(Clone, Debug, Serialize)]
pub struct CrowdReport {
    pub readers: usize,
    /// Events that each reader got; the fewest and the most are equal unless some were lost or came twice.
    pub events_fewest: u64,
    pub events_most: u64,
    /// Whether every reader got the same events, by the sum of their LSNs.
    pub same_events: bool,
    /// Readers that were closed although they read.
    pub readers_closed: u64,
    pub storms: Vec<StormReport>,
    pub slow: Option<SlowReport>,
}

/// All readers dropped at once.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StormReport {
    pub at_s: f64,
    /// From the drop until the tower said `subscribed` again.
    pub back: LatencySummary,
    /// Tries that were refused.
    pub refused: u64,
    /// Readers that could not continue where they were.
    pub not_recovered: u64,
}

/// Clients that read too slowly.
#[derive(Clone, Debug, Serialize)]
pub struct SlowReport {
    pub clients: u64,
    /// Closed with 4008 and a position to come back with.
    pub closed_4008: u64,
    /// The connection ended without a close frame.
    pub cut: u64,
    /// Closed in another way, or refused.
    pub closed_otherwise: u64,
    /// How, the first time.
    pub otherwise: Option<String>,
    /// Still open at the end: the load did not fill their queues.
    pub kept_up: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Waiting,
    Running { start: Instant },
    Finished,
}

/// A crowd that is connected.
pub struct Crowd {
    phase: watch::Sender<Phase>,
    /// Events that readers got, all together.
    events: Arc<AtomicU64>,
    thread: JoinHandle<CrowdReport>,
}

#[derive(Default)]
struct StormTally {
    back: Latencies,
    refused: u64,
    not_recovered: u64,
}

/// What the clients of one crowd share.
struct Shared {
    endpoint: Endpoint,
    plan: CrowdPlan,
    phase: watch::Receiver<Phase>,
    events: Arc<AtomicU64>,
    storms: RefCell<Vec<StormTally>>,
    readers_closed: RefCell<u64>,
}

impl Crowd {
    /// Connects all readers.
    ///
    /// # Errors
    /// If one is refused.
    pub async fn gather(endpoint: &Endpoint, plan: CrowdPlan) -> Result<Crowd, BenchError> {
        let (phase, phase_seen) = watch::channel(Phase::Waiting);
        let (ready, is_ready) = oneshot::channel();
        let events = Arc::new(AtomicU64::new(0));
        let (endpoint, counted) = (endpoint.clone(), events.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(BenchError::Directory)?;
        let thread =
            std::thread::spawn(move || runtime.block_on(follow(endpoint, plan, phase_seen, counted, ready)));
        let ended = |_| BenchError::Answer("the feed clients ended before the load".into());
        is_ready.await.map_err(ended)??;
        Ok(Crowd { phase, events, thread })
    }

    pub fn begin(&self, start: Instant) {
        self.phase.send_replace(Phase::Running { start });
    }

    /// Waits until readers get nothing more, and ends.
    ///
    /// # Errors
    /// If the thread of the clients ended by itself.
    pub async fn finish(self) -> Result<CrowdReport, BenchError> {
        let end = Instant::now() + RETRY_MAX;
        let mut seen = self.events.load(Ordering::Relaxed);
        while Instant::now() < end {
            sleep(QUIET).await;
            let now = self.events.load(Ordering::Relaxed);
            if now == seen {
                break;
            }
            seen = now;
        }
        self.phase.send_replace(Phase::Finished);
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        let ended = || BenchError::Answer("the feed clients ended before the load".into());
        joined.map_err(|_| ended())?.map_err(|_| ended())
    }
}

async fn follow(
    endpoint: Endpoint,
    plan: CrowdPlan,
    phase: watch::Receiver<Phase>,
    events: Arc<AtomicU64>,
    ready: oneshot::Sender<Result<(), BenchError>>,
) -> CrowdReport {
    let storms = plan.storms.iter().map(|_| StormTally::default()).collect();
    let shared = Rc::new(Shared {
        endpoint,
        plan,
        phase,
        events,
        storms: RefCell::new(storms),
        readers_closed: RefCell::new(0),
    });
    let wish = Wish { subscriptions: 1, ..Wish::default() };
    let mut readers = Vec::new();
    for first in (0..shared.plan.readers).step_by(OPENED_AT_ONCE) {
        let count = OPENED_AT_ONCE.min(shared.plan.readers - first);
        match try_join_all((0..count).map(|_| FeedClient::open(&shared.endpoint, &wish))).await {
            Ok(opened) => readers.extend(opened),
            Err(error) => {
                // Nobody waits for a report any more.
                let _ = ready.send(Err(error));
                return shared.report(&[], &[]);
            }
        }
    }
    let _ = ready.send(Ok(()));
    let (tallies, slow) = tokio::join!(
        join_all(readers.into_iter().map(|reader| shared.read(reader))),
        join_all((0..shared.plan.slow).map(|_| shared.read_slowly())),
    );
    shared.report(&tallies, &slow)
}

/// How a slow client ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SlowEnd {
    CantKeepUp,
    Cut,
    Otherwise(String),
    KeptUp,
}

impl Shared {
    async fn started(&self) -> Option<Instant> {
        let mut phase = self.phase.clone();
        let phase = phase.wait_for(|phase| !matches!(phase, Phase::Waiting)).await.ok()?;
        match *phase {
            Phase::Running { start } => Some(start),
            Phase::Waiting | Phase::Finished => None,
        }
    }

    async fn finished(&self) {
        // An error means that nobody can say so any more.
        let _ = self.phase.clone().wait_for(|phase| matches!(phase, Phase::Finished)).await;
    }

    async fn read(&self, mut client: FeedClient) -> Tally {
        let Some(start) = self.started().await else { return client.tally };
        let finished = self.finished();
        tokio::pin!(finished);
        let mut storm = 0;
        loop {
            let storm_at = self.plan.storms.get(storm).map(|at| start + *at);
            let before = client.tally.events;
            let dropped = tokio::select! {
                () = &mut finished => return client.tally,
                heard = client.next() => {
                    self.events.fetch_add(client.tally.events - before, Ordering::Relaxed);
                    matches!(heard, Heard::Closed { .. })
                }
                () = until(storm_at) => false,
            };
            if dropped {
                *self.readers_closed.borrow_mut() += 1;
                return client.tally;
            }
            if storm_at.is_some_and(|at| Instant::now() >= at) {
                match self.come_back(client, storm).await {
                    Ok(back) => client = back,
                    Err(tally) => return tally,
                }
                storm += 1;
            }
        }
    }

    /// Drops a socket without a word and comes back where it was.
    async fn come_back(&self, client: FeedClient, storm: usize) -> Result<FeedClient, Tally> {
        let mut tally = client.tally.clone();
        drop(client);
        let dropped = Instant::now();
        let wish = Wish { subscriptions: 1, since: tally.position.clone(), ..Wish::default() };
        while dropped.elapsed() < RETRY_MAX {
            let opened = FeedClient::open(&self.endpoint, &wish).await;
            self.came_back(storm, dropped.elapsed(), opened.as_ref().ok());
            if let Ok(mut client) = opened {
                // What came along with the answer counts too.
                self.events.fetch_add(client.tally.events, Ordering::Relaxed);
                client.tally.events += tally.events;
                client.tally.lsn_sum = client.tally.lsn_sum.wrapping_add(tally.lsn_sum);
                return Ok(client);
            }
            sleep(RETRY_PAUSE).await;
        }
        *self.readers_closed.borrow_mut() += 1;
        tally.position = None;
        Err(tally)
    }

    fn came_back(&self, storm: usize, after: Duration, client: Option<&FeedClient>) {
        if let Some(counted) = self.storms.borrow_mut().get_mut(storm) {
            match client {
                Some(client) => {
                    counted.back.record(after);
                    counted.not_recovered += u64::from(!client.recovered);
                }
                None => counted.refused += 1,
            }
        }
    }

    async fn read_slowly(&self) -> SlowEnd {
        let Some(start) = self.started().await else { return SlowEnd::KeptUp };
        sleep_until((start + self.plan.slow_join).into()).await;
        let wish = Wish {
            subscriptions: SLOW_SUBSCRIPTIONS,
            receive_buffer: Some(SLOW_RECEIVE_BYTES),
            ..Wish::default()
        };
        let mut client = match FeedClient::open(&self.endpoint, &wish).await {
            Ok(client) => client,
            Err(error) => return SlowEnd::Otherwise(error.to_string()),
        };
        client.set_pace(Some(SLOW_BYTES_PER_S));
        let finished = self.finished();
        tokio::pin!(finished);
        let mut end = None;
        while end.is_none() {
            let heard = tokio::select! {
                () = &mut finished => break,
                heard = client.next() => heard,
            };
            if let Heard::Closed { code, reason } = heard {
                end = Some(slow_end(code, &reason));
            }
        }
        client.set_pace(None);
        // What was sent before the end is still there to read, and the reason after it.
        let deadline = Instant::now() + SLOW_END_MAX;
        while end.is_none() && Instant::now() < deadline {
            match timeout(QUIET, client.next()).await {
                Ok(Heard::Closed { code, reason }) => end = Some(slow_end(code, &reason)),
                Ok(Heard::Text(_)) => {}
                Err(_) => break,
            }
        }
        end.unwrap_or(SlowEnd::KeptUp)
    }

    fn report(&self, tallies: &[Tally], slow: &[SlowEnd]) -> CrowdReport {
        let counts = || tallies.iter().map(|tally| tally.events);
        let count_of = |end: SlowEnd| slow.iter().filter(|other| **other == end).count() as u64;
        let otherwise = || {
            slow.iter().filter_map(|end| match end {
                SlowEnd::Otherwise(how) => Some(how.clone()),
                _ => None,
            })
        };
        let storm_tallies = self.storms.borrow();
        let storms = self.plan.storms.iter().zip(&*storm_tallies).map(|(at, tally)| StormReport {
            at_s: at.as_secs_f64(),
            back: tally.back.summary(),
            refused: tally.refused,
            not_recovered: tally.not_recovered,
        });
        CrowdReport {
            readers: self.plan.readers,
            events_fewest: counts().min().unwrap_or(0),
            events_most: counts().max().unwrap_or(0),
            same_events: tallies.windows(2).all(|pair| pair[0].lsn_sum == pair[1].lsn_sum),
            readers_closed: *self.readers_closed.borrow(),
            storms: storms.collect(),
            slow: (self.plan.slow > 0).then(|| SlowReport {
                clients: slow.len() as u64,
                closed_4008: count_of(SlowEnd::CantKeepUp),
                cut: count_of(SlowEnd::Cut),
                closed_otherwise: otherwise().count() as u64,
                otherwise: otherwise().next(),
                kept_up: count_of(SlowEnd::KeptUp),
            }),
        }
    }
}

fn slow_end(code: Option<u16>, reason: &str) -> SlowEnd {
    match code {
        Some(CANT_KEEP_UP) if !reason.is_empty() => SlowEnd::CantKeepUp,
        Some(code) => SlowEnd::Otherwise(format!("{code} {reason}")),
        None => SlowEnd::Cut,
    }
}

/// Never, if there is no such moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
