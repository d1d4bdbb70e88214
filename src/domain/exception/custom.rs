//! An operator's own kinds of exceptions: what their conditions may name, and how they are compiled.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use crate::domain::condition::{Condition, ConditionBounds, ConditionError};
use crate::domain::entity::Entity as _;
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::reference::Reference;
use crate::domain::settings::CustomSubject;
use crate::domain::sku_location::SkuLocation;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;

/// What one condition may cost: it is asked whenever its subject changes.
pub const CONDITION_BOUNDS: ConditionBounds = ConditionBounds { length_max: 1_024, depth_max: 16 };

/// The names that a condition about such a subject may use: the fields that the subject shows when it is read.
pub fn fields(about: CustomSubject) -> &'static [String] {
    match about {
        CustomSubject::SkuLocation => &SKU_LOCATION,
        CustomSubject::Supplier => &SUPPLIER,
    }
}

static SKU_LOCATION: LazyLock<Vec<String>> = LazyLock::new(|| {
    let key = EntityKey::SkuLocation {
        tenant: TenantNumber::default(),
        sku: Name::default(),
        location: Name::default(),
    };
    names(&SkuLocation::new(&key).view(Timestamp::default(), &Reference::default(), &key))
});

static SUPPLIER: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tenant = TenantNumber::default();
    let key = EntityKey::Supplier { tenant, supplier: Name::default() };
    names(&Supplier::new(&key).view(tenant, Timestamp::default(), &Reference::default()))
});

/// The names of a view's fields, sorted: an unknown value is null and never absent, so an empty one has them all.
fn names(view: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(view) {
        Ok(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

/// Compiles a condition about such a subject.
///
/// # Errors
/// [`ConditionError`] with the place of the first mistake.
pub fn compile(about: CustomSubject, source: &str) -> Result<Condition, ConditionError> {
    let names: Vec<&str> = fields(about).iter().map(String::as_str).collect();
    Condition::compile(source, &CONDITION_BOUNDS, &names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::condition::JsonVariables;

    #[test]
    fn a_condition_names_what_its_subject_shows() {
        let condition =
            compile(CustomSubject::SkuLocation, "on_hand > 10.0 * reorder_point && sku == 'A'").unwrap();
        let view = serde_json::json!({"on_hand": 21, "reorder_point": 2.0, "sku": "A"});
        let view = view.as_object().unwrap();
        assert_eq!(condition.holds(&JsonVariables(view)), Ok(true));
        assert!(compile(CustomSubject::Supplier, "late_lines > 3").is_ok());
        let foreign = compile(CustomSubject::Supplier, "late_lines > 3 && on_hand > 0").unwrap_err();
        assert_eq!((foreign.line, foreign.column), (1, 19));
    }

    #[test]
    fn a_condition_is_bounded_in_length_and_depth() {
        let long = format!("sku == '{}'", "a".repeat(CONDITION_BOUNDS.length_max));
        assert!(compile(CustomSubject::SkuLocation, &long).is_err());
        let deep = format!("{}on_hand > 0{}", "(".repeat(40), ")".repeat(40));
        let deeper = format!("!{deep}").replace('(', "!(");
        assert!(compile(CustomSubject::SkuLocation, &deeper).is_err());
    }
}
