//! Who sends events: what each source sent is summed up for the source's own entity, so that its silence and its volume
//! can be watched without a delivery with every event.
//!
//! A source is followed from the event on with which its usual cadence is known. Its entity hears of the first event
//! of each minute of business time at once, and of all others of that minute together when the minute is over.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::directory::Address;
use super::fold::{Fold, Routed, Sink};
use super::generations::Generations;
use crate::domain::event::{EventData, EventType, FeedTraffic};
use crate::domain::exception::ExceptionType;
use crate::domain::ids::{EntityKey, Name, SubjectKind, TenantNumber};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, Record};
use crate::domain::reference::Reference;
use crate::domain::settings::Segment;
use crate::domain::time::{SECOND, Timestamp};

/// Sources followed per tenant; further ones are counted and not followed.
pub const SOURCES_FOLLOWED_MAX: usize = 1_000;
/// Sources per tenant that are counted until they are followed; those not heard of for longest are forgotten.
pub const SOURCES_COUNTED_MAX: usize = 10_000;

/// The sources of all tenants.
#[derive(Clone, Default)]
pub(super) struct Feeds {
    /// By tenant number; shared with images.
    pub(super) tenants: Vec<Arc<TenantFeeds>>,
    pub(super) refused: u64,
}

impl Feeds {
    /// Sources that would be followed if there were room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    pub(super) fn of(&mut self, tenant: TenantNumber) -> &mut TenantFeeds {
        let at = usize::from(tenant.0);
        if self.tenants.len() <= at {
            self.tenants.resize_with(at + 1, Arc::default);
        }
        Arc::make_mut(&mut self.tenants[at])
    }
}

#[derive(Clone)]
pub(super) struct TenantFeeds {
    /// The running minute of business time.
    pub minute: i64,
    pub by_source: HashMap<Name, usize, FixedState>,
    pub feeds: Vec<Feed>,
    /// Those with something to tell when the minute is over.
    pub waiting: Vec<usize>,
    pub counted: Generations<Name, Counted>,
}

impl Default for TenantFeeds {
    fn default() -> TenantFeeds {
        TenantFeeds {
            minute: i64::MIN,
            by_source: HashMap::default(),
            feeds: Vec::new(),
            waiting: Vec::new(),
            counted: Generations::new(SOURCES_COUNTED_MAX, |_| 1),
        }
    }
}

#[derive(Clone)]
pub(super) struct Feed {
    pub address: Address,
    /// The last minute whose first event was told.
    pub told: i64,
    pub untold: Option<Untold>,
}

/// A source that is not followed yet.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    events: u32,
    since: Timestamp,
    /// Minutes in which any came, and the last of them.
    minutes: u32,
    minute: i64,
    is_refused: bool,
}

/// Events of a source that its entity has not heard of.
#[derive(Clone)]
pub(super) struct Untold {
    pub events: u32,
    pub demand: Quantity,
    /// Of this one only the envelope and the type are told.
    pub last: Arc<Record>,
    /// Item and location of the last demand.
    pub last_demand: Option<(Name, Name)>,
    /// What was counted before its entity hears anything.
    pub begun: Option<(Timestamp, u32)>,
}

impl Untold {
    fn of(record: &Arc<Record>) -> Untold {
        Untold { events: 0, demand: Quantity::ZERO, last: record.clone(), last_demand: None, begun: None }
    }

    fn add(&mut self, record: &Arc<Record>, reference: &Reference) {
        self.events = self.events.saturating_add(1);
        self.last = record.clone();
        if let Some((quantity, sku, location)) = demand_of(record, reference) {
            self.demand += quantity;
            self.last_demand = Some((sku.clone(), location.clone()));
        }
    }

    /// The sum as a record that takes effect where `at` does.
    fn told(self, at: Routed<'_>, reference: &Reference) -> Arc<Record> {
        let period_days = self.last_demand.as_ref().map(|(sku, location)| {
            reference.planning_parameters(at.record.tenant, sku, location, at.business_time).period_days
        });
        let event_type = match self.last.body {
            Body::Event { event_type, .. } => event_type,
            _ => None,
        };
        let traffic = FeedTraffic {
            events: self.events,
            demand: self.demand,
            period_days,
            begun: self.begun,
            last: self.last.lsn,
        };
        Arc::new(Record {
            lsn: at.lsn,
            body: Body::Event { event_type, data: EventData::FeedTraffic(Box::new(traffic)) },
            ..Record::clone(&self.last)
        })
    }
}

