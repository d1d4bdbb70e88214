//! The bodies of commands, and the answer to a bulk one.

use serde_json::{Map, Value, json};

use super::*;
use crate::http::command_body::TEXT_CHARACTERS_MAX;

/// The version that whoever asks has decided on.
fn version(is_required: bool) -> Member {
    let schema = json!({
        "type": "integer", "minimum": 0,
        "description": "The version that was decided on (of an exception its `revision`); `409` if it is not current.",
    });
    if is_required { required("version", schema) } else { optional("version", schema) }
}

fn long_text() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS_MAX})
}

fn said(key: &'static str, about: &str) -> Member {
    let mut schema = long_text();
    schema["description"] = about.into();
    optional(key, schema)
}

fn must(key: &'static str, mut schema: Value, about: &str) -> Member {
    schema["description"] = about.into();
    required(key, schema)
}

fn may(key: &'static str, mut schema: Value, about: &str) -> Member {
    schema["description"] = about.into();
    optional(key, schema)
}

/// A command has its own fields and no others.
fn command(members: impl IntoIterator<Item = Member>) -> Value {
    let mut schema = object(members);
    schema["additionalProperties"] = false.into();
    schema
}

/// A step of an option.
fn step() -> Vec<Member> {
    vec![
        may("kind", words(["order", "expedite", "transfer", "custom"]), "What is asked for."),
        may("sku", name(), "The item."),
        may("location", name(), "Where it arrives."),
        may("from", name(), "Where a transfer leaves."),
        may("supplier", name(), "Who is ordered from; the best source without."),
        may("po_id", name(), "The purchase order that is expedited; with `from` the transfer."),
        may("line_id", name(), "Its line; all without."),
        may("quantity", json!({"type": ["number", "string"]}), "Above 0, with at most 3 decimals."),
        may("arrives_at", time(), "The earliest possible without."),
        may("note", long_text(), "What a custom action says."),
    ]
}

/// One's own option: a step, or several under `steps`; or an edited one.
fn own_option() -> Value {
    let more = [
        may(
            "option_id",
            name(),
            "The option that is edited: then `quantity`, `from`, `supplier`, `arrives_at` and `note` of its step.",
        ),
        said("title", "For people; made from the steps without one."),
        may("steps", array_of(command(step()), 1, 20), "Instead of the fields of one step."),
        version(false),
    ];
    // What kind of action its one step is follows from the option's.
    command(step().into_iter().chain(more))
}

/// Every command's body by the name of its component.
pub fn commands() -> Map<String, Value> {
    let comment = || said("comment", "For whoever reads it later.");
    let reason = || must("reason", long_text(), "Why.");
    let text = || must("text", long_text(), "What is to be said.");
    let ids = array_of(name(), 1, 200);
    let item = json!({
        "type": "object", "required": ["id"], "properties": {"id": name()},
        "description": "An item's id, and fields of the command that are its own, such as its `version`.",
    });
    let kinds = words(["shortage", "supply", "excess", "demand", "data", "manual"]);
    [
        ("Acknowledge", command([comment(), version(false)])),
        (
            "Assign",
            command([
                may("owner", name(), "A person. An owner, a team or both."),
                may("team", name(), "A team that the configuration describes."),
                comment(),
                version(false),
            ]),
        ),
        ("Snooze", command([must("until", time(), "Later than now, by the tenant's clock."), comment(), version(false)])),
        ("Comment", command([text(), version(false)])),
        ("Dismiss", command([reason(), version(false)])),
        (
            "OpenCase",
            command([
                must("exceptions", ids, "Ids of the exceptions that one decision solves."),
                said("title", "For people; made from the exceptions without one."),
                may("kind", kinds, "By the exceptions without one."),
                comment(),
            ]),
        ),
        ("Option", own_option()),
        ("Choose", command([must("option_id", name(), "One of the case's options."), version(true)])),
        ("Approve", command([comment(), version(true)])),
        ("Reject", command([reason(), version(true)])),
        (
            "Delegate",
            command([
                must("to", name(), "Who votes instead."),
                may("until", time(), "At most until the deadline of the vote."),
                said("reason", "Why."),
                version(false),
            ]),
        ),
        ("Reopen", command([reason(), version(false)])),
        ("Cancel", command([reason(), version(false)])),
        ("Merge", command([must("into", name(), "The case that takes over the exceptions."), version(false)])),
        (
            "AddTask",
            command([
                must("title", long_text(), "What is to be done."),
                may("assignee", name(), "By whom."),
                may("due_at", time(), "Until when."),
                may("blocking", boolean(), "Whether nothing is carried out before it is done."),
                version(false),
            ]),
        ),
        ("CompleteTask", command([version(false)])),
        ("RetryAction", command([version(false)])),
        ("WithdrawAction", command([reason(), version(false)])),
        (
            "Bulk",
            command([
                must("on", words(["exceptions", "cases", "actions"]), "What the items are."),
                must(
                    "command",
                    json!({"type": "string"}),
                    "The last part of the command's path; `tasks` adds a task, `complete_task` with `task_id` completes one.",
                ),
                must("items", array_of(item, 1, 1_000), "Each id once."),
                may("body", json!({"type": "object"}), "The command's body for every item."),
            ]),
        ),
    ]
    .into_iter()
    .map(|(name, schema)| (format!("{name}Command"), schema))
    .collect()
}

/// What became of a bulk command.
pub fn bulk_result() -> Value {
    let result = object([
        about("id", any_text(), "As it was sent."),
        may("item", json!({"type": "object"}), "The item after the command."),
        may("problem", component("Problem"), "Why it was not carried out."),
    ]);
    object([
        about("bulk_id", any_text(), "Begins the `id` of each record that follows."),
        about("done", count(), "Items on which it was carried out."),
        about("failed", count(), "The others."),
        about("results", array(result), "In the order of the items."),
        known("lsn", lsn()),
        known("position", any_text()),
    ])
}
