//! What happened, as a hash and, when somebody wants to read it, as text.

use std::fmt::{self, Write};

/// Whether the lines of a trace are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// Only the hash is.
    Hash,
    /// The lines are, too.
    Lines,
}

/// A trace under way. Two runs did the same when their hashes are the same.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(keep: Keep) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: (keep == Keep::Lines).then(Vec::new) }
    }

    pub(crate) fn note(&mut self, event: fmt::Arguments<'_>) {
        // Writing into the hash cannot fail.
        let _ = self.write_fmt(event);
        let _ = self.write_char('\n');
        if let Some(lines) = &mut self.lines {
            lines.push(event.to_string());
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
