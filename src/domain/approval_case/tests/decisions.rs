//! Commands: who may what, in which state, on which version.

use super::*;
use RefusalCode::{Conflict, Forbidden, Invalid, NotFound, StaleVersion};

#[test]
fn a_choice_names_a_version_and_an_option_that_can_be_carried_out() {
    let mut desk = Desk::proposed();
    let choose = |option: &str| CaseDecision::Choose { option_id: option.into() };
    check_refused(desk.ask(&ann(), None, choose("order")), Invalid, Some("/version"));
    check_refused(desk.ask(&ann(), Some(1), choose("order")), StaleVersion, Some("/version"));
    check_refused(desk.choose(&ann(), "none"), NotFound, None);
    check_refused(desk.choose(&ann(), "gated"), Conflict, None);
    assert_eq!(desk.choose(&ann(), "order"), Ok(CaseChange::Chosen));
    let case = desk.case();
    assert_eq!((case.state, case.version), (CaseState::AwaitingApproval, 3));
    assert_eq!(
        case.proposed_by.as_ref().map(|by| (by.id.as_str(), by.kind)),
        Some(("ann", ActorKind::Person))
    );
    let [step] = &case.required[..] else { panic!() };
    assert_eq!((step.role.as_str(), step.quorum, step.deadline), ("supply_planner", 1, Some(day(2))));
    // An agent may propose; the other choice voids what was voted.
    let agent = Actor { kind: ActorKind::Agent, ..person("bot", "agent") };
    desk.choose(&agent, "do_nothing").unwrap();
    assert_eq!(desk.case().required[0].role, "category_manager");
}

#[test]
fn options_are_set_once_for_the_facts_and_by_the_tower_alone() {
    let mut desk = Desk::new();
    desk.hear(stockout("OSLO", 520));
    desk.settle();
    let set = |facts| CaseDecision::SetOptions { facts, options: computed(facts) };
    let costing = Actor::system("costing");
    check_refused(desk.ask(&ann(), None, set(1)), Forbidden, None);
    check_refused(desk.ask(&costing, None, set(2)), Conflict, None);
    check_refused(desk.choose(&ann(), "order"), Conflict, None);
    assert_eq!(desk.ask(&costing, None, set(1)), Ok(CaseChange::Options));
    check_refused(desk.ask(&costing, None, set(1)), Conflict, None);
}

#[test]
fn whoever_chose_may_not_approve_and_an_agent_never() {
    let mut desk = Desk::chosen("order");
    let approve = || CaseDecision::Approve { comment: Some("fine".into()) };
    let version = desk.case().version;
    check_refused(desk.ask(&bob(), None, approve()), Invalid, Some("/version"));
    check_refused(desk.ask(&bob(), Some(version - 1), approve()), StaleVersion, Some("/version"));
    check_refused(desk.approve(&person("ann", "admin")), Forbidden, None);
    check_refused(desk.approve(&person("cid", "viewer")), Forbidden, None);
    for kind in [ActorKind::Agent, ActorKind::System, ActorKind::Rule, ActorKind::Solver] {
        check_refused(desk.approve(&Actor { kind, ..person("x", "admin") }), Forbidden, None);
    }
    assert_eq!(desk.approve(&bob()), Ok(CaseChange::Approved));
    check_refused(desk.approve(&bob()), Conflict, None);
}

#[test]
fn one_person_counts_once_whatever_roles() {
    let mut desk = Desk::chosen("both");
    let roles: Vec<_> = desk.case().required.iter().map(|step| step.role.clone()).collect();
    assert_eq!(roles, ["supply_planner", "planner"]);
    let both = Actor { roles: vec!["planner".into(), "supply_planner".into()], ..bob() };
    assert_eq!(desk.approve(&both), Ok(CaseChange::Voted));
    check_refused(desk.approve(&both), Conflict, None);
    // A vote leaves the version as it is.
    check_refused(desk.approve(&person("dan", "supply_planner")), Forbidden, None);
    assert_eq!(desk.approve(&person("eve", "planner")), Ok(CaseChange::Approved));
    assert_eq!(desk.case().actions.len(), 2);
}

