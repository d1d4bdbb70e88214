//! What a case consists of: its options and their numbers, steps, votes, tasks, actions.

use serde_json::{Value, json};

use super::decisions::{ACTION_KINDS, OUTCOMES, exception_types, subject};
use super::*;
use crate::domain::approval_case::{ActionState, OptionKind};
use crate::domain::exception::ExceptionState;

const OPTION_KINDS: [OptionKind; 10] = [
    OptionKind::DoNothing,
    OptionKind::Transfer,
    OptionKind::Expedite,
    OptionKind::Order,
    OptionKind::AlternateSource,
    OptionKind::Reallocate,
    OptionKind::Substitute,
    OptionKind::PromotionChange,
    OptionKind::CustomerNotice,
    OptionKind::Custom,
];
const ACTOR_KINDS: [&str; 5] = ["person", "rule", "solver", "agent", "system"];
const GATES: [&str; 8] =
    ["pack", "minimum_order", "lane", "calendar", "shelf_life", "arrival", "donor", "value"];
const RESULTS: [&str; 5] = ["avoided", "not_avoided", "late", "not_executed", "nothing_done"];

/// A text with an example of its own.
fn like(example: &str) -> Value {
    json!({"type": "string", "examples": [example]})
}

fn number_like(example: f64) -> Value {
    json!({"type": "number", "examples": [example]})
}

/// The status of an HTTP answer.
pub fn http_status() -> Value {
    json!({"type": "integer", "minimum": 100, "maximum": 599, "examples": [201]})
}

/// The kinds of options; `do_nothing` stands only in what the tower computes.
pub fn option_kinds() -> Value {
    words(OPTION_KINDS.map(OptionKind::as_str))
}

/// Adds the schemas of the parts.
pub fn add_to(add: &mut impl FnMut(&str, Value)) {
    add("FactChange", fact_change());
    add("OptionStep", step());
    add("RiskView", risk_view());
    add("Gate", gate());
    add("OptionNumber", option_number());
    add("OptionBasis", basis());
    add("CaseOption", option());
    add("CaseMember", member());
    add("CaseRule", rule());
    add("RequiredStep", required_step());
    add("Vote", vote());
    add("CaseTask", task());
    add("Delegation", delegation());
    add("CaseOutcome", outcome());
    add("DeliveryAttempt", attempt());
    add("ActionDocument", document());
    add("CaseAction", object(action_parts()));
}

fn fact_change() -> Value {
    object([
        about("name", like("value_at_risk"), "Which fact."),
        about("before", like("300.00 EUR"), "For people."),
        about("after", like("520.00 EUR"), "For people."),
    ])
}

fn step() -> Value {
    object([
        about("kind", words(ACTION_KINDS), "What is asked for."),
        about("sku", like("milk-1l"), "The item; empty in a custom step that is about none."),
        about(
            "location",
            like("store-12"),
            "Where it arrives; empty in a custom step that is about no place.",
        ),
        maybe("from", like("dc-north"), "Where it leaves: of a transfer, or of one that is expedited."),
        known("supplier", name()),
        maybe("po_id", name(), "What is expedited: a purchase order, or with `from` a transfer."),
        known("line_id", name()),
        about(
            "quantity",
            number_like(120.0),
            "Units; of an expedited line what is moved: what is open and not on its way.",
        ),
        maybe(
            "line_quantity",
            number_like(160.0),
            "The total of an expedited line, which its document goes on to state.",
        ),
        maybe("arrives_at", time(), "When it is expected to arrive."),
        maybe("unit_cost", like("0.8750"), "In base currency."),
        maybe("note", any_text(), "What a custom step says, for people."),
    ])
}

fn risk_view() -> Value {
    object([
        about("available", number_like(40.0), "Units that can be promised."),
        about("inventory_position", number_like(160.0), "Units available and on order."),
        about(
            "stockout_probability",
            number(0.0, 1.0),
            "The probability of a stockout within `horizon_days`, where it is greatest.",
        ),
        about("units_short", number_like(12.5), "Units expected to be short within `horizon_days`."),
        maybe("projected_stockout_at", time(), "When the expected balance falls below zero."),
        maybe("value_at_risk", component("Money"), ""),
        maybe("days_of_cover", number_like(3.2), "Days that what is available lasts at the present rate."),
        about("horizon_days", number_like(9.0), "Days from the computation on that are looked at."),
    ])
}

fn gate() -> Value {
    object([
        about("gate", words(GATES), "Which condition."),
        about("passed", boolean(), "An option with a gate that is not passed can't be chosen."),
        about("detail", like("120 in packs of 12"), "For people."),
    ])
}

