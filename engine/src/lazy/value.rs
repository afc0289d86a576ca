//! What a part of an expression can be while it is resolved: arrays, numbers, and the things that methods are called on.
//!
//! In: nothing; plain data. Out: names for messages. Never computes.

use super::{LazyArray, LazyDataset};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::Block;
use xeng_kernels::graph::Dim;
use xeng_proto::Values;

/// A Python number: weak in NumPy's promotion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
}

impl Number {
    /// Its value as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(v) => v as f64,
            Number::Float(v) => v,
        }
    }
}

/// The value of an expression.
#[derive(Clone, Debug)]
pub enum Value {
    /// A `DataArray`.
    Array(LazyArray),
    /// A `Dataset`.
    Dataset(LazyDataset),
    /// `int` or `float`
    Number(Number),
    /// `bool`
    Bool(bool),
    /// `str`
    Text(String),
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `slice(start, stop, step)`
    Slice(Box<[Value; 3]>),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A dict; its keys are texts.
    Dict(IndexMap<String, Value>),
    /// A NumPy array without labels, or a NumPy scalar (rank 0): strong in promotion.
    Numpy(Block),
    /// A `numpy.datetime64` scalar, with its text for labels.
    DateTime(String),
    /// `float(da)` of one cell that depends on data: a Python number that is known later.
    Later(Box<LazyArray>),
    /// A NumPy dtype, such as `np.float32`.
    DType(xeng_kernels::DType),
    /// `da.groupby(...)` or `da.resample(...)`.
    Grouped(Box<Grouped>),
    /// `da.stack(p=['y', 'x'])`.
    Stacked(Box<Stacked>),
    /// `da.groupby_bins(...)` by values that depend on data.
    Binned(Box<Binned>),
    /// `da.weighted(w)`.
    Weighted(Box<Weighted>),
    /// `da.coarsen(...)`.
    Coarsened(Box<Coarsened>),
    /// `da.rolling(...)` or `da.cumulative(...)`.
    Rolled(Box<Rolled>),
    /// `da.loc` or `ds.loc`.
    Loc(Box<Value>),
    /// `da.time.dt`, and the like.
    Accessor(Accessor, Box<LazyArray>),
    /// `np` or `xr`.
    Module(Module),
    /// A function of a module, by name.
    Function(Module, String),
}

/// A module in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// `numpy`
    Numpy,
    /// `xarray`
    Xarray,
    /// Python itself.
    Builtins,
}

/// An accessor of a DataArray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accessor {
    /// `.dt`
    Dt,
    /// `.str`
    Str,
    /// `.xeng`
    Xeng,
}

/// Arrays under a grouping of one of their dims.
#[derive(Clone, Debug)]
pub struct Grouped {
    /// What is grouped: an array or a dataset.
    pub object: Value,
    /// The grouping.
    pub by: Grouping,
}

/// The groups of the indices of one dim.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// The grouped dim of the object.
    pub along: String,
    /// The group of each index, -1 for none.
    pub codes: Arc<[i32]>,
    /// The dim that replaces it.
    pub dim: Dim,
    /// The label of each group.
    pub labels: Values,
    /// Attributes of the group coordinate.
    pub attrs: xeng_proto::Attrs,
    /// `groupby` or `resample`.
    pub kind: GroupingKind,
    /// Where some bins of a `resample` are empty: the group of each bin, -1 for none. Labels are then those of the bins.
    pub bins: Option<Vec<i64>>,
    /// Of several keys: what each gives; bins are then their combinations, the last key's changing first.
    pub parts: Vec<GroupingPart>,
}

/// One of several keys that indices are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupingPart {
    /// Its name.
    pub name: String,
    /// The label of each of its groups.
    pub labels: Values,
    /// Attributes of its coordinate.
    pub attrs: xeng_proto::Attrs,
}

/// Which call made a grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupingKind {
    /// `.groupby(...)`
    GroupBy,
    /// `.resample(...)`
    Resample,
}

