//! Which step comes next: each seed has its own favourites, and does without some faults.

use super::common::random::Random;

/// How often each kind of step comes, relative to the others.
pub struct Mix {
    weights: Vec<(Kind, u64)>,
    sum: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Submit,
    Hear,
    Write,
    Dispatch,
    Rebuild,
    Work,
    Pause,
    LongPause,
    Costing,
    People,
    Outbox,
    SystemOfRecord,
    Feed,
    Snapshot,
    Release,
    AdvanceClock,
    JumpClock,
    FullDisk,
    BrokenDisk,
    FailedSnapshot,
    Kill,
    PowerLoss,
    Stop,
}

impl Mix {
    /// Every seed's own.
    pub fn random(random: &mut Random) -> Mix {
        use Kind::*;
        let usual = [
            (Submit, 120),
            (Hear, 120),
            (Write, 160),
            (Dispatch, 160),
            (Rebuild, 20),
            (Work, 160),
            (Pause, 60),
            (LongPause, 4),
            (Costing, 40),
            (People, 40),
            (Outbox, 40),
            (SystemOfRecord, 60),
            (Feed, 40),
            (Snapshot, 24),
            (Release, 6),
            (AdvanceClock, 10),
            (JumpClock, 8),
            (FullDisk, 10),
            (BrokenDisk, 2),
            (FailedSnapshot, 2),
            (Kill, 3),
            (PowerLoss, 5),
            (Stop, 2),
        ];
        // Every seed has its own favourites, and does without some faults.
        let weigh = |random: &mut Random, (kind, weight): (Kind, u64)| {
            let is_fault =
                matches!(kind, JumpClock | FullDisk | BrokenDisk | FailedSnapshot | Kill | PowerLoss | Stop);
            let factor = if is_fault { *random.pick(&[0, 1, 1, 2]) } else { *random.pick(&[1, 2, 4, 8]) };
            (kind, weight * factor)
        };
        let weights: Vec<(Kind, u64)> = usual.into_iter().map(|one| weigh(random, one)).collect();
        let sum = weights.iter().map(|(_, weight)| weight).sum();
        Mix { weights, sum }
    }

    /// What comes next.
    pub fn next(&self, random: &mut Random) -> Kind {
        let mut left = random.below(self.sum);
        for (kind, weight) in &self.weights {
            match left.checked_sub(*weight) {
                None => return *kind,
                Some(rest) => left = rest,
            }
        }
        unreachable!("less than the sum is left")
    }
}
