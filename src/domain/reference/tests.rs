//! What the contract says about reference data, as statements.

use proptest::prelude::*;

use super::fold::{DELAYS_PER_SUPPLIER_MAX, SOURCES_PER_SKU_LOCATION_MAX};
use super::*;
use crate::domain::event::*;
use crate::domain::ids::EntityKey;
use crate::domain::money::{Currency, Money};
use crate::domain::record::{ClockKind, TransitionBody};
use crate::domain::supplier::PublishedStatistics;
use crate::domain::time::{DAY, Day};

const TENANT: TenantNumber = TenantNumber(0);

fn day(day: i64) -> Timestamp {
    Timestamp::from_micros(day * DAY)
}

fn record(lsn: u64, time: Timestamp, body: Body) -> Record {
    Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("test"),
        id: Name::from(format!("{lsn:06}")),
        sequence: Name::default(),
        principal: Name::from("test"),
        body,
    }
}

fn event(data: EventData) -> Body {
    Body::Event { event_type: None, data }
}

fn declared() -> Reference {
    let mut reference = Reference::default();
    let body = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Event,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("Europe/Berlin"),
    };
    reference.apply(&record(1, day(0), Body::System(Box::new(body))));
    reference
}

/// A reference that has seen these events, each a day after the one before.
fn seen(events: impl IntoIterator<Item = EventData>) -> Reference {
    let mut reference = declared();
    for (at, data) in events.into_iter().enumerate() {
        reference.apply(&record(at as u64 + 2, day(at as i64), event(data)));
    }
    reference
}

fn tenant(reference: &Reference) -> &TenantReference {
    reference.tenant(TENANT).unwrap()
}

fn item(sku: &str, path: &[&str]) -> EventData {
    EventData::ItemDescribed(Box::new(ItemDescribed {
        sku: Name::from(sku),
        name: None,
        path: path.iter().map(|level| Name::from(*level)).collect(),
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
    }))
}

fn location(location: &str, path: &[&str], timezone: Option<&str>) -> EventData {
    EventData::LocationDescribed(Box::new(LocationDescribed {
        location: Name::from(location),
        name: None,
        kind: None,
        path: path.iter().map(|level| Name::from(*level)).collect(),
        lat: None,
        lon: None,
        timezone: timezone.map(Name::from),
        calendar: None,
    }))
}

fn supplier(name: &str, mean: Option<f64>, sd: Option<f64>) -> EventData {
    EventData::SupplierDescribed(Box::new(SupplierDescribed {
        supplier: Name::from(name),
        name: None,
        lead_time_days: mean,
        lead_time_sd_days: sd,
        ack_within_hours: None,
        timezone: None,
        calendar: None,
    }))
}

fn from_supplier(name: &str) -> SourceOfSupply {
    SourceOfSupply::Supplier(Name::from(name))
}

fn from_location(name: &str) -> SourceOfSupply {
    SourceOfSupply::Location(Name::from(name))
}

/// A source of item A at location S.
fn source(source: SourceOfSupply, rank: Option<i64>, lead_time_days: Option<f64>) -> EventData {
    source_valid(source, rank, lead_time_days, None, None)
}

fn source_valid(
    source: SourceOfSupply,
    rank: Option<i64>,
    lead_time_days: Option<f64>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
) -> EventData {
    EventData::SourcingSet(Box::new(SourcingSet {
        sku: Name::from("A"),
        location: Name::from("S"),
        source,
        rank,
        share: None,
        lead_time_days,
        moq: None,
        pack: None,
        unit_cost: None,
        valid_from,
        valid_until,
    }))
}

fn lane(from: &str, to: &str, transit_days: Option<f64>) -> EventData {
    EventData::LaneDescribed(Box::new(LaneDescribed {
        from: Name::from(from),
        to: Name::from(to),
        transit_days,
        cost_per_unit: None,
        currency: None,
        min_quantity: None,
        calendar: None,
    }))
}

