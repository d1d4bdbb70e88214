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

use super::catch_up::Follower;
use super::chunk::Chunk;
use super::clock::CLOSE_RESTART;
use super::event::Event;
use super::filter::{Filter, FilterError, Filters};
use super::frame;
use super::handle::{Command, FeedHandle, SocketId, Viewer};
use super::known::Known;
use super::queue::{Closing, Pushed, SocketQueue};
use super::request::{Subscribe, Topic};
use super::ring::Ring;
use super::snapshot;
use super::{FeedInlet, FeedInput};
use crate::auth::{Permission, Principal};
use crate::config::FeedConfig;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::TenantReference;
use crate::http::visibility::{sees_sku_location, sees_supplier};
use crate::runtime::{NoOps, Phase, Running, StateKind, Tower, wall_clock};

/// Inputs taken before the hub looks after requests again.
const INPUTS_AT_ONCE: usize = 256;
/// How often the hub looks at the clock: pings, sockets that are gone, a drain.
const TICK: Duration = Duration::from_millis(100);
/// Journal pieces read, and pages of snapshots made, at a time for all clients together.
const WORK_AT_ONCE: usize = 2;
/// How long the hub waits before it looks again whether the tower runs.
const START_POLL: Duration = Duration::from_millis(2);

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
    pub no_ops: NoOps,
    pub sockets: HashMap<SocketId, Socket, FixedState>,
    next_serial: u64,
    /// Counts what is published together.
    pub batch: u64,
    pub filters: Filters,
    /// The beginnings of event frames in use, by the subscription's id.
    pub heads: HashMap<String, Arc<str>, FixedState>,
    pub next_stats: Instant,
    /// As everyone was told.
    pub is_disk_full: bool,
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
    pub follower: Follower,
    pub event_head: Arc<str>,
    pub filter: Option<Rc<Filter>>,
    /// What its client was told of, if there is a filter.
    pub known: Known,
    /// With a filter and while a snapshot of states goes on: which things changed meanwhile, and at which record. What
    /// the snapshot shows of them may be older.
    pub overtaken: Option<HashMap<u64, Lsn, FixedState>>,
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
        // Every start journals a record; with it the live stream begins.
        let (head, no_ops) = loop {
            match receiver.recv().await {
                Some(FeedInput::Records { upto, no_ops, .. }) => break (upto, no_ops),
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
                no_ops,
                sockets: HashMap::default(),
                next_serial: 0,
                batch: 0,
                filters: Filters::new(&config),
                heads: HashMap::default(),
                next_stats: Instant::now(),
                is_disk_full: false,
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

    fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::Open { socket, viewer, queue } => self.open(socket, viewer, queue),
            Command::Subscribe { socket, wish } => {
                let id = wish.id.clone();
                if let Err(refusal) = self.subscribe(socket, wish) {
                    self.refuse(socket, &refusal.frame(&id));
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
                    Some(None) => {
                        let detail = "there is no subscription of this id";
                        self.refuse(socket, &frame::error(Some(&id), "unknown_subscription", detail));
                    }
                    None => {}
                }
            }
        }
    }

    fn refuse(&self, socket_id: SocketId, error: &str) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let pushed = state.sockets.get(&socket_id).map(|socket| socket.queue.push(Chunk::own(error)));
        if pushed == Some(Pushed::Overflow) {
            let next = state.ring.head().next();
            self.cut_slow(&mut state, running, socket_id, next);
        }
    }

    /// Ends a socket for which a frame of a subscription's task found no room; `first` is the first event in it.
    pub(super) fn cut(&self, place: &Place, first: Option<Lsn>) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let lsn = first.unwrap_or_else(|| state.ring.head().next());
        self.cut_slow(&mut state, running, place.socket, lsn);
    }

    fn open(&self, id: SocketId, viewer: Viewer, queue: Arc<SocketQueue>) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let position = running.position(state.ring.head());
        if self.tower.phase() == Phase::Draining {
            queue.close(Closing { code: CLOSE_RESTART, reason: position });
            return;
        }
        let hello = frame::hello(&running.identity, &position, wall_clock(), state.is_disk_full);
        queue.push(Chunk::own(&hello));
        let next_ping = Instant::now() + Duration::from_secs(self.config.ping_interval_s);
        let socket = Socket { queue, viewer: Rc::new(viewer), subscriptions: HashMap::default(), next_ping };
        state.sockets.insert(id, socket);
        self.tower.metrics.feed_sockets.set(state.sockets.len() as i64);
    }

    fn subscribe(self: &Rc<Self>, socket_id: SocketId, wish: Subscribe) -> Result<(), Refusal> {
        let Some(running) = self.running() else { return Ok(()) };
        let mut state = self.state.borrow_mut();
        let HubState { ring, no_ops, sockets, next_serial, filters, heads, .. } = &mut *state;
        let Some(socket) = sockets.get_mut(&socket_id) else { return Ok(()) };
        let subscriptions_max = self.config.subscriptions_per_socket_max;
        if socket.subscriptions.contains_key(&wish.id) {
            let detail = "there is a subscription of this id; unsubscribe first";
            return Err(Refusal::Plain("id_in_use", detail.to_owned()));
        }
        if socket.subscriptions.len() >= subscriptions_max {
            let detail = format!("a socket has at most {subscriptions_max} subscriptions");
            return Err(Refusal::Plain("too_many_subscriptions", detail));
        }
        if wish.topics.contains(&Topic::Stats) && !socket.viewer.principal.may(Permission::ReadStats) {
            let detail = "these credentials don't allow the topic stats";
            return Err(Refusal::Plain("forbidden", detail.to_owned()));
        }
        let filter = match &wish.filter {
            None => None,
            Some(text) => Some(filters.get(&wish.topics, text).map_err(Refusal::Filter)?),
        };
        // What was acknowledged before this counts as known: a snapshot shows it, and it is not told as new.
        let now = ring.head().max(running.progress.durable());
        let has_gapless = wish.topics.iter().any(|topic| topic.is_gapless());
        // Until it is live, so that what it still has to read is not trimmed away.
        let hold_behind = |lsn: Lsn| running.reader.hold("feed", lsn.next().0, running.hold_records_max).ok();
        let (mut hold, mut lost) = (None, None);
        let since = wish.since.as_deref().and_then(|since| {
            let Some(since) = running.parse_position(since).filter(|since| *since <= now) else {
                lost = Some(UNKNOWN_POSITION);
                return None;
            };
            hold = has_gapless.then(|| hold_behind(since)).flatten();
            let is_there = no_ops.are_known_after(since) && (hold.is_some() || !has_gapless);
            lost = (!is_there).then_some(POSITION_EXPIRED);
            is_there.then_some(since)
        });
        let recovered = lost.is_none();
        let start = since.unwrap_or(now);
        if has_gapless && since.is_none() {
            hold = hold_behind(start);
        }
        let continues = recovered && wish.since.is_some();
        let filter_of_states = filter.is_some() && wish.topics.iter().any(|topic| !topic.is_gapless());
        let plan = snapshot::Plan {
            filter: filter.as_ref().map(|filter| filter.condition()),
            start,
            gapless: !recovered || (wish.snapshot && !continues),
            states: wish.snapshot || wish.since.is_some(),
            topics: wish.topics.clone(),
            hold,
        };
        let place = Place {
            socket: socket_id,
            id: Rc::from(wish.id.as_str()),
            serial: *next_serial,
            queue: socket.queue.clone(),
            viewer: socket.viewer.clone(),
        };
        *next_serial += 1;
        let answer = frame::subscribed(&wish.id, lost, &running.position(start));
        if socket.queue.push(Chunk::own(&answer)) == Pushed::Overflow {
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
            event_head: heads.entry(wish.id.clone()).or_insert_with(|| frame::event_head(&wish.id)).clone(),
            filter,
            known: Known::new(self.config.filter_items_max, continues),
            overtaken: filter_of_states.then(HashMap::default),
            task: Some(task.abort_handle()),
        };
        socket.subscriptions.insert(wish.id, subscription);
        self.tower.metrics.feed_subscriptions.inc();
        self.tower.metrics.feed_filters.set(filters.in_use() as i64);
        Ok(())
    }

    pub(super) fn end_all(&self, socket: Socket) {
        for subscription in socket.subscriptions.into_values() {
            self.end(subscription);
        }
    }

    fn end(&self, subscription: Subscription) {
        if let Some(task) = &subscription.task {
            task.abort();
        }
        if subscription.has_states() {
            self.wanted.fetch_sub(1, Ordering::Relaxed);
        }
        self.tower.metrics.feed_subscriptions.dec();
    }

    /// Everything that a subscription's task needs of the state, unless the subscription has ended.
    pub(super) fn with_subscription<T>(
        &self,
        place: &Place,
        look: impl FnOnce(&mut Subscription, &HubView<'_>) -> T,
    ) -> Option<T> {
        let mut state = self.state.borrow_mut();
        let HubState { ring, no_ops, sockets, .. } = &mut *state;
        let subscription = sockets.get_mut(&place.socket)?.subscriptions.get_mut(&*place.id)?;
        if subscription.serial != place.serial {
            return None;
        }
        let view = HubView { ring, no_ops, event_head: subscription.event_head.clone() };
        Some(look(subscription, &view))
    }

    /// A subscription's task is over; from here on the hub serves it alone.
    pub(super) fn served(&self, place: &Place) {
        let mut state = self.state.borrow_mut();
        if let Some(socket) = state.sockets.get_mut(&place.socket)
            && let Some(subscription) = socket.subscriptions.get_mut(&*place.id)
            && subscription.serial == place.serial
        {
            subscription.task = None;
            subscription.overtaken = None;
        }
    }

    /// Ends a socket whose events can't be read.
    pub(super) fn fail(&self, place: &Place) {
        place.queue.cut(Closing { code: CLOSE_FAILED, reason: "the journal can't be read".to_owned() });
    }
}

