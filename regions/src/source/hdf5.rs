//! NetCDF-4 and HDF5 files: metadata read once into a manifest; from then on chunks are byte ranges of the file.
//!
//! In: a file and a group. Out: its variables and attributes as stored. Never reads data, but for texts of rank 0 and 1.
//! Format: HDF5 File Format Specification 3.0; netCDF-4's use of it: the "netCDF-4 File Format" appendix of the netCDF User's Guide.

pub mod attrs;
mod btree;
mod chunks;
pub mod dims;
pub mod filters;
pub mod messages;
pub mod types;

use super::bytes::ByteOrder;
use super::chunked::{Chunked, Entry, Layout, Manifest, Recipe};
use super::raw::{RawCells, RawDataset, RawVariable};
use super::strided::{Medium, Strided};
use super::{ChunkSource, ravel};
use crate::codec::{Codec, Pipeline};
use crate::store::Object;
use crate::store::ranged::metadata_of;
use btree::Tree;
use dims::{Clash, Scales};
use filters::{codec, filter_name};
use hdf5_reader::chunk_index::ChunkEntry;
use hdf5_reader::group::Group;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::{Dataset, Hdf5File, OpenOptions};
use messages::Sizes;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use types::{Meaning, element_type, is_text, type_label};
use xeng_kernels::{AxisChunks, DType};
use xeng_proto::RegionError;

/// Chunks of one variable that are listed, at most: 16 bytes each.
const MAX_CHUNKS: usize = 1 << 28;
/// Texts that are read at opening, at most, per variable.
const MAX_TEXTS: u64 = 1 << 20;
/// Groups that are walked, at most.
const MAX_GROUPS: usize = 10_000;

