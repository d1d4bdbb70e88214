//! `POST /api/v1/cases/{id}/…`: what people and agents do with a case.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::cases::{find, find_shown, item_of};
use super::command::{Commanding, Done, OUTCOME_WAIT_MAX, refused};
use super::command_body::Fields;
use super::path::segments;
use super::problem::{Problem, code};
use super::scoped::sees_option;
use super::state::{AppState, tenant_of};
use super::visibility::sees_exception;
use crate::auth::Permission;
use crate::domain::approval_case::{
    CaseChange, CaseCommand, CaseDecision, CaseItem, CaseOption, CaseTransition, ClaimedException,
    check_absorb, open_by_hand,
};
use crate::domain::command::{Command, Refusal};
use crate::domain::ids::{EntityKey, Name};
use crate::runtime::commands::Idempotency;
use crate::runtime::summaries::CaseEntry;

const PREFIX: &str = "/api/v1/cases";

/// What can be done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseVerb {
    Choose,
    Approve,
    Reject,
    Delegate,
    Comment,
    Reopen,
    Cancel,
    Merge,
    AddTask,
    CompleteTask,
}

/// Every verb by its name in paths and in bulk commands.
pub const VERBS: [(&str, CaseVerb); 10] = [
    ("choose", CaseVerb::Choose),
    ("approve", CaseVerb::Approve),
    ("reject", CaseVerb::Reject),
    ("delegate", CaseVerb::Delegate),
    ("comment", CaseVerb::Comment),
    ("reopen", CaseVerb::Reopen),
    ("cancel", CaseVerb::Cancel),
    ("merge", CaseVerb::Merge),
    ("tasks", CaseVerb::AddTask),
    ("complete_task", CaseVerb::CompleteTask),
];

impl CaseVerb {
    /// What it takes to do it; which role a decision needs is for the case to say.
    pub fn permission(self) -> Permission {
        use CaseVerb::*;
        match self {
            Choose | AddTask => Permission::ProposeDecisions,
            Approve | Reject | Delegate => Permission::ApproveDecisions,
            Comment => Permission::Comment,
            Reopen | Cancel | Merge => Permission::ManageCases,
            CompleteTask => Permission::HandleExceptions,
        }
    }
}

/// Reads what is asked; `None` only after a mistake.
fn decision(verb: CaseVerb, fields: &mut Fields) -> Option<CaseDecision> {
    let required = |fields: &mut Fields, key| {
        let text = fields.text(key);
        fields.required(key, text)
    };
    let named = |fields: &mut Fields, key| {
        let name = fields.name(key);
        fields.required(key, name)
    };
    Some(match verb {
        CaseVerb::Choose => CaseDecision::Choose { option_id: named(fields, "option_id")? },
        CaseVerb::Approve => CaseDecision::Approve { comment: fields.text("comment") },
        CaseVerb::Reject => CaseDecision::Reject { reason: required(fields, "reason")? },
        CaseVerb::Delegate => {
            let (until, reason) = (fields.time("until"), fields.text("reason"));
            CaseDecision::Delegate { to: named(fields, "to")?, until, reason }
        }
        CaseVerb::Comment => CaseDecision::Comment { text: required(fields, "text")? },
        CaseVerb::Reopen => CaseDecision::Reopen { reason: required(fields, "reason")? },
        CaseVerb::Cancel => CaseDecision::Cancel { reason: required(fields, "reason")? },
        CaseVerb::Merge => CaseDecision::Merge { into: named(fields, "into")? },
        CaseVerb::AddTask => {
            let (assignee, due_at) = (fields.name("assignee"), fields.time("due_at"));
            let blocking = fields.flag("blocking");
            CaseDecision::AddTask { title: required(fields, "title")?, assignee, due_at, blocking }
        }
        CaseVerb::CompleteTask => CaseDecision::CompleteTask { task_id: named(fields, "task_id")? },
    })
}

