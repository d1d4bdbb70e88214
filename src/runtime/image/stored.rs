//! The forms in which the parts of a fold are stored. An entity is its ordinal in the order of creation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ImageError;
use crate::domain::event::{
    DocumentKind, DocumentNamed, EventData, EventType, LineFulfilled, LineNamed, PurchaseOrder, Shipment,
};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, Record};
use crate::domain::time::Timestamp;
use crate::runtime::feeds::Counted;
use crate::runtime::holding::Awaited;

/// An entity, in the order of creation.
pub type Ordinal = u32;
pub type Ordinals = SmallVec<[Ordinal; 2]>;

/// What the values of an entry are. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Totals = 1,
    NewerDocument = 2,
    OlderDocument = 3,
    DocumentNames = 4,
    NewerAction = 5,
    OlderAction = 6,
    Supplied = 7,
    Held = 8,
    TenantFeeds = 9,
    Source = 10,
    NewerCountedSource = 11,
    OlderCountedSource = 12,
    Revision = 13,
    NoOp = 14,
    Quarantined = 15,
}

impl Kind {
    const ALL: [Kind; 15] = [
        Kind::Totals,
        Kind::NewerDocument,
        Kind::OlderDocument,
        Kind::DocumentNames,
        Kind::NewerAction,
        Kind::OlderAction,
        Kind::Supplied,
        Kind::Held,
        Kind::TenantFeeds,
        Kind::Source,
        Kind::NewerCountedSource,
        Kind::OlderCountedSource,
        Kind::Revision,
        Kind::NoOp,
        Kind::Quarantined,
    ];

    pub fn of(number: u8) -> Result<Kind, ImageError> {
        let known = Kind::ALL.into_iter().find(|kind| *kind as u8 == number);
        known.ok_or_else(|| ImageError::Inconsistent(format!("an entry has kind {number}")))
    }
}

/// A key with the shard that the entity was on.
#[derive(Serialize, Deserialize)]
pub struct StoredEntity {
    pub shard: u16,
    pub key: StoredKey,
}

