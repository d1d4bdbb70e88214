//! One profile from beginning to end: a tower that knows the retailer, the load, feed clients beside it, and what came
//! of all of them.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep_until;

use super::BenchError;
use super::crowd::{Crowd, CrowdPlan, CrowdReport};
use super::disk::probe_fdatasync;
use super::observe::{Counters, Counts};
use super::open_loop::OpenLoop;
use super::prepare::Step;
use super::probe::{Probe, Probed};
use super::process::{Machine, Usage};
use super::profile::{Plan, Profile};
use super::progress::Progress;
use super::recorder::LatencySummary;
use super::requests::LoadShape;
use super::session::{Session, new_run};
use super::suite::command_line;
use super::timeline::{Errors, Interval, Sample, StallList, Timeline};
use super::tower::TowerOptions;
use super::wire::Endpoint;
use super::world::World;

/// How long before the load the stock was counted where events are out of order: before the oldest of them, and
/// within the 48 hours after which a late count is turned away by default.
const COUNTED_AGO: Duration = Duration::from_secs(47 * 3_600 + 1_800);
/// Readers beside slow clients.
const READERS_BESIDE_SLOW: usize = 20;
/// Before the load begins, so that everything is in place when the first request is due.
const HEAD_START: Duration = Duration::from_millis(100);

/// What a profile is run with.
#[derive(Clone, Debug)]
pub struct TrialOptions {
    pub tower: TowerOptions,
    /// A tower that runs already.
    pub against: Option<Endpoint>,
    pub profile: Profile,
    pub events_per_s: u64,
    pub duration: Duration,
    pub batch: usize,
    pub keys: u32,
    pub connections: usize,
    /// Feed clients of the profiles that have some.
    pub clients: usize,
    pub stall_min: Duration,
    pub seed: u64,
}

/// What a profile came to.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileReport {
    pub profile: Profile,
    pub version: &'static str,
    pub date: String,
    pub command: String,
    /// The one that the load came from, and that the tower ran on if it was its own.
    pub machine: Machine,
    /// Where the tower was, if it ran already.
    pub against: Option<String>,
    pub keys: u32,
    pub batch: usize,
    pub connections: usize,
    /// The highest rate that was due.
    pub events_per_s_highest: u64,
    pub duration_s: f64,
    pub requests_due: u64,
    pub requests_answered: u64,
    /// Not taken a minute after the load's end, or answered with an error. They are part of the latency, with as long
    /// as they waited.
    pub requests_given_up: u64,
    /// Events in answers that came before the load's end, over its duration.
    pub answered_per_s: f64,
    /// From when a request was due until its events were durable and its answer was read.
    pub latency: LatencySummary,
    /// How late the generator itself was; part of the latency.
    pub generator_late: LatencySummary,
    /// From when an event was due until its frame was read; `null` where there is no feed.
    pub feed: Option<FeedLatency>,
    pub disturbance: Option<Disturbance>,
    /// Answers 429 or 503, each waited for as long as it said.
    pub refused: u64,
    pub refused_wait_s: f64,
    pub errors: Errors,
    pub stalls: StallList,
    pub events: EventCounts,
    pub crowd: Option<CrowdReport>,
    /// From the last answer until all consequences were settled.
    pub settle_lag_s: f64,
    /// Of the tower's process, if this program started it.
    pub server: Option<ServerUse>,
    /// The journal's groups, as `/metrics` shows them.
    pub journal: Option<Groups>,
    /// Of the disk alone, before the load; `null` for a tower that runs elsewhere.
    pub fdatasync: Option<LatencySummary>,
    pub intervals: Vec<Interval>,
    /// Why the figures are worth nothing; empty if they are worth something.
    pub failures: Vec<String>,
}

/// Events that were sent so that their frames could be waited for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FeedLatency {
    pub sent: u64,
    pub seen: u64,
    pub latency: LatencySummary,
}

/// Figures before and after something began that may disturb.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Disturbance {
    pub from_s: f64,
    pub latency_before: LatencySummary,
    pub latency_after: LatencySummary,
    pub feed_before: LatencySummary,
    pub feed_after: LatencySummary,
}

