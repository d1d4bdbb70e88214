//! From an approval to what came of it: the outbox, documents, differences, silence.

use super::*;
use crate::domain::exception::command::ExceptionAction;
use AttemptOutcome::{Delivered, Failed, Refused, Unknown};
use RefusalCode::{Conflict, Forbidden, Invalid, NotFound};

#[test]
fn an_approval_makes_the_actions_of_the_option() {
    let desk = Desk::approved();
    let action = desk.action();
    assert_eq!(
        (action.kind, action.state, action.target.as_str()),
        (ActionKind::Order, ActionState::Pending, "erp")
    );
    assert_eq!((action.next_attempt_at, action.attempt_count), (Some(day(0)), 0));
    assert_eq!(action.expires_at, day(5));
    assert!(action.id.len() <= 64 && action.id.starts_with("act_"));
    assert!(action.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    assert_eq!(desk.case().approved_at, Some(day(0)));
    // The same decision makes the same id.
    assert_eq!(Desk::approved().action().id, action.id);
}

#[test]
fn an_order_is_delivered_documented_received_and_the_case_closes() {
    let mut desk = Desk::approved();
    assert_eq!(desk.begin(1), Ok(CaseChange::Executing));
    assert_eq!((desk.state(), desk.action().state), (CaseState::Executing, ActionState::Sending));
    assert_eq!(desk.end(1, Delivered, None), Ok(CaseChange::Action));
    assert_eq!(desk.settle(), [CaseChange::Executed]);
    // What was approved counts as supply, and the stockout goes: that is no proof yet.
    desk.clear(&stockout("OSLO", 520), "a stockout is no longer probable");
    desk.settle();
    assert_eq!(desk.state(), CaseState::Executed);
    desk.placed(60, day(2));
    assert_eq!(desk.settle(), [CaseChange::Reconciled]);
    let action = desk.action();
    let document = action.document.as_ref().unwrap();
    assert_eq!(
        (action.state, document.kind.as_str(), document.id.as_str()),
        (ActionState::Documented, "purchase_order", "4711")
    );
    assert_eq!((document.quantity, document.promised_at), (Some(units(60)), Some(day(2))));
    desk.received(20);
    assert_eq!(desk.settle(), [CaseChange::Action]);
    desk.received(40);
    assert_eq!(desk.settle(), [CaseChange::Closed]);
    assert_eq!((desk.outcome(), desk.action().document.as_ref().unwrap().received), ("avoided", units(60)));
    let outcome = desk.case().outcome.as_ref().unwrap();
    assert_eq!((outcome.expected_cost, outcome.expected_benefit), (Some(eur(10)), Some(eur(500))));
    assert!(desk.troubles().is_empty());
}

#[test]
fn what_came_of_it_is_measured_after_the_last_arrival() {
    let reconciled = || {
        let mut desk = Desk::approved();
        desk.begin(1).unwrap();
        desk.placed(60, day(2));
        assert_eq!(desk.settle(), [CaseChange::Executed, CaseChange::Reconciled]);
        desk
    };
    let mut open = reconciled();
    assert!(open.at(day(3).plus(-1)).is_empty());
    assert_eq!(open.at(day(3)), [CaseChange::Closed]);
    assert_eq!(open.outcome(), "not_avoided");
    let mut worse = reconciled();
    worse.clear(&stockout("OSLO", 520), "superseded by shortage_now");
    worse.at(day(3));
    assert_eq!(worse.outcome(), "not_avoided");
    let mut gone = reconciled();
    gone.clear(&stockout("OSLO", 520), "a stockout is no longer probable");
    gone.at(day(3));
    assert_eq!(gone.outcome(), "avoided");
}

#[test]
fn an_attempt_is_begun_in_order_when_it_is_due_and_by_the_outbox_alone() {
    let mut desk = Desk::approved();
    let action_id = desk.action().id.clone();
    let begin = |action_id: &Name| CaseDecision::BeginAttempt { action_id: action_id.clone(), attempt: 1 };
    check_refused(desk.ask(&bob(), None, begin(&action_id)), Forbidden, None);
    check_refused(desk.ask(&Actor::system("outbox"), None, begin(&"act_x".into())), NotFound, None);
    check_refused(desk.begin(2), Conflict, None);
    check_refused(desk.begin(0), Conflict, None);
    check_refused(desk.end(1, Delivered, None), Conflict, None);
    desk.begin(1).unwrap();
    // A restart asks the same again, and then ends or repeats the attempt.
    check_refused(desk.begin(1), Conflict, None);
    check_refused(desk.begin(2), Conflict, None);
    desk.now = desk.now.plus(60_000_000);
    assert_eq!(desk.begin(2), Ok(CaseChange::Action));
    // The late answer of the first attempt counts.
    desk.end(1, Delivered, None).unwrap();
    assert_eq!(desk.action().state, ActionState::Delivered);
    check_refused(desk.end(1, Delivered, None), Conflict, None);
    desk.end(2, Failed, None).unwrap();
    assert_eq!(desk.action().state, ActionState::Delivered);
    check_refused(desk.begin(3), Conflict, None);
}

#[test]
fn a_failed_attempt_is_due_again_and_the_last_one_is_dead() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.end(1, Failed, Some(hour(1))).unwrap();
    assert_eq!((desk.action().state, desk.action().next_attempt_at), (ActionState::Pending, Some(hour(1))));
    desk.at(hour(1));
    desk.begin(2).unwrap();
    desk.end(2, Unknown, Some(hour(2))).unwrap();
    assert_eq!(desk.action().state, ActionState::Sending);
    desk.at(hour(2));
    desk.begin(3).unwrap();
    desk.end(3, Failed, None).unwrap();
    desk.settle();
    assert_eq!((desk.action().state, desk.state()), (ActionState::Dead, CaseState::Executing));
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    let retry = CaseDecision::RetryAction { action_id: desk.action().id.clone() };
    desk.ask(&bob(), None, retry.clone()).unwrap();
    check_refused(desk.ask(&bob(), None, retry), Conflict, None);
    desk.settle();
    assert!(desk.troubles().is_empty());
    desk.begin(4).unwrap();
    desk.end(4, Delivered, None).unwrap();
    assert_eq!(desk.settle(), [CaseChange::Executed]);
}

