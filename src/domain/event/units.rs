//! Units of measure: what a quantity is in the base unit of its item, in which everything else is counted.

use super::data::{ItemDescribed, PosSale};
use crate::domain::ids::Name;
use crate::domain::money::{UNIT_PRICE_MAX, UnitPrice};
use crate::domain::quantity::{QUANTITY_MILLI_MAX, Quantity};

/// Why a quantity can't be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("`{uom}` is no unit of measure of this item: there are {known}")]
    Unknown { uom: Name, known: String },
    #[error("{quantity} {uom} are less than a thousandth or more than 1,000,000,000 base units")]
    Bounds { quantity: Quantity, uom: Name },
}

impl ItemDescribed {
    /// Base units in one of that unit of measure. One that is not listed is the base unit, unless that has another name.
    fn base_units_in(&self, uom: &Name) -> Result<f64, UnitError> {
        if self.uom.as_ref() == Some(uom) {
            return Ok(1.0);
        }
        let listed = self.uoms.iter().find(|unit| unit.uom == *uom);
        match (listed, &self.uom) {
            (Some(unit), _) => Ok(unit.factor),
            (None, None) => Ok(1.0),
            (None, Some(base)) => {
                let names = std::iter::once(base).chain(self.uoms.iter().map(|unit| &unit.uom));
                let known = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                Err(UnitError::Unknown { uom: uom.clone(), known })
            }
        }
    }
}

/// A sale in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseSale {
    /// Rounded to thousandths.
    pub quantity: Quantity,
    /// Of one base unit, rounded to its four decimals; unknown if these can't tell it.
    pub unit_price: Option<UnitPrice>,
}

impl PosSale {
    /// The sale in base units of its item, as far as that was described. Of an item that nobody described, quantities are
    /// base units, whatever they are called.
    ///
    /// # Errors
    /// [`UnitError`] if the item has no such unit, or the quantity in base units is beyond what can be counted.
    pub fn in_base_units(&self, item: Option<&ItemDescribed>) -> Result<BaseSale, UnitError> {
        let as_told = BaseSale { quantity: self.quantity, unit_price: self.unit_price };
        let (Some(uom), Some(item)) = (&self.uom, item) else { return Ok(as_told) };
        let factor = item.base_units_in(uom)?;
        // The usual case, and an exact one: a factor of 1 changes nothing.
        if factor.to_bits() == 1.0_f64.to_bits() {
            return Ok(as_told);
        }
        let milli = (self.quantity.milli() as f64 * factor).round();
        if !(1.0..=QUANTITY_MILLI_MAX as f64).contains(&milli) {
            return Err(UnitError::Bounds { quantity: self.quantity, uom: uom.clone() });
        }
        // A price that four decimals can't tell is unknown, and not nothing.
        let of_one = |price: UnitPrice| {
            let one = (price.ten_thousandths() as f64 / factor).round();
            let can_be_told = (one >= 1.0 || price.ten_thousandths() == 0) && one <= UNIT_PRICE_MAX as f64;
            can_be_told.then(|| UnitPrice::from_ten_thousandths(one as i64))
        };
        Ok(BaseSale {
            quantity: Quantity::from_milli(milli as i64),
            unit_price: self.unit_price.and_then(of_one),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::event::{EventData, parse};

    fn item(data: serde_json::Value) -> ItemDescribed {
        match parse("item.described", &data.to_string()) {
            Ok(EventData::ItemDescribed(item)) => *item,
            other => panic!("{other:?}"),
        }
    }

    fn sale(quantity: &str, uom: Option<&str>) -> PosSale {
        PosSale {
            sku: Name::const_new("S"),
            location: Name::const_new("L"),
            quantity: Quantity::parse(quantity).unwrap(),
            unit_price: Some(UnitPrice::from_ten_thousandths(240_000)),
            currency: None,
            uom: uom.map(Name::from),
        }
    }

    fn check(item: Option<&ItemDescribed>, quantity: &str, uom: Option<&str>, expected: &str, price: i64) {
        let base = sale(quantity, uom).in_base_units(item).unwrap();
        assert_eq!(base.quantity, Quantity::parse(expected).unwrap());
        assert_eq!(base.unit_price, Some(UnitPrice::from_ten_thousandths(price)));
    }

    #[test]
    fn a_case_of_twelve_is_twelve() {
        let tiny = item(json!({"sku": "S", "uom": "gram", "uoms": [{"uom": "tonne", "factor": 1_000_000}]}));
        assert_eq!(sale("1", Some("tonne")).in_base_units(Some(&tiny)).unwrap().unit_price, None);
        let item = item(json!({
            "sku": "S", "uom": "each", "uoms": [{"uom": "case", "factor": 12}, {"uom": "gram", "factor": 0.001}]
        }));
        check(Some(&item), "2", Some("case"), "24", 20_000);
        check(Some(&item), "0.5", Some("case"), "6", 20_000);
        check(Some(&item), "1500", Some("gram"), "1.5", 240_000_000);
        for base in [Some("each"), None] {
            check(Some(&item), "2", base, "2", 240_000);
        }
        let unknown = sale("2", Some("pallet")).in_base_units(Some(&item)).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "`pallet` is no unit of measure of this item: there are `each`, `case`, `gram`"
        );
        for beyond in ["0.4", "0.001"] {
            let bounds = sale(beyond, Some("gram")).in_base_units(Some(&item));
            assert!(matches!(bounds, Err(UnitError::Bounds { .. })), "{bounds:?}");
        }
        assert!(sale("1000000000", Some("case")).in_base_units(Some(&item)).is_err());
    }

    #[test]
    fn without_a_named_base_unit_any_other_name_is_it() {
        let nameless = item(json!({"sku": "S", "uoms": [{"uom": "case", "factor": 6}]}));
        check(Some(&nameless), "3", Some("case"), "18", 40_000);
        check(Some(&nameless), "3", Some("piece"), "3", 240_000);
        check(Some(&item(json!({"sku": "S"}))), "3", Some("piece"), "3", 240_000);
        check(None, "3", Some("piece"), "3", 240_000);
    }
}
