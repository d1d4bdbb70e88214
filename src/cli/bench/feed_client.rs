//! A client of the feed that follows exceptions, notes how far it is, and can come back.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::BenchError;
use super::wire::Endpoint;

/// What begins every event frame, and stands nowhere else: inside a text its quotes would be escaped.
const EVENT_FRAME: &[u8] = b"{\"type\":\"event\"";
/// How long the tower may take to answer a handshake or a subscription.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What a client asks for when it connects.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Subscriptions to exceptions; each brings every event once.
    pub subscriptions: usize,
    pub filter: Option<String>,
    pub since: Option<String>,
    /// Bytes that the kernel takes in for a client that does not read; its own choice by default.
    pub receive_buffer: Option<u32>,
}

/// One socket.
pub struct FeedClient {
    socket: WebSocketStream<Paced>,
    /// Whether all subscriptions continued where they were to.
    pub recovered: bool,
    pub tally: Tally,
}

/// What a client has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: u64,
    /// Of all events: a missing or a repeated one shows even where the other makes up for it in number.
    pub lsn_sum: u64,
    /// Where to come back to.
    pub position: Option<String>,
}

/// What came over a socket.
#[derive(Debug)]
pub enum Heard {
    Text(Vec<u8>),
    Closed { code: Option<u16>, reason: String },
}

impl FeedClient {
    /// Connects, subscribes, and waits until the tower has said so for each subscription.
    ///
    /// # Errors
    /// If the tower refuses either, or does not answer.
    pub async fn open(endpoint: &Endpoint, wish: &Wish) -> Result<FeedClient, BenchError> {
        let silent = |_| BenchError::Silent { seconds: ANSWER_TIMEOUT.as_secs() };
        timeout(ANSWER_TIMEOUT, FeedClient::open_in_time(endpoint, wish)).await.map_err(silent)?
    }

    async fn open_in_time(endpoint: &Endpoint, wish: &Wish) -> Result<FeedClient, BenchError> {
        let refused = |error| BenchError::Answer(format!("no feed: {error}"));
        let stream = connect(endpoint.address().await?, wish.receive_buffer).await;
        let stream = Paced {
            stream: stream.map_err(BenchError::Connection)?,
            bytes_per_s: None,
            next_read: Box::pin(sleep_until(Instant::now())),
        };
        let (socket, _) = client_async(endpoint.feed_request()?, stream).await.map_err(refused)?;
        let mut client = FeedClient { socket, recovered: true, tally: Tally::default() };
        client.tally.position.clone_from(&wish.since);
        for number in 0..wish.subscriptions {
            let mut frame = serde_json::json!({
                "type": "subscribe", "id": format!("q{number}"), "topics": ["exceptions"],
            });
            if let Some(filter) = &wish.filter {
                frame["where"] = filter.as_str().into();
            }
            if let Some(since) = &wish.since {
                frame["since"] = since.as_str().into();
            }
            client.say(frame.to_string()).await?;
            client.subscribed().await?;
        }
        Ok(client)
    }

