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
