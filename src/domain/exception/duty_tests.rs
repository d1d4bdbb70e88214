//! Whose an exception is as it rises and falls, as statements.

use proptest::prelude::*;

use super::assessment::{Assessment, Condition, Description, severity_by_value};
use super::command::{ExceptionAction, ExceptionCommand, Where, decide};
use super::kind::KindSettings;
use super::routing::RoutingRule;
use super::slots::ExceptionSlots;
use super::watch::{EntityText, Watch};
use super::*;
use crate::domain::command::{Actor, ActorKind};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, SystemBody, Transition};
use crate::domain::reference::Reference;
use crate::domain::settings::{Segment, Settings};
use crate::domain::time::{DAY, HOUR};

use ExceptionType::ShortageNow;

const TENANT: TenantNumber = TenantNumber(0);

fn euros(units: i64) -> Money {
    Money::from_ten_thousandths(units * 10_000, Currency::parse("EUR").unwrap())
}

/// What is worth more has deadlines and an own queue, and the most the least time.
fn rules() -> Vec<RoutingRule> {
    let with_deadline = |team: &str, value: f64, hours: f64| RoutingRule {
        value_min: Some(value),
        queue: Some(Name::from(format!("{team}-late"))),
        acknowledge_within_hours: Some(hours),
        decide_within_hours: Some(2.0 * hours),
        escalate_to: vec!["management".into()],
        ..RoutingRule::all_to(team)
    };
    let all = RoutingRule { queue: Some("all".into()), ..RoutingRule::all_to("planning") };
    vec![with_deadline("board", 50_000.0, 1.0), with_deadline("buyers", 1_000.0, 4.0), all]
}

fn with_case() -> Vec<RoutingRule> {
    let opens = RoutingRule { value_min: Some(1_000.0), open_case: true, ..RoutingRule::all_to("buyers") };
    vec![opens, RoutingRule::all_to("planning")]
}

/// One thing that is short, as much as is said.
struct Short {
    slots: ExceptionSlots,
    reference: Reference,
    now: Timestamp,
    entity: EntityKey,
}

impl Short {
    fn under(rules: Vec<RoutingRule>) -> Short {
        let mut reference = Reference::default();
        let mut settings = Settings::default();
        settings.routing.rules = rules;
        let declared = SystemBody::TenantDeclared {
            name: "default".into(),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: "UTC".into(),
        };
        let activated =
            SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
        for (body, lsn) in [(declared, 1), (activated, 2)] {
            reference.apply(&Record {
                lsn: Lsn(lsn),
                tenant: TENANT,
                event_time: Timestamp::default(),
                ingest_time: Timestamp::default(),
                business_time: Timestamp::default(),
                causing_lsn: Lsn::ZERO,
                entity_revision: 0,
                source: "test".into(),
                id: Name::from(lsn.to_string()),
                sequence: Name::default(),
                principal: "test".into(),
                body: Body::System(Box::new(body)),
            });
        }
        let entity = EntityKey::Supplier { tenant: TENANT, supplier: "V".into() };
        Short { slots: ExceptionSlots::default(), reference, now: Timestamp::default().plus(DAY), entity }
    }

    fn propose(&self, value: Option<i64>, cause: Option<&CauseRef>) -> (Vec<Transition>, Option<Timestamp>) {
        let mut watch = Watch::new(
            &self.slots,
            &self.reference,
            TENANT,
            Segment::default(),
            self.now,
            DAY,
            EntityText::Other(&self.entity),
        );
        let value_at_risk = value.map(euros);
        let assess = || Assessment {
            severity: severity_by_value(&self.reference.settings().exceptions, value_at_risk),
            value_at_risk,
            units_at_risk: None,
            confidence: None,
            cause: cause.cloned(),
        };
        let describe = |_: &Assessment| Description {
            subject: ExceptionSubject::supplier(&"V".into()),
            window: None,
            ends_ahead: false,
            decide_by: None,
            act_by: None,
            cause: "short".to_owned(),
            evidence: Vec::new(),
        };
        watch.judge(&ShortageNow, "", &KindSettings::of(&ShortageNow), Condition::Raised, assess, describe);
        let (proposals, review_at) = watch.finish();
        (proposals.into_vec(), review_at)
    }

