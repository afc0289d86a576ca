//! `xeng explain`: what would run where, and its price.

use super::args::{ExplainArgs, ExplainFormat};
use super::{print, run_plan, setup, stores};
use crate::error::Result;
use crate::explain;
use crate::session::Job;

pub(super) async fn explain(args: ExplainArgs) -> Result<()> {
    let (plan, job) = if args.what.ends_with(".toml") {
        let plan = crate::planfile::read(std::path::Path::new(&args.what), args.at.topology.as_deref(), &args.set)?;
        let job = Job { stores: stores::of_plan(&plan), ..run_plan::job(&plan)? };
        (plan, job)
    } else {
        let plan = setup::base(&args.at)?;
        let job = Job::expression(&setup::expression(&args.what)?, setup::opens(&plan, &args.open)?);
        (plan, job)
    };
    let session = setup::session(&plan, &args.at)?;
    let planned = session.plan(&job).await.map_err(|e| plan.locate(e))?;
    print(&match args.format {
        ExplainFormat::Text => explain::text(&session, &planned)?,
        ExplainFormat::Json => explain::json(&session, &planned)?,
        ExplainFormat::Dot => explain::dot(&planned)?,
    })
}
