//! Between records as the fold sees them and records as the journal keeps them.
//!
//! An outside event's body is its `data` as it was sent; everything the tower writes about itself is JSON too.

use serde::Serialize;

use super::upcast::{RecordKind, upcast};
use crate::domain::event::{self, EventType};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Record, SystemBody, Transition, TransitionBody};
use crate::domain::time::Timestamp;
use crate::journal::envelope::{self, DecodeError, EnvelopeRef, FLAG_EVENT_TIME_GIVEN};

/// Version of the bodies' shapes. Bodies of earlier versions are read through [`super::upcast`].
pub const SCHEMA_VERSION: u16 = 2;
/// Version of the fold: what `apply` makes of a record, and who hears of it. A journal that a newer version has written
/// to is not opened. `docs/versions.md` says what each was. Snapshots are of one version: the states in them are read by the
/// place of each field, so a field that moves, goes or changes its type raises this too.
pub const FOLD_VERSION: u16 = 6;
/// This process has the only partition.
pub const PARTITION: u16 = 0;

/// Why a journaled record can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error(transparent)]
    Envelope(#[from] DecodeError),
    #[error("record {lsn} of type `{record_type}` does not hold what its type says: {detail}")]
    Body { lsn: Lsn, record_type: String, detail: String },
    #[error("record {lsn} has kind {kind}, which this version does not know")]
    UnknownKind { lsn: Lsn, kind: u8 },
    #[error(
        "record {lsn} is of {version} version {found}, and this tidewatch ({program}) knows up to {known}: a newer one \
         has written to this journal; start that one, or restore a backup that was made before",
        program = env!("CARGO_PKG_VERSION")
    )]
    Newer { lsn: Lsn, version: Version, found: u16, known: u16 },
}

/// What is counted by a version number in the envelope of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// [`SCHEMA_VERSION`]
    Schema,
    /// [`FOLD_VERSION`]
    Fold,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Version::Schema => "schema",
            Version::Fold => "fold",
        })
    }
}

/// Whether this program may read a record: neither its schema nor its fold is of a newer one.
///
/// # Errors
/// [`CodecError::Newer`]; [`CodecError::Envelope`] if it is no record, or has a newer envelope.
pub fn check_versions(bytes: &[u8]) -> Result<(), CodecError> {
    let (envelope, _) = envelope::decode_record(bytes)?;
    is_known(Lsn(envelope.lsn), Version::Schema, envelope.schema_version, SCHEMA_VERSION)?;
    is_known(Lsn(envelope.lsn), Version::Fold, envelope.fold_version, FOLD_VERSION)
}

fn is_known(lsn: Lsn, version: Version, found: u16, known: u16) -> Result<(), CodecError> {
    if found > known { Err(CodecError::Newer { lsn, version, found, known }) } else { Ok(()) }
}

/// What identifies an outside event, next to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdentity {
    /// Of `(tenant, source, id)`.
    pub key: u128,
    pub content_hash: [u8; 16],
    /// Set for an event that is tried again out of quarantine.
    pub retry: Option<RetryIdentity>,
}

/// What makes sure that an entry of quarantine is tried again with success once at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryIdentity {
    /// Of the entry; whatever the event is edited to, this decides first.
    pub entry_key: u128,
    /// The event's own id stands for the record that was accepted and had no effect: it says nothing about this one.
    /// Not asked of a record that is journaled already.
    pub keeps_id: bool,
}

/// An event's key in the duplicate window: `(tenant, source, id)`.
pub fn event_key(tenant: TenantNumber, source: &str, id: &str) -> u128 {
    let mut buffer = smallvec::SmallVec::<[u8; 256]>::new();
    buffer.extend_from_slice(&tenant.0.to_le_bytes());
    buffer.extend_from_slice(&(source.len() as u32).to_le_bytes());
    buffer.extend_from_slice(source.as_bytes());
    buffer.extend_from_slice(id.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(&buffer).as_bytes()[..16]);
    u128::from_le_bytes(key)
}

/// A quarantine entry's key in the duplicate window. No event has a control character in its source, so no event has
/// this key.
pub fn entry_key(tenant: TenantNumber, entry: Lsn) -> u128 {
    event_key(tenant, "\0quarantine", &entry.0.to_string())
}

/// What makes sure that an entry which is closed without effect was not tried again before, and is not after: both go by
/// the entry's key, in the order of the journal. After a restart the entry itself is gone.
pub fn closing_identity(tenant: TenantNumber, entry: Lsn) -> EventIdentity {
    // No event has this content.
    EventIdentity { key: entry_key(tenant, entry), content_hash: [0; 16], retry: None }
}

