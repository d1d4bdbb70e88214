//! A supplier's purchase order lines.
//!
//! A line keeps what was last said about it and what came of it, so that the order in which its events arrive does
//! not matter to what is open.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::statistics::ReceiptStatistics;
use crate::domain::event::{PurchaseOrder, PurchaseOrderLine, PurchaseOrderStep};
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::reference::{VersionKey, Versioned, put_latest};
use crate::domain::time::Timestamp;

/// All lines by document, open and closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderBook {
    documents: BTreeMap<Name, Document>,
    lines: usize,
    open_lines: usize,
    open_quantity: Quantity,
    /// Lines that were closed once, in that order; each at most once. Those open again are passed over.
    closed: VecDeque<(Name, Name)>,
    refused: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Document {
    lines: BTreeMap<Name, Line>,
    /// Cancelled or closed as a whole: so is every line that comes later.
    ended: bool,
    /// Acknowledged as a whole.
    acknowledged: bool,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    ordered: Option<Versioned<Quantity>>,
    promised: Option<Versioned<Timestamp>>,
    /// When it was first ordered, and the promise of then.
    placed: Option<(Timestamp, Option<Timestamp>)>,
    received: Quantity,
    /// The earliest receipt so far.
    received_at: Option<Timestamp>,
    acknowledged: bool,
    ended: bool,
    /// Its receipt is in the statistics, or was found unfit for them.
    measured: bool,
    /// It is in `closed`.
    queued: bool,
}

impl Line {
    /// Ordered less received; nothing once it ended, and nothing of what nobody announced.
    pub fn open(&self) -> Quantity {
        match &self.ordered {
            Some(ordered) if !self.ended => (ordered.value - self.received).or_zero(),
            _ => Quantity::ZERO,
        }
    }

    /// The latest promise.
    pub fn promised_at(&self) -> Option<Timestamp> {
        self.promised.as_ref().map(|promised| promised.value)
    }

    /// The latest total, unless only receipts are known.
    pub fn ordered(&self) -> Option<Quantity> {
        self.ordered.as_ref().map(|ordered| ordered.value)
    }

    pub fn received(&self) -> Quantity {
        self.received
    }

    /// When it was first ordered, and the promise of then.
    pub fn placed(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        self.placed
    }

    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// Cancelled or closed.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// When it was ordered, if it still waits for an acknowledgement.
    pub fn unacknowledged_since(&self) -> Option<Timestamp> {
        if self.acknowledged || !self.open().is_positive() {
            return None;
        }
        self.placed.map(|(placed_at, _)| placed_at)
    }

    fn say(&mut self, version: &VersionKey, step: PurchaseOrderStep, said: &PurchaseOrderLine) {
        put_latest(&mut self.ordered, version.clone(), said.quantity);
        if let Some(promised_at) = said.promised_at {
            put_latest(&mut self.promised, version.clone(), promised_at);
        }
        match step {
            PurchaseOrderStep::Placed => {
                let placed = (version.event_time(), said.promised_at);
                self.placed = Some(self.placed.map_or(placed, |known| known.min(placed)));
            }
            PurchaseOrderStep::Acknowledged => self.acknowledged = true,
            PurchaseOrderStep::Changed => {}
        }
    }

    /// One measure a line: its first receipt, as soon as both that and the placement are known. Lateness is against
    /// the promise it was placed with, else the latest.
    fn measure(&mut self, statistics: &mut ReceiptStatistics) {
        if self.measured {
            return;
        }
        if let (Some((placed_at, promised_then)), Some(received_at)) = (self.placed, self.received_at) {
            self.measured = true;
            statistics.measure(placed_at, promised_then.or(self.promised_at()), received_at);
        }
    }
}

impl OrderBook {
    pub fn open_lines(&self) -> usize {
        self.open_lines
    }

    pub fn open_quantity(&self) -> Quantity {
        self.open_quantity
    }

