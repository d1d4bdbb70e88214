//! What waits for one client, between the hub and the task that writes to the socket.
//!
//! Frames that must all arrive wait in order, bounded in number and bytes; one more than fits ends the socket. State
//! waits conflated: one value per key. What is due together goes out as one message.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::chunk::{Chunk, ChunkBuilder, NO_MATCH, StateFrame};
use super::conflated::Conflated;
use crate::domain::ids::{EntityKey, Lsn};

/// Bytes after which nothing further is put into a message. What is longer goes alone.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Bytes from which a chunk goes alone: then it is written as it is, which other clients share, and not copied.
const ALONE_BYTES_MIN: usize = 8 << 10;
/// Places that an empty queue keeps for what comes next.
const IDLE_PLACES_MAX: usize = 32;

/// Bounds of one socket's queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    pub frames_max: usize,
    pub bytes_max: usize,
    /// State values of all subscriptions of the socket.
    pub states_max: usize,
    /// Shortest time between two rounds of state frames.
    pub state_interval: Duration,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Queued,
    /// There is no room: the client can't keep up.
    Overflow,
    /// The socket is ending.
    Ended,
}

/// What a state value is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StateKey {
    Entity(EntityKey),
    Stats,
}

/// How the socket ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub code: u16,
    /// The position to come back with, or what was wrong.
    pub reason: String,
}

/// What the socket's task is to write.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// One frame, or a JSON array of several; with their number.
    Message(ByteString, usize),
    /// The end. `None`: the client is gone.
    Close(Option<Closing>),
}

enum Due {
    Now(Outgoing),
    /// Nothing yet; state may be sent from then on.
    At(Option<Instant>),
}

/// One socket's queue.
pub struct SocketQueue {
    limits: QueueLimits,
    waiting: Mutex<Waiting>,
    /// Something is due.
    due: Notify,
    /// Something was taken out, or the end has come.
    room: Notify,
    /// The end has come.
    ended: Notify,
}

struct Waiting {
    chunks: VecDeque<Chunk>,
    frames: usize,
    bytes: usize,
    /// By the subscription's serial number.
    states: BTreeMap<u64, StateLine>,
    /// State frames left in the round that is being sent.
    round_left: usize,
    next_round: Instant,
    end: Option<Option<Closing>>,
}

/// One subscription's state values.
struct StateLine {
    head: Arc<str>,
    /// Its snapshot is out: values may follow.
    open: bool,
    values: Conflated<StateKey, StateFrame>,
}

impl SocketQueue {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> SocketQueue {
        let waiting = Waiting {
            chunks: VecDeque::new(),
            frames: 0,
            bytes: 0,
            states: BTreeMap::new(),
            round_left: 0,
            next_round: Instant::now(),
            end: None,
        };
        SocketQueue {
            limits,
            waiting: Mutex::new(waiting),
            due: Notify::new(),
            room: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Queues frames that must arrive.
    pub fn push(&self, chunk: Chunk) -> Pushed {
        let mut waiting = self.waiting.lock();
        if waiting.end.is_some() {
            return Pushed::Ended;
        }
        if chunk.frames() == 0 {
            return Pushed::Queued;
        }
        let full = waiting.frames + chunk.frames() > self.limits.frames_max
            || waiting.bytes + chunk.bytes() > self.limits.bytes_max;
        if full && !waiting.chunks.is_empty() {
            return Pushed::Overflow;
        }
        waiting.frames += chunk.frames();
        waiting.bytes += chunk.bytes();
        waiting.chunks.push_back(chunk);
        // Who writes takes all there is: it need not be told again of what joins what waits already.
        let is_first = waiting.chunks.len() == 1;
        drop(waiting);
        if is_first {
            self.due.notify_one();
        }
        Pushed::Queued
    }

    /// Whether less than half of the queue is taken: then work that can wait for the client may add to it.
    pub fn has_room(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.frames < self.limits.frames_max / 2 && waiting.bytes < self.limits.bytes_max / 2
    }

    /// Waits until there is room; `false` if the socket ends before.
    pub async fn wait_for_room(&self) -> bool {
        loop {
            let taken = self.room.notified();
            tokio::pin!(taken);
            // Registered before looking, so that what is taken in between is not missed.
            taken.as_mut().enable();
            if self.has_ended() {
                return false;
            }
            if self.has_room() {
                return true;
            }
            taken.await;
        }
    }

    /// Waits until the socket is to end.
    pub async fn wait_for_end(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.has_ended() {
                return;
            }
            ended.await;
        }
    }

    /// Bytes that a frame made for this client alone should not exceed, so that others find room beside it.
    pub fn page_bytes_max(&self) -> usize {
        self.limits.bytes_max / 4
    }

    /// Makes a line for a subscription's state values; they wait until [`SocketQueue::open_states`].
    pub fn add_states(&self, subscription: u64, head: Arc<str>) {
        let line = StateLine { head, open: false, values: Conflated::default() };
        self.waiting.lock().states.insert(subscription, line);
    }

    /// From now on a subscription's state values are sent.
    pub fn open_states(&self, subscription: u64) {
        if let Some(line) = self.waiting.lock().states.get_mut(&subscription) {
            line.open = true;
        }
        self.due.notify_one();
    }