/// A policy for `sku`, `location` and `path`, each named unless empty.
fn policy(scope: [&str; 3], fields: impl FnOnce(&mut PolicySet)) -> EventData {
    let [sku, location, path] = scope.map(|name| (!name.is_empty()).then(|| Name::from(name)));
    let mut set = PolicySet {
        scope: PolicyScope { sku, location, path, segment: None },
        service_level: None,
        measure: None,
        review_days: None,
        max_cover_days: None,
        lead_time_days: None,
        period_days: None,
    };
    fields(&mut set);
    EventData::PolicySet(Box::new(set))
}

fn delay(days: f64, po_id: Option<&str>, sku: Option<&str>, span: [Option<i64>; 2]) -> EventData {
    EventData::SupplierDelayReported(Box::new(SupplierDelay {
        supplier: Name::from("V"),
        delay_days: days,
        po_id: po_id.map(Name::from),
        sku: sku.map(Name::from),
        from: span[0].map(day),
        until: span[1].map(day),
        reason: None,
    }))
}

fn publish(reference: &mut Reference, lsn: u64, receipts: u32, mean: f64, sd: f64) -> Vec<Affected> {
    let statistics = PublishedStatistics {
        supplier: Name::from("V"),
        receipts,
        lead_time_mean_days: mean,
        lead_time_sd_days: sd,
        lateness_mean_days: None,
    };
    let body = TransitionBody {
        entity: EntityKey::Supplier { tenant: TENANT, supplier: Name::from("V") },
        transition: Transition::SupplierStatistics(statistics),
    };
    reference.apply(&record(lsn, day(0), Body::Transition(Box::new(body))))
}

/// Lead time mean and standard deviation of A at S, and its fastest remedy.
fn lead_times(reference: &Reference, now: Timestamp) -> (f64, f64, Option<f64>) {
    let parameters = reference.planning_parameters(TENANT, "A", "S", now);
    let fastest = tenant(reference).fastest_remedy_days("A", "S", now);
    (parameters.lead_time_days, parameters.lead_time_sd_days, fastest)
}

#[test]
fn defaults_hold_when_nothing_else_is_said() {
    for reference in [declared(), Reference::default()] {
        let parameters = reference.planning_parameters(TENANT, "A", "S", day(0));
        assert!((parameters.z - 1.644_853_626_951_472_7).abs() < 1e-12, "{}", parameters.z);
        assert_eq!(
            parameters,
            PlanningParameters {
                service_level: 0.95,
                z: parameters.z,
                review_days: 0.0,
                lead_time_days: 7.0,
                lead_time_sd_days: 0.0,
                period_days: 1,
                max_cover_days: None,
            }
        );
    }
    assert_eq!(lead_times(&declared(), day(0)).2, None);
}

