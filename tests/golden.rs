//! Plans of typical jobs as text, so that a change of the planner is seen. `UPDATE_GOLDEN=1` writes them anew.

use crate::kit::cluster::open;
use crate::kit::synthetic;
use xeng::explain;
use xeng::session::Job;

/// A name, a sentence for people, and the expression.
const JOBS: [(&str, &str, &str); 5] = [
    (
        "climatology",
        "A climatology is reduced where the data lies; twelve means per cell travel.",
        "era5.t.groupby('time.month').mean('time')",
    ),
    (
        "anomaly",
        "The climatology under an anomaly is computed once, held by the region, and never travels.",
        "(era5.t.groupby('time.month') - era5.t.groupby('time.month').mean('time')).std('time')",
    ),
    (
        "difference",
        "Two regions reduce their own data; the coarse mean travels and is interpolated at home.",
        "cmip.t.mean('time').interp(lat=era5.lat, lon=era5.lon) - era5.t.mean('time')",
    ),
    (
        "box",
        "A selection reads the chunks that it meets, and nothing else.",
        "era5.t.sel(lat=slice(30, 60), lon=slice(0, 40)).sel(time='1945').max('time')",
    ),
    (
        "global_mean",
        "Weights are part of the program; one number per time step travels.",
        "era5.t.weighted(np.cos(np.deg2rad(era5.lat))).mean(['lat', 'lon'])",
    ),
];

#[tokio::test]
async fn plans_are_as_they_were() {
    let session = synthetic::session(&[
        ("era5", "us-east-1", synthetic::dataset(3650, 10, 20)),
        ("cmip", "us-west-2", synthetic::dataset(3650, 1, 2)),
    ]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let mut changed = vec![];
    for (name, sentence, text) in JOBS {
        let opens = vec![open("era5", "synthetic", Some("us-east-1".to_owned())), open("cmip", "synthetic", Some("us-west-2".to_owned()))];
        let planned = session.plan(&Job::expression(text, opens)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let shown = format!("{sentence}\n\n{text}\n\n{}", explain::text(&session, &planned).unwrap());
        let file = folder.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &shown).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != shown {
            changed.push(format!("{name} is now\n{shown}"));
        }
    }
    assert!(changed.is_empty(), "UPDATE_GOLDEN=1 accepts this:\n{}", changed.join("\n"));
}
