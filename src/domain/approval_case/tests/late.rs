//! What was done after it had expired, and how long an action's exceptions stay.

use super::*;
use crate::domain::exception::command::ExceptionAction;
use crate::domain::exception::routing::RoutingRule;
use AttemptOutcome::{Delivered, Failed};
use RefusalCode::Conflict;

/// Delivered, never answered, expired on day 5; the case failed and let go of its exception.
fn expired() -> Desk {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    assert_eq!(desk.at(day(5)), [CaseChange::Failed]);
    let mut free = stockout("OSLO", 520);
    (free.state, free.case_id, free.revision) = (ExceptionState::Open, None, 2);
    desk.hear(free);
    desk.settle();
    desk
}

#[test]
fn what_was_done_after_it_had_expired_is_followed_to_its_end() {
    let id = expired().action().id.clone();
    // By its document: reconciled at once.
    let mut desk = expired();
    desk.placed(60, day(6));
    desk.now = day(5).plus(1);
    assert_eq!(desk.settle()[0], CaseChange::Executed);
    assert_eq!((desk.action().state, desk.action().late), (ActionState::Documented, true));
    assert_eq!(desk.troubles(), ["reconciliation_mismatch"], "it comes four days late");
    // By a confirmation.
    let mut desk = expired();
    desk.event(EventData::ActionConfirmed(Box::new(ActionAnswer {
        action_id: id.clone(),
        external_ref: None,
        actual: None,
        reason: None,
    })));
    assert_eq!(desk.settle(), [CaseChange::Executed, CaseChange::Reconciled, CaseChange::Closed]);
    assert_eq!((desk.action().state, desk.action().late), (ActionState::Confirmed, true));
    assert!(desk.action().state.counts_as_planned() && desk.action().expires_at == day(8));
    // By the answer to the call, and then the document.
    let mut desk = expired();
    desk.end(1, Delivered, None).unwrap();
    assert_eq!(desk.settle(), [CaseChange::Executed]);
    assert_eq!((desk.action().state, desk.action().expires_at), (ActionState::Delivered, day(8)));
    assert_eq!((desk.case().closed_at, desk.case().outcome.is_some()), (None, false));
    // Nothing is asked a second time, and no other decision is made about it.
    check_refused(desk.begin(2), Conflict, None);
    check_refused(desk.ask(&ann(), None, CaseDecision::Reopen { reason: "x".into() }), Conflict, None);
    desk.placed(60, day(2));
    assert_eq!(desk.settle(), [CaseChange::Reconciled, CaseChange::Closed]);
    assert_eq!((desk.action().id.as_str(), desk.outcome()), (id.as_str(), "late"));
    assert!(desk.troubles().is_empty());
}

