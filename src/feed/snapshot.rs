//! The task that takes one subscription to the live stream: snapshots first, then the events since, then states.
//!
//! It goes only as fast as its client reads: every page and every event waits for room in the client's queue.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tracing::error;

use super::catch_up::Step;
use super::chunk::{Chunk, ChunkBuilder};
use super::event::{self, Event, Open};
use super::filter::{self, Filter};
use super::frame::Page;
use super::history::{self, HistoryError, Piece};
use super::hub::{Hub, Place, Subscription, sees_entity};
use super::known::{Known, Stage, Verdict};
use super::queue::{Pushed, StateKey};
use super::request::Topic;
use crate::domain::condition::Condition;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::Reference;
use crate::domain::sku_location::SkuLocation;
use crate::domain::supplier::Supplier;
use crate::http::inspect::{ask, with_lsn};
use crate::journal::{Hold, JournalError};
use crate::runtime::directory::Address;
use crate::runtime::{Hosted, Running};

/// How long to wait for the tower to apply what is durable before looking again whether the client is still there.
const APPLY_POLL: Duration = Duration::from_secs(1);

/// Bytes of events that are queued together while catching up.
const CHUNK_BYTES_MAX: usize = 64 << 10;
/// Events of the past looked at before the hub's thread is given to others.
const EVENTS_AT_ONCE: usize = 1_000;

/// What a new subscription gets before it is live.
pub struct Plan {
    pub filter: Option<Arc<Condition>>,
    /// The client has, or gets by snapshots, everything up to here.
    pub start: Lsn,
    /// Snapshots of the gapless topics.
    pub gapless: bool,
    /// Snapshots of the state topics.
    pub states: bool,
    pub topics: Vec<Topic>,
    /// Keeps what a gapless topic still has to read in the journal.
    pub hold: Option<Hold>,
}

/// The subscription or its socket has ended.
struct Over;

/// Serves a subscription until it is live.
pub async fn serve(hub: Rc<Hub>, place: Place, mut plan: Plan) {
    let hold = plan.hold.take();
    if bring_to_live(&hub, &place, &plan, hold).await.is_ok() {
        hub.served(&place);
    }
}

async fn bring_to_live(hub: &Rc<Hub>, place: &Place, plan: &Plan, hold: Option<Hold>) -> Result<(), Over> {
    let running = hub.running().ok_or(Over)?;
    if plan.gapless || plan.states {
        while !running.progress.wait_applied(plan.start, APPLY_POLL).await {
            if place.queue.has_ended() {
                return Err(Over);
            }
        }
    }
    for topic in plan.topics.iter().filter(|topic| plan.gapless && topic.is_gapless()) {
        gapless(hub, running, place, plan, *topic).await?;
    }
    catch_up(hub, running, place, hold).await?;
    for topic in plan.topics.iter().filter(|topic| plan.states && !topic.is_gapless()) {
        match topic {
            Topic::SkuLocations => {
                let mut after: Option<(String, String)> = None;
                let next = || {
                    let from = after.as_ref().map(|(sku, location)| (sku.as_str(), location.as_str()));
                    let limit = hub.config.snapshot_page_items;
                    let found = running.directory.sku_locations_after(place.viewer.tenant, from, limit);
                    if let Some((EntityKey::SkuLocation { sku, location, .. }, _)) = found.last() {
                        after = Some((sku.to_string(), location.to_string()));
                    }
                    found
                };
                entities::<SkuLocation>(hub, running, place, plan, *topic, next).await?;
            }
            Topic::Suppliers => {
                let mut after = String::new();
                let next = || {
                    let limit = hub.config.snapshot_page_items;
                    let found = running.directory.suppliers_after(place.viewer.tenant, &after, limit);
                    if let Some((EntityKey::Supplier { supplier, .. }, _)) = found.last() {
                        after = supplier.to_string();
                    }
                    found
                };
                entities::<Supplier>(hub, running, place, plan, *topic, next).await?;
            }
            _ => {
                let item = hub.stats_item(&hub.state.borrow(), running, &place.viewer);
                let mut page = Page::new(&place.id, *topic);
                if shows_state(hub, place, plan, &StateKey::Stats, &item)? {
                    page.push(&item.to_string());
                }
                send(hub, place, page.finish(true, &position(hub, running, place)?)).await?;
            }
        }
    }
    place.queue.open_states(place.serial);
    Ok(())
}

/// Puts a frame into the queue once there is room.
async fn send(hub: &Hub, place: &Place, text: String) -> Result<(), Over> {
    if !place.queue.wait_for_room().await {
        return Err(Over);
    }
    accepted(hub, place, place.queue.push(Chunk::own(&text)), None)
}

/// Goes on after frames were queued, `first` the first event among them. There was room for half a queue: what did not
/// fit is longer than that, and leaving it out would be a gap.
fn accepted(hub: &Hub, place: &Place, pushed: Pushed, first: Option<Lsn>) -> Result<(), Over> {
    match pushed {
        Pushed::Queued => Ok(()),
        Pushed::Overflow => {
            hub.cut(place, first);
            Err(Over)
        }
        Pushed::Ended => Err(Over),
    }
}

