//! The pages under `/docs`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::web::Bytes;
use serde_json::{Map, Value, json};

use super::codes::{FEED_CODES, FIELD_CODES, QUARANTINE_CODES, Told};
use super::html::{code, escape, layout, markdown, members};
use super::{components, example};
use crate::domain::event::{EventType, FieldError, RESERVED_TYPES};
use crate::http::asyncapi;
use crate::http::problem::{CODES, Code, Problem};

const STYLE: &str = include_str!("../../../docs/api/style.css");
const GETTING_STARTED: &str = include_str!("../../../docs/api/getting-started.md");
const FEED_GUIDE: &str = include_str!("../../../docs/feed.md");
/// Path, title and text of the other guides.
const GUIDES: [(&str, &str, &str); 4] = [
    ("exceptions", "Exceptions", include_str!("../../../docs/exceptions.md")),
    ("cases", "Cases", include_str!("../../../docs/cases.md")),
    ("outbox", "The outbox", include_str!("../../../docs/outbox.md")),
    ("why", "Why", include_str!("../../../docs/why.md")),
];
/// Swagger UI's own files; the two that name what is shown are ours.
const SWAGGER_FILES: [(&str, &str); 4] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
    ("favicon-16x16.png", "image/png"),
];
const SWAGGER_PAGE: &str = include_str!("../../../docs/api/swagger.html");
const SWAGGER_START: &str = include_str!("../../../docs/api/swagger.js");

const HTML: &str = "text/html; charset=utf-8";

/// A file as it is served.
#[derive(Clone)]
pub struct Page {
    pub content_type: &'static str,
    pub body: Bytes,
}

static PAGES: LazyLock<BTreeMap<String, Page>> = LazyLock::new(all);

/// The page at that path below `/docs`.
pub fn page(path: &str) -> Option<Page> {
    PAGES.get(path).cloned()
}

fn all() -> BTreeMap<String, Page> {
    let mut pages = BTreeMap::new();
    let mut add = |path: &str, content_type, body: Bytes| {
        pages.insert(path.to_owned(), Page { content_type, body });
    };
    let schemas = components();
    add("", HTML, layout("Documents", &markdown(INDEX)).into());
    add("getting-started", HTML, layout("Getting started", &markdown(GETTING_STARTED)).into());
    add("feed", HTML, layout("The feed", &markdown(FEED_GUIDE)).into());
    for (path, title, text) in GUIDES {
        add(path, HTML, layout(title, &markdown(text)).into());
    }
    add("feed/reference", HTML, layout("Feed reference", &feed_reference()).into());
    add("events", HTML, layout("Event types", &event_types(&schemas)).into());
    add("errors", HTML, layout("Error codes", &codes_list()).into());
    for (name, body) in code_pages() {
        add(&format!("errors/{name}"), HTML, layout(name, &body).into());
    }
    add("style.css", "text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()));
    add("api", HTML, Bytes::from_static(SWAGGER_PAGE.as_bytes()));
    add("api/start.js", "text/javascript; charset=utf-8", Bytes::from_static(SWAGGER_START.as_bytes()));
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    for (file, content_type) in SWAGGER_FILES {
        if let Ok(Some(found)) = utoipa_swagger_ui::serve(file, config.clone()) {
            add(&format!("api/{file}"), content_type, found.bytes.into_owned().into());
        }
    }
    pages
}

const INDEX: &str = "# Tidewatch: documents for integrators\n\n\
    | | |\n| --- | --- |\n\
    | [Getting started](/docs/getting-started) | send events, read, wait, subscribe: with `curl`, step by step |\n\
    | [API](/docs/api) | every operation; the document is [`/openapi.json`](/openapi.json) (OpenAPI 3.1) |\n\
    | [Exceptions](/docs/exceptions) | every kind, its thresholds, grouping, routing, what can be done with one |\n\
    | [Cases](/docs/cases) | options and their formulas, approval, actions, what happens when something fails |\n\
    | [Outbox](/docs/outbox) | what a system of record has to do to carry out actions |\n\
    | [Why](/docs/why) | explanations, and how to compute them again |\n\
    | [Feed](/docs/feed) | the WebSocket: how to write a client |\n\
    | [Feed reference](/docs/feed/reference) | every frame; the document is [`/asyncapi.json`](/asyncapi.json) (AsyncAPI 3.0) |\n\
    | [Event types](/docs/events) | what can be told, field by field |\n\
    | [Error codes](/docs/errors) | what each means and what to do |\n\n\
    These pages and the two documents are public, as static files are: they show no data. Everything under `/api/v1` \
    wants credentials, `Authorization: Bearer KEY`; under *API*, *Authorize* takes one.\n";

fn event_types(schemas: &Map<String, Value>) -> String {
    let mut body = markdown(
        "# Event types\n\nEvents are CloudEvents 1.0, sent to `POST /api/v1/events`. Here is the `data` of each type; \
         required members are bold. Any other member is kept and has no effect; `null` is the same as absent. \
         Quantities and prices may be JSON numbers or decimal strings.",
    );
    body.push_str("<ul>\n");
    for event_type in EventType::ALL {
        body.push_str(&format!("<li><a href=\"#{0}\"><code>{0}</code></a></li>\n", event_type.as_str()));
    }
    body.push_str("</ul>\n");
    for event_type in EventType::ALL {
        let name = event_type.as_str();
        let Some(schema) = schemas.get(&super::answers::data_component(name)) else { continue };
        body.push_str(&format!("<h2 id=\"{name}\">{name}</h2>\n"));
        body.push_str(&members(schema));
        body.push_str(&code(&example(schema, schemas, false)));
    }
    let reserved: Vec<String> = RESERVED_TYPES.iter().map(|name| format!("`{name}`")).collect();
    body.push_str(&markdown(&format!(
        "## Reserved types\n\nValidated as an object, kept, and without effect yet: {}.",
        reserved.join(", ")
    )));
    body
}

/// Every code with its pages' contents; a name that is used in several places has one page.
fn code_pages() -> BTreeMap<&'static str, String> {
    let mut pages: BTreeMap<&'static str, String> = BTreeMap::new();
    for code in CODES {
        pages.entry(code.name).or_insert_with(|| heading(code.name)).push_str(&of_answer(code));
    }
    for (codes, place) in told_elsewhere() {
        for told in codes {
            pages.entry(told.name).or_insert_with(|| heading(told.name)).push_str(&of_elsewhere(told, place));
        }
    }
    pages
}

