//! `GET /api/v1/feed`, the WebSocket, and `POST /api/v1/feed/tickets`.
//!
//! A socket has two tasks on its worker's thread: one reads what the client says, one writes what the hub has queued.
//! What is said and shown is the feed's affair (`crate::feed`); here it is carried.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HOST, ORIGIN};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, get, post, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session};
use compact_str::CompactString;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};

use super::caller::Caller;
use super::problem::{Problem, code};
use super::state::AppState;
use super::wire::Wire;
use crate::auth::{Permission, key_id};
use crate::domain::time::SECOND;
use crate::feed::{
    CLOSE_SLOW, Chunk, Closing, FeedHandle, Outgoing, Pushed, Request, Seat, SocketId, SocketQueue, Viewer,
    error_frame, parse_request,
};
use crate::runtime::{Phase, wall_clock};

const SUB_PROTOCOL: &str = "tidewatch.v1";
/// How long the last frames may take to leave once a socket is to end, unless its client reads slowly.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// How long a client may take to answer that the socket is to end. Then its connection is ended.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Frames in a row that may be refused: as many at once, and one more each second.
const REFUSALS_MAX: u32 = 100;
const CLOSE_SILENT: u16 = 1001;
const CLOSE_NOT_TEXT: u16 = 1007;
const CLOSE_TOO_MANY_MISTAKES: u16 = 1008;
const CLOSE_REVOKED: u16 = 1008;
const CLOSE_TOO_LONG: u16 = 1009;

#[derive(Deserialize)]
struct FeedQuery {
    ticket: Option<String>,
}

/// The live feed: upgrades to a WebSocket (sub-protocol tidewatch.v1).
#[utoipa::path(get, path = "/api/v1/feed", tag = "feed", params(("ticket" = Option<String>, Query)),
    responses((status = 101, description = "A WebSocket with sub-protocol tidewatch.v1"),
        (status = 400, description = "No WebSocket upgrade"), (status = 503, description = "No more sockets are taken")),
    security(("key" = [])))]
#[get("/api/v1/feed")]
pub async fn get_feed(
    request: HttpRequest,
    body: web::Payload,
    state: web::Data<AppState>,
    feed: web::Data<FeedHandle>,
) -> Result<HttpResponse, Problem> {
    state.running_for_work()?;
    let viewer = viewer(&request, &feed, &state).await?;
    let Some(seat) = feed.take_seat() else {
        let detail = format!("{} sockets are open", feed.config().sockets_max);
        return Err(Problem::new(&code::TOO_MANY_SOCKETS)
            .detail(detail)
            .retry_after_s(state.retry_after_s()));
    };
    let (response, session, stream) = actix_ws::handle_with_protocols(&request, body, &[SUB_PROTOCOL])
        .map_err(|error| {
            Problem::new(&code::BAD_REQUEST).detail(format!("the feed is a WebSocket: {error}"))
        })?;
    let frame_bytes_max = feed.config().frame_bytes_max;
    let mut stream = stream
        .max_frame_size(frame_bytes_max)
        .aggregate_continuations()
        .max_continuation_size(frame_bytes_max);
    let feed = feed.get_ref().clone();
    let queue = feed.new_queue();
    let wire = Wire::of(&request);
    actix_web::rt::spawn(serve(session.clone(), queue.clone(), feed.clone(), seat, wire.clone()));
    let tower_state = state.clone();
    let silence_max = Duration::from_secs(feed.config().silence_close_s);
    actix_web::rt::spawn(async move {
        let key = viewer.key.clone();
        let socket = feed.open(viewer, queue.clone()).await;
        let (refusals_left, refilled) = (REFUSALS_MAX, Instant::now());
        let reader =
            Reader { socket, key, state: tower_state, queue, feed, session, refusals_left, refilled };
        match reader.run(&mut stream).await {
            Said::Goodbye => wire.stop_reading(),
            Said::Nothing => pass_over(&mut stream, silence_max).await,
        }
    });
    Ok(response)
}

/// Who opens the socket: by ticket, or as any other request.
async fn viewer(request: &HttpRequest, feed: &FeedHandle, state: &AppState) -> Result<Viewer, Problem> {
    let query = web::Query::<FeedQuery>::from_query(request.query_string())
        .map_err(|error| Problem::new(&code::BAD_PARAMETER).detail(error.to_string()))?;
    if let Some(ticket) = &query.ticket {
        // A ticket is good no longer than the key that it was had with.
        let is_good = |viewer: &Viewer| viewer.key.as_ref().is_none_or(|key| state.keys.knows(key));
        return feed.redeem_ticket(ticket).filter(is_good).ok_or_else(|| {
            Problem::new(&code::UNAUTHENTICATED)
                .detail("this ticket is not known, was used or ran out, or its key was revoked")
        });
    }
    let caller = Caller::extract(request).await?;
    caller.need(Permission::Read)?;
    // A page can open a socket to anywhere and can't send a key with it: without a ticket, a page of another site
    // would be let in where no key is needed.
    if !is_same_origin(request) {
        return Err(Problem::new(&code::FORBIDDEN).detail("a page of another site needs a ticket"));
    }
    Ok(Viewer { principal: caller.principal, tenant: caller.tenant, key: shown_key(request) })
}

