//! A table in a file: comma, semicolon, tab or bar separated, in UTF-8 or the Western encoding of old spreadsheets,
//! plain or gzip.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use encoding_rs::WINDOWS_1252;
use flate2::read::MultiGzDecoder;

/// Most bytes of one file, unpacked: a table is held in memory while it is checked and sent.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What keeps a file from being read as a table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("{}: {cause}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} has more than {} MiB; cut it into several files", path.display(), FILE_BYTES_MAX >> 20)]
    TooLarge { path: PathBuf },
    #[error("{} is UTF-16: save it as CSV UTF-8", path.display())]
    Utf16 { path: PathBuf },
    #[error("{} has no rows below a header", path.display())]
    Empty { path: PathBuf },
    #[error("{}, line {line}: {cause}", path.display())]
    Row { path: PathBuf, line: u64, cause: String },
}

/// A row and the line of the file where it begins.
#[derive(Debug)]
pub struct Row {
    pub line: u64,
    pub cells: StringRecord,
}

/// A whole table, read.
#[derive(Debug)]
pub struct Table {
    pub path: PathBuf,
    pub header: Vec<String>,
    pub rows: Vec<Row>,
    /// First 16 hexadecimal digits of the content's hash (blake3): names what was imported.
    pub fingerprint: String,
}

impl Table {
    /// # Errors
    /// When the file can't be read, is too large, or is no table.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let bytes = bytes(path)?;
        let fingerprint = blake3::hash(&bytes).to_hex()[..16].to_owned();
        Self::parse(path, &text(path, bytes)?, fingerprint)
    }

    fn parse(path: &Path, text: &str, fingerprint: String) -> Result<Self, TableError> {
        let broken = |error: &csv::Error| TableError::Row {
            path: path.to_owned(),
            line: error.position().map_or(0, csv::Position::line),
            cause: error.to_string(),
        };
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter(text)).trim(Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(|error| broken(&error))?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let cells = record.map_err(|error| broken(&error))?;
            if cells.iter().all(str::is_empty) {
                continue;
            }
            let line = cells.position().map_or(0, csv::Position::line);
            rows.push(Row { line, cells });
        }
        if rows.is_empty() || header.iter().all(String::is_empty) {
            return Err(TableError::Empty { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), header, rows, fingerprint })
    }

    /// The file's name, for people.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TableError> {
    let fail = |cause| TableError::Read { path: path.to_owned(), cause };
    let file = File::open(path).map_err(fail)?;
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let mut bytes = Vec::new();
    let read = if packed {
        MultiGzDecoder::new(file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    };
    if read.map_err(fail)? as u64 > FILE_BYTES_MAX {
        return Err(TableError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// The text of a file: UTF-8, else what spreadsheets of Western systems wrote before it.
fn text(path: &Path, bytes: Vec<u8>) -> Result<String, TableError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(TableError::Utf16 { path: path.to_owned() });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => Ok(WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned()),
    }
}

/// The separator that cuts the first lines into the most columns, the same number in each.
fn delimiter(text: &str) -> u8 {
    let columns = |delimiter: u8| {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let counts: Vec<usize> =
            reader.records().take(20).map_while(Result::ok).map(|row| row.len()).collect();
        let first = counts.first().copied().unwrap_or(0);
        (counts.iter().filter(|count| **count == first).count() == counts.len(), first)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| match columns(*delimiter) {
        (_, 0 | 1) => (false, 0),
        found => found,
    });
    best.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Table, TableError> {
        let path = Path::new("t.csv");
        Table::parse(path, &text(path, bytes.to_vec())?, String::new())
    }

    #[test]
    fn any_separator_and_encoding() {
        for (bytes, cells) in [
            (&b"a,b\n1,2\n"[..], ["1", "2"]),
            (b"a;b\r\n1,5;2\r\n", ["1,5", "2"]),
            (b"a\tb\n1\t\"x, y\"\n", ["1", "x, y"]),
            ("\u{feff}a|b\n ä |2\n".as_bytes(), ["ä", "2"]),
            (b"a;b\nK\xf6ln;2\n", ["Köln", "2"]),
        ] {
            let table = parse(bytes).unwrap();
            assert_eq!(table.header, ["a", "b"]);
            assert_eq!(table.rows[0].cells.iter().collect::<Vec<_>>(), cells);
        }
    }

    #[test]
    fn rows_know_their_line_and_blank_ones_do_not_count() {
        let table = parse(b"a,b\n\n,\n\"x\ny\",1\nz,2\n").unwrap();
        assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 6]);
    }

    #[test]
    fn what_is_no_table_is_said() {
        assert!(matches!(parse(b""), Err(TableError::Empty { .. })));
        assert!(matches!(parse(b"a,b\n"), Err(TableError::Empty { .. })));
        assert!(matches!(parse(b"\xff\xfea\0"), Err(TableError::Utf16 { .. })));
        let Err(TableError::Row { line, .. }) = parse(b"a,b\n1,2\n3\n") else { panic!("a short row") };
        assert_eq!(line, 3);
    }
}
