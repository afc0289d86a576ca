//! From command-line options to a session.

use super::args::WhereArgs;
use crate::error::{Error, Result};
use crate::open_spec::{OpenSpec, is_region_name, overlay, parse_open};
use crate::planfile::{self, PlanFile, quantity};
use crate::session::{Session, Setup};
use crate::topology::RegionPlace;
use std::path::Path;
use xeng_regions::store::StoreConfig;

/// The shared topology file, where nobody names one.
const TOPOLOGY_FILE: &str = "xeng.toml";

/// The plan that the options alone stand for: the topology file below them.
///
/// # Errors
/// `Request` for an unfit option or file.
pub(super) fn base(at: &WhereArgs) -> Result<PlanFile> {
    let named = at.topology.as_deref();
    let beside = Path::new(TOPOLOGY_FILE);
    match named.or_else(|| beside.is_file().then_some(beside)) {
        Some(file) => planfile::read(file, None, &[]),
        None => Ok(PlanFile::default()),
    }
}

/// A session where the plan and the options say; options win.
///
/// # Errors
/// `Request` for an unfit option, and as [`Session::start`].
pub(super) fn session(plan: &PlanFile, at: &WhereArgs) -> Result<Session> {
    let mut topology = plan.topology.clone();
    for region in &at.regions {
        let (name, endpoint) = region.split_once('=').filter(|(name, _)| is_region_name(name)).ok_or_else(|| {
            Error::request(format!("'{region}' is no region"))
                .hint("write --region NAME=ENDPOINT, such as us-east-1=http://10.0.1.10:7070, or NAME=local")
        })?;
        let place = topology.regions.entry(name.to_owned()).or_default();
        if endpoint == "local" {
            *place = RegionPlace { local: true, ..RegionPlace::default() };
        } else {
            (place.local, place.dns) = (false, None);
            place.endpoints.push(endpoint.to_owned());
        }
    }
    topology.home = at.home.clone().or(topology.home);
    let mut budget = plan.budget;
    budget.memory_bytes = at.memory.as_deref().map(quantity::bytes).transpose()?.or(budget.memory_bytes);
    budget.wan_bytes = at.wan_bytes.as_deref().map(quantity::bytes).transpose()?.or(budget.wan_bytes);
    budget.deadline = at.deadline.as_deref().map(quantity::duration).transpose()?.or(budget.deadline);
    let manifests = super::cache::manifests(&at.cache, None);
    let stores = StoreConfig { cache: super::cache::config(&at.cache)?, manifests, ..StoreConfig::default() };
    Session::start(Setup { topology, budget, threads: at.threads, stores, tell: |what| eprintln!("{what}"), ..Setup::default() })
}

/// The datasets of a plan and of `--open`; the latter win.
///
/// # Errors
/// `Request` for an unfit `--open`.
pub(super) fn opens(plan: &PlanFile, texts: &[String]) -> Result<Vec<OpenSpec>> {
    let known: Vec<OpenSpec> = plan
        .open
        .iter()
        .map(|(name, entry)| {
            let mut dataset = entry.dataset.clone();
            // Paths of data in this process are meant from the folder of the file that names them; those of engines elsewhere are theirs to read.
            let local = entry.region.as_ref().is_none_or(|r| plan.topology.regions.get(r).is_none_or(|place| place.local));
            for uri in std::iter::once(&mut dataset.uri).chain(&mut dataset.more) {
                if local && !uri.contains("://") && Path::new(uri).is_relative() {
                    *uri = entry.folder.join(&*uri).to_string_lossy().into_owned();
                }
            }
            OpenSpec { name: name.clone(), dataset, region: entry.region.clone() }
        })
        .collect();
    overlay(known, texts.iter().map(|text| parse_open(text)).collect::<Result<Vec<_>>>()?)
}

/// The text of an expression: itself, or that of stdin (`-`) or a file (`@FILE`).
///
/// # Errors
/// `Request` when it cannot be read.
pub(super) fn expression(text: &str) -> Result<String> {
    let unreadable = |what: &str, e: std::io::Error| Error::request(format!("{what} cannot be read: {}", crate::error::told(&e)));
    match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|e| unreadable(file, e)),
        None if text == "-" => std::io::read_to_string(std::io::stdin()).map_err(|e| unreadable("stdin", e)),
        None => Ok(text.to_owned()),
    }
}
