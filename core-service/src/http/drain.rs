//! A request's body is read to its end before the answer goes out.
//!
//! Who answers before the body has come must close the connection behind the answer, while the rest of the body is on its
//! way: it is met with a reset, and the client sees a broken connection in place of the answer (RFC 9112 section 9.6).
//! Many refusals come before the body is looked at: a malformed header, a caller who may not do this.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::sync::oneshot;

/// A client that takes longer for the rest sees what it sees.
const PATIENCE: Duration = Duration::from_secs(5);

/// Layer: reads what the handler left of the body, but for what is over `limit`.
pub async fn layer(State(limit): State<usize>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (sender, mut rest) = oneshot::channel();
    let answer = next.run(request.map(|body| Body::new(Lent { body, owner: Some(sender) }))).await;
    // One that is still being read belongs to whoever reads it.
    if let Ok(rest) = rest.try_recv() {
        // What goes wrong here is the client's loss; the answer stands.
        let _ = tokio::time::timeout(PATIENCE, read(Limited::new(rest, limit))).await;
    }
    answer
}

async fn read(mut body: Limited<Body>) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// A body that goes back to its owner when its reader lets go of it before the end.
struct Lent {
    body: Body,
    owner: Option<oneshot::Sender<Body>>,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.owner = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.take() {
            // It may have answered already.
            let _ = owner.send(std::mem::take(&mut self.body));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::post;
    use futures_util::{StreamExt, stream};
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    /// A body of ten pieces, and how many of them were taken.
    fn body() -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let pieces = stream::iter(0..10).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(b"piece"))
        });
        (Body::from_stream(pieces), taken)
    }

    async fn ask(router: Router, limit: usize) -> (StatusCode, usize) {
        let (body, taken) = body();
        let router = router.layer(axum::middleware::from_fn_with_state(limit, layer));
        let request = Request::post("/").body(body).unwrap();
        let status = router.oneshot(request).await.unwrap().status();
        (status, taken.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_body_that_nobody_wants_is_read_before_the_answer() {
        let refusing = Router::new().route("/", post(async || StatusCode::BAD_REQUEST));
        assert_eq!(ask(refusing, 1000).await, (StatusCode::BAD_REQUEST, 10));
    }

    #[tokio::test]
    async fn a_body_that_is_read_is_read_once() {
        let reading = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
        assert_eq!(ask(reading, 1000).await, (StatusCode::OK, 10));
    }

    #[tokio::test]
    async fn a_body_without_end_is_left() {
        let refusing = Router::new().route("/", post(async || StatusCode::BAD_REQUEST));
        let (status, taken) = ask(refusing, 20).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(taken < 10, "{taken}");
    }
}
