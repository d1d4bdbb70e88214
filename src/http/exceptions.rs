//! `GET /api/v1/exceptions…`

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{not_found, with_lsn};
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, Sort};
use super::read::{Asked, Read, selection};
use super::scoped::{exception_entry_for, exception_for};
use super::state::AppState;
use super::visibility::{SubjectColumns, reach, sees_exception};
use crate::auth::{Permission, Principal};
use crate::domain::exception::{ExceptionItem, ExceptionState, ExceptionType, Severity};
use crate::domain::ids::Name;
use crate::domain::reference::TenantReference;
use crate::runtime::summaries::{ExceptionEntry, HEADS};
use crate::runtime::summary::{Listed, Paging, Reach, Selection, SortBy, Within};

const PREFIX: &str = "/api/v1/exceptions";

/// What lists can be sorted by.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "type",
    "state",
    "severity",
    "urgency",
    "value_at_risk",
    "units_at_risk",
    "decide_by",
    "opened_at",
    "updated_at",
    "cleared_at",
    "sla_due_at",
    "confidence",
    "lsn",
];

/// What the list can be filtered by, apart from `severity`: whoever asks for one of these wants all that have it, also
/// those that are grouped under a cause.
const NARROWING: &[&str] = &[
    "type",
    "state",
    "sku",
    "location",
    "supplier",
    "group",
    "id",
    "owner",
    "team",
    "case_id",
    "po_id",
    "order_id",
    "transfer_id",
    "promotion_id",
    "action_id",
    "source",
];

/// An exception as the outside sees it; the entry is [`exception_entry_for`] whoever asks.
pub fn item_of(entry: &ExceptionEntry) -> Value {
    with_lsn(serde_json::to_value(&entry.item).unwrap_or_default(), entry.lsn)
}

/// An exception as that principal sees it.
pub fn item_for(principal: &Principal, tenant: &TenantReference, entry: &ExceptionEntry) -> Value {
    let item = exception_for(principal, tenant, &entry.item);
    with_lsn(serde_json::to_value(item).unwrap_or_default(), entry.lsn)
}

fn state_named(name: &str) -> Option<ExceptionState> {
    ExceptionState::ALL.into_iter().find(|state| state.as_str() == name)
}

fn severity_named(name: &str) -> Option<Severity> {
    let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter().find(|severity| severity.as_str() == name)
}

/// An exception that the caller sees, as the caller sees it.
pub(super) fn find(read: &Read<'_>, id: &str) -> Result<Arc<ExceptionEntry>, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let entry = read.running.exceptions.get(caller.tenant, id);
    entry
        .filter(|entry| sees_exception(&caller.principal, tenant, &entry.item))
        .map(|entry| exception_entry_for(&caller.principal, tenant, entry))
        .ok_or_else(|| not_found("such exception"))
}

/// One exception, after its last change.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}", tag = "exceptions",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The exception", body = ref("#/components/schemas/ExceptionDetail")), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/exceptions/{id}")]
pub async fn get_exception(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let entry = find(&read, &id)?;
    let mut item = item_of(&entry);
    if let Value::Object(map) = &mut item {
        map.insert("position".to_owned(), read.running.position(entry.lsn).into());
    }
    Ok(HttpResponse::Ok().json(item))
}

