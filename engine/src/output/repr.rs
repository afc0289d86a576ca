//! A result as a short text for the terminal, in the manner of xarray's `repr`.
//!
//! In: an outcome. Out: a few lines. Never longer than some screens, however large the result.

use super::json::dtype_name;
use super::number::Texts;
use crate::result::{Array, Coordinate, Outcome};
use xeng_kernels::DType;
use xeng_proto::{AttrValue, Attrs, Values};

/// Arrays of at most this many cells are shown whole.
const WHOLE_CELLS: usize = 200;
/// Of longer axes this many cells are shown at either end.
const EDGE: usize = 3;

/// Dimensions, element type, some numbers, coordinates with their first and last values, and attributes.
pub fn repr(outcome: &Outcome) -> String {
    let mut out = String::new();
    match outcome {
        Outcome::Array(array) => repr_array(array, &mut out),
        Outcome::Dataset { arrays, attrs } => repr_dataset(arrays, attrs, &mut out),
    }
    out
}

fn repr_array(array: &Array, out: &mut String) {
    let name = array.name.as_ref().map(|n| format!(" '{n}'")).unwrap_or_default();
    out.push_str(&format!("<xeng.Array{name} ({})> {} {}\n", sizes(array), dtype_name(&array.values), bytes(&array.values)));
    let texts = Texts::of(&array.values);
    let cell = |index: usize| shown(&texts, &array.values, index);
    let mut rows = Rows { shape: &array.shape, whole: array.values.len() <= WHOLE_CELLS, cell: &cell, width: 0, out: String::new() };
    rows.width = rows.widest();
    if array.values.is_empty() {
        rows.out.push_str("[]");
    } else {
        rows.axis(0, 0, 1);
    }
    out.push_str(&rows.out);
    out.push('\n');
    repr_coords(array.coords.iter().collect(), &[array], out);
    repr_attrs(&array.attrs, out);
}

fn repr_dataset(arrays: &[Array], attrs: &Attrs, out: &mut String) {
    let total: usize = arrays.iter().map(|a| byte_size(&a.values)).sum();
    out.push_str(&format!("<xeng.Dataset> {}\n", human(total)));
    let mut coords: Vec<&Coordinate> = vec![];
    for coord in arrays.iter().flat_map(|a| &a.coords) {
        if !coords.iter().any(|c| c.name == coord.name) {
            coords.push(coord);
        }
    }
    repr_coords(coords, &arrays.iter().collect::<Vec<_>>(), out);
    out.push_str("Data variables:\n");
    for array in arrays {
        let name = array.name.as_deref().unwrap_or(super::DEFAULT_NAME);
        out.push_str(&line(name, ' ', &array.dims, &array.values));
    }
    repr_attrs(attrs, out);
}

fn repr_coords(coords: Vec<&Coordinate>, arrays: &[&Array], out: &mut String) {
    if coords.is_empty() {
        return;
    }
    out.push_str("Coordinates:\n");
    for coord in coords {
        let labels = arrays.iter().any(|a| a.dims.contains(&coord.name));
        out.push_str(&line(&coord.name, if labels { '*' } else { ' ' }, &coord.dims, &coord.values));
    }
}

fn repr_attrs(attrs: &Attrs, out: &mut String) {
    if attrs.is_empty() {
        return;
    }
    out.push_str("Attributes:\n");
    for (name, value) in attrs {
        let text = attr_text(value);
        out.push_str(&format!("    {:<16} {}\n", format!("{}:", printable(name)), shorten(&printable(&text), 90)));
    }
}

