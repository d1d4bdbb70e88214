//! The sandbox's HTTP side.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::action::{Action, Manner};
use super::faults::Faults;
use super::ledger::Taken;
use super::state::Sandbox;
use crate::domain::ids::NAME_SCALARS_MAX;
use crate::runtime::wall_clock;

/// Bytes of one request's body.
pub const BODY_BYTES_MAX: usize = 64 << 10;
/// How long a request or an answer is held at most.
const HOLD_MAX: Duration = Duration::from_secs(120);
const PROBLEM: &str = "application/problem+json";
/// Items in one answer.
const LIST_MAX: usize = 1_000;

/// Which part of a list is wanted.
#[derive(Deserialize)]
pub struct Page {
    /// Older ones to leave out; without it the newest are shown.
    skip: Option<usize>,
}

impl Page {
    fn of(&self, total: usize) -> std::ops::Range<usize> {
        let start = self.skip.unwrap_or(total.saturating_sub(LIST_MAX)).min(total);
        start..total.min(start + LIST_MAX)
    }
}

fn problem(status: StatusCode, code: &str, detail: &str) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or_default();
    HttpResponse::build(status).content_type(PROBLEM).json(json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    }))
}

/// Takes an action, as a system of record does.
#[post("/actions")]
pub async fn post_actions(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    body: web::Bytes,
) -> HttpResponse {
    sandbox.arrived();
    if sandbox.faults().down {
        return down();
    }
    sandbox.wait_until(HOLD_MAX, |faults| !faults.hold_requests).await;
    let faults = sandbox.faults();
    if faults.down {
        return down();
    }
    let header = request.headers().get("Idempotency-Key").and_then(|value| value.to_str().ok());
    let Some(key) = header.filter(|key| (1..=NAME_SCALARS_MAX).contains(&key.len())) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "no_key",
            "an Idempotency-Key of 1 to 128 characters is missing",
        );
    };
    let attempt = sandbox.attempt(key);
    if faults.strikes(faults.fail_rate, "fail", key, attempt) {
        return problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the sandbox fails a share of its requests",
        );
    }
    let (value, action) = match read(&body) {
        Ok(read) => read,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, "bad_request", &detail),
    };
    let answer = match record(&sandbox, key, value, action, &faults).await {
        Ok(answer) => answer,
        Err(refusal) => return refusal,
    };
    timeout(Duration::from_millis(faults.slow_ms), sandbox.stopping()).await.ok();
    sandbox.wait_until(HOLD_MAX, |faults| !faults.hold_answers).await;
    if faults.strikes(faults.lose_answers, "lose", key, attempt) {
        return problem(StatusCode::GATEWAY_TIMEOUT, "answer_lost", "recorded, and the answer was lost");
    }
    answer
}

fn down() -> HttpResponse {
    problem(StatusCode::SERVICE_UNAVAILABLE, "down", "the sandbox is told to be down")
}

fn read(body: &[u8]) -> Result<(Value, Action), String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let action: Action = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match action.fault() {
        Some(fault) => Err(fault.to_owned()),
        None => Ok((value, action)),
    }
}

