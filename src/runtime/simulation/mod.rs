//! A deterministic simulation of the whole core in one thread, in virtual time, under a random mix of faults.
//!
//! Writer, dispatcher, shards with their entities, reviews, rebuilds, costing's seam, the outbox's seam and the feed's
//! journal side are the product's own code. What would be a thread is a step here, and a seed says which comes next.
//! Systems send random histories, people decide, a system of record carries out; meanwhile things break. After the
//! faults comes peace, in which everything must come to an end; then what the tower says is held against what it was
//! told, by a model that shares no code with it. Each seed runs twice and must leave equal traces.
//!
//! What may break, and why no more:
//!
//! | fault | how | bound |
//! | --- | --- | --- |
//! | loss of power | at any step, in recovery too; unsynced writes are kept, torn or lost, each by itself | what `fdatasync` confirmed stays: a disk that lies about that can't be survived on a single copy |
//! | end of the process | at any step; what was written stays | |
//! | full disk | for a while: segments can't grow; of a refused write a part may be there | the durable mark is written over, not grown |
//! | broken disk | a sync fails: the process stops, the power is lost | failing once is enough to stop |
//! | slow parts | each seed weighs the steps anew, so that queues grow where they can | none starves for ever, or nothing could be promised of the end |
//! | the network | requests without answer are sent again; repeats; any order, but for systems that keep theirs | nobody forges |
//! | clocks | the wall jumps, also back; event clocks advance when they like | business time ends within the window in which stock does not depend on the order of arrival |
//! | an entity's code | panics on a record, until it is released without the record or with better code | one entity a seed |
//! | snapshots | the process dies at any step of taking one, the disk fails or is full at any step of publishing or removing one, files of the newest are damaged | what was published and synced stays until it is damaged, and damage shows in its hashes |
//! | the system of record | loses requests and answers, is busy, is asked twice, is slow | it knows a repeat by its action id |
//!
//! What is under control, and what is not:
//!
//! | thing | how |
//! | --- | --- |
//! | order of steps, time, wall clock, sizes of groups, batches, segments, number of shards | controlled: all from the seed |
//! | order within a shard's thread | constrained: actix takes messages in order; the seed says how far it gets between steps |
//! | order of hash tables | audited: equal seeds must leave equal traces |
//! | the journal's identity | audited: random (UUID), and no record may depend on it |
//! | reconcile budget | constrained: none or endless, as it is measured by the machine's clock |
//! | two threads at one time, memory order | out of scope: whole-process tests and loom |
//! | HTTP, sockets, the hub's queues | out of scope: `tests/feed_*`, `tests/http_*` |
//! | snapshots on the disk | constrained: `sled` writes real files, on a thread that moves while all others wait |
//!
//! `TIDEWATCH_SEEDS` says how many seeds (24), `TIDEWATCH_FIRST_SEED` where they begin (1); `TIDEWATCH_SEED` runs one. A
//! seed that fails is run again with fewer steps, and the end of its shortest trace is printed. `TIDEWATCH_TOTALS` names
//! a file to which a line of totals is added after every seed, for a run that may be stopped.

mod checks;
mod client;
pub(super) mod clock;
mod common;
mod decisions;
mod disk;
mod follower;
mod house;
mod mix;
pub(super) mod observe;
mod restart_tests;
mod scenario;
mod snapshots;
mod summary;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::summary::Summary;
use self::world::World;

/// Seeds of a usual test run.
const SEEDS: u64 = 24;

/// Runs one seed to its end, with as many steps under faults as it wants, or fewer.
fn run(seed: u64, steps_max: u64) -> Summary {
    let mut world = World::of(seed, steps_max);
    world.run();
    world.summary()
}

/// Fails as a seed fails, with as few steps under faults as a search by halves finds.
fn fail_soon(seed: u64) {
    trace::be_quiet(true);
    let fails = |steps_max| catch_unwind(AssertUnwindSafe(|| run(seed, steps_max))).is_err();
    let (mut passing, mut failing) = (0, world::STEPS_MAX);
    while failing - passing > 1 {
        let middle = passing.midpoint(failing);
        *(if fails(middle) { &mut failing } else { &mut passing }) = middle;
    }
    trace::be_quiet(false);
    eprintln!("seed {seed} fails with {failing} steps under faults:");
    run(seed, failing);
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn the_core_keeps_its_promises_under_any_mix_of_faults() {
    let seeds = match number("TIDEWATCH_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("TIDEWATCH_FIRST_SEED").unwrap_or(1);
            first..first + number("TIDEWATCH_SEEDS").unwrap_or(SEEDS)
        }
    };
    let mut totals: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in seeds {
        let twice = || [(); 2].map(|()| run(seed, u64::MAX));
        let Ok([summary, again]) = catch_unwind(AssertUnwindSafe(twice)) else {
            fail_soon(seed);
            panic!("seed {seed} failed, but does not with fewer steps under faults");
        };
        assert_eq!(summary.hash, again.hash, "seed {seed} took two ways");
        for (what, count) in summary.counts {
            *totals.entry(what).or_default() += count;
        }
        *totals.entry("seeds").or_default() += 1;
        if let Some(path) = std::env::var_os("TIDEWATCH_TOTALS") {
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            writeln!(file, "up to seed {seed}: {totals:?}; lost 0, repeated 0").unwrap();
        }
    }
    eprintln!("{totals:#?}");
    // A mix that never breaks anything would prove nothing.
    if totals["seeds"] >= SEEDS {
        let never: Vec<_> = totals.iter().filter(|(_, count)| **count == 0).collect();
        assert!(never.is_empty(), "no seed had: {never:?}");
    }
}
