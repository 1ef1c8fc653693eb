//! Connect an identity provider to any system: the facade of the idsync crates.