/// The id of the key with which a request was let in.
fn shown_key(request: &HttpRequest) -> Option<CompactString> {
    let shown = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    key_id(shown.split_once(' ')?.1.trim()).map(CompactString::from)
}

/// Whether the request comes from a page of this server, or from no page at all.
fn is_same_origin(request: &HttpRequest) -> bool {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    match (header(ORIGIN), header(HOST)) {
        (None, _) => true,
        (Some(origin), host) => origin.split_once("://").map(|(_, origin)| origin) == host,
    }
}

/// A ticket with which a browser opens the feed, good once.
#[utoipa::path(post, path = "/api/v1/feed/tickets", tag = "feed",
    responses((status = 200, description = "A ticket that opens one socket", body = ref("#/components/schemas/FeedTicket")), (status = 429, description = "Too many tickets are out")),
    security(("key" = [])))]
#[post("/api/v1/feed/tickets")]
pub async fn post_feed_ticket(
    request: HttpRequest,
    caller: Caller,
    feed: web::Data<FeedHandle>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::Read)?;
    let viewer = Viewer { principal: caller.principal, tenant: caller.tenant, key: shown_key(&request) };
    let issued = feed.issue_ticket(viewer).map_err(|error| {
        let ttl = u32::try_from(feed.config().ticket_ttl_s).unwrap_or(u32::MAX);
        Problem::new(&code::TOO_MANY_REQUESTS).detail(error.to_string()).retry_after_s(ttl)
    })?;
    let good_for = i64::try_from(issued.good_for.as_secs()).unwrap_or(i64::MAX / SECOND);
    let expires_at = wall_clock().plus(good_for.saturating_mul(SECOND));
    Ok(HttpResponse::Ok().json(json!({"ticket": issued.ticket, "expires_at": expires_at})))
}

/// Serves a client until its socket has ended, and ends the connection.
async fn serve(session: Session, queue: Arc<SocketQueue>, feed: FeedHandle, seat: Seat, wire: Wire) {
    let is_told = write(session, &queue, &feed).await;
    if let Some(held) = wire.hold().filter(|_| is_told && queue.ends_with(CLOSE_SLOW)) {
        // It goes on saying that it is there while it reads what waits for it.
        for _ in 0..feed.config().silence_close_s {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if held.has_ended() {
                return;
            }
        }
        wire.cut();
        return;
    }
    // Before, it would have made room for another connection that is kept as well.
    drop(seat);
    tokio::time::sleep(ANSWER_MAX).await;
    wire.stop_reading();
    // Why its socket ended may stand behind much that the client has not read yet.
    let seconds = if is_told { feed.config().silence_close_s } else { 0 };
    for _ in 0..seconds {
        if wire.has_ended() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    wire.cut();
}

/// Writes what is queued, until the end. Whether the client is told why.
async fn write(mut session: Session, queue: &SocketQueue, feed: &FeedHandle) -> bool {
    let silence_max = Duration::from_secs(feed.config().silence_close_s);
    let over = goodbye_is_over(queue, feed);
    tokio::pin!(over);
    loop {
        match queue.next().await {
            Outgoing::Message(text, frames) => {
                feed.tower().metrics.feed_frames.inc_by(frames as u64);
                // A client that does not read holds this up: not for longer than one that says nothing, and not once
                // the socket is to end.
                let is_sent = tokio::select! {
                    sent = session.text(text) => sent.is_ok(),
                    () = reads_nothing(queue, silence_max) => false,
                    () = &mut over => return false,
                };
                if !is_sent {
                    queue.abandon();
                    return false;
                }
            }
            Outgoing::Close(closing) => {
                let is_there = closing.is_some();
                let reason = closing.map(|Closing { code, reason }| CloseReason {
                    code: CloseCode::from(code),
                    description: Some(reason),
                });
                let closed = tokio::select! {
                    closed = session.close(reason) => closed.is_ok(),
                    () = &mut over => false,
                };
                return is_there && closed;
            }
        }
    }
}

/// A message has waited for as long as a client may be silent; for one that was told to go there is another limit.
async fn reads_nothing(queue: &SocketQueue, silence_max: Duration) {
    tokio::time::sleep(silence_max).await;
    if queue.ends_with(CLOSE_SLOW) {
        std::future::pending::<()>().await;
    }
}

/// A client that could not keep up reads still: it is told so for as long as one may be silent, unless the tower stops.
async fn goodbye_is_over(queue: &SocketQueue, feed: &FeedHandle) {
    queue.wait_for_end().await;
    let begun = Instant::now();
    let silence_max = Duration::from_secs(feed.config().silence_close_s);
    loop {
        tokio::time::sleep(GOODBYE_MAX).await;
        let is_slow = queue.ends_with(CLOSE_SLOW) && feed.tower().phase() != Phase::Draining;
        if !is_slow || begun.elapsed() >= silence_max {
            return;
        }
    }
}

/// What a client says while it reads the last that waits for it is read, and nothing more: of input that nobody reads the
/// system makes a reset, which takes what was not read yet along, the goodbye too.
async fn pass_over(stream: &mut AggregatedMessageStream, at_most: Duration) {
    let all = async { while let Some(Ok(_)) = stream.recv().await {} };
    let _ = tokio::time::timeout(at_most, all).await;
}

/// The last that was heard of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It ends the socket, and sends nothing more.
    Goodbye,
    /// Nothing of the kind.
    Nothing,
}

