//! A result as the variables of a file that follows the CF conventions, as xarray encodes them.
//!
//! In: an outcome. Out: dimensions, variables and attributes, ready for NetCDF or Zarr. Never copies large data.

use super::{DEFAULT_NAME, OutputError, WRITER, arrays, calendar};
use crate::result::{Array, Coordinate, Outcome};
use indexmap::IndexMap;
use std::borrow::Cow;
use xeng_kernels::Block;
use xeng_proto::{AttrValue, Attrs, Values};

/// A file's content.
pub struct File<'a> {
    /// Lengths of the dimensions.
    pub dims: IndexMap<String, usize>,
    /// Variables, coordinates first.
    pub variables: IndexMap<String, Variable<'a>>,
    /// Attributes of the whole.
    pub attrs: Attrs,
}

/// One variable of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable<'a> {
    /// Its dimensions.
    pub dims: Vec<String>,
    /// Length along each.
    pub shape: Vec<usize>,
    /// Its cells in C order.
    pub cells: Cells<'a>,
    /// Its attributes.
    pub attrs: Attrs,
    /// Whether NaN is declared as its fill value.
    pub has_fill: bool,
}

/// The cells of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells<'a> {
    /// Numbers.
    Numbers(Cow<'a, Block>),
    /// Texts.
    Texts(&'a [String]),
}

/// Attributes that would change how the cells are read, or that formats keep to themselves.
const RESERVED: [&str; 14] = [
    "_Encoding",
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
    "dtype",
    "coordinates",
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_NCProperties",
];

/// Encodes an outcome.
///
/// An array without a name, or with that of one of its coordinates or dimensions, is called [`DEFAULT_NAME`].
///
/// # Errors
/// [`OutputError::Conflict`] when two arrays of a dataset disagree about a dimension, a coordinate or a name.
pub fn encode(outcome: &Outcome) -> Result<File<'_>, OutputError> {
    let mut file = File { dims: IndexMap::new(), variables: IndexMap::new(), attrs: Attrs::new() };
    for array in arrays(outcome) {
        add_dims(&mut file, array)?;
        for coord in &array.coords {
            add(&mut file, "coordinates", &coord.name, coordinate(coord, array))?;
        }
    }
    for array in arrays(outcome) {
        add(&mut file, "variables", &free_name(array, outcome), variable(array))?;
    }
    if let Outcome::Dataset { attrs, .. } = outcome {
        file.attrs = attrs.clone();
    }
    let before = match file.attrs.shift_remove("history") {
        Some(AttrValue::Text(text)) => format!("\n{text}"),
        _ => String::new(),
    };
    file.attrs.insert("Conventions".into(), AttrValue::Text("CF-1.11".into()));
    file.attrs.insert("history".into(), AttrValue::Text(format!("Written by {WRITER}.{before}")));
    Ok(file)
}

fn add_dims(file: &mut File<'_>, array: &Array) -> Result<(), OutputError> {
    for (dim, &length) in array.dims.iter().zip(&array.shape) {
        let known = *file.dims.entry(dim.clone()).or_insert(length);
        if known != length {
            let why = format!("its length is {known} in one array and {length} in another");
            return Err(OutputError::Conflict { what: "dimensions", name: dim.clone(), why });
        }
    }
    Ok(())
}

fn add<'a>(file: &mut File<'a>, what: &'static str, name: &str, variable: Variable<'a>) -> Result<(), OutputError> {
    match file.variables.get(name) {
        Some(known) if what == "coordinates" && same(known, &variable) => Ok(()),
        Some(_) => Err(OutputError::Conflict { what, name: name.to_owned(), why: "they differ".into() }),
        None => {
            file.variables.insert(name.to_owned(), variable);
            Ok(())
        }
    }
}

