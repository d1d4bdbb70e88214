//! What the summaries show of their things, and which cases they say there is work for.

use proptest::prelude::*;

use super::*;
use crate::domain::approval_case::testing::{action, case};
use crate::domain::approval_case::{ActionState, CaseState};
use crate::domain::exception::testing::item;
use crate::domain::exception::{AffectedSummary, ExceptionSubject, ExceptionType, Severity};
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;

/// Every field holds what its name says, or lists would be sorted and filtered by another one.
#[test]
fn columns_hold_what_their_names_say() {
    let named = |text: &str| Some(Name::from(text));
    let time = |micros: i64| Some(Timestamp::from_micros(micros));
    let mut shown = item("exc_1", ExceptionType::PurchaseLate);
    shown.severity = Severity::High;
    shown.urgency = 77;
    shown.value_at_risk = Currency::parse("EUR").map(|euro| Money::from_ten_thousandths(125_000, euro));
    shown.units_at_risk = Some(Quantity::from_units(9));
    shown.decide_by = time(1);
    shown.opened_at = Timestamp::from_micros(2);
    shown.updated_at = Timestamp::from_micros(3);
    shown.cleared_at = time(4);
    shown.sla_due_at = time(5);
    shown.confidence = Some(0.25);
    (shown.group, shown.owner, shown.team, shown.case_id) =
        (named("the group"), named("the owner"), named("the team"), named("the case_id"));
    shown.subject = ExceptionSubject {
        kind: Name::from("purchase_order"),
        sku: named("the sku"),
        location: named("the location"),
        supplier: named("the supplier"),
        po_id: named("the po_id"),
        order_id: named("the order_id"),
        transfer_id: named("the transfer_id"),
        promotion_id: named("the promotion_id"),
        action_id: named("the action_id"),
        source: named("the source"),
    };
    let affected =
        AffectedSummary { key: Name::from("the heads"), count: 1, hidden: 0, exceptions: Vec::new() };
    shown.affected = Some(Box::new(affected));
    for (at, field) in ExceptionItem::NAMES.iter().enumerate().skip(1) {
        assert_eq!(shown.name(at), Some(format!("the {field}").as_str()));
    }
    assert_eq!(shown.name(0), Some("exc_1"));
    let numbers: Vec<(&str, f64)> = ExceptionItem::NUMBERS
        .iter()
        .enumerate()
        .map(|(at, field)| (*field, shown.number(at).unwrap()))
        .collect();
    let expected = [
        ("severity", 2.0),
        ("urgency", 77.0),
        ("value_at_risk", 12.5),
        ("units_at_risk", 9.0),
        ("decide_by", 1.0),
        ("opened_at", 2.0),
        ("updated_at", 3.0),
        ("cleared_at", 4.0),
        ("sla_due_at", 5.0),
        ("confidence", 0.25),
    ];
    assert_eq!(numbers, expected);
    let facets: Vec<&str> = (0..3).map(|at| shown.facet(at)).collect();
    assert_eq!(facets, ["purchase_late", "open", "high"]);
}

const TENANTS: [TenantNumber; 2] = [TenantNumber(0), TenantNumber(1)];

fn owner(tenant: TenantNumber, id: &str) -> Arc<EntityKey> {
    Arc::new(EntityKey::ApprovalCase { tenant, case: id.into() })
}

fn ids(found: Vec<(TenantNumber, Arc<CaseEntry>)>) -> Vec<(u16, String)> {
    let mut ids: Vec<(u16, String)> =
        found.into_iter().map(|(tenant, entry)| (tenant.0, entry.item.id.to_string())).collect();
    ids.sort();
    ids
}

/// What a pass over all cases finds.
fn pass(cases: &Cases, mut wanted: impl FnMut(&CaseItem) -> bool) -> Vec<(u16, String)> {
    let of = |tenant: TenantNumber| {
        let found = cases.select(tenant, false, |entry| wanted(&entry.item));
        found.into_iter().map(move |entry| (tenant, entry)).collect::<Vec<_>>()
    };
    ids(TENANTS.into_iter().flat_map(of).collect())
}

const STATES: [CaseState; 5] =
    [CaseState::Draft, CaseState::Proposed, CaseState::Approved, CaseState::Closed, CaseState::Failed];

proptest! {
    /// However cases change, what there is work for is what a pass over all of them would find.
    #[test]
    fn the_work_is_what_a_pass_would_find(
        changes in prop::collection::vec((0..2usize, 0..8u8, 0..5usize, 0..9usize, 0..3u64, any::<bool>()), 1..200),
    ) {
        let cases = Cases::new(2);
        for (lsn, (tenant, number, state, action_state, options_facts, has_actions)) in changes.into_iter().enumerate() {
            let (tenant, id) = (TENANTS[tenant], format!("case_{number}"));
            let mut item = case(&id);
            (item.state, item.facts, item.options_facts) = (STATES[state], 2, options_facts);
            if has_actions {
                for version in 0..2 {
                    let id = format!("act_{number}_{}", lsn % 3 + version);
                    let mut action = action(&id, "A", "L", None, Quantity::from_units(1));
                    action.state = ActionState::ALL[(action_state + version) % ActionState::ALL.len()];
                    item.actions.push(action);
                }
            }
            cases.upsert(tenant, &owner(tenant, &id), item, Lsn(lsn as u64 + 1));
        }
        let lacking = pass(&cases, |item| item.wants_options().is_some());
        prop_assert_eq!(ids(cases.lacking_options()), lacking);
        use ActionState::{Dead, Pending, Sending};
        let undelivered = pass(&cases, |item| {
            item.actions.iter().any(|action| matches!(action.state, Pending | Sending | Dead))
        });
        prop_assert_eq!(ids(cases.undelivered()), undelivered);
        for tenant in TENANTS {
            for number in 0..8 {
                for version in 0..4 {
                    let action: Name = format!("act_{number}_{version}").into();
                    let found = cases.with_action(tenant, &action).map(|entry| entry.item.id.to_string());
                    let has = |entry: &CaseEntry| entry.item.actions.iter().any(|known| known.id == action);
                    let of = cases.select(tenant, true, has).first().map(|entry| entry.item.id.to_string());
                    prop_assert_eq!(found, of);
                }
            }
        }
    }
}

/// Of many cases only those are visited that there is something to do for.
#[test]
fn a_look_at_the_work_visits_no_other_case() {
    let cases = Cases::new(10);
    let tenant = TENANTS[0];
    for number in 0..20_000u64 {
        let id = format!("case_{number}");
        let mut item = case(&id);
        (item.facts, item.options_facts) = (1, u64::from(number % 10_000 != 0));
        if number % 5_000 == 1 {
            item.state = CaseState::Approved;
            item.actions.push(action(&format!("act_{number}"), "A", "L", None, Quantity::from_units(1)));
        }
        cases.upsert(tenant, &owner(tenant, &id), item, Lsn(number + 1));
    }
    let work = cases.work.lock();
    assert_eq!((work.lacking_options.len(), work.undelivered.len()), (2, 4));
    drop(work);
    assert_eq!(
        (cases.lacking_options().len(), cases.undelivered().len(), cases.open_count()),
        (2, 4, 20_000)
    );
}
