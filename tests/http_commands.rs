//! What people do with exceptions over HTTP: each command, who may, which version, once under a key, and in bulk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod commands;
mod common;

use commands::{Desk, HOUR, START, command, command_once, faults, id_of};
use common::Tower;
use common::at;
use serde_json::{Value, json};

fn desk() -> Desk {
    Desk::open(Tower::launch())
}

#[test]
fn the_life_of_an_exception_in_a_persons_hands() {
    let mut desk = desk();
    let raised = desk.run_short("A", "S1", START);
    let id = id_of(&raised);
    assert_eq!(
        (&raised["state"], &raised["team"], &raised["queue"]),
        (&json!("open"), &json!("planning"), &json!("planning"))
    );
    let ann = desk.acting("ann;planner");
    let path = |what: &str| format!("/exceptions/{id}/{what}");

    let seen =
        command(&ann, &path("acknowledge"), &json!({"comment": "on it", "version": raised["revision"]}))
            .expect(200);
    assert_eq!((&seen["state"], &seen["owner"]), (&json!("acknowledged"), &json!("ann")));
    assert_eq!(seen["comments"][0]["text"], "on it");
    assert!(seen["revision"].as_u64() > raised["revision"].as_u64());
    assert!(seen["lsn"].as_u64() > raised["lsn"].as_u64() && seen["position"].is_string());
    // The answer is the item as it is read from then on.
    let mut read = desk.read(&format!("/api/v1/exceptions/{id}"));
    assert_eq!(read["position"], seen["position"]);
    assert_eq!(read, seen);

    let given = command(&ann, &path("assign"), &json!({"owner": "bob", "team": "management"})).expect(200);
    assert_eq!(
        (&given["owner"], &given["team"], &given["state"]),
        (&json!("bob"), &json!("management"), &json!("acknowledged"))
    );

    let until = at(START + 2 * HOUR);
    let put_off = command(&ann, &path("snooze"), &json!({"until": until})).expect(200);
    assert_eq!((&put_off["state"], &put_off["snoozed_until"]), (&json!("snoozed"), &json!(until)));
    desk.advance(START + HOUR);
    assert_eq!(desk.read(&format!("/api/v1/exceptions/{id}"))["state"], "snoozed");
    desk.advance(START + 3 * HOUR);
    read = desk.read(&format!("/api/v1/exceptions/{id}"));
    assert_eq!((&read["state"], &read["snoozed_until"]), (&json!("open"), &Value::Null));

    let said = command(&ann, &path("comment"), &json!({"text": "a known fault of the scale"})).expect(200);
    assert_eq!(said["comments"].as_array().unwrap().len(), 2);
    let gone = command(&ann, &path("dismiss"), &json!({"reason": "no trouble"})).expect(200);
    assert_eq!((&gone["state"], &gone["resolution"]), (&json!("resolved"), &json!("no trouble")));

    // The trouble is still there, and is not told again: not by time, not by more of it, not by a restart.
    let open = "/api/v1/exceptions?type=shortage_now&sku=A&location=S1";
    desk.advance(START + 4 * HOUR);
    let more = json!({"order_id": "more", "line_id": "1", "sku": "A", "location": "S1", "quantity": 7});
    desk.tell("order.placed", START + 4 * HOUR, more);
    assert_eq!(desk.read(open)["items"], json!([]));
    desk.tower.kill();
    desk.tower.start_again();
    assert_eq!(desk.read(open)["items"], json!([]));
    // What is over takes no commands.
    command(&desk.acting("ann;planner"), &path("acknowledge"), &json!({})).expect_problem(409, "conflict");

    // Once it has gone, it may come back.
    desk.restock("A", "S1", START + 5 * HOUR);
    assert_eq!(desk.read(open)["items"], json!([]));
    let back = desk.run_short("A", "S1", START + 6 * HOUR);
    assert_eq!(back["state"], "open");
}

