//! The outbox's thread: looks at what the cases want delivered, and starts what is due.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{info, warn};

use super::breaker::{Breaker, BreakerState};
use super::flight::{Ended, Flight};
use super::retry_budget::RetryBudget;
use super::schedule::{ActionKey, Candidate, Gate, Plan, Waits, due};
use super::target::{Target, TargetError};
use crate::config::{OutboxConfig, TargetConfig};
use crate::domain::approval_case::{ActionState, AttemptOutcome, CaseAction, UNKNOWN_RETRIED_AFTER};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::ClockKind;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::metrics::TargetLabel;
use crate::runtime::summaries::CaseEntry;
use crate::runtime::{Running, Tower, wall_clock};

/// How long it waits before it looks again whether the tower runs.
const START_POLL: Duration = Duration::from_millis(5);
/// The shortest time between two looks at the cases.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
/// The longest time between two looks: an event clock says nothing when it moves on.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often ages and dead letters are counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// The wait after an attempt that could not be journaled.
const NOT_BEGUN_WAIT: Duration = Duration::from_secs(1);

/// The wait after an attempt that the case refused and that nothing has changed since.
const REFUSED_WAIT: Duration = Duration::from_secs(5);

/// Why the outbox can't be started.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the outbox's thread could not be started: {0}")]
    Thread(#[from] io::Error),
}

/// A running outbox.
pub struct Outbox {
    drain: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Outbox {
    /// Starts delivering once the tower runs.
    ///
    /// # Errors
    /// [`OutboxError`], above all a secret that the configuration names and the environment lacks.
    pub fn start(
        tower: Arc<Tower>,
        config: &OutboxConfig,
        targets: &[TargetConfig],
    ) -> Result<Outbox, OutboxError> {
        let now = Instant::now();
        let mut service = Service {
            tower,
            enabled: config.enabled,
            in_flight_max: config.in_flight_max,
            targets: HashMap::new(),
            gates: HashMap::new(),
            flights: JoinSet::new(),
            flying: HashMap::new(),
            marks: HashMap::new(),
            waits: Waits::default(),
            told: HashSet::new(),
            told_of_hold: None,
        };
        for config in targets {
            let target = Target::new(config, |variable| std::env::var(variable).ok())?;
            if target.endpoint.is_some() {
                let gate = Gate {
                    in_flight: 0,
                    in_flight_max: config.max_in_flight,
                    breaker: Breaker::new(
                        config.breaker_failures,
                        Duration::from_millis(config.breaker_open_ms),
                    ),
                    retries: RetryBudget::new(config.retries_per_minute_max, now),
                };
                service.gates.insert(target.name.clone(), gate);
            }
            service.targets.insert(target.name.clone(), Arc::new(target));
        }
        let (drain, draining) = watch::channel(false);
        let (has_ended, ended) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("outbox".into()).spawn(move || {
            runtime.block_on(service.run(draining));
            has_ended.send_replace(true);
        })?;
        Ok(Outbox { drain, ended })
    }

    /// Begins no more attempts and waits for those under way. `false` if it took too long: then some stay of unknown
    /// outcome until the next start.
    pub async fn drain(mut self, within: Duration) -> bool {
        self.drain.send_replace(true);
        // Dropped without a word, the thread is gone as well.
        tokio::time::timeout(within, self.ended.wait_for(|ended| *ended)).await.is_ok()
    }
}

/// What the service remembers of an action between two looks.
#[derive(Clone, Copy, Debug)]
struct Mark {
    not_before: Instant,
    /// What the cases say is older than what the service knows, up to and without this record.
    stale_below: Lsn,
    /// The case refused an attempt as of this record: no use to ask again soon unless it changes.
    refused_at: Option<Lsn>,
}

struct Service {
    tower: Arc<Tower>,
    enabled: bool,
    in_flight_max: usize,
    targets: HashMap<Name, Arc<Target>>,
    /// Of targets that have an address.
    gates: HashMap<Name, Gate>,
    flights: JoinSet<Ended>,
    flying: HashMap<Id, Flying>,
    marks: HashMap<ActionKey, Mark>,
    waits: Waits,
    /// Targets about which was said that they have no address.
    told: HashSet<Name>,
    /// The hold about which was said that everything waits.
    told_of_hold: Option<Lsn>,
}

/// An attempt under way.
struct Flying {
    key: ActionKey,
    target: Name,
    /// The record that the case showed when it was started.
    seen: Lsn,
    /// It passed the target's gate, and calls it.
    calls: bool,
}

/// An action of a case as the summary shows it.
struct Wanted<'a> {
    key: ActionKey,
    entry: &'a Arc<CaseEntry>,
    action: &'a CaseAction,
}

