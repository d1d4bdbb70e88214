//! The console: the page at `/`, its files, and what it must know before it can ask for anything else. All of it is
//! public; the data that it shows is not.
//!
//! The files are those that `make console` built before the program was; without them a page says how to build them.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get};
use serde_json::json;

use super::problem::{Problem, code};
use super::state::AppState;

/// Files of the console by name, `index.html` and `assets/…`; empty where it was not built.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));
const INDEX: &str = "index.html";
/// Shown where the console was not built.
const PLACEHOLDER: &str = include_str!("console_placeholder.html");

/// The name of a file below `assets/` has a hash of what is in it.
const KEEP_FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A new version of the program has another page, which names other files.
const ASK_EVERY_TIME: &str = "no-cache";

/// The console's page.
#[get("/")]
pub async fn get_console(state: Data<AppState>) -> HttpResponse {
    let page = file(INDEX).unwrap_or(PLACEHOLDER.as_bytes());
    page_headers(&state, HttpResponse::Ok())
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, ASK_EVERY_TIME))
        .body(Bytes::from_static(page))
}

/// A file of the console.
#[get("/assets/{name:.*}")]
pub async fn get_console_file(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let name = request.path().trim_start_matches('/');
    let Some(content) = file(name) else {
        return Err(Problem::new(&code::NOT_FOUND).detail(format!("the console has no file `{name}`")));
    };
    Ok(page_headers(&state, HttpResponse::Ok())
        .content_type(content_type(name))
        .insert_header((CACHE_CONTROL, KEEP_FOR_EVER))
        .body(Bytes::from_static(content)))
}

/// What the console must know before anyone has signed in. It answers while the tower recovers, too.
#[get("/console.json")]
pub async fn get_console_settings(state: Data<AppState>) -> HttpResponse {
    let tenant = state.config.tenants.iter().find(|tenant| tenant.name == TENANT);
    let control = state.console.demo_control.as_ref();
    HttpResponse::Ok().json(json!({
        "dev": state.dev,
        "tenant": TENANT,
        "base_currency": tenant.map(|tenant| &tenant.base_currency),
        "timezone": tenant.map(|tenant| &tenant.timezone),
        "demo": control.map(|control| json!({"control": control})),
    }))
}

/// The tenant of `--dev`, and of keys that name none.
const TENANT: &str = "default";

fn file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, content)| *content)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// Nothing from elsewhere, nothing inline, no frames; requests to this tower and, in a demo, to what controls it.
fn page_headers(state: &AppState, mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    let control =
        state.console.demo_control.as_deref().map(|control| format!(" {control}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{control}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    answer.insert_header((CONTENT_SECURITY_POLICY, policy)).insert_header((REFERRER_POLICY, "no-referrer"));
    answer
}
