#![allow(clippy::unwrap_used)]
use super::*;
use crate::DType;

/// Three axes of 40, 3 and 50 cells; each holds its own place.
fn input() -> Block {
    Block::from_vec(&[40, 3, 50], (0..6000).collect::<Vec<i64>>()).unwrap()
}

fn dims(lengths: &[usize]) -> Vec<Dim> {
    lengths.iter().enumerate().map(|(i, &n)| Dim::new(&format!("d{i}"), n)).collect()
}

fn evaluated(points: &Points, at: &Bounds) -> Block {
    let blocks: Vec<_> = points.boxes(at).iter().map(|b| Arc::new(input().slice(b).unwrap())).collect();
    points.apply(&blocks, at, DType::I64).unwrap()
}

#[test]
fn points_of_two_axes_take_the_place_of_the_first() {
    let (y, x): (Vec<i64>, Vec<i64>) = (0..12).map(|p| (p * 7 % 40, p * 13 % 50)).unzip();
    let points = Points { axes: vec![0, 2], at: vec![y.clone().into(), x.clone().into()], dims: vec![Dim::new("a", 3), Dim::new("b", 4)] };
    assert_eq!(points.result(&dims(&[40, 3, 50])).unwrap().iter().map(|d| d.len).collect::<Vec<_>>(), [3, 4, 3]);
    for at in [vec![0..3, 0..4, 0..3], vec![1..3, 2..3, 1..2], vec![2..2, 0..4, 0..3]] {
        let got = evaluated(&points, &at);
        let mut want = vec![];
        for a in at[0].clone() {
            for b in at[1].clone() {
                for k in at[2].clone() {
                    want.push(y[a * 4 + b] * 150 + k as i64 * 50 + x[a * 4 + b]);
                }
            }
        }
        assert_eq!((got.shape().to_vec(), got.to_i64_vec()), (bounds::shape_of(&at), want));
    }
}

#[test]
fn a_box_is_no_larger_than_what_its_points_span() {
    let at = vec![Arc::from([0, 39, 1, 0]), Arc::from([0, 49, 2, 1])];
    let points = Points { axes: vec![0, 2], at, dims: vec![Dim::new("p", 4)] };
    assert_eq!(points.boxes(&[0..4, 1..3]), vec![vec![0..2, 1..3, 0..3], vec![39..40, 1..3, 49..50]]);
    assert_eq!(points.boxes(&[1..2, 0..1]), vec![vec![39..40, 0..1, 49..50]]);
}

#[test]
fn negative_indices_are_missing_and_one_axis_becomes_two() {
    let at: Vec<i64> = (0..3).flat_map(|i| (0..2).map(move |w| i + w - 1)).collect();
    let points = Points { axes: vec![1], at: vec![at.into()], dims: vec![Dim::new("i", 3), Dim::new("w", 2)] };
    let floats = input().cast(DType::F64);
    let at = vec![4..5, 0..3, 0..2, 7..8];
    let blocks: Vec<_> = points.boxes(&at).iter().map(|b| Arc::new(floats.slice(b).unwrap())).collect();
    let got = points.apply(&blocks, &at, DType::F64).unwrap();
    assert_eq!(got.shape(), [1, 3, 2, 1]);
    let got = got.to_f64_vec();
    assert!(got[0].is_nan());
    assert_eq!(got[1..], [607.0, 607.0, 657.0, 657.0, 707.0]);
    let none = Points { axes: vec![0], at: vec![Arc::from([-1i64])], dims: vec![Dim::new("p", 1)] };
    assert_eq!(none.boxes(&[0..1, 0..3, 0..50]), Vec::<Bounds>::new());
    assert!(none.apply(&[], &vec![0..1, 0..3, 0..1], DType::F64).unwrap().to_f64_vec().iter().all(|v| v.is_nan()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let point = |axes: Vec<usize>, at: Vec<Vec<i64>>, len| Points {
        axes,
        at: at.into_iter().map(Into::into).collect(),
        dims: vec![Dim::new("p", len)],
    };
    let of = |p: Points| p.result(&dims(&[4, 5]));
    assert!(of(point(vec![0, 1], vec![vec![3, -1], vec![4, 0]], 2)).is_ok());
    for wrong in [
        point(vec![], vec![], 1),
        point(vec![1, 0], vec![vec![0], vec![0]], 1),
        point(vec![0, 2], vec![vec![0], vec![0]], 1),
        point(vec![0, 1], vec![vec![4], vec![0]], 1),
        point(vec![0, 1], vec![vec![0], vec![0]], 2),
        point(vec![0], vec![vec![0], vec![0]], 1),
    ] {
        assert!(of(wrong).is_err());
    }
}
