//! What people write into cells: numbers with points or commas, prices with currencies, dates in the order of their
//! country.
//!
//! A cell that can be read in two ways is never read in one of them by chance: the other cells of the file decide, and
//! where they don't, the person has to.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Which sign separates the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Decimal {
    Point,
    Comma,
}

/// The order of a date's parts where slashes or hyphens separate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DateOrder {
    /// 31/12/2026
    Dmy,
    /// 12/31/2026
    Mdy,
}

/// How the cells of a file are to be read: what was said, or what its own cells give away.
#[derive(Debug, Clone, Default)]
pub struct Style {
    pub decimal: Option<Decimal>,
    pub dates: Option<DateOrder>,
}

/// Which moment a date without a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutTime {
    /// The first moment of the day: something happened then.
    Start,
    /// The last second of the day: something is due then.
    End,
}

/// Why a cell can't be used; reads after "the cell `…`".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    #[error("is not a number")]
    NotANumber,
    #[error("is either {0} or {1}: say which with --decimal point or --decimal comma")]
    WhichDecimal(String, String),
    #[error("is not a number where {0}")]
    OtherDecimal(&'static str),
    #[error("is not a whole number")]
    NotWhole,
    #[error("is not a date: use 2026-12-31, 31.12.2026 or 20261231, with a time after it if there is one")]
    NotADate,
    #[error("may be day/month or month/day: say which with --dates dmy or --dates mdy")]
    WhichDate,
    #[error("is neither yes nor no")]
    NotABool,
    #[error("is not one of {0}")]
    NotAChoice(String),
}

/// A price and the currency that stands beside it in the cell.
#[derive(Debug, PartialEq, Eq)]
pub struct Price {
    /// A decimal number with a point.
    pub amount: String,
    pub currency: Option<&'static str>,
}

/// Signs and codes that people write beside a price.
const CURRENCIES: [(&str, &str); 10] = [
    ("EUR", "EUR"),
    ("USD", "USD"),
    ("GBP", "GBP"),
    ("CHF", "CHF"),
    ("PLN", "PLN"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("€", "EUR"),
    ("£", "GBP"),
];

/// What one cell's separators say about the decimal sign, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// No separator at all.
    None,
    Sure(Decimal),
    /// One separator with three digits after it: `1,234`.
    Either(Decimal),
}

/// A number's digits and separators, without spaces and apostrophes, which only ever separate thousands.
fn bare(cell: &str) -> Option<String> {
    let bare: String = cell
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '\u{a0}' | '\u{202f}'))
        .collect();
    let digits = bare.strip_prefix(['-', '+']).unwrap_or(&bare);
    let well_formed = digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    well_formed.then_some(bare)
}

fn evidence(bare: &str) -> Evidence {
    let count = |sign| bare.matches(sign).count();
    let after = |sign| bare.rsplit(sign).next().map_or(0, str::len);
    let one_kind = |sign, decimal, other| match (count(sign), after(sign)) {
        (1, 3) if !bare.trim_start_matches(['-', '+']).starts_with(['0', sign]) => Evidence::Either(decimal),
        (1, _) => Evidence::Sure(decimal),
        // Twice the same sign separates thousands.
        _ => Evidence::Sure(other),
    };
    match (count('.'), count(',')) {
        (0, 0) => Evidence::None,
        (_, 0) => one_kind('.', Decimal::Point, Decimal::Comma),
        (0, _) => one_kind(',', Decimal::Comma, Decimal::Point),
        _ if bare.rfind('.') > bare.rfind(',') => Evidence::Sure(Decimal::Point),
        _ => Evidence::Sure(Decimal::Comma),
    }
}

