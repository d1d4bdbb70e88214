//! The shell by itself, around an entity that fails when it is told to.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Handler};
use crossbeam_channel::{Receiver, unbounded};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Decide, EmitState, Health, Hosted, Inspect, Rebuilt, Shell};
use crate::domain::approval_case::{CaseCommand, CaseDecision};
use crate::domain::command::{Actor, Command, Refusal, RefusalCode};
use crate::domain::entity::{Entity, Reconciled};
use crate::domain::event::EventData;
use crate::domain::exception::{ExceptionItem, ExceptionTransition};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{
    Body, ClockKind, Delivery, Record, RefusedEvent, SystemBody, Transition, TransitionBody,
};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::RECORD_BYTES_MAX;
use crate::runtime::admission::Admission;
use crate::runtime::commands::{Asker, CommandDone, CommandError, CommandRequest};
use crate::runtime::fold::Routed;
use crate::runtime::metrics::Metrics;
use crate::runtime::progress::Progress;
use crate::runtime::rebuild::{Broken, Making, RebuildRequest, Rebuilder, Whole};
use crate::runtime::shard::{EntityAddr, ShardLimits, ShardParts, ShardShared, StateKind, Turn};
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::writer::Submission;

const TENANT: TenantNumber = TenantNumber(0);

/// Remembers which records it was given, each with the version of the Reference that it read.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Diary {
    read: Vec<(u64, u64)>,
    revision: u64,
    /// What it decides, and proposes when it looks: refusals of events with details of so many bytes.
    wants: Vec<usize>,
    /// What it says of that.
    settles: bool,
    is_urgent: bool,
}

impl Diary {
    fn proposals(&self) -> Vec<Transition> {
        let refused = |bytes: &usize| {
            let code = Name::from("told_to");
            Transition::RefusedEvent(RefusedEvent { lsn: Lsn(1), code, detail: "x".repeat(*bytes) })
        };
        self.wants.iter().map(refused).collect()
    }
}

impl Entity for Diary {
    fn new(_: &EntityKey) -> Diary {
        Diary::default()
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.read.push((delivery.record.lsn.0, reference.version().0));
        assert!(delivery.record.id != "poison", "told to fail");
        if delivery.record.entity_revision == self.revision + 1 {
            self.revision += 1;
        }
    }

    fn reconcile(&self, _: &EntityKey, now: Timestamp, _: &Reference) -> Reconciled {
        assert!(now != Timestamp::MIN, "told to fail");
        Reconciled { proposals: self.proposals().into(), next_review_at: None, settles: self.settles }
    }

    fn is_urgent(&self, now: Timestamp) -> bool {
        assert!(now != Timestamp::MIN, "told to fail");
        self.is_urgent
    }

    fn decide(
        &self,
        _: &EntityKey,
        _: &Command,
        _: &Actor,
        _: Timestamp,
        _: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        Ok(self.proposals())
    }

