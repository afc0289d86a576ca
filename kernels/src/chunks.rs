//! How one axis is cut into chunks, as runs of equal chunks: O(files), never O(chunks).
//!
//! In: lengths. Out: which chunk holds an index, where a chunk lies. Never lists chunks one by one.

use std::ops::Range;

/// The chunks along one axis, in order and without gaps, run-length encoded.
///
/// A year of daily files, each cut into chunks of 10 days, is 12 short runs, whatever the number of chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AxisChunks {
    runs: Vec<Run>,
}

/// Chunks that are looked at one by one, at most.
const MOST_COMPARED: usize = 1 << 16;
/// Parts that chunks are cut into one by one, at most.
const MOST_PARTS: usize = 1 << 10;

/// `count` chunks of `length` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    first_chunk: usize,
    first_index: usize,
    count: usize,
    length: usize,
}

impl AxisChunks {
    /// An axis of `len` cut every `chunk` indices; the last chunk is shorter where it does not divide. `chunk` 0 counts as `len`.
    pub fn uniform(len: usize, chunk: usize) -> AxisChunks {
        let chunk = if chunk == 0 { len } else { chunk };
        let mut axis = AxisChunks::default();
        if len > 0 {
            axis.push(len / chunk, chunk);
            axis.push(1, len % chunk);
        }
        axis
    }

    /// An axis made of these `(count, length)` runs in order; empty runs are dropped.
    pub fn from_runs(runs: impl IntoIterator<Item = (usize, usize)>) -> AxisChunks {
        let mut axis = AxisChunks::default();
        for (count, length) in runs {
            axis.push(count, length);
        }
        axis
    }

