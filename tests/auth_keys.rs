//! API keys as they stand on the disk.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tidewatch::auth::{ApiKey, KeyDescription, KeyError, KeyStore, Role, RoleSet, Scope};

fn describe(name: &str) -> KeyDescription {
    KeyDescription {
        name: name.to_owned(),
        roles: RoleSet::from_iter([Role::Planner, Role::Integration]),
        tenant: "west".into(),
        scope: Scope::parse(["location=L1", "path=EU/DE"]).expect("a scope"),
    }
}

fn store() -> (tempfile::TempDir, KeyStore) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = KeyStore::new(directory.path());
    (directory, store)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

fn is_good(store: &KeyStore, key: &ApiKey) -> bool {
    store.load().expect("keys").verify(key.reveal()).is_some()
}

#[test]
fn a_key_is_recognised_as_what_it_was_created_for() {
    let (_directory, store) = store();
    let created = store.create(describe("anna")).expect("a key");
    let keys = store.load().expect("keys");
    let anna = keys.verify(created.key.reveal()).expect("anna");
    assert_eq!((anna.name.as_str(), anna.tenant.as_str()), ("anna", "west"));
    assert_eq!(anna.roles, describe("").roles);
    assert_eq!(anna.scope, describe("").scope);
}

#[test]
fn a_key_has_the_form_that_is_documented() {
    let (_directory, store) = store();
    let created = store.create(describe("anna")).expect("a key");
    let secret = created.key.reveal().strip_prefix(&format!("tw_{}_", created.id)).expect("tw_ID_SECRET");
    assert_eq!(secret.len(), 43, "32 bytes in base64url without padding");
    assert!(created.id.len() <= 64 && created.id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[test]
fn what_is_not_exactly_the_key_is_refused() {
    let (_directory, store) = store();
    let created = store.create(describe("anna")).expect("a key");
    let other = store.create(describe("bert")).expect("a key");
    let keys = store.load().expect("keys");
    let key = created.key.reveal();
    let other_secret = other.key.reveal().replacen(&other.id, &created.id, 1);
    let mut changed = key.to_owned();
    let last = changed.len() - 10;
    let flipped = if &changed[last..=last] == "A" { "B" } else { "A" };
    changed.replace_range(last..=last, flipped);
    for wrong in [
        "",
        "tw_",
        "tw__",
        &key[3..],
        &key.to_uppercase(),
        &key[..key.len() - 1],
        &format!("{key}="),
        &format!("{key}A"),
        &format!(" {key}"),
        &format!("{key}{}", "A".repeat(1_000_000)),
        &format!("tw_{}_", created.id),
        &other_secret,
        &changed,
    ] {
        assert!(keys.verify(wrong).is_none(), "{:?}", &wrong[..wrong.len().min(80)]);
    }
    assert!(keys.verify(key).is_some());
}

#[test]
fn no_secret_stands_in_the_list_of_keys_nor_in_a_debug_print() {
    let (directory, store) = store();
    let created = store.create(describe("anna")).expect("a key");
    let secret = &created.key.reveal()["tw_".len() + created.id.len() + 1..];
    let file = std::fs::read_to_string(directory.path().join("keys.json")).expect("the file");
    assert!(file.contains(&created.id) && !file.contains(secret));
    assert_eq!(format!("{:?}", created.key), "ApiKey(redacted)");
    assert!(!format!("{created:?} {:?} {:?}", store.load(), store.list()).contains(secret));
}

#[test]
fn the_files_are_for_their_owner_alone_and_nothing_temporary_is_left() {
    let (directory, store) = store();
    store.create(describe("anna")).expect("a key");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["keys.json", "keys.lock", "keys.secret"]);
}

#[test]
fn what_a_crash_left_behind_does_not_stand_in_the_way_nor_lend_its_permissions() {
    let (directory, store) = store();
    let left_behind = directory.path().join("keys.json.new");
    std::fs::write(&left_behind, "half a fi").expect("written");
    std::fs::set_permissions(&left_behind, std::fs::Permissions::from_mode(0o666)).expect("set");
    let created = store.create(describe("anna")).expect("a key");
    assert!(is_good(&store, &created.key));
    assert_eq!(mode(&directory.path().join("keys.json")), 0o600);
}

#[test]
fn a_revoked_key_is_refused_and_stays_in_the_list() {
    let (_directory, store) = store();
    let anna = store.create(describe("anna")).expect("a key");
    let bert = store.create(describe("bert")).expect("a key");
    let revoked = store.revoke(&anna.id).expect("revoked");
    assert!(revoked.revoked_at.is_some());
    assert!(!is_good(&store, &anna.key));
    assert!(is_good(&store, &bert.key));

    let again = store.revoke(&anna.id).expect("revoked before");
    assert_eq!(again, revoked, "the time of the first revocation stays");
    let listed = store.list().expect("a list");
    let names: Vec<_> = listed.iter().map(|key| (key.name.as_str(), key.revoked_at.is_some())).collect();
    assert_eq!(names, [("anna", true), ("bert", false)]);
}

#[test]
fn revoking_what_is_not_there_is_an_error_and_leaves_no_file() {
    let (directory, store) = store();
    assert!(matches!(store.revoke("nobody"), Err(KeyError::UnknownKey(id)) if id == "nobody"));
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn without_a_file_there_are_no_keys() {
    let store = KeyStore::new("/nonexistent/data");
    assert!(store.load().expect("no keys").is_empty());
    assert!(store.list().expect("no keys").is_empty());
}

#[test]
fn keys_without_the_secret_of_their_hashes_are_an_error_and_not_an_empty_set() {
    let (directory, store) = store();
    store.create(describe("anna")).expect("a key");
    std::fs::remove_file(directory.path().join("keys.secret")).expect("removed");
    assert!(matches!(store.load(), Err(KeyError::Corrupt { .. })));
    assert!(matches!(store.create(describe("bert")), Err(KeyError::Corrupt { .. })));

    std::fs::write(directory.path().join("keys.secret"), [0; 31]).expect("written");
    assert!(matches!(store.load(), Err(KeyError::Corrupt { .. })));
    std::fs::write(directory.path().join("keys.secret"), [0; 32]).expect("written");
    assert_eq!(store.load().expect("another secret").len(), 1);
}

#[test]
fn a_hash_that_is_moved_to_another_key_opens_nothing() {
    let (directory, store) = store();
    let anna = store.create(describe("anna")).expect("a key");
    let bert = store.create(describe("bert")).expect("a key");
    // Bert's entry gets Anna's hash, and Anna presents her secret under Bert's id.
    let path = directory.path().join("keys.json");
    let mut file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("the file")).expect("JSON");
    file["keys"][1]["hash"] = file["keys"][0]["hash"].clone();
    std::fs::write(&path, file.to_string()).expect("written");
    let forged = anna.key.reveal().replacen(&anna.id, &bert.id, 1);
    let keys = store.load().expect("keys");
    assert!(keys.verify(&forged).is_none());
    assert!(keys.verify(anna.key.reveal()).is_some());
}

#[test]
fn a_file_of_another_format_is_refused() {
    let (directory, store) = store();
    let check = |content: &str, says: &str| {
        std::fs::write(directory.path().join("keys.json"), content).expect("written");
        let error = store.load().expect_err(content).to_string();
        assert!(error.contains("keys.json") && error.contains(says), "{error}");
        assert!(store.create(describe("anna")).is_err(), "nothing is written over it");
    };
    check(r#"{"version":2,"keys":[]}"#, "format 2");
    check(r#"{"version":1}"#, "keys");
    check("", "EOF");
}

#[test]
fn a_name_is_checked() {
    let (_directory, store) = store();
    for name in ["", "an\nna", &"ü".repeat(129)] {
        assert!(matches!(store.create(describe(name)), Err(KeyError::Name(_))), "{name:?}");
    }
    assert!(store.create(describe(&"ü".repeat(128))).is_ok());
}

#[test]
fn keys_created_at_once_are_all_kept() {
    let (directory, _) = store();
    let created: Vec<ApiKey> = std::thread::scope(|threads| {
        let spawned: Vec<_> = (0..4)
            .map(|worker| {
                let store = KeyStore::new(directory.path());
                threads.spawn(move || -> Vec<ApiKey> {
                    let name = |number| format!("worker {worker} key {number}");
                    (0..4).map(|number| store.create(describe(&name(number))).expect("a key").key).collect()
                })
            })
            .collect();
        spawned.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let keys = KeyStore::new(directory.path()).load().expect("keys");
    assert_eq!(keys.len(), 16);
    assert!(created.iter().all(|key| keys.verify(key.reveal()).is_some()));
}
