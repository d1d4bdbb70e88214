//! The week of 2013-09-29, in which all of Iowa ordered twice as much as usual, seen by the entity of the demo's source
//! of orders: one exception, and the only one of its kind in two years.

use std::sync::Arc;

use parking_lot::RwLock;

use super::dataset::Dataset;
use super::events::{ORDERS_SOURCE, sku};
use super::network::Network;
use super::simulation::{Fact, Simulation};
use crate::domain::entity::Entity;
use crate::domain::event::{EventData, EventType, OrderLine, PolicyScope, PolicySet};
use crate::domain::exception::{ExceptionChange, ExceptionTransition, ExceptionType};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, ClockKind, Delivery, Record, SystemBody, Transition, TransitionBody};
use crate::domain::reference::{Reference, VolumeShift};
use crate::domain::subject::Subject;
use crate::domain::time::Timestamp;
use crate::runtime::directory::{Address, Directory};
use crate::runtime::fold::{Dirty, Fold, Routed, Sink};
use crate::runtime::quarantine::Quarantine;

const TENANT: TenantNumber = TenantNumber(0);

/// The source's entity, made when the fold makes it.
#[derive(Default)]
struct Watching {
    source: Option<(Address, EntityKey, Subject)>,
    heard: u64,
}

impl Sink for Watching {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        if matches!(**key, EntityKey::Subject { subject: SubjectKind::Source, .. }) {
            self.source = Some((address, (**key).clone(), Subject::new(key)));
        }
    }
    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        if let Some((_, _, subject)) = self.source.as_mut().filter(|(address, ..)| *address == to) {
            let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
            subject.apply(&delivery, reference);
            self.heard += 1;
        }
    }
    fn reference_changed(&mut self) {}
    fn dirty(&mut self, _: Dirty, _: Lsn) {}
    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {}
}

struct Tower {
    fold: Fold,
    watching: Watching,
    lsn: u64,
    now: Timestamp,
    told: Vec<ExceptionTransition>,
}

impl Tower {
    fn take(&mut self, body: Body, revision: u64) {
        self.lsn += 1;
        let record = Arc::new(Record {
            lsn: Lsn(self.lsn),
            tenant: TENANT,
            event_time: self.now,
            ingest_time: self.now,
            business_time: self.now,
            causing_lsn: Lsn::ZERO,
            entity_revision: revision,
            source: Name::from(ORDERS_SOURCE),
            id: Name::from(self.lsn.to_string()),
            sequence: Name::default(),
            principal: Name::default(),
            body,
        });
        self.fold.take(&record, record.lsn, &mut self.watching);
    }

    fn event(&mut self, event_type: EventType, data: EventData) {
        self.take(Body::Event { event_type: Some(event_type), data }, 0);
        let heard = std::mem::take(&mut self.watching.heard);
        if heard > 0 || event_type == EventType::ClockAdvanced {
            self.settle();
        }
    }

    fn settle(&mut self) {
        loop {
            let Some((_, key, subject)) = &self.watching.source else { return };
            let (key, revision) = (key.clone(), subject.revision());
            let proposals = subject.reconcile(&key, self.now, &self.fold.reference).proposals;
            if proposals.is_empty() {
                return;
            }
            for (transition, place) in proposals.into_iter().zip(1..) {
                if let Transition::Exception(change) = &transition {
                    self.told.push((**change).clone());
                }
                let body = TransitionBody { entity: key.clone(), transition };
                self.take(Body::Transition(Box::new(body)), revision + place);
            }
            self.watching.heard = 0;
        }
    }
}

#[test]
fn the_week_in_which_iowa_ordered_twice_as_much_is_one_surge_of_its_feed() {
    let data = Dataset::embedded().unwrap();
    let network = Network::derive(&data);
    let mut simulation = Simulation::new(&data, &network, super::SEED).unwrap();
    let time = |at: jiff::Timestamp| Timestamp::from_micros(at.as_microsecond());
    let fold = Fold::new(1, Arc::new(Directory::new(1)), Arc::new(RwLock::new(Quarantine::new(100))));
    let now = time(simulation.start().unwrap());
    let mut tower = Tower { fold, watching: Watching::default(), lsn: 0, now, told: Vec::new() };
    let declared = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Event,
        base_currency: Currency::parse("USD").unwrap(),
        timezone: Name::from("UTC"),
    };
    tower.take(Body::System(Box::new(declared)), 0);
    let weekly = PolicySet {
        scope: PolicyScope::default(),
        service_level: None,
        measure: None,
        review_days: None,
        max_cover_days: None,
        lead_time_days: None,
        period_days: Some(7),
    };
    tower.event(EventType::PolicySet, EventData::PolicySet(Box::new(weekly)));
    let until = Timestamp::parse("2013-12-01T00:00:00Z").unwrap();
    while tower.now < until {
        let day = simulation.next_day().unwrap().unwrap();
        for event in &day.demand {
            let Fact::OrderPlaced { row, .. } = event.fact else { continue };
            let row = data.rows[row];
            let line = OrderLine {
                order_id: Name::from(format!("{}-{}", row.week, row.city)),
                line_id: Name::from(row.item.to_string()),
                sku: Name::from(sku(row.item)),
                location: Name::from(network.centres[network.centre_of(row.city)].id.as_str()),
                quantity: Quantity::from_milli(row.litres.0),
                customer: None,
                channel: None,
                promised_at: None,
                requested_at: None,
                priority: None,
                unit_price: None,
                currency: None,
                ship_complete: false,
                substitution_allowed: false,
            };
            tower.event(EventType::OrderPlaced, EventData::OrderLine(Box::new(line)));
        }
        tower.now = time(day.until);
        tower.event(EventType::ClockAdvanced, EventData::ClockAdvanced(tower.now));
    }
    let surge = VolumeShift::Surge.of();
    let of_surge = tower.told.iter().filter(|change| change.of == surge);
    let surges: Vec<_> = of_surge
        .map(|change| {
            let window = change.item.window.unwrap();
            let day = |at: Option<Timestamp>| at.unwrap().to_string()[..10].to_owned();
            (change.kind, day(window.from), day(window.until))
        })
        .collect();
    let week = |kind, until: &str| (kind, "2013-09-29".to_owned(), until.to_owned());
    assert_eq!(
        surges,
        [
            week(ExceptionChange::Opened, "2013-10-06"),
            week(ExceptionChange::Updated, "2013-10-13"),
            week(ExceptionChange::Cleared, "2013-10-13"),
        ]
    );
    let stale = tower.told.iter().filter(|change| change.item.exception_type == ExceptionType::FeedStale);
    let stale: Vec<_> =
        stale.map(|change| (change.kind, change.item.cause.clone(), change.item.updated_at)).collect();
    assert_eq!(stale, []);
    // Slumps are holidays and the like: the weeks before Thanksgiving of both years, and one in June.
    let slumps = tower.told.iter().filter(|change| change.of == VolumeShift::Slump.of());
    assert_eq!(slumps.filter(|change| change.kind == ExceptionChange::Opened).count(), 3);
}
