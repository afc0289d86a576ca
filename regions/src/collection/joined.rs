//! Variables joined end to end along a dimension.
//!
//! In: members in order. Out: their variables as one. Never copies cells but to repeat variables that lack the dimension.

use super::regridded::Regridded;
use super::{Member, same};
use crate::cf::decode_variable;
use crate::cf::describe::Described;
use crate::source::{ChunkSource, Encoded};
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::{Decode, Kind, RegionError, Times, Values, Variable};

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
    check_other_dims(members, axis.name())?;
    let mut out = Described { attrs: first.described.attrs.clone(), ..Described::default() };
    for member in members {
        for (name, reason) in &member.described.unreadable {
            out.unreadable.entry(name.clone()).or_insert_with(|| reason.clone());
        }
    }
    for (name, variable) in &first.described.variables {
        if let Some(lacking) = members.iter().find(|m| !m.described.variables.contains_key(name)) {
            out.unreadable.entry(name.clone()).or_insert_with(|| format!("{} has it, {} has not", first.name, lacking.name));
            continue;
        }
        if out.unreadable.contains_key(name) {
            continue;
        }
        let has_axis = variable.dims.iter().any(|d| d == axis.name());
        let stays =
            !has_axis && variable.is_coordinate && members[1..].iter().all(|m| same::variables(name, &first.described, &m.described));
        if stays {
            out.variables.insert(name.clone(), variable.clone());
            if let Some(source) = first.described.sources.get(name) {
                out.sources.insert(name.clone(), source.clone());
            }
            continue;
        }
        match join_one(name, members, axis.name(), &lengths)? {
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
    for member in &members[1..] {
        for name in member.described.variables.keys().filter(|n| !first.described.variables.contains_key(*n)) {
            out.unreadable.entry(name.clone()).or_insert_with(|| format!("{} has it, {} has not", member.name, first.name));
        }
    }
    Ok(Member { name: first.name.clone(), described: out })
}

fn length_along(member: &Member, axis: &Axis) -> Result<usize, RegionError> {
    let Axis::Along(dim) = axis else { return Ok(1) };
    let found = member.described.variables.values().find_map(|v| Some(v.chunks.get(v.dims.iter().position(|d| d == dim)?)?.len()));
    found.ok_or_else(|| RegionError::request(format!("{}: has no dimension {dim}", member.name)))
}

/// That every other dimension has the same coordinate and length in all members.
fn check_other_dims(members: &[Member], dim: &str) -> Result<(), RegionError> {
    let first = &members[0];
    for member in &members[1..] {
        for (name, variable) in &first.described.variables {
            let Some(other) = member.described.variables.get(name) else { continue };
            let is_index = variable.dims.len() == 1 && variable.dims[0] == *name && name != dim;
            let lengths =
                |v: &Variable| -> Vec<(String, usize)> { v.dims.iter().cloned().zip(v.shape()).filter(|(d, _)| d != dim).collect() };
            let differs =
                lengths(variable) != lengths(other) || (is_index && !same::values(variable.values.as_ref(), other.values.as_ref()));
            if differs {
                return Err(RegionError::request(format!(
                    "{} and {} cannot be joined along {dim}: {name} differs in its other dimensions",
                    first.name, member.name
                )));
            }
        }
    }
    Ok(())
}

type Joined = (Variable, Option<Arc<dyn ChunkSource>>);

/// Joins one variable, or says why it cannot be.
fn join_one(name: &str, members: &[Member], dim: &str, lengths: &[usize]) -> Result<Result<Joined, String>, RegionError> {
    let variables: Vec<&Variable> = members.iter().filter_map(|m| m.described.variables.get(name)).collect();
    let first = variables[0];
    let has_axis = first.dims.iter().position(|d| d == dim);
    if variables.iter().any(|v| v.dims != first.dims) {
        return Ok(Err("its dimensions differ between the files".into()));
    }
    let at = has_axis.unwrap_or(0);
    let mut joined = first.clone();
    if has_axis.is_none() {
        joined.dims.insert(0, dim.to_string());
        joined.chunks.insert(0, AxisChunks::default());
    }
    joined.chunks[at] = AxisChunks::default();
    joined.values = None;
    if joined.dims.len() == 1 || first.kind == Kind::Text {
        match join_values(&variables, has_axis, lengths) {
            Ok(values) => joined.values = values,
            Err(reason) => return Err(RegionError::request(format!("variable {name}: {reason}"))),
        }
    }
    if first.kind == Kind::Text {
        joined.chunks[at] = AxisChunks::from_runs(lengths.iter().map(|&n| (1, n)));
        return Ok(Ok((joined, None)));
    }
    let sources: Vec<Arc<dyn ChunkSource>> = members.iter().filter_map(|m| m.described.sources.get(name).cloned()).collect();
    if sources.len() != members.len() {
        return Ok(Err("it holds texts in some files only".into()));
    }
    let source = match JoinedSource::new(&variables, sources, at, has_axis.is_none().then_some(lengths)) {
        Ok(source) => source,
        Err(reason) => return Ok(Err(reason)),
    };
    joined.chunks = source.grid.clone();
    joined.stored = source.stored;
    if source.decodes {
        joined.decode = Decode::none(source.stored);
        if matches!(joined.kind, Kind::Number(_)) {
            joined.kind = Kind::Number(source.stored);
        }
    }
    Ok(Ok((joined, Some(Arc::new(source)))))
}

/// The values of a joined coordinate.
fn join_values(variables: &[&Variable], has_axis: Option<usize>, lengths: &[usize]) -> Result<Option<Values>, String> {
    let mut pieces = vec![];
    for (variable, &length) in variables.iter().zip(lengths) {
        let Some(values) = &variable.values else { return Ok(None) };
        pieces.push((values, if has_axis.is_some() { 1 } else { length }));
    }
    match pieces.first() {
        Some((Values::Texts(_), _)) => {
            if has_axis.is_some_and(|at| at > 0) {
                return Err("texts cannot be joined along an inner dimension".into());
            }
            let mut all = vec![];
            for (piece, repeat) in pieces {
                let Values::Texts(texts) = piece else { return Err("it holds texts in some files only".into()) };
                (0..repeat).for_each(|_| all.extend_from_slice(texts));
            }
            Ok(Some(Values::Texts(all)))
        }
        Some((Values::Times(first), _)) => {
            let mut micros = vec![];
            for (piece, repeat) in pieces {
                let Values::Times(times) = piece else { return Err("it holds times in some files only".into()) };
                if times.encoding.calendar != first.encoding.calendar {
                    return Err("the files use different calendars".into());
                }
                (0..repeat).for_each(|_| micros.extend_from_slice(&times.micros));
            }
            Ok(Some(Values::Times(Times { micros, encoding: first.encoding.clone() })))
        }
        Some((Values::Numbers(_), _)) => {
            let mut blocks = vec![];
            let mut dtype: Option<DType> = None;
            for (piece, repeat) in pieces {
                let Values::Numbers(block) = piece else { return Err("it holds numbers in some files only".into()) };
                dtype = Some(dtype.map_or(block.dtype(), |d| d.promote(block.dtype())));
                (0..repeat).for_each(|_| blocks.push(block.clone().reshape(&[block.len()])));
            }
            let dtype = dtype.unwrap_or(DType::F64);
            let blocks = blocks.into_iter().map(|b| b.map(|b| b.cast(dtype))).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
            Block::concat(0, &blocks.iter().collect::<Vec<_>>()).map(|b| Some(Values::Numbers(b))).map_err(|e| e.to_string())
        }
        None => Ok(None),
    }
}

/// The chunks of one variable of several files, end to end along one axis.
///
/// Where the files are packed alike, blocks are raw cells; where scale, fill values, types or time units differ,
/// blocks are decoded here, file by file, and [`ChunkSource::is_decoded`] says so.
struct JoinedSource {
    parts: Vec<Part>,
    axis: usize,
    /// Files lack the axis: their cells are repeated along it.
    repeats: bool,
    grid: Vec<AxisChunks>,
    stored: DType,
    decodes: bool,
}

struct Part {
    source: Arc<dyn ChunkSource>,
    variable: Variable,
    /// The first chunk along the axis.
    first_chunk: usize,
    /// Indices along the axis.
    len: usize,
}

impl JoinedSource {
    fn new(
        variables: &[&Variable],
        sources: Vec<Arc<dyn ChunkSource>>,
        axis: usize,
        repeat: Option<&[usize]>,
    ) -> Result<JoinedSource, String> {
        let first = variables[0];
        let calendar = |v: &Variable| match &v.kind {
            Kind::Time(encoding) => Some(encoding.calendar),
            Kind::Number(_) | Kind::Text => None,
        };
        if variables.iter().any(|v| calendar(v) != calendar(first)) {
            return Err("its times are of different calendars in different files".into());
        }
        let decodes = sources.iter().any(|s| s.is_decoded())
            || variables.iter().any(|v| v.decode != first.decode || v.stored != first.stored || v.kind != first.kind);
        let decoded = |v: &Variable| if matches!(v.kind, Kind::Time(_)) { DType::I64 } else { v.decode.dtype };
        let stored = if decodes { variables.iter().fold(decoded(first), |d, v| d.promote(decoded(v))) } else { first.stored };
        let mut along = AxisChunks::default();
        let mut parts = vec![];
        for (i, (source, variable)) in sources.into_iter().zip(variables).enumerate() {
            let own = match repeat {
                Some(lengths) => AxisChunks::from_runs([(1, lengths[i])]),
                None => variable.chunks[axis].clone(),
            };
            let mut description = (*variable).clone();
            description.values = None;
            parts.push(Part { source, variable: description, first_chunk: along.count(), len: own.len() });
            along = along.concat(&own);
        }
        let mut grid = first.chunks.clone();
        match repeat {
            Some(_) => grid.insert(axis, along),
            None => grid[axis] = along,
        }
        // Other axes may be cut differently from file to file: cells are then found by position, so the cuts must agree.
        let others = |chunks: &[AxisChunks]| {
            chunks.iter().enumerate().filter(|(i, _)| repeat.is_some() || *i != axis).map(|(_, c)| c.clone()).collect::<Vec<_>>()
        };
        let uneven = variables.iter().any(|v| others(&v.chunks) != others(&first.chunks));
        let mut source = JoinedSource { parts, axis, repeats: repeat.is_some(), grid, stored, decodes };
        if uneven {
            source.make_even();
        }
        Ok(source)
    }

    /// Gives every file the grid of the first along the other axes.
    fn make_even(&mut self) {
        let shared = self.grid.clone();
        let (axis, repeats) = (self.axis, self.repeats);
        for part in &mut self.parts {
            let own = part.source.chunks();
            let grid: Vec<AxisChunks> = if repeats {
                shared.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, c)| c.clone()).collect()
            } else {
                shared.iter().enumerate().map(|(i, c)| if i == axis { own[axis].clone() } else { c.clone() }).collect()
            };
            if grid != own {
                part.source = Arc::new(Regridded::new(part.source.clone(), grid));
            }
        }
    }

    /// The file that holds a chunk, and the chunk's position in it.
    fn locate(&self, chunk: &[usize]) -> Result<(&Part, Vec<usize>), RegionError> {
        let no_such = || RegionError::internal(format!("no chunk {chunk:?}"));
        let along = *chunk.get(self.axis).ok_or_else(no_such)?;
        let at = self.parts.partition_point(|p| p.first_chunk <= along).checked_sub(1).ok_or_else(no_such)?;
        // Files without any index along the axis start where the next one does: the last of these holds the chunk.
        let part = &self.parts[at];
        let mut local = chunk.to_vec();
        if self.repeats {
            local.remove(self.axis);
        } else {
            local[self.axis] -= part.first_chunk;
        }
        Ok((part, local))
    }
}