/// A number as written with that decimal sign, in digits and a point; `None` if its thousands are not in threes.
fn written(bare: &str, decimal: Decimal) -> Option<String> {
    let (sign, thousands) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, fraction) = match bare.split_once(sign) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (bare, None),
    };
    if fraction.is_some_and(|fraction| !fraction.chars().all(|c| c.is_ascii_digit())) {
        return None;
    }
    let mut groups = whole.split(thousands);
    let first = groups.next()?;
    let mut digits = first.strip_prefix('+').unwrap_or(first).to_owned();
    let mut grouped = false;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        grouped = true;
        digits.push_str(group);
    }
    if grouped && first.trim_start_matches(['-', '+']).len() > 3 {
        return None;
    }
    if matches!(digits.as_str(), "" | "-") {
        digits.push('0');
    }
    match fraction {
        None | Some("") => Some(digits),
        Some(fraction) => Some(format!("{digits}.{fraction}")),
    }
}

impl Style {
    /// Learns the file's decimal sign from a number cell that can only be read in one way. The first such cell counts.
    pub fn learn_number(&mut self, cell: &str) {
        if self.decimal.is_none()
            && let Some(Evidence::Sure(decimal)) = bare(split_currency(cell).0).map(|bare| evidence(&bare))
        {
            self.decimal = Some(decimal);
        }
    }

    /// Learns the order of days and months from a date that can only be read in one way.
    pub fn learn_date(&mut self, cell: &str) {
        if self.dates.is_none()
            && let Some((first, second, _)) = slashed(day_part(cell))
        {
            self.dates = match (first > 12, second > 12) {
                (true, false) => Some(DateOrder::Dmy),
                (false, true) => Some(DateOrder::Mdy),
                _ => None,
            };
        }
    }

    /// A number, in digits and a point.
    pub fn number(&self, cell: &str) -> Result<String, CellError> {
        let bare = bare(cell).ok_or(CellError::NotANumber)?;
        let decimal = match (evidence(&bare), self.decimal) {
            (Evidence::None, _) => Decimal::Point,
            (Evidence::Sure(decimal), None) => decimal,
            (_, Some(style)) => style,
            (Evidence::Either(_), None) => {
                let read = |decimal| written(&bare, decimal).unwrap_or_default();
                return Err(CellError::WhichDecimal(read(Decimal::Point), read(Decimal::Comma)));
            }
        };
        written(&bare, decimal).ok_or(match decimal {
            Decimal::Point => CellError::OtherDecimal("a point separates the decimals"),
            Decimal::Comma => CellError::OtherDecimal("a comma separates the decimals"),
        })
    }

    /// A whole number; `12.0` is one.
    pub fn whole(&self, cell: &str) -> Result<i64, CellError> {
        let number = self.number(cell)?;
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
            Some(_) => return Err(CellError::NotWhole),
            None => &number,
        };
        whole.parse().map_err(|_| CellError::NotWhole)
    }

    pub fn price(&self, cell: &str) -> Result<Price, CellError> {
        let (number, currency) = split_currency(cell);
        Ok(Price { amount: self.number(number)?, currency })
    }

    /// A moment, as RFC 3339. A date without a time zone is one of `zone`.
    pub fn moment(
        &self,
        cell: &str,
        zone: &TimeZone,
        without_time: WithoutTime,
    ) -> Result<String, CellError> {
        let cell = cell.trim();
        if let Ok(moment) = cell.parse::<jiff::Timestamp>() {
            return Ok(moment.to_string());
        }
        let day = day_part(cell);
        let date = self.date(day)?;
        let rest = cell[day.len()..].trim_start_matches(['T', ' ', ',']).trim();
        let time = match (rest, without_time) {
            ("", WithoutTime::Start) => Time::midnight(),
            ("", WithoutTime::End) => jiff::civil::time(23, 59, 59, 0),
            (time, _) => clock_time(time).ok_or(CellError::NotADate)?,
        };
        let moment =
            DateTime::from_parts(date, time).to_zoned(zone.clone()).map_err(|_| CellError::NotADate)?;
        Ok(moment.timestamp().to_string())
    }

    /// A day, as in 2026-12-31.
    pub fn day(&self, cell: &str) -> Result<String, CellError> {
        Ok(self.date(day_part(cell.trim()))?.to_string())
    }

    fn date(&self, text: &str) -> Result<Date, CellError> {
        let number = |text: &str| text.parse::<i16>().map_err(|_| CellError::NotADate);
        let build = |year: i16, month: i16, day: i16| {
            let small = |value: i16| i8::try_from(value).map_err(|_| CellError::NotADate);
            Date::new(year, small(month)?, small(day)?).map_err(|_| CellError::NotADate)
        };
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return build(number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?);
        }
        if let [year, month, day] = text.split(['-', '/', '.']).collect::<Vec<_>>()[..]
            && year.len() == 4
        {
            return build(number(year)?, number(month)?, number(day)?);
        }
        if let [day, month, year] = text.split('.').collect::<Vec<_>>()[..] {
            return build(full_year(number(year)?, year.len())?, number(month)?, number(day)?);
        }
        let (first, second, year) = slashed(text).ok_or(CellError::NotADate)?;
        let order = match (first > 12, second > 12, self.dates) {
            _ if first == second => DateOrder::Dmy,
            (_, _, Some(order)) => order,
            (true, false, None) => DateOrder::Dmy,
            (false, true, None) => DateOrder::Mdy,
            _ => return Err(CellError::WhichDate),
        };
        match order {
            DateOrder::Dmy => build(year, second, first),
            DateOrder::Mdy => build(year, first, second),
        }
    }
}

