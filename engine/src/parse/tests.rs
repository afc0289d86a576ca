#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::expr::{Expr, ExprKind, Number, SubscriptItem, Unpack};

/// The tree in a short notation: every bracket explicit.
fn short(e: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(short).collect::<Vec<_>>().join(", ");
    match &e.kind {
        ExprKind::Name(name) => name.clone(),
        ExprKind::Number(Number::Int(value)) => value.to_string(),
        ExprKind::Number(Number::Float(value)) => format!("{value:?}"),
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".into(),
        ExprKind::Ellipsis => "...".into(),
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::Tuple(items) => format!("tuple({})", list(items)),
        ExprKind::Dict(pairs) => {
            format!("{{{}}}", pairs.iter().map(|(k, v)| format!("{}: {}", short(k), short(v))).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Attribute(value, name) => format!("{}.{}", short(value), name.text),
        ExprKind::Call(call) => {
            let mut args: Vec<String> = call.args.iter().map(short).collect();
            args.extend(call.kwargs.iter().map(|k| match &k.name {
                Some(name) => format!("{}={}", name.text, short(&k.value)),
                None => format!("**{}", short(&k.value)),
            }));
            format!("{}({})", short(&call.callee), args.join(", "))
        }
        ExprKind::Subscript(value, items) => format!("{}[{}]", short(value), items.iter().map(item).collect::<Vec<_>>().join(", ")),
        ExprKind::Unary(op, a) => format!("({}{})", op.symbol(), short(a)),
        ExprKind::Binary(op, a, b) => format!("({} {} {})", short(a), op.symbol(), short(b)),
        ExprKind::Compare(op, a, b) => format!("({} {} {})", short(a), op.symbol(), short(b)),
    }
}

fn item(item: &SubscriptItem) -> String {
    let part = |e: &Option<Expr>| e.as_ref().map(short).unwrap_or_default();
    match item {
        SubscriptItem::Index(e) => short(e),
        SubscriptItem::Slice { start, stop, step, .. } => format!("{}:{}:{}", part(start), part(stop), part(step)),
    }
}

fn program(text: &str) -> String {
    let program = parse(text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let mut lines = vec![];
    for assignment in &program.assignments {
        let names = assignment.targets.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(", ");
        let comma = if assignment.unpack == Unpack::Each { "," } else { "" };
        lines.push(format!("{names}{comma} = {}", short(&assignment.value)));
    }
    lines.push(short(&program.result));
    lines.join("; ")
}

#[test]
fn accepted_texts_become_these_trees() {
    let table = [
        ("ds.t2m", "ds.t2m"),
        ("ds['t2m']", "ds[\"t2m\"]"),
        ("ds[['u', 'v']]", "ds[[\"u\", \"v\"]]"),
        ("ds.t.sel(time='2011-07', method=None)", "ds.t.sel(time=\"2011-07\", method=none)"),
        ("ds.t.sel(lat=slice(60, 30, -1))", "ds.t.sel(lat=slice(60, 30, (-1)))"),
        ("da[0, :, 3:9, ::2, ...]", "da[0, ::, 3:9:, ::2, ...]"),
        ("da[(0, 1)]", "da[0, 1]"),
        ("da[()]", "da[]"),
        ("da[-1]", "da[(-1)]"),
        ("a + b * c ** -d", "(a + (b * (c ** (-d))))"),
        ("-a ** 2", "(-(a ** 2))"),
        ("a ** b ** c", "(a ** (b ** c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a // b % c @ d / e", "((((a // b) % c) @ d) / e)"),
        ("(a > 1) & ~(b <= 2) | c ^ d", "(((a > 1) & (~(b <= 2))) | (c ^ d))"),
        ("a > 1 & b", "(a > (1 & b))"),
        ("a == b", "(a == b)"),
        ("a != -1.5e-3", "(a != (-0.0015))"),
        ("f(x, y=1, **dict(lat=2))", "f(x, y=1, **dict(lat=2))"),
        ("{'lat': [1, 2.0], 'lon': (3,)}", "{\"lat\": [1, 2.0], \"lon\": tuple(3)}"),
        ("[True, False, None, ...]", "[true, false, none, ...]"),
        ("1_000 + 0xff + 0b11 + 0o17 + 1.", "((((1000 + 255) + 3) + 15) + 1.0)"),
        ("'a' \"b\" r'\\d' u'ü'", "\"ab\\\\dü\""),
        ("'''three\nlines'''", "\"three\\nlines\""),
        ("'it\\'s # no comment'", "\"it's # no comment\""),
        ("x # a (comment] 'with \" everything", "x"),
        ("température.mean()", "température.mean()"),
        ("ds.v.\\\n  mean()", "ds.v.mean()"),
        ("(ds.v\n   .mean()\n# why\n.max()\n)", "ds.v.mean().max()"),
        ("match.type + case", "(match.type + case)"),
        ("x;", "x"),
        ("a = 1; b = a; a + b", "a = 1; b = a; (a + b)"),
        ("a = ds.u\n\nb = ds.v  # second\n(a**2 + b**2) ** 0.5\n", "a = ds.u; b = ds.v; (((a ** 2) + (b ** 2)) ** 0.5)"),
        ("  a = ds.u\r\n  # remark\r\n\r\n  a.mean()\r\n", "a = ds.u; a.mean()"),
        ("\n\t a = 'x\n y'.z(1,\n2)\n", ""),
        ("a, b = xr.align(x, y)\na - b", "a, b, = xr.align(x, y); (a - b)"),
        ("[a, b] = x, y; a", "a, b, = tuple(x, y); a"),
        ("a, = x; a", "a, = x; a"),
        ("\u{feff}x", "x"),
        ("xr.where(ds.t > 273.15, 1, np.nan)", "xr.where((ds.t > 273.15), 1, np.nan)"),
        ("a.b(c)[d].e(f)[g:h]", "a.b(c)[d].e(f)[g:h:]"),
        ("+x", "(+x)"),
        ("((((x))))", "x"),
        ("1, 2", "tuple(1, 2)"),
    ];
    for (text, tree) in table {
        if tree.is_empty() {
            assert!(parse(text).is_err(), "{text}");
        } else {
            assert_eq!(program(text), tree, "{text}");
        }
    }
}
