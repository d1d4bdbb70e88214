//! `tidewatch export`: any list of a tower, as a table or as lines of JSON.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::client::{Client, ClientError, Patience};
use super::progress::Progress;

/// Most items that one answer holds.
const PAGE_ITEMS: usize = 1_000;
/// Most columns of a table; what nests deeper than that many names is cut off, and said.
const COLUMNS_MAX: usize = 1_000;

/// A list of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum List {
    Exceptions,
    Cases,
    SkuLocations,
    Items,
    Locations,
    Suppliers,
    Customers,
    Orders,
    PurchaseOrders,
    Transfers,
    Promotions,
    Actions,
    Deliveries,
    Quarantine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table; fields inside fields become columns such as `value_at_risk.amount`
    Csv,
    /// One JSON object a line, as the API gives it
    Ndjson,
}

/// Write any list of a tower to a file
///
/// All pages of it, as a CSV table or as NDJSON. A cell that begins like a formula gets an apostrophe, so that a
/// spreadsheet takes it for text.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tidewatch export exceptions --from http://127.0.0.1:8080 > exceptions.csv
  tidewatch export sku-locations --filter location=BERLIN --output stock.csv
  tidewatch export orders --format ndjson --output orders.ndjson

Exit codes:
  0  written
  2  the file or an argument is wrong
  3  the tower cannot be reached, or refuses")]
pub struct ExportArgs {
    /// The list
    #[arg(value_enum)]
    list: List,
    /// Address of the tower
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    from: String,
    /// API key; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A parameter of the list, as in state=open; several mean all of them
    #[arg(long, value_name = "NAME=VALUE", value_parser = filter)]
    filter: Vec<(String, String)>,
    /// The file to write; standard output without it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write it; by the file's name without it, else CSV
    #[arg(long, value_enum)]
    format: Option<Format>,
}

fn filter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in state=open")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("{}: {cause}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    #[error("cannot write: {0}")]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error("a line of the answer is no JSON object: {0}")]
    Line(#[from] serde_json::Error),
}

