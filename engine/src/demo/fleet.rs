//! Engines as processes of their own, behind wide-area links on this machine.
//!
//! In: regions, their folders, numbers. Out: addresses to ask, bytes that crossed. Never outlives its owner: engines end when their stdin
//! does, so even a killed owner leaves none behind.

use crate::error::{Error, Result};
use crate::wan::{Carried, Link, WanProxy};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// How long an engine may take to start.
const STARTUP: Duration = Duration::from_secs(30);

/// A region of the demonstration.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionSpec {
    /// Its name.
    pub name: String,
    /// The folder whose data its engines offer.
    pub root: PathBuf,
    /// Milliseconds to home and back.
    pub rtt_ms: f64,
    /// Megabits a second, in each direction.
    pub bandwidth_mbit: f64,
    /// US dollars for 10^9 bytes.
    pub usd_per_gb: f64,
}

/// The engines of all regions; dropping it ends them.
pub struct Fleet {
    regions: Vec<FleetRegion>,
}

struct FleetRegion {
    spec: RegionSpec,
    engines: Vec<Engine>,
}

struct Engine {
    process: Child,
    address: SocketAddr,
    proxy: WanProxy,
}

impl Fleet {
    /// Starts `engines` engines of `threads` threads in each region.
    ///
    /// # Errors
    /// `Unavailable` when a process cannot be started or does not say where it listens.
    pub async fn start(specs: Vec<RegionSpec>, engines: u8, threads: Option<usize>) -> Result<Fleet> {
        let mut regions = vec![];
        for spec in specs {
            let started = futures::future::try_join_all((0..engines.max(1)).map(|_| spawn(&spec, threads, "127.0.0.1:0"))).await?;
            let link = Link { rtt: Duration::from_secs_f64(spec.rtt_ms / 1e3), bandwidth_bits_per_second: spec.bandwidth_mbit * 1e6 };
            let mut region = FleetRegion { spec, engines: vec![] };
            for (process, address) in started {
                let proxy = match region.engines.first() {
                    None => WanProxy::start(address, link).await,
                    Some(first) => first.proxy.beside(address).await,
                };
                let proxy = proxy.map_err(|e| Error::unavailable(format!("no link can be made: {e}")))?;
                region.engines.push(Engine { process, address, proxy });
            }
            regions.push(region);
        }
        Ok(Fleet { regions })
    }

    /// Each region, with the addresses that home asks.
    pub fn endpoints(&self) -> impl Iterator<Item = (&RegionSpec, Vec<String>)> {
        self.regions.iter().map(|r| (&r.spec, r.engines.iter().map(|e| format!("http://{}", e.proxy.addr())).collect()))
    }

    /// Bytes that have crossed the link of each region.
    pub fn carried(&self) -> impl Iterator<Item = (&RegionSpec, Carried)> {
        self.regions.iter().filter_map(|r| r.engines.first().map(|e| (&r.spec, e.proxy.carried())))
    }

    /// Kills the last engine of the first region, as `kill -9` does, and starts it again at its address.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be started again.
    pub async fn kill_one(&mut self, threads: Option<usize>) -> Result<()> {
        let Some(region) = self.regions.first_mut() else { return Ok(()) };
        let Some(engine) = region.engines.last_mut() else { return Ok(()) };
        engine.process.kill().await.map_err(|e| Error::unavailable(format!("an engine cannot be killed: {e}")))?;
        (engine.process, _) = spawn(&region.spec, threads, &engine.address.to_string()).await?;
        Ok(())
    }
}

/// Starts an engine and waits until it says where it listens.
async fn spawn(spec: &RegionSpec, threads: Option<usize>, listen: &str) -> Result<(Child, SocketAddr)> {
    let failed = |why: String| Error::unavailable(format!("an engine of {} cannot be started: {why}", spec.name));
    let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
    let mut command = Command::new(program);
    command.args(["serve", "--until-stdin-ends", "--region", &spec.name, "--listen", listen, "--root"]).arg(&spec.root);
    if let Some(threads) = threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let Some(stderr) = process.stderr.take() else { return Err(failed("it has no stderr".into())) };
    let mut lines = BufReader::new(stderr).lines();
    let address = tokio::time::timeout(STARTUP, address(&mut lines))
        .await
        .map_err(|_| failed(format!("it was silent for {} s", STARTUP.as_secs())))?
        .map_err(failed)?;
    tokio::spawn(pass_on(lines, spec.name.clone()));
    Ok((process, address))
}

/// The address in the line that an engine begins with, or all that it said instead.
async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> std::result::Result<SocketAddr, String> {
    let mut said = vec![];
    while let Ok(Some(line)) = lines.next_line().await {
        let found = line
            .split_once(" serves region ")
            .and_then(|(_, rest)| rest.split_whitespace().find_map(|word| word.strip_prefix("http://")?.parse().ok()));
        match found {
            Some(address) => return Ok(address),
            None => said.push(line),
        }
    }
    Err(if said.is_empty() { "it ended without a word".into() } else { said.join("; ") })
}

/// Whatever else an engine has to say is said by its owner.
async fn pass_on(mut lines: Lines<BufReader<ChildStderr>>, region: String) {
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{region}: {line}");
    }
}
