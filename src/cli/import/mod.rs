//! `tidewatch import`: tables that other systems wrote, into a tower.
//!
//! Everything is read and checked before anything is sent, as the tower itself will check it. A row's event is named by
//! the hash of its file and its line, so that an import that broke off is finished by running it again, and nothing
//! counts twice.

pub mod cell;
pub mod kinds;
mod mapping;
mod report;
mod row;
mod table;

use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::tz::TimeZone;

use super::client::{Client, ClientError, EventLines, Patience, Tally};
use super::progress::Progress;
use cell::{DateOrder, Decimal, Style, WithoutTime};
use kinds::Kind;
use mapping::{Mapping, MappingError, Said, Wishes};
use report::{FileReport, Report};
use row::{Rows, Terms};
use table::{Table, TableError};

/// Most bytes of events in one request; the tower takes 8 MiB.
const BATCH_BYTES_MAX: usize = 2 << 20;
/// Most events in one request.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Most SKUs and locations that are compared between files.
const NAMES_COMPARED_MAX: usize = 1_000_000;

/// Bring your own tables into a running tower
///
/// Reads CSV (comma, semicolon, tab; UTF-8 or Windows-1252; plain or .gz), finds out which column is what, checks every
/// row, shows what it would do, asks, and then sends it. If a single row is wrong nothing is sent, unless you say
/// --skip-bad. Running it again sends nothing twice.
///
/// Kinds of tables: items, locations, suppliers, customers, lanes, sourcing, stock, purchase_orders, orders, sales.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tidewatch import exports/ --to http://127.0.0.1:8080 --dry-run      what would be done
  tidewatch import items.csv stock.csv --to http://127.0.0.1:8080
  tidewatch import stock=Bestand.csv --map stock.on_hand=Frei --decimal comma --to http://127.0.0.1:8080
  tidewatch import orders_export.csv --kind orders --map orders.order_id=Name --set orders.location=WEB --dry-run
  tidewatch import exports/ --mapping erp.toml --yes --to https://tower.example.com --key \"$KEY\"

Exit codes:
  0  every row taken, duplicates included (with --dry-run: every row can be)
  1  rows are wrong, or the tower rejected some
  2  a file, a column or an argument is wrong, or nobody said yes
  3  the tower cannot be reached, or refuses the credentials")]
pub struct ImportArgs {
    /// Files, directories of .csv files, or KIND=FILE
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Address of the tower, as in http://127.0.0.1:8080
    #[arg(long, value_name = "URL", required_unless_present = "dry_run")]
    to: Option<String>,
    /// API key; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// What the tables are, for those that are not KIND=FILE
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// The column of a field, as in stock.on_hand=Bestand; no column with nothing after the `=`
    #[arg(long, value_name = "KIND.FIELD=COLUMN")]
    map: Vec<String>,
    /// What a field is in every row, as in orders.location=WEB
    #[arg(long, value_name = "KIND.FIELD=VALUE")]
    set: Vec<String>,
    /// A file that says the columns (TOML: a section per kind, field = "column")
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Write the columns found to a file that --mapping takes
    #[arg(long, value_name = "FILE")]
    save_mapping: Option<PathBuf>,
    /// Read and check, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
    /// Send the good rows although there are bad ones
    #[arg(long)]
    skip_bad: bool,
    /// Write the rows that are wrong to this CSV file: file, line, column, what is wrong
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Which sign separates decimals, if the file does not give it away
    #[arg(long, value_enum)]
    decimal: Option<Decimal>,
    /// What comes first in dates like 03/04/2026
    #[arg(long, value_enum)]
    dates: Option<DateOrder>,
    /// Time zone of dates that say none
    #[arg(long, default_value = "UTC", value_name = "ZONE", value_parser = time_zone)]
    timezone: TimeZone,
    /// Currency of prices that say none
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The moment of stock counts that say none; without it, now by the tower's clock
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<String>,
    /// `source` of the events
    #[arg(long, default_value = "import/csv", value_name = "NAME")]
    source: String,
    /// Print the report as one JSON object; asks nothing, so it wants --yes or --dry-run
    #[arg(long)]
    json: bool,
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone; use a name such as Europe/Berlin"))
}

fn moment(text: &str) -> Result<String, String> {
    Style::default().moment(text, &TimeZone::UTC, WithoutTime::Start).map_err(|error| error.to_string())
}

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("{}: {cause}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} holds no .csv file", .0.display())]
    EmptyDirectory(PathBuf),
    #[error("nobody said yes: run it with --yes where there is no terminal")]
    NobodyAsked,
    #[error(transparent)]
    Server(#[from] ClientError),
}

