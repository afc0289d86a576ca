//! A result as JSON, laid out as xarray's `to_dict`.
//!
//! In: an outcome. Out: one JSON object. Missing cells are `null`, times ISO texts, infinities the texts `"Infinity"` and `"-Infinity"`.

use super::OutputError;
use super::number::Texts;
use crate::result::{Array, Coordinate, Outcome};
use serde_json::{Map, Value, json};
use std::io::Write;
use xeng_kernels::{Block, DType};
use xeng_proto::{AttrValue, Attrs, Values};

/// Writes `outcome`: `{name, dims, shape, dtype, attrs, coords: {name: {dims, shape, dtype, attrs, data}}, data}`, or for a dataset
/// `{attrs, data_vars: {name: {..}}}`. Arrays of times also have a `calendar`.
///
/// # Errors
/// [`OutputError::Io`].
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    match outcome {
        Outcome::Array(array) => write_array(array, out)?,
        Outcome::Dataset { arrays, attrs } => {
            write!(out, "{{\"attrs\": {}, \"data_vars\": {{", attributes(attrs))?;
            for (i, array) in arrays.iter().enumerate() {
                let name = array.name.clone().unwrap_or_else(|| format!("{}{i}", super::DEFAULT_NAME));
                write!(out, "{}{}: ", if i > 0 { ",\n" } else { "\n" }, Value::from(name))?;
                write_array(array, out)?;
            }
            out.write_all(b"}}")?;
        }
    }
    Ok(out.write_all(b"\n")?)
}

fn write_array(array: &Array, out: &mut dyn Write) -> Result<(), OutputError> {
    write!(out, "{{\"name\": {}, ", array.name.as_deref().map_or(Value::Null, Value::from))?;
    write_head(&array.dims, &array.shape, &array.values, &array.attrs, out)?;
    out.write_all(b"\"coords\": {")?;
    for (i, coord) in array.coords.iter().enumerate() {
        write!(out, "{}{}: {{", if i > 0 { ",\n" } else { "\n" }, Value::from(coord.name.as_str()))?;
        write_coordinate(coord, out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"},\n\"data\": ")?;
    write_cells(&array.values, &array.shape, out)?;
    Ok(out.write_all(b"}")?)
}

fn write_coordinate(coord: &Coordinate, out: &mut dyn Write) -> Result<(), OutputError> {
    write_head(&coord.dims, &coord.shape, &coord.values, &coord.attrs, out)?;
    out.write_all(b"\"data\": ")?;
    write_cells(&coord.values, &coord.shape, out)
}

fn write_head(dims: &[String], shape: &[usize], values: &Values, attrs: &Attrs, out: &mut dyn Write) -> Result<(), OutputError> {
    write!(out, "\"dims\": {}, \"shape\": {}, ", json!(dims), json!(shape))?;
    write!(out, "\"dtype\": {}, \"attrs\": {}, ", Value::from(dtype_name(values)), attributes(attrs))?;
    if let Values::Times(times) = values {
        write!(out, "\"calendar\": {}, ", Value::from(times.encoding.calendar.name()))?;
    }
    Ok(())
}

/// How NumPy and xarray would call the type of these cells.
pub(super) fn dtype_name(values: &Values) -> &'static str {
    match values {
        Values::Numbers(block) => block.dtype().name(),
        Values::Times(_) => "datetime64[us]",
        Values::Texts(_) => "str",
    }
}

/// Nested lists, innermost rows on a line of their own.
fn write_cells(values: &Values, shape: &[usize], out: &mut dyn Write) -> Result<(), OutputError> {
    let texts = Texts::of(values);
    if shape.contains(&0) {
        // Nothing to nest: as many lists as the leading lengths tell, up to the empty one.
        return Ok(write!(out, "{}", empty(shape))?);
    }
    let quoted = !matches!(values, Values::Numbers(_));
    let is_bool = matches!(values, Values::Numbers(block) if block.dtype() == DType::Bool);
    for index in 0..values.len() {
        let (opens, closes) = brackets(index, shape);
        out.write_all(
            if index == 0 {
                ""
            } else if opens > 0 {
                ",\n"
            } else {
                ", "
            }
            .as_bytes(),
        )?;
        (0..opens).try_for_each(|_| out.write_all(b"["))?;
        match texts.cell(index) {
            None => out.write_all(b"null")?,
            Some(text) if quoted => write!(out, "{}", Value::from(text))?,
            Some(text) if is_bool => out.write_all(text.to_ascii_lowercase().as_bytes())?,
            Some(text) if text == "inf" => out.write_all(b"\"Infinity\"")?,
            Some(text) if text == "-inf" => out.write_all(b"\"-Infinity\"")?,
            Some(text) => out.write_all(text.as_bytes())?,
        }
        (0..closes).try_for_each(|_| out.write_all(b"]"))?;
    }
    Ok(())
}

fn empty(shape: &[usize]) -> Value {
    match shape.split_first() {
        Some((&n, rest)) if n > 0 && rest.contains(&0) => Value::Array(vec![empty(rest); n.min(1 << 16)]),
        _ => Value::Array(vec![]),
    }
}

/// How many lists begin before cell `index`, and end after it.
fn brackets(index: usize, shape: &[usize]) -> (usize, usize) {
    let (mut opens, mut closes, mut size) = (0, 0, 1);
    for &length in shape.iter().rev() {
        size *= length;
        opens += usize::from(index.is_multiple_of(size));
        closes += usize::from((index + 1).is_multiple_of(size));
    }
    (opens, closes)
}

/// Attributes as a JSON object.
pub(super) fn attributes(attrs: &Attrs) -> Value {
    Value::Object(attrs.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<String, Value>>())
}

/// An attribute's value as JSON.
pub fn attribute(value: &AttrValue) -> Value {
    match value {
        AttrValue::Text(text) => Value::from(text.as_str()),
        AttrValue::Texts(texts) => json!(texts),
        AttrValue::Numbers(block) if block.rank() == 0 => number(block, 0),
        AttrValue::Numbers(block) => Value::Array((0..block.len()).map(|i| number(block, i)).collect()),
    }
}

/// A number; one that JSON has no notation for as `null` or text, as in the data.
fn number(block: &Block, index: usize) -> Value {
    match super::number::number(block, index).as_deref() {
        None => Value::Null,
        Some("True") => Value::Bool(true),
        Some("False") => Value::Bool(false),
        Some("inf") => Value::from("Infinity"),
        Some("-inf") => Value::from("-Infinity"),
        Some(text) => serde_json::from_str(text).unwrap_or(Value::Null),
    }
}
