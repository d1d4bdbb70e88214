//! A group: the records of one write and one `fdatasync`, chained to the group before by its hash.
//!
//! | offset | size | field |
//! | ---: | ---: | --- |
//! | 0 | 4 | magic `F7 54 57 47` |
//! | 4 | 2 | format version (1) |
//! | 6 | 2 | flags: bit 0 payload compressed (never set yet) |
//! | 8 | 4 | epoch |
//! | 12 | 4 | record count, ≥ 1 |
//! | 16 | 8 | first LSN |
//! | 24 | 4 | payload length in bytes, as stored |
//! | 28 | 4 | payload length uncompressed, 0 = not compressed |
//! | 32 | 32 | hash of the previous group |
//! | 64 | 32 | hash of this group: BLAKE3 over bytes 0–63 and the payload |
//! | 96 | 4 | CRC-32 (IEEE) over bytes 0–95 |
//! | 100 | … | payload: for each record its length (4), CRC-32 (4) and bytes |
//!
//! The first byte of the magic can't stand in UTF-8 text, so that no text inside a record looks like a group.

use std::fmt;
use std::ops::Range;

use uuid::Uuid;

use super::error::{Damage, JournalError};
use super::fields::{Fields, Truncated};

/// Group layout that this code writes, and the newest that it reads.
pub const GROUP_FORMAT_VERSION: u16 = 1;
/// Bytes of a group's header.
pub const GROUP_HEADER_LENGTH: usize = 100;
/// Bytes before each record in a payload: its length and its checksum.
pub const RECORD_FRAME_LENGTH: usize = 8;
/// Bytes that one record may have.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Bytes that the payload of one group may have.
pub const GROUP_PAYLOAD_BYTES_MAX: usize = 64 << 20;

const _: () = assert!(RECORD_BYTES_MAX + RECORD_FRAME_LENGTH <= GROUP_PAYLOAD_BYTES_MAX);
const _: () = assert!(GROUP_PAYLOAD_BYTES_MAX <= u32::MAX as usize);

pub(super) const GROUP_MAGIC: [u8; 4] = [0xf7, b'T', b'W', b'G'];
const HASHED_LENGTH: usize = 64;
const CHECKED_LENGTH: usize = 96;

/// BLAKE3 hash of a group: it covers the group before, and so all of the journal up to here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GroupHash(pub [u8; 32]);

impl GroupHash {
    /// What the first group of a journal names as the hash before it: no two journals share a chain.
    pub(super) fn genesis(identity: Uuid) -> Self {
        Self(*blake3::hash(identity.as_bytes()).as_bytes())
    }
}

impl fmt::Display for GroupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GroupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupHash({self})")
    }
}

/// A group's header, as read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupHeader {
    pub epoch: u32,
    pub record_count: u32,
    pub first_lsn: u64,
    pub payload_length: u32,
    pub previous_hash: GroupHash,
    pub hash: GroupHash,
}

impl GroupHeader {
    /// Reads and checks a header; `bytes` may be shorter (then it is cut) or longer than a header.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.len() >= GROUP_MAGIC.len() && bytes[..GROUP_MAGIC.len()] != GROUP_MAGIC {
            return Err(Damage::NoMagic);
        }
        let header = bytes.get(..GROUP_HEADER_LENGTH).ok_or(Damage::HeaderCut)?;
        Self::decode_fields(header).unwrap_or(Err(Damage::HeaderCut))
    }

    fn decode_fields(header: &[u8]) -> Result<Result<Self, Damage>, Truncated> {
        let mut fields = Fields::new(header);
        let _magic: [u8; 4] = fields.array()?;
        let version = fields.u16()?;
        let flags = fields.u16()?;
        let epoch = fields.u32()?;
        let record_count = fields.u32()?;
        let first_lsn = fields.u64()?;
        let payload_length = fields.u32()?;
        let uncompressed_length = fields.u32()?;
        let previous_hash = GroupHash(fields.array()?);
        let hash = GroupHash(fields.array()?);
        let checksum = fields.u32()?;
        // Before the checksum: a newer version may lay out everything after its version number anew.
        if version > GROUP_FORMAT_VERSION {
            return Ok(Err(Damage::NewerFormat { found: version, supported: GROUP_FORMAT_VERSION }));
        }
        if crc32fast::hash(&header[..CHECKED_LENGTH]) != checksum {
            return Ok(Err(Damage::HeaderChecksum));
        }
        if flags != 0 {
            return Ok(Err(Damage::UnknownFlags(flags)));
        }
        let records_fit =
            record_count as u64 * RECORD_FRAME_LENGTH as u64 <= u64::from(payload_length) && record_count > 0;
        if !records_fit || payload_length as usize > GROUP_PAYLOAD_BYTES_MAX || uncompressed_length != 0 {
            return Ok(Err(Damage::RecordFraming));
        }
        Ok(Ok(Self { epoch, record_count, first_lsn, payload_length, previous_hash, hash }))
    }

    /// LSN of the group's last record.
    pub(super) fn last_lsn(&self) -> u64 {
        self.first_lsn.saturating_add(u64::from(self.record_count) - 1)
    }

    /// Bytes of header and payload.
    pub(super) fn length(&self) -> u64 {
        GROUP_HEADER_LENGTH as u64 + u64::from(self.payload_length)
    }

    /// Whether the hash in the header is that of header and payload. `group` starts with the header.
    pub(super) fn hash_matches(&self, group: &[u8]) -> bool {
        group_hash(group) == self.hash
    }
}

