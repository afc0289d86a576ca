//! References in one JSON file.
//!
//! In: the file. Out: references by key, targets each kept once. Never keeps the JSON itself; generates a bounded number of references.

use super::Reference;
use super::generate::{Generator, MAX_GENERATED, generate};
use super::template::Templates;
use crate::source::zarr::attrs;
use crate::store::Location;
use bytes::Bytes;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use xeng_proto::RegionError;

/// Bytes of a reference file, at most; what has more is kept as Parquet.
const MAX_BYTES: u64 = 256 << 20;
/// Bytes that templates make of all targets, at most.
const MAX_RENDERED_BYTES: usize = 64 << 20;
/// Folders in folders that are listed, at most.
const MAX_DEPTH: usize = 32;
/// Files that make a folder a group or an array.
const METADATA: [&str; 4] = [".zarray", ".zgroup", ".zattrs", "zarr.json"];

/// References by key.
#[derive(Debug, Default)]
pub(super) struct JsonReferences {
    by_key: HashMap<Box<str>, Stored>,
    targets: Vec<Arc<str>>,
    /// The names of the folders in each folder that holds metadata, somewhere.
    folders: BTreeMap<String, BTreeSet<String>>,
}

/// What a key stands for, its target by number.
#[derive(Debug)]
enum Stored {
    Text(Bytes),
    Whole(u32),
    Range(u32, u64, u64),
}

impl JsonReferences {
    /// Reads a reference file.
    ///
    /// # Errors
    /// `Request` when it is not there, `Data` when it is too large, no JSON, or no references.
    pub(super) fn read(at: &Location) -> Result<JsonReferences, RegionError> {
        let bytes = at.get(MAX_BYTES)?.ok_or_else(|| RegionError::request(format!("no such file: {}", at.name())))?;
        parse(&bytes).map_err(|e| RegionError::data(format!("{}: as kerchunk references: {e}", at.name())))
    }

    pub(super) fn get(&self, key: &str) -> Option<Reference> {
        let target = |number: &u32| self.targets.get(*number as usize).cloned();
        Some(match self.by_key.get(key)? {
            Stored::Text(bytes) => Reference::Text(bytes.clone()),
            Stored::Whole(number) => Reference::Whole(target(number)?),
            Stored::Range(number, offset, len) => Reference::Range(target(number)?, *offset, *len),
        })
    }

    pub(super) fn targets(&self) -> &[Arc<str>] {
        &self.targets
    }

    pub(super) fn folders(&self, key: &str) -> Vec<String> {
        self.folders.get(key).into_iter().flatten().cloned().collect()
    }

    /// The sum of all references; 0 where one stands for an object of unknown length.
    pub(super) fn stored_bytes(&self) -> u64 {
        let len = |stored: &Stored| match stored {
            Stored::Text(bytes) => Some(bytes.len() as u64),
            Stored::Whole(_) => None,
            Stored::Range(_, _, len) => Some(*len),
        };
        self.by_key.values().try_fold(0u64, |n, stored| Some(n.saturating_add(len(stored)?))).unwrap_or(0)
    }
}

/// Reads references of both versions.
fn parse(bytes: &[u8]) -> Result<JsonReferences, String> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if let Some(version) = &file.version
        && version.as_u64().is_none_or(|v| v > 1)
    {
        return Err(format!("version {version} is not known"));
    }
    let templates = Templates(file.templates);
    let mut collected = file.collected;
    if !templates.0.is_empty() {
        collected.render(&templates)?;
    }
    let mut room = MAX_GENERATED;
    for generator in file.generators {
        let mut add = |key: &str, target, range| collected.add(key, Item::Target(target, range));
        generate(&generator, &templates, &mut room, &mut add)?;
    }
    let mut done = JsonReferences { by_key: collected.by_key, targets: collected.targets, folders: BTreeMap::new() };
    if !done.by_key.keys().any(|key| is_metadata(key)) {
        return Err("it holds no key .zgroup, .zarray or zarr.json: is it something else?".into());
    }
    done.folders = folders(done.by_key.keys().map(AsRef::as_ref));
    Ok(done)
}

fn is_metadata(key: &str) -> bool {
    METADATA.contains(&key.rsplit('/').next().unwrap_or(key))
}

/// The folders in folders, above keys that are metadata.
fn folders<'a>(keys: impl Iterator<Item = &'a str>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in keys.filter(|key| is_metadata(key) && key.matches('/').count() <= MAX_DEPTH) {
        let mut path = key.rsplit_once('/').map_or("", |(path, _)| path);
        while !path.is_empty() {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            if !all.entry(above.to_owned()).or_default().insert(name.to_owned()) {
                break;
            }
            path = above;
        }
    }
    all
}

