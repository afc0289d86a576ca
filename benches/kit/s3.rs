//! A bucket in memory behind a real S3 protocol server, whose every answer takes a while to begin.

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::dto::{ContentLength, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::TcpListener;

/// Objects by key.
pub(crate) struct Bucket {
    pub(crate) objects: HashMap<String, Bytes>,
    pub(crate) latency: Duration,
    /// Bytes of objects sent.
    pub(crate) sent: Arc<AtomicU64>,
}

impl Bucket {
    fn object(&self, key: &str) -> S3Result<Bytes> {
        self.objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        tokio::time::sleep(self.latency).await;
        let length = self.object(&request.input.key)?.len() as ContentLength;
        let e_tag = Some(ETag::Strong("one".to_owned()));
        Ok(S3Response::new(HeadObjectOutput { content_length: Some(length), e_tag, ..HeadObjectOutput::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        tokio::time::sleep(self.latency).await;
        let whole = self.object(&request.input.key)?;
        let total = whole.len();
        let (part, content_range) = match request.input.range {
            None => (whole, None),
            Some(range) => {
                let range = range.check(total as u64)?;
                let told = format!("bytes {}-{}/{total}", range.start, range.end - 1);
                (whole.slice(range.start as usize..range.end as usize), Some(told))
            }
        };
        self.sent.fetch_add(part.len() as u64, Relaxed);
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(part.len() as ContentLength),
            content_range,
            e_tag: Some(ETag::Strong("one".to_owned())),
            body: Some(StreamingBlob::from(Body::from(part))),
            ..GetObjectOutput::default()
        }))
    }
}

/// Serves it at a free port, whatever the bucket is called.
pub(crate) async fn serve(bucket: Bucket) -> SocketAddr {
    let service = S3ServiceBuilder::new(bucket).build();
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
