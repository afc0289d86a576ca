//! The fields of a file, message by message.
//!
//! In: a file. Out: what the headers of its messages say. Never reads data: a message's length leads to the next one.

use super::cube::variable_name;
use super::field::{Field, Fields, Place, Unknown};
use super::grid::{self, Grid};
use super::octets::Octets;
use super::packing;
use super::product::{Product, plain_name};
use crate::store::Object;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use xeng_proto::RegionError;

/// Fields of a file, at most.
pub(super) const MAX_FIELDS: usize = 1 << 20;
/// Bytes of a section that describes data, at most; those of reduced grids and many levels have some thousands.
const MAX_SECTION: u32 = 1 << 20;
/// Bytes that are read at once: the headers of a message have some two hundred.
const NEAR: usize = 4 << 10;
/// The same where a request takes long, whatever it brings: small messages come together.
const FAR: usize = 64 << 10;
/// Bytes of sections 0 and 8.
const INDICATOR: u64 = 16;
const END: u64 = 4;

/// Every field of a file.
///
/// # Errors
/// `Data` when something else than a whole message lies in the file, or the sections of one contradict each other.
pub(super) fn fields(file: &Arc<dyn Object>, is_remote: bool) -> Result<Fields, RegionError> {
    let mut reader =
        Reader { file: file.as_ref(), ahead: if is_remote { FAR } else { NEAR }, held: Bytes::new(), start: 0, grids: HashMap::new() };
    let mut found = Fields::default();
    let mut at = 0;
    while at < file.len() {
        at = reader.message(at, &mut found).map_err(|why| match why {
            Fault::Damaged(why) => RegionError::data(format!("{}: the message at byte {at}: {why}", file.name())),
            Fault::Unread(e) => e,
        })?;
        if found.known.len() + found.unknown.len() > MAX_FIELDS {
            return Err(RegionError::data(format!("{}: it holds more than {MAX_FIELDS} fields", file.name())));
        }
    }
    Ok(found)
}

enum Fault {
    Damaged(String),
    Unread(RegionError),
}

impl From<String> for Fault {
    fn from(why: String) -> Fault {
        Fault::Damaged(why)
    }
}

impl From<&str> for Fault {
    fn from(why: &str) -> Fault {
        Fault::Damaged(why.to_owned())
    }
}

struct Reader<'a> {
    file: &'a dyn Object,
    ahead: usize,
    held: Bytes,
    start: u64,
    /// What was made of the grid sections that occur: they are the same in most messages.
    grids: HashMap<Bytes, Result<Arc<Grid>, String>>,
}

/// The sections of a message that are known so far.
#[derive(Default)]
struct Sections {
    discipline: u8,
    identification: Option<Bytes>,
    grid: Option<Bytes>,
    product: Option<Bytes>,
    /// Where section 5 begins, and what it holds.
    packing: Option<(u64, Bytes)>,
    /// The bitmap section of this field, and the last one that held a bitmap.
    bitmap: Option<u8>,
    last_bitmap: Option<(u64, u32)>,
}

