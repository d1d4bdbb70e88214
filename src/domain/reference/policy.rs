//! Policies, and which of them hold for a SKU-location.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::keep::{
    Dropped, Listed, Map, Put, SkuLocationKey, VersionKey, Versioned, VersionedList, as_pairs, get_at,
    put_in_map, put_latest,
};
use crate::domain::event::{PolicyScope, PolicySet, ServiceMeasure};
use crate::domain::ids::Name;
use crate::domain::inventory::normal::z_for_service_level;

/// Policies kept whose scope names more than one thing (other than one item at one location): each is looked at for
/// every SKU-location. Beyond it the one set longest ago goes.
pub const COMBINED_POLICIES_MAX: usize = 64;

/// A policy with what follows from it alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Policy {
    set: PolicySet,
    /// The normal quantile of its service level, because every reconcile wants it.
    z: Option<f64>,
}

impl Listed for Policy {
    const MAX: usize = COMBINED_POLICIES_MAX;
    const DROPPED: Dropped = Dropped::First;

    fn replaces(&self, other: &Policy) -> bool {
        self.set.scope == other.set.scope
    }

    fn order(a: (&Policy, &VersionKey), b: (&Policy, &VersionKey)) -> Ordering {
        a.1.cmp(b.1)
    }
}

/// One tenant's policies by what their scope names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PolicyTable {
    #[serde(with = "as_pairs")]
    sku_location: Map<SkuLocationKey, Versioned<Policy>>,
    sku: Map<Name, Versioned<Policy>>,
    location: Map<Name, Versioned<Policy>>,
    path: Map<Name, Versioned<Policy>>,
    /// By the classes that items are said to be of.
    segment: Map<Name, Versioned<Policy>>,
    tenant: Option<Versioned<Policy>>,
    combined: Arc<VersionedList<Policy>>,
}

/// A hierarchy path: its levels, and those joined by `/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    pub levels: &'a [Name],
    pub text: &'a str,
}

impl<'a> Path<'a> {
    /// No levels.
    pub const NONE: Path<'static> = Path { levels: &[], text: "" };

    /// The first `levels` levels, joined; `None` without so many.
    fn prefix(self, levels: usize) -> Option<&'a str> {
        let beyond = self.levels.get(levels..)?;
        if levels == 0 {
            return None;
        }
        let cut: usize = beyond.iter().map(|level| level.len() + 1).sum();
        self.text.get(..self.text.len().checked_sub(cut)?)
    }

    /// How many levels `prefix` covers, if this path begins with it.
    fn levels_of(self, prefix: &str) -> Option<usize> {
        (1..=self.levels.len()).find(|levels| self.prefix(*levels) == Some(prefix))
    }
}

/// What the policies of a SKU-location say, each field by the most specific policy that names it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ResolvedPolicy {
    /// With its normal quantile.
    pub service_level: Option<(f64, f64)>,
    pub measure: Option<ServiceMeasure>,
    pub review_days: Option<f64>,
    pub max_cover_days: Option<f64>,
    pub lead_time_days: Option<f64>,
    pub period_days: Option<u16>,
}

impl ResolvedPolicy {
    fn fill_in(&mut self, policy: &Policy) {
        let set = &policy.set;
        self.service_level = self.service_level.or(set.service_level.zip(policy.z));
        self.measure = self.measure.or(set.measure);
        self.review_days = self.review_days.or(set.review_days);
        self.max_cover_days = self.max_cover_days.or(set.max_cover_days);
        self.lead_time_days = self.lead_time_days.or(set.lead_time_days);
        self.period_days = self.period_days.or(set.period_days);
    }
}

/// How specific a policy is for a SKU-location, greatest first: names the item, names the location, levels of path, classes
/// of a segment.
type Specificity = (bool, bool, usize, usize);

/// The classes that an item is of by its description; a segment is named by both, as in `AX`, or by one of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Classes<'a> {
    pub abc: Option<&'a str>,
    pub xyz: Option<&'a str>,
}

impl Classes<'_> {
    /// How many of the classes a segment names; `None` if the item is not of it.
    fn named_by(self, segment: &str) -> Option<usize> {
        let both = self.abc.zip(self.xyz).is_some_and(|(abc, xyz)| segment.strip_prefix(abc) == Some(xyz));
        let one = || [self.abc, self.xyz].into_iter().flatten().any(|class| class == segment);
        if both { Some(2) } else { one().then_some(1) }
    }
}