#[test]
fn what_a_command_says_is_read_strictly() {
    let mut desk = desk();
    let raised = desk.run_short("A", "S1", START);
    let (id, ann) = (id_of(&raised), desk.acting("ann;planner"));
    let path = |what: &str| format!("/exceptions/{id}/{what}");
    let check = |what: &str, body: Value, expected: &[(&str, &str)]| {
        let problem = command(&ann, &path(what), &body).expect_problem(422, "invalid_data");
        let expected: Vec<(String, String)> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(faults(&problem), expected, "{what} {body}");
    };
    check("acknowledge", json!({"verison": 1}), &[("/verison", "unknown_field")]);
    check("acknowledge", json!({"version": "1"}), &[("/version", "wrong_type")]);
    check("assign", json!({}), &[("/owner", "invalid_data")]);
    check("assign", json!({"team": "nobody"}), &[("/team", "not_found")]);
    check("snooze", json!({"comment": 3}), &[("/comment", "wrong_type"), ("/until", "required")]);
    check("snooze", json!({"until": at(START - HOUR)}), &[("/until", "invalid_data")]);
    check("comment", json!({"text": " "}), &[("/text", "empty")]);
    check("dismiss", json!({"reason": "x".repeat(4_001)}), &[("/reason", "too_long")]);

    let send = |headers: &[(&str, &str)], body: &str| {
        ann.send("POST", &format!("/api/v1{}", path("acknowledge")), headers, body.as_bytes())
    };
    let json_type = ("Content-Type", "application/json");
    send(&[json_type], "{\"version\": 1, \"version\": 2}").expect_problem(400, "malformed_json");
    send(&[json_type], "[]").expect_problem(400, "malformed_json");
    send(&[("Content-Type", "text/plain")], "{}").expect_problem(415, "unsupported_media_type");
    send(&[json_type, ("Idempotency-Key", &"k".repeat(129))], "{}").expect_problem(400, "bad_parameter");
    let large = format!("{{\"comment\": \"{}\"}}", "x".repeat(300_000));
    send(&[json_type], &large).expect_problem(413, "body_too_large");
    ann.send("POST", &format!("/api/v1{}?dry_run=true", path("acknowledge")), &[], b"")
        .expect_problem(400, "bad_parameter");
    // Nothing of all this was done.
    assert_eq!(desk.read(&format!("/api/v1/exceptions/{id}"))["revision"], raised["revision"]);
    // Nothing at all is an empty object.
    assert_eq!(send(&[], "").expect(200)["state"], "acknowledged");
}

#[test]
fn whoever_decided_on_an_older_version_is_shown_the_current_one() {
    let mut desk = desk();
    let raised = desk.run_short("A", "S1", START);
    let (id, ann) = (id_of(&raised), desk.acting("ann;planner"));
    let version = raised["revision"].as_u64().unwrap();
    let after =
        command(&ann, &format!("/exceptions/{id}/comment"), &json!({"text": "hm", "version": version}))
            .expect(200);
    let body = json!({"reason": "no", "version": version});
    let stale =
        command(&ann, &format!("/exceptions/{id}/dismiss"), &body).expect_problem(409, "stale_version");
    assert_eq!(faults(&stale), [("/version".to_owned(), "stale_version".to_owned())]);
    assert_eq!(
        (&stale["current"]["revision"], &stale["current"]["state"]),
        (&after["revision"], &json!("open"))
    );
    let body = json!({"reason": "no", "version": version + 1});
    command(&ann, &format!("/exceptions/{id}/dismiss"), &body).expect(200);
}

#[test]
fn under_a_key_a_command_is_carried_out_once() {
    let mut desk = desk();
    let raised = desk.run_short("A", "S1", START);
    let (id, ann) = (id_of(&raised), desk.acting("ann;planner"));
    let path = format!("/exceptions/{id}/comment");
    let body = json!({"text": "once"});
    let first = command_once(&ann, "k-1", &path, &body).expect(200);
    command(&ann, &path, &json!({"text": "meanwhile"})).expect(200);
    // The same answer as at first, though the item has changed since.
    assert_eq!(command_once(&ann, "k-1", &path, &body).expect(200), first);
    command_once(&ann, "k-1", &path, &json!({"text": "other"})).expect_problem(422, "idempotency_key_reused");
    command_once(&ann, "k-1", &format!("/exceptions/{id}/acknowledge"), &json!({}))
        .expect_problem(422, "idempotency_key_reused");
    // Another person's keys are their own.
    let bob = desk.acting("bob;planner");
    command_once(&bob, "k-1", &path, &body).expect(200);
    // What was refused was not carried out: its key is free.
    command_once(&ann, "k-2", &path, &json!({"text": "x", "version": 1_000}))
        .expect_problem(409, "stale_version");
    command_once(&ann, "k-2", &path, &json!({"text": "y"})).expect(200);
    desk.tower.kill();
    desk.tower.start_again();
    assert_eq!(command_once(&desk.acting("ann;planner"), "k-1", &path, &body).expect(200), first);
    let comments = desk.read(&format!("/api/v1/exceptions/{id}"))["comments"].clone();
    let texts: Vec<&str> =
        comments.as_array().unwrap().iter().filter_map(|one| one["text"].as_str()).collect();
    assert_eq!(texts, ["once", "meanwhile", "once", "y"]);
}

