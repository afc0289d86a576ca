//! Cell by cell.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Array, Whole};
use super::lazy::Lazy;
use crate::error::Result;

impl<K: Whole> Lazy<K> {
    /// A value where cells are missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn fillna(&self, value: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("fillna", Args::new().with(value))
    }

    /// Cells kept within bounds; `()` is none.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn clip(&self, min: impl Into<Arg>, max: impl Into<Arg>) -> Result<Lazy<K>> {
        self.call("clip", Args::new().with(min).with(max))
    }

    /// Rounded, halves to even.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn round(&self, decimals: i32) -> Result<Lazy<K>> {
        self.call("round", Args::new().with(decimals))
    }

    /// Whether cells are missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn isnull(&self) -> Result<Lazy<K>> {
        self.call("isnull", ())
    }

    /// Whether cells are not missing.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn notnull(&self) -> Result<Lazy<K>> {
        self.call("notnull", ())
    }

    /// A function of NumPy whose first argument this is: `t.np("sqrt", ())`, `u.np("hypot", args![&v])`.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn np(&self, function: &str, more: impl Into<Args>) -> Result<Lazy<K>> {
        Lazy::checked(Arg::call(&format!("np.{function}"), more.into().after(self)), self.session.clone())
    }
}

impl Lazy<Array> {
    /// The cells of another array where this has none.
    ///
    /// # Errors
    /// `Request`, with the place in the expression, when this cannot be done.
    pub fn combine_first(&self, other: &Lazy<Array>) -> Result<Lazy<Array>> {
        self.call("combine_first", Args::new().with(other))
    }
}
