//! Land and sea, from the coastlines that maps are drawn with.
//!
//! In: a place. Out: the share of land around it. Never reads a file.

use crate::plot::coastline;

/// Meridians for each degree.
const PER_DEGREE: usize = 2;
/// Where the surroundings of a place are looked at, in degrees of latitude and longitude from it.
const AROUND: [f64; 5] = [-1.5, -0.75, 0.0, 0.75, 1.5];

/// South of this all is ice on rock or as thick.
const ICE_SHELVES: f64 = -78.0;

/// Where coastlines cross a set of meridians.
pub(super) struct Land {
    /// For each meridian, eastwards from 180 W: latitudes.
    crossings: Vec<Vec<f64>>,
}

impl Land {
    /// The land of today.
    pub(super) fn new() -> Land {
        let mut crossings = vec![vec![]; 360 * PER_DEGREE];
        for line in coastline() {
            for ends in line.windows(2) {
                if let [a, b] = ends {
                    cross(&mut crossings, *a, *b);
                }
            }
        }
        Land { crossings }
    }

    /// Whether a place is land: an odd number of coasts lie between it and the North Pole, which is sea.
    fn is_land(&self, lat: f64, lon: f64) -> bool {
        if lat < ICE_SHELVES {
            return true;
        }
        let column = ((lon + 180.0).rem_euclid(360.0) * PER_DEGREE as f64) as usize % self.crossings.len();
        self.crossings[column].iter().filter(|&&coast| coast > lat).count() % 2 == 1
    }

    /// The share of land around a place, 0 to 1.
    pub(super) fn share(&self, lat: f64, lon: f64) -> f64 {
        let near = AROUND.iter().flat_map(|dy| AROUND.iter().map(move |dx| (lat + dy, lon + dx)));
        near.filter(|&(y, x)| self.is_land(y.clamp(-90.0, 90.0), x)).count() as f64 / (AROUND.len() * AROUND.len()) as f64
    }
}

/// Notes where the line between two points crosses the middles of meridian strips.
fn cross(crossings: &mut [Vec<f64>], a: (f64, f64), b: (f64, f64)) {
    let (west, east) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    let column = |lon: f64| ((lon + 180.0) * PER_DEGREE as f64 - 0.5).ceil().max(0.0) as usize;
    // Half-open: a vertex on a meridian belongs to one of its two lines.
    for (at, latitudes) in crossings.iter_mut().enumerate().take(column(east.0)).skip(column(west.0)) {
        let lon = (at as f64 + 0.5) / PER_DEGREE as f64 - 180.0;
        latitudes.push(west.1 + (east.1 - west.1) * (lon - west.0) / (east.0 - west.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continents_and_oceans_are_where_they_are() {
        let land = Land::new();
        for (lat, lon, share) in [
            (50.0, 100.0, 1.0),
            (0.0, 25.0, 1.0),
            (-25.0, 135.0, 1.0),
            (-85.0, 10.0, 1.0),
            (40.0, 260.0, 1.0),
            (0.0, 200.0, 0.0),
            (40.0, -40.0, 0.0),
            (-60.0, 20.0, 0.0),
            (89.0, 0.0, 0.0),
            (10.0, 70.0, 0.0),
        ] {
            assert_eq!(land.share(lat, lon), share, "{lat} N {lon} E");
        }
    }
}
