//! One decision from its exception to the document of the system of record, over a real tower and a real sandbox.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every test program takes its part of this, and a failing test should panic"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::sandbox::{Sandbox, free_address};
use crate::common::{Batch, Client, Tower};

/// When an event clock stands still at the beginning: 2026-01-19 12:00 UTC, a Monday.
pub const MONDAY: i64 = 1_768_824_000;
pub const DAY: i64 = 86_400;
/// What is expected at the latest: two processes may start and wait for each other meanwhile.
const WITHIN: Duration = Duration::from_secs(60);

/// A tower, the sandbox that it delivers to, and one SKU-location that runs out of stock.
pub struct Scene {
    pub tower: Tower,
    pub sandbox: Sandbox,
    /// The highest quantity that was ever seen on order.
    pub on_order_max: f64,
    now: i64,
}

/// What was decided.
#[derive(Clone, Debug)]
pub struct Decision {
    pub case: String,
    pub option: Value,
    pub quantity: f64,
}

impl Scene {
    /// With waits so short that a test can see many of them.
    pub fn start(sandbox_arguments: &[&str]) -> Scene {
        Scene::with("", Tower::launch(), jiff::Timestamp::now().as_second(), sandbox_arguments)
    }

    /// The same on an event clock that stands at [`MONDAY`].
    pub fn on_event_clock(sandbox_arguments: &[&str]) -> Scene {
        Scene::with("", Tower::launch().event_clock(), MONDAY, sandbox_arguments)
    }

    pub fn with(
        target: &str,
        launch: crate::common::tower::Launch,
        now: i64,
        sandbox_arguments: &[&str],
    ) -> Scene {
        let (tower_at, sandbox_at) = (free_address(), free_address());
        let sandbox = Sandbox::start(sandbox_at, Some(tower_at), sandbox_arguments);
        let configuration = format!(
            "[targets.erp]\nurl = \"http://{sandbox_at}/actions\"\ntimeout_ms = 20000\nbackoff_initial_ms = 20\n\
             backoff_max_ms = 200\nbreaker_open_ms = 100\nretries_per_minute_max = 6000\n{target}"
        );
        let tower = launch.dev().listen(tower_at).configuration(&configuration).start();
        let mut scene = Scene { tower, sandbox, on_order_max: 0.0, now };
        scene.run_out_of_stock();
        scene
    }

    /// Two weeks of demand, little stock left, and an order that can't be served.
    fn run_out_of_stock(&mut self) {
        let mut batch = Batch::new("world");
        let start = self.now - 14 * DAY;
        batch.add_at(
            start,
            "item.described",
            json!({
                "sku": "A", "name": "Apple", "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR",
            }),
        );
        batch.add_at(
            start,
            "location.described",
            json!({"location": "L1", "name": "Store", "kind": "store"}),
        );
        batch.add_at(
            start,
            "supplier.described",
            json!({
                "supplier": "S", "name": "Supplier", "lead_time_days": 2, "lead_time_sd_days": 0.5,
            }),
        );
        batch.add_at(
            start,
            "sourcing.set",
            json!({
                "sku": "A", "location": "L1", "source": {"kind": "supplier", "id": "S"}, "rank": 1,
                "lead_time_days": 2, "unit_cost": "2.00",
            }),
        );
        batch.add_at(start, "inventory.counted", json!({"sku": "A", "location": "L1", "on_hand": 300}));
        for day in 0..14 {
            let at = start + day * DAY + 3_600;
            batch.add_at(at, "pos.sale", json!({"sku": "A", "location": "L1", "quantity": 20}));
        }
        let client = self.client();
        if self.now == MONDAY {
            let mut clock = Batch::new("clock");
            clock.add_at(start, "clock.advanced", json!({"to": crate::common::at(start)}));
            client.accept(&clock.take());
            client.accept(&batch.take());
            self.advance(MONDAY);
        } else {
            client.accept(&batch.take());
        }
        batch.add_at(self.now, "order.placed", json!({
            "order_id": "O1", "line_id": "1", "sku": "A", "location": "L1", "quantity": 40, "customer": "C",
        }));
        client.accept(&batch.take());
    }

    /// Moves an event clock on.
    #[track_caller]
    pub fn advance(&mut self, to: i64) {
        let to = crate::common::at(to);
        let event = crate::common::event("clock.advanced", &format!("clock-{to}"), json!({"to": to}));
        self.client().accept(&[event]);
    }

    pub fn client(&self) -> Client {
        self.tower.http()
    }

    fn person(&self, who: &str) -> Client {
        self.client().with_header("X-Tidewatch-Act-As", who)
    }

