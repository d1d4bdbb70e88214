//! The recovery scan: reads a whole journal, checks everything that can be checked, and decides what it is worth,
//! without changing a byte.
//!
//! The rules (`docs/journal.md` argues them):
//! - A last group that is cut short or whose hash fails is a *torn tail* when it is in the last segment, above the
//!   durable mark, and no valid group follows it. A torn tail may be cut.
//! - A last segment without a valid header and without room for a group is a crash while it was created. It may go.
//! - Everything else that is not as it should be is refused.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::directory::{list_segments, segment_path};
use super::durable_mark::{MarkState, mark_path, read_mark};
use super::error::{Damage, JournalError, Place};
use super::group::{GroupHash, GroupHeader, for_each_record};
use super::reader::SegmentIndex;
use super::segment::{HashCheck, SEGMENT_HEADER_LENGTH, SegmentCursor, SegmentHeader, Step};

/// The first epoch of a journal.
pub const FIRST_EPOCH: u32 = 1;

/// Bytes behind the last good group that no crash-free journal has; they were never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    pub place: Place,
    pub damage: Damage,
    /// Bytes from there to the end of the file.
    pub length: u64,
}

/// What a scan of a whole journal found. All LSNs are 0 when there is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Identity of the journal, made when it was created; the epoch of positions and feeds.
    pub identity: Uuid,
    pub epoch: u32,
    pub segments: u64,
    pub groups: u64,
    pub records: u64,
    /// LSN of the last good record.
    pub tail_lsn: u64,
    pub last_group_hash: GroupHash,
    /// LSN of the durable mark; none where there is no mark yet.
    pub marked_lsn: Option<u64>,
    pub torn_tail: Option<TornTail>,
    /// A last segment whose creation a crash cut short.
    pub unborn_segment: Option<PathBuf>,
}

/// Checks a whole journal and changes nothing. Beside a running writer, its unfinished group looks like a torn tail.
///
/// # Errors
/// Whatever would keep [`super::Journal::open`] from opening it; `SegmentsMissing` if there is no journal.
pub fn verify(directory: &Path) -> Result<VerifyReport, JournalError> {
    match scan_journal(directory)? {
        Scanned::Journal(scan) => Ok(scan.report),
        Scanned::Nothing { .. } => Err(JournalError::SegmentsMissing(directory.to_owned())),
    }
}

pub(super) enum Scanned {
    /// No journal, or one whose creation a crash cut short before it could hold anything.
    Nothing {
        unborn_segment: Option<PathBuf>,
    },
    Journal(Box<Scan>),
}

pub(super) struct Scan {
    pub report: VerifyReport,
    pub mark: MarkState,
    pub segments: Vec<SegmentIndex>,
    pub last_segment_first_lsn: u64,
    /// Where the last good group of the last segment ends.
    pub end_offset: u64,
    /// Where the marked group ends, or 0 if the mark stands in an earlier segment: from here on to `end_offset`, the
    /// last segment holds what was perhaps never synced.
    pub marked_offset: u64,
}

/// What must come next, so that it continues what was read.
pub(super) struct Chain {
    pub identity: Uuid,
    pub next_lsn: u64,
    pub last_hash: GroupHash,
    pub epoch: u32,
}

impl Chain {
    /// The chain of a journal without a group.
    pub(super) fn begin(identity: Uuid) -> Self {
        Self { identity, next_lsn: 1, last_hash: GroupHash::genesis(identity), epoch: FIRST_EPOCH }
    }

    pub(super) fn check_segment(&self, header: &SegmentHeader) -> Result<(), Damage> {
        if header.identity != self.identity {
            return Err(Damage::ForeignSegment);
        }
        if header.first_lsn != self.next_lsn {
            return Err(Damage::LsnGap { expected: self.next_lsn, found: header.first_lsn });
        }
        if header.previous_hash != self.last_hash {
            return Err(Damage::ChainBroken);
        }
        Ok(())
    }

