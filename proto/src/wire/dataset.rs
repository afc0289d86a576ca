//! Descriptions of datasets: names, chunks, coordinates, attributes.

use super::block::{dtype_from_wire, dtype_to_wire};
use super::budget::{Budget, MAX_RANK, at_most, length, text};
use super::{Wire, integers, known, list, malformed, need, newer, pb};
use crate::dataset::{AttrValue, Attrs, Dataset, DatasetSpec, Decode, Kind, TimeEncoding, Times, Values, Variable};
use crate::error::RegionError;
use indexmap::IndexMap;
use xeng_kernels::{AxisChunks, Block, Calendar};

impl Wire for DatasetSpec {
    type Message = pb::DatasetSpec;

    fn to_wire(&self) -> pb::DatasetSpec {
        pb::DatasetSpec {
            uri: self.uri.clone(),
            concat: self.concat.clone(),
            group: self.group.clone(),
            keep_times_encoded: self.keep_times_encoded,
            drop: self.drop.clone(),
            more: self.more.clone(),
        }
    }

    fn from_wire(message: pb::DatasetSpec, _: &mut Budget) -> Result<DatasetSpec, RegionError> {
        Ok(DatasetSpec {
            uri: text(message.uri, "a dataset's uri")?,
            concat: message.concat.map(|t| text(t, "a dimension's name")).transpose()?,
            group: message.group.map(|t| text(t, "a group's name")).transpose()?,
            keep_times_encoded: message.keep_times_encoded,
            drop: texts(message.drop, "a variable's name")?,
            more: texts(message.more, "a dataset's uri")?,
        })
    }
}

impl Wire for Dataset {
    type Message = pb::Dataset;

    fn to_wire(&self) -> pb::Dataset {
        pb::Dataset {
            spec: Some(self.spec.to_wire()),
            snapshot: self.snapshot.clone(),
            files: self.files,
            stored_bytes: self.stored_bytes,
            variables: self.variables.iter().map(|(name, v)| variable_to_wire(name, v)).collect(),
            attrs: attrs_to_wire(&self.attrs),
            unreadable: self.unreadable.iter().map(|(name, reason)| pb::LeftOut { name: name.clone(), reason: reason.clone() }).collect(),
        }
    }

    fn from_wire(message: pb::Dataset, budget: &mut Budget) -> Result<Dataset, RegionError> {
        let mut variables = IndexMap::with_capacity(message.variables.len());
        for mut variable in message.variables {
            let name = text(std::mem::take(&mut variable.name), "a variable's name")?;
            let variable = variable_from_wire(variable, budget).map_err(|e| malformed(format!("variable '{name}': {e}")))?;
            if variables.insert(name, variable).is_some() {
                return Err(malformed("a variable's name occurs twice"));
            }
        }
        Ok(Dataset {
            spec: DatasetSpec::from_wire(need(message.spec, "a dataset's spec")?, budget)?,
            snapshot: text(message.snapshot, "a snapshot")?,
            files: message.files,
            stored_bytes: message.stored_bytes,
            variables,
            attrs: attrs_from_wire(message.attrs, budget)?,
            unreadable: message.unreadable.into_iter().map(left_out).collect::<Result<_, _>>()?,
        })
    }
}

fn left_out(message: pb::LeftOut) -> Result<(String, String), RegionError> {
    Ok((text(message.name, "a variable's name")?, text(message.reason, "a reason")?))
}

fn variable_to_wire(name: &str, variable: &Variable) -> pb::Variable {
    let kind = match &variable.kind {
        Kind::Number(dtype) => pb::variable::Kind::Number(dtype_to_wire(*dtype)),
        Kind::Time(encoding) => pb::variable::Kind::Time(encoding.to_wire()),
        Kind::Text => pb::variable::Kind::Text(pb::Unit {}),
    };
    pb::Variable {
        name: name.to_owned(),
        dims: variable.dims.clone(),
        chunks: variable.chunks.iter().map(Wire::to_wire).collect(),
        stored: dtype_to_wire(variable.stored),
        kind: Some(kind),
        decode: Some(variable.decode.to_wire()),
        attrs: attrs_to_wire(&variable.attrs),
        filters: variable.filters.clone(),
        is_coordinate: variable.is_coordinate,
        values: variable.values.as_ref().map(Wire::to_wire),
    }
}

