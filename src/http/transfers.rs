//! `GET /api/v1/transfers…`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use super::caller::Caller;
use super::documents::{DocumentView, Found, FoundLine, Stage, admits_state, check, list, one, sum};
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, SortValue};
use super::read::{Asked, Read};
use super::state::AppState;
use super::visibility::sees_line;
use crate::auth::Permission;
use crate::domain::event::DocumentKind;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::line_shipments::ShipmentView;
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::sku_location::{SkuLocation, TransferEnd, TransferLineView};
use crate::domain::time::{HOUR, Timestamp};

/// A transfer: what its lines have in common, sums, and the lines that the reader sees, from either end.
#[derive(Debug, Serialize)]
pub struct Transfer {
    transfer_id: Name,
    state: Option<&'static str>,
    is_open: Option<bool>,
    /// Those of the first line; lines of one transfer may differ.
    from: Option<Name>,
    to: Option<Name>,
    /// This and the next two: the earliest of the lines, of those that are open if any is.
    placed_at: Option<Timestamp>,
    promised_at: Option<Timestamp>,
    /// When the next goods are expected.
    expected_at: Option<Timestamp>,
    /// When the last of what is open is expected.
    complete_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    dispatched: Option<Quantity>,
    received: Option<Quantity>,
    in_transit: Option<Quantity>,
    /// Not received.
    open: Option<Quantity>,
    lines: Vec<TransferLine>,
    failed_at: Option<Lsn>,
}

/// One line, as its two ends know it.
#[derive(Debug, Serialize)]
struct TransferLine {
    line_id: Name,
    sku: Option<Name>,
    from: Option<Name>,
    to: Option<Name>,
    state: Option<&'static str>,
    placed_at: Option<Timestamp>,
    promised_at: Option<Timestamp>,
    expected_at: Option<Timestamp>,
    complete_at: Option<Timestamp>,
    ordered: Option<Quantity>,
    dispatched: Option<Quantity>,
    received: Option<Quantity>,
    /// Dispatched and not received.
    in_transit: Option<Quantity>,
    open: Option<Quantity>,
    shipments: Vec<ShipmentView>,
    #[serde(skip)]
    stage: Option<Stage>,
    /// Something of it has left.
    #[serde(skip)]
    has_left: bool,
}

fn state_of(stage: Stage, has_left: bool) -> &'static str {
    match stage {
        Stage::Open if has_left => "in_transit",
        Stage::Open => "open",
        Stage::Partly => "partly_received",
        Stage::Done => "received",
        Stage::Cancelled => "cancelled",
        Stage::Closed => "closed",
    }
}

