//! `/openapi.json`: the OpenAPI 3.1 document, made from the handlers' own annotations.

use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::caller::principal;
use super::problem::Problem;
use super::state::AppState;
use super::{
    actions, bulk, case_commands, cases, customers, exception_commands, exceptions, feed, ingest,
    master_data, operations, orders, promotions, purchase_orders, quarantine, sku_locations, suppliers,
    transfers, why,
};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidewatch",
        description = "An actor-based, in-memory control tower for retail and distribution.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        ingest::post_events,
        sku_locations::list_sku_locations,
        sku_locations::get_sku_location,
        sku_locations::get_projection,
        why::why_sku_location,
        why::why_exception,
        why::why_case,
        suppliers::list_suppliers,
        suppliers::get_supplier,
        exceptions::list_exceptions,
        exceptions::get_exception,
        exception_commands::acknowledge_exception,
        exception_commands::assign_exception,
        exception_commands::snooze_exception,
        exception_commands::comment_exception,
        exception_commands::dismiss_exception,
        cases::list_cases,
        cases::get_case,
        case_commands::open_case,
        case_commands::choose_option,
        case_commands::approve_case,
        case_commands::reject_case,
        case_commands::delegate_case,
        case_commands::comment_case,
        case_commands::reopen_case,
        case_commands::cancel_case,
        case_commands::merge_case,
        case_commands::add_task,
        case_commands::complete_task,
        actions::list_actions,
        actions::get_action,
        actions::retry_action,
        actions::withdraw_action,
        actions::list_deliveries,
        bulk::post_bulk,
        exceptions::list_affected,
        master_data::list_items,
        master_data::get_item,
        master_data::list_locations,
        master_data::get_location,
        customers::list_customers,
        customers::get_customer,
        orders::list_orders,
        orders::get_order,
        purchase_orders::list_purchase_orders,
        purchase_orders::get_purchase_order,
        transfers::list_transfers,
        transfers::get_transfer,
        promotions::list_promotions,
        promotions::get_promotion,
        quarantine::list_quarantine,
        quarantine::get_quarantine,
        quarantine::retry_quarantine,
        quarantine::delete_quarantine,
        feed::get_feed,
        feed::post_feed_ticket,
        operations::healthz,
        operations::readyz,
        operations::get_metrics,
        operations::get_stats,
    ),
    modifiers(&Security)
)]
pub struct ApiDocument;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key")).build();
        document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

#[get("/openapi.json")]
pub async fn get_openapi(
    request: HttpRequest,
    document: web::Data<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    principal(&request, &state)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(document.get_ref().clone()))
}

/// The document as JSON text.
pub fn document() -> String {
    ApiDocument::openapi().to_json().unwrap_or_default()
}
