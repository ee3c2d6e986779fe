//! Bodies of answers as they go out: whole, drop by drop, or up to where the connection breaks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// How a body goes out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    Whole,
    /// Byte by byte, with this pause before each.
    Drip(Duration),
    /// As long as the head promised, but the connection breaks after the first half.
    Breaks,
}

/// A body that goes out.
pub(crate) struct Sending {
    rest: Bytes,
    drip: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    /// How many bytes are promised and never come.
    lost: usize,
    is_flushed: bool,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Sending {
    pub(super) fn new(body: Vec<u8>, flow: Flow) -> Self {
        let mut rest = Bytes::from(body);
        let lost = match flow {
            Flow::Breaks => rest.split_off(rest.len().div_euclid(2)).len(),
            Flow::Whole | Flow::Drip(_) => 0,
        };
        let drip = if let Flow::Drip(pause) = flow { Some(pause) } else { None };
        Self { rest, drip, pause: None, lost, is_flushed: false, deadline: None }
    }

    /// Not longer than this; then it fails as the client's own deadline would have it.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.deadline = Some(Box::pin(sleep(time)));
        self
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        if this.rest.is_empty() {
            if this.lost == 0 {
                return Poll::Ready(None);
            }
            if !this.is_flushed {
                // What came so far is to be on its way before the connection breaks.
                this.is_flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        let next = match this.drip {
            None => std::mem::take(&mut this.rest),
            Some(pause) => {
                let waiting = this.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
                ready!(waiting.as_mut().poll(context));
                this.pause = None;
                this.rest.split_to(1)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(next))))
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.rest.len().saturating_add(self.lost);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
