//! What the tests of commands share: one store on an event clock that runs short, and people with roles.
#![allow(dead_code, reason = "every test program takes its part of this")]

use serde_json::{Value, json};

use crate::common::tower::Launch;
use crate::common::{Batch, Client, Response, Tower, at};

/// 2025-03-03, a Monday, 08:00 UTC.
pub const START: i64 = 1_740_988_800;
pub const HOUR: i64 = 3_600;

/// A tower on an event clock, and a counter for event ids.
pub struct Desk {
    pub tower: Tower,
    batch: Batch,
}

impl Desk {
    pub fn open(launch: Launch) -> Desk {
        let tower = launch.dev().event_clock().start();
        let mut desk = Desk { tower, batch: Batch::new("desk") };
        desk.tell("clock.advanced", START, json!({"to": at(START)}));
        desk.tell("location.described", START, json!({"location": "S1", "name": "Store 1", "kind": "store"}));
        desk.tell("location.described", START, json!({"location": "S2", "name": "Store 2", "kind": "store"}));
        desk
    }

    /// One event; answers its LSN.
    pub fn tell(&mut self, kind: &str, second: i64, data: Value) -> u64 {
        self.batch.add_at(second, kind, data);
        let receipt = self.tower.http().accept(&self.batch.take());
        receipt["lsn"].as_u64().expect("an lsn")
    }

    /// Time goes on; what follows from it has settled when this returns.
    pub fn advance(&mut self, second: i64) {
        let lsn = self.tell("clock.advanced", second, json!({"to": at(second)}));
        self.tower.http().settled("/api/v1/exceptions?limit=1", lsn).expect(200);
    }

    /// An item that is short at a place: what is ordered is not there. Answers the exception.
    pub fn run_short(&mut self, sku: &str, location: &str, second: i64) -> Value {
        self.tell("item.described", second, json!({"sku": sku, "name": sku}));
        self.tell("inventory.counted", second, json!({"sku": sku, "location": location, "on_hand": 0}));
        let order = json!({"order_id": format!("{sku}-{location}-{second}"), "line_id": "1", "sku": sku,
            "location": location, "quantity": 5});
        let lsn = self.tell("order.placed", second, order);
        let path = format!("/api/v1/exceptions?type=shortage_now&sku={sku}&location={location}");
        let list = self.tower.http().settled(&path, lsn).expect(200);
        let items = list["items"].as_array().expect("items");
        assert_eq!(items.len(), 1, "{list}");
        items[0].clone()
    }

    /// It is there again, and enough of it.
    pub fn restock(&mut self, sku: &str, location: &str, second: i64) {
        let counted = json!({"sku": sku, "location": location, "on_hand": 500});
        let lsn = self.tell("inventory.counted", second, counted);
        self.tower.http().settled("/api/v1/exceptions?limit=1", lsn).expect(200);
    }

    /// Somebody with these roles, such as `ann;planner`.
    pub fn acting(&self, who: &str) -> Client {
        self.tower.http().with_header("X-Tidewatch-Act-As", who)
    }

    /// Whatever it is now, with its consequences.
    #[track_caller]
    pub fn read(&self, path: &str) -> Value {
        let separator = if path.contains('?') { '&' } else { '?' };
        self.tower.http().get(&format!("{path}{separator}settled=true")).expect(200)
    }
}

/// Sends a command.
#[track_caller]
pub fn command(client: &Client, path: &str, body: &Value) -> Response {
    client.send(
        "POST",
        &format!("/api/v1{path}"),
        &[("Content-Type", "application/json")],
        body.to_string().as_bytes(),
    )
}

/// Sends a command under an idempotency key.
#[track_caller]
pub fn command_once(client: &Client, key: &str, path: &str, body: &Value) -> Response {
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    client.send("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes())
}

/// The pointers and codes of what is wrong with a command.
pub fn faults(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array().expect("errors");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

/// The id of an item.
pub fn id_of(item: &Value) -> String {
    item["id"].as_str().expect("an id").to_owned()
}
