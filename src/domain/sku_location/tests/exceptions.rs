//! Which exceptions are proposed, told anew and cleared, and when the place is looked at again.

use crate::domain::entity::Entity as _;
use crate::domain::event::{
    EventData, ForecastPublished, ItemDescribed, LaneDescribed, PublishedBucket, SourceOfSupply,
};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::routing::RoutingRule;
use crate::domain::exception::{ExceptionChange, ExceptionItem, ExceptionType, Severity};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::record::Transition;
use crate::domain::sku_location::testing::*;
use crate::domain::time::{HOUR, Timestamp};

use ExceptionChange::{Cleared, Opened, Updated};
use ExceptionType::{ProjectedStockout, ShortageNow};

/// Nothing until a day, and then 100 a day.
fn season(begins: i64, ends: i64) -> EventData {
    let bucket = |from, until, quantity| PublishedBucket {
        from: day(from),
        until: day(until),
        quantity: units(quantity),
        p10: None,
        p90: None,
    };
    EventData::ForecastPublished(Box::new(ForecastPublished {
        sku: "A".into(),
        location: "L".into(),
        buckets: vec![bucket(0, begins, 0), bucket(begins, ends, 100 * (ends - begins))],
        model: None,
        confidence: None,
    }))
}

#[track_caller]
fn check(place: &mut Place, expected: &[(ExceptionChange, ExceptionType)]) -> Vec<ExceptionItem> {
    let changes = place.settle();
    let actual: Vec<_> =
        changes.iter().map(|(change, item)| (*change, item.exception_type.clone())).collect();
    assert_eq!(actual, expected);
    changes.into_iter().map(|(_, item)| item).collect()
}

/// Raises nothing but shortages.
fn shortages() -> Place {
    Place::watching(&[ShortageNow, ProjectedStockout])
}

/// Raises nothing but shortages, one of them by other settings.
fn shortages_where(kind: &ExceptionType, change: impl FnOnce(&mut KindSettings)) -> Place {
    Place::with_settings(|settings| {
        for known in &ExceptionType::BUILT_IN {
            let enabled = [ShortageNow, ProjectedStockout].contains(known);
            settings.exceptions.kinds.set(known, KindSettings { enabled, ..KindSettings::of(known) });
        }
        let mut of_kind = KindSettings::of(kind);
        change(&mut of_kind);
        settings.exceptions.kinds.set(kind, of_kind);
    })
}

/// Sells 10 a day for certain, and has `on_hand` on day 3. Lead time is 7 days.
fn place_with(on_hand: i64) -> Place {
    let mut place = shortages();
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(on_hand));
    place
}

#[test]
fn backorders_are_a_shortage_until_they_are_covered() {
    let mut place = shortages();
    place.event(hour(0), counted(5)).event(hour(0), order("a", 8, Some(hour(2))));
    check(&mut place, &[(Opened, ProjectedStockout)]);
    assert_eq!(place.at(hour(2).plus(-60)).reconcile().next_review_at, Some(hour(2)));
    let items = check(place.at(hour(2)), &[(Cleared, ProjectedStockout), (Opened, ShortageNow)]);
    let items = &items[1..];
    assert_eq!((items[0].severity, items[0].urgency), (Severity::High, 100));
    assert_eq!(items[0].cause.as_deref(), Some("3 backordered: 8 due, 5 on hand"));
    assert_eq!(items[0].evidence.len(), 2);
    // Open: never a second one.
    check(&mut place, &[]);
    assert_eq!(place.view().open_exceptions, 1);
    place.event(hour(3), received("p", 10));
    let cleared = check(place.at(hour(3)), &[(Cleared, ShortageNow)]);
    assert_eq!((cleared[0].id.clone(), cleared[0].cleared_at), (items[0].id.clone(), Some(hour(3))));
    assert_eq!(place.view().open_exceptions, 0);
    // Within its quiet time it is the same one again, after that another.
    place.event(hour(4), order("b", 8, None));
    let again = check(place.at(hour(4)), &[(Opened, ShortageNow)]);
    assert_eq!((&again[0].id, again[0].reopened), (&items[0].id, 1));
    place.event(hour(5), received("q", 10));
    check(place.at(hour(5)), &[(Cleared, ShortageNow)]);
    place.event(hour(5), order("c", 80, None));
    let next = check(place.at(day(5)), &[(Opened, ShortageNow)]);
    assert_ne!(next[0].id, items[0].id);
}

