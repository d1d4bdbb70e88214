//! What every command does: who asks, on which item, once however often it is sent, and the item after it.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::command_body::parse;
use super::ingest::Body;
use super::inspect::with_lsn;
use super::problem::{Problem, code};
use super::query::Query;
use super::scoped::{case_for, exception_for};
use super::state::{AppState, tenant_of};
use crate::auth::{Role, RoleSet};
use crate::domain::command::{Actor, ActorKind, Command, Refusal, RefusalCode};
use crate::domain::event::FieldError;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body as RecordBody, ClockKind, Transition};
use crate::domain::time::Timestamp;
use crate::journal::JournalError;
use crate::runtime::commands::{CommandDone, CommandError, Idempotency};
use crate::runtime::{Running, codec, wall_clock};

/// The longest body of a command. A bulk command is bound by what any request may have.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// The longest idempotency key; all of it must be visible ASCII.
const KEY_BYTES_MAX: usize = 128;
const KEY_HEADER: &str = "idempotency-key";
/// How long a command waits until it has taken effect. Then its outcome is not known.
pub const OUTCOME_WAIT_MAX: Duration = Duration::from_secs(10);

/// Who asks, and of which tower.
pub struct Commanding<'a> {
    pub caller: &'a Caller,
    pub state: &'a web::Data<AppState>,
    pub running: &'a Running,
}

/// A command as it was sent.
pub struct Sent {
    pub fields: Map<String, Value>,
    pub idempotency: Option<Idempotency>,
}

/// A command that was carried out.
#[derive(Debug)]
pub struct Done {
    pub item: Value,
    pub lsn: Lsn,
}

impl<'a> Commanding<'a> {
    /// Begins a command.
    ///
    /// # Errors
    /// `recovering` or `draining`.
    pub fn new(caller: &'a Caller, state: &'a web::Data<AppState>) -> Result<Commanding<'a>, Problem> {
        Ok(Commanding { caller, state, running: state.running_for_work()? })
    }

    /// Reads what was sent: `bytes_max` bounds the body.
    ///
    /// # Errors
    /// Whatever can be wrong with a request.
    pub async fn receive(&self, request: &HttpRequest, payload: web::Payload) -> Result<Sent, Problem> {
        self.receive_at_most(request, payload, BODY_BYTES_MAX).await
    }

    /// As [`Commanding::receive`], with a bound of one's own for the body.
    ///
    /// # Errors
    /// Whatever can be wrong with a request.
    pub async fn receive_at_most(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        bytes_max: usize,
    ) -> Result<Sent, Problem> {
        Query::parse(request.query_string(), &[])?;
        let key = idempotency_key(request)?;
        let server = &self.state.config.server;
        let body = Body::new(payload, bytes_max.min(server.request_bytes_max), server.body_timeout_ms);
        let body = body.read_all().await.map_err(|error| error.to_problem())?;
        if !body.is_empty() && !is_json(request) {
            let detail = "a command is sent as application/json";
            return Err(Problem::new(&code::UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
        let idempotency = key.map(|key| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(request.path().as_bytes()).update(b"\n").update(&body);
            Idempotency { key, hash: first_16(&hasher.finalize()) }
        });
        Ok(Sent { fields: parse(&body)?, idempotency })
    }

    /// Who asks, as the domain sees it. Whoever has the role of an agent is one, whatever else it may do; the developer,
    /// who has every role, is a person.
    pub fn actor(&self) -> Actor {
        let principal = &self.caller.principal;
        let is_agent = principal.roles.contains(Role::Agent) && principal.roles != RoleSet::ALL;
        Actor {
            name: Name::from(principal.name.as_str()),
            kind: if is_agent { ActorKind::Agent } else { ActorKind::Person },
            roles: principal.roles.iter().map(|role| Name::const_new(role.as_str())).collect(),
        }
    }

    /// What time it is for the caller's tenant.
    pub fn now(&self) -> Timestamp {
        let clocks = self.running.clocks.clocks.read();
        match clocks.get(usize::from(self.caller.tenant.0)) {
            Some(clock) if clock.kind == ClockKind::Event => clock.business_time,
            Some(clock) => clock.business_time.max(wall_clock()),
            None => wall_clock(),
        }
    }

    /// Has the entity decide, and gives back the item after it.
    ///
    /// # Errors
    /// What [`problem_of`] says.
    pub async fn carry_out(
        &self,
        entity: EntityKey,
        command: Command,
        idempotency: Option<Idempotency>,
    ) -> Result<Done, Problem> {
        let outcome =
            self.running.command(entity, command, self.actor(), idempotency, OUTCOME_WAIT_MAX).await;
        self.after(outcome).await
    }

    /// The item after a command, or why there is none.
    ///
    /// # Errors
    /// What [`problem_of`] says.
    pub async fn after(&self, outcome: Result<CommandDone, CommandError>) -> Result<Done, Problem> {
        let done = outcome.map_err(|error| problem_of(error, self.state))?;
        let lsn = done.lsn;
        let state = self.state.clone();
        // From the journal: what a summary shows may have changed again, and a repeated command is answered as at first.
        let caller = self.caller.clone();
        let item = web::block(move || item_at(&state, &caller, lsn)).await;
        let item = item.map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))??;
        Ok(Done { item: with_lsn(item, lsn), lsn })
    }

    /// The answer to a command that was carried out.
    pub fn answer(&self, done: Done) -> HttpResponse {
        HttpResponse::Ok().json(self.positioned(done))
    }

    /// The item after a command, with its position.
    pub fn positioned(&self, done: Done) -> Value {
        let mut item = done.item;
        if let Value::Object(fields) = &mut item {
            fields.insert("position".to_owned(), self.running.position(done.lsn).into());
        }
        item
    }
}

