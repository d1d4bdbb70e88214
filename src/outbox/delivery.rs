//! One attempt over HTTP: what is sent, and what an answer means.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::target::Endpoint;
use crate::domain::approval_case::{ActionKind, CaseAction};
use crate::domain::ids::{NAME_SCALARS_MAX, Name, is_valid_name};
use crate::domain::money::UnitPrice;
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Characters of a target's explanation that are kept.
const DETAIL_CHARS_MAX: usize = 300;

/// The body of `POST`: the same for every attempt of an action.
#[derive(Clone, Debug, Serialize)]
pub struct ActionRequest<'a> {
    pub action_id: &'a Name,
    pub kind: ActionKind,
    pub case_id: &'a Name,
    pub tenant: &'a Name,
    pub sku: &'a Name,
    /// Where it arrives.
    pub location: &'a Name,
    /// Where it leaves, for a transfer.
    pub from: &'a Option<Name>,
    pub supplier: &'a Option<Name>,
    /// What is expedited.
    pub po_id: &'a Option<Name>,
    pub line_id: &'a Option<Name>,
    /// Of an expedited line, what is moved.
    pub quantity: Quantity,
    /// The total of an expedited line, which its changed document states.
    pub line_quantity: Option<Quantity>,
    pub arrives_at: Option<Timestamp>,
    pub unit_cost: Option<UnitPrice>,
    pub note: &'a Option<String>,
    /// By the tenant's clock.
    pub approved_at: Timestamp,
}

impl<'a> ActionRequest<'a> {
    pub fn new(tenant: &'a Name, case_id: &'a Name, action: &'a CaseAction) -> ActionRequest<'a> {
        let step = &action.step;
        ActionRequest {
            action_id: &action.id,
            kind: action.kind,
            case_id,
            tenant,
            sku: &step.sku,
            location: &step.location,
            from: &step.from,
            supplier: &step.supplier,
            po_id: &step.po_id,
            line_id: &step.line_id,
            quantity: step.quantity,
            line_quantity: step.line_quantity,
            arrives_at: step.arrives_at,
            unit_cost: step.unit_cost,
            note: &step.note,
            approved_at: action.approved_at,
        }
    }
}

/// What a target said, or that it said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the action.
    Delivered { status: u16, external_ref: Option<String> },
    /// It will not do it, however often it is asked.
    Refused { status: u16, detail: String },
    /// It did not take it, or nobody knows.
    Failed {
        status: Option<u16>,
        detail: String,
        /// It may have taken it all the same.
        may_have_arrived: bool,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Makes one attempt; takes no longer than the endpoint's timeout.
pub async fn attempt(endpoint: &Endpoint, key: &str, body: Vec<u8>) -> Answer {
    let request =
        endpoint.request().header("Idempotency-Key", key).header(CONTENT_TYPE, "application/json").body(body);
    match request.send().await {
        Ok(response) => read(response).await,
        Err(error) => Answer::Failed {
            status: None,
            detail: told(&error),
            // Whoever could not connect has sent nothing.
            may_have_arrived: !error.is_connect(),
            retry_after: None,
        },
    }
}

async fn read(mut response: Response) -> Answer {
    let status = response.status();
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let mut body = Vec::new();
    // The status line has said what matters: an answer that breaks off after it is worth what arrived of it.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    judge(status, retry_after, &body)
}

/// What a status with that body means. Pure.
fn judge(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Answer {
    if status.is_success() {
        return Answer::Delivered { status: status.as_u16(), external_ref: external_ref(body) };
    }
    let detail = explanation(body).unwrap_or_else(|| status.to_string());
    if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) {
        return Answer::Refused { status: status.as_u16(), detail };
    }
    Answer::Failed {
        status: Some(status.as_u16()),
        detail,
        // 503 says "not now"; what the other server errors broke off in the middle of, nobody knows. 409 is how a
        // target answers a repeat while it still works on the first request.
        may_have_arrived: status == StatusCode::CONFLICT
            || status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE,
        retry_after,
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Text(String),
    Number(serde_json::Number),
}

fn external_ref(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Taken {
        external_ref: Reference,
    }
    let text = match serde_json::from_slice::<Taken>(body).ok()?.external_ref {
        Reference::Text(text) => text,
        Reference::Number(number) => number.to_string(),
    };
    is_valid_name(&text).then_some(text).filter(|text| text.chars().count() <= NAME_SCALARS_MAX)
}

/// The words of an RFC 9457 problem or of one of the usual other shapes, else the beginning of the text.
fn explanation(body: &[u8]) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        detail: Option<String>,
        reason: Option<String>,
        message: Option<String>,
        error: Option<String>,
        title: Option<String>,
    }
    let text = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => {
            problem.detail.or(problem.reason).or(problem.message).or(problem.error).or(problem.title)?
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let shown: String = line.trim().chars().take(DETAIL_CHARS_MAX).collect();
    (!shown.is_empty()).then_some(shown)
}

/// The wait that `Retry-After` asks for: whole seconds or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = SystemTime::from(jiff::fmt::rfc2822::parse(value).ok()?.timestamp());
    Some(date.duration_since(now).unwrap_or_default())
}

/// An error with its last cause: reqwest's own message names the address and not "connection refused".
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within the time it has".to_owned();
    }
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