impl DocumentView for Transfer {
    const KIND: DocumentKind = DocumentKind::Transfer;
    const ID: &'static str = "transfer_id";
    const FIELDS: &'static [&'static str] = &[
        "transfer_id",
        "state",
        "from",
        "to",
        "placed_at",
        "promised_at",
        "expected_at",
        "complete_at",
        "ordered",
        "dispatched",
        "received",
        "in_transit",
        "open",
    ];
    const STATES: &'static [&'static str] =
        &["open", "in_transit", "partly_received", "received", "cancelled", "closed"];
    const FILTERS: &'static [&'static str] = &["sku", "location", "from", "to", "state", "is_open"];
    const LOCATION_FILTERS: &'static [&'static str] = &["location", "from", "to"];
    type Line = TransferLineView;

    fn lines(
        place: &SkuLocation,
        document: &str,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
    ) -> Vec<TransferLineView> {
        place.transfer_lines_of(document, now, reference, key)
    }

    fn line_id(line: &TransferLineView) -> &Name {
        &line.progress.line_id
    }

    fn show(found: Found<TransferLineView>, read: &Read<'_>) -> Result<Option<Transfer>, Problem> {
        let (principal, tenant) = (&read.caller.principal, read.tenant()?);
        let sees = |line: &TransferLine| {
            let at = |location: &Name| {
                line.sku.as_ref().is_some_and(|sku| sees_line(principal, tenant, sku, location, None))
            };
            principal.scope.is_unrestricted() || [&line.from, &line.to].into_iter().flatten().any(at)
        };
        // What was placed later than this no end has forgotten yet: one that says nothing has not heard of it.
        let lateness = i64::from(read.reference().settings().sku_location.lateness_hours) * HOUR;
        let forgotten_before = read.now().plus(-lateness);
        let shown = found.lines.into_iter().map(|line| shown(line, forgotten_before));
        let lines: Vec<TransferLine> = shown.filter(sees).collect();
        let Some(first) = lines.first() else { return Ok(None) };
        let stage = Stage::of_lines(lines.iter().map(|line| line.stage));
        let is_open = stage.map(Stage::is_open);
        let current = |line: &&TransferLine| is_open != Some(true) || line.stage.is_some_and(Stage::is_open);
        let earliest = |time: fn(&TransferLine) -> Option<Timestamp>| {
            lines.iter().filter(current).filter_map(time).min()
        };
        let has_left = lines.iter().any(|line| line.has_left);
        Ok(Some(Transfer {
            transfer_id: found.document,
            state: stage.map(|stage| state_of(stage, has_left)),
            is_open,
            from: first.from.clone(),
            to: first.to.clone(),
            placed_at: earliest(|line| line.placed_at),
            promised_at: earliest(|line| line.promised_at),
            expected_at: earliest(|line| line.expected_at),
            complete_at: lines.iter().filter_map(|line| line.complete_at).max(),
            ordered: sum(lines.iter().map(|line| line.ordered)),
            dispatched: sum(lines.iter().map(|line| line.dispatched)),
            received: sum(lines.iter().map(|line| line.received)),
            in_transit: sum(lines.iter().map(|line| line.in_transit)),
            open: sum(lines.iter().map(|line| line.open)),
            lines,
            failed_at: found.failed_at,
        }))
    }

    fn id(&self) -> &Name {
        &self.transfer_id
    }

    fn is_wanted(&self, query: &Query) -> bool {
        let text = |name: &Option<Name>| name.as_deref().unwrap_or_default().to_owned();
        admits_state(query, self.state, self.is_open)
            && self.lines.iter().any(|line| {
                let (from, to) = (text(&line.from), text(&line.to));
                query.admits("sku", line.sku.as_deref().unwrap_or_default())
                    && query.admits("from", &from)
                    && query.admits("to", &to)
                    && (query.admits("location", &from) || query.admits("location", &to))
            })
    }

    fn sort_value(&self, field: &str) -> SortValue {
        let quantity = |quantity: Option<Quantity>| SortValue::number(quantity.map(Quantity::as_f64));
        match field {
            "state" => SortValue::text(self.state),
            "from" => SortValue::text(self.from.as_deref()),
            "to" => SortValue::text(self.to.as_deref()),
            "placed_at" => SortValue::time(self.placed_at),
            "promised_at" => SortValue::time(self.promised_at),
            "expected_at" => SortValue::time(self.expected_at),
            "complete_at" => SortValue::time(self.complete_at),
            "ordered" => quantity(self.ordered),
            "dispatched" => quantity(self.dispatched),
            "received" => quantity(self.received),
            "in_transit" => quantity(self.in_transit),
            "open" => quantity(self.open),
            _ => SortValue::text(Some(&self.transfer_id)),
        }
    }
}

