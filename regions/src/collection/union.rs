//! The labels of several files along a dimension, in ascending order: an outer join.
//!
//! In: members. Out: all labels, and where each member's lie among them. Never joins labels that do not ascend, or are nearly but not quite
//! the same.
//! Source: xarray 2026.9, `structure/alignment.py` with `join='outer'`; pandas 3, `Index.union`.

use super::order::{Label, keys};
use super::{Member, labels, same, values};
use xeng_proto::{RegionError, Values};

/// Labels that are nearer to each other than this part of the spacing are taken for the same, rounded otherwise.
const NEAR: f64 = 1e-3;

/// The labels of all members along one dimension.
pub(super) struct Union {
    pub(super) dim: String,
    pub(super) values: Values,
    /// Per member the position of each of its labels; `None` where it has no labels along the dimension.
    pub(super) positions: Vec<Option<Vec<usize>>>,
}

impl Union {
    /// The union along a dimension; `None` where all members that have labels have the same.
    ///
    /// # Errors
    /// `Request`, naming members, when there is no order that all labels fit in.
    pub(super) fn of(members: &[Member], dim: &str) -> Result<Option<Union>, RegionError> {
        let holders: Vec<(usize, &Values)> = members.iter().enumerate().filter_map(|(n, m)| Some((n, values(m, dim)?))).collect();
        let Some((_, first)) = holders.first() else { return Ok(None) };
        if holders.iter().all(|(_, own)| same::values(Some(first), Some(own))) {
            return Ok(None);
        }
        labels::check_calendars(members, dim)?;
        let lists: Vec<(usize, Vec<Label>)> = holders.iter().map(|(n, own)| (*n, keys(own))).collect();
        for (n, list) in &lists {
            if list.is_empty() || !list.iter().all(Label::is_known) || list.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(RegionError::request(format!(
                    "{}: its labels along {dim} are others than those of the other files, and do not ascend: they cannot be put in order",
                    members[*n].name
                )));
            }
        }
        let mut all: Vec<Label> = lists.iter().flat_map(|(_, list)| list.iter().copied()).collect();
        all.sort();
        all.dedup();
        check_near(&all, &lists, dim)?;
        let mut positions: Vec<Option<Vec<usize>>> = members.iter().map(|_| None).collect();
        let mut places = vec![None; all.len()];
        for (holder, (n, list)) in lists.iter().enumerate() {
            let at: Vec<usize> = list.iter().filter_map(|label| all.binary_search(label).ok()).collect();
            for (i, &position) in at.iter().enumerate() {
                places[position].get_or_insert((holder, i));
            }
            positions[*n] = Some(at);
        }
        let lists: Vec<&Values> = holders.iter().map(|(_, own)| *own).collect();
        let values = labels::pick(&lists, &places).map_err(|why| RegionError::request(format!("dimension {dim}: {why}")))?;
        Ok(Some(Union { dim: dim.to_owned(), values, positions }))
    }
}

/// Refuses labels that differ by rounding alone: joined, they would be two grids with holes.
fn check_near(all: &[Label], lists: &[(usize, Vec<Label>)], dim: &str) -> Result<(), RegionError> {
    let gap = |pair: &[Label]| match (pair[0], pair[1]) {
        (Label::Float(a), Label::Float(b)) => Some((a, b)),
        _ => None,
    };
    let spacing = lists.iter().flat_map(|(_, list)| list.windows(2).filter_map(gap)).map(|(a, b)| b - a).fold(f64::INFINITY, f64::min);
    // A file of one label has no spacing: then what a float32 leaves of it counts.
    let least = |a: f64, b: f64| if spacing.is_finite() { NEAR * spacing } else { NEAR * NEAR * a.abs().max(b.abs()) };
    match all.windows(2).filter_map(gap).find(|(a, b)| b - a < least(*a, *b)) {
        Some((a, b)) => Err(RegionError::request(format!(
            "the labels {a} and {b} along {dim}, of different files, are nearly but not quite the same: the files cannot be joined"
        ))),
        None => Ok(()),
    }
}
