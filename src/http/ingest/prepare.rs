//! From the bytes of events to journal records, ready for the writer.

use std::sync::Arc;

use actix_web::web::Bytes;

use crate::domain::event::{EventData, KnownType};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{Body, ClockKind, Record, RejectedField, SystemBody};
use crate::domain::time::{DAY, Timestamp};
use crate::http::caller::Caller;
use crate::http::cloudevents::{Limits, ParsedEvent, Rejection, is_too_far_ahead, parse_event};
use crate::http::problem::{Problem, code};
use crate::http::state::AppState;
use crate::runtime::codec::{self, EventIdentity, SentEvent};
use crate::runtime::{Pending, system_record, wall_clock};

/// How far an event clock may run ahead of the wall.
const CLOCK_AHEAD_MAX: i64 = 20 * 366 * DAY;

/// Events read and not yet handed to the writer, in the order in which they came.
pub struct Preparation<'s> {
    pub(super) state: &'s AppState,
    pub(super) tenant: TenantNumber,
    pub(super) principal: Name,
    pub(super) parts: Vec<Part>,
    limits: Limits,
    clock: ClockKind,
    now: Timestamp,
}

/// Records that go to the writer together. `clock.advanced` goes alone: what came before must have settled first.
#[derive(Default)]
pub(super) struct Part {
    pub records: Vec<Pending>,
    pub buffer: Vec<u8>,
    pub origins: Vec<Origin>,
    pub is_clock: bool,
}

/// What a record stands for.
pub(super) enum Origin {
    Event {
        index: u64,
        raw: Bytes,
    },
    /// It could not be taken; the record keeps it.
    Rejection {
        index: u64,
        problem: Box<Problem>,
    },
}

impl<'s> Preparation<'s> {
    /// Nothing read yet.
    ///
    /// # Errors
    /// `recovering`.
    pub fn new(caller: &Caller, limits: Limits, state: &'s AppState) -> Result<Preparation<'s>, Problem> {
        let running = state.running()?;
        Ok(Preparation {
            state,
            tenant: caller.tenant,
            principal: Name::from(caller.principal.name.as_str()),
            parts: Vec::new(),
            limits,
            clock: running.clocks.clock_kind(caller.tenant),
            now: wall_clock(),
        })
    }

    /// Events read and not yet submitted.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.origins.len()).sum()
    }

    /// Reads one event. One that can't be taken is kept as a rejection, and given back for those who answer otherwise.
    pub fn add(&mut self, index: u64, raw: &Bytes) -> Result<(), Box<Rejection>> {
        match parse_event(raw, &self.limits).and_then(|event| self.check(event)) {
            Ok(event) => {
                self.take(index, raw, event);
                Ok(())
            }
            Err(rejection) => {
                self.reject(index, raw, &rejection);
                Err(rejection)
            }
        }
    }

    /// What depends on clocks.
    pub fn check<'e>(&self, event: ParsedEvent<'e>) -> Result<ParsedEvent<'e>, Box<Rejection>> {
        let refuse = |code, detail: String| {
            Err(Box::new(Rejection {
                code,
                detail,
                errors: Vec::new(),
                id: Some(event.id.clone().into_owned()),
                source: Some(event.source.clone().into_owned()),
                event_type: Some(event.event_type.as_str().to_owned()),
            }))
        };
        match self.clock {
            ClockKind::Wall => {
                if let Some(time) = event.time
                    && is_too_far_ahead(time, self.now)
                {
                    return refuse(
                        &code::TIME_IN_FUTURE,
                        format!("{time} is more than 24 hours ahead of {}", self.now),
                    );
                }
                if let EventData::ClockAdvanced(_) = event.data {
                    return refuse(
                        &code::CLOCK_NOT_EVENT,
                        "this tenant keeps time by the wall clock".to_owned(),
                    );
                }
            }
            ClockKind::Event => {
                if let EventData::ClockAdvanced(to) = event.data
                    && to > self.now.plus(CLOCK_AHEAD_MAX)
                {
                    // A clock never goes back: a slip of the pen must not stop it for good.
                    return refuse(
                        &code::TIME_IN_FUTURE,
                        format!("{to} is more than 20 years ahead of {}", self.now),
                    );
                }
            }
        }
        Ok(event)
    }

    /// Makes a journal record of an event.
    pub fn take(&mut self, index: u64, raw: &Bytes, event: ParsedEvent<'_>) {
        let is_clock = matches!(event.data, EventData::ClockAdvanced(_));
        let event_type = match event.event_type {
            KnownType::Core(core) => Some(core),
            KnownType::Reserved(_) => None,
        };
        let record = Record {
            lsn: Lsn::ZERO,
            tenant: self.tenant,
            event_time: event.time.unwrap_or(self.now),
            ingest_time: self.now,
            business_time: self.now,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::from(&*event.source),
            id: Name::from(&*event.id),
            sequence: event.sequence.as_deref().map(Name::from).unwrap_or_default(),
            principal: self.principal.clone(),
            body: Body::Event { event_type, data: event.data },
        };
        let sent = SentEvent {
            type_name: event.event_type.as_str(),
            subject: event.subject.as_deref().unwrap_or_default(),
            time_given: event.time.is_some(),
            content_hash: event.content_hash,
            data: event.data_json.as_bytes(),
        };
        let identity = EventIdentity {
            key: codec::event_key(self.tenant, &record.source, &record.id),
            content_hash: event.content_hash,
        };
        let part = self.part(is_clock);
        let start = part.buffer.len();
        codec::encode_event(&record, sent, &mut part.buffer);
        let bytes = start..part.buffer.len();
        part.records.push(Pending { record: Arc::new(record), bytes, identity: Some(identity) });
        part.origins.push(Origin::Event { index, raw: raw.clone() });
    }

    fn reject(&mut self, index: u64, raw: &Bytes, rejection: &Rejection) {
        let body = rejected(raw, rejection);
        let record = system_record(self.tenant, self.principal.clone(), body);
        let part = self.part(false);
        let start = part.buffer.len();
        if codec::encode_own(&record, &mut part.buffer).is_err() {
            part.buffer.truncate(start);
            return;
        }
        let bytes = start..part.buffer.len();
        part.records.push(Pending { record: Arc::new(record), bytes, identity: None });
        part.origins.push(Origin::Rejection { index, problem: Box::new(rejection.to_problem()) });
    }

    fn part(&mut self, is_clock: bool) -> &mut Part {
        let fits = !is_clock && self.parts.last().is_some_and(|part| !part.is_clock);
        if !fits {
            self.parts.push(Part { is_clock, ..Part::default() });
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }
}

/// What the journal keeps of an event that was not taken.
pub fn rejected(raw: &[u8], rejection: &Rejection) -> SystemBody {
    SystemBody::Rejected {
        code: Name::const_new(rejection.code.name),
        detail: rejection.detail.clone(),
        source: rejection.source.clone(),
        id: rejection.id.clone(),
        event_type: rejection.event_type.clone(),
        errors: rejection
            .errors
            .iter()
            .map(|e| RejectedField {
                pointer: e.pointer.clone(),
                code: e.code.to_owned(),
                detail: e.detail.clone(),
            })
            .collect(),
        raw: String::from_utf8_lossy(raw).into_owned(),
    }
}
