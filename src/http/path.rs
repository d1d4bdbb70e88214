//! Identifiers in paths: each segment is percent-decoded once, `%2F` included.

use actix_web::HttpRequest;

use super::problem::{Problem, code};
use crate::domain::ids::{Name, is_valid_name};

/// The decoded segments of the request's path after `prefix`.
///
/// The router has decoded the path already, which loses the difference between `/` and `%2F`: so it is split again as it
/// was sent.
///
/// # Errors
/// `bad_parameter` for a segment that is no identifier.
pub fn segments<const N: usize>(request: &HttpRequest, prefix: &str) -> Result<[Name; N], Problem> {
    let path = request.uri().path();
    let rest = path.strip_prefix(prefix).unwrap_or(path).trim_start_matches('/');
    let mut parts = rest.split('/');
    let mut names: [Name; N] = std::array::from_fn(|_| Name::default());
    for name in &mut names {
        let part = parts.next().unwrap_or_default();
        let decoded = percent_decode(part).filter(|text| is_valid_name(text));
        *name = decoded
            .map(Name::from)
            .ok_or_else(|| Problem::new(&code::BAD_PARAMETER).detail(format!("`{part}` is no identifier")))?;
    }
    Ok(names)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let hex = tail.get(..2)?;
            let hex = std::str::from_utf8(hex).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_once() {
        assert_eq!(percent_decode("a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(percent_decode("a%252Fb").as_deref(), Some("a%2Fb"));
        assert_eq!(percent_decode("%C3%A4").as_deref(), Some("ä"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }
}