    /// Asks until the answer is there; keeps an eye on what counts as ordered meanwhile.
    #[track_caller]
    pub fn eventually<T>(&mut self, what: &str, mut ask: impl FnMut(&Scene) -> Option<T>) -> T {
        let deadline = Instant::now() + WITHIN;
        loop {
            self.look_at_stock();
            if let Some(answer) = ask(self) {
                return answer;
            }
            if Instant::now() > deadline {
                let cases = self.client().get("/api/v1/cases?state=failed&state=closed&limit=10").text();
                let open = self.client().get("/api/v1/cases").text();
                let told = self.sandbox.told();
                panic!("{what} never came; cases: {open}; over: {cases}; the sandbox was told: {told}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The SKU-location as it is; nothing while the tower is away.
    pub fn look_at_stock(&mut self) -> Option<Value> {
        let seen = self.client().try_send("GET", "/api/v1/sku-locations/A/L1", &[], b"").ok()?;
        let seen = (seen.status == 200).then(|| seen.json())?;
        self.on_order_max = self.on_order_max.max(seen["on_order"].as_f64()?);
        Some(seen)
    }

    #[track_caller]
    pub fn stock(&mut self) -> Value {
        self.look_at_stock().expect("the SKU-location can be read")
    }

    pub fn case(&self, id: &str) -> Option<Value> {
        let seen = self.client().try_send("GET", &format!("/api/v1/cases/{id}"), &[], b"").ok()?;
        (seen.status == 200).then(|| seen.json())
    }

    /// The case about the SKU-location, with an option to order.
    #[track_caller]
    pub fn proposed(&mut self) -> Decision {
        self.eventually("a case with an option to order", |scene| {
            let cases = scene.client().get("/api/v1/cases");
            let cases = (cases.status == 200).then(|| cases.json())?;
            cases["items"].as_array()?.iter().find_map(|case| {
                let about = case["subjects"].as_array()?.iter().any(|subject| subject["sku"] == "A");
                let option = case["options"].as_array()?.iter().find(|option| option["kind"] == "order")?;
                let quantity = option["steps"][0]["quantity"].as_f64()?;
                let case = case["id"].as_str()?.to_owned();
                about.then(|| Decision { case, option: option.clone(), quantity })
            })
        })
    }

    #[track_caller]
    fn post(&self, who: &str, case: &str, command: &str, body: &Value) -> Value {
        let path = format!("/api/v1/cases/{case}/{command}");
        let headers = [("Content-Type", "application/json")];
        self.person(who).send("POST", &path, &headers, body.to_string().as_bytes()).expect(200)
    }

    /// Chooses the option as the case is now.
    #[track_caller]
    pub fn choose(&mut self) -> Decision {
        let decision = self.proposed();
        let version = self.case(&decision.case).unwrap()["version"].clone();
        let body = json!({"option_id": decision.option["id"], "version": version});
        let case = self.post("ann;supply_planner", &decision.case, "choose", &body);
        assert_eq!(case["chosen_option"], decision.option["id"], "{case}");
        decision
    }

    /// Somebody else approves what was chosen.
    #[track_caller]
    pub fn approve(&mut self, decision: &Decision) -> Value {
        let version = self.case(&decision.case).unwrap()["version"].clone();
        let body = json!({"comment": "go", "version": version});
        self.post("bob;supply_planner", &decision.case, "approve", &body)
    }

    /// Chooses and approves.
    #[track_caller]
    pub fn decide(&mut self) -> Decision {
        let decision = self.choose();
        let case = self.approve(&decision);
        assert_eq!(case["actions"].as_array().map(Vec::len), Some(1), "{case}");
        decision
    }

    /// Waits until the case's one action is in that state.
    #[track_caller]
    pub fn wait_for_action(&mut self, decision: &Decision, state: &str) -> Value {
        let case = decision.case.clone();
        self.eventually(&format!("an action that is {state}"), |scene| {
            let action = scene.case(&case)?["actions"][0].clone();
            (action["state"] == state).then_some(action)
        })
    }

    /// Waits until the sandbox recorded an action.
    #[track_caller]
    pub fn wait_for_record(&mut self) {
        self.eventually("a record in the sandbox", |scene| {
            (!scene.sandbox.actions().is_empty()).then_some(())
        });
    }

    pub fn kill_and_start_again(&mut self) {
        self.tower.kill();
        self.tower.start_again();
    }

    /// An exception of that type that is not over.
    #[track_caller]
    pub fn wait_for_exception(&mut self, kind: &str) -> Value {
        let path = format!("/api/v1/exceptions?type={kind}");
        self.eventually(kind, |scene| {
            let found = scene.client().get(&path).expect(200);
            found["items"].as_array()?.first().cloned()
        })
    }

    /// One decision: one action id, one document, counted once. However often and whenever anything was killed.
    #[track_caller]
    pub fn expect_one_document(&mut self, decision: &Decision) {
        let case_id = decision.case.clone();
        let case = self.eventually("a case that is reconciled", |scene| {
            scene
                .case(&case_id)
                .filter(|case| matches!(case["state"].as_str(), Some("reconciled" | "closed")))
        });
        let action = &case["actions"][0];
        assert_eq!(case["actions"].as_array().map(Vec::len), Some(1), "{case}");
        assert_eq!(action["state"], "documented", "{case}");

        let told = self.sandbox.actions();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["idempotency_key"], action["id"]);
        assert_eq!(told[0]["request"]["action_id"], action["id"]);
        assert_eq!(told[0]["external_ref"], action["external_ref"]);
        let documents = self.sandbox.documents();
        assert_eq!(documents.len(), 1, "{documents:?}");
        assert_eq!(documents[0]["id"], action["document"]["id"]);
        assert_eq!(documents[0]["action_id"], action["id"]);

        let stock = self.eventually("stock without planned supply", |scene| {
            let seen = scene.client().get("/api/v1/sku-locations/A/L1").expect(200);
            (seen["planned"] == json!(0)).then_some(seen)
        });
        assert_eq!(stock["on_order"].as_f64(), Some(decision.quantity), "{stock}");
        assert_eq!(self.on_order_max, decision.quantity, "on order at most, at any time");
    }
}