    /// New lines that found no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// All lines, open or not.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.documents.values().flat_map(|document| document.lines.values())
    }

    /// The lines of one order, open or not, by their ids.
    pub fn lines_of(&self, po_id: &str) -> impl Iterator<Item = (&Name, &Line)> {
        self.documents.get(po_id).into_iter().flat_map(|document| &document.lines)
    }

    /// Placed, changed or acknowledged; lines not named stay as they are. An acknowledgement without lines is one of
    /// the whole document.
    pub fn say(
        &mut self,
        version: &VersionKey,
        said: &PurchaseOrder,
        lines_max: usize,
        statistics: &mut ReceiptStatistics,
    ) {
        for line in &said.lines {
            self.change(&said.po_id, &line.line_id, lines_max, |known| {
                known.say(version, said.step, line);
                known.measure(statistics);
            });
        }
        if said.lines.is_empty()
            && said.step == PurchaseOrderStep::Acknowledged
            && let Some(document) = self.documents.get_mut(&said.po_id)
        {
            document.acknowledged = true;
            document.lines.values_mut().for_each(|line| line.acknowledged = true);
        }
    }

    /// A receipt, also against a line that nobody announced.
    pub fn receive(
        &mut self,
        po_id: &Name,
        line_id: &Name,
        quantity: Quantity,
        at: Timestamp,
        lines_max: usize,
        statistics: &mut ReceiptStatistics,
    ) {
        self.change(po_id, line_id, lines_max, |line| {
            line.received += quantity;
            line.received_at = Some(line.received_at.map_or(at, |known| known.min(at)));
            line.measure(statistics);
        });
    }

    /// Cancelled or closed: one line, or the whole document if it is known (the end of an unknown one is held back
    /// until it is).
    pub fn end(&mut self, po_id: &Name, line_id: Option<&Name>, lines_max: usize) {
        if let Some(line_id) = line_id {
            self.change(po_id, line_id, lines_max, |line| line.ended = true);
            return;
        }
        let Some(document) = self.documents.get_mut(po_id) else { return };
        document.ended = true;
        let line_ids: Vec<Name> = document.lines.keys().cloned().collect();
        for line_id in line_ids {
            self.change(po_id, &line_id, lines_max, |line| line.ended = true);
        }
    }

    /// Changes a line, new or known, and keeps the sums. A new one beyond the bound takes the place of the line that
    /// was closed longest ago; if all are open it is refused.
    fn change(&mut self, po_id: &Name, line_id: &Name, lines_max: usize, change: impl FnOnce(&mut Line)) {
        let known = self.documents.get(po_id).is_some_and(|document| document.lines.contains_key(line_id));
        if !known {
            while self.lines >= lines_max.max(1) {
                if !self.forget_oldest_closed() {
                    self.refused = self.refused.saturating_add(1);
                    return;
                }
            }
            self.lines += 1;
        }
        let document = self.documents.entry(po_id.clone()).or_default();
        let (ended, acknowledged) = (document.ended, document.acknowledged);
        let line = document.lines.entry(line_id.clone()).or_insert_with(|| Line {
            ended,
            acknowledged,
            ..Line::default()
        });
        let before = line.open();
        change(line);
        let after = line.open();
        self.open_quantity += after - before;
        self.open_lines += usize::from(after.is_positive());
        self.open_lines -= usize::from(before.is_positive());
        if !after.is_positive() && !line.queued {
            line.queued = true;
            self.closed.push_back((po_id.clone(), line_id.clone()));
        }
    }

    fn forget_oldest_closed(&mut self) -> bool {
        while let Some((po_id, line_id)) = self.closed.pop_front() {
            let Some(document) = self.documents.get_mut(&po_id) else { continue };
            let Some(line) = document.lines.get_mut(&line_id) else { continue };
            line.queued = false;
            if line.open().is_positive() {
                continue;
            }
            document.lines.remove(&line_id);
            if document.lines.is_empty() {
                self.documents.remove(&po_id);
            }
            self.lines -= 1;
            return true;
        }
        false
    }
}
