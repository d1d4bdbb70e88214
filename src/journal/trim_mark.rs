//! The trim mark: where the journal begins since it was trimmed. It is written, so that it lasts, before anything goes;
//! without it a journal begins with LSN 1. So a beginning that was trimmed is told apart from one that is missing.
//!
//! | offset | size | field |
//! | ---: | ---: | --- |
//! | 0 | 8 | magic `F7 54 57 54 52 49 4D 0A` |
//! | 8 | 2 | format version (1) |
//! | 10 | 6 | reserved, 0 |
//! | 16 | 16 | identity of the journal (UUID) |
//! | 32 | 8 | first LSN that is kept: a segment begins with it |
//! | 40 | 32 | hash of the last group before |
//! | 72 | 4 | CRC-32 over bytes 0–71 |

use std::path::PathBuf;

use uuid::Uuid;

use super::directory::Directory;
use super::error::{Damage, JournalError};
use super::fields::{Fields, Truncated};
use super::group::GroupHash;

/// Layout of the trim mark that this code writes, and the newest that it reads.
pub const TRIM_FORMAT_VERSION: u16 = 1;
const TRIM_MAGIC: [u8; 8] = *b"\xf7TWTRIM\n";
const TRIM_NAME: &str = "trim.mark";
const CHECKED_LENGTH: usize = 72;
const LENGTH: usize = CHECKED_LENGTH + 4;

/// Where a trimmed journal begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrimMark {
    pub identity: Uuid,
    pub first_lsn: u64,
    pub previous_hash: GroupHash,
}

pub(super) fn trim_path(directory: &Directory) -> PathBuf {
    directory.path.join(TRIM_NAME)
}

impl TrimMark {
    /// The journal's trim mark, none if it was never trimmed.
    pub(super) fn read(directory: &Directory) -> Result<Option<Self>, JournalError> {
        let path = trim_path(directory);
        let Some(bytes) = directory.read(&path)? else { return Ok(None) };
        Self::decode(&bytes)
            .unwrap_or(Err(Damage::HeaderCut))
            .map(Some)
            .map_err(|damage| JournalError::damaged(&path, 0, 0, damage))
    }

    /// Puts it in place of the one before, so that it lasts.
    pub(super) fn write(&self, directory: &Directory) -> Result<(), JournalError> {
        let path = trim_path(directory);
        let unfinished = Directory::unfinished_path(&path);
        directory.remove_lasting(&unfinished)?;
        let write = || {
            let file = directory.disk.create_new(&unfinished)?;
            file.write_all_at(&self.encode(), 0)?;
            file.sync_data()?;
            directory.disk.rename(&unfinished, &path)?;
            directory.disk.sync_directory(&directory.path)
        };
        write().map_err(JournalError::io("write", &path, 0, self.first_lsn))
    }

    fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&TRIM_MAGIC);
        bytes[8..10].copy_from_slice(&TRIM_FORMAT_VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(self.identity.as_bytes());
        bytes[32..40].copy_from_slice(&self.first_lsn.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.previous_hash.0);
        let checksum = crc32fast::hash(&bytes[..CHECKED_LENGTH]);
        bytes[CHECKED_LENGTH..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Result<Self, Damage>, Truncated> {
        let mut fields = Fields::new(bytes);
        let magic: [u8; 8] = fields.array()?;
        let version = fields.u16()?;
        let _reserved: [u8; 6] = fields.array()?;
        let identity = Uuid::from_bytes(fields.array()?);
        let first_lsn = fields.u64()?;
        let previous_hash = GroupHash(fields.array()?);
        let checksum = fields.u32()?;
        Ok(if magic != TRIM_MAGIC {
            Err(Damage::NoMagic)
        } else if version > TRIM_FORMAT_VERSION {
            Err(Damage::NewerFormat { found: version, supported: TRIM_FORMAT_VERSION })
        } else if crc32fast::hash(&bytes[..CHECKED_LENGTH]) != checksum {
            Err(Damage::HeaderChecksum)
        } else {
            Ok(Self { identity, first_lsn, previous_hash })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let mark = TrimMark {
            identity: Uuid::from_bytes(*b"0123456789abcdef"),
            first_lsn: 0x0102,
            previous_hash: GroupHash([0xbb; 32]),
        };
        let mut golden = vec![0xf7, b'T', b'W', b'T', b'R', b'I', b'M', b'\n', 1, 0, 0, 0, 0, 0, 0, 0];
        golden.extend(b"0123456789abcdef");
        golden.extend([2, 1, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xbb; 32]);
        golden.extend(crc32fast::hash(&golden).to_le_bytes());
        assert_eq!(mark.encode()[..], golden);
        assert_eq!(TrimMark::decode(&golden), Ok(Ok(mark)));
        for bit in 0..golden.len() * 8 {
            let mut flipped = golden.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(TrimMark::decode(&flipped), Ok(Ok(_))), "bit {bit}");
        }
    }
}
