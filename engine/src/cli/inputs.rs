//! Keeps outputs off the data that a run reads: a result never replaces its own input.
//!
//! In: datasets and output paths. Out: nothing, or a refusal that names the file. Never writes, never asks a region.

use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use std::path::PathBuf;
use xeng_regions::inputs::Inputs;
use xeng_regions::store::Stores;

/// Refuses an output that is, holds or lies in a file or store of one of the datasets, or in what its references lead to, by whatever name.
///
/// Datasets of other regions count too where their path exists on this machine: an engine may well be on it.
///
/// # Errors
/// `Request`, naming the output and the dataset; `Budget` where references are too many to follow.
pub(super) fn spare(opens: &[OpenSpec], outputs: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let outputs: Vec<PathBuf> = outputs.into_iter().collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let stores = Stores::default();
    for open in opens {
        let inputs = Inputs::of(&stores, open.dataset.uris()).map_err(Error::from)?;
        if let Some((output, file)) = outputs.iter().find_map(|output| Some((output, inputs.met_by(output)?))) {
            let (output, file, name) = (output.display(), file.display(), &open.name);
            return Err(Error::request(format!("writing '{output}' would replace what dataset '{name}' is read from: {file}"))
                .hint("name another file"));
        }
    }
    Ok(())
}
