//! Profiles one after another, and what becomes of their reports.

use std::io::IsTerminal;
use std::process::ExitCode;

use super::profile::Profile;
use super::progress::Progress;
use super::trial::TrialOptions;
use super::written::Written;
use super::{BenchError, html, profile_report, report, trial};

/// Feed clients that drop at once, unless it is said how many.
const CLIENTS: u16 = 100;
/// Those that read too slowly.
const SLOW_CLIENTS: u16 = 20;

/// Runs profiles one after another, each on a tower of its own unless there is one already, and tells each as it ends.
///
/// # Errors
/// The first error of any of them, or if a result can't be written.
pub async fn run(
    profiles: &[Profile],
    options: TrialOptions,
    clients: Option<u16>,
    repeat: u16,
    (written, is_json): (Written, bool),
    progress: Progress,
) -> Result<ExitCode, BenchError> {
    written.check("profiles")?;
    let with_charts = std::io::stdout().is_terminal();
    let mut reports = Vec::new();
    for _ in 0..repeat {
        for profile in profiles {
            let usual = match profile {
                Profile::SlowConsumers => SLOW_CLIENTS,
                _ => CLIENTS,
            };
            let clients = usize::from(clients.unwrap_or(usual));
            let options = TrialOptions { profile: *profile, clients, ..options.clone() };
            let report = trial::run(&options, progress).await?;
            if !is_json {
                report::print(&profile_report::text(&report, with_charts))?;
            }
            reports.push(report);
        }
    }
    written.write("profiles", &profile_report::markdown(&reports), || html::profiles(&reports))?;
    if is_json {
        // One run of one profile is an object, as with every other load.
        let text = match reports.as_slice() {
            [report] => report::json(report)?,
            reports => report::json(&serde_json::json!({ "runs": reports }))?,
        };
        report::print(&text)?;
    }
    let is_sound = reports.iter().all(|report| report.failures.is_empty());
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
