//! What a supplier knows of the lines of one purchase order. It remembers closed ones longer than their places do.

use super::Supplier;
use super::line::Line;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// A line as its supplier knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SuppliedLineView {
    pub line_id: Name,
    /// `None` while only receipts are known.
    pub ordered: Option<Quantity>,
    pub received: Quantity,
    pub open: Quantity,
    pub is_acknowledged: bool,
    /// Cancelled or closed.
    pub is_ended: bool,
    pub placed_at: Option<Timestamp>,
    /// As placed.
    pub promised_at: Option<Timestamp>,
}

impl Supplier {
    /// The lines of a purchase order, by their ids.
    pub fn lines_of(&self, po_id: &str) -> Vec<SuppliedLineView> {
        let view = |(line_id, line): (&Name, &Line)| SuppliedLineView {
            line_id: line_id.clone(),
            ordered: line.ordered(),
            received: line.received(),
            open: line.open(),
            is_acknowledged: line.is_acknowledged(),
            is_ended: line.is_ended(),
            placed_at: line.placed_at(),
            promised_at: line.promised_when_placed(),
        };
        self.orders.lines_of(po_id).map(view).collect()
    }

    /// Its own name.
    pub fn name(&self) -> &Name {
        &self.supplier
    }
}
