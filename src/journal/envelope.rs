//! The record envelope: what every record says about itself, whatever its body is.
//!
//! An encoded record is a fixed little-endian header, six length-prefixed UTF-8 strings, and the body up to the
//! record's end. `docs/journal.md` holds the same table for readers of the file format.
//!
//! | offset | size | field |
//! | ---: | ---: | --- |
//! | 0 | 1 | envelope version (1) |
//! | 1 | 1 | kind |
//! | 2 | 1 | flags |
//! | 3 | 1 | reserved, 0 |
//! | 4 | 2 | tenant |
//! | 6 | 2 | partition |
//! | 8 | 8 | LSN (stamped) |
//! | 16 | 4 | epoch (stamped) |
//! | 20 | 2 | schema version |
//! | 22 | 2 | fold version |
//! | 24 | 8 | entity revision |
//! | 32 | 8 | event time, µs since the Unix epoch |
//! | 40 | 8 | ingest time, µs (stamped) |
//! | 48 | 8 | business time, µs (stamped) |
//! | 56 | 8 | causing LSN, 0 = none |
//! | 64 | 16 | content hash |
//! | 80 | … | sequence, principal, source, id, record type, subject: each a LEB128 length and UTF-8 bytes |
//! | … | … | body |
//!
//! The stamped fields stand at fixed offsets so that whoever makes a record can encode it once, and the journal's
//! writer only patches in what it alone knows ([`stamp`]).

use compact_str::CompactString;

use super::fields::{Fields, Truncated};

/// The envelope layout that this code writes, and the newest that it reads.
pub const ENVELOPE_VERSION: u8 = 1;
/// Bytes of the fixed part of an encoded record.
pub const ENVELOPE_HEADER_LENGTH: usize = 80;
/// Bit of [`Envelope::flags`]: the sender gave an event time (otherwise it is the ingest time).
pub const FLAG_EVENT_TIME_GIVEN: u8 = 1;

const LSN_OFFSET: usize = 8;
const EPOCH_OFFSET: usize = 16;
const FLAGS_OFFSET: usize = 2;
const EVENT_TIME_OFFSET: usize = 32;
const INGEST_TIME_OFFSET: usize = 40;
const BUSINESS_TIME_OFFSET: usize = 48;
/// A string length takes at most 5 LEB128 bytes: 32 bits are more than a record may hold.
const STRING_LENGTH_BYTES_MAX: usize = 5;

/// What a record says about itself. Times are microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Log sequence number, from 1 without gaps; stamped by the writer.
    pub lsn: u64,
    /// Dense number of the tenant, in order of declaration.
    pub tenant: u16,
    pub partition: u16,
    /// Ownership epoch of the partition; stamped by the writer.
    pub epoch: u32,
    /// Revision of the entity after this record, for records that change one entity; else 0.
    pub entity_revision: u64,
    pub event_time: i64,
    /// When the record came to the journal, on the wall clock; stamped by the writer.
    pub ingest_time: i64,
    /// The tenant's monotonic clock; stamped by the writer.
    pub business_time: i64,
    /// LSN of the record that led to this one, 0 = none.
    pub causing_lsn: u64,
    /// Version of the body's shape.
    pub schema_version: u16,
    /// Version of the code's fold that wrote the record.
    pub fold_version: u16,
    /// Tag of the record's kind, owned by those who write and read bodies.
    pub kind: u8,
    /// See [`FLAG_EVENT_TIME_GIVEN`].
    pub flags: u8,
    /// Hash of type, subject, time as sent and canonical data: tells a repeat from a reused id.
    pub content_hash: [u8; 16],
    /// CloudEvents `sequence`, "" = none.
    pub sequence: CompactString,
    pub principal: CompactString,
    /// CloudEvents `source`.
    pub source: CompactString,
    /// CloudEvents `id`.
    pub id: CompactString,
    /// For example `pos.sale` or `exception.opened`.
    pub record_type: CompactString,
    /// CloudEvents `subject`, "" = none.
    pub subject: CompactString,
}

/// An [`Envelope`] whose strings are borrowed from the encoded record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeRef<'a> {
    pub lsn: u64,
    pub tenant: u16,
    pub partition: u16,
    pub epoch: u32,
    pub entity_revision: u64,
    pub event_time: i64,
    pub ingest_time: i64,
    pub business_time: i64,
    pub causing_lsn: u64,
    pub schema_version: u16,
    pub fold_version: u16,
    pub kind: u8,
    pub flags: u8,
    pub content_hash: [u8; 16],
    pub sequence: &'a str,
    pub principal: &'a str,
    pub source: &'a str,
    pub id: &'a str,
    pub record_type: &'a str,
    pub subject: &'a str,
}

