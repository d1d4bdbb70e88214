//! The door for events: `POST /api/v1/events`.
//!
//! Reads the body in any of the contract's modes, turns events into journal records, takes credits, hands everything to
//! the writer in order, and answers when what was taken is durable.

mod body;
mod prepare;
mod submit;

use std::ops::ControlFlow;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, post, web};
use futures_util::FutureExt as _;
use serde::Serialize;

pub use self::body::{Body, BodyError};
pub use self::prepare::{Preparation, RetryOf};
pub use self::submit::hand_over;
use super::caller::Caller;
use super::cloudevents::{
    Limits, LineSplitter, Mode, content_mode, split_batch, starts_array, structured_from_binary,
};
use super::problem::{Code, Problem, code};
use super::state::AppState;
use crate::auth::Permission;
use crate::domain::ids::Lsn;
use crate::runtime::admission::Credits;

/// The counts of the contract's answer.
#[derive(Debug, Default)]
pub struct Taken {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub lsn: Option<Lsn>,
    pub errors: Vec<(u64, Problem)>,
}

impl Taken {
    /// Events dealt with.
    pub fn processed(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected
    }
}

/// Most errors told in one answer; all are counted, and all are in quarantine.
const ERRORS_TOLD_MAX: usize = 1_000;
/// Most events of one batch. 8 MiB hold 4 million items that are one digit each; each would be kept as a rejection.
const BATCH_EVENTS_MAX: usize = 100_000;

