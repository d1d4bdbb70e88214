//! A list through a principal's eyes: all that is in scope, whoever was asked about it.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::auth::{RoleSet, Scope};
use crate::domain::event::{EventData, SourceOfSupply, SourcingSet};
use crate::domain::exception::{ExceptionType, testing};
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::sku_location::testing::record;
use crate::http::exceptions::subject_columns;
use crate::runtime::summaries::Exceptions;
use crate::runtime::summary::{Paging, Selection as Selected, SortBy, Within};

const TENANT: TenantNumber = TenantNumber(0);
const SKUS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const LOCATIONS: [&str; 5] = ["L1", "L2", "L3", "L4", "L5"];
const SUPPLIERS: [&str; 3] = ["S1", "S2", "S3"];
const PATHS: [&[&str]; 6] = [&[], &["EU"], &["EU", "DE"], &["Food"], &["Food", "Bakery"], &["EU", "FR"]];

/// One statement about the network.
#[derive(Clone, Debug)]
enum Said {
    Item { sku: usize, path: usize },
    Location { location: usize, path: usize },
    Source { sku: usize, location: usize, supplier: Option<usize> },
}

fn said() -> impl Strategy<Value = Said> {
    let (sku, location, path) = (0..SKUS.len(), 0..LOCATIONS.len(), 0..PATHS.len());
    prop_oneof![
        (sku.clone(), path.clone()).prop_map(|(sku, path)| Said::Item { sku, path }),
        (location.clone(), path).prop_map(|(location, path)| Said::Location { location, path }),
        (sku, location, proptest::option::of(0..SUPPLIERS.len()))
            .prop_map(|(sku, location, supplier)| Said::Source { sku, location, supplier }),
    ]
}

fn event(said: &Said) -> EventData {
    match *said {
        Said::Item { sku, path } => EventData::ItemDescribed(Box::new(
            serde_json::from_value(json!({
                "sku": SKUS[sku], "path": PATHS[path], "uoms": [], "substitutes": [],
            }))
            .unwrap(),
        )),
        Said::Location { location, path } => EventData::LocationDescribed(Box::new(
            serde_json::from_value(json!({"location": LOCATIONS[location], "path": PATHS[path]})).unwrap(),
        )),
        Said::Source { sku, location, supplier } => EventData::SourcingSet(Box::new(SourcingSet {
            sku: SKUS[sku].into(),
            location: LOCATIONS[location].into(),
            source: match supplier {
                Some(supplier) => SourceOfSupply::Supplier(SUPPLIERS[supplier].into()),
                None => SourceOfSupply::Location("DC".into()),
            },
            rank: None,
            share: None,
            lead_time_days: None,
            moq: None,
            pack: None,
            unit_cost: None,
            valid_from: None,
            valid_until: None,
        })),
    }
}

fn told(statements: &[Said]) -> Reference {
    let declared = SystemBody::TenantDeclared {
        name: "default".into(),
        clock: ClockKind::Event,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: "UTC".into(),
    };
    let mut reference = Reference::default();
    reference.apply(&Record { body: Body::System(Box::new(declared)), ..record(0) });
    for (lsn, said) in (1..).zip(statements) {
        let body = Body::Event { event_type: None, data: event(said) };
        let id = Name::from(format!("{lsn:04}"));
        reference.apply(&Record { lsn: Lsn(lsn), id, body, ..record(0) });
    }
    reference
}

fn subject() -> impl Strategy<Value = ExceptionSubject> {
    let name = |names: &'static [&'static str]| proptest::option::of(proptest::sample::select(names));
    (name(&SKUS), name(&LOCATIONS), name(&SUPPLIERS)).prop_map(|(sku, location, supplier)| ExceptionSubject {
        sku: sku.map(Name::from),
        location: location.map(Name::from),
        supplier: supplier.map(Name::from),
        ..ExceptionSubject::default()
    })
}

fn scope() -> impl Strategy<Value = Vec<String>> {
    let entry = prop_oneof![
        proptest::sample::select(&LOCATIONS[..]).prop_map(|location| format!("location={location}")),
        (1..PATHS.len()).prop_map(|path| format!("path={}", PATHS[path].join("/"))),
        proptest::sample::select(&SUPPLIERS[..]).prop_map(|supplier| format!("supplier={supplier}")),
    ];
    proptest::collection::vec(entry, 0..4)
}

fn principal(scope: &[impl AsRef<str>]) -> Principal {
    Principal {
        name: "p".into(),
        roles: RoleSet::ALL,
        tenant: "default".into(),
        scope: Scope::parse(scope).unwrap(),
    }
}

fn list(subjects: &[ExceptionSubject]) -> Exceptions {
    let exceptions = Exceptions::new(10);
    let entity = Arc::new(EntityKey::Supplier { tenant: TENANT, supplier: "S".into() });
    for (lsn, subject) in (1..).zip(subjects) {
        let mut item = testing::item(&format!("x{lsn:04}"), ExceptionType::ShortageNow);
        item.subject = subject.clone();
        exceptions.upsert(TENANT, &entity, item, Lsn(lsn));
    }
    exceptions
}

