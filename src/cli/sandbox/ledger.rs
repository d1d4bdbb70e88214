//! What the sandbox was told and what it made of it, on the disk before anybody hears of it.
//!
//! One file of JSON lines: an action with its answer, document and events, and the ids of events that the tower took.
//! A line that was cut off by a kill is cut away; a broken line elsewhere is an error.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{Action, Made, Manner};
use super::faults::Wrong;
use crate::domain::time::Timestamp;

/// Actions that one ledger holds; more are answered 503.
pub const ACTIONS_MAX: usize = 100_000;
const FILE: &str = "actions.jsonl";

/// Why the ledger can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("{path}: {cause}", path = path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{path} is in use by another sandbox", path = path.display())]
    Locked { path: PathBuf },
    #[error("{path}, line {line}: {cause}", path = path.display())]
    Broken { path: PathBuf, line: usize, cause: String },
}

/// One line of the file. Not tagged inside: quantities are read from their own text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Action(Box<Recorded>),
    /// An event that the tower took or refused for good.
    Sent {
        id: String,
    },
}

/// An action with what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    pub key: String,
    pub at: Timestamp,
    pub request: Value,
    /// `None` if it was refused.
    pub made: Option<Made>,
    /// The answer to the first request and to every repeat.
    pub status: u16,
    pub answer: Value,
}

/// What a request comes to.
#[derive(Debug)]
pub enum Taken {
    /// Recorded just now, or before: this is the answer.
    Answer { status: u16, answer: Value, replayed: bool },
    /// The key was used for something else.
    OtherBody,
    /// No room for another one.
    Full,
}

/// An event that the tower has not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsent {
    pub due_at: Timestamp,
    action: usize,
    event: usize,
}

/// All of it, and the file behind it.
pub struct Ledger {
    path: PathBuf,
    file: File,
    actions: Vec<Recorded>,
    /// How often each action was asked for since the start.
    seen: Vec<u64>,
    by_key: HashMap<String, usize>,
    unsent: BTreeSet<Unsent>,
}

