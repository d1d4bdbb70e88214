//! `POST /api/v1/cases/{id}/options`: a person's own option, or an edited one, costed at once like the tower's own.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::case_commands::{decide, find_case};
use super::command::Commanding;
use super::command_body::Fields;
use super::path::segments;
use super::problem::{Problem, code};
use super::state::{AppState, tenant_of};
use super::visibility::sees_sku_location;
use crate::auth::Permission;
use crate::domain::approval_case::options::{recompute, touched_places};
use crate::domain::approval_case::{
    ActionKind, CaseCommand, CaseDecision, CaseItem, CaseOption, CasePlace, OptionBasis, OptionKind,
    OptionStep,
};
use crate::domain::entity::Entity as _;
use crate::domain::event::FieldError;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::SkuLocation;
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::runtime::ask::ask_each;

const PREFIX: &str = "/api/v1/cases";
/// Steps of one option. More are refused.
const STEPS_MAX: usize = 100;
const KINDS: [(&str, ActionKind); 4] = [
    ("order", ActionKind::Order),
    ("expedite", ActionKind::Expedite),
    ("transfer", ActionKind::Transfer),
    ("custom", ActionKind::Custom),
];

/// What a step says otherwise than the one that it is made from.
#[derive(Default)]
struct StepFields {
    kind: Option<ActionKind>,
    sku: Option<Name>,
    location: Option<Name>,
    from: Option<Name>,
    supplier: Option<Name>,
    po_id: Option<Name>,
    line_id: Option<Name>,
    quantity: Option<Quantity>,
    arrives_at: Option<crate::domain::time::Timestamp>,
    note: Option<String>,
}

