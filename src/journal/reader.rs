//! Reading records by LSN, from any thread, while the writer appends.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::directory::Directory;
use super::error::{Damage, JournalError};
use super::group::{for_each_record, record_at};
use super::published::{Located, Published, SegmentIndex, SegmentStatistics};
use super::recovery::{Chain, named_header};
use super::segment::{HashCheck, SegmentCursor, Step};
use super::trim::Holds;

/// What the writer, its readers and those who look after the files share.
pub(super) struct Shared {
    pub directory: Directory,
    pub published: Published,
    pub holds: Mutex<Holds>,
    /// Taken, before other locks, by whoever renames or removes files of sealed segments. Whether the journal is open:
    /// when it is not, its files may be another process's.
    is_open: Mutex<bool>,
}

impl Shared {
    pub(super) fn new(directory: Directory, durable_lsn: u64, segments: Vec<SegmentIndex>) -> Self {
        let published = Published::new(durable_lsn, segments);
        let holds = Mutex::new(Holds::starting_at(published.first_lsn()));
        Self { directory, published, holds, is_open: Mutex::new(true) }
    }

    /// The first LSN of the segment that holds `lsn`, which is durable, and an offset in it at or before its group.
    pub(super) fn locate(&self, lsn: u64) -> Result<(u64, u64), JournalError> {
        match self.published.locate(lsn) {
            Located::At(first_lsn, offset) => Ok((first_lsn, offset)),
            Located::Trimmed(first_lsn) => Err(JournalError::Trimmed { lsn, first_lsn }),
            Located::Unseen(first_lsn) => {
                // Two readers may do it at once, with the same result.
                let index = self.look_through(first_lsn)?;
                let offset = index.offset_before(lsn);
                self.published.note_seen(index);
                Ok((first_lsn, offset))
            }
        }
    }

    /// Checks a sealed segment that lies before a trusted position, so that nobody has since the journal was opened: every
    /// hash, the chain, and that the next segment goes on where it ends. Gives where its groups start.
    fn look_through(&self, first_lsn: u64) -> Result<SegmentIndex, JournalError> {
        let mut cursor = self.open_cursor(first_lsn)?;
        let mut index = SegmentIndex::new(first_lsn, None);
        let header = named_header(&mut cursor, first_lsn, |_| Ok(()))?;
        let mut chain = Chain::begin_at(&header);
        let path = cursor.path().to_owned();
        loop {
            let offset = cursor.offset();
            let path = &path;
            let damaged = |lsn| move |damage| JournalError::damaged(path, offset, lsn, damage);
            match cursor.next_group(HashCheck::Verify)? {
                Step::End => break,
                Step::Damaged(damage) => return Err(damaged(chain.next_lsn)(damage)),
                Step::Group(group) => {
                    let header = group.header;
                    chain.take(&header).map_err(damaged(header.first_lsn))?;
                    for_each_record(&header, group.payload, |_, _| {}).map_err(damaged(header.first_lsn))?;
                    index.note_group(header.first_lsn, offset);
                }
            }
        }
        if let Some(next) = self.published.first_lsn_behind(first_lsn) {
            named_header(&mut self.open_cursor(next)?, next, |header| chain.check_segment(header))?;
        }
        Ok(index)
    }

    /// Opens a segment. If it was trimmed since it was located, that is what the error says.
    pub(super) fn open_cursor(&self, first_lsn: u64) -> Result<SegmentCursor, JournalError> {
        self.directory.open_cursor(first_lsn).map_err(|error| {
            let begin = self.published.first_lsn();
            if first_lsn < begin { JournalError::Trimmed { lsn: first_lsn, first_lsn: begin } } else { error }
        })
    }

    /// Does something to the files of sealed segments.
    ///
    /// # Errors
    /// `Closed`, and those of `change`.
    pub(super) fn change_files<T>(
        &self,
        change: impl FnOnce() -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let is_open = self.is_open.lock();
        if *is_open { change() } else { Err(JournalError::Closed) }
    }

    /// From here on, [`Shared::change_files`] does nothing.
    pub(super) fn close(&self) {
        *self.is_open.lock() = false;
    }
}

/// A cheap handle that reads records by LSN. It never shows a record that is not durable.
#[derive(Clone)]
pub struct JournalReader {
    shared: Arc<Shared>,
}

