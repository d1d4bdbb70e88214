//! Those who decide and those who carry it out: people, the outbox at its seam, and a system of record whose answers
//! come late, twice, out of order or never. All of them know the tower by commands and events alone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::client::{Client, Ledger, TENANT};
use super::common::events::at;
use super::common::random::Random;
use super::house::House;
use super::trace::Trace;
use crate::domain::approval_case::{
    ActionKind, ActionState, AttemptOutcome, CaseAction, CaseCommand, CaseDecision, CaseItem, CaseOption,
    UNKNOWN_RETRIED_AFTER,
};
use crate::domain::command::{Actor, ActorKind, Command};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::ClockKind;
use crate::domain::time::Timestamp;
use crate::runtime::commands::{CommandDone, CommandError, Idempotency};
use crate::runtime::{Running, wall_clock};

/// How long anyone waits for a command.
const COMMAND_WITHIN: Duration = Duration::from_secs(30);
/// Until a failed attempt is made again.
const RETRY_AFTER_MICROS: i64 = 200_000;
/// The longest wait that any case states, as the outbox has it: that for an attempt of which nothing is known.
const WAIT_MAX: Duration = Duration::from_micros(UNKNOWN_RETRIED_AFTER.unsigned_abs());
/// Decisions that people begin in one run.
const DECISIONS_MAX: usize = 12;

/// What a task of one life tells.
enum Told {
    Commanded {
        key: Name,
        outcome: Result<CommandDone, CommandError>,
    },
    Costed {
        case: Name,
        failed: bool,
    },
    /// The outbox calls the system of record.
    Called {
        action: Box<CaseAction>,
        answer: oneshot::Sender<Answer>,
    },
    Landed {
        action: Name,
    },
}

/// What the system of record says.
#[derive(Clone, Debug)]
enum Answer {
    Done(String),
    Busy,
}

struct Given {
    entity: EntityKey,
    command: CaseCommand,
    actor: Actor,
    done: Option<Lsn>,
}

/// Everyone but the systems that only send events.
pub struct Decisions {
    sender: mpsc::UnboundedSender<Told>,
    told: mpsc::UnboundedReceiver<Told>,
    /// Commands by idempotency key.
    given: BTreeMap<Name, Given>,
    /// Keys of commands on their way.
    commanding: BTreeSet<Name>,
    costing: BTreeSet<Name>,
    flying: BTreeSet<Name>,
    /// By action: when its case says that it may be tried, and until when that is.
    waits: BTreeMap<Name, (Timestamp, Instant)>,
    /// Requests that have not reached the system of record, or that it has not looked at.
    calls: Vec<(CaseAction, Option<oneshot::Sender<Answer>>)>,
    /// Attempts that were made.
    attempts: BTreeSet<(Name, u32)>,
    /// What the system of record did, by action id: its own name for it.
    pub carried_out: BTreeMap<Name, String>,
    pub counts: Counts,
}

/// What happened, for the report.
#[derive(Default)]
pub struct Counts {
    pub decisions: usize,
    pub commands: u64,
    pub repeated_commands: u64,
    pub attempts: u64,
    pub requests_lost: u64,
    pub answers_lost: u64,
    pub requests_twice: u64,
}

