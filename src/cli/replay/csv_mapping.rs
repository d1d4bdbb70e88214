//! From a CSV row to one CloudEvent.
//!
//! The columns `type`, `id`, `source` and `time` are the event's; every other one is a field of `data`, nested by dots
//! and brackets (`lines[0].sku`). An empty cell is an absent field. Numbers go out exactly as they are written;
//! identifiers stay text even when they look like numbers.

use std::collections::BTreeMap;

use csv::StringRecord;
use serde_json::value::RawValue;

/// Largest index that a bracket may hold: an event has a bounded number of lines.
const INDEX_MAX: usize = 999;
/// Fields that are text or, as `["a","b"]` or with brackets in the column's name, lists of text.
const TEXT_LIST_FIELDS: [&str; 4] = ["closed", "locations", "path", "skus"];
/// Deepest nesting of a column name; the tower refuses events deeper than 32.
const DEPTH_MAX: usize = 16;

/// Fields that are text whatever their cells look like; so is every name that ends in `_id`.
const TEXT_FIELDS: [&str; 32] = [
    "account_owner",
    "brand",
    "calendar",
    "carrier",
    "channel",
    "contact_ref",
    "currency",
    "customer",
    "disposition",
    "external_ref",
    "from",
    "id",
    "kind",
    "language",
    "location",
    "lot",
    "measure",
    "mechanic",
    "mode",
    "model",
    "name",
    "reason",
    "region",
    "segment",
    "sku",
    "status",
    "successor",
    "supplier",
    "tier",
    "timezone",
    "to",
    "uom",
];

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HeaderError {
    #[error("the header has no column `type`")]
    NoType,
    #[error("the column `{0}` stands there twice, or once as a value and once with fields below it")]
    Conflict(String),
    #[error("`{0}` is not a column name: use names, dots and brackets, as in `lines[0].sku`")]
    Name(String),
}

/// Where each column of a file goes.
#[derive(Debug)]
pub struct CsvMapping {
    kind: usize,
    id: Option<usize>,
    source: Option<usize>,
    time: Option<usize>,
    data: Node,
}

#[derive(Debug)]
enum Node {
    Cell { column: usize, kind: CellKind },
    Object(Vec<(String, Node)>),
    Array(BTreeMap<usize, Node>),
}

/// How a cell that is not empty is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Text,
    TextOrList,
    /// A number, a boolean, a list or an object if it is written like one, else text.
    Json,
}

