//! Draws one field of numbers in a box: cells, coastlines, frame, marks.
//!
//! In: two axes, the cells between them, a box. Out: ink on a canvas. Never picks colours.

use super::axis::{Axis, Kind};
use super::canvas::{Anchor, Canvas, Font2, Frame, GREY, INK, raster_size};
use super::coast;
use super::shades::Shades;
use super::ticks::Tick;

/// Labels below this size belong to one of several panels.
const SMALL: f32 = 8.0;

/// A field of numbers over two axes.
pub(super) struct Panel<'a> {
    pub(super) x: &'a Axis,
    pub(super) y: &'a Axis,
    /// Cells, `y` slower than `x`.
    pub(super) cells: Vec<f64>,
    pub(super) title: String,
}

/// The range of an axis as drawn: from left to right, or from bottom to top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Span {
    /// Ascending, except where a vertical axis grows downwards.
    pub(super) fn of(axis: &Axis) -> Span {
        let edges = axis.edges();
        let (a, b) = (edges[0], edges[edges.len() - 1]);
        let (low, high) = (a.min(b), a.max(b));
        if matches!(axis.kind, Kind::Vertical { down: true }) { Span { from: high, to: low } } else { Span { from: low, to: high } }
    }

    /// Between 0 (from) and 1 (to).
    pub(super) fn part(self, at: f64) -> f32 {
        ((at - self.from) / (self.to - self.from)) as f32
    }

    pub(super) fn low(self) -> f64 {
        self.from.min(self.to)
    }

    pub(super) fn high(self) -> f64 {
        self.from.max(self.to)
    }
}

/// Which marks an axis shows beside the box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Labels {
    pub(super) x: bool,
    pub(super) y: bool,
    pub(super) size: f32,
}

/// Draws a panel into `frame`.
pub(super) fn draw(canvas: &mut Canvas, panel: &Panel<'_>, shades: &Shades, frame: Frame, labels: Labels) {
    let (x, y) = (Span::of(panel.x), Span::of(panel.y));
    let (columns, rows) = raster_size(frame);
    let across = cell_ranges(panel.x, x, columns);
    let down: Vec<(usize, usize)> = cell_ranges(panel.y, y, rows).into_iter().rev().collect();
    let width = panel.x.centres.len();
    canvas.raster(frame, |column, row| shades.color(mean(&panel.cells, width, across[column], down[row])));
    let is_map = panel.x.kind == Kind::Longitude && panel.y.kind == Kind::Latitude;
    let small = labels.size < SMALL;
    let counts = counts(frame, labels.size, panel);
    let (marks_x, marks_y) = (panel.x.ticks(x.low(), x.high(), counts.0), panel.y.ticks(y.low(), y.high(), counts.1));
    canvas.clip(Some(frame));
    if is_map {
        grid(canvas, frame, x, y, &marks_x, &marks_y);
        coast::draw(canvas, frame, x, y, if small { 0.45 } else { 0.7 });
    }
    canvas.clip(None);
    canvas.outline(frame, 0.8, INK);
    draw_marks(canvas, frame, (x, &marks_x), (y, &marks_y), labels);
    if labels.y && !panel.y.title.is_empty() {
        canvas.text_upwards(frame.left - 44.0, frame.top + frame.height / 2.0, &panel.y.title, look(labels.size));
    }
    if labels.x && !panel.x.title.is_empty() {
        canvas.text(frame.left + frame.width / 2.0, frame.bottom() + 31.0, &panel.x.title, Anchor::Middle, look(labels.size));
    }
}

/// How many marks fit without crowding.
fn counts(frame: Frame, size: f32, panel: &Panel<'_>) -> (usize, usize) {
    let wide = if matches!(panel.x.kind, Kind::Time(_)) { 8.5 } else { 7.0 };
    (((frame.width / (size * wide)) as usize).clamp(2, 9), ((frame.height / (size * 2.6)) as usize).clamp(2, 7))
}

fn grid(canvas: &mut Canvas, frame: Frame, x: Span, y: Span, marks_x: &[Tick], marks_y: &[Tick]) {
    for mark in marks_x {
        let at = frame.left + x.part(mark.at) * frame.width;
        canvas.line(&[(at, frame.top), (at, frame.bottom())], 0.4, INK, 0.16);
    }
    for mark in marks_y {
        let at = frame.bottom() - y.part(mark.at) * frame.height;
        canvas.line(&[(frame.left, at), (frame.right(), at)], 0.4, INK, 0.16);
    }
}

pub(super) fn look(size: f32) -> Font2 {
    Font2 { size, color: INK, bold: false }
}

/// Marks and labels below and to the left of a box.
pub(super) fn draw_marks(canvas: &mut Canvas, frame: Frame, x: (Span, &[Tick]), y: (Span, &[Tick]), labels: Labels) {
    for mark in x.1 {
        let at = frame.left + x.0.part(mark.at) * frame.width;
        canvas.line(&[(at, frame.bottom()), (at, frame.bottom() + 3.5)], 0.8, INK, 1.0);
        if labels.x && stays(canvas, frame, at, &mark.label, labels.size) {
            canvas.text(at, frame.bottom() + 6.0 + labels.size, &mark.label, Anchor::Middle, look(labels.size));
        }
    }
    for mark in y.1 {
        let at = frame.bottom() - y.0.part(mark.at) * frame.height;
        canvas.line(&[(frame.left - 3.5, at), (frame.left, at)], 0.8, INK, 1.0);
        if labels.y {
            canvas.text(frame.left - 6.5, at + labels.size * 0.36, &mark.label, Anchor::End, look(labels.size));
        }
    }
}

