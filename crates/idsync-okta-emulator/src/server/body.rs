//! Bodies that go out whole, slowly, or not to their end.

use super::socket::Abort;
use crate::log::Ticket;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// How a body ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    #[default]
    Whole,
    /// Not at all: the connection is torn down before the answer begins, although the org has done what was asked.
    Lost,
    /// With half of it, although its length was announced; then the connection is closed in order.
    Cut,
    /// With half of it; then the connection is torn down.
    Torn,
}

/// A body on its way.
pub(crate) struct Outgoing {
    rest: Bytes,
    /// What is announced, which is more than is sent when the body is cut.
    announced: Option<u64>,
    ending: Ending,
    padding: u64,
    pace: Option<(usize, Duration)>,
    pause: Option<Pin<Box<Sleep>>>,
    abort: Abort,
    /// The request counts as being served until its body is gone.
    _ticket: Option<Ticket>,
}

const CHUNK: usize = 64 * 1024;
/// Lets what was sent arrive before the connection ends, which would otherwise overtake it.
const BEFORE_END: Duration = Duration::from_millis(20);

impl Outgoing {
    pub(crate) fn new(body: Bytes, delivery: &super::answer::Delivery, abort: Abort, ticket: Option<Ticket>) -> Self {
        let announced = (delivery.padding == 0).then_some(body.len() as u64);
        let mut rest = body;
        if delivery.ending != Ending::Whole {
            rest.truncate(rest.len() / 2);
        }
        Self {
            rest,
            announced,
            ending: delivery.ending,
            padding: delivery.padding,
            pace: delivery.pace,
            pause: None,
            abort,
            _ticket: ticket,
        }
    }

    /// The next bytes, when there are any.
    fn take(&mut self) -> Option<Bytes> {
        let most = self.pace.map_or(usize::MAX, |(bytes, _)| bytes.max(1));
        // The last byte closes the JSON, and what is padded is padded in front of it.
        if self.padding > 0 && self.rest.len() <= 1 {
            let size = self.padding.min(CHUNK as u64).min(most as u64);
            self.padding -= size;
            return Some(Bytes::from(vec![b' '; size as usize]));
        }
        let whole = self.rest.len() - usize::from(self.padding > 0);
        (!self.rest.is_empty()).then(|| self.rest.split_to(most.min(whole)))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
            if self.rest.is_empty() && self.padding == 0 && self.ending != Ending::Whole {
                if self.ending == Ending::Torn {
                    self.abort.set();
                }
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
            }
        }
        match self.take() {
            Some(bytes) => {
                self.pause = self.pace.map(|(_, tick)| Box::pin(tokio::time::sleep(tick)));
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            None => match self.ending {
                Ending::Lost | Ending::Whole => Poll::Ready(None),
                Ending::Cut | Ending::Torn => {
                    self.pause = Some(Box::pin(tokio::time::sleep(BEFORE_END)));
                    self.poll_frame(context)
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.padding == 0 && self.ending == Ending::Whole
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
