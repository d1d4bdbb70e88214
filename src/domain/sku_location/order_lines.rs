//! Customer order lines.

use serde::{Deserialize, Serialize};

use super::line::{Line, LineKind, NamedTime};
use crate::domain::event::OrderLine as OrderLineStated;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// One line of a customer order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    line: Line,
    promised_at: NamedTime,
    requested_at: NamedTime,
}

/// What a line counts for in demand, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineDemand {
    pub at: Timestamp,
    pub quantity: Quantity,
}

impl OrderLine {
    /// Takes a statement of the line; `is_here` says whether it names this place.
    pub fn state(&mut self, stated: &OrderLineStated, is_here: bool, record: &Record) {
        let replaced = self.line.state(is_here.then_some(stated.quantity), record);
        let version = self.line.version();
        self.promised_at.state(stated.promised_at, record, replaced.as_ref(), version);
        self.requested_at.state(stated.requested_at, record, replaced.as_ref(), version);
    }

    /// When it is promised; `None` means that it is due at once.
    pub fn promised_at(&self) -> Option<Timestamp> {
        self.promised_at.get()
    }

    /// Open and promised for no later than `now`.
    pub fn due(&self, now: Timestamp) -> Quantity {
        if self.promised_at().is_none_or(|promised| promised <= now) {
            self.line.open()
        } else {
            Quantity::ZERO
        }
    }

    /// An order is demand when it is wanted: requested, else promised, else its time. What was cancelled unshipped
    /// never was; what was shipped all the same was. `None` while nobody has stated the line.
    pub fn demand(&self) -> Option<LineDemand> {
        let announced_at = self.line.announced_at()?;
        let quantity = if self.line.is_ended() {
            self.line.ordered().min(self.line.fulfilled())
        } else {
            self.line.ordered()
        };
        let at = self.requested_at.get().or(self.promised_at.get()).unwrap_or(announced_at);
        Some(LineDemand { at, quantity })
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.line.heap_bytes()
    }
}

impl LineKind for OrderLine {
    fn new(line: Line) -> OrderLine {
        OrderLine { line, promised_at: NamedTime::default(), requested_at: NamedTime::default() }
    }

    fn line(&self) -> &Line {
        &self.line
    }

    fn line_mut(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Until the period that its demand counts in is over: before that, a change would count it twice.
    fn needed_until(&self, period: i64) -> Option<Timestamp> {
        self.demand().map(|demand| demand.at.plus(period))
    }
}
