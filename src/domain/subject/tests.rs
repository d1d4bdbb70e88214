//! When something in use was never described, as statements.

use super::*;
use crate::domain::event::{EventType, ItemDescribed, LocationDescribed, PosSale, SupplierDescribed};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::routing::RoutingRule;
use crate::domain::exception::{ExceptionChange, ExceptionState, ExceptionTransition, exception_id};
use crate::domain::ids::TenantNumber;
use crate::domain::money::Currency;
use crate::domain::quantity::Quantity;
use crate::domain::record::{ClockKind, Record, SystemBody, TransitionBody};
use crate::domain::settings::Settings;
use crate::domain::time::SECOND;

const TENANT: TenantNumber = TenantNumber(0);

fn key(subject: SubjectKind) -> EntityKey {
    EntityKey::Subject { tenant: TENANT, subject, id: Name::from("X") }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * SECOND)
}

fn record(lsn: u64, body: Body) -> Record {
    Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: at(lsn as i64),
        ingest_time: at(lsn as i64),
        business_time: at(lsn as i64),
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("till"),
        id: Name::from(lsn.to_string()),
        sequence: Name::default(),
        principal: Name::from("test"),
        body,
    }
}

fn sale(lsn: u64) -> Record {
    let data = EventData::PosSale(PosSale {
        sku: Name::from("X"),
        location: Name::from("X"),
        quantity: Quantity::from_units(1),
        unit_price: None,
        currency: None,
        uom: None,
    });
    record(lsn, Body::Event { event_type: Some(EventType::PosSale), data })
}

fn described(subject: SubjectKind, lsn: u64) -> Record {
    let data = match subject {
        SubjectKind::Item => EventData::ItemDescribed(Box::new(ItemDescribed {
            sku: Name::from("X"),
            name: None,
            path: Vec::new(),
            attributes: None,
            brand: None,
            unit_cost: None,
            unit_price: None,
            currency: None,
            uom: None,
            uoms: Vec::new(),
            pack: None,
            shelf_life_days: None,
            substitutes: Vec::new(),
        })),
        SubjectKind::Location => EventData::LocationDescribed(Box::new(LocationDescribed {
            location: Name::from("X"),
            name: None,
            kind: None,
            path: Vec::new(),
            lat: None,
            lon: None,
            timezone: None,
            calendar: None,
        })),
        SubjectKind::Supplier => EventData::SupplierDescribed(Box::new(SupplierDescribed {
            supplier: Name::from("X"),
            name: None,
            lead_time_days: None,
            lead_time_sd_days: None,
            ack_within_hours: None,
            timezone: None,
            calendar: None,
        })),
        SubjectKind::Source | SubjectKind::Promotion => panic!("nobody describes these"),
    };
    record(lsn, Body::Event { event_type: None, data })
}

fn reference() -> Reference {
    let mut reference = Reference::default();
    let declared = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Event,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    reference.apply(&record(1, Body::System(Box::new(declared))));
    reference
}

fn activate(reference: &mut Reference, enabled: bool) {
    let mut settings = Settings::default();
    let kind = ExceptionType::MissingMasterData;
    settings.exceptions.kinds.set(&kind, KindSettings { enabled, ..KindSettings::of(&kind) });
    let body = SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
    reference.apply(&record(900, Body::System(Box::new(body))));
}

fn apply(subject: &mut Subject, reference: &Reference, record: &Record) {
    let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
    subject.apply(&delivery, reference);
}

fn proposal(
    subject: &Subject,
    key: &EntityKey,
    now: i64,
    reference: &Reference,
) -> Option<ExceptionTransition> {
    let reconciled = subject.reconcile(key, at(now), reference);
    assert_eq!(reconciled.next_review_at, None);
    assert!(reconciled.proposals.len() <= 1);
    reconciled.proposals.into_iter().next().map(|transition| match transition {
        Transition::Exception(change) => *change,
        other => panic!("{other:?}"),
    })
}

