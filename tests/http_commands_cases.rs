//! Cases over HTTP: opened by hand and by rule, discussed, merged, given up and taken up again, and who may do that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod commands;
mod common;

use commands::{Desk, HOUR, START, command, command_once, faults, id_of};
use common::{Tower, at};
use serde_json::{Value, json};

fn desk() -> Desk {
    Desk::open(Tower::launch())
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(id_of).collect()
}

#[test]
fn a_case_is_opened_by_hand_discussed_given_up_and_taken_up_again() {
    let mut desk = desk();
    let (one, two) = (id_of(&desk.run_short("A", "S1", START)), id_of(&desk.run_short("A", "S2", START)));
    let ann = desk.acting("ann;planner");
    let body = json!({"exceptions": [one, two], "title": "Store 1 and 2", "comment": "the same lorry"});
    let case = command_once(&ann, "open-1", "/cases", &body).expect(201);
    let id = id_of(&case);
    assert_eq!(
        (&case["title"], &case["owner"], &case["exceptions"]),
        (&json!("Store 1 and 2"), &json!("ann"), &json!([one, two]))
    );
    assert_eq!(case["comments"][0]["text"], "the same lorry");
    // Sent again it is the same case.
    assert_eq!(command_once(&ann, "open-1", "/cases", &body).expect(201), case);
    let other = json!({"exceptions": [one]});
    command_once(&ann, "open-1", "/cases", &other).expect_problem(422, "idempotency_key_reused");

    // Its exceptions are its own now.
    let taken = desk.read(&format!("/api/v1/exceptions/{one}"));
    assert_eq!((&taken["state"], &taken["case_id"]), (&json!("in_case"), &json!(id)));
    command(&ann, &format!("/exceptions/{one}/dismiss"), &json!({"reason": "x"}))
        .expect_problem(409, "conflict");
    command(&ann, "/cases", &json!({"exceptions": [two]})).expect_problem(409, "conflict");

    let path = |what: &str| format!("/cases/{id}/{what}");
    let said = command(&ann, &path("comment"), &json!({"text": "calling them"})).expect(200);
    assert_eq!(said["comments"].as_array().unwrap().len(), 2);
    let task =
        json!({"title": "Call the carrier", "assignee": "bob", "due_at": at(START + HOUR), "blocking": true});
    let asked = command(&ann, &path("tasks"), &task).expect(200);
    let task = id_of(&asked["tasks"][0]);
    assert_eq!(
        (&asked["tasks"][0]["assignee"], &asked["tasks"][0]["blocking"]),
        (&json!("bob"), &json!(true))
    );
    let bob = desk.acting("bob;planner");
    let done = command(&bob, &path(&format!("tasks/{task}/complete")), &json!({})).expect(200);
    assert_eq!(
        (&done["tasks"][0]["done_by"], done["tasks"][0]["done_at"].is_string()),
        (&json!("bob"), true)
    );
    command(&bob, &path("tasks/task_9/complete"), &json!({})).expect_problem(404, "not_found");
    command(&bob, &path(&format!("tasks/{task}/complete")), &json!({})).expect_problem(409, "conflict");

    // Given up: the exceptions are free, and the case is shown only to who asks for it.
    command(&ann, &path("cancel"), &json!({})).expect_problem(422, "invalid_data");
    let cancelled = command(&ann, &path("cancel"), &json!({"reason": "it came"})).expect(200);
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(desk.read(&format!("/api/v1/exceptions/{one}"))["state"], "open");
    assert!(!ids(&desk.read("/api/v1/cases")).contains(&id));
    assert_eq!(ids(&desk.read("/api/v1/cases?state=cancelled")), std::slice::from_ref(&id));
    let again = command(&ann, &path("reopen"), &json!({"reason": "it did not"})).expect(200);
    assert!(again["state"] == "draft" || again["state"] == "proposed", "{again}");
    assert_eq!(desk.read(&format!("/api/v1/exceptions/{one}"))["state"], "in_case");
    // The same after a restart, once its options are there: they are computed beside it.
    let before = common::eventually("the case has its options", || {
        let case = desk.read(&format!("/api/v1/cases/{id}"));
        (case["state"] == "proposed").then_some(case)
    });
    desk.tower.kill();
    desk.tower.start_again();
    assert_eq!(desk.read(&format!("/api/v1/cases/{id}")), before);
}

