//! What things here are worth, in the tenant's base currency (F44).

use super::SkuLocation;
use super::parameters::Planning;
use crate::domain::exception::worth::{Amount, exchange_inputs};
use crate::domain::explain::Input;
use crate::domain::money::{Currency, Money, UnitPrice};
use crate::domain::quantity::Quantity;

/// Stock that lies longer than that will have to be written down, where no shelf life says it sooner.
const SELLABLE_DAYS: f64 = 365.0;
const DAYS_PER_YEAR: f64 = 365.0;
/// What is configured as a share is taken in millionths, so that money stays an integer.
const MILLION: i128 = 1_000_000;
/// What is left of such a share for a part of a year, in trillionths: a day's may be small.
const TRILLION: i128 = MILLION * MILLION;

impl SkuLocation {
    /// What `units` that can't be sold cost: their margin and the penalty, less what comes back later. Their price
    /// stands in for the margin where the cost is unknown. `None` without a price or without a rate for its currency.
    pub(super) fn lost_margin(&self, planning: &Planning<'_>, units: Quantity) -> Option<Money> {
        let (price, currency) = self.unit_price(planning)?;
        let cost = self.unit_cost(planning).filter(|(_, of_cost)| *of_cost == currency);
        let cost = cost.map_or(0, |(cost, _)| cost.ten_thousandths());
        let cases = &planning.settings.cases;
        let margin = i128::from(price.ten_thousandths().saturating_sub(cost).max(0)) * MILLION;
        let penalty = i128::from(price.ten_thousandths()) * parts_of(cases.shortage_penalty_share, MILLION);
        let lost = parts_of(1.0 - cases.recapture_share, MILLION);
        let per_unit = margin.saturating_add(penalty).saturating_mul(lost);
        let value = in_base(planning, per_unit, TRILLION, units, currency)?;
        let unit = |ten_thousandths: i64| UnitPrice::from_ten_thousandths(ten_thousandths).as_f64();
        note(planning, "lost_margin", LOST_MARGIN, value, units, currency, || {
            vec![
                Input::said("price", price.as_f64(), self.price_from(planning)),
                Input::said("cost", unit(cost), self.cost_from(planning)),
                Input::said("penalty_share", cases.shortage_penalty_share, "configuration"),
                Input::said("recapture_share", cases.recapture_share, "configuration"),
            ]
        });
        Some(value)
    }

    /// What `units` have cost. `None` without a cost or without a rate for its currency.
    pub(super) fn stock_value(&self, planning: &Planning<'_>, units: Quantity) -> Option<Money> {
        let (cost, currency) = self.unit_cost(planning)?;
        let value = in_base(planning, i128::from(cost.ten_thousandths()), 1, units, currency)?;
        note(planning, "stock_value", STOCK_VALUE, value, units, currency, || {
            vec![Input::said("cost", cost.as_f64(), self.cost_from(planning))]
        });
        Some(value)
    }

    /// What holding `units` for `days` costs.
    pub(super) fn carrying_cost(&self, planning: &Planning<'_>, units: Quantity, days: f64) -> Option<Money> {
        let (cost, currency) = self.unit_cost(planning)?;
        let share_per_year = planning.settings.cases.carrying_cost_share;
        let share = parts_of(share_per_year * days / DAYS_PER_YEAR, TRILLION);
        let per_unit = i128::from(cost.ten_thousandths()).saturating_mul(share);
        let value = in_base(planning, per_unit, TRILLION, units, currency)?;
        note(planning, "carrying_cost", CARRYING_COST, value, units, currency, || {
            vec![
                Input::said("cost", cost.as_f64(), self.cost_from(planning)),
                Input::said("carrying_cost_share", share_per_year, "configuration"),
                Input::said("days", days, "model"),
            ]
        });
        Some(value)
    }

    /// F44 for stock that is too much: what holding it costs until it is burnt off, and what of it will have to be
    /// written down because it is not wanted before its shelf life, or the year, is over. Not its full value.
    ///
    /// `too_much` of `available` units go at `rate_per_day` after all that is not too much.
    pub(super) fn excess_cost(
        &self,
        planning: &Planning<'_>,
        available: Quantity,
        too_much: Quantity,
        rate_per_day: f64,
    ) -> Option<Money> {
        let shelf_life = planning
            .tenant
            .and_then(|tenant| tenant.item(planning.sku))
            .and_then(|item| item.shelf_life_days);
        let sellable_days = shelf_life.unwrap_or(SELLABLE_DAYS);
        let unsellable = units_of(available.as_f64() - rate_per_day * sellable_days).min(too_much).or_zero();
        let burnt_off = too_much - unsellable;
        // It goes evenly, so that on average half of it is there.
        let days = if rate_per_day > 0.0 { burnt_off.as_f64() / rate_per_day / 2.0 } else { 0.0 };
        let carrying = self.carrying_cost(planning, burnt_off, days.min(sellable_days))?;
        let written_down = self.stock_value(planning, unsellable)?;
        let sum = carrying.ten_thousandths().saturating_add(written_down.ten_thousandths());
        Some(Money::from_ten_thousandths(sum, carrying.currency()))
    }

