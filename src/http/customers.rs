//! `GET /api/v1/customers…`: what was described. The tower keeps no contact details.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::not_found;
use super::master_data::page_by_name;
use super::path::segments;
use super::problem::Problem;
use super::query::Sort;
use super::read::Asked;
use super::state::AppState;
use super::visibility::sees_customers;
use crate::auth::Permission;
use crate::domain::event::CustomerDescribed;

fn customer_value(customer: &CustomerDescribed) -> Value {
    serde_json::to_value(customer).unwrap_or_default()
}

/// A customer as it was described. Its orders: `GET /api/v1/orders?customer=`.
#[utoipa::path(get, path = "/api/v1/customers/{customer}", tag = "master data",
    params(("customer" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The customer as described", body = ref("#/components/schemas/Customer")), (status = 404, description = "Not described")),
    security(("key" = [])))]
#[get("/api/v1/customers/{customer}")]
pub async fn get_customer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [customer] = segments(&request, "/api/v1/customers")?;
    let read = asked.ready().await?;
    let found = read.tenant()?.customer(&customer).filter(|_| sees_customers(&caller.principal));
    let found = found.ok_or_else(|| not_found("such customer"))?;
    Ok(HttpResponse::Ok().json(read.stamped(customer_value(found))))
}

/// Customers that were described. A reader whose scope is narrowed sees none.
#[utoipa::path(get, path = "/api/v1/customers", tag = "master data",
    params(("customer" = Option<Vec<String>>, Query), ("tier" = Option<Vec<String>>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of customers", body = ref("#/components/schemas/CustomerList"))), security(("key" = [])))]
#[get("/api/v1/customers")]
pub async fn list_customers(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["customer", "tier"])?;
    let paged = asked.paged(&["customer"], Sort::by("customer"))?;
    let read = asked.ready().await?;
    let (tenant, sees) = (read.tenant()?, sees_customers(&caller.principal));
    let (customers, next) = page_by_name(
        &paged,
        |after, limit| tenant.customers_after(after, limit).collect(),
        |customer: &CustomerDescribed| &customer.customer,
        |customer| {
            sees && read.query.admits("customer", &customer.customer)
                && read.query.admits("tier", customer.tier.as_deref().unwrap_or_default())
        },
        customer_value,
    );
    Ok(HttpResponse::Ok().json(read.page(customers, next)))
}