fn option_number() -> Value {
    let input = object([
        about("name", like("quantity"), "Its name in the formula."),
        maybe("value", number_like(120.0), "`null` where nobody knows it."),
    ]);
    object([
        about(
            "name",
            like("cost_1"),
            "`cost`, `benefit`, `net`, `confidence`, `lead_time_days`; `cost_N` and `quantity_N` of the N-th step; \
             `stockout_probability_`, `units_short_` and `loss_` with `before:SKU@LOCATION` and `after:SKU@LOCATION`.",
        ),
        maybe("value", number_like(42.0), "`null` where an input is unknown."),
        about("unit", like("EUR"), "What it is measured in."),
        about(
            "formula",
            like("share * quantity * unit_cost"),
            "Over the names of the inputs; computing it gives the number. `/docs/cases` has the functions.",
        ),
        about("inputs", array(input), "All that the formula needs."),
    ])
}

fn basis() -> Value {
    let seen = object([
        required("sku", name()),
        required("location", name()),
        about("lsn", lsn(), "The highest record that it showed."),
    ]);
    object([
        about("computed_at", time(), "Business time."),
        about("facts", count(), "The version of the case's facts."),
        about("inputs", array(seen), "Each SKU-location that was looked at."),
    ])
}

fn option() -> Value {
    let effect = object([
        required("sku", name()),
        required("location", name()),
        about_ref("before", "RiskView"),
        about_ref("after", "RiskView"),
    ]);
    object([
        about("id", like("order_3f6a12bc90de"), "The same when it is computed again."),
        about("kind", option_kinds(), "What kind of thing it does."),
        about("title", like("Order 120 from dairy-co, arrives 5 March"), "For people."),
        maybe("cost", component("Money"), ""),
        maybe("benefit", component("Money"), ""),
        maybe("net", component("Money"), ""),
        maybe("confidence", number(0.0, 1.0), "The probability that no place in trouble stocks out with it."),
        maybe("lead_time_days", number_like(3.0), "Days until the last arrival."),
        about("effects", array(effect), "What it does to each SKU-location that it concerns."),
        about(
            "hidden",
            count(),
            "How many places that it touches are left out, because they are outside the reader's scope: it takes \
             somebody who sees them to choose or approve it.",
        ),
        about(
            "touches",
            json!({"type": "array", "items": any_text(), "examples": [["dairy-co"]]}),
            "Suppliers, documents and lanes, for people.",
        ),
        about_ref("basis", "OptionBasis"),
        about(
            "recommended",
            boolean(),
            "The best of those that pass every gate; of all options exactly one.",
        ),
        about("gates", array(component("Gate")), "What it must meet to be carried out."),
        about("steps", array(component("OptionStep")), "What is carried out if it is approved."),
        maybe("edited_by", like("ann"), "Who made or edited it; `null` for one that the tower computed."),
        about(
            "editors",
            json!({"type": "array", "items": any_text(), "examples": [["ann"]]}),
            "Everyone who made or edited it, or what it was made from: none of them may approve it.",
        ),
        about("explanation", array(component("OptionNumber")), "How each number came about."),
    ])
}

/// A member that is another component, which has its own description.
fn about_ref(name: &'static str, of: &str) -> Member {
    required(name, component(of))
}

fn entity() -> Value {
    object([
        about("kind", words(["sku_location", "supplier", "subject", "approval_case"]), "What it is."),
        about("tenant", count(), "The number of the tenant."),
        optional("sku", name()),
        optional("location", name()),
        optional("supplier", name()),
        optional("subject", any_text()),
        optional("id", any_text()),
        optional("case", any_text()),
    ])
}

fn member() -> Value {
    let place = object([required("sku", name()), required("location", name())]);
    object([
        required("id", id("exc_5d0c1f7a9b3e4c218d60")),
        about("entity", entity(), "Whose it is."),
        about("type", exception_types(), "What is wrong."),
        about("subject", subject(), "What it is about."),
        about(
            "state",
            words(ExceptionState::ALL.map(ExceptionState::as_str)),
            "As far as the case has heard.",
        ),
        maybe("value_at_risk", component("Money"), ""),
        maybe("units_at_risk", any_number(), "Ranks what has no price."),
        maybe("from", time(), "From when on it bites."),
        maybe("decide_by", time(), "The last moment at which the fastest remedy still arrives in time."),
        maybe("group", like("purchase_order:po-2001"), "The key of the cause that it is grouped under."),
        maybe("affected_key", like("purchase_order:po-2001"), "The key of what is grouped under it."),
        about("affected", count(), "How many are grouped under it."),
        about("places", array(place), "The SKU-locations that it is about or leads to."),
        about("claimed_at", time(), "Business time."),
        about("confirmed", boolean(), "Whether its entity has answered that this case decides about it."),
        maybe("let_go", count(), "The revision since which the case does not hold it any more."),
        maybe("ended", any_text(), "Why it is over."),
    ])
}