    /// The `(count, length)` runs in order.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.runs.iter().map(|r| (r.count, r.length))
    }

    /// Appends `count` chunks of `length`.
    pub fn push(&mut self, count: usize, length: usize) {
        if count == 0 || length == 0 {
            return;
        }
        let (first_chunk, first_index) = (self.count(), self.len());
        match self.runs.last_mut() {
            Some(last) if last.length == length => last.count += count,
            _ => self.runs.push(Run { first_chunk, first_index, count, length }),
        }
    }

    /// Number of indices on the axis.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |r| r.first_index.saturating_add(r.count.saturating_mul(r.length)))
    }

    /// Whether the axis is empty.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Number of chunks.
    pub fn count(&self) -> usize {
        self.runs.last().map_or(0, |r| r.first_chunk.saturating_add(r.count))
    }

    /// The longest chunk.
    pub fn longest(&self) -> usize {
        self.runs.iter().map(|r| r.length).max().unwrap_or(0)
    }

    /// The indices that `chunk` covers; empty at the end of the axis where there is no such chunk.
    pub fn range(&self, chunk: usize) -> Range<usize> {
        let at = self.runs.partition_point(|r| r.first_chunk <= chunk);
        match at.checked_sub(1).and_then(|i| self.runs.get(i)) {
            Some(r) if chunk < r.first_chunk + r.count => {
                let start = r.first_index + (chunk - r.first_chunk) * r.length;
                start..start + r.length
            }
            _ => self.len()..self.len(),
        }
    }

    /// The chunk that holds `index`, or the number of chunks where none does.
    pub fn chunk_at(&self, index: usize) -> usize {
        let at = self.runs.partition_point(|r| r.first_index <= index);
        match at.checked_sub(1).and_then(|i| self.runs.get(i)) {
            Some(r) if index < r.first_index + r.count * r.length => r.first_chunk + (index - r.first_index) / r.length,
            _ => self.count(),
        }
    }

    /// The chunks that meet the indices of `range`.
    pub fn overlapping(&self, range: &Range<usize>) -> Range<usize> {
        if range.start >= range.end || range.start >= self.len() {
            return 0..0;
        }
        self.chunk_at(range.start)..self.chunk_at(range.end.min(self.len()) - 1) + 1
    }

    /// The axis cut down to `range`: its first and last chunk may become shorter.
    pub fn slice(&self, range: &Range<usize>) -> AxisChunks {
        let mut out = AxisChunks::default();
        for r in &self.runs {
            let end = r.first_index + r.count * r.length;
            let (lo, hi) = (range.start.max(r.first_index), range.end.min(end));
            if lo >= hi {
                continue;
            }
            let (head, tail) = ((lo - r.first_index) / r.length, (hi - 1 - r.first_index) / r.length);
            if head == tail {
                out.push(1, hi - lo);
                continue;
            }
            out.push(1, r.first_index + (head + 1) * r.length - lo);
            out.push(tail - head - 1, r.length);
            out.push(1, hi - (r.first_index + tail * r.length));
        }
        out
    }

    /// The axis with every `factor` neighbouring chunks of a run made one; `factor` 0 counts as 1.
    pub fn coarsen(&self, factor: usize) -> AxisChunks {
        let factor = factor.max(1);
        let mut out = AxisChunks::default();
        for r in &self.runs {
            out.push(r.count / factor, r.length.saturating_mul(factor));
            out.push(1, r.count % factor * r.length);
        }
        out
    }

    /// The finest cut whose every boundary is one of both axes; one chunk where that would take long to find, or the lengths differ.
    pub fn common(&self, other: &AxisChunks) -> AxisChunks {
        let len = self.len();
        let whole = AxisChunks::uniform(len, len);
        if self == other || len != other.len() {
            return if self == other { self.clone() } else { whole };
        }
        if let (Some(a), Some(b)) = (self.step(), other.step()) {
            let (mut x, mut rest) = (a, b);
            while rest > 0 {
                (x, rest) = (rest, x % rest);
            }
            return AxisChunks::uniform(len, (a / x.max(1)).saturating_mul(b).min(len));
        }
        if self.count().saturating_add(other.count()) > MOST_COMPARED {
            return whole;
        }
        let (mut out, mut from) = (AxisChunks::default(), 0);
        for end in (0..self.count()).map(|c| self.range(c).end).filter(|&end| other.range(other.chunk_at(end - 1)).end == end) {
            out.push(1, end - from);
            from = end;
        }
        out
    }

    /// The length of all chunks but the last, which may be shorter.
    fn step(&self) -> Option<usize> {
        match self.runs.as_slice() {
            [only] => Some(only.length),
            [first, last] if last.count == 1 && last.length < first.length => Some(first.length),
            _ => None,
        }
    }

    /// The number of a chunk that is as long as any: one in the middle of its equals, for what needs more than a chunk's own cells needs
    /// less at the ends of an axis.
    pub fn longest_at(&self) -> usize {
        let longest = self.longest();
        self.runs.iter().find(|r| r.length == longest).map_or(0, |r| r.first_chunk + r.count / 2)
    }

    /// The same axis in chunks of at most `most` indices, at least 1: each chunk is cut into equal parts where there are few, so that none
    /// lies across two of those before.
    pub fn split(&self, most: usize) -> AxisChunks {
        let most = most.max(1);
        let parts = |length: usize| length.div_ceil(most);
        let cut: usize =
            self.runs.iter().filter(|r| r.length > most).fold(0, |n, r| n.saturating_add(r.count.saturating_mul(parts(r.length))));
        if cut > MOST_PARTS {
            return AxisChunks::uniform(self.len(), self.longest().div_ceil(parts(self.longest())));
        }
        let mut axis = AxisChunks::default();
        for (count, length) in self.runs() {
            let parts = parts(length).max(1);
            let (shorter, longer) = (length / parts, length % parts);
            if longer == 0 {
                axis.push(count.saturating_mul(parts), shorter);
            } else {
                for _ in 0..count {
                    axis.push(longer, shorter + 1);
                    axis.push(parts - longer, shorter);
                }
            }
        }
        axis
    }

    /// This axis followed by another: the chunks of files joined end to end.
    pub fn concat(mut self, next: &AxisChunks) -> AxisChunks {
        for (count, length) in next.runs() {
            self.push(count, length);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(axis: &AxisChunks) -> Vec<Range<usize>> {
        (0..axis.count()).map(|c| axis.range(c)).collect()
    }

    #[test]
    fn uneven_last_chunk() {
        let axis = AxisChunks::uniform(10, 4);
        assert_eq!(expand(&axis), vec![0..4, 4..8, 8..10]);
        assert_eq!((axis.chunk_at(7), axis.chunk_at(8), axis.chunk_at(10)), (1, 2, 3));
        assert_eq!(axis.overlapping(&(3..9)), 0..3);
    }

    #[test]
    fn a_common_cut_has_the_boundaries_that_both_have() {
        let ends = |axis: &AxisChunks| (0..axis.count()).map(|c| axis.range(c).end).collect::<Vec<_>>();
        let odd = AxisChunks::from_runs([(1, 3), (2, 6), (3, 5)]);
        let axes = [AxisChunks::uniform(30, 4), AxisChunks::uniform(30, 6), AxisChunks::uniform(30, 30), AxisChunks::uniform(30, 1), odd];
        for (a, b) in axes.iter().flat_map(|a| axes.iter().map(move |b| (a, b))) {
            let both: Vec<usize> = ends(a).into_iter().filter(|end| ends(b).contains(end)).collect();
            assert_eq!(ends(&a.common(b)), both, "{a:?} {b:?}");
        }
        assert_eq!(ends(&AxisChunks::uniform(30, 4).common(&AxisChunks::uniform(29, 4))), [30]);
    }

    #[test]
    fn parts_lie_in_one_chunk_each_and_are_even() {
        let axis = AxisChunks::from_runs([(2, 181), (1, 60), (3, 7)]);
        for most in [1, 2, 6, 7, 59, 60, 91, 180, 181, 500] {
            let split = axis.split(most);
            assert_eq!((split.len(), split.longest() <= most), (axis.len(), true), "{most}");
            for part in expand(&split) {
                let whole = axis.range(axis.chunk_at(part.start));
                let parts = whole.len().div_ceil(most);
                assert!(part.end <= whole.end, "{most}: {part:?} lies across {whole:?}");
                assert!((whole.len() / parts..=whole.len().div_ceil(parts)).contains(&part.len()), "{most}: {part:?} of {whole:?}");
            }
        }
        let many = AxisChunks::uniform(1_000_000, 7).split(3);
        assert_eq!((many.len(), many.longest()), (1_000_000, 3), "where chunks are many, in equal parts");
        assert_eq!(AxisChunks::default().split(3), AxisChunks::default());
    }

    #[test]
    fn joined_and_sliced_axes_match_their_plain_lists() {
        let axis = AxisChunks::uniform(10, 4).concat(&AxisChunks::uniform(7, 3)).concat(&AxisChunks::uniform(6, 3));
        let plain = expand(&axis);
        for start in 0..axis.len() {
            for end in start + 1..=axis.len() {
                let want: Vec<_> = plain
                    .iter()
                    .map(|r| r.start.max(start)..r.end.min(end))
                    .filter(|r| r.start < r.end)
                    .map(|r| r.start - start..r.end - start)
                    .collect();
                assert_eq!(expand(&axis.slice(&(start..end))), want, "{start}..{end}");
            }
        }
    }
}
