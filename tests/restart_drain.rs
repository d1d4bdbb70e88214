//! A clean end with clients still attached, and directories that can't be served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use common::http::read_response;
use common::{Tower, event};
use serde_json::json;

#[test]
fn a_stop_does_not_wait_for_clients_that_never_finish() {
    let mut tower = Tower::dev();
    let client = tower.http();
    let sold = event("pos.sale", "before", json!({"sku": "A", "location": "L1", "quantity": 1}));
    let lsn = client.post_event(&sold).expect(202)["lsn"].as_u64().unwrap();
    // An idle connection, half a head, half a body, a stream that stays open after one whole line.
    let idle = client.connect().unwrap();
    let mut head = client.connect().unwrap();
    head.write_all(b"POST /api/v1/events HTTP/1.1\r\nHo").unwrap();
    let mut body = client.connect().unwrap();
    body.write_all(b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
        .unwrap();
    let mut stream = client.connect().unwrap();
    let line =
        format!("{}\n", event("pos.sale", "open", json!({"sku": "B", "location": "L1", "quantity": 1})));
    write!(
        stream,
        "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{line}\r\n",
        line.len()
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    tower.stop();
    eprintln!("stopped after {:?}", started.elapsed());
    drop((idle, head, body));
    // The stream may have been answered; if so, with what was taken of it.
    let answer = read_response(&mut stream).ok();
    tower.start_again();
    let client = tower.http();
    assert_eq!(client.settled("/api/v1/sku-locations/A/L1", lsn).expect(200)["on_hand"], -1);
    let taken = client.get("/api/v1/sku-locations/B/L1").status == 200;
    if let Some(answer) = answer {
        assert_eq!(answer.json()["accepted"] == 1, taken, "{}: {}", answer.status, answer.text());
    }
}

#[test]
fn a_directory_is_served_by_one_tower_at_a_time() {
    let tower = Tower::dev();
    let output = std::process::Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_tidewatch"), "serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(tower.data())
        .current_dir(tower.data())
        .output()
        .unwrap();
    assert!(!output.status.success() && output.status.code() != Some(124), "a second tower ran: {output:?}");
    // Which directory, whatever the width at which it is broken.
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.retain(|c| !c.is_whitespace() && c != '│');
    let data = tower.data();
    assert!(said.contains(&format!("{}/journalisinusebyanotherprocess", data.display())), "{said}");
    let sold = event("pos.sale", "first", json!({"sku": "A", "location": "L1", "quantity": 1}));
    assert_eq!(tower.http().post_event(&sold).status, 202, "the first one is not disturbed");
}

#[test]
fn the_clock_of_the_first_start_is_kept() {
    // As shipped: the file names the wall clock, and the command line the other one.
    let mut tower = Tower::launch()
        .dev()
        .event_clock()
        .configuration("[tenants.default]\nclock = \"wall\"\nbase_currency = \"EUR\"\ntimezone = \"UTC\"\n")
        .start();
    let advance = |to: &str| event("clock.advanced", to, json!({"to": to}));
    tower.http().accept(&[advance("2026-03-01T00:00:00Z")]);
    tower.stop();
    let refused = std::process::Command::new("timeout")
        .args([
            "20",
            env!("CARGO_BIN_EXE_tidewatch"),
            "serve",
            "--dev",
            "--clock",
            "wall",
            "--listen",
            "127.0.0.1:0",
        ])
        .arg("--data")
        .arg(tower.data())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{told}");
    assert!(told.contains("`default` keeps time by the event clock"), "{told}");

    tower.leave_out(&["--clock", "event"]);
    tower.start_again();
    tower.http().accept(&[advance("2026-03-02T00:00:00Z")]);
    assert!(tower.log().contains("the clock stays what it was"), "{}", tower.log());
}
