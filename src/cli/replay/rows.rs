//! Reading a file of events: NDJSON or CSV, plain or gzip, one row at a time.
//!
//! A row that can't be sent at all (a CSV row with too few cells, a line of many megabytes) is handed out as
//! refused, so that it is counted; whether an event makes sense is for the server to say.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv_mapping::{CsvMapping, HeaderError};

/// Largest event that the contract allows. A larger one is refused here: a server that meets it in the middle of a
/// request may hang up before its answer is read.
pub const ROW_BYTES_MAX: usize = 64 << 10;
const READ_BUFFER_BYTES: usize = 1 << 16;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: {cause}", path = path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{0}: the name must end in .ndjson, .jsonl or .csv, with .gz behind it if compressed")]
    Format(PathBuf),
    #[error("{path}: {cause}", path = path.display())]
    Header { path: PathBuf, cause: HeaderError },
    #[error("{path}: {cause}", path = path.display())]
    Csv { path: PathBuf, cause: csv::Error },
}

/// One row of the file, with the number of the line it begins on (from 1).
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    Event { line: u64, json: Vec<u8>, time: Option<Timestamp> },
    Refused { line: u64, code: &'static str, detail: String },
}

/// The rows of one file.
pub struct Rows {
    format: Format,
    name: String,
    source: String,
    /// Bytes of the file (compressed, if it is) read so far.
    bytes_read: Arc<AtomicU64>,
    bytes_total: u64,
}

enum Format {
    Ndjson { reader: Box<dyn BufRead + Send>, line: u64 },
    Csv { reader: Box<csv::Reader<Box<dyn BufRead + Send>>>, mapping: CsvMapping },
}

/// The attributes of a line that say whether something must be added to it.
#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    specversion: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
}

impl Rows {
    /// Opens a file; a CSV file's header is read at once.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |cause| OpenError::Io { path: path.to_owned(), cause };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (plain_name, is_gzip) = match name.strip_suffix(".gz") {
            Some(plain) => (plain, true),
            None => (name.as_str(), false),
        };
        let (stem, extension) = plain_name.rsplit_once('.').unwrap_or((plain_name, ""));
        let source = format!("replay/{stem}");

        let file = File::open(path).map_err(io)?;
        let bytes_total = file.metadata().map_err(io)?.len();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = BufReader::with_capacity(
            READ_BUFFER_BYTES,
            CountingReader { inner: file, bytes_read: Arc::clone(&bytes_read) },
        );
        let reader: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, MultiGzDecoder::new(counted)))
        } else {
            Box::new(counted)
        };
        let format = match extension {
            "ndjson" | "jsonl" => Format::Ndjson { reader, line: 0 },
            "csv" => {
                let mut reader = csv::Reader::from_reader(reader);
                let csv = |cause| OpenError::Csv { path: path.to_owned(), cause };
                let header = |cause| OpenError::Header { path: path.to_owned(), cause };
                let mapping = CsvMapping::new(reader.headers().map_err(csv)?).map_err(header)?;
                Format::Csv { reader: Box::new(reader), mapping }
            }
            _ => return Err(OpenError::Format(path.to_owned())),
        };
        Ok(Self { format, name, source, bytes_read, bytes_total })
    }

    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// The next row; `None` at the end of the file.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        match &mut self.format {
            Format::Ndjson { reader, line } => loop {
                let mut text = Vec::new();
                let bytes = read_line(reader, &mut text)?;
                if bytes == 0 {
                    return Ok(None);
                }
                *line += 1;
                let is_cut = bytes > text.len() as u64;
                let text = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| *line == 1).unwrap_or(&text);
                let text = text.trim_ascii();
                if is_cut || text.len() > ROW_BYTES_MAX {
                    return Ok(Some(too_large(*line)));
                }
                if !text.is_empty() {
                    return Ok(Some(ndjson_row(*line, text, &self.name, &self.source)));
                }
            },
            Format::Csv { reader, mapping } => {
                let mut record = StringRecord::new();
                let fallback_line = reader.position().line();
                match reader.read_record(&mut record) {
                    Ok(false) => Ok(None),
                    Ok(true) => {
                        let line = record.position().map_or(fallback_line, csv::Position::line);
                        let json = mapping.event(&record, &made_id(&self.name, line), &self.source);
                        if json.len() > ROW_BYTES_MAX {
                            return Ok(Some(too_large(line)));
                        }
                        let time = mapping.time(&record).and_then(|time| time.parse().ok());
                        Ok(Some(Row::Event { line, json, time }))
                    }
                    Err(error) => {
                        let line = error.position().map_or(fallback_line, csv::Position::line);
                        let detail = error.to_string();
                        match error.into_kind() {
                            csv::ErrorKind::Io(error) => Err(error),
                            _ => Ok(Some(Row::Refused { line, code: "unreadable_row", detail })),
                        }
                    }
                }
            }
        }
    }
}