#[test]
fn nothing_on_hand_is_a_shortage_with_demand_only_and_clears_with_a_days_demand() {
    let mut place = shortages();
    place.event(hour(0), counted(0));
    check(&mut place, &[]);
    let mut place = place_with(0);
    check(&mut place, &[(Opened, ShortageNow)]);
    place.event(day(3).plus(1), counted(9));
    check(&mut place, &[(Updated, ShortageNow)]);
    place.event(day(3).plus(2), counted(10));
    // It goes, and what comes next is due at once: ten last for a day of seven.
    check(&mut place, &[(Cleared, ShortageNow), (Opened, ProjectedStockout)]);
}

#[test]
fn goods_that_came_for_what_is_due_do_not_end_a_shortage() {
    let mut place = place_with(0);
    check(&mut place, &[(Opened, ShortageNow)]);
    place.event(day(3), order("a", 15, Some(day(3)))).event(day(3).plus(1), received("p", 24));
    // Nine are left of them, a day sells ten.
    let kinds = |place: &mut Place| place.settle().into_iter().map(|(change, _)| change).collect::<Vec<_>>();
    assert!(!kinds(&mut place).contains(&Cleared));
    place.event(day(3).plus(2), shipped("a", 15));
    assert!(!kinds(&mut place).contains(&Cleared));
    place.event(day(3).plus(3), received("q", 1));
    assert_eq!(kinds(&mut place)[0], Cleared);
}

#[test]
fn an_order_at_risk_without_an_order_says_so_and_is_not_urgent() {
    let mut place = Place::watching(&[ShortageNow, ProjectedStockout, ExceptionType::OrderAtRisk]);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(0)).event(day(3), order("a", 15, Some(day(3))));
    let told = |place: &mut Place| {
        let all = place.settle().into_iter().map(|(_, item)| item);
        all.filter(|item| item.exception_type == ExceptionType::OrderAtRisk).collect::<Vec<_>>()
    };
    let opened = told(&mut place);
    assert_eq!((opened.len(), opened[0].urgency), (1, 100));
    assert_eq!(opened[0].subject.order_id.as_deref(), Some("a"));
    // Its customer has given up: the place is short all the same, and the next one will lack as much.
    place.event(day(3), order_cancelled("a"));
    let left = told(&mut place);
    assert_eq!((left.len(), left[0].state.is_final(), left[0].urgency), (1, false, 10));
    assert_eq!((&left[0].subject.order_id, left[0].decide_by), (&None, None));
    let cause = left[0].cause.as_deref().expect("a cause");
    assert!(cause.starts_with("no order due within 7 days lacks stock at present"), "{cause}");
}

#[test]
fn a_shortage_clears_with_the_demand_of_the_days_that_are_set_however_long_a_period_is() {
    for (days, short_of_it) in [(1.0, 9), (7.0, 69)] {
        let mut place = shortages_where(&ShortageNow, |of_kind| of_kind.clear = days);
        place.event(day(0), policy(|policy| policy.period_days = Some(7)));
        place.event(day(0), forecast(60, 10.0, 0.0)).event(day(0), counted(0));
        check(&mut place, &[(Opened, ShortageNow)]);
        place.event(day(0).plus(1), counted(short_of_it));
        check(&mut place, &[(Updated, ShortageNow)]);
        place.event(day(0).plus(2), counted(short_of_it + 1));
        assert_eq!(place.settle()[0].0, Cleared, "{days} days");
    }
}

#[test]
fn the_first_days_sales_are_demand_too() {
    let mut place = shortages();
    place.event(hour(0), counted(5)).event(hour(1), sale(5));
    check(&mut place, &[(Opened, ShortageNow)]);
}

