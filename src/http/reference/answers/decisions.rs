//! Exceptions and cases.

use serde_json::{Value, json};

use super::*;
use crate::domain::approval_case::{ActionState, CaseState};
use crate::domain::exception::{ExceptionState, ExceptionType, Severity};

/// Every severity.
pub const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// The types of exceptions, own ones included.
pub fn exception_types() -> Value {
    let built_in = words(ExceptionType::BUILT_IN.iter().map(ExceptionType::as_str));
    let own = json!({
        "type": "string", "pattern": "^custom\\..", "description": "One that the configuration defines.",
    });
    json!({"anyOf": [built_in, own]})
}

/// What an exception or a case is about.
pub fn subject() -> Value {
    object([
        about(
            "kind",
            any_text(),
            "`sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, \
             `source` or `action`.",
        ),
        known("sku", name()),
        known("location", name()),
        known("supplier", name()),
        known("po_id", name()),
        known("order_id", name()),
        known("transfer_id", name()),
        known("promotion_id", name()),
        known("action_id", name()),
        maybe("source", any_text(), "Who sends events, as the `source` of CloudEvents."),
    ])
}

pub fn exception() -> Vec<Member> {
    let window = object([known("from", time()), known("until", time())]);
    vec![
        about("id", id("exc_5d0c1f7a9b3e4c218d60"), "The same for as long as the exception lives."),
        about("type", exception_types(), "What is wrong."),
        about("state", words(ExceptionState::ALL.map(ExceptionState::as_str)), "How far it is."),
        about("severity", words(SEVERITIES.map(Severity::as_str)), "How bad it is, apart from how soon."),
        about("urgency", integer(0, 100), "How soon something must be done."),
        maybe("value_at_risk", component("Money"), ""),
        maybe("units_at_risk", any_number(), "Ranks what has no price."),
        maybe(
            "decide_by",
            time(),
            "The last moment at which the fastest remedy still arrives in time; may be past; `null` without remedy.",
        ),
        about("subject", subject(), "What it is about; what does not apply is `null`."),
        about("opened_at", time(), "Business time."),
        about("updated_at", time(), "Business time."),
        maybe("cleared_at", time(), "When it went away by itself."),
        maybe("window", window, "The time in which it bites."),
        maybe("cause", any_text(), "Why, in words."),
        known("confidence", number(0.0, 1.0)),
        about("evidence", array(component("Evidence")), "The events that led here."),
        maybe("case_id", any_text(), "The case that deals with it."),
        maybe("owner", any_text(), "Who takes care of it."),
        maybe("team", any_text(), "Whose queue it stands in."),
        maybe("sla_due_at", time(), "Until when it must be acknowledged or, after that, decided."),
        about("revision", count(), "Rises with each change."),
        maybe("queue", any_text(), "The queue that it stands in."),
        about("escalation_level", count(), "How often nobody picked it up in time."),
        maybe("snoozed_until", time(), "Until when it is put off."),
        about("team_by_hand", boolean(), "A person gave it to its team."),
        maybe("resolution", any_text(), "Why it was dismissed."),
        about("reopened", count(), "How often it came back within its quiet time."),
        maybe("group", any_text(), "The key of the cause that it is grouped under."),
        maybe("affected", component("Affected"), ""),
        about("comments", array(comment()), "The last ones."),
        about("lsn", lsn(), "The record that last changed it."),
    ]
}

/// An event that led to an exception.
pub fn evidence() -> Value {
    object([
        about("source", any_text(), "`source` of the event."),
        about("id", any_text(), "`id` of the event."),
        about("type", any_text(), "Its type."),
        required("time", time()),
        about("lsn", lsn(), "Its record."),
    ])
}

/// What is grouped under an exception.
pub fn affected() -> Value {
    object([
        about("key", any_text(), "What `group` of the affected ones says."),
        about("count", count(), "How many there are."),
        about(
            "hidden",
            count(),
            "How many of `exceptions` are left out, because they are outside the reader's scope.",
        ),
        about("exceptions", array(affected_one()), "The first ones by value."),
    ])
}

fn comment() -> Value {
    object([
        about("at", time(), "When it was said."),
        about("by", any_text(), "By whom."),
        about("text", any_text(), "What was said."),
    ])
}

fn affected_one() -> Value {
    object([
        required("id", id("exc_0b1c2d3e4f5a6b7c8d9e")),
        about("type", exception_types(), "What is wrong."),
        about("subject", subject(), "What it is about."),
        maybe("value_at_risk", component("Money"), ""),
        maybe("units_at_risk", any_number(), "Ranks what has no price."),
        maybe("decide_by", time(), "The last moment at which the fastest remedy still arrives in time."),
        maybe(
            "act_by",
            time(),
            "What its urgency is measured against: `decide_by`, or when it begins where nothing helps.",
        ),
    ])
}

