//! HTTP/1.1 as the load generator speaks it: one request at a time on a connection that stays open, the request's
//! bytes made beforehand, the answer read no further than needed.
//!
//! Not responsible for TLS, redirects, chunked answers or compression: a tower answers none of these unless asked.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request as HandshakeRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::BenchError;

/// How long an answer may take. A tower that is silent for longer ends the run: there is nothing left to measure.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Bytes of an answer's body at most; `/metrics` is the largest that is asked for.
const BODY_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Where the tower is, and what every request says to it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    authority: String,
    key: Option<String>,
}

impl Endpoint {
    /// Takes `http://HOST:PORT`, with an API key if the tower wants one.
    ///
    /// # Errors
    /// [`BenchError::Address`] for anything else, `https` included: the generator does not measure TLS.
    pub fn parse(url: &str, key: Option<String>) -> Result<Endpoint, BenchError> {
        let wrong = || BenchError::Address(url.to_owned());
        let authority = url.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
        let is_plain = |text: &str| !text.is_empty() && !text.contains(['/', '@', '?', ' ']);
        if !is_plain(host) || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        Ok(Endpoint { authority: authority.to_owned(), key })
    }

    /// `HOST:PORT`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The head of a request that sends `body_bytes` bytes of events.
    pub fn post_events_head(&self, content_type: &str, body_bytes: usize) -> String {
        let common = self.common_headers();
        format!(
            "POST /api/v1/events HTTP/1.1\r\n{common}Content-Type: {content_type}\r\n\
             Content-Length: {body_bytes}\r\n\r\n"
        )
    }

    /// A whole request that reads `path_and_query`.
    pub fn get(&self, path_and_query: &str) -> String {
        format!("GET {path_and_query} HTTP/1.1\r\n{}\r\n", self.common_headers())
    }

    /// A whole request that posts nothing to `path`.
    pub fn post(&self, path: &str) -> String {
        format!("POST {path} HTTP/1.1\r\n{}Content-Length: 0\r\n\r\n", self.common_headers())
    }

    /// A whole request that opens a WebSocket. The key is no secret and the answer to it is not checked: it guards
    /// against caches and proxies, of which there are none.
    pub fn upgrade(&self, path: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\n{}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tidewatch.v1\r\n\r\n",
            self.common_headers()
        )
    }

    /// What opens a feed socket, for a client that speaks WebSocket.
    ///
    /// # Errors
    /// [`BenchError::Address`] if the key can't stand in a header.
    pub fn feed_request(&self) -> Result<HandshakeRequest, BenchError> {
        let wrong = || BenchError::Address(self.authority.clone());
        let mut request =
            format!("ws://{}/api/v1/feed", self.authority).into_client_request().map_err(|_| wrong())?;
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("tidewatch.v1"));
        if let Some(key) = &self.key {
            let value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| wrong())?;
            headers.insert("Authorization", value);
        }
        Ok(request)
    }

    /// The first address of the tower.
    ///
    /// # Errors
    /// [`BenchError::Connection`] if its name can't be resolved.
    pub async fn address(&self) -> Result<SocketAddr, BenchError> {
        let mut addresses = lookup_host(&self.authority).await.map_err(BenchError::Connection)?;
        addresses.next().ok_or_else(|| BenchError::Address(self.authority.clone()))
    }

    /// A connection of one's own.
    ///
    /// # Errors
    /// [`BenchError::Connection`] if the tower can't be reached.
    pub async fn connect(&self) -> Result<TcpStream, BenchError> {
        let stream = TcpStream::connect(&self.authority).await.map_err(BenchError::Connection)?;
        // A request is one write; waiting for a fuller packet would be measured as the tower's latency.
        stream.set_nodelay(true).map_err(BenchError::Connection)?;
        Ok(stream)
    }

    fn common_headers(&self) -> String {
        let host = &self.authority;
        match &self.key {
            Some(key) => format!("Host: {host}\r\nAuthorization: Bearer {key}\r\n"),
            None => format!("Host: {host}\r\n"),
        }
    }
}

