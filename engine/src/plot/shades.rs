//! Which colours stand for which numbers.
//!
//! In: the numbers of a picture. Out: limits, a colour map, whether numbers lie beyond the limits. Missing cells have no say.

use super::Middle;
use super::axis::text;
use super::canvas::{MISSING, Rgb};
use super::colors::ColorMap;
use super::ticks::nice_step;
use crate::result::Array;

/// From numbers to colours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shades {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) map: ColorMap,
    /// Some numbers lie below `low`.
    pub(super) below: bool,
    /// Some numbers lie above `high`.
    pub(super) above: bool,
    /// False and true in one colour each, instead of numbers in many.
    pub(super) is_two: bool,
}

/// At most this many numbers are sorted to find percentiles.
const SAMPLE: usize = 400_000;
/// Both signs must have this share of the cells for zero to be the middle.
const SHARE: f64 = 0.05;

/// Of temperatures that are differences, 96 % lie within so many degrees of each other; those of places at one time do not.
const MOST_KELVIN: f64 = 50.0;
const MOST_CELSIUS: f64 = 20.0;
/// Celsius says nothing of an origin: a difference has both signs in about this balance.
const BALANCE: f64 = 0.2;
/// Words that call an array a difference.
const WORDS: [&str; 8] = ["anomal", "differ", "bias", "trend", "change", "tendency", "increment", "departure"];

/// What an array's names and units say of its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// A difference.
    Difference,
    /// A temperature in kelvin: never negative unless it is a difference, or degrees Celsius by another name.
    Kelvin,
    /// A temperature in degrees whose zero is an arbitrary point.
    Celsius,
    /// Anything else.
    Open,
}

impl Sense {
    pub(super) fn of(array: &Array, middle: Middle) -> Sense {
        let named = [array.name.as_deref(), text(&array.attrs, "long_name"), text(&array.attrs, "standard_name")];
        let is_named = |name: &&str| WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
        if middle == Middle::Zero || named.iter().flatten().any(is_named) {
            return Sense::Difference;
        }
        match text(&array.attrs, "units").unwrap_or_default().trim() {
            "K" | "degK" | "kelvin" | "Kelvin" => Sense::Kelvin,
            "C" | "degC" | "deg_C" | "celsius" | "Celsius" | "°C" | "degrees_C" | "degreesC" | "degree_C" | "degree_Celsius"
            | "degrees_Celsius" => Sense::Celsius,
            "F" | "degF" | "°F" | "degrees_F" | "degree_Fahrenheit" => Sense::Celsius,
            _ => Sense::Open,
        }
    }

    /// Whether zero is the middle, given the shares of either sign and the percentiles that limits are made of.
    fn is_centred(self, negative: f64, positive: f64, (low, high): (f64, f64)) -> bool {
        let both = |share: f64| negative >= share && positive >= share;
        let balance = low.abs().min(high.abs()) / low.abs().max(high.abs());
        match self {
            Sense::Difference => true,
            Sense::Kelvin => both(0.01) && high - low <= MOST_KELVIN,
            Sense::Celsius => both(SHARE) && high - low <= MOST_CELSIUS && balance >= BALANCE,
            Sense::Open => both(SHARE),
        }
    }
}

