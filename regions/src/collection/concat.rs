//! Files joined end to end along a dimension.
//!
//! In: members in order. Out: their variables as one. Never copies cells but to repeat variables that lack the dimension; what some members
//! lack is missing there.
//! Source: xarray 2026.9, `structure/concat.py` (`_dataset_concat`), with `data_vars='all'`, `coords='different'`.

use super::arranged::arranged;
use super::joined::{JoinedSource, Stretch};
use super::{Member, labels, same};
use crate::cf::decode_variable;
use crate::cf::describe::Described;
use crate::source::{ChunkSource, read_whole};
use indexmap::{IndexMap, IndexSet};
use std::sync::Arc;
use xeng_kernels::AxisChunks;
use xeng_proto::{Kind, RegionError, Values, Variable};

/// What members are joined along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// A dimension that they have.
    Along(String),
    /// A dimension that none has: each member is one index of it.
    New(String),
}

impl Axis {
    fn name(&self) -> &str {
        match self {
            Axis::Along(dim) | Axis::New(dim) => dim,
        }
    }
}

/// Joins every variable of the members.
///
/// # Errors
/// `Request` when other dimensions or calendars differ.
pub fn join_variables(members: &[Member], axis: &Axis) -> Result<Member, RegionError> {
    let first = members.first().ok_or_else(|| RegionError::internal("nothing to join"))?;
    let lengths = members.iter().map(|m| length_along(m, axis)).collect::<Result<Vec<_>, _>>()?;
    labels::check_calendars(members, axis.name())?;
    let sizes = sizes(members, axis.name())?;
    let join = Join { members, dim: axis.name(), lengths, sizes };
    let mut out = Described { attrs: first.described.attrs.clone(), ..Described::default() };
    for (name, reason) in members.iter().flat_map(|m| &m.described.unreadable) {
        out.unreadable.entry(name.clone()).or_insert_with(|| reason.clone());
    }
    let names: IndexSet<&String> = members.iter().flat_map(|m| m.described.variables.keys()).collect();
    for name in names {
        if out.unreadable.contains_key(name) {
            continue;
        }
        match join.one(name)? {
            Ok((variable, source)) => {
                out.variables.insert(name.clone(), variable);
                if let Some(source) = source {
                    out.sources.insert(name.clone(), source);
                }
            }
            Err(reason) => {
                out.unreadable.insert(name.clone(), reason);
            }
        }
    }
    Ok(Member { name: first.name.clone(), described: out })
}

fn length_along(member: &Member, axis: &Axis) -> Result<usize, RegionError> {
    let Axis::Along(dim) = axis else { return Ok(1) };
    let found = member.described.variables.values().find_map(|v| Some(v.chunks.get(v.dims.iter().position(|d| d == dim)?)?.len()));
    found.ok_or_else(|| RegionError::request(format!("{}: has no dimension {dim}", member.name)))
}

/// The length of every other dimension, which must be the same in all members, as must its labels.
fn sizes(members: &[Member], along: &str) -> Result<IndexMap<String, usize>, RegionError> {
    let mut sizes: IndexMap<String, (usize, &Member)> = IndexMap::new();
    let mut indexes: IndexMap<&String, &Member> = IndexMap::new();
    for member in members {
        for (name, variable) in &member.described.variables {
            if let [dim] = variable.dims.as_slice()
                && dim == name
                && dim != along
            {
                let known = *indexes.entry(name).or_insert(member);
                if !same::values(super::values(known, name), super::values(member, name)) {
                    return Err(labels::differ(known, member, name, along));
                }
            }
            for (dim, len) in variable.dims.iter().zip(variable.shape()).filter(|(dim, _)| *dim != along) {
                let &mut (known, of) = sizes.entry(dim.clone()).or_insert((len, member));
                if known != len {
                    return Err(RegionError::request(format!(
                        "{} and {} cannot be joined along {along}: {dim} has {known} and {len} indices",
                        of.name, member.name
                    )));
                }
            }
        }
    }
    Ok(sizes.into_iter().map(|(dim, (len, _))| (dim, len)).collect())
}

type Joined = (Variable, Option<Arc<dyn ChunkSource>>);

/// What every variable is joined by.
struct Join<'a> {
    members: &'a [Member],
    dim: &'a str,
    /// Indices of each member along `dim`.
    lengths: Vec<usize>,
    /// Lengths of the other dimensions.
    sizes: IndexMap<String, usize>,
}

