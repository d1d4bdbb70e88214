//! The hub: one thread that owns every subscription and takes what the tower tells the feed.
//!
//! Everything here runs on one thread, so that "the events up to here are queued, from here on live" is one step. What
//! may take long (a snapshot, catching up) is a task of its own on that thread, paced by the room in its client's
//! queue; reading the journal happens on blocking threads.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::fast::FixedState;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing::debug;

use super::catch_up::Follower;
use super::clock::CLOSE_RESTART;
use super::event::Event;
use super::frame;
use super::handle::{Command, FeedHandle, SocketId, Viewer};
use super::queue::{Closing, Frame, Pushed, SocketQueue, StateKey};
use super::request::{Subscribe, Topic};
use super::revisions::Revisions;
use super::ring::Ring;
use super::snapshot;
use super::stats::Rates;
use super::{FeedInlet, FeedInput, StateUpdate, history};
use crate::auth::{Permission, Principal};
use crate::config::FeedConfig;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::{Reference, TenantReference};
use crate::http::visibility::{sees_sku_location, sees_supplier};
use crate::runtime::{Phase, Running, StateKind, Tower, wall_clock};

/// Inputs taken before the hub looks after requests again.
const INPUTS_AT_ONCE: usize = 256;
/// How often the hub looks at the clock: pings, sockets that are gone, a drain.
const TICK: Duration = Duration::from_millis(100);
/// Journal pieces read, and pages of snapshots made, at a time for all clients together.
const WORK_AT_ONCE: usize = 2;
/// How long the hub waits before it looks again whether the tower runs.
const START_POLL: Duration = Duration::from_millis(2);

/// The close code of a client that can't keep up with gapless frames.
const CLOSE_SLOW: u16 = 4008;
/// The close code of a socket whose events can't be read from the journal.
const CLOSE_FAILED: u16 = 1011;

/// The feed's own thread.
pub struct Hub {
    pub(super) tower: Arc<Tower>,
    pub(super) config: FeedConfig,
    pub(super) state: RefCell<HubState>,
    pub(super) work: Semaphore,
    wanted: Arc<AtomicUsize>,
}

/// What the hub knows.
pub(super) struct HubState {
    pub ring: Ring<Event>,
    pub revisions: Revisions,
    pub sockets: HashMap<SocketId, Socket, FixedState>,
    next_serial: u64,
    pub rates: Rates,
    pub next_stats: Instant,
}

/// An open socket.
pub(super) struct Socket {
    pub queue: Arc<SocketQueue>,
    pub viewer: Rc<Viewer>,
    pub subscriptions: HashMap<String, Subscription, FixedState>,
    pub next_ping: Instant,
}

/// What a socket subscribes to under one id.
pub(super) struct Subscription {
    pub serial: u64,
    pub topics: Vec<Topic>,
    follower: Follower,
    event_head: Arc<str>,
    /// The snapshot or catching up, while it goes on.
    task: Option<tokio::task::AbortHandle>,
}

/// One subscription of one socket, for the task that serves it.
#[derive(Clone)]
pub(super) struct Place {
    pub socket: SocketId,
    pub id: Rc<str>,
    pub serial: u64,
    pub queue: Arc<SocketQueue>,
    pub viewer: Rc<Viewer>,
}

impl Hub {
    /// Starts the feed. It says hello to nobody before the tower runs.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(inlet: FeedInlet, tower: Arc<Tower>, config: FeedConfig) -> io::Result<FeedHandle> {
        let (handle, told) = FeedHandle::new(tower.clone(), config.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let run = move || {
            LocalSet::new().block_on(&runtime, Hub::run(inlet, told, tower, config));
        };
        std::thread::Builder::new().name("feed".into()).spawn(run)?;
        Ok(handle)
    }

