//! One field of a file: what it is of, where it lies on the earth, and where its bytes are.
//!
//! In: nothing; plain data. Out: nothing. Never holds values.

use super::grid::Grid;
use super::product::Product;
use std::sync::Arc;

/// A field that can be read.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) product: Product,
    pub(super) grid: Arc<Grid>,
    /// Its packing, as ecCodes names it.
    pub(super) packing: &'static str,
    pub(super) place: Place,
}

/// The sections 5 to 7 of a field, which lie behind each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where section 5 begins.
    pub(crate) offset: u64,
    /// Bytes of the three sections.
    pub(crate) len: u32,
    /// The section 6 of an earlier field of the message, where that is the field's bitmap: its offset and bytes.
    pub(crate) bitmap: Option<(u64, u32)>,
}

/// The fields of a file.
#[derive(Default)]
pub(super) struct Fields {
    /// Those that can be read, in the file's order.
    pub(super) known: Vec<Field>,
    /// Those that cannot.
    pub(super) unknown: Vec<Unknown>,
}

/// A field that cannot be read.
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) reason: String,
    /// What it is of, where that is understood.
    pub(super) product: Option<Product>,
}
