//! Selections: by label, by position, by condition.

use super::arg::Arg;
use super::args::Args;
use super::kind::Whole;
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// Cells at labels: `t.sel(("time", "2001"..="2003"))`, `t.sel((("lat", 50.0), ("lon", 8.0)))`; lists and arrays of labels too.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn sel(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("sel", args)
    }

    /// Cells at the labels nearest to these.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn sel_nearest(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("sel", args.into().named("method", "nearest"))
    }

    /// Cells at positions: `t.isel(("time", 0))`, `t.isel(("time", ..10))`, `t.isel(("lat", [0, 2]))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn isel(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("isel", args)
    }

    /// The first indices: `t.head(("time", 3))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn head(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("head", args)
    }

    /// The last indices.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn tail(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("tail", args)
    }

    /// Every nth index.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn thin(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("thin", args)
    }

    /// All but these labels.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn drop_sel(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("drop_sel", args)
    }

    /// The cells where a condition holds, missing elsewhere: `t.where_(t.gt(273.15))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn where_(&self, condition: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("where", Args::new().with(condition))
    }

    /// The cells where a condition holds, another value elsewhere.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn where_or(&self, condition: impl Into<Arg>, other: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("where", Args::new().with(condition).with(other))
    }

    /// The cells where a condition holds, without labels where it nowhere does. Where that depends on data, the labels are read when it is computed.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn where_drop(&self, condition: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("where", Args::new().with(condition).named("drop", true))
    }

    /// Whether each cell is among values.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn isin(&self, values: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("isin", Args::new().with(values))
    }
}
