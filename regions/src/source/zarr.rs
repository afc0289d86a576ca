//! Zarr stores (versions 2 and 3): JSON metadata to variables that are read chunk by chunk.
//!
//! In: the folder of a store and a group. Out: its arrays and attributes as stored. Never reads chunks.
//! Format: the Zarr storage specifications 2 and 3.1, <https://zarr-specs.readthedocs.io>.

pub mod array;
pub mod attrs;
pub mod codecs;
pub mod filters;
mod hierarchy;
pub mod metadata;

use super::raw::{RawCells, RawDataset, RawVariable};
use crate::store::Location;
use hierarchy::{Hierarchy, Node};
use std::sync::Arc;
use xeng_proto::RegionError;

/// Groups below groups that are followed, at most.
const MAX_DEPTH: usize = 32;

/// Reads the metadata of one group of a store.
///
/// # Errors
/// `Request` when there is no such group, `Data` when its metadata is malformed.
pub fn open(root: &Location, group: &str) -> Result<RawDataset, RegionError> {
    let group = group.split('/').filter(|n| !n.is_empty()).collect::<Vec<_>>().join("/");
    let no_group = || RegionError::request(format!("{}: there is no group {group:?}", root.name()));
    if group.split('/').any(|name| name == "..") {
        return Err(no_group());
    }
    let store = Hierarchy::open(root)?;
    let Some(node) = store.node(&group)? else {
        return Err(if group.is_empty() { RegionError::request(format!("{}: no Zarr metadata", root.name())) } else { no_group() });
    };
    let mut dataset = RawDataset { attrs: attrs::visible(&node.attributes), ..RawDataset::default() };
    let at = store.location(&group);
    if node.is_array {
        let file_name = at.file_name();
        let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
        dataset.attrs.clear();
        add(&mut dataset, if stem.is_empty() { "array".into() } else { stem.to_owned() }, at.clone(), &node);
        return Ok(dataset);
    }
    for name in store.children(&group)? {
        let path = if group.is_empty() { name.clone() } else { format!("{group}/{name}") };
        match store.node(&path) {
            Ok(Some(node)) if node.is_array => add(&mut dataset, name, store.location(&path), &node),
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
pub fn is_array(root: &Location) -> Result<bool, RegionError> {
    Ok(Hierarchy::open(root)?.node("")?.is_some_and(|node| node.is_array))
}

/// The paths of all groups, parents first; the root is the empty path.
///
/// # Errors
/// `Data` when a folder cannot be listed.
pub fn group_paths(root: &Location) -> Result<Vec<String>, RegionError> {
    let store = Hierarchy::open(root)?;
    let mut found = vec![];
    let mut open = vec![(String::new(), 0)];
    while let Some((path, depth)) = open.pop() {
        let node = store.node(&path).ok().flatten();
        let is_array = node.as_ref().is_some_and(|n| n.is_array);
        // Folders without metadata of their own may still hold groups: version 3 lets writers leave them out.
        if !is_array && depth < MAX_DEPTH {
            for child in store.children(&path)?.into_iter().rev() {
                open.push((if path.is_empty() { child } else { format!("{path}/{child}") }, depth + 1));
            }
        }
        if node.is_some() && (!is_array || path.is_empty()) {
            found.push(path);
        }
    }
    Ok(found)
}

fn add(dataset: &mut RawDataset, name: String, at: Location, node: &Node) {
    let what = format!("{}: {name}", at.name());
    let parsed = match node.version {
        2 => metadata::version2(&node.metadata, &node.attributes),
        _ => metadata::version3(&node.metadata, &node.attributes),
    };
    match parsed.and_then(|m| {
        let (dims, filters, type_name, attrs) = (m.dims.clone(), m.filters.clone(), m.type_name.clone(), m.attrs.clone());
        let file_chunks = Some(m.layout.chunk_shape.clone());
        let source = array::ZarrArray::new(what, at, m)?;
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
