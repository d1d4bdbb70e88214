//! What came of a run, in figures.

use super::world::World;

/// What came of a run.
pub struct Summary {
    pub hash: blake3::Hash,
    pub counts: Vec<(&'static str, u64)>,
}

/// What broke.
#[derive(Default)]
pub struct Faults {
    pub kills: u64,
    pub power_losses: u64,
    pub deaths_in_recovery: u64,
    pub clean_stops: u64,
    pub broken_disks: u64,
    pub full_disks: u64,
    pub clock_jumps: u64,
    pub releases: u64,
    pub damaged_snapshots: u64,
    /// By a power loss, a kill or a stop while one was under way.
    pub snapshots_cut_short: u64,
    pub deaths_while_publishing: u64,
    pub snapshots_failed: u64,
}

/// What became of snapshots.
#[derive(Default)]
pub struct Used {
    pub taken: u64,
    pub restores: u64,
    pub restores_elsewhere: u64,
    pub passed_over: u64,
    pub starts_without: u64,
    pub replayed: u64,
    pub packed: u64,
    pub woken: u64,
    pub woken_from_disk: u64,
    /// Entities that looked again at rest, to find nothing.
    pub looked_again: u64,
}

impl World {
    /// Of a run that has ended.
    pub fn summary(&self) -> Summary {
        let (faults, counts) = (&self.faults, &self.decisions.counts);
        assert!(self.data.path().exists());
        Summary {
            hash: self.trace.hash(),
            counts: vec![
                ("steps", self.trace.steps),
                ("lives", self.lives),
                ("records applied by entities", self.applied),
                ("events acknowledged", self.ledger.acknowledged.len() as u64),
                ("repeats answered", self.ledger.repeats),
                ("requests without credits", self.ledger.refused),
                ("requests refused by a full disk", self.ledger.full),
                ("kills", faults.kills),
                ("power losses", faults.power_losses),
                ("deaths in recovery", faults.deaths_in_recovery),
                ("clean stops", faults.clean_stops),
                ("broken disks", faults.broken_disks),
                ("full disks", faults.full_disks),
                ("clock jumps", faults.clock_jumps),
                ("releases of failed entities", faults.releases),
                ("snapshots taken", self.used.taken),
                ("snapshots cut short", faults.snapshots_cut_short),
                ("snapshots failed", faults.snapshots_failed),
                ("deaths while publishing a snapshot", faults.deaths_while_publishing),
                ("snapshots damaged", faults.damaged_snapshots),
                ("snapshots passed over", self.used.passed_over),
                ("starts from a snapshot", self.used.restores),
                ("starts from a snapshot of other shards", self.used.restores_elsewhere),
                ("starts from the journal alone", self.used.starts_without),
                ("records replayed", self.used.replayed),
                ("entities packed", self.used.packed),
                ("entities woken from memory", self.used.woken),
                ("entities woken from the disk", self.used.woken_from_disk),
                ("entities that looked again at rest", self.used.looked_again),
                ("decisions", counts.decisions as u64),
                ("commands", counts.commands),
                ("repeated commands", counts.repeated_commands),
                ("attempts to deliver", counts.attempts),
                ("requests lost", counts.requests_lost),
                ("requests twice", counts.requests_twice),
                ("answers lost", counts.answers_lost),
                ("actions carried out", self.decisions.carried_out.len() as u64),
                ("frames", self.follower.seen.len() as u64),
                ("states shown", self.follower.states),
            ],
        }
    }
}
