//! Faults that take the place of the answer, or come before it.

use super::fault::Fault;
use super::kind::{BodyShape, FaultKind};
use super::registry::Going;
use crate::org::Shared;
use crate::rate::{Bucket, Count};
use crate::server::{Answer, Call, Endpoint, Failure, too_many_at_once, with_count};
use std::time::Duration;

/// What happens before an answer is made.
#[derive(Debug)]
pub(crate) struct Before {
    /// How long to wait.
    pub(crate) delay: Duration,
    pub(crate) instead: Option<Instead>,
    /// Whether what the request changes is to be taken back.
    pub(crate) is_ignored: bool,
}

/// What happens instead of the answer.
#[derive(Debug)]
pub(crate) enum Instead {
    Answer(Box<Answer>),
    Reset,
}

/// Lets the faults strike that come before the answer.
pub(crate) fn before(shared: &Shared, call: &mut Call) -> Before {
    let mut before = Before { delay: Duration::ZERO, instead: None, is_ignored: false };
    let mut most_rows = None;
    let strike = |fault: &Fault| {
        match &fault.kind {
            FaultKind::Delay(time) => before.delay += *time,
            FaultKind::ShrunkPages => most_rows = call.limit().map(|limit| (limit / 2).max(1)),
            FaultKind::Ignored => before.is_ignored = true,
            FaultKind::Reset => before.instead = Some(Instead::Reset),
            _ => before.instead = Some(Instead::Answer(Box::new(answer(shared, call, &fault.kind)))),
        }
        if before.instead.is_some() { Going::Stop } else { Going::On }
    };
    // What comes before the answer knows of no record in it.
    shared.faults.strike(call, |fault| fault.record.is_none() && applies(&fault.kind, call), strike);
    call.most_rows = most_rows;
    before
}

fn applies(kind: &FaultKind, call: &Call) -> bool {
    let is_list = call.endpoint.limits().is_some();
    match kind {
        FaultKind::BucketLimit429(_)
        | FaultKind::Concurrency429
        | FaultKind::Delay(_)
        | FaultKind::Redirect(_)
        | FaultKind::Reset
        | FaultKind::Status(..) => true,
        FaultKind::Ignored => call.is_writing(),
        FaultKind::InvalidCursor => call.query.get("after").is_some(),
        FaultKind::LargeLimit500(most) => is_list && call.limit().is_some_and(|limit| limit > *most),
        FaultKind::ShrunkPages => is_list && call.limit().is_some_and(|limit| limit > 1),
        FaultKind::VanishedGroup => call.endpoint == Endpoint::Members,
        _ => false,
    }
}

fn answer(shared: &Shared, call: &Call, kind: &FaultKind) -> Answer {
    let failure = match kind {
        FaultKind::BucketLimit429(time) => {
            let limit = shared.windows().limits().limit(call.endpoint.bucket().unwrap_or(Bucket::Other));
            let reset = shared.clock.seconds() + i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 2);
            let count = Count { limit, remaining: 0, reset, is_over: true };
            return with_count(Failure::too_many_requests().answer(shared.number()), count);
        }
        FaultKind::Concurrency429 => return too_many_at_once(shared),
        FaultKind::InvalidCursor => Failure::invalid_cursor(),
        FaultKind::LargeLimit500(_) => Failure::internal(),
        FaultKind::Redirect(url) => return Answer::empty(302).with_header("location", url),
        FaultKind::VanishedGroup => Failure::not_found(call.id().unwrap_or_default(), "UserGroup"),
        FaultKind::Status(status, shape) => return status_answer(shared, *status, *shape),
        // Only the kinds above take the place of an answer.
        _ => Failure::internal(),
    };
    failure.answer(shared.number())
}

pub(super) fn status_answer(shared: &Shared, status: u16, shape: BodyShape) -> Answer {
    match shape {
        BodyShape::Empty => Answer::empty(status),
        BodyShape::Html => {
            let mut answer = Answer::empty(status).with_header("content-type", "text/html;charset=UTF-8");
            answer.body = format!("<!DOCTYPE html><html><head><title>{status}</title></head><body>Sorry.</body></html>").into();
            answer
        }
        BodyShape::Okta => {
            let (code, summary) = match status {
                401 => ("E0000011", "Invalid token provided"),
                403 => ("E0000006", "You do not have permission to perform the requested action"),
                404 => ("E0000007", "Not found: Resource not found"),
                409 => ("E0000268", "Another request is making changes to the role assignments. Please try again later."),
                429 => ("E0000047", "API call exceeded rate limit due to too many requests."),
                503 => ("E0000181", "Service temporarily unavailable"),
                500.. => ("E0000009", "Internal Server Error"),
                _ => ("E0000001", "Api validation failed: request"),
            };
            Failure::okta(status, code, summary).answer(shared.number())
        }
    }
}