const MAGIC: [u8; 8] = [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n'];

/// An open file: metadata only.
pub struct Hdf5 {
    file: Arc<dyn Object>,
    is_remote: bool,
    metadata: Hdf5File,
    /// Where the superblock lies: addresses count from here.
    base: u64,
    clashes: OnceLock<HashMap<i64, Clash>>,
}

/// Where the superblock lies: at 0, or behind a user block of 512 bytes times a power of two.
pub fn superblock_at(file: &dyn Object) -> Option<u64> {
    let mut at = 0u64;
    while at.checked_add(8).is_some_and(|end| end <= file.len()) {
        if file.read(at, 8).is_ok_and(|head| head[..] == MAGIC) {
            return Some(at);
        }
        at = if at == 0 { 512 } else { at.checked_mul(2)? };
    }
    None
}

impl Hdf5 {
    /// Reads the superblock.
    ///
    /// # Errors
    /// `Data` when the metadata is malformed.
    pub fn open(file: &Arc<dyn Object>, is_remote: bool, base: u64) -> Result<Hdf5, RegionError> {
        let bad = |e: hdf5_reader::error::Error| RegionError::data(format!("{}: {e}", file.name()));
        let metadata = Hdf5File::from_storage_with_options(metadata_of(file, is_remote), OpenOptions::default()).map_err(bad)?;
        Ok(Hdf5 { file: file.clone(), is_remote, metadata, base, clashes: OnceLock::new() })
    }

    fn bad(&self, e: impl std::fmt::Display) -> RegionError {
        RegionError::data(format!("{}: {e}", self.file.name()))
    }

    /// The paths of all groups, parents first; the root is the empty path.
    ///
    /// # Errors
    /// `Data` when the metadata is malformed.
    pub fn group_paths(&self) -> Result<Vec<String>, RegionError> {
        let mut seen = std::collections::HashSet::new();
        let mut paths = vec![];
        let mut open = vec![(String::new(), self.metadata.root_group().map_err(|e| self.bad(e))?)];
        while let Some((path, group)) = open.pop() {
            if !seen.insert(group.address()) || paths.len() >= MAX_GROUPS {
                continue;
            }
            let (children, _) = group.member_names().map_err(|e| self.bad(e))?;
            for name in children.iter().rev() {
                let child = group.group(name).map_err(|e| self.bad(e))?;
                open.push((if path.is_empty() { name.clone() } else { format!("{path}/{name}") }, child));
            }
            paths.push(path);
        }
        Ok(paths)
    }

    /// The variables of a group.
    ///
    /// # Errors
    /// `Request` when there is no such group, `Data` when its metadata is malformed.
    pub fn group(&self, path: &str) -> Result<RawDataset, RegionError> {
        let mut lineage = vec![self.metadata.root_group().map_err(|e| self.bad(e))?];
        for name in path.split('/').filter(|n| !n.is_empty()) {
            let parent = &lineage[lineage.len() - 1];
            let child =
                parent.group(name).map_err(|_| RegionError::request(format!("{}: there is no group {path:?}", self.file.name())))?;
            lineage.push(child);
        }
        let mut scales = Scales::with_clashes(self.clashes()?.clone());
        let mut members = vec![];
        let mut unreadable = indexmap::IndexMap::new();
        for group in &lineage {
            (members, unreadable) = self.members(group)?;
            scales.learn(&members, self.metadata.superblock().offset_size);
        }
        let group = &lineage[lineage.len() - 1];
        let mut dataset = RawDataset { attrs: self.group_attrs(group)?, unreadable, ..RawDataset::default() };
        scales.extend_lengths(&members);
        for member in &members {
            if Scales::is_bare_dimension(member) {
                continue;
            }
            let name = member.name().strip_prefix("_nc4_non_coord_").unwrap_or(member.name()).to_string();
            let dims = scales.dims_of(member);
            let shape = scales.shape_of(member, &dims);
            match self.variable(member, &name, dims, shape) {
                Ok(Ok(variable)) => {
                    dataset.variables.insert(name, variable);
                }
                Ok(Err(reason)) => {
                    dataset.unreadable.insert(name, reason);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(dataset)
    }

    /// Dimension numbers that are given twice; only files with groups are known to have them.
    fn clashes(&self) -> Result<&HashMap<i64, Clash>, RegionError> {
        if let Some(known) = self.clashes.get() {
            return Ok(known);
        }
        let mut members = vec![];
        // Files may hold links that lead nowhere: these say nothing about dimensions.
        let paths = self.group_paths().unwrap_or_default();
        for path in paths.iter().filter(|_| paths.len() > 1) {
            let mut group = self.metadata.root_group().map_err(|e| self.bad(e))?;
            for name in path.split('/').filter(|n| !n.is_empty()) {
                group = group.group(name).map_err(|e| self.bad(e))?;
            }
            members.extend(self.members(&group)?.0);
        }
        Ok(self.clashes.get_or_init(|| dims::clashes(members.iter())))
    }

    fn group_attrs(&self, group: &Group) -> Result<xeng_proto::Attrs, RegionError> {
        let attributes = group.attributes().map_err(|e| self.bad(e))?;
        Ok(attrs::attributes(&attributes))
    }

    /// The datasets of a group in the order in which they were made, and those that cannot be opened.
    fn members(&self, group: &Group) -> Result<(Vec<Dataset>, indexmap::IndexMap<String, String>), RegionError> {
        let (_, names) = group.member_names().map_err(|e| self.bad(e))?;
        let mut members = vec![];
        let mut unreadable = indexmap::IndexMap::new();
        for name in names {
            match group.dataset(&name) {
                Ok(member) => members.push(member),
                Err(e) => {
                    unreadable.insert(name, e.to_string());
                }
            }
        }
        // Links may be listed by name; objects are laid out in the order of their creation.
        members.sort_by_key(Dataset::address);
        Ok((members, unreadable))
    }

    /// A variable, or the reason why it cannot be read.
    #[allow(clippy::type_complexity)]
    fn variable(
        &self,
        member: &Dataset,
        name: &str,
        dims: Vec<String>,
        shape: Vec<u64>,
    ) -> Result<Result<RawVariable, String>, RegionError> {
        let attrs = attrs::attributes(&member.attributes());
        let shape = shape
            .iter()
            .map(|&n| usize::try_from(n).map_err(|_| self.bad(format!("{name}: an axis of {n}"))))
            .collect::<Result<Vec<_>, _>>()?;
        let (filters, pipeline, recipe) = match self.pipeline(member)? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        let file_chunks = member.chunks().map(|c| c.iter().map(|&n| n as usize).collect());
        let variable =
            |type_name: String, cells: RawCells| RawVariable { dims: dims.clone(), attrs, filters, type_name, file_chunks, cells };
        if is_text(member.dtype()) {
            return Ok(texts(member, shape).map(|cells| variable("object".into(), cells)));
        }
        let meaning = self.meaning(member);
        if let Meaning::Foreign(reason) = meaning {
            return Ok(Err(reason));
        }
        let Some((dtype, order, is_char)) = element_type(member.dtype()) else {
            return Ok(Err(format!("cells of type {} are not supported", type_label(member.dtype()))));
        };
        let stored = Stored { pipeline, recipe, meaning, leaves_edges_unfiltered: self.leaves_edges_unfiltered(member) };
        let source = match self.source(member, name, (dtype, order), shape, stored)? {
            Ok(source) => source,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(if is_char {
            variable("|S1".into(), RawCells::Characters(source))
        } else {
            variable(dtype.name().into(), RawCells::Numbers(source))
        }))
    }

    fn sizes(&self) -> Sizes {
        Sizes { offset: self.metadata.superblock().offset_size, length: self.metadata.superblock().length_size }
    }

    /// What the bits of a cell mean.
    fn meaning(&self, member: &Dataset) -> Meaning {
        let message = messages::datatype(self.metadata.storage(), member.address(), self.sizes());
        message.map_or_else(
            || Meaning::Foreign("its type lies in a table of shared messages, which is not supported".into()),
            |m| types::meaning(&m),
        )
    }

    fn leaves_edges_unfiltered(&self, member: &Dataset) -> bool {
        let messages = messages::read(self.metadata.storage(), member.address(), self.sizes()).unwrap_or_default();
        messages.iter().any(|m| m.kind == messages::LAYOUT && types::leaves_edges_unfiltered(&m.bytes))
    }

    /// The filters of a dataset, or the name of one that is not supported.
    #[allow(clippy::type_complexity)]
    fn pipeline(&self, member: &Dataset) -> Result<Result<(Vec<String>, Pipeline, Vec<Recipe>), String>, RegionError> {
        let header = self.metadata.get_or_parse_header(member.address()).map_err(|e| self.bad(e))?;
        let described = header.messages.iter().find_map(|m| match m {
            HdfMessage::FilterPipeline(p) => Some(&p.filters),
            _ => None,
        });
        let (mut names, mut pipeline, mut recipe) = (vec![], Pipeline::default(), vec![]);
        for filter in described.into_iter().flatten() {
            match codec(filter.id, &filter.client_data) {
                Ok(found) => {
                    names.push(filter_name(filter.id, filter.name.as_deref()));
                    pipeline.codecs.push(found);
                    recipe.push(Recipe { id: filter.id, parameters: filter.client_data.clone() });
                }
                Err(()) => {
                    let name = filter_name(filter.id, filter.name.as_deref());
                    return Ok(Err(format!("its chunks are packed with filter {} ({name}), which is not supported", filter.id)));
                }
            }
        }
        Ok(Ok((names, pipeline, recipe)))
    }

    /// Where the cells lie, or why they cannot be read.
    #[allow(clippy::type_complexity)]
    fn source(
        &self,
        member: &Dataset,
        name: &str,
        kind: (DType, ByteOrder),
        shape: Vec<usize>,
        stored: Stored,
    ) -> Result<Result<Arc<dyn ChunkSource>, String>, RegionError> {
        let header = self.metadata.get_or_parse_header(member.address()).map_err(|e| self.bad(e))?;
        let what = format!("{}: {name}", self.file.name());
        if header.messages.iter().any(|m| matches!(m, HdfMessage::ExternalFiles(_))) {
            return Ok(Err("its cells lie in external files, which is not supported".into()));
        }
        let Some(layout) = header.messages.iter().find_map(|m| match m {
            HdfMessage::DataLayout(l) => Some(&l.layout),
            _ => None,
        }) else {
            return Err(self.bad(format!("{name} has no layout")));
        };
        let fill = member.fill_value().and_then(|f| f.value.clone()).filter(|v| v.len() == kind.0.size());
        let strided = |medium| -> Result<Result<Arc<dyn ChunkSource>, String>, RegionError> {
            if stored.meaning != Meaning::Plain {
                return Ok(Err("integers that leave bits unused are supported in chunks only".into()));
            }
            if shape.iter().zip(member.shape()).skip(1).any(|(&n, &held)| n as u64 != held) {
                return Ok(Err(format!("its cells have shape {:?}, its dimensions {shape:?}", member.shape())));
            }
            Ok(Ok(Arc::new(Strided::new(what.clone(), medium, kind, shape.clone())?.with_fill(fill.clone()))))
        };
        match layout {
            hdf5_core::DataLayout::Compact { data } => strided(Medium::Memory(data.clone().into())),
            hdf5_core::DataLayout::Contiguous { address, .. } if *address >= u64::MAX - self.base => strided(Medium::Absent),
            hdf5_core::DataLayout::Contiguous { address, .. } => {
                if *address == u64::from(u32::MAX) && self.metadata.superblock().offset_size == 4 {
                    return strided(Medium::Absent);
                }
                strided(Medium::File(self.file.clone(), address + self.base))
            }
            hdf5_core::DataLayout::Chunked { address, dims, chunk_indexing, .. } => {
                // The layout lists one dimension more than there are axes in old files: the bytes of a cell.
                let axes = dims.get(..shape.len()).unwrap_or(dims);
                let index =
                    ChunkIndex { address: *address, indexing: chunk_indexing.as_ref(), is_narrow: false, leaves_edges_unfiltered: false };
                if fill.is_none() && shape.iter().zip(member.shape()).any(|(&n, &held)| n as u64 > held) {
                    // netCDF-C gives its own default there, h5py nothing: what lies in the last chunk is neither.
                    return Ok(Err(format!(
                        "its cells have shape {:?}, its dimensions {shape:?}, and it has no fill value",
                        member.shape()
                    )));
                }
                let is_narrow = stored.meaning != Meaning::Plain;
                if is_narrow && fill.as_ref().is_some_and(|f| f.iter().any(|&b| b != 0)) {
                    return Ok(Err("integers that leave bits unused and have a fill value are not supported".into()));
                }
                let chunk_shape: Vec<usize> = axes.iter().map(|&n| n as usize).collect();
                let pipeline = stored.in_order();
                let layout = Layout { dtype: kind.0, order: kind.1, chunk_shape, pipeline, fill };
                let index = ChunkIndex { is_narrow, leaves_edges_unfiltered: stored.leaves_edges_unfiltered, ..index };
                let chunked = self.chunked(member, what.clone(), shape.clone(), layout, index)?;
                Ok(Ok(Arc::new(Chunked { recipe: Some(stored.recipe_in_order()), ..chunked })))
            }
        }
    }

    fn chunked(
        &self,
        member: &Dataset,
        what: String,
        shape: Vec<usize>,
        layout: Layout,
        index: ChunkIndex<'_>,
    ) -> Result<Chunked, RegionError> {
        if layout.chunk_shape.len() != shape.len() || layout.chunk_shape.contains(&0) {
            return Err(RegionError::data(format!("{what}: chunks of shape {:?} in an array of shape {shape:?}", layout.chunk_shape)));
        }
        let chunk_bytes = super::bytes::cells_of(layout.dtype, &layout.chunk_shape)? * layout.dtype.size();
        let grid: Vec<AxisChunks> = shape.iter().zip(&layout.chunk_shape).map(|(&n, &c)| AxisChunks::uniform(n, c)).collect();
        let counts: Vec<usize> = grid.iter().map(AxisChunks::count).collect();
        let count = counts.iter().try_fold(1usize, |n, &c| n.checked_mul(c)).unwrap_or(usize::MAX);
        let mut entries = vec![];
        let found = if count == 0 { vec![] } else { self.entries(member, &layout, &index)? };
        if found.len() > MAX_CHUNKS {
            return Err(RegionError::data(format!("{what}: {} chunks are more than can be listed", found.len())));
        }
        for entry in found {
            let aligned =
                entry.offsets.len() == shape.len() && entry.offsets.iter().zip(&layout.chunk_shape).all(|(&o, &c)| o % c as u64 == 0);
            if !aligned {
                return Err(RegionError::data(format!("{what}: a chunk at {:?} is off the grid", entry.offsets)));
            }
            let position: Vec<usize> = entry.offsets.iter().zip(&layout.chunk_shape).map(|(&o, &c)| (o / c as u64) as usize).collect();
            // Chunks beyond the present extent may stay allocated after an array has shrunk.
            let Some(number) = ravel(&position, &counts) else { continue };
            // A chunk without filters, and a single chunk's entry in an unfiltered file, may leave their size out.
            let size = if entry.size == 0 { chunk_bytes as u64 } else { entry.size };
            let place = self.base.checked_add(entry.address).filter(|&o| o.checked_add(size).is_some_and(|end| end <= self.file.len()));
            let (Some(offset), Ok(len)) = (place, u32::try_from(size)) else {
                return Err(RegionError::data(format!(
                    "{what}: chunk {position:?} (byte {}, {size} bytes) lies outside the file, which is truncated or corrupt",
                    entry.address
                )));
            };
            let reaches_over =
                position.iter().zip(&layout.chunk_shape).zip(member.shape()).any(|((&p, &c), &n)| (p as u64 + 1) * c as u64 > n);
            let skipped = if index.leaves_edges_unfiltered && reaches_over { u32::MAX } else { entry.filter_mask };
            // The step that is no filter stands first and is never skipped.
            let skipped = if index.is_narrow { skipped << 1 } else { skipped };
            entries.push((number as u64, Entry { offset, len, skipped }));
        }
        Ok(Chunked {
            what,
            file: self.file.clone(),
            is_remote: self.is_remote,
            grid,
            manifest: Manifest::new(count, entries),
            layout,
            recipe: None,
        })
    }

    /// The chunks of a dataset that were written, as its index tells.
    fn entries(&self, member: &Dataset, layout: &Layout, index: &ChunkIndex<'_>) -> Result<Vec<ChunkEntry>, RegionError> {
        let (address, sizes) = (index.address, self.sizes());
        if address == sizes.undefined() {
            return Ok(vec![]);
        }
        let mut found = match index.indexing {
            Some(indexing) => chunks::entries(&self.metadata, member, (address, indexing), &layout.chunk_shape, layout.dtype.size())
                .map_err(|e| self.bad(format!("{}: {e}", member.name())))?,
            None => Tree {
                file: self.file.as_ref(),
                metadata: self.metadata.storage(),
                base: self.base,
                is_remote: self.is_remote,
                what: member.name(),
                sizes,
                rank: layout.chunk_shape.len(),
                most: MAX_CHUNKS,
            }
            .chunks(address)?,
        };
        found.retain(|entry| entry.address != sizes.undefined());
        Ok(found)
    }
}

struct ChunkIndex<'a> {
    address: u64,
    indexing: Option<&'a hdf5_core::ChunkIndexing>,
    is_narrow: bool,
    leaves_edges_unfiltered: bool,
}

/// What lies between the stored bytes of a dataset and its numbers.
struct Stored {
    pipeline: Pipeline,
    recipe: Vec<Recipe>,
    meaning: Meaning,
    leaves_edges_unfiltered: bool,
}

impl Stored {
    /// The filters, and before them the last step to a number: undone last.
    fn in_order(&self) -> Pipeline {
        let first = if let Meaning::Narrow(precision) = self.meaning { Some(Codec::Precision(precision)) } else { None };
        Pipeline { codecs: first.into_iter().chain(self.pipeline.codecs.iter().cloned()).collect() }
    }

    /// The same in the file's words.
    fn recipe_in_order(&self) -> Vec<Recipe> {
        let first = if let Meaning::Narrow(precision) = &self.meaning {
            Some(Recipe { id: 0, parameters: types::parameters_of(precision) })
        } else {
            None
        };
        first.into_iter().chain(self.recipe.iter().cloned()).collect()
    }
}

/// The codecs of filters that a file was found to have before, for cells of so many bytes; `None` where one is not known.
pub fn pipeline_of(recipe: &[Recipe], cell_bytes: usize) -> Option<Pipeline> {
    let one = |r: &Recipe| {
        if r.id == 0 { types::precision_of(&r.parameters, cell_bytes).map(Codec::Precision) } else { codec(r.id, &r.parameters).ok() }
    };
    Some(Pipeline { codecs: recipe.iter().map(one).collect::<Option<Vec<_>>>()? })
}

fn texts(member: &Dataset, shape: Vec<usize>) -> Result<RawCells, String> {
    let count = member.num_elements().map_err(|e| e.to_string())?;
    if count > MAX_TEXTS {
        return Err(format!("{count} texts are more than are read"));
    }
    let stored: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    if stored != member.shape() {
        return Err("texts along a dimension that is longer elsewhere in the file are not supported".into());
    }
    let texts = if count == 0 { vec![] } else { member.read_strings().map_err(|e| e.to_string())? };
    if texts.len() as u64 != count {
        return Err(format!("holds {} texts instead of {count}", texts.len()));
    }
    Ok(RawCells::Texts { shape, texts })
}
