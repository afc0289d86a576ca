//! What a Python parser says about a text, in words for somebody who wrote an xarray expression.
//!
//! In: the parser's message and its place. Out: a message and what to do. Never hides a message that it does not know.

use crate::expr::Span;

/// The message, and a hint where there is one.
pub(super) fn rephrase(said: &str, text: &str, span: Span) -> (String, Option<&'static str>) {
    let before = text.get(..span.start).unwrap_or_default().trim_end();
    let here = text.get(span.start..).unwrap_or_default();
    let at_end = here.trim().is_empty();
    let lower = said.to_lowercase();
    let message = |message: &str, hint: &'static str| (message.to_owned(), Some(hint));
    if here.starts_with('?') || lower.contains("unexpected token") {
        let sign: String = here.chars().take(1).collect();
        return (format!("`{sign}` has no meaning in a Python expression"), Some("leave it out"));
    }
    if here.starts_with(['%', '!']) && before.is_empty() {
        return message("this is a notebook command, not an expression", "leave the line out");
    }
    if lower.contains("after decorator") || (here.starts_with('@') && before.is_empty()) {
        return message("a line cannot begin with `@` here", "to read an expression from a file on the command line, write @FILE alone");
    }
    if before.ends_with('.') && lower.starts_with("expected an identifier") {
        return message("a name is missing after the point", "write a variable or a method after it, such as .mean('time')");
    }
    if lower.starts_with("simple statements must be") {
        return message(
            "an operator, a comma or a point is missing before this",
            "put a space between no two values: write a + b, f(a, b) or a.b",
        );
    }
    if lower.starts_with("expected an expression") || lower.starts_with("expected a statement") {
        return operand(before, here, at_end);
    }
    if lower.starts_with("expected `,`") || lower.starts_with("expected ','") {
        return message("a comma is missing before this", "items and arguments are separated by commas");
    }
    if lower.starts_with("starred expression") {
        return message("`*` cannot stand here", "a power is written `**`, without a space between");
    }
    if lower.starts_with("positional argument cannot follow") {
        return message("an argument without a name stands after one with a name", "put it first, or name it: name=value");
    }
    if lower.starts_with("invalid decimal integer") {
        return message("an integer cannot begin with 0", "leave the leading zeros out");
    }
    if lower.starts_with("expected `]`") && here.starts_with(':') {
        return message("a slice has at most three parts", "write start:stop:step");
    }
    (format!("this is no Python expression: {}", lower_first(said)), None)
}

/// Something that should be a value is missing or is none.
fn operand(before: &str, here: &str, at_end: bool) -> (String, Option<&'static str>) {
    let (what, hint) = if at_end && before.ends_with('=') {
        ("a value is missing after `=`", "write it: name = expression")
    } else if at_end {
        ("the expression stops where a value is missing", "write what follows the operator, or leave the operator out")
    } else if before.ends_with('<') && here.starts_with('>') {
        ("`<>` is no operator", "write `!=`")
    } else if here.starts_with('!') {
        ("`!` is no operator", "write `~` for not, or `!=` for unequal")
    } else if here.starts_with("->") || here.starts_with("=>") || (before.ends_with(['-', '=']) && here.starts_with('>')) {
        ("an arrow is no operator", "write `>=` for greater or equal")
    } else if here.starts_with('.') {
        ("a value is missing before the point", "write the dataset or variable first, such as ds.t2m.mean('time')")
    } else {
        ("a value is missing before this", "write it, or leave the operator or comma out")
    };
    (what.to_owned(), Some(hint))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
