//! Complex packing, with or without spatial differencing (templates 5.2 and 5.3): groups of numbers, each with a reference and a width of its own.
//!
//! In: sections 5 and 7. Out: values; NaN is missing. Never more numbers than the field has points.

use super::super::octets::{Octets, signed};
use super::bits::Bits;
use super::{MISSING, Scaling};

/// How the groups lie.
struct Groups {
    count: u32,
    /// Bits of each reference.
    reference_bits: u32,
    /// What is added to each width, and the bits of that.
    width: (u32, u32),
    /// What is added to each length, what it is multiplied by before, its bits, and the length of the last group.
    length: (u64, u64, u32, u64),
    /// Whether the largest number of a group, and the one before it, are missing values: WMO code table 5.5.
    missing: u8,
}

/// Values of a field.
pub(super) fn unpack(packing: Octets<'_>, data: &[u8], count: usize, scaling: &Scaling) -> Result<Vec<f32>, String> {
    let short = || "its packing is cut off".to_owned();
    let groups = Groups::read(packing).ok_or_else(short)?;
    if groups.count == 0 {
        return Ok(vec![scaling.reference as f32; count]);
    }
    if packing.u8(21) != Some(1) {
        return Err("its groups are split in an unknown way (code table 5.4)".to_owned());
    }
    let (order, octets) = match packing.u16(9) {
        Some(3) => packing.u8(47).zip(packing.u8(48)).ok_or_else(short)?,
        _ => (0, 0),
    };
    if order > 2 || octets > 4 {
        return Err(format!("differences of order {order} in {octets} octets are not supported"));
    }
    let mut bits = Bits::new(data);
    let differences = Differences::read(&mut bits, order, u32::from(octets) * 8).ok_or("its data section is cut off")?;
    let mut numbers = groups.unpack(bits, count)?;
    differences.undo(&mut numbers).ok_or("its differences add up to more than 64 bits: it is damaged")?;
    Ok(numbers.into_iter().map(|n| if n == MISSING { f32::NAN } else { scaling.value(n as f64) }).collect())
}

impl Groups {
    fn read(packing: Octets<'_>) -> Option<Groups> {
        let byte = |at| packing.u8(at).map(u32::from);
        Some(Groups {
            count: packing.u32(31)?,
            reference_bits: byte(19)?,
            width: (byte(35)?, byte(36)?),
            length: (u64::from(packing.u32(37)?), u64::from(packing.u8(41)?), byte(46)?, u64::from(packing.u32(42)?)),
            missing: packing.u8(22)?,
        })
    }

    /// The numbers of every group: references, widths and lengths stand in front of them, each list from a whole byte on.
    fn unpack(&self, mut bits: Bits<'_>, count: usize) -> Result<Vec<i64>, String> {
        if self.missing > 2 {
            return Err(format!("its missing values are managed in way {} of code table 5.5, which is unknown", self.missing));
        }
        if self.count as usize > count {
            return Err(format!("{} groups hold {count} values", self.count));
        }
        let short = || "its data section is too short for its groups".to_owned();
        let mut list = |width: u32| {
            let start = bits.fork();
            bits.skip((width as usize).checked_mul(self.count as usize)?)?;
            bits.align();
            Some(start)
        };
        let (mut references, mut widths, mut lengths) =
            (|| Some((list(self.reference_bits)?, list(self.width.1)?, list(self.length.2)?)))().ok_or_else(short)?;
        let mut out = Vec::with_capacity(count);
        for group in 0..self.count {
            let (reference, width, length) = (|| {
                let reference = references.read(self.reference_bits)?;
                let width = widths.read(self.width.1)?.checked_add(self.width.0)?;
                let length = u64::from(lengths.read(self.length.2)?) * self.length.1 + self.length.0;
                Some((reference, width, if group + 1 == self.count { self.length.3 } else { length }))
            })()
            .ok_or_else(short)?;
            if length > (count - out.len()) as u64 || width > 32 {
                return Err(format!("group {group} of {length} values of {width} bits does not fit into {count} values"));
            }
            self.fill(&mut out, &mut bits, (reference, width, length as usize)).ok_or_else(short)?;
        }
        if out.len() == count { Ok(out) } else { Err(format!("its groups hold {} values of {count}", out.len())) }
    }

    fn fill(&self, out: &mut Vec<i64>, bits: &mut Bits<'_>, (reference, width, length): (u32, u32, usize)) -> Option<()> {
        if (width as usize).checked_mul(length)? > bits.left() {
            return None;
        }
        // A group without bits is missing where its reference is the largest number there is.
        let largest = (1i64 << if width == 0 { self.reference_bits.min(32) } else { width }) - 1;
        let is_missing = |number: i64| match self.missing {
            0 => false,
            1 => number == largest,
            _ => number == largest || number == largest - 1,
        };
        let reference = i64::from(reference);
        if width == 0 {
            let number = if is_missing(reference) { MISSING } else { reference };
            out.resize(out.len() + length, number);
            return Some(());
        }
        for _ in 0..length {
            let number = i64::from(bits.read(width)?);
            out.push(if is_missing(number) { MISSING } else { reference + number });
        }
        Some(())
    }
}

/// What differences begin with, and what was taken from each.
struct Differences {
    order: u8,
    first: [i64; 2],
    least: i64,
}

impl Differences {
    fn read(bits: &mut Bits<'_>, order: u8, width: u32) -> Option<Differences> {
        let mut first = [0; 2];
        for value in first.iter_mut().take(usize::from(order)) {
            *value = i64::from(bits.read(width)?);
        }
        let least = if order == 0 || width == 0 { 0 } else { signed(bits.read(width)?, width) };
        Some(Differences { order, first, least })
    }

    /// Adds differences up; missing numbers are passed over.
    fn undo(&self, numbers: &mut [i64]) -> Option<()> {
        if self.order == 0 {
            return Some(());
        }
        let (mut before, mut last) = (0i64, 0i64);
        for (nth, number) in numbers.iter_mut().filter(|n| **n != MISSING).enumerate() {
            *number = match (nth, self.first.get(nth)) {
                (_, Some(first)) if nth < usize::from(self.order) => *first,
                _ => {
                    let predicted = if self.order == 1 { last } else { last.checked_mul(2)?.checked_sub(before)? };
                    number.checked_add(self.least)?.checked_add(predicted)?
                }
            };
            (before, last) = (last, *number);
        }
        Some(())
    }
}
