//! NumPy 2's type promotion (NEP 50) for the operands of one element-wise operation.
//!
//! In: element types of arrays, Python numbers. Out: the type to compute in. Never touches the graph.

use super::fault::{Outcome, refuse};
use crate::lazy::Number;
use xeng_kernels::DType;

/// What takes part in promotion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// An array or NumPy scalar: strong.
    Strong(DType),
    /// A Python number: weak.
    Weak(Number),
}

/// `numpy.result_type` of operands, of which at least one is strong.
///
/// # Errors
/// When a Python integer does not fit the integer type that it takes.
pub fn common(kinds: &[Kind]) -> Outcome<DType> {
    let strong = kinds.iter().filter_map(|k| if let Kind::Strong(d) = k { Some(*d) } else { None }).reduce(DType::promote);
    let Some(mut dtype) = strong else {
        return Ok(if kinds.iter().any(|k| matches!(k, Kind::Weak(Number::Float(_)))) { DType::F64 } else { DType::I64 });
    };
    for kind in kinds {
        if let Kind::Weak(number) = kind {
            dtype = match number {
                Number::Float(_) if !dtype.is_float() => DType::F64,
                Number::Int(_) if dtype == DType::Bool => DType::I64,
                Number::Int(_) | Number::Float(_) => dtype,
            };
        }
    }
    for kind in kinds {
        if let Kind::Weak(Number::Int(v)) = kind {
            fits(*v, dtype)?;
        }
    }
    Ok(dtype)
}

/// Refuses a Python integer that does not fit an integer type, as NumPy 2 does.
///
/// # Errors
/// When it does not fit.
pub fn fits(value: i64, dtype: DType) -> Outcome<()> {
    let (low, high) = match dtype {
        DType::I8 => (i8::MIN as i64, i8::MAX as i64),
        DType::I16 => (i16::MIN as i64, i16::MAX as i64),
        DType::I32 => (i32::MIN as i64, i32::MAX as i64),
        DType::U8 => (0, u8::MAX as i64),
        DType::U16 => (0, u16::MAX as i64),
        DType::U32 => (0, u32::MAX as i64),
        DType::U64 => (0, i64::MAX),
        DType::Bool | DType::I64 | DType::F32 | DType::F64 => return Ok(()),
    };
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        refuse(format!("the integer {value} does not fit {dtype}; convert the array with .astype first"))
    }
}

/// The type of `a / b`: floats stay, everything else becomes `float64`.
///
/// # Errors
/// As [`common`].
pub fn division(kinds: &[Kind]) -> Outcome<DType> {
    Ok(common(kinds)?.to_float())
}

/// The type of a float function such as `sqrt` or `arctan2`.
///
/// # Errors
/// For 8-bit integers and bools, for which NumPy answers in `float16`.
pub fn float_function(name: &str, dtype: DType) -> Outcome<DType> {
    match dtype {
        DType::F32 | DType::I16 | DType::U16 => Ok(DType::F32),
        DType::Bool | DType::I8 | DType::U8 => {
            refuse(format!("np.{name} of {dtype} gives float16 in NumPy, which xeng does not have; convert with .astype('float32') first"))
        }
        DType::I32 | DType::I64 | DType::U32 | DType::U64 | DType::F64 => Ok(DType::F64),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn python_numbers_are_weak() {
        let float = Kind::Weak(Number::Float(1.5));
        let int = Kind::Weak(Number::Int(300));
        assert_eq!(common(&[Kind::Strong(DType::F32), float]).unwrap(), DType::F32);
        assert_eq!(common(&[Kind::Strong(DType::I16), float]).unwrap(), DType::F64);
        assert_eq!(common(&[Kind::Strong(DType::Bool), int]).unwrap(), DType::I64);
        assert_eq!(common(&[Kind::Strong(DType::F32), Kind::Strong(DType::F64)]).unwrap(), DType::F64);
        assert!(common(&[Kind::Strong(DType::U8), int]).is_err());
        assert_eq!(division(&[Kind::Strong(DType::I16), int]).unwrap(), DType::F64);
    }
}
