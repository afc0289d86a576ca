//! Keeps outputs off the data that a run reads: a result never replaces its own input.
//!
//! In: datasets and output paths. Out: nothing, or a refusal that names the file. Never writes, never asks a region.

use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use std::path::{Path, PathBuf};
use xeng_regions::store::Stores;

/// Refuses an output that is, holds or lies in a file or store of one of the datasets, by whatever name.
///
/// Datasets of other regions count too where their path exists on this machine: an engine may well be on it.
///
/// # Errors
/// `Request`, naming the output and the dataset.
pub(super) fn spare(opens: &[OpenSpec], outputs: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let inputs: Vec<(&str, PathBuf)> =
        opens.iter().flat_map(|open| open.dataset.uris().flat_map(files).map(move |file| (open.name.as_str(), file))).collect();
    for output in outputs {
        // The place of a file that is not there yet is that of its folder.
        let Some(place) = real(&output) else { continue };
        if let Some((name, file)) = inputs.iter().find(|(_, file)| file.starts_with(&place) || place.starts_with(file)) {
            let (output, file) = (output.display(), file.display());
            return Err(Error::request(format!("writing '{output}' would replace what dataset '{name}' is read from: {file}"))
                .hint("name another file"));
        }
    }
    Ok(())
}

/// The files that a URI means on this machine, by their real names.
fn files(uri: &str) -> Vec<PathBuf> {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    if path.contains("://") {
        return vec![];
    }
    let found = Stores::default().find(path).map(|all| all.into_iter().map(|l| l.name()).collect());
    let names: Vec<String> = found.unwrap_or_else(|_| vec![path.to_owned()]);
    names.iter().filter_map(|name| std::fs::canonicalize(name.strip_prefix("file://").unwrap_or(name)).ok()).collect()
}

/// The path without links and dots, also of a file that is not there yet.
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok().or_else(|| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?))
    })
}