/// What both ends say together.
fn shown(line: FoundLine<TransferLineView>, forgotten_before: Timestamp) -> TransferLine {
    let sku = line.places.iter().find_map(|place| place.sku.clone());
    let end = |end: TransferEnd| {
        line.places.iter().rev().find_map(|place| {
            let said = place.said.iter().find(|said| said.end == end && !said.progress.is_elsewhere)?;
            Some((place.location.as_ref()?, said))
        })
    };
    let (from, to) = (end(TransferEnd::From), end(TransferEnd::To));
    // An end that has forgotten the line has it behind it: it is the last one that says nothing. If both have, the one
    // where it began was named first.
    let silent = line.places.iter().filter(|place| place.said.is_empty());
    let mut silent = silent.filter_map(|place| place.location.as_ref());
    let (from_location, to_location) = match (from, to) {
        (Some((from, _)), Some((to, _))) => (Some(from), Some(to)),
        (Some((from, _)), None) => (Some(from), silent.next_back()),
        (None, Some((to, _))) => (silent.next_back(), Some(to)),
        (None, None) => {
            let to = silent.next_back();
            (silent.next_back(), to)
        }
    };
    let (from_said, to_said) = (from.map(|(_, said)| said), to.map(|(_, said)| said));
    let is_old = to_said
        .is_some_and(|said| said.progress.placed_at.is_some_and(|placed_at| placed_at < forgotten_before));
    let has_forgotten_departure = from.is_none() && from_location.is_some() && is_old;
    let ordered = to_said.and_then(|said| said.progress.ordered);
    let ordered = ordered.or_else(|| from_said?.progress.ordered);
    // Only a line of which nothing is left to leave is forgotten there: all of it has, or it would have ended here too.
    let dispatched = match from_said {
        Some(said) => Some(said.progress.fulfilled),
        None => {
            ordered.filter(|_| has_forgotten_departure && to_said.is_some_and(|said| !said.progress.is_ended))
        }
    };
    let received = to_said.map(|said| said.progress.fulfilled);
    let has_left = dispatched.is_some_and(Quantity::is_positive);
    let stage = match (to_said, from_said) {
        (Some(said), _) => Some(Stage::of_progress(&said.progress)),
        (None, Some(said)) if said.progress.open.is_positive() => Some(Stage::Open),
        (None, _) => None,
    };
    let arrival = to_said.and_then(|said| said.arrival);
    TransferLine {
        sku,
        from: from_location.cloned(),
        to: to_location.cloned(),
        state: stage.map(|stage| state_of(stage, has_left)),
        placed_at: [to_said, from_said]
            .into_iter()
            .flatten()
            .filter_map(|said| said.progress.placed_at)
            .min(),
        promised_at: to_said.and_then(|said| said.promised_at),
        expected_at: arrival.map(|arrival| arrival.first_at),
        complete_at: arrival.map(|arrival| arrival.last_at),
        ordered,
        dispatched,
        received,
        in_transit: dispatched.zip(received).map(|(dispatched, received)| (dispatched - received).or_zero()),
        open: to_said.map(|said| said.progress.open),
        shipments: to_said.map(|said| said.shipments.clone()).unwrap_or_default(),
        stage,
        has_left,
        line_id: line.line_id,
    }
}

/// A transfer with its lines, as both ends know them.
///
/// An end forgets a line some time after it has nothing more to do with it (`lateness_hours` in `actors.toml`); what
/// neither knows any more is `null`. A transfer that the document index had to forget (`document_index_lines_max`) is
/// not found.
#[utoipa::path(get, path = "/api/v1/transfers/{transfer_id}", tag = "documents",
    params(("transfer_id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The transfer", body = ref("#/components/schemas/Transfer")), (status = 404, description = "Unknown, or forgotten")),
    security(("key" = [])))]
#[get("/api/v1/transfers/{transfer_id}")]
pub async fn get_transfer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [transfer_id] = segments(&request, "/api/v1/transfers")?;
    let read = asked.ready().await?;
    Ok(HttpResponse::Ok().json(one::<Transfer>(&read, transfer_id).await?))
}

/// Transfers, by id or sorted by any of their numbers.
///
/// Transfers that the document index had to forget (`document_index_lines_max` in `actors.toml`; those not touched for
/// longest go first) are not listed. `location` is either end. A filter by SKU and locations holds for one line as a
/// whole.
#[utoipa::path(get, path = "/api/v1/transfers", tag = "documents",
    params(("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("from" = Option<Vec<String>>, Query), ("to" = Option<Vec<String>>, Query),
        ("state" = Option<Vec<String>>, Query, description = "open, in_transit, partly_received, received, cancelled, closed"),
        ("is_open" = Option<bool>, Query, description = "whether something is still to be received"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of transfers", body = ref("#/components/schemas/TransferList"))), security(("key" = [])))]
#[get("/api/v1/transfers")]
pub async fn list_transfers(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, Transfer::FILTERS)?;
    let paged = check::<Transfer>(&asked)?;
    let read = asked.ready().await?;
    let (transfers, next) = list::<Transfer>(&read, &paged).await?;
    Ok(HttpResponse::Ok().json(read.page(transfers, next)))
}
