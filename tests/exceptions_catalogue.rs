//! Every kind of exception of the contract, by events alone: raised, not raised just below its threshold, kept between
//! its two thresholds, and gone past the second; whole, with evidence that names events and their records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod catalogue;
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use catalogue::actions::{self, People};
use catalogue::{Stage, demand, places, sources, suppliers};
use common::sandbox::{Sandbox, free_address};
use common::{Client, Tower, eventually};

enum Life {
    Alone(fn(&mut Stage)),
    WithPeople(fn(&mut Stage, &People)),
}

use Life::{Alone, WithPeople};

/// All of the contract's, and two of an operator's own.
const KINDS: [(&str, Life); 34] = [
    ("shortage_now", Alone(places::shortage_now)),
    ("projected_stockout", Alone(places::projected_stockout)),
    ("below_safety_stock", Alone(places::below_safety_stock)),
    ("excess", Alone(places::excess)),
    ("dead_stock", Alone(places::dead_stock)),
    ("expiry_before_use", Alone(places::expiry_before_use)),
    ("negative_stock", Alone(places::negative_stock)),
    ("stock_mismatch", Alone(places::stock_mismatch)),
    ("demand_spike", Alone(demand::demand_spike)),
    ("demand_drop", Alone(demand::demand_drop)),
    ("forecast_bias", Alone(demand::forecast_bias)),
    ("forecast_accuracy", Alone(demand::forecast_accuracy)),
    ("promotion_uncovered", Alone(demand::promotion_uncovered)),
    ("promotion_off_plan", Alone(demand::promotion_off_plan)),
    ("order_at_risk", Alone(places::order_at_risk)),
    ("allocation_shortage", Alone(places::allocation_shortage)),
    ("purchase_late", Alone(suppliers::purchase_late)),
    ("purchase_late_predicted", Alone(suppliers::purchase_late_predicted)),
    ("receipt_partial", Alone(suppliers::receipt_partial)),
    ("acknowledgement_missing", Alone(suppliers::acknowledgement_missing)),
    ("acknowledgement_differs", Alone(suppliers::acknowledgement_differs)),
    ("lead_time_drift", Alone(suppliers::lead_time_drift)),
    ("supplier_unreliable", Alone(suppliers::supplier_unreliable)),
    ("capacity_exceeded", Alone(suppliers::capacity_exceeded)),
    ("single_source", Alone(suppliers::single_source)),
    ("transfer_late", Alone(places::transfer_late)),
    ("action_unconfirmed", WithPeople(actions::action_unconfirmed)),
    ("action_refused", WithPeople(actions::action_refused)),
    ("reconciliation_mismatch", WithPeople(actions::reconciliation_mismatch)),
    ("feed_stale", Alone(sources::feed_stale)),
    ("missing_master_data", Alone(sources::missing_master_data)),
    ("data_quality", Alone(sources::data_quality)),
    ("custom.too_little", Alone(places::custom_too_little)),
    ("custom.often_late", Alone(suppliers::custom_often_late)),
];

/// Lives that go on at the same time.
const WORKERS: usize = 4;

const OWN_KINDS: &str = "
[[exceptions.custom]]
name = \"too_little\"
about = \"sku_location\"
condition = \"sku == 'CUSTOM' && on_hand < 10.0\"
clear = \"on_hand > 20.0\"
title = \"Hardly any left\"
severity = \"high\"

[[exceptions.custom]]
name = \"often_late\"
about = \"supplier\"
condition = \"supplier == 'V' && late_lines >= 2\"
title = \"Late with two lines\"
severity = \"critical\"
";

fn tenant(kind: &str) -> String {
    kind.replace('.', "-")
}

/// `TIDEWATCH_KIND` narrows it to the kinds whose name contains it.
fn chosen() -> Vec<&'static (&'static str, Life)> {
    let wanted = std::env::var("TIDEWATCH_KIND").unwrap_or_default();
    KINDS.iter().filter(|(kind, _)| kind.contains(&wanted)).collect()
}

fn client(tower: &Tower, kind: &str, role: &str) -> Client {
    let (_, key) = tower.create_key(role, role, &["--tenant", &tenant(kind)]);
    tower.http().with_key(&key)
}

#[test]
fn every_kind_is_raised_and_ends_by_events_alone() {
    let sandbox_at = free_address();
    let _sandbox = Sandbox::start(sandbox_at, None, &["--wrong", "silence"]);
    let tenants: String = KINDS
        .iter()
        .map(|(kind, _)| {
            let name = tenant(kind);
            format!("[tenants.{name}]\nclock = \"event\"\nbase_currency = \"EUR\"\ntimezone = \"UTC\"\n\n")
        })
        .collect();
    let target = format!("[targets.erp]\nurl = \"http://{sandbox_at}/actions\"\n");
    // Without a rule nothing is put into a case but by hand.
    let tower =
        Tower::launch().configuration(&format!("routing = []\n\n{tenants}{target}{OWN_KINDS}")).start();
    let waiting: Mutex<Vec<_>> = Mutex::new(chosen());
    let failed: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((kind, life)) = waiting.lock().unwrap().pop() else { return };
                    let outcome = catch_unwind(AssertUnwindSafe(|| live(&tower, kind, life)));
                    eprintln!("{kind}: {}", if outcome.is_ok() { "ok" } else { "FAILED" });
                    if outcome.is_err() {
                        failed.lock().unwrap().push((*kind).to_owned());
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner().unwrap(), Vec::<String>::new());
}

fn live(tower: &Tower, kind: &'static str, life: &Life) {
    let admin = client(tower, kind, "admin");
    eventually("the key is known", || (admin.get("/api/v1/items").status == 200).then_some(()));
    let mut stage = Stage::open(admin, kind);
    match life {
        Alone(life) => life(&mut stage),
        WithPeople(life) => {
            let people = People {
                proposer: client(tower, kind, "planner"),
                approver: client(tower, kind, "supply_planner"),
            };
            for person in [&people.proposer, &people.approver] {
                eventually("the key is known", || (person.get("/api/v1/items").status == 200).then_some(()));
            }
            life(&mut stage, &people);
        }
    }
}

/// The kinds that the tower's own documents name are those that are lived through above.
#[test]
fn no_kind_is_left_out() {
    let tower = Tower::dev();
    let document = tower.http().get("/openapi.json").expect(200);
    let schema = &document["components"]["schemas"]["Exception"]["properties"]["type"];
    let text = schema.to_string();
    for (kind, _) in &KINDS {
        assert!(kind.starts_with("custom.") || text.contains(&format!("\"{kind}\"")), "{kind}: {text}");
    }
    let named: Vec<&str> = text.split('"').filter(|word| word.contains('_')).collect();
    for word in named {
        let is_kind = KINDS.iter().any(|(kind, _)| *kind == word);
        let is_name = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_kind || !is_name, "{word} is not lived through");
    }
}
