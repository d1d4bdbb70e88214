//! `GET /api/v1/purchase-orders…`

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
use crate::domain::line_shipments::ShipmentView;
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::sku_location::{PurchaseLineView, SkuLocation};
use crate::domain::supplier::SuppliedLineView;
use crate::domain::time::Timestamp;

/// A purchase order: what its lines have in common, sums, and the lines that the reader sees.
#[derive(Debug, Serialize)]
pub struct PurchaseOrder {
    po_id: Name,
    supplier: Option<Name>,
    state: Option<&'static str>,
    is_open: Option<bool>,
    /// Whether its supplier has acknowledged every open line; unknown without a supplier.
    is_acknowledged: Option<bool>,
    /// This and the next three: the earliest of the lines, of those that are open if any is.
    placed_at: Option<Timestamp>,
    /// As placed.
    promised_at: Option<Timestamp>,
    /// As acknowledged or changed since.
    confirmed_at: Option<Timestamp>,
    /// When the next goods are expected.
    expected_at: Option<Timestamp>,
    /// When the last of what is open is expected.
    complete_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    received: Option<Quantity>,
    open: Option<Quantity>,
    in_transit: Option<Quantity>,
    lines: Vec<PurchaseOrderLine>,
    failed_at: Option<Lsn>,
}

/// One line, as the place where it is to arrive knows it; what that has forgotten, as its supplier does.
#[derive(Debug, Serialize)]
struct PurchaseOrderLine {
    line_id: Name,
    sku: Option<Name>,
    location: Option<Name>,
    supplier: Option<Name>,
    state: Option<&'static str>,
    is_acknowledged: Option<bool>,
    placed_at: Option<Timestamp>,
    promised_at: Option<Timestamp>,
    confirmed_at: Option<Timestamp>,
    expected_at: Option<Timestamp>,
    complete_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    received: Option<Quantity>,
    open: Option<Quantity>,
    in_transit: Option<Quantity>,
    shipments: Vec<ShipmentView>,
    #[serde(skip)]
    stage: Option<Stage>,
}

fn state_of(stage: Stage, is_acknowledged: Option<bool>) -> &'static str {
    match stage {
        Stage::Open if is_acknowledged == Some(true) => "acknowledged",
        Stage::Open => "open",
        Stage::Partly => "partly_received",
        Stage::Done => "received",
        Stage::Cancelled => "cancelled",
        Stage::Closed => "closed",
    }
}