impl JournalReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn share(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// How many segments there are, and what compressing them saved.
    pub fn statistics(&self) -> SegmentStatistics {
        self.shared.published.statistics()
    }

    /// LSN up to which records can be read, 0 = none yet.
    pub fn durable_lsn(&self) -> u64 {
        self.shared.published.durable_lsn()
    }

    /// The records from `lsn` on, in order and without gaps. If `lsn` was trimmed, the first is the error `Trimmed`.
    pub fn read_from(&self, lsn: u64) -> Records {
        Records {
            shared: Arc::clone(&self.shared),
            next_lsn: lsn.max(1),
            visible_lsn: 0,
            cursor: None,
            group: None,
            failed: false,
        }
    }

    /// One record, or none when `lsn` is 0 or not durable yet.
    pub fn read_one(&self, lsn: u64) -> Result<Option<Bytes>, JournalError> {
        if lsn == 0 || lsn > self.durable_lsn() {
            return Ok(None);
        }
        let record = self.read_from(lsn).next().transpose()?;
        Ok(record.map(|(_, bytes)| bytes))
    }
}

/// The records of [`JournalReader::read_from`] with their LSNs. After `None` it may be asked again: it goes on when
/// more has become durable. After an error it is at its end.
///
/// The bytes share the memory of their group.
pub struct Records {
    shared: Arc<Shared>,
    next_lsn: u64,
    /// The durable LSN when it was last asked for. What the cursor has buffered is only good up to here: behind it,
    /// the writer may have been writing while the buffer was filled.
    visible_lsn: u64,
    cursor: Option<SegmentCursor>,
    group: Option<OpenGroup>,
    failed: bool,
}

/// A group whose records are being given out.
struct OpenGroup {
    payload: Bytes,
    /// Where the next record's frame starts.
    position: usize,
    /// LSN of that record.
    lsn: u64,
    last_lsn: u64,
    /// Where the payload starts in the segment.
    offset: u64,
}

impl Iterator for Records {
    type Item = Result<(u64, Bytes), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let record = self.next_record().transpose();
        self.failed = matches!(record, Some(Err(_)));
        record
    }
}

impl Records {
    fn next_record(&mut self) -> Result<Option<(u64, Bytes)>, JournalError> {
        loop {
            if let Some(group) = &mut self.group {
                if group.lsn <= group.last_lsn {
                    let lsn = group.lsn;
                    let range = record_at(&group.payload, group.position)
                        .map_err(|damage| damage_at(&self.cursor, group.offset, lsn, damage))?;
                    group.position = range.end;
                    group.lsn += 1;
                    if lsn < self.next_lsn {
                        continue;
                    }
                    self.next_lsn = lsn + 1;
                    return Ok(Some((lsn, group.payload.slice(range))));
                }
                self.group = None;
            }
            if self.next_lsn > self.visible_lsn {
                self.visible_lsn = self.shared.published.durable_lsn();
                if self.next_lsn > self.visible_lsn {
                    return Ok(None);
                }
                if let Some(cursor) = &mut self.cursor {
                    cursor.forget_buffer();
                }
            }
            self.open_group()?;
        }
    }

    /// Opens the group that holds `next_lsn`, which is durable.
    fn open_group(&mut self) -> Result<(), JournalError> {
        let mut relocated = false;
        loop {
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                None => {
                    relocated = true;
                    let (segment, offset) = self.shared.locate(self.next_lsn)?;
                    let mut cursor = self.shared.open_cursor(segment)?;
                    cursor.go_to(offset);
                    self.cursor.insert(cursor)
                }
            };
            let offset = cursor.offset();
            let damage = match cursor.next_group(HashCheck::Skip)? {
                Step::Group(group) if group.header.last_lsn() < self.next_lsn => continue,
                Step::Group(group) if group.header.first_lsn <= self.next_lsn => {
                    self.group = Some(OpenGroup {
                        payload: Bytes::copy_from_slice(group.payload),
                        position: 0,
                        lsn: group.header.first_lsn,
                        last_lsn: group.header.last_lsn(),
                        offset,
                    });
                    return Ok(());
                }
                Step::Group(group) => {
                    Damage::LsnGap { expected: self.next_lsn, found: group.header.first_lsn }
                }
                Step::Damaged(damage) => damage,
                // A sealed segment is at its end, the next one holds the record.
                Step::End if !relocated => {
                    self.cursor = None;
                    continue;
                }
                Step::End => Damage::HeaderCut,
            };
            return Err(damage_at(&self.cursor, offset, self.next_lsn, damage));
        }
    }
}

fn damage_at(cursor: &Option<SegmentCursor>, offset: u64, lsn: u64, damage: Damage) -> JournalError {
    let path = cursor.as_ref().map(SegmentCursor::path);
    JournalError::damaged(path.unwrap_or_else(|| "".as_ref()), offset, lsn, damage)
}
