//! What the facts make of a case: opening, following, and closing by itself.

use super::*;

#[test]
fn an_exception_that_names_a_case_opens_it() {
    let mut desk = Desk::new();
    assert!(desk.settle().is_empty());
    desk.hear(stockout("OSLO", 520));
    desk.hear(stockout("MOSS", 80));
    assert_eq!(desk.settle(), [CaseChange::Opened]);
    let case = desk.case();
    assert_eq!(
        (case.state, case.version, case.facts, case.kind.as_str()),
        (CaseState::Draft, 1, 1, "shortage")
    );
    assert_eq!(case.exceptions, ["exc_MOSS", "exc_OSLO"]);
    assert_eq!((case.value_at_risk, case.decide_by), (Some(eur(600)), Some(day(1))));
    assert_eq!(case.title, "SKU A at OSLO short from 5 March: 40 units, 600.00 EUR, and one more exception");
    assert_eq!(case.wants_options(), Some(1));
    assert_eq!(case.places().len(), 2);
}

#[test]
fn the_title_says_what_and_how_much() {
    let mut desk = Desk::new();
    desk.hear(stockout("OSLO", 520));
    desk.settle();
    assert_eq!(desk.case().title, "SKU A at OSLO short from 5 March: 40 units, 520.00 EUR");
}

#[test]
fn a_late_order_is_titled_by_its_order_and_decided_for_the_places_behind_it() {
    let mut late = stockout("OSLO", 520);
    late.exception_type = ExceptionType::PurchaseLate;
    late.subject = ExceptionSubject::purchase_order(&"V".into(), &"P1".into());
    late.units_at_risk = None;
    let behind = |location: &str| crate::domain::exception::AffectedException {
        id: location.into(),
        exception_type: ExceptionType::ProjectedStockout,
        subject: ExceptionSubject::sku_location(&"A".into(), &location.into()),
        value_at_risk: None,
        units_at_risk: None,
        decide_by: None,
        act_by: None,
    };
    late.affected = Some(Box::new(crate::domain::exception::AffectedSummary {
        hidden: 0,
        key: "purchase_order:P1".into(),
        count: 2,
        exceptions: vec![behind("OSLO"), behind("MOSS")],
    }));
    let mut desk = Desk::new();
    desk.hear(late);
    desk.settle();
    let case = desk.case();
    assert_eq!(
        (case.kind.as_str(), case.title.as_str()),
        ("supply", "Purchase order P1 late: 2 affected, 520.00 EUR")
    );
    let places: Vec<_> = case.places().into_iter().map(|place| place.location).collect();
    assert_eq!(places, ["OSLO", "MOSS"]);
}

#[test]
fn opening_claims_the_exceptions_and_a_wrong_revision_changes_nothing() {
    let mut desk = Desk::new();
    desk.hear(stockout("OSLO", 520));
    let proposals = desk.state.reconcile(&key(), desk.now, &desk.reference).proposals;
    let [Transition::Case(change)] = &proposals[..] else { panic!("{proposals:?}") };
    let claim = Claim { entity: place("OSLO"), exceptions: vec!["exc_OSLO".into()], held: true };
    assert_eq!(change.claims, [claim]);
    let before = desk.state.clone();
    let body =
        || Body::Transition(Box::new(TransitionBody { entity: key(), transition: proposals[0].clone() }));
    desk.tell(body(), 2);
    assert_eq!((desk.state.item(), desk.state.revision()), (before.item(), 0));
    desk.tell(body(), 1);
    assert_eq!(desk.state.revision(), 1);
}

