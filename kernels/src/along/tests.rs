#![allow(clippy::unwrap_used)]

use super::*;

/// Numbers with gaps, the same in every run.
fn cells(count: usize, seed: u64) -> Vec<f64> {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    (0..count)
        .map(|_| {
            z = z.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = ((z >> 40) % 200) as f64 / 8.0 - 12.0;
            if (z >> 20).is_multiple_of(6) { f64::NAN } else { value }
        })
        .collect()
}

/// Lanes of `len` cells along axis 1 of three axes.
fn lanes(len: usize, seed: u64) -> Block {
    Block::from_vec(&[2, len, 70], cells(2 * len * 70, seed)).unwrap()
}

fn lane_of(block: &Block, o: usize, n: usize) -> Vec<f64> {
    let (len, cells) = (block.shape()[1], block.to_f64_vec());
    (0..len).map(|i| cells[(o * len + i) * 70 + n]).collect()
}

fn close(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * (1.0 + a.abs().max(b.abs()))
}

/// Holds every lane of the result against the plain definition, and every stretch of it against the whole.
fn check(along: &Along, len: usize, plain: impl Fn(&[f64]) -> Vec<f64>) {
    let block = lanes(len, len as u64);
    along.check(len).unwrap();
    let out = along.len(len);
    let whole = along.apply(&block, 1, 0..out, len).unwrap();
    assert_eq!(whole.shape(), [2, out, 70]);
    for (o, n) in [(0, 0), (1, 69), (0, 64), (1, 13)] {
        let (got, want) = (lane_of(&whole, o, n), plain(&lane_of(&block, o, n)));
        assert!(got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| close(*a, *b)), "{along:?}: {got:?} instead of {want:?}");
    }
    for at in [0..1, out / 3..out / 2 + 1, out - 1..out, 0..out] {
        let reach = along.reach(at.clone(), len);
        let part = block.slice(&[0..2, reach, 0..70]).unwrap();
        let got = along.apply(&part, 1, at.clone(), len).unwrap();
        let bits = |b: &Block| b.to_f64_vec().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&got), bits(&whole.slice(&[0..2, at.clone(), 0..70]).unwrap()), "{along:?} at {at:?}");
    }
}

fn present(x: &[f64]) -> Vec<f64> {
    x.iter().copied().filter(|v| !v.is_nan()).collect()
}

fn sorted(x: &[f64]) -> Vec<f64> {
    let mut x = present(x);
    x.sort_by(f64::total_cmp);
    x
}

#[test]
fn windows_are_what_looking_at_each_gives() {
    let variance = |x: &[f64], ddof: usize| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let squares: f64 = x.iter().map(|v| (v - mean) * (v - mean)).sum();
        if x.len() > ddof { squares / (x.len() - ddof) as f64 } else { f64::NAN }
    };
    type Plain<'a> = &'a dyn Fn(&[f64]) -> f64;
    let statistics: [(Statistic, Plain<'_>); 9] = [
        (Statistic::Sum, &|x| x.iter().sum()),
        (Statistic::Mean, &|x| x.iter().sum::<f64>() / x.len() as f64),
        (Statistic::Product, &|x| x.iter().product()),
        (Statistic::Min, &|x| x.iter().copied().fold(f64::INFINITY, f64::min)),
        (Statistic::Max, &|x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        (Statistic::Count, &|x| x.len() as f64),
        (Statistic::Variance { ddof: 0 }, &|x| variance(x, 0)),
        (Statistic::Deviation { ddof: 1 }, &|x| variance(x, 1).sqrt()),
        (Statistic::Median, &|x| median(x)),
    ];
    for len in [1, 7, 40] {
        for (window, before, min_periods) in [(1, 0, 1), (3, 2, 3), (4, 2, 1), (5, 2, 2), (7, 6, 4), (12, 11, 2), (60, 30, 1)] {
            for (statistic, plain) in &statistics {
                let along = Along::Rolling { window, before, min_periods, statistic: *statistic };
                check(&along, len, |x| {
                    let of = |i: usize| present(&x[i.saturating_sub(before)..(i + window - before).min(len)]);
                    (0..len).map(|i| if of(i).len() >= min_periods { plain(&of(i)) } else { f64::NAN }).collect()
                });
            }
        }
    }
}

fn median(x: &[f64]) -> f64 {
    let x = sorted(x);
    match x.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => x[n / 2],
        n => (x[n / 2 - 1] + x[n / 2]) / 2.0,
    }
}

