//! An n-dimensional array of one element type, in memory: what chunks decode to and operators give.
//!
//! In: typed arrays. Out: slices, casts, pieces. NaN is missing, as in xarray. Never reads a file.

use crate::bounds::{self, Bounds};
use crate::dtype::{DType, Element};
use crate::error::{KernelError, Result};
use crate::formula::cast::Source;
use crate::{dispatch, with_array};
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use std::ops::Range;

/// An n-dimensional array of one element type, always in C order (row-major, contiguous).
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Block {
    Bool(ArrayD<bool>),
    I8(ArrayD<i8>),
    I16(ArrayD<i16>),
    I32(ArrayD<i32>),
    I64(ArrayD<i64>),
    U8(ArrayD<u8>),
    U16(ArrayD<u16>),
    U32(ArrayD<u32>),
    U64(ArrayD<u64>),
    F32(ArrayD<f32>),
    F64(ArrayD<f64>),
}

impl Block {
    /// A block of `shape` from its elements in C order.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the number of elements is not the product of `shape`.
    pub fn from_vec<T: Element>(shape: &[usize], data: Vec<T>) -> Result<Block> {
        let got = data.len();
        ArrayD::from_shape_vec(IxDyn(shape), data).map(T::wrap).map_err(|_| KernelError::Shape { expected: shape.to_vec(), got: vec![got] })
    }

    /// A block of rank 0.
    pub fn scalar<T: Element>(value: T) -> Block {
        T::wrap(ArrayD::from_elem(IxDyn(&[]), value))
    }

