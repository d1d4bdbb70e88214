//! `GET /api/v1/quarantine`, retry and delete: what could not be used.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::caller::Caller;
use super::cloudevents::{Limits, Rejection, parse_event};
use super::command::journal_problem;
use super::ingest::{Body as RequestBody, Preparation, RetryOf, hand_over};
use super::inspect::not_found;
use super::path::segments;
use super::problem::{Problem, code};
use super::query::{Cursor, Query, Sort, SortValue};
use super::read::{Asked, Paged};
use super::state::AppState;
use crate::auth::Permission;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body, RejectedField, SystemBody};
use crate::domain::time::Timestamp;
use crate::journal::JournalError;
use crate::journal::envelope::decode_record;
use crate::runtime::codec::EventIdentity;
use crate::runtime::quarantine::{QuarantineEntry, QuarantineReason};
use crate::runtime::{Outcome, Pending, Running, codec, pending_own, system_record};

const PREFIX: &str = "/api/v1/quarantine";

fn id_of(entry: &QuarantineEntry) -> String {
    format!("q{}", entry.entry)
}

fn parse_id(id: &str) -> Option<Lsn> {
    let digits = id.strip_prefix('q')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok().map(Lsn))?
}

/// What the journal holds of an entry.
#[derive(Default)]
struct Kept {
    /// The event, byte for byte as it was sent if it was rejected; otherwise a structured CloudEvent with the time and the
    /// data that were journaled. Empty if the entry is about no record.
    text: String,
    /// What was wrong with it.
    errors: Vec<RejectedField>,
    /// Source and id, if it was accepted.
    accepted_as: Option<(Name, Name)>,
    /// The record was trimmed away.
    trimmed: Option<JournalError>,
}

/// A journaled event as a structured CloudEvent.
#[derive(Serialize)]
struct Journaled<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    time: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sequence: &'a str,
    data: &'a RawValue,
}

/// Reads an entry's record. Blocks on the disk.
fn read_kept(running: &Running, entry: &QuarantineEntry) -> Result<Kept, Problem> {
    let unreadable = |detail: String| Problem::new(&code::INTERNAL).detail(detail);
    if entry.event == Lsn::ZERO {
        return Ok(Kept::default());
    }
    let bytes = match running.reader.read_one(entry.event.0) {
        Ok(bytes) => bytes,
        Err(JournalError::Trimmed { lsn, first_lsn }) => {
            return Ok(Kept { trimmed: Some(JournalError::Trimmed { lsn, first_lsn }), ..Kept::default() });
        }
        Err(error) => return Err(journal_problem(error)),
    };
    let bytes = bytes.ok_or_else(|| unreadable(format!("record {} is not in the journal", entry.event)))?;
    if let QuarantineReason::Rejected = entry.reason {
        let (record, _) = codec::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if let Body::System(body) = record.body
            && let SystemBody::Rejected { raw, errors, .. } = *body
        {
            return Ok(Kept { text: raw, errors, ..Kept::default() });
        }
        return Err(unreadable(format!("record {} is no rejection", entry.event)));
    }
    let (envelope, body) = decode_record(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let journaled = Journaled {
        specversion: "1.0",
        id: envelope.id,
        source: envelope.source,
        r#type: envelope.record_type,
        // Always told: without it a retry would happen now.
        time: Timestamp::from_micros(envelope.event_time).to_string(),
        subject: envelope.subject,
        sequence: envelope.sequence,
        data: serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?,
    };
    let text = serde_json::to_string(&journaled).map_err(|error| unreadable(error.to_string()))?;
    let accepted_as = Some((Name::from(envelope.source), Name::from(envelope.id)));
    Ok(Kept { text, accepted_as, ..Kept::default() })
}

/// Runs what reads the disk where it holds up no other request.
async fn off_worker<T: Send + 'static>(
    state: &web::Data<AppState>,
    read: impl FnOnce(&Running) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let state = state.clone();
    let read = web::block(move || read(state.running()?)).await;
    read.map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?
}