async fn record(
    sandbox: &web::Data<Sandbox>,
    key: &str,
    value: Value,
    action: Action,
    faults: &Faults,
) -> Result<HttpResponse, HttpResponse> {
    let manner = Manner { wrong: faults.wrong, receive_after: sandbox.receive_after };
    let (ledger, key) = (sandbox.ledger.clone(), key.to_owned());
    let told =
        format!("{} {} of {} at {}", action.kind.as_str(), action.quantity, action.sku, action.location);
    let taken = web::block(move || ledger.lock().take(&key, &value, &action, manner, wall_clock())).await;
    match taken {
        Ok(Ok(Taken::Answer { status, answer, replayed })) => {
            sandbox.tell(&told, status, &answer, replayed);
            sandbox.wake_sender();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut response = HttpResponse::build(status);
            if replayed {
                response.insert_header(("Idempotency-Replayed", "true"));
            }
            if !status.is_success() {
                response.content_type(PROBLEM);
            }
            Ok(response.json(answer))
        }
        Ok(Ok(Taken::OtherBody)) => {
            let detail = "this Idempotency-Key came with another body before";
            Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
        }
        Ok(Ok(Taken::Full)) => {
            Err(problem(StatusCode::SERVICE_UNAVAILABLE, "full", "the sandbox holds no more actions"))
        }
        Ok(Err(error)) => {
            eprintln!("{error}");
            Err(problem(StatusCode::INTERNAL_SERVER_ERROR, "ledger_failed", &error.to_string()))
        }
        Err(_) => Err(problem(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the sandbox is being stopped")),
    }
}

/// What it was told, the newest last.
#[get("/actions")]
pub async fn get_actions(sandbox: web::Data<Sandbox>, page: web::Query<Page>) -> HttpResponse {
    let ledger = sandbox.ledger.lock();
    let total = ledger.actions().count();
    let shown = page.of(total);
    let items: Vec<Value> = ledger
        .actions()
        .skip(shown.start)
        .take(shown.len())
        .map(|(recorded, seen)| {
            json!({
                "idempotency_key": recorded.key, "at": recorded.at, "request": recorded.request,
                "status": recorded.status, "external_ref": recorded.made.as_ref().map(|made| &made.external_ref),
                "seen": seen,
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({
        "items": items, "total": total, "requests": sandbox.requests(),
    }))
}

/// The documents that it made, and whether the tower has been told of them.
#[get("/documents")]
pub async fn get_documents(sandbox: web::Data<Sandbox>, page: web::Query<Page>) -> HttpResponse {
    let ledger = sandbox.ledger.lock();
    let unsent = ledger.unsent_ids();
    let documents = ledger.actions().filter_map(|(recorded, _)| {
        let made = recorded.made.as_ref()?;
        let document = made.document.as_ref()?;
        let events: Vec<Value> = made
            .events
            .iter()
            .map(|announced| {
                let id = announced.event["id"].as_str().unwrap_or_default();
                json!({"id": id, "type": announced.event["type"], "sent": !unsent.contains(id)})
            })
            .collect();
        Some(json!({
            "kind": document.kind, "id": document.id, "line_id": document.line_id,
            "action_id": recorded.request["action_id"], "sku": recorded.request["sku"],
            "location": recorded.request["location"], "quantity": document.quantity,
            "promised_at": document.promised_at, "events": events,
        }))
    });
    let documents: Vec<Value> = documents.collect();
    let shown = page.of(documents.len());
    HttpResponse::Ok().json(json!({"items": documents[shown], "total": documents.len()}))
}

/// The faults that are on.
#[get("/faults")]
pub async fn get_faults(sandbox: web::Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.faults())
}

/// Switches those faults that the body names.
#[put("/faults")]
pub async fn put_faults(sandbox: web::Data<Sandbox>, body: web::Bytes) -> HttpResponse {
    let change = serde_json::from_slice(&body).map_err(|error| error.to_string());
    match change.and_then(|change| sandbox.change_faults(&change)) {
        Ok(faults) => HttpResponse::Ok().json(faults),
        Err(detail) => problem(StatusCode::BAD_REQUEST, "bad_request", &detail),
    }
}

/// Whether the process is alive, whatever it is told to pretend.
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_shows_the_newest_or_from_where_it_is_told_to() {
        let page = |skip, total| Page { skip }.of(total);
        assert_eq!((page(None, 0), page(None, 1_000), page(None, 2_500)), (0..0, 0..1_000, 1_500..2_500));
        assert_eq!((page(Some(0), 2_500), page(Some(2_000), 2_500)), (0..1_000, 2_000..2_500));
        assert_eq!((page(Some(2_500), 2_500), page(Some(usize::MAX), 2_500)), (2_500..2_500, 2_500..2_500));
    }
}
