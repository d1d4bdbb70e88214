//! What happened, hashed step by step, with its end kept in words for whoever has to find out why it went wrong.

use std::cell::Cell;
use std::collections::VecDeque;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether traces of failures are kept to oneself.
pub fn be_quiet(quiet: bool) {
    QUIET.set(quiet);
}

/// Steps kept in words.
const TAIL_STEPS_MAX: usize = 60;

/// Everything that one run of a seed did.
pub struct Trace {
    seed: u64,
    hash: blake3::Hasher,
    pub steps: u64,
    tail: VecDeque<String>,
}

impl Trace {
    pub fn of(seed: u64) -> Trace {
        Trace { seed, hash: blake3::Hasher::new(), steps: 0, tail: VecDeque::new() }
    }

    /// Notes a step.
    pub fn step(&mut self, step: String) {
        self.hash.update(step.as_bytes());
        self.hash.update(b"\n");
        self.steps += 1;
        if self.tail.len() == TAIL_STEPS_MAX {
            self.tail.pop_front();
        }
        self.tail.push_back(step);
    }

    /// Notes bytes that nobody wants to read.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// Equal for equal runs.
    pub fn hash(&self) -> blake3::Hash {
        self.hash.finalize()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() && !QUIET.get() {
            let (seed, steps) = (self.seed, self.steps);
            eprintln!(
                "simulation, seed {seed}, {steps} steps; TIDEWATCH_SEED={seed} runs it again. The last steps:"
            );
            self.tail.iter().for_each(|step| eprintln!("  {step}"));
        }
    }
}