/// The position up to which this subscription has, once its queue is written, all events that it may see.
fn position(hub: &Hub, running: &Running, place: &Place) -> Result<String, Over> {
    let at = hub.with_subscription(place, |own, view| own.follower.place(view.ring.head())).ok_or(Over)?;
    Ok(running.position(at))
}

/// What is open of a gapless topic as it is now: at least as of the plan's start.
async fn gapless(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
    plan: &Plan,
    topic: Topic,
) -> Result<(), Over> {
    let position = running.position(plan.start);
    let mut page = Page::new(&place.id, topic);
    for open in list(hub, place, plan, topic).await? {
        let Some(item) = open.json() else { continue };
        if page.is_full(item.len(), hub.config.snapshot_page_items, place.queue.page_bytes_max()) {
            send(hub, place, page.finish(false, &position)).await?;
        }
        page.push(&item);
        if plan.filter.is_some() {
            hub.with_subscription(place, |own, _| own.known.see(open.number(), true, Stage::Middle))
                .ok_or(Over)?;
        }
    }
    send(hub, place, page.finish(true, &position)).await
}

/// The items that the viewer sees and the filter lets through, by id. There may be very many: they are looked through
/// beside the hub's thread.
async fn list(hub: &Rc<Hub>, place: &Place, plan: &Plan, topic: Topic) -> Result<Vec<Open>, Over> {
    let _turn = hub.work.acquire().await.map_err(|_| Over)?;
    let (tower, viewer, filter) = (hub.tower.clone(), (*place.viewer).clone(), plan.filter.clone());
    let listing = tokio::task::spawn_blocking(move || {
        let running = tower.running()?;
        event::open_items(running, &viewer, topic, filter.as_deref())
    });
    listing.await.ok().flatten().ok_or(Over)
}

/// Every entity in scope, page by page of the directory.
async fn entities<E: Hosted>(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
    plan: &Plan,
    topic: Topic,
    mut next: impl FnMut() -> Vec<(EntityKey, Address)>,
) -> Result<(), Over> {
    let mut page = Page::new(&place.id, topic);
    loop {
        if !place.queue.wait_for_room().await {
            return Err(Over);
        }
        let position = position(hub, running, place)?;
        let found = next();
        let is_last = found.is_empty();
        for (key, item) in states::<E>(hub, running, place, found).await? {
            if !shows_state(hub, place, plan, &StateKey::Entity(key), &item)? {
                continue;
            }
            let item = item.to_string();
            if page.is_full(item.len(), hub.config.snapshot_page_items, place.queue.page_bytes_max()) {
                send(hub, place, page.finish(false, &position)).await?;
            }
            page.push(&item);
        }
        if is_last {
            return send(hub, place, page.finish(true, &position)).await;
        }
    }
}

/// Whether a state belongs into the snapshot: it matches the filter, and no newer one of the thing was published while
/// it was read.
fn shows_state(hub: &Hub, place: &Place, plan: &Plan, key: &StateKey, item: &Value) -> Result<bool, Over> {
    let Some(condition) = &plan.filter else { return Ok(true) };
    let matches = item.as_object().is_some_and(|item| filter::matches(condition, item));
    let lsn = item.get("lsn").and_then(Value::as_u64).map_or(Lsn::ZERO, Lsn);
    let number = key.number();
    hub.with_subscription(place, |own, _| {
        let newer = own.overtaken.as_ref().and_then(|overtaken| overtaken.get(&number));
        let shown = matches && newer.is_none_or(|newer| *newer <= lsn);
        if shown {
            own.known.see(number, true, Stage::Middle);
        }
        shown
    })
    .ok_or(Over)
}

