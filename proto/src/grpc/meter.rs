//! Counts the bytes that really cross sockets, HTTP/2 framing included (TCP/IP headers are not).

use crate::region::Traffic;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Running totals of any number of sockets; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Totals>);

#[derive(Debug, Default)]
struct Totals {
    written: AtomicU64,
    read: AtomicU64,
}

impl Meter {
    /// The totals so far, as seen from this end.
    pub fn traffic(&self) -> Traffic {
        Traffic { sent_bytes: self.0.written.load(Relaxed), received_bytes: self.0.read.load(Relaxed) }
    }
}

/// A socket whose bytes are counted.
#[derive(Debug)]
pub struct Metered {
    socket: TcpStream,
    meter: Meter,
}

impl Metered {
    /// Counts the bytes of `socket` in `meter`.
    pub fn new(socket: TcpStream, meter: Meter) -> Metered {
        Metered { socket, meter }
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.meter.0.read.fetch_add((buf.filled().len() - before) as u64, Relaxed);
        poll
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.count_written(poll)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.count_written(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Metered {
    fn count_written(&self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(n)) = poll {
            self.meter.0.written.fetch_add(n as u64, Relaxed);
        }
        poll
    }
}

impl Connected for Metered {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.socket.connect_info()
    }
}