#[test]
fn what_is_grouped_or_about_the_same_counts_once() {
    let mut desk = Desk::new();
    desk.hear(stockout("OSLO", 520));
    let mut same = stockout("OSLO", 300);
    same.id = "exc_same".into();
    same.exception_type = ExceptionType::BelowSafetyStock;
    desk.hear(same);
    let mut cause = stockout("HUB", 1_000);
    cause.affected = Some(Box::new(crate::domain::exception::AffectedSummary {
        hidden: 0,
        key: "hub".into(),
        count: 1,
        exceptions: Vec::new(),
    }));
    desk.hear(cause);
    let mut grouped = stockout("MOSS", 80);
    grouped.group = Some("hub".into());
    desk.hear(grouped);
    desk.settle();
    assert_eq!(desk.case().value_at_risk, Some(eur(1_520)));
}

#[test]
fn options_are_proposed_and_small_changes_leave_them() {
    let mut desk = Desk::proposed();
    assert_eq!(
        (desk.state(), desk.case().version, desk.case().wants_options()),
        (CaseState::Proposed, 2, None)
    );
    let mut moved = stockout("OSLO", 600);
    moved.revision = 2;
    desk.hear(moved);
    assert_eq!(desk.settle(), [CaseChange::Updated]);
    let case = desk.case();
    assert_eq!((case.state, case.version, case.value_at_risk), (CaseState::Proposed, 2, Some(eur(600))));
    assert_eq!(case.wants_options(), None);
}

#[test]
fn small_changes_add_up() {
    let mut desk = Desk::proposed();
    for (revision, value, version) in [(2, 600, 2), (3, 649, 2), (4, 650, 3), (5, 800, 3)] {
        let mut moved = stockout("OSLO", value);
        moved.revision = revision;
        desk.hear(moved);
        desk.settle();
        assert_eq!(desk.case().version, version, "{value}");
    }
}

#[test]
fn before_a_choice_facts_that_move_want_new_options() {
    let mut desk = Desk::proposed();
    desk.hear(stockout("MOSS", 10));
    assert_eq!(desk.settle(), [CaseChange::Updated]);
    let case = desk.case();
    assert_eq!((case.state, case.version, case.wants_options()), (CaseState::Draft, 3, Some(2)));
    desk.compute();
    assert_eq!(desk.state(), CaseState::Proposed);
}

#[test]
fn after_a_choice_facts_that_move_void_the_votes_and_say_what_changed() {
    let mut desk = Desk::chosen("both");
    desk.approve(&bob()).unwrap();
    assert_eq!((desk.state(), desk.case().required[0].granted), (CaseState::AwaitingApproval, 1));
    let mut moved = stockout("OSLO", 1_040);
    moved.revision = 2;
    desk.hear(moved);
    let version = desk.case().version;
    assert_eq!(desk.settle(), [CaseChange::Updated]);
    let case = desk.case();
    assert_eq!((case.state, case.version), (CaseState::AwaitingApproval, version + 1));
    assert!(case.votes[0].void && case.required.iter().all(|step| step.granted == 0));
    let [change] = &case.changed_since[..] else { panic!("{:?}", case.changed_since) };
    assert_eq!((change.before.as_str(), change.after.as_str()), ("520.00 EUR", "1040.00 EUR"));
    let stale = desk.ask(&bob(), Some(version), CaseDecision::Approve { comment: None });
    let refusal = stale.clone().unwrap_err();
    assert!(refusal.detail.contains("since then: value at risk 520.00 EUR → 1040.00 EUR"), "{refusal}");
    check_refused(stale, RefusalCode::StaleVersion, Some("/version"));
    // Nobody approves numbers that are being computed anew.
    check_refused(desk.approve(&bob()), RefusalCode::Conflict, None);
    desk.compute();
    assert_eq!(
        (desk.state(), desk.case().chosen_option.as_deref()),
        (CaseState::AwaitingApproval, Some("both"))
    );
    desk.approve(&bob()).unwrap();
    // Ann chose it: the transfer wants another planner.
    desk.approve(&person("cid", "planner")).unwrap();
    assert_eq!(desk.state(), CaseState::Approved);
}

