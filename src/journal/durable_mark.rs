//! The durable mark: up to where the journal was promised to be durable, in a file of its own.
//!
//! The file has two slots of 512 bytes. Each write goes to the slot that doesn't hold the newest mark, so that a torn
//! write leaves the other one. It is written after a group's `fdatasync` and before anyone hears of the group, but is
//! itself only synced when a segment is begun and on a clean stop: after a power loss it may be older than the
//! journal's end, never newer.
//!
//! | offset in slot | size | field |
//! | ---: | ---: | --- |
//! | 0 | 8 | magic `F7 54 57 4D 41 52 4B 0A` |
//! | 8 | 2 | format version (1) |
//! | 10 | 6 | reserved, 0 |
//! | 16 | 16 | identity of the journal (UUID) |
//! | 32 | 8 | counter: the valid slot with the higher one counts |
//! | 40 | 8 | LSN of the last durable record, 0 = none yet |
//! | 48 | 32 | hash of its group |
//! | 80 | 8 | first LSN of its segment |
//! | 88 | 8 | offset of its group's end in that segment |
//! | 96 | 4 | CRC-32 over bytes 0–95 |
//! | 100 | 412 | 0 |

use std::path::PathBuf;

use uuid::Uuid;

use super::directory::Directory;
use super::disk::DiskFile;
use super::error::{Damage, JournalError};
use super::fields::{Fields, Truncated};
use super::group::GroupHash;
use super::position::Position;

/// Mark layout that this code writes, and the newest that it reads.
pub const MARK_FORMAT_VERSION: u16 = 1;
/// A slot is a sector of the smallest kind: writing one never touches the other on the disk.
const SLOT_LENGTH: usize = 512;
const SLOT_COUNT: usize = 2;
const MARK_MAGIC: [u8; 8] = *b"\xf7TWMARK\n";
const CHECKED_LENGTH: usize = 96;
const FIELDS_LENGTH: usize = CHECKED_LENGTH + 4;
const MARK_NAME: &str = "durable.mark";

/// What the mark's file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkState {
    Missing,
    /// There is a file, but no slot of it is valid.
    Invalid,
    Valid {
        mark: Position,
        counter: u64,
    },
}

impl MarkState {
    pub(super) fn mark(&self) -> Option<&Position> {
        match self {
            Self::Valid { mark, .. } => Some(mark),
            Self::Missing | Self::Invalid => None,
        }
    }
}

pub(super) fn mark_path(directory: &Directory) -> PathBuf {
    directory.path.join(MARK_NAME)
}

pub(super) fn read_mark(directory: &Directory) -> Result<MarkState, JournalError> {
    let path = mark_path(directory);
    let Some(bytes) = directory.read(&path)? else { return Ok(MarkState::Missing) };
    let mut newest = None;
    for (index, slot) in bytes.chunks(SLOT_LENGTH).take(SLOT_COUNT).enumerate() {
        match decode_slot(slot) {
            Ok((counter, mark)) => {
                if newest.is_none_or(|(highest, _)| counter > highest) {
                    newest = Some((counter, mark));
                }
            }
            Err(damage @ Damage::NewerFormat { .. }) => {
                return Err(JournalError::damaged(&path, (index * SLOT_LENGTH) as u64, 0, damage));
            }
            Err(_) => {}
        }
    }
    Ok(newest.map_or(MarkState::Invalid, |(counter, mark)| MarkState::Valid { mark, counter }))
}

/// Writes marks, alternating between the slots.
pub(super) struct MarkFile {
    file: DiskFile,
    counter: u64,
}

impl MarkFile {
    /// Opens the mark's file, or creates it so that it lasts, and writes `mark`, synced.
    pub(super) fn open(
        directory: &Directory,
        state: &MarkState,
        mark: &Position,
    ) -> Result<Self, JournalError> {
        let path = mark_path(directory);
        let file = match state {
            MarkState::Missing => directory.disk.create_new(&path),
            MarkState::Invalid | MarkState::Valid { .. } => directory.disk.open(&path),
        }
        .map_err(JournalError::io("open", &path, 0, 0))?;
        let counter = match state {
            MarkState::Valid { counter, .. } => *counter,
            MarkState::Missing | MarkState::Invalid => 0,
        };
        let mut this = Self { file, counter };
        this.write(mark)?;
        this.sync()?;
        // Also if the file was there: perhaps it was created just before a crash.
        directory.sync()?;
        Ok(this)
    }

    pub(super) fn write(&mut self, mark: &Position) -> Result<(), JournalError> {
        let counter = self.counter + 1;
        let offset = counter % SLOT_COUNT as u64 * SLOT_LENGTH as u64;
        self.file.write_all_at(&encode_slot(counter, mark), offset).map_err(JournalError::io(
            "write",
            self.file.path(),
            offset,
            mark.lsn,
        ))?;
        self.counter = counter;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(JournalError::io("sync", self.file.path(), 0, 0))
    }
}