impl Service {
    async fn run(mut self, mut draining: watch::Receiver<bool>) {
        let tower = self.tower.clone();
        let running = loop {
            if let Some(running) = tower.running() {
                break running;
            }
            if *draining.borrow() {
                return;
            }
            tokio::time::sleep(START_POLL).await;
        };
        let mut count_at = Instant::now();
        loop {
            let changed = running.cases.changed();
            let now = Instant::now();
            let wake_at = self.look(running, now);
            if now >= count_at {
                self.count(running);
                count_at = now + COUNT_EVERY;
            }
            let until = wake_at.unwrap_or(now + LOOK_EVERY).min(now + LOOK_EVERY).max(now + LOOK_PAUSE);
            tokio::select! {
                Some(ended) = self.flights.join_next_with_id() => self.ended(ended),
                () = changed => tokio::time::sleep(LOOK_PAUSE).await,
                () = tokio::time::sleep_until(until.into()) => {}
                _ = draining.wait_for(|draining| *draining) => break,
            }
        }
        while let Some(ended) = self.flights.join_next_with_id().await {
            self.ended(ended);
        }
    }

    /// Starts what is due; gives when something will be.
    fn look(&mut self, running: &Running, now: Instant) -> Option<Instant> {
        if !self.enabled {
            return None;
        }
        let reference = running.reference();
        let is_held = self.is_held(&reference);
        let cases = running.cases.undelivered();
        let flying: HashSet<&ActionKey> = self.flying.values().map(|flying| &flying.key).collect();
        let mut wanted: BTreeMap<ActionKey, Wanted<'_>> = BTreeMap::new();
        for (tenant, entry) in &cases {
            for action in entry.item.actions.iter().filter(|action| is_to_be_delivered(action.state)) {
                let key = ActionKey { tenant: *tenant, action: action.id.clone() };
                let mark = self.marks.get(&key);
                let is_stale = mark.is_some_and(|mark| entry.lsn < mark.stale_below);
                let is_refused =
                    mark.is_some_and(|mark| mark.refused_at == Some(entry.lsn) && now < mark.not_before);
                if !flying.contains(&key) && !is_stale && !is_refused {
                    wanted.insert(key.clone(), Wanted { key, entry, action });
                }
            }
        }
        self.waits.keep(|key| wanted.contains_key(key));
        self.marks
            .retain(|key, mark| wanted.contains_key(key) || flying.contains(key) || mark.not_before > now);

        let mut candidates = Vec::new();
        let mut unfinished = Vec::new();
        for wanted in wanted.values() {
            if is_unfinished(wanted.action) {
                // Also while everything is held: whoever decides on the hold sees what may have arrived.
                unfinished.push(wanted.key.clone());
            } else if !is_held {
                candidates.extend(self.candidate(running, &reference, wanted, now));
            }
        }
        let Plan { begin, wake_at } = due(candidates, &mut self.gates, self.in_flight_max, now);
        let starts = unfinished.iter().map(|key| (key, false)).chain(begin.iter().map(|key| (key, true)));
        for (key, calls) in starts {
            if let Some(wanted) = wanted.get(key) {
                self.start(&reference, wanted, calls);
            }
        }
        wake_at
    }

