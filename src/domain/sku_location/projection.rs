//! The projected balance day by day (F10, F12). Computed when somebody looks, never stored.

use super::outlook::{Dated, Outlook};
use crate::domain::inventory::projection::{PeriodFlow, ProjectedPeriod, project};
use crate::domain::time::{Day, Timestamp};

/// A local day of the projection; the first is what is left of today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProjectedDay {
    pub day: Day,
    pub from: Timestamp,
    pub until: Timestamp,
    pub projected: ProjectedPeriod,
}

/// The first shortage of a projection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortage {
    /// The moment at which the balance falls below zero, if demand is even over the day.
    pub from: Timestamp,
    /// The end of the last day in a row that ends short; `None` if that is the last day projected.
    pub until: Option<Timestamp>,
}

impl Outlook<'_> {
    /// Day by day: receipts of the day come first, demand is the greater of forecast and orders due that day.
    pub fn days(&self) -> impl Iterator<Item = ProjectedDay> {
        let zone = self.planning.zone();
        let now = self.planning.now;
        let today = now.day(zone);
        let days = i32::try_from(self.planning.settings.sku_location.projection_days).unwrap_or(i32::MAX);
        let bounds = (0..days).scan(now, move |from, index| {
            let until = today.plus(index + 1).start(zone).max(*from);
            Some((today.plus(index), std::mem::replace(from, until), until))
        });
        let flows = bounds.clone().scan((0, 0), move |(receipts_seen, orders_seen), (_, from, until)| {
            let demand = self.forecast.between(from, until);
            Some(PeriodFlow {
                receipts: sum_until(&self.receipts, receipts_seen, until),
                demand_mean: demand.mean.max(sum_until(&self.orders, orders_seen, until)),
                demand_variance: demand.variance,
            })
        });
        let projected = project(self.position.starting_balance().as_f64(), flows);
        bounds.zip(projected).map(|((day, from, until), projected)| ProjectedDay {
            day,
            from,
            until,
            projected,
        })
    }

    /// The first shortage within the days projected.
    pub fn first_shortage(&self) -> Option<Shortage> {
        let mut days = self.days().skip_while(|day| !day.projected.is_short());
        let first = days.next()?;
        let last_and_next = days.map(|day| (day.from, day.projected.is_short()));
        let until = last_and_next.into_iter().find(|(_, is_short)| !is_short).map(|(from, _)| from);
        Some(Shortage { from: crossing(&first), until })
    }
}

/// When a day's balance falls below zero, with its receipts at the start and its demand spread evenly.
fn crossing(day: &ProjectedDay) -> Timestamp {
    let ProjectedPeriod { balance, demand, .. } = day.projected;
    let at_start = balance + demand;
    if at_start <= 0.0 || demand <= 0.0 {
        return day.from;
    }
    let length = (day.until.micros() - day.from.micros()) as f64;
    day.from.plus((length * (at_start / demand)) as i64)
}

/// The units dated before `until` that were not seen before.
fn sum_until(dated: &[Dated], seen: &mut usize, until: Timestamp) -> f64 {
    let mut sum = 0.0;
    while let Some(next) = dated.get(*seen).filter(|next| next.at < until) {
        sum += next.units;
        *seen += 1;
    }
    sum
}