/// Whether a label below a small panel stays clear of those of its neighbours.
fn stays(canvas: &Canvas, frame: Frame, at: f32, label: &str, size: f32) -> bool {
    const ROOM: f32 = 5.0;
    let half = canvas.text_width(label, look(size)) / 2.0;
    size >= SMALL || (at - half >= frame.left - ROOM && at + half <= frame.right() + ROOM)
}

/// For each pixel along an axis, the cells that it covers: `[first, last)`.
fn cell_ranges(axis: &Axis, span: Span, pixels: usize) -> Vec<(usize, usize)> {
    let edges = axis.edges();
    let cells = axis.centres.len();
    let descending = edges[0] > edges[cells];
    let cell = |at: f64| {
        let beyond = if descending { edges.partition_point(|e| *e > at) } else { edges.partition_point(|e| *e <= at) };
        beyond.saturating_sub(1).min(cells - 1)
    };
    let at = |pixel: f64| span.from + (span.to - span.from) * pixel / pixels.max(1) as f64;
    // A pixel shows the cell at its middle, and the mean of all cells whose middles it holds where there are several.
    (0..pixels)
        .map(|p| {
            let (a, b) = (cell(at(p as f64 + 1e-9)), cell(at(p as f64 + 1.0 - 1e-9)));
            let (low, high) = (a.min(b), a.max(b));
            let middle = cell(at(p as f64 + 0.5));
            if high - low < 2 { (middle, middle + 1) } else { (low, high + 1) }
        })
        .collect()
}

fn mean(cells: &[f64], width: usize, across: (usize, usize), down: (usize, usize)) -> f64 {
    if across.1 - across.0 == 1 && down.1 - down.0 == 1 {
        return cells[down.0 * width + across.0];
    }
    let (mut sum, mut count) = (0.0, 0u32);
    for row in down.0..down.1 {
        for value in &cells[row * width + across.0..row * width + across.1] {
            if !value.is_nan() {
                sum += value;
                count += 1;
            }
        }
    }
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

/// The colour bar to the right of `frame`, with its units.
pub(super) fn colour_bar(canvas: &mut Canvas, shades: &Shades, frame: Frame, units: &str) {
    let tip = 9.0;
    let top = if shades.above { frame.top + tip } else { frame.top };
    let bottom = if shades.below { frame.bottom() - tip } else { frame.bottom() };
    let bar = Frame { left: frame.left, top, width: frame.width, height: bottom - top };
    let (_, rows) = raster_size(bar);
    canvas.raster(bar, |_, row| shades.at(1.0 - (row as f64 + 0.5) / rows.max(1) as f64));
    let (left, right, middle) = (bar.left, bar.right(), bar.left + bar.width / 2.0);
    let mut outline = vec![(left, top), (left, bottom)];
    if shades.below {
        canvas.polygon(&[(left, bottom - 0.3), (middle, bottom + tip), (right, bottom - 0.3)], shades.map.at(0.0));
        outline.push((middle, bottom + tip));
    }
    outline.extend([(right, bottom), (right, top)]);
    if shades.above {
        canvas.polygon(&[(left, top + 0.3), (middle, top - tip), (right, top + 0.3)], shades.map.at(1.0));
        outline.push((middle, top - tip));
    }
    outline.extend([(left, top), (left, top + 1.0)]);
    canvas.line(&outline, 0.8, INK, 1.0);
    let mut widest = 0f32;
    let truths = || [(0.0, "false"), (1.0, "true")].map(|(at, label)| Tick { at, label: label.to_owned() }).to_vec();
    let marks = if shades.is_two { truths() } else { super::ticks::numbers(shades.low, shades.high, 7) };
    for mark in marks {
        let at = bottom - ((mark.at - shades.low) / (shades.high - shades.low)) as f32 * (bottom - top);
        canvas.line(&[(right, at), (right + 3.5, at)], 0.8, INK, 1.0);
        canvas.text(right + 6.5, at + 3.2, &mark.label, Anchor::Start, look(9.0));
        widest = widest.max(canvas.text_width(&mark.label, look(9.0)));
    }
    if !units.is_empty() {
        canvas.text_upwards(right + 6.5 + widest + 14.0, frame.top + frame.height / 2.0, units, look(10.0));
    }
}

/// A small grey line of text.
pub(super) fn small(color: super::canvas::Rgb) -> Font2 {
    Font2 { size: 8.5, color, bold: false }
}

/// A box in the colour of missing cells, and what it means; returns the width taken, right-aligned at `right`.
pub(super) fn missing_note(canvas: &mut Canvas, right: f32, baseline: f32) {
    canvas.text(right, baseline, "no data", Anchor::End, small(GREY));
    let width = canvas.text_width("no data", small(GREY));
    let swatch = Frame { left: right - width - 17.0, top: baseline - 7.5, width: 12.0, height: 8.0 };
    canvas.area(swatch, super::canvas::MISSING);
    canvas.outline(swatch, 0.5, GREY);
}
