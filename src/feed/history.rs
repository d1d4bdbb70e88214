//! Events read again from the journal, for a client that was away for longer than the ring reaches.

use std::sync::Arc;

use super::event::{self, Event};
use crate::domain::ids::Lsn;
use crate::journal::envelope::{self, DecodeError};
use crate::journal::{JournalError, JournalReader};
use crate::runtime::codec::{self, CodecError};

/// Records looked at in one go; most of them make no events.
const RECORDS_MAX: u64 = 50_000;
/// Bytes of events in one go. One event is far smaller.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Why the journal can't be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Envelope(#[from] DecodeError),
    #[error(transparent)]
    Record(#[from] CodecError),
    #[error("record {0} is not in the journal")]
    Missing(Lsn),
}

/// A piece of the past.
#[derive(Debug)]
pub struct Piece {
    /// What its transitions make, in order, whether they took effect or not.
    pub events: Vec<Event>,
    /// The last record looked at.
    pub upto: Lsn,
}

/// Reads on from `from`, at most up to `upto` and no more than a piece. Blocks on the disk.
///
/// # Errors
/// [`HistoryError`]
pub fn read(reader: &JournalReader, from: Lsn, upto: Lsn) -> Result<Piece, HistoryError> {
    let mut piece = Piece { events: Vec::new(), upto: Lsn(from.0.saturating_sub(1)) };
    let mut bytes_read = 0;
    for record in reader.read_from(from.0) {
        let (lsn, bytes) = record?;
        if lsn > upto.0 {
            break;
        }
        // The type stands in the envelope: outside events are not parsed again.
        if event::may_make_event(envelope::decode_record(&bytes)?.0.record_type) {
            let (record, _) = codec::decode(&bytes)?;
            if let Some(event) = Event::of(Arc::new(record)) {
                bytes_read += bytes.len();
                piece.events.push(event);
            }
        }
        piece.upto = Lsn(lsn);
        if lsn - from.0 + 1 >= RECORDS_MAX || bytes_read >= EVENT_BYTES_MAX {
            break;
        }
    }
    if piece.upto < from { Err(HistoryError::Missing(from)) } else { Ok(piece) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Name, TenantNumber};
    use crate::domain::record::{Body, SystemBody, Transition};
    use crate::feed::request::Topic;
    use crate::feed::ring::testing::exception_record;
    use crate::journal::{GroupBuilder, Journal, JournalOptions};
    use crate::runtime::codec::encode_own;

    /// A journal in which every third record is an exception's.
    fn journal(path: &std::path::Path, records: u64) -> Journal {
        let (mut journal, _) =
            Journal::open(path, JournalOptions { segment_bytes_max: 64 << 20 }).expect("a journal");
        let mut group = GroupBuilder::new(1);
        let mut buffer = Vec::new();
        for lsn in 1..=records {
            let mut record = exception_record(lsn, &format!("S{lsn}"), 1);
            if lsn % 3 != 0 {
                let body = SystemBody::QuarantineClosed { entry: Lsn(1), retried: false };
                record.body = Body::System(Box::new(body));
            }
            buffer.clear();
            encode_own(&record, &mut buffer).expect("encoded");
            group.push(&buffer).expect("pushed");
            if lsn % 1000 == 0 || lsn == records {
                journal.append_group(&mut group).expect("appended");
                group.reset(lsn + 1);
            }
        }
        journal
    }

    #[test]
    fn pieces_of_the_past_make_the_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let records = 10_000;
        let journal = journal(directory.path(), records);
        let reader = journal.reader();
        let (mut from, upto) = (Lsn(2), Lsn(records - 1));
        let mut seen = Vec::new();
        let mut pieces = 0;
        while from <= upto {
            let piece = read(&reader, from, upto).expect("a piece");
            assert!(piece.upto >= from && piece.upto <= upto);
            for Event { record, topic, .. } in &piece.events {
                assert_eq!((record.tenant, *topic), (TenantNumber(0), Topic::Exceptions));
                let Body::Transition(body) = &record.body else { unreachable!() };
                let Transition::Exception(transition) = &body.transition else { unreachable!() };
                assert_eq!(transition.item.id, Name::from(format!("exc_S{}", record.lsn)));
                seen.push(record.lsn.0);
            }
            from = piece.upto.next();
            pieces += 1;
        }
        assert_eq!(seen, (2..records).filter(|lsn| lsn % 3 == 0).collect::<Vec<u64>>());
        assert!(pieces > 1, "more than fits in one piece");
        assert!(matches!(read(&reader, Lsn(records + 1), Lsn(records + 5)), Err(HistoryError::Missing(_))));
    }
}
