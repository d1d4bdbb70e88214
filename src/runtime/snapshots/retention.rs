//! What of the journal stays, and what may go, whenever a generation was published.
//!
//! A segment goes when both kept generations begin behind it, nobody holds it, and it is not among the newest that are to
//! stay anyhow. Who holds: the older kept generation ("snapshots"), what entities that stand still can be made anew from
//! ("rebuild"), the oldest event in quarantine ("quarantine"), clients of the feed that catch up ("feed", which hold by
//! themselves). All but the first lose their hold when they are too far behind.

use std::sync::Arc;

use parking_lot::RwLock;
use tracing::{info, warn};

use super::{GenerationInfo, KeptForRebuild};
use crate::domain::ids::Lsn;
use crate::journal::{Hold, Journal, JournalReader, Trimmer};
use crate::runtime::quarantine::Quarantine;

/// Generations without which the whole journal is what a start falls back to.
const NEEDED: usize = 2;

/// How the journal is trimmed.
#[derive(Clone, Copy, Debug)]
pub struct TrimOptions {
    pub is_on: bool,
    /// Bytes of segments, as they are on the disk, that stay whether they are needed or not.
    pub keep_bytes: u64,
    /// Records that a reader may be behind the end and still keep segments.
    pub hold_records_max: u64,
}

impl Default for TrimOptions {
    /// Off.
    fn default() -> TrimOptions {
        TrimOptions { is_on: false, keep_bytes: u64::MAX, hold_records_max: u64::MAX }
    }
}

/// Trims the journal, and holds what the tower itself needs of it.
pub struct Retention {
    trimmer: Trimmer,
    reader: JournalReader,
    options: TrimOptions,
    quarantine: Arc<RwLock<Quarantine>>,
    snapshots: Option<Hold>,
    rebuild: Option<(KeptForRebuild, Hold)>,
    quarantined: Option<Hold>,
}

impl Retention {
    pub fn new(journal: &Journal, options: TrimOptions, quarantine: Arc<RwLock<Quarantine>>) -> Retention {
        Retention {
            trimmer: journal.trimmer(),
            reader: journal.reader(),
            options,
            quarantine,
            snapshots: None,
            rebuild: None,
            quarantined: None,
        }
    }

    /// Holds what is needed beside these generations, newest first.
    pub fn hold(&mut self, generations: &[GenerationInfo], kept: KeptForRebuild) {
        if !self.options.is_on {
            return;
        }
        let needed_from = needed_from(generations);
        let rebuild_from = match kept {
            KeptForRebuild::Nothing => None,
            KeptForRebuild::Generation(info) => Some(info.lsn),
            KeptForRebuild::Journal => Some(Lsn(1)),
        };
        // A clone shares everything: the dispatcher does not wait for this.
        let quarantine = self.quarantine.read().clone();
        let quarantined_from =
            quarantine.iter().map(|entry| entry.event).filter(|event| *event > Lsn::ZERO).min();
        // The new holds first, so that nothing is without one in between.
        self.snapshots = self.held("snapshots", needed_from, u64::MAX);
        self.rebuild = rebuild_from
            .and_then(|from| self.held("rebuild", from, self.hold_max()))
            .map(|hold| (kept, hold));
        self.quarantined = quarantined_from.and_then(|from| self.held("quarantine", from, self.hold_max()));
    }

    /// Whether that can still be had: it is all there, and within what may be held.
    pub fn still_holds(&self, kept: KeptForRebuild) -> bool {
        match &self.rebuild {
            Some((held, hold)) => *held == kept && hold.is_held(),
            // Nothing is trimmed, so it is there unless it was trimmed before.
            None if !self.options.is_on => {
                let from = match kept {
                    KeptForRebuild::Generation(info) => info.lsn.next(),
                    KeptForRebuild::Journal | KeptForRebuild::Nothing => Lsn(1),
                };
                self.reader.statistics().first_lsn <= from.0
            }
            None => false,
        }
    }

    /// Takes away what nobody needs, now that these generations, newest first, are the published ones.
    pub fn trim(&mut self, generations: &[GenerationInfo], kept: KeptForRebuild) {
        if !self.options.is_on {
            return;
        }
        self.hold(generations, kept);
        let lost_before = self.reader.holds_lost();
        let trimmed = self
            .trimmer
            .newest_from(self.options.keep_bytes)
            .and_then(|newest_from| self.trimmer.trim(needed_from(generations).0.min(newest_from)));
        match trimmed {
            Ok(trimmed) if trimmed.segments > 0 => {
                info!(segments = trimmed.segments, first_lsn = trimmed.first_lsn, "journal trimmed");
            }
            Ok(_) => {}
            Err(error) => {
                warn!(%error, "the journal was not trimmed to its end; the next snapshot goes on with it")
            }
        }
        let lost = self.reader.holds_lost() - lost_before;
        if lost > 0 {
            warn!(
                lost,
                records_max = self.hold_max(),
                "readers that were too far behind no longer keep segments of the journal"
            );
        }
    }

