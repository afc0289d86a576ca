//! Keeps outputs off the data that a run reads: a result never replaces its own input.
//!
//! In: datasets and output paths. Out: nothing, or a refusal that names the file. Never writes, never asks a region.

use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use std::path::{Path, PathBuf};
use xeng_regions::inputs::Inputs;
use xeng_regions::store::Stores;

/// Refuses an output that is, holds or lies in a file or store of one of the datasets, or in what its references lead to, by whatever name.
///
/// Datasets of other regions count too where their path exists on this machine: an engine may well be on it.
///
/// # Errors
/// `Request`, naming the output and the dataset; `Budget` where references are too many to follow.
pub(crate) fn spare(opens: &[OpenSpec], outputs: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let outputs: Vec<PathBuf> = outputs.into_iter().collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let stores = Stores::default();
    apart(&outputs)?;
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

/// Refuses outputs of which one is the other, or lies in it.
fn apart(outputs: &[PathBuf]) -> Result<()> {
    let named: Vec<PathBuf> = outputs.iter().map(|path| settled(path)).collect();
    for (i, a) in named.iter().enumerate() {
        if let Some(j) = (0..named.len()).find(|&j| j != i && named[j].starts_with(a)) {
            let (a, b) = (outputs[i].display(), outputs[j].display());
            return Err(Error::request(format!("the outputs '{a}' and '{b}' would replace each other")).hint("name another file"));
        }
    }
    Ok(())
}

/// A path by its folder's real name.
fn settled(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// Refuses an output that would replace the text that a run was asked by.
///
/// # Errors
/// `Request`, naming both.
pub(super) fn spare_text(text: Option<&Path>, outputs: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let Some(text) = text.and_then(|t| t.canonicalize().ok()) else { return Ok(()) };
    match outputs.into_iter().find(|output| output.canonicalize().is_ok_and(|o| o == text || text.starts_with(&o))) {
        Some(output) => {
            let (output, text) = (output.display(), text.display());
            Err(Error::request(format!("writing '{output}' would replace what was asked: {text}")).hint("name another file"))
        }
        None => Ok(()),
    }
}
