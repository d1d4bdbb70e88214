//! The feed's table: how many frames it hands out, how soon, and what an idle socket costs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::BenchError;
use super::load::{Pace, deliver, now_text};
use super::mix::Mix;
use super::prepare::Step;
use super::process::Machine;
use super::progress::Progress;
use super::recorder::{Latencies, LatencySummary};
use super::session::{Load, Session};
use super::subscribers::{Subscribers, subscribe};
use super::suite::{Row, SuiteOptions, command_line};
use super::wire::{Connection, Endpoint};
use super::world::World;

const FAN_OUT_SOCKETS: usize = 500;
const FILTERED_SOCKETS: usize = 1_000;
const FILTERS: usize = 100;
const IDLE_SOCKETS: usize = 1_000;
/// Sockets that are opened and closed before memory is looked at: what the first ones need is there for all.
const WARM_UP_SOCKETS: usize = 200;

const FAN_OUT_FRAMES_PER_S_MIN: f64 = 500_000.0;
const FILTERED_FRAMES_PER_S_MIN: f64 = 100_000.0;
const LATENCY_P50_MS_MAX: f64 = 3.0;
const LATENCY_P99_MS_MAX: f64 = 25.0;
const IDLE_SOCKET_BYTES_MAX: f64 = 27.0 * 1_024.0;

/// Orders in one request.
const BATCH: usize = 64;
/// Events that may be on their way to the slowest client before more orders are sent.
const BACKLOG_EVENTS_MAX: u64 = 4_000;
/// SKUs begin with `b00` to `b99`; each filter lets ten of these through.
const GROUPS: usize = 100;
const GROUPS_PER_FILTER: usize = 10;
/// Between two events whose frames are waited for, so that they disturb the load little.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// Without a new frame for this long, all have come.
const QUIET: Duration = Duration::from_millis(500);
const QUIET_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(1);
const KEYS: u32 = 50_000;
const KEYS_QUICK: u32 = 5_000;

/// Everything that was measured of the feed.
#[derive(Clone, Debug, Serialize)]
pub struct FeedReport {
    pub rows: Vec<Row>,
    pub machine: Machine,
    pub date: String,
    pub command: String,
    pub version: &'static str,
    pub runs: Vec<FeedRun>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct FeedRun {
    pub fan_out: Throughput,
    pub filtered: Throughput,
    /// From when an event was sent until its frame was read.
    pub latency: LatencySummary,
    /// The load during which that was measured.
    pub load_events_per_s: u64,
    pub idle_socket_bytes: f64,
}

/// Frames that many sockets got.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Throughput {
    pub sockets: usize,
    pub frames_per_s: f64,
    pub frames: u64,
    /// Orders sent; each makes more than one event.
    pub orders_per_s: f64,
}

/// Measures the feed `repeat` times.
///
/// # Errors
/// The first error of any run: a socket that was closed, frames that are missing, events that were not taken.
pub async fn run(
    options: &SuiteOptions,
    repeat: usize,
    progress: Progress,
) -> Result<FeedReport, BenchError> {
    let mut runs = Vec::new();
    for _ in 0..repeat {
        runs.push(LocalSet::new().run_until(run_once(options, progress)).await?);
    }
    let directory = options.tower.parent.clone().unwrap_or_else(std::env::temp_dir);
    Ok(FeedReport {
        rows: rows(&runs),
        machine: Machine::this(&directory),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command_line(),
        version: env!("CARGO_PKG_VERSION"),
        runs,
    })
}

async fn run_once(options: &SuiteOptions, progress: Progress) -> Result<FeedRun, BenchError> {
    let idle_socket_bytes = idle(options, progress).await?;
    let fan_out = throughput(options, progress, FAN_OUT_SOCKETS, FAN_OUT_SOCKETS, |_| None).await?;
    let matched = FILTERED_SOCKETS * GROUPS_PER_FILTER / GROUPS;
    let filtered =
        throughput(options, progress, FILTERED_SOCKETS, matched, |socket| Some(filter(socket))).await?;
    let (latency, load_events_per_s) = latency(options, progress).await?;
    Ok(FeedRun { fan_out, filtered, latency, load_events_per_s, idle_socket_bytes })
}

