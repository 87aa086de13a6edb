//! A future that goes on to its end when nobody waits for it any more.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs a future; dropped on the way, the future goes on in a task of its own, and what it gives is dropped.
pub(super) struct ToEnd<T: Send + 'static>(Option<Boxed<T>>);

impl<T: Send + 'static> ToEnd<T> {
    pub(super) fn new(future: Boxed<T>) -> Self {
        Self(Some(future))
    }
}

impl<T: Send + 'static> Future for ToEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // As any future, it is not polled again after its end.
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let output = ready!(future.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for ToEnd<T> {
    fn drop(&mut self) {
        if let (Some(future), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(future);
        }
    }
}
