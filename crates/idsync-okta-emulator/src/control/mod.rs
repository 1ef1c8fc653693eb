//! The control API.

use crate::org::Shared;
use crate::server::{Answer, Call};

pub(crate) fn is_meant(path: &str) -> bool {
    path.starts_with("/emulator")
}
pub(crate) fn answer(_: &Shared, _: &Call) -> Answer {
    Answer::empty(404)
}
