//! Array metadata of both Zarr versions, in one form.
//!
//! In: JSON. Out: shape, chunks, type, fill value, codecs, dimension names, attributes. Never reads files.

use super::attrs::{self, float};
use super::codecs::{self, Chain, lengths};
use crate::codec::cell::{Cell, Kind};
use crate::source::bytes::ByteOrder;
use crate::source::chunked::Layout;
use crate::source::hdf5::types::HALF;
use serde_json::Value;
use xeng_kernels::{Block, DType};
use xeng_proto::{AttrValue, Attrs};

/// What an array's metadata say.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// Shape of the files' chunks: of shards, where there are any.
    pub file_chunks: Vec<usize>,
    /// How the chunks that are read are packed: inner chunks, where there are shards.
    pub layout: Layout,
    /// The codecs.
    pub chain: Chain,
    /// What stands before the indices in a chunk's name, and between them.
    pub key: (String, String),
    /// Dimension names.
    pub dims: Vec<String>,
    /// Attributes as xarray shows them before decoding.
    pub attrs: Attrs,
    /// Names of the codecs.
    pub filters: Vec<String>,
    /// NumPy's name of the type.
    pub type_name: String,
}

/// A version 2 array.
///
/// # Errors
/// A reason why it cannot be read.
pub fn version2(json: &Value, attributes: &Value) -> Result<Metadata, String> {
    let shape = lengths(json.get("shape"))?;
    let chunks = lengths(json.get("chunks"))?;
    let kind = json.get("dtype").and_then(Value::as_str).ok_or("structured types are not supported")?;
    let (dtype, order, time_unit) = type2(kind)?;
    let chain = codecs::version2(json, shape.len(), order, Some(cell_of(dtype, order)))?;
    let fill = json.get("fill_value").unwrap_or(&Value::Null);
    let mut attrs = attrs::visible(attributes);
    if !fill.is_null() && time_unit.is_none() {
        attrs.insert("_FillValue".into(), AttrValue::Numbers(number(fill, dtype)?));
    }
    let separator = json.get("dimension_separator").and_then(Value::as_str).unwrap_or(".");
    let listed = attributes.get("_ARRAY_DIMENSIONS").cloned();
    let nczarr = json.get("_NCZARR_ARRAY").or_else(|| attributes.get("_nczarr_array")).or_else(|| attributes.get("_NCZARR_ARRAY"));
    let dims =
        names(listed.as_ref().or_else(|| nczarr.and_then(|n| n.get("dimrefs").or_else(|| n.get("dimension_references")))), shape.len());
    finish(shape, chunks, dtype, chain, fill, (String::new(), separator.into()), dims, attrs, time_unit)
}

/// A version 3 array.
///
/// # Errors
/// A reason why it cannot be read.
pub fn version3(json: &Value, attributes: &Value) -> Result<Metadata, String> {
    let shape = lengths(json.get("shape"))?;
    let grid = json.get("chunk_grid").ok_or("no chunk grid")?;
    if json.get("storage_transformers").and_then(Value::as_array).is_some_and(|l| !l.is_empty()) {
        return Err("storage transformers are not supported".into());
    }
    if grid.get("name").and_then(Value::as_str) != Some("regular") {
        return Err("only regular chunk grids are supported".into());
    }
    let chunks = lengths(grid.get("configuration").and_then(|c| c.get("chunk_shape")))?;
    let (dtype, time_unit) = type3(json.get("data_type").unwrap_or(&Value::Null))?;
    let chain = codecs::version3(json.get("codecs").unwrap_or(&Value::Null), Some(cell_of(dtype, ByteOrder::Little)), 0)?;
    let encoding = json.get("chunk_key_encoding");
    let is_v2 = encoding.and_then(|e| e.get("name")).and_then(Value::as_str) == Some("v2");
    let separator = encoding.and_then(|e| e.get("configuration")).and_then(|c| c.get("separator")).and_then(Value::as_str);
    let separator = separator.unwrap_or(if is_v2 { "." } else { "/" });
    let mut attrs = attrs::visible(attributes);
    if let Some(AttrValue::Text(encoded)) = attrs.get("_FillValue")
        && let Some(value) = attrs::base64(encoded).and_then(|b| <[u8; 8]>::try_from(b).ok()).map(f64::from_le_bytes)
    {
        attrs.insert("_FillValue".into(), AttrValue::Numbers(Block::scalar(value)));
    }
    let fill = json.get("fill_value").unwrap_or(&Value::Null);
    let dims = names(json.get("dimension_names").filter(|n| !n.is_null()).or_else(|| attributes.get("_ARRAY_DIMENSIONS")), shape.len());
    let prefix = if is_v2 { String::new() } else { "c".to_string() };
    finish(shape, chunks, dtype, chain, fill, (prefix, separator.into()), dims, attrs, time_unit)
}

