//! What no client should send, and clients that should not send so slowly: the contract's answer each time,
//! nothing lost, nothing else disturbed. And quarantine, where what could not be used waits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use common::http::{encode, exchange, read_response};
use common::{Client, Tower, event, eventually};
use serde_json::{Value, json};

const EVENT_BYTES_MAX: usize = 64 * 1024;
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

#[test]
fn bad_input_disturbs_nothing() {
    let tower = Tower::dev();
    let client = tower.http();
    let counted = json!({"sku": "bystander", "location": "L1", "on_hand": 77});
    assert_eq!(client.post_event(&event("inventory.counted", "bystander", counted)).status, 202);
    checks!(
        tower,
        an_event_over_its_limit_is_too_large,
        a_stream_with_a_large_line_keeps_what_came_before,
        a_request_over_its_limit_is_too_large,
        deep_nesting_is_refused,
        invalid_utf8_in_a_line_rejects_that_line,
        half_sent_bodies_change_nothing,
        lines_are_taken_while_the_stream_is_open,
        slow_clients_do_not_stop_others,
        requests_that_are_none_are_refused,
        other_methods_and_routes_are_problems,
        what_is_rejected_waits_in_quarantine,
        an_edited_event_leaves_quarantine,
        a_retry_that_is_still_wrong_stays,
        a_deleted_entry_is_gone,
        the_bystander_is_unchanged,
        head_is_get_without_the_body,
        packed_bodies_are_not_taken,
        a_length_over_the_limit_is_refused_before_it_is_sent,
    );
}

fn sale(id: &str, sku: &str) -> Value {
    event("pos.sale", id, json!({"sku": sku, "location": "L1", "quantity": 1}))
}

#[track_caller]
fn on_hand(client: &Client, sku: &str, lsn: &Value) -> Value {
    let lsn = lsn.as_u64().expect("an lsn");
    client.settled(&format!("/api/v1/sku-locations/{}/L1", encode(sku)), lsn).expect(200)["on_hand"].clone()
}

fn with_padding(id: &str, sku: &str, bytes: usize) -> Value {
    let mut padded = sale(id, sku);
    padded["data"]["note"] = json!("x".repeat(bytes));
    padded
}

fn the_bystander_is_unchanged(tower: &Tower) {
    assert_eq!(tower.http().get("/healthz").status, 200);
    assert_eq!(tower.http().get("/readyz").status, 200);
    assert_eq!(tower.http().get("/api/v1/sku-locations/bystander/L1").expect(200)["on_hand"], 77);
}

fn an_event_over_its_limit_is_too_large(tower: &Tower) {
    let client = tower.http();
    let fits = with_padding("large-0", "large", EVENT_BYTES_MAX - 400);
    assert!(fits.to_string().len() < EVENT_BYTES_MAX);
    assert_eq!(client.post_event(&fits).expect(202)["accepted"], 1);
    client.post_event(&with_padding("large-1", "large", EVENT_BYTES_MAX)).expect_any_problem(413);
    let huge = with_padding("large-2", "large", 10 * 1000 * 1000);
    client.post_event(&huge).expect_any_problem(413);
    // Binary mode has the same limit.
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "large-3"),
        ("ce-source", "/tests"),
        ("ce-type", "pos.sale"),
        ("Content-Type", "application/json"),
    ];
    let body = with_padding("", "large", EVENT_BYTES_MAX)["data"].to_string();
    client.send("POST", "/api/v1/events", &headers, body.as_bytes()).expect_any_problem(413);
    let seen = client.post_event(&sale("large-4", "large")).expect(202);
    assert_eq!(on_hand(&client, "large", &seen["lsn"]), -2);
}

fn a_stream_with_a_large_line_keeps_what_came_before(tower: &Tower) {
    let client = tower.http();
    let body = format!(
        "{}\n{}\n{}\n{}\n{}\n",
        sale("stream-0", "stream"),
        sale("stream-1", "stream"),
        sale("stream-2", "stream"),
        with_padding("stream-3", "stream", EVENT_BYTES_MAX),
        sale("stream-4", "stream"),
    );
    let answer = client.post("application/x-ndjson", body).expect(413);
    assert_eq!(answer["accepted"], 3, "{answer}");
    assert_eq!(answer["processed"], 3, "{answer}");
    assert_eq!(on_hand(&client, "stream", &answer["lsn"]), -3);
}

