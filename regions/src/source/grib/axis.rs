//! A dimension of fields: its labels, and where each field lies along it.
//!
//! In: a number of each field. Out: the distinct numbers in order, and the place of each field among them. Never two labels for one number.

use super::coordinate::{Coordinate, Labels, Squeeze};
use std::collections::BTreeMap;

/// Which way labels run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// A dimension before those of the grid, and where each field lies along it.
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) coordinate: Coordinate,
    /// The place of each field.
    pub(super) places: Vec<u64>,
}

impl Axis {
    /// Of whole numbers, in ascending order.
    pub(super) fn whole(name: &str, of: impl Iterator<Item = i64>) -> Axis {
        let keys: Vec<i64> = of.collect();
        let (labels, places) = sorted(&keys, Order::Ascending);
        Axis { name: name.into(), coordinate: Coordinate::along(name, Labels::Whole(labels), Squeeze::One), places }
    }

    /// Of other numbers.
    pub(super) fn real(name: &str, of: impl Iterator<Item = f64>, order: Order) -> Axis {
        // Zero is one level, whatever its sign.
        let keys: Vec<Real> = of.map(|n| Real(n + 0.0)).collect();
        let (labels, places) = sorted(&keys, order);
        let labels = labels.into_iter().map(|n| n.0).collect();
        Axis { name: name.into(), coordinate: Coordinate::along(name, Labels::Real(labels), Squeeze::One), places }
    }
}

/// A number that has a place in an order.
#[derive(Clone, Copy)]
struct Real(f64);

impl Ord for Real {
    fn cmp(&self, other: &Real) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Real) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Real) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

/// Distinct keys in order, and the place of each key among them.
fn sorted<K: Ord + Copy>(keys: &[K], order: Order) -> (Vec<K>, Vec<u64>) {
    let mut places: BTreeMap<K, u64> = keys.iter().map(|&key| (key, 0)).collect();
    let count = places.len() as u64;
    for (at, place) in (0..).zip(places.values_mut()) {
        *place = if order == Order::Ascending { at } else { count - 1 - at };
    }
    let mut distinct: Vec<K> = places.keys().copied().collect();
    if order == Order::Descending {
        distinct.reverse();
    }
    (distinct, keys.iter().map(|key| places.get(key).copied().unwrap_or(0)).collect())
}
