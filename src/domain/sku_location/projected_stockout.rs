//! `projected_stockout`: what is here and on its way will probably not last for lead time and review period.

use super::outlook::Outlook;
use super::reconcile::Step;

/// What should become of the exception at a stockout probability. Never beside `shortage_now`, which says more.
pub fn step(outlook: &Outlook<'_>, probability: f64, is_open: bool, is_short_now: bool) -> Step {
    let settings = &outlook.planning.settings.exceptions.projected_stockout;
    if !settings.enabled {
        return Step::off(is_open);
    }
    match (is_open, is_short_now) {
        (true, true) => Step::Clear("superseded by shortage_now"),
        (false, true) => Step::Rest,
        (true, false) if probability <= settings.clear_probability => {
            Step::Clear("a stockout is no longer probable")
        }
        (true, false) => Step::Hold,
        (false, false) if probability >= settings.raise_probability => Step::Hold,
        (false, false) => Step::Rest,
    }
}

/// A sentence about it.
pub fn cause(outlook: &Outlook<'_>, probability: f64) -> String {
    format!(
        "stockout with a probability of {probability:.2} within {:.1} days: {} on hand, {} on order, demand of {:.3} a day",
        outlook.planning.horizon_days(),
        outlook.position.on_hand,
        outlook.position.on_order,
        outlook.rate_per_day
    )
}
