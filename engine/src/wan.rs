//! A wide-area link on this machine: a TCP proxy on the loopback that delays, limits and counts real bytes.
//!
//! In: a target address and a link. Out: an address to connect to instead. Never changes a byte; what it models is latency and
//! bandwidth, not loss. All connections of one proxy share the link.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// The most bytes that travel as one.
const PACKET_BYTES: usize = 16 << 10;
/// What the queue of a router holds besides what is under way.
const QUEUE_BYTES: usize = 1 << 20;

/// What a link is like, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// From one end to the other and back.
    pub rtt: Duration,
    /// In each direction.
    pub bandwidth_bits_per_second: f64,
}

/// Bytes that have arrived through a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// From those who connect to the target.
    pub to_target_bytes: u64,
    /// From the target back.
    pub from_target_bytes: u64,
}

/// A running proxy; dropping it stops it and closes its connections.
#[derive(Debug)]
pub struct WanProxy {
    addr: SocketAddr,
    to_target: Arc<Direction>,
    from_target: Arc<Direction>,
    cuts: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl WanProxy {
    /// Starts a proxy to `target`. Needs a tokio runtime.
    ///
    /// # Errors
    /// `InvalidInput` when the bandwidth is no positive number, or what the system says when no port can be opened.
    pub async fn start(target: SocketAddr, link: Link) -> io::Result<WanProxy> {
        if !(link.bandwidth_bits_per_second.is_finite() && link.bandwidth_bits_per_second > 0.0) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a link's bandwidth must be a positive number"));
        }
        WanProxy::over(target, Arc::new(Direction::new(link)), Arc::new(Direction::new(link))).await
    }

    /// Starts a proxy to another target over the same link: both share its bandwidth and count together.
    ///
    /// # Errors
    /// What the system says when no port can be opened.
    pub async fn beside(&self, target: SocketAddr) -> io::Result<WanProxy> {
        WanProxy::over(target, self.to_target.clone(), self.from_target.clone()).await
    }

    async fn over(target: SocketAddr, to_target: Arc<Direction>, from_target: Arc<Direction>) -> io::Result<WanProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (cuts, cut) = watch::channel(0);
        let accepting = tokio::spawn(accept(listener, target, to_target.clone(), from_target.clone(), cut));
        Ok(WanProxy { addr, to_target, from_target, cuts, accepting })
    }

    /// Where to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Bytes that have arrived over the link so far, by all its proxies.
    pub fn carried(&self) -> Carried {
        Carried { to_target_bytes: self.to_target.arrived.load(Relaxed), from_target_bytes: self.from_target.arrived.load(Relaxed) }
    }

    /// Closes every connection at once, whatever is under way; new ones are accepted.
    pub fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }
}

impl Drop for WanProxy {
    /// The connections see the channel of cuts close, and end.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One way of the link, shared by all connections.
#[derive(Debug)]
struct Direction {
    delay: Duration,
    bytes_per_second: f64,
    in_flight_bytes: usize,
    /// When the last byte that was let in will have left.
    free_at: Mutex<Option<Instant>>,
    arrived: AtomicU64,
}

impl Direction {
    fn new(link: Link) -> Direction {
        let bytes_per_second = link.bandwidth_bits_per_second / 8.0;
        let in_flight = bytes_per_second * link.rtt.as_secs_f64() * 2.0 + QUEUE_BYTES as f64;
        let in_flight_bytes = (in_flight as usize).min(Semaphore::MAX_PERMITS);
        Direction { delay: link.rtt / 2, bytes_per_second, in_flight_bytes, free_at: Mutex::new(None), arrived: AtomicU64::new(0) }
    }

    /// When bytes sent now arrive: after those before them have left, their own time on the wire, and the way.
    fn arrival(&self, bytes: usize) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = free_at.map_or(now, |t| t.max(now)) + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        *free_at = Some(left);
        left + self.delay
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    to_target: Arc<Direction>,
    from_target: Arc<Direction>,
    cut: watch::Receiver<u64>,
) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait for some to be closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (to_target, from_target, mut cut) = (to_target.clone(), from_target.clone(), cut.clone());
        cut.mark_unchanged();
        tokio::spawn(async move {
            tokio::select! {
                // Either a cut, or the proxy was dropped.
                _ = cut.changed() => {}
                _ = connect(near, target, to_target, from_target) => {}
            }
        });
    }
}

async fn connect(near: TcpStream, target: SocketAddr, to_target: Arc<Direction>, from_target: Arc<Direction>) -> io::Result<()> {
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::try_join!(carry(near_in, far_out, &to_target), carry(far_in, near_out, &from_target)).map(|_| ())
}

/// Bytes under way, with the leave to be so.
struct Packet {
    bytes: Vec<u8>,
    arrives: Instant,
    _room: OwnedSemaphorePermit,
}

