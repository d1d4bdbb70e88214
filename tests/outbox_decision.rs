//! A decision carried out, from the event that made it necessary to the document in the system of record.

mod common;
mod decision;

use decision::{DAY, MONDAY, Scene};
use serde_json::json;

#[test]
fn from_event_to_document() {
    let mut scene = Scene::start(&[]);
    scene.sandbox.faults(&json!({"hold_requests": true}));
    let decision = scene.decide();
    let stock = scene.stock();
    assert_eq!(
        stock["planned"].as_f64(),
        Some(decision.quantity),
        "counts as soon as it is approved: {stock}"
    );
    assert_eq!(stock["on_order"].as_f64(), Some(decision.quantity), "{stock}");

    scene.sandbox.faults(&json!({"hold_requests": false}));
    scene.expect_one_document(&decision);
    let case = scene.case(&decision.case).unwrap();
    let (action, step) = (&case["actions"][0], &decision.option["steps"][0]);
    assert_eq!(action["attempt_count"], json!(1));
    assert_eq!(action["document"]["quantity"], step["quantity"]);
    let told = &scene.sandbox.actions()[0]["request"];
    for field in ["kind", "sku", "location", "from", "supplier", "quantity", "arrives_at", "unit_cost"] {
        assert_eq!(told[field], step[field], "{field}");
    }
    assert_eq!((&told["case_id"], &told["tenant"]), (&json!(decision.case), &json!("default")));

    // The statistics count it, and the rates of the last minute come with the seconds.
    let stats = scene.eventually("rates", |scene| {
        let stats = scene.client().get("/api/v1/stats?settled=true").expect(200);
        let rate = |name: &str| stats["rates"][name].as_f64();
        (rate("accepted_per_second")? > 0.0 && rate("seconds")? > 1.5).then_some(stats)
    });
    let rates = &stats["rates"];
    let rate = |name: &str| rates[name].as_f64().unwrap_or_else(|| panic!("{name}: {rates}"));
    // An event is in the journal before it is counted as accepted: within a short time the two need not agree.
    assert!(rate("records_per_second") > 0.0 && (0.0..=61.0).contains(&rate("seconds")), "{rates}");
    assert_eq!(rate("rejected_per_second"), 0.0);
    let cases = &stats["cases"];
    let state = scene.case(&decision.case).unwrap()["state"].as_str().unwrap().to_owned();
    assert_eq!((&cases["approved"], &cases["by_state"][&state]), (&json!(1), &json!(1)), "{cases}");
    assert_eq!(cases["actions_by_state"], json!({"documented": 1}), "{cases}");
    let hours = cases["hours_to_approval"]["p90"].as_f64();
    assert!(hours.is_some_and(|hours| (0.0..1.0).contains(&hours)), "{cases}");
    let open = scene.client().list("/api/v1/exceptions?grouped=false");
    let is = |state: &str| open.iter().filter(|item| item["state"] == state).count();
    let waits = &stats["exceptions"];
    assert_eq!(
        (&waits["unacknowledged"], &waits["in_case"], &waits["snoozed"]),
        (&json!(is("open")), &json!(is("in_case")), &json!(0)),
        "{waits}"
    );
}

#[test]
fn the_erp_is_down_and_comes_back() {
    let mut scene = Scene::start(&["--down"]);
    let decision = scene.decide();
    let case = decision.case.clone();
    let action = scene.eventually("several attempts", |scene| {
        let action = scene.case(&case)?["actions"][0].clone();
        (action["attempt_count"].as_u64()? >= 3).then_some(action)
    });
    assert_eq!(action["attempts"][0]["outcome"], "failed", "{action}");
    assert_eq!(action["attempts"][0]["status"], 503, "{action}");
    assert_eq!(scene.stock()["planned"].as_f64(), Some(decision.quantity), "it counts meanwhile");
    assert!(scene.sandbox.actions().is_empty());
    scene.sandbox.faults(&json!({"down": false}));
    scene.expect_one_document(&decision);
}

#[test]
fn nobody_listens_and_then_somebody_does() {
    let mut scene = Scene::start(&[]);
    scene.sandbox.kill();
    let decision = scene.choose();
    scene.approve(&decision);
    let case = decision.case.clone();
    // The sandbox can't be asked while it is away.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while scene.case(&case).unwrap()["actions"][0]["attempt_count"].as_u64() < Some(2) {
        assert!(std::time::Instant::now() < deadline, "no second attempt");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    scene.sandbox.start_again();
    scene.expect_one_document(&decision);
}

#[test]
fn after_enough_attempts_it_is_a_dead_letter_that_a_person_tries_again() {
    let mut scene = Scene::with("attempts_max = 3\n", common::Tower::launch(), now(), &["--down"]);
    let decision = scene.decide();
    let action = scene.wait_for_action(&decision, "dead");
    assert_eq!((&action["attempt_count"], &action["next_attempt_at"]), (&json!(3), &json!(null)), "{action}");
    // An attempt is counted once its flight is over, a moment after its result is known.
    scene.eventually("three failed attempts in the metrics", |scene| {
        let metrics = scene.client().get("/metrics").text();
        metrics.contains("tidewatch_outbox_attempts_total{target=\"erp\",outcome=\"failed\"} 3").then_some(())
    });
    // A restart does not wake it; a person does.
    scene.kill_and_start_again();
    assert_eq!(scene.wait_for_action(&decision, "dead")["attempt_count"], json!(3));
    scene.sandbox.faults(&json!({"down": false}));
    let path = format!("/api/v1/actions/{}/retry", action["id"].as_str().unwrap());
    scene.client().send("POST", &path, &[("Content-Type", "application/json")], b"{}").expect(200);
    scene.expect_one_document(&decision);
}

