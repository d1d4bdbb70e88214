//! From what the tower tells the feed to what waits for each client.
//!
//! What came together is published together: every item is written once, every filter asked once an item, and clients
//! that get the same frames under the same id share one text.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde_json::{Map, Value};
use tracing::debug;

use super::chunk::{Chunk, ChunkBuilder, StateFrame};
use super::event::{self, Event, Narrowed};
use super::frame;
use super::handle::SocketId;
use super::hub::{Hub, HubState, Socket, Subscription, sees_entity, topic_of};
use super::known::{Stage, Verdict};
use super::queue::{Closing, Pushed, StateKey};
use super::request::Topic;
use super::{FeedInput, StateUpdate};
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::reference::Reference;
use crate::runtime::Running;

/// Events published together: about as many as make one message.
const EVENTS_AT_ONCE: usize = 64;

/// Things that may change while a filtered snapshot of states goes on; more than that is a client that can't keep up.
const OVERTAKEN_MAX: usize = 1_000_000;

/// The close code of a client that can't keep up.
pub const CLOSE_SLOW: u16 = 4008;

/// An event that is being published, with its item for filters once one asks.
struct Fresh {
    event: Event,
    item: OnceCell<Option<Map<String, Value>>>,
}

/// A state that is being published.
pub(super) struct FreshState {
    pub topic: Topic,
    pub tenant: TenantNumber,
    pub key: StateKey,
    pub lsn: Lsn,
    pub item: Value,
    number: u64,
    tail: OnceCell<Arc<str>>,
}

impl FreshState {
    pub fn new(topic: Topic, tenant: TenantNumber, key: StateKey, lsn: Lsn, item: Value) -> FreshState {
        let number = key.number();
        FreshState { topic, tenant, key, lsn, item, number, tail: OnceCell::new() }
    }

    fn of(update: StateUpdate) -> FreshState {
        let (topic, tenant) = (topic_of(update.kind), update.key.tenant());
        FreshState::new(topic, tenant, StateKey::Entity(update.key), update.lsn, update.item)
    }

    fn tail(&self) -> Arc<str> {
        let write = || frame::state_tail(self.topic, self.lsn, &self.item.to_string());
        self.tail.get_or_init(write).clone()
    }
}

/// Which frames of a batch one subscription gets, and under which head: who gets the same shares the text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Selection {
    /// Heads of equal ids are one text at one place.
    head: usize,
    /// By index in the batch; the second is whether it matches.
    frames: Vec<(u32, bool)>,
}

impl Hub {
    /// Publishes what the tower has told.
    pub(super) fn take(&self, inputs: &mut Vec<FeedInput>) {
        let Some(running) = self.running() else { return };
        let reference = running.reference();
        let mut state = self.state.borrow_mut();
        let mut fresh = Vec::new();
        let mut states = Vec::new();
        let mut head = state.ring.head();
        for input in inputs.drain(..) {
            match input {
                FeedInput::Records { records, upto, no_ops } => {
                    state.no_ops = no_ops;
                    for record in records {
                        if state.no_ops.contains(record.lsn) {
                            continue;
                        }
                        fresh.extend(Event::of(record).map(|event| Fresh { event, item: OnceCell::new() }));
                        if fresh.len() >= EVENTS_AT_ONCE {
                            self.publish(&mut state, running, &reference, &mut fresh);
                        }
                    }
                    head = upto;
                }
                FeedInput::State(update) => states.push(FreshState::of(update)),
            }
        }
        self.publish(&mut state, running, &reference, &mut fresh);
        state.ring.advance(head);
        self.spread(&mut state, running, &reference, &states);
        self.tower.metrics.feed_ring_events.set(state.ring.len() as i64);
    }

