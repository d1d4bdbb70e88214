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

use super::directory::{Directory, Listing};
use super::durable_mark::{MarkState, mark_path, read_mark};
use super::error::{Damage, JournalError, Place};
use super::group::{GroupHash, GroupHeader, for_each_record};
use super::position::{Misfit, Position};
use super::published::{CompressedBytes, SegmentIndex};
use super::segment::{HashCheck, SEGMENT_HEADER_LENGTH, SegmentCursor, SegmentHeader, Step};
use super::trim_mark::TrimMark;
use super::trusted::misfit;

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

/// What a scan of a journal found: segments, groups and records count what was scanned, so not what lies before a
/// trusted position. All LSNs are 0 when there is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Identity of the journal, made when it was created; the epoch of positions and feeds.
    pub identity: Uuid,
    pub epoch: u32,
    /// LSN up to which the journal was trusted rather than scanned, 0 = all of it was scanned.
    pub trusted_lsn: u64,
    /// LSN that the journal begins with: 1 unless it was trimmed.
    pub first_lsn: u64,
    pub segments: u64,
    /// Of these, how many are compressed.
    pub compressed_segments: u64,
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
    verify_in(&Directory::on_system(directory))
}

pub(super) fn verify_in(directory: &Directory) -> Result<VerifyReport, JournalError> {
    match scan_journal(directory, None)? {
        Scanned::Journal(scan) => Ok(scan.report),
        Scanned::Nothing { .. } => Err(JournalError::SegmentsMissing(directory.path.clone())),
    }
}

pub(super) enum Scanned {
    /// No journal, or one whose creation a crash cut short before it could hold anything.
    Nothing {
        unborn_segment: Option<PathBuf>,
        leftovers: Vec<PathBuf>,
    },
    Journal(Box<Scan>),
}

pub(super) struct Scan {
    pub report: VerifyReport,
    pub mark: MarkState,
    /// What may be removed.
    pub leftovers: Vec<PathBuf>,
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

    /// The chain as a segment begins it.
    pub(super) fn begin_at(header: &SegmentHeader) -> Self {
        Self {
            identity: header.identity,
            next_lsn: header.first_lsn,
            last_hash: header.previous_hash,
            epoch: FIRST_EPOCH,
        }
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
    let length = cursor.file().length()?;
    Ok(length <= SEGMENT_HEADER_LENGTH as u64
        && cursor.segment_header()?.is_err_and(|damage| damage.can_be_torn_write()))
}

/// The segments of a journal, and where it begins.
pub(super) struct Contents {
    /// Ascending; those that were trimmed, but are still there, are among `leftovers`.
    pub first_lsns: Vec<u64>,
    pub trim: Option<TrimMark>,
    pub unborn_segment: Option<PathBuf>,
    pub leftovers: Vec<PathBuf>,
}

impl Contents {
    pub(super) fn list(directory: &Directory) -> Result<Self, JournalError> {
        let trim = TrimMark::read(directory)?;
        let Listing { mut first_lsns, mut leftovers } = directory.list()?;
        let mut unborn_segment = None;
        if let Some(&last) = first_lsns.last()
            && is_unborn(&mut directory.open_cursor(last)?)?
        {
            unborn_segment = Some(directory.segment_path(last));
            first_lsns.pop();
        }
        if let Some(trim) = &trim {
            let kept = first_lsns.partition_point(|first_lsn| *first_lsn < trim.first_lsn);
            for first_lsn in first_lsns.drain(..kept) {
                leftovers.extend([directory.segment_path(first_lsn), directory.compressed_path(first_lsn)]);
            }
        }
        Ok(Self { first_lsns, trim, unborn_segment, leftovers })
    }

