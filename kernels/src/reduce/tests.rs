//! Every reduction against a deliberately naive oracle, in one piece and in several.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::bounds;
use proptest::prelude::*;

const KINDS: [Reduction; 24] = [
    Reduction::Count,
    Reduction::Sum { skipna: true, min_count: 0 },
    Reduction::Sum { skipna: true, min_count: 3 },
    Reduction::Sum { skipna: false, min_count: 0 },
    Reduction::Prod { skipna: true, min_count: 2 },
    Reduction::Prod { skipna: false, min_count: 0 },
    Reduction::Mean { skipna: true },
    Reduction::Mean { skipna: false },
    Reduction::Min { skipna: true },
    Reduction::Min { skipna: false },
    Reduction::Max { skipna: true },
    Reduction::Max { skipna: false },
    Reduction::Var { skipna: true, ddof: 0 },
    Reduction::Var { skipna: false, ddof: 1 },
    Reduction::Std { skipna: true, ddof: 1 },
    Reduction::Any,
    Reduction::All,
    Reduction::First { skipna: true },
    Reduction::First { skipna: false },
    Reduction::Last { skipna: true },
    Reduction::Last { skipna: false },
    Reduction::ArgMin { skipna: true, or_none: false },
    Reduction::ArgMax { skipna: false, or_none: false },
    Reduction::ArgMin { skipna: false, or_none: false },
];

/// What one output cell is, from its input cells with their indices.
fn oracle(r: Reduction, cells: &[(i64, f64)], float: bool) -> f64 {
    let present: Vec<(i64, f64)> = cells.iter().copied().filter(|c| !c.1.is_nan()).collect();
    let pick = |skip: bool| if skip { present.clone() } else { cells.to_vec() };
    let any_missing = present.len() < cells.len();
    let values = |skip: bool| pick(skip).iter().map(|c| c.1).collect::<Vec<_>>();
    let extreme = |skip: bool, sign: f64| {
        if any_missing && !skip {
            return f64::NAN;
        }
        values(skip).into_iter().fold(f64::NAN, |a, x| if a.is_nan() || x * sign < a * sign { x } else { a })
    };
    let arg = |skip: bool, sign: f64| {
        if let Some(first) = cells.iter().find(|c| c.1.is_nan() && !skip) {
            return first.0 as f64;
        }
        present.iter().fold((-1.0, f64::NAN), |b, c| if b.1.is_nan() || c.1 * sign < b.1 * sign { (c.0 as f64, c.1) } else { b }).0
    };
    let var = |skip: bool, ddof: u32| {
        let v = values(skip);
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        let free = v.len() as f64 - ddof as f64;
        let m2: f64 = v.iter().map(|x| (x - mean) * (x - mean)).sum();
        if free <= 0.0 && (skip && float || v.is_empty()) { f64::NAN } else { m2 / free.max(0.0) }
    };
    match r {
        Reduction::Count => present.len() as f64,
        Reduction::Sum { skipna, min_count } if float && (present.len() as u64) < min_count && skipna => f64::NAN,
        Reduction::Sum { skipna, .. } => values(skipna).iter().sum(),
        Reduction::Prod { skipna, min_count } if float && (present.len() as u64) < min_count && skipna => f64::NAN,
        Reduction::Prod { skipna, .. } => values(skipna).iter().product(),
        Reduction::Mean { skipna } => values(skipna).iter().sum::<f64>() / pick(skipna).len() as f64,
        Reduction::Min { skipna } => extreme(skipna, 1.0),
        Reduction::Max { skipna } => extreme(skipna, -1.0),
        Reduction::Var { skipna, ddof } => var(skipna, ddof),
        Reduction::Std { skipna, ddof } => var(skipna, ddof).sqrt(),
        Reduction::Any => cells.iter().any(|c| c.1 != 0.0) as u8 as f64,
        Reduction::All => cells.iter().all(|c| c.1 != 0.0) as u8 as f64,
        Reduction::First { skipna } => pick(skipna).first().map_or(f64::NAN, |c| c.1),
        Reduction::Last { skipna } => pick(skipna).last().map_or(f64::NAN, |c| c.1),
        Reduction::ArgMin { skipna, .. } => arg(skipna, 1.0),
        Reduction::ArgMax { skipna, .. } => arg(skipna, -1.0),
    }
}

