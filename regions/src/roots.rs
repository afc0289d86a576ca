//! Which folders an engine may read: an archive that lets strangers run plans names them.
//!
//! In: a path or pattern that a request names. Out: yes or no. Never reads a file's content.

use std::path::{Path, PathBuf};
use xeng_proto::RegionError;

/// The folders that an engine may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// `None` where everything may be read.
    folders: Option<Vec<PathBuf>>,
    /// Beginnings of URLs, each ending in a slash.
    prefixes: Vec<String>,
}

impl Roots {
    /// Whatever the process may read: for engines in the user's own process.
    pub fn everywhere() -> Roots {
        Roots::default()
    }

    /// These folders, and beginnings of URLs such as `s3://bucket/prefix`, and what lies below them.
    ///
    /// # Errors
    /// `Request` when a folder does not exist.
    pub fn only(roots: &[PathBuf]) -> Result<Roots, RegionError> {
        let (urls, folders): (Vec<&PathBuf>, Vec<&PathBuf>) = roots.iter().partition(|r| is_url(&r.to_string_lossy()));
        let prefixes = urls.into_iter().map(|url| format!("{}/", url.to_string_lossy().trim_end_matches('/'))).collect();
        let canonical = |f: &&PathBuf| f.canonicalize().map_err(|e| RegionError::request(format!("root folder {}: {e}", f.display())));
        Ok(Roots { folders: Some(folders.iter().map(canonical).collect::<Result<_, _>>()?), prefixes })
    }

    /// Refuses a path or glob pattern outside the roots, symbolic links resolved.
    ///
    /// # Errors
    /// `Request` when it is outside; the message does not say what exists there.
    pub fn check(&self, uri: &str) -> Result<(), RegionError> {
        let Some(folders) = &self.folders else { return Ok(()) };
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        let refused = || RegionError::request(format!("'{uri}' is not among the data that this engine offers"));
        if is_url(path) {
            let inside = self.prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()));
            // Parsers of URLs take a backslash for a slash, leave out control characters, and understand escaped dots.
            let is_plain = !path.contains('\\') && !path.chars().any(char::is_control);
            let climbs = !is_plain || path.split('/').any(|part| part == ".." || part.contains("%2e") || part.contains("%2E"));
            return if inside && !climbs { Ok(()) } else { Err(refused()) };
        }
        if Path::new(path).components().any(|c| c == std::path::Component::ParentDir) {
            return Err(refused());
        }
        let fixed = fixed_part(Path::new(path));
        let real = fixed.canonicalize().map_err(|_| refused())?;
        let mut matches = if fixed == Path::new(path) { vec![real] } else { matches_of(path).ok_or_else(refused)? };
        // A name may hold brackets and match nothing but itself, or not even that.
        matches.extend(Path::new(path).canonicalize());
        if matches.iter().all(|m| folders.iter().any(|f| m.starts_with(f))) { Ok(()) } else { Err(refused()) }
    }

    /// As [`Self::check`] for a single object, in whose name nothing is a wildcard. What is not there is refused or not as its folder is.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_object(&self, uri: &str) -> Result<(), RegionError> {
        let Some(folders) = &self.folders else { return Ok(()) };
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        if is_url(path) {
            return self.check(uri);
        }
        let refused = || RegionError::request(format!("'{uri}' is not among the data that this engine offers"));
        if Path::new(path).components().any(|c| c == std::path::Component::ParentDir) {
            return Err(refused());
        }
        let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() };
        let above = || Path::new(path).ancestors().skip(1).find_map(|folder| here(folder).canonicalize().ok());
        let real = Path::new(path).canonicalize().ok().or_else(above).ok_or_else(refused)?;
        if folders.iter().any(|folder| real.starts_with(folder)) { Ok(()) } else { Err(refused()) }
    }
}

impl Roots {
    /// Refuses a file or folder that is there and whose real place is outside the roots.
    ///
    /// # Errors
    /// `Request` when it is outside.
    pub(crate) fn check_file(&self, path: &Path) -> Result<(), RegionError> {
        let Some(folders) = &self.folders else { return Ok(()) };
        let is_inside = path.canonicalize().is_ok_and(|real| folders.iter().any(|folder| real.starts_with(folder)));
        let refused = || RegionError::request(format!("'{}' is not among the data that this engine offers", path.display()));
        if is_inside { Ok(()) } else { Err(refused()) }
    }
}

fn is_url(root: &str) -> bool {
    root.contains("://") && !root.starts_with("file://")
}

/// The leading part of a pattern that holds no wildcard.
pub(crate) fn fixed_part(path: &Path) -> PathBuf {
    path.components().take_while(|c| !c.as_os_str().to_string_lossy().contains(['*', '?', '['])).collect()
}

fn matches_of(pattern: &str) -> Option<Vec<PathBuf>> {
    glob::glob(pattern).ok()?.map(|m| m.ok()?.canonicalize().ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_spelling_of_a_url_leads_out() {
        let roots = Roots::only(&[PathBuf::from("http://host/pub")]).unwrap();
        assert!(roots.check("http://host/pub/a/x.nc").is_ok());
        for out in ["../sec/x.nc", "..\\sec/x.nc", ".\t./sec/x.nc", "a\\..\\..\\sec\\x.nc", "%2e%2E/sec/x.nc", "\n../sec/x.nc"] {
            assert!(roots.check(&format!("http://host/pub/{out}")).is_err(), "{out:?}");
        }
        assert!(roots.check("http://host/public/x.nc").is_err());
    }
}
