//! Actions: who hears of their answers and of the documents that carry their ids.

use super::*;
use crate::domain::approval_case::testing::{action, case};
use crate::domain::approval_case::{CaseChange, CaseTransition};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Transition, TransitionBody};

#[test]
fn the_answer_to_an_action_reaches_everyone_whom_its_document_concerns() {
    let mut house = House::new(ROOMY).described();
    let lines = json!([
        {"line_id": "1", "sku": "A", "location": "L1", "quantity": 1},
        {"line_id": "2", "sku": "B", "location": "L2", "quantity": 1},
    ]);
    let order = |lines: Value| json!({"po_id": "P", "supplier": "S", "action_id": "act", "lines": lines});
    house.hears("purchase_order.placed", order(lines));
    let everyone = [place("A", "L1"), place("B", "L2")];
    let heard = house.hears("action.confirmed", json!({"action_id": "act"}));
    assert_eq!(heard, everyone.clone().map(|key| (key, house.lsn)));
    house.hears("purchase_order.acknowledged", order(json!([{"line_id": "1", "quantity": 1}])));
    let heard = house.hears("action.refused", json!({"action_id": "act"}));
    assert_eq!(heard, everyone.map(|key| (key, house.lsn)), "though the last step named one line");
    assert_eq!(house.hears("action.refused", json!({"action_id": "unknown"})), []);
}

/// A case that asked for an action: to bring A to L1.
fn that_asked(lsn: u64, action_id: &str) -> Arc<Record> {
    let mut item = case("case_1");
    item.actions.push(action(action_id, "A", "L1", None, Quantity::from_units(5)));
    let change = CaseTransition { kind: CaseChange::Approved, item, claims: Vec::new() };
    let transition = Transition::Case(Box::new(change));
    record(lsn, Body::Transition(Box::new(TransitionBody { entity: case_key(), transition })))
}

#[test]
fn a_document_that_answers_an_action_is_heard_of_line_by_line_and_by_its_case() {
    let mut house = House::new(ROOMY).described();
    house.hears("pos.sale", sale("A", "L1"));
    house.take(&that_asked(house.lsn + 1, "act"));
    let (a, b) = (place("A", "L1"), place("B", "L2"));
    let heard = |house: &mut House, kind: &str, data: Value| {
        let mut whom: Vec<EntityKey> = house.hears(kind, data).into_iter().map(|(key, _)| key).collect();
        whom.sort();
        whom
    };
    let of = |keys: &[&EntityKey]| {
        let mut keys: Vec<EntityKey> =
            keys.iter().copied().chain([&case_key(), &supplier("S")]).cloned().collect();
        keys.sort();
        keys
    };
    let order = |lines: Value| json!({"po_id": "P", "supplier": "S", "action_id": "act", "lines": lines});
    let placed = json!([
        {"line_id": "1", "sku": "A", "location": "L1", "quantity": 5},
        {"line_id": "2", "sku": "B", "location": "L2", "quantity": 3},
    ]);
    assert_eq!(heard(&mut house, "purchase_order.placed", order(placed)), of(&[&a, &b]));
    // From here on no event says where its line is.
    for (line, here) in [("1", &a), ("2", &b)] {
        let stated = json!({"po_id": "P", "lines": [{"line_id": line, "quantity": 4}]});
        assert_eq!(heard(&mut house, "purchase_order.acknowledged", stated), of(&[here]));
        let received = json!({"po_id": "P", "line_id": line, "quantity": 1});
        assert_eq!(heard(&mut house, "purchase_order.received", received), of(&[here]));
        let cancelled = json!({"po_id": "P", "line_id": line});
        assert_eq!(heard(&mut house, "purchase_order.cancelled", cancelled), of(&[here]));
    }
    // With the action's id those hear of it that may hold something for it, and not the other line's place.
    let again = order(json!([{"line_id": "1", "quantity": 4}]));
    assert_eq!(heard(&mut house, "purchase_order.acknowledged", again), of(&[&a]));
    let mut answered = vec![a.clone(), case_key()];
    answered.sort();
    assert_eq!(heard(&mut house, "action.confirmed", json!({"action_id": "act"})), answered);
}