    /// Checks that a group continues the chain, and takes it in.
    pub(super) fn take(&mut self, header: &GroupHeader) -> Result<(), Damage> {
        if header.first_lsn != self.next_lsn {
            return Err(Damage::LsnGap { expected: self.next_lsn, found: header.first_lsn });
        }
        if header.previous_hash != self.last_hash {
            return Err(Damage::ChainBroken);
        }
        if header.epoch < self.epoch {
            return Err(Damage::EpochWentBack { before: self.epoch, found: header.epoch });
        }
        self.next_lsn += u64::from(header.record_count);
        self.last_hash = header.hash;
        self.epoch = header.epoch;
        Ok(())
    }
}

/// Whether a segment's creation was cut short: no valid header, and no byte behind where it should be. Groups are
/// only written once the header is synced.
pub(super) fn is_unborn(cursor: &mut SegmentCursor) -> Result<bool, JournalError> {
    let length = cursor.file_length().map_err(JournalError::io("read", cursor.path(), 0, 0))?;
    Ok(length <= SEGMENT_HEADER_LENGTH as u64
        && cursor.segment_header()?.is_err_and(|damage| damage.can_be_torn_write()))
}

pub(super) fn open_cursor(path: &Path) -> Result<SegmentCursor, JournalError> {
    SegmentCursor::open(path, SEGMENT_HEADER_LENGTH as u64).map_err(JournalError::io("open", path, 0, 0))
}

pub(super) fn scan_journal(directory: &Path) -> Result<Scanned, JournalError> {
    // The mark first: beside a running writer it must not be newer than what is scanned.
    let mark = read_mark(directory)?;
    let mut first_lsns = list_segments(directory)?;
    let mut unborn_segment = None;
    if let Some(&last) = first_lsns.last() {
        let path = segment_path(directory, last);
        if is_unborn(&mut open_cursor(&path)?)? {
            unborn_segment = Some(path);
            first_lsns.pop();
        }
    }
    let (Some(&first), Some(&last)) = (first_lsns.first(), first_lsns.last()) else {
        // The mark is created after the first segment lasts, so it can't be there alone by a crash.
        return match mark {
            MarkState::Missing => Ok(Scanned::Nothing { unborn_segment }),
            MarkState::Invalid | MarkState::Valid { .. } => {
                Err(JournalError::SegmentsMissing(mark_path(directory)))
            }
        };
    };

    let first_path = segment_path(directory, first);
    let first_header = open_cursor(&first_path)?
        .segment_header()?
        .map_err(|damage| JournalError::damaged(&first_path, 0, first, damage))?;
    let identity = first_header.identity;
    let mut scan = Box::new(Scan {
        report: VerifyReport {
            identity,
            epoch: FIRST_EPOCH,
            segments: 0,
            groups: 0,
            records: 0,
            tail_lsn: 0,
            last_group_hash: GroupHash::genesis(identity),
            marked_lsn: mark.mark().map(|mark| mark.lsn),
            torn_tail: None,
            unborn_segment,
        },
        mark,
        segments: Vec::with_capacity(first_lsns.len()),
        last_segment_first_lsn: last,
        end_offset: 0,
        marked_offset: 0,
    });
    let mut chain = Chain::begin(identity);
    check_mark_begin(&scan, directory, &chain)?;
    for first_lsn in first_lsns {
        scan.segment(&segment_path(directory, first_lsn), first_lsn, &mut chain)?;
    }
    scan.report.epoch = chain.epoch;
    scan.report.tail_lsn = chain.next_lsn - 1;
    scan.report.last_group_hash = chain.last_hash;
    scan.check_end(directory)?;
    Ok(Scanned::Journal(scan))
}

/// Checks that the mark is this journal's, and that the mark of an empty journal names its beginning.
fn check_mark_begin(scan: &Scan, directory: &Path, chain: &Chain) -> Result<(), JournalError> {
    let Some(mark) = scan.mark.mark() else { return Ok(()) };
    let foreign = mark.identity != chain.identity;
    if foreign || (mark.lsn == 0 && mark.group_hash != chain.last_hash) {
        return Err(JournalError::MarkMismatch {
            place: Box::new(Place::new(&mark_path(directory), 0, mark.lsn)),
            expected: mark.group_hash,
            found: chain.last_hash,
        });
    }
    Ok(())
}

