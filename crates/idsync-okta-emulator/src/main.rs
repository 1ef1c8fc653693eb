//! The emulator as a program: starts an org, says how to use it, and runs until it is interrupted.

mod program;

use program::{Arguments, Wanted};
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
            Err(error) => {
                program::note(error);
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            program::note(format_args!("{error}\nTry --help."));
            ExitCode::from(USAGE)
        }
    }
}
