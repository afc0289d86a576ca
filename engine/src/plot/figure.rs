//! Lays out a picture: what is drawn where.
//!
//! In: an outcome. Out: PNG bytes. Never more than [`MOST_PANELS`] panels.

use super::axis::{Axis, Kind, kind_of, text};
use super::canvas::{Anchor, Canvas, Font2, Frame, GREY, INK};
use super::lines::{self, Series};
use super::panel::{self, Labels, Panel, Span, small};
use super::shades::{Sense, Shades};
use super::{Middle, PlotError, Style, words};
use crate::result::{Array, Outcome};
use xeng_kernels::DType;
use xeng_proto::Values;

/// A page shows at most this many panels.
const MOST_PANELS: usize = 12;
/// A second dimension of at most this length makes lines rather than a heat map.
const MOST_LINES: usize = 6;

/// Draws `outcome` and encodes it as PNG.
///
/// Dimensions of length 1 are left out and told in the subtitle. Then, by what remains: one dimension is a line; latitude and
/// longitude a map; a long and a short dimension several lines; two other dimensions a heat map; more dimensions one panel for each
/// position of those that are not latitude and longitude (or not the last two).
///
/// # Errors
/// A [`PlotError`] that tells why there is no picture of this result.
pub fn png(outcome: &Outcome, style: &Style) -> Result<Vec<u8>, PlotError> {
    if !(400..=8000).contains(&style.width_px) || !(300..=8000).contains(&style.height_px) {
        return Err(PlotError::Canvas(format!("{} x {} pixels", style.width_px, style.height_px)));
    }
    let array = single(outcome)?;
    let cells = match &array.values {
        Values::Numbers(block) => block.to_f64_vec(),
        Values::Times(_) => return Err(PlotError::Cells { what: "times" }),
        Values::Texts(_) => return Err(PlotError::Cells { what: "texts" }),
    };
    let axes: Vec<usize> = (0..array.dims.len()).filter(|&a| array.shape[a] != 1).collect();
    if let Some(&a) = axes.iter().find(|&&a| array.shape[a] == 0) {
        return Err(PlotError::Empty { dim: array.dims[a].clone() });
    }
    let mut canvas = Canvas::new(style.width_px, style.height_px)?;
    head(&mut canvas, array, style);
    match axes.as_slice() {
        [] => return Err(PlotError::Scalar),
        [one] => draw_lines(&mut canvas, array, &cells, *one, None)?,
        [a, b] if let Some((long, short)) = line_axes(array, *a, *b)? => draw_lines(&mut canvas, array, &cells, long, Some(short))?,
        _ => draw_panels(&mut canvas, array, &cells, &axes, style)?,
    }
    canvas.png()
}

fn single(outcome: &Outcome) -> Result<&Array, PlotError> {
    match crate::output::arrays(outcome) {
        [one] => Ok(one),
        several => {
            let names: Vec<&str> = several.iter().filter_map(|a| a.name.as_deref()).collect();
            Err(PlotError::Several { names: names.join(", ") })
        }
    }
}

fn head(canvas: &mut Canvas, array: &Array, style: &Style) {
    let own = || if style.middle == Middle::Zero { words::difference_title(array) } else { words::title(array) };
    let title = style.title.as_deref().map_or_else(own, |t| words::short(t, 90));
    canvas.text(40.0, 32.0, &title, Anchor::Start, Font2 { size: 16.0, color: INK, bold: true });
    let scalars = array.coords.iter().filter(|c| c.values.len() == 1).map(|c| words::position(c, 0));
    let curved = array.coords.iter().any(|c| c.dims.len() == 2 && matches!(kind_of(c), Kind::Latitude | Kind::Longitude));
    let note = curved.then(|| "drawn cell by cell: latitudes and longitudes are two-dimensional".to_owned());
    let subtitle = words::short(&scalars.chain(note).collect::<Vec<_>>().join("  ·  "), 120);
    canvas.text(40.0, 49.0, &subtitle, Anchor::Start, Font2 { size: 10.0, color: GREY, bold: false });
}

