//! Who may do what, over real HTTP: without `--dev` everything but health wants a key, keys have roles and scopes,
//! and nothing outside a principal's tenant and scope shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::time::Duration;

use common::feed::Feed;
use common::http::encode;
use common::{Batch, Client, Tower, event, eventually};
use serde_json::{Value, json};

const CONFIGURATION: &str =
    "[tenants.other]\nclock = \"wall\"\nbase_currency = \"USD\"\ntimezone = \"UTC\"\n";

#[test]
fn keys_roles_and_scopes_hold() {
    let tower = Tower::launch().configuration(CONFIGURATION).start();
    checks!(
        tower,
        without_credentials_only_health_is_shown,
        the_documents_are_public,
        the_feed_wants_credentials,
        a_feed_ticket_is_good_once,
        a_key_works_within_a_second_and_until_it_is_revoked,
        roles_have_their_authority,
        a_scope_narrows_every_read,
        a_path_scope_narrows_to_its_items,
        a_supplier_scope_narrows_to_its_supplier,
        a_scope_narrows_what_is_quarantined,
        nobody_sees_numbers_that_others_are_in,
        tenants_do_not_see_each_other,
        nobody_acts_as_someone_else,
        wrong_key_commands_are_refused,
    );
}

#[test]
fn the_development_mode_can_act_as_someone_else() {
    let tower = Tower::dev();
    let client = tower.http();
    let sold = event("pos.sale", "dev", json!({"sku": "A", "location": "L1", "quantity": 1}));
    assert_eq!(client.post_event(&sold).status, 202);
    let acting = |who: &str| tower.http().with_header("X-Tidewatch-Act-As", who);
    let again = event("pos.sale", "dev-2", json!({"sku": "A", "location": "L1", "quantity": 1}));
    acting("eve;viewer").post_event(&again).expect_any_problem(403);
    // The only tenant's own numbers are those of the process.
    let stats = acting("eve;viewer").get("/api/v1/stats?settled=true").expect(200);
    assert_eq!((&stats["events"]["accepted"], &stats["entities"]), (&json!(1), &json!(3)), "{stats}");
    assert_eq!(acting("eve;viewer").get("/api/v1/sku-locations/A/L1").status, 200);
    assert_eq!(acting("ian;integration").post_event(&again).status, 202);
    assert_eq!(acting("ann;viewer,integration").post_event(&again).expect(202)["duplicates"], 1);
    let status = acting("bob;emperor").get("/api/v1/stats").status;
    assert!(status == 400 || status == 401 || status == 403, "an unknown role: {status}");
    assert!(tower.log().to_lowercase().contains("dev"), "it says so loudly: {}", tower.log());
}

fn client(tower: &Tower, role: &str, more: &[&str]) -> Client {
    let (_, key) = tower.create_key(&format!("{role}-key"), role, more);
    let client = tower.http().with_key(&key);
    eventually("the key to work", || (client.get("/api/v1/stats").status != 401).then_some(()));
    client
}

fn without_credentials_only_health_is_shown(tower: &Tower) {
    let anonymous = tower.http();
    assert_eq!(anonymous.get("/healthz").status, 200);
    assert_eq!(anonymous.get("/readyz").status, 200);
    for path in [
        "/api/v1/sku-locations",
        "/api/v1/sku-locations/a/b",
        "/api/v1/sku-locations/a/b/projection",
        "/api/v1/suppliers",
        "/api/v1/exceptions",
        "/api/v1/items",
        "/api/v1/locations",
        "/api/v1/stats",
        "/api/v1/quarantine",
        "/metrics",
    ] {
        anonymous.get(path).expect_any_problem(401);
        tower.http().with_key("not-a-key").get(path).expect_any_problem(401);
    }
    let refused = anonymous.get("/api/v1/stats");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"tidewatch\""));
    anonymous.post_event(&event("pos.sale", "x", json!({}))).expect_any_problem(401);
    anonymous.post("text/plain", "x").expect_any_problem(401);
    for value in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "nonsense", "Bearer a b"] {
        tower.http().with_header("Authorization", value).get("/api/v1/stats").expect_any_problem(401);
    }
}

fn the_documents_are_public(tower: &Tower) {
    for path in ["/openapi.json", "/asyncapi.json", "/docs", "/docs/api", "/docs/errors/not_found"] {
        assert_eq!(tower.http().get(path).status, 200, "{path}");
    }
    tower.http().get("/docs/../api/v1/stats").expect_problem(404, "not_found");
}