impl StepFields {
    fn read(fields: &mut Fields) -> StepFields {
        StepFields {
            kind: fields.choice("kind", &KINDS),
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

    /// A step of its own. What is missing is told; a custom one is about the case's first place if it names none.
    fn step(self, fields: &mut Fields, place: Option<&CasePlace>) -> Option<OptionStep> {
        let kind = fields.required("kind", self.kind);
        let is_custom = kind == Some(ActionKind::Custom);
        let of_case = place.filter(|_| is_custom);
        let sku = fields.required("sku", self.sku.or_else(|| of_case.map(|place| place.sku.clone())));
        let location = fields
            .required("location", self.location.or_else(|| of_case.map(|place| place.location.clone())));
        let quantity = self.quantity.or(is_custom.then_some(Quantity::ZERO));
        let quantity = fields.required("quantity", quantity);
        match kind {
            Some(ActionKind::Transfer) => _ = fields.required("from", self.from.as_ref()),
            Some(ActionKind::Expedite) => _ = fields.required("po_id", self.po_id.as_ref()),
            Some(ActionKind::Custom) => _ = fields.required("note", self.note.as_ref()),
            Some(ActionKind::Order) | None => {}
        }
        Some(OptionStep {
            kind: kind?,
            sku: sku?,
            location: location?,
            from: self.from,
            supplier: self.supplier,
            po_id: self.po_id,
            line_id: self.line_id,
            quantity: quantity?,
            arrives_at: self.arrives_at,
            unit_cost: None,
            note: self.note,
        })
    }

    /// The step with what is said otherwise. With another source, cost and arrival are computed anew.
    fn edit(self, step: &OptionStep) -> OptionStep {
        let moved = self.from.is_some() || self.supplier.is_some();
        OptionStep {
            kind: step.kind,
            sku: step.sku.clone(),
            location: step.location.clone(),
            from: self.from.or_else(|| step.from.clone()),
            supplier: self.supplier.or_else(|| step.supplier.clone()),
            po_id: step.po_id.clone(),
            line_id: step.line_id.clone(),
            quantity: self.quantity.unwrap_or(step.quantity),
            arrives_at: self.arrives_at.or(step.arrives_at.filter(|_| !moved)),
            unit_cost: step.unit_cost.filter(|_| !moved),
            note: self.note.or_else(|| step.note.clone()),
        }
    }
}

/// Reads an option, of which nothing is computed yet.
fn read(fields: Map<String, Value>, case: &CaseItem) -> Result<(CaseOption, Option<u64>), Problem> {
    let mut fields = Fields::of(fields);
    let version = fields.version();
    let title = fields.text("title");
    let option_id = fields.name("option_id");
    let places = case.places();
    let edited = option_id.as_ref().map(|id| case.option(id));
    if edited.is_some_and(|edited| edited.is_none()) {
        fields.wrong("option_id", "not_found", "the case has no such option");
    }
    let edited = edited.flatten();
    let given = fields.objects("steps", STEPS_MAX);
    let steps = match (given, edited) {
        (Some(given), _) => {
            let mut steps = Vec::with_capacity(given.len());
            for (index, step) in given.into_iter().enumerate() {
                let mut inner = Fields::of(step);
                let read = StepFields::read(&mut inner);
                steps.extend(read.step(&mut inner, places.first()));
                fields.take_errors(inner, &format!("/steps/{index}"));
            }
            steps
        }
        (None, Some(edited)) => {
            let change = StepFields::read(&mut fields);
            for (key, is_set) in [
                ("kind", change.kind.is_some()),
                ("sku", change.sku.is_some()),
                ("location", change.location.is_some()),
                ("po_id", change.po_id.is_some()),
                ("line_id", change.line_id.is_some()),
            ] {
                if is_set {
                    fields.wrong(key, "invalid_data", "is what the option is: make one of your own instead");
                }
            }
            match edited.steps.as_slice() {
                [step] => vec![change.edit(step)],
                _ => {
                    fields.wrong(
                        "steps",
                        "required",
                        "an option that has not just one step is edited as a whole",
                    );
                    Vec::new()
                }
            }
        }
        (None, None) => {
            let own = StepFields::read(&mut fields);
            own.step(&mut fields, places.first()).into_iter().collect()
        }
    };
    fields.finish()?;
    let kind = kind_of(&steps);
    let option = CaseOption {
        // The case names a new one; one's own that is edited keeps its name.
        id: edited
            .filter(|edited| edited.edited_by.is_some())
            .map_or(Name::const_new("own"), |own| own.id.clone()),
        kind,
        title: title.unwrap_or_else(|| title_of(&steps)),
        cost: None,
        benefit: None,
        net: None,
        confidence: None,
        lead_time_days: None,
        effects: Vec::new(),
        touches: Vec::new(),
        basis: OptionBasis { computed_at: case.updated_at, facts: case.facts, inputs: Vec::new() },
        recommended: false,
        gates: Vec::new(),
        steps,
        edited_by: None,
        explanation: Vec::new(),
    };
    Ok((option, version))
}

fn kind_of(steps: &[OptionStep]) -> OptionKind {
    let first = steps.first().map(|step| step.kind);
    match first.filter(|kind| steps.iter().all(|step| step.kind == *kind)) {
        Some(ActionKind::Order) => OptionKind::Order,
        Some(ActionKind::Expedite) => OptionKind::Expedite,
        Some(ActionKind::Transfer) => OptionKind::Transfer,
        Some(ActionKind::Custom) | None => OptionKind::Custom,
    }
}

fn title_of(steps: &[OptionStep]) -> String {
    let Some(step) = steps.first() else { return String::new() };
    let OptionStep { sku, location, quantity, .. } = step;
    let first = match step.kind {
        ActionKind::Order => format!("Order {quantity} {sku} for {location}"),
        ActionKind::Expedite => format!("Expedite {quantity} {sku} for {location}"),
        ActionKind::Transfer => {
            format!("Transfer {quantity} {sku} from {} to {location}", step.from.as_deref().unwrap_or("?"))
        }
        ActionKind::Custom => step.note.clone().unwrap_or_default().chars().take(100).collect(),
    };
    match steps.len() {
        1 => first,
        more => format!("{first}, and {} more", more - 1),
    }
}

/// What these places say of themselves; those that nobody mentioned yet say nothing.
async fn bases(commanding: &Commanding<'_>, places: &[CasePlace]) -> Vec<PlaceBasis> {
    let (running, tenant) = (commanding.running, commanding.caller.tenant);
    let questions = places.iter().filter_map(|place| {
        let CasePlace { sku, location } = place.clone();
        let address = running.directory.find(&EntityKey::SkuLocation { tenant, sku, location })?;
        let question = |entity: &SkuLocation, key: &EntityKey, now, reference: &_| {
            entity.options_basis(now, reference, key, entity.applied_lsn())
        };
        Some((address, question))
    });
    let seen = ask_each::<SkuLocation, PlaceBasis, _>(running, questions.collect()).await;
    seen.into_iter().flatten().map(|seen| seen.value).collect()
}

/// Costs an option as of now.
async fn cost(
    commanding: &Commanding<'_>,
    case: &CaseItem,
    option: &CaseOption,
) -> Result<CaseOption, Problem> {
    let subjects = case.places();
    let touched: Vec<CasePlace> =
        touched_places(option).into_iter().filter(|place| !subjects.contains(place)).collect();
    let (subjects, donors) = (bases(commanding, &subjects).await, bases(commanding, &touched).await);
    let reference = commanding.running.reference();
    let tenant = tenant_of(&reference, commanding.caller)?;
    Ok(recompute(option, case, &subjects, &donors, tenant, reference.settings(), commanding.now()))
}

/// Adds an option of one's own, or edits one: quantity, source or date. It is costed at once, with the same gates as
/// any other.
#[utoipa::path(post, path = "/api/v1/cases/{id}/options", tag = "cases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/OptionCommand"), content_type = "application/json"),
    responses((status = 200, description = "The case after it, with the option", body = ref("#/components/schemas/CaseDetail"))),
    security(("key" = [])))]
#[post("/api/v1/cases/{id}/options")]
pub async fn add_option(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    caller.need(Permission::ProposeDecisions)?;
    let [id, _] = segments(&request, PREFIX)?;
    let sent = commanding.receive(&request, payload).await?;
    let entry = find_case(&commanding, &id)?;
    let (option, version) = read(sent.fields, &entry.item)?;
    let reference = commanding.running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    for place in touched_places(&option) {
        if !sees_sku_location(&caller.principal, tenant, &place.sku, &place.location) {
            let detail = format!("{} at {} is nothing that you see", place.sku, place.location);
            let error = FieldError { pointer: "/location".into(), code: "not_found", detail: detail.clone() };
            return Err(Problem::new(&code::INVALID_DATA).detail(detail).errors(vec![error]));
        }
    }
    let option = Box::new(cost(&commanding, &entry.item, &option).await?);
    let command = CaseCommand { version, what: CaseDecision::AddOption { option } };
    let done = decide(&commanding, &entry, command, sent.idempotency).await?;
    Ok(commanding.answer(done))
}
