//! What one TOML text says of a plan: a layer, laid over others key by key.
//!
//! In: TOML texts. Out: a whole plan, or an error at the place of what is wrong. Never reads a file.

use super::{Budget, OpenEntry, Outputs, PlanFile, quantity, toml_error};
use crate::error::{Error, Place, Result};
use crate::expr::Span;
use crate::open_spec::is_region_name;
use crate::suggest;
use crate::topology::{Link, RegionPlace, Topology, ends};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use xeng_proto::DatasetSpec;

/// A value and where it is written.
#[derive(Clone, Debug)]
struct Sited<T> {
    value: T,
    place: Place,
}

impl<T> Sited<T> {
    /// The error, shown where this is written.
    fn wrong(&self, error: Error) -> Error {
        error.at(&self.place.text, self.place.span).in_source(self.place.source_name.clone())
    }
}

/// What one text says, or several laid over each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    home: Option<String>,
    regions: BTreeMap<String, Sited<RegionPlace>>,
    links: BTreeMap<(String, String), Sited<Link>>,
    open: BTreeMap<String, Sited<Open>>,
    compute: Vec<(String, Sited<String>)>,
    output: BTreeMap<String, Sited<Outputs>>,
    budget: Budget,
}

/// A dataset, and the folder of the file that says where it is.
#[derive(Clone, Debug)]
struct Open {
    raw: RawOpen,
    folder: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    home: RawHome,
    regions: BTreeMap<String, Spanned<RegionPlace>>,
    links: BTreeMap<String, Spanned<Link>>,
    open: BTreeMap<String, Spanned<RawOpen>>,
    compute: BTreeMap<String, Spanned<String>>,
    output: BTreeMap<String, Spanned<Outputs>>,
    budget: RawBudget,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHome {
    region: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawOpen {
    uri: Option<Uris>,
    region: Option<String>,
    concat: Option<String>,
    group: Option<String>,
    decode_times: Option<bool>,
    drop: Option<Vec<String>>,
    search: Option<toml::Value>,
}

/// One path or pattern, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "`uri` is a path, or a list of paths")]
enum Uris {
    One(String),
    Many(Vec<String>),
}

impl Uris {
    fn list(self) -> Vec<String> {
        match self {
            Uris::One(uri) => vec![uri],
            Uris::Many(uris) => uris,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBudget {
    memory_bytes: Option<Spanned<toml::Value>>,
    wan_bytes: Option<Spanned<toml::Value>>,
    deadline: Option<Spanned<toml::Value>>,
}

impl Layer {
    /// What a text says; `name` is what errors call it, `folder` what relative paths in it are meant from.
    ///
    /// # Errors
    /// `Request`, with the place, for what is no TOML, unknown keys, and values that are unfit by themselves.
    pub(super) fn parse(text: &str, name: &str, folder: &Path) -> Result<Layer> {
        let shared: Arc<str> = Arc::from(text);
        let raw: Raw = toml::from_str(text).map_err(|e| toml_error(&e, &shared, name))?;
        let source = Source { text: &shared, name };
        Ok(Layer {
            home: raw.home.region,
            regions: source.all(raw.regions),
            links: source.links(raw.links)?,
            open: source
                .all(raw.open)
                .into_iter()
                .map(|(key, s)| (key, Sited { value: Open { raw: s.value, folder: folder.to_path_buf() }, place: s.place }))
                .collect(),
            compute: source.compute(raw.compute),
            output: source.all(raw.output),
            budget: source.budget(raw.budget)?,
        })
    }

    /// Lays another layer over this one: its keys win, one by one.
    pub(super) fn overlay(&mut self, over: Layer) {
        self.home = over.home.or(self.home.take());
        lay(&mut self.regions, over.regions, over_region);
        lay(&mut self.links, over.links, |below, over| Link {
            bandwidth_mbit: over.bandwidth_mbit.or(below.bandwidth_mbit),
            rtt_ms: over.rtt_ms.or(below.rtt_ms),
            usd_per_gb: over.usd_per_gb.or(below.usd_per_gb),
        });
        lay(&mut self.open, over.open, over_open);
        lay(&mut self.output, over.output, |below, over| Outputs {
            netcdf: over.netcdf.or(below.netcdf),
            zarr: over.zarr.or(below.zarr),
            csv: over.csv.or(below.csv),
            parquet: over.parquet.or(below.parquet),
            json: over.json.or(below.json),
            plot: over.plot.or(below.plot),
            title: over.title.or(below.title),
            region: over.region.or(below.region),
        });
        for (name, expr) in over.compute {
            match self.compute.iter_mut().find(|(known, _)| *known == name) {
                Some(entry) => entry.1 = expr,
                None => self.compute.push((name, expr)),
            }
        }
        self.budget.memory_bytes = over.budget.memory_bytes.or(self.budget.memory_bytes);
        self.budget.wan_bytes = over.budget.wan_bytes.or(self.budget.wan_bytes);
        self.budget.deadline = over.budget.deadline.or(self.budget.deadline);
    }

    /// The plan that all layers together stand for; outputs are meant from `folder`.
    ///
    /// # Errors
    /// `Request`, with the place, for a region without exactly one way to its engines, a dataset without `uri`, an output that
    /// names nothing.
    pub(super) fn finish(self, folder: PathBuf) -> Result<PlanFile> {
        for (name, region) in &self.regions {
            check_region(name, &region.value).map_err(|e| region.wrong(e))?;
        }
        for (name, output) in &self.output {
            let known = || self.compute.iter().map(|(known, _)| known.as_str());
            if !known().any(|known| known == name) {
                let error = Error::request(format!("[output.{name}] names nothing in [compute]"));
                return Err(output.wrong(error.hint_if(suggest::did_you_mean_or_list(name, known()))));
            }
            let there = |o: &Outputs| o.region.is_none() || (o.zarr.is_some() && o.paths().next().is_none());
            if !there(&output.value) {
                let error = Error::request(format!("[output.{name}] is written in a region, and so as Zarr alone"));
                return Err(output.wrong(error.hint("give zarr = \"PATH.zarr\" and no other output beside it, or leave out the region")));
            }
        }
        let open = self.open.into_iter().map(|(name, open)| {
            let entry = open_entry(&name, open.value.clone()).map_err(|e| open.wrong(e))?;
            Ok((name, entry))
        });
        Ok(PlanFile {
            folder,
            open: open.collect::<Result<_>>()?,
            topology: Topology { home: self.home, regions: values(self.regions), links: values(self.links) },
            places: self.compute.iter().map(|(name, s)| (name.clone(), s.place.clone())).collect(),
            compute: self.compute.into_iter().map(|(name, s)| (name, s.value)).collect(),
            output: values(self.output),
            budget: self.budget,
        })
    }
}

/// A text that values are read from.
struct Source<'a> {
    text: &'a Arc<str>,
    name: &'a str,
}

impl Source<'_> {
    fn place<T>(&self, value: &Spanned<T>) -> Place {
        let span = value.span();
        Place { source_name: self.name.to_owned(), text: self.text.clone(), span: Span::new(span.start, span.end) }
    }

    fn sited<T>(&self, value: Spanned<T>) -> Sited<T> {
        let place = self.place(&value);
        Sited { value: value.into_inner(), place }
    }

    fn all<T>(&self, entries: BTreeMap<String, Spanned<T>>) -> BTreeMap<String, Sited<T>> {
        entries.into_iter().map(|(name, value)| (name, self.sited(value))).collect()
    }

    fn links(&self, links: BTreeMap<String, Spanned<Link>>) -> Result<BTreeMap<(String, String), Sited<Link>>> {
        let one = |(name, link): (String, Spanned<Link>)| {
            let link = self.sited(link);
            let [a, b] = name.split_whitespace().collect::<Vec<_>>()[..] else {
                return Err(link.wrong(
                    Error::request(format!("link \"{name}\" does not name two regions")).hint("write [links.\"us-east-1 eu-west-2\"]"),
                ));
            };
            check_link(&name, &link.value).map_err(|e| link.wrong(e))?;
            Ok((ends(a, b), link))
        };
        links.into_iter().map(one).collect()
    }

    /// In the order of the text: TOML tables carry none.
    fn compute(&self, entries: BTreeMap<String, Spanned<String>>) -> Vec<(String, Sited<String>)> {
        let mut all: Vec<_> = self.all(entries).into_iter().collect();
        all.sort_by_key(|(_, s)| s.place.span.start);
        all
    }

    fn budget(&self, raw: RawBudget) -> Result<Budget> {
        Ok(Budget {
            memory_bytes: self.quantity(raw.memory_bytes, quantity::bytes)?,
            wan_bytes: self.quantity(raw.wan_bytes, quantity::bytes)?,
            deadline: self.quantity(raw.deadline, quantity::duration)?,
        })
    }

    fn quantity<T>(&self, value: Option<Spanned<toml::Value>>, read: fn(&str) -> Result<T>) -> Result<Option<T>> {
        let Some(value) = value.map(|value| self.sited(value)) else { return Ok(None) };
        let written = match &value.value {
            toml::Value::String(written) => written.clone(),
            other => other.to_string(),
        };
        read(&written).map(Some).map_err(|e| value.wrong(e))
    }
}

/// Lays entries over those of the same name; errors then show the upper ones.
fn lay<K: Ord, T>(below: &mut BTreeMap<K, Sited<T>>, over: BTreeMap<K, Sited<T>>, merge: fn(T, T) -> T) {
    for (key, entry) in over {
        let merged = match below.remove(&key) {
            Some(known) => Sited { value: merge(known.value, entry.value), place: entry.place },
            None => entry,
        };
        below.insert(key, merged);
    }
}

/// The ways to the engines exclude each other: one given above replaces another one below.
fn over_region(below: RegionPlace, over: RegionPlace) -> RegionPlace {
    if over == RegionPlace::default() { below } else { over }
}

fn over_open(below: Open, over: Open) -> Open {
    let folder = if over.raw.uri.is_some() { over.folder } else { below.folder };
    let (b, o) = (below.raw, over.raw);
    let raw = RawOpen {
        // A place named above replaces a search below, and the other way round.
        search: if o.uri.is_some() { o.search } else { o.search.or(b.search) },
        uri: o.uri.or(b.uri),
        region: o.region.or(b.region),
        concat: o.concat.or(b.concat),
        group: o.group.or(b.group),
        decode_times: o.decode_times.or(b.decode_times),
        drop: o.drop.or(b.drop),
    };
    Open { raw, folder }
}

fn check_region(name: &str, place: &RegionPlace) -> Result<()> {
    if !is_region_name(name) {
        return Err(Error::request(format!("'{name}' cannot be the name of a region")).hint("use letters, digits, '.', '_' and '-'"));
    }
    let ways = usize::from(!place.endpoints.is_empty()) + usize::from(place.dns.is_some()) + usize::from(place.local);
    match ways {
        1 => Ok(()),
        0 => Err(Error::request(format!("region '{name}' does not say where its engines are"))
            .hint("give endpoints = [\"http://HOST:7070\"], dns = \"NAME:7070\" or local = true")),
        _ => Err(Error::request(format!("region '{name}' says in several ways where its engines are"))
            .hint("keep one of endpoints, dns and local")),
    }
}

fn check_link(name: &str, link: &Link) -> Result<()> {
    let numbers = [("bandwidth_mbit", link.bandwidth_mbit), ("rtt_ms", link.rtt_ms), ("usd_per_gb", link.usd_per_gb)];
    for (key, value) in numbers {
        let Some(value) = value else { continue };
        if !value.is_finite() || value < 0.0 || (key == "bandwidth_mbit" && value == 0.0) {
            return Err(Error::request(format!("link \"{name}\": {key} = {value} is impossible"))
                .hint("give a finite number that is not negative; a bandwidth is above 0"));
        }
    }
    Ok(())
}

fn open_entry(name: &str, open: Open) -> Result<OpenEntry> {
    let Open { raw, folder } = open;
    if !crate::open_spec::is_identifier(name) {
        return Err(Error::request(format!("'{name}' cannot be the name of a dataset: expressions could not refer to it")));
    }
    if raw.search.is_some() {
        let error = Error::request(format!("dataset '{name}': `search` is not available yet"));
        return Err(error.hint("name the files: uri = \"...\", and the region that they lie in"));
    }
    let hint = "write uri = \"...\": a path, a glob or a Zarr directory";
    let uris = raw.uri.map(Uris::list);
    if uris.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::request(format!("dataset '{name}': `uri` is an empty list: it names no files")).hint(hint));
    }
    let mut uris = uris.unwrap_or_default().into_iter();
    let (uri, more) = (uris.next().unwrap_or_default(), uris.collect::<Vec<_>>());
    if uri.is_empty() || more.iter().any(String::is_empty) {
        return Err(Error::request(format!("dataset '{name}' has no `uri`")).hint(hint));
    }
    let keep_times_encoded = raw.decode_times == Some(false);
    let drop = raw.drop.unwrap_or_default();
    let dataset = DatasetSpec { uri, more, concat: raw.concat, group: raw.group, keep_times_encoded, drop };
    Ok(OpenEntry { dataset, region: raw.region, folder })
}

fn values<K: Ord, T>(entries: BTreeMap<K, Sited<T>>) -> BTreeMap<K, T> {
    entries.into_iter().map(|(key, s)| (key, s.value)).collect()
}
