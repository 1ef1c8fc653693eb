//! What the example programs share: flags, progress, plans and reports in print, exit codes.

#![warn(clippy::print_stderr, clippy::print_stdout)] // they panic when nobody reads; see `out`

pub mod app_key;
pub mod connect;
pub mod connection;
pub mod database;
pub mod exit;
pub mod failure;
pub mod files;
pub mod flags;
mod given;
pub mod help;
pub mod json;
pub mod log;
pub mod names;
pub mod notes;
pub mod out;
pub mod patience;
pub mod print;
pub mod printable;
pub mod progress;
pub mod provision_failure;
pub mod provision_flags;
pub mod setup_token;
pub mod turn;
pub mod unmatched;
pub mod usage;
pub mod waits;
pub mod watch;
pub mod watch_flags;
