//! From a request to an answer.

use super::answer::Answer;
use super::body::{Ending, Outgoing};
use super::call::Call;
use super::compress::compress;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::socket::Abort;
use crate::api;
use crate::auth::{self, Principal};
use crate::control;
use crate::faults::{self, Before, Instead};
use crate::log::{Arrival, Scheme, Ticket};
use crate::moment::Moment;
use crate::org::{Shared, USUAL_SHARE};
use crate::rate::Count;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::Value;
use std::io;
use std::sync::Arc;

/// More than any request of a client needs.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Answers a request; an error ends the connection.
pub(super) async fn serve(shared: Arc<Shared>, abort: Abort, request: Request<Incoming>) -> io::Result<Response<Outgoing>> {
    let (parts, incoming) = request.into_parts();
    if control::is_meant(parts.uri.path()) {
        let body = read(incoming).await?;
        let answer = control::answer(&shared, &Call::new(parts, body));
        return Ok(finish(&shared, answer, None, abort));
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let mut call = Call::new(parts, Bytes::new());
    let scheme = Scheme::of(call.headers.get("authorization").and_then(|value| value.to_str().ok()));
    let is_foreign = call.host().is_some_and(|host| !is_own(host, &shared.authority));
    let ticket = shared.log.begin(Arrival {
        endpoint: call.endpoint,
        method: call.method,
        path: call.path.clone(),
        query: if call.endpoint.is_oauth() { String::new() } else { query },
        is_writing: call.is_writing(),
        scheme,
        is_foreign,
    });
    call.body = read(incoming).await?;
    ticket.brought(auth::credential(&shared, &call), logged_body(&call));
    let Before { delay, instead, is_ignored } = faults::before(&shared, &mut call);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let answer = match instead {
        None if is_ignored => {
            let before = shared.access().managed.clone();
            let answer = respond(&shared, &call, &ticket);
            shared.access().managed.take_back(before);
            answer
        }
        None => respond(&shared, &call, &ticket),
        Some(Instead::Answer(answer)) => *answer,
        Some(Instead::Reset) => {
            abort.set();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    };
    let mut answer = faults::after(&shared, &call, answer);
    if answer.delivery.ending == Ending::Lost {
        abort.set();
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    ticket.answered(answer.status.as_u16());
    compress(&shared, &call.headers, &mut answer);
    Ok(finish(&shared, answer, Some(ticket), abort))
}

/// What the log keeps of the body of a writing request.
fn logged_body(call: &Call) -> Option<Value> {
    let text = || String::from_utf8_lossy(&call.body).into_owned().into();
    (call.is_writing() && !call.body.is_empty()).then(|| serde_json::from_slice(&call.body).unwrap_or_else(|_| text()))
}

async fn read(incoming: Incoming) -> io::Result<Bytes> {
    let body = Limited::new(incoming, LARGEST_BODY).collect().await;
    body.map(|body| body.to_bytes()).map_err(io::Error::other)
}

/// The org is known by its address and as `localhost`.
fn is_own(host: &str, authority: &str) -> bool {
    let port = authority.rsplit(':').next().unwrap_or_default();
    host == authority || host.strip_prefix("localhost:") == Some(port)
}

fn respond(shared: &Shared, call: &Call, ticket: &Ticket) -> Answer {
    if call.endpoint == Endpoint::Discovery {
        return api::discovery(shared);
    }
    let most = shared.windows().limits().concurrency();
    if most.is_some_and(|most| ticket.in_flight() > most) {
        return too_many_at_once(shared);
    }
    let caller = if call.endpoint.is_oauth() { None } else { Some(auth::authorize(shared, call)) };
    let caller = match caller.transpose() {
        Ok(caller) => caller,
        // Refusals of unknown callers carry no rate-limit headers (recorded).
        Err(failure) => return failure.answer(shared.number()),
    };
    let (principal, share) = caller.as_ref().map_or((Principal::Unknown, USUAL_SHARE), |caller| (caller.principal, caller.share));
    let count = call.endpoint.bucket().map(|bucket| shared.windows().count(principal, bucket, share, shared.clock.millis()));
    let Some(count) = count else { return Failure::not_supported().answer(shared.number()) };
    let answer = match (count.is_over, caller) {
        (true, _) => Err(Failure::too_many_requests()),
        (false, Some(caller)) => api::answer(shared, call, &caller),
        (false, None) if call.endpoint == Endpoint::Token => auth::issue(shared, call),
        (false, None) => auth::introspect(shared, call),
    };
    with_count(answer.unwrap_or_else(|failure| failure.answer(shared.number())), count)
}

/// The other 429, told from the one of a bucket by its limit of zero; its reset is far too late (recorded: 111 to 140 seconds ahead).
pub(crate) fn too_many_at_once(shared: &Shared) -> Answer {
    let reset = shared.clock.seconds() + 111 + (shared.number() % 30) as i64;
    with_count(Failure::too_many_requests().answer(shared.number()), Count { limit: 0, remaining: 0, reset, is_over: true })
}

pub(crate) fn with_count(mut answer: Answer, count: Count) -> Answer {
    answer.add_header("x-rate-limit-limit", &count.limit.to_string());
    answer.add_header("x-rate-limit-remaining", &count.remaining.to_string());
    answer.add_header("x-rate-limit-reset", &count.reset.to_string());
    answer
}

fn finish(shared: &Shared, mut answer: Answer, ticket: Option<Ticket>, abort: Abort) -> Response<Outgoing> {
    answer.settle(&shared.base);
    // A refusal for the number of requests says nothing about caching (recorded).
    if answer.status.as_u16() != 429 {
        answer.add_header("cache-control", "no-cache, no-store");
    }
    let date = Moment::from_seconds(shared.clock.seconds() + answer.delivery.date_skew).http_date();
    answer.add_header("date", &date);
    answer.add_header("server", "nginx");
    answer.add_header("x-okta-request-id", &format!("{:016x}{:016x}", shared.number(), shared.number()));
    let mut response = Response::new(Outgoing::new(answer.body, &answer.delivery, abort, ticket));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    response
}
