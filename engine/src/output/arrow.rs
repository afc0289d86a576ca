//! Results as Apache Arrow: what the gateway sends to clients in any language.
//!
//! In: a finished outcome. Out: one Arrow IPC stream per table: the arrays, then their coordinates. The layout is
//! documented at `ResultChunk` in `gateway.proto`. Never rounds: every cell keeps its bits.

use crate::result::{Coordinate, Outcome};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_array::{
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::Block;
use xeng_proto::{AttrValue, Attrs, Values};

/// The tables of an outcome, each a complete Arrow IPC stream.
///
/// # Errors
/// [`ArrowError`] when an array's cells do not fit its shape, or Arrow refuses them.
pub fn to_ipc(outcome: &Outcome) -> Result<Vec<Bytes>, ArrowError> {
    let (arrays, attrs) = match outcome {
        Outcome::Array(array) => (std::slice::from_ref(array), None),
        Outcome::Dataset { arrays, attrs } => (arrays.as_slice(), Some(attrs)),
    };
    let mut coordinates: Vec<&Coordinate> = vec![];
    let mut tables = vec![];
    for (number, array) in arrays.iter().enumerate() {
        let numbers = array.coords.iter().map(|c| arrays.len() + position(&mut coordinates, c)).collect::<Vec<usize>>();
        let mut metadata = described("array", array.name.as_deref(), &array.dims, &array.shape, &array.attrs);
        metadata.insert("xeng.coords".into(), json!(numbers).to_string());
        if let Some(attrs) = attrs.filter(|_| number == 0) {
            metadata.insert("xeng.dataset".into(), attrs_json(attrs).to_string());
        }
        tables.push(table(&array.values, &array.shape, metadata)?);
    }
    for c in coordinates {
        tables.push(table(&c.values, &c.shape, described("coordinate", Some(&c.name), &c.dims, &c.shape, &c.attrs))?);
    }
    Ok(tables)
}

/// Where a coordinate stands among those seen so far; arrays of one dataset share most of theirs.
fn position<'a>(seen: &mut Vec<&'a Coordinate>, coordinate: &'a Coordinate) -> usize {
    seen.iter().position(|c| *c == coordinate).unwrap_or_else(|| {
        seen.push(coordinate);
        seen.len() - 1
    })
}

fn described(role: &str, name: Option<&str>, dims: &[String], shape: &[usize], attrs: &Attrs) -> HashMap<String, String> {
    let mut metadata = HashMap::from([
        ("xeng.role".into(), role.to_owned()),
        ("xeng.dims".into(), json!(dims).to_string()),
        ("xeng.shape".into(), json!(shape).to_string()),
        ("xeng.attrs".into(), attrs_json(attrs).to_string()),
    ]);
    metadata.extend(name.map(|n| ("xeng.name".into(), n.to_owned())));
    metadata
}

fn table(values: &Values, shape: &[usize], mut metadata: HashMap<String, String>) -> Result<Bytes, ArrowError> {
    if shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len)) != Some(values.len()) {
        return Err(ArrowError::InvalidArgumentError(format!("{} cells in an array of shape {shape:?}", values.len())));
    }
    if let Values::Times(times) = values {
        let time = json!({"calendar": times.encoding.calendar.name(), "units": times.encoding.units});
        metadata.insert("xeng.time".into(), time.to_string());
    }
    let column = column(values);
    let schema = Arc::new(Schema::new_with_metadata(vec![Field::new("values", column.data_type().clone(), false)], metadata));
    let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?.into())
}

fn column(values: &Values) -> ArrayRef {
    match values {
        Values::Numbers(block) => numbers(block),
        Values::Times(times) => Arc::new(Int64Array::from(times.micros.clone())),
        Values::Texts(texts) => Arc::new(StringArray::from_iter_values(texts)),
    }
}

fn numbers(block: &Block) -> ArrayRef {
    match block {
        Block::Bool(a) => Arc::new(BooleanArray::from(a.iter().copied().collect::<Vec<bool>>())),
        Block::I8(a) => Arc::new(Int8Array::from_iter_values(a.iter().copied())),
        Block::I16(a) => Arc::new(Int16Array::from_iter_values(a.iter().copied())),
        Block::I32(a) => Arc::new(Int32Array::from_iter_values(a.iter().copied())),
        Block::I64(a) => Arc::new(Int64Array::from_iter_values(a.iter().copied())),
        Block::U8(a) => Arc::new(UInt8Array::from_iter_values(a.iter().copied())),
        Block::U16(a) => Arc::new(UInt16Array::from_iter_values(a.iter().copied())),
        Block::U32(a) => Arc::new(UInt32Array::from_iter_values(a.iter().copied())),
        Block::U64(a) => Arc::new(UInt64Array::from_iter_values(a.iter().copied())),
        Block::F32(a) => Arc::new(Float32Array::from_iter_values(a.iter().copied())),
        Block::F64(a) => Arc::new(Float64Array::from_iter_values(a.iter().copied())),
    }
}

fn attrs_json(attrs: &Attrs) -> Value {
    let value = |value: &AttrValue| match value {
        AttrValue::Text(text) => json!(text),
        AttrValue::Texts(texts) => json!(texts),
        AttrValue::Numbers(block) => numbers_json(block),
    };
    Value::Object(attrs.iter().map(|(name, v)| (name.clone(), value(v))).collect::<Map<String, Value>>())
}

fn numbers_json(block: &Block) -> Value {
    let cells: Vec<Value> = match block {
        Block::Bool(a) => a.iter().map(|x| json!(x)).collect(),
        Block::U64(a) => a.iter().map(|x| json!(x)).collect(),
        // JSON has no NaN and no infinity: they travel as texts.
        Block::F32(a) => a.iter().map(|x| if x.is_finite() { json!(x) } else { json!(x.to_string()) }).collect(),
        Block::F64(a) => a.iter().map(|x| if x.is_finite() { json!(x) } else { json!(x.to_string()) }).collect(),
        Block::I8(_) | Block::I16(_) | Block::I32(_) | Block::I64(_) | Block::U8(_) | Block::U16(_) | Block::U32(_) => {
            block.to_i64_vec().into_iter().map(|x| json!(x)).collect()
        }
    };
    match <[Value; 1]>::try_from(cells) {
        Ok([cell]) if block.rank() == 0 => cell,
        Ok(cells) => json!(cells),
        Err(cells) => json!(cells),
    }
}

#[cfg(test)]
mod tests;
