//! Arrays of numbers, in the smallest of a few packings, and their element types.
//!
//! In: blocks. Out: messages whose size is known before they are unpacked. Never changes a bit of a cell.

use super::budget::{Budget, MAX_RANK, at_most, length};
use super::integers::VARINT_BYTES;
use super::pack::{deltas, expand, shuffle, squeeze, undelta, unshuffle};
use super::{Wire, malformed, need, newer, pb};
use crate::error::RegionError;
use pb::block::Cells;
use xeng_kernels::{Block, DType};

/// Fast enough to keep ahead of a gigabit link.
const LEVEL: i32 = 1;

/// Results up to this size travel as they are: packing would save at most a millisecond of a gigabit link, far below a round trip, and
/// what crosses the link is then what was predicted, whatever the values.
const SMALL_RESULT_BYTES: usize = 128 << 10;

impl Wire for Block {
    type Message = pb::Block;

    fn to_wire(&self) -> pb::Block {
        let shape = self.shape().iter().map(|&n| n as u64).collect();
        pb::Block { dtype: dtype_to_wire(self.dtype()), shape, cells: Some(pack(self)) }
    }

    fn from_wire(message: pb::Block, budget: &mut Budget) -> Result<Block, RegionError> {
        let dtype = dtype_from_wire(message.dtype)?;
        at_most(message.shape.len(), MAX_RANK, "axes")?;
        let shape = message.shape.iter().map(|&n| length(n, "an axis")).collect::<Result<Vec<usize>, _>>()?;
        let count = message.shape.iter().try_fold(1u64, |n, &len| n.checked_mul(len));
        // Zero anywhere makes an empty array, whatever the other lengths multiply to.
        let count = if shape.contains(&0) { 0 } else { count.ok_or_else(|| malformed("an array too large to count"))? };
        let bytes = budget.take(count, dtype.size())?;
        unpack(need(message.cells, "an array's cells")?, dtype, &shape, bytes)
    }
}

/// An array of a result: as [`Block::to_wire`], but not packed where it is small.
pub(super) fn result_to_wire(block: &Block) -> pb::Block {
    if block.bytes() > SMALL_RESULT_BYTES {
        return block.to_wire();
    }
    let shape = block.shape().iter().map(|&n| n as u64).collect();
    pb::Block { dtype: dtype_to_wire(block.dtype()), shape, cells: Some(Cells::Raw(block.to_le_bytes().into())) }
}

fn pack(block: &Block) -> Cells {
    if let Some(spacing) = spacing(block) {
        return Cells::Spacing(spacing);
    }
    if block.rank() == 1 && block.dtype().is_integer() && block.dtype().size() >= 4 {
        let plain = deltas(block.to_i64_vec().into_iter());
        let frame = squeeze(&plain, LEVEL);
        // Numbers far apart take more as varints than as they are: the general packing serves those.
        if frame.as_ref().map_or(plain.len(), Vec::len) < block.bytes() / 2 {
            return frame.map_or_else(|| Cells::Deltas(plain.into()), |z| Cells::DeltasZstd(z.into()));
        }
    }
    let cells = block.to_le_bytes();
    let size = block.dtype().size();
    let frame = if size == 1 { squeeze(&cells, LEVEL) } else { squeeze(&shuffle(&cells, size), LEVEL) };
    match frame {
        Some(frame) if size == 1 => Cells::Zstd(frame.into()),
        Some(frame) => Cells::ShuffledZstd(frame.into()),
        None => Cells::Raw(cells.into()),
    }
}

