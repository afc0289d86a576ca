//! Random small datasets on disk, and what is in them.
//!
//! In: a seed. Out: files in a folder, and the decoded arrays that every reader of them must see.

use super::array::{Arr, Coord, Labels};
use super::dates::{Calendar, Day};
use super::rng::Rng;
use super::write;
use std::collections::BTreeMap;
use std::path::Path;
use xeng_kernels::DType;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    F32,
    F64,
    I32,
    /// `int16` with `scale_factor` and `add_offset` of this type.
    Packed(DType),
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Nc4 {
        deflate: bool,
    },
    Nc3,
    Zarr2,
    Zarr3,
    /// Shards of two chunks along each dimension.
    Zarr3Sharded,
}

/// The scale of packed numbers.
pub(crate) const SCALE: f64 = 0.01;
/// The offset of packed numbers.
pub(crate) const OFFSET: f64 = 2.0;
/// The stored number that means missing in packed variables.
pub(crate) const PACKED_FILL: i16 = -32767;

/// A variable as stored.
#[derive(Clone, Debug)]
pub(crate) struct Stow {
    pub(crate) name: String,
    pub(crate) dims: Vec<&'static str>,
    pub(crate) stored: Stored,
    pub(crate) chunk: Vec<usize>,
    /// Stored numbers, as `f64`; NaN is NaN in floats and the fill value in packed integers.
    pub(crate) raw: Vec<f64>,
}

/// Everything that is written.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    /// Number of indices of time in each file.
    pub(crate) files: Vec<usize>,
    pub(crate) calendar: Calendar,
    pub(crate) days: Vec<Day>,
    /// The type of latitudes and longitudes.
    pub(crate) labels: DType,
    pub(crate) lat: Vec<f64>,
    pub(crate) lon: Vec<f64>,
    pub(crate) variables: Vec<Stow>,
}

impl Layout {
    pub(crate) fn shape(&self, dims: &[&str]) -> Vec<usize> {
        dims.iter()
            .map(|d| {
                if *d == "time" {
                    self.days.len()
                } else if *d == "lat" {
                    self.lat.len()
                } else {
                    self.lon.len()
                }
            })
            .collect()
    }

    /// A line for the reader of a failure.
    pub(crate) fn told(&self) -> String {
        let variables: Vec<String> =
            self.variables.iter().map(|v| format!("{} {:?} {:?} chunks {:?}", v.name, v.stored, self.shape(&v.dims), v.chunk)).collect();
        format!(
            "{:?}, {:?} indices per file, {} from {:?}: {}",
            self.format,
            self.files,
            self.calendar.name(),
            self.days.first(),
            variables.join("; ")
        )
    }
}

/// A dataset on disk.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) layout: Layout,
    pub(crate) arrays: BTreeMap<String, Arr>,
}

/// How large a dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A few hundred cells in many chunks.
    Small,
    /// Enough that the work is cut into several units.
    Large,
}

/// Makes the dataset `name` in a folder of its own below `folder`; a second dataset may share the grid of the first.
pub(crate) fn make(rng: &mut Rng, folder: &Path, name: &str, size: Size, like: Option<&Layout>) -> Made {
    let layout = layout(rng, size, like);
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let uri = write::write(&layout, &folder);
    let arrays = layout.variables.iter().map(|v| (v.name.clone(), decoded(&layout, v))).collect();
    Made { name: name.to_owned(), uri, layout, arrays }
}

fn layout(rng: &mut Rng, size: Size, like: Option<&Layout>) -> Layout {
    let (times, lats, lons) = match size {
        Size::Small => (rng.between(6, 40), rng.between(3, 8), rng.between(3, 10)),
        Size::Large => (rng.between(80, 120), rng.between(60, 80), rng.between(120, 160)),
    };
    let format = match rng.below(10) {
        0..4 => Format::Nc4 { deflate: rng.chance(70) },
        4..6 => Format::Nc3,
        6..8 => Format::Zarr2,
        _ => Format::Zarr3,
    };
    let calendar = like.map_or_else(|| *rng.pick(&Calendar::ALL), |l| l.calendar);
    let mut days = days(rng, calendar, times);
    let mut labels = if rng.chance(30) { DType::F32 } else { DType::F64 };
    let (mut lat, mut lon) = match labels {
        DType::F32 => (tenths(rng, lats, 40.0), tenths(rng, lons, 0.1)),
        _ => (axis(rng, lats, -60.0, 120.0), axis(rng, lons, 0.0, 350.0)),
    };
    if let Some(like) = like {
        // The same grid, or a part of it: arithmetic then joins by label.
        (labels, lat, lon) = (like.labels, some(rng, &like.lat), some(rng, &like.lon));
        if rng.chance(50) {
            days = some(rng, &like.days);
        }
    }
    let is_zarr = matches!(format, Format::Zarr2 | Format::Zarr3 | Format::Zarr3Sharded);
    let files = if is_zarr || days.len() < 4 || rng.chance(60) { vec![days.len()] } else { split(rng, days.len()) };
    let mut out = Layout { format, files, calendar, days, labels, lat, lon, variables: vec![] };
    let kinds = [Stored::F32, Stored::F32, Stored::F64, Stored::Packed(DType::F64), Stored::Packed(DType::F32)];
    let t = *rng.pick(&kinds);
    out.variables.push(variable(rng, &out, "t", &["time", "lat", "lon"], t, size));
    if size == Size::Small {
        let p = *rng.pick(&[Stored::F32, Stored::F64, Stored::I32]);
        out.variables.push(variable(rng, &out, "p", &["time", "lat", "lon"], p, size));
        // Without time it would be told once per file, which is another matter.
        if out.files.len() == 1 {
            out.variables.push(variable(rng, &out, "z", &["lat", "lon"], Stored::F64, size));
        }
    }
    out
}

