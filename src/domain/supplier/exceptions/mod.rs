//! Which exceptions a supplier raises, tells anew or clears, and when to look again.
//!
//! Each kind stands in a file of its own. Those about purchase orders look at orders that are due by an index, that
//! have an exception already, or that SKU-locations name as a cause: never at all of them.

mod acknowledgement_differs;
mod acknowledgement_missing;
mod capacity_exceeded;
mod custom;
mod data_quality;
mod lead_time_drift;
mod purchase_late;
mod purchase_late_predicted;
mod receipt_partial;
mod single_source;
mod supplier_unreliable;
mod told;

use std::collections::BTreeSet;

pub(super) use self::acknowledgement_missing::deadline as acknowledgement_deadline;
pub use self::custom::VARIABLES as CUSTOM_VARIABLES;
use super::judged::{Judged, Order};
use super::line::Line;
use super::order_book::Document;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::slots::ExceptionSlot;
use crate::domain::exception::watch::Watch;
use crate::domain::ids::Name;
use crate::domain::reference::Reference;

/// Orders with an exception of a kind, the most urgent first. More are counted in the supplier's own numbers until others
/// have gone.
const ORDERS_JUDGED_MAX: usize = 256;
/// Lines looked at to find them.
const LINES_LOOKED_AT_MAX: usize = 4_096;

/// A kind of exception about a supplier as such (`Judged`) or about one of its orders (`Order`).
trait Kind<About> {
    /// What the facts say.
    fn condition(about: &About, settings: &KindSettings) -> Condition;

    /// What it is worth.
    fn assess(about: &About, settings: &KindSettings) -> Assessment;

    /// What is said about it.
    fn describe(about: &About, settings: &KindSettings) -> Description;
}

/// A kind about orders, as the others know it.
struct AboutOrders {
    kind: ExceptionType,
    judge: fn(&Judged<'_>, &mut Watch<'_>),
    /// The lines that an exception of this kind is about.
    lines: LinesOf,
}

type LinesOf = for<'o> fn(&Order<'o>, &KindSettings) -> Vec<&'o Line>;

/// The kinds about orders in the order in which they tell best what is wrong: what is grouped under an order, and the goods
/// of its lines, are counted with the first of them.
const ABOUT_ORDERS: [AboutOrders; 5] = [
    AboutOrders {
        kind: ExceptionType::PurchaseLate,
        judge: purchase_late::judge,
        lines: purchase_late::late_lines,
    },
    AboutOrders {
        kind: ExceptionType::PurchaseLatePredicted,
        judge: purchase_late_predicted::judge,
        lines: purchase_late_predicted::late_lines,
    },
    AboutOrders {
        kind: ExceptionType::ReceiptPartial,
        judge: receipt_partial::judge,
        lines: receipt_partial::short_lines,
    },
    AboutOrders {
        kind: ExceptionType::AcknowledgementMissing,
        judge: acknowledgement_missing::judge,
        lines: acknowledgement_missing::missing_lines,
    },
    AboutOrders {
        kind: ExceptionType::AcknowledgementDiffers,
        judge: acknowledgement_differs::judge,
        lines: acknowledgement_differs::differing_lines,
    },
];

/// Judges every kind.
pub(super) fn judge(judged: &Judged<'_>, reference: &Reference, watch: &mut Watch<'_>) {
    for about in &ABOUT_ORDERS {
        (about.judge)(judged, watch);
    }
    about_supplier::<lead_time_drift::LeadTimeDrift>(&ExceptionType::LeadTimeDrift, "", judged, watch);
    // What is overdue counts by time alone, also in the operator's own conditions.
    if let Some(at) = judged.next_overdue_at() {
        watch.review_at(at);
    }
    about_supplier::<supplier_unreliable::SupplierUnreliable>(
        &ExceptionType::SupplierUnreliable,
        "",
        judged,
        watch,
    );
    capacity_exceeded::judge(judged, watch);
    about_supplier::<single_source::SingleSource>(&ExceptionType::SingleSource, "", judged, watch);
    data_quality::judge(judged, watch);
    custom::judge(judged, reference, watch);
}

/// What the facts say of each kind about the supplier as such, if it is not to be raised.
pub(super) fn conditions(judged: &Judged<'_>) -> Vec<(ExceptionType, Condition)> {
    fn said<'j, K: Kind<Judged<'j>>>(kind: ExceptionType, judged: &Judged<'j>) -> (ExceptionType, Condition) {
        let condition = K::condition(judged, &judged.kind(&kind));
        (kind, condition)
    }
    vec![
        said::<lead_time_drift::LeadTimeDrift>(ExceptionType::LeadTimeDrift, judged),
        said::<supplier_unreliable::SupplierUnreliable>(ExceptionType::SupplierUnreliable, judged),
        said::<capacity_exceeded::CapacityExceeded>(ExceptionType::CapacityExceeded, judged),
        said::<single_source::SingleSource>(ExceptionType::SingleSource, judged),
    ]
}

fn about_supplier<'j, K: Kind<Judged<'j>>>(
    kind: &ExceptionType,
    of: &str,
    judged: &Judged<'j>,
    watch: &mut Watch<'_>,
) {
    let settings = watch.kind(kind);
    let condition = K::condition(judged, &settings);
    watch.judge(
        kind,
        of,
        &settings,
        condition,
        || K::assess(judged, &settings),
        |_| K::describe(judged, &settings),
    );
}

/// Judges a kind for the orders that `due` names and those that have such an exception, or nearly.
fn about_orders<K>(
    kind: &ExceptionType,
    judged: &Judged<'_>,
    watch: &mut Watch<'_>,
    settings: &KindSettings,
    due: impl Iterator<Item = Name>,
) where
    K: for<'o> Kind<Order<'o>>,
{
    let slots = watch.slots;
    let needs_a_look =
        |slot: &&ExceptionSlot| slot.open.is_some() || slot.pending_since.is_some() || slot.dismissed;
    let known = slots.slots();
    let first = known.partition_point(|slot| slot.exception_type < *kind);
    let mut orders: BTreeSet<Name> = known[first..]
        .iter()
        .take_while(|slot| slot.exception_type == *kind)
        .filter(needs_a_look)
        .map(|slot| slot.of.clone())
        .collect();
    for po_id in due {
        if orders.len() >= ORDERS_JUDGED_MAX {
            break;
        }
        orders.insert(po_id);
    }
    // An order that was forgotten has nothing open: what is known of it clears.
    let forgotten = Document::default();
    for po_id in &orders {
        let order = Order {
            judged,
            po_id,
            document: judged.supplier.orders.document(po_id).unwrap_or(&forgotten),
            has_members: slots.members(po_id).is_some(),
        };
        let condition = K::condition(&order, settings);
        watch.judge(
            kind,
            po_id,
            settings,
            condition,
            || K::assess(&order, settings),
            |_| K::describe(&order, settings),
        );
        if watch.has_open(kind, po_id) {
            judged.telling.borrow_mut().insert((po_id.clone(), kind.index()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::watch::rank_among_causes;

    #[test]
    fn the_goods_of_an_order_count_with_the_same_exception_as_what_is_grouped_under_it() {
        assert!(ABOUT_ORDERS.is_sorted_by_key(|about| rank_among_causes(&about.kind)));
    }
}
