//! Every operator of the manual gives the same bits wherever and by however many it is computed.
//!
//! In: the manual's examples over a dataset of many chunks, written here. What the bits should be, other tests say.

use crate::kit::cluster::{Cluster, Placement, Setting, Transport, open};
use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions};
use std::path::Path;
use xeng::manual;
use xeng::session::Job;

/// Two years of months, latitudes from north to south, longitudes around the globe: several units of work.
const SHAPE: [usize; 3] = [24, 121, 480];
const CHUNK: [u64; 3] = [5, 50, 100];

/// A dataset as the manual's, with a missing cell here and there.
fn write(path: &Path) {
    let mut b = NcFileBuilder::new();
    let [time, lat, lon] =
        ["time", "lat", "lon"].map(|name| (name, SHAPE[["time", "lat", "lon"].iter().position(|n| *n == name).unwrap()]));
    let [time, lat, lon] = [time, lat, lon].map(|(name, len)| b.add_dimension(name, len as u64).unwrap());
    let middle_of_month: Vec<f64> = (0..24).map(|m| (f64::from(m) * 30.4375).floor() + 14.0).collect();
    let id = b.add_variable::<f64>("time", &[time]).unwrap();
    b.write_variable(id, &middle_of_month).unwrap();
    b.add_variable_attribute(id, "units", NcAttrValue::Chars("days since 2000-01-01".into())).unwrap();
    for (name, dim, first, step) in [("lat", lat, 60.0, -1.0), ("lon", lon, 0.0, 0.75)] {
        let id = b.add_variable::<f64>(name, &[dim]).unwrap();
        let len = if name == "lat" { SHAPE[1] } else { SHAPE[2] };
        b.write_variable(id, &(0..len).map(|i| first + step * i as f64).collect::<Vec<f64>>()).unwrap();
    }
    // Numbers whose sums depend on their order.
    let cell = |i: usize| if i.is_multiple_of(97) { f32::NAN } else { 250.0 + ((i * 7919) % 100_003) as f32 / 1237.0 };
    let id = b.add_variable::<f32>("tas", &[time, lat, lon]).unwrap();
    b.write_variable(id, &(0..SHAPE.iter().product()).map(cell).collect::<Vec<f32>>()).unwrap();
    b.set_variable_chunking(id, CHUNK.to_vec()).unwrap();
    b.set_variable_deflate(id, Some(1), true).unwrap();
    let id = b.add_variable::<i16>("flag", &[lat, lon]).unwrap();
    b.write_variable(id, &(0..SHAPE[1] * SHAPE[2]).map(|i| (i % 7) as i16).collect::<Vec<i16>>()).unwrap();
    b.set_variable_chunking(id, CHUNK[1..].to_vec()).unwrap();
    std::fs::write(path, b.to_vec(NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap().1).unwrap();
}

/// Every statistic in every place where one may stand: the manual has one example for all of them.
fn statistics() -> impl Iterator<Item = String> {
    let plain: &'static [&'static str] =
        &["count", "sum", "prod", "mean", "std", "var", "min", "max", "median", "any", "all", "argmin", "argmax"];
    let windows = &plain[..9];
    let places = [
        ("d.tas.{}('time')", plain),
        ("d.tas.{}(['lat', 'lon'])", &plain[..11]),
        ("d.tas.groupby('time.season').{}('time')", &plain[..11]),
        ("d.tas.resample(time='YS').{}()", &plain[..9]),
        ("d.tas.coarsen(time=7, boundary='trim').{}()", windows),
        ("d.tas.rolling(time=7, min_periods=2).{}().sum(['lat', 'lon'])", windows),
        ("d.tas.weighted(np.cos(np.deg2rad(d.lat))).{}(['lat', 'lon'])", &["mean", "sum", "std", "var", "sum_of_weights"][..]),
    ];
    places.into_iter().flat_map(|(place, names)| names.iter().map(move |name| place.replace("{}", name)).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operator_of_the_manual_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.nc");
    write(&file);
    let alone = Setting { placement: Placement::Home, transport: Transport::InProcess, threads: 1, engines: 1 };
    let settings = [
        alone,
        Setting { threads: 3, ..alone },
        Setting { placement: Placement::OneRegion, transport: Transport::Grpc, threads: 2, engines: 3 },
    ];
    let mut clusters = vec![];
    for setting in settings {
        clusters.push((setting, Cluster::start(setting).await));
    }
    let (mut differ, mut run) = (vec![], 0);
    for text in manual::entries().map(|entry| entry.example.to_owned()).chain(statistics()) {
        let mut digests = vec![];
        for (setting, cluster) in &clusters {
            let job = Job::expression(&text, vec![open("d", file.to_str().unwrap(), setting.region("a"))]);
            let answer = cluster.session.evaluate(&job, &|_, _| {}).await;
            digests.push(answer.map(|run| run.receipt.result_sha256).map_err(|e| e.to_string()));
        }
        match &digests[0] {
            Ok(first) if digests.iter().all(|d| d.as_ref() == Ok(first)) => run += 1,
            _ => differ.push(format!("{text}: {digests:?}")),
        }
    }
    assert!(differ.is_empty(), "{} of {} examples:\n{}", differ.len(), run + differ.len(), differ.join("\n"));
    assert!(run > 170, "only {run} examples");
}
