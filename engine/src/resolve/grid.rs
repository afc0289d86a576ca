//! Latitudes and longitudes: which dims they are, where their cells end, and how much of the sphere they cover.
//!
//! In: coordinates in degrees. Out: cell edges, areas, weights of overlap. Never touches cells of data.
//!
//! A cell ends half way to its neighbour; the first and last are as wide as their neighbour's half suggests. Latitudes end at the poles.
//! The area of a cell between latitudes `a` and `b` and longitudes `c` and `d` is `(sin b - sin a) (d - c)`.

use super::fault::{Fault, Outcome, refuse};
use crate::lazy::LazyCoord;
use crate::lazy::labels;
use xeng_kernels::remap::Weights;
use xeng_proto::AttrValue;

/// Parts of a cell below which two labels or edges are the same: `float32` labels of a circle are known to less.
const ROUNDING: f64 = 1e-5;

/// What a horizontal coordinate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizontal {
    /// Degrees north.
    Latitude,
    /// Degrees east.
    Longitude,
    /// Anything else.
    Other,
}

/// What a coordinate counts, by its attributes, else by its name.
pub fn kind_of(name: &str, coord: &LazyCoord) -> Horizontal {
    let text = |key: &str| match coord.attrs.get(key) {
        Some(AttrValue::Text(t)) => t.to_lowercase(),
        _ => String::new(),
    };
    let (standard, units, name) = (text("standard_name"), text("units"), name.to_lowercase());
    let north = ["degrees_north", "degree_north", "degreesn", "degree_n", "degrees_n"];
    let east = ["degrees_east", "degree_east", "degreese", "degree_e", "degrees_e"];
    if standard == "latitude" || north.contains(&units.as_str()) || matches!(name.as_str(), "lat" | "latitude" | "nav_lat") {
        Horizontal::Latitude
    } else if standard == "longitude" || east.contains(&units.as_str()) || matches!(name.as_str(), "lon" | "longitude" | "nav_lon") {
        Horizontal::Longitude
    } else {
        Horizontal::Other
    }
}

/// Labels of one axis of a grid, with the edges of their cells.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What they count.
    pub kind: Horizontal,
    /// The labels, in their order.
    pub centres: Vec<f64>,
    /// Whether the labels descend.
    pub descends: bool,
    /// One more than there are labels, ascending.
    pub edges: Vec<f64>,
}

impl Axis {
    /// The axis of a coordinate's labels.
    ///
    /// # Errors
    /// When the labels are not numbers in strict order, or fewer than two.
    pub fn of(name: &str, coord: &LazyCoord, kind: Horizontal) -> Outcome<Axis> {
        let Some(centres) = coord.known().and_then(|v| labels::floats(v)) else {
            return refuse(format!("the labels of '{name}' must be numbers that are known while planning"));
        };
        let rises = centres.windows(2).all(|w| w[0] < w[1]);
        let descends = !rises && centres.windows(2).all(|w| w[0] > w[1]);
        if centres.len() < 2 || !rises && !descends || centres.iter().any(|c| !c.is_finite()) {
            return Err(Fault::new(format!("the labels of '{name}' must rise or fall strictly, and be two at least")));
        }
        let mut sorted = centres.to_vec();
        if descends {
            sorted.reverse();
        }
        if kind == Horizontal::Latitude && (sorted[0] < -90.0001 || sorted[sorted.len() - 1] > 90.0001) {
            return refuse(format!("'{name}' holds latitudes beyond the poles"));
        }
        Ok(Axis { kind, edges: edges(&sorted, kind), centres: centres.to_vec(), descends })
    }

