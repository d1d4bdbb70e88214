//! Every decoder of what comes from outside or from the disk, as a function of bytes: whatever they are, it answers, and
//! what it takes it can give back. Shared by the bounded tests and by `fuzz/`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every fuzz target takes its part of this, and a finding is a panic"
)]

use std::path::Path;

use serde_json::Value;
use tidewatch::config::Config;
use tidewatch::domain::condition::{Condition, ConditionBounds, JsonVariables};
use tidewatch::domain::event::{self, EventType};
use tidewatch::feed::parse_request;
use tidewatch::http::cloudevents::{Limits, LineSplitter, parse_event, split_batch};
use tidewatch::journal::{self, InspectLine, envelope};
use tidewatch::runtime::codec;

/// A decoder under test.
pub type Decoder = fn(&[u8]);

/// Those that take bytes alone, by name.
pub const DECODERS: [(&str, Decoder); 7] = [
    ("record", record),
    ("cloud_event", cloud_event),
    ("event_data", event_data),
    ("feed_request", feed_request),
    ("condition", condition),
    ("configuration", configuration),
    ("lines", lines),
];

/// A record of the journal: envelope and body. What is read and encoded again has the same envelope.
pub fn record(bytes: &[u8]) {
    if let Ok((read, body)) = envelope::decode_record(bytes) {
        let mut again = Vec::new();
        envelope::encode_record(&read, body, &mut again);
        // The reserved byte is not kept.
        assert_eq!(again[..3], bytes[..3]);
        assert_eq!(again[4..], bytes[4..]);
    }
    let _ = codec::check_versions(bytes);
    let _ = codec::content_hash(bytes);
    if let Ok((record, _)) = codec::decode(bytes) {
        // Of what it takes, all is text that can be written again.
        assert!(!format!("{record:?}").is_empty());
    }
}

/// A body at the door, as a batch and as one event.
pub fn cloud_event(bytes: &[u8]) {
    let limits = Limits::default();
    if let Ok(items) = split_batch(bytes) {
        for item in items {
            assert!(!item.is_empty());
            let _ = parse_event(item, &limits);
        }
    }
    match parse_event(bytes, &limits) {
        Ok(event) => {
            // What is taken is journaled as it was sent, and must be read back at every later start.
            let read = event::parse(event.event_type.as_str(), event.data_json);
            assert!(read.is_ok(), "taken at the door, and unreadable in the journal: {read:?}");
        }
        Err(rejection) => assert!(!rejection.detail.is_empty()),
    }
}

/// `data` of every type.
pub fn event_data(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for kind in EventType::ALL {
        let _ = event::parse(kind.as_str(), text);
    }
}

/// A frame that a client of the feed sends.
pub fn feed_request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(refused) = parse_request(text) {
        assert!(!refused.detail.is_empty());
    }
}

/// A condition of a subscriber or a configuration, compiled and asked.
pub fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let names = ["type", "on_hand", "subject", "items", "owner"];
    let bounds = ConditionBounds { length_max: 1_024, depth_max: 24 };
    let Ok(condition) = Condition::compile(text, &bounds, &names) else { return };
    let item = serde_json::json!({
        "type": "shortage_now", "on_hand": 3.5, "subject": {"sku": "A", "location": "L"}, "items": [1, "b", null],
        "owner": null,
    });
    let Value::Object(item) = item else { return };
    let _ = condition.holds(&JsonVariables(&item));
}

/// `actors.toml`. What is taken has a JSON form that reads back.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse("fuzzed.toml", text) {
        Ok(config) => {
            let json = config.canonical_json().expect("a JSON form");
            let again: Config = serde_json::from_str(&json).expect("a JSON form that reads back");
            assert_eq!(again, config);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A stream of lines, cut anywhere: the lines do not depend on the cuts.
pub fn lines(bytes: &[u8]) {
    let read = |cuts: &[usize]| {
        let mut splitter = LineSplitter::new(256);
        let (mut lines, mut from) = (Vec::new(), 0);
        for to in cuts.iter().copied().chain([bytes.len()]) {
            splitter.push(&bytes[from..to]);
            from = to;
            loop {
                match splitter.next_line() {
                    Ok(Some(line)) => lines.push(line),
                    Ok(None) => break,
                    Err(_) => return None,
                }
            }
        }
        match splitter.finish() {
            Ok(last) => {
                lines.extend(last);
                Some(lines)
            }
            Err(_) => None,
        }
    };
    let whole = read(&[]);
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    if let (Some(whole), Some(cut)) = (whole, read(&[cut])) {
        assert_eq!(whole, cut);
    }
}

/// A segment file in a journal whose mark and other files are sound. Whatever it holds: looking at it says so and ends.
/// If it verifies, it holds the records that were there, up to the mark at least.
pub fn segment(directory: &Path, original: &[Vec<u8>], marked: u64) {
    let mut found = Vec::new();
    let _ = journal::inspect(directory, |line| {
        if let InspectLine::Record { body, .. } = line {
            found.push(body.to_vec());
        }
        assert!(!line.to_string().is_empty());
    });
    let _ = journal::last_record(directory);
    let _ = journal::durable_part(directory);
    if let Ok(report) = journal::verify(directory) {
        assert!(report.tail_lsn >= marked, "it verifies and ends at {}, below its mark", report.tail_lsn);
        let kept = usize::try_from(report.tail_lsn).expect("few records").min(original.len());
        assert_eq!(found[..kept], original[..kept], "it verifies, and holds something else");
    }
}
