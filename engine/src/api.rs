//! The Rust door: datasets and arrays as lazy, typed handles with operators and methods, as a notebook has them.
//!
//! In: URIs, and calls of methods named like xarray's. Out: finished arrays, seen through `ndarray` or written to a file. Never pastes
//! text: a handle is a tree of the expression language, resolved and run as any other; never computes before it is asked to.
//!
//! ```
//! # fn main() -> xeng::error::Result<()> {
//! use xeng::api::{Session, args};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("era5.nc");
//! # let path = path.to_str().unwrap();
//! # xeng::api::Session::local()?
//! #     .dataset("xr.Dataset({'t2m': xr.DataArray([[271.0, 272.5], [275.25, 270.0], [280.0, 281.5]], dims=['time', 'lat'],
//! #         coords={'time': xr.DataArray([14, 379, 560], dims='time', attrs={'units': 'days since 2001-01-01'}), 'lat': [10.0, 20.0]})})", [])?
//! #     .compute()?.write(path)?;
//!
//! let session = Session::local()?;
//! let ds = session.open(path)?; // metadata only
//! let t = ds.var("t2m")?; // an unknown name fails here, with a suggestion
//!
//! let celsius = t.sel(("time", "2001"..="2002"))?.mean("time")? - 273.15;
//! assert_eq!(celsius.to_string(), "era5['t2m'].sel(time=slice('2001', '2002')).mean('time') - 273.15");
//! assert_eq!(celsius.dims()?, ["lat"]); // known before anything is computed
//!
//! let map = celsius.compute()?;
//! assert!((map.values::<f64>()?[0] - 2.266_666).abs() < 1e-5);
//!
//! let anomaly = t.groupby("time.month")? - t.groupby("time.month")?.mean("time")?;
//! assert_eq!(anomaly.compute()?.shape(), [3, 2]);
//!
//! let wrong = t.call("maen", args!["time"]).unwrap_err();
//! assert!(wrong.to_string().contains("did you mean 'mean'?"));
//! # Ok(())
//! # }
//! ```
//!
//! Methods check what can be known without data as soon as they are called: names, labels, dims, types. Operators and comparisons cannot
//! fail; what is wrong with them is told by the next method or by [`Lazy::compute`]. An error shows the expression with a caret.
//!
//! [`Lazy::call`] and [`Session::call`] reach the whole [language](crate::manual); the methods here are its most common words. Data in
//! several regions meet in one expression: [`Open::region`] says where a dataset lies.

mod arg;
mod args;
mod cellwise;
mod computed;
mod dataset;
mod gaps;
mod grids;
mod group;
mod kind;
mod lazy;
mod open;
mod operators;
mod pick;
mod program;
mod reduce;
mod runtime;
mod session;
mod shape;
mod step;
mod windows;
mod write;

#[doc(inline)]
pub use crate::args;
pub use arg::Arg;
pub use args::Args;
pub use computed::{Computed, Coord};
pub use kind::{Array, Dataset, Groups, Kind, Whole};
pub use lazy::Lazy;
pub use ndarray;
pub use open::Open;
pub use session::Session;
pub use xeng_kernels::dtype::Element;

#[cfg(test)]
mod tests;
