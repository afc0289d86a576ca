//! A finished result: its cells as `ndarray` sees them, its labels, its receipt, and files of it.
//!
//! In: what a run gave. Out: views, files. Never computes.

use super::kind::{Array, Dataset, Whole};
use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use crate::output;
use crate::plot::Style;
use crate::receipt::Receipt;
use crate::result::{self, Outcome};
use ndarray::{ArrayD, ArrayViewD, IxDyn};
use std::marker::PhantomData;
use std::path::Path;
use xeng_kernels::DType;
use xeng_kernels::dtype::Element;
use xeng_proto::{Attrs, Values};

/// A finished array or dataset. [`std::fmt::Display`] is a short text with numbers, as xarray prints one.
#[derive(Clone, Debug)]
pub struct Computed<K> {
    parts: Parts,
    kind: PhantomData<fn() -> K>,
}

/// What a run gave, and what it was made from.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) outcome: Outcome,
    pub(super) receipt: Receipt,
    pub(super) opens: Vec<OpenSpec>,
}

/// A coordinate of a finished array.
#[derive(Clone, Copy, Debug)]
pub struct Coord<'a>(&'a result::Coordinate);

impl<K: Whole> Computed<K> {
    pub(super) fn of(parts: Parts) -> Result<Computed<K>> {
        let is_array = std::any::TypeId::of::<K>() == std::any::TypeId::of::<Array>();
        if is_array == matches!(parts.outcome, Outcome::Array(_)) {
            return Ok(Computed { parts, kind: PhantomData });
        }
        let (got, cast) = if is_array { ("a dataset", "Dataset") } else { ("an array", "Array") };
        Err(Error::request(format!("this gives {got}, and {} is wanted", K::NAME)).hint(format!("say so before: .cast::<{cast}>()")))
    }

    /// What it took: bytes read and sent, chunks, seconds, a digest of the result.
    pub fn receipt(&self) -> &Receipt {
        &self.parts.receipt
    }

    /// The plain result.
    pub fn outcome(&self) -> &Outcome {
        &self.parts.outcome
    }

    /// The plain result, without a copy.
    pub fn into_outcome(self) -> Outcome {
        self.parts.outcome
    }

    /// Writes it in the format of the ending: `.nc`, `.zarr`, `.json`, `.csv`, `.parquet` or `.png`; whole, or not at all. The number of bytes.
    ///
    /// # Errors
    /// `Request` for an unknown ending, a path that cannot be written to, what the format cannot hold, or a file that the result was read from.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        output::check_path(path)?;
        crate::cli::inputs::spare(&self.parts.opens, [path.to_path_buf()])?;
        Ok(output::write(&self.parts.outcome, path, &Style::default())?)
    }
}

impl Computed<Array> {
    fn array(&self) -> Option<&result::Array> {
        output::arrays(&self.parts.outcome).first()
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.array()?.name.as_deref()
    }

    /// Its dims, in order.
    pub fn dims(&self) -> &[String] {
        self.array().map_or(&[], |a| &a.dims)
    }

    /// Length along each dim.
    pub fn shape(&self) -> &[usize] {
        self.array().map_or(&[], |a| &a.shape)
    }

    /// Its attribute of a name, such as `units`.
    pub fn attr(&self, name: &str) -> Option<&xeng_proto::AttrValue> {
        self.array()?.attrs.get(name)
    }

    /// Its coordinates.
    pub fn coords(&self) -> impl Iterator<Item = Coord<'_>> {
        self.array().into_iter().flat_map(|a| &a.coords).map(Coord)
    }

    /// The coordinate of a name.
    ///
    /// # Errors
    /// `Request` when there is none, with the nearest one.
    pub fn coord(&self, name: &str) -> Result<Coord<'_>> {
        self.coords().find(|c| c.name() == name).ok_or_else(|| {
            let hint = crate::suggest::did_you_mean_or_list(name, self.coords().map(|c| c.0.name.as_str()));
            Error::request(format!("the result has no coordinate '{name}'")).hint_if(hint)
        })
    }

    /// The type of its cells; nothing for times and texts.
    pub fn dtype(&self) -> Option<DType> {
        dtype(&self.array()?.values)
    }

    /// Its cells, as they are: a view, C order, **Missing** is NaN.
    ///
    /// # Errors
    /// `Request` when the cells are of another type: [`Computed::to_f64`] converts.
    pub fn values<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        view(self.cells()?)
    }

    /// Its cells as floats; times as microseconds since 1970, missing ones as NaN.
    ///
    /// # Errors
    /// `Request` when they are texts.
    pub fn to_f64(&self) -> Result<ArrayD<f64>> {
        floats(self.cells()?, self.shape())
    }

    /// The cell of a result without dims, as a float.
    ///
    /// # Errors
    /// `Request` when it has not exactly one cell, or is a text.
    pub fn scalar(&self) -> Result<f64> {
        let cells = self.to_f64()?;
        match (cells.len(), cells.first()) {
            (1, Some(&cell)) => Ok(cell),
            (n, _) => Err(Error::request(format!("the result has {n} cells, not one"))),
        }
    }

    fn cells(&self) -> Result<&Values> {
        self.array().map(|a| &a.values).ok_or_else(|| Error::internal("the run gave no array"))
    }
}

