//! What the system was asked to do, in what order: for each acknowledged event, the segment's `fdatasync` had returned
//! before the first byte of the answer was written to the socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Tower, event, eventually};
use serde_json::json;

const EVENTS: usize = 40;

/// One call of the system: the lines at which it began and ended.
#[derive(Debug)]
struct Call {
    name: String,
    text: String,
    began: usize,
    ended: usize,
    /// What it returned, as text.
    result: String,
}

/// Follows every thread of a process; `None` and the reason if that can't be done here.
fn follow(tower: &Tower, trace: &Path) -> Result<Child, String> {
    let mut strace = Command::new("strace")
        .args(["-f", "-yy", "-s", "8192", "-e", "trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg"])
        .args(["-p", &tower.id().to_string(), "-o"])
        .arg(trace)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace is not there ({error}); Debian has it in the package strace"))?;
    // Attached once any call is seen.
    let client = tower.http();
    for _ in 0..100 {
        if let Some(status) = strace.try_wait().unwrap() {
            return Err(format!("strace may not look at another process here ({status})"));
        }
        let _ = client.get("/healthz");
        if std::fs::read_to_string(trace).is_ok_and(|text| text.contains("HTTP/1.1 200")) {
            return Ok(strace);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = strace.kill();
    Err("strace sees nothing here".to_owned())
}

/// The calls of a trace. One that another thread's call interrupts stands on two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: HashMap<&str, usize> = HashMap::new();
    for (line, text) in trace.lines().enumerate() {
        let Some((thread, text)) = text.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(rest) = text.strip_prefix("<... ") {
            if let Some(index) = unfinished.remove(thread) {
                calls[index].ended = line;
                calls[index].result = result_of(rest);
            }
            continue;
        }
        let Some((name, _)) = text.split_once('(') else { continue };
        let is_whole = !text.ends_with("<unfinished ...>");
        if !is_whole {
            unfinished.insert(thread, calls.len());
        }
        let (ended, result) = if is_whole { (line, result_of(text)) } else { (usize::MAX, String::new()) };
        calls.push(Call { name: name.to_owned(), text: text.to_owned(), began: line, ended, result });
    }
    calls
}

fn result_of(text: &str) -> String {
    text.rsplit_once(" = ").map(|(_, result)| result.trim().to_owned()).unwrap_or_default()
}

#[test]
fn each_event_is_synced_before_its_answer_is_written() {
    let tower = Tower::dev();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace");
    let mut strace = match follow(&tower, &path) {
        Ok(strace) => strace,
        Err(reason) => {
            eprintln!("SKIPPED: {reason}");
            return;
        }
    };
    let client = tower.http();
    for number in 0..EVENTS {
        let sale = json!({"sku": "A", "location": "L", "quantity": 1});
        let receipt = client.post_event(&event("pos.sale", &format!("traced-{number:04}"), sale)).expect(202);
        assert_eq!(receipt["accepted"], 1);
    }
    let read = || String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
    eventually("the last answer in the trace", || {
        (read().matches("HTTP/1.1 202").count() >= EVENTS).then_some(())
    });
    let _ = Command::new("sh").args(["-c", &format!("kill -INT {}", strace.id())]).status();
    let _ = strace.wait();

    let trace = read();
    let calls = calls(&trace);
    let is_segment = |call: &&Call| call.text.contains(".twj>");
    let writes: Vec<&Call> = calls.iter().filter(is_segment).filter(|call| call.name == "pwrite64").collect();
    let syncs: Vec<&Call> = calls.iter().filter(is_segment).filter(|call| call.name == "fdatasync").collect();
    let answers: Vec<&Call> = calls.iter().filter(|call| call.text.contains("\"HTTP/1.1 202")).collect();
    assert_eq!(answers.len(), EVENTS, "one answer an event");
    for (number, answer) in answers.iter().enumerate() {
        let id = format!("traced-{number:04}");
        let write = writes
            .iter()
            .find(|write| write.text.contains(&id))
            .unwrap_or_else(|| panic!("{id} was not written"));
        let sync = syncs
            .iter()
            .find(|sync| sync.began > write.ended)
            .unwrap_or_else(|| panic!("{id} was not synced"));
        assert_eq!(sync.result, "0", "{}", sync.text);
        assert!(
            write.began <= write.ended && write.ended < sync.began && sync.ended < answer.began,
            "{id}: written by line {}, synced in lines {} to {}, answered in line {}",
            write.ended,
            sync.began,
            sync.ended,
            answer.began
        );
    }
    eprintln!(
        "{EVENTS} events: written, synced, answered, in that order; {} calls of fdatasync",
        syncs.len()
    );
}