#[derive(Clone, Debug)]
struct Case {
    shape: Vec<usize>,
    cells: Vec<f64>,
    axes: Vec<usize>,
    groups: Option<(usize, Vec<i32>, usize)>,
    cut: (usize, usize),
    dtype: DType,
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = proptest::collection::vec(prop_oneof![4 => 1usize..6, 1 => 15usize..40], 1..=4);
    (shape, 0u8..16, 0usize..8, any::<u64>(), 0usize..4, 0usize..100, 0usize..5).prop_map(
        |(shape, mask, grouped, seed, missing, cut, dtype)| {
            let mut state = seed | 1;
            let mut next = move || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 33) as usize
            };
            let dtype = [DType::F32, DType::F64, DType::I16, DType::U8, DType::Bool][dtype];
            let groups = (grouped < shape.len()).then(|| {
                let n = 1 + next() % 4;
                (grouped, (0..shape[grouped]).map(|_| (next() % (n + 1)) as i32 - 1).collect::<Vec<_>>(), n)
            });
            let axes = (0..shape.len()).filter(|&a| mask >> a & 1 == 1 && groups.as_ref().is_none_or(|g| g.0 != a)).collect();
            let cells = (0..shape.iter().product())
                .map(|_| match (missing, next() % 4) {
                    (1, 0) | (2, 0..=2) | (3, _) => f64::NAN,
                    _ => (next() % 5) as f64 - 1.0,
                })
                .map(|x: f64| match dtype {
                    DType::Bool => (x > 0.0) as u8 as f64,
                    d if d.is_float() => x,
                    DType::U8 => {
                        if x.is_nan() {
                            3.0
                        } else {
                            x.abs()
                        }
                    }
                    _ => {
                        if x.is_nan() {
                            3.0
                        } else {
                            x
                        }
                    }
                })
                .collect();
            let axis = next() % shape.len();
            let at = cut % (shape[axis] + 1);
            Case { shape, cells, axes, groups, cut: (axis, at), dtype }
        },
    )
}

impl Case {
    fn block(&self) -> Block {
        Block::from_vec(&self.shape, self.cells.clone()).unwrap().cast(self.dtype)
    }

    fn kept(&self) -> Vec<usize> {
        (0..self.shape.len()).filter(|a| !self.axes.contains(a)).collect()
    }

    fn out_shape(&self) -> Vec<usize> {
        self.kept().iter().map(|&a| self.groups.as_ref().filter(|g| g.0 == a).map_or(self.shape[a], |g| g.2)).collect()
    }

    /// The single folded or grouped axis.
    fn single(&self) -> Option<usize> {
        let all: Vec<usize> = self.axes.iter().copied().chain(self.groups.iter().map(|g| g.0)).collect();
        (all.len() == 1).then(|| all[0])
    }

    fn expected(&self, r: Reduction) -> Vec<f64> {
        let out_shape = self.out_shape();
        let mut lists: Vec<Vec<(i64, f64)>> = vec![vec![]; out_shape.iter().product()];
        for (flat, &x) in self.cells.iter().enumerate() {
            let mut rest = flat;
            let mut index = vec![0; self.shape.len()];
            for a in (0..self.shape.len()).rev() {
                index[a] = rest % self.shape[a];
                rest /= self.shape[a];
            }
            let mut to = 0;
            let mut inside = true;
            for (&a, &n) in self.kept().iter().zip(&out_shape) {
                let i = match &self.groups {
                    Some((g, codes, _)) if *g == a => codes[index[a]],
                    _ => index[a] as i32,
                };
                inside &= i >= 0;
                to = to * n + i.max(0) as usize;
            }
            if inside {
                lists[to].push((self.single().map_or(0, |s| index[s] as i64), x));
            }
        }
        lists.iter().map(|l| if l.is_empty() { f64::INFINITY } else { oracle(r, l, self.dtype.is_float()) }).collect()
    }

