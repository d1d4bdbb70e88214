//! The bodies of commands, and the answer to a bulk one.

use serde_json::{Map, Value, json};

use super::decisions::{ACTION_KINDS, CASE_KINDS};
use super::*;
use crate::http::command_body::TEXT_CHARACTERS_MAX;
use crate::http::{actions, case_commands, case_options, exception_commands};

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
fn command(example: Value, members: impl IntoIterator<Item = Member>) -> Value {
    let mut schema = object(members);
    schema["additionalProperties"] = false.into();
    schema["examples"] = json!([example]);
    schema
}

/// Every command's body by the name of its component.
pub fn commands() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| {
        all.insert(format!("{name}Command"), schema);
    };
    of_exceptions(&mut add);
    of_cases(&mut add);
    of_actions(&mut add);
    add("Bulk", bulk());
    all
}

fn comment() -> Member {
    said("comment", "For whoever reads it later.")
}

fn reason() -> Member {
    must("reason", long_text(), "Why.")
}

fn of_exceptions(add: &mut impl FnMut(&str, Value)) {
    let example = json!({"comment": "I call the supplier", "version": 3});
    add("Acknowledge", command(example, [comment(), version(false)]));
    let mut assign = command(
        json!({"owner": "ann", "version": 3}),
        [
            may("owner", name(), "A person. An owner, a team or both."),
            may("team", name(), "A team that the configuration describes."),
            comment(),
            version(false),
        ],
    );
    assign["anyOf"] = json!([{"required": ["owner"]}, {"required": ["team"]}]);
    add("Assign", assign);
    let until = must("until", time(), "Later than now, by the tenant's clock.");
    let example = json!({"until": "2026-03-03T08:00:00Z", "comment": "the lorry comes at 7"});
    add("Snooze", command(example, [until, comment(), version(false)]));
    let text = must("text", long_text(), "What is to be said.");
    add("Comment", command(json!({"text": "they pack it today"}), [text, version(false)]));
    add("Dismiss", command(json!({"reason": "the item is delisted"}), [reason(), version(false)]));
}

fn of_cases(add: &mut impl FnMut(&str, Value)) {
    add(
        "OpenCase",
        command(
            json!({"exceptions": ["exc_5d0c1f7a9b3e4c218d60"], "title": "Milk in the north"}),
            [
                must(
                    "exceptions",
                    array_of(name(), 1, 200),
                    "Ids of the exceptions that one decision solves.",
                ),
                said("title", "For people; made from the exceptions without one."),
                may("kind", words(CASE_KINDS), "By the exceptions without one."),
                comment(),
            ],
        ),
    );
    add("Option", option());
    add(
        "Choose",
        command(
            json!({"option_id": "order_3f6a12bc90de", "version": 4}),
            [must("option_id", name(), "One of the case's options that passes every gate."), version(true)],
        ),
    );
    let example = json!({"comment": "agreed with finance", "version": 5});
    add("Approve", command(example, [comment(), version(true)]));
    add(
        "Reject",
        command(json!({"reason": "the promotion is off", "version": 5}), [reason(), version(true)]),
    );
    add(
        "Delegate",
        command(
            json!({"to": "bob", "reason": "on holiday"}),
            [
                must("to", name(), "Who votes instead."),
                may("until", time(), "At most until the deadline of the vote."),
                said("reason", "Why."),
                version(false),
            ],
        ),
    );
    add("Reopen", command(json!({"reason": "it did not come"}), [reason(), version(false)]));
    add("Cancel", command(json!({"reason": "it came after all"}), [reason(), version(false)]));
    let into = must("into", name(), "The case that takes over the exceptions.");
    add("Merge", command(json!({"into": "case_0b1c2d3e4f5a6b7c8d9e"}), [into, version(false)]));
    add(
        "AddTask",
        command(
            json!({"title": "Call the carrier", "assignee": "ann", "blocking": true}),
            [
                must("title", long_text(), "What is to be done."),
                may("assignee", name(), "By whom."),
                may("due_at", time(), "Until when."),
                may("blocking", boolean(), "Whether nothing is carried out before it is done."),
                version(false),
            ],
        ),
    );
    add("CompleteTask", command(json!({}), [version(false)]));
}

fn of_actions(add: &mut impl FnMut(&str, Value)) {
    add("RetryAction", command(json!({}), [version(false)]));
    add("WithdrawAction", command(json!({"reason": "ordered by telephone"}), [reason(), version(false)]));
}

/// What may be said about one step of an option.
fn step() -> Vec<Member> {
    vec![
        may("sku", name(), "The item."),
        may("location", name(), "Where it arrives."),
        may("from", name(), "Where it leaves, for a transfer."),
        may("supplier", name(), "Who delivers it, for an order."),
        may("po_id", name(), "What is expedited."),
        may("line_id", name(), "The line of it."),
        may("quantity", quantity_above_zero(), "Units."),
        may("arrives_at", time(), "When it arrives; the earliest that is possible when it is not said."),
        said("note", "What a custom step says, for people."),
    ]
}

fn option() -> Value {
    let kind = may("kind", words(ACTION_KINDS), "That of the option without it.");
    let mut one = object(step().into_iter().chain([kind]));
    one["additionalProperties"] = false.into();
    let kinds = words(case_options::OPTION_KINDS.map(|(name, _)| name));
    let own = [
        version(false),
        may("option_id", name(), "The option that is edited; what is not named stays. Without it a new one."),
        may("kind", kinds, "Of a new option; required without `option_id`."),
        said("title", "For people; made from the first step without one."),
        may("steps", array_of(one, 1, case_options::STEPS_MAX), "All steps; or say one beside this."),
    ];
    command(
        json!({"kind": "order", "sku": "milk-1l", "location": "store-12", "supplier": "dairy-co", "quantity": 120}),
        own.into_iter().chain(step()),
    )
}

fn bulk() -> Value {
    let item = json!({
        "type": "object", "required": ["id"], "properties": {"id": name()},
        "description": "An item's id, and fields of the command that are its own, such as its `version`.",
    });
    let exceptions = exception_commands::VERBS.iter().map(|(name, _)| *name);
    let cases = case_commands::VERBS.iter().map(|(name, _)| *name);
    let verbs: Vec<&str> =
        exceptions.chain(cases).chain(actions::VERBS.iter().map(|(name, _)| *name)).collect();
    let mut once: Vec<&str> = Vec::new();
    for verb in verbs {
        if !once.contains(&verb) {
            once.push(verb);
        }
    }
    command(
        json!({
            "on": "exceptions", "command": "assign", "body": {"owner": "ann"},
            "items": [{"id": "exc_5d0c1f7a9b3e4c218d60", "version": 3}, {"id": "exc_0b1c2d3e4f5a6b7c8d9e"}],
        }),
        [
            must("on", words(["exceptions", "cases", "actions"]), "What the items are."),
            must(
                "command",
                words(once),
                "One that those things have: the last part of its path; `tasks` adds a task, `complete_task` with \
                 `task_id` completes one.",
            ),
            must("items", array_of(item, 1, 1_000), "Each id once."),
            may("body", json!({"type": "object"}), "The command's body for every item."),
        ],
    )
}

/// What became of a bulk command.
pub fn bulk_result() -> Value {
    let after = ["ExceptionDetail", "CaseDetail", "ActionDetail"].map(component);
    let result = object([
        about("id", any_text(), "As it was sent."),
        optional("item", json!({"anyOf": after})),
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
