//! Bytes from S3 and from behind HTTP: the same bits as from disk, whatever the network does, or a clear error.

use crate::kit::data::{self, Format, Layout, Size, Stored};
use crate::kit::process::{Output, start_in, start_on_full_disk, xeng_in};
use crate::kit::references;
use crate::kit::rng::Rng;
use crate::kit::web::{Manner, Web, s3_environment, serve_s3};
use crate::kit::write;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const FORMATS: [(&str, Format); 6] = [
    ("classic", Format::Nc3),
    ("plain4", Format::Nc4 { deflate: false }),
    ("packed4", Format::Nc4 { deflate: true }),
    ("zarr2", Format::Zarr2),
    ("zarr3", Format::Zarr3),
    ("zarr3sharded", Format::Zarr3Sharded),
];

/// One dataset whose numbers mean the same in every format, in one file.
fn layout(folder: &Path) -> Layout {
    let any = |seed| data::make(&mut Rng::new(seed), &folder.join(format!("seed{seed}")), "a", Size::Small, None).layout;
    (1..).map(any).find(|l| l.files.len() == 1 && l.variables[0].stored == Stored::F32).unwrap()
}

/// Writes it in every format below `root/bucket`, and references to one of them; name and path from there.
fn everywhere(layout: &Layout, root: &Path) -> Vec<(&'static str, String)> {
    let write = |(name, format): (&'static str, Format)| {
        let folder = root.join("bucket").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let uri = write::write(&Layout { format, ..layout.clone() }, &folder);
        (name, uri.strip_prefix(root.join("bucket").to_str().unwrap()).unwrap().trim_start_matches('/').to_owned())
    };
    let mut all: Vec<_> = FORMATS.into_iter().map(write).collect();
    let (bucket, packed) = (root.join("bucket"), all.iter().find(|(name, _)| *name == "packed4").unwrap().1.clone());
    let referred = references::of_netcdf4(&bucket.join(&packed));
    std::fs::create_dir_all(bucket.join("refs/chunks.parq")).unwrap();
    std::fs::write(bucket.join("refs/chunks.json"), references::json(&referred, &format!("../{packed}")).to_string()).unwrap();
    references::parquet(&referred, &format!("../{packed}"), &bucket.join("refs/chunks.parq"));
    all.extend([("kerchunk", "refs/chunks.json".to_owned()), ("parquet", "refs/chunks.parq".to_owned())]);
    all
}

const EXPRESSION: &str = "(a.t - a.t.mean('time')).std('time')";

fn evaluate(uri: &str, environment: &[(String, String)]) -> Output {
    xeng_in(&["eval", EXPRESSION, "--open", &format!("a={uri}")], environment)
}

/// The result's cells as text: the same bits give the same text.
fn cells(uri: &str, environment: &[(String, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.json");
    let args = ["eval", EXPRESSION, "--open", &format!("a={uri}"), "-o", file.to_str().unwrap()];
    xeng_in(&args, environment).succeeded();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    value["data"].to_string()
}

#[test]
fn every_format_gives_the_same_bits_from_disk_from_s3_and_over_http() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout(&root.path().join("seeds"));
    let stored = everywhere(&layout, root.path());
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), |_| Manner::Proper));
    let expected = cells(root.path().join("bucket").join(&stored[0].1).to_str().unwrap(), &[]);
    assert!(expected.len() > 20, "{expected}");
    for (name, path) in &stored {
        let local = root.path().join("bucket").join(path);
        assert_eq!(cells(local.to_str().unwrap(), &[]), expected, "{name} from disk");
        assert_eq!(cells(&format!("s3://bucket/{path}"), &s3), expected, "{name} from S3");
        // Nobody can list what lies behind HTTP: a Zarr store there needs consolidated metadata, which these have not.
        if name.starts_with("zarr") {
            let told = evaluate(&web.url(path), &[]).failed(2).stderr;
            assert!(told.contains("consolidated"), "{told}");
        } else {
            assert_eq!(cells(&web.url(path), &[]), expected, "{name} over HTTP");
        }
    }
}

