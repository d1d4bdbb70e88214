//! `/api/v1/actions…` and `/api/v1/deliveries`: what systems of record were asked to do, and how that went.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::case_commands::decide;
use super::command::{Commanding, Done};
use super::command_body::Fields;
use super::inspect::not_found;
use super::outbox::hold_item;
use super::path::segments;
use super::problem::{Problem, code};
use super::query::{Query, Sort, SortValue, page};
use super::read::{Asked, Paged, Read};
use super::scoped::{case_entry_for, sees_step};
use super::state::{AppState, tenant_of};
use super::visibility::sees_case;
use crate::auth::Permission;
use crate::domain::approval_case::{
    ActionKind, ActionState, AttemptOutcome, CaseAction, CaseCommand, CaseDecision,
};
use crate::domain::ids::Name;
use crate::runtime::commands::Idempotency;
use crate::runtime::summaries::CaseEntry;

const PREFIX: &str = "/api/v1/actions";
pub const FIELDS: &[&str] = &[
    "id",
    "case_id",
    "kind",
    "state",
    "target",
    "approved_at",
    "delivered_at",
    "next_attempt_at",
    "expires_at",
    "attempt_count",
];
const FILTERS: &[&str] = &["state", "kind", "target", "case_id", "sku", "location", "supplier"];
const KINDS: [ActionKind; 4] =
    [ActionKind::Order, ActionKind::Expedite, ActionKind::Transfer, ActionKind::Custom];

/// What can be done with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionVerb {
    Retry,
    Withdraw,
}

/// Every verb by its name in paths and in bulk commands.
pub const VERBS: [(&str, ActionVerb); 2] = [("retry", ActionVerb::Retry), ("withdraw", ActionVerb::Withdraw)];

/// An action as the outside sees it: with its case, and as of its case's last change.
fn item_of(case: &Value, action: &str) -> Option<Value> {
    let actions = case["actions"].as_array()?;
    let mut item = actions.iter().find(|known| known["id"] == action)?.clone();
    if let Value::Object(fields) = &mut item {
        fields.insert("case_id".to_owned(), case["id"].clone());
        fields.insert("lsn".to_owned(), case["lsn"].clone());
    }
    Some(item)
}

fn shown(entry: &CaseEntry, action: &CaseAction) -> Value {
    let mut item = serde_json::to_value(action).unwrap_or_default();
    if let Value::Object(fields) = &mut item {
        fields.insert("case_id".to_owned(), entry.item.id.as_str().into());
        fields.insert("lsn".to_owned(), entry.lsn.0.into());
    }
    item
}

/// Every action that the caller sees, with its case.
fn all(read: &Read<'_>, wanted: impl Fn(&CaseEntry) -> bool) -> Result<Vec<Arc<CaseEntry>>, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let found = read
        .running
        .cases
        .select(caller.tenant, true, |entry| !entry.item.actions.is_empty() && wanted(entry));
    Ok(found.into_iter().filter_map(|entry| case_entry_for(&caller.principal, tenant, entry)).collect())
}

fn admits(query: &Query, filter: &str, value: Option<&Name>) -> bool {
    query.all(filter).is_empty() || value.is_some_and(|value| query.admits(filter, value))
}

/// One action, after its last change.
#[utoipa::path(get, path = "/api/v1/actions/{id}", tag = "actions",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The action", body = ref("#/components/schemas/ActionDetail"))),
    security(("key" = [])))]
#[get("/api/v1/actions/{id}")]
pub async fn get_action(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let found = all(&read, |entry| entry.item.actions.iter().any(|action| action.id == id))?;
    let entry = found.first().ok_or_else(|| not_found("such action"))?;
    let action = entry.item.actions.iter().find(|action| action.id == id);
    let mut item = action.map(|action| shown(entry, action)).ok_or_else(|| not_found("such action"))?;
    if let Value::Object(fields) = &mut item {
        fields.insert("position".to_owned(), read.running.position(entry.lsn).into());
    }
    Ok(HttpResponse::Ok().json(item))
}

/// What systems of record were asked to do, the latest first.
#[utoipa::path(get, path = "/api/v1/actions", tag = "actions",
    params(("state" = Option<Vec<String>>, Query), ("kind" = Option<Vec<String>>, Query), ("target" = Option<Vec<String>>, Query),
        ("case_id" = Option<Vec<String>>, Query), ("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("supplier" = Option<Vec<String>>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of actions", body = ref("#/components/schemas/ActionList"))), security(("key" = [])))]