#[test]
fn the_wait_after_a_failure_is_the_outboxs_to_keep() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    check_refused(desk.begin(2), Conflict, None);
    desk.end(1, Failed, Some(hour(1))).unwrap();
    // The wall was set back: business time is where it was, and the wait is over all the same.
    desk.begin(2).unwrap();
    check_refused(desk.begin(3), Conflict, None);
    desk.end(2, Delivered, None).unwrap();
    assert_eq!(desk.action().state, ActionState::Delivered);
}

#[test]
fn an_action_that_is_given_up_leaves_no_trace() {
    let mut desk = Desk::approved();
    let withdraw = |desk: &Desk, reason: &str| CaseDecision::WithdrawAction {
        action_id: desk.action().id.clone(),
        reason: reason.into(),
    };
    check_refused(desk.ask(&bob(), None, withdraw(&desk, "")), Invalid, Some("/reason"));
    desk.begin(1).unwrap();
    check_refused(desk.ask(&bob(), None, withdraw(&desk, "x")), Conflict, None);
    desk.end(1, Failed, None).unwrap();
    desk.ask(&bob(), None, withdraw(&desk, "by phone")).unwrap();
    assert!(!desk.action().state.counts_as_planned());
    assert_eq!(desk.settle(), [CaseChange::Cancelled]);
    // It was done all the same.
    desk.placed(60, day(2));
    desk.settle();
    assert_eq!((desk.state(), desk.troubles()), (CaseState::Cancelled, vec!["reconciliation_mismatch"]));
}

#[test]
fn a_refusal_fails_the_case_and_somebody_hears_of_it() {
    for by_event in [false, true] {
        let mut desk = Desk::approved();
        desk.begin(1).unwrap();
        if by_event {
            let action_id = desk.action().id.clone();
            desk.event(EventData::ActionRefused(Box::new(ActionAnswer {
                action_id,
                external_ref: None,
                actual: None,
                reason: Some("as told".into()),
            })));
        } else {
            desk.end(1, Refused, None).unwrap();
        }
        let changes = desk.settle();
        assert_eq!(changes.last(), Some(&CaseChange::Failed));
        assert_eq!((desk.state(), desk.outcome()), (CaseState::Failed, "not_executed"));
        assert_eq!(
            (desk.action().state, desk.action().error.as_deref()),
            (ActionState::Refused, Some("as told"))
        );
        assert_eq!(desk.troubles(), ["action_refused"]);
        let open = desk.state.exceptions().iter_open().next().unwrap();
        assert_eq!(
            (open.subject.kind.as_str(), open.subject.action_id.as_ref()),
            ("action", Some(&desk.action().id))
        );
        assert_eq!(
            open.cause.as_deref(),
            Some("order of 60 units of A for OSLO was refused by erp: as told")
        );
        desk.clear(&stockout("OSLO", 520), "somebody else solved it");
        desk.settle();
        assert!(desk.troubles().is_empty());
    }
}

