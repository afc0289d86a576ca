//! Cells of small coordinates: picking, comparing and looking them up, as a pandas index does.
//!
//! In: known values. Out: values, labels, positions. Never touches the graph.

use crate::resolve::fault::{Outcome, refuse};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::{Block, Calendar, DType, Element, dispatch, with_array};
use xeng_proto::{TimeEncoding, Times, Values};

/// One cell of a coordinate, comparable by value whatever its element type: `1` and `1.0` are one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// A whole number, or a float that is one.
    Int(i64),
    /// The bits of any other float; every NaN is the same label.
    Float(u64),
    /// Microseconds since 1970.
    Time(i64),
    /// A text.
    Text(String),
}

impl Label {
    /// The label of a float.
    pub fn float(value: f64) -> Label {
        if value.is_nan() {
            Label::Float(f64::NAN.to_bits())
        } else if value.fract() == 0.0 && value.abs() < 9.0e15 {
            Label::Int(value as i64)
        } else {
            Label::Float(value.to_bits())
        }
    }

    /// Whether it is NaN or NaT.
    pub fn is_missing(&self) -> bool {
        match self {
            Label::Float(bits) => f64::from_bits(*bits).is_nan(),
            Label::Time(micros) => *micros == i64::MIN,
            Label::Int(_) | Label::Text(_) => false,
        }
    }

    /// Its value as a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Label::Int(v) | Label::Time(v) => Some(*v as f64),
            Label::Float(bits) => Some(f64::from_bits(*bits)),
            Label::Text(_) => None,
        }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Label) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    /// Numbers by size with NaN last, times by time, texts by code points.
    fn cmp(&self, other: &Label) -> std::cmp::Ordering {
        match (self, other) {
            (Label::Text(a), Label::Text(b)) => a.cmp(b),
            (Label::Text(_), _) => std::cmp::Ordering::Greater,
            (_, Label::Text(_)) => std::cmp::Ordering::Less,
            (Label::Int(a), Label::Int(b)) | (Label::Time(a), Label::Time(b)) => a.cmp(b),
            _ => {
                let (a, b) = (self.number().unwrap_or(f64::NAN), other.number().unwrap_or(f64::NAN));
                a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            }
        }
    }
}

/// Every cell as a label, C order.
pub fn labels(values: &Values) -> Vec<Label> {
    match values {
        Values::Numbers(block) if block.dtype().is_float() => block.to_f64_vec().into_iter().map(Label::float).collect(),
        Values::Numbers(block) => block.to_i64_vec().into_iter().map(Label::Int).collect(),
        Values::Times(times) => times.micros.iter().map(|&m| Label::Time(m)).collect(),
        Values::Texts(texts) => texts.iter().map(|t| Label::Text(t.clone())).collect(),
    }
}

/// Cells of values of rank 1, picked by position; a negative position gives a missing cell.
///
/// # Errors
/// When a position lies outside.
pub fn take(values: &Values, at: &[i64]) -> Outcome<Values> {
    Ok(match values {
        Values::Numbers(block) => {
            let block = if block.rank() == 1 { block.clone() } else { block.clone().reshape(&[values.len()])? };
            // Labels that go missing turn integers into floats, as everywhere in xarray.
            let block = if at.iter().any(|&i| i < 0) && !block.dtype().is_float() { block.cast(DType::F64) } else { block };
            Values::Numbers(block.take(0, at)?)
        }
        Values::Times(t) => {
            let micros = at.iter().map(|&i| if i < 0 { Ok(i64::MIN) } else { cell(&t.micros, i) }).collect::<Outcome<_>>()?;
            Values::Times(Times { micros, encoding: t.encoding.clone() })
        }
        Values::Texts(t) => {
            Values::Texts(at.iter().map(|&i| if i < 0 { Ok("nan".to_owned()) } else { cell(t, i) }).collect::<Outcome<_>>()?)
        }
    })
}

fn cell<T: Clone>(cells: &[T], at: i64) -> Outcome<T> {
    match cells.get(at as usize) {
        Some(c) => Ok(c.clone()),
        None => refuse(format!("index {at} is outside a coordinate of length {}", cells.len())),
    }
}

/// One cell of values of rank 1, as values of rank 0.
///
/// # Errors
/// When the position lies outside.
pub fn pick(values: &Values, at: usize) -> Outcome<Values> {
    Ok(match take(values, &[at as i64])? {
        Values::Numbers(block) => Values::Numbers(block.reshape(&[])?),
        other => other,
    })
}

/// The same cells with `length` along a new first axis: a scalar repeated.
///
/// # Errors
/// When the values are not a scalar.
pub fn repeat(values: &Values, length: usize) -> Outcome<Values> {
    if values.len() != 1 {
        return refuse("only a scalar can be repeated along a new dimension");
    }
    take(values, &vec![0; length])
}

/// Values of rank 1 joined end to end; numbers in their common type.
///
/// # Errors
/// When numbers, times and texts meet.
pub fn concat(parts: &[&Values]) -> Outcome<Values> {
    let mut numbers = vec![];
    let mut texts = vec![];
    let mut micros = vec![];
    let mut encoding: Option<TimeEncoding> = None;
    for part in parts {
        match part {
            Values::Numbers(b) => numbers.push(b.clone().reshape(&[b.len()])?),
            Values::Texts(t) => texts.extend(t.iter().cloned()),
            Values::Times(t) => {
                if encoding.as_ref().is_some_and(|e| !same_calendar(e, &t.encoding)) {
                    return refuse("times of different calendars cannot be joined");
                }
                encoding.get_or_insert_with(|| t.encoding.clone());
                micros.extend(&t.micros);
            }
        }
    }
    let kinds = [!numbers.is_empty(), !texts.is_empty(), encoding.is_some()].into_iter().filter(|k| *k).count();
    if kinds > 1 {
        return refuse("numbers, times and texts cannot be joined");
    }
    if let Some(encoding) = encoding {
        return Ok(Values::Times(Times { micros, encoding }));
    }
    if numbers.is_empty() {
        return Ok(Values::Texts(texts));
    }
    let dtype = numbers.iter().map(Block::dtype).reduce(DType::promote).unwrap_or(DType::F64);
    let cast: Vec<Block> = numbers.iter().map(|b| b.cast(dtype)).collect();
    Ok(Values::Numbers(Block::concat(0, &cast.iter().collect::<Vec<_>>())?))
}

