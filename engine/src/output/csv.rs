//! A result as comma-separated values, as xarray's `to_dataframe().to_csv()`.
//!
//! In: an outcome. Out: a header and one row per cell, C order, streamed. Missing cells are empty.

use super::OutputError;
use super::number::Texts;
use super::table::Table;
use crate::result::Outcome;
use std::io::Write;

/// Writes `outcome`: columns are the dimensions (their coordinates, or counts from 0), other coordinates, then the arrays.
///
/// Arrays of a dataset are broadcast to all of its dimensions, as xarray does.
///
/// # Errors
/// [`OutputError::Conflict`] when arrays disagree about a dimension or coordinate, [`OutputError::Io`].
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    let table = Table::of(outcome)?;
    let header: Vec<String> = table.columns.iter().map(|c| quoted(&c.name)).collect();
    writeln!(out, "{}", header.join(","))?;
    let cells: Vec<Option<Texts<'_>>> = table.columns.iter().map(|c| c.values.map(Texts::of)).collect();
    for row in table.rows(0) {
        for (i, (column, cells)) in table.columns.iter().zip(&cells).enumerate() {
            if i > 0 {
                out.write_all(b",")?;
            }
            let index = column.index(&row);
            match cells {
                None => write!(out, "{index}")?,
                Some(cells) => match cells.cell(index) {
                    None => {}
                    Some(text) => out.write_all(quoted(&text).as_bytes())?,
                },
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A field as RFC 4180 asks: quoted where it holds a comma, a quote or a line break.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
