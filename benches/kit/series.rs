//! Series of NetCDF-4 files, as archives keep them: many chunks each, or many files.

use netcdf_writer::{NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions};
use std::path::{Path, PathBuf};

/// The shape of one file, and its chunks.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) times: usize,
    pub(crate) lats: usize,
    pub(crate) lons: usize,
    pub(crate) chunk: [u64; 3],
}

/// A month of hours of ERA5 on its public bucket: 31 x 8 x 15 chunks, here of a hundredth of their cells.
pub(crate) const MONTH: Shape = Shape { times: 744, lats: 72, lons: 144, chunk: [24, 10, 10] };
/// One time step per file.
pub(crate) const STEP: Shape = Shape { times: 1, lats: 8, lons: 16, chunk: [1, 8, 16] };

/// Writes `count` files, one after another in time, into `folder`; the pattern that names them.
pub(crate) fn make(folder: &Path, count: usize, shape: Shape) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let Shape { times, lats, lons, chunk } = shape;
    for file in 0..count {
        let mut nc = NcFileBuilder::new();
        let dims = [("time", times), ("latitude", lats), ("longitude", lons)].map(|(n, len)| nc.add_dimension(n, len as u64).unwrap());
        for (name, dim, len, first) in
            [("time", dims[0], times, file * times), ("latitude", dims[1], lats, 0), ("longitude", dims[2], lons, 0)]
        {
            let id = nc.add_variable::<f64>(name, &[dim]).unwrap();
            nc.write_variable(id, &(0..len).map(|i| (first + i) as f64).collect::<Vec<_>>()).unwrap();
            if name == "time" {
                nc.add_variable_attribute(id, "units", NcAttrValue::Chars("hours since 1979-01-01".into())).unwrap();
            }
        }
        let id = nc.add_variable::<i16>("t2m", &dims).unwrap();
        nc.write_variable(id, &vec![7i16; times * lats * lons]).unwrap();
        nc.set_variable_chunking(id, chunk.to_vec()).unwrap();
        nc.set_variable_deflate(id, Some(1), false).unwrap();
        nc.add_variable_attribute(id, "scale_factor", NcAttrValue::Doubles(vec![0.01])).unwrap();
        let path = folder.join(format!("{file:05}.nc"));
        nc.write(&mut std::fs::File::create(path).unwrap(), NcWriteOptions { format: NcWriteFormat::Nc4 }).unwrap();
    }
    folder.join("*.nc")
}