#[test]
fn a_probable_stockout_is_raised_and_cleared_at_two_thresholds() {
    let mut place = shortages();
    place.event(day(0), forecast(60, 10.0, 5.0));
    // Seven days: mean 70, standard deviation 13.2.
    for (on_hand, expected) in [
        (71, &[][..]),
        (70, &[(Opened, ProjectedStockout)]),
        (76, &[(Updated, ProjectedStockout)]),
        (77, &[(Cleared, ProjectedStockout)]),
        (71, &[]),
    ] {
        let at = place.business_time.plus(2 * HOUR);
        place.at(at).event(at, counted(on_hand));
        // The horizon moves on with the clock over a steady forecast: the numbers stay.
        check(&mut place, expected);
    }
}

#[test]
fn what_may_run_out_only_after_the_next_review_can_be_left_to_it() {
    let mut place = shortages_where(&ProjectedStockout, |of_kind| of_kind.days = 1.0);
    place.event(day(0), policy(|policy| policy.review_days = Some(7.0)));
    place.event(day(0), forecast(60, 10.0, 5.0));
    // Seven days of lead time and one of the review's seven: mean 80. All fourteen take 140.
    for (on_hand, expected) in [(139, &[][..]), (81, &[]), (80, &[(Opened, ProjectedStockout)])] {
        let at = place.business_time.plus(2 * HOUR);
        place.at(at).event(at, counted(on_hand));
        check(&mut place, expected);
    }
}

#[test]
fn a_shortage_supersedes_a_projected_one() {
    let mut place = place_with(50);
    let items = check(&mut place, &[(Opened, ProjectedStockout)]);
    assert_eq!(items[0].confidence, Some(1.0));
    assert_eq!(items[0].window.unwrap().from, Some(day(8)));
    place.event(day(3).plus(1), sale(50));
    let items = check(&mut place, &[(Cleared, ProjectedStockout), (Opened, ShortageNow)]);
    assert_eq!(items[0].cause.as_deref(), Some("superseded by shortage_now"));
}

fn describe(place: &mut Place, unit_price: &str, unit_cost: Option<&str>) {
    let item = ItemDescribed {
        sku: "A".into(),
        name: None,
        path: Vec::new(),
        attributes: None,
        brand: None,
        unit_cost: unit_cost.map(|cost| UnitPrice::parse(cost).unwrap()),
        unit_price: Some(UnitPrice::parse(unit_price).unwrap()),
        currency: None,
        uom: None,
        uoms: Vec::new(),
        pack: None,
        shelf_life_days: None,
        substitutes: Vec::new(),
    };
    place.event(day(0), EventData::ItemDescribed(Box::new(item)));
}

fn value(item: &ExceptionItem) -> Option<(i64, Currency)> {
    item.value_at_risk.map(|value| (value.ten_thousandths() / 10_000, value.currency()))
}

#[test]
fn value_at_risk_is_the_margin_of_the_units_short_and_the_price_without_a_cost() {
    let euro = Currency::parse("EUR").unwrap();
    // 50 on hand for 70 in seven days: 20 short. To the margin comes a tenth of the price, and a fifth comes back.
    for (price, cost, worth, severity) in [
        ("10.00", Some("6.00"), 80, Severity::Low),
        ("10.00", None, 176, Severity::Medium),
        ("60.00", None, 1_056, Severity::High),
        ("600.00", None, 10_560, Severity::Critical),
    ] {
        let mut place = place_with(50);
        describe(&mut place, price, cost);
        let items = check(&mut place, &[(Opened, ProjectedStockout)]);
        assert_eq!((value(&items[0]), items[0].severity), (Some((worth, euro)), severity));
        assert_eq!(items[0].units_at_risk, Some(units(20)));
    }
}

#[test]
fn what_holding_a_unit_costs_may_be_less_than_money_has_decimals() {
    let mut place = Place::watching(&[ExceptionType::Excess]);
    describe(&mut place, "0.05", Some("0.02"));
    place.event(day(0), policy(|policy| policy.max_cover_days = Some(20.0)));
    place.event(day(0), forecast(600, 10_000.0, 1.0));
    place.event(day(0), counted(500_000));
    let opened = (0..30).find_map(|at| {
        let changes = place.at(day(at)).settle();
        changes.into_iter().find(|(change, _)| *change == Opened).map(|(_, item)| item)
    });
    // 300,000 too many at 0.02 for 15 days on average: 6,000 × 0.2 × 15 / 365.
    let item = opened.unwrap();
    assert_eq!(item.units_at_risk, Some(units(300_000)));
    assert_eq!(item.value_at_risk.map(|value| value.ten_thousandths()), Some(493_200));
}