/// Does it to one case that the caller sees.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_data`, and what the domain refuses.
pub async fn run(
    commanding: &Commanding<'_>,
    verb: CaseVerb,
    id: &Name,
    fields: Map<String, Value>,
    idempotency: Option<Idempotency>,
) -> Result<Done, Problem> {
    commanding.caller.need(verb.permission())?;
    let entry = find_case(commanding, id)?;
    let mut fields = Fields::of(fields);
    let version = fields.version();
    if matches!(verb, CaseVerb::Choose | CaseVerb::Approve | CaseVerb::Reject) {
        fields.required("version", version);
    }
    let what = decision(verb, &mut fields);
    fields.finish()?;
    let what = what.ok_or_else(|| Problem::new(&code::INVALID_DATA))?;
    let chosen = match &what {
        CaseDecision::Choose { option_id } => Some(option_id),
        CaseDecision::Approve { .. } => entry.item.chosen_option.as_ref(),
        _ => None,
    };
    if let Some(option) = chosen.and_then(|id| entry.item.option(id)) {
        need_sight(commanding, option)?;
    }
    let command = CaseCommand { version, what };
    match command.what.clone() {
        CaseDecision::Merge { into } => merge(commanding, &entry, &into, command, idempotency).await,
        _ => decide(commanding, &entry, command, idempotency).await,
    }
}

/// Whoever decides for an option sees every place that it touches.
///
/// # Errors
/// `forbidden`.
pub fn need_sight(commanding: &Commanding<'_>, option: &CaseOption) -> Result<(), Problem> {
    let (caller, reference) = (commanding.caller, commanding.running.reference());
    let tenant = tenant_of(&reference, caller)?;
    if sees_option(&caller.principal, tenant, option) {
        return Ok(());
    }
    let detail = format!("{} does not see every place that the option touches", caller.principal.name);
    Err(Problem::new(&code::FORBIDDEN).detail(detail))
}

/// A case that the caller sees.
///
/// # Errors
/// `not_found`.
pub fn find_case(commanding: &Commanding<'_>, id: &str) -> Result<Arc<CaseEntry>, Problem> {
    let reference = commanding.running.reference();
    find(commanding.running, commanding.caller, &reference, id)
}

/// Has a case decide; whoever decided on an older version is told what it is now and what changed.
///
/// # Errors
/// What the domain refuses.
pub async fn decide(
    commanding: &Commanding<'_>,
    entry: &CaseEntry,
    command: CaseCommand,
    idempotency: Option<Idempotency>,
) -> Result<Done, Problem> {
    let entity = entry.entity.as_ref().clone();
    let version = command.version;
    let outcome = commanding.carry_out(entity, Command::Case(Box::new(command)), idempotency).await;
    outcome.map_err(|problem| {
        let (running, caller) = (commanding.running, commanding.caller);
        let current = find_shown(running, caller, &running.reference(), &entry.item.id).ok();
        match current.filter(|_| *problem.code() == code::STALE_VERSION) {
            Some(current) => {
                let changes = changes_since(&current.item, version.unwrap_or_default());
                problem.with("changes", changes).with("current", item_of(&current))
            }
            None => problem,
        }
    })
}

/// What made the versions after the one that was decided on.
fn changes_since(item: &CaseItem, version: u64) -> Vec<Value> {
    let newer = item.version_changes.iter().filter(|made| made.version > version);
    newer.flat_map(|made| &made.changes).filter_map(|change| serde_json::to_value(change).ok()).collect()
}

/// The exceptions of a case that are not over, with whose they are.
fn open_exceptions(commanding: &Commanding<'_>, entry: &CaseEntry) -> Vec<ClaimedException> {
    let exceptions = &commanding.running.exceptions;
    let known = entry.item.exceptions.iter().filter_map(|id| exceptions.get(commanding.caller.tenant, id));
    let open = known.filter(|exception| !exception.item.state.is_final());
    open.map(|exception| ClaimedException {
        entity: exception.entity.as_ref().clone(),
        item: exception.item.as_ref().clone(),
    })
    .collect()
}

