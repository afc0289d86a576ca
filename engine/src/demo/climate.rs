//! A made-up climate that looks like the real one: near-surface temperature by place and time, and how it may change.
//!
//! In: a grid and a seed. Out: fields in kelvin. Never random: the same seed gives the same bits.

use super::land::Land;
use std::f64::consts::TAU;

/// Cells are rounded to this part of a kelvin, about what archives keep; it halves the stored size.
const ROUNDED: f32 = 1024.0;
/// The mean Gregorian year.
const YEAR_DAYS: f64 = 365.2425;
/// Day of the year when it is warmest in the north.
const WARMEST_DAY: f64 = 200.0;
/// Hour of the local day when it is warmest.
const WARMEST_HOUR: f64 = 14.5;
/// Kelvin between the least and the greatest noise.
const NOISE: f32 = 1.0;
/// Travelling weather: waves around the globe, and the days that each takes from crest to crest.
const WAVES: [(usize, f64); 4] = [(1, 17.3), (3, 9.1), (5, 5.7), (7, 3.9)];

/// Latitudes and longitudes, in degrees.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) lats: Vec<f64>,
    pub(super) lons: Vec<f64>,
}

impl Grid {
    pub(super) fn cells(&self) -> usize {
        self.lats.len() * self.lons.len()
    }
}

