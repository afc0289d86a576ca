//! The data of the demonstration: made once, kept in the user's cache, recognised by its parameters.
//!
//! In: a size and a seed. Out: folders with complete files. Never takes a half-made folder for a whole one: each file is renamed into place,
//! and the marker comes last.

use super::climate::{Climate, Grid};
use super::{model, reference};
use crate::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Changes with what is written, so that data of another version is not taken for this one's.
const VERSION: u32 = 1;
/// Says that a folder is complete.
const MARKER: &str = "complete.txt";
/// Distances of the reference's grid points that are chosen from, in degrees.
const STEPS: [f64; 4] = [1.5, 1.0, 0.5, 0.25];
/// What is chosen from where two months of the first of these would be too much.
const COARSE_STEPS: [f64; 2] = [3.0, 6.0];
/// More months than this are not made before the grid becomes finer.
const MOST_MONTHS: usize = 120;
/// The largest file of the reference, decoded; longer months are cut into several.
const FILE_BYTES: usize = 100_000_000;
/// Files under construction at once: each takes about three times its size in memory.
const MOST_THREADS: usize = 4;

/// What is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// Degrees between the reference's grid points.
    pub step: f64,
    /// Years and months of the reference.
    pub months: Vec<(i64, u32)>,
}

impl Size {
    /// The size nearest to so many decoded gigabytes (10^9 bytes): more months first, then a finer grid. Less than a year is spread over
    /// the seasons, more is whole years.
    pub fn of_gigabytes(gigabytes: f64) -> Size {
        let months = |step: f64| gigabytes * 1e9 / (730.5 * 4.0 * grid(step).cells() as f64);
        let step = if months(STEPS[0]) < 1.5 {
            COARSE_STEPS.into_iter().find(|&step| months(step) >= 1.5).unwrap_or(COARSE_STEPS[1])
        } else {
            STEPS.into_iter().find(|&step| months(step) <= MOST_MONTHS as f64 + 0.5).unwrap_or(STEPS[STEPS.len() - 1])
        };
        let wanted = months(step).round().clamp(1.0, 12.0 * 200.0) as usize;
        let months = if wanted < 12 {
            (0..wanted).map(|i| (2011, 1 + (i * 12 / wanted) as u32)).collect()
        } else {
            let years = (wanted as f64 / 12.0).round() as i64;
            (0..years).flat_map(|y| (1..=12).map(move |m| (2021 - years.max(10) + y, m))).collect()
        };
        Size { step, months }
    }

    /// Decoded bytes of the reference.
    pub fn bytes(&self) -> u64 {
        let hours: i64 = self.months.iter().map(|&(year, month)| 24 * reference::days(year, month)).sum();
        hours as u64 * 4 * grid(self.step).cells() as u64
    }

    fn name(&self, seed: u64) -> String {
        format!("v{VERSION}_{}deg_{}months_seed{seed}", self.step, self.months.len())
    }
}

/// The reference's grid: from north to south, and eastwards from Greenwich, as ERA5's.
fn grid(step: f64) -> Grid {
    let count = (180.0 / step).round() as usize;
    Grid { lats: (0..=count).map(|i| 90.0 - i as f64 * step).collect(), lons: (0..2 * count).map(|i| i as f64 * step).collect() }
}

/// Where the data lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The folder with everything.
    pub folder: PathBuf,
    /// The folder of the reference's region.
    pub reference: PathBuf,
    /// The folder of the model's region.
    pub model: PathBuf,
    /// Whether it was there already.
    pub cached: bool,
}

/// Where data of all sizes is kept: `$XDG_CACHE_HOME/xeng/demo` or what comes closest.
pub fn cache_folder() -> PathBuf {
    crate::user_cache::folder().unwrap_or_else(|| std::env::temp_dir().join("xeng")).join("demo")
}

