//! The last events that reached this place, to be named by exceptions.

use serde::{Deserialize, Serialize};

use super::raw;
use crate::domain::event::EventType;
use crate::domain::exception;
use crate::domain::ids::{Lsn, Name};
use crate::domain::record::Delivery;
use crate::domain::time::Timestamp;

/// Events remembered.
const EVENTS: usize = 2;

/// A ring of the last events, newest first. Their texts reuse memory: this is written with every event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Evidence(Option<Box<[Seen; EVENTS]>>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    lsn: Lsn,
    #[serde(with = "raw::timestamp")]
    time: Timestamp,
    /// Source and id, NUL between them.
    name: String,
    event_type: u8,
}

impl Evidence {
    /// Remembers an event.
    pub fn note(&mut self, delivery: &Delivery<'_>, event_type: EventType) {
        let seen = self.0.get_or_insert_default();
        seen.rotate_right(1);
        let newest = &mut seen[0];
        newest.lsn = delivery.record.lsn;
        newest.time = delivery.record.event_time;
        newest.event_type = event_type as u8;
        let (source, id) = (&delivery.record.source, &delivery.record.id);
        newest.name.clear();
        newest.name.reserve_exact(source.len() + 1 + id.len());
        newest.name.push_str(source);
        newest.name.push('\0');
        newest.name.push_str(id);
    }

    /// What is remembered, oldest first.
    pub fn list(&self) -> Vec<exception::Evidence> {
        let seen = self.0.iter().flat_map(|seen| seen.iter().rev());
        seen.filter(|seen| seen.lsn > Lsn::ZERO)
            .map(|seen| {
                let (source, id) = seen.name.split_once('\0').unwrap_or((&seen.name, ""));
                exception::Evidence {
                    source: source.into(),
                    id: id.into(),
                    event_type: EventType::ALL
                        .get(usize::from(seen.event_type))
                        .map_or_else(Name::default, |event_type| event_type.as_str().into()),
                    time: seen.time,
                    lsn: seen.lsn,
                }
            })
            .collect()
    }

    /// Who sent those of them that are demand.
    pub fn demand_sources(&self) -> impl Iterator<Item = &str> {
        const DEMAND: [EventType; 3] = [EventType::PosSale, EventType::OrderPlaced, EventType::OrderChanged];
        let seen = self.0.iter().flat_map(|seen| seen.iter());
        seen.filter(|seen| seen.lsn > Lsn::ZERO)
            .filter(|seen| DEMAND.iter().any(|demand| *demand as u8 == seen.event_type))
            .filter_map(|seen| seen.name.split_once('\0').map(|(source, _)| source))
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        let seen = self.0.iter().flat_map(|seen| seen.iter());
        seen.map(|seen| size_of::<Seen>() + seen.name.capacity()).sum()
    }
}
