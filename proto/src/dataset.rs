//! What a dataset holds, as a region tells it: names, shapes, chunks, coordinates, never the data itself.
//!
//! In: nothing; plain descriptions. Out: nothing. Never longer than O(files + coordinates).

use indexmap::IndexMap;
use xeng_kernels::{AxisChunks, Block, Calendar, DType};

/// Which dataset is meant, and how it is opened. The keys are those of `--open NAME=URI,key=value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DatasetSpec {
    /// A path, a glob or a Zarr directory, as the region sees it.
    pub uri: String,
    /// Further paths of a list that `uri` is the first of.
    pub more: Vec<String>,
    /// The dimension that several files are joined along; by default the one whose coordinate differs.
    pub concat: Option<String>,
    /// The group inside each file.
    pub group: Option<String>,
    /// Leave times as plain numbers (`decode_times=false`).
    pub keep_times_encoded: bool,
    /// Variables that are left out.
    pub drop: Vec<String>,
}

impl DatasetSpec {
    /// Every path of the list, in its order.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.uri.as_str()).chain(self.more.iter().map(String::as_str))
    }

    /// What is opened, for people: of a long list, its ends.
    pub fn shown(&self) -> String {
        match self.more.as_slice() {
            [] => self.uri.clone(),
            [one] => format!("{}, {one}", self.uri),
            [.., last] => format!("{}, ..., {last} ({} in all)", self.uri, self.more.len() + 1),
        }
    }
}

/// A dataset as a region describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What was opened.
    pub spec: DatasetSpec,
    /// Changes whenever the files do: a digest of their names, sizes and modification times.
    pub snapshot: String,
    /// Number of files (a Zarr store counts as one).
    pub files: u64,
    /// Size of the files, in bytes.
    pub stored_bytes: u64,
    /// Every variable and coordinate, by name, in the file's order.
    pub variables: IndexMap<String, Variable>,
    /// Attributes of the dataset.
    pub attrs: Attrs,
    /// Variables that are there but left out, and why.
    pub unreadable: IndexMap<String, String>,
}

/// A variable as a region describes it, after CF decoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Dimension names, in axis order.
    pub dims: Vec<String>,
    /// Chunks along each axis; their lengths are the variable's shape.
    pub chunks: Vec<AxisChunks>,
    /// Element type as stored.
    pub stored: DType,
    /// What its decoded cells are.
    pub kind: Kind,
    /// How stored cells become decoded ones.
    pub decode: Decode,
    /// Attributes, as xarray shows them: those used in decoding are gone.
    pub attrs: Attrs,
    /// Names of the filters or codecs that its chunks pass through.
    pub filters: Vec<String>,
    /// Whether xarray makes it a coordinate (named like its dimension, or listed in a `coordinates` attribute).
    pub is_coordinate: bool,
    /// Its decoded cells in C order, where it is a coordinate of rank 0 or 1: these are part of the description.
    pub values: Option<Values>,
}

impl Variable {
    /// Length along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.chunks.iter().map(AxisChunks::len).collect()
    }
}

/// What the decoded cells of a variable are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers of this type.
    Number(DType),
    /// Times, from numbers in these units.
    Time(TimeEncoding),
    /// Texts.
    Text,
}

/// How times are written as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeEncoding {
    /// Such as `hours since 1900-01-01`.
    pub units: String,
    /// The calendar.
    pub calendar: Calendar,
}

/// CF decoding of numbers: `stored == fill -> missing`, then `stored * scale + offset`, in type `dtype`.
#[derive(Clone, Debug, PartialEq)]
pub struct Decode {
    /// Stored signed integers are to be read as unsigned (`_Unsigned = "true"`), or the reverse.
    pub flip_sign: bool,
    /// Stored values that mean missing (`_FillValue`, `missing_value`), compared in the stored type.
    pub fills: Vec<f64>,
    /// `scale_factor`.
    pub scale: Option<f64>,
    /// `add_offset`.
    pub offset: Option<f64>,
    /// Element type of the result, by xarray's rules.
    pub dtype: DType,
}

impl Decode {
    /// No decoding: cells stay as they are stored.
    pub fn none(dtype: DType) -> Decode {
        Decode { flip_sign: false, fills: vec![], scale: None, offset: None, dtype }
    }
}

/// Decoded cells in C order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers, with their shape.
    Numbers(Block),
    /// Times.
    Times(Times),
    /// Texts.
    Texts(Vec<String>),
}

impl Values {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Values::Numbers(block) => block.len(),
            Values::Times(times) => times.micros.len(),
            Values::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Points in time of one calendar, C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Microseconds since 1970-01-01T00:00:00 of `encoding.calendar`; `i64::MIN` is missing (`NaT`).
    pub micros: Vec<i64>,
    /// How they were written as numbers, and are written again.
    pub encoding: TimeEncoding,
}

/// Attributes by name, in the file's order.
pub type Attrs = IndexMap<String, AttrValue>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttrValue {
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// Numbers, a block of rank 0 (one number) or 1.
    Numbers(Block),
}
