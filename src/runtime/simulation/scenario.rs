//! What a run is about: how the tower is set up, and the events that lead to decisions.

use std::time::Duration;

use serde_json::{Value, json};

use super::common::events::at;
use super::common::history::History;
use super::common::random::Random;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::routing::RoutingRule;
use crate::domain::ids::Name;
use crate::domain::money::Currency;
use crate::domain::record::ClockKind;
use crate::domain::settings::Settings;
use crate::runtime::shard::looks_testing;
use crate::runtime::{TenantOptions, TowerOptions};

/// 2025-03-03T00:00:00Z, a Monday, in seconds: the histories happen on this day.
pub const FIRST_DAY: i64 = 1_740_960_000;
pub const DAY: i64 = 86_400;
/// The value from which on a shortage opens a case.
const CASE_VALUE_MIN: f64 = 100.0;
const MASTER_DATA_CHANGES: i64 = 20;

/// How the tower is started: bounds small enough to be met, or too large to be.
pub fn options(random: &mut Random, data: &std::path::Path, clock: ClockKind) -> TowerOptions {
    let mut settings = Settings::default();
    settings.routing.rules.push(RoutingRule {
        types: vec![ExceptionType::ShortageNow, ExceptionType::ProjectedStockout],
        value_min: Some(CASE_VALUE_MIN),
        open_case: true,
        ..RoutingRule::all_to("planning")
    });
    // In virtual time a look takes none: so that second looks use up their share, one is said to.
    looks_testing::set_cost(Duration::from_micros(*random.pick(&[0, 300, 10_000])));
    TowerOptions {
        data: data.to_owned(),
        shards: 1,
        segment_bytes_max: *random.pick(&[3_000, 40_000, 1 << 24]),
        group_records_max: *random.pick(&[1, 5, 1_000]),
        group_bytes_max: 1 << 20,
        duplicate_window_events: 100_000,
        compress_sealed: false,
        trim: crate::runtime::TrimOptions::default(),
        records_max: *random.pick(&[15, 60, 10_000]),
        bytes_max: *random.pick(&[8_000, 1 << 24]),
        batch_records_max: *random.pick(&[1, 4, 512]),
        reconcile_budget: *random.pick(&[Duration::ZERO, Duration::from_secs(3_600)]),
        review_slice: *random.pick(&[1, 3, 1_000]),
        look_slice: *random.pick(&[1, 3, 1_000]),
        look_again: Duration::from_millis(*random.pick(&[0, 1_000, 60_000])),
        look_again_percent: *random.pick(&[1, 25, 100]),
        state_interval: Duration::from_millis(*random.pick(&[200, 1_000])),
        replay_records_in_flight_max: 1_000,
        quarantine_entries_max: 1_000,
        exceptions_ended_max: 10_000,
        snapshot_journal_bytes: u64::MAX,
        snapshot_free_bytes_min: 0,
        snapshot_slice_entities: *random.pick(&[1, 4, 256]),
        entities_live_max: *random.pick(&[2, 20, 1_000_000]),
        packed_bytes_max: *random.pick(&[0, 8_192, 1 << 30]),
        settings,
        settings_hash: String::new(),
        tenants: vec![TenantOptions {
            name: Name::const_new("default"),
            clock,
            insists_on_clock: false,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::const_new("UTC"),
        }],
    }
}

/// What leads to decisions: places with two weeks of demand, little stock left and an order that can't be served. Told
/// in order.
pub fn story(seed: u64) -> Vec<Value> {
    let mut events = Vec::new();
    let start = FIRST_DAY - 14 * DAY;
    let mut tell = |time: i64, kind: &str, data: Value| {
        let id = format!("story-{}", events.len());
        events
            .push(json!({"specversion": "1.0", "id": id, "source": "/story", "type": kind, "time": at(time),
            "data": data}));
    };
    let location = format!("story{seed}");
    tell(start, "location.described", json!({"location": location, "name": "Store", "kind": "store"}));
    let supplier = json!({"supplier": "S", "name": "S", "lead_time_days": 2, "lead_time_sd_days": 0.5});
    tell(start, "supplier.described", supplier);
    for sku in ["A", "B", "C"] {
        let sku = format!("story{seed}-{sku}");
        tell(
            start,
            "item.described",
            json!({"sku": sku, "name": "Apple", "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"}),
        );
        tell(
            start,
            "sourcing.set",
            json!({"sku": sku, "location": location, "source": {"kind": "supplier", "id": "S"}, "rank": 1,
                "lead_time_days": 2, "unit_cost": "2.00"}),
        );
        tell(start, "inventory.counted", json!({"sku": sku, "location": location, "on_hand": 3_000}));
        for day in 0..14 {
            let time = start + day * DAY + 3_600;
            tell(time, "pos.sale", json!({"sku": sku, "location": location, "quantity": 200}));
        }
        tell(
            FIRST_DAY,
            "order.placed",
            json!({"order_id": format!("story-{sku}"), "line_id": "1", "sku": sku, "location": location,
                "quantity": 400, "customer": "C"}),
        );
    }
    events
}

/// What changes about the things that `history` is about, while it happens: prices, and from where and how fast they come.
pub fn master_data(history: &History, random: &mut Random) -> Vec<Value> {
    let change = |number: i64| {
        let sku = history.sku(random.below(3));
        let price = format!("{}.50", random.between(3, 40));
        let (kind, data) = match random.below(3) {
            0 => (
                "item.described",
                json!({"sku": sku, "unit_cost": "2.00", "unit_price": price, "currency": "EUR"}),
            ),
            1 => ("supplier.described", json!({"supplier": "S", "lead_time_days": random.between(1, 9)})),
            _ => {
                let location = history.location(random.below(3));
                let days = random.between(1, 9);
                (
                    "sourcing.set",
                    json!({"sku": sku, "location": location, "source": {"kind": "supplier", "id": "S"},
                    "lead_time_days": days}),
                )
            }
        };
        // One after the other, so that the last one is the same in whatever order they come.
        json!({"specversion": "1.0", "id": format!("master-{number}"), "source": "/master", "type": kind,
            "time": at(FIRST_DAY + number * 600), "data": data})
    };
    (1..=MASTER_DATA_CHANGES).map(change).collect()
}
