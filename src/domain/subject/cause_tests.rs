//! Sources of events and promotions, as statements.

use super::*;
use crate::domain::event::FeedTraffic;
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::{ExceptionChange, ExceptionTransition, ExceptionWindow, testing};
use crate::domain::ids::TenantNumber;
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;
use crate::domain::record::{ClockKind, Record, SystemBody, TransitionBody};
use crate::domain::reference::VolumeShift;
use crate::domain::time::HOUR;
use proptest::prelude::*;

const TENANT: TenantNumber = TenantNumber(0);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A subject that is told things, and what it decided.
struct Watched {
    subject: Subject,
    key: EntityKey,
    reference: Reference,
    lsn: u64,
}

impl Watched {
    fn new(kind: SubjectKind) -> Watched {
        let key = EntityKey::Subject { tenant: TENANT, subject: kind, id: Name::from("X") };
        let mut watched =
            Watched { subject: Subject::new(&key), key, reference: Reference::default(), lsn: 0 };
        let declared = SystemBody::TenantDeclared {
            name: Name::from("default"),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("UTC"),
        };
        let record = watched.record(Timestamp::default(), Body::System(Box::new(declared)));
        watched.reference.apply(&record);
        watched
    }

    fn record(&mut self, time: Timestamp, body: Body) -> Record {
        self.lsn += 1;
        Record {
            lsn: Lsn(self.lsn),
            tenant: TENANT,
            event_time: time,
            ingest_time: time,
            business_time: time,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::from("X"),
            id: Name::from(self.lsn.to_string()),
            sequence: Name::default(),
            principal: Name::from("test"),
            body,
        }
    }

    fn take(&mut self, record: &Record) {
        self.reference.apply(record);
        let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
        self.subject.apply(&delivery, &self.reference);
    }

    /// `events` that demanded so many units in all, in weeks.
    fn traffic(&mut self, time: Timestamp, events: u32, units: Option<i64>) {
        let traffic = FeedTraffic {
            events,
            demand: Quantity::from_units(units.unwrap_or_default()),
            period_days: units.map(|_| 7),
            begun: None,
            last: Lsn(self.lsn + 1),
        };
        let data = EventData::FeedTraffic(Box::new(traffic));
        let record = self.record(time, Body::Event { event_type: None, data });
        self.take(&record);
    }

    /// Another entity's exception with this one as its cause.
    fn member(&mut self, id: &str, kind: ExceptionType, of: &str, euros: i64, state: ExceptionState) {
        let mut item = testing::item(id, kind);
        item.state = state;
        item.value_at_risk =
            Some(Money::from_ten_thousandths(euros * 10_000, Currency::parse("EUR").unwrap()));
        item.evidence = vec![Evidence {
            source: Name::from("till"),
            id: Name::from("1"),
            event_type: Name::from("pos.sale"),
            time: Timestamp::default(),
            lsn: Lsn(1),
        }];
        let change = ExceptionTransition {
            cause: Some(Box::new(CauseRef { entity: self.key.clone(), of: Name::from(of) })),
            ..ExceptionTransition::alone(ExceptionChange::Updated, item)
        };
        let entity =
            EntityKey::SkuLocation { tenant: TENANT, sku: Name::from(id), location: Name::from("S") };
        let body = TransitionBody { entity, transition: Transition::Exception(Box::new(change)) };
        let record = self.record(Timestamp::default(), Body::Transition(Box::new(body)));
        self.take(&record);
    }

    /// Journals what it proposes until it proposes nothing; what it told, and when it wants to look again.
    fn settle(&mut self, now: Timestamp) -> (Vec<ExceptionTransition>, Option<Timestamp>) {
        let mut told = Vec::new();
        for _ in 0..10 {
            let reconciled = self.subject.reconcile(&self.key, now, &self.reference);
            if reconciled.proposals.is_empty() {
                return (told, reconciled.next_review_at);
            }
            for transition in reconciled.proposals {
                if let Transition::Exception(change) = &transition {
                    told.push((**change).clone());
                }
                let body = TransitionBody { entity: self.key.clone(), transition };
                let mut record = self.record(now, Body::Transition(Box::new(body)));
                record.entity_revision = self.subject.revision() + 1;
                self.take(&record);
            }
        }
        panic!("it never comes to rest: {told:?}");
    }

