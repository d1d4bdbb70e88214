//! One structured event: attributes, typed data and content hash from one pass over its text.

use std::borrow::Cow;
use std::cell::RefCell;

use super::canonical::canonicalize;
use crate::domain::event::json::{Document, JsonFault, Kind, Tape, Value};
use crate::domain::event::{DATA_DEPTH_MAX, EventData, FieldError, KnownType, parse_data};
use crate::domain::time::{DAY, Timestamp};
use crate::http::problem::{Code, Problem, code};

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;

/// What an event may be at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one structured event.
    pub event_bytes_max: usize,
    /// Arrays and objects inside each other, the event itself being the first.
    pub depth_max: u32,
}

impl Default for Limits {
    /// 64 KiB, depth 32.
    fn default() -> Limits {
        Limits { event_bytes_max: 64 * 1_024, depth_max: 32 }
    }
}

/// Most bytes of `id` and `type`.
const ID_BYTES_MAX: usize = 256;
/// Most bytes of `source`.
const SOURCE_BYTES_MAX: usize = 512;
/// Most bytes of `subject` and `sequence`.
const SUBJECT_BYTES_MAX: usize = 1_024;
/// Farthest that an event's time may be ahead of the wall clock.
const TIME_AHEAD_MAX: i64 = DAY;

/// An event that is well formed and within the contract's bounds.
#[derive(Debug)]
pub struct ParsedEvent<'a> {
    pub id: Cow<'a, str>,
    pub source: Cow<'a, str>,
    pub event_type: KnownType,
    pub subject: Option<Cow<'a, str>>,
    pub time: Option<Timestamp>,
    /// `time` as it was sent.
    pub time_text: Option<Cow<'a, str>>,
    /// The text of the `sequence` extension, which may be sent as a number.
    pub sequence: Option<Cow<'a, str>>,
    pub data: EventData,
    /// `data` as it was sent, always the text of an object.
    pub data_json: &'a str,
    /// Equal for equal type, subject, time as sent and `data` in RFC 8785 form.
    pub content_hash: [u8; 16],
}

/// An event that is not taken.
#[derive(Debug)]
pub struct Rejection {
    /// Its status tells what a lone event is answered with: 400 if this is no event, 422 if its content is bad,
    /// 413 if it is too large.
    pub code: &'static Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// What could be read of it, for the quarantine list.
    pub id: Option<String>,
    pub source: Option<String>,
    pub event_type: Option<String>,
}

impl Rejection {
    pub(super) fn new(code: &'static Code, detail: impl Into<String>) -> Box<Rejection> {
        Box::new(Rejection {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            id: None,
            source: None,
            event_type: None,
        })
    }

    /// An attribute that is wrong, named by its pointer.
    fn attribute(code: &'static Code, name: &str, detail: &'static str) -> Box<Rejection> {
        let error = FieldError {
            pointer: format!("/{name}"),
            code: if code.status == 400 { "required" } else { code.name },
            detail: detail.into(),
        };
        let mut rejection = Rejection::new(code, format!("{name} {detail}"));
        rejection.errors.push(error);
        rejection
    }

    /// The problem to answer with.
    pub fn to_problem(&self) -> Problem {
        Problem::new(self.code).detail(self.detail.clone()).errors(self.errors.clone())
    }
}

fn first_16(hash: blake3::Hash) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    first
}

/// Whether an event's time is more than 24 hours ahead of the wall clock.
pub fn is_too_far_ahead(time: Timestamp, now: Timestamp) -> bool {
    time.micros().saturating_sub(now.micros()) > TIME_AHEAD_MAX
}

#[derive(Default)]
struct Scratch {
    tape: Tape,
    canonical: Vec<u8>,
}

