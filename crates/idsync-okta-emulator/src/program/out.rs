//! What the program prints.
//!
//! Whoever starts it may not read what it prints, and the disk that it goes to may be full: the org runs all the same.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Prints a text on standard output, as `print!` does, but never panics.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => note(format_args!("standard output cannot be written: {error}")),
        _ => {}
    }
}

/// Prints a line on standard error, with the name of the program. Where even that is impossible nobody is left to be told.
pub(crate) fn note(text: impl Display) {
    _ = writeln!(std::io::stderr(), "idsync-okta-emulator: {text}");
}
