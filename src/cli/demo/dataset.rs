//! The facts that the demo runs on, carried by the binary: what the cities of Iowa ordered, and how late deliveries are.
//!
//! `data/README.md` says where they come from.

use std::io::Read;
use std::ops::Range;

use flate2::read::GzDecoder;
use jiff::civil::Date;
use serde::Deserialize;

const ORDERS_CSV_GZ: &[u8] = include_bytes!("../../../data/iowa/orders.csv.gz");
const ITEMS_CSV: &[u8] = include_bytes!("../../../data/iowa/items.csv");
const CITIES_CSV: &[u8] = include_bytes!("../../../data/iowa/cities.csv");
const DELAYS_CSV: &[u8] = include_bytes!("../../../data/scms/delays.csv");

/// The embedded files do not read as they should: a fault of the build, not of the user.
#[derive(Debug, thiserror::Error)]
#[error("the demo's data is damaged: {0}")]
pub struct DatasetError(String);

impl From<csv::Error> for DatasetError {
    fn from(error: csv::Error) -> Self {
        Self(error.to_string())
    }
}

/// A quantity in thousandths of a litre.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millilitres(pub i64);

#[derive(Debug)]
pub struct Item {
    pub id: u16,
    pub name: String,
    /// Place in the dataset's suppliers.
    pub supplier: u8,
}

#[derive(Debug)]
pub struct City {
    pub name: String,
    pub county: String,
    /// Latitude and longitude in degrees; 14 cities have none.
    pub coordinates: Option<(f64, f64)>,
}

/// What one city ordered of one item in one week. The fields are places in the lists of [`Dataset`].
#[derive(Debug, Clone, Copy)]
pub struct DemandRow {
    pub week: u16,
    pub item: u16,
    pub city: u16,
    pub litres: Millilitres,
    pub cents: i64,
}

/// How many deliveries were how many days late, ascending; negative days are early.
#[derive(Debug, Clone)]
pub struct Delays {
    days: Vec<(i64, u64)>,
    deliveries: u64,
}

#[derive(Debug)]
pub struct Dataset {
    pub items: Vec<Item>,
    /// The brands, which stand for the makers.
    pub suppliers: Vec<String>,
    pub cities: Vec<City>,
    /// The Sundays on which the weeks start.
    pub weeks: Vec<Date>,
    /// By week.
    pub rows: Vec<DemandRow>,
    rows_of_week: Vec<Range<usize>>,
    pub delays: Delays,
}

#[derive(Deserialize)]
struct ItemRecord {
    item_id: u16,
    item: String,
    brand: String,
}

#[derive(Deserialize)]
struct CityRecord {
    city_id: u16,
    city: String,
    county: String,
    lat: Option<f64>,
    lon: Option<f64>,
}

impl Dataset {
    /// Reads what the binary carries.
    pub fn embedded() -> Result<Self, DatasetError> {
        let (mut items, mut suppliers) = (Vec::new(), Vec::<String>::new());
        for (place, record) in csv::Reader::from_reader(ITEMS_CSV).into_deserialize().enumerate() {
            let ItemRecord { item_id, item, brand } = record?;
            require(usize::from(item_id) == place + 1, "items are not numbered in order")?;
            let supplier = suppliers.iter().position(|known| *known == brand).unwrap_or_else(|| {
                suppliers.push(brand);
                suppliers.len() - 1
            });
            items.push(Item { id: item_id, name: item, supplier: supplier as u8 });
        }
        let mut cities = Vec::new();
        for (place, record) in csv::Reader::from_reader(CITIES_CSV).into_deserialize().enumerate() {
            let CityRecord { city_id, city, county, lat, lon } = record?;
            require(usize::from(city_id) == place + 1, "cities are not numbered in order")?;
            cities.push(City { name: city, county, coordinates: lat.zip(lon) });
        }
        let (weeks, rows) = read_rows(GzDecoder::new(ORDERS_CSV_GZ), items.len(), cities.len())?;
        let delays = Delays::read(DELAYS_CSV)?;
        Ok(Self::new(items, suppliers, cities, weeks, rows, delays))
    }

