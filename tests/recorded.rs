//! xarray's own answers, recorded, beside those of the library: dims, types, names, coordinates, missing cells, numbers.
//!
//! In: `against_xarray/recorded`, written by its `differential.py --record`. A result is compared as the JSON that users get.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, open};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use xeng::error::ErrorKind;
use xeng::output::json;
use xeng::session::{Job, Session};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/against_xarray/recorded");
const FILES: [(&str, &str); 8] =
    [("c", "c.nc"), ("d", "d.nc"), ("f", "f_*.nc"), ("j", "j.nc"), ("k", "k.nc"), ("m", "m.zarr"), ("o", "o.nc"), ("x", "x.nc")];

/// An expression, and what xarray makes of it.
#[derive(Deserialize)]
struct Recorded {
    text: String,
    /// The datasets in it.
    open: Vec<String>,
    /// Whether its cells come about without rounding.
    #[serde(default)]
    exact: bool,
    /// How far its cells move when the input moves by a rounding.
    #[serde(default)]
    slack: f64,
    answer: Option<Given>,
    /// The error that xarray raises instead.
    raises: Option<String>,
}

/// A result.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Dataset { data_vars: Map<String, Value> },
    Array(Box<Array>),
}

#[derive(Deserialize)]
struct Array {
    name: Option<String>,
    coords: BTreeMap<String, Variable>,
    #[serde(flatten)]
    variable: Variable,
}

#[derive(Deserialize)]
struct Variable {
    dims: Vec<String>,
    shape: Vec<usize>,
    dtype: String,
    data: Value,
}

/// How near two numbers must be.
#[derive(Clone, Copy)]
struct Tolerance {
    exact: bool,
    slack: f64,
}

fn given_difference(got: &Given, want: &Given, near: Tolerance) -> Option<String> {
    match (got, want) {
        (Given::Array(got), Given::Array(want)) => array_difference(got, want, near),
        (Given::Dataset { data_vars: got }, Given::Dataset { data_vars: want }) => {
            let array = |v: &Value| serde_json::from_value::<Array>(v.clone()).unwrap();
            unequal("variables", &got.keys().collect::<Vec<_>>(), &want.keys().collect())
                .or_else(|| want.iter().find_map(|(name, want)| array_difference(&array(&got[name]), &array(want), near)))
        }
        _ => Some("an array instead of a dataset, or a dataset instead of an array".to_owned()),
    }
}

fn unequal<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Option<String> {
    (got != want).then(|| format!("{what} {got:?} instead of {want:?}"))
}

fn array_difference(got: &Array, want: &Array, near: Tolerance) -> Option<String> {
    // Labels are data, or computed from few of them: what their type allows will do.
    let labels = Tolerance { slack: 0.0, ..near };
    let label = |(name, want): (&String, &Variable)| variable_difference(&got.coords[name], want, labels).map(|d| format!("{name}: {d}"));
    unequal("name", &got.name, &want.name)
        .or_else(|| variable_difference(&got.variable, &want.variable, near))
        .or_else(|| unequal("coordinates", &got.coords.keys().collect::<Vec<_>>(), &want.coords.keys().collect()))
        .or_else(|| want.coords.iter().find_map(label))
}

fn variable_difference(got: &Variable, want: &Variable, near: Tolerance) -> Option<String> {
    let relative = if want.dtype == "float32" { 2e-5 } else { 1e-6 };
    let same = |got: &Value, want: &Value| match (got.as_f64(), want.as_f64()) {
        (Some(got), Some(want)) if !near.exact => (got - want).abs() <= relative * want.abs() + near.slack,
        (Some(got), Some(want)) => got == want,
        _ => got == want,
    };
    unequal("dims", &got.dims, &want.dims)
        .or_else(|| unequal("shape", &got.shape, &want.shape))
        .or_else(|| unequal("type", &got.dtype, &want.dtype))
        .or_else(|| {
            let (got, want) = (cells(&got.data), cells(&want.data));
            let wrong = (0..want.len()).find(|&i| !got.get(i).is_some_and(|got| same(got, want[i])));
            wrong.map(|i| format!("cell {i} of {} is {:?} instead of {}", want.len(), got.get(i), want[i]))
        })
}

/// The cells of nested lists.
fn cells(data: &Value) -> Vec<&Value> {
    match data {
        Value::Array(rows) => rows.iter().flat_map(cells).collect(),
        cell => vec![cell],
    }
}

/// What is wrong about one expression, if anything is.
async fn fault(session: &Session, one: &Recorded, region: Option<&str>) -> Option<String> {
    let uri = |alias: &str| format!("{FOLDER}/data/{}", FILES.iter().find(|(name, _)| *name == alias).unwrap().1);
    let opens = one.open.iter().map(|alias| open(alias, &uri(alias), region.map(str::to_owned))).collect();
    match (session.evaluate(&Job::expression(&one.text, opens), &|_, _| {}).await, &one.answer) {
        (Ok(run), Some(want)) => {
            let mut text = vec![];
            json::write(&run.outcomes[0].1, &mut text).unwrap();
            let got: Given = serde_json::from_slice(&text).unwrap();
            given_difference(&got, want, Tolerance { exact: one.exact, slack: one.slack })
        }
        (Err(e), None) if e.kind == ErrorKind::Request => None,
        (Err(e), _) => Some(format!("{:?}: {e}", e.kind)),
        (Ok(_), None) => Some(format!("an answer, where xarray raises {}", one.raises.as_deref().unwrap_or_default())),
    }
}

async fn judge(setting: Setting) {
    let all: Vec<Recorded> = serde_json::from_slice(&std::fs::read(Path::new(FOLDER).join("answers.json")).unwrap()).unwrap();
    assert!(all.len() > 200 && all.iter().any(|one| one.raises.is_some()) && all.iter().any(|one| !one.exact));
    let cluster = Cluster::start(setting).await;
    let mut wrong = vec![];
    for one in &all {
        if let Some(fault) = fault(&cluster.session, one, setting.region("a").as_deref()).await {
            wrong.push(format!("{}\n    {fault}", one.text));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are not as xarray says:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[tokio::test]
async fn answers_are_those_of_xarray() {
    judge(Setting { placement: Placement::Home, transport: Transport::InProcess, threads: 1, engines: 1 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_answer_as_xarray() {
    judge(Setting { placement: Placement::OneRegion, transport: Transport::Grpc, threads: 1, engines: 2 }).await;
}