    fn applied_lsn(&self) -> Lsn {
        Lsn(self.read.last().map_or(0, |(lsn, _)| *lsn))
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Hosted for Diary {
    const STATE_KIND: Option<StateKind> = Some(StateKind::Supplier);

    fn addr(_: &EntityAddr) -> Option<&Addr<Shell<Diary>>> {
        None
    }

    fn state_item(&self, _: &EntityKey, _: Timestamp, _: &Reference) -> Value {
        panic!("told to fail")
    }
}

struct House {
    shell: Shell<Diary>,
    journal: Vec<Arc<Record>>,
    reference: Arc<Reference>,
    submitted: Receiver<Submission>,
}

fn key() -> EntityKey {
    EntityKey::Supplier { tenant: TENANT, supplier: Name::from("S") }
}

fn exception(id: &str, state: &str) -> ExceptionItem {
    serde_json::from_value(json!({
        "id": id, "type": "missing_master_data", "state": state, "severity": "low", "urgency": 1, "value_at_risk": null,
        "units_at_risk": null, "decide_by": null,
        "subject": {"kind": "supplier", "sku": null, "location": null, "supplier": "S"},
        "opened_at": "2026-03-02T00:00:00Z", "updated_at": "2026-03-02T00:00:00Z", "cleared_at": null, "window": null,
        "cause": null, "confidence": null, "evidence": [], "case_id": null, "owner": null, "team": null,
        "sla_due_at": null, "revision": 1
    }))
    .unwrap()
}

fn nothing() -> Body {
    Body::Event { event_type: None, data: EventData::Reserved }
}

impl House {
    fn new() -> House {
        let (submissions, submitted) = unbounded();
        let parts = ShardParts {
            index: 0,
            limits: ShardLimits {
                reconcile_budget: Duration::MAX,
                review_slice: 1,
                look_slice: 1,
                look_again: Duration::from_secs(1),
                look_again_percent: 25,
                capture_slice: 1,
                live_max: 1_000,
                packed_bytes_max: 1 << 20,
                state_interval: Duration::MAX,
            },
            submissions,
            progress: Arc::new(Progress::new(1)),
            admission: Arc::new(Admission::new(1, 1)),
            metrics: Arc::new(Metrics::default()),
            exceptions: Arc::new(Exceptions::new(10)),
            cases: Arc::new(Cases::new(10)),
            idempotency_keys: Arc::default(),
            rebuilder: Rebuilder::idle(),
            state_sink: crate::feed::channel().0,
            wall_clock: || Timestamp::from_micros(0),
        };
        let shared = Rc::new(ShardShared::new(parts));
        shared.live.set(true);
        let shell = Shell::new(Arc::new(key()), 0, shared);
        House { shell, journal: Vec::new(), reference: Arc::default(), submitted }
    }

    fn take(&mut self, id: &str, entity_revision: u64, body: Body) -> Lsn {
        let lsn = Lsn(self.journal.len() as u64 + 1);
        let time = Timestamp::from_micros(lsn.0 as i64);
        let record = Arc::new(Record {
            lsn,
            tenant: TENANT,
            event_time: time,
            ingest_time: time,
            business_time: time,
            causing_lsn: Lsn::ZERO,
            entity_revision,
            source: Name::from("/test"),
            id: Name::from(id),
            sequence: Name::default(),
            principal: Name::from("dev"),
            body,
        });
        let at = Routed { record: &record, lsn, business_time: time, origin: lsn };
        self.shell.apply(at, &self.reference);
        self.journal.push(record);
        lsn
    }

    fn look(&mut self, now: Timestamp, origin: Lsn) {
        self.shell.reconcile(now, origin);
    }

    fn event(&mut self, id: &str) -> Lsn {
        self.take(id, 0, nothing())
    }

    fn transition(&mut self, revision: u64, kind: &str, item: ExceptionItem) -> Lsn {
        let kind = serde_json::from_value(json!(kind)).unwrap();
        let transition = Transition::Exception(Box::new(ExceptionTransition::alone(kind, item)));
        self.take("", revision, Body::Transition(Box::new(TransitionBody { entity: key(), transition })))
    }

    fn quarantined(&mut self, poison: Lsn) -> Lsn {
        let body = SystemBody::EntityQuarantined { entity: key(), poison, detail: String::new() };
        self.take("", 0, Body::System(Box::new(body)))
    }

    fn released(&mut self, poison: Lsn, skip: bool) -> Lsn {
        let body = SystemBody::EntityReleased { entity: key(), poison, skip };
        self.take("", 0, Body::System(Box::new(body)))
    }

    /// Folds the journal for the request that the shell awaits now.
    fn rebuilt(&self, until: Lsn) -> Rebuilt<Diary> {
        let mut making = Making::new(RebuildRequest {
            key: key(),
            slot: 0,
            ticket: self.shell.ticket,
            until,
            stop_before: None,
            since: self.shell.stopped_at.unwrap_or_default(),
            skip: self.shell.shard.skipped(&key()),
        });
        for record in &self.journal {
            let at =
                Routed { record, lsn: record.lsn, business_time: record.business_time, origin: record.lsn };
            making.deliver(at, &self.reference);
        }
        Rebuilt { ticket: self.shell.ticket, outcome: making.outcome(None) }
    }

    /// A state that has the first `count` records.
    fn state_of(&self, count: u64) -> Rebuilt<Diary> {
        let read = (1..=count).map(|lsn| (lsn, 0)).collect();
        let whole =
            Whole { entity: Diary { read, ..Diary::default() }, exceptions: Vec::new(), cases: Vec::new() };
        Rebuilt { ticket: self.shell.ticket, outcome: Ok(whole) }
    }

    /// Records of the live state; `None` if it is not live.
    fn read(&self) -> Option<Vec<u64>> {
        match &self.shell.health {
            Health::Live(diary) => Some(diary.read.iter().map(|(lsn, _)| *lsn).collect()),
            _ => None,
        }
    }

    fn failed_at(&self) -> Option<u64> {
        match &self.shell.health {
            Health::Failed { failure, .. } => Some(failure.failed_at.0),
            _ => None,
        }
    }

    fn wants(&mut self, bytes: &[usize]) {
        if let Health::Live(diary) = &mut self.shell.health {
            diary.wants = bytes.to_vec();
        }
    }

    /// Revisions and lengths of what it proposed since last asked, by group.
    fn proposed(&self) -> Vec<Vec<(u64, usize)>> {
        let group = |submission| match submission {
            Submission::Own { records, buffer, .. } => {
                let told = records.iter().map(|own| (own.record.entity_revision, own.bytes.len()));
                assert_eq!(records.last().map_or(0, |own| own.bytes.end), buffer.len());
                told.collect()
            }
            _ => panic!("an entity submits its own"),
        };
        self.submitted.try_iter().map(group).collect()
    }

    fn open(&self) -> Vec<(String, u64)> {
        let entries = self.shell.shard.exceptions.select(TENANT, false, |_| true);
        entries.iter().map(|entry| (entry.item.id.to_string(), entry.lsn.0)).collect()
    }
}

#[test]
fn a_state_asked_for_before_the_release_does_not_go_live() {
    let mut house = House::new();
    house.event("a");
    let poison = house.event("poison");
    let before = house.state_of(1);
    house.event("b");
    let released = house.released(poison, true);
    house.shell.take_rebuilt(before);
    assert_eq!(house.read(), None, "the state before the record answers an earlier request");
    house.event("c");
    house.shell.take_rebuilt(house.rebuilt(released));
    assert_eq!(house.read(), Some(vec![1, 3, 5]));
}

#[test]
fn of_two_releases_the_later_one_counts() {
    let mut house = House::new();
    let poison = house.event("poison");
    house.released(poison, true);
    let first = house.state_of(0);
    house.event("a");
    let second = house.released(poison, true);
    house.shell.take_rebuilt(first);
    assert_eq!(house.read(), None);
    house.shell.take_rebuilt(house.rebuilt(second));
    assert_eq!(house.read(), Some(vec![3]));
}

/// Found by seed 961 of the simulation.
#[test]
fn what_came_back_during_a_rebuild_that_another_one_replaces_is_no_longer_on_its_way() {
    let mut house = House::new();
    let unsettled = |house: &House| house.shell.shard.progress.unsettled_count();
    let poison = house.event("poison");
    let released = house.released(poison, true);
    house.shell.take_rebuilt(house.rebuilt(released));
    assert_eq!(house.proposed().len(), 1, "that it failed");
    house.wants(&[10]);
    house.look(Timestamp::from_micros(9), released);
    assert_eq!((house.proposed().len(), unsettled(&house)), (1, 1), "it waits for what it proposed");
    house.released(poison, true);
    house.transition(1, "opened", exception("e", "open"));
    let released = house.released(poison, true);
    house.shell.take_rebuilt(house.rebuilt(released));
    house.look(Timestamp::from_micros(9), released);
    assert_eq!(unsettled(&house), 0, "invariant 25");
    house.wants(&[10]);
    house.look(Timestamp::from_micros(9), released);
    let revisions: Vec<u64> = house.proposed().iter().flatten().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, [2], "the next one goes on from what came back");
}

#[test]
fn a_quarantine_that_is_recorded_during_a_rebuild_holds_whenever_the_state_comes() {
    let mut house = House::new();
    let poison = house.event("a");
    house.released(poison, false);
    let early = house.state_of(1);
    house.quarantined(poison);
    house.shell.take_rebuilt(early);
    assert_eq!((house.read(), house.failed_at()), (None, Some(poison.0)));
}

#[test]
fn what_waits_for_a_rebuild_reads_the_reference_of_its_own_time() {
    let mut house = House::new();
    let poison = house.event("poison");
    let released = house.released(poison, true);
    house.event("before");
    let mut reference = Reference::default();
    let body = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Wall,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    let declared = Record { lsn: Lsn(9), body: Body::System(Box::new(body)), ..(*house.journal[0]).clone() };
    reference.apply(&Arc::new(declared));
    house.reference = Arc::new(reference);
    house.event("after");
    house.shell.take_rebuilt(house.rebuilt(released));
    let Health::Live(diary) = &house.shell.health else { panic!("it is live") };
    assert_eq!(diary.read, [(3, 0), (4, 9)]);
}

#[test]
fn what_an_entity_journaled_while_it_stood_still_reaches_the_summary() {
    let mut house = House::new();
    house.transition(1, "opened", exception("x", "open"));
    let poison = house.event("poison");
    // Both were on their way when it failed.
    house.transition(2, "cleared", exception("x", "cleared"));
    house.transition(3, "opened", exception("y", "open"));
    assert_eq!(house.open(), [("x".to_owned(), 1)]);
    let released = house.released(poison, true);
    house.shell.take_rebuilt(house.rebuilt(released));
    assert_eq!(house.open(), [("y".to_owned(), 4)]);
    let ended = house.shell.shard.exceptions.get(TENANT, "x").unwrap();
    assert_eq!((ended.item.state.as_str(), ended.lsn), ("cleared", Lsn(3)));
}

#[test]
fn a_look_that_fails_keeps_the_state_and_blames_no_record() {
    let mut house = House::new();
    house.event("a");
    let last = house.event("b");
    house.look(Timestamp::MIN, last);
    assert_eq!(house.failed_at(), Some(2));
    let Health::Failed { before: Some(diary), .. } = &house.shell.health else { panic!("the state is kept") };
    assert_eq!(diary.read, [(1, 0), (2, 0)]);
    let Ok(Submission::Own { records, .. }) = house.submitted.try_recv() else { panic!("it is journaled") };
    let Body::System(body) = &records[0].record.body else { panic!("by the tower") };
    let SystemBody::EntityQuarantined { poison, .. } = &**body else { panic!("as a quarantine") };
    assert_eq!((*poison, records[0].record.causing_lsn), (Lsn::ZERO, Lsn(2)));
    house.quarantined(Lsn::ZERO);
    let released = house.released(Lsn::ZERO, true);
    house.shell.take_rebuilt(house.rebuilt(released));
    assert_eq!(house.read(), Some(vec![1, 2]), "nothing is left out");
}

#[test]
fn a_journal_that_cannot_be_read_leaves_the_entity_in_quarantine() {
    let mut house = House::new();
    let poison = house.event("poison");
    house.released(poison, false);
    let broken = Broken { poison: Lsn::ZERO, detail: "no disk".to_owned(), before: None };
    house.shell.take_rebuilt(Rebuilt { ticket: house.shell.ticket, outcome: Err(broken) });
    assert!(house.failed_at().is_some());
    assert_eq!(house.submitted.try_iter().count(), 2, "once for each failure");
}

#[actix_web::test]
async fn a_read_that_fails_is_counted_and_answers_nothing() {
    let mut house = House::new();
    house.event("a");
    let metrics = house.shell.shard.metrics.clone();
    let (reply, answer) = tokio::sync::oneshot::channel::<()>();
    let context = &mut actix::Context::new();
    let read: super::Inspection<Diary> = Box::new(move |_| {
        let _reply = reply;
        panic!("told to fail");
    });
    house.shell.handle(Inspect(read), context);
    assert!(answer.await.is_err());
    house.shell.handle(EmitState, context);
    assert_eq!(metrics.read_failures.get(), 2);
    assert_eq!(house.read(), Some(vec![1]), "the entity goes on");
}

/// What the envelope and the rest of a body take beside the detail, at most.
const REST_MAX: usize = 1_000;

#[test]
fn a_proposal_beyond_what_a_record_takes_is_left_out_and_the_others_are_not() {
    let mut house = House::new();
    let last = house.event("a");
    house.wants(&[10, RECORD_BYTES_MAX, 20]);
    house.look(Timestamp::MAX, last);
    let proposed = house.proposed();
    assert_eq!(proposed.len(), 1);
    let (revisions, lengths): (Vec<u64>, Vec<usize>) = proposed[0].iter().copied().unzip();
    assert_eq!(revisions, [1, 2], "one after the other, as if it had not been proposed");
    assert!(lengths.iter().all(|length| *length < REST_MAX));
    assert_eq!(house.shell.shard.metrics.proposals_left_out.get(), 1);
}

#[test]
fn a_proposal_that_fills_a_record_is_journaled() {
    let mut house = House::new();
    let last = house.event("a");
    house.wants(&[RECORD_BYTES_MAX - REST_MAX]);
    house.look(Timestamp::MAX, last);
    assert_eq!(house.proposed().len(), 1);
    assert_eq!(house.shell.shard.metrics.proposals_left_out.get(), 0);
}

#[test]
fn an_entity_whose_only_proposal_is_left_out_waits_for_nothing() {
    let mut house = House::new();
    let last = house.event("a");
    house.wants(&[RECORD_BYTES_MAX]);
    house.look(Timestamp::MAX, last);
    assert!(house.proposed().is_empty() && house.shell.in_flight.is_none());
    house.wants(&[10]);
    house.look(Timestamp::MAX, last);
    assert_eq!(house.proposed().len(), 1, "it is proposed when it has become smaller");
}

/// Has it propose something that settles everything, and want nothing any more.
fn propose_what_settles(house: &mut House) {
    let last = house.event("a");
    house.wants(&[10]);
    if let Health::Live(diary) = &mut house.shell.health {
        diary.settles = true;
    }
    house.look(Timestamp::MAX, last);
    assert_eq!(house.proposed().len(), 1);
    house.wants(&[]);
}

fn lands(house: &mut House, revision: u64) {
    let refused = RefusedEvent { lsn: Lsn(1), code: Name::from("told_to"), detail: String::new() };
    let transition = Transition::RefusedEvent(refused);
    house.take("", revision, Body::Transition(Box::new(TransitionBody { entity: key(), transition })));
}

#[test]
fn nobody_looks_again_where_nothing_else_happened() {
    let mut house = House::new();
    propose_what_settles(&mut house);
    assert!(!house.shell.settle(), "it is not back yet");
    lands(&mut house, 1);
    assert!(house.shell.settle());
    assert!(house.shell.in_flight.is_none() && !house.shell.settle());
}

#[test]
fn whoever_heard_of_something_else_meanwhile_looks_again() {
    let happenings: [fn(&mut House); 3] = [
        |house| {
            house.event("b");
            lands(house, 1);
        },
        |house| lands(house, 2),
        |house| {
            house.look(Timestamp::MAX, Lsn(1));
            lands(house, 1);
        },
    ];
    for happens in happenings {
        let mut house = House::new();
        propose_what_settles(&mut house);
        happens(&mut house);
        assert!(!house.shell.settle() && house.shell.in_flight.is_some());
    }
}

#[test]
fn what_is_urgent_goes_first_until_it_was_looked_at() {
    const WAITS: (Option<Turn>, bool) = (None, false);
    const FIRST: (Option<Turn>, bool) = (Some(Turn::Free), true);
    let mut house = House::new();
    let last = house.event("a");
    let urgent = |house: &mut House, is_urgent| {
        if let Health::Live(diary) = &mut house.shell.health {
            diary.is_urgent = is_urgent;
        }
        house.shell.turn(Timestamp::MAX, last)
    };
    assert_eq!(urgent(&mut house, false), WAITS);
    assert_eq!(urgent(&mut house, true), FIRST);
    assert_eq!(house.shell.turn(Timestamp::MIN, last), WAITS, "whoever can't tell does not stop the shard");
    assert_eq!(urgent(&mut house, true), FIRST);
    house.look(Timestamp::MAX, last);
    assert_eq!(urgent(&mut house, true), WAITS, "it was looked at, whatever was found");
    assert_eq!(urgent(&mut house, false), WAITS);
    assert_eq!(urgent(&mut house, true), FIRST, "it has become so again");
}

#[actix_web::test]
async fn while_somebody_waits_for_what_follows_from_a_record_one_looks_for_it_at_once() {
    let mut house = House::new();
    let last = house.event("a");
    let progress = Arc::clone(&house.shell.shard.progress);
    let mut turn = |origin| house.shell.turn(Timestamp::MAX, origin).0;
    assert_eq!(turn(last), None);
    progress.begin(0, last);
    progress.publish_durable(last);
    progress.publish_applied(0, last);
    let mut settled = Box::pin(progress.wait_settled(last, Duration::from_secs(9)));
    assert_eq!(settled.as_mut().now_or_never(), None);
    assert_eq!((turn(last), turn(last.next())), (Some(Turn::Free), None));
    drop(settled);
    assert_eq!(turn(last), None, "nobody waits any more");
}

#[test]
fn what_does_not_fit_into_one_group_is_left_for_the_next() {
    let mut house = House::new();
    let last = house.event("a");
    house.wants(&[12 << 20, 12 << 20, 12 << 20]);
    house.look(Timestamp::MAX, last);
    assert_eq!(house.proposed().iter().map(Vec::len).collect::<Vec<_>>(), [2]);
    assert_eq!(house.shell.shard.metrics.proposals_left_out.get(), 0, "it is only put off");
}

/// Gives it a command.
fn decide(house: &mut House) -> tokio::sync::oneshot::Receiver<Result<CommandDone, CommandError>> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let what = CaseDecision::Comment { text: String::new() };
    let command = Command::Case(Box::new(CaseCommand { version: None, what }));
    let asker = Asker { tenant: TENANT, actor: Actor::system("ann"), idempotency: None, reply };
    house.shell.handle(Decide(CommandRequest { command, asker }), &mut actix::Context::new());
    answer
}

