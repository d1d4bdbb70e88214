//! Why a number, an exception or an option is what it is.

use serde_json::{Value, json};

use super::*;
use crate::domain::approval_case::CaseState;

fn input() -> Value {
    let event = object([
        maybe("source", any_text(), "`source` of the event."),
        maybe("id", any_text(), "`id` of the event."),
        maybe("type", any_text(), "Its type."),
        known("time", time()),
        about("lsn", lsn(), "Its record."),
        about(
            "trimmed",
            boolean(),
            "Whether that record is no longer in the journal: then only its number is known.",
        ),
    ]);
    object([
        about("name", any_text(), "Its name in the formula; several of one name are a list."),
        maybe("value", any_number(), "Its value."),
        maybe("time", time(), "What time it is of."),
        about("from", any_text(), "Where it comes from: an event, a setting, another number."),
        maybe("about", any_text(), "What it is about."),
        maybe("event", event, "The event that told it."),
    ])
}

fn explanation() -> Value {
    let rule = object([
        about("id", any_text(), "The rule by which it is computed."),
        about("version", lsn(), "The record that last changed what the rule goes by."),
    ]);
    object([
        maybe("value", any_number(), "The number, unless it is a time."),
        maybe("time", time(), "The time, if it is one."),
        about("unit", any_text(), "What it is measured in."),
        about("formula", any_text(), "Over the names of the inputs; computing it gives the number."),
        about("inputs", array(component("ExplanationInput")), "All that the formula needs."),
        about("rule", rule, "The rule and its version."),
        maybe("because", any_text(), "In words."),
    ])
}

/// Adds the schemas of explanations.
pub fn add_to(add: &mut impl FnMut(&str, Value)) {
    add("ExplanationInput", input());
    add("Explanation", explanation());
    let absence = object([
        about("what", any_text(), "What did not happen."),
        about("because", any_text(), "Why not."),
        about("inputs", array(component("ExplanationInput")), "What says so."),
    ]);
    add("Absence", absence);
    add(
        "SkuLocationWhy",
        with_state(vec![
            required("sku", name()),
            required("location", name()),
            about("numbers", numbers_by_name(), "Each number of the SKU-location by its name."),
            about("absences", array(component("Absence")), "What did not happen, and why."),
        ]),
    );
    add(
        "SupplierWhy",
        with_state(vec![
            required("supplier", name()),
            about("numbers", numbers_by_name(), "Each number of the supplier by its name."),
            about("absences", array(component("Absence")), "What did not happen, and why."),
        ]),
    );
    let measured = || any_text();
    let settings = object([
        about("enabled", boolean(), "Whether it is raised at all."),
        about("raise", any_number(), "From here on it is raised."),
        about("clear", any_number(), "From here on, in the other direction, it clears."),
        about("minimum", any_number(), "Below this it is not raised."),
        about("days", any_number(), "The span of time that it looks at."),
        about("consecutive_periods", count(), "Periods in a row for which it must hold."),
        about("quiet_hours", any_number(), "Hours after it cleared in which the same trouble reopens it."),
    ]);
    let units = object([
        optional("raise", measured()),
        optional("clear", measured()),
        optional("minimum", measured()),
        optional("days", measured()),
    ]);
    let rule = object([
        about("type", exception_types(), "The kind."),
        about("settings", settings, "What is set about it here; a threshold that it does not have is 0."),
        about("units", units, "What the thresholds that it has are measured in."),
        about("version", lsn(), "The record that last changed reference data or settings."),
    ]);
    let option = object([
        about("id", any_text(), "The option."),
        about("kind", case_parts::option_kinds(), "What kind of thing it does."),
        about("title", any_text(), "For people."),
        about("recommended", boolean(), "Whether the tower recommends it."),
        about("chosen", boolean(), "Whether it is chosen."),
        about("numbers", array(component("OptionNumber")), "How each number came about."),
        required("basis", component("OptionBasis")),
        about("gates", array(component("Gate")), "What it must meet to be carried out."),
        about("because", any_text(), "Why it is recommended or not."),
    ]);
    add(
        "ExceptionWhy",
        object(
            [
                required("exception", component("Exception")),
                maybe("because", any_text(), "In words."),
                about("rule", rule, "Its settings, their units, and the record that last changed them."),
                about("evidence", array(component("Evidence")), "The events that led here."),
                maybe("group", any_text(), "The key of the cause that it is grouped under."),
                maybe("affected", component("Affected"), ""),
                maybe(
                    "worth",
                    numbers_by_name(),
                    "Its own numbers now: value and units at risk, urgency, and the amounts of money behind them.",
                ),
                maybe("numbers", numbers_by_name(), "The numbers of its SKU-location or supplier now."),
                maybe("unavailable", any_text(), "Why there is neither `worth` nor `numbers`."),
                optional("as_of", time()),
            ]
            .into_iter()
            .chain(position()),
        ),
    );
    add(
        "CaseWhy",
        object(
            [
                required("id", id("case_5d0c1f7a9b3e4c218d60")),
                about("state", words(CaseState::ALL.map(CaseState::as_str)), "How far it is."),
                about("version", count(), "Of its facts."),
                about(
                    "options",
                    array(option),
                    "Each with its numbers, gates and why it is recommended or not.",
                ),
                about("waits_for", array(any_text()), "What has to happen before it goes on."),
                about(
                    "changed_since",
                    array(component("FactChange")),
                    "What changed since votes were given.",
                ),
                maybe("rule", component("CaseRule"), ""),
            ]
            .into_iter()
            .chain(position()),
        ),
    );
}

fn numbers_by_name() -> Value {
    json!({"type": "object", "additionalProperties": component("Explanation")})
}
