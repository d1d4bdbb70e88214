//! A supplier's purchase order lines.
//!
//! A line keeps what was last said about it and what came of it, so that the order in which its events arrive does
//! not matter to what is open. Beside the lines stand indexes by the dates on which something must be looked at, so
//! that nobody has to look at all lines.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::line::Line;
use super::statistics::Measures;
use crate::domain::event::{DocumentKind, PurchaseOrder, PurchaseOrderStep, Shipment};
use crate::domain::exception::Evidence;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::reference::{VersionKey, Versioned, put_latest};
use crate::domain::time::{DAY, Timestamp};

/// Open lines by a date: date, order, line.
pub(super) type ByDate = BTreeSet<(Timestamp, Name, Name)>;

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
    by_promise: ByDate,
    /// By their latest promise, those that a shipment brings later than that.
    shipped_late: ByDate,
    /// Shipment, order, line: all that shipments are known to carry of lines that are known.
    carried: BTreeSet<(Name, Name, Name)>,
    /// Lines that are to be in full, by the date against which they are on time.
    by_due_in_full: ByDate,
    /// By when they were placed, those that nobody acknowledged.
    unacknowledged: ByDate,
    /// By the last receipt, those of which a part has come.
    partly_received: ByDate,
    /// Orders with lines that were acknowledged otherwise than ordered, and how many.
    differing: BTreeMap<Name, usize>,
    /// Open quantity by the day (UTC) of the promise.
    promised_on: BTreeMap<i32, Quantity>,
}

/// One purchase order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    lines: BTreeMap<Name, Line>,
    /// Cancelled or closed as a whole: so is every line that comes later.
    ended: bool,
    /// Acknowledged as a whole.
    acknowledged_at: Option<Timestamp>,
    requested_at: Option<Timestamp>,
    /// Whether the supplier named last is this one.
    is_own: Option<Versioned<bool>>,
    /// The last event about it.
    evidence: Option<Box<Evidence>>,
}

impl Document {
    pub fn open_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values().filter(|line| line.is_open())
    }

    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_deref()
    }

    fn moved(&self) -> bool {
        self.is_own.as_ref().is_some_and(|own| !own.value)
    }
}

/// What the indexes know of a line.
#[derive(PartialEq)]
struct Indexed {
    open: Quantity,
    promised_at: Option<Timestamp>,
    shipped_late: Option<Timestamp>,
    due_in_full: Option<Timestamp>,
    unacknowledged_since: Option<Timestamp>,
    partly_received_at: Option<Timestamp>,
    differs: bool,
}

impl Indexed {
    fn of(line: &Line) -> Indexed {
        let open = line.open();
        let if_open = |at: Option<Timestamp>| at.filter(|_| open.is_positive());
        Indexed {
            open,
            promised_at: if_open(line.promised_at()),
            shipped_late: line.promised_at().filter(|_| line.is_shipped_late()),
            due_in_full: line.due_in_full(),
            unacknowledged_since: line.unacknowledged_since(),
            partly_received_at: if_open(line.last_received_at()),
            differs: open.is_positive() && line.difference().is_some(),
        }
    }
}

