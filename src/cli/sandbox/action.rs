//! What the sandbox makes of an action: the document of a system of record, and the events that tell of it. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::Wrong;
use crate::domain::approval_case::ActionKind;
use crate::domain::ids::Name;
use crate::domain::money::UnitPrice;
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// The `source` of the sandbox's events.
pub const SOURCE: &str = "tidewatch-sandbox";
/// How much later a wrong date is.
const WRONG_DATE_DAYS: f64 = 7.0;
/// When a transfer arrives for which nobody said it.
const TRANSFER_DAYS: f64 = 1.0;
/// The line of a document that has but one.
const LINE: &str = "1";

/// What it is asked to do.
#[derive(Clone, Debug, Deserialize)]
pub struct Action {
    pub action_id: Name,
    pub kind: ActionKind,
    pub sku: Name,
    pub location: Name,
    pub from: Option<Name>,
    pub supplier: Option<Name>,
    pub po_id: Option<Name>,
    pub line_id: Option<Name>,
    pub quantity: Quantity,
    /// The total of a line that is expedited: what its changed document states.
    pub line_quantity: Option<Quantity>,
    pub arrives_at: Option<Timestamp>,
    pub unit_cost: Option<UnitPrice>,
    /// The tenant's time: its events happen then, be it a replay of the past.
    pub approved_at: Option<Timestamp>,
}

/// What it made of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// What it calls the action.
    pub external_ref: String,
    /// `None` for a custom action, which has no document.
    pub document: Option<Document>,
    /// What it tells the tower, in this order.
    pub events: Vec<Announced>,
}

/// A purchase order or a transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// `purchase_order` or `transfer`.
    pub kind: String,
    pub id: String,
    pub line_id: String,
    pub quantity: Quantity,
    pub promised_at: Option<Timestamp>,
}

/// An event for the tower, not before some time after the action was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announced {
    pub after_ms: u64,
    pub event: Value,
}

/// How an action is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub wrong: Option<Wrong>,
    /// When the goods arrive; never if `None`.
    pub receive_after: Option<Duration>,
}

