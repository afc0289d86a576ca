//! Boxes in index space: one half-open range per axis.
//!
//! In: ranges. Out: shapes, sizes, intersections. Never touches data.

use std::ops::Range;

/// A box: per axis, the half-open range of indices it covers.
pub type Bounds = Vec<Range<usize>>;

/// The box that covers a whole array of this shape.
pub fn whole(shape: &[usize]) -> Bounds {
    shape.iter().map(|&n| 0..n).collect()
}

/// The shape of a box.
pub fn shape_of(bounds: &[Range<usize>]) -> Vec<usize> {
    bounds.iter().map(|r| r.end.saturating_sub(r.start)).collect()
}

/// The number of cells in a box; `usize::MAX` where it would overflow.
pub fn size_of(bounds: &[Range<usize>]) -> usize {
    bounds.iter().fold(1usize, |n, r| n.saturating_mul(r.end.saturating_sub(r.start)))
}

/// The common part of two boxes of the same rank, or `None` when they do not touch.
pub fn intersect(a: &[Range<usize>], b: &[Range<usize>]) -> Option<Bounds> {
    a.iter()
        .zip(b)
        .map(|(x, y)| {
            let r = x.start.max(y.start)..x.end.min(y.end);
            (r.start < r.end).then_some(r)
        })
        .collect()
}

/// `bounds` as seen from the corner of `origin`.
pub fn relative_to(bounds: &[Range<usize>], origin: &[Range<usize>]) -> Bounds {
    bounds.iter().zip(origin).map(|(r, o)| r.start - o.start..r.end - o.start).collect()
}
