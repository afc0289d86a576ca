//! `plan.toml`: where the data lies, what to compute, where to write it, and what it may cost.
//!
//! In: TOML text. Out: a [`PlanFile`], or an error with its place in the text. Never parses the expressions in it, never
//! looks at the data. Relative paths, of inputs and outputs alike, are meant from the plan file's folder: see [`PlanFile::folder`].

mod layer;
pub mod quantity;

use crate::error::{Error, Place, Result};
use crate::expr::Span;
use crate::suggest;
use crate::topology::Topology;
use layer::Layer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use xeng_proto::DatasetSpec;

/// The largest plan file, in bytes.
const MAX_PLAN_BYTES: u64 = 4 << 20;

/// A plan as written, with the shared entries of `xeng.toml` below its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanFile {
    /// The folder that relative paths are meant from.
    pub folder: PathBuf,
    /// Regions and links.
    pub topology: Topology,
    /// Datasets by name.
    pub open: BTreeMap<String, OpenEntry>,
    /// Named expressions in the order written; each may refer to those before it.
    pub compute: Vec<(String, String)>,
    /// Where those expressions stand in the files.
    places: BTreeMap<String, Place>,
    /// What is written, by the name of the computed entry.
    pub output: BTreeMap<String, Outputs>,
    /// What it may cost.
    pub budget: Budget,
}

/// A dataset of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenEntry {
    /// What is opened, and how.
    pub dataset: DatasetSpec,
    /// The region that it lies in; home's own if `None`.
    pub region: Option<String>,
    /// The folder of the file that names it: a relative path is meant from there.
    pub folder: PathBuf,
}

/// Where a result is written. Each is a path relative to the plan's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outputs {
    /// As netCDF.
    pub netcdf: Option<PathBuf>,
    /// As a Zarr directory.
    pub zarr: Option<PathBuf>,
    /// As comma-separated values.
    pub csv: Option<PathBuf>,
    /// As a Parquet file.
    pub parquet: Option<PathBuf>,
    /// As JSON.
    pub json: Option<PathBuf>,
    /// As a picture.
    pub plot: Option<PathBuf>,
    /// The title of the picture.
    pub title: Option<String>,
    /// The region that writes the Zarr directory, beside its data; its path is then as that region sees it, and there is no other output.
    pub region: Option<String>,
}

impl Outputs {
    /// Every path here.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let zarr = if self.region.is_none() { &self.zarr } else { &None };
        let all = [&self.netcdf, zarr, &self.csv, &self.parquet, &self.json, &self.plot];
        all.into_iter().flatten().cloned().collect::<Vec<_>>().into_iter()
    }
}

/// What a run may cost; refused at planning time when exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Memory per engine, in bytes.
    pub memory_bytes: Option<u64>,
    /// Bytes over the WAN.
    pub wan_bytes: Option<u64>,
    /// The longest run.
    pub deadline: Option<Duration>,
}

/// Reads a plan file, the `xeng.toml` beside it (or `topology`) below it, and `key=value` settings above it.
///
/// # Errors
/// `Request`, with the place, for a file that cannot be read, is no TOML, or has unknown keys or unfit values.
pub fn read(path: &Path, topology: Option<&Path>, settings: &[String]) -> Result<PlanFile> {
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let beside = folder.join("xeng.toml");
    let shared = topology.map(Path::to_path_buf).or_else(|| (beside.is_file() && beside != path).then_some(beside));
    let mut plan = match shared {
        Some(shared) => read_one(&shared)?,
        None => Layer::default(),
    };
    plan.overlay(read_one(path)?);
    for setting in settings {
        plan.overlay(parse_setting(setting, &folder)?);
    }
    plan.finish(folder)
}

fn read_one(path: &Path) -> Result<Layer> {
    let name = path.display().to_string();
    let unreadable = |e: std::io::Error| Error::request(format!("{name} cannot be read: {}", crate::error::told(&e)));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_PLAN_BYTES {
        return Err(Error::request(format!("{name} is {size} bytes long; the longest plan allowed is {MAX_PLAN_BYTES}")));
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Layer::parse(&std::fs::read_to_string(path).map_err(unreadable)?, &name, &folder)
}

/// The plan that a TOML text holds; `name` is what errors call it.
///
/// # Errors
/// `Request`, with the place, as for [`read`].
pub fn parse(text: &str, name: &str) -> Result<PlanFile> {
    Layer::parse(text, name, Path::new(""))?.finish(PathBuf::new())
}

impl PlanFile {
    /// The same error, shown in the file that its expression stands in, where that is an entry of this plan.
    #[must_use]
    pub fn locate(&self, mut error: Error) -> Error {
        let Some(place) = &mut error.place else { return error };
        let is_it = |(_, text): &&(String, String)| **text == *place.text;
        let in_entry = |name: &str| place.source_name.is_empty() || place.source_name == format!("[compute] {name}");
        let found = self.compute.iter().filter(is_it).find(|(name, _)| in_entry(name));
        if let Some((name, text)) = found
            && let Some(written) = self.places.get(name)
        {
            **place = within(written, name, text, place.span);
        }
        error
    }
}

/// The place in a file of a span of an expression that is written in it.
fn within(written: &Place, name: &str, expression: &str, span: Span) -> Place {
    let source_name = format!("{}, [compute] {name}", written.source_name);
    let quoted = written.text.get(written.span.start..written.span.end).unwrap_or_default();
    match quoted.find(expression) {
        Some(at) => {
            let start = written.span.start + at;
            Place { source_name, text: written.text.clone(), span: Span::new(start + span.start, start + span.end) }
        }
        // Escapes in the string: its own text is shown.
        None => Place { source_name, text: Arc::from(expression), span },
    }
}

/// A `key=value` of `--set`: TOML, but for quotes around a text, which may be left out.
fn parse_setting(setting: &str, folder: &Path) -> Result<Layer> {
    let name = format!("--set {setting}");
    let Some((key, value)) = setting.split_once('=') else {
        return Err(Error::request(format!("'{setting}' is no setting")).hint("write --set key=value, such as budget.deadline=1h"));
    };
    let is_toml = toml::from_str::<toml::Table>(&format!("v = {value}")).is_ok_and(|table| table.len() == 1);
    let value = if is_toml { value.to_string() } else { toml::Value::String(value.into()).to_string() };
    Layer::parse(&format!("{key} = {value}"), &name, folder)
}

/// What toml says about a text, with the nearest known key for an unknown one.
pub(crate) fn toml_error(e: &toml::de::Error, text: &Arc<str>, name: &str) -> Error {
    let span = e.span().map_or(Span::default(), |range| Span::new(range.start, range.end));
    let message = e.message().lines().next().unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let error = match quoted.next() {
        Some(unknown) if message.starts_with("unknown field") => {
            Error::request(format!("there is no key '{unknown}' here")).hint_if(suggest::did_you_mean_or_list(unknown, quoted))
        }
        _ => Error::request(message),
    };
    error.at(text, span).in_source(name)
}

#[cfg(test)]
mod tests;
