//! A dataset as one file holds it, before CF decoding: what every format's reader gives.
//!
//! In: nothing; plain data. Out: nothing. Never interprets attributes.

use super::ChunkSource;
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_proto::Attrs;

/// The variables of one group of one file.
#[derive(Clone, Default)]
pub struct RawDataset {
    /// Attributes of the group.
    pub attrs: Attrs,
    /// Variables by name, in the file's order.
    pub variables: IndexMap<String, RawVariable>,
    /// Variables that cannot be read, and why.
    pub unreadable: IndexMap<String, String>,
}

/// One variable before CF decoding.
#[derive(Clone)]
pub struct RawVariable {
    /// Dimension names, in axis order.
    pub dims: Vec<String>,
    /// Attributes as stored.
    pub attrs: Attrs,
    /// Names of its filters or codecs.
    pub filters: Vec<String>,
    /// NumPy's name of the type as stored; `|S1` for characters, `object` for strings.
    pub type_name: String,
    /// The shape of the chunks that the file itself is cut into; `None` where it is contiguous.
    pub file_chunks: Option<Vec<usize>>,
    /// Its cells.
    pub cells: RawCells,
}

/// The cells of a variable.
#[derive(Clone)]
pub enum RawCells {
    /// Numbers, read chunk by chunk.
    Numbers(Arc<dyn ChunkSource>),
    /// Single characters, one byte each, read chunk by chunk: the last dimension runs along the text.
    Characters(Arc<dyn ChunkSource>),
    /// Texts, read when the file was opened, in C order.
    Texts {
        /// Length along each axis.
        shape: Vec<usize>,
        /// The texts.
        texts: Vec<String>,
    },
}

impl RawVariable {
    /// Length along each axis.
    pub fn shape(&self) -> Vec<usize> {
        match &self.cells {
            RawCells::Numbers(source) | RawCells::Characters(source) => source.chunks().iter().map(|a| a.len()).collect(),
            RawCells::Texts { shape, .. } => shape.clone(),
        }
    }
}