/// One of [`FILTERS`] filters, which lets ten of a hundred groups of SKUs through, around the end of their order.
fn filter(socket: usize) -> String {
    let first = socket % FILTERS;
    let last = first + GROUPS_PER_FILTER;
    if last < GROUPS {
        format!("severity != 'none' && subject.sku >= 'b{first:02}' && subject.sku < 'b{last:02}'")
    } else {
        let wrapped = last - GROUPS;
        format!("severity != 'none' && (subject.sku >= 'b{first:02}' || subject.sku < 'b{wrapped:02}')")
    }
}

async fn idle(options: &SuiteOptions, progress: Progress) -> Result<f64, BenchError> {
    let session = Session::start(&options.tower, World::new(1), options.seed).await?;
    let bar = progress.waiting("idle sockets");
    drop(Subscribers::open(session.endpoint(), WARM_UP_SOCKETS, |_| None).await?);
    sleep(Duration::from_secs(1)).await;
    let before = session.resident_bytes_at_rest().await.ok_or(BenchError::NoMemory)?;
    let subscribers = Subscribers::open(session.endpoint(), IDLE_SOCKETS, |_| None).await?;
    let after = session.resident_bytes_at_rest().await.ok_or(BenchError::NoMemory)?;
    subscribers.check()?;
    drop(subscribers);
    bar.finish_and_clear();
    session.stop().await?;
    Ok(after.saturating_sub(before) as f64 / IDLE_SOCKETS as f64)
}

/// Sends orders that nothing is there for, each of a new SKU, as fast as the slowest client gets the exceptions that
/// they make. Each event goes to `receivers` of the sockets.
async fn throughput(
    options: &SuiteOptions,
    progress: Progress,
    sockets: usize,
    receivers: usize,
    filter: impl Fn(usize) -> Option<String>,
) -> Result<Throughput, BenchError> {
    let session = Session::start(&options.tower, World::new(1), options.seed).await?;
    let endpoint = session.endpoint();
    let subscribers = Subscribers::open(endpoint, sockets, &filter).await?;
    let mut orders = Orders::new(endpoint).await?;
    // How many events an order makes is the tower's affair: the first ones tell.
    for _ in 0..4 {
        orders.send().await?;
    }
    all_have_come(&subscribers, 0).await?;
    let per_order = (subscribers.total() as f64 / orders.sent as f64).max(1.0);

    let bar = progress.phase(&format!("{sockets} sockets"));
    bar.set_length((options.warm_up + options.measured).as_millis() as u64);
    let start = Instant::now();
    let (begin, end) = (start + options.warm_up, start + options.warm_up + options.measured);
    let mut at_begin = None;
    while Instant::now() < end {
        if at_begin.is_none() && Instant::now() >= begin {
            at_begin = Some((Instant::now(), subscribers.total(), orders.sent));
        }
        let on_their_way = orders.sent as f64 * per_order - subscribers.total() as f64;
        if on_their_way > (BACKLOG_EVENTS_MAX * receivers as u64) as f64 {
            sleep(POLL).await;
        } else {
            orders.send().await?;
        }
        bar.set_position(start.elapsed().as_millis() as u64);
    }
    let (begun, frames_before, orders_before) = at_begin.unwrap_or((start, 0, 0));
    let seconds = begun.elapsed().as_secs_f64();
    let (frames, sent) = (subscribers.total() - frames_before, orders.sent - orders_before);
    bar.finish_and_clear();
    all_have_come(&subscribers, subscribers.total()).await?;
    let (fewest, most) = subscribers.spread();
    if receivers == sockets && fewest != most {
        let detail = format!("of the same subscription one socket got {fewest} frames and another {most}");
        return Err(BenchError::Answer(detail));
    }
    drop(subscribers);
    session.stop().await?;
    let frames_per_s = frames as f64 / seconds;
    Ok(Throughput { sockets, frames_per_s, frames, orders_per_s: sent as f64 / seconds })
}

/// Waits until no more frames come, and there are more than `least`, or as many.
async fn all_have_come(subscribers: &Subscribers, least: u64) -> Result<(), BenchError> {
    let start = Instant::now();
    let (mut seen, mut since) = (subscribers.total(), Instant::now());
    while start.elapsed() < QUIET_MAX {
        sleep(QUIET / 10).await;
        subscribers.check()?;
        let now = subscribers.total();
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() >= QUIET && seen >= least.max(1) {
            return Ok(());
        }
    }
    Err(BenchError::Silent { seconds: QUIET_MAX.as_secs() })
}

