//! A small Okta org over HTTP for tests, with faults on demand.
