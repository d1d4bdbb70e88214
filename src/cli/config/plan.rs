//! `tidewatch config plan`: what another configuration would raise and clear, on the journal as it is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::EXIT_CONFIGURATION;
use super::difference::{Changed, difference};
use crate::cli::progress::Progress;
use crate::cli::settings::settings;
use crate::cli::verify::journal_of;
use crate::config::Config;
use crate::domain::exception::{ExceptionItem, ExceptionSubject, Severity};
use crate::domain::ids::Name;
use crate::domain::money::Money;
use crate::domain::settings::Settings;
use crate::journal::{self, InspectLine, JournalError};
use crate::runtime::codec::{self, CodecError};
use crate::runtime::wall_clock;
use crate::runtime::what_if::{ExceptionKey, Settled, WhatIf};

/// Show what another configuration would raise, clear and judge otherwise
///
/// Reads the journal up to what is durable, with or without a tower running on it, and changes nothing. Then every
/// entity looks at its state as of now, once under the settings in force and once under the new ones; shown is what
/// differs. Only what exceptions and cases go by is compared: keys about the process itself ([server], [feed], …) change
/// nothing here.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch config plan --config new.toml
  tidewatch config plan --config new.toml --data /var/lib/tidewatch --json

Exit codes:
  0  shown
  1  the journal can't be read
  2  the configuration is wrong")]
pub struct PlanArgs {
    /// The new configuration; without it ./actors.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    data: PathBuf,
    /// How many exceptions are listed, those with the highest value first
    #[arg(long, value_name = "N", default_value_t = 20)]
    largest: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What would change.
#[derive(Debug, Serialize)]
struct Plan {
    /// The record up to which the journal was read.
    lsn: u64,
    entities: usize,
    /// Entities whose code failed.
    left_out: usize,
    /// `false` if the bound on what follows was reached: then more would change.
    is_complete: bool,
    settings: Vec<Changed>,
    exceptions: ExceptionsPlan,
    cases: CasesPlan,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct ExceptionsPlan {
    open_before: usize,
    open_after: usize,
    by_type: BTreeMap<String, Counts>,
    largest: Vec<Difference>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Counts {
    raised: usize,
    cleared: usize,
    more_severe: usize,
    less_severe: usize,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct CasesPlan {
    opened: usize,
    closed: usize,
}

/// What becomes of one exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Raised,
    Cleared,
    MoreSevere,
    LessSevere,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Difference {
    change: Change,
    tenant: Name,
    #[serde(rename = "type")]
    exception_type: String,
    subject: ExceptionSubject,
    severity_before: Option<Severity>,
    severity_after: Option<Severity>,
    value_at_risk: Option<Money>,
}

#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Record(#[from] CodecError),
    #[error(
        "the journal begins with record {first_lsn}, what came before was trimmed: a plan needs all of it. Restore a backup \
         elsewhere and start it with the new configuration: its outbox is held"
    )]
    Trimmed { first_lsn: u64 },
    #[error("the journal is damaged at {place}: {damage}; see `tidewatch verify`")]
    Damaged { place: journal::Place, damage: journal::Damage },
}

pub fn run(args: &PlanArgs) -> ExitCode {
    let config = match Config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{:?}", miette::Report::new(error));
            return ExitCode::from(EXIT_CONFIGURATION);
        }
    };
    let plan = match plan(&journal_of(&args.data), settings(&config), args.largest, args.json) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("tidewatch config plan: {error}");
            return ExitCode::FAILURE;
        }
    };
    match print(&plan, args.json, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("tidewatch config plan: can't print: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn plan(directory: &Path, new: Settings, largest: usize, quiet: bool) -> Result<Plan, PlanError> {
    let (mut state, lsn) = fold(directory, quiet)?;
    let changed = difference(state.settings(), &new);
    let before_settled = look(&mut state, quiet);
    let (before, cases_before) = (state.exceptions().clone(), state.cases().clone());
    state.activate(new);
    let after_settled = look(&mut state, quiet);
    let cases = CasesPlan {
        opened: state.cases().difference(&cases_before).count(),
        closed: cases_before.difference(state.cases()).count(),
    };
    let mut exceptions = compare(&before, state.exceptions(), |key| state.tenant_name(key.0));
    exceptions.largest.truncate(largest);
    Ok(Plan {
        lsn,
        entities: state.entities(),
        left_out: state.left_out(),
        is_complete: before_settled.is_at_rest && after_settled.is_at_rest,
        settings: changed,
        exceptions,
        cases,
    })
}

/// Folds what is durable of a journal. Takes no lock: a tower may be running on it.
fn fold(directory: &Path, quiet: bool) -> Result<(WhatIf, u64), PlanError> {
    let part = journal::durable_part(directory)?;
    if part.first_lsn > 1 {
        return Err(PlanError::Trimmed { first_lsn: part.first_lsn });
    }
    let durable = part.mark.lsn;
    let mut progress = Progress::new(durable, "records", quiet);
    let mut state = WhatIf::new(wall_clock());
    let mut failure = None;
    journal::inspect(directory, |line| match line {
        InspectLine::Record { lsn, envelope, body, .. } if lsn <= durable && failure.is_none() => {
            let decoded =
                envelope.map_err(CodecError::from).and_then(|envelope| codec::decode_body(&envelope, body));
            match decoded {
                Ok((record, _)) => state.take(record),
                Err(error) => failure = Some(PlanError::Record(error)),
            }
            progress.set(lsn, "");
        }
        // Behind the mark the tower may be writing.
        InspectLine::Damage { place, damage } if place.lsn <= durable && failure.is_none() => {
            failure = Some(PlanError::Damaged { place, damage });
        }
        _ => {}
    })?;
    progress.finish();
    match failure {
        Some(failure) => Err(failure),
        None => Ok((state, durable)),
    }
}

fn look(state: &mut WhatIf, quiet: bool) -> Settled {
    let mut progress = Progress::new(state.entities() as u64, "entities", quiet);
    let settled = state.settle(|looked| progress.set(looked, ""));
    progress.finish();
    settled
}

type Exceptions = BTreeMap<ExceptionKey, Arc<ExceptionItem>>;

/// What differs, the highest value first.
fn compare(
    before: &Exceptions,
    after: &Exceptions,
    tenant: impl Fn(&ExceptionKey) -> Name,
) -> ExceptionsPlan {
    let mut plan =
        ExceptionsPlan { open_before: before.len(), open_after: after.len(), ..ExceptionsPlan::default() };
    let keys: std::collections::BTreeSet<&ExceptionKey> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        let change = match (old, new) {
            (None, Some(_)) => Change::Raised,
            (Some(_), None) => Change::Cleared,
            (Some(old), Some(new)) if new.severity > old.severity => Change::MoreSevere,
            (Some(old), Some(new)) if new.severity < old.severity => Change::LessSevere,
            _ => continue,
        };
        let Some(item) = new.or(old) else { continue };
        let counts = plan.by_type.entry(item.exception_type.as_str().to_owned()).or_default();
        match change {
            Change::Raised => counts.raised += 1,
            Change::Cleared => counts.cleared += 1,
            Change::MoreSevere => counts.more_severe += 1,
            Change::LessSevere => counts.less_severe += 1,
        }
        plan.largest.push(Difference {
            change,
            tenant: tenant(key),
            exception_type: item.exception_type.as_str().to_owned(),
            subject: item.subject.clone(),
            severity_before: old.map(|old| old.severity),
            severity_after: new.map(|new| new.severity),
            value_at_risk: item.value_at_risk,
        });
    }
    // Stable, so that equal values stay in the order of tenants and ids.
    plan.largest
        .sort_by_key(|difference| std::cmp::Reverse(difference.value_at_risk.map(Money::ten_thousandths)));
    plan
}

