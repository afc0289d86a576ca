//! A result as a Parquet file: the long table that `.csv` has, with types.
//!
//! In: an outcome. Out: the file, a row per cell, row group after row group. Never holds more of it than one row group.
//!
//! Times are timestamps where every one of them is a date of the Gregorian calendar, else ISO 8601 texts, as in `.csv`; missing times are
//! null, other missing cells NaN. Attributes stand in the metadata of the columns.

use super::table::{Column, Table};
use super::{OutputError, arrays, attr_text, calendar};
use crate::result::Outcome;
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::schema::types::ColumnPath;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use xeng_kernels::calendar::NAT;
use xeng_kernels::{Block, Calendar, DType};
use xeng_proto::{Attrs, Times, Values};

/// Rows that are encoded together.
const BATCH_ROWS: usize = 8192;
/// Rows of a row group, at most.
const GROUP_ROWS: usize = 1 << 20;
/// Bytes of a row group that are held before it is written.
const GROUP_BYTES: usize = 32 << 20;
/// 1582-10-15, in microseconds since 1970: before it, the standard calendar is Julian.
const GREGORIAN: i64 = -12_219_292_800_000_000;

/// Writes `outcome` as one table; columns are those of [`super::csv::write`].
///
/// # Errors
/// [`OutputError::Conflict`] when arrays disagree about a dimension or coordinate, or two columns have one name, [`OutputError::Io`].
pub fn write(outcome: &Outcome, out: &mut (dyn Write + Send)) -> Result<(), OutputError> {
    let table = Table::of(outcome)?;
    let mut names = std::collections::HashSet::new();
    if let Some(twice) = table.columns.iter().find(|c| !names.insert(&c.name)) {
        return Err(OutputError::Conflict { what: "columns", name: twice.name.clone(), why: "a Parquet file names each once".into() });
    }
    let metadata = match outcome {
        Outcome::Dataset { attrs, .. } => texts(attrs),
        Outcome::Array(_) => HashMap::new(),
    };
    let schema = Arc::new(Schema::new_with_metadata(table.columns.iter().map(field).collect::<Vec<_>>(), metadata));
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_created_by(super::WRITER.to_owned());
    for column in table.columns.iter().filter(|c| !c.is_coordinate) {
        // Few cells of a field are equal.
        properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![column.name.clone()]), false);
    }
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties.build())).map_err(refused)?;
    for first in (0..table.len()).step_by(BATCH_ROWS) {
        let rows: Vec<Vec<usize>> = table.rows(first).take(BATCH_ROWS).collect();
        let cells = |(column, field): (&Column<'_>, &Arc<Field>)| {
            let at: Vec<usize> = rows.iter().map(|row| column.index(row)).collect();
            taken(column.values, field.data_type(), &at).ok_or_else(|| malformed(outcome, &column.name))
        };
        let columns = table.columns.iter().zip(schema.fields()).map(cells).collect::<Result<Vec<ArrayRef>, _>>()?;
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(|e| refused(e.into()))?;
        writer.write(&batch).map_err(refused)?;
        if writer.in_progress_size() > GROUP_BYTES {
            writer.flush().map_err(refused)?;
        }
    }
    writer.close().map(drop).map_err(refused)
}

fn field(column: &Column<'_>) -> Field {
    let kind = match column.values {
        None => DataType::Int64,
        Some(Values::Numbers(block)) => number_type(block.dtype()),
        Some(Values::Times(times)) if is_gregorian(times) => DataType::Timestamp(TimeUnit::Microsecond, None),
        Some(Values::Times(_) | Values::Texts(_)) => DataType::Utf8,
    };
    let nullable = matches!(column.values, Some(Values::Times(_)));
    Field::new(&column.name, kind, nullable).with_metadata(column.attrs.map(texts).unwrap_or_default())
}