/// [`EntityKey`] in a form that is read without being kept twice.
#[derive(Serialize, Deserialize)]
#[serde(remote = "EntityKey", rename_all = "snake_case")]
enum KeyForm {
    SkuLocation { tenant: TenantNumber, sku: Name, location: Name },
    Supplier { tenant: TenantNumber, supplier: Name },
    Subject { tenant: TenantNumber, subject: SubjectKind, id: Name },
    ApprovalCase { tenant: TenantNumber, case: Name },
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredKey(#[serde(with = "KeyForm")] pub EntityKey);

/// What is counted, and stands in no table.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub documents_forgotten: u64,
    pub feeds_refused: u64,
    pub entities_refused: u64,
    pub no_ops_forgotten: Lsn,
    pub quarantine_added: u64,
    pub quarantine_overflowed: u64,
}

#[derive(Serialize, Deserialize)]
pub struct StoredDocument {
    /// Of its name: the upper and the lower half.
    pub hash: (u64, u64),
    pub lines: SmallVec<[StoredLine; 1]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<StoredAside>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredLine {
    pub id: Name,
    pub whom: Ordinals,
    pub placed_at: Timestamp,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredAside {
    pub suppliers: Ordinals,
    pub carried_for: Ordinals,
    pub ended: Option<StoredRecord>,
    pub followers: Ordinals,
}

#[derive(Serialize, Deserialize)]
pub struct StoredNames {
    pub tenant: TenantNumber,
    pub kind: DocumentKind,
    pub names: Vec<Name>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredAction {
    pub tenant: TenantNumber,
    pub id: Name,
    pub case: Option<Ordinal>,
    pub whom: Ordinals,
}

/// Some of what a supplier supplies.
#[derive(Serialize, Deserialize)]
pub struct StoredSupplied {
    pub supplier: Ordinal,
    pub places: Vec<Ordinal>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredHeld {
    pub record: StoredRecord,
    pub awaited: Awaited,
}

/// A tenant's sources; those that are followed come next, in order.
#[derive(Serialize, Deserialize)]
pub struct StoredTenantFeeds {
    pub tenant: TenantNumber,
    pub minute: i64,
    pub waiting: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredSource {
    pub tenant: TenantNumber,
    pub source: Name,
    pub entity: Ordinal,
    pub told: i64,
    pub untold: Option<StoredUntold>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredUntold {
    pub events: u32,
    pub demand: Quantity,
    pub last: StoredRecord,
    pub last_demand: Option<(Name, Name)>,
    pub begun: Option<(Timestamp, u32)>,
}

#[derive(Serialize, Deserialize)]
pub struct StoredCounted {
    pub tenant: TenantNumber,
    pub source: Name,
    pub counted: Counted,
}

/// An outside event: its envelope, and what it says if that is still to take effect.
#[derive(Serialize, Deserialize)]
pub struct StoredRecord {
    lsn: Lsn,
    tenant: TenantNumber,
    event_time: Timestamp,
    ingest_time: Timestamp,
    business_time: Timestamp,
    causing_lsn: Lsn,
    source: Name,
    id: Name,
    sequence: Name,
    principal: Name,
    event_type: Option<Name>,
    says: Says,
}

/// What an event says that can wait for a document, or end one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Says {
    OrderCancelled(LineNamed),
    OrderShipped(LineFulfilled),
    PurchaseOrder(Box<PurchaseOrder>),
    PurchaseOrderReceived(LineFulfilled),
    PurchaseOrderEnded(DocumentNamed),
    TransferDispatched(LineFulfilled),
    TransferReceived(LineFulfilled),
    TransferCancelled(DocumentNamed),
    Shipment(Box<Shipment>),
    /// Only its envelope is wanted.
    Nothing,
}

impl StoredRecord {
    /// A record whole.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] if it is none that can wait for a document or end one.
    pub fn whole(record: &Record) -> Result<StoredRecord, ImageError> {
        let wrong = || ImageError::Inconsistent(format!("record {} can't wait for a document", record.lsn));
        let Body::Event { data, .. } = &record.body else { return Err(wrong()) };
        let says = match data.clone() {
            EventData::OrderCancelled(named) => Says::OrderCancelled(named),
            EventData::OrderShipped(moved) => Says::OrderShipped(moved),
            EventData::PurchaseOrder(order) => Says::PurchaseOrder(order),
            EventData::PurchaseOrderReceived(moved) => Says::PurchaseOrderReceived(moved),
            EventData::PurchaseOrderEnded(named) => Says::PurchaseOrderEnded(named),
            EventData::TransferDispatched(moved) => Says::TransferDispatched(moved),
            EventData::TransferReceived(moved) => Says::TransferReceived(moved),
            EventData::TransferCancelled(named) => Says::TransferCancelled(named),
            EventData::Shipment(shipment) => Says::Shipment(shipment),
            _ => return Err(wrong()),
        };
        Ok(StoredRecord::saying(record, says))
    }

    /// A record's envelope and type.
    pub fn envelope(record: &Record) -> StoredRecord {
        StoredRecord::saying(record, Says::Nothing)
    }

    fn saying(record: &Record, says: Says) -> StoredRecord {
        let event_type = match &record.body {
            Body::Event { event_type, .. } => *event_type,
            _ => None,
        };
        StoredRecord {
            lsn: record.lsn,
            tenant: record.tenant,
            event_time: record.event_time,
            ingest_time: record.ingest_time,
            business_time: record.business_time,
            causing_lsn: record.causing_lsn,
            source: record.source.clone(),
            id: record.id.clone(),
            sequence: record.sequence.clone(),
            principal: record.principal.clone(),
            event_type: event_type.map(|event_type| Name::const_new(event_type.as_str())),
            says,
        }
    }

    /// The record again.
    pub fn restored(self) -> Arc<Record> {
        let data = match self.says {
            Says::OrderCancelled(named) => EventData::OrderCancelled(named),
            Says::OrderShipped(moved) => EventData::OrderShipped(moved),
            Says::PurchaseOrder(order) => EventData::PurchaseOrder(order),
            Says::PurchaseOrderReceived(moved) => EventData::PurchaseOrderReceived(moved),
            Says::PurchaseOrderEnded(named) => EventData::PurchaseOrderEnded(named),
            Says::TransferDispatched(moved) => EventData::TransferDispatched(moved),
            Says::TransferReceived(moved) => EventData::TransferReceived(moved),
            Says::TransferCancelled(named) => EventData::TransferCancelled(named),
            Says::Shipment(shipment) => EventData::Shipment(shipment),
            Says::Nothing => EventData::Reserved,
        };
        let event_type = self.event_type.as_deref().and_then(EventType::parse);
        Arc::new(Record {
            lsn: self.lsn,
            tenant: self.tenant,
            event_time: self.event_time,
            ingest_time: self.ingest_time,
            business_time: self.business_time,
            causing_lsn: self.causing_lsn,
            // Outside events have none.
            entity_revision: 0,
            source: self.source,
            id: self.id,
            sequence: self.sequence,
            principal: self.principal,
            body: Body::Event { event_type, data },
        })
    }
}
