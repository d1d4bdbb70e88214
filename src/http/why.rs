//! `…/why`: explanations of numbers, exceptions and cases.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::exceptions::item_of;
use super::inspect::{Seen, ask, shown};
use super::path::segments;
use super::problem::{Problem, code};
use super::read::{Asked, Read};
use super::sku_locations::find;
use super::state::AppState;
use super::visibility::sees_exception;
use super::{cases, exceptions, suppliers};
use crate::auth::Permission;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::kind::{KindSettings, Threshold};
use crate::domain::exception::worth::Worth;
use crate::domain::explain::{Absence, Explanation, Input, SourceEvent};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::settings::Segment;
use crate::domain::sku_location::{SkuLocation, SkuLocationWhy};
use crate::domain::supplier::{Supplier, SupplierWhy};
use crate::domain::time::Timestamp;
use crate::journal::JournalError;
use crate::journal::envelope::decode_record;
use crate::runtime::Running;
use crate::runtime::summaries::ExceptionEntry;

/// Records that one explanation looks up in the journal; events beyond them are named by their LSN alone.
const RECORDS_READ_MAX: usize = 1_000;

/// Why a SKU-location's numbers are what they are, and why what did not happen did not.
///
/// Each number comes with a formula over the names of its inputs; computing it from these inputs alone gives the number.
/// Inputs of one name are a list, and operators go through lists element by element.
#[utoipa::path(get, path = "/api/v1/sku-locations/{sku}/{location}/why", tag = "sku-locations",
    params(("sku" = String, Path), ("location" = String, Path), ("at_least" = Option<String>, Query),
        ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Formula and inputs of each number", body = ref("#/components/schemas/SkuLocationWhy")), (status = 404, description = "Unknown"),
        (status = 503, description = "Its state is being rebuilt")),
    security(("key" = [])))]
#[get("/api/v1/sku-locations/{sku}/{location}/why")]
pub async fn why_sku_location(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [sku, location] = segments(&request, "/api/v1/sku-locations")?;
    let read = asked.ready().await?;
    let seen = explain_place(&state, &read, &sku, &location, None).await?;
    Ok(HttpResponse::Ok().json(shown(read.running, seen)))
}

/// Why a supplier's numbers are what they are, and why what did not happen did not.
///
/// As for a SKU-location. Of more than 500 lines the further ones are one input together.
#[utoipa::path(get, path = "/api/v1/suppliers/{supplier}/why", tag = "suppliers",
    params(("supplier" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Formula and inputs of each number", body = ref("#/components/schemas/SupplierWhy")), (status = 404, description = "Unknown"),
        (status = 503, description = "Its state is being rebuilt")),
    security(("key" = [])))]
#[get("/api/v1/suppliers/{supplier}/why")]
pub async fn why_supplier(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [supplier] = segments(&request, "/api/v1/suppliers")?;
    let read = asked.ready().await?;
    let seen = explain_supplier(&state, &read, &supplier, None).await?;
    Ok(HttpResponse::Ok().json(shown(read.running, seen)))
}

/// Why an exception is open, or went: the rule and its thresholds, and the numbers behind it.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}/why", tag = "exceptions",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Rule, thresholds and numbers", body = ref("#/components/schemas/ExceptionWhy")), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/exceptions/{id}/why")]
pub async fn why_exception(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, "/api/v1/exceptions")?;
    let read = asked.ready().await?;
    let entry = exceptions::find(&read, &id)?;
    let rule = rule_of(&read, &entry);
    let mut answer = json!({
        "exception": item_of(&entry),
        "because": entry.item.cause,
        "rule": rule,
        "evidence": entry.item.evidence,
        "group": entry.item.group,
        "affected": entry.item.affected,
        "worth": null,
        "numbers": null,
        "unavailable": null,
    });
    let text = |problem: Problem| problem.text().to_owned();
    let behind = match &*entry.entity {
        EntityKey::SkuLocation { sku, location, .. } => {
            explain_place(&state, &read, sku, location, Some(&id)).await.map(numbers_behind).map_err(text)
        }
        EntityKey::Supplier { supplier, .. } => {
            explain_supplier(&state, &read, supplier, Some(&id)).await.map(numbers_behind).map_err(text)
        }
        EntityKey::Subject { .. } | EntityKey::ApprovalCase { .. } => {
            Err("what it is about has no numbers of its own".to_owned())
        }
    };
    match behind {
        Ok((mut worth, numbers, as_of)) => {
            hide_others(&read, worth.as_mut())?;
            answer["worth"] = serde_json::to_value(&worth).unwrap_or_default();
            answer["numbers"] = serde_json::to_value(&numbers).unwrap_or_default();
            answer["as_of"] = json!(as_of);
        }
        // The rule and the evidence answer all the same.
        Err(text) => answer["unavailable"] = json!(text),
    }
    Ok(HttpResponse::Ok().json(read.stamped(answer)))
}