    /// Time passes, it is worth so much, and what follows is folded in until nothing does; how much that was.
    #[track_caller]
    fn become_grouped(&mut self, hours: f64, value: Option<i64>, cause: Option<&CauseRef>) -> usize {
        self.now = self.now.plus((hours * HOUR as f64) as i64);
        for told in 0..4 {
            let (proposals, review_at) = self.propose(value, cause);
            if proposals.is_empty() {
                let due = self.item().sla_due_at.filter(|due| *due > self.now);
                assert!(due.is_none_or(|due| review_at.is_some_and(|at| at <= due)), "it is looked at then");
                return told;
            }
            for proposal in proposals {
                let Transition::Exception(change) = proposal else { panic!("{proposal:?}") };
                assert!(self.slots.apply(&change), "{change:?}");
            }
            // As a snapshot has it.
            let kept = rmp_serde::to_vec(&self.slots).unwrap();
            self.slots = rmp_serde::from_slice(&kept).unwrap();
        }
        panic!("it does not come to rest: {:?}", self.item());
    }

    #[track_caller]
    fn become_worth(&mut self, hours: f64, value: i64) -> usize {
        self.become_grouped(hours, Some(value), None)
    }

    #[track_caller]
    fn item(&self) -> &ExceptionItem {
        self.slots.open(&ShortageNow).unwrap()
    }

    #[track_caller]
    fn person(&mut self, what: ExceptionAction) {
        let command = ExceptionCommand { exception_id: self.item().id.clone(), version: None, what };
        let actor = Actor { name: "ann".into(), kind: ActorKind::Person, roles: Vec::new() };
        let (settings, tenant) = (self.reference.settings(), self.reference.tenant(TENANT));
        let place = Where { settings, tenant, segment: Segment::default() };
        let decided = decide(&self.slots, &command, &actor, self.now, place).unwrap();
        assert!(self.slots.apply(&decided));
    }

    /// Team, queue, level of escalation, and the hours that are left.
    #[track_caller]
    fn duty(&self) -> (&str, &str, u8, Option<f64>) {
        let item = self.item();
        let left = item.sla_due_at.map(|due| (due.micros() - self.now.micros()) as f64 / HOUR as f64);
        (item.team.as_deref().unwrap_or(""), item.queue.as_deref().unwrap_or(""), item.escalation_level, left)
    }
}

fn acknowledge() -> ExceptionAction {
    ExceptionAction::Acknowledge { comment: None }
}

fn assign(owner: Option<&str>, team: Option<&str>) -> ExceptionAction {
    ExceptionAction::Assign { owner: owner.map(Name::from), team: team.map(Name::from), comment: None }
}

#[test]
fn what_rises_goes_to_the_team_of_its_rule_and_a_fall_takes_nothing_away() {
    let mut short = Short::under(rules());
    short.become_worth(0.0, 240);
    assert_eq!(short.duty(), ("planning", "all", 0, None));
    short.become_worth(1.0, 900);
    assert_eq!(short.duty(), ("planning", "all", 0, None), "the same rule");
    assert_eq!(short.become_worth(1.0, 1_344), 1);
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(4.0)), "from now on");
    assert_eq!(short.become_worth(0.0, 1_344), 0);
    // It wobbles about the threshold: the deadline runs on.
    for value in [800, 1_100, 500, 1_344, 900, 2_000] {
        assert_eq!(short.become_worth(0.25, value), 1);
    }
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(2.5)));
    // Nobody picked it up: the rule that gave the deadline says who is told, though it is worth less now.
    short.become_worth(1.0, 300);
    short.become_worth(1.5, 300);
    assert_eq!(short.duty(), ("management", "buyers-late", 1, Some(4.0)));
    assert_eq!(short.become_worth(0.5, 300), 0);
    // A rule that has not been reached yet is another matter, also at the moment at which a deadline passes.
    short.become_worth(3.5, 60_000);
    assert_eq!(short.duty(), ("board", "board-late", 0, Some(1.0)));
    short.become_worth(0.5, 100);
    short.person(acknowledge());
    assert_eq!(short.duty(), ("board", "board-late", 0, Some(2.0)), "the time to decide is that rule's, too");
}

