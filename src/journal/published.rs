//! What the writer publishes to readers: up to where the journal is durable, and where in which segment its groups
//! start.
//!
//! Written so that `tests/loom_published.rs` can compile it a second time, with the primitives of a model checker for
//! those in `sync`.

use super::segment::SEGMENT_HEADER_LENGTH;
use super::sync::{AtomicU64, Ordering, RwLock};

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
    pub(super) fn offset_before(&self, lsn: u64) -> u64 {
        let behind = self.entries.partition_point(|entry| entry.first_lsn <= lsn);
        match behind.checked_sub(1) {
            Some(index) => self.entries[index].offset,
            None => SEGMENT_HEADER_LENGTH as u64,
        }
    }
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Located {
    /// In the segment that begins with this LSN, at this offset or behind.
    At(u64, u64),
    /// In that segment, which nobody has looked through yet.
    Unseen(u64),
    /// Before the first segment, which begins with this LSN.
    Trimmed(u64),
}

/// What the writer and its readers share.
pub(super) struct Published {
    /// Readers never go beyond. Stored after the durable mark is written, so that whoever loads it sees the group's
    /// bytes and its index entry.
    durable_lsn: AtomicU64,
    /// Ascending.
    segments: RwLock<Vec<SegmentIndex>>,
}

impl Published {
    pub(super) fn new(durable_lsn: u64, segments: Vec<SegmentIndex>) -> Self {
        Self { durable_lsn: AtomicU64::new(durable_lsn), segments: RwLock::new(segments) }
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

    /// Where `lsn` is, which is durable.
    pub(super) fn locate(&self, lsn: u64) -> Located {
        let segments = self.segments.read();
        let behind = segments.partition_point(|segment| segment.first_lsn <= lsn);
        match behind.checked_sub(1).and_then(|index| segments.get(index)) {
            Some(segment) if segment.is_complete => {
                Located::At(segment.first_lsn, segment.offset_before(lsn))
            }
            Some(segment) => Located::Unseen(segment.first_lsn),
            None => Located::Trimmed(segments.first().map_or(0, |segment| segment.first_lsn)),
        }
    }

    /// First LSN of the journal's first segment.
    pub(super) fn first_lsn(&self) -> u64 {
        self.segments.read().first().map_or(0, |segment| segment.first_lsn)
    }

    pub(super) fn first_lsns(&self) -> Vec<u64> {
        self.segments.read().iter().map(|segment| segment.first_lsn).collect()
    }

    /// First LSN of the segment behind the one that begins with this LSN.
    pub(super) fn first_lsn_behind(&self, first_lsn: u64) -> Option<u64> {
        let segments = self.segments.read();
        let behind = segments.partition_point(|segment| segment.first_lsn <= first_lsn);
        segments.get(behind).map(|segment| segment.first_lsn)
    }

    pub(super) fn has_segment(&self, first_lsn: u64) -> bool {
        self.segments.read().binary_search_by_key(&first_lsn, |segment| segment.first_lsn).is_ok()
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

    /// A segment was looked through.
    pub(super) fn note_seen(&self, seen: SegmentIndex) {
        if let Some(segment) = find(&mut self.segments.write(), seen.first_lsn) {
            segment.entries = seen.entries;
            segment.is_complete = true;
        }
    }

    pub(super) fn note_compressed(&self, first_lsn: u64, bytes: CompressedBytes) {
        if let Some(segment) = find(&mut self.segments.write(), first_lsn) {
            segment.compressed = Some(bytes);
        }
    }

    pub(super) fn forget_segments_before(&self, first_lsn: u64) {
        self.segments.write().retain(|segment| segment.first_lsn >= first_lsn);
    }

    pub(super) fn statistics(&self) -> SegmentStatistics {
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