fn is_truths(array: &Array) -> bool {
    matches!(&array.values, Values::Numbers(block) if block.dtype() == DType::Bool)
}

fn quantity_units(array: &Array) -> String {
    // Truths are of no unit, whatever the numbers that they were made from.
    if is_truths(array) {
        return String::new();
    }
    text(&array.attrs, "units").map(words::units).unwrap_or_default()
}

/// The long and the short axis of a two-dimensional array that is best drawn as lines.
fn line_axes(array: &Array, a: usize, b: usize) -> Result<Option<(usize, usize)>, PlotError> {
    let (long, short) = if array.shape[a] >= array.shape[b] { (a, b) } else { (b, a) };
    let suits = array.shape[short] <= MOST_LINES && array.shape[long] >= 2 * array.shape[short];
    let is_plain = |axis: usize| Ok(!matches!(Axis::of(array, axis)?.kind, Kind::Latitude | Kind::Longitude | Kind::Vertical { .. }));
    Ok((suits && is_plain(short)?).then_some((long, short)))
}

fn draw_lines(canvas: &mut Canvas, array: &Array, cells: &[f64], long: usize, short: Option<usize>) -> Result<(), PlotError> {
    let axis = Axis::of(array, long)?;
    let count = short.map_or(1, |s| array.shape[s]);
    let stride = |a: usize| array.shape[a + 1..].iter().product::<usize>();
    let series = (0..count).map(|s| {
        let offset = short.map_or(0, |axis| s * stride(axis));
        let label = short.map(|axis| label(array, axis, s)).unwrap_or_default();
        Series { label, cells: (0..array.shape[long]).map(|i| cells[offset + i * stride(long)]).collect() }
    });
    let series: Vec<Series> = series.collect();
    let frame = Frame { left: 78.0, top: 74.0, width: canvas.width() - 78.0 - 36.0, height: canvas.height() - 74.0 - 72.0 };
    let quantity = match quantity_units(array) {
        units if units.is_empty() => words::short(array.name.as_deref().unwrap_or_default(), 60),
        units => units,
    };
    lines::draw(canvas, &axis, &series, frame, &quantity);
    let along_latitude = axis.kind == Kind::Latitude;
    caption(canvas, cells, None, if along_latitude { "mean (not weighted by area)" } else { "mean" }, &quantity_units(array), 40.0);
    Ok(())
}

fn label(array: &Array, axis: usize, index: usize) -> String {
    let dim = &array.dims[axis];
    match array.coords.iter().find(|c| c.name == *dim) {
        Some(coord) => words::position(coord, index),
        None => format!("{dim} = {index}"),
    }
}

fn draw_panels(canvas: &mut Canvas, array: &Array, cells: &[f64], axes: &[usize], style: &Style) -> Result<(), PlotError> {
    let all = axes.iter().map(|&a| Axis::of(array, a)).collect::<Result<Vec<_>, _>>();
    let (x, y) = plane(array, axes, all.as_deref().unwrap_or_default());
    let (x_axis, y_axis) = (Axis::of(array, x)?, Axis::of(array, y)?);
    let others: Vec<usize> = axes.iter().copied().filter(|a| *a != x && *a != y).collect();
    let count: usize = others.iter().map(|&a| array.shape[a]).product();
    if count > MOST_PANELS {
        let dims = others.iter().map(|&a| array.dims[a].as_str()).collect::<Vec<_>>().join(", ");
        return Err(PlotError::Panels { panels: count, most: MOST_PANELS, dims });
    }
    let shades = if is_truths(array) { Shades::two() } else { Shades::of(cells, style.limits, Sense::of(array, style.middle)) };
    let panels: Vec<Panel<'_>> = (0..count).map(|n| take(array, cells, (&x_axis, x), (&y_axis, y), &others, n)).collect();
    let is_map = x_axis.kind == Kind::Longitude && y_axis.kind == Kind::Latitude;
    let aspect = is_map.then(|| map_aspect(&x_axis, &y_axis));
    let frames = layout(canvas, count, aspect, !is_map);
    for (n, (panel, frame)) in panels.iter().zip(&frames.boxes).enumerate() {
        let bottom_row = n + frames.columns >= count;
        let labels = Labels { x: bottom_row, y: n % frames.columns == 0, size: if count > 1 { 7.5 } else { 9.5 } };
        panel::draw(canvas, panel, &shades, *frame, labels);
        canvas.text(frame.left, frame.top - 4.5, &panel.title, Anchor::Start, Font2 { size: 8.5, color: INK, bold: true });
    }
    let units = quantity_units(array);
    panel::colour_bar(canvas, &shades, frames.bar, &units);
    let weights = axes.iter().find(|&&a| matches!(Axis::of(array, a), Ok(Axis { kind: Kind::Latitude, .. }))).copied();
    caption(canvas, cells, weights.map(|a| (array, a)), if weights.is_some() { "area-weighted mean" } else { "mean" }, &units, frames.left);
    if cells.iter().any(|v| v.is_nan()) {
        panel::missing_note(canvas, frames.bar.right(), canvas.height() - 16.0);
    }
    Ok(())
}

