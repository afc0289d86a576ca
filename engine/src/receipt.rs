//! The account of a run: what was read where, what crossed which link, and what came of it.
//!
//! In: what the run's parts counted. Out: a serialisable receipt. Never estimates: predictions stand beside what was counted.

use crate::execute::{RegionReport, WrittenArray};
use crate::lazy::OpenedDataset;
use crate::result::{Array, Outcome};
use crate::stages::Stages;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use xeng_proto::Values;

/// The account of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receipt {
    /// Version of the program.
    pub version: String,
    /// Digest of what the regions were asked.
    pub plan_sha256: String,
    /// The datasets that were read, as they were then.
    pub datasets: Vec<DatasetReceipt>,
    /// By name of the region.
    pub regions: BTreeMap<String, RegionReceipt>,
    /// Between regions and home.
    pub links: Vec<LinkReceipt>,
    /// What regions wrote beside their data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<StoreReceipt>,
    /// From the first question to the last answer.
    pub wall_seconds: f64,
    /// The share of the asked work units that the result holds; 1 always, since an incomplete answer is an error.
    pub coverage: f64,
    /// Digest of the result's cells, and of the stores' digests.
    pub result_sha256: String,
}

impl Receipt {
    /// As JSON, one line per entry.
    ///
    /// # Errors
    /// `Internal` when it cannot be written, which no receipt should cause.
    pub fn to_json(&self) -> crate::error::Result<String> {
        serde_json::to_string_pretty(self).map(|s| s + "\n").map_err(|e| crate::error::Error::internal(e.to_string()))
    }
}

/// A dataset as it was when it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetReceipt {
    /// Its name in the expression.
    pub name: String,
    /// Where it lies.
    pub uri: String,
    /// The region that holds it.
    pub region: String,
    /// Digest of its files' names, sizes and modification times.
    pub snapshot: String,
    /// Number of files.
    pub files: u64,
    /// Their size.
    pub stored_bytes: u64,
}

impl DatasetReceipt {
    pub(crate) fn of(d: &OpenedDataset) -> DatasetReceipt {
        let about = &d.description;
        DatasetReceipt {
            name: d.alias.clone(),
            uri: about.spec.shown(),
            region: d.region.clone(),
            snapshot: about.snapshot.clone(),
            files: about.files,
            stored_bytes: about.stored_bytes,
        }
    }
}

/// What a region did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegionReceipt {
    /// Chunks read.
    pub chunks: u64,
    /// Stored bytes read.
    pub read_bytes: u64,
    /// Bytes after decoding.
    pub decoded_bytes: u64,
    /// Work units done.
    pub units: u64,
    /// Seconds of fetching, summed over threads.
    pub fetch_seconds: f64,
    /// Seconds of decoding, summed over threads.
    pub decode_seconds: f64,
    /// Seconds of computing, summed over threads.
    pub compute_seconds: f64,
    /// Most bytes under permit at once in any of its engines.
    pub peak_memory_bytes: u64,
    /// Blocks found in the cache beside the data.
    pub cache_hits: u64,
    /// Blocks that it fetched.
    pub cache_misses: u64,
    /// Bytes found in it, and so not fetched from afar.
    pub cache_saved_bytes: u64,
    /// Bytes that it fetched from afar.
    pub cache_fetched_bytes: u64,
    /// Chunks that an engine still had in memory, decoded.
    pub kept_chunks: u64,
    /// Their decoded bytes.
    pub kept_bytes: u64,
    /// Bytes of chunks that it wrote beside the data, those of attempts that failed too.
    pub written_bytes: u64,
    /// Seconds of encoding and writing them, summed over threads.
    pub write_seconds: f64,
    /// Questions asked again after a failure.
    pub retries: u64,
    /// From the first question to the last answer.
    pub wall_seconds: f64,
}