impl Join<'_> {
    /// Joins one variable, or says why it cannot be.
    fn one(&self, name: &str) -> Result<Result<Joined, String>, RegionError> {
        let found: Vec<Option<&Variable>> = self.members.iter().map(|m| m.described.variables.get(name)).collect();
        let has = |kind: bool| found.iter().zip(self.members).find(|(v, _)| v.is_some() == kind).map_or("", |(_, m)| m.name.as_str());
        let present: Vec<&Variable> = found.iter().flatten().copied().collect();
        let Some(first) = present.first().copied() else { return Ok(Err("no file has it".into())) };
        let lacks = present.len() < found.len();
        if present.iter().any(|v| v.is_coordinate != first.is_coordinate) {
            return Ok(Err("it is a coordinate in some files and not in others".into()));
        }
        let has_axis = name == self.dim || present.iter().any(|v| v.dims.iter().any(|d| d == self.dim));
        if (first.is_coordinate || name == self.dim) && has_axis && lacks {
            let told = format!("coordinate {name} is in {}, not in {}", has(true), has(false));
            return if name == self.dim { Err(RegionError::request(told)) } else { Ok(Err(told)) };
        }
        if first.is_coordinate && !has_axis {
            let holders: Vec<&Member> = self.members.iter().filter(|m| m.described.variables.contains_key(name)).collect();
            let (one, more) = (holders[0], &holders[1..]);
            let stays = more.iter().all(|m| same::variables(name, &one.described, &m.described));
            // As xarray, which lets a coordinate stand that the first file alone has, or that the first file lacks.
            if lacks && (!stays || (found[0].is_some() && !more.is_empty())) {
                return Ok(Err(format!("coordinate {name} is in {}, not in {}", has(true), has(false))));
            }
            if stays {
                return Ok(Ok((first.clone(), one.described.sources.get(name).cloned())));
            }
        }
        self.end_to_end(name, &found, first)
    }

    /// Puts the variable of each member behind that of the one before.
    fn end_to_end(&self, name: &str, found: &[Option<&Variable>], first: &Variable) -> Result<Result<Joined, String>, RegionError> {
        let mut dims: IndexSet<&str> = found.iter().flatten().flat_map(|v| v.dims.iter().map(String::as_str)).collect();
        if !dims.contains(self.dim) {
            dims.shift_insert(0, self.dim);
        }
        let axis = dims.get_index_of(self.dim).unwrap_or(0);
        let named: Vec<String> = dims.iter().map(|d| d.to_string()).collect();
        if first.kind == Kind::Text {
            return Ok(self.texts(found, first, named, axis));
        }
        let mut stretches = vec![];
        for ((member, found), &length) in self.members.iter().zip(found).zip(&self.lengths) {
            let Some(variable) = found else {
                stretches.push(Stretch::Nothing(length));
                continue;
            };
            let Some(source) = member.described.sources.get(name) else { return Ok(Err("it holds texts in some files only".into())) };
            let size = |dim: &&str| if *dim == self.dim { length } else { self.sizes.get(*dim).copied().unwrap_or(1) };
            let wanted: Vec<(String, usize)> = dims.iter().map(|dim| (dim.to_string(), size(dim))).collect();
            stretches.push(Stretch::Cells(Box::new((*variable).clone()), arranged(source.clone(), &variable.dims, &wanted)));
        }
        let source = match JoinedSource::new(stretches, axis) {
            Ok(source) => source,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut joined = source.describe(first, named);
        joined.is_coordinate |= name == self.dim;
        if joined.is_coordinate && joined.dims.len() == 1 {
            let present: Vec<&Variable> = found.iter().flatten().copied().collect();
            joined.values = match self.labels(name, &present) {
                Ok(values) => Some(values),
                Err(reason) => return Err(RegionError::request(format!("variable {name}: {reason}"))),
            };
        }
        Ok(Ok((joined, Some(Arc::new(source)))))
    }

    /// Joins texts, which stand in the description.
    fn texts(&self, found: &[Option<&Variable>], first: &Variable, dims: Vec<String>, axis: usize) -> Result<Joined, String> {
        let mut all = vec![];
        for (variable, &length) in found.iter().zip(&self.lengths) {
            let variable = variable.ok_or("some files lack it, and texts cannot be missing")?;
            let Some(Values::Texts(texts)) = &variable.values else { return Err("it holds texts in some files only".into()) };
            if variable.dims != first.dims {
                return Err("it holds texts whose dimensions differ between the files".into());
            }
            let has_axis = variable.dims.iter().any(|d| d == self.dim);
            if has_axis && axis > 0 {
                return Err("texts cannot be joined along an inner dimension".into());
            }
            (0..if has_axis { 1 } else { length }).for_each(|_| all.extend_from_slice(texts));
        }
        let mut chunks = first.chunks.clone();
        if !first.dims.iter().any(|d| d == self.dim) {
            chunks.insert(0, AxisChunks::default());
        }
        if let Some(along) = chunks.get_mut(axis) {
            *along = AxisChunks::from_runs(self.lengths.iter().map(|&n| (1, n)));
        }
        let is_coordinate = first.is_coordinate || dims == [self.dim];
        Ok((Variable { dims, chunks, is_coordinate, values: Some(Values::Texts(all)), ..first.clone() }, None))
    }

    /// The values of a joined coordinate of rank 1.
    fn labels(&self, name: &str, variables: &[&Variable]) -> Result<Values, String> {
        let mut pieces = vec![];
        for ((variable, member), &length) in variables.iter().zip(self.members).zip(&self.lengths) {
            let times = if variable.dims.is_empty() { length } else { 1 };
            let values = match (&variable.values, member.described.sources.get(name)) {
                (Some(values), _) => values.clone(),
                (None, Some(source)) => read_labels(variable, source.as_ref()).map_err(|e| e.message)?,
                (None, None) => return Err("it has no labels in some files".into()),
            };
            pieces.push((values, times));
        }
        labels::concat(&pieces)
    }
}

/// Bytes of a variable that becomes a coordinate, at most.
const MAX_LABEL_BYTES: usize = 16 << 20;

fn read_labels(variable: &Variable, source: &dyn ChunkSource) -> Result<Values, RegionError> {
    let raw = read_whole(source, MAX_LABEL_BYTES)?;
    let block = if source.is_decoded() { raw } else { decode_variable(variable, raw)? };
    Ok(match &variable.kind {
        Kind::Time(encoding) => Values::Times(xeng_proto::Times { micros: block.to_i64_vec(), encoding: encoding.clone() }),
        Kind::Number(_) | Kind::Text => Values::Numbers(block),
    })
}