fn a_request_over_its_limit_is_too_large(tower: &Tower) {
    let client = tower.http();
    // Announced: refused whatever it holds.
    let padding = " ".repeat(REQUEST_BYTES_MAX + 1);
    client.post("application/cloudevents-batch+json", format!("[{padding}]")).expect_any_problem(413);
    // Not announced, as a stream: what was taken is told.
    let line = format!("{}\n", with_padding("many-ID", "many", 40_000));
    let mut body = Vec::new();
    let lines = REQUEST_BYTES_MAX / line.len() + 10;
    for i in 0..lines {
        let line = line.replace("many-ID", &format!("many-{i}"));
        body.extend_from_slice(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes());
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        client.address
    );
    let answer = exchange(client.connect().unwrap(), head.as_bytes(), &body).expect("an answer").expect(413);
    let accepted = answer["accepted"].as_u64().expect("accepted");
    assert!(accepted > 0 && accepted < lines as u64, "{answer}");
    assert_eq!(answer["processed"], answer["accepted"], "{answer}");
    assert_eq!(on_hand(&client, "many", &answer["lsn"]), json!(-i64::try_from(accepted).unwrap()));
}

fn deep_nesting_is_refused(tower: &Tower) {
    let client = tower.http();
    let nested = |depth: usize| {
        let open = "[".repeat(depth);
        let close = "]".repeat(depth);
        format!(
            r#"{{"specversion":"1.0","id":"deep-{depth}","source":"/tests","type":"pos.sale",
                "data":{{"sku":"deep","location":"L1","quantity":1,"note":{open}{close}}}}}"#
        )
    };
    // The event and its data are two levels.
    let taken = client.post("application/cloudevents+json", nested(29)).expect(202);
    for depth in [33, 60_000 / 2] {
        let status = client.post("application/cloudevents+json", nested(depth)).status;
        assert!(status == 400 || status == 422, "depth {depth}: {status}");
    }
    let batch = format!("[{},{}]", nested(40), sale("deep-ok", "deep"));
    let status = client.post("application/cloudevents-batch+json", batch);
    assert!(status.status == 202 || status.status == 400, "{}: {}", status.status, status.text());
    let lines = format!("{}\n{}\n", nested(40).replace('\n', ""), sale("deep-line", "deep"));
    let answer = client.post("application/x-ndjson", lines).expect(202);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)), "{answer}");
    assert!(on_hand(&client, "deep", &taken["lsn"]).as_f64().unwrap() <= -1.0);
    let bomb = "[".repeat(4_000_000);
    for kind in ["application/json", "application/cloudevents-batch+json"] {
        let status = client.post(kind, &bomb).status;
        assert!(status == 400 || status == 422 || status == 413, "{kind}: {status}");
    }
}

fn invalid_utf8_in_a_line_rejects_that_line(tower: &Tower) {
    let client = tower.http();
    let mut body =
        format!("{}\n{}\n{}\n", sale("u0", "utf"), sale("u1-X", "utf"), sale("u2", "utf")).into_bytes();
    let x = body.iter().position(|byte| *byte == b'X').unwrap();
    body[x] = 0xC0;
    let answer = client.post("application/x-ndjson", body).expect(202);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["index"], 1, "{answer}");
    // Half a surrogate pair is JSON's syntax and no Unicode text.
    let lone = r#"{"specversion":"1.0","id":"u3","source":"/tests","type":"pos.sale",
        "data":{"sku":"\ud800","location":"L1","quantity":1}}"#;
    let status = client.post("application/cloudevents+json", lone).status;
    assert!(status == 400 || status == 422, "{status}");
    assert_eq!(on_hand(&client, "utf", &answer["lsn"]), -2);
}

fn half_sent_bodies_change_nothing(tower: &Tower) {
    let client = tower.http();
    let body = json!([sale("half-0", "half"), sale("half-1", "half")]).to_string();
    for (kind, sent) in [
        ("application/cloudevents-batch+json", body.len() - 1),
        ("application/cloudevents+json", 20),
        ("application/json", 0),
    ] {
        let mut stream = client.connect().unwrap();
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body.as_bytes()[..sent]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // An answer or none; never an acceptance.
        if let Ok(answer) = read_response(&mut stream) {
            assert!(answer.status >= 400, "{kind}: {}", answer.text());
        }
    }
    assert_eq!(client.get("/api/v1/sku-locations/half/L1").status, 404);
    // In a stream the last line is complete or it is none.
    let mut stream = client.connect().unwrap();
    let lines = format!("{}\n{}", sale("half-2", "half-stream"), sale("half-3", "half-stream"));
    let part = &lines[..lines.len() - 5];
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    write!(stream, "{head}{:x}\r\n{part}\r\n", part.len()).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    // Whether the complete line was taken is the stream's matter; sent again, it is there once.
    let again = client.post("application/x-ndjson", lines).expect(202);
    assert_eq!(again["rejected"], 0, "{again}");
    assert_eq!(on_hand(&client, "half-stream", &again["lsn"]), -2);
}