impl From<&RegionReport> for RegionReceipt {
    fn from(r: &RegionReport) -> RegionReceipt {
        let a = r.account;
        RegionReceipt {
            chunks: a.chunks,
            read_bytes: a.read_bytes,
            decoded_bytes: a.decoded_bytes,
            units: a.units,
            fetch_seconds: a.fetch_seconds,
            decode_seconds: a.decode_seconds,
            compute_seconds: a.compute_seconds,
            peak_memory_bytes: a.peak_bytes,
            cache_hits: a.cache_hits,
            cache_misses: a.cache_misses,
            cache_saved_bytes: a.cache_saved_bytes,
            cache_fetched_bytes: a.cache_fetched_bytes,
            kept_chunks: a.kept_chunks,
            kept_bytes: a.kept_bytes,
            written_bytes: a.written_bytes,
            write_seconds: a.write_seconds,
            retries: r.retries,
            wall_seconds: r.wall_seconds,
        }
    }
}

/// What crossed a link, framing included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkReceipt {
    /// The region.
    pub from: String,
    /// Home.
    pub to: String,
    /// Bytes that the answers hold before compression, as planned.
    pub predicted_bytes: u64,
    /// Bytes that came from the region.
    pub received_bytes: u64,
    /// Bytes that went to the region.
    pub sent_bytes: u64,
    /// Price of both, where the topology says what a gigabyte costs.
    pub usd: Option<f64>,
}

/// A Zarr store that a region wrote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreReceipt {
    /// The entry that it holds.
    pub name: String,
    /// The region.
    pub region: String,
    /// Where, as the region sees it.
    pub uri: String,
    /// Number of its files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// From its first file until it was in its place.
    pub seconds: f64,
    /// Digest of the stored chunks: of each large array the SHA-256 over those of its chunk files in C order, and of all other files.
    pub sha256: String,
}

impl StoreReceipt {
    /// What regions wrote, and the files that home sent.
    pub(crate) fn of(name: &str, region: &str, uri: &str, arrays: &[&WrittenArray], files: &[(String, Vec<u8>)]) -> StoreReceipt {
        let mut digests: BTreeMap<&str, Vec<u8>> = arrays.iter().map(|w| (w.array.as_str(), w.sha256.to_vec())).collect();
        digests.extend(files.iter().map(|(path, bytes)| (path.as_str(), Sha256::digest(bytes).to_vec())));
        let mut hasher = Sha256::new();
        for (path, digest) in digests {
            hasher.update(path);
            hasher.update(digest);
        }
        StoreReceipt {
            name: name.to_owned(),
            region: region.to_owned(),
            uri: uri.to_owned(),
            files: arrays.iter().map(|w| w.files).sum::<u64>() + files.len() as u64,
            bytes: arrays.iter().map(|w| w.bytes).sum::<u64>() + files.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>(),
            seconds: 0.0,
            sha256: hex(hasher),
        }
    }
}

/// Digest of what the regions are asked: equal for equal plans over equal data.
pub(crate) fn digest_stages(stages: &Stages) -> String {
    let mut hasher = Sha256::new();
    for ask in &stages.asks {
        hasher.update(format!("{} {} {:?}", stages.regions[ask.region], ask.round, ask.fragment));
    }
    hex(hasher)
}

/// Digest of every cell of the results, coordinates included.
pub(crate) fn digest_outcomes(outcomes: &[(String, Outcome)], stores: &[StoreReceipt]) -> String {
    let mut hasher = Sha256::new();
    for (name, outcome) in outcomes {
        hasher.update(name);
        match outcome {
            Outcome::Array(a) => digest_array(&mut hasher, a),
            Outcome::Dataset { arrays, .. } => arrays.iter().for_each(|a| digest_array(&mut hasher, a)),
        }
    }
    stores.iter().for_each(|s| hasher.update(format!("{} {}", s.name, s.sha256)));
    hex(hasher)
}

fn digest_array(hasher: &mut Sha256, a: &Array) {
    hasher.update(format!("{:?}{:?}{:?}", a.name, a.dims, a.shape));
    digest_values(hasher, &a.values);
    for c in &a.coords {
        hasher.update(format!("{}{:?}", c.name, c.dims));
        digest_values(hasher, &c.values);
    }
}

fn digest_values(hasher: &mut Sha256, values: &Values) {
    match values {
        Values::Numbers(block) => hasher.update(block.to_le_bytes()),
        Values::Times(times) => times.micros.iter().for_each(|m| hasher.update(m.to_le_bytes())),
        Values::Texts(texts) => texts.iter().for_each(|t| hasher.update(t)),
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
