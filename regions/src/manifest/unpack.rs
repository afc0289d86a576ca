//! The bytes of a manifest's body to metadata, every claim checked as a reader of the file would check it.
//!
//! In: bytes, and the file that they are about. Out: a raw dataset and known cells. Nothing where any of it cannot be of this file.

use super::form::{Array, Attr, AttrValue, Cells, Dataset, Place, Source, Table, Variable};
use crate::source::ChunkSource;
use crate::source::bytes::{ByteOrder, cells_of};
use crate::source::chunked::{Chunked, Entry, Layout, Manifest, Recipe};
use crate::source::hdf5::pipeline_of;
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use crate::source::strided::{Medium, Strided};
use crate::store::Object;
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::Attrs;

/// Metadata, and whole cells by variable.
pub(crate) fn unpack(body: &[u8], file: &Arc<dyn Object>, is_remote: bool) -> Option<(RawDataset, HashMap<String, Block>)> {
    let (dataset, rest) = postcard::take_from_bytes::<Dataset<'_>>(body).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let unreadable = dataset.unreadable.iter().map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned())).collect();
    let mut raw = RawDataset { attrs: attrs(dataset.attrs)?, unreadable, ..RawDataset::default() };
    let mut whole = HashMap::new();
    for bytes in &dataset.variables {
        let saved: Variable<'_> = postcard::from_bytes(&bytes.0).ok()?;
        let name = saved.name.to_owned();
        if let Some(cells) = &saved.whole {
            whole.insert(name.clone(), block(cells)?);
        }
        if raw.variables.insert(name, variable(saved, file, is_remote)?).is_some() {
            return None;
        }
    }
    Some((raw, whole))
}

fn variable(saved: Variable<'_>, file: &Arc<dyn Object>, is_remote: bool) -> Option<RawVariable> {
    let source = |s: Source<'_>| source(s, file, is_remote);
    let cells = match saved.cells {
        Cells::Numbers(s) => RawCells::Numbers(source(s)?),
        Cells::Characters(s) => RawCells::Characters(source(s)?),
        Cells::Texts { shape, texts } => {
            let shape = lengths(&shape)?;
            if cells_in(&shape)? != texts.len() {
                return None;
            }
            RawCells::Texts { shape, texts: owned(&texts) }
        }
    };
    let raw = RawVariable {
        dims: owned(&saved.dims),
        attrs: attrs(saved.attrs)?,
        filters: owned(&saved.filters),
        type_name: saved.type_name.to_owned(),
        file_chunks: match &saved.file_chunks {
            Some(shape) => Some(lengths(shape)?),
            None => None,
        },
        cells,
    };
    (raw.dims.len() == raw.shape().len()).then_some(raw)
}

fn source(saved: Source<'_>, file: &Arc<dyn Object>, is_remote: bool) -> Option<Arc<dyn ChunkSource>> {
    let (dtype, shape) = (dtype(saved.dtype)?, lengths(&saved.shape)?);
    let kind = (dtype, if saved.is_big { ByteOrder::Big } else { ByteOrder::Little });
    let fill = saved.fill.map(|f| f.0.into_owned());
    if fill.as_ref().is_some_and(|f| f.len() != dtype.size()) {
        return None;
    }
    let what = format!("{}{}", file.name(), saved.what);
    let strided = |medium, stride: Option<u64>| -> Option<Arc<dyn ChunkSource>> {
        let array = match stride {
            Some(stride) => Strided::records(what.clone(), medium, kind, shape.clone(), stride),
            None => Strided::new(what.clone(), medium, kind, shape.clone()),
        };
        Some(Arc::new(array.ok()?.with_fill(fill.clone())))
    };
    match saved.place {
        Place::File { offset, record_stride } => strided(Medium::File(file.clone(), offset), record_stride),
        Place::Memory(bytes) => strided(Medium::Memory(bytes.0.into_owned().into()), None),
        Place::Absent => strided(Medium::Absent, None),
        #[cfg(feature = "grib")]
        Place::Fields(table) => Some(Arc::new(fields(what.clone(), (file, is_remote), (dtype, &shape), &table)?)),
        Place::Chunked { chunk_shape, recipe, table } => {
            let chunk_shape = lengths(&chunk_shape)?;
            let layout = Layout { dtype, order: kind.1, pipeline: pipeline_of(&recipe, dtype.size())?, chunk_shape, fill: fill.clone() };
            Some(Arc::new(chunked(what.clone(), (file, is_remote), &shape, (layout, recipe), &table)?))
        }
    }
}

