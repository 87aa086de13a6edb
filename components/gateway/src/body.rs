//! Bodies: read whole, copied through, and copied aside for the cache.

use breakwater_pipeline::{Failure, Forward, Keep};
use bytes::Bytes;
use spin_sdk::wasip3::http::types::{self, ErrorCode, Trailers};
use spin_sdk::wasip3::{wit_future, wit_stream};
use wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter, spawn};

use crate::clock::within;
use crate::service::set_entries;

/// What follows a body: its trailers, or that it broke off.
pub type TrailersResult = Result<Option<Trailers>, ErrorCode>;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// A body on its way in or out.
pub type Parts = (StreamReader<u8>, FutureReader<TrailersResult>);

/// What a reader is told when the writer goes away too early.
pub fn broken_off() -> TrailersResult {
    Err(ErrorCode::InternalError(Some("the body broke off".to_owned())))
}

/// The body of an upstream's answer.
pub fn of_answer(response: types::Response) -> Parts {
    let (_, handled) = wit_future::new(|| Ok(()));
    types::Response::consume_body(response, handled)
}

/// A body that is there already.
pub fn whole(bytes: Bytes) -> Parts {
    let (mut to, contents) = wit_stream::new();
    let (trailers_to, trailers) = wit_future::new(broken_off);
    spawn(async move {
        if to.write_all(bytes.into()).await.is_empty() {
            drop(to);
            let _ = trailers_to.write(Ok(None)).await;
        }
    });
    (contents, trailers)
}

/// Reads an answer's body, if it is not too long.
pub async fn read(response: types::Response, max: usize) -> Result<Vec<u8>, Failure> {
    let (mut stream, trailers) = of_answer(response);
    let mut all = Vec::new();
    while let Some(chunk) = next(&mut stream).await {
        if all.len() + chunk.len() > max {
            return Err(Failure::BadAnswer);
        }
        all.extend_from_slice(&chunk);
    }
    trailers.await.map(|_| all).map_err(|_| Failure::Unavailable)
}

async fn next(stream: &mut StreamReader<u8>) -> Option<Vec<u8>> {
    loop {
        let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
        match result {
            _ if !chunk.is_empty() => return Some(chunk),
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => return None,
        }
    }
}

/// An answer's body, of which the cache gets a copy once it has come whole.
pub fn kept(response: types::Response, keep: Keep) -> Parts {
    let (mut from, ended) = of_answer(response);
    let (mut to, contents) = wit_stream::new();
    let (trailers_to, trailers) = wit_future::new(broken_off);
    let max = usize::try_from(keep.max_bytes).unwrap_or(usize::MAX);
    spawn(async move {
        let mut copy = Some(Vec::new());
        while let Some(chunk) = next(&mut from).await {
            copy = copy.filter(|copy| copy.len() + chunk.len() <= max);
            if let Some(copy) = &mut copy {
                copy.extend_from_slice(&chunk);
            }
            if !to.write_all(chunk).await.is_empty() {
                // The client went away.
                return;
            }
        }
        drop(to);
        let end = ended.await;
        let came_whole = end.is_ok();
        let _ = trailers_to.write(end).await;
        if let Some(copy) = copy.filter(|_| came_whole) {
            set_entries(keep.entries(&copy)).await;
        }
    });
    (contents, trailers)
}

/// A body that is copied through, and what is done when it has ended or its reader has gone.
pub fn followed((mut from, ended): Parts, then: impl Future<Output = ()> + 'static) -> Parts {
    let (mut to, contents) = wit_stream::new();
    let (trailers_to, trailers) = wit_future::new(broken_off);
    spawn(async move {
        let mut gone = false;
        while let Some(chunk) = next(&mut from).await {
            if !to.write_all(chunk).await.is_empty() {
                gone = true;
                break;
            }
        }
        drop(to);
        if !gone {
            let _ = trailers_to.write(ended.await).await;
        }
        then.await;
    });
    (contents, trailers)
}

/// The client's body, if it comes whole within bounds.
pub async fn read_client(request: Option<types::Request>, max: u64, idle: u32) -> Result<Vec<u8>, Failure> {
    let Some(request) = request else { return Ok(Vec::new()) };
    let (_, handled) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = types::Request::consume_body(request, handled);
    let mut all = Vec::new();
    while let Some(chunk) = within(idle, next(&mut stream)).await.ok_or(Failure::BodyTimeout)? {
        if (all.len() + chunk.len()) as u64 > max {
            return Err(Failure::BodyTooLarge);
        }
        all.extend_from_slice(&chunk);
    }
    trailers.await.map(|_| all).map_err(|_| Failure::BodyBroken)
}

/// What the client sends, of which the first piece may have been read.
pub struct ClientBody {
    first: Option<Vec<u8>>,
    stream: StreamReader<u8>,
    trailers: FutureReader<TrailersResult>,
}

/// The client's body; none if it turns out to be empty.
pub async fn of_client(request: types::Request, forward: &Forward) -> Result<Option<ClientBody>, Failure> {
    let (_, handled) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = types::Request::consume_body(request, handled);
    let mut first = None;
    if !forward.headers.iter().any(|field| field.name == "content-length") {
        first = within(forward.idle_timeout, next(&mut stream)).await.ok_or(Failure::BodyTimeout)?;
        if first.is_none() {
            return trailers.await.map(|_| None).map_err(|_| Failure::BodyBroken);
        }
    }
    Ok(Some(ClientBody { first, stream, trailers }))
}

impl ClientBody {
    /// Copies the body to an upstream, as long as it stays within its bounds.
    ///
    /// It ends well if the upstream reads no further: then its answer says why.
    pub async fn copy(
        mut self,
        mut to: StreamWriter<u8>,
        trailers_to: FutureWriter<TrailersResult>,
        max: u64,
        idle: u32,
    ) -> Result<(), Failure> {
        let mut total = 0;
        loop {
            let chunk = match self.first.take() {
                Some(first) => Some(first),
                None => within(idle, next(&mut self.stream)).await.ok_or(Failure::BodyTimeout)?,
            };
            let Some(chunk) = chunk else { break };
            total += chunk.len() as u64;
            if total > max {
                return Err(Failure::BodyTooLarge);
            }
            let left = within(idle, to.write_all(chunk)).await.ok_or(Failure::Timeout)?;
            if !left.is_empty() {
                return Ok(());
            }
        }
        drop(to);
        match self.trailers.await {
            Ok(trailers) => {
                let _ = trailers_to.write(Ok(trailers)).await;
                Ok(())
            }
            Err(_) => Err(Failure::BodyBroken),
        }
    }
}
