//! Indices picked along an axis, in the shortest form that holds them.
//!
//! In: lists of indices. Out: a range where they are evenly spaced. Never touches data.

use std::sync::Arc;

/// Indices picked along an axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// `start, start+step, ...`, `len` of them; `step` may be negative, never 0.
    Range {
        /// The first index.
        start: usize,
        /// From one index to the next.
        step: isize,
        /// How many.
        len: usize,
    },
    /// Any indices; a negative one gives a missing value.
    List(Arc<[i64]>),
}

impl Index {
    /// Number of picked indices.
    pub fn len(&self) -> usize {
        match self {
            Index::Range { len, .. } => *len,
            Index::List(list) => list.len(),
        }
    }

    /// Whether nothing is picked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input index at position `at`, negative for a missing value.
    pub fn get(&self, at: usize) -> i64 {
        match self {
            Index::Range { start, step, .. } => *start as i64 + *step as i64 * at as i64,
            Index::List(list) => list.get(at).copied().unwrap_or(-1),
        }
    }

    /// The shortest form of the same indices: a range where they are evenly spaced.
    pub fn compact(list: &[i64]) -> Index {
        let step = if list.len() > 1 { list[1].wrapping_sub(list[0]) } else { 1 };
        let even = step != 0 && list.first().is_some_and(|&f| f >= 0) && list.windows(2).all(|w| w[1].wrapping_sub(w[0]) == step);
        if even && list.last().is_some_and(|&l| l >= 0) {
            Index::Range { start: list[0] as usize, step: step as isize, len: list.len() }
        } else if list.is_empty() {
            Index::Range { start: 0, step: 1, len: 0 }
        } else {
            Index::List(list.into())
        }
    }

    /// `self` applied after `first`: the picks of a pick.
    pub fn after(&self, first: &Index) -> Index {
        match (self, first) {
            (Index::Range { start, step, len }, Index::Range { start: s0, step: d0, .. }) => {
                Index::Range { start: (*s0 as isize + *d0 * *start as isize).max(0) as usize, step: d0 * step, len: *len }
            }
            _ => {
                let list: Vec<i64> = (0..self.len())
                    .map(|i| match self.get(i) {
                        at if at < 0 => -1,
                        at => first.get(at as usize),
                    })
                    .collect();
                Index::compact(&list)
            }
        }
    }
}