/// An entry with what it keeps. Blocks on the disk.
fn show(running: &Running, entry: &QuarantineEntry) -> Result<Value, Problem> {
    let Kept { text, errors, trimmed, .. } = read_kept(running, entry)?;
    let event = match serde_json::from_str(&text) {
        Ok(event) => event,
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => Value::String(text),
    };
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|e| json!({"pointer": e.pointer, "code": e.code, "detail": e.detail}))
        .collect();
    let entity = match &entry.reason {
        QuarantineReason::Entity(key) => Some(key.to_string()),
        _ => None,
    };
    Ok(json!({
        "id": id_of(entry), "reason": entry.reason.as_str(), "code": entry.code, "detail": entry.detail,
        "errors": errors, "entity": entity, "event": event,
        "event_trimmed": trimmed.is_some(), "at": entry.at, "event_lsn": entry.event, "lsn": entry.entry,
    }))
}

/// Whoever sees only a part of the tenant sees nothing here: what an unusable event is about can't be known.
fn unrestricted(caller: &Caller) -> Result<(), Problem> {
    if caller.principal.scope.is_unrestricted() {
        return Ok(());
    }
    Err(Problem::new(&code::FORBIDDEN).detail("quarantine is shown to principals without a scope only"))
}

/// What could not be used, oldest first.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("code" = Option<Vec<String>>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of what could not be used", body = ref("#/components/schemas/QuarantineList"))), security(("key" = [])))]
#[get("/api/v1/quarantine")]
pub async fn list_quarantine(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::ReadQuarantine, &["code"])?;
    unrestricted(&caller)?;
    let Paged { limit, sort, cursor } = asked.paged(&["lsn"], Sort::by("lsn"))?;
    let read = asked.ready().await?;
    let (running, query) = (read.running, &read.query);
    let at = cursor.and_then(|cursor| cursor.id.parse().ok()).map(Lsn);
    let mut entries: Vec<QuarantineEntry> = {
        let quarantine = running.quarantine.read();
        let wanted = |entry: &&QuarantineEntry| query.admits("code", &entry.code);
        if sort.descending {
            let before = at.unwrap_or(Lsn(u64::MAX));
            let all: Vec<&QuarantineEntry> =
                quarantine.list(caller.tenant, Lsn::ZERO).filter(wanted).collect();
            all.into_iter().rev().filter(|entry| entry.entry < before).take(limit + 1).cloned().collect()
        } else {
            quarantine
                .list(caller.tenant, at.unwrap_or_default())
                .filter(wanted)
                .take(limit + 1)
                .cloned()
                .collect()
        }
    };
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| {
        Cursor::after(sort, SortValue::Number(entry.entry.0 as f64), entry.entry.to_string()).encode()
    });
    let items = off_worker(&state, move |running| {
        entries.iter().map(|entry| show(running, entry)).collect::<Result<Vec<_>, _>>()
    });
    let items = items.await?;
    Ok(HttpResponse::Ok().json(read.page(items, next)))
}

fn find(running: &Running, caller: &Caller, id: &Name) -> Result<QuarantineEntry, Problem> {
    let entry = parse_id(id).and_then(|lsn| running.quarantine.read().get(caller.tenant, lsn).cloned());
    entry.ok_or_else(|| not_found("such quarantine entry"))
}

/// One entry of the quarantine, with its event.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, description = "The entry", body = ref("#/components/schemas/QuarantineEntryDetail")), (status = 404, description = "Unknown")), security(("key" = [])))]
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
    let shown = off_worker(&state, move |running| {
        let mut item = show(running, &entry)?;
        if let Value::Object(map) = &mut item {
            map.insert("position".to_owned(), running.position(entry.entry).into());
        }
        Ok(item)
    });
    Ok(HttpResponse::Ok().json(shown.await?))
}

/// Tries an entry again, as it was or edited; releases a failed entity.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/retry", tag = "quarantine", params(("id" = String, Path)),
    request_body(content_type = "application/cloudevents+json", description = "The edited event; nothing to retry as it is"),
    responses((status = 202, description = "Taken; the entry is closed", body = ref("#/components/schemas/QuarantineRetryAnswer")), (status = 404, description = "Unknown"),
        (status = 422, description = "Still unusable; the entry stays")),
    security(("key" = [])))]