#[test]
fn who_may_do_what_with_an_exception_is_said_by_their_roles() {
    let mut desk = desk();
    let id = id_of(&desk.run_short("A", "S1", START));
    let check = |role: &str, comments: bool, handles: bool| {
        let who = desk.acting(&format!("someone;{role}"));
        for (what, body, may) in [
            ("comment", json!({"text": "x"}), comments),
            ("acknowledge", json!({}), handles),
            ("assign", json!({"owner": "x"}), handles),
            ("snooze", json!({"until": at(START + HOUR)}), handles),
            ("dismiss", json!({"reason": "x", "version": 1_000}), handles),
        ] {
            let response = command(&who, &format!("/exceptions/{id}/{what}"), &body);
            match (may, what) {
                (false, _) => response.expect_problem(403, "forbidden"),
                (true, "dismiss") => response.expect_problem(409, "stale_version"),
                (true, _) => response.expect(200),
            };
        }
    };
    check("planner", true, true);
    check("category_manager", true, true);
    check("supply_planner", true, true);
    check("admin", true, true);
    check("finance", true, false);
    check("agent", true, false);
    for role in ["viewer", "auditor", "integration", "supplier"] {
        check(role, false, false);
    }
}

#[test]
fn what_is_outside_the_scope_can_not_be_commanded() {
    let mut desk = desk();
    let here = id_of(&desk.run_short("A", "S1", START));
    let there = id_of(&desk.run_short("A", "S2", START));
    let (_, key) = desk.tower.create_key("ann", "planner", &["--scope", "location=S1"]);
    let ann = common::eventually("the key works", || {
        let client = desk.tower.http().with_key(&key);
        (client.get("/api/v1/exceptions").status == 200).then_some(client)
    });
    command(&ann, &format!("/exceptions/{here}/acknowledge"), &json!({})).expect(200);
    command(&ann, &format!("/exceptions/{there}/acknowledge"), &json!({})).expect_problem(404, "not_found");
    command(&ann, "/exceptions/exc_unknown/acknowledge", &json!({})).expect_problem(404, "not_found");
    command(&ann, "/cases", &json!({"exceptions": [here, there]})).expect_problem(422, "invalid_data");
    let items = json!([{"id": here}, {"id": there}]);
    let bulk = json!({"on": "exceptions", "command": "comment", "items": items, "body": {"text": "x"}});
    let answer = command(&ann, "/bulk", &bulk).expect(200);
    assert_eq!((&answer["done"], &answer["failed"]), (&json!(1), &json!(1)));
    assert_eq!(answer["results"][1]["problem"]["code"], "not_found");
}