/// One connection that stays open.
pub struct Connection {
    stream: TcpStream,
    reader: AnswerReader,
}

impl Connection {
    /// # Errors
    /// [`BenchError::Connection`] if the tower can't be reached.
    pub async fn open(endpoint: &Endpoint) -> Result<Connection, BenchError> {
        Ok(Connection { stream: endpoint.connect().await?, reader: AnswerReader::default() })
    }

    /// Sends a whole request and reads its answer.
    ///
    /// # Errors
    /// If the connection breaks, nothing comes for [`ANSWER_TIMEOUT`], or what comes is no HTTP answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, BenchError> {
        self.exchange_within(request, ANSWER_TIMEOUT).await
    }

    /// The same with an answer that may take longer.
    ///
    /// # Errors
    /// As for [`Connection::exchange`].
    pub async fn exchange_within(
        &mut self,
        request: &[u8],
        limit: Duration,
    ) -> Result<Answer<'_>, BenchError> {
        self.reader.begin();
        let exchange = async {
            self.stream.write_all(request).await.map_err(BenchError::Connection)?;
            while !self.reader.is_complete()? {
                let received = self.stream.read_buf(&mut self.reader.bytes).await;
                if received.map_err(BenchError::Connection)? == 0 {
                    return Err(BenchError::Answer(
                        "the connection was closed before the answer's end".into(),
                    ));
                }
            }
            Ok(())
        };
        timeout(limit, exchange).await.map_err(|_| BenchError::Silent { seconds: limit.as_secs() })??;
        self.reader.answer()
    }
}

/// A complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    pub status: u16,
    /// Seconds after which a refused request may come again, if the tower says so.
    pub retry_after_s: Option<u64>,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The integer that follows `"NAME":` where it stands first. The answers to events hold their counts before any
    /// text that a client chose.
    pub fn integer(&self, name: &str) -> Option<u64> {
        let quoted = [b"\"", name.as_bytes(), b"\":"].concat();
        let at = self.body.windows(quoted.len()).position(|window| window == quoted)?;
        let mut rest = self.body[at + quoted.len()..].iter().skip_while(|byte| **byte == b' ').peekable();
        rest.peek().filter(|byte| byte.is_ascii_digit())?;
        rest.take_while(|byte| byte.is_ascii_digit())
            .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
    }

    /// The beginning of the body, for an error message.
    pub fn excerpt(&self) -> String {
        const SHOWN_BYTES_MAX: usize = 400;
        String::from_utf8_lossy(&self.body[..self.body.len().min(SHOWN_BYTES_MAX)]).into_owned()
    }
}

/// Puts an answer together from whatever pieces the network delivers.
#[derive(Default)]
struct AnswerReader {
    bytes: Vec<u8>,
    head: Option<Head>,
}

#[derive(Clone, Copy)]
struct Head {
    status: u16,
    retry_after_s: Option<u64>,
    /// Bytes of the status line and headers, the empty line included.
    head_bytes: usize,
    body_bytes: usize,
}

impl AnswerReader {
    fn begin(&mut self) {
        self.bytes.clear();
        self.head = None;
    }

    fn is_complete(&mut self) -> Result<bool, BenchError> {
        if self.head.is_none() {
            self.head = parse_head(&self.bytes)?;
        }
        match self.head {
            None if self.bytes.len() > HEAD_BYTES_MAX => {
                Err(BenchError::Answer("its head does not end".into()))
            }
            None => Ok(false),
            Some(head) => Ok(self.bytes.len() >= head.head_bytes + head.body_bytes),
        }
    }

    fn answer(&self) -> Result<Answer<'_>, BenchError> {
        let complete = self.head.and_then(|head| {
            let body = self.bytes.get(head.head_bytes..head.head_bytes + head.body_bytes)?;
            Some(Answer { status: head.status, retry_after_s: head.retry_after_s, body })
        });
        complete.ok_or_else(|| BenchError::Answer("it is not complete".into()))
    }
}