#[test]
fn a_value_that_was_unknown_and_is_known_is_a_rise_and_the_other_way_round_is_none() {
    let mut short = Short::under(rules());
    short.become_grouped(0.0, None, None);
    assert_eq!(short.duty(), ("planning", "all", 0, None));
    short.become_worth(1.0, 5_000);
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(4.0)));
    short.become_grouped(1.0, None, None);
    short.become_worth(1.0, 4_000);
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(2.0)));
}

#[test]
fn a_rule_for_what_is_severe_holds_for_what_becomes_so() {
    let severe = RoutingRule {
        severity_min: Some(Severity::High),
        acknowledge_within_hours: Some(2.0),
        ..RoutingRule::all_to("board")
    };
    let mut short = Short::under(vec![severe, RoutingRule::all_to("planning")]);
    short.become_worth(0.0, 900);
    assert_eq!((short.item().severity, short.duty()), (Severity::Medium, ("planning", "", 0, None)));
    short.become_worth(1.0, 1_000);
    assert_eq!((short.item().severity, short.duty()), (Severity::High, ("board", "", 0, Some(2.0))));
    short.become_worth(1.0, 500);
    assert_eq!((short.item().severity, short.duty()), (Severity::Medium, ("board", "", 0, Some(1.0))));
}

#[test]
fn what_a_person_has_taken_up_stays_theirs() {
    let after = |what: ExceptionAction| {
        let mut short = Short::under(rules());
        short.become_worth(0.0, 240);
        short.person(what);
        short.become_worth(1.0, 43_800);
        assert_eq!(short.item().value_at_risk, Some(euros(43_800)));
        short
    };
    for what in [acknowledge(), assign(Some("bob"), None), assign(Some("bob"), Some("night"))] {
        let team = if what == assign(Some("bob"), Some("night")) { "night" } else { "planning" };
        assert_eq!(after(what.clone()).duty(), (team, "all", 0, None), "{what:?}");
    }
    // Nobody of that team has taken it up yet: it stays the team's, and its time begins.
    let mut by_hand = after(assign(None, Some("night")));
    assert_eq!(by_hand.duty(), ("night", "all", 0, Some(4.0)));
    by_hand.become_worth(1.0, 60_000);
    assert_eq!(by_hand.duty(), ("night", "all", 0, Some(1.0)));
    by_hand.become_worth(1.0, 60_000);
    assert_eq!(by_hand.duty(), ("management", "all", 1, Some(1.0)));

    let until = Timestamp::default().plus(DAY + 2 * HOUR);
    let mut snoozed = after(ExceptionAction::Snooze { until, comment: None });
    assert_eq!(snoozed.duty(), ("planning", "all", 0, None));
    snoozed.become_worth(1.0, 43_800);
    assert_eq!(snoozed.duty(), ("buyers", "buyers-late", 0, Some(4.0)), "as it is then");
}

#[test]
fn after_a_snooze_routing_begins_anew_with_what_it_is_then() {
    let mut short = Short::under(rules());
    short.become_worth(0.0, 2_000);
    let until = short.now.plus(2 * HOUR);
    short.person(ExceptionAction::Snooze { until, comment: None });
    short.become_worth(2.0, 300);
    assert_eq!(short.duty(), ("planning", "all", 0, None));
    short.become_worth(1.0, 1_500);
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(4.0)), "what it was before does not count");
}

#[test]
fn a_case_is_opened_once_when_what_is_in_none_rises_to_its_rule() {
    let mut short = Short::under(with_case());
    short.become_worth(0.0, 500);
    let state = |short: &Short| (short.item().state, short.item().case_id.is_some());
    assert_eq!(state(&short), (ExceptionState::Open, false));
    assert_eq!(short.become_worth(1.0, 43_800), 1);
    assert_eq!(state(&short), (ExceptionState::InCase, true));
    assert_eq!((short.duty().0, short.item().sla_due_at), ("buyers", None));
    let case = short.item().case_id.clone().unwrap();
    let id = short.item().id.clone();
    short.slots.note_claim(&id, &case, true);
    assert_eq!(short.become_worth(1.0, 43_800), 0);
    // The case is over, and decided: what rises further is for a person.
    short.slots.note_claim(&id, &case, false);
    short.become_worth(1.0, 43_800);
    short.become_worth(1.0, 90_000);
    assert_eq!((short.item().state, &short.item().case_id), (ExceptionState::Open, &Some(case)));

    // Whoever looks after it keeps it; a snooze lasts until it is over.
    let mut short = Short::under(with_case());
    short.become_worth(0.0, 500);
    short.person(acknowledge());
    short.become_worth(1.0, 5_000);
    assert_eq!(state(&short), (ExceptionState::InCase, true));
    assert_eq!((short.item().owner.as_deref(), short.duty().0), (Some("ann"), "planning"));
    let mut short = Short::under(with_case());
    short.become_worth(0.0, 500);
    short.person(ExceptionAction::Snooze { until: short.now.plus(2 * HOUR), comment: None });
    short.become_worth(1.0, 5_000);
    assert_eq!(state(&short), (ExceptionState::Snoozed, false));
    short.become_worth(1.0, 5_000);
    assert_eq!(state(&short), (ExceptionState::InCase, true));
}

