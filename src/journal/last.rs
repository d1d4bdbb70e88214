//! The last record of a journal, without opening the journal: nothing is locked, repaired or written.

use std::path::Path;

use super::directory::Directory;
use super::error::JournalError;
use super::group::for_each_record;
use super::segment::{HashCheck, HeaderStep, SegmentCursor, Step};

/// The last record that is whole, and its LSN; `None` if there is none, or no journal. What is damaged is passed over:
/// opening the journal says so.
///
/// # Errors
/// `Io`; `StrangeFile`.
pub fn last_record(directory: &Path) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
    let directory = Directory::on_system(directory);
    for first_lsn in directory.list()?.first_lsns.into_iter().rev() {
        let mut cursor = directory.open_cursor(first_lsn)?;
        if cursor.segment_header()?.is_err() {
            continue;
        }
        let length = cursor.file().length()?;
        // The last one may be torn within: then the group before is the last one.
        let mut offsets = [None, None];
        loop {
            let offset = cursor.offset();
            match cursor.skip_group()? {
                HeaderStep::Group(_) if cursor.offset() <= length => offsets = [Some(offset), offsets[0]],
                HeaderStep::Group(_) | HeaderStep::End | HeaderStep::Damaged(_) => break,
            }
        }
        for offset in offsets.into_iter().flatten() {
            if let Some(found) = last_of_group(&directory, first_lsn, offset)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn last_of_group(
    directory: &Directory,
    first_lsn: u64,
    offset: u64,
) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
    let mut cursor = SegmentCursor::new(directory.open_segment(first_lsn)?, offset);
    let Step::Group(group) = cursor.next_group(HashCheck::Verify)? else { return Ok(None) };
    let mut last = (0, Vec::new());
    let whole = for_each_record(&group.header, group.payload, |lsn, record| {
        last.0 = lsn;
        last.1.clear();
        last.1.extend_from_slice(record);
    });
    Ok(whole.is_ok().then_some(last))
}