#[test]
fn deciding_wants_the_version_that_was_looked_at() {
    let mut desk = desk();
    let one = id_of(&desk.run_short("A", "S1", START));
    let ann = desk.acting("ann;planner,supply_planner");
    let case = command(&ann, "/cases", &json!({"exceptions": [one]})).expect(201);
    let id = id_of(&case);
    let check = |what: &str, body: Value, expected: &[(&str, &str)]| {
        let problem =
            command(&ann, &format!("/cases/{id}/{what}"), &body).expect_problem(422, "invalid_data");
        let expected: Vec<(String, String)> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(faults(&problem), expected, "{what} {body}");
    };
    check("choose", json!({}), &[("/version", "required"), ("/option_id", "required")]);
    check("approve", json!({"comment": "fine"}), &[("/version", "required")]);
    check("approve", json!({"vesion": 1, "version": 1}), &[("/vesion", "unknown_field")]);
    check("reject", json!({"version": 1}), &[("/reason", "required")]);
    check("merge", json!({"into": "case_unknown"}), &[("/into", "not_found")]);
    check("delegate", json!({}), &[("/to", "required")]);
    let old = json!({"option_id": "do_nothing", "version": 1_000});
    let stale = command(&ann, &format!("/cases/{id}/choose"), &old).expect_problem(409, "stale_version");
    assert_eq!(stale["current"]["id"], json!(id));
    assert!(stale["changes"].is_array());
    // Nothing is chosen: there is nothing to approve.
    let version = desk.read(&format!("/api/v1/cases/{id}"))["version"].clone();
    let bob = desk.acting("bob;supply_planner");
    command(&bob, &format!("/cases/{id}/approve"), &json!({"version": version}))
        .expect_problem(409, "conflict");
}

#[test]
fn a_case_is_merged_into_another_one_with_its_exceptions() {
    let mut desk = desk();
    let (one, two) = (id_of(&desk.run_short("A", "S1", START)), id_of(&desk.run_short("A", "S2", START)));
    let ann = desk.acting("ann;planner");
    let first = id_of(&command(&ann, "/cases", &json!({"exceptions": [one]})).expect(201));
    let second = id_of(&command(&ann, "/cases", &json!({"exceptions": [two]})).expect(201));
    desk.read("/api/v1/cases");
    let body = json!({"into": second});
    let merged = command_once(&ann, "merge-1", &format!("/cases/{first}/merge"), &body).expect(200);
    assert_eq!((&merged["state"], &merged["merged_into"]), (&json!("superseded"), &json!(second)));
    let whole = desk.read(&format!("/api/v1/cases/{second}"));
    assert_eq!(whole["exceptions"], json!([two, one]));
    let moved = desk.read(&format!("/api/v1/exceptions/{one}"));
    assert_eq!((&moved["state"], &moved["case_id"]), (&json!("in_case"), &json!(second)));
    let again = command_once(&ann, "merge-1", &format!("/cases/{first}/merge"), &body).expect(200);
    assert_eq!(again, merged);
    command(&ann, &format!("/cases/{first}/merge"), &body).expect_problem(409, "conflict");
    command(&ann, &format!("/cases/{second}/merge"), &json!({"into": second})).expect_any_problem(422);
}

