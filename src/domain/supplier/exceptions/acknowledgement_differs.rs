//! `acknowledgement_differs`: the supplier acknowledged a quantity that differs by more than `raise` of what was ordered,
//! or a date that is `days` later or more. Clears when the order is changed, or acknowledged otherwise, or nothing of it
//! is open.

use super::{Kind, about_orders, told};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::quantity::Quantity;
use crate::domain::supplier::judged::{Judged, Order};
use crate::domain::supplier::line::{Difference, Line};

const KIND: ExceptionType = ExceptionType::AcknowledgementDiffers;

struct AcknowledgementDiffers;

/// Judges the orders with any difference.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let settings = watch.kind(&KIND);
    let due = judged.supplier.orders.differing().cloned();
    about_orders::<AcknowledgementDiffers>(&KIND, judged, watch, &settings, due);
}

fn differing<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<(&'a Line, Difference)> {
    order
        .open_lines()
        .filter_map(|line| Some((line, line.difference()?)))
        .filter(|(_, difference)| {
            difference.share() > settings.raise || difference.later_days >= settings.days.max(f64::EPSILON)
        })
        .collect()
}

/// Open lines that were acknowledged otherwise than they were ordered.
pub fn differing_lines<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<&'a Line> {
    differing(order, settings).into_iter().map(|(line, _)| line).collect()
}

impl Kind<Order<'_>> for AcknowledgementDiffers {
    fn condition(order: &Order<'_>, settings: &KindSettings) -> Condition {
        let holds = !differing(order, settings).is_empty();
        Condition::holds(holds, "order and acknowledgement agree, or nothing of it is open any more")
    }

    /// What is acknowledged too little or too late.
    fn assess(order: &Order<'_>, settings: &KindSettings) -> Assessment {
        told::assess(
            &KIND,
            order,
            differing(order, settings).into_iter().map(|(line, difference)| {
                let missing = (difference.asked - difference.answered).or_zero();
                let is_later = difference.later_days >= settings.days.max(f64::EPSILON);
                (line, if is_later { line.open().max(missing) } else { missing })
            }),
        )
    }

    fn describe(order: &Order<'_>, settings: &KindSettings) -> Description {
        let lines = differing(order, settings);
        let asked: Quantity = lines.iter().map(|(_, difference)| difference.asked).sum();
        let answered: Quantity = lines.iter().map(|(_, difference)| difference.answered).sum();
        let later = lines.iter().map(|(_, difference)| difference.later_days).fold(0.0, f64::max);
        let dates = if later > 0.0 { format!(", up to {later:.1} days later") } else { String::new() };
        let cause = format!(
            "Of {} lines {asked} units were ordered and {answered} acknowledged{dates}.",
            lines.len()
        );
        order.describe(lines.into_iter().map(|(line, _)| line), cause)
    }
}
