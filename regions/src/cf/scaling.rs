//! How a variable's numbers are decoded: fill values, scale and offset, and the resulting type, by xarray's rules.
//!
//! In: the stored type and the attributes. Out: a [`Decode`]; the attributes used are taken out. Never reads data.
//! Source: xarray 2026.9, `coding/variables.py` (`_check_fill_values`, `CFMaskCoder`, `CFScaleOffsetCoder`, `_choose_float_dtype`).

use xeng_kernels::{Block, DType};
use xeng_proto::{AttrValue, Attrs, Decode};

/// Decides the decoding and removes the attributes that it uses. `is_time` says that the numbers will be decoded as times.
///
/// # Errors
/// A reason, when the attributes cannot be followed.
pub fn decide(stored: DType, attrs: &mut Attrs, is_time: bool) -> Result<Decode, String> {
    let mut decode = Decode::none(stored);
    let (fill_count, is_filled) = take_fills(stored, attrs, &mut decode);
    let mut dtype = stored;
    if let Some(AttrValue::Text(unsigned)) = attrs.shift_remove("_Unsigned") {
        decode.flip_sign = (stored.is_signed() && unsigned == "true") || (stored.is_unsigned() && unsigned == "false");
        if decode.flip_sign {
            dtype = flipped(stored);
            // Fill values are written in the stored type and compared in the other.
            let exact = |v: f64| Block::scalar(v).cast(stored).cast(dtype).to_f64_vec().first().copied().unwrap_or(v);
            decode.fills.iter_mut().for_each(|v| *v = exact(*v));
        }
    }
    let scale = take_number(attrs, "scale_factor")?;
    let offset = take_number(attrs, "add_offset")?;
    let packed = scale.is_some() || offset.is_some();
    if fill_count > 0 {
        dtype = match (packed, is_time) {
            (true, _) => chosen_float(dtype, scale, offset)?,
            (false, true) if dtype.is_integer() => DType::I64,
            (false, _) => dtype.missing_float(),
        };
    }
    if packed {
        // xarray leaves the type alone where a fill value was given, even one that can never occur.
        if !is_filled {
            dtype = chosen_float(dtype, scale, offset)?;
        }
        if !dtype.is_float() {
            return Err("integers with a scale_factor or add_offset and an unusable fill value cannot be decoded".into());
        }
    }
    decode.scale = scale.map(|s| s.0);
    decode.offset = offset.map(|o| o.0);
    decode.dtype = dtype;
    Ok(decode)
}

/// Takes `missing_value` and `_FillValue`; gives how many usable values there are, and whether any attribute remains.
fn take_fills(stored: DType, attrs: &mut Attrs, decode: &mut Decode) -> (usize, bool) {
    let mut is_filled = false;
    for name in ["missing_value", "_FillValue"] {
        let Some(value) = attrs.get(name) else { continue };
        let AttrValue::Numbers(numbers) = value else { continue };
        let usable: Vec<f64> = numbers.to_f64_vec().into_iter().filter(|v| !v.is_nan()).collect();
        attrs.shift_remove(name);
        if usable.is_empty() && stored.is_integer() {
            continue;
        }
        is_filled = true;
        for v in usable {
            if !decode.fills.contains(&v) {
                decode.fills.push(v);
            }
        }
    }
    (decode.fills.len(), is_filled)
}

/// A number and its type.
fn take_number(attrs: &mut Attrs, name: &str) -> Result<Option<(f64, DType)>, String> {
    match attrs.shift_remove(name) {
        None => Ok(None),
        Some(AttrValue::Numbers(block)) if block.len() == 1 => Ok(block.to_f64_vec().first().map(|&v| (v, block.dtype()))),
        Some(_) => Err(format!("its {name} is not a number")),
    }
}

/// xarray's `_choose_float_dtype`, for packed data.
fn chosen_float(stored: DType, scale: Option<(f64, DType)>, offset: Option<(f64, DType)>) -> Result<DType, String> {
    match (scale, offset) {
        (Some((_, s)), Some((_, o))) if s == o && s.is_float() => {
            Ok(if stored.is_integer() && stored.size() == 4 { DType::F64 } else { s })
        }
        (_, Some(_)) => Ok(DType::F64),
        (Some((_, s)), None) if s.is_float() => Ok(s),
        (Some((_, s)), None) => Err(format!("its scale_factor is of type {s}, which xarray decodes to integers: not supported")),
        (None, None) => Ok(stored),
    }
}

fn flipped(dtype: DType) -> DType {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attrs(pairs: &[(&str, Block)]) -> Attrs {
        pairs.iter().map(|(k, v)| (k.to_string(), AttrValue::Numbers(v.clone()))).collect()
    }

    #[test]
    fn types_are_xarrays() {
        let (f, d) = (Block::scalar(0.5f32), Block::scalar(0.5f64));
        let fill = Block::scalar(-1i16);
        for (stored, list, want) in [
            (DType::I16, vec![("scale_factor", f.clone()), ("add_offset", f.clone())], DType::F32),
            (DType::I32, vec![("scale_factor", f.clone()), ("add_offset", f.clone())], DType::F64),
            (DType::I16, vec![("scale_factor", d.clone()), ("add_offset", d.clone())], DType::F64),
            (DType::I16, vec![("scale_factor", f.clone())], DType::F32),
            (DType::I16, vec![("scale_factor", d.clone()), ("_FillValue", fill.clone())], DType::F64),
            (DType::I16, vec![("add_offset", f.clone())], DType::F64),
            (DType::I16, vec![("_FillValue", fill.clone())], DType::F32),
            (DType::I32, vec![("missing_value", fill.clone())], DType::F64),
            (DType::F32, vec![("missing_value", d)], DType::F32),
            (DType::I32, vec![("_FillValue", Block::scalar(f32::NAN))], DType::I32),
            (DType::I32, vec![], DType::I32),
        ] {
            let mut given = attrs(&list);
            assert_eq!(decide(stored, &mut given, false).unwrap().dtype, want, "{stored} {list:?}");
            assert!(given.is_empty());
        }
        assert_eq!(decide(DType::I32, &mut attrs(&[("_FillValue", fill)]), true).unwrap().dtype, DType::I64);
    }
}
