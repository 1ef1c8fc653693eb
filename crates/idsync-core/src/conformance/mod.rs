//! Test suites for implementers.
