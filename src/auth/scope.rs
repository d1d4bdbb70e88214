//! The part of a tenant that a principal sees.
//!
//! A scope restricts up to three dimensions: locations, hierarchy paths, suppliers. Entries of one dimension
//! mean *or*; a thing must be inside in *every* dimension that is restricted, and what can't be shown to be
//! inside is hidden: a supplier is in no location, so a scope of locations alone hides all suppliers.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most entries that one scope may have.
const ENTRIES_MAX: usize = 1_000;
/// The most Unicode scalars of an identifier.
const IDENTIFIER_CHARS_MAX: usize = 128;

/// What a principal sees. Without entries: everything in its tenant. In files a list of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Scope {
    locations: Vec<CompactString>,
    /// Hierarchy prefixes, top level first; none is empty.
    paths: Vec<Vec<CompactString>>,
    suppliers: Vec<CompactString>,
}

/// One entry of a scope: `location=L1`, `path=EU/DE` or `supplier=S1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeEntry {
    /// One location.
    Location(CompactString),
    /// All below this prefix of the locations' or the items' hierarchy. Levels are joined by `/`, so a level
    /// whose name has one can't be named.
    Path(Vec<CompactString>),
    /// One supplier.
    Supplier(CompactString),
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// It is none of the three forms.
    #[error("`{0}` is no scope; expected location=ID, path=LEVEL/LEVEL or supplier=ID")]
    Form(String),
    /// The identifier, or a level of the path, is not one.
    #[error("`{0}`: an identifier has 1 to 128 characters, no control characters, and is not `.` or `..`")]
    Identifier(String),
    /// More than 1,000 entries.
    #[error("a scope has at most 1000 entries")]
    TooMany,
}

/// What is known of where a thing belongs; `None` and an empty path stand for "not known" or "nowhere".
#[derive(Clone, Copy, Debug, Default)]
pub struct Whereabouts<'a> {
    /// The location it is at.
    pub location: Option<&'a str>,
    /// That location's place in the hierarchy, top level first.
    pub location_path: &'a [CompactString],
    /// The item's place in the hierarchy, top level first.
    pub item_path: &'a [CompactString],
    /// The supplier it is about.
    pub supplier: Option<&'a str>,
}

impl Scope {
    /// The scope of these entries, such as `["location=L1", "location=L2"]`.
    ///
    /// # Errors
    /// [`ScopeError`] for the first entry that is none, or for more than 1,000 entries.
    pub fn parse<I: IntoIterator<Item: AsRef<str>>>(entries: I) -> Result<Self, ScopeError> {
        let entries = entries.into_iter().map(|entry| entry.as_ref().parse());
        Self::from_entries(entries.collect::<Result<Vec<_>, _>>()?)
    }

    /// The scope of these entries.
    ///
    /// # Errors
    /// [`ScopeError::TooMany`] for more than 1,000.
    pub fn from_entries(entries: Vec<ScopeEntry>) -> Result<Self, ScopeError> {
        if entries.len() > ENTRIES_MAX {
            return Err(ScopeError::TooMany);
        }
        let mut scope = Self::default();
        for entry in entries {
            match entry {
                ScopeEntry::Location(location) => scope.locations.push(location),
                ScopeEntry::Path(path) => scope.paths.push(path),
                ScopeEntry::Supplier(supplier) => scope.suppliers.push(supplier),
            }
        }
        Ok(scope)
    }

    /// Whether it shows everything in the tenant.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        self.locations.is_empty() && self.paths.is_empty() && self.suppliers.is_empty()
    }

    /// Whether it restricts suppliers.
    #[must_use]
    pub fn names_suppliers(&self) -> bool {
        !self.suppliers.is_empty()
    }

    /// Whether a thing with these whereabouts is shown.
    #[must_use]
    pub fn admits(&self, thing: &Whereabouts<'_>) -> bool {
        let one_of = |allowed: &[CompactString], known: Option<&str>| {
            allowed.is_empty() || known.is_some_and(|known| allowed.iter().any(|allowed| allowed == known))
        };
        let in_a_path = || {
            let below = |prefix: &Vec<CompactString>| {
                thing.location_path.starts_with(prefix) || thing.item_path.starts_with(prefix)
            };
            self.paths.is_empty() || self.paths.iter().any(below)
        };
        one_of(&self.locations, thing.location) && one_of(&self.suppliers, thing.supplier) && in_a_path()
    }

    /// Whether a location is shown.
    #[must_use]
    pub fn admits_location(&self, location: &str, location_path: &[CompactString]) -> bool {
        self.admits(&Whereabouts { location: Some(location), location_path, ..Whereabouts::default() })
    }

    /// Whether a supplier is shown.
    #[must_use]
    pub fn admits_supplier(&self, supplier: &str) -> bool {
        self.admits(&Whereabouts { supplier: Some(supplier), ..Whereabouts::default() })
    }

    /// Its entries: locations, paths, suppliers, each in the order in which they were given.
    pub fn entries(&self) -> impl Iterator<Item = ScopeEntry> {
        let locations = self.locations.iter().cloned().map(ScopeEntry::Location);
        let paths = self.paths.iter().cloned().map(ScopeEntry::Path);
        locations.chain(paths).chain(self.suppliers.iter().cloned().map(ScopeEntry::Supplier))
    }
}

impl TryFrom<Vec<String>> for Scope {
    type Error = ScopeError;

    fn try_from(entries: Vec<String>) -> Result<Self, Self::Error> {
        Self::parse(entries)
    }
}

