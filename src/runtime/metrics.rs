//! Counters and gauges that `/metrics` shows. Labels are few and known; never a SKU.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::rates::{Counts, RecentCounts};
use crate::domain::approval_case::AttemptOutcome;

/// What became of events at the door.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventOutcomeLabel {
    pub outcome: &'static str,
}

/// Why an event or request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CodeLabel {
    pub code: String,
}

/// An answer's status class.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatusLabel {
    pub status: u16,
}

/// A system of record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TargetLabel {
    pub target: String,
}

/// What became of an attempt to deliver an action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabel {
    pub target: String,
    pub outcome: &'static str,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ShardLabel {
    pub shard: u32,
}

/// Where an entity's state came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceLabel {
    pub from: &'static str,
}

/// Everything counted while the tower runs.
pub struct Metrics {
    pub registry: Registry,
    /// What some of these were in each second of the last minute.
    pub recent: RecentCounts,
    pub events: Family<EventOutcomeLabel, Counter>,
    pub rejections: Family<CodeLabel, Counter>,
    pub responses: Family<StatusLabel, Counter>,
    pub groups: Counter,
    pub group_records: Histogram,
    pub journal_bytes: Counter,
    pub group_seconds: Histogram,
    pub disk_full: Counter,
    pub proposals: Counter,
    pub looks_spared: Counter,
    pub proposals_left_out: Counter,
    pub costings: Counter,
    pub costing_failures: Counter,
    pub stale_transitions: Counter,
    pub entity_failures: Counter,
    pub read_failures: Counter,
    pub reviews: Counter,
    pub reviews_waiting: Family<ShardLabel, Gauge>,
    pub dirty_entities: Family<ShardLabel, Gauge>,
    pub entities_live: Family<ShardLabel, Gauge>,
    pub entities_packed: Family<ShardLabel, Gauge>,
    pub entities_stored: Family<ShardLabel, Gauge>,
    pub entities_packed_bytes: Family<ShardLabel, Gauge>,
    pub records_behind: Family<ShardLabel, Gauge>,
    /// The sum of those.
    pub packed_bytes: AtomicUsize,
    pub passivations: Counter,
    pub activations: Family<SourceLabel, Counter>,
    pub activation_seconds: Histogram,
    pub feed_frames: Counter,
    pub feed_slow_closes: Counter,
    pub feed_sockets: Gauge,
    pub feed_subscriptions: Gauge,
    pub feed_filters: Gauge,
    pub feed_ring_events: Gauge,
    pub outbox_attempts: Family<AttemptLabel, Counter>,
    pub outbox_in_flight: Family<TargetLabel, Gauge>,
    pub outbox_breaker_state: Family<TargetLabel, Gauge>,
    pub outbox_pending: Family<TargetLabel, Gauge>,
    pub outbox_dead_letters: Family<TargetLabel, Gauge>,
    pub outbox_oldest_pending: Family<TargetLabel, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("tidewatch"),
            recent: RecentCounts::default(),
            events: Family::default(),
            rejections: Family::default(),
            responses: Family::default(),
            groups: Counter::default(),
            group_records: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            journal_bytes: Counter::default(),
            group_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            disk_full: Counter::default(),
            proposals: Counter::default(),
            looks_spared: Counter::default(),
            proposals_left_out: Counter::default(),
            costings: Counter::default(),
            costing_failures: Counter::default(),
            stale_transitions: Counter::default(),
            entity_failures: Counter::default(),
            read_failures: Counter::default(),
            reviews: Counter::default(),
            reviews_waiting: Family::default(),
            dirty_entities: Family::default(),
            entities_live: Family::default(),
            entities_packed: Family::default(),
            entities_stored: Family::default(),
            entities_packed_bytes: Family::default(),
            records_behind: Family::default(),
            packed_bytes: AtomicUsize::new(0),
            passivations: Counter::default(),
            activations: Family::default(),
            activation_seconds: Histogram::new(exponential_buckets(0.000_001, 2.0, 20)),
            feed_frames: Counter::default(),
            feed_slow_closes: Counter::default(),
            feed_sockets: Gauge::default(),
            feed_subscriptions: Gauge::default(),
            feed_filters: Gauge::default(),
            feed_ring_events: Gauge::default(),
            outbox_attempts: Family::default(),
            outbox_in_flight: Family::default(),
            outbox_breaker_state: Family::default(),
            outbox_pending: Family::default(),
            outbox_dead_letters: Family::default(),
            outbox_oldest_pending: Family::default(),
        };
        let r = &mut metrics.registry;
        r.register("events", "Events at the door, by what became of them", metrics.events.clone());
        r.register("rejections", "Events rejected, by code", metrics.rejections.clone());
        r.register("http_responses", "HTTP answers, by status", metrics.responses.clone());
        r.register("journal_groups", "Groups written and synced", metrics.groups.clone());
        r.register("journal_group_records", "Records in a group", metrics.group_records.clone());
        r.register_with_unit(
            "journal_written",
            "Bytes of records written",
            Unit::Bytes,
            metrics.journal_bytes.clone(),
        );
        r.register_with_unit(
            "journal_group",
            "Writing and syncing a group",
            Unit::Seconds,
            metrics.group_seconds.clone(),
        );
        r.register("journal_disk_full", "Groups that met a full disk", metrics.disk_full.clone());
        r.register("costings", "Cases whose options were computed", metrics.costings.clone());
        r.register(
            "costing_failures",
            "Cases whose options could not be computed; they are tried again",
            metrics.costing_failures.clone(),
        );
        r.register("proposals", "Transitions proposed by entities", metrics.proposals.clone());
        r.register(
            "looks_spared",
            "Times that proposals took effect and nobody had to look again",
            metrics.looks_spared.clone(),
        );
        r.register(
            "proposals_left_out",
            "Transitions that were too large to be journaled",
            metrics.proposals_left_out.clone(),
        );
        r.register(
            "stale_transitions",
            "Transitions that came back with a revision that was no longer the next one",
            metrics.stale_transitions.clone(),
        );
        r.register(
            "entity_failures",
            "Entities quarantined because their code failed",
            metrics.entity_failures.clone(),
        );
        r.register("read_failures", "Reads of an entity's state that failed", metrics.read_failures.clone());
        r.register("reviews", "Entities looked at because their time had come", metrics.reviews.clone());
        r.register("reviews_waiting", "Reviews set for later", metrics.reviews_waiting.clone());
        r.register(
            "dirty_entities",
            "Places of entities in the queues of those who wait to look",
            metrics.dirty_entities.clone(),
        );
        r.register("feed_frames", "Frames sent to feed clients", metrics.feed_frames.clone());
        r.register(
            "feed_slow_closes",
            "Feed clients closed because they fell behind",
            metrics.feed_slow_closes.clone(),
        );
        r.register("feed_sockets", "Open feed sockets", metrics.feed_sockets.clone());
        r.register("feed_subscriptions", "Subscriptions on feed sockets", metrics.feed_subscriptions.clone());
        r.register("feed_filters", "Different filters in use on the feed", metrics.feed_filters.clone());
        r.register(
            "feed_ring_events",
            "Events in memory for clients that come back",
            metrics.feed_ring_events.clone(),
        );
        metrics.register_presence();
        metrics.register_outbox();
        metrics
    }
}

