//! Wrong usage of a program.

use crate::failure::Failure;
use std::fmt;

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to do, where the help of the program does not say it.
    pub remedy: Option<&'static str>,
}

impl Usage {
    /// Wrong usage that the help of the program says how to mend.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: None }
    }

    /// Says what to do instead.
    #[must_use]
    pub fn with_remedy(self, remedy: &'static str) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// The failure of this program.
    pub fn of(self, program: &str) -> Failure {
        match self.remedy {
            Some(remedy) => Failure::usage(self.message, remedy),
            None => Failure::usage(self.message, &format!("see {program} --help")),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error.to_string())
    }
}
