//! Making the service app that reads an org.

mod connection;
mod manual;
mod spec;
mod terraform;

pub use connection::Connection;
pub use manual::manual_steps;
pub use spec::{AppRole, AppSpec, KeySource, TokenBinding, WantedRole};
pub use terraform::{TerraformFile, TerraformModule};
