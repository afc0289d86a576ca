//! The form in which metadata is saved: plain structures, written by `postcard`; tables of chunks are flat little-endian arrays.
//!
//! In: nothing; plain data that borrows. Out: nothing. Never checked here.

use crate::source::chunked::Recipe;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// A group of a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Dataset<'a> {
    #[serde(borrow)]
    pub(super) attrs: Vec<Attr<'a>>,
    /// Each a [`Variable`] in a blob of its own.
    #[serde(borrow)]
    pub(super) variables: Vec<Blob<'a>>,
    #[serde(borrow)]
    pub(super) unreadable: Vec<(&'a str, &'a str)>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Attr<'a> {
    pub(super) name: &'a str,
    #[serde(borrow)]
    pub(super) value: AttrValue<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum AttrValue<'a> {
    Text(&'a str),
    #[serde(borrow)]
    Texts(Vec<&'a str>),
    #[serde(borrow)]
    Numbers(Array<'a>),
}

/// Numbers, little-endian in C order; `dtype` counts in the order of `DType::ALL`.
#[derive(Serialize, Deserialize)]
pub(super) struct Array<'a> {
    pub(super) dtype: u8,
    pub(super) shape: Vec<u64>,
    #[serde(borrow)]
    pub(super) bytes: Blob<'a>,
}

/// Bytes: owned where they are made to be written, borrowed where they were read.
pub(super) struct Blob<'a>(pub(super) Cow<'a, [u8]>);

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Blob<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Blob<'a>, D::Error> {
        <&'de [u8]>::deserialize(from).map(|bytes| Blob(Cow::Borrowed(bytes)))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    #[serde(borrow)]
    pub(super) dims: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) attrs: Vec<Attr<'a>>,
    #[serde(borrow)]
    pub(super) filters: Vec<&'a str>,
    pub(super) type_name: &'a str,
    pub(super) file_chunks: Option<Vec<u64>>,
    #[serde(borrow)]
    pub(super) cells: Cells<'a>,
    /// Every cell as stored, where they were read.
    #[serde(borrow)]
    pub(super) whole: Option<Array<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Cells<'a> {
    #[serde(borrow)]
    Numbers(Source<'a>),
    #[serde(borrow)]
    Characters(Source<'a>),
    Texts {
        shape: Vec<u64>,
        #[serde(borrow)]
        texts: Vec<&'a str>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Source<'a> {
    /// What stands behind the file's name in errors.
    pub(super) what: &'a str,
    pub(super) dtype: u8,
    pub(super) is_big: bool,
    pub(super) shape: Vec<u64>,
    #[serde(borrow)]
    pub(super) fill: Option<Blob<'a>>,
    #[serde(borrow)]
    pub(super) place: Place<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Place<'a> {
    Chunked {
        chunk_shape: Vec<u64>,
        recipe: Vec<Recipe>,
        #[serde(borrow)]
        table: Table<'a>,
    },
    File {
        offset: u64,
        record_stride: Option<u64>,
    },
    Memory(#[serde(borrow)] Blob<'a>),
    Absent,
    // Last: a program without it reads all others.
    #[cfg(feature = "grib")]
    Fields(#[serde(borrow)] Fields<'a>),
}

/// Fields of a GRIB file: how each is scanned, and as many numbers (`u64`, ascending) as offsets (`u64`) and lengths (`u32`); the offsets and
/// lengths of bitmaps that lie elsewhere are 0 where there is none, and empty where no field has one.
#[cfg(feature = "grib")]
#[derive(Serialize, Deserialize)]
pub(super) struct Fields<'a> {
    pub(super) scan: u8,
    #[serde(borrow)]
    pub(super) numbers: Blob<'a>,
    #[serde(borrow)]
    pub(super) offsets: Blob<'a>,
    #[serde(borrow)]
    pub(super) lens: Blob<'a>,
    #[serde(borrow)]
    pub(super) bitmap_offsets: Blob<'a>,
    #[serde(borrow)]
    pub(super) bitmap_lens: Blob<'a>,
}

/// Where chunks lie: as many `u64` of offsets as `u32` of lengths; `skipped` (`u32`) is empty where no chunk skips a filter. `numbers` (`u64`,
/// ascending) says which chunks these are; where it is absent, they are all.
#[derive(Serialize, Deserialize)]
pub(super) struct Table<'a> {
    #[serde(borrow)]
    pub(super) numbers: Option<Blob<'a>>,
    #[serde(borrow)]
    pub(super) offsets: Blob<'a>,
    #[serde(borrow)]
    pub(super) lens: Blob<'a>,
    #[serde(borrow)]
    pub(super) skipped: Blob<'a>,
}
