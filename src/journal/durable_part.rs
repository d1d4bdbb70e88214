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
use super::trim_mark::TrimMark;

/// What must be copied.
#[derive(Debug)]
pub struct DurablePart {
    pub mark: Position,
    /// In order; whole.
    pub sealed: Vec<SealedSegment>,
    /// The one that the mark stands in, up to [`Position::end_offset`].
    pub last: PathBuf,
    /// What it begins with: 1 unless it was trimmed. Trimmed, it opens only together with a snapshot.
    pub first_lsn: u64,
    trim_mark: Option<TrimMark>,
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
/// `SegmentsMissing` if there is no journal, `MarkMissing` if it has no valid mark, `Damaged` if its trim mark is not valid,
/// `Io`.
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
    // It is written before anything goes: segments before it count for nothing, whether they are there still or not.
    let trim_mark = TrimMark::read(&directory)?;
    let first_lsn = trim_mark.as_ref().map_or(1, |mark| mark.first_lsn);
    let first_lsns = directory.list()?.first_lsns.into_iter();
    let sealed = first_lsns.filter(|lsn| (first_lsn..mark.segment_first_lsn).contains(lsn));
    let places = |first_lsn| SealedSegment {
        plain: directory.segment_path(first_lsn),
        compressed: directory.compressed_path(first_lsn),
    };
    Ok(DurablePart {
        sealed: sealed.map(places).collect(),
        last: directory.segment_path(mark.segment_first_lsn),
        mark,
        first_lsn,
        trim_mark,
    })
}

impl DurablePart {
    /// Gives a copy of it its marks, synced: then it is a journal.
    ///
    /// # Errors
    /// `Io`, also if there are marks.
    pub fn place_marks(&self, directory: &Path) -> Result<(), JournalError> {
        if let Some(trim_mark) = &self.trim_mark {
            trim_mark.write(&Directory::on_system(directory))?;
        }
        place_mark(directory, &self.mark)
    }
}

/// Gives a copy of a durable part that begins with LSN 1 its mark, synced: then it is a journal.
///
/// # Errors
/// `Io`, also if there is a mark.
pub fn place_mark(directory: &Path, mark: &Position) -> Result<(), JournalError> {
    MarkFile::open(&Directory::on_system(directory), &MarkState::Missing, mark).map(|_| ())
}