#[get("/api/v1/actions")]
pub async fn list_actions(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, FILTERS)?;
    let Paged { limit, sort, cursor } = asked.paged(FIELDS, Sort::descending("approved_at"))?;
    asked.query.names("state", |name| ActionState::ALL.into_iter().find(|state| state.as_str() == name))?;
    asked.query.names("kind", |name| KINDS.into_iter().find(|kind| kind.as_str() == name))?;
    let read = asked.ready().await?;
    let query = &read.query;
    let cases = all(&read, |entry| query.admits("case_id", &entry.item.id))?;
    let actions = cases.iter().flat_map(|entry| entry.item.actions.iter().map(move |action| (entry, action)));
    let wanted = actions.filter(|(_, action)| {
        let step = &action.step;
        query.admits("state", action.state.as_str())
            && query.admits("kind", action.kind.as_str())
            && query.admits("target", &action.target)
            && admits(query, "sku", Some(&step.sku))
            && (admits(query, "location", Some(&step.location))
                || admits(query, "location", step.from.as_ref()))
            && admits(query, "supplier", step.supplier.as_ref())
    });
    let candidates = wanted
        .map(|(entry, action)| {
            (sort_value(entry, action, sort.field), action.id.to_string(), (entry, action))
        })
        .collect();
    let (found, next) = page(candidates, sort, cursor.as_ref(), limit);
    let items = found.into_iter().map(|(entry, action)| shown(entry, action)).collect();
    Ok(HttpResponse::Ok().json(read.page(items, next)))
}

fn sort_value(entry: &CaseEntry, action: &CaseAction, field: &str) -> SortValue {
    match field {
        "case_id" => SortValue::text(Some(&entry.item.id)),
        "kind" => SortValue::text(Some(action.kind.as_str())),
        "state" => SortValue::text(Some(action.state.as_str())),
        "target" => SortValue::text(Some(&action.target)),
        "approved_at" => SortValue::time(Some(action.approved_at)),
        "delivered_at" => SortValue::time(action.delivered_at),
        "next_attempt_at" => SortValue::time(action.next_attempt_at),
        "expires_at" => SortValue::time(Some(action.expires_at)),
        "attempt_count" => SortValue::Number(f64::from(action.attempt_count)),
        _ => SortValue::text(Some(&action.id)),
    }
}

pub const DELIVERY_FIELDS: &[&str] =
    &["id", "action_id", "case_id", "target", "attempt", "outcome", "started_at", "finished_at"];
const DELIVERY_FILTERS: &[&str] = &["action_id", "case_id", "target", "kind", "outcome"];
const OUTCOMES: [AttemptOutcome; 4] =
    [AttemptOutcome::Unknown, AttemptOutcome::Delivered, AttemptOutcome::Failed, AttemptOutcome::Refused];