impl Computed<Dataset> {
    /// The names of its variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        output::arrays(&self.parts.outcome).iter().filter_map(|a| a.name.as_deref())
    }

    /// One of its variables.
    ///
    /// # Errors
    /// `Request` when there is none of this name, with the nearest one.
    pub fn var(&self, name: &str) -> Result<Computed<Array>> {
        let found = output::arrays(&self.parts.outcome).iter().find(|a| a.name.as_deref() == Some(name));
        let array = found.ok_or_else(|| {
            let hint = crate::suggest::did_you_mean_or_list(name, self.names());
            Error::request(format!("the result has no variable '{name}'")).hint_if(hint)
        })?;
        Computed::of(Parts { outcome: Outcome::Array(array.clone()), receipt: self.parts.receipt.clone(), opens: self.parts.opens.clone() })
    }

    /// Its attributes.
    pub fn attrs(&self) -> Option<&Attrs> {
        match &self.parts.outcome {
            Outcome::Dataset { attrs, .. } => Some(attrs),
            Outcome::Array(_) => None,
        }
    }
}

impl<'a> Coord<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.0.name
    }

    /// Its dims, all of them the array's.
    pub fn dims(&self) -> &'a [String] {
        &self.0.dims
    }

    /// Its labels, where they are numbers of this type.
    ///
    /// # Errors
    /// `Request` when they are of another type, or no numbers.
    pub fn values<T: Element>(&self) -> Result<ArrayViewD<'a, T>> {
        view(&self.0.values)
    }

    /// Its labels as floats; times as microseconds since 1970 in their calendar, missing ones as NaN.
    ///
    /// # Errors
    /// `Request` when they are texts.
    pub fn to_f64(&self) -> Result<ArrayD<f64>> {
        floats(&self.0.values, &self.0.shape)
    }

    /// Its labels, where they are texts.
    pub fn texts(&self) -> Option<&'a [String]> {
        match &self.0.values {
            Values::Texts(texts) => Some(texts),
            Values::Numbers(_) | Values::Times(_) => None,
        }
    }

    /// Whatever its labels are.
    pub fn labels(&self) -> &'a Values {
        &self.0.values
    }
}

fn dtype(values: &Values) -> Option<DType> {
    match values {
        Values::Numbers(block) => Some(block.dtype()),
        Values::Times(_) | Values::Texts(_) => None,
    }
}

fn view<T: Element>(values: &Values) -> Result<ArrayViewD<'_, T>> {
    let Values::Numbers(block) = values else {
        return Err(Error::request("these are times or texts, no numbers").hint("ask for to_f64(), texts() or labels()"));
    };
    T::unwrap_ref(block).map(|array| array.view()).ok_or_else(|| {
        let (got, wanted) = (block.dtype(), T::DTYPE);
        Error::request(format!("the cells are {got}, not {wanted}")).hint("ask for their own type, or for to_f64()")
    })
}

fn floats(values: &Values, shape: &[usize]) -> Result<ArrayD<f64>> {
    let cells = match values {
        Values::Numbers(block) => block.to_f64_vec(),
        Values::Times(times) => times.micros.iter().map(|&t| if t == i64::MIN { f64::NAN } else { t as f64 }).collect(),
        Values::Texts(_) => return Err(Error::request("these are texts, no numbers").hint("ask for texts()")),
    };
    ArrayD::from_shape_vec(IxDyn(shape), cells).map_err(|e| Error::internal("cells do not fit their shape").caused_by(e))
}

impl<K: Whole> std::fmt::Display for Computed<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(output::repr(&self.parts.outcome).trim_end())
    }
}
