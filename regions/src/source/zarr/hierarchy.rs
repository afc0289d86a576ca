//! The groups and arrays of a store: from consolidated metadata where it has them, as xarray does, else folder by folder.
//!
//! In: the folder of a store. Out: the JSON of its nodes. Never reads chunks, never lists a store that is consolidated.

use super::attrs;
use crate::store::Location;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use xeng_proto::RegionError;

/// Bytes of a metadata file, at most.
const MAX_METADATA_BYTES: u64 = 64 << 20;

/// A group or an array.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) version: u8,
    pub(super) is_array: bool,
    pub(super) metadata: Value,
    pub(super) attributes: Value,
}

/// The nodes of a store.
pub(super) struct Hierarchy {
    root: Location,
    consolidated: Option<BTreeMap<String, Node>>,
}

impl Hierarchy {
    pub(super) fn open(root: &Location) -> Result<Hierarchy, RegionError> {
        let [version2, version3] = json_of(root, [".zmetadata", "zarr.json"])?;
        if version2.as_ref().is_some_and(|v| v.get("record_size").is_some()) && !root.store.is_references() {
            return Err(RegionError::request(format!(
                "{}: these are Parquet references: their folder's name must end in .parq",
                root.name()
            )));
        }
        let inline = version3.as_ref().and_then(|v| v.get("consolidated_metadata")?.get("metadata")?.as_object());
        let consolidated = match (version2.as_ref().and_then(|v| v.get("metadata")?.as_object()), inline) {
            (Some(files), _) => Some(from_files(files)),
            (None, Some(nodes)) => {
                let mut all: BTreeMap<String, Node> =
                    nodes.iter().map(|(path, node)| (path.clone(), Node::version3(node.clone()))).collect();
                all.extend(version3.clone().map(|root| (String::new(), Node::version3(root))));
                Some(all)
            }
            (None, None) => None,
        };
        // A path that climbs would lead out of the store.
        let climbs = |path: &str| path.split('/').any(|name| name == "." || name == "..");
        let consolidated = consolidated.map(|nodes| nodes.into_iter().filter(|(path, _)| !climbs(path)).collect());
        Ok(Hierarchy { root: root.clone(), consolidated })
    }

    pub(super) fn location(&self, path: &str) -> Location {
        path.split('/').filter(|name| !name.is_empty()).fold(self.root.clone(), |at, name| at.child(name))
    }

    /// The node of a path from the root; `None` where there is none.
    pub(super) fn node(&self, path: &str) -> Result<Option<Node>, RegionError> {
        match &self.consolidated {
            Some(nodes) => Ok(nodes.get(path).cloned()),
            None => Node::read(&self.location(path)),
        }
    }

    /// The names of what may be a node directly below a path, sorted.
    pub(super) fn children(&self, path: &str) -> Result<Vec<String>, RegionError> {
        if let Some(nodes) = &self.consolidated {
            let below = if path.is_empty() { String::new() } else { format!("{path}/") };
            let first = |key: &String| Some(key.strip_prefix(&below)?.split('/').next()?.to_owned()).filter(|name| !name.is_empty());
            let mut names: Vec<String> = nodes.keys().filter_map(first).collect();
            names.dedup();
            return Ok(names);
        }
        let at = self.location(path);
        let listed = at.store.folders(&at.key)?;
        listed.ok_or_else(|| {
            RegionError::request(format!("{}: its metadata are not consolidated, and folders cannot be listed over HTTP", at.name()))
        })
    }
}

/// Version 2's consolidated metadata: the files of all nodes by path.
fn from_files(files: &serde_json::Map<String, Value>) -> BTreeMap<String, Node> {
    let mut nodes = BTreeMap::new();
    for (file, metadata) in files {
        let (path, name) = file.rsplit_once('/').unwrap_or(("", file));
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let attributes = || files.get(&at(".zattrs")).cloned().unwrap_or_default();
        match name {
            ".zarray" => {
                nodes.insert(path.to_owned(), Node::version2(metadata.clone(), attributes(), files.get(&at(".nczarray")).cloned()))
            }
            ".zgroup" => {
                nodes.insert(path.to_owned(), Node { version: 2, is_array: false, metadata: metadata.clone(), attributes: attributes() })
            }
            _ => None,
        };
    }
    nodes
}

impl Node {
    fn read(at: &Location) -> Result<Option<Node>, RegionError> {
        let [array, version3, group, attributes, own] = json_of(at, [".zarray", "zarr.json", ".zgroup", ".zattrs", ".nczarray"])?;
        let attributes = attributes.unwrap_or_default();
        Ok(match (array, version3, group) {
            (Some(array), _, _) => Some(Node::version2(array, attributes, own)),
            (None, Some(metadata), _) => Some(Node::version3(metadata)),
            (None, None, Some(metadata)) => Some(Node { version: 2, is_array: false, metadata, attributes }),
            (None, None, None) => None,
        })
    }

    /// `own` is what netCDF-C before 4.9.1 wrote into a file beside.
    fn version2(mut metadata: Value, attributes: Value, own: Option<Value>) -> Node {
        if let (Some(own), Some(fields)) = (own, metadata.as_object_mut()) {
            fields.insert("_NCZARR_ARRAY".into(), own);
        }
        Node { version: 2, is_array: true, metadata, attributes }
    }

    fn version3(metadata: Value) -> Node {
        let attributes = metadata.get("attributes").cloned().unwrap_or_default();
        let is_array = metadata.get("node_type").and_then(Value::as_str) == Some("array");
        Node { version: 3, is_array, metadata, attributes }
    }
}

/// The JSON files of these names in a folder, asked for together.
fn json_of<const N: usize>(folder: &Location, names: [&str; N]) -> Result<[Option<Value>; N], RegionError> {
    let keys = names.map(|name| folder.child(name).key);
    let mut found = folder.store.get_many(&keys, MAX_METADATA_BYTES)?.into_iter();
    let mut out = [const { None }; N];
    for (slot, key) in out.iter_mut().zip(&keys) {
        if let Some(bytes) = found.next().flatten() {
            *slot = Some(parsed(&bytes).map_err(|e| RegionError::data(format!("{}: {e}", folder.store.name(key))))?);
        }
    }
    Ok(out)
}

fn parsed(bytes: &Bytes) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    // Python's writers put NaN and Infinity into JSON as bare words.
    serde_json::from_str(text).or_else(|e| serde_json::from_str(&attrs::quote_bare_words(text)).map_err(|_| e)).map_err(|e| e.to_string())
}
