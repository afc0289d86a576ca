//! One cell's bytes as a number and back, in any of NumPy's plain types: what numcodecs' filters compute with.
//!
//! In: a type in NumPy's array-interface spelling (`<f4`) and bytes. Out: numbers. Never rounds without being asked.

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two's complement.
    Signed,
    /// No sign.
    Unsigned,
    /// IEEE 754, of 4 or 8 bytes.
    Float,
}

/// A plain type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: usize,
    /// Most significant byte first; `false` for single bytes.
    pub is_big: bool,
}

/// A number of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer of either sign.
    Int(i128),
    /// A float of 4 bytes.
    F32(f32),
    /// A float of 8 bytes.
    F64(f64),
}

impl Cell {
    /// The type that NumPy writes as `text`; booleans are single unsigned bytes. `None` for any other.
    pub fn parse(text: &str) -> Option<Cell> {
        let (order, rest) = text.split_at_checked(1).filter(|(o, _)| matches!(*o, "<" | ">" | "|" | "="))?;
        let (kind, size) = match rest {
            "b1" | "u1" => (Kind::Unsigned, 1),
            "i1" => (Kind::Signed, 1),
            "u2" | "u4" | "u8" => (Kind::Unsigned, usize::from(rest.as_bytes()[1] - b'0')),
            "i2" | "i4" | "i8" => (Kind::Signed, usize::from(rest.as_bytes()[1] - b'0')),
            "f4" | "f8" => (Kind::Float, usize::from(rest.as_bytes()[1] - b'0')),
            _ => return None,
        };
        Some(Cell { kind, size, is_big: order == ">" && size > 1 })
    }

    /// The number that `bytes`, exactly one cell, hold.
    pub fn read(self, bytes: &[u8]) -> Number {
        let mut word = [0u8; 8];
        let len = self.size.min(8).min(bytes.len());
        word[..len].copy_from_slice(&bytes[..len]);
        if self.is_big {
            word[..len].reverse();
        }
        let raw = u64::from_le_bytes(word);
        match (self.kind, self.size) {
            (Kind::Unsigned, _) => Number::Int(raw.into()),
            (Kind::Signed, size) => {
                let unused = 64 - 8 * size.clamp(1, 8) as u32;
                Number::Int(((raw << unused) as i64 >> unused).into())
            }
            (Kind::Float, 4) => Number::F32(f32::from_bits(raw as u32)),
            (Kind::Float, _) => Number::F64(f64::from_bits(raw)),
        }
    }

    /// Writes a number as one cell: integers wrap, floats round to the nearest and become integers towards zero.
    ///
    /// # Errors
    /// A reason, when a float lies outside an integer type: what NumPy gives then depends on the machine.
    pub fn write(self, number: Number, bytes: &mut [u8]) -> Result<(), &'static str> {
        let raw = match (self.kind, self.size) {
            (Kind::Float, 4) => u64::from(number.to_f32().to_bits()),
            (Kind::Float, _) => number.to_f64().to_bits(),
            (Kind::Signed | Kind::Unsigned, _) => match number {
                Number::Int(v) => v as u64,
                Number::F32(_) | Number::F64(_) => self.truncate(number.to_f64())?,
            },
        };
        let mut word = raw.to_le_bytes();
        let len = self.size.min(8).min(bytes.len());
        if self.is_big {
            word[..len].reverse();
        }
        bytes[..len].copy_from_slice(&word[..len]);
        Ok(())
    }

    fn truncate(self, value: f64) -> Result<u64, &'static str> {
        let whole = value.trunc();
        let bits = 8 * self.size as i32;
        let (least, limit) = match self.kind {
            Kind::Signed => (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1)),
            Kind::Unsigned | Kind::Float => (0.0, 2f64.powi(bits)),
        };
        if (least..limit).contains(&whole) { Ok(whole as i128 as u64) } else { Err("a float lies outside the integers that it decodes to") }
    }
}

impl Number {
    /// The nearest float of 4 bytes.
    pub fn to_f32(self) -> f32 {
        match self {
            Number::Int(v) => v as f32,
            Number::F32(v) => v,
            Number::F64(v) => v as f32,
        }
    }

    /// The nearest float of 8 bytes.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int(v) => v as f64,
            Number::F32(v) => v.into(),
            Number::F64(v) => v,
        }
    }
}

/// Rewrites every cell of `input`, of type `from`, into `out`, of type `to`; gives how many bytes it wrote.
///
/// # Errors
/// A reason, when `input` is no whole number of cells, `out` has no room, or a number cannot be written.
pub fn rewrite(
    (from, input): (Cell, &[u8]),
    (to, out): (Cell, &mut [u8]),
    mut each: impl FnMut(Number) -> Number,
) -> Result<usize, &'static str> {
    if !input.len().is_multiple_of(from.size) {
        return Err("its bytes make no whole cells");
    }
    let len = input.len() / from.size * to.size;
    let out = out.get_mut(..len).ok_or("decodes to more bytes than the chunk has")?;
    for (source, target) in input.chunks_exact(from.size).zip(out.chunks_exact_mut(to.size)) {
        to.write(each(from.read(source)), target)?;
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cells_round_trip_in_both_byte_orders() {
        for (text, bytes, number) in [
            ("<i2", &[0xfe, 0xff][..], Number::Int(-2)),
            (">i2", &[0xff, 0xfe], Number::Int(-2)),
            ("|u1", &[200], Number::Int(200)),
            (">f4", &[0x3f, 0x80, 0, 0], Number::F32(1.0)),
            ("<f8", &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f], Number::F64(1.0)),
            ("<u8", &[0xff; 8], Number::Int(u64::MAX.into())),
        ] {
            let cell = Cell::parse(text).unwrap();
            assert_eq!(cell.read(bytes), number, "{text}");
            let mut back = vec![0; bytes.len()];
            cell.write(number, &mut back).unwrap();
            assert_eq!(back, bytes, "{text}");
        }
        assert!(Cell::parse("<f2").is_none() && Cell::parse("<c8").is_none() && Cell::parse("").is_none());
        assert!(Cell::parse("|i1").unwrap().write(Number::F32(128.0), &mut [0]).is_err());
        assert!(Cell::parse("|i1").unwrap().write(Number::F64(f64::NAN), &mut [0]).is_err());
    }
}
