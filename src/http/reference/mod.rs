//! What integrators read: the two documents and the pages under `/docs`. All of it is made once, at the first request,
//! from the same tables that the program answers from. It shows no data and is therefore public, as static files are:
//! a browser can't send a key with a page.

mod answers;
mod codes;
mod event_schemas;
#[cfg(test)]
mod event_schemas_tests;
#[cfg(test)]
mod exceptions_guide_tests;
mod fields;
mod html;
mod pages;
pub mod parameters;
mod schema;

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, get};

pub use answers::components;
pub use schema::{
    Member, any_text, boolean, component, constant, example, lsn, object, optional, required, words,
};

use super::problem::{Problem, code};
use super::{asyncapi, openapi};
use pages::Page;

/// How long a browser may keep a page; a new version of the program may change it.
const KEEP: &str = "public, max-age=300";
/// Nothing from elsewhere, nothing inline, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static OPENAPI: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| asyncapi::document().to_string());

fn shown(content_type: &str, body: impl Into<actix_web::web::Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, KEEP))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(body.into())
}

#[get("/openapi.json")]
pub async fn get_openapi() -> HttpResponse {
    shown("application/json", OPENAPI.as_str())
}

#[get("/asyncapi.json")]
pub async fn get_asyncapi() -> HttpResponse {
    shown("application/json", ASYNCAPI.as_str())
}

#[get("/docs{page:(/.*)?}")]
pub async fn get_docs(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.uri().path().trim_start_matches("/docs").trim_matches('/');
    let Some(Page { content_type, body }) = pages::page(path) else {
        return Err(Problem::new(&code::NOT_FOUND).detail(format!("there is no page `{path}`; see /docs")));
    };
    Ok(shown(content_type, body))
}
