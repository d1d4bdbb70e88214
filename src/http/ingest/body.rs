//! Reading a request's body within bounds of size and time.

use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes, BytesMut};
use futures_util::StreamExt as _;

/// A body that must keep coming. After a first grace it must on average bring this many bytes a second, so that a client
/// that sends a byte now and then can't hold its place for ever.
const BODY_RATE_MIN_BYTES_PER_S: f64 = 512.0;

/// Why a body can't be read to its end.
#[derive(Debug)]
pub enum BodyError {
    TooLarge { max: usize },
    TooSlow,
    Broken(String),
}

/// A request's body.
pub struct Body {
    payload: web::Payload,
    bytes_max: usize,
    stall_max: Duration,
    received: usize,
    began: Instant,
}

impl Body {
    /// At most `bytes_max` bytes, never `stall_ms` without one.
    pub fn new(payload: web::Payload, bytes_max: usize, stall_ms: u64) -> Body {
        let stall_max = Duration::from_millis(stall_ms);
        Body { payload, bytes_max, stall_max, received: 0, began: Instant::now() }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let piece = match tokio::time::timeout(self.stall_max, self.payload.next()).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error.to_string())),
            Ok(Some(Ok(piece))) => piece,
        };
        self.received += piece.len();
        if self.received > self.bytes_max {
            return Err(BodyError::TooLarge { max: self.bytes_max });
        }
        let allowed = self.stall_max.as_secs_f64() + self.received as f64 / BODY_RATE_MIN_BYTES_PER_S;
        if self.began.elapsed().as_secs_f64() > allowed {
            return Err(BodyError::TooSlow);
        }
        Ok(Some(piece))
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn read_all(mut self) -> Result<Bytes, BodyError> {
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
