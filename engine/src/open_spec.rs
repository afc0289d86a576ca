//! `NAME=URI[@REGION][,key=value...]`: a dataset as `--open` names it.
//!
//! In: the text of one option. Out: the name, what to open, and the region it lies in. Never looks at any file.

use crate::error::{Error, Result};
use crate::expr::Span;
use crate::suggest;
use std::sync::Arc;
use xeng_proto::DatasetSpec;

/// The keys that may follow the URI.
pub const KEYS: [&str; 4] = ["concat", "group", "decode_times", "drop"];

/// A dataset to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSpec {
    /// What expressions call it.
    pub name: String,
    /// What is opened, and how.
    pub dataset: DatasetSpec,
    /// The region that it lies in; home's own if `None`.
    pub region: Option<String>,
}

/// Lays datasets that `--open` names over those that are known: each replaces the known one of its name, and a name that is given again
/// adds to its own list.
///
/// # Errors
/// `Request` when two parts of a list contradict each other.
pub fn overlay(mut known: Vec<OpenSpec>, given: impl IntoIterator<Item = OpenSpec>) -> Result<Vec<OpenSpec>> {
    let mut own: Vec<OpenSpec> = vec![];
    for spec in given {
        match own.iter_mut().find(|first| first.name == spec.name) {
            Some(first) => first.append(spec)?,
            None => own.push(spec),
        }
    }
    known.retain(|one| own.iter().all(|spec| spec.name != one.name));
    known.append(&mut own);
    Ok(known)
}

impl OpenSpec {
    /// Adds the files of another to the list. What only one of them says of how to open them holds for all.
    fn append(&mut self, other: OpenSpec) -> Result<()> {
        let more = other.dataset;
        let name = self.name.clone();
        let one = |a: &mut Option<String>, b: Option<String>, what: &str| match (&*a, b) {
            (Some(known), Some(new)) if *known != new => {
                Err(Error::request(format!("dataset '{name}' is a list, and its parts say {what} '{known}' and '{new}'"))
                    .hint("files of one list lie in one region and are opened in one way"))
            }
            (None, Some(new)) => {
                *a = Some(new);
                Ok(())
            }
            _ => Ok(()),
        };
        one(&mut self.region, other.region, "region")?;
        one(&mut self.dataset.concat, more.concat, "concat")?;
        one(&mut self.dataset.group, more.group, "group")?;
        self.dataset.keep_times_encoded |= more.keep_times_encoded;
        let own = &mut self.dataset;
        own.drop.extend(more.drop.into_iter().filter(|name| !own.drop.contains(name)).collect::<Vec<_>>());
        own.more.push(more.uri);
        own.more.extend(more.more);
        Ok(())
    }
}

/// Reads `NAME=URI[@REGION][,concat=DIM][,group=PATH][,decode_times=false][,drop=A+B]`.
///
/// A comma belongs to the URI unless `key=` follows it; an `@` belongs to the URI unless a name of letters, digits,
/// `.`, `_` and `-` follows it, up to the end of the URI.
///
/// # Errors
/// `Request`, with the place, for a missing or unfit name, a missing URI, or an unknown or repeated key.
pub fn parse_open(text: &str) -> Result<OpenSpec> {
    let shared: Arc<str> = Arc::from(text);
    let wrong = |message: String, start: usize, end: usize| {
        Err(Error::request(message)
            .at(&shared, Span::new(start, end))
            .hint("write NAME=URI[@REGION][,key=value], such as era5=era5/*.nc@us-east-1,concat=time"))
    };
    let Some((name, rest)) = text.split_once('=') else {
        return wrong("a dataset to open needs a name".into(), 0, text.len());
    };
    if !is_identifier(name) {
        return wrong(format!("'{name}' cannot be the name of a dataset: expressions could not refer to it"), 0, name.len());
    }
    let offset = name.len() + 1;
    let (located, keys) = split_keys(rest);
    let (uri, region) = split_region(located);
    if uri.is_empty() {
        return wrong(format!("dataset '{name}' has no URI"), 0, text.len());
    }
    let mut spec = OpenSpec { name: name.into(), dataset: DatasetSpec { uri: uri.into(), ..DatasetSpec::default() }, region };
    let mut seen: Vec<&str> = vec![];
    for (at, key, value) in keys {
        let span = Span::new(offset + at, offset + at + key.len());
        if seen.contains(&key) {
            return wrong(format!("`{key}` is given twice"), span.start, span.end);
        }
        seen.push(key);
        set_key(&mut spec.dataset, key, value).map_err(|e| e.at(&shared, span))?;
    }
    Ok(spec)
}

