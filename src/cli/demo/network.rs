//! Which distribution centre serves which city. Derived: the data has the State's one warehouse, in Ankeny, and no
//! other.
//!
//! Policy: Ankeny is the main centre. To it come the five cities with the largest volume that lie at least
//! [`CENTRE_DISTANCE_MIN_KM`] from every centre chosen before them. A city is served by the nearest centre; one without
//! coordinates by the centre that serves most cities of its county, else by the main one.

use super::dataset::Dataset;

const MAIN_CENTRE_CITY: &str = "ANKENY";
const REGIONAL_CENTRES: usize = 5;
const CENTRE_DISTANCE_MIN_KM: f64 = 60.0;
const EARTH_RADIUS_KM: f64 = 6371.0;

#[derive(Debug, PartialEq)]
pub struct Centre {
    /// The identifier in events: `dc-` and the city's name.
    pub id: String,
    pub name: String,
    pub county: String,
    pub coordinates: (f64, f64),
}

#[derive(Debug)]
pub struct Network {
    /// The main centre first.
    pub centres: Vec<Centre>,
    /// By place in the dataset's cities: place in `centres`.
    centre_of_city: Vec<u8>,
}

impl Network {
    /// Derives the network. Without Ankeny in the data, the largest city is the main centre.
    pub fn derive(data: &Dataset) -> Self {
        let centres = choose_centres(data);
        let nearest = |coordinates: (f64, f64)| {
            let distance = |centre: &Centre| distance_km(centre.coordinates, coordinates);
            let by_distance =
                |a: &(usize, &Centre), b: &(usize, &Centre)| distance(a.1).total_cmp(&distance(b.1));
            centres.iter().enumerate().min_by(by_distance).map_or(0, |(place, _)| place as u8)
        };
        let located: Vec<_> = data.cities.iter().map(|city| city.coordinates.map(nearest)).collect();
        let of_county = |county: &str| {
            let cities = data.cities.iter().zip(&located).filter(|(city, _)| city.county == county);
            let mut served = vec![0_u32; centres.len()];
            cities.filter_map(|(_, centre)| *centre).for_each(|centre| served[usize::from(centre)] += 1);
            // The first of equals: `max_by_key` would take the last.
            let most = served.iter().copied().max().unwrap_or(0);
            served.iter().position(|count| *count == most).unwrap_or(0) as u8
        };
        let cities = data.cities.iter().zip(&located);
        let centre_of_city =
            cities.map(|(city, centre)| centre.unwrap_or_else(|| of_county(&city.county))).collect();
        Self { centres, centre_of_city }
    }

    /// Place of the centre that serves a city.
    pub fn centre_of(&self, city: u16) -> usize {
        self.centre_of_city.get(usize::from(city)).copied().map_or(0, usize::from)
    }
}

fn choose_centres(data: &Dataset) -> Vec<Centre> {
    let mut volume = vec![0_i64; data.cities.len()];
    for row in &data.rows {
        volume[usize::from(row.city)] += row.litres.0;
    }
    let mut by_volume: Vec<usize> = (0..data.cities.len()).collect();
    by_volume.sort_by_key(|city| (data.cities[*city].name != MAIN_CENTRE_CITY, -volume[*city], *city));
    let mut centres: Vec<Centre> = Vec::new();
    for city in by_volume.into_iter().map(|place| &data.cities[place]) {
        let Some(coordinates) = city.coordinates else { continue };
        let is_apart =
            |centre: &Centre| distance_km(centre.coordinates, coordinates) >= CENTRE_DISTANCE_MIN_KM;
        if centres.len() <= REGIONAL_CENTRES && centres.iter().all(is_apart) {
            let id = format!("dc-{}", city.name.to_lowercase().replace(' ', "-"));
            centres.push(Centre { id, name: city.name.clone(), county: city.county.clone(), coordinates });
        }
    }
    centres
}

/// Great-circle distance of two points in degrees (haversine formula).
pub fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (latitude_a, latitude_b) = (a.0.to_radians(), b.0.to_radians());
    let latitude_half = (latitude_b - latitude_a) / 2.0;
    let longitude_half = (b.1 - a.1).to_radians() / 2.0;
    let h = latitude_half.sin().powi(2) + latitude_a.cos() * latitude_b.cos() * longitude_half.sin().powi(2);
    2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centres_are_ankeny_and_five_far_apart() {
        let data = Dataset::embedded().unwrap();
        let network = Network::derive(&data);
        let ids: Vec<_> = network.centres.iter().map(|centre| centre.id.as_str()).collect();
        let expected = [
            "dc-ankeny",
            "dc-cedar-rapids",
            "dc-davenport",
            "dc-council-bluffs",
            "dc-sioux-city",
            "dc-waterloo",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn cities_go_to_the_nearest_centre_and_those_without_a_place_with_their_county() {
        let data = Dataset::embedded().unwrap();
        let network = Network::derive(&data);
        let served_by = |name: &str| {
            let city = data.cities.iter().position(|city| city.name == name).unwrap();
            network.centres[network.centre_of(city as u16)].id.as_str()
        };
        assert_eq!(served_by("DES MOINES"), "dc-ankeny");
        assert_eq!(served_by("BETTENDORF"), "dc-davenport");
        assert_eq!(served_by("CEDAR FALLS"), "dc-waterloo");
        // No coordinates: Scott county is Davenport's, Plymouth county Sioux City's.
        assert_eq!(served_by("LECLAIRE"), "dc-davenport");
        assert_eq!(served_by("LEMARS"), "dc-sioux-city");
    }

    #[test]
    fn a_degree_of_latitude_is_111_km() {
        assert!((distance_km((41.0, -93.0), (42.0, -93.0)) - 111.19).abs() < 0.01);
        // Des Moines to Chicago, some 500 km by great circle.
        assert!((distance_km((41.6005, -93.6091), (41.8781, -87.6298)) - 496.0).abs() < 2.0);
    }
}
