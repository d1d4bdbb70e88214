//! The pages under `/docs`, as a browser gets them from a tower that wants credentials for everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;

use common::{Client, Tower};

/// Addresses that a page refers to, but for links elsewhere that a reader may follow.
fn links(html: &str) -> Vec<String> {
    let html = html.replace("<a href=\"https://", "");
    let attributes = ["href=\"", "src=\""].into_iter().flat_map(|start| html.split(start).skip(1));
    attributes.map(|rest| rest[..rest.find('"').unwrap()].split('#').next().unwrap().to_owned()).collect()
}

fn visit(client: &Client, path: &str, seen: &mut BTreeSet<String>) {
    if path.is_empty() || !seen.insert(path.to_owned()) {
        return;
    }
    let page = client.get(path);
    assert_eq!(page.status, 200, "{path}");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
    let kind = page.header("content-type").unwrap_or_default().to_owned();
    if kind.starts_with("text/html") {
        for link in links(&page.text()) {
            assert!(link.is_empty() || link.starts_with('/'), "{path} leaves the server: {link}");
            visit(client, &link, seen);
        }
    }
}

#[test]
fn a_browser_reads_all_of_it_without_credentials() {
    let tower = Tower::launch().start();
    let client = tower.http();
    client.get("/api/v1/stats").expect_problem(401, "unauthenticated");
    let mut seen = BTreeSet::new();
    visit(&client, "/docs", &mut seen);
    for path in [
        "/docs/api/swagger-ui-bundle.js",
        "/docs/feed/reference",
        "/docs/exceptions",
        "/docs/cases",
        "/docs/outbox",
        "/docs/why",
        "/docs/errors/count_too_old",
        "/asyncapi.json",
    ] {
        assert!(seen.contains(path), "{path} is not linked to");
    }
    assert!(seen.len() > 60, "{seen:?}");
    assert_eq!(client.get("/docs/").text(), client.get("/docs").text());
    client.get("/docs/errors/none").expect_problem(404, "not_found");
    client.get("/docsx").expect_problem(401, "unauthenticated");
}
