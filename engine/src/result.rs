//! What a user gets: labelled arrays in memory, ready to be written or shown.
//!
//! In: nothing; plain data. Out: nothing. Never lazy: every number is here.

use xeng_proto::{Attrs, Values};

/// A finished array with its coordinates: xarray's `DataArray`, computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Dimension names, in axis order.
    pub dims: Vec<String>,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// The cells in C order.
    pub values: Values,
    /// Attributes, such as `units` and `long_name`.
    pub attrs: Attrs,
    /// Coordinates: one called like a dimension labels it; others are scalar or span some of the dims.
    pub coords: Vec<Coordinate>,
}

/// A coordinate of a finished array.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Its name.
    pub name: String,
    /// Its dimensions, all of them the array's.
    pub dims: Vec<String>,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// The cells in C order.
    pub values: Values,
    /// Attributes, such as `units` and `standard_name`.
    pub attrs: Attrs,
}

/// What an expression evaluates to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// One array.
    Array(Array),
    /// Several named arrays: xarray's `Dataset`, computed.
    Dataset {
        /// The arrays, each with its name and coordinates.
        arrays: Vec<Array>,
        /// Attributes of the whole.
        attrs: Attrs,
    },
}
