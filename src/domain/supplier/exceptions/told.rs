//! The goods of a line count with one exception of their order only (F44): with the one that says best what is wrong.

use std::collections::BTreeSet;

use super::ABOUT_ORDERS;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::Assessment;
use crate::domain::exception::kind::KindSettings;
use crate::domain::quantity::Quantity;
use crate::domain::supplier::judged::Order;
use crate::domain::supplier::line::Line;

/// What these lines, so much of each, are worth to `kind`: their units, and the goods of those that no exception of the
/// order tells that says better what is wrong.
pub fn assess<'a>(
    kind: &ExceptionType,
    order: &Order<'a>,
    lines: impl Iterator<Item = (&'a Line, Quantity)>,
) -> Assessment {
    let told = told_before(kind, order);
    order.assess(lines.map(|(line, quantity)| (line, quantity, told.contains(&std::ptr::from_ref(line)))))
}

/// The lines that are told by kinds that come before this one.
fn told_before(kind: &ExceptionType, order: &Order<'_>) -> BTreeSet<*const Line> {
    let mut told = BTreeSet::new();
    for other in ABOUT_ORDERS.iter().take_while(|other| other.kind != *kind) {
        if let Some(settings) = tells(&other.kind, order) {
            told.extend((other.lines)(order, &settings).into_iter().map(std::ptr::from_ref));
        }
    }
    told
}

/// What is set about a kind, if it has an exception about the order: those that come before were judged before.
fn tells(kind: &ExceptionType, order: &Order<'_>) -> Option<KindSettings> {
    let key = (order.po_id.clone(), kind.index());
    order.judged.telling.borrow().contains(&key).then(|| order.judged.kind(kind))
}