impl Envelope {
    /// The same, with borrowed strings.
    pub fn borrowed(&self) -> EnvelopeRef<'_> {
        EnvelopeRef {
            lsn: self.lsn,
            tenant: self.tenant,
            partition: self.partition,
            epoch: self.epoch,
            entity_revision: self.entity_revision,
            event_time: self.event_time,
            ingest_time: self.ingest_time,
            business_time: self.business_time,
            causing_lsn: self.causing_lsn,
            schema_version: self.schema_version,
            fold_version: self.fold_version,
            kind: self.kind,
            flags: self.flags,
            content_hash: self.content_hash,
            sequence: &self.sequence,
            principal: &self.principal,
            source: &self.source,
            id: &self.id,
            record_type: &self.record_type,
            subject: &self.subject,
        }
    }
}

impl EnvelopeRef<'_> {
    pub fn to_owned(&self) -> Envelope {
        Envelope {
            lsn: self.lsn,
            tenant: self.tenant,
            partition: self.partition,
            epoch: self.epoch,
            entity_revision: self.entity_revision,
            event_time: self.event_time,
            ingest_time: self.ingest_time,
            business_time: self.business_time,
            causing_lsn: self.causing_lsn,
            schema_version: self.schema_version,
            fold_version: self.fold_version,
            kind: self.kind,
            flags: self.flags,
            content_hash: self.content_hash,
            sequence: self.sequence.into(),
            principal: self.principal.into(),
            source: self.source.into(),
            id: self.id.into(),
            record_type: self.record_type.into(),
            subject: self.subject.into(),
        }
    }
}