/// Why a record can't be read: it was trimmed, or the journal fails.
pub fn journal_problem(error: JournalError) -> Problem {
    let code = match error {
        JournalError::Trimmed { .. } => &code::POSITION_EXPIRED,
        _ => &code::INTERNAL,
    };
    Problem::new(code).detail(error.to_string())
}

/// The item that a record carries, as the caller sees it. Blocks on the disk.
fn item_at(state: &AppState, caller: &Caller, lsn: Lsn) -> Result<Value, Problem> {
    let running = state.running()?;
    let unreadable = |detail: String| Problem::new(&code::INTERNAL).detail(detail);
    let bytes = running.reader.read_one(lsn.0).map_err(journal_problem)?;
    let bytes = bytes.ok_or_else(|| unreadable(format!("record {lsn} is not in the journal")))?;
    let (record, _) = codec::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let reference = running.reference();
    let (principal, tenant) = (&caller.principal, tenant_of(&reference, caller)?);
    let item = match record.body {
        RecordBody::Transition(body) => match body.transition {
            Transition::Exception(change) => {
                serde_json::to_value(exception_for(principal, tenant, &change.item)).ok()
            }
            Transition::Case(change) => serde_json::to_value(case_for(principal, tenant, &change.item)).ok(),
            _ => None,
        },
        RecordBody::Event { .. } | RecordBody::System(_) => None,
    };
    item.ok_or_else(|| unreadable(format!("record {lsn} carries no item")))
}

fn is_json(request: &HttpRequest) -> bool {
    let text = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<Name>, Problem> {
    let mut given = request.headers().get_all(KEY_HEADER);
    let Some(key) = given.next() else { return Ok(None) };
    let text = key.to_str().ok().filter(|text| {
        (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match text {
        Some(text) if given.next().is_none() => Ok(Some(Name::from(text))),
        _ => {
            let detail =
                format!("Idempotency-Key is given once: 1 to {KEY_BYTES_MAX} visible ASCII characters");
            Err(Problem::new(&code::BAD_PARAMETER).detail(detail))
        }
    }
}

/// The first half of a hash.
pub fn first_16(hash: &blake3::Hash) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    first
}

/// Why a command was not carried out, as the outside is told.
pub fn problem_of(error: CommandError, state: &AppState) -> Problem {
    let later = |code| Problem::new(code).retry_after_s(state.retry_after_s());
    match error {
        CommandError::NotFound => Problem::new(&code::NOT_FOUND).detail("there is no such item"),
        CommandError::Refused(refusal) => refused(refusal),
        CommandError::KeyReused => Problem::new(&code::IDEMPOTENCY_KEY_REUSED)
            .detail("this key stands for another request: send this one under a key of its own"),
        CommandError::KeyInFlight => later(&code::IDEMPOTENCY_KEY_IN_USE),
        CommandError::DiskFull => later(&code::DISK_FULL),
        CommandError::Busy => later(&code::TOO_MANY_REQUESTS).detail("too many commands wait for this item"),
        CommandError::Unavailable => {
            later(&code::REBUILDING).detail("its code failed and it stands still; nothing was done")
        }
        CommandError::Unknown => later(&code::OUTCOME_UNKNOWN)
            .detail("look at the item; sending it again under the same Idempotency-Key is safe"),
    }
}

/// What the domain refused.
pub fn refused(refusal: Refusal) -> Problem {
    let Refusal { code: kind, detail, pointer } = refusal;
    let code = match kind {
        RefusalCode::NotFound => &code::NOT_FOUND,
        RefusalCode::StaleVersion => &code::STALE_VERSION,
        RefusalCode::Conflict => &code::CONFLICT,
        RefusalCode::Invalid => &code::INVALID_DATA,
        RefusalCode::Forbidden => &code::FORBIDDEN,
    };
    let errors = pointer.map(|pointer| FieldError { pointer, code: code.name, detail: detail.clone() });
    Problem::new(code).detail(detail).errors(errors.into_iter().collect())
}
