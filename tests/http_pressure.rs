//! More work than credits: what is refused is told, and sent again it is there once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::{Client, Response, Tower, event};
use serde_json::{Value, json};

const CONFIGURATION: &str = "[admission]\nrecords_max = 1000\n";
const WRITERS: u64 = 6;
const EVENTS: u64 = 900;

fn events(writer: u64) -> Vec<Value> {
    (0..EVENTS)
        .map(|i| {
            event(
                "pos.sale",
                &format!("{writer}-{i}"),
                json!({"sku": format!("P{writer}"), "location": "L1", "quantity": 1}),
            )
        })
        .collect()
}

fn send(client: &Client, lines: bool, events: &[Value]) -> Response {
    if lines {
        let body: String = events.iter().map(|event| format!("{event}\n")).collect();
        client.post("application/x-ndjson", body)
    } else {
        client.post_batch(events)
    }
}

#[test]
fn more_than_there_are_credits_for_is_refused_and_may_come_again() {
    let tower = Tower::launch().dev().configuration(CONFIGURATION).start();
    let refused: u64 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let client = tower.http();
                scope.spawn(move || {
                    let events = events(writer);
                    let (mut refused, mut accepted) = (0, 0);
                    for _ in 0..200 {
                        let answer = send(&client, writer % 2 == 0, &events);
                        if answer.status == 202 {
                            let receipt = answer.json();
                            accepted += receipt["accepted"].as_u64().unwrap();
                            assert_eq!(accepted, EVENTS, "each was accepted once: {receipt}");
                            return refused;
                        }
                        let told = answer.expect_any_problem(429);
                        assert!(
                            answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok())
                        );
                        if let Some(processed) = told["processed"].as_u64() {
                            let counted =
                                ["accepted", "duplicates", "rejected"].map(|key| told[key].as_u64().unwrap());
                            assert_eq!(counted.iter().sum::<u64>(), processed, "{told}");
                            accepted += counted[0];
                        }
                        refused += 1;
                        std::thread::sleep(std::time::Duration::from_millis(50));
                    }
                    panic!("refused 200 times")
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    eprintln!("{refused} requests refused");
    let client = tower.http();
    let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
    for writer in 0..WRITERS {
        let seen = client.settled(&format!("/api/v1/sku-locations/P{writer}/L1"), lsn).expect(200);
        assert_eq!(seen["on_hand"], json!(-i64::try_from(EVENTS).unwrap()));
    }
    // More events in one request than there are credits at all.
    let many: Vec<Value> = (0..3_000)
        .map(|i| {
            event("pos.sale", &format!("many-{i}"), json!({"sku": "many", "location": "L1", "quantity": 1}))
        })
        .collect();
    let mut rest: &[Value] = &many;
    for _ in 0..200 {
        let answer = send(&client, true, rest);
        if answer.status == 202 {
            rest = &[];
            break;
        }
        let told = answer.expect_any_problem(429);
        rest = &rest[usize::try_from(told["processed"].as_u64().unwrap_or(0)).unwrap()..];
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(rest.is_empty(), "{} events never got in", rest.len());
    let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/sku-locations/many/L1", lsn).expect(200)["on_hand"], -3_000);
}
