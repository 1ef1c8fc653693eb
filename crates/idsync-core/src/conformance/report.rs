//! What a suite found.

use crate::Error;
use std::fmt;

/// What a check found: `Ok` when the promise was kept.
pub type Verdict = Result<(), Unproven>;

/// Why a promise is not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// The promise was broken, in this way.
    #[error("failed: {0}")]
    Failed(String),
    /// The promise was not put to the test, because of this.
    #[error("skipped: {0}")]
    Skipped(String),
}

impl Unproven {
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

/// An operation that must succeed did not.
impl From<Error> for Unproven {
    fn from(error: Error) -> Self {
        Self::Failed(format!("an error where there should be none: {}", described(&error)))
    }
}

/// An error with its kind, which its text leaves out.
pub(super) fn described(error: &Error) -> String {
    format!("{error} ({})", error.kind().as_str())
}

/// One check of a suite, and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The name of the function, which is the promise.
    pub name: &'static str,
    /// What it found.
    pub verdict: Verdict,
}

/// What a suite found, check by check.
///
/// `Display` prints a line per check, and a reason under each that did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Report {
    suite: &'static str,
    checks: Vec<Check>,
}

impl Report {
    pub(super) const fn new(suite: &'static str) -> Self {
        Self { suite, checks: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &'static str, verdict: Verdict) {
        self.checks.push(Check { name, verdict });
    }

    /// All checks, in the order in which they ran.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The names of the promises that were kept.
    pub fn passed(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().filter(|check| check.verdict.is_ok()).map(|check| check.name)
    }

    /// The promises that were broken, and how.
    pub fn failed(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|check| match &check.verdict {
            Err(Unproven::Failed(reason)) => Some((check.name, reason.as_str())),
            _ => None,
        })
    }

    /// The promises that were not put to the test, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|check| match &check.verdict {
            Err(Unproven::Skipped(why)) => Some((check.name, why.as_str())),
            _ => None,
        })
    }

    /// For tests: everything that could be checked was right. How much that is depends on the fixture, see
    /// [`Report::assert_passed_skipping`].
    ///
    /// # Panics
    /// A promise was broken; the message is the whole report.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none(), "{self}");
    }

    /// For tests: nothing was broken, and nothing was skipped but `skipped`. It keeps a fixture from losing an ability unnoticed.
    ///
    /// # Panics
    /// A promise was broken, a check was skipped that is not named, or one that is named was not; the message is the whole report.
    #[track_caller]
    pub fn assert_passed_skipping(&self, skipped: &[&str]) {
        self.assert_passed();
        let found: Vec<_> = self.skipped().map(|(name, _)| name).collect();
        let surplus: Vec<_> = found.iter().filter(|name| !skipped.contains(name)).collect();
        let missing: Vec<_> = skipped.iter().filter(|name| !found.contains(name)).collect();
        assert!(
            surplus.is_empty() && missing.is_empty(),
            "skipped unexpectedly: {surplus:?}; expected to be skipped, but was not: {missing:?}\n{self}"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = (self.passed().count(), self.failed().count(), self.skipped().count());
        writeln!(f, "{} conformance: {passed} passed, {failed} failed, {skipped} skipped", self.suite)?;
        for check in &self.checks {
            match &check.verdict {
                Ok(()) => writeln!(f, "  passed   {}", check.name)?,
                Err(Unproven::Failed(reason)) => writeln!(f, "  FAILED   {}\n           {reason}", check.name)?,
                Err(Unproven::Skipped(why)) => writeln!(f, "  skipped  {}\n           {why}", check.name)?,
            }
        }
        Ok(())
    }
}

/// Runs checks one after the other, each under its own name.
macro_rules! run {
    ($suite:literal, $fixture:expr, [$($module:ident::$check:ident),+ $(,)?]) => {{
        let mut report = $crate::conformance::Report::new($suite);
        // Boxed, so that the future of the whole suite does not hold those of all checks.
        $(report.add(stringify!($check), Box::pin($module::$check($fixture)).await);)+
        report
    }};
}
pub(super) use run;

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new("sink");
        report.add("a", Ok(()));
        report.add("b", Err(Unproven::failed("2 outcomes to 3 deliveries")));
        report.add("c", Err(Unproven::skipped("the fixture cannot observe")));
        report
    }

    #[test]
    fn a_report_reads_as_a_list_with_reasons() {
        let expected = "sink conformance: 1 passed, 1 failed, 1 skipped
  passed   a
  FAILED   b
           2 outcomes to 3 deliveries
  skipped  c
           the fixture cannot observe
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    #[should_panic(expected = "2 outcomes to 3 deliveries")]
    fn a_broken_promise_fails_the_test_that_asserts() {
        report().assert_passed();
    }

    #[test]
    #[should_panic(expected = "skipped unexpectedly: [\"c\"]")]
    fn a_check_that_is_skipped_unexpectedly_fails_the_test_that_asserts() {
        let mut report = report();
        report.checks.remove(1);
        report.assert_passed_skipping(&[]);
    }
}
