//! Which of two statements about the same thing is the later one.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::raw::MaybeTime;
use crate::domain::record::Record;

/// The place of a statement among all statements: by event time, then `sequence`, source, id.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    time: MaybeTime,
    /// Sequence, source and id in one text that sorts as the three would; see [`tie_key`].
    tie: Box<str>,
}

impl Version {
    /// Event time; none for what has never been stated.
    pub fn time(&self) -> MaybeTime {
        self.time
    }

    /// The version that `record` states.
    pub fn of(record: &Record) -> Version {
        Version { time: record.event_time.into(), tie: tie_key(record).into() }
    }

    /// Whether `record` states something later than this.
    pub fn is_before(&self, record: &Record) -> bool {
        match self.time.cmp(&record.event_time.into()) {
            Ordering::Less => true,
            Ordering::Greater => false,
            // Rare: only then is the text worth building.
            Ordering::Equal => *self.tie < *tie_key(record),
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.tie.len()
    }

    /// Whether anything was ever stated.
    pub fn is_stated(&self) -> bool {
        self.time != MaybeTime::NONE
    }
}

/// Sequence, source and id as one text whose bytewise order is theirs.
///
/// No sequence sorts first, then integers by value, then other texts. ("Two integers as integers, otherwise as
/// text" alone is no order: 9 < 10, but as text 10 < 1a < 9.) NUL separates, since names have no control
/// characters.
fn tie_key(record: &Record) -> String {
    let sequence = record.sequence.as_str();
    // Exact where there is no sequence, so that the text needs no second allocation to become a box.
    let class = if sequence.is_empty() { 1 } else { 5 };
    let mut key = String::with_capacity(class + sequence.len() + record.source.len() + record.id.len() + 2);
    let (negative, digits) = match sequence.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, sequence),
    };
    if sequence.is_empty() {
        key.push('0');
    } else if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let digits = digits.trim_start_matches('0');
        // More digits are a greater number; a sequence has far fewer than this.
        let length = u32::try_from(digits.len()).unwrap_or(u32::MAX).min(0xffff);
        if negative && length > 0 {
            key.push_str(&format!("1{:04x}", 0xffff - length));
            key.extend(digits.bytes().map(|b| char::from(b'0' + b'9' - b)));
        } else {
            key.push_str(&format!("2{length:04x}{digits}"));
        }
    } else {
        key.push('3');
        key.push_str(sequence);
    }
    for part in [&record.source, &record.id] {
        key.push('\0');
        key.push_str(part);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sku_location::testing::record;

    fn key(sequence: &str, source: &str, id: &str) -> String {
        let mut record = record(0);
        record.sequence = sequence.into();
        record.source = source.into();
        record.id = id.into();
        tie_key(&record)
    }

    #[test]
    fn sequences_order_as_integers_and_otherwise_as_text() {
        let ascending = ["", "-10", "-9", "-1", "0", "1", "2", "9", "10", "99999999999999999999", "a", "b1"];
        for pair in ascending.windows(2) {
            assert!(key(pair[0], "s", "i") < key(pair[1], "s", "i"), "{pair:?}");
        }
        assert_eq!(key("007", "s", "i"), key("7", "s", "i"));
        assert_eq!(key("-0", "s", "i"), key("0", "s", "i"));
    }

    #[test]
    fn equal_sequences_are_decided_by_source_and_then_id() {
        assert!(key("1", "a", "z") < key("1", "b", "a"));
        assert!(key("1", "a", "y") < key("1", "a", "z"));
        assert!(key("1", "a", "z") < key("1", "ab", "a"));
    }
}
