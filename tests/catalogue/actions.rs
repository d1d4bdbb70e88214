//! Kinds about approved actions. What systems of record say of them comes as events from outside.

use serde_json::{Value, json};

use super::{HOUR, Stage, id};
use crate::common::{Client, at, eventually};

/// Two people: one proposes, another one approves.
pub struct People {
    pub proposer: Client,
    pub approver: Client,
}

/// An approved order for a SKU-location that is short.
struct Decided {
    case: String,
    action: Value,
}

impl Decided {
    fn subject(&self) -> Value {
        let step = &self.action["step"];
        json!({
            "kind": "action", "sku": "A", "location": "S", "supplier": step["supplier"],
            "action_id": self.action["id"],
        })
    }

    /// The order that answers it, of another quantity than approved.
    fn document(&self, more: f64) -> Value {
        let step = &self.action["step"];
        let line = json!({
            "line_id": "1", "sku": "A", "location": "S", "quantity": step["quantity"].as_f64().unwrap() + more,
            "promised_at": step["arrives_at"], "unit_cost": "2.00",
        });
        json!({
            "po_id": "PO-1", "supplier": "V", "currency": "EUR", "lines": [line], "action_id": self.action["id"],
        })
    }
}

#[track_caller]
fn post(client: &Client, path: &str, body: &Value, status: u16) -> Value {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes()).expect(status)
}

fn read_case(stage: &Stage, case: &str) -> Value {
    stage.client.get(&format!("/api/v1/cases/{case}?settled=true")).expect(200)
}

/// Runs short, and decides to order; the order is delivered to a system of record that says nothing.
fn decide(stage: &mut Stage, people: &People) -> Decided {
    let item = json!({"sku": "A", "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
    stage.tell("item.described", item);
    stage.tell("supplier.described", json!({"supplier": "V", "lead_time_days": 2}));
    let source = json!({"kind": "supplier", "id": "V"});
    stage.tell("sourcing.set", json!({"sku": "A", "location": "S", "source": source, "lead_time_days": 2}));
    stage.forecast("A", 10.0, 5.0);
    stage.count("A", 0.0);
    stage.settle();
    let short = stage.client.list("/api/v1/exceptions?type=shortage_now&sku=A");
    let case = match short[0]["case_id"].as_str() {
        Some(case) => case.to_owned(),
        None => {
            id(&post(&people.proposer, "/cases", &json!({"exceptions": [short[0]["id"]]}), 201)).to_owned()
        }
    };
    let (option, version) = eventually("an option to order", || {
        let seen = read_case(stage, &case);
        let option = seen["options"].as_array()?.iter().find(|option| option["kind"] == "order")?;
        Some((option["id"].clone(), seen["version"].clone()))
    });
    let body = json!({"option_id": option, "version": version});
    let chosen = post(&people.proposer, &format!("/cases/{case}/choose"), &body, 200);
    let body = json!({"version": chosen["version"], "comment": "go"});
    let approved = post(&people.approver, &format!("/cases/{case}/approve"), &body, 200);
    assert_eq!(approved["actions"].as_array().map(Vec::len), Some(1), "{approved:#}");
    let action = eventually("a delivered order", || {
        let action = read_case(stage, &case)["actions"][0].clone();
        (action["state"] == "delivered").then_some(action)
    });
    Decided { case, action }
}

pub fn action_unconfirmed(stage: &mut Stage, people: &People) {
    let decided = decide(stage, people);
    assert_eq!(decided.action["delivered_at"], json!(at(stage.now)));
    stage.pass(24 * HOUR - 1);
    stage.expect_none(&decided.subject());
    stage.pass(1);
    let raised = stage.expect_raised(&decided.subject(), "inventory.counted");
    stage.tell("action.confirmed", json!({"action_id": decided.action["id"], "external_ref": "E-1"}));
    stage.expect_cleared(&raised);
}

pub fn action_refused(stage: &mut Stage, people: &People) {
    let decided = decide(stage, people);
    stage.expect_none(&decided.subject());
    let refused = json!({"action_id": decided.action["id"], "reason": "no such supplier"});
    stage.tell("action.refused", refused);
    let raised = stage.expect_raised(&decided.subject(), "action.refused");
    assert!(raised["cause"].as_str().unwrap().ends_with("no such supplier"), "{raised:#}");
    // It is of concern as long as what the action was to solve is.
    stage.count("A", 500.0);
    stage.expect_cleared(&raised);
    assert!(read_case(stage, &decided.case)["actions"][0]["state"] == "refused");
}

pub fn reconciliation_mismatch(stage: &mut Stage, people: &People) {
    let decided = decide(stage, people);
    stage.tell("purchase_order.placed", decided.document(0.0));
    stage.expect_none(&decided.subject());
    stage.pass(HOUR);
    stage.tell("purchase_order.changed", decided.document(-1.0));
    let raised = stage.expect_raised(&decided.subject(), "purchase_order.changed");
    stage.pass(HOUR);
    stage.tell("purchase_order.changed", decided.document(0.0));
    stage.expect_cleared(&raised);
}
