//! How large the pages of a Parquet column say they are, before anything is decompressed.
//!
//! In: the bytes of a column chunk. Out: the sum of its pages' sizes. Never decodes a page.
//! Source: Apache Parquet's `PageHeader`, in Thrift's compact protocol.

/// Structs within structs that are skipped, at most.
const MAX_DEPTH: usize = 16;

/// Bytes of all pages of a column chunk once they are decompressed, as their headers say; `None` where they are no pages.
pub(super) fn decompressed_bytes(mut chunk: &[u8]) -> Option<u64> {
    let mut total = 0u64;
    while !chunk.is_empty() {
        let header = page(&mut chunk)?;
        total = total.checked_add(header.decompressed)?;
        chunk = chunk.get(header.compressed..)?;
    }
    Some(total)
}

struct Page {
    decompressed: u64,
    compressed: usize,
}

/// Reads a page header: field 2 is the size when decompressed, field 3 as stored.
fn page(bytes: &mut &[u8]) -> Option<Page> {
    let (mut decompressed, mut compressed) = (None, None);
    fields(bytes, 0, &mut |field, number| match field {
        2 => decompressed = u64::try_from(number).ok(),
        3 => compressed = usize::try_from(number).ok(),
        _ => {}
    })?;
    Some(Page { decompressed: decompressed?, compressed: compressed? })
}

/// Goes over the fields of a struct and tells of those that are whole numbers.
fn fields(bytes: &mut &[u8], depth: usize, tell: &mut dyn FnMut(i64, i64)) -> Option<()> {
    let mut field = 0i64;
    loop {
        let head = byte(bytes)?;
        if head == 0 {
            return Some(());
        }
        field = if head >> 4 == 0 { integer(bytes)? } else { field.checked_add(i64::from(head >> 4))? };
        match head & 0x0f {
            // Truths stand in the type itself.
            1 | 2 => {}
            4..=6 => tell(field, integer(bytes)?),
            kind => skip(bytes, kind, depth)?,
        }
    }
}

fn skip(bytes: &mut &[u8], kind: u8, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    match kind {
        1..=3 => byte(bytes).map(drop),
        4..=6 => varint(bytes).map(drop),
        7 => bytes.split_off(..8).map(drop),
        8 => {
            let len = usize::try_from(varint(bytes)?).ok()?;
            bytes.split_off(..len).map(drop)
        }
        9 | 10 => {
            let head = byte(bytes)?;
            let count = if head >> 4 == 15 { varint(bytes)? } else { u64::from(head >> 4) };
            // Every element takes a byte or more.
            (0..usize::try_from(count).ok().filter(|&n| n <= bytes.len())?).try_for_each(|_| skip(bytes, head & 0x0f, depth + 1))
        }
        12 => fields(bytes, depth + 1, &mut |_, _| {}),
        _ => None,
    }
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

/// A number of seven bits per byte, lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let next = byte(bytes)?;
        value |= u64::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A signed number, whose sign stands in its lowest bit.
fn integer(bytes: &mut &[u8]) -> Option<i64> {
    varint(bytes).map(|n| (n >> 1) as i64 ^ -((n & 1) as i64))
}