/// What an event demands, of what and where: a sale, or an order when it is placed. A sale that its place refuses demands
/// nothing.
fn demand_of<'r>(record: &'r Record, reference: &Reference) -> Option<(Quantity, &'r Name, &'r Name)> {
    let Body::Event { event_type, data } = &record.body else { return None };
    match data {
        EventData::PosSale(sale) => {
            let item = reference.tenant(record.tenant).and_then(|tenant| tenant.item(&sale.sku));
            let sold = sale.in_base_units(item).ok()?;
            Some((sold.quantity, &sale.sku, &sale.location))
        }
        EventData::OrderLine(line) if *event_type == Some(EventType::OrderPlaced) => {
            Some((line.quantity, &line.sku, &line.location))
        }
        _ => None,
    }
}

impl Fold {
    /// Counts an event for its source, and tells the sources' entities what is due.
    pub(super) fn follow_feed(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        data: &EventData,
        sink: &mut impl Sink,
    ) {
        // What waited in the holding area was counted when it came.
        if at.record.lsn != at.lsn {
            return;
        }
        let minute = at.business_time.micros().div_euclid(60 * SECOND);
        let feeds = self.feeds.of(tenant);
        if minute > feeds.minute {
            feeds.minute = minute;
            if !feeds.waiting.is_empty() {
                self.tell_waiting(at, tenant, sink);
            }
        }
        // A clock says when it is, not that somebody sends what happened.
        if matches!(data, EventData::ClockAdvanced(_)) {
            return;
        }
        let feeds = self.feeds.of(tenant);
        let Some(which) = feeds.by_source.get(&at.record.source).copied() else {
            self.count_source(at, tenant, minute, sink);
            return;
        };
        let feed = &mut feeds.feeds[which];
        if feed.told < minute {
            feed.told = minute;
            let mut untold = Untold::of(at.record);
            untold.add(at.record, &self.reference);
            sink.deliver(
                feed.address,
                Routed { record: &untold.told(at, &self.reference), ..at },
                &self.reference,
            );
            return;
        }
        if feed.untold.is_none() {
            feeds.waiting.push(which);
        }
        feed.untold.get_or_insert_with(|| Untold::of(at.record)).add(at.record, &self.reference);
    }

    fn tell_waiting(&mut self, at: Routed<'_>, tenant: TenantNumber, sink: &mut impl Sink) {
        let feeds = self.feeds.of(tenant);
        for which in std::mem::take(&mut feeds.waiting) {
            let feed = &mut feeds.feeds[which];
            if let Some(untold) = feed.untold.take() {
                let record = untold.told(at, &self.reference);
                sink.deliver(feed.address, Routed { record: &record, ..at }, &self.reference);
            }
        }
    }

    /// One more event of a source that is not followed; with enough of them it is.
    fn count_source(&mut self, at: Routed<'_>, tenant: TenantNumber, minute: i64, sink: &mut impl Sink) {
        let source = &at.record.source;
        let settings = self.reference.settings();
        let enough =
            settings.exceptions.kind(&ExceptionType::FeedStale, &Segment::default()).minimum.max(2.0) as u32;
        let has_room = self.has_room_for(1);
        let feeds = self.feeds.of(tenant);
        let has_room = has_room && feeds.feeds.len() < SOURCES_FOLLOWED_MAX;
        let (events, begun, newly_refused) = feeds.counted.change(source.clone(), |counted| {
            if counted.events == 0 {
                counted.since = at.business_time;
            }
            if counted.events == 0 || counted.minute < minute {
                counted.minute = minute;
                counted.minutes = counted.minutes.saturating_add(1);
            }
            counted.events = counted.events.saturating_add(1);
            let is_refused = counted.events >= enough && !has_room;
            let newly = is_refused && !counted.is_refused;
            counted.is_refused |= is_refused;
            (counted.events, (counted.since, counted.minutes), newly)
        });
        self.feeds.refused += u64::from(newly_refused);
        if events < enough || !has_room {
            return;
        }
        let key = EntityKey::Subject { tenant, subject: SubjectKind::Source, id: source.clone() };
        let address = match self.directory.find(&key) {
            Some(address) => address,
            None => self.create(&key, sink),
        };
        let feeds = self.feeds.of(tenant);
        feeds.by_source.insert(source.clone(), feeds.feeds.len());
        feeds.feeds.push(Feed { address, told: minute, untold: None });
        let mut untold = Untold::of(at.record);
        untold.add(at.record, &self.reference);
        untold.events = events;
        untold.begun = Some(begun);
        sink.deliver(address, Routed { record: &untold.told(at, &self.reference), ..at }, &self.reference);
    }
}
