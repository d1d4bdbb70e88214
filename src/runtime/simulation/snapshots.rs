//! Snapshots in hand: the product's snapshotter on a thread of its own, which only moves while everyone else waits.
//!
//! It asks for a capture and waits: the world has it, and says when the dispatcher begins one. What the shards capture
//! comes here, a few blocks a step, while the tower goes on. When they are done it is handed over, and the snapshotter
//! writes, publishes and removes while nothing else moves. So the order of all steps is the seed's, and the code is the
//! product's. Generations lie on a real file system: `sled` can't be given another one.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::common::random::Random;
use crate::runtime::dispatcher::Dispatcher;
use crate::runtime::snapshots::{
    CaptureRequest, FromShard, GenerationInfo, Snapshots, Snapshotter, TakeError,
};
use crate::snapshot::faults::{self, Fault};

/// Longer than any life, in virtual time.
const TAKE_MAX: Duration = Duration::from_secs(1_000_000);
/// How often it is looked whether the snapshotter has come further.
const LOOK_AGAIN: Duration = Duration::from_micros(100);
/// Steps on the disk among which one may fail: about two generations.
const DISK_STEPS: u64 = 40;

type Answer = Pin<Box<dyn Future<Output = Result<GenerationInfo, TakeError>>>>;

/// What came of a step.
pub enum Step {
    /// A capture has begun.
    Begun,
    /// So many parts came from the shards, not all yet.
    Parts(usize),
    /// All have come; the writing is next.
    Captured,
    Published(GenerationInfo),
    /// The newest one has everything there is.
    NothingNew,
    Failed,
    /// The process died at a step of publishing or removing.
    Died,
}

/// The snapshotter, and the generation under way.
pub struct InHand {
    snapshots: Snapshots,
    captures: Receiver<CaptureRequest>,
    taking: Option<Taking>,
    shards: usize,
    dies: bool,
}

struct Taking {
    answer: Answer,
    /// To the snapshotter.
    sink: Sender<FromShard>,
    /// From the shards.
    captured: Receiver<FromShard>,
    parts: Vec<FromShard>,
    shards_left: usize,
}

impl InHand {
    /// Starts the snapshotter. `may_fail`: at a step on the disk it may fail, or the process may die.
    pub fn start(
        new: impl FnOnce(Sender<CaptureRequest>) -> (Snapshotter, Snapshots),
        shards: usize,
        random: &mut Random,
        may_fail: bool,
    ) -> (InHand, Snapshots, JoinHandle<()>) {
        let (requests, captures) = bounded(1);
        let (snapshotter, snapshots) = new(requests);
        let fault = (may_fail && random.chance(50)).then(|| {
            let fault = *random.pick(&[
                Fault::Abort,
                Fault::Error(std::io::ErrorKind::StorageFull),
                Fault::Error(std::io::ErrorKind::Other),
            ]);
            (usize::try_from(random.below(DISK_STEPS)).unwrap(), fault)
        });
        let thread = std::thread::spawn(move || {
            faults::begin(fault);
            snapshotter.run();
        });
        let dies = fault.is_some_and(|(_, fault)| fault == Fault::Abort);
        (InHand { snapshots: snapshots.clone(), captures, taking: None, shards, dies }, snapshots, thread)
    }

    /// A generation comes one step further; if none is under way, one is begun.
    pub fn step(&mut self, dispatcher: &Dispatcher, random: &mut Random) -> Step {
        let Some(mut taking) = self.taking.take() else { return self.begin(dispatcher, random) };
        if taking.shards_left == 0 {
            return self.finish(taking);
        }
        let before = taking.parts.len();
        for _ in 0..=random.below(4) {
            // Who gives up ends it for all.
            if taking.shards_left == 0 {
                break;
            }
            let Ok(part) = taking.captured.try_recv() else { break };
            match &part {
                FromShard::Block { .. } => {}
                FromShard::Done { .. } => taking.shards_left -= 1,
                FromShard::GivenUp { .. } => taking.shards_left = 0,
            }
            taking.parts.push(part);
        }
        let parts = taking.parts.len() - before;
        let is_over = taking.shards_left == 0;
        self.taking = Some(taking);
        if is_over { Step::Captured } else { Step::Parts(parts) }
    }

