//! Histories by the throw of dice: few things, so that everything meets everything.

use std::ops::Range;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tower::{TENANT, Tower};
use crate::domain::approval_case::testing::{action, case};
use crate::domain::approval_case::{CaseChange, CaseTransition};
use crate::domain::event::{self, EventType};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, Record, SystemBody, Transition};

/// One throw: what happens, to what, and how long after the last.
#[derive(Clone, Debug)]
pub struct Throw {
    kind: u8,
    which: [u8; 4],
    minutes: u16,
}

impl Throw {
    pub fn sale() -> Throw {
        Throw { kind: 0, which: [0; 4], minutes: 1 }
    }
}

const KINDS: u8 = 30;

pub fn throws(count: Range<usize>) -> impl Strategy<Value = Vec<Throw>> {
    let minutes = prop_oneof![6 => 0_u16..2, 2 => 0_u16..600, 1 => 1_000_u16..6_000];
    let throw = (0..KINDS, any::<[u8; 4]>(), minutes).prop_map(|(kind, which, minutes)| Throw {
        kind,
        which,
        minutes,
    });
    proptest::collection::vec(throw, count)
}

impl Tower {
    pub fn happen(&mut self, throw: &Throw) {
        self.now = self.now.plus(i64::from(throw.minutes) * 60_000_000);
        let [a, b, c, d] = throw.which;
        let pick = |names: &[&'static str], at: u8| names[usize::from(at) % names.len()];
        let sku = pick(&["A", "B", "C"], a);
        let location = pick(&["L1", "L2", "L3"], b);
        let to = pick(&["L2", "L3", "L1"], b);
        let line = pick(&["1", "2"], c);
        let supplier = pick(&["S", "T"], d);
        let number = u32::from(c) % 9;
        let order = format!("O{}", d % 9);
        let purchase = format!("P{}", d % 9);
        let transfer = format!("X{}", d % 4);
        let shipment = format!("H{}", a % 3);
        let action_id = format!("act{}", a % 3);
        let due = "2026-03-04T00:00:00Z";
        let quantity = number + 1;
        let (kind, data): (&str, Value) = match throw.kind {
            0..=3 => ("pos.sale", json!({"sku": sku, "location": location, "quantity": quantity})),
            4 => ("inventory.counted", json!({"sku": sku, "location": location, "on_hand": number})),
            5 => (
                "order.placed",
                json!({"order_id": order, "line_id": line, "sku": sku, "location": location,
                "quantity": quantity, "promised_at": due, "unit_price": 1.25, "currency": "EUR"}),
            ),
            6 => ("order.shipped", json!({"order_id": order, "line_id": line, "quantity": quantity})),
            7 => ("order.cancelled", json!({"order_id": order, "line_id": line})),
            8 | 9 => (
                "purchase_order.placed",
                json!({"po_id": purchase, "supplier": supplier, "lines": [
                {"line_id": line, "sku": sku, "location": location, "quantity": quantity, "promised_at": due}]}),
            ),
            10 => (
                "purchase_order.placed",
                json!({"po_id": purchase, "supplier": supplier, "action_id": action_id,
                "lines": [{"line_id": "1", "sku": sku, "location": location, "quantity": quantity},
                    {"line_id": "2", "sku": "A", "location": "L1", "quantity": 2}]}),
            ),
            11 => (
                "purchase_order.acknowledged",
                json!({"po_id": purchase, "lines": [
                {"line_id": line, "quantity": quantity, "promised_at": due}]}),
            ),
            12 | 13 => {
                ("purchase_order.received", json!({"po_id": purchase, "line_id": line, "quantity": quantity}))
            }
            14 => ("purchase_order.closed", json!({"po_id": purchase})),
            15 => (
                "transfer.placed",
                json!({"transfer_id": transfer, "lines": [
                {"line_id": line, "sku": sku, "from": location, "to": to, "quantity": quantity, "promised_at": due}]}),
            ),
            16 => (
                "transfer.dispatched",
                json!({"transfer_id": transfer, "line_id": line, "quantity": quantity}),
            ),
            17 => ("transfer.cancelled", json!({"transfer_id": transfer})),
            18 => (
                "shipment.dispatched",
                json!({"shipment_id": shipment, "eta": due, "lines": [
                {"po_id": purchase, "line_id": "1", "quantity": quantity}, {"transfer_id": transfer, "line_id": "1"}]}),
            ),
            19 => ("shipment.delayed", json!({"shipment_id": shipment, "eta": "2026-03-09T00:00:00Z"})),
            20 => (
                "item.described",
                json!({"sku": sku, "pack": quantity, "path": ["p", "q"], "unit_cost": 2,
                "currency": "EUR", "attributes": {"colour": "red"}, "substitutes": [{"sku": "B", "ratio": 1}]}),
            ),
            21 => ("location.described", json!({"location": location, "timezone": "America/New_York"})),
            22 => ("supplier.described", json!({"supplier": supplier, "lead_time_days": number})),
            23 => (
                "sourcing.set",
                json!({"sku": sku, "location": location,
                "source": {"kind": "supplier", "id": supplier}}),
            ),
            24 => {
                ("policy.set", json!({"scope": {"sku": sku}, "service_level": 0.95, "period_days": quantity}))
            }
            25 => ("supplier.delay_reported", json!({"supplier": supplier, "delay_days": number})),
            26 => ("action.confirmed", json!({"action_id": action_id, "external_ref": "e"})),
            27 => return self.open_case(&action_id, sku, location),
            28 => return self.about_itself(throw),
            _ => return self.transition_again(throw),
        };
        let data = event::parse(kind, &data.to_string()).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        let source = Name::from(pick(&["/a", "/b", "/c"], c ^ a));
        let body = Body::Event { event_type: EventType::parse(kind), data };
        self.journal(Record { body, source, ..self.blank() });
    }

    fn open_case(&mut self, action_id: &str, sku: &str, location: &str) {
        let mut item = case("case_1");
        item.actions.push(action(action_id, sku, location, None, Quantity::from_units(5)));
        let change = CaseTransition { kind: CaseChange::Approved, item, claims: Vec::new() };
        let entity = EntityKey::ApprovalCase { tenant: TENANT, case: "case_1".into() };
        let address = self.directory.find(&entity);
        let revision = address.map_or(1, |address| self.heard.states[&address].revision() + 1);
        self.transition(entity, revision, Transition::Case(Box::new(change)));
    }

    fn about_itself(&mut self, throw: &Throw) {
        let [a, b, c, _] = throw.which;
        let mut keys: Vec<&EntityKey> = self.heard.keys.values().map(|key| &**key).collect();
        keys.sort();
        let entity = keys[usize::from(a) % keys.len()].clone();
        self.system(match b % 4 {
            0 => SystemBody::EntityQuarantined { entity, poison: Lsn(u64::from(c)), detail: "d".into() },
            1 => SystemBody::EntityReleased { entity, poison: Lsn(u64::from(c)), skip: c % 2 == 0 },
            2 => SystemBody::QuarantineClosed { entry: Lsn(u64::from(c)), retried: false },
            _ => SystemBody::Rejected {
                code: "bad".into(),
                detail: "d".into(),
                source: None,
                id: None,
                event_type: None,
                errors: Vec::new(),
                raw: "{}".into(),
            },
        });
    }

    /// A transition that was there before comes again: it has no effect.
    fn transition_again(&mut self, throw: &Throw) {
        let transitions: Vec<_> =
            self.records.iter().filter(|record| matches!(record.body, Body::Transition(_))).collect();
        if let Some(which) = usize::from(throw.which[0]).checked_rem(transitions.len()) {
            let again = transitions[which];
            let (body, entity_revision) = (again.body.clone(), again.entity_revision);
            self.journal(Record { body, entity_revision, ..self.blank() });
        }
    }
}
