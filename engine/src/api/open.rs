//! What to open: URIs, and how.
//!
//! In: a path, a pattern or a list. Out: the specification of a dataset. Never looks at any file, never takes a URI apart.

use crate::error::{Error, Result};
use crate::open_spec::{OpenSpec, is_region_name};
use xeng_proto::DatasetSpec;

/// A dataset to open: `"era5/*.nc"`, or with more said: `Open::at("s3://bucket/t2m.zarr").region("us-east-1")`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    uris: Vec<String>,
    name: Option<String>,
    region: Option<String>,
    dataset: DatasetSpec,
}

impl Open {
    /// A path, a pattern, a Zarr folder, `s3://` or `http(s)://`, taken as it is.
    pub fn at(uri: impl Into<String>) -> Open {
        Open { uris: vec![uri.into()], ..Open::default() }
    }

    /// Several files or patterns that are one dataset, joined by their coordinates, or with [`Open::concat`] in this order.
    pub fn list<T: Into<String>>(uris: impl IntoIterator<Item = T>) -> Open {
        Open { uris: uris.into_iter().map(T::into).collect(), ..Open::default() }
    }

    /// What expressions and messages call it; by default after its first file.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Open {
        self.name = Some(name.into());
        self
    }

    /// The region that it lies in; the session's home by default.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Open {
        self.region = Some(region.into());
        self
    }

    /// The dim that several files are joined along, existing or new.
    #[must_use]
    pub fn concat(mut self, dim: impl Into<String>) -> Open {
        self.dataset.concat = Some(dim.into());
        self
    }

    /// A group inside the file.
    #[must_use]
    pub fn group(mut self, path: impl Into<String>) -> Open {
        self.dataset.group = Some(path.into());
        self
    }

    /// Without these variables.
    #[must_use]
    pub fn without<T: Into<String>>(mut self, variables: impl IntoIterator<Item = T>) -> Open {
        self.dataset.drop = variables.into_iter().map(T::into).collect();
        self
    }

    /// Times stay the numbers that are stored.
    #[must_use]
    pub fn times_as_stored(mut self) -> Open {
        self.dataset.keep_times_encoded = true;
        self
    }

    /// The specification, with a name that is not taken.
    pub(super) fn spec(self, is_taken: impl Fn(&str) -> bool) -> Result<OpenSpec> {
        let mut uris = self.uris.into_iter();
        let uri = uris.next().filter(|uri| !uri.is_empty()).ok_or_else(|| Error::request("nothing is named to be opened"))?;
        if let Some(region) = self.region.as_deref().filter(|region| !is_region_name(region)) {
            return Err(Error::request(format!("'{region}' cannot be the name of a region")));
        }
        let name = match self.name {
            Some(name) if !super::args::is_name(&name) || RESERVED.contains(&name.as_str()) => {
                return Err(Error::request(format!("'{name}' cannot be the name of a dataset: expressions could not refer to it")));
            }
            Some(name) if is_taken(&name) => return Err(Error::request(format!("this session has a dataset '{name}' already"))),
            Some(name) => name,
            None => free(&stem(&uri), is_taken),
        };
        Ok(OpenSpec { name, dataset: DatasetSpec { uri, more: uris.collect(), ..self.dataset }, region: self.region })
    }
}

/// What expressions mean by these is not a dataset.
const RESERVED: [&str; 15] =
    ["np", "numpy", "xr", "xarray", "dict", "slice", "float", "int", "bool", "abs", "round", "len", "list", "tuple", "result"];

/// The last part of a URI as a name: `s3://b/era-5/*.nc` is `era_5`.
fn stem(uri: &str) -> String {
    let parts = uri.split(['/', '\\']).rev();
    let plain = |part: &str| {
        let part = part.split(['.', '?', ',']).next().unwrap_or_default();
        let kept: String = part.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
        kept.trim_matches('_').to_owned()
    };
    let name = parts.map(plain).find(|name| !name.is_empty()).unwrap_or_else(|| "ds".to_owned());
    if super::args::is_name(&name) && !RESERVED.contains(&name.as_str()) { name } else { format!("ds_{name}") }
}

fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let others = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(others).find(|name| !is_taken(name)).unwrap_or_default()
}

impl From<&str> for Open {
    fn from(uri: &str) -> Open {
        Open::at(uri)
    }
}

impl From<String> for Open {
    fn from(uri: String) -> Open {
        Open::at(uri)
    }
}

impl From<&String> for Open {
    fn from(uri: &String) -> Open {
        Open::at(uri.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_come_from_files_and_are_free() {
        let named = |uri: &str| Open::at(uri).spec(|name| name == "era5").unwrap().name;
        assert_eq!(named("/data/cmip-6/*.nc"), "cmip_6");
        assert_eq!((named("era5.nc"), named("s3://b/2t.zarr"), named("np.nc")), ("era5_2".into(), "ds_2t".into(), "ds_np".into()));
        assert_eq!(Open::at("a@b,c=d.nc").spec(|_| false).unwrap().dataset.uri, "a@b,c=d.nc");
        assert!(Open::at("a.nc").name("a b").spec(|_| false).is_err());
        assert!(Open::at("a.nc").name("era5").spec(|name| name == "era5").is_err());
        assert!(Open::list(Vec::<String>::new()).spec(|_| false).is_err());
        assert!(Open::at("a.nc").region("a/b").spec(|_| false).is_err());
    }
}
