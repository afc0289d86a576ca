//! Fused element-wise programs, beside loops written by hand and beside copying the block.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "kit/data.rs"]
mod data;
#[path = "kit/time.rs"]
mod time;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use xeng_kernels::formula::{Binary, Step};
use xeng_kernels::{Block, DType, Formula, Operand};

const SHAPE: [usize; 3] = [24, 181, 360];
const AXES: [Option<usize>; 3] = [Some(0), Some(1), Some(2)];

fn literal(f: &mut Formula, value: f64) -> u32 {
    f.push(Step::Literal(value.to_bits()), DType::F32).unwrap()
}

/// `(x - 273.15) * 1.8 + 32`
fn fahrenheit() -> Formula {
    let mut f = Formula::new(&[DType::F32]);
    let x = f.push(Step::Input(0), DType::F32).unwrap();
    let mut at = x;
    for (op, value) in [(Binary::Sub, 273.15), (Binary::Mul, 1.8), (Binary::Add, 32.0)] {
        let number = literal(&mut f, value);
        at = f.push(Step::Binary(op, at, number), DType::F32).unwrap();
    }
    f
}

/// `x.where(x > 280)`
fn warm() -> Formula {
    let mut f = Formula::new(&[DType::F32]);
    let x = f.push(Step::Input(0), DType::F32).unwrap();
    let (limit, missing) = (literal(&mut f, 280.0), literal(&mut f, f64::NAN));
    let is_warm = f.push(Step::Binary(Binary::Gt, x, limit), DType::Bool).unwrap();
    f.push(Step::Select(is_warm, x, missing), DType::F32).unwrap();
    f
}

fn formula(c: &mut Criterion) {
    let cells = data::temperatures(SHAPE.iter().product(), 1000);
    let block = Block::from_vec(&SHAPE, cells.clone()).unwrap();
    let mut group = c.benchmark_group("formula");
    group.throughput(Throughput::Bytes(block.bytes() as u64));
    #[allow(clippy::type_complexity)]
    let by_hand: [(&str, Formula, fn(f32) -> f32); 2] = [
        ("(x-273.15)*1.8+32", fahrenheit(), |x| (x - 273.15) * 1.8 + 32.0),
        ("where(x>280)", warm(), |x| if x > 280.0 { x } else { f32::NAN }),
    ];
    let at = "f32(24,181,360)";
    group.bench_function(BenchmarkId::new("memcpy", at), |b| b.iter(|| black_box(&cells).to_vec()));
    for (name, formula, function) in by_hand {
        let operand = [Operand::whole(&block, &AXES)];
        group.bench_function(BenchmarkId::new(format!("{name} xeng"), at), |b| {
            b.iter(|| formula.evaluate(black_box(&operand), &SHAPE).unwrap())
        });
        group.bench_function(BenchmarkId::new(format!("{name} by hand"), at), |b| {
            b.iter(|| black_box(&cells).iter().map(|&x| function(x)).collect::<Vec<f32>>())
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = time::short(); targets = formula }
criterion_main!(benches);
