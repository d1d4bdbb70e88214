//! A compressed segment: the bytes of a sealed one, cut into frames that are compressed one by one, so that reading in
//! the middle inflates no more than what is read.
//!
//! | offset | size | field |
//! | ---: | ---: | --- |
//! | 0 | 8 | magic `F7 54 57 4A 5A 53 54 0A` |
//! | 8 | 2 | format version (1) |
//! | 10 | 2 | flags, 0 |
//! | 12 | 4 | bytes of the segment in a frame; the last one may hold fewer |
//! | 16 | 8 | bytes of the segment |
//! | 24 | 8 | first LSN |
//! | 32 | 8 | last LSN |
//! | 40 | 32 | hash of the last group |
//! | 72 | 4 | number of frames |
//! | 76 | 4 | CRC-32 over bytes 0–75 and the table |
//! | 80 | 8 each | table: for each frame its bytes as stored (4) and their CRC-32 (4) |
//! | … | … | the frames (zstd), one behind the other up to the file's end |
//!
//! The hash chain covers what is inside; a segment's bytes and offsets mean the same in both forms.

use std::path::Path;

use zstd::bulk::Decompressor;

use super::disk::DiskFile;
use super::error::{Damage, JournalError};
use super::fields::{Fields, Truncated};
use super::group::GroupHash;

/// Layout of compressed segments that this code writes, and the newest that it reads.
pub const COMPRESSED_FORMAT_VERSION: u16 = 1;
pub(super) const COMPRESSED_HEADER_LENGTH: usize = 80;
/// Bytes of a frame's entry in the table.
pub(super) const FRAME_ENTRY_LENGTH: usize = 8;
/// Bytes of the segment in a frame that this code writes.
pub(super) const FRAME_BYTES: u32 = 256 << 10;
/// Bytes of the segment that a frame may hold: it is in memory as a whole.
const FRAME_BYTES_MAX: u32 = 16 << 20;
/// Frames that a file may have: its table is in memory as a whole.
const FRAMES_MAX: u32 = 1 << 24;

const COMPRESSED_MAGIC: [u8; 8] = *b"\xf7TWJZST\n";
const CHECKED_LENGTH: usize = 76;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CompressedHeader {
    pub frame_bytes: u32,
    /// Bytes of the segment, not compressed.
    pub content_bytes: u64,
    pub first_lsn: u64,
    pub last_lsn: u64,
    pub last_hash: GroupHash,
}

/// A frame as it stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameEntry {
    pub length: u32,
    pub checksum: u32,
}

impl CompressedHeader {
    pub(super) fn frame_count(&self) -> u64 {
        self.content_bytes.div_ceil(u64::from(self.frame_bytes.max(1)))
    }

    /// Header and table.
    pub(super) fn encode(&self, frames: &[FrameEntry]) -> Vec<u8> {
        let mut bytes = vec![0; COMPRESSED_HEADER_LENGTH];
        bytes[..8].copy_from_slice(&COMPRESSED_MAGIC);
        bytes[8..10].copy_from_slice(&COMPRESSED_FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.frame_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.content_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_lsn.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.last_lsn.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.last_hash.0);
        bytes[72..76].copy_from_slice(&(frames.len() as u32).to_le_bytes());
        for frame in frames {
            bytes.extend(frame.length.to_le_bytes());
            bytes.extend(frame.checksum.to_le_bytes());
        }
        let checksum = checksum_of(&bytes);
        bytes[CHECKED_LENGTH..COMPRESSED_HEADER_LENGTH].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header and how many frames there are; the checksum is not looked at.
    fn decode(bytes: &[u8]) -> Result<Result<(Self, u32), Damage>, Truncated> {
        let mut fields = Fields::new(bytes);
        let magic: [u8; 8] = fields.array()?;
        let version = fields.u16()?;
        let flags = fields.u16()?;
        let frame_bytes = fields.u32()?;
        let content_bytes = fields.u64()?;
        let first_lsn = fields.u64()?;
        let last_lsn = fields.u64()?;
        let last_hash = GroupHash(fields.array()?);
        let frame_count = fields.u32()?;
        let header = Self { frame_bytes, content_bytes, first_lsn, last_lsn, last_hash };
        let fits = (1..=FRAME_BYTES_MAX).contains(&frame_bytes)
            && frame_count <= FRAMES_MAX
            && header.frame_count() == u64::from(frame_count);
        Ok(if magic != COMPRESSED_MAGIC {
            Err(Damage::NoMagic)
        } else if version > COMPRESSED_FORMAT_VERSION {
            Err(Damage::NewerFormat { found: version, supported: COMPRESSED_FORMAT_VERSION })
        } else if flags != 0 {
            Err(Damage::UnknownFlags(flags))
        } else if !fits {
            Err(Damage::HeaderChecksum)
        } else {
            Ok((header, frame_count))
        })
    }
}

/// Of header and table, without the four bytes where it stands.
fn checksum_of(header_and_table: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header_and_table[..CHECKED_LENGTH]);
    hasher.update(&header_and_table[COMPRESSED_HEADER_LENGTH..]);
    hasher.finalize()
}

/// A compressed segment that is open for reading. Holds one inflated frame.
pub(super) struct CompressedFile {
    file: DiskFile,
    header: CompressedHeader,
    /// Where each frame starts in the file, and its entry.
    frames: Vec<(u64, FrameEntry)>,
    file_bytes: u64,
    decompressor: Option<Decompressor<'static>>,
    stored: Vec<u8>,
    frame: Vec<u8>,
    /// Which one `frame` is.
    frame_index: Option<usize>,
}

