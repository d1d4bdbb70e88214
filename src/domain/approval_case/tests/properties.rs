//! Whatever happens in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Exception { location: u8, value: i64, held: bool },
    Clears { location: u8 },
    Time { hours: i64 },
    Options,
    Choose { who: u8, option: u8, stale: bool },
    Approve { who: u8 },
    Reject { who: u8 },
    Delegate { who: u8, to: u8 },
    Comment,
    Task { blocking: bool },
    Done,
    Cancel,
    Reopen,
    Merge,
    Own { who: u8 },
    Begin { action: u8, ahead: u8 },
    End { action: u8, outcome: u8, again: bool },
    Retry,
    Withdraw,
    Document { quantity: i64 },
    Received { quantity: i64 },
    Answered { refused: bool },
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        3 => (0..3_u8, 1..2_000_i64, prop::bool::weighted(0.9))
            .prop_map(|(location, value, held)| Exception { location, value, held }),
        1 => (0..3_u8).prop_map(|location| Clears { location }),
        2 => (1..30_i64).prop_map(|hours| Time { hours }),
        5 => Just(Options),
        5 => (0..3_u8, 0..5_u8, prop::bool::weighted(0.1))
            .prop_map(|(who, option, stale)| Choose { who, option, stale }),
        6 => (0..4_u8).prop_map(|who| Approve { who }),
        1 => (0..4_u8).prop_map(|who| Reject { who }),
        1 => (0..4_u8, 0..4_u8).prop_map(|(who, to)| Delegate { who, to }),
        1 => Just(Comment),
        1 => any::<bool>().prop_map(|blocking| Task { blocking }),
        1 => Just(Done),
        1 => Just(Cancel),
        2 => Just(Reopen),
        1 => Just(Merge),
        1 => (0..3_u8).prop_map(|who| Own { who }),
        6 => (0..2_u8, 0..2_u8).prop_map(|(action, ahead)| Begin { action, ahead }),
        6 => (0..2_u8, 0..4_u8, any::<bool>()).prop_map(|(action, outcome, again)| End { action, outcome, again }),
        1 => Just(Retry),
        1 => Just(Withdraw),
        3 => (0..80_i64).prop_map(|quantity| Document { quantity }),
        2 => (1..60_i64).prop_map(|quantity| Received { quantity }),
        1 => any::<bool>().prop_map(|refused| Answered { refused }),
    ]
}

fn who(number: u8) -> Actor {
    match number {
        0 => ann(),
        1 => bob(),
        2 => Actor { roles: vec!["planner".into(), "supply_planner".into()], ..person("cid", "x") },
        _ => person("eve", "admin"),
    }
}

/// The desk with what its exceptions would be.
struct World {
    desk: Desk,
    revisions: BTreeMap<u8, u64>,
    seen_actions: BTreeMap<Name, u64>,
}

impl World {
    fn next(&mut self, location: u8) -> (ExceptionItem, u64) {
        let revision = self.revisions.entry(location).or_insert(0);
        *revision += 1;
        (stockout(&format!("L{location}"), 1), *revision)
    }