#[test]
fn lead_time_is_policy_else_sourcing_else_measured_else_described_else_seven_days() {
    let by_policy = || policy(["A", "", ""], |set| set.lead_time_days = Some(9.0));
    let check = |name: &str,
                 events: Vec<EventData>,
                 measured: Option<(u32, f64, f64)>,
                 expected: (f64, f64, Option<f64>)| {
        let mut reference = seen(events);
        if let Some((receipts, mean, sd)) = measured {
            publish(&mut reference, 90, receipts, mean, sd);
        }
        assert_eq!(lead_times(&reference, day(100)), expected, "{name}");
    };
    let v = || from_supplier("V");
    let described = || supplier("V", Some(4.0), Some(1.5));
    check("a supplier that says nothing", vec![source(v(), None, None)], None, (7.0, 0.0, Some(7.0)));
    check("described", vec![source(v(), None, None), described()], None, (4.0, 1.5, Some(4.0)));
    check("described without a source", vec![described()], None, (7.0, 0.0, None));
    check(
        "measured often enough",
        vec![source(v(), None, None), described()],
        Some((5, 6.0, 2.5)),
        (6.0, 2.5, Some(6.0)),
    );
    check(
        "measured too seldom",
        vec![source(v(), None, None), described()],
        Some((4, 6.0, 2.5)),
        (4.0, 1.5, Some(4.0)),
    );
    check(
        "sourcing gives the mean, measurement the deviation",
        vec![source(v(), None, Some(3.0)), described()],
        Some((5, 6.0, 2.5)),
        (3.0, 2.5, Some(3.0)),
    );
    check(
        "policy gives the mean, description the deviation",
        vec![source(v(), None, Some(12.0)), described(), by_policy()],
        None,
        (9.0, 1.5, Some(9.0)),
    );
    check("policy alone", vec![by_policy()], None, (9.0, 0.0, Some(9.0)));
    check(
        "a location by its lane",
        vec![source(from_location("D"), None, None), lane("D", "S", Some(2.0)), lane("D", "T", Some(1.0))],
        None,
        (2.0, 0.0, Some(2.0)),
    );
    check(
        "a location without a lane leaves it to the supplier behind it",
        vec![source(from_location("D"), Some(1), None), source(v(), Some(2), None), described()],
        None,
        (4.0, 1.5, Some(4.0)),
    );
    check(
        "the best rank plans, the fastest source remedies",
        vec![source(v(), Some(2), Some(3.0)), source(from_supplier("W"), Some(1), Some(20.0))],
        None,
        (20.0, 0.0, Some(3.0)),
    );
    check("a lane alone is a remedy", vec![lane("D", "S", Some(2.0))], None, (7.0, 0.0, Some(2.0)));
}

#[test]
fn a_source_counts_within_its_validity_only() {
    let reference = seen([
        source_valid(from_supplier("V"), Some(1), Some(2.0), Some(day(10)), Some(day(20))),
        source(from_supplier("W"), Some(5), Some(8.0)),
    ]);
    let at = |now| lead_times(&reference, day(now)).0;
    assert_eq!([at(9), at(10), at(19), at(20)], [8.0, 2.0, 2.0, 8.0]);
    assert_eq!(tenant(&reference).sourcing("A", "S").len(), 2);
    assert_eq!(tenant(&reference).sourcing_at("A", "S", day(9)).count(), 1);
}

#[test]
fn sources_stand_by_rank_and_then_by_name_and_a_later_one_replaces_the_same_source() {
    let reference = seen([
        source(from_supplier("W"), None, None),
        source(from_supplier("V"), Some(1), None),
        source(from_location("D"), Some(0), None),
        source(from_supplier("V"), Some(1), Some(5.0)),
    ]);
    let sources: Vec<_> = tenant(&reference)
        .sourcing("A", "S")
        .iter()
        .map(|set| (set.source.clone(), set.lead_time_days))
        .collect();
    assert_eq!(
        sources,
        [(from_location("D"), None), (from_supplier("V"), Some(5.0)), (from_supplier("W"), None)]
    );
    let of = |name| tenant(&reference).sourced_from(name).map(|(sku, location)| format!("{sku}@{location}"));
    assert_eq!(of("V").collect::<Vec<_>>(), ["A@S"]);
    assert_eq!(of("D").count(), 0);
}

#[test]
fn of_too_many_sources_the_last_rank_goes_and_its_supplier_forgets_the_place() {
    let names: Vec<_> = (0..=SOURCES_PER_SKU_LOCATION_MAX).map(|n| format!("V{n:02}")).collect();
    let reference = seen(names.iter().rev().enumerate().map(|(n, name)| {
        source(from_supplier(name), Some(SOURCES_PER_SKU_LOCATION_MAX as i64 - n as i64), None)
    }));
    let kept = tenant(&reference).sourcing("A", "S");
    assert_eq!(kept.len(), SOURCES_PER_SKU_LOCATION_MAX);
    assert_eq!(kept[0].source, from_supplier("V00"));
    assert_eq!(tenant(&reference).sourced_from("V00").count(), 1);
    assert_eq!(tenant(&reference).sourced_from(&names[SOURCES_PER_SKU_LOCATION_MAX]).count(), 0);
}

