//! How much to order: up to the order-up-to level (F3), economically (F14), in whole packs.

/// F14: sqrt(2 K D / h), in units, for a cost per order `K`, a demand per year `D` in units and a cost `h` of holding
/// one unit for a year, both costs in the same currency. `None` where nothing is demanded or holding costs nothing:
/// then no finite quantity is the best.
pub fn economic_order_quantity(
    cost_per_order: f64,
    demand_per_year: f64,
    holding_cost_per_year: f64,
) -> Option<f64> {
    let is_positive = |value: f64| value.is_finite() && value > 0.0;
    let sensible =
        is_positive(cost_per_order) && is_positive(demand_per_year) && is_positive(holding_cost_per_year);
    sensible.then(|| (2.0 * cost_per_order * demand_per_year / holding_cost_per_year).sqrt())
}

/// The least multiple of `pack` that is at least `quantity`, both in thousandths of a unit; `quantity` itself without
/// a pack.
pub fn round_up_to_pack(quantity: i64, pack: i64) -> i64 {
    if pack <= 0 {
        return quantity;
    }
    let down = round_down_to_pack(quantity, pack);
    if down == quantity { down } else { down.saturating_add(pack) }
}

/// The greatest multiple of `pack` that is at most `quantity`; see [`round_up_to_pack`].
pub fn round_down_to_pack(quantity: i64, pack: i64) -> i64 {
    if pack <= 0 { quantity } else { quantity.div_euclid(pack).saturating_mul(pack) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_economic_quantity_weighs_ordering_against_holding() {
        let quantity = economic_order_quantity(80.0, 1_000.0, 2.5).unwrap();
        assert!((quantity - 252.982_213).abs() < 5e-7, "{quantity}");
        for (k, d, h) in [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (f64::NAN, 1.0, 1.0)] {
            assert_eq!(economic_order_quantity(k, d, h), None);
        }
    }

    #[test]
    fn packs_are_whole() {
        for (quantity, pack, up, down) in
            [(25, 12, 36, 24), (24, 12, 24, 24), (1, 12, 12, 0), (25, 0, 25, 25), (0, 12, 0, 0)]
        {
            assert_eq!((round_up_to_pack(quantity, pack), round_down_to_pack(quantity, pack)), (up, down));
        }
    }
}
