//! `tidewatch bench --profile` as a program: against a tower that stands still for a while, and against real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the server stands still.
const STALL: Duration = Duration::from_secs(2);
/// Sales, after which it does. The load has 200 a second.
const STALL_AFTER_REQUESTS: u64 = 300;

/// A tower as far as the bench needs one: it takes every event at once, shows no feed and no statistics, and answers
/// nobody for two seconds after a number of sales.
struct StallingTower {
    requests: AtomicU64,
    refused: AtomicU64,
    /// Held by whoever answers.
    answering: Mutex<()>,
}

impl StallingTower {
    fn start() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tower: &'static StallingTower = Box::leak(Box::new(StallingTower {
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            answering: Mutex::new(()),
        }));
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || tower.serve(stream.unwrap()));
            }
        });
        address
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut received = Vec::new();
        let mut piece = [0; 16_384];
        loop {
            while let Some((head, request)) = take_request(&mut received) {
                let answer = self.answer(&head, &request);
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            match stream.read(&mut piece) {
                Ok(bytes @ 1..) => received.extend_from_slice(&piece[..bytes]),
                _ => return,
            }
        }
    }

    fn answer(&self, head: &str, body: &str) -> String {
        if head.starts_with("GET /api/v1/stats") {
            return answer("200 OK", "", "{}");
        }
        if !head.starts_with("POST") {
            return answer("404 Not Found", "", "{}");
        }
        let is_single = !body.starts_with('[');
        {
            let _guard = self.answering.lock().unwrap();
            // What comes before the load comes in batches.
            if is_single && self.requests.fetch_add(1, Ordering::SeqCst) + 1 == STALL_AFTER_REQUESTS {
                thread::sleep(STALL);
            }
        }
        if is_single
            && self.requests.load(Ordering::SeqCst) > 50
            && self.refused.fetch_add(1, Ordering::SeqCst) == 0
        {
            return answer("429 Too Many Requests", "Retry-After: 1\r\n", r#"{"code":"busy"}"#);
        }
        let events = body.matches("\"specversion\"").count();
        let counts = format!(r#"{{"accepted":{events},"duplicates":0,"rejected":0,"lsn":9,"errors":[]}}"#);
        answer("202 Accepted", "", &counts)
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// The first whole request, if there is one: its head and its body.
fn take_request(received: &mut Vec<u8>) -> Option<(String, String)> {
    let head_bytes = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(received[..head_bytes].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let body_bytes: usize = length.map_or(0, |length| length.parse().unwrap());
    if received.len() < head_bytes + body_bytes {
        return None;
    }
    let request: Vec<u8> = received.drain(..head_bytes + body_bytes).collect();
    Some((head, String::from_utf8(request[head_bytes..].to_vec()).unwrap()))
}

/// Runs the bench over few SKU-locations with these arguments too.
fn bench(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["bench", "--keys", "200", "--connections", "16", "--data"])
        .arg(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn report(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {complaint} {text}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text} {complaint}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_tower_that_stands_still_shows_in_every_request_that_was_due() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://{}", StallingTower::start());
    let html = directory.path().join("report.html");
    let output = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["bench", "--profile", "steady", "--against", &url, "--keys", "200", "--connections", "16"])
        .args(["--rate", "200", "--duration", "4s", "--json", "--html"])
        .arg(&html)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = report(&output);
    // All that was due was sent, though nobody answered for half of the time.
    assert_eq!(report["requests_due"], 800);
    assert_eq!(report["requests_answered"], 800);
    let stalls = &report["stalls"];
    assert!(number(&stalls["longest_s"]) >= 1.9, "{stalls}");
    // 400 of 800 requests were due in the stall: the 80th slowest waited for more than 1.5 s, and the slowest one of
    // 1,000 for all of it. Counted from when they were sent, 16 would have waited and 784 would not.
    let latency = &report["latency"];
    assert!(number(&latency["p999_ms"]) >= 1_900.0, "{latency}");
    assert!(number(&latency["p99_ms"]) >= 1_900.0, "{latency}");
    assert!(number(&latency["p50_ms"]) < 1_900.0, "{latency}");
    // Where it stood still, over time too.
    let intervals = report["intervals"].as_array().unwrap();
    let silent =
        intervals.iter().filter(|interval| number(&interval["answered_events_per_s"]) == 0.0).count();
    assert!(number(&stalls["named"][0]["length_s"]) >= 1.9 && silent >= 15, "{silent} {stalls}");
    // The refusal was waited for as long as it said.
    assert_eq!((&report["refused"], number(&report["refused_wait_s"])), (&Value::from(1), 1.0));
    // Nothing is known of what another's tower does not show.
    for unknown in ["server", "feed", "fdatasync", "journal"] {
        assert!(report[unknown].is_null(), "{unknown}: {}", report[unknown]);
    }
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.contains("class=\"stall\"") && page.contains("<polyline"), "{page}");
    for outside in ["<script", "https:", "<link", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_is_sent_twice_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.md");
    std::fs::write(&page, "before\n<!-- generated: profiles -->\n<!-- end: profiles -->\nafter\n").unwrap();
    let output = bench(
        directory.path(),
        &[
            "--profile",
            "duplicates",
            "--rate",
            "150",
            "--duration",
            "4",
            "--batch",
            "3",
            "--json",
            "--into",
            page.to_str().unwrap(),
        ],
    );
    let report = report(&output);
    let events = &report["events"];
    let (accepted, repeated) = (events["accepted"].as_u64().unwrap(), events["repeated"].as_u64().unwrap());
    assert_eq!(accepted + repeated, 600, "{events}");
    // A fifth of 200 requests of three events, give or take four standard deviations.
    assert!((51..=189).contains(&repeated) && repeated % 3 == 0, "{events}");
    let counted = &events["counted_by_the_tower"];
    let probes = report["feed"]["sent"].as_u64().unwrap();
    assert_eq!(counted["accepted"].as_u64().unwrap(), accepted + probes, "{events}");
    assert_eq!(counted["rejected"], 0);
    if report["refused"] == 0 {
        assert_eq!(counted["duplicates"].as_u64().unwrap(), repeated, "{events}");
    }
    assert_eq!(report["feed"]["seen"].as_u64().unwrap(), probes, "each is seen on the feed");
    assert!(
        number(&report["server"]["resident_bytes_most"]) > 1e6
            && number(&report["fdatasync"]["p99_ms"]) > 0.0
    );
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with("before\n<!--") && page.ends_with("-->\nafter\n") && page.contains("| duplicates |")
    );
}

#[test]
fn clients_that_drop_all_at_once_come_back_without_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let output = bench(
        directory.path(),
        &["--profile", "reconnect-storm", "--rate", "100", "--duration", "5", "--clients", "25", "--json"],
    );
    let report = report(&output);
    let crowd = &report["crowd"];
    assert!(number(&crowd["events_fewest"]) > 0.0, "{crowd}");
    assert_eq!((&crowd["events_fewest"], &crowd["same_events"]), (&crowd["events_most"], &Value::from(true)));
    let storms = crowd["storms"].as_array().unwrap();
    assert_eq!(storms.len(), 2, "{crowd} after {:?}", started.elapsed());
    for storm in storms {
        assert_eq!(storm["not_recovered"], 0, "{storm}");
        assert!(number(&storm["back"]["max_ms"]) > 0.0, "{storm}");
    }
}
