//! Query parameters: positions to wait for, limits, cursors, sorting, filters.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, code};
use super::state::AppState;
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::runtime::Running;

/// A request's parameters; a repeated one has several values.
#[derive(Debug, Default)]
pub struct Query {
    values: BTreeMap<String, Vec<String>>,
}

/// Most parameters of one request.
const PARAMETERS_MAX: usize = 200;
/// `limit` when nothing is said.
const LIMIT_DEFAULT: usize = 100;

impl Query {
    /// Reads a query string; `known` are the parameters that the route has.
    ///
    /// # Errors
    /// `bad_parameter` for one it does not have, or for what is no query string.
    pub fn parse(text: &str, known: &[&str]) -> Result<Query, Problem> {
        let pairs: Vec<(String, String)> = actix_web::web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| bad(format!("the query string can't be read: {error}")))?
            .into_inner();
        if pairs.len() > PARAMETERS_MAX {
            return Err(bad(format!("more than {PARAMETERS_MAX} parameters")));
        }
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(bad(format!("`{name}` is no parameter here; there are: {}", known.join(", "))));
            }
            values.entry(name).or_default().push(value);
        }
        Ok(Query { values })
    }

    /// All values of a filter; empty when it is not set.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The one value of a parameter.
    ///
    /// # Errors
    /// `bad_parameter` if it is repeated.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.all(name) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(bad(format!("`{name}` can be given once"))),
        }
    }

    /// Whether a filter lets a value pass: it is not set, or names it.
    pub fn admits(&self, name: &str, value: &str) -> bool {
        let allowed = self.all(name);
        allowed.is_empty() || allowed.iter().any(|allowed| allowed == value)
    }

    /// A filter's values read as names of something.
    ///
    /// # Errors
    /// `bad_parameter` for a name that is none.
    pub fn names<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Problem> {
        self.all(name)
            .iter()
            .map(|value| read(value).ok_or_else(|| bad(format!("`{value}` is no {name}"))))
            .collect()
    }

    /// `limit`.
    ///
    /// # Errors
    /// `bad_parameter` outside 1 to `max`.
    pub fn limit(&self, max: usize) -> Result<usize, Problem> {
        match self.one("limit")? {
            None => Ok(LIMIT_DEFAULT.min(max)),
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
                _ => Err(bad(format!("`limit` is a number from 1 to {max}"))),
            },
        }
    }

    /// `true` or `false`, by default the latter.
    ///
    /// # Errors
    /// `bad_parameter` for anything else.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        self.known_flag(name).map(|flag| flag.unwrap_or(false))
    }

    /// `true` or `false`, if it is given.
    ///
    /// # Errors
    /// `bad_parameter` for anything else.
    pub fn known_flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.one(name)? {
            None => Ok(None),
            Some("false") => Ok(Some(false)),
            Some("true") => Ok(Some(true)),
            Some(_) => Err(bad(format!("`{name}` is true or false"))),
        }
    }

    /// `sort=field` or `sort=-field` among `fields`.
    ///
    /// # Errors
    /// `bad_parameter` for another field.
    pub fn sort(&self, fields: &[&'static str], default: Sort) -> Result<Sort, Problem> {
        let Some(text) = self.one("sort")? else { return Ok(default) };
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        match fields.iter().find(|field| **field == name) {
            Some(field) => Ok(Sort { field, descending, is_ranked: false }),
            None => {
                Err(bad(format!("`sort` is one of {}, with `-` in front for descending", fields.join(", "))))
            }
        }
    }

    /// `cursor`, which must have come from a list with the same sorting.
    ///
    /// # Errors
    /// `bad_parameter` for a cursor of another list or none at all.
    pub fn cursor(&self, sort: Sort) -> Result<Option<Cursor>, Problem> {
        let Some(text) = self.one("cursor")? else { return Ok(None) };
        let cursor =
            Cursor::decode(text).ok_or_else(|| bad("`cursor` is not one that a list gave".to_owned()))?;
        if cursor.field != sort.field || cursor.descending != sort.descending {
            return Err(bad("`cursor` belongs to a list that was sorted otherwise".to_owned()));
        }
        Ok(Some(cursor))
    }

    /// Waits for what `at_least` and `settled` ask for; without them for what frames may have shown by now, so that who
    /// reads what a frame named finds it.
    ///
    /// # Errors
    /// `bad_parameter`, or `not_yet_applied` after the time that reads may wait.
    pub async fn wait(&self, state: &AppState, running: &Running) -> Result<(), Problem> {
        let settled = self.flag("settled")?;
        let Some(text) = self.one("at_least")? else {
            if settled {
                let last = running.progress.durable();
                return wait_for(state, running, last, true).await;
            }
            // Whoever asked for nothing gets what there is after a moment: a busy tower still answers.
            running.progress.wait_applied(running.progress.dispatched(), CATCH_UP_MAX).await;
            return Ok(());
        };
        let lsn = parse_lsn(text, running)?;
        wait_for(state, running, lsn, settled).await
    }
}

