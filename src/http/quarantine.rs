//! `GET /api/v1/quarantine`, retry and delete: what could not be used.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::cloudevents::{Limits, Rejection, parse_event};
use super::inspect::{List, not_found};
use super::path::segments;
use super::problem::{Problem, code};
use super::query::{Cursor, Query, Sort, SortValue};
use super::state::AppState;
use crate::auth::Permission;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body, SystemBody};
use crate::journal::envelope::{FLAG_EVENT_TIME_GIVEN, decode_record};
use crate::runtime::quarantine::{QuarantineEntry, QuarantineReason};
use crate::runtime::{Outcome, Running, Written, codec, system_record};

const PREFIX: &str = "/api/v1/quarantine";

fn id_of(entry: &QuarantineEntry) -> String {
    format!("q{}", entry.entry)
}

fn parse_id(id: &str) -> Option<Lsn> {
    let digits = id.strip_prefix('q')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok().map(Lsn))?
}

/// The event that an entry is about, as a structured CloudEvent where it was one.
fn event_of(running: &Running, entry: &QuarantineEntry) -> Result<(Value, Vec<Value>), Problem> {
    let unreadable = |detail: String| Problem::new(&code::INTERNAL).detail(detail);
    let bytes = running.reader.read_one(entry.event.0).map_err(|error| unreadable(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| unreadable(format!("record {} is not in the journal", entry.event)))?;
    let (envelope, body) = decode_record(&bytes).map_err(|error| unreadable(error.to_string()))?;
    if let QuarantineReason::Rejected = entry.reason {
        let (record, _) = codec::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if let Body::System(body) = record.body
            && let SystemBody::Rejected { raw, errors, .. } = *body
        {
            let event = serde_json::from_str(&raw).unwrap_or(Value::String(raw));
            let errors = errors.into_iter().map(|e| json!({"pointer": e.pointer, "code": e.code, "detail": e.detail}));
            return Ok((event, errors.collect()));
        }
    }
    let data: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut event = json!({
        "specversion": "1.0", "id": envelope.id, "source": envelope.source, "type": envelope.record_type, "data": data,
    });
    if let Value::Object(map) = &mut event {
        if envelope.flags & FLAG_EVENT_TIME_GIVEN != 0 {
            let time = crate::domain::time::Timestamp::from_micros(envelope.event_time);
            map.insert("time".to_owned(), time.to_string().into());
        }
        for (name, text) in [("subject", envelope.subject), ("sequence", envelope.sequence)] {
            if !text.is_empty() {
                map.insert(name.to_owned(), text.into());
            }
        }
    }
    Ok((event, Vec::new()))
}

fn show(running: &Running, entry: &QuarantineEntry) -> Result<Value, Problem> {
    let (event, errors) = event_of(running, entry)?;
    let entity = match &entry.reason {
        QuarantineReason::Entity(key) => Some(key.to_string()),
        _ => None,
    };
    Ok(json!({
        "id": id_of(entry), "reason": entry.reason.as_str(), "code": entry.code, "detail": entry.detail,
        "errors": errors, "entity": entity, "event": event, "at": entry.at, "event_lsn": entry.event, "lsn": entry.entry,
    }))
}

/// Whoever sees only a part of the tenant sees nothing here: what an unusable event is about can't be known.
fn unrestricted(caller: &Caller) -> Result<(), Problem> {
    if caller.principal.scope.is_unrestricted() {
        return Ok(());
    }
    Err(Problem::new(&code::FORBIDDEN).detail("quarantine is shown to principals without a scope only"))
}

#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("code" = Option<Vec<String>>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of what could not be used")), security(("key" = [])))]
#[get("/api/v1/quarantine")]
pub async fn list_quarantine(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::ReadQuarantine)?;
    unrestricted(&caller)?;
    let running = state.running()?;
    let query =
        Query::parse(request.query_string(), &["limit", "cursor", "code", "sort", "at_least", "settled"])?;
    let limit = query.limit(state.config.server.list_limit_max)?;
    let sort = query.sort(&["lsn"], Sort::by("lsn"))?;
    let cursor = query.cursor(sort)?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let at = cursor.and_then(|cursor| cursor.id.parse().ok()).map(Lsn);
    let mut entries: Vec<QuarantineEntry> = {
        let quarantine = running.quarantine.read();
        let wanted = |entry: &&QuarantineEntry| query.admits("code", &entry.code);
        if sort.descending {
            let before = at.unwrap_or(Lsn(u64::MAX));
            let all: Vec<&QuarantineEntry> = quarantine.list(caller.tenant, Lsn::ZERO).filter(wanted).collect();
            all.into_iter().rev().filter(|entry| entry.entry < before).take(limit + 1).cloned().collect()
        } else {
            quarantine.list(caller.tenant, at.unwrap_or_default()).filter(wanted).take(limit + 1).cloned().collect()
        }
    };
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| {
        Cursor::after(sort, SortValue::Number(entry.entry.0 as f64), entry.entry.to_string()).encode()
    });
    let items = entries.iter().map(|entry| show(running, entry)).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(List::new(running, lsn, items, next)))
}

fn find(running: &Running, caller: &Caller, id: &Name) -> Result<QuarantineEntry, Problem> {
    let entry = parse_id(id).and_then(|lsn| running.quarantine.read().get(caller.tenant, lsn).cloned());
    entry.ok_or_else(|| not_found("such quarantine entry"))
}