/// Why a case's options say what they say, what it waits for, and what did not happen.
#[utoipa::path(get, path = "/api/v1/cases/{id}/why", tag = "cases",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Formula and inputs of each option's numbers", body = ref("#/components/schemas/CaseWhy")), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/cases/{id}/why")]
pub async fn why_case(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, "/api/v1/cases")?;
    let read = asked.ready().await?;
    let entry = cases::find_shown(read.running, &caller, &read.running.reference(), &id)?;
    let case = &entry.item;
    let options: Vec<Value> = case
        .options
        .iter()
        .map(|option| {
            let failed: Vec<_> = option.gates.iter().filter(|gate| !gate.passed).collect();
            json!({
                "id": option.id,
                "kind": option.kind,
                "title": option.title,
                "recommended": option.recommended,
                "chosen": case.chosen_option.as_ref() == Some(&option.id),
                "numbers": option.explanation,
                "basis": option.basis,
                "gates": option.gates,
                "because": if failed.is_empty() {
                    if option.recommended { "the best net of those that pass every gate" } else { "it passes every gate, and another one is better" }
                } else {
                    "it does not pass every gate"
                },
            })
        })
        .collect();
    let answer = json!({
        "id": case.id,
        "state": case.state,
        "version": case.version,
        "options": options,
        "waits_for": waits_for(case),
        "changed_since": case.changed_since,
        "rule": case.rule,
    });
    Ok(HttpResponse::Ok().json(read.stamped(answer)))
}

/// What has to happen before the case goes on.
fn waits_for(case: &crate::domain::approval_case::CaseItem) -> Vec<String> {
    use crate::domain::approval_case::{ActionState, CaseState};
    let mut waits = Vec::new();
    match case.state {
        CaseState::Draft => waits.push("its options are being computed".to_owned()),
        CaseState::Proposed => waits.push("somebody has to choose an option".to_owned()),
        CaseState::AwaitingApproval => {
            waits.extend(case.required.iter().filter(|step| step.granted < step.quorum).map(|step| {
                format!("approval by {} who holds the role {}", step.quorum - step.granted, step.role)
            }))
        }
        _ => {}
    }
    let blocking = case.tasks.iter().filter(|task| task.blocking && task.done_at.is_none());
    waits.extend(blocking.map(|task| format!("the task `{}`", task.title)));
    for action in &case.actions {
        let what = match action.state {
            ActionState::Pending | ActionState::Sending => "is on its way to",
            ActionState::Delivered => "waits for a confirmation or a document from",
            ActionState::Confirmed => "waits for its document from",
            ActionState::Dead => "could not be delivered and waits for a person; target:",
            _ => continue,
        };
        waits.push(format!("action {} {what} {}", action.id, action.target));
    }
    waits
}

/// The rule that an exception follows.
#[derive(Serialize)]
struct ExceptionRule {
    #[serde(rename = "type")]
    exception_type: ExceptionType,
    settings: KindSettings,
    /// What the thresholds are measured in.
    units: BTreeMap<&'static str, &'static str>,
    /// The record that last changed what it goes by.
    version: Lsn,
}

fn rule_of(read: &Read<'_>, entry: &ExceptionEntry) -> ExceptionRule {
    let subject = &entry.item.subject;
    let reference = read.running.reference();
    let tenant = reference.tenant(read.caller.tenant);
    let path = |name: &Option<Name>| name.clone().unwrap_or_default();
    let (sku, location) = (path(&subject.sku), path(&subject.location));
    let segment = Segment {
        item_path: tenant.map_or(&[], |tenant| tenant.item_path(&sku)),
        location_path: tenant.map_or(&[], |tenant| tenant.location_path(&location)),
        location: subject.location.as_deref(),
        sku: subject.sku.as_deref(),
        supplier: subject.supplier.as_deref(),
        ..Segment::default()
    };
    let kind = &entry.item.exception_type;
    let definition = kind.definition();
    let unit = |name, threshold: Option<Threshold>| threshold.map(|threshold| (name, threshold.unit));
    let units = [
        unit("raise", definition.raise),
        unit("clear", definition.clear),
        unit("minimum", definition.minimum),
        unit("days", definition.days),
    ];
    ExceptionRule {
        exception_type: kind.clone(),
        settings: reference.settings().exceptions.kind(kind, &segment),
        units: units.into_iter().flatten().collect(),
        version: reference.version(),
    }
}

/// An explanation of an entity, with that of one of its exceptions where it was asked for.
#[derive(Serialize)]
struct Explained<W> {
    #[serde(flatten)]
    why: W,
    #[serde(skip)]
    worth: Option<Worth>,
}

/// What an entity's explanation has.
trait Explanations: Send + 'static {
    fn numbers(self) -> BTreeMap<&'static str, Explanation>;
    fn parts(&mut self) -> (&mut BTreeMap<&'static str, Explanation>, &mut [Absence]);
}

