//! `POST /api/v1/outbox/release`: what was approved is delivered again after a backup was restored.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::command::OUTCOME_WAIT_MAX;
use super::ingest::hand_over;
use super::problem::{Problem, code};
use super::query::Query;
use super::state::AppState;
use crate::auth::Permission;
use crate::domain::ids::Name;
use crate::domain::record::SystemBody;
use crate::domain::reference::OutboxHold;
use crate::runtime::{pending_own, system_record};

/// Whether everything waits, and since when, as it is shown.
pub fn hold_item(hold: Option<OutboxHold>) -> Value {
    json!({
        "held": hold.is_some(),
        "held_since": hold.map(|hold| hold.since_time),
        "held_since_lsn": hold.map(|hold| hold.since),
        "backup_taken_at": hold.map(|hold| hold.backup_taken_at),
    })
}

/// Lets the outbox go on that is held since a backup was restored. Sent again, it changes nothing.
#[utoipa::path(post, path = "/api/v1/outbox/release", tag = "actions",
    responses((status = 200, description = "The outbox is not held any more", body = ref("#/components/schemas/OutboxReleased"))),
    security(("key" = [])))]
#[post("/api/v1/outbox/release")]
pub async fn release_outbox(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::ReleaseOutbox)?;
    if !caller.principal.scope.is_unrestricted() {
        let detail = "the outbox is released for everything, which a scope doesn't allow";
        return Err(Problem::new(&code::FORBIDDEN).detail(detail));
    }
    Query::parse(request.query_string(), &[])?;
    let running = state.running_for_work()?;
    let Some(hold) = running.reference().outbox_hold() else {
        let lsn = running.progress.applied();
        let position = running.position(lsn);
        return Ok(HttpResponse::Ok()
            .json(json!({"held": false, "released": false, "lsn": lsn, "position": position})));
    };
    let principal = Name::from(caller.principal.name.as_str());
    let body = SystemBody::OutboxReleased { held_since: hold.since };
    let mut buffer = Vec::new();
    let pending = pending_own(system_record(caller.tenant, principal, body), &mut buffer)
        .map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?;
    let outcomes = hand_over(&state, running, vec![pending], buffer).await?;
    let lsn = outcomes.first().ok_or_else(|| Problem::new(&code::INTERNAL))?.lsn();
    running.progress.wait_applied(lsn, OUTCOME_WAIT_MAX).await;
    let position = running.position(lsn);
    Ok(HttpResponse::Ok().json(json!({"held": false, "released": true, "lsn": lsn, "position": position})))
}
