//! What is wrong, told in one shape: RFC 9457 `application/problem+json`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use crate::domain::event::FieldError;

/// A stable code with the status and the title that always go with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The name on the wire.
    pub name: &'static str,
    /// The HTTP status of an answer that has it.
    pub status: u16,
    /// A short sentence, the same for every occurrence.
    pub title: &'static str,
}

macro_rules! codes {
    ($( $constant:ident = $status:literal $name:literal $title:literal; )+) => {
        /// Every code as a constant.
        pub mod code {
            use super::Code;
            $( #[doc = $title] pub static $constant: Code =
                Code { name: $name, status: $status, title: $title }; )+
        }

        /// Every code there is.
        pub const CODES: &[&Code] = &[$(&code::$constant),+];
    };
}

codes! {
    // The request
    BAD_PARAMETER = 400 "bad_parameter" "A parameter is malformed";
    BAD_REQUEST = 400 "bad_request" "The request can't be read";
    UNAUTHENTICATED = 401 "unauthenticated" "Credentials are missing or not valid";
    FORBIDDEN = 403 "forbidden" "These credentials don't allow it";
    NOT_FOUND = 404 "not_found" "There is no such thing";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "This method is not for this resource";
    REQUEST_TIMEOUT = 408 "request_timeout" "The request came too slowly";
    CONFLICT = 409 "conflict" "It can't be done in the state that the item is in";
    IDEMPOTENCY_KEY_IN_USE = 409 "idempotency_key_in_use" "A request with this idempotency key is being carried out";
    STALE_VERSION = 409 "stale_version" "The item has changed since that version";
    BODY_TOO_LARGE = 413 "body_too_large" "The request is larger than is taken";
    EVENT_TOO_LARGE = 413 "event_too_large" "An event is larger than is taken";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The content type is not taken here";
    // The event
    MALFORMED_JSON = 400 "malformed_json" "The text is not JSON";
    INVALID_UTF8 = 400 "invalid_utf8" "The text is not UTF-8";
    MISSING_ATTRIBUTE = 400 "missing_attribute" "A required CloudEvents attribute is missing";
    INVALID_ATTRIBUTE = 422 "invalid_attribute" "A CloudEvents attribute is not valid";
    DUPLICATE_KEY = 422 "duplicate_key" "A key stands twice in the same object";
    TOO_DEEP = 422 "too_deep" "Arrays and objects are nested too deep";
    UNSUPPORTED_DATA = 422 "unsupported_data" "Only JSON data is taken";
    UNKNOWN_TYPE = 422 "unknown_type" "The event type is not known";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency_key_reused" "The idempotency key was used for another request";
    INVALID_DATA = 422 "invalid_data" "The data does not fit the event type";
    TIME_IN_FUTURE = 422 "time_in_future" "The event's time is too far ahead";
    EVENT_ID_REUSED = 422 "event_id_reused" "The event's id was used for other content";
    CLOCK_NOT_EVENT = 422 "clock_not_event" "The tenant's clock is not set by events";
    COUNT_TOO_OLD = 422 "count_too_old" "The count is older than the movements that are kept";
    // The tower
    TOO_MANY_REQUESTS = 429 "too_many_requests" "More work came than is taken at once";
    INTERNAL = 500 "internal" "Something went wrong inside";
    RECOVERING = 503 "recovering" "The tower is reading its journal";
    REBUILDING = 503 "rebuilding" "Its state is being made anew from the journal";
    DRAINING = 503 "draining" "The tower is shutting down";
    TOO_MANY_SOCKETS = 503 "too_many_sockets" "No more sockets are taken";
    DISK_FULL = 503 "disk_full" "There is no room left to make events durable";
    OUTCOME_UNKNOWN = 504 "outcome_unknown" "The command was taken, and its outcome is not known yet";
    NOT_YET_APPLIED = 504 "not_yet_applied" "The position asked for is not applied yet";
}

/// One problem, ready to be answered or put inside an answer.
#[derive(Clone, Debug)]
pub struct Problem {
    code: &'static Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    extra: Vec<(&'static str, Value)>,
}

impl Problem {
    /// A problem of which only the code is known.
    pub fn new(code: &'static Code) -> Problem {
        Problem { code, detail: None, errors: Vec::new(), retry_after_s: None, extra: Vec::new() }
    }

    /// What is wrong this time, for people.
    pub fn detail(self, detail: impl Into<String>) -> Problem {
        Problem { detail: Some(detail.into()), ..self }
    }

    /// The fields that are wrong.
    pub fn errors(self, errors: Vec<FieldError>) -> Problem {
        Problem { errors, ..self }
    }

    /// When to come back, as the `Retry-After` header.
    pub fn retry_after_s(self, seconds: u32) -> Problem {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// A member of its own, such as the counts of what was taken before.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Problem {
        self.extra.push((name, value.into()));
        self
    }

    /// Its code.
    pub fn code(&self) -> &'static Code {
        self.code
    }
}

impl Serialize for Problem {
    /// `{type, title, status, detail, code, errors: [{pointer, code, detail}], …}`; what is unknown is `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'e> {
            pointer: &'e str,
            code: &'static str,
            detail: &'e str,
        }
        let errors: Vec<Shown<'_>> = self
            .errors
            .iter()
            .map(|e| Shown { pointer: &e.pointer, code: e.code, detail: &e.detail })
            .collect();
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("type", &format_args!("/docs/errors/{}", self.code.name))?;
        out.serialize_entry("title", self.code.title)?;
        out.serialize_entry("status", &self.code.status)?;
        out.serialize_entry("detail", &self.detail)?;
        out.serialize_entry("code", self.code.name)?;
        out.serialize_entry("errors", &errors)?;
        for (name, value) in &self.extra {
            out.serialize_entry(name, value)?;
        }
        out.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(self.code.title))
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds));
        }
        // Strings, numbers and JSON values always serialise.
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn a_problem_goes_out_as_rfc_9457_says() {
        let error =
            FieldError { pointer: "/data/sku".into(), code: "required", detail: "is required".into() };
        let problem = Problem::new(&code::INVALID_DATA)
            .detail("1 field is wrong")
            .errors(vec![error])
            .with("processed", 3)
            .retry_after_s(2);
        let response = problem.error_response();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
        assert_eq!(response.headers().get("retry-after").unwrap(), "2");
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        let expected = serde_json::json!({
            "type": "/docs/errors/invalid_data", "title": "The data does not fit the event type", "status": 422,
            "detail": "1 field is wrong", "code": "invalid_data",
            "errors": [{"pointer": "/data/sku", "code": "required", "detail": "is required"}], "processed": 3,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn codes_are_unique_and_their_statuses_exist() {
        let mut names: Vec<_> = CODES.iter().map(|c| c.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(CODES.iter().all(|c| (400..600).contains(&c.status)));
    }
}
