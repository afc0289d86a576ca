//! The program as a user has it: what it prints, writes and returns, and what becomes of it when something is killed.

use crate::kit::data::{self, Made, Size};
use crate::kit::process::{Output, Server, program, xeng};
use crate::kit::rng::Rng;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn dataset(folder: &Path, size: Size) -> Made {
    data::make(&mut Rng::new(21), folder, "a", size, None)
}

fn open(made: &Made) -> String {
    format!("a={}", made.uri)
}

/// What the oracle says of `a.t.max()`.
fn largest(made: &Made) -> f64 {
    made.arrays["t"].cells.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn evaluates_to_the_terminal_to_netcdf_and_to_json() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    let shown = xeng(&["eval", "a.t.max()", "--open", &open(&made)]).succeeded();
    assert!(shown.stdout.contains("xeng.Array"), "{}", shown.stdout);
    let (nc, json) = (folder.path().join("out.nc"), folder.path().join("out.json"));
    xeng(&["eval", "a.t.max().rename('top')", "--open", &open(&made), "-o", nc.to_str().unwrap(), "-o", json.to_str().unwrap()])
        .succeeded();
    let file = netcdf_reader::NcFile::open(&nc).unwrap();
    let cells = file.read_variable_as_f64("top").unwrap();
    assert_eq!(cells.iter().copied().collect::<Vec<_>>(), [largest(&made)]);
    let text = std::fs::read_to_string(json).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(value.to_string().contains("top"), "{value}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "temporary files are left: {left:?}");
}

#[test]
fn tells_what_a_dataset_holds() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    let text = xeng(&["info", &made.uri]).succeeded().stdout;
    assert!(["time", "lat", "lon", "t"].iter().all(|name| text.contains(name)), "{text}");
    let json = xeng(&["info", &made.uri, "--json", "--checksum"]).succeeded().stdout;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["variables"]["lat"]["shape"][0], made.layout.lat.len(), "{json}");
    assert_eq!(value["variables"]["lat"]["dtype"], made.layout.labels.name());
    assert_eq!(value["variables"]["lat"]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn explains_without_running() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    for (format, holds) in [("text", "over the WAN"), ("json", "{"), ("dot", "digraph")] {
        let out = xeng(&["explain", "a.t.mean('time')", "--open", &open(&made), "--format", format]).succeeded();
        assert!(out.stdout.contains(holds), "{format}: {}", out.stdout);
        if format == "json" {
            serde_json::from_str::<serde_json::Value>(&out.stdout).unwrap();
        }
    }
}

#[test]
fn exit_codes_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    let broken = folder.path().join("broken.nc");
    std::fs::write(&broken, b"\x89HDF\r\n\x1a\nand then nothing of use").unwrap();
    let out = xeng(&["eval", "a.tt.mean()", "--open", &open(&made)]).failed(2);
    assert!(out.stderr.contains("\n    ^^") || out.stderr.contains("  ^^"), "no caret: {}", out.stderr);
    assert!(out.stderr.contains("'t'") || out.stderr.contains("`t`"), "no nearest name: {}", out.stderr);
    xeng(&["eval", "a.t.mean(", "--open", &open(&made)]).failed(2);
    xeng(&["eval", "b.t.mean()", "--open", &open(&made)]).failed(2);
    xeng(&["eval", "a.t.mean()", "--open", "a=/nowhere/at/all.nc"]).failed(2);
    xeng(&["eval", "a.t.mean()", "--open", &open(&made), "-o", "out.docx"]).failed(2);
    xeng(&["run", "no-such-plan.toml"]).failed(2);
    xeng(&["no-such-command"]).failed(2);
    xeng(&["eval", "a.t.mean()", "--open", &format!("a={}", broken.display())]).failed(3);
    xeng(&["eval", "a.t.mean()", "--open", &open(&made), "--memory", "1kB"]).failed(5);
    let far = format!("{}@east", open(&made));
    let out = xeng(&["eval", "a.t.mean()", "--open", &far, "--region", "east=http://127.0.0.1:1"]).failed(4);
    assert!(out.stderr.contains("127.0.0.1:1"), "{}", out.stderr);
}

