//! One kind of exception on a stage of its own: a tenant on an event clock, of which everything that was told is known.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every test program takes its part of this, and a failing test should panic"
)]

pub mod actions;
pub mod demand;
pub mod places;
pub mod sources;
pub mod suppliers;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::common::{Client, at, event};

/// 2026-03-02 00:00 UTC, a Monday.
pub const START: i64 = 1_772_409_600;
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// What an exception shows, as the contract lists it; further members may follow.
const MEMBERS: [&str; 23] = [
    "id",
    "type",
    "state",
    "severity",
    "urgency",
    "value_at_risk",
    "decide_by",
    "subject",
    "opened_at",
    "updated_at",
    "cleared_at",
    "window",
    "cause",
    "confidence",
    "evidence",
    "case_id",
    "owner",
    "team",
    "sla_due_at",
    "revision",
    "lsn",
    "snoozed_until",
    "resolution",
];
const STATES: [&str; 6] = ["open", "acknowledged", "in_case", "snoozed", "resolved", "cleared"];

/// What was told, by its id.
struct Told {
    kind: String,
    time: String,
    /// Where in the journal it must lie.
    lsn: RangeInclusive<u64>,
}

pub struct Stage {
    pub client: Client,
    /// The kind of exception that is looked at.
    pub kind: &'static str,
    /// Where the clock stands, in seconds.
    pub now: i64,
    told: BTreeMap<String, Told>,
    waiting: Vec<Value>,
    made: usize,
    /// Of what was told last.
    lsn: u64,
}

impl Stage {
    /// With the clock at [`START`] and a location `S`.
    pub fn open(client: Client, kind: &'static str) -> Stage {
        let told = BTreeMap::new();
        let mut stage = Stage { client, kind, now: START, told, waiting: Vec::new(), made: 0, lsn: 0 };
        stage.pass(0);
        stage.tell("location.described", json!({"location": "S", "name": "Store", "kind": "store"}));
        stage
    }

    /// Keeps an event of `source` for the next [`Stage::send`].
    pub fn keep_from(&mut self, source: &str, second: i64, kind: &str, data: Value) {
        let id = format!("{}-{}", self.kind, self.made);
        self.made += 1;
        let mut event = event(kind, &id, data);
        event["source"] = json!(source);
        event["time"] = json!(at(second));
        self.waiting.push(event);
    }

    pub fn keep(&mut self, second: i64, kind: &str, data: Value) {
        self.keep_from("/tests", second, kind, data);
    }

    /// Sends what was kept in one request.
    #[track_caller]
    pub fn send(&mut self) {
        let events = std::mem::take(&mut self.waiting);
        for chunk in events.chunks(500) {
            let lsn = self.client.accept(chunk)["lsn"].as_u64().expect("an lsn");
            for event in chunk {
                let text = |key: &str| event[key].as_str().unwrap().to_owned();
                let told = Told { kind: text("type"), time: text("time"), lsn: self.lsn + 1..=lsn };
                self.told.insert(text("id"), told);
            }
            self.lsn = lsn;
        }
    }

    #[track_caller]
    pub fn tell_at(&mut self, second: i64, kind: &str, data: Value) {
        self.keep(second, kind, data);
        self.send();
    }

    /// Tells it as of now.
    #[track_caller]
    pub fn tell(&mut self, kind: &str, data: Value) {
        self.tell_at(self.now, kind, data);
    }

