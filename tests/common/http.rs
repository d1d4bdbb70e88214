//! A plain HTTP/1.1 client: one connection a request, bytes as given. It neither normalises a path nor hides a
//! half-sent body, which a comfortable client would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} with a body that is no JSON ({error}): {}", self.status, self.text()),
        }
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "body: {}", self.text());
        self.json()
    }

    /// A problem document with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect_any_problem(status);
        assert_eq!(problem["code"], code, "problem: {problem}");
        problem
    }

    /// A problem document with this status and any stable code.
    #[track_caller]
    pub fn expect_any_problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "body: {}", self.text());
        let kind = self.header("content-type").unwrap_or("");
        assert!(kind.starts_with("application/problem+json"), "{status} came as {kind:?}: {}", self.text());
        let problem = self.json();
        let code = problem["code"].as_str().unwrap_or_default();
        assert!(
            !code.is_empty()
                && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "no stable code: {problem}"
        );
        problem
    }
}

#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    headers: Vec<(String, String)>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client { address, headers: Vec::new() }
    }

    pub fn with_key(mut self, key: &str) -> Client {
        self.headers.push(("Authorization".into(), format!("Bearer {key}")));
        self
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Client {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(10))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn head(&self, method: &str, path: &str, extra: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in extra {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    /// Sends a request with a body of known length.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Response> {
        let mut head = self.head(method, path, headers);
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let stream = self.connect()?;
        exchange(stream, head.as_bytes(), body)
    }

    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        match self.try_send(method, path, headers, body) {
            Ok(response) => response,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], b"")
    }

    /// Posts bytes to the events route.
    #[track_caller]
    pub fn post(&self, content_type: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("POST", "/api/v1/events", &[("Content-Type", content_type)], body.as_ref())
    }

    #[track_caller]
    pub fn post_event(&self, event: &Value) -> Response {
        self.post("application/cloudevents+json", event.to_string())
    }

    #[track_caller]
    pub fn post_batch(&self, events: &[Value]) -> Response {
        self.post("application/cloudevents-batch+json", Value::Array(events.to_vec()).to_string())
    }

    /// Takes a batch that must be accepted whole; answers with the receipt. Waits where told to (`429`).
    #[track_caller]
    pub fn accept(&self, events: &[Value]) -> Value {
        for _ in 0..60 {
            let response = self.post_batch(events);
            if response.status == 429 {
                std::thread::sleep(Duration::from_millis(500));
                continue;
            }
            let receipt = response.expect(202);
            assert_eq!(receipt["accepted"], events.len(), "receipt: {receipt}");
            return receipt;
        }
        panic!("429 for half a minute")
    }

    /// Reads a path once all up to `lsn`, and its consequences, show in it.
    #[track_caller]
    pub fn settled(&self, path: &str, lsn: u64) -> Response {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}at_least={lsn}&settled=true");
        let deadline = Instant::now() + Duration::from_secs(40);
        loop {
            let response = self.get(&path);
            if response.status != 504 || Instant::now() > deadline {
                return response;
            }
        }
    }

    /// All items of a list, page by page.
    #[track_caller]
    pub fn list(&self, path: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..10_000 {
            let page = match &cursor {
                None => self.get(&format!("{path}{separator}limit=1000")),
                Some(cursor) => self.get(&format!("{path}{separator}limit=1000&cursor={}", encode(cursor))),
            };
            let page = page.expect(200);
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
        }
        panic!("{path} never ends")
    }
}

/// Writes head and body while the answer may already come: a refused body need not be read by the server.
pub fn exchange(mut stream: TcpStream, head: &[u8], body: &[u8]) -> std::io::Result<Response> {
    if body.len() < 64 * 1024 {
        let mut request = head.to_vec();
        request.extend_from_slice(body);
        // A server may answer and close early; what it said still counts.
        let _ = stream.write_all(&request);
        return read_response(&mut stream);
    }
    let mut writing = stream.try_clone()?;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = writing.write_all(head).and_then(|()| writing.write_all(body));
        });
        let response = read_response(&mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        response
    })
}

/// Reads one response to its end: by length, by chunks or by the end of the connection.
pub fn read_response(stream: &mut TcpStream) -> std::io::Result<Response> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 64 * 1024];
    let invalid = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    loop {
        let ended = match stream.read(&mut buffer) {
            Ok(0) => true,
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                false
            }
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => true,
        };
        if let Some(response) = parse_response(&bytes, ended) {
            if response.status == 100 {
                let end = find(&bytes, b"\r\n\r\n").unwrap() + 4;
                bytes.drain(..end);
                continue;
            }
            return Ok(response);
        }
        if ended {
            return Err(invalid(&format!(
                "connection ended within a response after {} bytes: {}",
                bytes.len(),
                String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
            )));
        }
    }
}

fn parse_response(bytes: &[u8], ended: bool) -> Option<Response> {
    let end = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let rest = &bytes[end + 4..];
    if response.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        response.body = unchunk(rest)?;
    } else if let Some(length) = response.header("content-length") {
        let length: usize = length.parse().ok()?;
        response.body = rest.get(..length)?.to_vec();
    } else if ended || status < 200 || status == 204 || status == 304 {
        response.body = rest.to_vec();
    } else {
        return None;
    }
    Some(response)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = find(rest, b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let chunk = rest.get(line + 2..line + 2 + size)?;
        body.extend_from_slice(chunk);
        if size == 0 {
            return Some(body);
        }
        rest = rest.get(line + 4 + size..)?;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Percent-encodes everything but unreserved characters: one path segment or parameter value.
pub fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
