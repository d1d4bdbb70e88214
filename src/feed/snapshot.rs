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
use super::event::Event;
use super::frame::{Page, ShownException};
use super::history::{self, Piece};
use super::hub::{Hub, Place, sees_entity};
use super::queue::{Frame, Pushed};
use super::request::Topic;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::sku_location::SkuLocation;
use crate::domain::supplier::Supplier;
use crate::http::inspect::{ask, with_lsn};
use crate::runtime::directory::Address;
use crate::runtime::{Hosted, Running};

/// How long to wait for the tower to apply what is durable before looking again whether the client is still there.
const APPLY_POLL: Duration = Duration::from_secs(1);

/// What a new subscription gets before it is live.
pub struct Plan {
    /// The client has, or gets by snapshots, everything up to here.
    pub start: Lsn,
    /// Snapshots of the gapless topics.
    pub gapless: bool,
    /// Snapshots of the state topics.
    pub states: bool,
    pub topics: Vec<Topic>,
}

/// The subscription or its socket has ended.
struct Over;

/// Serves a subscription until it is live.
pub async fn serve(hub: Rc<Hub>, place: Place, plan: Plan) {
    if bring_to_live(&hub, &place, &plan).await.is_ok() {
        hub.served(&place);
    }
}

async fn bring_to_live(hub: &Rc<Hub>, place: &Place, plan: &Plan) -> Result<(), Over> {
    let running = hub.running().ok_or(Over)?;
    if plan.gapless || plan.states {
        while !running.progress.wait_applied(plan.start, APPLY_POLL).await {
            if place.queue.has_ended() {
                return Err(Over);
            }
        }
    }
    for topic in plan.topics.iter().filter(|topic| plan.gapless && topic.is_gapless()) {
        match topic {
            Topic::Exceptions => exceptions(hub, running, place, plan.start).await?,
            _ => {
                send(hub, place, Page::new(&place.id, *topic).finish(true, &running.position(plan.start)))
                    .await?
            }
        }
    }
    catch_up(hub, running, place).await?;
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
                entities::<SkuLocation>(hub, running, place, *topic, next).await?;
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
                entities::<Supplier>(hub, running, place, *topic, next).await?;
            }
            _ => {
                let item = hub.stats_item(&hub.state.borrow(), running, &place.viewer);
                let mut page = Page::new(&place.id, *topic);
                page.push(&item.to_string());
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
    accepted(hub, place, place.queue.push(Frame::own(text)))
}

/// Goes on after a frame was queued. There was room for half a queue: a frame that did not fit is longer than that, and
/// leaving it out would be a gap.
fn accepted(hub: &Hub, place: &Place, pushed: Pushed) -> Result<(), Over> {
    match pushed {
        Pushed::Queued => Ok(()),
        Pushed::Overflow => {
            hub.cut(place);
            Err(Over)
        }
        Pushed::Ended => Err(Over),
    }
}

/// The position up to which this subscription has, once its queue is written, all events that it may see.
fn position(hub: &Hub, running: &Running, place: &Place) -> Result<String, Over> {
    let at = hub.with_follower(place, |follower, view| follower.place(view.ring.head())).ok_or(Over)?;
    Ok(running.position(at))
}

/// The open exceptions as they are now: at least as of `start`.
async fn exceptions(hub: &Rc<Hub>, running: &Running, place: &Place, start: Lsn) -> Result<(), Over> {
    let position = running.position(start);
    let mut open = {
        let reference = running.reference();
        let tenant = reference.tenant(place.viewer.tenant).ok_or(Over)?;
        let principal = &place.viewer.principal;
        running.exceptions.select(place.viewer.tenant, false, |entry| {
            crate::http::visibility::sees_exception(principal, tenant, &entry.item)
        })
    };
    open.sort_unstable_by(|a, b| a.item.id.cmp(&b.item.id));
    let mut page = Page::new(&place.id, Topic::Exceptions);
    for entry in open {
        let shown = ShownException { item: &entry.item, lsn: entry.lsn };
        let Ok(item) = serde_json::to_string(&shown) else { continue };
        if page.is_full(item.len(), hub.config.snapshot_page_items, place.queue.page_bytes_max()) {
            send(hub, place, page.finish(false, &position)).await?;
        }
        page.push(&item);
    }
    send(hub, place, page.finish(true, &position)).await
}

