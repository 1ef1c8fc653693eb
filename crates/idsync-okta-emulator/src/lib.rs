//! A small Okta org over HTTP, for tests: in process, or as a program.

mod api;
mod auth;
mod builder;
mod clock;
mod control;
mod data;
mod emulator;
mod faults;
mod id;
mod log;
mod moment;
mod org;
mod random;
mod rate;
mod search;
mod server;

pub use auth::{Dpop, KeyKind, NewKey};
pub use builder::OktaEmulatorBuilder;
pub use emulator::OktaEmulator;
pub use faults::{AddedFault, BodyShape, Fault, FaultKind, Faults, Malformed};
pub use log::{RequestEntry, RequestLog, Scheme};
pub use org::{GroupType, GroupsWithoutRole, Lag, Org, Role, Status, Truth, TruthGroup, TruthUser};
pub use rate::{Bucket, RateLimits};
pub use server::Endpoint;
