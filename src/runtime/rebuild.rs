//! Making entities' states anew, after their code failed.
//!
//! One thread runs the dispatcher's fold over the journal and applies what concerns the entities that wait, all of them
//! in one pass. It begins with the newest generation that has them as they were before, else with an older one, else with
//! the journal's first record if that is still there. Slow, rare, and correct by construction: it is the fold that made
//! the states in the first place.

use std::collections::HashMap;
use std::sync::Arc;

use actix::Addr;
use crossbeam_channel::{Receiver, Sender, unbounded};
use foldhash::fast::FixedState;
use tracing::warn;

use super::codec;
use super::directory::Address;
use super::fold::{Dirty, Fold, Routed, Sink};
use super::panics::contain;
use super::shell::{Hosted, Rebuilt, Shell, ShellImage};
use super::snapshots::{BaseEntity, RebuildBase};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::{Body, Delivery, Record, Transition};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::JournalReader;
use crate::snapshot::Store;

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
    pub fn start(reader: JournalReader, store: Store, shards: u16) -> std::io::Result<Rebuilder> {
        let (queue, waiting) = unbounded();
        let worker = Worker { reader, store, shards };
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
    pub(super) fn stepped(reader: JournalReader, store: Store, shards: u16) -> (Rebuilder, RebuildSteps) {
        let (queue, waiting) = unbounded();
        (Rebuilder { queue }, RebuildSteps { worker: Worker { reader, store, shards }, waiting })
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
    /// Begins anew, with what a generation has of it: nothing if it was not there yet. `false` if that can't lead to what
    /// is wanted.
    fn begin(&mut self, base: Option<BaseEntity>) -> bool;
    fn deliver(&mut self, at: Routed<'_>, reference: &Reference);
    /// Whether what it began with was right: that shows only while records are delivered.
    fn is_sound(&self) -> bool;
    /// Whether it failed on a record that it is not to stop before yet: then it is to begin again.
    fn wants_to_begin_again(&mut self) -> bool;
    /// Sends the outcome; `failure` if it could not be made.
    fn finish(self: Box<Self>, failure: Option<&str>);
}

/// By key: the fold over the whole journal need not put an entity where it lives after a snapshot.
type Tasks = HashMap<EntityKey, Box<dyn Task>, FixedState>;

/// What a rebuild can begin with.
#[derive(Clone, Copy, Debug)]
enum Beginning {
    Generation(u64),
    /// The first record.
    Journal,
}

struct Worker {
    reader: JournalReader,
    store: Store,
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

    /// Makes what is asked for, each with the newest beginning that leads there.
    fn serve(&self, mut tasks: Tasks) {
        let mut failure = None;
        for beginning in self.beginnings() {
            if tasks.is_empty() {
                return;
            }
            match self.attempt(beginning, &mut tasks) {
                Ok(()) => {}
                Err(error) => {
                    warn!(?beginning, error, "states can't be made anew from there");
                    failure = Some(error);
                }
            }
        }
        let first_lsn = self.reader.statistics().first_lsn;
        let nothing = || {
            format!(
                "its state can't be made anew: the journal begins with record {first_lsn}, and no snapshot that is kept has \
                 the state of before"
            )
        };
        let failure = match failure {
            Some(error) if first_lsn <= 1 => error,
            Some(error) => format!("{} ({error})", nothing()),
            None => nothing(),
        };
        tasks.into_values().for_each(|task| task.finish(Some(&failure)));
    }

    /// The shortest way first.
    fn beginnings(&self) -> Vec<Beginning> {
        let numbers = self.store.numbers().unwrap_or_else(|error| {
            warn!(%error, "snapshots can't be looked at");
            Vec::new()
        });
        let mut all: Vec<Beginning> = numbers.into_iter().map(Beginning::Generation).collect();
        if self.reader.statistics().first_lsn <= 1 {
            all.push(Beginning::Journal);
        }
        all
    }

    /// Finishes those tasks that this beginning leads to; the others are left.
    fn attempt(&self, beginning: Beginning, tasks: &mut Tasks) -> Result<(), String> {
        let mut base = self.load(beginning, tasks)?;
        let mut fit = Tasks::default();
        for (key, mut task) in std::mem::take(tasks) {
            let is_fit = task.begin(base.entities.remove(&key));
            if is_fit { &mut fit } else { &mut *tasks }.insert(key, task);
        }
        if fit.is_empty() {
            return Ok(());
        }
        if let Err(failure) = self.pass(base, &mut fit) {
            tasks.extend(fit);
            return Err(failure);
        }
        let mut again = Tasks::default();
        for (key, mut task) in fit {
            if !task.is_sound() {
                tasks.insert(key, task);
            } else if task.wants_to_begin_again() {
                again.insert(key, task);
            } else {
                task.finish(None);
            }
        }
        if !again.is_empty() {
            let failure = self.again(beginning, &mut again).err();
            again.into_values().for_each(|task| task.finish(failure.as_deref()));
        }
        Ok(())
    }

    /// For those that failed on a record: the same once more, to stop before it.
    fn again(&self, beginning: Beginning, tasks: &mut Tasks) -> Result<(), String> {
        let mut base = self.load(beginning, tasks)?;
        for (key, task) in &mut *tasks {
            if !task.begin(base.entities.remove(key)) {
                return Err(format!("the state of {key} that a snapshot has can't be gone on from"));
            }
        }
        self.pass(base, tasks)
    }

    fn load(&self, beginning: Beginning, tasks: &Tasks) -> Result<RebuildBase, String> {
        match beginning {
            Beginning::Journal => Ok(RebuildBase::nothing(self.shards)),
            Beginning::Generation(number) => {
                let is_wanted = |key: &EntityKey| tasks.contains_key(key);
                RebuildBase::load(&self.store, number, &self.reader, self.shards, is_wanted)
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// Folds the journal as far as any of the tasks needs it.
    fn pass(&self, base: RebuildBase, tasks: &mut Tasks) -> Result<(), String> {
        let until = tasks.values().map(|task| task.until()).max().unwrap_or_default();
        let records = self.reader.read_from(base.start.next().0).map(|read| {
            let (_, bytes) = read.map_err(|error| error.to_string())?;
            let (record, _) = codec::decode(&bytes).map_err(|error| error.to_string())?;
            Ok(Arc::new(record))
        });
        let RebuildBase { mut fold, directory, .. } = base;
        let place = |key: &EntityKey| Some((directory.find(key)?, Arc::new(key.clone())));
        let places = tasks.keys().filter_map(place).collect();
        contain(|| fold_for(&mut fold, records, until, tasks, places)).and_then(|folded| folded)
    }
}

/// Where a fold puts those that are wanted.
type Places = HashMap<Address, Arc<EntityKey>, FixedState>;

fn fold_for(
    fold: &mut Fold,
    records: impl Iterator<Item = Result<Arc<Record>, String>>,
    until: Lsn,
    tasks: &mut Tasks,
    places: Places,
) -> Result<(), String> {
    let mut sink = ForTasks { tasks, places };
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
    places: Places,
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

    fn begin(&mut self, base: Option<BaseEntity>) -> bool {
        let Some(BaseEntity { restored, skipped }) = base else {
            self.making.begin_new();
            return true;
        };
        match restored.state.into_image::<E>() {
            // One that stands still lacks what came since, one that was being rebuilt has nothing.
            Some(ShellImage { entity: Some(entity), failure: None, is_rebuilding: false, .. }) => {
                self.making.begin_with(entity, restored.at, &skipped)
            }
            Some(ShellImage { entity: Some(before), failure: Some(_), .. }) => {
                self.making.standing.get_or_insert(before);
                false
            }
            _ => false,
        }
    }

    fn deliver(&mut self, at: Routed<'_>, reference: &Reference) {
        self.making.deliver(at, reference);
    }

    fn is_sound(&self) -> bool {
        self.making.awaited.is_empty()
    }

    fn wants_to_begin_again(&mut self) -> bool {
        self.making.wants_to_begin_again()
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
    /// The state has everything up to here: it came from a generation.
    at: Lsn,
    /// Records that the state must not have, though they stand before `at`: they took effect later, when something that
    /// they waited for came. If that does not show, the state has them.
    awaited: Vec<Lsn>,
    /// As which it stands still in the newest generation: what there is to show if nothing else can be made.
    standing: Option<E>,
    exceptions: Vec<(Arc<ExceptionItem>, Lsn)>,
    cases: Vec<(CaseItem, Lsn)>,
    /// Has reached the record before which to stop, or failed: what follows is not for it.
    stopped: bool,
    /// Where it failed first.
    failed: Option<(Lsn, String)>,
    /// The state can't be trusted.
    is_torn: bool,
}

impl<E: Hosted> Making<E> {
    pub(super) fn new(request: RebuildRequest) -> Making<E> {
        let entity = E::new(&request.key);
        Making {
            request,
            entity,
            at: Lsn::ZERO,
            awaited: Vec::new(),
            standing: None,
            exceptions: Vec::new(),
            cases: Vec::new(),
            stopped: false,
            failed: None,
            is_torn: false,
        }
    }

    /// Begins anew with an entity that has seen nothing.
    fn begin_new(&mut self) {
        let entity = E::new(&self.request.key);
        self.begin(entity, Lsn::ZERO, Vec::new());
    }

    /// Begins anew with the state that a generation has, as of `at`, for which `skipped` was left out. `false` if it shows
    /// more than is wanted, or if changes that are asked for lie before it.
    fn begin_with(&mut self, entity: E, at: Lsn, skipped: &[Lsn]) -> bool {
        let request = &self.request;
        if entity.applied_lsn() > request.until || (request.since > Lsn::ZERO && at > request.since) {
            return false;
        }
        let unwanted = request.skip.iter().filter(|lsn| !skipped.contains(lsn)).chain(&request.stop_before);
        let awaited = unwanted.copied().filter(|lsn| *lsn <= at).collect();
        self.begin(entity, at, awaited);
        true
    }

    fn begin(&mut self, entity: E, at: Lsn, awaited: Vec<Lsn>) {
        (self.entity, self.at, self.awaited) = (entity, at, awaited);
        // A failure counts that it is to stop before now; one with another beginning does not.
        let stop_before = self.request.stop_before;
        self.failed.take_if(|(poison, _)| stop_before != Some(*poison));
        self.exceptions.clear();
        self.cases.clear();
        self.stopped = false;
        self.is_torn = false;
    }

    pub(super) fn deliver(&mut self, at: Routed<'_>, reference: &Reference) {
        let is_system = matches!(at.record.body, Body::System(_));
        if self.stopped || is_system || at.lsn > self.request.until || at.lsn <= self.at {
            return;
        }
        self.awaited.retain(|awaited| *awaited != at.record.lsn);
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

    fn wants_to_begin_again(&mut self) -> bool {
        let poison = self.failed.as_ref().map(|(poison, _)| *poison);
        let is_new = poison.is_some() && self.request.stop_before != poison;
        if is_new {
            self.request.stop_before = poison;
        }
        is_new
    }

    pub(super) fn outcome(self, failure: Option<&str>) -> Result<Whole<E>, Broken<E>> {
        match (self.failed, failure) {
            (Some((poison, detail)), _) => {
                let before = (failure.is_none() && !self.is_torn).then_some(self.entity);
                Err(Broken { poison, detail, before })
            }
            (None, Some(failure)) => {
                Err(Broken { poison: Lsn::ZERO, detail: failure.to_owned(), before: self.standing })
            }
            (None, None) => Ok(Whole { entity: self.entity, exceptions: self.exceptions, cases: self.cases }),
        }
    }
}
