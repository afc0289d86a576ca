//! Uncompressed arrays that lie in a file as they are: contiguous, compact, or record by record.
//!
//! In: where the array begins, its shape and, for records, their distance. Out: chunks of a virtual grid of about 4 MiB.
//! Never reads cells that are not asked for, but for the gaps between records that lie close together.

use super::bytes::{self, ByteOrder, cells_of};
use super::{ChunkSource, Encoded, Places, bounds_of, ravel, shape_of};
use crate::store::Object;
use ::bytes::Bytes;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Bytes of a virtual chunk, at most, where one cell is not larger.
pub const VIRTUAL_CHUNK_BYTES: usize = 4 << 20;

/// Where the bytes lie.
#[derive(Clone, Debug)]
pub enum Medium {
    /// In a file, from this offset on.
    File(Arc<dyn Object>, u64),
    /// In memory: the file's metadata held them.
    Memory(Bytes),
    /// Nowhere: the array was never written.
    Absent,
}

/// An uncompressed array.
#[derive(Clone, Debug)]
pub struct Strided {
    what: String,
    medium: Medium,
    dtype: DType,
    order: ByteOrder,
    shape: Vec<usize>,
    /// Distance between records (indices of the first axis) in bytes, where other variables lie between them.
    record_stride: Option<u64>,
    fill: Option<Vec<u8>>,
    grid: Vec<AxisChunks>,
}

impl Strided {
    /// An array of `shape` in `medium`. `what` names file and variable in errors.
    ///
    /// # Errors
    /// `Data` when the medium is too short for the shape.
    pub fn new(what: String, medium: Medium, (dtype, order): (DType, ByteOrder), shape: Vec<usize>) -> Result<Strided, RegionError> {
        let array =
            Strided { what, medium, dtype, order, grid: leading_grid(&shape, dtype.size()), shape, record_stride: None, fill: None };
        array.check_extent()?;
        Ok(array)
    }

    /// An array whose records (indices of the first axis) lie `stride` bytes apart.
    ///
    /// # Errors
    /// `Data` when the medium is too short for them.
    pub fn records(
        what: String,
        medium: Medium,
        (dtype, order): (DType, ByteOrder),
        shape: Vec<usize>,
        stride: u64,
    ) -> Result<Strided, RegionError> {
        let grid = leading_grid(&shape, dtype.size());
        let array = Strided { what, medium, dtype, order, grid, shape, record_stride: Some(stride), fill: None };
        array.check_extent()?;
        Ok(array)
    }

    /// The same array with the bytes of its fill value, in the array's byte order.
    pub fn with_fill(mut self, fill: Option<Vec<u8>>) -> Strided {
        self.fill = fill;
        self
    }

    fn check_extent(&self) -> Result<(), RegionError> {
        let cells = self.shape.iter().skip(1).try_fold(self.dtype.size() as u64, |n, &len| n.checked_mul(len as u64));
        let records = self.shape.first().copied().unwrap_or(1) as u64;
        let end = cells.and_then(|row| match self.record_stride {
            Some(stride) if records > 0 => stride.checked_mul(records - 1)?.checked_add(row),
            _ => row.checked_mul(records),
        });
        let room = match &self.medium {
            Medium::File(file, offset) => file.len().saturating_sub(*offset),
            Medium::Memory(bytes) => bytes.len() as u64,
            Medium::Absent => u64::MAX,
        };
        match end {
            Some(end) if end <= room => Ok(()),
            _ => Err(RegionError::data(format!("{}: shape {:?} needs more bytes than the file has left ({room})", self.what, self.shape))),
        }
    }

