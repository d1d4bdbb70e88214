//! `POST /api/v1/cases/{id}/options`: a person's own option, or an edited one, costed at once.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::case_commands::{decide, need_sight};
use super::cases::find;
use super::command::Commanding;
use super::command_body::Fields;
use super::path::segments;
use super::problem::{Problem, code};
use super::state::{AppState, tenant_of};
use super::visibility::sees_sku_location;
use crate::auth::Permission;
use crate::costing;
use crate::domain::approval_case::{
    ActionKind, CaseCommand, CaseDecision, CaseItem, CaseOption, OptionBasis, OptionKind, OptionStep,
};
use crate::domain::ids::{Name, is_valid_name};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// Steps of an option. More are refused.
pub const STEPS_MAX: usize = 20;

/// What kind of thing an own option can do.
pub const OPTION_KINDS: [(&str, OptionKind); 9] = [
    ("transfer", OptionKind::Transfer),
    ("expedite", OptionKind::Expedite),
    ("order", OptionKind::Order),
    ("alternate_source", OptionKind::AlternateSource),
    ("reallocate", OptionKind::Reallocate),
    ("substitute", OptionKind::Substitute),
    ("promotion_change", OptionKind::PromotionChange),
    ("customer_notice", OptionKind::CustomerNotice),
    ("custom", OptionKind::Custom),
];
const ACTION_KINDS: [(&str, ActionKind); 4] = [
    ("order", ActionKind::Order),
    ("expedite", ActionKind::Expedite),
    ("transfer", ActionKind::Transfer),
    ("custom", ActionKind::Custom),
];

/// What is said about one step; what is left out stays as it is in the option that is edited.
#[derive(Default)]
struct StepSaid {
    kind: Option<ActionKind>,
    sku: Option<Name>,
    location: Option<Name>,
    from: Option<Name>,
    supplier: Option<Name>,
    po_id: Option<Name>,
    line_id: Option<Name>,
    quantity: Option<Quantity>,
    arrives_at: Option<Timestamp>,
    note: Option<String>,
}

impl StepSaid {
    fn read(fields: &mut Fields, kind_key: Option<&'static str>) -> StepSaid {
        StepSaid {
            kind: kind_key.and_then(|key| fields.choice(key, &ACTION_KINDS)),
            sku: fields.name("sku"),
            location: fields.name("location"),
            from: fields.name("from"),
            supplier: fields.name("supplier"),
            po_id: fields.name("po_id"),
            line_id: fields.name("line_id"),
            quantity: fields.quantity("quantity"),
            arrives_at: fields.time("arrives_at"),
            note: fields.text("note"),
        }
    }

    fn says_anything(&self) -> bool {
        self.sku.is_some()
            || self.location.is_some()
            || self.from.is_some()
            || self.supplier.is_some()
            || self.po_id.is_some()
            || self.line_id.is_some()
            || self.quantity.is_some()
            || self.arrives_at.is_some()
            || self.note.is_some()
    }

    fn change(self, step: &mut OptionStep) {
        // Another source or another quantity arrives at another time, unless somebody says when.
        let moved = self.from.is_some() || self.supplier.is_some() || self.location.is_some();
        if let Some(kind) = self.kind {
            step.kind = kind;
        }
        if let Some(sku) = self.sku {
            step.sku = sku;
        }
        if let Some(location) = self.location {
            step.location = location;
        }
        step.from = self.from.or(step.from.take());
        if self.supplier.is_some() {
            step.supplier = self.supplier;
            step.unit_cost = None;
        }
        step.po_id = self.po_id.or(step.po_id.take());
        step.line_id = self.line_id.or(step.line_id.take());
        if let Some(quantity) = self.quantity {
            step.quantity = quantity;
        }
        step.note = self.note.or(step.note.take());
        if self.arrives_at.is_some() || moved {
            step.arrives_at = self.arrives_at;
        }
    }
}