/// The rule that says which approvals are required.
fn rule() -> Value {
    object([
        about("id", like("role_per_kind_of_action"), "Its name."),
        about("version", like("1"), "Its version."),
    ])
}

fn required_step() -> Value {
    object([
        about("step", json!({"type": "integer", "minimum": 1}), "From 1."),
        about("role", like("supply_planner"), "The role that approves it."),
        about("quorum", count(), "Persons that it takes."),
        about("granted", count(), "Persons who have approved it."),
        maybe("deadline", time(), "Until when; then the case expires."),
    ])
}

fn vote() -> Value {
    object([
        about("by", like("bob"), "Who."),
        about("role", like("supply_planner"), "In which role."),
        about("step", json!({"type": "integer", "minimum": 1}), "For which of the required steps."),
        about("approves", boolean(), "For it or against it."),
        maybe("comment", any_text(), "What was said with it."),
        about("at", time(), "Business time."),
        about("version", count(), "The version that it was given for."),
        about("void", boolean(), "Whether facts have moved since: then it does not count."),
        maybe("on_behalf_of", like("cleo"), "Who had lent the vote."),
    ])
}

fn task() -> Value {
    object([
        required("id", id("task_1")),
        about("title", like("Call the carrier"), "What is to be done."),
        maybe("assignee", like("ann"), "By whom."),
        maybe("due_at", time(), "Until when."),
        about("blocking", boolean(), "Whether nothing is carried out before it is done."),
        maybe("done_at", time(), "Business time."),
        maybe("done_by", like("ann"), "Who did it."),
    ])
}

fn delegation() -> Value {
    object([
        about("from", like("cleo"), "Who lends the vote."),
        about("to", like("bob"), "Who votes instead."),
        about("roles", array(like("supply_planner")), "The roles that are lent."),
        about("at", time(), "Business time."),
        about("until", time(), "Until when."),
        maybe("reason", any_text(), "Why."),
    ])
}

fn outcome() -> Value {
    object([
        about("result", words(RESULTS), "What came of it."),
        about("detail", any_text(), "For people."),
        about("at", time(), "Business time."),
        maybe("expected_cost", component("Money"), ""),
        maybe("expected_benefit", component("Money"), ""),
    ])
}

fn attempt() -> Value {
    object([
        about("attempt", json!({"type": "integer", "minimum": 1}), "From 1."),
        about("started_at", time(), "Business time."),
        maybe("finished_at", time(), "Business time; `null` while it is not known what became of it."),
        about("outcome", words(OUTCOMES), "What became of it; `unknown` while that is not known."),
        maybe("status", http_status(), "Of the HTTP answer."),
        maybe("detail", any_text(), "For people."),
    ])
}

fn document() -> Value {
    object([
        about("kind", words(["purchase_order", "transfer"]), "What came back."),
        about("id", like("po-2001"), "The document's own id."),
        maybe("quantity", number_like(120.0), "Units."),
        maybe("promised_at", time(), "When it was promised for."),
        about("lsn", lsn(), "The record of its first event."),
        about("received", number_like(0.0), "Units that have arrived of it."),
        about(
            "also",
            json!({"type": "array", "items": any_text(), "examples": [[]]}),
            "Further documents that carry the same action's id: there should be none.",
        ),
    ])
}

/// An action as its case shows it.
pub fn action_parts() -> Vec<Member> {
    vec![
        required("id", id("act_5d0c1f7a9b3e4c218d60")),
        about("kind", words(ACTION_KINDS), "What is asked for."),
        about("state", words(ActionState::ALL.map(ActionState::as_str)), "How far it is."),
        about("target", like("erp"), "The system of record."),
        about_ref("step", "OptionStep"),
        about("attempts", array(component("DeliveryAttempt")), "The last ones."),
        about("attempt_count", count(), "Attempts in all."),
        maybe("next_attempt_at", time(), "Not before this."),
        about("approved_at", time(), "Business time."),
        maybe("delivered_at", time(), "When the target took it."),
        about("expires_at", time(), "Until when it is waited for confirmation or document."),
        about(
            "late",
            boolean(),
            "Whether it was answered after it had expired, and so was done all the same.",
        ),
        maybe("external_ref", like("PO-1"), "What the system of record calls it."),
        maybe("document", component("ActionDocument"), ""),
        maybe("error", any_text(), "What went wrong last."),
    ]
}

/// Who chose an option.
pub fn proposed_by() -> Value {
    object([
        about("kind", words(ACTOR_KINDS), "What kind of principal."),
        about("id", like("ann"), "The principal."),
        maybe("version", any_text(), "Of a rule or a solver."),
        maybe("confidence", number(0.0, 1.0), "That of the option when it was chosen."),
    ])
}
