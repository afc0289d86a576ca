//! Draws arrays of one dimension as lines.
//!
//! In: an axis and series of numbers. Out: a whole picture's content. Missing cells interrupt the line.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Frame, GREY, Rgb};
use super::panel::{Labels, Span, draw_marks, look, small};
use super::ticks;

/// A line and its label.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) cells: Vec<f64>,
}

/// Distinct for most colour-blind readers: Okabe and Ito.
const COLORS: [Rgb; 6] = [[0, 94, 162], [213, 94, 0], [0, 140, 105], [180, 100, 150], [86, 160, 210], [200, 140, 0]];
/// Up to here each cell has a dot.
const DOTS: usize = 40;

/// Draws the series into `frame`, the marks outside of it.
pub(super) fn draw(canvas: &mut Canvas, axis: &Axis, series: &[Series], frame: Frame, quantity: &str) {
    let x = x_span(axis);
    let y = y_span(series);
    let marks_x = axis.ticks(x.low(), x.high(), if axis.title.is_empty() { 8 } else { 9 });
    let marks_y = ticks::numbers(y.low(), y.high(), 6);
    for mark in &marks_y {
        let at = frame.bottom() - y.part(mark.at) * frame.height;
        canvas.line(&[(frame.left, at), (frame.right(), at)], 0.6, GREY, 0.25);
    }
    canvas.clip(Some(frame));
    for (i, one) in series.iter().enumerate() {
        let place = |(&at, &value): (&f64, &f64)| (frame.left + x.part(at) * frame.width, frame.bottom() - y.part(value) * frame.height);
        let points: Vec<(f32, f32)> = axis.centres.iter().zip(&one.cells).map(place).collect();
        let color = COLORS[i % COLORS.len()];
        canvas.line(&points, 1.7, color, 1.0);
        for (n, &(px, py)) in points.iter().enumerate() {
            let alone = |n: Option<usize>| n.and_then(|n| points.get(n)).is_none_or(|p| !p.1.is_finite());
            if py.is_finite() && (points.len() <= DOTS || (alone(n.checked_sub(1)) && alone(Some(n + 1)))) {
                canvas.disc(px, py, 2.6, color);
            }
        }
    }
    canvas.clip(None);
    let ink = super::canvas::INK;
    canvas.line(&[(frame.left, frame.top), (frame.left, frame.bottom()), (frame.right(), frame.bottom())], 0.9, ink, 1.0);
    draw_marks(canvas, frame, (x, &marks_x), (y, &marks_y), Labels { x: true, y: true, size: 9.5 });
    let widest = marks_y.iter().map(|m| canvas.text_width(&m.label, look(9.5))).fold(0.0, f32::max);
    canvas.text_upwards(frame.left - widest - 16.0, frame.top + frame.height / 2.0, quantity, look(10.5));
    canvas.text(frame.left + frame.width / 2.0, frame.bottom() + 34.0, &axis.title, Anchor::Middle, look(10.5));
    if series.len() > 1 {
        legend(canvas, series, frame);
    }
}

fn legend(canvas: &mut Canvas, series: &[Series], frame: Frame) {
    let mut right = frame.right();
    for (i, one) in series.iter().enumerate().rev() {
        canvas.text(right, frame.top - 8.0, &one.label, Anchor::End, small(super::canvas::INK));
        right -= canvas.text_width(&one.label, small(GREY)) + 5.0;
        canvas.line(&[(right - 16.0, frame.top - 11.0), (right, frame.top - 11.0)], 2.0, COLORS[i % COLORS.len()], 1.0);
        right -= 30.0;
    }
}

fn x_span(axis: &Axis) -> Span {
    let (first, last) = (axis.centres[0], axis.centres[axis.centres.len() - 1]);
    let (low, high) = (first.min(last), first.max(last));
    let room = if high > low { (high - low) * 0.015 } else { 0.5 };
    Span { from: low - room, to: high + room }
}

fn y_span(series: &[Series]) -> Span {
    let cells = || series.iter().flat_map(|s| &s.cells).copied().filter(|v| v.is_finite());
    let (low, high) = cells().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return Span { from: 0.0, to: 1.0 };
    }
    let room = if high > low { (high - low) * 0.06 } else { low.abs().max(1.0) * 0.1 };
    Span { from: low - room, to: high + room }
}