fn the_feed_wants_credentials(tower: &Tower) {
    assert_eq!(Feed::open(&tower.http()).err(), Some(401));
    assert_eq!(Feed::open(&tower.http().with_key("not-a-key")).err(), Some(401));
    assert!(Feed::open(&client(tower, "viewer", &[])).is_ok());
}

fn a_feed_ticket_is_good_once(tower: &Tower) {
    let ticket = |client: &Client| client.send("POST", "/api/v1/feed/tickets", &[], b"");
    ticket(&tower.http()).expect_any_problem(401);
    let answer = ticket(&client(tower, "viewer", &["--scope", "location=nowhere"]));
    assert!(answer.status == 200 || answer.status == 201, "{}: {}", answer.status, answer.text());
    let answer = answer.json();
    assert!(answer["expires_at"].as_str().is_some_and(|text| text.ends_with('Z')), "{answer}");
    let path = format!("/api/v1/feed?ticket={}", encode(answer["ticket"].as_str().expect("a ticket")));
    let mut feed = Feed::open_at(&tower.http(), &path).expect("a ticket proves itself");
    assert_eq!(feed.next(Duration::from_secs(5)).expect("a hello")["type"], "hello");
    assert_eq!(Feed::open_at(&tower.http(), &path).err(), Some(401), "good once");
    assert_eq!(Feed::open_at(&tower.http(), "/api/v1/feed?ticket=made-up").err(), Some(401));

    // One of a key that was revoked meanwhile opens nothing.
    let (id, key) = tower.create_key("leaving", "viewer", &[]);
    let leaving = tower.http().with_key(&key);
    let told = eventually("the key to work", || Some(ticket(&leaving)).filter(|told| told.status == 200));
    let text = told.json()["ticket"].as_str().expect("a ticket").to_owned();
    assert!(tower.command(&["keys", "revoke", &id]).status.success());
    eventually("the key to be refused", || (leaving.get("/api/v1/stats").status == 401).then_some(()));
    let path = format!("/api/v1/feed?ticket={}", encode(&text));
    assert_eq!(Feed::open_at(&tower.http(), &path).err(), Some(401));
}

