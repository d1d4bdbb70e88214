//! One SKU-location as the outside sees it.

use serde::Serialize;

use super::SkuLocation;
use super::outlook::{Outlook, rolled_demand};
use super::parameters::Planning;
use crate::domain::demand::classification::DemandClass;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::inventory::projection::shortage_windows;
use crate::domain::plain;
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

/// `GET /api/v1/sku-locations/{sku}/{location}` without `lsn`, `position` and `as_of`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SkuLocationView {
    pub sku: Name,
    pub location: Name,
    pub on_hand: Quantity,
    /// Blocked and damaged.
    pub blocked: Quantity,
    pub reserved: Quantity,
    pub due: Quantity,
    pub available: Quantity,
    pub backorders: Quantity,
    pub on_order: Quantity,
    pub planned: Quantity,
    pub in_transit: Quantity,
    pub inventory_position: Quantity,
    #[serde(serialize_with = "plain::number")]
    pub demand_rate_per_day: f64,
    /// `None` until there is enough history.
    pub demand_class: Option<DemandClass>,
    /// Available ÷ rate; `None` without demand.
    #[serde(serialize_with = "plain::optional")]
    pub days_of_cover: Option<f64>,
    /// Units, as are all other statistics.
    #[serde(serialize_with = "plain::number")]
    pub safety_stock: f64,
    #[serde(serialize_with = "plain::number")]
    pub reorder_point: f64,
    #[serde(serialize_with = "plain::number")]
    pub lead_time_days: f64,
    /// Within `stockout_horizon_days`.
    #[serde(serialize_with = "plain::number")]
    pub stockout_probability: f64,
    #[serde(serialize_with = "plain::number")]
    pub stockout_horizon_days: f64,
    /// `None` if the balance stays above zero for all days projected.
    pub projected_stockout_at: Option<Timestamp>,
    pub open_exceptions: usize,
}

/// `…/projection` without `lsn`, `position` and `as_of`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectionView {
    pub sku: Name,
    pub location: Name,
    pub projected_stockout_at: Option<Timestamp>,
    pub days: Vec<ProjectionDayView>,
    pub shortage_windows: Vec<ShortageWindowView>,
}

/// One local day; the first is what is left of today.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectionDayView {
    /// `YYYY-MM-DD`.
    pub day: String,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Units, as are all that follow.
    #[serde(serialize_with = "plain::number")]
    pub receipts: f64,
    /// The greater of forecast and orders due.
    #[serde(serialize_with = "plain::number")]
    pub demand: f64,
    /// At the end of the day.
    #[serde(serialize_with = "plain::number")]
    pub balance: f64,
    /// The balance that is undercut with a probability of 10 %.
    #[serde(serialize_with = "plain::number")]
    pub p10: f64,
    /// The balance that is exceeded with a probability of 10 %.
    #[serde(serialize_with = "plain::number")]
    pub p90: f64,
}

/// Days in a row that end short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShortageWindowView {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl SkuLocation {
    /// The place as of `now`; nothing changes by looking.
    pub fn view(&self, now: Timestamp, reference: &Reference, key: &EntityKey) -> SkuLocationView {
        let planning = Planning::of(self, key.tenant(), now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let position = outlook.position;
        let rate = outlook.rate_per_day;
        SkuLocationView {
            sku: self.sku.clone(),
            location: self.location.clone(),
            on_hand: position.on_hand,
            blocked: self.blocked(),
            reserved: position.reserved(),
            due: position.due,
            available: position.available(),
            backorders: position.backorders(),
            on_order: position.on_order,
            planned: position.planned,
            in_transit: self.in_transit(),
            inventory_position: position.inventory_position(),
            demand_rate_per_day: rate,
            demand_class: demand.class(),
            days_of_cover: (rate > 0.0).then(|| position.available().as_f64() / rate),
            safety_stock: outlook.safety_stock(),
            reorder_point: outlook.reorder_point(),
            lead_time_days: planning.parameters.lead_time_days,
            stockout_probability: outlook.stockout_probability(),
            stockout_horizon_days: planning.horizon_days(),
            projected_stockout_at: outlook.first_shortage().map(|shortage| shortage.from),
            open_exceptions: self.exceptions.open_count(),
        }
    }

    /// The place's balance day by day from `now` on.
    pub fn projection(&self, now: Timestamp, reference: &Reference, key: &EntityKey) -> ProjectionView {
        let planning = Planning::of(self, key.tenant(), now, reference);
        let rolled = rolled_demand(self, &planning);
        let outlook = Outlook::of(self, rolled.as_ref().unwrap_or(&self.demand), &planning);
        let days: Vec<ProjectionDayView> = outlook
            .days()
            .map(|day| ProjectionDayView {
                day: day.day.to_string(),
                from: day.from,
                until: day.until,
                receipts: day.projected.receipts,
                demand: day.projected.demand,
                balance: day.projected.balance,
                p10: day.projected.p10(),
                p90: day.projected.p90(),
            })
            .collect();
        let windows = shortage_windows(outlook.days().map(|day| day.projected));
        ProjectionView {
            sku: self.sku.clone(),
            location: self.location.clone(),
            projected_stockout_at: outlook.first_shortage().map(|shortage| shortage.from),
            shortage_windows: windows
                .iter()
                .map(|window| ShortageWindowView {
                    from: days[window.from].from,
                    until: days[window.until - 1].until,
                })
                .collect(),
            days,
        }
    }
}
