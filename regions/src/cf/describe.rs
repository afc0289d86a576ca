//! A dataset as `xarray.open_dataset` shows it, from what a file holds.
//!
//! In: raw variables and attributes. Out: the description of every variable after CF decoding, and its chunk source.
//! Reads coordinates of rank 0 and 1 and short texts, never data.
//! Source: xarray 2026.9, `conventions.py` (`decode_cf_variables`), with `decode_times` as asked, `decode_timedelta=False`.

use super::cells::Cells;
use super::{scaling, texts, times};
use crate::source::ChunkSource;
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::{AttrValue, Attrs, DatasetSpec, Decode, ErrorKind, Kind, RegionError, Times, Values, Variable};

/// Bytes of one coordinate, at most.
const MAX_COORDINATE_BYTES: usize = 128 << 20;
/// Bytes of all coordinates of a file, at most: they are read when it is opened, before anybody has asked for a budget.
const MAX_COORDINATES_BYTES: usize = 256 << 20;

/// The variables of one file after CF decoding.
#[derive(Clone, Default)]
pub struct Described {
    /// Descriptions by name.
    pub variables: IndexMap<String, Variable>,
    /// Where their cells come from; texts have none.
    pub sources: IndexMap<String, Arc<dyn ChunkSource>>,
    /// Attributes of the dataset.
    pub attrs: Attrs,
    /// Variables that cannot be read, and why.
    pub unreadable: IndexMap<String, String>,
}

/// Describes a file's variables.
///
/// # Errors
/// `Request` for time units that xarray cannot decode either, `Data` when a coordinate cannot be read.
pub fn describe(mut raw: RawDataset, spec: &DatasetSpec, file: &str, cells: &Cells) -> Result<Described, RegionError> {
    for name in &spec.drop {
        raw.variables.shift_remove(name);
        raw.unreadable.shift_remove(name);
    }
    if !spec.keep_times_encoded {
        lend_units_to_bounds(&mut raw.variables);
    }
    let coordinates = coordinate_names(&mut raw);
    let unstacked = unstacked_dims(&raw);
    let mut out = Described { attrs: raw.attrs, unreadable: raw.unreadable, ..Described::default() };
    let mut read_bytes = 0usize;
    for (name, variable) in raw.variables {
        let is_coordinate = coordinates.contains(&name) || variable.dims.contains(&name);
        match describe_variable(&name, variable, spec, is_coordinate, (&unstacked, cells)) {
            Ok((described, source)) => {
                if let Some(source) = source {
                    out.sources.insert(name.clone(), source);
                }
                read_bytes += described.values.as_ref().map_or(0, |v| v.len().saturating_mul(8));
                if read_bytes > MAX_COORDINATES_BYTES {
                    return Err(RegionError::budget(format!("{file}: its coordinates hold more than {MAX_COORDINATES_BYTES} bytes")));
                }
                out.variables.insert(name, described);
            }
            Err(Refusal::Unreadable(reason)) => {
                out.unreadable.insert(name, reason);
            }
            Err(Refusal::Times(reason)) => {
                return Err(RegionError::request(format!("{file}: the times of variable {name} cannot be decoded: {reason}")));
            }
            Err(Refusal::Failed(e)) => return Err(e),
        }
    }
    Ok(out)
}

enum Refusal {
    Unreadable(String),
    Times(String),
    Failed(RegionError),
}

impl From<RegionError> for Refusal {
    fn from(e: RegionError) -> Refusal {
        match e.kind {
            ErrorKind::Budget => Refusal::Unreadable(e.message),
            ErrorKind::Request | ErrorKind::Data | ErrorKind::Unavailable | ErrorKind::Cancelled | ErrorKind::Internal => {
                Refusal::Failed(e)
            }
        }
    }
}

/// Bounds of times have the times' units, where they have none of their own (CF section 7.1).
fn lend_units_to_bounds(variables: &mut IndexMap<String, RawVariable>) {
    let lent: Vec<(String, Attrs)> = variables
        .values()
        .filter(|v| times::units_of(&v.attrs).is_some())
        .filter_map(|v| match v.attrs.get("bounds") {
            Some(AttrValue::Text(bounds)) => {
                let kept = ["units", "calendar"].iter().filter_map(|k| Some((k.to_string(), v.attrs.get(*k)?.clone()))).collect();
                Some((bounds.clone(), kept))
            }
            _ => None,
        })
        .collect();
    for (bounds, attrs) in lent {
        if let Some(variable) = variables.get_mut(&bounds) {
            for (name, value) in attrs {
                variable.attrs.entry(name).or_insert(value);
            }
        }
    }
}

/// The names in `coordinates` attributes, which are taken out.
fn coordinate_names(raw: &mut RawDataset) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut take = |attrs: &mut Attrs| {
        if let Some(AttrValue::Text(list)) = attrs.get("coordinates") {
            names.extend(list.split_whitespace().map(str::to_string));
            attrs.shift_remove("coordinates");
        }
    };
    raw.variables.values_mut().for_each(|v| take(&mut v.attrs));
    take(&mut raw.attrs);
    names
}

