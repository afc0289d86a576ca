//! Results written beside the data: what is read back is what comes home, whole or not at all, and only where an engine may write.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, engine, open};
use crate::kit::compare::{bits, difference};
use crate::kit::data::{self, Made, Size};
use crate::kit::expr::{Expr, World};
use crate::kit::faulty::{Fault, Faulty};
use crate::kit::generate;
use crate::kit::oracle::Op;
use crate::kit::process::{Output, Server, start_in, xeng};
use crate::kit::rng::Rng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use xeng::error::ErrorKind;
use xeng::execute::Patience;
use xeng::planfile::Budget;
use xeng::result::{Array, Outcome};
use xeng::session::{Job, Planned, Session, StoreAt};
use xeng_kernels::{AxisChunks, Block, Tiling, WorkPlan};
use xeng_proto::{DatasetSpec, Region, Values};
use xeng_regions::{EngineConfig, LocalRegion, WriteRoots};

const DEADLINE: Duration = Duration::from_secs(60);
const BASE: Setting = Setting { placement: Placement::Home, transport: Transport::InProcess, threads: 1, engines: 1 };

fn store(uri: &Path, region: &str) -> StoreAt {
    StoreAt { entry: Job::RESULT.to_owned(), uri: uri.to_str().unwrap().to_owned(), region: Some(region.to_owned()), array: None }
}

/// The expression's result under the name `out`, written to a store in a region.
fn job(expr: &Expr, world: &World, setting: Setting, at: Option<StoreAt>) -> Job {
    let opens = world.values().map(|m| open(&m.name, &m.uri, setting.region(&m.name))).collect();
    Job { stores: at.into_iter().collect(), ..Job::expression(&format!("({}).rename('out')", expr.text()), opens) }
}

/// Cuts what is written into chunks of another shape: what they hold must not depend on it.
fn rechunk(planned: &mut Planned, rng: &mut Rng) {
    for ask in &mut planned.stages.asks {
        let chunks_of = |spec: &DatasetSpec, variable: &str| {
            let dataset = planned.datasets.iter().find(|d| d.description.spec == *spec).unwrap();
            dataset.description.variables[variable].chunks.clone()
        };
        let fragment = &mut ask.fragment;
        let grids: Vec<Vec<AxisChunks>> =
            fragment.sources.iter().map(|s| chunks_of(&fragment.datasets[s.dataset as usize].spec, &s.variable)).collect();
        let tiling = Tiling::of(&fragment.graph, &grids.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        for write in &mut fragment.writes {
            let nodes = &fragment.answers[write.task as usize].nodes;
            let shape = fragment.graph.node(nodes[0]).unwrap().shape();
            let chunk: Vec<usize> = shape.iter().map(|&n| rng.between(1, n.max(1))).collect();
            let plan = WorkPlan::on_grid(&fragment.graph, &tiling, nodes, &chunk).unwrap();
            (ask.answers[write.task as usize].1, write.chunk) = (plan, chunk);
        }
    }
}

/// What a store holds, read back through the session's own reader.
async fn read_back(uri: &Path) -> Outcome {
    let cluster = Cluster::start(BASE).await;
    let job = Job::expression("r.out", vec![open("r", uri.to_str().unwrap(), None)]);
    let Outcome::Array(array) = cluster.session.evaluate(&job, &|_, _| {}).await.unwrap().outcomes.remove(0).1 else { panic!("an array") };
    Outcome::Array(Array { name: Some("out".to_owned()), ..array })
}

/// Every bit of a result; coordinates in the order of their names, and one NaN for all: a chunk that is left out holds no other.
/// Texts in stores are for other readers: this one passes over them.
fn plain(outcome: &Outcome) -> Vec<u8> {
    let Outcome::Array(mut array) = outcome.clone() else { panic!("an array") };
    array.coords.retain(|c| !matches!(c.values, Values::Texts(_)));
    array.coords.sort_by(|a, b| a.name.cmp(&b.name));
    let one_nan = |values: &mut Values| {
        if let Values::Numbers(block) = values
            && block.dtype().is_float()
        {
            let cells = block.to_f64_vec().into_iter().map(|v| if v.is_nan() { f64::NAN } else { v }).collect();
            *block = Block::from_vec(block.shape(), cells).unwrap().cast(block.dtype());
        }
    };
    one_nan(&mut array.values);
    array.coords.iter_mut().for_each(|c| one_nan(&mut c.values));
    bits(&Outcome::Array(array))
}

/// Nothing but these is in a folder.
fn assert_holds_only(folder: &Path, names: &[&str]) {
    let mut found: Vec<String> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, names);
}