impl Decisions {
    pub fn new() -> Decisions {
        let (sender, told) = mpsc::unbounded_channel();
        Decisions {
            sender,
            told,
            given: BTreeMap::new(),
            commanding: BTreeSet::new(),
            costing: BTreeSet::new(),
            flying: BTreeSet::new(),
            waits: BTreeMap::new(),
            calls: Vec::new(),
            attempts: BTreeSet::new(),
            carried_out: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// The tower is gone, and every task of its life.
    pub fn lose_connection(&mut self) {
        (self.sender, self.told) = mpsc::unbounded_channel();
        self.commanding.clear();
        self.costing.clear();
        self.flying.clear();
        self.waits.clear();
        // Requests on their way arrive all the same; nobody hears the answer.
        self.calls.iter_mut().for_each(|(_, answer)| *answer = None);
    }

    /// Takes in what tasks have to tell.
    pub fn hear(&mut self, house: &House, trace: &mut Trace) {
        while let Ok(told) = self.told.try_recv() {
            match told {
                Told::Commanded { key, outcome } => {
                    trace.step(format!("command {key}: {outcome:?}"));
                    self.commanding.remove(&key);
                    let given = self.given.get_mut(&key).unwrap();
                    if let Ok(done) = outcome {
                        assert!(done.lsn <= house.running.progress.durable(), "invariant 1");
                        if let Some(before) = given.done {
                            assert_eq!(
                                (done.lsn, done.repeated),
                                (before, true),
                                "invariant 16: {key} again"
                            );
                            self.counts.repeated_commands += 1;
                        }
                        given.done = Some(done.lsn);
                    } else {
                        assert_eq!(
                            given.done, None,
                            "invariant 16: {key} was carried out, and now {outcome:?}"
                        );
                    }
                }
                Told::Costed { case, failed } => {
                    trace.step(format!("options of {case}, failed: {failed}"));
                    self.costing.remove(&case);
                }
                Told::Called { action, answer } => {
                    let attempt = action.attempt_count + 1;
                    trace.step(format!("call {} attempt {attempt}", action.id));
                    self.counts.attempts += 1;
                    let is_new = self.attempts.insert((action.id.clone(), attempt));
                    assert!(is_new, "invariant 17: attempt {attempt} of {} twice", action.id);
                    self.calls.push((*action, Some(answer)));
                }
                Told::Landed { action } => {
                    trace.step(format!("landed {action}"));
                    self.flying.remove(&action);
                }
            }
        }
    }

    /// Options of cases that lack them, as costing computes them.
    pub fn step_costing(&mut self, house: &House) {
        for (tenant, entry) in house.running.cases.lacking_options() {
            let Some(facts) = entry.item.wants_options() else { continue };
            let case = entry.item.id.clone();
            if self.costing.insert(case.clone()) {
                let (running, sender) = (house.running.clone(), self.sender.clone());
                actix_rt::spawn(async move {
                    let failed = crate::costing::serve(&running, tenant, &entry, facts).await.is_err();
                    let _ = sender.send(Told::Costed { case, failed });
                });
            }
        }
    }

    /// A person chooses or approves, or sends a command again whose answer got lost, or did not.
    pub fn step_people(&mut self, house: &House, random: &mut Random, may_begin: bool) {
        if may_begin && !self.given.is_empty() && random.chance(20) {
            let keys: Vec<Name> = self.given.keys().cloned().collect();
            self.send(house, random.pick(&keys).clone());
            return;
        }
        let mut cases = house.running.cases.select(TENANT, false, |_| true);
        cases.sort_by(|a, b| a.item.id.cmp(&b.item.id));
        for entry in cases {
            let case = &*entry.item;
            let version = case.version;
            if case.wants_options().is_some() || !case.actions.is_empty() {
                continue;
            }
            let (who, what) = match &case.chosen_option {
                None => {
                    let can_be_ordered = |option: &&CaseOption| {
                        let steps = &option.steps;
                        option.is_eligible()
                            && !steps.is_empty()
                            && steps.iter().all(|step| step.kind == ActionKind::Order)
                    };
                    let options: Vec<&CaseOption> = case.options.iter().filter(can_be_ordered).collect();
                    if !may_begin || options.is_empty() || self.counts.decisions >= DECISIONS_MAX {
                        continue;
                    }
                    self.counts.decisions += 1;
                    ("ann", CaseDecision::Choose { option_id: random.pick(&options).id.clone() })
                }
                Some(_) => ("bob", CaseDecision::Approve { comment: None }),
            };
            let key = Name::from(format!("{who}-{}-{version}", case.id));
            let actor = Actor {
                name: Name::from(who),
                kind: ActorKind::Person,
                roles: vec![Name::const_new("admin")],
            };
            let command = CaseCommand { version: Some(version), what };
            let entity = (*entry.entity).clone();
            self.given.entry(key.clone()).or_insert(Given { entity, command, actor, done: None });
            self.send(house, key);
        }
    }

    fn send(&mut self, house: &House, key: Name) {
        if !self.commanding.insert(key.clone()) {
            return;
        }
        self.counts.commands += 1;
        let given = &self.given[&key];
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(format!("{:?}", given.command).as_bytes()).as_bytes()[..16]);
        let idempotency = Some(Idempotency { key: key.clone(), hash });
        let (entity, command) = (given.entity.clone(), Command::Case(Box::new(given.command.clone())));
        let (actor, running, sender) = (given.actor.clone(), house.running.clone(), self.sender.clone());
        actix_rt::spawn(async move {
            let outcome = running.command(entity, command, actor, idempotency, COMMAND_WITHIN).await;
            let _ = sender.send(Told::Commanded { key, outcome });
        });
    }

    /// The outbox looks for what is to be delivered, and begins.
    pub fn step_outbox(&mut self, house: &House, random: &mut Random) {
        let now = house.running.clocks.business_time(TENANT, wall_clock());
        for (_, entry) in house.running.cases.undelivered() {
            for action in &entry.item.actions {
                let is_wanted = matches!(action.state, ActionState::Pending | ActionState::Sending);
                let is_due = is_unfinished(action) || self.is_due(action, now);
                if is_wanted && is_due && self.flying.insert(action.id.clone()) {
                    // Now and then two want to carry out the same: one of them may.
                    for _ in 0..1 + random.below(6) / 5 {
                        let flight = Flight {
                            running: house.running.clone(),
                            entity: (*entry.entity).clone(),
                            action: action.clone(),
                            sender: self.sender.clone(),
                        };
                        actix_rt::spawn(flight.fly());
                    }
                }
            }
        }
    }

    /// Whether the wait that an action's case states is over, counted from when it was first seen to state it: business
    /// time may stand still meanwhile.
    fn is_due(&mut self, action: &CaseAction, now: Timestamp) -> bool {
        let Some(stated) = action.next_attempt_at else { return false };
        let early = u64::try_from(stated.micros() - now.micros()).unwrap_or(0);
        let wait = Duration::from_micros(early).min(WAIT_MAX);
        let known = self.waits.entry(action.id.clone()).or_insert((stated, Instant::now() + wait));
        if known.0 != stated {
            *known = (stated, Instant::now() + wait);
        }
        known.1 <= Instant::now()
    }

    /// The system of record looks at one request. `fair`: it works, and every answer arrives.
    pub fn step_system_of_record(
        &mut self,
        client: &mut Client,
        ledger: &mut Ledger,
        random: &mut Random,
        fair: bool,
        trace: &mut Trace,
    ) {
        if self.calls.is_empty() {
            return;
        }
        let chosen = usize::try_from(random.below(self.calls.len() as u64)).unwrap();
        let (action, answer) = self.calls.remove(chosen);
        let fate = if fair { 0 } else { random.below(100) };
        trace.step(format!("system of record: {} ({fate})", action.id));
        if (60..70).contains(&fate) {
            self.counts.requests_lost += 1;
            return;
        }
        if (70..80).contains(&fate) {
            let _ = answer.map(|answer| answer.send(Answer::Busy));
            return;
        }
        if (80..90).contains(&fate) {
            // The network delivers it once more, some time.
            self.counts.requests_twice += 1;
            self.calls.push((action.clone(), None));
        }
        let reference = match self.carried_out.get(&action.id) {
            Some(reference) => reference.clone(),
            None => self.carry_out(&action, client, ledger),
        };
        if fate >= 90 {
            self.counts.answers_lost += 1;
        } else if let Some(answer) = answer {
            let _ = answer.send(Answer::Done(reference));
        }
    }

    fn carry_out(&mut self, action: &CaseAction, client: &mut Client, ledger: &mut Ledger) -> String {
        let reference = format!("ERP-{}", self.carried_out.len() + 1);
        let step = &action.step;
        let time = at(wall_clock().micros().div_euclid(1_000_000));
        let data = json!({
            "po_id": reference, "supplier": step.supplier, "action_id": action.id,
            "lines": [{"line_id": "1", "sku": step.sku, "location": step.location, "quantity": step.quantity}],
        });
        let event = json!({"specversion": "1.0", "id": format!("{reference}-placed"), "source": "/record",
            "type": "purchase_order.placed", "time": time, "data": data});
        client.tell(ledger, event);
        self.carried_out.insert(action.id.clone(), reference.clone());
        reference
    }

    /// Whether nobody is doing anything.
    pub fn is_done(&self, house: &House) -> bool {
        let waiting = |action: &CaseAction| !is_settled(action.state);
        let actions = |case: &CaseItem| case.actions.iter().any(waiting);
        self.calls.is_empty()
            && self.flying.is_empty()
            && self.commanding.is_empty()
            && self.costing.is_empty()
            && house.running.cases.lacking_options().is_empty()
            && house.running.cases.select(TENANT, true, |entry| actions(&entry.item)).is_empty()
    }

    /// What is not done yet, in words.
    pub fn waits_for(&self, house: &House) -> String {
        let states: Vec<String> = house
            .running
            .cases
            .select(TENANT, true, |_| true)
            .iter()
            .flat_map(|entry| &entry.item.actions)
            .map(|action| {
                let CaseAction { id, state, next_attempt_at, attempts, .. } = action;
                format!("{id} {state:?}, next attempt {next_attempt_at:?} after {attempts:?}")
            })
            .collect();
        let (calls, flying) = (self.calls.len(), &self.flying);
        let lacking = house.running.cases.lacking_options().len();
        let commanding = &self.commanding;
        let now = house.running.clocks.business_time(TENANT, wall_clock());
        format!(
            "at {now}: {calls} calls, flying {flying:?}, commands {commanding:?}, costing {:?}, lacking {lacking}, {states:?}",
            self.costing
        )
    }
}

/// Whether there is nothing more to come of it.
pub fn is_settled(state: ActionState) -> bool {
    use ActionState::*;
    matches!(state, Documented | Refused | Withdrawn | Expired)
}

/// Whether its last attempt was begun and nobody wrote down how it ended.
fn is_unfinished(action: &CaseAction) -> bool {
    let last = action.attempts.iter().rev().find(|made| made.attempt == action.attempt_count);
    action.state == ActionState::Sending && last.is_some_and(|made| made.finished_at.is_none())
}

/// One attempt, journaled before the call and after it, as the outbox does.
struct Flight {
    running: Rc<Running>,
    entity: EntityKey,
    action: CaseAction,
    sender: mpsc::UnboundedSender<Told>,
}

impl Flight {
    async fn fly(self) {
        if is_unfinished(&self.action) {
            self.end(self.action.attempt_count, None).await;
        } else {
            let attempt = self.action.attempt_count + 1;
            let begin = CaseDecision::BeginAttempt { action_id: self.action.id.clone(), attempt };
            if let Ok(done) = self.command(begin).await {
                assert!(
                    done.lsn <= self.running.progress.durable(),
                    "invariant 17: journaled before the call"
                );
                let (answer, answered) = oneshot::channel();
                let action = Box::new(self.action.clone());
                let _ = self.sender.send(Told::Called { action, answer });
                self.end(attempt, answered.await.ok()).await;
            } else {
                // Somebody moved it on; it is looked at again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let _ = self.sender.send(Told::Landed { action: self.action.id.clone() });
    }

    async fn end(&self, attempt: u32, answer: Option<Answer>) {
        let (outcome, external_ref) = match answer {
            Some(Answer::Done(reference)) => (AttemptOutcome::Delivered, Some(reference)),
            Some(Answer::Busy) => (AttemptOutcome::Failed, None),
            None => (AttemptOutcome::Unknown, None),
        };
        loop {
            let clocks = &self.running.clocks;
            // Nobody knows when an event clock moves on.
            let wait = if clocks.clock_kind(TENANT) == ClockKind::Wall { RETRY_AFTER_MICROS } else { 0 };
            let retry_at = (outcome != AttemptOutcome::Delivered)
                .then(|| clocks.business_time(TENANT, wall_clock()).plus(wait));
            let end = CaseDecision::EndAttempt {
                action_id: self.action.id.clone(),
                attempt,
                outcome,
                status: None,
                detail: None,
                external_ref: external_ref.clone(),
                retry_at,
            };
            match self.command(end).await {
                Ok(_) | Err(CommandError::Refused(_)) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn command(&self, what: CaseDecision) -> Result<CommandDone, CommandError> {
        let command = Command::Case(Box::new(CaseCommand { version: None, what }));
        let actor = Actor::system("outbox");
        self.running.command(self.entity.clone(), command, actor, None, COMMAND_WITHIN).await
    }
}
