//! Every kind: raised past its first threshold and not before, kept between the two, cleared past the second, the same one
//! again soon after, and another one later.

use crate::domain::event::SourceOfSupply;
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionChange, ExceptionItem, ExceptionType};
use crate::domain::sku_location::testing::*;
use crate::domain::time::{DAY, HOUR};

use ExceptionChange::{Cleared, Opened};

type Level<'a> = &'a dyn Fn(&mut Place);

/// Opened and cleared ones, after `level` an hour later.
fn after(place: &mut Place, level: Level<'_>, pause: i64) -> Vec<(ExceptionChange, ExceptionItem)> {
    let later = place.business_time.plus(pause);
    place.at(later);
    level(place);
    settle(place)
}

fn settle(place: &mut Place) -> Vec<(ExceptionChange, ExceptionItem)> {
    let changes = place.settle();
    assert!(place.settle().is_empty(), "settled, and not at rest");
    changes.into_iter().filter(|(change, _)| matches!(change, Opened | Cleared)).collect()
}

#[track_caller]
fn changes(found: &[(ExceptionChange, ExceptionItem)], expected: &[ExceptionChange]) {
    let actual: Vec<ExceptionChange> = found.iter().map(|(change, _)| *change).collect();
    assert_eq!(actual, expected, "{found:#?}");
}

