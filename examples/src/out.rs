//! Everything that the programs print.
//!
//! Whoever reads it may have seen enough (`sync --plan | head`), and the disk that it goes to may be full. Neither is a reason to stop half-way
//! in the work, nor takes from what is done the exit code that it has earned.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// What became of something that was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Printed {
    /// It could not be written, which standard error says.
    Lost,
    /// Nobody reads it any more.
    Unread,
    /// It is written.
    Whole,
}

/// Whether it was said that standard output cannot be written: once is enough until it can be again.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output, as `println!` does, but never panics.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { _ = $crate::out::line(format_args!($($text)*)) };
}

/// Prints a line on standard error, as `eprintln!` does, but never panics.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => { $crate::out::note(format_args!($($text)*)) };
}

/// Prints a line on standard output, and says what became of it.
pub fn line(text: Arguments<'_>) -> Printed {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => {
            TOLD.store(false, Ordering::Relaxed);
            Printed::Whole
        }
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Printed::Unread,
        Err(error) => {
            if !TOLD.swap(true, Ordering::Relaxed) {
                note(format_args!("standard output cannot be written, so that something is missing in it: {error}"));
            }
            Printed::Lost
        }
    }
}

/// Prints a line on standard error. Where even that is impossible nobody is left to be told.
pub fn note(text: Arguments<'_>) {
    _ = writeln!(std::io::stderr(), "{text}");
}