    fn told(&mut self, now: Timestamp) -> Vec<(ExceptionChange, ExceptionType, Name)> {
        let (told, _) = self.settle(now);
        told.into_iter().map(|change| (change.kind, change.item.exception_type.clone(), change.of)).collect()
    }

    fn item(&self, kind: ExceptionType, of: &str) -> &crate::domain::exception::ExceptionItem {
        self.subject.exceptions().open_of(&kind, of).unwrap()
    }
}

use crate::domain::exception::ExceptionState;
use ExceptionChange::{Cleared, Opened, Updated};
use ExceptionType::{DataQuality, DemandSpike, FeedStale, PromotionOffPlan, PromotionUncovered};
use SubjectKind::{Promotion, Source};

fn stale(change: ExceptionChange) -> (ExceptionChange, ExceptionType, Name) {
    (change, FeedStale, Name::default())
}

#[test]
fn a_source_that_falls_silent_is_stale_until_it_sends_again() {
    let mut source = Watched::new(Source);
    let start = at("2026-03-02T00:00:00Z");
    for hour in 0..48 {
        source.traffic(start.plus(hour * HOUR), 3, None);
    }
    // Last at 23:00 of the second day; hourly, so at the earliest after six hours.
    let last = start.plus(47 * HOUR);
    let (told, review) = source.settle(last);
    assert_eq!((told.len(), review), (0, Some(last.plus(6 * HOUR))));
    assert_eq!(source.told(last.plus(6 * HOUR - 1)), []);
    let now = last.plus(6 * HOUR);
    assert_eq!(source.told(now), [stale(Opened)]);
    let item = source.item(FeedStale, "");
    assert_eq!((&*item.subject.kind, item.subject.source.as_deref()), ("source", Some("X")));
    assert_eq!((item.severity, item.urgency), (Severity::High, 100));
    assert_eq!(
        item.cause.as_deref(),
        Some("Nothing has come from X since 2026-03-03T23:00:00Z; usually something comes every 60 minutes.")
    );
    assert_eq!(item.window.unwrap().from, Some(last));
    let id = item.id.clone();
    assert_eq!(source.told(now.plus(DAY)), [], "raised once");
    // It sends again, and falls silent again within a day: the same exception.
    source.traffic(now.plus(DAY), 1, None);
    assert_eq!(source.told(now.plus(DAY)), [stale(Cleared)]);
    assert_eq!(source.told(now.plus(DAY + 6 * HOUR)), [stale(Opened)]);
    let item = source.item(FeedStale, "");
    assert_eq!((&item.id, item.reopened), (&id, 1));
}

#[test]
fn a_source_whose_cadence_nobody_knows_is_never_stale() {
    let mut source = Watched::new(Source);
    source.traffic(at("2026-03-02T00:00:00Z"), 20, None);
    let (told, review) = source.settle(at("2027-03-02T00:00:00Z"));
    assert_eq!((told.len(), review), (0, None));
}

/// Litres that Iowa's retailers ordered, by week from 2013-06-09 on: the seventeenth is that of 2013-09-29.
const IOWA: [i64; 20] = [
    62303, 21115, 51460, 43539, 45433, 42924, 38855, 46098, 49277, 52931, 43953, 54253, 48817, 43687, 42265,
    43056, 102676, 90470, 47261, 52620,
];

fn surge() -> Name {
    VolumeShift::Surge.of()
}

