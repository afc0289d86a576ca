//! What can go wrong while a result is written.

use crate::plot::PlotError;
use std::path::PathBuf;

/// A result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file's ending names no format that can be written.
    #[error("cannot tell the format of '{}' from its ending; supported are {supported}", path.display())]
    Ending {
        /// The file asked for.
        path: PathBuf,
        /// The endings that would do.
        supported: String,
    },
    /// The result contradicts itself: a defect of the engine, caught before it reaches a file.
    #[error("the result '{name}' is malformed: {why}")]
    Malformed {
        /// The array or coordinate.
        name: String,
        /// What contradicts what.
        why: String,
    },
    /// Two parts of the result claim the same name or dimension.
    #[error("cannot write both {what} '{name}': {why}")]
    Conflict {
        /// What they are: "variables", "dimensions", "coordinates".
        what: &'static str,
        /// The name both claim.
        name: String,
        /// How they differ.
        why: String,
    },
    /// The format cannot hold this.
    #[error("{format} cannot hold this result: {why}")]
    Unsupported {
        /// The format.
        format: &'static str,
        /// What it cannot hold.
        why: String,
    },
    /// No picture can be drawn of this.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The file system refused: a missing folder, no permission, a full disk.
    #[error("cannot write '{}': {source}", path.display())]
    File {
        /// The file asked for.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// Writing failed below a file whose name is told by [`OutputError::File`].
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
