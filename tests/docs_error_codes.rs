//! Every error code that the documents list is produced by a running tower, and each one that comes has its page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::feed::Feed;
use common::http::read_response;
use common::{Client, Response, Tower, at, event, eventually};
use serde_json::{Value, json};

/// What can't be had from a running tower without a fault in it, or is had elsewhere.
const ELSEWHERE: [(&str, &str); 14] = [
    // `runtime_disk_full.rs`, on a small file system.
    ("Answers", "disk_full"),
    // `journal_trimmed.rs`: it takes segments that are gone.
    ("Answers", "position_expired"),
    // Commands on exceptions and cases have tests of their own.
    ("Answers", "stale_version"),
    ("Answers", "conflict"),
    ("Answers", "idempotency_key_reused"),
    ("Answers", "idempotency_key_in_use"),
    ("Answers", "outcome_unknown"),
    ("Fields", "unknown_field"),
    ("Fields", "duplicate_item"),
    ("Fields", "not_found"),
    // A fault of the program itself: unit tests of the runtime plant one.
    ("Answers", "internal"),
    ("Answers", "rebuilding"),
    ("Quarantine", "entity_failed"),
    // The door finds text that is no JSON before there is any `data`.
    ("Fields", "malformed_json"),
];

/// Codes by the section of `/docs/errors` that they belong to.
#[derive(Default)]
struct Seen(BTreeSet<(String, String)>);

impl Seen {
    fn add(&mut self, section: &str, code: &Value) {
        self.0.insert((section.to_owned(), code.as_str().expect("a code").to_owned()));
    }

    /// Notes the codes of a problem or a receipt.
    fn note(&mut self, answer: &Response) {
        let body = answer.json();
        self.note_problem(&body);
        for error in body["errors"].as_array().into_iter().flatten() {
            self.note_problem(&error["problem"]);
        }
    }

    fn note_problem(&mut self, problem: &Value) {
        if problem["code"].is_string() {
            assert_eq!(problem["type"], format!("/docs/errors/{}", problem["code"].as_str().unwrap()));
            self.add("Answers", &problem["code"]);
        }
        for error in problem["errors"].as_array().into_iter().flatten() {
            if error["pointer"].is_string() {
                self.add("Fields", &error["code"]);
            }
        }
    }

    #[track_caller]
    fn expect(&mut self, answer: &Response, status: u16, code: &str) {
        answer.expect_problem(status, code);
        self.note(answer);
    }
}

/// What `/docs/errors` lists, by section; each code's page must be there.
fn listed(client: &Client) -> BTreeSet<(String, String)> {
    let page = client.get("/docs/errors");
    assert_eq!(page.status, 200);
    let mut codes = BTreeSet::new();
    for section in page.text().split("<h2>").skip(1) {
        let name = section.split('<').next().unwrap();
        for link in section.split("href=\"/docs/errors/").skip(1) {
            let code = link.split('"').next().unwrap();
            let page = client.get(&format!("/docs/errors/{code}"));
            assert!(page.status == 200 && page.text().contains("What to do"), "{code}");
            codes.insert((name.to_owned(), code.to_owned()));
        }
    }
    codes
}

const SMALL: &str = "
[server]
request_bytes_max = 8192
event_bytes_max = 4096
body_timeout_ms = 200
read_timeout_ms = 50
[feed]
sockets_max = 1
subscriptions_per_socket_max = 2
filters_max = 1
[runtime]
holding_events_max = 1
[sku_location]
movements_kept_max = 16
lines_max = 16
shipments_per_line_max = 1
forecast_buckets_max = 1
";

