//! Zarr's codec lists as pipelines.
//!
//! In: JSON codec descriptions of either version. Out: a transposition, a byte order, a pipeline. Never guesses: an unknown
//! codec is a reason why the array cannot be read.

use crate::codec::{Codec, Pipeline};
use crate::source::bytes::ByteOrder;
use serde_json::Value;

/// How a chunk is packed, in Zarr's words.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Axes in the order in which they are stored, where it is not the array's own.
    pub transpose: Option<Vec<usize>>,
    /// Byte order of cells.
    pub order: ByteOrder,
    /// Compressors and checksums.
    pub pipeline: Pipeline,
    /// The chunk is a shard of smaller ones.
    pub shard: Option<Box<Shard>>,
    /// Names, for people.
    pub names: Vec<String>,
}

/// Chunks within a chunk (`sharding_indexed`).
#[derive(Clone, Debug)]
pub struct Shard {
    /// Shape of the inner chunks.
    pub chunk_shape: Vec<usize>,
    /// How inner chunks are packed.
    pub inner: Chain,
    /// How the index is packed.
    pub index: Chain,
    /// The index lies before the chunks.
    pub index_first: bool,
}

/// A version 3 codec list.
///
/// # Errors
/// A reason, when a codec is unknown.
pub fn version3(list: &Value, depth: usize) -> Result<Chain, String> {
    let mut chain = Chain { transpose: None, order: ByteOrder::Little, pipeline: Pipeline::default(), shard: None, names: vec![] };
    for codec in list.as_array().ok_or("codecs is not a list")? {
        let name = codec.as_str().or_else(|| codec.get("name").and_then(Value::as_str)).ok_or("a codec has no name")?;
        let settings = codec.get("configuration").unwrap_or(&Value::Null);
        chain.names.push(name.to_string());
        match name {
            "bytes" | "endian" => {
                if settings.get("endian").and_then(Value::as_str) == Some("big") {
                    chain.order = ByteOrder::Big;
                }
            }
            "transpose" if chain.transpose.is_none() && chain.shard.is_none() => chain.transpose = Some(lengths(settings.get("order"))?),
            "sharding_indexed" if depth == 0 && chain.transpose.is_none() => chain.shard = Some(Box::new(shard(settings)?)),
            _ if chain.shard.is_some() => return Err(format!("codec {name} around shards is not supported")),
            _ => chain.pipeline.codecs.extend(bytes_codec(name.strip_prefix("numcodecs.").unwrap_or(name), settings)?),
        }
    }
    Ok(chain)
}

fn shard(settings: &Value) -> Result<Shard, String> {
    Ok(Shard {
        chunk_shape: lengths(settings.get("chunk_shape"))?,
        inner: version3(settings.get("codecs").ok_or("a shard has no codecs")?, 1)?,
        index: version3(settings.get("index_codecs").ok_or("a shard has no index codecs")?, 1)?,
        index_first: settings.get("index_location").and_then(Value::as_str) == Some("start"),
    })
}

/// A version 2 compressor and filters.
///
/// # Errors
/// A reason, when one of them is unknown.
pub fn version2(metadata: &Value, rank: usize, order: ByteOrder) -> Result<Chain, String> {
    let column_major = metadata.get("order").and_then(Value::as_str) == Some("F") && rank > 1;
    let transpose = column_major.then(|| (0..rank).rev().collect());
    let mut chain = Chain { transpose, order, pipeline: Pipeline::default(), shard: None, names: vec![] };
    let filters = metadata.get("filters").and_then(Value::as_array).into_iter().flatten();
    for codec in filters.chain(metadata.get("compressor").filter(|c| !c.is_null())) {
        let id = codec.get("id").and_then(Value::as_str).ok_or("a codec has no id")?;
        chain.names.push(id.to_string());
        chain.pipeline.codecs.extend(bytes_codec(id, codec)?);
    }
    Ok(chain)
}

/// `None` for codecs that change nothing on reading.
fn bytes_codec(name: &str, settings: &Value) -> Result<Option<Codec>, String> {
    let size = |key: &str| settings.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    Ok(Some(match name {
        "zlib" => Codec::Zlib,
        "gzip" => Codec::Gzip,
        "zstd" => Codec::Zstd,
        "blosc" => Codec::Blosc,
        "crc32c" => Codec::Crc32c,
        "crc32" => Codec::Crc32First,
        "adler32" => Codec::Adler32First,
        "fletcher32" => Codec::Fletcher32,
        "shuffle" => Codec::Shuffle(size("elementsize").unwrap_or(4)),
        // Rounding happened when the chunk was written.
        "bitround" => return Ok(None),
        _ => return Err(format!("codec {name} is not supported")),
    }))
}

/// A list of lengths.
///
/// # Errors
/// A reason, when it is none.
pub fn lengths(json: Option<&Value>) -> Result<Vec<usize>, String> {
    let items = json.and_then(Value::as_array).ok_or("a list of lengths is missing")?;
    items.iter().map(|v| v.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| format!("{v} is no length"))).collect()
}