#[test]
fn the_week_in_which_all_of_iowa_ordered_twice_as_much_is_one_exception() {
    let mut source = Watched::new(Source);
    let first = at("2013-06-10T00:00:00Z");
    let week = |week: i64| first.plus(week * 7 * DAY);
    // A part of the week before.
    source.traffic(week(0).plus(-2 * DAY), 20, Some(10_000));
    let mut all = Vec::new();
    for (number, litres) in IOWA.into_iter().enumerate() {
        // Five days' orders; the week's last ones are told with the first of the next.
        for day in 0..5 {
            let now = week(number as i64).plus(day * DAY);
            source.traffic(now, 300, Some(litres / 5));
            all.extend(source.told(now).into_iter().map(|told| (number, told)));
        }
        if number == 17 {
            let item = source.item(DataQuality, &surge());
            assert_eq!(
                item.window,
                Some(ExceptionWindow {
                    from: Some(at("2013-09-29T00:00:00Z")),
                    until: Some(at("2013-10-06T00:00:00Z")),
                })
            );
            // 102,675 against the median of the weeks before, 45,430 (each in five equal parts).
            assert_eq!(item.units_at_risk, Some(Quantity::from_units(57_245)));
            let cause = source.reference.tenant(TENANT).unwrap().feed_disturbed(
                Some("X"),
                VolumeShift::Surge,
                at("2013-09-29T00:00:00Z"),
                at("2013-10-06T00:00:00Z"),
            );
            assert_eq!(cause.map(|cause| cause.group_key()).as_deref(), Some("source:X:surge"));
        }
        if number == 18 {
            let window = source.item(DataQuality, &surge()).window.unwrap();
            assert_eq!(window.until, Some(at("2013-10-13T00:00:00Z")), "the second week belongs to it");
        }
    }
    let told = |change, of: VolumeShift| (change, DataQuality, of.of());
    assert_eq!(
        all,
        [
            (17, told(Opened, VolumeShift::Surge)),
            (18, told(Updated, VolumeShift::Surge)),
            (19, told(Cleared, VolumeShift::Surge)),
        ]
    );
}

/// A source with ten usual weeks, and one week of so many units; as of the Sunday after it.
fn with_week(units: i64) -> (Watched, Timestamp) {
    let mut source = Watched::new(Source);
    let first = at("2026-01-04T00:00:00Z");
    for week in 0..11 {
        let usual = if week % 2 == 0 { 950 } else { 1_050 };
        source.traffic(first.plus(week * 7 * DAY), 10, Some(usual));
    }
    source.traffic(first.plus(11 * 7 * DAY), 10, Some(units));
    let now = first.plus(12 * 7 * DAY);
    source.traffic(now, 1, Some(1_000));
    (source, now)
}

#[test]
fn only_what_is_far_from_usual_is_a_disturbance() {
    let check = |units: i64, expected: Option<VolumeShift>| {
        let (mut source, now) = with_week(units);
        let expected: Vec<_> = expected.into_iter().map(|shift| (Opened, DataQuality, shift.of())).collect();
        assert_eq!(source.told(now), expected, "{units}");
    };
    check(2_500, Some(VolumeShift::Surge));
    check(2_000, None);
    check(600, None);
    check(400, Some(VolumeShift::Slump));
    check(0, Some(VolumeShift::Slump));
}

#[test]
fn a_disturbance_stays_while_what_it_led_to_is_open_and_counts_its_value_once() {
    let (mut source, now) = with_week(2_500);
    source.told(now);
    source.member("A", DemandSpike, ":surge", 30, ExceptionState::Open);
    source.member("B", DemandSpike, ":surge", 12, ExceptionState::Open);
    assert_eq!(source.told(now), [(Updated, DataQuality, surge())]);
    let item = source.item(DataQuality, &surge());
    assert_eq!(item.value_at_risk.unwrap().as_f64(), 42.0);
    let affected = item.affected.as_ref().unwrap();
    assert_eq!((affected.count, &*affected.key), (2, "source:X:surge"));
    let window = item.window;
    // The next week is as usual, and the spikes are still open.
    let next = now.plus(7 * DAY);
    source.traffic(next, 1, Some(1_000));
    assert_eq!(source.told(next), []);
    source.member("A", DemandSpike, ":surge", 30, ExceptionState::Cleared);
    assert_eq!(source.told(next), [(Updated, DataQuality, surge())]);
    let item = source.item(DataQuality, &surge());
    assert_eq!((item.window, item.affected.as_ref().unwrap().count), (window, 1));
    assert!(item.cause.as_ref().unwrap().contains("2500 units"), "{:?}", item.cause);
    source.member("B", DemandSpike, ":surge", 12, ExceptionState::Cleared);
    assert_eq!(source.told(next), [(Cleared, DataQuality, surge())]);
}

