//! Reading records by LSN, from any thread, while the writer appends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::directory::Directory;
use super::error::{Damage, JournalError};
use super::group::record_at;
use super::segment::{HashCheck, HeaderStep, SEGMENT_HEADER_LENGTH, SegmentCursor, Step};
use super::trim::Holds;

/// A group gets an entry in the index when it starts this far behind the last one that has one.
const INDEX_SPACING_BYTES: u64 = 1 << 20;

/// Where a group starts: an entry of the sparse index.
#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    first_lsn: u64,
    offset: u64,
}

/// Bytes of compressed segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompressedBytes {
    /// Before they were compressed.
    pub before: u64,
    /// As they are on the disk.
    pub after: u64,
}

/// What the journal's segments are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SegmentStatistics {
    pub segments: u64,
    pub compressed_segments: u64,
    pub compressed_bytes: CompressedBytes,
    /// LSN that the journal begins with: 1 unless it was trimmed.
    pub first_lsn: u64,
}

/// The sparse index of one segment. Its first group needs no entry: it stands behind the segment's header.
#[derive(Debug, Clone)]
pub(super) struct SegmentIndex {
    first_lsn: u64,
    entries: Vec<IndexEntry>,
    /// Whether the segment was looked through. One before a trusted position is not, until somebody reads there.
    is_complete: bool,
    compressed: Option<CompressedBytes>,
}

impl SegmentIndex {
    /// The index of a segment that is being looked through or written.
    pub(super) fn new(first_lsn: u64, compressed: Option<CompressedBytes>) -> Self {
        Self { first_lsn, entries: Vec::new(), is_complete: true, compressed }
    }

    /// The index of a sealed segment that nobody has looked through yet.
    pub(super) fn unseen(first_lsn: u64, compressed: Option<CompressedBytes>) -> Self {
        Self { first_lsn, entries: Vec::new(), is_complete: false, compressed }
    }

    /// Where groups of a sealed segment start, by looking through their headers.
    fn look_through(mut cursor: SegmentCursor, first_lsn: u64) -> Result<Self, JournalError> {
        let mut index = Self::new(first_lsn, None);
        let mut next_lsn = first_lsn;
        loop {
            let offset = cursor.offset();
            match cursor.skip_group()? {
                HeaderStep::End => return Ok(index),
                HeaderStep::Group(header) => {
                    index.note_group(header.first_lsn, offset);
                    next_lsn = header.last_lsn().saturating_add(1);
                }
                HeaderStep::Damaged(damage) => {
                    return Err(JournalError::damaged(cursor.path(), offset, next_lsn, damage));
                }
            }
        }
    }

    /// Whether a group at `offset` is far enough from the last entry to get one.
    fn wants(&self, offset: u64) -> bool {
        let last = self.entries.last().map_or(SEGMENT_HEADER_LENGTH as u64, |entry| entry.offset);
        offset >= last + INDEX_SPACING_BYTES
    }

    pub(super) fn note_group(&mut self, first_lsn: u64, offset: u64) {
        if self.wants(offset) {
            self.entries.push(IndexEntry { first_lsn, offset });
        }
    }

    /// Offset of a group at or before the one that holds `lsn`.
    fn offset_before(&self, lsn: u64) -> u64 {
        let behind = self.entries.partition_point(|entry| entry.first_lsn <= lsn);
        match behind.checked_sub(1) {
            Some(index) => self.entries[index].offset,
            None => SEGMENT_HEADER_LENGTH as u64,
        }
    }
}

/// What the writer, its readers and those who look after the files share.
pub(super) struct Shared {
    directory: Directory,
    /// Readers never go beyond. Stored after the durable mark is written.
    durable_lsn: AtomicU64,
    segments: RwLock<Vec<SegmentIndex>>,
    /// Taken, before the others, by whoever renames or removes files of sealed segments. Whether the journal is open:
    /// when it is not, its files may be another process's.
    is_open: Mutex<bool>,
    pub holds: Mutex<Holds>,
}