impl Metrics {
    /// Notes how far the counts of events are, and the journal: once a second.
    pub fn sample(&self, records: u64, now: Instant) {
        let events = |outcome| self.events.get_or_create(&EventOutcomeLabel { outcome }).get();
        let counts = Counts {
            records,
            accepted: events("accepted"),
            duplicates: events("duplicate"),
            rejected: events("rejected"),
        };
        self.recent.sample(counts, now);
    }

    fn register_presence(&mut self) {
        let r = &mut self.registry;
        r.register("entities_live", "Entities with an actor", self.entities_live.clone());
        r.register(
            "entities_packed",
            "Idle entities without an actor, whose states are kept as they are written",
            self.entities_packed.clone(),
        );
        r.register(
            "entities_stored",
            "Idle entities without an actor, whose states stand in the newest snapshot alone",
            self.entities_stored.clone(),
        );
        r.register_with_unit(
            "entities_packed",
            "What the states of packed entities take",
            Unit::Bytes,
            self.entities_packed_bytes.clone(),
        );
        r.register(
            "records_behind",
            "Records of the replay that wait beside the states of resting entities",
            self.records_behind.clone(),
        );
        r.register("passivations", "Idle entities whose actors were ended", self.passivations.clone());
        r.register("activations", "Entities woken up, by where their states were", self.activations.clone());
        r.register_with_unit(
            "activation",
            "Reading a state, and starting its actor",
            Unit::Seconds,
            self.activation_seconds.clone(),
        );
    }

    /// What packed states take on all shards.
    pub fn entities_packed_bytes_in_all(&self) -> usize {
        self.packed_bytes.load(Ordering::Relaxed)
    }

    fn register_outbox(&mut self) {
        let r = &mut self.registry;
        r.register(
            "outbox_attempts",
            "Attempts to deliver actions, by target and what became of them",
            self.outbox_attempts.clone(),
        );
        r.register("outbox_in_flight", "Attempts under way", self.outbox_in_flight.clone());
        r.register(
            "outbox_breaker_state",
            "The circuit breaker: 0 closed, 1 half open, 2 open",
            self.outbox_breaker_state.clone(),
        );
        r.register("outbox_pending", "Actions that wait to be delivered", self.outbox_pending.clone());
        r.register(
            "outbox_dead_letters",
            "Actions that nobody tries to deliver any more until a person has looked",
            self.outbox_dead_letters.clone(),
        );
        r.register_with_unit(
            "outbox_oldest_pending",
            "How long ago, by the tenant's clock, the longest waiting action was approved",
            Unit::Seconds,
            self.outbox_oldest_pending.clone(),
        );
    }

    /// Counts an attempt to deliver an action.
    pub fn count_attempt(&self, target: &str, outcome: AttemptOutcome) {
        let label = AttemptLabel { target: target.to_owned(), outcome: outcome.as_str() };
        self.outbox_attempts.get_or_create(&label).inc();
    }

    pub(super) fn group_written(&self, records: u32, bytes: usize, took: Duration) {
        self.groups.inc();
        self.group_records.observe(f64::from(records));
        self.journal_bytes.inc_by(bytes as u64);
        self.group_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn disk_full(&self) {
        self.disk_full.inc();
    }

    /// Counts events by what became of them.
    pub fn count_events(&self, outcome: &'static str, count: u64) {
        if count > 0 {
            self.events.get_or_create(&EventOutcomeLabel { outcome }).inc_by(count);
        }
    }

    /// Counts one rejection.
    pub fn count_rejection(&self, code: &str) {
        self.rejections.get_or_create(&CodeLabel { code: code.to_owned() }).inc();
    }
}