/// `group` is a whole group: header and payload.
fn group_hash(group: &[u8]) -> GroupHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&group[..HASHED_LENGTH]).update(&group[GROUP_HEADER_LENGTH..]);
    GroupHash(*hasher.finalize().as_bytes())
}

/// Where the bytes of the record stand whose frame starts at `position`, after a check of its checksum.
pub(super) fn record_at(payload: &[u8], position: usize) -> Result<Range<usize>, Damage> {
    let framed = payload.get(position..).ok_or(Damage::RecordFraming)?;
    let mut fields = Fields::new(framed);
    let (Ok(length), Ok(checksum)) = (fields.u32(), fields.u32()) else { return Err(Damage::RecordFraming) };
    let record = fields.slice(length as usize).map_err(|_| Damage::RecordFraming)?;
    if crc32fast::hash(record) != checksum {
        return Err(Damage::RecordChecksum);
    }
    let start = position + RECORD_FRAME_LENGTH;
    Ok(start..start + record.len())
}

/// Calls `visit` with the LSN and bytes of each record and checks that they fill the payload exactly.
pub(super) fn for_each_record(
    header: &GroupHeader,
    payload: &[u8],
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), Damage> {
    let mut position = 0;
    for index in 0..header.record_count {
        let range = record_at(payload, position)?;
        position = range.end;
        visit(header.first_lsn.saturating_add(u64::from(index)), &payload[range]);
    }
    if position == payload.len() { Ok(()) } else { Err(Damage::RecordFraming) }
}

/// Collects the records of the next group in one buffer, which a single write puts on the disk. Reusable.
pub struct GroupBuilder {
    /// Room for the header, then the framed records.
    buffer: Vec<u8>,
    first_lsn: u64,
    record_count: u32,
}

impl GroupBuilder {
    /// `first_lsn` is the LSN of the first record that will be pushed: the journal's `next_lsn()`.
    pub fn new(first_lsn: u64) -> Self {
        Self { buffer: vec![0; GROUP_HEADER_LENGTH], first_lsn, record_count: 0 }
    }

    /// Forgets the records and starts a group at `first_lsn`, keeping the memory.
    pub fn reset(&mut self, first_lsn: u64) {
        self.buffer.truncate(GROUP_HEADER_LENGTH);
        self.first_lsn = first_lsn;
        self.record_count = 0;
    }

