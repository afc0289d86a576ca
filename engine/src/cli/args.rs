//! The options of the command line.
//!
//! In: nothing; plain data, filled by clap. Out: nothing. Never opens a file.

// Doc comments here are help texts: their brackets are syntax, not links.
#![allow(rustdoc::broken_intra_doc_links)]

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A data-proximate array engine: xarray expressions over data in many regions.
#[derive(Clone, Debug, Parser)]
#[command(name = "xeng", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  xeng demo
  xeng info 'era5/*.nc'
  xeng eval \"era5.t2m.mean('time')\" --open era5='era5/*.nc' -o mean.nc
  xeng run plan.toml
  xeng help rolling

Exit codes: 0 done; 2 wrong request; 3 unreadable data; 4 a region cannot be reached;
5 over a budget.")]
pub struct Cli {
    /// Say more on stderr; twice for still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `xeng demo --help` says.
const DEMO_ABOUT: &str = "Run the headline job on this machine, with nothing to install.

Makes hourly temperatures like ERA5's (monthly NetCDF-4 files) and a climate projection like CMIP6's (a Zarr store), once, in the cache \
folder ($XDG_CACHE_HOME or ~/.cache). Starts engines for the regions us-east-1 and us-west-2 as processes of their own behind proxies that \
delay and limit what crosses them as wide-area links do, and count it. Then runs plan.toml as `xeng run` would: both datasets are averaged over \
time where they lie, the model is interpolated to the reference's grid, and the difference is written as NetCDF and as a map. Tells \
what was read where, what crossed the links, and what it would have taken to pull the data. The engines end with the command.";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Evaluate one expression, no files needed.
    #[command(after_help = "Examples:
  xeng eval \"era5.t2m.mean('time')\" --open era5='era5/*.nc' -o mean.nc -o mean.png
  xeng eval \"a.tas.mean() - b.tas.mean()\" --open a=a.nc --open b=b.zarr
  xeng eval @anomaly.txt --open era5=/data/era5.zarr@us-east-1 \\
      --region us-east-1=http://10.0.1.10:7070 -o /data/anomaly.zarr@us-east-1")]
    Eval(EvalArgs),
    /// Run a plan file.
    #[command(after_help = "Examples:\n  xeng run plan.toml\n  xeng run plan.toml --set budget.wan_bytes=1GiB --json")]
    Run(RunArgs),
    /// Show what would run where, and its price, without running it.
    #[command(
        after_help = "Examples:\n  xeng explain plan.toml\n  xeng explain \"era5.t2m.mean('time')\" --open era5='era5/*.nc' --format json"
    )]
    Explain(ExplainArgs),
    /// Show what a dataset holds.
    #[command(after_help = "Examples:\n  xeng info 'era5/*.nc'\n  xeng info 2010.nc 2011.nc\n  xeng info era5.zarr --json --checksum")]
    Info(InfoArgs),
    /// Serve the data of a region.
    #[command(
        after_help = "Examples:\n  xeng serve --region us-east-1 --root /data --listen 0.0.0.0:7070\n  xeng serve --config region.toml"
    )]
    Serve(ServeArgs),
    /// Look after a cache of far objects; engines may go on using it meanwhile.
    #[command(after_help = "Examples:\n  xeng cache stat /lustre/xeng\n  xeng cache verify /lustre/xeng\n  xeng cache clear /lustre/xeng")]
    Cache(CacheCommandArgs),
    /// Run the headline job on this machine: engines of two regions behind wide-area links, made-up data.
    #[command(long_about = DEMO_ABOUT, after_help = "Examples:\n  xeng demo\n  xeng demo --gigabytes 4 --engines 2 --folder /tmp/demo\n  xeng demo --engines 2 --kill")]
    Demo(DemoArgs),
    /// Tell of a name of the expression language, or of a command.
    #[command(after_help = "Examples:\n  xeng help\n  xeng help rolling\n  xeng help xr.concat np.hypot\n  xeng help eval")]
    Help(HelpArgs),
}

