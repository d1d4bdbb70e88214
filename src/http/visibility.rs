//! What a principal sees: every read and every frame asks here.

use crate::auth::{Principal, Whereabouts};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::{ExceptionItem, ExceptionSubject};
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

fn sees_subject(principal: &Principal, tenant: &TenantReference, subject: &ExceptionSubject) -> bool {
    match (&subject.sku, &subject.location, &subject.supplier) {
        (Some(sku), Some(location), _) => sees_sku_location(principal, tenant, sku, location),
        (Some(sku), None, _) => sees_item(principal, tenant, sku),
        (None, Some(location), _) => sees_location(principal, tenant, location),
        (None, None, Some(supplier)) => sees_supplier(principal, tenant, supplier),
        (None, None, None) => false,
    }
}
