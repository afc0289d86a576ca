//! References in a folder of Parquet files, as fsspec's `LazyReferenceMapper` writes them: `.zmetadata` holds the metadata of all arrays
//! and the number of references per file, `VAR/refs.N.parq` the references of an array's chunks in C order.
//!
//! In: the folder. Out: references by key. Never reads a file before one of its references is asked for; keeps a bounded number of bytes.

use super::super::reach::Reach;
use super::cells::{self, Cell};
use super::{Reference, pages};
use crate::source::ravel;
use crate::source::zarr::attrs;
use crate::store::Location;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use xeng_proto::RegionError;

/// Bytes of the metadata, at most.
const MAX_METADATA_BYTES: u64 = 64 << 20;
/// Bytes of one file, as stored and when decompressed, at most.
const MAX_RECORD_BYTES: u64 = 64 << 20;
/// References in one file, at most; fsspec writes 10,000.
const MAX_RECORD_SIZE: usize = 1 << 20;
/// Files that are read to tell all targets, at most.
const MAX_FOLLOWED: usize = 1 << 14;
/// Bytes of files that are kept.
const KEPT_BYTES: usize = 128 << 20;
/// Bytes that one reference takes.
const ROW_BYTES: usize = size_of::<Option<Row>>();

/// References, read file by file.
pub(super) struct ParquetReferences {
    at: Location,
    reach: Arc<Reach>,
    metadata: Bytes,
    record_size: usize,
    /// Chunks along each axis of each array.
    counts: HashMap<String, Vec<usize>>,
    kept: Mutex<Kept>,
}

/// Files by array and number; `None` where there is none.
type Files = HashMap<(String, usize), Option<Arc<Record>>>;

#[derive(Default)]
struct Kept {
    files: Files,
    bytes: usize,
}

/// The references of one file.
#[derive(Debug)]
struct Record {
    rows: Vec<Option<Row>>,
    targets: Vec<Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
enum Row {
    /// As it stands in the file: cells of a dictionary share their bytes.
    Raw(Bytes),
    Whole(u32),
    Range(u32, u64, u64),
}

impl fmt::Debug for ParquetReferences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParquetReferences({})", self.at.name())
    }
}

impl ParquetReferences {
    /// Reads the metadata.
    ///
    /// # Errors
    /// `Request` when there are none, `Data` when they are malformed.
    pub(super) fn open(at: &Location, reach: Arc<Reach>) -> Result<ParquetReferences, RegionError> {
        let file = at.child(".zmetadata");
        reach.check(&file)?;
        let missing = || RegionError::request(format!("{}: no references: a folder of Parquet references holds a .zmetadata", at.name()));
        let metadata = file.get(MAX_METADATA_BYTES)?.ok_or_else(missing)?;
        let bad = |why: String| RegionError::data(format!("{}: {why}", file.name()));
        let json: Value = serde_json::from_slice(&metadata).map_err(|e| bad(e.to_string()))?;
        let record_size = json.get("record_size").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let record_size = record_size.filter(|n| (1..=MAX_RECORD_SIZE).contains(n));
        let record_size = record_size.ok_or_else(|| bad(format!("record_size is no number from 1 to {MAX_RECORD_SIZE}")))?;
        let files = json.get("metadata").and_then(Value::as_object).ok_or_else(|| bad("it holds no metadata".into()))?;
        if files.keys().any(|key| key.ends_with("zarr.json")) {
            return Err(bad("Parquet references to Zarr version 3 are not supported".into()));
        }
        let array = |(key, json): (&String, &Value)| Some((key.strip_suffix("/.zarray")?.to_owned(), chunk_counts(json)?));
        let counts = files.iter().filter_map(array).collect();
        Ok(ParquetReferences { at: at.clone(), reach, metadata, record_size, counts, kept: Mutex::default() })
    }

    /// What a key stands for.
    ///
    /// # Errors
    /// `Data` when its file is malformed.
    pub(super) fn get(&self, key: &str) -> Result<Option<Reference>, RegionError> {
        if key == ".zmetadata" {
            return Ok(Some(Reference::Text(self.metadata.clone())));
        }
        let Some((array, chunk)) = key.rsplit_once('/') else { return Ok(None) };
        let Some(number) = self.counts.get(array).and_then(|counts| chunk_number(chunk, counts)) else { return Ok(None) };
        let (file, row) = (number / self.record_size, number % self.record_size);
        let Some(record) = self.record(array, file)? else { return Ok(None) };
        let short = || RegionError::data(format!("{}: it ends before row {row}", self.file(array, file).name()));
        let target = |number: &u32| record.targets.get(*number as usize).cloned().ok_or_else(short);
        Ok(match record.rows.get(row).ok_or_else(short)? {
            None => None,
            Some(Row::Raw(raw)) => {
                let named = |e| RegionError::data(format!("{}: row {row}: {e}", self.file(array, file).name()));
                Some(Reference::Text(decoded(raw).map_err(named)?))
            }
            Some(Row::Whole(number)) => Some(Reference::Whole(target(number)?)),
            Some(Row::Range(number, offset, len)) => Some(Reference::Range(target(number)?, *offset, *len)),
        })
    }