impl Scan {
    fn segment(&mut self, path: &Path, first_lsn: u64, chain: &mut Chain) -> Result<(), JournalError> {
        let mut cursor = open_cursor(path)?;
        cursor
            .segment_header()?
            .and_then(|header| {
                // The name counts for the order of segments: it must say the same as the header.
                if header.first_lsn != first_lsn {
                    return Err(Damage::LsnGap { expected: first_lsn, found: header.first_lsn });
                }
                chain.check_segment(&header)
            })
            .map_err(|damage| JournalError::damaged(path, 0, first_lsn, damage))?;
        let mut index = SegmentIndex::new(first_lsn);
        self.marked_offset = 0;
        loop {
            let offset = cursor.offset();
            let damaged = |damage, lsn| JournalError::damaged(path, offset, lsn, damage);
            match cursor.next_group(HashCheck::Verify)? {
                Step::End => break,
                Step::Damaged(damage) => {
                    if first_lsn != self.last_segment_first_lsn || !damage.can_be_torn_write() {
                        return Err(damaged(damage, chain.next_lsn));
                    }
                    self.torn_tail(&mut cursor, chain.next_lsn, damage)?;
                    break;
                }
                Step::Group(group) => {
                    let header = group.header;
                    chain.take(&header).map_err(|damage| damaged(damage, header.first_lsn))?;
                    for_each_record(&header, group.payload, |_, _| {})
                        .map_err(|damage| damaged(damage, header.first_lsn))?;
                    self.report.groups += 1;
                    self.report.records += u64::from(header.record_count);
                    index.note_group(header.first_lsn, offset);
                    if self.is_marked(&header, path, offset)? {
                        self.marked_offset = offset + header.length();
                    }
                }
            }
        }
        self.end_offset = cursor.offset();
        self.report.segments += 1;
        self.segments.push(index);
        Ok(())
    }

    /// Whether the durable mark names this group. One that holds the mark's LSN must have the mark's hash.
    fn is_marked(&self, header: &GroupHeader, path: &Path, offset: u64) -> Result<bool, JournalError> {
        let Some(mark) = self.mark.mark() else { return Ok(false) };
        if !(header.first_lsn..=header.last_lsn()).contains(&mark.lsn) {
            return Ok(false);
        }
        if mark.lsn == header.last_lsn() && mark.group_hash == header.hash {
            return Ok(true);
        }
        Err(JournalError::MarkMismatch {
            place: Box::new(Place::new(path, offset, mark.lsn)),
            expected: mark.group_hash,
            found: header.hash,
        })
    }

    fn torn_tail(
        &mut self,
        cursor: &mut SegmentCursor,
        lsn: u64,
        damage: Damage,
    ) -> Result<(), JournalError> {
        let place = Place::new(cursor.path(), cursor.offset(), lsn);
        if cursor.valid_group_follows()? {
            return Err(JournalError::Damaged { place: Box::new(place), damage: Damage::GroupAfterDamage });
        }
        let file_length = cursor.file_length().map_err(JournalError::io("read", cursor.path(), 0, 0))?;
        let length = file_length.saturating_sub(place.offset);
        self.report.torn_tail = Some(TornTail { place, damage, length });
        Ok(())
    }

    /// Holds the end of the journal against the durable mark.
    fn check_end(&self, directory: &Path) -> Result<(), JournalError> {
        let Some(durable_lsn) = self.report.marked_lsn else {
            // Without a group the mark was perhaps not written yet.
            return match self.report.groups {
                0 if self.report.torn_tail.is_none() => Ok(()),
                _ => Err(JournalError::MarkMissing(mark_path(directory))),
            };
        };
        let tail_lsn = self.report.tail_lsn;
        if tail_lsn >= durable_lsn {
            return Ok(());
        }
        let path = segment_path(directory, self.last_segment_first_lsn);
        let place = Box::new(Place::new(&path, self.end_offset, tail_lsn + 1));
        Err(JournalError::EndsBelowMark { place, tail_lsn, durable_lsn })
    }
}