/// Why bytes are not an encoded record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the record ends inside its envelope")]
    Truncated,
    #[error("envelope version {0} is not known to this program (it knows up to {ENVELOPE_VERSION})")]
    UnknownVersion(u8),
    #[error("the length of `{0}` is not a canonical 32-bit LEB128 number")]
    BadLength(&'static str),
    #[error("`{0}` is not UTF-8")]
    NotUtf8(&'static str),
}

impl From<Truncated> for DecodeError {
    fn from(_: Truncated) -> Self {
        Self::Truncated
    }
}

/// Appends the encoded record to `out`. Fields that the writer stamps are written as they stand in `envelope`.
pub fn encode_record(envelope: &EnvelopeRef<'_>, body: &[u8], out: &mut Vec<u8>) {
    let strings = [
        envelope.sequence,
        envelope.principal,
        envelope.source,
        envelope.id,
        envelope.record_type,
        envelope.subject,
    ];
    let strings_length: usize = strings.iter().map(|string| STRING_LENGTH_BYTES_MAX + string.len()).sum();
    out.reserve(ENVELOPE_HEADER_LENGTH + strings_length + body.len());

    out.extend_from_slice(&[ENVELOPE_VERSION, envelope.kind, envelope.flags, 0]);
    out.extend_from_slice(&envelope.tenant.to_le_bytes());
    out.extend_from_slice(&envelope.partition.to_le_bytes());
    out.extend_from_slice(&envelope.lsn.to_le_bytes());
    out.extend_from_slice(&envelope.epoch.to_le_bytes());
    out.extend_from_slice(&envelope.schema_version.to_le_bytes());
    out.extend_from_slice(&envelope.fold_version.to_le_bytes());
    out.extend_from_slice(&envelope.entity_revision.to_le_bytes());
    out.extend_from_slice(&envelope.event_time.to_le_bytes());
    out.extend_from_slice(&envelope.ingest_time.to_le_bytes());
    out.extend_from_slice(&envelope.business_time.to_le_bytes());
    out.extend_from_slice(&envelope.causing_lsn.to_le_bytes());
    out.extend_from_slice(&envelope.content_hash);
    for string in strings {
        encode_length(string.len(), out);
        out.extend_from_slice(string.as_bytes());
    }
    out.extend_from_slice(body);
}

/// Writes what only the journal's writer knows into an encoded record, in place. An event whose sender gave no time
/// happened when it was ingested.
///
/// # Panics
/// If `record` is shorter than [`ENVELOPE_HEADER_LENGTH`], hence not made by [`encode_record`]: a record without its
/// number must never reach the disk.
pub fn stamp(record: &mut [u8], lsn: u64, epoch: u32, ingest_time: i64, business_time: i64) {
    assert!(record.len() >= ENVELOPE_HEADER_LENGTH, "only encoded records can be stamped");
    record[LSN_OFFSET..][..8].copy_from_slice(&lsn.to_le_bytes());
    record[EPOCH_OFFSET..][..4].copy_from_slice(&epoch.to_le_bytes());
    if record[FLAGS_OFFSET] & FLAG_EVENT_TIME_GIVEN == 0 {
        record[EVENT_TIME_OFFSET..][..8].copy_from_slice(&ingest_time.to_le_bytes());
    }
    record[INGEST_TIME_OFFSET..][..8].copy_from_slice(&ingest_time.to_le_bytes());
    record[BUSINESS_TIME_OFFSET..][..8].copy_from_slice(&business_time.to_le_bytes());
}

/// Whether an encoded record's sender gave an event time.
pub fn is_event_time_given(record: &[u8]) -> bool {
    record.get(FLAGS_OFFSET).is_some_and(|flags| flags & FLAG_EVENT_TIME_GIVEN != 0)
}

/// Splits an encoded record into its envelope and its body, borrowing both. Total: any bytes give an answer.
pub fn decode_record(record: &[u8]) -> Result<(EnvelopeRef<'_>, &[u8]), DecodeError> {
    let mut fields = Fields::new(record);
    let version = fields.u8()?;
    if version != ENVELOPE_VERSION {
        return Err(DecodeError::UnknownVersion(version));
    }
    let kind = fields.u8()?;
    let flags = fields.u8()?;
    let _reserved = fields.u8()?;
    // Struct fields are evaluated in the order written here: it is the order on disk.
    let envelope = EnvelopeRef {
        kind,
        flags,
        tenant: fields.u16()?,
        partition: fields.u16()?,
        lsn: fields.u64()?,
        epoch: fields.u32()?,
        schema_version: fields.u16()?,
        fold_version: fields.u16()?,
        entity_revision: fields.u64()?,
        event_time: fields.i64()?,
        ingest_time: fields.i64()?,
        business_time: fields.i64()?,
        causing_lsn: fields.u64()?,
        content_hash: fields.array()?,
        sequence: decode_string(&mut fields, "sequence")?,
        principal: decode_string(&mut fields, "principal")?,
        source: decode_string(&mut fields, "source")?,
        id: decode_string(&mut fields, "id")?,
        record_type: decode_string(&mut fields, "record_type")?,
        subject: decode_string(&mut fields, "subject")?,
    };
    Ok((envelope, fields.rest()))
}

fn encode_length(length: usize, out: &mut Vec<u8>) {
    let mut left = length;
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn decode_length(fields: &mut Fields<'_>, field: &'static str) -> Result<usize, DecodeError> {
    let mut length = 0u64;
    for index in 0..STRING_LENGTH_BYTES_MAX {
        let byte = fields.u8()?;
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // One encoding for each record: a needless zero byte or a value over 32 bits is refused.
            let canonical = index == 0 || byte != 0;
            return match u32::try_from(length) {
                Ok(length) if canonical => Ok(length as usize),
                _ => Err(DecodeError::BadLength(field)),
            };
        }
    }
    Err(DecodeError::BadLength(field))
}

fn decode_string<'a>(fields: &mut Fields<'a>, field: &'static str) -> Result<&'a str, DecodeError> {
    let length = decode_length(fields, field)?;
    std::str::from_utf8(fields.slice(length)?).map_err(|_| DecodeError::NotUtf8(field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Envelope {
        Envelope {
            lsn: 0x0102_0304_0506_0708,
            tenant: 0x1112,
            partition: 0x2122,
            epoch: 0x3132_3334,
            entity_revision: 7,
            event_time: -1,
            ingest_time: 1_700_000_000_000_000,
            business_time: 1_700_000_000_000_001,
            causing_lsn: 41,
            schema_version: 1,
            fold_version: 2,
            kind: 3,
            flags: FLAG_EVENT_TIME_GIVEN,
            content_hash: *b"0123456789abcdef",
            sequence: "".into(),
            principal: "dev".into(),
            source: "/store/1".into(),
            id: "é".into(),
            record_type: "pos.sale".into(),
            subject: "".into(),
        }
    }

    fn encoded(envelope: &Envelope, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_record(&envelope.borrowed(), body, &mut out);
        out
    }

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let mut golden = vec![1, 3, 1, 0, 0x12, 0x11, 0x22, 0x21];
        golden.extend([8, 7, 6, 5, 4, 3, 2, 1]);
        golden.extend([0x34, 0x33, 0x32, 0x31, 1, 0, 2, 0]);
        golden.extend([7, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xff; 8]);
        golden.extend([0x00, 0x40, 0x1e, 0x18, 0x24, 0x0a, 0x06, 0x00]);
        golden.extend([0x01, 0x40, 0x1e, 0x18, 0x24, 0x0a, 0x06, 0x00]);
        golden.extend([41, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend(b"0123456789abcdef");
        golden.extend(b"\x00\x03dev\x08/store/1\x02\xc3\xa9\x08pos.sale\x00{}");
        assert_eq!(encoded(&sample(), b"{}"), golden);
    }

    #[test]
    fn a_record_cut_anywhere_in_its_envelope_is_refused() {
        let record = encoded(&sample(), b"");
        for length in 0..record.len() {
            assert_eq!(decode_record(&record[..length]), Err(DecodeError::Truncated), "cut to {length}");
        }
        assert!(decode_record(&record).is_ok());
    }

    #[test]
    fn a_stamp_changes_exactly_the_four_stamped_fields() {
        let mut record = encoded(&sample(), b"{\"a\":1}");
        stamp(&mut record, 99, 5, 123, -456);
        let expected = Envelope { lsn: 99, epoch: 5, ingest_time: 123, business_time: -456, ..sample() };
        let (envelope, body) = decode_record(&record).unwrap();
        assert_eq!(envelope.to_owned(), expected);
        assert_eq!(body, b"{\"a\":1}");
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut record = encoded(&sample(), b"");
        record[0] = 2;
        assert_eq!(decode_record(&record), Err(DecodeError::UnknownVersion(2)));
    }

    #[test]
    fn lengths_have_one_encoding_and_32_bits() {
        let with_sequence_length = |length: &[u8]| {
            let mut record = encoded(&Envelope::default(), b"");
            record.splice(ENVELOPE_HEADER_LENGTH..ENVELOPE_HEADER_LENGTH + 1, length.iter().copied());
            decode_record(&record).map(|_| ())
        };
        assert_eq!(with_sequence_length(&[0]), Ok(()));
        assert_eq!(with_sequence_length(&[0x80, 0]), Err(DecodeError::BadLength("sequence")));
        assert_eq!(
            with_sequence_length(&[0xff, 0xff, 0xff, 0xff, 0x10]),
            Err(DecodeError::BadLength("sequence"))
        );
        assert_eq!(with_sequence_length(&[0x80; 5]), Err(DecodeError::BadLength("sequence")));
        assert_eq!(with_sequence_length(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::Truncated));
    }

    #[test]
    fn bad_utf8_names_its_field() {
        let mut record = encoded(&Envelope { source: "x".into(), ..Envelope::default() }, b"");
        let at = ENVELOPE_HEADER_LENGTH + 3;
        assert_eq!(record[at], b'x');
        record[at] = 0xff;
        assert_eq!(decode_record(&record), Err(DecodeError::NotUtf8("source")));
    }

    prop_compose! {
        fn envelopes()(
            numbers in any::<(u64, u16, u16, u32, u64, i64, i64, i64, u64)>(),
            small in any::<(u16, u16, u8, u8, [u8; 16])>(),
            strings in proptest::array::uniform6("(?s).{0,40}"),
            long in 0usize..300,
        ) -> Envelope {
            let (lsn, tenant, partition, epoch, entity_revision, event_time, ingest_time, business_time, causing_lsn) =
                numbers;
            let (schema_version, fold_version, kind, flags, content_hash) = small;
            let [sequence, principal, source, id, record_type, _] = strings.map(CompactString::from);
            Envelope {
                lsn, tenant, partition, epoch, entity_revision, event_time, ingest_time, business_time, causing_lsn,
                schema_version, fold_version, kind, flags, content_hash, sequence, principal, source, id, record_type,
                subject: "s".repeat(long).into(),
            }
        }
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(envelope in envelopes(), body in any::<Vec<u8>>()) {
            let record = encoded(&envelope, &body);
            let (decoded, decoded_body) = decode_record(&record).unwrap();
            prop_assert_eq!(decoded.to_owned(), envelope);
            prop_assert_eq!(decoded_body, &body[..]);
        }

        #[test]
        fn any_bytes_decode_without_panic_and_what_decodes_encodes_back(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Some(version) = bytes.first_mut() {
                *version = ENVELOPE_VERSION;
            }
            if let Ok((envelope, body)) = decode_record(&bytes) {
                let again = encoded(&envelope.to_owned(), body);
                bytes[3] = 0;
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