/// Takes events, in any mode of CloudEvents over HTTP; answers when they are durable.
#[utoipa::path(
    post, path = "/api/v1/events", tag = "events",
    request_body(content_type = "application/cloudevents+json", description = "One CloudEvent; also a batch \
        (application/cloudevents-batch+json), NDJSON (application/x-ndjson), plain JSON, or binary mode with ce-* headers."),
    responses(
        (status = 202, description = "Everything accepted is durable", body = ref("#/components/schemas/Receipt")),
        (status = 400, description = "No event"),
        (status = 413, description = "Too large"),
        (status = 415, description = "Content type not taken"),
        (status = 422, description = "Nothing was taken; each event's problem is told"),
        (status = 429, description = "Too much at once; see Retry-After"),
        (status = 503, description = "Recovering, draining, or the disk is full"),
    ),
    security(("key" = []))
)]
#[post("/api/v1/events")]
pub async fn post_events(
    request: HttpRequest,
    payload: web::Payload,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::IngestEvents)?;
    state.running_for_work()?;
    let mode = content_mode(request.headers()).ok_or_else(|| {
        Problem::new(&code::UNSUPPORTED_MEDIA_TYPE)
            .detail("send application/cloudevents+json, -batch+json, application/x-ndjson, application/json, or ce-* headers")
    })?;
    if let Some(encoding) = unread_encoding(request.headers()) {
        let detail = format!("`Content-Encoding: {encoding}` is not taken; send events as they are");
        return Err(Problem::new(&code::UNSUPPORTED_MEDIA_TYPE).detail(detail));
    }
    let server = &state.config.server;
    let limits = Limits {
        event_bytes_max: server.event_bytes_max,
        depth_max: u32::try_from(server.json_depth_max).unwrap_or(u32::MAX),
    };
    let body = Body::new(payload, server.request_bytes_max, server.body_timeout_ms);
    if mode == Mode::NdJson {
        return stream(body, &limits, &caller, &state).await;
    }
    // Nothing of it would be taken: who says so beforehand need not send it. Of a stream the first lines are.
    if announced_bytes(request.headers()).is_some_and(|bytes| bytes > server.request_bytes_max as u64) {
        return Err(BodyError::TooLarge { max: server.request_bytes_max }.to_problem());
    }
    let bytes = body.read_all().await.map_err(|error| error.to_problem())?;
    let mut preparation = Preparation::new(&caller, limits, &state)?;
    let mut taken = Taken::default();
    let lone = match mode {
        Mode::Batch => false,
        Mode::Json => !starts_array(&bytes),
        Mode::Structured | Mode::Binary | Mode::NdJson => true,
    };
    if mode == Mode::Batch && !starts_array(&bytes) {
        return Err(Problem::new(&code::MALFORMED_JSON).detail("a batch is a JSON array"));
    }
    if lone {
        let added = if mode == Mode::Binary {
            match structured_from_binary(request.headers(), &bytes, &limits) {
                Ok(structured) => preparation.add(0, &Bytes::from(structured)),
                Err(rejection) => {
                    preparation.reject(0, &bytes, &rejection);
                    Err(rejection)
                }
            }
        } else {
            preparation.add(0, &bytes)
        };
        if let Err(rejection) = added
            && rejection.code.status != StatusCode::UNPROCESSABLE_ENTITY.as_u16()
        {
            // No event at all, or one that is too large: nothing to keep.
            return Err(count_refusal(&state, rejection.to_problem()));
        }
    } else {
        let items = split_batch(&bytes).map_err(|broken| {
            count_refusal(
                &state,
                Problem::new(&code::MALFORMED_JSON)
                    .detail(format!("at byte {}: {}", broken.offset, broken.what)),
            )
        })?;
        if items.len() > BATCH_EVENTS_MAX {
            let detail =
                format!("a batch has at most {BATCH_EVENTS_MAX} events, this one has {}", items.len());
            let problem = Problem::new(&code::BODY_TOO_LARGE).detail(detail);
            return Err(count_refusal(&state, with_counts(problem, &taken, &state)));
        }
        if let Some(index) = items.iter().position(|item| item.len() > limits.event_bytes_max) {
            let detail = format!(
                "event {index} has {} bytes, more than {}",
                items[index].len(),
                limits.event_bytes_max
            );
            let problem = Problem::new(&code::EVENT_TOO_LARGE).detail(detail);
            return Err(count_refusal(&state, with_counts(problem, &taken, &state)));
        }
        // Parsing what will be refused would take the processor from those who make room.
        let first =
            Credits { records: items.len().min(prepare::CHUNK_EVENTS_MAX) as u64, bytes: bytes.len() as u64 };
        if !state.running_for_work()?.admission.has_room_for(first) {
            let problem = submit::busy(&state, "too much is accepted and not yet applied");
            return Err(with_counts(problem, &taken, &state));
        }
        for (index, item) in items.into_iter().enumerate() {
            // Its rejection is part of the preparation.
            let _ = preparation.add(index as u64, &bytes.slice_ref(item));
            if preparation.is_full()
                && let ControlFlow::Break(problem) = preparation.submit(&mut taken).await
            {
                return Err(with_counts(problem, &taken, &state));
            }
        }
    }
    if let ControlFlow::Break(problem) = preparation.submit(&mut taken).await {
        return Err(with_counts(problem, &taken, &state));
    }
    Ok(answer(&taken, &state))
}

