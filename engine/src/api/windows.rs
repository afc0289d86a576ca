//! Windows and what depends on neighbours along a dim.

use super::args::Args;
use super::kind::{Groups, Whole};
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// Windows that slide: `t.rolling(("time", 3))`, `t.rolling(args![time = 3, center = true])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn rolling(&self, args: impl Into<Args>) -> Result<Lazy<Groups<K>>> {
        self.call_as("rolling", args)
    }

    /// Windows that do not overlap: `t.coarsen(args![lat = 2, boundary = "trim"])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn coarsen(&self, args: impl Into<Args>) -> Result<Lazy<Groups<K>>> {
        self.call_as("coarsen", args)
    }

    /// Windows from the first cell on.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn cumulative(&self, dim: impl Into<Args>) -> Result<Lazy<Groups<K>>> {
        self.call_as("cumulative", dim)
    }

    /// Differences of neighbours.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn diff(&self, dim: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("diff", dim)
    }

    /// Derivatives by central differences.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn differentiate(&self, coord: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("differentiate", coord)
    }

    /// Integrals by trapezoids.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn integrate(&self, coord: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("integrate", coord)
    }
}