    /// `rows` must be in the order of their weeks.
    pub(super) fn new(
        items: Vec<Item>,
        suppliers: Vec<String>,
        cities: Vec<City>,
        weeks: Vec<Date>,
        rows: Vec<DemandRow>,
        delays: Delays,
    ) -> Self {
        let start = |week: usize| rows.partition_point(|row| usize::from(row.week) < week);
        let rows_of_week = (0..weeks.len()).map(|week| start(week)..start(week + 1)).collect();
        Self { items, suppliers, cities, weeks, rows, rows_of_week, delays }
    }

    /// The weeks that begin between these days, both included, as if there were no others.
    pub fn between(self, from: Option<Date>, until: Option<Date>) -> Self {
        let before = from.map_or(0, |from| self.weeks.partition_point(|week| *week < from));
        let through =
            until.map_or(self.weeks.len(), |until| self.weeks.partition_point(|week| *week <= until));
        let kept = before..through.max(before);
        let rows = self.rows.iter().filter(|row| kept.contains(&usize::from(row.week)));
        // A place in the list of weeks: no more than there are.
        let rows = rows.map(|row| DemandRow { week: row.week - before as u16, ..*row }).collect();
        let weeks = self.weeks[kept].to_vec();
        Self::new(self.items, self.suppliers, self.cities, weeks, rows, self.delays)
    }

    /// Places in `rows` of the rows of a week; none for a week that is not there.
    pub fn rows_of_week(&self, week: usize) -> Range<usize> {
        self.rows_of_week.get(week).cloned().unwrap_or_default()
    }
}

fn read_rows(
    file: impl Read,
    items: usize,
    cities: usize,
) -> Result<(Vec<Date>, Vec<DemandRow>), DatasetError> {
    let mut reader = csv::Reader::from_reader(file);
    let mut record = csv::StringRecord::new();
    let (mut weeks, mut rows): (Vec<Date>, Vec<DemandRow>) = (Vec::new(), Vec::new());
    let mut week_as_written = String::new();
    while reader.read_record(&mut record)? {
        let bad = || DatasetError(format!("an order reads {record:?}"));
        let field = |place| record.get(place).ok_or_else(bad);
        if field(0)? != week_as_written {
            week_as_written = field(0)?.to_owned();
            let week: Date = week_as_written.parse().map_err(|_| bad())?;
            require(weeks.last().is_none_or(|last| *last < week), "orders are not in the order of weeks")?;
            weeks.push(week);
        }
        // Ids count from 1, places from 0.
        let place = |place, count| -> Result<u16, DatasetError> {
            let id: usize = field(place)?.parse().map_err(|_| bad())?;
            require(id >= 1 && id <= count, "an order names an unknown item or city")?;
            u16::try_from(id - 1).map_err(|_| bad())
        };
        rows.push(DemandRow {
            week: u16::try_from(weeks.len() - 1).map_err(|_| bad())?,
            item: place(1, items)?,
            city: place(2, cities)?,
            litres: Millilitres(decimal(field(3)?, 3).ok_or_else(bad)?),
            cents: decimal(field(4)?, 2).ok_or_else(bad)?,
        });
    }
    Ok((weeks, rows))
}

impl Delays {
    fn read(file: &[u8]) -> Result<Self, DatasetError> {
        let days: Vec<(i64, u64)> =
            csv::Reader::from_reader(file).into_deserialize().collect::<Result<_, _>>()?;
        Self::new(days).ok_or_else(|| DatasetError("there are no delays".to_owned()))
    }

    /// `None` if there is not a single delivery.
    pub(super) fn new(days: Vec<(i64, u64)>) -> Option<Self> {
        let deliveries = days.iter().map(|(_, count)| count).sum();
        (deliveries > 0).then_some(Self { days, deliveries })
    }