/// How the body is packed, if it is.
fn unread_encoding(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or("?").trim();
    (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}

fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// NDJSON: events are taken as they stream in.
async fn stream(
    mut body: Body,
    limits: &Limits,
    caller: &Caller,
    state: &web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let mut taken = Taken::default();
    let mut lines = LineSplitter::new(limits.event_bytes_max);
    let mut index = 0u64;
    let mut preparation = Preparation::new(caller, *limits, state)?;
    loop {
        // What is read is handed over before waiting for more: a line counts when it came, not when the stream ends.
        let chunk = match body.next().now_or_never() {
            Some(chunk) => chunk,
            None => {
                if let ControlFlow::Break(problem) = preparation.submit(&mut taken).await {
                    return Err(with_counts(problem, &taken, state));
                }
                body.next().await
            }
        };
        let ended = matches!(chunk, Ok(None));
        let failed = match chunk {
            Ok(Some(bytes)) => {
                lines.push(&bytes);
                None
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let mut too_long = false;
        loop {
            match lines.next_line() {
                Ok(Some(line)) => {
                    let _ = preparation.add(index, &line);
                    index += 1;
                }
                Ok(None) => break,
                Err(_) => {
                    too_long = true;
                    break;
                }
            }
            if preparation.is_full()
                && let ControlFlow::Break(problem) = preparation.submit(&mut taken).await
            {
                return Err(with_counts(problem, &taken, state));
            }
        }
        if ended && !too_long {
            match std::mem::replace(&mut lines, LineSplitter::new(limits.event_bytes_max)).finish() {
                Ok(Some(line)) => {
                    let _ = preparation.add(index, &line);
                }
                Ok(None) => {}
                Err(_) => too_long = true,
            }
        }
        // What came before a failure counts.
        if (ended || too_long || failed.is_some() || preparation.is_full())
            && let ControlFlow::Break(problem) = preparation.submit(&mut taken).await
        {
            return Err(with_counts(problem, &taken, state));
        }
        if too_long {
            let detail =
                format!("line {} is longer than {} bytes", taken.processed() + 1, limits.event_bytes_max);
            let problem = Problem::new(&code::EVENT_TOO_LARGE).detail(detail);
            return Err(with_counts(count_refusal(state, problem), &taken, state));
        }
        if let Some(error) = failed {
            return Err(with_counts(error.to_problem(), &taken, state));
        }
        if ended {
            return Ok(answer(&taken, state));
        }
    }
}

fn count_refusal(state: &AppState, problem: Problem) -> Problem {
    state.tower.metrics.count_events("refused", 1);
    state.tower.metrics.count_rejection(problem.code().name);
    problem
}

/// Adds the counts of what was taken before a request failed.
fn with_counts(problem: Problem, taken: &Taken, state: &AppState) -> Problem {
    let position = taken.lsn.and_then(|lsn| state.tower.running().map(|running| running.position(lsn)));
    problem
        .with("accepted", taken.accepted)
        .with("duplicates", taken.duplicates)
        .with("rejected", taken.rejected)
        .with("lsn", taken.lsn.map(|lsn| lsn.0))
        .with("position", position)
        .with("processed", taken.processed())
}

#[derive(Serialize)]
struct Answer<'a> {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    lsn: Option<Lsn>,
    position: Option<String>,
    errors: Vec<ErrorAt<'a>>,
}

#[derive(Serialize)]
struct ErrorAt<'a> {
    index: u64,
    problem: &'a Problem,
}

/// What a refused request says on top of the counts: it is a problem too.
#[derive(Serialize)]
struct Refusal<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(flatten)]
    answer: Answer<'a>,
}

fn answer(taken: &Taken, state: &AppState) -> HttpResponse {
    let running = state.tower.running();
    let answer = Answer {
        accepted: taken.accepted,
        duplicates: taken.duplicates,
        rejected: taken.rejected,
        lsn: taken.lsn,
        position: taken.lsn.and_then(|lsn| running.map(|running| running.position(lsn))),
        errors: taken.errors.iter().map(|(index, problem)| ErrorAt { index: *index, problem }).collect(),
    };
    let nothing_taken = taken.accepted + taken.duplicates == 0 && taken.rejected > 0;
    if !nothing_taken {
        return HttpResponse::Accepted().json(answer);
    }
    let first: &'static Code =
        taken.errors.first().map_or(&code::INVALID_DATA, |(_, problem)| problem.code());
    HttpResponse::UnprocessableEntity().content_type("application/problem+json").json(Refusal {
        r#type: format!("/docs/errors/{}", first.name),
        title: "No event was taken",
        status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(),
        detail: "each event's problem stands in `errors`, and the event is kept in quarantine",
        code: first.name,
        answer,
    })
}

impl BodyError {
    /// The problem to answer with.
    pub fn to_problem(&self) -> Problem {
        match self {
            BodyError::TooLarge { max } => {
                Problem::new(&code::BODY_TOO_LARGE).detail(format!("a request has at most {max} bytes"))
            }
            BodyError::TooSlow => Problem::new(&code::REQUEST_TIMEOUT).detail("the body came too slowly"),
            BodyError::Broken(error) => Problem::new(&code::BAD_REQUEST).detail(error.clone()),
        }
    }
}