#[actix_web::test]
async fn what_is_still_to_be_looked_for_is_not_settled_while_a_command_goes_first() {
    let mut house = House::new();
    let origin = house.event("a");
    house.wants(&[10]);
    house.look(Timestamp::MAX, origin);
    let _answer = decide(&mut house);
    let news = house.event("b");
    house.look(Timestamp::MAX, news);
    lands(&mut house, 1);
    house.look(Timestamp::MAX, news);
    assert_eq!(house.proposed().len(), 2, "the command goes first, and the look for the news waits");
    let progress = &house.shell.shard.progress;
    progress.publish_durable(Lsn(9));
    progress.publish_applied(0, Lsn(9));
    assert!(!progress.wait_settled(news, Duration::ZERO).await);
    lands(&mut house, 2);
    house.wants(&[]);
    house.look(Timestamp::MAX, Lsn(4));
    assert!(house.shell.shard.progress.wait_settled(news, Duration::ZERO).await);
}

#[actix_web::test]
async fn a_command_beyond_what_a_record_takes_is_refused() {
    let mut house = House::new();
    house.event("a");
    house.wants(&[RECORD_BYTES_MAX]);
    let Err(CommandError::Refused(refusal)) = decide(&mut house).await.unwrap() else { panic!("refused") };
    assert_eq!((refusal.code, refusal.pointer.as_deref()), (RefusalCode::Invalid, Some("")));
    assert!(house.proposed().is_empty() && house.shell.in_flight.is_none());
    house.wants(&[10]);
    let mut answer = decide(&mut house);
    assert_eq!(house.proposed().len(), 1, "the next one is decided");
    assert!(answer.try_recv().is_err(), "and answered when it comes back");
}
