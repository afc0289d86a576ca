//! Where this user's programs keep what they can make again.
//!
//! In: the environment. Out: a folder. Never a folder that other users may write to.

use std::path::PathBuf;

/// `$XDG_CACHE_HOME/xeng` or what comes closest; `None` where the user has no such place.
pub fn folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|h| h.join(".cache"))).or_else(|| named("LOCALAPPDATA"));
    cache.map(|folder| folder.join("xeng"))
}
