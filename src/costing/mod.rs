//! Costing: computes the options of cases outside the entities, on a thread of its own.
//!
//! A case whose facts have no options yet is found in the summary of cases. What its places say of themselves is asked of
//! their live entities, the options are computed from that alone, and go back to the case as a command: it takes them
//! only if they are for the facts that it has by then. Nothing is kept here; after a restart the summary says again
//! what is missing.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, warn};

use crate::domain::approval_case::options::{donor_places, options, recompute, touched_places};
use crate::domain::approval_case::{CaseCommand, CaseDecision, CaseItem, CaseOption, CasePlace};
use crate::domain::command::{Actor, ActorKind, Command};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::sku_location::SkuLocation;
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::domain::time::Timestamp;
use crate::runtime::ask::ask_each;
use crate::runtime::commands::CommandError;
use crate::runtime::summaries::CaseEntry;
use crate::runtime::{Running, Tower, wall_clock};

/// How long it waits before it looks again whether the tower runs.
const START_POLL: Duration = Duration::from_millis(5);
/// The shortest time between two looks at the cases.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
/// The longest time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a case is left alone after its options could not be computed or were not taken.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a case may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Starts computing options once the tower runs; ends with the process.
///
/// # Errors
/// If no thread can be started.
pub fn start(tower: Arc<Tower>) -> io::Result<Costing> {
    let (stop, stopping) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("costing".into()).spawn(move || {
        runtime.block_on(run(&tower, stopping));
    })?;
    Ok(Costing { stop })
}

/// The running service.
pub struct Costing {
    stop: watch::Sender<bool>,
}

impl Costing {
    /// Computes no more options.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

type CaseKey = (TenantNumber, Name);

async fn run(tower: &Tower, mut stopping: watch::Receiver<bool>) {
    let running = loop {
        match tower.running() {
            Some(running) => break running,
            None => tokio::time::sleep(START_POLL).await,
        }
    };
    let mut left_alone: HashMap<CaseKey, (u64, Instant)> = HashMap::new();
    while !*stopping.borrow() {
        // Made before looking, so that a change in between is not missed.
        let changed = running.cases.changed();
        let now = Instant::now();
        left_alone.retain(|_, (_, until)| *until > now);
        for (tenant, entry) in running.cases.lacking_options() {
            let key = (tenant, entry.item.id.clone());
            let Some(facts) = entry.item.wants_options() else { continue };
            if left_alone.get(&key).is_some_and(|(tried, _)| *tried == facts) {
                continue;
            }
            if let Err(why) = serve(running, tenant, &entry, facts).await {
                warn!(case = %entry.item.id, %why, "options are not there yet");
                tower.metrics.costing_failures.inc();
                left_alone.insert(key, (facts, Instant::now() + AGAIN_AFTER));
            } else {
                tower.metrics.costings.inc();
            }
        }
        tokio::time::sleep(LOOK_PAUSE).await;
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopping.changed() => {}
        }
    }
}

