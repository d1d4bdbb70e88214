//! The projected balance day by day (F10, F12). Computed when somebody looks, never stored.

use super::outlook::{Dated, Outlook};
use crate::domain::inventory::projection::{PeriodFlow, ProjectedPeriod, Projection};
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
        let mut projection = Projection::new(self.position.starting_balance().as_f64());
        let (mut receipts_seen, mut orders_seen) = (0, 0);
        bounds.map(move |(day, from, until)| {
            let demand = self.forecast.between(from, until);
            let projected = projection.advance(PeriodFlow {
                receipts: sum_until(&self.receipts, &mut receipts_seen, until),
                demand_mean: demand.mean.max(sum_until(&self.orders, &mut orders_seen, until)),
                demand_variance: demand.variance,
            });
            ProjectedDay { day, from, until, projected }
        })
    }

    /// The first shortage within the days projected.
    pub fn first_shortage(&self) -> Option<Shortage> {
        let mut days = self.days().skip_while(|day| !day.projected.is_short());
        let first = days.next()?;
        let mut last = first;
        loop {
            // When nothing more comes, what is short stays short: there is no need to walk all the days.
            if self.receipts.last().is_none_or(|receipt| receipt.at < last.until) {
                return Some(Shortage { from: crossing(&first), until: None });
            }
            match days.next() {
                Some(next) if next.projected.is_short() => last = next,
                next => return Some(Shortage { from: crossing(&first), until: next.map(|day| day.from) }),
            }
        }
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
