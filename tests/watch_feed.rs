//! `tidewatch watch` beside a running tower: what it shows, what it lets through, and where it goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::{Batch, Client, Tower};
use serde_json::{Value, json};

const LINE_MAX: Duration = Duration::from_secs(20);

/// A `tidewatch watch` whose lines are read as they come.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

fn command(tower: &Tower, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.args(["watch", "--url", &format!("http://{}", tower.http().address)]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Watch {
    fn start(tower: &Tower, arguments: &[&str]) -> Watch {
        let mut child = command(tower, arguments).spawn().expect("watch starts");
        let stdout = child.stdout.take().expect("its output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Watch { child, lines }
    }

    /// The lines up to the first that contains `text`.
    #[track_caller]
    fn until(&self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(LINE_MAX) {
            let found = line.contains(text);
            seen.push(line);
            if found {
                return seen;
            }
        }
        panic!("no line with `{text}` came: {seen:#?}")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(tower: &Tower, arguments: &[&str]) -> Output {
    command(tower, arguments).output().expect("watch runs")
}

fn order(client: &Client, sku: &str, location: &str) -> Value {
    let mut batch = Batch::new(&format!("order-{sku}-{location}"));
    batch.add(
        "order.placed",
        json!({"order_id": sku, "line_id": "1", "sku": sku, "location": location, "quantity": 5}),
    );
    let accepted = client.accept(&batch.take());
    let lsn = accepted["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    accepted
}

fn plenty(client: &Client, sku: &str, location: &str) {
    let mut batch = Batch::new(&format!("plenty-{sku}-{location}"));
    batch.add("inventory.counted", json!({"sku": sku, "location": location, "on_hand": 1_000}));
    client.accept(&batch.take());
}

#[test]
fn watch_shows_what_is_asked_for() {
    let tower = Tower::dev();
    let client = tower.http();
    order(&client, "open-before", "L1");

    // What is open, then what happens; only what matches, and once what no longer does.
    let filter = "type == 'shortage_now' && subject.location == 'L1' && state == 'open'";
    let watch = Watch::start(&tower, &["--where", filter]);
    let line = watch.until("open-before @ L1").pop().unwrap();
    for part in ["is open", "shortage_now"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    order(&client, "elsewhere", "L2");
    let accepted = order(&client, "opened", "L1");
    assert!(watch.until("opened @ L1").iter().all(|line| !line.contains("elsewhere")));
    plenty(&client, "opened", "L1");
    let gone = watch.until("no longer matches").pop().unwrap();
    assert!(gone.contains("opened @ L1") && gone.contains("cleared"), "{gone}");

    // Frames as they come, after a position.
    let since = accepted["position"].as_str().unwrap();
    let frames = Watch::start(&tower, &["--json", "--since", since, "--where", "subject.sku == 'opened'"]);
    let told = frames.until("exception.cleared");
    let told: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((&told[0]["type"], &told[1]["type"]), (&json!("hello"), &json!("subscribed")));
    assert_eq!(told[1]["recovered"], true);
    let events: Vec<&Value> = told.iter().filter(|frame| frame["type"] == "event").collect();
    assert!(events.iter().all(|event| event["item"]["subject"]["sku"] == "opened"), "{events:#?}");

    // Several topics, given once or more often.
    let topics = Watch::start(&tower, &["--topic", "cases,sku_locations", "--topic", "stats"]);
    assert!(topics.until("open-before @ L1").pop().unwrap().contains("on_hand"));
    topics.until("exceptions_open");
}

#[test]
fn a_wrong_condition_is_shown_with_its_place() {
    let tower = Tower::dev();
    let wrong = run(&tower, &["--where", "urgency > 5 && severty == 'high'"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    assert!(told.contains("there is no severty here"), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    let at = lines.iter().position(|line| line.contains("severty ==")).expect("the condition");
    assert_eq!(lines[at].find("severty"), lines[at + 1].find('^'), "{told}");
    assert!(wrong.stdout.is_empty(), "{}", String::from_utf8_lossy(&wrong.stdout));
    assert_eq!(run(&tower, &["--topic", "weather"]).status.code(), Some(2));
}
