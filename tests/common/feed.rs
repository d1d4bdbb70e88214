//! A client of the feed that reads frame by frame, each wait bounded.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::http::Client;

pub struct Feed {
    socket: WebSocket<TcpStream>,
    waiting: VecDeque<Value>,
    pub sub_protocol: Option<String>,
    /// Why the socket ended, once it has: code and reason of the close frame.
    pub closed: Option<(u16, String)>,
}

impl Feed {
    /// Opens the feed with the client's credentials; `Err` is the status of a refused upgrade.
    pub fn open(client: &Client) -> Result<Feed, u16> {
        Feed::open_at(client, "/api/v1/feed")
    }

    pub fn open_at(client: &Client, path: &str) -> Result<Feed, u16> {
        let mut request = format!("ws://{}{path}", client.address).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("tidewatch.v1"));
        for (name, value) in client.headers() {
            request
                .headers_mut()
                .insert(HeaderName::try_from(name.as_str()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let stream = client.connect().unwrap();
        match tungstenite::client::client(request, stream) {
            Ok((socket, response)) => {
                let sub_protocol = response
                    .headers()
                    .get("Sec-WebSocket-Protocol")
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned);
                Ok(Feed { socket, waiting: VecDeque::new(), sub_protocol, closed: None })
            }
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("the upgrade failed: {error}"),
        }
    }

    /// Opens the feed and takes its hello.
    #[track_caller]
    pub fn hello(client: &Client) -> (Feed, Value) {
        let mut feed = Feed::open(client).unwrap_or_else(|status| panic!("upgrade refused: {status}"));
        let hello = feed.next(Duration::from_secs(10)).expect("a hello");
        assert_eq!(hello["type"], "hello", "the first frame: {hello}");
        (feed, hello)
    }

    pub fn say(&mut self, frame: &Value) {
        self.say_text(&frame.to_string());
    }

    pub fn say_text(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text));
    }

    pub fn say_bytes(&mut self, bytes: &[u8]) {
        let _ = self.socket.send(Message::binary(bytes.to_vec()));
    }

    /// Says goodbye, as a client that has seen enough.
    pub fn say_goodbye(&mut self) {
        self.socket.close(None).unwrap();
    }

    /// Takes what comes until the tower ends the connection, which it must do in that time; answers with the code of its
    /// close frame.
    #[track_caller]
    pub fn end_of_connection(&mut self, within: Duration) -> Option<u16> {
        let deadline = Instant::now() + within;
        let mut code = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the connection is still there after {within:?}; close code {code:?}");
            self.socket.get_ref().set_read_timeout(Some(left)).unwrap();
            match self.socket.read() {
                Ok(Message::Close(frame)) => code = frame.map(|frame| u16::from(frame.code)),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return code,
            }
        }
    }

    /// Subscribes and takes frames up to `subscribed`; answers with it.
    #[track_caller]
    pub fn subscribe(&mut self, id: &str, topics: &[&str], since: Option<&str>, snapshot: bool) -> Value {
        let mut frame = json!({"type": "subscribe", "id": id, "topics": topics, "snapshot": snapshot});
        if let Some(since) = since {
            frame["since"] = json!(since);
        }
        self.say(&frame);
        self.until("subscribed", |frame| {
            assert_ne!(frame["type"], "error", "subscribing: {frame}");
            frame["type"] == "subscribed" && frame["id"] == id
        })
    }

    /// The next frame, or `None` when none comes in time or the socket has ended (then `closed` says why).
    pub fn next(&mut self, within: Duration) -> Option<Value> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Some(frame);
            }
            if self.closed.is_some() {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.get_ref().set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
            match self.socket.read() {
                Ok(Message::Text(text)) => match serde_json::from_str::<Value>(&text) {
                    Ok(Value::Array(frames)) => self.waiting.extend(frames),
                    Ok(frame) => self.waiting.push_back(frame),
                    Err(error) => panic!("a frame that is no JSON ({error}): {text}"),
                },
                Ok(Message::Close(frame)) => {
                    let frame = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                    self.closed = Some(frame.unwrap_or((1005, String::new())));
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => self.closed = Some((1006, String::new())),
            }
        }
    }

    /// Takes frames until one is the one meant, for at most 20 seconds.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut meant: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Some(frame) = self.next(deadline.saturating_duration_since(Instant::now())) {
            if meant(&frame) {
                return frame;
            }
        }
        panic!("waited for {what} in vain; closed: {:?}", self.closed)
    }

    /// Takes the pages of a topic's snapshot after `subscribed`.
    #[track_caller]
    pub fn snapshot(&mut self, id: &str, topic: &str) -> Vec<Value> {
        let mut items = Vec::new();
        self.until("the last page of the snapshot", |frame| {
            if frame["type"] != "snapshot" || frame["id"] != id || frame["topic"] != topic {
                return false;
            }
            assert!(frame["position"].is_string(), "a page without position: {frame}");
            items.extend(frame["items"].as_array().expect("items").iter().cloned());
            frame["last"] == true
        });
        items
    }
}
