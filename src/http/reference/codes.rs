//! The codes that do not stand in a problem of their own: of wrong fields, of quarantine entries, of feed errors. Each
//! has its page at `/docs/errors/CODE`, as those of [`crate::http::problem::CODES`] have.

/// A code and what its page says. Markdown.
#[derive(Debug)]
pub struct Told {
    pub name: &'static str,
    /// What leads to it.
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn told(name: &'static str, why: &'static str, remedy: &'static str) -> Told {
    Told { name, why, remedy }
}

/// `errors[].code`: what is wrong with one field of an event.
pub const FIELD_CODES: &[Told] = &[
    told("required", "The field is missing or `null`.", "Add it."),
    told(
        "wrong_type",
        "The value is of another JSON type, such as a string for an object.",
        "Send the type that `/docs/events` shows. Quantities and prices may be numbers or decimal strings; statistics and \
         rates are numbers only.",
    ),
    told(
        "empty",
        "A text or a list that must hold something holds nothing.",
        "Fill it, or leave the field out.",
    ),
    told(
        "too_long",
        "A text is too long: identifiers have at most 128 characters, free texts 1,024.",
        "Shorten it.",
    ),
    told(
        "invalid_name",
        "An identifier has control characters, or is `.` or `..`.",
        "Send the identifier without them; often they are line ends or tabs that an export left.",
    ),
    told("too_many", "A list has more items than are taken.", "Divide it into several events."),
    told(
        "too_precise",
        "A quantity has more than 3 decimals, or a unit price more than 4, so that it can't be kept as it was sent.",
        "Round it where it comes from: only there it is known how.",
    ),
    told(
        "out_of_range",
        "The number is below or above what is taken; `detail` says what that is.",
        "Check the unit.",
    ),
    told(
        "not_a_decimal",
        "The text is no decimal number.",
        "Write `1234.5`: no separators of thousands, no unit, no `NaN`.",
    ),
    told(
        "not_positive",
        "The number must be above zero.",
        "For what goes the other way there is another event type, such as `pos.return`.",
    ),
    told(
        "invalid_currency",
        "The currency is not three capital letters, as ISO 4217 has them.",
        "Write `EUR`.",
    ),
    told(
        "invalid_time",
        "The time is no RFC 3339 time with offset, or the time of day not `HH:MM`.",
        "Write `2026-03-01T12:00:00Z` or `2026-03-01T13:00:00+01:00`; a local time without offset is not taken.",
    ),
    told("invalid_date", "The date is not `YYYY-MM-DD`.", "Write `2026-03-01`."),
    told(
        "invalid_period",
        "The period ends before it begins, or when it begins.",
        "`from` is inclusive, `until` exclusive and later.",
    ),
    told(
        "invalid_timezone",
        "The time zone is no known IANA name.",
        "Write `Europe/Berlin`; abbreviations such as `CET` are ambiguous.",
    ),
    told(
        "unknown_value",
        "The value is none of those that the field has; `detail` lists them.",
        "Translate it to one of them.",
    ),
    told(
        "unknown_field",
        "A command has no such field; `detail` lists those that it has. A misspelt `version` must not pass unseen.",
        "Correct its name, or leave it out.",
    ),
    told("duplicate_item", "A bulk command names the same item twice.", "Name each item once."),
    told("duplicate_key", "A key stands twice in the same object.", "Send each key once."),
    told(
        "duplicate_line",
        "Two lines of the document have the same `line_id`.",
        "Number the lines, or add their quantities up.",
    ),
    told(
        "overlapping",
        "Two buckets of the forecast overlap.",
        "`until` is exclusive: let each bucket begin where the one before ends.",
    ),
    told(
        "same_location",
        "A transfer line goes from a location to itself.",
        "Use `inventory.adjusted` for moves between statuses.",
    ),
    told(
        "conflict",
        "A shipment line names both a purchase order and a transfer, or two fields of a command contradict each other.",
        "Name one; divide the line if it carries both.",
    ),
    told(
        "not_found",
        "A command names a team, a case, an exception or an option that is not there, or that is out of sight.",
        "Check the spelling; `GET` the item to see what there is.",
    ),
    told("malformed_json", "`data` is not JSON.", "Correct what writes the JSON."),
    told(
        "invalid_attribute",
        "The attribute is not valid; `detail` says why.",
        "See the page of the same code in an answer.",
    ),
    told("unsupported_data", "The data is not JSON.", "Send `data` as JSON, without `data_base64`."),
];

/// `code` of a quarantine entry whose event was accepted. Events that were rejected have the code of their rejection.
pub const QUARANTINE_CODES: &[Told] = &[
    told(
        "count_too_old",
        "An `inventory.counted` whose `time` lies so far back that the movements since then are no longer kept (48 hours, \
         512 movements), so that what it means for the stock of today is not known.",
        "Count again; or edit the entry's time and retry it. Then delete the entry.",
    ),
    told(
        "unusable_unit",
        "A `pos.sale` in a unit of measure (`uom`) that its item does not have: the item's base unit has another name and the \
         unit is none of its `uoms`. Or what it comes to is less than a thousandth or more than 1,000,000,000 base units.",
        "Describe the item with that unit (`item.described`), then retry the entry; or edit the entry's unit.",
    ),
    told(
        "unresolved_reference",
        "The event names a document line without both item and location, and nobody told of that document while the event \
         could be held.",
        "Send the document, then retry the entry; or edit it so that it names `sku` and `location`.",
    ),
    told(
        "too_many_entities",
        "The event would make a new SKU-location or supplier, or stand for something that nobody described, and there are \
         `entities_max` entities already, cases among them.",
        "Raise `runtime.entities_max` and restart, then retry the entry. Often identifiers were mixed up.",
    ),
    told(
        "too_many_lines",
        "The place has `lines_max` open lines of that kind already.",
        "Close or cancel lines that are dead, then retry; or raise `sku_location.lines_max`.",
    ),
    told(
        "too_many_shipments",
        "The line has `shipments_per_line_max` shipments on the way already.",
        "Report the arrival of those that have arrived, then retry.",
    ),
    told(
        "too_many_buckets",
        "The forecast has more buckets than are kept for a place.",
        "Publish a shorter or coarser forecast, and delete the entry.",
    ),
    told(
        "entity_failed",
        "The code of one entity failed on this record. The entity stands still; all others go on.",
        "Report it with the log. `retry` lets the entity go on and apply the record again, `delete` without it.",
    ),
];

/// `code` of an error frame. The socket stays open.
pub const FEED_CODES: &[Told] = &[
    told(
        "bad_frame",
        "The frame is no JSON object with a `type`, is binary, or has a member of the wrong type.",
        "See `/docs/feed` for what a client says.",
    ),
    told(
        "unknown_type",
        "The frame's `type` is none that a client says.",
        "Say `subscribe`, `unsubscribe` or `pong`.",
    ),
    told("bad_id", "The subscription's `id` is no text of 1 to 64 characters.", "Choose such an id."),
    told(
        "id_in_use",
        "The socket has a subscription of that `id` already.",
        "Unsubscribe first, or choose another id.",
    ),
    told(
        "unknown_subscription",
        "There is no subscription of that `id` to end.",
        "It may have ended; nothing is to be done.",
    ),
    told(
        "unknown_topic",
        "A topic is none of those that there are.",
        "Subscribe to `exceptions`, `cases`, `sku_locations`, `suppliers` or `stats`.",
    ),
    told(
        "bad_since",
        "`since` is no text that could be a position.",
        "Send a position as it was got, or leave it out and ask for a snapshot.",
    ),
    told(
        "bad_filter",
        "`where` is no condition that can be used: no text, no CEL, too long or too deep. The frame's `where` says at \
         which line and column.",
        "Correct the condition; names are the item's top-level members.",
    ),
    told(
        "too_many_filters",
        "As many different filters are in use as the tower takes.",
        "Share filters: equal texts count once. Or filter in the client.",
    ),
    told(
        "too_many_subscriptions",
        "The socket has `subscriptions_per_socket_max` subscriptions.",
        "Name several topics in one subscription, or end some.",
    ),
    told(
        "forbidden",
        "The roles of the credentials don't allow the topic.",
        "Use credentials that allow it.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    /// What makes error frames.
    const FEED_CALLS: &[&str] = &[
        "refused(",
        "Err((",
        "self.refuse(",
        "code: \"",
        "Refusal::Plain(",
        "frame::error(Some(id), ",
        "frame::filter_error(id, ",
    ];

    fn sources(path: PathBuf, found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().for_each(|entry| sources(entry.unwrap().path(), found));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }

    /// The first text literal after each occurrence of one of `calls` in the program's own code, tests left out.
    fn literals(place: &str, calls: &[&str]) -> BTreeSet<String> {
        let mut files = Vec::new();
        sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place), &mut files);
        let mut found = BTreeSet::new();
        for file in files {
            if file.to_string_lossy().contains("test") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            for call in calls {
                for (at, _) in code.match_indices(call) {
                    // The code is the first literal of the statement, unless that is a detail in words.
                    let rest = &code[at + call.trim_end_matches('"').len()..];
                    let statement = &rest[..rest.find(';').unwrap_or(rest.len())];
                    let name = statement.split('"').nth(1).unwrap_or_default();
                    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                        found.insert(name.to_owned());
                    }
                }
            }
        }
        found
    }

    /// The codes of mistakes in commands: of each the second text literal, or the first where its place is computed.
    fn mistakes_of_commands() -> BTreeSet<String> {
        let is_name =
            |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let mut found = BTreeSet::new();
        for file in ["command_body", "bulk", "case_commands", "case_options", "exception_commands", "actions"]
        {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/http/{file}.rs"));
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            for call in ["fields.wrong(", "fields.wrong_at(", "self.wrong("] {
                for (at, _) in code.match_indices(call) {
                    let rest = &code[at..];
                    let statement = &rest[..rest.find(';').unwrap_or(rest.len())];
                    let literals = statement.split('"').skip(1).step_by(2).take(2);
                    found.extend(literals.filter(is_name).last().map(str::to_owned));
                }
            }
        }
        found
    }

    fn names(codes: &[Told]) -> BTreeSet<String> {
        let names: BTreeSet<String> = codes.iter().map(|code| code.name.to_owned()).collect();
        assert_eq!(names.len(), codes.len(), "a code stands twice");
        assert!(codes.iter().all(|code| code.why.ends_with('.') && code.remedy.ends_with('.')));
        names
    }

    #[test]
    fn every_code_of_a_wrong_field_has_its_page_and_no_other() {
        let mut made = literals("domain/event", &["Fault::new(", "FieldError {"]);
        made.extend(literals("http/cloudevents", &["FieldError {"]));
        // `Rejection::attribute` hands on the code of the rejection; a missing one is `required`.
        made.extend(["invalid_attribute", "unsupported_data", "duplicate_key"].map(str::to_owned));
        let of_commands = mistakes_of_commands();
        assert!(
            of_commands.contains("unknown_field") && of_commands.contains("not_found"),
            "{of_commands:?}"
        );
        made.extend(of_commands);
        assert_eq!(names(FIELD_CODES), made);
    }

    #[test]
    fn every_code_of_a_quarantine_entry_has_its_page_and_no_other() {
        let mut made = literals("domain/sku_location", &["self.refuse("]);
        made.extend(literals("domain/supplier", &["self.refuse("]));
        made.extend(literals("runtime", &["self.refuse(", "code: Name::const_new("]));
        assert_eq!(names(QUARANTINE_CODES), made);
    }

    #[test]
    fn every_code_of_a_feed_error_has_its_page_and_no_other() {
        let mut made = literals("feed", FEED_CALLS);
        made.extend(literals("http/feed.rs", &["self.refuse("]));
        assert_eq!(names(FEED_CODES), made);
    }
}
