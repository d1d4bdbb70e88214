//! Trimming: taking whole sealed segments away from the journal's beginning, and readers that keep them from going.
//!
//! What is needed is what the older of the kept snapshots begins with, which the caller of [`Trimmer::trim`] knows, and
//! what readers hold. A reader that falls too far behind loses its hold rather than filling the disk.

use std::sync::Arc;

use super::error::JournalError;
use super::reader::{JournalReader, Shared};
use super::trim_mark::TrimMark;

/// What readers hold.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: Vec<Held>,
    last_id: u64,
    /// How many were lost because they kept more than they may.
    lost: u64,
    /// What is below is gone or going: it can't be held any more.
    first_lsn: u64,
}

#[derive(Debug)]
struct Held {
    id: u64,
    name: String,
    lsn: u64,
    behind_max: u64,
}

/// What the readers of one name hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldestHold {
    pub name: String,
    /// What is needed from there on.
    pub lsn: u64,
}

/// What a trim took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trimmed {
    pub segments: u64,
    /// First LSN of the journal from now on.
    pub first_lsn: u64,
}

impl Holds {
    pub(super) fn starting_at(first_lsn: u64) -> Self {
        Self { first_lsn, ..Self::default() }
    }

    /// Up to where the journal may be trimmed at most. Holds that keep more than they may are lost.
    fn limit(&mut self, before: u64, durable_lsn: u64) -> u64 {
        let count = self.held.len();
        self.held
            .retain(|held| held.lsn >= before || durable_lsn.saturating_sub(held.lsn) <= held.behind_max);
        self.lost += (count - self.held.len()) as u64;
        self.held.iter().map(|held| held.lsn).min().unwrap_or(before).min(before)
    }

    fn oldest(&self) -> Vec<OldestHold> {
        let mut oldest: Vec<OldestHold> = Vec::new();
        for held in &self.held {
            match oldest.iter_mut().find(|known| known.name == held.name) {
                Some(known) => known.lsn = known.lsn.min(held.lsn),
                None => oldest.push(OldestHold { name: held.name.clone(), lsn: held.lsn }),
            }
        }
        oldest.sort_by(|left, right| (left.lsn, &left.name).cmp(&(right.lsn, &right.name)));
        oldest
    }
}

/// Trims the journal, from any thread, as long as it is open.
#[derive(Clone)]
pub struct Trimmer {
    shared: Arc<Shared>,
}

impl Trimmer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// First LSN of the newest segments that take up to `bytes` on the disk, in the form that they have there; at least
    /// the one that is being written.
    ///
    /// # Errors
    /// `Closed`; `Io`.
    pub fn newest_from(&self, bytes: u64) -> Result<u64, JournalError> {
        self.shared.change_files(|| {
            let first_lsns = self.shared.published.first_lsns();
            let mut from = first_lsns.last().copied().unwrap_or_default();
            let mut total = 0_u64;
            for first_lsn in first_lsns.into_iter().rev() {
                total = total.saturating_add(self.shared.directory.segment_bytes_on_disk(first_lsn)?);
                if total > bytes {
                    break;
                }
                from = first_lsn;
            }
            Ok(from)
        })
    }

    /// Removes the sealed segments that end below `before` and that no reader holds. What must be replayed on top of the
    /// older kept snapshot, and what lies behind its position, must not be below `before`.
    ///
    /// Readers that hold more than they may lose their hold. A trimmed journal opens only with a trusted position.
    ///
    /// # Errors
    /// `Closed`; `Io` or `Damaged`: what was not removed is taken away by a later trim or the next start.
    pub fn trim(&self, before: u64) -> Result<Trimmed, JournalError> {
        self.shared.change_files(|| {
            let durable_lsn = self.shared.published.durable_lsn();
            let first_lsns = self.shared.published.first_lsns();
            let count = {
                let mut holds = self.shared.holds.lock();
                let limit = holds.limit(before, durable_lsn);
                let count = first_lsns.iter().skip(1).take_while(|first_lsn| **first_lsn <= limit).count();
                if let Some(first_lsn) = first_lsns.get(count) {
                    holds.first_lsn = holds.first_lsn.max(*first_lsn);
                }
                count
            };
            let (gone, kept) = first_lsns.split_at(count);
            let first_lsn = kept.first().copied().unwrap_or_default();
            if gone.is_empty() {
                return Ok(Trimmed { segments: 0, first_lsn });
            }
            let directory = &self.shared.directory;
            let header = directory.open_cursor(first_lsn)?.segment_header()?.map_err(|damage| {
                JournalError::damaged(&directory.segment_path(first_lsn), 0, first_lsn, damage)
            })?;
            let mark = TrimMark { identity: header.identity, first_lsn, previous_hash: header.previous_hash };
            mark.write(directory)?;
            self.shared.published.forget_segments_before(first_lsn);
            for lsn in gone {
                directory.remove_lasting(&directory.segment_path(*lsn))?;
                directory.remove_lasting(&directory.compressed_path(*lsn))?;
            }
            Ok(Trimmed { segments: count as u64, first_lsn })
        })
    }
}

/// Keeps a reader's part of the journal from being trimmed, until it is dropped or lost.
pub struct Hold {
    shared: Arc<Shared>,
    id: u64,
}

impl JournalReader {
    /// Holds the journal from `lsn` on under a name, for as long as that is at most `behind_max` records behind the
    /// durable end.
    ///
    /// # Errors
    /// `Trimmed` if it is gone already.
    pub fn hold(&self, name: &str, lsn: u64, behind_max: u64) -> Result<Hold, JournalError> {
        let mut holds = self.shared().holds.lock();
        if lsn < holds.first_lsn {
            return Err(JournalError::Trimmed { lsn, first_lsn: holds.first_lsn });
        }
        holds.last_id += 1;
        let id = holds.last_id;
        holds.held.push(Held { id, name: name.to_owned(), lsn, behind_max });
        Ok(Hold { shared: self.share(), id })
    }

    /// Who holds what: for each name the oldest record, whoever holds the oldest one first.
    pub fn oldest_holds(&self) -> Vec<OldestHold> {
        self.shared().holds.lock().oldest()
    }

    /// How many holds were lost since the journal was opened, because they kept more than they may.
    pub fn holds_lost(&self) -> u64 {
        self.shared().holds.lock().lost
    }
}

impl Hold {
    /// Whether it still keeps anything: it was not lost.
    pub fn is_held(&self) -> bool {
        self.shared.holds.lock().held.iter().any(|held| held.id == self.id)
    }

    /// Lets go of what lies before `lsn`; it never goes back.
    ///
    /// # Errors
    /// `Trimmed` if the hold was lost because it was too far behind.
    pub fn advance(&mut self, lsn: u64) -> Result<(), JournalError> {
        let mut holds = self.shared.holds.lock();
        let first_lsn = holds.first_lsn;
        match holds.held.iter_mut().find(|held| held.id == self.id) {
            Some(held) => {
                held.lsn = held.lsn.max(lsn);
                Ok(())
            }
            None => Err(JournalError::Trimmed { lsn, first_lsn }),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.holds.lock().held.retain(|held| held.id != self.id);
    }
}
