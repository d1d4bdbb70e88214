//! `tidewatch replay` against a small server that keeps the contract of `POST /api/v1/events`, and breaks it on demand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidewatch::cli::client::{Client, ClientError, EventLines, Patience, Tally};
use tidewatch::cli::pace::Speed;
use tidewatch::cli::replay::{ReplayArgs, Report, RowError, Stopped, replay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Mood {
    Good,
    /// Takes this many lines, then says 429.
    BusyAfter(usize),
    /// Says 503 as a proxy would, without counts.
    BusyProxy,
    /// Hangs up without reading on.
    HangsUp,
    /// Takes everything and hangs up without an answer.
    HangsUpAfterTaking,
    /// Answers 502 after taking everything.
    BadGateway,
    Forbids,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<(String, String)>,
    /// Events in the order in which they were taken.
    events: Vec<Value>,
    requests: usize,
    keys: HashSet<String>,
}

/// Largest event the server takes, in bytes; anything larger makes its request 413.
const EVENT_BYTES_MAX: usize = 1000;

/// Starts a server whose requests meet these moods, in turn, and good ones after them.
async fn server(moods: &[Mood]) -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, moods) = (Arc::new(Mutex::new(Seen::default())), moods.to_vec());
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, Arc::clone(&shared), moods.clone()));
        }
    });
    (url, seen)
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>, moods: Vec<Mood>) {
    while let Some((head, body)) = request(&mut stream).await {
        let answer = {
            let mut seen = seen.lock().unwrap();
            let mood = moods.get(seen.requests).copied().unwrap_or(Mood::Good);
            seen.requests += 1;
            assert!(head.starts_with("POST /api/v1/events HTTP/1.1\r\n"), "{head}");
            assert!(head.contains("content-type: application/x-ndjson\r\n"), "{head}");
            let key = head.lines().find_map(|line| line.strip_prefix("authorization: "));
            seen.keys.extend(key.map(str::to_owned));
            answer(&mut seen, &body, mood)
        };
        let Some((status, mut body)) = answer else { return };
        if body.is_object() {
            body["detail"] = json!("as asked");
        }
        let body = if body.is_null() { "<html>".to_owned() } else { body.to_string() };
        let answer =
            format!("HTTP/1.1 {status} X\r\nretry-after: 0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            let mut body = bytes[end + 4..].to_vec();
            let have = body.len();
            body.resize(length, 0);
            stream.read_exact(&mut body[have..]).await.ok()?;
            return Some((head, body));
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Status and body, or nothing for a connection that breaks. A null body is no JSON.
fn answer(seen: &mut Seen, body: &[u8], mood: Mood) -> Option<(u16, Value)> {
    let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let take = match mood {
        Mood::HangsUp => return None,
        Mood::BusyProxy => return Some((503, Value::Null)),
        Mood::Forbids => return Some((403, json!({"code": "forbidden"}))),
        Mood::BusyAfter(lines) => lines,
        _ => lines.len(),
    };
    let (mut accepted, mut duplicates, mut rejected, mut errors) = (0, 0, 0, Vec::new());
    for (index, line) in lines.iter().take(take).enumerate() {
        if line.len() > EVENT_BYTES_MAX {
            return Some((
                413,
                json!({"code": "too_large", "processed": index, "accepted": accepted,
                       "duplicates": duplicates, "rejected": rejected, "errors": errors}),
            ));
        }
        let event = serde_json::from_slice::<Value>(line).unwrap_or_default();
        let attribute = |name: &str| event[name].as_str().map(str::to_owned);
        match (attribute("source"), attribute("id"), attribute("type")) {
            (Some(source), Some(id), Some(_)) => {
                if seen.ids.insert((source, id)) {
                    seen.events.push(event);
                    accepted += 1;
                } else {
                    duplicates += 1;
                }
            }
            _ => {
                rejected += 1;
                errors.push(json!({"index": index, "problem": {"code": "invalid", "detail": null}}));
            }
        }
    }
    let counts = json!({"accepted": accepted, "duplicates": duplicates, "rejected": rejected,
                        "lsn": seen.events.len(), "position": "p", "errors": errors, "processed": take,
                        "code": "busy"});
    match mood {
        Mood::HangsUpAfterTaking => None,
        Mood::BadGateway => Some((502, Value::Null)),
        Mood::BusyAfter(_) => Some((429, counts)),
        _ if accepted + duplicates == 0 => Some((422, counts)),
        _ => Some((202, counts)),
    }
}

struct File {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn file(name: &str, content: &str) -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    File { _directory: directory, path }
}

fn args(file: &File, to: &str) -> ReplayArgs {
    let key = Some("secret".to_owned());
    ReplayArgs { file: file.path.clone(), to: to.to_owned(), key, speed: Speed::Max, batch: 4, json: true }
}

/// Sends sales 0 to 9 past these moods, in batches of 4: each must be taken once and in order.
async fn check_ten_rows(moods: &[Mood], accepted: u64, duplicates: u64) -> Report {
    let rows: String = (0..10).map(|sale| format!("pos.sale,{sale},berlin,1\n")).collect();
    let sales = file("sales.csv", &format!("type,sku,location,quantity\n{rows}"));
    let (url, seen) = server(moods).await;
    let report = replay(&args(&sales, &url)).await.unwrap();
    assert_eq!(
        (report.rows, report.accepted, report.duplicates, report.rejected),
        (10, accepted, duplicates, 0)
    );
    assert!(report.adds_up());
    assert_eq!(report.exit_code(), 0);
    let seen = seen.lock().unwrap();
    let skus: Vec<_> = seen.events.iter().map(|event| event["data"]["sku"].as_str().unwrap()).collect();
    assert_eq!(skus, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(seen.keys, HashSet::from(["Bearer secret".to_owned()]));
    report
}

#[tokio::test]
async fn a_good_server_takes_every_row() {
    let report = check_ten_rows(&[], 10, 0).await;
    assert_eq!(report.lsn, Some(10));
}

#[tokio::test]
async fn what_a_busy_server_took_is_not_sent_again() {
    check_ten_rows(&[Mood::BusyAfter(0), Mood::BusyAfter(3), Mood::Good, Mood::BusyAfter(1)], 10, 0).await;
    check_ten_rows(&[Mood::BusyProxy, Mood::BusyProxy], 10, 0).await;
}

#[tokio::test]
async fn a_lost_answer_counts_nothing_twice() {
    check_ten_rows(&[Mood::HangsUp, Mood::Good, Mood::HangsUp], 10, 0).await;
    check_ten_rows(&[Mood::HangsUpAfterTaking], 6, 4).await;
    check_ten_rows(&[Mood::Good, Mood::BadGateway], 6, 4).await;
}

#[tokio::test]
async fn a_second_replay_is_all_duplicates() {
    let sales = file("sales.ndjson", "{\"type\":\"a\"}\n\n{\"type\":\"b\",\"id\":\"own\"}\n");
    let (url, _) = server(&[]).await;
    let first = replay(&args(&sales, &url)).await.unwrap();
    let second = replay(&args(&sales, &url)).await.unwrap();
    assert_eq!((first.accepted, first.duplicates), (2, 0));
    assert_eq!((second.accepted, second.duplicates, second.exit_code()), (0, 2, 0));
}

#[tokio::test]
async fn bad_rows_are_named_by_their_lines() {
    let big = format!("{{\"type\":\"big\",\"data\":\"{}\"}}", "x".repeat(EVENT_BYTES_MAX));
    let mixed = file(
        "mixed.ndjson",
        &["{\"type\":\"a\"}", "", "oops", "{}", &big, "{\"type\":\"b\"}", "{\"type\":\"c\"}"].join("\n"),
    );
    let (url, _) = server(&[]).await;
    let report = replay(&args(&mixed, &url)).await.unwrap();
    assert_eq!((report.rows, report.accepted, report.rejected, report.exit_code()), (6, 3, 3, 1));
    let lines: Vec<_> =
        report.errors.iter().map(|RowError { line, code, .. }| (*line, code.as_str())).collect();
    assert_eq!(lines, [(3, "invalid"), (4, "invalid"), (5, "too_large")]);

    let ragged = file("ragged.csv", "type,sku\npos.sale,a\npos.sale\npos.sale,b\n");
    let report = replay(&args(&ragged, &url)).await.unwrap();
    assert_eq!((report.rows, report.accepted, report.rejected, report.exit_code()), (3, 2, 1, 1));
    assert_eq!(report.errors[0].line, 3);
}

#[tokio::test]
async fn a_refusal_stops_at_once_and_says_what_was_taken() {
    let rows = "{\"type\":\"a\"}\n".repeat(6);
    let (url, seen) = server(&[Mood::Good, Mood::Forbids]).await;
    let report = replay(&args(&file("a.ndjson", &rows), &url)).await.unwrap();
    assert!(matches!(&report.stopped, Some(Stopped::Server(cause)) if cause.contains("403")), "{report:?}");
    assert_eq!((report.accepted, report.exit_code()), (4, 3));
    assert_eq!(seen.lock().unwrap().requests, 2);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_said_and_what_came_before_is_sent() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all("{\"type\":\"a\"}\n".repeat(20).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let broken = file("a.ndjson.gz", "");
    std::fs::write(&broken.path, &whole[..whole.len() - 20]).unwrap();
    let (url, _) = server(&[]).await;
    let report = replay(&args(&broken, &url)).await.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::File(_))), "{report:?}");
    assert_eq!(report.exit_code(), 2);
    assert!(report.accepted > 0 && report.adds_up());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let patience = Patience { attempts_max: 3, first_wait: Duration::from_millis(1) };
    let client = Client::new(&url, None, patience).unwrap();
    let mut tally = Tally::default();
    let error = client.send_events(EventLines::new("{}\n"), &mut tally).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(tally.answered(), 0);
}

#[tokio::test]
async fn arguments_that_make_no_sense_start_nothing() {
    let rows = file("a.ndjson", "{}\n");
    for (file, to) in [(&rows, "nowhere"), (&file("a.txt", ""), "http://localhost:1")] {
        assert!(replay(&args(file, to)).await.is_err(), "{to}");
    }
}
