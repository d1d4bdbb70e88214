//! How a long command says how far it is: a bar on a terminal, a plain line now and then otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two plain lines when there is no terminal.
const PLAIN_LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress towards a known total, shown on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    unit: &'static str,
    quiet: bool,
    last_line: Instant,
}

impl Progress {
    /// `unit` is what is counted, in the plural: "rows", "bytes". `quiet` shows nothing at all.
    pub fn new(total: u64, unit: &'static str, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total);
            let template = "{wide_bar} {human_pos}/{human_len} {msg} [{elapsed} < {eta}]";
            // A template that does not parse costs the decoration, not the command.
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_message(unit);
            bar
        });
        Self { bar, total, unit, quiet, last_line: Instant::now() }
    }

    /// Sets the position to `done` units; `note` (a date, say) stands beside it.
    pub fn set(&mut self, done: u64, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if !note.is_empty() {
                bar.set_message(format!("{} {note}", self.unit));
            }
        } else if !self.quiet && self.last_line.elapsed() >= PLAIN_LINE_INTERVAL {
            self.last_line = Instant::now();
            let percent = done.saturating_mul(100) / self.total.max(1);
            eprintln!("{done} of {} {} ({percent} %) {note}", self.total, self.unit);
        }
    }

    /// Takes the bar off the screen so that what follows starts on a clean line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