#[allow(clippy::too_many_arguments)]
fn finish(
    shape: Vec<usize>,
    file_chunks: Vec<usize>,
    dtype: DType,
    chain: Chain,
    fill: &Value,
    key: (String, String),
    dims: Vec<String>,
    mut attrs: Attrs,
    time_unit: Option<String>,
) -> Result<Metadata, String> {
    let inner = chain.shard.as_ref().map(|s| &s.inner);
    let packed = inner.unwrap_or(&chain);
    let chunk_shape = chain.shard.as_ref().map_or_else(|| file_chunks.clone(), |s| s.chunk_shape.clone());
    let fits = file_chunks.len() == shape.len()
        && chunk_shape.len() == shape.len()
        && chunk_shape.iter().zip(&file_chunks).all(|(&inner, &outer)| inner > 0 && outer > 0 && outer % inner == 0);
    if !fits {
        return Err(format!("chunks of shape {file_chunks:?} in an array of shape {shape:?}"));
    }
    for permutation in [&chain.transpose, &packed.transpose].into_iter().flatten() {
        let mut sorted = permutation.clone();
        sorted.sort_unstable();
        if sorted != (0..shape.len()).collect::<Vec<_>>() {
            return Err("its transposition is no permutation of the axes".into());
        }
    }
    let mut type_name = dtype.name().to_string();
    if let Some(unit) = time_unit {
        type_name = "datetime64".into();
        attrs.insert("units".into(), AttrValue::Text(format!("{unit} since 1970-01-01")));
        attrs.insert("calendar".into(), AttrValue::Text("proleptic_gregorian".into()));
    }
    let mut fill_bytes = if fill.is_null() { None } else { Some(number(fill, dtype)?.to_le_bytes()) };
    if packed.order == ByteOrder::Big {
        fill_bytes.iter_mut().for_each(|b| b.reverse());
    }
    let layout = Layout { dtype, order: packed.order, chunk_shape, pipeline: packed.pipeline.clone(), fill: fill_bytes };
    let mut filters = chain.names.clone();
    filters.extend(inner.into_iter().flat_map(|i| i.names.clone()));
    filters.retain(|n| n != "bytes");
    Ok(Metadata { shape, file_chunks, layout, chain, key, dims, attrs, filters, type_name })
}

/// A fill value in the array's type.
fn number(json: &Value, dtype: DType) -> Result<Block, String> {
    let bad = || format!("the fill value {json} is no {dtype}");
    if let Some(bits) = json.as_str().and_then(|t| t.strip_prefix("0x")) {
        let bits = u64::from_str_radix(bits, 16).map_err(|_| bad())?.to_le_bytes();
        return Block::from_le_bytes(dtype, &[], &bits[..dtype.size()]).map_err(|_| bad());
    }
    match (json.as_i64(), json.as_u64()) {
        // A number that the type cannot hold would wrap.
        (Some(v), _) if !dtype.is_float() => {
            let held = Block::scalar(v).cast(dtype);
            if dtype == DType::Bool || held.to_i64_vec() == [v] { Ok(held) } else { Err(bad()) }
        }
        (None, Some(v)) if !dtype.is_float() => {
            if dtype == DType::U64 {
                Ok(Block::scalar(v))
            } else {
                Err(bad())
            }
        }
        _ => float(json).map(|v| Block::scalar(v).cast(dtype)).ok_or_else(bad),
    }
}

/// The dimension names; made up where there are none.
fn names(json: Option<&Value>, rank: usize) -> Vec<String> {
    let listed: Vec<Option<String>> = json
        .and_then(Value::as_array)
        .map(|l| l.iter().map(|n| n.as_str().map(|n| n.rsplit('/').next().unwrap_or(n).to_string())).collect())
        .unwrap_or_default();
    (0..rank).map(|i| listed.get(i).cloned().flatten().unwrap_or_else(|| format!("dim_{i}"))).collect()
}

/// The type of the cells, as codecs name it; booleans are single bytes.
fn cell_of(dtype: DType, order: ByteOrder) -> Cell {
    let kind = if dtype.is_float() {
        Kind::Float
    } else if dtype.is_signed() {
        Kind::Signed
    } else {
        Kind::Unsigned
    };
    Cell { kind, size: dtype.size(), is_big: order == ByteOrder::Big && dtype.size() > 1 }
}

type Type2 = (DType, ByteOrder, Option<String>);

fn type2(text: &str) -> Result<Type2, String> {
    let order = if text.starts_with('>') { ByteOrder::Big } else { ByteOrder::Little };
    let short = text.trim_start_matches(['<', '>', '|', '=']);
    if let Some(unit) = short.strip_prefix("M8[").and_then(|u| u.strip_suffix(']')) {
        return Ok((DType::I64, order, Some(time_unit(unit)?)));
    }
    let dtype = if short == "b1" { Some(DType::Bool) } else { DType::from_name(short) };
    if short == "f2" {
        return Err(HALF.into());
    }
    dtype.map(|d| (d, order, None)).ok_or_else(|| format!("cells of type {text} are not supported"))
}

fn type3(json: &Value) -> Result<(DType, Option<String>), String> {
    if let Some(dtype) = json.as_str().and_then(DType::from_name) {
        return Ok((dtype, None));
    }
    if json.as_str() == Some("float16") {
        return Err(HALF.into());
    }
    let settings = json.get("configuration");
    if json.get("name").and_then(Value::as_str) == Some("numpy.datetime64")
        && settings.and_then(|s| s.get("scale_factor")).and_then(Value::as_u64).unwrap_or(1) == 1
        && let Some(unit) = settings.and_then(|s| s.get("unit")).and_then(Value::as_str)
    {
        return Ok((DType::I64, Some(time_unit(unit)?)));
    }
    Err(format!("cells of type {json} are not supported"))
}

fn time_unit(numpy: &str) -> Result<String, String> {
    Ok(match numpy {
        "D" => "days",
        "h" => "hours",
        "m" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        _ => return Err(format!("times counted in {numpy:?} are not supported")),
    }
    .to_string())
}
