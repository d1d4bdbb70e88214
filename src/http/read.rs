//! What every read does first: may the caller, are the parameters sound, is what it waits for applied.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::List;
use super::problem::Problem;
use super::query::{Cursor, Query, Sort};
use super::state::{AppState, tenant_of};
use crate::auth::Permission;
use crate::domain::ids::Lsn;
use crate::domain::reference::{Reference, TenantReference};
use crate::runtime::Running;

/// Parameters that every read has.
const ALWAYS: &[&str] = &["at_least", "settled"];
/// Those that every list has besides.
const OF_LISTS: &[&str] = &["limit", "cursor", "sort", "at_least", "settled"];

/// A read whose parameters are being looked at.
pub struct Asked<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    pub running: &'a Running,
    pub query: Query,
}

/// A read for which everything it waited for is applied.
pub struct Read<'a> {
    pub caller: &'a Caller,
    pub running: &'a Running,
    pub query: Query,
    /// Everything up to here shows in what is read from now on.
    pub lsn: Lsn,
    reference: Arc<Reference>,
}

/// How a list was asked for.
#[derive(Debug)]
pub struct Paged {
    pub limit: usize,
    pub sort: Sort,
    pub cursor: Option<Cursor>,
}

impl<'a> Asked<'a> {
    /// A read of one thing.
    ///
    /// # Errors
    /// `forbidden`, `recovering`, or `bad_parameter` for a parameter that is not there.
    pub fn one(
        request: &HttpRequest,
        caller: &'a Caller,
        state: &'a web::Data<AppState>,
        permission: Permission,
    ) -> Result<Asked<'a>, Problem> {
        Asked::with(request, caller, state, permission, ALWAYS)
    }

    /// A list with these filters besides the parameters that every list has.
    ///
    /// # Errors
    /// As [`Asked::one`].
    pub fn list(
        request: &HttpRequest,
        caller: &'a Caller,
        state: &'a web::Data<AppState>,
        permission: Permission,
        filters: &[&str],
    ) -> Result<Asked<'a>, Problem> {
        Asked::with(request, caller, state, permission, &[filters, OF_LISTS].concat())
    }

    fn with(
        request: &HttpRequest,
        caller: &'a Caller,
        state: &'a web::Data<AppState>,
        permission: Permission,
        known: &[&str],
    ) -> Result<Asked<'a>, Problem> {
        caller.need(permission)?;
        let running = state.running()?;
        let query = Query::parse(request.query_string(), known)?;
        Ok(Asked { state, caller, running, query })
    }

    /// `limit`, `sort` among `fields`, and `cursor`.
    ///
    /// # Errors
    /// `bad_parameter`.
    pub fn paged(&self, fields: &[&'static str], default: Sort) -> Result<Paged, Problem> {
        let limit = self.query.limit(self.state.config.server.list_limit_max)?;
        let sort = self.query.sort(fields, default)?;
        let cursor = self.query.cursor(sort)?;
        Ok(Paged { limit, sort, cursor })
    }

    /// Waits for what `at_least` and `settled` ask for. Comes after all else that can be wrong with the parameters.
    ///
    /// # Errors
    /// `bad_parameter` or `not_yet_applied`.
    pub async fn ready(self) -> Result<Read<'a>, Problem> {
        self.query.wait(self.state, self.running).await?;
        // In this order: what is read later shows at least what is applied now.
        let lsn = self.running.progress.applied();
        let reference = self.running.reference();
        Ok(Read { caller: self.caller, running: self.running, query: self.query, lsn, reference })
    }
}

impl Read<'_> {
    /// The caller's part of the Reference.
    ///
    /// # Errors
    /// `internal` if the caller's tenant vanished, which never happens to a declared one.
    pub fn tenant(&self) -> Result<&TenantReference, Problem> {
        tenant_of(&self.reference, self.caller)
    }

    /// A page of a list.
    pub fn page<T>(&self, items: Vec<T>, next_cursor: Option<String>) -> List<T> {
        List::new(self.running, self.lsn, items, next_cursor)
    }

    /// One thing as of this read, with `lsn` and `position`.
    pub fn stamped(&self, mut item: Value) -> Value {
        if let Value::Object(map) = &mut item {
            map.insert("lsn".to_owned(), self.lsn.0.into());
            map.insert("position".to_owned(), self.running.position(self.lsn).into());
        }
        item
    }
}