    /// The chain as the journal's first segment must begin it.
    pub(super) fn begin_chain(&self, identity: Uuid) -> Chain {
        match &self.trim {
            // The epoch is what the first group says.
            Some(trim) => Chain {
                identity: trim.identity,
                next_lsn: trim.first_lsn,
                last_hash: trim.previous_hash,
                epoch: FIRST_EPOCH,
            },
            None => Chain::begin(identity),
        }
    }
}

/// Scans the journal in `directory`, from `trusted` on if there is such a position.
pub(super) fn scan_journal(
    directory: &Directory,
    trusted: Option<&Position>,
) -> Result<Scanned, JournalError> {
    // The mark first: beside a running writer it must not be newer than what is scanned.
    let mark = read_mark(directory)?;
    let contents = Contents::list(directory)?;
    let (Some(&first), Some(&last)) = (contents.first_lsns.first(), contents.first_lsns.last()) else {
        // The mark is created after the first segment lasts, so it can't be there alone by a crash.
        return match (mark, trusted) {
            (MarkState::Missing, None) if contents.trim.is_none() => Ok(Scanned::Nothing {
                unborn_segment: contents.unborn_segment,
                leftovers: contents.leftovers,
            }),
            (MarkState::Missing, Some(position)) => Err(misfit(directory, position, Misfit::BeyondEnd)),
            (MarkState::Missing | MarkState::Invalid | MarkState::Valid { .. }, _) => {
                Err(JournalError::SegmentsMissing(mark_path(directory)))
            }
        };
    };

    let first_header = directory
        .open_cursor(first)?
        .segment_header()?
        .map_err(|damage| JournalError::damaged(&directory.segment_path(first), 0, first, damage))?;
    let identity = first_header.identity;
    let mut chain = contents.begin_chain(identity);
    let mut scan = Box::new(Scan {
        report: VerifyReport {
            identity,
            epoch: FIRST_EPOCH,
            trusted_lsn: trusted.map_or(0, |position| position.lsn),
            first_lsn: chain.next_lsn,
            segments: 0,
            compressed_segments: 0,
            groups: 0,
            records: 0,
            tail_lsn: 0,
            last_group_hash: chain.last_hash,
            marked_lsn: mark.mark().map(|mark| mark.lsn),
            torn_tail: None,
            unborn_segment: contents.unborn_segment,
        },
        mark,
        leftovers: contents.leftovers,
        segments: Vec::with_capacity(contents.first_lsns.len()),
        last_segment_first_lsn: last,
        end_offset: 0,
        marked_offset: 0,
    });
    check_mark_begin(&scan, directory, &chain)?;
    let first_lsns = contents.first_lsns;
    // The end of a segment that was trimmed away is the beginning of the next one.
    let beginning = trusted.filter(|position| {
        position.segment_first_lsn < chain.next_lsn
            && (position.lsn.saturating_add(1), position.group_hash) == (chain.next_lsn, chain.last_hash)
    });
    let beginning = beginning.map(|position| Position {
        segment_first_lsn: chain.next_lsn,
        end_offset: SEGMENT_HEADER_LENGTH as u64,
        ..*position
    });
    let trusted = beginning.as_ref().or(trusted);
    let unscanned = match trusted {
        Some(position) => scan.trust(directory, &first_lsns, position, &mut chain)?,
        None => 0,
    };
    for &first_lsn in &first_lsns[unscanned..] {
        let begin = trusted.filter(|position| position.segment_first_lsn == first_lsn);
        scan.segment(directory, first_lsn, begin, &mut chain)?;
    }
    scan.report.epoch = chain.epoch;
    scan.report.tail_lsn = chain.next_lsn - 1;
    scan.report.last_group_hash = chain.last_hash;
    scan.check_end(directory)?;
    Ok(Scanned::Journal(scan))
}

/// Checks that the mark is this journal's, and that the mark of an empty journal names its beginning.
fn check_mark_begin(scan: &Scan, directory: &Directory, chain: &Chain) -> Result<(), JournalError> {
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

/// A segment's header, which must say what the segment's name says.
pub(super) fn named_header(
    cursor: &mut SegmentCursor,
    first_lsn: u64,
    check: impl FnOnce(&SegmentHeader) -> Result<(), Damage>,
) -> Result<SegmentHeader, JournalError> {
    let header = cursor.segment_header()?.and_then(|header| {
        if header.first_lsn != first_lsn {
            return Err(Damage::LsnGap { expected: first_lsn, found: header.first_lsn });
        }
        check(&header).map(|()| header)
    });
    header.map_err(|damage| JournalError::damaged(cursor.path(), 0, first_lsn, damage))
}

pub(super) fn compressed_bytes(cursor: &SegmentCursor) -> Option<CompressedBytes> {
    let file = cursor.file().compressed()?;
    Some(CompressedBytes { before: file.header().content_bytes, after: file.file_bytes() })
}

impl Scan {
    /// Scans a segment: all of it, or from the trusted position `begin` on.
    fn segment(
        &mut self,
        directory: &Directory,
        first_lsn: u64,
        begin: Option<&Position>,
        chain: &mut Chain,
    ) -> Result<(), JournalError> {
        let mut cursor = directory.open_cursor(first_lsn)?;
        let path = &cursor.path().to_owned();
        let is_last = first_lsn == self.last_segment_first_lsn;
        // The name counts for the order of segments.
        named_header(&mut cursor, first_lsn, |header| chain.check_segment(header))?;
        let compressed = cursor.file().compressed().map(|file| *file.header());
        if compressed.is_some() && is_last {
            return Err(JournalError::damaged(path, 0, first_lsn, Damage::NothingFollows));
        }
        let mut index = SegmentIndex::new(first_lsn, compressed_bytes(&cursor));
        self.marked_offset = 0;
        if let Some(position) = begin {
            self.go_to_trusted(directory, &mut cursor, position, &mut index, chain)?;
        }
        loop {
            let offset = cursor.offset();
            let damaged = |damage, lsn| JournalError::damaged(path, offset, lsn, damage);
            match cursor.next_group(HashCheck::Verify)? {
                Step::End => break,
                Step::Damaged(damage) => {
                    if !is_last || !damage.can_be_torn_write() {
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
        if let Some(header) = compressed {
            self.report.compressed_segments += 1;
            if (header.last_lsn, header.last_hash) != (chain.next_lsn - 1, chain.last_hash) {
                return Err(JournalError::damaged(path, 0, first_lsn, Damage::OtherContent));
            }
        }
        self.end_offset = cursor.offset();
        self.report.segments += 1;
        self.segments.push(index);
        Ok(())
    }

    /// Whether the durable mark names this group. One that holds the mark's LSN must have the mark's hash.
    pub(super) fn is_marked(
        &self,
        header: &GroupHeader,
        path: &Path,
        offset: u64,
    ) -> Result<bool, JournalError> {
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
        let length = cursor.file().length()?.saturating_sub(place.offset);
        self.report.torn_tail = Some(TornTail { place, damage, length });
        Ok(())
    }

    /// Holds the end of the journal against the durable mark.
    fn check_end(&self, directory: &Directory) -> Result<(), JournalError> {
        let Some(durable_lsn) = self.report.marked_lsn else {
            // Without a group the mark was perhaps not written yet.
            // What lies before a trusted position was not counted, and is there all the same.
            return match self.report.tail_lsn {
                0 if self.report.torn_tail.is_none() => Ok(()),
                _ => Err(JournalError::MarkMissing(mark_path(directory))),
            };
        };
        let tail_lsn = self.report.tail_lsn;
        if tail_lsn >= durable_lsn {
            return Ok(());
        }
        let path = directory.segment_path(self.last_segment_first_lsn);
        let place = Box::new(Place::new(&path, self.end_offset, tail_lsn + 1));
        Err(JournalError::EndsBelowMark { place, tail_lsn, durable_lsn })
    }
}