    async fn run(inlet: FeedInlet, mut told: mpsc::Receiver<Command>, tower: Arc<Tower>, config: FeedConfig) {
        let FeedInlet { wanted, mut receiver } = inlet;
        let mut revisions = Revisions::default();
        // Every start journals a record; with it the live stream begins.
        let head = loop {
            match receiver.recv().await {
                Some(FeedInput::Replayed { records }) => {
                    for record in &records {
                        revisions.take(record);
                    }
                }
                Some(FeedInput::Records { records, upto }) => {
                    for record in &records {
                        revisions.take(record);
                    }
                    break upto;
                }
                Some(FeedInput::State(_)) => {}
                None => return,
            }
        };
        while tower.running().is_none() {
            tokio::time::sleep(START_POLL).await;
        }
        let hub = Rc::new(Hub {
            wanted,
            work: Semaphore::new(WORK_AT_ONCE),
            state: RefCell::new(HubState {
                ring: Ring::new(config.ring_events_max, head),
                revisions,
                sockets: HashMap::default(),
                next_serial: 0,
                rates: Rates::default(),
                next_stats: Instant::now(),
            }),
            tower,
            config,
        });
        let mut inputs = Vec::with_capacity(INPUTS_AT_ONCE);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Each arm only takes from a queue; dropping one loses nothing.
            tokio::select! {
                taken = receiver.recv_many(&mut inputs, INPUTS_AT_ONCE) => {
                    if taken == 0 {
                        return;
                    }
                    hub.take(&mut inputs);
                }
                command = told.recv() => match command {
                    Some(command) => hub.obey(command),
                    None => return,
                },
                _ = tick.tick() => hub.look_at_the_clock(),
            }
        }
    }

    /// The running tower. The hub works only after it has been seen to run.
    pub(super) fn running(&self) -> Option<&Running> {
        self.tower.running()
    }

    fn take(&self, inputs: &mut Vec<FeedInput>) {
        let Some(running) = self.running() else { return };
        let reference = running.reference();
        let mut state = self.state.borrow_mut();
        for input in inputs.drain(..) {
            match input {
                FeedInput::Replayed { records } => {
                    for record in &records {
                        state.revisions.take(record);
                    }
                }
                FeedInput::Records { records, upto } => {
                    for record in records {
                        if state.revisions.take(&record) && history::is_exception(&record) {
                            self.publish(&mut state, running, &reference, Event::new(record));
                        }
                    }
                    state.ring.advance(upto);
                }
                FeedInput::State(update) => self.spread(&state, &reference, &update),
            }
        }
        self.tower.metrics.feed_ring_events.set(state.ring.len() as i64);
    }

    /// Shows an event to everyone who follows live and may see it.
    fn publish(&self, state: &mut HubState, running: &Running, reference: &Reference, event: Event) {
        let lsn = event.record.lsn;
        let mut slow = Vec::new();
        for (id, socket) in &mut state.sockets {
            if socket.viewer.tenant != event.record.tenant {
                continue;
            }
            let mut is_visible = None;
            for subscription in socket.subscriptions.values_mut() {
                if !subscription.topics.contains(&Topic::Exceptions) || !subscription.follower.takes_live(lsn)
                {
                    continue;
                }
                if !*is_visible.get_or_insert_with(|| event.is_visible(&socket.viewer, reference)) {
                    continue;
                }
                let Some(frame) = event.frame(running, &subscription.event_head) else { continue };
                if socket.queue.push(frame) == Pushed::Overflow {
                    slow.push(*id);
                    break;
                }
            }
        }
        state.ring.push(lsn, event);
        for id in slow {
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

    /// Shows an entity's state to everyone who subscribes and may see it.
    fn spread(&self, state: &HubState, reference: &Reference, update: &StateUpdate) {
        let topic = topic_of(update.kind);
        let tenant = update.key.tenant();
        let Some(described) = reference.tenant(tenant) else { return };
        let mut tail: Option<Arc<str>> = None;
        for socket in state.sockets.values().filter(|socket| socket.viewer.tenant == tenant) {
            let mut subscriptions =
                socket.subscriptions.values().filter(|s| s.topics.contains(&topic)).peekable();
            if subscriptions.peek().is_none()
                || !sees_entity(&socket.viewer.principal, described, &update.key)
            {
                continue;
            }
            for subscription in subscriptions {
                let tail = tail
                    .get_or_insert_with(|| frame::state_tail(topic, update.lsn, &update.item.to_string()));
                socket.queue.put_state(
                    subscription.serial,
                    StateKey::Entity(update.key.clone()),
                    tail.clone(),
                );
            }
        }
    }

    fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::Open { socket, viewer, queue } => self.open(socket, viewer, queue),
            Command::Subscribe { socket, wish } => {
                let id = wish.id.clone();
                if let Err((code, detail)) = self.subscribe(socket, wish) {
                    self.refuse(socket, &id, code, &detail);
                }
            }
            Command::Unsubscribe { socket, id } => {
                let ended = self.state.borrow_mut().sockets.get_mut(&socket).map(|s| {
                    let ended = s.subscriptions.remove(&id);
                    if let Some(ended) = &ended {
                        s.queue.remove_states(ended.serial);
                    }
                    ended
                });
                match ended {
                    Some(Some(subscription)) => self.end(subscription),
                    Some(None) => self.refuse(
                        socket,
                        &id,
                        "unknown_subscription",
                        "there is no subscription of this id",
                    ),
                    None => {}
                }
            }
        }
    }

    fn refuse(&self, socket_id: SocketId, id: &str, code: &str, detail: &str) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let error = Frame::own(frame::error(Some(id), code, detail));
        let pushed = state.sockets.get(&socket_id).map(|socket| socket.queue.push(error));
        if pushed == Some(Pushed::Overflow) {
            let next = state.ring.head().next();
            self.cut_slow(&mut state, running, socket_id, next);
        }
    }

    /// Ends a socket for which a frame of a subscription's task found no room.
    pub(super) fn cut(&self, place: &Place) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let next = state.ring.head().next();
        self.cut_slow(&mut state, running, place.socket, next);
    }

    fn open(&self, id: SocketId, viewer: Viewer, queue: Arc<SocketQueue>) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let position = running.position(state.ring.head());
        if self.tower.phase() == Phase::Draining {
            queue.close(Closing { code: CLOSE_RESTART, reason: position });
            return;
        }
        queue.push(Frame::own(frame::hello(&running.identity, &position, wall_clock())));
        let next_ping = Instant::now() + Duration::from_secs(self.config.ping_interval_s);
        let socket = Socket { queue, viewer: Rc::new(viewer), subscriptions: HashMap::default(), next_ping };
        state.sockets.insert(id, socket);
        self.tower.metrics.feed_sockets.set(state.sockets.len() as i64);
    }

    fn subscribe(
        self: &Rc<Self>,
        socket_id: SocketId,
        wish: Subscribe,
    ) -> Result<(), (&'static str, String)> {
        let Some(running) = self.running() else { return Ok(()) };
        let mut state = self.state.borrow_mut();
        let HubState { ring, revisions, sockets, next_serial, .. } = &mut *state;
        let Some(socket) = sockets.get_mut(&socket_id) else { return Ok(()) };
        let subscriptions_max = self.config.subscriptions_per_socket_max;
        if socket.subscriptions.contains_key(&wish.id) {
            return Err(("id_in_use", "there is a subscription of this id; unsubscribe first".to_owned()));
        }
        if socket.subscriptions.len() >= subscriptions_max {
            return Err((
                "too_many_subscriptions",
                format!("a socket has at most {subscriptions_max} subscriptions"),
            ));
        }
        if wish.topics.contains(&Topic::Stats) && !socket.viewer.principal.may(Permission::ReadStats) {
            return Err(("forbidden", "these credentials don't allow the topic stats".to_owned()));
        }
        // What was acknowledged before this counts as known: a snapshot shows it, and it is not told as new.
        let now = ring.head().max(running.progress.durable());
        let since = wish.since.as_deref().map(|since| {
            running.parse_position(since).filter(|since| *since <= now && revisions.knows_after(*since))
        });
        let recovered = !matches!(since, Some(None));
        let start = since.flatten().unwrap_or(now);
        let continues = recovered && wish.since.is_some();
        let plan = snapshot::Plan {
            start,
            gapless: !recovered || (wish.snapshot && !continues),
            states: wish.snapshot || wish.since.is_some(),
            topics: wish.topics.clone(),
        };
        let place = Place {
            socket: socket_id,
            id: Rc::from(wish.id.as_str()),
            serial: *next_serial,
            queue: socket.queue.clone(),
            viewer: socket.viewer.clone(),
        };
        *next_serial += 1;
        let answer = frame::subscribed(&wish.id, recovered, &running.position(start));
        if socket.queue.push(Frame::own(answer)) == Pushed::Overflow {
            self.cut_slow(&mut state, running, socket_id, now);
            return Ok(());
        }
        if wish.topics.iter().any(|topic| !topic.is_gapless()) {
            place.queue.add_states(place.serial, frame::state_head(&wish.id));
            self.wanted.fetch_add(1, Ordering::Relaxed);
        }
        // The task can't run before this function is over.
        let task = tokio::task::spawn_local(snapshot::serve(self.clone(), place.clone(), plan));
        let subscription = Subscription {
            serial: place.serial,
            topics: wish.topics,
            follower: Follower::behind(start),
            event_head: frame::event_head(&wish.id),
            task: Some(task.abort_handle()),
        };
        socket.subscriptions.insert(wish.id, subscription);
        self.tower.metrics.feed_subscriptions.inc();
        Ok(())
    }

    pub(super) fn end_all(&self, socket: Socket) {
        for subscription in socket.subscriptions.into_values() {
            self.end(subscription);
        }
    }

    fn end(&self, subscription: Subscription) {
        if let Some(task) = subscription.task {
            task.abort();
        }
        if subscription.topics.iter().any(|topic| !topic.is_gapless()) {
            self.wanted.fetch_sub(1, Ordering::Relaxed);
        }
        self.tower.metrics.feed_subscriptions.dec();
    }

    /// Everything that a subscription's task needs of the state, unless the subscription has ended.
    pub(super) fn with_follower<T>(
        &self,
        place: &Place,
        look: impl FnOnce(&mut Follower, &HubView<'_>) -> T,
    ) -> Option<T> {
        let mut state = self.state.borrow_mut();
        let HubState { ring, revisions, sockets, .. } = &mut *state;
        let subscription = sockets.get_mut(&place.socket)?.subscriptions.get_mut(&*place.id)?;
        if subscription.serial != place.serial {
            return None;
        }
        let view = HubView {
            ring,
            revisions,
            event_head: subscription.event_head.clone(),
            wants_exceptions: subscription.topics.contains(&Topic::Exceptions),
        };
        Some(look(&mut subscription.follower, &view))
    }

    /// A subscription's task is over; from here on the hub serves it alone.
    pub(super) fn served(&self, place: &Place) {
        let mut state = self.state.borrow_mut();
        if let Some(socket) = state.sockets.get_mut(&place.socket)
            && let Some(subscription) = socket.subscriptions.get_mut(&*place.id)
            && subscription.serial == place.serial
        {
            subscription.task = None;
        }
    }

    /// Ends a socket whose events can't be read.
    pub(super) fn fail(&self, place: &Place) {
        place.queue.cut(Closing { code: CLOSE_FAILED, reason: "the journal can't be read".to_owned() });
    }
}