#[test]
fn the_most_specific_policy_wins_field_by_field() {
    let level = |level: f64| move |set: &mut PolicySet| set.service_level = Some(level);
    let described = || vec![item("A", &["Drinks", "Soft", "Cola"]), location("S", &["North", "City"], None)];
    let check = |name: &str, policies: Vec<EventData>, expected: f64| {
        // In both orders: which was said first must not matter.
        for reversed in [false, true] {
            let mut events = described();
            let at = events.len();
            events.extend(policies.iter().cloned());
            if reversed {
                events[at..].reverse();
            }
            let reference = seen(events);
            let parameters = reference.planning_parameters(TENANT, "A", "S", day(50));
            assert_eq!(parameters.service_level, expected, "{name}");
        }
    };
    let default = || policy(["", "", ""], level(0.5));
    let north = || policy(["", "", "North"], level(0.6));
    let drinks_soft = || policy(["", "", "Drinks/Soft"], level(0.7));
    let at_s = || policy(["", "S", ""], level(0.8));
    let of_a = || policy(["A", "", ""], level(0.9));
    let a_at_s = || policy(["A", "S", ""], level(0.99));
    check("tenant", vec![default()], 0.5);
    check("path over tenant", vec![default(), north()], 0.6);
    check("longest path", vec![north(), drinks_soft()], 0.7);
    check("the item's of equal paths", vec![north(), policy(["", "", "Drinks"], level(0.65))], 0.65);
    check("whole levels only", vec![default(), policy(["", "", "Drinks/So"], level(0.65))], 0.5);
    check("the whole path", vec![drinks_soft(), policy(["", "", "Drinks/Soft/Cola"], level(0.75))], 0.75);
    check("location over path", vec![drinks_soft(), at_s()], 0.8);
    check("item over location", vec![at_s(), of_a()], 0.9);
    check("both over item", vec![of_a(), a_at_s()], 0.99);
    check("item on a path over item", vec![of_a(), policy(["A", "", "North"], level(0.95))], 0.95);
    check("but not over both", vec![a_at_s(), policy(["A", "", "North"], level(0.95))], 0.99);
    check("another path", vec![of_a(), policy(["A", "", "South"], level(0.95))], 0.9);
    check("another item", vec![default(), policy(["B", "S", ""], level(0.99))], 0.5);

    let reference = seen([
        policy(["A", "S", ""], |set| set.review_days = Some(2.0)),
        policy(["A", "", ""], |set| (set.review_days, set.max_cover_days) = (Some(3.0), Some(30.0))),
        policy(["", "", ""], |set| (set.period_days, set.service_level) = (Some(7), Some(0.975))),
    ]);
    let parameters = reference.planning_parameters(TENANT, "A", "S", day(9));
    assert_eq!((parameters.review_days, parameters.max_cover_days), (2.0, Some(30.0)));
    assert_eq!((parameters.period_days, parameters.service_level), (7, 0.975));
    assert!((parameters.z - 1.959_963_984_540_054).abs() < 1e-12);
}

#[test]
fn a_policy_of_a_segment_holds_for_nothing_yet() {
    let mut set = PolicySet {
        scope: PolicyScope { segment: Some(Name::from("AX")), ..PolicyScope::default() },
        service_level: Some(0.5),
        measure: None,
        review_days: None,
        max_cover_days: None,
        lead_time_days: None,
        period_days: None,
    };
    let mut with_sku = set.clone();
    with_sku.scope.sku = Some(Name::from("A"));
    set.review_days = Some(5.0);
    let reference = seen([EventData::PolicySet(Box::new(set)), EventData::PolicySet(Box::new(with_sku))]);
    let parameters = reference.planning_parameters(TENANT, "A", "S", day(9));
    assert_eq!((parameters.service_level, parameters.review_days), (0.95, 0.0));
}

