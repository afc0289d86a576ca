//! The job of the demonstration, as the plan file that anyone would write.
//!
//! In: addresses and folders. Out: TOML. Never a special way to run it.

use super::data::Data;
use super::fleet::{Fleet, RegionSpec};
use super::model;
use std::fmt::Write;
use std::path::Path;

/// Where the results are wanted.
pub const HOME: &str = "eu-west-2";
/// Where the reference lies.
pub const REFERENCE_REGION: &str = "us-east-1";
/// Where the model lies.
pub const MODEL_REGION: &str = "us-west-2";
/// How a plan begins that the demonstration may replace.
pub const PLAN_MARK: &str = "# Written by `xeng demo`";

const COMPUTE: &str = "
[compute]
historic   = \"era5.t2m.mean('time')\"
predicted  = \"cmip.tas.mean('time').interp(lat=era5.latitude, lon=era5.longitude)\"
difference = \"predicted - historic\"

[output.difference]
netcdf = \"difference.nc\"
plot   = \"difference.png\"
title  = \"Warming at 2 m: model 2090-2099 minus reference (made-up data)\"
";

/// The regions of the demonstration.
pub fn regions(data: &Data) -> Vec<RegionSpec> {
    let region = |name: &str, root: &Path, rtt_ms| RegionSpec {
        name: name.to_owned(),
        root: root.to_path_buf(),
        rtt_ms,
        bandwidth_mbit: 1000.0,
        usd_per_gb: 0.02,
    };
    vec![region(REFERENCE_REGION, &data.reference, 75.0), region(MODEL_REGION, &data.model, 140.0)]
}

/// The plan over these engines and this data.
pub fn plan_text(fleet: &Fleet, data: &Data) -> String {
    let mut text = format!(
        "{PLAN_MARK}. `xeng run plan.toml` runs it while the engines of `xeng demo --keep-running` do.\n\n[home]\nregion = \"{HOME}\"\n"
    );
    for (spec, endpoints) in fleet.endpoints() {
        let list = endpoints.iter().map(|e| quoted(e)).collect::<Vec<_>>().join(", ");
        // A String takes whatever is written to it.
        let _ = writeln!(
            text,
            "\n[regions.{}]\nendpoints = [{list}]\n\n[links.\"{} {HOME}\"]\nbandwidth_mbit = {}\nrtt_ms = {}\nusd_per_gb = {}",
            spec.name, spec.name, spec.bandwidth_mbit, spec.rtt_ms, spec.usd_per_gb
        );
    }
    let open = |name: &str, uri: &Path, region: &str| {
        format!("\n[open.{name}]\nuri = {}\nregion = \"{region}\"\n", quoted(&uri.to_string_lossy()))
    };
    text + &open("era5", &data.reference.join("*.nc"), REFERENCE_REGION)
        + &open("cmip", &data.model.join(model::NAME), MODEL_REGION)
        + COMPUTE
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
