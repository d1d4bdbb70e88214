//! The part of a journal that is durable at a moment, for copying it while its writer goes on: an exact prefix.
//!
//! The mark is read first. Everything up to it was synced before it was written, and the journal only ever grows behind
//! it, so the files up to there can be copied at leisure. That the copy is that prefix, whole and unchanged, is seen from
//! its last group's hash alone, which covers all before.

use std::path::{Path, PathBuf};

use super::directory::{list_segments, segment_path};
use super::durable_mark::{DurableMark, MarkFile, MarkState, mark_path, read_mark};
use super::error::JournalError;

/// What must be copied.
#[derive(Debug)]
pub struct DurablePart {
    pub mark: DurableMark,
    /// In order; whole.
    pub sealed: Vec<PathBuf>,
    /// The one that the mark stands in, up to [`DurableMark::end_offset`].
    pub last: PathBuf,
}

/// Looks up what of a journal is durable now, with or without a writer beside.
///
/// # Errors
/// `SegmentsMissing` if there is no journal, `MarkMissing` if it has no valid mark, `Io`.
pub fn durable_part(directory: &Path) -> Result<DurablePart, JournalError> {
    let mark = match read_mark(directory)? {
        MarkState::Valid { mark, .. } => mark,
        MarkState::Missing | MarkState::Invalid => {
            return Err(if list_segments(directory)?.is_empty() {
                JournalError::SegmentsMissing(directory.to_owned())
            } else {
                JournalError::MarkMissing(mark_path(directory))
            });
        }
    };
    let sealed =
        list_segments(directory)?.into_iter().filter(|first_lsn| *first_lsn < mark.segment_first_lsn);
    Ok(DurablePart {
        mark,
        sealed: sealed.map(|first_lsn| segment_path(directory, first_lsn)).collect(),
        last: segment_path(directory, mark.segment_first_lsn),
    })
}

/// Gives a copy of a durable part its mark, synced: then it is a journal.
///
/// # Errors
/// `Io`, also if there is a mark.
pub fn place_mark(directory: &Path, mark: &DurableMark) -> Result<(), JournalError> {
    MarkFile::open(directory, &MarkState::Missing, mark).map(|_| ())
}
