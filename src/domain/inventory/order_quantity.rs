//! How much to order at once (F14), in whole packs.

/// F14: the quantity at which the cost of ordering and that of holding are least, sqrt(2 K D / h), in units.
///
/// `order_cost` K is what one order costs, `demand_per_year` D in units, `holding_cost` h what a unit costs to hold for
/// a year, in the currency of K. `None` where nothing is demanded or holding costs nothing. F. W. Harris, *How many parts
/// to make at once*, Factory 10, 1913.
pub fn economic_order_quantity(order_cost: f64, demand_per_year: f64, holding_cost: f64) -> Option<f64> {
    let is_known = order_cost >= 0.0 && demand_per_year > 0.0 && holding_cost > 0.0;
    is_known.then(|| (2.0 * order_cost * demand_per_year / holding_cost).sqrt())
}

/// The least multiple of `pack` that is at least `quantity`, both in thousandths of a unit; `quantity` itself without
/// a pack.
pub fn round_up_to_pack(quantity: i64, pack: i64) -> i64 {
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
    fn packs_are_whole() {
        for (quantity, pack, up, down) in
            [(25, 12, 36, 24), (24, 12, 24, 24), (1, 12, 12, 0), (25, 0, 25, 25), (0, 12, 0, 0)]
        {
            assert_eq!((round_up_to_pack(quantity, pack), round_down_to_pack(quantity, pack)), (up, down));
        }
    }

    #[test]
    fn it_is_the_golden_number() {
        let quantity = economic_order_quantity(80.0, 1_000.0, 2.5).unwrap();
        assert!((quantity - 252.982_213).abs() < 5e-7, "{quantity}");
    }

    #[test]
    fn without_demand_or_holding_cost_there_is_none() {
        assert_eq!(economic_order_quantity(80.0, 0.0, 2.5), None);
        assert_eq!(economic_order_quantity(80.0, 1_000.0, 0.0), None);
        assert_eq!(economic_order_quantity(80.0, f64::NAN, 2.5), None);
    }
}