fn days(rng: &mut Rng, calendar: Calendar, count: usize) -> Vec<Day> {
    let step = *rng.pick(&[1, 7, 15, 30, 30]);
    let mut day = Day::first_of(rng.between(1995, 2003) as i64, rng.between(1, 12) as u32, calendar);
    let mut out = vec![];
    for _ in 0..count {
        out.push(day);
        (0..step).for_each(|_| day = day.next(calendar));
    }
    out
}

/// Evenly spaced, ascending or descending; every label is a multiple of 1/4, which floats hold exactly.
fn axis(rng: &mut Rng, count: usize, from: f64, span: f64) -> Vec<f64> {
    let step = (span / count as f64 * 4.0).floor() / 4.0;
    let mut out: Vec<f64> = (0..count).map(|i| from + step * i as f64).collect();
    if rng.chance(50) {
        out.reverse();
    }
    out
}

/// A tenth apart, ascending or descending, as `float32` holds them.
fn tenths(rng: &mut Rng, count: usize, from: f64) -> Vec<f64> {
    let mut out: Vec<f64> = (0..count).map(|i| f64::from((from + i as f64 / 10.0) as f32)).collect();
    if rng.chance(50) {
        out.reverse();
    }
    out
}

/// All, or a run of at least two.
fn some<T: Clone>(rng: &mut Rng, of: &[T]) -> Vec<T> {
    if of.len() < 4 || rng.chance(50) {
        return of.to_vec();
    }
    let start = rng.below(of.len() / 2);
    of[start..rng.between(start + 2, of.len())].to_vec()
}

fn split(rng: &mut Rng, count: usize) -> Vec<usize> {
    let first = rng.between(1, count - 2);
    let second = rng.between(1, count - first - 1);
    vec![first, second, count - first - second]
}

fn variable(rng: &mut Rng, layout: &Layout, name: &str, dims: &[&'static str], stored: Stored, size: Size) -> Stow {
    let shape = layout.shape(dims);
    let chunk = shape
        .iter()
        .zip(dims)
        .map(|(&n, d)| {
            // No chunk is longer than a file.
            let most = if *d == "time" { layout.files.iter().copied().min().unwrap_or(n).min(n) } else { n };
            if size == Size::Large { most.min(rng.between(20, 70)) } else { rng.between(1, most) }
        })
        .collect();
    let holes = *rng.pick(&[0, 5, 5, 40]);
    // One cell in the lat-lon plane is missing at all times, where there are holes at all.
    let plane: usize = shape.iter().skip(shape.len().saturating_sub(2)).product();
    let cell = |at: usize, rng: &mut Rng| {
        let value = rng.unit();
        let missing = stored != Stored::I32 && holes > 0 && (at.is_multiple_of(plane.max(1)) || rng.chance(holes));
        match stored {
            _ if missing => f64::NAN,
            // Pressures: what is left of them when a standard one is taken away is little.
            Stored::F32 if name == "p" => f64::from((value * 20.0 + 101_325.0) as f32),
            Stored::F32 => f64::from((value * 20.0) as f32),
            Stored::F64 => value * 20.0,
            Stored::I32 => (value * 100.0).trunc(),
            Stored::Packed(_) => (value * 2000.0).trunc(),
        }
    };
    let raw = (0..shape.iter().product()).map(|at| cell(at, rng)).collect();
    Stow { name: name.to_owned(), dims: dims.to_vec(), stored, chunk, raw }
}

/// The cells as CF decoding defines them.
fn decoded(layout: &Layout, v: &Stow) -> Arr {
    let unpack32 = |raw: f64| f64::from((raw as f32) * (SCALE as f32) + (OFFSET as f32));
    let (dtype, cells): (DType, Vec<f64>) = match v.stored {
        Stored::F32 => (DType::F32, v.raw.clone()),
        Stored::F64 => (DType::F64, v.raw.clone()),
        Stored::I32 => (DType::I32, v.raw.clone()),
        // Numbers in a Zarr store's JSON have no precision: xarray decodes them as float64.
        Stored::Packed(DType::F32) if !matches!(layout.format, Format::Zarr2 | Format::Zarr3 | Format::Zarr3Sharded) => {
            (DType::F32, v.raw.iter().map(|&r| unpack32(r)).collect())
        }
        Stored::Packed(_) => (DType::F64, v.raw.iter().map(|&r| r * SCALE + OFFSET).collect()),
    };
    let labels = |dim: &str| match dim {
        "time" => Labels::Days(layout.days.clone()),
        "lat" => Labels::Numbers(layout.lat.clone()),
        _ => Labels::Numbers(layout.lon.clone()),
    };
    let coords = v.dims.iter().map(|d| ((*d).to_owned(), Coord { dim: Some((*d).to_owned()), labels: labels(d) })).collect();
    Arr {
        dims: v.dims.iter().map(|d| (*d).to_owned()).collect(),
        shape: layout.shape(&v.dims),
        cells,
        dtype,
        coords,
        exact: true,
        slack: 0.0,
    }
}
