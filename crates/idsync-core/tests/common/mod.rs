//! What the tests of all three suites share.

use idsync_core::conformance::Report;

/// Fails unless the suite failed this check, for a reason that says this.
#[track_caller]
pub(crate) fn assert_caught(report: &Report, fault: &str, check: &str, reason: &str) {
    let found = report.failed().find(|(name, _)| *name == check);
    let (_, found) = found.unwrap_or_else(|| panic!("{fault}: `{check}` did not fail\n{report}"));
    assert!(found.contains(reason), "{fault}: `{check}` failed for another reason: {found}");
}
