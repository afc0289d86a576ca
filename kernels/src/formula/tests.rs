//! Arithmetic against numbers of NumPy 2.4.6, layouts against plain indexing.
#![allow(clippy::unwrap_used, clippy::approx_constant)]

use super::*;
use crate::Block;

const N: f64 = f64::NAN;
const I: f64 = f64::INFINITY;
const VALUES: [f64; 11] = [-7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, N];
const INTEGERS: [i8; 9] = [-128, -7, -3, -1, 0, 1, 2, 3, 127];

#[rustfmt::skip]
const FLOATS: &[(Binary, &[f64])] = &[
    (Binary::FloorDiv, &[1.0, 2.0, 15.0, I, -I, -30.0, -4.0, -2.0, -1.0, 0.0, N, 0.0, 1.0, 6.0, I, -I, -12.0, -2.0, -1.0, -1.0, 0.0, N, 0.0, 0.0, 1.0, I, -I, -2.0, -1.0, -1.0, -1.0, 0.0, N, 0.0, 0.0, 0.0, N, N, -0.0, -0.0, -0.0, -0.0, 0.0, N, -0.0, -0.0, -0.0, N, N, 0.0, 0.0, 0.0, 0.0, -0.0, N, -1.0, -1.0, -1.0, -I, I, 1.0, 0.0, 0.0, 0.0, -1.0, N, -1.0, -1.0, -4.0, -I, I, 8.0, 1.0, 0.0, 0.0, -1.0, N, -1.0, -2.0, -11.0, -I, I, 22.0, 2.0, 1.0, 0.0, -1.0, N, N, N, N, -I, I, N, N, N, N, N, N, N, N, N, I, -I, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N]),
    (Binary::Mod, &[-0.0, -1.5, -0.0, N, N, 0.0, 0.5, 3.5, I, -7.5, N, -3.0, -0.0, -0.0, N, N, 0.0, 1.0, 2.5, I, -3.0, N, -0.5, -0.5, -0.0, N, N, 0.0, 1.5, 5.0, I, -0.5, N, -0.0, -0.0, -0.0, N, N, 0.0, 0.0, 0.0, 0.0, -0.0, N, -0.0, -0.0, -0.0, N, N, 0.0, 0.0, 0.0, 0.0, -0.0, N, -7.25, -2.75, -0.25, N, N, 0.0, 0.25, 0.25, 0.25, -I, N, -5.5, -1.0, -0.0, N, N, 0.0, 0.0, 2.0, 2.0, -I, N, -2.0, -0.5, -0.0, N, N, 0.0, 1.5, 0.0, 5.5, -I, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N]),
    (Binary::Minimum, &[-7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -I, N, -7.5, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -I, N, -7.5, -3.0, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, -0.0, -0.0, -0.0, -0.0, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 0.25, 0.25, 0.25, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 2.0, 2.0, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, 5.5, -I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, N, -I, -I, -I, -I, -I, -I, -I, -I, -I, -I, N, N, N, N, N, N, N, N, N, N, N, N]),
    (Binary::Maximum, &[-7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -7.5, N, -3.0, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -3.0, N, -0.5, -0.5, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -0.5, N, -0.0, -0.0, -0.0, -0.0, 0.0, 0.25, 2.0, 5.5, I, -0.0, N, 0.0, 0.0, 0.0, -0.0, 0.0, 0.25, 2.0, 5.5, I, 0.0, N, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 2.0, 5.5, I, 0.25, N, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 5.5, I, 2.0, N, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, I, 5.5, N, I, I, I, I, I, I, I, I, I, I, N, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, N, N, N, N, N, N, N, N, N, N, N, N]),
    (Binary::Fmin, &[-7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, -I, -7.5, -7.5, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -I, -3.0, -7.5, -3.0, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -I, -0.5, -7.5, -3.0, -0.5, -0.0, 0.0, -0.0, -0.0, -0.0, -0.0, -I, -0.0, -7.5, -3.0, -0.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -I, 0.0, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 0.25, 0.25, 0.25, -I, 0.25, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 2.0, 2.0, -I, 2.0, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, 5.5, -I, 5.5, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, I, -I, -I, -I, -I, -I, -I, -I, -I, -I, -I, -I, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, N]),
    (Binary::Fmax, &[-7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -7.5, -7.5, -3.0, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -3.0, -3.0, -0.5, -0.5, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -0.5, -0.5, -0.0, -0.0, -0.0, -0.0, 0.0, 0.25, 2.0, 5.5, I, -0.0, -0.0, 0.0, 0.0, 0.0, -0.0, 0.0, 0.25, 2.0, 5.5, I, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 2.0, 5.5, I, 0.25, 0.25, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 5.5, I, 2.0, 2.0, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, 5.5, I, 5.5, 5.5, I, I, I, I, I, I, I, I, I, I, I, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, -I, -7.5, -3.0, -0.5, -0.0, 0.0, 0.25, 2.0, 5.5, I, -I, N]),
    (Binary::Pow, &[N, -0.0023703703703703703, N, 1.0, 1.0, N, 56.25, N, I, 0.0, N, N, -0.037037037037037035, N, 1.0, 1.0, N, 9.0, N, I, 0.0, N, N, -8.0, N, 1.0, 1.0, N, 0.25, N, 0.0, I, N, I, -I, I, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, I, N, I, I, I, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, I, N, 32768.0, 64.0, 2.0, 1.0, 1.0, 0.7071067811865476, 0.0625, 0.00048828125, 0.0, I, N, 0.005524271728019903, 0.125, 0.7071067811865476, 1.0, 1.0, 1.189207115002721, 4.0, 45.254833995939045, I, 0.0, N, 2.800785367308383e-06, 0.006010518407212622, 0.4264014327112209, 1.0, 1.0, 1.531407156804393, 30.25, 11803.064820864423, I, 0.0, N, 0.0, 0.0, 0.0, 1.0, 1.0, I, I, I, I, 0.0, N, 0.0, -0.0, 0.0, 1.0, 1.0, I, I, I, I, 0.0, N, N, N, N, 1.0, 1.0, N, N, N, N, N, N]),
];

