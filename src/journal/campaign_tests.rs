//! Random work on a disk that breaks at random, against a model of what was promised.
//!
//! Each seed opens, appends, compresses, trims, reads, and meets the faults of [`super::simulated_disk`], whose header
//! says what may break. After each stop it recovers, and checks:
//!
//! - everything that was acknowledged is there, once, as it was given; what was being written when it stopped is there
//!   as a whole or not at all;
//! - nothing else is there, and no wrong record is ever read;
//! - damage below the durable mark, done on purpose, is refused, naming a file, or found by whoever reads; nothing is
//!   cut because of it.
//!
//! The model is a list of records and knows nothing of files. Every seed runs twice and must do exactly the same. How
//! many: `TIDEWATCH_SEEDS`.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::compressor::Compressor;
use super::simulated_disk::{Fate, Loss, Operation, Random, SimulatedDisk};
use super::*;
use crate::pacing::Pace;

const DIRECTORY: &str = "/journal";
const SEEDS: u64 = 150;
const LIVES_MAX: u64 = 8;
const ACTS_MAX: u64 = 25;

fn seeds() -> u64 {
    std::env::var("TIDEWATCH_SEEDS").ok().and_then(|count| count.parse().ok()).map_or(SEEDS, |count: u64| {
        // One costs two milliseconds: the other campaigns that the number is for take a second each.
        count.saturating_mul(40)
    })
}

/// What was promised, and what is in the balance.
#[derive(Default)]
struct Model {
    /// The record with LSN n stands at n - 1.
    acknowledged: Vec<Vec<u8>>,
    /// The group whose append failed or was cut short.
    pending: Vec<Vec<u8>>,
    /// Below, records may be gone.
    trimmed: u64,
}

impl Model {
    /// Holds what the journal has against what was promised; what was in the balance is decided by that.
    fn check(&mut self, journal: &Journal, what: &str) {
        let durable = journal.durable_lsn() as usize;
        let certain = self.acknowledged.len();
        assert!(durable >= certain, "{what}: ends with {durable}, {certain} were acknowledged");
        let pending = std::mem::take(&mut self.pending);
        let more = durable - certain;
        assert!(more == 0 || more == pending.len(), "{what}: {more} of a group of {}", pending.len());
        self.acknowledged.extend(pending.into_iter().take(more));
        self.check_reads(journal, what);
    }

    fn check_reads(&self, journal: &Journal, what: &str) {
        let begin = journal.reader().statistics().first_lsn;
        assert!(begin <= self.trimmed.max(1), "{what}: begins with {begin}, {} is needed", self.trimmed);
        let mut lsn = begin;
        for read in journal.reader().read_from(begin) {
            let (read_lsn, bytes) = read.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(read_lsn, lsn, "{what}");
            assert_eq!(bytes, self.acknowledged[lsn as usize - 1], "{what}: LSN {lsn}");
            lsn += 1;
        }
        assert_eq!(lsn as usize, self.acknowledged.len() + 1, "{what}: all are read");
    }
}

/// What a seed met.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    records: u64,
    lives: u64,
    failures: u64,
    full: u64,
    compressed: u64,
    trimmed: u64,
    torn: u64,
    damage_refused: u64,
    damage_read: u64,
    damage_harmless: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.lives += other.lives;
        self.failures += other.failures;
        self.full += other.full;
        self.compressed += other.compressed;
        self.trimmed += other.trimmed;
        self.torn += other.torn;
        self.damage_refused += other.damage_refused;
        self.damage_read += other.damage_read;
        self.damage_harmless += other.damage_harmless;
    }
}

