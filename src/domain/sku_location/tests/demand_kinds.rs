//! Exceptions about demand, its forecast and promotions.

use crate::domain::event::EventData;
use crate::domain::exception::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionTransition, ExceptionType, ExceptionWindow,
    testing,
};
use crate::domain::ids::{EntityKey, SubjectKind};
use crate::domain::record::Transition;
use crate::domain::reference::VolumeShift;
use crate::domain::sku_location::testing::*;
use crate::domain::time::{DAY, HOUR};

use ExceptionChange::{Cleared, Opened};
use ExceptionType::{
    DemandDrop, DemandSpike, ForecastAccuracy, ForecastBias, PromotionOffPlan, PromotionUncovered,
};

fn settle(place: &mut Place) -> Vec<(ExceptionChange, ExceptionItem)> {
    let changes = place.settle();
    assert!(place.settle().is_empty(), "settled, and not at rest");
    changes.into_iter().filter(|(change, _)| matches!(change, Opened | Cleared)).collect()
}

/// Sells on one day after the other, and says on which of them what was opened or cleared.
fn sell(place: &mut Place, demand: &[i64]) -> Vec<(usize, ExceptionChange, ExceptionItem)> {
    let mut found = Vec::new();
    for (index, quantity) in demand.iter().enumerate() {
        if *quantity > 0 {
            place.sell_daily(&[*quantity]);
        } else {
            let later = place.business_time.plus(DAY);
            place.at(later);
        }
        found.extend(settle(place).into_iter().map(|(change, item)| (index, change, item)));
    }
    found
}

#[track_caller]
fn check(
    found: &[(usize, ExceptionChange, ExceptionItem)],
    expected: &[(usize, ExceptionChange, ExceptionType)],
) {
    let actual: Vec<_> =
        found.iter().map(|(index, change, item)| (*index, *change, item.exception_type.clone())).collect();
    assert_eq!(actual, expected, "{found:#?}");
}

/// 20 a day with a standard deviation of 5 are forecast, and were sold for twelve days.
fn even_place() -> Place {
    let mut place = Place::watching(&[DemandSpike, DemandDrop]);
    place.event(day(0), forecast(600, 20.0, 5.0));
    assert!(sell(&mut place, &[20; 12]).is_empty());
    place
}

#[test]
fn a_spike_is_a_day_far_above_its_forecast() {
    check(&sell(&mut even_place(), &[39, 20, 20]), &[]);
    let mut place = even_place();
    // Four standard deviations; then two; then one.
    let found = sell(&mut place, &[40, 30, 20, 40]);
    check(&found, &[(0, Opened, DemandSpike), (2, Cleared, DemandSpike), (3, Opened, DemandSpike)]);
    assert_eq!((&found[2].2.id, found[2].2.reopened), (&found[0].2.id, 1));
    let item = &found[0].2;
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "40.000 demanded in the last period where 20.000 were forecast: 4.0 standard deviations of 5.000"
        )
    );
    assert_eq!((item.units_at_risk, item.confidence), (Some(units(20)), Some(1.0)));
    let window = item.window.unwrap();
    assert_eq!((window.from, window.until), (Some(day(12)), Some(day(13))));
}

/// That all that `source` sent on the days from 12 to 13 was far more than usual, or is so no longer.
fn tell_surge(place: &mut Place, source: &str, state: ExceptionState) {
    let window = Some(ExceptionWindow { from: Some(day(12)), until: Some(day(13)) });
    let item = ExceptionItem { state, window, ..testing::item("x", ExceptionType::DataQuality) };
    let kind = if state.is_final() { Cleared } else { Opened };
    let of = VolumeShift::Surge.of();
    let transition = ExceptionTransition { of, ..ExceptionTransition::alone(kind, item) };
    let tenant = place.key.tenant();
    let entity = EntityKey::Subject { tenant, subject: SubjectKind::Source, id: source.into() };
    place.reference_learns(entity, Transition::Exception(Box::new(transition)));
}

#[test]
fn a_spike_of_all_that_its_sender_sent_stands_under_that() {
    let mut place = even_place();
    let found = sell(&mut place, &[60]);
    assert_eq!(found[0].2.group, None);
    // The place hears from /test alone.
    tell_surge(&mut place, "/other", ExceptionState::Open);
    assert!(place.settle().is_empty());
    tell_surge(&mut place, "/test", ExceptionState::Open);
    let changes = place.settle();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].1.group.as_deref(), Some("source:/test:surge"));
    assert!(changes[0].1.cause.as_deref().unwrap().ends_with("; so it was with all that /test sent"));
    tell_surge(&mut place, "/test", ExceptionState::Cleared);
    assert_eq!(place.settle()[0].1.group, None);
    assert!(place.settle().is_empty());
}