/// Reads one line with its line feed, keeping its beginning: all of it if it has up to `ROW_BYTES_MAX` bytes. Says how
/// long it was; 0 at the end.
fn read_line(reader: &mut dyn BufRead, text: &mut Vec<u8>) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(buffer.len());
        if text.len() <= ROW_BYTES_MAX {
            text.extend_from_slice(&buffer[..taken]);
        }
        reader.consume(taken);
        bytes += taken as u64;
        if end.is_some() || taken == 0 {
            return Ok(bytes);
        }
    }
}

fn too_large(line: u64) -> Row {
    let detail = format!("a row of more than {ROW_BYTES_MAX} bytes");
    Row::Refused { line, code: "too_large", detail }
}

/// A line as it stands, with what a CloudEvent needs and it lacks put in front. A line that is no JSON object goes out
/// as it is: the server keeps it in quarantine.
fn ndjson_row(line: u64, text: &[u8], name: &str, source: &str) -> Row {
    // serde would read a struct from an array too.
    let is_object = text.starts_with(b"{");
    let Some(attributes) = serde_json::from_slice::<Attributes<'_>>(text).ok().filter(|_| is_object) else {
        return Row::Event { line, json: text.to_vec(), time: None };
    };
    let mut json = Vec::with_capacity(text.len() + 128);
    json.push(b'{');
    let missing = [
        ("specversion", attributes.specversion.is_none(), Cow::Borrowed("1.0")),
        ("id", attributes.id.is_none(), Cow::Owned(made_id(name, line))),
        ("source", attributes.source.is_none(), Cow::Borrowed(source)),
    ];
    for (attribute, is_missing, value) in missing {
        if is_missing {
            json.extend_from_slice(format!("\"{attribute}\":").as_bytes());
            // Writing a string to memory cannot fail.
            let _ = serde_json::to_writer(&mut json, &value);
            json.push(b',');
        }
    }
    let rest = text[1..].trim_ascii_start();
    if rest == b"}" && json.last() == Some(&b',') {
        json.pop();
    }
    json.extend_from_slice(rest);
    let time = attributes.time.and_then(|time| time.parse().ok());
    Row::Event { line, json, time }
}

/// The id of a row that brings none: the same for the same file name and line, so that a second replay of the file
/// yields duplicates and not a second truth.
fn made_id(name: &str, line: u64) -> String {
    let hash = blake3::hash(format!("{name}\n{line}").as_bytes()).to_hex();
    format!("replay-{}", &hash[..32])
}

struct CountingReader<R> {
    inner: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::io::Write;

