//! Why an expression cannot be resolved, before the place in the text is known.
//!
//! In: messages from verbs that see values only. Out: a fault that gathers its place on the way up. Never formats source text.

use crate::error::Error;
use crate::expr::Span;
use std::sync::Arc;
use xeng_kernels::KernelError;

/// What is wrong with a request, and where, once somebody who knows the text has said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What is wrong, and what to do.
    pub message: String,
    /// The place in the text.
    pub span: Option<Span>,
    /// Whether this is a defect of xeng rather than of the request.
    pub internal: bool,
}

/// The result of a verb.
pub type Outcome<T> = std::result::Result<T, Fault>;

impl Fault {
    /// The request is wrong.
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), span: None, internal: false }
    }

    /// As it is, about the variable or coordinate `name`.
    pub fn about(self, name: &str) -> Fault {
        Fault { message: format!("'{name}': {}", self.message), ..self }
    }

    /// xarray can do this, xeng cannot yet.
    pub fn unsupported(what: impl std::fmt::Display) -> Fault {
        Fault::new(format!("{what} is not supported yet by xeng"))
    }

    /// As an error, with its place in the text.
    pub fn in_text(self, text: &Arc<str>) -> Error {
        let error = if self.internal { Error::internal(self.message) } else { Error::request(self.message) };
        match self.span {
            Some(span) => error.at(text, span),
            None => error,
        }
    }

    /// The same fault at `span`, unless a narrower place is known already.
    #[must_use]
    pub fn at(mut self, span: Span) -> Fault {
        self.span.get_or_insert(span);
        self
    }
}

impl From<KernelError> for Fault {
    /// Verbs check before they append to the graph: a graph's refusal is a defect.
    fn from(e: KernelError) -> Fault {
        Fault { message: e.to_string(), span: None, internal: true }
    }
}

/// An error result.
pub fn refuse<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Fault::new(message))
}