/// What references lead to is read where it lies, not where they lie.
#[test]
fn references_reach_from_the_disk_into_buckets_and_behind_http() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout(&root.path().join("seeds"));
    let stored = everywhere(&layout, root.path());
    let packed = &stored.iter().find(|(name, _)| *name == "packed4").unwrap().1;
    let file = root.path().join("bucket").join(packed);
    let (referred, expected) = (references::of_netcdf4(&file), cells(file.to_str().unwrap(), &[]));
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), |_| Manner::Proper));
    let near = root.path().join("near.json");
    let refs = near.to_str().unwrap();
    let targets =
        [file.to_str().unwrap().to_owned(), format!("file://{}", file.display()), format!("s3://bucket/{packed}"), web.url(packed)];
    for target in targets {
        std::fs::write(&near, references::json(&referred, &target).to_string()).unwrap();
        assert_eq!(cells(refs, &s3), expected, "{target}");
        let folder = root.path().join("near.parq");
        references::parquet(&referred, &target, &folder);
        assert_eq!(cells(folder.to_str().unwrap(), &s3), expected, "{target}");
    }
    // Many chunks that lie side by side come with few requests.
    let asked = web.requests.load(Relaxed);
    std::fs::write(&near, references::json(&referred, &web.url(packed)).to_string()).unwrap();
    assert_eq!(cells(refs, &[]), expected);
    let chunks: usize =
        layout.variables.iter().map(|v| layout.shape(&v.dims).iter().zip(&v.chunk).map(|(n, c)| n.div_ceil(*c)).product::<usize>()).sum();
    assert!(
        chunks > 8 && web.requests.load(Relaxed) - asked < chunks as u64,
        "{chunks} chunks, {} requests",
        web.requests.load(Relaxed) - asked
    );
    for (target, says) in [
        ("gs://bucket/x.nc", "gs://"),
        ("simplecache::s3://bucket/x.nc", "chained"),
        ("none.nc", "there is no file"),
        ("s3://bucket/none.nc", "there is no file"),
    ] {
        std::fs::write(&near, references::json(&referred, target).to_string()).unwrap();
        let told = evaluate(refs, &s3).failed(3).stderr;
        assert!(told.contains(says) && told.contains("near.json") && told.contains(target), "{told}");
    }
    let told = xeng_in(
        &[
            "info",
            stored.iter().find(|(name, _)| *name == "kerchunk").map(|(_, p)| root.path().join("bucket").join(p)).unwrap().to_str().unwrap(),
        ],
        &[],
    );
    let told = told.succeeded().stdout;
    assert!(told.contains("shuffle + zlib") && told.contains("time"), "{told}");
}

#[test]
fn what_references_lead_to_is_tried_again_and_never_mixed() {
    let root = tempfile::tempdir().unwrap();
    let stored = everywhere(&layout(&root.path().join("seeds")), root.path());
    let packed = &stored.iter().find(|(name, _)| *name == "packed4").unwrap().1;
    let file = root.path().join("bucket").join(packed);
    let (referred, expected) = (references::of_netcdf4(&file), cells(file.to_str().unwrap(), &[]));
    let near = root.path().join("near.json");
    let runtime = Runtime::new().unwrap();
    let badly = |number: u64| [Manner::Status(503), Manner::Cut, Manner::Proper, Manner::Status(429), Manner::Proper][number as usize % 5];
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), badly));
    std::fs::write(&near, references::json(&referred, &web.url(packed)).to_string()).unwrap();
    assert_eq!(cells(near.to_str().unwrap(), &[]), expected);
    assert!(web.requests.load(Relaxed) >= 5, "the server was hardly asked");
    for (manner, says) in [(Manner::Changed, "changed"), (Manner::Whole, ""), (Manner::Short, ""), (Manner::Status(403), "refuses")] {
        let late = move |number| if number < 1 { Manner::Proper } else { manner };
        let web = runtime.block_on(Web::serve(&root.path().join("bucket"), late));
        std::fs::write(&near, references::json(&referred, &web.url(packed)).to_string()).unwrap();
        let told = evaluate(near.to_str().unwrap(), &[]).failed(3).stderr;
        assert!(told.contains(says) && told.contains("near.json"), "{manner:?}: {told}");
    }
}

#[test]
fn patterns_find_objects_in_buckets() {
    let root = tempfile::tempdir().unwrap();
    let mut seeds = (1..).map(|seed| data::make(&mut Rng::new(seed), &root.path().join(format!("bucket/{seed}")), "a", Size::Small, None));
    let made = seeds.find(|m| m.layout.files.len() > 1).unwrap();
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let path = made.uri.strip_prefix(root.path().to_str().unwrap()).unwrap().to_owned();
    assert_eq!(cells(&format!("s3:/{path}"), &s3), cells(&made.uri, &[]));
    let none = evaluate("s3://bucket/none/*.nc", &s3).failed(2).stderr;
    assert!(none.contains("no file matches"), "{none}");
    let wrong: Vec<_> = s3.into_iter().map(|(k, v)| if k.contains("SECRET") { (k, "wrong".to_owned()) } else { (k, v) }).collect();
    let refused = evaluate(&format!("s3:/{path}"), &wrong).failed(3).stderr;
    assert!(refused.contains("refuses"), "{refused}");
}