    /// The clock goes on.
    #[track_caller]
    pub fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.keep_from("/clock", self.now, "clock.advanced", json!({"to": at(self.now)}));
        self.send();
        self.settle();
    }

    /// Waits until all consequences of what was told are there.
    #[track_caller]
    pub fn settle(&self) {
        self.client.settled("/api/v1/exceptions?limit=1", self.lsn).expect(200);
    }

    /// Every exception of the kind in any state whose subject has these members.
    #[track_caller]
    pub fn about(&self, subject: &Value) -> Vec<Value> {
        self.settle();
        let states = STATES.map(|state| format!("state={state}")).join("&");
        let mut all = self.client.list(&format!("/api/v1/exceptions?type={}&{states}", self.kind));
        let wanted = subject.as_object().unwrap();
        all.retain(|item| wanted.iter().all(|(name, value)| item["subject"][name] == *value));
        all
    }

    /// Nothing of the kind was ever raised about it.
    #[track_caller]
    pub fn expect_none(&self, subject: &Value) {
        let all = self.about(subject);
        assert!(all.is_empty(), "raised too soon: {all:#?}");
    }

    /// It was raised just now; answers the item, which is whole.
    #[track_caller]
    pub fn expect_raised(&self, subject: &Value, evidence: &str) -> Value {
        let all = self.about(subject);
        assert_eq!(all.len(), 1, "{} about {subject} is not there: {}", self.kind, self.everything());
        let item = &all[0];
        self.expect_whole(item, evidence);
        let now = json!(at(self.now));
        assert_eq!(
            (&item["state"], &item["opened_at"], &item["cleared_at"], &item["reopened"]),
            (&json!("open"), &now, &Value::Null, &json!(0)),
            "{item:#}"
        );
        assert_eq!(item["subject"], whole_subject(subject), "{item:#}");
        let mut read = self.client.get(&format!("/api/v1/exceptions/{}", id(item))).expect(200);
        assert!(read.as_object_mut().unwrap().remove("position").is_some_and(|one| one.is_string()));
        assert_eq!(read, *item, "the detail shows what the list shows");
        item.clone()
    }

    /// It is still the same and open.
    #[track_caller]
    pub fn expect_open(&self, raised: &Value) -> Value {
        let item = self.now_of(raised);
        assert_eq!(item["state"], "open", "{item:#}");
        item
    }

    /// It went away by itself just now.
    #[track_caller]
    pub fn expect_cleared(&self, raised: &Value) -> Value {
        let item = self.now_of(raised);
        assert_eq!(
            (&item["state"], &item["cleared_at"]),
            (&json!("cleared"), &json!(at(self.now))),
            "{item:#}"
        );
        assert!(item["revision"].as_u64() > raised["revision"].as_u64());
        assert!(item["lsn"].as_u64() > raised["lsn"].as_u64());
        assert!(item["cause"].as_str().is_some_and(|why| !why.is_empty()), "says why: {item:#}");
        item
    }

    /// The exception that was raised is the only one of its kind about its subject, as it is now.
    #[track_caller]
    fn now_of(&self, raised: &Value) -> Value {
        let named = raised["subject"].as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let subject = Value::Object(named.map(|(name, value)| (name.clone(), value.clone())).collect());
        let all = self.about(&subject);
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(all[0]["id"], raised["id"], "{all:#?}");
        all[0].clone()
    }

    fn everything(&self) -> String {
        let all = self.client.list("/api/v1/exceptions?grouped=false");
        let one = |item: &Value| format!("{} {} {}", item["type"], item["subject"], item["cause"]);
        all.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// Every member is there, an unknown one as null, each of its own shape; its evidence are events that were told,
    /// one of the type given among them.
    #[track_caller]
    fn expect_whole(&self, item: &Value, evidence: &str) {
        for member in MEMBERS {
            assert!(item.get(member).is_some(), "{member} is absent: {item:#}");
        }
        assert_eq!(item["type"], self.kind);
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let time = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
        };
        let maybe = |value: &Value, fits: &dyn Fn(&Value) -> bool| value.is_null() || fits(value);
        let money = |value: &Value| {
            value["amount"].as_str().is_some_and(|amount| amount.parse::<f64>().is_ok_and(|it| it >= 0.0))
                && value["currency"] == "EUR"
        };
        let window = |value: &Value| {
            value.as_object().is_some_and(|window| window.len() == 2)
                && ["from", "until"].iter().all(|end| maybe(&value[end], &time))
        };
        let holds = [
            ("id", id(item).bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))),
            ("severity", ["low", "medium", "high", "critical"].iter().any(|one| item["severity"] == *one)),
            ("urgency", item["urgency"].as_u64().is_some_and(|urgency| urgency <= 100)),
            ("value_at_risk", maybe(&item["value_at_risk"], &money)),
            ("decide_by", maybe(&item["decide_by"], &time)),
            ("opened_at", time(&item["opened_at"])),
            ("updated_at", time(&item["updated_at"])),
            ("window", maybe(&item["window"], &window)),
            ("cause", text(&item["cause"])),
            (
                "confidence",
                maybe(&item["confidence"], &|one| one.as_f64().is_some_and(|p| (0.0..=1.0).contains(&p))),
            ),
            ("case_id", maybe(&item["case_id"], &text)),
            ("owner", maybe(&item["owner"], &text)),
            ("team", maybe(&item["team"], &text)),
            ("sla_due_at", maybe(&item["sla_due_at"], &time)),
            ("revision", item["revision"].as_u64().is_some_and(|revision| revision > 0)),
            ("lsn", item["lsn"].as_u64().is_some_and(|lsn| lsn > 0)),
        ];
        for (member, holds) in holds {
            assert!(holds, "{member} has another shape: {item:#}");
        }
        let named = item["evidence"].as_array().expect("evidence");
        assert!(
            named.iter().any(|one| one["type"] == evidence),
            "no {evidence} among the evidence: {item:#}"
        );
        for one in named {
            assert_eq!(one.as_object().unwrap().len(), 5, "{one}");
            assert!(text(&one["source"]), "{one}");
            let told = self.told.get(one["id"].as_str().unwrap());
            let told = told.unwrap_or_else(|| panic!("nobody told {one}"));
            assert_eq!((&one["type"], &one["time"]), (&json!(told.kind), &json!(told.time)), "{one}");
            let lsn = one["lsn"].as_u64().expect("an lsn");
            assert!(told.lsn.contains(&lsn), "{lsn} is not in {:?}: {one}", told.lsn);
            assert!(lsn < item["lsn"].as_u64().unwrap(), "it comes from what was before: {item:#}");
        }
    }

    // What the kinds tell most.

    pub fn count(&mut self, sku: &str, on_hand: f64) {
        // The later of two counts holds, so no two may have one time.
        self.pass(1);
        self.tell("inventory.counted", json!({"sku": sku, "location": "S", "on_hand": on_hand}));
    }

    /// A second later: a sale at the time of a count moves no stock.
    pub fn sell(&mut self, sku: &str, quantity: f64) {
        self.pass(1);
        self.sell_now(sku, quantity);
    }

    pub fn sell_now(&mut self, sku: &str, quantity: f64) {
        self.tell("pos.sale", json!({"sku": sku, "location": "S", "quantity": quantity}));
    }

    /// Sells so much on each of the next days, and goes to the end of the last.
    pub fn sell_daily(&mut self, sku: &str, days: &[i64]) {
        for quantity in days {
            if *quantity > 0 {
                self.sell_now(sku, *quantity as f64);
            }
            self.pass(DAY);
        }
    }

    /// A forecast for the next 300 days with a mean and a standard deviation a day.
    pub fn forecast(&mut self, sku: &str, mean: f64, deviation: f64) {
        let (days, milli) = (300.0_f64, |units: f64| (units * 1_000.0).round() / 1_000.0);
        let spread = deviation * days.sqrt() * 1.281_551_565_544_600_4;
        let bucket = json!({
            "from": at(self.now), "until": at(self.now + 300 * DAY), "quantity": milli(mean * days),
            "p10": milli(mean * days - spread), "p90": milli(mean * days + spread),
        });
        self.tell("forecast.published", json!({"sku": sku, "location": "S", "buckets": [bucket]}));
    }

    /// A purchase order of supplier `V` for `A` at `S`.
    pub fn purchase(&mut self, step: &str, po_id: &str, quantity: i64, promised: Option<i64>) {
        let line = json!({
            "line_id": "1", "sku": "A", "location": "S", "quantity": quantity,
            "promised_at": promised.map(at), "unit_cost": "2.00",
        });
        let mut data = json!({"po_id": po_id, "supplier": "V", "currency": "EUR", "lines": [line]});
        if promised.is_none() {
            data["lines"][0].as_object_mut().unwrap().remove("promised_at");
        }
        self.tell(&format!("purchase_order.{step}"), data);
    }

    /// Placed, and acknowledged as it is.
    pub fn agree(&mut self, po_id: &str, quantity: i64, promised: i64) {
        self.purchase("placed", po_id, quantity, Some(promised));
        self.purchase("acknowledged", po_id, quantity, Some(promised));
    }

    pub fn receive(&mut self, po_id: &str, quantity: i64) {
        let data = json!({"po_id": po_id, "line_id": "1", "quantity": quantity, "sku": "A", "location": "S"});
        self.tell("purchase_order.received", data);
    }
}

pub fn id(item: &Value) -> &str {
    item["id"].as_str().expect("an id")
}

/// What does not apply to the subject is null.
fn whole_subject(named: &Value) -> Value {
    let mut subject = json!({
        "kind": null, "sku": null, "location": null, "supplier": null, "po_id": null, "order_id": null,
        "transfer_id": null, "promotion_id": null, "action_id": null, "source": null,
    });
    for (name, value) in named.as_object().unwrap() {
        subject[name] = value.clone();
    }
    subject
}

pub fn at_place(sku: &str) -> Value {
    json!({"kind": "sku_location", "sku": sku, "location": "S"})
}

pub fn of_supplier() -> Value {
    json!({"kind": "supplier", "supplier": "V"})
}

pub fn of_order(po_id: &str) -> Value {
    json!({"kind": "purchase_order", "supplier": "V", "po_id": po_id})
}
