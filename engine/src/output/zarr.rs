//! A result as a Zarr 3 store: a group with consolidated metadata, as xarray writes and opens without a warning.
//!
//! In: an outcome, an empty directory. Out: `zarr.json` files and zstd-compressed chunks. Never overwrites a store.

use super::OutputError;
use super::cf::{self, Cells, Variable};
use super::json::attributes;
use super::netcdf::chunk_shape;
use crate::result::Outcome;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use xeng_kernels::{Block, DType, dispatch};
use zarrs::array::{Array, ArrayMetadata, ArraySubset, Element};
use zarrs::filesystem::FilesystemStore;

/// Chunks are at most this large before compression.
const CHUNK_BYTES: usize = 4 << 20;
const ZSTD_LEVEL: i32 = 3;

/// Writes `outcome` as a Zarr 3 group into the empty directory `folder`.
///
/// # Errors
/// [`OutputError::Conflict`] for names that clash, [`OutputError::Unsupported`] for a name that is no path segment,
/// [`OutputError::Io`].
pub fn write(outcome: &Outcome, folder: &Path) -> Result<(), OutputError> {
    let file = cf::encode(outcome)?;
    let store = Arc::new(FilesystemStore::new(folder).map_err(refused)?);
    let mut members = Map::new();
    for (name, variable) in &file.variables {
        check_name(name)?;
        let metadata = metadata(variable);
        write_variable(&store, name, variable, &metadata)?;
        save(&folder.join(name), &metadata)?;
        members.insert(name.clone(), metadata);
    }
    let consolidated = json!({"kind": "inline", "must_understand": false, "metadata": members});
    let root = json!({
        "zarr_format": 3, "node_type": "group", "attributes": attributes(&file.attrs), "consolidated_metadata": consolidated,
    });
    save(folder, &root)
}

/// A name becomes a directory of the store: it must not lead anywhere else.
fn check_name(name: &str) -> Result<(), OutputError> {
    if name.is_empty()
        || name.starts_with("__")
        || name.chars().all(|c| c == '.')
        || name.contains(['/', '\\', '\0'])
        || name == "zarr.json"
    {
        return Err(OutputError::Unsupported { format: "Zarr", why: format!("the name '{name}'") });
    }
    Ok(())
}

fn save(folder: &Path, metadata: &Value) -> Result<(), OutputError> {
    fs::create_dir_all(folder)?;
    let text = serde_json::to_string_pretty(metadata).map_err(refused)?;
    Ok(fs::write(folder.join("zarr.json"), text)?)
}

fn metadata(variable: &Variable<'_>) -> Value {
    let (data_type, fill, serializer, item_bytes) = match &variable.cells {
        Cells::Texts(texts) => {
            let mean = texts.iter().map(String::len).sum::<usize>() / texts.len().max(1) + 4;
            ("string", json!(""), json!({"name": "vlen-utf8"}), mean)
        }
        Cells::Numbers(block) => {
            let bytes = match block.dtype().size() {
                1 => json!({"name": "bytes"}),
                _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
            };
            (block.dtype().name(), fill_value(block.dtype()), bytes, block.dtype().size())
        }
    };
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": variable.shape,
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape(&variable.shape, item_bytes, CHUNK_BYTES)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": [serializer, {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": false}}],
        "attributes": attributes(&variable.attrs),
        "dimension_names": variable.dims,
        "storage_transformers": [],
    })
}

fn fill_value(dtype: DType) -> Value {
    match dtype {
        DType::Bool => json!(false),
        d if d.is_float() => json!("NaN"),
        _ => json!(0),
    }
}

fn write_variable(store: &Arc<FilesystemStore>, name: &str, variable: &Variable<'_>, metadata: &Value) -> Result<(), OutputError> {
    let metadata: ArrayMetadata = serde_json::from_value(metadata.clone()).map_err(refused)?;
    let array = Array::new_with_metadata(store.clone(), &format!("/{name}"), metadata).map_err(refused)?;
    match &variable.cells {
        Cells::Texts(texts) => store_all(&array, &variable.shape, texts),
        Cells::Numbers(block) => dispatch!(block.dtype(), T => store_all(&array, &variable.shape, cells::<T>(block))),
    }
}

fn cells<T: xeng_kernels::Element>(block: &Block) -> &[T] {
    block.as_slice::<T>().unwrap_or_default()
}

fn store_all<T: Element>(array: &Array<FilesystemStore>, shape: &[usize], cells: &[T]) -> Result<(), OutputError> {
    if cells.is_empty() {
        return Ok(());
    }
    let subset = ArraySubset::new_with_shape(shape.iter().map(|&n| n as u64).collect());
    array.store_array_subset(&subset, cells).map_err(refused)
}

/// The store's own errors carry what the file system said; they are told as such.
fn refused(error: impl std::error::Error) -> OutputError {
    OutputError::Io(std::io::Error::other(error.to_string()))
}