    /// Forgets a subscription's state values.
    pub fn remove_states(&self, subscription: u64) {
        self.waiting.lock().states.remove(&subscription);
    }

    /// Puts the latest state of a thing in the place of the one that waits.
    pub fn put_state(&self, subscription: u64, key: StateKey, frame: StateFrame) -> Pushed {
        let mut waiting = self.waiting.lock();
        if waiting.end.is_some() {
            return Pushed::Ended;
        }
        let states: usize = waiting.states.values().map(|line| line.values.len()).sum();
        let Some(line) = waiting.states.get_mut(&subscription) else { return Pushed::Queued };
        if states >= self.limits.states_max && !line.values.has(&key) {
            return Pushed::Overflow;
        }
        let (open, first) = (line.open, line.values.is_empty());
        line.values.put(key, frame);
        drop(waiting);
        // The writer knows of a line that waits already.
        if open && first {
            self.due.notify_one();
        }
        Pushed::Queued
    }

    /// Ends the socket after what waits is written.
    pub fn close(&self, closing: Closing) {
        self.end(Some(closing), false);
    }

    /// Ends the socket before what waits is written.
    pub fn cut(&self, closing: Closing) {
        self.end(Some(closing), true);
    }

    /// The client is gone.
    pub fn abandon(&self) {
        self.end(None, true);
    }

    fn end(&self, closing: Option<Closing>, forget: bool) {
        let mut waiting = self.waiting.lock();
        waiting.end.get_or_insert(closing);
        waiting.states.clear();
        if forget {
            waiting.chunks = VecDeque::new();
            (waiting.frames, waiting.bytes) = (0, 0);
        }
        drop(waiting);
        self.due.notify_one();
        self.room.notify_waiters();
        self.ended.notify_waiters();
    }

    /// Whether the socket is ending.
    pub fn has_ended(&self) -> bool {
        self.waiting.lock().end.is_some()
    }

    /// Whether the socket is ending with that code.
    pub fn ends_with(&self, code: u16) -> bool {
        self.waiting.lock().end.as_ref().is_some_and(|end| end.as_ref().is_some_and(|end| end.code == code))
    }

    /// The lowest record among the events that wait.
    pub fn first_waiting(&self) -> Option<Lsn> {
        self.waiting.lock().chunks.iter().filter_map(Chunk::first).min()
    }

    /// What to write next. Only one task may wait here.
    pub async fn next(&self) -> Outgoing {
        loop {
            match self.take_due(Instant::now()) {
                Due::Now(outgoing) => return outgoing,
                Due::At(Some(at)) => {
                    tokio::select! {
                        () = self.due.notified() => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                Due::At(None) => self.due.notified().await,
            }
        }
    }

    fn take_due(&self, now: Instant) -> Due {
        let mut waiting = self.waiting.lock();
        let mut message = ChunkBuilder::default();
        let mut alone = None;
        while let Some(chunk) = waiting.chunks.front() {
            let is_long = chunk.bytes() >= ALONE_BYTES_MIN;
            if message.frames() > 0 && (is_long || message.bytes() + chunk.bytes() >= MESSAGE_BYTES_MAX) {
                break;
            }
            let Some(chunk) = waiting.chunks.pop_front() else { break };
            waiting.frames -= chunk.frames();
            waiting.bytes -= chunk.bytes();
            if is_long {
                alone = Some(chunk);
                break;
            }
            message.append(&chunk);
        }
        if waiting.chunks.is_empty() {
            if waiting.chunks.capacity() > IDLE_PLACES_MAX {
                waiting.chunks = VecDeque::new();
            }
            if alone.is_none() {
                waiting.take_states(now, self.limits.state_interval, &mut message);
            }
        }
        let at = waiting.states.values().any(StateLine::is_due).then_some(waiting.next_round);
        let end = waiting.end.clone();
        drop(waiting);
        let chunk = alone.or_else(|| (message.frames() > 0).then(|| message.finish()));
        if let Some(chunk) = chunk {
            self.room.notify_waiters();
            return Due::Now(Outgoing::Message(chunk.message(), chunk.frames()));
        }
        end.map_or(Due::At(at), |closing| Due::Now(Outgoing::Close(closing)))
    }
}

impl StateLine {
    fn is_due(&self) -> bool {
        self.open && !self.values.is_empty()
    }
}

impl Waiting {
    /// Adds what fits of the round of state frames that is being sent, or begins one if it is time.
    fn take_states(&mut self, now: Instant, interval: Duration, message: &mut ChunkBuilder) {
        if self.round_left == 0 {
            if now < self.next_round {
                return;
            }
            let due = self.states.values().filter(|line| line.is_due());
            self.round_left = due.map(|line| line.values.len()).sum();
            if self.round_left == 0 {
                return;
            }
            self.next_round = now + interval;
        }
        for line in self.states.values_mut().filter(|line| line.open) {
            while self.round_left > 0 && message.bytes() < MESSAGE_BYTES_MAX {
                let Some(frame) = line.values.pop() else { break };
                self.round_left -= 1;
                message.push(None, &[&line.head, if frame.matches { "" } else { NO_MATCH }, &frame.tail]);
            }
        }
        // A subscription may have ended in the middle of the round.
        if !self.states.values().any(StateLine::is_due) {
            self.round_left = 0;
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