#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, description = "The entry"), (status = 404, description = "Unknown")), security(("key" = [])))]
#[get("/api/v1/quarantine/{id}")]
pub async fn get_quarantine(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::ReadQuarantine)?;
    unrestricted(&caller)?;
    let running = state.running()?;
    Query::parse(request.query_string(), &[])?;
    let [id] = segments(&request, PREFIX)?;
    let entry = find(running, &caller, &id)?;
    Ok(HttpResponse::Ok().json(show(running, &entry)?))
}

#[utoipa::path(post, path = "/api/v1/quarantine/{id}/retry", tag = "quarantine", params(("id" = String, Path)),
    request_body(content_type = "application/cloudevents+json", description = "The edited event; nothing to retry as it is"),
    responses((status = 202, description = "Taken; the entry is closed"), (status = 404, description = "Unknown"),
        (status = 422, description = "Still unusable; the entry stays")),
    security(("key" = [])))]
#[post("/api/v1/quarantine/{id}/retry")]
pub async fn retry_quarantine(
    request: HttpRequest,
    body: Bytes,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::ManageQuarantine)?;
    unrestricted(&caller)?;
    let running = state.running_for_work()?;
    Query::parse(request.query_string(), &[])?;
    let [id] = segments(&request, PREFIX)?;
    let entry = find(running, &caller, &id)?;
    if let QuarantineReason::Entity(key) = &entry.reason {
        return release(running, &caller, &entry, key, false).await;
    }
    let edited = !body.is_empty();
    let raw = if edited {
        body
    } else {
        let (event, _) = event_of(running, &entry)?;
        let text = match event {
            Value::String(text) => text,
            event => event.to_string(),
        };
        Bytes::from(text)
    };
    let limits = Limits {
        event_bytes_max: state.config.server.event_bytes_max,
        depth_max: u32::try_from(state.config.server.json_depth_max).unwrap_or(u32::MAX),
    };
    let mut preparation = super::ingest::Preparation::new(&caller, limits, &state)?;
    let event = parse_event(&raw, &limits).and_then(|event| preparation.check(event));
    let event = event.map_err(|rejection: Box<Rejection>| rejection.to_problem())?;
    // An event that was accepted once and had no effect is known by its id: trying it again is no repeat.
    let again = !matches!(entry.reason, QuarantineReason::Rejected);
    preparation.take(0, &raw, event);
    let written = preparation.submit_one(again, entry.event).await?;
    let (status, lsn) = match written {
        Outcome::Accepted(lsn) => ("accepted", lsn),
        Outcome::Duplicate(lsn) => ("duplicate", lsn),
        Outcome::Reused(first) => {
            let detail = format!("another event with this source and id was taken as record {first}; edit the id");
            return Err(Problem::new(&code::EVENT_ID_REUSED).detail(detail));
        }
    };
    close(running, &caller, &entry, Some(lsn)).await?;
    let taken = |name| u64::from(status == name);
    Ok(HttpResponse::Accepted().json(json!({
        "id": id_of(&entry), "accepted": taken("accepted"), "duplicates": taken("duplicate"), "rejected": 0,
        "lsn": lsn, "position": running.position(lsn), "errors": [],
    })))
}

#[utoipa::path(delete, path = "/api/v1/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, description = "Closed without effect"), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[delete("/api/v1/quarantine/{id}")]
pub async fn delete_quarantine(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::ManageQuarantine)?;
    unrestricted(&caller)?;
    let running = state.running_for_work()?;
    Query::parse(request.query_string(), &[])?;
    let [id] = segments(&request, PREFIX)?;
    let entry = find(running, &caller, &id)?;
    if let QuarantineReason::Entity(key) = &entry.reason {
        return release(running, &caller, &entry, key, true).await;
    }
    let lsn = close(running, &caller, &entry, None).await?;
    Ok(HttpResponse::Ok().json(json!({"id": id_of(&entry), "lsn": lsn, "position": running.position(lsn)})))
}

async fn close(
    running: &Running,
    caller: &Caller,
    entry: &QuarantineEntry,
    retried_as: Option<Lsn>,
) -> Result<Lsn, Problem> {
    journal(running, caller, SystemBody::QuarantineClosed { entry: entry.entry, retried_as }).await
}

/// Lets a failed entity go on, trying the record again or leaving it out.
async fn release(
    running: &Running,
    caller: &Caller,
    entry: &QuarantineEntry,
    key: &EntityKey,
    skip: bool,
) -> Result<HttpResponse, Problem> {
    let body = SystemBody::EntityReleased { entity: key.clone(), poison: entry.event, skip };
    let lsn = journal(running, caller, body).await?;
    Ok(HttpResponse::Accepted().json(json!({"id": id_of(entry), "lsn": lsn, "position": running.position(lsn)})))
}

/// Journals a person's word and waits until it is applied.
async fn journal(running: &Running, caller: &Caller, body: SystemBody) -> Result<Lsn, Problem> {
    let principal = Name::from(caller.principal.name.as_str());
    let written = running.write_own(vec![system_record(caller.tenant, principal, body)]).await;
    match written {
        Some(Written::Done(outcomes)) => match outcomes.first() {
            Some(Outcome::Accepted(lsn)) => {
                running.progress.wait_applied(*lsn, APPLY_WAIT_MAX).await;
                Ok(*lsn)
            }
            _ => Err(Problem::new(&code::INTERNAL)),
        },
        _ => Err(Problem::new(&code::DRAINING)),
    }
}

/// How long a command waits to be seen in the lists before it answers anyway.
const APPLY_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(5);
