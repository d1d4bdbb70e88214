//! The section about the WebSocket feed.

use serde::{Deserialize, Serialize};

use super::reader::Section;

/// `[feed]`: the WebSocket feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedConfig {
    /// Milliseconds between two state frames of one item, 10–60,000; what changes in between is conflated.
    pub state_interval_ms: u64,
    /// Gapless events kept in memory, 1,000–10,000,000; a client that resumes further back is served from the
    /// journal.
    pub ring_events_max: usize,
    /// Open sockets, 1–100,000; one more is `503`.
    pub sockets_max: usize,
    /// Subscriptions on one socket, 1–1,000; one more is an error frame.
    pub subscriptions_per_socket_max: usize,
    /// Frames waiting for one client, 100–1,000,000; more close its socket with 4008.
    pub socket_queue_frames_max: usize,
    /// Bytes waiting for one client, 64 KiB–1 GiB; more close its socket with 4008.
    pub socket_queue_bytes_max: usize,
    /// State values waiting for one client, 1,000–10,000,000; more close its socket with 4008.
    pub socket_queue_states_max: usize,
    /// Bytes of a subscription's filter, 1–4,096; a longer one is an error frame.
    pub filter_length_max: usize,
    /// Levels of nesting in a filter, 1–64; a deeper one is an error frame.
    pub filter_depth_max: usize,
    /// Different filters in use, 1–100,000; one more is an error frame. Equal ones count once.
    pub filters_max: usize,
    /// Items that a subscription with a filter remembers as told, 1,000–10,000,000; beyond that its client also hears of
    /// items that never matched.
    pub filter_items_max: usize,
    /// Bytes of one frame from a client, 256 B–1 MiB; more close its socket with 1009.
    pub frame_bytes_max: usize,
    /// Items in one page of a snapshot, 1–10,000.
    pub snapshot_page_items: usize,
    /// Seconds between two pings, 1–600.
    pub ping_interval_s: u64,
    /// Seconds without a sign of a client after which its socket is closed, 2–3,600.
    pub silence_close_s: u64,
    /// Seconds that a ticket is good for, 1–300.
    pub ticket_ttl_s: u64,
    /// Tickets that one principal may have out, 1–10,000; one more is `429`.
    pub tickets_per_principal_max: usize,
}

impl FeedConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            state_interval_ms: section.integer("state_interval_ms", 100, 10..=60_000),
            ring_events_max: section.integer("ring_events_max", 65_536, 1_000..=10_000_000),
            sockets_max: section.integer("sockets_max", 2_000, 1..=100_000),
            subscriptions_per_socket_max: section.integer("subscriptions_per_socket_max", 32, 1..=1_000),
            socket_queue_frames_max: section.integer("socket_queue_frames_max", 10_000, 100..=1_000_000),
            socket_queue_bytes_max: section.integer("socket_queue_bytes_max", 8 << 20, 64 << 10..=1 << 30),
            socket_queue_states_max: section.integer("socket_queue_states_max", 200_000, 1_000..=10_000_000),
            filter_length_max: section.integer("filter_length_max", 2_048, 1..=4_096),
            filter_depth_max: section.integer("filter_depth_max", 32, 1..=64),
            filters_max: section.integer("filters_max", 1_000, 1..=100_000),
            filter_items_max: section.integer("filter_items_max", 100_000, 1_000..=10_000_000),
            frame_bytes_max: section.integer("frame_bytes_max", 64 << 10, 256..=1 << 20),
            snapshot_page_items: section.integer("snapshot_page_items", 500, 1..=10_000),
            ping_interval_s: section.integer("ping_interval_s", 15, 1..=600),
            silence_close_s: section.integer("silence_close_s", 45, 2..=3_600),
            ticket_ttl_s: section.integer("ticket_ttl_s", 30, 1..=300),
            tickets_per_principal_max: section.integer("tickets_per_principal_max", 100, 1..=10_000),
        }
    }
}