/// Whether times of the two may be compared: the Gregorian calendars are one for modern times.
pub fn same_calendar(a: &TimeEncoding, b: &TimeEncoding) -> bool {
    a.calendar == b.calendar || is_gregorian(a.calendar) && is_gregorian(b.calendar)
}

/// Whether xarray holds times of this calendar as `datetime64`, in the years that it can.
pub fn is_gregorian(calendar: Calendar) -> bool {
    matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian)
}

/// Whether xarray would hold these times as `datetime64` rather than as `cftime` objects.
pub fn is_datetime64(times: &Times) -> bool {
    // 1582-10-15, where the two Gregorian calendars part.
    const REFORM_MICROS: i64 = -141_427 * 86_400_000_000;
    match times.encoding.calendar {
        Calendar::ProlepticGregorian => true,
        Calendar::Standard => times.micros.iter().all(|&m| m >= REFORM_MICROS || m == i64::MIN),
        Calendar::Julian | Calendar::NoLeap | Calendar::AllLeap | Calendar::Day360 => false,
    }
}

/// Whether two coordinates hold the same cells, NaN being equal to itself.
pub fn equal(a: &Values, b: &Values) -> bool {
    match (a, b) {
        (Values::Times(x), Values::Times(y)) => x.micros == y.micros && same_calendar(&x.encoding, &y.encoding),
        (Values::Texts(x), Values::Texts(y)) => x == y,
        (Values::Numbers(x), Values::Numbers(y)) => x.len() == y.len() && labels(a) == labels(b),
        _ => false,
    }
}

/// The order of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each label is at least its predecessor.
    Ascending,
    /// Each label is at most its predecessor.
    Descending,
    /// Neither.
    None,
}

/// Whether labels ascend or descend; fewer than two ascend.
pub fn order(labels: &[Label]) -> Order {
    if labels.iter().any(|l| matches!(l, Label::Float(b) if f64::from_bits(*b).is_nan())) {
        return Order::None;
    }
    if labels.windows(2).all(|w| w[0] <= w[1]) {
        Order::Ascending
    } else if labels.windows(2).all(|w| w[0] >= w[1]) {
        Order::Descending
    } else {
        Order::None
    }
}

/// The position of each label, or `None` when a label occurs twice.
pub fn positions(labels: &[Label]) -> Option<HashMap<&Label, usize>> {
    let map: HashMap<&Label, usize> = labels.iter().enumerate().map(|(i, l)| (l, i)).collect();
    (map.len() == labels.len()).then_some(map)
}

/// Numbers as floats, if these are numbers.
pub fn floats(values: &Values) -> Option<Arc<[f64]>> {
    match values {
        Values::Numbers(block) => Some(block.to_f64_vec().into()),
        Values::Times(_) | Values::Texts(_) => None,
    }
}

/// Cells in C order as a block of `shape`: numbers themselves, times as microseconds, texts as indices into the table beside it.
///
/// # Errors
/// When the shape does not fit.
pub fn to_block(values: &Values, shape: &[usize]) -> Outcome<(Block, super::Cells)> {
    Ok(match values {
        Values::Numbers(block) => (block.clone().reshape(shape)?, super::Cells::Numbers),
        Values::Times(t) => (Block::from_vec(shape, t.micros.clone())?, super::Cells::Times(t.encoding.clone())),
        Values::Texts(texts) => {
            let mut table: Vec<String> = texts.clone();
            table.sort_unstable();
            table.dedup();
            let codes: Vec<i64> = texts.iter().map(|t| table.binary_search(t).map_or(-1, |i| i as i64)).collect();
            (Block::from_vec(shape, codes)?, super::Cells::Texts(table.into()))
        }
    })
}

/// The inverse of [`to_block`].
pub fn from_block(block: &Block, cells: &super::Cells) -> Values {
    match cells {
        super::Cells::Numbers => Values::Numbers(block.clone()),
        super::Cells::Times(encoding) => Values::Times(Times { micros: block.to_i64_vec(), encoding: encoding.clone() }),
        super::Cells::Texts(table) => Values::Texts(
            block
                .to_i64_vec()
                .into_iter()
                .map(|i| usize::try_from(i).ok().and_then(|i| table.get(i)).cloned().unwrap_or_else(|| "nan".to_owned()))
                .collect(),
        ),
    }
}

/// A block of rank 1 from floats in the given element type.
///
/// # Errors
/// Never in practice: the length is the shape.
pub fn block_of(dtype: DType, cells: &[f64]) -> Outcome<Block> {
    Ok(dispatch!(dtype, T => Block::from_vec(&[cells.len()], cells.iter().map(|&v| T::from_f64(v)).collect()))?)
}

/// Whether any cell of a block is NaN.
pub fn has_missing(block: &Block) -> bool {
    with_array!(block, a => a.iter().any(|x| x.is_missing()))
}
