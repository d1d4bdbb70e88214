//! What is wrong, told in one shape: RFC 9457 `application/problem+json`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use crate::domain::event::FieldError;

/// A stable code with what always goes with it. Its page stands at `/docs/errors/NAME`.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The name on the wire.
    pub name: &'static str,
    /// The HTTP status of an answer that has it.
    pub status: u16,
    /// A short sentence, the same for every occurrence.
    pub title: &'static str,
    /// Which operations answer with it.
    pub given: Given,
    /// An example of a `detail` that comes with it.
    pub says: &'static str,
    /// What leads to it.
    pub why: &'static str,
    /// What whoever gets it should do.
    pub remedy: &'static str,
}

/// The operations that answer with a code: what the API's document says of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Those that want credentials.
    Credentials,
    /// Those that take parameters or credentials.
    Parameters,
    /// Those that name one thing in their path.
    Named,
    /// Those that read a body.
    Body,
    /// Those that read a body of events.
    Events,
    /// Those that change something.
    Writing,
    /// Those that need the journal read.
    Recovered,
    /// Those that change something or tell whether that is possible.
    Work,
    /// Commands on exceptions and cases.
    Commands,
    /// Those that wait for `at_least`.
    Waiting,
    /// Those that read the state of one entity.
    EntityState,
    /// The WebSocket.
    Socket,
    /// None that is documented: the request was for no operation.
    Elsewhere,
}

macro_rules! codes {
    ($( $constant:ident = $status:literal $name:literal $title:literal $given:ident
        says $says:literal
        why $why:literal
        remedy $remedy:literal; )+) => {
        /// Every code as a constant.
        pub mod code {
            use super::{Code, Given};
            $( #[doc = $title] pub static $constant: Code = Code {
                name: $name, status: $status, title: $title, given: Given::$given, says: $says, why: $why,
                remedy: $remedy,
            }; )+
        }

        /// Every code there is.
        pub const CODES: &[&Code] = &[$(&code::$constant),+];
    };
}

