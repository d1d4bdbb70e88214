//! `tidewatch outbox`: lets approved actions go on after a backup was restored.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, ClientError, Patience};

/// Look after the outbox of a running tower
#[derive(Debug, Args)]
pub struct OutboxCommand {
    #[command(subcommand)]
    action: OutboxAction,
}

#[derive(Debug, Subcommand)]
enum OutboxAction {
    /// Let approved actions go on that wait since a backup was restored
    ///
    /// First compare them with the systems of record: what was approved when the backup was made may have been
    /// delivered since. What has already been done is withdrawn (`POST /api/v1/actions/{id}/withdraw`) before this.
    Release(ReleaseArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  the outbox is not held any more
  1  the server refuses
  3  it cannot be reached")]
struct ReleaseArgs {
    /// Address of the tower
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// API key of an administrator; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

const EXIT_SERVER: u8 = 3;

/// Asks and prints.
///
/// # Errors
/// None: what goes wrong is said on standard error.
pub async fn run(command: OutboxCommand) -> miette::Result<ExitCode> {
    let OutboxAction::Release(args) = command.action;
    let answer = match release(&args).await {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("tidewatch outbox release: {error}");
            return Ok(ExitCode::from(EXIT_SERVER));
        }
    };
    let (is_success, answer) = answer;
    if !is_success {
        let detail = answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("no reason given");
        eprintln!("tidewatch outbox release: the server refuses: {detail}");
        return Ok(ExitCode::FAILURE);
    }
    let text = match (args.json, answer["released"] == json!(true)) {
        (true, _) => answer.to_string(),
        (false, true) => "released: approved actions are delivered again".to_owned(),
        (false, false) => "the outbox was not held".to_owned(),
    };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("tidewatch outbox release: can't print: {error}");
            Ok(ExitCode::FAILURE)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

async fn release(args: &ReleaseArgs) -> Result<(bool, Value), ClientError> {
    let client = Client::new(&args.url, args.key.clone(), Patience::default())?;
    let (status, answer) = client.post_json("/api/v1/outbox/release", None, &json!({})).await?;
    Ok((status.is_success(), answer))
}