#[test]
fn doing_nothing_is_approved_too_and_leaves_no_actions() {
    let mut desk = Desk::chosen("do_nothing");
    check_refused(desk.approve(&bob()), Forbidden, None);
    desk.approve(&person("eve", "category_manager")).unwrap();
    assert!(desk.case().actions.is_empty());
    assert!(desk.settle().is_empty());
    // The trouble was to begin on day 3: a day later it is looked at what came of it.
    assert!(desk.at(day(4).plus(-1)).is_empty());
    assert_eq!(desk.at(day(4)), [CaseChange::Closed]);
    assert_eq!(desk.outcome(), "nothing_done");
}

fn delegate(to: &str, until: Option<Timestamp>) -> CaseDecision {
    CaseDecision::Delegate { to: to.into(), until, reason: Some("on leave".into()) }
}

#[test]
fn a_delegate_votes_for_a_time_and_instead_of_somebody() {
    let mut desk = Desk::chosen("order");
    check_refused(desk.ask(&bob(), None, delegate("ann", None)), Forbidden, Some("/to"));
    check_refused(desk.ask(&ann(), None, delegate("cid", None)), Forbidden, None);
    check_refused(desk.ask(&bob(), None, delegate("bob", None)), Invalid, Some("/to"));
    check_refused(desk.ask(&bob(), None, delegate("cid", Some(day(0)))), Invalid, Some("/until"));
    check_refused(desk.ask(&person("x", "viewer"), None, delegate("cid", None)), Forbidden, None);
    let agent = Actor { kind: ActorKind::Agent, ..bob() };
    check_refused(desk.ask(&agent, None, delegate("cid", None)), Forbidden, None);

    desk.ask(&bob(), None, delegate("cid", Some(hour(5)))).unwrap();
    check_refused(desk.approve(&bob()), Forbidden, None);
    let cid = person("cid", "viewer");
    let mut late = desk.clone();
    desk.at(hour(4));
    desk.approve(&cid).unwrap();
    let vote = &desk.case().votes[0];
    assert_eq!((vote.by.as_str(), vote.on_behalf_of.as_deref()), ("cid", Some("bob")));
    late.at(hour(5));
    check_refused(late.approve(&cid), Forbidden, None);
    late.approve(&bob()).unwrap();
}

#[test]
fn a_delegation_ends_with_the_deadline_at_the_latest() {
    let mut desk = Desk::chosen("order");
    desk.ask(&bob(), None, delegate("cid", Some(day(30)))).unwrap();
    assert_eq!(desk.case().delegations[0].until, day(2));
}

#[test]
fn a_delegate_and_who_delegated_count_as_one() {
    let mut desk = Desk::chosen("both");
    let both = Actor { roles: vec!["planner".into(), "supply_planner".into()], ..bob() };
    desk.ask(&both, None, delegate("cid", Some(hour(5)))).unwrap();
    let cid = person("cid", "viewer");
    desk.approve(&cid).unwrap();
    check_refused(desk.approve(&cid), Conflict, None);
    desk.at(hour(6));
    check_refused(desk.approve(&both), Conflict, None);
}

#[test]
fn a_rejection_has_a_reason_and_leaves_no_trace() {
    let mut desk = Desk::chosen("order");
    let reject = |reason: &str| CaseDecision::Reject { reason: reason.into() };
    check_refused(desk.ask(&bob(), None, reject(" ")), Invalid, Some("/reason"));
    check_refused(desk.ask(&person("x", "viewer"), None, reject("no")), Forbidden, None);
    check_refused(desk.ask(&Actor { kind: ActorKind::Agent, ..bob() }, None, reject("no")), Forbidden, None);
    assert_eq!(desk.ask(&bob(), None, reject("too dear")), Ok(CaseChange::Rejected));
    assert!(desk.case().actions.is_empty());
    assert_eq!(desk.outcome(), "not_executed");
    assert!(desk.settle().is_empty());
    check_refused(desk.ask(&bob(), None, reject("again")), Conflict, None);
}

/// What the last change of the case lets go of.
fn let_go(desk: &Desk) -> Vec<Name> {
    let Body::Transition(body) = &desk.records.last().unwrap().body else { panic!() };
    let Transition::Case(change) = &body.transition else { panic!() };
    let gone = change.claims.iter().filter(|claim| !claim.held);
    gone.flat_map(|claim| claim.exceptions.clone()).collect()
}

