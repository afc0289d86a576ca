//! Labelled arrays that are not computed yet: a graph node with coordinates, attributes and a name.
//!
//! In: descriptions of datasets. Out: nouns that `resolve` transforms. Never holds cells but those of small coordinates.

pub mod fold;
pub mod labels;
pub mod plan;
pub mod value;

pub use labels::Label;
pub use plan::{OpenedDataset, Plan, PlanSource};
pub use value::{Number, Value};

use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::NodeId;
use xeng_proto::{Attrs, TimeEncoding, Values};

/// A lazy `DataArray`. Its dims, shape and element type are those of its graph node.
#[derive(Clone, Debug, PartialEq)]
pub struct LazyArray {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The node that gives its cells.
    pub node: NodeId,
    /// Coordinates, each spanning some of the array's dims.
    pub coords: IndexMap<String, LazyCoord>,
    /// Attributes.
    pub attrs: Attrs,
    /// What the cells stand for.
    pub cells: Cells,
}

/// What the numbers of a node stand for.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Themselves.
    Numbers,
    /// Microseconds since 1970 in this calendar (`i64::MIN` is missing), written in these units.
    Times(TimeEncoding),
    /// Indices into this table of texts.
    Texts(Arc<[String]>),
}

/// A coordinate of a lazy array.
#[derive(Clone, Debug, PartialEq)]
pub struct LazyCoord {
    /// Its dimensions, in axis order.
    pub dims: Vec<String>,
    /// Its cells.
    pub data: CoordData,
    /// Attributes.
    pub attrs: Attrs,
}

/// The cells of a coordinate.
#[derive(Clone, Debug, PartialEq)]
pub enum CoordData {
    /// Known while planning, C order, with their shape.
    Known(Arc<Values>, Vec<usize>),
    /// To be computed.
    Lazy(NodeId, Cells),
}

impl LazyCoord {
    /// A coordinate along the dimension `dim` with known cells.
    pub fn along(dim: &str, values: Values, attrs: Attrs) -> LazyCoord {
        let shape = vec![values.len()];
        LazyCoord { dims: vec![dim.to_owned()], data: CoordData::Known(Arc::new(values), shape), attrs }
    }

    /// A coordinate of rank 0 with a known cell.
    pub fn scalar(value: Values, attrs: Attrs) -> LazyCoord {
        LazyCoord { dims: vec![], data: CoordData::Known(Arc::new(value), vec![]), attrs }
    }

    /// Its cells, where they are known.
    pub fn known(&self) -> Option<&Arc<Values>> {
        match &self.data {
            CoordData::Known(values, _) => Some(values),
            CoordData::Lazy(..) => None,
        }
    }
}

impl LazyArray {
    /// The labels of dimension `dim`: those of the coordinate called like it.
    pub fn index(&self, dim: &str) -> Option<&Arc<Values>> {
        self.coords.get(dim).filter(|c| c.dims.len() == 1 && c.dims[0] == dim).and_then(LazyCoord::known)
    }
}

/// A lazy `Dataset`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LazyDataset {
    /// Data variables by name, each with the coordinates that fit its dims.
    pub variables: IndexMap<String, LazyArray>,
    /// Every coordinate.
    pub coords: IndexMap<String, LazyCoord>,
    /// Attributes of the whole.
    pub attrs: Attrs,
}
