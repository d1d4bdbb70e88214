//! `tidewatch config`: whether a configuration is sound, and what another one would do.

mod check;
mod difference;
mod plan;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Check a configuration, or see what another one would do
#[derive(Debug, Args)]
pub struct ConfigCommand {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
}

/// Exit code for a wrong configuration, as `serve` has it.
const EXIT_CONFIGURATION: u8 = 2;

/// Runs the command.
#[must_use]
pub fn run(command: &ConfigCommand) -> ExitCode {
    match &command.action {
        ConfigAction::Check(args) => check::run(args),
        ConfigAction::Plan(args) => plan::run(args),
    }
}