fn unpack(cells: Cells, dtype: DType, shape: &[usize], bytes: usize) -> Result<Block, RegionError> {
    let count = bytes / dtype.size();
    let integers = |packed: &[u8]| {
        if !dtype.is_integer() {
            return Err(malformed(format!("{dtype} cells packed as integers")));
        }
        let block = Block::from_vec(shape, undelta(packed, count)?).map_err(malformed)?;
        let narrow = block.cast(dtype);
        if dtype != DType::U64 && narrow.cast(DType::I64) != block {
            return Err(malformed(format!("integers that do not fit {dtype}")));
        }
        Ok(narrow)
    };
    let plain = |cells: &[u8]| {
        if dtype == DType::Bool && cells.iter().any(|&b| b > 1) {
            return Err(malformed("a bool that is neither 0 nor 1"));
        }
        Block::from_le_bytes(dtype, shape, cells).map_err(malformed)
    };
    match cells {
        Cells::Raw(cells) => plain(&cells),
        Cells::Zstd(frame) => plain(&expand(&frame, bytes)?),
        Cells::ShuffledZstd(frame) => {
            let planes = expand(&frame, bytes)?;
            if planes.len() != bytes {
                return Err(malformed(format!("{} bytes of cells where {bytes} were stated", planes.len())));
            }
            plain(&unshuffle(&planes, dtype.size()))
        }
        Cells::Deltas(packed) => integers(&packed),
        Cells::DeltasZstd(frame) => integers(&expand(&frame, count.saturating_mul(VARINT_BYTES))?),
        Cells::Spacing(s) if dtype == DType::F64 && shape.len() == 1 => {
            Block::from_vec(shape, (0..count).map(|i| s.start + i as f64 * s.step).collect::<Vec<f64>>()).map_err(malformed)
        }
        Cells::Spacing(_) => Err(malformed("evenly spaced cells must be float64 of rank 1")),
    }
}

/// The spacing that gives every cell bit for bit, if there is one.
fn spacing(block: &Block) -> Option<pb::Spacing> {
    let values = block.as_slice::<f64>().filter(|v| v.len() > 2 && block.rank() == 1)?;
    let (start, next, last) = (values[0], values[1], values[values.len() - 1]);
    let even = |step: f64| values.iter().enumerate().all(|(i, v)| (start + i as f64 * step).to_bits() == v.to_bits());
    [next - start, (last - start) / (values.len() - 1) as f64].into_iter().find(|&step| even(step)).map(|step| pb::Spacing { start, step })
}

/// A list of floats as an array of rank 1.
pub(super) fn floats_to_wire(values: &[f64]) -> pb::Block {
    match Block::from_vec(&[values.len()], values.to_vec()) {
        Ok(block) => block.to_wire(),
        // A vector always has the shape of its own length.
        Err(_) => pb::Block::default(),
    }
}

/// The inverse of [`floats_to_wire`].
pub(super) fn floats_from_wire(message: pb::Block, budget: &mut Budget) -> Result<Vec<f64>, RegionError> {
    let block = Block::from_wire(message, budget)?;
    match block.as_slice::<f64>() {
        Some(values) if block.rank() == 1 => Ok(values.to_vec()),
        _ => Err(malformed(format!("coordinate values of type {} and rank {}", block.dtype(), block.rank()))),
    }
}

pub(super) fn dtype_to_wire(dtype: DType) -> i32 {
    let message = match dtype {
        DType::Bool => pb::DType::Bool,
        DType::I8 => pb::DType::Int8,
        DType::I16 => pb::DType::Int16,
        DType::I32 => pb::DType::Int32,
        DType::I64 => pb::DType::Int64,
        DType::U8 => pb::DType::Uint8,
        DType::U16 => pb::DType::Uint16,
        DType::U32 => pb::DType::Uint32,
        DType::U64 => pb::DType::Uint64,
        DType::F32 => pb::DType::Float32,
        DType::F64 => pb::DType::Float64,
    };
    message.into()
}

pub(super) fn dtype_from_wire(message: i32) -> Result<DType, RegionError> {
    Ok(match super::known(pb::DType::try_from(message), "element type")? {
        pb::DType::Unspecified => return Err(newer("element type")),
        pb::DType::Bool => DType::Bool,
        pb::DType::Int8 => DType::I8,
        pb::DType::Int16 => DType::I16,
        pb::DType::Int32 => DType::I32,
        pb::DType::Int64 => DType::I64,
        pb::DType::Uint8 => DType::U8,
        pb::DType::Uint16 => DType::U16,
        pb::DType::Uint32 => DType::U32,
        pb::DType::Uint64 => DType::U64,
        pb::DType::Float32 => DType::F32,
        pb::DType::Float64 => DType::F64,
    })
}
