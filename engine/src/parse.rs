//! Text in the expression language becomes a [`Program`].
//!
//! In: what a user pasted, in Python syntax. Out: names, calls and operators with their places in the text; anything
//! else is refused with its place and what to do instead. Never runs anything, never knows what a name means.
//!
//! `scan` comes first: it bounds how deep the text nests, so that neither the Python parser nor any of our own
//! recursive functions can run out of stack, and it refuses whole classes of constructs by their keyword. Then ruff's
//! Python parser makes a tree, of which `convert` takes the part that is our language.

mod convert;
mod scan;
mod syntax;

use crate::error::{Error, Result};
use crate::expr::{Program, Span};
use scan::Scan;
use std::sync::Arc;

/// The longest text, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The most brackets open at once.
pub const MAX_BRACKETS: usize = 100;
/// The deepest tree: brackets and chained operators, attributes and calls together.
pub const MAX_DEPTH: usize = 200;
/// The most nodes in a tree.
pub const MAX_NODES: usize = 50_000;

/// The program that a text stands for.
///
/// Leading whitespace that all lines have in common is ignored, as are comments and a `;` at the end.
///
/// # Errors
/// `Request`, with the place in the text, for anything that is no Python expression, is a construct outside the
/// language, or is longer than [`MAX_TEXT_BYTES`] or deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Program> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the expression is {} bytes long; the longest allowed is {MAX_TEXT_BYTES}", text.len());
        return Err(Error::request(message).hint("put long lists of numbers into a file and open it with --open"));
    }
    let shared: Arc<str> = Arc::from(text);
    let scan = scan::scan(text).map_err(|refusal| refusal.into_error(&shared))?;
    if scan.lines.is_empty() {
        return Err(Error::request("the expression is empty").hint("write one, such as: ds.t2m.mean('time')"));
    }
    let (source, offsets) = dedent(text, &scan).map_err(|refusal| refusal.into_error(&shared))?;
    let parsed = ruff_python_parser::parse_module(&source).map_err(|e| syntax_error(&e, &offsets, &shared))?;
    convert::convert(parsed.into_syntax(), &offsets, &shared)
}

/// A construct that is refused, with its place in the text as written.
#[derive(Debug)]
struct Refusal {
    message: String,
    hint: Option<String>,
    span: Span,
}

impl Refusal {
    fn new(span: Span, message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), hint: None, span }
    }

    fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.hint = Some(hint.into());
        self
    }

    fn into_error(self, text: &Arc<str>) -> Error {
        Error::request(self.message).hint_if(self.hint).at(text, self.span)
    }
}

/// Turns offsets into the dedented text back into offsets into the text as written.
struct Offsets {
    /// For each logical line: where it starts in the dedented text, and how many bytes were taken out before it.
    shifts: Vec<(usize, usize)>,
}

impl Offsets {
    fn original(&self, offset: usize) -> usize {
        let next = self.shifts.partition_point(|(start, _)| *start <= offset);
        offset + next.checked_sub(1).and_then(|i| self.shifts.get(i)).map_or(0, |(_, removed)| *removed)
    }

    /// The span in the text as written.
    fn span(&self, range: ruff_text_size::TextRange) -> Span {
        Span::new(self.original(range.start().to_usize()), self.original(range.end().to_usize()))
    }
}

/// The text without the indentation that its logical lines have in common.
fn dedent(text: &str, scan: &Scan) -> std::result::Result<(String, Offsets), Refusal> {
    let indent = |line: &scan::Line| &text[line.start..line.content];
    let Some(common) = scan.lines.first().map(indent) else {
        return Ok((text.to_string(), Offsets { shifts: vec![] }));
    };
    let (mut source, mut shifts, mut copied, mut removed) = (String::with_capacity(text.len()), vec![], 0, 0);
    for line in &scan.lines {
        if indent(line) != common {
            let refusal = Refusal::new(Span::new(line.start, line.content), "this line is indented unlike the first one");
            return Err(refusal.hint("start all lines in the same column, or put parentheses around an expression of several lines"));
        }
        source.push_str(&text[copied..line.start]);
        removed += line.content - line.start;
        shifts.push((source.len(), removed));
        copied = line.content;
    }
    source.push_str(&text[copied..]);
    Ok((source, Offsets { shifts }))
}

/// What ruff says about a text that is no Python.
fn syntax_error(e: &ruff_python_parser::ParseError, offsets: &Offsets, text: &Arc<str>) -> Error {
    let span = offsets.span(e.location);
    let starts_with_dot = text.get(span.start..).is_some_and(|rest| rest.starts_with('.'));
    let line_before = text.get(..span.start).unwrap_or_default().trim_end_matches([' ', '\t']);
    let (message, hint) = syntax::rephrase(&e.error.to_string(), text, span);
    let error = Error::request(message).hint_if(hint.map(str::to_owned)).at(text, span);
    if starts_with_dot && line_before.ends_with('\n') {
        return error.hint("put parentheses around an expression that goes on in the next line");
    }
    error
}

#[cfg(test)]
mod tests;
