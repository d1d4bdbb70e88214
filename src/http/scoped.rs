//! Items as a principal sees them: without what they tell of places outside its scope.
//!
//! Whoever sees one end of a movement may know the name of the other one, as with transfers. What is left out are the
//! numbers of such a place (stock, risk, reorder point), what would be done there alone, and exceptions about it. How
//! much was left out stands in `hidden`.

use std::borrow::Cow;
use std::sync::Arc;

use super::visibility::{sees_case, sees_location, sees_sku_location};
use crate::auth::Principal;
use crate::domain::approval_case::{ActionKind, CaseItem, CaseOption, OptionStep};
use crate::domain::exception::{AffectedSummary, ExceptionItem};
use crate::domain::reference::TenantReference;
use crate::runtime::summaries::{CaseEntry, ExceptionEntry};

/// What stands for the detail of a gate that tells of a place outside the scope.
const OUTSIDE: &str = "a place outside your scope";
/// The title of an option whose own one tells of a step that is left out.
const TITLE_OUTSIDE: &str = "An option for places outside your scope";

/// Whether every place at which a step changes something is inside the principal's scope.
pub fn sees_step(principal: &Principal, tenant: &TenantReference, step: &OptionStep) -> bool {
    ends(step).all(|place| sees_place(principal, tenant, &step.sku, place))
}

/// Whether every place at which an option does something is inside the principal's scope: whoever chooses or approves it
/// decides about all of them.
pub fn sees_option(principal: &Principal, tenant: &TenantReference, option: &CaseOption) -> bool {
    option.steps.iter().all(|step| sees_step(principal, tenant, step))
}

/// Whether an option can be shown as it is.
fn sees_all(principal: &Principal, tenant: &TenantReference, option: &CaseOption) -> bool {
    sees_option(principal, tenant, option)
        && option.effects.iter().all(|effect| sees_place(principal, tenant, &effect.sku, &effect.location))
}

/// The places of a step that are named.
fn ends(step: &OptionStep) -> impl Iterator<Item = &str> {
    let named = std::iter::once(&step.location).chain(&step.from).map(|name| name.as_str());
    named.filter(|name| !name.is_empty())
}

/// A place of an item, or the place alone where words are about no item.
fn sees_place(principal: &Principal, tenant: &TenantReference, sku: &str, location: &str) -> bool {
    match sku {
        "" => sees_location(principal, tenant, location),
        sku => sees_sku_location(principal, tenant, sku, location),
    }
}

/// An exception without the affected ones that are outside the principal's scope.
pub fn exception_for<'a>(
    principal: &Principal,
    tenant: &TenantReference,
    item: &'a ExceptionItem,
) -> Cow<'a, ExceptionItem> {
    let sees = |affected: &crate::domain::exception::AffectedException| {
        super::visibility::sees_subject(principal, tenant, &affected.subject)
    };
    let unrestricted = principal.scope.is_unrestricted();
    let Some(affected) = item.affected.as_ref().filter(|_| !unrestricted) else {
        return Cow::Borrowed(item);
    };
    if affected.exceptions.iter().all(sees) {
        return Cow::Borrowed(item);
    }
    let shown: Vec<_> = affected.exceptions.iter().filter(|one| sees(one)).cloned().collect();
    let hidden = u32::try_from(affected.exceptions.len() - shown.len()).unwrap_or(u32::MAX);
    let summary =
        AffectedSummary { key: affected.key.clone(), count: affected.count, hidden, exceptions: shown };
    Cow::Owned(ExceptionItem { affected: Some(Box::new(summary)), ..item.clone() })
}

/// A case without the numbers of places outside the principal's scope.
pub fn case_for<'a>(
    principal: &Principal,
    tenant: &TenantReference,
    item: &'a CaseItem,
) -> Cow<'a, CaseItem> {
    let sees = |sku: &str, location: &str| sees_place(principal, tenant, sku, location);
    let is_whole = || {
        item.options.iter().all(|option| sees_all(principal, tenant, option))
            && item.actions.iter().all(|action| sees_step(principal, tenant, &action.step))
            && item.members.iter().flat_map(|member| &member.places).all(|at| sees(&at.sku, &at.location))
    };
    if principal.scope.is_unrestricted() || is_whole() {
        return Cow::Borrowed(item);
    }
    let mut item = item.clone();
    for option in &mut item.options {
        reduce(principal, tenant, option);
    }
    item.actions.retain(|action| sees_an_end(principal, tenant, &action.step));
    for member in &mut item.members {
        member.places.retain(|place| sees(&place.sku, &place.location));
    }
    Cow::Owned(item)
}

fn sees_an_end(principal: &Principal, tenant: &TenantReference, step: &OptionStep) -> bool {
    let mut ends = ends(step).peekable();
    ends.peek().is_none() || ends.any(|place| sees_place(principal, tenant, &step.sku, place))
}