/// Ends one case in favour of another one, which takes over its exceptions.
///
/// Two records: a crash between them leaves the exceptions free, and sending it again under the same key carries on.
async fn merge(
    commanding: &Commanding<'_>,
    entry: &CaseEntry,
    into: &Name,
    command: CaseCommand,
    idempotency: Option<Idempotency>,
) -> Result<Done, Problem> {
    let target = find_case(commanding, into).map_err(|_| {
        let field = crate::domain::event::FieldError {
            pointer: "/into".to_owned(),
            code: "not_found",
            detail: "there is no such case".to_owned(),
        };
        Problem::new(&code::INVALID_DATA).detail("1 field is wrong").errors(vec![field])
    })?;
    let exceptions = open_exceptions(commanding, entry);
    let may = entry.item.state.is_undecided() && target.item.state.is_undecided() && !exceptions.is_empty();
    // A merge that was sent before has ended the case: whether this is one, its key says.
    if !may && (idempotency.is_none() || entry.item.state.is_undecided()) {
        let detail = "both cases must be undecided, and something of this one must still be open";
        return Err(Problem::new(&code::CONFLICT).detail(detail));
    }
    let from = entry.item.id.clone();
    let absorbed_as = idempotency
        .as_ref()
        .map(|own| Idempotency { key: Name::from(format!("{}/absorb", own.key)), hash: own.hash });
    let absorb = CaseDecision::Absorb { from, exceptions };
    // Refused afterwards, this case would have ended and its exceptions would be nobody's.
    if may && *into != entry.item.id {
        let (reference, now) = (commanding.running.reference(), commanding.now());
        let actor = commanding.actor();
        check_absorb(&target.entity, &target.item, &absorb, &actor, now, &reference).map_err(|refusal| {
            let pointer = refusal.pointer.map(|_| "/into".to_owned());
            refused(Refusal { pointer, ..refusal })
        })?;
    }
    let ended = decide(commanding, entry, command, idempotency).await?;
    let absorb = CaseCommand { version: None, what: absorb };
    let absorbed = decide(commanding, &target, absorb, absorbed_as).await?;
    Ok(Done { item: ended.item, lsn: absorbed.lsn })
}

/// What a case by hand may be about.
const KINDS: [(&str, &str); 6] = [
    ("shortage", "shortage"),
    ("supply", "supply"),
    ("excess", "excess"),
    ("demand", "demand"),
    ("data", "data"),
    ("manual", "manual"),
];
/// Exceptions that a case by hand begins with. More are refused; others can be merged in.
const EXCEPTIONS_MAX: usize = 200;

/// Reads which exceptions a case by hand is about: each must be one that the caller sees.
fn claimed(commanding: &Commanding<'_>, fields: &mut Fields) -> Result<Vec<ClaimedException>, Problem> {
    let (caller, running) = (commanding.caller, commanding.running);
    let reference = running.reference();
    let tenant = tenant_of(&reference, caller)?;
    let ids = fields.names("exceptions", EXCEPTIONS_MAX);
    let ids = fields.required("exceptions", ids).unwrap_or_default();
    let mut all = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let entry = running.exceptions.get(caller.tenant, id);
        match entry.filter(|entry| sees_exception(&caller.principal, tenant, &entry.item)) {
            Some(entry) => all.push(ClaimedException {
                entity: entry.entity.as_ref().clone(),
                item: entry.item.as_ref().clone(),
            }),
            None => {
                fields.wrong_at(format!("/exceptions/{index}"), "not_found", "there is no such exception")
            }
        }
    }
    Ok(all)
}

/// The id of a case that is opened by hand: from the idempotency key, if there is one, so that it is the same again.
fn new_case_id(commanding: &Commanding<'_>, idempotency: Option<&Idempotency>) -> Result<Name, Problem> {
    let mut hasher = blake3::Hasher::new();
    match idempotency {
        Some(Idempotency { key, .. }) => {
            let principal = commanding.caller.principal.name.as_bytes();
            hasher.update(&commanding.caller.tenant.0.to_le_bytes());
            hasher.update(&(principal.len() as u64).to_le_bytes()).update(principal).update(key.as_bytes());
        }
        None => {
            let mut random = [0; 16];
            let filled = getrandom::fill(&mut random);
            filled.map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?;
            hasher.update(&random);
        }
    }
    Ok(Name::from(format!("case_{}", &hasher.finalize().to_hex()[..20])))
}