    /// Every target, each once.
    ///
    /// # Errors
    /// `Budget` when there are too many files to read; files that are malformed count for nothing.
    pub(super) fn targets(&self) -> Result<Vec<Arc<str>>, RegionError> {
        let files = |counts: &Vec<usize>| counts.iter().fold(1usize, |n, &c| n.saturating_mul(c)).div_ceil(self.record_size);
        let all: usize = self.counts.values().map(files).fold(0, usize::saturating_add);
        if all > MAX_FOLLOWED {
            let told = format!("{}: {all} files of references are too many to tell what they lead to", self.at.name());
            return Err(RegionError::budget(told));
        }
        let mut targets = BTreeSet::new();
        for (array, counts) in &self.counts {
            for number in 0..files(counts) {
                if let Ok(Some(record)) = self.record(array, number) {
                    targets.extend(record.targets.iter().cloned());
                }
            }
        }
        Ok(targets.into_iter().collect())
    }

    fn file(&self, array: &str, number: usize) -> Location {
        self.at.child(array).child(&format!("refs.{number}.parq"))
    }

    fn record(&self, array: &str, number: usize) -> Result<Option<Arc<Record>>, RegionError> {
        let key = (array.to_owned(), number);
        if let Some(known) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).files.get(&key) {
            return Ok(known.clone());
        }
        let file = self.file(array, number);
        self.reach.check(&file)?;
        let record = match file.get(MAX_RECORD_BYTES)? {
            None => None,
            Some(bytes) => {
                let read = read(bytes, self.record_size).map_err(|e| RegionError::data(format!("{}: {e}", file.name())))?;
                Some(Arc::new(read))
            }
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = record.as_ref().map_or(0, |r| r.bytes) + 256;
        if kept.bytes.saturating_add(bytes) > KEPT_BYTES {
            *kept = Kept::default();
        }
        if kept.files.insert(key, record.clone()).is_none() {
            kept.bytes += bytes;
        }
        Ok(record)
    }
}

/// Chunks along each axis; of an array without axes one, as `0` names it.
fn chunk_counts(array: &Value) -> Option<Vec<usize>> {
    let lengths = |key: &str| array.get(key)?.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect::<Option<Vec<_>>>();
    let (shape, chunks) = (lengths("shape")?, lengths("chunks")?);
    if shape.len() != chunks.len() || chunks.contains(&0) {
        return None;
    }
    Some(if shape.is_empty() { vec![1] } else { shape.iter().zip(&chunks).map(|(n, c)| n.div_ceil(*c)).collect() })
}

fn chunk_number(chunk: &str, counts: &[usize]) -> Option<usize> {
    let position = chunk.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>()?;
    ravel(&position, counts)
}

/// Reads one file of at most `most` references.
fn read(bytes: Bytes, most: usize) -> Result<Record, String> {
    let refused = |e: ParquetError| format!("as Parquet: {e}");
    let file = SerializedFileReader::new(bytes.clone()).map_err(refused)?;
    let metadata = file.metadata();
    let rows = usize::try_from(metadata.file_metadata().num_rows()).ok().filter(|&n| n <= most);
    let rows = rows.ok_or_else(|| format!("{} rows, of at most {most}", metadata.file_metadata().num_rows()))?;
    let mut columns = Columns::default();
    for number in 0..metadata.num_row_groups() {
        let group = file.get_row_group(number).map_err(refused)?;
        let count = usize::try_from(group.metadata().num_rows()).map_err(|_| "a negative number of rows")?;
        if columns.rows.saturating_add(count) > rows {
            return Err("its row groups have more rows than it has".into());
        }
        columns.read(group.as_ref(), &bytes, count)?;
    }
    columns.finish()
}

/// The columns of a file, as far as it has them.
#[derive(Default)]
struct Columns {
    rows: usize,
    decompressed: u64,
    path: Vec<Option<Cell>>,
    offset: Vec<Option<Cell>>,
    size: Vec<Option<Cell>>,
    raw: Vec<Option<Cell>>,
}

