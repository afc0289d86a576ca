//! HDF5 attributes as texts and numbers.
//!
//! In: attribute messages. Out: attributes by name, without those by which netCDF-4 keeps its own records. Never fails:
//! an attribute of a type that is not ours is left out, as netCDF readers show nothing useful for it.

use super::types::element_type;
use crate::source::bytes::{self, ByteOrder};
use hdf5_reader::{Attribute, Datatype};
use xeng_kernels::Block;
use xeng_proto::{AttrValue, Attrs};

/// Attributes that belong to the format, not to the data.
const RESERVED: [&str; 10] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "DIMENSION_LABELS",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_NCProperties",
    "_nc3_strict",
    "_NCCOPY",
];

/// The attributes that a netCDF reader shows.
pub fn attributes(list: &[Attribute]) -> Attrs {
    list.iter().filter(|a| !RESERVED.contains(&a.name.as_str())).filter_map(|a| Some((a.name.clone(), value(a)?))).collect()
}

fn value(attribute: &Attribute) -> Option<AttrValue> {
    match &attribute.datatype {
        Datatype::String { .. } | Datatype::VarLen { kind: hdf5_core::VarLenKind::String, .. } => text(attribute),
        datatype => numbers(attribute, datatype),
    }
}

fn text(attribute: &Attribute) -> Option<AttrValue> {
    if attribute.shape.contains(&0) {
        return Some(AttrValue::Text(String::new()));
    }
    let mut texts = match &attribute.decoded_strings {
        Some(texts) => texts.clone(),
        None => attribute.read_strings().or_else(|_| attribute.read_string().map(|t| vec![t])).ok()?,
    };
    Some(if texts.len() == 1 { AttrValue::Text(texts.pop()?) } else { AttrValue::Texts(texts) })
}

fn numbers(attribute: &Attribute, datatype: &Datatype) -> Option<AttrValue> {
    let (dtype, order, _) = element_type(datatype)?;
    let count = attribute.num_elements().ok()? as usize;
    let len = count.checked_mul(dtype.size())?;
    let raw = attribute.raw_data.get(..len)?;
    let mut raw = raw.to_vec();
    if order == ByteOrder::Big {
        bytes::swap_bytes(&mut raw, dtype.size());
    }
    let shape: &[usize] = if count == 1 { &[] } else { &[count] };
    Block::from_le_bytes(dtype, shape, &raw).ok().map(AttrValue::Numbers)
}