thread_local! {
    /// Reused by every event of the thread; as large as the largest event it saw, which the limits bound.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Reads one structured event (CloudEvents 1.0, JSON format).
///
/// # Errors
/// [`Rejection`], with as much of the event's name as could be read.
pub fn parse_event<'a>(item: &'a [u8], limits: &Limits) -> Result<ParsedEvent<'a>, Box<Rejection>> {
    if item.len() > limits.event_bytes_max {
        let detail = format!("the event has {} bytes, more than {}", item.len(), limits.event_bytes_max);
        return Err(Rejection::new(&code::EVENT_TOO_LARGE, detail));
    }
    let text = std::str::from_utf8(item).map_err(|error| {
        let detail = format!("the text is not UTF-8 from byte {} on", error.valid_up_to());
        Rejection::new(&code::INVALID_UTF8, detail)
    })?;
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { tape, canonical } = scratch;
        let document = tape.parse(text, limits.depth_max.min(DATA_DEPTH_MAX)).map_err(|error| {
            let code = match error.fault {
                JsonFault::Syntax(_) => &code::MALFORMED_JSON,
                JsonFault::TooDeep => &code::TOO_DEEP,
            };
            Rejection::new(code, error.to_string())
        })?;
        let envelope = Envelope::read(document.root);
        parse_document(&document, &envelope, canonical).map_err(|mut rejection| {
            let shown = |value: Option<Value<'_, '_>>| {
                value.filter(|v| v.kind() == Kind::String).map(|v| cut(&v.text(), SOURCE_BYTES_MAX))
            };
            rejection.id = shown(envelope.id);
            rejection.source = shown(envelope.source);
            rejection.event_type = shown(envelope.event_type);
            rejection
        })
    })
}

/// The first `bytes_max` bytes of a text, whole characters only.
fn cut(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

/// The members of an event that mean something here; `null` is absent.
#[derive(Default)]
struct Envelope<'t, 'a> {
    specversion: Option<Value<'t, 'a>>,
    id: Option<Value<'t, 'a>>,
    source: Option<Value<'t, 'a>>,
    event_type: Option<Value<'t, 'a>>,
    subject: Option<Value<'t, 'a>>,
    time: Option<Value<'t, 'a>>,
    sequence: Option<Value<'t, 'a>>,
    datacontenttype: Option<Value<'t, 'a>>,
    data_base64: Option<Value<'t, 'a>>,
    data: Option<Value<'t, 'a>>,
}

impl<'t, 'a> Envelope<'t, 'a> {
    fn read(root: Value<'t, 'a>) -> Envelope<'t, 'a> {
        let mut envelope = Envelope::default();
        for (key, value) in root.members() {
            let place = match key.text().as_ref() {
                "specversion" => &mut envelope.specversion,
                "id" => &mut envelope.id,
                "source" => &mut envelope.source,
                "type" => &mut envelope.event_type,
                "subject" => &mut envelope.subject,
                "time" => &mut envelope.time,
                "sequence" => &mut envelope.sequence,
                "datacontenttype" => &mut envelope.datacontenttype,
                "data_base64" => &mut envelope.data_base64,
                "data" => &mut envelope.data,
                _ => continue,
            };
            if value.kind() != Kind::Null {
                *place = Some(value);
            }
        }
        envelope
    }
}

fn parse_document<'a>(
    document: &Document<'_, 'a>,
    envelope: &Envelope<'_, 'a>,
    canonical: &mut Vec<u8>,
) -> Result<ParsedEvent<'a>, Box<Rejection>> {
    let root = document.root;
    if root.kind() != Kind::Object {
        return Err(Rejection::new(&code::MISSING_ATTRIBUTE, "an event is a JSON object"));
    }
    let mut missing = [
        ("specversion", envelope.specversion),
        ("id", envelope.id),
        ("source", envelope.source),
        ("type", envelope.event_type),
    ]
    .into_iter()
    .filter(|(_, value)| value.is_none())
    .map(|(name, _)| Rejection::attribute(&code::MISSING_ATTRIBUTE, name, "is required"));
    if let Some(mut rejection) = missing.next() {
        rejection.errors.extend(missing.flat_map(|another| another.errors));
        return Err(rejection);
    }
    if let Some(key) = document.duplicate_keys().find(|key| !envelope.data.is_some_and(|d| d.contains(*key)))
    {
        let pointer = root.pointer_to(key);
        let detail = format!("{pointer} stands twice");
        let error = FieldError { pointer, code: code::DUPLICATE_KEY.name, detail: detail.clone() };
        let mut rejection = Rejection::new(&code::DUPLICATE_KEY, detail);
        rejection.errors.push(error);
        return Err(rejection);
    }
    if !envelope.specversion.is_some_and(|v| v.kind() == Kind::String && v.says("1.0")) {
        return Err(Rejection::attribute(&code::INVALID_ATTRIBUTE, "specversion", "must be \"1.0\""));
    }
    let id = required(envelope.id, "id", ID_BYTES_MAX)?;
    let source = required(envelope.source, "source", SOURCE_BYTES_MAX)?;
    let type_name = required(envelope.event_type, "type", ID_BYTES_MAX)?;
    let subject = attribute(envelope.subject, "subject", SUBJECT_BYTES_MAX)?;
    let sequence = match envelope.sequence {
        Some(value) if value.kind() == Kind::Number => Some(Cow::Borrowed(value.raw())),
        other => attribute(other, "sequence", SUBJECT_BYTES_MAX)?,
    };
    let time_text = attribute(envelope.time, "time", ID_BYTES_MAX)?;
    let time = match &time_text {
        None => None,
        Some(text) => Some(
            Timestamp::parse(text)
                .map_err(|detail| Rejection::attribute(&code::INVALID_ATTRIBUTE, "time", detail))?,
        ),
    };
    if envelope.data_base64.is_some() {
        let detail = "is not taken: data must be JSON";
        return Err(Rejection::attribute(&code::UNSUPPORTED_DATA, "data_base64", detail));
    }
    if let Some(content_type) = attribute(envelope.datacontenttype, "datacontenttype", SOURCE_BYTES_MAX)?
        && !is_json(&content_type)
    {
        return Err(Rejection::attribute(&code::UNSUPPORTED_DATA, "datacontenttype", "must be a JSON type"));
    }
    let Some(event_type) = KnownType::parse(&type_name) else {
        let detail = format!("the event type {type_name:?} is not known");
        return Err(Rejection::new(&code::UNKNOWN_TYPE, detail));
    };
    let Some(data_value) = envelope.data else {
        let missing = FieldError { pointer: "/data".into(), code: "required", detail: "is required".into() };
        return Err(invalid_data(vec![missing]));
    };
    let data = parse_data(event_type, document, data_value).map_err(invalid_data)?;

    canonical.clear();
    frame(canonical, Some(event_type.as_str()));
    frame(canonical, subject.as_deref());
    frame(canonical, time_text.as_deref());
    canonicalize(data_value, canonical).map_err(|number| {
        invalid_data(vec![FieldError {
            pointer: root.pointer_to(number),
            code: "out_of_range",
            detail: "is beyond the largest number taken".into(),
        }])
    })?;
    let content_hash = first_16(blake3::hash(canonical));
    let data_json = data_value.raw();
    Ok(ParsedEvent {
        id,
        source,
        event_type,
        subject,
        time,
        time_text,
        sequence,
        data,
        data_json,
        content_hash,
    })
}

