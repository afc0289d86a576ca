//! Whether a result is what the oracle says: dims, type, labels, missing cells, numbers.

use super::array::{Arr, Labels};
use xeng::result::{Array, Outcome};
use xeng_kernels::{Block, DType};
use xeng_proto::Values;

/// What differs, if anything does.
pub(crate) fn difference(got: &Outcome, want: &Arr) -> Option<String> {
    match got {
        Outcome::Array(a) => array_difference(a, want),
        Outcome::Dataset { .. } => Some("a Dataset instead of an array".to_owned()),
    }
}

fn array_difference(got: &Array, want: &Arr) -> Option<String> {
    if got.dims != want.dims || got.shape != want.shape {
        return Some(format!("dims {:?} {:?} instead of {:?} {:?}", got.dims, got.shape, want.dims, want.shape));
    }
    let Values::Numbers(block) = &got.values else { return Some("cells that are no numbers".to_owned()) };
    if block.dtype() != want.dtype {
        return Some(format!("type {} instead of {}", block.dtype(), want.dtype));
    }
    coords_difference(got, want).or_else(|| cells_difference(block, want))
}

fn coords_difference(got: &Array, want: &Arr) -> Option<String> {
    let mut names: Vec<&String> = got.coords.iter().map(|c| &c.name).collect();
    names.sort();
    let wanted: Vec<&String> = want.coords.keys().collect();
    if names != wanted {
        return Some(format!("coordinates {names:?} instead of {wanted:?}"));
    }
    got.coords.iter().find_map(|c| {
        let w = &want.coords[&c.name];
        let dims: Vec<String> = w.dim.iter().cloned().collect();
        let same = match (&c.values, &w.labels) {
            (Values::Numbers(block), Labels::Numbers(v)) => block.to_f64_vec() == *v,
            (Values::Times(times), Labels::Days(days)) => times.micros == days.iter().map(|d| d.micros()).collect::<Vec<_>>(),
            (Values::Texts(texts), Labels::Texts(v)) => texts == v,
            // What times of different calendars share is nothing, of no kind.
            (Values::Texts(texts), Labels::Days(days)) => texts.is_empty() && days.is_empty(),
            _ => false,
        };
        (c.dims != dims || !same)
            .then(|| format!("coordinate {} over {:?} is {:?} instead of {:?} over {:?}", c.name, c.dims, c.values, w.labels, dims))
    })
}

fn cells_difference(block: &Block, want: &Arr) -> Option<String> {
    // Where sums are involved: a part of each number, and what rounding the sums another way brings about.
    let (relative, absolute) = match (want.exact, want.dtype) {
        (true, _) => (0.0, 0.0),
        (false, DType::F32) => (2e-5, want.slack),
        (false, _) => (1e-6, want.slack),
    };
    let near = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= relative * w.abs() + absolute;
    let cells = block.to_f64_vec();
    let wrong: Vec<usize> = (0..cells.len()).filter(|&i| !near(cells[i], want.cells[i])).collect();
    let first = *wrong.first()?;
    Some(format!(
        "{} of {} cells; the first, number {first}, is {:?} instead of {:?}",
        wrong.len(),
        cells.len(),
        cells[first],
        want.cells[first]
    ))
}

/// Every bit of a result: cells and labels.
pub(crate) fn bits(outcome: &Outcome) -> Vec<u8> {
    let mut out = vec![];
    let arrays = match outcome {
        Outcome::Array(a) => std::slice::from_ref(a),
        Outcome::Dataset { arrays, .. } => arrays.as_slice(),
    };
    for a in arrays {
        out.extend(format!("{:?} {:?}", a.dims, a.shape).bytes());
        let values = std::iter::once(&a.values).chain(a.coords.iter().map(|c| &c.values));
        for v in values {
            match v {
                Values::Numbers(block) => out.extend(block.to_le_bytes()),
                Values::Times(times) => times.micros.iter().for_each(|m| out.extend(m.to_le_bytes())),
                Values::Texts(texts) => texts.iter().for_each(|t| out.extend(t.bytes())),
            }
        }
    }
    out
}
