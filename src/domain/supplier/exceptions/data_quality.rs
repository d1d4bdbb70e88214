//! `data_quality` of a supplier: a line was received before it was ordered, by the times in the events. Such receipts are
//! not measured; it clears when there was none for a week.

use super::{Kind, about_supplier};
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionType, Severity};
use crate::domain::supplier::judged::{Judged, assessed};
use crate::domain::time::DAY;

/// How long such a receipt is news.
const NEWS: i64 = 7 * DAY;

/// Apart from what else may be wrong with a supplier's data.
const OF: &str = ":receipts";

struct DirtyReceipts;

/// Judges it, and looks again when the last one is no news any more.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    if let Some(dirty) = &judged.supplier.dirty {
        watch.review_at(dirty.seen_at.plus(NEWS));
    }
    about_supplier::<DirtyReceipts>(&ExceptionType::DataQuality, OF, judged, watch);
}

impl Kind<Judged<'_>> for DirtyReceipts {
    fn condition(judged: &Judged<'_>, _: &KindSettings) -> Condition {
        let dirty = judged.supplier.dirty.as_ref();
        let is_news = dirty.is_some_and(|dirty| judged.now < dirty.seen_at.plus(NEWS));
        Condition::holds(is_news, "none was received before it was ordered for a week")
    }

    fn assess(_: &Judged<'_>, _: &KindSettings) -> Assessment {
        assessed(Severity::Low, None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings) -> Description {
        let count = judged.supplier.receipts.receipts_before_order();
        let cause = format!(
            "{count} lines were received before they were ordered, by the times in the events. They are not measured."
        );
        let evidence = judged.supplier.dirty.iter().map(|dirty| dirty.evidence.clone()).collect();
        Description { evidence, ..judged.describe(cause, None) }
    }
}