    /// The generation under way fails: the shards find that nobody takes what they captured.
    pub fn give_up(&mut self) -> Option<Step> {
        let Taking { answer, .. } = self.taking.take()?;
        Some(self.outcome(wait(answer, || None)))
    }

    fn begin(&mut self, dispatcher: &Dispatcher, random: &mut Random) -> Step {
        let snapshots = self.snapshots.clone();
        let answer: Answer =
            Box::pin(tokio::task::unconstrained(async move { snapshots.take_at_once(TAKE_MAX).await }));
        let captures = &self.captures;
        match wait(answer, || captures.try_recv().ok()) {
            Waited::Asked(answer, CaptureRequest { serial, sink, begun }) => {
                let (ours, captured) = bounded(usize::try_from(1 + random.below(4)).unwrap());
                dispatcher.begin_capture(CaptureRequest { serial, sink: ours, begun });
                let (parts, shards_left) = (Vec::new(), self.shards);
                self.taking = Some(Taking { answer, sink, captured, parts, shards_left });
                Step::Begun
            }
            Waited::Answered(Ok(_)) => Step::NothingNew,
            answered => self.outcome(answered),
        }
    }

    fn finish(&mut self, taking: Taking) -> Step {
        let Taking { answer, sink, parts, .. } = taking;
        for part in parts {
            if sink.send(part).is_err() {
                break;
            }
        }
        self.outcome(wait(answer, || None))
    }

    fn outcome(&self, waited: Waited) -> Step {
        match waited {
            Waited::Answered(Ok(info)) => Step::Published(info),
            Waited::Answered(Err(_)) if self.dies => Step::Died,
            Waited::Answered(Err(_)) => Step::Failed,
            Waited::Asked(..) => unreachable!("one at a time"),
        }
    }
}

enum Waited {
    Asked(Answer, CaptureRequest),
    Answered(Result<GenerationInfo, TakeError>),
}

/// Waits, and everyone with it, until the snapshotter asks for a capture or has an answer.
fn wait(mut answer: Answer, asked: impl Fn() -> Option<CaptureRequest>) -> Waited {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answered) = answer.as_mut().poll(&mut context) {
            return Waited::Answered(answered);
        }
        if let Some(request) = asked() {
            return Waited::Asked(answer, request);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Damages a generation that nobody has open: a byte of one of its files, its length, or the file as a whole.
pub fn damage(generation: &Path, random: &mut Random) {
    let mut files = Vec::new();
    list(generation, &mut files);
    files.sort();
    let path = random.pick(&files);
    let mut bytes = std::fs::read(path).unwrap();
    let (kind, place) = (random.below(3), random.next());
    let place = usize::try_from(place % bytes.len().max(1) as u64).unwrap();
    match (kind, bytes.get_mut(place)) {
        (0, _) => return std::fs::remove_file(path).unwrap(),
        // In the list of hashes neither the case of a digit nor the end of the last line says anything.
        (1, Some(byte)) => *byte ^= 1 << random.below(5),
        (_, Some(_)) => bytes.truncate(place / 2),
        (_, None) => bytes.push(0),
    }
    std::fs::write(path, bytes).unwrap();
}

/// The files of a generation with their lengths, and its list of them, for whoever has to find out what is wrong.
pub fn describe(generation: &Path) -> String {
    let mut files = Vec::new();
    list(generation, &mut files);
    let length = |path: &PathBuf| std::fs::metadata(path).map(|file| file.len()).unwrap_or_default();
    let files: Vec<_> = files.iter().map(|path| format!("{} {}", path.display(), length(path))).collect();
    let manifest = std::fs::read_to_string(generation.join("files.b3")).unwrap_or_default();
    format!("{files:#?}\n{manifest}")
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}