/// The parts of an outside event that only the journal keeps.
#[derive(Clone, Copy, Debug)]
pub struct SentEvent<'a> {
    pub type_name: &'a str,
    pub subject: &'a str,
    pub time_given: bool,
    pub content_hash: [u8; 16],
    /// `data` as it was sent.
    pub data: &'a [u8],
}

/// Encodes an outside event; the writer stamps its number and times later.
pub fn encode_event(record: &Record, sent: SentEvent<'_>, out: &mut Vec<u8>) {
    let flags = if sent.time_given { FLAG_EVENT_TIME_GIVEN } else { 0 };
    let parts = Parts {
        kind: RecordKind::Event,
        flags,
        content_hash: sent.content_hash,
        record_type: sent.type_name,
        subject: sent.subject,
    };
    encode(record, parts, sent.data, out);
}

/// Encodes a transition or a record of the tower about itself.
///
/// # Errors
/// If the body can't be written as JSON, which none of its types allows for.
pub fn encode_own(record: &Record, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    encode_own_as(record, None, out)
}

/// The same for what follows from a command: the hash kept is that of the request.
///
/// # Errors
/// As [`encode_own`].
pub fn encode_own_as(
    record: &Record,
    request_hash: Option<[u8; 16]>,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let (kind, record_type, body) = match &record.body {
        Body::Transition(body) => (RecordKind::Transition, transition_type(&body.transition), to_json(body)?),
        Body::System(body) => (RecordKind::System, system_type(body), to_json(body)?),
        Body::Event { .. } => {
            return Err(serde::ser::Error::custom("an outside event is encoded as it was sent"));
        }
    };
    let hash = request_hash.unwrap_or_else(|| {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&body).as_bytes()[..16]);
        hash
    });
    encode(
        record,
        Parts { kind, flags: FLAG_EVENT_TIME_GIVEN, content_hash: hash, record_type, subject: "" },
        &body,
        out,
    );
    Ok(())
}

struct Parts<'a> {
    kind: RecordKind,
    flags: u8,
    content_hash: [u8; 16],
    record_type: &'a str,
    subject: &'a str,
}

fn encode(record: &Record, parts: Parts<'_>, body: &[u8], out: &mut Vec<u8>) {
    let envelope = EnvelopeRef {
        lsn: record.lsn.0,
        tenant: record.tenant.0,
        partition: PARTITION,
        epoch: 0,
        entity_revision: record.entity_revision,
        event_time: record.event_time.micros(),
        ingest_time: record.ingest_time.micros(),
        business_time: record.business_time.micros(),
        causing_lsn: record.causing_lsn.0,
        schema_version: SCHEMA_VERSION,
        fold_version: FOLD_VERSION,
        kind: parts.kind as u8,
        flags: parts.flags,
        content_hash: parts.content_hash,
        sequence: &record.sequence,
        principal: &record.principal,
        source: &record.source,
        id: &record.id,
        record_type: parts.record_type,
        subject: parts.subject,
    };
    envelope::encode_record(&envelope, body, out);
}

/// An exception's item, which most of what the tower writes about itself holds, is written without growing.
const USUAL_BODY_BYTES: usize = 1_536;

fn to_json<T: Serialize>(body: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(USUAL_BODY_BYTES);
    serde_json::to_writer(&mut json, body)?;
    Ok(json)
}

/// The record type under which a transition stands in the journal.
pub fn transition_type(transition: &Transition) -> &'static str {
    match transition {
        Transition::Exception(transition) => transition.kind.as_str(),
        Transition::SupplierStatistics(_) => "supplier.statistics_published",
        Transition::RefusedEvent(_) => "event.refused",
        Transition::ConditionNoted(_) => "exception.condition_noted",
        Transition::Case(transition) => transition.kind.as_str(),
    }
}

fn system_type(body: &SystemBody) -> &'static str {
    match body {
        SystemBody::TenantDeclared { .. } => "tenant.declared",
        SystemBody::Started { .. } => "tower.started",
        SystemBody::ConfigurationActivated { .. } => "configuration.activated",
        SystemBody::Rejected { .. } => "event.rejected",
        SystemBody::QuarantineClosed { .. } => "quarantine.closed",
        SystemBody::EntityQuarantined { .. } => "entity.quarantined",
        SystemBody::EntityReleased { .. } => "entity.released",
        SystemBody::Restored { .. } => "tower.restored",
        SystemBody::OutboxReleased { .. } => "outbox.released",
    }
}

/// The content hash that a journaled record carries: of an event's content, of a command's request, or of the body.
///
/// # Errors
/// [`CodecError::Envelope`]
pub fn content_hash(bytes: &[u8]) -> Result<[u8; 16], CodecError> {
    Ok(envelope::decode_record(bytes)?.0.content_hash)
}