impl Shared {
    pub(super) fn new(directory: Directory, durable_lsn: u64, segments: Vec<SegmentIndex>) -> Self {
        let first_lsn = segments.first().map_or(1, |segment| segment.first_lsn);
        Self {
            directory,
            durable_lsn: AtomicU64::new(durable_lsn),
            segments: RwLock::new(segments),
            is_open: Mutex::new(true),
            holds: Mutex::new(Holds::starting_at(first_lsn)),
        }
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn begin_segment(&self, first_lsn: u64) {
        self.segments.write().push(SegmentIndex::new(first_lsn, None));
    }

    /// Makes a group at `offset` of the last segment, which is durable up to `last_lsn`, visible to readers.
    pub(super) fn publish(&self, first_lsn: u64, offset: u64, last_lsn: u64) {
        // Only once a MiB does the writer take the lock that keeps readers out.
        let wanted = self.segments.read().last().is_some_and(|segment| segment.wants(offset));
        if wanted && let Some(segment) = self.segments.write().last_mut() {
            segment.note_group(first_lsn, offset);
        }
        self.durable_lsn.store(last_lsn, Ordering::Release);
    }

    pub(super) fn durable_lsn(&self) -> u64 {
        self.durable_lsn.load(Ordering::Acquire)
    }

    /// The first LSN of the segment that holds `lsn`, which is durable, and an offset in it at or before its group.
    pub(super) fn locate(&self, lsn: u64) -> Result<(u64, u64), JournalError> {
        let first_lsn = {
            let segments = self.segments.read();
            let behind = segments.partition_point(|segment| segment.first_lsn <= lsn);
            let Some(segment) = behind.checked_sub(1).and_then(|index| segments.get(index)) else {
                let first_lsn = segments.first().map_or(0, |segment| segment.first_lsn);
                return Err(JournalError::Trimmed { lsn, first_lsn });
            };
            if segment.is_complete {
                return Ok((segment.first_lsn, segment.offset_before(lsn)));
            }
            segment.first_lsn
        };
        // Without the lock, which the writer takes: this reads a file. Two readers may do it at once.
        let index = SegmentIndex::look_through(self.open_cursor(first_lsn)?, first_lsn)?;
        let offset = index.offset_before(lsn);
        if let Some(segment) = find(&mut self.segments.write(), first_lsn) {
            segment.entries = index.entries;
            segment.is_complete = true;
        }
        Ok((first_lsn, offset))
    }

    /// Opens a segment. If it was trimmed since it was located, that is what the error says.
    pub(super) fn open_cursor(&self, first_lsn: u64) -> Result<SegmentCursor, JournalError> {
        self.directory.open_cursor(first_lsn).map_err(|error| {
            let begin = self.segments.read().first().map_or(0, |segment| segment.first_lsn);
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

    pub(super) fn first_lsns(&self) -> Vec<u64> {
        self.segments.read().iter().map(|segment| segment.first_lsn).collect()
    }

    pub(super) fn has_segment(&self, first_lsn: u64) -> bool {
        find(&mut self.segments.write(), first_lsn).is_some()
    }

    /// The oldest sealed segment that is neither compressed nor among `except`, and the one behind it.
    pub(super) fn oldest_plain(&self, except: &[u64]) -> Option<(u64, u64)> {
        let segments = self.segments.read();
        let is_wanted =
            |segment: &SegmentIndex| segment.compressed.is_none() && !except.contains(&segment.first_lsn);
        segments
            .windows(2)
            .find(|pair| is_wanted(&pair[0]))
            .map(|pair| (pair[0].first_lsn, pair[1].first_lsn))
    }

    pub(super) fn note_compressed(&self, first_lsn: u64, bytes: CompressedBytes) {
        if let Some(segment) = find(&mut self.segments.write(), first_lsn) {
            segment.compressed = Some(bytes);
        }
    }

    pub(super) fn forget_segments_before(&self, first_lsn: u64) {
        self.segments.write().retain(|segment| segment.first_lsn >= first_lsn);
    }

    fn statistics(&self) -> SegmentStatistics {
        let segments = self.segments.read();
        let mut statistics = SegmentStatistics {
            segments: segments.len() as u64,
            first_lsn: segments.first().map_or(0, |segment| segment.first_lsn),
            ..SegmentStatistics::default()
        };
        for bytes in segments.iter().filter_map(|segment| segment.compressed) {
            statistics.compressed_segments += 1;
            statistics.compressed_bytes.before += bytes.before;
            statistics.compressed_bytes.after += bytes.after;
        }
        statistics
    }
}

fn find(segments: &mut [SegmentIndex], first_lsn: u64) -> Option<&mut SegmentIndex> {
    let index = segments.binary_search_by_key(&first_lsn, |segment| segment.first_lsn).ok()?;
    segments.get_mut(index)
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
        self.shared.statistics()
    }

    /// LSN up to which records can be read, 0 = none yet.
    pub fn durable_lsn(&self) -> u64 {
        self.shared.durable_lsn()
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
                self.visible_lsn = self.shared.durable_lsn();
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
