//! Which sources are followed, and what their entities hear of.

use std::sync::Arc;

use parking_lot::RwLock;

use super::directory::{Address, Directory};
use super::feeds::SOURCES_FOLLOWED_MAX;
use super::fold::{Dirty, Fold, Routed, Sink};
use super::quarantine::Quarantine;
use crate::domain::event::{EventData, EventType, FeedTraffic, OrderLine, PosSale};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::domain::time::{SECOND, Timestamp};

const TENANT: TenantNumber = TenantNumber(0);

/// What the sources' entities heard: address, position, business time of the last event, the sum.
#[derive(Default)]
struct Heard {
    sources: Vec<(Address, EntityKey)>,
    traffic: Vec<(Address, Lsn, Timestamp, FeedTraffic)>,
}

impl Sink for Heard {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        if matches!(**key, EntityKey::Subject { subject: SubjectKind::Source, .. }) {
            self.sources.push((address, (**key).clone()));
        }
    }
    fn deliver(&mut self, to: Address, at: Routed<'_>, _: &Reference) {
        if let Body::Event { data: EventData::FeedTraffic(traffic), .. } = &at.record.body {
            assert_eq!(at.lsn, at.record.lsn);
            self.traffic.push((to, at.lsn, at.record.business_time, (**traffic).clone()));
        }
    }
    fn reference_changed(&mut self) {}
    fn dirty(&mut self, _: Dirty, _: Lsn) {}
    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {}
}

struct House {
    fold: Fold,
    heard: Heard,
    lsn: u64,
    second: i64,
}

impl House {
    fn new() -> House {
        let fold = Fold::new(2, Arc::new(Directory::new(2)), Arc::new(RwLock::new(Quarantine::new(100))));
        let mut house = House { fold, heard: Heard::default(), lsn: 0, second: 0 };
        let declared = SystemBody::TenantDeclared {
            name: Name::from("default"),
            clock: ClockKind::Wall,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("UTC"),
        };
        house.take("", Body::System(Box::new(declared)));
        house
    }

    fn take(&mut self, source: &str, body: Body) {
        self.lsn += 1;
        let time = Timestamp::from_micros(self.second * SECOND);
        let record = Arc::new(Record {
            lsn: Lsn(self.lsn),
            tenant: TENANT,
            event_time: time,
            ingest_time: time,
            business_time: time,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::from(source),
            id: Name::from(self.lsn.to_string()),
            sequence: Name::default(),
            principal: Name::default(),
            body,
        });
        self.fold.take(&record, record.lsn, &mut self.heard);
    }

    fn sale(&mut self, source: &str, units: i64) {
        let data = EventData::PosSale(PosSale {
            sku: Name::from("A"),
            location: Name::from("S"),
            quantity: Quantity::from_units(units),
            unit_price: None,
            currency: None,
            uom: None,
        });
        self.take(source, Body::Event { event_type: Some(EventType::PosSale), data });
    }

    fn order(&mut self, source: &str, event_type: EventType, units: i64) {
        let data = EventData::OrderLine(Box::new(OrderLine {
            order_id: Name::from("O"),
            line_id: Name::from("1"),
            sku: Name::from("A"),
            location: Name::from("S"),
            quantity: Quantity::from_units(units),
            customer: None,
            channel: None,
            promised_at: None,
            requested_at: None,
            priority: None,
            unit_price: None,
            currency: None,
            ship_complete: false,
            substitution_allowed: false,
        }));
        self.take(source, Body::Event { event_type: Some(event_type), data });
    }

    fn sums(&self) -> Vec<(u64, u32, i64)> {
        self.heard
            .traffic
            .iter()
            .map(|(_, at, _, traffic)| (at.0, traffic.events, traffic.demand.milli() / 1_000))
            .collect()
    }
}

#[test]
fn a_source_is_followed_from_its_twentieth_event_on() {
    let mut house = House::new();
    for second in 0..19 {
        house.second = second * 30;
        house.sale("till", 1);
    }
    assert_eq!((house.heard.sources.len(), house.heard.traffic.len()), (0, 0));
    house.sale("till", 1);
    assert_eq!(house.heard.sources.len(), 1);
    let (_, at, _, traffic) = &house.heard.traffic[0];
    assert_eq!((at.0, traffic.events, traffic.period_days), (house.lsn, 20, Some(1)));
    // Two of them a minute, and the last two in the tenth.
    assert_eq!(traffic.begun, Some((Timestamp::from_micros(0), 10)));
    assert_eq!(traffic.last, Lsn(house.lsn));
}

#[test]
fn it_hears_of_the_first_event_of_a_minute_at_once_and_of_the_rest_when_the_minute_is_over() {
    let mut house = House::new();
    for _ in 0..20 {
        house.sale("till", 1);
    }
    house.heard.traffic.clear();
    // Still the first minute: nothing more of it is told yet.
    house.sale("till", 5);
    house.order("till", EventType::OrderPlaced, 7);
    house.order("till", EventType::OrderChanged, 9);
    assert_eq!(house.sums(), []);
    house.second = 60;
    // Somebody else's event ends the minute. The change says nothing new of how much is demanded.
    house.sale("web", 1);
    let other = house.lsn;
    assert_eq!(house.sums(), [(other, 3, 12)]);
    assert_eq!(house.heard.traffic[0].2, Timestamp::from_micros(0));
    assert_eq!(house.heard.traffic[0].3.last, Lsn(other - 1));
    for _ in 0..100 {
        house.sale("till", 1);
    }
    assert_eq!(house.sums(), [(other, 3, 12), (other + 1, 1, 1)]);
    house.second = 3_600;
    house.take(
        "clock",
        Body::Event {
            event_type: Some(EventType::ClockAdvanced),
            data: EventData::ClockAdvanced(Timestamp::from_micros(3_600 * SECOND)),
        },
    );
    assert_eq!(house.sums().last(), Some(&(house.lsn, 99, 99)));
}

#[test]
fn of_too_many_sources_the_later_ones_are_counted_and_not_followed() {
    let mut house = House::new();
    for source in 0..SOURCES_FOLLOWED_MAX + 2 {
        for _ in 0..25 {
            house.sale(&format!("source-{source}"), 1);
        }
    }
    assert_eq!(house.heard.sources.len(), SOURCES_FOLLOWED_MAX);
    assert_eq!(house.fold.usage().feeds_refused, 2);
}
