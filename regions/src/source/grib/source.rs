//! A variable whose chunks are fields.
//!
//! In: where each field lies. Out: its sections 5 to 7, its values. Never asks the file's headers again.

use super::field::Place;
use super::packing;
use super::scan::Scan;
use crate::source::{ChunkSource, Encoded, Places, bytes, ravel, strided};
use crate::store::Object;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Fields of one grid, by their number in C order of the dimensions before those of the grid.
pub struct FieldSource {
    /// File and variable, for errors.
    pub(crate) what: String,
    file: Arc<dyn Object>,
    is_remote: bool,
    chunks: Vec<AxisChunks>,
    pub(crate) scan: Scan,
    pub(crate) places: Vec<(u64, Place)>,
}

impl FieldSource {
    /// Fields in an array of `lengths` fields.
    pub(crate) fn new(
        what: String,
        (file, is_remote): (Arc<dyn Object>, bool),
        lengths: &[usize],
        scan: Scan,
        mut places: Vec<(u64, Place)>,
    ) -> FieldSource {
        places.sort_by_key(|(number, _)| *number);
        let mut chunks: Vec<AxisChunks> = lengths.iter().map(|&len| AxisChunks::uniform(len, 1)).collect();
        chunks.extend([scan.rows, scan.columns].map(|len| AxisChunks::uniform(len, len)));
        FieldSource { what, file, is_remote, chunks, scan, places }
    }

    fn place(&self, chunk: &[usize]) -> Option<Place> {
        let counts: Vec<usize> = self.chunks.iter().map(AxisChunks::count).collect();
        let number = ravel(chunk, &counts)? as u64;
        let at = self.places.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.places.get(at).map(|(_, place)| *place)
    }

    /// Refuses fields that claim more bytes than one can have.
    fn checked(&self, chunk: &[usize], place: Place) -> Result<Place, RegionError> {
        let stored = place.bytes();
        if stored <= bytes::most_stored(self.scan.points().saturating_mul(4)) as u64 {
            return Ok(place);
        }
        Err(RegionError::data(format!("{}, field {chunk:?}: {stored} stored bytes are more than it can have", self.what)))
    }
}

impl Place {
    /// Bytes that reading the field takes.
    fn bytes(&self) -> u64 {
        u64::from(self.len) + self.bitmap.map_or(0, |(_, len)| u64::from(len))
    }

    fn ranges(&self) -> impl Iterator<Item = (u64, usize)> {
        [(self.offset, self.len as usize)].into_iter().chain(self.bitmap.map(|(offset, len)| (offset, len as usize)))
    }
}

impl ChunkSource for FieldSource {
    fn chunks(&self) -> &[AxisChunks] {
        &self.chunks
    }

    fn stored(&self) -> DType {
        DType::F32
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.place(chunk).map_or(0, |place| place.bytes())
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }

    fn places(&self) -> Option<Places<'_>> {
        Some(Places::Fields(self))
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        Ok(self.fetch_many(&[chunk])?.pop().flatten())
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        let (mut places, mut ranges) = (vec![], vec![]);
        for chunk in chunks {
            strided::check_position(&self.what, &self.chunks, chunk)?;
            let place = self.place(chunk).map(|place| self.checked(chunk, place)).transpose()?;
            ranges.extend(place.iter().flat_map(Place::ranges));
            places.push(place);
        }
        let mut read =
            self.file.read_many(&ranges).map_err(|e| RegionError::new(e.kind, format!("{}: {}", self.what, e.message)))?.into_iter();
        let encoded = |place: Option<Place>| {
            let bitmap = place?.bitmap;
            let field = read.next()?;
            match bitmap {
                None => Some(Encoded::new(field)),
                // The bitmap of an earlier field of the message comes behind the sections.
                Some(_) => Some(Encoded::new([&field[..], &read.next()?[..]].concat())),
            }
        };
        Ok(places.into_iter().map(encoded).collect())
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        strided::check_position(&self.what, &self.chunks, chunk)?;
        let shape = crate::source::shape_of(&self.chunks, chunk);
        let Some(encoded) = encoded else { return Ok(Block::filled(DType::F32, &shape, f64::NAN)) };
        let values = packing::unpack(&encoded.bytes, self.scan.points())
            .map_err(|why| RegionError::data(format!("{}, field {chunk:?}: {why}", self.what)))?;
        Ok(Block::from_vec(&shape, self.scan.arrange(values))?)
    }
}