/// Orders for what is not there, each of a SKU that was never heard of.
struct Orders<'a> {
    endpoint: &'a Endpoint,
    connection: Connection,
    sent: u64,
}

impl<'a> Orders<'a> {
    async fn new(endpoint: &'a Endpoint) -> Result<Orders<'a>, BenchError> {
        Ok(Orders { endpoint, connection: Connection::open(endpoint).await?, sent: 0 })
    }

    /// Sends a batch over all groups of SKUs.
    async fn send(&mut self) -> Result<(), BenchError> {
        let events: Vec<String> = (0..BATCH as u64)
            .map(|n| {
                let number = self.sent + n;
                order(&format!("b{:02}-{number}", number as usize % GROUPS))
            })
            .collect();
        let request = batch(self.endpoint, &events);
        deliver(&mut self.connection, &request, BATCH as u64).await?;
        self.sent += BATCH as u64;
        Ok(())
    }
}

fn order(sku: &str) -> String {
    let time = now_text();
    let time = String::from_utf8_lossy(&time);
    format!(
        r#"{{"specversion":"1.0","id":"{sku}","source":"bench","type":"order.placed","time":"{time}","data":{{"order_id":"{sku}","line_id":"1","sku":"{sku}","location":"L1","quantity":5}}}}"#
    )
}

fn batch(endpoint: &Endpoint, events: &[String]) -> Vec<u8> {
    let body = format!("[{}]", events.join(","));
    let head = endpoint.post_events_head("application/cloudevents-batch+json", body.len());
    (head + &body).into_bytes()
}

/// From an event to its frame while the tower takes half of what it can take and carry out, nothing left over. Answers
/// also with that load.
async fn latency(options: &SuiteOptions, progress: Progress) -> Result<(LatencySummary, u64), BenchError> {
    let keys = if options.quick { KEYS_QUICK } else { KEYS };
    let session = Session::start(&options.tower, World::new(keys), options.seed).await?;
    session.prepare(&Step::LOAD, progress).await?;
    let at_most = Load {
        pace: Pace::Max,
        batch: 256,
        hot_of_10_000: 0,
        hot_keys: 1,
        connections: None,
        mix: Mix::default(),
        warm_up: options.warm_up,
        measured: options.measured,
    };
    let maximum = session.measure(&at_most, progress).await?;
    let events_per_s = (maximum.settled_events_per_s / 2.0).max(1.0) as u64;
    let half = Load { pace: Pace::Rate { events_per_s }, ..at_most };

    let probing = Probing::start(session.endpoint().clone(), options.warm_up)?;
    let loaded = session.measure(&half, progress).await;
    let latencies = probing.finish().await?;
    loaded?;
    session.stop().await?;
    Ok((latencies, events_per_s))
}

/// Sends single events and waits for their frames, on a thread of its own: on the generator's, which is busy, a frame
/// would wait to be read.
struct Probing {
    is_over: Arc<AtomicBool>,
    done: oneshot::Receiver<Result<LatencySummary, BenchError>>,
}

impl Probing {
    /// Starts at once; what was sent within `warm_up` does not count.
    fn start(endpoint: Endpoint, warm_up: Duration) -> Result<Probing, BenchError> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (report, done) = oneshot::channel();
        let stop = is_over.clone();
        let work = move || {
            let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => LocalSet::new().block_on(&runtime, probe(&endpoint, warm_up, &stop)),
                Err(error) => Err(BenchError::Connection(error)),
            };
            let _ = report.send(result);
        };
        std::thread::Builder::new().name("probe".into()).spawn(work).map_err(BenchError::Connection)?;
        Ok(Probing { is_over, done })
    }

    async fn finish(self) -> Result<LatencySummary, BenchError> {
        self.is_over.store(true, Ordering::Relaxed);
        self.done.await.unwrap_or_else(|_| Err(BenchError::Answer("the probe ended early".to_owned())))
    }
}

async fn probe(
    endpoint: &Endpoint,
    warm_up: Duration,
    is_over: &AtomicBool,
) -> Result<LatencySummary, BenchError> {
    let socket = subscribe(endpoint, Some("subject.sku.startsWith('probe-')".to_owned())).await?;
    let probe = Rc::new(Probe::default());
    let reader = tokio::task::spawn_local(read_probes(socket, probe.clone()));
    let mut connection = Connection::open(endpoint).await?;
    let begin = Instant::now() + warm_up;
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        let request = batch(endpoint, &[order(&format!("probe-{number}"))]);
        if Instant::now() >= begin {
            probe.sent.borrow_mut().insert(number, Instant::now());
        }
        deliver(&mut connection, &request, 1).await?;
        number += 1;
        sleep(PROBE_INTERVAL).await;
    }
    reader.abort();
    let latencies = probe.latencies.borrow().summary();
    Ok(latencies)
}