/// How long a read that asks for no LSN waits for the shards to apply what the feed has shown already.
const CATCH_UP_MAX: Duration = Duration::from_millis(250);

fn parse_lsn(text: &str, running: &Running) -> Result<Lsn, Problem> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let lsn = text.parse::<u64>().ok().filter(|lsn| *lsn < 1 << 53);
        return lsn.map(Lsn).ok_or_else(|| bad("`at_least` is beyond any LSN".to_owned()));
    }
    running
        .parse_position(text)
        .ok_or_else(|| bad("`at_least` is neither an LSN nor a position of this journal".to_owned()))
}

async fn wait_for(state: &AppState, running: &Running, lsn: Lsn, settled: bool) -> Result<(), Problem> {
    let within = state.read_timeout();
    let done = if settled {
        running.progress.wait_settled(lsn, within).await
    } else {
        running.progress.wait_applied(lsn, within).await
    };
    if done {
        return Ok(());
    }
    let applied = running.progress.applied();
    Err(Problem::new(&code::NOT_YET_APPLIED)
        .detail(format!("{lsn} was asked for; {applied} is applied"))
        .retry_after_s(state.retry_after_s()))
}

/// How a list is sorted; ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub field: &'static str,
    pub descending: bool,
    /// What has no such value is ranked by what stands in for it; whoever names a field gets these by id.
    pub is_ranked: bool,
}

impl Sort {
    /// Ascending by a field.
    pub const fn by(field: &'static str) -> Sort {
        Sort { field, descending: false, is_ranked: false }
    }

    /// Descending by a field.
    pub const fn descending(field: &'static str) -> Sort {
        Sort { field, descending: true, is_ranked: false }
    }

    /// The same, with what has no such value ranked by what stands in for it.
    pub const fn ranked(self) -> Sort {
        Sort { is_ranked: true, ..self }
    }
}

/// A value that lists are sorted by. Unknown values come last, whichever way the list is sorted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortValue {
    Number(f64),
    Text(String),
    Unknown(()),
}

impl SortValue {
    /// A moment, unless it is unknown.
    pub fn time(time: Option<Timestamp>) -> SortValue {
        SortValue::number(time.map(|time| time.micros() as f64))
    }

    /// A text, unless it is unknown.
    pub fn text(text: Option<&str>) -> SortValue {
        text.map_or(SortValue::Unknown(()), |text| SortValue::Text(text.to_owned()))
    }

    /// A number, unless it is unknown.
    pub fn number(value: Option<f64>) -> SortValue {
        value.filter(|value| value.is_finite()).map_or(SortValue::Unknown(()), SortValue::Number)
    }

    /// The value that a JSON item has there.
    pub fn of_json(value: &serde_json::Value) -> SortValue {
        match value {
            serde_json::Value::Number(number) => SortValue::number(number.as_f64()),
            serde_json::Value::String(text) => SortValue::Text(text.clone()),
            serde_json::Value::Bool(flag) => SortValue::Number(f64::from(u8::from(*flag))),
            // Money: the amount is a decimal string.
            serde_json::Value::Object(map) => {
                SortValue::number(map.get("amount").and_then(|a| a.as_str()).and_then(|a| a.parse().ok()))
            }
            serde_json::Value::Null | serde_json::Value::Array(_) => SortValue::Unknown(()),
        }
    }
}

/// Where a list goes on: after this value and id. Valid while things change, since it names no place in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    field: String,
    descending: bool,
    pub value: SortValue,
    /// See [`Sort::is_ranked`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ranked: bool,
    /// What ranked it among those whose value is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<f64>,
    pub id: String,
    /// When the first page was read, where the value moves with time: all pages are sorted as of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<i64>,
}

impl Cursor {
    /// After that item.
    pub fn after(sort: Sort, value: SortValue, id: String) -> Cursor {
        let Sort { field, descending, is_ranked } = sort;
        Cursor { field: field.to_owned(), descending, value, is_ranked, stand_in: None, id, as_of: None }
    }

