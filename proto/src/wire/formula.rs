//! Element-wise programs, rebuilt step by step so that every operand is checked.

use super::block::{dtype_from_wire, dtype_to_wire};
use super::budget::{Budget, MAX_NODES, at_most};
use super::functions::{binary_from_wire, binary_to_wire, unary_from_wire, unary_to_wire};
use super::{Wire, malformed, need, pb};
use crate::error::RegionError;
use pb::step::Kind;
use xeng_kernels::formula::Step;
use xeng_kernels::{DType, Formula};

impl Wire for Formula {
    type Message = pb::Formula;

    fn to_wire(&self) -> pb::Formula {
        let inputs = self.inputs().iter().map(|&d| dtype_to_wire(d)).collect();
        let steps =
            self.steps().iter().map(|(step, dtype)| pb::Step { dtype: dtype_to_wire(*dtype), kind: Some(step_to_wire(step)) }).collect();
        pb::Formula { inputs, steps }
    }

    fn from_wire(message: pb::Formula, _: &mut Budget) -> Result<Formula, RegionError> {
        at_most(message.steps.len(), MAX_NODES, "steps of a formula")?;
        if message.steps.is_empty() {
            return Err(malformed("a formula without steps"));
        }
        let inputs = message.inputs.iter().map(|&d| dtype_from_wire(d)).collect::<Result<Vec<DType>, _>>()?;
        let mut formula = Formula::new(&inputs);
        for step in message.steps {
            let dtype = dtype_from_wire(step.dtype)?;
            let register = formula.push(step_from_wire(need(step.kind, "a step's kind")?)?, dtype).map_err(malformed)?;
            if formula.dtype_of(register).map_err(malformed)? != dtype {
                return Err(malformed(format!("step {register} of a formula states a type that does not follow from its operands")));
            }
        }
        Ok(formula)
    }
}

fn step_to_wire(step: &Step) -> Kind {
    match *step {
        Step::Input(n) => Kind::Input(n),
        Step::Literal(bits) => Kind::Literal(bits),
        Step::Unary(op, operand) => Kind::Unary(pb::UnaryStep { op: unary_to_wire(op), operand }),
        Step::Binary(op, left, right) => Kind::Binary(pb::BinaryStep { op: binary_to_wire(op), left, right }),
        Step::Select(condition, yes, no) => Kind::Select(pb::SelectStep { condition, yes, no }),
        Step::Cast(register) => Kind::Cast(register),
    }
}

fn step_from_wire(kind: Kind) -> Result<Step, RegionError> {
    Ok(match kind {
        Kind::Input(n) => Step::Input(n),
        Kind::Literal(bits) => Step::Literal(bits),
        Kind::Unary(s) => Step::Unary(unary_from_wire(s.op)?, s.operand),
        Kind::Binary(s) => Step::Binary(binary_from_wire(s.op)?, s.left, s.right),
        Kind::Select(s) => Step::Select(s.condition, s.yes, s.no),
        Kind::Cast(register) => Step::Cast(register),
    })
}
