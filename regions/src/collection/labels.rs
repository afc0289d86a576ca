//! The labels of joined dimensions: put end to end, picked, told.
//!
//! In: labels of several files. Out: those of all together, or why there are none. Never mixes calendars, or numbers with times or texts.

use super::joined::with_missing;
use super::{Member, same, values};
use xeng_kernels::{Block, DType};
use xeng_proto::{RegionError, Times, Values};

/// Labels one after the other, each as often as its number says.
///
/// # Errors
/// A reason, when they are of different kinds or calendars.
pub(super) fn concat(pieces: &[(Values, usize)]) -> Result<Values, String> {
    match pieces.first().ok_or("it has no labels")? {
        (Values::Texts(_), _) => {
            let mut all = vec![];
            for (piece, times) in pieces {
                let Values::Texts(texts) = piece else { return Err("it holds texts in some files only".into()) };
                (0..*times).for_each(|_| all.extend_from_slice(texts));
            }
            Ok(Values::Texts(all))
        }
        (Values::Times(first), _) => {
            let mut micros = vec![];
            for (piece, times) in pieces {
                let Values::Times(own) = piece else { return Err("it holds times in some files only".into()) };
                if own.encoding.calendar != first.encoding.calendar {
                    return Err(calendars(first, own));
                }
                (0..*times).for_each(|_| micros.extend_from_slice(&own.micros));
            }
            Ok(Values::Times(Times { micros, encoding: first.encoding.clone() }))
        }
        (Values::Numbers(_), _) => {
            let mut blocks = vec![];
            let mut dtype: Option<DType> = None;
            for (piece, times) in pieces {
                let Values::Numbers(block) = piece else { return Err("it holds numbers in some files only".into()) };
                dtype = Some(dtype.map_or(block.dtype(), |d| d.promote(block.dtype())));
                let flat = block.clone().reshape(&[block.len()]).map_err(|e| e.to_string())?;
                (0..*times).for_each(|_| blocks.push(flat.clone()));
            }
            let dtype = dtype.unwrap_or(DType::F64);
            let blocks: Vec<Block> = blocks.into_iter().map(|b| b.cast(dtype)).collect();
            Block::concat(0, &blocks.iter().collect::<Vec<_>>()).map(Values::Numbers).map_err(|e| e.to_string())
        }
    }
}

/// One label of each pair of a list and a position in it; where there is none, it is missing.
///
/// # Errors
/// A reason, when they are of different kinds or calendars, or have no missing value.
pub(super) fn pick(lists: &[&Values], places: &[Option<(usize, usize)>]) -> Result<Values, String> {
    let lacks = places.iter().any(Option::is_none);
    let mut starts = vec![0usize];
    for list in lists {
        starts.push(starts.last().copied().unwrap_or(0) + list.len());
    }
    let whole = concat(&lists.iter().map(|&list| (list.clone(), 1)).collect::<Vec<_>>())?;
    let at = |place: &Option<(usize, usize)>| place.and_then(|(list, i)| Some(starts.get(list)? + i));
    Ok(match whole {
        Values::Texts(_) if lacks => return Err("some files lack it, and texts cannot be missing".into()),
        Values::Texts(all) => Values::Texts(places.iter().filter_map(|p| all.get(at(p)?).cloned()).collect()),
        Values::Times(Times { micros, encoding }) => {
            let micros = places.iter().map(|p| at(p).and_then(|i| micros.get(i).copied()).unwrap_or(i64::MIN)).collect();
            Values::Times(Times { micros, encoding })
        }
        Values::Numbers(block) => {
            let block = if lacks { block.cast(with_missing(block.dtype(), false)?) } else { block };
            let rows: Vec<i64> = places.iter().map(|p| at(p).and_then(|i| i64::try_from(i).ok()).unwrap_or(-1)).collect();
            Values::Numbers(block.take(0, &rows).map_err(|e| e.to_string())?)
        }
    })
}

/// That the labels along `dim` are numbers, times of one calendar, or texts in all members.
///
/// # Errors
/// `Request`, naming both members and what they have.
pub(super) fn check_calendars(members: &[Member], dim: &str) -> Result<(), RegionError> {
    let mut known: Option<(&Member, &Values)> = None;
    for member in members {
        let Some(own) = values(member, dim) else { continue };
        let &mut (first, other) = known.get_or_insert((member, own));
        let told = match (other, own) {
            (Values::Times(a), Values::Times(b)) if a.encoding.calendar != b.encoding.calendar => calendars(a, b),
            (Values::Times(_), Values::Times(_)) | (Values::Numbers(_), Values::Numbers(_)) | (Values::Texts(_), Values::Texts(_)) => {
                continue;
            }
            _ => format!("{} and {}", kind(other), kind(own)),
        };
        return Err(RegionError::request(format!(
            "{} and {} cannot be joined along {dim}: its labels are {told}",
            first.name, member.name
        )));
    }
    Ok(())
}

fn calendars(a: &Times, b: &Times) -> String {
    format!("times of the calendars '{}' and '{}'", a.encoding.calendar.name(), b.encoding.calendar.name())
}

fn kind(values: &Values) -> &'static str {
    match values {
        Values::Numbers(_) => "numbers",
        Values::Times(_) => "times",
        Values::Texts(_) => "texts",
    }
}

/// The refusal of members that should share the labels of a dimension, and do not.
pub(super) fn differ(a: &Member, b: &Member, dim: &str, along: &str) -> RegionError {
    let told = |m: &Member| values(m, dim).map_or("has none".into(), |v| format!("has {}", shown(v)));
    RegionError::request(format!(
        "{} and {} cannot be joined along {along}: their labels along {dim} differ: the first {}, the second {}; \
         select what they share from each opened alone, or join the files of equal {dim} only",
        a.name,
        b.name,
        told(a),
        told(b)
    ))
}

/// That slabs of a grid of files, one behind the other along `dim`, have the same labels along `other`.
///
/// # Errors
/// `Request`, which says where the grid has a hole.
pub(super) fn check_full(slabs: &[Member], dim: &str, other: &str) -> Result<(), RegionError> {
    let Some((first, more)) = slabs.split_first() else { return Ok(()) };
    let Some(odd) = more.iter().find(|slab| !same::values(values(slab, other), values(first, other))) else { return Ok(()) };
    let told = |slab: &Member, dim: &str| values(slab, dim).map_or("none".into(), shown);
    Err(RegionError::request(format!(
        "the files make no full grid of {dim} and {other}: beside {} ({dim}: {}) the labels along {other} are {}; beside {} ({dim}: {}) they \
         are {}: is a file missing?",
        first.name,
        told(first, dim),
        told(first, other),
        odd.name,
        told(odd, dim),
        told(odd, other)
    )))
}

/// Number, first and last of some labels.
fn shown(values: &Values) -> String {
    let one = |i: usize| match values {
        Values::Numbers(block) if block.dtype().is_float() => block.to_f64_vec().get(i).map_or(String::new(), f64::to_string),
        Values::Numbers(block) => block.to_i64_vec().get(i).map_or(String::new(), i64::to_string),
        Values::Texts(texts) => texts.get(i).map_or(String::new(), |t| format!("'{t}'")),
        Values::Times(times) => times.micros.get(i).map_or(String::new(), |&t| {
            let d = times.encoding.calendar.civil(t);
            format!("{:04}-{:02}-{:02}T{:02}:{:02}", d.year, d.month, d.day, d.hour, d.minute)
        }),
    };
    match values.len() {
        0 => "none".into(),
        1 => format!("1, {}", one(0)),
        n => format!("{n}, {} to {}", one(0), one(n - 1)),
    }
}