    fn fold(&self, r: Reduction, partial: &mut Partial, part: &[std::ops::Range<usize>]) -> Result<()> {
        let block = self.block().slice(part)?;
        let codes = self.groups.as_ref().map(|g| (g.0, g.1[part[g.0].clone()].to_vec()));
        let offset = self.single().map_or(0, |s| part[s].start);
        r.update(partial, &block, &Fold { axes: &self.axes, groups: codes.as_ref().map(|(a, c)| (*a, &c[..])), offset, ..Fold::default() })
    }
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn pieces_and_the_whole_are_the_oracle(case in cases()) {
        let whole = bounds::whole(&case.shape);
        for r in KINDS {
            if r.is_positional() && case.single().is_none() {
                continue;
            }
            let output = r.output(case.dtype);
            let tolerance = if output == DType::F32 { 1e-6 } else { 1e-12 };
            let mut one = r.identity(case.dtype, &case.out_shape());
            case.fold(r, &mut one, &whole).unwrap();
            let arg = matches!(r, Reduction::ArgMin { .. } | Reduction::ArgMax { .. });
            if arg && case.expected(r).iter().any(|&w| w == -1.0 || w == f64::INFINITY) {
                let refused = matches!(r.finish(one, case.dtype), Err(KernelError::AllMissing { .. }));
                prop_assert!(refused);
                continue;
            }
            let got = r.finish(one.clone(), case.dtype).unwrap();
            prop_assert_eq!(got.dtype(), output);
            // A group without cells is marked by infinity: any value will do. Products beyond 2^53 wrap in integers.
            for (g, w) in got.to_f64_vec().iter().zip(case.expected(r)) {
                let wraps = !case.dtype.is_float() && w.abs() > 9e15;
                prop_assert!(w == f64::INFINITY || wraps || close(*g, w, tolerance), "{:?}: {} instead of {}", r, g, w);
            }
            let (axis, at) = case.cut;
            if case.axes.contains(&axis) || case.groups.as_ref().is_some_and(|g| g.0 == axis) {
                let (mut first, mut second) = (whole.clone(), whole.clone());
                first[axis].end = at;
                second[axis].start = at;
                let mut a = r.identity(case.dtype, &case.out_shape());
                let mut b = a.clone();
                case.fold(r, &mut a, &first).unwrap();
                let mut through = a.clone();
                case.fold(r, &mut b, &second).unwrap();
                r.merge(&mut a, &b).unwrap();
                case.fold(r, &mut through, &second).unwrap();
                for pieces in [a, through] {
                    let pieces = r.finish(pieces, case.dtype).unwrap();
                    for (p, g) in pieces.to_f64_vec().iter().zip(got.to_f64_vec()) {
                        prop_assert!(close(*p, g, tolerance), "{:?} in pieces: {} instead of {}", r, p, g);
                    }
                }
            }
        }
    }
}

