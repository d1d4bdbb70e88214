//! How a stretch of time reaches the tower: its events in the order of time, then the clock, then nothing until the tower
//! has drawn its conclusions.
//!
//! The tower looks whenever something has come. Goods of the morning told after the orders of the noon would be a shortage
//! for a moment, and an order that is late at midnight would be told as late or not, as the next morning's goods came
//! quickly or slowly: the numbers of a replay would speak of the machine that it ran on.

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
    /// Events in the order in which they are sent, those of one stream that follow each other together.
    runs: Vec<(Stream, EventLines)>,
    /// Moves the clock to the stretch's end; sent when the rest is taken.
    clock: EventLines,
    /// All events by type, the clock's included.
    pub by_type: BTreeMap<&'static str, u64>,
}

/// Builds a [`Carriage`].
#[derive(Default)]
pub struct Loading {
    runs: Vec<(Stream, Lines)>,
}

impl Loading {
    /// Where the next event of a stream is written.
    pub fn next(&mut self, stream: Stream) -> &mut Lines {
        if self.runs.last().is_none_or(|(last, _)| *last != stream) {
            self.runs.push((stream, Lines::default()));
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last].1
    }

    /// Ends the stretch.
    pub fn until(self, until: Timestamp) -> Carriage {
        let mut clock = Lines::default();
        events::advance_clock(until, &mut clock);
        let mut by_type = clock.by_type.clone();
        for (kind, count) in self.runs.iter().flat_map(|(_, lines)| &lines.by_type) {
            *by_type.entry(*kind).or_default() += count;
        }
        let runs = self.runs.into_iter().map(|(stream, lines)| (stream, lines.into_events())).collect();
        Carriage { runs, clock: clock.into_events(), by_type }
    }
}

impl Carriage {
    /// Rows of the data in it.
    pub fn rows(&self) -> u64 {
        self.lines(Stream::Demand)
    }

    /// Derived events in it, the clock's included.
    pub fn derived_events(&self) -> u64 {
        self.lines(Stream::Derived) + self.clock.len() as u64
    }

    fn lines(&self, stream: Stream) -> u64 {
        self.runs.iter().filter(|(of, _)| *of == stream).map(|(_, lines)| lines.len() as u64).sum()
    }

    /// Sends it, and waits until the tower has drawn all conclusions, those of the moved clock included.
    ///
    /// # Errors
    /// When the tower can't be reached, stays busy or refuses; the tallies then tell what was taken before.
    pub async fn send(
        self,
        client: &Client,
        demand: &mut Tally,
        derived: &mut Tally,
    ) -> Result<(), ClientError> {
        for (stream, lines) in self.runs {
            let tally = match stream {
                Stream::Demand => &mut *demand,
                Stream::Derived => &mut *derived,
            };
            client.send_events(lines, tally).await?;
        }
        client.send_events(self.clock, derived).await?;
        match derived.lsn {
            Some(lsn) => client.settle(lsn).await,
            None => Ok(()),
        }
    }
}
