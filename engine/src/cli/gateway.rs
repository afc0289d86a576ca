//! What stands behind `xeng serve --gateway`: a session whose home region is this engine's.

use super::{run_plan, setup};
use crate::error::Error;
use crate::explain;
use crate::gateway::{Evaluator, Explained, GatewayService, Job as Wanted, Known, ProgressSink};
use crate::planfile::{self, PlanFile};
use crate::result::Outcome;
use crate::session::{Job, Session, Setup};
use crate::topology::RegionPlace;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use xeng_proto::wire::pb::gateway_server::GatewayServer;
use xeng_proto::{ErrorKind, Progress, Region, RegionError};

/// The gateway over a topology file, `region` being served by `engine` in this process.
///
/// # Errors
/// `Request` for an unfit topology.
pub(super) fn service(topology: Option<&Path>, region: &str, engine: Arc<dyn Region>) -> Result<GatewayServer<GatewayService>, Error> {
    let shared = topology.map(|file| planfile::read(file, None, &[])).transpose()?.unwrap_or_default();
    let mut topology = shared.topology.clone();
    topology.home.get_or_insert_with(|| region.to_owned());
    // Regions in this process are served by this engine alone: another one would not know its roots.
    topology.regions.insert(region.to_owned(), RegionPlace { local: true, ..RegionPlace::default() });
    let session = Session::start(Setup { topology, budget: shared.budget, local: Some(engine), ..Setup::default() })?;
    Ok(GatewayService::server(Arc::new(Behind { session, shared })))
}

struct Behind {
    session: Session,
    shared: PlanFile,
}

impl Behind {
    fn job(&self, wanted: Wanted) -> Result<Job, Error> {
        match wanted {
            Wanted::Expression { text, opens } => {
                let texts: Vec<String> = opens.iter().map(|(name, uri)| format!("{name}={uri}")).collect();
                Ok(Job::expression(&text, setup::opens(&self.shared, &texts)?))
            }
            Wanted::Plan(text) => {
                let mut plan = planfile::parse(&text, "the plan")?;
                for (name, entry) in &self.shared.open {
                    plan.open.entry(name.clone()).or_insert_with(|| entry.clone());
                }
                run_plan::job(&plan)
            }
        }
    }
}

#[async_trait]
impl Evaluator for Behind {
    async fn explain(&self, job: Wanted) -> Result<Explained, RegionError> {
        let planned = self.session.plan(&self.job(job).map_err(told)?).await.map_err(told)?;
        Ok(Explained {
            text: explain::text(&self.session, &planned).map_err(told)?,
            json: explain::json(&self.session, &planned).map_err(told)?,
        })
    }

    async fn evaluate(&self, job: Wanted, progress: ProgressSink) -> Result<(Outcome, String), RegionError> {
        let job = self.job(job).map_err(told)?;
        let regions: Mutex<BTreeMap<String, Progress>> = Mutex::default();
        let watch = |region: &str, one: Progress| {
            let mut all = regions.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(region.to_owned(), one);
            progress.tell(all.values().fold(Progress::default(), |a, p| Progress {
                read_bytes: a.read_bytes + p.read_bytes,
                total_bytes: a.total_bytes + p.total_bytes,
                units_done: a.units_done + p.units_done,
                units_total: a.units_total + p.units_total,
            }));
        };
        let run = self.session.evaluate(&job, &watch).await.map_err(told)?;
        let receipt = run.receipt.to_json().map_err(told)?;
        Ok((together(run.outcomes)?, receipt))
    }

    async fn datasets(&self) -> Result<Vec<Known>, RegionError> {
        let known = |(name, entry): (&String, &planfile::OpenEntry)| Known {
            name: name.clone(),
            uri: entry.dataset.shown(),
            region: entry.region.clone().unwrap_or_default(),
        };
        Ok(self.shared.open.iter().map(known).collect())
    }
}

/// One outcome as it is; several as a dataset whose arrays are called as the plan calls them.
fn together(outcomes: Vec<(String, Outcome)>) -> Result<Outcome, RegionError> {
    let mut outcomes = outcomes;
    if outcomes.len() == 1
        && let Some((_, only)) = outcomes.pop()
    {
        return Ok(only);
    }
    let mut arrays = vec![];
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Array(mut array) => {
                array.name = Some(name);
                arrays.push(array);
            }
            Outcome::Dataset { .. } => return Err(RegionError::request(format!("'{name}' is a Dataset: ask for it alone"))),
        }
    }
    Ok(Outcome::Dataset { arrays, attrs: xeng_proto::Attrs::new() })
}

/// An error as it travels: its kind, and the text that the command line would print.
fn told(e: Error) -> RegionError {
    let kind = match e.kind {
        crate::error::ErrorKind::Request => ErrorKind::Request,
        crate::error::ErrorKind::Data => ErrorKind::Data,
        crate::error::ErrorKind::Unavailable => ErrorKind::Unavailable,
        crate::error::ErrorKind::Budget => ErrorKind::Budget,
        crate::error::ErrorKind::Internal => ErrorKind::Internal,
    };
    RegionError::new(kind, e.to_string())
}

#[cfg(test)]
mod tests;
