//! `PATH[@REGION]`: where a result is written, as `-o` names it.
//!
//! In: the text of one option. Out: a path here, or one in a region. Never looks at any file.

use crate::error::{Error, Result};
use crate::open_spec::is_region_name;
use std::path::{Path, PathBuf};

/// Where a result is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputAt {
    /// A file or Zarr folder here.
    Here(PathBuf),
    /// A Zarr folder in a region, as that region sees it.
    Region {
        /// Its path there.
        uri: String,
        /// The region.
        region: String,
    },
}

impl OutputAt {
    /// Reads `PATH[@REGION]`; an `@` belongs to the path unless a name of a region follows one of the known endings.
    ///
    /// # Errors
    /// `Request` for a region and another format than Zarr.
    pub fn parse(path: &Path) -> Result<OutputAt> {
        let here = || Ok(OutputAt::Here(path.to_path_buf()));
        let Some((uri, region)) = path.to_str().and_then(|text| text.rsplit_once('@')) else { return here() };
        let ending = Path::new(uri).extension().and_then(|e| e.to_str()).map(|e| format!(".{}", e.to_ascii_lowercase()));
        match ending {
            Some(ending) if is_region_name(region) && ending == ".zarr" => {
                Ok(OutputAt::Region { uri: uri.to_owned(), region: region.to_owned() })
            }
            Some(ending) if is_region_name(region) && super::ENDINGS.contains(&ending.as_str()) => {
                Err(Error::request(format!("'{uri}' cannot be written in region '{region}': regions write .zarr"))
                    .hint("leave out the region and let the result come home, or write .zarr"))
            }
            Some(_) | None => here(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_region_follows_a_store() {
        let parse = |text: &str| OutputAt::parse(Path::new(text));
        let region = |uri: &str, region: &str| OutputAt::Region { uri: uri.into(), region: region.into() };
        assert_eq!(parse("/data/out.zarr@us-east-1").unwrap(), region("/data/out.zarr", "us-east-1"));
        assert_eq!(parse("s3://bucket/out.zarr@east").unwrap(), region("s3://bucket/out.zarr", "east"));
        for here in ["out.zarr", "me@home/out.zarr", "out@2.nc", "out.zarr@", "a@b"] {
            assert_eq!(parse(here).unwrap(), OutputAt::Here(here.into()));
        }
        assert!(parse("out.nc@east").unwrap_err().message.contains(".zarr"));
    }
}