    /// The same of an item whose value, if it is unknown, is stood in for by that number.
    pub fn ranked_by(self, stand_in: Option<f64>) -> Cursor {
        Cursor { stand_in, ..self }
    }

    /// The same of a list that is as of that moment.
    pub fn read_at(self, moment: Timestamp) -> Cursor {
        Cursor { as_of: Some(moment.micros()), ..self }
    }

    /// As an opaque token.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// The order of two items in a list.
pub fn compare(sort: Sort, a: (&SortValue, &str), b: (&SortValue, &str)) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let by_value = match (a.0, b.0) {
        (SortValue::Unknown(()), SortValue::Unknown(())) => Ordering::Equal,
        (SortValue::Unknown(()), _) => return Ordering::Greater,
        (_, SortValue::Unknown(())) => return Ordering::Less,
        (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(b),
        (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
        (SortValue::Number(_), SortValue::Text(_)) => Ordering::Less,
        (SortValue::Text(_), SortValue::Number(_)) => Ordering::Greater,
    };
    let by_value = if sort.descending { by_value.reverse() } else { by_value };
    by_value.then_with(|| a.1.cmp(b.1))
}

/// An item with the value that it is sorted by, and its id.
pub type Sortable<T> = (SortValue, String, T);

/// Skips what the cursor has passed and keeps the first `max`, in no order.
pub fn keep_first<T>(items: &mut Vec<Sortable<T>>, sort: Sort, cursor: Option<&Cursor>, max: usize) {
    if let Some(cursor) = cursor {
        items.retain(|(value, id, _)| compare(sort, (value, id), (&cursor.value, &cursor.id)).is_gt());
    }
    if items.len() > max {
        items.select_nth_unstable_by(max, |a, b| compare(sort, (&a.0, &a.1), (&b.0, &b.1)));
        items.truncate(max);
    }
}

/// Sorts, skips what the cursor has passed, and cuts a page; also says where the next one begins.
pub fn page<T>(
    items: Vec<Sortable<T>>,
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
) -> (Vec<T>, Option<String>) {
    let (items, next) = page_and_cursor(items, sort, cursor, limit);
    (items, next.map(|next| next.encode()))
}

/// The same with the cursor itself.
pub fn page_and_cursor<T>(
    mut items: Vec<Sortable<T>>,
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
) -> (Vec<T>, Option<Cursor>) {
    // One more than the page says whether there is another one.
    keep_first(&mut items, sort, cursor, limit + 1);
    items.sort_unstable_by(|a, b| compare(sort, (&a.0, &a.1), (&b.0, &b.1)));
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next = last.map(|(value, id, _)| Cursor::after(sort, value.clone(), id.clone()));
    (items.into_iter().map(|(_, _, item)| item).collect(), next)
}

fn bad(detail: String) -> Problem {
    Problem::new(&code::BAD_PARAMETER).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(values: &[Option<f64>]) -> Vec<(SortValue, String, usize)> {
        values.iter().enumerate().map(|(i, v)| (SortValue::number(*v), format!("{i:03}"), i)).collect()
    }

    #[test]
    fn pages_visit_every_item_once_in_order() {
        let values: Vec<Option<f64>> =
            (0..57).map(|i| (i % 7 != 0).then_some(f64::from(i * 31 % 10))).collect();
        for sort in [Sort::by("x"), Sort::descending("x")] {
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let (page, next) = page(items(&values), sort, cursor.as_ref(), 10);
                seen.extend(page);
                match next {
                    None => break,
                    Some(token) => cursor = Cursor::decode(&token),
                }
            }
            let mut sorted = seen.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..57).collect::<Vec<_>>(), "each once");
            assert!(seen[48..].iter().all(|i| i % 7 == 0), "unknown values last");
        }
    }

    #[test]
    fn an_item_that_is_removed_does_not_break_the_cursor() {
        let (first, next) = page(items(&[Some(1.0), Some(2.0), Some(3.0)]), Sort::by("x"), None, 1);
        assert_eq!(first, [0]);
        let cursor = Cursor::decode(&next.unwrap()).unwrap();
        let without_first = items(&[Some(1.0), Some(2.0), Some(3.0)]).split_off(1);
        assert_eq!(page(without_first, Sort::by("x"), Some(&cursor), 1).0, [1]);
    }
}