/// The climate on a grid, cell by cell.
pub(super) struct Climate {
    pub(super) grid: Grid,
    seed: u64,
    mean: Vec<f32>,
    /// Signed: it is warmest in January in the south.
    seasonal: Vec<f32>,
    diurnal: Vec<f32>,
    /// By latitude.
    weather: Vec<f64>,
    /// Cosines and sines of multiples of the longitudes, for each of [`WAVES`].
    turns: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Climate {
    pub(super) fn of(grid: Grid, seed: u64) -> Climate {
        let land = Land::new();
        let places = || grid.lats.iter().flat_map(|&lat| grid.lons.iter().map(move |&lon| (lat, lon)));
        let shares: Vec<f64> = places().map(|(lat, lon)| land.share(lat, lon)).collect();
        let field = |of: fn(f64, f64, f64) -> f64| places().zip(&shares).map(|((lat, lon), &land)| of(lat, lon, land) as f32).collect();
        let turn = |k: usize| {
            let angles = || grid.lons.iter().map(move |lon| (lon * k as f64).to_radians());
            (angles().map(|a| a.cos() as f32).collect(), angles().map(|a| a.sin() as f32).collect())
        };
        let weather = grid.lats.iter().map(|lat| 0.4 + 1.8 * (2.0 * lat).to_radians().sin().powi(2)).collect();
        Climate {
            seed,
            mean: field(mean),
            seasonal: field(seasonal),
            diurnal: field(diurnal),
            weather,
            turns: WAVES.iter().map(|w| turn(w.0)).collect(),
            grid,
        }
    }

    /// Temperatures at an hour, into `out`.
    pub(super) fn at_hour(&self, hours_since_1900: i64, out: &mut [f32]) {
        let days = hours_since_1900 as f64 / 24.0;
        let season = (TAU * (days - WARMEST_DAY) / YEAR_DAYS).cos() as f32;
        let (sun_sin, sun_cos) = (TAU * (days.fract() - WARMEST_HOUR / 24.0)).sin_cos();
        let noise = Noise::new(self.seed, hours_since_1900 as u64);
        let nlon = self.grid.lons.len();
        for (row, cells) in out.chunks_exact_mut(nlon.max(1)).enumerate().take(self.grid.lats.len()) {
            let waves = self.waves(row, days);
            let at = row * nlon;
            for (i, cell) in cells.iter_mut().enumerate() {
                let (cos, sin) = (self.turns[0].0[i], self.turns[0].1[i]);
                let sun = cos * sun_cos as f32 - sin * sun_sin as f32;
                let mut kelvin = self.mean[at + i] + self.seasonal[at + i] * season + self.diurnal[at + i] * sun;
                for ((cos, sin), (a, b)) in self.turns.iter().zip(waves) {
                    kelvin += a * cos[i] + b * sin[i];
                }
                *cell = rounded(kelvin + noise.at(at + i));
            }
        }
    }

    /// Temperatures of a month, `changed` by a warming and a model's own faults, into `out`. The middle of the month is `year_part` of the year.
    pub(super) fn in_month(&self, month: usize, year_part: f64, changed: &[f32], out: &mut [f32]) {
        let season = (TAU * (year_part - WARMEST_DAY / YEAR_DAYS)).cos() as f32;
        let noise = Noise::new(self.seed ^ 0x6d6f_6e74_6873, month as u64);
        for (i, cell) in out.iter_mut().enumerate() {
            *cell = rounded(self.mean[i] + self.seasonal[i] * season + changed[i] + noise.at(i));
        }
    }

    /// What a model of the end of the century adds to each cell.
    pub(super) fn change(&self) -> Vec<f32> {
        let land = Land::new();
        let places = self.grid.lats.iter().flat_map(|&lat| self.grid.lons.iter().map(move |&lon| (lat, lon)));
        places.map(|(lat, lon)| (warming(lat, lon, land.share(lat, lon)) + bias(lat, lon)) as f32).collect()
    }

    /// The factors of each wave's cosine and sine along a row.
    fn waves(&self, row: usize, days: f64) -> [(f32, f32); WAVES.len()] {
        std::array::from_fn(|k| {
            let (_, period) = WAVES[k];
            let start = mix(self.seed.wrapping_add(k as u64)) as f64 / u64::MAX as f64;
            let phase = TAU * (days / period + start) + 2.5 * self.grid.lats[row].to_radians() * (k as f64 - 1.5);
            let (sin, cos) = phase.sin_cos();
            ((self.weather[row] * cos) as f32, (self.weather[row] * sin) as f32)
        })
    }
}

/// 1 in the middle of a hill, falling with distance in degrees.
fn hill(lat: f64, lon: f64, middle: (f64, f64), width: (f64, f64)) -> f64 {
    let dx = ((lon - middle.1 + 540.0).rem_euclid(360.0) - 180.0) / width.1;
    let dy = (lat - middle.0) / width.0;
    (-0.5 * (dx * dx + dy * dy)).exp()
}

fn mean(lat: f64, lon: f64, land: f64) -> f64 {
    let s2 = lat.to_radians().sin().powi(2);
    let sea_level = 300.0 - 24.0 * s2 - 18.0 * s2 * s2 * s2;
    let plateau = 26.0 / (1.0 + ((lat + 74.0) / 2.5).exp());
    let heights = 20.0 * hill(lat, lon, (33.0, 88.0), (5.0, 12.0))
        + 16.0 * hill(lat, lon, (73.0, -40.0), (7.0, 11.0))
        + 6.0 * hill(lat, lon, (42.0, -110.0), (9.0, 7.0))
        + 10.0 * hill(lat, lon, (-20.0, -68.0), (12.0, 3.0))
        + 5.0 * hill(lat, lon, (9.0, 39.0), (4.0, 4.0));
    let currents = 1.5 * hill(lat, lon, (0.0, 150.0), (10.0, 30.0)) - 2.0 * hill(lat, lon, (0.0, -100.0), (4.0, 25.0))
        + 4.0 * hill(lat, lon, (58.0, -12.0), (10.0, 20.0))
        - 3.0 * hill(lat, lon, (-18.0, -78.0), (8.0, 7.0))
        - 3.0 * hill(lat, lon, (-20.0, 9.0), (8.0, 6.0));
    // High ground does not end at the coast: what a coarse grid cannot resolve would dominate every difference.
    sea_level - plateau - heights + (1.0 - land) * currents
}

fn seasonal(lat: f64, _lon: f64, land: f64) -> f64 {
    let s = lat.to_radians().sin().abs();
    (lat / 15.0).tanh() * (1.0 + 5.0 * s + land * (1.0 + 17.0 * s * s))
}

fn diurnal(lat: f64, _lon: f64, land: f64) -> f64 {
    0.4 + 5.5 * land * lat.to_radians().cos().max(0.0).powf(0.7)
}

/// Kelvin until the end of the century: most over the Arctic, more over land than over sea, little where deep water rises.
fn warming(lat: f64, lon: f64, land: f64) -> f64 {
    let arctic = 4.8 * (-((90.0 - lat) / 22.0).powi(2)).exp();
    let antarctic = 0.9 * (-((90.0 + lat) / 18.0).powi(2)).exp();
    let southern_ocean = -0.8 * (-((lat + 56.0) / 9.0).powi(2)).exp() * (1.0 - land);
    let north_atlantic = -2.9 * hill(lat, lon, (54.0, -32.0), (6.0, 11.0));
    let pacific = 0.7 * hill(lat, lon, (0.0, -120.0), (7.0, 35.0));
    let dry_land = land * (1.2 + 0.8 * hill(lat, lon, (41.0, 20.0), (8.0, 30.0)) + 0.7 * hill(lat, lon, (-8.0, -58.0), (8.0, 12.0)));
    1.9 + dry_land + arctic + antarctic + southern_ocean + north_atlantic + pacific
}

/// Kelvin by which the model is off: broad waves, too warm where cold water rises, too cold over high ground.
fn bias(lat: f64, lon: f64) -> f64 {
    let (y, x) = (lat.to_radians(), lon.to_radians());
    let broad = 0.35 * (2.0 * x + 1.0).sin() * (3.0 * y).cos() * y.cos() + 0.25 * (5.0 * x - 2.0).cos() * (4.0 * y).sin() * y.cos();
    let upwelling = 1.1 * hill(lat, lon, (-18.0, -78.0), (8.0, 7.0)) + 1.1 * hill(lat, lon, (-20.0, 9.0), (8.0, 6.0));
    broad + upwelling - 0.9 * hill(lat, lon, (33.0, 88.0), (5.0, 12.0))
}

fn rounded(kelvin: f32) -> f32 {
    (kelvin * ROUNDED + 0.5) as i32 as f32 / ROUNDED
}

/// Noise of one field, by cell.
struct Noise(u32);

impl Noise {
    fn new(seed: u64, field: u64) -> Noise {
        Noise(mix(mix(seed).wrapping_add(field)) as u32)
    }

