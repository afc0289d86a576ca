//! What a field is of: parameter, level, times, member.
//!
//! In: sections 1 and 4. Out: what they say. Never a guess: what is not understood is an error that names it.

use super::octets::Octets;
use xeng_kernels::Calendar;
use xeng_kernels::calendar::Civil;

/// What a field is of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Product {
    /// WMO code table 0.0.
    pub(super) discipline: u8,
    /// WMO code table 4.1.
    pub(super) category: u8,
    /// WMO code table 4.2.
    pub(super) number: u8,
    /// WMO common code table C-11.
    pub(super) centre: u16,
    /// Of that centre.
    pub(super) sub_centre: u16,
    /// Version of the centre's own tables.
    pub(super) local_tables: u8,
    /// WMO code table 1.4.
    pub(super) data_type: u8,
    /// The surfaces that bound the level.
    pub(super) surfaces: [Surface; 2],
    /// Seconds from 1970 to the reference time.
    pub(super) time: i64,
    /// Seconds from there to the time, or the end of the time range, that the field is valid at.
    pub(super) step: i64,
    /// How it was made of values over a time range; `None` for a point in time.
    pub(super) statistic: Option<Statistic>,
    /// Which member of an ensemble of how many.
    pub(super) member: Option<(u8, u8)>,
}

/// A fixed surface: WMO code table 4.5, scale factor, scaled value; 255 and `None` are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Surface {
    pub(super) kind: u8,
    pub(super) scale: Option<i32>,
    pub(super) value: Option<i64>,
}

/// A statistic over a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statistic {
    /// WMO code table 4.10.
    pub(super) kind: u8,
    /// Unit (WMO code table 4.4) and length of the time range.
    pub(super) unit: u8,
    pub(super) length: u32,
}

/// The name of a parameter that is in no table.
pub(super) fn plain_name(discipline: u8, section: Octets<'_>) -> String {
    let number = |at| section.u8(at).map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    format!("param_{discipline}_{}_{}", number(9), number(10))
}

impl Product {
    /// What sections 1 and 4 say.
    ///
    /// # Errors
    /// What is not understood.
    pub(super) fn read(discipline: u8, identification: Octets<'_>, section: Octets<'_>) -> Result<Product, String> {
        let short = || "its product definition is cut off".to_owned();
        let template = section.u16(7).ok_or_else(short)?;
        // Where the ensemble's and the time range's octets begin.
        let (ensemble, range) = match template {
            0 => (None, None),
            1 => (Some(34), None),
            8 => (None, Some(34)),
            11 => (Some(34), Some(37)),
            _ => return Err(format!("product definition template 4.{template} is not supported (4.0, 4.1, 4.8 and 4.11 are)")),
        };
        let read = || {
            Some(Product {
                discipline,
                category: section.u8(9)?,
                number: section.u8(10)?,
                centre: identification.u16(5)?,
                sub_centre: identification.u16(7)?,
                local_tables: identification.u8(10)?,
                data_type: identification.u8(20)?,
                surfaces: [surface(section, 22)?, surface(section, 28)?],
                time: 0,
                step: 0,
                statistic: None,
                member: match ensemble {
                    Some(at) => Some((section.u8(at + 1)?, section.u8(at + 2)?)),
                    None => None,
                },
            })
        };
        let mut product = read().ok_or_else(short)?;
        product.time = reference_time(identification)?;
        let (unit, forecast) = section.u8(17).zip(section.i32(18)).ok_or_else(short)?;
        product.step = seconds(unit, forecast)?;
        if let Some(at) = range {
            let (statistic, length) = time_range(section, at)?;
            product.statistic = Some(statistic);
            product.step = product.step.checked_add(length).ok_or("its step is beyond all times")?;
        }
        Ok(product)
    }

    /// ecCodes' `stepType`.
    pub(super) fn step_type(&self) -> String {
        let kinds = ["avg", "accum", "max", "min", "diff", "rms", "sd", "cov", "sdiff", "ratio", "stdanom", "sum"];
        match self.statistic.map(|s| s.kind) {
            None | Some(255) => "instant".to_owned(),
            Some(kind) => kinds.get(usize::from(kind)).map_or_else(|| kind.to_string(), |name| (*name).to_owned()),
        }
    }

    /// ecCodes' `dataType`.
    pub(super) fn data_type(&self) -> String {
        let kinds = ["an", "fc", "af", "cf", "pf", "cp", "sa", "ra", "ep"];
        kinds.get(usize::from(self.data_type)).map_or_else(|| self.data_type.to_string(), |name| (*name).to_owned())
    }
}

fn surface(section: Octets<'_>, at: usize) -> Option<Surface> {
    let scale = section.u8(at + 1)?;
    Some(Surface {
        kind: section.u8(at)?,
        scale: if scale == u8::MAX { None } else { section.i8(at + 1) },
        value: match section.known_u32(at + 2)? {
            Some(_) => section.i32(at + 2),
            None => None,
        },
    })
}

fn reference_time(section: Octets<'_>) -> Result<i64, String> {
    let date = || {
        let part = |at| section.u8(at).map(u32::from);
        Some(Civil {
            year: i64::from(section.u16(12)?),
            month: part(14)?,
            day: part(15)?,
            hour: part(16)?,
            minute: part(17)?,
            second: part(18)?,
            micro: 0,
        })
    };
    let date = date().ok_or("its identification section is cut off")?;
    let micros = Calendar::ProlepticGregorian.micros(date).map_err(|e| format!("its reference time: {e}"))?;
    Ok(micros.div_euclid(1_000_000))
}

/// Seconds of a count of units of WMO code table 4.4. Months and years have no fixed length.
fn seconds(unit: u8, count: i64) -> Result<i64, String> {
    let length = match unit {
        0 => 60,
        1 => 3600,
        2 => 86_400,
        10 => 3 * 3600,
        11 => 6 * 3600,
        12 => 12 * 3600,
        13 => 1,
        _ => return Err(format!("its steps are counted in unit {unit} of code table 4.4, which has no fixed length")),
    };
    Ok(count * length)
}

/// How a field was made of a time range, and the seconds from its beginning to its end (ecCodes' `endStep`).
fn time_range(section: Octets<'_>, at: usize) -> Result<(Statistic, i64), String> {
    let short = || "its time range is cut off".to_owned();
    let ranges = section.u8(at + 7).ok_or_else(short)?;
    if !matches!(ranges, 1 | 2) {
        return Err(format!("it is made of {ranges} time ranges; 1 and 2 are supported"));
    }
    let range = |number: usize| {
        let at = at + 12 + 12 * number;
        Some((section.u8(at)?, section.u8(at + 1)?, section.u8(at + 2)?, section.u32(at + 3)?))
    };
    let (kind, increment, unit, length) = range(0).ok_or_else(short)?;
    let statistic = Statistic { kind, unit, length };
    // Successive analyses have steps of their own, which the length of the range is no part of.
    let spanned = match (ranges, increment) {
        (1, 1) => None,
        (1, _) | (2, 2) => Some((unit, length)),
        _ => {
            let (_, increment, unit, length) = range(1).ok_or_else(short)?;
            if increment != 2 {
                return Err("neither of its two time ranges is one of the forecast time".to_owned());
            }
            Some((unit, length))
        }
    };
    Ok((statistic, spanned.map_or(Ok(0), |(unit, length)| seconds(unit, i64::from(length)))?))
}
