use std::collections::HashMap;

use super::*;
use crate::cli::demo::dataset::{City, Delays, DemandRow, Item};

/// Two items of two suppliers, two far-apart cities, `weeks` weeks in which each city orders `litres(week)` of each.
fn small(weeks: u16, delay_days: i64, litres: impl Fn(u16) -> i64) -> Dataset {
    let item = |id: u16| Item { id, name: format!("item {id}"), supplier: id as u8 - 1 };
    let city = |name: &str, latitude| City {
        name: name.to_owned(),
        county: name.to_owned(),
        coordinates: Some((latitude, -93.0)),
    };
    let sundays: Vec<Date> =
        (0..weeks).map(|week| Date::constant(2012, 1, 1) + days(7 * i64::from(week))).collect();
    let mut rows = Vec::new();
    for week in 0..weeks {
        for (item, city) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let litres = Millilitres(litres(week));
            if litres.0 > 0 {
                rows.push(DemandRow { week, item, city, litres, cents: 1000 });
            }
        }
    }
    Dataset::new(
        vec![item(1), item(2)],
        vec!["A".to_owned(), "B".to_owned()],
        vec![city("ANKENY", 41.0), city("FAR", 43.0)],
        sundays,
        rows,
        Delays::new(vec![(delay_days, 1)]).unwrap(),
    )
}

fn run(data: &Dataset, seed: u64) -> Vec<Day> {
    let network = Network::derive(data);
    let mut simulation = Simulation::new(data, &network, seed).unwrap();
    std::iter::from_fn(|| simulation.next_day().unwrap()).collect()
}

/// Adds up the events as a stranger would, and holds what must be true of them at every moment.
#[derive(Default)]
struct Ledger {
    on_hand: HashMap<(u16, usize), i64>,
    open: HashMap<usize, i64>,
    on_order: HashMap<(Date, usize, u8, u16), i64>,
    backorders_seen: usize,
}

impl Ledger {
    fn check(data: &Dataset, days: &[Day]) -> Self {
        let network = Network::derive(data);
        let mut ledger = Self::default();
        let mut clock = Timestamp::MIN;
        for day in days {
            for list in [&day.derived, &day.demand] {
                assert!(list.is_sorted_by_key(|event| event.at));
                assert!(list.iter().all(|event| clock <= event.at && event.at < day.until), "{}", day.date);
            }
            // The derived events must stand without the same day's demand.
            for event in day.derived.iter().chain(&day.demand) {
                ledger.apply(data, &network, event);
            }
            ledger.backorders_seen += usize::from(!ledger.open.is_empty() && day.demand.is_empty());
            clock = day.until;
        }
        ledger
    }

    fn apply(&mut self, data: &Dataset, network: &Network, event: &Event) {
        match &event.fact {
            Fact::Sourced { .. } => {}
            Fact::Counted { item, centre, on_hand } => {
                assert!(self.on_hand.insert((*item, *centre), on_hand.0).is_none(), "counted once");
            }
            Fact::OrderPlaced { row, promised } => {
                assert!(*promised > event.at);
                assert!(self.open.insert(*row, data.rows[*row].litres.0).is_none(), "ordered once");
            }
            Fact::OrderShipped { row, quantity, .. } => {
                let demand = data.rows[*row];
                let stock = self.on_hand.get_mut(&(demand.item, network.centre_of(demand.city))).unwrap();
                let open = self.open.get_mut(row).expect("shipped after it was ordered");
                assert!(quantity.0 > 0 && quantity.0 <= *open && quantity.0 <= *stock);
                *stock -= quantity.0;
                *open -= quantity.0;
                if *open == 0 {
                    self.open.remove(row);
                }
            }
            Fact::PurchaseOrderPlaced(order) => {
                for (item, quantity) in &order.lines {
                    assert!(quantity.0 > 0 && quantity.0 % 9_000 == 0, "whole cases");
                    let key = (order.placed, order.centre, order.supplier, *item);
                    assert!(self.on_order.insert(key, quantity.0).is_none());
                }
            }
            Fact::PurchaseOrderAcknowledged(_) => {}
            Fact::PurchaseOrderReceived { order, line } => {
                let (item, quantity) = order.lines[*line];
                let key = (order.placed, order.centre, order.supplier, item);
                assert_eq!(self.on_order.remove(&key), Some(quantity.0), "received once, as ordered");
                *self.on_hand.get_mut(&(item, order.centre)).unwrap() += quantity.0;
            }
        }
    }
}

#[test]
fn the_real_demand_is_conserved() {
    let data = Dataset::embedded().unwrap();
    let network = Network::derive(&data);
    let mut simulation = Simulation::new(&data, &network, 1).unwrap();
    let days: Vec<_> = std::iter::from_fn(|| simulation.next_day().unwrap()).collect();
    assert_eq!(days.iter().map(|day| day.demand.len()).sum::<usize>(), data.rows.len());
    assert_eq!(days.len(), 1 + 231 * 6);
    let ledger = Ledger::check(&data, &days);

    for (place, stock) in simulation.stocks.iter().enumerate() {
        let (item, centre) = split_place(place, network.centres.len());
        assert_eq!(ledger.on_hand.get(&(item, centre)).copied().unwrap_or(0), stock.on_hand);
        for line in &stock.open {
            assert_eq!(ledger.open.get(&line.row), Some(&line.remaining));
        }
    }
    assert_eq!(simulation.stocks.iter().map(|stock| stock.open.len()).sum::<usize>(), ledger.open.len());
    assert!(ledger.backorders_seen > 0, "a demo without a shortage shows nothing");
}