    /// Between half of [`NOISE`] below and above 0; a 32-bit integer hash by C. Wellons (lowbias32).
    fn at(&self, cell: usize) -> f32 {
        let mut x = (cell as u32).wrapping_mul(0x9e37_79b1) ^ self.0;
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        x ^= x >> 16;
        ((x >> 8) as f32 / 16_777_216.0 - 0.5) * NOISE
    }
}

/// One step of SplitMix64.
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climate(seed: u64) -> Climate {
        let lats: Vec<f64> = (0..13).map(|i| 90.0 - 15.0 * f64::from(i)).collect();
        Climate::of(Grid { lats, lons: (0..24).map(|i| 15.0 * f64::from(i)).collect() }, seed)
    }

    #[test]
    fn it_is_warm_where_it_should_be_and_rounded() {
        let climate = climate(1);
        let mut field = vec![0.0; climate.grid.cells()];
        // July 2014.
        climate.at_hour(1_004_200, &mut field);
        let row = |j: usize| field[j * 24..(j + 1) * 24].iter().sum::<f32>() / 24.0;
        assert!(
            (290.0..306.0).contains(&row(6)) && (255.0..275.0).contains(&row(0)) && row(12) < 225.0,
            "{} {} {}",
            row(0),
            row(6),
            row(12)
        );
        assert!(field.iter().all(|v| (v * ROUNDED).fract() == 0.0));
    }

    #[test]
    fn the_seed_alone_decides() {
        let fields: Vec<Vec<f32>> = [7, 7, 8]
            .map(|seed| {
                let c = climate(seed);
                let mut f = vec![0.0; c.grid.cells()];
                c.at_hour(5, &mut f);
                f
            })
            .into();
        assert!(fields[0] == fields[1] && fields[0] != fields[2]);
    }

    #[test]
    fn the_arctic_warms_most() {
        let climate = climate(0);
        let change = climate.change();
        let row = |j: usize| change[j * 24..(j + 1) * 24].iter().sum::<f32>() / 24.0;
        assert!(row(0) > 2.0 * row(6) && row(6) > 1.0 && row(10) > 0.3, "{} {} {}", row(0), row(6), row(10));
    }
}
