//! The manual of the expression language: one text for `xeng help NAME` and for these pages.
//!
//! In: a name. Out: what it does, with an example. Never knows how; see [`crate::resolve`].
//!
#![doc = include_str!("manual.md")]

use crate::suggest;

const TEXT: &str = include_str!("manual.md");

/// One form of the expression language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The family that it belongs to.
    pub family: &'static str,
    /// How it is written, between backquotes; several forms stand side by side.
    pub form: &'static str,
    /// What it gives.
    pub gives: &'static str,
    /// An example over a dataset `d`.
    pub example: &'static str,
}

/// Every entry, in order.
pub fn entries() -> impl Iterator<Item = Entry> {
    let mut family = "";
    TEXT.lines().filter_map(move |line| {
        if let Some(title) = line.strip_prefix("# ") {
            family = title;
        }
        // A bar that is part of a form is escaped.
        let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let mut cells = row.split(" | ");
        let (form, gives, example) = (cells.next()?, cells.next()?, cells.next()?);
        let example = example.strip_prefix('`')?.strip_suffix('`')?;
        Some(Entry { family, form, gives, example })
    })
}

impl Entry {
    /// The names that it tells of: `sel`, `xr.concat`, `np.arange`, `xeng.regrid`.
    pub fn names(&self) -> Vec<String> {
        let quoted = |text: &'static str| text.split('`').skip(1).step_by(2);
        let mut names: Vec<String> = quoted(self.form).filter_map(name_of).collect();
        // Lists of names stand among what it gives.
        let prefix = if self.form.contains("np.") { "np." } else { "" };
        if self.form.contains("and the like") {
            names.extend(quoted(self.gives).flat_map(str::split_whitespace).map(|n| format!("{prefix}{n}")));
        }
        names
    }
}

/// The name that a form begins with, if it is a method, a property or a function.
fn name_of(form: &str) -> Option<String> {
    let name = form.trim_start_matches('.');
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(name.len());
    let named = form.starts_with('.') || form.starts_with("xr.") || form.starts_with("np.");
    (named && end > 0).then(|| name[..end].to_owned())
}

/// What `xeng help` prints for these names; all families without any.
///
/// # Errors
/// The first name that there is not, with the nearest one.
pub fn help(names: &[String]) -> Result<String, String> {
    if names.is_empty() {
        return Ok(overview());
    }
    let mut out = String::new();
    for name in names {
        let wanted = name.trim_start_matches('.').trim_end_matches("()");
        let is_it = |known: &String| known == wanted || known.rsplit('.').next() == Some(wanted);
        let found: Vec<Entry> = entries().filter(|e| e.names().iter().any(is_it)).collect();
        if found.is_empty() {
            let known: Vec<String> = entries().flat_map(|e| e.names()).collect();
            let hint = suggest::did_you_mean(wanted, known.iter().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            return Err(format!("the manual has no '{name}'{hint}"));
        }
        for entry in found {
            let plain = |text: &str| text.replace('`', "").replace("\\|", "|");
            out.push_str(&format!("{}\n    {}\n    e.g. {}\n\n", plain(entry.form), plain(entry.gives), entry.example));
        }
    }
    Ok(out.trim_end().to_owned() + "\n")
}

fn overview() -> String {
    let mut out = String::from("What an expression may say; `xeng help NAME` tells more, `xeng COMMAND --help` of the commands.\n");
    let mut family = "";
    for entry in entries() {
        if entry.family != family {
            family = entry.family;
            out.push_str(&format!("\n{family}\n    "));
        }
        out.push_str(&entry.names().join(" "));
        out.push(' ');
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_found_with_an_example() {
        let told = help(&["quantile".to_owned()]).unwrap();
        assert!(told.starts_with(".quantile(q, dim=None") && told.contains("e.g. d.tas.quantile("), "{told}");
        assert!(help(&["np.hypot".to_owned()]).unwrap().contains("np.sqrt"));
        assert!(help(&["regrid".to_owned(), "persist()".to_owned()]).unwrap().contains("nothing is computed"));
        assert!(help(&["quantil".to_owned()]).unwrap_err().contains("did you mean 'quantile'"));
        assert!(help(&[]).unwrap().contains("\nReduce\n    sum prod mean"));
    }
}
