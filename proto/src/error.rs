//! Why a region could not answer, in few kinds, each saying what the asker does next.

/// What the asker should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong: mend it. Exit code 2.
    Request,
    /// The data is unreadable or corrupt. Exit code 3.
    Data,
    /// The region, or the way to it, failed: try again later. Exit code 4.
    Unavailable,
    /// A budget refuses it: ask for less, or raise the budget. Exit code 5.
    Budget,
    /// The asker went away or cancelled. Exit code 4.
    Cancelled,
    /// A defect of xeng. Exit code 4.
    Internal,
}

/// A region could not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RegionError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// What is wrong and where: file, variable, chunk.
    pub message: String,
}

impl RegionError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> RegionError {
        RegionError { kind, message: message.into() }
    }

    /// The request is wrong.
    pub fn request(message: impl Into<String>) -> RegionError {
        RegionError::new(ErrorKind::Request, message)
    }

    /// The data is unreadable or corrupt.
    pub fn data(message: impl Into<String>) -> RegionError {
        RegionError::new(ErrorKind::Data, message)
    }

    /// The region or the way to it failed.
    pub fn unavailable(message: impl Into<String>) -> RegionError {
        RegionError::new(ErrorKind::Unavailable, message)
    }

    /// A budget refuses it.
    pub fn budget(message: impl Into<String>) -> RegionError {
        RegionError::new(ErrorKind::Budget, message)
    }

    /// A defect of xeng.
    pub fn internal(message: impl Into<String>) -> RegionError {
        RegionError::new(ErrorKind::Internal, message)
    }
}

impl From<xeng_kernels::KernelError> for RegionError {
    /// A graph that was checked on arrival fails in a kernel where its data has no answer, and something else must be asked for; anything
    /// else is a defect.
    fn from(e: xeng_kernels::KernelError) -> RegionError {
        let kind = if matches!(e, xeng_kernels::KernelError::AllMissing { .. }) { ErrorKind::Request } else { ErrorKind::Internal };
        RegionError::new(kind, e.to_string())
    }
}