#[derive(Clone, Copy)]
enum Place {
    Field,
    Quarantine,
    Feed,
}

fn told_elsewhere() -> [(&'static [Told], Place); 3] {
    [(FIELD_CODES, Place::Field), (QUARANTINE_CODES, Place::Quarantine), (FEED_CODES, Place::Feed)]
}

fn heading(name: &str) -> String {
    format!("<h1><code>{}</code></h1>\n", escape(name))
}

fn of_answer(told: &'static Code) -> String {
    let Code { title, status, why, remedy, .. } = told;
    let mut problem = Problem::new(told).detail(told.says);
    if told.name == "invalid_data" {
        let pointer = "/data/quantity".to_owned();
        let detail = "is required".to_owned();
        problem = problem.errors(vec![FieldError { pointer, code: "required", detail }]);
    }
    let problem = serde_json::to_value(problem).unwrap_or_default();
    let text =
        format!("## As an answer: {status}, {title}\n\n{why}\n\n**What to do.** {remedy}\n\nAn example:\n");
    markdown(&text) + &code(&problem)
}

fn of_elsewhere(told: &Told, place: Place) -> String {
    let Told { name, why, remedy } = told;
    let (title, shown) = match place {
        Place::Field => (
            "In `errors`, about one field",
            json!([{"pointer": "/data/quantity", "code": name, "detail": "…"}]),
        ),
        Place::Quarantine => {
            ("On an entry of the quarantine", json!({"id": "q17", "code": name, "detail": "…"}))
        }
        Place::Feed => (
            "In an error frame of the feed",
            json!({"type": "error", "id": "q1", "code": name, "detail": "…"}),
        ),
    };
    markdown(&format!("## {title}\n\n{why}\n\n**What to do.** {remedy}\n\nAn example:\n")) + &code(&shown)
}

fn codes_list() -> String {
    let link = |name: &str| format!("[`{name}`](/docs/errors/{name})");
    let mut text = String::from(
        "# Error codes\n\nProblems are RFC 9457 `application/problem+json`. Programs go by `code`, which is stable; `type` \
         is the address of its page here; `detail` is for people.\n\n## Answers\n\n| code | status | |\n| --- | --- | --- |\n",
    );
    for code in CODES {
        text.push_str(&format!("| {} | {} | {} |\n", link(code.name), code.status, code.title));
    }
    for (codes, place) in told_elsewhere() {
        text.push_str(match place {
            Place::Field => "\n## Fields\n\n`errors[].code` of a problem, about one field of an event.\n\n",
            Place::Quarantine => "\n## Quarantine\n\nOf events that were accepted; rejected ones have the code of their answer.\n\n",
            Place::Feed => "\n## Feed\n\n`code` of an error frame; the socket stays open.\n\n",
        });
        text.push_str("| code | |\n| --- | --- |\n");
        for told in codes {
            text.push_str(&format!("| {} | {} |\n", link(told.name), told.why));
        }
    }
    markdown(&text)
}

/// The AsyncAPI document, readable.
fn feed_reference() -> String {
    let document = asyncapi::document();
    let channel = &document["channels"]["feed"];
    let mut body = markdown(&format!(
        "# Feed reference\n\n{}\n\n`GET {}`. {} The machine-readable document is [`/asyncapi.json`](/asyncapi.json).\n",
        document["info"]["description"].as_str().unwrap_or_default(),
        channel["address"].as_str().unwrap_or_default(),
        channel["description"].as_str().unwrap_or_default(),
    ));
    for operation in ["listen", "tell"] {
        let operation = &document["operations"][operation];
        body.push_str(&format!("<h2>{}</h2>\n", escape(operation["title"].as_str().unwrap_or_default())));
        for message in operation["messages"].as_array().into_iter().flatten() {
            let name = message["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let message = &document["components"]["messages"][name];
            let schema = &document["components"]["schemas"][format!("frame.{name}")];
            body.push_str(&format!("<h3 id=\"frame.{name}\"><code>{name}</code></h3>\n"));
            body.push_str(&markdown(message["summary"].as_str().unwrap_or_default()));
            body.push_str(&members(schema));
            body.push_str(&code(&message["examples"][0]["payload"]));
        }
    }
    body.push_str("<h2>Items</h2>\n");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        if !name.starts_with("frame.") {
            body.push_str(&format!("<h3 id=\"{0}\">{0}</h3>\n", escape(name)));
            body.push_str(&members(schema));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that a page refers to, but for links elsewhere that a reader may follow.
    fn links(html: &str) -> Vec<String> {
        let html = html.replace("<a href=\"https://", "");
        let attributes = ["href=\"", "src=\""].into_iter().flat_map(|start| html.split(start).skip(1));
        attributes.map(|rest| rest[..rest.find('"').unwrap()].to_owned()).collect()
    }

    #[test]
    fn every_code_has_a_page_that_says_what_to_do() {
        let told = told_elsewhere().into_iter().flat_map(|(codes, _)| codes.iter().map(|code| code.name));
        for name in CODES.iter().map(|code| code.name).chain(told) {
            let page = page(&format!("errors/{name}")).unwrap_or_else(|| panic!("no page for {name}"));
            let text = String::from_utf8(page.body.to_vec()).unwrap();
            assert!(text.contains("What to do.") && text.contains("<pre>"), "{name}");
        }
    }

    #[test]
    fn every_link_leads_somewhere_and_none_leaves_the_server() {
        for (path, page) in &*PAGES {
            if page.content_type != HTML {
                continue;
            }
            let text = String::from_utf8(page.body.to_vec()).unwrap();
            for link in links(&text) {
                let target = link.split('#').next().unwrap();
                let leads = match target.strip_prefix("/docs") {
                    Some(inside) => PAGES.contains_key(inside.trim_matches('/')),
                    None => matches!(target, "" | "/openapi.json" | "/asyncapi.json"),
                };
                assert!(leads, "/docs/{path} refers to {link}");
                if let Some(anchor) = link.strip_prefix('#') {
                    assert!(text.contains(&format!("id=\"{anchor}\"")), "/docs/{path}: no {link}");
                }
            }
            assert!(
                !text.contains("<script>") && !text.contains(" style="),
                "/docs/{path} has something inline"
            );
        }
    }

    #[test]
    fn swagger_ui_is_inside() {
        for (file, _) in SWAGGER_FILES {
            let page = page(&format!("api/{file}")).unwrap_or_else(|| panic!("{file} is not in the program"));
            assert!(page.body.len() > 500, "{file}");
        }
    }
}