/// Makes the data below `cache`, unless it is there. `told` hears of decoded bytes, from any thread.
///
/// # Errors
/// `Unavailable` when the file system refuses.
pub fn prepare(cache: &Path, size: &Size, seed: u64, threads: usize, told: &(dyn Fn(u64) + Sync)) -> Result<Data> {
    let folder = cache.join(size.name(seed));
    let mut data =
        Data { reference: folder.join("us-east-1").join("era5"), model: folder.join("us-west-2").join("cmip6"), folder, cached: false };
    let files = reference::files(&size.months, grid(size.step).cells(), FILE_BYTES);
    let store = data.model.join(model::NAME);
    let marker = data.folder.join(MARKER);
    let parameters = format!("version = {VERSION}\nstep = {}\nseed = {seed}\nmonths = {:?}\n", size.step, size.months);
    let is_there = || {
        fs::read_to_string(&marker).is_ok_and(|text| text == parameters)
            && store.is_dir()
            && files.iter().all(|f| data.reference.join(&f.name).is_file())
    };
    if is_there() {
        data.cached = true;
        return Ok(data);
    }
    let refused = |path: &Path, e: std::io::Error| {
        Error::unavailable(format!("{} cannot be written: {e}", path.display())).hint("make room, or name another folder in XDG_CACHE_HOME")
    };
    fs::create_dir_all(cache).map_err(|e| refused(cache, e))?;
    let lock = cache.join(format!("{}.lock", size.name(seed)));
    // Held until this function returns: who else wants the same data waits for it.
    let held = fs::File::create(&lock).map_err(|e| refused(&lock, e))?;
    held.lock().map_err(|e| refused(&lock, e))?;
    if is_there() {
        data.cached = true;
        return Ok(data);
    }
    // What a run that was cut off left behind.
    let _ = fs::remove_dir_all(&data.folder);
    for folder in [&data.reference, &data.model] {
        fs::create_dir_all(folder).map_err(|e| refused(folder, e))?;
    }
    model::write(&store, seed)?;
    write_all(&data.reference, &Climate::of(grid(size.step), seed), &files, threads, told)?;
    let unfinished = marker.with_extension("partial");
    fs::write(&unfinished, parameters).and_then(|()| fs::rename(&unfinished, &marker)).map_err(|e| refused(&marker, e))?;
    Ok(data)
}

/// Writes files on a few threads; the first error ends all.
fn write_all(folder: &Path, climate: &Climate, files: &[reference::File], threads: usize, told: &(dyn Fn(u64) + Sync)) -> Result<()> {
    let next = AtomicUsize::new(0);
    let bytes = AtomicU64::new(0);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let told = |more: u64| told(bytes.fetch_add(more, Relaxed) + more);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Relaxed)) {
            if let Err(e) = reference::write(folder, climate, file, &told) {
                next.store(files.len(), Relaxed);
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..threads.clamp(1, MOST_THREADS)).for_each(|_| drop(scope.spawn(work)));
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_come_before_a_finer_grid() {
        assert_eq!(Size::of_gigabytes(0.2).months, [(2011, 1), (2011, 7)]);
        let year = Size::of_gigabytes(1.0);
        assert_eq!((year.step, year.months.len(), year.bytes()), (1.5, 12, 365 * 24 * 121 * 240 * 4));
        assert_eq!((Size::of_gigabytes(2.0).step, Size::of_gigabytes(2.0).months.len()), (1.5, 24));
        let decade = Size::of_gigabytes(10.0);
        assert_eq!((decade.step, decade.months.first(), decade.months.last()), (1.5, Some(&(2011, 1)), Some(&(2020, 12))));
        assert_eq!(Size::of_gigabytes(20.0).step, 1.0);
        assert_eq!((Size::of_gigabytes(0.01).step, Size::of_gigabytes(0.01).months.len()), (6.0, 2));
        assert_eq!(Size::of_gigabytes(0.0).months.len(), 1);
    }
}