#[rustfmt::skip]
const BYTES: &[(Binary, &[i8])] = &[
    (Binary::FloorDiv, &[1, 18, 42, -128, 0, -128, -64, -43, -2, 0, 1, 2, 7, 0, -7, -4, -3, -1, 0, 0, 1, 3, 0, -3, -2, -1, -1, 0, 0, 0, 1, 0, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, 0, 1, 0, 0, 0, -1, -1, -1, -2, 0, 2, 1, 0, 0, -1, -1, -1, -3, 0, 3, 1, 1, 0, -1, -19, -43, -127, 0, 127, 63, 42, 1]),
    (Binary::Mod, &[0, -2, -2, 0, 0, 0, 0, 1, 126, -7, 0, -1, 0, 0, 0, 1, 2, 120, -3, -3, 0, 0, 0, 0, 1, 0, 124, -1, -1, -1, 0, 0, 0, 1, 2, 126, 0, 0, 0, 0, 0, 0, 0, 0, 0, -127, -6, -2, 0, 0, 0, 1, 1, 1, -126, -5, -1, 0, 0, 0, 0, 2, 2, -125, -4, 0, 0, 0, 0, 1, 0, 3, -1, -6, -2, 0, 0, 0, 1, 1, 0]),
    (Binary::Mul, &[0, -128, -128, -128, 0, -128, 0, -128, -128, -128, 49, 21, 7, 0, -7, -14, -21, -121, -128, 21, 9, 3, 0, -3, -6, -9, -125, -128, 7, 3, 1, 0, -1, -2, -3, -127, 0, 0, 0, 0, 0, 0, 0, 0, 0, -128, -7, -3, -1, 0, 1, 2, 3, 127, 0, -14, -6, -2, 0, 2, 4, 6, -2, -128, -21, -9, -3, 0, 3, 6, 9, 125, -128, -121, -125, -127, 0, 127, -2, 125, 1]),
    (Binary::Sub, &[0, -121, -125, -127, -128, 127, 126, 125, 1, 121, 0, -4, -6, -7, -8, -9, -10, 122, 125, 4, 0, -2, -3, -4, -5, -6, 126, 127, 6, 2, 0, -1, -2, -3, -4, -128, -128, 7, 3, 1, 0, -1, -2, -3, -127, -127, 8, 4, 2, 1, 0, -1, -2, -126, -126, 9, 5, 3, 2, 1, 0, -1, -125, -125, 10, 6, 4, 3, 2, 1, 0, -124, -1, -122, -126, -128, 127, 126, 125, 124, 0]),
];

