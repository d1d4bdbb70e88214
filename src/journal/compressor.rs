//! Compressing sealed segments, beside the writer and without a word to it.
//!
//! A segment is copied frame by frame into a file with a temporary name, which is synced and read back as a whole: its
//! groups must form the chain that the next segment continues. Only then is it renamed, the directory synced, and the
//! plain file removed. Until that removal the plain file is what counts, so a crash at any step does no harm.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use zstd::bulk::Compressor as FrameCompressor;

use super::compressed::{
    COMPRESSED_HEADER_LENGTH, CompressedFile, CompressedHeader, FRAME_BYTES, FRAME_ENTRY_LENGTH, FrameEntry,
};
use super::directory::Directory;
use super::disk::{self, DiskFile};
use super::error::{Damage, JournalError};
use super::published::CompressedBytes;
use super::reader::Shared;
use super::recovery::Chain;
use super::segment::{HashCheck, SEGMENT_HEADER_LENGTH, SegmentCursor, SegmentFile, SegmentHeader, Step};
use crate::pacing::Pace;

/// On journals of a demo and of a load test, in frames of 256 KiB: 1 makes them 10.5 and 12.9 times smaller at 530 and
/// 1,470 MB/s, 3 is not better and slower, 9 makes them 10.8 and 13.8 times smaller at 65 and 150 MB/s.
const LEVEL: i32 = 1;
/// As many bytes are written before they are synced: the writer's sync should not have to wait behind a long one.
const SYNC_BYTES: u64 = 1 << 20;
/// How many times as long as it works it rests, so that what writes and what looks is hardly disturbed.
const RESTS: u32 = 2;
/// The lowest priority that a thread can have.
const NICE: i32 = 19;

/// A segment that was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compressed {
    pub first_lsn: u64,
    pub bytes: CompressedBytes,
}

/// Compresses one sealed segment after the other.
pub(super) struct Compressor {
    shared: Arc<Shared>,
    /// Set when the journal is being closed.
    stop: Arc<AtomicBool>,
    /// Where the last attempt failed: it is not tried again before the next start.
    failed: Vec<u64>,
    pace: Pace,
}

impl Compressor {
    pub(super) fn new(shared: Arc<Shared>, stop: Arc<AtomicBool>, pace: Pace) -> Self {
        Self { shared, stop, failed: Vec::new(), pace }
    }

    /// Compresses the oldest sealed segment that is not compressed; none if there is none.
    ///
    /// # Errors
    /// `DiskFull`: it may be tried again. `Damaged`: the segment is not what it was, it is left alone. `Io`. The journal
    /// is as good as before in all cases.
    pub(super) fn compress_next(&mut self) -> Result<Option<Compressed>, JournalError> {
        let Some((first_lsn, next_lsn)) = self.shared.published.oldest_plain(&self.failed) else {
            return Ok(None);
        };
        let compressed = self.compress(first_lsn, next_lsn);
        match &compressed {
            Ok(_) => {}
            // The next attempt begins by removing it too: here it is for the room that it takes.
            Err(JournalError::DiskFull { .. }) => {
                let path = self.shared.directory.compressed_path(first_lsn);
                let _ = self.shared.directory.disk.remove(&Directory::unfinished_path(&path));
            }
            Err(_) => self.failed.push(first_lsn),
        }
        compressed
    }

    /// `next_lsn` is the first LSN of the segment behind. None if it was stopped, or the segment trimmed meanwhile.
    fn compress(&self, first_lsn: u64, next_lsn: u64) -> Result<Option<Compressed>, JournalError> {
        let directory = &self.shared.directory;
        let path = directory.compressed_path(first_lsn);
        let unfinished = Directory::unfinished_path(&path);
        let next = directory.open_cursor(next_lsn)?.segment_header()?;
        let next = next.map_err(|damage| JournalError::damaged(&path, 0, next_lsn, damage))?;
        directory.remove_lasting(&unfinished)?;
        let plain_path = directory.segment_path(first_lsn);
        let plain = directory.disk.open_to_read(&plain_path).map_err(JournalError::io(
            "open",
            &plain_path,
            0,
            first_lsn,
        ))?;
        let written = self.write(&plain, &unfinished, first_lsn, &next).map_err(|error| {
            if disk::is_full(&error) {
                super::log::disk_full(&unfinished, 0, first_lsn, error)
            } else {
                JournalError::io("compress", &plain_path, 0, first_lsn)(error)
            }
        })?;
        let Some(content_bytes) = written else { return Ok(None) };
        let Some(file_bytes) = self.check(&unfinished, first_lsn, &next)? else { return Ok(None) };
        let bytes = CompressedBytes { before: content_bytes, after: file_bytes };
        let swapped = self.shared.change_files(|| {
            if !self.shared.published.has_segment(first_lsn) {
                return directory.remove_lasting(&unfinished).map(|()| false);
            }
            directory.disk.rename(&unfinished, &path).map_err(JournalError::io(
                "rename",
                &unfinished,
                0,
                first_lsn,
            ))?;
            directory.sync()?;
            // Readers find the other form from here on.
            self.shared.published.note_compressed(first_lsn, bytes);
            directory.remove_lasting(&plain_path).map(|()| true)
        })?;
        Ok(swapped.then_some(Compressed { first_lsn, bytes }))
    }

