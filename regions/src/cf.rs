//! CF decoding: stored numbers to what they mean.
//!
//! In: raw cells, and the decoding that was decided when the dataset was described. Out: decoded cells.
//! Never decides anything: see [`describe`] for xarray's rules.

pub mod cells;
pub mod describe;
pub mod scaling;
pub mod texts;
pub mod times;

use xeng_kernels::{Block, DType, Element, with_array};
use xeng_proto::{Decode, Kind, RegionError, Variable};

/// Replaces fill values by NaN, then scales and offsets, in the type `decode.dtype`.
///
/// **Missing**: NaN; in integer results, which only times have, `i64::MIN`. Values are compared with the fill values after
/// they were converted to `decode.dtype`, and multiplied and added in that type, as xarray does (`CFMaskCoder`, `CFScaleOffsetCoder`).
pub fn apply(decode: &Decode, raw: Block) -> Block {
    let raw = if decode.flip_sign { raw.cast(other_sign(raw.dtype())) } else { raw };
    let plain = decode.fills.is_empty() && decode.scale.is_none() && decode.offset.is_none();
    match decode.dtype {
        dtype if plain => {
            if raw.dtype() == dtype {
                raw
            } else {
                raw.cast(dtype)
            }
        }
        DType::F32 => to_float::<f32>(decode, raw),
        DType::F64 => to_float::<f64>(decode, raw),
        DType::I64 => mark_missing(decode, raw),
        DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::U8 | DType::U16 | DType::U32 | DType::U64 => raw.cast(decode.dtype),
    }
}

/// Decodes the raw cells of a variable: [`apply`], and for times microseconds since 1970 of their calendar.
///
/// # Errors
/// `Data` when a time does not fit, `Internal` for texts, which never pass through chunks.
pub fn decode_variable(variable: &Variable, raw: Block) -> Result<Block, RegionError> {
    let block = apply(&variable.decode, raw);
    match &variable.kind {
        Kind::Number(_) => Ok(block),
        Kind::Time(encoding) => times::to_micros(encoding, &block),
        Kind::Text => Err(RegionError::internal("texts have no cells to decode")),
    }
}

fn other_sign(dtype: DType) -> DType {
    match dtype {
        DType::I8 => DType::U8,
        DType::I16 => DType::U16,
        DType::I32 => DType::U32,
        DType::I64 => DType::U64,
        DType::U8 => DType::I8,
        DType::U16 => DType::I16,
        DType::U32 => DType::I32,
        DType::U64 => DType::I64,
        DType::Bool | DType::F32 | DType::F64 => dtype,
    }
}

/// The two float types that packed data decode to.
trait Float: Element + std::ops::Mul<Output = Self> + std::ops::Add<Output = Self> {
    const NAN: Self;
}

impl Float for f32 {
    const NAN: f32 = f32::NAN;
}

impl Float for f64 {
    const NAN: f64 = f64::NAN;
}

fn to_float<F: Float>(decode: &Decode, raw: Block) -> Block {
    // A fill value that the type cannot hold is equal to no cell.
    let fills: Vec<F> =
        decode.fills.iter().map(|&v| F::from_f64(v)).zip(&decode.fills).filter(|(f, v)| f.to_f64() == **v).map(|(f, _)| f).collect();
    let (scale, offset) = (decode.scale.map(F::from_f64), decode.offset.map(F::from_f64));
    match fills.as_slice() {
        [] => scaled(raw, scale, offset, |_| false),
        &[a] => scaled(raw, scale, offset, move |y: F| y == a),
        &[a, b] => scaled(raw, scale, offset, move |y: F| (y == a) | (y == b)),
        many => scaled(raw, scale, offset, |y: F| many.contains(&y)),
    }
}

fn scaled<F: Float>(raw: Block, scale: Option<F>, offset: Option<F>, is_fill: impl Fn(F) -> bool) -> Block {
    let masked = |y: F| if is_fill(y) { F::NAN } else { y };
    match (scale, offset) {
        (None, None) => convert(raw, masked),
        (Some(s), None) => convert(raw, |y| masked(y) * s),
        (None, Some(o)) => convert(raw, |y| masked(y) + o),
        (Some(s), Some(o)) => convert(raw, |y| masked(y) * s + o),
    }
}

fn convert<F: Float>(raw: Block, f: impl Fn(F) -> F) -> Block {
    let raw = match raw {
        raw if raw.dtype() == F::DTYPE => match F::unwrap_owned(raw) {
            Some(mut array) => {
                array.mapv_inplace(f);
                return F::wrap(array);
            }
            None => return Block::filled(F::DTYPE, &[], f64::NAN),
        },
        other => other,
    };
    with_array!(raw, a => F::wrap(a.mapv(|x| f(F::from_f64(x.to_f64())))))
}

fn mark_missing(decode: &Decode, raw: Block) -> Block {
    let fills: Vec<i64> = decode.fills.iter().map(|&v| v as i64).collect();
    with_array!(raw, a => i64::wrap(a.mapv(|x| if fills.contains(&x.to_i64()) { i64::MIN } else { x.to_i64() })))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn block<T: Element>(values: &[T]) -> Block {
        Block::from_vec(&[values.len()], values.to_vec()).unwrap()
    }

    #[test]
    fn fills_become_nan_before_scaling_in_the_chosen_type() {
        let decode = Decode { flip_sign: false, fills: vec![-32767.0, 5.0], scale: Some(0.5), offset: Some(10.0), dtype: DType::F32 };
        let got = apply(&decode, block(&[2i16, -32767, 5, -2]));
        let got = got.as_slice::<f32>().unwrap();
        assert_eq!((got[0], got[3]), (11.0, 9.0));
        assert!(got[1].is_nan() && got[2].is_nan());
    }

    #[test]
    fn a_double_missing_value_does_not_match_a_float_cell() {
        let decode = Decode { flip_sign: false, fills: vec![1e20], scale: None, offset: None, dtype: DType::F32 };
        assert_eq!(apply(&decode, block(&[1e20f32])).as_slice::<f32>().unwrap(), [1e20f32]);
        let decode = Decode { fills: vec![f64::from(1e20f32)], ..decode };
        assert!(apply(&decode, block(&[1e20f32])).as_slice::<f32>().unwrap()[0].is_nan());
    }

    #[test]
    fn signs_flip_and_times_keep_their_integers() {
        let decode = Decode { flip_sign: true, fills: vec![255.0], scale: None, offset: None, dtype: DType::F32 };
        let got = apply(&decode, block(&[-1i8, -2]));
        assert!(got.as_slice::<f32>().unwrap()[0].is_nan());
        assert_eq!(got.as_slice::<f32>().unwrap()[1], 254.0);
        let decode = Decode { flip_sign: false, fills: vec![7.0], scale: None, offset: None, dtype: DType::I64 };
        assert_eq!(apply(&decode, block(&[7i32, 8])).as_slice::<i64>().unwrap(), [i64::MIN, 8]);
    }
}