/// The states of those entities that the viewer sees, read on their own threads.
async fn states<E: Hosted>(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
    found: Vec<(EntityKey, Address)>,
) -> Result<Vec<(EntityKey, Value)>, Over> {
    let reference = running.reference();
    let tenant = reference.tenant(place.viewer.tenant).ok_or(Over)?;
    let _turn = hub.work.acquire().await.map_err(|_| Over)?;
    let visible = found.into_iter().filter(|(key, _)| sees_entity(&place.viewer.principal, tenant, key));
    let asked = visible.map(|(key, address)| async move {
        let read = ask::<E, _>(running, address, |entity, key, now, reference| {
            entity.state_item(key, now, reference)
        });
        // An entity that is being rebuilt has no state to show; it comes as a change when it has.
        read.await.map(|seen| (key, with_lsn(seen.value, seen.lsn)))
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

/// Queues the events between the subscription's place and the live stream, and lets it join.
async fn catch_up(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
    mut hold: Option<Hold>,
) -> Result<(), Over> {
    loop {
        if !place.queue.wait_for_room().await {
            return Err(Over);
        }
        let reference = running.reference();
        let mut builder = ChunkBuilder::default();
        let step = hub.with_subscription(place, |own, view| {
            if !own.has_gapless() {
                own.follower.has_read(view.ring.head());
            }
            let Subscription { follower, topics, filter, known, .. } = own;
            let mut told = Told { place, reference: &reference, topics, filter: filter.as_deref(), known };
            let mut looked_at = 0;
            let step = follower.step(view.ring, |event| {
                let has_room = builder.bytes() < CHUNK_BYTES_MAX && looked_at < EVENTS_AT_ONCE;
                looked_at += 1;
                if has_room {
                    told.add(&mut builder, running, &view.event_head, event);
                }
                has_room
            });
            (step, push_all(place, &mut builder))
        });
        let (step, (pushed, first)) = step.ok_or(Over)?;
        accepted(hub, place, pushed, first)?;
        match step {
            Step::Live => return Ok(()),
            // Others want the thread as well.
            Step::Room => tokio::task::yield_now().await,
            Step::Journal { from, upto } => {
                // A hold that was lost does no harm as long as the records are there.
                let _ = hold.as_mut().map(|hold| hold.advance(from.0));
                let piece = read_piece(hub, running, from, upto).await.map_err(|failure| {
                    match failure {
                        // Too slow for what a reader may hold: it comes back, and gets a full snapshot.
                        ReadError::History(HistoryError::Journal(JournalError::Trimmed { .. })) => {
                            hub.cut(place, Some(from));
                        }
                        failure => {
                            error!(%failure, "events can't be read from the journal");
                            hub.fail(place);
                        }
                    }
                    Over
                })?;
                take_piece(hub, running, place, piece).await?;
            }
        }
    }
}

/// What a subscription is told of events that it catches up on.
struct Told<'a> {
    place: &'a Place,
    reference: &'a Reference,
    topics: &'a [Topic],
    filter: Option<&'a Filter>,
    known: &'a mut Known,
}

impl Told<'_> {
    fn add(&mut self, builder: &mut ChunkBuilder, running: &Running, head: &str, event: &Event) {
        if !self.topics.contains(&event.topic) || !event.is_visible(&self.place.viewer, self.reference) {
            return;
        }
        let narrowed = event.narrowed(&self.place.viewer, self.reference);
        let verdict = match self.filter {
            None => Verdict::Matches,
            Some(filter) => {
                let matches = match &narrowed {
                    Some(narrowed) => event.matches(narrowed, &filter.condition()),
                    None => event.item().is_some_and(|item| filter::matches(&filter.condition(), &item)),
                };
                self.known.see(event.item_number(), matches, event.stage())
            }
        };
        if verdict == Verdict::Silence {
            return;
        }
        let tail = match &narrowed {
            Some(narrowed) => event.tail_of(narrowed, running),
            None => event.tail(running).cloned(),
        };
        if let Some(tail) = tail {
            builder.push_event(event.lsn(), head, verdict == Verdict::Matches, &tail);
        }
    }
}

/// Queues what was gathered; with the first event of it.
fn push_all(place: &Place, builder: &mut ChunkBuilder) -> (Pushed, Option<Lsn>) {
    if builder.frames() == 0 {
        return (Pushed::Queued, None);
    }
    let first = builder.first();
    (place.queue.push(builder.finish()), first)
}

/// Why a piece of the past was not read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the tower is ending")]
    Ending,
}

async fn read_piece(hub: &Rc<Hub>, running: &Running, from: Lsn, upto: Lsn) -> Result<Piece, ReadError> {
    let _turn = hub.work.acquire().await.map_err(|_| ReadError::Ending)?;
    let reader = running.reader.clone();
    let read = tokio::task::spawn_blocking(move || history::read(&reader, from, upto));
    Ok(read.await.map_err(|_| ReadError::Ending)??)
}

async fn take_piece(hub: &Rc<Hub>, running: &Running, place: &Place, piece: Piece) -> Result<(), Over> {
    let mut events = piece.events.iter().peekable();
    while events.peek().is_some() {
        if !place.queue.wait_for_room().await {
            return Err(Over);
        }
        let reference = running.reference();
        let mut builder = ChunkBuilder::default();
        let taken = hub.with_subscription(place, |own, view| {
            let Subscription { follower, topics, filter, known, .. } = own;
            let mut told = Told { place, reference: &reference, topics, filter: filter.as_deref(), known };
            let mut looked_at = 0;
            while builder.bytes() < CHUNK_BYTES_MAX
                && looked_at < EVENTS_AT_ONCE
                && let Some(event) = events.next()
            {
                if !view.no_ops.contains(event.lsn()) {
                    told.add(&mut builder, running, &view.event_head, event);
                }
                follower.has_read(event.lsn());
                looked_at += 1;
            }
            push_all(place, &mut builder)
        });
        let (pushed, first) = taken.ok_or(Over)?;
        accepted(hub, place, pushed, first)?;
        // Others want the thread as well.
        tokio::task::yield_now().await;
    }
    hub.with_subscription(place, |own, _| own.follower.has_read(piece.upto)).ok_or(Over)
}
