//! The components of a simulation that may be swapped for broken ones.

use idsync_core::{DirectorySink, IdentityProvider, StateStore};
use idsync_engine::{Protected, Safeguards};
use std::fmt;
use std::sync::Arc;

/// What an engine is put together from. Each method gets the sound component and returns what is used in its place; the oracles look at
/// the engine from outside, so that a broken component must be noticed.
pub trait Parts: fmt::Debug {
    /// In front of the provider, for each run.
    fn provider(&self, sound: Arc<dyn IdentityProvider>) -> Arc<dyn IdentityProvider> {
        sound
    }

    /// In front of the store, once.
    fn store(&self, sound: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
        sound
    }

    /// In front of the sink, once.
    fn sink(&self, sound: Arc<dyn DirectorySink>) -> Arc<dyn DirectorySink> {
        sound
    }

    /// The limits that the engine is given, when these are the ones that count.
    fn limits(&self, sound: Safeguards) -> Safeguards {
        sound
    }

    /// Who the engine is told is protected, when these are those who are.
    fn protected(&self, sound: Protected) -> Protected {
        sound
    }
}

/// Nothing is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sound;

impl Parts for Sound {}