fn variable_from_wire(message: pb::Variable, budget: &mut Budget) -> Result<Variable, RegionError> {
    at_most(message.dims.len(), MAX_RANK, "dimensions")?;
    if message.dims.len() != message.chunks.len() {
        return Err(malformed(format!("{} dimensions, {} of them cut into chunks", message.dims.len(), message.chunks.len())));
    }
    let kind = match need(message.kind, "a variable's kind")? {
        pb::variable::Kind::Number(dtype) => Kind::Number(dtype_from_wire(dtype)?),
        pb::variable::Kind::Time(encoding) => Kind::Time(TimeEncoding::from_wire(encoding, budget)?),
        pb::variable::Kind::Text(pb::Unit {}) => Kind::Text,
    };
    let variable = Variable {
        dims: texts(message.dims, "a dimension's name")?,
        chunks: list(message.chunks, budget)?,
        stored: dtype_from_wire(message.stored)?,
        kind,
        decode: Decode::from_wire(need(message.decode, "a variable's decoding")?, budget)?,
        attrs: attrs_from_wire(message.attrs, budget)?,
        filters: texts(message.filters, "a filter's name")?,
        is_coordinate: message.is_coordinate,
        values: message.values.map(|v| Values::from_wire(v, budget)).transpose()?,
    };
    check_values(&variable)?;
    Ok(variable)
}

/// A coordinate's values must be as many as its dimensions say, and of its kind.
fn check_values(variable: &Variable) -> Result<(), RegionError> {
    let Some(values) = &variable.values else { return Ok(()) };
    let shape = variable.shape();
    let cells = shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len));
    let fits = match (values, &variable.kind) {
        (Values::Numbers(block), Kind::Number(dtype)) => block.shape() == shape && block.dtype() == *dtype,
        (Values::Times(_), Kind::Time(_)) | (Values::Texts(_), Kind::Text) => cells == Some(values.len()),
        (Values::Numbers(_), Kind::Time(_) | Kind::Text)
        | (Values::Times(_), Kind::Number(_) | Kind::Text)
        | (Values::Texts(_), Kind::Number(_) | Kind::Time(_)) => false,
    };
    if fits { Ok(()) } else { Err(malformed("its values do not fit its shape or kind")) }
}

impl Wire for AxisChunks {
    type Message = pb::AxisChunks;

    fn to_wire(&self) -> pb::AxisChunks {
        let (counts, lengths) = self.runs().map(|(count, length)| (count as u64, length as u64)).unzip();
        pb::AxisChunks { counts, lengths }
    }

    fn from_wire(message: pb::AxisChunks, _: &mut Budget) -> Result<AxisChunks, RegionError> {
        if message.counts.len() != message.lengths.len() {
            return Err(malformed("runs of chunks with as many counts as lengths were expected"));
        }
        let mut axis = AxisChunks::default();
        let mut total = 0u64;
        for (&count, &chunk) in message.counts.iter().zip(&message.lengths) {
            total = count.checked_mul(chunk).and_then(|n| n.checked_add(total)).ok_or_else(|| malformed("an axis too long to count"))?;
            length(total, "an axis")?;
            axis.push(length(count, "a number of chunks")?, length(chunk, "a chunk")?);
        }
        Ok(axis)
    }
}

impl Wire for TimeEncoding {
    type Message = pb::TimeEncoding;

    fn to_wire(&self) -> pb::TimeEncoding {
        let calendar = match self.calendar {
            Calendar::Standard => pb::Calendar::Standard,
            Calendar::ProlepticGregorian => pb::Calendar::ProlepticGregorian,
            Calendar::Julian => pb::Calendar::Julian,
            Calendar::NoLeap => pb::Calendar::NoLeap,
            Calendar::AllLeap => pb::Calendar::AllLeap,
            Calendar::Day360 => pb::Calendar::Day360,
        };
        pb::TimeEncoding { units: self.units.clone(), calendar: calendar.into() }
    }

