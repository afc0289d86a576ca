//! The order in which the points of a field are stored.
//!
//! In: values as they are scanned. Out: rows of columns, in the order of the latitudes and longitudes. Never loses a value.

/// Rows, columns, and WMO flag table 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Points along a meridian.
    pub(crate) rows: usize,
    /// Points along a parallel.
    pub(crate) columns: usize,
    /// The scanning mode.
    pub(crate) mode: u8,
}

impl Scan {
    /// Points of a field.
    pub(crate) fn points(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Values in the order in which they are scanned to rows of columns, in the order of the labels.
    pub(crate) fn arrange(&self, scanned: Vec<f32>) -> Vec<f32> {
        let (is_column_major, alternates) = (self.mode & 0x20 != 0, self.mode & 0x10 != 0);
        if !is_column_major && !alternates {
            return scanned;
        }
        let run = if is_column_major { self.rows } else { self.columns };
        let mut scanned = scanned;
        if alternates {
            scanned.chunks_exact_mut(run).skip(1).step_by(2).for_each(<[f32]>::reverse);
        }
        if !is_column_major {
            return scanned;
        }
        let cell = |at: usize| scanned.get(at % self.columns * self.rows + at / self.columns).copied().unwrap_or(f32::NAN);
        (0..self.points()).map(cell).collect()
    }
}
