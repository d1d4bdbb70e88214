//! A gapless event: its record, and its frame once someone is to see it.
//!
//! What is special about a gapless topic stands here alone: which records make its events, who sees them, and how their
//! items are written.

use std::borrow::Cow;
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
use crate::domain::approval_case::{CaseChange, CaseItem, CaseTransition};
use crate::domain::condition::Condition;
use crate::domain::exception::{ExceptionChange, ExceptionItem, ExceptionTransition};
use crate::domain::ids::Lsn;
use crate::domain::record::{Body, Record, Transition};
use crate::domain::reference::Reference;
use crate::http::scoped::{case_entry_for, case_for, exception_entry_for, exception_for};
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

/// The part of an event's item that is inside a viewer's scope.
pub enum Narrowed {
    Exception(Box<ExceptionItem>),
    Case(Box<CaseItem>),
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

    /// The event as it is for one viewer alone, whose scope leaves out a part of the item; `None` where the viewer sees
    /// all of it, as nearly everybody does.
    pub fn narrowed(&self, viewer: &Viewer, reference: &Reference) -> Option<Narrowed> {
        let principal = &viewer.principal;
        if principal.scope.is_unrestricted() {
            return None;
        }
        let tenant = reference.tenant(viewer.tenant)?;
        match change(&self.record)? {
            Change::Exception(transition) => match exception_for(principal, tenant, &transition.item) {
                Cow::Owned(item) => Some(Narrowed::Exception(Box::new(item))),
                Cow::Borrowed(_) => None,
            },
            Change::Case(transition) => match case_for(principal, tenant, &transition.item) {
                Cow::Owned(item) => Some(Narrowed::Case(Box::new(item))),
                Cow::Borrowed(_) => None,
            },
        }
    }

    /// The tail of the event's frame for a viewer who sees that part of its item.
    pub fn tail_of(&self, narrowed: &Narrowed, running: &Running) -> Option<Arc<str>> {
        let lsn = self.lsn();
        let kind = match change(&self.record)? {
            Change::Exception(transition) => transition.kind.as_str(),
            Change::Case(transition) => transition.kind.as_str(),
        };
        let item = match narrowed {
            Narrowed::Exception(item) => shown(item, lsn)?,
            Narrowed::Case(item) => shown(item, lsn)?,
        };
        Some(frame::event_tail(self.topic, kind, lsn, &running.position(lsn), &item))
    }

    /// Whether a filter lets it through for a viewer who sees that part of its item.
    pub fn matches(&self, narrowed: &Narrowed, condition: &Condition) -> bool {
        let item = match narrowed {
            Narrowed::Exception(item) => filterable(item, self.lsn()),
            Narrowed::Case(item) => filterable(item, self.lsn()),
        };
        item.is_some_and(|item| filter::matches(condition, &item))
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

/// An item of a gapless topic's snapshot; it becomes text only when its page is written, since there may be very many.
pub enum Open {
    Exception(Arc<ExceptionEntry>),
    Case(Arc<CaseEntry>),
}

impl Open {
    /// The number of the item, as of its events.
    pub fn number(&self) -> u64 {
        match self {
            Open::Exception(entry) => item_number(Topic::Exceptions, &entry.item.id),
            Open::Case(entry) => item_number(Topic::Cases, &entry.item.id),
        }
    }

    /// The item as it is shown.
    pub fn json(&self) -> Option<String> {
        match self {
            Open::Exception(entry) => shown(&entry.item, entry.lsn),
            Open::Case(entry) => shown(&entry.item, entry.lsn),
        }
    }

    fn id(&self) -> &str {
        match self {
            Open::Exception(entry) => &entry.item.id,
            Open::Case(entry) => &entry.item.id,
        }
    }

    fn matches(&self, condition: &Condition) -> bool {
        let item = match self {
            Open::Exception(entry) => filterable(&entry.item, entry.lsn),
            Open::Case(entry) => filterable(&entry.item, entry.lsn),
        };
        item.is_some_and(|item| filter::matches(condition, &item))
    }
}

/// What is open of a topic as it is now, as far as the viewer sees it and the filter lets it through, by id.
pub fn open_items(
    running: &Running,
    viewer: &Viewer,
    topic: Topic,
    filter: Option<&Condition>,
) -> Option<Vec<Open>> {
    let reference = running.reference();
    let tenant = reference.tenant(viewer.tenant)?;
    let principal = &viewer.principal;
    let mut open: Vec<Open> = match topic {
        Topic::Exceptions => {
            let sees = |entry: &ExceptionEntry| sees_exception(principal, tenant, &entry.item);
            let open = running.exceptions.select(viewer.tenant, false, sees).into_iter();
            open.map(|entry| Open::Exception(exception_entry_for(principal, tenant, entry))).collect()
        }
        Topic::Cases => {
            let sees = |entry: &CaseEntry| sees_case(principal, tenant, &entry.item);
            let open = running.cases.select(viewer.tenant, false, sees).into_iter();
            open.filter_map(|entry| case_entry_for(principal, tenant, entry)).map(Open::Case).collect()
        }
        Topic::SkuLocations | Topic::Suppliers | Topic::Stats => Vec::new(),
    };
    if let Some(condition) = filter {
        open.retain(|item| item.matches(condition));
    }
    open.sort_unstable_by(|a, b| a.id().cmp(b.id()));
    Some(open)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval_case::CaseState;
    use crate::domain::exception::ExceptionState;
    use crate::feed::ring::testing::{case_record, exception_record};

    fn event(record: Record, change: impl FnOnce(&mut Transition)) -> Event {
        let mut record = record;
        if let Body::Transition(body) = &mut record.body {
            change(&mut body.transition);
        }
        Event::of(Arc::new(record)).expect("an event")
    }

    #[test]
    fn an_items_life_begins_once_and_ends() {
        let exception = |state: ExceptionState, reopened: u32| {
            event(exception_record(5, "A", 1), |transition| {
                if let Transition::Exception(transition) = transition {
                    let item = std::sync::Arc::make_mut(&mut transition.item);
                    (item.state, item.reopened) = (state, reopened);
                }
            })
        };
        assert_eq!(exception(ExceptionState::Open, 0).stage(), Stage::First);
        assert_eq!(exception(ExceptionState::Open, 1).stage(), Stage::Middle, "it was told before");
        assert_eq!(exception(ExceptionState::Cleared, 0).stage(), Stage::Last);
        let closed = event(case_record(6, "case_1", 1), |transition| {
            if let Transition::Case(transition) = transition {
                (transition.kind, transition.item.state) = (CaseChange::Closed, CaseState::Closed);
            }
        });
        assert_eq!((closed.topic, closed.stage()), (Topic::Cases, Stage::Last));
        assert_eq!(event(case_record(6, "case_1", 1), |_| {}).stage(), Stage::First);
    }

    #[test]
    fn an_item_has_one_number_in_its_topic() {
        let number = |record: Record| event(record, |_| {}).item_number();
        assert_eq!(number(case_record(6, "case_1", 1)), number(case_record(9, "case_1", 2)));
        assert_ne!(number(case_record(6, "case_1", 1)), number(case_record(6, "case_2", 1)));
        assert_ne!(item_number(Topic::Cases, "x"), item_number(Topic::Exceptions, "x"));
    }
}
