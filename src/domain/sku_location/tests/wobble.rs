//! No wobbling number raises anything over and over, and what is settled is at rest.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionChange, ExceptionItem, ExceptionType};
use crate::domain::ids::Name;
use crate::domain::sku_location::testing::*;
use crate::domain::time::{DAY, HOUR, Timestamp};

/// What is known of one kind about one part of the place.
#[derive(Default)]
struct Life {
    open: Option<Name>,
    last_id: Name,
    ended_at: Timestamp,
    opened: u32,
    reopened: u32,
}

/// Follows every exception and checks that each change fits the one before.
#[derive(Default)]
struct Lives(BTreeMap<(String, String), Life>);

impl Lives {
    fn follow(&mut self, changes: &[(ExceptionChange, ExceptionItem)], now: Timestamp) {
        for (change, item) in changes {
            let subject = &item.subject;
            let part = [&subject.transfer_id, &subject.promotion_id, &subject.po_id];
            let part: String = part.into_iter().flatten().map(|id| id.as_str()).collect();
            let kind = item.exception_type.clone();
            let life = self.0.entry((kind.to_string(), part)).or_default();
            match change {
                ExceptionChange::Opened => {
                    assert_eq!(life.open, None, "opened twice: {item:?}");
                    if item.id == life.last_id {
                        life.reopened += 1;
                        assert!(item.reopened > 0);
                    } else if life.opened > 0 {
                        let quiet = (KindSettings::of(&kind).quiet_hours * HOUR as f64) as i64;
                        assert!(now > life.ended_at.plus(quiet), "another one too soon: {item:?}");
                    }
                    life.opened += 1;
                    life.last_id = item.id.clone();
                    life.open = Some(item.id.clone());
                }
                ExceptionChange::Cleared => {
                    assert_eq!(life.open.take().as_ref(), Some(&item.id), "{item:?}");
                    life.ended_at = now;
                }
                _ => assert_eq!(life.open.as_ref(), Some(&item.id), "{item:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_settled_is_at_rest_and_nothing_is_new_within_its_quiet_time(
        events in proptest::collection::vec((any_event(), 0..200_i64), 1..60),
    ) {
        let mut place = Place::new();
        place.event(hour(0), promotion("spring", day(3), day(9), 0.8));
        place.event(hour(0), sourced_from("L", crate::domain::event::SourceOfSupply::Supplier("S".into())));
        let mut clock = hour(0);
        let mut lives = Lives::default();
        for ((at, data), pause) in events {
            clock = clock.plus(pause * HOUR / 2);
            place.at(clock).event(clock.plus(-(at % 40) * HOUR), data);
            let before = place.state.clone();
            let first = place.reconcile();
            prop_assert_eq!(&before, &place.state);
            let next_review_at = first.next_review_at;
            prop_assert!(next_review_at.is_none_or(|at| at > clock));
            lives.follow(&place.settle(), clock);
            let again = place.reconcile();
            prop_assert!(again.proposals.is_empty(), "{:#?}", again.proposals);
        }
    }
}

/// A number from 0 to 1 that is the same in every run.
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

/// Sells noisy demand for a year, hour by hour, and orders up to a level once a week; the supplier takes five to nine days.
fn sell_for_a_year(seed: u64, mean: f64) -> Lives {
    let mut place = Place::new();
    let mut lives = Lives::default();
    let mut random = seed;
    place.event(day(0), counted((mean * 16.0) as i64));
    let mut arriving: Vec<(Timestamp, String, i64)> = Vec::new();
    for today in 0..365_i64 {
        for hour_of_day in (8..20).step_by(4) {
            let now = day(today).plus(hour_of_day * HOUR);
            place.at(now);
            // Nobody buys what is not there.
            let wanted = (mean / 3.0 * (0.25 + 1.5 * noise(&mut random))).round() as i64;
            let quantity = wanted.min(place.view().on_hand.milli() / 1_000);
            if quantity > 0 {
                place.event(now, sale(quantity));
            }
            while let Some(at) = arriving.iter().position(|(at, ..)| *at <= now) {
                let (_, po, quantity) = arriving.remove(at);
                place.event(now, received(&po, quantity));
            }
            lives.follow(&place.settle(), now);
        }
        if today % 7 == 0 {
            let view = place.view();
            let missing = mean * 17.0 - view.inventory_position.as_f64();
            if missing >= 1.0 {
                let po = format!("po-{today}");
                let now = place.business_time;
                place.event(now, purchase(&po, missing as i64, Some(now.plus(7 * DAY))));
                let days = 5.0 + 4.0 * noise(&mut random);
                arriving.push((now.plus((days * DAY as f64) as i64), po, missing as i64));
            }
        }
        place.at(day(today + 1));
        lives.follow(&place.settle(), day(today + 1));
    }
    lives
}

#[test]
fn ordinary_trade_raises_little_and_flaps_less() {
    let mut opened: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let (mut total, mut flaps) = (0, 0);
    for seed in 1..=24 {
        for ((kind, _), life) in sell_for_a_year(seed, 6.0 + seed as f64).0 {
            let counts: &mut (u32, u32) = opened.entry(kind).or_default();
            *counts = (counts.0 + life.opened, counts.1 + life.reopened);
            total += life.opened;
            flaps += life.reopened;
        }
    }
    println!("{total} opened in 24 years, {flaps} again within their quiet time: {opened:?}");
    // A place opens less than one in two months; hardly any of them comes back at once.
    assert!(total <= 24 * 6, "{opened:?}");
    assert!(flaps * 20 <= total, "{flaps} of {total}: {opened:?}");
    assert!(!opened.contains_key(ExceptionType::DeadStock.as_str()));
}
