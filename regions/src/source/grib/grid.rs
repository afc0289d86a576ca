//! Where the points of a field lie: regular grids of latitudes and longitudes.
//!
//! In: section 3. Out: the grid, and its coordinates. Never reorders: latitudes and longitudes run as the field is scanned, but that
//! longitudes never jump back at 0 degrees.
//! Source: WMO templates 3.0; ecCodes 2.50, `geo/iterator/Regular` and `Latlon`, whose arithmetic this is.

use super::octets::Octets;
use super::scan::Scan;
use crate::source::bytes::cells_of;
use xeng_kernels::DType;

/// Points along one axis, at most: a step of a hundredth of a second of arc.
const MAX_POINTS: u32 = 1 << 22;
/// Degrees are stored in millionths.
const DEGREE: f64 = 1e6;

/// A regular grid of latitudes and longitudes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    /// Points along a parallel.
    pub(super) columns: usize,
    /// Points along a meridian.
    pub(super) rows: usize,
    /// First and last latitude and longitude, in degrees.
    pub(super) latitudes: (f64, f64),
    pub(super) longitudes: (f64, f64),
    /// Increments, in degrees, where they are given.
    pub(super) steps: (Option<f64>, Option<f64>),
    /// WMO flag table 3.4.
    pub(super) scan: u8,
    /// WMO flag table 3.3.
    pub(super) flags: u8,
}

/// The grid that section 3 describes.
///
/// # Errors
/// What is not supported, or contradicts itself.
pub(super) fn read(section: Octets<'_>) -> Result<Grid, String> {
    let short = || "its grid definition is cut off".to_owned();
    let template = section.u16(12).ok_or_else(short)?;
    if section.u8(5) != Some(0) || section.u8(10) != Some(0) {
        return Err(format!(
            "its grid is {}, which is not supported (regular_ll is)",
            if template == 40 { "reduced_gg" } else { "not regular" }
        ));
    }
    if template != 0 {
        return Err(format!("its grid is {}, which is not supported (regular_ll is)", name(template)));
    }
    let parts =
        || Some(((section.u32(6)?, section.known_u32(30)??, section.known_u32(34)??), section.u32(38)?, section.u8(54)?, section.u8(71)?));
    let ((points, columns, rows), basic_angle, flags, scan) = parts().ok_or_else(short)?;
    if !matches!(basic_angle, 0 | u32::MAX) {
        return Err("its grid counts in a basic angle of its own, which is not supported".to_owned());
    }
    if scan & 0x0f != 0 {
        return Err(format!("its points are staggered (scanning mode {scan:#04x}), which is not supported"));
    }
    if columns == 0 || rows == 0 || columns.max(rows) > MAX_POINTS || u64::from(columns) * u64::from(rows) != u64::from(points) {
        return Err(format!("its grid of {columns} by {rows} does not have {points} points"));
    }
    let (columns, rows) = (columns as usize, rows as usize);
    cells_of(DType::F32, &[rows, columns]).map_err(|e| e.message)?;
    let degrees = |at| section.i32(at).map(|n| n as f64 / DEGREE).ok_or_else(short);
    let step = |flag, at| section.known_u32(at).ok_or_else(short).map(|n| n.filter(|_| flags & flag != 0).map(|n| f64::from(n) / DEGREE));
    let grid = Grid {
        columns,
        rows,
        latitudes: (degrees(46)?, degrees(55)?),
        longitudes: (degrees(50)?, degrees(59)?),
        steps: (step(0x20, 63)?, step(0x10, 67)?),
        scan,
        flags,
    };
    grid.check()?;
    Ok(grid)
}

fn name(template: u16) -> String {
    match template {
        1 => "rotated_ll".to_owned(),
        10 => "mercator".to_owned(),
        20 => "polar_stereographic".to_owned(),
        30 => "lambert".to_owned(),
        40 => "regular_gg".to_owned(),
        50..=53 => "spherical harmonics".to_owned(),
        90 => "space_view".to_owned(),
        101 => "unstructured_grid".to_owned(),
        140 => "lambert_azimuthal_equal_area".to_owned(),
        150 => "healpix".to_owned(),
        other => format!("of template 3.{other}"),
    }
}

