//! Names of things: identifiers from outside, entity keys, log sequence numbers.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// An identifier from outside (`sku`, `location`, `supplier`, …): 1–128 Unicode scalars without control
/// characters, not `.` or `..`. Kept inline up to 24 bytes.
pub type Name = CompactString;

/// Most Unicode scalars an identifier from outside may have.
pub const NAME_SCALARS_MAX: usize = 128;

/// Whether `text` may stand as an identifier from outside.
pub fn is_valid_name(text: &str) -> bool {
    if text.is_empty() || text == "." || text == ".." {
        return false;
    }
    // Identifiers are nearly always short ASCII: one pass over the bytes settles those.
    if text.len() <= NAME_SCALARS_MAX && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return true;
    }
    text.chars().count() <= NAME_SCALARS_MAX && !text.chars().any(char::is_control)
}

/// Log sequence number: the position of a record in its partition's journal. The first record has 1;
/// 0 stands for "before every record". Always below 2^53, so that a JSON number carries it exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before every record.
    pub const ZERO: Lsn = Lsn(0);

    /// The next position.
    pub fn next(self) -> Lsn {
        Lsn(self.0 + 1)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tenant by its place in the order of declaration, which is journaled: dense, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantNumber(pub u16);

/// What an exception that belongs to no SKU-location and no supplier is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// An item (SKU) by itself.
    Item,
    /// A location by itself.
    Location,
    /// A supplier that nobody described. The supplier's own actor holds everything else about it.
    Supplier,
    /// Who sends events: the `source` of CloudEvents.
    Source,
    /// A promotion, as the cause of what it leads to.
    Promotion,
}

impl SubjectKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Item => "item",
            SubjectKind::Location => "location",
            SubjectKind::Supplier => "supplier",
            SubjectKind::Source => "source",
            SubjectKind::Promotion => "promotion",
        }
    }
}

/// The key of one live entity. The tenant is always part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntityKey {
    /// One item at one location.
    SkuLocation { tenant: TenantNumber, sku: Name, location: Name },
    /// One supplier.
    Supplier { tenant: TenantNumber, supplier: Name },
    /// A thing that exceptions can be about and that is neither of the above.
    Subject { tenant: TenantNumber, subject: SubjectKind, id: Name },
    /// What one decision solves.
    ApprovalCase { tenant: TenantNumber, case: Name },
}

impl EntityKey {
    /// The tenant that the entity belongs to.
    pub fn tenant(&self) -> TenantNumber {
        match self {
            EntityKey::SkuLocation { tenant, .. }
            | EntityKey::Supplier { tenant, .. }
            | EntityKey::Subject { tenant, .. }
            | EntityKey::ApprovalCase { tenant, .. } => *tenant,
        }
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityKey::SkuLocation { sku, location, .. } => write!(f, "sku_location {sku} at {location}"),
            EntityKey::Supplier { supplier, .. } => write!(f, "supplier {supplier}"),
            EntityKey::Subject { subject, id, .. } => write!(f, "{} {id}", subject.as_str()),
            EntityKey::ApprovalCase { case, .. } => write!(f, "case {case}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid_name;

    #[test]
    fn names_are_bounded_printable_and_no_path_steps() {
        for good in ["a", "SKU 1/ä", "…", "a.b", "..."] {
            assert!(is_valid_name(good), "{good:?}");
        }
        for bad in ["", ".", "..", "a\nb", "\u{7f}", "a\u{85}b"] {
            assert!(!is_valid_name(bad), "{bad:?}");
        }
        assert!(is_valid_name(&"ä".repeat(128)));
        assert!(!is_valid_name(&"a".repeat(129)));
    }
}
