//! `GET` and `POST /api/v1/snapshots`: what the tower holds, written down.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::problem::{Problem, code};
use super::query::Query;
use super::state::AppState;
use crate::auth::Permission;
use crate::runtime::snapshots::{GenerationInfo, SnapshotStatus, TakeError};
use crate::runtime::wall_clock;

/// How long a snapshot that was asked for may take.
const TAKE_MAX: Duration = Duration::from_secs(600);

fn item(info: &GenerationInfo) -> Value {
    json!({
        "number": info.number,
        "lsn": info.lsn,
        "entities": info.entities,
        "bytes": info.bytes,
        "seconds": info.seconds,
        "taken_at": info.taken_at,
    })
}

/// They are of the whole process: a scope does not allow for them.
fn check(request: &HttpRequest, caller: &Caller, permission: Permission) -> Result<(), Problem> {
    caller.need(permission)?;
    if !caller.principal.scope.is_unrestricted() {
        let detail = "snapshots are of the whole process, which a scope doesn't allow to see";
        return Err(Problem::new(&code::FORBIDDEN).detail(detail));
    }
    Query::parse(request.query_string(), &[]).map(drop)
}

/// The snapshots that there are.
#[utoipa::path(get, path = "/api/v1/snapshots", tag = "operations",
    responses((status = 200, description = "Newest first", body = ref("#/components/schemas/SnapshotList"))), security(("key" = [])))]
#[get("/api/v1/snapshots")]
pub async fn list_snapshots(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    check(&request, &caller, Permission::ReadMetrics)?;
    let status = state.running()?.snapshots.status();
    let items: Vec<Value> = status.generations.iter().map(item).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items })))
}

/// Takes a snapshot, and answers when it is published. If nothing was journaled since the newest one, it is that.
#[utoipa::path(post, path = "/api/v1/snapshots", tag = "operations",
    responses((status = 200, description = "Published", body = ref("#/components/schemas/Snapshot"))), security(("key" = [])))]
#[post("/api/v1/snapshots")]
pub async fn take_snapshot(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    check(&request, &caller, Permission::TakeSnapshots)?;
    let taken = state.running_for_work()?.snapshots.take(TAKE_MAX).await;
    match taken {
        Ok(info) => Ok(HttpResponse::Ok().json(item(&info))),
        Err(error @ TakeError::Busy) => Err(Problem::new(&code::TOO_MANY_REQUESTS)
            .detail(error.to_string())
            .retry_after_s(state.retry_after_s())),
        Err(error @ TakeError::NoRoom(_)) => {
            Err(Problem::new(&code::DISK_FULL).detail(error.to_string()).retry_after_s(state.retry_after_s()))
        }
        Err(error @ TakeError::Failed(_)) => Err(Problem::new(&code::INTERNAL).detail(error.to_string())),
    }
}

/// How snapshots stand, as metrics.
pub fn gauges(status: &SnapshotStatus, gauge: &mut impl FnMut(&str, &str, f64)) {
    let newest = status.generations.first();
    let of_newest = |value: fn(&GenerationInfo) -> f64| newest.map_or(0.0, value);
    gauge("snapshot_generation", "Number of the newest snapshot", of_newest(|info| info.number as f64));
    gauge("snapshot_lsn", "Record behind which a start would replay", of_newest(|info| info.lsn.0 as f64));
    gauge(
        "snapshot_entities",
        "Live entities in the newest snapshot",
        of_newest(|info| info.entities as f64),
    );
    gauge("snapshot_bytes", "Size of the newest snapshot", of_newest(|info| info.bytes as f64));
    gauge("snapshot_seconds", "How long the newest snapshot took", of_newest(|info| info.seconds));
    let age = newest.map_or(0.0, |info| wall_clock().days_since(info.taken_at) * 86_400.0);
    gauge("snapshot_age_seconds", "Age of the newest snapshot", age);
    gauge("snapshots_taken", "Snapshots published since the start", status.taken as f64);
    gauge("snapshot_failures", "Snapshots that were not taken since the start", status.failures as f64);
    gauge(
        "snapshot_in_progress",
        "Whether a snapshot is being taken",
        f64::from(u8::from(status.is_being_taken)),
    );
    gauge(
        "snapshot_journal_bytes",
        "Bytes of the journal since the newest snapshot",
        status.journal_bytes_since as f64,
    );
}
