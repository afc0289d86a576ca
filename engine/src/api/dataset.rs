//! From a dataset to its arrays, and from arrays to datasets.

use super::arg::Arg;
use super::args::Args;
use super::kind::{Array, Dataset};
use super::lazy::Lazy;
use super::step::bare;
use crate::error::Result;
use crate::expr::{ExprKind, SubscriptItem};

impl Lazy<Dataset> {
    /// A variable or coordinate: `ds['name']`.
    ///
    /// # Errors
    /// `Request` when there is none of this name, with the nearest one.
    pub fn var(&self, name: &str) -> Result<Lazy<Array>> {
        Lazy::checked(subscript(self.into(), name.into()), self.session.clone())
    }

    /// Some of the variables: `ds[['u', 'v']]`.
    ///
    /// # Errors
    /// As [`Lazy::var`].
    pub fn vars<const N: usize>(&self, names: [&str; N]) -> Result<Lazy<Dataset>> {
        Lazy::checked(subscript(self.into(), names.into()), self.session.clone())
    }

    /// More variables, or others in their place: `ds.assign(("celsius", &t - 273.15))`.
    ///
    /// # Errors
    /// `Request` when dims contradict each other.
    pub fn assign(&self, named: impl Into<Args>) -> Result<Lazy<Dataset>> {
        self.call("assign", named)
    }

    /// The variables of both.
    ///
    /// # Errors
    /// `Request` when they contradict each other.
    pub fn merge(&self, other: &Lazy<Dataset>) -> Result<Lazy<Dataset>> {
        self.call("merge", Args::new().with(other))
    }

    /// The variables side by side along a new dim.
    ///
    /// # Errors
    /// `Request` when they cannot be.
    pub fn to_array(&self, dim: &str) -> Result<Lazy<Array>> {
        self.call_as("to_array", dim)
    }
}

impl Lazy<Array> {
    /// A coordinate, or the positions of a dim that has none: `da['name']`.
    ///
    /// # Errors
    /// `Request` when there is none of this name.
    pub fn coord(&self, name: &str) -> Result<Lazy<Array>> {
        Lazy::checked(subscript(self.into(), name.into()), self.session.clone())
    }

    /// A component of times, such as `year`, `month`, `season`, `dayofyear`: `time.dt.month`.
    ///
    /// # Errors
    /// `Request` when these are no times, or have no such component.
    pub fn dt(&self, component: &str) -> Result<Lazy<Array>> {
        self.property(&format!("dt.{component}"))
    }

    /// A dataset of this one array.
    ///
    /// # Errors
    /// `Request` when its name is that of a coordinate.
    pub fn to_dataset(&self, name: &str) -> Result<Lazy<Dataset>> {
        self.call_as("to_dataset", ("name", name))
    }
}

/// `of[at]`
fn subscript(of: Arg, at: Arg) -> Arg {
    Arg { expr: bare(ExprKind::Subscript(Box::new(of.expr), vec![SubscriptItem::Index(at.expr)])), of: of.of }
}
