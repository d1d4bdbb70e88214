//! `supplier_unreliable`: the share of lines on time and in full is at or below `raise`, of at least `minimum` lines;
//! clears at or above `clear`. What on time and in full means is policy, and is said with the number. A line that has not
//! come in full counts from the end of its window on.

use super::Kind;
use crate::domain::exception::Severity;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::supplier::judged::{Judged, assessed};

pub struct SupplierUnreliable;

impl Kind<Judged<'_>> for SupplierUnreliable {
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let otif = judged.otif();
        let Some(share) = otif.share().filter(|_| otif.lines as f64 >= settings.minimum) else {
            return Condition::Clear("too few lines were measured".into());
        };
        if share <= settings.raise {
            Condition::Raised
        } else if share >= settings.clear {
            Condition::Clear("enough lines are on time and in full again".into())
        } else {
            Condition::Between
        }
    }

    fn assess(_: &Judged<'_>, _: &KindSettings) -> Assessment {
        assessed(Severity::Medium, None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings) -> Description {
        let otif = judged.otif();
        let policy = &judged.settings.supplier;
        let cause = format!(
            "{:.0} % of the last {} lines came on time and in full: at least {:.0} % of the quantity, from {} days \
             before to {} days after the date.",
            otif.share().unwrap_or_default() * 100.0,
            otif.lines,
            (1.0 - policy.otif_quantity_tolerance) * 100.0,
            policy.otif_early_days,
            policy.otif_late_days,
        );
        judged.describe(cause, None)
    }
}
