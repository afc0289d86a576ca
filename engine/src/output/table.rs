//! A result as a long table: one row per cell, in C order.
//!
//! In: an outcome. Out: its columns, and where in their cells each row stands. Never copies cells.

use super::{OutputError, arrays};
use crate::result::Outcome;
use indexmap::IndexMap;
use xeng_proto::{Attrs, Values};

/// Columns: the dimensions (their coordinates, or counts from 0), other coordinates, then the arrays.
pub(super) struct Table<'a> {
    pub(super) shape: Vec<usize>,
    pub(super) columns: Vec<Column<'a>>,
}

/// A column: its name, its cells (none: it counts), and how far it moves with a step along each dimension of the table (0: it does not).
pub(super) struct Column<'a> {
    pub(super) name: String,
    pub(super) values: Option<&'a Values>,
    pub(super) attrs: Option<&'a Attrs>,
    pub(super) is_coordinate: bool,
    strides: Vec<usize>,
}

impl Column<'_> {
    /// The index of the cell that stands in a row.
    pub(super) fn index(&self, row: &[usize]) -> usize {
        self.strides.iter().zip(row).map(|(stride, i)| stride * i).sum()
    }
}

impl<'a> Table<'a> {
    /// The table of an outcome. Arrays of a dataset are broadcast to all of its dimensions, as xarray does.
    ///
    /// # Errors
    /// [`OutputError::Conflict`] when arrays disagree about a dimension or coordinate.
    pub(super) fn of(outcome: &'a Outcome) -> Result<Table<'a>, OutputError> {
        // Encoding finds conflicts between the arrays of a dataset.
        let dims = super::cf::encode(outcome)?.dims;
        Ok(Table { shape: dims.values().copied().collect(), columns: columns(outcome, &dims) })
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length)).unwrap_or(usize::MAX)
    }

    /// The rows from row `first` on, each as its position along each dimension.
    pub(super) fn rows(&self, first: usize) -> impl Iterator<Item = Vec<usize>> + '_ {
        (first..self.len()).map(|number| xeng_regions::source::unravel(number, &self.shape))
    }
}

fn columns<'a>(outcome: &'a Outcome, dims: &IndexMap<String, usize>) -> Vec<Column<'a>> {
    let arrays = arrays(outcome);
    let mut coords = IndexMap::new();
    for coord in arrays.iter().flat_map(|a| &a.coords) {
        coords.entry(coord.name.as_str()).or_insert(coord);
    }
    let coordinate = |name: &str, values, attrs, strides| Column { name: name.to_owned(), values, attrs, is_coordinate: true, strides };
    let mut columns: Vec<Column<'a>> = dims
        .keys()
        .map(|dim| match coords.shift_remove(dim.as_str()) {
            Some(c) => coordinate(dim, Some(&c.values), Some(&c.attrs), strides(&c.dims, &c.shape, dims)),
            None => coordinate(dim, None, None, strides(std::slice::from_ref(dim), &[1], dims)),
        })
        .collect();
    columns.extend(coords.values().map(|c| coordinate(&c.name, Some(&c.values), Some(&c.attrs), strides(&c.dims, &c.shape, dims))));
    columns.extend(arrays.iter().map(|a| Column {
        name: super::cf::free_name(a, outcome),
        values: Some(&a.values),
        attrs: Some(&a.attrs),
        is_coordinate: false,
        strides: strides(&a.dims, &a.shape, dims),
    }));
    columns
}

fn strides(own: &[String], shape: &[usize], dims: &IndexMap<String, usize>) -> Vec<usize> {
    dims.keys().map(|dim| own.iter().position(|d| d == dim).map_or(0, |axis| shape[axis + 1..].iter().product())).collect()
}
