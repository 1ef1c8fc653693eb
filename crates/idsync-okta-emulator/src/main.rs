//! The emulator as a program: starts an org, says how to use it, and runs until it is interrupted.

mod program;

use program::{Arguments, Fault, Wanted};
use std::process::ExitCode;

/// Wrong usage.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Arguments::parse(lexopt::Parser::from_env()) {
        Ok(Wanted::Help) => {
            program::say(program::HELP);
            ExitCode::SUCCESS
        }
        Ok(Wanted::Org(arguments)) => match program::run(*arguments).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(Fault::System(error)) => {
                program::note(error);
                ExitCode::FAILURE
            }
            Err(Fault::Usage(problem)) => wrong_usage(&problem),
        },
        Err(error) => wrong_usage(&error.to_string()),
    }
}

fn wrong_usage(problem: &str) -> ExitCode {
    program::note(format_args!("{problem}\nTry --help."));
    ExitCode::from(USAGE)
}
