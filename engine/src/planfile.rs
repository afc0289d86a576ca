//! `plan.toml`: where the data lies, what to compute, where to write it, and what it may cost.
//!
//! In: TOML text. Out: a [`PlanFile`], or an error with its place in the text. Never parses the expressions in it, never
//! looks at the data. Relative paths, of inputs and outputs alike, are meant from the plan file's folder: see [`PlanFile::folder`].

pub mod quantity;

use crate::error::{Error, Result};
use crate::expr::Span;
use crate::suggest;
use crate::topology::{Link, RegionPlace, Topology, ends};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
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
    /// As JSON.
    pub json: Option<PathBuf>,
    /// As a picture.
    pub plot: Option<PathBuf>,
}

impl Outputs {
    /// Every path.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        [&self.netcdf, &self.zarr, &self.csv, &self.json, &self.plot].into_iter().flatten().cloned().collect::<Vec<_>>().into_iter()
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPlan {
    home: RawHome,
    regions: BTreeMap<String, RegionPlace>,
    links: BTreeMap<String, Spanned<Link>>,
    open: BTreeMap<String, Spanned<RawOpen>>,
    compute: BTreeMap<String, Spanned<String>>,
    output: BTreeMap<String, Outputs>,
    budget: RawBudget,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHome {
    region: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawOpen {
    uri: Option<String>,
    region: Option<String>,
    concat: Option<String>,
    group: Option<String>,
    decode_times: Option<bool>,
    drop: Vec<String>,
    search: Option<toml::Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBudget {
    memory_bytes: Option<Spanned<toml::Value>>,
    wan_bytes: Option<Spanned<toml::Value>>,
    deadline: Option<Spanned<toml::Value>>,
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
        None => PlanFile::default(),
    };
    overlay(&mut plan, read_one(path)?);
    for setting in settings {
        overlay(&mut plan, parse_setting(setting)?);
    }
    plan.folder = folder;
    Ok(plan)
}

fn read_one(path: &Path) -> Result<PlanFile> {
    let name = path.display().to_string();
    let unreadable = |e: std::io::Error| Error::request(format!("{name} cannot be read: {e}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_PLAN_BYTES {
        return Err(Error::request(format!("{name} is {size} bytes long; the longest plan allowed is {MAX_PLAN_BYTES}")));
    }
    parse(&std::fs::read_to_string(path).map_err(unreadable)?, &name)
}

/// The plan that a TOML text holds; `name` is what errors call it.
///
/// # Errors
/// `Request`, with the place, as for [`read`].
pub fn parse(text: &str, name: &str) -> Result<PlanFile> {
    let shared: Arc<str> = Arc::from(text);
    let raw: RawPlan = toml::from_str(text).map_err(|e| toml_error(&e, &shared, name))?;
    from_raw(raw, &shared).map_err(|e| e.in_source(name))
}

/// A `key=value` of `--set`: TOML, but for quotes around a text, which may be left out.
fn parse_setting(setting: &str) -> Result<PlanFile> {
    let name = format!("--set {setting}");
    let Some((key, value)) = setting.split_once('=') else {
        return Err(Error::request(format!("'{setting}' is no setting")).hint("write --set key=value, such as budget.deadline=1h"));
    };
    let is_toml = toml::from_str::<toml::Table>(&format!("v = {value}")).is_ok_and(|table| table.len() == 1);
    let value = if is_toml { value.to_string() } else { toml::Value::String(value.into()).to_string() };
    parse(&format!("{key} = {value}"), &name)
}

fn from_raw(raw: RawPlan, text: &Arc<str>) -> Result<PlanFile> {
    let mut plan = PlanFile { output: raw.output, ..PlanFile::default() };
    plan.topology.home = raw.home.region;
    plan.topology.regions = raw.regions;
    for (name, link) in raw.links {
        let span = Span::new(link.span().start, link.span().end);
        let [a, b] = name.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(Error::request(format!("link \"{name}\" does not name two regions")).at(text, span).hint("write [links.\"us-east-1 eu-west-2\"]"));
        };
        plan.topology.links.insert(ends(a, b), link.into_inner());
    }
    for (name, open) in raw.open {
        let span = Span::new(open.span().start, open.span().end);
        let entry = open_entry(&name, open.into_inner()).map_err(|e| e.at(text, span))?;
        plan.open.insert(name, entry);
    }
    let mut compute: Vec<_> = raw.compute.into_iter().collect();
    // TOML tables carry no order: that of the text is meant.
    compute.sort_by_key(|(_, value)| value.span().start);
    plan.compute = compute.into_iter().map(|(name, value)| (name, value.into_inner())).collect();
    plan.budget.memory_bytes = quantity_of(raw.budget.memory_bytes, text, quantity::bytes)?;
    plan.budget.wan_bytes = quantity_of(raw.budget.wan_bytes, text, quantity::bytes)?;
    plan.budget.deadline = quantity_of(raw.budget.deadline, text, quantity::duration)?;
    Ok(plan)
}

fn open_entry(name: &str, raw: RawOpen) -> Result<OpenEntry> {
    if raw.search.is_some() {
        let error = Error::request(format!("dataset '{name}': `search` is not available yet"));
        return Err(error.hint("name the files: uri = \"...\", and the region that they lie in"));
    }
    let uri = raw.uri.unwrap_or_default();
    if uri.is_empty() {
        return Err(Error::request(format!("dataset '{name}' has no `uri`")));
    }
    let keep_times_encoded = raw.decode_times == Some(false);
    let dataset = DatasetSpec { uri, concat: raw.concat, group: raw.group, keep_times_encoded, drop: raw.drop };
    Ok(OpenEntry { dataset, region: raw.region })
}

fn quantity_of<T>(value: Option<Spanned<toml::Value>>, text: &Arc<str>, read: fn(&str) -> Result<T>) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    let span = Span::new(value.span().start, value.span().end);
    let written = match value.get_ref() {
        toml::Value::String(written) => written.clone(),
        other => other.to_string(),
    };
    read(&written).map(Some).map_err(|e| e.at(text, span))
}

fn overlay(plan: &mut PlanFile, over: PlanFile) {
    plan.topology.overlay(over.topology);
    plan.open.extend(over.open);
    for (name, expr) in over.compute {
        match plan.compute.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = expr,
            None => plan.compute.push((name, expr)),
        }
    }
    plan.output.extend(over.output);
    plan.budget.memory_bytes = over.budget.memory_bytes.or(plan.budget.memory_bytes);
    plan.budget.wan_bytes = over.budget.wan_bytes.or(plan.budget.wan_bytes);
    plan.budget.deadline = over.budget.deadline.or(plan.budget.deadline);
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