    fn hold_max(&self) -> u64 {
        self.options.hold_records_max
    }

    fn held(&self, name: &str, from: Lsn, behind_max: u64) -> Option<Hold> {
        // What is gone already keeps nothing: it was lost, and that was said.
        self.reader.hold(name, from.0.max(1), behind_max).ok()
    }
}

/// The first record that a start may need: without a generation to fall back to it is the first one there ever was.
fn needed_from(generations: &[GenerationInfo]) -> Lsn {
    let oldest = generations.iter().take(NEEDED).map(|info| info.lsn).min();
    oldest.filter(|_| generations.len() >= NEEDED).unwrap_or(Lsn(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::journal::{GroupBuilder, JournalOptions};
    use crate::runtime::quarantine::{QuarantineEntry, QuarantineReason};

    const RECORD: [u8; 200] = [7; 200];

    fn generation(number: u64, lsn: u64) -> GenerationInfo {
        let taken_at = Timestamp::from_micros(0);
        GenerationInfo { number, lsn: Lsn(lsn), entities: 0, bytes: 0, seconds: 0.0, taken_at }
    }

    /// A journal of 200 records, one a group, ten to a segment.
    fn journal(directory: &std::path::Path) -> Journal {
        let options = JournalOptions { segment_bytes_max: 80 + 10 * (100 + 8 + RECORD.len() as u64) };
        let (mut journal, _) = Journal::open(directory, options).unwrap();
        for lsn in 1..=200 {
            let mut group = GroupBuilder::new(lsn);
            group.push(&RECORD).unwrap();
            journal.append_group(&mut group).unwrap();
        }
        journal
    }

    fn retention(journal: &Journal, keep_bytes: u64, hold_records_max: u64) -> Retention {
        let options = TrimOptions { is_on: true, keep_bytes, hold_records_max };
        Retention::new(journal, options, Arc::new(RwLock::new(Quarantine::new(10))))
    }

    #[test]
    fn what_the_older_generation_needs_stays_and_nothing_goes_with_one_alone() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(directory.path());
        let begins = || journal.reader().statistics().first_lsn;
        let mut retention = retention(&journal, 0, 1_000);
        retention.trim(&[generation(1, 150)], KeptForRebuild::Nothing);
        assert_eq!(begins(), 1, "the fallback is the journal");
        retention.trim(&[generation(2, 150), generation(1, 60)], KeptForRebuild::Nothing);
        assert_eq!(begins(), 51, "the segment with record 60, behind which that one begins");
        retention
            .trim(&[generation(3, 190), generation(2, 150)], KeptForRebuild::Generation(generation(1, 60)));
        assert_eq!(begins(), 51, "somebody stands still since then");
        assert!(retention.still_holds(KeptForRebuild::Generation(generation(1, 60))));
        retention.trim(&[generation(3, 190), generation(2, 150)], KeptForRebuild::Nothing);
        assert_eq!(begins(), 141);
    }

    #[test]
    fn the_newest_segments_stay_and_so_does_what_is_in_quarantine_up_to_the_cap() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(directory.path());
        let begins = || journal.reader().statistics().first_lsn;
        let segment = 80 + 10 * (100 + 8 + RECORD.len() as u64);
        let two = [generation(2, 200), generation(1, 199)];
        retention(&journal, 19 * segment, 1_000).trim(&two, KeptForRebuild::Nothing);
        assert_eq!(begins(), 11, "all but one are to stay");
        let mut retention = retention(&journal, 0, 150);
        let entry = QuarantineEntry {
            entry: Lsn(61),
            event: Lsn(60),
            tenant: crate::domain::ids::TenantNumber(0),
            reason: QuarantineReason::Refused,
            code: "code".into(),
            detail: String::new(),
            at: Timestamp::from_micros(0),
        };
        retention.quarantine.write().add(entry);
        retention.trim(&two, KeptForRebuild::Nothing);
        assert_eq!(begins(), 51);
        retention.options.hold_records_max = 100;
        retention.trim(&two, KeptForRebuild::Nothing);
        assert_eq!((begins(), journal.reader().holds_lost()), (191, 1), "140 records behind is too far");
    }

    #[test]
    fn the_whole_journal_is_what_is_needed_only_while_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(directory.path());
        let mut retention = retention(&journal, 0, 150);
        retention.hold(&[generation(1, 60)], KeptForRebuild::Journal);
        assert!(retention.still_holds(KeptForRebuild::Journal));
        retention.trim(&[generation(2, 150), generation(1, 60)], KeptForRebuild::Journal);
        assert!(!retention.still_holds(KeptForRebuild::Journal), "200 records behind is too far");
        let off = TrimOptions::default();
        let off = Retention::new(&journal, off, Arc::new(RwLock::new(Quarantine::new(10))));
        assert!(!off.still_holds(KeptForRebuild::Journal));
        assert!(off.still_holds(KeptForRebuild::Generation(generation(1, 60))));
    }
}