#[test]
fn silence_after_delivery_is_told_once_and_ends_with_an_answer() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.end(1, Delivered, None).unwrap();
    desk.settle();
    let review = desk.state.reconcile(&key(), desk.now, &desk.reference).next_review_at;
    assert_eq!(review, Some(day(1)));
    desk.at(day(1).plus(-1));
    assert!(desk.troubles().is_empty());
    desk.at(day(1));
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    let action_id = desk.action().id.clone();
    desk.event(EventData::ActionConfirmed(Box::new(ActionAnswer {
        action_id,
        external_ref: Some("4711".into()),
        actual: None,
        reason: None,
    })));
    assert_eq!(desk.settle(), [CaseChange::Reconciled]);
    assert!(desk.troubles().is_empty());
    assert_eq!(
        (desk.action().state, desk.action().external_ref.as_deref()),
        (ActionState::Confirmed, Some("4711"))
    );
}

#[test]
fn what_nobody_answers_expires_and_the_case_fails() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.end(1, Delivered, None).unwrap();
    desk.settle();
    assert_eq!(desk.at(day(5)), [CaseChange::Failed]);
    assert_eq!((desk.action().state, desk.state()), (ActionState::Expired, CaseState::Failed));
    assert_eq!(desk.troubles(), ["action_unconfirmed"]);
    assert!(!desk.action().late);
}

#[test]
fn a_document_that_differs_is_a_mismatch_until_it_is_put_right_or_accepted() {
    let executed = |quantity, promised_at| {
        let mut desk = Desk::approved();
        desk.begin(1).unwrap();
        desk.placed(quantity, promised_at);
        desk.settle();
        desk
    };
    for (quantity, promised_at, cause) in [
        (48, day(2), "order of 60 units of A for OSLO: 48 instead of 60 units"),
        (
            60,
            day(4),
            "order of 60 units of A for OSLO: promised for 2026-03-06T00:00:00Z instead of 2026-03-04T00:00:00Z",
        ),
    ] {
        let desk = executed(quantity, promised_at);
        assert_eq!((desk.state(), desk.troubles()), (CaseState::Executed, vec!["reconciliation_mismatch"]));
        let open = desk.state.exceptions().iter_open().next().unwrap();
        assert_eq!(open.cause.as_deref(), Some(cause));
    }
    assert_eq!(executed(60, day(3)).state(), CaseState::Reconciled);

    let mut put_right = executed(48, day(2));
    put_right.placed(60, day(2));
    put_right.settle();
    assert_eq!((put_right.state(), put_right.troubles().len()), (CaseState::Reconciled, 0));

    let mut accepted = executed(48, day(2));
    accepted.handle(ExceptionAction::Dismiss { reason: "enough".into() });
    accepted.settle();
    assert_eq!((accepted.state(), accepted.troubles().len()), (CaseState::Reconciled, 0));

    let mut twice = executed(60, day(2));
    twice.placed_as("4712", 60, day(2));
    twice.settle();
    assert_eq!(twice.troubles(), ["reconciliation_mismatch"]);
    assert_eq!(twice.action().document.as_ref().unwrap().also, ["4712"]);

    let mut cancelled = executed(60, day(2));
    let named = DocumentNamed { document: "4711".into(), line_id: None };
    cancelled.event(EventData::PurchaseOrderEnded(named));
    cancelled.settle();
    assert_eq!(cancelled.action().document.as_ref().unwrap().quantity, Some(units(0)));
    assert_eq!(cancelled.troubles(), ["reconciliation_mismatch"]);
}