/// Leaves out of an option what it says of places outside the scope.
fn reduce(principal: &Principal, tenant: &TenantReference, option: &mut CaseOption) {
    if sees_all(principal, tenant, option) {
        return;
    }
    let sees = |sku: &str, location: &str| sees_place(principal, tenant, sku, location);
    let mut hidden: Vec<(String, String)> = Vec::new();
    let mut hide = |sku: &str, location: &str| {
        let place = (sku.to_owned(), location.to_owned());
        if !sees(sku, location) && !hidden.contains(&place) {
            hidden.push(place);
        }
    };
    for effect in &option.effects {
        hide(&effect.sku, &effect.location);
    }
    for step in &option.steps {
        ends(step).for_each(|place| hide(&step.sku, place));
    }
    option.hidden = u32::try_from(hidden.len()).unwrap_or(u32::MAX);
    option.effects.retain(|effect| sees(&effect.sku, &effect.location));
    option.basis.inputs.retain(|input| sees(&input.sku, &input.location));
    // What it costs to bring something to a place tells its price and how fast it sells there.
    let costs_outside: Vec<String> = (1..)
        .zip(&option.steps)
        .filter(|(_, step)| !step.location.is_empty() && !sees(&step.sku, &step.location))
        .map(|(at, _)| format!("cost_{at}"))
        .collect();
    let arrives_outside = !costs_outside.is_empty();
    let is_elsewhere = |step: &OptionStep| !sees_an_end(principal, tenant, step);
    let leaves_outside = option
        .steps
        .iter()
        .filter(|step| step.kind == ActionKind::Transfer)
        .any(|step| step.from.as_ref().is_some_and(|from| !sees(&step.sku, from)));
    for gate in &mut option.gates {
        let tells = match gate.gate.as_str() {
            "donor" => leaves_outside,
            "arrival" | "shelf_life" | "pack" | "minimum_order" | "calendar" => arrives_outside,
            "lane" => option.steps.iter().any(is_elsewhere),
            _ => false,
        };
        if tells {
            OUTSIDE.clone_into(&mut gate.detail);
        }
    }
    let of_hidden: Vec<String> = hidden.iter().map(|(sku, location)| format!(":{sku}@{location}")).collect();
    let is_hidden = |name: &str| {
        // The benefit adds up the losses of all places; the quantity tells the stock where it arrives.
        let adds_up = name == "benefit" || arrives_outside && name.starts_with("quantity_");
        adds_up
            || costs_outside.iter().any(|cost| cost == name)
            || of_hidden.iter().any(|place| name.ends_with(place.as_str()))
    };
    option.explanation.retain(|number| !is_hidden(&number.name));
    for number in &mut option.explanation {
        number.inputs.retain(|input| !is_hidden(&input.name));
    }
    // A title tells of the only step, or of the first one.
    if option.steps.first().is_some_and(is_elsewhere) {
        TITLE_OUTSIDE.clone_into(&mut option.title);
    }
    let touched: Vec<_> = option.steps.iter().filter(|step| is_elsewhere(step)).cloned().collect();
    option.steps.retain(|step| !is_elsewhere(step));
    let kept = |name: &str| option.steps.iter().any(|step| names(step, name));
    option.touches.retain(|name| kept(name) || !touched.iter().any(|step| names(step, name)));
}

/// Whether an option names that because of the step.
fn names(step: &OptionStep, name: &str) -> bool {
    let named = step.supplier.iter().chain(&step.po_id).chain(&step.from);
    named.chain(std::iter::once(&step.location)).any(|known| known == name)
}

/// The entry of an exception as the principal sees it.
pub fn exception_entry_for(
    principal: &Principal,
    tenant: &TenantReference,
    entry: Arc<ExceptionEntry>,
) -> Arc<ExceptionEntry> {
    match exception_for(principal, tenant, &entry.item) {
        Cow::Borrowed(_) => entry,
        Cow::Owned(item) => {
            Arc::new(ExceptionEntry { item: item.into(), lsn: entry.lsn, entity: entry.entity.clone() })
        }
    }
}