/// What a subscription's task sees of the hub.
pub(super) struct HubView<'a> {
    pub ring: &'a Ring<Event>,
    pub revisions: &'a Revisions,
    pub event_head: Arc<str>,
    pub wants_exceptions: bool,
}

impl Socket {
    /// Up to where the client has, once its queue is written, all events that it may see.
    pub fn place(&self, head: Lsn) -> Lsn {
        let gapless = self.subscriptions.values().filter(|s| s.topics.iter().any(|topic| topic.is_gapless()));
        gapless.map(|subscription| subscription.follower.place(head)).min().unwrap_or(head)
    }
}

fn topic_of(kind: StateKind) -> Topic {
    match kind {
        StateKind::SkuLocation => Topic::SkuLocations,
        StateKind::Supplier => Topic::Suppliers,
    }
}

/// Whether a principal sees the state of an entity.
pub(super) fn sees_entity(principal: &Principal, tenant: &TenantReference, key: &EntityKey) -> bool {
    match key {
        EntityKey::SkuLocation { sku, location, .. } => sees_sku_location(principal, tenant, sku, location),
        EntityKey::Supplier { supplier, .. } => sees_supplier(principal, tenant, supplier),
        EntityKey::Subject { .. } | EntityKey::ApprovalCase { .. } => false,
    }
}
