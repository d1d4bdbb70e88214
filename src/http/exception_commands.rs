//! `POST /api/v1/exceptions/{id}/…`: what people do with an exception.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::command::{Commanding, Done};
use super::command_body::Fields;
use super::exceptions::item_for;
use super::inspect::not_found;
use super::path::segments;
use super::problem::{Problem, code};
use super::state::{AppState, tenant_of};
use super::visibility::sees_exception;
use crate::auth::Permission;
use crate::domain::command::Command;
use crate::domain::exception::command::{ExceptionAction, ExceptionCommand};
use crate::domain::ids::Name;
use crate::domain::reference::Reference;
use crate::runtime::commands::Idempotency;

const PREFIX: &str = "/api/v1/exceptions";

/// What can be done with an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionVerb {
    Acknowledge,
    Assign,
    Snooze,
    Comment,
    Dismiss,
}

/// Every verb by its name in paths and in bulk commands.
pub const VERBS: [(&str, ExceptionVerb); 5] = [
    ("acknowledge", ExceptionVerb::Acknowledge),
    ("assign", ExceptionVerb::Assign),
    ("snooze", ExceptionVerb::Snooze),
    ("comment", ExceptionVerb::Comment),
    ("dismiss", ExceptionVerb::Dismiss),
];

impl ExceptionVerb {
    /// What it takes to do it.
    pub fn permission(self) -> Permission {
        match self {
            ExceptionVerb::Comment => Permission::Comment,
            _ => Permission::HandleExceptions,
        }
    }
}

/// Reads what is asked; `None` only after a mistake.
fn action(verb: ExceptionVerb, fields: &mut Fields, reference: &Reference) -> Option<ExceptionAction> {
    Some(match verb {
        ExceptionVerb::Acknowledge => ExceptionAction::Acknowledge { comment: fields.text("comment") },
        ExceptionVerb::Assign => {
            let (owner, team) = (fields.name("owner"), fields.name("team"));
            let teams = &reference.settings().routing.teams;
            if let Some(team) = &team
                && !teams.iter().any(|known| known.name == *team)
            {
                fields.wrong("team", "not_found", "there is no team of that name");
            }
            ExceptionAction::Assign { owner, team, comment: fields.text("comment") }
        }
        ExceptionVerb::Snooze => {
            let (until, comment) = (fields.time("until"), fields.text("comment"));
            ExceptionAction::Snooze { until: fields.required("until", until)?, comment }
        }
        ExceptionVerb::Comment => {
            let text = fields.text("text");
            ExceptionAction::Comment { text: fields.required("text", text)? }
        }
        ExceptionVerb::Dismiss => {
            let reason = fields.text("reason");
            ExceptionAction::Dismiss { reason: fields.required("reason", reason)? }
        }
    })
}

/// Does it to one exception that the caller sees.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_data`, and what the domain refuses.
pub async fn run(
    commanding: &Commanding<'_>,
    verb: ExceptionVerb,
    id: &Name,
    fields: Map<String, Value>,
    idempotency: Option<Idempotency>,
) -> Result<Done, Problem> {
    let (caller, running) = (commanding.caller, commanding.running);
    caller.need(verb.permission())?;
    let reference = running.reference();
    let tenant = tenant_of(&reference, caller)?;
    let find = || {
        let entry = running.exceptions.get(caller.tenant, id);
        entry.filter(|entry| sees_exception(&caller.principal, tenant, &entry.item))
    };
    let entry = find().ok_or_else(|| not_found("such exception"))?;
    let mut fields = Fields::of(fields);
    let version = fields.version();
    let what = action(verb, &mut fields, &reference);
    fields.finish()?;
    let what = what.ok_or_else(|| Problem::new(&code::INVALID_DATA))?;
    let command = Command::Exception(ExceptionCommand { exception_id: id.clone(), version, what });
    let outcome = commanding.carry_out(entry.entity.as_ref().clone(), command, idempotency).await;
    outcome.map_err(|problem| match find() {
        Some(current) if *problem.code() == code::STALE_VERSION => {
            problem.with("current", item_for(&caller.principal, tenant, &current))
        }
        _ => problem,
    })
}

async fn respond(
    verb: ExceptionVerb,
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(verb.permission())?;
    let [id, _] = segments(&request, PREFIX)?;
    let sent = commanding.receive(&request, payload).await?;
    let done = run(&commanding, verb, &id, sent.fields, sent.idempotency).await?;
    Ok(commanding.answer(done))
}

/// Says that somebody has seen an exception and looks after it; the deadline to decide begins.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/acknowledge", tag = "exceptions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/AcknowledgeCommand"), content_type = "application/json"),
    responses((status = 200, description = "The exception after it", body = ref("#/components/schemas/ExceptionDetail"))), security(("key" = [])))]
#[post("/api/v1/exceptions/{id}/acknowledge")]
pub async fn acknowledge_exception(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ExceptionVerb::Acknowledge, request, payload, caller, state).await
}

/// Gives an exception to a person, a team or both.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/assign", tag = "exceptions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/AssignCommand"), content_type = "application/json"),
    responses((status = 200, description = "The exception after it", body = ref("#/components/schemas/ExceptionDetail"))), security(("key" = [])))]
#[post("/api/v1/exceptions/{id}/assign")]
pub async fn assign_exception(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ExceptionVerb::Assign, request, payload, caller, state).await
}

/// Puts an exception off until a moment, by the tenant's clock; then it is open again.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/snooze", tag = "exceptions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/SnoozeCommand"), content_type = "application/json"),
    responses((status = 200, description = "The exception after it", body = ref("#/components/schemas/ExceptionDetail"))), security(("key" = [])))]
#[post("/api/v1/exceptions/{id}/snooze")]
pub async fn snooze_exception(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ExceptionVerb::Snooze, request, payload, caller, state).await
}

/// Says something about an exception.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/comment", tag = "exceptions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/CommentCommand"), content_type = "application/json"),
    responses((status = 200, description = "The exception after it", body = ref("#/components/schemas/ExceptionDetail"))), security(("key" = [])))]
#[post("/api/v1/exceptions/{id}/comment")]
pub async fn comment_exception(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ExceptionVerb::Comment, request, payload, caller, state).await
}

/// Says that an exception is of no concern. The same trouble is told again only once it has gone and come back.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/dismiss", tag = "exceptions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DismissCommand"), content_type = "application/json"),
    responses((status = 200, description = "The exception after it", body = ref("#/components/schemas/ExceptionDetail"))), security(("key" = [])))]
#[post("/api/v1/exceptions/{id}/dismiss")]
pub async fn dismiss_exception(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ExceptionVerb::Dismiss, request, payload, caller, state).await
}
