//! Looking labels up as a pandas index does: exactly, or by their neighbours.
//!
//! In: the labels of a dim, a wanted one. Out: its position. Never selects cells.

use super::dates;
use super::fault::{Fault, Outcome, refuse};
use crate::lazy::labels::{self, Label, Order};
use std::cell::OnceCell;
use std::collections::HashMap;
use xeng_kernels::DType;
use xeng_proto::Values;

/// How a label that is not there finds a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It does not.
    Exact,
    /// The nearest label.
    Nearest,
    /// The label before it.
    Pad,
    /// The label after it.
    Backfill,
}

impl Method {
    /// The methods by name.
    pub const NAMES: &[(&str, Method)] = &[
        ("nearest", Method::Nearest),
        ("pad", Method::Pad),
        ("ffill", Method::Pad),
        ("backfill", Method::Backfill),
        ("bfill", Method::Backfill),
    ];
}

/// The labels of one dim, ready for look-ups.
pub struct Labels<'a> {
    /// The dim.
    pub dim: &'a str,
    /// The labels as they are.
    pub values: &'a Values,
    /// The labels, comparable.
    pub keys: Vec<Label>,
    /// Their order.
    pub order: Order,
    /// Of labels in no order: where each stands first, and whether it occurs again. Made when first asked for.
    places: OnceCell<HashMap<Label, Place>>,
}

/// Where a label stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// Of the first.
    pub first: usize,
    /// Whether the label occurs again.
    pub repeated: bool,
}

impl<'a> Labels<'a> {
    /// The labels `values` of `dim`.
    pub fn new(dim: &'a str, values: &'a Values) -> Labels<'a> {
        let keys = labels::labels(values);
        let order = labels::order(&keys);
        Labels { dim, values, keys, order, places: OnceCell::new() }
    }

    /// Where a label stands, if it is there.
    pub fn place(&self, wanted: &Label) -> Option<Place> {
        if self.order == Order::None {
            return self.places.get_or_init(|| self.listed()).get(wanted).copied();
        }
        let first = self.before(wanted);
        let here = |at: usize| self.keys.get(at).is_some_and(|k| k.cmp(wanted).is_eq());
        here(first).then(|| Place { first, repeated: here(first + 1) })
    }

    fn listed(&self) -> HashMap<Label, Place> {
        let mut places: HashMap<Label, Place> = HashMap::new();
        for (first, key) in self.keys.iter().enumerate() {
            places.entry(key.clone()).and_modify(|p| p.repeated = true).or_insert(Place { first, repeated: false });
        }
        places
    }

    /// The number of labels that come before the wanted one in the order of the index.
    pub fn before(&self, wanted: &Label) -> usize {
        match self.order {
            Order::Ascending => self.keys.partition_point(|k| k < wanted),
            _ => self.keys.partition_point(|k| k > wanted),
        }
    }

    /// Refuses labels that repeat: pandas looks up several at once only among unique ones.
    ///
    /// # Errors
    /// When a label occurs more than once.
    pub fn must_be_unique(&self) -> Outcome<()> {
        let repeats = match self.order {
            Order::None => self.places.get_or_init(|| self.listed()).len() < self.keys.len(),
            Order::Ascending | Order::Descending => self.keys.windows(2).any(|w| w[0] == w[1]),
        };
        if repeats { refuse(format!("the labels of '{}' repeat, so that no list of labels can be selected", self.dim)) } else { Ok(()) }
    }

    /// Whether the labels are `float32`.
    pub fn is_single(&self) -> bool {
        matches!(self.values, Values::Numbers(b) if b.dtype() == DType::F32)
    }

    /// A label as this index looks it up: pandas rounds to the type of a `float32` index.
    pub fn as_held(&self, label: Label) -> Label {
        match label.number() {
            Some(v) if self.is_single() => Label::float(v as f32 as f64),
            _ => label,
        }
    }

    /// Where a label or its neighbour stands.
    ///
    /// # Errors
    /// When there is neither, or the label occurs more than once.
    pub fn find(&self, wanted: &Label, method: Method, tolerance: Option<f64>) -> Outcome<usize> {
        self.look_up(wanted, method, tolerance)?.ok_or_else(|| not_found(self, wanted, method, tolerance))
    }

    /// Where a label or its neighbour stands, if there is either.
    ///
    /// # Errors
    /// When the label occurs more than once, or a method needs labels in order.
    pub fn look_up(&self, wanted: &Label, method: Method, tolerance: Option<f64>) -> Outcome<Option<usize>> {
        if method != Method::Exact {
            self.must_be_unique()?;
        }
        let exact = self.place(wanted);
        if exact.is_some_and(|p| p.repeated) {
            let label = show(wanted, self);
            return Err(Fault::unsupported(format!("selecting the label {label} of '{}', which occurs more than once,", self.dim)));
        }
        let found = match (method, exact) {
            (_, Some(place)) => Some(place.first),
            (Method::Exact, None) => None,
            _ if self.order == Order::None => return refuse(format!("a method needs the labels of '{}' to be sorted", self.dim)),
            (method, None) => neighbour(self, wanted, method),
        };
        Ok(found.filter(|&i| tolerance.is_none_or(|t| distance(self, &self.keys[i], wanted) <= t)))
    }
}