/// Two digits of a year are of this century: systems that hand out orders have none of the last one.
fn full_year(year: i16, digits: usize) -> Result<i16, CellError> {
    match digits {
        4 => Ok(year),
        2 => Ok(2000 + year),
        _ => Err(CellError::NotADate),
    }
}

/// The three numbers of `31/12/2026` or `31-12-2026`, the year in full.
fn slashed(text: &str) -> Option<(i16, i16, i16)> {
    let [first, second, year] = text.split(['/', '-']).collect::<Vec<_>>()[..] else { return None };
    let number = |text: &str| (1..=2).contains(&text.len()).then(|| text.parse::<i16>().ok()).flatten();
    Some((number(first)?, number(second)?, full_year(year.parse().ok()?, year.len()).ok()?))
}

/// The date at the beginning of a cell that may also have a time.
fn day_part(cell: &str) -> &str {
    cell.split(['T', ' ', ',']).next().unwrap_or(cell)
}

/// `9:30`, `09:30`, `09:30:15`.
fn clock_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().map_or(Some(0), |second| second)?;
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// A price's number, and its currency if one stands before or behind it.
fn split_currency(cell: &str) -> (&str, Option<&'static str>) {
    let cell = cell.trim();
    for (sign, code) in CURRENCIES.iter().chain(&[("$", "USD")]) {
        if let Some(number) = cell.strip_prefix(sign).or_else(|| cell.strip_suffix(sign)) {
            return (number.trim(), Some(code));
        }
    }
    (cell, None)
}