    /// Byte runs of a chunk: the first one's start, the distance between them, their length and number.
    fn runs(&self, chunk: &[usize]) -> Runs {
        let bounds = bounds_of(&self.grid, chunk);
        let size = self.dtype.size();
        let (records, inner) = match self.record_stride {
            Some(stride) => (bounds.first().map(|r| (r.start as u64 * stride, stride, r.len())), 1),
            None => (None, 0),
        };
        let start = self.shape.iter().zip(&bounds).skip(inner).fold(0u64, |n, (&len, r)| n * len as u64 + r.start as u64) * size as u64;
        let len = bounds.iter().skip(inner).map(|r| r.len()).product::<usize>() * size;
        let (offset, stride, count) = records.unwrap_or((0, len as u64, 1));
        Runs { start: offset + start, stride, len, count }
    }
}

struct Runs {
    start: u64,
    stride: u64,
    len: usize,
    count: usize,
}

impl Runs {
    /// From the first byte to the last.
    fn span(&self) -> u64 {
        self.stride * (self.count as u64).saturating_sub(1) + self.len as u64
    }

    fn gather(&self, file: &dyn Object, base: u64) -> Result<Bytes, RegionError> {
        let wanted = self.len * self.count;
        let span = self.span();
        if self.count <= 1 || self.stride == self.len as u64 {
            return file.read(base + self.start, wanted);
        }
        let mut out = Vec::with_capacity(wanted);
        if span <= 4 * wanted as u64 {
            let all = file.read(base + self.start, span as usize)?;
            for k in 0..self.count {
                let at = k * self.stride as usize;
                out.extend_from_slice(&all[at..at + self.len]);
            }
        } else {
            let runs: Vec<(u64, usize)> = (0..self.count as u64).map(|k| (base + self.start + k * self.stride, self.len)).collect();
            file.read_many(&runs)?.iter().for_each(|run| out.extend_from_slice(run));
        }
        Ok(out.into())
    }
}

impl Strided {
    /// File and variable.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Where its bytes lie.
    pub fn medium(&self) -> &Medium {
        &self.medium
    }

    /// Byte order of its cells.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// Bytes from one record to the next; `None` where it lies in one piece.
    pub fn record_stride(&self) -> Option<u64> {
        self.record_stride
    }

    /// The bytes of its fill value.
    pub fn fill(&self) -> Option<&[u8]> {
        self.fill.as_deref()
    }
}

impl ChunkSource for Strided {
    fn places(&self) -> Option<Places<'_>> {
        Some(Places::Strided(self))
    }

    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.dtype
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        match self.medium {
            Medium::Absent => 0,
            Medium::File(..) | Medium::Memory(_) => (shape_of(&self.grid, chunk).iter().product::<usize>() * self.dtype.size()) as u64,
        }
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        check_position(&self.what, &self.grid, chunk)?;
        let runs = self.runs(chunk);
        match &self.medium {
            Medium::File(file, base) => Ok(Some(Encoded::new(runs.gather(file.as_ref(), *base)?))),
            Medium::Memory(bytes) => {
                let range = runs.start as usize..runs.start as usize + runs.len;
                let held = bytes.get(range.clone()).ok_or_else(|| RegionError::data(format!("{}: its data is cut off", self.what)))?;
                Ok(Some(Encoded::new(bytes.slice_ref(held))))
            }
            Medium::Absent => Ok(None),
        }
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        check_position(&self.what, &self.grid, chunk)?;
        let shape = shape_of(&self.grid, chunk);
        let Some(encoded) = encoded else {
            return bytes::filled(self.dtype, &shape, self.order, self.fill.as_deref());
        };
        if encoded.bytes.len() != cells_of(self.dtype, &shape)? * self.dtype.size() {
            return Err(RegionError::data(format!("{}: chunk {chunk:?} has {} bytes", self.what, encoded.bytes.len())));
        }
        bytes::block_from(self.dtype, &shape, self.order, |out| {
            out.copy_from_slice(&encoded.bytes);
            Ok(())
        })
    }
}

