//! A place in the journal between two groups.

use uuid::Uuid;

use super::error::JournalError;
use super::group::GroupHash;
use super::reader::JournalReader;
use super::segment::HeaderStep;

/// The place behind a group, with the hash that stands for everything up to there.
///
/// Whoever has seen that the journal was sound up to a position, and kept it where it can't go wrong unnoticed, may hand
/// it to [`super::Journal::open_trusting`] later, so that what lies before is not checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Of the journal.
    pub identity: Uuid,
    /// LSN of the last record before the place, 0 = none.
    pub lsn: u64,
    /// Hash of that record's group; with LSN 0 what the first group names as the hash before it.
    pub group_hash: GroupHash,
    /// First LSN of the segment that the place is in.
    pub segment_first_lsn: u64,
    /// Offset of the place in that segment, in bytes.
    pub end_offset: u64,
}

/// Why a trusted position is not one of this journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("it is a position in another journal")]
    OtherJournal,
    /// Records that were durable when the position was taken are gone.
    #[error("the journal ends before it")]
    BeyondEnd,
    #[error("its segment is missing")]
    SegmentMissing,
    #[error("no group ends there")]
    NoGroupEnd,
    #[error("the group that ends there is another one")]
    OtherGroup,
}

impl JournalReader {
    /// The last place between two groups that has only records up to `lsn` before it. `lsn` may be beyond the durable
    /// end: then it is the place behind the last durable group.
    ///
    /// Reads the headers of up to a few MiB of groups.
    ///
    /// # Errors
    /// `Trimmed` if it lies before the journal's beginning; `Damaged` or `Io` if a header can't be read.
    pub fn position_at(&self, lsn: u64) -> Result<Position, JournalError> {
        let shared = self.shared();
        let durable_lsn = self.durable_lsn();
        let lsn = lsn.min(durable_lsn);
        let (segment_first_lsn, offset) = shared.locate(lsn.max(1))?;
        let mut cursor = shared.open_cursor(segment_first_lsn)?;
        let header = cursor.segment_header()?;
        let header =
            header.map_err(|damage| JournalError::damaged(cursor.path(), 0, segment_first_lsn, damage))?;
        let mut position = Position {
            identity: header.identity,
            lsn: header.first_lsn.saturating_sub(1),
            group_hash: header.previous_hash,
            segment_first_lsn,
            end_offset: cursor.offset(),
        };
        cursor.go_to(offset);
        while position.lsn < lsn {
            let group_offset = cursor.offset();
            let header = match cursor.skip_group()? {
                HeaderStep::Group(header) => header,
                HeaderStep::End => break,
                HeaderStep::Damaged(damage) => {
                    return Err(JournalError::damaged(cursor.path(), group_offset, position.lsn + 1, damage));
                }
            };
            // The group says what is before it: with an index entry, none was seen.
            position.lsn = header.first_lsn.saturating_sub(1);
            position.group_hash = header.previous_hash;
            position.end_offset = group_offset;
            if header.last_lsn() > lsn {
                break;
            }
            position.lsn = header.last_lsn();
            position.group_hash = header.hash;
            position.end_offset = cursor.offset();
        }
        Ok(position)
    }
}