    /// Whether everything waits for a person; says so once, and when it is over.
    fn is_held(&mut self, reference: &Reference) -> bool {
        let hold = reference.outbox_hold();
        match hold {
            Some(hold) if self.told_of_hold != Some(hold.since) => {
                self.told_of_hold = Some(hold.since);
                warn!(
                    restored_at = %hold.since_time,
                    backup_taken_at = %hold.backup_taken_at,
                    "the outbox is held: this journal was restored from a backup, and what was approved may have been \
                     delivered since. Compare it with the systems of record, then `tidewatch outbox release`"
                );
            }
            None if self.told_of_hold.take().is_some() => info!("the outbox is released"),
            _ => {}
        }
        hold.is_some()
    }

    fn candidate(
        &mut self,
        running: &Running,
        reference: &Reference,
        wanted: &Wanted<'_>,
        now: Instant,
    ) -> Option<Candidate> {
        let action = wanted.action;
        if !self.gates.contains_key(&action.target) {
            if self.told.insert(action.target.clone()) {
                let target = &action.target;
                warn!("approved actions wait: targets.{target}.url says of no address where they could go");
            }
            return None;
        }
        let tenant = wanted.key.tenant;
        let business_now = running.clocks.business_time(tenant, wall_clock());
        // Without a time something holds it, such as a task that has to be done first.
        let stated = action.next_attempt_at?;
        // What was refused has changed since, or has waited.
        let mark = self.marks.get(&wanted.key).filter(|mark| mark.refused_at.is_none());
        let not_before = mark.map_or(now, |mark| mark.not_before);
        let is_early = stated > business_now;
        if is_early && reference.tenant(tenant).is_some_and(|tenant| tenant.clock == ClockKind::Event) {
            return None;
        }
        let backoff_max =
            self.targets.get(&action.target).map_or(Duration::ZERO, |target| target.backoff.max);
        let wait_max = backoff_max.max(Duration::from_micros(UNKNOWN_RETRIED_AFTER.unsigned_abs()));
        let until = self.waits.until(&wanted.key, stated, business_now, wait_max, now);
        let not_before = not_before.max(until);
        Some(Candidate {
            key: wanted.key.clone(),
            target: action.target.clone(),
            approved_at: action.approved_at,
            attempts: action.attempt_count,
            not_before,
        })
    }

