#![doc = include_str!("../../../README.md")]

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
