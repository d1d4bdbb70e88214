//! `GET /api/v1/orders…`: customer orders.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use super::caller::Caller;
use super::documents::{DocumentView, Found, FoundPlace, Stage, admits_state, check, list, one, sum};
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, SortValue};
use super::read::{Asked, Read};
use super::state::AppState;
use crate::auth::Permission;
use crate::domain::event::DocumentKind;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::sku_location::{OrderLineView, SkuLocation};
use crate::domain::time::Timestamp;

/// A customer order: what its lines have in common, sums, and the lines that the reader sees.
#[derive(Debug, Serialize)]
pub struct Order {
    order_id: Name,
    state: Option<&'static str>,
    is_open: Option<bool>,
    customer: Option<Name>,
    channel: Option<Name>,
    /// The greatest of the lines.
    priority: Option<i64>,
    /// This and the next two: the earliest of the lines, of those that are open if any is.
    placed_at: Option<Timestamp>,
    requested_at: Option<Timestamp>,
    promised_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    shipped: Option<Quantity>,
    open: Option<Quantity>,
    /// Open and promised for no later than now.
    due: Option<Quantity>,
    lines: Vec<OrderLine>,
    failed_at: Option<Lsn>,
}

/// One line. A place that has forgotten it leaves all but its names unknown.
#[derive(Debug, Serialize)]
struct OrderLine {
    line_id: Name,
    sku: Option<Name>,
    location: Option<Name>,
    state: Option<&'static str>,
    customer: Option<Name>,
    channel: Option<Name>,
    priority: Option<i64>,
    placed_at: Option<Timestamp>,
    requested_at: Option<Timestamp>,
    promised_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    shipped: Option<Quantity>,
    open: Option<Quantity>,
    due: Option<Quantity>,
    #[serde(skip)]
    stage: Option<Stage>,
}

fn state_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Open => "open",
        Stage::Partly => "partly_shipped",
        Stage::Done => "shipped",
        Stage::Cancelled => "cancelled",
        Stage::Closed => "closed",
    }
}