/// What the action's exceptions are about ends with its time, whatever became of it.
#[test]
fn what_is_wrong_with_an_action_ends_with_it() {
    // Never answered: until what it was to solve is over, or as long again as it was waited for.
    let mut desk = expired();
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    desk.at(day(8).plus(-1));
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    let review = desk.state.reconcile(&key(), desk.now, &desk.reference).next_review_at;
    assert_eq!(review, Some(day(8)));
    desk.at(day(8));
    assert!(desk.troubles().is_empty());
    let mut desk = expired();
    desk.clear(&stockout("OSLO", 520), "somebody else solved it");
    desk.settle();
    assert!(desk.troubles().is_empty());

    // Done otherwise than approved: what nobody settles in time stands as it is.
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.placed(48, day(2));
    desk.settle();
    assert_eq!(desk.troubles(), ["reconciliation_mismatch"]);
    desk.at(day(5).plus(-1));
    assert_eq!(desk.troubles(), ["reconciliation_mismatch"]);
    desk.at(day(5));
    assert!(desk.troubles().is_empty());

    // Came although it was withdrawn, and after its time: somebody gets to see it all the same.
    let mut desk = Desk::approved();
    let action_id = desk.action().id.clone();
    let withdraw = CaseDecision::WithdrawAction { action_id, reason: "by phone".into() };
    desk.ask(&bob(), None, withdraw).unwrap();
    desk.at(day(6));
    desk.placed(60, day(2));
    desk.settle();
    assert_eq!(desk.troubles(), ["reconciliation_mismatch"]);
    desk.at(day(9));
    assert!(desk.troubles().is_empty());

    // Confirmed or refused, and the document came after its time: it is compared all the same.
    for confirmed in [true, false] {
        let mut desk = Desk::approved();
        desk.begin(1).unwrap();
        let action_id = desk.action().id.clone();
        let answer = ActionAnswer { action_id, external_ref: None, actual: None, reason: None };
        desk.event(if confirmed {
            EventData::ActionConfirmed(Box::new(answer))
        } else {
            EventData::ActionRefused(Box::new(answer))
        });
        desk.settle();
        desk.at(day(6));
        assert!(desk.troubles().is_empty());
        desk.placed(48, day(2));
        desk.settle();
        assert_eq!(desk.troubles(), ["reconciliation_mismatch"], "confirmed: {confirmed}");
        desk.at(day(9).plus(-1));
        assert_eq!(desk.troubles(), ["reconciliation_mismatch"]);
        desk.at(day(9));
        assert!(desk.troubles().is_empty());
    }

    // Waited for too long, and refused or withdrawn in the end.
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.end(1, Delivered, None).unwrap();
    desk.at(day(1));
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    let action_id = desk.action().id.clone();
    desk.event(EventData::ActionRefused(Box::new(ActionAnswer {
        action_id,
        external_ref: None,
        actual: None,
        reason: None,
    })));
    desk.settle();
    assert_eq!(desk.troubles(), ["action_refused"]);
    desk.at(day(5));
    assert!(desk.troubles().is_empty());
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.end(1, Failed, None).unwrap();
    desk.settle();
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    let action_id = desk.action().id.clone();
    let withdraw = CaseDecision::WithdrawAction { action_id, reason: "by phone".into() };
    desk.ask(&bob(), None, withdraw).unwrap();
    desk.settle();
    assert!(desk.troubles().is_empty());
}

#[test]
fn what_is_delivered_late_and_never_documented_expires_again() {
    let mut desk = expired();
    desk.end(1, Delivered, None).unwrap();
    desk.settle();
    assert_eq!(desk.at(day(8)), [CaseChange::Failed]);
    assert_eq!((desk.action().state, desk.outcome()), (ActionState::Expired, "not_executed"));
}

#[test]
fn a_team_given_by_hand_keeps_an_exception_after_its_snooze() {
    let rule = RoutingRule {
        acknowledge_within_hours: Some(2.0),
        escalate_to: vec!["management".into()],
        ..RoutingRule::all_to("operations")
    };
    for by_hand in [false, true] {
        let mut desk = Desk::with(|settings| settings.routing.rules = vec![rule.clone()]);
        desk.hear(stockout("OSLO", 520));
        desk.settle();
        desk.compute();
        desk.choose(&ann(), "order").unwrap();
        desk.approve(&bob()).unwrap();
        desk.begin(1).unwrap();
        desk.end(1, Failed, None).unwrap();
        desk.settle();
        let open = |desk: &Desk| ExceptionItem::clone(desk.state.exceptions().iter_open().next().unwrap());
        assert_eq!(open(&desk).team.as_deref(), Some("operations"));
        if by_hand {
            let team = Some("night".into());
            desk.handle(ExceptionAction::Assign { owner: None, team, comment: None });
        }
        desk.handle(ExceptionAction::Snooze { until: hour(6), comment: None });
        desk.at(hour(6));
        let back = open(&desk);
        let team = if by_hand { "night" } else { "operations" };
        assert_eq!((back.state, back.team.as_deref()), (ExceptionState::Open, Some(team)));
        assert_eq!((back.team_by_hand, back.sla_due_at), (by_hand, Some(hour(8))));
        // Where nobody of it picks it up it is for the next one, as ever.
        desk.at(hour(8));
        assert_eq!((open(&desk).team.as_deref(), open(&desk).team_by_hand), (Some("management"), false));
    }
}