impl ChunkSource for JoinedSource {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.stored
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.locate(chunk).map_or(0, |(part, local)| part.source.stored_bytes(&local))
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        let (part, local) = self.locate(chunk)?;
        part.source.fetch(&local)
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        let located = chunks.iter().map(|chunk| self.locate(chunk)).collect::<Result<Vec<_>, _>>()?;
        let mut out = vec![];
        // Chunks come in order, so that those of one file are neighbours.
        for run in located.chunk_by(|(a, _), (b, _)| std::ptr::eq(*a, *b)) {
            let (Some((part, _)), local) = (run.first(), run.iter().map(|(_, local)| local.as_slice()).collect::<Vec<_>>()) else {
                continue;
            };
            out.extend(part.source.fetch_many(&local)?);
        }
        Ok(out)
    }

    fn is_remote(&self) -> bool {
        self.parts.iter().any(|p| p.source.is_remote())
    }

    fn is_watched(&self) -> bool {
        self.parts.iter().all(|p| p.source.is_watched())
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        let (part, local) = self.locate(chunk)?;
        let mut block = part.source.decode(&local, encoded)?;
        if self.decodes && !part.source.is_decoded() {
            block = decode_variable(&part.variable, block)?;
        }
        if block.dtype() != self.stored {
            block = block.cast(self.stored);
        }
        if self.repeats {
            let mut shape = block.shape().to_vec();
            shape.insert(self.axis, 1);
            let one = block.reshape(&shape)?;
            block = if part.len == 1 { one } else { one.take(self.axis, &vec![0; part.len])? };
        }
        Ok(block)
    }

    fn is_decoded(&self) -> bool {
        self.decodes
    }
}