#[test]
fn an_acknowledgement_without_the_actions_id_is_matched_by_its_order() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.placed(60, day(2));
    desk.settle();
    let acknowledged = |po: &str, quantity| {
        EventData::PurchaseOrder(Box::new(PurchaseOrder {
            step: PurchaseOrderStep::Acknowledged,
            po_id: po.into(),
            supplier: None,
            lines: smallvec::smallvec![PurchaseOrderLine {
                line_id: "1".into(),
                place: None.into(),
                quantity: units(quantity),
                promised_at: None,
                unit_cost: None,
            }],
            currency: None,
            requested_at: None,
            action_id: None,
        }))
    };
    desk.event(acknowledged("other", 1));
    assert!(desk.settle().is_empty());
    desk.event(acknowledged("4711", 55));
    desk.settle();
    let document = desk.action().document.as_ref().unwrap();
    assert_eq!((document.quantity, document.promised_at), (Some(units(55)), Some(day(2))));
}

#[test]
fn an_expedited_line_and_a_transfer_are_documented_by_their_own_kinds() {
    let mut desk = Desk::chosen("expedite");
    desk.approve(&bob()).unwrap();
    desk.begin(1).unwrap();
    desk.placed_as("P1", 60, day(2));
    desk.settle();
    assert_eq!(desk.state(), CaseState::Reconciled);

    // The document of a line of which a part is here, or under way, states its total.
    let of_total = |documented: i64| {
        let mut desk = Desk::new();
        desk.hear(stockout("OSLO", 520));
        desk.settle();
        let facts = desk.case().wants_options().unwrap();
        let mut options = computed(facts);
        options[3].steps[0].line_quantity = Some(units(100));
        desk.ask(&Actor::system("costing"), None, CaseDecision::SetOptions { facts, options }).unwrap();
        desk.choose(&ann(), "expedite").unwrap();
        desk.approve(&bob()).unwrap();
        desk.begin(1).unwrap();
        desk.placed_as("P1", documented, day(2));
        desk.settle();
        desk
    };
    assert_eq!(of_total(100).state(), CaseState::Reconciled);
    assert_eq!(of_total(60).troubles(), ["reconciliation_mismatch"]);

    let mut desk = Desk::chosen("both");
    desk.approve(&bob()).unwrap();
    desk.approve(&person("eve", "planner")).unwrap();
    let transfer = desk.case().actions[1].id.clone();
    desk.event(EventData::Transfer(Box::new(Transfer {
        transfer_id: "T1".into(),
        lines: smallvec::smallvec![TransferLine {
            line_id: "1".into(),
            sku: "A".into(),
            from: "BERGEN".into(),
            to: "OSLO".into(),
            quantity: units(5),
            promised_at: Some(day(2)),
        }],
        action_id: Some(transfer),
    })));
    desk.settle();
    assert_eq!((desk.case().actions[1].state, desk.state()), (ActionState::Documented, CaseState::Approved));
    desk.begin(1).unwrap();
    desk.placed(60, day(2));
    assert_eq!(desk.settle(), [CaseChange::Executed, CaseChange::Reconciled]);
}

#[test]
fn a_blocking_task_holds_what_was_approved() {
    let mut desk = Desk::chosen("order");
    let task =
        |blocking| CaseDecision::AddTask { title: "call".into(), assignee: None, due_at: None, blocking };
    desk.ask(&ann(), None, task(true)).unwrap();
    desk.approve(&bob()).unwrap();
    assert_eq!(desk.action().next_attempt_at, None);
    check_refused(desk.begin(1), Conflict, None);
    desk.now = hour(3);
    desk.ask(&ann(), None, CaseDecision::CompleteTask { task_id: "task_1".into() }).unwrap();
    assert_eq!(desk.action().next_attempt_at, Some(hour(3)));
    desk.ask(&ann(), None, task(false)).unwrap();
    assert_eq!(desk.action().next_attempt_at, Some(hour(3)));
    desk.ask(&ann(), None, task(true)).unwrap();
    assert_eq!(desk.action().next_attempt_at, None);
    // What is held for too long expires like anything else.
    assert_eq!(desk.at(day(5)), [CaseChange::Failed]);
}

#[test]
fn the_answer_may_come_before_the_result_of_the_call() {
    let mut desk = Desk::approved();
    desk.begin(1).unwrap();
    desk.placed(60, day(2));
    desk.settle();
    desk.end(1, Failed, None).unwrap();
    desk.settle();
    assert_eq!((desk.action().state, desk.state()), (ActionState::Documented, CaseState::Reconciled));
    check_refused(desk.begin(2), Conflict, None);
}
