//! The load against servers that the tests play themselves.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use super::*;
use crate::cli::bench::books::Books;
use crate::cli::bench::mix::Mix;
use crate::cli::bench::world::World;

/// The length that a request's head announces, and the head's own.
fn request_bytes(received: &[u8]) -> Option<usize> {
    let head_bytes = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&received[..head_bytes]).expect("text");
    let body = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    Some(head_bytes + body.parse::<usize>().expect("a number"))
}

/// Answers each request of a connection with what `answer` says for (number of the request, events in it).
fn serve(mut stream: TcpStream, answer: impl Fn(usize, usize) -> String) {
    let mut received = Vec::new();
    let mut piece = [0; 4_096];
    let mut number = 0;
    loop {
        while let Some(bytes) = request_bytes(&received).filter(|bytes| received.len() >= *bytes) {
            let request: Vec<u8> = received.drain(..bytes).collect();
            let text = std::str::from_utf8(&request).expect("text");
            let answer = answer(number, text.matches("\"specversion\"").count());
            number += 1;
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

fn answer(status: &str, accepted: usize, rejected: usize, duplicates: usize) -> String {
    let body = format!(
        "{{\"accepted\":{accepted},\"duplicates\":{duplicates},\"rejected\":{rejected},\"lsn\":9,\"errors\":[]}}"
    );
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn taken(events: usize) -> String {
    answer("202 Accepted", events, 0, 0)
}

/// Runs a load of 300 ms against a server that answers so.
fn check(
    pace: Pace,
    connections: usize,
    answer: impl Fn(usize, usize) -> String + Send + Clone + 'static,
) -> Result<Recorder, BenchError> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            thread::spawn(move || serve(stream.expect("a connection"), answer));
        }
    });
    let shape = LoadShape {
        world: World::new(100),
        books: Arc::new(Books::new(World::new(100))),
        cycle: Mix::default().cycle().into(),
        batch: 10,
        hot_of_10_000: 0,
        hot_keys: 0,
        seed: 1,
        run: 1,
        promised_at: "2026-11-23T00:00:00Z".into(),
    };
    let options = LoadOptions {
        shape,
        connections,
        pace,
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(300),
        stall_min: Duration::from_millis(100),
    };
    let endpoint = Endpoint::parse(&url, None).expect("an endpoint");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let loaded = runtime.block_on(run_load(&endpoint, &options, &ProgressBar::hidden()))?;
    assert_eq!(loaded.opened, 64 * connections as u64);
    Ok(loaded.recorder)
}

const RATE: Pace = Pace::Rate { events_per_s: 10_000 };

#[test]
fn a_stall_of_the_tower_shows() {
    // The first request opens orders; the twentieth after it waits. With one connection, everything due behind it
    // waits too, and is sent nevertheless.
    const STALL: Duration = Duration::from_millis(200);
    let stall = |number, events| {
        if number == 20 {
            thread::sleep(STALL);
        }
        taken(events)
    };
    let recorder = check(RATE, 1, stall).expect("a load");
    // 1,000 requests a second for 300 ms, whatever the tower did.
    assert_eq!(recorder.accepted, 300 * 10);
    assert!(recorder.stalls.count >= 1, "{:?}", recorder.stalls);
    assert!(recorder.stalls.longest_s >= 0.2);
    let summary = recorder.latencies.summary();
    assert!(summary.max_ms >= 199.0, "{summary:?}");
    // The 3rd slowest of 300 was due 2 ms after the one that stalled.
    assert!(
        summary.p99_ms >= 190.0,
        "one slow request would not show in the p99, all that waited do: {summary:?}"
    );
}

#[test]
fn a_closed_loop_counts_what_was_answered() {
    let recorder = check(Pace::Max, 3, |_, events| taken(events)).expect("a load");
    assert!(recorder.events_in_window > 0);
    assert!(recorder.accepted >= recorder.events_in_window);
    assert_eq!((recorder.lsn, recorder.refused), (9, 0));
}

#[test]
fn a_refused_request_is_sent_again_until_all_of_it_is_taken() {
    // Four of ten were taken before the refusal; the second time they are duplicates.
    let refuse_once = |number, events| match number {
        5 => answer("429 Too Many Requests", 4, 0, 0),
        6 => answer("202 Accepted", events - 4, 0, 4),
        _ => taken(events),
    };
    let recorder = check(RATE, 1, refuse_once).expect("a load");
    assert_eq!((recorder.refused, recorder.accepted), (1, 300 * 10));
}

#[test]
fn what_is_not_accepted_exactly_once_fails_the_run() {
    let wrong_at_5 = |wrong: fn(usize) -> String| {
        check(RATE, 1, move |number, events| if number == 5 { wrong(events) } else { taken(events) })
    };
    let not_taken = |result| matches!(result, Err(BenchError::NotTaken { sent: 10, .. }));
    assert!(not_taken(wrong_at_5(|events| answer("202 Accepted", events - 1, 1, 0))));
    assert!(not_taken(wrong_at_5(|events| answer("202 Accepted", events - 1, 0, 1))));
    assert!(not_taken(wrong_at_5(|events| answer("202 Accepted", events + 1, 0, 0))));
    let status = wrong_at_5(|_| answer("500 Internal Server Error", 0, 0, 0));
    assert!(matches!(status, Err(BenchError::Status { status: 500, .. })));
}

#[test]
fn the_time_text_has_its_width_and_reads_back() {
    let text = now_text();
    let text = std::str::from_utf8(&text).expect("text");
    assert!(text.ends_with('Z') && !text.contains(' '), "{text}");
    assert!(text.parse::<jiff::Timestamp>().is_ok());
}