fn encode_slot(counter: u64, mark: &Position) -> [u8; SLOT_LENGTH] {
    let mut slot = [0; SLOT_LENGTH];
    slot[..8].copy_from_slice(&MARK_MAGIC);
    slot[8..10].copy_from_slice(&MARK_FORMAT_VERSION.to_le_bytes());
    slot[16..32].copy_from_slice(mark.identity.as_bytes());
    slot[32..40].copy_from_slice(&counter.to_le_bytes());
    slot[40..48].copy_from_slice(&mark.lsn.to_le_bytes());
    slot[48..80].copy_from_slice(&mark.group_hash.0);
    slot[80..88].copy_from_slice(&mark.segment_first_lsn.to_le_bytes());
    slot[88..96].copy_from_slice(&mark.end_offset.to_le_bytes());
    let checksum = crc32fast::hash(&slot[..CHECKED_LENGTH]);
    slot[CHECKED_LENGTH..FIELDS_LENGTH].copy_from_slice(&checksum.to_le_bytes());
    slot
}

fn decode_slot(slot: &[u8]) -> Result<(u64, Position), Damage> {
    let bytes = slot.get(..FIELDS_LENGTH).ok_or(Damage::HeaderCut)?;
    decode_fields(bytes).unwrap_or(Err(Damage::HeaderCut))
}

fn decode_fields(bytes: &[u8]) -> Result<Result<(u64, Position), Damage>, Truncated> {
    let mut fields = Fields::new(bytes);
    let magic: [u8; 8] = fields.array()?;
    let version = fields.u16()?;
    let _reserved: [u8; 6] = fields.array()?;
    let identity = Uuid::from_bytes(fields.array()?);
    let counter = fields.u64()?;
    let lsn = fields.u64()?;
    let group_hash = GroupHash(fields.array()?);
    let segment_first_lsn = fields.u64()?;
    let end_offset = fields.u64()?;
    let checksum = fields.u32()?;
    Ok(if magic != MARK_MAGIC {
        Err(Damage::NoMagic)
    } else if version > MARK_FORMAT_VERSION {
        Err(Damage::NewerFormat { found: version, supported: MARK_FORMAT_VERSION })
    } else if crc32fast::hash(&bytes[..CHECKED_LENGTH]) != checksum {
        Err(Damage::HeaderChecksum)
    } else {
        Ok((counter, Position { identity, lsn, group_hash, segment_first_lsn, end_offset }))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mark(lsn: u64) -> Position {
        Position {
            identity: Uuid::from_bytes(*b"0123456789abcdef"),
            lsn,
            group_hash: GroupHash([0xcc; 32]),
            segment_first_lsn: 1,
            end_offset: 80 + lsn,
        }
    }

    #[test]
    fn the_layout_on_disk_is_the_documented_one() {
        let mut golden = vec![0xf7, b'T', b'W', b'M', b'A', b'R', b'K', b'\n', 1, 0, 0, 0, 0, 0, 0, 0];
        golden.extend(b"0123456789abcdef");
        golden.extend([9, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([5, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xcc; 32]);
        golden.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([85, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend(crc32fast::hash(&golden).to_le_bytes());
        golden.resize(512, 0);
        assert_eq!(encode_slot(9, &mark(5))[..], golden);
        assert_eq!(decode_slot(&golden), Ok((9, mark(5))));
    }

    #[test]
    fn a_torn_slot_leaves_the_mark_before() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::on_system(temporary.path());
        let mut file = MarkFile::open(&directory, &MarkState::Missing, &mark(0)).unwrap();
        for lsn in 1..=4 {
            file.write(&mark(lsn)).unwrap();
            assert_eq!(read_mark(&directory).unwrap().mark(), Some(&mark(lsn)));
            let path = mark_path(&directory);
            let whole = fs::read(&path).unwrap();
            // Counters start at 1 with LSN 0, in the second slot.
            let slot = ((lsn + 1) % 2) as usize * SLOT_LENGTH;
            for torn in slot..slot + FIELDS_LENGTH {
                let mut bytes = whole.clone();
                bytes[torn] ^= 0x40;
                fs::write(&path, &bytes).unwrap();
                let read = read_mark(&directory);
                match torn - slot {
                    8 | 9 => assert!(read.is_err(), "a newer version"),
                    _ => assert_eq!(read.unwrap().mark(), Some(&mark(lsn - 1))),
                }
            }
            fs::write(&path, &whole).unwrap();
        }
    }

    #[test]
    fn a_file_without_a_valid_slot_is_not_a_missing_one() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::on_system(temporary.path());
        assert_eq!(read_mark(&directory).unwrap(), MarkState::Missing);
        fs::write(mark_path(&directory), b"").unwrap();
        assert_eq!(read_mark(&directory).unwrap(), MarkState::Invalid);
    }
}
