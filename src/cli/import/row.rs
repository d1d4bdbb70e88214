//! From a row to events.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::cell::{CellError, Price, Style, WithoutTime, boolean};
use super::kinds::{Field, FieldType, Kind};
use super::mapping::Mapping;
use super::table::{Row, Table};
use crate::http::cloudevents::{Limits, Rejection, parse_event};

/// Longest part of a cell that a message repeats.
const SHOWN_CHARACTERS_MAX: usize = 40;
/// What separates the steps of a path, the first of them that occurs.
const PATH_SEPARATORS: [char; 4] = ['>', '|', '/', '\\'];

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    /// Empty if it is the row as such.
    pub column: String,
    pub detail: String,
}

/// What every row of one run goes by.
#[derive(Debug)]
pub struct Terms<'a> {
    /// `source` of the events.
    pub source: &'a str,
    /// Of dates that say none.
    pub zone: &'a TimeZone,
    /// Of prices that say none.
    pub currency: Option<&'a str>,
    /// Time of counts that say none; the tower's own clock without it.
    pub as_of: Option<&'a str>,
    /// The earliest moment of a count in the run. What left or came before it, a count knows already.
    pub counted_from: Option<&'a str>,
}

/// Makes the events of one table, row by row.
pub struct Rows<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    style: Style,
    terms: &'a Terms<'a>,
    /// Lines of documents that don't number them, so far.
    lines: HashMap<String, u32>,
}

/// The events of one row, each a structured CloudEvent; most rows are one.
pub type Events = Vec<String>;

impl<'a> Rows<'a> {
    pub fn new(table: &'a Table, mapping: &'a Mapping, style: Style, terms: &'a Terms<'a>) -> Self {
        let style = learn(table, mapping, style);
        Self { table, mapping, style, terms, lines: HashMap::new() }
    }

    /// The events of a row, checked as the tower checks them. Rows must be asked for in the table's order.
    ///
    /// # Errors
    /// Every fault of the row that is seen, with its column.
    pub fn events(&mut self, row: &Row) -> Result<Events, Vec<Fault>> {
        let mut fields = self.fields(row)?;
        let events = self.compose(row, &mut fields);
        let mut faults = Vec::new();
        for event in &events {
            if let Err(rejection) = parse_event(event.as_bytes(), &Limits::default()) {
                faults.extend(self.faults(row, &rejection));
            }
        }
        if faults.is_empty() { Ok(events) } else { Err(faults) }
    }

    /// The earliest moment of the table's counts that say one.
    pub fn counted_from(&self) -> Option<String> {
        let column = self.mapping.column("time").filter(|_| self.mapping.kind == Kind::Stock)?;
        let cells = self.table.rows.iter().filter_map(|row| row.cells.get(column));
        let moments =
            cells.filter_map(|cell| self.style.moment(cell, self.terms.zone, WithoutTime::Start).ok());
        moments
            .filter_map(|moment| Some((moment.parse::<jiff::Timestamp>().ok()?, moment)))
            .min()
            .map(|(_, text)| text)
    }

