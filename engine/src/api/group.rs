//! Groups: by components of time, by labels, by spans of time, by weights.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Groups, Whole};
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// Groups of a component of time, `"time.month"`, of a coordinate, or of an array that is known while planning. Beside reductions, groups meet arrays of one index per group: `t.groupby("time.month")? - climatology`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn groupby(&self, key: impl Into<Arg>) -> Result<Lazy<Groups<K>>> {
        self.call_as("groupby", Args::new().with(key))
    }

    /// Groups of intervals.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn groupby_bins(&self, key: impl Into<Arg>, bins: impl Into<Arg>) -> Result<Lazy<Groups<K>>> {
        self.call_as("groupby_bins", Args::new().with(key).with(bins))
    }

    /// Groups of spans of time: `t.resample(("time", "MS"))`; YS YE QS QE MS ME W D h min s and multiples.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn resample(&self, args: impl Into<Args>) -> Result<Lazy<Groups<K>>> {
        self.call_as("resample", args)
    }

    /// With weights.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn weighted(&self, weights: &Lazy<super::kind::Array>) -> Result<Lazy<Groups<K>>> {
        self.call_as("weighted", Args::new().with(weights))
    }
}