#[test]
fn cases_are_listed_by_what_they_are_about_and_within_the_scope() {
    let mut desk = desk();
    let (one, two) = (id_of(&desk.run_short("A", "S1", START)), id_of(&desk.run_short("B", "S2", START)));
    let ann = desk.acting("ann;planner");
    let first = id_of(&command(&ann, "/cases", &json!({"exceptions": [one]})).expect(201));
    let second = id_of(&command(&ann, "/cases", &json!({"exceptions": [two], "kind": "manual"})).expect(201));
    for (filter, expected) in [
        ("sku=A", vec![&first]),
        ("location=S2", vec![&second]),
        ("sku=A&location=S2", vec![]),
        ("owner=ann&sort=id", {
            let mut both = vec![&first, &second];
            both.sort();
            both
        }),
        ("kind=manual", vec![&second]),
        ("team=planning&sku=B", vec![&second]),
        ("state=closed", vec![]),
    ] {
        assert_eq!(
            ids(&desk.read(&format!("/api/v1/cases?{filter}"))).iter().collect::<Vec<_>>(),
            expected,
            "{filter}"
        );
    }
    assert_eq!(ids(&desk.read(&format!("/api/v1/cases?exception={two}"))), std::slice::from_ref(&second));
    let all = desk.tower.http();
    for bad in ["state=finished", "sort=title", "colour=red"] {
        all.get(&format!("/api/v1/cases?{bad}")).expect_problem(400, "bad_parameter");
    }
    for list in ["/api/v1/actions", "/api/v1/deliveries"] {
        assert_eq!(desk.read(list)["items"], json!([]));
    }
    all.get("/api/v1/actions/act_unknown").expect_problem(404, "not_found");
    command(&ann, "/actions/act_unknown/retry", &json!({})).expect_problem(404, "not_found");

    let (_, key) = desk.tower.create_key("carl", "planner", &["--scope", "location=S1"]);
    let carl = common::eventually("the key works", || {
        let client = desk.tower.http().with_key(&key);
        (client.get("/api/v1/cases").status == 200).then_some(client)
    });
    assert_eq!(ids(&carl.get("/api/v1/cases").expect(200)), std::slice::from_ref(&first));
    carl.get(&format!("/api/v1/cases/{second}")).expect_problem(404, "not_found");
    command(&carl, &format!("/cases/{second}/comment"), &json!({"text": "x"}))
        .expect_problem(404, "not_found");
    command(&carl, &format!("/cases/{first}/merge"), &json!({"into": second}))
        .expect_problem(422, "invalid_data");
}

#[test]
fn who_may_do_what_with_a_case_is_said_by_their_roles() {
    let mut desk = desk();
    let one = id_of(&desk.run_short("A", "S1", START));
    let id =
        id_of(&command(&desk.acting("ann;planner"), "/cases", &json!({"exceptions": [one]})).expect(201));
    let old = 1_000;
    // Propose, approve, comment, manage: what is allowed goes on to be found stale, or is done.
    let check = |role: &str, proposes: bool, approves: bool, comments: bool, manages: bool| {
        let who = desk.acting(&format!("someone;{role}"));
        for (what, body, may) in [
            ("choose", json!({"option_id": "do_nothing", "version": old}), proposes),
            ("tasks", json!({"title": "x", "version": old}), proposes),
            ("approve", json!({"version": old}), approves),
            ("reject", json!({"reason": "x", "version": old}), approves),
            ("delegate", json!({"to": "x", "version": old}), approves),
            ("comment", json!({"text": "x", "version": old}), comments),
            ("cancel", json!({"reason": "x", "version": old}), manages),
            ("reopen", json!({"reason": "x", "version": old}), manages),
        ] {
            let response = command(&who, &format!("/cases/{id}/{what}"), &body);
            if may {
                response.expect_problem(409, "stale_version");
            } else {
                response.expect_problem(403, "forbidden");
            }
        }
        let open = command(&who, "/cases", &json!({"exceptions": [one]}));
        let _ = if proposes {
            open.expect_problem(409, "conflict")
        } else {
            open.expect_problem(403, "forbidden")
        };
        let retried = command(&who, "/actions/act_unknown/retry", &json!({}));
        let _ = if manages {
            retried.expect_problem(404, "not_found")
        } else {
            retried.expect_problem(403, "forbidden")
        };
    };
    desk.read("/api/v1/cases");
    for role in ["planner", "category_manager", "supply_planner", "admin"] {
        check(role, true, true, true, true);
    }
    check("finance", false, true, true, false);
    check("agent", true, false, true, false);
    for role in ["viewer", "auditor", "integration", "supplier"] {
        check(role, false, false, false, false);
    }
}

