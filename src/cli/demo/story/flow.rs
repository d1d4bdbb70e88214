//! Time: the history at once, and from *now* on a clock that runs at a chosen speed, with what really followed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::warehouse::Booked;
use super::world::{Beginning, Told, World};
use crate::cli::client::{Client, Tally};
use crate::cli::demo::DemoError;
use crate::cli::demo::carriage::{self, Loading};
use crate::cli::progress::Progress;

/// Wall time between two movements of the clock.
pub const TICK: Duration = Duration::from_secs(1);
/// The least that the clock is moved by, so that a slow one does not write a record a second.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(60);
/// The highest speed, in seconds a second: a day.
pub const SPEED_MAX: f64 = 86_400.0;

/// What went into the tower so far.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Rows of the data.
    pub rows: u64,
    pub demand: Tally,
    pub derived_events: u64,
    pub derived: Tally,
}

impl Counts {
    /// What went in, and that nothing of it was lost.
    pub fn in_words(&self) -> String {
        let line = |what: &str, given: u64, tally: &Tally| {
            format!(
                "{given} {what} in = {} accepted + {} duplicates + {} rejected",
                tally.accepted, tally.duplicates, tally.rejected
            )
        };
        let rows = line("rows of demand", self.rows, &self.demand);
        format!("{rows}\n{}", line("derived events", self.derived_events, &self.derived))
    }

    pub fn add_up(&self) -> bool {
        self.rows == self.demand.answered()
            && self.derived_events == self.derived.answered()
            && self.demand.rejected + self.derived.rejected == 0
    }
}

/// Carries the world's events to the tower as their time comes.
pub struct Flow {
    client: Client,
    world: World,
    /// Of the day under way, what has not happened yet.
    coming: VecDeque<Told>,
    /// What the decisions of the story bring, by time.
    booked: Vec<Booked>,
    /// When the day under way ends.
    day_ends: Timestamp,
    /// The tower's time.
    now: Timestamp,
    /// Time that passed and is less than a step.
    passed: f64,
    last_tick: Instant,
    pub counts: Counts,
}

impl Flow {
    /// Sends everything until `now`.
    pub async fn until_now(
        client: Client,
        world: World,
        beginning: Beginning,
        now: Timestamp,
    ) -> Result<Self, DemoError> {
        let mut progress = Progress::new(beginning.rows, "rows of history", false);
        let start = beginning.start;
        let mut counts = Counts { derived_events: beginning.described.len() as u64, ..Counts::default() };
        client.send_events(beginning.described, &mut counts.derived).await?;
        let mut flow = Self {
            client,
            world,
            coming: VecDeque::new(),
            booked: Vec::new(),
            day_ends: start,
            now: start,
            passed: 0.0,
            last_tick: Instant::now(),
            counts,
        };
        while flow.now < now {
            let until = flow.next_day().await?.min(now);
            flow.advance(until).await?;
            progress.set(flow.counts.rows, &until.strftime("%Y-%m-%d").to_string());
        }
        progress.finish();
        flow.last_tick = Instant::now();
        Ok(flow)
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// The clock stood still for a while, and goes on from here.
    pub fn resume(&mut self) {
        self.last_tick = Instant::now();
    }

    /// Moves the clock by the wall time since the last tick, times `speed`, but not beyond `limit`.
    pub async fn tick(&mut self, speed: f64, limit: Timestamp) -> Result<(), DemoError> {
        self.passed += self.last_tick.elapsed().as_secs_f64() * speed.clamp(0.0, SPEED_MAX);
        self.last_tick = Instant::now();
        let step = SignedDuration::from_secs(self.passed as i64);
        if step >= STEP_MIN {
            self.passed = 0.0;
            self.run_to((self.now + step).min(limit)).await?;
        }
        Ok(())
    }

    /// Lets everything happen until `until`.
    pub async fn run_to(&mut self, until: Timestamp) -> Result<(), DemoError> {
        while self.now < until {
            let ends = self.next_day().await?;
            self.advance(until.min(ends)).await?;
        }
        Ok(())
    }

    /// The end of the day under way, which is the next one if the last is over.
    async fn next_day(&mut self) -> Result<Timestamp, DemoError> {
        if self.now >= self.day_ends {
            match self.world.next_day().await? {
                Some(day) => {
                    self.coming = day.events.into();
                    self.day_ends = day.until;
                }
                // After the last day of the data only time goes on.
                None => self.day_ends = Timestamp::MAX,
            }
        }
        Ok(self.day_ends)
    }

    /// Sends what happens until `until`, then moves the clock there. What was sent when the tower broke off is sent
    /// again: it counts once.
    async fn advance(&mut self, until: Timestamp) -> Result<(), DemoError> {
        let due = self.coming.partition_point(|told| told.at <= until);
        let booked = self.booked.partition_point(|booked| booked.told.at <= until);
        let mut told: Vec<_> = self.coming.iter().take(due).collect();
        told.extend(self.booked.iter().take(booked).map(|booked| &booked.told));
        told.sort_by_key(|told| told.at);
        let mut loading = Loading::default();
        for told in told {
            loading.next(told.stream, told.at).append(&told.lines);
        }
        let carriage = loading.until(until);
        let (rows, events) = (carriage.rows(), carriage.derived_events());
        let (mut of_demand, mut of_derived) = (Tally::default(), Tally::default());
        carriage.send(&self.client, &mut of_demand, &mut of_derived).await?;
        self.coming.drain(..due);
        for Booked { moves, .. } in self.booked.drain(..booked) {
            if let Some((sku, location, quantity)) = moves {
                self.world.moved(&sku, &location, quantity).await?;
            }
        }
        self.now = until;
        self.counts.rows += rows;
        self.counts.derived_events += events;
        add(&mut self.counts.demand, of_demand);
        add(&mut self.counts.derived, of_derived);
        // What was sent counts already: breaking off here sends nothing a second time.
        Ok(carriage::settle(&self.client, &self.counts.derived).await?)
    }

    /// Something that a decision brings happens when its time comes.
    pub fn book(&mut self, booked: Booked) {
        let at = self.booked.partition_point(|other| other.told.at <= booked.told.at);
        self.booked.insert(at, booked);
    }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.accepted += more.accepted;
    sum.duplicates += more.duplicates;
    sum.rejected += more.rejected;
    sum.lsn = sum.lsn.max(more.lsn);
    // The first reasons are enough.
    if sum.errors.is_empty() {
        sum.errors = more.errors;
    }
}
