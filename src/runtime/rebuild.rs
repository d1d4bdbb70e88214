//! Making entities' states anew from the journal, after their code failed.
//!
//! One thread runs the dispatcher's fold over the journal and applies what concerns the entities that wait, all of them
//! in one pass. Slow, rare, and correct by construction: it is the fold that made the states in the first place.

use std::collections::HashMap;
use std::sync::Arc;

use actix::Addr;
use crossbeam_channel::{Receiver, Sender, unbounded};
use foldhash::fast::FixedState;
use parking_lot::RwLock;

use super::codec;
use super::directory::{Address, Directory};
use super::fold::{Dirty, Fold, Routed, Sink};
use super::panics::contain;
use super::quarantine::Quarantine;
use super::shell::{Hosted, Rebuilt, Shell};
use crate::domain::approval_case::CaseItem;
use crate::domain::entity::Entity;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::{Body, Delivery, Record, Transition};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::JournalReader;

/// Which entity, and up to where.
#[derive(Clone, Debug)]
pub struct RebuildRequest {
    pub key: EntityKey,
    pub slot: u32,
    /// Comes back with the answer.
    pub ticket: u64,
    /// The last record to apply.
    pub until: Lsn,
    /// A record before which to stop, if it comes sooner.
    pub stop_before: Option<Lsn>,
    /// From here on the exceptions that changed are wanted, too.
    pub since: Lsn,
    /// Records left out.
    pub skip: Vec<Lsn>,
}

/// A state with all that was asked for.
#[derive(Debug)]
pub struct Whole<E> {
    pub entity: E,
    /// Changes of exceptions since [`RebuildRequest::since`], in order, with the records that brought them.
    pub exceptions: Vec<(Arc<ExceptionItem>, Lsn)>,
    /// The same of the case, if the entity is one.
    pub cases: Vec<(CaseItem, Lsn)>,
}

/// What became of a rebuild that failed.
#[derive(Debug)]
pub struct Broken<E> {
    /// The record on which the entity failed; [`Lsn::ZERO`] if it was not a record that failed.
    pub poison: Lsn,
    pub detail: String,
    /// The state before that record.
    pub before: Option<E>,
}

/// Takes requests for rebuilds. The thread that serves them ends with the last of these.
#[derive(Clone)]
pub struct Rebuilder {
    /// Not bounded by itself: every request follows from a failure or a release, which is a record in the journal.
    queue: Sender<Box<dyn Task>>,
}

impl Rebuilder {
    /// Starts the thread.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(reader: JournalReader, shards: u16) -> std::io::Result<Rebuilder> {
        let (queue, waiting) = unbounded();
        let worker = Worker { reader, shards };
        std::thread::Builder::new().name("rebuild".into()).spawn(move || worker.run(&waiting))?;
        Ok(Rebuilder { queue })
    }

    /// Has a state rebuilt and sent to its shell.
    pub fn submit<E: Hosted>(&self, request: RebuildRequest, to: Addr<Shell<E>>) {
        let task = Rebuilding { making: Making::new(request), to };
        if let Err(refused) = self.queue.send(Box::new(task)) {
            refused.0.finish(Some("the thread that rebuilds is gone"));
        }
    }

    /// One that makes nothing.
    #[cfg(test)]
    pub(super) fn idle() -> Rebuilder {
        Rebuilder { queue: unbounded().0 }
    }

    /// One without a thread: it works when it is told to.
    #[cfg(test)]
    pub(super) fn stepped(reader: JournalReader, shards: u16) -> (Rebuilder, RebuildSteps) {
        let (queue, waiting) = unbounded();
        (Rebuilder { queue }, RebuildSteps { worker: Worker { reader, shards }, waiting })
    }
}

/// The work of a [`Rebuilder::stepped`].
#[cfg(test)]
pub(super) struct RebuildSteps {
    worker: Worker,
    waiting: Receiver<Box<dyn Task>>,
}

#[cfg(test)]
impl RebuildSteps {
    /// Makes what is asked for, in one pass; whether anything was.
    pub(super) fn step(&self) -> bool {
        let first = self.waiting.try_recv().ok();
        let is_asked = first.is_some();
        first.into_iter().for_each(|first| self.worker.work(first, &self.waiting));
        is_asked
    }
}

/// One entity on its way, whatever its kind.
trait Task: Send {
    fn key(&self) -> &EntityKey;
    fn until(&self) -> Lsn;
    fn deliver(&mut self, at: Routed<'_>, reference: &Reference);
    /// After a failure, once: begins anew, to stop before the record that failed. `false` if there is no need.
    fn begin_again(&mut self) -> bool;
    /// Sends the outcome; `failure` if the journal could not be folded.
    fn finish(self: Box<Self>, failure: Option<&str>);
}

/// By key: the fold over the whole journal need not put an entity where it lives after a snapshot.
type Tasks = HashMap<EntityKey, Box<dyn Task>, FixedState>;

struct Worker {
    reader: JournalReader,
    shards: u16,
}

impl Worker {
    fn run(&self, queue: &Receiver<Box<dyn Task>>) {
        while let Ok(first) = queue.recv() {
            self.work(first, queue);
        }
    }

    /// Serves the first one with all that wait behind it.
    fn work(&self, first: Box<dyn Task>, queue: &Receiver<Box<dyn Task>>) {
        // A later request of the same entity takes the place of an earlier one, whose answer nobody awaits.
        let tasks = std::iter::once(first).chain(queue.try_iter());
        self.serve(tasks.map(|task| (task.key().clone(), task)).collect());
    }

