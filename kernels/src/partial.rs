//! Partial results: plain state arrays that can be merged with their like, sent, and finished once.
//!
//! In: state arrays. Out: their cells, typed. Never knows which reduction they belong to.

use crate::block::Block;
use crate::error::{KernelError, Result};

/// The state of one reduction over some of its input: one block per state field, all of the result's shape.
///
/// Which fields there are, and of what type, is said by `Reduction::fields`.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// One block per state field.
    pub states: Vec<Block>,
}

impl Partial {
    /// Bytes of all state arrays.
    pub fn bytes(&self) -> usize {
        self.states.iter().map(Block::bytes).sum()
    }

    /// The shape of the state arrays, which is that of the result; empty where there are no states.
    pub fn shape(&self) -> &[usize] {
        self.states.first().map_or(&[], Block::shape)
    }

    /// The cells of the first state field and of the second one, if `B` is not `()`.
    pub(crate) fn open<A: Cell, B: Cell>(&mut self) -> Result<(&mut [A], &mut [B])> {
        let n = self.states.first().map_or(0, Block::len);
        let mut states = self.states.iter_mut();
        let opened = (A::open(states.next(), n)?, B::open(states.next(), n)?);
        if opened.1.len() == n { Ok(opened) } else { Err(uneven()) }
    }

    /// As [`Self::open`], to read.
    pub(crate) fn view<A: Cell, B: Cell>(&self) -> Result<(&[A], &[B])> {
        let n = self.states.first().map_or(0, Block::len);
        let mut states = self.states.iter();
        let viewed = (A::view(states.next(), n)?, B::view(states.next(), n)?);
        if viewed.1.len() == n { Ok(viewed) } else { Err(uneven()) }
    }
}

fn uneven() -> KernelError {
    KernelError::malformed("partial", "its state arrays differ in length")
}

fn lacking() -> KernelError {
    KernelError::malformed("partial", "a state array is missing or of another type")
}

/// A type that state arrays can hold; `()` stands for a field that is not there.
pub(crate) trait Cell: Copy + Send + Sync + 'static {
    /// The cells of a state array; `n` of them where the field is not there.
    fn open(block: Option<&mut Block>, n: usize) -> Result<&mut [Self]>;
    /// As [`Self::open`], to read.
    fn view(block: Option<&Block>, n: usize) -> Result<&[Self]>;
}

impl Cell for () {
    fn open(block: Option<&mut Block>, n: usize) -> Result<&mut [()]> {
        // A vector of nothing owns no memory, so that there is nothing to leak.
        if block.is_none() { Ok(vec![(); n].leak()) } else { Err(lacking()) }
    }
    fn view(block: Option<&Block>, n: usize) -> Result<&[()]> {
        if block.is_none() { Ok(vec![(); n].leak()) } else { Err(lacking()) }
    }
}

macro_rules! cell {
    ($($t:ty => $variant:ident),*) => {$(
        impl Cell for $t {
            fn open(block: Option<&mut Block>, _: usize) -> Result<&mut [$t]> {
                match block {
                    Some(Block::$variant(a)) => a.as_slice_mut().ok_or_else(lacking),
                    _ => Err(lacking()),
                }
            }
            fn view(block: Option<&Block>, _: usize) -> Result<&[$t]> {
                match block {
                    Some(Block::$variant(a)) => a.as_slice().ok_or_else(lacking),
                    _ => Err(lacking()),
                }
            }
        }
    )*};
}
cell!(bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32, f64 => F64);
