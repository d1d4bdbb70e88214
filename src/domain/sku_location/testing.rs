//! Records for tests.

use crate::domain::event::{EventData, EventType};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Record};
use crate::domain::time::Timestamp;

/// A record about nothing, with all its times at `seconds`.
pub fn record(seconds: i64) -> Record {
    let time = Timestamp::from_micros(seconds * 1_000_000);
    Record {
        lsn: Lsn(1),
        tenant: TenantNumber(0),
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("/test"),
        id: Name::from("1"),
        sequence: Name::default(),
        principal: Name::from("dev"),
        body: Body::Event { event_type: Some(EventType::PosSale), data: EventData::Reserved },
    }
}