    /// Shows events to everyone who follows live and may see them, and keeps them for who comes back.
    fn publish(
        &self,
        state: &mut HubState,
        running: &Running,
        reference: &Reference,
        fresh: &mut Vec<Fresh>,
    ) {
        if fresh.is_empty() {
            return;
        }
        state.batch += 1;
        let batch = state.batch;
        let mut shared: HashMap<Selection, Chunk, FixedState> = HashMap::default();
        let mut selection = Selection { head: 0, frames: Vec::with_capacity(fresh.len()) };
        let mut slow = Vec::new();
        for (id, socket) in &mut state.sockets {
            let Socket { viewer, subscriptions, queue, .. } = socket;
            let mut unsent: Option<Lsn> = None;
            // What its scope leaves a part of, by index in the batch.
            let narrowed: Vec<Option<Narrowed>> = match viewer.principal.scope.is_unrestricted() {
                true => Vec::new(),
                false => {
                    let seen = |event: &Event| event.is_visible(viewer, reference);
                    let part =
                        |event: &Event| seen(event).then(|| event.narrowed(viewer, reference)).flatten();
                    fresh.iter().map(|fresh| part(&fresh.event)).collect()
                }
            };
            let part = |index: usize| narrowed.get(index).and_then(Option::as_ref);
            for subscription in subscriptions.values_mut().filter(|s| s.has_gapless()) {
                selection.frames.clear();
                for (index, Fresh { event, item }) in fresh.iter().enumerate() {
                    let takes = subscription.follower.takes_live(event.lsn())
                        && subscription.topics.contains(&event.topic)
                        && event.is_visible(viewer, reference);
                    if !takes {
                        continue;
                    }
                    let verdict = match &subscription.filter {
                        None => Verdict::Matches,
                        Some(filter) => {
                            let item = || item.get_or_init(|| event.item()).as_ref();
                            let matches = match part(index) {
                                Some(narrowed) => event.matches(narrowed, &filter.condition()),
                                None => filter.matches_in_batch(batch, index, item),
                            };
                            subscription.known.see(event.item_number(), matches, event.stage())
                        }
                    };
                    if verdict != Verdict::Silence {
                        selection.frames.push((index as u32, verdict == Verdict::Matches));
                    }
                }
                let Some((first, _)) = selection.frames.first() else { continue };
                let first = fresh.get(*first as usize).map(|fresh| fresh.event.lsn());
                selection.head = subscription.event_head.as_ptr() as usize;
                let is_own = selection.frames.iter().any(|(index, _)| part(*index as usize).is_some());
                let chunk = match shared.get(&selection).filter(|_| !is_own) {
                    Some(chunk) => chunk.clone(),
                    None if is_own => {
                        write(running, fresh, &selection.frames, &subscription.event_head, part)
                    }
                    None => {
                        let chunk =
                            write(running, fresh, &selection.frames, &subscription.event_head, |_| None);
                        shared.insert(selection.clone(), chunk.clone());
                        chunk
                    }
                };
                if unsent.is_some() || queue.push(chunk) == Pushed::Overflow {
                    // What the other subscriptions of the socket would have got is missing as well.
                    unsent = unsent.into_iter().chain(first).min();
                }
            }
            slow.extend(unsent.map(|lsn| (*id, lsn)));
        }
        for Fresh { event, .. } in fresh.drain(..) {
            state.ring.push(event.lsn(), event);
        }
        for (id, lsn) in slow {
            self.cut_slow(state, running, id, lsn);
        }
    }

    /// Ends a socket for which `lsn` found no room, with the position up to which it has everything.
    pub(super) fn cut_slow(&self, state: &mut HubState, running: &Running, id: SocketId, lsn: Lsn) {
        let Some(socket) = state.sockets.remove(&id) else { return };
        let before = Lsn(socket.queue.first_waiting().unwrap_or(lsn).min(lsn).0.saturating_sub(1));
        let place = socket.place(state.ring.head()).min(before);
        debug!(principal = %socket.viewer.principal.name, %place, "a feed client fell behind and is closed");
        socket.queue.cut(Closing { code: CLOSE_SLOW, reason: running.position(place) });
        self.tower.metrics.feed_slow_closes.inc();
        self.end_all(socket);
    }

