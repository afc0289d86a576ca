//! The model of the demonstration: monthly near-surface temperature of a decade to come, in a Zarr store, as CMIP6's.
//!
//! In: a seed. Out: the store. Never on the grid or in the calendar of the reference.

use super::climate::{Climate, Grid};
use crate::error::{Error, Result};
use crate::output;
use crate::plot::Style;
use crate::result::{Array, Coordinate, Outcome};
use std::path::Path;
use xeng_kernels::calendar::{Civil, DAY};
use xeng_kernels::{Block, Calendar};
use xeng_proto::{AttrValue, Attrs, TimeEncoding, Times, Values};

/// The name of the store.
pub(super) const NAME: &str = "tas_Amon_demo_ssp245.zarr";
/// The first year.
const FIRST_YEAR: i64 = 2090;
const YEARS: i64 = 10;

/// Writes the store.
///
/// # Errors
/// `Unavailable` when the file system refuses.
pub(super) fn write(path: &Path, seed: u64) -> Result<()> {
    let grid =
        Grid { lats: (0..97).map(|i| -90.0 + 1.875 * f64::from(i)).collect(), lons: (0..288).map(|i| 1.25 * f64::from(i)).collect() };
    let outcome = Outcome::Dataset {
        arrays: vec![array(&Climate::of(grid, seed))?],
        attrs: attrs(&[
            ("Conventions", "CF-1.7"),
            ("title", "Made-up climate projection for xeng demo: not for science"),
            ("experiment_id", "ssp245"),
            ("table_id", "Amon"),
        ]),
    };
    output::write(&outcome, path, &Style::default()).map(drop).map_err(|e| Error::unavailable(e.to_string()))
}

fn array(climate: &Climate) -> Result<Array> {
    let (grid, change) = (&climate.grid, climate.change());
    let times = times()?;
    let mut cells = vec![0f32; grid.cells() * times.len()];
    for (month, field) in cells.chunks_exact_mut(grid.cells()).enumerate() {
        climate.in_month(month, (month % 12) as f64 / 12.0 + 1.0 / 24.0, &change, field);
    }
    let shape = vec![times.len(), grid.lats.len(), grid.lons.len()];
    let time = Values::Times(Times {
        micros: times,
        encoding: TimeEncoding { units: "days since 1850-01-01".into(), calendar: Calendar::NoLeap },
    });
    let degrees = |v: &[f64]| Block::from_vec(&[v.len()], v.to_vec()).map(Values::Numbers).map_err(|e| Error::internal(e.to_string()));
    let coords = vec![
        coordinate("time", time, &[("standard_name", "time"), ("axis", "T")]),
        coordinate("lat", degrees(&grid.lats)?, &[("units", "degrees_north"), ("standard_name", "latitude"), ("axis", "Y")]),
        coordinate("lon", degrees(&grid.lons)?, &[("units", "degrees_east"), ("standard_name", "longitude"), ("axis", "X")]),
    ];
    let values = Values::Numbers(Block::from_vec(&shape, cells).map_err(|e| Error::internal(e.to_string()))?);
    let about = [
        ("units", "K"),
        ("long_name", "Near-Surface Air Temperature"),
        ("standard_name", "air_temperature"),
        ("cell_methods", "area: time: mean"),
    ];
    Ok(Array {
        name: Some("tas".into()),
        dims: ["time", "lat", "lon"].map(String::from).into(),
        shape,
        values,
        attrs: attrs(&about),
        coords,
    })
}

/// The middle of every month.
fn times() -> Result<Vec<i64>> {
    let months = (0..YEARS).flat_map(|y| (1..=12).map(move |month| (FIRST_YEAR + y, month)));
    let start = |year, month| {
        Calendar::NoLeap
            .micros(Civil { year, month, day: 1, hour: 0, minute: 0, second: 0, micro: 0 })
            .map_err(|e| Error::internal(e.to_string()))
    };
    months
        .map(|(year, month)| {
            let (from, to) = (start(year, month)?, start(year + i64::from(month == 12), month % 12 + 1)?);
            Ok(from + (to - from) / DAY * (DAY / 2))
        })
        .collect()
}

fn coordinate(name: &str, values: Values, about: &[(&str, &str)]) -> Coordinate {
    Coordinate { name: name.into(), dims: vec![name.into()], shape: vec![values.len()], values, attrs: attrs(about) }
}

fn attrs(pairs: &[(&str, &str)]) -> Attrs {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), AttrValue::Text((*v).to_owned()))).collect()
}
