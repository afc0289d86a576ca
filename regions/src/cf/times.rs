//! Times from numbers: which variables hold them, and their microseconds.
//!
//! In: attributes, numbers. Out: microseconds since 1970-01-01 of the variable's calendar. Never guesses: units that are not
//! understood are an error, as in xarray.
//! Source: CF conventions 1.11, section 4.4; the arithmetic is [`xeng_kernels::calendar`]'s.

use xeng_kernels::calendar::{Encoded, TimeUnits, decode};
use xeng_kernels::{Block, Calendar};
use xeng_proto::{AttrValue, Attrs, RegionError, TimeEncoding};

/// Units that say that a variable holds times: xarray asks only whether `since` occurs in them.
pub fn units_of(attrs: &Attrs) -> Option<&str> {
    match attrs.get("units") {
        Some(AttrValue::Text(units)) if units.contains("since") => Some(units),
        _ => None,
    }
}

/// Takes `units` and `calendar` out of the attributes.
///
/// # Errors
/// A reason, when they cannot be followed.
pub fn take_encoding(attrs: &mut Attrs) -> Result<TimeEncoding, String> {
    let units = match attrs.shift_remove("units") {
        Some(AttrValue::Text(units)) => units,
        _ => return Err("no units".into()),
    };
    let calendar = match attrs.shift_remove("calendar") {
        None => Calendar::Standard,
        Some(AttrValue::Text(name)) => Calendar::parse(&name).map_err(|e| e.to_string())?,
        Some(_) => return Err("its calendar is not a text".into()),
    };
    TimeUnits::parse(&units, calendar).map_err(|e| e.to_string())?;
    Ok(TimeEncoding { units, calendar })
}

/// Numbers in the units of `encoding` as microseconds since 1970-01-01 of its calendar; NaN and `i64::MIN` are missing.
///
/// # Errors
/// `Request` when the units are not understood, `Data` when a time is further away than 292,000 years.
pub fn to_micros(encoding: &TimeEncoding, numbers: &Block) -> Result<Block, RegionError> {
    let units = TimeUnits::parse(&encoding.units, encoding.calendar).map_err(|e| RegionError::request(e.to_string()))?;
    let values = if numbers.dtype().is_float() { Encoded::Floats(numbers.to_f64_vec()) } else { Encoded::Integers(numbers.to_i64_vec()) };
    let micros = decode(&values, units, encoding.calendar).map_err(|e| RegionError::data(e.to_string()))?;
    Ok(Block::from_vec(numbers.shape(), micros)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fills_and_nans_are_missing_times() {
        let encoding = TimeEncoding { units: "hours since 1970-01-02".into(), calendar: Calendar::NoLeap };
        let got = to_micros(&encoding, &Block::from_vec(&[2], vec![1.0, f64::NAN]).unwrap()).unwrap();
        assert_eq!(got.to_i64_vec(), [25 * 3_600_000_000, i64::MIN]);
        let got = to_micros(&encoding, &Block::from_vec(&[2], vec![-24i64, i64::MIN]).unwrap()).unwrap();
        assert_eq!(got.to_i64_vec(), [0, i64::MIN]);
    }
}