/// That `chunk` is a position of `grid`.
///
/// # Errors
/// `Internal` when it is not.
pub fn check_position(what: &str, grid: &[AxisChunks], chunk: &[usize]) -> Result<(), RegionError> {
    let counts: Vec<usize> = grid.iter().map(AxisChunks::count).collect();
    match ravel(chunk, &counts) {
        Some(_) => Ok(()),
        None => Err(RegionError::internal(format!("{what}: no chunk {chunk:?} in a grid of {counts:?}"))),
    }
}

/// A grid whose chunks are contiguous runs of about 4 MiB: whole trailing axes, a part of one axis, single indices before it.
///
/// Depends on shape and size alone, so that work units are the same everywhere.
pub fn leading_grid(shape: &[usize], size: usize) -> Vec<AxisChunks> {
    let mut room = (VIRTUAL_CHUNK_BYTES / size.max(1)).max(1);
    let mut grid: Vec<AxisChunks> = shape
        .iter()
        .rev()
        .map(|&len| {
            let chunk = len.min(room).max(1);
            room = if chunk < len { 1 } else { room / chunk };
            room = room.max(1);
            AxisChunks::uniform(len, chunk)
        })
        .collect();
    grid.reverse();
    grid
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::source::{positions, read};
    use crate::store::local::LocalFile;

    #[test]
    fn the_virtual_grid_takes_whole_trailing_axes() {
        let counts = |shape: &[usize], size| leading_grid(shape, size).iter().map(AxisChunks::longest).collect::<Vec<_>>();
        assert_eq!(counts(&[1000, 361, 720], 4), [4, 361, 720]);
        assert_eq!(counts(&[10, 4_000_000], 4), [1, 1 << 20]);
        assert_eq!(counts(&[10], 8), [10]);
        assert!(counts(&[], 8).is_empty());
    }

    #[test]
    fn interleaved_records_are_gathered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        // Records of three big-endian u16 cells, 10 bytes apart, after a header of 4 bytes.
        let mut bytes = vec![9u8; 4];
        for record in 0..7u16 {
            for cell in 0..3u16 {
                bytes.extend((record * 3 + cell).to_be_bytes());
            }
            bytes.extend([255; 4]);
        }
        std::fs::write(&path, &bytes).unwrap();
        let file: Arc<dyn Object> = Arc::new(LocalFile::open(&path).unwrap());
        let kind = (DType::U16, ByteOrder::Big);
        let array = Strided::records("x".into(), Medium::File(file.clone(), 4), kind, vec![7, 3], 10).unwrap();
        let mut got = vec![];
        for chunk in positions(array.chunks()) {
            got.extend(read(&array, &chunk).unwrap().to_i64_vec());
        }
        assert_eq!(got, (0..21).collect::<Vec<i64>>());
        assert!(Strided::records("x".into(), Medium::File(file, 4), kind, vec![8, 3], 10).is_err());
        assert!(array.fetch(&[9, 0]).is_err());
    }

    #[test]
    fn cells_beyond_four_gibibytes_are_found() {
        use std::os::unix::fs::FileExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        // 700 records of a million cells, each followed by as much of another variable: 5.2 GiB, of which a page is on the disk.
        let (records, cells, stride) = (700usize, 1_000_000usize, 8_000_000u64);
        let out = std::fs::File::create(&path).unwrap();
        out.set_len(100 + records as u64 * stride).unwrap();
        out.write_all_at(&7.5f32.to_be_bytes(), 100 + 699 * stride + 999_999 * 4).unwrap();
        let file: Arc<dyn Object> = Arc::new(LocalFile::open(&path).unwrap());
        let kind = (DType::F32, ByteOrder::Big);
        let array = Strided::records("x".into(), Medium::File(file, 100), kind, vec![records, cells], stride).unwrap();
        let last: Vec<usize> = array.chunks().iter().map(|axis| axis.count() - 1).collect();
        let block = read(&array, &last).unwrap();
        assert_eq!(block.to_f64_vec().last(), Some(&7.5));
        assert_eq!(block.to_f64_vec().iter().filter(|x| **x != 0.0).count(), 1);
    }
}
