//! Randomness for nonces and jitter.

use std::time::Duration;

/// Fresh random bytes from the operating system.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // AWS-LC aborts the process itself when the system has no entropy, so this cannot return an error.
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// A random duration from zero up to `most`.
pub(crate) fn jitter(most: Duration) -> Duration {
    let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(u64::from_le_bytes(bytes()) % millis.saturating_add(1))
}
