//! The HTTP client that the commands share: sends events so that none counts twice and none is forgotten.
//!
//! An answer that never came is not an answer: the same lines are sent again, and because an event is named by its
//! source and id, what was taken the first time comes back as a duplicate. Hence for every batch that returns,
//! `accepted + duplicates + rejected` is the number of lines in it.
//!
//! Not responsible for making ids, for reading files, or for how the counts are shown.

use std::sync::Once;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a tower holds a `clock.advanced` until the consequences of what came before have settled.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// Longest time that a `Retry-After` is obeyed for; a server that asks for more is asked again.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);
const WAIT_MIN: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a server may say 429 or 503 without taking a single event before the client gives up.
const BUSY_MAX: Duration = Duration::from_secs(120);

/// Attempts to hear that all consequences are settled; each waits up to five seconds at the server.
const SETTLE_ATTEMPTS_MAX: u32 = 24;

/// How long the client keeps trying a server that it cannot reach.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in a row that may fail before the server counts as unreachable.
    pub attempts_max: u32,
    /// The wait after the first failure; it doubles up to five seconds.
    pub first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts_max: 8, first_wait: Duration::from_millis(100) }
    }
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{0}` is not an http:// or https:// address")]
    Address(String),
    #[error("the HTTP client could not be set up: {0}")]
    Setup(#[source] reqwest::Error),
    #[error("{base} cannot be reached ({attempts} attempts): {cause}")]
    Unreachable { base: Url, attempts: u32, cause: String },
    #[error("the server stays busy ({status} {code}) for more than {limit_s} s", limit_s = BUSY_MAX.as_secs())]
    Busy { status: StatusCode, code: String },
    #[error("the server refuses: {status} {code} {detail}")]
    Refused { status: StatusCode, code: String, detail: String },
    #[error("the server's answer cannot be understood: {0}")]
    Answer(String),
}

/// Whole NDJSON lines, one event each and none of them blank; every line ends with a line feed.
#[derive(Debug, Clone, Default)]
pub struct EventLines {
    text: Bytes,
    count: usize,
}

impl EventLines {
    /// Takes text whose lines all end with a line feed.
    pub fn new(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        let count = text.iter().filter(|byte| **byte == b'\n').count();
        Self { text, count }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[cfg(test)]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The lines before line `index` and those from it on.
    fn split_at(&self, index: usize) -> (Self, Self) {
        let index = index.min(self.count);
        let line_ends = self.text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let at = match index.checked_sub(1) {
            None => 0,
            Some(last) => line_ends.map(|(at, _)| at + 1).nth(last).unwrap_or(self.text.len()),
        };
        let before = Self { text: self.text.slice(..at), count: index };
        let after = Self { text: self.text.slice(at..), count: self.count - index };
        (before, after)
    }
}

/// One event that the server did not take.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Rejection {
    /// Zero-based position in what was sent.
    pub index: u64,
    pub code: String,
    pub detail: String,
}

/// What became of the events sent so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    /// Highest log sequence number that an answer named.
    pub lsn: Option<u64>,
    pub errors: Vec<Rejection>,
}

impl Tally {
    /// Events that have an answer.
    pub fn answered(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected
    }

    /// Adds the counts of an answer about the `taken` events that follow those answered so far.
    fn add(&mut self, answer: Counts, taken: usize) -> Result<(), ClientError> {
        let counted = answer.accepted + answer.duplicates + answer.rejected;
        if counted != taken as u64 {
            return Err(ClientError::Answer(format!(
                "{} accepted + {} duplicates + {} rejected are not the {taken} events sent",
                answer.accepted, answer.duplicates, answer.rejected
            )));
        }
        let offset = self.answered();
        self.errors.extend(answer.errors.into_iter().map(|error| Rejection {
            index: offset + error.index,
            code: error.problem.code.unwrap_or_default(),
            detail: error.problem.detail.unwrap_or_default(),
        }));
        self.accepted += answer.accepted;
        self.duplicates += answer.duplicates;
        self.rejected += answer.rejected;
        self.lsn = self.lsn.max(answer.lsn);
        Ok(())
    }
}

/// A connection to one tower: its address and the key that every request carries.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
    patience: Patience,
}

impl Client {
    /// # Errors
    /// `Address` if `base` is no http or https URL, `Setup` if TLS has no root certificates to work with.
    pub fn new(base: &str, key: Option<String>, patience: Patience) -> Result<Self, ClientError> {
        let address = || ClientError::Address(base.to_owned());
        let url = Url::parse(base.trim_end_matches('/')).map_err(|_| address())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(address());
        }
        install_tls_provider();
        let mut builder =
            reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT);
        if url.scheme() == "http" {
            // Without TLS the system's root certificates do not matter, and a slim container has none.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { http, base: url, key, patience })
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    fn unreachable(&self, attempts: u32, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable { base: self.base.clone(), attempts, cause: chain(error) }
    }

    /// `GET path` (with its query), the answer read as JSON. Tried once.
    ///
    /// # Errors
    /// When the server can't be reached, refuses, or answers something else.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.get_json_with(path, &[]).await
    }

    /// `GET path` with these parameters, the answer read as JSON. Tried once.
    ///
    /// # Errors
    /// When the server can't be reached, refuses, or answers something else.
    pub async fn get_json_with<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(String, String)],
    ) -> Result<T, ClientError> {
        let unreachable = |error| self.unreachable(1, &error);
        let request = self.request(reqwest::Method::GET, path).query(parameters);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// Waits until the server has applied everything up to `lsn` and drawn all conclusions from it.
    ///
    /// # Errors
    /// When the server can't be reached or refuses, or takes longer than two minutes.
    pub async fn settle(&self, lsn: u64) -> Result<(), ClientError> {
        let path = format!("/api/v1/stats?at_least={lsn}&settled=true");
        let mut attempts = 1;
        loop {
            match self.get_json::<serde::de::IgnoredAny>(&path).await {
                Err(ClientError::Refused { status, .. })
                    if status == StatusCode::GATEWAY_TIMEOUT && attempts < SETTLE_ATTEMPTS_MAX =>
                {
                    attempts += 1;
                }
                answer => return answer.map(|_| ()),
            }
        }
    }

    /// `POST path` with a JSON body, on a `--dev` tower in the name of `act_as`. The answer's status and JSON, whatever
    /// they are; `null` for an answer that is no JSON. Tried once.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn post_json(
        &self,
        path: &str,
        act_as: Option<&str>,
        body: &serde_json::Value,
    ) -> Result<(StatusCode, serde_json::Value), ClientError> {
        let unreachable = |error| self.unreachable(1, &error);
        let mut request = self.request(reqwest::Method::POST, path).json(body);
        if let Some(act_as) = act_as {
            request = request.header("X-Tidewatch-Act-As", act_as);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// `Ok` when `/readyz` says yes; else what it says of how far the server is. One that can't be reached says nothing.
    pub async fn readiness(&self) -> Result<(), String> {
        #[derive(Default, Deserialize)]
        struct NotYet {
            #[serde(default)]
            detail: String,
        }
        match self.request(reqwest::Method::GET, "/readyz").send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(response.json::<NotYet>().await.unwrap_or_default().detail),
            Err(_) => Err(String::new()),
        }
    }

    /// Sends the lines in order, until each has its answer; adds what became of them to `tally`.
    ///
    /// Waits out 429 and 503, repeats what got no answer, and cuts a batch that is too large.
    ///
    /// # Errors
    /// When the server stays unreachable or busy, or refuses the request as such. `tally` then tells what was taken
    /// before.
    pub async fn send_events(&self, lines: EventLines, tally: &mut Tally) -> Result<(), ClientError> {
        let mut waiting = vec![lines];
        let mut failures = 0;
        let mut last_taken = Instant::now();
        while let Some(lines) = waiting.pop() {
            if lines.is_empty() {
                continue;
            }
            let reply = match self.post_events(&lines).await {
                Ok(reply) => reply,
                Err(error) => {
                    failures += 1;
                    if failures >= self.patience.attempts_max {
                        return Err(self.unreachable(failures, &error));
                    }
                    tokio::time::sleep(self.wait_after(failures)).await;
                    waiting.push(lines);
                    continue;
                }
            };
            match reply {
                Reply::All(counts) => {
                    tally.add(counts, lines.len())?;
                    (failures, last_taken) = (0, Instant::now());
                }
                Reply::Part { counts, status, code, retry_after } => {
                    let processed = counts.processed.min(lines.len());
                    tally.add(counts, processed)?;
                    let rest = lines.split_at(processed).1;
                    if status == StatusCode::PAYLOAD_TOO_LARGE {
                        self.cut(rest, code, tally, &mut waiting);
                        continue;
                    }
                    failures = 0;
                    if processed > 0 {
                        last_taken = Instant::now();
                    } else if last_taken.elapsed() > BUSY_MAX {
                        return Err(ClientError::Busy { status, code });
                    }
                    waiting.push(rest);
                    tokio::time::sleep(retry_after).await;
                }
                Reply::Broken { status, body } => {
                    failures += 1;
                    if failures >= self.patience.attempts_max {
                        return Err(refused(status, &body));
                    }
                    tokio::time::sleep(self.wait_after(failures)).await;
                    waiting.push(lines);
                }
                Reply::Refused(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// After 413: halves the lines, so that in the end the one that is too large stands alone and is counted out.
    fn cut(&self, rest: EventLines, code: String, tally: &mut Tally, waiting: &mut Vec<EventLines>) {
        if rest.len() > 1 {
            let (first, second) = rest.split_at(rest.len() / 2);
            waiting.push(second);
            waiting.push(first);
        } else if rest.len() == 1 {
            let detail = "the server takes no event of this size".to_owned();
            tally.errors.push(Rejection { index: tally.answered(), code, detail });
            tally.rejected += 1;
        }
    }

    fn wait_after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        (self.patience.first_wait * 2_u32.pow(doublings)).min(WAIT_MAX)
    }

    async fn post_events(&self, lines: &EventLines) -> Result<Reply, reqwest::Error> {
        let request = self
            .request(reqwest::Method::POST, "/api/v1/events")
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(lines.text.clone());
        let response = request.send().await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = response.bytes().await?;
        Ok(Reply::read(status, retry_after, body))
    }
}

/// What one `POST` of events came to.
enum Reply {
    /// Every line has its answer.
    All(Counts),
    /// Too busy (429, 503) or too large (413), after some of the lines perhaps.
    Part {
        counts: Counts,
        status: StatusCode,
        code: String,
        retry_after: Duration,
    },
    /// The server or something between failed; nobody knows what was taken.
    Broken {
        status: StatusCode,
        body: Bytes,
    },
    Refused(ClientError),
}

impl Reply {
    fn read(status: StatusCode, retry_after: Duration, body: Bytes) -> Self {
        match status {
            StatusCode::ACCEPTED | StatusCode::UNPROCESSABLE_ENTITY => match serde_json::from_slice(&body) {
                Ok(counts) => Self::All(counts),
                Err(error) => Self::Refused(ClientError::Answer(error.to_string())),
            },
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::PAYLOAD_TOO_LARGE => {
                // A proxy's 503 has no counts: then nothing of this batch is known to be taken.
                let counts = serde_json::from_slice(&body).unwrap_or_default();
                let code = problem(&body).code.unwrap_or_default();
                Self::Part { counts, status, code, retry_after }
            }
            _ if status.is_server_error() => Self::Broken { status, body },
            _ => Self::Refused(refused(status, &body)),
        }
    }
}

/// The counts in an answer to `POST /api/v1/events`, or in a problem that says how far it came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    processed: usize,
    lsn: Option<u64>,
    errors: Vec<IndexedProblem>,
}

#[derive(Debug, Deserialize)]
struct IndexedProblem {
    index: u64,
    problem: Problem,
}

/// The members of an RFC 9457 problem that people read.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    code: Option<String>,
    detail: Option<String>,
}

fn problem(body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_default()
}

fn refused(status: StatusCode, body: &[u8]) -> ClientError {
    let Problem { code, detail } = problem(body);
    ClientError::Refused { status, code: code.unwrap_or_default(), detail: detail.unwrap_or_default() }
}

/// The wait that `Retry-After` asks for, in whole seconds; a date or none at all is one second.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(RETRY_AFTER_DEFAULT, Duration::from_secs).clamp(WAIT_MIN, RETRY_AFTER_MAX)
}

/// An error with its causes: reqwest's own message does not say "connection refused".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.last().unwrap_or(error).to_string()
}

/// Makes aws-lc-rs the process's TLS implementation; any number of calls, the first one counts.
pub fn install_tls_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error only says that somebody has installed one already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_split_where_the_server_stopped() {
        let lines = EventLines::new("a\nbb\nccc\n");
        for (at, before, after) in [(0, "", "a\nbb\nccc\n"), (1, "a\n", "bb\nccc\n"), (3, "a\nbb\nccc\n", "")]
        {
            let (first, second) = lines.split_at(at);
            assert_eq!((&first.text[..], first.len()), (before.as_bytes(), at));
            assert_eq!((&second.text[..], second.len()), (after.as_bytes(), 3 - at));
        }
    }

    #[test]
    fn counts_that_do_not_cover_the_lines_sent_are_an_error() {
        let mut tally = Tally::default();
        let counts = Counts { accepted: 2, rejected: 1, ..Counts::default() };
        assert!(matches!(tally.add(counts, 4), Err(ClientError::Answer(_))));
    }

    #[test]
    fn an_address_needs_a_scheme_and_a_host() {
        for bad in ["", "localhost:8080", "ftp://host", "http://", "/api"] {
            let client = Client::new(bad, None, Patience::default());
            assert!(matches!(client, Err(ClientError::Address(_))), "{bad}");
        }
        assert!(Client::new("http://127.0.0.1:8080/", None, Patience::default()).is_ok());
    }

    #[test]
    fn retry_after_is_seconds_within_bounds() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("7"), Duration::from_secs(7));
        assert_eq!(wait("0"), WAIT_MIN);
        assert_eq!(wait("86400"), RETRY_AFTER_MAX);
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), RETRY_AFTER_DEFAULT);
        assert_eq!(retry_after(&HeaderMap::new()), RETRY_AFTER_DEFAULT);
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let client = Client::new("http://localhost", None, Patience::default()).unwrap();
        let waits: Vec<_> = [1, 2, 3, 30].map(|failures| client.wait_after(failures).as_millis()).into();
        assert_eq!(waits, [100, 200, 400, 5000]);
    }
}