fn number_type(dtype: DType) -> DataType {
    match dtype {
        DType::Bool => DataType::Boolean,
        DType::I8 => DataType::Int8,
        DType::I16 => DataType::Int16,
        DType::I32 => DataType::Int32,
        DType::I64 => DataType::Int64,
        DType::U8 => DataType::UInt8,
        DType::U16 => DataType::UInt16,
        DType::U32 => DataType::UInt32,
        DType::U64 => DataType::UInt64,
        DType::F32 => DataType::Float32,
        DType::F64 => DataType::Float64,
    }
}

/// Whether every time is a date that a timestamp, which knows the Gregorian calendar alone, shows as it is.
fn is_gregorian(times: &Times) -> bool {
    match times.encoding.calendar {
        Calendar::ProlepticGregorian => true,
        Calendar::Standard => times.micros.iter().all(|&m| m == NAT || m >= GREGORIAN),
        Calendar::Julian | Calendar::NoLeap | Calendar::AllLeap | Calendar::Day360 => false,
    }
}

fn texts(attrs: &Attrs) -> HashMap<String, String> {
    attrs.iter().map(|(name, value)| (name.clone(), attr_text(value))).collect()
}

/// The cells at these indices; `None` where there are not as many.
fn taken(values: Option<&Values>, kind: &DataType, at: &[usize]) -> Option<ArrayRef> {
    let Some(values) = values else { return Some(Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(at.iter().map(|&i| i as i64)))) };
    Some(match values {
        Values::Numbers(block) => numbers(block, at)?,
        Values::Times(times) => {
            let micros = at.iter().map(|&i| times.micros.get(i).copied()).collect::<Option<Vec<i64>>>()?;
            if matches!(kind, DataType::Timestamp(..)) {
                Arc::new(micros.into_iter().map(|m| (m != NAT).then_some(m)).collect::<TimestampMicrosecondArray>())
            } else {
                Arc::new(micros.into_iter().map(|m| calendar::iso(m, times.encoding.calendar)).collect::<StringArray>())
            }
        }
        Values::Texts(all) => {
            let chosen = at.iter().map(|&i| all.get(i)).collect::<Option<Vec<&String>>>()?;
            Arc::new(StringArray::from_iter_values(chosen))
        }
    })
}

fn numbers(block: &Block, at: &[usize]) -> Option<ArrayRef> {
    fn some<T: ArrowPrimitiveType>(block: &Block, at: &[usize]) -> Option<ArrayRef>
    where
        T::Native: xeng_kernels::Element,
    {
        let cells = block.as_slice::<T::Native>()?;
        let chosen = at.iter().map(|&i| cells.get(i).copied()).collect::<Option<Vec<T::Native>>>()?;
        Some(Arc::new(PrimitiveArray::<T>::from_iter_values(chosen)))
    }
    match block.dtype() {
        DType::Bool => {
            let cells = block.as_slice::<bool>()?;
            Some(Arc::new(BooleanArray::from(at.iter().map(|&i| cells.get(i).copied()).collect::<Option<Vec<bool>>>()?)))
        }
        DType::I8 => some::<Int8Type>(block, at),
        DType::I16 => some::<Int16Type>(block, at),
        DType::I32 => some::<Int32Type>(block, at),
        DType::I64 => some::<Int64Type>(block, at),
        DType::U8 => some::<UInt8Type>(block, at),
        DType::U16 => some::<UInt16Type>(block, at),
        DType::U32 => some::<UInt32Type>(block, at),
        DType::U64 => some::<UInt64Type>(block, at),
        DType::F32 => some::<Float32Type>(block, at),
        DType::F64 => some::<Float64Type>(block, at),
    }
}

fn malformed(outcome: &Outcome, column: &str) -> OutputError {
    let rows = arrays(outcome).first().map_or(0, |a| a.values.len());
    OutputError::Malformed { name: column.to_owned(), why: format!("it has fewer cells than the table of {rows} needs") }
}

fn refused(error: ParquetError) -> OutputError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => OutputError::Io(*io),
            Err(other) => OutputError::Unsupported { format: "Parquet", why: other.to_string() },
        },
        ParquetError::ArrowError(why) => OutputError::Unsupported { format: "Parquet", why },
        other => OutputError::Unsupported { format: "Parquet", why: other.to_string() },
    }
}
