//! Connects a company's identity provider to any other system: reads users, groups and memberships, compares them with what was synced
//! before, and delivers the differences.
//!
//! This crate re-exports the others behind features; it holds nothing of its own.
//!
//! | Feature | Module |
//! |---|---|
//! | none | the model, the traits and the reference implementations of `idsync-core`, at the root |
//! | `engine` (on unless switched off) | `engine`: reads, proves, plans, applies |
//! | `okta` | `okta`: Okta as an identity provider |
//! | `sqlite` | `sqlite`: state store and sink in one SQLite file |
//! | `conformance` | `conformance`: test suites for people who implement the traits |
#![cfg_attr(all(feature = "engine", feature = "okta", feature = "sqlite"), doc = "\n---\n\n")]
#![cfg_attr(all(feature = "engine", feature = "okta", feature = "sqlite"), doc = include_str!("../README.md"))]

pub use idsync_core::*;

/// The engine: reads, proves, plans, applies.
#[cfg(feature = "engine")]
pub mod engine {
    pub use idsync_engine::*;
}

/// Okta as an identity provider.
#[cfg(feature = "okta")]
pub mod okta {
    pub use idsync_okta::*;
}

/// State store and sink in one SQLite file.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use idsync_sqlite::*;
}