impl PolicyTable {
    pub fn put(&mut self, version: VersionKey, set: PolicySet) -> Put {
        let z = set.service_level.map(z_for_service_level);
        let scope = set.scope.clone();
        let policy = Policy { set, z };
        match scope {
            PolicyScope { sku: Some(sku), location: Some(location), path: None, segment: None } => {
                put_in_map(&mut self.sku_location, SkuLocationKey { sku, location }, version, policy)
            }
            PolicyScope { sku: Some(sku), location: None, path: None, segment: None } => {
                put_in_map(&mut self.sku, sku, version, policy)
            }
            PolicyScope { sku: None, location: Some(location), path: None, segment: None } => {
                put_in_map(&mut self.location, location, version, policy)
            }
            PolicyScope { sku: None, location: None, path: Some(path), segment: None } => {
                put_in_map(&mut self.path, path, version, policy)
            }
            PolicyScope { sku: None, location: None, path: None, segment: Some(segment) } => {
                put_in_map(&mut self.segment, segment, version, policy)
            }
            PolicyScope { sku: None, location: None, path: None, segment: None } => {
                put_latest(&mut self.tenant, version, policy)
            }
            _ => Arc::make_mut(&mut self.combined).put(version, policy).0,
        }
    }

    /// Whether paths have to be known to resolve.
    pub fn needs_paths(&self) -> bool {
        !self.path.is_empty() || !self.combined.values().is_empty()
    }

    /// Whether classes of items have to be known to resolve.
    pub fn needs_classes(&self) -> bool {
        !self.segment.is_empty() || !self.combined.values().is_empty()
    }

    /// The most specific wins: item and location, item, location, longest path (of equal ones the item's), segment of two
    /// classes, of one (of equal ones the first by name), tenant.
    /// A scope that names several of them is more specific than one that names fewer of the same.
    pub fn resolve(
        &self,
        sku: &str,
        location: &str,
        item_path: Path<'_>,
        location_path: Path<'_>,
        classes: Classes<'_>,
    ) -> ResolvedPolicy {
        let mut found: SmallVec<[(Specificity, &Policy); 12]> = SmallVec::new();
        if !self.sku_location.is_empty() {
            found.extend(candidate((true, true, 0, 0), get_at(&self.sku_location, sku, location)));
        }
        if !self.sku.is_empty() {
            found.extend(candidate((true, false, 0, 0), self.sku.get(sku)));
        }
        if !self.location.is_empty() {
            found.extend(candidate((false, true, 0, 0), self.location.get(location)));
        }
        if !self.path.is_empty() {
            for levels in (1..=item_path.levels.len().max(location_path.levels.len())).rev() {
                for path in [item_path, location_path] {
                    let policy = path.prefix(levels).and_then(|prefix| self.path.get(prefix));
                    found.extend(candidate((false, false, levels, 0), policy));
                }
            }
        }
        if !self.segment.is_empty() {
            let mut of = |segment: &str, named| {
                found.extend(candidate((false, false, 0, named), self.segment.get(segment)));
            };
            if let Some((abc, xyz)) = classes.abc.zip(classes.xyz) {
                of(&format!("{abc}{xyz}"), 2);
            }
            let mut single = [classes.abc, classes.xyz];
            single.sort_unstable();
            single.into_iter().flatten().for_each(|class| of(class, 1));
        }
        found.extend(candidate((false, false, 0, 0), self.tenant.as_ref()));
        if !self.combined.values().is_empty() {
            for policy in self.combined.values() {
                let holds = combined_specificity(
                    &policy.set.scope,
                    (sku, location),
                    [item_path, location_path],
                    classes,
                );
                found.extend(holds.map(|specificity| (specificity, policy)));
            }
            // Stable, so that of equally specific ones the item's path stays first.
            found.sort_by_key(|(specificity, _)| Reverse(*specificity));
        }
        let mut resolved = ResolvedPolicy::default();
        for (_, policy) in found {
            resolved.fill_in(policy);
        }
        resolved
    }
}

fn candidate(specificity: Specificity, policy: Option<&Versioned<Policy>>) -> Option<(Specificity, &Policy)> {
    policy.map(|policy| (specificity, &policy.value))
}

fn combined_specificity(
    scope: &PolicyScope,
    (sku, location): (&str, &str),
    [item_path, location_path]: [Path<'_>; 2],
    classes: Classes<'_>,
) -> Option<Specificity> {
    let names = |named: &Option<Name>, this: &str| named.as_ref().is_none_or(|named| named == this);
    if !names(&scope.sku, sku) || !names(&scope.location, location) {
        return None;
    }
    let levels = match &scope.path {
        None => 0,
        Some(path) => item_path.levels_of(path).or_else(|| location_path.levels_of(path))?,
    };
    let count = match &scope.segment {
        None => 0,
        Some(segment) => classes.named_by(segment)?,
    };
    Some((scope.sku.is_some(), scope.location.is_some(), levels, count))
}