#[test]
fn one_command_goes_to_many_items_as_one_set() {
    let mut desk = desk();
    let ids: Vec<String> = (0..40).map(|n| id_of(&desk.run_short(&format!("A{n}"), "S1", START))).collect();
    let ann = desk.acting("ann;planner");
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let mut sent = items.clone();
    sent[3]["version"] = json!(1_000);
    sent.push(json!({"id": "exc_unknown"}));
    let bulk = json!({"on": "exceptions", "command": "assign", "items": sent, "body": {"owner": "bob"}});
    let answer = command_once(&ann, "set-1", "/bulk", &bulk).expect(200);
    assert_eq!((&answer["done"], &answer["failed"]), (&json!(39), &json!(2)));
    let results = answer["results"].as_array().unwrap();
    let told: Vec<&str> = results.iter().filter_map(|result| result["id"].as_str()).collect();
    assert_eq!(told[..40], ids.iter().map(String::as_str).collect::<Vec<_>>()[..]);
    assert_eq!(results[3]["problem"]["code"], "stale_version");
    assert_eq!(results[40]["problem"]["code"], "not_found");
    assert_eq!(results[0]["item"]["owner"], "bob");
    // Sent again it does nothing twice, and answers the same of what was done.
    let again = command_once(&ann, "set-1", "/bulk", &bulk).expect(200);
    assert_eq!((&again["bulk_id"], &again["lsn"]), (&answer["bulk_id"], &answer["lsn"]));
    assert_eq!(again["results"][0], answer["results"][0]);
    let other = json!({"on": "exceptions", "command": "assign", "items": items, "body": {"owner": "eve"}});
    command_once(&ann, "set-1", "/bulk", &other).expect_problem(422, "idempotency_key_reused");
    // Each record that follows names the set.
    let set = answer["bulk_id"].as_str().unwrap();
    let lsn = answer["results"][0]["item"]["lsn"].to_string();
    let shown = desk.tower.command(&["inspect", "--from", &lsn, "--limit", "1", "--json"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains(&format!("{set}/{}", ids[0])), "{text} {}", String::from_utf8_lossy(&shown.stderr));
}

#[test]
fn a_bulk_command_that_is_none_does_nothing() {
    let mut desk = desk();
    let id = id_of(&desk.run_short("A", "S1", START));
    let ann = desk.acting("ann;planner");
    let check = |body: Value, expected: &[(&str, &str)]| {
        let problem = command(&ann, "/bulk", &body).expect_problem(422, "invalid_data");
        let expected: Vec<(String, String)> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(faults(&problem), expected, "{body}");
    };
    let one = json!([{"id": id}]);
    check(json!({"on": "things", "command": "comment", "items": one}), &[("/on", "unknown_value")]);
    check(json!({"on": "exceptions", "command": "approve", "items": one}), &[("/command", "unknown_value")]);
    check(json!({"on": "exceptions", "command": "comment"}), &[("/items", "required")]);
    check(json!({"on": "exceptions", "command": "comment", "items": []}), &[("/items", "empty")]);
    let twice = json!([{"id": id}, {"id": id}, {}]);
    check(
        json!({"on": "exceptions", "command": "comment", "items": twice, "text": "x"}),
        &[("/items/1/id", "duplicate_item"), ("/items/2/id", "required"), ("/text", "unknown_field")],
    );
    let many: Vec<Value> = (0..1_001).map(|n| json!({"id": format!("exc_{n}")})).collect();
    check(json!({"on": "exceptions", "command": "comment", "items": many}), &[("/items", "too_many")]);
    let viewer = desk.acting("eve;viewer");
    let body = json!({"on": "exceptions", "command": "comment", "items": one, "body": {"text": "x"}});
    command(&viewer, "/bulk", &body).expect_problem(403, "forbidden");
}

const ROUTED: &str = "
[teams.night]
from_hour = 0
until_hour = 24
[[routing]]
types = [\"shortage_now\"]
team = \"planning\"
queue = \"urgent\"
acknowledge_within_hours = 2
decide_within_hours = 4
escalate_to = [\"night\", \"management\"]
";

#[test]
fn what_nobody_picks_up_goes_to_the_next_team_once() {
    let mut desk = Desk::open(Tower::launch().configuration(ROUTED));
    let raised = desk.run_short("A", "S1", START);
    let path = format!("/api/v1/exceptions/{}", id_of(&raised));
    let shows = |item: &Value| {
        (
            item["team"].as_str().unwrap().to_owned(),
            item["escalation_level"].as_u64().unwrap(),
            item["sla_due_at"].clone(),
        )
    };
    assert_eq!(shows(&raised), ("planning".to_owned(), 0, json!(at(START + 2 * HOUR))));
    assert_eq!(raised["queue"], "urgent");
    desk.advance(START + HOUR);
    assert_eq!(shows(&desk.read(&path)).1, 0);
    desk.advance(START + 2 * HOUR);
    let escalated = desk.read(&path);
    assert_eq!(shows(&escalated), ("night".to_owned(), 1, json!(at(START + 4 * HOUR))));
    // A restart fires nothing twice, and forgets no deadline.
    desk.tower.kill();
    desk.tower.start_again();
    assert_eq!(desk.read(&path)["revision"], escalated["revision"]);
    desk.advance(START + 10 * HOUR);
    assert_eq!(shows(&desk.read(&path)).1, 2);
    // The last team keeps it.
    desk.advance(START + 30 * HOUR);
    desk.advance(START + 60 * HOUR);
    let last = desk.read(&path);
    assert_eq!(shows(&last), ("management".to_owned(), 2, Value::Null));

    // Who picks it up has until the decision; then it goes on from there.
    let other = desk.run_short("B", "S1", START + 60 * HOUR);
    let ann = desk.acting("ann;planner");
    let seen = command(&ann, &format!("/exceptions/{}/acknowledge", id_of(&other)), &json!({})).expect(200);
    assert_eq!(seen["sla_due_at"], json!(at(START + 64 * HOUR)));
    desk.advance(START + 63 * HOUR);
    let path = format!("/api/v1/exceptions/{}", id_of(&other));
    assert_eq!(shows(&desk.read(&path)).1, 0);
    desk.advance(START + 64 * HOUR);
    assert_eq!(shows(&desk.read(&path)), ("night".to_owned(), 1, json!(at(START + 68 * HOUR))));
}