#[test]
fn a_large_cell_leaves_no_trace_behind_it() {
    let block = Block::from_vec(&[6], vec![1e20, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    let along = Along::Rolling { window: 2, before: 1, min_periods: 1, statistic: Statistic::Sum };
    assert_eq!(along.apply(&block, 0, 0..6, 6).unwrap().to_f64_vec(), [1e20, 1e20, 3.0, 5.0, 7.0, 9.0]);
}

#[test]
fn running_totals() {
    for (multiplies, skips_missing) in [(false, true), (false, false), (true, true)] {
        check(&Along::Cumulate { multiplies, skips_missing, groups: None }, 23, |x| {
            let mut total = if multiplies { 1.0 } else { 0.0 };
            let step = |v: &f64| {
                if !(skips_missing && v.is_nan()) {
                    total = if multiplies { total * v } else { total + v };
                }
                total
            };
            x.iter().map(step).collect()
        });
    }
    let small = Block::from_vec(&[3], vec![200u8, 200, 7]).unwrap();
    let sums = Along::Cumulate { multiplies: false, skips_missing: true, groups: None }.apply(&small, 0, 1..3, 3).unwrap();
    assert_eq!((sums.dtype(), sums.to_i64_vec()), (DType::U64, vec![400, 407]));
}

#[test]
fn gaps_are_filled_from_one_side_or_both() {
    for (forward, limit) in [(true, None), (false, None), (true, Some(1)), (false, Some(2))] {
        check(&Along::Fill { forward, limit }, 31, |x| {
            let from = |i: usize| -> Option<usize> {
                if forward { (0..=i).rev().find(|&j| !x[j].is_nan()) } else { (i..x.len()).find(|&j| !x[j].is_nan()) }
            };
            let value = |i: usize| from(i).filter(|j| j.abs_diff(i) <= limit.unwrap_or(99)).map_or(f64::NAN, |j| x[j]);
            (0..x.len()).map(value).collect()
        });
    }
    let x: Vec<f64> = (0..31).map(|i| f64::from(i * i)).collect();
    for (limit, max_gap) in [(None, None), (Some(1), None), (None, Some(40.0))] {
        check(&Along::Bridge { x: x.clone().into(), limit, max_gap, nearest: false, beyond: false }, 31, |y| {
            let value = |i: usize| {
                let before = (0..=i).rev().find(|&j| !y[j].is_nan())?;
                let after = (i..y.len()).find(|&j| !y[j].is_nan())?;
                let fits = i - before <= limit.unwrap_or(99) && max_gap.is_none_or(|most| x[after] - x[before] <= most);
                let line = || y[before] + (y[after] - y[before]) * (x[i] - x[before]) / (x[after] - x[before]);
                if before == i { Some(y[i]) } else { fits.then(line) }
            };
            (0..y.len()).map(|i| value(i).unwrap_or(f64::NAN)).collect()
        });
    }
}

#[test]
fn gaps_take_the_nearer_cell_and_those_at_the_ends_go_on() {
    let x: Vec<f64> = (0..31).map(|i| f64::from(i * i)).collect();
    for (limit, nearest, beyond) in [(None, true, false), (Some(2), true, true), (None, false, true), (Some(1), false, true)] {
        check(&Along::Bridge { x: x.clone().into(), limit, max_gap: None, nearest, beyond }, 31, |y| {
            let there: Vec<usize> = (0..31).filter(|&i| !y[i].is_nan()).collect();
            let value = |i: usize| {
                let run = (0..=i).rev().take_while(|&j| y[j].is_nan()).count();
                let above = there.partition_point(|&j| j < i);
                let is_between = above > 0 && above < there.len();
                if run == 0 {
                    return y[i];
                }
                if run > limit.unwrap_or(99) || there.len() < 2 || !is_between && !beyond {
                    return f64::NAN;
                }
                let high = above.clamp(1, there.len() - 1);
                let (a, b) = (there[high - 1], there[high]);
                if nearest {
                    return if (x[i] - x[a]).abs() <= (x[b] - x[i]).abs() { y[a] } else { y[b] };
                }
                y[a] + (y[b] - y[a]) / (x[b] - x[a]) * (x[i] - x[a])
            };
            (0..31).map(value).collect()
        });
    }
    let both = Along::Bridge { x: x.into(), limit: None, max_gap: Some(1.0), nearest: false, beyond: true };
    assert!(both.check(31).is_err());
}

#[test]
fn ranks_of_ties_are_their_mean_and_missing_cells_have_none() {
    for percent in [false, true] {
        check(&Along::Rank { percent }, 29, |x| {
            let n = present(x).len() as f64;
            let rank = |v: &f64| {
                let (less, same) = (x.iter().filter(|o| *o < v).count(), x.iter().filter(|o| *o == v).count());
                let rank = less as f64 + (same + 1) as f64 / 2.0;
                if v.is_nan() { f64::NAN } else { rank / if percent { n } else { 1.0 } }
            };
            x.iter().map(rank).collect()
        });
    }
    // Neighbours beyond 2^53, which are one number as floats.
    let large = Block::from_vec(&[3], vec![(1i64 << 53) + 1, 1 << 53, 7]).unwrap();
    assert_eq!(Along::Rank { percent: false }.apply(&large, 0, 0..3, 3).unwrap().to_f64_vec(), [3.0, 2.0, 1.0]);
}

/// `np.quantile([1, 2, 4, 8, 16], q, method=...)` of NumPy 2.
#[test]
fn every_method_is_numpys() {
    use QuantileMethod::*;
    let cells = Block::from_vec(&[5], vec![16.0, 2.0, 1.0, 8.0, 4.0]).unwrap();
    for (method, want) in [
        (Inverted, [1.0, 2.0, 4.0, 16.0, 16.0]),
        (InvertedMean, [1.0, 2.0, 6.0, 16.0, 16.0]),
        (Closest, [1.0, 2.0, 4.0, 16.0, 16.0]),
        (InvertedLine, [1.0, 1.5, 4.0, 12.8, 16.0]),
        (Hazen, [1.0, 2.0, 6.0, 16.0, 16.0]),
        (Weibull, [1.0, 1.8, 6.4, 16.0, 16.0]),
        (MedianUnbiased, [1.0, 29.0 / 15.0, 92.0 / 15.0, 16.0, 16.0]),
        (NormalUnbiased, [1.0, 1.95, 6.1, 16.0, 16.0]),
    ] {
        for (q, want) in [0.0, 0.3, 0.6, 0.92, 1.0].into_iter().zip(want) {
            let along = Along::Quantile { q, method, skips_missing: true, groups: None };
            let got = along.apply(&cells, 0, 0..1, 5).unwrap().to_f64_vec();
            assert!(close(got[0], want), "{method:?} at {q}: {got:?} instead of {want}");
        }
    }
}

/// `np.gradient(y, x)` and `np.gradient(y, x, edge_order=2)` of NumPy 2.
#[test]
fn derivatives_are_numpys() {
    let y = Block::from_vec(&[5], vec![1.0, 2.0, 4.0, 3.0, 7.0]).unwrap();
    let of = |x: &[f64], edge_order| Along::Gradient { x: x.into(), edge_order }.apply(&y, 0, 0..5, 5).unwrap().to_f64_vec();
    assert_eq!(of(&[0.0, 2.0, 4.0, 6.0, 8.0], 1), [0.5, 0.75, 0.25, 0.75, 2.0]);
    let close = |a: Vec<f64>, b: [f64; 5]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?}");
    close(of(&[0.0, 1.0, 3.0, 4.0, 8.0], 1), [1.0, 1.0, -1.0 / 3.0, -0.6, 1.0]);
    close(of(&[0.0, 1.0, 3.0, 4.0, 8.0], 2), [1.0, 1.0, -1.0 / 3.0, -0.6, 2.6]);
    let missing = Block::from_vec(&[4], vec![1.0, f64::NAN, 4.0, 3.0]).unwrap();
    let even = Along::Gradient { x: [0.0, 1.0, 2.0, 3.0].into(), edge_order: 1 }.apply(&missing, 0, 0..4, 4).unwrap().to_f64_vec();
    assert!(even[0].is_nan() && even[1] == 1.5 && even[2].is_nan() && even[3] == -1.0, "{even:?}");
}

#[test]
fn quantiles_and_medians_of_lanes_and_of_groups() {
    for q in [0.0, 0.1, 0.25, 0.5, 0.9, 1.0] {
        let plain = |x: &[f64]| {
            let x = sorted(x);
            let rank = q * (x.len() - 1) as f64;
            let (low, share) = (rank as usize, rank.fract());
            x[low] + share * (x[(low + 1).min(x.len() - 1)] - x[low])
        };
        let method = QuantileMethod::Linear;
        check(&Along::Quantile { q, method, skips_missing: true, groups: None }, 29, |x| vec![plain(x)]);
        let codes: Arc<[i32]> = (0..29).map(|i| i % 4 - 1).collect();
        let groups = Some((codes.clone(), 3));
        check(&Along::Quantile { q, method, skips_missing: true, groups }, 29, |x| {
            let of = |g: i32| x.iter().zip(codes.iter()).filter(|(_, c)| **c == g).map(|(v, _)| *v).collect::<Vec<_>>();
            (0..3).map(|g| plain(&of(g))).collect()
        });
    }
    check(&Along::Median { skips_missing: true, groups: None }, 30, |x| vec![median(x)]);
    check(&Along::Median { skips_missing: false, groups: None }, 3, |x| {
        vec![if x.iter().any(|v| v.is_nan()) { f64::NAN } else { median(x) }]
    });
    let few = Block::from_vec(&[4], vec![1.0, 2.0, 4.0, 8.0]).unwrap();
    for (method, want) in
        [(QuantileMethod::Lower, 2.0), (QuantileMethod::Higher, 4.0), (QuantileMethod::Midpoint, 3.0), (QuantileMethod::Nearest, 4.0)]
    {
        let along = Along::Quantile { q: 0.5, method, skips_missing: true, groups: None };
        assert_eq!(along.apply(&few, 0, 0..1, 4).unwrap().to_f64_vec(), [want], "{method:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let rolling = |window, before, min_periods| Along::Rolling { window, before, min_periods, statistic: Statistic::Sum };
    for bad in [rolling(0, 0, 1), rolling(3, 3, 1), rolling(3, 0, 4), rolling(3, 0, 0)] {
        assert!(bad.check(10).is_err(), "{bad:?}");
    }
    assert!(Along::Gradient { x: [0.0, 1.0].into(), edge_order: 2 }.check(2).is_err());
    assert!(Along::Bridge { x: [0.0, 0.0].into(), limit: None, max_gap: None, nearest: false, beyond: false }.check(2).is_err());
    let groups = Some((Arc::from([0, 3]), 3));
    assert!(Along::Median { skips_missing: true, groups }.check(2).is_err());
    let block = Block::from_vec(&[4], vec![1.0; 4]).unwrap();
    assert!(rolling(3, 2, 1).apply(&block, 0, 1..2, 4).is_err(), "a block of another stretch");
}
