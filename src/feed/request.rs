//! What a client says on its socket.

use serde_json::{Map, Value};

/// Most characters of a subscription's id.
const ID_CHARS_MAX: usize = 64;
/// Most bytes of a position.
const POSITION_BYTES_MAX: usize = 80;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Exceptions,
    Cases,
    SkuLocations,
    Suppliers,
    Stats,
}

impl Topic {
    /// Every topic.
    pub const ALL: &'static [Topic] =
        &[Topic::Exceptions, Topic::Cases, Topic::SkuLocations, Topic::Suppliers, Topic::Stats];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Exceptions => "exceptions",
            Topic::Cases => "cases",
            Topic::SkuLocations => "sku_locations",
            Topic::Suppliers => "suppliers",
            Topic::Stats => "stats",
        }
    }

    /// Whether it is gapless events; otherwise it is the latest value per key.
    pub fn is_gapless(self) -> bool {
        matches!(self, Topic::Exceptions | Topic::Cases)
    }
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Subscribe(Subscribe),
    Unsubscribe {
        id: String,
    },
    /// A sign of life.
    Pong,
}

/// The wish to hear of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    pub id: String,
    /// Without repeats, in order.
    pub topics: Vec<Topic>,
    /// A condition on items, in CEL.
    pub filter: Option<String>,
    pub since: Option<String>,
    pub snapshot: bool,
}

/// Why a frame is not followed; the socket stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The subscription it is about, as far as it can be told.
    pub id: Option<String>,
    pub code: &'static str,
    pub detail: String,
}

/// Reads one frame.
///
/// # Errors
/// [`Refused`] with code `bad_frame` (no JSON object, or a member of the wrong kind), `unknown_type`, `bad_id`,
/// `unknown_topic`, `bad_since` or `bad_filter` (no text; whether it is a condition shows later).
pub fn parse(text: &str) -> Result<Request, Refused> {
    let refused = |code, detail: &str| Refused { id: None, code, detail: detail.to_owned() };
    let frame: Value = serde_json::from_str(text)
        .map_err(|error| refused("bad_frame", &format!("the frame is not JSON: {error}")))?;
    let Value::Object(frame) = frame else {
        return Err(refused("bad_frame", "a frame is a JSON object with a `type`"));
    };
    let Some(frame_type) = frame.get("type").and_then(Value::as_str) else {
        return Err(refused("bad_frame", "the frame has no `type`"));
    };
    match frame_type {
        "pong" => Ok(Request::Pong),
        "unsubscribe" => Ok(Request::Unsubscribe { id: read_id(&frame)? }),
        "subscribe" => {
            let id = read_id(&frame)?;
            read_subscribe(&frame, &id).map(Request::Subscribe).map_err(|(code, detail)| Refused {
                id: Some(id),
                code,
                detail,
            })
        }
        _ => Err(Refused {
            id: read_id(&frame).ok(),
            ..refused("unknown_type", "a client says subscribe, unsubscribe or pong")
        }),
    }
}

fn read_id(frame: &Map<String, Value>) -> Result<String, Refused> {
    let usable = |id: &&str| !id.is_empty() && id.chars().count() <= ID_CHARS_MAX;
    match frame.get("id").and_then(Value::as_str).filter(usable) {
        Some(id) => Ok(id.to_owned()),
        None => {
            let detail = format!("`id` must be a text of 1 to {ID_CHARS_MAX} characters");
            Err(Refused { id: None, code: "bad_id", detail })
        }
    }
}