fn print(plan: &Plan, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    if as_json {
        return writeln!(out, "{}", serde_json::to_string(plan)?);
    }
    writeln!(out, "Journal up to record {}, {} entities. Nothing was changed.", plan.lsn, plan.entities)?;
    if plan.left_out > 0 {
        writeln!(out, "{} entities are left out: their code failed (see quarantine).", plan.left_out)?;
    }
    if !plan.is_complete {
        writeln!(out, "What follows from what was cut off at a bound: more would change than is shown.")?;
    }
    match plan.settings.len() {
        0 => writeln!(out, "\nNo setting differs from those in force.")?,
        1 => writeln!(out, "\n1 setting differs")?,
        count => writeln!(out, "\n{count} settings differ")?,
    }
    let width = plan.settings.iter().map(|changed| changed.key.len()).max().unwrap_or_default();
    for Changed { key, old, new } in &plan.settings {
        writeln!(out, "  {key:width$}  {} -> {}", value(old), value(new))?;
    }
    let exceptions = &plan.exceptions;
    writeln!(out, "\nOpen exceptions: {} -> {}", exceptions.open_before, exceptions.open_after)?;
    if !exceptions.by_type.is_empty() {
        writeln!(
            out,
            "  {:26} {:>8} {:>8} {:>12} {:>12}",
            "type", "raised", "cleared", "more severe", "less severe"
        )?;
    }
    for (name, counts) in &exceptions.by_type {
        let Counts { raised, cleared, more_severe, less_severe } = counts;
        writeln!(out, "  {name:26} {raised:>8} {cleared:>8} {more_severe:>12} {less_severe:>12}")?;
    }
    if !exceptions.largest.is_empty() {
        writeln!(out, "\nThe largest by value")?;
    }
    for difference in &exceptions.largest {
        writeln!(out, "  {}", line(difference))?;
    }
    let CasesPlan { opened, closed } = plan.cases;
    if opened + closed > 0 {
        writeln!(out, "\nCases: {opened} would be opened, {closed} closed")?;
    }
    Ok(())
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line(difference: &Difference) -> String {
    let sign = match difference.change {
        Change::Raised => "raised     ",
        Change::Cleared => "cleared    ",
        Change::MoreSevere => "more severe",
        Change::LessSevere => "less severe",
    };
    let severity = match (difference.severity_before, difference.severity_after) {
        (Some(before), Some(after)) => format!("{} -> {}", before.as_str(), after.as_str()),
        (Some(one), None) | (None, Some(one)) => one.as_str().to_owned(),
        (None, None) => String::new(),
    };
    let value = match difference.value_at_risk {
        Some(money) => {
            let told = serde_json::to_value(money).unwrap_or_default();
            format!("{} {}", value(&told["amount"]), value(&told["currency"]))
        }
        None => "value unknown".to_owned(),
    };
    format!(
        "{sign}  {:24} {:32} {severity:18} {value}",
        difference.exception_type,
        about(&difference.subject)
    )
}

/// What it is about, in a few words.
fn about(subject: &ExceptionSubject) -> String {
    let told = serde_json::to_value(subject).unwrap_or_default();
    let named: Vec<&str> = told
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "kind")
        .filter_map(|(_, value)| value.as_str())
        .collect();
    if named.is_empty() { subject.kind.to_string() } else { named.join(" ") }
}