impl ExportError {
    fn is_broken_pipe(&self) -> bool {
        let cause = match self {
            Self::Write(error) => Some(error),
            Self::Csv(error) => match error.kind() {
                csv::ErrorKind::Io(error) => Some(error),
                _ => None,
            },
            _ => None,
        };
        cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Map<String, Value>>,
    next_cursor: Option<String>,
}

impl List {
    fn path(self) -> &'static str {
        match self {
            Self::Exceptions => "exceptions",
            Self::Cases => "cases",
            Self::SkuLocations => "sku-locations",
            Self::Items => "items",
            Self::Locations => "locations",
            Self::Suppliers => "suppliers",
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::PurchaseOrders => "purchase-orders",
            Self::Transfers => "transfers",
            Self::Promotions => "promotions",
            Self::Actions => "actions",
            Self::Deliveries => "deliveries",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// None: what goes wrong is said on standard error.
pub async fn run(args: ExportArgs) -> miette::Result<ExitCode> {
    match export(&args).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Whoever stopped reading has seen enough.
        Err(error) if error.is_broken_pipe() => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("tidewatch export: {error}");
            let server =
                matches!(&error, ExportError::Server(cause) if !matches!(cause, ClientError::Address(_)));
            Ok(ExitCode::from(if server { 3 } else { 2 }))
        }
    }
}

async fn export(args: &ExportArgs) -> Result<(), ExportError> {
    let format = args.format.unwrap_or_else(|| format_of(args.output.as_deref()));
    // The columns are known only at the end, and a file appears only when it is whole.
    let mut lines = tempfile::tempfile()?;
    let columns = fetch(args, &mut BufWriter::new(&mut lines)).await?;
    lines.rewind()?;
    let Some(path) = &args.output else { return write(format, lines, &columns, io::stdout().lock()) };
    let fail = |cause| ExportError::File { path: path.clone(), cause };
    if path.exists() && !path.is_file() {
        // A device or a pipe is written to, not replaced.
        return write(format, lines, &columns, File::create(path).map_err(fail)?);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(fail)?;
    write(format, lines, &columns, BufWriter::new(&mut file))?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

fn format_of(path: Option<&Path>) -> Format {
    let name = path.map(|path| path.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_lines = [".ndjson", ".jsonl"].iter().any(|ending| name.ends_with(ending));
    if is_lines { Format::Ndjson } else { Format::Csv }
}

/// Writes all items of the list, a line each, and gives the columns of their table.
async fn fetch(args: &ExportArgs, lines: &mut impl Write) -> Result<Vec<String>, ExportError> {
    let client = Client::new(&args.from, args.key.clone(), Patience::default())?;
    let mut columns = Columns::default();
    let mut cursor: Option<String> = None;
    let mut written = 0;
    let mut progress = Progress::new(0, "items", args.output.is_none());
    loop {
        let mut query = vec![("limit".to_owned(), PAGE_ITEMS.to_string())];
        query.extend(args.filter.iter().cloned());
        query.extend(cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
        let page: Page = client.get_json_with(&format!("/api/v1/{}", args.list.path()), &query).await?;
        for item in page.items {
            serde_json::to_writer(&mut *lines, &item)?;
            lines.write_all(b"\n")?;
            columns.learn(&item);
            written += 1;
        }
        progress.set(written, "");
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    lines.flush()?;
    progress.finish();
    if columns.cut {
        eprintln!("more than {COLUMNS_MAX} columns: the rest is left out; --format ndjson has everything");
    }
    Ok(columns.names)
}

fn write(format: Format, lines: File, columns: &[String], mut out: impl Write) -> Result<(), ExportError> {
    let mut lines = BufReader::new(lines);
    if format == Format::Ndjson {
        io::copy(&mut lines, &mut out)?;
        return Ok(out.flush()?);
    }
    let mut table = csv::Writer::from_writer(out);
    table.write_record(columns)?;
    for line in lines.lines() {
        let mut cells = Map::new();
        flatten("", &serde_json::from_str::<Value>(&line?)?, &mut cells);
        table.write_record(columns.iter().map(|column| cells.get(column).map(cell).unwrap_or_default()))?;
    }
    Ok(table.flush()?)
}

/// The columns of a table, in the order in which they were first seen.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    known: HashSet<String>,
    cut: bool,
}

impl Columns {
    fn learn(&mut self, item: &Map<String, Value>) {
        let mut cells = Map::new();
        flatten("", &Value::Object(item.clone()), &mut cells);
        for name in cells.keys() {
            if self.known.contains(name) {
                continue;
            }
            if self.names.len() == COLUMNS_MAX {
                self.cut = true;
                return;
            }
            self.known.insert(name.clone());
            self.names.push(name.clone());
        }
    }
}

/// Fields inside fields, by names with dots; lists stay what they are.
fn flatten(prefix: &str, value: &Value, cells: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, cells);
            }
        }
        _ if prefix.is_empty() => {}
        value => {
            cells.insert(prefix.to_owned(), value.clone());
        }
    }
}

/// A value as a cell. Text that a spreadsheet would compute is kept from it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) if text.starts_with('-') && text.parse::<f64>().is_err() => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_inside_fields_become_columns() {
        let mut columns = Columns::default();
        let first = json!({"id": "a", "money": null, "list": [1, 2]});
        let second = json!({"id": "b", "money": {"amount": "1.50", "currency": "EUR"}});
        for item in [&first, &second] {
            columns.learn(item.as_object().unwrap());
        }
        let mut names = columns.names.clone();
        names.sort();
        assert_eq!(names, ["id", "list", "money", "money.amount", "money.currency"]);
        let mut lines = tempfile::tempfile().unwrap();
        writeln!(lines, "{first}\n{second}").unwrap();
        lines.rewind().unwrap();
        let mut out = Vec::new();
        write(Format::Csv, lines, &names, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "id,list,money,money.amount,money.currency\na,\"[1,2]\",,,\nb,,,1.50,EUR\n");
    }

    #[test]
    fn a_spreadsheet_computes_nothing() {
        assert_eq!(cell(&json!("=HYPERLINK(\"http://x\")")), "'=HYPERLINK(\"http://x\")");
        assert_eq!(cell(&json!("-cmd")), "'-cmd");
        assert_eq!(cell(&json!("-1.50")), "-1.50");
        assert_eq!(cell(&json!(-3)), "-3");
    }
}