#[test]
fn every_listed_code_is_produced_and_every_produced_code_is_listed() {
    let mut seen = Seen::default();
    let tower = Tower::launch().dev().configuration(SMALL).start();
    requests(&tower, &mut seen);
    events(&tower, &mut seen);
    fields(&tower, &mut seen);
    quarantine(&tower, &mut seen);
    feed(&tower, &mut seen);
    pressure(&mut seen);
    start_and_stop(&mut seen);
    let mut all = seen.0;
    for (section, code) in ELSEWHERE {
        let is_new = all.insert((section.to_owned(), code.to_owned()));
        assert!(is_new, "{code} is produced here: it is not elsewhere");
    }
    let listed = listed(&tower.http());
    let (missing, unlisted) =
        (listed.difference(&all).collect::<Vec<_>>(), all.difference(&listed).collect::<Vec<_>>());
    assert!(missing.is_empty() && unlisted.is_empty(), "not produced: {missing:?}; not listed: {unlisted:?}");
}

fn sale(id: &str) -> Value {
    event("pos.sale", id, json!({"sku": "A", "location": "L1", "quantity": 1}))
}

fn requests(tower: &Tower, seen: &mut Seen) {
    let client = tower.http();
    seen.expect(&client.get("/api/v1/exceptions?limit=0"), 400, "bad_parameter");
    seen.expect(&client.get("/api/v1/feed"), 400, "bad_request");
    seen.expect(&tower.http().with_key("nonsense").get("/api/v1/stats"), 401, "unauthenticated");
    let viewer = tower.http().with_header("X-Tidewatch-Act-As", "eve;viewer");
    seen.expect(&viewer.post_event(&sale("viewer")), 403, "forbidden");
    seen.expect(&client.get("/api/v1/items/none"), 404, "not_found");
    seen.expect(&client.send("PATCH", "/api/v1/items", &[], b""), 405, "method_not_allowed");
    seen.expect(&client.post("text/plain", "x"), 415, "unsupported_media_type");
    seen.expect(&client.get("/api/v1/stats?at_least=900000000000"), 504, "not_yet_applied");
    let spaces = format!("[{}]", " ".repeat(9_000));
    seen.expect(&client.post("application/json", spaces), 413, "body_too_large");
    let mut large = sale("large");
    large["data"]["note"] = json!("x".repeat(5_000));
    seen.expect(&client.post_event(&large), 413, "event_too_large");
    let mut slow = client.connect().unwrap();
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).unwrap();
    seen.expect(&read_response(&mut slow).unwrap(), 408, "request_timeout");
}

fn events(tower: &Tower, seen: &mut Seen) {
    let client = tower.http();
    let mut refused = |body: &[u8], status, code| {
        seen.expect(&client.post("application/json", body), status, code);
    };
    let text = |value: &Value| value.to_string().into_bytes();
    let with = |name: &str, value: Value| {
        let mut changed = sale("wrong");
        changed[name] = value;
        text(&changed)
    };
    refused(b"{", 400, "malformed_json");
    refused(b"{\"id\":\"\xff\"}", 400, "invalid_utf8");
    refused(b"{}", 400, "missing_attribute");
    refused(&with("time", json!("noon")), 422, "invalid_attribute");
    refused(
        br#"{"id":"1","id":"1","source":"s","specversion":"1.0","type":"pos.sale"}"#,
        422,
        "duplicate_key",
    );
    let twice = sale("twice").to_string().replace("\"quantity\":1", "\"quantity\":1,\"quantity\":1");
    refused(twice.as_bytes(), 422, "invalid_data");
    refused(
        &with("deep", serde_json::from_str(&format!("{}{}", "[".repeat(40), "]".repeat(40))).unwrap()),
        422,
        "too_deep",
    );
    refused(&with("data_base64", json!("eA==")), 422, "unsupported_data");
    refused(&with("type", json!("weather")), 422, "unknown_type");
    refused(&with("data", json!({})), 422, "invalid_data");
    refused(&with("time", json!("2999-01-01T00:00:00Z")), 422, "time_in_future");
    assert_eq!(client.post_event(&sale("used")).expect(202)["accepted"], 1);
    let mut reused = sale("used");
    reused["data"]["quantity"] = json!(2);
    refused(&text(&reused), 422, "event_id_reused");
    refused(
        &text(&event("clock.advanced", "clock", json!({"to": "2020-01-01T00:00:00Z"}))),
        422,
        "clock_not_event",
    );
}