#[test]
fn the_same_seed_gives_the_same_days_and_another_one_others() {
    let data = small(12, 0, |week| 10_000 + i64::from(week % 3) * 4_000);
    assert_eq!(run(&data, 7), run(&data, 7));
    assert_ne!(run(&data, 7), run(&data, 8));
}

#[test]
fn steady_demand_with_punctual_suppliers_is_never_short() {
    let data = small(30, 0, |_| 10_000);
    let days = run(&data, 3);
    let ledger = Ledger::check(&data, &days);
    // The last orders are placed on Friday at the latest and shipped on Saturday.
    assert!(ledger.open.is_empty());
    let parts = days.iter().flat_map(|day| &day.derived).filter_map(|event| match event.fact {
        Fact::OrderShipped { part, .. } => Some(part),
        _ => None,
    });
    assert_eq!(parts.max(), Some(0), "no line was ever split");
}

#[test]
fn late_suppliers_make_backorders_that_are_shipped_first_when_goods_come() {
    let data = small(30, 12, |week| if week < 6 { 5_000 } else { 30_000 });
    let days = run(&data, 3);
    let ledger = Ledger::check(&data, &days);
    assert!(ledger.backorders_seen > 0);
    let mut served_before: HashMap<(u16, u16), u16> = HashMap::new();
    for day in &days {
        let shipped = day.derived.iter().filter_map(|event| match event.fact {
            Fact::OrderShipped { row, .. } => Some(data.rows[row]),
            _ => None,
        });
        // Within a day all trucks leave; from day to day an older order never waits for a newer one.
        let today: Vec<_> = shipped.map(|row| ((row.item, row.city), row.week)).collect();
        for (series, week) in &today {
            assert!(served_before.get(series).is_none_or(|before| before <= week), "{}", day.date);
        }
        for (series, week) in today {
            let before = served_before.entry(series).or_default();
            *before = week.max(*before);
        }
    }
}

#[test]
fn an_item_that_is_given_up_is_not_ordered_for_ever() {
    let data = small(60, 0, |week| if week < 20 { 10_000 } else { 0 });
    let days = run(&data, 3);
    let last_order = days
        .iter()
        .rev()
        .find(|day| day.derived.iter().any(|event| matches!(event.fact, Fact::PurchaseOrderPlaced(_))));
    assert!(last_order.unwrap().date < Date::constant(2012, 1, 1) + days_after(26));
}

fn days_after(weeks: i64) -> Span {
    days(7 * weeks)
}

#[test]
fn an_order_lifts_the_position_to_the_level_of_the_textbook() {
    // d = 10 l, sd = 2 l (sample), 3 weeks: 30 + 1.644854 · 2 · √3 = 35.69802 l, less 5 l: 30.69802 l, 4 cases.
    let stock = Stock {
        on_hand: 3_000,
        on_order: 4_000,
        open: VecDeque::from([OpenLine { row: 0, remaining: 2_000, ships_from: Date::ZERO, parts: 0 }]),
        weeks: VecDeque::from([8_000, 12_000, 8_000, 12_000, 10_000]),
        ..Stock::default()
    };
    let (mean, sd) = mean_and_sd(&stock.weeks);
    assert_eq!((mean, sd), (10_000.0, 2_000.0));
    assert_eq!(order_quantity(&stock), 36_000);
    assert_eq!(order_quantity(&Stock { on_hand: 50_000, ..stock }), 0);
}

#[test]
fn local_times_follow_the_clock_of_iowa() {
    let data = small(30, 0, |_| 10_000);
    let network = Network::derive(&data);
    let simulation = Simulation::new(&data, &network, 3).unwrap();
    let at = |date| simulation.at(date, PROMISED_S).unwrap().to_string();
    assert_eq!(at(Date::constant(2012, 1, 3)), "2012-01-03T23:00:00Z");
    assert_eq!(at(Date::constant(2012, 7, 3)), "2012-07-03T22:00:00Z");
    assert_eq!(simulation.start().unwrap().to_string(), "2011-12-31T06:00:00Z");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_appears_or_vanishes_whatever_is_ordered(
        litres in proptest::collection::vec(0_i64..60_000, 1..40),
        delay_days in -20_i64..40,
        seed: u64,
    ) {
        let data = small(litres.len() as u16, delay_days, |week| litres[usize::from(week)]);
        let days = run(&data, seed);
        let ledger = Ledger::check(&data, &days);
        proptest::prop_assert_eq!(days.iter().map(|day| day.demand.len()).sum::<usize>(), data.rows.len());
        // What is still open was ordered, and is short only where nothing is left.
        let network = Network::derive(&data);
        for row in ledger.open.keys().map(|row| data.rows[*row]) {
            proptest::prop_assert_eq!(ledger.on_hand[&(row.item, network.centre_of(row.city))], 0);
        }
    }
}
