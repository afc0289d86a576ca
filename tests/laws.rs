//! What holds for every plan and every run, besides the numbers being right.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, engine, open};
use crate::kit::compare::difference;
use crate::kit::data::{self, Size};
use crate::kit::expr::{Expr, World};
use crate::kit::generate;
use crate::kit::rng::Rng;
use crate::kit::synthetic;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xeng::error::ErrorKind;
use xeng::execute::{Engines, Patience, execute};
use xeng::lazy::{Plan, Value};
use xeng::planfile::Budget;
use xeng::resolve::{Scope, resolve};
use xeng::session::{Job, Session, Setup};
use xeng::stages::cut;
use xeng_proto::wire::fragment_bytes;
use xeng_proto::{Answer, Part, Region};

const FAR: Setting = Setting { placement: Placement::OneRegion, transport: Transport::Grpc, threads: 2, engines: 1 };

fn small_world(folder: &std::path::Path, seed: u64) -> World {
    let rng = &mut Rng::new(seed);
    let a = data::make(rng, folder, "a", Size::Small, None);
    let b = data::make(rng, folder, "b", Size::Small, Some(&a.layout));
    [("a".to_owned(), a), ("b".to_owned(), b)].into()
}

fn large_world(folder: &std::path::Path) -> World {
    [("a".to_owned(), data::make(&mut Rng::new(5), folder, "a", Size::Large, None))].into()
}