#[test]
fn a_drop_takes_two_days() {
    check(&sell(&mut even_place(), &[0, 20, 0, 20]), &[]);
    let found = sell(&mut even_place(), &[0, 0, 0, 20, 20]);
    check(&found, &[(1, Opened, DemandDrop), (3, Cleared, DemandDrop)]);
    assert!(found[0].2.units_at_risk > Some(units(10)));
}

#[test]
fn sales_that_come_late_take_a_drop_back() {
    let mut place = even_place();
    check(&sell(&mut place, &[0, 0]), &[(1, Opened, DemandDrop)]);
    let yesterday = place.business_time.plus(-HOUR);
    place.event(yesterday, sale(20));
    assert_eq!(settle(&mut place).len(), 1);
    assert_eq!(place.view().open_exceptions, 0);
}

#[test]
fn few_units_and_short_histories_are_no_spikes() {
    let mut place = Place::watching(&[DemandSpike]);
    // Nine more than the one forecast; and a hundred when nothing is known yet.
    assert!(sell(&mut place, &[1, 1, 1, 1, 1, 1, 1, 1, 10]).is_empty());
    let mut place = Place::watching(&[DemandSpike]);
    assert!(sell(&mut place, &[10, 10, 100]).is_empty());
}

#[test]
fn a_promotion_is_no_spike_and_teaches_the_model_nothing() {
    let mut place = Place::watching(&[DemandSpike]);
    sell(&mut place, &[20, 21, 19, 20, 21, 19, 20, 20]);
    let before = place.view().demand_rate_per_day;
    place.event(day(8), promotion("spring", day(8), day(10), 2.0));
    assert!(sell(&mut place, &[60, 90]).is_empty());
    assert_eq!(place.view().demand_rate_per_day, before);
    // Late sales of the promotion are its own too, and those of the day before it are not.
    place.event(day(9).plus(HOUR), sale(30)).event(day(7).plus(HOUR), sale(8));
    assert!((place.view().demand_rate_per_day - (before + 1.0)).abs() < 1e-9);
    // The first day after it is compared with what was usual before.
    assert_eq!(sell(&mut place, &[21]).len(), 0);
    assert_eq!(sell(&mut place, &[95]).len(), 1);
}

#[test]
fn a_forecast_that_runs_behind_a_trend_is_biased() {
    let mut place = Place::watching(&[ForecastBias]);
    let growing: Vec<i64> = (0..20).map(|day| 10 + 3 * day).collect();
    let found = sell(&mut place, &growing);
    // Twelve periods measured on the thirteenth day, and two in a row.
    check(&found, &[(13, Opened, ForecastBias)]);
    assert!(found[0].2.cause.as_deref().unwrap().starts_with("forecasts are too low by"), "{found:?}");
    let swinging: Vec<i64> = (0..40).map(|day| if day % 2 == 0 { 70 } else { 40 }).collect();
    let found = sell(&mut place, &swinging);
    assert_eq!(found.first().map(|(_, change, _)| *change), Some(Cleared));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_bias_that_is_told_as_nothing_is_none() {
    for (forecast_per_day, found) in [(20.000_1, 0), (19.999_9, 0), (20.01, 1)] {
        let mut place = Place::watching(&[ForecastBias]);
        place.event(day(0), forecast(600, forecast_per_day, 5.0));
        // All to one side, however little.
        assert_eq!(sell(&mut place, &[20; 20]).len(), found, "{forecast_per_day}");
    }
}

#[test]
fn a_forecast_that_misses_to_both_sides_is_not_biased() {
    let mut place = Place::watching(&[ForecastBias]);
    let swinging: Vec<i64> = (0..60).map(|day| if day % 2 == 0 { 15 } else { 25 }).collect();
    check(&sell(&mut place, &swinging), &[]);
}

#[test]
fn a_forecast_that_misses_by_all_of_the_demand_is_not_accurate() {
    let mut place = Place::watching(&[ForecastAccuracy]);
    let wild: Vec<i64> = (0..24).map(|day| if day % 4 == 3 { 40 } else { 1 }).collect();
    let found = sell(&mut place, &wild);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].1, found[0].2.exception_type.clone()), (Opened, ForecastAccuracy));
    assert!(found[0].0 >= 13, "{}", found[0].0);
    let found = sell(&mut place, &[11; 30]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].1, Cleared);
}

#[test]
fn what_is_wanted_only_now_and_then_is_not_blamed_on_the_forecast() {
    let mut place = Place::watching(&[ForecastAccuracy, ForecastBias]);
    let seldom: Vec<i64> = (0..80).map(|day| if day % 5 == 0 { 6 } else { 0 }).collect();
    check(&sell(&mut place, &seldom), &[]);
}

