//! `tidewatch watch`: the feed in a terminal.
//!
//! When the connection breaks, it comes back by itself and goes on where it was: nothing is left out or told twice.

mod line;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use reqwest::{StatusCode, Upgraded, Version};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::client::install_tls_provider;
use crate::feed::Topic;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A peer that vanished without a word is noticed by the system after that long.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Waits between attempts to come back; each is twice the one before.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// The one subscription.
const SUBSCRIPTION: &str = "watch";

/// Exit code for a wrong argument.
const EXIT_USAGE: u8 = 2;
/// Exit code when the server can't be reached at the start, or refuses.
const EXIT_SERVER: u8 = 3;

/// Show the feed of a running tower
///
/// One line for each event: when, what happened, how bad and how urgent, where, what it costs, until when it can be
/// helped, who has it. Begins with what is open now, or after the position of --since. Ends with Ctrl-C.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tidewatch watch
  tidewatch watch --url https://tower.example.com --key \"$KEY\" --topic exceptions,cases
  tidewatch watch --where 'severity in [\"high\", \"critical\"] && value_at_risk_amount > 1000'
  tidewatch watch --json | jq 'select(.type == \"event\")'

Exit codes:
  0  ended by Ctrl-C, or because nobody reads the output any more
  2  an argument is wrong, the condition of --where included
  3  the server cannot be reached at the start, or refuses")]
pub struct WatchArgs {
    /// Address of the tower
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// API key; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// exceptions, cases, sku_locations, suppliers, stats; can be given more than once
    #[arg(long = "topic", value_name = "TOPIC,…", value_delimiter = ',', default_value = "exceptions",
          value_parser = parse_topic)]
    pub topics: Vec<Topic>,
    /// Only items for which this condition holds (docs/feed.md, Filters)
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// Go on after this position, as an earlier frame or answer named it
    #[arg(long, value_name = "POSITION")]
    pub since: Option<String>,
    /// Print the frames as they come, one a line
    #[arg(long)]
    pub json: bool,
}

fn parse_topic(text: &str) -> Result<Topic, String> {
    let known = Topic::ALL.iter().find(|topic| topic.as_str() == text).copied();
    known.ok_or_else(|| {
        let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.as_str()).collect();
        format!("a topic is one of {}", names.join(", "))
    })
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("`{0}` is not an http:// or https:// address")]
    Address(String),
    #[error("the server refuses: {0}")]
    Refused(String),
    #[error("--where can't be used: {0}")]
    Filter(String),
    #[error("{0}")]
    Unreachable(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("nobody reads the output")]
    Output(#[from] io::Error),
}

/// Watches until Ctrl-C, which ends the process.
pub async fn run(args: WatchArgs) -> ExitCode {
    // Not a branch beside the watching: a terminal that is paused, or a pager, holds up the write of a line, and
    // Ctrl-C must work then too.
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(0);
        }
    });
    watch(args).await
}