#[post("/api/v1/quarantine/{id}/retry")]
pub async fn retry_quarantine(
    request: HttpRequest,
    payload: web::Payload,
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
        return release(&state, running, &caller, &entry, key, false).await;
    }
    let kept = {
        let entry = entry.clone();
        off_worker(&state, move |running| read_kept(running, &entry)).await?
    };
    let server = &state.config.server;
    let body = RequestBody::new(payload, server.request_bytes_max, server.body_timeout_ms);
    let edited = body.read_all().await.map_err(|error| error.to_problem())?;
    let raw = match kept.trimmed {
        Some(error) if edited.is_empty() => return Err(journal_problem(error)),
        _ if edited.is_empty() => Bytes::from(kept.text),
        _ => edited,
    };
    let limits = Limits {
        event_bytes_max: server.event_bytes_max,
        depth_max: u32::try_from(server.json_depth_max).unwrap_or(u32::MAX),
    };
    let mut preparation = Preparation::new(&caller, limits, &state)?;
    let event = parse_event(&raw, &limits).and_then(|event| preparation.check(event));
    let event = event.map_err(|rejection: Box<Rejection>| rejection.to_problem())?;
    let accepted_as = kept.accepted_as.as_ref().map(|(source, id)| (source.as_str(), id.as_str()));
    preparation.take(0, &raw, event, Some(RetryOf { entry: entry.entry, accepted_as }));
    let (outcome, last) = preparation.submit_retry(entry.entry).await?;
    running.progress.wait_applied(last, APPLY_WAIT_MAX).await;
    let (status, lsn) = match outcome {
        Outcome::Accepted(lsn) => ("accepted", lsn),
        Outcome::Duplicate(lsn) => ("duplicate", lsn),
        Outcome::Reused(first) => {
            // Someone else may have tried it again, edited otherwise, a moment ago: then the entry is gone.
            running.progress.wait_applied(running.progress.durable(), APPLY_WAIT_MAX).await;
            find(running, &caller, &id)?;
            let detail =
                format!("another event with this source and id was taken as record {first}; edit the id");
            return Err(Problem::new(&code::EVENT_ID_REUSED).detail(detail));
        }
    };
    let taken = |name| u64::from(status == name);
    Ok(HttpResponse::Accepted().json(json!({
        "id": id_of(&entry), "accepted": taken("accepted"), "duplicates": taken("duplicate"), "rejected": 0,
        "lsn": lsn, "position": running.position(lsn), "errors": [],
    })))
}

/// Closes an entry without effect; releases a failed entity without the record it failed on.
#[utoipa::path(delete, path = "/api/v1/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, description = "Closed without effect", body = ref("#/components/schemas/QuarantineClosed")),
        (status = 202, description = "The failed entity goes on without the record", body = ref("#/components/schemas/QuarantineClosed")), (status = 404, description = "Unknown")),
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
        return release(&state, running, &caller, &entry, key, true).await;
    }
    let closed = SystemBody::QuarantineClosed { entry: entry.entry, retried: false };
    let identity = codec::closing_identity(caller.tenant, entry.entry);
    let lsn = match journal(&state, running, &caller, closed, Some(identity)).await? {
        Outcome::Accepted(lsn) | Outcome::Duplicate(lsn) => lsn,
        // Somebody has tried it again a moment ago: there is nothing left to close.
        Outcome::Reused(_) => return Err(not_found("such quarantine entry")),
    };
    Ok(HttpResponse::Ok().json(json!({"id": id_of(&entry), "lsn": lsn, "position": running.position(lsn)})))
}

/// Lets a failed entity go on, trying the record again or leaving it out.
async fn release(
    state: &AppState,
    running: &Running,
    caller: &Caller,
    entry: &QuarantineEntry,
    key: &EntityKey,
    skip: bool,
) -> Result<HttpResponse, Problem> {
    let body = SystemBody::EntityReleased { entity: key.clone(), poison: entry.event, skip };
    let lsn = journal(state, running, caller, body, None).await?.lsn();
    Ok(HttpResponse::Accepted()
        .json(json!({"id": id_of(entry), "lsn": lsn, "position": running.position(lsn)})))
}

/// Journals a person's word and waits until it, or what came before it, is applied.
async fn journal(
    state: &AppState,
    running: &Running,
    caller: &Caller,
    body: SystemBody,
    identity: Option<EventIdentity>,
) -> Result<Outcome, Problem> {
    let principal = Name::from(caller.principal.name.as_str());
    let mut buffer = Vec::new();
    let pending = pending_own(system_record(caller.tenant, principal, body), &mut buffer)
        .map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?;
    let outcomes = hand_over(state, running, vec![Pending { identity, ..pending }], buffer).await?;
    let outcome = *outcomes.first().ok_or_else(|| Problem::new(&code::INTERNAL))?;
    running.progress.wait_applied(outcome.lsn(), APPLY_WAIT_MAX).await;
    Ok(outcome)
}

/// How long a command waits to be seen in the lists before it answers anyway.
const APPLY_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(5);