#[test]
fn an_item_that_nobody_described_is_worth_the_last_price_seen_or_unknown() {
    let euro = Currency::parse("EUR").unwrap();
    for (currency, expected) in
        [(None, Some((39, euro))), (Some("EUR"), Some((39, euro))), (Some("USD"), None)]
    {
        let mut place = place_with(50);
        place.event(day(2), priced_sale(1, "2.00", currency));
        // The late sale is counted already, and makes an average of 31 in three days: 22.33 short.
        let items = check(&mut place, &[(Opened, ProjectedStockout)]);
        assert_eq!(value(&items[0]).map(|(worth, currency)| (worth.min(39), currency)), expected);
    }
}

#[test]
fn decide_by_leaves_time_for_the_fastest_remedy() {
    let mut place = place_with(50);
    let lane = LaneDescribed {
        from: "M".into(),
        to: "L".into(),
        transit_days: Some(2.0),
        cost_per_unit: None,
        currency: None,
        min_quantity: None,
        calendar: None,
    };
    place.event(day(0), EventData::LaneDescribed(Box::new(lane)));
    let items = check(&mut place, &[(Opened, ProjectedStockout)]);
    // Out on day 8, less two days; 72 hours left against the 24 that such a case takes.
    assert_eq!((items[0].decide_by, items[0].urgency), (Some(day(6)), 25));
}

#[test]
fn without_a_remedy_there_is_no_decide_by() {
    let items = check(&mut place_with(50), &[(Opened, ProjectedStockout)]);
    assert_eq!(items[0].decide_by, None);
}

#[test]
fn small_changes_are_told_after_the_interval_and_great_ones_at_once() {
    let mut place = place_with(50);
    check(&mut place, &[(Opened, ProjectedStockout)]);
    let opened_at = place.business_time;
    place.event(opened_at.plus(1), adjusted(-1));
    check(&mut place, &[]);
    let tell_at = opened_at.plus(HOUR);
    assert_eq!(place.reconcile().next_review_at, Some(tell_at));
    let items = check(place.at(tell_at), &[(Updated, ProjectedStockout)]);
    assert_eq!((items[0].revision, items[0].units_at_risk), (2, Some(units(21))));
    place.event(tell_at.plus(1), adjusted(-9));
    check(&mut place, &[(Updated, ProjectedStockout)]);
}

#[test]
fn what_is_open_is_worth_something_else_as_time_passes() {
    let mut place = place_with(50);
    check(&mut place, &[(Opened, ProjectedStockout)]);
    let opened_at = place.business_time;
    assert_eq!(place.reconcile().next_review_at, Some(opened_at.plus(HOUR)));
    place.at(opened_at.plus(HOUR));
    check(&mut place, &[]);
    assert_eq!(place.reconcile().next_review_at, Some(opened_at.plus(2 * HOUR)), "nothing has changed yet");
}

#[test]
fn what_runs_short_is_urgent_until_it_is_known() {
    let is_urgent = |place: &Place| place.state.is_urgent(place.business_time);
    let mut place = shortages();
    place.event(hour(0), counted(10)).event(hour(1), order("a", 4, None));
    assert!(!is_urgent(&place));
    place.event(hour(2), order("later", 40, Some(day(30))));
    assert!(!is_urgent(&place), "it is not due yet");
    place.event(hour(3), order("b", 7, None));
    assert!(is_urgent(&place), "11 are due and 10 there");
    place.settle();
    assert!(!is_urgent(&place), "it is open");
    place.event(hour(4), counted(100));
    place.settle();
    place.event(hour(5), adjusted(-100));
    assert!(is_urgent(&place), "what was short before can be so again");
}