impl From<Scope> for Vec<String> {
    fn from(scope: Scope) -> Self {
        scope.entries().map(|entry| entry.to_string()).collect()
    }
}

impl FromStr for ScopeEntry {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (dimension, value) = text.split_once('=').ok_or_else(|| ScopeError::Form(text.to_owned()))?;
        let identifier = |value: &str| {
            let length = value.chars().count();
            let usable = (1..=IDENTIFIER_CHARS_MAX).contains(&length)
                && !value.chars().any(char::is_control)
                && !matches!(value, "." | "..");
            usable.then(|| CompactString::from(value)).ok_or_else(|| ScopeError::Identifier(text.to_owned()))
        };
        match dimension {
            "location" => identifier(value).map(Self::Location),
            "supplier" => identifier(value).map(Self::Supplier),
            "path" => value.split('/').map(identifier).collect::<Result<_, _>>().map(Self::Path),
            _ => Err(ScopeError::Form(text.to_owned())),
        }
    }
}

impl fmt::Display for ScopeEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Location(location) => write!(formatter, "location={location}"),
            Self::Path(levels) => write!(formatter, "path={}", levels.join("/")),
            Self::Supplier(supplier) => write!(formatter, "supplier={supplier}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(levels: &str) -> Vec<CompactString> {
        levels.split('/').filter(|level| !level.is_empty()).map(CompactString::from).collect()
    }

    /// Which of four things a scope shows: store L1 in EU/DE/Berlin, bread (Food/Bakery) at L1, bread as an
    /// item, supplier S1, and a purchase line of bread from S1 to L1.
    fn check(entries: &[&str], expected: &str) {
        let scope = Scope::parse(entries).expect("a scope");
        let (location_path, item_path) = (path("EU/DE/Berlin"), path("Food/Bakery"));
        let sku_location = Whereabouts {
            location: Some("L1"),
            location_path: &location_path,
            item_path: &item_path,
            supplier: None,
        };
        let item = Whereabouts { item_path: &item_path, ..Whereabouts::default() };
        let purchase_line = Whereabouts { supplier: Some("S1"), ..sku_location };
        let shown = [
            ("store", scope.admits_location("L1", &location_path)),
            ("sku", scope.admits(&sku_location)),
            ("item", scope.admits(&item)),
            ("supplier", scope.admits_supplier("S1")),
            ("line", scope.admits(&purchase_line)),
        ];
        let names: Vec<_> = shown.iter().filter(|(_, shown)| *shown).map(|(name, _)| *name).collect();
        assert_eq!(names.join(" "), expected, "{entries:?}");
    }

    #[test]
    fn without_entries_everything_is_shown() {
        assert!(Scope::default().is_unrestricted());
        check(&[], "store sku item supplier line");
    }

    #[test]
    fn a_scope_of_locations_hides_what_is_elsewhere_or_nowhere() {
        check(&["location=L1"], "store sku line");
        check(&["location=L2"], "");
        check(&["location=L2", "location=L1"], "store sku line");
    }

    #[test]
    fn a_path_is_a_prefix_of_either_hierarchy_level_by_level() {
        check(&["path=EU"], "store sku line");
        check(&["path=EU/DE/Berlin"], "store sku line");
        check(&["path=EU/DE/Berlin/Mitte"], "");
        check(&["path=EU/D"], "");
        check(&["path=DE"], "");
        check(&["path=Food"], "sku item line");
        check(&["path=US", "path=Food/Bakery"], "sku item line");
    }

    #[test]
    fn a_scope_of_suppliers_hides_what_has_none() {
        check(&["supplier=S1"], "supplier line");
        check(&["supplier=S2"], "");
        check(&["supplier=S2", "supplier=S1"], "supplier line");
    }

    #[test]
    fn two_dimensions_must_both_hold() {
        check(&["location=L1", "supplier=S1"], "line");
        check(&["location=L1", "supplier=S2"], "");
        check(&["location=L1", "path=Food"], "sku line");
        check(&["location=L2", "path=EU"], "");
    }

    #[test]
    fn a_location_that_nobody_described_is_in_no_path() {
        let scope = Scope::parse(["path=EU"]).expect("a scope");
        assert!(!scope.admits_location("L1", &[]));
    }

    #[test]
    fn an_identifier_may_contain_an_equals_sign_and_a_slash() {
        let scope = Scope::parse(["location=a=b/c"]).expect("a scope");
        assert!(scope.admits_location("a=b/c", &[]));
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in ["", "location", "Location=L1", "region=EU", "=L1"] {
            assert_eq!(Scope::parse([text]), Err(ScopeError::Form(text.to_owned())));
        }
        let long = format!("supplier={}", "ü".repeat(129));
        for text in ["location=", "path=", "path=EU//DE", "path=/EU", "supplier=..", "location=a\nb", &long] {
            assert_eq!(Scope::parse([text]), Err(ScopeError::Identifier(text.to_owned())));
        }
        assert!(Scope::parse([format!("supplier={}", "ü".repeat(128))]).is_ok());
        assert_eq!(Scope::parse(vec!["location=L1"; 1_001]), Err(ScopeError::TooMany));
    }

    #[test]
    fn a_scope_is_a_list_of_its_entries_in_files() {
        let text = r#"["location=L1","path=EU/DE","supplier=S1"]"#;
        let scope: Scope = serde_json::from_str(text).expect("a scope");
        assert_eq!(serde_json::to_string(&scope).expect("JSON"), text);
        assert!(serde_json::from_str::<Scope>(r#"["everything"]"#).is_err());
    }
}
