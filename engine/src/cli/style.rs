//! How the picture of a result is drawn, by the expression that the result comes from.
//!
//! In: named expressions and the name of one. Out: a style. Never looks at numbers.

use crate::expr::{BinaryOp, Expr, ExprKind, Program};
use crate::parse::parse;
use crate::plot::{Middle, Style};

/// What changes neither the sign nor the meaning of a difference.
const NEUTRAL: [&str; 19] = [
    "mean",
    "median",
    "sum",
    "compute",
    "load",
    "persist",
    "chunk",
    "sel",
    "isel",
    "squeeze",
    "where",
    "interp",
    "interp_like",
    "rename",
    "transpose",
    "sortby",
    "round",
    "fillna",
    "drop_vars",
];

/// The style for the entry `name`: a difference of two arrays has zero in the middle of its colours.
pub(super) fn style(entries: &[(String, String)], name: &str) -> Style {
    let text = entries.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    let is_difference = text.and_then(|text| parse(text).ok()).is_some_and(|program| is_difference(&program));
    Style { middle: if is_difference { Middle::Zero } else { Middle::Guessed }, ..Style::default() }
}

fn is_difference(program: &Program) -> bool {
    let mut expr = &program.result;
    // Every step goes to a smaller expression or an earlier line.
    let mut before = program.assignments.len();
    loop {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::Subtract, a, b) => return !is_plain(a) && !is_plain(b),
            ExprKind::Call(call) => match &call.callee.kind {
                ExprKind::Attribute(of, method) if NEUTRAL.contains(&method.text.as_str()) => expr = of,
                _ => return false,
            },
            ExprKind::Name(name) => {
                let earlier =
                    program.assignments.iter().take(before).rposition(|a| matches!(&a.targets[..], [target] if target.text == *name));
                let Some(at) = earlier else { return false };
                (expr, before) = (&program.assignments[at].value, at);
            }
            _ => return false,
        }
    }
}

/// A number written out: taking 273.15 away makes no difference of two fields.
fn is_plain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Unary(_, of) => is_plain(of),
        ExprKind::Binary(_, a, b) => is_plain(a) && is_plain(b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_seen_through_names_and_means() {
        let middle = |text: &str| style(&[("result".to_owned(), text.to_owned())], "result").middle;
        for text in ["a.t - b.t", "(a.t - b.t).mean('time')", "d = a - b\nd.compute()", "a = x - y; b = a; b", "g - g.mean()"] {
            assert_eq!(middle(text), Middle::Zero, "{text}");
        }
        for text in ["a.t", "a.t - 273.15", "a - 2 * 3", "273.15 - a", "(a - b).std('time')", "(a - b) / c", "a + b", "a -", "a = a; a"] {
            assert_eq!(middle(text), Middle::Guessed, "{text}");
        }
    }
}
