//! The templates of references: `{{...}}` in targets and in generated references.
//!
//! In: a text and variables. Out: the text they make. Never loops, never calls itself: of Jinja's language, the sums, products, calls
//! of templates and `'%03d' % i` that references are written with; anything else is refused.

use std::collections::HashMap;

/// Bytes of what a template makes, at most.
const MAX_MADE: usize = 64 << 10;
/// Brackets within brackets, at most.
const MAX_DEPTH: usize = 32;
/// Digits that a number is padded to, at most.
const MAX_WIDTH: usize = 32;

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

impl Value {
    fn text(self) -> String {
        match self {
            Value::Int(n) => n.to_string(),
            Value::Text(text) => text,
        }
    }

    fn int(&self) -> Result<i64, String> {
        match self {
            Value::Int(n) => Ok(*n),
            Value::Text(text) => Err(format!("{text:?} is no number")),
        }
    }
}

/// Variables by name.
pub(super) type Variables = Vec<(String, Value)>;

/// The templates of a reference file: plain texts, and texts with `{{...}}`, which are called with arguments.
#[derive(Debug, Default)]
pub(super) struct Templates(pub(super) HashMap<String, String>);

impl Templates {
    /// `text` with every `{{...}}` replaced by what it gives.
    ///
    /// # Errors
    /// A reason, when an expression cannot be understood or gives too much.
    pub(super) fn render(&self, text: &str, variables: &Variables) -> Result<String, String> {
        if text.contains("{%") || text.contains("{#") {
            return Err("statements in templates are not supported".into());
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (expression, after) = after.split_once("}}").ok_or("a template has no end")?;
            out.push_str(before);
            let mut parser = Parser { rest: expression, templates: self, variables, depth: 0 };
            let value = parser.sum().map_err(|e| format!("in {{{{{}}}}}: {e}", expression.chars().take(80).collect::<String>()))?;
            if !parser.rest.trim_start().is_empty() {
                return Err(format!("{:?} in a template is not supported", parser.rest.trim().chars().take(80).collect::<String>()));
            }
            out.push_str(&value.text());
            if out.len() > MAX_MADE {
                return Err(format!("a template makes more than {MAX_MADE} bytes"));
            }
            rest = after;
        }
        out.push_str(rest);
        if out.len() > MAX_MADE { Err(format!("a template makes more than {MAX_MADE} bytes")) } else { Ok(out) }
    }
}

