//! Binary mode: attributes in `ce-*` headers, the body is `data`.

use std::cell::RefCell;

use actix_web::http::header::HeaderMap;

use super::event::{Limits, Rejection};
use crate::domain::event::json::{JsonFault, Tape};
use crate::http::problem::code;

thread_local! {
    static TAPE: RefCell<Tape> = RefCell::default();
}

/// The structured event that headers and body say, so that there is one way to read events and to keep bad ones.
///
/// The body must be JSON, whatever its content type is. Every `ce-*` header becomes a string attribute, with
/// percent-encoding undone once and quotes removed (CloudEvents HTTP binding, section 3.1.3.2); a header that is sent
/// twice becomes a repeated key and is refused as one.
///
/// # Errors
/// [`Rejection`] if the body is no JSON or a header is no text.
pub fn structured_from_binary(
    headers: &HeaderMap,
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, Box<Rejection>> {
    if body.len() > limits.event_bytes_max {
        let detail = format!("the event has {} bytes, more than {}", body.len(), limits.event_bytes_max);
        return Err(Rejection::new(&code::EVENT_TOO_LARGE, detail));
    }
    let mut event = Vec::with_capacity(body.len() + 256);
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        // The payload is the body's alone.
        if attribute.is_empty() || matches!(attribute, "data" | "data_base64") {
            continue;
        }
        let text = decode(value.as_bytes()).ok_or_else(|| {
            Rejection::new(&code::INVALID_ATTRIBUTE, format!("the header ce-{attribute} is not UTF-8"))
        })?;
        event.push(if event.is_empty() { b'{' } else { b',' });
        // A header name is a token: ASCII without quotes, backslashes or controls.
        event.extend_from_slice(format!("\"{attribute}\":").as_bytes());
        event.extend_from_slice(serde_json::Value::String(text).to_string().as_bytes());
    }
    event.push(if event.is_empty() { b'{' } else { b',' });
    event.extend_from_slice(b"\"data\":");
    if body.trim_ascii().is_empty() {
        event.extend_from_slice(b"null");
    } else {
        check(body, limits.depth_max)?;
        event.extend_from_slice(body);
    }
    event.push(b'}');
    Ok(event)
}

/// The body must be one whole JSON text by itself, or it could close the event around it and go on.
fn check(body: &[u8], depth_max: u32) -> Result<(), Box<Rejection>> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Rejection::new(&code::INVALID_UTF8, "the body is not UTF-8"))?;
    TAPE.with_borrow_mut(|tape| tape.parse(text, depth_max).map(|_| ())).map_err(|error| {
        let code = match error.fault {
            JsonFault::Syntax(_) => &code::MALFORMED_JSON,
            JsonFault::TooDeep => &code::TOO_DEEP,
        };
        Rejection::new(code, error.to_string())
    })
}

/// Quotes off, then percent-encoding undone once; a percent sign without two hex digits stands for itself.
fn decode(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let value = value.trim_ascii();
    match value {
        [b'"', quoted @ .., b'"'] => {
            let mut rest = quoted.iter();
            while let Some(&byte) = rest.next() {
                bytes.push(if byte == b'\\' { *rest.next()? } else { byte });
            }
        }
        plain => bytes.extend_from_slice(plain),
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn structured(headers: &[(&'static str, &'static str)], body: &str) -> Result<String, &'static str> {
        let request = headers.iter().fold(TestRequest::post(), |r, header| r.append_header(*header));
        let headers = request.to_http_request().headers().clone();
        structured_from_binary(&headers, body.as_bytes(), &Limits::default())
            .map(|event| String::from_utf8(event).unwrap())
            .map_err(|rejection| rejection.code.name)
    }

    fn attribute(value: &'static str) -> String {
        structured(&[("ce-id", value)], "{}").unwrap()
    }

    #[test]
    fn headers_become_attributes() {
        assert_eq!(attribute("Euro%20%E2%82%AC%20%F0%9F%98%80"), r#"{"id":"Euro € 😀","data":{}}"#);
        assert_eq!(attribute(r#""a \"b\" %41""#), r#"{"id":"a \"b\" A","data":{}}"#);
        assert_eq!(attribute("100%"), r#"{"id":"100%","data":{}}"#);
        assert_eq!(attribute("%2541"), r#"{"id":"%41","data":{}}"#);
        assert_eq!(attribute("%22%00"), "{\"id\":\"\\\"\\u0000\",\"data\":{}}");
        assert_eq!(structured(&[("ce-id", "%FF")], "{}"), Err("invalid_attribute"));
        assert_eq!(structured(&[("ce-data", "x"), ("accept", "y")], ""), Ok("{\"data\":null}".into()));
    }

    #[test]
    fn the_body_cannot_leave_its_place() {
        assert_eq!(structured(&[], r#"{},"id":"x""#), Err("malformed_json"));
        assert_eq!(structured(&[], "{"), Err("malformed_json"));
        assert_eq!(structured(&[], &"[".repeat(100)), Err("too_deep"));
    }
}