/// Sets a key of `--open` or of `[open.NAME]`.
///
/// # Errors
/// `Request` for an unknown key, with the nearest known one, or a value that is none of those allowed.
pub fn set_key(dataset: &mut DatasetSpec, key: &str, value: &str) -> Result<()> {
    match key {
        _ if value.is_empty() => return Err(Error::request(format!("`{key}=` has no value"))),
        "concat" => dataset.concat = Some(value.into()),
        "group" => dataset.group = Some(value.into()),
        "drop" => dataset.drop = value.split('+').map(str::to_string).collect(),
        "decode_times" => match value.to_ascii_lowercase().as_str() {
            "true" => dataset.keep_times_encoded = false,
            "false" => dataset.keep_times_encoded = true,
            _ => return Err(Error::request(format!("`decode_times` is true or false, not '{value}'"))),
        },
        _ => {
            let error = Error::request(format!("there is no key '{key}' for a dataset to open"));
            return Err(error.hint_if(suggest::did_you_mean_or_list(key, KEYS)));
        }
    }
    Ok(())
}

/// The part before the first `,key=`, and the keys with their offsets and values.
fn split_keys(text: &str) -> (&str, Vec<(usize, &str, &str)>) {
    let starts: Vec<usize> = text.match_indices(',').map(|(i, _)| i).filter(|i| key_at(&text[i + 1..]).is_some()).collect();
    let located = &text[..starts.first().copied().unwrap_or(text.len())];
    let mut keys = vec![];
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(text.len());
        if let Some(key) = key_at(&text[start + 1..end]) {
            keys.push((start + 1, key, &text[start + 2 + key.len()..end]));
        }
    }
    (located, keys)
}

/// The `key` of a text that starts with `key=`, whether known or not.
fn key_at(text: &str) -> Option<&str> {
    let (key, _) = text.split_once('=')?;
    is_identifier(key).then_some(key)
}

fn split_region(located: &str) -> (&str, Option<String>) {
    match located.rsplit_once('@') {
        Some((uri, region)) if is_region_name(region) => (uri, Some(region.to_string())),
        _ => (located, None),
    }
}

/// Whether a text can name a region: letters, digits, `.`, `_` and `-`.
pub fn is_region_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Whether an expression can refer to this name.
pub fn is_identifier(text: &str) -> bool {
    let starts = text.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic());
    starts && text.len() <= 200 && text.chars().all(|c| c == '_' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_every_key() {
        let spec = parse_open("era=s3://b/era5/*.nc@us-east-1,concat=time,group=/a/b,decode_times=false,drop=x+y").unwrap();
        assert_eq!((spec.name.as_str(), spec.region.as_deref()), ("era", Some("us-east-1")));
        assert_eq!(spec.dataset.uri, "s3://b/era5/*.nc");
        assert_eq!(spec.dataset.concat.as_deref(), Some("time"));
        assert_eq!(spec.dataset.group.as_deref(), Some("/a/b"));
        assert!(spec.dataset.keep_times_encoded);
        assert_eq!(spec.dataset.drop, ["x", "y"]);
    }

    #[test]
    fn commas_and_ats_may_belong_to_the_uri() {
        let spec = parse_open("a=/x@home/b,c.nc").unwrap();
        assert_eq!((spec.dataset.uri.as_str(), spec.region), ("/x@home/b,c.nc", None));
        let spec = parse_open("a=http://u@h/p?q=1@eu").unwrap();
        assert_eq!((spec.dataset.uri.as_str(), spec.region.as_deref()), ("http://u@h/p?q=1", Some("eu")));
    }

    #[test]
    fn a_name_that_is_given_again_adds_to_its_list() {
        let parsed = |texts: &[&str]| texts.iter().map(|t| parse_open(t).unwrap()).collect::<Vec<_>>();
        let all = overlay(parsed(&["a=old.nc", "b=b.nc"]), parsed(&["a=1.nc", "c=c.nc", "a=2/*.nc,concat=time", "a=3.nc@eu"])).unwrap();
        let names: Vec<&str> = all.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert_eq!(all[1].dataset.uris().collect::<Vec<_>>(), ["1.nc", "2/*.nc", "3.nc"]);
        assert_eq!((all[1].dataset.concat.as_deref(), all[1].region.as_deref()), (Some("time"), Some("eu")));
        let wrong = overlay(vec![], parsed(&["a=1.nc@eu", "a=2.nc@us"])).unwrap_err().to_string();
        assert!(wrong.contains("'eu' and 'us'"), "{wrong}");
    }

    #[test]
    fn refuses_what_it_cannot_mean() {
        let shown = parse_open("a=x.nc,concta=time").unwrap_err().to_string();
        assert_eq!(
            shown,
            "error: there is no key 'concta' for a dataset to open\n  a=x.nc,concta=time\n         ^^^^^^\nhelp: did you mean 'concat'?"
        );
        for text in ["", "x.nc", "=x.nc", "1a=x.nc", "a b=x", "a=", "a=@eu", "a=x,concat=", "a=x,concat=t,concat=u", "a=x,decode_times=no"]
        {
            assert!(parse_open(text).is_err(), "{text}");
        }
    }
}