/// The axes across and up: longitude and latitude where both are there; else latitudes and levels up, times across.
fn plane(array: &Array, axes: &[usize], all: &[Axis]) -> (usize, usize) {
    let find = |wanted: fn(&Kind) -> bool| all.iter().position(|a| wanted(&a.kind)).map(|i| axes[i]);
    let (lon, lat) = (find(|k| *k == Kind::Longitude), find(|k| *k == Kind::Latitude));
    if let (Some(x), Some(y)) = (lon, lat) {
        return (x, y);
    }
    let (first, second) = match axes {
        [.., a, b] => (*a, *b),
        _ => (0, array.dims.len().saturating_sub(1)),
    };
    let kind = |axis: usize| axes.iter().position(|a| *a == axis).and_then(|i| all.get(i)).map(|a| &a.kind);
    let goes_up = |axis: usize| matches!(kind(axis), Some(Kind::Latitude | Kind::Vertical { .. }));
    let goes_across = |axis: usize| matches!(kind(axis), Some(Kind::Longitude));
    let is_time = |axis: usize| matches!(kind(axis), Some(Kind::Time(_)));
    // As the array has it, the last axis across, unless the quantities ask for the reverse.
    let vertical_level = |axis: usize| matches!(kind(axis), Some(Kind::Vertical { .. }));
    let swap = vertical_level(second)
        || (goes_up(second) && !vertical_level(first))
        || goes_across(first)
        || (is_time(first) && !goes_across(second) && !goes_up(first));
    if swap { (first, second) } else { (second, first) }
}

