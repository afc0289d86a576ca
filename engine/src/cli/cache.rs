//! `xeng cache`: what a cache of far objects holds, and whether it is whole.

use super::args::{CacheAction, CacheArgs, CacheCommandArgs};
use crate::describe::bytes;
use crate::error::Result;
use crate::planfile::quantity;
use crate::serve_config::DEFAULT_CACHE_BYTES;
use crate::user_cache;
use std::path::{Path, PathBuf};
use xeng_regions::cache::{self, CacheConfig};

pub(super) fn cache(args: &CacheCommandArgs) -> Result<()> {
    let text = match args.action {
        CacheAction::Stat => {
            let c = cache::contents(&args.folder)?;
            let (held, budget, kept) = (bytes(c.bytes), bytes(c.budget_bytes), bytes(c.kept_bytes));
            format!("{} entries, {held} of {budget}; {kept} of it asked for again\n", c.entries)
        }
        CacheAction::Verify => {
            let c = cache::verify(&args.folder)?;
            format!("{} entries are whole, {} were broken and are removed\n", c.entries, c.broken)
        }
        CacheAction::Clear => {
            let c = cache::clear(&args.folder)?;
            format!("removed {} entries, {}\n", c.entries, bytes(c.bytes))
        }
    };
    super::print(&text)
}

/// The cache that options ask for.
///
/// # Errors
/// `Request` for a size that is none.
pub(super) fn config(args: &CacheArgs) -> Result<Option<CacheConfig>> {
    let Some(folder) = &args.folder else { return Ok(None) };
    let budget_bytes = args.size.as_deref().map(quantity::bytes).transpose()?.unwrap_or(DEFAULT_CACHE_BYTES);
    Ok(Some(CacheConfig { folder: folder.clone(), budget_bytes }))
}

/// The folder of manifests that options ask for, else a file of settings, else the user's own; `off` is none.
pub(super) fn manifests(args: &CacheArgs, set: Option<PathBuf>) -> Option<PathBuf> {
    let asked = args.manifests.clone().or(set);
    match asked {
        Some(folder) if folder == Path::new("off") => None,
        Some(folder) => Some(folder),
        None => user_cache::folder().map(|folder| folder.join("manifests")),
    }
}
