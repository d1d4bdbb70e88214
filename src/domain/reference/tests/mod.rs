//! What the contract says about reference data, as statements.

use super::fold::{DELAYS_PER_SUPPLIER_MAX, SOURCES_PER_SKU_LOCATION_MAX};
use super::*;
use crate::domain::event::*;
use crate::domain::ids::EntityKey;
use crate::domain::money::{Currency, Money};
use crate::domain::record::{ClockKind, TransitionBody};
use crate::domain::supplier::PublishedStatistics;
use crate::domain::time::{DAY, Day};

mod arrival;
mod planning;

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
fn a_place_is_single_sourced_until_it_has_another_source() {
    let mut reference = declared();
    let mut lsn = 10;
    let mut say = |reference: &mut Reference, sku: &str, from: SourceOfSupply| {
        lsn += 1;
        let EventData::SourcingSet(mut set) = source(from, None, None) else { panic!() };
        set.sku = Name::from(sku);
        reference.apply(&record(lsn, day(1), event(EventData::SourcingSet(set))))
    };
    let counts =
        |reference: &Reference| ["V", "W"].map(|supplier| tenant(reference).single_sourced(supplier));
    assert_eq!(counts(&reference), [0, 0]);
    say(&mut reference, "A", from_supplier("V"));
    say(&mut reference, "B", from_supplier("V"));
    say(&mut reference, "C", from_supplier("W"));
    assert_eq!(counts(&reference), [2, 1]);
    let affected = say(&mut reference, "A", from_supplier("W"));
    assert_eq!(counts(&reference), [1, 1]);
    assert_eq!(affected[0], Affected::SupplierAlone { tenant: TENANT, supplier: Name::from("V") });
    say(&mut reference, "B", SourceOfSupply::Location(Name::from("D")));
    assert_eq!(counts(&reference), [0, 1]);
    assert_eq!(say(&mut reference, "A", from_supplier("V")).len(), 0, "said again");
    assert_eq!(counts(&reference), [0, 1]);
}

#[test]
fn reduced_capacity_delays_what_no_report_is_about() {
    let capacity = EventData::SupplierCapacityChanged(Box::new(SupplierCapacity {
        supplier: Name::from("V"),
        factor: 0.5,
        from: Some(day(100)),
        until: None,
        reason: None,
    }));
    let days = |reference: &Reference, po_id: &str| {
        tenant(reference).delay_days_for("V", po_id, "A", Some(day(102)), day(100))
    };
    // Seven days' lead time by default: two days' work is left on day 100 and takes four.
    let reference = seen([capacity.clone()]);
    assert!((days(&reference, "P") - 2.0).abs() < 1e-6);
    let reference = seen([capacity, delay(9.0, Some("P"), None, [None; 2])]);
    assert_eq!(days(&reference, "P"), 9.0);
    assert!((days(&reference, "Q") - 2.0).abs() < 1e-6);
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
    let mut check = |data: EventData, expected: &Affected| {
        lsn += 1;
        let affected = reference.apply(&record(lsn, day(1), event(data.clone())));
        assert_eq!(affected, std::slice::from_ref(expected), "{data:?}");
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
    check(item("A", &[]), &of_a);
    check(location("S", &[], None), &at_s);
    check(supplier("V", None, None), &v);
    check(source(from_supplier("V"), None, None), &a_at_s);
    check(lane("D", "S", None), &at_s);
    check(delay(1.0, None, None, [None; 2]), &v);
    check(policy(["A", "S", ""], |_| ()), &a_at_s);
    check(policy(["A", "", "North"], |_| ()), &of_a);
    check(policy(["", "S", ""], |_| ()), &at_s);
    check(policy(["", "", "North"], |_| ()), &all);
    check(policy(["", "", ""], |_| ()), &all);
    check(EventData::FxPublished(vec![(Currency::parse("USD").unwrap(), 0.5)]), &all);
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
    check(promotion("1", named(&a), named(&s)), &a_at_s);
    check(promotion("2", named(&a), Selection::All), &of_a);
    check(promotion("3", Selection::All, named(&s)), &at_s);
    check(promotion("4", Selection::All, Selection::All), &all);
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