/// What identifies the event of a journaled record, with its number and when it was taken; `None` if it is no outside
/// event. Does not read the body.
///
/// # Errors
/// [`CodecError::Envelope`]
pub fn event_identity(bytes: &[u8]) -> Result<Option<(EventIdentity, Lsn, Timestamp)>, CodecError> {
    let envelope = envelope::decode_record(bytes)?.0;
    let is_event = RecordKind::of_tag(envelope.kind) == Some(RecordKind::Event);
    let taken = Timestamp::from_micros(envelope.ingest_time);
    Ok(is_event.then(|| (identity_of(&envelope), Lsn(envelope.lsn), taken)))
}

fn identity_of(envelope: &EnvelopeRef<'_>) -> EventIdentity {
    let tenant = TenantNumber(envelope.tenant);
    // What comes from outside goes back to nothing but the quarantine entry that it was kept as.
    let is_retry = envelope.causing_lsn != 0;
    EventIdentity {
        key: event_key(tenant, envelope.source, envelope.id),
        content_hash: envelope.content_hash,
        retry: is_retry.then(|| RetryIdentity {
            entry_key: entry_key(tenant, Lsn(envelope.causing_lsn)),
            keeps_id: true,
        }),
    }
}

/// Reads a journaled record back. For an outside event also what identifies it.
///
/// # Errors
/// [`CodecError`]; the journal's checksums have been checked before, so this means another version wrote it.
pub fn decode(bytes: &[u8]) -> Result<(Record, Option<EventIdentity>), CodecError> {
    let (envelope, body) = envelope::decode_record(bytes)?;
    decode_body(&envelope, body)
}