/// The ids of what the principal sees, and how many things it took to ask, where `reach` is asked at once.
fn seen(
    exceptions: &Exceptions,
    principal: &Principal,
    tenant: &TenantReference,
    reach: impl FnOnce(usize) -> Reach,
) -> (Vec<Name>, usize) {
    let paging = Paging { sort: SortBy::Id, descending: false, is_ranked: false, after: None, limit: 1_000 };
    let mut asked = 0;
    let within = Within { patience: 0, reach };
    let page = exceptions.page_within(TENANT, &Selected::default(), &paging, within, |item| {
        asked += 1;
        sees_exception(principal, tenant, item)
    });
    (page.entries.iter().map(|entry| entry.item.id.clone()).collect(), asked)
}

proptest! {
    #[test]
    fn nothing_in_scope_is_out_of_reach(
        statements in proptest::collection::vec(said(), 0..40),
        subjects in proptest::collection::vec(subject(), 0..40),
        scope in scope(),
        rows in prop_oneof![Just(0_usize), Just(5), Just(1_000)],
    ) {
        let reference = told(&statements);
        let tenant = reference.tenant(TENANT).unwrap();
        let (exceptions, principal) = (list(&subjects), principal(&scope));
        let (all, asked) = seen(&exceptions, &principal, tenant, |_| Reach::default());
        prop_assert_eq!(asked, subjects.len());
        let reach = reach(&principal, tenant, subject_columns(), rows);
        prop_assert!(rows < 1_000 || reach.is_unbounded() == scope.is_empty());
        prop_assert_eq!(seen(&exceptions, &principal, tenant, |_| reach).0, all);
    }
}

#[test]
fn what_is_in_reach_is_found_out_once_many_were_asked_in_vain() {
    let subjects: Vec<_> = (0..30_000)
        .map(|n| ExceptionSubject::sku_location(&format!("X{n}").into(), &LOCATIONS[n % 5].into()))
        .collect();
    let reference = told(&[]);
    let tenant = reference.tenant(TENANT).unwrap();
    let exceptions = list(&subjects);
    for (scope, finds_out) in [(&[][..], false), (&["location=L1"], true)] {
        let principal = principal(scope);
        let (mut asked, mut rows_left) = (0, None);
        let paging =
            Paging { sort: SortBy::Id, descending: false, is_ranked: false, after: None, limit: 10_000 };
        let within = Within::new(|rows| {
            rows_left = Some(rows);
            reach(&principal, tenant, subject_columns(), rows)
        });
        let page = exceptions.page_within(TENANT, &Selected::default(), &paging, within, |item| {
            asked += 1;
            sees_exception(&principal, tenant, item)
        });
        let visible = if finds_out { 6_000 } else { 10_000 };
        assert_eq!((page.entries.len(), rows_left.is_some()), (visible, finds_out), "{scope:?}");
        // 16,384 in vain are 20,480, which are some chunks; of what is left only what is at L1.
        assert!(!finds_out || rows_left < Some(10_000) && asked < 30_000, "{asked} {rows_left:?}");
    }
}

#[test]
fn only_what_is_within_reach_is_asked_about() {
    let mut statements = Vec::new();
    let mut subjects = Vec::new();
    for (sku, name) in SKUS.iter().enumerate() {
        statements.push(Said::Item { sku, path: if sku == 0 { 4 } else { 1 } });
        for (location, place) in LOCATIONS.iter().enumerate() {
            let supplier = (sku == location).then_some(0);
            statements.push(Said::Source { sku, location, supplier });
            subjects.push(ExceptionSubject::sku_location(&(*name).into(), &(*place).into()));
        }
    }
    for location in 0..LOCATIONS.len() {
        statements.push(Said::Location { location, path: if location == 2 { 5 } else { 0 } });
    }
    subjects.push(ExceptionSubject { supplier: Some("S1".into()), ..ExceptionSubject::default() });
    let reference = told(&statements);
    let tenant = reference.tenant(TENANT).unwrap();
    let exceptions = list(&subjects);
    for (scope, expected) in [
        (&["location=L2"][..], SKUS.len()),
        (&["path=EU/FR"], SKUS.len()),
        (&["path=Food"], LOCATIONS.len()),
        (&["supplier=S1"], LOCATIONS.len() + 1),
        (&["supplier=S2"], 0),
        (&["supplier=S1", "location=L2"], 1),
        (&["path=Food", "location=L2"], 1),
    ] {
        let principal = principal(scope);
        let reach = reach(&principal, tenant, subject_columns(), subjects.len());
        let (all, asked) = seen(&exceptions, &principal, tenant, |_| reach);
        assert_eq!((all.len(), asked), (expected, expected), "{scope:?}");
    }
    // With far fewer rows than names there is nothing to gain.
    assert!(reach(&principal(&["path=Food"]), tenant, subject_columns(), 3).is_unbounded());
}
