#![allow(clippy::unwrap_used)]

use super::*;
use crate::topology::Link;
use std::fs;

const SHARED: &str = r#"
[home]
region = "eu"
[regions.us]
endpoints = ["http://a:1"]
[links."us eu"]
bandwidth_mbit = 1000
rtt_ms = 75
[open.era5]
uri = "data/*.nc"
region = "eu"
concat = "time"
"#;

const PLAN: &str = r#"
[links."eu us"]
rtt_ms = 80
[open.era5]
group = "g"
[compute]
historic = "era5.t2m.mean('time')"
absent = "historic - era5.nothing"
[output.historic]
netcdf = "out.nc"
plot = "out.png"
[budget]
wan_bytes = "100MiB"
deadline = 90
"#;

/// A folder with a shared file above one with a plan.
fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (shared, plan) = (folder.path().join("shared.toml"), folder.path().join("jobs/plan.toml"));
    fs::create_dir(folder.path().join("jobs")).unwrap();
    fs::write(&shared, SHARED).unwrap();
    fs::write(&plan, PLAN).unwrap();
    (folder, shared, plan)
}

fn with(settings: &[&str]) -> Result<PlanFile> {
    let (_folder, shared, plan) = folders();
    let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
    read(&plan, Some(&shared), &settings)
}

#[test]
fn a_plan_lies_over_the_shared_file_key_by_key() {
    let (folder, shared, path) = folders();
    let plan = read(&path, Some(&shared), &[]).unwrap();
    let era5 = &plan.open["era5"];
    assert_eq!((era5.dataset.uri.as_str(), era5.region.as_deref()), ("data/*.nc", Some("eu")));
    assert_eq!((era5.dataset.concat.as_deref(), era5.dataset.group.as_deref()), (Some("time"), Some("g")));
    assert_eq!(era5.folder, folder.path(), "a shared path is meant from the shared file's folder");
    assert_eq!(plan.folder, folder.path().join("jobs"));
    let link = Link { bandwidth_mbit: Some(1000.0), rtt_ms: Some(80.0), usd_per_gb: None };
    assert_eq!(plan.topology.link("us", "eu"), Some(&link));
    assert_eq!(plan.budget.wan_bytes, Some(100 << 20));
    assert_eq!(plan.budget.deadline, Some(Duration::from_secs(90)));
    assert_eq!(plan.compute.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["historic", "absent"]);
}

#[test]
fn settings_change_one_key_each() {
    let plan =
        with(&["open.era5.group=h", "output.historic.plot=new.png", "budget.deadline=1h", "home.region=us", "regions.us.local=true"])
            .unwrap();
    assert_eq!((plan.open["era5"].dataset.group.as_deref(), plan.open["era5"].dataset.uri.as_str()), (Some("h"), "data/*.nc"));
    assert_eq!(plan.output["historic"].plot, Some("new.png".into()));
    assert_eq!(plan.output["historic"].netcdf, Some("out.nc".into()));
    assert_eq!(plan.budget.deadline, Some(Duration::from_secs(3600)));
    assert_eq!((plan.budget.wan_bytes, plan.topology.home.as_deref()), (Some(100 << 20), Some("us")));
    assert!(plan.topology.regions["us"].local && plan.topology.regions["us"].endpoints.is_empty());
    assert_eq!(with(&["links.\"us eu\".usd_per_gb=0.02"]).unwrap().topology.link("eu", "us").unwrap().rtt_ms, Some(80.0));
}