/// The same of a record whose envelope has been read already.
///
/// # Errors
/// As [`decode`].
pub fn decode_body(
    envelope: &EnvelopeRef<'_>,
    body: &[u8],
) -> Result<(Record, Option<EventIdentity>), CodecError> {
    let lsn = Lsn(envelope.lsn);
    is_known(lsn, Version::Schema, envelope.schema_version, SCHEMA_VERSION)?;
    is_known(lsn, Version::Fold, envelope.fold_version, FOLD_VERSION)?;
    let kind =
        RecordKind::of_tag(envelope.kind).ok_or(CodecError::UnknownKind { lsn, kind: envelope.kind })?;
    let wrong =
        |detail: String| CodecError::Body { lsn, record_type: envelope.record_type.to_owned(), detail };
    let body = upcast(kind, envelope.record_type, envelope.schema_version, body).map_err(wrong)?;
    let mut identity = None;
    let typed = match kind {
        RecordKind::Event => {
            identity = Some(identity_of(envelope));
            let text = std::str::from_utf8(&body).map_err(|error| wrong(error.to_string()))?;
            let data =
                event::parse(envelope.record_type, text).map_err(|error| wrong(format!("{error:?}")))?;
            Body::Event { event_type: EventType::parse(envelope.record_type), data }
        }
        RecordKind::Transition => {
            let body: TransitionBody =
                serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
            Body::Transition(Box::new(body))
        }
        RecordKind::System => {
            let body: SystemBody = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
            if let SystemBody::Started { fold_version, .. } = &body {
                is_known(lsn, Version::Fold, *fold_version, FOLD_VERSION)?;
            }
            Body::System(Box::new(body))
        }
    };
    let record = Record {
        lsn,
        tenant: TenantNumber(envelope.tenant),
        event_time: Timestamp::from_micros(envelope.event_time),
        ingest_time: Timestamp::from_micros(envelope.ingest_time),
        business_time: Timestamp::from_micros(envelope.business_time),
        causing_lsn: Lsn(envelope.causing_lsn),
        entity_revision: envelope.entity_revision,
        source: Name::from(envelope.source),
        id: Name::from(envelope.id),
        sequence: Name::from(envelope.sequence),
        principal: Name::from(envelope.principal),
        body: typed,
    };
    Ok((record, identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_tenant_source_and_id_unambiguously() {
        let key = |tenant, source, id| event_key(TenantNumber(tenant), source, id);
        assert_eq!(key(1, "ab", "c"), key(1, "ab", "c"));
        for other in [key(2, "ab", "c"), key(1, "a", "bc"), key(1, "abc", ""), key(1, "ab", "d")] {
            assert_ne!(key(1, "ab", "c"), other);
        }
    }

    #[test]
    fn an_event_tried_again_is_known_by_its_quarantine_entry_after_a_restart() {
        let data = r#"{"sku":"A","location":"L","quantity":1}"#;
        let identity_of = |causing_lsn| {
            let record = Record {
                lsn: Lsn(12),
                tenant: TenantNumber(3),
                event_time: Timestamp::from_micros(1),
                ingest_time: Timestamp::from_micros(2),
                business_time: Timestamp::from_micros(3),
                causing_lsn,
                entity_revision: 0,
                source: Name::const_new("s"),
                id: Name::const_new("i"),
                sequence: Name::default(),
                principal: Name::const_new("p"),
                body: Body::Event {
                    event_type: EventType::parse("pos.sale"),
                    data: event::parse("pos.sale", data).unwrap(),
                },
            };
            let sent = SentEvent {
                type_name: "pos.sale",
                subject: "",
                time_given: true,
                content_hash: [9; 16],
                data: data.as_bytes(),
            };
            let mut bytes = Vec::new();
            encode_event(&record, sent, &mut bytes);
            decode(&bytes).unwrap().1.unwrap()
        };
        let plain = identity_of(Lsn::ZERO);
        assert_eq!(plain.key, event_key(TenantNumber(3), "s", "i"));
        assert_eq!(plain.retry, None);
        let again = identity_of(Lsn(7));
        assert_eq!(again.key, plain.key);
        assert_eq!(again.retry.unwrap().entry_key, entry_key(TenantNumber(3), Lsn(7)));
        assert_ne!(entry_key(TenantNumber(3), Lsn(7)), entry_key(TenantNumber(3), Lsn(8)));
    }

    fn own(body: SystemBody) -> (Record, Vec<u8>) {
        let record = Record {
            lsn: Lsn(12),
            tenant: TenantNumber(3),
            event_time: Timestamp::from_micros(1),
            ingest_time: Timestamp::from_micros(2),
            business_time: Timestamp::from_micros(3),
            causing_lsn: Lsn(4),
            entity_revision: 5,
            source: Name::const_new("s"),
            id: Name::const_new("i"),
            sequence: Name::const_new("6"),
            principal: Name::const_new("p"),
            body: Body::System(Box::new(body)),
        };
        let mut bytes = Vec::new();
        encode_own(&record, &mut bytes).unwrap();
        (record, bytes)
    }

    /// The same record with other versions in its envelope.
    fn with_versions(bytes: &[u8], schema_version: u16, fold_version: u16) -> Vec<u8> {
        let (envelope, body) = envelope::decode_record(bytes).unwrap();
        let mut written = Vec::new();
        envelope::encode_record(
            &EnvelopeRef { schema_version, fold_version, ..envelope },
            body,
            &mut written,
        );
        written
    }

    #[test]
    fn what_a_newer_program_wrote_is_not_read_and_says_where_what_and_what_to_do() {
        let (_, bytes) = own(SystemBody::QuarantineClosed { entry: Lsn(7), retried: true });
        for (schema, fold, what) in [
            (SCHEMA_VERSION + 1, FOLD_VERSION, format!("schema version {}", SCHEMA_VERSION + 1)),
            (SCHEMA_VERSION, FOLD_VERSION + 1, format!("fold version {}", FOLD_VERSION + 1)),
            (SCHEMA_VERSION, u16::MAX, "fold version 65535".to_owned()),
        ] {
            let newer = with_versions(&bytes, schema, fold);
            for error in [decode(&newer).unwrap_err(), check_versions(&newer).unwrap_err()] {
                let told = error.to_string();
                for part in ["record 12", what.as_str(), "knows up to", "start that one", "restore a backup"]
                {
                    assert!(told.contains(part), "{part}: {told}");
                }
            }
        }
        for (schema, fold) in [(SCHEMA_VERSION, FOLD_VERSION), (1, 1), (1, FOLD_VERSION)] {
            let known = with_versions(&bytes, schema, fold);
            assert!(decode(&known).is_ok() && check_versions(&known).is_ok(), "{schema} {fold}");
        }
    }

    #[test]
    fn a_start_of_a_newer_program_is_not_read_whatever_its_envelope_says() {
        let newer = SystemBody::Started { version: "9.0.0".to_owned(), fold_version: FOLD_VERSION + 1 };
        let (_, bytes) = own(newer);
        let error = decode(&bytes).unwrap_err();
        assert!(matches!(error, CodecError::Newer { version: Version::Fold, .. }), "{error}");
    }

    #[test]
    fn what_the_tower_writes_about_itself_reads_back() {
        let (record, bytes) = own(SystemBody::QuarantineClosed { entry: Lsn(7), retried: true });
        let (read, identity) = decode(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
        assert_eq!(identity, None);
    }
}