struct Reader {
    socket: SocketId,
    key: Option<CompactString>,
    state: web::Data<AppState>,
    queue: Arc<SocketQueue>,
    feed: FeedHandle,
    session: Session,
    refusals_left: u32,
    refilled: Instant,
}

impl Reader {
    /// Takes what the client says, until either side ends it or the client is silent for too long.
    async fn run(mut self, stream: &mut AggregatedMessageStream) -> Said {
        let silence_max = Duration::from_secs(self.feed.config().silence_close_s);
        let look_interval = Duration::from_secs(self.feed.config().ping_interval_s);
        let (mut heard, mut next_look) = (Instant::now(), Instant::now() + look_interval);
        loop {
            let said = tokio::select! {
                said = timeout_at(next_look.min(heard + silence_max), stream.recv()) => said,
                () = self.queue.wait_for_end() => return Said::Nothing,
            };
            let now = Instant::now();
            match said {
                Err(_) if now >= heard + silence_max => {
                    self.close(CLOSE_SILENT, &format!("silent for {} s", silence_max.as_secs()));
                    return Said::Nothing;
                }
                Err(_) => {}
                Ok(None) => {
                    self.queue.abandon();
                    return Said::Nothing;
                }
                Ok(Some(Ok(AggregatedMessage::Close(_)))) => {
                    self.close(u16::from(CloseCode::Normal), "");
                    return Said::Goodbye;
                }
                Ok(Some(Ok(message))) => {
                    heard = now;
                    if !self.take(message).await {
                        return Said::Nothing;
                    }
                }
                Ok(Some(Err(error))) => {
                    self.give_up(&error);
                    return Said::Nothing;
                }
            }
            if now >= next_look {
                next_look = now + look_interval;
                if self.key.as_ref().is_some_and(|key| !self.state.keys.knows(key)) {
                    self.close(CLOSE_REVOKED, "the key was revoked");
                    return Said::Nothing;
                }
            }
        }
    }

    /// Follows one message; `false` at the end.
    async fn take(&mut self, message: AggregatedMessage) -> bool {
        match message {
            AggregatedMessage::Text(text) => match parse_request(&text) {
                Ok(Request::Subscribe(wish)) => self.feed.subscribe(self.socket, wish).await,
                Ok(Request::Unsubscribe { id }) => self.feed.unsubscribe(self.socket, id).await,
                Ok(Request::Pong) => {}
                Err(refused) => return self.refuse(refused.id.as_deref(), refused.code, &refused.detail),
            },
            AggregatedMessage::Binary(_) => {
                return self.refuse(None, "bad_frame", "frames are text, not binary");
            }
            AggregatedMessage::Ping(payload) => {
                if timeout(GOODBYE_MAX, self.session.pong(&payload)).await.is_err() {
                    // The client does not read: an answer more or less changes nothing for it.
                    return true;
                }
            }
            AggregatedMessage::Pong(_) | AggregatedMessage::Close(_) => {}
        }
        true
    }

    /// Answers a frame that can't be followed; too many of them end the socket.
    fn refuse(&mut self, id: Option<&str>, code: &str, detail: &str) -> bool {
        let seconds = self.refilled.elapsed().as_secs();
        if seconds > 0 {
            let back = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.refusals_left = self.refusals_left.saturating_add(back).min(REFUSALS_MAX);
            self.refilled = Instant::now();
        }
        if self.refusals_left == 0 {
            self.close(CLOSE_TOO_MANY_MISTAKES, "too many frames that can't be followed");
            return false;
        }
        self.refusals_left -= 1;
        if self.queue.push(Chunk::own(&error_frame(id, code, detail))) == Pushed::Overflow {
            self.close(CLOSE_TOO_MANY_MISTAKES, "too many answers wait");
            return false;
        }
        true
    }

    fn give_up(&self, error: &ProtocolError) {
        match error {
            ProtocolError::Overflow => self.close(CLOSE_TOO_LONG, "the frame is too long"),
            ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.close(CLOSE_NOT_TEXT, "the frame is not UTF-8");
            }
            // The only other failure with a client that is still there: pieces of a frame that are too long together.
            ProtocolError::Io(_) => self.close(CLOSE_TOO_LONG, "the frame is too long"),
            _ => self.close(u16::from(CloseCode::Protocol), "not as the WebSocket protocol has it"),
        }
    }

    fn close(&self, code: u16, reason: &str) {
        self.queue.close(Closing { code, reason: reason.to_owned() });
    }
}
