//! The part of a journal that is durable at a moment, for copying it while its writer goes on: an exact prefix.
//!
//! The mark is read first. Everything up to it was synced before it was written, and the journal only ever grows behind
//! it, so the files up to there can be copied at leisure. That the copy is that prefix, whole and unchanged, is seen from
//! its last group's hash alone, which covers all before.

use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::durable_mark::{MarkFile, MarkState, mark_path, read_mark};
use super::error::JournalError;
use super::position::Position;

/// What must be copied.
#[derive(Debug)]
pub struct DurablePart {
    pub mark: Position,
    /// In order; whole.
    pub sealed: Vec<SealedSegment>,
    /// The one that the mark stands in, up to [`Position::end_offset`].
    pub last: PathBuf,
}

/// A segment that is followed by another one. A running tower compresses it at some moment: it goes from one place to
/// the other, and is always whole in one of them.
#[derive(Debug)]
pub struct SealedSegment {
    pub plain: PathBuf,
    pub compressed: PathBuf,
}

/// Looks up what of a journal is durable now, with or without a writer beside.
///
/// # Errors
/// `SegmentsMissing` if there is no journal, `MarkMissing` if it has no valid mark, `TrimmedBeginning` if it does not
/// begin with LSN 1, `Io`.
pub fn durable_part(directory: &Path) -> Result<DurablePart, JournalError> {
    let directory = Directory::on_system(directory);
    let mark = match read_mark(&directory)? {
        MarkState::Valid { mark, .. } => mark,
        MarkState::Missing | MarkState::Invalid => {
            return Err(if directory.list()?.first_lsns.is_empty() {
                JournalError::SegmentsMissing(directory.path)
            } else {
                JournalError::MarkMissing(mark_path(&directory))
            });
        }
    };
    let first_lsns = directory.list()?.first_lsns;
    if let Some(first_lsn) = first_lsns.first().copied().filter(|first_lsn| *first_lsn > 1) {
        return Err(JournalError::TrimmedBeginning { directory: directory.path, first_lsn });
    }
    let sealed = first_lsns.into_iter().filter(|first_lsn| *first_lsn < mark.segment_first_lsn);
    let places = |first_lsn| SealedSegment {
        plain: directory.segment_path(first_lsn),
        compressed: directory.compressed_path(first_lsn),
    };
    Ok(DurablePart {
        sealed: sealed.map(places).collect(),
        last: directory.segment_path(mark.segment_first_lsn),
        mark,
    })
}

/// Gives a copy of a durable part its mark, synced: then it is a journal.
///
/// # Errors
/// `Io`, also if there is a mark.
pub fn place_mark(directory: &Path, mark: &Position) -> Result<(), JournalError> {
    MarkFile::open(&Directory::on_system(directory), &MarkState::Missing, mark).map(|_| ())
}
