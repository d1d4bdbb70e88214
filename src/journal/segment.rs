//! A segment: one file of groups, named by its first LSN.
//!
//! | offset | size | field |
//! | ---: | ---: | --- |
//! | 0 | 8 | magic `F7 54 57 4A 53 45 47 0A` |
//! | 8 | 2 | format version (1) |
//! | 10 | 2 | flags, 0 |
//! | 12 | 4 | reserved, 0 |
//! | 16 | 16 | identity of the journal (UUID) |
//! | 32 | 8 | first LSN |
//! | 40 | 32 | hash of the last group of the segment before |
//! | 72 | 4 | reserved, 0 |
//! | 76 | 4 | CRC-32 over bytes 0–75 |
//! | 80 | … | groups |

use std::path::Path;

use uuid::Uuid;

use super::compressed::CompressedFile;
use super::disk::DiskFile;
use super::error::{Damage, JournalError};
use super::fields::{Fields, Truncated};
use super::group::{GROUP_HEADER_LENGTH, GROUP_MAGIC, GroupHash, GroupHeader};

/// Segment layout that this code writes, and the newest that it reads.
pub const SEGMENT_FORMAT_VERSION: u16 = 1;
/// Bytes of a segment's header.
pub const SEGMENT_HEADER_LENGTH: usize = 80;

const SEGMENT_MAGIC: [u8; 8] = *b"\xf7TWJSEG\n";
const CHECKED_LENGTH: usize = 76;
/// Groups are read through a buffer of this size, so that small ones don't cost a system call each.
const READ_AHEAD_BYTES: usize = 256 << 10;
/// As much is read where only headers are wanted: groups under load are larger, those of an idle tower are not.
const HEADER_READ_AHEAD_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub identity: Uuid,
    pub first_lsn: u64,
    pub previous_hash: GroupHash,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_LENGTH] {
        let mut bytes = [0; SEGMENT_HEADER_LENGTH];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&SEGMENT_FORMAT_VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(self.identity.as_bytes());
        bytes[32..40].copy_from_slice(&self.first_lsn.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.previous_hash.0);
        let checksum = crc32fast::hash(&bytes[..CHECKED_LENGTH]);
        bytes[CHECKED_LENGTH..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let header = bytes.get(..SEGMENT_HEADER_LENGTH).ok_or(Damage::HeaderCut)?;
        Self::decode_fields(header).unwrap_or(Err(Damage::HeaderCut))
    }

    fn decode_fields(header: &[u8]) -> Result<Result<Self, Damage>, Truncated> {
        let mut fields = Fields::new(header);
        let magic: [u8; 8] = fields.array()?;
        let version = fields.u16()?;
        let flags = fields.u16()?;
        let _reserved = fields.u32()?;
        let identity = Uuid::from_bytes(fields.array()?);
        let first_lsn = fields.u64()?;
        let previous_hash = GroupHash(fields.array()?);
        let _reserved = fields.u32()?;
        let checksum = fields.u32()?;
        Ok(if magic != SEGMENT_MAGIC {
            Err(Damage::NoMagic)
        } else if version > SEGMENT_FORMAT_VERSION {
            Err(Damage::NewerFormat { found: version, supported: SEGMENT_FORMAT_VERSION })
        } else if crc32fast::hash(&header[..CHECKED_LENGTH]) != checksum {
            Err(Damage::HeaderChecksum)
        } else if flags != 0 {
            Err(Damage::UnknownFlags(flags))
        } else {
            Ok(Self { identity, first_lsn, previous_hash })
        })
    }
}

/// What stands at the place of a [`SegmentCursor`].
pub(super) enum Step<'a> {
    /// The file ends exactly here.
    End,
    Group(GroupView<'a>),
    Damaged(Damage),
}

/// What stands at the place of a [`SegmentCursor`], as far as headers tell.
pub(super) enum HeaderStep {
    /// The file ends exactly here.
    End,
    /// Its payload was not looked at and may be cut short.
    Group(GroupHeader),
    Damaged(Damage),
}

/// A group in the cursor's buffer.
pub(super) struct GroupView<'a> {
    pub header: GroupHeader,
    pub payload: &'a [u8],
}

/// Whether to check a group's hash or leave it at the checksums of header and records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HashCheck {
    Verify,
    Skip,
}

/// A segment's file in either form. Bytes and offsets are those of the segment as it was written.
pub(super) enum SegmentFile {
    Plain(DiskFile),
    Compressed(Box<CompressedFile>),
}

impl SegmentFile {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Plain(file) => file.path(),
            Self::Compressed(file) => file.path(),
        }
    }

    /// Bytes of the segment now.
    pub(super) fn length(&self) -> Result<u64, JournalError> {
        match self {
            Self::Plain(file) => file.length().map_err(JournalError::io("read", file.path(), 0, 0)),
            Self::Compressed(file) => Ok(file.header().content_bytes),
        }
    }

    /// Fills the buffer from `offset` on as far as the segment goes; gives how many bytes that are.
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, JournalError> {
        match self {
            Self::Plain(file) => {
                file.read_at(buffer, offset).map_err(JournalError::io("read", file.path(), offset, 0))
            }
            Self::Compressed(file) => file.read_at(buffer, offset),
        }
    }

    /// What the file says about itself, if it is compressed.
    pub(super) fn compressed(&self) -> Option<&CompressedFile> {
        match self {
            Self::Plain(_) => None,
            Self::Compressed(file) => Some(file),
        }
    }
}

/// Reads a segment group by group, through a buffer.
pub(super) struct SegmentCursor {
    file: SegmentFile,
    buffer: Vec<u8>,
    /// How many bytes at the front of `buffer` are of the file.
    filled: usize,
    /// Where `buffer` starts in the file.
    buffer_offset: u64,
    /// Where the next group starts in the file.
    offset: u64,
}