#[test]
fn every_end_without_execution_lets_go_of_the_exceptions() {
    let cancel = CaseDecision::Cancel { reason: "mistake".into() };
    let mut desk = Desk::approved();
    desk.ask(&ann(), None, cancel.clone()).unwrap();
    assert_eq!((desk.state(), desk.action().state), (CaseState::Cancelled, ActionState::Withdrawn));
    assert_eq!(let_go(&desk), ["exc_OSLO"]);
    check_refused(desk.begin(1), Conflict, None);

    let mut desk = Desk::chosen("order");
    assert_eq!(desk.at(day(2)), [CaseChange::Expired]);
    assert_eq!((desk.state(), let_go(&desk)), (CaseState::Expired, vec!["exc_OSLO".into()]));

    let mut desk = Desk::proposed();
    desk.ask(&ann(), None, CaseDecision::Merge { into: "other".into() }).unwrap();
    assert_eq!((desk.state(), let_go(&desk)), (CaseState::Superseded, vec!["exc_OSLO".into()]));
    assert_eq!(desk.case().merged_into.as_deref(), Some("other"));
    let reopen = CaseDecision::Reopen { reason: "after all".into() };
    check_refused(desk.ask(&ann(), None, reopen), Conflict, None);
}

#[test]
fn a_case_in_which_nobody_chooses_is_escalated_team_by_team() {
    let mut desk = Desk::with(|settings| {
        settings.cases.escalate_to = vec!["night".into(), "board".into()];
        settings.cases.decide_within_hours = 12.0;
    });
    let mut item = stockout("OSLO", 520);
    item.team = Some("day".into());
    item.decide_by = None;
    desk.hear(item);
    desk.settle();
    let shown = |desk: &Desk| {
        let case = desk.case();
        (case.team.clone().unwrap_or_default().to_string(), case.escalation_level, case.decide_due_at)
    };
    assert_eq!(shown(&desk), ("day".into(), 0, Some(hour(12))));
    desk.compute();
    // What changes meanwhile gives no more time.
    desk.now = hour(3);
    desk.ask(&ann(), None, comment()).unwrap();
    assert!(desk.at(hour(12).plus(-1)).is_empty());
    assert_eq!(desk.at(hour(12)), [CaseChange::Updated]);
    assert_eq!(shown(&desk), ("night".into(), 1, Some(day(1))));
    desk.at(day(1));
    assert_eq!(shown(&desk), ("board".into(), 2, Some(day(1))));
    desk.compute();
    assert!(desk.at(day(1).plus(1)).is_empty());
    // Once somebody has chosen, approvals have a deadline of their own; where the choice falls, the time begins anew.
    desk.choose(&ann(), "order").unwrap();
    assert_eq!((desk.case().decide_due_at, desk.case().escalation_level), (None, 0));

    // Not after the last moment at which a decision helps; and it is told though there is no other team.
    let mut desk = Desk::with(|settings| settings.cases.escalate_to = Vec::new());
    let mut item = stockout("OSLO", 520);
    item.decide_by = Some(hour(5));
    desk.hear(item);
    desk.settle();
    assert_eq!(desk.case().decide_due_at, Some(hour(5)));
    desk.at(hour(5));
    assert_eq!((desk.case().escalation_level, desk.case().decide_due_at), (1, Some(hour(5))));
    let told = &desk.case().timeline.last().unwrap().detail;
    assert_eq!(told, "nobody chose in time");
}

#[test]
fn nobody_approves_while_an_exception_does_not_say_that_it_is_decided_here() {
    let mut desk = Desk::new();
    let mut free = stockout("OSLO", 520);
    (free.state, free.case_id) = (ExceptionState::Open, None);
    let exceptions = vec![ClaimedException { entity: place("OSLO"), item: free }];
    let open = CaseDecision::Open { title: None, kind: None, exceptions, comment: None };
    desk.ask(&ann(), None, open).unwrap();
    desk.compute();
    desk.choose(&ann(), "order").unwrap();
    let refused = desk.approve(&bob());
    assert!(refused.clone().unwrap_err().detail.contains("not all of its exceptions"), "{refused:?}");
    check_refused(refused, Conflict, None);
    let mut held = stockout("OSLO", 520);
    held.revision = 2;
    desk.hear(held);
    desk.settle();
    desk.approve(&bob()).unwrap();
    assert_eq!(desk.state(), CaseState::Approved);
}