/// Every entity in scope, page by page of the directory.
async fn entities<E: Hosted>(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
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
        for item in states::<E>(hub, running, place, found).await? {
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

/// The states of those entities that the viewer sees, read on their own threads.
async fn states<E: Hosted>(
    hub: &Rc<Hub>,
    running: &Running,
    place: &Place,
    found: Vec<(EntityKey, Address)>,
) -> Result<Vec<Value>, Over> {
    let reference = running.reference();
    let tenant = reference.tenant(place.viewer.tenant).ok_or(Over)?;
    let _turn = hub.work.acquire().await.map_err(|_| Over)?;
    let visible = found.into_iter().filter(|(key, _)| sees_entity(&place.viewer.principal, tenant, key));
    let asked = visible.map(|(_, address)| {
        ask::<E, _>(running, address, |entity, key, now, reference| entity.state_item(key, now, reference))
    });
    // An entity that is being rebuilt has no state to show; it comes as a change when it has.
    Ok(join_all(asked).await.into_iter().flatten().map(|seen| with_lsn(seen.value, seen.lsn)).collect())
}

/// Queues the events between the subscription's place and the live stream, and lets it join.
async fn catch_up(hub: &Rc<Hub>, running: &Running, place: &Place) -> Result<(), Over> {
    loop {
        if !place.queue.wait_for_room().await {
            return Err(Over);
        }
        let reference = running.reference();
        let mut pushed = Pushed::Queued;
        let step = hub.with_follower(place, |follower, view| {
            if !view.wants_exceptions {
                // No other topic has events yet.
                follower.has_read(view.ring.head());
            }
            follower.step(view.ring, |event| {
                if pushed != Pushed::Queued || !place.queue.has_room() {
                    return false;
                }
                if event.is_visible(&place.viewer, &reference)
                    && let Some(frame) = event.frame(running, &view.event_head)
                {
                    pushed = place.queue.push(frame);
                }
                pushed == Pushed::Queued
            })
        });
        accepted(hub, place, pushed)?;
        match step.ok_or(Over)? {
            Step::Live => return Ok(()),
            Step::Room => {}
            Step::Journal { from, upto } => {
                let piece = read_piece(hub, running, from, upto).await.map_err(|failure| {
                    error!(%failure, "events can't be read from the journal");
                    hub.fail(place);
                    Over
                })?;
                take_piece(hub, running, place, piece).await?;
            }
        }
    }
}

async fn read_piece(hub: &Rc<Hub>, running: &Running, from: Lsn, upto: Lsn) -> Result<Piece, String> {
    let _turn = hub.work.acquire().await.map_err(|error| error.to_string())?;
    let reader = running.reader.clone();
    let read = tokio::task::spawn_blocking(move || history::read(&reader, from, upto));
    read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

async fn take_piece(hub: &Rc<Hub>, running: &Running, place: &Place, piece: Piece) -> Result<(), Over> {
    let reference = running.reference();
    for record in piece.transitions {
        if !place.queue.wait_for_room().await {
            return Err(Over);
        }
        let lsn = record.lsn;
        let event = Event::new(Arc::clone(&record));
        let taken = hub.with_follower(place, |follower, view| {
            let shown = !view.revisions.is_no_op(lsn) && event.is_visible(&place.viewer, &reference);
            let frame = if shown { event.frame(running, &view.event_head) } else { None };
            let pushed = frame.map_or(Pushed::Queued, |frame| place.queue.push(frame));
            if pushed == Pushed::Queued {
                follower.has_read(lsn);
            }
            pushed
        });
        accepted(hub, place, taken.ok_or(Over)?)?;
    }
    hub.with_follower(place, |follower, _| follower.has_read(piece.upto)).ok_or(Over)
}
