//! `xeng demo`: the headline job on this machine, with engines of several regions and nothing to install.

use super::args::{DemoArgs, WhereArgs};
use super::progress::Progress;
use super::{print, run_plan, setup};
use crate::demo::{Account, Data, Fleet, PLAN_MARK, Size, cache_folder, plan_text, prepare, regions, text};
use crate::error::{Error, Result};
use crate::output;
use crate::plot::Style;
use crate::result::Outcome;
use crate::session::{Job, Run, Session};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;
use xeng_proto::Values;

const PLAN: &str = "plan.toml";

pub(super) async fn demo(args: DemoArgs) -> Result<()> {
    let folder = args.folder.clone().unwrap_or_default();
    let plan_file = free_to_write(&folder)?;
    let data = data(&args).await?;
    let mut fleet = Fleet::start(regions(&data), args.engines, args.threads).await?;
    output::place::file(&plan_file, |out| Ok(out.write_all(plan_text(&fleet, &data).as_bytes())?)).map_err(Error::from)?;
    eprintln!("plan     {}", plan_file.display());
    let plan = crate::planfile::read(&plan_file, None, &[])?;
    plan.compute.iter().for_each(|(name, expression)| eprintln!("         {name} = {expression}"));
    let session = setup::session(&plan, &WhereArgs { threads: args.threads, ..WhereArgs::default() })?;
    let run = run(&args, &session, &run_plan::job(&plan)?, &mut fleet).await?;
    let style = Style { limits: centred(&run), ..Style::default() };
    let written = run_plan::write(&plan, &run, &style)?;
    if args.json {
        print(&run.receipt.to_json()?)?;
    } else {
        let links = fleet.carried().map(|(spec, carried)| (spec, usize::from(args.engines), carried)).collect();
        let written: Vec<(String, u64)> = written.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)).collect();
        print(&format!("\n{}", text(&Account { receipt: &run.receipt, links, written: &written })))?;
    }
    if args.keep_running {
        eprintln!("The engines run until Ctrl-C; meanwhile: xeng run {}", plan_file.display());
        let _ = tokio::signal::ctrl_c().await;
    }
    Ok(())
}

/// Limits of the colours with zero in the middle, wide enough for all but the greatest hundredth of the cells.
fn centred(run: &Run) -> Option<(f64, f64)> {
    let [(_, Outcome::Array(array))] = &run.outcomes[..] else { return None };
    let Values::Numbers(cells) = &array.values else { return None };
    let mut sizes: Vec<f64> = cells.to_f64_vec().into_iter().map(f64::abs).filter(|v| v.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    let widest = sizes.get(sizes.len() * 99 / 100)?.ceil().max(1.0);
    Some((-widest, widest))
}

/// The plan file in `folder`, which must not be somebody else's; nor may the results replace somebody else's.
fn free_to_write(folder: &Path) -> Result<PathBuf> {
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).map_err(|e| Error::request(format!("{} cannot be made: {e}", folder.display())))?;
    }
    let plan = folder.join(PLAN);
    let is_ours = std::fs::read_to_string(&plan).is_ok_and(|text| text.starts_with(PLAN_MARK));
    let taken = [PLAN, "difference.nc", "difference.png"].into_iter().find(|name| !is_ours && folder.join(name).exists());
    match taken {
        Some(name) => Err(Error::request(format!("{} is there already, and not from a demonstration", folder.join(name).display()))
            .hint("name another folder: xeng demo --folder DIR")),
        None => Ok(plan),
    }
}

/// Makes the data, or finds it.
async fn data(args: &DemoArgs) -> Result<Data> {
    let size = Size::of_gigabytes(args.gigabytes);
    let (total, cache, seed) = (size.bytes(), cache_folder(), args.seed);
    eprintln!(
        "data     {:.2} GB decoded: {} months of hourly fields every {} degrees, and ten years of a model",
        total as f64 / 1e9,
        size.months.len(),
        size.step
    );
    let progress = Arc::new(Progress::new(args.progress));
    let shown = progress.clone();
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = move || {
        prepare(&cache, &size, seed, threads, &|done| {
            shown.set("writing", xeng_proto::Progress { read_bytes: done, total_bytes: total, ..xeng_proto::Progress::default() })
        })
    };
    let data = tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("making the data failed: {e}")))?;
    progress.finish();
    let data = data?;
    let how = if data.cached { "found".to_owned() } else { format!("made in {:.1} s", began.elapsed().as_secs_f64()) };
    eprintln!("         {how} in {}", data.folder.display());
    Ok(data)
}

/// Runs the job, with an accident in the middle if one is wanted.
async fn run(args: &DemoArgs, session: &Session, job: &Job, fleet: &mut Fleet) -> Result<Run> {
    let progress = Progress::new(args.progress);
    let halfway = Notify::new();
    let first = fleet.endpoints().next().map(|(spec, _)| spec.name.clone());
    let watch = |region: &str, told: xeng_proto::Progress| {
        progress.set(region, told);
        if first.as_deref() == Some(region) && 3 * told.units_done > told.units_total {
            halfway.notify_one();
        }
    };
    let accident = async {
        if !args.kill {
            return std::future::pending().await;
        }
        halfway.notified().await;
        eprintln!("killed   an engine (SIGKILL), a third of the way through");
        fleet.kill_one(args.threads).await?;
        eprintln!("         and started it again");
        std::future::pending::<Result<Run>>().await
    };
    let run = tokio::select! {
        run = session.evaluate(job, &watch) => run,
        failed = accident => failed,
    };
    progress.finish();
    run
}
