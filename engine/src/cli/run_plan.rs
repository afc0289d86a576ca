//! `xeng run`: a batch job from a plan file.

use super::args::RunArgs;
use super::progress::Progress;
use super::{inputs, print, setup, stores};
use crate::error::{Error, Result};
use crate::output;
use crate::planfile::PlanFile;
use crate::plot::{Middle, Style};
use crate::result::{Array, Outcome};
use crate::session::{Job, Run};
use std::borrow::Cow;
use std::path::PathBuf;

pub(super) async fn run(args: RunArgs) -> Result<()> {
    let plan = crate::planfile::read(&args.plan, args.at.topology.as_deref(), &args.set)?;
    let job = Job { stores: stores::of_plan(&plan), ..job(&plan)? };
    inputs::spare(&job.opens, plan.output.values().flat_map(|o| o.paths()).map(|path| plan.folder.join(path)))?;
    let outputs = || plan.output.values().flat_map(|o| o.paths()).map(|path| plan.folder.join(path));
    inputs::spare_text(Some(&args.plan), outputs())?;
    inputs::spare_text(args.at.topology.as_deref(), outputs())?;
    check_outputs(&plan)?;
    let session = setup::session(&plan, &args.at)?;
    let progress = Progress::new(args.at.progress);
    let run = stores::settled(&session, session.evaluate(&job, &|region, told| progress.set(region, told))).await;
    progress.finish();
    let run = run.map_err(|e| plan.locate(e))?;
    for (path, bytes) in write(&plan, &run, &Style::default())? {
        eprintln!("wrote {} ({bytes} bytes)", path.display());
    }
    stores::tell(&run.receipt.stores);
    if args.json { print(&run.receipt.to_json()?) } else { Ok(()) }
}

/// Writes a plan's outputs; tells where, and how many bytes each took.
///
/// # Errors
/// As [`output::write`].
pub(super) fn write(plan: &PlanFile, run: &Run, style: &Style) -> Result<Vec<(PathBuf, u64)>> {
    let all = run
        .outcomes
        .iter()
        .flat_map(|(name, outcome)| plan.output.get(name).into_iter().flat_map(|o| o.paths()).map(move |path| (name, outcome, path)));
    all.map(|(name, outcome, path)| {
        let path = plan.folder.join(path);
        let middle = if style.middle == Middle::Guessed { super::style::style(&plan.compute, name).middle } else { style.middle };
        let title = plan.output.get(name).and_then(|o| o.title.clone()).or_else(|| style.title.clone());
        let style = Style { middle, title, ..style.clone() };
        let bytes = output::write(&named(outcome, name), &path, &style).map_err(Error::from)?;
        Ok((path, bytes))
    })
    .collect()
}

/// An array without a name of its own is called what the plan calls it.
fn named<'a>(outcome: &'a Outcome, name: &str) -> Cow<'a, Outcome> {
    match outcome {
        Outcome::Array(array) if array.name.is_none() => Cow::Owned(Outcome::Array(Array { name: Some(name.to_owned()), ..array.clone() })),
        other => Cow::Borrowed(other),
    }
}

/// That every output can be written, before anything is computed for it.
fn check_outputs(plan: &PlanFile) -> Result<()> {
    let mut paths = plan.output.values().flat_map(|outputs| outputs.paths());
    paths.try_for_each(|path| output::check_path(&plan.folder.join(path)).map_err(Error::from))
}

/// What a plan's outputs need. Nothing is looked at on the disk: a gateway asks on behalf of strangers.
///
/// # Errors
/// `Request` when an output names nothing that is computed, or there is none.
pub(super) fn job(plan: &PlanFile) -> Result<Job> {
    if plan.output.is_empty() {
        return Err(Error::request("the plan has no [output.NAME]")
            .hint("say what to write, such as [output.difference] netcdf = \"difference.nc\""));
    }
    let names: Vec<&str> = plan.compute.iter().map(|(name, _)| name.as_str()).collect();
    for name in plan.output.keys() {
        if !names.contains(&name.as_str()) {
            return Err(Error::request(format!("[output.{name}] names nothing in [compute]"))
                .hint_if(crate::suggest::did_you_mean_or_list(name, names.iter().copied())));
        }
    }
    Ok(Job {
        opens: setup::opens(plan, &[])?,
        compute: plan.compute.clone(),
        wanted: plan.output.keys().cloned().collect(),
        stores: vec![],
    })
}