#[test]
fn what_is_wrong_is_shown_where_it_is_written() {
    let shown = |text: &str| parse(text, "plan.toml").unwrap_err().to_string();
    let table = [
        ("[outptu.a]", "there is no key 'outptu' here", "did you mean 'output'?"),
        ("[open.a]\nurl = 'x'", "there is no key 'url' here", "did you mean 'uri'?"),
        ("[open.a]\nconcat = 'x'", "dataset 'a' has no `uri`", "write uri"),
        ("[open.\"a b\"]\nuri = 'x'", "'a b' cannot be the name of a dataset", ""),
        ("[regions.a]", "region 'a' does not say where its engines are", "give endpoints"),
        ("[regions.a]\nlocal = true\ndns = 'b:1'", "region 'a' says in several ways where its engines are", "keep one"),
        ("[links.\"a b\"]\nrtt_ms = -1", "rtt_ms = -1 is impossible", "not negative"),
        ("[links.\"a b\"]\nusd_per_gb = nan", "usd_per_gb = NaN is impossible", "finite"),
        ("[links.\"a b\"]\nbandwidth_mbit = 0", "bandwidth_mbit = 0 is impossible", "above 0"),
        ("[links.a]\nrtt_ms = 1", "link \"a\" does not name two regions", "write [links."),
        (
            "[compute]\ndifference = 'a'\n[output.diffrence]\nplot = 'x.png'",
            "[output.diffrence] names nothing in [compute]",
            "did you mean 'difference'?",
        ),
        ("[compute]\nx = 'a'\n[output.x]\nregion = 'east'\nnetcdf = 'x.nc'", "as Zarr alone", "zarr = "),
        ("[compute]\nx = 'a'\n[output.x]\nregion = 'east'\nzarr = 'x.zarr'\nplot = 'x.png'", "as Zarr alone", "no other output"),
        ("[budget]\nwan_bytes = 'lots'", "'lots' is no size", "such as 2GiB"),
        ("[budget]\ndeadline = -3", "'-3' is no duration", "such as 15min"),
    ];
    for (text, message, hint) in table {
        let shown = shown(text);
        assert!(shown.contains(message) && shown.contains(hint) && shown.contains(" --> plan.toml, line "), "{shown}");
    }
}

#[test]
fn what_a_region_writes_is_no_path_here() {
    let plan = parse("[compute]\nx = 'a'\n[output.x]\nregion = 'east'\nzarr = '/data/x.zarr'", "plan.toml").unwrap();
    assert_eq!((plan.output["x"].region.as_deref(), plan.output["x"].paths().count()), (Some("east"), 0));
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    assert!(with(&["deadline"]).unwrap_err().message.contains("is no setting"));
    let shown = with(&["budget.deadlin=1h"]).unwrap_err().to_string();
    assert!(shown.contains("there is no key 'deadlin' here") && shown.contains("did you mean 'deadline'?"), "{shown}");
}

#[test]
fn an_error_in_an_expression_is_shown_in_the_plan() {
    let plan = parse(PLAN.replace("[open.era5]\n", "[open.era5]\nuri = 'x'\n").as_str(), "plan.toml").unwrap();
    let text: Arc<str> = Arc::from(plan.compute[1].1.as_str());
    let at = text.find("nothing").unwrap();
    let error = Error::request("no").at(&text, Span::new(at, at + 7)).in_source("[compute] absent");
    let shown = plan.locate(error).to_string();
    assert_eq!(
        shown,
        "error: no\n --> plan.toml, [compute] absent, line 9, column 27\n9 | absent = \"historic - era5.nothing\"\n  |                           ^^^^^^^"
    );
    let elsewhere = Error::request("no").at(&Arc::from("other"), Span::new(0, 1));
    assert_eq!(plan.locate(elsewhere).to_string(), "error: no\n  other\n  ^");
}

#[test]
fn expressions_over_several_lines_and_with_escapes_are_located() {
    let plan = parse("[compute]\na = '''\nx = b\nx + c'''\nd = \"e\\u0020+ f\"\n", "p").unwrap();
    let at = |name: usize, start: usize| {
        let text: Arc<str> = Arc::from(plan.compute[name].1.as_str());
        plan.locate(Error::request("no").at(&text, Span::new(start, start + 1))).to_string()
    };
    assert!(at(0, 10).contains("p, [compute] a, line 4, column 5\n4 | x + c'''"), "{}", at(0, 10));
    assert!(at(1, 4).contains("p, [compute] d, line 1, column 5\n1 | e + f"), "{}", at(1, 4));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let error = read(Path::new("/nowhere/plan.toml"), None, &[]).unwrap_err();
    assert_eq!(error.message, "/nowhere/plan.toml cannot be read: no such file or directory");
}
