//! The control service: what the page's tour shows and presses. It listens on this machine alone, answers the tower's own
//! page alone, and wants a header that no other page can send unasked.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::http::{Method, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::act;
use super::look::{self, Found};
use super::scenario::{Scenario, Step};
use super::stage::{Said, Stage};

const HEADER: &str = "X-Tidewatch-Demo";
const PREFLIGHT_S: &str = "600";
const BODY_BYTES_MAX: usize = 4 << 10;
const SHUTDOWN_S: u64 = 1;

/// Serves until it is stopped.
///
/// # Errors
/// When no thread can be had for it.
pub fn serve(listener: TcpListener, stage: web::Data<Stage>) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(stage.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .default_service(web::to(answer))
    });
    Ok(server.workers(1).shutdown_timeout(SHUTDOWN_S).disable_signals().listen(listener)?.run())
}

async fn answer(request: HttpRequest, body: web::Bytes, stage: web::Data<Stage>) -> HttpResponse {
    let own = stage.tower_origin();
    let origin = request.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if origin.is_some_and(|origin| origin != own) {
        return refuse(403, "only the tower's own page may ask", own);
    }
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, own))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, format!("content-type, {HEADER}")))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_S))
            .finish();
    }
    if request.headers().get(HEADER).is_none_or(|value| value != "1") {
        return refuse(403, &format!("the header {HEADER}: 1 is missing"), own);
    }
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    match (request.method().as_str(), path.as_slice()) {
        ("GET", ["state"]) => tell(&state(&stage).await, own),
        ("POST", ["steps", id]) => {
            let Some(step) = stage.scenario.steps().iter().find(|step| step.id() == *id) else {
                return refuse(404, "there is no such step", own);
            };
            // What came of it stands in the state.
            let _ = act::act(&stage, *step).await;
            tell(&state(&stage).await, own)
        }
        ("POST", ["plug"]) => {
            let _ = act::act(&stage, Step::Plug).await;
            match stage.notes.lock().last_plug.clone() {
                Ok(told) => tell(&told, own),
                Err(error) => refuse(503, &error, own),
            }
        }
        ("POST", ["speed"]) => {
            let speed = serde_json::from_slice::<Value>(&body).ok().and_then(|body| body["speed"].as_f64());
            match speed.filter(|speed| speed.is_finite() && *speed >= 0.0) {
                Some(speed) => {
                    stage.set_speed(speed);
                    tell(&state(&stage).await, own)
                }
                None => refuse(400, "`speed` is seconds of the tower's time per second", own),
            }
        }
        _ => refuse(404, "there is GET /state, POST /steps/ID, POST /plug and POST /speed", own),
    }
}

fn tell(what: &Value, origin: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(what)
}

fn refuse(status: u16, detail: &str, origin: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin))
        .json(json!({"status": status.as_u16(), "detail": detail}))
}

/// Everything that the tour shows. While the tower is away the steps are as they were last seen.
async fn state(stage: &Stage) -> Value {
    let seen = look::look(stage).await;
    let (mut last_seen, documents) = (stage.last_seen.lock().clone(), stage.documents().await);
    if let Ok(seen) = seen {
        last_seen.steps = seen.iter().map(|(step, found)| show(*step, found, stage)).collect();
        if let Ok(stats) = stage.get("/api/v1/stats").await {
            last_seen.now = stats["business_time"].clone();
        }
        *stage.last_seen.lock() = last_seen.clone();
    }
    let documents: Vec<Value> = documents.unwrap_or_default().iter().map(show_document).collect();
    let notes = stage.notes.lock();
    json!({
        "scenario": stage.scenario.name(),
        "scenarios": Scenario::ALL.map(Scenario::name),
        "title": stage.scenario.title(),
        "now": last_seen.now,
        "speed": *stage.speed.lock(),
        "as": stage.acting_as,
        "tower": {
            "url": stage.tower_origin(), "running": notes.tower_is_running, "restarts": notes.restarts,
            "last_outage_ms": notes.last_outage_ms,
        },
        "erp": {"url": stage.erp.base().as_str().trim_end_matches('/'), "documents": documents},
        "steps": last_seen.steps,
    })
}

fn show(step: Step, found: &Found, stage: &Stage) -> Value {
    let words = step.words();
    let result = found.detail.as_ref().map(|detail| json!({"detail": detail, "ms": found.ms}));
    json!({
        "id": words.id, "title": words.title, "text": words.text, "button": words.button,
        "curl": found.call.as_ref().map(|call| call.curl(stage.tower_origin())),
        "look_at": found.look_at, "as": words.who, "state": found.state, "result": result,
    })
}

fn show_document(document: &Value) -> Value {
    json!({
        "id": document["id"], "kind": document["kind"], "action_id": document["action_id"], "at": document["at"],
        "sku": document["sku"], "location": document["location"], "quantity": document["quantity"],
    })
}

/// One step after the other by itself, as somebody who presses each button would; prints what came of each.
///
/// # Errors
/// The first step that did not go as it is told.
pub async fn walk(stage: &Stage) -> Said<()> {
    println!("{}: {}", stage.scenario.name(), stage.scenario.title());
    for (number, step) in stage.scenario.steps().iter().copied().enumerate() {
        let words = step.words();
        println!("\n{:2}. {}\n    {}", number + 1, words.title, words.text);
        if step == Step::OwnData {
            continue;
        }
        if words.button.is_some() {
            if let Some((_, found)) = look::look(stage).await?.into_iter().find(|(of, _)| *of == step)
                && let Some(call) = found.call
            {
                println!("    $ {}", call.curl(stage.tower_origin()));
            }
            act::act(stage, step).await.map_err(|error| format!("{}: {error}", words.id))?;
        }
        let found = stage
            .wait_for(words.id, || async {
                let seen = look::look(stage).await?;
                Ok(seen
                    .into_iter()
                    .find(|(of, found)| *of == step && found.state == "done")
                    .map(|(_, found)| found))
            })
            .await?;
        println!("    → {}", found.detail.unwrap_or_default());
    }
    Ok(())
}