#[test]
fn an_older_description_that_arrives_later_changes_nothing() {
    let mut reference = declared();
    reference.apply(&record(2, day(5), event(item("A", &["new"]))));
    let before = reference.clone();
    assert_eq!(reference.apply(&record(3, day(4), event(item("A", &["old"])))), []);
    assert_eq!(reference, before);
    // At the same time the greater sequence wins, whatever the id.
    let mut sequenced = record(1, day(5), event(item("A", &["sequenced"])));
    sequenced.sequence = Name::from("1");
    sequenced.lsn = Lsn(4);
    assert_eq!(reference.apply(&sequenced).len(), 1);
    assert_eq!(tenant(&reference).item_path("A"), ["sequenced"]);
    assert_eq!(reference.version(), Lsn(4));
}

#[test]
fn a_clone_keeps_what_it_saw() {
    let mut reference = seen([item("A", &["one"]), source(from_supplier("V"), None, None)]);
    let earlier = reference.clone();
    let text = serde_json::to_string(&earlier).unwrap();
    reference.apply(&record(80, day(80), event(item("A", &["two"]))));
    reference.apply(&record(81, day(81), event(source(from_supplier("V"), None, Some(3.0)))));
    assert_eq!(tenant(&earlier).item_path("A"), ["one"]);
    assert_eq!(serde_json::to_string(&earlier).unwrap(), text);
    assert_eq!(tenant(&reference).item_path("A"), ["two"]);
}

#[test]
fn changes_name_whom_they_concern_and_nobody_else() {
    let mut reference = declared();
    let mut lsn = 10;
    let mut check = |data: EventData, expected: &[Affected]| {
        lsn += 1;
        assert_eq!(reference.apply(&record(lsn, day(1), event(data.clone()))), expected, "{data:?}");
        assert_eq!(reference.version(), Lsn(lsn));
        // Said again it is no news.
        assert_eq!(reference.apply(&record(lsn + 500, day(2), event(data))), []);
        assert_eq!(reference.version(), Lsn(lsn));
    };
    let name = Name::from;
    let (a, s) = (name("A"), name("S"));
    let v = Affected::Supplier { tenant: TENANT, supplier: name("V") };
    let of_a = Affected::Sku { tenant: TENANT, sku: a.clone() };
    let at_s = Affected::Location { tenant: TENANT, location: s.clone() };
    let a_at_s = Affected::SkuLocation { tenant: TENANT, sku: a.clone(), location: s.clone() };
    let all = Affected::Tenant { tenant: TENANT };
    check(item("A", &[]), &[of_a.clone()]);
    check(location("S", &[], None), &[at_s.clone()]);
    check(supplier("V", None, None), &[v.clone()]);
    check(source(from_supplier("V"), None, None), &[a_at_s.clone()]);
    check(lane("D", "S", None), &[at_s.clone()]);
    check(delay(1.0, None, None, [None; 2]), &[v.clone()]);
    check(policy(["A", "S", ""], |_| ()), &[a_at_s.clone()]);
    check(policy(["A", "", "North"], |_| ()), &[of_a.clone()]);
    check(policy(["", "S", ""], |_| ()), &[at_s.clone()]);
    check(policy(["", "", "North"], |_| ()), &[all.clone()]);
    check(policy(["", "", ""], |_| ()), &[all.clone()]);
    check(EventData::FxPublished(vec![(Currency::parse("USD").unwrap(), 0.5)]), &[all.clone()]);
    let promotion = |id: &str, skus: Selection, locations: Selection| {
        EventData::Promotion(Box::new(Promotion {
            promotion_id: Name::from(id),
            from: day(1),
            until: day(2),
            skus,
            locations,
            expected_uplift: None,
            mechanic: None,
            price: None,
        }))
    };
    let named = |name: &Name| Selection::Named(vec![name.clone()]);
    check(promotion("1", named(&a), named(&s)), &[a_at_s.clone()]);
    check(promotion("2", named(&a), Selection::All), &[of_a.clone()]);
    check(promotion("3", Selection::All, named(&s)), &[at_s]);
    check(promotion("4", Selection::All, Selection::All), &[all]);
    let cancelled = |lsn| record(lsn, day(3), event(EventData::PromotionCancelled(name("2"))));
    assert_eq!(reference.apply(&cancelled(900)), [of_a]);
    assert_eq!(tenant(&reference).promotion("2"), None);
    assert!(tenant(&reference).promotion("3").is_some());
    assert_eq!(tenant(&reference).promotions_after(None, 10).count(), 3);
    assert_eq!(publish(&mut reference, 901, 5, 1.0, 1.0), [v]);
}

