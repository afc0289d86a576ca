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
    let session = setup::session(&base, &args.at)?;
    let mut what = wanted(&args, setup::opens(&base, &[])?)?;
    what.dataset.concat = args.concat.or(what.dataset.concat);
    let region = what.region.unwrap_or_else(|| session.home().to_owned());
    if args.json {
        let hashing = if args.checksum { Hashing::Sha256 } else { Hashing::Skip };
        let listed = list(what.dataset.clone(), hashing).await?;
        if args.checksum && listed.files > 1 {
            return Err(Error::request("checksums are of one file").hint("name a single file or store"));
        }
        what.dataset.group = args.group.first().cloned().or(what.dataset.group);
        // The files are told as they are, also where they make no dataset together.
        let together = match session.describe(&region, &what.dataset).await {
            Err(e) if listed.files > 1 => return Err(e),
            told => told.ok(),
        };
        return print(&describe::inventory_json(&listed, together.as_ref())?);
    }
    let groups: Vec<Option<String>> = if args.group.is_empty() { vec![None] } else { args.group.iter().cloned().map(Some).collect() };
    for (n, group) in groups.into_iter().enumerate() {
        let spec = DatasetSpec { group: group.or(what.dataset.group.clone()), ..what.dataset.clone() };
        let description = described(&session, &region, &spec).await?;
        // What cannot be read is told by the files themselves, so only where they are at hand; of many, the first speaks for all.
        let is_here = session.topology().regions.get(&region).is_none_or(|place| place.local);
        let listed = if is_here { list(first(&spec), Hashing::Skip).await.ok() } else { None };
        print(&format!("{}{}", if n > 0 { "\n" } else { "" }, describe::text(&description, listed.as_ref())))?;
    }
    Ok(())
}

/// What is asked about: a name of the topology file, or files.
fn wanted(args: &InfoArgs, known: Vec<OpenSpec>) -> Result<OpenSpec> {
    let (uri, more) = args.what.split_first().ok_or_else(|| Error::request("nothing is named"))?;
    if more.is_empty()
        && let Some(named) = known.into_iter().find(|o| o.name == *uri)
    {
        return Ok(named);
    }
    let dataset = DatasetSpec { uri: uri.clone(), more: more.to_vec(), ..DatasetSpec::default() };
    Ok(OpenSpec { name: "dataset".to_owned(), dataset, region: None })
}

/// The first file of a list or pattern.
fn first(spec: &DatasetSpec) -> DatasetSpec {
    let found = Stores::default().find(&spec.uri).ok().and_then(|all| Some(all.first()?.name()));
    DatasetSpec { uri: found.unwrap_or_else(|| spec.uri.clone()), more: vec![], ..spec.clone() }
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

async fn list(spec: DatasetSpec, hashing: Hashing) -> Result<Inventory> {
    let listed = tokio::task::spawn_blocking(move || inventory(&Stores::default(), &spec.uris().collect::<Vec<_>>(), hashing)).await;
    Ok(listed.map_err(|e| Error::internal(format!("reading failed: {e}")))??)
}
