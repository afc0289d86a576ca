//! `xeng eval`: one expression, no files needed.

use super::args::EvalArgs;
use super::progress::Progress;
use super::style::style;
use super::{inputs, print, setup, stores};
use crate::error::{Error, Result};
use crate::output;
use crate::session::Job;
use std::path::Path;

pub(super) async fn eval(args: EvalArgs) -> Result<()> {
    let base = setup::base(&args.at)?;
    let session = setup::session(&base, &args.at)?;
    let text = setup::expression(&args.expr)?;
    let (outputs, stores) = stores::of_options(&args.output)?;
    let job = Job { stores, ..Job::expression(&text, setup::opens(&base, &args.open)?) };
    for path in &outputs {
        output::check_path(path).map_err(Error::from)?;
    }
    inputs::spare(&job.opens, outputs.iter().cloned())?;
    inputs::spare_text(args.expr.strip_prefix('@').map(Path::new), outputs.iter().cloned())?;
    let entries = job.compute.clone();
    let progress = Progress::new(args.at.progress);
    let run = stores::settled(&session, session.evaluate(&job, &|region, told| progress.set(region, told))).await;
    progress.finish();
    let run = run?;
    for (name, outcome) in &run.outcomes {
        for path in &outputs {
            output::write(outcome, path, &style(&entries, name)).map_err(Error::from)?;
        }
        if outputs.is_empty() && !args.json {
            print(&format!("{}\n", output::repr(outcome).trim_end()))?;
        }
    }
    stores::tell(&run.receipt.stores);
    if args.json { print(&run.receipt.to_json()?) } else { Ok(()) }
}
