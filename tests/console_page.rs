//! The console as a browser gets it: the page, its files and its settings, from a tower that wants credentials for
//! everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::{Response, Tower};
use serde_json::json;

fn policy(page: &Response) -> String {
    page.header("content-security-policy").expect("a policy").to_owned()
}

/// Files below `/assets` that a page names.
fn files(html: &str) -> Vec<String> {
    let names = html.split("\"/assets/").skip(1);
    names.map(|rest| format!("/assets/{}", rest.split('"').next().unwrap())).collect()
}

#[test]
fn anyone_gets_the_page_and_nobody_its_data() {
    let tower = Tower::launch().start();
    let client = tower.http();
    let page = client.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = policy(&page);
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");

    let html = page.text();
    if cfg!(console_built) {
        let files = files(&html);
        assert!(files.iter().any(|file| file.ends_with(".js")), "{html}");
        assert!(files.iter().any(|file| file.ends_with(".css")), "{html}");
        for file in files {
            let answer = client.get(&file);
            assert_eq!(answer.status, 200, "{file}");
            assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{file}");
            let kind = answer.header("content-type").unwrap_or_default();
            let meant = [(".js", "text/javascript"), (".css", "text/css"), (".svg", "image/svg+xml")];
            assert!(
                meant.iter().any(|(end, meant)| file.ends_with(end) && kind.starts_with(meant)),
                "{file} {kind}"
            );
        }
    } else {
        assert!(html.contains("make console"), "{html}");
    }
    // Nothing inline, which the policy forbids.
    assert!(!html.contains("<style") && !html.contains("style=\"") && !html.contains("<script>"), "{html}");
    client.get("/api/v1/stats").expect_problem(401, "unauthenticated");
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let tower = Tower::launch().start();
    for path in ["/assets/none.js", "/assets/", "/assets/../index.html", "/assets/%2e%2e/index.html"] {
        tower.http().get(path).expect_problem(404, "not_found");
    }
    // Not below /assets: nothing is told without credentials.
    tower.http().get("/index.html").expect_problem(401, "unauthenticated");
}

#[test]
fn the_page_learns_what_it_must_know_before_anyone_signs_in() {
    let tenants = "[tenants.default]\nbase_currency = \"EUR\"\ntimezone = \"Europe/Berlin\"\n";
    let tower = Tower::launch().configuration(tenants).start();
    let settings = tower.http().get("/console.json");
    let meant = json!({"dev": false, "tenant": "default", "base_currency": "EUR", "timezone": "Europe/Berlin", "demo": null});
    assert_eq!(settings.expect(200), meant);
    assert_eq!(settings.header("cache-control"), Some("no-store"));

    let tower = Tower::dev();
    assert_eq!(tower.http().get("/console.json").expect(200)["dev"], json!(true));
}

#[test]
fn in_a_demo_the_page_may_speak_with_what_controls_it() {
    let tower = Tower::launch().dev().demo_control("http://127.0.0.1:4321").start();
    let settings = tower.http().get("/console.json").expect(200);
    assert_eq!(settings["demo"], json!({"control": "http://127.0.0.1:4321"}));
    let policy = policy(&tower.http().get("/"));
    assert!(policy.contains("connect-src 'self' http://127.0.0.1:4321;"), "{policy}");

    for url in [
        "http://example.com",
        "http://10.0.0.1:80",
        "https://127.0.0.1:1",
        "http://127.0.0.1:1; script-src *",
    ] {
        let refused = tower.command(&["serve", "--demo-control", url]);
        assert_eq!(refused.status.code(), Some(2), "{url}");
    }
}