/// Opens a case by hand for exceptions that one decision solves; the tower computes its options.
#[utoipa::path(post, path = "/api/v1/cases", tag = "cases",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/OpenCaseCommand"), content_type = "application/json"),
    responses((status = 201, description = "The case", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases")]
pub async fn open_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(Permission::ProposeDecisions)?;
    let sent = commanding.receive(&request, payload).await?;
    let mut fields = Fields::of(sent.fields);
    let exceptions = claimed(&commanding, &mut fields)?;
    let (title, comment) = (fields.text("title"), fields.text("comment"));
    let kind = fields.choice("kind", &KINDS).map(Name::const_new);
    fields.finish()?;
    let running = commanding.running;
    let case = new_case_id(&commanding, sent.idempotency.as_ref())?;
    let key = EntityKey::ApprovalCase { tenant: caller.tenant, case: case.clone() };
    let open = CaseDecision::Open { title, kind, exceptions, comment };
    let actor = commanding.actor();
    let opened = match running.cases.get(caller.tenant, &case) {
        // It was opened before under the same key, and has the exceptions: whether this is the same request, the key
        // says. Otherwise it would be refused for what it did itself.
        Some(known) => {
            CaseTransition { kind: CaseChange::Opened, item: known.item.as_ref().clone(), claims: Vec::new() }
        }
        None => {
            let reference = running.reference();
            open_by_hand(&key, &open, &actor, commanding.now(), &reference).map_err(refused)?
        }
    };
    let outcome = running.open_case(caller.tenant, opened, &actor, sent.idempotency, OUTCOME_WAIT_MAX).await;
    let done = commanding.after(outcome).await?;
    Ok(HttpResponse::Created().json(commanding.positioned(done)))
}

async fn respond(
    verb: CaseVerb,
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

/// Chooses an option: whoever chooses is its proposer, and may not approve it.
#[utoipa::path(post, path = "/api/v1/cases/{id}/choose", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/ChooseCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/choose")]
pub async fn choose_option(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Choose, request, payload, caller, state).await
}

/// Approves the chosen option, with the role that the case requires; never one's own choice.
#[utoipa::path(post, path = "/api/v1/cases/{id}/approve", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/ApproveCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))),
    security(("key" = [])))]
#[post("/api/v1/cases/{id}/approve")]
pub async fn approve_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Approve, request, payload, caller, state).await
}

/// Rejects the chosen option: nothing of it is carried out.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reject", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/RejectCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/reject")]
pub async fn reject_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Reject, request, payload, caller, state).await
}

/// Lets somebody else vote in one's place, until a moment.
#[utoipa::path(post, path = "/api/v1/cases/{id}/delegate", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DelegateCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/delegate")]
pub async fn delegate_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Delegate, request, payload, caller, state).await
}

/// Says something about a case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/comment", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/CommentCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))),
    security(("key" = [])))]
#[post("/api/v1/cases/{id}/comment")]
pub async fn comment_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Comment, request, payload, caller, state).await
}

/// Takes a case up again that is over and of which nothing was carried out.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reopen", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/ReopenCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/reopen")]
pub async fn reopen_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Reopen, request, payload, caller, state).await
}

/// Gives a case up before anything of it was carried out.
#[utoipa::path(post, path = "/api/v1/cases/{id}/cancel", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/CancelCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/cancel")]
pub async fn cancel_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Cancel, request, payload, caller, state).await
}

/// Ends a case in favour of another one, which takes over its exceptions.
#[utoipa::path(post, path = "/api/v1/cases/{id}/merge", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/MergeCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case that was merged; its position shows both", body = ref("#/components/schemas/CaseDetail"))),
    security(("key" = [])))]
#[post("/api/v1/cases/{id}/merge")]
pub async fn merge_case(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::Merge, request, payload, caller, state).await
}

/// Asks somebody to do something beside the decision.
#[utoipa::path(post, path = "/api/v1/cases/{id}/tasks", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/AddTaskCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/tasks")]
pub async fn add_task(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(CaseVerb::AddTask, request, payload, caller, state).await
}

/// Says that a task is done.
#[utoipa::path(post, path = "/api/v1/cases/{id}/tasks/{task_id}/complete", tag = "cases",
    params(("id" = String, Path), ("task_id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/CompleteTaskCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/tasks/{task_id}/complete")]
pub async fn complete_task(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let verb = CaseVerb::CompleteTask;
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(verb.permission())?;
    let [id, _, task, _] = segments(&request, PREFIX)?;
    let mut sent = commanding.receive(&request, payload).await?;
    let given = sent.fields.insert("task_id".to_owned(), task.as_str().into());
    if given.is_some() {
        return Err(
            Problem::new(&code::BAD_PARAMETER).detail("the task is named in the path, not in the body")
        );
    }
    let done = run(&commanding, verb, &id, sent.fields, sent.idempotency).await?;
    Ok(commanding.answer(done))
}