    /// What one unit costs, in base currency, as a number for formulas.
    pub(super) fn unit_cost_in_base(&self, planning: &Planning<'_>) -> Option<f64> {
        let (cost, currency) = self.unit_cost(planning)?;
        // A thousand units keep the decimals that one would lose.
        let thousand = cost.times(Quantity::from_units(1_000), currency);
        planning.tenant?.convert_to_base(thousand).map(|money| money.as_f64() / 1_000.0)
    }

    /// The described one, else the last one seen, with its currency.
    pub(super) fn unit_price(&self, planning: &Planning<'_>) -> Option<(UnitPrice, Currency)> {
        let tenant = planning.tenant?;
        let described = tenant.item(planning.sku).and_then(|item| {
            item.unit_price.map(|price| (price, item.currency.unwrap_or(tenant.base_currency)))
        });
        let seen =
            || self.price_seen.map(|seen| (seen.unit_price(), seen.currency.unwrap_or(tenant.base_currency)));
        described.or_else(seen)
    }

    fn price_from(&self, planning: &Planning<'_>) -> &'static str {
        let item = planning.tenant.and_then(|tenant| tenant.item(planning.sku));
        if item.is_some_and(|item| item.unit_price.is_some()) { "item" } else { "event" }
    }

    fn cost_from(&self, planning: &Planning<'_>) -> &'static str {
        let item = planning.tenant.and_then(|tenant| tenant.item(planning.sku));
        match self.unit_cost(planning) {
            None => "nothing",
            Some(_) if item.is_some_and(|item| item.unit_cost.is_some()) => "item",
            Some(_) => "sourcing",
        }
    }

    /// The described one, else that of the best source, which is told in base currency.
    pub(super) fn unit_cost(&self, planning: &Planning<'_>) -> Option<(UnitPrice, Currency)> {
        let tenant = planning.tenant?;
        let described = tenant.item(planning.sku).and_then(|item| {
            item.unit_cost.map(|cost| (cost, item.currency.unwrap_or(tenant.base_currency)))
        });
        described.or_else(|| {
            let mut sources = tenant.sourcing_at(planning.sku, planning.location, planning.now);
            sources.find_map(|set| set.unit_cost).map(|cost| (cost, tenant.base_currency))
        })
    }
}

/// The formulas of the amounts that are noted. Shares are rounded to millionths, those of a part of a year to trillionths.
/// What a unit is worth is not rounded: it may be less than any decimals that money has. What all are worth is, half to
/// even to four decimals, and then to the minor unit.
const LOST_MARGIN: &str = "round(round_even(round_even(units * (max(0, price - cost) + price * round(penalty_share, 6)) * round(1 - recapture_share, 6), 4) * rate, 4), decimals)";
const STOCK_VALUE: &str = "round(round_even(round_even(units * cost, 4) * rate, 4), decimals)";
const CARRYING_COST: &str = "round(round_even(round_even(units * cost * round(carrying_cost_share * days / 365, 12), 4) * rate, 4), decimals)";

/// Notes an amount where somebody asks for it.
fn note(
    planning: &Planning<'_>,
    name: &'static str,
    formula: &'static str,
    value: Money,
    units: Quantity,
    currency: Currency,
    inputs: impl FnOnce() -> Vec<Input>,
) {
    let Some(ledger) = planning.ledger else { return };
    let mut inputs = inputs();
    inputs.push(Input::said("units", units.as_f64(), "model"));
    inputs.extend(exchange_inputs(planning.tenant, currency, value.currency()));
    ledger.note(Amount { name, formula, value, inputs });
}

/// A number of units as a quantity.
pub fn units_of(units: f64) -> Quantity {
    use crate::domain::quantity::QUANTITY_MILLI_MAX;
    // Not-a-number becomes 0.
    let milli = (units * 1_000.0).round() as i64;
    Quantity::from_milli(milli.clamp(-QUANTITY_MILLI_MAX, QUANTITY_MILLI_MAX))
}

/// What `units` are worth at so many ten-thousandths of the currency each, counted in that many `parts` of one.
fn in_base(
    planning: &Planning<'_>,
    per_unit: i128,
    parts: i128,
    units: Quantity,
    currency: Currency,
) -> Option<Money> {
    let value = Money::of_units(per_unit, parts, units, currency);
    planning.tenant?.convert_to_base(value).map(to_minor_units)
}

/// A share as so many parts of that many.
fn parts_of(share: f64, parts: i128) -> i128 {
    i128::from((share * parts as f64).round() as i64)
}

/// Money is written in minor units; held finer it would not be the same after a replay.
fn to_minor_units(money: Money) -> Money {
    let unit = 10_i64.pow(4 - money.currency().minor_digits().min(4));
    let value = money.ten_thousandths();
    let rounded = value.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit);
    Money::from_ten_thousandths(rounded, money.currency())
}
