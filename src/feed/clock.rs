//! What the hub does by the clock: pings, the statistics of the second, forgetting sockets that are gone, the goodbye.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use tokio::time::Instant;
use tracing::info;

use super::frame;
use super::handle::{SocketId, Viewer};
use super::hub::{Hub, HubState};
use super::queue::{Closing, Frame, Pushed, StateKey};
use super::request::Topic;
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
        let mut slow = Vec::new();
        for (id, socket) in state.sockets.iter_mut().filter(|(_, socket)| socket.next_ping <= now) {
            socket.next_ping = now + Duration::from_secs(self.config.ping_interval_s);
            if socket.queue.push(Frame::own(frame::ping(&running.position(socket.place(head)))))
                == Pushed::Overflow
            {
                slow.push(*id);
            }
        }
        for id in slow {
            self.cut_slow(&mut state, running, id, head.next());
        }
        if state.next_stats <= now {
            state.next_stats = now + STATS_INTERVAL;
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
            socket.queue.push(Frame::own(frame::ping(&position)));
            socket.queue.close(Closing { code: CLOSE_RESTART, reason: position });
            self.end_all(socket);
        }
    }

    fn spread_stats(&self, state: &mut HubState, running: &Running) {
        state.rates.sample(running.progress.durable(), Instant::now());
        let mut shared: HashMap<TenantNumber, Arc<str>, FixedState> = HashMap::default();
        for socket in state.sockets.values() {
            let viewer = &socket.viewer;
            for subscription in socket.subscriptions.values().filter(|s| s.topics.contains(&Topic::Stats)) {
                let make = || {
                    let item = self.stats_item(state, running, viewer);
                    frame::state_tail(Topic::Stats, running.progress.applied(), &item.to_string())
                };
                // Who sees the whole tenant sees the same as everyone else who does.
                let tail = if viewer.principal.scope.is_unrestricted() {
                    shared.entry(viewer.tenant).or_insert_with(make).clone()
                } else {
                    make()
                };
                socket.queue.put_state(subscription.serial, StateKey::Stats, tail);
            }
        }
    }

    /// The statistics that a viewer sees.
    pub(super) fn stats_item(
        &self,
        state: &HubState,
        running: &Running,
        viewer: &Viewer,
    ) -> serde_json::Value {
        state.rates.item(running, viewer, state.sockets.len())
    }
}
