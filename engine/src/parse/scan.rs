//! A first look at a text: where its lines start, how deep it nests, and which words it may not hold.
//!
//! In: text. Out: its logical lines; or a refusal with its place. Never recurses: this is what bounds all recursion after it.

use super::{MAX_BRACKETS, MAX_DEPTH, Refusal};
use crate::expr::Span;

type Result<T> = std::result::Result<T, Refusal>;

/// What the first look found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The logical lines that hold anything but comments.
    pub(super) lines: Vec<Line>,
}

/// A logical line: it goes on over line ends inside brackets, and after a backslash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Its first byte.
    pub(super) start: usize,
    /// Its first byte that is no whitespace.
    pub(super) content: usize,
}

/// An open bracket, or the text as a whole.
struct Level {
    open: Option<(usize, char)>,
    /// Operators since the last comma or the like: each can make the tree one deeper.
    operators: usize,
    /// The deepest closed bracket since then.
    inner: usize,
    /// The deepest part before then.
    deepest: usize,
}

impl Level {
    fn new(open: Option<(usize, char)>) -> Level {
        Level { open, operators: 0, inner: 0, deepest: 0 }
    }

    fn end_part(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        (self.operators, self.inner) = (0, 0);
    }
}

/// The logical lines of a text.
pub(super) fn scan(text: &str) -> Result<Scan> {
    let mut scanner = Scanner { text, at: 0, outer: Level::new(None), brackets: vec![], lines: vec![], fresh: true };
    scanner.run()?;
    Ok(Scan { lines: scanner.lines })
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    outer: Level,
    brackets: Vec<Level>,
    lines: Vec<Line>,
    /// At the start of a logical line.
    fresh: bool,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<()> {
        loop {
            if self.fresh && self.brackets.is_empty() {
                self.start_line();
            }
            let Some(c) = self.peek(0) else { break };
            match c {
                '\n' | '\r' => self.newline(),
                ' ' | '\t' | '\x0c' => self.at += 1,
                '#' => self.comment(),
                '\\' => self.backslash(),
                '\'' | '"' => self.string(self.at)?,
                '(' | '[' | '{' => self.open(c)?,
                ')' | ']' | '}' => self.close(c)?,
                ',' | ';' => self.separator(),
                ':' => self.colon()?,
                '0'..='9' => self.number(),
                '.' if self.peek(1).is_some_and(|d| d.is_ascii_digit()) => self.number(),
                c if c == '_' || c.is_alphabetic() => self.word()?,
                c if !c.is_ascii() => self.foreign(c)?,
                _ => self.operator()?,
            }
        }
        if let Some((at, bracket)) = self.brackets.pop().and_then(|level| level.open) {
            return Err(Refusal::new(Span::new(at, at + 1), format!("this '{bracket}' is never closed")));
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at..)?.chars().nth(ahead)
    }

    fn level(&mut self) -> &mut Level {
        self.brackets.last_mut().unwrap_or(&mut self.outer)
    }

    fn start_line(&mut self) {
        let start = self.at;
        while matches!(self.peek(0), Some(' ' | '\t' | '\x0c' | '\u{feff}')) {
            self.at += self.peek(0).map_or(0, char::len_utf8);
        }
        if !matches!(self.peek(0), None | Some('#' | '\n' | '\r')) {
            self.lines.push(Line { start, content: self.at });
        }
        self.fresh = false;
    }

    fn newline(&mut self) {
        self.at += if self.text[self.at..].starts_with("\r\n") { 2 } else { 1 };
        if self.brackets.is_empty() {
            self.outer.end_part();
            self.fresh = true;
        }
    }

    fn comment(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
    }

    /// A backslash joins the next line to this one; anywhere else the Python parser complains of it.
    fn backslash(&mut self) {
        self.at += 1;
        if self.text[self.at..].starts_with("\r\n") {
            self.at += 2;
        } else if matches!(self.peek(0), Some('\n' | '\r')) {
            self.at += 1;
        }
    }

    /// Skips a string whose prefix, if any, starts at `from` and whose quote is here.
    fn string(&mut self, from: usize) -> Result<()> {
        let Some(quote) = self.peek(0) else { return Ok(()) };
        let triple: String = [quote; 3].iter().collect();
        let rest = &self.text[self.at..];
        let is_triple = rest.starts_with(&triple);
        self.at += if is_triple { 3 } else { 1 };
        while let Some(c) = self.peek(0) {
            if c == '\\' {
                self.at += 1 + self.peek(1).map_or(0, char::len_utf8);
            } else if is_triple && self.text[self.at..].starts_with(&triple) {
                self.at += 3;
                return Ok(());
            } else if !is_triple && c == quote {
                self.at += 1;
                return Ok(());
            } else if !is_triple && matches!(c, '\n' | '\r') {
                break;
            } else {
                self.at += c.len_utf8();
            }
        }
        Err(Refusal::new(Span::new(from, self.at), format!("this text is never closed by a {quote}")))
    }

    fn open(&mut self, bracket: char) -> Result<()> {
        if self.brackets.len() >= MAX_BRACKETS {
            return Err(self.too_deep(format!("more than {MAX_BRACKETS} brackets are open here")));
        }
        // A bracket after an operand is a call or a subscript: one deeper.
        self.deepen()?;
        self.brackets.push(Level::new(Some((self.at, bracket))));
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, bracket: char) -> Result<()> {
        let span = Span::new(self.at, self.at + 1);
        let Some(mut level) = self.brackets.pop() else {
            return Err(Refusal::new(span, format!("this '{bracket}' closes nothing")));
        };
        if let Some((_, open)) = level.open
            && !matches!((open, bracket), ('(', ')') | ('[', ']') | ('{', '}'))
        {
            return Err(Refusal::new(span, format!("this '{bracket}' does not match the '{open}' that is open")));
        }
        level.end_part();
        let outer = self.level();
        outer.inner = outer.inner.max(level.deepest + 1);
        self.check_depth()?;
        self.at += 1;
        Ok(())
    }

    fn separator(&mut self) {
        self.level().end_part();
        self.at += 1;
    }

    /// A colon belongs into slices and dicts; anywhere else it starts a statement or an annotation.
    fn colon(&mut self) -> Result<()> {
        let span = Span::new(self.at, self.at + 1);
        if self.peek(1) == Some('=') {
            let refusal = Refusal::new(Span::new(self.at, self.at + 2), "there is no ':=' in the expression language");
            return Err(refusal.hint("give the value a name on a line of its own: name = expression"));
        }
        match self.brackets.last().and_then(|level| level.open) {
            Some((_, '[' | '{')) => {
                self.separator();
                Ok(())
            }
            Some(_) => Err(Refusal::new(span, "a ':' stands in parentheses only in Python's lambda").hint("write slice(a, b) for a range")),
            None => Err(Refusal::new(
                span,
                "a ':' outside of brackets starts a block or an annotation, and neither is in the expression language",
            )
            .hint("write lines of `name = expression` and a last expression")),
        }
    }

    fn number(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let byte = |i: usize| rest.get(i).copied().unwrap_or(0);
        let digits = |mut i: usize, is: fn(u8) -> bool| {
            while is(byte(i)) || byte(i) == b'_' {
                i += 1;
            }
            i
        };
        let decimal = |b: u8| b.is_ascii_digit();
        let end = match (byte(0), byte(1).to_ascii_lowercase()) {
            (b'0', b'x') => digits(2, |b| b.is_ascii_hexdigit()),
            (b'0', b'b' | b'o') => digits(2, decimal),
            _ => {
                let mut i = digits(0, decimal);
                if byte(i) == b'.' {
                    i = digits(i + 1, decimal);
                }
                let sign = usize::from(matches!(byte(i + 1), b'+' | b'-'));
                if byte(i).eq_ignore_ascii_case(&b'e') && byte(i + 1 + sign).is_ascii_digit() {
                    i = digits(i + 1 + sign, decimal);
                }
                i
            }
        };
        self.at += end.max(1);
    }

    fn word(&mut self) -> Result<()> {
        let from = self.at;
        let rest = &self.text[from..];
        let word = &rest[..rest.find(|c: char| c != '_' && !c.is_alphanumeric() && !is_mark(c)).unwrap_or(rest.len())];
        self.at += word.len().max(1);
        if matches!(self.peek(0), Some('\'' | '"')) && is_string_prefix(word) {
            return self.prefixed_string(from, word);
        }
        let starts_line = self.lines.last().is_some_and(|line| line.content == from);
        match keyword(word, starts_line, !self.brackets.is_empty()) {
            Some((message, hint)) => Err(Refusal::new(Span::new(from, self.at), message).hint(hint)),
            // Words that are operators.
            None if matches!(word, "if" | "and" | "or" | "not" | "in") => self.deepen(),
            None => Ok(()),
        }
    }

    fn prefixed_string(&mut self, from: usize, prefix: &str) -> Result<()> {
        let prefix = prefix.to_ascii_lowercase();
        let span = Span::new(from, self.at + 1);
        if prefix.contains(['f', 't']) {
            return Err(Refusal::new(span, format!("{prefix}-strings are not in the expression language"))
                .hint("write the text out in plain quotes"));
        }
        if prefix.contains('b') {
            return Err(Refusal::new(span, "bytes are not in the expression language").hint("write a text, without the b"));
        }
        self.string(from)
    }

    /// Characters that look like Python's own, as web pages and word processors make them.
    fn foreign(&mut self, c: char) -> Result<()> {
        let span = Span::new(self.at, self.at + c.len_utf8());
        let (what, write) = match c {
            '‘' | '’' | '“' | '”' | '«' | '»' | '„' | '‚' => ("a typographic quote", "'"),
            '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{3000}' | '\u{feff}' => ("an unusual blank", " "),
            '−' | '–' | '—' => ("a typographic dash", "-"),
            '×' => ("a multiplication sign", "*"),
            '÷' => ("a division sign", "/"),
            '…' => ("a typographic ellipsis", "..."),
            _ => {
                self.at += c.len_utf8();
                return Ok(());
            }
        };
        Err(Refusal::new(span, format!("this is {what}, not Python")).hint(format!("write `{write}` in its place")))
    }

    fn operator(&mut self) -> Result<()> {
        let rest = &self.text[self.at..];
        let two = ["**", "//", "<=", ">=", "==", "!=", "<<", ">>"].iter().any(|op| rest.starts_with(op));
        if !two && rest.starts_with('=') {
            self.separator();
            return Ok(());
        }
        self.deepen()?;
        self.at += if two { 2 } else { 1 };
        Ok(())
    }

    fn deepen(&mut self) -> Result<()> {
        self.level().operators += 1;
        self.check_depth()
    }

    fn check_depth(&mut self) -> Result<()> {
        let level = self.level();
        if level.operators + level.inner > MAX_DEPTH {
            return Err(self.too_deep(format!("the expression is more than {MAX_DEPTH} operators and calls deep here")));
        }
        Ok(())
    }

    fn too_deep(&self, message: String) -> Refusal {
        Refusal::new(Span::new(self.at, self.at + 1), message).hint("give parts of it names, on lines of their own: name = expression")
    }
}