#[test]
fn what_was_found_is_all_unless_more_follows_from_it() {
    let mut place = place_with(50);
    assert!(place.reconcile().settles);
    check(&mut place, &[(Opened, ProjectedStockout)]);
    assert!(place.reconcile().proposals.is_empty());

    // A deadline that is over when it begins: the next team is told by the look after the first.
    let at_once = RoutingRule {
        acknowledge_within_hours: Some(0.0),
        escalate_to: vec!["management".into()],
        ..RoutingRule::all_to("operations")
    };
    let mut place = Place::with_settings(|settings| settings.routing.rules = vec![at_once]);
    place.event(hour(0), counted(10)).event(hour(1), adjusted(-20));
    let found = place.reconcile();
    assert!(!found.proposals.is_empty() && !found.settles);
    place.settle();
    let told = place.settle();
    assert!(!told.is_empty());
    assert!(told.iter().all(|(change, item)| *change == Updated && item.escalation_level == 1));
}

#[test]
fn a_deadline_that_an_escalation_sets_is_looked_at_without_another_look() {
    let rule = RoutingRule {
        acknowledge_within_hours: Some(2.0),
        escalate_to: vec!["management".into(), "board".into()],
        ..RoutingRule::all_to("operations")
    };
    let mut place = Place::with_settings(|settings| {
        settings.routing.rules = vec![rule];
        // No other review comes before.
        settings.exceptions.update_interval_minutes = 10_080;
    });
    place.event(hour(0), counted(10)).event(hour(1), adjusted(-20));
    place.settle();
    let due = hour(1).plus(2 * HOUR);
    let found = place.at(due).reconcile();
    let is_told = |proposal: &Transition| match proposal {
        Transition::Exception(change) => change.item.sla_due_at == Some(due.plus(2 * HOUR)),
        _ => false,
    };
    assert!(!found.proposals.is_empty() && found.proposals.iter().all(is_told), "{:?}", found.proposals);
    assert_eq!(found.next_review_at, Some(due.plus(2 * HOUR)));
}

#[test]
fn a_kind_that_is_switched_off_is_not_raised() {
    let mut place = Place::watching(&[ProjectedStockout]);
    place.event(hour(0), order("a", 8, None));
    check(&mut place, &[(Opened, ProjectedStockout)]);
}

#[test]
fn a_place_is_looked_at_again_when_time_alone_can_change_something() {
    let next = |place: &Place| place.reconcile().next_review_at;
    let mut place = shortages();
    assert_eq!(next(&place), None);
    place.event(hour(0), counted(50)).event(hour(0), order("a", 5, Some(day(40))));
    place.at(day(2));
    // The demand that is ordered ahead ends in a period of its own.
    assert_eq!(next(&place), Some(day(3)));
    let mut place = shortages();
    place.event(hour(0), purchase("p", 5, Some(day(40))));
    assert_eq!(next(&place), Some(day(40)));
    assert_eq!(next(place.at(day(40))), Some(day(41)));
    let mut place = shortages();
    place.event(hour(0), counted(50)).event(hour(1), sale(1));
    assert_eq!(next(&place), Some(day(1)));
    assert_eq!(next(place.at(Timestamp::MAX)), None);
    let mut place = shortages();
    place.event(hour(0), forecast(9, 1.0, 0.0)).event(hour(0), counted(50));
    assert_eq!(next(&place), Some(day(1)));

    // What lies beyond the horizon comes into it, though nothing is sold until then.
    let horizon = place.view().stockout_horizon_days.round() as i64;
    let mut place = shortages();
    place.event(hour(0), season(60, 90)).event(hour(0), counted(50));
    assert_eq!(next(&place), Some(day(60 - horizon)));
    assert_eq!(next(place.at(day(60 - horizon))), Some(day(61 - horizon)), "day by day more of it");
    check(place.at(day(61 - horizon)), &[(Opened, ProjectedStockout)]);
    let mut place = Place::with_settings(|settings| settings.demand.period_days = 7);
    place.event(hour(0), counted(50)).event(hour(0), order("far", 40, Some(day(40))));
    let soon = day(40 - horizon);
    assert_eq!(next(place.at(soon.plus(-HOUR))), Some(soon), "its week ends later");
    let mut place = shortages();
    let mut source = sourced_from("L", SourceOfSupply::Supplier("V".into()));
    if let EventData::SourcingSet(source) = &mut source {
        source.valid_until = Some(day(5));
    }
    place.event(hour(0), source).event(hour(0), counted(50));
    assert_eq!(next(&place), Some(day(5)));
}