    fn start(&mut self, reference: &Reference, wanted: &Wanted<'_>, calls: bool) {
        let target = self.targets.get(&wanted.action.target);
        let endpoint = target.and_then(|target| target.endpoint.clone());
        let (Some(target), Some(tenant)) = (target, reference.tenant(wanted.key.tenant)) else {
            // An attempt at a target that is not configured any more: whoever brings it back finds it here.
            return;
        };
        let flight = Flight {
            tower: self.tower.clone(),
            target: target.clone(),
            tenant: tenant.name.clone(),
            clock: tenant.clock,
            entity: (*wanted.entry.entity).clone(),
            case_id: wanted.entry.item.id.clone(),
            action: wanted.action.clone(),
        };
        let started = match endpoint {
            Some(endpoint) if calls => self.flights.spawn(flight.deliver(endpoint)),
            _ => self.flights.spawn(flight.recover()),
        };
        let name = target.name.clone();
        self.gauge_in_flight(&name);
        let flying = Flying { key: wanted.key.clone(), target: name, seen: wanted.entry.lsn, calls };
        self.flying.insert(started.id(), flying);
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let now = Instant::now();
        let (id, ended) = match ended {
            Ok(ended) => ended,
            Err(failure) => {
                warn!(%failure, "an attempt broke off; it counts as one of unknown outcome");
                (failure.id(), Ended::NotJournaled { target_works: false })
            }
        };
        let Some(Flying { key, target, seen, calls }) = self.flying.remove(&id) else { return };
        let mut mark = Mark { not_before: now, stale_below: Lsn::ZERO, refused_at: None };
        let mut works = None;
        match ended {
            Ended::NotBegun { refused: true } => {
                mark.refused_at = Some(seen);
                mark.not_before = now + REFUSED_WAIT;
            }
            Ended::NotBegun { refused: false } => mark.not_before = now + NOT_BEGUN_WAIT,
            Ended::NotJournaled { target_works } => {
                works = Some(target_works);
                mark.not_before = now + NOT_BEGUN_WAIT;
            }
            Ended::Journaled { lsn, outcome, target_works, wait, dead } => {
                works = Some(target_works);
                mark.stale_below = lsn;
                mark.not_before = now + wait.unwrap_or_default();
                self.tower.metrics.count_attempt(&target, outcome);
                if dead {
                    warn!(action = %key.action, %target, "an action is a dead letter: somebody has to look at it");
                } else if outcome == AttemptOutcome::Refused {
                    info!(action = %key.action, %target, "the target refuses an action");
                }
            }
        }
        self.marks.insert(key, mark);
        if calls && let Some(gate) = self.gates.get_mut(&target) {
            gate.in_flight = gate.in_flight.saturating_sub(1);
            match works {
                None => gate.breaker.abandon(now),
                Some(true) => gate.breaker.works(),
                Some(false) => gate.breaker.fails(now),
            }
        }
        self.gauge_in_flight(&target);
    }

    fn gauge_in_flight(&self, target: &Name) {
        let Some(gate) = self.gates.get(target) else { return };
        let metrics = &self.tower.metrics;
        let label = TargetLabel { target: target.to_string() };
        let in_flight = i64::try_from(gate.in_flight).unwrap_or(i64::MAX);
        metrics.outbox_in_flight.get_or_create(&label).set(in_flight);
        let state = match gate.breaker.state(Instant::now()) {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        metrics.outbox_breaker_state.get_or_create(&label).set(state);
    }

    /// Counts what waits and what is dead, by target.
    fn count(&self, running: &Running) {
        #[derive(Default)]
        struct Count {
            pending: i64,
            dead: i64,
            oldest_s: f64,
        }
        let mut counts: HashMap<Name, Count> =
            self.targets.keys().map(|target| (target.clone(), Count::default())).collect();
        let cases = running.cases.undelivered();
        let now = wall_clock();
        let age_s = |tenant: TenantNumber, since: Timestamp| {
            running.clocks.business_time(tenant, now).days_since(since) * 86_400.0
        };
        for (tenant, entry) in &cases {
            for action in &entry.item.actions {
                let count = counts.entry(action.target.clone()).or_default();
                if is_to_be_delivered(action.state) {
                    count.pending += 1;
                    count.oldest_s = count.oldest_s.max(age_s(*tenant, action.approved_at));
                }
                count.dead += i64::from(action.state == ActionState::Dead);
            }
        }
        let metrics = &self.tower.metrics;
        for (target, count) in counts {
            self.gauge_in_flight(&target);
            let label = TargetLabel { target: target.to_string() };
            metrics.outbox_pending.get_or_create(&label).set(count.pending);
            metrics.outbox_dead_letters.get_or_create(&label).set(count.dead);
            metrics.outbox_oldest_pending.get_or_create(&label).set(count.oldest_s);
        }
    }
}

fn is_to_be_delivered(state: ActionState) -> bool {
    matches!(state, ActionState::Pending | ActionState::Sending)
}

/// Whether its last attempt was begun and nobody wrote down how it ended.
fn is_unfinished(action: &CaseAction) -> bool {
    let last = action.attempts.iter().rev().find(|made| made.attempt == action.attempt_count);
    action.state == ActionState::Sending && last.is_some_and(|made| made.finished_at.is_none())
}