/// Equal cells; NaN equals NaN, attributes may differ (the first array's are kept).
fn same(a: &Variable<'_>, b: &Variable<'_>) -> bool {
    let cells = match (&a.cells, &b.cells) {
        (Cells::Numbers(x), Cells::Numbers(y)) => x.dtype() == y.dtype() && x.to_le_bytes() == y.to_le_bytes(),
        (x, y) => x == y,
    };
    a.dims == b.dims && a.shape == b.shape && cells && a.attrs.get("units") == b.attrs.get("units")
}

/// What an array is called in a file.
pub(crate) fn free_name(array: &Array, outcome: &Outcome) -> String {
    let taken = |name: &str| array.dims.iter().any(|d| d == name) || array.coords.iter().any(|c| c.name == name);
    match (&array.name, outcome) {
        (Some(name), Outcome::Dataset { .. }) => name.clone(),
        (Some(name), _) if !name.is_empty() && !taken(name) => name.clone(),
        _ => DEFAULT_NAME.to_owned(),
    }
}

fn coordinate<'a>(coord: &'a Coordinate, array: &Array) -> Variable<'a> {
    let mut variable = cells(&coord.values, &coord.dims, &coord.shape, &coord.attrs);
    let labels_a_dim = array.dims.contains(&coord.name);
    // CF allows no missing values where a coordinate labels a dimension.
    variable.has_fill &= !labels_a_dim && has_nan(&variable.cells);
    if matches!(variable.cells, Cells::Numbers(_)) {
        geography(&coord.name, labels_a_dim, &mut variable.attrs);
    }
    variable
}

fn variable(array: &Array) -> Variable<'_> {
    let mut variable = cells(&array.values, &array.dims, &array.shape, &array.attrs);
    let others: Vec<&str> = array.coords.iter().map(|c| c.name.as_str()).filter(|name| !array.dims.iter().any(|d| d == name)).collect();
    if !others.is_empty() {
        variable.attrs.insert("coordinates".into(), AttrValue::Text(others.join(" ")));
    }
    variable
}

fn cells<'a>(values: &'a Values, dims: &[String], shape: &[usize], attrs: &Attrs) -> Variable<'a> {
    let mut attrs: Attrs =
        attrs.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    let cells = match values {
        Values::Numbers(block) => Cells::Numbers(Cow::Borrowed(block)),
        Values::Texts(texts) => Cells::Texts(texts),
        Values::Times(times) => {
            let (block, units) = calendar::encode(times);
            attrs.insert("units".into(), AttrValue::Text(units));
            attrs.insert("calendar".into(), AttrValue::Text(times.encoding.calendar.name().into()));
            Cells::Numbers(Cow::Owned(block))
        }
    };
    let has_fill = matches!(&cells, Cells::Numbers(block) if block.dtype().is_float());
    Variable { dims: dims.to_vec(), shape: shape.to_vec(), cells, attrs, has_fill }
}

fn has_nan(cells: &Cells<'_>) -> bool {
    matches!(cells, Cells::Numbers(block) if block.dtype().is_float() && block.to_f64_vec().iter().any(|v| v.is_nan()))
}

/// Completes what readers such as CDO need in order to see a grid, where a name leaves no doubt (CF 1.11, sections 4.1, 4.2) and
/// nothing else says it: attributes that came with the data are left as they are.
fn geography(name: &str, labels_a_dim: bool, attrs: &mut Attrs) {
    let (units, standard_name, axis) = match name.to_ascii_lowercase().as_str() {
        "lat" | "latitude" => ("degrees_north", "latitude", "Y"),
        "lon" | "longitude" => ("degrees_east", "longitude", "X"),
        _ => return,
    };
    if ["units", "standard_name", "axis"].iter().any(|key| attrs.contains_key(*key)) {
        return;
    }
    let mut complete = |key: &str, value: &str| {
        attrs.entry(key.to_owned()).or_insert_with(|| AttrValue::Text(value.to_owned()));
    };
    complete("units", units);
    complete("standard_name", standard_name);
    if labels_a_dim {
        complete("axis", axis);
    }
}
