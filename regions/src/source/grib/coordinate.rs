//! A coordinate: labels along a dimension, or one label.
//!
//! In: numbers. Out: a variable whose cells lie in memory. Never decodes times.

use super::super::bytes::ByteOrder;
use super::super::netcdf3::numbers;
use super::super::raw::{RawCells, RawVariable};
use super::super::strided::{Medium, Strided};
use std::sync::Arc;
use xeng_kernels::DType;
use xeng_proto::{AttrValue, Attrs, RegionError};

/// Labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Labels {
    /// Whole numbers: members, seconds.
    Whole(Vec<i64>),
    /// Other numbers: hours, levels, degrees.
    Real(Vec<f64>),
}

/// A coordinate variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coordinate {
    /// Its dimensions: none, one, or for `valid_time` two.
    pub(super) dims: Vec<String>,
    /// The length along each.
    pub(super) shape: Vec<usize>,
    /// Its labels in C order.
    pub(super) labels: Labels,
    /// Its attributes.
    pub(super) attrs: Attrs,
}

impl Coordinate {
    /// The labels of the dimension `name`; one label is a scalar where it is to be squeezed.
    pub(super) fn along(name: &str, labels: Labels, is_squeezed: Squeeze) -> Coordinate {
        let count = labels.count();
        let is_scalar = is_squeezed == Squeeze::One && count == 1;
        let (dims, shape) = if is_scalar { (vec![], vec![]) } else { (vec![name.to_owned()], vec![count]) };
        Coordinate { dims, shape, labels, attrs: attrs_of(name) }
    }

    /// As a variable of a file.
    ///
    /// # Errors
    /// `Data` when there are more labels than memory can hold.
    pub(super) fn variable(&self, what: String) -> Result<RawVariable, RegionError> {
        let (dtype, bytes): (DType, Vec<u8>) = match &self.labels {
            Labels::Whole(labels) => (DType::I64, labels.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Labels::Real(labels) => (DType::F64, labels.iter().flat_map(|n| n.to_le_bytes()).collect()),
        };
        let source = Strided::new(what, Medium::Memory(bytes.into()), (dtype, ByteOrder::Little), self.shape.clone())?;
        Ok(RawVariable {
            dims: self.dims.clone(),
            attrs: self.attrs.clone(),
            filters: vec![],
            type_name: dtype.name().into(),
            file_chunks: None,
            cells: RawCells::Numbers(Arc::new(source)),
        })
    }

    /// Its labels for people: the ends of many.
    pub(super) fn shown(&self) -> String {
        let texts = |n: usize| match &self.labels {
            Labels::Whole(labels) => labels.get(n).map(i64::to_string).unwrap_or_default(),
            Labels::Real(labels) => labels.get(n).map(f64::to_string).unwrap_or_default(),
        };
        match self.labels.count() {
            1 => texts(0),
            2 => format!("{}, {}", texts(0), texts(1)),
            count => format!("{} ... {} ({count} of them)", texts(0), texts(count - 1)),
        }
    }
}

/// Whether a dimension of length 1 becomes a scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Squeeze {
    /// It does.
    One,
    /// It stays.
    Never,
}

impl Labels {
    pub(super) fn count(&self) -> usize {
        match self {
            Labels::Whole(labels) => labels.len(),
            Labels::Real(labels) => labels.len(),
        }
    }
}

/// The attributes that cfgrib gives a coordinate (its `COORD_ATTRS`); `step` is not marked as a duration.
fn attrs_of(name: &str) -> Attrs {
    let list: &[(&str, &str)] = match name {
        "latitude" => &[("units", "degrees_north"), ("standard_name", "latitude"), ("long_name", "latitude")],
        "longitude" => &[("units", "degrees_east"), ("standard_name", "longitude"), ("long_name", "longitude")],
        "depthBelowLand" | "depthBelowLandLayer" => {
            &[("long_name", "soil depth"), ("units", "m"), ("positive", "down"), ("standard_name", "depth")]
        }
        "hybrid" => &[
            ("long_name", "hybrid level"),
            ("units", "1"),
            ("positive", "down"),
            ("standard_name", "atmosphere_hybrid_sigma_pressure_coordinate"),
        ],
        "heightAboveGround" => {
            &[("long_name", "height above the surface"), ("units", "m"), ("positive", "up"), ("standard_name", "height")]
        }
        "isobaricInhPa" => &[
            ("long_name", "pressure"),
            ("units", "hPa"),
            ("positive", "down"),
            ("stored_direction", "decreasing"),
            ("standard_name", "air_pressure"),
        ],
        "isobaricInPa" => &[
            ("long_name", "pressure"),
            ("units", "Pa"),
            ("positive", "down"),
            ("stored_direction", "decreasing"),
            ("standard_name", "air_pressure"),
        ],
        "isobaricLayer" => &[("long_name", "pressure"), ("units", "Pa"), ("positive", "down"), ("standard_name", "air_pressure")],
        "number" => &[("long_name", "ensemble member numerical id"), ("units", "1"), ("standard_name", "realization")],
        "step" => &[("long_name", "time since forecast_reference_time"), ("units", "hours"), ("standard_name", "forecast_period")],
        "time" => &[
            ("long_name", "initial time of forecast"),
            ("units", "seconds since 1970-01-01T00:00:00"),
            ("calendar", "proleptic_gregorian"),
            ("standard_name", "forecast_reference_time"),
        ],
        "valid_time" => &[
            ("units", "seconds since 1970-01-01T00:00:00"),
            ("calendar", "proleptic_gregorian"),
            ("standard_name", "time"),
            ("long_name", "time"),
        ],
        level => {
            let text = format!("original GRIB coordinate for key: level({level})");
            return [("long_name", text), ("units", "1".to_owned())].map(|(k, v)| (k.to_owned(), AttrValue::Text(v))).into();
        }
    };
    list.iter().map(|(name, value)| ((*name).to_owned(), AttrValue::Text((*value).to_owned()))).collect()
}

/// An attribute that is a whole number.
pub(super) fn whole(value: i64) -> AttrValue {
    numbers(&[value])
}

/// An attribute that is a number.
pub(super) fn real(value: f64) -> AttrValue {
    numbers(&[value])
}

/// An attribute that is a text.
pub(super) fn text(value: impl Into<String>) -> AttrValue {
    AttrValue::Text(value.into())
}
