//! What holds for any history.

use proptest::prelude::*;

use crate::domain::event::EventData;
use crate::domain::record::{Body, Record};
use crate::domain::sku_location::testing::*;
use crate::domain::time::Timestamp;

fn records(events: &[(i64, EventData)], place: &mut Place) -> Vec<Record> {
    let body = |data: &EventData| Body::Event { event_type: None, data: data.clone() };
    events.iter().map(|(at, data)| place.next_record(hour(*at), body(data))).collect()
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        (0..100_i64).prop_map(day),
        any::<i64>().prop_map(Timestamp::from_micros),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn stock_reservation_and_pipeline_do_not_depend_on_the_order_of_arrival(
        (events, permuted) in proptest::collection::vec(any_event(), 1..25).prop_flat_map(|events| {
            let indices: Vec<usize> = (0..events.len()).collect();
            (Just(events), Just(indices).prop_shuffle())
        }),
    ) {
        let mut first = Place::new();
        first.at(hour(40));
        for (at, data) in announced() {
            first.event(hour(at), data);
        }
        let records = records(&events, &mut first);
        let mut second = first.clone();
        records.iter().for_each(|record| first.tell(record));
        permuted.iter().for_each(|index| second.tell(&records[*index]));
        let (first, second) = (first.view(), second.view());
        prop_assert_eq!(
            [first.on_hand, first.blocked, first.reserved, first.due, first.available, first.backorders],
            [second.on_hand, second.blocked, second.reserved, second.due, second.available, second.backorders]
        );
        prop_assert_eq!(
            [first.on_order, first.in_transit, first.inventory_position],
            [second.on_order, second.in_transit, second.inventory_position]
        );
    }

    #[test]
    fn a_state_written_down_in_the_middle_goes_on_the_same(
        events in proptest::collection::vec((any_event(), 0..90_i64), 1..40), middle in 0..40_usize,
    ) {
        let mut live = Place::new();
        let mut clock = hour(0);
        let mut replayed = None;
        for (index, ((at, data), pause)) in events.iter().enumerate() {
            clock = clock.plus(pause * 3_600_000_000);
            live.at(clock);
            if index == middle.min(events.len() - 1) {
                let text = serde_json::to_string(&live.state).unwrap();
                let mut stored = live.clone();
                stored.state = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&stored.state, &live.state);
                replayed = Some(stored);
            }
            live.event(hour(*at), data.clone());
            let changes = live.settle();
            if let Some(replayed) = &mut replayed {
                replayed.at(clock).event(hour(*at), data.clone());
                prop_assert_eq!(changes, replayed.settle());
            }
        }
        prop_assert_eq!(live.state, replayed.unwrap().state);
    }

    #[test]
    fn looking_never_changes_and_nothing_panics_at_any_time(
        events in proptest::collection::vec((any_moment(), any_moment(), any_event()), 1..12),
        period_days in 1..366_u16, now in any_moment(),
    ) {
        let mut place = Place::new();
        place.event(hour(0), policy(|policy| policy.period_days = Some(period_days)));
        place.event(hour(0), forecast(9, 3.0, 1.0));
        for (event_time, business_time, (_, data)) in events {
            place.at(business_time).event(event_time, data);
            let before = place.state.clone();
            let reconciled = place.reconcile();
            prop_assert!(reconciled.next_review_at.is_none_or(|at| at > business_time));
            place.view();
            prop_assert_eq!(&before, &place.state);
            place.settle();
        }
        place.at(now);
        let view = place.view();
        prop_assert!((0.0..=1.0).contains(&view.stockout_probability), "{}", view.stockout_probability);
        prop_assert!(view.demand_rate_per_day >= 0.0 && view.demand_rate_per_day.is_finite());
        place.state.projection(now, &place.reference, &place.key);
    }
}