    /// Writes the compressed file and syncs it. Gives the segment's bytes; none if it was stopped.
    fn write(
        &self,
        plain: &DiskFile,
        unfinished: &std::path::Path,
        first_lsn: u64,
        next: &SegmentHeader,
    ) -> io::Result<Option<u64>> {
        let content_bytes = plain.length()?;
        let header = CompressedHeader {
            frame_bytes: FRAME_BYTES,
            content_bytes,
            first_lsn,
            last_lsn: next.first_lsn.saturating_sub(1),
            last_hash: next.previous_hash,
        };
        let file = self.shared.directory.disk.create_new(unfinished)?;
        let mut compressor = FrameCompressor::new(LEVEL)?;
        let mut frames = Vec::with_capacity(header.frame_count() as usize);
        let mut content = vec![0; FRAME_BYTES as usize];
        let begin = COMPRESSED_HEADER_LENGTH as u64 + header.frame_count() * FRAME_ENTRY_LENGTH as u64;
        let (mut offset, mut synced) = (begin, begin);
        let mut pace = self.pace.clone();
        for index in 0..header.frame_count() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let count = plain.read_at(&mut content, index * u64::from(FRAME_BYTES))?;
            let stored = compressor.compress(&content[..count])?;
            file.write_all_at(&stored, offset)?;
            frames.push(FrameEntry { length: stored.len() as u32, checksum: crc32fast::hash(&stored) });
            offset += stored.len() as u64;
            if offset - synced >= SYNC_BYTES {
                file.sync_data()?;
                synced = offset;
            }
            pace.pause();
        }
        file.write_all_at(&header.encode(&frames), 0)?;
        file.sync_data()?;
        Ok(Some(content_bytes))
    }

    /// Reads the compressed file back: its groups must form the chain up to `next`. Gives its bytes; none if it was stopped.
    fn check(
        &self,
        unfinished: &std::path::Path,
        first_lsn: u64,
        next: &SegmentHeader,
    ) -> Result<Option<u64>, JournalError> {
        let file = self.shared.directory.disk.open_to_read(unfinished);
        let file = file.map_err(JournalError::io("open", unfinished, 0, first_lsn))?;
        let file = CompressedFile::open(file, first_lsn)?;
        let file_bytes = file.file_bytes();
        let mut cursor =
            SegmentCursor::new(SegmentFile::Compressed(Box::new(file)), SEGMENT_HEADER_LENGTH as u64);
        let mut damaged = |damage| JournalError::damaged(unfinished, 0, first_lsn, damage);
        let header = cursor.segment_header()?.map_err(&mut damaged)?;
        if (header.identity, header.first_lsn) != (next.identity, first_lsn) {
            return Err(damaged(Damage::OtherContent));
        }
        let mut chain = Chain::begin_at(&header);
        let mut pace = self.pace.clone();
        loop {
            pace.pause();
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match cursor.next_group(HashCheck::Verify)? {
                Step::Group(group) => chain.take(&group.header).map_err(&mut damaged)?,
                Step::Damaged(damage) => return Err(damaged(damage)),
                Step::End => break,
            }
        }
        chain.check_segment(next).map_err(damaged)?;
        Ok(Some(file_bytes))
    }
}

/// The thread that compresses. Dropping it stops it within a frame.
pub(super) struct CompressionThread {
    stop: Arc<AtomicBool>,
    /// Wakes the thread; closed to end it.
    sealed: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl CompressionThread {
    pub(super) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        // One word is enough: whoever is awake looks for all there is.
        let (sealed, wake) = bounded(1);
        let compressor = Compressor::new(shared, Arc::clone(&stop), Pace::resting(RESTS));
        let thread = thread::Builder::new()
            .name("journal-compress".into())
            .spawn(move || compress_all(compressor, &wake))?;
        Ok(Self { stop, sealed: Some(sealed), thread: Some(thread) })
    }

    /// A segment was sealed.
    pub(super) fn wake(&self) {
        if let Some(sealed) = &self.sealed {
            // If there is a word already, that one does.
            let _ = sealed.try_send(());
        }
    }
}

impl Drop for CompressionThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.sealed = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported and concerns nobody here: the plain segments are whole.
            let _ = thread.join();
        }
    }
}

fn compress_all(mut compressor: Compressor, sealed: &Receiver<()>) {
    // On Linux a priority is a thread's own. Without it, it works as well and disturbs more.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "segments are compressed with the priority of everything else");
    }
    loop {
        match compressor.compress_next() {
            Ok(Some(done)) => {
                let Compressed { first_lsn, bytes } = done;
                tracing::debug!(first_lsn, before = bytes.before, after = bytes.after, "segment compressed");
                continue;
            }
            Ok(None) => {}
            // Once there is room and another segment is sealed, it is tried again.
            Err(error @ JournalError::DiskFull { .. }) => {
                tracing::warn!(%error, "a segment stays as it is for now");
            }
            Err(error) => {
                tracing::error!(%error, "a segment could not be compressed and stays as it is");
                continue;
            }
        }
        if sealed.recv().is_err() {
            return;
        }
    }
}