/// An attribute's value as a short text.
pub fn attr_text(value: &AttrValue) -> String {
    match value {
        AttrValue::Text(text) => text.clone(),
        AttrValue::Texts(texts) => texts.join(", "),
        AttrValue::Numbers(block) => {
            let cells = Values::Numbers(block.clone());
            let texts = Texts::of(&cells);
            (0..block.len().min(8)).map(|i| texts.cell(i).unwrap_or_else(|| "nan".into())).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The first and last cells of values, as a short text.
pub fn values_ends(values: &Values) -> String {
    let texts = Texts::of(values);
    let show = |i: usize| shorten(&shown(&texts, values, i), 28);
    match values.len() {
        0 => String::new(),
        n @ 1..=4 => (0..n).map(show).collect::<Vec<_>>().join(" "),
        n => format!("{} {} ... {} {}", show(0), show(1), show(n - 2), show(n - 1)),
    }
}

/// One coordinate or variable on a line: name, dimensions, type, first and last cells.
fn line(name: &str, mark: char, dims: &[String], values: &Values) -> String {
    let cells = values_ends(values);
    let dims = if dims.is_empty() { String::new() } else { format!("({}) ", dims.join(", ")) };
    let calendar = match values {
        Values::Times(times) => format!(" [{}]", times.encoding.calendar.name()),
        _ => String::new(),
    };
    format!("  {mark} {:<10} {dims}{}{calendar} {} {cells}\n", printable(name), dtype_name(values), bytes(values))
}

fn sizes(array: &Array) -> String {
    let pairs = array.dims.iter().zip(&array.shape).map(|(dim, n)| format!("{}: {n}", printable(dim)));
    pairs.collect::<Vec<_>>().join(", ")
}

fn byte_size(values: &Values) -> usize {
    match values {
        Values::Numbers(block) => block.bytes(),
        Values::Times(times) => times.micros.len() * 8,
        Values::Texts(texts) => texts.iter().map(String::len).sum(),
    }
}

fn bytes(values: &Values) -> String {
    human(byte_size(values))
}

fn human(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes}B"),
        1_000..1_000_000 => format!("{:.0}kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0}MB", bytes as f64 / 1e6),
        _ => format!("{:.1}GB", bytes as f64 / 1e9),
    }
}

fn shown(texts: &Texts<'_>, values: &Values, index: usize) -> String {
    match values {
        Values::Numbers(block) if block.dtype() == DType::F64 => match block.as_slice::<f64>().and_then(|s| s.get(index)) {
            Some(v) if v.is_finite() => significant(*v, 8),
            Some(v) if v.is_infinite() => format!("{v}"),
            _ => "nan".into(),
        },
        Values::Numbers(_) => texts.cell(index).unwrap_or_else(|| "nan".into()),
        Values::Times(_) => texts.cell(index).unwrap_or_else(|| "NaT".into()),
        Values::Texts(_) => format!("'{}'", printable(&texts.cell(index).unwrap_or_default())),
    }
}

/// A number rounded to so many significant digits, without trailing zeros.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0.0".into();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-5..15).contains(&exponent) {
        return format!("{value:.*e}", digits - 1);
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text + ".0";
    }
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width - 3).chain("...".chars()).collect() }
}

/// Without control characters: a file's texts must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Prints nested rows, with the middle of long axes left out.
struct Rows<'a> {
    shape: &'a [usize],
    whole: bool,
    cell: &'a dyn Fn(usize) -> String,
    width: usize,
    out: String,
}

impl Rows<'_> {
    /// The indices shown along an axis; `None` is a gap.
    fn indices(&self, axis: usize) -> Vec<Option<usize>> {
        let n = self.shape[axis];
        if self.whole || n <= 2 * EDGE {
            return (0..n).map(Some).collect();
        }
        (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect()
    }

    fn widest(&self) -> usize {
        let mut offsets = vec![0usize];
        for axis in 0..self.shape.len() {
            let stride: usize = self.shape[axis + 1..].iter().product();
            let shown: Vec<usize> = self.indices(axis).into_iter().flatten().collect();
            offsets = offsets.iter().flat_map(|o| shown.iter().map(move |i| o + i * stride)).take(4096).collect();
        }
        offsets.into_iter().map(|i| (self.cell)(i).chars().count()).max().unwrap_or(0)
    }

    fn axis(&mut self, axis: usize, offset: usize, depth: usize) {
        if axis == self.shape.len() {
            let text = (self.cell)(offset);
            self.out.push_str(&format!("{text:>width$}", width = if self.shape.is_empty() { 0 } else { self.width }));
            return;
        }
        let stride: usize = self.shape[axis + 1..].iter().product();
        let last = axis + 1 == self.shape.len();
        self.out.push('[');
        for (position, index) in self.indices(axis).into_iter().enumerate() {
            if position > 0 {
                let wrap = last && position % 10 == 0;
                self.out.push_str(&if last && !wrap { " ".to_owned() } else { format!("\n{}", " ".repeat(depth)) });
            }
            match index {
                Some(i) => self.axis(axis + 1, offset + i * stride, depth + 1),
                None => self.out.push_str("..."),
            }
        }
        self.out.push(']');
    }
}
