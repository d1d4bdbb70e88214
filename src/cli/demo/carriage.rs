//! How a stretch of time reaches the tower: its events in the order of time, the clock with them, then nothing until the
//! tower has drawn its conclusions.
//!
//! The tower looks whenever something has come. Goods of the morning told after the orders of the noon would be a shortage
//! for a moment; so would the orders of a whole day on a clock that stands at its beginning; and a delivery that is late at
//! midnight would be told as late or not, as the next morning's goods came quickly or slowly: the numbers of a replay would
//! speak of the machine that it ran on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::events::{self, Lines};
use crate::cli::client::{Client, ClientError, EventLines, Tally};

/// Which count an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Customers' orders, one for each row of the data.
    Demand,
    /// Everything else.
    Derived,
}

/// A stretch of time, written out.
pub struct Carriage {
    /// What is sent, one part after the other.
    parts: Vec<(Stream, EventLines)>,
    /// All events by type, the clock's included.
    pub by_type: BTreeMap<&'static str, u64>,
}

/// Builds a [`Carriage`].
#[derive(Default)]
pub struct Loading {
    parts: Vec<(Stream, Lines)>,
    /// When the last event happened.
    at: Option<Timestamp>,
    /// Where the clock was put last.
    clock: Option<Timestamp>,
}

impl Loading {
    /// Where the next event is written: of that stream and time, which is not before that of the last one. Events of one
    /// stream that follow each other go together. Before those of the other one the clock moves to where it is.
    pub fn next(&mut self, stream: Stream, at: Timestamp) -> &mut Lines {
        debug_assert!(self.at.is_none_or(|last| last <= at), "events are loaded in the order of time");
        if self.parts.last().is_none_or(|(last, _)| *last != stream) {
            if let Some(at) = self.at {
                self.advance(at);
            }
            self.parts.push((stream, Lines::default()));
        }
        self.at = Some(at);
        let last = self.parts.len() - 1;
        &mut self.parts[last].1
    }

    fn advance(&mut self, to: Timestamp) {
        if self.clock.is_none_or(|clock| clock < to) {
            self.clock = Some(to);
            let mut clock = Lines::default();
            events::advance_clock(to, &mut clock);
            self.parts.push((Stream::Derived, clock));
        }
    }

    /// Ends the stretch.
    pub fn until(mut self, until: Timestamp) -> Carriage {
        self.advance(until);
        let mut by_type = BTreeMap::new();
        for (kind, count) in self.parts.iter().flat_map(|(_, lines)| &lines.by_type) {
            *by_type.entry(*kind).or_default() += count;
        }
        let parts = self.parts.into_iter().map(|(stream, lines)| (stream, lines.into_events())).collect();
        Carriage { parts, by_type }
    }
}

impl Carriage {
    /// Rows of the data in it.
    pub fn rows(&self) -> u64 {
        self.lines(Stream::Demand)
    }

    /// Derived events in it, the clock's included.
    pub fn derived_events(&self) -> u64 {
        self.lines(Stream::Derived)
    }

    fn lines(&self, stream: Stream) -> u64 {
        self.parts.iter().filter(|(of, _)| *of == stream).map(|(_, lines)| lines.len() as u64).sum()
    }

    /// Sends it. Before the next one goes, the tower is to have drawn all conclusions, those of the moved clock included:
    /// [`settle`].
    ///
    /// # Errors
    /// When the tower can't be reached, stays busy or refuses; the tallies then tell what was taken before.
    pub async fn send(
        self,
        client: &Client,
        demand: &mut Tally,
        derived: &mut Tally,
    ) -> Result<(), ClientError> {
        for (stream, lines) in self.parts {
            let tally = match stream {
                Stream::Demand => &mut *demand,
                Stream::Derived => &mut *derived,
            };
            client.send_events(lines, tally).await?;
        }
        Ok(())
    }
}

/// Waits until the tower has drawn all conclusions from what it took.
///
/// # Errors
/// When it can't be reached, refuses, or takes minutes.
pub async fn settle(client: &Client, taken: &Tally) -> Result<(), ClientError> {
    match taken.lsn {
        Some(lsn) => client.settle(lsn).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(hour: u32) -> Timestamp {
        format!("2013-10-01T{hour:02}:00:00Z").parse().unwrap()
    }

    /// The types that are sent, part by part, and where clocks are moved to.
    fn sent(carriage: Carriage) -> Vec<Vec<String>> {
        let told = |line: &[u8]| {
            let event: Value = serde_json::from_slice(line).unwrap();
            match event["data"]["to"].as_str() {
                Some(to) => format!("clock {to}"),
                None => event["id"].as_str().unwrap().to_owned(),
            }
        };
        let ids = |part: EventLines| {
            let lines = part.text().split(|byte| *byte == b'\n');
            lines.filter(|line| !line.is_empty()).map(told).collect()
        };
        carriage.parts.into_iter().map(|(_, part)| ids(part)).collect()
    }

    #[test]
    fn the_clock_moves_with_the_events_and_never_twice_to_one_moment() {
        let mut loading = Loading::default();
        let told = [
            (Stream::Derived, 6, "receipt"),
            (Stream::Derived, 7, "purchase"),
            (Stream::Demand, 7, "order"),
            (Stream::Derived, 7, "acknowledgement"),
            (Stream::Demand, 8, "another"),
            (Stream::Demand, 9, "third"),
        ];
        for (stream, hour, id) in told {
            loading.next(stream, at(hour)).push("order.placed", "demo", id, at(hour), &json!({}));
        }
        let carriage = loading.until(at(9));
        assert_eq!((carriage.rows(), carriage.derived_events()), (3, 3 + 2));
        assert_eq!(carriage.by_type, BTreeMap::from([("order.placed", 6), ("clock.advanced", 2)]));
        let expected: [&[&str]; 6] = [
            &["receipt", "purchase"],
            &["clock 2013-10-01T07:00:00Z"],
            &["order"],
            &["acknowledgement"],
            &["another", "third"],
            &["clock 2013-10-01T09:00:00Z"],
        ];
        assert_eq!(sent(carriage), expected);
    }

    #[test]
    fn without_events_the_clock_moves() {
        let carriage = Loading::default().until(at(5));
        assert_eq!((carriage.rows(), carriage.derived_events()), (0, 1));
        assert_eq!(sent(carriage), [["clock 2013-10-01T05:00:00Z"]]);
    }
}
