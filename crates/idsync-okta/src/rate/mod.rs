//! Staying a good guest: how fast, how much, how many at once.

mod bucket;
mod gate;
mod governor;
mod headers;
mod share;

pub(crate) use bucket::Bucket;
pub(crate) use governor::Governor;
pub(crate) use headers::{Limited, RateHeaders, retry_after};
pub use share::RateShare;