/// One case: random files, a random expression, a random way to its engines, random chunks.
async fn failure(seed: u64, size: Size) -> Option<String> {
    let rng = &mut Rng::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let a = data::make(rng, folder.path(), "a", size, None);
    let like = if rng.chance(60) { Some(a.layout.clone()) } else { None };
    let b = data::make(rng, folder.path(), "b", Size::Small, like.filter(|_| size == Size::Small).as_ref());
    let world: World = [("a".to_owned(), a), ("b".to_owned(), b)].into();
    let steps = rng.between(1, 4);
    let expr = generate::expression(rng, &world, steps);
    let home = Cluster::start(BASE).await;
    // What xarray refuses is refused however it is asked for.
    let at_home = home.session.evaluate(&job(&expr, &world, BASE, None), &|_, _| {}).await.ok()?.outcomes.remove(0).1;
    let setting = Setting {
        placement: *rng.pick(&[Placement::Home, Placement::OneRegion, Placement::TwoRegions]),
        transport: *rng.pick(&[Transport::InProcess, Transport::Grpc]),
        threads: rng.between(1, 2),
        engines: rng.between(1, 2),
    };
    let cluster = Cluster::start(setting).await;
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let uri = out.join("out.zarr");
    let region = if setting.placement == Placement::Home { "home" } else { "east" };
    let told = |why: String| Some(format!("seed {seed}, {setting:?}: {}\n  {why}", expr.text()));
    let mut planned = match cluster.session.plan(&job(&expr, &world, setting, Some(store(&uri, region)))).await {
        Ok(planned) => planned,
        Err(e) => return told(e.to_string()),
    };
    rechunk(&mut planned, rng);
    let run = tokio::time::timeout(DEADLINE, cluster.session.run(planned, &|_, _| {})).await;
    match run {
        Err(_) => return told("it hangs".to_owned()),
        Ok(Err(e)) => return told(e.to_string()),
        Ok(Ok(run)) => assert!(run.outcomes.is_empty() && run.receipt.stores.len() == 1),
    }
    assert_holds_only(&out, &["out.zarr"]);
    let written = read_back(&uri).await;
    if plain(&written) != plain(&at_home) {
        return told(format!("other bits than at home; from the oracle: {:?}", difference(&written, &expr.value(&world))));
    }
    difference(&at_home, &expr.value(&world)).and_then(told)
}

fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    number("XENG_SEED").map_or(0..number("XENG_CASES").unwrap_or(count), |seed| seed..seed + 1)
}