type WithSource = (Variable, Option<Arc<dyn ChunkSource>>);

/// Dimensions that characters are not joined along: those that number or text variables span too, that a variable is named
/// after, or that are not last everywhere (xarray's `stackable`).
fn unstacked_dims(raw: &RawDataset) -> HashSet<String> {
    let mut dims: HashSet<String> = raw.variables.keys().cloned().collect();
    for variable in raw.variables.values() {
        let inner = match variable.cells {
            RawCells::Characters(_) => variable.dims.len().saturating_sub(1),
            RawCells::Numbers(_) | RawCells::Texts { .. } => variable.dims.len(),
        };
        dims.extend(variable.dims[..inner].iter().cloned());
    }
    dims
}

fn describe_variable(
    name: &str,
    raw: RawVariable,
    spec: &DatasetSpec,
    is_coordinate: bool,
    (unstacked, known): (&HashSet<String>, &Cells),
) -> Result<WithSource, Refusal> {
    match raw.cells.clone() {
        RawCells::Numbers(source) => describe_numbers(raw, source, spec, is_coordinate, |s| known.whole(name, s, MAX_COORDINATE_BYTES)),
        RawCells::Characters(source) => {
            let shape = raw.shape();
            let joins = raw.dims.last().is_some_and(|d| !unstacked.contains(d));
            let (width, outer) = shape.split_last().filter(|_| joins).map_or((1, &shape[..]), |(w, outer)| (*w, outer));
            let dims = raw.dims.get(..outer.len()).unwrap_or(&[]).to_vec();
            let cells = known.whole(name, source.as_ref(), MAX_COORDINATE_BYTES)?;
            let joined = if width == 0 { vec![String::new(); outer.iter().product()] } else { texts::join(&cells, width) };
            Ok(describe_texts(raw, dims, outer, joined, is_coordinate))
        }
        RawCells::Texts { shape, texts } => {
            let dims = raw.dims.clone();
            Ok(describe_texts(raw, dims, &shape, texts, is_coordinate))
        }
    }
}

fn describe_texts(mut raw: RawVariable, dims: Vec<String>, shape: &[usize], texts: Vec<String>, is_coordinate: bool) -> WithSource {
    for used in ["_FillValue", "missing_value", "_Encoding"] {
        raw.attrs.shift_remove(used);
    }
    let variable = Variable {
        dims,
        chunks: shape.iter().map(|&n| AxisChunks::uniform(n, n)).collect(),
        stored: DType::U8,
        kind: Kind::Text,
        decode: Decode::none(DType::U8),
        attrs: raw.attrs,
        filters: raw.filters,
        is_coordinate,
        values: Some(Values::Texts(texts)),
    };
    (variable, None)
}

fn describe_numbers(
    mut raw: RawVariable,
    source: Arc<dyn ChunkSource>,
    spec: &DatasetSpec,
    is_coordinate: bool,
    whole: impl Fn(&dyn ChunkSource) -> Result<Block, RegionError>,
) -> Result<WithSource, Refusal> {
    let stored = source.stored();
    if !spec.keep_times_encoded && matches!(raw.attrs.get("dtype"), Some(AttrValue::Text(name)) if name.starts_with("timedelta64")) {
        let reason = "it holds durations (timedelta64), which are not supported".to_owned();
        // An array without its labels would answer to positions.
        return Err(if is_coordinate {
            Refusal::Times(format!("{reason}; decode_times=false reads their numbers"))
        } else {
            Refusal::Unreadable(reason)
        });
    }
    let is_time = !spec.keep_times_encoded && times::units_of(&raw.attrs).is_some();
    let mut decode = scaling::decide(stored, &mut raw.attrs, is_time).map_err(Refusal::Unreadable)?;
    let mut kind = Kind::Number(decode.dtype);
    if is_time {
        kind = Kind::Time(times::take_encoding(&mut raw.attrs).map_err(Refusal::Times)?);
    } else if matches!(raw.attrs.get("dtype"), Some(AttrValue::Text(name)) if name == "bool") && !decode.dtype.is_float() {
        raw.attrs.shift_remove("dtype");
        decode.dtype = DType::Bool;
        kind = Kind::Number(DType::Bool);
    }
    let mut variable = Variable {
        dims: raw.dims,
        chunks: source.chunks().to_vec(),
        stored,
        kind,
        decode,
        attrs: raw.attrs,
        filters: raw.filters,
        is_coordinate,
        values: None,
    };
    if is_coordinate && variable.dims.len() <= 1 {
        variable.values = Some(values(&variable, whole(source.as_ref())?)?);
    }
    Ok((variable, Some(source)))
}

/// The decoded cells of a variable of numbers or times.
fn values(variable: &Variable, raw: Block) -> Result<Values, RegionError> {
    let block = super::decode_variable(variable, raw)?;
    Ok(match &variable.kind {
        Kind::Time(encoding) => Values::Times(Times { micros: block.to_i64_vec(), encoding: encoding.clone() }),
        Kind::Number(_) | Kind::Text => Values::Numbers(block),
    })
}