/// Journals a proposal and folds it back in.
fn take(
    subject: &mut Subject,
    key: &EntityKey,
    lsn: u64,
    reference: &Reference,
    change: &ExceptionTransition,
) {
    let body =
        TransitionBody { entity: key.clone(), transition: Transition::Exception(Box::new(change.clone())) };
    let mut record = record(lsn, Body::Transition(Box::new(body)));
    record.entity_revision = subject.revision() + 1;
    apply(subject, reference, &record);
}

#[test]
fn a_thing_in_use_that_nobody_described_is_one_exception_until_it_is_described() {
    let check = |kind: SubjectKind, severity: Severity, cause: &str| {
        let key = key(kind);
        let mut reference = reference();
        let mut subject = Subject::new(&key);
        assert_eq!(proposal(&subject, &key, 9, &reference), None, "not in use");
        apply(&mut subject, &reference, &sale(10));
        let opened = proposal(&subject, &key, 11, &reference).unwrap();
        assert_eq!((opened.kind, opened.item.state), (ExceptionChange::Opened, ExceptionState::Open));
        let item = &opened.item;
        assert_eq!((item.severity, item.urgency, item.revision), (severity, 10, 1));
        assert_eq!((item.value_at_risk, item.units_at_risk, item.decide_by), (None, None, None));
        assert_eq!((item.opened_at, item.updated_at, item.cleared_at), (at(11), at(11), None));
        assert_eq!(item.cause.as_deref(), Some(cause));
        assert_eq!(
            item.evidence,
            [Evidence {
                source: Name::from("till"),
                id: Name::from("10"),
                event_type: Name::from("pos.sale"),
                time: at(10),
                lsn: Lsn(10)
            }]
        );
        let named = [&item.subject.sku, &item.subject.location, &item.subject.supplier];
        let kinds = [SubjectKind::Item, SubjectKind::Location, SubjectKind::Supplier];
        for (named, of) in named.into_iter().zip(kinds) {
            assert_eq!(named.as_deref(), (of == kind).then_some("X"), "{kind:?}");
        }
        assert_eq!(item.subject.kind, kind.as_str());

        take(&mut subject, &key, 12, &reference, &opened);
        apply(&mut subject, &reference, &sale(13));
        assert_eq!(proposal(&subject, &key, 14, &reference), None, "raised once");
        assert_eq!((subject.exceptions().open_count(), subject.revision()), (1, 1));

        let description = described(kind, 15);
        reference.apply(&description);
        apply(&mut subject, &reference, &description);
        let cleared = proposal(&subject, &key, 16, &reference).unwrap();
        assert_eq!((cleared.kind, cleared.item.state), (ExceptionChange::Cleared, ExceptionState::Cleared));
        assert_eq!((&cleared.item.id, cleared.item.revision), (&opened.item.id, 2));
        assert_eq!((cleared.item.opened_at, cleared.item.cleared_at), (at(11), Some(at(16))));
        take(&mut subject, &key, 17, &reference, &cleared);
        assert_eq!(proposal(&subject, &key, 18, &reference), None);
        assert_eq!(subject.exceptions().open_count(), 0);
        let text = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&text).unwrap(), subject);
    };
    check(
        SubjectKind::Item,
        Severity::Medium,
        "The item X is in use, but nobody described it: it has no price, unit or hierarchy. Send item.described \
         with this sku.",
    );
    check(
        SubjectKind::Location,
        Severity::Medium,
        "The location X is in use, but nobody described it: it has no time zone, kind or hierarchy. Send \
         location.described with this location.",
    );
    check(
        SubjectKind::Supplier,
        Severity::Low,
        "The supplier X is in use, but nobody described it: it has no lead time but measured ones. Send \
         supplier.described with this supplier.",
    );
}

