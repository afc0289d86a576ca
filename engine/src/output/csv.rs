//! A result as comma-separated values, as xarray's `to_dataframe().to_csv()`.
//!
//! In: an outcome. Out: a header and one row per cell, C order, streamed. Missing cells are empty.

use super::number::Texts;
use super::{OutputError, arrays};
use crate::result::Outcome;
use indexmap::IndexMap;
use std::io::Write;

/// A column: its name, its cells, and how far it moves with a step along each dimension of the table (0: it does not).
struct Column<'a> {
    name: String,
    cells: Option<Texts<'a>>,
    strides: Vec<usize>,
}

/// Writes `outcome`: columns are the dimensions (their coordinates, or counts from 0), other coordinates, then the arrays.
///
/// Arrays of a dataset are broadcast to all of its dimensions, as xarray does.
///
/// # Errors
/// [`OutputError::Conflict`] when arrays disagree about a dimension or coordinate, [`OutputError::Io`].
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    // Encoding finds conflicts between the arrays of a dataset.
    let dims = super::cf::encode(outcome)?.dims;
    let columns = columns(outcome, &dims);
    let header: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
    writeln!(out, "{}", header.join(","))?;
    let shape: Vec<usize> = dims.values().copied().collect();
    let rows = shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length)).unwrap_or(usize::MAX);
    let mut at = vec![0usize; shape.len()];
    for _ in 0..rows {
        write_row(&columns, &at, out)?;
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    Ok(())
}

fn write_row(columns: &[Column<'_>], at: &[usize], out: &mut dyn Write) -> Result<(), OutputError> {
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        let index: usize = column.strides.iter().zip(at).map(|(stride, i)| stride * i).sum();
        match &column.cells {
            None => write!(out, "{index}")?,
            Some(cells) => match cells.cell(index) {
                None => {}
                Some(text) => out.write_all(quoted(&text).as_bytes())?,
            },
        }
    }
    Ok(out.write_all(b"\n")?)
}

fn columns<'a>(outcome: &'a Outcome, dims: &IndexMap<String, usize>) -> Vec<Column<'a>> {
    let arrays = arrays(outcome);
    let mut coords = IndexMap::new();
    for coord in arrays.iter().flat_map(|a| &a.coords) {
        coords.entry(coord.name.as_str()).or_insert(coord);
    }
    let mut columns: Vec<Column<'a>> = dims
        .keys()
        .map(|dim| match coords.shift_remove(dim.as_str()) {
            Some(c) => Column { name: dim.clone(), cells: Some(Texts::of(&c.values)), strides: strides(&c.dims, &c.shape, dims) },
            None => Column { name: dim.clone(), cells: None, strides: strides(std::slice::from_ref(dim), &[1], dims) },
        })
        .collect();
    columns.extend(coords.values().map(|c| Column {
        name: c.name.clone(),
        cells: Some(Texts::of(&c.values)),
        strides: strides(&c.dims, &c.shape, dims),
    }));
    columns.extend(arrays.iter().map(|a| Column {
        name: super::cf::free_name(a, outcome),
        cells: Some(Texts::of(&a.values)),
        strides: strides(&a.dims, &a.shape, dims),
    }));
    columns
}

fn strides(own: &[String], shape: &[usize], dims: &IndexMap<String, usize>) -> Vec<usize> {
    dims.keys().map(|dim| own.iter().position(|d| d == dim).map_or(0, |axis| shape[axis + 1..].iter().product())).collect()
}

/// A field as RFC 4180 asks: quoted where it holds a comma, a quote or a line break.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