    /// A block filled with one value, rounded or wrapped to `dtype`.
    pub fn filled(dtype: DType, shape: &[usize], value: f64) -> Block {
        dispatch!(dtype, T => T::wrap(ArrayD::from_elem(IxDyn(shape), T::from_f64(value))))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Block::Bool(_) => DType::Bool,
            Block::I8(_) => DType::I8,
            Block::I16(_) => DType::I16,
            Block::I32(_) => DType::I32,
            Block::I64(_) => DType::I64,
            Block::U8(_) => DType::U8,
            Block::U16(_) => DType::U16,
            Block::U32(_) => DType::U32,
            Block::U64(_) => DType::U64,
            Block::F32(_) => DType::F32,
            Block::F64(_) => DType::F64,
        }
    }

    /// Length along each axis.
    pub fn shape(&self) -> &[usize] {
        with_array!(self, a => a.shape())
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape().len()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        with_array!(self, a => a.len())
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its elements.
    pub fn bytes(&self) -> usize {
        self.len() * self.dtype().size()
    }

    /// The elements in C order, when the block has element type `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::unwrap_ref(self).and_then(|a| a.as_slice())
    }

    /// The elements in C order as floats.
    pub fn to_f64_vec(&self) -> Vec<f64> {
        with_array!(self, a => a.iter().map(|x| x.to_f64()).collect())
    }

    /// The elements in C order as integers.
    pub fn to_i64_vec(&self) -> Vec<i64> {
        with_array!(self, a => a.iter().map(|x| x.to_i64()).collect())
    }

    /// The elements in C order as little-endian bytes.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        macro_rules! le {
            ($a:expr) => {{
                let mut out = vec![0; self.bytes()];
                let cells = out.chunks_exact_mut(self.dtype().size());
                match $a.as_slice() {
                    Some(slice) => cells.zip(slice).for_each(|(cell, x)| cell.copy_from_slice(&x.to_le_bytes())),
                    None => cells.zip($a.iter()).for_each(|(cell, x)| cell.copy_from_slice(&x.to_le_bytes())),
                }
                out
            }};
        }
        match self {
            Block::Bool(a) => a.iter().map(|&x| x as u8).collect(),
            Block::I8(a) => le!(a),
            Block::I16(a) => le!(a),
            Block::I32(a) => le!(a),
            Block::I64(a) => le!(a),
            Block::U8(a) => le!(a),
            Block::U16(a) => le!(a),
            Block::U32(a) => le!(a),
            Block::U64(a) => le!(a),
            Block::F32(a) => le!(a),
            Block::F64(a) => le!(a),
        }
    }

    /// A block from little-endian bytes in C order: the inverse of [`Self::to_le_bytes`].
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the bytes are not exactly those of `shape`.
    pub fn from_le_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Block> {
        let len = bounds::size_of(&bounds::whole(shape));
        if len.checked_mul(dtype.size()) != Some(bytes.len()) {
            return Err(KernelError::Shape { expected: shape.to_vec(), got: vec![bytes.len() / dtype.size()] });
        }
        macro_rules! le {
            ($t:ty) => {
                bytes.chunks_exact(size_of::<$t>()).map(|c| <$t>::from_le_bytes(c.try_into().unwrap_or_default())).collect::<Vec<$t>>()
            };
        }
        match dtype {
            DType::Bool => Block::from_vec(shape, bytes.iter().map(|&b| b != 0).collect()),
            DType::I8 => Block::from_vec(shape, le!(i8)),
            DType::I16 => Block::from_vec(shape, le!(i16)),
            DType::I32 => Block::from_vec(shape, le!(i32)),
            DType::I64 => Block::from_vec(shape, le!(i64)),
            DType::U8 => Block::from_vec(shape, bytes.to_vec()),
            DType::U16 => Block::from_vec(shape, le!(u16)),
            DType::U32 => Block::from_vec(shape, le!(u32)),
            DType::U64 => Block::from_vec(shape, le!(u64)),
            DType::F32 => Block::from_vec(shape, le!(f32)),
            DType::F64 => Block::from_vec(shape, le!(f64)),
        }
    }

    /// The same values in another element type, as NumPy's `astype` on x86-64: integers wrap, floats truncate, and floats that do not
    /// fit an integer give what the processor's conversion gives.
    pub fn cast(&self, to: DType) -> Block {
        if self.dtype() == to {
            return self.clone();
        }
        dispatch!(to, T => with_array!(self, a => T::wrap(a.mapv(|x| x.to::<T>()))))
    }

    /// The part of the block inside `bounds`.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when `bounds` has another rank or leaves the block.
    pub fn slice(&self, bounds: &[Range<usize>]) -> Result<Block> {
        if bounds.len() != self.rank() || bounds.iter().zip(self.shape()).any(|(r, &n)| r.end > n || r.start > r.end) {
            return Err(KernelError::Shape { expected: self.shape().to_vec(), got: bounds::shape_of(bounds) });
        }
        if bounds.iter().zip(self.shape()).all(|(r, &n)| r.start == 0 && r.end == n) {
            return Ok(self.clone());
        }
        Ok(with_array!(self, a => Element::wrap(
            a.slice_each_axis(|ax| Slice::from(bounds[ax.axis.index()].clone())).as_standard_layout().into_owned())))
    }

    /// Copies `piece` into the box `at` of this block.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the shapes differ, [`KernelError::DType`] when the types do.
    pub fn paste(&mut self, at: &Bounds, piece: &Block) -> Result<()> {
        if at.len() != self.rank() || bounds::shape_of(at) != piece.shape() || at.iter().zip(self.shape()).any(|(r, &n)| r.end > n) {
            return Err(KernelError::Shape { expected: bounds::shape_of(at), got: piece.shape().to_vec() });
        }
        let (want, got) = (self.dtype(), piece.dtype());
        with_array!(self, a => match Element::unwrap_ref(piece) {
            Some(p) => {
                a.slice_each_axis_mut(|ax| Slice::from(at[ax.axis.index()].clone())).assign(p);
                Ok(())
            }
            None => Err(KernelError::DType { expected: want, got }),
        })
    }

    /// The block with its axes in the order `order` (a permutation), as `numpy.transpose`.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when `order` is no permutation of the axes.
    pub fn transpose(&self, order: &[usize]) -> Result<Block> {
        let mut seen = vec![false; self.rank()];
        let valid = order.len() == self.rank() && order.iter().all(|&o| o < seen.len() && !std::mem::replace(&mut seen[o], true));
        if !valid {
            return Err(KernelError::Shape { expected: self.shape().to_vec(), got: order.to_vec() });
        }
        Ok(with_array!(self, a => Element::wrap(a.view().permuted_axes(IxDyn(order)).as_standard_layout().into_owned())))
    }

    /// The same elements under another shape of the same size.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when the sizes differ.
    pub fn reshape(self, shape: &[usize]) -> Result<Block> {
        let got = self.shape().to_vec();
        with_array!(self, a => a.into_shape_with_order(IxDyn(shape)).map(Element::wrap).map_err(|_| KernelError::Shape { expected: shape.to_vec(), got }))
    }

    /// Rows of `axis` picked by index; a negative index gives a missing value (zero in integers and bools).
    ///
    /// # Errors
    /// [`KernelError::Shape`] when an index leaves the axis.
    pub fn take(&self, axis: usize, indices: &[i64]) -> Result<Block> {
        let length = *self.shape().get(axis).unwrap_or(&0);
        if axis >= self.rank() || indices.iter().any(|&i| i >= length as i64) {
            return Err(KernelError::Shape { expected: self.shape().to_vec(), got: vec![axis] });
        }
        Ok(with_array!(self, a => take_rows(a, axis, indices)))
    }

    /// Blocks joined along an existing axis.
    ///
    /// # Errors
    /// [`KernelError::Shape`] when there are none or the other axes differ, [`KernelError::DType`] when the types do.
    pub fn concat(axis: usize, blocks: &[&Block]) -> Result<Block> {
        let first = blocks.first().ok_or(KernelError::Shape { expected: vec![1], got: vec![0] })?;
        dispatch!(first.dtype(), T => {
            let views = blocks
                .iter()
                .map(|b| T::unwrap_ref(b).map(|a| a.view()).ok_or(KernelError::DType { expected: first.dtype(), got: b.dtype() }))
                .collect::<Result<Vec<_>>>()?;
            ndarray::concatenate(Axis(axis), &views)
                .map(T::wrap)
                .map_err(|_| KernelError::Shape { expected: first.shape().to_vec(), got: vec![axis] })
        })
    }
}