fn invalid_data(errors: Vec<FieldError>) -> Box<Rejection> {
    let detail = match errors.as_slice() {
        [only] => format!("{} {}", only.pointer, only.detail),
        several => format!("{} fields are wrong", several.len()),
    };
    let mut rejection = Rejection::new(&code::INVALID_DATA, detail);
    rejection.errors = errors;
    rejection
}

/// Adds an attribute to what is hashed, so that no two lists of attributes give the same bytes: its length plus one
/// and its text, or zero for an absent one.
fn frame(out: &mut Vec<u8>, attribute: Option<&str>) {
    let length = attribute.map_or(0, |text| text.len() as u32 + 1);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(attribute.unwrap_or_default().as_bytes());
}

fn required<'a>(
    value: Option<Value<'_, 'a>>,
    name: &'static str,
    bytes_max: usize,
) -> Result<Cow<'a, str>, Box<Rejection>> {
    attribute(value, name, bytes_max)?
        .ok_or_else(|| Rejection::attribute(&code::MISSING_ATTRIBUTE, name, "is required"))
}

/// A string attribute: not empty, no control characters, bounded.
fn attribute<'a>(
    value: Option<Value<'_, 'a>>,
    name: &'static str,
    bytes_max: usize,
) -> Result<Option<Cow<'a, str>>, Box<Rejection>> {
    let Some(value) = value else { return Ok(None) };
    let wrong = |detail| Err(Rejection::attribute(&code::INVALID_ATTRIBUTE, name, detail));
    if value.kind() != Kind::String {
        return wrong("must be a string");
    }
    let text = value.text();
    if text.is_empty() {
        return wrong("must not be empty");
    }
    if text.len() > bytes_max {
        return wrong("is too long");
    }
    // ASCII control characters can only have come as escapes; U+007F to U+009F may stand as they are.
    if !text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.chars().any(char::is_control) {
        return wrong("has control characters");
    }
    Ok(Some(text))
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/json") || media_type.ends_with("+json")
}