impl ImportError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Server(ClientError::Address(_)) => 2,
            Self::Server(_) => 3,
            _ => 2,
        }
    }
}

/// A table that is understood.
struct Understood {
    table: Table,
    mapping: Mapping,
}

/// Runs the command.
///
/// # Errors
/// None: what goes wrong is said on standard error.
pub async fn run(args: ImportArgs) -> miette::Result<ExitCode> {
    match import(&args).await {
        Ok(report) => {
            if args.json {
                println!("{}", serde_json::to_string(&report).map_err(|error| miette::miette!("{error}"))?);
            }
            Ok(ExitCode::from(report.exit_code()))
        }
        Err(error) => {
            eprintln!("tidewatch import: {error}");
            Ok(ExitCode::from(error.exit_code()))
        }
    }
}

async fn import(args: &ImportArgs) -> Result<Report, ImportError> {
    let tables = understand(args)?;
    if let Some(path) = &args.save_mapping {
        save_mapping(path, &tables)?;
    }
    let terms = Terms {
        source: &args.source,
        zone: &args.timezone,
        currency: args.currency.as_deref(),
        as_of: args.as_of.as_deref(),
        counted_from: None,
    };
    let style = Style { decimal: args.decimal, dates: args.dates };
    let counted_from = counted_from(&tables, &style, &terms);
    let terms = Terms { counted_from: counted_from.as_deref(), ..terms };
    let mut report =
        Report { files: check(&tables, &style, &terms), dry_run: args.dry_run, ..Report::default() };
    report.warnings = warnings(&tables);
    if let Some(path) = &args.errors {
        report.write_errors(path).map_err(|cause| ImportError::File { path: path.clone(), cause })?;
    }
    if !args.json {
        for (understood, file) in tables.iter().zip(&report.files) {
            report::print_file(&understood.table, &understood.mapping, file);
        }
        report.print_check(args.skip_bad);
    }
    if args.dry_run || (report.faulty_rows() > 0 && !args.skip_bad) {
        return Ok(report);
    }
    let Some(to) = &args.to else { return Ok(report) };
    if !args.yes && !agreed(args, &report, to)? {
        return Ok(report);
    }
    let sent = send(args, to, &tables, &style, &terms, &mut report).await;
    if let Some(path) = &args.errors {
        report.write_errors(path).map_err(|cause| ImportError::File { path: path.clone(), cause })?;
    }
    sent?;
    if !args.json {
        report.print_sent(to);
    }
    Ok(report)
}

/// Reads the files and finds out what they are, in the order in which they are sent.
fn understand(args: &ImportArgs) -> Result<Vec<Understood>, ImportError> {
    let mut wishes = Wishes::default();
    if let Some(path) = &args.mapping {
        wishes.columns = mapping::read_said(path)?;
    }
    for text in &args.map {
        mapping::say(&mut wishes.columns, text)?;
    }
    for text in &args.set {
        mapping::say(&mut wishes.constants, text)?;
    }
    let mut tables = Vec::new();
    for file in &args.files {
        for (path, kind) in paths(file, args.kind)? {
            let table = Table::read(&path)?;
            let mapping = Mapping::find(&table, kind, &wishes)?;
            tables.push(Understood { table, mapping });
        }
    }
    tables.sort_by_key(|understood| understood.mapping.kind);
    Ok(tables)
}

/// The files that an argument names, with the kind that it says.
fn paths(argument: &str, kind: Option<Kind>) -> Result<Vec<(PathBuf, Option<Kind>)>, ImportError> {
    let path = Path::new(argument);
    if !path.exists()
        && let Some((kind, file)) = argument.split_once('=')
    {
        return Ok(vec![(file.into(), Some(mapping::kind_named(kind)?))]);
    }
    if !path.is_dir() {
        return Ok(vec![(path.to_owned(), kind)]);
    }
    let fail = |cause| ImportError::File { path: path.to_owned(), cause };
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        let name = file.to_string_lossy().to_lowercase();
        if name.ends_with(".csv") || name.ends_with(".csv.gz") || name.ends_with(".tsv") {
            files.push((file, kind));
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ImportError::EmptyDirectory(path.to_owned()));
    }
    Ok(files)
}

fn save_mapping(path: &Path, tables: &[Understood]) -> Result<(), ImportError> {
    let mut said = Said::new();
    for understood in tables {
        understood.mapping.say(&understood.table, &mut said);
    }
    let fail = |cause| ImportError::File { path: path.to_owned(), cause };
    let text = toml::to_string(&said).map_err(|error| fail(io::Error::other(error)))?;
    std::fs::write(path, text).map_err(fail)
}