    /// The axis, if its longitudes go around the circle once at most: else cells would count twice.
    ///
    /// # Errors
    /// When the last label is the first one again.
    pub fn once(self, name: &str) -> Outcome<Axis> {
        let (low, high) = self.centres.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), c| (l.min(*c), h.max(*c)));
        let step = (high - low) / (self.len().max(2) - 1) as f64;
        if self.kind == Horizontal::Longitude && high - low > 360.0 - 1e-3 * step {
            return refuse(format!(
                "the longitudes of '{name}' go around more than once; leave the last one out: .isel({name}=slice(0, -1))"
            ));
        }
        Ok(self)
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// How much a stretch counts: of latitudes the part of the sphere's height, else its length.
    fn measure(&self, from: f64, to: f64) -> f64 {
        match self.kind {
            Horizontal::Latitude => to.to_radians().sin() - from.to_radians().sin(),
            Horizontal::Longitude | Horizontal::Other => to - from,
        }
    }

    /// What each cell counts, in the order of the labels.
    pub fn sizes(&self) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.edges.windows(2).map(|w| self.measure(w[0], w[1])).collect();
        if self.descends {
            sizes.reverse();
        }
        sizes
    }

    /// A run of ascending cells as a run of labels.
    fn run(&self, first: usize, mut weights: Vec<f64>) -> (usize, Vec<f64>) {
        if !self.descends || weights.is_empty() {
            return (first, weights);
        }
        weights.reverse();
        let n = self.len();
        // The last of the run comes first, counted from the other end; runs may go around.
        ((2 * n - first - weights.len()) % n, weights)
    }

    /// Whether a full turn brings longitudes back to the first.
    fn goes_around(&self) -> bool {
        let width = self.edges[self.len()] - self.edges[0];
        let step = width / self.len() as f64;
        self.kind == Horizontal::Longitude && (width - 360.0).abs() < 0.5 * step
    }

    /// For each cell of `to`: the cells of `self` that it overlaps, weighted by how much (first order conservative, Jones 1999).
    pub fn overlaps(&self, to: &Axis, periodic: bool) -> Weights {
        let turns: &[f64] = if periodic && self.kind == Horizontal::Longitude { &[-720.0, -360.0, 0.0, 360.0, 720.0] } else { &[0.0] };
        let n = self.len();
        let mut runs = vec![];
        for j in 0..to.len() {
            let at = if to.descends { to.len() - 1 - j } else { j };
            let (a, b) = (to.edges[at], to.edges[at + 1]);
            // Overlaps by source cell, in the order in which they lie on the circle.
            let mut found: Vec<(usize, f64)> = vec![];
            for turn in turns.iter().rev() {
                let (a, b) = (a + turn, b + turn);
                let mut i = self.edges.partition_point(|e| *e <= a).saturating_sub(1);
                while i < n && self.edges[i] < b {
                    let (low, high) = (self.edges[i].max(a), self.edges[i + 1].min(b));
                    // Edges that are the same but for rounding do not overlap.
                    if high - low > ROUNDING * (self.edges[i + 1] - self.edges[i]).min(b - a) {
                        found.push((i, self.measure(low, high)));
                    }
                    i += 1;
                }
            }
            runs.push(self.joined(&found));
        }
        Weights::new(n, &runs)
    }

    /// Cells that follow each other, around the end if need be, as one run; what lies between gets no weight.
    fn joined(&self, found: &[(usize, f64)]) -> (usize, Vec<f64>) {
        let n = self.len();
        let Some(&(first, _)) = found.first() else { return (0, vec![]) };
        let mut weights: Vec<f64> = vec![];
        for &(i, w) in found {
            let place = (i + n - first) % n;
            if weights.len() <= place {
                weights.resize(place + 1, 0.0);
            }
            weights[place] += w;
        }
        self.run(first, weights)
    }

    /// For each label of `to`: the two labels around it, weighted by nearness; none outside.
    pub fn neighbours(&self, to: &Axis, periodic: bool) -> Weights {
        let mut sorted = self.centres.clone();
        if self.descends {
            sorted.reverse();
        }
        let n = sorted.len();
        let around = periodic && self.goes_around();
        let turns = periodic && self.kind == Horizontal::Longitude;
        let mut runs = vec![];
        let step = (sorted[n - 1] - sorted[0]) / (n - 1) as f64;
        let near = ROUNDING * step;
        for &x in &to.centres {
            let x = if turns { turned(x, sorted[0] - near) } else { x };
            let after = sorted.partition_point(|c| *c <= x + near);
            let run = match after {
                0 => (0, vec![]),
                _ if (x - sorted[after - 1]).abs() <= near => (after - 1, vec![1.0]),
                _ if after < n => {
                    let share = (x - sorted[after - 1]) / (sorted[after] - sorted[after - 1]);
                    (after - 1, vec![1.0 - share, share])
                }
                _ if around => {
                    let share = (x - sorted[n - 1]) / (sorted[0] + 360.0 - sorted[n - 1]);
                    (n - 1, vec![1.0 - share, share])
                }
                _ => (0, vec![]),
            };
            runs.push(self.run(run.0, run.1));
        }
        Weights::new(n, &runs)
    }

    /// For each label of `to`: the position of the nearest label, of two that are as near the larger; `-1` outside of all cells.
    pub fn nearest(&self, to: &Axis, periodic: bool) -> Vec<i64> {
        let turns = periodic && self.kind == Horizontal::Longitude;
        let n = self.len();
        let near = ROUNDING * (self.edges[n] - self.edges[0]) / n as f64;
        let nearest = |x: f64| {
            let x = if turns { turned(x, self.edges[0] - near) } else { x };
            if x < self.edges[0] - near || x > self.edges[n] + near {
                return -1;
            }
            // Edges lie half way between labels: the cell that holds it is that of the nearest one.
            let at = self.edges.partition_point(|e| *e <= x + near).saturating_sub(1).min(n - 1);
            (if self.descends { n - 1 - at } else { at }) as i64
        };
        to.centres.iter().map(|&x| nearest(x)).collect()
    }
}

/// A longitude in the turn that begins at `start`.
fn turned(x: f64, start: f64) -> f64 {
    start + (x - start).rem_euclid(360.0)
}

