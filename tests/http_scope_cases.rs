//! A case and its options through a scope: what it says of other places is neither shown nor decided.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod commands;
mod common;

use commands::{Desk, START, command, faults, id_of};
use common::feed::Feed;
use common::{Client, Tower};
use serde_json::{Value, json};

/// Item A is short at S1, and S2 could give some: a case with an option to move it.
struct Scene {
    desk: Desk,
    case: String,
    transfer: String,
    /// Sees S1 alone.
    carl: Client,
}

impl Scene {
    fn open() -> Scene {
        let mut desk = Desk::open(Tower::launch());
        let lane = json!({"from": "S2", "to": "S1", "transit_days": 1, "cost_per_unit": "0.10"});
        desk.tell("lane.described", START, lane);
        desk.tell("inventory.counted", START, json!({"sku": "A", "location": "S2", "on_hand": 500}));
        let one = id_of(&desk.run_short("A", "S1", START));
        let case = command(&desk.acting("ann;planner"), "/cases", &json!({"exceptions": [one]})).expect(201);
        let case = id_of(&case);
        let transfer = common::eventually("an option to transfer", || {
            let item = desk.read(&format!("/api/v1/cases/{case}"));
            Some(id_of(&transfer_of(&item)?))
        });
        let roles = ["--role", "supply_planner", "--role", "category_manager", "--scope", "location=S1"];
        let (_, key) = desk.tower.create_key("carl", "planner", &roles);
        let carl = common::eventually("the key works", || {
            let client = desk.tower.http().with_key(&key);
            (client.get("/api/v1/cases").status == 200).then_some(client)
        });
        Scene { desk, case, transfer, carl }
    }

    fn version(&self) -> Value {
        self.desk.read(&format!("/api/v1/cases/{}", self.case))["version"].clone()
    }
}

fn transfer_of(case: &Value) -> Option<Value> {
    case["options"].as_array()?.iter().find(|option| option["kind"] == "transfer").cloned()
}

/// The option names the other end, and says nothing else of it.
#[track_caller]
fn check_narrowed(case: &Value) {
    let option = transfer_of(case).expect("the option to transfer");
    assert_eq!(option["hidden"], 1, "{option}");
    let places = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|place| place["location"].clone()).collect()
    };
    assert_eq!(places(&option["effects"]), ["S1"], "{option}");
    assert_eq!(places(&option["basis"]["inputs"]), ["S1"], "{option}");
    assert_eq!(option["steps"][0]["from"], "S2");
    let gates = option["gates"].as_array().unwrap();
    let donor = gates.iter().find(|gate| gate["gate"] == "donor").expect("a gate");
    assert_eq!(donor["detail"], "a place outside your scope");
    let names: Vec<&str> = option["explanation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"loss_before:A@S1"), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("@S2") || *name == "benefit"), "{names:?}");
}

