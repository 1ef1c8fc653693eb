//! Why `provision` did not do what it was asked to, ready to be told.

use crate::exit::Exit;
use crate::provision_flags::Output;
use crate::{note, say};
use idsync::okta::{Error, Journal};
use serde_json::json;
use std::process::ExitCode;

/// Why it was not done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The kind of failure, as one stable word.
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// What was made all the same.
    pub stands: Journal,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(message: String) -> Self {
        let remedy = "see provision --help".to_owned();
        Self { exit: Exit::Usage, kind: "usage".to_owned(), message, remedy, stands: Journal::default() }
    }

    /// Says what to do.
    #[must_use]
    pub fn with_remedy(self, remedy: &str) -> Self {
        Self { remedy: remedy.to_owned(), ..self }
    }

    /// Says what was made all the same.
    #[must_use]
    pub fn with_stands(self, stands: Journal) -> Self {
        Self { stands, ..self }
    }

    /// Prints it, and gives the exit code.
    pub fn tell(&self, output: Output) -> ExitCode {
        if output == Output::Json {
            let error = json!({"kind": self.kind, "message": self.message, "remedy": self.remedy});
            say!("{}", json!({"outcome": "failed", "stands": self.stands, "error": error}));
        } else {
            note!("provision: {}", self.message);
            note!("           {}", self.remedy);
            if !self.stands.is_empty() {
                note!("What was made stands:");
                self.stands.made().iter().for_each(|made| note!("  {made}"));
                note!("Run it again to go on from there, or with --undo to take exactly this away.");
            }
        }
        self.exit.into()
    }

    /// Another run is at work on what is named.
    pub fn busy(what: &str) -> Self {
        let message = format!("another run of provision is at work on {what}; nothing was changed");
        let remedy = "wait for it to end, and run it again".to_owned();
        Self { exit: Exit::Busy, kind: "busy".to_owned(), message, remedy, stands: Journal::default() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let error = idsync::Error::from(error);
        let remedy = error.remedy().unwrap_or("run it again").to_owned();
        let exit = Exit::of_setup(&error);
        Self { exit, kind: error.kind().as_str().to_owned(), message: error.to_string(), remedy, stands: Journal::default() }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::usage(message)
    }
}