/// Goes through the life of one kind. `below` is not past the first threshold, `between` past the first and not the
/// second.
#[track_caller]
fn live(
    kind: ExceptionType,
    place: &mut Place,
    [below, raised, between, clear]: [Level<'_>; 4],
) -> ExceptionItem {
    let settings = KindSettings::of(&kind);
    let wait = i64::from(settings.consecutive_periods - 1) * DAY;
    let nothing: Level<'_> = &|_| {};
    let raise = |place: &mut Place, pause: i64| -> ExceptionItem {
        let found = after(place, raised, pause);
        let found = if wait > 0 {
            changes(&found, &[]);
            changes(&after(place, nothing, wait - 1), &[]);
            after(place, nothing, 1)
        } else {
            found
        };
        changes(&found, &[Opened]);
        assert_eq!(found[0].1.exception_type, kind);
        found[0].1.clone()
    };

    changes(&after(place, below, HOUR), &[]);
    changes(&after(place, nothing, wait.min(DAY) + 1), &[]);
    let first = raise(place, HOUR);
    changes(&after(place, nothing, 1), &[]);
    changes(&after(place, between, HOUR), &[]);
    changes(&after(place, clear, HOUR), &[Cleared]);
    let again = raise(place, HOUR);
    assert_eq!((&again.id, again.reopened), (&first.id, 1));
    changes(&after(place, clear, HOUR), &[Cleared]);
    let quiet = (settings.quiet_hours * HOUR as f64) as i64;
    let next = raise(place, quiet + 30 * DAY);
    assert!(next.id != first.id && next.reopened == 0, "{next:?}");
    assert!(first.cause.is_some() && first.subject.sku.is_some());
    first
}

/// 10 a day with a standard deviation of 5, for long; raises nothing but this kind. Safety stock 21.76, reorder point
/// 91.76.
fn place(kind: &ExceptionType) -> Place {
    let mut place = Place::watching(std::slice::from_ref(kind));
    place.event(day(0), forecast(600, 10.0, 5.0));
    place
}

fn count(on_hand: i64) -> impl Fn(&mut Place) {
    move |place| {
        place.event(place.business_time, counted(on_hand));
    }
}

#[test]
fn below_safety_stock() {
    let kind = ExceptionType::BelowSafetyStock;
    let levels: [Level<'_>; 4] = [&count(11), &count(10), &count(21), &count(22)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!(item.cause.as_deref(), Some("10 on hand beyond what is due, of a safety stock of 21.759"));
}

#[test]
fn below_safety_stock_is_not_beside_what_says_more() {
    let mut place = Place::watching(&[
        ExceptionType::BelowSafetyStock,
        ExceptionType::ProjectedStockout,
        ExceptionType::ShortageNow,
    ]);
    // Seven on average over the lead time, with a standard deviation of 13.2.
    place.event(day(0), forecast(600, 1.0, 5.0)).event(day(0), counted(10));
    changes(&settle(&mut place), &[]);
    let found = after(&mut place, &|_| {}, DAY);
    changes(&found, &[Opened]);
    assert_eq!(found[0].1.exception_type, ExceptionType::BelowSafetyStock);
    place.event(day(1), counted(6));
    let found = settle(&mut place);
    changes(&found, &[Cleared, Opened]);
    assert_eq!(found[1].1.exception_type, ExceptionType::ProjectedStockout);
    assert_eq!(found[0].1.cause.as_deref(), Some("superseded by projected_stockout"));
}

#[test]
fn excess() {
    let kind = ExceptionType::Excess;
    // Without a cost an order is for the lead time: the target is 161.76.
    let levels: [Level<'_>; 4] = [&count(242), &count(243), &count(195), &count(194)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "243 available, 81.241 beyond the target of 161.759: at 10.000 a day it takes 8 days to burn off"
        )
    );
    assert_eq!((item.value_at_risk, item.units_at_risk.map(|units| units.milli())), (None, Some(81_241)));
}

#[test]
fn the_most_days_of_cover_are_the_target_where_a_policy_says_them() {
    let kind = ExceptionType::Excess;
    let mut place = place(&kind);
    place.event(day(0), policy(|policy| policy.max_cover_days = Some(20.0)));
    let levels: [Level<'_>; 4] = [&count(299), &count(300), &count(241), &count(240)];
    live(kind, &mut place, levels);
}

#[test]
fn negative_stock() {
    let kind = ExceptionType::NegativeStock;
    let levels: [Level<'_>; 4] = [&count(0), &count(-1), &count(-2), &count(0)];
    live(kind.clone(), &mut place(&kind), levels);
}

#[test]
fn dead_stock_is_what_nobody_wants_for_long() {
    let kind = ExceptionType::DeadStock;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    place.event(day(0), counted(5));
    changes(&settle(&mut place), &[]);
    assert_eq!(place.reconcile().next_review_at, Some(day(180)));
    changes(&after(&mut place, &|_| {}, 180 * DAY - 1), &[]);
    let found = after(&mut place, &|_| {}, 1);
    changes(&found, &[Opened]);
    assert_eq!(found[0].1.cause.as_deref(), Some("5 on hand and no demand for 180 days"));
    let sell: Level<'_> = &|place| {
        place.event(place.business_time, sale(1));
    };
    changes(&after(&mut place, sell, HOUR), &[Cleared]);
    // It is not dead again before as much time has gone by.
    changes(&after(&mut place, &|_| {}, 180 * DAY - 1), &[]);
    changes(&after(&mut place, &|_| {}, 1), &[Opened]);
    changes(&after(&mut place, &count(0), HOUR), &[Cleared]);
    // New stock is not dead at once.
    changes(&after(&mut place, &count(9), 30 * DAY), &[]);
    changes(&after(&mut place, &|_| {}, 180 * DAY - 1), &[]);
    changes(&after(&mut place, &|_| {}, 1), &[Opened]);
}

#[test]
fn what_is_dead_is_not_excess_beside_it() {
    let mut place = Place::watching(&[ExceptionType::DeadStock, ExceptionType::Excess]);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(500));
    settle(&mut place);
    let found = after(&mut place, &|_| {}, 20 * DAY);
    assert_eq!(found[0].1.exception_type, ExceptionType::Excess);
    let found = after(&mut place, &|_| {}, 170 * DAY);
    changes(&found, &[Cleared, Opened]);
    assert_eq!(found[0].1.cause.as_deref(), Some("superseded by dead_stock"));
}

#[test]
fn expiry_before_use() {
    let kind = ExceptionType::ExpiryBeforeUse;
    let yesterday = |units: f64| {
        move |place: &mut Place| {
            let day = place.business_time.day(&jiff::tz::TimeZone::UTC).plus(-1);
            place.event(place.business_time, counted_with_lots(&[(day, units)]));
        }
    };
    let levels: [Level<'_>; 4] = [&yesterday(0.999), &yesterday(1.0), &yesterday(0.5), &count(0)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    // It expired with the last midnight, and nobody knows until when it lies there.
    let window = item.window.unwrap();
    let expired_at = item.updated_at.day(&jiff::tz::TimeZone::UTC).start(&jiff::tz::TimeZone::UTC);
    assert_eq!((window.from, window.until), (Some(expired_at), None));
}

#[test]
fn what_expires_first_is_used_first_and_the_rest_until_its_own_day() {
    let kind = ExceptionType::ExpiryBeforeUse;
    let mut place = place(&kind);
    let today = day(0).day(&jiff::tz::TimeZone::UTC);
    // Until the end of the third day 30 are wanted, until the end of the fifth 50.
    for (lots, expected) in [
        ([(today.plus(2), 25.0), (today.plus(4), 25.0)], None),
        ([(today.plus(2), 40.0), (today.plus(4), 20.0)], Some(10_000)),
        ([(today.plus(2), 40.0), (today.plus(4), 25.0)], Some(15_000)),
        ([(today.plus(2), 20.0), (today.plus(4), 35.0)], Some(5_000)),
    ] {
        let mut place = place.clone();
        place.event(day(0), counted_with_lots(&lots));
        let found = settle(&mut place);
        let units = found.first().map(|(_, item)| item.units_at_risk.unwrap().milli());
        assert_eq!(units, expected, "{lots:?}");
        let windows = found.first().map(|(_, item)| item.window.unwrap());
        assert!(windows.is_none_or(|window| window.from == Some(day(0)) && window.until > window.from));
    }
    // What is sold meanwhile is not left.
    place.event(day(0), counted_with_lots(&[(today.plus(2), 40.0)]));
    changes(&settle(&mut place), &[Opened]);
    place.event(hour(1), sale(10));
    changes(&settle(&mut place), &[Cleared]);
}

#[test]
fn stock_mismatch() {
    let kind = ExceptionType::StockMismatch;
    let found = |units: i64| {
        move |place: &mut Place| {
            place.event(place.business_time.plus(-1), counted(100));
            place.event(place.business_time, counted(units));
        }
    };
    let levels: [Level<'_>; 4] = [&found(109), &found(110), &found(94), &found(95)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!(item.cause.as_deref(), Some("110 counted where the books said 100: a difference of 10"));
}

#[test]
fn a_mismatch_is_against_the_books_of_its_time_and_lapses() {
    let kind = ExceptionType::StockMismatch;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    // The first count can't differ, and small differences are none.
    place.event(hour(1), sale(7)).event(hour(2), counted(100));
    changes(&settle(&mut place), &[]);
    place.at(hour(5)).event(hour(3), sale(10)).event(hour(5), sale(50)).event(hour(4), counted(90));
    changes(&settle(&mut place), &[]);
    place.event(hour(6), counted(36));
    changes(&settle(&mut place), &[]);
    place.event(hour(7), counted(30));
    changes(&settle(&mut place), &[Opened]);
    assert_eq!(place.reconcile().next_review_at, Some(hour(6)), "when its worth may have changed");
    changes(&after(&mut place, &|_| {}, 14 * DAY + HOUR), &[]);
    changes(&after(&mut place, &|_| {}, HOUR), &[Cleared]);
}

/// 10 a day on average and an order of one unit for two days from now: until then 20 ± 7.07.
fn with_order(on_hand: i64) -> impl Fn(&mut Place) {
    move |place| {
        let now = place.business_time;
        place.event(now, counted(on_hand)).event(now, order("o", 1, Some(now.plus(2 * DAY))));
    }
}

#[test]
fn order_at_risk() {
    let kind = ExceptionType::OrderAtRisk;
    let levels: [Level<'_>; 4] = [&with_order(21), &with_order(20), &with_order(23), &with_order(24)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!(item.subject.order_id.as_deref(), Some("o"));
    let cause = item.cause.unwrap();
    assert!(
        cause.starts_with("no stock for 1 order line due within 7 days with a probability of 0.5"),
        "{cause}"
    );
}

#[test]
fn orders_come_and_go_and_what_they_lack_stays_one_exception_until_there_is_stock() {
    let mut place = Place::watching(&[ExceptionType::OrderAtRisk, ExceptionType::ShortageNow]);
    place.event(day(0), forecast(600, 10.0, 5.0)).event(day(0), counted(0));
    changes(&after(&mut place, &|_| {}, HOUR), &[Opened]);
    let order_for_tomorrow = |place: &mut Place| {
        let now = place.business_time;
        place.event(now, order("o", 1, Some(now.plus(DAY))));
    };
    changes(&after(&mut place, &order_for_tomorrow, HOUR), &[Opened]);
    let cancel = |place: &mut Place| {
        place.event(place.business_time, order_cancelled("o"));
    };
    changes(&after(&mut place, &cancel, HOUR), &[]);
    changes(&after(&mut place, &count(100), HOUR), &[Cleared, Cleared]);
}

#[test]
fn an_order_is_at_risk_from_some_days_before_it_is_due() {
    let kind = ExceptionType::OrderAtRisk;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    place.event(day(0), counted(5)).event(day(0), order("b", 4, Some(day(9))));
    place.event(day(0), order("c", 3, Some(day(9)))).event(day(0), order("a", 1, Some(day(30))));
    changes(&settle(&mut place), &[]);
    assert_eq!(place.reconcile().next_review_at, Some(day(1)));
    changes(&after(&mut place, &|_| {}, 2 * DAY - 1), &[]);
    let found = after(&mut place, &|_| {}, 1);
    changes(&found, &[Opened]);
    let item = &found[0].1;
    assert_eq!((item.subject.order_id.as_deref(), item.units_at_risk), (Some("b"), Some(units(2))));
    assert!(
        item.cause.as_deref().unwrap().starts_with("no stock for 2 order lines due within 7 days"),
        "{item:?}"
    );
    // Overdue and not shipped it stays.
    changes(&after(&mut place, &|_| {}, 8 * DAY), &[]);
    place.event(place.business_time, shipped("c", 3));
    changes(&settle(&mut place), &[]);
    place.event(place.business_time, received("p", 2));
    changes(&settle(&mut place), &[Cleared]);
}

#[test]
fn lots_and_orders_are_looked_at_when_time_brings_them_near() {
    let next = |place: &Place| place.reconcile().next_review_at;
    let mut place = place(&ExceptionType::ExpiryBeforeUse);
    let today = day(0).day(&jiff::tz::TimeZone::UTC);
    place.event(day(0), counted_with_lots(&[(today.plus(40), 1.0)]));
    assert_eq!(next(&place), Some(day(1)), "each day leaves less demand");
    place.at(day(40).plus(HOUR));
    assert_eq!(next(&place), Some(day(41)));

    let kind = ExceptionType::AllocationShortage;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    place.event(day(0), counted(10));
    for id in ["a", "b"] {
        place.event(day(0), order(id, 6, Some(day(60))));
    }
    let days = crate::domain::exception::kind::KindSettings::of(&kind).days as i64;
    changes(&settle(place.at(day(60 - days).plus(-1))), &[]);
    assert_eq!(next(&place), Some(day(60 - days)));
    changes(&settle(place.at(day(60 - days))), &[Opened]);
}

#[test]
fn allocation_shortage() {
    let kind = ExceptionType::AllocationShortage;
    let orders = |on_hand: i64| {
        move |place: &mut Place| {
            let now = place.business_time;
            place.event(now, counted(on_hand));
            for (id, quantity) in [("a", 5), ("b", 5)] {
                place.event(now, order(id, quantity, Some(now.plus(2 * DAY))));
            }
        }
    };
    let almost = |place: &mut Place| {
        let now = place.business_time;
        orders(10)(place);
        let half = crate::domain::event::InventoryAdjusted {
            sku: "A".into(),
            location: "L".into(),
            delta: crate::domain::quantity::Quantity::from_milli(-500),
            status: crate::domain::event::StockStatus::Available,
            reason: None,
        };
        place.event(now.plus(1), crate::domain::event::EventData::InventoryAdjusted(half));
    };
    let levels: [Level<'_>; 4] = [&almost, &orders(9), &almost, &orders(10)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!(item.cause.as_deref(), Some("2 orders due within 7 days want 10, and there will be 9"));
}

#[test]
fn one_order_competes_with_nobody_and_what_comes_in_time_counts() {
    let kind = ExceptionType::AllocationShortage;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    place.event(day(0), counted(5)).event(day(0), order("a", 9, Some(day(2))));
    changes(&settle(&mut place), &[]);
    place.event(day(0), order("b", 4, Some(day(6))));
    changes(&settle(&mut place), &[Opened]);
    place.event(day(0), purchase("p", 8, Some(day(6))));
    changes(&settle(&mut place), &[Cleared]);
}

/// Both look some days ahead, and the end of these goes along with the present: nobody is told of that every day.
#[test]
fn days_that_pass_are_no_news_of_what_looks_so_many_days_ahead() {
    for (kind, of_order) in [(ExceptionType::OrderAtRisk, 2), (ExceptionType::AllocationShortage, 1)] {
        let mut place = Place::watching(std::slice::from_ref(&kind));
        place.event(day(0), counted(5));
        for id in ["a", "b"] {
            // Due already: as something comes nearer it gets urgent, which is news.
            place.event(day(0), order(id, 4, Some(day(2))));
        }
        place.at(day(3));
        changes(&settle(&mut place), &[Opened]);
        let until = |place: &Place| {
            let open = place.state.open_exceptions().find(|open| open.exception_type == kind);
            open.and_then(|open| open.window).and_then(|window| window.until)
        };
        assert_eq!(until(&place), Some(day(10)), "{kind}");
        for today in 4..=8 {
            let told = place.at(day(today)).settle();
            assert!(told.is_empty(), "{kind}, day {today}: {told:#?}");
        }
        assert_eq!(until(&place), Some(day(10)), "{kind} shows what was told");
        // What is new is told, and with it how far it is looked now.
        place.event(day(8), order("c", of_order, Some(day(2))));
        let told = place.settle();
        assert!(matches!(told[..], [(ExceptionChange::Updated, _)]), "{kind}: {told:#?}");
        assert_eq!(until(&place), Some(day(15)), "{kind}");
    }
}

#[test]
fn transfer_late() {
    let kind = ExceptionType::TransferLate;
    let promised = |from_now: i64| {
        move |place: &mut Place| {
            let now = place.business_time;
            place.event(now, transfer("t", "M", "L", 5, Some(now.plus(from_now))));
        }
    };
    // No day of grace: what was promised for a microsecond ago is late. It stays so an hour later.
    let levels: [Level<'_>; 4] = [&promised(40 * DAY), &promised(-1), &promised(-DAY), &promised(20 * DAY)];
    let item = live(kind.clone(), &mut place(&kind), levels);
    assert_eq!((item.subject.transfer_id.as_deref(), item.units_at_risk), (Some("t"), Some(units(5))));
}

#[test]
fn each_late_transfer_is_one_and_goes_when_it_is_here() {
    let kind = ExceptionType::TransferLate;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    for (id, promised) in [("t", 1), ("u", 2), ("v", 9)] {
        place.event(day(0), transfer(id, "M", "L", 5, Some(day(promised))));
    }
    changes(&settle(&mut place), &[]);
    assert_eq!(place.reconcile().next_review_at, Some(day(1)));
    changes(&after(&mut place, &|_| {}, 3 * DAY), &[Opened, Opened]);
    place.event(day(3), transfer_received("t", 5)).event(day(3), transfer_cancelled("u"));
    let found = settle(&mut place);
    changes(&found, &[Cleared, Cleared]);
    assert_eq!(found[0].1.subject.transfer_id.as_deref(), Some("t"));
}

#[test]
fn a_receipt_that_nobody_announced_is_bad_data_until_it_is_announced_or_old() {
    let kind = ExceptionType::DataQuality;
    let mut place = Place::watching(std::slice::from_ref(&kind));
    place.event(day(0), purchase("known", 5, None)).event(day(0), received("known", 5));
    changes(&settle(&mut place), &[]);
    place.event(day(0), received("p", 3)).event(day(0), received("q", 4));
    let found = settle(&mut place);
    changes(&found, &[Opened, Opened]);
    assert_eq!(
        found[0].1.cause.as_deref(),
        Some("3 received against line 1 of purchase order p, which nobody announced")
    );
    place.event(day(0), purchase("p", 9, None));
    let cleared = settle(&mut place);
    changes(&cleared, &[Cleared]);
    assert_eq!(cleared[0].1.subject.po_id.as_deref(), Some("p"));
    assert_eq!(place.view().on_hand, units(12));
    changes(&after(&mut place, &|_| {}, 14 * DAY - 1), &[]);
    changes(&after(&mut place, &|_| {}, 1), &[Cleared]);
}

#[test]
fn nothing_can_be_decided_without_a_remedy_and_in_time_with_one() {
    let kind = ExceptionType::BelowSafetyStock;
    let mut place = place(&kind);
    place.event(day(0), sourced_from("L", SourceOfSupply::Location("M".into())));
    place.event(day(0), counted(10));
    changes(&settle(&mut place), &[]);
    let found = after(&mut place, &|_| {}, DAY);
    changes(&found, &[Opened]);
    // Short now; the source takes the default seven days.
    assert!(found[0].1.decide_by.is_some_and(|by| by <= day(2)), "{found:?}");
}