impl DocumentView for Order {
    const KIND: DocumentKind = DocumentKind::Order;
    const ID: &'static str = "order_id";
    const FIELDS: &'static [&'static str] = &[
        "order_id",
        "state",
        "customer",
        "channel",
        "priority",
        "placed_at",
        "requested_at",
        "promised_at",
        "ordered",
        "shipped",
        "open",
        "due",
    ];
    const STATES: &'static [&'static str] = &["open", "partly_shipped", "shipped", "cancelled", "closed"];
    const FILTERS: &'static [&'static str] = &["sku", "location", "customer", "channel", "state", "is_open"];
    const LOCATION_FILTERS: &'static [&'static str] = &["location"];
    type Line = OrderLineView;

    fn lines(
        place: &SkuLocation,
        document: &str,
        now: Timestamp,
        _: &Reference,
        _: &EntityKey,
    ) -> Vec<OrderLineView> {
        place.order_lines_of(document, now)
    }

    fn line_id(line: &OrderLineView) -> &Name {
        &line.progress.line_id
    }

    fn show(found: Found<OrderLineView>, read: &Read<'_>) -> Result<Option<Order>, Problem> {
        let mut lines = Vec::with_capacity(found.lines.len());
        for line in found.lines {
            // Where it is ordered now; where it was last, if all have forgotten it.
            let is_here = |said: &Vec<OrderLineView>| said.iter().any(|said| !said.progress.is_elsewhere);
            let at = line.places.iter().rposition(|place| is_here(&place.said));
            let at = at.or_else(|| line.places.iter().rposition(|place| place.said.is_empty()));
            let Some(place) = at.and_then(|at| line.places.into_iter().nth(at)) else { continue };
            if place.is_seen(read, None)? {
                lines.push(shown(line.line_id, place));
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let stage = Stage::of_lines(lines.iter().map(|line| line.stage));
        let is_open = stage.map(Stage::is_open);
        let current = |line: &&OrderLine| is_open != Some(true) || line.stage.is_some_and(Stage::is_open);
        let earliest =
            |time: fn(&OrderLine) -> Option<Timestamp>| lines.iter().filter(current).filter_map(time).min();
        Ok(Some(Order {
            order_id: found.document,
            state: stage.map(state_of),
            is_open,
            customer: lines.iter().find_map(|line| line.customer.clone()),
            channel: lines.iter().find_map(|line| line.channel.clone()),
            priority: lines.iter().filter_map(|line| line.priority).max(),
            placed_at: earliest(|line| line.placed_at),
            requested_at: earliest(|line| line.requested_at),
            promised_at: earliest(|line| line.promised_at),
            ordered: sum(lines.iter().map(|line| line.ordered)),
            shipped: sum(lines.iter().map(|line| line.shipped)),
            open: sum(lines.iter().map(|line| line.open)),
            due: sum(lines.iter().map(|line| line.due)),
            lines,
            failed_at: found.failed_at,
        }))
    }

    fn id(&self) -> &Name {
        &self.order_id
    }

    fn is_wanted(&self, query: &Query) -> bool {
        let named = |field: &str, name: Option<&Name>| query.admits(field, name.map_or("", Name::as_str));
        admits_state(query, self.state, self.is_open)
            && self.lines.iter().any(|line| {
                named("sku", line.sku.as_ref())
                    && named("location", line.location.as_ref())
                    && named("customer", line.customer.as_ref())
                    && named("channel", line.channel.as_ref())
            })
    }

    fn sort_value(&self, field: &str) -> SortValue {
        let quantity = |quantity: Option<Quantity>| SortValue::number(quantity.map(Quantity::as_f64));
        match field {
            "state" => SortValue::text(self.state),
            "customer" => SortValue::text(self.customer.as_deref()),
            "channel" => SortValue::text(self.channel.as_deref()),
            "priority" => SortValue::number(self.priority.map(|priority| priority as f64)),
            "placed_at" => SortValue::time(self.placed_at),
            "requested_at" => SortValue::time(self.requested_at),
            "promised_at" => SortValue::time(self.promised_at),
            "ordered" => quantity(self.ordered),
            "shipped" => quantity(self.shipped),
            "open" => quantity(self.open),
            "due" => quantity(self.due),
            _ => SortValue::text(Some(&self.order_id)),
        }
    }
}

fn shown(line_id: Name, place: FoundPlace<OrderLineView>) -> OrderLine {
    let said = place.said.into_iter().next();
    let stage = said.as_ref().map(|said| Stage::of_progress(&said.progress));
    let said = said.as_ref();
    OrderLine {
        line_id,
        sku: place.sku,
        location: place.location,
        state: stage.map(state_of),
        customer: said.and_then(|said| said.customer.clone()),
        channel: said.and_then(|said| said.channel.clone()),
        priority: said.and_then(|said| said.priority),
        placed_at: said.and_then(|said| said.progress.placed_at),
        requested_at: said.and_then(|said| said.requested_at),
        promised_at: said.and_then(|said| said.promised_at),
        ordered: said.and_then(|said| said.progress.ordered),
        shipped: said.map(|said| said.progress.fulfilled),
        open: said.map(|said| said.progress.open),
        due: said.map(|said| said.due),
        stage,
    }
}

/// A customer order with its lines, as the places that they are ordered from know them.
///
/// A place forgets a line some time after it was closed (`lateness_hours` in `actors.toml`); from then on its numbers are
/// `null`. An order that the document index had to forget (`document_index_lines_max`) is not found.
#[utoipa::path(get, path = "/api/v1/orders/{order_id}", tag = "documents",
    params(("order_id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The order", body = ref("#/components/schemas/Order")), (status = 404, description = "Unknown, or forgotten")),
    security(("key" = [])))]
#[get("/api/v1/orders/{order_id}")]
pub async fn get_order(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [order_id] = segments(&request, "/api/v1/orders")?;
    let read = asked.ready().await?;
    Ok(HttpResponse::Ok().json(one::<Order>(&read, order_id).await?))
}

/// Customer orders, by id or sorted by any of their numbers.
///
/// Orders that the document index had to forget (`document_index_lines_max` in `actors.toml`; those not touched for
/// longest go first) are not listed. A filter by SKU, location, customer and channel holds for one line as a whole.
#[utoipa::path(get, path = "/api/v1/orders", tag = "documents",
    params(("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("customer" = Option<Vec<String>>, Query), ("channel" = Option<Vec<String>>, Query),
        ("state" = Option<Vec<String>>, Query, description = "open, partly_shipped, shipped, cancelled, closed"),
        ("is_open" = Option<bool>, Query, description = "whether something is still to ship"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of orders", body = ref("#/components/schemas/OrderList"))), security(("key" = [])))]
#[get("/api/v1/orders")]
pub async fn list_orders(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, Order::FILTERS)?;
    let paged = check::<Order>(&asked)?;
    let read = asked.ready().await?;
    let (orders, next) = list::<Order>(&read, &paged).await?;
    Ok(HttpResponse::Ok().json(read.page(orders, next)))
}