impl SegmentCursor {
    pub(super) fn new(file: SegmentFile, offset: u64) -> Self {
        Self { file, buffer: Vec::new(), filled: 0, buffer_offset: offset, offset }
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn file(&self) -> &SegmentFile {
        &self.file
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Drops what was read ahead: a writer may since have written there.
    pub(super) fn forget_buffer(&mut self) {
        self.filled = 0;
        self.buffer_offset = self.offset;
    }

    pub(super) fn segment_header(&mut self) -> Result<Result<SegmentHeader, Damage>, JournalError> {
        Ok(SegmentHeader::decode(self.window(0, SEGMENT_HEADER_LENGTH)?))
    }

    /// The group at the cursor, which moves behind it; stays where it is at the end and at damage.
    pub(super) fn next_group(&mut self, check: HashCheck) -> Result<Step<'_>, JournalError> {
        let offset = self.offset;
        let bytes = self.window(offset, GROUP_HEADER_LENGTH)?;
        if bytes.is_empty() {
            return Ok(Step::End);
        }
        let header = match GroupHeader::decode(bytes) {
            Ok(header) => header,
            Err(damage) => return Ok(Step::Damaged(damage)),
        };
        let length = GROUP_HEADER_LENGTH + header.payload_length as usize;
        // Asked for in two steps, so that a length is only believed once the header's checksum is right.
        let intact = {
            let group = self.window(offset, length)?;
            if group.len() < length {
                return Ok(Step::Damaged(Damage::PayloadCut));
            }
            check == HashCheck::Skip || header.hash_matches(group)
        };
        if !intact {
            return Ok(Step::Damaged(Damage::GroupHash));
        }
        self.offset += length as u64;
        let group = self.window(offset, length)?;
        Ok(Step::Group(GroupView { header, payload: &group[GROUP_HEADER_LENGTH..] }))
    }

    /// The header of the group at the cursor, which moves behind the group without reading its payload; stays where it is
    /// at the end and at damage.
    pub(super) fn skip_group(&mut self) -> Result<HeaderStep, JournalError> {
        let bytes = self.window_ahead(self.offset, GROUP_HEADER_LENGTH, HEADER_READ_AHEAD_BYTES)?;
        if bytes.is_empty() {
            return Ok(HeaderStep::End);
        }
        Ok(match GroupHeader::decode(bytes) {
            Ok(header) => {
                self.offset += header.length();
                HeaderStep::Group(header)
            }
            Err(damage) => HeaderStep::Damaged(damage),
        })
    }

    /// Moves to where a group starts.
    pub(super) fn go_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Whether a valid group starts anywhere behind the cursor: then what stands at the cursor is no torn write, since
    /// groups are written one after the other and each is synced before the next.
    pub(super) fn valid_group_follows(&mut self) -> Result<bool, JournalError> {
        let start = self.offset;
        let mut position = start + 1;
        loop {
            let window = self.window(position, READ_AHEAD_BYTES)?;
            if window.len() < GROUP_HEADER_LENGTH {
                self.offset = start;
                return Ok(false);
            }
            let window_length = window.len() as u64;
            let found = window.windows(GROUP_MAGIC.len()).position(|bytes| bytes == GROUP_MAGIC);
            let Some(found) = found else {
                position += window_length - (GROUP_MAGIC.len() as u64 - 1);
                continue;
            };
            self.offset = position + found as u64;
            let is_group = matches!(self.next_group(HashCheck::Verify)?, Step::Group(_));
            if is_group {
                self.offset = start;
                return Ok(true);
            }
            position += found as u64 + 1;
        }
    }

    /// Up to `length` bytes from `offset` on, fewer only at the end of the file.
    fn window(&mut self, offset: u64, length: usize) -> Result<&[u8], JournalError> {
        self.window_ahead(offset, length, READ_AHEAD_BYTES)
    }

    /// The same, and reads at least `ahead` bytes if it has to read.
    fn window_ahead(&mut self, offset: u64, length: usize, ahead: usize) -> Result<&[u8], JournalError> {
        let buffered =
            offset >= self.buffer_offset && offset + length as u64 <= self.buffer_offset + self.filled as u64;
        if !buffered {
            self.fill(offset, length.max(ahead))?;
        }
        let start = (offset - self.buffer_offset) as usize;
        let end = self.filled.min(start + length);
        Ok(&self.buffer[start..end])
    }

    fn fill(&mut self, offset: u64, length: usize) -> Result<(), JournalError> {
        if self.buffer.len() < length {
            self.buffer = vec![0; length];
        }
        self.filled = 0;
        self.buffer_offset = offset;
        self.filled = self.file.read_at(&mut self.buffer[..length], offset)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SegmentHeader {
        SegmentHeader {
            identity: Uuid::from_bytes(*b"0123456789abcdef"),
            first_lsn: 0x0102,
            previous_hash: GroupHash([0xbb; 32]),
        }
    }

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let mut golden = vec![0xf7, b'T', b'W', b'J', b'S', b'E', b'G', b'\n', 1, 0, 0, 0, 0, 0, 0, 0];
        golden.extend(b"0123456789abcdef");
        golden.extend([2, 1, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xbb; 32]);
        golden.extend([0; 4]);
        golden.extend(crc32fast::hash(&golden).to_le_bytes());
        assert_eq!(sample().encode()[..], golden);
        assert_eq!(SegmentHeader::decode(&golden), Ok(sample()));
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unnoticed() {
        let bytes = sample().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(SegmentHeader::decode(&bytes[..length]), Err(Damage::HeaderCut));
        }
    }
}
