//! Clients of the feed that cost as little as a client can: they read bytes and count frames without parsing them.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use memchr::memmem::Finder;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::BenchError;
use super::wire::Endpoint;

/// What begins every event frame, and stands nowhere else: inside a text its quotes would be escaped.
const EVENT_FRAME: &[u8] = b"{\"type\":\"event\"";
const SUBSCRIBED_FRAME: &[u8] = b"{\"id\":\"q\",\"position\":";
/// How long the tower may take to answer a handshake or a subscription.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A sign of life, more often than the tower asks for it.
const PONG_INTERVAL: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 256 << 10;
/// Sockets that are opened at a time.
const OPENED_AT_ONCE: usize = 50;

/// Many clients on one thread, each with its own count.
pub struct Subscribers {
    counts: Vec<Rc<Cell<u64>>>,
    tasks: Vec<JoinHandle<()>>,
    failure: Rc<RefCell<Option<String>>>,
}

impl Subscribers {
    /// Opens `sockets` sockets, each with one subscription to exceptions; `filter` gives the `where` of each.
    ///
    /// # Errors
    /// If one is refused.
    pub async fn open(
        endpoint: &Endpoint,
        sockets: usize,
        filter: impl Fn(usize) -> Option<String>,
    ) -> Result<Subscribers, BenchError> {
        let buffer = Rc::new(RefCell::new(vec![0; READ_BYTES]));
        let failure = Rc::new(RefCell::new(None));
        let mut subscribers = Subscribers { counts: Vec::new(), tasks: Vec::new(), failure };
        for first in (0..sockets).step_by(OPENED_AT_ONCE) {
            let numbers = first..sockets.min(first + OPENED_AT_ONCE);
            let opened = try_join_all(numbers.map(|number| subscribe(endpoint, filter(number)))).await?;
            for stream in opened {
                let count = Rc::new(Cell::new(0));
                subscribers.counts.push(count.clone());
                let (buffer, failure) = (buffer.clone(), subscribers.failure.clone());
                subscribers.tasks.push(tokio::task::spawn_local(async move {
                    if let Err(error) = read(stream, &buffer, &count).await {
                        failure.borrow_mut().get_or_insert(error.to_string());
                    }
                }));
            }
        }
        Ok(subscribers)
    }

    /// Event frames that all of them have got.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|count| count.get()).sum()
    }

    /// The fewest and the most that one of them has got.
    pub fn spread(&self) -> (u64, u64) {
        let counts = || self.counts.iter().map(|count| count.get());
        (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
    }

    /// # Errors
    /// If a socket was closed: what was measured since is worth nothing.
    pub fn check(&self) -> Result<(), BenchError> {
        match &*self.failure.borrow() {
            Some(failure) => Err(BenchError::Answer(format!("a feed socket ended: {failure}"))),
            None => Ok(()),
        }
    }
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Opens a socket and subscribes; returns after the tower has said that it is subscribed.
///
/// # Errors
/// If the tower refuses either.
pub async fn subscribe(endpoint: &Endpoint, filter: Option<String>) -> Result<TcpStream, BenchError> {
    let open = async {
        let stream = endpoint.connect().await?;
        write_all(&stream, endpoint.upgrade("/api/v1/feed").as_bytes()).await?;
        let head = read_until(&stream, b"\r\n\r\n").await?;
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(BenchError::Answer(format!("no feed: {}", String::from_utf8_lossy(&head))));
        }
        let subscribe =
            serde_json::json!({"type": "subscribe", "id": "q", "topics": ["exceptions"], "where": filter});
        write_all(&stream, &text_frame(&subscribe.to_string())).await?;
        let answer = read_until(&stream, SUBSCRIBED_FRAME).await;
        answer.map(|_| stream)
    };
    let silent = |_| BenchError::Silent { seconds: ANSWER_TIMEOUT.as_secs() };
    timeout(ANSWER_TIMEOUT, open).await.map_err(silent)?
}

/// Reads until what was read contains `end`.
async fn read_until(stream: &TcpStream, end: &[u8]) -> Result<Vec<u8>, BenchError> {
    const ANSWER_BYTES_MAX: usize = 64 << 10;
    let mut bytes = Vec::new();
    let finder = Finder::new(end);
    while finder.find(&bytes).is_none() {
        stream.readable().await.map_err(BenchError::Connection)?;
        match stream.try_read_buf(&mut bytes) {
            Ok(0) => return Err(BenchError::Answer(String::from_utf8_lossy(&bytes).into_owned())),
            Ok(_) if bytes.len() > ANSWER_BYTES_MAX => {
                return Err(BenchError::Answer(String::from_utf8_lossy(&bytes[..400]).into_owned()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(BenchError::Connection(error)),
        }
    }
    Ok(bytes)
}

/// Counts until the socket ends.
async fn read(stream: TcpStream, buffer: &RefCell<Vec<u8>>, count: &Cell<u64>) -> io::Result<()> {
    let mut counter = FrameCounter::new();
    let mut pong_due = Instant::now() + PONG_INTERVAL;
    loop {
        let left = pong_due.saturating_duration_since(Instant::now());
        if let Ok(readable) = timeout(left, stream.readable()).await {
            readable?;
            // Borrowed for the read alone: the buffer is looked into right after.
            let received = stream.try_read(&mut buffer.borrow_mut());
            match received {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => count.set(count.get() + counter.count(&buffer.borrow()[..length])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if Instant::now() >= pong_due {
            pong_due = Instant::now() + PONG_INTERVAL;
            stream.writable().await?;
            // A sign of life more or less does not matter.
            let _ = stream.try_write(&text_frame(r#"{"type":"pong"}"#));
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> Result<(), BenchError> {
    while !bytes.is_empty() {
        stream.writable().await.map_err(BenchError::Connection)?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(BenchError::Connection(error)),
        }
    }
    Ok(())
}

/// A client's text frame (RFC 6455, 5.2). Its masking key is zero, which leaves the text as it is.
fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// Counts event frames in a stream that comes in pieces.
struct FrameCounter {
    finder: Finder<'static>,
    /// The end of the last piece, in which a frame may begin.
    carried: Vec<u8>,
}

impl FrameCounter {
    fn new() -> FrameCounter {
        FrameCounter { finder: Finder::new(EVENT_FRAME), carried: Vec::new() }
    }

    fn count(&mut self, piece: &[u8]) -> u64 {
        let most = EVENT_FRAME.len() - 1;
        let mut seam = std::mem::take(&mut self.carried);
        let before = seam.len();
        seam.extend(&piece[..piece.len().min(most)]);
        // Those that lie in the piece alone are counted there.
        let over_the_seam = self.finder.find_iter(&seam).filter(|at| *at < before).count();
        let inside = self.finder.find_iter(piece).count();
        let mut end = if piece.len() < most { seam } else { piece.to_vec() };
        self.carried = end.split_off(end.len().saturating_sub(most));
        (over_the_seam + inside) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let text = br#"..{"type":"event","id":"q"},{"type":"ping"},{"type":"event","a":"{\"type\":\"event\""}{"type":"event""#;
        for size in 1..=text.len() {
            let mut counter = FrameCounter::new();
            let counted: u64 = text.chunks(size).map(|piece| counter.count(piece)).sum();
            assert_eq!(counted, 3, "pieces of {size}");
        }
    }

    #[test]
    fn a_clients_frame_has_its_length_and_a_mask() {
        assert_eq!(text_frame("ab"), [0x81, 0x82, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(text_frame(&"x".repeat(200))[..4], [0x81, 0xfe, 0, 200]);
        assert_eq!(text_frame(&"x".repeat(70_000))[..10], [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }
}