    /// The delay in days of a delivery drawn by a random number: each as likely as it is frequent.
    pub fn draw(&self, random: u64) -> i64 {
        let mut left = random % self.deliveries;
        for (days, count) in &self.days {
            match left.checked_sub(*count) {
                None => return *days,
                Some(rest) => left = rest,
            }
        }
        0
    }
}

/// A decimal number as an integer with this many decimals; `None` if it is none or has more.
fn decimal(text: &str, decimals: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() {
        return None;
    }
    let padding = decimals.checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(padding));
    digits.parse().ok()
}

fn require(holds: bool, fault: &str) -> Result<(), DatasetError> {
    if holds { Ok(()) } else { Err(DatasetError(fault.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_facts_are_the_published_ones() {
        let data = Dataset::embedded().unwrap();
        assert_eq!((data.rows.len(), data.items.len(), data.cities.len()), (361_822, 113, 387));
        assert_eq!((data.weeks.len(), data.weeks[0].to_string()), (231, "2012-01-01".to_owned()));
        assert_eq!(data.weeks[230].to_string(), "2016-05-29");
        let litres: i64 = data.rows.iter().map(|row| row.litres.0).sum();
        assert_eq!(litres, 11_574_111_360);
        assert_eq!(data.rows.iter().map(|row| row.cents).sum::<i64>(), 16_358_973_614);
        assert_eq!(data.cities.iter().filter(|city| city.coordinates.is_none()).count(), 14);
        assert_eq!(data.suppliers.len(), 9);
        assert_eq!(data.delays.deliveries, 10_324);
        let last_week = data.rows_of_week(230);
        assert_eq!(last_week.end, data.rows.len());
        assert!(data.rows[last_week].iter().all(|row| row.week == 230));
        assert!(data.rows_of_week(231).is_empty());
    }

    #[test]
    fn weeks_are_cut_out_as_if_there_were_no_others() {
        let date = |text: &str| Some(text.parse::<Date>().unwrap());
        let all = Dataset::embedded().unwrap();
        let litres = |rows: &[DemandRow]| rows.iter().map(|row| row.litres.0).sum::<i64>();
        let weeks = [litres(&all.rows[all.rows_of_week(1)]), litres(&all.rows[all.rows_of_week(2)])];
        let two = all.between(date("2012-01-02"), date("2012-01-15"));
        assert_eq!(two.weeks, [Date::constant(2012, 1, 8), Date::constant(2012, 1, 15)]);
        assert_eq!([litres(&two.rows[two.rows_of_week(0)]), litres(&two.rows[two.rows_of_week(1)])], weeks);
        assert_eq!(two.rows_of_week(1).end, two.rows.len());
        let none = two.between(date("2012-01-16"), date("2012-01-09"));
        assert!(none.weeks.is_empty() && none.rows.is_empty());
    }

    #[test]
    fn names_of_cities_are_unique_because_customers_are_named_by_them() {
        let data = Dataset::embedded().unwrap();
        let names: std::collections::HashSet<_> = data.cities.iter().map(|city| &city.name).collect();
        assert_eq!(names.len(), data.cities.len());
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("10.5", 3), Some(10_500));
        assert_eq!(decimal("9", 2), Some(900));
        assert_eq!(decimal("0.001", 3), Some(1));
        for bad in ["", "1.2345", "1e3", "x", "1.-5"] {
            assert_eq!(decimal(bad, 3), None, "{bad}");
        }
    }

    #[test]
    fn delays_are_drawn_as_often_as_they_happened() {
        let delays = Delays::new(vec![(-1, 1), (0, 3), (5, 1)]).unwrap();
        let drawn: Vec<_> = (0..6).map(|random| delays.draw(random)).collect();
        assert_eq!(drawn, [-1, 0, 0, 0, 5, -1]);
        assert!(Delays::new(vec![]).is_none());
    }
}