struct Parser<'a> {
    rest: &'a str,
    templates: &'a Templates,
    variables: &'a Variables,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut left = self.product()?;
        loop {
            let (is_plus, is_minus) = (self.take("+"), self.take("-"));
            if !is_plus && !is_minus {
                return Ok(left);
            }
            let right = self.product()?;
            left = match (left, right) {
                (Value::Text(a), Value::Text(b)) if is_plus && a.len() + b.len() <= MAX_MADE => Value::Text(a + &b),
                (a, b) => {
                    let (a, b) = (a.int()?, b.int()?);
                    Value::Int(if is_plus { a.checked_add(b) } else { a.checked_sub(b) }.ok_or("a number is too large")?)
                }
            };
        }
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut left = self.atom()?;
        loop {
            let (a, b);
            if self.take("//") {
                (a, b) = (left.int()?, self.atom()?.int()?);
                left = Value::Int(a.checked_div_euclid(b).filter(|_| b > 0).ok_or("a division by what is not positive")?);
            } else if self.take("*") {
                (a, b) = (left.int()?, self.atom()?.int()?);
                left = Value::Int(a.checked_mul(b).ok_or("a number is too large")?);
            } else if self.take("%") {
                let right = self.atom()?;
                left = match left {
                    Value::Text(format) => Value::Text(formatted(&format, &right)?),
                    Value::Int(a) => {
                        let b = right.int()?;
                        Value::Int(a.checked_rem_euclid(b).filter(|_| b > 0).ok_or("a division by what is not positive")?)
                    }
                };
            } else {
                return Ok(left);
            }
        }
    }

    fn atom(&mut self) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too many brackets".into());
        }
        let value = self.bare_atom();
        self.depth -= 1;
        value
    }

    fn bare_atom(&mut self) -> Result<Value, String> {
        if self.take("(") {
            let value = self.sum()?;
            return if self.take(")") { Ok(value) } else { Err("a bracket is not closed".into()) };
        }
        if self.take("-") {
            return self.atom()?.int()?.checked_neg().map(Value::Int).ok_or_else(|| "a number is too large".into());
        }
        for quote in ['\'', '"'] {
            if self.take(&quote.to_string()) {
                let (text, rest) = self.rest.split_once(quote).ok_or("a text is not closed")?;
                if text.contains('\\') {
                    return Err("backslashes in texts are not supported".into());
                }
                self.rest = rest;
                return Ok(Value::Text(text.to_owned()));
            }
        }
        let word = self.word();
        match word.bytes().next() {
            None => Err("an expression ends early, or holds what is not supported".into()),
            Some(b'0'..=b'9') => word.parse().map(Value::Int).map_err(|_| format!("{word:?} is no number")),
            Some(_) => self.named(word),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    /// A variable, a template, or a call of one.
    fn named(&mut self, name: &str) -> Result<Value, String> {
        if let Some((_, value)) = self.variables.iter().find(|(known, _)| known == name) {
            return Ok(value.clone());
        }
        let template = self.templates.0.get(name).ok_or_else(|| format!("there is no {name:?}"))?;
        if !template.contains("{{") {
            return Ok(Value::Text(template.clone()));
        }
        if !self.take("(") {
            return Err(format!("the template {name:?} needs arguments"));
        }
        let mut arguments = vec![];
        while !self.take(")") {
            let argument = self.word().to_owned();
            if argument.is_empty() || !self.take("=") {
                return Err(format!("arguments of {name:?} have names"));
            }
            arguments.push((argument, self.sum()?));
            if !self.take(",") && !self.rest.trim_start().starts_with(')') {
                return Err("a bracket is not closed".into());
            }
        }
        // A template sees its arguments alone: there is nothing in it that it could call.
        Templates::default().render(template, &arguments).map(Value::Text)
    }
}

/// Python's `'%03d' % number`, `'%s' % value`.
fn formatted(format: &str, value: &Value) -> Result<String, String> {
    let refused = || format!("the format {format:?} is not supported");
    let (before, after) = format.split_once('%').ok_or_else(refused)?;
    let kind = after.find(['d', 's']).ok_or_else(refused)?;
    let (width, rest) = after.split_at(kind);
    if rest[1..].contains('%') || !width.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let digits = if width.is_empty() { 0 } else { width.parse().ok().filter(|&n| n <= MAX_WIDTH).ok_or_else(refused)? };
    let made = match (rest.as_bytes()[0], width.starts_with('0')) {
        (b's', _) => format!("{:>digits$}", value.clone().text()),
        (_, true) => format!("{:0digits$}", value.int()?),
        (_, false) => format!("{:digits$}", value.int()?),
    };
    Ok(format!("{before}{made}{}", &rest[1..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Expected texts are Jinja 3.1's.
    #[test]
    fn templates_are_rendered_as_jinja_renders_them() {
        let templates = [("u", "server/path"), ("f", "{{c}}"), ("g", "x{{ a * 2 }}-{{b}}")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let templates = Templates(templates.into_iter().collect());
        let variables = vec![("i".to_owned(), Value::Int(7)), ("name".to_owned(), Value::Text("t2m".into()))];
        for (text, expected) in [
            ("plain", "plain"),
            ("http://{{u}}_{{i}}", "http://server/path_7"),
            ("{{f(c='text')}}", "text"),
            ("{{ g(a=i, b='%03d' % (i + 1)) }}", "x14-008"),
            ("{{ (i + 1) * 1000 }}", "8000"),
            ("{{ i * 10 // 4 % 5 - -2 }}", "4"),
            ("{{name}}/{{ '%d.nc' % i }}", "t2m/7.nc"),
            ("{{ 'a' + \"b\" }}", "ab"),
        ] {
            assert_eq!(templates.render(text, &variables).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let templates =
            Templates([("f".to_owned(), "{{f(c=c)}}".to_owned()), ("long".to_owned(), "x".repeat(40_000))].into_iter().collect());
        let many = format!("{{{{ {}1 }}}}", "(".repeat(100_000));
        for text in [
            "{{",
            "{{}}",
            "{{ nothing }}",
            "{{ 1 // 0 }}",
            "{{ 9223372036854775807 + 1 }}",
            "{{ 'a' * 1000000000 }}",
            "{{ 2 ** 3 }}",
            "{{ f(c=1) }}",
            "{{ f }}",
            "{{ long }}{{ long }}",
            "{{ long + long + long }}",
            "{{ '%999999999d' % 1 }}",
            "{{ x.__class__ }}",
            "{{ 1 | int }}",
            "{% for i in range(10) %}{% endfor %}",
            "{{ 'é' % 'é%' }}",
            &many,
        ] {
            assert!(templates.render(text, &vec![]).is_err(), "{}", &text[..text.len().min(60)]);
        }
    }
}
