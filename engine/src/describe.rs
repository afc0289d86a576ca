//! A dataset's description in words, as `ncdump -h` and xarray's repr show it, and an inventory as JSON.
//!
//! In: what a region tells of a dataset. Out: text. Never reads data.

pub mod gaps;

use crate::error::{Error, Result};
use crate::output::{attr_json, attr_text, values_ends};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use xeng_proto::{Dataset, Kind, Variable};
use xeng_regions::checksum::Inventory;

/// Longer attributes are cut: `--json` has them whole.
const MOST_ATTR_CHARS: usize = 120;

/// Gaps of one coordinate that are told for people: `--json` has them all.
const MOST_GAPS: usize = 20;

/// Dimensions, coordinates with their first and last labels, variables with chunks and attributes; then, from the
/// inventory, variables of other groups and those that cannot be read, with the reason.
pub fn text(dataset: &Dataset, listed: Option<&Inventory>) -> String {
    let mut out = String::new();
    let files = if dataset.files == 1 { String::new() } else { format!(" ({} files)", dataset.files) };
    let _ = writeln!(out, "{}{files}, {} stored", dataset.spec.shown(), bytes(dataset.stored_bytes));
    let mut dims: Vec<(&str, usize)> = vec![];
    for v in dataset.variables.values() {
        for (name, len) in v.dims.iter().zip(v.shape()) {
            if !dims.iter().any(|(known, _)| known == name) {
                dims.push((name, len));
            }
        }
    }
    let dims: Vec<String> = dims.iter().map(|(name, len)| format!("{name}: {len}")).collect();
    let _ = writeln!(out, "dimensions: {}", dims.join(", "));
    for (title, coordinates) in [("coordinates:", true), ("variables:", false)] {
        let mut some = dataset.variables.iter().filter(|(_, v)| v.is_coordinate == coordinates).peekable();
        if some.peek().is_some() {
            let _ = writeln!(out, "{title}");
        }
        for (name, v) in some {
            variable(&mut out, name, v);
        }
    }
    if !dataset.attrs.is_empty() {
        let _ = writeln!(out, "attributes:");
        for (name, value) in &dataset.attrs {
            let _ = writeln!(out, "    {name}: {}", cut(&attr_text(value)));
        }
    }
    if dataset.files > 1 && !dataset.unreadable.is_empty() {
        let _ = writeln!(out, "left out where the files are joined:");
        for (name, reason) in &dataset.unreadable {
            let _ = writeln!(out, "    {name}: {}", cut(reason));
        }
    }
    if let Some(listed) = listed {
        others(&mut out, dataset, listed);
    }
    out
}

/// An attribute on one line.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= MOST_ATTR_CHARS { line } else { line.chars().take(MOST_ATTR_CHARS - 1).chain(['…']).collect() }
}

/// What the files hold besides the dataset: groups, and what cannot be read.
fn others(out: &mut String, dataset: &Dataset, listed: &Inventory) {
    let group = dataset.spec.group.as_deref().unwrap_or_default().trim_matches('/').to_owned();
    let elsewhere = |name: &&String| name.rsplit_once('/').map_or("", |(folder, _)| folder).trim_matches('/') != group;
    let mut groups: Vec<&str> =
        listed.variables.keys().filter(elsewhere).filter_map(|name| name.rsplit_once('/').map(|(folder, _)| folder)).collect();
    groups.dedup();
    if !groups.is_empty() {
        let _ = writeln!(out, "other groups (--group NAME): {}", groups.join(", "));
    }
    if !listed.unreadable.is_empty() {
        let _ = writeln!(out, "unreadable:");
        for (name, reason) in &listed.unreadable {
            let _ = writeln!(out, "    {name}: {}", cut(reason));
        }
    }
}

fn variable(out: &mut String, name: &str, v: &Variable) {
    let kind = match &v.kind {
        Kind::Number(dtype) => dtype.to_string(),
        Kind::Time(encoding) => format!("time ({})", encoding.calendar.name()),
        Kind::Text => "text".to_owned(),
    };
    let stored = if matches!(v.kind, Kind::Number(d) if d == v.stored) { String::new() } else { format!(", stored {}", v.stored) };
    let _ = write!(out, "    {name} ({}) {kind}{stored}", v.dims.join(", "));
    if let Some(values) = &v.values {
        let _ = write!(out, ": {}", values_ends(values));
    } else {
        let chunks: Vec<String> = v.chunks.iter().map(|c| c.longest().to_string()).collect();
        let count = v.chunks.iter().fold(1usize, |n, c| n.saturating_mul(c.count()));
        let _ = write!(out, ", {count} chunks of ({})", chunks.join(", "));
        if !v.filters.is_empty() {
            let _ = write!(out, " through {}", v.filters.join(" + "));
        }
    }
    out.push('\n');
    let gaps = gaps::gaps(name, v);
    for gap in gaps.iter().take(MOST_GAPS) {
        let _ = writeln!(out, "        gap: {}", gap.text());
    }
    if gaps.len() > MOST_GAPS {
        let _ = writeln!(out, "        and {} more gaps", gaps.len() - MOST_GAPS);
    }
    for (key, value) in v.attrs.iter().filter(|(key, _)| ["units", "long_name", "standard_name"].contains(&key.as_str())) {
        let _ = writeln!(out, "        {key}: {}", cut(&attr_text(value)));
    }
}

/// A number of bytes for people.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{n} B")
    } else if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// An inventory as `xeng info --json` prints it, with the gaps of the coordinates of the dataset that its files make together.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub fn inventory_json(inventory: &Inventory, dataset: Option<&Dataset>) -> Result<String> {
    let mut variables = Map::new();
    for (name, e) in &inventory.variables {
        let attrs: Map<String, Value> = e.attrs.iter().map(|(k, v)| (k.clone(), attr_json(v))).collect();
        // Of several files, the shape is that of all together.
        let joined = dataset.filter(|_| inventory.files > 1).and_then(|d| d.variables.get(name));
        let (dims, shape) = joined.map_or_else(|| (e.dims.clone(), e.shape.clone()), |v| (v.dims.clone(), v.shape()));
        let mut entry = json!({ "dims": dims, "shape": shape, "dtype": e.dtype, "chunks": e.chunks, "filters": e.filters, "attrs": attrs });
        if let (Some(sum), Some(object)) = (&e.sha256, entry.as_object_mut()) {
            object.insert("sha256".into(), json!(sum));
        }
        variables.insert(name.clone(), entry);
    }
    let mut whole = json!({ "variables": variables });
    if let (false, Some(object)) = (inventory.unreadable.is_empty(), whole.as_object_mut()) {
        object.insert("unreadable".into(), inventory.unreadable.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<Map<_, _>>().into());
    }
    let gaps = |(name, v): (&String, &Variable)| {
        let found = gaps::gaps(name, v);
        (!found.is_empty()).then(|| (name.clone(), found.iter().map(gaps::Gap::json).collect::<Value>()))
    };
    let gaps: Map<String, Value> = dataset.iter().flat_map(|d| d.variables.iter()).filter_map(gaps).collect();
    if let (false, Some(object)) = (gaps.is_empty(), whole.as_object_mut()) {
        object.insert("gaps".into(), gaps.into());
    }
    serde_json::to_string_pretty(&whole).map(|s| s + "\n").map_err(|e| Error::internal(e.to_string()))
}