/// Arrays some of whose dims are seen as one.
#[derive(Clone, Debug)]
pub struct Stacked {
    /// An array or a dataset, the stacked dims last in the order of their cells.
    pub object: Value,
    /// The dims behind each stacked one.
    pub dims: IndexMap<String, Vec<String>>,
}

/// An array whose cells fall into bins of values that depend on data.
#[derive(Clone, Debug)]
pub struct Binned {
    /// What is grouped.
    pub object: LazyArray,
    /// The values: its dims are among those of the array.
    pub key: LazyArray,
    /// The edges of the bins, ascending.
    pub edges: Vec<f64>,
    /// Whether a bin holds its later edge, not its earlier one.
    pub right: bool,
    /// Whether the first bin holds its earlier edge too.
    pub lowest: bool,
    /// The name and labels of the bins.
    pub part: GroupingPart,
}

/// Arrays with weights.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// What is weighted: an array or a dataset.
    pub object: Value,
    /// The weights.
    pub weights: LazyArray,
}

/// Arrays cut into windows that do not overlap.
#[derive(Clone, Debug)]
pub struct Coarsened {
    /// What is cut: an array or a dataset.
    pub object: Value,
    /// Per dim: the window's length.
    pub windows: IndexMap<String, usize>,
    /// What happens to indices that fill no window.
    pub boundary: Boundary,
    /// Where windows are counted from.
    pub side: Side,
    /// How coordinates are coarsened, by name: `mean`, `min`, `max` or `sum`; those not named by their mean.
    pub coord_func: IndexMap<String, String>,
}

impl Coarsened {
    /// How the coordinate called `name` is coarsened.
    pub fn func_of(&self, name: &str) -> &str {
        self.coord_func.get(name).map_or("mean", String::as_str)
    }
}

/// Arrays under windows that slide.
#[derive(Clone, Debug)]
pub struct Rolled {
    /// What is looked at: an array or a dataset.
    pub object: Value,
    /// Per dim: its window.
    pub windows: IndexMap<String, Window>,
    /// Cells of a window that must be there and not missing, at least 1.
    pub least: usize,
}

/// A window along one dim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Cells of the window, at least 1.
    pub cells: usize,
    /// How many of them come before the cell that the window belongs to.
    pub before: usize,
}

/// What `coarsen` does with indices that fill no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Refuse.
    Exact,
    /// Leave them out.
    Trim,
    /// Fill up with missing cells.
    Pad,
}

/// Where `coarsen` starts to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At the first index.
    Left,
    /// At the last index.
    Right,
}

impl Value {
    /// What a Python user calls it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Array(_) => "DataArray",
            Value::Dataset(_) => "Dataset",
            Value::Number(Number::Int(_)) => "int",
            Value::Number(Number::Float(_)) => "float",
            Value::Bool(_) => "bool",
            Value::Text(_) => "str",
            Value::None => "None",
            Value::Ellipsis => "...",
            Value::Slice(_) => "slice",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Numpy(_) => "numpy array",
            Value::DateTime(_) => "numpy.datetime64",
            Value::DType(_) => "dtype",
            Value::Later(_) => "a number that depends on data",
            Value::Grouped(g) => match g.by.kind {
                GroupingKind::GroupBy => "groupby object",
                GroupingKind::Resample => "resample object",
            },
            Value::Stacked(_) => "stacked object",
            Value::Binned(_) => "groupby object",
            Value::Weighted(_) => "weighted object",
            Value::Coarsened(_) => "coarsen object",
            Value::Rolled(_) => "rolling object",
            Value::Loc(_) => ".loc indexer",
            Value::Accessor(Accessor::Dt, _) => ".dt accessor",
            Value::Accessor(Accessor::Str, _) => ".str accessor",
            Value::Accessor(Accessor::Xeng, _) => ".xeng accessor",
            Value::Module(Module::Numpy) => "module np",
            Value::Module(Module::Xarray) => "module xr",
            Value::Module(Module::Builtins) => "module",
            Value::Function(..) => "function",
        }
    }
}