#[test]
fn the_fields_are_those_of_the_identity() {
    for r in KINDS {
        for dtype in DType::ALL {
            let partial = r.identity(dtype, &[2, 3]);
            assert!(r.check(&partial, dtype).is_ok());
            let of_nothing = matches!(r, Reduction::ArgMin { .. } | Reduction::ArgMax { .. });
            assert!(r.finish(partial, dtype).map_or(of_nothing, |b| b.dtype() == r.output(dtype)), "{r:?} of {dtype}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let r = Reduction::Mean { skipna: true };
    let block = Block::filled(DType::F32, &[4, 3], 1.0);
    let fresh = || r.identity(DType::F32, &[3]);
    let fold = |axes: &'static [usize], groups| Fold { axes, groups, ..Fold::default() };
    assert!(r.update(&mut fresh(), &block, &fold(&[0], None)).is_ok());
    assert!(r.update(&mut fresh(), &block, &fold(&[1], None)).is_err());
    assert!(r.update(&mut fresh(), &block, &fold(&[2], None)).is_err());
    assert!(r.update(&mut fresh(), &block, &fold(&[], Some((0, &[0, 0, 0, 0])))).is_err());
    assert!(r.update(&mut r.identity(DType::F32, &[2, 3]), &block, &fold(&[], Some((0, &[0, 1, 2, 0])))).is_err());
    assert!(Reduction::Count.update(&mut fresh(), &block, &fold(&[0], None)).is_err());
    assert!(
        Reduction::ArgMin { skipna: true, or_none: false }
            .update(&mut Reduction::ArgMin { skipna: true, or_none: false }.identity(DType::F32, &[]), &block, &fold(&[0, 1], None))
            .is_err()
    );
    assert!(r.merge(&mut fresh(), &r.identity(DType::F32, &[4])).is_err());
}

#[test]
fn delta_form_keeps_digits_that_squares_would_lose() {
    let cells: Vec<f64> = (0..1000).map(|i| 1e9 + (i % 7) as f64).collect();
    let mean = cells.iter().map(|x| x - 1e9).sum::<f64>() / 1000.0;
    let want = cells.iter().map(|x| (x - 1e9 - mean).powi(2)).sum::<f64>() / 1000.0;
    let r = Reduction::Var { skipna: true, ddof: 0 };
    let mut all = r.identity(DType::F64, &[]);
    for piece in cells.chunks(77) {
        let mut p = r.identity(DType::F64, &[]);
        r.update(&mut p, &Block::from_vec(&[piece.len()], piece.to_vec()).unwrap(), &Fold { axes: &[0], ..Fold::default() }).unwrap();
        r.merge(&mut all, &p).unwrap();
    }
    assert!(close(r.finish(all, DType::F64).unwrap().to_f64_vec()[0], want, 1e-9));
}

/// The bits of a cell are the same in a block as wide as the array and in one of one index.
#[test]
fn narrow_blocks_fold_as_wide_ones() {
    let cells: Vec<f64> = (0..6 * 5 * 4).map(|i| 1.0 / (i as f64 + 3.0)).collect();
    let block = Block::from_vec(&[6, 5, 4], cells).unwrap();
    for (r, axes) in KINDS.iter().flat_map(|r| [&[0usize][..], &[0, 1], &[0, 2], &[1, 2], &[2]].map(|a| (*r, a))) {
        if r.is_positional() && axes.len() > 1 {
            continue;
        }
        let finished = |block: &Block, narrow: u64| {
            let shape: Vec<usize> = (0..3).filter(|a| !axes.contains(a)).map(|a| block.shape()[a]).collect();
            let mut partial = r.identity(DType::F64, &shape);
            r.update(&mut partial, block, &Fold { axes, narrow, ..Fold::default() }).unwrap();
            r.finish(partial, DType::F64).unwrap()
        };
        let kept = (0..3).rfind(|a| !axes.contains(a)).unwrap();
        let out_axis = kept - axes.iter().filter(|&&a| a < kept).count();
        let whole = finished(&block, 0);
        let mut parts = vec![];
        for i in 0..block.shape()[kept] {
            let bounds: Vec<_> = (0..3).map(|a| if a == kept { i..i + 1 } else { 0..block.shape()[a] }).collect();
            parts.push(finished(&block.slice(&bounds).unwrap(), 1 << kept));
        }
        let joined = Block::concat(out_axis, &parts.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(joined.to_le_bytes(), whole.to_le_bytes(), "{r:?} over {axes:?}");
    }
}