    /// All rows of a file with this name and content.
    fn rows(name: &str, content: &[u8]) -> Vec<Row> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut rows = Rows::open(&path).unwrap();
        std::iter::from_fn(|| rows.next_row().unwrap()).collect()
    }

    fn event(row: &Row) -> (u64, Value) {
        match row {
            Row::Event { line, json, .. } => (*line, serde_json::from_slice(json).unwrap()),
            Row::Refused { .. } => panic!("{row:?}"),
        }
    }

    #[test]
    fn a_whole_event_goes_out_as_it_stands() {
        let line = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"q":1.50}}"#;
        let rows = rows("a.ndjson", format!("\u{feff}{line}\r\n\n  \n{line}").as_bytes());
        let sent: Vec<_> = rows.iter().map(|row| (event(row).0, event(row).1["id"].clone())).collect();
        assert_eq!(sent, [(1, json!("1")), (4, json!("1"))]);
        assert!(matches!(&rows[0], Row::Event { json, .. } if json == line.as_bytes()));
    }

    #[test]
    fn what_an_event_lacks_is_added_the_same_way_each_time() {
        let content = b"{ \"type\":\"t\"}\n{}\n";
        let first = rows("a.ndjson", content);
        let sent = event(&first[0]).1;
        assert_eq!((&sent["specversion"], &sent["source"]), (&json!("1.0"), &json!("replay/a")));
        assert_ne!(sent["id"], event(&first[1]).1["id"]);
        assert_eq!(first, rows("a.ndjson", content));
        assert_ne!(event(&first[0]).1["id"], event(&rows("b.ndjson", content)[0]).1["id"]);
    }

    #[test]
    fn what_is_no_json_is_left_to_the_server() {
        let rows = rows("a.jsonl", b"{oops\n[1]\n\xff\n");
        let sent = rows.iter().map(|row| match row {
            Row::Event { json, .. } => json.as_slice(),
            Row::Refused { .. } => b"refused",
        });
        assert_eq!(sent.collect::<Vec<_>>(), [&b"{oops"[..], b"[1]", b"\xff"]);
    }

    #[test]
    fn gzip_and_csv_are_read_by_their_names() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"type,time,sku\npos.sale,2026-01-02T03:04:05Z,\"a\nb\"\nbad\npos.sale,,c\n").unwrap();
        let rows = rows("x.csv.gz", &gzip.finish().unwrap());
        assert_eq!(event(&rows[0]).1["data"]["sku"], "a\nb");
        assert!(
            matches!(&rows[0], Row::Event { time: Some(time), .. } if time.to_string() == "2026-01-02T03:04:05Z")
        );
        assert!(matches!(&rows[1], Row::Refused { line: 4, code: "unreadable_row", .. }), "{:?}", rows[1]);
        assert_eq!((event(&rows[2]).0, &event(&rows[2]).1["source"]), (5, &json!("replay/x")));
    }

    #[test]
    fn an_endless_line_is_refused_and_the_next_one_read() {
        for (bytes, filler, is_refused) in [
            (ROW_BYTES_MAX, b'x', false),
            (ROW_BYTES_MAX + 1, b'x', true),
            (10 * ROW_BYTES_MAX, b'x', true),
            (10 * ROW_BYTES_MAX, b' ', true),
        ] {
            let mut content = vec![filler; bytes];
            content.extend_from_slice(b"\n{\"type\":\"t\"}\n");
            let rows = rows("a.ndjson", &content);
            assert_eq!(
                matches!(rows[0], Row::Refused { line: 1, code: "too_large", .. }),
                is_refused,
                "{bytes}"
            );
            assert_eq!((event(&rows[1]).0, &event(&rows[1]).1["type"]), (2, &json!("t")));
        }
    }

    #[test]
    fn a_file_that_cannot_be_events_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            Rows::open(&path).err().unwrap()
        };
        assert!(matches!(open("events.xlsx", ""), OpenError::Format(_)));
        assert!(matches!(
            open("events.csv", "sku\na\n"),
            OpenError::Header { cause: HeaderError::NoType, .. }
        ));
        assert!(matches!(Rows::open(&directory.path().join("none.csv")), Err(OpenError::Io { .. })));
    }
}
