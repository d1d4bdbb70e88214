//! The shell by itself, around an entity that fails when it is told to.

use std::sync::Arc;
use std::time::Duration;

use actix::Handler;
use futures_util::FutureExt;

use super::{Decide, EmitState, Health, Inspect, Rebuilt};
use crate::domain::approval_case::{CaseCommand, CaseDecision};
use crate::domain::command::{Actor, Command, RefusalCode};
use crate::domain::ids::{Lsn, Name};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, RefusedEvent, SystemBody, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::RECORD_BYTES_MAX;
use crate::runtime::commands::{Asker, CommandDone, CommandError, CommandRequest};
use crate::runtime::rebuild::Broken;
use crate::runtime::shard::Turn;
use crate::runtime::writer::Submission;

mod house;

use house::{Diary, House, TENANT, exception, key};

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