impl Ledger {
    /// Opens or makes the ledger in `directory`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(directory: &Path) -> Result<Ledger, LedgerError> {
        let path = directory.join(FILE);
        let failed = |cause| LedgerError::Io { path: path.clone(), cause };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(LedgerError::Locked { path }),
            Err(std::fs::TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        // The file's own name must last too.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        let mut ledger = Ledger {
            path: path.clone(),
            file,
            actions: Vec::new(),
            seen: Vec::new(),
            by_key: HashMap::new(),
            unsent: BTreeSet::new(),
        };
        let whole = ledger.read()?;
        ledger.file.set_len(whole).map_err(failed)?;
        ledger.file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(ledger)
    }

    /// Reads the file; gives the bytes of its whole lines.
    fn read(&mut self) -> Result<u64, LedgerError> {
        let failed = |cause| LedgerError::Io { path: self.path.clone(), cause };
        let mut reader = BufReader::new(self.file.try_clone().map_err(failed)?);
        let mut sent = BTreeSet::new();
        let mut whole = 0;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader
                .read_until(b'\n', &mut line)
                .map_err(|cause| LedgerError::Io { path: self.path.clone(), cause })?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(Entry::Action(recorded)) => self.insert(*recorded),
                Ok(Entry::Sent { id }) => {
                    sent.insert(id);
                }
                Err(cause) => {
                    let (path, cause) = (self.path.clone(), cause.to_string());
                    return Err(LedgerError::Broken { path, line: number, cause });
                }
            }
            whole += read as u64;
        }
        let actions = &self.actions;
        self.unsent.retain(|unsent| event_id(actions, *unsent).is_some_and(|id| !sent.contains(id)));
        Ok(whole)
    }

    fn insert(&mut self, recorded: Recorded) {
        let action = self.actions.len();
        for (event, announced) in recorded.made.iter().flat_map(|made| &made.events).enumerate() {
            let after = i64::try_from(announced.after_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
            self.unsent.insert(Unsent { due_at: recorded.at.plus(after), action, event });
        }
        self.by_key.insert(recorded.key.clone(), action);
        self.actions.push(recorded);
        self.seen.push(0);
    }

    fn append(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let failed = |cause| LedgerError::Io { path: self.path.clone(), cause };
        let mut line = serde_json::to_vec(entry).map_err(|cause| failed(cause.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(failed)
    }

    /// Carries an action out if it is new; gives the answer that it has, durably, from then on.
    ///
    /// # Errors
    /// [`LedgerError::Io`]: nothing was carried out, or nobody knows; the process should end.
    pub fn take(
        &mut self,
        key: &str,
        request: &Value,
        action: &Action,
        manner: Manner,
        now: Timestamp,
    ) -> Result<Taken, LedgerError> {
        if let Some(index) = self.by_key.get(key).copied() {
            let known = &self.actions[index];
            if known.request != *request {
                return Ok(Taken::OtherBody);
            }
            self.seen[index] += 1;
            return Ok(Taken::Answer { status: known.status, answer: known.answer.clone(), replayed: true });
        }
        if self.actions.len() >= ACTIONS_MAX {
            return Ok(Taken::Full);
        }
        let recorded = self.decide(key, request, action, manner, now);
        let taken =
            Taken::Answer { status: recorded.status, answer: recorded.answer.clone(), replayed: false };
        let entry = Entry::Action(Box::new(recorded));
        self.append(&entry)?;
        if let Entry::Action(recorded) = entry {
            self.insert(*recorded);
        }
        if let Some(seen) = self.seen.last_mut() {
            *seen = 1;
        }
        Ok(taken)
    }

    fn decide(
        &self,
        key: &str,
        request: &Value,
        action: &Action,
        manner: Manner,
        now: Timestamp,
    ) -> Recorded {
        let (key, request) = (key.to_owned(), request.clone());
        if manner.wrong == Some(Wrong::Refuse) {
            let detail = "the sandbox is told to refuse every action";
            let answer = serde_json::json!({
                "type": "about:blank", "title": "Refused", "status": 422, "code": "refused", "detail": detail,
            });
            return Recorded { key, at: now, request, made: None, status: 422, answer };
        }
        let made = action.carry_out(self.actions.len() + 1, manner);
        let answer = serde_json::json!({
            "action_id": action.action_id, "external_ref": made.external_ref, "status": "accepted",
        });
        Recorded { key, at: now, request, made: Some(made), status: 201, answer }
    }

    /// Every action in the order in which they came, with how often each was asked for since the start.
    pub fn actions(&self) -> impl Iterator<Item = (&Recorded, u64)> {
        self.actions.iter().zip(self.seen.iter().copied())
    }

    /// The event that is due first.
    pub fn next_unsent(&self) -> Option<Unsent> {
        self.unsent.first().copied()
    }

    /// The text of an event.
    pub fn event(&self, unsent: Unsent) -> Option<&Value> {
        event(&self.actions, unsent)
    }

    /// Notes that the tower has an event.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn sent(&mut self, unsent: Unsent) -> Result<(), LedgerError> {
        if let Some(id) = event_id(&self.actions, unsent) {
            let entry = Entry::Sent { id: id.to_owned() };
            self.append(&entry)?;
        }
        self.unsent.remove(&unsent);
        Ok(())
    }

    /// Ids of events that the tower does not have yet.
    pub fn unsent_ids(&self) -> BTreeSet<&str> {
        self.unsent.iter().filter_map(|unsent| event_id(&self.actions, *unsent)).collect()
    }
}

fn event(actions: &[Recorded], unsent: Unsent) -> Option<&Value> {
    let made = actions.get(unsent.action)?.made.as_ref()?;
    made.events.get(unsent.event).map(|announced| &announced.event)
}

fn event_id(actions: &[Recorded], unsent: Unsent) -> Option<&str> {
    event(actions, unsent)?["id"].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RIGHT: Manner = Manner { wrong: None, receive_after: None };

    fn take(ledger: &mut Ledger, key: &str, quantity: i64, manner: Manner) -> Taken {
        let request = json!({
            "action_id": key, "kind": "order", "sku": "A", "location": "L1", "quantity": quantity,
        });
        let action: Action = serde_json::from_str(&request.to_string()).unwrap();
        ledger.take(key, &request, &action, manner, Timestamp::from_micros(0)).unwrap()
    }

    fn reference(taken: &Taken) -> (&str, bool) {
        match taken {
            Taken::Answer { answer, replayed, .. } => (answer["external_ref"].as_str().unwrap(), *replayed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeat_gets_the_same_answer_and_another_body_none() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(directory.path()).unwrap();
        assert_eq!(reference(&take(&mut ledger, "a", 5, RIGHT)), ("SBX-PO-000001", false));
        assert_eq!(reference(&take(&mut ledger, "b", 5, RIGHT)), ("SBX-PO-000002", false));
        assert_eq!(reference(&take(&mut ledger, "a", 5, RIGHT)), ("SBX-PO-000001", true));
        assert!(matches!(take(&mut ledger, "a", 6, RIGHT), Taken::OtherBody));
        assert_eq!(ledger.actions().map(|(_, seen)| seen).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn it_knows_after_a_restart_what_it_did_and_what_the_tower_has() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(directory.path()).unwrap();
        take(&mut ledger, "a", 5, RIGHT);
        take(&mut ledger, "b", 5, Manner { wrong: Some(Wrong::Refuse), ..RIGHT });
        let first = ledger.next_unsent().unwrap();
        ledger.sent(first).unwrap();
        drop(ledger);
        let mut ledger = Ledger::open(directory.path()).unwrap();
        assert_eq!(ledger.unsent_ids().into_iter().collect::<Vec<_>>(), ["SBX-PO-000001-acknowledged"]);
        assert_eq!(reference(&take(&mut ledger, "a", 5, RIGHT)), ("SBX-PO-000001", true));
        let refused = take(&mut ledger, "b", 5, RIGHT);
        assert!(matches!(refused, Taken::Answer { status: 422, replayed: true, .. }), "{refused:?}");
    }

    #[test]
    fn a_line_cut_off_by_a_kill_is_as_if_it_never_was() {
        let directory = tempfile::tempdir().unwrap();
        take(&mut Ledger::open(directory.path()).unwrap(), "a", 5, RIGHT);
        take(&mut Ledger::open(directory.path()).unwrap(), "b", 5, RIGHT);
        let path = directory.path().join(FILE);
        let text = std::fs::read(&path).unwrap();
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in [first, first + 1, first + 20, text.len() - 1] {
            std::fs::write(&path, &text[..cut]).unwrap();
            let mut ledger = Ledger::open(directory.path()).unwrap();
            assert_eq!(ledger.actions().count(), 1, "cut at {cut}");
            assert_eq!(reference(&take(&mut ledger, "b", 5, RIGHT)), ("SBX-PO-000002", false));
        }
        std::fs::write(&path, b"{\n").unwrap();
        assert!(matches!(Ledger::open(directory.path()), Err(LedgerError::Broken { line: 1, .. })));
    }

    #[test]
    fn two_can_not_keep_one_ledger() {
        let directory = tempfile::tempdir().unwrap();
        let _first = Ledger::open(directory.path()).unwrap();
        assert!(matches!(Ledger::open(directory.path()), Err(LedgerError::Locked { .. })));
    }

    #[test]
    fn events_come_due_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(directory.path()).unwrap();
        let late = Manner { receive_after: Some(std::time::Duration::from_secs(60)), ..RIGHT };
        take(&mut ledger, "a", 5, late);
        take(&mut ledger, "b", 5, RIGHT);
        let mut ids = Vec::new();
        while let Some(next) = ledger.next_unsent() {
            ids.push(ledger.event(next).unwrap()["id"].as_str().unwrap().to_owned());
            ledger.sent(next).unwrap();
        }
        let expected = [
            "SBX-PO-000001-placed",
            "SBX-PO-000001-acknowledged",
            "SBX-PO-000002-placed",
            "SBX-PO-000002-acknowledged",
            "SBX-PO-000001-received",
        ];
        assert_eq!(ids, expected);
    }
}