/// The complaint that a label is not there, with the nearest one.
pub fn not_found(index: &Labels, wanted: &Label, method: Method, tolerance: Option<f64>) -> Fault {
    let (dim, label) = (index.dim, show(wanted, index));
    let nearest = neighbour(index, wanted, Method::Nearest).and_then(|i| index.keys.get(i)).map(|key| show(key, index));
    Fault::new(match (nearest, wanted, method, tolerance) {
        (Some(nearest), _, Method::Exact, _) => {
            format!("'{dim}' has no label {label}; the nearest is {nearest}; method='nearest' takes the nearest")
        }
        (Some(nearest), _, _, Some(tolerance)) => {
            format!("'{dim}' has no label within {tolerance} of {label} by this method; the nearest is {nearest}")
        }
        (Some(nearest), _, _, None) => format!("'{dim}' has no label on this side of {label}; the nearest is {nearest}"),
        (None, Label::Text(_), _, _) => {
            let texts: Vec<&str> = index.keys.iter().filter_map(|k| if let Label::Text(t) = k { Some(t.as_str()) } else { None }).collect();
            let text = if let Label::Text(t) = wanted { t.as_str() } else { "" };
            let hint = crate::suggest::did_you_mean_or_list(text, texts).map(|h| format!("; {h}")).unwrap_or_default();
            format!("'{dim}' has no label {label}{hint}")
        }
        (None, ..) => format!("'{dim}' has no label {label}"),
    })
}

/// A label as a user would write it.
pub fn show(label: &Label, index: &Labels) -> String {
    match (label, index.values) {
        (Label::Text(t), _) => format!("'{t}'"),
        (Label::Time(m), Values::Times(times)) => dates::show(*m, times.encoding.calendar),
        (l, Values::Numbers(b)) if b.dtype() == DType::F32 => l.number().map_or_else(String::new, |v| (v as f32).to_string()),
        (l, _) => l.number().map_or_else(String::new, |v| v.to_string()),
    }
}

fn distance(index: &Labels, a: &Label, b: &Label) -> f64 {
    match (a, b) {
        (Label::Time(x), Label::Time(y)) => x.abs_diff(*y) as f64,
        // Rounded to the type of the labels, as pandas does: ties depend on it.
        _ if index.is_single() => a.number().zip(b.number()).map_or(f64::NAN, |(x, y)| f64::from((x as f32 - y as f32).abs())),
        _ => a.number().zip(b.number()).map_or(f64::NAN, |(x, y)| (x - y).abs()),
    }
}

/// The neighbour of a label that is not there. Half way, the larger one; `pad` is the position before, whatever the order.
fn neighbour(index: &Labels, wanted: &Label, method: Method) -> Option<usize> {
    let keys = &index.keys;
    if keys.is_empty() || index.order == Order::None || matches!(wanted, Label::Text(_)) {
        return None;
    }
    let before = index.before(wanted);
    let pad = before.checked_sub(1);
    let backfill = (before < keys.len()).then_some(before);
    match method {
        Method::Exact => None,
        Method::Pad => pad,
        Method::Backfill => backfill,
        Method::Nearest => match (pad, backfill) {
            (Some(p), Some(b)) => {
                let (dp, db) = (distance(index, &keys[p], wanted), distance(index, &keys[b], wanted));
                let take_pad = if index.order == Order::Ascending { dp < db } else { dp <= db };
                Some(if take_pad { p } else { b })
            }
            (p, b) => p.or(b),
        },
    }
}