#[test]
fn an_output_never_replaces_its_own_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = dataset(folder.path(), Size::Small);
    // One file, whatever the dataset is made of.
    let file = folder.path().join("in.nc");
    xeng(&["eval", "a.t.mean('time')", "--open", &open(&made), "-o", file.to_str().unwrap()]).succeeded();
    made.uri = file.to_str().unwrap().to_owned();
    let before = std::fs::read(&file).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::os::unix::fs::symlink(&file, folder.path().join("link.nc")).unwrap();
    for output in ["in.nc", "sub/../in.nc", "link.nc"] {
        let output = folder.path().join(output);
        let out = xeng(&["eval", "a.t.mean()", "--open", &open(&made), "-o", output.to_str().unwrap()]).failed(2);
        assert!(out.stderr.contains("in.nc") && out.stderr.contains("'a'"), "{}", out.stderr);
    }
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, "[open.a]\nuri = \"in.nc\"\n[compute]\nx = \"a.t.mean()\"\n[output.x]\nnetcdf = \"link.nc\"\n").unwrap();
    xeng(&["run", plan.to_str().unwrap()]).failed(2);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let store = folder.path().join("in.zarr");
    xeng(&["eval", "a.t * 1", "--open", &open(&made), "-o", store.to_str().unwrap()]).succeeded();
    let of_store = format!("a={}", store.display());
    xeng(&["eval", "a.t.mean()", "--open", &of_store, "-o", store.to_str().unwrap()]).failed(2);
    let beside = folder.path().join("other.zarr");
    xeng(&["eval", "a.t.mean()", "--open", &of_store, "-o", beside.to_str().unwrap()]).succeeded();
}

#[test]
fn what_only_the_data_can_tell_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    let out = xeng(&["eval", "a.t.weighted(a.t.where(a.t > a.t.mean()).isel(time=0)).mean()", "--open", &open(&made)]).failed(2);
    assert!(out.stderr.contains("missing values") && out.stderr.contains("^^^"), "{}", out.stderr);
    xeng(&["eval", "a.t.weighted(a.t.isel(time=0).fillna(0)).mean()", "--open", &open(&made)]).succeeded();
    xeng(&["eval", "a.t.where(a.t > 1e30).argmax('time')", "--open", &open(&made)]).failed(2);
}

#[test]
fn an_engine_of_another_region_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Small);
    let east = Server::start("east", "127.0.0.1:0");
    let out =
        xeng(&["eval", "a.t.max()", "--open", &format!("{}@west", open(&made)), "--region", &format!("west={}", east.endpoint)]).failed(2);
    assert!(out.stderr.contains("'east'") && out.stderr.contains("'west'"), "{}", out.stderr);
}

#[test]
fn an_absent_engine_is_waited_for_aloud() {
    let out = xeng(&["eval", "a.t.max()", "--open", "a=x.nc@west", "--region", "west=http://127.0.0.1:1"]).failed(4);
    assert!(out.stderr.starts_with("waiting up to") && out.stderr.contains("xeng serve --region west"), "{}", out.stderr);
    assert!(!out.stderr.contains("os error"), "{}", out.stderr);
    xeng(&["serve", "--listen", "foo"]).failed(2);
}

#[test]
fn selections_count_in_explain() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Large);
    let chunks = |expr: &str| {
        let out = xeng(&["explain", expr, "--open", &open(&made), "--format", "json"]).succeeded().stdout;
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        let scan = json["asks"][0]["scans"][0].clone();
        (scan["chunks"].as_u64().unwrap(), scan["chunks_in_all"].as_u64().unwrap())
    };
    let (whole, all) = chunks("a.t.mean('time')");
    let (one, _) = chunks("a.t.isel(time=0, lat=0, lon=0)");
    assert!(whole == all && one == 1 && all > 1, "{whole} {one} {all}");
}

