//! Why a request failed, in few kinds, with the place in the user's text and what to do.
//!
//! In: what went wrong, from any layer. Out: an exit code and a message for people. Never a backtrace.

mod render;

use crate::expr::Span;
use std::fmt;
use std::sync::Arc;

/// The columns that a message is fitted to where the terminal is not known.
pub const DEFAULT_COLUMNS: usize = 100;

/// What the user should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Mend the request: the expression, the plan, a name.
    Request,
    /// The data is unreadable or corrupt.
    Data,
    /// A region could not be reached or the run was cut off: try again later.
    Unavailable,
    /// A budget refuses it: ask for less, or raise the budget.
    Budget,
    /// A defect of xeng: report it.
    Internal,
}

impl ErrorKind {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Request => 2,
            ErrorKind::Data => 3,
            ErrorKind::Unavailable | ErrorKind::Internal => 4,
            ErrorKind::Budget => 5,
        }
    }
}

/// Where in a user's text an error lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the text is called, such as `plan.toml`; empty for an expression given on the command line.
    pub source_name: String,
    /// All of the text.
    pub text: Arc<str>,
    /// The part of it that is wrong.
    pub span: Span,
}

/// Why a request failed. [`fmt::Display`] is the whole message, several lines long.
#[derive(Clone, Debug)]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do, in one line.
    pub hint: Option<String>,
    /// Where it is wrong.
    pub place: Option<Box<Place>>,
    /// What lies behind it.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What may fail with an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this kind, without hint or place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, place: None, source: None }
    }

    /// The request is wrong.
    pub fn request(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Request, message)
    }

    /// The data is unreadable or corrupt.
    pub fn data(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Data, message)
    }

    /// A region could not be reached, or the run was cut off.
    pub fn unavailable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unavailable, message)
    }

    /// A budget refuses it.
    pub fn budget(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Budget, message)
    }

    /// A defect of xeng.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Internal, message)
    }

    /// With this hint, in place of any earlier one.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// With this hint, if there is one; such as [`crate::suggest::did_you_mean`] gives.
    pub fn hint_if(self, hint: Option<String>) -> Error {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// With this place in a text, unless it has one already: the innermost place is the most precise.
    pub fn at(mut self, text: &Arc<str>, span: Span) -> Error {
        if self.place.is_none() {
            self.place = Some(Box::new(Place { source_name: String::new(), text: text.clone(), span }));
        }
        self
    }

    /// With the name of the text that its place is in, unless that is known already.
    pub fn in_source(mut self, source_name: impl Into<String>) -> Error {
        if let Some(place) = &mut self.place
            && place.source_name.is_empty()
        {
            place.source_name = source_name.into();
        }
        self
    }

    /// The same error, its message preceded by what it is about.
    #[must_use]
    pub fn prefixed(mut self, about: &str) -> Error {
        self.message = format!("{about}: {}", self.message);
        self
    }

    /// With what lies behind it.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.source = Some(Arc::new(source));
        self
    }

    /// The exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The whole message fitted to a terminal this many columns wide, without a newline at its end.
    pub fn render(&self, columns: usize) -> String {
        render::render(self, columns)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(DEFAULT_COLUMNS))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl From<xeng_proto::RegionError> for Error {
    fn from(e: xeng_proto::RegionError) -> Error {
        let kind = match e.kind {
            xeng_proto::ErrorKind::Request => ErrorKind::Request,
            xeng_proto::ErrorKind::Data => ErrorKind::Data,
            xeng_proto::ErrorKind::Unavailable | xeng_proto::ErrorKind::Cancelled => ErrorKind::Unavailable,
            xeng_proto::ErrorKind::Budget => ErrorKind::Budget,
            xeng_proto::ErrorKind::Internal => ErrorKind::Internal,
        };
        Error::new(kind, e.message.clone()).caused_by(e)
    }
}

impl From<crate::output::OutputError> for Error {
    /// What cannot be written is asked for in vain (exit 2), also where the path asked for cannot be written to; a disk that is
    /// full or fails cuts the run off (exit 4).
    fn from(e: crate::output::OutputError) -> Error {
        use crate::output::OutputError as O;
        match e {
            O::Malformed { .. } => Error::internal(e.to_string()),
            O::Ending { .. } | O::Conflict { .. } | O::Unsupported { .. } | O::Plot(_) => Error::request(e.to_string()),
            O::File { ref path, ref source } => unwritable(&path.display().to_string(), source),
            O::Io(ref source) => unwritable("the output", source),
        }
    }
}