#[test]
fn overload_and_cut_connections_are_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let stored = everywhere(&layout(&root.path().join("seeds")), root.path());
    let path = &stored.iter().find(|(name, _)| *name == "packed4").unwrap().1;
    let expected = cells(root.path().join("bucket").join(path).to_str().unwrap(), &[]);
    let runtime = Runtime::new().unwrap();
    let badly = |number: u64| match number % 5 {
        0 => Manner::Status(503),
        1 => Manner::Cut,
        2 => Manner::Status(429),
        _ => Manner::Proper,
    };
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), badly));
    assert_eq!(cells(&web.url(path), &[]), expected);
    assert!(web.requests.load(Relaxed) >= 5, "the server was hardly asked");
}

#[test]
fn a_server_that_cannot_be_trusted_gives_an_error() {
    let root = tempfile::tempdir().unwrap();
    let stored = everywhere(&layout(&root.path().join("seeds")), root.path());
    let path = &stored.iter().find(|(name, _)| *name == "packed4").unwrap().1;
    let runtime = Runtime::new().unwrap();
    for (manner, says) in [(Manner::Changed, "changed"), (Manner::Whole, ""), (Manner::Short, ""), (Manner::Status(403), "refuses")] {
        // The header is read properly, so that the fault meets the chunks.
        let web = runtime.block_on(Web::serve(&root.path().join("bucket"), move |number| if number < 2 { Manner::Proper } else { manner }));
        let told = evaluate(&web.url(path), &[]).failed(3).stderr;
        assert!(told.contains(says), "{manner:?}: {told}");
    }
    let none = evaluate(&format!("http://127.0.0.1:1/{path}"), &[]);
    assert!(none.failed(3).stderr.contains("127.0.0.1:1"));
    assert!(evaluate("gopher://x/y.nc", &[]).failed(2).stderr.contains("gopher"));
}

#[test]
fn what_the_cache_holds_is_not_fetched_again() {
    let root = tempfile::tempdir().unwrap();
    let stored = everywhere(&layout(&root.path().join("seeds")), root.path());
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), |_| Manner::Proper));
    let cache = root.path().join("cache");
    let run = |uri: &str, environment: &[(String, String)]| {
        let args =
            ["eval", EXPRESSION, "--open", &format!("a={uri}"), "--cache", cache.to_str().unwrap(), "--cache-size", "64MiB", "--json"];
        let receipt: serde_json::Value = serde_json::from_str(&xeng_in(&args, environment).succeeded().stdout).unwrap();
        let region = receipt["regions"].as_object().unwrap().values().next().unwrap().clone();
        (
            receipt["result_sha256"].to_string(),
            region["cache_fetched_bytes"].as_u64().unwrap(),
            region["cache_saved_bytes"].as_u64().unwrap(),
        )
    };
    let (expected, ..) = run(root.path().join("bucket").join(&stored[0].1).to_str().unwrap(), &[]);
    for (name, path) in &stored {
        let uri = format!("s3://bucket/{path}");
        let (first, second) = (run(&uri, &s3), run(&uri, &s3));
        assert_eq!((&first.0, &second.0), (&expected, &expected), "{name}");
        assert_eq!(second.1, 0, "{name}: {second:?}");
        assert!(second.2 > 0, "{name}: {second:?}");
    }
    let path = &stored.iter().find(|(name, _)| *name == "packed4").unwrap().1;
    run(&web.url(path), &[]);
    let sent = web.sent_bytes.load(Relaxed);
    assert!(sent > 0);
    assert_eq!(run(&web.url(path), &[]).0, expected);
    assert_eq!(web.sent_bytes.load(Relaxed), sent, "nothing was fetched the second time");
    let told = xeng_in(&["cache", "verify", cache.to_str().unwrap()], &[]).succeeded().stdout;
    assert!(told.contains(" 0 were broken"), "{told}");
    assert!(xeng_in(&["cache", "stat", root.path().to_str().unwrap()], &[]).failed(2).stderr.contains("no cache"));
}

#[test]
fn what_was_learnt_of_far_objects_is_not_asked_for_again() {
    let root = tempfile::tempdir().unwrap();
    let stored = everywhere(&layout(&root.path().join("seeds")), root.path());
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let web = runtime.block_on(Web::serve(&root.path().join("bucket"), |_| Manner::Proper));
    let kept = root.path().join("manifests");
    let explain = |uri: &str| {
        let args = ["explain", EXPRESSION, "--open", &format!("a={uri}"), "--manifests", kept.to_str().unwrap()];
        xeng_in(&args, &s3).succeeded().stdout
    };
    let entries = || std::fs::read_dir(&kept).map_or(0, Iterator::count);
    for (name, path) in stored.iter().filter(|(_, path)| path.ends_with(".nc")) {
        let (asked, saved) = (web.requests.load(Relaxed), entries());
        let told = explain(&web.url(path));
        let first = web.requests.load(Relaxed);
        assert!(first > asked && entries() == saved + 1, "{name}: {asked}, {first}");
        assert_eq!(explain(&web.url(path)), told, "{name}");
        assert_eq!(web.requests.load(Relaxed), first, "{name}: the file was read again");
        assert_eq!(explain(&format!("s3://bucket/{path}")), explain(&format!("s3://bucket/{path}")), "{name}");
        assert_eq!(entries(), saved + 2, "{name}");
    }
}