/// References as they are read, their targets not yet rendered.
#[derive(Default)]
struct Collected {
    by_key: HashMap<Box<str>, Stored>,
    targets: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Collected {
    fn number(&mut self, target: &str) -> Result<u32, String> {
        if let Some(known) = self.numbers.get(target) {
            return Ok(*known);
        }
        let number = u32::try_from(self.targets.len()).map_err(|_| "too many targets")?;
        let target: Arc<str> = target.into();
        self.targets.push(target.clone());
        self.numbers.insert(target, number);
        Ok(number)
    }

    fn add(&mut self, key: &str, item: Item) -> Result<(), String> {
        let stored = match item {
            Item::Text(text) => match text.strip_prefix("base64:") {
                Some(encoded) => Stored::Text(attrs::base64(encoded).ok_or_else(|| format!("{key:?} is no base64"))?.into()),
                None => Stored::Text(text.into()),
            },
            Item::Target(target, None) => Stored::Whole(self.number(&target)?),
            Item::Target(target, Some((offset, len))) => Stored::Range(self.number(&target)?, offset, len),
            Item::Bad(reason) => return Err(format!("{key:?}: {reason}")),
        };
        self.by_key.insert(key.into(), stored);
        Ok(())
    }

    /// Renders the targets, each once; two may become the same.
    fn render(&mut self, templates: &Templates) -> Result<(), String> {
        self.numbers.clear();
        let mut bytes = 0;
        for (number, target) in self.targets.iter_mut().enumerate() {
            if target.contains("{{") {
                *target = templates.render(target, &vec![]).map_err(|e| format!("target {target}: {e}"))?.into();
                bytes += target.len();
            }
            if bytes > MAX_RENDERED_BYTES {
                return Err(format!("its templates make more than {MAX_RENDERED_BYTES} bytes of targets"));
            }
            self.numbers.entry(target.clone()).or_insert(number as u32);
        }
        Ok(())
    }
}

/// One value of the references.
enum Item {
    Text(String),
    Target(String, Option<(u64, u64)>),
    Bad(&'static str),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or [url], or [url, offset, length]")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Item, E> {
        Ok(Item::Text(text))
    }

    /// Metadata may stand as JSON, not as a text that holds JSON.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
        let json = Value::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Item::Text(json.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Item, A::Error> {
        let target = match parts.next_element::<Value>()? {
            Some(Value::String(target)) => Some(target),
            _ => None,
        };
        let offset = parts.next_element::<Value>()?;
        let len = parts.next_element::<Value>()?;
        let mut more = 0;
        while parts.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        Ok(match (target, offset, len) {
            _ if more > 0 => Item::Bad("more than a target, an offset and a length"),
            (None, _, _) => Item::Bad("it names no target"),
            (Some(target), None, _) => Item::Target(target, None),
            (Some(target), Some(offset), Some(len)) => match (offset.as_u64(), len.as_u64()) {
                (Some(offset), Some(len)) => Item::Target(target, Some((offset, len))),
                _ => Item::Bad("its offset or length is no count of bytes"),
            },
            (Some(_), Some(_), None) => Item::Bad("an offset without a length"),
        })
    }
}

/// A reference file: version 1 has its references in `refs`, version 0 is the references.
#[derive(Default)]
struct File {
    version: Option<Value>,
    templates: HashMap<String, String>,
    generators: Vec<Generator>,
    collected: Collected,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<File, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of references")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
        let mut file = File::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => file.version = Some(map.next_value()?),
                "templates" => file.templates = map.next_value()?,
                "gen" => file.generators = map.next_value()?,
                "refs" => file.collected = map.next_value()?,
                _ => file.collected.add(&key, map.next_value()?).map_err(A::Error::custom)?,
            }
        }
        Ok(file)
    }
}

impl<'de> Deserialize<'de> for Collected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Collected, D::Error> {
        deserializer.deserialize_map(CollectedVisitor)
    }
}

struct CollectedVisitor;

