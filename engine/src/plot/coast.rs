//! Coastlines on an equirectangular map.
//!
//! In: the box of a map and its ranges. Out: lines, repeated every 360 degrees as the range asks. Data: Natural Earth, 1:110 million.

use super::canvas::{Canvas, Frame};
use super::panel::Span;

static COASTLINES: &[u8] = include_bytes!("../../assets/coastlines.bin");

/// Draws the coastlines; the caller clips to the box.
pub(super) fn draw(canvas: &mut Canvas, frame: Frame, x: Span, y: Span, width: f32) {
    let turns = ((x.low() - 180.0) / 360.0).floor() as i32..=((x.high() + 180.0) / 360.0).ceil() as i32;
    for line in lines(COASTLINES) {
        for turn in turns.clone().filter(|t| t.abs() < 8) {
            let shift = f64::from(turn) * 360.0;
            let (west, east) = line.iter().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.0), b.max(p.0)));
            if east + shift < x.low() || west + shift > x.high() {
                continue;
            }
            let place =
                |&(lon, lat): &(f64, f64)| (frame.left + x.part(lon + shift) * frame.width, frame.bottom() - y.part(lat) * frame.height);
            canvas.line(&line.iter().map(place).collect::<Vec<_>>(), width, [24, 24, 28], 0.85);
        }
    }
}

/// The coastlines of the world as longitudes and latitudes in degrees, 180 W to 180 E.
pub(crate) fn coastline() -> Vec<Vec<(f64, f64)>> {
    lines(COASTLINES)
}

/// The lines of the asset, in degrees; see its README for the layout.
fn lines(bytes: &[u8]) -> Vec<Vec<(f64, f64)>> {
    let mut numbers = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
    let count = numbers.next().unwrap_or(0);
    let mut lines = vec![];
    for _ in 0..count {
        let points = numbers.next().unwrap_or(0);
        let mut degree = || f64::from(numbers.next().unwrap_or(0)) / 100.0;
        lines.push((0..points).map(|_| (degree(), degree())).collect());
    }
    lines
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_asset_covers_the_world() {
        let lines = super::lines(super::COASTLINES);
        let points: Vec<(f64, f64)> = lines.into_iter().flatten().collect();
        assert_eq!(points.len() * 4 + 2 * 128 + 2, super::COASTLINES.len());
        assert!(points.iter().all(|p| p.0.abs() <= 180.0 && p.1.abs() <= 90.0));
        assert!(points.iter().any(|p| p.0 < -160.0) && points.iter().any(|p| p.0 > 160.0 && p.1 > 60.0));
    }
}
