//! Making the service app that reads an org.

mod apply;
mod builder;
mod connection;
mod execute;
#[cfg(test)]
mod failures;
mod journal;
mod label;
mod listener;
mod look;
mod manual;
mod plan;
mod preflight;
mod provisioner;
mod remove;
mod rotate;
mod settle;
mod spec;
mod state;
mod steps;
mod teardown;
mod terraform;
#[cfg(test)]
mod tests;
mod token;
mod undo;
mod verify;
mod write;
mod written;

pub use builder::OktaProvisionerBuilder;
pub use connection::Connection;
pub use journal::{Journal, Made};
pub use listener::{StepListener, StepOutcome};
pub use manual::manual_steps;
pub use plan::{ProvisionError, ProvisionPlan};
pub use preflight::{Preflight, Rights};
pub use provisioner::OktaProvisioner;
pub use remove::Removed;
pub use spec::{AppRole, AppSpec, KeySource, TokenBinding, WantedRole};
pub use steps::Step;
pub use terraform::{TerraformFile, TerraformModule};
pub use verify::Proof;

/// How what was made here is told from what was not: it is in the notes of an app, and in the description of roles and resource sets.
const MARKER: &str = "Made by idsync";
