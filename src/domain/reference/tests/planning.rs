//! What planning goes by.

use super::*;

/// Lead time mean and standard deviation of A at S, and its fastest remedy.
fn lead_times(reference: &Reference, now: Timestamp) -> (f64, f64, Option<f64>) {
    let parameters = reference.planning_parameters(TENANT, "A", "S", now);
    let fastest = tenant(reference).fastest_remedy("A", "S", now).map(|remedy| remedy.days);
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
                measure: ServiceMeasure::Cycle,
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

/// A policy for a segment, and for an item where one is named.
fn of_segment(segment: &str, sku: &str, change: impl FnOnce(&mut PolicySet)) -> EventData {
    let EventData::PolicySet(mut set) = policy([sku, "", ""], change) else { unreachable!("it is a policy") };
    set.scope.segment = Some(Name::from(segment));
    EventData::PolicySet(set)
}

#[test]
fn a_policy_of_a_segment_holds_for_the_items_that_are_said_to_be_of_it() {
    let level = |level: f64| move |set: &mut PolicySet| set.service_level = Some(level);
    let described = |attributes: &str| {
        let EventData::ItemDescribed(mut item) = item("A", &["Drinks"]) else {
            unreachable!("it is an item")
        };
        item.attributes = Some(attributes.into());
        EventData::ItemDescribed(item)
    };
    #[track_caller]
    fn check(name: &str, mut events: Vec<EventData>, item: EventData, expected: f64) {
        events.push(policy(["", "", ""], |set| set.service_level = Some(0.5)));
        events.push(item);
        for turned in [false, true] {
            if turned {
                events.reverse();
            }
            let reference = seen(events.clone());
            let parameters = reference.planning_parameters(TENANT, "A", "S", day(50));
            assert_eq!(parameters.service_level, expected, "{name}");
        }
    }
    let ax = || described(r#"{"abc": "A", "xyz": "X"}"#);
    let of = |segment: &str, wanted: f64| of_segment(segment, "", level(wanted));
    check("both classes", vec![of("AX", 0.9)], ax(), 0.9);
    check("another segment", vec![of("AY", 0.9), of("BX", 0.9), of("XA", 0.9), of("", 0.9)], ax(), 0.5);
    check("one class", vec![of("A", 0.8)], ax(), 0.8);
    check("the other class", vec![of("X", 0.8)], ax(), 0.8);
    check("both over one", vec![of("A", 0.8), of("AX", 0.9), of("X", 0.7)], ax(), 0.9);
    check("of two single ones the first by name", vec![of("A", 0.8), of("X", 0.7)], ax(), 0.8);
    check("a class that is not said", vec![of("AX", 0.9), of("X", 0.7)], described(r#"{"abc": "A"}"#), 0.5);
    check("an item without classes", vec![of("AX", 0.9)], described("{}"), 0.5);
    check("a path over it", vec![of("AX", 0.9), policy(["", "", "Drinks"], level(0.6))], ax(), 0.6);
    let in_segment = |sku: &str, wanted: f64| of_segment("AX", sku, level(wanted));
    check("an item of it", vec![of("AX", 0.9), in_segment("A", 0.95)], ax(), 0.95);
    check("another item of it", vec![of("AX", 0.9), in_segment("B", 0.95)], ax(), 0.9);
    let on_path = || {
        let EventData::PolicySet(mut set) = of("A", 0.99) else { unreachable!("it is a policy") };
        set.scope.path = Some(Name::from("Drinks"));
        EventData::PolicySet(set)
    };
    check("a part of a path", vec![policy(["", "", "Drinks"], level(0.6)), on_path()], ax(), 0.99);
    check("no part of it", vec![policy(["", "", "Drinks"], level(0.6)), on_path()], described("{}"), 0.6);
}

#[test]
fn what_a_service_level_measures_is_said_by_itself() {
    let fill = |set: &mut PolicySet| set.measure = Some(ServiceMeasure::Fill);
    let cycle =
        |set: &mut PolicySet| (set.measure, set.service_level) = (Some(ServiceMeasure::Cycle), Some(0.9));
    let measured = |events: Vec<EventData>| {
        let parameters = seen(events).planning_parameters(TENANT, "A", "S", day(9));
        (parameters.measure, parameters.service_level)
    };
    assert_eq!(measured(Vec::new()), (ServiceMeasure::Cycle, 0.95));
    assert_eq!(measured(vec![policy(["", "", ""], fill)]), (ServiceMeasure::Fill, 0.95));
    assert_eq!(
        measured(vec![policy(["", "", ""], fill), policy(["A", "", ""], cycle)]),
        (ServiceMeasure::Cycle, 0.9)
    );
    let leaves_it = policy(["A", "", ""], |set| set.service_level = Some(0.9));
    assert_eq!(measured(vec![policy(["", "", ""], fill), leaves_it]), (ServiceMeasure::Fill, 0.9));
}
