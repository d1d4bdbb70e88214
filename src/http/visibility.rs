//! What a principal sees: every read and every frame asks here.

use crate::auth::{Principal, ScopeEntry, Whereabouts};
use crate::domain::approval_case::CaseItem;
use crate::domain::event::{Promotion, Selection};
use crate::domain::exception::{ExceptionItem, ExceptionSubject};
use crate::domain::ids::Name;
use crate::domain::reference::{Reference, TenantReference};
use crate::runtime::summary::{AnyOf, Reach};

/// Whether a SKU-location is inside the principal's scope. Its suppliers are those it is sourced from.
pub fn sees_sku_location(principal: &Principal, tenant: &TenantReference, sku: &str, location: &str) -> bool {
    let scope = &principal.scope;
    if scope.is_unrestricted() {
        return true;
    }
    let here = Whereabouts {
        location: Some(location),
        location_path: tenant.location_path(location),
        item_path: tenant.item_path(sku),
        supplier: None,
    };
    if !scope.names_suppliers() {
        return scope.admits(&here);
    }
    tenant.sourcing(sku, location).iter().any(|sourcing| match &sourcing.source {
        crate::domain::event::SourceOfSupply::Supplier(supplier) => {
            scope.admits(&Whereabouts { supplier: Some(supplier), ..here })
        }
        crate::domain::event::SourceOfSupply::Location(_) => false,
    })
}

/// Whether a supplier is inside the principal's scope.
pub fn sees_supplier(principal: &Principal, _: &TenantReference, supplier: &str) -> bool {
    principal.scope.admits_supplier(supplier)
}

/// Whether a document's line is inside the principal's scope. Unlike a SKU-location it has no supplier but its own: what
/// customers order is not for those to see who supply it.
pub fn sees_line(
    principal: &Principal,
    tenant: &TenantReference,
    sku: &str,
    location: &str,
    supplier: Option<&str>,
) -> bool {
    let scope = &principal.scope;
    scope.is_unrestricted()
        || scope.admits(&Whereabouts {
            location: Some(location),
            location_path: tenant.location_path(location),
            item_path: tenant.item_path(sku),
            supplier,
        })
}

/// Names that are looked at for each row that may be passed over by them: one takes about half as long as to ask a row.
const NAMES_PER_ROW_MAX: usize = 2;

/// Which of [`crate::runtime::summary::Listed::NAMES`] say what a thing is about.
#[derive(Clone, Copy, Debug)]
pub struct SubjectColumns {
    pub sku: usize,
    pub location: usize,
    pub supplier: usize,
}

/// What of a list the principal's scope reaches at most: all for which [`sees_subject`] holds, and little beside. To find
/// that out takes a look at every location and item, or at whatever the suppliers supply. Where there is far more of
/// that than there are `rows` to be asked one by one, the scope is not narrowed by it.
pub fn reach(principal: &Principal, tenant: &TenantReference, columns: SubjectColumns, rows: usize) -> Reach {
    let (mut locations, mut prefixes, mut suppliers) = (Vec::new(), Vec::new(), Vec::new());
    for entry in principal.scope.entries() {
        match entry {
            ScopeEntry::Location(location) => locations.push(location),
            ScopeEntry::Path(path) => prefixes.push(path),
            ScopeEntry::Supplier(supplier) => suppliers.push(supplier),
        }
    }
    let is_worth_it = |names: usize| names <= rows.saturating_mul(NAMES_PER_ROW_MAX);
    let mut reach = Reach::default();
    if !locations.is_empty() {
        // What has another location or none is outside.
        let mut clause = AnyOf::default();
        clause.names(columns.location, locations.iter().map(Name::as_str));
        reach.narrow(clause);
    }
    let [items, described_locations, ..] = tenant.described_counts();
    if !prefixes.is_empty() && is_worth_it(items + described_locations) {
        let below = |path: &[Name]| prefixes.iter().any(|prefix| path.starts_with(prefix));
        let locations = tenant.location_paths().filter(|(_, path)| below(path));
        let items = tenant.item_paths().filter(|(_, path)| below(path));
        let mut clause = AnyOf::default();
        clause.names(columns.location, locations.map(|(location, _)| location.as_str()));
        clause.names(columns.sku, items.map(|(sku, _)| sku.as_str()));
        reach.narrow(clause);
    }
    let supplied: usize = suppliers.iter().map(|supplier| tenant.sourced_from_count(supplier)).sum();
    if !suppliers.is_empty() && is_worth_it(supplied) {
        let places = suppliers.iter().flat_map(|supplier| tenant.sourced_from(supplier));
        let mut clause = AnyOf::default();
        clause.pairs(
            [columns.sku, columns.location],
            places.map(|(sku, location)| [sku.as_str(), location.as_str()]),
        );
        clause.names(columns.supplier, suppliers.iter().map(Name::as_str));
        reach.narrow(clause);
    }
    reach
}

