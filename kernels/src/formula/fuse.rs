//! Two programs made one: an input of the outer is computed by the inner.
//!
//! In: two checked programs. Out: one, over the inputs of both, equal steps stored once. Never looks at data.

use super::{Formula, Register, Step};
use crate::dtype::DType;
use crate::error::{KernelError, Result};

impl Formula {
    /// The same program with one more input in front, of type `first`, that it does not read.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] for a program without steps.
    pub fn behind(first: DType, program: &Formula) -> Result<Formula> {
        let inputs: Vec<DType> = std::iter::once(first).chain(program.inputs.iter().copied()).collect();
        let mut behind = Formula::new(&inputs);
        let registers = behind.append(program, |k| Source::Input(k + 1))?;
        behind.end_with(last(&registers)?)
    }

    /// The program in which input `at` of `outer` is the result of `inner`.
    ///
    /// Inputs are numbered: first those of `outer` in order, without number `at`; then those of `inner` in order.
    /// So with `m = outer.inputs().len()`, input `k` of `outer` becomes `k` if `k < at` and `k - 1` if `k > at`, and
    /// input `j` of `inner` becomes `m - 1 + j`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when `outer` has no input `at` or `inner` has no steps;
    /// [`KernelError::DType`] when the result of `inner` has another type than that input.
    pub fn fuse(outer: &Formula, at: usize, inner: &Formula) -> Result<Formula> {
        let expected = *outer.inputs.get(at).ok_or_else(|| KernelError::malformed("formula", format!("input {at} does not exist")))?;
        if inner.steps.is_empty() || outer.steps.is_empty() {
            return Err(KernelError::malformed("formula", "a program without steps has no result"));
        }
        if inner.dtype() != expected {
            return Err(KernelError::DType { expected, got: inner.dtype() });
        }
        let others = outer.inputs.iter().enumerate().filter(|(k, _)| *k != at).map(|(_, d)| *d);
        let inputs: Vec<DType> = others.chain(inner.inputs.iter().copied()).collect();
        let mut fused = Formula::new(&inputs);
        let first_of_inner = outer.inputs.len() as u32 - 1;
        let inner_registers = fused.append(inner, |j| Source::Input(first_of_inner + j))?;
        let result = last(&inner_registers)?;
        let outer_registers = fused.append(outer, |k| match (k as usize).cmp(&at) {
            std::cmp::Ordering::Less => Source::Input(k),
            std::cmp::Ordering::Equal => Source::Register(result),
            std::cmp::Ordering::Greater => Source::Input(k - 1),
        })?;
        fused.end_with(last(&outer_registers)?)
    }

    /// Appends every step of `other`, its inputs replaced, and gives the register of each.
    fn append(&mut self, other: &Formula, input: impl Fn(u32) -> Source) -> Result<Vec<Register>> {
        let mut at: Vec<Register> = Vec::with_capacity(other.steps.len());
        for &(step, dtype) in &other.steps {
            let step = match step {
                Step::Input(n) => match input(n) {
                    Source::Input(n) => Step::Input(n),
                    Source::Register(r) => {
                        at.push(r);
                        continue;
                    }
                },
                other => renumber(other, &at)?,
            };
            let known = self.steps.iter().position(|s| *s == (step, dtype));
            at.push(match known {
                Some(r) => r as Register,
                None => self.push(step, dtype)?,
            });
        }
        Ok(at)
    }

    /// The same program with `result` as its last step; steps after it that nothing reads are dropped.
    fn end_with(mut self, result: Register) -> Result<Formula> {
        self.steps.truncate(result as usize + 1);
        Ok(self)
    }
}

/// Where the value of an input comes from in the fused program.
enum Source {
    Input(u32),
    Register(Register),
}

fn last(registers: &[Register]) -> Result<Register> {
    registers.last().copied().ok_or_else(|| KernelError::malformed("formula", "a program without steps has no result"))
}

fn renumber(step: Step, at: &[Register]) -> Result<Step> {
    let to = |r: Register| {
        at.get(r as usize).copied().ok_or_else(|| KernelError::malformed("formula", format!("register {r} is read before it is written")))
    };
    Ok(match step {
        Step::Input(_) | Step::Literal(_) => step,
        Step::Unary(op, a) => Step::Unary(op, to(a)?),
        Step::Binary(op, a, b) => Step::Binary(op, to(a)?, to(b)?),
        Step::Select(c, a, b) => Step::Select(to(c)?, to(a)?, to(b)?),
        Step::Cast(a) => Step::Cast(to(a)?),
    })
}
