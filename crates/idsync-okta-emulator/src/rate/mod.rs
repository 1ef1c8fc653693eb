//! Rate limits.

mod limits;
mod windows;

pub use limits::{Bucket, RateLimits};

pub(crate) use windows::{Count, Windows};
