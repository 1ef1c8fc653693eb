//! Why `provision` did not do what it was asked to, and what stands all the same.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::provision_flags::Output;
use crate::{note, say};
use idsync::okta::{Error, Journal, ProvisionError};
use serde_json::json;
use std::process::ExitCode;

/// What was begun and not finished.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unfinished {
    /// Why.
    pub failure: Failure,
    /// What was made all the same.
    pub stands: Journal,
}

impl Unfinished {
    /// Wrong usage.
    pub fn usage(message: String) -> Self {
        Failure::usage(message, "see provision --help").into()
    }

    /// Another run is at work on what is named.
    pub fn busy(what: &str) -> Self {
        let message = format!("another run of provision is at work on {what}; nothing was changed");
        Failure::new(Exit::Busy, "busy", message, "wait for it to end, and run it again").into()
    }

    /// Prints it, and gives the exit code.
    pub fn tell(&self, output: Output) -> ExitCode {
        let Failure { exit, kind, message, remedy } = &self.failure;
        if output == Output::Json {
            let error = json!({"kind": kind, "message": message, "remedy": remedy});
            say!("{}", json!({"outcome": "failed", "stands": self.stands, "error": error}));
        } else {
            self.failure.note("provision");
            if !self.stands.is_empty() {
                note!("What was made stands:");
                self.stands.made().iter().for_each(|made| note!("  {made}"));
                note!("Run it again to go on from there, or with --undo to take exactly this away.");
            }
        }
        (*exit).into()
    }
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self { failure, stands: Journal::default() }
    }
}

impl From<Error> for Unfinished {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<ProvisionError> for Unfinished {
    fn from(error: ProvisionError) -> Self {
        Self { failure: error.source.into(), stands: error.stands }
    }
}

impl From<String> for Unfinished {
    fn from(message: String) -> Self {
        Self::usage(message)
    }
}