#[test]
fn the_places_of_a_promotion_are_one_exception_about_it() {
    let mut promotion = Watched::new(Promotion);
    let now = at("2026-03-02T00:00:00Z");
    promotion.member("A", PromotionUncovered, "", 100, ExceptionState::Open);
    assert_eq!(promotion.told(now), [(Opened, PromotionUncovered, Name::default())]);
    promotion.member("B", PromotionUncovered, "", 50, ExceptionState::Open);
    promotion.member("C", PromotionOffPlan, "", 7, ExceptionState::Open);
    assert_eq!(promotion.told(now), [(Updated, PromotionUncovered, Name::default())]);
    let item = promotion.item(PromotionUncovered, "");
    assert_eq!(item.value_at_risk.unwrap().as_f64(), 157.0);
    let affected = item.affected.as_ref().unwrap();
    assert_eq!((affected.count, &*affected.key), (3, "promotion:X"));
    assert_eq!(item.subject.promotion_id.as_deref(), Some("X"));
    assert_eq!((item.severity, item.evidence.len()), (Severity::Medium, 1));
    // Most of what is left is of the other kind: it stays what it is until nothing is left.
    for over in ["A", "B"] {
        promotion.member(over, PromotionUncovered, "", 100, ExceptionState::Cleared);
    }
    promotion.member("D", PromotionOffPlan, "", 7, ExceptionState::Open);
    assert_eq!(promotion.told(now.plus(HOUR)), [(Updated, PromotionUncovered, Name::default())]);
    for over in ["C", "D"] {
        promotion.member(over, PromotionOffPlan, "", 7, ExceptionState::Cleared);
    }
    assert_eq!(promotion.told(now.plus(2 * HOUR)), [(Cleared, PromotionUncovered, Name::default())]);
    promotion.member("E", PromotionOffPlan, "", 7, ExceptionState::Open);
    promotion.member("F", PromotionOffPlan, "", 7, ExceptionState::Open);
    assert_eq!(promotion.told(now.plus(3 * HOUR)), [(Opened, PromotionOffPlan, Name::default())]);
}

#[derive(Clone, Debug)]
enum Step {
    Traffic { hours: i64, events: u32, units: Option<i64> },
    Member { id: u8, is_over: bool },
    Look { hours: i64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..400i64, 1..50u32, prop::option::of(0..5_000i64))
            .prop_map(|(hours, events, units)| Step::Traffic { hours, events, units }),
        (0..4u8, any::<bool>()).prop_map(|(id, is_over)| Step::Member { id, is_over }),
        (0..2_000i64).prop_map(|hours| Step::Look { hours }),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_it_comes_to_rest_and_survives_json(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut source = Watched::new(Source);
        let mut now = at("2026-01-01T00:00:00Z");
        for step in steps {
            match step {
                Step::Traffic { hours, events, units } => {
                    now = now.plus(hours * HOUR);
                    source.traffic(now, events, units);
                }
                Step::Member { id, is_over } => {
                    let state = if is_over { ExceptionState::Cleared } else { ExceptionState::Open };
                    source.member(&id.to_string(), DemandSpike, ":surge", 5, state);
                }
                Step::Look { hours } => now = now.plus(hours * HOUR),
            }
            source.settle(now);
            let open = source.subject.exceptions().iter_open();
            for item in open {
                prop_assert!(!item.state.is_final());
            }
        }
        let text = serde_json::to_string(&source.subject).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Subject>(&text).unwrap(), &source.subject);
    }
}
