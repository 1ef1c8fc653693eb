//! Faults on demand.

mod after;
mod before;
mod fault;
mod json;
mod kind;
mod records;
mod registry;

pub use fault::{Calls, Fault};
pub use kind::{BodyShape, FaultKind, Malformed};
pub use registry::{AddedFault, Faults};

pub(crate) use after::after;
pub(crate) use before::{Before, Instead, before};
pub(crate) use json::{from_json, to_json};