/// Whether the principal sees customers: they belong to no location, item or supplier, so that no scope has them.
pub fn sees_customers(principal: &Principal) -> bool {
    principal.scope.is_unrestricted()
}

/// Whether a promotion touches something inside the principal's scope. No promotion is a supplier's.
pub fn sees_promotion(principal: &Principal, tenant: &TenantReference, promotion: &Promotion) -> bool {
    let scope = &principal.scope;
    if scope.is_unrestricted() {
        return true;
    }
    if scope.names_suppliers() {
        return false;
    }
    let (mut in_scope, mut prefixes): (Vec<Name>, Vec<Vec<Name>>) = (Vec::new(), Vec::new());
    for entry in scope.entries() {
        match entry {
            ScopeEntry::Location(location) => in_scope.push(location),
            ScopeEntry::Path(path) => prefixes.push(path),
            ScopeEntry::Supplier(_) => {}
        }
    }
    // The locations that it is for and that the scope has; `None` stands for any.
    let locations: Option<Vec<&Name>> = match (&promotion.locations, in_scope.is_empty()) {
        (Selection::All, true) => None,
        (Selection::All, false) => Some(in_scope.iter().collect()),
        (Selection::Named(named), no_locations) => {
            Some(named.iter().filter(|name| no_locations || in_scope.contains(name)).collect())
        }
    };
    if locations.as_ref().is_some_and(Vec::is_empty) {
        return false;
    }
    let below = |path: &[Name]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    prefixes.is_empty()
        || locations.is_none_or(|all| all.iter().any(|location| below(tenant.location_path(location))))
        || match &promotion.skus {
            Selection::All => true,
            Selection::Named(skus) => skus.iter().any(|sku| below(tenant.item_path(sku))),
        }
}

/// Whether the principal sees the numbers of the whole process: its tenant is the only one, and it sees all of that.
pub fn sees_process(principal: &Principal, reference: &Reference) -> bool {
    principal.scope.is_unrestricted() && reference.tenants().count() == 1
}

/// Whether an item's description is inside the principal's scope.
pub fn sees_item(principal: &Principal, tenant: &TenantReference, sku: &str) -> bool {
    principal.scope.admits(&Whereabouts { item_path: tenant.item_path(sku), ..Whereabouts::default() })
}

/// Whether a location is inside the principal's scope.
pub fn sees_location(principal: &Principal, tenant: &TenantReference, location: &str) -> bool {
    principal.scope.admits_location(location, tenant.location_path(location))
}

/// Whether an exception's subject is inside the principal's scope.
pub fn sees_exception(principal: &Principal, tenant: &TenantReference, item: &ExceptionItem) -> bool {
    principal.scope.is_unrestricted() || sees_subject(principal, tenant, &item.subject)
}

/// Whether everything that a case is about is inside the principal's scope. A case about nothing in particular is seen by
/// those alone who see all.
pub fn sees_case(principal: &Principal, tenant: &TenantReference, item: &CaseItem) -> bool {
    let mut subjects = item.subjects.iter();
    principal.scope.is_unrestricted()
        || (!item.subjects.is_empty() && subjects.all(|subject| sees_subject(principal, tenant, subject)))
}

/// Whether what an exception is about is inside the principal's scope.
pub fn sees_subject(principal: &Principal, tenant: &TenantReference, subject: &ExceptionSubject) -> bool {
    match (&subject.sku, &subject.location, &subject.supplier) {
        (Some(sku), Some(location), _) => sees_sku_location(principal, tenant, sku, location),
        (Some(sku), None, _) => sees_item(principal, tenant, sku),
        (None, Some(location), _) => sees_location(principal, tenant, location),
        (None, None, Some(supplier)) => sees_supplier(principal, tenant, supplier),
        (None, None, None) => false,
    }
}

#[cfg(test)]
mod tests;