#[test]
fn what_was_described_before_or_never_used_is_no_exception() {
    let key = key(SubjectKind::Item);
    let mut reference = reference();
    let description = described(SubjectKind::Item, 5);
    let mut unused = Subject::new(&key);
    apply(&mut unused, &reference, &description);
    assert_eq!(proposal(&unused, &key, 6, &reference), None);
    reference.apply(&description);
    let mut subject = Subject::new(&key);
    apply(&mut subject, &reference, &sale(10));
    assert_eq!(proposal(&subject, &key, 11, &reference), None);
}

#[test]
fn switching_it_off_clears_it_and_switching_it_on_soon_after_reopens_it() {
    let key = key(SubjectKind::Item);
    let mut reference = reference();
    let mut subject = Subject::new(&key);
    apply(&mut subject, &reference, &sale(10));
    let first = proposal(&subject, &key, 11, &reference).unwrap();
    take(&mut subject, &key, 12, &reference, &first);
    activate(&mut reference, false);
    let cleared = proposal(&subject, &key, 13, &reference).unwrap();
    assert_eq!(cleared.kind, ExceptionChange::Cleared);
    take(&mut subject, &key, 14, &reference, &cleared);
    assert_eq!(proposal(&subject, &key, 15, &reference), None);
    activate(&mut reference, true);
    let second = proposal(&subject, &key, 16, &reference).unwrap();
    assert_eq!(second.kind, ExceptionChange::Opened);
    assert_eq!((&second.item.id, second.item.reopened), (&first.item.id, 1));
    // The same wherever it is computed.
    assert_eq!(first.item.id, exception_id(TENANT, &ExceptionType::MissingMasterData, "item X", 1));
}

#[test]
fn the_evidence_is_the_first_mention_by_lsn_also_if_that_one_had_waited() {
    let key = key(SubjectKind::Item);
    let reference = reference();
    let mut subject = Subject::new(&key);
    apply(&mut subject, &reference, &sale(20));
    let held = sale(10);
    subject.apply(&Delivery { record: &held, lsn: Lsn(25), business_time: at(25) }, &reference);
    apply(&mut subject, &reference, &sale(30));
    assert_eq!(proposal(&subject, &key, 31, &reference).unwrap().item.evidence[0].lsn, Lsn(10));
    assert_eq!(subject.applied_lsn(), Lsn(30));
}

#[test]
fn a_transition_that_is_not_the_next_one_changes_nothing() {
    let key = key(SubjectKind::Item);
    let reference = reference();
    let mut subject = Subject::new(&key);
    apply(&mut subject, &reference, &sale(10));
    let opened = proposal(&subject, &key, 11, &reference).unwrap();
    let body = TransitionBody { entity: key.clone(), transition: Transition::Exception(Box::new(opened)) };
    let mut stray = record(12, Body::Transition(Box::new(body)));
    stray.entity_revision = 2;
    apply(&mut subject, &reference, &stray);
    assert_eq!((subject.revision(), subject.exceptions().open_count()), (0, 0));
}

#[test]
fn a_rule_opens_a_case_as_long_as_there_is_room_for_one() {
    let key = key(SubjectKind::Item);
    let mut reference = reference();
    let mut settings = Settings::default();
    settings.routing.rules.push(RoutingRule { open_case: true, ..RoutingRule::all_to("operations") });
    let body = SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
    reference.apply(&record(2, Body::System(Box::new(body))));
    let mut subject = Subject::new(&key);
    apply(&mut subject, &reference, &sale(10));
    let opened = |reference: &Reference| {
        let item = proposal(&subject, &key, 11, reference).unwrap().item;
        (item.state, item.case_id.is_some(), item.team.clone())
    };
    let (state, has_case, team) = opened(&reference);
    assert_eq!((state, has_case, team.as_deref()), (ExceptionState::InCase, true, Some("operations")));
    assert!(reference.note_full(true, Lsn(3)) && !reference.note_full(true, Lsn(4)));
    assert_eq!(reference.version(), Lsn(3));
    assert_eq!(opened(&reference), (ExceptionState::Open, false, team), "it is somebody's all the same");
}