#[rustfmt::skip]
const UNARIES: &[(Unary, &[f64])] = &[
    (Unary::Sign, &[-1.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, -1.0, N]),
    (Unary::Rint, &[-8.0, -3.0, -0.0, -0.0, 0.0, 0.0, 2.0, 6.0, I, -I, N]),
    (Unary::Floor, &[-8.0, -3.0, -1.0, -0.0, 0.0, 0.0, 2.0, 5.0, I, -I, N]),
    (Unary::Acosh, &[N, N, N, N, N, N, 1.3169578969248168, 2.3895264345742184, I, N, N]),
    (Unary::Deg2Rad, &[-0.1308996938995747, -0.05235987755982989, -0.008726646259971648, -0.0, 0.0, 0.004363323129985824, 0.03490658503988659, 0.09599310885968812, I, -I, N]),
    (Unary::Rad2Deg, &[-429.7183463481174, -171.88733853924697, -28.64788975654116, -0.0, 0.0, 14.32394487827058, 114.59155902616465, 315.12678732195275, I, -I, N]),
    (Unary::Cbrt, &[-1.9574338205844317, -1.4422495703074083, -0.7937005259840998, -0.0, 0.0, 0.6299605249474366, 1.2599210498948732, 1.7651741676630315, I, -I, N]),
    (Unary::Expm1, &[-0.9994469156298522, -0.950212931632136, -0.3934693402873666, -0.0, 0.0, 0.2840254166877415, 6.38905609893065, 243.69193226422038, I, -1.0, N]),
    (Unary::Sqrt, &[N, N, N, -0.0, 0.0, 0.5, 1.4142135623730951, 2.345207879911715, I, N, N]),
];

#[rustfmt::skip]
const CASTS: &[(&str, &[i64])] = &[
    ("int8", &[-1, 44, 112, 0, 0, 0, 0, 0, 0]),
    ("int16", &[-1, 300, 4464, 0, 0, 0, 0, 0, 0]),
    ("int32", &[-1, 300, 70000, -2147483648, -2147483648, -2147483648, -2147483648, -2147483648, 0]),
    ("int64", &[-1, 300, 70000, 3000000000, -3000000000, -9223372036854775808, -9223372036854775808, -9223372036854775808, 0]),
    ("uint8", &[255, 44, 112, 0, 0, 0, 0, 0, 0]),
    ("uint16", &[65535, 300, 4464, 0, 0, 0, 0, 0, 0]),
];

fn apply(formula: &Formula, blocks: &[Block]) -> Block {
    let axes = [Some(0)];
    let operands: Vec<Operand> = blocks.iter().map(|block| Operand::whole(block, &axes)).collect();
    formula.evaluate(&operands, blocks[0].shape()).unwrap()
}

fn same(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-14 * b.abs(), "{what} at {i}: {a} instead of {b}");
    }
}

fn pairs<T: Copy>(values: &[T]) -> (Vec<T>, Vec<T>) {
    values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b))).unzip()
}

fn two(op: Binary, dtype: DType) -> Formula {
    let mut f = Formula::new(&[dtype, dtype]);
    let a = f.push(Step::Input(0), dtype).unwrap();
    let b = f.push(Step::Input(1), dtype).unwrap();
    f.push(Step::Binary(op, a, b), dtype).unwrap();
    f
}

#[test]
fn functions_of_two_are_numpys() {
    let (a, b) = pairs(&VALUES);
    for (op, want) in FLOATS {
        let blocks = [Block::from_vec(&[121], a.clone()).unwrap(), Block::from_vec(&[121], b.clone()).unwrap()];
        same(&apply(&two(*op, DType::F64), &blocks).to_f64_vec(), want, &format!("{op:?}"));
    }
    let (a, b) = pairs(&INTEGERS);
    for (op, want) in BYTES {
        let blocks = [Block::from_vec(&[81], a.clone()).unwrap(), Block::from_vec(&[81], b.clone()).unwrap()];
        assert_eq!(apply(&two(*op, DType::I8), &blocks).as_slice::<i8>().unwrap(), *want, "{op:?}");
    }
}

#[test]
fn functions_of_one_are_numpys() {
    for (op, want) in UNARIES {
        let mut f = Formula::new(&[DType::F64]);
        let a = f.push(Step::Input(0), DType::F64).unwrap();
        f.push(Step::Unary(*op, a), DType::F64).unwrap();
        same(&apply(&f, &[Block::from_vec(&[11], VALUES.to_vec()).unwrap()]).to_f64_vec(), want, &format!("{op:?}"));
    }
}

