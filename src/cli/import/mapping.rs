//! Which column of a table is which field: guessed from the names, or said.

use std::collections::BTreeMap;
use std::path::Path;

use super::kinds::{Definition, KINDS, Kind};
use super::table::Table;

/// How alike two names must be (Jaro-Winkler) to be taken for the same; below, a person has to say it.
const ALIKE_MIN: f64 = 0.93;
/// Shorter names are alike by chance.
const ALIKE_LENGTH_MIN: usize = 5;

/// What was said about the columns: by kind and field, the name of the column. An empty name: none.
pub type Said = BTreeMap<String, BTreeMap<String, String>>;

/// What a person said about the tables.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Which column is which field.
    pub columns: Said,
    /// What stands in every row of a field, by kind and field.
    pub constants: Said,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MappingError {
    #[error(
        "{file}: which kind of table is this? Say it, as in --kind stock or stock={file}. Kinds: {kinds}"
    )]
    WhichKind { file: String, kinds: String },
    #[error(
        "{file} as {kind}: no column for {missing}. Its columns: {columns}. Say which, as in --map {kind}.{first}=COLUMN"
    )]
    Missing { file: String, kind: &'static str, missing: String, first: &'static str, columns: String },
    #[error("{file} has no column `{column}` for {kind}.{field}. Its columns: {columns}")]
    NoColumn { file: String, column: String, kind: &'static str, field: String, columns: String },
    #[error("`{kind}` is no kind of table. Kinds: {kinds}")]
    NoKind { kind: String, kinds: String },
    #[error("{kind} has no field `{field}`. Its fields: {fields}")]
    NoField { kind: &'static str, field: String, fields: String },
    #[error("`{0}`: write KIND.FIELD=…, as in --map stock.on_hand=Bestand or --set orders.location=WEB")]
    Form(String),
    #[error("the mapping file {file}: {cause}")]
    File { file: String, cause: String },
}

/// The columns of one table.
#[derive(Debug, PartialEq, Eq)]
pub struct Mapping {
    pub kind: Kind,
    /// The column of each field of the kind, in the order of its fields.
    pub columns: Vec<Option<usize>>,
    /// What stands in every row, by field, where there is no column.
    pub constants: BTreeMap<String, String>,
}

/// A name as it is compared: small letters and digits.
fn plain(name: &str) -> String {
    let folded =
        name.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

pub fn kind_names() -> String {
    KINDS.iter().map(|definition| definition.name).collect::<Vec<_>>().join(", ")
}

/// The kind with that name; hyphens do as well as underscores.
///
/// # Errors
/// [`MappingError::NoKind`].
pub fn kind_named(name: &str) -> Result<Kind, MappingError> {
    let wanted = name.trim().replace('-', "_");
    let found = KINDS.iter().find(|definition| definition.name == wanted);
    found
        .map(|definition| definition.kind)
        .ok_or_else(|| MappingError::NoKind { kind: name.to_owned(), kinds: kind_names() })
}

/// Adds `KIND.FIELD=…` to what was said.
///
/// # Errors
/// When it is not of that form, or there is no such kind or field.
pub fn say(said: &mut Said, text: &str) -> Result<(), MappingError> {
    let form = || MappingError::Form(text.to_owned());
    let (name, column) = text.split_once('=').ok_or_else(form)?;
    let (kind, field) = name.split_once('.').ok_or_else(form)?;
    let definition = kind_named(kind)?.definition();
    check_field(definition, field.trim())?;
    said.entry(definition.name.to_owned()).or_default().insert(field.trim().to_owned(), column.to_owned());
    Ok(())
}

/// Reads a mapping file: a TOML section per kind, `field = "column"`.
///
/// # Errors
/// When it can't be read, or names what there is not.
pub fn read_said(path: &Path) -> Result<Said, MappingError> {
    let fail = |cause: String| MappingError::File { file: path.display().to_string(), cause };
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let said: Said = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
    for (kind, fields) in &said {
        let definition = kind_named(kind)?.definition();
        for field in fields.keys() {
            check_field(definition, field)?;
        }
    }
    Ok(said)
}

fn check_field(definition: &'static Definition, field: &str) -> Result<(), MappingError> {
    if definition.field(field).is_some() {
        return Ok(());
    }
    let fields = definition.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
    Err(MappingError::NoField { kind: definition.name, field: field.to_owned(), fields })
}

impl Mapping {
    /// The mapping of a table: what was said, and guesses for the rest. Without a kind, that is guessed too, from the
    /// file's name and its columns.
    ///
    /// # Errors
    /// When the kind can't be told, a required field has no column, or what was said does not fit the table.
    pub fn find(table: &Table, kind: Option<Kind>, wishes: &Wishes) -> Result<Self, MappingError> {
        let kind = match kind {
            Some(kind) => kind,
            None => guess_kind(table, wishes)?,
        };
        let definition = kind.definition();
        let constants = wishes.constants.get(definition.name).cloned().unwrap_or_default();
        let columns = columns(table, definition, wishes)?;
        let fields = definition.fields.iter().zip(&columns);
        let missing: Vec<&'static str> = fields
            .filter(|(field, column)| {
                field.required && column.is_none() && !constants.contains_key(field.name)
            })
            .map(|(field, _)| field.name)
            .collect();
        match missing.first() {
            None => Ok(Self { kind, columns, constants }),
            Some(first) => Err(MappingError::Missing {
                file: table.file_name(),
                kind: definition.name,
                missing: missing.join(", "),
                first,
                columns: table.header.join(", "),
            }),
        }
    }

    /// The column of a field, by the field's name.
    pub fn column(&self, field: &str) -> Option<usize> {
        let at = self.kind.definition().fields.iter().position(|known| known.name == field)?;
        self.columns[at]
    }

    /// What this mapping says, to be kept in a file.
    pub fn say(&self, table: &Table, said: &mut Said) {
        let definition = self.kind.definition();
        let section = said.entry(definition.name.to_owned()).or_default();
        for (field, column) in definition.fields.iter().zip(&self.columns) {
            section.insert(
                field.name.to_owned(),
                column.map_or_else(String::new, |at| table.header[at].clone()),
            );
        }
    }
}

fn columns(
    table: &Table,
    definition: &'static Definition,
    wishes: &Wishes,
) -> Result<Vec<Option<usize>>, MappingError> {
    let header: Vec<String> = table.header.iter().map(|name| plain(name)).collect();
    let mut taken = vec![false; header.len()];
    let mut columns = vec![None; definition.fields.len()];
    let mut settled = vec![false; definition.fields.len()];
    let said = wishes.columns.get(definition.name);
    let constants = wishes.constants.get(definition.name);
    for (at, field) in definition.fields.iter().enumerate() {
        if constants.is_some_and(|constants| constants.contains_key(field.name)) {
            settled[at] = true;
            continue;
        }
        let Some(wanted) = said.and_then(|said| said.get(field.name)) else { continue };
        settled[at] = true;
        if wanted.is_empty() {
            continue;
        }
        let column =
            table.header.iter().position(|name| name == wanted).ok_or_else(|| MappingError::NoColumn {
                file: table.file_name(),
                column: wanted.clone(),
                kind: definition.name,
                field: field.name.to_owned(),
                columns: table.header.join(", "),
            })?;
        taken[column] = true;
        columns[at] = Some(column);
    }
    // The field's own name first, for all fields; then what others call it; then what looks like it.
    let own = |field: usize, name: &str| name == plain(definition.fields[field].name);
    let alias = |field: usize, name: &str| definition.fields[field].aliases.contains(&name);
    let alike = |field: usize, name: &str| {
        let field = &definition.fields[field];
        let like =
            |known: &str| known.len() >= ALIKE_LENGTH_MIN && strsim::jaro_winkler(known, name) >= ALIKE_MIN;
        name.len() >= ALIKE_LENGTH_MIN
            && (like(&plain(field.name)) || field.aliases.iter().any(|known| like(known)))
    };
    let mut find = |is_it: &dyn Fn(usize, &str) -> bool| {
        for at in 0..definition.fields.len() {
            if settled[at] {
                continue;
            }
            let found = (0..header.len()).find(|column| !taken[*column] && is_it(at, &header[*column]));
            if let Some(column) = found {
                taken[column] = true;
                settled[at] = true;
                columns[at] = Some(column);
            }
        }
    };
    find(&own);
    find(&alias);
    find(&alike);
    Ok(columns)
}

/// The kind that the file's name tells, else the one kind whose required fields all have a column, if there is one with
/// more columns than any other.
fn guess_kind(table: &Table, wishes: &Wishes) -> Result<Kind, MappingError> {
    let which = || MappingError::WhichKind { file: table.file_name(), kinds: kind_names() };
    let stem = table.file_name().to_lowercase();
    let stem = stem.split('.').next().unwrap_or_default();
    let words: Vec<&str> = stem.split(|c: char| !c.is_alphabetic()).collect();
    let whole = plain(stem);
    let by_name: Vec<Kind> = KINDS
        .iter()
        .filter(|definition| {
            plain(definition.name) == whole
                || definition.file_words.iter().any(|word| *word == whole || words.contains(word))
        })
        .map(|definition| definition.kind)
        .collect();
    // `purchase_orders` also has the word `orders`: the longer name counts.
    if let Some(kind) = by_name.iter().find(|kind| whole.contains(&plain(kind.definition().name))) {
        return Ok(*kind);
    }
    if let [kind] = by_name[..] {
        return Ok(kind);
    }
    let mut fitting = Vec::new();
    for definition in &KINDS {
        // What was said for one kind does not concern the others.
        let columns = columns(table, definition, wishes).unwrap_or_default();
        let constants = wishes.constants.get(definition.name);
        let complete = !columns.is_empty()
            && definition.fields.iter().zip(&columns).all(|(field, column)| {
                let is_said = constants.is_some_and(|constants| constants.contains_key(field.name));
                !field.required || column.is_some() || is_said
            });
        if complete {
            fitting.push((columns.iter().flatten().count(), definition.kind));
        }
    }
    fitting.sort_unstable();
    match fitting[..] {
        [.., (second, _), (first, _)] if first == second => Err(which()),
        [.., (_, kind)] => Ok(kind),
        [] => Err(which()),
    }
}

#[cfg(test)]
mod tests {
    use csv::StringRecord;

    use super::super::table::Row;
    use super::*;

    fn table(file: &str, header: &[&str]) -> Table {
        Table {
            path: file.into(),
            header: header.iter().map(|name| (*name).to_owned()).collect(),
            rows: vec![Row { line: 2, cells: StringRecord::from(vec![""; header.len()]) }],
            fingerprint: String::new(),
        }
    }

    fn guessed(file: &str, header: &[&str]) -> Vec<(&'static str, String)> {
        let table = table(file, header);
        let mapping = Mapping::find(&table, None, &Wishes::default()).unwrap();
        let definition = mapping.kind.definition();
        let fields = definition.fields.iter().zip(&mapping.columns);
        let mapped = fields.filter_map(|(field, at)| Some((field.name, table.header[(*at)?].clone())));
        std::iter::once((definition.name, String::new())).chain(mapped).collect()
    }

    #[test]
    fn columns_of_many_systems_are_found() {
        let owned = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            pairs.iter().map(|(field, column)| (*field, (*column).to_owned())).collect()
        };
        assert_eq!(
            guessed("Bestand 2026-11.csv", &["Artikel-Nr.", "Werk", "Bestand", "Regal"]),
            owned(&[("stock", ""), ("sku", "Artikel-Nr."), ("location", "Werk"), ("on_hand", "Bestand")])
        );
        assert_eq!(
            guessed("MARA_EXPORT.csv", &["MATNR", "MAKTX", "MEINS"]),
            owned(&[("items", ""), ("sku", "MATNR"), ("name", "MAKTX"), ("uom", "MEINS")])
        );
        assert_eq!(
            guessed(
                "open_purchase_orders.csv",
                &["PO Number", "SKU", "Warehouse", "Qty", "Vendor", "Due date"]
            )[0]
            .0,
            "purchase_orders"
        );
        assert_eq!(
            guessed("export.csv", &["order_id", "sku", "location", "quantity", "customer"])[0].0,
            "orders",
            "by its columns alone"
        );
        assert_eq!(
            guessed("x.csv", &["Quantitty on hand", "SKU", "store"])[0].0,
            "stock",
            "a slip of the pen"
        );
    }

    #[test]
    fn what_cannot_be_told_is_asked() {
        let error = Mapping::find(&table("x.csv", &["a", "b"]), None, &Wishes::default()).unwrap_err();
        assert!(matches!(error, MappingError::WhichKind { .. }));
        let error =
            Mapping::find(&table("x.csv", &["sku", "n"]), Some(Kind::Stock), &Wishes::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.csv as stock: no column for location, on_hand. Its columns: sku, n. Say which, as in --map \
             stock.location=COLUMN"
        );
    }

    #[test]
    fn what_is_said_comes_before_what_is_guessed() {
        let table = table("stock.csv", &["sku", "location", "on_hand", "free"]);
        let mut wishes = Wishes::default();
        say(&mut wishes.columns, "stock.on_hand=free").unwrap();
        say(&mut wishes.columns, "stock.time=").unwrap();
        let mapping = Mapping::find(&table, None, &wishes).unwrap();
        assert_eq!((mapping.column("on_hand"), mapping.column("time")), (Some(3), None));
        say(&mut wishes.columns, "stock.on_hand=Free").unwrap();
        assert!(matches!(Mapping::find(&table, None, &wishes), Err(MappingError::NoColumn { .. })));
        assert!(matches!(say(&mut wishes.columns, "stock.onhand=x"), Err(MappingError::NoField { .. })));
        assert!(matches!(say(&mut wishes.columns, "stok.on_hand=x"), Err(MappingError::NoKind { .. })));
        assert!(matches!(say(&mut wishes.columns, "on_hand"), Err(MappingError::Form(_))));
    }

    #[test]
    fn what_no_column_says_can_stand_in_every_row() {
        let table = table("orders.csv", &["Name", "Lineitem sku", "Lineitem quantity"]);
        let mut wishes = Wishes::default();
        say(&mut wishes.columns, "orders.order_id=Name").unwrap();
        assert!(matches!(Mapping::find(&table, None, &wishes), Err(MappingError::Missing { .. })));
        say(&mut wishes.constants, "orders.location=WEB").unwrap();
        let mapping = Mapping::find(&table, None, &wishes).unwrap();
        assert_eq!((mapping.column("order_id"), mapping.column("location")), (Some(0), None));
        assert_eq!(mapping.constants["location"], "WEB");
    }

    #[test]
    fn a_kept_mapping_finds_the_same_columns() {
        let table = table("Bestand.csv", &["Artikelnummer", "Lager", "Menge"]);
        let found = Mapping::find(&table, None, &Wishes::default()).unwrap();
        let mut said = Said::new();
        found.say(&table, &mut said);
        let text = toml::to_string(&said).unwrap();
        let read: Said = toml::from_str(&text).unwrap();
        assert_eq!(
            Mapping::find(&table, Some(Kind::Stock), &Wishes { columns: read, constants: Said::new() })
                .unwrap(),
            found
        );
    }
}
