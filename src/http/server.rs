//! The HTTP server as a whole.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Server, Service as _};
use actix_web::http::header::{ALLOW, HeaderValue, UPGRADE};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::{Compress, DefaultHeaders};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError as _, web};

use super::caller::principal;
use super::problem::{Problem, code};
use super::state::AppState;
use super::wire::Wire;
use super::{
    actions, bulk, case_commands, case_options, cases, console, customers, exception_commands, exceptions,
    feed, ingest, master_data, openapi, operations, orders, outbox, promotions, purchase_orders, quarantine,
    reference, sku_locations, snapshots, suppliers, transfers, why,
};
use crate::feed::FeedHandle;
use crate::runtime::metrics::StatusLabel;

/// Why the server can't serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("--dev takes requests without credentials and therefore listens on loopback only, not on {0}")]
    DevNotLoopback(SocketAddr),
    #[error("the server can't start: {0}")]
    Start(#[from] io::Error),
}

/// A server that is bound.
pub struct Serving {
    pub address: SocketAddr,
    pub server: Server,
}

/// Most bytes of a request body on routes other than events.
const SMALL_BODY_BYTES_MAX: usize = 1 << 20;
/// How long open connections may go on after a stop.
const SHUTDOWN_S: u64 = 1;

/// Binds and makes the server; it runs once its future is awaited or spawned.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    state: web::Data<AppState>,
    feed: FeedHandle,
    listen: SocketAddr,
) -> Result<Serving, ServeError> {
    if state.dev && !listen.ip().is_loopback() {
        return Err(ServeError::DevNotLoopback(listen));
    }
    let listener =
        TcpListener::bind(listen).map_err(|source| ServeError::Listen { address: listen, source })?;
    // Accepted connections inherit it: the system drops one whose client takes nothing of what waits for it.
    let unread_ms = u32::try_from(feed.config().silence_close_s.saturating_mul(1_000)).unwrap_or(u32::MAX);
    let unread = rustix::net::sockopt::set_tcp_user_timeout(&listener, unread_ms);
    unread.map_err(|error| ServeError::Listen { address: listen, source: error.into() })?;
    let address = listener.local_addr()?;
    let config = state.config.server.clone();
    let feed = web::Data::new(feed);
    let server = HttpServer::new(move || {
        let metrics = state.tower.metrics.clone();
        App::new()
            .app_data(state.clone())
            .app_data(feed.clone())
            .app_data(web::PayloadConfig::new(SMALL_BODY_BYTES_MAX))
            .wrap(Compress::default())
            .wrap(
                DefaultHeaders::new()
                    .add(("X-Content-Type-Options", "nosniff"))
                    .add(("Cache-Control", "no-store")),
            )
            .wrap_fn(move |mut request, service| {
                let metrics = metrics.clone();
                // HEAD is GET without the body, which the encoder leaves out: it remembers what was asked last.
                let is_head = request.method() == Method::HEAD && !request.headers().contains_key(UPGRADE);
                if is_head {
                    request.head_mut().method = Method::GET;
                }
                let answer = service.call(request);
                async move {
                    let mut answer = answer.await?;
                    if is_head {
                        // Nothing of the connection may be asked after it: it could be encoded as an answer to that.
                        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                    }
                    let status = answer.status().as_u16();
                    metrics.responses.get_or_create(&StatusLabel { status }).inc();
                    Ok(answer)
                }
            })
            .service(ingest::post_events)
            .service(sku_locations::list_sku_locations)
            .service(sku_locations::get_projection)
            .service(why::why_sku_location)
            .service(why::why_supplier)
            .service(why::why_exception)
            .service(why::why_case)
            .service(sku_locations::get_sku_location)
            .service(suppliers::list_suppliers)
            .service(suppliers::get_supplier)
            .service(exceptions::list_exceptions)
            .service(exceptions::list_affected)
            .service(exceptions::get_exception)
            .service(exception_commands::acknowledge_exception)
            .service(exception_commands::assign_exception)
            .service(exception_commands::snooze_exception)
            .service(exception_commands::comment_exception)
            .service(exception_commands::dismiss_exception)
            .service(cases::list_cases)
            .service(cases::get_case)
            .service(case_options::add_option)
            .service(case_commands::open_case)
            .service(case_commands::choose_option)
            .service(case_commands::approve_case)
            .service(case_commands::reject_case)
            .service(case_commands::delegate_case)
            .service(case_commands::comment_case)
            .service(case_commands::reopen_case)
            .service(case_commands::cancel_case)
            .service(case_commands::merge_case)
            .service(case_commands::add_task)
            .service(case_commands::complete_task)
            .service(actions::list_actions)
            .service(actions::get_action)
            .service(actions::retry_action)
            .service(actions::withdraw_action)
            .service(actions::list_deliveries)
            .service(outbox::release_outbox)
            .service(bulk::post_bulk)
            .service(master_data::list_items)
            .service(master_data::get_item)
            .service(master_data::list_locations)
            .service(master_data::get_location)
            .service(customers::list_customers)
            .service(customers::get_customer)
            .service(orders::list_orders)
            .service(orders::get_order)
            .service(purchase_orders::list_purchase_orders)
            .service(purchase_orders::get_purchase_order)
            .service(transfers::list_transfers)
            .service(transfers::get_transfer)
            .service(promotions::list_promotions)
            .service(promotions::get_promotion)
            .service(quarantine::list_quarantine)
            .service(quarantine::retry_quarantine)
            .service(quarantine::get_quarantine)
            .service(quarantine::delete_quarantine)
            .service(feed::get_feed)
            .service(feed::post_feed_ticket)
            .service(operations::healthz)
            .service(operations::readyz)
            .service(operations::get_metrics)
            .service(operations::get_stats)
            .service(snapshots::list_snapshots)
            .service(snapshots::take_snapshot)
            .service(console::get_console)
            .service(console::get_console_file)
            .service(console::get_console_settings)
            .service(reference::get_openapi)
            .service(reference::get_asyncapi)
            .service(reference::get_docs)
            .default_service(web::to(no_such_route))
    })
    .on_connect(Wire::keep)
    .workers(config.workers)
    .max_connections(config.connections_max)
    .client_request_timeout(Duration::from_millis(config.request_timeout_ms))
    .client_disconnect_timeout(Duration::from_millis(config.request_timeout_ms))
    .keep_alive(Duration::from_secs(config.keep_alive_s))
    .shutdown_timeout(SHUTDOWN_S)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(Serving { address, server })
}

/// A path that exists under another method is `405` and tells which, any other `404`; without credentials nothing is
/// told.
async fn no_such_route(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    if let Err(problem) = principal(&request, &state) {
        return problem.error_response();
    }
    let detail = format!("{} {}", request.method(), request.path());
    match request.resource_map().match_pattern(request.path()) {
        Some(pattern) => {
            let mut response = Problem::new(&code::METHOD_NOT_ALLOWED).detail(detail).error_response();
            if let Ok(methods) = HeaderValue::from_str(openapi::methods_of(&pattern)) {
                response.headers_mut().insert(ALLOW, methods);
            }
            response
        }
        None => Problem::new(&code::NOT_FOUND).detail(detail).error_response(),
    }
}
