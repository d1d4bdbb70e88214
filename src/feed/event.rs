//! A gapless event: its record, and its frame once someone is to see it.
//!
//! What is special about a gapless topic stands here alone: which records make its events, who sees them, and how their
//! items are written.

use std::cell::OnceCell;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::Serialize;
use serde_json::{Map, Value};

use super::filter;
use super::frame::{self, Shown};
use super::handle::Viewer;
use super::known::Stage;
use super::request::Topic;
use crate::domain::approval_case::{CaseChange, CaseTransition};
use crate::domain::condition::Condition;
use crate::domain::exception::{ExceptionChange, ExceptionTransition};
use crate::domain::ids::Lsn;
use crate::domain::record::{Body, Record, Transition};
use crate::domain::reference::Reference;
use crate::http::visibility::{sees_case, sees_exception};
use crate::runtime::Running;
use crate::runtime::summaries::{CaseEntry, ExceptionEntry};

/// How the record types of gapless events begin. No outside event's type does.
const RECORD_TYPES: [&str; 2] = ["exception.", "case."];

/// Whether records of this type may make events.
pub fn may_make_event(record_type: &str) -> bool {
    RECORD_TYPES.iter().any(|beginning| record_type.starts_with(beginning))
}

/// An event with its frame, which is written when someone is to see it.
#[derive(Debug)]
pub struct Event {
    pub record: Arc<Record>,
    pub topic: Topic,
    tail: OnceCell<Option<Arc<str>>>,
}

/// What changed.
enum Change<'a> {
    Exception(&'a ExceptionTransition),
    Case(&'a CaseTransition),
}

fn change(record: &Record) -> Option<Change<'_>> {
    let Body::Transition(body) = &record.body else { return None };
    match &body.transition {
        Transition::Exception(transition) => Some(Change::Exception(transition)),
        Transition::Case(transition) => Some(Change::Case(transition)),
        _ => None,
    }
}

impl Event {
    /// The event that a record makes, if it makes one.
    pub fn of(record: Arc<Record>) -> Option<Event> {
        let topic = match change(&record)? {
            Change::Exception(_) => Topic::Exceptions,
            Change::Case(_) => Topic::Cases,
        };
        Some(Event { record, topic, tail: OnceCell::new() })
    }

    /// Its place in the journal.
    pub fn lsn(&self) -> Lsn {
        self.record.lsn
    }

    /// The number of its item, the same for all events of that.
    pub fn item_number(&self) -> u64 {
        match change(&self.record) {
            Some(Change::Exception(transition)) => item_number(self.topic, &transition.item.id),
            Some(Change::Case(transition)) => item_number(self.topic, &transition.item.id),
            None => 0,
        }
    }

    /// Where its item is in its life after it.
    pub fn stage(&self) -> Stage {
        let (is_final, is_first) = match change(&self.record) {
            Some(Change::Exception(ExceptionTransition { kind, item, .. })) => {
                // What comes back within its quiet time was told before.
                (item.state.is_final(), *kind == ExceptionChange::Opened && item.reopened == 0)
            }
            Some(Change::Case(CaseTransition { kind, item, .. })) => {
                (item.state.is_final(), *kind == CaseChange::Opened)
            }
            None => (false, false),
        };
        match (is_final, is_first) {
            (true, _) => Stage::Last,
            (false, true) => Stage::First,
            (false, false) => Stage::Middle,
        }
    }

    /// Whether the viewer may see it, by the Reference of now.
    pub fn is_visible(&self, viewer: &Viewer, reference: &Reference) -> bool {
        if viewer.tenant != self.record.tenant {
            return false;
        }
        match (reference.tenant(viewer.tenant), change(&self.record)) {
            (Some(tenant), Some(Change::Exception(transition))) => {
                sees_exception(&viewer.principal, tenant, &transition.item)
            }
            (Some(tenant), Some(Change::Case(transition))) => {
                sees_case(&viewer.principal, tenant, &transition.item)
            }
            _ => false,
        }
    }

    /// Its item as filters see it.
    pub fn item(&self) -> Option<Map<String, Value>> {
        match change(&self.record)? {
            Change::Exception(transition) => filterable(&transition.item, self.lsn()),
            Change::Case(transition) => filterable(&transition.item, self.lsn()),
        }
    }

    /// The part of its frame that all subscribers share; `None` if the item can't be written as JSON, which its type
    /// does not allow for.
    pub fn tail(&self, running: &Running) -> Option<&Arc<str>> {
        let write = || {
            let lsn = self.lsn();
            let (kind, item) = match change(&self.record)? {
                Change::Exception(transition) => (transition.kind.as_str(), shown(&transition.item, lsn)?),
                Change::Case(transition) => (transition.kind.as_str(), shown(&transition.item, lsn)?),
            };
            Some(frame::event_tail(self.topic, kind, lsn, &running.position(lsn), &item))
        };
        self.tail.get_or_init(write).as_ref()
    }
}

/// What is open of a topic as it is now, as far as the viewer sees it and the filter lets it through: each with its
/// number and as JSON, by id.
pub fn open_items(
    running: &Running,
    viewer: &Viewer,
    topic: Topic,
    filter: Option<&Condition>,
) -> Option<Vec<(u64, String)>> {
    let reference = running.reference();
    let tenant = reference.tenant(viewer.tenant)?;
    let principal = &viewer.principal;
    let listed = match topic {
        Topic::Exceptions => {
            let sees = |entry: &ExceptionEntry| sees_exception(principal, tenant, &entry.item);
            let mut open = running.exceptions.select(viewer.tenant, false, sees);
            open.sort_unstable_by(|a, b| a.item.id.cmp(&b.item.id));
            let listed =
                |entry: &Arc<ExceptionEntry>| listed(topic, &entry.item.id, &entry.item, entry.lsn, filter);
            open.iter().filter_map(listed).collect()
        }
        Topic::Cases => {
            let sees = |entry: &CaseEntry| sees_case(principal, tenant, &entry.item);
            let mut open = running.cases.select(viewer.tenant, false, sees);
            open.sort_unstable_by(|a, b| a.item.id.cmp(&b.item.id));
            let listed =
                |entry: &Arc<CaseEntry>| listed(topic, &entry.item.id, &entry.item, entry.lsn, filter);
            open.iter().filter_map(listed).collect()
        }
        Topic::SkuLocations | Topic::Suppliers | Topic::Stats => Vec::new(),
    };
    Some(listed)
}

fn listed<T: Serialize>(
    topic: Topic,
    id: &str,
    item: &T,
    lsn: Lsn,
    filter: Option<&Condition>,
) -> Option<(u64, String)> {
    if let Some(condition) = filter
        && !filter::matches(condition, &filterable(item, lsn)?)
    {
        return None;
    }
    Some((item_number(topic, id), shown(item, lsn)?))
}

fn shown<T: Serialize>(item: &T, lsn: Lsn) -> Option<String> {
    serde_json::to_string(&Shown { item, lsn }).ok()
}

/// The number by which an item is remembered.
pub fn item_number(topic: Topic, id: &str) -> u64 {
    FixedState::with_seed(topic as u64).hash_one(id)
}

/// An item as filters see it.
fn filterable<T: Serialize>(item: &T, lsn: Lsn) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut item)) = serde_json::to_value(Shown { item, lsn }) else { return None };
    filter::add_amount(&mut item);
    Some(item)
}