async fn watch(args: WatchArgs) -> ExitCode {
    let mut watcher = match Watcher::new(args) {
        Ok(watcher) => watcher,
        Err(failure) => return failed(&failure, EXIT_USAGE),
    };
    let mut wait = WAIT_MIN;
    let mut was_connected = false;
    loop {
        let failure = match watcher.connect().await {
            Ok(socket) => {
                if was_connected {
                    eprintln!("connected again");
                }
                was_connected = true;
                wait = WAIT_MIN;
                watcher.follow(socket).await
            }
            Err(failure) => failure,
        };
        match failure {
            Failure::Output(_) => return ExitCode::SUCCESS,
            Failure::Filter(_) => return failed(&failure, EXIT_USAGE),
            Failure::Refused(_) | Failure::Address(_) => return failed(&failure, EXIT_SERVER),
            Failure::Unreachable(_) if !was_connected => return failed(&failure, EXIT_SERVER),
            Failure::Unreachable(_) | Failure::Broken(_) => {
                eprintln!("{failure}; trying again in {} ms", wait.as_millis());
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

fn failed(failure: &Failure, code: u8) -> ExitCode {
    eprintln!("tidewatch watch: {failure}");
    ExitCode::from(code)
}

struct Watcher {
    args: WatchArgs,
    http: reqwest::Client,
    address: String,
    progress: Progress,
}

impl Watcher {
    fn new(args: WatchArgs) -> Result<Watcher, Failure> {
        install_tls_provider();
        let base = args.url.trim_end_matches('/');
        let address = format!("{base}/api/v1/feed");
        let parsed = reqwest::Url::parse(&address).map_err(|_| Failure::Address(args.url.clone()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(Failure::Address(args.url.clone()));
        }
        let http = reqwest::Client::builder()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEP_ALIVE)
            .build()
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        let progress = Progress::new(&args.topics, args.since.clone());
        Ok(Watcher { args, http, address, progress })
    }

    async fn connect(&self) -> Result<WebSocketStream<Upgraded>, Failure> {
        let key = generate_key();
        let mut request = self
            .http
            .get(&self.address)
            .version(Version::HTTP_11)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header(SEC_WEBSOCKET_PROTOCOL, "tidewatch.v1");
        if let Some(key) = &self.args.key {
            request = request.bearer_auth(key);
        }
        let unreachable = |error: reqwest::Error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            Failure::Unreachable(format!("{} cannot be reached: {cause}", self.args.url))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let problem: Value = response.json().await.unwrap_or_default();
            let text = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("it is no tower");
            let text = format!("{status}: {text}");
            let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(if may_pass { Failure::Unreachable(text) } else { Failure::Refused(text) });
        }
        let accepted = response
            .headers()
            .get(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|accept| accept.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes());
        if !accepted {
            return Err(Failure::Refused("it does not speak WebSocket".to_owned()));
        }
        let upgraded = response.upgrade().await.map_err(unreachable)?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }

    /// Shows what comes, until the connection ends.
    async fn follow(&mut self, mut socket: WebSocketStream<Upgraded>) -> Failure {
        let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
        let mut subscribe = json!({"type": "subscribe", "id": SUBSCRIPTION, "snapshot": true});
        let names: Vec<&str> = self.args.topics.iter().map(|topic| topic.as_str()).collect();
        subscribe["topics"] = json!(names);
        subscribe["since"] = json!(self.progress.position);
        subscribe["where"] = json!(self.args.filter);
        if let Err(error) = socket.send(Message::text(subscribe.to_string())).await {
            return broken(&error);
        }
        while let Some(message) = socket.next().await {
            let text = match message {
                Ok(Message::Text(text)) => text,
                Ok(Message::Close(frame)) => {
                    let told =
                        frame.map(|frame| format!("closed with {} {}", u16::from(frame.code), frame.reason));
                    return Failure::Broken(told.unwrap_or_else(|| "closed".to_owned()));
                }
                Ok(_) => continue,
                Err(error) => return broken(&error),
            };
            // A message is one frame or an array of them.
            let frames = if text.starts_with('[') {
                serde_json::from_str(&text)
            } else {
                serde_json::from_str(&text).map(|frame| vec![frame])
            };
            let frames: Vec<&RawValue> = match frames {
                Ok(frames) => frames,
                Err(error) => return broken(&error),
            };
            for raw in frames {
                let frame: Value = match serde_json::from_str(raw.get()) {
                    Ok(frame) => frame,
                    Err(error) => return broken(&error),
                };
                self.progress.take(&frame);
                if frame["code"] != "bad_filter"
                    && let Err(error) = self.show(&frame, raw)
                {
                    return error.into();
                }
                if frame["code"] == "bad_filter" {
                    return Failure::Filter(self.underlined(&frame));
                }
                if frame["type"] == "error" {
                    return Failure::Refused(frame["detail"].as_str().unwrap_or_default().to_owned());
                }
                if frame["type"] == "ping"
                    && let Err(error) = socket.send(Message::text(r#"{"type":"pong"}"#)).await
                {
                    return broken(&error);
                }
            }
        }
        Failure::Broken("the server is gone".to_owned())
    }

    /// What is wrong with the condition, with the line that it is in and its place there.
    fn underlined(&self, error: &Value) -> String {
        let place = &error["where"];
        let number = |name: &str| place[name].as_u64().map_or(1, |number| number.max(1) as usize);
        let (line, column) = (number("line"), number("column"));
        let source = self.args.filter.as_deref().unwrap_or_default();
        let shown = source.lines().nth(line - 1).unwrap_or_default();
        format!("{}\n  {shown}\n  {:>column$}", place["detail"].as_str().unwrap_or("not a condition"), "^")
    }

    fn show(&self, frame: &Value, raw: &RawValue) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.args.json {
            writeln!(out, "{}", raw.get())?;
        } else {
            if frame["type"] == "subscribed" && frame["recovered"] == false {
                eprintln!("the position is not known to this tower: showing everything that is open now");
            }
            for line in line::lines(frame) {
                writeln!(out, "{line}")?;
            }
        }
        out.flush()
    }
}

/// From where to go on after a break.
#[derive(Debug)]
struct Progress {
    /// Everything up to here was shown.
    position: Option<String>,
    /// Whose last snapshot page must have come before a position means that.
    last_snapshot: Option<Topic>,
    is_complete: bool,
}

impl Progress {
    fn new(topics: &[Topic], since: Option<String>) -> Progress {
        let last_snapshot = topics.iter().copied().filter(|topic| topic.is_gapless()).max();
        Progress { position: since, last_snapshot, is_complete: false }
    }

    fn take(&mut self, frame: &Value) {
        let is_complete = match frame["type"].as_str() {
            Some("subscribed") => {
                // Continued: nothing is missing. Otherwise a snapshot follows, and a part of it is worth nothing.
                self.is_complete =
                    self.last_snapshot.is_none() || (self.position.is_some() && frame["recovered"] == true);
                if !self.is_complete {
                    self.position = None;
                }
                self.is_complete
            }
            Some("snapshot") => {
                let is_last = frame["last"] == true
                    && self.last_snapshot.is_some_and(|topic| frame["topic"] == topic.as_str());
                self.is_complete |= is_last;
                is_last
            }
            Some("event" | "ping") => self.is_complete,
            _ => false,
        };
        if is_complete && let Some(position) = frame["position"].as_str() {
            self.position = Some(position.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position_after(since: Option<&str>, frames: &[Value]) -> Option<String> {
        let mut progress = Progress::new(&[Topic::Exceptions, Topic::Stats], since.map(str::to_owned));
        for frame in frames {
            progress.take(frame);
        }
        progress.position
    }

    #[test]
    fn a_position_counts_only_once_the_snapshot_is_whole() {
        let subscribed = json!({"type": "subscribed", "recovered": true, "position": "e-5"});
        let page =
            |last: bool| json!({"type": "snapshot", "topic": "exceptions", "last": last, "position": "e-5"});
        let ping = json!({"type": "ping", "position": "e-6"});
        let event = json!({"type": "event", "position": "e-7"});
        assert_eq!(position_after(None, &[subscribed.clone(), page(false), ping.clone()]), None);
        let whole = [subscribed.clone(), page(false), page(true)];
        assert_eq!(position_after(None, &whole).as_deref(), Some("e-5"));
        let further = [subscribed, page(true), ping, event];
        assert_eq!(position_after(None, &further).as_deref(), Some("e-7"));
    }

    #[test]
    fn a_continued_subscription_needs_no_snapshot_and_a_lost_one_does() {
        let ping = json!({"type": "ping", "position": "e-9"});
        let continued = json!({"type": "subscribed", "recovered": true, "position": "e-5"});
        assert_eq!(position_after(Some("e-5"), &[continued, ping.clone()]).as_deref(), Some("e-9"));
        let lost = json!({"type": "subscribed", "recovered": false, "position": "f-8"});
        assert_eq!(position_after(Some("e-5"), &[lost, ping]), None);
    }
}