#[test]
fn settings_concern_everything_and_give_the_defaults() {
    let mut reference = declared();
    let mut settings = Settings::default();
    settings.defaults.service_level = 0.5;
    settings.defaults.lead_time_days = 3.0;
    let activated = |settings: &Settings| {
        Body::System(Box::new(SystemBody::ConfigurationActivated {
            hash: String::new(),
            settings: Box::new(settings.clone()),
        }))
    };
    assert_eq!(reference.apply(&record(2, day(0), activated(&settings))), [Affected::Everything]);
    assert_eq!(reference.apply(&record(3, day(0), activated(&settings))), []);
    assert_eq!((reference.settings(), reference.version()), (&settings, Lsn(2)));
    let parameters = reference.planning_parameters(TENANT, "A", "S", day(0));
    assert_eq!((parameters.service_level, parameters.lead_time_days), (0.5, 3.0));
    assert!(parameters.z.abs() < 1e-12);
}

#[test]
fn tenants_are_numbered_in_order_and_see_only_their_own() {
    let mut reference = declared();
    let body = SystemBody::TenantDeclared {
        name: Name::from("other"),
        clock: ClockKind::Wall,
        base_currency: Currency::parse("USD").unwrap(),
        timezone: Name::from("Nowhere/Nothing"),
    };
    let body = Body::System(Box::new(body));
    reference.apply(&record(2, day(0), body.clone()));
    let other = TenantNumber(1);
    assert_eq!(reference.tenant_by_name("other"), Some(other));
    assert_eq!(reference.tenants().map(|(number, _)| number).collect::<Vec<_>>(), [TENANT, other]);
    assert_eq!(reference.tenant(other).unwrap().time_zone, TimeZone::UTC);
    reference.apply(&record(3, day(0), event(item("A", &[]))));
    assert!(tenant(&reference).item("A").is_some());
    assert!(reference.tenant(other).unwrap().item("A").is_none());
    // Declared again, and for a tenant that does not exist: nothing.
    let before = reference.clone();
    reference.apply(&record(4, day(0), body));
    let mut stray = record(5, day(0), event(item("B", &[])));
    stray.tenant = TenantNumber(7);
    assert_eq!(reference.apply(&stray), []);
    assert_eq!(reference, before);
}

#[test]
fn a_day_is_the_location_s_else_the_tenant_s() {
    let reference = seen([
        location("chicago", &[], Some("America/Chicago")),
        location("plain", &[], None),
        location("odd", &[], Some("Mars/Olympus")),
    ]);
    let zone = |at: &str| tenant(&reference).time_zone_at(at).iana_name().map(str::to_owned).unwrap();
    assert_eq!(zone("chicago"), "America/Chicago");
    for other in ["plain", "odd", "unknown"] {
        assert_eq!(zone(other), "Europe/Berlin");
    }
}