/// Attempts to deliver actions, the latest first; of each action the last ones.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "actions",
    params(("action_id" = Option<Vec<String>>, Query), ("case_id" = Option<Vec<String>>, Query), ("target" = Option<Vec<String>>, Query),
        ("kind" = Option<Vec<String>>, Query), ("outcome" = Option<Vec<String>>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of attempts", body = ref("#/components/schemas/DeliveryList"))), security(("key" = [])))]
#[get("/api/v1/deliveries")]
pub async fn list_deliveries(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, DELIVERY_FILTERS)?;
    let Paged { limit, sort, cursor } = asked.paged(DELIVERY_FIELDS, Sort::descending("started_at"))?;
    asked.query.names("outcome", |name| OUTCOMES.into_iter().find(|outcome| outcome.as_str() == name))?;
    asked.query.names("kind", |name| KINDS.into_iter().find(|kind| kind.as_str() == name))?;
    let read = asked.ready().await?;
    let query = &read.query;
    let cases = all(&read, |entry| query.admits("case_id", &entry.item.id))?;
    let mut candidates = Vec::new();
    for entry in &cases {
        let actions = entry.item.actions.iter().filter(|action| {
            query.admits("action_id", &action.id)
                && query.admits("target", &action.target)
                && query.admits("kind", action.kind.as_str())
        });
        for action in actions {
            for attempt in
                action.attempts.iter().filter(|made| query.admits("outcome", made.outcome.as_str()))
            {
                // Padded, so that attempts of one action stand in their order.
                let id = format!("{}-{:06}", action.id, attempt.attempt);
                let value = match sort.field {
                    "action_id" => SortValue::text(Some(&action.id)),
                    "case_id" => SortValue::text(Some(&entry.item.id)),
                    "target" => SortValue::text(Some(&action.target)),
                    "attempt" => SortValue::Number(f64::from(attempt.attempt)),
                    "outcome" => SortValue::text(Some(attempt.outcome.as_str())),
                    "started_at" => SortValue::time(Some(attempt.started_at)),
                    "finished_at" => SortValue::time(attempt.finished_at),
                    _ => SortValue::text(Some(&id)),
                };
                candidates.push((value, id.clone(), (entry, action, attempt, id)));
            }
        }
    }
    let (found, next) = page(candidates, sort, cursor.as_ref(), limit);
    let items: Vec<Value> = found
        .into_iter()
        .map(|(entry, action, attempt, id)| {
            serde_json::json!({
                "id": id, "action_id": action.id, "case_id": entry.item.id, "kind": action.kind, "target": action.target,
                "attempt": attempt.attempt, "outcome": attempt.outcome, "status": attempt.status,
                "detail": attempt.detail, "started_at": attempt.started_at, "finished_at": attempt.finished_at,
                "action_state": action.state, "lsn": entry.lsn,
            })
        })
        .collect();
    let mut list = serde_json::to_value(read.page(items, next)).unwrap_or_default();
    if let Value::Object(fields) = &mut list {
        fields.insert("outbox".to_owned(), hold_item(read.reference().outbox_hold()));
    }
    Ok(HttpResponse::Ok().json(list))
}

/// Does it to one action that the caller sees.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_data`, and what the domain refuses.
pub async fn run(
    commanding: &Commanding<'_>,
    verb: ActionVerb,
    id: &Name,
    fields: Map<String, Value>,
    idempotency: Option<Idempotency>,
) -> Result<Done, Problem> {
    let (caller, running) = (commanding.caller, commanding.running);
    caller.need(Permission::ManageCases)?;
    let reference = running.reference();
    let tenant = tenant_of(&reference, caller)?;
    let found = running.cases.with_action(caller.tenant, id);
    let entry = found.as_ref().filter(|entry| sees_case(&caller.principal, tenant, &entry.item));
    let entry = entry.ok_or_else(|| not_found("such action"))?;
    let action = entry.item.actions.iter().find(|action| action.id == *id);
    if !action.is_some_and(|action| sees_step(&caller.principal, tenant, &action.step)) {
        let detail = format!("{} does not see everything that the action touches", caller.principal.name);
        return Err(Problem::new(&code::FORBIDDEN).detail(detail));
    }
    let mut fields = Fields::of(fields);
    let version = fields.version();
    let what = match verb {
        ActionVerb::Retry => Some(CaseDecision::RetryAction { action_id: id.clone() }),
        ActionVerb::Withdraw => {
            let reason = fields.text("reason");
            let reason = fields.required("reason", reason);
            reason.map(|reason| CaseDecision::WithdrawAction { action_id: id.clone(), reason })
        }
    };
    fields.finish()?;
    let what = what.ok_or_else(|| Problem::new(&code::INVALID_DATA))?;
    let done = decide(commanding, entry, CaseCommand { version, what }, idempotency).await?;
    let item = item_of(&done.item, id).ok_or_else(|| not_found("such action"))?;
    Ok(Done { item, lsn: done.lsn })
}

async fn respond(
    verb: ActionVerb,
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(Permission::ManageCases)?;
    let [id, _] = segments(&request, PREFIX)?;
    let sent = commanding.receive(&request, payload).await?;
    let done = run(&commanding, verb, &id, sent.fields, sent.idempotency).await?;
    Ok(commanding.answer(done))
}

/// Tries to deliver an action again that is dead.
#[utoipa::path(post, path = "/api/v1/actions/{id}/retry", tag = "actions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/RetryActionCommand"), content_type = "application/json"),
    responses((status = 200, description = "The action after it", body = ref("#/components/schemas/ActionDetail"))), security(("key" = [])))]
#[post("/api/v1/actions/{id}/retry")]
pub async fn retry_action(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ActionVerb::Retry, request, payload, caller, state).await
}

/// Gives an action up that was not delivered.
#[utoipa::path(post, path = "/api/v1/actions/{id}/withdraw", tag = "actions",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/WithdrawActionCommand"), content_type = "application/json"),
    responses((status = 200, description = "The action after it", body = ref("#/components/schemas/ActionDetail"))), security(("key" = [])))]
#[post("/api/v1/actions/{id}/withdraw")]
pub async fn withdraw_action(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    respond(ActionVerb::Withdraw, request, payload, caller, state).await
}