/// The earliest moment of a count: of the tables, or the one that was said.
fn counted_from(tables: &[Understood], style: &Style, terms: &Terms<'_>) -> Option<String> {
    let of_table = |understood: &Understood| {
        Rows::new(&understood.table, &understood.mapping, style.clone(), terms).counted_from()
    };
    let said = terms.as_of.map(str::to_owned);
    let moments = tables.iter().filter_map(of_table).chain(said);
    moments.min_by_key(|moment| moment.parse::<jiff::Timestamp>().ok())
}

/// Makes every row's events once, to see whether it can be done.
fn check(tables: &[Understood], style: &Style, terms: &Terms<'_>) -> Vec<FileReport> {
    let check_one = |understood: &Understood| {
        let Understood { table, mapping } = understood;
        let mut file = FileReport::new(table, mapping);
        let mut rows = Rows::new(table, mapping, style.clone(), terms);
        for row in &table.rows {
            match rows.events(row) {
                Ok(events) => file.events += events.len() as u64,
                Err(faults) => file.add_faults(faults),
            }
        }
        file
    };
    tables.iter().map(check_one).collect()
}

/// What is no fault, but not what somebody would expect: things that no file describes.
fn warnings(tables: &[Understood]) -> Vec<String> {
    let names = |kind: Kind, field: &str| -> Option<HashSet<&str>> {
        let mut described = None;
        for Understood { table, mapping } in tables.iter().filter(|table| table.mapping.kind == kind) {
            let column = mapping.column(field)?;
            let cells = table.rows.iter().filter_map(|row| row.cells.get(column));
            described.get_or_insert_with(HashSet::new).extend(cells.take(NAMES_COMPARED_MAX));
        }
        described
    };
    let mut warnings = Vec::new();
    for (field, kind) in [("sku", Kind::Items), ("location", Kind::Locations), ("supplier", Kind::Suppliers)]
    {
        let Some(described) = names(kind, field).filter(|names| names.len() < NAMES_COMPARED_MAX) else {
            continue;
        };
        for Understood { table, mapping } in tables.iter().filter(|table| table.mapping.kind != kind) {
            let Some(column) = mapping.column(field) else { continue };
            let unknown: HashSet<&str> = table
                .rows
                .iter()
                .filter_map(|row| row.cells.get(column))
                .filter(|cell| !cell.is_empty() && !described.contains(cell))
                .collect();
            if let Some(example) = unknown.iter().min() {
                warnings.push(format!(
                    "{}: {} of {field} that {} does not describe, such as {example}",
                    table.file_name(),
                    unknown.len(),
                    kind.definition().name
                ));
            }
        }
    }
    warnings
}

/// Asks whether to go on.
fn agreed(args: &ImportArgs, report: &Report, to: &str) -> Result<bool, ImportError> {
    if args.json || !io::stdin().is_terminal() {
        return Err(ImportError::NobodyAsked);
    }
    eprint!("Send {} events to {to}? [y/N] ", report.events());
    let fail = |cause| ImportError::File { path: "the terminal".into(), cause };
    io::stderr().flush().map_err(fail)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(fail)?;
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if agreed { Ok(true) } else { Err(ImportError::NobodyAsked) }
}

/// Sends the events of every good row, the tables in order.
async fn send(
    args: &ImportArgs,
    to: &str,
    tables: &[Understood],
    style: &Style,
    terms: &Terms<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let client = Client::new(to, args.key.clone(), Patience::default())?;
    let mut progress = Progress::new(report.events(), "events", args.json);
    let mut sent = 0;
    for (understood, file) in tables.iter().zip(&mut report.files) {
        let Understood { table, mapping } = understood;
        let mut rows = Rows::new(table, mapping, style.clone(), terms);
        let (mut text, mut lines) = (Vec::new(), Vec::new());
        for (at, row) in table.rows.iter().enumerate() {
            for event in rows.events(row).unwrap_or_default() {
                text.extend_from_slice(event.as_bytes());
                text.push(b'\n');
                lines.push(row.line);
            }
            let is_last = at + 1 == table.rows.len();
            if text.len() >= BATCH_BYTES_MAX || lines.len() >= BATCH_EVENTS_MAX || is_last {
                let mut tally = Tally::default();
                let outcome =
                    client.send_events(EventLines::new(std::mem::take(&mut text)), &mut tally).await;
                sent += tally.answered();
                file.take(tally, &lines);
                lines.clear();
                progress.set(sent, &file.name);
                if let Err(error) = outcome {
                    progress.finish();
                    eprintln!("{sent} events were taken before it broke off; run it again to send the rest");
                    return Err(error.into());
                }
            }
        }
    }
    progress.finish();
    report.sent = true;
    Ok(())
}
