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
use crate::runtime::codec::{self, EventIdentity, RetryIdentity, SentEvent};
use crate::runtime::{Pending, pending_own, system_record, wall_clock};

/// Most bytes of a rejected event's text that the journal keeps. JSON may write a byte as six, and a record of the journal
/// holds 16 MiB.
const RAW_KEPT_BYTES_MAX: usize = 1 << 20;
/// Most bytes kept of a sentence or a pointer in a rejection; both may quote what was sent.
const TEXT_KEPT_BYTES_MAX: usize = 1 << 10;
/// Most wrong fields kept of a rejection.
const FIELDS_KEPT_MAX: usize = 64;
/// Events handed to the writer at a time: one group's worth, so that memory stays small.
pub(super) const CHUNK_EVENTS_MAX: usize = 512;
/// Bytes of journal records after which what is prepared is handed to the writer.
const CHUNK_BYTES_MAX: usize = 1 << 20;
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

/// The quarantine entry out of which an event is tried again.
pub struct RetryOf<'e> {
    pub entry: Lsn,
    /// Source and id of the event as it was accepted before; `None` if it never was.
    pub accepted_as: Option<(&'e str, &'e str)>,
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

    /// Whether so much is read that it should be submitted before more is.
    pub fn is_full(&self) -> bool {
        let sum = |count: fn(&Part) -> usize| self.parts.iter().map(count).sum::<usize>();
        sum(|part| part.origins.len()) >= CHUNK_EVENTS_MAX || sum(|part| part.buffer.len()) >= CHUNK_BYTES_MAX
    }

    /// Reads one event. One that can't be taken is kept as a rejection, and given back for those who answer otherwise.
    pub fn add(&mut self, index: u64, raw: &Bytes) -> Result<(), Box<Rejection>> {
        match parse_event(raw, &self.limits).and_then(|event| self.check(event)) {
            Ok(event) => {
                self.take(index, raw, event, None);
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

    /// Makes a journal record of an event; `retry_of` names the quarantine entry that it comes from, if it does.
    pub fn take(&mut self, index: u64, raw: &Bytes, event: ParsedEvent<'_>, retry_of: Option<RetryOf<'_>>) {
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
            causing_lsn: retry_of.as_ref().map(|retry| retry.entry).unwrap_or_default(),
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
            retry: retry_of.map(|retry| RetryIdentity {
                entry_key: codec::entry_key(self.tenant, retry.entry),
                keeps_id: retry.accepted_as == Some((&*event.source, &*event.id)),
            }),
        };
        let part = self.part(is_clock);
        let start = part.buffer.len();
        codec::encode_event(&record, sent, &mut part.buffer);
        let bytes = start..part.buffer.len();
        part.records.push(Pending { record: Arc::new(record), bytes, identity: Some(identity) });
        part.origins.push(Origin::Event { index, raw: raw.clone() });
    }

    /// Keeps what can't be taken.
    pub fn reject(&mut self, index: u64, raw: &Bytes, rejection: &Rejection) {
        let body = rejected(raw, rejection);
        let record = system_record(self.tenant, self.principal.clone(), body);
        let part = self.part(false);
        let Ok(pending) = pending_own(record, &mut part.buffer) else { return };
        part.records.push(pending);
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

/// What the journal keeps of an event that was not taken: its text as far as there is room, which `detail` says.
pub fn rejected(raw: &[u8], rejection: &Rejection) -> SystemBody {
    let text = String::from_utf8_lossy(raw);
    let kept = cut(&text, RAW_KEPT_BYTES_MAX);
    let mut detail = cut(&rejection.detail, TEXT_KEPT_BYTES_MAX).to_owned();
    if kept.len() < text.len() {
        detail.push_str(&format!("; only the first {} of its {} bytes are kept", kept.len(), text.len()));
    }
    SystemBody::Rejected {
        code: Name::const_new(rejection.code.name),
        detail,
        source: rejection.source.clone(),
        id: rejection.id.clone(),
        event_type: rejection.event_type.clone(),
        errors: rejection
            .errors
            .iter()
            .take(FIELDS_KEPT_MAX)
            .map(|e| RejectedField {
                pointer: cut(&e.pointer, TEXT_KEPT_BYTES_MAX).to_owned(),
                code: e.code.to_owned(),
                detail: cut(&e.detail, TEXT_KEPT_BYTES_MAX).to_owned(),
            })
            .collect(),
        raw: kept.to_owned(),
    }
}

/// The first `bytes_max` bytes of a text, whole characters only.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::FieldError;
    use crate::journal::RECORD_BYTES_MAX;

    #[test]
    fn a_rejection_fits_into_the_journal_and_says_what_was_cut() {
        let nuls = "\0".repeat(8 << 20);
        let error = FieldError { pointer: nuls.clone(), code: "duplicate_key", detail: nuls.clone() };
        let rejection = Rejection {
            code: &code::DUPLICATE_KEY,
            detail: nuls.clone(),
            errors: vec![error; 3],
            id: None,
            source: None,
            event_type: None,
        };
        let body = rejected(nuls.as_bytes(), &rejection);
        let SystemBody::Rejected { detail, raw, .. } = &body else { panic!("{body:?}") };
        assert_eq!(raw.len(), 1_048_576);
        assert!(detail.ends_with("; only the first 1048576 of its 8388608 bytes are kept"));
        let mut buffer = Vec::new();
        pending_own(system_record(TenantNumber(0), Name::const_new("p"), body), &mut buffer).unwrap();
        assert!(buffer.len() < RECORD_BYTES_MAX / 2, "{}", buffer.len());
    }

    #[test]
    fn what_has_room_is_kept_whole() {
        let rejection = Rejection {
            code: &code::MALFORMED_JSON,
            detail: "no JSON".to_owned(),
            errors: Vec::new(),
            id: None,
            source: None,
            event_type: None,
        };
        let SystemBody::Rejected { detail, raw, .. } = rejected("{é".as_bytes(), &rejection) else {
            panic!("another body")
        };
        assert_eq!((detail.as_str(), raw.as_str()), ("no JSON", "{é"));
        assert_eq!(cut("é", 1), "");
    }
}
