//! A decision carried out with the tower killed at every step between: one action, one document.
//!
//! Rounds at random moments: `TIDEWATCH_KILL_ROUNDS` (2), from the seed `TIDEWATCH_KILL_SEED`.

mod common;
mod decision;

use std::time::Duration;

use common::Random;
use decision::{Decision, Scene};
use serde_json::json;

/// Kills the tower once `reach` got to the moment, and sees the decision through. What is held is let go when the tower
/// is up again.
fn killed(held: &[&str], reach: impl FnOnce(&mut Scene) -> Decision) {
    let mut scene = Scene::start(&[]);
    for fault in held {
        scene.sandbox.faults(&json!({*fault: true}));
    }
    let decision = reach(&mut scene);
    scene.kill_and_start_again();
    for fault in held {
        scene.sandbox.faults(&json!({*fault: false}));
    }
    scene.expect_one_document(&decision);
    // And nothing of it is done again by one more restart.
    scene.kill_and_start_again();
    scene.expect_one_document(&decision);
}

#[test]
fn after_the_choice_was_answered() {
    let mut scene = Scene::start(&[]);
    let decision = scene.choose();
    scene.kill_and_start_again();
    scene.approve(&decision);
    scene.expect_one_document(&decision);
}

#[test]
fn after_the_approval_was_answered() {
    killed(&["hold_requests"], Scene::decide);
}

#[test]
fn after_the_attempt_was_journaled_and_before_it_arrived() {
    killed(&["hold_requests"], |scene| {
        let decision = scene.decide();
        scene.wait_for_action(&decision, "sending");
        decision
    });
}

#[test]
fn after_it_arrived_and_before_it_was_recorded() {
    killed(&["hold_requests"], |scene| {
        let decision = scene.decide();
        scene.eventually("a request", |scene| (scene.sandbox.told()["requests"] != json!(0)).then_some(()));
        decision
    });
}

#[test]
fn after_it_was_recorded_and_before_the_answer() {
    killed(&["hold_answers", "hold_events"], |scene| {
        let decision = scene.decide();
        scene.wait_for_record();
        decision
    });
}

#[test]
fn after_the_document_came_and_before_the_answer() {
    killed(&["hold_answers"], |scene| {
        let decision = scene.decide();
        scene.wait_for_action(&decision, "documented");
        decision
    });
}

#[test]
fn after_its_result_was_journaled_and_before_the_document() {
    killed(&["hold_events"], |scene| {
        let decision = scene.decide();
        scene.wait_for_action(&decision, "delivered");
        decision
    });
}

#[test]
fn after_the_document_was_matched() {
    killed(&[], |scene| {
        let decision = scene.decide();
        scene.wait_for_action(&decision, "documented");
        decision
    });
}

#[test]
fn while_the_document_is_on_its_way() {
    let mut scene = Scene::start(&[]);
    scene.sandbox.faults(&json!({"hold_events": true}));
    let decision = scene.decide();
    scene.wait_for_action(&decision, "delivered");
    scene.tower.kill();
    scene.sandbox.faults(&json!({"hold_events": false}));
    scene.tower.start_again();
    scene.expect_one_document(&decision);
}

#[test]
fn both_at_once_after_it_was_recorded() {
    let mut scene = Scene::start(&[]);
    scene.sandbox.faults(&json!({"hold_answers": true, "hold_events": true}));
    let decision = scene.decide();
    scene.wait_for_record();
    scene.tower.kill();
    scene.sandbox.kill();
    scene.sandbox.start_again();
    scene.tower.start_again();
    scene.expect_one_document(&decision);
}

#[test]
fn at_random_moments_with_a_target_that_fails_at_random() {
    let from_environment = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let seed = from_environment("TIDEWATCH_KILL_SEED", 1);
    for round in 0..from_environment("TIDEWATCH_KILL_ROUNDS", 2) {
        let mut random = Random::new(seed * 1_000 + round);
        eprintln!("seed {seed}, round {round}");
        let mut scene = Scene::start(&[]);
        scene.sandbox.faults(&json!({
            "slow_ms": random.below(60), "fail_rate": 0.3, "lose_answers": 0.3, "seed": seed + round,
        }));
        let decision = scene.decide();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(random.below(120)));
            scene.kill_and_start_again();
        }
        scene.sandbox.faults(&json!({"slow_ms": 0, "fail_rate": 0, "lose_answers": 0}));
        scene.expect_one_document(&decision);
    }
}