/// The head, once all of it is there.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, BenchError> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let wrong =
        |what: &str| BenchError::Answer(format!("{what}: {}", String::from_utf8_lossy(&bytes[..end])));
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong("its head is not text"))?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|line| line.get(..3)?.parse().ok())
        .ok_or_else(|| wrong("it has no status"))?;
    let number = |wanted: &str| {
        let mut fields = lines.clone().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        value.trim().parse::<u64>().ok()
    };
    let body_bytes = number("content-length")
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| wrong("it has no content-length"))?;
    if body_bytes > BODY_BYTES_MAX {
        return Err(wrong("its body is too long"));
    }
    let retry_after_s = number("retry-after");
    Ok(Some(Head { status, retry_after_s, head_bytes: end + END.len(), body_bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "{\"accepted\":98,\"duplicates\": 1,\"rejected\":1,\"lsn\":4711,\"position\":null}";

    fn taken() -> String {
        let head = "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nContent-Length: ";
        format!("{head}{}\r\n\r\n{BODY}", BODY.len())
    }

    fn read_in_pieces(answer: &[u8], piece_bytes: usize) -> (u16, Vec<u8>) {
        let mut reader = AnswerReader::default();
        reader.begin();
        for (number, piece) in answer.chunks(piece_bytes).enumerate() {
            assert!(!reader.is_complete().expect("an answer"), "complete before piece {number}");
            reader.bytes.extend_from_slice(piece);
        }
        assert!(reader.is_complete().expect("an answer"));
        let answer = reader.answer().expect("an answer");
        (answer.status, answer.body.to_vec())
    }

    #[test]
    fn an_answer_is_the_same_however_it_is_cut() {
        let answer = taken();
        for piece_bytes in 1..=answer.len() {
            assert_eq!(read_in_pieces(answer.as_bytes(), piece_bytes), (202, BODY.as_bytes().to_vec()));
        }
    }

    #[test]
    fn counts_are_read_from_the_body() {
        let answer = Answer { status: 202, retry_after_s: None, body: BODY.as_bytes() };
        assert_eq!(answer.integer("accepted"), Some(98));
        assert_eq!(answer.integer("duplicates"), Some(1));
        assert_eq!(answer.integer("lsn"), Some(4711));
        assert_eq!(answer.integer("position"), None, "null is no integer");
        assert_eq!(answer.integer("processed"), None);
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let mut reader = AnswerReader::default();
        reader.bytes.extend_from_slice(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\ncontent-length: 0\r\n\r\n",
        );
        assert!(reader.is_complete().expect("an answer"));
        assert_eq!(reader.answer().expect("an answer").retry_after_s, Some(2));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let check = |bytes: &[u8]| {
            let mut reader = AnswerReader::default();
            reader.bytes.extend_from_slice(bytes);
            reader.is_complete()
        };
        assert!(check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(check(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(check(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert!(check(&[b'x'; HEAD_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn an_endpoint_is_host_and_port() {
        assert!(Endpoint::parse("http://127.0.0.1:8080", None).is_ok());
        assert!(Endpoint::parse("http://[::1]:8080/", None).is_ok());
        for wrong in ["https://a:1", "http://a", "a:1", "http://a:x", "http://a/b:1", "http://:1", ""] {
            assert!(Endpoint::parse(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_goes_with_every_request() {
        let endpoint = Endpoint::parse("http://h:1", Some("k".into())).expect("an endpoint");
        assert_eq!(endpoint.get("/x"), "GET /x HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer k\r\n\r\n");
        assert!(
            endpoint
                .post_events_head("t", 3)
                .ends_with("Bearer k\r\nContent-Type: t\r\nContent-Length: 3\r\n\r\n")
        );
    }
}
