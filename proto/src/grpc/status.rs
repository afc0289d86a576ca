//! Region errors as gRPC statuses, and statuses of any origin as region errors.
//!
//! In: either. Out: the other; the kind travels in the trailer `xeng-error-kind`. Never loses a message shorter than 4 KiB.

use crate::error::{ErrorKind, RegionError};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// The trailer that carries the kind of an error.
pub const KIND_KEY: &str = "xeng-error-kind";
/// Messages travel in a header, where every byte may take three; HTTP/2 peers accept about 16 KiB of headers.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// The status of an error.
pub fn to_status(error: &RegionError) -> Status {
    let (code, kind) = match error.kind {
        ErrorKind::Request => (Code::InvalidArgument, "request"),
        ErrorKind::Data => (Code::DataLoss, "data"),
        ErrorKind::Unavailable => (Code::Unavailable, "unavailable"),
        ErrorKind::Budget => (Code::ResourceExhausted, "budget"),
        ErrorKind::Cancelled => (Code::Cancelled, "cancelled"),
        ErrorKind::Internal => (Code::Internal, "internal"),
    };
    let mut status = Status::new(code, shortened(&error.message));
    status.metadata_mut().insert(KIND_KEY, MetadataValue::from_static(kind));
    status
}

/// The error behind a status from `peer`: its own, or what the transport says of it.
pub fn from_status(status: &Status, peer: &str) -> RegionError {
    let kind = status.metadata().get(KIND_KEY).and_then(|k| k.to_str().ok());
    let kind = match kind {
        Some("request") => Some(ErrorKind::Request),
        Some("data") => Some(ErrorKind::Data),
        Some("unavailable") => Some(ErrorKind::Unavailable),
        Some("budget") => Some(ErrorKind::Budget),
        Some("cancelled") => Some(ErrorKind::Cancelled),
        Some("internal") => Some(ErrorKind::Internal),
        Some(_) | None => None,
    };
    match kind {
        Some(kind) => RegionError::new(kind, status.message()),
        None => transport_error(status, peer),
    }
}

/// An error that no region made: a broken connection shows as `Unknown`, `Unavailable`, `Internal` (an HTTP/2 reset) or `Cancelled`.
fn transport_error(status: &Status, peer: &str) -> RegionError {
    let why = format!("{peer}: {}", described(status));
    match status.code() {
        Code::Unimplemented => RegionError::request(format!("{why}; is it a region engine of this version?")),
        // tonic refuses messages over the agreed size with this code, before they are sent or read.
        Code::OutOfRange => RegionError::internal(why),
        _ => RegionError::unavailable(why),
    }
}

/// The status's message with its causes, which say more than `transport error`.
fn described(status: &Status) -> String {
    let mut text = if status.message().is_empty() { status.code().to_string() } else { status.message().to_owned() };
    let mut cause = std::error::Error::source(status);
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = e.source();
    }
    text
}

fn shortened(message: &str) -> String {
    if message.len() <= MAX_MESSAGE_BYTES {
        return message.to_owned();
    }
    let end = (0..=MAX_MESSAGE_BYTES).rev().find(|&i| message.is_char_boundary(i)).unwrap_or(0);
    format!("{}...", &message[..end])
}
