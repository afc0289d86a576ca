//! Which file comes first along a dimension.
//!
//! In: files and their labels. Out: the files in the order of their labels. Never lets two files overlap.
//! Source: xarray 2026.9, `structure/combine.py` (`_infer_concat_order_from_coords`), which refuses the same but for a shared label.

use super::{Member, values};
use std::cmp::Ordering;
use xeng_kernels::DType;
use xeng_proto::{RegionError, Values};

/// Sorts by the first coordinate, descending where the coordinates descend, and refuses overlaps.
///
/// # Errors
/// `Request`, naming both files, when they overlap or run in opposite directions; naming one whose labels have no order.
pub(super) fn order(members: Vec<Member>, dim: &str) -> Result<Vec<Member>, RegionError> {
    let spans = members.iter().map(|m| span(m, dim)).collect::<Result<Vec<_>, _>>()?;
    let (ascends, descends) = (spans.iter().find(|s| s.runs == Runs::Up), spans.iter().find(|s| s.runs == Runs::Down));
    if let (Some(up), Some(down)) = (ascends, descends) {
        return Err(RegionError::request(format!(
            "{} and {} run in opposite directions along {dim}: they cannot be joined",
            up.name, down.name
        )));
    }
    let mut indexed: Vec<usize> = (0..members.len()).collect();
    indexed.sort_by(|&a, &b| if descends.is_some() { spans[b].first.cmp(&spans[a].first) } else { spans[a].first.cmp(&spans[b].first) });
    for pair in indexed.windows(2) {
        let (one, next) = (&spans[pair[0]], &spans[pair[1]]);
        if if descends.is_some() { one.last <= next.first } else { one.last >= next.first } {
            return Err(RegionError::request(format!("{} and {} overlap along {dim}: they cannot be joined", one.name, next.name)));
        }
    }
    let mut members: Vec<Option<Member>> = members.into_iter().map(Some).collect();
    Ok(indexed.iter().filter_map(|&i| members[i].take()).collect())
}

/// Which way the labels of a file run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    Up,
    Down,
    /// It has one label only.
    Nowhere,
}

/// From where to where the labels of a file run.
struct Span {
    name: String,
    first: Label,
    last: Label,
    runs: Runs,
}

/// A label that can be compared: integers of 64 bits are not exact as floats.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    Integer(i128),
    Float(f64),
}

impl PartialEq for Label {
    fn eq(&self, other: &Label) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Label {}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Label) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    fn cmp(&self, other: &Label) -> Ordering {
        let float = |label: &Label| match *label {
            Label::Integer(n) => n as f64,
            Label::Float(x) => x,
        };
        match (self, other) {
            (Label::Integer(a), Label::Integer(b)) => a.cmp(b),
            // Zero has two signs and one place.
            (a, b) => float(a).partial_cmp(&float(b)).unwrap_or_else(|| float(a).total_cmp(&float(b))),
        }
    }
}

impl Label {
    /// Whether it stands for something: neither NaN nor a missing time.
    pub(super) fn is_known(&self) -> bool {
        !matches!(*self, Label::Float(x) if x.is_nan()) && *self != Label::Integer(i64::MIN.into())
    }
}

/// Labels that can be compared; none for texts.
pub(super) fn keys(values: &Values) -> Vec<Label> {
    match values {
        Values::Numbers(block) if block.dtype() == DType::U64 => {
            block.as_slice::<u64>().unwrap_or_default().iter().map(|&n| Label::Integer(n.into())).collect()
        }
        Values::Numbers(block) if !block.dtype().is_float() => block.to_i64_vec().iter().map(|&n| Label::Integer(n.into())).collect(),
        Values::Numbers(block) => block.to_f64_vec().into_iter().map(Label::Float).collect(),
        Values::Times(times) => times.micros.iter().map(|&t| Label::Integer(t.into())).collect(),
        Values::Texts(_) => vec![],
    }
}

/// The first and last label of a file, whose labels run one way only: xarray refuses what does not.
fn span(member: &Member, dim: &str) -> Result<Span, RegionError> {
    let labels = values(member, dim).map(keys).unwrap_or_default();
    let (Some(&first), Some(&last)) = (labels.first(), labels.last()) else {
        return Err(RegionError::request(format!(
            "{}: its coordinate {dim} has no order; name the dimension to join along: concat=DIM",
            member.name
        )));
    };
    let runs = match first.cmp(&last) {
        Ordering::Less => Runs::Up,
        Ordering::Greater => Runs::Down,
        Ordering::Equal => Runs::Nowhere,
    };
    let goes_on = |pair: &[Label]| match runs {
        Runs::Up => pair[0] <= pair[1],
        Runs::Down => pair[0] >= pair[1],
        Runs::Nowhere => pair[0] == pair[1],
    };
    if !labels.iter().all(Label::is_known) || !labels.windows(2).all(goes_on) {
        return Err(RegionError::request(format!(
            "{}: its coordinate {dim} runs neither up nor down all the way; name the dimension to join along: concat=DIM",
            member.name
        )));
    }
    Ok(Span { name: member.name.clone(), first, last, runs })
}