    /// Waits for the answer to a subscription; events of others may come before it.
    async fn subscribed(&mut self) -> Result<(), BenchError> {
        loop {
            match self.next().await {
                Heard::Closed { code, reason } => {
                    return Err(BenchError::Answer(format!("a feed socket was closed: {code:?} {reason}")));
                }
                Heard::Text(text) => {
                    let has = |needle: &str| memmem::find(&text, needle.as_bytes());
                    if has("\"type\":\"error\"").is_some() {
                        return Err(BenchError::Answer(String::from_utf8_lossy(&text).into_owned()));
                    }
                    if has("\"type\":\"subscribed\"").is_some() {
                        self.recovered &= has("\"recovered\":true").is_some();
                        // Where a client begins that has got nothing yet.
                        if self.tally.position.is_none() {
                            self.tally.position = text_after(&text, b"\"position\":\"").map(str::to_owned);
                        }
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next message, counted.
    pub async fn next(&mut self) -> Heard {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let text = text.as_bytes();
                    self.tally.count(text);
                    // A sign of life; one that can't be sent shows as a closed socket soon enough.
                    if memmem::find(text, b"\"type\":\"ping\"").is_some() {
                        let _ = self.say(r#"{"type":"pong"}"#.to_owned()).await;
                    }
                    return Heard::Text(text.to_vec());
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = match frame {
                        Some(frame) => (Some(u16::from(frame.code)), frame.reason.to_string()),
                        None => (None, String::new()),
                    };
                    return Heard::Closed { code, reason };
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Heard::Closed { code: None, reason: error.to_string() },
                None => return Heard::Closed { code: None, reason: "the connection ended".to_owned() },
            }
        }
    }

    /// What it reads in a second at most from now on, in small pieces and not message by message; all it can by
    /// default.
    pub fn set_pace(&mut self, bytes_per_s: Option<u32>) {
        self.socket.get_mut().bytes_per_s = bytes_per_s;
    }

    async fn say(&mut self, text: String) -> Result<(), BenchError> {
        let sent = self.socket.send(Message::text(text)).await;
        sent.map_err(|error| BenchError::Connection(io::Error::other(error)))
    }
}

/// A connection that reads no faster than it is told.
struct Paced {
    stream: TcpStream,
    bytes_per_s: Option<u32>,
    next_read: Pin<Box<Sleep>>,
}

/// Bytes that are read at a time where reading is slow.
const PIECE_BYTES: usize = 8 << 10;

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(bytes_per_s) = self.bytes_per_s else {
            return Pin::new(&mut self.stream).poll_read(context, into);
        };
        ready!(self.next_read.as_mut().poll(context));
        let mut bytes = [0; PIECE_BYTES];
        let room = into.remaining().min(PIECE_BYTES);
        let mut piece = ReadBuf::new(&mut bytes[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        let read = piece.filled().len();
        into.put_slice(piece.filled());
        let pause = Duration::from_secs_f64(read as f64 / f64::from(bytes_per_s.max(1)));
        self.next_read.as_mut().reset(Instant::now() + pause);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

async fn connect(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Tally {
    /// Counts the events in a message: one frame, or an array of frames.
    fn count(&mut self, text: &[u8]) {
        for at in memmem::find_iter(text, EVENT_FRAME) {
            let frame = &text[at..];
            self.events += 1;
            // Both come before the item, and so before any text that a client chose.
            self.lsn_sum = self.lsn_sum.wrapping_add(number_after(frame, b"\"lsn\":").unwrap_or(0));
            if let Some(position) = text_after(frame, b"\"position\":\"") {
                self.position = Some(position.to_owned());
            }
        }
    }
}

fn number_after(text: &[u8], name: &[u8]) -> Option<u64> {
    let digits = text.get(memmem::find(text, name)? + name.len()..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn text_after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let rest = text.get(memmem::find(text, name)? + name.len()..)?;
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_alone_and_in_arrays() {
        let event = |lsn: u64, position: &str| {
            format!(
                r#"{{"type":"event","id":"q0","topic":"exceptions","kind":"exception.opened","lsn":{lsn},"position":"{position}","item":{{"a":"{{\"type\":\"event\"","lsn":{lsn}}}}}"#
            )
        };
        let mut tally = Tally::default();
        tally.count(event(812, "e-812").as_bytes());
        assert_eq!(tally, Tally { events: 1, lsn_sum: 812, position: Some("e-812".into()) });
        let ping = r#"{"type":"ping","position":"e-900"}"#;
        tally.count(format!("[{},{ping},{}]", event(813, "e-813"), event(815, "e-815")).as_bytes());
        assert_eq!(tally, Tally { events: 3, lsn_sum: 812 + 813 + 815, position: Some("e-815".into()) });
        tally.count(ping.as_bytes());
        assert_eq!(tally.events, 3);
    }
}
