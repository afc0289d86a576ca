//! The chunks of one variable of several files, end to end along one axis.
//!
//! In: what lies along the axis, in order: cells of files, or nothing. Out: one source. Never copies cells; where there are none they are
//! missing.

use super::regridded::{Regridded, shared_grid};
use crate::cf::decode_variable;
use crate::source::{ChunkSource, Encoded, shape_of};
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::{Decode, Kind, RegionError, Variable};

/// What lies along a stretch of the axis.
pub(super) enum Stretch {
    /// A variable of a file, all of it.
    Cells(Box<Variable>, Arc<dyn ChunkSource>),
    /// As many indices without cells.
    Nothing(usize),
}

/// Where the files are packed alike, blocks are raw cells; where scale, fill values, types or time units differ, or cells are missing,
/// blocks are decoded here, file by file, and [`ChunkSource::is_decoded`] says so.
pub(super) struct JoinedSource {
    parts: Vec<Part>,
    axis: usize,
    grid: Vec<AxisChunks>,
    stored: DType,
    /// What missing cells hold.
    missing: f64,
    decodes: bool,
}

struct Part {
    cells: Option<(Box<Variable>, Arc<dyn ChunkSource>)>,
    /// The first chunk along the axis.
    first_chunk: usize,
}

/// The type of a variable some of whose cells are missing, as xarray's `maybe_promote` chooses it.
///
/// # Errors
/// A reason, for types that have no missing value.
pub(super) fn with_missing(dtype: DType, is_time: bool) -> Result<DType, String> {
    match dtype {
        _ if is_time => Ok(DType::I64),
        DType::F32 | DType::I8 | DType::U8 | DType::I16 | DType::U16 => Ok(DType::F32),
        DType::F64 | DType::I32 | DType::U32 | DType::I64 | DType::U64 => Ok(DType::F64),
        DType::Bool => Err("some files lack it, and truths (bool) cannot be missing".into()),
    }
}

impl JoinedSource {
    /// Joins variables that all have the same dimensions in the same order.
    ///
    /// # Errors
    /// A reason, when they cannot be one.
    pub(super) fn new(stretches: Vec<Stretch>, axis: usize) -> Result<JoinedSource, String> {
        let cells: Vec<(&Variable, &Arc<dyn ChunkSource>)> = stretches.iter().filter_map(Stretch::cells).collect();
        let (first, source) = *cells.first().ok_or("no file has it")?;
        let calendar = |v: &Variable| match &v.kind {
            Kind::Time(encoding) => Some(encoding.calendar),
            Kind::Number(_) | Kind::Text => None,
        };
        if let Some((other, _)) = cells.iter().find(|(v, _)| calendar(v) != calendar(first)) {
            let name = |v: &Variable| calendar(v).map_or("no time".into(), |c| format!("calendar '{}'", c.name()));
            return Err(format!("its times are of different calendars in different files: {} and {}", name(first), name(other)));
        }
        let lacks = cells.len() < stretches.len();
        let decodes = lacks
            || cells.iter().any(|(v, s)| s.is_decoded() || v.decode != first.decode || v.stored != first.stored || v.kind != first.kind);
        let is_time = matches!(first.kind, Kind::Time(_));
        let decoded = |v: &Variable| if is_time { DType::I64 } else { v.decode.dtype };
        let mut stored = if decodes { cells.iter().fold(decoded(first), |d, (v, _)| d.promote(decoded(v))) } else { first.stored };
        if lacks {
            stored = with_missing(stored, is_time)?;
        }
        let missing = if is_time { i64::MIN as f64 } else { f64::NAN };
        let grids: Vec<&[AxisChunks]> = cells.iter().map(|(_, source)| source.chunks()).collect();
        let grid = match grids.iter().all(|g| g.iter().enumerate().all(|(i, c)| i == axis || source.chunks().get(i) == Some(c))) {
            true => source.chunks().to_vec(),
            false => shared_grid(&grids, axis),
        };
        let longest = grids.iter().filter_map(|g| g.get(axis)).map(AxisChunks::longest).max().unwrap_or(1);
        let mut joined = JoinedSource { parts: vec![], axis, grid, stored, missing, decodes };
        joined.grid[axis] = AxisChunks::default();
        stretches.into_iter().try_for_each(|stretch| joined.push(stretch, longest))?;
        Ok(joined)
    }