/// A `since` of another journal, or from before a backup was restored.
const UNKNOWN_POSITION: &str = "unknown_position";
/// A `since` from so long ago that what followed it is no longer kept.
const POSITION_EXPIRED: &str = "position_expired";

/// What a subscription's task sees of the hub.
pub(super) struct HubView<'a> {
    pub ring: &'a Ring<Event>,
    pub no_ops: &'a NoOps,
    pub event_head: Arc<str>,
}

/// Why there is no subscription.
enum Refusal {
    Plain(&'static str, String),
    Filter(FilterError),
}

impl Refusal {
    fn frame(&self, id: &str) -> String {
        match self {
            Refusal::Plain(code, detail) => frame::error(Some(id), code, detail),
            Refusal::Filter(FilterError::Condition(error)) => frame::filter_error(id, "bad_filter", error),
            Refusal::Filter(FilterError::TooMany(max)) => {
                let detail = format!("{max} different filters are in use");
                frame::error(Some(id), "too_many_filters", &detail)
            }
        }
    }
}

impl Subscription {
    /// Whether it has a topic of gapless events.
    pub fn has_gapless(&self) -> bool {
        self.topics.iter().any(|topic| topic.is_gapless())
    }

    fn has_states(&self) -> bool {
        self.topics.iter().any(|topic| !topic.is_gapless())
    }
}

impl Socket {
    /// Up to where the client has, once its queue is written, all events that it may see.
    pub fn place(&self, head: Lsn) -> Lsn {
        let gapless = self.subscriptions.values().filter(|s| s.has_gapless());
        gapless.map(|subscription| subscription.follower.place(head)).min().unwrap_or(head)
    }
}

pub(super) fn topic_of(kind: StateKind) -> Topic {
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
