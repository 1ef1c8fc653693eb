//! Making the service app that reads an org.

mod connection;
mod spec;

pub use connection::Connection;
pub use spec::{AppRole, AppSpec, KeySource, TokenBinding, WantedRole};