#[test]
fn a_choice_that_asks_for_something_else_now_is_dropped() {
    let check = |change: &dyn Fn(&mut CaseOption), state: CaseState| {
        let mut desk = Desk::chosen("order");
        desk.hear(stockout("MOSS", 900));
        desk.settle();
        let facts = desk.case().wants_options().unwrap();
        let mut options = computed(facts);
        change(&mut options[1]);
        desk.ask(&Actor::system("costing"), None, CaseDecision::SetOptions { facts, options }).unwrap();
        assert_eq!(desk.state(), state);
        assert_eq!(desk.case().chosen_option.is_some(), state == CaseState::AwaitingApproval);
    };
    check(&|_| {}, CaseState::AwaitingApproval);
    check(&|option| option.steps[0].arrives_at = Some(day(2).plus(1)), CaseState::AwaitingApproval);
    check(&|option| option.steps[0].arrives_at = Some(day(4)), CaseState::Proposed);
    check(&|option| option.steps[0].quantity = units(61), CaseState::Proposed);
    check(&|option| option.id = "other".into(), CaseState::Proposed);
    let fail = |option: &mut CaseOption| {
        option.gates.push(Gate { gate: "arrival".into(), passed: false, detail: "too late".into() });
    };
    check(&fail, CaseState::Proposed);
}

#[test]
fn options_that_time_has_passed_are_computed_anew_at_a_bounded_rate() {
    let review = |desk: &Desk| desk.state.reconcile(&key(), desk.now, &desk.reference).next_review_at;
    let proposed = |decide_by| {
        let mut desk = Desk::with(|settings| settings.cases.decide_within_hours = 900.0);
        let mut item = stockout("OSLO", 520);
        item.decide_by = decide_by;
        desk.hear(item);
        desk.settle();
        desk.compute();
        desk
    };
    // By their age.
    let mut desk = proposed(None);
    assert_eq!(review(&desk), Some(day(1)));
    let (facts, version) = (desk.case().facts, desk.case().version);
    assert_eq!(desk.at(day(1)), [CaseChange::Updated]);
    assert_eq!((desk.state(), desk.case().wants_options()), (CaseState::Draft, Some(facts + 1)));
    assert_eq!(desk.case().version, version, "nothing is another one until they are there");
    // As long as they are missing nothing more is asked for.
    assert!(desk.at(day(1).plus(1)).is_empty() && desk.at(day(9)).is_empty());
    desk.compute();
    assert_eq!((desk.state(), review(&desk)), (CaseState::Proposed, Some(day(10))));
    // By an arrival (day 2), once somebody has chosen; an arrival that lies in the past stays there.
    let mut desk = proposed(None);
    desk.choose(&ann(), "order").unwrap();
    assert_eq!(review(&desk), Some(day(2)));
    // By the last moment at which a decision helps, and not twice within an hour.
    let mut desk = proposed(Some(day(0).plus(60_000_000)));
    assert_eq!(desk.at(day(0).plus(60_000_000)), [CaseChange::Updated]);
    assert_eq!((desk.case().escalation_level, desk.case().wants_options()), (1, None));
    assert_eq!(desk.at(hour(1).plus(-1)), []);
    assert_eq!(desk.at(hour(1)), [CaseChange::Updated]);
    desk.compute();
    assert_eq!(review(&desk), Some(hour(25)));
}

#[test]
fn a_case_closes_when_everything_has_gone_before_a_decision() {
    for mut desk in [Desk::proposed(), Desk::chosen("order")] {
        desk.clear(&stockout("OSLO", 520), "a stockout is no longer probable");
        assert_eq!(desk.settle(), [CaseChange::Closed]);
        assert_eq!((desk.state(), desk.outcome()), (CaseState::Closed, "not_executed"));
        assert!(desk.case().actions.is_empty() && desk.case().closed_at.is_some());
    }
}

#[test]
fn one_of_two_that_goes_is_a_new_version() {
    let mut desk = Desk::proposed();
    desk.hear(stockout("MOSS", 1));
    desk.settle();
    desk.compute();
    let version = desk.case().version;
    desk.clear(&stockout("MOSS", 1), "gone");
    desk.settle();
    assert_eq!((desk.state(), desk.case().version), (CaseState::Draft, version + 1));
    assert_eq!(desk.case().exceptions.len(), 2);
}

