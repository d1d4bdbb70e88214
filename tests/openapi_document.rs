//! `/openapi.json` tells of the routes that are there, all of them and no others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::Tower;
use serde_json::Value;

const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// The document describes the interface, not itself.
const UNDOCUMENTED: [(&str, &str); 1] = [("get", "/openapi.json")];

type Route = (String, String);

fn operations(document: &Value) -> BTreeMap<Route, &Value> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, _)| {
        let item: &Value = item;
        let methods = METHODS.iter().filter_map(|method| item.get(method).map(|found| (*method, found)));
        methods.map(|(method, found)| ((method.to_owned(), path.clone()), found)).collect::<Vec<_>>()
    };
    let document: Vec<(&String, &Value)> = paths.iter().collect();
    document.into_iter().flat_map(of_path).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The routes by the names of their handlers, as the attributes above these say.
fn declared(directory: &Path) -> BTreeMap<String, Route> {
    let mut files = Vec::new();
    sources(directory, &mut files);
    let mut routes = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut route = None;
        for line in text.lines() {
            let attribute = METHODS.iter().find_map(|method| {
                let path = line.strip_prefix(&format!("#[{method}(\""))?.strip_suffix("\")]")?;
                Some(((*method).to_owned(), path.to_owned()))
            });
            if attribute.is_some() {
                route = attribute;
            } else if let Some(handler) = line.strip_prefix("pub async fn ")
                && let Some(route) = route.take()
            {
                let name = handler.split('(').next().unwrap().to_owned();
                assert!(routes.insert(name, route).is_none(), "two handlers of one name: {line}");
            }
        }
    }
    routes
}

/// The handlers that the server has, by name.
fn registered(server: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(server).unwrap();
    let services = text.lines().filter_map(|line| line.trim().strip_prefix(".service(")?.strip_suffix(')'));
    services.map(|handler| handler.rsplit("::").next().unwrap().to_owned()).collect()
}

#[test]
fn the_document_and_the_server_tell_of_the_same_routes() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let declared = declared(&source);
    let registered = registered(&source.join("server.rs"));
    assert!(registered.len() > 20, "the server's registrations were not found: {registered:?}");
    let served: BTreeSet<Route> = registered
        .iter()
        .map(|name| declared.get(name).unwrap_or_else(|| panic!("no route above {name}")).clone())
        .collect();

    let tower = Tower::dev();
    let client = tower.http();
    let document = client.get("/openapi.json").expect(200);
    let mut documented: BTreeSet<Route> = operations(&document).into_keys().collect();
    documented.extend(UNDOCUMENTED.map(|(method, path)| (method.to_owned(), path.to_owned())));
    assert_eq!(documented, served);

    // What is documented answers, and its path under another method is not taken for missing.
    for (method, path) in &documented {
        let path: String = path
            .split('/')
            .map(|segment| if segment.starts_with('{') { "unknown" } else { segment })
            .collect::<Vec<_>>()
            .join("/");
        let answer = client.send(&method.to_uppercase(), &path, &[], b"");
        assert!(answer.status != 405 && answer.status < 500, "{method} {path}: {}", answer.text());
        if answer.status == 404 {
            let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(!detail.contains(&path), "{method} {path} is no route: {detail}");
        }
        assert_eq!(client.send("PATCH", &path, &[], b"").status, 405, "PATCH {path}");
    }
}

#[test]
fn the_document_is_open_api_3_1_and_complete_in_itself() {
    let tower = Tower::dev();
    let answer = tower.http().get("/openapi.json");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    let document = answer.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let operations = operations(&document);
    assert!(operations.len() > 20);
    let mut ids = BTreeSet::new();
    for ((method, path), operation) in &operations {
        let name = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().expect(&name)),
            "{name}: operationId is not its own"
        );
        let responses = operation["responses"].as_object().expect(&name);
        assert!(
            responses.keys().any(|status| status.starts_with('2') || status == "101"),
            "{name}: no success"
        );
        for (status, response) in responses {
            assert!(
                status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status)),
                "{name}: {status}"
            );
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.trim().is_empty(), "{name}: {status} is not described");
        }
        // Each name in the path is a parameter, and the other way round.
        let named: BTreeSet<&str> =
            path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let told: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, told, "{name}");
        for parameter in &parameters {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            assert!(parameter["in"] != "path" || parameter["required"] == true, "{name}: {parameter}");
        }
        // Whatever needs a key says so, with a scheme that is there.
        for requirement in operation["security"].as_array().into_iter().flatten() {
            for scheme in requirement.as_object().unwrap().keys() {
                assert!(document["components"]["securitySchemes"][scheme].is_object(), "{name}: {scheme}");
            }
        }
    }
    let open: Vec<&str> = operations
        .iter()
        .filter(|(_, operation)| operation["security"].as_array().is_none_or(Vec::is_empty))
        .map(|((_, path), _)| path.as_str())
        .collect();
    assert_eq!(open, ["/healthz", "/readyz"], "routes that need no key");
}

#[test]
fn each_operation_says_what_it_is_for() {
    let tower = Tower::dev();
    let document = tower.http().get("/openapi.json").expect(200);
    let silent: Vec<Route> = operations(&document)
        .into_iter()
        .filter(|(_, operation)| {
            ["summary", "description"].iter().all(|key| operation[key].as_str().unwrap_or("").is_empty())
        })
        .map(|(route, _)| route)
        .collect();
    assert!(silent.is_empty(), "neither summary nor description: {silent:?}");
}
