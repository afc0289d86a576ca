//! Zarr's codec lists as pipelines.
//!
//! In: JSON codec descriptions of either version. Out: a transposition, a byte order, a pipeline. Never guesses: an unknown
//! codec is a reason why the array cannot be read.

use super::filters::{self, Gives};
use crate::codec::cell::Cell;
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
    /// The type of the cells that the next codec takes; `None` where it takes bytes.
    cells: Option<Cell>,
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
pub fn version3(list: &Value, cell: Option<Cell>, depth: usize) -> Result<Chain, String> {
    let (pipeline, names) = (Pipeline::default(), vec![]);
    let mut chain = Chain { transpose: None, order: ByteOrder::Little, pipeline, shard: None, names, cells: cell };
    for codec in list.as_array().ok_or("codecs is not a list")? {
        let name = codec.as_str().or_else(|| codec.get("name").and_then(Value::as_str)).ok_or("a codec has no name")?;
        let settings = codec.get("configuration").unwrap_or(&Value::Null);
        chain.names.push(name.to_string());
        match name {
            "bytes" | "endian" => {
                if settings.get("endian").and_then(Value::as_str) == Some("big") {
                    if !chain.pipeline.codecs.is_empty() {
                        return Err("big-endian cells behind a codec that changes cells are not supported".into());
                    }
                    chain.order = ByteOrder::Big;
                }
                chain.cells = None;
            }
            "transpose" if chain.transpose.is_none() && chain.shard.is_none() && chain.pipeline.codecs.is_empty() => {
                chain.transpose = Some(lengths(settings.get("order"))?)
            }
            "sharding_indexed" if depth == 0 && chain.transpose.is_none() && chain.pipeline.codecs.is_empty() => {
                chain.shard = Some(Box::new(shard(settings, cell)?));
            }
            _ if chain.shard.is_some() => return Err(format!("codec {name} around shards is not supported")),
            _ => chain.push(name.strip_prefix("numcodecs.").unwrap_or(name), settings)?,
        }
    }
    Ok(chain)
}

fn shard(settings: &Value, cell: Option<Cell>) -> Result<Shard, String> {
    Ok(Shard {
        chunk_shape: lengths(settings.get("chunk_shape"))?,
        inner: version3(settings.get("codecs").ok_or("a shard has no codecs")?, cell, 1)?,
        index: version3(settings.get("index_codecs").ok_or("a shard has no index codecs")?, None, 1)?,
        index_first: settings.get("index_location").and_then(Value::as_str) == Some("start"),
    })
}

/// A version 2 compressor and filters.
///
/// # Errors
/// A reason, when one of them is unknown.
pub fn version2(metadata: &Value, rank: usize, order: ByteOrder, cell: Option<Cell>) -> Result<Chain, String> {
    let column_major = metadata.get("order").and_then(Value::as_str) == Some("F") && rank > 1;
    let transpose = column_major.then(|| (0..rank).rev().collect());
    let (pipeline, names) = (Pipeline::default(), vec![]);
    let mut chain = Chain { transpose, order, pipeline, shard: None, names, cells: cell };
    let filters = metadata.get("filters").and_then(Value::as_array).into_iter().flatten();
    for codec in filters.chain(metadata.get("compressor").filter(|c| !c.is_null())) {
        let id = codec.get("id").and_then(Value::as_str).ok_or("a codec has no id")?;
        chain.names.push(id.to_string());
        chain.push(id, codec)?;
    }
    Ok(chain)
}

impl Chain {
    /// Adds a codec behind those that were applied before it. Codecs that change types must fit onto each other.
    fn push(&mut self, name: &str, settings: &Value) -> Result<(), String> {
        let (codec, gives) = filters::codec(name, settings)?;
        if let Gives::Cells(cell) = gives {
            match self.cells {
                Some(needed) if needed != cell => return Err(format!("codec {name} gives cells of another type than the array's")),
                None => return Err(format!("codec {name} behind one that gives bytes is not supported")),
                Some(_) => {}
            }
        }
        self.cells = match (&codec, gives) {
            (Some(Codec::Delta(c)), _) => Some(c.encoded),
            (Some(Codec::AsType(c)), _) => Some(c.encoded),
            (Some(Codec::FixedScaleOffset(c)), _) => Some(c.encoded),
            (None, _) => self.cells,
            (Some(_), _) => None,
        };
        self.pipeline.codecs.extend(codec);
        Ok(())
    }
}

/// A list of lengths.
///
/// # Errors
/// A reason, when it is none.
pub fn lengths(json: Option<&Value>) -> Result<Vec<usize>, String> {
    let items = json.and_then(Value::as_array).ok_or("a list of lengths is missing")?;
    items.iter().map(|v| v.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| format!("{v} is no length"))).collect()
}
