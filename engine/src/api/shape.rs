//! Shape, names, order and types.

use super::arg::Arg;
use super::args::Args;
use super::kind::Whole;
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// Dims in another order; `Arg::rest()` stands for all others.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn transpose<T: Into<Arg>>(&self, dims: impl IntoIterator<Item = T>) -> Result<Lazy<K>> {
        self.call("transpose", dims.into_iter().fold(Args::new(), Args::with))
    }

    /// Without dims of length one: all of them, or those named.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn squeeze(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("squeeze", args)
    }

    /// A new dim: `t.expand_dims(("member", 2))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn expand_dims(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("expand_dims", args)
    }

    /// Another name of the array, `t.rename("t")`, or of dims, coordinates and variables, `t.rename(("lat", "y"))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn rename(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("rename", args)
    }

    /// Without these coordinates or variables.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn drop_vars(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("drop_vars", args)
    }

    /// Other coordinates: `t.assign_coords(("lon", t.coord("lon")? - 180))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn assign_coords(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("assign_coords", args)
    }

    /// Other attributes: `t.assign_attrs(("units", "degC"))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn assign_attrs(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("assign_attrs", args)
    }

    /// In ascending order of labels.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn sortby(&self, key: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("sortby", Args::new().with(key))
    }

    /// Cells moved along a dim, missing where none comes: `t.shift(("time", 1))`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn shift(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("shift", args)
    }

    /// Cells moved around a dim.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn roll(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("roll", args)
    }

    /// More indices at the ends: `t.pad(args![lon = 1, mode = "wrap"])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn pad(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("pad", args)
    }

    /// Cells of another type: `"float32"`, `"int64"`, ...
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn astype(&self, dtype: &str) -> Result<Lazy<K>> {
        self.call("astype", dtype)
    }
}
