//! How the bench says what it is doing: a bar on a terminal, a plain line otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const SPINNER_INTERVAL: Duration = Duration::from_millis(100);

/// Progress on standard error, or none.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    quiet: bool,
}

impl Progress {
    pub fn new(quiet: bool) -> Progress {
        Progress { quiet }
    }

    /// A phase whose length will be known.
    pub fn phase(self, name: &str) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        if !std::io::stderr().is_terminal() {
            eprintln!("{name}");
            return ProgressBar::hidden();
        }
        styled(ProgressBar::new(0), "{wide_bar} {msg} [{elapsed}]", name)
    }

    /// A wait of unknown length.
    pub fn waiting(self, name: &str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = styled(ProgressBar::new_spinner(), "{spinner} {msg} [{elapsed}]", name);
        bar.enable_steady_tick(SPINNER_INTERVAL);
        bar
    }
}

fn styled(bar: ProgressBar, template: &str, name: &str) -> ProgressBar {
    // A template that does not parse costs the decoration, not the measurement.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    bar
}
