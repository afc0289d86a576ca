//! URIs: which store a dataset lies in, and under which key.
//!
//! In: what a user wrote. Out: scheme and key. Never looks whether anything is there.

use xeng_proto::RegionError;

/// A URI, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// A path or glob pattern of this machine.
    Path(String),
    /// An object, a prefix or a pattern in a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// A URL.
    Http {
        /// Scheme, host and port, with a slash at the end.
        origin: String,
        /// The path, percent-decoded.
        path: String,
    },
}

impl Uri {
    /// Takes a URI apart.
    ///
    /// # Errors
    /// `Request` for a scheme that is not known or a URL that is none.
    pub fn parse(uri: &str) -> Result<Uri, RegionError> {
        let Some((scheme, rest)) = uri.split_once("://") else { return Ok(Uri::Path(uri.to_owned())) };
        match scheme {
            "file" => Ok(Uri::Path(rest.to_owned())),
            "s3" => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(RegionError::request(format!("{uri}: names no bucket")));
                }
                Ok(Uri::S3 { bucket: bucket.to_owned(), key: key.trim_end_matches('/').to_owned() })
            }
            "http" | "https" => {
                let url = url::Url::parse(uri).map_err(|e| RegionError::request(format!("{uri}: {e}")))?;
                if url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
                    return Err(RegionError::request(format!("{uri}: URLs with a query or a password cannot be opened")));
                }
                let path = object_store::path::Path::from_url_path(url.path()).map_err(|e| RegionError::request(format!("{uri}: {e}")))?;
                Ok(Uri::Http { origin: format!("{}/", url.origin().ascii_serialization()), path: path.to_string() })
            }
            _ => Err(RegionError::request(format!("{uri}: '{scheme}://' is not known; paths, file://, s3://, http:// and https:// are"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn uris_are_taken_apart() {
        let s3 = |bucket: &str, key: &str| Uri::S3 { bucket: bucket.into(), key: key.into() };
        let http = |origin: &str, path: &str| Uri::Http { origin: origin.into(), path: path.into() };
        assert_eq!(Uri::parse("era5/*.nc").unwrap(), Uri::Path("era5/*.nc".into()));
        assert_eq!(Uri::parse("file:///data/a b.nc").unwrap(), Uri::Path("/data/a b.nc".into()));
        assert_eq!(Uri::parse("s3://era5-pds/2020/*/t2m.nc").unwrap(), s3("era5-pds", "2020/*/t2m.nc"));
        assert_eq!(Uri::parse("s3://b/x.zarr/").unwrap(), s3("b", "x.zarr"));
        assert_eq!(Uri::parse("http://h:81/a%20b/c.nc").unwrap(), http("http://h:81/", "a b/c.nc"));
        assert_eq!(Uri::parse("https://h/x").unwrap(), http("https://h/", "x"));
        for wrong in ["gopher://x/y", "s3:///x", "http://h/x?token=1", "http://u:p@h/x", "http://"] {
            assert!(Uri::parse(wrong).is_err(), "{wrong}");
        }
    }
}