    fn serve(&self, mut tasks: Tasks) {
        let failure = self.pass(&mut tasks).err();
        let mut again = Tasks::default();
        for (key, mut task) in tasks {
            if failure.is_none() && task.begin_again() {
                again.insert(key, task);
            } else {
                task.finish(failure.as_deref());
            }
        }
        if !again.is_empty() {
            let failure = self.pass(&mut again).err();
            again.into_values().for_each(|task| task.finish(failure.as_deref()));
        }
    }

    /// Folds the journal as far as any of the tasks needs it.
    fn pass(&self, tasks: &mut Tasks) -> Result<(), String> {
        let until = tasks.values().map(|task| task.until()).max().unwrap_or_default();
        let records = self.reader.read_from(1).map(|read| {
            let (_, bytes) = read.map_err(|error| error.to_string())?;
            let (record, _) = codec::decode(&bytes).map_err(|error| error.to_string())?;
            Ok(Arc::new(record))
        });
        let directory = Arc::new(Directory::new(self.shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(1)));
        let mut fold = Fold::new(self.shards, directory, quarantine);
        contain(|| fold_for(&mut fold, records, until, tasks)).and_then(|folded| folded)
    }
}

fn fold_for(
    fold: &mut Fold,
    records: impl Iterator<Item = Result<Arc<Record>, String>>,
    until: Lsn,
    tasks: &mut Tasks,
) -> Result<(), String> {
    let mut sink = ForTasks { tasks, places: HashMap::default() };
    for record in records {
        let record = record?;
        if record.lsn > until {
            break;
        }
        fold.take(&record, record.lsn, &mut sink);
    }
    Ok(())
}

struct ForTasks<'t> {
    tasks: &'t mut Tasks,
    /// Where this fold puts those that are wanted.
    places: HashMap<Address, Arc<EntityKey>, FixedState>,
}

impl Sink for ForTasks<'_> {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        if self.tasks.contains_key(&**key) {
            self.places.insert(address, key.clone());
        }
    }

    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        if let Some(task) = self.places.get(&to).and_then(|key| self.tasks.get_mut(&**key)) {
            task.deliver(at, reference);
        }
    }

    fn reference_changed(&mut self) {}
    fn dirty(&mut self, _: Dirty, _: Lsn) {}
    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {}
}

struct Rebuilding<E: Hosted> {
    making: Making<E>,
    to: Addr<Shell<E>>,
}

impl<E: Hosted> Task for Rebuilding<E> {
    fn key(&self) -> &EntityKey {
        &self.making.request.key
    }

    fn until(&self) -> Lsn {
        self.making.request.until
    }

    fn deliver(&mut self, at: Routed<'_>, reference: &Reference) {
        self.making.deliver(at, reference);
    }

    fn begin_again(&mut self) -> bool {
        self.making.begin_again()
    }

    fn finish(self: Box<Self>, failure: Option<&str>) {
        let ticket = self.making.request.ticket;
        self.to.do_send(Rebuilt { ticket, outcome: self.making.outcome(failure) });
    }
}

/// A state in the making.
pub(super) struct Making<E> {
    request: RebuildRequest,
    entity: E,
    exceptions: Vec<(Arc<ExceptionItem>, Lsn)>,
    cases: Vec<(CaseItem, Lsn)>,
    /// Has reached the record before which to stop, or failed: what follows is not for it.
    stopped: bool,
    /// Where it failed first.
    failed: Option<(Lsn, String)>,
    /// The state can't be trusted.
    is_torn: bool,
}

impl<E: Entity> Making<E> {
    pub(super) fn new(request: RebuildRequest) -> Making<E> {
        let entity = E::new(&request.key);
        Making {
            request,
            entity,
            exceptions: Vec::new(),
            cases: Vec::new(),
            stopped: false,
            failed: None,
            is_torn: false,
        }
    }

    pub(super) fn deliver(&mut self, at: Routed<'_>, reference: &Reference) {
        let is_system = matches!(at.record.body, Body::System(_));
        if self.stopped || is_system || at.lsn > self.request.until {
            return;
        }
        if self.request.stop_before == Some(at.record.lsn) {
            self.stopped = true;
            return;
        }
        if self.request.skip.contains(&at.record.lsn) {
            return;
        }
        let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
        let revision = self.entity.revision();
        if let Err(panic) = contain(|| self.entity.apply(&delivery, reference)) {
            self.failed.get_or_insert((at.record.lsn, panic));
            self.stopped = true;
            self.is_torn = true;
            return;
        }
        if at.lsn >= self.request.since
            && self.entity.revision() != revision
            && let Body::Transition(body) = &at.record.body
        {
            match &body.transition {
                Transition::Exception(change) => {
                    self.exceptions.push((change.item.clone(), at.record.lsn));
                }
                Transition::Case(change) => self.cases.push((change.item.clone(), at.record.lsn)),
                _ => {}
            }
        }
    }

    fn begin_again(&mut self) -> bool {
        let Some((poison, _)) = &self.failed else { return false };
        self.request.stop_before = Some(*poison);
        self.entity = E::new(&self.request.key);
        self.exceptions.clear();
        self.cases.clear();
        self.stopped = false;
        self.is_torn = false;
        true
    }

    pub(super) fn outcome(self, failure: Option<&str>) -> Result<Whole<E>, Broken<E>> {
        match (self.failed, failure) {
            (Some((poison, detail)), _) => {
                let before = (failure.is_none() && !self.is_torn).then_some(self.entity);
                Err(Broken { poison, detail, before })
            }
            (None, Some(failure)) => {
                Err(Broken { poison: Lsn::ZERO, detail: failure.to_owned(), before: None })
            }
            (None, None) => Ok(Whole { entity: self.entity, exceptions: self.exceptions, cases: self.cases }),
        }
    }
}