    /// Shows states to everyone who subscribes and may see them.
    pub(super) fn spread(
        &self,
        state: &mut HubState,
        running: &Running,
        reference: &Reference,
        states: &[FreshState],
    ) {
        if states.is_empty() {
            return;
        }
        state.batch += 1;
        let batch = state.batch;
        let mut slow = Vec::new();
        for (id, socket) in &mut state.sockets {
            let Socket { viewer, subscriptions, queue, .. } = socket;
            let Some(tenant) = reference.tenant(viewer.tenant) else { continue };
            for subscription in subscriptions.values_mut() {
                for (index, fresh) in states.iter().enumerate() {
                    let wanted = fresh.tenant == viewer.tenant
                        && subscription.topics.contains(&fresh.topic)
                        && match &fresh.key {
                            StateKey::Entity(key) => sees_entity(&viewer.principal, tenant, key),
                            StateKey::Stats => true,
                        };
                    if wanted && put(subscription, queue, batch, index, fresh) == Pushed::Overflow {
                        slow.push(*id);
                        break;
                    }
                }
            }
        }
        let next = state.ring.head().next();
        for id in slow {
            self.cut_slow(state, running, id, next);
        }
    }
}

/// Queues a state for a subscription if its filter has something to say of it.
pub(super) fn put(
    subscription: &mut Subscription,
    queue: &super::SocketQueue,
    batch: u64,
    index: usize,
    fresh: &FreshState,
) -> Pushed {
    let verdict = match &subscription.filter {
        None => Verdict::Matches,
        Some(filter) => {
            if let Some(overtaken) = &mut subscription.overtaken {
                if overtaken.len() >= OVERTAKEN_MAX {
                    return Pushed::Overflow;
                }
                overtaken.insert(fresh.number, fresh.lsn);
            }
            let matches = filter.matches_in_batch(batch, index, || fresh.item.as_object());
            subscription.known.see(fresh.number, matches, Stage::Middle)
        }
    };
    if verdict == Verdict::Silence {
        return Pushed::Queued;
    }
    let frame = StateFrame { matches: verdict == Verdict::Matches, tail: fresh.tail() };
    queue.put_state(subscription.serial, fresh.key.clone(), frame)
}

/// The frames of a selection as one text; `part` tells which items are shown in part.
fn write<'a>(
    running: &Running,
    fresh: &[Fresh],
    frames: &[(u32, bool)],
    head: &str,
    part: impl Fn(usize) -> Option<&'a Narrowed>,
) -> Chunk {
    let mut builder = ChunkBuilder::default();
    for (index, matches) in frames {
        let Some(Fresh { event, .. }) = fresh.get(*index as usize) else { continue };
        let tail = match part(*index as usize) {
            Some(narrowed) => event.tail_of(narrowed, running),
            None => event.tail(running).cloned(),
        };
        if let Some(tail) = tail {
            builder.push_event(event.lsn(), head, *matches, &tail);
        }
    }
    builder.finish()
}

impl StateKey {
    /// The number by which a filter's subscription remembers the thing.
    pub fn number(&self) -> u64 {
        let (topic, id) = match self {
            StateKey::Entity(EntityKey::SkuLocation { sku, location, .. }) => {
                // Neither has control characters: the two can't be taken for another pair.
                (Topic::SkuLocations, format!("{sku}\u{1f}{location}"))
            }
            StateKey::Entity(EntityKey::Supplier { supplier, .. }) => {
                (Topic::Suppliers, supplier.to_string())
            }
            StateKey::Entity(key) => (Topic::SkuLocations, format!("{key:?}")),
            StateKey::Stats => (Topic::Stats, String::new()),
        };
        event::item_number(topic, &id)
    }
}