#[test]
fn the_most_specific_and_then_the_latest_delay_counts() {
    let days = |reference: &Reference, po_id: &str, sku: &str, promised: Option<i64>, now: i64| {
        tenant(reference).delay_days_for("V", po_id, sku, promised.map(day), day(now))
    };
    let reference = seen([
        delay(9.0, Some("P1"), Some("A"), [None; 2]),
        delay(5.0, Some("P1"), None, [None; 2]),
        delay(3.0, None, Some("A"), [None; 2]),
        delay(2.0, None, None, [None; 2]),
        delay(-1.0, None, None, [Some(50), Some(60)]),
    ]);
    assert_eq!(days(&reference, "P1", "A", Some(10), 0), 9.0);
    assert_eq!(days(&reference, "P1", "B", Some(10), 0), 5.0);
    assert_eq!(days(&reference, "P2", "A", Some(10), 0), 3.0);
    assert_eq!(days(&reference, "P2", "B", Some(10), 0), 2.0);
    assert_eq!(days(&reference, "P2", "B", Some(50), 0), -1.0);
    assert_eq!(days(&reference, "P2", "B", Some(60), 0), 2.0);
    // Overdue, while the report's time runs; and without a promise.
    assert_eq!(days(&reference, "P2", "B", Some(40), 55), -1.0);
    assert_eq!(days(&reference, "P2", "B", None, 55), -1.0);
    assert_eq!(tenant(&reference).delay_days_for("W", "P1", "A", None, day(0)), 0.0);
}

#[test]
fn of_too_many_delays_the_oldest_said_goes() {
    let orders = (0..DELAYS_PER_SUPPLIER_MAX + 3).map(|n| format!("P{n}")).collect::<Vec<_>>();
    let reference = seen(orders.iter().map(|po_id| delay(1.0, Some(po_id), None, [None; 2])));
    let kept = tenant(&reference).delays("V");
    assert_eq!(kept.len(), DELAYS_PER_SUPPLIER_MAX);
    assert_eq!(kept[0].po_id.as_deref(), Some("P3"));
}

#[test]
fn capacity_is_the_latest_said_of_what_holds_and_normal_otherwise() {
    let change = |factor: f64, from: Option<i64>, until: Option<i64>| {
        EventData::SupplierCapacityChanged(Box::new(SupplierCapacity {
            supplier: Name::from("V"),
            factor,
            from: from.map(day),
            until: until.map(day),
            reason: None,
        }))
    };
    let reference = seen([change(0.5, Some(10), Some(30)), change(0.0, Some(20), Some(25))]);
    let at = |now| tenant(&reference).capacity("V", day(now));
    assert_eq!([at(9), at(10), at(20), at(25), at(30)], [1.0, 0.5, 0.0, 0.5, 1.0]);
}

#[test]
fn money_converts_by_the_latest_rate_and_the_base_currency_needs_none() {
    let currency = |code| Currency::parse(code).unwrap();
    let money = |amount, code| Money::from_ten_thousandths(amount, currency(code));
    let reference = seen([
        EventData::FxPublished(vec![(currency("USD"), 0.9), (currency("JPY"), 0.0061)]),
        EventData::FxPublished(vec![(currency("USD"), 0.8)]),
    ]);
    let base = |money| tenant(&reference).convert_to_base(money);
    assert_eq!(base(money(10_000, "EUR")), Some(money(10_000, "EUR")));
    assert_eq!(base(money(10_000, "USD")), Some(money(8_000, "EUR")));
    assert_eq!(base(money(1_000_000, "JPY")), Some(money(6_100, "EUR")));
    assert_eq!(base(money(1, "GBP")), None);
}

#[test]
fn lists_go_by_name_and_page_by_cursor() {
    let reference = seen(["C", "A", "D", "B"].map(|sku| item(sku, &[])));
    let page = |cursor, limit| -> Vec<&str> {
        tenant(&reference).items_after(cursor, limit).map(|item| item.sku.as_str()).collect()
    };
    assert_eq!(page(None, 2), ["A", "B"]);
    assert_eq!(page(Some("B"), 2), ["C", "D"]);
    assert_eq!(page(Some("AA"), 1), ["B"]);
    assert_eq!(page(Some("D"), 5), [""; 0]);
    assert_eq!(tenant(&reference).described_counts(), [4, 0, 0, 0]);
}