#[test]
fn no_case_is_opened_for_what_has_a_cause_or_no_room_or_has_fallen() {
    let state = |short: &Short| short.item().state;
    let cause = CauseRef {
        entity: EntityKey::SkuLocation { tenant: TENANT, sku: "A".into(), location: "DC".into() },
        of: Name::default(),
    };
    let mut short = Short::under(with_case());
    short.become_grouped(0.0, Some(500), Some(&cause));
    short.become_grouped(1.0, Some(5_000), Some(&cause));
    assert_eq!((state(&short), short.duty().0), (ExceptionState::Open, "buyers"), "decided with its cause");
    short.become_grouped(1.0, Some(4_000), None);
    assert_eq!(state(&short), ExceptionState::InCase, "its cause is gone");

    let mut short = Short::under(with_case());
    short.become_grouped(0.0, Some(5_000), Some(&cause));
    short.become_grouped(1.0, Some(400), None);
    assert_eq!((state(&short), short.duty().0), (ExceptionState::Open, "buyers"), "it is worth no case now");
    short.become_worth(1.0, 1_200);
    assert_eq!(state(&short), ExceptionState::InCase);

    let mut short = Short::under(with_case());
    short.become_worth(0.0, 500);
    assert!(short.reference.note_full(true, Lsn(3)));
    short.become_worth(1.0, 5_000);
    assert_eq!((state(&short), short.duty().0), (ExceptionState::Open, "buyers"));
    assert!(short.reference.note_full(false, Lsn(4)));
    short.become_worth(1.0, 4_000);
    assert_eq!(state(&short), ExceptionState::Open, "a fall asks for none");
    short.become_worth(1.0, 6_000);
    assert_eq!(state(&short), ExceptionState::InCase);
}

proptest! {
    #[test]
    fn whatever_its_value_does_it_comes_to_rest_and_moves_up_the_rules_alone(
        steps in proptest::collection::vec((0.0..3.0_f64, proptest::option::of(0..100_000_i64)), 1..40),
    ) {
        let mut short = Short::under(rules());
        short.become_worth(0.0, 240);
        let queues = ["board-late", "buyers-late", "all"];
        let rank = |item: &ExceptionItem| queues.iter().position(|queue| item.queue.as_deref() == Some(*queue));
        for (hours, value) in steps {
            let before = short.item().clone();
            short.become_grouped(hours, value, None);
            let after = short.item();
            prop_assert!(rank(after) <= rank(&before), "{before:?} {after:?}");
            // Only another rule, or a deadline that has passed, sets another one.
            if rank(after) == rank(&before) && before.sla_due_at.is_none_or(|due| due > short.now) {
                prop_assert_eq!(before.sla_due_at, after.sla_due_at);
            }
        }
    }
}

#[test]
fn what_it_rises_to_in_somebodys_hands_moves_no_deadline() {
    let mut rules = rules();
    rules[0] = RoutingRule { value_min: Some(50_000.0), ..RoutingRule::all_to("board") };
    let mut short = Short::under(rules);
    short.become_worth(0.0, 2_000);
    short.person(acknowledge());
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(8.0)));
    short.become_worth(1.0, 60_000);
    assert_eq!(short.duty(), ("buyers", "buyers-late", 0, Some(7.0)));
    // The rule that it never came under tells nobody.
    short.become_worth(8.0, 60_000);
    assert_eq!((short.duty().0, short.duty().2), ("management", 1));
}
