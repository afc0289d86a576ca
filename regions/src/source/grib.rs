//! GRIB-2 files: messages to variables as cfgrib shows them, read by byte range.
//!
//! In: a file, and a group that says which of its fields are meant. Out: its variables and attributes. Never reads data sections: messages are
//! hopped over by the lengths in their headers.
//! Format: WMO Manual on Codes (WMO-No. 306), volume I.2, FM 92 GRIB edition 2; xarray's view of it: cfgrib 0.9.15, ecCodes 2.50.
//!
//! As cfgrib does it: a variable per parameter, named by ecCodes' `cfVarName`; dims `number`, `time`, `step`, the kind of level, `latitude`,
//! `longitude`, of which those of length 1 are scalar coordinates; a variable whose coordinates contradict those before it is left out.
//! Otherwise: `step` is a number of hours, not a duration; longitudes ascend where the grid crosses 0 degrees; grids that scan westwards, or
//! column by column, lie where they belong; two fields for one place are an error, not the last of them; levels of part of a hectopascal are
//! kept apart; a parameter that is in no table is named after its numbers, such as `param_0_3_192`.

mod attributes;
mod axis;
mod coordinate;
mod cube;
mod field;
mod filter;
mod grid;
mod level;
mod message;
mod octets;
mod packing;
mod parameter;
mod product;
mod scan;
mod source;

#[cfg(test)]
#[path = "../tests/grib/mod.rs"]
mod tests;

pub(crate) use field::Place;
pub(crate) use scan::Scan;
pub use source::FieldSource;

use super::raw::RawDataset;
use crate::store::Object;
use filter::Filter;
use std::sync::Arc;
use xeng_proto::RegionError;

/// Opens the fields of a file that a group names: all of them where it is empty, else those that have every part of it, such as
/// `heightAboveGround/2`, `surface/accum` or `pf` (see [`filter`]).
///
/// # Errors
/// `Data` when a message is damaged or cut off, `Request` when no field is of the group.
pub fn open(file: &Arc<dyn Object>, is_remote: bool, group: &str) -> Result<RawDataset, RegionError> {
    let mut fields = message::fields(file, is_remote)?;
    let filter = Filter::parse(group);
    filter.apply(&mut fields).map_err(|why| RegionError::request(format!("{}: {why}", file.name())))?;
    Ok(cube::dataset(file, is_remote, &fields))
}