    /// Adds a record, whose LSN is [`GroupBuilder::next_lsn`].
    ///
    /// # Errors
    /// `RecordTooLarge` over [`RECORD_BYTES_MAX`]; `GroupFull` over [`GROUP_PAYLOAD_BYTES_MAX`]. The group is then
    /// as before.
    pub fn push(&mut self, record: &[u8]) -> Result<(), JournalError> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(JournalError::RecordTooLarge { length: record.len(), max: RECORD_BYTES_MAX });
        }
        if self.payload_bytes() + RECORD_FRAME_LENGTH + record.len() > GROUP_PAYLOAD_BYTES_MAX {
            return Err(JournalError::GroupFull);
        }
        self.buffer.extend_from_slice(&(record.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&crc32fast::hash(record).to_le_bytes());
        self.buffer.extend_from_slice(record);
        self.record_count += 1;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    pub fn first_lsn(&self) -> u64 {
        self.first_lsn
    }

    /// LSN of the record that would be pushed next.
    pub fn next_lsn(&self) -> u64 {
        self.first_lsn + u64::from(self.record_count)
    }

    /// Bytes of the framed records so far.
    pub fn payload_bytes(&self) -> usize {
        self.buffer.len() - GROUP_HEADER_LENGTH
    }

    /// Fills in the header and gives the whole group as it goes to the disk, with its hash.
    pub(super) fn seal(&mut self, epoch: u32, previous_hash: GroupHash) -> (GroupHash, &[u8]) {
        let payload_length = self.payload_bytes() as u32;
        let buffer = &mut self.buffer;
        buffer[..4].copy_from_slice(&GROUP_MAGIC);
        buffer[4..6].copy_from_slice(&GROUP_FORMAT_VERSION.to_le_bytes());
        buffer[6..8].copy_from_slice(&0u16.to_le_bytes());
        buffer[8..12].copy_from_slice(&epoch.to_le_bytes());
        buffer[12..16].copy_from_slice(&self.record_count.to_le_bytes());
        buffer[16..24].copy_from_slice(&self.first_lsn.to_le_bytes());
        buffer[24..28].copy_from_slice(&payload_length.to_le_bytes());
        buffer[28..32].copy_from_slice(&0u32.to_le_bytes());
        buffer[32..64].copy_from_slice(&previous_hash.0);
        let hash = group_hash(buffer);
        buffer[64..96].copy_from_slice(&hash.0);
        let checksum = crc32fast::hash(&buffer[..CHECKED_LENGTH]);
        buffer[96..100].copy_from_slice(&checksum.to_le_bytes());
        (hash, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(records: &[&[u8]]) -> Vec<u8> {
        let mut builder = GroupBuilder::new(7);
        for record in records {
            builder.push(record).unwrap();
        }
        builder.seal(3, GroupHash([0xaa; 32])).1.to_vec()
    }

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let bytes = group(&[b"ab", b""]);
        let mut golden = vec![0xf7, b'T', b'W', b'G', 1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0];
        golden.extend([7, 0, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xaa; 32]);
        // CRC-32 of "ab" is 9e83486d, of nothing 0.
        let payload = [2, 0, 0, 0, 0x6d, 0x48, 0x83, 0x9e, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 0];
        let hash = blake3::hash(&[&golden[..], &payload[..]].concat());
        golden.extend(hash.as_bytes());
        let checksum = crc32fast::hash(&golden);
        golden.extend(checksum.to_le_bytes());
        golden.extend(payload);
        assert_eq!(bytes, golden);
    }

    #[test]
    fn records_come_back_with_their_numbers() {
        let bytes = group(&[b"ab", b"", b"c"]);
        let header = GroupHeader::decode(&bytes).unwrap();
        assert_eq!((header.first_lsn, header.last_lsn(), header.epoch), (7, 9, 3));
        assert_eq!(header.length(), bytes.len() as u64);
        assert!(header.hash_matches(&bytes));
        let mut records = Vec::new();
        for_each_record(&header, &bytes[GROUP_HEADER_LENGTH..], |lsn, record| {
            records.push((lsn, record.to_vec()));
        })
        .unwrap();
        assert_eq!(records, [(7, b"ab".to_vec()), (8, b"".to_vec()), (9, b"c".to_vec())]);
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let bytes = group(&[b"ab", b"c"]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let noticed = match GroupHeader::decode(&flipped) {
                Err(_) => true,
                Ok(header) => header.length() != bytes.len() as u64 || !header.hash_matches(&flipped),
            };
            assert!(noticed, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_and_unknown_flags_are_named() {
        let mut newer = group(&[b"ab"]);
        newer[4] = 2;
        assert_eq!(GroupHeader::decode(&newer), Err(Damage::NewerFormat { found: 2, supported: 1 }));
        let mut flagged = group(&[b"ab"]);
        flagged[6] = 1;
        let checksum = crc32fast::hash(&flagged[..96]);
        flagged[96..100].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(GroupHeader::decode(&flagged), Err(Damage::UnknownFlags(1)));
    }

    #[test]
    fn a_record_over_the_maximum_is_refused_and_leaves_the_group_as_it_was() {
        let mut builder = GroupBuilder::new(1);
        builder.push(b"a").unwrap();
        let too_large = vec![0; RECORD_BYTES_MAX + 1];
        assert!(matches!(builder.push(&too_large), Err(JournalError::RecordTooLarge { .. })));
        let largest = &too_large[1..];
        for _ in 0..3 {
            builder.push(largest).unwrap();
        }
        assert!(matches!(builder.push(largest), Err(JournalError::GroupFull)));
        assert_eq!((builder.record_count(), builder.next_lsn()), (4, 5));
    }
}
