//! Cells that are missing.

use super::args::Args;
use super::kind::Whole;
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// The indices of a dim where all cells are there; which those are is read when it is computed.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn dropna(&self, dim: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("dropna", dim)
    }

    /// Missing cells from those before.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn ffill(&self, dim: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("ffill", dim)
    }

    /// Missing cells from those after.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn bfill(&self, dim: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("bfill", dim)
    }

    /// Missing cells on the line between their neighbours.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn interpolate_na(&self, dim: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("interpolate_na", dim)
    }
}