fn take_rows<T: Element>(a: &ArrayD<T>, axis: usize, indices: &[i64]) -> Block {
    let mut shape = a.shape().to_vec();
    shape[axis] = indices.len();
    let missing = if T::DTYPE.is_float() { T::from_f64(f64::NAN) } else { T::default() };
    let mut out = ArrayD::from_elem(IxDyn(&shape), missing);
    for (mut row, &i) in out.axis_iter_mut(Axis(axis)).zip(indices) {
        if i >= 0 {
            row.assign(&a.index_axis(Axis(axis), i as usize));
        }
    }
    T::wrap(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `np.array([300.5, -1.0, 1e20, nan]).astype(...)` of NumPy 2 on x86-64.
    #[test]
    fn casts_are_numpys_astype() {
        let floats = Block::from_vec(&[4], vec![300.5, -1.0, 1e20, f64::NAN]).unwrap();
        assert_eq!(floats.cast(DType::I32).to_i64_vec(), [300, -1, i32::MIN as i64, i32::MIN as i64]);
        assert_eq!(floats.cast(DType::U8).to_i64_vec(), [44, 255, 0, 0]);
        assert_eq!(floats.cast(DType::I64).to_i64_vec(), [300, -1, i64::MIN, i64::MIN]);
        assert_eq!(floats.cast(DType::Bool).to_i64_vec(), [1, 1, 1, 1]);
        let large = Block::from_vec(&[1], vec![(1u64 << 63) + (1 << 39) + 1]).unwrap();
        assert_eq!(large.cast(DType::F32).to_f64_vec(), [9_223_373_136_366_403_584.0], "rounded once");
    }
}
