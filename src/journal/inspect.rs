//! Looking into a journal, whatever state it is in: for people who have to find out what a refusal is about.

use std::fmt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::directory::Directory;
use super::durable_mark::{MarkState, mark_path, read_mark};
use super::envelope::{DecodeError, EnvelopeRef, decode_record};
use super::error::{Damage, JournalError, Place};
use super::group::{GroupHash, for_each_record};
use super::position::Position;
use super::recovery::{Chain, Contents};
use super::segment::{HashCheck, SegmentHeader, Step};

/// One thing that [`inspect`] found, in the order of the journal.
#[derive(Debug)]
pub enum InspectLine<'a> {
    Mark(Position),
    /// The durable mark's file is missing, or no slot of it is valid.
    NoMark(PathBuf),
    Segment {
        path: &'a Path,
        identity: Uuid,
        first_lsn: u64,
        /// Bytes of the segment as it was written.
        length: u64,
        /// Bytes that it has on the disk if it is compressed.
        compressed_length: Option<u64>,
    },
    /// A last segment whose creation a crash cut short; it holds nothing.
    UnbornSegment(&'a Path),
    Group {
        offset: u64,
        length: u64,
        epoch: u32,
        first_lsn: u64,
        last_lsn: u64,
        hash: GroupHash,
    },
    Record {
        lsn: u64,
        /// Bytes of the whole record.
        length: usize,
        envelope: Result<EnvelopeRef<'a>, DecodeError>,
        body: &'a [u8],
    },
    /// The first damage; nothing after it is shown. Behind the durable mark's LSN in the last segment it may be no
    /// more than a torn tail.
    Damage {
        place: Place,
        damage: Damage,
    },
}

impl fmt::Display for InspectLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => write!(
                f,
                "durable mark: LSN {} at byte {} of segment {}, group {}",
                mark.lsn, mark.end_offset, mark.segment_first_lsn, mark.group_hash
            ),
            Self::NoMark(path) => write!(f, "durable mark: {} is missing or unreadable", path.display()),
            Self::Segment { path, identity, first_lsn, length, compressed_length } => {
                write!(f, "segment {} from LSN {first_lsn}, {length} bytes", path.display())?;
                if let Some(compressed_length) = compressed_length {
                    write!(f, " compressed to {compressed_length}")?;
                }
                write!(f, ", journal {identity}")
            }
            Self::UnbornSegment(path) => {
                write!(f, "segment {} was never finished; it is empty", path.display())
            }
            Self::Group { offset, length, epoch, first_lsn, last_lsn, hash } => {
                write!(
                    f,
                    "  group LSN {first_lsn}-{last_lsn} at byte {offset}, {length} bytes, epoch {epoch}, {hash}"
                )
            }
            Self::Record { lsn, length, envelope: Ok(envelope), .. } => write!(
                f,
                "    record {lsn}: {} {} from {} by {}, tenant {}, {length} bytes",
                envelope.record_type, envelope.id, envelope.source, envelope.principal, envelope.tenant
            ),
            Self::Record { lsn, length, envelope: Err(error), .. } => {
                write!(f, "    record {lsn}: {error}, {length} bytes")
            }
            Self::Damage { place, damage } => write!(f, "damage: {place}: {damage}"),
        }
    }
}

/// Walks through the journal up to its end or the first damage and hands everything it meets to `out`. Changes
/// nothing and needs no lock.
///
/// # Errors
/// Only when a file can't be read at all, or is not named as it should be: damage is a line like others.
pub fn inspect(directory: &Path, out: impl FnMut(InspectLine<'_>)) -> Result<(), JournalError> {
    inspect_in(&Directory::on_system(directory), out)
}

pub(super) fn inspect_in(
    directory: &Directory,
    mut out: impl FnMut(InspectLine<'_>),
) -> Result<(), JournalError> {
    match inspect_files(directory, &mut out) {
        // What is wrong with a file as a whole comes as an error.
        Err(JournalError::Damaged { place, damage }) => {
            out(InspectLine::Damage { place: *place, damage });
            Ok(())
        }
        other => other,
    }
}

fn inspect_files(directory: &Directory, out: &mut impl FnMut(InspectLine<'_>)) -> Result<(), JournalError> {
    match read_mark(directory) {
        Ok(MarkState::Valid { mark, .. }) => out(InspectLine::Mark(mark)),
        Ok(MarkState::Missing | MarkState::Invalid) => out(InspectLine::NoMark(mark_path(directory))),
        Err(JournalError::Damaged { place, damage }) => out(InspectLine::Damage { place: *place, damage }),
        Err(error) => return Err(error),
    }
    let contents = Contents::list(directory)?;
    let mut chain = None;
    for &first_lsn in &contents.first_lsns {
        if !inspect_segment(directory, first_lsn, &contents, &mut chain, out)? {
            return Ok(());
        }
    }
    if let Some(path) = &contents.unborn_segment {
        out(InspectLine::UnbornSegment(path));
    }
    Ok(())
}

/// Whether the segment is sound, so that the next one can be looked at.
fn inspect_segment(
    directory: &Directory,
    first_lsn: u64,
    contents: &Contents,
    chain: &mut Option<Chain>,
    out: &mut impl FnMut(InspectLine<'_>),
) -> Result<bool, JournalError> {
    let mut cursor = directory.open_cursor(first_lsn)?;
    let path = &cursor.path().to_owned();
    let length = cursor.file().length()?;
    let compressed_length = cursor.file().compressed().map(|file| file.file_bytes());
    let header = cursor.segment_header()?.and_then(|header| {
        let SegmentHeader { identity, first_lsn, .. } = header;
        out(InspectLine::Segment { path, identity, first_lsn, length, compressed_length });
        chain.get_or_insert_with(|| contents.begin_chain(identity)).check_segment(&header).map(|()| header)
    });
    let (Ok(_), Some(chain)) = (header, chain.as_mut()) else {
        if let Err(damage) = header {
            out(InspectLine::Damage { place: Place::new(path, 0, first_lsn), damage });
        }
        return Ok(false);
    };
    loop {
        let offset = cursor.offset();
        let outcome = match cursor.next_group(HashCheck::Verify)? {
            Step::End => return Ok(true),
            Step::Damaged(damage) => Err(damage),
            Step::Group(group) => {
                out(InspectLine::Group {
                    offset,
                    length: group.header.length(),
                    epoch: group.header.epoch,
                    first_lsn: group.header.first_lsn,
                    last_lsn: group.header.last_lsn(),
                    hash: group.header.hash,
                });
                for_each_record(&group.header, group.payload, |lsn, record| {
                    let (envelope, body) = match decode_record(record) {
                        Ok((envelope, body)) => (Ok(envelope), body),
                        Err(error) => (Err(error), record),
                    };
                    out(InspectLine::Record { lsn, length: record.len(), envelope, body });
                })
                .and_then(|()| chain.take(&group.header))
            }
        };
        if let Err(damage) = outcome {
            out(InspectLine::Damage { place: Place::new(path, offset, chain.next_lsn), damage });
            return Ok(false);
        }
    }
}
