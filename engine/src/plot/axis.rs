//! The axes of a picture: positions of cells, what kind of quantity they are, and their labels.
//!
//! In: a dimension and its coordinate. Out: centres and edges in ascending or descending order. Never reorders cells.

use super::ticks::{self, Tick};
use super::{PlotError, words};
use crate::result::{Array, Coordinate};
use xeng_kernels::Calendar;
use xeng_proto::{AttrValue, Attrs, Values};

/// What the positions along an axis are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Latitude,
    Longitude,
    /// A height or depth; whether it grows downwards.
    Vertical {
        down: bool,
    },
    Time(Calendar),
    Number,
    Texts(Vec<String>),
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) dim: String,
    pub(super) kind: Kind,
    pub(super) title: String,
    /// Positions of the cells' centres, strictly monotonic.
    pub(super) centres: Vec<f64>,
}

/// The text of an attribute.
pub(super) fn text<'a>(attrs: &'a Attrs, key: &str) -> Option<&'a str> {
    match attrs.get(key) {
        Some(AttrValue::Text(text)) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

impl Axis {
    /// The axis of dimension `axis` of `array`; cells are counted where it has no usable coordinate.
    pub(super) fn of(array: &Array, axis: usize) -> Result<Axis, PlotError> {
        let (dim, length) = (&array.dims[axis], array.shape[axis]);
        if length == 0 {
            return Err(PlotError::Empty { dim: dim.clone() });
        }
        let counted = (0..length).map(|i| i as f64).collect::<Vec<_>>();
        let Some(coord) = array.coords.iter().find(|c| c.name == *dim && c.values.len() == length) else {
            return Ok(Axis { dim: dim.clone(), kind: Kind::Number, title: dim.clone(), centres: counted });
        };
        let (kind, centres) = match &coord.values {
            Values::Texts(texts) => (Kind::Texts(texts.clone()), counted),
            Values::Times(times) => {
                let micros: Vec<f64> = times.micros.iter().map(|&m| if m == i64::MIN { f64::NAN } else { m as f64 }).collect();
                (Kind::Time(times.encoding.calendar), micros)
            }
            Values::Numbers(block) => (kind_of(coord), block.to_f64_vec()),
        };
        let centres = if kind == Kind::Longitude { unwrapped(centres) } else { centres };
        if !is_monotonic(&centres) {
            return Err(PlotError::Order { dim: dim.clone() });
        }
        Ok(Axis { dim: dim.clone(), title: title(coord, &kind), kind, centres })
    }

    /// Borders of the cells: halfway between centres; one more than there are cells.
    pub(super) fn edges(&self) -> Vec<f64> {
        let c = &self.centres;
        let n = c.len();
        if n == 1 {
            return vec![c[0] - 0.5, c[0] + 0.5];
        }
        let mut edges = vec![c[0] - (c[1] - c[0]) / 2.0];
        edges.extend(c.windows(2).map(|w| (w[0] + w[1]) / 2.0));
        edges.push(c[n - 1] + (c[n - 1] - c[n - 2]) / 2.0);
        if self.kind == Kind::Latitude {
            edges.iter_mut().for_each(|e| *e = e.clamp(-90.0, 90.0));
        }
        edges
    }

    /// Marks between two positions.
    pub(super) fn ticks(&self, low: f64, high: f64, count: usize) -> Vec<Tick> {
        match &self.kind {
            Kind::Latitude => ticks::degrees(low, high, count, true),
            Kind::Longitude => ticks::degrees(low, high, count, false),
            Kind::Time(calendar) => ticks::dates(low, high, count, *calendar),
            Kind::Vertical { .. } | Kind::Number => ticks::numbers(low, high, count),
            Kind::Texts(texts) => {
                let every = texts.len().div_ceil(count.max(1)).max(1);
                texts.iter().enumerate().step_by(every).map(|(i, t)| Tick { at: i as f64, label: t.clone() }).collect()
            }
        }
    }
}

fn is_monotonic(centres: &[f64]) -> bool {
    centres.iter().all(|c| c.is_finite()) && (centres.windows(2).all(|w| w[0] < w[1]) || centres.windows(2).all(|w| w[0] > w[1]))
}

/// Longitudes that jump from east to west go on beyond 360 instead.
fn unwrapped(mut centres: Vec<f64>) -> Vec<f64> {
    let mut shift = 0.0;
    for i in 1..centres.len() {
        centres[i] += shift;
        if centres[i] - centres[i - 1] < -180.0 {
            shift += 360.0;
            centres[i] += 360.0;
        }
    }
    centres
}

/// What quantity a coordinate is, by its attributes and name (CF 1.11, sections 4.1 to 4.3).
pub(super) fn kind_of(coord: &Coordinate) -> Kind {
    let name = coord.name.to_ascii_lowercase();
    let units = text(&coord.attrs, "units").unwrap_or_default().trim();
    let standard = text(&coord.attrs, "standard_name").unwrap_or_default();
    let axis = text(&coord.attrs, "axis").unwrap_or_default();
    let is_degree = |side: &str, letter: &str| {
        let short = [format!("degrees_{side}"), format!("degree_{side}"), format!("degrees{letter}"), format!("degree_{letter}")];
        short.iter().any(|s| s == units)
    };
    if standard == "latitude" || is_degree("north", "N") || (matches!(name.as_str(), "lat" | "latitude") && !units.starts_with('m')) {
        return Kind::Latitude;
    }
    if standard == "longitude" || is_degree("east", "E") || (matches!(name.as_str(), "lon" | "longitude") && !units.starts_with('m')) {
        return Kind::Longitude;
    }
    let positive = text(&coord.attrs, "positive").unwrap_or_default();
    let is_pressure = matches!(units, "Pa" | "hPa" | "mb" | "mbar" | "millibar" | "millibars");
    if axis == "Z" || !positive.is_empty() || is_pressure {
        return Kind::Vertical { down: positive.eq_ignore_ascii_case("down") || is_pressure };
    }
    Kind::Number
}

fn title(coord: &Coordinate, kind: &Kind) -> String {
    if matches!(kind, Kind::Latitude | Kind::Longitude | Kind::Time(_)) {
        return String::new();
    }
    words::with_units(text(&coord.attrs, "long_name").unwrap_or(&coord.name), text(&coord.attrs, "units"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longitudes_go_on_across_the_date_line() {
        assert_eq!(unwrapped(vec![170.0, 180.0, -170.0, -160.0]), [170.0, 180.0, 190.0, 200.0]);
        assert!(!is_monotonic(&[0.0, 0.0]));
        assert!(!is_monotonic(&[0.0, f64::NAN]));
    }

    #[test]
    fn edges_stop_at_the_poles() {
        let axis = Axis { dim: "lat".into(), kind: Kind::Latitude, title: String::new(), centres: vec![90.0, 0.0, -90.0] };
        assert_eq!(axis.edges(), [90.0, 45.0, -45.0, -90.0]);
    }
}
