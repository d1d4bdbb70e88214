//! `custom.NAME`: an operator's own conditions over what a SKU-location shows.

use super::Judged;
use crate::domain::condition::{Value, Variables};
use crate::domain::demand::classification::DemandClass;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::Condition;
use crate::domain::exception::watch::Watch;
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::settings::CustomSubject;

/// The names that conditions about SKU-locations have: the fields of the view. Numbers are doubles.
pub const VARIABLES: [&str; 22] = [
    "sku",
    "location",
    "on_hand",
    "blocked",
    "reserved",
    "due",
    "available",
    "backorders",
    "on_order",
    "planned",
    "in_transit",
    "inventory_position",
    "demand_rate_per_day",
    "demand_class",
    "days_of_cover",
    "safety_stock",
    "reorder_point",
    "lead_time_days",
    "stockout_probability",
    "stockout_horizon_days",
    "projected_stockout_at",
    "open_exceptions",
];

impl Variables for Judged<'_> {
    fn value<'a>(&'a self, _: usize, name: &str) -> Value<'a> {
        let units = |quantity: Quantity| Value::Double(quantity.as_f64());
        let outlook = self.outlook;
        let position = &outlook.position;
        match name {
            "sku" => Value::text(&self.place.sku),
            "location" => Value::text(&self.place.location),
            "on_hand" => units(position.on_hand),
            "blocked" => units(self.place.blocked()),
            "reserved" => units(position.reserved()),
            "due" => units(position.due),
            "available" => units(position.available()),
            "backorders" => units(position.backorders()),
            "on_order" => units(position.on_order),
            "planned" => units(position.planned),
            "in_transit" => units(self.place.in_transit()),
            "inventory_position" => units(position.inventory_position()),
            "demand_rate_per_day" => Value::Double(outlook.rate_per_day),
            "demand_class" => self.demand.class().map_or(Value::Null, |class| {
                Value::text(match class {
                    DemandClass::Smooth => "smooth",
                    DemandClass::Erratic => "erratic",
                    DemandClass::Intermittent => "intermittent",
                    DemandClass::Lumpy => "lumpy",
                })
            }),
            "days_of_cover" if outlook.rate_per_day > 0.0 => {
                Value::Double(position.available().as_f64() / outlook.rate_per_day)
            }
            "safety_stock" => Value::Double(self.safety_stock()),
            "reorder_point" => Value::Double(self.reorder_point()),
            "lead_time_days" => Value::Double(outlook.planning.parameters.lead_time_days),
            "stockout_probability" => Value::Double(outlook.stockout_probability()),
            "stockout_horizon_days" => Value::Double(outlook.planning.horizon_days()),
            "projected_stockout_at" => {
                outlook.first_shortage().map_or(Value::Null, |shortage| Value::Time(shortage.from))
            }
            "open_exceptions" => Value::Double(self.place.exceptions.open_built_in() as f64),
            _ => Value::Null,
        }
    }
}

pub fn judge(watch: &mut Watch<'_>, judged: &Judged<'_>, reference: &Reference) {
    let own = reference.own_kinds(CustomSubject::SkuLocation);
    for kind in own {
        let settings = watch.kind(&kind.exception_type);
        let condition =
            if settings.enabled { kind.condition(judged) } else { Condition::Clear("switched off".into()) };
        watch.judge(
            &kind.exception_type,
            "",
            &settings,
            condition,
            || {
                let severity = kind.severity;
                super::Assessment { severity, ..judged.assessment(None, None, None) }
            },
            |_| {
                let window = judged.window_since_opened(&kind.exception_type);
                judged.description(window, None, None, kind.title.clone())
            },
        );
    }
    // What is configured no longer goes.
    let slots = watch.slots;
    for slot in slots.slots().iter().filter(|slot| slot.open.is_some() || slot.pending_since.is_some()) {
        let is_gone = matches!(slot.exception_type, ExceptionType::Custom(_))
            && own.iter().all(|kind| kind.exception_type != slot.exception_type);
        if is_gone {
            super::clear_one(watch, &slot.exception_type, &slot.of, "it is not configured any more");
        }
    }
}
