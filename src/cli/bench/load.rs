//! The load itself: connections on one thread, each with one request on its way at most.
//!
//! - `Pace::Max`, a closed loop: each connection sends its next request when the last one is answered.
//! - `Pace::Rate`, an open loop: requests are due by a [`Schedule`]; whichever connection is free takes the next one,
//!   and if none is, the time it waits is part of its latency.
//!
//! One thread, because the tower needs the cores: at 200,000 events/s the generator takes a fraction of one.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use indicatif::ProgressBar;

use super::BenchError;
use super::recorder::{Recorder, Schedule, Taken};
use super::requests::{LoadShape, RequestStream, TIME_WIDTH};
use super::wire::{Connection, Endpoint};

/// The pause before a refused request is sent again. Shorter than what `Retry-After` asks for: what is looked for is
/// the most that the tower takes, and a connection that rests for a second would not find it.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);
/// How often a request may be refused: a minute without room is no load but an outage.
const REFUSALS_MAX: u64 = 3_000;

/// How fast requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    Max,
    Rate { events_per_s: u64 },
}

/// One load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    pub shape: LoadShape,
    pub connections: usize,
    pub pace: Pace,
    pub warm_up: Duration,
    pub measured: Duration,
    pub stall_min: Duration,
}

/// A load that was accepted to its last event.
#[derive(Debug)]
pub struct Loaded {
    pub recorder: Recorder,
    /// Events accepted before the start: orders that the load ships.
    pub opened: u64,
}

struct Worker {
    connection: Connection,
    requests: RequestStream,
}

/// What the connections share.
struct Shared<'a> {
    start: Instant,
    end: Instant,
    batch: u64,
    next_request: Cell<u64>,
    recorder: RefCell<Recorder>,
    progress: &'a ProgressBar,
}

/// Runs a load to its end and waits for every answer.
///
/// # Errors
/// [`BenchError`] if the tower can't be reached, falls silent, or does not accept each event exactly once.
pub async fn run_load(
    endpoint: &Endpoint,
    options: &LoadOptions,
    progress: &ProgressBar,
) -> Result<Loaded, BenchError> {
    let prepared =
        try_join_all((0..options.connections).map(|number| prepare(endpoint, options, number))).await?;
    progress.set_length((options.warm_up + options.measured).as_millis() as u64);

    let start = Instant::now();
    let window = start + options.warm_up..start + options.warm_up + options.measured;
    let shared = Shared {
        start,
        end: window.end,
        batch: options.shape.batch as u64,
        next_request: Cell::new(0),
        recorder: RefCell::new(Recorder::new(start, window, options.stall_min)),
        progress,
    };
    let mut workers = Vec::new();
    let mut opened = 0;
    for (worker, opening) in prepared {
        opened += opening;
        workers.push(worker);
    }
    match options.pace {
        Pace::Max => {
            drop(try_join_all(workers.into_iter().map(|worker| closed_loop(worker, &shared))).await?)
        }
        Pace::Rate { events_per_s } => {
            let schedule = Schedule::new(events_per_s, shared.batch);
            drop(try_join_all(workers.into_iter().map(|worker| open_loop(worker, schedule, &shared))).await?);
        }
    }
    Ok(Loaded { recorder: shared.recorder.into_inner(), opened })
}

/// Connects, makes the requests, and opens the orders that the load ships; says how many events that took.
async fn prepare(
    endpoint: &Endpoint,
    options: &LoadOptions,
    number: usize,
) -> Result<(Worker, u64), BenchError> {
    let mut connection = Connection::open(endpoint).await?;
    let mut requests = RequestStream::new(endpoint, &options.shape, number);
    let mut opened = 0;
    if let Some((request, events)) = requests.opening_orders(endpoint, number, &now_text()) {
        opened = deliver(&mut connection, &request, events).await?.events;
    }
    Ok((Worker { connection, requests }, opened))
}

async fn closed_loop(mut worker: Worker, shared: &Shared<'_>) -> Result<(), BenchError> {
    loop {
        let sent = Instant::now();
        if sent >= shared.end {
            return Ok(());
        }
        worker.send(sent, shared).await?;
    }
}

async fn open_loop(mut worker: Worker, schedule: Schedule, shared: &Shared<'_>) -> Result<(), BenchError> {
    loop {
        let number = shared.next_request.get();
        shared.next_request.set(number + 1);
        let due = shared.start + schedule.due(number);
        if due >= shared.end {
            return Ok(());
        }
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
            shared.recorder.borrow_mut().sent(due, Instant::now());
        }
        worker.send(due, shared).await?;
    }
}

impl Worker {
    async fn send(&mut self, due: Instant, shared: &Shared<'_>) -> Result<(), BenchError> {
        let request = self.requests.next(&now_text());
        let taken = deliver(&mut self.connection, request, shared.batch).await?;
        let now = Instant::now();
        shared.recorder.borrow_mut().answered(due, now, taken);
        shared.progress.set_position(now.saturating_duration_since(shared.start).as_millis() as u64);
        Ok(())
    }
}

/// Sends a request until all its events are taken, and holds the tower to that: each is accepted exactly once.
///
/// # Errors
/// Anything but `202` with all events, or `429` and `503`, after which the request is sent again.
pub async fn deliver(connection: &mut Connection, request: &[u8], events: u64) -> Result<Taken, BenchError> {
    let mut accepted = 0;
    for refused in 0..REFUSALS_MAX {
        let answer = connection.exchange(request).await?;
        let count = |name| answer.integer(name).unwrap_or(0);
        accepted += count("accepted");
        match answer.status {
            202 => {
                // What an earlier attempt took is a duplicate by now; without one there must be none.
                let is_whole = accepted == events && count("rejected") == 0;
                if !is_whole || (refused == 0 && count("duplicates") > 0) {
                    return Err(BenchError::NotTaken { sent: events, accepted, answer: answer.excerpt() });
                }
                return Ok(Taken { events, refused, lsn: count("lsn") });
            }
            429 | 503 => {}
            status => return Err(BenchError::Status { request: "events", status, answer: answer.excerpt() }),
        }
        tokio::time::sleep(REFUSED_PAUSE).await;
    }
    Err(BenchError::Busy { refusals: REFUSALS_MAX })
}

/// The wall clock as events carry it.
pub fn now_text() -> [u8; TIME_WIDTH] {
    let mut text = [b' '; TIME_WIDTH];
    // Years have four digits until 9999, so that the text always fits.
    let _ = write!(&mut text[..], "{:.6}", jiff::Timestamp::now());
    text
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