fn a_key_works_within_a_second_and_until_it_is_revoked(tower: &Tower) {
    let (id, key) = tower.create_key("short-lived", "viewer", &[]);
    assert!(!id.is_empty() && key.len() >= 20, "{id} {key}");
    std::thread::sleep(Duration::from_secs(1));
    let client = tower.http().with_key(&key);
    assert_eq!(client.get("/api/v1/stats").status, 200, "a key works within a second");
    let listed = tower.command(&["keys", "list", "--json"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains(&id) && listed.contains("short-lived"), "{listed}");
    assert!(!listed.contains(&key), "a key is shown once: {listed}");
    let revoked = tower.command(&["keys", "revoke", &id]);
    assert!(revoked.status.success(), "{revoked:?}");
    std::thread::sleep(Duration::from_millis(1500));
    client.get("/api/v1/stats").expect_any_problem(401);
    // The secret stands nowhere in the data.
    for file in walk(&tower.data()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(
            !bytes.windows(key.len()).any(|window| window == key.as_bytes()),
            "the key stands in {file:?}"
        );
    }
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn roles_have_their_authority(tower: &Tower) {
    let sold = |id: &str| event("pos.sale", id, json!({"sku": "roles", "location": "L1", "quantity": 1}));
    for role in ["integration", "admin"] {
        assert_eq!(client(tower, role, &[]).post_event(&sold(role)).status, 202, "{role}");
    }
    for role in ["viewer", "auditor", "supplier"] {
        client(tower, role, &[]).post_event(&sold(role)).expect_any_problem(403);
    }
    for role in ["viewer", "planner", "category_manager", "supply_planner", "finance", "auditor", "admin"] {
        let reader = client(tower, role, &[]);
        for path in ["/api/v1/sku-locations/roles/L1", "/api/v1/exceptions", "/api/v1/items", "/api/v1/stats"]
        {
            assert_eq!(reader.get(path).status, 200, "{role} {path}");
        }
    }
    let viewer = client(tower, "viewer", &[]);
    viewer.delete("/api/v1/quarantine/anything").expect_any_problem(403);
    viewer
        .send("POST", "/api/v1/quarantine/anything/retry", &[("Content-Type", "application/json")], b"{}")
        .expect_any_problem(403);
}

/// Two locations, two items, two suppliers, each with a shortage.
fn populate(tower: &Tower) {
    let mut batch = Batch::new("scoped");
    for (sku, path) in [("yoghurt", ["Food", "Dairy"]), ("hammer", ["Tools", "Hand"])] {
        batch.add("item.described", json!({"sku": sku, "path": path}));
    }
    for (location, supplier) in [("north", "farm"), ("south", "forge")] {
        batch.add("location.described", json!({"location": location, "path": [location]}));
        batch.add("supplier.described", json!({"supplier": supplier, "lead_time_days": 3}));
        for sku in ["yoghurt", "hammer"] {
            let order_id = format!("{sku}-{location}");
            let line = json!({"line_id": "1", "sku": sku, "location": location, "quantity": 5});
            batch.add("order.placed", json!({"order_id": order_id, "line_id": "1", "sku": sku, "location": location, "quantity": 9}));
            batch.add(
                "purchase_order.placed",
                json!({"po_id": order_id, "supplier": supplier, "lines": [line]}),
            );
        }
    }
    let integration = client(tower, "integration", &[]);
    let receipt = integration.post_batch(&batch.take()).expect(202);
    assert_eq!(receipt["rejected"], 0, "{receipt}");
    let viewer = client(tower, "viewer", &[]);
    let lsn = receipt["lsn"].as_u64().unwrap();
    let everything = viewer.settled("/api/v1/exceptions?type=shortage_now&limit=1000", lsn).expect(200);
    assert!(everything["items"].as_array().unwrap().len() >= 4, "{everything}");
}

fn values(items: &[Value], pointer: &str) -> std::collections::BTreeSet<String> {
    items.iter().filter_map(|item| item.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

/// Not told apart from what does not exist.
#[track_caller]
fn hidden(client: &Client, path: &str) {
    let answer = client.get(path);
    assert!(answer.status == 404 || answer.status == 403, "{path}: {} {}", answer.status, answer.text());
    assert!(!answer.text().contains("on_hand"), "{}", answer.text());
}

fn only(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn a_scope_narrows_every_read(tower: &Tower) {
    populate(tower);
    let north = client(tower, "viewer", &["--scope", "location=north"]);
    assert_eq!(values(&north.list("/api/v1/sku-locations"), "/location"), only(&["north"]));
    assert_eq!(north.get("/api/v1/sku-locations/hammer/north").status, 200);
    hidden(&north, "/api/v1/sku-locations/hammer/south");
    hidden(&north, "/api/v1/sku-locations/hammer/south/projection");
    assert_eq!(values(&north.list("/api/v1/locations"), "/location"), only(&["north"]));
    hidden(&north, "/api/v1/locations/south");
    assert_eq!(
        values(&north.list("/api/v1/exceptions?type=shortage_now"), "/subject/location"),
        only(&["north"])
    );
    let all = client(tower, "viewer", &[]).list("/api/v1/exceptions?type=shortage_now&location=south");
    assert!(!all.is_empty());
    for found in all {
        hidden(&north, &format!("/api/v1/exceptions/{}", encode(found["id"].as_str().unwrap())));
    }
    // Asking for it by name does not help.
    assert_eq!(north.list("/api/v1/sku-locations?location=south"), Vec::<Value>::new());
    assert_eq!(north.list("/api/v1/exceptions?type=shortage_now&location=south"), Vec::<Value>::new());
    let both = client(tower, "viewer", &["--scope", "location=north", "--scope", "location=south"]);
    assert_eq!(values(&both.list("/api/v1/sku-locations"), "/location"), only(&["north", "south"]));
}

fn a_path_scope_narrows_to_its_items(tower: &Tower) {
    for scope in ["path=Food", "path=Food/Dairy"] {
        let food = client(tower, "viewer", &["--scope", scope]);
        assert_eq!(values(&food.list("/api/v1/sku-locations"), "/sku"), only(&["yoghurt"]), "{scope}");
        assert_eq!(values(&food.list("/api/v1/items"), "/sku"), only(&["yoghurt"]), "{scope}");
        assert_eq!(
            values(&food.list("/api/v1/exceptions?type=shortage_now"), "/subject/sku"),
            only(&["yoghurt"])
        );
        hidden(&food, "/api/v1/sku-locations/hammer/north");
        hidden(&food, "/api/v1/items/hammer");
    }
    let food_north = client(tower, "viewer", &["--scope", "path=Food", "--scope", "location=north"]);
    hidden(&food_north, "/api/v1/sku-locations/hammer/south");
    assert_eq!(food_north.get("/api/v1/sku-locations/yoghurt/north").status, 200);
}

fn a_supplier_scope_narrows_to_its_supplier(tower: &Tower) {
    let farm = client(tower, "supplier", &["--scope", "supplier=farm"]);
    assert_eq!(values(&farm.list("/api/v1/suppliers"), "/supplier"), only(&["farm"]));
    assert_eq!(farm.get("/api/v1/suppliers/farm").status, 200);
    hidden(&farm, "/api/v1/suppliers/forge");
}

fn a_scope_narrows_what_is_quarantined(tower: &Tower) {
    let integration = client(tower, "integration", &[]);
    let bad =
        event("pos.sale", "secret-bad", json!({"sku": "hammer", "location": "south", "quantity": "secret"}));
    assert_eq!(integration.post_event(&bad).status, 422);
    let north = client(tower, "viewer", &["--scope", "location=north"]).get("/api/v1/quarantine");
    assert!(north.status == 403 || !north.text().contains("secret"), "{}", north.text());
}

fn nobody_sees_numbers_that_others_are_in(tower: &Tower) {
    let process = [
        "/records",
        "/entities",
        "/events/accepted",
        "/events/rejected",
        "/lag/unsettled",
        "/admission/records",
    ];
    let whole = client(tower, "viewer", &[]).get("/api/v1/stats").expect(200);
    let north = client(tower, "viewer", &["--scope", "location=north"]);
    let part = north.get("/api/v1/stats").expect(200);
    for number in process {
        assert_eq!(whole.pointer(number), Some(&Value::Null), "two tenants: {number} in {whole}");
        assert_eq!(part.pointer(number), Some(&Value::Null), "a scope: {number} in {part}");
    }
    assert!(whole["described"]["items"].is_u64() && whole["quarantine"].is_u64(), "its own: {whole}");
    assert!(part["described"]["items"].is_null() && part["quarantine"].is_null(), "beyond a scope: {part}");
    assert!(part["exceptions_open"].is_u64() && part["lsn"].is_u64(), "{part}");
    north.get("/metrics").expect_any_problem(403);
    assert_eq!(client(tower, "viewer", &[]).get("/metrics").status, 200);
}

fn tenants_do_not_see_each_other(tower: &Tower) {
    let other = client(tower, "admin", &["--tenant", "other"]);
    let counted = |on_hand: i64| {
        event(
            "inventory.counted",
            "shared-id",
            json!({"sku": "hammer", "location": "tenant-test", "on_hand": on_hand}),
        )
    };
    let mine = client(tower, "admin", &[]);
    let first = other.post_event(&counted(11)).expect(202);
    // The same id in another tenant is another event.
    let second = mine.post_event(&counted(22)).expect(202);
    assert_eq!((&first["accepted"], &second["accepted"]), (&json!(1), &json!(1)));
    let path = "/api/v1/sku-locations/hammer/tenant-test";
    let lsn = second["lsn"].as_u64().unwrap();
    assert_eq!(other.settled(path, lsn).expect(200)["on_hand"], 11);
    assert_eq!(mine.settled(path, lsn).expect(200)["on_hand"], 22);
    assert_eq!(other.list("/api/v1/sku-locations").len(), 1);
    hidden(&other, "/api/v1/sku-locations/hammer/north");
    for list in ["items", "suppliers", "quarantine"] {
        assert_eq!(other.list(&format!("/api/v1/{list}")), Vec::<Value>::new(), "{list}");
    }
    for found in other.list("/api/v1/exceptions") {
        assert!(found["subject"]["location"] != "north", "{found}");
    }
}

fn nobody_acts_as_someone_else(tower: &Tower) {
    let (_, key) = tower.create_key("pretender", "viewer", &[]);
    std::thread::sleep(Duration::from_secs(1));
    let pretender = tower.http().with_key(&key).with_header("X-Tidewatch-Act-As", "root;admin");
    pretender
        .post_event(&event("pos.sale", "pretended", json!({"sku": "A", "location": "L1", "quantity": 1})))
        .expect_any_problem(403);
    tower.http().with_header("X-Tidewatch-Act-As", "root;admin").get("/api/v1/stats").expect_any_problem(401);
}

fn wrong_key_commands_are_refused(tower: &Tower) {
    for arguments in [
        vec!["keys", "create", "--name", "n", "--role", "emperor", "--json"],
        vec!["keys", "create", "--role", "viewer", "--json"],
        vec!["keys", "create", "--name", "n", "--role", "viewer", "--scope", "colour=red", "--json"],
        vec!["keys", "create", "--name", "n", "--role", "viewer", "--tenant", "no such", "--json"],
        vec!["keys", "revoke", "no-such-key"],
    ] {
        let output = tower.command(&arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?} says nothing");
    }
}
