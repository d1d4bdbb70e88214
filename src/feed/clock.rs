//! What the hub does by the clock: pings, the statistics of the second, forgetting sockets that are gone, the goodbye.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use tokio::time::Instant;
use tracing::info;

use super::chunk::Chunk;
use super::frame;
use super::handle::{SocketId, Viewer};
use super::hub::{Hub, HubState, Socket};
use super::publish::{FreshState, put};
use super::queue::{Closing, Pushed, StateKey};
use super::request::Topic;
use super::stats;
use crate::domain::ids::TenantNumber;
use crate::runtime::{Phase, Running};

/// Time between two items of the topic `stats`.
const STATS_INTERVAL: Duration = Duration::from_secs(1);
/// The close code of a tower that stops.
pub const CLOSE_RESTART: u16 = 1012;

impl Hub {
    /// Does what is due.
    pub(super) fn look_at_the_clock(&self) {
        let Some(running) = self.running() else { return };
        let mut state = self.state.borrow_mut();
        let gone: Vec<SocketId> =
            state.sockets.iter().filter(|(_, socket)| socket.queue.has_ended()).map(|(id, _)| *id).collect();
        for id in gone {
            if let Some(socket) = state.sockets.remove(&id) {
                self.end_all(socket);
            }
        }
        if self.tower.phase() == Phase::Draining {
            self.say_goodbye(&mut state, running);
        }
        let now = Instant::now();
        let head = state.ring.head();
        let is_disk_full = running.is_disk_full();
        // Whether anything new is taken concerns everyone at once, whatever they subscribe to.
        let has_changed = std::mem::replace(&mut state.is_disk_full, is_disk_full) != is_disk_full;
        let mut slow = Vec::new();
        let due = |socket: &Socket| has_changed || socket.next_ping <= now;
        for (id, socket) in state.sockets.iter_mut().filter(|(_, socket)| due(socket)) {
            socket.next_ping = now + Duration::from_secs(self.config.ping_interval_s);
            let ping = frame::ping(&running.position(socket.place(head)), is_disk_full);
            if socket.queue.push(Chunk::own(&ping)) == Pushed::Overflow {
                slow.push(*id);
            }
        }
        for id in slow {
            self.cut_slow(&mut state, running, id, head.next());
        }
        if state.next_stats <= now {
            state.next_stats = now + STATS_INTERVAL;
            state.heads.retain(|_, head| Arc::strong_count(head) > 1);
            self.tower.metrics.feed_filters.set(state.filters.in_use() as i64);
            self.spread_stats(&mut state, running);
        }
        self.tower.metrics.feed_sockets.set(state.sockets.len() as i64);
    }

    /// Tells every socket where to come back.
    fn say_goodbye(&self, state: &mut HubState, running: &Running) {
        let head = state.ring.head();
        if !state.sockets.is_empty() {
            info!(sockets = state.sockets.len(), "closing the feed's sockets");
        }
        for (_, socket) in std::mem::take(&mut state.sockets) {
            let position = running.position(socket.place(head));
            socket.queue.push(Chunk::own(&frame::ping(&position, running.is_disk_full())));
            socket.queue.close(Closing { code: CLOSE_RESTART, reason: position });
            self.end_all(socket);
        }
    }

    fn spread_stats(&self, state: &mut HubState, running: &Running) {
        self.tower.metrics.sample(running.progress.durable().0, Instant::now().into_std());
        let subscribed =
            |socket: &Socket| socket.subscriptions.values().any(|s| s.topics.contains(&Topic::Stats));
        let viewers = state.sockets.iter().filter(|(_, socket)| subscribed(socket));
        let viewers: Vec<(SocketId, Rc<Viewer>)> =
            viewers.map(|(id, socket)| (*id, socket.viewer.clone())).collect();
        let mut shared: HashMap<TenantNumber, (u64, Rc<FreshState>), FixedState> = HashMap::default();
        let mut slow = Vec::new();
        for (id, viewer) in viewers {
            let mut make = || {
                state.batch += 1;
                let (item, lsn) = (self.stats_item(state, running, &viewer), running.progress.applied());
                let fresh = FreshState::new(Topic::Stats, viewer.tenant, StateKey::Stats, lsn, item);
                (state.batch, Rc::new(fresh))
            };
            // Who sees the whole tenant sees the same as everyone else who does.
            let fresh = match shared.get(&viewer.tenant) {
                Some(fresh) if viewer.principal.scope.is_unrestricted() => fresh.clone(),
                _ => make(),
            };
            if viewer.principal.scope.is_unrestricted() {
                shared.insert(viewer.tenant, fresh.clone());
            }
            let Some(Socket { subscriptions, queue, .. }) = state.sockets.get_mut(&id) else { continue };
            for subscription in subscriptions.values_mut().filter(|s| s.topics.contains(&Topic::Stats)) {
                if put(subscription, queue, fresh.0, 0, &fresh.1) == Pushed::Overflow {
                    slow.push(id);
                    break;
                }
            }
        }
        let next = state.ring.head().next();
        for id in slow {
            self.cut_slow(state, running, id, next);
        }
    }

    /// The statistics that a viewer sees.
    pub(super) fn stats_item(
        &self,
        state: &HubState,
        running: &Running,
        viewer: &Viewer,
    ) -> serde_json::Value {
        stats::item(running, &self.tower.metrics.recent, viewer, state.sockets.len())
    }
}