/// Why the file system refused, and what to do.
fn unwritable(path: &str, why: &std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let message = format!("cannot write '{path}': {}", told(why));
    match why.kind() {
        Io::NotFound => Error::request(message).hint("make the folder first, or name another one"),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => Error::request(message).hint("name a file in a folder that you may write to"),
        Io::IsADirectory | Io::NotADirectory | Io::AlreadyExists => {
            Error::request(message).hint("name another file, or remove what is there")
        }
        Io::StorageFull | Io::QuotaExceeded => Error::unavailable(message).hint("make room on the disk, or write somewhere else"),
        _ => Error::unavailable(message),
    }
}

/// What the system says, without the number that it says it by.
pub(crate) fn told(why: &std::io::Error) -> String {
    let text = why.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    plain.chars().take(1).flat_map(char::to_lowercase).chain(plain.chars().skip(1)).collect()
}

impl From<xeng_kernels::KernelError> for Error {
    /// A graph that the planner made cannot fail in a kernel: if it does, that is a defect.
    fn from(e: xeng_kernels::KernelError) -> Error {
        Error::internal(e.to_string()).caused_by(e)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str, start: usize, end: usize, columns: usize) -> String {
        Error::request("it is wrong").at(&Arc::from(text), Span::new(start, end)).render(columns)
    }

    #[test]
    fn exit_codes_are_those_promised() {
        let codes = [ErrorKind::Request, ErrorKind::Data, ErrorKind::Unavailable, ErrorKind::Budget, ErrorKind::Internal];
        assert_eq!(codes.map(ErrorKind::exit_code), [2, 3, 4, 5, 4]);
    }

    #[test]
    fn a_region_error_keeps_its_kind_and_source() {
        let error = Error::from(xeng_proto::RegionError::budget("too big"));
        assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Budget, "error: too big"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "too big");
        let kernel = Error::from(xeng_kernels::KernelError::malformed("graph", "loop"));
        assert_eq!(kernel.kind, ErrorKind::Internal);
    }

    #[test]
    fn one_line_is_shown_with_a_caret() {
        assert_eq!(shown("ds.tme + 1", 3, 6, 80), "error: it is wrong\n  ds.tme + 1\n     ^^^");
        let hinted = Error::request("no").hint("do so").at(&Arc::from("ds.x"), Span::new(3, 4));
        assert_eq!(hinted.to_string(), "error: no\n  ds.x\n     ^\nhelp: do so");
    }

    #[test]
    fn an_empty_span_and_one_past_the_end_are_shown() {
        assert_eq!(shown("abc", 3, 3, 80), "error: it is wrong\n  abc\n     ^");
        assert_eq!(shown("abc", 90, 99, 80), "error: it is wrong\n  abc\n     ^");
        assert_eq!(shown("", 0, 0, 80), "error: it is wrong");
        assert_eq!(shown("äb", 1, 2, 80), "error: it is wrong\n  äb\n  ^");
    }

    #[test]
    fn several_lines_are_numbered() {
        let text = "a = ds.x\nb = ds.yy\na + b";
        assert_eq!(shown(text, 16, 18, 80), "error: it is wrong\n --> line 2, column 8\n2 | b = ds.yy\n  |        ^^");
        let named = Error::request("no").at(&Arc::from(text), Span::new(4, 14)).in_source("plan.toml");
        assert_eq!(named.to_string(), "error: no\n --> plan.toml, line 1, column 5\n1 | a = ds.x\n  |     ^^^^");
    }

    #[test]
    fn columns_count_characters_and_carets_count_cells() {
        assert_eq!(shown("温度 + x", 9, 10, 80), "error: it is wrong\n  温度 + x\n         ^");
        assert_eq!(shown("e\u{301}.x", 4, 5, 80), "error: it is wrong\n  e\u{301}.x\n    ^");
        assert_eq!(shown("\tx", 1, 2, 80), "error: it is wrong\n      x\n      ^");
        assert!(shown("a\n温度.x", 9, 10, 80).contains("line 2, column 4"));
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let error = Error::request("bad \u{1b}[2J\u{7f}").at(&Arc::from("a\u{1b}[31m\u{202e}b"), Span::new(0, 1));
        let shown = error.to_string();
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{shown:?}");
    }

    #[test]
    fn a_long_line_is_windowed_around_the_caret() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let shown = shown(&text, 500, 504, 60);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{shown}");
        let caret = lines[2].find("^^^^").unwrap();
        let cells: String = lines[1].chars().skip(caret).take(4).collect();
        assert_eq!(cells, "HERE");
        assert!(lines[1].contains('…'));
    }

    #[test]
    fn a_span_longer_than_the_window_is_cut() {
        let shown = shown(&"x".repeat(70_000), 0, 70_000, 60);
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        assert!(shown.contains("^^^^"));
    }
}