/// The entry of a case as the principal sees it; `None` if it does not.
pub fn case_entry_for(
    principal: &Principal,
    tenant: &TenantReference,
    entry: Arc<CaseEntry>,
) -> Option<Arc<CaseEntry>> {
    if !sees_case(principal, tenant, &entry.item) {
        return None;
    }
    Some(match case_for(principal, tenant, &entry.item) {
        Cow::Borrowed(_) => entry,
        Cow::Owned(item) => {
            Arc::new(CaseEntry { item: item.into(), lsn: entry.lsn, entity: entry.entity.clone() })
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::Scope;
    use crate::domain::exception::{AffectedException, ExceptionSubject, ExceptionType, testing};
    use crate::domain::ids::TenantNumber;
    use crate::domain::money::Currency;
    use crate::domain::record::{Body, ClockKind, Record, SystemBody};
    use crate::domain::reference::Reference;
    use crate::domain::sku_location::testing::record;

    /// A tenant that nobody has told anything.
    fn declared() -> Reference {
        let declared = SystemBody::TenantDeclared {
            name: "default".into(),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: "UTC".into(),
        };
        let mut reference = Reference::default();
        reference.apply(&Record { body: Body::System(Box::new(declared)), ..record(0) });
        reference
    }

    fn affected(id: &str, location: &str) -> AffectedException {
        AffectedException {
            id: id.into(),
            exception_type: ExceptionType::ShortageNow,
            subject: ExceptionSubject::sku_location(&"A".into(), &location.into()),
            value_at_risk: None,
            units_at_risk: None,
            decide_by: None,
            act_by: None,
        }
    }

    #[test]
    fn affected_ones_elsewhere_are_left_out_and_counted() {
        let reference = declared();
        let tenant = reference.tenant(TenantNumber(0)).unwrap();
        let mut item = testing::item("x", ExceptionType::ShortageNow);
        let exceptions = vec![affected("a", "S1"), affected("b", "S2"), affected("c", "S3")];
        item.affected = Some(Box::new(AffectedSummary { key: "k".into(), count: 30, hidden: 0, exceptions }));
        let shown = |scope: &[&str]| {
            let scope = Scope::parse(scope).unwrap();
            let principal = Principal { scope, ..Principal::dev() };
            let shown = exception_for(&principal, tenant, &item).into_owned().affected.unwrap();
            let ids: Vec<String> = shown.exceptions.iter().map(|one| one.id.to_string()).collect();
            (ids.join(" "), shown.hidden, shown.count)
        };
        assert_eq!(shown(&[]), ("a b c".into(), 0, 30));
        assert_eq!(shown(&["location=S1", "location=S2", "location=S3"]), ("a b c".into(), 0, 30));
        assert_eq!(shown(&["location=S2"]), ("b".into(), 2, 30));
        assert_eq!(shown(&["location=S9"]), (String::new(), 3, 30));
    }

    fn step(location: &str, supplier: &str) -> OptionStep {
        let action = crate::domain::approval_case::testing::action(
            "a",
            "A",
            location,
            None,
            crate::domain::sku_location::testing::units(5),
        );
        OptionStep { supplier: Some(supplier.into()), ..action.step }
    }

    /// An order for these places, told as the tower tells it.
    fn order(locations: &[&str]) -> CaseOption {
        let number = |name: String, inputs: &[&str]| {
            let inputs: Vec<_> = inputs.iter().map(|name| json!({"name": name, "value": 7.0})).collect();
            json!({"name": name, "value": 7.0, "unit": "EUR", "formula": "", "inputs": inputs})
        };
        let costs = (1..=locations.len()).map(|at| number(format!("cost_{at}"), &["unit_cost"]));
        let total = [
            number("cost".into(), &["cost_1", "cost_2"][..locations.len()]),
            number("net".into(), &["benefit", "cost"]),
        ];
        let gates: Vec<_> = ["pack", "minimum_order", "calendar", "lane", "value"]
            .iter()
            .map(|gate| json!({"gate": gate, "passed": true, "detail": "5 of at least 2"}))
            .collect();
        let steps: Vec<_> = (1..).zip(locations).map(|(at, place)| step(place, &format!("V{at}"))).collect();
        let option = json!({"id": "order", "kind": "order", "title": "Order 5 from V1", "effects": [],
            "touches": [], "basis": {"computed_at": "2026-03-01T00:00:00Z", "facts": 1, "inputs": []}, "recommended": false,
            "gates": gates, "steps": [], "explanation": costs.chain(total).collect::<Vec<_>>()});
        CaseOption { steps, ..serde_json::from_str(&option.to_string()).unwrap() }
    }

    #[test]
    fn an_option_tells_nothing_of_a_step_that_is_left_out() {
        let reference = declared();
        let tenant = reference.tenant(TenantNumber(0)).unwrap();
        let scope = Scope::parse(&["location=S1"]).unwrap();
        let principal = Principal { scope, ..Principal::dev() };
        let shown = |locations: &[&str]| {
            let mut option = order(locations);
            reduce(&principal, tenant, &mut option);
            let told: Vec<String> = option
                .explanation
                .iter()
                .map(|number| {
                    let inputs: Vec<&str> = number.inputs.iter().map(|input| input.name.as_str()).collect();
                    format!("{}({})", number.name, inputs.join(" "))
                })
                .collect();
            let open =
                option.gates.iter().filter(|gate| gate.detail != OUTSIDE).map(|gate| gate.gate.as_str());
            let open = open.collect::<Vec<_>>().join(" ");
            (option.title.clone(), option.steps.len(), told.join(" "), open)
        };
        let row = |title: &str, steps: usize, told: &str, open: &str| {
            (title.to_owned(), steps, told.to_owned(), open.to_owned())
        };
        let every = "pack minimum_order calendar lane value";
        let whole = "cost_1(unit_cost) cost(cost_1) net(benefit cost)";
        assert_eq!(shown(&["S1"]), row("Order 5 from V1", 1, whole, every));
        assert_eq!(shown(&["S2"]), row(TITLE_OUTSIDE, 0, "cost() net(cost)", "value"));
        let second = "cost_1(unit_cost) cost(cost_1) net(cost)";
        assert_eq!(shown(&["S1", "S2"]), row("Order 5 from V1", 1, second, "value"));
        let first = "cost_2(unit_cost) cost(cost_2) net(cost)";
        assert_eq!(shown(&["S2", "S1"]), row(TITLE_OUTSIDE, 1, first, "value"));
    }
}
