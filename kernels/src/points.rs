//! Cells picked at points: each point names an index of several axes at once (`DataArray.sel(lat=points, lon=points)`).
//!
//! In: indices per point, boxes of the points. Out: the boxes of the input that hold them, and the cells put in order. Of a box of the
//! input no more is asked for than the points in it span. Never reads.

use crate::block::Block;
use crate::bounds::{self, Bounds};
use crate::boxes::gathered;
use crate::error::{KernelError, Result};
use crate::graph::Dim;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Points whose indices share a tile of so many cells a side are read in one box.
const TILE: i64 = 32;

/// Points of an array: the axes that they index, which vanish, and the dims along which they lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Points {
    /// The indexed axes, ascending.
    pub axes: Vec<usize>,
    /// For each of these axes: the index of each point, C order over `dims`; where any is negative the cell is missing.
    pub at: Vec<Arc<[i64]>>,
    /// The dims that take the place of the first of these axes.
    pub dims: Vec<Dim>,
}

impl Points {
    /// Number of points, saturating.
    pub fn len(&self) -> usize {
        self.dims.iter().fold(1usize, |n, d| n.saturating_mul(d.len))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dims of the result.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when axes or indices do not fit the input.
    pub fn result(&self, input: &[Dim]) -> Result<Vec<Dim>> {
        let wrong = |why: &str| KernelError::malformed("graph", format!("points do not fit: {why}"));
        if self.axes.is_empty() || self.axes.windows(2).any(|w| w[0] >= w[1]) || self.axes.len() != self.at.len() {
            return Err(wrong("axes must ascend, each with its indices"));
        }
        for (axis, at) in self.axes.iter().zip(&self.at) {
            let len = input.get(*axis).ok_or_else(|| wrong("an axis does not exist"))?.len;
            if at.len() != self.len() {
                return Err(wrong("indices and dims are of different lengths"));
            }
            if at.iter().any(|&i| i >= 0 && i as usize >= len) {
                return Err(wrong("an index lies outside its axis"));
            }
        }
        let mut out: Vec<Dim> = vec![];
        for (axis, dim) in input.iter().enumerate() {
            if Some(&axis) == self.axes.first() {
                out.extend(self.dims.iter().cloned());
            }
            if !self.axes.contains(&axis) {
                out.push(dim.clone());
            }
        }
        Ok(out)
    }

    /// The axis of the result where the points' dims begin.
    pub fn first(&self) -> usize {
        self.axes.first().copied().unwrap_or(0)
    }

    /// The boxes of the input that hold the points of a box of the result.
    pub fn boxes(&self, at: &[Range<usize>]) -> Vec<Bounds> {
        self.clusters(at).into_iter().map(|c| self.around(at, &c.spans)).collect()
    }

    /// The points in a box of the result, by the box of the input that they are taken from.
    fn clusters(&self, at: &[Range<usize>]) -> Vec<Cluster> {
        let mut tiles: BTreeMap<Vec<i64>, Cluster> = BTreeMap::new();
        let runs = self.runs(at);
        for (place, point) in self.wanted(at).into_iter().enumerate() {
            let index: Option<Vec<usize>> = self.at.iter().map(|a| a.get(point).and_then(|&i| usize::try_from(i).ok())).collect();
            let Some(index) = index else { continue };
            let tile = match &runs {
                Some(runs) => vec![runs.partition_point(|r| r.end <= index[0]) as i64],
                None => index.iter().map(|&i| i as i64 / TILE).collect(),
            };
            tiles.entry(tile).or_default().add(place, &index);
        }
        tiles.into_values().collect()
    }

    /// Of a single axis: the stretches of it that the points lie on.
    fn runs(&self, at: &[Range<usize>]) -> Option<Vec<Range<usize>>> {
        let [only] = self.at.as_slice() else { return None };
        let picks = self.wanted(at).into_iter().filter_map(|p| only.get(p).and_then(|&i| usize::try_from(i).ok())).collect();
        Some(gathered(picks))
    }

    /// The numbers of the points in a box of the result, C order.
    fn wanted(&self, at: &[Range<usize>]) -> Vec<usize> {
        let within = at.get(self.first()..self.first() + self.dims.len()).unwrap_or_default();
        let mut out = vec![0usize];
        for (dim, range) in self.dims.iter().zip(within) {
            out = out.iter().flat_map(|&n| range.clone().map(move |i| n * dim.len + i)).collect();
        }
        out
    }

    /// The box of the input with these stretches of the indexed axes, and of the others what a box of the result has.
    fn around(&self, at: &[Range<usize>], spans: &[Range<usize>]) -> Bounds {
        let mut rest = at[..self.first()].iter().chain(&at[self.first() + self.dims.len()..]).cloned();
        let rank = at.len() + self.axes.len() - self.dims.len();
        let span = |axis: usize| self.axes.iter().position(|&a| a == axis).and_then(|i| spans.get(i).cloned());
        (0..rank).map(|axis| span(axis).unwrap_or_else(|| rest.next().unwrap_or(0..0))).collect()
    }

    /// The cells of box `at` of the result, from the blocks of [`Points::boxes`].
    ///
    /// # Errors
    /// [`KernelError::Shape`] when a block is of another shape.
    pub fn apply(&self, inputs: &[Arc<Block>], at: &Bounds, dtype: crate::DType) -> Result<Block> {
        let clusters = self.clusters(at);
        let count: usize = self.wanted(at).len();
        if clusters.len() != inputs.len() {
            return Err(KernelError::Shape { expected: vec![clusters.len()], got: vec![inputs.len()] });
        }
        if clusters.is_empty() {
            return Ok(Block::filled(dtype, &bounds::shape_of(at), f64::NAN));
        }
        let mut places = vec![-1i64; count];
        let (mut parts, mut done) = (vec![], 0);
        for (cluster, block) in clusters.iter().zip(inputs) {
            let (cells, flat) = self.in_front(block, cluster)?;
            parts.push(cells.take(0, &flat)?);
            for (i, &place) in cluster.places.iter().enumerate() {
                places[place] = (done + i) as i64;
            }
            done += flat.len();
        }
        let all = Block::concat(0, &parts.iter().collect::<Vec<_>>())?.take(0, &places)?;
        self.in_place(all, at)
    }

    /// A cluster's block with the indexed axes as one in front, and its points' places along it.
    fn in_front(&self, block: &Block, cluster: &Cluster) -> Result<(Block, Vec<i64>)> {
        let rest: Vec<usize> = (0..block.rank()).filter(|a| !self.axes.contains(a)).collect();
        let order: Vec<usize> = self.axes.iter().chain(&rest).copied().collect();
        let lengths: Vec<usize> = cluster.spans.iter().map(Range::len).collect();
        let flat = cluster
            .points
            .iter()
            .map(|p| p.iter().zip(&cluster.spans).zip(&lengths).fold(0, |n, ((i, s), len)| n * len + (i - s.start)) as i64)
            .collect();
        let mut shape = vec![lengths.iter().product::<usize>()];
        shape.extend(rest.iter().map(|&a| block.shape()[a]));
        Ok((block.transpose(&order)?.reshape(&shape)?, flat))
    }

    /// Points in front of the other axes, brought to where the result has them.
    fn in_place(&self, all: Block, at: &Bounds) -> Result<Block> {
        let lengths = bounds::shape_of(at);
        let (first, many) = (self.first(), self.dims.len());
        let shape: Vec<usize> =
            lengths[first..first + many].iter().chain(&lengths[..first]).chain(&lengths[first + many..]).copied().collect();
        let order: Vec<usize> = (many..many + first).chain(0..many).chain(many + first..shape.len()).collect();
        all.reshape(&shape)?.transpose(&order)
    }
}

/// Points that are taken from one box of the input.
#[derive(Default)]
struct Cluster {
    /// Where each stands among the wanted points.
    places: Vec<usize>,
    /// Its indices.
    points: Vec<Vec<usize>>,
    /// What they span.
    spans: Vec<Range<usize>>,
}

impl Cluster {
    fn add(&mut self, place: usize, index: &[usize]) {
        if self.spans.is_empty() {
            self.spans = index.iter().map(|&i| i..i + 1).collect();
        }
        for (span, &i) in self.spans.iter_mut().zip(index) {
            *span = span.start.min(i)..span.end.max(i + 1);
        }
        self.places.push(place);
        self.points.push(index.to_vec());
    }
}

#[cfg(test)]
#[path = "points/tests.rs"]
mod tests;