    fn from_wire(message: pb::TimeEncoding, _: &mut Budget) -> Result<TimeEncoding, RegionError> {
        let calendar = match known(pb::Calendar::try_from(message.calendar), "calendar")? {
            pb::Calendar::Unspecified => return Err(newer("calendar")),
            pb::Calendar::Standard => Calendar::Standard,
            pb::Calendar::ProlepticGregorian => Calendar::ProlepticGregorian,
            pb::Calendar::Julian => Calendar::Julian,
            pb::Calendar::NoLeap => Calendar::NoLeap,
            pb::Calendar::AllLeap => Calendar::AllLeap,
            pb::Calendar::Day360 => Calendar::Day360,
        };
        Ok(TimeEncoding { units: text(message.units, "units of time")?, calendar })
    }
}

impl Wire for Decode {
    type Message = pb::Decode;

    fn to_wire(&self) -> pb::Decode {
        pb::Decode {
            flip_sign: self.flip_sign,
            fills: self.fills.clone(),
            scale: self.scale,
            offset: self.offset,
            dtype: dtype_to_wire(self.dtype),
        }
    }

    fn from_wire(message: pb::Decode, _: &mut Budget) -> Result<Decode, RegionError> {
        Ok(Decode {
            flip_sign: message.flip_sign,
            fills: message.fills,
            scale: message.scale,
            offset: message.offset,
            dtype: dtype_from_wire(message.dtype)?,
        })
    }
}

impl Wire for Values {
    type Message = pb::Values;

    fn to_wire(&self) -> pb::Values {
        let kind = match self {
            Values::Numbers(block) => pb::values::Kind::Numbers(block.to_wire()),
            Values::Times(times) => pb::values::Kind::Times(times.to_wire()),
            Values::Texts(values) => pb::values::Kind::Texts(pb::Texts { values: values.clone() }),
        };
        pb::Values { kind: Some(kind) }
    }

    fn from_wire(message: pb::Values, budget: &mut Budget) -> Result<Values, RegionError> {
        Ok(match need(message.kind, "a kind of values")? {
            pb::values::Kind::Numbers(block) => Values::Numbers(Block::from_wire(block, budget)?),
            pb::values::Kind::Times(times) => Values::Times(Times::from_wire(times, budget)?),
            pb::values::Kind::Texts(t) => Values::Texts(texts(t.values, "a text")?),
        })
    }
}

impl Wire for Times {
    type Message = pb::Times;

    fn to_wire(&self) -> pb::Times {
        pb::Times { micros: Some(integers::to_wire(self.micros.iter().copied())), encoding: Some(self.encoding.to_wire()) }
    }

    fn from_wire(message: pb::Times, budget: &mut Budget) -> Result<Times, RegionError> {
        Ok(Times {
            micros: integers::from_wire(need(message.micros, "times")?, budget)?,
            encoding: TimeEncoding::from_wire(need(message.encoding, "an encoding of times")?, budget)?,
        })
    }
}

fn attrs_to_wire(attrs: &Attrs) -> Vec<pb::Attribute> {
    let value = |value: &AttrValue| match value {
        AttrValue::Text(t) => pb::attribute::Value::Text(t.clone()),
        AttrValue::Texts(t) => pb::attribute::Value::Texts(pb::Texts { values: t.clone() }),
        AttrValue::Numbers(block) => pb::attribute::Value::Numbers(block.to_wire()),
    };
    attrs.iter().map(|(name, v)| pb::Attribute { name: name.clone(), value: Some(value(v)) }).collect()
}

fn attrs_from_wire(messages: Vec<pb::Attribute>, budget: &mut Budget) -> Result<Attrs, RegionError> {
    let mut attrs = Attrs::with_capacity(messages.len());
    for message in messages {
        let value = match need(message.value, "an attribute's value")? {
            // Histories grow long; the message's own size bounds them.
            pb::attribute::Value::Text(t) => AttrValue::Text(t),
            pb::attribute::Value::Texts(t) => AttrValue::Texts(t.values),
            pb::attribute::Value::Numbers(block) => AttrValue::Numbers(Block::from_wire(block, budget)?),
        };
        if attrs.insert(text(message.name, "an attribute's name")?, value).is_some() {
            return Err(malformed("an attribute's name occurs twice"));
        }
    }
    Ok(attrs)
}

fn texts(texts: Vec<String>, what: &str) -> Result<Vec<String>, RegionError> {
    texts.into_iter().map(|t| text(t, what)).collect()
}
