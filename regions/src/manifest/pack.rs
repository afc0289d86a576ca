//! Metadata to the bytes of a manifest's body.
//!
//! In: a raw dataset and cells that were read of it. Out: bytes. Nothing where a variable lies where a manifest cannot say.

use super::form::{Array, Attr, AttrValue, Blob, Cells, Dataset, Place, Source, Table, Variable};
use crate::source::bytes::ByteOrder;
use crate::source::chunked::{Chunked, Manifest};
use crate::source::raw::{RawCells, RawDataset, RawVariable};
use crate::source::strided::{Medium, Strided};
use crate::source::{ChunkSource, Places};
use std::borrow::Cow;
use std::collections::HashMap;
use xeng_kernels::{Block, DType};
use xeng_proto::Attrs;

/// The body of the manifest of a dataset of the file of this name; `None` where it cannot be saved.
pub(crate) fn pack(raw: &RawDataset, read: &HashMap<String, Block>, file: &str) -> Option<Vec<u8>> {
    let variable =
        |(name, v): (&'_ String, &'_ RawVariable)| packed(name, v, read.get(name), file).map(|saved| postcard::to_stdvec(&saved));
    // Each variable is a blob of its own, so that only one table at a time is held twice.
    let variables = raw.variables.iter().map(variable).collect::<Option<Result<Vec<_>, _>>>()?.ok()?;
    let dataset = Dataset {
        attrs: attrs(&raw.attrs),
        variables: variables.iter().map(|bytes| Blob(Cow::Borrowed(bytes.as_slice()))).collect(),
        unreadable: raw.unreadable.iter().map(|(name, reason)| (name.as_str(), reason.as_str())).collect(),
    };
    postcard::to_stdvec(&dataset).ok()
}

fn packed<'a>(name: &'a str, v: &'a RawVariable, whole: Option<&Block>, file: &str) -> Option<Variable<'a>> {
    let cells = match &v.cells {
        RawCells::Numbers(source) => Cells::Numbers(packed_source(source.as_ref(), file)?),
        RawCells::Characters(source) => Cells::Characters(packed_source(source.as_ref(), file)?),
        RawCells::Texts { shape, texts } => Cells::Texts { shape: lengths(shape), texts: texts.iter().map(String::as_str).collect() },
    };
    Some(Variable {
        name,
        dims: v.dims.iter().map(String::as_str).collect(),
        attrs: attrs(&v.attrs),
        filters: v.filters.iter().map(String::as_str).collect(),
        type_name: &v.type_name,
        file_chunks: v.file_chunks.as_deref().map(lengths),
        cells,
        whole: whole.map(array),
    })
}

fn packed_source<'a>(source: &'a dyn ChunkSource, file: &str) -> Option<Source<'a>> {
    let shape = source.chunks().iter().map(|axis| axis.len() as u64).collect();
    let (what, order, fill, place) = match source.places()? {
        Places::Chunked(array) => (array.what.as_str(), array.layout.order, array.layout.fill.as_deref(), chunked(array)?),
        Places::Strided(array) => (array.what(), array.order(), array.fill(), strided(array)),
        #[cfg(feature = "grib")]
        Places::Fields(array) => (array.what.as_str(), ByteOrder::Big, None, fields(array)),
    };
    let (is_big, what) = (order == ByteOrder::Big, what.strip_prefix(file)?);
    Some(Source { what, dtype: number_of(source.stored()), is_big, shape, fill: fill.map(|f| Blob(Cow::Borrowed(f))), place })
}

fn strided(array: &Strided) -> Place<'_> {
    match array.medium() {
        Medium::File(_, offset) => Place::File { offset: *offset, record_stride: array.record_stride() },
        Medium::Memory(bytes) => Place::Memory(Blob(Cow::Borrowed(bytes))),
        Medium::Absent => Place::Absent,
    }
}

#[cfg(feature = "grib")]
fn fields(array: &crate::source::grib::FieldSource) -> Place<'static> {
    use crate::source::grib;
    let table = |bytes: &dyn Fn(&grib::Place) -> Vec<u8>| owned(array.places.iter().flat_map(|(_, place)| bytes(place)).collect());
    let shares = array.places.iter().any(|(_, place)| place.bitmap.is_some());
    let bitmap = |place: &grib::Place| place.bitmap.filter(|_| shares).unwrap_or_default();
    Place::Fields(super::form::Fields {
        scan: array.scan.mode,
        numbers: owned(array.places.iter().flat_map(|(number, _)| number.to_le_bytes()).collect()),
        offsets: table(&|place| place.offset.to_le_bytes().to_vec()),
        lens: table(&|place| place.len.to_le_bytes().to_vec()),
        bitmap_offsets: table(&|place| if shares { bitmap(place).0.to_le_bytes().to_vec() } else { vec![] }),
        bitmap_lens: table(&|place| if shares { bitmap(place).1.to_le_bytes().to_vec() } else { vec![] }),
    })
}

fn chunked(array: &Chunked) -> Option<Place<'_>> {
    let (numbers, entries): (Option<Vec<u8>>, Vec<_>) = match &array.manifest {
        Manifest::Dense(entries) => (None, entries.iter().collect()),
        Manifest::Sparse(entries) => {
            (Some(entries.iter().flat_map(|(n, _)| n.to_le_bytes()).collect()), entries.iter().map(|(_, e)| e).collect())
        }
    };
    let skips = entries.iter().any(|e| e.skipped != 0);
    let table = Table {
        numbers: numbers.map(owned),
        offsets: owned(entries.iter().flat_map(|e| e.offset.to_le_bytes()).collect()),
        lens: owned(entries.iter().flat_map(|e| e.len.to_le_bytes()).collect()),
        skipped: owned(entries.iter().filter(|_| skips).flat_map(|e| e.skipped.to_le_bytes()).collect()),
    };
    Some(Place::Chunked { chunk_shape: lengths(&array.layout.chunk_shape), recipe: array.recipe.clone()?, table })
}

fn owned(bytes: Vec<u8>) -> Blob<'static> {
    Blob(Cow::Owned(bytes))
}

fn attrs(list: &Attrs) -> Vec<Attr<'_>> {
    list.iter().map(|(name, value)| Attr { name, value: attr_value(value) }).collect()
}

fn attr_value(value: &xeng_proto::AttrValue) -> AttrValue<'_> {
    match value {
        xeng_proto::AttrValue::Text(text) => AttrValue::Text(text),
        xeng_proto::AttrValue::Texts(texts) => AttrValue::Texts(texts.iter().map(String::as_str).collect()),
        xeng_proto::AttrValue::Numbers(block) => AttrValue::Numbers(array(block)),
    }
}

fn array(block: &Block) -> Array<'static> {
    Array { dtype: number_of(block.dtype()), shape: lengths(block.shape()), bytes: owned(block.to_le_bytes()) }
}

fn number_of(dtype: DType) -> u8 {
    DType::ALL.iter().position(|&d| d == dtype).unwrap_or(DType::ALL.len()) as u8
}

fn lengths(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&n| n as u64).collect()
}
