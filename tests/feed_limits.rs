//! Sockets that must end: those of a revoked key, and those whose client takes nothing; and how many tickets one may have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::time::{Duration, Instant};

use common::feed::Feed;
use common::{Batch, Tower, eventually};
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

#[test]
fn a_revoked_key_ends_its_sockets() {
    let tower = Tower::launch().configuration("[feed]\nping_interval_s = 1\n").start();
    let (revoked, key) = tower.create_key("leaves", "viewer", &[]);
    let (_, other) = tower.create_key("stays", "viewer", &[]);
    std::thread::sleep(Duration::from_secs(1));
    let leaves = tower.http().with_key(&key);
    let (mut by_header, _) = Feed::hello(&leaves);
    let ticket = leaves.send("POST", "/api/v1/feed/tickets", &[], b"").expect(200)["ticket"].clone();
    let path = format!("/api/v1/feed?ticket={}", ticket.as_str().unwrap());
    let mut by_ticket = Feed::open_at(&tower.http(), &path).unwrap();
    let (mut stays, _) = Feed::hello(&tower.http().with_key(&other));
    assert!(tower.command(&["keys", "revoke", &revoked]).status.success());
    for feed in [&mut by_header, &mut by_ticket] {
        let deadline = Instant::now() + Duration::from_secs(15);
        while feed.closed.is_none() && Instant::now() < deadline {
            feed.next(Duration::from_millis(200));
        }
        let (code, reason) = feed.closed.clone().expect("closed");
        assert_eq!((code, reason.as_str()), (1008, "the key was revoked"));
    }
    while stays.next(Duration::from_millis(1_500)).is_some_and(|frame| frame["type"] != "ping") {}
    assert_eq!(stays.closed, None);
}

#[test]
fn one_principal_has_only_so_many_tickets() {
    let tower = Tower::launch().dev().configuration("[feed]\ntickets_per_principal_max = 2\n").start();
    let ask = |name: &str| {
        let act_as = format!("{name};viewer");
        let headers = [("X-Tidewatch-Act-As", act_as.as_str())];
        tower.http().send("POST", "/api/v1/feed/tickets", &headers, b"")
    };
    let first = ask("anna").expect(200)["ticket"].as_str().unwrap().to_owned();
    ask("anna").expect(200);
    ask("anna").expect_problem(429, "too_many_requests");
    ask("bob").expect(200);
    assert!(Feed::open_at(&tower.http(), &format!("/api/v1/feed?ticket={first}")).is_ok());
    ask("anna").expect(200);
}

#[test]
fn a_client_that_takes_nothing_is_dropped_though_it_talks() {
    let tower =
        Tower::launch().dev().configuration("[feed]\nping_interval_s = 1\nsilence_close_s = 3\n").start();
    let client = tower.http();
    let mut batch = Batch::new("many");
    let mut lsn = 0;
    for i in 0..2_000 {
        let sku = format!("many-{i}");
        batch.add(
            "order.placed",
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
        );
        if batch.events.len() == 500 {
            lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
        }
    }
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);

    let request = format!("ws://{}/api/v1/feed", client.address).into_client_request().unwrap();
    let stream = client.connect().unwrap();
    // Left alone, this machine may be willing to hold tens of megabytes for a client that does not read.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 << 10).unwrap();
    let (mut socket, _) = tungstenite::client::client(request, stream).unwrap();
    // More than the tower's own send buffer holds, which grows to a few megabytes.
    for number in 0..12 {
        let subscribe = json!({"type": "subscribe", "id": format!("q{number}"), "topics": ["exceptions"], "snapshot": true});
        socket.send(Message::text(subscribe.to_string())).unwrap();
    }
    let started = Instant::now();
    while socket.send(Message::text(r#"{"type":"pong"}"#)).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(40), "the connection is still there");
        std::thread::sleep(Duration::from_millis(200));
    }
    eventually("the tower to forget the socket", || {
        let metrics = client.get("/metrics").text();
        metrics.contains("tidewatch_feed_sockets 0").then_some(())
    });
}