impl Action {
    /// What is missing for this kind of action.
    pub fn fault(&self) -> Option<&'static str> {
        match self.kind {
            ActionKind::Expedite if self.po_id.is_none() || self.line_id.is_none() => {
                Some("an expedite names po_id and line_id")
            }
            ActionKind::Transfer if self.from.is_none() => Some("a transfer names from"),
            ActionKind::Order | ActionKind::Transfer if !self.quantity.is_positive() => {
                Some("quantity must be above zero")
            }
            _ => None,
        }
    }

    /// Carries it out as the `number`-th thing it did.
    pub fn carry_out(&self, number: usize, manner: Manner) -> Made {
        let mut made = match self.kind {
            ActionKind::Order => self.order(number, manner),
            ActionKind::Expedite => self.expedite(number, manner),
            ActionKind::Transfer => self.transfer(number, manner),
            ActionKind::Custom => self.custom(number),
        };
        if manner.wrong == Some(Wrong::Silence) {
            made.events.clear();
        }
        made
    }

    fn quantity(&self, manner: Manner) -> Quantity {
        let quantity = self.line_quantity.unwrap_or(self.quantity);
        if manner.wrong == Some(Wrong::Quantity) {
            Quantity::from_milli((quantity.milli() / 2).max(1))
        } else {
            quantity
        }
    }

    fn promised_at(&self, manner: Manner) -> Option<Timestamp> {
        let late = if manner.wrong == Some(Wrong::Date) { WRONG_DATE_DAYS } else { 0.0 };
        self.arrives_at.map(|at| at.plus_days(late))
    }

    fn event(&self, id: String, event_type: &str, after: Duration, data: Value) -> Announced {
        let mut event =
            json!({"specversion": "1.0", "id": id, "source": SOURCE, "type": event_type, "data": data});
        if let Some(at) = self.approved_at {
            let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
            event["time"] = json!(at.plus(micros));
        }
        Announced { after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX), event }
    }

    fn order(&self, number: usize, manner: Manner) -> Made {
        let id = format!("SBX-PO-{number:06}");
        let document = Document {
            kind: "purchase_order".to_owned(),
            id: id.clone(),
            line_id: LINE.to_owned(),
            quantity: self.quantity(manner),
            promised_at: self.promised_at(manner),
        };
        let lines = json!([{
            "line_id": LINE, "sku": self.sku, "location": self.location, "quantity": document.quantity,
            "promised_at": document.promised_at, "unit_cost": self.unit_cost,
        }]);
        let named =
            json!({"po_id": id, "supplier": self.supplier, "lines": lines, "action_id": self.action_id});
        let mut events = vec![
            self.event(format!("{id}-placed"), "purchase_order.placed", Duration::ZERO, named.clone()),
            self.event(format!("{id}-acknowledged"), "purchase_order.acknowledged", Duration::ZERO, named),
        ];
        if let Some(after) = manner.receive_after {
            let received = json!({
                "po_id": id, "line_id": LINE, "quantity": document.quantity, "sku": self.sku,
                "location": self.location, "supplier": self.supplier,
            });
            events.push(self.event(format!("{id}-received"), "purchase_order.received", after, received));
        }
        Made { external_ref: id, document: Some(document), events }
    }

    /// An earlier date for a line of a purchase order, or of a transfer if it says from where.
    fn expedite(&self, number: usize, manner: Manner) -> Made {
        let external_ref = format!("SBX-CHANGE-{number:06}");
        let (kind, id_field) = match self.from {
            Some(_) => ("transfer", "transfer_id"),
            None => ("purchase_order", "po_id"),
        };
        let promised_at = self.promised_at(manner);
        let document = Document {
            kind: kind.to_owned(),
            id: self.po_id.as_deref().unwrap_or_default().to_owned(),
            line_id: self.line_id.as_deref().unwrap_or_default().to_owned(),
            quantity: self.quantity(manner),
            promised_at: if self.from.is_some() {
                promised_at.or(Some(self.tomorrow()))
            } else {
                promised_at
            },
        };
        let mut line = json!({
            "line_id": document.line_id, "sku": self.sku, "quantity": document.quantity,
            "promised_at": document.promised_at,
        });
        let mut changed = json!({"action_id": self.action_id});
        changed[id_field] = json!(document.id);
        match &self.from {
            Some(from) => (line["from"], line["to"]) = (json!(from), json!(self.location)),
            None => {
                line["location"] = json!(self.location);
                changed["supplier"] = json!(self.supplier);
            }
        }
        changed["lines"] = json!([line]);
        let id = format!("{external_ref}-changed");
        let events = vec![self.event(id, &format!("{kind}.changed"), Duration::ZERO, changed)];
        Made { external_ref, document: Some(document), events }
    }

    fn tomorrow(&self) -> Timestamp {
        self.approved_at.unwrap_or_default().plus_days(TRANSFER_DAYS)
    }

    fn transfer(&self, number: usize, manner: Manner) -> Made {
        let id = format!("SBX-TR-{number:06}");
        let document = Document {
            kind: "transfer".to_owned(),
            id: id.clone(),
            line_id: LINE.to_owned(),
            quantity: self.quantity(manner),
            promised_at: self.promised_at(manner).or(Some(self.tomorrow())),
        };
        let placed = json!({
            "transfer_id": id, "action_id": self.action_id,
            "lines": [{
                "line_id": LINE, "sku": self.sku, "from": self.from, "to": self.location,
                "quantity": document.quantity, "promised_at": document.promised_at,
            }],
        });
        let mut events = vec![self.event(format!("{id}-placed"), "transfer.placed", Duration::ZERO, placed)];
        if let Some(after) = manner.receive_after {
            let moved = json!({"transfer_id": id, "line_id": LINE, "quantity": document.quantity});
            for (step, event_type, after) in
                [("dispatched", "transfer.dispatched", after / 2), ("received", "transfer.received", after)]
            {
                events.push(self.event(format!("{id}-{step}"), event_type, after, moved.clone()));
            }
        }
        Made { external_ref: id, document: Some(document), events }
    }

    fn custom(&self, number: usize) -> Made {
        let external_ref = format!("SBX-TASK-{number:06}");
        let confirmed = json!({"action_id": self.action_id, "external_ref": external_ref});
        let id = format!("{external_ref}-confirmed");
        let events = vec![self.event(id, "action.confirmed", Duration::ZERO, confirmed)];
        Made { external_ref, document: None, events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event;

    const RIGHT: Manner = Manner { wrong: None, receive_after: None };

    fn action(kind: &str) -> Action {
        serde_json::from_str(&format!(
            r#"{{"action_id": "act_1", "kind": "{kind}", "sku": "A", "location": "L1", "from": "DC", "supplier": "S",
                "po_id": "P", "line_id": "7", "quantity": 12.5, "arrives_at": "2026-03-05T12:00:00Z",
                "unit_cost": "1.25", "note": null, "case_id": "c", "tenant": "default",
                "approved_at": "2026-03-01T12:00:00Z"}}"#
        ))
        .unwrap()
    }

    fn types(made: &Made) -> Vec<&str> {
        made.events.iter().map(|announced| announced.event["type"].as_str().unwrap()).collect()
    }

    #[test]
    fn an_order_is_placed_and_acknowledged_in_the_tenants_time() {
        let made = action("order").carry_out(3, RIGHT);
        assert_eq!(types(&made), ["purchase_order.placed", "purchase_order.acknowledged"]);
        assert_eq!(made.external_ref, "SBX-PO-000003");
        let placed = &made.events[0].event;
        assert_eq!(
            (&placed["time"], &placed["id"]),
            (&json!("2026-03-01T12:00:00Z"), &json!("SBX-PO-000003-placed"))
        );
        assert_eq!(
            placed["data"],
            json!({
                "po_id": "SBX-PO-000003", "supplier": "S", "action_id": "act_1",
                "lines": [{"line_id": "1", "sku": "A", "location": "L1", "quantity": 12.5,
                           "promised_at": "2026-03-05T12:00:00Z", "unit_cost": "1.25"}],
            })
        );
    }

    #[test]
    fn an_expedite_of_a_transfer_changes_that() {
        let made = action("expedite").carry_out(1, RIGHT);
        assert_eq!(types(&made), ["transfer.changed"]);
        let data = &made.events[0].event["data"];
        assert_eq!((&data["transfer_id"], &data["lines"][0]["from"]), (&json!("P"), &json!("DC")));
    }

    #[test]
    fn an_expedite_changes_the_line_that_it_names() {
        let made = Action { from: None, ..action("expedite") }.carry_out(1, RIGHT);
        assert_eq!(types(&made), ["purchase_order.changed"]);
        let data = &made.events[0].event["data"];
        assert_eq!((&data["po_id"], &data["lines"][0]["line_id"]), (&json!("P"), &json!("7")));
        assert_eq!(data["lines"][0]["promised_at"], json!("2026-03-05T12:00:00Z"));
        assert_eq!(data["lines"][0]["quantity"], json!(12.5));
    }

    #[test]
    fn the_document_of_an_expedited_line_states_its_total() {
        let line_quantity = Some(Quantity::from_units(40));
        let purchase = Action { from: None, line_quantity, ..action("expedite") };
        for action in [purchase, Action { line_quantity, ..action("expedite") }] {
            assert_eq!(action.carry_out(1, RIGHT).events[0].event["data"]["lines"][0]["quantity"], json!(40));
        }
    }

    #[test]
    fn a_transfer_is_placed_and_moves_if_it_is_asked_to() {
        let manner = Manner { receive_after: Some(Duration::from_secs(10)), ..RIGHT };
        let made = action("transfer").carry_out(1, manner);
        assert_eq!(types(&made), ["transfer.placed", "transfer.dispatched", "transfer.received"]);
        let line = &made.events[0].event["data"]["lines"][0];
        assert_eq!((&line["from"], &line["to"]), (&json!("DC"), &json!("L1")));
        assert_eq!(
            made.events.iter().map(|announced| announced.after_ms).collect::<Vec<_>>(),
            [0, 5_000, 10_000]
        );
    }

    #[test]
    fn a_custom_action_is_confirmed_and_has_no_document() {
        let made = action("custom").carry_out(1, RIGHT);
        assert_eq!((types(&made), &made.document), (vec!["action.confirmed"], &None));
    }

    #[test]
    fn wrong_is_wrong_in_the_way_it_is_told_to() {
        let wrong = |kind| action("order").carry_out(1, Manner { wrong: Some(kind), ..RIGHT });
        let line = |made: Made| made.events[0].event["data"]["lines"][0].clone();
        assert_eq!(line(wrong(Wrong::Quantity))["quantity"], json!(6.25));
        assert_eq!(line(wrong(Wrong::Date))["promised_at"], json!("2026-03-12T12:00:00Z"));
        assert!(wrong(Wrong::Silence).events.is_empty() && wrong(Wrong::Silence).document.is_some());
    }

    #[test]
    fn what_lacks_something_is_told() {
        assert_eq!(action("expedite").fault(), None);
        let nowhere = Action { from: None, ..action("transfer") };
        let nothing = Action { quantity: Quantity::from_milli(0), ..action("order") };
        let unnamed = Action { line_id: None, ..action("expedite") };
        assert!([nowhere, nothing, unnamed].iter().all(|action| action.fault().is_some()));
    }

    #[test]
    fn every_event_is_one_that_a_tower_takes() {
        let manner = Manner { receive_after: Some(Duration::from_secs(1)), ..RIGHT };
        for kind in ["order", "expedite", "transfer", "custom"] {
            let purchase = Action { from: None, ..action("expedite") };
            let made = [action(kind).carry_out(1, manner), purchase.carry_out(1, manner)];
            for announced in made.into_iter().flat_map(|made| made.events) {
                let event_type = announced.event["type"].as_str().unwrap();
                let read = event::parse(event_type, &announced.event["data"].to_string());
                assert!(read.is_ok(), "{}: {:?}", announced.event, read.err());
            }
        }
    }
}