fn anything() -> impl Strategy<Value = EventData> {
    let name = || prop::sample::select(vec!["A", "B", "S", "T"]);
    let scope = || prop::sample::select(vec!["", "A", "S", "x/y"]);
    let days = || prop::option::of((1..40u8).prop_map(f64::from));
    let moment = || prop::option::of(0..20i64);
    prop_oneof![
        (name(), name()).prop_map(|(sku, path)| item(sku, &[path])),
        (name(), name()).prop_map(|(at, path)| location(at, &[path], Some("Asia/Tokyo"))),
        (name(), days(), days()).prop_map(|(name, mean, sd)| supplier(name, mean, sd)),
        (name(), prop::option::of(0..3i64), days(), moment(), moment()).prop_map(
            |(name, rank, lead_time, from, until)| source_valid(
                from_supplier(name),
                rank,
                lead_time,
                from.map(day),
                until.map(day)
            )
        ),
        (name(), name(), days()).prop_map(|(from, to, transit)| lane(from, to, transit)),
        ([scope(), scope(), scope()], days())
            .prop_map(|(scope, days)| policy(scope, |set| set.review_days = days)),
        (1..40u8, moment(), moment()).prop_map(|(days, from, until)| delay(
            days.into(),
            None,
            None,
            [from, until]
        )),
        prop::collection::vec(0.01f64..100.0, 1..3).prop_map(|rates| {
            let codes = ["USD", "JPY"].map(|code| Currency::parse(code).unwrap());
            EventData::FxPublished(codes.into_iter().zip(rates).collect())
        }),
        (name(), 0..20i64, 0..20i64).prop_map(|(id, from, until)| {
            EventData::Promotion(Box::new(Promotion {
                promotion_id: Name::from(id),
                from: day(from),
                until: day(until),
                skus: Selection::All,
                locations: Selection::All,
                expected_uplift: None,
                mechanic: None,
                price: None,
            }))
        }),
        name().prop_map(|id| EventData::PromotionCancelled(Name::from(id))),
        (name(), 0..9i32).prop_map(|(calendar, closed)| {
            EventData::CalendarDescribed(Box::new(CalendarDescribed {
                calendar: Name::from(calendar),
                working_days: None,
                closed: vec![Day(closed), Day(1)],
                order_days: None,
                cutoff: None,
            }))
        }),
        (name(), prop::option::of(name()), -9.0f64..9.0, moment()).prop_map(|(name, place, value, from)| {
            EventData::SignalObserved(Box::new(Signal {
                name: Name::from(name),
                value,
                location: place.map(Name::from),
                region: None,
                from: from.map(day),
                until: None,
                confidence: None,
            }))
        }),
        (name(), 0..9i64, 0..9i64).prop_map(|(sku, from, until)| {
            EventData::AssortmentSet(Box::new(AssortmentSet {
                sku: Name::from(sku),
                locations: Selection::All,
                from: day(from),
                until: Some(day(until)),
                status: None,
                successor: None,
            }))
        }),
    ]
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        statements in prop::collection::vec((anything(), 0..4i64, 0..3u8), 1..40),
        shuffle in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        // Ids are unique, times and sequences often equal.
        let mut records: Vec<_> = statements
            .into_iter()
            .enumerate()
            .map(|(at, (data, time, sequence))| {
                let mut record = record(at as u64 + 2, day(time), event(data));
                record.sequence = Name::from(["", "1", "2"][usize::from(sequence)]);
                record
            })
            .collect();
        let fold = |records: &[Record]| {
            let mut reference = declared();
            for record in records {
                reference.apply(record);
            }
            // The version is the path, not the result.
            reference.version = Lsn::ZERO;
            reference
        };
        let first = fold(&records);
        let len = records.len();
        records.rotate_left(shuffle.index(len));
        let mut random = seed;
        for at in (1..len).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            records.swap(at, (random >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(&first, &fold(&records));
        // Repeats change nothing.
        let repeated: Vec<_> = records.iter().chain(&records).cloned().collect();
        prop_assert_eq!(&first, &fold(&repeated));
        // And it survives being written and read.
        let text = serde_json::to_string(&first).unwrap();
        prop_assert_eq!(&first, &serde_json::from_str::<Reference>(&text).unwrap());
    }
}
