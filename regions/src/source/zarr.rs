//! Zarr stores (versions 2 and 3) in directories: JSON metadata to variables that are read chunk file by chunk file.
//!
//! In: a directory and a group. Out: its arrays and attributes as stored. Never reads chunks.
//! Format: the Zarr storage specifications 2 and 3.1, <https://zarr-specs.readthedocs.io>.

pub mod array;
pub mod attrs;
pub mod codecs;
pub mod filters;
pub mod metadata;

use super::raw::{RawCells, RawDataset, RawVariable};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xeng_proto::RegionError;

/// Bytes of a metadata file, at most.
const MAX_METADATA_BYTES: u64 = 64 << 20;

/// Reads the metadata of one group of a store.
///
/// # Errors
/// `Request` when there is no such group, `Data` when its metadata is malformed.
pub fn open(path: &Path, group: &str) -> Result<RawDataset, RegionError> {
    let mut dir = path.to_path_buf();
    for name in group.split('/').filter(|n| !n.is_empty()) {
        if name == ".." {
            return Err(RegionError::request(format!("{}: there is no group {group:?}", path.display())));
        }
        dir.push(name);
    }
    let Some(node) = Node::read(&dir)? else {
        let what = if group.is_empty() { "no Zarr metadata".to_string() } else { format!("no group {group:?}") };
        return Err(RegionError::request(format!("{}: {what}", path.display())));
    };
    let mut dataset = RawDataset { attrs: attrs::visible(&node.attributes), ..RawDataset::default() };
    if node.is_array {
        let name = dir.file_stem().map_or_else(|| "array".into(), |n| n.to_string_lossy().into_owned());
        dataset.attrs.clear();
        add(&mut dataset, name, &dir, &node);
        return Ok(dataset);
    }
    for (name, child) in children(&dir)? {
        match Node::read(&child) {
            Ok(Some(node)) if node.is_array => add(&mut dataset, name, &child, &node),
            Ok(_) => {}
            Err(e) => {
                dataset.unreadable.insert(name, e.message);
            }
        }
    }
    Ok(dataset)
}

/// Whether a store is a single array, with no group around it.
///
/// # Errors
/// `Data` when its metadata cannot be read.
pub fn is_array(path: &Path) -> Result<bool, RegionError> {
    Ok(Node::read(path)?.is_some_and(|node| node.is_array))
}

/// The paths of all groups, parents first; the root is the empty path.
///
/// # Errors
/// `Data` when a directory cannot be listed.
pub fn group_paths(path: &Path) -> Result<Vec<String>, RegionError> {
    let mut found = vec![];
    let mut open = vec![(String::new(), path.to_path_buf(), 0)];
    while let Some((name, dir, depth)) = open.pop() {
        let node = Node::read(&dir).ok().flatten();
        let is_array = node.as_ref().is_some_and(|n| n.is_array);
        // Directories without metadata of their own may still hold groups: version 3 lets writers leave them out.
        if !is_array && depth < 32 {
            for (child, at) in children(&dir)?.into_iter().rev() {
                open.push((if name.is_empty() { child } else { format!("{name}/{child}") }, at, depth + 1));
            }
        }
        if node.is_some() && (!is_array || name.is_empty()) {
            found.push(name);
        }
    }
    Ok(found)
}

fn children(dir: &Path) -> Result<Vec<(String, PathBuf)>, RegionError> {
    let bad = |e: std::io::Error| RegionError::data(format!("{}: {e}", dir.display()));
    let mut found = vec![];
    for entry in std::fs::read_dir(dir).map_err(bad)? {
        let path = entry.map_err(bad)?.path();
        if path.is_dir()
            && let Some(name) = path.file_name()
        {
            found.push((name.to_string_lossy().into_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn add(dataset: &mut RawDataset, name: String, dir: &Path, node: &Node) {
    let what = format!("{}: {name}", dir.display());
    let parsed = match node.version {
        2 => metadata::version2(&node.metadata, &node.attributes),
        _ => metadata::version3(&node.metadata, &node.attributes),
    };
    match parsed.and_then(|m| {
        let (dims, filters, type_name, attrs) = (m.dims.clone(), m.filters.clone(), m.type_name.clone(), m.attrs.clone());
        let file_chunks = Some(m.layout.chunk_shape.clone());
        let source = array::ZarrArray::new(what, dir.to_path_buf(), m)?;
        Ok(RawVariable { dims, attrs, filters, type_name, file_chunks, cells: RawCells::Numbers(Arc::new(source)) })
    }) {
        Ok(variable) => {
            dataset.variables.insert(name, variable);
        }
        Err(reason) => {
            dataset.unreadable.insert(name, reason);
        }
    }
}

/// A group or an array.
struct Node {
    version: u8,
    is_array: bool,
    metadata: Value,
    attributes: Value,
}

impl Node {
    fn read(dir: &Path) -> Result<Option<Node>, RegionError> {
        if let Some(array) = json(&dir.join(".zarray"))? {
            let attributes = json(&dir.join(".zattrs"))?.unwrap_or_default();
            let mut metadata = array;
            // netCDF-C before 4.9.1 wrote its own part into a file beside.
            if let (Some(own), Some(fields)) = (json(&dir.join(".nczarray"))?, metadata.as_object_mut()) {
                fields.insert("_NCZARR_ARRAY".into(), own);
            }
            return Ok(Some(Node { version: 2, is_array: true, metadata, attributes }));
        }
        if let Some(metadata) = json(&dir.join("zarr.json"))? {
            let attributes = metadata.get("attributes").cloned().unwrap_or_default();
            let is_array = metadata.get("node_type").and_then(Value::as_str) == Some("array");
            return Ok(Some(Node { version: 3, is_array, metadata, attributes }));
        }
        if let Some(metadata) = json(&dir.join(".zgroup"))? {
            let attributes = json(&dir.join(".zattrs"))?.unwrap_or_default();
            return Ok(Some(Node { version: 2, is_array: false, metadata, attributes }));
        }
        Ok(None)
    }
}

fn json(path: &Path) -> Result<Option<Value>, RegionError> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(None) };
    if meta.len() > MAX_METADATA_BYTES {
        return Err(RegionError::data(format!("{}: {} bytes of metadata are more than are read", path.display(), meta.len())));
    }
    let bad = |e: &dyn std::fmt::Display| RegionError::data(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
    // Python's writers put NaN and Infinity into JSON as bare words.
    let parsed = serde_json::from_str(&text).or_else(|e| serde_json::from_str(&attrs::quote_bare_words(&text)).map_err(|_| e));
    parsed.map(Some).map_err(|e| bad(&e))
}