#[test]
/// `uint32` is left out: out of range, NumPy's own answer depends on its vector code.
fn casts_are_numpys_on_x86_64() {
    for (name, want) in CASTS {
        let mut f = Formula::new(&[DType::F64]);
        let a = f.push(Step::Input(0), DType::F64).unwrap();
        f.push(Step::Cast(a), DType::from_name(name).unwrap()).unwrap();
        let x = vec![-1.5, 300.7, 70000.2, 3e9, -3e9, 1e19, N, I, -0.5];
        assert_eq!(apply(&f, &[Block::from_vec(&[9], x).unwrap()]).to_i64_vec(), *want, "{name}");
    }
}

#[test]
fn operands_of_any_layout_give_what_indexing_gives() {
    let (p, q, r) = (7, 50, 31);
    let a = Block::from_vec(&[p, q, r], (0..p * q * r).map(|i| i as f64).collect::<Vec<_>>()).unwrap();
    let turned = Block::from_vec(&[r, p], (0..p * r).map(|i| (i * i % 97) as f64).collect::<Vec<_>>()).unwrap();
    let row = Block::from_vec(&[q], (0..q).map(|i| 0.5 * i as f64).collect::<Vec<_>>()).unwrap();
    let one = Block::scalar(3.0);
    let mut f = Formula::new(&[DType::F64; 4]);
    let x: Vec<Register> = (0..4).map(|n| f.push(Step::Input(n), DType::F64).unwrap()).collect();
    let s = f.push(Step::Binary(Binary::Sub, x[0], x[1]), DType::F64).unwrap();
    let t = f.push(Step::Binary(Binary::Mul, x[2], x[3]), DType::F64).unwrap();
    let c = f.push(Step::Binary(Binary::Gt, s, t), DType::F64).unwrap();
    let l = f.push(Step::Literal(Formula::literal_bits(DType::F64, -1.0)), DType::F64).unwrap();
    f.push(Step::Select(c, s, l), DType::F64).unwrap();
    let operands = [
        Operand::whole(&a, &[Some(0), Some(1), Some(2)]),
        Operand::whole(&turned, &[Some(1), None, Some(0)]),
        Operand::whole(&row, &[None, Some(0), None]),
        Operand::whole(&one, &[None, None, None]),
    ];
    let got = f.evaluate(&operands, &[p, q, r]).unwrap();
    let mut want = vec![];
    for i in 0..p {
        for j in 0..q {
            for k in 0..r {
                let s = ((i * q + j) * r + k) as f64 - ((k * p + i) * (k * p + i) % 97) as f64;
                want.push(if s > 0.5 * j as f64 * 3.0 { s } else { -1.0 });
            }
        }
    }
    assert_eq!(got.as_slice::<f64>().unwrap(), want);
    assert!(f.evaluate(&operands, &[p, r, q]).is_err());
    assert!(f.evaluate(&operands[..3], &[p, q, r]).is_err());
}

#[test]
fn a_fused_program_gives_what_both_give() {
    // (x0 - x1) * x1, where x1 = x0' + x1' - x0'.
    let mut outer = two(Binary::Sub, DType::F64);
    outer.push(Step::Binary(Binary::Mul, 2, 1), DType::F64).unwrap();
    let mut inner = two(Binary::Add, DType::F64);
    inner.push(Step::Binary(Binary::Sub, 2, 0), DType::F64).unwrap();
    let blocks: Vec<Block> =
        (1..4).map(|k| Block::from_vec(&[5000], (0..5000).map(|i| (i * k % 77) as f64).collect::<Vec<_>>()).unwrap()).collect();
    for at in 0..2 {
        let fused = Formula::fuse(&outer, at, &inner).unwrap();
        let mid = apply(&inner, &blocks[1..]);
        let inputs = if at == 0 { [mid, blocks[0].clone()] } else { [blocks[0].clone(), mid] };
        assert_eq!(apply(&fused, &blocks), apply(&outer, &inputs));
    }
    let identity = {
        let mut f = Formula::new(&[DType::F64]);
        f.push(Step::Input(0), DType::F64).unwrap();
        f
    };
    assert_eq!(apply(&Formula::fuse(&identity, 0, &inner).unwrap(), &blocks[1..]), apply(&inner, &blocks[1..]));
    assert!(Formula::fuse(&outer, 2, &inner).is_err());
}