impl DocumentView for PurchaseOrder {
    const KIND: DocumentKind = DocumentKind::PurchaseOrder;
    const ID: &'static str = "po_id";
    const FIELDS: &'static [&'static str] = &[
        "po_id",
        "supplier",
        "state",
        "placed_at",
        "promised_at",
        "confirmed_at",
        "expected_at",
        "complete_at",
        "ordered",
        "received",
        "open",
        "in_transit",
    ];
    const STATES: &'static [&'static str] =
        &["open", "acknowledged", "partly_received", "received", "cancelled", "closed"];
    const FILTERS: &'static [&'static str] = &["sku", "location", "supplier", "state", "is_open"];
    const LOCATION_FILTERS: &'static [&'static str] = &["location"];
    type Line = PurchaseLineView;

    fn lines(
        place: &SkuLocation,
        document: &str,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
    ) -> Vec<PurchaseLineView> {
        place.purchase_lines_of(document, now, reference, key)
    }

    fn line_id(line: &PurchaseLineView) -> &Name {
        &line.progress.line_id
    }

    fn show(found: Found<PurchaseLineView>, read: &Read<'_>) -> Result<Option<PurchaseOrder>, Problem> {
        let mut lines = Vec::with_capacity(found.lines.len());
        for line in found.lines {
            // Where it is to arrive now; where it was last, if all have forgotten it.
            let is_here = |said: &Vec<PurchaseLineView>| said.iter().any(|said| !said.progress.is_elsewhere);
            let at = line.places.iter().rposition(|place| is_here(&place.said));
            let at = at.or_else(|| line.places.iter().rposition(|place| place.said.is_empty()));
            let Some(place) = at.and_then(|at| line.places.into_iter().nth(at)) else { continue };
            let supplied = found.suppliers.iter().rev().find_map(|(supplier, lines)| {
                let line = lines.iter().find(|known| known.line_id == line.line_id)?;
                Some((supplier, line))
            });
            let line = shown(line.line_id, &place, supplied);
            if place.is_seen(read, line.supplier.as_deref())? {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let stage = Stage::of_lines(lines.iter().map(|line| line.stage));
        let is_open = stage.map(Stage::is_open);
        let current: Vec<&PurchaseOrderLine> = lines
            .iter()
            .filter(|line| is_open != Some(true) || line.stage.is_some_and(Stage::is_open))
            .collect();
        let acknowledged: Option<Vec<bool>> = current.iter().map(|line| line.is_acknowledged).collect();
        let is_acknowledged = acknowledged.map(|all| all.iter().all(|one| *one));
        let earliest = |time: fn(&PurchaseOrderLine) -> Option<Timestamp>| {
            current.iter().filter_map(|line| time(line)).min()
        };
        Ok(Some(PurchaseOrder {
            po_id: found.document,
            supplier: lines.iter().find_map(|line| line.supplier.clone()),
            state: stage.map(|stage| state_of(stage, is_acknowledged)),
            is_open,
            is_acknowledged,
            placed_at: earliest(|line| line.placed_at),
            promised_at: earliest(|line| line.promised_at),
            confirmed_at: earliest(|line| line.confirmed_at),
            expected_at: earliest(|line| line.expected_at),
            complete_at: lines.iter().filter_map(|line| line.complete_at).max(),
            ordered: sum(lines.iter().map(|line| line.ordered)),
            received: sum(lines.iter().map(|line| line.received)),
            open: sum(lines.iter().map(|line| line.open)),
            in_transit: sum(lines.iter().map(|line| line.in_transit)),
            lines,
            failed_at: found.failed_at,
        }))
    }

    fn id(&self) -> &Name {
        &self.po_id
    }

    fn is_wanted(&self, query: &Query) -> bool {
        let named = |field: &str, name: Option<&Name>| query.admits(field, name.map_or("", Name::as_str));
        admits_state(query, self.state, self.is_open)
            && self.lines.iter().any(|line| {
                named("sku", line.sku.as_ref())
                    && named("location", line.location.as_ref())
                    && named("supplier", line.supplier.as_ref())
            })
    }

    fn sort_value(&self, field: &str) -> SortValue {
        let quantity = |quantity: Option<Quantity>| SortValue::number(quantity.map(Quantity::as_f64));
        match field {
            "supplier" => SortValue::text(self.supplier.as_deref()),
            "state" => SortValue::text(self.state),
            "placed_at" => SortValue::time(self.placed_at),
            "promised_at" => SortValue::time(self.promised_at),
            "confirmed_at" => SortValue::time(self.confirmed_at),
            "expected_at" => SortValue::time(self.expected_at),
            "complete_at" => SortValue::time(self.complete_at),
            "ordered" => quantity(self.ordered),
            "received" => quantity(self.received),
            "open" => quantity(self.open),
            "in_transit" => quantity(self.in_transit),
            _ => SortValue::text(Some(&self.po_id)),
        }
    }
}

fn shown(
    line_id: Name,
    place: &FoundPlace<PurchaseLineView>,
    supplied: Option<(&Name, &SuppliedLineView)>,
) -> PurchaseOrderLine {
    let said = place.said.first();
    let (supplier, supplied) = supplied.unzip();
    let stage = said
        .map(|said| Stage::of_progress(&said.progress))
        .or_else(|| supplied.map(|line| Stage::of(line.ordered, line.received, line.open, line.is_ended)));
    let is_acknowledged = supplied.map(|line| line.is_acknowledged);
    let arrival = said.and_then(|said| said.arrival);
    PurchaseOrderLine {
        line_id,
        sku: place.sku.clone(),
        location: place.location.clone(),
        supplier: said.and_then(|said| said.supplier.clone()).or_else(|| supplier.cloned()),
        state: stage.map(|stage| state_of(stage, is_acknowledged)),
        is_acknowledged,
        placed_at: said.map_or_else(|| supplied?.placed_at, |said| said.progress.placed_at),
        promised_at: said.map_or_else(|| supplied?.promised_at, |said| said.promised_at),
        confirmed_at: said.and_then(|said| said.confirmed_at),
        expected_at: arrival.map(|arrival| arrival.first_at),
        complete_at: arrival.map(|arrival| arrival.last_at),
        ordered: said.map_or_else(|| supplied?.ordered, |said| said.progress.ordered),
        received: said.map(|said| said.progress.fulfilled).or_else(|| supplied.map(|line| line.received)),
        open: said.map(|said| said.progress.open).or_else(|| supplied.map(|line| line.open)),
        in_transit: said.map(|said| said.in_transit),
        shipments: said.map(|said| said.shipments.clone()).unwrap_or_default(),
        stage,
    }
}

/// A purchase order with its lines, as the places where they are to arrive and their supplier know them.
///
/// A place forgets a line some time after it was closed (`lateness_hours` in `actors.toml`), a supplier one that was
/// closed longest ago (`lines_max`); what nobody knows any more is `null`. An order that the document index had to
/// forget (`document_index_lines_max`) is not found, nor is one of which only receipts are known.
#[utoipa::path(get, path = "/api/v1/purchase-orders/{po_id}", tag = "documents",
    params(("po_id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The purchase order", body = ref("#/components/schemas/PurchaseOrder")), (status = 404, description = "Unknown, or forgotten")),
    security(("key" = [])))]
#[get("/api/v1/purchase-orders/{po_id}")]
pub async fn get_purchase_order(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [po_id] = segments(&request, "/api/v1/purchase-orders")?;
    let read = asked.ready().await?;
    Ok(HttpResponse::Ok().json(one::<PurchaseOrder>(&read, po_id).await?))
}

/// Purchase orders, by id or sorted by any of their numbers.
///
/// Orders that the document index had to forget (`document_index_lines_max` in `actors.toml`; those not touched for
/// longest go first) are not listed. A filter by SKU, location and supplier holds for one line as a whole.
#[utoipa::path(get, path = "/api/v1/purchase-orders", tag = "documents",
    params(("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("supplier" = Option<Vec<String>>, Query),
        ("state" = Option<Vec<String>>, Query, description = "open, acknowledged, partly_received, received, cancelled, closed"),
        ("is_open" = Option<bool>, Query, description = "whether something is still to be received"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of purchase orders", body = ref("#/components/schemas/PurchaseOrderList"))), security(("key" = [])))]
#[get("/api/v1/purchase-orders")]
pub async fn list_purchase_orders(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, PurchaseOrder::FILTERS)?;
    let paged = check::<PurchaseOrder>(&asked)?;
    let read = asked.ready().await?;
    let (orders, next) = list::<PurchaseOrder>(&read, &paged).await?;
    Ok(HttpResponse::Ok().json(read.page(orders, next)))
}