/// Why lines ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Cancelled,
    /// Nothing more comes: what is missing was not delivered.
    Closed,
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

    pub fn document(&self, po_id: &str) -> Option<&Document> {
        self.documents.get(po_id)
    }

    pub fn line(&self, po_id: &str, line_id: &str) -> Option<&Line> {
        self.documents.get(po_id)?.lines.get(line_id)
    }

    /// Open lines with order and line id, by these.
    pub fn open(&self) -> impl Iterator<Item = (&Name, &Name, &Line)> {
        let documents = self.documents.iter();
        let lines = documents
            .flat_map(|(po_id, document)| document.lines.iter().map(move |(id, line)| (po_id, id, line)));
        lines.filter(|(.., line)| line.is_open())
    }

    /// Open lines by their latest promise.
    pub fn by_promise(&self) -> &ByDate {
        &self.by_promise
    }

    /// Open lines that a shipment brings after their latest promise, by that promise.
    pub fn shipped_late(&self) -> &ByDate {
        &self.shipped_late
    }

    #[cfg(test)]
    pub fn carried(&self) -> &BTreeSet<(Name, Name, Name)> {
        &self.carried
    }

    /// Lines that are asked of the supplier and not in full, by the date against which they are on time.
    pub fn by_due_in_full(&self) -> &ByDate {
        &self.by_due_in_full
    }

    /// Open lines without an acknowledgement, by when they were placed.
    pub fn unacknowledged(&self) -> &ByDate {
        &self.unacknowledged
    }

    /// Open lines of which a part has come, by the last receipt.
    pub fn partly_received(&self) -> &ByDate {
        &self.partly_received
    }

    /// Orders with open lines that were acknowledged otherwise than ordered.
    pub fn differing(&self) -> impl Iterator<Item = &Name> {
        self.differing.keys()
    }

    /// The open quantity that was promised until `at`.
    pub fn promised_until(&self, at: Timestamp) -> Quantity {
        self.promised_on.range(..=day_of(at)).map(|(_, quantity)| *quantity).sum()
    }

    /// The lines of one order, open or not, by their ids.
    pub fn lines_of(&self, po_id: &str) -> impl Iterator<Item = (&Name, &Line)> {
        self.documents.get(po_id).into_iter().flat_map(|document| &document.lines)
    }

    /// Placed, changed or acknowledged; lines not named stay as they are. An acknowledgement without lines is one of
    /// the whole document. With another supplier's name the order is that one's from then on.
    pub fn say(
        &mut self,
        version: &VersionKey,
        said: &PurchaseOrder,
        own: &Name,
        measures: &mut Measures<'_>,
    ) {
        let at = version.event_time();
        let names = said.supplier.as_ref().map(|supplier| supplier == own);
        if names == Some(false) && !self.documents.contains_key(&said.po_id) {
            return;
        }
        if names != Some(false) {
            if let Some(requested_at) = said.requested_at
                && let Some(document) = self.documents.get_mut(&said.po_id)
                && document.requested_at.replace(requested_at) != Some(requested_at)
            {
                // Lines that are not named may be due by another date, too.
                self.change_all(&said.po_id, at, measures, |_, _, _| ());
            }
            for line in &said.lines {
                self.change(&said.po_id, &line.line_id, at, measures, |known, document, _| {
                    document.requested_at = said.requested_at.or(document.requested_at);
                    known.say(version, said.step, said.currency, line);
                });
            }
        }
        if let (Some(is_own), Some(document)) = (names, self.documents.get_mut(&said.po_id)) {
            let moved = document.moved();
            put_latest(&mut document.is_own, version.clone(), is_own);
            let moves = document.moved();
            if moves != moved {
                self.change_all(&said.po_id, at, measures, |line, _, _| line.set_moved(moves));
            }
        }
        if said.lines.is_empty() && said.step == PurchaseOrderStep::Acknowledged {
            if let Some(document) = self.documents.get_mut(&said.po_id) {
                document.acknowledged_at = Some(document.acknowledged_at.map_or(at, |known| known.min(at)));
            }
            self.change_all(&said.po_id, at, measures, |line, _, _| {
                line.acknowledge(at);
            });
        }
    }

    /// A receipt, also against a line that nobody announced.
    pub fn receive(
        &mut self,
        po_id: &Name,
        line_id: &Name,
        quantity: Quantity,
        at: Timestamp,
        measures: &mut Measures<'_>,
    ) {
        if self.documents.get(po_id).is_none_or(|document| !document.moved()) {
            measures.throughput(quantity, at);
        }
        self.change(po_id, line_id, at, measures, |line, _, _| {
            line.receive(quantity, at);
        });
    }

    /// What a shipment says of the lines that it names, or without lines of all that it is known to carry. Lines that are
    /// not known, because they found no room or were forgotten, are passed over. Gives back the orders that it concerns.
    pub fn ship(
        &mut self,
        shipment: &Shipment,
        record: &Record,
        shipments_max: usize,
        measures: &mut Measures<'_>,
    ) -> BTreeSet<Name> {
        let at = record.event_time;
        let shipment_id = &shipment.shipment_id;
        let mut concerned = BTreeSet::new();
        if shipment.lines.is_empty() {
            let first = (shipment_id.clone(), Name::default(), Name::default());
            let carried = self.carried.range(first..).take_while(|(carrier, ..)| carrier == shipment_id);
            let carried: Vec<(Name, Name)> =
                carried.map(|(_, po_id, line_id)| (po_id.clone(), line_id.clone())).collect();
            for (po_id, line_id) in carried {
                self.change(&po_id, &line_id, at, measures, |line, _, _| {
                    line.follow_shipment(shipment, record);
                });
                concerned.insert(po_id);
            }
            return concerned;
        }
        for shipped in shipment.lines.iter().filter(|line| line.document_kind == DocumentKind::PurchaseOrder)
        {
            let (po_id, line_id) = (&shipped.document, &shipped.line_id);
            if self.line(po_id, line_id).is_none() {
                continue;
            }
            let mut taken = None;
            self.change(po_id, line_id, at, measures, |line, _, _| {
                taken = line.ship(shipment, shipped.quantity, record, shipments_max).ok();
            });
            // The place of the line says that it has too many.
            let Some(forgotten) = taken else { continue };
            if let Some(forgotten) = forgotten {
                self.carried.remove(&(forgotten, po_id.clone(), line_id.clone()));
            }
            self.carried.insert((shipment_id.clone(), po_id.clone(), line_id.clone()));
            concerned.insert(po_id.clone());
        }
        concerned
    }

    /// Cancelled or closed: one line, or the whole document if it is known (the end of an unknown one is held back
    /// until it is).
    pub fn end(
        &mut self,
        po_id: &Name,
        line_id: Option<&Name>,
        how: End,
        at: Timestamp,
        measures: &mut Measures<'_>,
    ) {
        let closed_at = (how == End::Closed).then_some(at);
        let end = |line: &mut Line, document: &mut Head, measures: &mut Measures<'_>| {
            line.end();
            line.measure(document.requested_at, closed_at, measures);
        };
        if let Some(line_id) = line_id {
            self.change(po_id, line_id, at, measures, end);
            return;
        }
        let Some(document) = self.documents.get_mut(po_id) else { return };
        document.ended = true;
        self.change_all(po_id, at, measures, end);
    }

    /// Remembers the last event about an order that is known.
    pub fn note(&mut self, po_id: &Name, evidence: Evidence) {
        if let Some(document) = self.documents.get_mut(po_id) {
            document.evidence = Some(Box::new(evidence));
        }
    }

    fn change_all(
        &mut self,
        po_id: &Name,
        at: Timestamp,
        measures: &mut Measures<'_>,
        mut change: impl FnMut(&mut Line, &mut Head, &mut Measures<'_>),
    ) {
        let Some(document) = self.documents.get(po_id) else { return };
        let line_ids: Vec<Name> = document.lines.keys().cloned().collect();
        for line_id in line_ids {
            self.change(po_id, &line_id, at, measures, &mut change);
        }
    }

    /// Changes a line, new or known, by what happened `at` that moment, and keeps sums and indexes. A new one beyond the
    /// bound takes the place of the line that was closed longest ago; if all are open it is refused.
    fn change(
        &mut self,
        po_id: &Name,
        line_id: &Name,
        at: Timestamp,
        measures: &mut Measures<'_>,
        change: impl FnOnce(&mut Line, &mut Head, &mut Measures<'_>),
    ) {
        let known = self.documents.get(po_id).is_some_and(|document| document.lines.contains_key(line_id));
        if !known {
            while self.lines >= measures.settings.lines_max.max(1) {
                if !self.forget_oldest_closed() {
                    self.refused = self.refused.saturating_add(1);
                    return;
                }
            }
            self.lines += 1;
        }
        let document = self.documents.entry(po_id.clone()).or_default();
        let (ended, moved, acknowledged_at) = (document.ended, document.moved(), document.acknowledged_at);
        let mut head = Head { requested_at: document.requested_at };
        let line = document
            .lines
            .entry(line_id.clone())
            .or_insert_with(|| Line::of_document(ended, moved, acknowledged_at));
        let before = Indexed::of(line);
        change(line, &mut head, measures);
        // Whatever changed, here, in its document or in a setting, may be all that was missing: it counts before it is called
        // overdue.
        line.measure(head.requested_at, None, measures);
        line.await_full(head.requested_at, at, measures);
        let after = Indexed::of(line);
        let is_new_among_closed = !after.open.is_positive() && !line.queued;
        line.queued |= is_new_among_closed;
        document.requested_at = head.requested_at;
        if is_new_among_closed {
            self.closed.push_back((po_id.clone(), line_id.clone()));
        }
        self.open_quantity += after.open - before.open;
        self.open_lines += usize::from(after.open.is_positive());
        self.open_lines -= usize::from(before.open.is_positive());
        if before != after {
            self.index(po_id, line_id, &before, &after);
        }
    }

    fn index(&mut self, po_id: &Name, line_id: &Name, before: &Indexed, after: &Indexed) {
        let moves = [
            (&mut self.by_promise, before.promised_at, after.promised_at),
            (&mut self.shipped_late, before.shipped_late, after.shipped_late),
            (&mut self.by_due_in_full, before.due_in_full, after.due_in_full),
            (&mut self.unacknowledged, before.unacknowledged_since, after.unacknowledged_since),
            (&mut self.partly_received, before.partly_received_at, after.partly_received_at),
        ];
        for (index, before, after) in moves {
            if before != after {
                if let Some(before) = before {
                    index.remove(&(before, po_id.clone(), line_id.clone()));
                }
                if let Some(after) = after {
                    index.insert((after, po_id.clone(), line_id.clone()));
                }
            }
        }
        if before.differs != after.differs {
            let count = self.differing.get(po_id).copied().unwrap_or(0);
            match if after.differs { count + 1 } else { count.saturating_sub(1) } {
                0 => {
                    self.differing.remove(po_id);
                }
                count => {
                    self.differing.insert(po_id.clone(), count);
                }
            }
        }
        for (of, sign) in [(before, -1), (after, 1)] {
            let Some(promised_at) = of.promised_at else { continue };
            let day = day_of(promised_at);
            let quantity = self.promised_on.entry(day).or_default();
            *quantity += Quantity::from_milli(of.open.milli().saturating_mul(sign));
            if quantity.is_zero() {
                self.promised_on.remove(&day);
            }
        }
    }

    fn forget_oldest_closed(&mut self) -> bool {
        while let Some((po_id, line_id)) = self.closed.pop_front() {
            let Some(document) = self.documents.get_mut(&po_id) else { continue };
            let Some(line) = document.lines.get_mut(&line_id) else { continue };
            line.queued = false;
            if line.is_open() {
                continue;
            }
            for shipment_id in document.lines.remove(&line_id).iter().flat_map(Line::shipment_ids) {
                self.carried.remove(&(shipment_id.clone(), po_id.clone(), line_id.clone()));
            }
            if document.lines.is_empty() {
                self.documents.remove(&po_id);
            }
            self.lines -= 1;
            return true;
        }
        false
    }
}

/// What a change of a line may see and say of its document.
struct Head {
    requested_at: Option<Timestamp>,
}

fn day_of(at: Timestamp) -> i32 {
    at.micros().div_euclid(DAY) as i32
}