/// Rows of a file, and cells of a row, of the torture.
const ROWS: usize = 320;
const CELLS: usize = 4096;

fn cell(file: usize, row: usize, at: usize) -> f64 {
    ((file * 7 + row * 13 + at) % 1000) as f64
}

/// Ten MiB, uncompressed.
fn write_rows(path: &Path, file: usize) {
    let mut nc = netcdf_writer::NcFileBuilder::new();
    let dims = [("t", ROWS), ("y", CELLS)].map(|(name, n)| nc.add_dimension(name, n as u64).unwrap());
    let id = nc.add_variable::<f64>("x", &dims).unwrap();
    let cells: Vec<f64> = (0..ROWS).flat_map(|row| (0..CELLS).map(move |at| cell(file, row, at))).collect();
    nc.write_variable(id, &cells).unwrap();
    let options = netcdf_writer::NcWriteOptions { format: netcdf_writer::NcWriteFormat::Offset64 };
    std::fs::write(path, nc.to_vec(options).unwrap().1).unwrap();
}

/// Processes that share a cache far smaller than the data, some of them killed at any moment, for a third of the time with a full
/// disk: never a wrong number, never over budget.
///
/// `XENG_TORTURE_SECONDS` makes it longer.
#[test]
fn processes_that_are_killed_leave_a_cache_that_others_can_trust() {
    let seconds = std::env::var("XENG_TORTURE_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("bucket")).unwrap();
    (0..4).for_each(|file| write_rows(&root.path().join(format!("bucket/{file}.nc")), file));
    let runtime = Runtime::new().unwrap();
    let s3 = s3_environment(runtime.block_on(serve_s3(root.path())));
    let cache = root.path().join("cache");
    let all = ["eval", "a.x.sum()", "--open", "a=s3://bucket/0.nc", "--cache", cache.to_str().unwrap(), "--cache-size", "4MiB"];
    Output::of(start_on_full_disk(&all, &s3).wait_with_output().unwrap()).succeeded();
    assert!(xeng_regions::cache::contents(&cache).unwrap().bytes < 500 << 10, "whole blocks cannot be kept on a full disk");
    let (began, length) = (Instant::now(), Duration::from_secs(seconds));
    let until = began + length;
    let is_disk_full = || (length / 3..length * 2 / 3).contains(&began.elapsed());
    let (runs, kills, full) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let one = |rng: &mut Rng, worker: u64| {
        let (file, from, count) = (rng.below(4), rng.below(ROWS - 100), rng.between(1, 100));
        let text = format!("a.x.isel(t=slice({from}, {})).sum()", from + count);
        let out = root.path().join(format!("{worker}.json"));
        let _ = std::fs::remove_file(&out);
        let open = format!("a=s3://bucket/{file}.nc");
        let args =
            ["eval", &text, "--open", &open, "--cache", cache.to_str().unwrap(), "--cache-size", "4MiB", "-o", out.to_str().unwrap()];
        let mut run = if is_disk_full() {
            full.fetch_add(1, Relaxed);
            start_on_full_disk(&args, &s3)
        } else {
            start_in(&args, &s3)
        };
        if rng.chance(40) {
            std::thread::sleep(Duration::from_millis(rng.below(150) as u64));
            run.kill().unwrap();
            run.wait().unwrap();
            return kills.fetch_add(1, Relaxed);
        }
        Output::of(run.wait_with_output().unwrap()).succeeded();
        let expected: f64 = (from..from + count).flat_map(|row| (0..CELLS).map(move |at| cell(file, row, at))).sum();
        let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
        assert_eq!(value["data"].as_f64(), Some(expected), "{text} of file {file}");
        runs.fetch_add(1, Relaxed)
    };
    std::thread::scope(|threads| {
        for worker in 0..4 {
            let one = &one;
            threads.spawn(move || {
                let mut rng = Rng::new(worker);
                while Instant::now() < until {
                    one(&mut rng, worker);
                }
            });
        }
        while Instant::now() < until {
            let held = xeng_regions::cache::contents(&cache).map_or(0, |c| c.bytes);
            assert!(held <= 4 << 20, "{held} bytes are held");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    eprintln!("{} runs and {} kills, {} of them on a full disk", runs.load(Relaxed), kills.load(Relaxed), full.load(Relaxed));
    assert!(runs.load(Relaxed) > 3 && kills.load(Relaxed) > 1 && full.load(Relaxed) > 0, "{runs:?} runs, {kills:?} kills, {full:?} full");
    assert_eq!(xeng_regions::cache::verify(&cache).unwrap().broken, 0);
}