/// One step of a column name.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl CsvMapping {
    /// Reads the header row.
    pub fn new(header: &StringRecord) -> Result<Self, HeaderError> {
        let (mut kind, mut id, mut source, mut time) = (None, None, None, None);
        let mut data = Node::Object(Vec::new());
        for (column, name) in header.iter().enumerate() {
            let name = name.trim();
            let attribute = match name {
                "type" => &mut kind,
                "id" => &mut id,
                "source" => &mut source,
                "time" => &mut time,
                _ => {
                    let steps = steps(name).ok_or_else(|| HeaderError::Name(name.to_owned()))?;
                    let kind = cell_kind(&steps);
                    data.insert(&steps, column, kind)
                        .ok_or_else(|| HeaderError::Conflict(name.to_owned()))?;
                    continue;
                }
            };
            if attribute.replace(column).is_some() {
                return Err(HeaderError::Conflict(name.to_owned()));
            }
        }
        Ok(Self { kind: kind.ok_or(HeaderError::NoType)?, id, source, time, data })
    }

    /// The event's `time` as written, if the row has one.
    pub fn time<'r>(&self, row: &'r StringRecord) -> Option<&'r str> {
        cell(row, self.time)
    }

    /// The row as one structured CloudEvent in JSON, without a line feed at its end. `id` and `source` are used where
    /// the row has none.
    pub fn event(&self, row: &StringRecord, id: &str, source: &str) -> Vec<u8> {
        let mut event = br#"{"specversion":"1.0","id":"#.to_vec();
        write_text(&mut event, cell(row, self.id).unwrap_or(id));
        event.extend_from_slice(br#","source":"#);
        write_text(&mut event, cell(row, self.source).unwrap_or(source));
        for (name, column) in [("type", Some(self.kind)), ("time", self.time)] {
            if let Some(value) = cell(row, column) {
                event.extend_from_slice(format!(",\"{name}\":").as_bytes());
                write_text(&mut event, value);
            }
        }
        event.extend_from_slice(br#","data":"#);
        if !self.data.write(row, &mut event) {
            event.extend_from_slice(b"{}");
        }
        event.push(b'}');
        event
    }
}

impl Node {
    /// Puts a column at the end of `steps`; `None` if something is there already.
    fn insert(&mut self, steps: &[Step<'_>], column: usize, kind: CellKind) -> Option<()> {
        let (first, rest) = steps.split_first()?;
        let fresh = || match rest.first() {
            None => Node::Cell { column, kind },
            Some(Step::Field(_)) => Node::Object(Vec::new()),
            Some(Step::Index(_)) => Node::Array(BTreeMap::new()),
        };
        let child = match (self, first) {
            (Node::Object(fields), Step::Field(name)) => {
                if !fields.iter().any(|(field, _)| field == name) {
                    fields.push(((*name).to_owned(), fresh()));
                    if rest.is_empty() {
                        return Some(());
                    }
                }
                fields.iter_mut().find(|(field, _)| field == name).map(|(_, child)| child)?
            }
            (Node::Array(elements), Step::Index(index)) => {
                if !elements.contains_key(index) {
                    elements.insert(*index, fresh());
                    if rest.is_empty() {
                        return Some(());
                    }
                }
                elements.get_mut(index)?
            }
            _ => return None,
        };
        child.insert(rest, column, kind)
    }

    /// Writes what the row has of this node; says `false`, and has written nothing, if that is nothing.
    fn write(&self, row: &StringRecord, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let close = match self {
            Node::Cell { column, kind } => {
                let Some(value) = cell(row, Some(*column)) else { return false };
                write_value(out, value, *kind);
                return true;
            }
            Node::Object(fields) => {
                out.push(b'{');
                for (name, child) in fields {
                    let before = out.len();
                    write_text(out, name);
                    out.push(b':');
                    if child.write(row, out) {
                        out.push(b',');
                    } else {
                        out.truncate(before);
                    }
                }
                b'}'
            }
            Node::Array(elements) => {
                out.push(b'[');
                for child in elements.values() {
                    if child.write(row, out) {
                        out.push(b',');
                    }
                }
                b']'
            }
        };
        if out.len() == start + 1 {
            out.truncate(start);
            return false;
        }
        // The last comma makes room for the bracket that closes.
        out.pop();
        out.push(close);
        true
    }
}

/// The steps of `lines[0].sku`; `None` if it is no such name.
fn steps(name: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in name.split('.') {
        let (field, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
        if field.is_empty() {
            return None;
        }
        steps.push(Step::Field(field));
        let mut brackets = brackets;
        while !brackets.is_empty() {
            let (index, rest) = brackets.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok().filter(|index| *index <= INDEX_MAX)?));
            brackets = rest;
        }
    }
    (steps.len() <= DEPTH_MAX).then_some(steps)
}

fn cell_kind(steps: &[Step<'_>]) -> CellKind {
    let is_element = matches!(steps.last(), Some(Step::Index(_)));
    let mut fields = steps.iter().rev().filter_map(|step| match step {
        Step::Field(name) => Some(*name),
        Step::Index(_) => None,
    });
    match fields.next() {
        Some(name) if TEXT_LIST_FIELDS.contains(&name) && !is_element => CellKind::TextOrList,
        Some(name) if TEXT_LIST_FIELDS.contains(&name) => CellKind::Text,
        Some(name) if name.ends_with("_id") || TEXT_FIELDS.contains(&name) => CellKind::Text,
        _ => CellKind::Json,
    }
}

fn cell(row: &StringRecord, column: Option<usize>) -> Option<&str> {
    row.get(column?).filter(|value| !value.is_empty())
}

fn write_value(out: &mut Vec<u8>, value: &str, kind: CellKind) {
    let as_written = match kind {
        CellKind::Text => false,
        CellKind::TextOrList => is_json_list(value),
        CellKind::Json => is_json_scalar(value) || is_json_list(value),
    };
    if as_written {
        out.extend_from_slice(value.as_bytes());
    } else {
        write_text(out, value);
    }
}

/// A number or a boolean just as JSON writes them: `007`, `+1`, `.5` and `NaN` are text.
fn is_json_scalar(value: &str) -> bool {
    let is_number = value.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && value.ends_with(|last: char| last.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(value).is_ok();
    is_number || value == "true" || value == "false"
}

/// A JSON array or object in a cell, as `skus`, `path` or `rates` need it.
fn is_json_list(value: &str) -> bool {
    value.starts_with(['[', '{'])
        && serde_json::from_str::<&RawValue>(value).is_ok_and(|raw| raw.get() == value)
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The event of one row under a header, read back by a JSON parser.
    fn check(header: &str, row: &str, expected: Value) {
        let record = |line: &str| {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            reader.records().next().unwrap().unwrap()
        };
        let mapping = CsvMapping::new(&record(header)).unwrap();
        let event = mapping.event(&record(row), "made-id", "replay/file");
        assert_eq!(
            serde_json::from_slice::<Value>(&event).unwrap(),
            expected,
            "{}",
            String::from_utf8_lossy(&event)
        );
    }

    #[test]
    fn columns_become_attributes_and_data() {
        check(
            "type,id,source,time,sku,location,quantity",
            "pos.sale,7,till,2026-01-02T03:04:05Z,0042,berlin,3.5",
            json!({"specversion": "1.0", "id": "7", "source": "till", "type": "pos.sale",
                   "time": "2026-01-02T03:04:05Z",
                   "data": {"sku": "0042", "location": "berlin", "quantity": 3.5}}),
        );
    }

    #[test]
    fn empty_cells_are_absent_and_missing_names_are_made() {
        check(
            "type,id,time,sku,channel,lines[0].sku",
            "order.placed,,,a,,",
            json!({"specversion": "1.0", "id": "made-id", "source": "replay/file", "type": "order.placed",
                   "data": {"sku": "a"}}),
        );
        check(
            "type,sku",
            "feed.test,",
            json!({"specversion": "1.0", "id": "made-id", "source": "replay/file", "type": "feed.test", "data": {}}),
        );
    }

    #[test]
    fn dots_and_brackets_nest() {
        check(
            "type,po_id,lines[0].line_id,lines[0].quantity,lines[2].line_id,scope.sku,a.b[1][0].c",
            "x,1,1,10,2,9,true",
            json!({"specversion": "1.0", "id": "made-id", "source": "replay/file", "type": "x",
                   "data": {"po_id": "1", "lines": [{"line_id": "1", "quantity": 10}, {"line_id": "2"}],
                            "scope": {"sku": "9"}, "a": {"b": [[{"c": true}]]}}}),
        );
    }

    #[test]
    fn numbers_stand_as_written_and_all_else_is_text() {
        let header = StringRecord::from(vec!["type", "quantity"]);
        let mapping = CsvMapping::new(&header).unwrap();
        for (cell, written) in [
            ("12.50", "12.50"),
            ("-3", "-3"),
            ("1e3", "1e3"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("007", "\"007\""),
            ("+1", "\"+1\""),
            ("1,5", "\"1,5\""),
            ("NaN", "\"NaN\""),
            (" 1", "\" 1\""),
            ("1 ", "\"1 \""),
            ("-", "\"-\""),
            ("a\"b", "\"a\\\"b\""),
            ("[\"a\",\"b\"]", "[\"a\",\"b\"]"),
            ("[oops", "\"[oops\""),
        ] {
            let event = mapping.event(&StringRecord::from(vec!["t", cell]), "i", "s");
            let expected = format!("\"data\":{{\"quantity\":{written}}}}}");
            assert!(event.ends_with(expected.as_bytes()), "{cell}: {}", String::from_utf8_lossy(&event));
        }
    }

    #[test]
    fn lists_of_names_stay_names() {
        check(
            "type,skus,locations[0],locations[1],sku",
            r#"x,"[""1"",""2""]",3,4,[]"#,
            json!({"specversion": "1.0", "id": "made-id", "source": "replay/file", "type": "x",
                   "data": {"skus": ["1", "2"], "locations": ["3", "4"], "sku": "[]"}}),
        );
    }

    #[test]
    fn a_header_that_makes_no_sense_is_refused() {
        let refused = |names: &[&str]| CsvMapping::new(&StringRecord::from(names.to_vec())).unwrap_err();
        assert_eq!(refused(&["sku", "quantity"]), HeaderError::NoType);
        assert_eq!(refused(&["type", "sku", "sku"]), HeaderError::Conflict("sku".into()));
        assert_eq!(refused(&["type", "a", "a.b"]), HeaderError::Conflict("a.b".into()));
        assert_eq!(refused(&["type", "a.b", "a"]), HeaderError::Conflict("a".into()));
        assert_eq!(refused(&["type", "a[0]", "a.b"]), HeaderError::Conflict("a.b".into()));
        for bad in ["", ".", "a.", "[0]", "a[", "a[x]", "a[0]b", "a[1000]"] {
            assert_eq!(refused(&["type", bad]), HeaderError::Name(bad.into()));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_cells_make_one_line_of_json_that_holds_them(cells in proptest::collection::vec(".*", 6)) {
            let header = ["type", "id", "sku", "lines[0].sku", "lines[0].quantity", "note"];
            let mapping = CsvMapping::new(&StringRecord::from(header.to_vec())).unwrap();
            let event = mapping.event(&StringRecord::from(cells.clone()), "made-id", "replay/file");
            proptest::prop_assert!(!event.contains(&b'\n'));
            let event: Value = serde_json::from_slice(&event).unwrap();
            let text = |cell: &str| if cell.is_empty() { Value::Null } else { json!(cell) };
            proptest::prop_assert_eq!(&event["type"], &text(&cells[0]));
            proptest::prop_assert_eq!(&event["data"]["sku"], &text(&cells[2]));
            proptest::prop_assert_eq!(&event["data"]["lines"][0]["sku"], &text(&cells[3]));
        }
    }
}