fn lines_are_taken_while_the_stream_is_open(tower: &Tower) {
    let client = tower.http();
    let mut stream = client.connect().unwrap();
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let line = format!("{}\n", sale("open-0", "open"));
    write!(stream, "{head}{:x}\r\n{line}\r\n", line.len()).unwrap();
    eventually("the first line to be taken while the stream is open", || {
        (client.get("/api/v1/sku-locations/open/L1").status == 200).then_some(())
    });
    let line = sale("open-1", "open").to_string();
    write!(stream, "{:x}\r\n{line}\r\n0\r\n\r\n", line.len()).unwrap();
    let answer = read_response(&mut stream).unwrap().expect(202);
    assert_eq!(answer["accepted"], 2, "{answer}");
}

fn slow_clients_do_not_stop_others(tower: &Tower) {
    let client = tower.http();
    let mut slow: Vec<_> = (0..60).map(|_| client.connect().unwrap()).collect();
    for (i, stream) in slow.iter_mut().enumerate() {
        let start: &[u8] = match i % 3 {
            0 => b"POST /api/v1/events HTTP/1.1\r\nHo",
            1 => b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
            _ => b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
        };
        stream.write_all(start).unwrap();
    }
    let started = Instant::now();
    for i in 0..20 {
        assert_eq!(client.post_event(&sale(&format!("brisk-{i}"), "brisk")).status, 202);
        for stream in &mut slow {
            let _ = stream.write_all(b" ");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(10), "others waited {:?}", started.elapsed());
    // An unfinished head is not waited for without end.
    let mut waiting = slow.swap_remove(0);
    waiting.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    match read_response(&mut waiting) {
        Ok(answer) => assert!(answer.status >= 400, "{}", answer.status),
        Err(error) => assert!(
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "an unfinished head kept its connection for 20 s"
        ),
    }
}

fn requests_that_are_none_are_refused(tower: &Tower) {
    let client = tower.http();
    let garbage: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
        b"POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /api/v1/sku-locations/\xff\xfe/x HTTP/1.1\r\nHost: t\r\n\r\n",
    ];
    for bytes in garbage {
        let mut stream = client.connect().unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        if let Ok(answer) = read_response(&mut stream) {
            assert!(
                (400..500).contains(&answer.status),
                "{:?}: {}",
                String::from_utf8_lossy(bytes),
                answer.status
            );
        }
    }
    let endless = format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "a".repeat(300_000));
    if let Ok(answer) = exchange(client.connect().unwrap(), endless.as_bytes(), b"") {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
}

fn other_methods_and_routes_are_problems(tower: &Tower) {
    let client = tower.http();
    client.get("/api/v1/no-such-thing").expect_problem(404, "not_found");
    for (method, path) in
        [("PUT", "/api/v1/events"), ("DELETE", "/api/v1/sku-locations/a/b"), ("POST", "/api/v1/items")]
    {
        let answer = client.send(method, path, &[("Content-Type", "application/json")], b"{}");
        assert!(answer.status == 404 || answer.status == 405, "{method} {path}: {}", answer.status);
        answer.expect_any_problem(answer.status);
    }
    let put = client.send("PUT", "/api/v1/items", &[("Content-Type", "application/json")], b"{}");
    put.expect_problem(405, "method_not_allowed");
    assert_eq!(put.header("allow"), Some("GET, HEAD"));
}

/// The status and headers of an answer that has no body, whatever length it tells.
fn head_of(client: &Client, path: &str) -> String {
    let mut stream = client.connect().unwrap();
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, "", "{path}");
    head.to_lowercase()
}

fn head_is_get_without_the_body(tower: &Tower) {
    let client = tower.http();
    for path in ["/healthz", "/readyz", "/", "/docs", "/api/v1/stats", "/api/v1/items?limit=1", "/metrics"] {
        let head = head_of(&client, path);
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        let got = client.get(path);
        let kind = format!("content-type: {}", got.header("content-type").unwrap_or_default());
        assert!(head.contains(&kind.to_lowercase()), "{path}: {head}");
    }
    assert!(head_of(&client, "/api/v1/sku-locations/no/where").starts_with("http/1.1 404"));
    assert!(head_of(&client, "/api/v1/events").starts_with("http/1.1 405"));
}

fn packed_bodies_are_not_taken(tower: &Tower) {
    let client = tower.http();
    let json = sale("packed", "packed").to_string();
    let kind = ("Content-Type", "application/cloudevents+json");
    for encoding in ["gzip", "br", "foo"] {
        let answer =
            client.send("POST", "/api/v1/events", &[kind, ("Content-Encoding", encoding)], json.as_bytes());
        answer.expect_problem(415, "unsupported_media_type");
    }
    let answer =
        client.send("POST", "/api/v1/events", &[kind, ("Content-Encoding", "identity")], json.as_bytes());
    assert_eq!(answer.expect(202)["accepted"], 1);
}