/// Half way between ascending labels, and as far beyond the first and last.
fn edges(centres: &[f64], kind: Horizontal) -> Vec<f64> {
    let n = centres.len();
    let mut edges = vec![centres[0] - (centres[1] - centres[0]) / 2.0];
    edges.extend(centres.windows(2).map(|w| w[0] + (w[1] - w[0]) / 2.0));
    edges.push(centres[n - 1] + (centres[n - 1] - centres[n - 2]) / 2.0);
    if kind == Horizontal::Latitude {
        edges.iter_mut().for_each(|e| *e = e.clamp(-90.0, 90.0));
    }
    edges
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_kernels::Block;
    use xeng_proto::{Attrs, Values};

    fn axis(name: &str, centres: &[f64]) -> Axis {
        let coord = LazyCoord::along(name, Values::Numbers(Block::from_vec(&[centres.len()], centres.to_vec()).unwrap()), Attrs::new());
        Axis::of(name, &coord, kind_of(name, &coord)).unwrap()
    }

    fn range(from: f64, step: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| from + step * i as f64).collect()
    }

    /// What all cells get from each source cell is that cell, whatever the order of either grid.
    #[test]
    fn overlaps_conserve() {
        let cases = [
            (axis("lat", &range(90.0, -0.5, 361)), axis("lat", &range(-88.0, 4.0, 45))),
            (axis("lat", &range(-87.5, 5.0, 36)), axis("lat", &range(89.5, -1.0, 180))),
            (axis("lon", &range(0.0, 0.25, 1440)), axis("lon", &range(-180.0, 1.0, 360))),
            (axis("lon", &range(179.0, -2.0, 180)), axis("lon", &range(1.5, 3.0, 120))),
            (axis("lon", &range(-10.0, 7.2, 50)), axis("lon", &range(0.0, 360.0 / 7.0, 7))),
        ];
        for (from, to) in cases {
            let weights = from.overlaps(&to, true);
            weights.check(from.len()).unwrap();
            let mut got = vec![0.0; from.len()];
            let (mut k, all) = (0, weights.all());
            for (first, n) in weights.first().iter().zip(weights.lengths()) {
                for i in 0..n {
                    got[(first + i) % from.len()] += all[k];
                    k += 1;
                }
            }
            for (got, size) in got.iter().zip(from.sizes()) {
                assert!((got - size).abs() < 1e-12 * 360.0, "{got} {size}");
            }
        }
    }

    #[test]
    fn neighbours_go_around_only_where_the_grid_does() {
        let globe = axis("lon", &range(0.0, 90.0, 4));
        let to = axis("lon", &[-45.0, 300.0]);
        assert_eq!(globe.neighbours(&to, true).lengths(), [2, 2]);
        assert_eq!(globe.neighbours(&to, true).all()[..2], [0.5, 0.5]);
        assert_eq!(globe.neighbours(&to, false).lengths(), [0, 0]);
        let region = axis("lon", &[10.0, 20.0, 30.0]);
        assert_eq!(region.neighbours(&axis("lon", &[-345.0, 35.0]), true).lengths(), [2, 0]);
        assert_eq!(globe.nearest(&axis("lon", &[-44.0, 350.0]), true), [0, 0]);
        assert_eq!(region.nearest(&axis("lon", &[-346.0, -340.0]), true), [0, 1]);
        assert_eq!(region.nearest(&axis("lon", &[35.5, 200.0]), true), [-1, -1]);
        assert_eq!(region.neighbours(&region, true).all(), [1.0, 1.0, 1.0]);
    }

    /// Labels that are the same but for rounding get the cell itself, and nothing of its neighbours.
    #[test]
    fn rounding_makes_no_neighbours() {
        let from = axis("lon", &range(0.0, 0.3, 1200));
        let to = axis("lon", &range(-180.0, 0.3, 1200));
        assert!(from.overlaps(&to, true).lengths().iter().all(|n| *n == 1));
        assert!(from.neighbours(&to, true).lengths().iter().all(|n| *n == 1));
        let single: Vec<f64> = range(-4.8, 0.25, 20).iter().map(|x| f64::from(*x as f32)).collect();
        let (wide, held) = (axis("lon", &range(-4.8, 0.25, 20)), axis("lon", &single));
        assert!(held.neighbours(&wide, true).lengths().iter().all(|n| *n == 1));
        assert!(wide.nearest(&held, true).iter().enumerate().all(|(i, at)| i as i64 == *at));
    }

    #[test]
    fn descending_labels_are_met_in_their_order() {
        let from = axis("lat", &[60.0, 20.0, -20.0, -60.0]);
        let weights = from.neighbours(&axis("lat", &[50.0, -60.0]), true);
        assert_eq!(weights.first(), [0, 3]);
        assert_eq!(weights.all(), [0.75, 0.25, 1.0]);
        assert!((from.sizes().iter().sum::<f64>() - 2.0 * 80f64.to_radians().sin()).abs() < 1e-15);
    }
}