/// Sells ten a day, and has a promotion from day 12 until day 15 that doubles it: 20 until then, 60 in it.
fn promoted_place(kind: ExceptionType, on_hand: i64) -> Place {
    let mut place = Place::watching(&[kind]);
    sell(&mut place, &[10; 10]);
    place.event(day(10), counted(on_hand));
    place.event(day(10), promotion("spring", day(12), day(15), 1.0));
    place
}

#[test]
fn a_promotion_without_stock_is_uncovered() {
    for (on_hand, is_uncovered) in [(75, false), (74, true)] {
        let mut place = promoted_place(PromotionUncovered, on_hand);
        assert_eq!(settle(&mut place).len(), usize::from(is_uncovered), "{on_hand}");
    }
    let mut place = promoted_place(PromotionUncovered, 50);
    let item = settle(&mut place).remove(0).1;
    assert_eq!(item.cause.as_deref(), Some("promotion spring wants 60 and there is no stock for 30 of it"));
    assert_eq!(item.subject.promotion_id.as_deref(), Some("spring"));
    assert_eq!((item.units_at_risk, item.group.as_deref()), (Some(units(30)), Some("promotion:spring")));
    // Between the thresholds it stays; what comes in time covers, what comes late does not.
    place.event(day(10), counted(77));
    assert_eq!(settle(&mut place), []);
    place.event(day(10), counted(50));
    place.event(day(10), purchase("p", 100, Some(day(15))));
    assert_eq!(settle(&mut place), []);
    place.event(day(10).plus(1), acknowledged("p", 100, Some(day(13))));
    assert_eq!(settle(&mut place)[0].0, Cleared);
}

#[test]
fn a_promotion_that_is_cancelled_or_far_away_is_not_uncovered() {
    let mut place = promoted_place(PromotionUncovered, 50);
    assert_eq!(settle(&mut place)[0].0, Opened);
    place.event(day(10).plus(1), EventData::PromotionCancelled("spring".into()));
    assert_eq!(settle(&mut place)[0].0, Cleared);
    place.event(day(10).plus(1), promotion("autumn", day(40), day(50), 1.0));
    assert_eq!(settle(&mut place), []);
    let mut place = Place::watching(&[PromotionUncovered]);
    place.event(day(0), forecast(60, 1.0, 0.0)).event(day(0), promotion("autumn", day(40), day(50), 1.0));
    let next = place.at(day(18).plus(crate::domain::time::HOUR)).reconcile().next_review_at;
    assert_eq!(next, Some(day(19)));
    assert_eq!(settle(place.at(day(19)))[0].0, Opened);
    // It is over.
    assert_eq!(settle(place.at(day(50)))[0].0, Cleared);
}

#[test]
fn a_promotion_elsewhere_is_none_here() {
    let mut place = Place::watching(&[PromotionUncovered]);
    sell(&mut place, &[10; 10]);
    let EventData::Promotion(mut elsewhere) = promotion("spring", day(12), day(15), 1.0) else {
        unreachable!()
    };
    elsewhere.locations = crate::domain::event::Selection::Named(vec!["M".into()]);
    place.event(day(10), EventData::Promotion(elsewhere.clone()));
    assert_eq!(settle(&mut place), []);
    elsewhere.locations = crate::domain::event::Selection::All;
    place.event(day(10).plus(1), EventData::Promotion(elsewhere));
    assert_eq!(settle(&mut place)[0].0, Opened);
}

#[test]
fn a_promotion_that_brings_much_more_or_less_than_planned_is_off_plan() {
    // Twenty a day are planned.
    for (first, is_off) in [(29, false), (30, true), (11, false), (10, true)] {
        let mut place = promoted_place(PromotionOffPlan, 500);
        let found = sell(&mut place, &[10, 10, first]);
        assert_eq!(found.len(), usize::from(is_off), "{first}: {found:#?}");
    }
    let mut place = promoted_place(PromotionOffPlan, 500);
    // 40 of 20; 55 of 40, between; 70 of 60.
    let found = sell(&mut place, &[10, 10, 40, 15]);
    check(&found, &[(2, Opened, PromotionOffPlan)]);
    assert_eq!(
        found[0].2.cause.as_deref(),
        Some("promotion spring brought 40 so far where 20.000 were planned")
    );
    assert_eq!(found[0].2.group.as_deref(), Some("promotion:spring"));
    let late = place.business_time.plus(-1);
    place.event(late, crate::domain::sku_location::testing::sale(1));
    assert_eq!(settle(&mut place), []);
    check(&sell(&mut place, &[15]), &[(0, Cleared, PromotionOffPlan)]);
}
