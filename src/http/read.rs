//! What every read does first: may the caller, are the parameters sound, is what it waits for applied.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::List;
use super::problem::Problem;
use super::query::{Cursor, Query, Sort, SortValue};
use super::state::{AppState, tenant_of};
use crate::auth::Permission;
use crate::domain::ids::Lsn;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::time::Timestamp;
use crate::runtime::summary::{Entry, Listed, Paging, Reach, Selection, SortBy, SortKey, Summary, Within};
use crate::runtime::{Running, wall_clock};

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
        let mut sort = self.query.sort(fields, default)?;
        let cursor = self.query.cursor(sort)?;
        if let Some(cursor) = &cursor {
            // All pages of a list are of one order, however often the field is named.
            sort.is_ranked = cursor.is_ranked;
        }
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

    /// The settings in force, and all else that the Reference has.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The business time of the caller's tenant.
    pub fn now(&self) -> Timestamp {
        self.running.clocks.business_time(self.caller.tenant, wall_clock())
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

    /// A page of a summary's things that the caller `sees`, of which `reach` tells what can be seen at most.
    pub fn summary_page<T: Listed>(
        &self,
        summary: &Summary<T>,
        selection: &Selection<'_>,
        paged: &Paged,
        reach: impl FnOnce(usize) -> Reach,
        sees: impl FnMut(&T) -> bool,
        show: impl Fn(&Entry<T>) -> Value,
    ) -> List<Value> {
        let sort = SortBy::named::<T>(paged.sort.field).unwrap_or(SortBy::Id);
        let after = paged.cursor.as_ref().map(|cursor| {
            let key = match &cursor.value {
                SortValue::Number(number) => SortKey::Number(*number),
                SortValue::Text(text) => SortKey::Text(text.clone()),
                SortValue::Unknown(()) => SortKey::Unknown(cursor.stand_in),
            };
            (key, cursor.id.as_str())
        });
        let Sort { descending, is_ranked, .. } = paged.sort;
        let paging = Paging { sort, descending, is_ranked, after, limit: paged.limit };
        let found = summary.page_within(self.caller.tenant, selection, &paging, Within::new(reach), sees);
        let last = found.entries.last().filter(|_| found.has_more);
        let next = last.map(|entry| {
            let (value, stand_in) = match sort.key_of(entry) {
                SortKey::Number(number) => (SortValue::number(Some(number)), None),
                SortKey::Text(text) => (SortValue::Text(text), None),
                SortKey::Unknown(stand_in) => (SortValue::Unknown(()), stand_in),
            };
            Cursor::after(paged.sort, value, entry.item.id().to_string()).ranked_by(stand_in).encode()
        });
        self.page(found.entries.iter().map(|entry| show(entry)).collect(), next)
    }
}

/// What the filters of a query mean for a summary. What is over is left out, unless `state` asks for it.
pub fn selection<'q, T: Listed>(query: &'q Query, is_final: impl Fn(&str) -> bool) -> Selection<'q> {
    let filters = |fields: &[&str]| {
        let named = fields.iter().enumerate().map(|(at, field)| (at, query.all(field)));
        named.filter(|(_, values)| !values.is_empty()).collect()
    };
    let with_over = query.all("state").iter().any(|state| is_final(state));
    Selection { with_over, facets: filters(T::FACETS), names: filters(T::NAMES), ..Selection::default() }
}
