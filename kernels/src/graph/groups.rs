//! The groups that the indices of one axis fall into, and which indices a run of groups reaches.
//!
//! In: a code per index. Out: ranges of indices, cuts of the groups. Never knows what is made of a group.

use super::Dim;
use crate::chunks::AxisChunks;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Chunks between two cuts of which one lies inside a chunk: that is read by the groups before the cut and by those behind it.
const CHUNKS_BETWEEN: usize = 8;

/// The groups that the indices of one axis fall into.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Groups {
    /// Which axis of the input.
    pub axis: usize,
    /// The group of each index, `-1` for none.
    pub codes: Arc<[i32]>,
    /// The dimension that takes the axis's place: its name, and the number of groups.
    pub dim: Dim,
}

impl Groups {
    /// The shortest range that holds every index of some groups; empty where they have none.
    pub fn reach(&self, groups: &Range<usize>) -> Range<usize> {
        let is_wanted = |code: &i32| usize::try_from(*code).is_ok_and(|code| groups.contains(&code));
        match (self.codes.iter().position(is_wanted), self.codes.iter().rposition(is_wanted)) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..0,
        }
    }

    /// As [`Self::reach`], of each chunk of the groups.
    pub fn reaches(&self, cut: &AxisChunks) -> Vec<Range<usize>> {
        let mut out = vec![0..0; cut.count()];
        for (index, &code) in self.codes.iter().enumerate() {
            let chunk = usize::try_from(code).ok().map(|code| cut.chunk_at(code));
            if let Some(reach) = chunk.and_then(|chunk| out.get_mut(chunk)) {
                *reach = if reach.start == reach.end { index..index + 1 } else { reach.start..index + 1 };
            }
        }
        out
    }

    /// The codes of some indices among the groups of a range, counted from its first; -1 for those of others.
    pub fn codes_within(&self, groups: &Range<usize>, indices: &Range<usize>) -> Cow<'_, [i32]> {
        let codes = &self.codes[indices.clone()];
        if *groups == (0..self.dim.len) {
            return Cow::Borrowed(codes);
        }
        let within = |code: &i32| match usize::try_from(*code) {
            Ok(code) if groups.contains(&code) => (code - groups.start) as i32,
            _ => -1,
        };
        Cow::Owned(codes.iter().map(within).collect())
    }

    /// The groups, cut where the indices are cut into `chunks`: groups that follow one another, as days do, are made chunk by chunk.
    /// In one piece where they do not, as the months of many years.
    pub fn cut(&self, chunks: &AxisChunks) -> AxisChunks {
        let (mut cut, mut before) = (AxisChunks::default(), None::<i32>);
        let (mut chunk, mut number, mut since, mut entered) = (0..0, 0, 0, false);
        for (index, &code) in self.codes.iter().enumerate() {
            if index == chunk.end {
                chunk = chunks.range(number);
                (number, since, entered) = (number + 1, since + 1, false);
            }
            if code < 0 {
                continue;
            }
            if before.is_some_and(|before| code < before) {
                return AxisChunks::uniform(self.dim.len, 0);
            }
            // No chunk lies on both sides of a cut at the first group of a chunk.
            let is_between = !entered || since > CHUNKS_BETWEEN;
            if before.is_some_and(|before| code > before) && is_between {
                cut.push(1, code as usize - cut.len());
                since = 1;
            }
            (before, entered) = (Some(code), true);
        }
        let rest = self.dim.len - cut.len();
        cut.push(1, rest);
        cut
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn groups(codes: Vec<i32>, n: usize) -> Groups {
        Groups { axis: 0, codes: codes.into(), dim: Dim::new("g", n) }
    }

    fn lengths(cut: &AxisChunks) -> Vec<usize> {
        (0..cut.count()).map(|c| cut.range(c).len()).collect()
    }

    #[test]
    fn days_are_cut_where_chunks_are_and_months_of_years_are_not() {
        let days = groups((0..240).map(|hour| hour / 24).collect(), 10);
        assert_eq!(lengths(&days.cut(&AxisChunks::uniform(240, 48))), [2; 5]);
        assert_eq!(lengths(&days.cut(&AxisChunks::uniform(240, 6))), [1; 10]);
        assert_eq!(lengths(&days.cut(&AxisChunks::uniform(240, 240))), [10]);
        assert_eq!(lengths(&days.cut(&AxisChunks::uniform(240, 36))), [3, 3, 3, 1], "every other edge is a day's");
        assert_eq!(lengths(&groups((0..240).map(|t| t % 12).collect(), 12).cut(&AxisChunks::uniform(240, 24))), [12]);
    }

    #[test]
    fn cuts_inside_chunks_are_rare() {
        let weeks = groups((0..7 * 400).map(|day| day / 7).collect(), 400);
        let cut = weeks.cut(&AxisChunks::uniform(7 * 400, 30));
        assert!(cut.count() > 8 && weeks.reaches(&cut).iter().all(|r| r.len() >= 30 * (CHUNKS_BETWEEN - 1) || r.end == 7 * 400), "{cut:?}");
    }

    proptest! {
        /// Every group lies in one part of the cut, whose reach holds all indices of it; following groups reach apart from each other.
        #[test]
        fn reaches_hold_their_groups(
            steps in proptest::collection::vec((0i32..3, any::<bool>()), 1..60),
            chunk in 1usize..12,
            follows in any::<bool>(),
        ) {
            let mut code = 0;
            let codes: Vec<i32> = steps.iter().map(|&(step, is_in)| {
                code = if follows { code + step } else { (code + step) % 5 };
                if is_in { code } else { -1 }
            }).collect();
            let n = code.max(5) as usize + 2;
            let g = groups(codes.clone(), n);
            let cut = g.cut(&AxisChunks::uniform(codes.len(), chunk));
            prop_assert_eq!(cut.len(), n);
            let reaches = g.reaches(&cut);
            for (number, reach) in reaches.iter().enumerate() {
                let part = cut.range(number);
                prop_assert_eq!(reach, &g.reach(&part));
                let within = g.codes_within(&part, &(0..codes.len()));
                for (index, (&code, &local)) in codes.iter().zip(within.iter()).enumerate() {
                    let is_in = code >= 0 && part.contains(&(code as usize));
                    prop_assert_eq!(local, if is_in { code - part.start as i32 } else { -1 });
                    prop_assert!(!is_in || reach.contains(&index));
                }
            }
            if follows {
                let met: Vec<_> = reaches.iter().filter(|r| !r.is_empty()).collect();
                prop_assert!(met.windows(2).all(|w| w[0].end <= w[1].start), "{:?}", reaches);
            }
        }
    }
}