/// Yes or no, as systems and people write it.
pub fn boolean(cell: &str) -> Result<bool, CellError> {
    match cell.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "x" | "ja" | "oui" | "si" | "sí" => Ok(true),
        "false" | "no" | "n" | "0" | "nein" | "non" => Ok(false),
        _ => Err(CellError::NotABool),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(decimal: Option<Decimal>, dates: Option<DateOrder>) -> Style {
        Style { decimal, dates }
    }

    #[test]
    fn numbers_in_the_ways_of_many_countries() {
        let any = Style::default();
        for (cell, number) in [
            ("1234", "1234"),
            ("12.5", "12.5"),
            ("12,5", "12.5"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1 234,5", "1234.5"),
            ("1'234.50", "1234.50"),
            ("1,234,567", "1234567"),
            ("-3,25", "-3.25"),
            ("+7", "7"),
            ("0.125", "0.125"),
            (".5", "0.5"),
        ] {
            assert_eq!(any.number(cell).as_deref(), Ok(number), "{cell}");
        }
        for cell in ["", "12x", "1.2.3,4.5", "--1", "n/a", "1,23,456"] {
            assert!(any.number(cell).is_err(), "{cell}");
        }
    }

    #[test]
    fn a_number_that_may_be_a_thousand_times_another_is_asked_about() {
        let either = CellError::WhichDecimal("1234".into(), "1.234".into());
        assert_eq!(Style::default().number("1,234"), Err(either));
        assert_eq!(style(Some(Decimal::Comma), None).number("1,234").as_deref(), Ok("1.234"));
        assert_eq!(style(Some(Decimal::Point), None).number("1,234").as_deref(), Ok("1234"));
        let mut learnt = Style::default();
        for cell in ["7", "1,234", "2,5", "3.5"] {
            learnt.learn_number(cell);
        }
        assert_eq!(learnt.decimal, Some(Decimal::Comma), "the first sure one counts");
        assert_eq!(learnt.number("3.5"), Err(CellError::OtherDecimal("a comma separates the decimals")));
    }

    #[test]
    fn prices_bring_their_currency() {
        let any = Style::default();
        let price = |amount: &str, currency| Ok(Price { amount: amount.into(), currency });
        assert_eq!(any.price("€ 12,50"), price("12.50", Some("EUR")));
        assert_eq!(any.price("12.50 USD"), price("12.50", Some("USD")));
        assert_eq!(any.price("$3"), price("3", Some("USD")));
        assert_eq!(any.price("3"), price("3", None));
    }

    #[test]
    fn dates_in_the_ways_of_many_countries() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let any = Style::default();
        for (cell, moment) in [
            ("2026-12-31", "2026-12-30T23:00:00Z"),
            ("31.12.2026", "2026-12-30T23:00:00Z"),
            ("31.12.26 9:30", "2026-12-31T08:30:00Z"),
            ("20261231", "2026-12-30T23:00:00Z"),
            ("2026-07-01 12:00:30", "2026-07-01T10:00:30Z"),
            ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
            ("2026-07-01T12:00:00+05:30", "2026-07-01T06:30:00Z"),
            ("31/12/2026", "2026-12-30T23:00:00Z"),
            ("12/31/2026", "2026-12-30T23:00:00Z"),
        ] {
            assert_eq!(any.moment(cell, &berlin, WithoutTime::Start).as_deref(), Ok(moment), "{cell}");
        }
        let end = any.moment("2026-12-31", &TimeZone::UTC, WithoutTime::End);
        assert_eq!(end.as_deref(), Ok("2026-12-31T23:59:59Z"));
        for cell in ["", "soon", "31.13.2026", "2026-02-30", "12:30", "2026-07-01 25:00"] {
            assert_eq!(any.moment(cell, &berlin, WithoutTime::Start), Err(CellError::NotADate), "{cell}");
        }
    }

    #[test]
    fn a_date_that_may_be_two_days_is_asked_about() {
        let utc = TimeZone::UTC;
        let any = Style::default();
        assert_eq!(any.moment("03/04/2026", &utc, WithoutTime::Start), Err(CellError::WhichDate));
        let mut learnt = Style::default();
        learnt.learn_date("03/04/2026");
        learnt.learn_date("03/25/2026");
        assert_eq!(learnt.dates, Some(DateOrder::Mdy));
        let moment = learnt.moment("03/04/2026", &utc, WithoutTime::Start);
        assert_eq!(moment.as_deref(), Ok("2026-03-04T00:00:00Z"));
        assert_eq!(learnt.day("25/03/2026"), Err(CellError::NotADate), "the file's order counts");
    }

    #[test]
    fn whole_numbers_and_booleans() {
        let any = Style::default();
        assert_eq!(any.whole("12.00"), Ok(12));
        assert_eq!(any.whole("12.5"), Err(CellError::NotWhole));
        assert_eq!((boolean("Ja"), boolean("0")), (Ok(true), Ok(false)));
        assert_eq!(boolean("maybe"), Err(CellError::NotABool));
    }
}
