//! What a principal sees: every read and every frame asks here.

use crate::auth::{Principal, ScopeEntry, Whereabouts};
use crate::domain::approval_case::CaseItem;
use crate::domain::event::{Promotion, Selection};
use crate::domain::exception::{ExceptionItem, ExceptionSubject};
use crate::domain::ids::Name;
use crate::domain::reference::{Reference, TenantReference};

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

/// The locations that the principal's scope is narrowed to; empty if it is not. What has another location or none is
/// outside such a scope, so lists need not look at it.
pub fn locations_in_scope(principal: &Principal) -> Vec<String> {
    let location = |entry| match entry {
        ScopeEntry::Location(location) => Some(location.to_string()),
        ScopeEntry::Path(_) | ScopeEntry::Supplier(_) => None,
    };
    principal.scope.entries().filter_map(location).collect()
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
