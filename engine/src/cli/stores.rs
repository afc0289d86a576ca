//! Outputs that engines write beside the data: which those are, and what is said of them.
//!
//! In: outputs as named by options or a plan. Out: the stores of a job. Never writes.

use crate::error::{Error, Result};
use crate::output::OutputAt;
use crate::planfile::PlanFile;
use crate::receipt::StoreReceipt;
use crate::session::{Job, Session, StoreAt};
use std::future::Future;
use std::path::{Path, PathBuf};

/// The paths here and the store of `-o` options.
///
/// # Errors
/// `Request` for a store in a region beside other outputs.
pub(super) fn of_options(outputs: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<StoreAt>)> {
    let (mut here, mut stores) = (vec![], vec![]);
    for output in outputs {
        match OutputAt::parse(output)? {
            OutputAt::Here(path) => here.push(path),
            OutputAt::Region { uri, region } => {
                stores.push(StoreAt { entry: Job::RESULT.to_owned(), uri, region: Some(region), array: None });
            }
        }
    }
    if !stores.is_empty() && outputs.len() > 1 {
        return Err(Error::request("a result that is written in its region is written there alone").hint("leave out the other -o"));
    }
    if let [path] = &here[..] {
        stores.extend(overflow(Job::RESULT, path, None));
    }
    Ok((here, stores))
}

/// The stores of a plan's outputs.
pub(super) fn of_plan(plan: &PlanFile) -> Vec<StoreAt> {
    let store = |(name, output): (&String, &crate::planfile::Outputs)| {
        let zarr = output.zarr.as_ref()?;
        let Some(region) = &output.region else {
            let alone = output.paths().count() == 1;
            return alone.then(|| overflow(name, &plan.folder.join(zarr), Some(name))).flatten();
        };
        // As for datasets: a path of an engine elsewhere is that engine's to read.
        let local = plan.topology.home.as_ref() == Some(region) || plan.topology.regions.get(region).is_some_and(|place| place.local);
        let path = zarr.to_string_lossy();
        let is_here = local && !path.contains("://") && zarr.is_relative();
        let uri = if is_here { plan.folder.join(zarr).to_string_lossy().into_owned() } else { path.into_owned() };
        Some(StoreAt { entry: name.clone(), uri, region: Some(region.clone()), array: Some(name.clone()) })
    };
    plan.output.iter().filter_map(store).collect()
}

/// A store here, which the engine of this process writes where home's memory cannot hold the result.
fn overflow(entry: &str, path: &Path, array: Option<&str>) -> Option<StoreAt> {
    let uri = path.to_str().filter(|uri| uri.ends_with(".zarr"))?;
    Some(StoreAt { entry: entry.to_owned(), uri: uri.to_owned(), region: None, array: array.map(str::to_owned) })
}

/// Waits for a run; where it fails or is interrupted, until what it has begun to write is removed.
///
/// # Errors
/// As the run; `Unavailable` when it is interrupted.
pub(super) async fn settled<T>(session: &Session, run: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::select! {
        done = run => done,
        _ = tokio::signal::ctrl_c() => Err(Error::unavailable("interrupted")),
    };
    if done.is_err() {
        session.settle().await;
    }
    done
}

/// Says what was written where.
pub(super) fn tell(stores: &[StoreReceipt]) {
    for s in stores {
        eprintln!("wrote {} in region {} ({} bytes, {} files)", s.uri, s.region, s.bytes, s.files);
    }
}
