//! Why a program did not do what it was asked to, ready to be told.

use crate::exit::Exit;
use crate::flags::{Output, Unjudged};
use crate::{json, note, say};
use idsync::RequestUsage;
use idsync::engine::SyncError;
use std::process::ExitCode;
use std::time::Instant;

/// A failure as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Failure {
    /// A failure with what to do about it.
    pub fn new(exit: Exit, kind: &str, message: String, remedy: &str) -> Self {
        Self { exit, kind: kind.to_owned(), message, remedy: remedy.to_owned() }
    }

    /// Wrong usage.
    pub fn usage(message: String, remedy: &str) -> Self {
        Self::new(Exit::Usage, "usage", message, remedy)
    }

    /// A search that the org does not understand is wrong usage, and the flag that it comes from is named.
    #[must_use]
    pub fn blamed_on(self, written: &Unjudged) -> Self {
        // What Okta answers to a search that it cannot read.
        const INVALID_SEARCH: &str = "E0000031";
        let listed = |listing: &str| self.message.contains(listing) && self.message.contains(INVALID_SEARCH);
        let (flag, search) = match written {
            Unjudged { group_search: Some(search), .. } if listed("list groups") => ("--group-search", search),
            Unjudged { user_search: Some(search), .. } if listed("list users") => ("--user-search", search),
            _ => return self,
        };
        let message = format!("{flag}: the org does not understand `{search}`; nothing was changed");
        Self::usage(message, "see which searches Okta takes: developer.okta.com/docs/api, List all groups or users")
    }

    /// Prints it as `program` should, and gives the exit code.
    pub fn tell(&self, program: &str, output: Output, requests: RequestUsage, started: Instant) -> ExitCode {
        if output == Output::Json {
            let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            say!("{}", json::failure(&self.kind, &self.message, &self.remedy, requests, elapsed));
        } else {
            self.note(program);
        }
        self.exit.into()
    }

    /// Prints it for people, as `program` should.
    pub(crate) fn note(&self, program: &str) {
        note!("{program}: {}", self.message);
        note!("{:1$}  {2}", "", program.len(), self.remedy);
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self { exit: Exit::of_error(&error), kind: error.kind().to_owned(), message: json::message(&error), remedy: error.remedy() }
    }
}

impl From<idsync::okta::Error> for Failure {
    fn from(error: idsync::okta::Error) -> Self {
        idsync::Error::from(error).into()
    }
}

impl From<idsync::Error> for Failure {
    fn from(error: idsync::Error) -> Self {
        let remedy = error.remedy().unwrap_or("see --help").to_owned();
        Self { exit: Exit::of_setup(&error), kind: error.kind().as_str().to_owned(), message: error.to_string(), remedy }
    }
}