impl Explanations for SkuLocationWhy {
    fn numbers(self) -> BTreeMap<&'static str, Explanation> {
        self.numbers
    }
    fn parts(&mut self) -> (&mut BTreeMap<&'static str, Explanation>, &mut [Absence]) {
        (&mut self.numbers, &mut self.absences)
    }
}

impl Explanations for SupplierWhy {
    fn numbers(self) -> BTreeMap<&'static str, Explanation> {
        self.numbers
    }
    fn parts(&mut self) -> (&mut BTreeMap<&'static str, Explanation>, &mut [Absence]) {
        (&mut self.numbers, &mut self.absences)
    }
}

/// Names no exception that the reader does not see: it is known that there is one, and until when it has to be decided.
fn hide_others(read: &Read<'_>, worth: Option<&mut Worth>) -> Result<(), Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    if caller.principal.scope.is_unrestricted() {
        return Ok(());
    }
    let is_hidden = |id: &str| {
        let entry = read.running.exceptions.get(caller.tenant, id);
        entry.is_none_or(|entry| !sees_exception(&caller.principal, tenant, &entry.item))
    };
    for input in worth.into_iter().flat_map(|worth| worth.values_mut()).flat_map(|number| &mut number.inputs)
    {
        if input.about.as_deref().and_then(|about| about.strip_prefix("exception ")).is_some_and(is_hidden) {
            input.about = None;
        }
    }
    Ok(())
}

/// What an exception is worth, the numbers of its entity, and of when both are.
fn numbers_behind<W: Explanations>(
    seen: Seen<Explained<W>>,
) -> (Option<Worth>, BTreeMap<&'static str, Explanation>, Timestamp) {
    (seen.value.worth, seen.value.why.numbers(), seen.now)
}

async fn explain_place(
    state: &web::Data<AppState>,
    read: &Read<'_>,
    sku: &Name,
    location: &Name,
    exception: Option<&Name>,
) -> Result<Seen<Explained<SkuLocationWhy>>, Problem> {
    let address = find(read, sku, location)?;
    let exception = exception.cloned();
    let seen = ask::<SkuLocation, _>(read.running, address, move |entity, key, now, reference| Explained {
        why: entity.why(now, reference, key),
        worth: exception.and_then(|id| entity.worth(&id, key.tenant(), now, reference)),
    });
    name_events(state, seen.await?).await
}

async fn explain_supplier(
    state: &web::Data<AppState>,
    read: &Read<'_>,
    supplier: &Name,
    exception: Option<&Name>,
) -> Result<Seen<Explained<SupplierWhy>>, Problem> {
    let address = suppliers::find(read, supplier)?;
    let exception = exception.cloned();
    let seen = ask::<Supplier, _>(read.running, address, move |entity, key, now, reference| Explained {
        why: entity.why(key.tenant(), now, reference),
        worth: exception.and_then(|id| entity.worth(&id, key, now, reference)),
    });
    name_events(state, seen.await?).await
}

/// Fills in what the journal knows of the events that inputs name.
async fn name_events<W: Explanations>(
    state: &web::Data<AppState>,
    mut seen: Seen<Explained<W>>,
) -> Result<Seen<Explained<W>>, Problem> {
    let state = state.clone();
    // The journal is on the disk: it is read where that holds up no other request.
    let named = web::block(move || {
        let running = state.running()?;
        let mut known: BTreeMap<Lsn, Option<Arc<SourceEvent>>> = BTreeMap::new();
        let (numbers, absences) = seen.value.why.parts();
        let inputs = numbers.values_mut().flat_map(|number| number.inputs.iter_mut());
        for Input { event, .. } in
            inputs.chain(absences.iter_mut().flat_map(|absence| absence.inputs.iter_mut()))
        {
            let Some(event) = event else { continue };
            if known.len() >= RECORDS_READ_MAX && !known.contains_key(&event.lsn) {
                continue;
            }
            let found =
                known.entry(event.lsn).or_insert_with(|| read_event(running, event.lsn).map(Arc::new));
            if let Some(found) = found {
                *event = (**found).clone();
            }
        }
        Ok::<_, Problem>(seen)
    });
    named.await.map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?
}

fn read_event(running: &Running, lsn: Lsn) -> Option<SourceEvent> {
    let bytes = match running.reader.read_one(lsn.0) {
        Ok(bytes) => bytes?,
        Err(error) => {
            let trimmed = matches!(error, JournalError::Trimmed { .. });
            return Some(SourceEvent { lsn, trimmed, ..SourceEvent::default() });
        }
    };
    let (envelope, _) = decode_record(&bytes).ok()?;
    Some(SourceEvent {
        source: Some(Name::from(envelope.source)),
        id: Some(Name::from(envelope.id)),
        event_type: Some(Name::from(envelope.record_type)),
        time: Some(Timestamp::from_micros(envelope.event_time)),
        lsn,
        trimmed: false,
    })
}
