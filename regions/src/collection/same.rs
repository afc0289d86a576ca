//! Whether two coordinates are the same.
//!
//! In: decoded values. Out: yes or no. NaN equals NaN, as in xarray's `equals`; never compares attributes.

use crate::cf::decode_variable;
use crate::cf::describe::Described;
use crate::source::read_whole;
use xeng_kernels::Block;
use xeng_proto::Values;

/// Bytes of a coordinate of rank 2 or more that are compared; larger ones count as different.
const MAX_COMPARED_BYTES: usize = 256 << 20;

/// Whether both are there and equal, or neither is.
pub fn values(a: Option<&Values>, b: Option<&Values>) -> bool {
    match (a, b) {
        (Some(Values::Numbers(a)), Some(Values::Numbers(b))) => blocks(a, b),
        (Some(Values::Times(a)), Some(Values::Times(b))) => a.encoding.calendar == b.encoding.calendar && a.micros == b.micros,
        (Some(Values::Texts(a)), Some(Values::Texts(b))) => a == b,
        (None, None) => true,
        _ => false,
    }
}

/// Whether two blocks of numbers have equal shapes and cells.
pub fn blocks(a: &Block, b: &Block) -> bool {
    if a.shape() != b.shape() {
        return false;
    }
    if a.dtype().is_float() || b.dtype().is_float() {
        let both = a.to_f64_vec().into_iter().zip(b.to_f64_vec());
        return both.into_iter().all(|(x, y)| x == y || (x.is_nan() && y.is_nan()));
    }
    a.to_i64_vec() == b.to_i64_vec()
}

/// Whether a variable is the same in two files: dims, shape and every cell.
pub fn variables(name: &str, a: &Described, b: &Described) -> bool {
    let (Some(x), Some(y)) = (a.variables.get(name), b.variables.get(name)) else { return false };
    if x.dims != y.dims || x.shape() != y.shape() {
        return false;
    }
    if x.values.is_some() || y.values.is_some() {
        return values(x.values.as_ref(), y.values.as_ref());
    }
    let read = |d: &Described| {
        let (source, variable) = (d.sources.get(name)?, d.variables.get(name)?);
        let raw = read_whole(source.as_ref(), MAX_COMPARED_BYTES).ok()?;
        if source.is_decoded() { Some(raw) } else { decode_variable(variable, raw).ok() }
    };
    matches!((read(a), read(b)), (Some(p), Some(q)) if blocks(&p, &q))
}
