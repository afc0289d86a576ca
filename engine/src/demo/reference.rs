//! The reference of the demonstration: hourly near-surface temperature in monthly NetCDF-4 files, as ERA5's.
//!
//! In: a climate and a list of files. Out: the files, one by one. Never holds more than one file of a thread in memory.

use super::climate::Climate;
use crate::error::{Error, Result};
use crate::output::{self, OutputError};
use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions, VariableId};
use std::io::Write;
use std::path::Path;
use xeng_kernels::Calendar;
use xeng_kernels::calendar::{Civil, DAY};

/// Hours of a chunk.
const CHUNK_HOURS: u64 = 24;
/// Parts that the globe is cut into along each axis.
const CHUNKS_ACROSS: u64 = 3;
/// Fast, and hardly larger than with more effort: the cells are noise below a few tenths of a kelvin.
const DEFLATE_LEVEL: u8 = 1;

/// One file: some days of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    first_hour: i64,
    hours: i64,
}

/// Days of a month.
pub(super) fn days(year: i64, month: u32) -> i64 {
    day(if month == 12 { year + 1 } else { year }, month % 12 + 1) - day(year, month)
}

/// Days from 1900-01-01 to the first of a month.
fn day(year: i64, month: u32) -> i64 {
    let count =
        |year, month| Calendar::Standard.micros(Civil { year, month, day: 1, hour: 0, minute: 0, second: 0, micro: 0 }).unwrap_or(0) / DAY;
    count(year, month) - count(1900, 1)
}

/// The files of these months: one for each, or several where a month of so many cells would be larger than `most_bytes`.
pub(super) fn files(months: &[(i64, u32)], cells: usize, most_bytes: usize) -> Vec<File> {
    let most_days = (most_bytes / (cells * 4 * 24).max(1)).clamp(1, 31) as i64;
    let of_month = |&(year, month): &(i64, u32)| {
        let all = days(year, month);
        (0..all)
            .step_by(most_days as usize)
            .map(move |start| {
                let part = if most_days < all { format!("-{:02}", start + 1) } else { String::new() };
                File {
                    name: format!("t2m_{year}-{month:02}{part}.nc"),
                    first_hour: (day(year, month) + start) * 24,
                    hours: most_days.min(all - start) * 24,
                }
            })
            .collect::<Vec<_>>()
    };
    months.iter().flat_map(of_month).collect()
}

/// Writes a file; `told` hears of decoded bytes.
///
/// # Errors
/// `Unavailable` when the file system refuses.
pub(super) fn write(folder: &Path, climate: &Climate, file: &File, told: &dyn Fn(u64)) -> Result<()> {
    let cells = climate.grid.cells();
    let mut temperature = vec![0f32; cells * file.hours as usize];
    for (hour, field) in temperature.chunks_exact_mut(cells.max(1)).enumerate() {
        climate.at_hour(file.first_hour + hour as i64, field);
        // The other half of the work is to compress.
        told(cells as u64 * 2);
    }
    let all = temperature.len() as u64 * 4;
    let builder = build(climate, file, temperature).map_err(|e| Error::internal(format!("{}: {e}", file.name)))?;
    let options = NcWriteOptions { format: NcWriteFormat::Nc4 };
    let fill = |out: &mut (dyn Write + Send)| {
        builder.write(out, options).map(drop).map_err(|e| OutputError::Io(std::io::Error::other(e.to_string())))
    };
    output::place::file(&folder.join(&file.name), fill).map_err(|e| Error::unavailable(e.to_string()))?;
    told(all - all / 2);
    Ok(())
}

fn build(climate: &Climate, file: &File, temperature: Vec<f32>) -> netcdf_writer::Result<NcFileBuilder> {
    let mut nc = NcFileBuilder::new();
    let (lats, lons) = (climate.grid.lats.len() as u64, climate.grid.lons.len() as u64);
    let time = nc.add_dimension("time", file.hours as u64)?;
    let latitude = nc.add_dimension("latitude", lats)?;
    let longitude = nc.add_dimension("longitude", lons)?;
    nc.add_attribute("Conventions", NcAttrValue::Chars("CF-1.7".into()))?;
    nc.add_attribute("title", NcAttrValue::Chars("Made-up hourly reanalysis for xeng demo: not for science".into()))?;
    let times = nc.add_variable::<i32>("time", &[time])?;
    let hours: Vec<i32> = (file.first_hour..file.first_hour + file.hours).map(|h| h as i32).collect();
    nc.write_variable(times, &hours)?;
    attributes(
        &mut nc,
        times,
        &[
            ("units", "hours since 1900-01-01 00:00:00"),
            ("calendar", "standard"),
            ("long_name", "time"),
            ("standard_name", "time"),
            ("axis", "T"),
        ],
    )?;
    let y = nc.add_variable::<f32>("latitude", &[latitude])?;
    nc.write_variable(y, &climate.grid.lats.iter().map(|&v| v as f32).collect::<Vec<_>>())?;
    attributes(&mut nc, y, &[("units", "degrees_north"), ("long_name", "latitude"), ("standard_name", "latitude"), ("axis", "Y")])?;
    let x = nc.add_variable::<f32>("longitude", &[longitude])?;
    nc.write_variable(x, &climate.grid.lons.iter().map(|&v| v as f32).collect::<Vec<_>>())?;
    attributes(&mut nc, x, &[("units", "degrees_east"), ("long_name", "longitude"), ("standard_name", "longitude"), ("axis", "X")])?;
    let t2m = nc.add_variable::<f32>("t2m", &[time, latitude, longitude])?;
    nc.write_variable(t2m, &temperature)?;
    drop(temperature);
    attributes(&mut nc, t2m, &[("units", "K"), ("long_name", "2 metre temperature"), ("standard_name", "air_temperature")])?;
    nc.set_variable_chunking(t2m, [CHUNK_HOURS, lats.div_ceil(CHUNKS_ACROSS), lons.div_ceil(CHUNKS_ACROSS)])?;
    nc.set_variable_deflate(t2m, Some(DEFLATE_LEVEL), true)?;
    Ok(nc)
}

fn attributes(nc: &mut NcFileBuilder, id: VariableId, pairs: &[(&str, &str)]) -> netcdf_writer::Result<()> {
    pairs.iter().try_for_each(|(name, value)| nc.add_variable_attribute(id, *name, NcAttrValue::Chars((*value).to_owned())).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_cover_their_months() {
        let year: Vec<(i64, u32)> = (1..=12).map(|m| (2012, m)).collect();
        let monthly = files(&year, 1000, usize::MAX);
        assert_eq!((monthly.len(), monthly[1].name.as_str(), monthly[1].hours), (12, "t2m_2012-02.nc", 29 * 24));
        let parts = files(&year, 1000, 10 * 24 * 4000);
        assert_eq!(
            parts[..3].iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["t2m_2012-01-01.nc", "t2m_2012-01-11.nc", "t2m_2012-01-21.nc"]
        );
        assert_eq!(parts.iter().map(|f| f.hours).sum::<i64>(), 366 * 24);
        assert!(parts.windows(2).all(|w| w[0].first_hour + w[0].hours == w[1].first_hour));
        // 2012-01-01 is 40,907 days after 1900-01-01.
        assert_eq!(monthly[0].first_hour, 40_907 * 24);
    }
}
