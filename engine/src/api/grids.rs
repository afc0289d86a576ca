//! Other labels: interpolation, reindexing, regridding.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Array, Whole};
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// Cells between labels: `t.interp((("lat", 50.5), ("lon", [7.5, 8.5])))`, `t.interp(args![lat = &lat, method = "nearest"])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn interp(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("interp", args)
    }

    /// At other labels, missing where there is none.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn reindex(&self, args: impl Into<Args>) -> Result<Lazy<K>> {
        self.call("reindex", args)
    }

    /// Interpolated to the labels of another array.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn interp_like(&self, other: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("interp_like", Args::new().with(other))
    }

    /// At the labels of another array.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn reindex_like(&self, other: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("reindex_like", Args::new().with(other))
    }
}

impl Lazy<Array> {
    /// On another grid of latitudes and longitudes: `"conservative"`, `"bilinear"` or `"nearest"`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn regrid(&self, lat: impl Into<Arg>, lon: impl Into<Arg>, method: &str) -> Result<Lazy<Array>> {
        let to = Arg::dict([("lat", lat.into()), ("lon", lon.into())]);
        self.call("xeng.regrid", Args::new().with(to).named("method", method))
    }

    /// Longitudes from -180 to 180, or with 360 from 0 to 360, in order.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn wrap_lon(&self, end: i32) -> Result<Lazy<Array>> {
        self.call("xeng.wrap_lon", Args::new().with(end))
    }

    /// The part of the sphere that each cell covers: weights of a mean over the globe.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn area_weights(&self) -> Result<Lazy<Array>> {
        self.call("xeng.area_weights", ())
    }
}