    /// Adds a stretch, seen through the grid that all share.
    fn push(&mut self, stretch: Stretch, longest: usize) -> Result<(), String> {
        let first_chunk = self.grid[self.axis].count();
        let (own, cells) = match stretch {
            Stretch::Nothing(len) => (AxisChunks::uniform(len, longest), None),
            Stretch::Cells(mut variable, source) => {
                let source = Regridded::within(source, &self.grid, self.axis)?;
                variable.values = None;
                (source.chunks()[self.axis].clone(), Some((variable, source)))
            }
        };
        self.grid[self.axis] = std::mem::take(&mut self.grid[self.axis]).concat(&own);
        self.parts.push(Part { cells, first_chunk });
        Ok(())
    }

    /// The description of what was joined, from that of the first variable and the dimensions.
    pub(super) fn describe(&self, first: &Variable, dims: Vec<String>) -> Variable {
        let mut joined = Variable { dims, chunks: self.grid.clone(), stored: self.stored, values: None, ..first.clone() };
        if self.decodes {
            joined.decode = Decode::none(self.stored);
            if matches!(joined.kind, Kind::Number(_)) {
                joined.kind = Kind::Number(self.stored);
            }
        }
        joined
    }

    /// The part that holds a chunk, and the chunk's position in it.
    fn locate(&self, chunk: &[usize]) -> Result<(&Part, Vec<usize>), RegionError> {
        let no_such = || RegionError::internal(format!("no chunk {chunk:?}"));
        let along = *chunk.get(self.axis).ok_or_else(no_such)?;
        // Parts without any index along the axis start where the next one does: the last of these holds the chunk.
        let at = self.parts.partition_point(|p| p.first_chunk <= along).checked_sub(1).ok_or_else(no_such)?;
        let part = self.parts.get(at).ok_or_else(no_such)?;
        let mut local = chunk.to_vec();
        local[self.axis] -= part.first_chunk;
        Ok((part, local))
    }
}

impl Stretch {
    fn cells(&self) -> Option<(&Variable, &Arc<dyn ChunkSource>)> {
        match self {
            Stretch::Cells(variable, source) => Some((variable.as_ref(), source)),
            Stretch::Nothing(_) => None,
        }
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
        let Ok((Part { cells: Some((_, source)), .. }, local)) = self.locate(chunk) else { return 0 };
        source.stored_bytes(&local)
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        let (part, local) = self.locate(chunk)?;
        part.cells.as_ref().map_or(Ok(None), |(_, source)| source.fetch(&local))
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        let located = chunks.iter().map(|chunk| self.locate(chunk)).collect::<Result<Vec<_>, _>>()?;
        let mut out = vec![];
        // Chunks come in order, so that those of one file are neighbours.
        for run in located.chunk_by(|(a, _), (b, _)| std::ptr::eq(*a, *b)) {
            let local = run.iter().map(|(_, local)| local.as_slice()).collect::<Vec<_>>();
            match run.first().and_then(|(part, _)| part.cells.as_ref()) {
                Some((_, source)) => out.extend(source.fetch_many(&local)?),
                None => out.extend(local.iter().map(|_| None)),
            }
        }
        Ok(out)
    }

    fn is_remote(&self) -> bool {
        self.sources().any(|source| source.is_remote())
    }

    fn is_watched(&self) -> bool {
        self.sources().all(|source| source.is_watched())
    }

    fn scratch_bytes(&self) -> usize {
        let longest =
            |source: &dyn ChunkSource| source.chunks().iter().fold(source.stored().size(), |n, axis| n.saturating_mul(axis.longest()));
        let of = |source: &dyn ChunkSource| source.scratch_bytes().saturating_add(if self.decodes { longest(source) } else { 0 });
        self.sources().map(of).max().unwrap_or(0)
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        let (part, local) = self.locate(chunk)?;
        let Some((variable, source)) = &part.cells else {
            return Ok(Block::filled(self.stored, &shape_of(&self.grid, chunk), self.missing));
        };
        let mut block = source.decode(&local, encoded)?;
        if self.decodes && !source.is_decoded() {
            block = decode_variable(variable, block)?;
        }
        Ok(if block.dtype() == self.stored { block } else { block.cast(self.stored) })
    }

    fn is_decoded(&self) -> bool {
        self.decodes
    }
}

impl JoinedSource {
    fn sources(&self) -> impl Iterator<Item = &dyn ChunkSource> {
        self.parts.iter().filter_map(|p| p.cells.as_ref()).map(|(_, source)| source.as_ref())
    }
}