#[test]
fn reads_and_frames_leave_out_what_is_outside_the_scope() {
    let scene = Scene::open();
    let path = format!("/api/v1/cases/{}", scene.case);
    let whole = transfer_of(&scene.desk.read(&path)).unwrap();
    assert_eq!((&whole["hidden"], whole["effects"].as_array().unwrap().len()), (&json!(0), 2));

    check_narrowed(&scene.carl.get(&path).expect(200));
    check_narrowed(&scene.carl.get("/api/v1/cases").expect(200)["items"][0]);
    let why = scene.carl.get(&format!("{path}/why")).expect(200);
    assert!(!why.to_string().contains("A@S2"), "{why}");

    let (mut feed, _) = Feed::hello(&scene.carl);
    feed.subscribe("all", &["cases"], None, true);
    let snapshot = feed.snapshot("all", "cases");
    check_narrowed(&snapshot[0]);
    // Live, and as the answer to a command.
    let said = command(&scene.carl, &format!("/cases/{}/comment", scene.case), &json!({"text": "hm"}));
    check_narrowed(&said.expect(200));
    let frame = feed.until("the comment", |frame| frame["kind"] == "case.commented");
    check_narrowed(&frame["item"]);
    // Whoever sees all gets it whole, also where both follow.
    let (mut open, hello) = Feed::hello(&scene.desk.tower.http());
    open.subscribe("all", &["cases"], hello["position"].as_str(), false);
    let ann = scene.desk.acting("ann;planner");
    command(&ann, &format!("/cases/{}/comment", scene.case), &json!({"text": "well"})).expect(200);
    let frame = open.until("the comment", |frame| frame["kind"] == "case.commented");
    assert_eq!(transfer_of(&frame["item"]).unwrap(), whole);
    let frame = feed.until("the comment", |frame| frame["kind"] == "case.commented");
    check_narrowed(&frame["item"]);
    // From the past, filtered by what is not shown.
    let position = hello["position"].as_str().unwrap();
    let (mut again, _) = Feed::hello(&scene.carl);
    for (id, filter, shown) in [
        ("other", "options.exists(o, o.effects.exists(e, e.location == 'S2'))", false),
        ("own", "options.exists(o, o.effects.exists(e, e.location == 'S1'))", true),
    ] {
        again.say(&json!({"type": "subscribe", "id": id, "topics": ["cases"], "since": position,
            "where": filter, "snapshot": false}));
        let frame = again.until("an event", |frame| frame["type"] == "event" && frame["id"] == id);
        assert_eq!(frame["matches"] != json!(false), shown, "{frame}");
        if shown {
            check_narrowed(&frame["item"]);
        }
    }
}

#[test]
fn nobody_decides_about_places_outside_the_scope() {
    let scene = Scene::open();
    let path = |what: &str| format!("/cases/{}/{what}", scene.case);
    let choose = |option: &str| json!({"option_id": option, "version": scene.version()});
    command(&scene.carl, &path("choose"), &choose(&scene.transfer)).expect_problem(403, "forbidden");
    let edit = json!({"option_id": scene.transfer, "quantity": 1});
    command(&scene.carl, &path("options"), &edit).expect_problem(403, "forbidden");
    // What touches S1 alone is for Carl to choose.
    command(&scene.carl, &path("choose"), &choose("do_nothing")).expect(200);
    let ann = scene.desk.acting("ann;planner");
    command(&ann, &path("choose"), &choose(&scene.transfer)).expect(200);
    let approve = json!({"version": scene.version()});
    command(&scene.carl, &path("approve"), &approve).expect_problem(403, "forbidden");
    let approved = command(&scene.desk.acting("bob;planner"), &path("approve"), &approve).expect(200);
    let action = id_of(&approved["actions"][0]);
    // The action has one end here: it is shown, and not for Carl to give up.
    let shown = scene.carl.get(&format!("/api/v1/actions/{action}")).expect(200);
    assert_eq!(shown["step"]["from"], "S2");
    command(&scene.carl, &format!("/actions/{action}/withdraw"), &json!({"reason": "x"}))
        .expect_problem(403, "forbidden");
}

#[test]
fn an_order_comes_from_no_place_and_nothing_moves_to_where_it_is() {
    let scene = Scene::open();
    let check = |body: Value, pointer: &str| {
        let ann = scene.desk.acting("ann;planner");
        let path = format!("/cases/{}/options", scene.case);
        let problem = command(&ann, &path, &body).expect_problem(422, "invalid_data");
        assert_eq!(faults(&problem), [(pointer.to_owned(), "conflict".to_owned())], "{body}");
    };
    let step = |kind: &str, from: &str| json!({"kind": kind, "sku": "A", "location": "S1", "from": from, "quantity": 1});
    check(step("order", "S2"), "/from");
    check(step("transfer", "S1"), "/from");
    check(
        json!({"kind": "custom", "title": "both", "steps": [step("transfer", "S2"), step("order", "S2")]}),
        "/steps/1/from",
    );
    check(json!({"option_id": scene.transfer, "from": "S1"}), "/from");
}