/// Combining marks may stand inside a name.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '·' | '\u{20d0}'..='\u{20ff}')
}

fn is_string_prefix(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "r" | "u" | "b" | "br" | "rb" | "f" | "fr" | "rf" | "t" | "tr" | "rt")
}

/// Why a word of Python is refused, and what to write instead.
fn keyword(word: &str, starts_line: bool, in_brackets: bool) -> Option<(String, &'static str)> {
    let line = "write lines of `name = expression` and a last expression";
    let (construct, hint) = match word {
        "is" => return Some(("`is` is not in the expression language".to_owned(), "use `==`")),
        "if" if !starts_line => return None,
        "for" if in_brackets => {
            ("comprehensions (`for`)", "write the items out, or name the dimension: array methods work along a whole dimension")
        }
        "for" | "while" => ("loops", "array methods work along a whole dimension: name it, as in .mean('time')"),
        "lambda" => ("functions (`lambda`)", "write the operation on the whole array"),
        "def" | "return" | "class" => ("functions and classes", line),
        "import" | "from" => ("imports", "leave this line out: xr and np are there already"),
        "await" | "async" => ("`async` and `await`", "leave the word out: results are computed once they are needed"),
        "yield" => ("generators (`yield`)", line),
        "with" | "as" => ("`with` blocks", "leave the line out, and open datasets with --open"),
        "del" => ("`del`", "leave the line out, or use .drop_vars('name')"),
        "if" | "elif" | "try" | "except" | "finally" | "raise" | "assert" | "global" | "nonlocal" | "pass" | "break" | "continue" => {
            ("statements", line)
        }
        _ => return None,
    };
    let message = match construct {
        "statements" => format!("`{word}` statements are not in the expression language"),
        construct => format!("{construct} are not in the expression language"),
    };
    Some((message.replace("`del` are", "`del` is"), hint))
}
