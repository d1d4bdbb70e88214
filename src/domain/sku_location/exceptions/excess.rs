//! `excess`: there is far more than is ever meant to be here (F13).
//!
//! The target maximum is the reorder point and one order's quantity, or the policy's most days of cover. Raised when
//! what is available is `raise` times that for the periods in a row that are set, and at least `minimum` units beyond
//! it; cleared at `clear` times. Only where something is demanded: what is not is `dead_stock`, which it is not beside.

use super::{Judged, Kind};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::inventory::order_quantity::economic_order_quantity;
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::worth::units_of;

/// An order is not taken to last longer than that, however cheap it is to hold.
const ORDER_DAYS_MAX: f64 = 90.0;
const DAYS_PER_YEAR: f64 = 365.0;

pub struct Excess;

impl Judged<'_> {
    /// The most that is meant to be here, in units: the policy's most days of cover, else reorder point and order
    /// quantity.
    pub fn target_maximum(&self) -> f64 {
        let outlook = self.outlook;
        match outlook.planning.parameters.max_cover_days {
            Some(days) => outlook.rate_per_day * days,
            None => self.reorder_point() + self.order_quantity(),
        }
    }

    /// What is ordered at once, in units: the economic order quantity (F14) where the cost is known, else the demand of
    /// the lead time; not more than is demanded in a quarter or in the shelf life, and not less than the least order.
    fn order_quantity(&self) -> f64 {
        let planning = self.outlook.planning;
        let rate = self.outlook.rate_per_day;
        let cases = &planning.settings.cases;
        let economic = self.place.unit_cost_in_base(planning).and_then(|cost| {
            let holding = cost * cases.carrying_cost_share;
            economic_order_quantity(cases.order_cost, rate * DAYS_PER_YEAR, holding)
        });
        let shelf_life =
            planning.tenant.and_then(|tenant| tenant.item(planning.sku)?.shelf_life_days).unwrap_or(f64::MAX);
        let most = rate * ORDER_DAYS_MAX.min(shelf_life);
        let wanted = economic.unwrap_or(self.outlook.lead_time_demand.mean).min(most);
        let least = planning.tenant.and_then(|tenant| {
            let set = tenant.sourcing_at(planning.sku, planning.location, planning.now).next()?;
            set.moq.max(set.pack)
        });
        wanted.max(least.map_or(0.0, Quantity::as_f64))
    }

    fn beyond_target(&self) -> Quantity {
        (self.outlook.position.available() - units_of(self.target_maximum())).or_zero()
    }
}

impl Kind for Excess {
    const TYPE: ExceptionType = ExceptionType::Excess;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let outlook = judged.outlook;
        let available = outlook.position.available().as_f64();
        const NOT_ANY_MORE: &str = "stock is near its target again";
        // The target is never below the reorder point, which is at hand.
        let least_target = match outlook.planning.parameters.max_cover_days {
            Some(days) => outlook.rate_per_day * days,
            None => judged.reorder_point(),
        };
        if available < settings.minimum || available <= settings.clear * least_target {
            return Condition::Clear(NOT_ANY_MORE.into());
        }
        if outlook.rate_per_day <= 0.0 {
            return Condition::Clear("nothing is demanded at all".into());
        }
        if judged.is_dead {
            return Condition::Clear("superseded by dead_stock".into());
        }
        let target = judged.target_maximum();
        let condition =
            Condition::above(available, settings.raise * target, settings.clear * target, NOT_ANY_MORE);
        match condition {
            Condition::Raised if available - target < settings.minimum => Condition::Between,
            condition => condition,
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let outlook = judged.outlook;
        let units = judged.beyond_target();
        let available = outlook.position.available();
        let value = judged.place.excess_cost(outlook.planning, available, units, outlook.rate_per_day);
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let outlook = judged.outlook;
        let beyond = judged.beyond_target();
        let days = beyond.as_f64() / outlook.rate_per_day;
        let cause = format!(
            "{} available, {beyond} beyond the target of {:.3}: at {:.3} a day it takes {days:.0} days to burn off",
            outlook.position.available(),
            judged.target_maximum(),
            outlook.rate_per_day,
        );
        judged.description(judged.window_since_opened(&Self::TYPE), None, None, cause)
    }
}
