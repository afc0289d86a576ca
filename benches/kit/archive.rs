//! The file that benches of whole jobs read: one of the user's own, or one made here.

use std::path::{Path, PathBuf};
use xeng_kernels::AxisChunks;
use xeng_proto::DatasetSpec;
use xeng_regions::open;
use xeng_regions::store::Stores;

const CHUNK: [usize; 3] = [24, 90, 180];

/// `XENG_BENCH_FILE` and `XENG_BENCH_VARIABLE`, else a file made in `folder`.
pub(crate) fn file(folder: &Path) -> (PathBuf, String) {
    let file = std::env::var_os("XENG_BENCH_FILE").map(PathBuf::from).unwrap_or_else(|| make(folder));
    (file, std::env::var("XENG_BENCH_VARIABLE").unwrap_or_else(|_| "t2m".to_owned()))
}

/// Bytes of a variable once decoded.
pub(crate) fn decoded_bytes(file: &Path, variable: &str) -> u64 {
    let spec = DatasetSpec { uri: file.to_string_lossy().into_owned(), ..DatasetSpec::default() };
    let dataset = open(&Stores::default(), &spec).unwrap();
    let source = dataset.source(variable).unwrap();
    let cells: usize = source.chunks().iter().map(AxisChunks::len).product();
    (cells * source.stored().size()) as u64
}

/// About 200 MB decoded of smooth, rounded fields.
fn make(folder: &Path) -> PathBuf {
    let (nt, ny, nx) = (24 * 32, CHUNK[1] * 2, CHUNK[2] * 2);
    let mut seed = 1u64;
    let mut noise = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let cells: Vec<f32> =
        (0..nt * ny * nx).map(|i| ((280.0 + 0.05 * (i / nx % ny) as f32 + 4.0 * noise()) * 64.0).round() / 64.0).collect();
    let path = folder.join("t2m.nc");
    write(&path, (nt, ny, nx), &cells);
    path
}

fn write(path: &Path, (nt, ny, nx): (usize, usize, usize), cells: &[f32]) {
    let mut nc = netcdf_writer::NcFileBuilder::new();
    let dims = [("time", nt), ("latitude", ny), ("longitude", nx)].map(|(name, n)| nc.add_dimension(name, n as u64).unwrap());
    for (name, dim, n) in [("time", dims[0], nt), ("latitude", dims[1], ny), ("longitude", dims[2], nx)] {
        let id = nc.add_variable::<f64>(name, &[dim]).unwrap();
        nc.write_variable(id, &(0..n).map(|i| i as f64).collect::<Vec<_>>()).unwrap();
    }
    let id = nc.add_variable::<f32>("t2m", &dims).unwrap();
    nc.write_variable(id, cells).unwrap();
    nc.set_variable_chunking(id, CHUNK.iter().map(|&n| n as u64).collect::<Vec<_>>()).unwrap();
    nc.set_variable_deflate(id, Some(4), true).unwrap();
    let options = netcdf_writer::NcWriteOptions { format: netcdf_writer::NcWriteFormat::Nc4 };
    nc.write(&mut std::fs::File::create(path).unwrap(), options).unwrap();
}