impl CompressedFile {
    /// Opens the compressed segment that is named by `first_lsn`, and checks header, table and length.
    pub(super) fn open(file: DiskFile, first_lsn: u64) -> Result<Self, JournalError> {
        let damaged = |damage| JournalError::damaged(file.path(), 0, first_lsn, damage);
        let read_error = || JournalError::io("read", file.path(), 0, first_lsn);
        let mut bytes = vec![0; COMPRESSED_HEADER_LENGTH];
        let read = file.read_at(&mut bytes, 0).map_err(read_error())?;
        let (header, frame_count) =
            CompressedHeader::decode(&bytes[..read]).unwrap_or(Err(Damage::HeaderCut)).map_err(damaged)?;
        let file_bytes = file.length().map_err(read_error())?;
        let table_bytes = frame_count as usize * FRAME_ENTRY_LENGTH;
        if file_bytes < (COMPRESSED_HEADER_LENGTH + table_bytes) as u64 {
            return Err(damaged(Damage::HeaderCut));
        }
        bytes.resize(COMPRESSED_HEADER_LENGTH + table_bytes, 0);
        file.read_exact_at(&mut bytes[COMPRESSED_HEADER_LENGTH..], COMPRESSED_HEADER_LENGTH as u64)
            .map_err(read_error())?;
        let (checked, table) = bytes.split_at(COMPRESSED_HEADER_LENGTH);
        if checked[CHECKED_LENGTH..] != checksum_of(&bytes).to_le_bytes() {
            return Err(damaged(Damage::HeaderChecksum));
        }
        let mut offset = bytes.len() as u64;
        let mut frames = Vec::with_capacity(frame_count as usize);
        let mut fields = Fields::new(table);
        while let (Ok(length), Ok(checksum)) = (fields.u32(), fields.u32()) {
            frames.push((offset, FrameEntry { length, checksum }));
            offset += u64::from(length);
        }
        if offset != file_bytes {
            return Err(damaged(Damage::CompressedLength { expected: offset, found: file_bytes }));
        }
        if header.first_lsn != first_lsn {
            return Err(damaged(Damage::LsnGap { expected: first_lsn, found: header.first_lsn }));
        }
        Ok(Self {
            file,
            header,
            frames,
            file_bytes,
            decompressor: None,
            stored: Vec::new(),
            frame: Vec::new(),
            frame_index: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn header(&self) -> &CompressedHeader {
        &self.header
    }

    /// Bytes of the file as it is on the disk.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Fills the buffer with the segment's bytes from `offset` on as far as they go; gives how many that are.
    pub(super) fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, JournalError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let position = offset + filled as u64;
            if position >= self.header.content_bytes {
                break;
            }
            let frame_bytes = u64::from(self.header.frame_bytes);
            let frame = self.inflate((position / frame_bytes) as usize)?;
            let rest = &frame[(position % frame_bytes) as usize..];
            let count = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
        }
        Ok(filled)
    }

    /// A frame's content, after a check of its checksum. Exactly as long as header and index say.
    fn inflate(&mut self, index: usize) -> Result<&[u8], JournalError> {
        if self.frame_index == Some(index) {
            return Ok(&self.frame);
        }
        self.frame_index = None;
        let first_lsn = self.header.first_lsn;
        let (offset, entry) = self.frames[index];
        let path = self.file.path();
        let frame_bytes = u64::from(self.header.frame_bytes);
        let expected = (self.header.content_bytes - index as u64 * frame_bytes).min(frame_bytes) as usize;
        self.stored.resize(entry.length as usize, 0);
        self.file
            .read_exact_at(&mut self.stored, offset)
            .map_err(JournalError::io("read", path, offset, first_lsn))?;
        if crc32fast::hash(&self.stored) != entry.checksum {
            return Err(JournalError::damaged(path, offset, first_lsn, Damage::FrameChecksum));
        }
        if self.decompressor.is_none() {
            let made = Decompressor::new().map_err(JournalError::io("inflate", path, offset, first_lsn))?;
            self.decompressor = Some(made);
        }
        self.frame.resize(expected, 0);
        let inflated = self.decompressor.as_mut().and_then(|decompressor| {
            decompressor.decompress_to_buffer(&self.stored, &mut self.frame[..]).ok()
        });
        if inflated != Some(expected) {
            return Err(JournalError::damaged(path, offset, first_lsn, Damage::FrameContent));
        }
        self.frame_index = Some(index);
        Ok(&self.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let header = CompressedHeader {
            frame_bytes: 4096,
            content_bytes: 5000,
            first_lsn: 7,
            last_lsn: 9,
            last_hash: GroupHash([0xdd; 32]),
        };
        let frames = [FrameEntry { length: 3, checksum: 1 }, FrameEntry { length: 2, checksum: 4 }];
        let mut golden = vec![0xf7, b'T', b'W', b'J', b'Z', b'S', b'T', b'\n', 1, 0, 0, 0, 0, 16, 0, 0];
        golden.extend([0x88, 0x13, 0, 0, 0, 0, 0, 0]);
        golden.extend([7, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([9, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xdd; 32]);
        golden.extend([2, 0, 0, 0]);
        let table = [3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0];
        let checksum = crc32fast::hash(&[&golden[..], &table[..]].concat());
        golden.extend(checksum.to_le_bytes());
        golden.extend(table);
        assert_eq!(header.encode(&frames), golden);
        assert!(matches!(CompressedHeader::decode(&golden), Ok(Ok((decoded, 2))) if decoded == header));
    }
}
