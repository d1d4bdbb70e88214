//! `shortage_now`: orders that are due can't be shipped, or there is demand and nothing on hand.

use super::outlook::Outlook;
use super::reconcile::Step;
use crate::domain::quantity::Quantity;

/// What should become of the exception. Raised with backorders, or with nothing on hand and demand; cleared without
/// backorders and with some days' demand on hand again.
pub fn step(outlook: &Outlook<'_>, is_open: bool) -> Step {
    let settings = &outlook.planning.settings.exceptions.shortage_now;
    let position = &outlook.position;
    let has_demand =
        outlook.rate_per_day > 0.0 || outlook.has_unfinished_demand || position.due.is_positive();
    let is_short = position.backorders().is_positive() || (!position.on_hand.is_positive() && has_demand);
    if !settings.enabled {
        return Step::off(is_open);
    }
    if !is_open {
        return if is_short { Step::Hold } else { Step::Rest };
    }
    let enough = settings.clear_days_of_demand * outlook.rate_per_day;
    if !is_short && position.on_hand.as_f64() >= enough {
        Step::Clear("stock covers what is due and the demand of the next days")
    } else {
        Step::Hold
    }
}

/// A sentence about it.
pub fn cause(outlook: &Outlook<'_>) -> String {
    let position = &outlook.position;
    if position.backorders() > Quantity::ZERO {
        format!("{} backordered: {} due, {} on hand", position.backorders(), position.due, position.on_hand)
    } else {
        format!("{} on hand with a demand of {:.3} a day", position.on_hand, outlook.rate_per_day)
    }
}
