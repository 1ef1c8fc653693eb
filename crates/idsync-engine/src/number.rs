//! Numbers in sentences.

/// So many of something: `1 change`, `2 changes`.
pub(crate) fn number(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
