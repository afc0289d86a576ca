//! Reductions and running totals, of arrays, datasets and groups alike.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Groups, Kind, Whole};
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Kind> Lazy<K> {
    /// The sum over dims: `"time"`, `["lat", "lon"]`, or all with `()`; of groups, within each.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn sum(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("sum", dims)
    }

    /// The product.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn prod(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("prod", dims)
    }

    /// The arithmetic mean; of weights, the weighted one.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn mean(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("mean", dims)
    }

    /// The smallest cell.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn min(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("min", dims)
    }

    /// The largest cell.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn max(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("max", dims)
    }

    /// The standard deviation; `args!["time", ddof = 1]` of a sample.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn std(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("std", dims)
    }

    /// The variance; `args!["time", ddof = 1]` of a sample.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn variance(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("var", dims)
    }

    /// The cell in the middle.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn median(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("median", dims)
    }

    /// How many cells are not missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn count(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("count", dims)
    }

    /// Whether any cell is true.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn any(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("any", dims)
    }

    /// Whether all cells are true.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn all(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("all", dims)
    }

    /// Running totals along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn cumsum(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("cumsum", dims)
    }

    /// Running products along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn cumprod(&self, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("cumprod", dims)
    }

    /// The cell below which a share of all lies, or a list of shares.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn quantile(&self, q: impl Into<Arg>, dims: impl Into<Args>) -> Result<Lazy<K::Whole>> {
        self.call("quantile", dims.into().after(q))
    }
}

impl<K: Whole> Lazy<K> {
    /// The position of the smallest cell along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn argmin(&self, dim: &str) -> Result<Lazy<K>> {
        self.call("argmin", dim)
    }

    /// The position of the largest cell along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn argmax(&self, dim: &str) -> Result<Lazy<K>> {
        self.call("argmax", dim)
    }

    /// The label of the smallest cell along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn idxmin(&self, dim: &str) -> Result<Lazy<K>> {
        self.call("idxmin", dim)
    }

    /// The label of the largest cell along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn idxmax(&self, dim: &str) -> Result<Lazy<K>> {
        self.call("idxmax", dim)
    }

    /// Each cell's place among those along a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn rank(&self, dim: &str) -> Result<Lazy<K>> {
        self.call("rank", dim)
    }
}

impl<K: Whole> Lazy<Groups<K>> {
    /// The first cell of each group that is not missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn first(&self) -> Result<Lazy<K>> {
        self.call("first", ())
    }

    /// The last cell of each group that is not missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn last(&self) -> Result<Lazy<K>> {
        self.call("last", ())
    }

    /// The sum of the weights of cells that are not missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn sum_of_weights(&self, dims: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("sum_of_weights", dims)
    }
}
