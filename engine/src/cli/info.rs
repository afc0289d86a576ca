//! `xeng info`: what a dataset holds.

use super::args::InfoArgs;
use super::{print, setup};
use crate::describe;
use crate::error::{Error, Result};
use crate::open_spec::OpenSpec;
use xeng_proto::DatasetSpec;
use xeng_regions::checksum::{Hashing, inventory};

pub(super) async fn info(args: InfoArgs) -> Result<()> {
    let base = setup::base(&args.at)?;
    let named = setup::opens(&base, &[])?.into_iter().find(|o| o.name == args.what);
    if args.json {
        let uri = named.map_or(args.what, |o| o.dataset.uri);
        let hashing = if args.checksum { Hashing::Sha256 } else { Hashing::Skip };
        let list = tokio::task::spawn_blocking(move || inventory(&uri, hashing)).await.map_err(|e| Error::internal(format!("reading failed: {e}")))?;
        return print(&describe::inventory_json(&list?)?);
    }
    let session = setup::session(&base, &args.at)?;
    let spec = named.unwrap_or_else(|| OpenSpec {
        name: "dataset".to_owned(),
        dataset: DatasetSpec { uri: args.what, group: args.group.first().cloned(), ..DatasetSpec::default() },
        region: None,
    });
    let opened = match session.open(&spec).await {
        // Times that cannot be decoded do not keep a dataset from being looked at.
        Err(e) if e.message.contains("decode_times") => session.open(&OpenSpec { dataset: DatasetSpec { keep_times_encoded: true, ..spec.dataset }, ..spec }).await?,
        other => other?,
    };
    print(&describe::text(&opened.description))
}