/// A case; its parts are components of their own.
pub fn case() -> Vec<Member> {
    let entry = object([
        about("at", time(), "Business time."),
        about("by", any_text(), "By whom; `tower` for what the tower did."),
        about("kind", any_text(), "The change's kind, as in the feed's frame."),
        about("detail", any_text(), "For people."),
    ]);
    let made = object([
        about("version", count(), "Which one."),
        about("changes", array(component("FactChange")), "What made it."),
    ]);
    vec![
        required("id", id("case_5d0c1f7a9b3e4c218d60")),
        about("kind", words(CASE_KINDS), "What it is about."),
        about("state", words(CaseState::ALL.map(CaseState::as_str)), "How far it is."),
        about("version", count(), "Rises when options, choice or facts change: what commands name."),
        about("title", any_text(), "For people."),
        about("subjects", array(subject()), "What it is about."),
        about("exceptions", array(any_text()), "Ids of the exceptions that one decision solves."),
        maybe("value_at_risk", component("Money"), ""),
        maybe("decide_by", time(), "The earliest of its exceptions."),
        about("options", array(component("CaseOption")), "The ways to decide, costed."),
        maybe("chosen_option", any_text(), "The id of the option."),
        maybe("proposed_by", case_parts::proposed_by(), "Who chose it."),
        maybe("rule", component("CaseRule"), ""),
        about("required", array(component("RequiredStep")), "The approvals that are required."),
        about("votes", array(component("Vote")), "Those that were given."),
        about("tasks", array(component("CaseTask")), "What is to be done beside the decision."),
        about("actions", array(component("CaseAction")), "What is carried out."),
        about("timeline", array(entry), "What happened, the last entries."),
        about("comments", array(comment()), "What was said, the last comments."),
        maybe("outcome", component("CaseOutcome"), ""),
        maybe("team", any_text(), "Whose queue it stands in."),
        maybe("owner", any_text(), "Who takes care of it."),
        about("opened_at", time(), "Business time."),
        about("updated_at", time(), "Business time."),
        maybe("closed_at", time(), "Business time."),
        about(
            "changed_since",
            array(component("FactChange")),
            "What changed since the version that votes were given for.",
        ),
        maybe("merged_into", any_text(), "The case that this one was merged into."),
        about("facts", count(), "The version of the facts alone: options are computed for one."),
        about("options_facts", count(), "The facts that the options were computed for; 0 before the first."),
        maybe("facts_value", component("Money"), ""),
        maybe("facts_units", any_number(), "What was at risk in units as of those facts."),
        about(
            "members",
            array(component("CaseMember")),
            "Its exceptions, as far as the decision goes by them.",
        ),
        about("delegations", array(component("Delegation")), "Who votes instead of whom, until when."),
        about("version_changes", array(made), "What made the last versions."),
        maybe("approved_at", time(), "Business time."),
        maybe("decide_due_at", time(), "Until when an option must be chosen; then it is escalated."),
        about("escalation_level", count(), "How often nobody chose one in time."),
        about("titled_by_hand", boolean(), "Whether a person gave the title."),
        about("lsn", lsn(), "The record that last changed it."),
    ]
}

/// An action, with its case.
pub fn action() -> Vec<Member> {
    let mut members = case_parts::action_parts();
    members.push(about("case_id", any_text(), "The case that it belongs to."));
    members.push(about("lsn", lsn(), "The record that last changed its case."));
    members
}

/// What a case can be about.
pub const CASE_KINDS: [&str; 6] = ["shortage", "supply", "excess", "demand", "data", "manual"];
/// What a system of record can be asked for.
pub const ACTION_KINDS: [&str; 4] = ["order", "expedite", "transfer", "custom"];
/// What can become of an attempt.
pub const OUTCOMES: [&str; 4] = ["unknown", "delivered", "failed", "refused"];

/// An attempt to deliver an action.
pub fn delivery() -> Value {
    object([
        required("id", id("act_5d0c1f7a9b3e4c218d60-000001")),
        about("action_id", any_text(), "The action."),
        about("case_id", any_text(), "Its case."),
        about("kind", words(ACTION_KINDS), "What is asked for."),
        about("target", any_text(), "The system of record."),
        about("attempt", count(), "From 1."),
        about("outcome", words(OUTCOMES), "What became of it; `unknown` while that is not known."),
        maybe("status", case_parts::http_status(), "Of the HTTP answer."),
        maybe("detail", any_text(), "For people."),
        about("started_at", time(), "Business time."),
        maybe("finished_at", time(), "Business time."),
        about("action_state", words(ActionState::ALL.map(ActionState::as_str)), "How far the action is."),
        about("lsn", lsn(), "The record that last changed its case."),
    ])
}