#[test]
fn a_plan_runs_over_two_regions() {
    let folder = tempfile::tempdir().unwrap();
    let rng = &mut Rng::new(22);
    let a = data::make(rng, folder.path(), "a", Size::Small, None);
    let b = data::make(rng, folder.path(), "b", Size::Small, Some(&a.layout));
    let (east, west) = (Server::start("east", "127.0.0.1:0"), Server::start("west", "127.0.0.1:0"));
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "[home]\nregion = \"here\"\n[regions.east]\nendpoints = [\"{}\"]\n[regions.west]\nendpoints = [\"{}\"]\n[open.a]\nuri = \"{}\"\nregion = \"east\"\n[open.b]\nuri = \"{}\"\nregion = \"west\"\n[compute]\ntop = \"a.t.max()\"\ndifference = \"top - b.t.min()\"\nunused = \"a.nothing\"\n[output.difference]\nnetcdf = \"difference.nc\"\nparquet = \"difference.parquet\"\n",
        east.endpoint, west.endpoint, a.uri, b.uri
    );
    std::fs::write(&plan, text).unwrap();
    let out = xeng(&["run", plan.to_str().unwrap(), "--json"]).succeeded();
    let receipt: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    for field in ["version", "plan_sha256", "datasets", "regions", "links", "wall_seconds", "coverage", "result_sha256"] {
        assert!(receipt.get(field).is_some(), "no {field}: {receipt}");
    }
    assert_eq!(receipt["links"].as_array().unwrap().len(), 2);
    let least = b.arrays["t"].cells.iter().copied().filter(|c| !c.is_nan()).fold(f64::INFINITY, f64::min);
    let file = netcdf_reader::NcFile::open(folder.path().join("difference.nc")).unwrap();
    let cells = file.read_variable_as_f64("t").unwrap();
    let got = cells.iter().next().copied().unwrap();
    assert!((got - (largest(&a) - least)).abs() < 1e-5, "{got}");
    let table = parquet::file::reader::SerializedFileReader::new(std::fs::File::open(folder.path().join("difference.parquet")).unwrap());
    let row = table.unwrap().into_iter().next().unwrap().unwrap();
    let (_, cell) = row.get_column_iter().find(|(name, _)| *name == "t").unwrap();
    assert!((cell.to_string().parse::<f64>().unwrap() - got).abs() < 1e-5, "{row}");
}

fn digest(out: &Output) -> String {
    let receipt: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    receipt["result_sha256"].as_str().unwrap().to_owned()
}

#[test]
fn an_engine_killed_and_started_again_costs_only_time() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Large);
    let mut server = Server::start("east", "127.0.0.1:0");
    let far = format!("{}@east", open(&made));
    let region = format!("east={}", server.endpoint);
    // Many passes, so that there is time to be killed in.
    let expr = "(a.t - a.t.mean('time')).groupby('time.month').std('time') + ((a.t - a.t.mean('time')) ** 2).sum('time').mean()";
    let args = ["eval", expr, "--open", &far, "--region", &region, "--json"];
    let want = digest(&xeng(&args).succeeded());
    for pause_ms in [10, 60, 150] {
        let run = program().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause_ms));
        server = server.killed_and_started_again();
        let out = Output::of(run.wait_with_output().unwrap()).succeeded();
        assert_eq!(digest(&out), want, "after {pause_ms} ms");
    }
}

#[test]
fn a_killed_home_leaves_its_engines_idle() {
    let folder = tempfile::tempdir().unwrap();
    let made = dataset(folder.path(), Size::Large);
    let server = Server::start("east", "127.0.0.1:0");
    let far = format!("{}@east", open(&made));
    let region = format!("east={}", server.endpoint);
    let expr = "(a.t - a.t.mean('time')).groupby('time.month').std('time')";
    let mut home = program()
        .args(["eval", expr, "--open", &far, "--region", &region, "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while server.active() == 0 && home.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(2));
    }
    home.kill().unwrap();
    home.wait().unwrap();
    let killed = Instant::now();
    while server.active() > 0 {
        assert!(killed.elapsed() < Duration::from_secs(5), "the engine works on for nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
}
