//! Which colours stand for which numbers.
//!
//! In: the numbers of a picture. Out: limits, a colour map, whether numbers lie beyond the limits. Missing cells have no say.

use super::canvas::{MISSING, Rgb};
use super::colors::ColorMap;
use super::ticks::nice_step;

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
}

/// At most this many numbers are sorted to find percentiles.
const SAMPLE: usize = 400_000;
/// Both signs must have this share of the cells for zero to be the middle.
const SHARE: f64 = 0.05;

impl Shades {
    /// Limits at the 2nd and 98th percentile, widened to round numbers; zero in the middle where both signs are common.
    pub(super) fn of(cells: &[f64], limits: Option<(f64, f64)>) -> Shades {
        let step = cells.len().div_ceil(SAMPLE).max(1);
        let mut sample: Vec<f64> = cells.iter().step_by(step).copied().filter(|v| v.is_finite()).collect();
        sample.sort_by(f64::total_cmp);
        let at = |share: f64| sample.get((share * sample.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0);
        let finite = || cells.iter().copied().filter(|v| !v.is_nan());
        let (least, most) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let negative = sample.partition_point(|v| *v < 0.0) as f64 / sample.len().max(1) as f64;
        let positive = (sample.len() - sample.partition_point(|v| *v <= 0.0)) as f64 / sample.len().max(1) as f64;
        // Limits that lie around zero ask for it.
        let diverging = limits.map_or(negative >= SHARE && positive >= SHARE, |(low, high)| low == -high);
        let (mut low, mut high) = limits.unwrap_or_else(|| round(at(0.02), at(0.98), diverging));
        if low >= high || low.is_nan() || high.is_nan() {
            (low, high) = (low - 0.5, low + 0.5);
        }
        let map = if diverging { ColorMap::Diverging } else { ColorMap::Sequential };
        Shades { low, high, map, below: least < low, above: most > high }
    }

    /// The colour of a number; grey where it is missing.
    pub(super) fn color(&self, value: f64) -> Rgb {
        if value.is_nan() { MISSING } else { self.map.at((value - self.low) / (self.high - self.low)) }
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
        let shades = Shades::of(&cells, None);
        assert_eq!(shades.map, ColorMap::Diverging);
        assert_eq!(shades.low, -shades.high);
        assert!(shades.above && !shades.below && shades.high < 10.0);
        assert_eq!(shades.color(f64::NAN), MISSING);
    }

    #[test]
    fn limits_around_zero_put_it_in_the_middle() {
        let cells = [1.0, 2.0, 3.0];
        assert_eq!(Shades::of(&cells, Some((-4.0, 4.0))).map, ColorMap::Diverging);
        assert_eq!(Shades::of(&cells, Some((0.0, 4.0))).map, ColorMap::Sequential);
    }

    #[test]
    fn constant_and_empty_data_have_limits() {
        for cells in [vec![], vec![f64::NAN], vec![5.0; 3], vec![0.0]] {
            let shades = Shades::of(&cells, None);
            assert!(shades.low < shades.high, "{cells:?}");
        }
        assert_eq!(Shades::of(&[270.0, 280.0, 290.0], None).map, ColorMap::Sequential);
    }
}