impl<'de> Visitor<'de> for CollectedVisitor {
    type Value = Collected;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("references by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Collected, A::Error> {
        let mut all = Collected::default();
        while let Some(key) = map.next_key::<String>()? {
            all.add(&key, map.next_value()?).map_err(A::Error::custom)?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(target: &str, offset: u64, len: u64) -> Option<Reference> {
        Some(Reference::Range(target.into(), offset, len))
    }

    /// The example of the specification.
    #[test]
    fn templates_and_generators_give_the_references_of_the_specification() {
        let all = parse(
            br#"{"version": 1,
                "refs": {".zgroup": {"zarr_format": 2}, "key0": "data", "key1": ["http://target_url", 10000, 100],
                    "key2": ["http://{{u}}", 10000, 100], "key3": ["http://{{f(c='text')}}", 10000, 100], "key4": ["http://target_url"],
                    "key5": "base64:aGk="},
                "templates": {"u": "server.domain/path", "f": "{{c}}"},
                "gen": [{"key": "gen_key{{i}}", "url": "http://{{u}}_{{i}}", "offset": "{{(i + 1) * 1000}}", "length": "1000",
                    "dimensions": {"i": {"stop": 5}}},
                    {"key": "{{v}}/{{i}}", "url": "x", "dimensions": {"v": ["a", "b"], "i": {"start": 4, "stop": -1, "step": -2}}}]}"#,
        )
        .unwrap();
        assert_eq!(all.get(".zgroup"), Some(Reference::Text(Bytes::from_static(br#"{"zarr_format":2}"#))));
        assert_eq!(all.get("key0"), Some(Reference::Text(Bytes::from_static(b"data"))));
        assert_eq!(all.get("key1"), range("http://target_url", 10000, 100));
        assert_eq!(all.get("key2"), range("http://server.domain/path", 10000, 100));
        assert_eq!(all.get("key3"), range("http://text", 10000, 100));
        assert_eq!(all.get("key4"), Some(Reference::Whole("http://target_url".into())));
        assert_eq!(all.get("key5"), Some(Reference::Text(Bytes::from_static(b"hi"))));
        assert_eq!(all.get("gen_key4"), range("http://server.domain/path_4", 5000, 1000));
        assert_eq!(all.get("b/0"), Some(Reference::Whole("x".into())));
        assert_eq!((all.get("b/1"), all.get("gen_key5")), (None, None));
        assert_eq!(all.stored_bytes(), 0);
    }

    #[test]
    fn version_0_is_the_references_themselves() {
        let all = parse(br#"{".zgroup": "{}", "g/t/.zarray": "{}", "t/.zarray": "{}", "t/0.0": ["a.nc", 0, 8], "t/0.1": ["a.nc", 8, 8]}"#)
            .unwrap();
        assert_eq!(all.get("t/0.1"), range("a.nc", 8, 8));
        assert_eq!((all.targets().len(), all.stored_bytes()), (1, 22));
        assert_eq!((all.folders(""), all.folders("g"), all.folders("t")), (vec!["g".into(), "t".into()], vec!["t".into()], vec![]));
    }

    #[test]
    fn a_template_that_makes_much_of_many_targets_is_refused() {
        let refs: Vec<String> = (0..2200).map(|n| format!(r#""t/{n}": ["{{{{u}}}}{n}", 0, 1]"#)).collect();
        let file = format!(
            r#"{{"version": 1, "templates": {{"u": "{}"}}, "refs": {{".zgroup": "{{}}", {}}}}}"#,
            "x".repeat(32 << 10),
            refs.join(",")
        );
        assert!(parse(file.as_bytes()).unwrap_err().contains("bytes of targets"));
    }

    #[test]
    fn what_is_no_reference_is_refused_by_name() {
        for (text, says) in [
            (r#"[]"#, "object"),
            (r#"{"a": 1}"#, "url"),
            (r#"{"type": "FeatureCollection"}"#, "something else"),
            (r#"{".zgroup": "{}", "t/0": ["a", -1, 2]}"#, "t/0"),
            (r#"{".zgroup": "{}", "t/0": ["a", 1]}"#, "without a length"),
            (r#"{".zgroup": "{}", "t/0": [null, 1, 2]}"#, "no target"),
            (r#"{".zgroup": "{}", "t/0": "base64:%%"}"#, "base64"),
            (r#"{"version": 2, "refs": {".zgroup": "{}"}}"#, "version 2"),
            (
                r#"{"version": 1, "refs": {}, "gen": [{"key": "{{i}}", "url": "x", "dimensions": {"i": {"stop": 1000000000000}}}]}"#,
                "1048576",
            ),
            (
                r#"{"version": 1, "refs": {}, "gen": [{"key": "{{i}}", "url": "x", "dimensions": {"i": {"stop": 2000}, "j": {"stop": 2000}}}]}"#,
                "1048576",
            ),
            (r#"{"version": 1, "refs": {}, "gen": [{"key": "k", "url": "x", "offset": "1", "dimensions": {"i": [1]}}]}"#, "not both"),
        ] {
            let told = parse(text.as_bytes()).unwrap_err();
            assert!(told.contains(says), "{text}: {told}");
        }
    }
}
