//! `POST /api/v1/bulk`: one command over many items, as one set that the journal names.

use std::collections::HashSet;

use actix_web::{HttpRequest, HttpResponse, post, web};
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::command::{Commanding, Done, first_16};
use super::command_body::Fields;
use super::problem::{Problem, code};
use super::state::AppState;
use super::{actions, case_commands, exception_commands};
use crate::auth::Permission;
use crate::domain::ids::{Lsn, Name};
use crate::runtime::commands::Idempotency;

/// Items of one bulk command. More are refused.
const ITEMS_MAX: usize = 1_000;
/// Items that are worked on at the same time.
const AT_ONCE_MAX: usize = 32;
/// The longest body.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What is done with each item.
#[derive(Clone, Copy)]
enum Verb {
    Exception(exception_commands::ExceptionVerb),
    Case(case_commands::CaseVerb),
    Action(actions::ActionVerb),
}

impl Verb {
    /// The verb of that name, on those things.
    fn named(on: On, name: &str) -> Option<Verb> {
        fn find<T: Copy>(verbs: &[(&str, T)], name: &str) -> Option<T> {
            verbs.iter().find(|(known, _)| *known == name).map(|(_, verb)| *verb)
        }
        match on {
            On::Exceptions => find(&exception_commands::VERBS, name).map(Verb::Exception),
            On::Cases => find(&case_commands::VERBS, name).map(Verb::Case),
            On::Actions => find(&actions::VERBS, name).map(Verb::Action),
        }
    }

    fn permission(self) -> Permission {
        match self {
            Verb::Exception(verb) => verb.permission(),
            Verb::Case(verb) => verb.permission(),
            Verb::Action(_) => Permission::ManageCases,
        }
    }

    async fn run(
        self,
        commanding: &Commanding<'_>,
        id: &Name,
        fields: Map<String, Value>,
        idempotency: Idempotency,
    ) -> Result<Done, Problem> {
        let idempotency = Some(idempotency);
        match self {
            Verb::Exception(verb) => exception_commands::run(commanding, verb, id, fields, idempotency).await,
            Verb::Case(verb) => case_commands::run(commanding, verb, id, fields, idempotency).await,
            Verb::Action(verb) => actions::run(commanding, verb, id, fields, idempotency).await,
        }
    }
}

#[derive(Clone, Copy)]
enum On {
    Exceptions,
    Cases,
    Actions,
}

const THINGS: [(&str, On); 3] =
    [("exceptions", On::Exceptions), ("cases", On::Cases), ("actions", On::Actions)];

/// Carries out one command on up to 1,000 items, each by itself, and says of each what became of it.
///
/// `body` is the command's own body; what an item says besides its `id` (such as its `version`) goes before it. The
/// answer's `bulk_id` stands as the beginning of `id` in each record that follows. Sent again under the same
/// `Idempotency-Key`, what was done is not done again, and what was refused is tried again.
#[utoipa::path(post, path = "/api/v1/bulk", tag = "bulk",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/BulkCommand"), content_type = "application/json"),
    responses((status = 200, description = "What became of each item: `{bulk_id, done, failed, results: [{id, item} or {id, problem}], lsn, position}`", body = ref("#/components/schemas/BulkResult"))), security(("key" = [])))]
#[post("/api/v1/bulk")]
pub async fn post_bulk(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let commanding = Commanding::new(&caller, &state)?;
    let sent = commanding.receive_at_most(&request, payload, BODY_BYTES_MAX).await?;
    let (verb, items) = read(sent.fields)?;
    caller.need(verb.permission())?;
    let (bulk_id, hash) = identify(&caller, sent.idempotency)?;
    let work = items.iter().map(|(id, fields)| {
        let key = Name::from(format!("{bulk_id}/{id}"));
        let idempotency = Idempotency { key, hash };
        verb.run(&commanding, id, fields.clone(), idempotency)
    });
    let outcomes: Vec<Result<Done, Problem>> = stream::iter(work).buffered(AT_ONCE_MAX).collect().await;
    if outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).any(is_reused) {
        let detail = "this key stands for another request: send this one under a key of its own";
        return Err(Problem::new(&code::IDEMPOTENCY_KEY_REUSED).detail(detail));
    }
    let last = outcomes.iter().flatten().map(|done| done.lsn).max();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let results: Vec<Value> = outcomes
        .into_iter()
        .zip(&items)
        .map(|(outcome, (id, _))| match outcome {
            Ok(done) => json!({"id": id, "item": commanding.positioned(done)}),
            Err(problem) => json!({"id": id, "problem": problem}),
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "bulk_id": bulk_id, "done": done, "failed": results.len() - done, "results": results,
        "lsn": last, "position": last.map(|lsn: Lsn| commanding.running.position(lsn)),
    })))
}

fn is_reused(problem: &Problem) -> bool {
    *problem.code() == code::IDEMPOTENCY_KEY_REUSED
}

/// What the set is called, and what its request was: from the key, if there is one.
fn identify(caller: &Caller, idempotency: Option<Idempotency>) -> Result<(Name, [u8; 16]), Problem> {
    let mut hasher = blake3::Hasher::new();
    let hash = match &idempotency {
        Some(Idempotency { key, hash }) => {
            let principal = caller.principal.name.as_bytes();
            hasher.update(&(principal.len() as u64).to_le_bytes()).update(principal).update(key.as_bytes());
            *hash
        }
        None => {
            let mut random = [0; 16];
            getrandom::fill(&mut random)
                .map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?;
            hasher.update(&random);
            random
        }
    };
    let id =
        first_16(&hasher.finalize()).iter().take(10).map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok((Name::from(format!("bulk_{id}")), hash))
}

type Item = (Name, Map<String, Value>);

fn read(fields: Map<String, Value>) -> Result<(Verb, Vec<Item>), Problem> {
    let mut fields = Fields::of(fields);
    let on = fields.choice("on", &THINGS);
    let on = fields.required("on", on);
    let name = fields.name("command");
    let name = fields.required("command", name);
    let body = fields.object("body").unwrap_or_default();
    let given = fields.objects("items", ITEMS_MAX);
    let given = fields.required("items", given).unwrap_or_default();
    let verb = on.zip(name).and_then(|(on, name)| {
        let verb = Verb::named(on, &name);
        if verb.is_none() {
            fields.wrong("command", "unknown_value", "is no command on these things");
        }
        verb
    });
    let mut items = Vec::with_capacity(given.len());
    let mut known = HashSet::new();
    for (index, mut item) in given.into_iter().enumerate() {
        let id = item.remove("id");
        let id = id.as_ref().and_then(Value::as_str).filter(|id| crate::domain::ids::is_valid_name(id));
        match id.map(Name::from) {
            Some(id) if known.insert(id.clone()) => {
                let mut command = body.clone();
                command.extend(item);
                items.push((id, command));
            }
            Some(id) => {
                fields.wrong_at(format!("/items/{index}/id"), "duplicate_item", format!("{id} stands twice"))
            }
            None => fields.wrong_at(format!("/items/{index}/id"), "required", "is required: an identifier"),
        }
    }
    fields.finish()?;
    verb.map(|verb| (verb, items)).ok_or_else(|| Problem::new(&code::INVALID_DATA))
}