// A code has its whole page here: when is it given, why, and what to do. Markdown.
codes! {
    // The request
    BAD_PARAMETER = 400 "bad_parameter" "A parameter is malformed" Parameters
        says "`limit` is a number from 1 to 1000"
        why "A query parameter that the route does not have, one that is given twice but may be given once, or a value \
            that is no value of its kind: a `limit` beyond its bounds, a `sort` by an unknown field, a `cursor` of \
            another list, an `at_least` that is neither an LSN nor a position of this journal, a path segment that is \
            no identifier."
        remedy "Correct the request; `detail` names the parameter and what it takes. The same request never works.";
    BAD_REQUEST = 400 "bad_request" "The request can't be read" Body
        says "the feed is a WebSocket: WebSocket upgrade is expected"
        why "The body broke off or can't be decoded, or the feed was asked for without a WebSocket upgrade."
        remedy "Send the whole body with the right `Content-Length` and `Content-Encoding`; open the feed with a \
            WebSocket client.";
    UNAUTHENTICATED = 401 "unauthenticated" "Credentials are missing or not valid" Credentials
        says "this key is not known or was revoked"
        why "There is no `Authorization: Bearer KEY`, the key is not known or was revoked, or a feed ticket was used \
            before or has run out."
        remedy "Send a valid key; `tidewatch keys create` makes one. Ask for a new ticket for each socket.";
    FORBIDDEN = 403 "forbidden" "These credentials don't allow it" Credentials
        says "night-report may not do this"
        why "The roles of the key don't allow the operation, its scope is narrower than what the operation shows, its \
            tenant does not exist, or a page of another site opened the feed without a ticket."
        remedy "Use a key whose role allows it. Asking again does not help.";
    NOT_FOUND = 404 "not_found" "There is no such thing" Named
        says "there is no such SKU-location"
        why "Nothing of that name exists, it lies outside the tenant or scope of the credentials, or the path is no \
            route. The tower does not tell these apart."
        remedy "Check the spelling: each path segment is percent-decoded once. If an event was sent a moment ago, ask \
            with `at_least=` and the `lsn` of its receipt.";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "This method is not for this resource" Elsewhere
        says "PATCH /api/v1/items"
        why "The path exists and the method does not exist there."
        remedy "See `/docs/api` for the methods of each path.";
    REQUEST_TIMEOUT = 408 "request_timeout" "The request came too slowly" Body
        says "the body came too slowly"
        why "The body stood still for longer than `body_timeout_ms`, or came slower than 512 bytes a second."
        remedy "Send again. Of an NDJSON stream the counts say what was taken; events that were taken are duplicates \
            when they come again, which does no harm.";
    CONFLICT = 409 "conflict" "It can't be done in the state that the item is in" Commands
        says "a case decides about this exception"
        why "The item is over, another case decides about it, nothing is chosen yet, or the like: `detail` says what."
        remedy "Read the item and look what can be done with it now.";
    IDEMPOTENCY_KEY_IN_USE = 409 "idempotency_key_in_use" "A request with this key is being carried out" Commands
        says "a request with this Idempotency-Key is being carried out"
        why "The same command was sent under this `Idempotency-Key` and its outcome is not known yet."
        remedy "Wait for `Retry-After` seconds and send it again under the same key: it is carried out once.";
    STALE_VERSION = 409 "stale_version" "The item has changed since that version" Commands
        says "version 3 was named, 4 is current"
        why "The command names a `version` that is not the current one: the facts, or somebody else, changed the item \
            after it was read."
        remedy "Read the item again, look whether the decision still holds, and send the command with the new version.";
    POSITION_EXPIRED = 410 "position_expired" "What is asked for is no longer kept" Commands
        says "record 4711 was trimmed: the journal begins with record 90000"
        why "The tower is configured to trim its journal (`journal.trim`), and the record that holds the answer is gone: \
            the outcome of a command that was sent again long after, or the event of an entry in quarantine that is to be \
            tried as it was."
        remedy "Read the item as it is now. An entry of quarantine can be tried with the event in the body, or closed.";
    BODY_TOO_LARGE = 413 "body_too_large" "The request is larger than is taken" Body
        says "a request has at most 8388608 bytes"
        why "The body is longer than `request_bytes_max` (8 MiB), or a batch has more than 100,000 events."
        remedy "Send it in parts. The counts say what was taken before.";
    EVENT_TOO_LARGE = 413 "event_too_large" "An event is larger than is taken" Events
        says "line 18 is longer than 65536 bytes"
        why "One event is longer than `event_bytes_max` (64 KiB). Of a batch nothing is taken then; of an NDJSON stream \
            what came before the line."
        remedy "Divide it: documents may be told in several events, a line each.";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The content type is not taken here" Body
        says "send application/cloudevents+json, -batch+json, application/x-ndjson, application/json, or ce-* headers"
        why "The `Content-Type` is missing or none of those that the route takes, and there are no `ce-*` headers."
        remedy "Send `application/cloudevents+json`, `application/cloudevents-batch+json`, `application/x-ndjson`, \
            `application/json`, or binary mode with `ce-*` headers.";
    // The event
    MALFORMED_JSON = 400 "malformed_json" "The text is not JSON" Body
        says "a batch is a JSON array"
        why "The body, or an event in it, is not JSON as RFC 8259 has it; a batch is no array."
        remedy "Correct what writes the JSON; `detail` says at which byte reading stopped. In a batch or stream only \
            that event is rejected, and kept in quarantine as it was sent.";
    INVALID_UTF8 = 400 "invalid_utf8" "The text is not UTF-8" Body
        says "the text is not UTF-8 from byte 118 on"
        why "The bytes are no UTF-8; often they are Latin-1 or Windows-1252."
        remedy "Encode as UTF-8.";
    MISSING_ATTRIBUTE = 400 "missing_attribute" "A required CloudEvents attribute is missing" Events
        says "source is required"
        why "`specversion`, `id`, `source` or `type` is missing or `null`, or the event is no JSON object."
        remedy "Add the attributes that `errors` names; in binary mode they are `ce-*` headers.";
    INVALID_ATTRIBUTE = 422 "invalid_attribute" "A CloudEvents attribute is not valid" Events
        says "time is not an RFC 3339 time with offset, such as 2026-03-01T12:00:00Z"
        why "An attribute is no string, empty, too long or has control characters; `specversion` is not `1.0`; `time` \
            is no RFC 3339 time with offset."
        remedy "Correct the attribute that `errors` points at.";
    DUPLICATE_KEY = 422 "duplicate_key" "A key stands twice in the same object" Events
        says "/id stands twice"
        why "An object of the event has the same key twice (in binary mode: the same `ce-*` header), so that its \
            meaning depends on the reader."
        remedy "Send each key once.";
    TOO_DEEP = 422 "too_deep" "Arrays and objects are nested too deep" Events
        says "nested deeper than 32 at byte 410"
        why "Arrays and objects stand inside each other more than `json_depth_max` (32) levels deep."
        remedy "Flatten what you add of your own.";
    UNSUPPORTED_DATA = 422 "unsupported_data" "Only JSON data is taken" Events
        says "data_base64 is not taken: data must be JSON"
        why "The event has `data_base64`, or its `datacontenttype` is no JSON type."
        remedy "Send `data` as JSON.";
    UNKNOWN_TYPE = 422 "unknown_type" "The event type is not known" Events
        says "the event type \"pos.sold\" is not known"
        why "`type` is none of the types under `/docs/events`."
        remedy "Correct the type, or leave out such events: each one is kept in quarantine.";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency_key_reused" "The idempotency key was used for another request" Commands
        says "this key stands for another request: send this one under a key of its own"
        why "The same principal sent another path or body under this `Idempotency-Key` before."
        remedy "Make a new key for each command; use it again only to send exactly the same command again.";
    INVALID_DATA = 422 "invalid_data" "The data does not fit its description" Body
        says "/data/quantity is required"
        why "Fields of `data`, or of a command, are missing or wrong. `errors` tells each one with its JSON pointer and \
            its own code; at most 64 are told."
        remedy "Correct all of them and send the event again under the same id: the id of a rejected event is free. Or \
            edit it in quarantine.";
    TIME_IN_FUTURE = 422 "time_in_future" "The event's time is too far ahead" Events
        says "2036-03-01T12:00:00Z is more than 24 hours ahead of 2026-03-01T12:00:00Z"
        why "`time` is more than 24 hours ahead of the tower's clock. On an event clock: `clock.advanced` goes more than \
            20 years beyond it."
        remedy "Check the sender's clock and time zone. `time` is when it happened; plans for later stand in `data`.";
    EVENT_ID_REUSED = 422 "event_id_reused" "The event's id was used for other content" Events
        says "another event with this source and id was taken as record 4711"
        why "An event with the same `source` and `id` and another type, subject, time or data was taken before."
        remedy "Give each event its own id. To correct what was told, send what corrects it, such as \
            `inventory.counted` or `order.changed`, under a new id.";
    CLOCK_NOT_EVENT = 422 "clock_not_event" "The tenant's clock is not set by events" Events
        says "this tenant keeps time by the wall clock"
        why "`clock.advanced` came for a tenant that keeps time by the wall clock."
        remedy "Leave it out, or set `clock = \"event\"` for the tenant on an empty directory.";
    // The tower
    TOO_MANY_REQUESTS = 429 "too_many_requests" "More work came than is taken at once" Writing
        says "too much is accepted and not yet applied"
        why "More is accepted and not yet applied than `admission` allows, the journal's queue is full, or too many \
            feed tickets are out."
        remedy "Wait for `Retry-After` seconds and send what was not taken; `processed` says how many events, from the \
            first one on, were dealt with. Sending all of it again is safe too.";
    INTERNAL = 500 "internal" "Something went wrong inside" Credentials
        says "its state could not be read"
        why "A fault of the tower. Its log has more."
        remedy "Try again once. If it stays, report it with `detail` and the log.";
    RECOVERING = 503 "recovering" "The tower is reading its journal" Recovered
        says "120000 of 900000 records replayed"
        why "The tower has just started and reads its journal; nothing is shown before that is done."
        remedy "Wait for `Retry-After` seconds, or for `GET /readyz` to answer `200`. `detail` says how far it is.";
    REBUILDING = 503 "rebuilding" "Its state is being made anew from the journal" EntityState
        says "its state is being rebuilt; nothing that it was sent is lost"
        why "The code of this one entity failed on a record, or the disk does not give its state back: it is made again from \
            the journal. \
            Nothing that it was sent is lost; others are not affected."
        remedy "Ask again after `Retry-After` seconds. Then look into quarantine (reason `entity_failed`).";
    DRAINING = 503 "draining" "The tower is shutting down" Work
        says "no new work is taken; come back when it has started again"
        why "The tower was told to stop: it takes no new work, and finishes what it has."
        remedy "Wait for `Retry-After` seconds and send again, once it has started.";
    TOO_MANY_SOCKETS = 503 "too_many_sockets" "No more sockets are taken" Socket
        says "2000 sockets are open"
        why "As many feed sockets are open as `feed.sockets_max` allows."
        remedy "Come back after `Retry-After` seconds; subscribe to all that you need on one socket.";
    DISK_FULL = 503 "disk_full" "There is no room left to make events durable" Writing
        says "events are taken again once there is room"
        why "The file system of the data directory is full, so that nothing can be made durable. Reads go on."
        remedy "Make room on the disk: work is taken again by itself. Send what was not taken again.";
    OUTCOME_UNKNOWN = 504 "outcome_unknown" "The command was taken, and its outcome is not known yet" Commands
        says "look at the item; sending it again under the same Idempotency-Key is safe"
        why "The command was handed over and had not taken effect after 10 seconds."
        remedy "Read the item. With an `Idempotency-Key` send the command again under the same one: it is carried out once.";
    NOT_YET_APPLIED = 504 "not_yet_applied" "The position asked for is not applied yet" Waiting
        says "4712 was asked for; 4711 is applied"
        why "`at_least` names an LSN or a position that was not applied (with `settled=true`: not settled) within the \
            time that a read may wait (5 s)."
        remedy "Ask again. If the LSN is one that this tower never gave, it waits in vain.";
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

    /// What is wrong, for people: this time, or in general.
    pub fn text(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.code.title)
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
        // RFC 9110 wants a 401 to say what credentials are taken.
        if self.code.status == StatusCode::UNAUTHORIZED.as_u16() {
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"tidewatch\""));
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
            "type": "/docs/errors/invalid_data", "title": "The data does not fit its description", "status": 422,
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
        assert!(CODES.iter().all(|c| c.why.ends_with('.') && c.remedy.ends_with('.')));
    }
}