/// The exceptions that are grouped under this one because it is their cause, the most valuable first.
///
/// Empty for an exception that is no cause. Exceptions outside the reader's scope are left out, though the item's
/// `affected.count` counts them.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}/affected", tag = "exceptions",
    params(("id" = String, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of exceptions", body = ref("#/components/schemas/ExceptionList")), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/exceptions/{id}/affected")]
pub async fn list_affected(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &[])?;
    let paged = asked.paged(FIELDS, Sort::descending("value_at_risk").ranked())?;
    let [id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let cause = find(&read, &id)?;
    let Some(affected) = &cause.item.affected else {
        return Ok(HttpResponse::Ok().json(read.page(Vec::<Value>::new(), None)));
    };
    let keys = [affected.key.to_string()];
    let selection = Selection { names: vec![(name_column("group"), &keys)], ..Selection::default() };
    let tenant = read.tenant()?;
    let sees = |item: &ExceptionItem| sees_exception(&caller.principal, tenant, item);
    let show = |entry: &ExceptionEntry| item_for(&caller.principal, tenant, entry);
    let within = |rows| reach(&caller.principal, tenant, subject_columns(), rows);
    let page = read.summary_page(&read.running.exceptions, &selection, &paged, within, sees, show);
    Ok(HttpResponse::Ok().json(page))
}

/// What is wrong now, the most valuable first; what is over when `state` asks for it.
///
/// Without `sort`, exceptions without a value are ranked after all others by their units; with it they come last by id.
///
/// One cause shows as one line: exceptions that are grouped under a cause (their `group` is not null) are left out,
/// unless a filter other than `severity` asks for them or `grouped=false` is given; `grouped=true` leaves them out even
/// then. `group=KEY` gives the members of the cause whose item says `affected.key`. Where the cause is not open, because
/// it was dismissed say, and where the reader's scope leaves it out, its members are in the list. Of what is over,
/// `grouped=true` leaves out all that was grouped when it ended.
#[utoipa::path(get, path = "/api/v1/exceptions", tag = "exceptions",
    params(("type" = Option<Vec<String>>, Query), ("state" = Option<Vec<String>>, Query, description = "by default those that are not over"),
        ("severity" = Option<Vec<String>>, Query), ("id" = Option<Vec<String>>, Query), ("sku" = Option<Vec<String>>, Query),
        ("location" = Option<Vec<String>>, Query), ("supplier" = Option<Vec<String>>, Query),
        ("owner" = Option<Vec<String>>, Query), ("team" = Option<Vec<String>>, Query), ("case_id" = Option<Vec<String>>, Query),
        ("po_id" = Option<Vec<String>>, Query), ("order_id" = Option<Vec<String>>, Query),
        ("transfer_id" = Option<Vec<String>>, Query), ("promotion_id" = Option<Vec<String>>, Query),
        ("action_id" = Option<Vec<String>>, Query), ("source" = Option<Vec<String>>, Query),
        ("group" = Option<Vec<String>>, Query, description = "members of the cause with this key"),
        ("grouped" = Option<bool>, Query, description = "whether only causes and what has none are listed"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of exceptions", body = ref("#/components/schemas/ExceptionList"))), security(("key" = [])))]
#[get("/api/v1/exceptions")]
pub async fn list_exceptions(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let filters = [NARROWING, &["severity", "grouped"]].concat();
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &filters)?;
    let paged = asked.paged(FIELDS, Sort::descending("value_at_risk").ranked())?;
    asked.query.names("type", ExceptionType::parse)?;
    asked.query.names("state", state_named)?;
    asked.query.names("severity", severity_named)?;
    let grouped = asked.query.known_flag("grouped")?;
    let read = asked.ready().await?;
    let mut selection = selected(&read.query, grouped);
    let tenant = read.tenant()?;
    let sees = |item: &ExceptionItem| sees_exception(&caller.principal, tenant, item);
    let within = Within::new(|rows| reach(&caller.principal, tenant, subject_columns(), rows));
    let shown_causes = shown_causes(&read, &mut selection, within, sees);
    let is_hidden = |item: &ExceptionItem| {
        let shown = shown_causes.as_ref().zip(item.group.as_ref());
        shown.is_some_and(|(causes, group)| item.state.is_final() || causes.contains(group))
    };
    let sees = |item: &ExceptionItem| sees(item) && !is_hidden(item);
    let show = |entry: &ExceptionEntry| item_for(&caller.principal, tenant, entry);
    let within = |rows| reach(&caller.principal, tenant, subject_columns(), rows);
    let page = read.summary_page(&read.running.exceptions, &selection, &paged, within, sees, show);
    Ok(HttpResponse::Ok().json(page))
}

/// Most causes that are looked up for a reader who sees a part of the tenant. What is grouped under others is listed.
const SHOWN_CAUSES_MAX: usize = 10_000;

/// Whoever sees a part of the tenant may see an exception and not its cause: it stands in the list then, or nobody there
/// would know of it. Takes what leaves members out of the selection, and says whose members are left out instead.
fn shown_causes(
    read: &Read<'_>,
    selection: &mut Selection<'_>,
    within: Within<impl FnOnce(usize) -> Reach>,
    sees: impl Fn(&ExceptionItem) -> bool,
) -> Option<HashSet<Name>> {
    if read.caller.principal.scope.is_unrestricted() || !selection.top_only {
        return None;
    }
    selection.top_only = false;
    let causes = Selection { present: vec![name_column(HEADS)], ..Selection::default() };
    let paging = Paging {
        sort: SortBy::Id,
        descending: false,
        is_ranked: false,
        after: None,
        limit: SHOWN_CAUSES_MAX,
    };
    let found = read.running.exceptions.page_within(read.caller.tenant, &causes, &paging, within, sees);
    let keys = found.entries.iter().filter_map(|entry| Some(entry.item.affected.as_ref()?.key.clone()));
    Some(keys.collect())
}

/// What a query asks for.
fn selected(query: &Query, grouped: Option<bool>) -> Selection<'_> {
    let is_final = |name: &str| state_named(name).is_some_and(ExceptionState::is_final);
    let mut selection = selection::<ExceptionItem>(query, is_final);
    let is_narrowed = NARROWING.iter().any(|filter| !query.all(filter).is_empty());
    selection.top_only = grouped.unwrap_or(!is_narrowed);
    selection
}

/// Where a list has what its exceptions are about.
pub fn subject_columns() -> SubjectColumns {
    let [sku, location, supplier] = ["sku", "location", "supplier"].map(name_column);
    SubjectColumns { sku, location, supplier }
}

fn name_column(name: &str) -> usize {
    ExceptionItem::NAMES.iter().position(|known| *known == name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::AffectedSummary;
    use crate::domain::exception::testing::item;
    use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
    use crate::runtime::summaries::Exceptions;

    const TENANT: TenantNumber = TenantNumber(0);

    /// A cause with two members, one of them over, and one that stands alone.
    fn exceptions() -> Exceptions {
        let exceptions = Exceptions::new(10);
        let entity = Arc::new(EntityKey::Supplier { tenant: TENANT, supplier: Name::from("S") });
        let key = Some(Name::from("purchase_order:P"));
        let mut cause = item("cause", ExceptionType::PurchaseLate);
        cause.subject.po_id = Some(Name::from("P"));
        let affected = AffectedSummary { key: Name::from("purchase_order:P"), ..AffectedSummary::default() };
        cause.affected = Some(Box::new(affected));
        let mut member = item("member", ExceptionType::ProjectedStockout);
        member.group = key.clone();
        member.team = Some(Name::from("north"));
        let mut over = item("over", ExceptionType::ProjectedStockout);
        (over.group, over.state) = (key, ExceptionState::Cleared);
        let alone = item("alone", ExceptionType::ShortageNow);
        for (lsn, item) in (1..).zip([cause, member, over, alone]) {
            exceptions.upsert(TENANT, &entity, item, Lsn(lsn));
        }
        exceptions
    }

    fn listed(query: &str) -> Vec<String> {
        let filters = [NARROWING, &["severity", "grouped"]].concat();
        let query = Query::parse(query, &filters).unwrap();
        let grouped = query.known_flag("grouped").unwrap();
        let paging = Paging { sort: SortBy::Id, descending: false, is_ranked: false, after: None, limit: 10 };
        let page = exceptions().page(TENANT, &selected(&query, grouped), &paging, |_| true);
        page.entries.iter().map(|entry| entry.item.id.to_string()).collect()
    }

    #[test]
    fn one_cause_is_one_line_unless_its_members_are_asked_for() {
        for top in [
            "",
            "severity=low",
            "grouped=true",
            "type=purchase_late&type=shortage_now",
            "team=north&grouped=true",
        ] {
            let expected: &[&str] = if top.starts_with("team") { &[] } else { &["alone", "cause"] };
            assert_eq!(listed(top), expected, "{top}");
        }
        assert_eq!(listed("grouped=false"), ["alone", "cause", "member"]);
        assert_eq!(listed("severity=low&grouped=false"), ["alone", "cause", "member"]);
        assert_eq!(listed("group=purchase_order:P"), ["member"]);
        assert_eq!(listed("group=purchase_order:P&state=open&state=cleared"), ["member", "over"]);
        for narrowing in
            ["type=projected_stockout", "team=north", "id=member", "group=purchase_order:P&sku=A"]
        {
            assert_eq!(listed(narrowing), ["member"], "{narrowing}");
        }
        assert_eq!(listed("po_id=P"), ["cause"]);
        assert_eq!(listed("sku=A"), ["alone", "cause", "member"]);
    }

    #[test]
    fn every_filter_is_a_column() {
        let facets = ExceptionItem::FACETS;
        for filter in NARROWING {
            assert!(facets.contains(filter) || ExceptionItem::NAMES.contains(filter), "{filter}");
        }
        for field in FIELDS {
            assert!(SortBy::named::<ExceptionItem>(field).is_some(), "{field}");
        }
    }
}