/// Carries bytes one way until the sender ends; the end arrives after the last byte.
async fn carry(from: OwnedReadHalf, to: OwnedWriteHalf, direction: &Direction) -> io::Result<()> {
    // The room in flight bounds the channel.
    let (packets, arriving) = mpsc::unbounded_channel();
    tokio::try_join!(send(from, packets, direction), deliver(to, arriving, direction)).map(|_| ())
}

async fn send(mut from: OwnedReadHalf, packets: mpsc::UnboundedSender<Packet>, direction: &Direction) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(direction.in_flight_bytes));
    let mut buffer = vec![0; PACKET_BYTES];
    loop {
        let mut held = room.clone().acquire_many_owned(PACKET_BYTES as u32).await.map_err(io::Error::other)?;
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        drop(held.split(PACKET_BYTES - n));
        let packet = Packet { bytes: buffer[..n].to_vec(), arrives: direction.arrival(n), _room: held };
        if packets.send(packet).is_err() {
            return Ok(());
        }
    }
}

async fn deliver(mut to: OwnedWriteHalf, mut arriving: mpsc::UnboundedReceiver<Packet>, direction: &Direction) -> io::Result<()> {
    while let Some(packet) = arriving.recv().await {
        sleep_until(packet.arrives).await;
        to.write_all(&packet.bytes).await?;
        direction.arrived.fetch_add(packet.bytes.len() as u64, Relaxed);
    }
    // The end of the stream travels too.
    sleep_until(Instant::now() + direction.delay).await;
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A server that sends back what it gets, and ends when its peer does.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut r, mut w) = socket.split();
                    let _ = tokio::io::copy(&mut r, &mut w).await;
                    let _ = w.shutdown().await;
                });
            }
        });
        addr
    }

    fn link(rtt_ms: u64, megabits: f64) -> Link {
        Link { rtt: Duration::from_millis(rtt_ms), bandwidth_bits_per_second: megabits * 1e6 }
    }

    #[tokio::test]
    async fn a_ping_takes_a_round_trip_and_little_more() {
        let proxy = WanProxy::start(echo().await, link(60, 1000.0)).await.unwrap();
        let mut socket = TcpStream::connect(proxy.addr()).await.unwrap();
        for _ in 0..3 {
            let start = Instant::now();
            socket.write_all(b"ping").await.unwrap();
            let mut back = [0; 4];
            socket.read_exact(&mut back).await.unwrap();
            let took = start.elapsed();
            assert!(&back == b"ping" && took >= Duration::from_millis(60) && took < Duration::from_millis(160), "{took:?}");
        }
        assert_eq!(proxy.carried(), Carried { to_target_bytes: 12, from_target_bytes: 12 });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bytes_arrive_unchanged_at_the_links_rate_and_the_end_follows() {
        let proxy = WanProxy::start(echo().await, link(20, 40.0)).await.unwrap();
        let sent: Vec<u8> = (0..5_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let (mut r, mut w) = TcpStream::connect(proxy.addr()).await.unwrap().into_split();
        let start = Instant::now();
        let copy = sent.clone();
        let writer = tokio::spawn(async move {
            w.write_all(&copy).await.unwrap();
            w.shutdown().await.unwrap();
        });
        let mut got = vec![];
        r.read_to_end(&mut got).await.unwrap();
        writer.await.unwrap();
        // 5 MB at 5 MB/s, both ways at once.
        let seconds = start.elapsed().as_secs_f64();
        assert!(got == sent);
        assert!((1.0..1.15).contains(&seconds), "{seconds} s");
        assert_eq!(proxy.carried(), Carried { to_target_bytes: 5_000_000, from_target_bytes: 5_000_000 });
    }

    #[tokio::test]
    async fn a_writer_feels_the_back_pressure() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = WanProxy::start(silent.local_addr().unwrap(), link(10, 8.0)).await.unwrap();
        let mut socket = TcpStream::connect(proxy.addr()).await.unwrap();
        let flood = async { socket.write_all(&vec![0; 64 << 20]).await };
        assert!(tokio::time::timeout(Duration::from_millis(300), flood).await.is_err(), "64 MiB vanished into an 8 Mbit/s link");
    }

    #[tokio::test]
    async fn a_cut_ends_connections_and_new_ones_work() {
        let proxy = WanProxy::start(echo().await, link(2, 100.0)).await.unwrap();
        let mut socket = TcpStream::connect(proxy.addr()).await.unwrap();
        let mut byte = [0];
        socket.write_all(b"x").await.unwrap();
        socket.read_exact(&mut byte).await.unwrap();
        proxy.cut();
        assert!(matches!(socket.read(&mut byte).await, Ok(0) | Err(_)));
        let mut again = TcpStream::connect(proxy.addr()).await.unwrap();
        again.write_all(b"y").await.unwrap();
        again.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"y");
        drop(proxy);
        assert!(matches!(again.read(&mut byte).await, Ok(0) | Err(_)));
    }
}