const CASES_BY_RULE: &str = "
[[routing]]
types = [\"shortage_now\"]
team = \"purchasing\"
open_case = true
";

#[test]
fn a_rule_opens_a_case_and_the_exception_is_its_own_from_the_first_moment() {
    let mut desk = Desk::open(Tower::launch().configuration(CASES_BY_RULE));
    let raised = desk.run_short("A", "S1", START);
    assert_eq!(raised["state"], "in_case");
    let case = desk.read(&format!("/api/v1/cases/{}", raised["case_id"].as_str().unwrap()));
    assert_eq!((&case["exceptions"], &case["team"]), (&json!([raised["id"]]), &json!("purchasing")));
    assert_eq!(case["subjects"][0]["sku"], "A");
}

#[test]
fn one_command_goes_to_many_cases() {
    let mut desk = desk();
    let ann = desk.acting("ann;planner");
    let cases: Vec<String> = (0..5)
        .map(|n| {
            let exception = id_of(&desk.run_short(&format!("A{n}"), "S1", START));
            id_of(&command(&ann, "/cases", &json!({"exceptions": [exception]})).expect(201))
        })
        .collect();
    desk.read("/api/v1/cases");
    let items: Vec<Value> = cases.iter().map(|id| json!({"id": id})).collect();
    let bulk = json!({"on": "cases", "command": "cancel", "items": items, "body": {"reason": "all came"}});
    let answer = command(&ann, "/bulk", &bulk).expect(200);
    assert_eq!((&answer["done"], &answer["failed"]), (&json!(5), &json!(0)), "{answer}");
    let lsn = answer["lsn"].as_u64().unwrap();
    let over = desk.tower.http().settled("/api/v1/cases?state=cancelled", lsn).expect(200);
    assert_eq!(over["items"].as_array().unwrap().len(), 5);
}

#[test]
fn an_option_of_ones_own_is_costed_at_once_and_can_be_edited() {
    let mut desk = desk();
    let supplied = json!({"sku": "A", "location": "S1", "source": {"kind": "supplier", "id": "V"}, "lead_time_days": 3,
        "unit_cost": "2.5"});
    desk.tell("sourcing.set", START, supplied);
    let one = id_of(&desk.run_short("A", "S1", START));
    let ann = desk.acting("ann;planner");
    let id = id_of(&command(&ann, "/cases", &json!({"exceptions": [one]})).expect(201));
    let path = format!("/cases/{id}/options");
    let own_of = |case: &Value| -> Vec<Value> {
        let options = case["options"].as_array().unwrap();
        options.iter().filter(|option| option["edited_by"] == "ann").cloned().collect()
    };
    let order = json!({"kind": "order", "sku": "A", "location": "S1", "quantity": 20, "supplier": "V"});
    let case = command_once(&ann, "own-1", &path, &order).expect(200);
    let own = own_of(&case);
    assert_eq!(own.len(), 1, "{case}");
    assert_eq!((&own[0]["kind"], &own[0]["steps"][0]["quantity"]), (&json!("order"), &json!(20)));
    // It says when it would arrive, what that costs, and what it does.
    assert!(own[0]["steps"][0]["arrives_at"].is_string(), "{}", own[0]);
    assert!(own[0]["cost"]["amount"].is_string(), "{}", own[0]);
    assert_eq!(own[0]["effects"][0]["sku"], "A");
    assert_eq!(command_once(&ann, "own-1", &path, &order).expect(200), case);

    // A title says what the option is now, unless somebody gave it one.
    assert_eq!(own[0]["title"], "order: 20 of A for S1 from V");
    let fewer = own_of(&command(&ann, &path, &json!({"option_id": own[0]["id"], "quantity": 7})).expect(200));
    assert_eq!(fewer[0]["title"], "order: 7 of A for S1 from V");
    let edited = json!({"option_id": own[0]["id"], "quantity": "30", "title": "Thirty"});
    let after = own_of(&command(&ann, &path, &edited).expect(200));
    assert_eq!(after.len(), 1);
    assert_eq!((&after[0]["steps"][0]["quantity"], &after[0]["title"]), (&json!(30), &json!("Thirty")));
    let dearer = |option: &Value| option["cost"]["amount"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(dearer(&after[0]) > dearer(&own[0]));
    let more = own_of(&command(&ann, &path, &json!({"option_id": own[0]["id"], "quantity": 31})).expect(200));
    assert_eq!((&more[0]["steps"][0]["quantity"], &more[0]["title"]), (&json!(31), &json!("Thirty")));
    let towers = common::eventually("the tower's own order", || {
        let case = desk.read(&format!("/api/v1/cases/{id}"));
        let mut options = case["options"].as_array().unwrap().iter();
        options.find(|option| option["kind"] == "order" && option["edited_by"].is_null()).cloned()
    });
    let copied =
        own_of(&command(&ann, &path, &json!({"option_id": towers["id"], "quantity": 9})).expect(200));
    assert_eq!(copied[1]["title"], "order: 9 of A for S1 from V", "{copied:?}");
    let words = json!({"kind": "custom", "note": "Ask the neighbour"});
    assert_eq!(own_of(&command(&ann, &path, &words).expect(200)).len(), 3);

    let check = |body: Value, expected: &[(&str, &str)]| {
        let problem = command(&ann, &path, &body).expect_problem(422, "invalid_data");
        let expected: Vec<(String, String)> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(faults(&problem), expected, "{body}");
    };
    check(
        json!({"option_id": "none", "quantity": 1, "kind": "custom", "note": "x"}),
        &[("/option_id", "not_found")],
    );
    check(json!({"kind": "custom"}), &[("/note", "required")]);
    let transfer = json!({"kind": "transfer", "sku": "A", "location": "S1", "quantity": 1});
    check(transfer, &[("/from", "required")]);
    let steps = json!({"kind": "order", "steps": [{"sku": "A", "location": "S1", "quantity": 1}, {"kind": "order", "sku": "A", "location": "S1", "quantity": 0, "colour": 1}]});
    check(steps, &[("/steps/1/quantity", "not_positive"), ("/steps/1/colour", "unknown_field")]);
    command(&desk.acting("eve;viewer"), &path, &order).expect_problem(403, "forbidden");
    // An agent may propose.
    command(&desk.acting("robot;agent"), &path, &order).expect(200);
}

#[test]
fn an_option_is_chosen_by_one_and_approved_by_another_on_the_version_they_saw() {
    let mut desk = desk();
    let one = id_of(&desk.run_short("A", "S1", START));
    let ann = desk.acting("ann;planner,category_manager");
    let id = id_of(&command(&ann, "/cases", &json!({"exceptions": [one]})).expect(201));
    let path = |what: &str| format!("/cases/{id}/{what}");
    let read = || desk.read(&format!("/api/v1/cases/{id}"));
    // The tower computes its own options by and by.
    common::eventually("options", || (read()["state"] == "proposed").then_some(()));
    command(&ann, &path("options"), &json!({"kind": "custom", "note": "Ask the neighbour"})).expect(200);
    let case = read();
    let own = case["options"].as_array().unwrap().iter().find(|option| option["edited_by"] == "ann").unwrap();
    let choice = json!({"option_id": own["id"], "version": case["version"]});
    let chosen = command_once(&ann, "choose-1", &path("choose"), &choice).expect(200);
    assert_eq!((&chosen["state"], &chosen["chosen_option"]), (&json!("awaiting_approval"), &own["id"]));
    assert_eq!(
        (&chosen["proposed_by"]["id"], &chosen["required"][0]["role"]),
        (&json!("ann"), &json!("category_manager"))
    );

    let approval = json!({"comment": "fine", "version": chosen["version"]});
    // Not by whoever chose it, not by an agent whatever else it is, not with another role.
    command(&ann, &path("approve"), &approval).expect_problem(403, "forbidden");
    command(&desk.acting("robot;agent,category_manager"), &path("approve"), &approval)
        .expect_problem(403, "forbidden");
    command(&desk.acting("carl;finance"), &path("approve"), &approval).expect_problem(403, "forbidden");
    let bob = desk.acting("bob;category_manager");
    let old = json!({"version": chosen["version"].as_u64().unwrap() - 1});
    let stale = command(&bob, &path("approve"), &old).expect_problem(409, "stale_version");
    assert_eq!(stale["current"]["version"], chosen["version"]);
    assert!(!stale["changes"].as_array().unwrap().is_empty(), "{stale}");
    let approved = command_once(&bob, "approve-1", &path("approve"), &approval).expect(200);
    assert_eq!(
        (&approved["votes"][0]["by"], &approved["votes"][0]["approves"]),
        (&json!("bob"), &json!(true))
    );
    assert_eq!(command_once(&bob, "approve-1", &path("approve"), &approval).expect(200), approved);
    let action = desk.read(&format!("/api/v1/actions?case_id={id}"))["items"][0].clone();
    assert_eq!((&action["kind"], &action["case_id"]), (&json!("custom"), &json!(id)), "{action}");
    let shown = desk.read(&format!("/api/v1/actions/{}", id_of(&action)));
    assert_eq!(shown["step"], action["step"]);
    // Nothing was delivered yet: it can be given up.
    let body = json!({"reason": "they called themselves"});
    let withdrawn = command(&bob, &format!("/actions/{}/withdraw", id_of(&action)), &body).expect(200);
    assert_eq!((&withdrawn["state"], &withdrawn["id"]), (&json!("withdrawn"), &action["id"]));
}