fn blank_step(kind: ActionKind) -> OptionStep {
    OptionStep {
        kind,
        sku: Name::default(),
        location: Name::default(),
        from: None,
        supplier: None,
        po_id: None,
        line_id: None,
        quantity: Quantity::ZERO,
        line_quantity: None,
        arrives_at: None,
        unit_cost: None,
        note: None,
    }
}

/// Tells what a new step lacks. One in words is about the case's first place, if it names none.
fn complete(step: &mut OptionStep, case: &CaseItem, fields: &mut Fields) {
    if step.kind == ActionKind::Custom
        && step.sku.is_empty()
        && step.location.is_empty()
        && let Some(place) = case.places().into_iter().next()
    {
        (step.sku, step.location) = (place.sku, place.location);
    }
    let is_custom = step.kind == ActionKind::Custom;
    for (key, is_missing) in [
        ("sku", step.sku.is_empty() && !is_custom),
        ("location", step.location.is_empty() && !is_custom),
        ("quantity", !step.quantity.is_positive() && !is_custom),
        ("from", step.from.is_none() && step.kind == ActionKind::Transfer),
        ("po_id", step.po_id.is_none() && step.kind == ActionKind::Expedite),
        ("note", step.note.is_none() && is_custom),
    ] {
        fields.required(key, (!is_missing).then_some(()));
    }
    check_from(step, fields);
}

/// What is ordered comes from a supplier, and nothing is moved to where it is.
fn check_from(step: &OptionStep, fields: &mut Fields) {
    let Some(from) = &step.from else { return };
    if step.kind == ActionKind::Order {
        fields.wrong("from", "conflict", "an order comes from a supplier: say which, or make it a transfer");
    } else if *from == step.location {
        fields.wrong("from", "conflict", "is where it is to arrive");
    }
}

/// How an option of a kind is carried out, where its step does not say.
fn action_of(kind: OptionKind) -> ActionKind {
    match kind {
        OptionKind::Transfer | OptionKind::Reallocate => ActionKind::Transfer,
        OptionKind::Expedite => ActionKind::Expedite,
        OptionKind::Order | OptionKind::AlternateSource => ActionKind::Order,
        _ => ActionKind::Custom,
    }
}

fn blank_option(kind: OptionKind, title: String, now: Timestamp, facts: u64) -> CaseOption {
    CaseOption {
        id: Name::default(),
        kind,
        title,
        cost: None,
        benefit: None,
        net: None,
        confidence: None,
        lead_time_days: None,
        effects: Vec::new(),
        hidden: 0,
        touches: Vec::new(),
        basis: OptionBasis { computed_at: now, facts, inputs: Vec::new() },
        recommended: false,
        gates: Vec::new(),
        steps: Vec::new(),
        edited_by: None,
        editors: Vec::new(),
        explanation: Vec::new(),
    }
}

/// Reads what is wanted: an option of the case that is edited, or one from scratch.
fn wanted(
    case: &CaseItem,
    sent: Map<String, Value>,
    now: Timestamp,
) -> Result<(Option<u64>, CaseOption), Problem> {
    let mut fields = Fields::of(sent);
    let version = fields.version();
    let base = fields.name("option_id");
    let kind = fields.choice("kind", &OPTION_KINDS);
    let title = fields.text("title");
    let steps = fields.objects("steps", STEPS_MAX);
    let alone = StepSaid::read(&mut fields, None);
    let mut option = match &base {
        Some(id) => match case.option(id) {
            Some(known) => Some(known.clone()),
            None => {
                fields.wrong("option_id", "not_found", "there is no such option in this case");
                None
            }
        },
        None => fields
            .required("kind", kind)
            .map(|kind| blank_option(kind, title.clone().unwrap_or_default(), now, case.facts)),
    };
    if let Some(option) = &mut option {
        let action = action_of(kind.unwrap_or(option.kind));
        match steps {
            Some(steps) => {
                if alone.says_anything() {
                    fields.wrong(
                        "steps",
                        "conflict",
                        "say it in `steps`, or beside them for one step; not both",
                    );
                }
                option.steps.clear();
                for (index, said) in steps.into_iter().enumerate() {
                    let mut said = Fields::of(said);
                    let mut step = blank_step(action);
                    StepSaid::read(&mut said, Some("kind")).change(&mut step);
                    complete(&mut step, case, &mut said);
                    fields.take_errors(said, &format!("/steps/{index}"));
                    option.steps.push(step);
                }
            }
            None if base.is_none() => {
                let mut step = blank_step(action);
                alone.change(&mut step);
                complete(&mut step, case, &mut fields);
                option.steps = vec![step];
            }
            None => match option.steps.as_mut_slice() {
                [step] => {
                    alone.change(step);
                    check_from(step, &mut fields);
                }
                _ if !alone.says_anything() => {}
                [] => fields.wrong("option_id", "conflict", "this option has no step to edit"),
                _ => fields.wrong("steps", "required", "this option has several steps: say all of them"),
            },
        }
        // A title that nobody gave says what the steps were before the edit: who approves goes by it.
        let given = base.as_ref().and_then(|id| case.option(id)).filter(|known| is_titled_by_hand(known));
        if let Some(title) = title {
            option.title = title;
        } else if given.is_none() {
            option.title = spoken(option);
        }
    }
    fields.finish()?;
    let option = option.ok_or_else(|| Problem::new(&code::INVALID_DATA))?;
    Ok((version, option))
}

