//! HTTP.

mod answer;
mod body;
mod call;
mod compress;
mod endpoint;
mod failure;
mod listener;
mod method;
mod query;
mod serve;
mod socket;

pub use endpoint::Endpoint;
pub use method::Method;

pub(crate) use answer::Answer;
pub(crate) use body::Ending;
pub(crate) use call::Call;
pub(crate) use failure::Failure;
pub(crate) use listener::{Running, run};
pub(crate) use query::{Query, decode_segment, encode, encode_segment};
pub(crate) use serve::{too_many_at_once, with_count};