/// Why options were not computed or not taken.
#[derive(Debug, thiserror::Error)]
pub enum CostingError {
    #[error("no place of the case can be asked now")]
    NoPlaces,
    #[error("computing them failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Has the options of one case computed and handed to it.
pub(crate) async fn serve(
    running: &Running,
    tenant: TenantNumber,
    entry: &CaseEntry,
    facts: u64,
) -> Result<(), CostingError> {
    let basis = Basis::gather(running, tenant, &entry.item, &[]).await;
    let found = basis.compute(
        |basis, case| {
            let reference = running.reference();
            let Some(of_tenant) = reference.tenant(tenant) else { return Vec::new() };
            options(case, &basis.subjects, &basis.donors, of_tenant, reference.settings(), basis.now)
        },
        &entry.item,
    )?;
    let decision = CaseDecision::SetOptions { facts, options: found };
    let command = Command::Case(Box::new(CaseCommand { version: Some(entry.item.version), what: decision }));
    let solver = Actor { name: Name::const_new("tidewatch"), kind: ActorKind::System, roles: Vec::new() };
    let outcome = running.command((*entry.entity).clone(), command, solver, None, ANSWER_WITHIN).await;
    match outcome {
        Ok(_) => Ok(()),
        // The facts moved meanwhile: the case says so itself, and is served again.
        Err(CommandError::Refused(_)) if !is_as_it_was(running, tenant, entry) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Whether a case still lacks what was computed for it.
fn is_as_it_was(running: &Running, tenant: TenantNumber, entry: &CaseEntry) -> bool {
    running.cases.get(tenant, &entry.item.id).is_some_and(|now| now.item.version == entry.item.version)
}

/// Costs a person's own or edited option against what the places say now.
///
/// # Errors
/// [`CostingError`]
pub async fn cost(
    running: &Running,
    tenant: TenantNumber,
    case: &CaseItem,
    option: &CaseOption,
) -> Result<CaseOption, CostingError> {
    let basis = Basis::gather(running, tenant, case, std::slice::from_ref(option)).await;
    let reference = running.reference();
    let of_tenant = reference
        .tenant(tenant)
        .ok_or_else(|| CostingError::Failed("the tenant is not declared".to_owned()))?;
    basis.compute(
        |basis, case| {
            recompute(
                option,
                case,
                &basis.subjects,
                &basis.donors,
                of_tenant,
                reference.settings(),
                basis.now,
            )
        },
        case,
    )
}

/// What options are computed from.
struct Basis {
    subjects: Vec<PlaceBasis>,
    donors: Vec<PlaceBasis>,
    now: Timestamp,
}

impl Basis {
    /// Asks the places in trouble, possible donors, and what people's own options touch.
    async fn gather(running: &Running, tenant: TenantNumber, case: &CaseItem, own: &[CaseOption]) -> Basis {
        let wanted = case.places();
        let subjects = ask_places(running, tenant, &wanted).await;
        let others: Vec<CasePlace> = {
            let reference = running.reference();
            let donors = reference.tenant(tenant).map_or_else(Vec::new, |of_tenant| {
                donor_places(case, of_tenant, &reference.settings().cases)
            });
            let touched = case.options.iter().filter(|option| option.edited_by.is_some()).chain(own);
            let mut seen: HashSet<CasePlace> = wanted.iter().cloned().collect();
            let all = donors.into_iter().chain(touched.flat_map(touched_places));
            all.filter(|place| seen.insert(place.clone())).collect()
        };
        let donors = ask_places(running, tenant, &others).await;
        let now = running.clocks.business_time(tenant, wall_clock());
        Basis { subjects, donors, now }
    }

    /// Runs a computation; one that panics is an error and goes no further.
    fn compute<T>(
        &self,
        computation: impl FnOnce(&Basis, &CaseItem) -> T,
        case: &CaseItem,
    ) -> Result<T, CostingError> {
        if self.subjects.is_empty() && !case.places().is_empty() {
            return Err(CostingError::NoPlaces);
        }
        catch_unwind(AssertUnwindSafe(|| computation(self, case))).map_err(|panic| {
            let detail = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            error!(case = %case.id, detail, "computing options panicked");
            CostingError::Failed(detail)
        })
    }
}

async fn ask_places(running: &Running, tenant: TenantNumber, places: &[CasePlace]) -> Vec<PlaceBasis> {
    let known = places.iter().filter_map(|place| {
        let key = EntityKey::SkuLocation { tenant, sku: place.sku.clone(), location: place.location.clone() };
        running.directory.find(&key)
    });
    let questions = known
        .map(|address| {
            let question = |place: &SkuLocation, key: &EntityKey, now, reference: &_| {
                place.options_basis(now, reference, key, Lsn::ZERO)
            };
            (address, question)
        })
        .collect();
    let answers = ask_each(running, questions).await;
    answers.into_iter().flatten().map(|seen| PlaceBasis { lsn: seen.lsn, ..seen.value }).collect()
}