/// What was sent, and what the tower counted meanwhile.
#[derive(Clone, Debug, Serialize)]
pub struct EventCounts {
    /// Taken for the first time.
    pub accepted: u64,
    /// Sent again although they had been taken.
    pub repeated: u64,
    /// Named duplicates in answers.
    pub duplicates: u64,
    /// What `/api/v1/stats` counted meanwhile, where it shows it.
    pub counted_by_the_tower: Option<CountedMeanwhile>,
}

/// Differences of what the tower counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CountedMeanwhile {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    /// Taken, and found unusable afterwards.
    pub quarantined: u64,
}

/// Processor and memory of the tower over the load.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServerUse {
    pub cores_mean: f64,
    pub cores_most: f64,
    pub resident_bytes_most: u64,
}

/// Groups that the tower wrote and synced.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Groups {
    pub groups: f64,
    pub records_per_group: f64,
    /// Writing and syncing one, on average.
    pub group_ms_mean: f64,
    pub bytes_per_event: f64,
}

/// Runs a profile.
///
/// # Errors
/// If the tower can't be run or reached, or does not take what it must know before the load. What happens under load
/// is no error but part of the report.
pub async fn run(options: &TrialOptions, progress: Progress) -> Result<ProfileReport, BenchError> {
    let world = World::new(options.keys);
    let session = match &options.against {
        Some(endpoint) => Session::against(endpoint.clone(), world, options.seed),
        None => Session::start(&options.tower, world, options.seed).await?,
    };
    let report = run_in(&session, options, progress).await.map_err(|error| session.explain(error))?;
    session.stop().await?;
    Ok(report)
}

async fn run_in(
    session: &Session,
    options: &TrialOptions,
    progress: Progress,
) -> Result<ProfileReport, BenchError> {
    let fdatasync = match session.tower() {
        Some(tower) => Some(probe_fdatasync(tower.directory()).map_err(BenchError::Disk)?),
        None => None,
    };
    let profile = options.profile;
    let counted_ago = (!profile.at(0.0).spread.is_zero()).then_some(COUNTED_AGO);
    session.prepare_counted(&Step::LOAD, counted_ago, progress).await?;

    let endpoint = session.endpoint();
    let load = open_loop(session, options);
    let ready = load.ready(endpoint).await?;
    session.settle(ready.lsn, progress).await?;
    let probe = match Probe::open(endpoint, load.shape.run).await {
        Ok(probe) => Some(probe),
        // A tower of one's own has a feed.
        Err(error) if session.tower().is_some() => return Err(error),
        Err(_) => None,
    };
    let crowd = match crowd_plan(options) {
        Some(plan) => Some(Crowd::gather(endpoint, plan).await?),
        None => None,
    };

    let before = State::now(session).await?;
    let bar = progress.phase(&format!("{}, up to {} events/s", profile.name(), options.events_per_s));
    let start = Instant::now() + HEAD_START;
    let timeline = RefCell::new(Timeline::new(
        start,
        options.duration,
        options.connections,
        options.batch,
        options.stall_min,
        profile.disturbed_from(),
    ));
    if let Some(crowd) = &crowd {
        crowd.begin(start);
    }
    let probed = RefCell::new(Probed::default());
    let end = start + options.duration;
    let mut server = Vec::new();
    tokio::select! {
        _ = async {
            tokio::join!(
                load.run(endpoint, ready, &timeline, &bar),
                async {
                    if let Some(probe) = probe {
                        probe.run(endpoint, end, &timeline, &probed).await;
                    }
                },
            )
        } => {}
        () = sample(session, &timeline, &mut server, end) => {}
    }
    bar.finish_and_clear();
    let answered = Instant::now();
    let lsn = timeline.borrow().lsn.max(probed.borrow().lsn);
    session.settle(lsn, progress).await?;
    let settle_lag_s = answered.elapsed().as_secs_f64();
    let crowd = match crowd {
        Some(crowd) => Some(crowd.finish().await?),
        None => None,
    };
    let after = State::now(session).await?;

    let (timeline, probed) = (timeline.into_inner(), probed.into_inner());
    let events = EventCounts {
        accepted: timeline.accepted,
        repeated: timeline.repeated,
        duplicates: timeline.known,
        counted_by_the_tower: before.counts.zip(after.counts).map(|(b, a)| meanwhile(b, a)),
    };
    let seconds = options.duration.as_secs_f64();
    let [latency_before, latency_after] = timeline.before_and_after.each_ref().map(|some| some.summary());
    let [feed_before, feed_after] = timeline.feed_before_and_after.each_ref().map(|some| some.summary());
    let data = session.tower().map_or_else(std::env::temp_dir, |tower| tower.directory().to_owned());
    let mut report = ProfileReport {
        profile,
        version: env!("CARGO_PKG_VERSION"),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command_line(),
        machine: Machine::this(&data),
        against: options.against.as_ref().map(|endpoint| endpoint.authority().to_owned()),
        keys: options.keys,
        batch: options.batch,
        connections: options.connections,
        events_per_s_highest: options.events_per_s,
        duration_s: seconds,
        requests_due: load.plan.requests(),
        requests_answered: timeline.answered,
        requests_given_up: timeline.given_up,
        answered_per_s: timeline.events_in_time as f64 / seconds,
        latency: timeline.latencies.summary(),
        generator_late: timeline.lateness.summary(),
        feed: (probed.sent > 0).then(|| FeedLatency {
            sent: probed.sent,
            seen: probed.seen,
            latency: timeline.feed.summary(),
        }),
        disturbance: profile.disturbed_from().map(|share| Disturbance {
            from_s: share * seconds,
            latency_before,
            latency_after,
            feed_before,
            feed_after,
        }),
        refused: timeline.refused,
        refused_wait_s: timeline.refused_wait.as_secs_f64(),
        errors: timeline.errors.clone(),
        stalls: timeline.stalls.clone(),
        events,
        crowd,
        settle_lag_s,
        server: server_use(&server),
        journal: before.counters.zip(after.counters).map(|(b, a)| groups(b, a, timeline.accepted)),
        fdatasync,
        intervals: timeline.intervals(),
        failures: Vec::new(),
    };
    report.failures = failures(&report, &timeline.wrong, &probed, session.tower().is_some());
    Ok(report)
}

