//! Servers of stored bytes, real ones, on free ports of this machine: S3 (`s3s-fs`) and an HTTP server that can misbehave.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The key that the S3 server knows.
pub(crate) const KEY: (&str, &str) = ("xeng-tests", "not-a-secret");

/// Serves the folders of `root` as buckets until the runtime ends.
pub(crate) async fn serve_s3(root: &Path) -> SocketAddr {
    let files = s3s_fs::FileSystem::new(root).unwrap();
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
    let service = builder.build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    address
}

/// The environment in which the program finds the S3 server.
pub(crate) fn s3_environment(address: SocketAddr) -> Vec<(String, String)> {
    let endpoint = format!("http://{address}");
    [("ENDPOINT_URL", endpoint.as_str()), ("ALLOW_HTTP", "true"), ("ACCESS_KEY_ID", KEY.0), ("SECRET_ACCESS_KEY", KEY.1)]
        .map(|(name, value)| (format!("AWS_{name}"), value.to_owned()))
        .to_vec()
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It is answered as it should be.
    Proper,
    /// It is refused with this status.
    Status(u16),
    /// The connection ends in the middle of the body.
    Cut,
    /// The range is ignored: the whole file comes, as simple servers send it.
    Whole,
    /// The body is shorter than was asked for, and says so.
    Short,
    /// As if another version of the file lay there.
    Changed,
}

/// An HTTP server of a folder.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    /// Bytes of bodies sent.
    pub(crate) sent_bytes: Arc<AtomicU64>,
    pub(crate) requests: Arc<AtomicU64>,
}

impl Web {
    /// Serves `root`; `manners` is asked for every GET of a file, numbered from 0.
    pub(crate) async fn serve(root: &Path, manners: impl Fn(u64) -> Manner + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let web = Web { address: listener.local_addr().unwrap(), sent_bytes: Arc::default(), requests: Arc::default() };
        let (root, manners) = (root.to_path_buf(), Arc::new(manners));
        let (sent, requests) = (web.sent_bytes.clone(), web.requests.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (root, manners, sent, requests) = (root.clone(), manners.clone(), sent.clone(), requests.clone());
                tokio::spawn(async move {
                    let _ = answer_all(socket, &root, manners.as_ref(), &sent, &requests).await;
                });
            }
        });
        web
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

/// Answers the requests of one connection.
async fn answer_all(
    socket: TcpStream,
    root: &Path,
    manners: &(dyn Fn(u64) -> Manner + Send + Sync),
    sent: &AtomicU64,
    requests: &AtomicU64,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(socket);
    loop {
        let Some((method, path, headers)) = request(&mut stream).await? else { return Ok(()) };
        let file: PathBuf = root.join(path.trim_start_matches('/'));
        let Ok(mut bytes) = std::fs::read(&file) else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        };
        let manner = if method == "GET" { manners(requests.fetch_add(1, Relaxed)) } else { Manner::Proper };
        if let Manner::Status(code) = manner {
            stream.write_all(format!("HTTP/1.1 {code} No\r\nContent-Length: 0\r\n\r\n").as_bytes()).await?;
            continue;
        }
        let total = bytes.len();
        let range = headers.get("range").and_then(|r| r.strip_prefix("bytes=")?.split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())));
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        if let Some((first, last)) = range.filter(|_| manner != Manner::Whole) {
            let first: usize = first.parse().unwrap();
            let last = last.parse::<usize>().map_or(total - 1, |l| l.min(total - 1));
            let last = if manner == Manner::Short { first + (last - first) / 2 } else { last };
            bytes = bytes[first..=last].to_vec();
            head = format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{total}\r\n");
        }
        let tag = if manner == Manner::Changed { "\"other\"" } else { "\"one\"" };
        head += &format!("ETag: {tag}\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: {}\r\n\r\n", bytes.len());
        stream.write_all(head.as_bytes()).await?;
        if method == "HEAD" {
            continue;
        }
        let cut = manner == Manner::Cut;
        let body = if cut { &bytes[..bytes.len() / 2] } else { &bytes[..] };
        stream.write_all(body).await?;
        stream.flush().await?;
        sent.fetch_add(body.len() as u64, Relaxed);
        if cut {
            return Ok(());
        }
    }
}

type Request = (String, String, HashMap<String, String>);

/// The next request: method, path, headers by lower-case name. `None` when the connection has ended.
async fn request(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => return Ok(Some((method, path, headers))),
        };
    }
}