struct Run {
    seed: u64,
    disk: SimulatedDisk,
    random: Random,
    model: Model,
    tally: Tally,
    options: JournalOptions,
    /// What a snapshot would have kept.
    trusted: Option<Position>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            seed,
            disk: SimulatedDisk::new(random.next()),
            model: Model::default(),
            tally: Tally::default(),
            options: JournalOptions { segment_bytes_max: 200 + random.below(3000) },
            trusted: None,
            random,
        }
    }

    fn try_open(&self, trusted: Option<&Position>) -> Result<(Journal, Recovered), JournalError> {
        Journal::open_simulated(&self.disk, Path::new(DIRECTORY), self.options.clone(), trusted)
    }

    /// Faults for the life that begins: a stop after some operations, single failures, a full disk now and then.
    fn plan_faults(&mut self) {
        let mut random = Random::new(self.random.next());
        let stop_after = if random.one_in(3) { u64::MAX } else { random.below(120) };
        let (fails, full) = (random.one_in(3), random.one_in(3));
        let mut operations = 0;
        self.disk.decide(move |operation| {
            operations += 1;
            if operations > stop_after || (fails && random.one_in(80)) {
                return Fate::Fails(ErrorKind::Other);
            }
            let takes_room = matches!(operation, Operation::Create(_) | Operation::Write(..));
            if full && takes_room && random.one_in(25) {
                return Fate::Fails(ErrorKind::StorageFull);
            }
            Fate::Done
        });
    }

    /// Opens the journal, as often as it takes when faults strike while it recovers.
    fn open(&mut self) -> Journal {
        for attempt in 0..100 {
            // In the end it must work.
            if attempt < 5 {
                self.plan_faults();
            }
            let must_trust = self.model.trimmed > 1;
            let trusted = self.trusted.filter(|_| must_trust || self.random.one_in(2));
            match self.try_open(trusted.as_ref()) {
                Ok((journal, recovered)) => {
                    self.tally.torn += u64::from(recovered.report.torn_tail.is_some());
                    return journal;
                }
                Err(JournalError::Io { .. }) => self.stop(),
                Err(error) => panic!("seed {}: {error}", self.seed),
            }
        }
        panic!("seed {}: it never opens", self.seed)
    }

    /// The process or the machine stops.
    fn stop(&mut self) {
        let losses = [Loss::Nothing, Loss::Everything, Loss::Some, Loss::Some];
        self.disk.crash(losses[self.random.below(4) as usize]);
    }

    fn append(&mut self, journal: &mut Journal) -> Result<(), JournalError> {
        let mut group = GroupBuilder::new(journal.next_lsn());
        let mut records = Vec::new();
        for _ in 0..1 + self.random.below(5) {
            let length = self.random.below(200) as usize;
            let byte = self.random.next() as u8;
            let mut record = vec![byte; length];
            record.extend(self.random.next().to_le_bytes());
            group.push(&record).unwrap();
            records.push(record);
        }
        match journal.append_group(&mut group) {
            Ok(last_lsn) => {
                self.tally.records += records.len() as u64;
                self.model.acknowledged.extend(records);
                assert_eq!(last_lsn as usize, self.model.acknowledged.len());
                self.disk.note(Operation::Acknowledged(last_lsn));
                Ok(())
            }
            Err(JournalError::DiskFull { .. }) => {
                self.tally.full += 1;
                Ok(())
            }
            Err(error) => {
                self.model.pending = records;
                Err(error)
            }
        }
    }

    fn live(&mut self) {
        let what = format!("seed {}, life {}", self.seed, self.tally.lives);
        let mut journal = self.open();
        self.model.check(&journal, &what);
        let mut compressor =
            Compressor::new(journal.reader().share(), Arc::new(AtomicBool::new(false)), Pace::at_once());
        for _ in 0..self.random.below(ACTS_MAX) {
            let done = match self.random.below(13) {
                0..7 => self.append(&mut journal),
                7 | 8 => match compressor.compress_next() {
                    Ok(compressed) => {
                        self.tally.compressed += u64::from(compressed.is_some());
                        Ok(())
                    }
                    // The journal goes on without it.
                    Err(JournalError::DiskFull { .. }) => Ok(()),
                    Err(error) => Err(error),
                },
                9 => {
                    // What was trimmed has no position any more.
                    let lsn = self.random.below(journal.next_lsn());
                    self.trusted = journal.reader().position_at(lsn).ok().or(self.trusted);
                    Ok(())
                }
                10 if let Some(position) = self.trusted => {
                    let before = self.random.below(position.lsn + 2);
                    self.model.trimmed = self.model.trimmed.max(before);
                    journal.trimmer().trim(before).map(|trimmed| self.tally.trimmed += trimmed.segments)
                }
                11 => journal.has_room().map(drop),
                _ => {
                    self.model.check_reads(&journal, &what);
                    Ok(())
                }
            };
            if done.is_err() {
                // What is left of this life can still be read.
                self.model.check_reads(&journal, &what);
                self.tally.failures += 1;
                break;
            }
        }
        if self.random.one_in(3) {
            let _ = journal.close();
        } else {
            drop(journal);
        }
        self.stop();
        self.tally.lives += 1;
    }

    /// Damages what is synced and acknowledged: a bit rots, or bytes of another place stand there.
    fn damage(&mut self) {
        let journal = self.open();
        let what = format!("seed {}, before the damage", self.seed);
        self.model.check(&journal, &what);
        let begin = journal.reader().statistics().first_lsn;
        drop(journal);
        self.disk.let_be();
        let files = self.disk.files();
        let segments: Vec<_> = files
            .iter()
            .filter(|(path, bytes)| !bytes.is_empty() && *path != Path::new("/journal/lock"))
            .collect();
        let (path, bytes) = segments[self.random.below(segments.len() as u64) as usize];
        let mut changed = files.clone();
        let target = changed.get_mut(path).unwrap();
        let start = self.random.below(bytes.len() as u64) as usize;
        if self.random.one_in(2) {
            target[start] ^= 1 << self.random.below(8);
        } else {
            let length = 1 + self.random.below(600) as usize;
            let from = self.random.below(bytes.len() as u64) as usize;
            let length = length.min(bytes.len() - start.max(from));
            target[start..start + length].copy_from_slice(&bytes[from..from + length]);
        }
        let what = format!("seed {}, {} damaged at {start}", self.seed, path.display());
        self.disk = SimulatedDisk::with_files(changed.clone());
        let must_trust = begin > 1;
        let trusted = self.trusted.filter(|_| must_trust || self.random.one_in(2));
        match self.try_open(trusted.as_ref()) {
            Err(JournalError::Io { place, source, .. }) => panic!("{what}: {place} {source}"),
            Err(error) => {
                assert!(error.to_string().contains(DIRECTORY), "{what}: says where: {error}");
                assert_eq!(changed, self.disk.files(), "{what}: a refusal changes nothing");
                self.tally.damage_refused += 1;
            }
            Ok((journal, _)) => {
                assert_eq!(journal.durable_lsn() as usize, self.model.acknowledged.len(), "{what}: cut");
                let mut lsn = begin;
                for read in journal.reader().read_from(begin) {
                    match read {
                        Ok((read_lsn, bytes)) => {
                            assert_eq!(read_lsn, lsn, "{what}");
                            assert_eq!(
                                bytes,
                                self.model.acknowledged[lsn as usize - 1],
                                "{what}: wrong record"
                            );
                            lsn += 1;
                        }
                        Err(JournalError::Damaged { .. }) => {
                            self.tally.damage_read += 1;
                            return;
                        }
                        Err(error) => panic!("{what}: {error}"),
                    }
                }
                assert_eq!(lsn as usize, self.model.acknowledged.len() + 1, "{what}: all or an error");
                self.tally.damage_harmless += 1;
            }
        }
    }

    fn run(mut self) -> (Tally, [u8; 32]) {
        for _ in 0..1 + self.random.below(LIVES_MAX) {
            self.live();
        }
        let trace = self.disk.trace();
        self.damage();
        (self.tally, trace)
    }
}

#[test]
fn random_work_on_a_breaking_disk_keeps_every_promise_and_runs_the_same_twice() {
    let mut tally = Tally::default();
    for seed in 0..seeds() {
        let first = Run::new(seed).run();
        assert_eq!(first, Run::new(seed).run(), "seed {seed} does not do the same twice");
        tally.add(&first.0);
    }
    println!("{} seeds, each twice: {tally:?}", seeds());
    let Tally { failures, full, compressed, trimmed, torn, damage_refused, damage_read, .. } = tally;
    for met in [failures, full, compressed, trimmed, torn, damage_refused, damage_read] {
        assert!(met > 2, "a kind of fault or work hardly came up: {tally:?}");
    }
}
