//! `xeng info`: what a dataset holds.

use super::args::InfoArgs;
use super::{print, setup};
use crate::describe;
use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use crate::session::Session;
use xeng_proto::{Dataset, DatasetSpec};
use xeng_regions::checksum::{Hashing, Inventory, inventory};
use xeng_regions::store::Stores;

pub(super) async fn info(args: InfoArgs) -> Result<()> {
    let base = setup::base(&args.at)?;
    let named = setup::opens(&base, &[])?.into_iter().find(|o| o.name == args.what);
    if args.json {
        let uri = named.map_or(args.what, |o| o.dataset.uri);
        let hashing = if args.checksum { Hashing::Sha256 } else { Hashing::Skip };
        return print(&describe::inventory_json(&list(uri, hashing).await?)?);
    }
    let session = setup::session(&base, &args.at)?;
    let groups: Vec<Option<String>> = if args.group.is_empty() { vec![None] } else { args.group.iter().cloned().map(Some).collect() };
    for (n, group) in groups.into_iter().enumerate() {
        let mut spec = named.clone().unwrap_or_else(|| OpenSpec {
            name: "dataset".to_owned(),
            dataset: DatasetSpec { uri: args.what.clone(), ..DatasetSpec::default() },
            region: None,
        });
        spec.dataset.group = group.or(spec.dataset.group);
        let region = spec.region.unwrap_or_else(|| session.home().to_owned());
        let description = described(&session, &region, &spec.dataset).await?;
        // What cannot be read is told by the files themselves, so only where they are at hand.
        let is_here = session.topology().regions.get(&region).is_none_or(|place| place.local);
        let listed = if is_here { list(spec.dataset.uri.clone(), Hashing::Skip).await.ok() } else { None };
        print(&format!("{}{}", if n > 0 { "\n" } else { "" }, describe::text(&description, listed.as_ref())))?;
    }
    Ok(())
}

/// Times that cannot be decoded do not keep a dataset from being looked at.
async fn described(session: &Session, region: &str, spec: &DatasetSpec) -> Result<Dataset> {
    match session.describe(region, spec).await {
        Err(e) if e.message.contains("decode_times") => {
            session.describe(region, &DatasetSpec { keep_times_encoded: true, ..spec.clone() }).await
        }
        other => other,
    }
}

async fn list(uri: String, hashing: Hashing) -> Result<Inventory> {
    let listed = tokio::task::spawn_blocking(move || inventory(&Stores::default(), &uri, hashing)).await;
    Ok(listed.map_err(|e| Error::internal(format!("reading failed: {e}")))??)
}
