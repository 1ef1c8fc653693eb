//! Sending one request, and what to make of its answer.

mod body;
mod http;
mod retry;
mod route;
mod verdict;

pub(crate) use http::{Answer, Http, Limits, Outgoing};
pub use retry::RetryPolicy;
pub(crate) use retry::{Attempts, RetryBudget};
pub(crate) use route::{Method, Route};
pub(crate) use verdict::{Verdict, judge};
