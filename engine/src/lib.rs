//! A data-proximate array engine: xarray expressions over datasets that lie in different regions of the world.
//!
//! ```no_run
//! use xeng::open_spec::parse_open;
//! use xeng::session::{Job, Session, Setup};
//!
//! # async fn example() -> xeng::error::Result<()> {
//! let session = Session::start(Setup::default())?;
//! let job = Job::expression("era5.t2m.mean('time') - 273.15", vec![parse_open("era5=era5/*.nc")?]);
//! let run = session.evaluate(&job, &|region, told| eprintln!("{region}: {} bytes", told.read_bytes)).await?;
//! println!("{}", xeng::output::repr(&run.outcomes[0].1));
//! # Ok(())
//! # }
//! ```
//!
//! # The life of an expression
//!
//! 1. [`parse`] turns Python text into an [`expr`] tree; nothing else of Python is accepted.
//! 2. [`session`] asks each region to describe its datasets: names, shapes, chunk grids, coordinates; never data.
//! 3. [`resolve`] gives every name its meaning, exactly as xarray does, and grows a graph of positional operators
//!    ([`lazy`]): labels, alignment and calendars end here.
//! 4. [`optimize`] rewrites the graph: constants folded, selections pushed down, scaling after the mean, formulas fused.
//! 5. [`place`](mod@place) decides where each operator runs, by the bytes that would cross the WAN; [`stages`] cuts the graph into one
//!    fragment per region and round. Its size does not depend on the number of chunks.
//! 6. [`mod@execute`] sends the fragments and puts together what comes back - finished cells, and partials where engines share cells
//!    ([`collect`] proves that nothing is missing and nothing counted twice) - and computes the rest at home.
//!    What is too large to travel a region writes itself, chunk by chunk, as a Zarr store beside its data: the work is cut along the store's
//!    chunks, each is made by one work unit's box, a piece of the answer then tells of files instead of cells, and the store takes its place
//!    in one step once home has proven it complete ([`session`]).
//! 7. [`output`] and [`plot`] write the result, [`receipt`] accounts for it.
//!
//! [`api`] is the door for Rust programs: lazy handles whose methods and operators grow an [`expr`] tree, which enters at step 2.
//!
//! What a region does with a fragment is told in `xeng-regions`; the arithmetic is `xeng-kernels`; what travels between
//! the two is `xeng-proto`. Each crate uses only those before it: kernels, proto, regions, engine.
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | expression | what a user writes |
//! | plan | the graph of positional operators that an expression stands for |
//! | stages | the plan, cut along the WAN |
//! | fragment | a self-contained program for one region; idempotent |
//! | task | nodes of a fragment that are computed in one pass |
//! | work unit | a run of chunks that one thread folds; numbered by the chunk grid alone |
//! | block | an n-dimensional array in memory; NaN is missing |
//! | partial | the state of a reduction over some of its input: mergeable, sendable, finished once - by the engine that has all of it, else at home |
//! | coverage | which cells and which work units a piece of an answer stands for |
//! | answer | one message of a region: a piece, progress, or the closing account |
//! | store | a Zarr folder that a region writes beside its data |
//! | receipt | the account of a whole run |
//!
//! # What holds
//!
//! - The result's bits depend on the data and the expression alone: work units and the tree along which their partials
//!   merge follow from the chunk grid, not from threads, engines, retries or arrival.
//! - A piece of an answer is merged only if it claims what was asked of that engine, once; a run ends when every work
//!   unit is covered, or in an error.
//! - A store is seen whole or not at all, and only below the folders that its engines may write to.
//! - What a fragment reads and computes is taken under permit before bytes are read, and what home holds is counted while planning; what
//!   cannot fit is refused with the number. Coordinates, read when a dataset is opened, have a fixed bound.

pub mod api;
pub mod cli;
pub mod collect;
pub mod demo;
pub mod describe;
pub mod error;
pub mod execute;
pub mod explain;
pub mod expr;
pub mod gateway;
pub mod lazy;
pub mod manual;
pub mod open_spec;
pub mod optimize;
pub mod output;
pub mod parse;
pub mod place;
pub mod planfile;
pub mod plot;
pub mod receipt;
pub mod resolve;
pub mod result;
pub mod serve_config;
pub mod session;
pub mod stages;
pub mod suggest;
pub mod topology;
pub mod user_cache;
pub mod wan;