fn read_subscribe(frame: &Map<String, Value>, id: &str) -> Result<Subscribe, (&'static str, String)> {
    let names = match frame.get("topics") {
        Some(Value::Array(names)) if !names.is_empty() => names,
        _ => return Err(("bad_frame", "`topics` must be a list with at least one topic".to_owned())),
    };
    let mut topics = Vec::with_capacity(Topic::ALL.len());
    for name in names {
        let known = Topic::ALL.iter().find(|topic| name.as_str() == Some(topic.as_str()));
        let Some(topic) = known else {
            let all: Vec<&str> = Topic::ALL.iter().map(|topic| topic.as_str()).collect();
            return Err(("unknown_topic", format!("a topic is one of {}", all.join(", "))));
        };
        if !topics.contains(topic) {
            topics.push(*topic);
        }
    }
    topics.sort_unstable();
    let since = match frame.get("since") {
        None | Some(Value::Null) => None,
        Some(Value::String(since)) if (1..=POSITION_BYTES_MAX).contains(&since.len()) && since.is_ascii() => {
            Some(since.clone())
        }
        Some(_) => {
            return Err((
                "bad_since",
                format!("`since` must be a position: 1 to {POSITION_BYTES_MAX} ASCII bytes"),
            ));
        }
    };
    let filter = match frame.get("where") {
        None | Some(Value::Null) => None,
        Some(Value::String(filter)) => Some(filter.clone()),
        Some(_) => return Err(("bad_filter", "`where` must be a text: a condition in CEL".to_owned())),
    };
    let snapshot = match frame.get("snapshot") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(snapshot)) => *snapshot,
        Some(_) => return Err(("bad_frame", "`snapshot` must be true or false".to_owned())),
    };
    Ok(Subscribe { id: id.to_owned(), topics, filter, since, snapshot })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_read_with_all_its_members() {
        let text = r#"{"type":"subscribe","id":"q1","topics":["stats","exceptions","stats"],"since":"e-5",
            "snapshot":true,"where":"urgency > 5","more":1}"#;
        let expected = Subscribe {
            id: "q1".into(),
            topics: vec![Topic::Exceptions, Topic::Stats],
            filter: Some("urgency > 5".into()),
            since: Some("e-5".into()),
            snapshot: true,
        };
        assert_eq!(parse(text), Ok(Request::Subscribe(expected)));
        assert_eq!(parse(r#"{"type":"pong"}"#), Ok(Request::Pong));
        assert_eq!(parse(r#"{"type":"unsubscribe","id":"q"}"#), Ok(Request::Unsubscribe { id: "q".into() }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let deep = format!("{}1{}", "[".repeat(2000), "]".repeat(2000));
        let long =
            format!(r#"{{"type":"subscribe","id":"x","topics":["stats"],"since":"{}"}}"#, "p".repeat(81));
        for (text, id, code) in [
            ("", None, "bad_frame"),
            ("not json", None, "bad_frame"),
            (&deep, None, "bad_frame"),
            ("[]", None, "bad_frame"),
            ("{}", None, "bad_frame"),
            (r#"{"type":5}"#, None, "bad_frame"),
            (r#"{"type":"dance"}"#, None, "unknown_type"),
            (r#"{"type":"dance","id":"x"}"#, Some("x"), "unknown_type"),
            (r#"{"type":"unsubscribe"}"#, None, "bad_id"),
            (r#"{"type":"subscribe","id":5,"topics":["stats"]}"#, None, "bad_id"),
            (r#"{"type":"subscribe","id":"x"}"#, Some("x"), "bad_frame"),
            (r#"{"type":"subscribe","id":"x","topics":[]}"#, Some("x"), "bad_frame"),
            (r#"{"type":"subscribe","id":"x","topics":["weather"]}"#, Some("x"), "unknown_topic"),
            (r#"{"type":"subscribe","id":"x","topics":["stats"],"since":7}"#, Some("x"), "bad_since"),
            (r#"{"type":"subscribe","id":"x","topics":["stats"],"since":"ä"}"#, Some("x"), "bad_since"),
            (&long, Some("x"), "bad_since"),
            (r#"{"type":"subscribe","id":"x","topics":["stats"],"snapshot":1}"#, Some("x"), "bad_frame"),
            (r#"{"type":"subscribe","id":"x","topics":["stats"],"where":5}"#, Some("x"), "bad_filter"),
        ] {
            let refused = parse(text).expect_err(text);
            assert_eq!((refused.id.as_deref(), refused.code), (id, code), "{text}");
            assert!(!refused.detail.is_empty());
        }
    }
}
