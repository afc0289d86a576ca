//! Array mathematics of xeng: blocks of numbers, element-wise formulas, mergeable reductions, and the
//! graph of operators that a region evaluates box by box.
//!
//! This crate does no input or output, knows no clock and no thread: everything here is a pure function
//! of its arguments, so that a result depends on the data and the expression alone.

pub mod along;
pub mod block;
pub mod bounds;
pub mod boxes;
pub mod calendar;
pub mod chunks;
pub mod dtype;
pub mod error;
pub mod evaluate;
pub mod formula;
pub mod graph;
pub mod interp;
pub mod partial;
pub mod points;
pub mod reduce;
pub mod remap;
mod reshape;
mod simd;
pub mod tiling;
pub mod tree;
pub mod work;

pub use block::Block;
pub use bounds::Bounds;
pub use calendar::Calendar;
pub use chunks::AxisChunks;
pub use dtype::{DType, Element};
pub use error::{KernelError, Result};
pub use evaluate::{Evaluator, Known, Leaves, NoLeaves};
pub use formula::{Formula, Operand};
pub use graph::{Dim, Graph, Node, NodeId, Op};
pub use partial::Partial;
pub use reduce::{Field, Fold, Reduction};
pub use tiling::Tiling;
pub use tree::MergeTree;
pub use work::WorkPlan;