impl Reader<'_> {
    /// Bytes of the file, from what was read already where they are in it.
    fn bytes(&mut self, at: u64, len: usize) -> Result<Bytes, Fault> {
        let room = self.file.len().saturating_sub(at);
        if len as u64 > room {
            return Err(format!("it is cut off: {len} bytes are wanted at byte {at}, and the file has {} bytes", self.file.len()).into());
        }
        let held = at.checked_sub(self.start).and_then(|skip| {
            let skip = usize::try_from(skip).ok()?;
            (skip.checked_add(len)? <= self.held.len()).then(|| self.held.slice(skip..skip + len))
        });
        if let Some(bytes) = held {
            return Ok(bytes);
        }
        let ahead = self.ahead.max(len).min(usize::try_from(room).unwrap_or(usize::MAX));
        self.held = self.file.read(at, ahead).map_err(Fault::Unread)?;
        self.start = at;
        if self.held.len() < len {
            return Err("it is cut off".into());
        }
        Ok(self.held.slice(..len))
    }

    /// Adds the fields of the message at `start`; where the next one begins.
    fn message(&mut self, start: u64, found: &mut Fields) -> Result<u64, Fault> {
        let head = self.bytes(start, INDICATOR.min(self.file.len() - start) as usize)?;
        if !head.starts_with(b"GRIB") {
            return Err("it does not begin with GRIB: other bytes lie between the messages, or the file is damaged".into());
        }
        let head = Octets(&head);
        match head.u8(7) {
            Some(2) => {}
            Some(1) => return Err("it is of edition 1, and edition 2 alone is read: `grib_set -s edition=2 IN OUT` converts it".into()),
            Some(edition) => return Err(format!("edition {edition} is unknown").into()),
            None => return Err("it is cut off".into()),
        }
        let (Some(discipline), Some(len)) = (head.u8(6), head.u64(8)) else { return Err("it is cut off".into()) };
        let room = self.file.len() - start;
        if len > room {
            return Err(format!("it is cut off: it has {len} bytes, of which {room} are there; get the file again").into());
        }
        if len < INDICATOR + END {
            return Err(format!("it claims {len} bytes, which no message fits in").into());
        }
        let end = start + len - END;
        let mut sections = Sections { discipline, ..Sections::default() };
        let mut at = start + INDICATOR;
        while at < end {
            at = self.section(at, end, &mut sections, found)?;
        }
        if self.bytes(end, END as usize)? != b"7777"[..] {
            return Err("it does not end in 7777: it is damaged".into());
        }
        if sections.product.is_some() || sections.packing.is_some() {
            return Err("its last field has no data".into());
        }
        Ok(start + len)
    }

    /// Takes in the section at `at`; where the next one begins.
    fn section(&mut self, at: u64, end: u64, known: &mut Sections, found: &mut Fields) -> Result<u64, Fault> {
        if end - at < 5 {
            return Err(format!("{} bytes lie behind its last section", end - at).into());
        }
        let head = self.bytes(at, 5)?;
        let (Some(len), Some(number)) = (Octets(&head).u32(0), Octets(&head).u8(4)) else { return Err("it is cut off".into()) };
        if len < 5 || u64::from(len) > end - at {
            return Err(format!("section {number} at byte {at} claims {len} bytes, and {} are left", end - at).into());
        }
        if matches!(number, 1 | 3 | 4 | 5) && len > MAX_SECTION {
            return Err(format!("section {number} at byte {at} claims {len} bytes; it has {MAX_SECTION} at most").into());
        }
        match number {
            1 => known.identification = Some(self.bytes(at, len as usize)?),
            2 => {}
            3 => known.grid = Some(self.bytes(at, len as usize)?),
            4 => known.product = Some(self.bytes(at, len as usize)?),
            5 => known.packing = Some((at, self.bytes(at, len as usize)?)),
            6 => {
                let indicator = self.bytes(at, 6)?;
                let indicator = Octets(&indicator).u8(5);
                known.bitmap = indicator;
                if indicator == Some(0) {
                    known.last_bitmap = Some((at, len));
                }
            }
            7 => self.field(at + u64::from(len), known, found)?,
            _ => return Err(format!("section {number} at byte {at} is unknown").into()),
        }
        Ok(at + u64::from(len))
    }

    /// Adds the field whose data section ends at `end`.
    fn field(&mut self, end: u64, known: &mut Sections, found: &mut Fields) -> Result<(), Fault> {
        let (Some(identification), Some(grid), Some(product), Some((offset, packing)), Some(bitmap)) =
            (&known.identification, &known.grid, known.product.take(), known.packing.take(), known.bitmap.take())
        else {
            return Err("a data section stands without the sections that describe it".into());
        };
        let len = u32::try_from(end - offset).map_err(|_| "a field has more than 4 GiB")?;
        let place = Place { offset, len, bitmap: if bitmap == 254 { known.last_bitmap } else { None } };
        let grid = match self.grids.get(grid) {
            Some(grid) => grid.clone(),
            None => {
                let made = grid::read(Octets(grid)).map(Arc::new);
                self.grids.insert(Bytes::copy_from_slice(grid), made.clone());
                made
            }
        };
        let product_of = Product::read(known.discipline, Octets(identification), Octets(&product));
        let packing = packing::name(Octets(&packing));
        let understood = product_of.clone().ok();
        let plain = || plain_name(known.discipline, Octets(&product));
        let readable = product_of.and_then(|product| {
            let (grid, packing) = (grid?, packing?);
            match bitmap {
                0 | 255 => Ok(Field { product, grid, packing, place }),
                254 if place.bitmap.is_some() => Ok(Field { product, grid, packing, place }),
                254 => Err("its bitmap is that of an earlier field, which there is not".to_owned()),
                _ => Err(format!("its bitmap is number {bitmap} of its centre's own, which are not known")),
            }
        });
        match readable {
            Ok(field) => found.known.push(field),
            Err(reason) => {
                let name = understood.as_ref().map_or_else(plain, variable_name);
                found.unknown.push(Unknown { name, reason, product: understood });
            }
        }
        Ok(())
    }
}