/// Events on their way, by number, and how long others took.
#[derive(Default)]
struct Probe {
    sent: RefCell<HashMap<u64, Instant>>,
    latencies: RefCell<Latencies>,
}

async fn read_probes(stream: TcpStream, probe: Rc<Probe>) {
    let finder = Finder::new(b"\"sku\":\"probe-");
    let mut bytes = Vec::new();
    while stream.readable().await.is_ok() {
        match stream.try_read_buf(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(_) => continue,
        }
        let now = Instant::now();
        let mut read = 0;
        for at in finder.find_iter(&bytes) {
            let digits = bytes.get(at + finder.needle().len()..).unwrap_or_default();
            let Some(end) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { break };
            let number = std::str::from_utf8(&digits[..end]).ok().and_then(|digits| digits.parse().ok());
            // The first exception of an order counts; it makes more than one.
            if let Some(sent) = number.and_then(|number: u64| probe.sent.borrow_mut().remove(&number)) {
                probe.latencies.borrow_mut().record(now - sent);
            }
            read = at + finder.needle().len() + end;
        }
        // What may be the beginning of a name is read again with what follows.
        let keep = bytes.len().saturating_sub(64).max(read);
        bytes.drain(..keep);
    }
}

fn rows(runs: &[FeedRun]) -> Vec<Row> {
    let all = |value: fn(&FeedRun) -> f64| -> Vec<f64> { runs.iter().map(value).collect() };
    let row = |name: String, unit, relation, target: f64, values: Vec<f64>| {
        Row::new(name, unit, relation, &vec![target; values.len()], &values)
    };
    vec![
        row(
            format!("event frames, {FAN_OUT_SOCKETS} sockets on one topic"),
            "frames/s",
            ">=",
            FAN_OUT_FRAMES_PER_S_MIN,
            all(|run| run.fan_out.frames_per_s),
        ),
        row(
            format!("event frames, {FILTERED_SOCKETS} sockets with {FILTERS} filters"),
            "frames/s",
            ">=",
            FILTERED_FRAMES_PER_S_MIN,
            all(|run| run.filtered.frames_per_s),
        ),
        row(
            "event to frame p50 at half the ingest maximum".into(),
            "ms",
            "<=",
            LATENCY_P50_MS_MAX,
            all(|run| run.latency.p50_ms),
        ),
        row(
            "event to frame p99 at half the ingest maximum".into(),
            "ms",
            "<=",
            LATENCY_P99_MS_MAX,
            all(|run| run.latency.p99_ms),
        ),
        row(
            format!("memory of an idle socket, {IDLE_SOCKETS} of them"),
            "bytes",
            "<=",
            IDLE_SOCKET_BYTES_MAX,
            all(|run| run.idle_socket_bytes),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::domain::condition::{Condition, ConditionBounds, JsonVariables};

    #[test]
    fn every_sku_passes_ten_of_a_hundred_filters() {
        let bounds = ConditionBounds { length_max: 1_000, depth_max: 32 };
        let mut passed: BTreeMap<usize, usize> = BTreeMap::new();
        for socket in 0..FILTERS {
            let condition =
                Condition::compile(&filter(socket), &bounds, &["severity", "subject"]).expect("a filter");
            for group in 0..GROUPS {
                let item = json!({"severity": "high", "subject": {"sku": format!("b{group:02}-17")}});
                let item = item.as_object().expect("an object");
                *passed.entry(group).or_default() +=
                    usize::from(condition.holds(&JsonVariables(item)) == Ok(true));
            }
        }
        assert_eq!(passed.len(), GROUPS);
        assert!(passed.values().all(|count| *count == GROUPS_PER_FILTER), "{passed:?}");
    }

    #[test]
    fn an_order_is_an_event_in_json() {
        let event: serde_json::Value = serde_json::from_str(&order("b07-7")).expect("JSON");
        assert_eq!((&event["type"], &event["data"]["sku"]), (&json!("order.placed"), &json!("b07-7")));
    }
}
