//! The cells of a Parquet column, from its decompressed pages: plain ones, and those of a dictionary.
//!
//! In: pages. Out: a cell per row, its bytes shared with the page that holds them: a dictionary's text is kept once, whatever the number
//! of rows. Never panics and never makes room for what a page does not hold, as the crate's own column readers may.
//! Source: Apache Parquet, `Encodings.md`.

use super::pages::varint;
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A byte string.
    Bytes(Bytes),
    /// A whole number.
    Int(i64),
}

/// Reads a column of `rows` cells, of which some may be missing where it is `nullable`.
///
/// # Errors
/// A reason, when a page does not hold what it says, or is encoded in another way.
pub(super) fn read(mut pages: Box<dyn PageReader>, kind: Type, nullable: bool, rows: usize) -> Result<Vec<Option<Cell>>, String> {
    let (mut out, mut dictionary) = (vec![], None);
    while out.len() < rows {
        let page = pages.get_next_page().map_err(|e| format!("as Parquet: {e}"))?.ok_or("a column ends early")?;
        let count = page.num_values() as usize;
        let (levels, mut bytes) = match &page {
            Page::DictionaryPage { buf, num_values, .. } => {
                let mut bytes = buf.clone();
                let cells = (0..*num_values).map(|_| plain(kind, &mut bytes)).collect::<Option<Vec<Cell>>>();
                dictionary = Some(cells.ok_or("a dictionary is cut off")?);
                continue;
            }
            Page::DataPage { buf, .. } if nullable => {
                let len = buf.first_chunk::<4>().map_or(usize::MAX, |b| u32::from_le_bytes(*b) as usize);
                let end = len.checked_add(4).filter(|&end| end <= buf.len()).ok_or("a page is cut off")?;
                (Some(buf.slice(4..end)), buf.slice(end..))
            }
            Page::DataPage { buf, .. } => (None, buf.clone()),
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let start = *rep_levels_byte_len as usize;
                let end = start.checked_add(*def_levels_byte_len as usize).filter(|&end| end <= buf.len()).ok_or("a page is cut off")?;
                (nullable.then(|| buf.slice(start..end)), buf.slice(end..))
            }
        };
        if count > rows - out.len() {
            return Err("a column has more cells than rows".into());
        }
        let levels = match levels {
            Some(levels) => hybrid(&levels, 1, count).ok_or("a page does not say which cells are missing")?,
            None => vec![1; count],
        };
        let present = levels.iter().filter(|&&level| level > 0).count();
        let cells: Vec<Cell> = match page.encoding() {
            Encoding::PLAIN => (0..present).map(|_| plain(kind, &mut bytes)).collect::<Option<_>>().ok_or("a page is cut off")?,
            #[allow(deprecated)]
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let dictionary = dictionary.as_ref().ok_or("a column has no dictionary")?;
                let indices = bytes.split_first().and_then(|(&width, indices)| hybrid(indices, u32::from(width), present));
                let cell = |index: &u32| dictionary.get(*index as usize).cloned();
                indices.and_then(|all| all.iter().map(cell).collect()).ok_or("a page leads out of its dictionary")?
            }
            other => return Err(format!("the encoding {other} is not supported")),
        };
        let mut cells = cells.into_iter();
        out.extend(levels.into_iter().map(|level| if level > 0 { cells.next() } else { None }));
    }
    Ok(out)
}

/// Takes one plain cell off `bytes`.
fn plain(kind: Type, bytes: &mut Bytes) -> Option<Cell> {
    let mut take = |len: usize| (len <= bytes.len()).then(|| bytes.split_to(len));
    match kind {
        Type::INT32 => Some(Cell::Int(i32::from_le_bytes(take(4)?.as_ref().try_into().ok()?).into())),
        Type::INT64 => Some(Cell::Int(i64::from_le_bytes(take(8)?.as_ref().try_into().ok()?))),
        Type::BYTE_ARRAY => {
            let len = u32::from_le_bytes(take(4)?.as_ref().try_into().ok()?);
            take(len as usize).map(Cell::Bytes)
        }
        _ => None,
    }
}

/// Reads `count` numbers of `width` bits in Parquet's mixture of runs and packed bits.
fn hybrid(mut bytes: &[u8], width: u32, count: usize) -> Option<Vec<u32>> {
    if width > 32 {
        return None;
    }
    let mut out = vec![];
    while out.len() < count {
        let head = varint(&mut bytes)?;
        let left = count - out.len();
        let length = usize::try_from(head >> 1).ok()?;
        if head & 1 == 0 {
            let mut word = [0u8; 4];
            let run = bytes.split_off(..width.div_ceil(8) as usize)?;
            word.get_mut(..run.len())?.copy_from_slice(run);
            out.resize(out.len() + length.min(left), u32::from_le_bytes(word));
        } else {
            // Eight numbers take as many bytes as one has bits.
            let packed = bytes.split_off(..length.checked_mul(width as usize)?)?;
            out.extend((0..length.saturating_mul(8).min(left)).map(|n| unpack(packed, n * width as usize, width)));
        }
    }
    Some(out)
}

/// The number of `width` bits that begins at a bit.
fn unpack(packed: &[u8], bit: usize, width: u32) -> u32 {
    let mut word = [0u8; 8];
    for (target, byte) in word.iter_mut().zip(packed.iter().skip(bit / 8)) {
        *target = *byte;
    }
    let shifted = u64::from_le_bytes(word) >> (bit % 8);
    (shifted & ((1u64 << width) - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::hybrid;

    /// The example of the specification: 0 to 7 in 3 bits each; and a run.
    #[test]
    fn runs_and_packed_bits_are_told_apart() {
        assert_eq!(hybrid(&[3, 0b1000_1000, 0b1100_0110, 0b1111_1010], 3, 8), Some((0..8).collect()));
        assert_eq!(hybrid(&[8, 5, 3, 0b1000_1000, 0b1100_0110, 0b1111_1010], 3, 6), Some(vec![5, 5, 5, 5, 0, 1]));
        assert_eq!(hybrid(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 1, 3), Some(vec![1; 3]));
        assert_eq!(hybrid(&[3], 0, 8), Some(vec![0; 8]));
        for broken in [&[][..], &[3, 0], &[8], &[0], &[0xff; 11], &[0; 4]] {
            assert_eq!(hybrid(broken, 3, 8), None, "{broken:?}");
        }
    }
}