impl Grid {
    /// Points of a field.
    pub(super) fn points(&self) -> usize {
        self.rows * self.columns
    }

    fn scans_west(&self) -> bool {
        self.scan & 0x80 != 0
    }

    fn scans_north(&self) -> bool {
        self.scan & 0x40 != 0
    }

    /// That increments, ends and numbers of points agree: else the labels would be wrong.
    fn check(&self) -> Result<(), String> {
        let (south_north, (first, last)) = (self.scans_north(), self.latitudes);
        let in_range = |angle: f64, most: f64| angle.abs() <= most;
        if !in_range(first, 90.0) || !in_range(last, 90.0) || !in_range(self.longitudes.0, 360.0) || !in_range(self.longitudes.1, 360.0) {
            return Err("its grid lies beyond the earth".to_owned());
        }
        let runs_as_scanned = if south_north { first < last } else { first > last };
        if self.rows > 1 && !runs_as_scanned {
            return Err(format!("its latitudes run from {first} to {last}, against its scanning mode"));
        }
        let agree = |given: Option<f64>, spanned: f64, count: usize| {
            let gaps = count.saturating_sub(1) as f64;
            given.is_none_or(|step| count == 1 || (step * gaps - spanned).abs() <= spanned / gaps / 2.0)
        };
        if !agree(self.steps.1, (first - last).abs(), self.rows) {
            return Err(format!("{} latitudes from {first} to {last} are not {} degrees apart", self.rows, self.steps.1.unwrap_or(0.0)));
        }
        if !agree(self.steps.0, self.width(), self.columns) {
            let (first, last) = self.longitudes;
            return Err(format!(
                "{} longitudes from {first} to {last} are not {} degrees apart",
                self.columns,
                self.steps.0.unwrap_or(0.0)
            ));
        }
        Ok(())
    }

    /// Degrees from the first longitude to the last, the way that they are scanned.
    fn width(&self) -> f64 {
        let (first, last) = self.longitudes;
        let (west, east) = if self.scans_west() { (last, first) } else { (first, last) };
        if east > west { east - west } else { east + 360.0 - west }
    }

    /// How its values are scanned.
    pub(super) fn layout(&self) -> Scan {
        Scan { rows: self.rows, columns: self.columns, mode: self.scan }
    }

    /// The latitude of each row, in the order of the rows.
    pub(super) fn latitude_labels(&self) -> Vec<f64> {
        let (mut at, last) = self.latitudes;
        let gaps = self.rows.saturating_sub(1).max(1) as f64;
        let step = self.steps.1.unwrap_or((at - last).abs() / gaps);
        let step = if self.scans_north() { -step } else { step };
        let mut labels = accumulated(&mut at, -step, self.rows);
        if let (Some(end), true) = (labels.last_mut(), self.rows > 1) {
            *end = last;
        }
        labels
    }

    /// The longitude of each column, in the order of the columns.
    pub(super) fn longitude_labels(&self) -> Vec<f64> {
        let mut at = self.longitudes.0;
        let gaps = self.columns.saturating_sub(1);
        if gaps == 0 {
            return vec![at];
        }
        let step = self.width() / gaps as f64;
        let step = if self.scans_west() { -step } else { step };
        // A grid that crosses 0 degrees begins west of it.
        if step > 0.0 && at + self.width() > 360.0 {
            at -= 360.0;
        }
        let mut labels = accumulated(&mut at, step, self.columns);
        if let Some(end) = labels.last_mut() {
            *end = self.longitudes.1 + 360.0 * ((*end - self.longitudes.1) / 360.0).round();
        }
        labels
    }
}

/// Adding up rounds as ecCodes does.
fn accumulated(at: &mut f64, step: f64, count: usize) -> Vec<f64> {
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        labels.push(*at);
        *at += step;
    }
    labels
}
