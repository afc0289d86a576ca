//! A result as a NetCDF-4 file, readable by xarray, CDO and every other NetCDF library.
//!
//! In: an outcome. Out: the bytes of the file. Never written piece by piece: the file is built in memory, at about twice the
//! size of the result.

use super::OutputError;
use super::cf::{self, Cells, Variable};
use crate::result::Outcome;
use netcdf_writer::{DimensionId, NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions, VariableId};
use std::collections::BTreeMap;
use std::io::Write;
use xeng_kernels::{Block, DType};
use xeng_proto::AttrValue;

/// Arrays from this size on are stored in compressed chunks.
const COMPRESS_BYTES: usize = 64 << 10;
/// Chunks are at most this large.
const CHUNK_BYTES: usize = 4 << 20;
const DEFLATE_LEVEL: u8 = 4;

/// The dimensions of a file.
#[derive(Default)]
struct Dims {
    /// Those of the result, by name.
    own: BTreeMap<String, DimensionId>,
    /// Those along the characters of texts, by length in bytes.
    characters: BTreeMap<usize, DimensionId>,
}

/// Writes `outcome` as NetCDF-4, chunked with shuffle and deflate where it is large.
///
/// Booleans become `int8` with the attribute `dtype = "bool"` and texts arrays of characters with
/// the attribute `_Encoding = "utf-8"`: xarray reads them back as texts, and CDO, which refuses `NC_STRING`, reads the file.
/// Texts that label a dimension stay `NC_STRING`.
///
/// # Errors
/// [`OutputError::Conflict`] for names that clash, [`OutputError::Unsupported`] for what NetCDF cannot hold (a name with a
/// slash, a text with a NUL), [`OutputError::Io`].
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    let file = cf::encode(outcome)?;
    let mut builder = NcFileBuilder::new();
    let mut dims = Dims::default();
    for (name, &length) in &file.dims {
        // NetCDF has no fixed dimension without cells: as in netCDF-C, length 0 means unlimited.
        let id =
            if length == 0 { builder.add_unlimited_dimension(name.as_str()) } else { builder.add_dimension(name.as_str(), length as u64) };
        dims.own.insert(name.clone(), id.map_err(refused)?);
    }
    for (name, value) in &file.attrs {
        builder.add_attribute(name.as_str(), attribute(value)).map_err(refused)?;
    }
    for (name, variable) in &file.variables {
        add_variable(&mut builder, &mut dims, name, variable)?;
    }
    builder.write(out, NcWriteOptions { format: NcWriteFormat::Nc4 }).map(|_| ()).map_err(refused)
}

fn add_variable(builder: &mut NcFileBuilder, dims: &mut Dims, name: &str, variable: &Variable<'_>) -> Result<(), OutputError> {
    let mut ids: Vec<DimensionId> = variable.dims.iter().filter_map(|d| dims.own.get(d).copied()).collect();
    let id = match &variable.cells {
        // A dimension's own labels must have its shape alone.
        Cells::Texts(texts) if dims.own.contains_key(name) => {
            let id = builder.add_string_variable(name, &ids).map_err(refused)?;
            builder.write_string_variable(id, texts).map_err(refused)?;
            id
        }
        Cells::Texts(texts) => {
            if texts.iter().any(|text| text.contains('\0')) {
                return Err(OutputError::Unsupported { format: "NetCDF", why: format!("a text of '{name}' contains a NUL") });
            }
            ids.push(text_dimension(builder, dims, texts)?);
            let id = builder.add_char_variable(name, &ids).map_err(refused)?;
            builder.write_char_variable_strings(id, texts).map_err(refused)?;
            builder.add_variable_attribute(id, "_Encoding", NcAttrValue::Chars("utf-8".into())).map_err(refused)?;
            id
        }
        Cells::Numbers(block) => add_numbers(builder, &ids, name, variable, block)?,
    };
    for (key, value) in &variable.attrs {
        builder.add_variable_attribute(id, key.as_str(), attribute(value)).map_err(refused)?;
    }
    Ok(())
}

/// The dimension along the characters of texts, such as `string3`; texts of one width share it.
fn text_dimension(builder: &mut NcFileBuilder, dims: &mut Dims, texts: &[String]) -> Result<DimensionId, OutputError> {
    let width = texts.iter().map(String::len).max().unwrap_or(0).max(1);
    if let Some(id) = dims.characters.get(&width) {
        return Ok(*id);
    }
    let mut name = format!("string{width}");
    // A dimension of the result's own may bear the name.
    while dims.own.contains_key(&name) {
        name.push('_');
    }
    let id = builder.add_dimension(name, width as u64).map_err(refused)?;
    dims.characters.insert(width, id);
    Ok(id)
}