/// `xeng help`
#[derive(Clone, Debug, Args)]
pub struct HelpArgs {
    /// Names, such as rolling or np.hypot; all that there are without any.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// Where engines are and what they may use.
#[derive(Clone, Debug, Default, Args)]
pub struct WhereArgs {
    /// A region and its engine, such as us-east-1=http://10.0.1.10:7070; repeat it for more engines or regions.
    #[arg(long = "region", value_name = "NAME=ENDPOINT")]
    pub regions: Vec<String>,
    /// The region that results are wanted in.
    #[arg(long, value_name = "REGION")]
    pub home: Option<String>,
    /// A file with [regions], [links] and [open]; xeng.toml by default.
    #[arg(long, value_name = "FILE")]
    pub topology: Option<PathBuf>,
    /// Compute threads of the engine in this process.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Memory per engine, such as 2GiB.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// The most bytes over the WAN, such as 100MiB.
    #[arg(long, value_name = "SIZE")]
    pub wan_bytes: Option<String>,
    /// The longest that it may take, such as 15min.
    #[arg(long, value_name = "TIME")]
    pub deadline: Option<String>,
    /// What to keep of far objects for the engine in this process.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Progress on stderr.
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
}

/// A cache of far objects.
#[derive(Clone, Debug, Default, Args)]
pub struct CacheArgs {
    /// A folder that keeps what is read from S3 and over HTTP; several processes may share it.
    #[arg(long = "cache", value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The most that it may hold, such as 1TiB; 64GiB by default.
    #[arg(long = "cache-size", value_name = "SIZE", requires = "folder")]
    pub size: Option<String>,
    /// A folder that keeps what was learnt of files when they were opened, or `off`; ~/.cache/xeng/manifests by default.
    #[arg(long, value_name = "DIR")]
    pub manifests: Option<PathBuf>,
}

/// `xeng cache`.
#[derive(Clone, Debug, Args)]
pub struct CacheCommandArgs {
    /// What to do.
    #[arg(value_enum)]
    pub action: CacheAction,
    /// The folder of the cache.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// What `xeng cache` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CacheAction {
    /// Say what lies there.
    Stat,
    /// Check every entry, and remove what is broken.
    Verify,
    /// Remove every entry.
    Clear,
}

/// `xeng eval`.
#[derive(Clone, Debug, Args)]
pub struct EvalArgs {
    /// The expression; `-` reads it from stdin, `@FILE` from a file.
    #[arg(allow_hyphen_values = true)]
    pub expr: String,
    /// A dataset: NAME=URI[@REGION][,concat=DIM][,group=PATH][,decode_times=false][,drop=A+B]; the same name again adds to its files.
    #[arg(long, value_name = "NAME=URI")]
    pub open: Vec<String>,
    /// Where to write: .nc .zarr .csv .parquet .json .png; a short text on the terminal if left out. PATH.zarr@REGION: by the engines
    /// of that region, beside the data.
    #[arg(short, long, value_name = "FILE[@REGION]")]
    pub output: Vec<PathBuf>,
    /// Print the receipt on stdout.
    #[arg(long)]
    pub json: bool,
    /// Where engines are and what they may use.
    #[command(flatten)]
    pub at: WhereArgs,
}

/// `xeng run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The plan file.
    pub plan: PathBuf,
    /// Replace an entry of the plan, such as budget.deadline=1h.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the receipt on stdout.
    #[arg(long)]
    pub json: bool,
    /// Where engines are and what they may use.
    #[command(flatten)]
    pub at: WhereArgs,
}

/// `xeng explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// A plan file (ending in .toml) or an expression.
    #[arg(allow_hyphen_values = true)]
    pub what: String,
    /// A dataset, as for `eval`.
    #[arg(long, value_name = "NAME=URI")]
    pub open: Vec<String>,
    /// Replace an entry of the plan.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    /// Where engines are and what they may use.
    #[command(flatten)]
    pub at: WhereArgs,
}

/// `xeng info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    /// URIs of one dataset, or a name of the topology file.
    #[arg(required = true, num_args = 1..)]
    pub what: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// With the sha256 of every variable's raw bytes.
    #[arg(long, requires = "json")]
    pub checksum: bool,
    /// The group inside each file; repeat it for more.
    #[arg(long)]
    pub group: Vec<String>,
    /// The dimension that several files are joined along; by default the one whose coordinate differs.
    #[arg(long, value_name = "DIM")]
    pub concat: Option<String>,
    /// Where engines are and what they may use.
    #[command(flatten)]
    pub at: WhereArgs,
}

/// `xeng serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// A region.toml; options given here win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address to listen at; 127.0.0.1:7070 by default.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The name of the region.
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// A folder whose files may be read; repeat it for more.
    #[arg(long, value_name = "DIR")]
    pub root: Vec<PathBuf>,
    /// A folder that results may be written to, as Zarr stores; none by default. Repeat it for more.
    #[arg(long, value_name = "DIR")]
    pub write_root: Vec<PathBuf>,
    /// Compute threads.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Memory, such as 2GiB.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// What to keep of far objects.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// The address of another node of the region, such as http://10.0.1.11:7070, with which the work is shared; repeat it for more.
    #[arg(long = "peer", value_name = "URL")]
    pub peers: Vec<String>,
    /// A name:port that resolves to all nodes of the region; it is resolved again and again.
    #[arg(long, value_name = "NAME:PORT")]
    pub peers_dns: Option<String>,
    /// A node of the region to register with; its nodes tell each other of those that come.
    #[arg(long, value_name = "URL")]
    pub join: Option<String>,
    /// Where the other nodes reach this one; the address that it listens at by default.
    #[arg(long, value_name = "URL")]
    pub advertise: Option<String>,
    /// Also evaluate expressions for clients.
    #[arg(long)]
    pub gateway: bool,
    /// A file with [regions] and [links], for the gateway.
    #[arg(long, value_name = "FILE")]
    pub topology: Option<PathBuf>,
    /// End when stdin does: with the process that holds its other end, however that ended.
    #[arg(long, hide = true)]
    pub until_stdin_ends: bool,
}

/// `xeng demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Decoded size of the reference data (10^9 bytes): more months first, then a finer grid.
    #[arg(long, value_name = "GB", default_value_t = 1.0, value_parser = positive)]
    pub gigabytes: f64,
    /// Compute threads of each engine; one per processor by default.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Engines in each region.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub engines: u8,
    /// Where to write plan.toml, difference.nc and difference.png; the current folder by default.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Kill an engine of the first region with SIGKILL in the middle of the run, and start it again.
    #[arg(long)]
    pub kill: bool,
    /// Keep the engines until Ctrl-C, to run plan.toml again.
    #[arg(long)]
    pub keep_running: bool,
    /// Seed of the data.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Print the receipt on stdout instead of the account.
    #[arg(long)]
    pub json: bool,
    /// Progress on stderr.
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0).ok_or_else(|| "this must be a number above 0".to_owned())
}

/// When progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// On a terminal only.
    #[default]
    Auto,
    /// On anything.
    Always,
    /// Not at all.
    Never,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For Graphviz.
    Dot,
}
