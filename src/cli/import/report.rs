//! What an import found and did, for people and programs.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::super::client::Tally;
use super::mapping::Mapping;
use super::row::Fault;
use super::table::Table;

/// Faults of a file that are kept; the rest are only counted.
const FAULTS_KEPT_MAX: usize = 10_000;
/// Faults of a file that are printed.
const FAULTS_PRINTED_MAX: usize = 10;
/// Example cells of a column that are printed.
const EXAMPLES_MAX: usize = 3;
/// Longest example that is printed.
const EXAMPLE_CHARACTERS_MAX: usize = 24;

/// A row that is wrong, or that the tower refused.
#[derive(Debug, Serialize)]
pub struct Refused {
    pub line: u64,
    pub column: Option<String>,
    pub detail: String,
}

/// One file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    pub name: String,
    pub kind: &'static str,
    pub rows: u64,
    /// Events that its good rows become.
    pub events: u64,
    /// Rows that can't be used.
    pub faulty_rows: u64,
    pub faults: Vec<Refused>,
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub lsn: Option<u64>,
}

/// A whole import.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub files: Vec<FileReport>,
    pub warnings: Vec<String>,
    pub dry_run: bool,
    /// Whether all that was to be sent was.
    pub sent: bool,
}

impl FileReport {
    pub fn new(table: &Table, mapping: &Mapping) -> Self {
        Self {
            name: table.file_name(),
            kind: mapping.kind.definition().name,
            rows: table.rows.len() as u64,
            events: 0,
            faulty_rows: 0,
            faults: Vec::new(),
            accepted: 0,
            duplicates: 0,
            rejected: 0,
            lsn: None,
        }
    }

    /// Counts a row that can't be used.
    pub fn add_faults(&mut self, faults: Vec<Fault>) {
        self.faulty_rows += 1;
        let room = FAULTS_KEPT_MAX.saturating_sub(self.faults.len());
        self.faults.extend(faults.into_iter().take(room).map(|fault| Refused {
            line: fault.line,
            column: Some(fault.column).filter(|column| !column.is_empty()),
            detail: fault.detail,
        }));
    }

    /// Adds what the tower said about events of these lines.
    pub fn take(&mut self, tally: Tally, lines: &[u64]) {
        self.accepted += tally.accepted;
        self.duplicates += tally.duplicates;
        self.rejected += tally.rejected;
        self.lsn = self.lsn.max(tally.lsn);
        for error in tally.errors {
            if self.faults.len() >= FAULTS_KEPT_MAX {
                break;
            }
            let line = usize::try_from(error.index).ok().and_then(|index| lines.get(index));
            let detail = format!("rejected by the tower, {}: {}", error.code, error.detail);
            self.faults.push(Refused { line: line.copied().unwrap_or(0), column: None, detail });
        }
    }

    fn print_faults(&self) {
        for fault in self.faults.iter().take(FAULTS_PRINTED_MAX) {
            let column = fault.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            eprintln!("  line {}{column}: {}", fault.line, fault.detail);
        }
        if self.faults.len() > FAULTS_PRINTED_MAX {
            eprintln!("  and {} more (--errors FILE writes all)", self.faults.len() - FAULTS_PRINTED_MAX);
        }
    }
}

impl Report {
    pub fn events(&self) -> u64 {
        self.files.iter().map(|file| file.events).sum()
    }

    pub fn faulty_rows(&self) -> u64 {
        self.files.iter().map(|file| file.faulty_rows).sum()
    }

    /// 0 all is well, 1 rows are wrong or were rejected.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.faulty_rows() > 0 || self.files.iter().any(|file| file.rejected > 0))
    }

    /// Writes every fault as CSV.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_errors(&self, path: &Path) -> io::Result<()> {
        let mut writer = csv::Writer::from_path(path)?;
        writer.write_record(["file", "line", "column", "error"])?;
        for file in &self.files {
            for fault in &file.faults {
                let line = fault.line.to_string();
                writer.write_record([
                    &file.name,
                    &line,
                    fault.column.as_deref().unwrap_or(""),
                    &fault.detail,
                ])?;
            }
        }
        writer.flush()
    }

    /// What was found, before anything is sent.
    pub fn print_check(&self, skip_bad: bool) {
        for warning in &self.warnings {
            eprintln!("note: {warning}");
        }
        let faulty = self.faulty_rows();
        if faulty > 0 && !skip_bad {
            eprintln!(
                "{} can't be used; nothing was sent. Mend them, or leave them out with --skip-bad",
                rows(faulty)
            );
        } else if self.dry_run {
            eprintln!("{} events could be sent; nothing was (--dry-run)", self.events());
        }
    }

    pub fn print_sent(&self, to: &str) {
        for file in &self.files {
            println!(
                "{}: {} accepted, {} known already, {} rejected",
                file.name, file.accepted, file.duplicates, file.rejected
            );
            if file.rejected > 0 {
                file.print_faults();
            }
        }
        if self.files.iter().all(|file| file.accepted == 0 && file.rejected == 0) {
            println!("Everything was there already.");
        }
        println!("Look at {to}/");
    }
}

/// What a file is, which column is which field, and which rows can't be used.
pub fn print_file(table: &Table, mapping: &Mapping, report: &FileReport) {
    let definition = mapping.kind.definition();
    eprintln!("{}: {} as {} ({})", report.name, rows(report.rows), definition.name, definition.event_type);
    let width = definition.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for (field, column) in definition.fields.iter().zip(&mapping.columns) {
        if let Some(column) = *column {
            eprintln!("  {:width$} from {}   {}", field.name, table.header[column], examples(table, column));
        }
    }
    for (field, constant) in &mapping.constants {
        eprintln!("  {field:width$} is {constant} in every row");
    }
    let unused: Vec<&str> = (0..table.header.len())
        .filter(|column| !mapping.columns.contains(&Some(*column)))
        .map(|column| table.header[column].as_str())
        .collect();
    if !unused.is_empty() {
        eprintln!("  not used: {}", unused.join(", "));
    }
    report.print_faults();
}

fn rows(count: u64) -> String {
    format!("{count} row{}", if count == 1 { "" } else { "s" })
}

/// The first different cells of a column.
fn examples(table: &Table, column: usize) -> String {
    let mut found: Vec<String> = Vec::new();
    for cell in table.rows.iter().filter_map(|row| row.cells.get(column)).filter(|cell| !cell.is_empty()) {
        let shown: String = cell.chars().take(EXAMPLE_CHARACTERS_MAX).collect();
        if !found.contains(&shown) {
            found.push(shown);
        }
        if found.len() == EXAMPLES_MAX {
            break;
        }
    }
    format!("({})", found.join(", "))
}
