//! `tidewatch config check`: reads a configuration as `serve` would.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Diagnostic as _;
use serde_json::{Value, json};

use super::EXIT_CONFIGURATION;
use crate::config::{Config, ConfigError, DEFAULT_FILE, Problem};

/// Check a configuration and change nothing
///
/// Every mistake is told with its line and what is allowed there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch config check
  tidewatch config check --config new.toml && tidewatch config plan --config new.toml

Exit codes:
  0  it is sound
  2  it is not, or can't be read")]
pub struct CheckArgs {
    /// The configuration; without it ./actors.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Each mistake with its place and what helps.
fn mistakes(error: &ConfigError) -> Vec<Value> {
    let ConfigError::Invalid { problems, .. } = error else { return Vec::new() };
    let told = |problem: &Problem| {
        json!({
            "key": problem.key(), "line": problem.line(), "column": problem.column(), "says": problem.to_string(),
            "help": problem.help().map(|help| help.to_string()),
        })
    };
    problems.iter().map(told).collect()
}

pub fn run(args: &CheckArgs) -> ExitCode {
    let file = args.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let checked = Config::load(args.config.as_deref());
    let (text, code) = match checked {
        Err(error) if args.json => {
            let told = json!({
                "file": file.display().to_string(), "is_sound": false, "error": error.to_string(),
                "mistakes": mistakes(&error),
            });
            (told.to_string(), ExitCode::from(EXIT_CONFIGURATION))
        }
        Err(error) => {
            eprintln!("{:?}", miette::Report::new(error));
            return ExitCode::from(EXIT_CONFIGURATION);
        }
        Ok(config) => {
            let hash = config.content_hash().map(|hash| hash.to_hex().to_string()).unwrap_or_default();
            let told = if args.json {
                json!({"file": file.display().to_string(), "is_sound": true, "hash": hash}).to_string()
            } else {
                format!("{} is sound (content {})", file.display(), &hash[..hash.len().min(12)])
            };
            (told, ExitCode::SUCCESS)
        }
    };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => code,
    }
}