#[test]
fn whoever_had_a_hand_in_an_option_that_another_one_chose_may_not_approve_it() {
    let mut desk = Desk::proposed();
    let own = |id: &Name, quantity| {
        let mut own = option(id, 1, vec![step(ActionKind::Order, quantity)]);
        // What a sender says of its editors does not count.
        own.editors = vec!["nobody".into()];
        CaseDecision::AddOption { option: Box::new(own) }
    };
    let cid = person("cid", "supply_planner");
    desk.ask(&bob(), None, own(&"order".into(), 72)).unwrap();
    let id = desk.case().options.last().unwrap().id.clone();
    desk.ask(&cid, None, own(&id, 84)).unwrap();
    assert_eq!(desk.case().option(&id).unwrap().editors, ["bob", "cid"]);
    // Computed anew it keeps them.
    desk.choose(&ann(), &id).unwrap();
    for editor in [bob(), cid] {
        check_refused(desk.approve(&editor), Forbidden, None);
    }
    desk.approve(&person("eve", "supply_planner")).unwrap();
    assert_eq!(desk.state(), CaseState::Approved);
}

#[test]
fn options_for_another_version_of_the_case_are_refused() {
    let mut desk = Desk::new();
    desk.hear(stockout("OSLO", 520));
    desk.settle();
    let (version, facts) = (desk.case().version, desk.case().facts);
    let set = |facts| CaseDecision::SetOptions { facts, options: computed(facts) };
    let costing = Actor::system("costing");
    check_refused(
        desk.ask(&costing, Some(version + 1), set(facts)),
        RefusalCode::StaleVersion,
        Some("/version"),
    );
    desk.hear(stockout("MOSS", 900));
    desk.settle();
    check_refused(desk.ask(&costing, Some(version), set(facts)), RefusalCode::StaleVersion, Some("/version"));
    check_refused(desk.ask(&costing, None, set(facts)), Conflict, None);
    assert!(desk.case().options.is_empty());
    check_refused(desk.ask(&ann(), None, set(facts + 1)), Forbidden, None);
    desk.ask(&costing, Some(version + 1), set(facts + 1)).unwrap();
    check_refused(desk.ask(&costing, None, set(facts + 1)), Conflict, None);
}

#[test]
fn deadlines_are_kept_by_what_is_journaled_and_fire_once() {
    let mut desk = Desk::chosen("order");
    let review = desk.state.reconcile(&key(), desk.now, &desk.reference).next_review_at;
    assert_eq!(review, Some(day(1)), "the last moment to decide: what was chosen is costed anew");
    assert_eq!(desk.at(day(1)), [CaseChange::Updated]);
    desk.compute();
    let review = desk.state.reconcile(&key(), desk.now, &desk.reference).next_review_at;
    assert_eq!((desk.state(), review), (CaseState::AwaitingApproval, Some(day(2))));
    // A restart knows nothing but the records.
    let text = serde_json::to_string(&desk.state).unwrap();
    desk.state = serde_json::from_str(&text).unwrap();
    assert!(desk.at(day(2).plus(-1)).is_empty());
    // However late the deadline is noticed.
    desk.now = day(2);
    check_refused(desk.approve(&bob()), Conflict, None);
    assert_eq!(desk.at(day(2)), [CaseChange::Expired]);
    assert!(desk.at(day(9)).is_empty());
}