fn open_loop(session: &Session, options: &TrialOptions) -> OpenLoop {
    let world = session.world();
    OpenLoop {
        profile: options.profile,
        plan: Plan::new(options.profile, options.events_per_s, options.duration, options.batch),
        duration: options.duration,
        shape: LoadShape {
            world,
            books: session.books().clone(),
            cycle: Vec::new().into(),
            batch: options.batch,
            hot_of_10_000: 0,
            // One SKU is one SKU-location in every store.
            hot_keys: if options.profile.has_hot_sku() { world.locations() } else { 0 },
            seed: session.seed(),
            run: new_run(),
            promised_at: (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string(),
        },
        connections: options.connections,
    }
}

fn crowd_plan(options: &TrialOptions) -> Option<CrowdPlan> {
    let at = |share: f64| options.duration.mul_f64(share);
    let plan = |readers, slow| CrowdPlan {
        readers,
        storms: options.profile.storms().iter().map(|share| at(*share)).collect(),
        slow,
        slow_join: at(options.profile.disturbed_from().unwrap_or(0.0)),
    };
    match options.profile {
        Profile::ReconnectStorm => Some(plan(options.clients, 0)),
        Profile::SlowConsumers => Some(plan(READERS_BESIDE_SLOW, options.clients)),
        _ => None,
    }
}

/// What the tower says of itself at one moment.
struct State {
    counts: Option<Counts>,
    counters: Option<Counters>,
}

impl State {
    async fn now(session: &Session) -> Result<State, BenchError> {
        let observer = session.observer();
        Ok(State { counts: observer.counts().await?, counters: observer.counters().await? })
    }
}

fn meanwhile(before: Counts, after: Counts) -> CountedMeanwhile {
    CountedMeanwhile {
        accepted: after.accepted.saturating_sub(before.accepted),
        duplicates: after.duplicates.saturating_sub(before.duplicates),
        rejected: after.rejected.saturating_sub(before.rejected),
        quarantined: after.quarantine.saturating_sub(before.quarantine),
    }
}

fn groups(before: Counters, after: Counters, events: u64) -> Groups {
    let groups = after.groups - before.groups;
    let per_group = |before: f64, after: f64| (after - before) / groups.max(1.0);
    Groups {
        groups,
        records_per_group: per_group(before.group_records, after.group_records),
        group_ms_mean: 1_000.0 * per_group(before.group_seconds, after.group_seconds),
        bytes_per_event: (after.journal_bytes - before.journal_bytes) / (events as f64).max(1.0),
    }
}

/// Looks at the tower's process at every interval, and never ends before the load does.
async fn sample(session: &Session, timeline: &RefCell<Timeline>, samples: &mut Vec<Sample>, end: Instant) {
    let interval = timeline.borrow().interval();
    let usage = || session.tower().and_then(|tower| tower.usage());
    let mut last: Option<(Instant, Usage)> = usage().map(|usage| (Instant::now(), usage));
    let mut next = timeline.borrow().start + interval;
    while next <= end {
        sleep_until(next.into()).await;
        let now = Instant::now();
        if let (Some((at, before)), Some(after)) = (last, usage()) {
            let seconds = (now - at).as_secs_f64().max(1e-3);
            let cores = after.cpu.saturating_sub(before.cpu).as_secs_f64() / seconds;
            let sample = Sample { cores, resident_bytes: after.resident_bytes };
            // It is about the interval that ends now.
            timeline.borrow_mut().sampled(now - (now - at) / 2, sample);
            samples.push(sample);
            last = Some((now, after));
        }
        next += interval;
    }
    std::future::pending().await
}

fn server_use(samples: &[Sample]) -> Option<ServerUse> {
    let cores = || samples.iter().map(|sample| sample.cores);
    Some(ServerUse {
        resident_bytes_most: samples.iter().map(|sample| sample.resident_bytes).max()?,
        cores_mean: cores().sum::<f64>() / samples.len() as f64,
        cores_most: cores().fold(0.0, f64::max),
    })
}

/// What makes figures worthless: events that were lost or counted twice, feed clients that missed something.
fn failures(report: &ProfileReport, wrong: &Errors, probed: &Probed, own_tower: bool) -> Vec<String> {
    let mut failures = Vec::new();
    let mut check = |failed: bool, text: String| {
        if failed {
            failures.push(text);
        }
    };
    let first = |errors: &Errors| errors.first.clone().unwrap_or_default();
    check(wrong.count > 0, format!("{} answers do not count each event once: {}", wrong.count, first(wrong)));
    check(report.errors.count > 0, format!("{} errors: {}", report.errors.count, first(&report.errors)));
    check(report.requests_given_up > 0, format!("{} requests were given up", report.requests_given_up));
    check(probed.errors.count > 0, format!("event to feed: {}", first(&probed.errors)));
    check(
        probed.errors.count == 0 && probed.seen < probed.sent,
        format!("of {} events {} came on the feed", probed.sent, probed.seen),
    );
    // Of another's tower, others may send events too.
    if let Some(counted) =
        report.events.counted_by_the_tower.filter(|_| own_tower && report.errors.count == 0)
    {
        let sent = report.events.accepted + probed.sent;
        let differs = counted.accepted != sent || counted.duplicates != report.events.duplicates;
        check(
            differs || counted.rejected > 0,
            format!(
                "{sent} events were taken and {} called duplicates, the tower counted {} and {}, and {} rejected",
                report.events.duplicates, counted.accepted, counted.duplicates, counted.rejected
            ),
        );
    }
    if let Some(crowd) = &report.crowd {
        check(
            crowd.readers_closed > 0,
            format!("{} feed clients that read were closed", crowd.readers_closed),
        );
        check(
            crowd.readers_closed == 0 && (!crowd.same_events || crowd.events_fewest != crowd.events_most),
            format!("one feed client got {} events and another {}", crowd.events_fewest, crowd.events_most),
        );
        let lost: u64 = crowd.storms.iter().map(|storm| storm.not_recovered).sum();
        check(lost > 0, format!("{lost} feed clients could not continue where they were"));
        if let Some(slow) = &crowd.slow {
            let (otherwise, how) = (slow.closed_otherwise, slow.otherwise.clone().unwrap_or_default());
            check(otherwise > 0, format!("{otherwise} slow clients were closed, and not with 4008: {how}"));
        }
    }
    failures
}