fn add_numbers(
    builder: &mut NcFileBuilder,
    dims: &[DimensionId],
    name: &str,
    variable: &Variable<'_>,
    block: &Block,
) -> Result<VariableId, OutputError> {
    macro_rules! put {
        ($t:ty, $cells:expr) => {{
            let id = builder.add_variable::<$t>(name, dims).map_err(refused)?;
            let cells: &[$t] = $cells;
            builder.write_variable(id, cells).map_err(refused)?;
            id
        }};
    }
    macro_rules! typed {
        ($t:ty) => {
            put!($t, block.as_slice::<$t>().unwrap_or_default())
        };
    }
    let id = match block.dtype() {
        DType::Bool => {
            let bytes: Vec<i8> = block.as_slice::<bool>().unwrap_or_default().iter().map(|&b| i8::from(b)).collect();
            let id = put!(i8, &bytes);
            builder.add_variable_attribute(id, "dtype", NcAttrValue::Chars("bool".into())).map_err(refused)?;
            id
        }
        DType::I8 => typed!(i8),
        DType::I16 => typed!(i16),
        DType::I32 => typed!(i32),
        DType::I64 => typed!(i64),
        DType::U8 => typed!(u8),
        DType::U16 => typed!(u16),
        DType::U32 => typed!(u32),
        DType::U64 => typed!(u64),
        DType::F32 => typed!(f32),
        DType::F64 => typed!(f64),
    };
    if variable.has_fill {
        match block.dtype() {
            DType::F32 => builder.set_variable_fill_value(id, f32::NAN).map_err(refused)?,
            _ => builder.set_variable_fill_value(id, f64::NAN).map_err(refused)?,
        }
    }
    if block.bytes() >= COMPRESS_BYTES && !variable.shape.is_empty() {
        let chunk: Vec<u64> = chunk_shape(&variable.shape, block.dtype().size(), CHUNK_BYTES).iter().map(|&n| n as u64).collect();
        builder.set_variable_chunking(id, chunk).map_err(refused)?;
        builder.set_variable_deflate(id, Some(DEFLATE_LEVEL), true).map_err(refused)?;
    }
    Ok(id)
}

/// The shape of a chunk of at most `limit` bytes: whole rows of the last axes, a part of the first axis that does not fit.
pub(super) fn chunk_shape(shape: &[usize], item_bytes: usize, limit: usize) -> Vec<usize> {
    let mut room = (limit / item_bytes.max(1)).max(1);
    let mut chunk = vec![1; shape.len()];
    for (n, &length) in chunk.iter_mut().zip(shape).rev() {
        *n = length.clamp(1, room);
        room = (room / *n).max(1);
    }
    chunk
}

fn attribute(value: &AttrValue) -> NcAttrValue {
    match value {
        AttrValue::Text(text) => NcAttrValue::Chars(text.clone()),
        AttrValue::Texts(texts) => NcAttrValue::Strings(texts.clone()),
        AttrValue::Numbers(block) => number_attribute(block),
    }
}

fn number_attribute(block: &Block) -> NcAttrValue {
    match block {
        Block::Bool(a) => NcAttrValue::Bytes(a.iter().map(|&b| i8::from(b)).collect()),
        Block::I8(a) => NcAttrValue::Bytes(a.iter().copied().collect()),
        Block::I16(a) => NcAttrValue::Shorts(a.iter().copied().collect()),
        Block::I32(a) => NcAttrValue::Ints(a.iter().copied().collect()),
        Block::I64(a) => NcAttrValue::Int64s(a.iter().copied().collect()),
        Block::U8(a) => NcAttrValue::UBytes(a.iter().copied().collect()),
        Block::U16(a) => NcAttrValue::UShorts(a.iter().copied().collect()),
        Block::U32(a) => NcAttrValue::UInts(a.iter().copied().collect()),
        Block::U64(a) => NcAttrValue::UInt64s(a.iter().copied().collect()),
        Block::F32(a) => NcAttrValue::Floats(a.iter().copied().collect()),
        Block::F64(a) => NcAttrValue::Doubles(a.iter().copied().collect()),
    }
}

fn refused(error: netcdf_writer::Error) -> OutputError {
    match error {
        netcdf_writer::Error::Io(source) => OutputError::Io(source),
        other => OutputError::Unsupported { format: "NetCDF", why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::chunk_shape;

    #[test]
    fn chunks_keep_the_last_axes_whole() {
        assert_eq!(chunk_shape(&[1000, 100, 100], 4, 400_000), [10, 100, 100]);
        assert_eq!(chunk_shape(&[3, 5], 8, 1 << 20), [3, 5]);
        assert_eq!(chunk_shape(&[4, 1_000_000], 8, 8000), [1, 1000]);
        assert_eq!(chunk_shape(&[0, 3], 8, 8000), [1, 3]);
    }
}