#[test]
fn an_answer_that_was_lost_does_not_order_twice() {
    let mut scene = Scene::start(&["--loss", "1"]);
    // The document would say that nothing more needs to be asked.
    scene.sandbox.faults(&json!({"hold_events": true}));
    let decision = scene.decide();
    scene.eventually("a second attempt", |scene| {
        (scene.sandbox.actions().first()?["seen"].as_u64()? >= 2).then_some(())
    });
    scene.sandbox.faults(&json!({"lose_answers": 0, "hold_events": false}));
    scene.expect_one_document(&decision);
}

#[test]
fn a_lost_answer_is_not_asked_for_again_where_a_repeat_would_count() {
    let target = "idempotent = false\n";
    let mut scene = Scene::with(target, common::Tower::launch(), now(), &["--loss", "1"]);
    scene.sandbox.faults(&json!({"hold_events": true}));
    let decision = scene.decide();
    let action = scene.wait_for_action(&decision, "dead");
    assert_eq!(action["attempts"][0]["outcome"], "unknown", "{action}");
    assert!(action["error"].as_str().unwrap().contains("look there"), "{action}");
    assert_eq!(scene.sandbox.actions()[0]["seen"], json!(1));
    // The document says what became of it.
    scene.sandbox.faults(&json!({"hold_events": false}));
    scene.expect_one_document(&decision);
}

#[test]
fn a_refusal_is_an_exception_and_counts_no_more() {
    let mut scene = Scene::start(&["--wrong", "refuse"]);
    let decision = scene.decide();
    let action = scene.wait_for_action(&decision, "refused");
    assert_eq!(action["attempt_count"], json!(1), "not asked again: {action}");
    scene.wait_for_exception("action_refused");
    scene.eventually("stock without planned supply", |scene| {
        let seen = scene.client().get("/api/v1/sku-locations/A/L1").expect(200);
        (seen["planned"] == json!(0) && seen["on_order"] == json!(0)).then_some(())
    });
    assert!(scene.sandbox.documents().is_empty());
}

#[test]
fn another_quantity_than_approved_is_an_exception() {
    let mut scene = Scene::start(&["--wrong", "quantity"]);
    let decision = scene.decide();
    scene.wait_for_action(&decision, "documented");
    scene.wait_for_exception("reconciliation_mismatch");
    let stock = scene.stock();
    assert_eq!(stock["on_order"].as_f64(), Some(decision.quantity / 2.0), "what the document says: {stock}");
}

#[test]
fn another_date_than_approved_is_an_exception() {
    let mut scene = Scene::start(&["--wrong", "date"]);
    let decision = scene.decide();
    scene.wait_for_action(&decision, "documented");
    scene.wait_for_exception("reconciliation_mismatch");
}

#[test]
fn silence_is_an_exception_and_in_the_end_counts_no_more() {
    let mut scene = Scene::on_event_clock(&["--wrong", "silence"]);
    let decision = scene.decide();
    let action = scene.wait_for_action(&decision, "delivered");
    let expires_at: jiff::Timestamp = action["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(scene.stock()["planned"].as_f64(), Some(decision.quantity));
    // A day at a time, as a tenant's clock goes.
    let mut at = MONDAY;
    while at < expires_at.as_second() + DAY {
        at += DAY;
        scene.advance(at);
    }
    scene.wait_for_exception("action_unconfirmed");
    scene.eventually("stock without planned supply", |scene| {
        let seen = scene.client().get("/api/v1/sku-locations/A/L1").expect(200);
        (seen["planned"] == json!(0)).then_some(())
    });
}

#[test]
fn on_an_event_clock_retries_go_on_while_time_stands_still() {
    let mut scene = Scene::on_event_clock(&["--down"]);
    let decision = scene.decide();
    let case = decision.case.clone();
    scene.eventually("several attempts", |scene| {
        (scene.case(&case)?["actions"][0]["attempt_count"].as_u64()? >= 3).then_some(())
    });
    scene.sandbox.faults(&json!({"down": false}));
    scene.expect_one_document(&decision);
    let event_time = &scene.case(&decision.case).unwrap()["actions"][0]["delivered_at"];
    assert_eq!(event_time, &json!("2026-01-19T12:00:00Z"), "in the tenant's time");
}

#[test]
fn a_stop_lets_an_attempt_end_and_a_start_goes_on() {
    let mut scene = Scene::start(&["--slow", "500"]);
    let decision = scene.decide();
    scene.wait_for_record();
    scene.tower.stop();
    scene.tower.start_again();
    scene.expect_one_document(&decision);
    let action = &scene.case(&decision.case).unwrap()["actions"][0];
    assert_eq!(action["attempt_count"], json!(1), "the stop waited for it: {action}");
}

#[test]
fn without_an_address_actions_wait_and_are_seen() {
    let mut scene = Scene::with("", common::Tower::launch(), now(), &[]);
    scene.sandbox.faults(&json!({"hold_requests": true}));
    let decision = scene.choose();
    // The same journal, and nobody says where the ERP is.
    scene.tower.kill();
    scene.tower.configure("");
    scene.tower.start_again();
    scene.approve(&decision);
    let action = scene.wait_for_action(&decision, "pending");
    assert_eq!(action["attempt_count"], json!(0));
    scene.eventually("a metric", |scene| {
        scene
            .client()
            .get("/metrics")
            .text()
            .contains("tidewatch_outbox_pending{target=\"erp\"} 1")
            .then_some(())
    });
    assert!(scene.tower.log().contains("approved actions wait"), "{}", scene.tower.log());
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
