//! Staying a good guest: how fast, how much, how many at once.
//!
//! The org counts the requests of each credential per bucket and window, and limits how many it serves at once. `window` follows
//! one counter from outside, `gate` the requests at once; both are shared by all clients in the process that the org counts together.
//! `governor` is one client's way through them.

mod bucket;
mod counters;
mod forecast;
mod gate;
mod governor;
mod headers;
mod length;
mod registry;
mod server_time;
mod share;
mod window;

pub(crate) use bucket::Bucket;
pub use forecast::{BucketForecast, Forecast, Remaining};
pub(crate) use governor::{Blocked, Governor, Permit};
pub(crate) use headers::{Limited, RateHeaders, retry_after};
pub(crate) use registry::shared;
pub use share::RateShare;

#[cfg(test)]
mod simulated;