impl Shades {
    /// Limits at the 2nd and 98th percentile, widened to round numbers; zero in the middle of differences and signed quantities.
    ///
    /// What counts as such: an array that is said to be one; a temperature with both signs and a small range; anything else with
    /// a twentieth of its cells on either side of zero. So a map in degrees Celsius keeps the colours of an absolute field.
    pub(super) fn of(cells: &[f64], limits: Option<(f64, f64)>, sense: Sense) -> Shades {
        let step = cells.len().div_ceil(SAMPLE).max(1);
        let mut sample: Vec<f64> = cells.iter().step_by(step).copied().filter(|v| v.is_finite()).collect();
        sample.sort_by(f64::total_cmp);
        let at = |share: f64| sample.get((share * sample.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0);
        let finite = || cells.iter().copied().filter(|v| !v.is_nan());
        let (least, most) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let negative = sample.partition_point(|v| *v < 0.0) as f64 / sample.len().max(1) as f64;
        let positive = (sample.len() - sample.partition_point(|v| *v <= 0.0)) as f64 / sample.len().max(1) as f64;
        // Limits that lie around zero ask for it.
        let diverging = limits.map_or_else(|| sense.is_centred(negative, positive, (at(0.02), at(0.98))), |(low, high)| low == -high);
        let (mut low, mut high) = limits.unwrap_or_else(|| round(at(0.02), at(0.98), diverging));
        if low >= high || low.is_nan() || high.is_nan() {
            (low, high) = (low - 0.5, low + 0.5);
        }
        let map = if diverging { ColorMap::Diverging } else { ColorMap::Sequential };
        Shades { low, high, map, below: least < low, above: most > high, is_two: false }
    }

    /// One colour for false, one for true.
    pub(super) fn two() -> Shades {
        Shades { low: -0.5, high: 1.5, map: ColorMap::Sequential, below: false, above: false, is_two: true }
    }

    /// The colour at a part of the bar, 0 at its foot.
    pub(super) fn at(&self, part: f64) -> Rgb {
        match self.is_two {
            true => self.map.at(if part < 0.5 { 0.15 } else { 0.85 }),
            false => self.map.at(part),
        }
    }

    /// The colour of a number; grey where it is missing.
    pub(super) fn color(&self, value: f64) -> Rgb {
        if value.is_nan() { MISSING } else { self.at((value - self.low) / (self.high - self.low)) }
    }
}

fn round(low: f64, high: f64, diverging: bool) -> (f64, f64) {
    if low >= high || low.is_nan() || high.is_nan() {
        let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        return (low - around, low + around);
    }
    let step = nice_step((high - low) / 8.0) / 2.0;
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    if diverging { (-high.max(-low), high.max(-low)) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_centred_and_outliers_clipped() {
        let mut cells: Vec<f64> = (0..1000).map(|i| f64::from(i) / 100.0 - 3.0).collect();
        cells.push(500.0);
        cells.push(f64::NAN);
        let shades = Shades::of(&cells, None, Sense::Open);
        assert_eq!(shades.map, ColorMap::Diverging);
        assert_eq!(shades.low, -shades.high);
        assert!(shades.above && !shades.below && shades.high < 10.0);
        assert_eq!(shades.color(f64::NAN), MISSING);
    }

    #[test]
    fn limits_around_zero_put_it_in_the_middle() {
        let cells = [1.0, 2.0, 3.0];
        assert_eq!(Shades::of(&cells, Some((-4.0, 4.0)), Sense::Open).map, ColorMap::Diverging);
        assert_eq!(Shades::of(&cells, Some((0.0, 4.0)), Sense::Open).map, ColorMap::Sequential);
    }

    #[test]
    fn constant_and_empty_data_have_limits() {
        for cells in [vec![], vec![f64::NAN], vec![5.0; 3], vec![0.0]] {
            let shades = Shades::of(&cells, None, Sense::Open);
            assert!(shades.low < shades.high, "{cells:?}");
        }
        assert_eq!(Shades::of(&[270.0, 280.0, 290.0], None, Sense::Open).map, ColorMap::Sequential);
    }

    #[test]
    fn temperatures_are_no_differences_because_celsius_has_a_zero() {
        let ramp = |low: f64, high: f64| (0..=100).map(|i| low + (high - low) * f64::from(i) / 100.0).collect::<Vec<_>>();
        let map = |low, high, sense| Shades::of(&ramp(low, high), None, sense).map;
        assert_eq!(map(-1.8, 30.0, Sense::Celsius), ColorMap::Sequential);
        assert_eq!(map(-50.0, 30.0, Sense::Celsius), ColorMap::Sequential);
        assert_eq!(map(-50.0, 30.0, Sense::Kelvin), ColorMap::Sequential);
        assert_eq!(map(220.0, 300.0, Sense::Kelvin), ColorMap::Sequential);
        assert_eq!(map(0.0, 9.0, Sense::Kelvin), ColorMap::Sequential);
        assert_eq!(map(-1.0, 8.0, Sense::Kelvin), ColorMap::Diverging);
        assert_eq!(map(-2.0, 3.0, Sense::Celsius), ColorMap::Diverging);
        assert_eq!(map(-10.0, 45.0, Sense::Open), ColorMap::Diverging);
        let warming = Shades::of(&ramp(1.0, 8.0), None, Sense::Difference);
        assert_eq!((warming.map, warming.low), (ColorMap::Diverging, -warming.high));
    }

    #[test]
    fn names_units_and_the_user_tell_a_difference() {
        let array = |name: &str, units: &str| Array {
            name: Some(name.to_owned()),
            dims: vec![],
            shape: vec![],
            values: xeng_proto::Values::Numbers(xeng_kernels::Block::scalar(1.0)),
            attrs: [("units".to_owned(), xeng_proto::AttrValue::Text(units.to_owned()))].into_iter().collect(),
            coords: vec![],
        };
        assert_eq!(Sense::of(&array("tas", "K"), Middle::Guessed), Sense::Kelvin);
        assert_eq!(Sense::of(&array("tas_anomaly", "K"), Middle::Guessed), Sense::Difference);
        assert_eq!(Sense::of(&array("tas", "degC"), Middle::Zero), Sense::Difference);
        assert_eq!(Sense::of(&array("sst", "degC"), Middle::Guessed), Sense::Celsius);
        assert_eq!(Sense::of(&array("ua", "m s-1"), Middle::Guessed), Sense::Open);
    }
}
