//! What handles write is what the parser reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::program::program;
use super::step::{Form, Step};
use super::{Arg, Array, Lazy, Session, args};
use crate::parse::parse;

/// An array of a few cells, and one more of the same labels.
fn arrays() -> (Session, Lazy<Array>, Lazy<Array>) {
    let session = Session::local().unwrap();
    let lat = Arg::dict([("lat", vec![10.0, 20.0, 30.0])]);
    let a = session.call("xr.DataArray", args![[1.5, -2.0, 4.0], dims = ["lat"], coords = lat]).unwrap();
    let b = &a * 2;
    (session, a, b)
}

/// The text of a handle, once it is sure that it parses to the very tree that was resolved, all places the same.
fn text(handle: &Lazy<Array>) -> String {
    let built = program(&handle.step).unwrap().program;
    assert_eq!(parse(&built.text).unwrap(), built, "{}", built.text);
    built.text.to_string()
}

fn arg(arg: impl Into<Arg>) -> String {
    let arg = arg.into();
    program(&Step::new(Form::Expr(arg.expr), arg.of)).unwrap().program.text.to_string()
}

#[test]
fn operators_are_written_with_the_parentheses_that_they_need() {
    let session = Session::local().unwrap();
    let all = [
        "a - (b - a)",
        "a - b - a",
        "(a + b) * a",
        "a + b * a",
        "(-a) ** 2.0",
        "-a ** 2",
        "2 ** (-a)",
        "(a ** b) ** a",
        "a ** b ** a",
        "a / (b * a)",
        "(a < b) & (b <= a) | ~(a == b)",
        "(a & b) == a",
        "(a + b).mean()",
        "-(a + b)",
        "(-a).mean()",
        "(2.5).real",
        "a[0:2, ::3]",
        "a[1:, None]",
        "a.where(a > 0, other=-1e-07)",
        "np.maximum(a, b)",
        "a if 'x' in a.dims else b",
        "not (a and b or not b)",
        "(a or b) and b",
        "a.sel(lat=slice(None, 3))",
        "a.f(**{'x y': 1})",
        "{'a': [1, 2], 'b': (a,), 'c': ()}",
        "(a if b else a).mean((a if b else a))",
        "a @ b // a % b",
        "a ^ b",
        "'it\\'s \\\\ \\n'",
        "True, None, ...",
        "1e300 * 5e-324 * 9223372036854775807",
    ];
    for one in all {
        let parsed = parse(one).unwrap();
        let shown = program(&Step::new(Form::Expr(parsed.result.clone()), vec![])).unwrap().program;
        let again = parse(&shown.text).unwrap();
        assert_eq!(again, shown, "{one}");
        assert_eq!(strip(again.result), strip(parsed.result), "{one}: {}", shown.text);
    }
    drop(session);
}

fn strip(mut e: crate::expr::Expr) -> crate::expr::Expr {
    let text = format!("{e:?}");
    // Places differ where parentheses do; the tree is compared without them.
    let plain: String = text.split("Span { start: ").map(|part| part.split_once(" }").map_or(part, |(_, rest)| rest)).collect();
    e.kind = crate::expr::ExprKind::Text(text.find("Span").map_or(text.clone(), |_| plain));
    e.span = crate::expr::Span::default();
    e
}

#[test]
fn handles_become_text_that_parses_to_them() {
    let (_, a, b) = arrays();
    assert_eq!(text(&(1 - &a).abs_of()), "np.abs(1 - xr.DataArray([1.5, -2.0, 4.0], dims=['lat'], coords={'lat': [10.0, 20.0, 30.0]}))");
    let twice = text(&(&b + &b));
    assert!(twice.ends_with("* 2\npart2 + part2") || twice.ends_with("* 2\npart1 + part1"), "{twice}");
    assert!(text(&a.sel(("lat", 10.0..=20.0)).unwrap()).ends_with(".sel(lat=slice(10.0, 20.0))"));
    let many = (0..300).fold(a.clone(), |sum, i| sum + i);
    assert!(text(&many).contains("part1 = "));
    assert_eq!(many.compute().unwrap().to_f64().unwrap()[0], 1.5 + 299.0 * 150.0);
    let doubled = (0..200).fold(a.clone(), |x, _| &x + &x);
    assert_eq!(doubled.compute().unwrap().to_f64().unwrap()[0], 1.5 * 2f64.powi(200));
}

impl Lazy<Array> {
    fn abs_of(&self) -> Lazy<Array> {
        self.np("abs", ()).unwrap()
    }
}

#[test]
fn arguments_are_escaped() {
    for hostile in ["it's", "a\\", "\n", "'); np.zeros(9) #", "\u{202e}\u{0}\u{1b}[2J", "größe 温度", "\\'"] {
        let written = arg(hostile);
        let parsed = parse(&written).unwrap().result.kind;
        assert_eq!(parsed, crate::expr::ExprKind::Text(hostile.to_owned()), "{written}");
        assert!(written.chars().all(|c| !c.is_control()), "{written:?}");
        let (_, a, _) = arrays();
        let e = a.isel((hostile, 0)).unwrap_err();
        assert_eq!(e.kind, crate::error::ErrorKind::Request, "{e}");
        let e = a.call(hostile, ()).unwrap_err();
        assert!(e.message.contains("has no "), "{e}");
    }
    for word in ["for", "class", "not"] {
        assert!(arg(Arg::call("dict", args![].named(word, 1))).contains("**{'"), "{word}");
    }
    let written = [
        arg(i64::MIN),
        arg(-3),
        arg(f64::NAN),
        arg(f64::NEG_INFINITY),
        arg(-0.0),
        arg(0.1f32),
        arg(1e16),
        arg(None::<f64>),
        arg("a"..),
        arg(..2),
    ];
    assert_eq!(
        written.join(" "),
        "-9223372036854775807 - 1 -3 np.nan -np.inf -0.0 0.10000000149011612 1e16 None slice('a', None) slice(None, 2)"
    );
}

#[test]
fn long_chains_neither_overflow_nor_hang() {
    let (_, a, _) = arrays();
    let long = (0..100_000).fold(a, |sum, _| sum + 1);
    let e = long.compute().unwrap_err();
    assert!(e.message.contains("parts"), "{e}");
    let nested = (0..5_000).fold(Arg::from(1), |inner, _| Arg::list([inner]));
    assert!(Session::local().unwrap().call("np.array", args![nested]).is_err());
}

#[test]
fn mistakes_are_told_where_they_are_made() {
    let (session, a, _) = arrays();
    let e = a.mean("lot").unwrap_err().to_string();
    assert!(e.contains("lot") && e.contains('^'), "{e}");
    let e = a.call("maen", ()).unwrap_err().to_string();
    assert!(e.contains("did you mean 'mean'"), "{e}");
    let ds = a.to_dataset("t").unwrap();
    let e = ds.var("s").unwrap_err().to_string();
    assert!(e.contains('s') && e.contains('^'), "{e}");
    let e = session.call("xr.merge", args![[&ds]]).unwrap_err();
    assert!(e.message.contains("an array is wanted"), "{e}");
    let mixed = &a - &ds;
    assert!(mixed.compute().is_err());
    assert_eq!(mixed.cast::<super::Dataset>().unwrap().compute().unwrap().names().collect::<Vec<_>>(), ["t"]);
    let wrong = &a + "text";
    assert!(wrong.compute().is_err());
}