/// The cells of panel `n`: the positions of the `others` count up, the last one fastest.
fn take<'a>(array: &Array, cells: &[f64], x: (&'a Axis, usize), y: (&'a Axis, usize), others: &[usize], n: usize) -> Panel<'a> {
    let stride = |a: usize| array.shape[a + 1..].iter().product::<usize>();
    let (mut rest, mut offset, mut titles) = (n, 0, vec![]);
    for &axis in others.iter().rev() {
        let index = rest % array.shape[axis];
        rest /= array.shape[axis];
        offset += index * stride(axis);
        titles.insert(0, label(array, axis, index));
    }
    let (dx, dy) = (stride(x.1), stride(y.1));
    let rows = 0..array.shape[y.1];
    let cells = rows.flat_map(|j| (0..array.shape[x.1]).map(move |i| (i, j))).map(|(i, j)| cells[offset + j * dy + i * dx]);
    Panel { x: x.0, y: y.0, cells: cells.collect(), title: titles.join(", ") }
}

/// Width by height of a map: a degree of longitude is drawn as long as it is in the middle of a regional map.
fn map_aspect(x: &Axis, y: &Axis) -> f32 {
    let (x, y) = (Span::of(x), Span::of(y));
    let (width, height) = (x.high() - x.low(), y.high() - y.low());
    let middle = (y.low() + y.high()) / 2.0;
    let shrink = if width > 200.0 { 1.0 } else { middle.to_radians().cos().max(0.3) };
    ((width * shrink) / height.max(1e-9)).clamp(0.3, 4.0) as f32
}

struct Layout {
    boxes: Vec<Frame>,
    columns: usize,
    bar: Frame,
    left: f32,
}

/// Equal boxes in the rows and columns that make them largest, with the colour bar to their right.
fn layout(canvas: &Canvas, count: usize, aspect: Option<f32>, has_titles: bool) -> Layout {
    let single = count == 1;
    let left = if has_titles { 70.0 } else { 52.0 };
    let (top, bar_room) = (66.0, 92.0);
    let bottom = if has_titles { 76.0 } else { 56.0 };
    let (gap_x, gap_y) = (12.0, 20.0);
    let top = if single { top } else { top + 8.0 };
    let (width, height) = (canvas.width() - left - bar_room, canvas.height() - top - bottom);
    let size = |columns: usize| {
        let rows = count.div_ceil(columns);
        let w = (width - gap_x * (columns - 1) as f32) / columns as f32;
        let h = (height - gap_y * (rows - 1) as f32) / rows as f32;
        match aspect {
            Some(a) if w / h > a => (h * a, h),
            Some(a) => (w, w / a),
            None => (w, h),
        }
    };
    let fits = |columns: usize| {
        if aspect.is_some() { size(columns).0 * size(columns).1 } else { -(size(columns).0 / size(columns).1 / 1.6).ln().abs() }
    };
    let columns = (1..=count).max_by(|a, b| fits(*a).total_cmp(&fits(*b)).then(b.cmp(a))).unwrap_or(1);
    let rows = count.div_ceil(columns);
    let (w, h) = size(columns);
    let whole = (w * columns as f32 + gap_x * (columns - 1) as f32, h * rows as f32 + gap_y * (rows - 1) as f32);
    let left = left + (width - whole.0) / 2.0;
    let top = top + (height - whole.1) / 2.0;
    let place = |n: usize| Frame {
        left: snap(left + (n % columns) as f32 * (w + gap_x)),
        top: snap(top + (n / columns) as f32 * (h + gap_y)),
        width: snap(w),
        height: snap(h),
    };
    let bar_height = whole.1.min(320.0);
    let bar =
        Frame { left: snap(left + whole.0 + 20.0), top: snap(top + (whole.1 - bar_height) / 2.0), width: 13.0, height: snap(bar_height) };
    Layout { boxes: (0..count).map(place).collect(), columns, bar, left }
}

/// Onto whole pixels, so that edges are sharp.
fn snap(at: f32) -> f32 {
    (at * super::canvas::SCALE).round() / super::canvas::SCALE
}

/// Least, mean and greatest number, small, at the bottom.
fn caption(canvas: &mut Canvas, cells: &[f64], latitude: Option<(&Array, usize)>, mean: &str, units: &str, left: f32) {
    let known = || cells.iter().copied().filter(|v| v.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let weights = latitude.and_then(|(array, axis)| Axis::of(array, axis).ok().map(|a| (array, axis, a.centres)));
    let of = |i: usize| match &weights {
        Some((array, axis, centres)) => {
            let stride: usize = array.shape[axis + 1..].iter().product();
            centres[i / stride % array.shape[*axis]].to_radians().cos().max(0.0)
        }
        None => 1.0,
    };
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, v) in cells.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        sum += v * of(i);
        total += of(i);
    }
    let text = if low > high {
        "no values".to_owned()
    } else {
        // What rounding leaves of numbers that cancel out is no number.
        let average = sum / total;
        let average = if average.abs() < 1e-6 * low.abs().max(high.abs()) { 0.0 } else { average };
        let (low, average, high) = (words::plain(low), words::plain(average), words::plain(high));
        format!("min {low}   ·   {mean} {average}   ·   max {high} {units}")
    };
    let baseline = canvas.height() - 16.0;
    canvas.text(left, baseline, text.trim_end(), Anchor::Start, small(GREY));
}
