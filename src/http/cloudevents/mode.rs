//! How a request carries its events.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One structured event.
    Structured,
    /// An array of structured events.
    Batch,
    /// One structured event a line.
    NdJson,
    /// The attributes are in `ce-*` headers; the body is `data`.
    Binary,
    /// One structured event or an array of them: [`starts_array`] tells.
    Json,
}

/// The mode that the headers say; `None` is `415`. Letter case and parameters such as `charset` don't count.
pub fn content_mode(headers: &HeaderMap) -> Option<Mode> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    if is("application/cloudevents+json") {
        Some(Mode::Structured)
    } else if is("application/cloudevents-batch+json") {
        Some(Mode::Batch)
    } else if is("application/x-ndjson") {
        Some(Mode::NdJson)
    } else if headers.keys().any(|name| name.as_str().starts_with("ce-")) {
        Some(Mode::Binary)
    } else if is("application/json") {
        Some(Mode::Json)
    } else {
        None
    }
}

/// Whether the first character that is no white space opens an array.
pub fn starts_array(body: &[u8]) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn mode(headers: &[(&'static str, &'static str)]) -> Option<Mode> {
        let request = headers.iter().fold(TestRequest::post(), |r, header| r.insert_header(*header));
        content_mode(request.to_http_request().headers())
    }

    #[test]
    fn the_headers_say_the_mode() {
        let json = ("content-type", "application/json; charset=utf-8");
        let binary = ("ce-specversion", "1.0");
        for (headers, expected) in [
            (&[("content-type", "Application/CloudEvents+JSON;charset=UTF-8")][..], Some(Mode::Structured)),
            (&[("content-type", "application/cloudevents+json"), binary], Some(Mode::Structured)),
            (&[("content-type", "application/cloudevents-batch+json ; x=y")], Some(Mode::Batch)),
            (&[("content-type", "application/x-ndjson")], Some(Mode::NdJson)),
            (&[json], Some(Mode::Json)),
            (&[json, binary], Some(Mode::Binary)),
            (&[("content-type", "text/plain"), ("Ce-Id", "1")], Some(Mode::Binary)),
            (&[binary], Some(Mode::Binary)),
            (&[("content-type", "text/plain")], None),
            (&[("content-type", "application/jsonx")], None),
            (&[("content-type", "")], None),
            (&[], None),
        ] {
            assert_eq!(mode(headers), expected, "{headers:?}");
        }
        assert!(starts_array(b" \r\n\t[{}]"));
        assert!(!starts_array(b"{\"a\":[]}"));
        assert!(!starts_array(b""));
    }
}