fn fields(tower: &Tower, seen: &mut Seen) {
    let place = |more: Value| {
        let mut data = json!({"sku": "A", "location": "L1", "quantity": 1});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let (from, until) = ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z");
    let bucket =
        |from: &str, until: &str| json!({"from": from, "until": until, "quantity": 1, "p10": 0, "p90": 2});
    let later = "2026-01-03T00:00:00Z";
    let line = |to: &str| json!({"line_id": "1", "sku": "A", "from": "L1", "to": to, "quantity": 1, "promised_at": from});
    for (code, kind, data) in [
        ("required", "pos.sale", json!({})),
        ("wrong_type", "pos.sale", place(json!({"sku": 1}))),
        ("empty", "pos.sale", place(json!({"sku": ""}))),
        ("too_long", "pos.sale", place(json!({"sku": "x".repeat(129)}))),
        ("invalid_name", "pos.sale", place(json!({"sku": ".."}))),
        (
            "too_many",
            "calendar.described",
            json!({"calendar": "K", "working_days": [1, 2, 3, 4, 5, 6, 7, 7]}),
        ),
        ("too_precise", "pos.sale", place(json!({"quantity": 1.0001}))),
        ("out_of_range", "pos.sale", place(json!({"quantity": 1e12}))),
        ("not_a_decimal", "pos.sale", place(json!({"quantity": "many"}))),
        ("not_positive", "pos.sale", place(json!({"quantity": 0}))),
        ("invalid_currency", "pos.sale", place(json!({"currency": "euro"}))),
        (
            "invalid_time",
            "order.placed",
            place(json!({"order_id": "O", "line_id": "1", "promised_at": "noon"})),
        ),
        ("invalid_date", "calendar.described", json!({"calendar": "K", "closed": ["today"]})),
        (
            "invalid_period",
            "supplier.delay_reported",
            json!({"supplier": "S", "delay_days": 1, "from": from, "until": until}),
        ),
        ("invalid_timezone", "location.described", json!({"location": "L1", "timezone": "Mars/Olympus"})),
        ("unknown_value", "pos.return", place(json!({"disposition": "lost"}))),
        ("duplicate_line", "transfer.placed", json!({"transfer_id": "T", "lines": [line("L2"), line("L2")]})),
        ("same_location", "transfer.placed", json!({"transfer_id": "T", "lines": [line("L1")]})),
        (
            "overlapping",
            "forecast.published",
            place(json!({"buckets": [bucket(until, later), bucket(from, later)]})),
        ),
        (
            "conflict",
            "shipment.arrived",
            json!({"shipment_id": "H", "lines": [{"line_id": "1", "po_id": "P", "transfer_id": "T"}]}),
        ),
    ] {
        let answer = tower.http().post_event(&event(kind, code, data));
        seen.expect(&answer, 422, "invalid_data");
        let told = answer.json()["errors"][0]["problem"]["errors"].clone();
        assert!(told.as_array().unwrap().iter().any(|error| error["code"] == code), "{code}: {told}");
    }
}

fn quarantine(tower: &Tower, seen: &mut Seen) {
    let client = tower.http();
    let now = common::events::now();
    let counted = |id: &str, sku: &str, time: i64| {
        let mut event = event("inventory.counted", id, json!({"sku": sku, "location": "L1", "on_hand": 5}));
        event["time"] = json!(at(time));
        event
    };
    // More movements than are kept, and a count from before them.
    let sales: Vec<Value> = (0..20)
        .map(|i| {
            event("pos.sale", &format!("kept-{i}"), json!({"sku": "old", "location": "L1", "quantity": 1}))
        })
        .collect();
    client.accept(&sales);
    client.accept(&[counted("old", "old", now - 3_600)]);
    let shipped =
        |id: &str| event("order.shipped", id, json!({"order_id": id, "line_id": "1", "quantity": 1}));
    client.accept(&[shipped("nobody-1"), shipped("nobody-2")]);
    let orders: Vec<Value> = (0..17)
        .map(|i| json!({"order_id": format!("O{i}"), "line_id": "1", "sku": "full", "location": "L1", "quantity": 1}))
        .enumerate()
        .map(|(i, data)| event("order.placed", &format!("full-{i}"), data))
        .collect();
    client.accept(&orders);
    let line = json!({"line_id": "1", "sku": "sent", "location": "L1", "quantity": 9});
    client.accept(&[event(
        "purchase_order.placed",
        "sent",
        json!({"po_id": "P9", "supplier": "S", "lines": [line]}),
    )]);
    for id in ["H1", "H2"] {
        let lines = json!([{"line_id": "1", "po_id": "P9", "quantity": 1}]);
        client.accept(&[event("shipment.dispatched", id, json!({"shipment_id": id, "lines": lines}))]);
    }
    let day = |day: i64| at(1_767_225_600 + day * 86_400);
    let bucket = |n: i64| json!({"from": day(n), "until": day(n + 1), "quantity": 1, "p10": 0, "p90": 2});
    let forecast = json!({"sku": "A", "location": "L1", "buckets": [bucket(0), bucket(1)]});
    client.accept(&[event("forecast.published", "long", forecast)]);
    let tea = json!({"sku": "tea", "uom": "each"});
    client.accept(&[event("item.described", "tea", tea)]);
    let sold = json!({"sku": "tea", "location": "L1", "quantity": 1, "uom": "case"});
    client.accept(&[event("pos.sale", "tea-sold", sold)]);
    let expected = [
        "count_too_old",
        "unusable_unit",
        "unresolved_reference",
        "too_many_lines",
        "too_many_shipments",
        "too_many_buckets",
    ];
    for code in expected {
        eventually(code, || {
            let found = client.list(&format!("/api/v1/quarantine?code={code}"));
            found.first().map(|entry| seen.add("Quarantine", &entry["code"]))
        });
    }
    let crowded = Tower::launch().dev().configuration("[runtime]\nentities_max = 1000\n").start();
    let many: Vec<Value> = (0..1_100)
        .map(|i| {
            event(
                "pos.sale",
                &format!("many-{i}"),
                json!({"sku": format!("S{i}"), "location": "L1", "quantity": 1}),
            )
        })
        .collect();
    crowded.http().accept(&many);
    eventually("too_many_entities", || {
        let found = crowded.http().get("/api/v1/quarantine?code=too_many_entities&limit=1").expect(200);
        found["items"].as_array().unwrap().first().map(|entry| seen.add("Quarantine", &entry["code"]))
    });
}

fn feed(tower: &Tower, seen: &mut Seen) {
    let client = tower.http();
    let (mut feed, _) = Feed::hello(&client);
    let mut refused = |say: &dyn Fn(&mut Feed), code: &str| {
        say(&mut feed);
        let frame = feed.until(code, |frame| frame["type"] == "error");
        assert_eq!(frame["code"], code, "{frame}");
        seen.add("Feed", &frame["code"]);
    };
    refused(&|feed| feed.say_bytes(b"x"), "bad_frame");
    refused(&|feed| feed.say(&json!({"type": "dance"})), "unknown_type");
    let subscribe = |more: Value| {
        let mut frame = json!({"type": "subscribe", "id": "q1", "topics": ["exceptions"]});
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        frame
    };
    refused(&|feed| feed.say(&subscribe(json!({"id": ""}))), "bad_id");
    refused(&|feed| feed.say(&subscribe(json!({"topics": ["weather"]}))), "unknown_topic");
    refused(&|feed| feed.say(&subscribe(json!({"since": 7}))), "bad_since");
    refused(&|feed| feed.say(&subscribe(json!({"where": "severity =="}))), "bad_filter");
    refused(&|feed| feed.say(&json!({"type": "unsubscribe", "id": "none"})), "unknown_subscription");
    refused(
        &|feed| {
            feed.say(&subscribe(json!({})));
            feed.say(&subscribe(json!({})));
        },
        "id_in_use",
    );
    refused(
        &|feed| {
            feed.say(&json!({"type": "unsubscribe", "id": "q1"}));
            feed.say(&subscribe(json!({"id": "q2", "where": "urgency > 1"})));
            feed.say(&subscribe(json!({"id": "q3", "where": "urgency > 2"})));
        },
        "too_many_filters",
    );
    refused(
        &|feed| {
            feed.say(&subscribe(json!({"id": "q4"})));
            feed.say(&subscribe(json!({"id": "q5"})));
        },
        "too_many_subscriptions",
    );
    // The only seat is taken.
    seen.expect(&client.get("/api/v1/feed"), 503, "too_many_sockets");
    drop(feed);
    let supplier = tower.http().with_header("X-Tidewatch-Act-As", "sue;supplier");
    let mut feed = eventually("the seat to be free", || Feed::open(&supplier).ok());
    feed.say(&subscribe(json!({"topics": ["stats"]})));
    let frame = feed.until("forbidden", |frame| frame["type"] == "error");
    assert_eq!(frame["code"], "forbidden", "{frame}");
    seen.add("Feed", &frame["code"]);
}

/// Many small events of one request at a time: `count` of them, of an own prefix.
fn lines(prefix: &str, count: usize) -> String {
    let line = |i| {
        event(
            "pos.sale",
            &format!("{prefix}-{i}"),
            json!({"sku": format!("S{i}"), "location": "L1", "quantity": 1}),
        )
    };
    (0..count).map(|i| format!("{}\n", line(i))).collect()
}

/// Few credits and many writers.
fn pressure(seen: &mut Seen) {
    let tower = Tower::launch().dev().configuration("[admission]\nrecords_max = 1000\n").start();
    for round in 0..50 {
        let answers: Vec<Response> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..6)
                .map(|writer| {
                    let client = tower.http();
                    scope.spawn(move || {
                        client.post("application/x-ndjson", lines(&format!("{round}-{writer}"), 2_000))
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        if let Some(refused) = answers.iter().find(|answer| answer.status == 429) {
            assert!(refused.header("retry-after").is_some());
            return seen.expect(refused, 429, "too_many_requests");
        }
    }
    panic!("never too many requests")
}

/// What a tower answers between its first sign of life and being ready, and between being told to stop and its end.
fn start_and_stop(seen: &mut Seen) {
    let mut tower = Tower::dev();
    let (mut recovering, mut draining) = (false, false);
    for round in 0..10 {
        let client = tower.http();
        if !draining {
            // Work to finish before it ends.
            for part in 0..4 {
                assert_eq!(
                    client.post("application/x-ndjson", lines(&format!("{round}-{part}"), 10_000)).status,
                    202
                );
            }
        }
        tower.ask_to_stop();
        while let Ok(answer) = client.try_send("GET", "/readyz", &[], b"") {
            if answer.status == 503 {
                seen.expect(&answer, 503, "draining");
                draining = true;
            }
        }
        tower.wait_for_end(Duration::from_secs(12)).expect("an end");
        if !recovering {
            recovering = was_recovering(&tower, seen);
        }
        tower.start_again();
        if recovering && draining {
            return;
        }
    }
    panic!("recovering: {recovering}, draining: {draining}")
}

/// Starts the program over the tower's directory and asks as soon as it has told its address.
fn was_recovering(tower: &Tower, seen: &mut Seen) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(tower.data())
        .current_dir(tower.data().parent().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut addresses = told.filter_map(|line| {
        let rest = &line[line.find("http://")? + 7..];
        rest.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).next()?.parse().ok()
    });
    let client = Client::new(addresses.next().expect("an address"));
    let mut found = false;
    for path in ["/readyz", "/api/v1/stats"] {
        if let Ok(answer) = client.try_send("GET", path, &[], b"")
            && answer.status == 503
        {
            seen.expect(&answer, 503, "recovering");
            found = true;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    found
}
