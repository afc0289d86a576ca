#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::expr::{Expr, ExprKind, Logic, Number, SubscriptItem, Unpack};

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
        ExprKind::Contains(item, list) => format!("({} in {})", short(item), short(list)),
        ExprKind::Not(a) => format!("(not {})", short(a)),
        ExprKind::Logic(op, parts) => format!("{}({})", if *op == Logic::And { "all" } else { "any" }, list(parts)),
        ExprKind::Choice(c) => format!("({} if {} else {})", short(&c.yes), short(&c.condition), short(&c.no)),
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
        ("a if 'x' in a.dims else b", "(a if (\"x\" in a.dims) else b)"),
        ("a if not b and c not in d or e else f", "(a if any(all((not b), (not (c in d))), e) else f)"),
    ];
    for (text, tree) in table {
        if tree.is_empty() {
            assert!(parse(text).is_err(), "{text}");
        } else {
            assert_eq!(program(text), tree, "{text}");
        }
    }
}

/// The message of a refused text, the place that it points to, and the hint.
fn refused(text: &str) -> (String, String, String) {
    let error = parse(text).err().unwrap_or_else(|| panic!("accepted: {text:?}"));
    let place = error.place.map(|p| p.text.get(p.span.start..p.span.end).unwrap_or("?").to_owned()).unwrap_or_default();
    (error.message, place, error.hint.unwrap_or_default())
}

#[test]
fn refused_constructs_say_what_to_write() {
    let whole = "write the operation on the whole array";
    let lines = "write lines of `name = expression` and a last expression";
    let table = [
        ("def f(): pass", "functions and classes are not in the expression language", "def", lines),
        ("class A: pass", "functions and classes are not in the expression language", "class", lines),
        ("lambda x: x", "functions (`lambda`) are not in the expression language", "lambda", whole),
        (
            "[x for x in y]",
            "comprehensions (`for`) are not in the expression language",
            "for",
            "write the items out, or name the dimension: array methods work along a whole dimension",
        ),
        ("f'{a}'", "f-strings are not in the expression language", "f'", "write the text out in plain quotes"),
        ("b'a'", "bytes are not in the expression language", "b'", "write a text, without the b"),
        (
            "a < b < c",
            "a chain of comparisons asks for one truth value, and an array has many",
            "a < b < c",
            "compare twice: (a < b) & (b < c)",
        ),
        ("a is b", "`is` is not in the expression language", "is", "use `==`"),
        ("(x := 3)", "there is no ':=' in the expression language", ":=", "give the value a name on a line of its own: name = expression"),
        ("import os", "imports are not in the expression language", "import", "leave this line out: xr and np are there already"),
        ("f(*a)", "not in the expression language: `*` before an argument or item", "*a", "write the items out"),
        ("{1, 2}", "not in the expression language: sets", "{1, 2}", "write a list: [a, b]"),
        ("a += 1", "`+=` is not in the expression language", "a += 1", "write a = a + (1)"),
        ("a = 1", "the last line is an assignment, so there is nothing to compute", "a = 1", "add a last line that says what is wanted: a"),
        ("1j", "complex numbers are not in the expression language", "1j", ""),
        (
            "99999999999999999999",
            "this integer does not fit into 64 bits",
            "99999999999999999999",
            "write it with a point or an exponent, as in 1e20",
        ),
    ];
    for (text, message, place, hint) in table {
        assert_eq!(refused(text), (message.to_owned(), place.to_owned(), hint.to_owned()), "{text}");
    }
}

#[test]
fn slips_of_syntax_are_told_in_words() {
    let table = [
        ("a +", "the expression stops where a value is missing"),
        ("x =", "a value is missing after `=`"),
        ("a b", "an operator, a comma or a point is missing before this"),
        ("1a", "an operator, a comma or a point is missing before this"),
        ("a.", "a name is missing after the point"),
        ("a..b", "a name is missing after the point"),
        (".mean()", "a value is missing before the point"),
        ("f(,)", "a value is missing before this"),
        ("f(a=1, 2)", "an argument without a name stands after one with a name"),
        ("[1 2]", "a comma is missing before this"),
        ("a * * b", "`*` cannot stand here"),
        ("a <> b", "`<>` is no operator"),
        ("a -> b", "an arrow is no operator"),
        ("a => b", "an arrow is no operator"),
        ("a ! b", "`!` is no operator"),
        ("a ? b", "`?` has no meaning in a Python expression"),
        ("01 + a", "an integer cannot begin with 0"),
        ("a[1:2:3:4]", "a slice has at most three parts"),
        ("%timeit a", "this is a notebook command, not an expression"),
        ("@a", "a line cannot begin with `@` here"),
        ("(a", "this '(' is never closed"),
        ("a)", "this ')' closes nothing"),
        ("f('a", "this text is never closed by a '"),
    ];
    for (text, message) in table {
        assert_eq!(refused(text).0, message, "{text}");
    }
    assert_eq!(refused("a\n.mean()").2, "put parentheses around an expression that goes on in the next line");
}

/// None of these may run out of stack: whether the length or the depth refuses them.
#[test]
fn depth_is_refused_before_the_stack_ends() {
    let many = |piece: &str| piece.repeat(100_000);
    for text in [many("("), many("-"), format!("a{}", many(".b")), format!("1{}", many("+1"))] {
        assert!(refused(&text).0.contains("bytes long"), "{}", &text[..20]);
    }
    // Under the limit of length, so that depth itself is what refuses.
    let longest = |piece: &str| piece.repeat((MAX_TEXT_BYTES - 16) / piece.len());
    for piece in ["(", "[", "f(", "a[", "{1:", "(-"] {
        assert!(refused(&longest(piece)).0.contains("brackets are open"), "{piece}");
    }
    for (text, what) in [
        (format!("{}a", longest("-")), "minus"),
        (format!("{}a", longest("~")), "invert"),
        (format!("a{}", longest(".b")), "attributes"),
        (format!("a{}", longest("()")), "calls"),
        (format!("a{}", longest("[0]")), "subscripts"),
        (format!("1{}", longest("+1")), "sums"),
        (format!("1{}", longest("**1")), "powers"),
        (format!("1{}", longest(" < 1")), "comparisons"),
        (format!("{}a", longest("not ")), "not"),
        (format!("{}a", longest("a if b else ")), "choices"),
        (format!("a{}", longest(" in a")), "in"),
        (format!("{}a", longest("a and not ")), "logic"),
        (format!("{}a", longest("a or -")), "or"),
    ] {
        assert!(refused(&text).0.contains("deep"), "{what}: {}", refused(&text).0);
    }
}