/// Whether a person gave the option its title.
fn is_titled_by_hand(option: &CaseOption) -> bool {
    option.edited_by.is_some() && option.title != spoken(option)
}

/// A title for an option that nobody gave one.
fn spoken(option: &CaseOption) -> String {
    let what = option.kind.as_str().replace('_', " ");
    let Some(step) = option.steps.first().filter(|step| is_valid_name(&step.sku)) else { return what };
    let from = step.from.as_ref().or(step.supplier.as_ref());
    let from = from.map_or_else(String::new, |from| format!(" from {from}"));
    let more = match option.steps.len() {
        0 | 1 => String::new(),
        steps => format!(", and {} more", steps - 1),
    };
    format!("{what}: {} of {} for {}{from}{more}", step.quantity, step.sku, step.location)
}

/// Adds a person's own option, or an edited quantity, source or date, costed at once.
///
/// With `option_id` the option of that id is edited: what is not named stays. Without it `kind` and one step (beside it)
/// or `steps` say what is to be done. Whoever adds or edits an option may not approve it.
#[utoipa::path(post, path = "/api/v1/cases/{id}/options", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/OptionCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it", body = ref("#/components/schemas/CaseDetail"))), security(("key" = [])))]
#[post("/api/v1/cases/{id}/options")]
pub async fn add_option(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(Permission::ProposeDecisions)?;
    let [id, _] = segments(&request, "/api/v1/cases")?;
    let sent = commanding.receive(&request, payload).await?;
    let running = commanding.running;
    let reference = running.reference();
    let entry = find(running, &caller, &reference, &id)?;
    let base = sent.fields.get("option_id").and_then(Value::as_str);
    if let Some(base) = base.and_then(|id| entry.item.option(id)) {
        need_sight(&commanding, base)?;
    }
    let (version, option) = wanted(&entry.item, sent.fields, commanding.now())?;
    let tenant = tenant_of(&reference, &caller)?;
    for step in option.steps.iter().filter(|step| !step.sku.is_empty()) {
        let places = std::iter::once(&step.location).chain(&step.from).filter(|place| !place.is_empty());
        for place in places {
            if !sees_sku_location(&caller.principal, tenant, &step.sku, place) {
                let detail = format!("{} does not see {} at {place}", caller.principal.name, step.sku);
                return Err(Problem::new(&code::FORBIDDEN).detail(detail));
            }
        }
    }
    let costed = costing::cost(running, caller.tenant, &entry.item, &option).await.map_err(|error| {
        Problem::new(&code::INTERNAL).detail(format!("the option could not be costed: {error}"))
    })?;
    let what = CaseDecision::AddOption { option: Box::new(costed) };
    let done = decide(&commanding, &entry, CaseCommand { version, what }, sent.idempotency).await?;
    Ok(commanding.answer(done))
}