fn a_length_over_the_limit_is_refused_before_it_is_sent(tower: &Tower) {
    let client = tower.http();
    let mut stream = client.connect().unwrap();
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n[";
    stream.write_all(head.as_bytes()).unwrap();
    read_response(&mut stream).expect("an answer").expect_problem(413, "body_too_large");
}

/// Quarantined entries that mention this text.
fn quarantined(client: &Client, text: &str) -> Vec<Value> {
    let entries = client.list("/api/v1/quarantine");
    entries.into_iter().filter(|entry| entry.to_string().contains(text)).collect()
}

/// Sends an event that can't be used and waits until quarantine shows it.
#[track_caller]
fn quarantine(client: &Client, id: &str) -> (Value, String) {
    let mut bad = sale(id, id);
    bad["data"]["quantity"] = json!("many");
    assert_eq!(client.post_batch(&[bad.clone()]).expect(422)["rejected"], 1);
    let entry = eventually("the entry in quarantine", || quarantined(client, id).pop());
    let name = entry["id"].as_str().expect("an id").to_owned();
    assert!(!name.is_empty() && name.len() <= 64, "{entry}");
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{entry}");
    bad["data"]["quantity"] = json!(3);
    (bad, name)
}

fn retry(client: &Client, name: &str, edited: &Value) -> common::Response {
    let path = format!("/api/v1/quarantine/{name}/retry");
    client.send("POST", &path, &[("Content-Type", "application/json")], edited.to_string().as_bytes())
}

fn what_is_rejected_waits_in_quarantine(tower: &Tower) {
    let client = tower.http();
    let batch = [
        sale("q-good", "q-good"),
        event("no.such.type", "q-unknown", json!({})),
        json!({"q-shapeless": true}),
    ];
    assert_eq!(client.post_batch(&batch).expect(202)["rejected"], 2);
    for (text, code) in [("q-unknown", "unknown_type"), ("q-shapeless", "")] {
        let entry = eventually(text, || quarantined(&client, text).pop());
        assert!(entry.to_string().contains(code), "the reason {code}: {entry}");
    }
    // A lone event too.
    let mut lone = sale("q-lone", "q-lone");
    lone["data"]["quantity"] = json!(0.0001);
    assert_eq!(client.post_event(&lone).status, 422);
    let entry = eventually("a lone event in quarantine", || quarantined(&client, "q-lone").pop());
    assert!(entry.to_string().contains("too_precise"), "{entry}");
    assert!(quarantined(&client, "q-good").is_empty());
    let page = client.get("/api/v1/quarantine?limit=1").expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert!(
        page["next_cursor"].is_string() && page["lsn"].is_u64() && page["position"].is_string(),
        "{page}"
    );
}

fn an_edited_event_leaves_quarantine(tower: &Tower) {
    let client = tower.http();
    let (edited, name) = quarantine(&client, "q-edit");
    let answer = retry(&client, &name, &edited);
    assert!(answer.status == 200 || answer.status == 202, "{}: {}", answer.status, answer.text());
    let lsn = answer.json()["lsn"].clone();
    assert_eq!(on_hand(&client, "q-edit", &lsn), -3);
    eventually("the entry to leave", || quarantined(&client, "q-edit").is_empty().then_some(()));
    retry(&client, &name, &edited).expect_problem(404, "not_found");
    // It is the event now: the same from its source is a duplicate.
    assert_eq!(client.post_event(&edited).expect(202)["duplicates"], 1);
}

fn a_retry_that_is_still_wrong_stays(tower: &Tower) {
    let client = tower.http();
    let (mut edited, name) = quarantine(&client, "q-wrong");
    edited["data"]["quantity"] = json!(-1);
    assert_eq!(retry(&client, &name, &edited).status, 422);
    assert!(!quarantined(&client, "q-wrong").is_empty());
    let nonsense = client.send(
        "POST",
        &format!("/api/v1/quarantine/{name}/retry"),
        &[("Content-Type", "application/json")],
        b"{no json",
    );
    nonsense.expect_any_problem(400);
    retry(&client, "no-such-entry", &edited).expect_problem(404, "not_found");
}

fn a_deleted_entry_is_gone(tower: &Tower) {
    let client = tower.http();
    let (edited, name) = quarantine(&client, "q-delete");
    let answer = client.delete(&format!("/api/v1/quarantine/{name}"));
    assert!(answer.status == 200 || answer.status == 204, "{}: {}", answer.status, answer.text());
    eventually("the entry to leave", || quarantined(&client, "q-delete").is_empty().then_some(()));
    client.delete(&format!("/api/v1/quarantine/{name}")).expect_problem(404, "not_found");
    retry(&client, &name, &edited).expect_problem(404, "not_found");
    // Rejected ids are not remembered.
    assert_eq!(client.post_event(&edited).expect(202)["accepted"], 1);
}