#[test]
fn what_comes_back_to_an_undecided_case_opens_it_again() {
    let mut desk = Desk::proposed();
    let cleared = desk.clear(&stockout("OSLO", 520), "gone");
    desk.settle();
    let mut again = stockout("OSLO", 700);
    again.revision = cleared.revision + 1;
    desk.hear(again);
    assert_eq!(desk.settle(), [CaseChange::Reopened]);
    assert_eq!((desk.state(), desk.case().wants_options().is_some()), (CaseState::Draft, true));
}

#[test]
fn what_comes_back_to_a_rejected_case_is_let_go() {
    let mut desk = Desk::chosen("order");
    desk.ask(&bob(), None, CaseDecision::Reject { reason: "no".into() }).unwrap();
    // The exception still says that the case has it: it has not heard yet.
    let mut late = stockout("OSLO", 520);
    late.revision = 2;
    desk.hear(late.clone());
    assert_eq!(desk.settle(), [CaseChange::Updated]);
    late.state = ExceptionState::Open;
    late.revision = 3;
    desk.hear(late);
    assert!(desk.settle().is_empty());
    assert_eq!(desk.state(), CaseState::Rejected);
}

#[test]
fn an_exception_that_another_case_takes_leaves() {
    let mut desk = Desk::proposed();
    desk.hear(stockout("MOSS", 50));
    desk.settle();
    let mut taken = stockout("MOSS", 50);
    taken.case_id = Some("other".into());
    taken.revision = 2;
    desk.hear(taken);
    desk.settle();
    assert_eq!(desk.case().exceptions, ["exc_OSLO"]);
}

#[test]
fn a_case_by_hand_waits_for_its_exceptions_to_answer() {
    let mut desk = Desk::new();
    let mut free = stockout("OSLO", 520);
    (free.state, free.case_id) = (ExceptionState::Open, None);
    let claimed = |item: &ExceptionItem| ClaimedException { entity: place("OSLO"), item: item.clone() };
    let open = |exceptions| CaseDecision::Open {
        title: Some("Easter".into()),
        kind: None,
        exceptions,
        comment: Some("look".into()),
    };
    check_refused(desk.ask(&ann(), None, open(Vec::new())), RefusalCode::Invalid, Some("/exceptions"));
    check_refused(desk.ask(&ann(), None, comment()), RefusalCode::NotFound, None);
    let mut taken = free.clone();
    (taken.state, taken.case_id) = (ExceptionState::InCase, Some("other".into()));
    check_refused(desk.ask(&ann(), None, open(vec![claimed(&taken)])), RefusalCode::Conflict, None);
    let mut over = free.clone();
    over.state = ExceptionState::Cleared;
    check_refused(desk.ask(&ann(), None, open(vec![claimed(&over)])), RefusalCode::Conflict, None);

    desk.ask(&ann(), None, open(vec![claimed(&free)])).unwrap();
    assert!(desk.settle().is_empty());
    check_refused(desk.ask(&ann(), None, open(vec![claimed(&free)])), RefusalCode::Conflict, None);
    let (mut answered, mut silent) = (desk.clone(), desk);
    let mut held = stockout("OSLO", 520);
    held.revision = 2;
    answered.hear(held);
    answered.settle();
    assert!(answered.at(day(1).plus(-1)).is_empty());
    assert_eq!((answered.state(), answered.case().title.as_str()), (CaseState::Draft, "Easter"));
    // It cleared before the claim could reach it, and has nothing more to say.
    let review = silent.state.reconcile(&key(), silent.now, &silent.reference).next_review_at;
    assert_eq!(review, Some(day(0).plus(600_000_000)));
    assert_eq!(silent.at(day(0).plus(600_000_000)), [CaseChange::Closed]);
}
