//! A word now and then while something takes long.

use crate::note;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing is said.
const PERIOD: Duration = Duration::from_secs(5);

/// What is being done, and since when.
#[derive(Debug, Default)]
pub struct Patience(Mutex<Option<(String, Instant)>>);

impl Patience {
    /// Something was begun.
    pub fn begun(&self, step: &str) {
        *self.lock() = Some((step.to_owned(), Instant::now()));
    }

    /// It is over.
    pub fn over(&self) {
        *self.lock() = None;
    }

    /// Does some work, and says on standard error what it is waiting for.
    pub async fn with<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.tell() => match never {},
        }
    }

    async fn tell(&self) -> Infallible {
        loop {
            tokio::time::sleep(PERIOD).await;
            if let Some(line) = self.line() {
                note!("  {line}");
            }
        }
    }

    fn line(&self) -> Option<String> {
        let begun = self.lock();
        let (step, since) = begun.as_ref().filter(|(_, since)| since.elapsed() >= PERIOD)?;
        Some(format!("still waiting, for {} s: {step}; what was just made may take a minute to count", since.elapsed().as_secs()))
    }

    /// Every change is a single step, so a panic elsewhere leaves it whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_long_is_told() {
        let patience = Patience::default();
        assert_eq!(patience.line(), None);
        patience.begun("read");
        assert_eq!(patience.line(), None);
        let since = Instant::now().checked_sub(Duration::from_secs(7)).unwrap();
        *patience.lock() = Some(("read as the new app".to_owned(), since));
        assert!(patience.line().unwrap().starts_with("still waiting, for 7 s: read as the new app"));
        patience.over();
        assert_eq!(patience.line(), None);
    }
}
