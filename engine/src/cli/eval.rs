//! `xeng eval`: one expression, no files needed.

use super::args::EvalArgs;
use super::progress::Progress;
use super::style::style;
use super::{inputs, print, setup};
use crate::error::{Error, Result};
use crate::output;
use crate::session::Job;

pub(super) async fn eval(args: EvalArgs) -> Result<()> {
    let base = setup::base(&args.at)?;
    let session = setup::session(&base, &args.at)?;
    let text = setup::expression(&args.expr)?;
    let job = Job::expression(&text, setup::opens(&base, &args.open)?);
    for path in &args.output {
        output::check_path(path).map_err(Error::from)?;
    }
    inputs::spare(&job.opens, args.output.iter().cloned())?;
    let entries = job.compute.clone();
    let progress = Progress::new(args.at.progress);
    let run = session.evaluate(&job, &|region, told| progress.set(region, told)).await;
    progress.finish();
    let run = run?;
    let [(name, outcome)] = &run.outcomes[..] else { return Err(Error::internal("one result was wanted")) };
    for path in &args.output {
        output::write(outcome, path, &style(&entries, name)).map_err(Error::from)?;
    }
    if args.output.is_empty() && !args.json {
        print(&format!("{}\n", output::repr(outcome).trim_end()))?;
    }
    if args.json { print(&run.receipt.to_json()?) } else { Ok(()) }
}
