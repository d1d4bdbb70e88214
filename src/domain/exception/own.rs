//! An operator's own kinds, compiled once when their configuration is activated.

use std::sync::OnceLock;

use super::Severity;
use super::assessment::Condition;
use super::kind::ExceptionType;
use crate::domain::condition::{self, ConditionBounds, ConditionError, Variables};
use crate::domain::settings::{CustomException, CustomSubject, ExceptionSettings};
use crate::domain::{sku_location, supplier};

/// What the condition of an own kind may cost.
pub const OWN_CONDITION_BOUNDS: ConditionBounds = ConditionBounds { length_max: 1_024, depth_max: 32 };

/// The names that a condition about such a subject may use.
pub fn variables(about: CustomSubject) -> &'static [&'static str] {
    match about {
        CustomSubject::SkuLocation => &sku_location::CUSTOM_VARIABLES,
        CustomSubject::Supplier => &supplier::CUSTOM_VARIABLES,
    }
}

/// Compiles a condition about such a subject.
///
/// # Errors
/// [`ConditionError`] with the place of the first mistake.
pub fn compile(about: CustomSubject, source: &str) -> Result<condition::Condition, ConditionError> {
    condition::Condition::compile(source, &OWN_CONDITION_BOUNDS, variables(about))
}

/// One own kind.
#[derive(Debug)]
pub struct OwnKind {
    pub exception_type: ExceptionType,
    /// A sentence for people.
    pub title: String,
    pub severity: Severity,
    raise: condition::Condition,
    clear: Option<condition::Condition>,
}

impl OwnKind {
    /// Compiles it; `None` if a condition is none. The configuration does not let such a one in: what is left out here
    /// can only come from a journal that an older version wrote.
    fn compile(custom: &CustomException) -> Option<OwnKind> {
        let compiled = |source: &str| compile(custom.about, source).ok();
        let clear = match &custom.clear {
            Some(source) => Some(compiled(source)?),
            None => None,
        };
        Some(OwnKind {
            exception_type: custom.exception_type.clone(),
            title: custom.title.clone(),
            severity: custom.severity,
            raise: compiled(&custom.condition)?,
            clear,
        })
    }

    /// What the facts say. Values for which a condition has no answer neither raise nor clear.
    pub fn condition(&self, variables: &dyn Variables) -> Condition {
        match self.raise.holds(variables) {
            Ok(true) => return Condition::Raised,
            Ok(false) => {}
            Err(_) => return Condition::Between,
        }
        let clears = match &self.clear {
            Some(clear) => clear.holds(variables),
            None => Ok(true),
        };
        match clears {
            Ok(true) => Condition::Clear("its condition does not hold any more".into()),
            Ok(false) | Err(_) => Condition::Between,
        }
    }
}

/// The own kinds by what they are about, compiled at their first use. Follows from the settings alone: all are equal
/// where the settings are.
#[derive(Debug, Default)]
pub struct CompiledKinds {
    sku_location: OnceLock<Box<[OwnKind]>>,
    supplier: OnceLock<Box<[OwnKind]>>,
}

impl PartialEq for CompiledKinds {
    fn eq(&self, _: &CompiledKinds) -> bool {
        true
    }
}

impl CompiledKinds {
    /// Those about such subjects; `settings` are the same in every call.
    pub fn get(&self, settings: &ExceptionSettings, about: CustomSubject) -> &[OwnKind] {
        let compiled = match about {
            CustomSubject::SkuLocation => &self.sku_location,
            CustomSubject::Supplier => &self.supplier,
        };
        compiled.get_or_init(|| {
            let about_it = settings.custom.iter().filter(|custom| custom.about == about);
            about_it.filter_map(OwnKind::compile).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_what_its_subject_shows_and_nothing_else() {
        assert!(compile(CustomSubject::SkuLocation, "on_hand > 10.0 * reorder_point").is_ok());
        assert!(compile(CustomSubject::Supplier, "unacknowledged_lines > 3.0").is_ok());
        let foreign =
            compile(CustomSubject::Supplier, "unacknowledged_lines > 3.0 && on_hand > 0.0").unwrap_err();
        assert_eq!((foreign.line, foreign.column), (1, 31));
    }

    #[test]
    fn a_condition_is_bounded_in_length() {
        let long = format!("sku == '{}'", "a".repeat(OWN_CONDITION_BOUNDS.length_max));
        assert!(compile(CustomSubject::SkuLocation, &long).is_err());
    }
}