/// Fields of a file of which each lies within it.
#[cfg(feature = "grib")]
fn fields(
    what: String,
    (file, is_remote): (&Arc<dyn Object>, bool),
    (dtype, shape): (DType, &[usize]),
    table: &super::form::Fields<'_>,
) -> Option<crate::source::grib::FieldSource> {
    use crate::source::grib;
    let (lengths, &[rows, columns]) = shape.split_last_chunk::<2>()?;
    let is_array = dtype == DType::F32 && rows > 0 && columns > 0 && cells_of(dtype, &[rows, columns]).is_ok();
    let (numbers, offsets, lens) = (longs(&table.numbers.0)?, longs(&table.offsets.0)?, words(&table.lens.0)?);
    let (bitmap_offsets, bitmap_lens) = (longs(&table.bitmap_offsets.0)?, words(&table.bitmap_lens.0)?);
    let count = numbers.len();
    let fits = |len: usize| len == count;
    let is_whole = fits(offsets.len()) && fits(lens.len()) && bitmap_offsets.len() == bitmap_lens.len();
    let ascends =
        numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.last().is_none_or(|&n| n < cells_in(lengths).unwrap_or(0) as u64);
    if !is_array || !is_whole || !ascends || !(bitmap_offsets.is_empty() || fits(bitmap_offsets.len())) {
        return None;
    }
    let inside = |offset: u64, len: u32| offset.checked_add(u64::from(len)).is_some_and(|end| end <= file.len());
    let mut places = Vec::with_capacity(count);
    for (nth, (number, (offset, len))) in numbers.into_iter().zip(offsets.into_iter().zip(lens)).enumerate() {
        let bitmap = bitmap_offsets.get(nth).copied().zip(bitmap_lens.get(nth).copied()).filter(|(_, len)| *len > 0);
        if !inside(offset, len) || bitmap.is_some_and(|(offset, len)| !inside(offset, len)) {
            return None;
        }
        places.push((number, grib::Place { offset, len, bitmap }));
    }
    let scan = grib::Scan { rows, columns, mode: table.scan };
    Some(grib::FieldSource::new(what, (file.clone(), is_remote), lengths, scan, places))
}

#[cfg(feature = "grib")]
fn longs(bytes: &[u8]) -> Option<Vec<u64>> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| numbers.iter().map(|n| u64::from_le_bytes(*n)).collect())
}

#[cfg(feature = "grib")]
fn words(bytes: &[u8]) -> Option<Vec<u32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|n| u32::from_le_bytes(*n)).collect())
}

fn chunked(
    what: String,
    (file, is_remote): (&Arc<dyn Object>, bool),
    shape: &[usize],
    (layout, recipe): (Layout, Vec<Recipe>),
    table: &Table<'_>,
) -> Option<Chunked> {
    if layout.chunk_shape.len() != shape.len() || layout.chunk_shape.contains(&0) {
        return None;
    }
    cells_of(layout.dtype, &layout.chunk_shape).ok()?;
    let grid: Vec<AxisChunks> = shape.iter().zip(&layout.chunk_shape).map(|(&n, &c)| AxisChunks::uniform(n, c)).collect();
    let count = cells_in(&grid.iter().map(AxisChunks::count).collect::<Vec<_>>())?;
    let manifest = manifest(table, count, file.len())?;
    Some(Chunked { what, file: file.clone(), is_remote, grid, manifest, layout, recipe: Some(recipe) })
}

/// A table of `count` chunks, each within a file of `len` bytes.
fn manifest(table: &Table<'_>, count: usize, len: u64) -> Option<Manifest> {
    let (offsets, offsets_rest) = table.offsets.0.as_chunks::<8>();
    let (lens, lens_rest) = table.lens.0.as_chunks::<4>();
    let (skipped, skipped_rest) = table.skipped.0.as_chunks::<4>();
    let is_whole = offsets_rest.is_empty() && lens_rest.is_empty() && skipped_rest.is_empty();
    if !is_whole || lens.len() != offsets.len() || !(skipped.is_empty() || skipped.len() == offsets.len()) {
        return None;
    }
    let mut is_inside = true;
    let mut entries = Vec::with_capacity(offsets.len());
    for (i, (offset, bytes)) in offsets.iter().zip(lens).enumerate() {
        let skipped = skipped.get(i).map_or(0, |s| u32::from_le_bytes(*s));
        let entry = Entry { offset: u64::from_le_bytes(*offset), len: u32::from_le_bytes(*bytes), skipped };
        is_inside &= entry.is_absent() || entry.offset.checked_add(u64::from(entry.len)).is_some_and(|end| end <= len);
        entries.push(entry);
    }
    if !is_inside {
        return None;
    }
    let Some(numbers) = &table.numbers else { return (entries.len() == count).then_some(Manifest::Dense(entries)) };
    let (numbers, rest) = numbers.0.as_chunks::<8>();
    let numbers: Vec<u64> = numbers.iter().map(|n| u64::from_le_bytes(*n)).collect();
    let ascends = numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.last().is_none_or(|&n| n < count as u64);
    let fits = rest.is_empty() && ascends && numbers.len() == entries.len();
    fits.then(|| Manifest::Sparse(numbers.into_iter().zip(entries).collect()))
}

fn attrs(saved: Vec<Attr<'_>>) -> Option<Attrs> {
    let value = |value| {
        Some(match value {
            AttrValue::Text(text) => xeng_proto::AttrValue::Text(text.to_owned()),
            AttrValue::Texts(texts) => xeng_proto::AttrValue::Texts(owned(&texts)),
            AttrValue::Numbers(array) => xeng_proto::AttrValue::Numbers(block(&array)?),
        })
    };
    saved.into_iter().map(|attr| Some((attr.name.to_owned(), value(attr.value)?))).collect()
}

fn block(array: &Array<'_>) -> Option<Block> {
    let (dtype, shape) = (dtype(array.dtype)?, lengths(&array.shape)?);
    cells_in(&shape)?;
    Block::from_le_bytes(dtype, &shape, &array.bytes.0).ok()
}

fn dtype(number: u8) -> Option<DType> {
    DType::ALL.get(usize::from(number)).copied()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&t| t.to_owned()).collect()
}

fn lengths(saved: &[u64]) -> Option<Vec<usize>> {
    saved.iter().map(|&n| usize::try_from(n).ok()).collect()
}

/// The number of cells of a shape.
fn cells_in(shape: &[usize]) -> Option<usize> {
    // Axes of length 0 may hide others whose product is too large to count with.
    shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len.max(1)))?;
    shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len))
}
