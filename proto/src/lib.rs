//! The protocol between home and regions: the domain types that both ends agree on, and how they travel.

pub mod answer;
pub mod coverage;
pub mod dataset;
pub mod error;
pub mod expected;
pub mod fragment;
pub mod grpc;
pub mod region;
pub mod store;
pub mod version;
pub mod wire;

pub use answer::{Account, Answer, Piece, Progress, Written};
pub use coverage::Coverage;
pub use dataset::{AttrValue, Attrs, Dataset, DatasetSpec, Decode, Kind, TimeEncoding, Times, Values, Variable};
pub use error::{ErrorKind, RegionError};
pub use expected::Expected;
pub use fragment::{DatasetUse, Fragment, Part, Run, SourceUse, Task, Write};
pub use region::{AnswerStream, Join, Region, Status, Traffic};
pub use store::{StoreFile, StoreStep, StoreTarget};