async fn hold_for(seeds: std::ops::Range<u64>, size: Size) {
    let mut failures = vec![];
    for seed in seeds {
        failures.extend(failure(seed, size).await);
        if failures.len() >= 3 {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_what_comes_home() {
    hold_for(seeds(60), Size::Small).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_several_engines_write_is_what_comes_home() {
    hold_for(seeds(4), Size::Large).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dataset_is_written_with_all_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let made = data::make(&mut Rng::new(41), folder.path(), "a", Size::Small, None);
    let home = Cluster::start(BASE).await;
    let setting = Setting { placement: Placement::OneRegion, transport: Transport::Grpc, threads: 1, engines: 2 };
    let cluster = Cluster::start(setting).await;
    for (number, text) in ["a * 2", "a.mean('time')", "a.groupby('time.month').max('time')"].into_iter().enumerate() {
        let uri = folder.path().join(format!("{number}.zarr"));
        let opens = vec![open("a", &made.uri, setting.region("a"))];
        let job = Job { stores: vec![store(&uri, "east")], ..Job::expression(text, opens) };
        let mut planned = cluster.session.plan(&job).await.unwrap();
        rechunk(&mut planned, &mut Rng::new(number as u64));
        assert!(planned.stages.writes.len() > 1, "{text}");
        cluster.session.run(planned, &|_, _| {}).await.unwrap();
        let at_home = home.session.evaluate(&Job::expression(text, vec![open("a", &made.uri, None)]), &|_, _| {}).await.unwrap();
        let Outcome::Dataset { arrays, .. } = &at_home.outcomes[0].1 else { panic!("a dataset") };
        for array in arrays {
            let one = format!("r.{}", array.name.as_deref().unwrap());
            let job = Job::expression(&one, vec![open("r", uri.to_str().unwrap(), None)]);
            let written = home.session.evaluate(&job, &|_, _| {}).await.unwrap();
            assert_eq!(plain(&written.outcomes[0].1), plain(&Outcome::Array(array.clone())), "{text}: {one}");
        }
    }
}

/// A world of one large dataset, and twice its cells.
fn doubled(folder: &Path) -> (World, Expr) {
    let made = data::make(&mut Rng::new(11), folder, "a", Size::Large, None);
    let variable = Box::new(Expr::Variable { dataset: "a".to_owned(), name: "t".to_owned() });
    ([("a".to_owned(), made)].into(), Expr::Number(Op::Mul, variable, 2.0, false))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_leave_a_whole_store_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (world, expr) = doubled(folder.path());
    let table = [
        (Fault::Ends(1), 1, None),
        (Fault::Breaks(0), 1, None),
        (Fault::Breaks(1), 2, None),
        (Fault::Breaks(1), u32::MAX, Some(ErrorKind::Unavailable)),
        (Fault::DoneEarly(1), 1, Some(ErrorKind::Data)),
        (Fault::Twice, 1, Some(ErrorKind::Data)),
        (Fault::WrongUnits, 1, Some(ErrorKind::Data)),
        (Fault::WrongCells, 1, Some(ErrorKind::Data)),
        (Fault::WrongTask, 1, Some(ErrorKind::Data)),
        (Fault::NotWritten, 1, Some(ErrorKind::Data)),
        (Fault::WrongSize, 1, Some(ErrorKind::Data)),
        (Fault::FallsSilent(1), 1, None),
    ];
    let patience =
        Patience { retry_for: Duration::from_millis(1500), silence: Duration::from_millis(600), deadline: Some(Duration::from_secs(30)) };
    let setting = Setting { placement: Placement::OneRegion, ..BASE };
    for (number, (fault, times, refused)) in table.into_iter().enumerate() {
        let out = folder.path().join(format!("out{number}"));
        std::fs::create_dir(&out).unwrap();
        let uri = out.join("out.zarr");
        let mut cluster = Cluster::start_with(setting, patience, Budget::default()).await;
        cluster.session.answer_with("east", vec![Arc::new(Faulty::new(engine("east", 1), fault, times)) as Arc<dyn Region>]);
        let mut planned = cluster.session.plan(&job(&expr, &world, setting, Some(store(&uri, "east")))).await.unwrap();
        rechunk(&mut planned, &mut Rng::new(5));
        let done = tokio::time::timeout(DEADLINE, cluster.session.run(planned, &|_, _| {})).await.expect("it hangs");
        match (done, refused) {
            (Ok(_), None) => {
                assert_holds_only(&out, &["out.zarr"]);
                assert_eq!(difference(&read_back(&uri).await, &expr.value(&world)), None, "{fault:?}");
            }
            (Err(e), Some(kind)) => {
                assert_eq!(e.kind, kind, "{fault:?}: {e}");
                cluster.session.settle().await;
                assert_holds_only(&out, &[]);
            }
            (Ok(_), Some(_)) => panic!("{fault:?} passed unnoticed"),
            (Err(e), None) => panic!("{fault:?}: {e}"),
        }
    }
}

/// A session over one engine that may write to a folder.
async fn may_write(roots: WriteRoots) -> Session {
    let mut cluster = Cluster::start(Setting { placement: Placement::OneRegion, ..BASE }).await;
    let engine = LocalRegion::start(EngineConfig { write_roots: roots, ..EngineConfig::new("east") }).unwrap();
    cluster.session.answer_with("east", vec![Arc::new(engine)]);
    let Cluster { session, .. } = &mut cluster;
    std::mem::replace(session, Session::start(xeng::session::Setup::default()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_write_only_where_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let made = data::make(&mut Rng::new(21), folder.path(), "a", Size::Small, None);
    let below = |name: &str| folder.path().join(name);
    for name in ["may", "may/deep", "other", "may/full.zarr"] {
        std::fs::create_dir(below(name)).unwrap();
    }
    std::fs::write(below("may/full.zarr/notes.txt"), "mine").unwrap();
    std::os::unix::fs::symlink(below("other"), below("may/link")).unwrap();
    std::os::unix::fs::symlink(below("other"), below("may/link.zarr")).unwrap();
    let open = |uri: &str| vec![open("a", uri, Some("east".to_owned()))];
    let write = async |session: &Session, input: &str, to: PathBuf| {
        let job = Job { stores: vec![store(&to, "east")], ..Job::expression("a.t * 2", open(input)) };
        let done = session.evaluate(&job, &|_, _| {}).await.map(|run| run.receipt);
        session.settle().await;
        done
    };
    let nowhere = may_write(WriteRoots::nowhere()).await;
    let e = write(&nowhere, &made.uri, below("may/out.zarr")).await.unwrap_err();
    assert!(e.kind == ErrorKind::Request && e.message.contains("--write-root"), "{e}");
    let somewhere = may_write(WriteRoots::only(&[below("may")]).unwrap()).await;
    for refused in [
        "other/out.zarr",
        "may/link/out.zarr",
        "may/../other/out.zarr",
        "may/link.zarr",
        "may/full.zarr",
        "may/none/out.zarr",
        "may/out.nc",
    ] {
        let e = write(&somewhere, &made.uri, below(refused)).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Request, "{refused}: {e}");
    }
    let e = write(&somewhere, &made.uri, PathBuf::from("s3://bucket/out.zarr")).await.unwrap_err();
    assert!(e.kind == ErrorKind::Request && e.to_string().contains("disks"), "{e}");
    assert_holds_only(&below("other"), &[]);
    assert_holds_only(&below("may"), &["deep", "full.zarr", "link", "link.zarr"]);
    let first = write(&somewhere, &made.uri, below("may/deep/out.zarr")).await.unwrap();
    let again = write(&somewhere, &made.uri, below("may/deep/out.zarr")).await.unwrap();
    assert_eq!(first.stores[0].sha256, again.stores[0].sha256, "a store is replaced by the same bits");
    assert_eq!(first.result_sha256, again.result_sha256);
    // A store is never replaced by what is made from it.
    let input = below("may/deep/out.zarr");
    for own in ["may/deep/out.zarr", "may/deep/../deep/out.zarr"] {
        let e = write(&may_write(WriteRoots::everywhere()).await, input.to_str().unwrap(), below(own)).await.unwrap_err();
        assert!(e.kind == ErrorKind::Request && e.message.contains("made from"), "{e}");
    }
    assert_holds_only(&below("may/deep"), &["out.zarr"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_elsewhere_travels_only_if_it_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let a = data::make(&mut Rng::new(31), folder.path(), "a", Size::Small, None);
    let b = data::make(&mut Rng::new(32), folder.path(), "b", Size::Large, None);
    let setting = Setting { placement: Placement::TwoRegions, ..BASE };
    let cluster = Cluster::start(setting).await;
    let uri = folder.path().join("out.zarr");
    let plan = async |text: &str, region: &str| {
        let opens = vec![open("a", &a.uri, setting.region("a")), open("b", &b.uri, setting.region("b"))];
        let stores = vec![StoreAt { array: Some("out".to_owned()), ..store(&uri, region) }];
        cluster.session.plan(&Job { stores, ..Job::expression(text, opens) }).await
    };
    let planned = plan("a.t - b.t.mean()", "east").await.unwrap();
    let ask = planned.stages.asks.iter().find(|ask| !ask.fragment.writes.is_empty()).unwrap();
    assert_eq!((ask.round, ask.given.len(), ask.fragment.given.len()), (1, 1, 0), "the other region's mean is handed in");
    assert_eq!(planned.stages.regions[ask.region], "east");
    assert!(plan("b.t.mean('time')", "east").await.unwrap().stages.writes.is_empty(), "what is small travels");
    let large = "b.t * xr.DataArray(np.arange(40.0), dims='e')";
    let e = plan(large, "east").await.unwrap_err();
    assert!(e.kind == ErrorKind::Request && e.to_string().contains("'west'"), "{e}");
    assert_eq!(plan(large, "west").await.unwrap().stages.writes.len(), 1);
    let e = plan("a.t * 2", "eest").await.unwrap_err();
    assert!(e.kind == ErrorKind::Request && e.to_string().contains("east"), "{e}");
}

fn large(folder: &Path) -> Made {
    data::make(&mut Rng::new(21), folder, "a", Size::Large, None)
}

/// A hundred MB in many chunks: time enough to be killed in.
const MANY: &str = "(a.t * xr.DataArray(np.arange(12.0), dims='e')).rename('out')";

#[test]
fn a_result_larger_than_memory_is_written_as_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let made = large(folder.path());
    let open = format!("a={}", made.uri);
    let large = "(a.t * xr.DataArray(np.arange(48.0), dims='e')).rename('out')";
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    xeng(&["eval", large, "--open", &open, "-o", &at("out.nc"), "--memory", "160MiB"]).failed(5);
    let told = xeng(&["eval", large, "--open", &open, "-o", &at("out.zarr"), "--memory", "160MiB", "--json"]).succeeded();
    let receipt: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let stored = &receipt["stores"][0];
    assert!(stored["files"].as_u64().unwrap() > 10 && stored["bytes"].as_u64().unwrap() > 1 << 20, "{receipt}");
    assert!(receipt["regions"]["home"]["peak_memory_bytes"].as_u64().unwrap() <= 160 << 20, "{receipt}");
    assert_holds_only(folder.path(), &["a", "out.zarr"]);
    let largest = made.arrays["t"].cells.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = xeng(&["eval", "r.out.isel(e=47).max()", "--open", &format!("r={}", at("out.zarr")), "-o", &at("top.json")]);
    top.succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(at("top.json")).unwrap()).unwrap();
    assert_eq!(value["data"].as_f64(), Some(47.0 * largest));
}

#[test]
fn an_engine_killed_while_it_writes_costs_only_time() {
    let folder = tempfile::tempdir().unwrap();
    let made = large(folder.path());
    let write_root = ["--write-root", folder.path().to_str().unwrap()];
    let (mut first, second) =
        (Server::start_with("east", "127.0.0.1:0", &write_root), Server::start_with("east", "127.0.0.1:0", &write_root));
    let regions = [format!("east={}", first.endpoint), format!("east={}", second.endpoint)];
    let open = format!("a={}@east", made.uri);
    let run = |out: &str| {
        let out = format!("{}@east", folder.path().join(out).display());
        start_in(&["eval", MANY, "--open", &open, "--region", &regions[0], "--region", &regions[1], "-o", &out, "--json"], &[])
    };
    let digest = |out: Output| {
        let receipt: serde_json::Value = serde_json::from_str(&out.succeeded().stdout).unwrap();
        receipt["stores"][0]["sha256"].as_str().unwrap().to_owned()
    };
    let want = digest(Output::of(run("want.zarr").wait_with_output().unwrap()));
    for pause_ms in [30, 120, 180, 250, 400] {
        let killed = run("killed.zarr");
        std::thread::sleep(Duration::from_millis(pause_ms));
        first = first.killed_and_started_again();
        assert_eq!(digest(Output::of(killed.wait_with_output().unwrap())), want, "after {pause_ms} ms");
    }
    // A plan that writes in a region.
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "[regions.east]\nendpoints = [\"{}\", \"{}\"]\n[open.a]\nuri = \"{}\"\nregion = \"east\"\n[compute]\nout = \"a.t * 1\"\n[output.out]\nzarr = \"{}\"\nregion = \"east\"\n",
        first.endpoint,
        second.endpoint,
        made.uri,
        folder.path().join("plan.zarr").display()
    );
    std::fs::write(&plan, text).unwrap();
    let told = xeng(&["explain", plan.to_str().unwrap()]).succeeded().stdout;
    assert!(told.contains("writes    t of "), "{told}");
    let told = xeng(&["run", plan.to_str().unwrap()]).succeeded().stderr;
    assert!(told.contains("plan.zarr in region east"), "{told}");
    assert_holds_only(folder.path(), &["a", "killed.zarr", "plan.toml", "plan.zarr", "want.zarr"]);
}