    fn happens(&mut self, happening: Happening) {
        use Happening::*;
        let outbox = Actor::system("outbox");
        match happening {
            Exception { location, value, held } => {
                let (mut item, revision) = self.next(location);
                item.revision = revision;
                item.value_at_risk = Some(eur(value));
                if !held {
                    item.state = ExceptionState::Open;
                }
                self.desk.hear(item);
            }
            Clears { location } => {
                let (mut item, revision) = self.next(location);
                item.revision = revision;
                self.desk.clear(&item, "gone");
                *self.revisions.entry(location).or_insert(0) += 1;
            }
            Time { hours } => self.desk.now = self.desk.now.plus(hours * 3_600_000_000),
            _ if self.desk.state.item().is_none() => {}
            Options => {
                let facts = self.desk.case().facts;
                let what = CaseDecision::SetOptions { facts, options: computed(facts) };
                let _ = self.desk.ask(&Actor::system("costing"), None, what);
            }
            Choose { who: number, option, stale } => {
                let version = self.desk.case().version - u64::from(stale);
                let names = ["do_nothing", "order", "both", "expedite", "gated"];
                let what = CaseDecision::Choose { option_id: names[usize::from(option)].into() };
                let result = self.desk.ask(&who(number), Some(version), what);
                assert!(!stale || result.is_err());
            }
            Approve { who: number } => {
                let _ = self.desk.approve(&who(number));
            }
            Reject { who: number } => {
                let _ = self.desk.ask(&who(number), None, CaseDecision::Reject { reason: "no".into() });
            }
            Delegate { who: number, to } => {
                let to = who(to).name;
                let what = CaseDecision::Delegate { to, until: None, reason: None };
                let _ = self.desk.ask(&who(number), None, what);
            }
            Comment => {
                let _ = self.desk.ask(&ann(), None, comment());
            }
            Task { blocking } => {
                let title = "call".to_owned();
                let what = CaseDecision::AddTask { title, assignee: None, due_at: None, blocking };
                let _ = self.desk.ask(&ann(), None, what);
            }
            Done => {
                let open = self.desk.case().tasks.iter().find(|task| task.done_at.is_none());
                if let Some(task_id) = open.map(|task| task.id.clone()) {
                    self.desk.ask(&ann(), None, CaseDecision::CompleteTask { task_id }).unwrap();
                }
            }
            Cancel => {
                let _ = self.desk.ask(&ann(), None, CaseDecision::Cancel { reason: "x".into() });
            }
            Reopen => {
                let _ = self.desk.ask(&ann(), None, CaseDecision::Reopen { reason: "x".into() });
            }
            Merge => {
                let _ = self.desk.ask(&ann(), None, CaseDecision::Merge { into: "other".into() });
            }
            Own { who: number } => {
                let own = option("", self.desk.case().facts, vec![step(ActionKind::Order, 7)]);
                let option = Box::new(CaseOption { title: "own".into(), ..own });
                let _ = self.desk.ask(&who(number), None, CaseDecision::AddOption { option });
            }
            Begin { action, ahead } => {
                let Some(action) = self.action(action) else { return };
                let attempt = action.attempt_count + u32::from(ahead);
                let action_id = action.id.clone();
                let begun = self.desk.ask(&outbox, None, CaseDecision::BeginAttempt { action_id, attempt });
                assert!(ahead == 1 || begun.is_err(), "an attempt is begun once");
            }
            End { action, outcome, again } => {
                let Some(action) = self.action(action) else { return };
                use AttemptOutcome::*;
                let what = CaseDecision::EndAttempt {
                    action_id: action.id.clone(),
                    attempt: action.attempt_count,
                    outcome: [Delivered, Failed, Refused, Unknown][usize::from(outcome)],
                    status: None,
                    detail: None,
                    external_ref: None,
                    retry_at: again.then_some(self.desk.now),
                };
                let _ = self.desk.ask(&outbox, None, what);
            }
            Retry | Withdraw => {
                let Some(action_id) = self.action(0).map(|action| action.id.clone()) else { return };
                let what = match happening {
                    Retry => CaseDecision::RetryAction { action_id },
                    _ => CaseDecision::WithdrawAction { action_id, reason: "x".into() },
                };
                let _ = self.desk.ask(&bob(), None, what);
            }
            Document { quantity } => {
                if self.action(0).is_some() {
                    self.desk.placed(quantity, day(2));
                }
            }
            Received { quantity } => self.desk.received(quantity),
            Answered { refused } => {
                let Some(action_id) = self.action(0).map(|action| action.id.clone()) else { return };
                let answer =
                    Box::new(ActionAnswer { action_id, external_ref: None, actual: None, reason: None });
                self.desk.event(if refused {
                    EventData::ActionRefused(answer)
                } else {
                    EventData::ActionConfirmed(answer)
                });
            }
        }
    }

    fn action(&self, at: u8) -> Option<CaseAction> {
        self.desk.state.item()?.actions.get(usize::from(at)).cloned()
    }