fn job(text: &str, world: &World, setting: Setting) -> Job {
    Job::expression(text, world.values().map(|m| open(&m.name, &m.uri, setting.region(&m.name))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn optimising_changes_neither_shape_nor_type_nor_numbers() {
    let session = Session::start(Setup { threads: Some(1), ..Setup::default() }).unwrap();
    let engines: Engines = session.engines().clone();
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let world = small_world(folder.path(), seed);
        let expr = generate::expression(&mut Rng::new(seed + 1000), &world, 5);
        if expr.parts().iter().any(|p| matches!(p, Expr::DropMissing(..) | Expr::Cut(..))) {
            // Their plan depends on data, which only a session reads.
            continue;
        }
        let mut scope = Scope::default();
        for m in world.values() {
            scope.datasets.insert(m.name.clone(), Arc::new(session.open(&open(&m.name, &m.uri, None)).await.unwrap()));
        }
        let mut plan = Plan::default();
        let program = xeng::parse::parse(&expr.text()).unwrap();
        let Value::Array(array) = resolve(&program, &scope, &mut plan).unwrap() else { panic!("{} is no array", expr.text()) };
        let (better, roots) = xeng::optimize::optimize(&plan.graph, &[array.node]).unwrap();
        let (before, after) = (plan.graph.node(array.node).unwrap(), better.node(roots[0]).unwrap());
        assert_eq!((&before.dims, before.dtype), (&after.dims, after.dtype), "seed {seed}: {}", expr.text());
        let plain = cut(plan.graph.clone(), vec![array.node], &plan.sources).unwrap();
        let plain = execute(&plain, &engines, Patience::default(), &|_, _| {}).await.unwrap();
        let run = session.evaluate(&job(&expr.text(), &world, BASE), &|_, _| {}).await.unwrap();
        let want = expr.value(&world);
        assert_eq!(difference(&run.outcomes[0].1, &want), None, "seed {seed}: {}", expr.text());
        let near = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= 2e-5 * w.abs() + want.slack;
        let cells = plain.blocks[0].to_f64_vec();
        assert!(
            cells.len() == want.cells.len() && cells.iter().zip(&want.cells).all(|(g, w)| near(*g, *w)),
            "seed {seed}, not optimised: {}",
            expr.text()
        );
    }
}

const BASE: Setting = Setting { placement: Placement::Home, transport: Transport::InProcess, threads: 1, engines: 1 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_read_from_the_chunks_that_they_lie_in() {
    let corners = "xr.DataArray([0, -1, 0, -1], dims='p')";
    let mut compared = 0;
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let world: World = [("a".to_owned(), data::make(&mut Rng::new(seed), folder.path(), "a", Size::Large, None))].into();
        let Some((name, _)) = world["a"].arrays.iter().find(|(_, v)| v.dims.len() == 3) else { continue };
        let mut chunks = vec![];
        for text in [format!("a.{name}.isel(time={corners}, lat={corners}, lon={corners})"), format!("a.{name}.count()")] {
            let cluster = Cluster::start(BASE).await;
            let run = cluster.session.evaluate(&job(&text, &world, BASE), &|_, _| {}).await.unwrap();
            chunks.push(run.receipt.regions.values().map(|r| r.chunks).sum::<u64>());
        }
        assert!(chunks[0] <= 2, "seed {seed}: two corners are read from {chunks:?} chunks");
        compared += usize::from(chunks[1] > 8);
    }
    assert!(compared > 2, "few of the datasets have many chunks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_labels_depend_on_is_read_once_accounted_for_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let world = large_world(folder.path());
    let (name, _) = world["a"].arrays.iter().find(|(_, v)| v.dims.len() == 3 && v.is_float()).unwrap();
    let cluster = Cluster::start(FAR).await;
    let planned = cluster.session.plan(&job(&format!("a.{name}.dropna('time', how='all').count()"), &world, FAR)).await.unwrap();
    assert!(planned.read["east"].account.chunks > 0, "nothing was read to tell what is kept");
    let run = cluster.session.run(planned.clone(), &|_, _| {}).await.unwrap();
    assert!(run.receipt.regions["east"].units > planned.read["east"].account.units, "the receipt lacks what planning read");
    let large = job(&format!("a.{name}.expand_dims(member=400).values"), &world, FAR);
    let refused = cluster.session.plan(&large).await;
    assert!(refused.is_err_and(|e| e.kind == ErrorKind::Budget), "values of any size can be read while planning");
}

#[tokio::test]
async fn a_plan_does_not_grow_with_the_number_of_chunks() {
    let texts =
        ["a.t.mean('time')", "a.t.groupby('time.month').mean('time')", "a.t.sel(time='1940').std()", "(a.t - a.t.mean('time')).var()"];
    let mut sizes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for chunks_along_time in [10, 1000, 100_000] {
        let session = synthetic::session(&[("a", "east", synthetic::dataset(chunks_along_time, 10, 10))]);
        for text in texts {
            let began = Instant::now();
            let planned = session.plan(&Job::expression(text, vec![open("a", "synthetic", Some("east".to_owned()))])).await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(10), "{text}: planning took {:?}", began.elapsed());
            let bytes: usize = planned.stages.asks.iter().map(|a| fragment_bytes(&a.fragment)).sum();
            sizes.entry(text).or_default().push(bytes);
        }
    }
    for (text, sizes) in sizes {
        assert!(sizes.iter().all(|&s| s < 10_000), "{text}: {sizes:?} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_crosses_the_wan_than_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let world = large_world(folder.path());
    for text in ["a.t.mean('time')", "a.t.groupby('time.month').mean('time')", "a.t.isel(time=slice(0, 20))", "a.t.max()"] {
        let cluster = Cluster::start(Setting { transport: Transport::Wan, ..FAR }).await;
        let run = cluster.session.evaluate(&job(text, &world, FAR), &|_, _| {}).await.unwrap();
        let carried = cluster.proxies[0].carried();
        let link = &run.receipt.links[0];
        let allowed = (link.predicted_bytes as f64 * 1.1) as u64 + 16_000;
        let told = format!(
            "{text}: predicted {}, received {}, sent {}, carried {carried:?}",
            link.predicted_bytes, link.received_bytes, link.sent_bytes
        );
        assert!(link.received_bytes + link.sent_bytes <= allowed, "{told}");
        assert!(carried.from_target_bytes + carried.to_target_bytes <= allowed, "{told}");
        // Each end counts for itself; what is still under way is little.
        assert!(carried.from_target_bytes.abs_diff(link.received_bytes) < 4096, "{told}");
        assert!(link.received_bytes > 0, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_within_its_budget_or_is_refused_with_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let world = large_world(folder.path());
    let with = async |bytes: u64| {
        let setup = Setup { threads: Some(2), budget: Budget { memory_bytes: Some(bytes), ..Budget::default() }, ..Setup::default() };
        Session::start(setup).unwrap().evaluate(&job("a.t.std('time')", &world, BASE), &|_, _| {}).await
    };
    let roomy = with(1 << 30).await.unwrap();
    let need = roomy.receipt.regions["home"].peak_memory_bytes;
    assert!(need > 0 && need < 1 << 30, "{need}");
    let tight = with(need).await.unwrap();
    assert!(tight.receipt.regions["home"].peak_memory_bytes <= need);
    assert_eq!(tight.receipt.result_sha256, roomy.receipt.result_sha256);
    let error = with(10_000).await.expect_err("10 kB cannot hold a chunk");
    assert_eq!(error.kind, ErrorKind::Budget, "{error}");
    assert!(error.message.chars().any(|c| c.is_ascii_digit()), "{error}");
}

/// Rows of a NetCDF-3 file without chunks: read in pieces of rows.
fn write_steps(path: &std::path::Path, value: f32) {
    let mut nc = netcdf_writer::NcFileBuilder::new();
    let dims = [("time", 64), ("cell", 50_000)].map(|(name, n)| nc.add_dimension(name, n).unwrap());
    let id = nc.add_variable::<f32>("t", &dims).unwrap();
    nc.write_variable(id, &(0..64 * 50_000).map(|i| value + (i % 7) as f32).collect::<Vec<_>>()).unwrap();
    let options = netcdf_writer::NcWriteOptions { format: netcdf_writer::NcWriteFormat::Offset64 };
    std::fs::write(path, nc.to_vec(options).unwrap().1).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_again_is_decoded_once_unless_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("steps.nc");
    write_steps(&file, 1.0);
    let session = Session::start(Setup { threads: Some(2), ..Setup::default() }).unwrap();
    let ask = async |text: &str| {
        let run = session.evaluate(&Job::expression(text, vec![open("a", file.to_str().unwrap(), None)]), &|_, _| {}).await.unwrap();
        (run.receipt.result_sha256.clone(), run.receipt.regions["home"])
    };
    let decoded = 64 * 50_000 * 4;
    // One question alone keeps nothing, though its second step reads all of it again.
    let (anomaly, told) = ask("(a.t - a.t.mean('time')).std('time')").await;
    assert_eq!((told.decoded_bytes, told.kept_bytes), (2 * decoded, 0));
    // The second one shows what is wanted again; the third finds it.
    let (sum, told) = ask("a.t.sum()").await;
    assert_eq!((told.decoded_bytes, told.kept_bytes), (decoded, 0));
    assert!(told.peak_memory_bytes >= decoded, "what is kept is counted");
    let (again, told) = ask("a.t.sum()").await;
    assert_eq!((told.decoded_bytes, told.read_bytes, told.kept_bytes), (0, 0, decoded));
    assert_eq!(again, sum);
    let (kept, told) = ask("(a.t - a.t.mean('time')).std('time')").await;
    assert_eq!((told.decoded_bytes, kept), (0, anomaly.clone()));
    write_steps(&file, 2.0);
    let (changed, told) = ask("a.t.sum()").await;
    assert_eq!((told.decoded_bytes, told.kept_bytes), (decoded, 0));
    assert_ne!(changed, sum);
    // Also where another file takes its place that looks the same by length and time.
    let time = std::fs::metadata(&file).unwrap().modified().unwrap();
    let other = folder.path().join("other.nc");
    write_steps(&other, 3.0);
    std::fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
    std::fs::rename(&other, &file).unwrap();
    assert_ne!(ask("a.t.sum()").await.0, changed);
    // With no room to keep anything, the numbers are the same.
    write_steps(&file, 1.0);
    let tight = Budget { memory_bytes: Some(32 << 20), ..Budget::default() };
    let tight = Session::start(Setup { threads: Some(2), budget: tight, ..Setup::default() }).unwrap();
    let text = "(a.t - a.t.mean('time')).std('time')";
    let run = tight.evaluate(&Job::expression(text, vec![open("a", file.to_str().unwrap(), None)]), &|_, _| {}).await.unwrap();
    assert_eq!(run.receipt.result_sha256, anomaly);
}

#[tokio::test]
async fn too_many_bytes_over_the_wan_are_refused_while_planning() {
    let budget = Budget { wan_bytes: Some(1 << 20), ..Budget::default() };
    let session = synthetic::session_with(&[("a", "east", synthetic::dataset(1000, 10, 10))], budget);
    let error =
        session.plan(&Job::expression("a.t * 2", vec![open("a", "synthetic", Some("east".to_owned()))])).await.expect_err("terabytes");
    assert_eq!(error.kind, ErrorKind::Budget, "{error}");
    assert!(error.message.contains("1048576"), "{error}");
}

/// What planning reads is sent too: both together must fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_planning_reads_count_towards_the_wan_budget() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("steps.nc");
    write_steps(&file, 1.0);
    let asked = |text: &str, wan_bytes: Option<u64>| {
        let job = Job::expression(text, vec![open("a", file.to_str().unwrap(), Some("east".to_owned()))]);
        let budget = Budget { wan_bytes, ..Budget::default() };
        async move {
            let mut session = synthetic::session_with(&[("a", "east", synthetic::dataset(1, 1, 1))], budget);
            session.answer_with("east", vec![engine("east", 1)]);
            session.plan(&job).await.map(|planned| session.predicted_wan_bytes(&planned.stages))
        }
    };
    let text = "a.t.where(a.t.max('cell') > 0, drop=True).sum('cell')";
    let own = asked(text, None).await.unwrap();
    assert!(own > 64, "{own}");
    let error = asked(text, Some(own)).await.expect_err("nothing was left for what planning read");
    assert_eq!(error.kind, ErrorKind::Budget, "{error}");
    assert_eq!(asked(text, Some(2 * own)).await.unwrap(), own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_answers_leaves_the_engine_idle() {
    let folder = tempfile::tempdir().unwrap();
    let world = large_world(folder.path());
    for transport in [Transport::InProcess, Transport::Grpc] {
        let cluster = Cluster::start(Setting { transport, ..FAR }).await;
        let planned = cluster.session.plan(&job("a.t * 2", &world, FAR)).await.unwrap();
        let region = cluster.session.engines()["east"][0].clone();
        let mut answers = region.execute(Arc::new(planned.stages.asks[0].fragment.clone()), Part::WHOLE).await.unwrap();
        assert!(matches!(answers.next().await, Some(Ok(Answer::Piece(_) | Answer::Progress(_)))));
        drop(answers);
        idle(&*cluster.engines[0]).await;
    }
}

/// Waits until an engine has nothing to do.
async fn idle(engine: &dyn Region) {
    let began = Instant::now();
    loop {
        let status = engine.status().await.unwrap();
        if status.active == 0 && status.used_bytes == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "still busy: {status:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_requests_at_once_both_finish() {
    let folder = tempfile::tempdir().unwrap();
    let world = large_world(folder.path());
    // Room for one of them at a time, on one thread.
    let alone = Session::start(Setup { threads: Some(1), ..Setup::default() }).unwrap();
    let texts = ["a.t.mean('time')", "(a.t - a.t.mean('time')).std()"];
    let mut want = vec![];
    for text in texts {
        want.push(alone.evaluate(&job(text, &world, BASE), &|_, _| {}).await.unwrap());
    }
    let need = want.iter().map(|r| r.receipt.regions["home"].peak_memory_bytes).max().unwrap();
    let budget = Budget { memory_bytes: Some(need), ..Budget::default() };
    let session = Session::start(Setup { threads: Some(1), budget, ..Setup::default() }).unwrap();
    let jobs: Vec<Job> = texts.iter().map(|t| job(t, &world, BASE)).collect();
    let both = futures::future::join_all(jobs.iter().chain(&jobs).map(|j| session.evaluate(j, &|_, _| {})));
    let got = tokio::time::timeout(Duration::from_secs(60), both).await.expect("they block each other");
    for (got, want) in got.into_iter().zip(want.iter().chain(&want)) {
        assert_eq!(got.unwrap().receipt.result_sha256, want.receipt.result_sha256);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_but_legal_requests_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let world = small_world(folder.path(), 4);
    let cluster = Cluster::start(FAR).await;
    for (text, want) in [
        ("1 + 2", "3"),
        ("np.sqrt(4.0)", "2"),
        ("xr.DataArray([1.0, 2.0], dims='x').sum()", "3"),
        ("a.t.isel(time=slice(0, 0)).sum()", "0"),
        ("a.t.isel(time=slice(0, 0)).count()", "0"),
        ("a.t.isel(time=slice(0, 0)).mean()", "NaN"),
    ] {
        let run = tokio::time::timeout(Duration::from_secs(20), cluster.session.evaluate(&job(text, &world, FAR), &|_, _| {}))
            .await
            .expect("it hangs");
        let xeng::result::Outcome::Array(array) = run.unwrap_or_else(|e| panic!("{text}: {e}")).outcomes.remove(0).1 else {
            panic!("no array")
        };
        let xeng_proto::Values::Numbers(block) = array.values else { panic!("no numbers") };
        assert_eq!(block.to_f64_vec().iter().map(f64::to_string).collect::<Vec<_>>(), [want], "{text}");
    }
    let run = cluster.session.evaluate(&job("a.t.isel(time=slice(0, 0))", &world, FAR), &|_, _| {}).await.unwrap();
    let xeng::result::Outcome::Array(array) = &run.outcomes[0].1 else { panic!("no array") };
    assert_eq!(array.shape[0], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_among_nothing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let world = small_world(folder.path(), 4);
    let session = Session::start(Setup { threads: Some(1), ..Setup::default() }).unwrap();
    for text in
        ["a.t.where(a.t > 1e9).argmin('time')", "a.t.where(a.t > 1e9).argmax('time') + 1", "a.t.isel(time=slice(0, 0)).argmin('time')"]
    {
        let error = session.evaluate(&job(text, &world, BASE), &|_, _| {}).await.map(|r| r.outcomes).expect_err(text);
        assert!(matches!(error.kind, ErrorKind::Data | ErrorKind::Request), "{text}: {error}");
    }
    let _ = engine("spare", 1);
}