    /// The row's cells, by field.
    fn fields(&self, row: &Row) -> Result<Map<String, Value>, Vec<Fault>> {
        let mut fields = Map::new();
        let mut faults = Vec::new();
        let definition = self.mapping.kind.definition();
        for (field, column) in definition.fields.iter().zip(&self.mapping.columns) {
            let (cell, column) = match (*column, self.mapping.constants.get(field.name)) {
                (Some(column), _) => (row.cells.get(column).unwrap_or_default(), &*self.table.header[column]),
                (None, Some(constant)) => (constant.as_str(), field.name),
                (None, None) => continue,
            };
            let fault = |detail: String| Fault { line: row.line, column: column.to_owned(), detail };
            if cell.is_empty() {
                if field.required {
                    faults.push(fault("is empty".to_owned()));
                }
                continue;
            }
            match self.value(field, cell) {
                Ok((value, currency)) => {
                    fields.insert(field.name.to_owned(), value);
                    if let Some(currency) = currency
                        && definition.field("currency").is_some()
                    {
                        fields.entry("currency").or_insert_with(|| currency.into());
                    }
                }
                Err(error) => faults.push(fault(format!("`{}` {error}", shown(cell)))),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let priced =
            definition.fields.iter().any(|f| f.field_type == FieldType::Price && fields.contains_key(f.name));
        if let Some(currency) = self.terms.currency
            && priced
            && definition.field("currency").is_some()
        {
            fields.entry("currency").or_insert_with(|| currency.into());
        }
        Ok(fields)
    }

    fn value(&self, field: &Field, cell: &str) -> Result<(Value, Option<&'static str>), CellError> {
        let value = match field.field_type {
            FieldType::Text => cell.into(),
            FieldType::Number => self.style.number(cell)?.into(),
            FieldType::Whole => self.style.whole(cell)?.into(),
            FieldType::Price => {
                let Price { amount, currency } = self.style.price(cell)?;
                return Ok((amount.into(), currency));
            }
            FieldType::Moment(without_time) => self.style.moment(cell, self.terms.zone, without_time)?.into(),
            FieldType::Bool => boolean(cell)?.into(),
            FieldType::Path => path(cell),
        };
        // Coordinates and days are numbers only, quantities and money numbers or texts.
        Ok((
            if matches!(field.name, "lat" | "lon") || field.name.ends_with("_days") {
                as_number(value)
            } else {
                value
            },
            None,
        ))
    }

    fn compose(&mut self, row: &Row, fields: &mut Map<String, Value>) -> Events {
        let definition = self.mapping.kind.definition();
        let time = fields.remove("time");
        let event = |part: &str, event_type: &str, time: Option<Value>, data: Value| {
            // A sheet may be imported as several kinds.
            let id = format!("{}-{}-{}{part}", self.table.fingerprint, definition.name, row.line);
            let mut event = json!({"specversion": "1.0", "id": id, "source": self.terms.source, "type": event_type, "data": data});
            if let Some(time) = time {
                event["time"] = time;
            }
            event.to_string()
        };
        // Without a time these would count as of now, and so on top of a count that knows them.
        let before_counts = || self.terms.counted_from.map(Value::from);
        match self.mapping.kind {
            Kind::Sourcing => {
                let supplier = fields.remove("supplier");
                fields.insert("source".to_owned(), json!({"kind": "supplier", "id": supplier}));
                fields.entry("rank").or_insert_with(|| 1.into());
                vec![event("", definition.event_type, None, fields.clone().into())]
            }
            Kind::Stock => {
                let time = time.or_else(|| self.terms.as_of.map(Value::from));
                vec![event("", definition.event_type, time, fields.clone().into())]
            }
            Kind::Orders => {
                let shipped = fields.remove("shipped").filter(is_positive);
                number_line(&mut self.lines, "order_id", fields);
                let mut events = vec![event("", definition.event_type, time.clone(), fields.clone().into())];
                if let Some(quantity) = shipped {
                    let data = json!({"order_id": fields["order_id"], "line_id": fields["line_id"], "quantity": quantity});
                    events.push(event("-shipped", "order.shipped", time.or_else(before_counts), data));
                }
                events
            }
            Kind::PurchaseOrders => {
                let received = fields.remove("received").filter(is_positive);
                number_line(&mut self.lines, "po_id", fields);
                let mut data = Map::new();
                for name in ["po_id", "supplier", "currency"] {
                    if let Some(value) = fields.remove(name) {
                        data.insert(name.to_owned(), value);
                    }
                }
                let po_id = data["po_id"].clone();
                data.insert("lines".to_owned(), json!([fields]));
                let mut events = vec![event("", definition.event_type, time.clone(), data.into())];
                if let Some(quantity) = received {
                    let data = json!({"po_id": po_id, "line_id": fields["line_id"], "quantity": quantity});
                    events.push(event(
                        "-received",
                        "purchase_order.received",
                        time.or_else(before_counts),
                        data,
                    ));
                }
                events
            }
            _ => vec![event("", definition.event_type, time, fields.clone().into())],
        }
    }

    /// What the reader of events says, told by column.
    fn faults(&self, row: &Row, rejection: &Rejection) -> Vec<Fault> {
        let whole = |detail: &str| Fault { line: row.line, column: String::new(), detail: detail.to_owned() };
        if rejection.errors.is_empty() {
            return vec![whole(&rejection.detail)];
        }
        let told = rejection.errors.iter().map(|error| {
            let name = error
                .pointer
                .split('/')
                .rev()
                .find(|step| step.parse::<usize>().is_err())
                .unwrap_or_default();
            // The source of a sourcing is its supplier.
            let name = if self.mapping.kind == Kind::Sourcing && name == "id" { "supplier" } else { name };
            match self.mapping.column(name) {
                Some(column) => {
                    let cell = row.cells.get(column).unwrap_or_default();
                    Fault {
                        line: row.line,
                        column: self.table.header[column].clone(),
                        detail: format!("`{}` {}", shown(cell), error.detail),
                    }
                }
                None => whole(&format!("{name} {}", error.detail)),
            }
        });
        told.collect()
    }
}

/// A document's line without a number gets the next one of its document.
fn number_line(lines: &mut HashMap<String, u32>, document: &str, fields: &mut Map<String, Value>) {
    let id = fields.get(document).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = lines.entry(id).or_default();
    *number += 1;
    let number = number.to_string();
    fields.entry("line_id").or_insert_with(|| number.into());
}

/// What the cells of the whole table give away about how they are written.
fn learn(table: &Table, mapping: &Mapping, mut style: Style) -> Style {
    let columns = |wanted: fn(FieldType) -> bool| {
        let fields = mapping.kind.definition().fields.iter().zip(&mapping.columns);
        fields
            .filter(|(field, _)| wanted(field.field_type))
            .filter_map(|(_, column)| *column)
            .collect::<Vec<_>>()
    };
    let numbers = columns(|t| matches!(t, FieldType::Number | FieldType::Whole | FieldType::Price));
    let dates = columns(|t| matches!(t, FieldType::Moment(_)));
    for row in &table.rows {
        for cell in numbers.iter().filter_map(|column| row.cells.get(*column)) {
            style.learn_number(cell);
        }
        for cell in dates.iter().filter_map(|column| row.cells.get(*column)) {
            style.learn_date(cell);
        }
    }
    style
}

fn is_positive(quantity: &Value) -> bool {
    quantity.as_str().is_some_and(|text| text.parse::<f64>().is_ok_and(|number| number > 0.0))
}

fn as_number(value: Value) -> Value {
    let number = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    number.filter(Value::is_number).unwrap_or(value)
}

fn path(cell: &str) -> Value {
    let separator = PATH_SEPARATORS.into_iter().find(|separator| cell.contains(*separator));
    match separator {
        Some(separator) => cell.split(separator).map(str::trim).filter(|step| !step.is_empty()).collect(),
        None => json!([cell]),
    }
}

/// A cell as messages repeat it.
fn shown(cell: &str) -> String {
    if cell.chars().count() <= SHOWN_CHARACTERS_MAX {
        return cell.to_owned();
    }
    cell.chars().take(SHOWN_CHARACTERS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use csv::StringRecord;

    use super::super::mapping::Wishes;
    use super::*;

    fn events(kind: Kind, header: &[&str], rows: &[&[&str]]) -> Vec<Result<Vec<Value>, Vec<Fault>>> {
        let rows =
            rows.iter().zip(2..).map(|(cells, line)| Row { line, cells: StringRecord::from(cells.to_vec()) });
        let table = Table {
            path: "t.csv".into(),
            header: header.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.collect(),
            fingerprint: "f00d".to_owned(),
        };
        let mapping = Mapping::find(&table, Some(kind), &Wishes::default()).unwrap();
        let terms = Terms {
            source: "import/test",
            zone: &TimeZone::UTC,
            currency: Some("EUR"),
            as_of: None,
            counted_from: None,
        };
        let mut made = Rows::new(&table, &mapping, Style::default(), &terms);
        let read = |event: String| serde_json::from_str(&event).unwrap();
        table.rows.iter().map(|row| Ok(made.events(row)?.into_iter().map(read).collect())).collect()
    }

    #[test]
    fn an_item_with_its_prices_and_its_path() {
        let made = events(
            Kind::Items,
            &["SKU", "Category", "Cost", "Pack size"],
            &[&["A-1", "Food > Dairy", "1,20", "12"], &["A-2", "", "$3", ""]],
        );
        let first = &made[0].as_ref().unwrap()[0];
        assert_eq!((&first["id"], &first["type"]), (&json!("f00d-items-2"), &json!("item.described")));
        let data = json!({"sku": "A-1", "path": ["Food", "Dairy"], "unit_cost": "1.20", "currency": "EUR", "pack": "12"});
        assert_eq!(first["data"], data);
        let second = &made[1].as_ref().unwrap()[0];
        assert_eq!(second["data"], json!({"sku": "A-2", "unit_cost": "3", "currency": "USD"}));
    }

    #[test]
    fn order_lines_are_numbered_and_shipped() {
        let made = events(
            Kind::Orders,
            &["order_id", "sku", "location", "qty", "qty shipped", "due date", "order date"],
            &[
                &["O-1", "A", "L", "5", "2", "2026-03-02", "2026-03-01"],
                &["O-1", "B", "L", "1", "0", "", "2026-03-01"],
            ],
        );
        let first = made[0].as_ref().unwrap();
        assert_eq!(first[0]["data"]["line_id"], "1");
        assert_eq!(first[0]["data"]["promised_at"], "2026-03-02T23:59:59Z");
        assert_eq!(first[0]["time"], "2026-03-01T00:00:00Z");
        assert_eq!(first[1]["type"], "order.shipped");
        assert_eq!(first[1]["data"], json!({"order_id": "O-1", "line_id": "1", "quantity": "2"}));
        let second = made[1].as_ref().unwrap();
        assert_eq!((second.len(), &second[0]["data"]["line_id"]), (1, &json!("2")));
    }

    #[test]
    fn purchase_orders_and_sources_nest() {
        let made = events(
            Kind::PurchaseOrders,
            &["po", "sku", "location", "quantity", "supplier", "received"],
            &[&["P-1", "A", "L", "10", "acme", "4"]],
        );
        let made = made[0].as_ref().unwrap();
        assert_eq!(
            made[0]["data"]["lines"][0],
            json!({"sku": "A", "location": "L", "quantity": "10", "line_id": "1"})
        );
        assert_eq!(
            (&made[0]["data"]["supplier"], &made[1]["data"]["quantity"]),
            (&json!("acme"), &json!("4"))
        );
        let made =
            events(Kind::Sourcing, &["sku", "location", "vendor", "lead time"], &[&["A", "L", "acme", "7"]]);
        let data = &made[0].as_ref().unwrap()[0]["data"];
        assert_eq!(data["source"], json!({"kind": "supplier", "id": "acme"}));
        assert_eq!((&data["rank"], &data["lead_time_days"]), (&json!(1), &json!(7)));
    }

    #[test]
    fn faults_name_line_and_column() {
        let made = events(
            Kind::Stock,
            &["SKU", "Werk", "Bestand"],
            &[&["A", "", "12x"], &["A", "L", "1.23456"], &["..", "L", "1"]],
        );
        let told = |at: usize| -> Vec<String> {
            let faults = made[at].as_ref().unwrap_err().iter();
            faults.map(|fault| format!("{} {}: {}", fault.line, fault.column, fault.detail)).collect()
        };
        assert_eq!(told(0), ["2 Werk: is empty", "2 Bestand: `12x` is not a number"]);
        assert!(told(1)[0].starts_with("3 Bestand: `1.23456` "), "{:?}", told(1));
        assert!(told(2)[0].starts_with("4 SKU: `..` "), "{:?}", told(2));
    }
}