    /// What must hold after everything.
    fn check(&mut self, before: Option<&CaseItem>) {
        let Some(case) = self.desk.state.item().cloned() else { return };
        if let Some(before) = before {
            assert!(case.version >= before.version && case.facts >= before.facts);
            let same = |a: &[CaseOption], b: &[CaseOption]| a == b;
            if !same(&case.options, &before.options) || case.chosen_option != before.chosen_option {
                let ended = case.state.is_final();
                assert!(case.version > before.version || ended, "another choice is another version");
            }
        }
        let mut voters: BTreeSet<&Name> = BTreeSet::new();
        for vote in case.votes.iter().filter(|vote| !vote.void && vote.approves) {
            for name in std::iter::once(&vote.by).chain(&vote.on_behalf_of) {
                assert!(voters.insert(name), "one person counts once: {:?}", case.votes);
            }
            let proposer = case.proposed_by.as_ref().map(|by| &by.id);
            assert!(proposer != Some(&vote.by) && proposer != vote.on_behalf_of.as_ref());
        }
        assert!(case.is_solved() || !case.title.is_empty());
        let decided = case.approved_at.is_some();
        for action in &case.actions {
            let version = *self.seen_actions.entry(action.id.clone()).or_insert(case.version);
            assert!(version <= case.version && decided);
            assert!(action.attempts.len() <= 10);
            if case.state == CaseState::Cancelled {
                assert!(!action.state.counts_as_planned(), "a cancelled case leaves no trace");
            }
        }
        if case.state.is_undecided() || matches!(case.state, CaseState::Rejected | CaseState::Expired) {
            assert!(case.actions.is_empty());
        }
        let ids: BTreeSet<&Name> = case.actions.iter().map(|action| &action.id).collect();
        assert_eq!(ids.len(), case.actions.len());
        assert_eq!(case.closed_at.is_some(), case.state.is_final());
        assert_eq!(case.state.is_final(), case.outcome.is_some());
        assert!(case.timeline.len() <= 200 && case.options.len() <= 32);
    }

    /// There is a way out of every state: by time alone once it was decided, and by a person before.
    fn check_way_out(&self) {
        let mut desk = self.desk.clone();
        let Some(case) = desk.state.item() else { return };
        if case.state.is_undecided() {
            desk.ask(&person("eve", "admin"), None, CaseDecision::Reject { reason: "no".into() }).unwrap();
        } else {
            desk.at(desk.now.plus_days(400.0));
        }
        assert!(desk.state().is_final(), "{:#?}", desk.case());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_sequence_keeps_the_rules(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut world = World {
            desk: Desk::new(),
            revisions: BTreeMap::new(),
            seen_actions: BTreeMap::new(),
        };
        let mut states = BTreeSet::new();
        for happening in happenings {
            let before = world.desk.state.item().cloned();
            world.happens(happening);
            world.desk.settle();
            world.check(before.as_deref());
            states.extend(world.desk.state.item().map(|case| case.state));
        }
        world.check_way_out();
        // Replayed it is what it was, and from its own text too.
        let mut replayed = ApprovalCase::new(&key());
        for record in &world.desk.records {
            replayed.apply(&delivery(record), &world.desk.reference);
        }
        prop_assert_eq!(&replayed, &world.desk.state);
        let text = serde_json::to_string(&replayed).unwrap();
        prop_assert_eq!(serde_json::from_str::<ApprovalCase>(&text).unwrap(), replayed);
    }
}

#[test]
fn sequences_reach_every_state() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut reached = BTreeSet::new();
    for _ in 0..600 {
        let happenings = prop::collection::vec(happening(), 1..60).new_tree(&mut runner).unwrap().current();
        let mut world =
            World { desk: Desk::new(), revisions: BTreeMap::new(), seen_actions: BTreeMap::new() };
        for happening in happenings {
            world.happens(happening);
            world.desk.settle();
            reached.extend(world.desk.state.item().map(|case| case.state));
        }
    }
    let missed: Vec<_> = CaseState::ALL.iter().filter(|state| !reached.contains(state)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
