//! A result as a Zarr 3 store: a group with consolidated metadata, as xarray writes and opens without a warning.
//!
//! In: an outcome, an empty directory. Out: `zarr.json` files and zstd-compressed chunks, there or in memory. Never overwrites a store.

use super::OutputError;
use super::cf::{self, Cells, Variable};
use super::json::attributes;
use super::netcdf::chunk_shape;
use crate::result::Outcome;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use xeng_kernels::{Block, DType, dispatch};
use zarrs::array::{Array, ArrayMetadata, ArraySubset, Element};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ReadableWritableListableStorage, ReadableWritableListableStorageTraits};

/// Chunks are at most this large before compression.
const CHUNK_BYTES: usize = 4 << 20;

type Store = ReadableWritableListableStorage;

/// Writes `outcome` as a Zarr 3 group into the empty directory `folder`.
///
/// # Errors
/// [`OutputError::Conflict`] for names that clash, [`OutputError::Unsupported`] for a name that is no path segment,
/// [`OutputError::Io`].
pub fn write(outcome: &Outcome, folder: &Path) -> Result<(), OutputError> {
    let store: Store = Arc::new(FilesystemStore::new(folder).map_err(refused)?);
    let documents = fill(&store, outcome, &BTreeMap::new())?;
    for (path, text) in documents {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// The files of a Zarr 3 group of `outcome`, but for the chunks of the arrays in `written`, which are there already: in chunks of these
/// shapes.
///
/// # Errors
/// As [`write()`].
pub fn files(outcome: &Outcome, written: &BTreeMap<String, Vec<usize>>) -> Result<Vec<(String, Vec<u8>)>, OutputError> {
    let store: Store = Arc::new(MemoryStore::new());
    let documents = fill(&store, outcome, written)?;
    let mut files = vec![];
    for key in store.list().map_err(refused)? {
        let bytes = store.get(&key).map_err(refused)?;
        files.extend(bytes.map(|bytes| (key.as_str().to_owned(), bytes.to_vec())));
    }
    files.extend(documents.into_iter().map(|(path, text)| (path, text.into_bytes())));
    Ok(files)
}

/// Writes the chunks of all arrays but those in `written`; gives the metadata documents, the group's last.
fn fill(store: &Store, outcome: &Outcome, written: &BTreeMap<String, Vec<usize>>) -> Result<Vec<(String, String)>, OutputError> {
    let file = cf::encode(outcome)?;
    let (mut members, mut documents) = (Map::new(), vec![]);
    for (name, variable) in &file.variables {
        check_name(name)?;
        let metadata = metadata(variable, written.get(name));
        if !written.contains_key(name) {
            write_variable(store, name, variable, &metadata)?;
        }
        documents.push((format!("{name}/zarr.json"), serde_json::to_string_pretty(&metadata).map_err(refused)?));
        members.insert(name.clone(), metadata);
    }
    let consolidated = json!({"kind": "inline", "must_understand": false, "metadata": members});
    let root = json!({
        "zarr_format": 3, "node_type": "group", "attributes": attributes(&file.attrs), "consolidated_metadata": consolidated,
    });
    documents.push(("zarr.json".to_owned(), serde_json::to_string_pretty(&root).map_err(refused)?));
    Ok(documents)
}

/// A name becomes a directory of the store: it must not lead anywhere else.
pub(crate) fn check_name(name: &str) -> Result<(), OutputError> {
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

/// The metadata of an array, in chunks of a given shape or one of home's choice.
fn metadata(variable: &Variable<'_>, chunk: Option<&Vec<usize>>) -> Value {
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
    let chunk = chunk.cloned().unwrap_or_else(|| chunk_shape(&variable.shape, item_bytes, CHUNK_BYTES));
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": variable.shape,
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": [serializer, {"name": "zstd", "configuration": {"level": crate::stages::ZSTD_LEVEL, "checksum": false}}],
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

fn write_variable(store: &Store, name: &str, variable: &Variable<'_>, metadata: &Value) -> Result<(), OutputError> {
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

fn store_all<T: Element>(
    array: &Array<dyn ReadableWritableListableStorageTraits>,
    shape: &[usize],
    cells: &[T],
) -> Result<(), OutputError> {
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