#[test]
fn a_case_of_which_nothing_was_executed_can_be_reopened() {
    let mut desk = Desk::approved();
    let reopen = || CaseDecision::Reopen { reason: "after all".into() };
    check_refused(desk.ask(&ann(), None, reopen()), Conflict, None);
    desk.ask(&ann(), None, CaseDecision::Cancel { reason: "mistake".into() }).unwrap();
    check_refused(
        desk.ask(&ann(), None, CaseDecision::Reopen { reason: " ".into() }),
        Invalid,
        Some("/reason"),
    );
    desk.ask(&ann(), None, reopen()).unwrap();
    let case = desk.case();
    assert_eq!((case.state, case.actions.len(), case.wants_options()), (CaseState::Draft, 0, Some(2)));
    let mut held = stockout("OSLO", 520);
    held.revision = 4;
    desk.hear(held);
    desk.settle();
    desk.compute();
    desk.choose(&ann(), "order").unwrap();
    desk.approve(&bob()).unwrap();
    // Another decision, another action.
    let ids: Vec<_> = desk
        .records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Transition(body) => match &body.transition {
                Transition::Case(change) if change.kind == CaseChange::Approved => {
                    Some(change.item.actions[0].id.clone())
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    desk.begin(1).unwrap();
    desk.end(1, AttemptOutcome::Refused, None).unwrap();
    desk.settle();
    assert_eq!(desk.state(), CaseState::Failed);
    check_refused(desk.ask(&ann(), None, reopen()), Conflict, None);
}

#[test]
fn a_case_takes_over_what_was_merged_into_it() {
    let mut desk = Desk::chosen("order");
    let absorb = |item: &ExceptionItem| CaseDecision::Absorb {
        from: "other".into(),
        exceptions: vec![ClaimedException { entity: place("MOSS"), item: item.clone() }],
    };
    let mut theirs = stockout("MOSS", 300);
    theirs.case_id = Some("other".into());
    let version = desk.case().version;
    assert_eq!(desk.ask(&ann(), None, absorb(&theirs)), Ok(CaseChange::Updated));
    let case = desk.case();
    assert_eq!(
        (case.state, case.version, case.value_at_risk),
        (CaseState::AwaitingApproval, version + 1, Some(eur(820)))
    );
    assert!(case.wants_options().is_some());
    check_refused(desk.ask(&ann(), None, absorb(&theirs)), Invalid, Some("/exceptions"));
    check_refused(desk.ask(&ann(), None, CaseDecision::Merge { into: "c".into() }), Invalid, Some("/into"));
    let mut third = theirs.clone();
    (third.id, third.case_id) = ("exc_third".into(), Some("third".into()));
    check_refused(desk.ask(&ann(), None, absorb(&third)), Conflict, None);
    theirs.state = ExceptionState::Cleared;
    check_refused(desk.ask(&ann(), None, absorb(&theirs)), Invalid, Some("/exceptions"));
    let mut done = Desk::approved();
    check_refused(done.ask(&ann(), None, CaseDecision::Merge { into: "other".into() }), Conflict, None);
}

#[test]
fn what_a_case_would_take_over_is_known_beforehand() {
    let ask = |change: fn(&mut Settings)| {
        let mut desk = Desk::with(change);
        desk.hear(stockout("OSLO", 520));
        desk.settle();
        let mut theirs = stockout("MOSS", 300);
        theirs.case_id = Some("other".into());
        let exceptions = vec![ClaimedException { entity: place("MOSS"), item: theirs }];
        let absorb = CaseDecision::Absorb { from: "other".into(), exceptions };
        check_absorb(&key(), desk.case(), &absorb, &ann(), desk.now, &desk.reference)
    };
    assert_eq!(ask(|_| {}), Ok(()));
    assert_eq!(ask(|settings| settings.cases.exceptions_max = 1).map_err(|no| no.code), Err(Conflict));
    let full = ask(|settings| settings.cases.bytes_max = 10);
    assert_eq!(full.map_err(|no| (no.code, no.pointer)), Err((Invalid, Some("/exceptions".into()))));
}

#[test]
fn a_case_is_not_opened_by_hand_with_more_than_it_takes() {
    let open = |room: usize| {
        let desk = Desk::with(|settings| settings.cases.bytes_max = room);
        let mut free = stockout("OSLO", 520);
        (free.state, free.case_id) = (ExceptionState::Open, None);
        let open = CaseDecision::Open {
            title: Some("x".repeat(4_000)),
            kind: None,
            exceptions: vec![ClaimedException { entity: place("OSLO"), item: free }],
            comment: None,
        };
        let opened = open_by_hand(&key(), &open, &ann(), desk.now, &desk.reference);
        opened.map(|opened| opened.kind).map_err(|no| (no.code, no.pointer))
    };
    assert_eq!(open(10_000), Ok(CaseChange::Opened));
    assert_eq!(open(4_000), Err((Invalid, Some("/exceptions".into()))));
}

#[test]
fn a_persons_own_option_is_added_edited_and_bounded() {
    let mut desk = Desk::proposed();
    let add = |option: CaseOption| CaseDecision::AddOption { option: Box::new(option) };
    let own = option("", 1, vec![step(ActionKind::Order, 33)]);
    let own = CaseOption { title: "33 now".into(), ..own };
    check_refused(desk.ask(&ann(), None, add(option("x", 1, Vec::new()))), Invalid, Some("/steps"));
    check_refused(
        desk.ask(&ann(), None, add(CaseOption { title: String::new(), ..own.clone() })),
        Invalid,
        Some("/title"),
    );
    let mut nothing = own.clone();
    nothing.steps[0].quantity = Quantity::ZERO;
    check_refused(desk.ask(&ann(), None, add(nothing)), Invalid, Some("/steps/0/quantity"));
    assert_eq!(desk.ask(&ann(), None, add(own.clone())), Ok(CaseChange::Options));
    let id = desk.case().options.last().unwrap().id.clone();
    assert_eq!((id.as_str(), desk.case().option(&id).unwrap().edited_by.as_deref()), ("own_3", Some("ann")));
    // Bob chooses it: neither he nor Ann may approve it.
    desk.choose(&bob(), &id).unwrap();
    check_refused(desk.approve(&person("ann", "supply_planner")), Forbidden, None);
    check_refused(desk.approve(&bob()), Forbidden, None);
    // Who edits what is chosen takes the choice back.
    let edited = CaseOption { id: id.clone(), title: "34 now".into(), ..own.clone() };
    desk.ask(&person("cid", "planner"), None, add(edited)).unwrap();
    assert_eq!((desk.state(), desk.case().chosen_option.clone()), (CaseState::Proposed, None));
    assert_eq!(desk.case().option(&id).unwrap().edited_by.as_deref(), Some("cid"));
    // One that the tower computed stays as it is: editing it makes another.
    desk.ask(&ann(), None, add(CaseOption { id: "order".into(), ..own.clone() })).unwrap();
    assert_eq!(desk.case().option("order").unwrap().edited_by, None);
    let room = Settings::default().cases.options_max - desk.case().options.len();
    for _ in 0..room {
        desk.ask(&ann(), None, add(own.clone())).unwrap();
    }
    check_refused(desk.ask(&ann(), None, add(own)), Conflict, None);
}

#[test]
fn comments_and_the_timeline_are_bounded() {
    let mut desk = Desk::with(|settings| settings.cases.timeline_max = 3);
    desk.hear(stockout("OSLO", 520));
    desk.settle();
    check_refused(desk.ask(&ann(), None, CaseDecision::Comment { text: " ".into() }), Invalid, Some("/text"));
    let long = CaseDecision::Comment { text: "x".repeat(4_001) };
    check_refused(desk.ask(&ann(), None, long), Invalid, Some("/text"));
    let version = desk.case().version;
    for _ in 0..5 {
        assert_eq!(desk.ask(&ann(), None, comment()), Ok(CaseChange::Commented));
    }
    let case = desk.case();
    assert_eq!((case.comments.len(), case.timeline.len(), case.version), (3, 3, version));
}

#[test]
fn a_case_that_is_full_lets_go_of_what_was_said_first_and_takes_no_more_than_fits() {
    const ROOM: usize = 100_000;
    let mut desk = Desk::with(|settings| {
        settings.cases.bytes_max = ROOM;
        settings.cases.timeline_max = 10_000;
    });
    desk.hear(stockout("OSLO", 520));
    desk.settle();
    desk.compute();
    let bytes = |desk: &Desk| serde_json::to_vec(desk.case()).unwrap().len();
    // In JSON each of these characters takes six bytes.
    let say = |number: usize| CaseDecision::Comment { text: format!("{number} {}", "\u{1}".repeat(1_000)) };
    for number in 0..100 {
        assert_eq!(desk.ask(&ann(), None, say(number)), Ok(CaseChange::Commented));
        assert!(bytes(&desk) <= ROOM, "{} bytes", bytes(&desk));
    }
    // Room was made for one comment at a time.
    assert!(bytes(&desk) > ROOM - 7_000, "{} bytes", bytes(&desk));
    let case = desk.case();
    let last: Vec<&str> = case.comments.iter().filter_map(|comment| comment.text.split(' ').next()).collect();
    assert!((2..100).contains(&last.len()), "some are kept: {}", last.len());
    let expected: Vec<String> = (100 - last.len()..100).map(|number| number.to_string()).collect();
    assert_eq!(last, expected);
    // Steps are what is decided about: they are not let go of.
    let mut note = step(ActionKind::Custom, 1);
    note.note = Some("x".repeat(4_000));
    let own = CaseOption { title: "many words".into(), ..option("", 1, vec![note; 5]) };
    let add = || CaseDecision::AddOption { option: Box::new(own.clone()) };
    while desk.ask(&ann(), None, add()).is_ok() {
        assert!(bytes(&desk) <= ROOM);
    }
    check_refused(desk.ask(&ann(), None, add()), Invalid, Some("/steps"));
    // It can be decided all the same.
    let version = desk.case().version;
    let no = CaseDecision::Reject { reason: "x".repeat(4_000) };
    assert_eq!(desk.ask(&ann(), Some(version), no), Ok(CaseChange::Rejected));
}

#[test]
fn a_long_reason_is_told_in_a_line() {
    let mut desk = Desk::proposed();
    desk.ask(&ann(), None, CaseDecision::Cancel { reason: "é".repeat(4_000) }).unwrap();
    let case = desk.case();
    assert_eq!(case.timeline.last().unwrap().detail, format!("{}…", "é".repeat(1_000)));
    assert_eq!(desk.outcome(), "not_executed");
    assert_eq!(desk.case().outcome.as_ref().unwrap().detail, "é".repeat(4_000));
}

#[test]
fn tasks_are_added_and_done_once() {
    let mut desk = Desk::proposed();
    let add = |title: &str| CaseDecision::AddTask {
        title: title.into(),
        assignee: Some("dan".into()),
        due_at: None,
        blocking: true,
    };
    check_refused(desk.ask(&ann(), None, add("")), Invalid, Some("/title"));
    desk.ask(&ann(), None, add("call V")).unwrap();
    let done = |id: &str| CaseDecision::CompleteTask { task_id: id.into() };
    check_refused(desk.ask(&ann(), None, done("task_9")), NotFound, None);
    assert_eq!(desk.ask(&ann(), None, done("task_1")), Ok(CaseChange::Task));
    check_refused(desk.ask(&ann(), None, done("task_1")), Conflict, None);
    for _ in 1..50 {
        desk.ask(&ann(), None, add("x")).unwrap();
    }
    check_refused(desk.ask(&ann(), None, add("x")), Conflict, None);
    desk.ask(&ann(), None, CaseDecision::Cancel { reason: "x".into() }).unwrap();
    check_refused(desk.ask(&ann(), None, add("x")), Conflict, None);
}

#[test]
fn each_state_refuses_what_it_cannot_do() {
    let mut executing = Desk::approved();
    executing.begin(1).unwrap();
    let mut rejected = Desk::chosen("order");
    rejected.ask(&bob(), None, CaseDecision::Reject { reason: "no".into() }).unwrap();
    let cancel = || CaseDecision::Cancel { reason: "x".into() };
    check_refused(executing.ask(&ann(), None, cancel()), Conflict, None);
    check_refused(rejected.ask(&ann(), None, cancel()), Conflict, None);
    for mut desk in [Desk::approved(), executing, rejected] {
        let version = desk.case().version;
        let own = option("", 1, vec![step(ActionKind::Order, 1)]);
        let own = CaseOption { title: "t".into(), ..own };
        for what in [
            CaseDecision::Choose { option_id: "order".into() },
            CaseDecision::Approve { comment: None },
            CaseDecision::Reject { reason: "x".into() },
            CaseDecision::Merge { into: "other".into() },
            CaseDecision::AddOption { option: Box::new(own) },
            delegate("cid", None),
        ] {
            check_refused(desk.ask(&bob(), Some(version), what), Conflict, None);
        }
        assert_eq!(desk.ask(&bob(), None, comment()), Ok(CaseChange::Commented));
    }
    check_refused(Desk::proposed().approve(&bob()), Conflict, None);
    check_refused(Desk::proposed().ask(&bob(), None, delegate("cid", None)), Conflict, None);
}
