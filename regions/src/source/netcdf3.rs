//! NetCDF-3 files (CDF-1, CDF-2, CDF-5): headers to variables that are read by byte range.
//!
//! In: a file. Out: its variables and attributes as stored. Never reads data.
//! Format: the NetCDF classic format specification, <https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html>.

use super::bytes::ByteOrder;
use super::raw::{RawCells, RawDataset, RawVariable};
use super::strided::{Medium, Strided};
use crate::store::Object;
use crate::store::ranged::metadata_of;
use netcdf_reader::NcFormat;
use netcdf_reader::classic::ClassicFile;
use netcdf_reader::classic::data::compute_record_stride;
use netcdf_reader::{NcAttrValue, NcAttribute, NcType, NcVariable};
use std::sync::Arc;
use xeng_kernels::{Block, DType, Element};
use xeng_proto::{AttrValue, Attrs, RegionError};

/// Which version of the classic format a file is, by its first bytes.
pub fn version(head: &[u8]) -> Option<NcFormat> {
    match head.get(..4)? {
        b"CDF\x01" => Some(NcFormat::Classic),
        b"CDF\x02" => Some(NcFormat::Offset64),
        b"CDF\x05" => Some(NcFormat::Cdf5),
        _ => None,
    }
}

/// Reads the header of a file.
///
/// # Errors
/// `Data` when the header is malformed or the file is shorter than it says.
pub fn open(file: &Arc<dyn Object>, is_remote: bool, format: NcFormat) -> Result<RawDataset, RegionError> {
    let bad = |e: netcdf_reader::Error| RegionError::data(format!("{}: {e}", file.name()));
    let classic = ClassicFile::from_storage(metadata_of(file, is_remote), format).map_err(bad)?;
    let group = classic.root_group();
    let stride = compute_record_stride(&group.variables).map_err(bad)?;
    let mut dataset = RawDataset { attrs: attributes(&group.attributes), ..RawDataset::default() };
    for variable in &group.variables {
        match raw_variable(file, variable, stride) {
            Ok(raw) => {
                dataset.variables.insert(plain(&variable.name), raw);
            }
            Err(e) => return Err(RegionError::new(e.kind, format!("{} (variable {})", e.message, variable.name))),
        }
    }
    Ok(dataset)
}

fn raw_variable(file: &Arc<dyn Object>, variable: &NcVariable, stride: u64) -> Result<RawVariable, RegionError> {
    let what = format!("{}: {}", file.name(), variable.name);
    let (dtype, type_name) = element_type(&variable.dtype).ok_or_else(|| RegionError::data(format!("{what}: unknown type")))?;
    let shape = variable
        .dimensions
        .iter()
        .map(|d| usize::try_from(d.size).map_err(|_| RegionError::data(format!("{what}: dimension {} is too long", d.name))))
        .collect::<Result<Vec<_>, _>>()?;
    let (medium, kind) = (Medium::File(file.clone(), variable.data_offset), (dtype, ByteOrder::Big));
    let source = Arc::new(if variable.is_record_var {
        Strided::records(what, medium, kind, shape, stride)?
    } else {
        Strided::new(what, medium, kind, shape)?
    });
    Ok(RawVariable {
        dims: variable.dimensions.iter().map(|d| plain(&d.name)).collect(),
        attrs: attributes(&variable.attributes),
        filters: vec![],
        type_name: type_name.into(),
        file_chunks: None,
        cells: if variable.dtype == NcType::Char { RawCells::Characters(source) } else { RawCells::Numbers(source) },
    })
}

/// A name without the zero bytes that some writers count into it.
fn plain(name: &str) -> String {
    name.trim_end_matches('\0').to_string()
}

fn element_type(nc: &NcType) -> Option<(DType, &'static str)> {
    let dtype = match nc {
        NcType::Byte => DType::I8,
        NcType::Char => return Some((DType::U8, "|S1")),
        NcType::Short => DType::I16,
        NcType::Int => DType::I32,
        NcType::Float => DType::F32,
        NcType::Double => DType::F64,
        NcType::UByte => DType::U8,
        NcType::UShort => DType::U16,
        NcType::UInt => DType::U32,
        NcType::Int64 => DType::I64,
        NcType::UInt64 => DType::U64,
        _ => return None,
    };
    Some((dtype, dtype.name()))
}

fn attributes(list: &[NcAttribute]) -> Attrs {
    list.iter().filter_map(|a| Some((a.name.clone(), attribute(&a.value)?))).collect()
}

fn attribute(value: &NcAttrValue) -> Option<AttrValue> {
    Some(match value {
        NcAttrValue::Chars(text) => AttrValue::Text(text.trim_end_matches('\0').to_string()),
        NcAttrValue::Strings(texts) => match texts.as_slice() {
            [one] => AttrValue::Text(one.clone()),
            _ => AttrValue::Texts(texts.clone()),
        },
        NcAttrValue::Bytes(v) => numbers(v),
        NcAttrValue::Shorts(v) => numbers(v),
        NcAttrValue::Ints(v) => numbers(v),
        NcAttrValue::Floats(v) => numbers(v),
        NcAttrValue::Doubles(v) => numbers(v),
        NcAttrValue::UBytes(v) => numbers(v),
        NcAttrValue::UShorts(v) => numbers(v),
        NcAttrValue::UInts(v) => numbers(v),
        NcAttrValue::Int64s(v) => numbers(v),
        NcAttrValue::UInt64s(v) => numbers(v),
        _ => return None,
    })
}

/// One number is a block of rank 0, any other count one of rank 1.
pub fn numbers<T: Element>(values: &[T]) -> AttrValue {
    AttrValue::Numbers(match values {
        [one] => Block::scalar(*one),
        many => T::wrap(ndarray::Array1::from_vec(many.to_vec()).into_dyn()),
    })
}