impl Columns {
    fn read(&mut self, group: &dyn RowGroupReader, bytes: &Bytes, rows: usize) -> Result<(), String> {
        for (number, about) in group.metadata().columns().iter().enumerate() {
            let name = about.column_path().string();
            if !["path", "offset", "size", "raw"].contains(&name.as_str()) {
                continue;
            }
            let described = about.column_descr();
            let nullable = described.max_def_level() == 1;
            if described.max_rep_level() > 0 || described.max_def_level() > 1 {
                return Err(format!("its column {name} holds lists"));
            }
            // What the pages say they hold is checked before any of it is made room for.
            let (start, len) = (about.dictionary_page_offset().unwrap_or(about.data_page_offset()), about.compressed_size());
            let range = usize::try_from(start).ok().zip(usize::try_from(len).ok());
            let range = range.and_then(|(start, len)| Some(start..start.checked_add(len)?));
            let chunk = range.and_then(|range| bytes.get(range)).ok_or_else(|| format!("its column {name} lies outside"))?;
            let larger = pages::decompressed_bytes(chunk).ok_or_else(|| format!("the pages of its column {name} are malformed"))?;
            self.decompressed = self.decompressed.saturating_add(larger);
            if self.decompressed > MAX_RECORD_BYTES {
                return Err(format!("it holds more than {MAX_RECORD_BYTES} bytes"));
            }
            let kind = described.physical_type();
            let pages = group.get_column_page_reader(number).map_err(|e| format!("as Parquet: {e}"))?;
            let cells = cells::read(pages, kind, nullable, rows).map_err(|e| format!("its column {name}: {e}"))?;
            let (column, is_text) = match name.as_str() {
                "path" => (&mut self.path, true),
                "raw" => (&mut self.raw, true),
                "offset" => (&mut self.offset, false),
                _ => (&mut self.size, false),
            };
            // A column without a cell may be of any type: writers that infer types have nothing to infer from.
            if cells.iter().flatten().any(|cell| matches!(cell, Cell::Bytes(_)) != is_text) {
                return Err(format!("its column {name} is of type {kind}"));
            }
            column.extend(cells);
        }
        self.rows += rows;
        Ok(())
    }

    fn finish(self) -> Result<Record, String> {
        let complete = |len: usize| len == self.rows || len == 0;
        if !complete(self.path.len()) || !complete(self.offset.len()) || !complete(self.size.len()) || !complete(self.raw.len()) {
            return Err("its columns differ in length".into());
        }
        let mut targets = Targets::default();
        let mut rows = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let path = self.path.get(row).and_then(Option::as_ref);
            rows.push(match (self.raw.get(row).and_then(Option::as_ref), path) {
                (Some(Cell::Bytes(raw)), _) => Some(Row::Raw(raw.clone())),
                (_, None) => None,
                (_, Some(path)) => {
                    let number = targets.number(path)?;
                    let (offset, size) = (count(&self.offset, row)?, count(&self.size, row)?);
                    Some(if (offset, size) == (0, 0) { Row::Whole(number) } else { Row::Range(number, offset, size) })
                }
            });
        }
        let bytes = (self.decompressed as usize).saturating_add(rows.len() * ROW_BYTES);
        Ok(Record { rows, targets: targets.all, bytes })
    }
}

/// The count of bytes in a row; 0 where there is none.
fn count(column: &[Option<Cell>], row: usize) -> Result<u64, String> {
    let Some(Some(Cell::Int(value))) = column.get(row) else { return Ok(0) };
    u64::try_from(*value).map_err(|_| format!("row {row}: {value} is no count of bytes"))
}

/// Targets, each once.
#[derive(Default)]
struct Targets {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// By where the text lies: a text of a dictionary is looked at once, not once per row.
    seen: HashMap<(usize, usize), u32>,
}

impl Targets {
    fn number(&mut self, path: &Cell) -> Result<u32, String> {
        let Cell::Bytes(path) = path else { return Err("a path is a number".into()) };
        let place = (path.as_ptr() as usize, path.len());
        if let Some(known) = self.seen.get(&place) {
            return Ok(*known);
        }
        let text = std::str::from_utf8(path).map_err(|_| "a path is no UTF-8")?;
        let number = match self.numbers.get(text) {
            Some(known) => *known,
            None => {
                let (text, fresh): (Arc<str>, u32) = (text.into(), self.all.len() as u32);
                self.all.push(text.clone());
                self.numbers.insert(text, fresh);
                fresh
            }
        };
        self.seen.insert(place, number);
        Ok(number)
    }
}

fn decoded(raw: &[u8]) -> Result<Bytes, String> {
    match raw.strip_prefix(b"base64:") {
        Some(text) => {
            let text = std::str::from_utf8(text).ok().and_then(attrs::base64);
            text.map(Bytes::from).ok_or_else(|| "a raw reference is no base64".into())
        }
        None => Ok(Bytes::copy_from_slice(raw)),
    }
}
