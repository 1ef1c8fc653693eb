//! Providers and sinks that change what another one shows or takes.
//!
//! A wrapper is itself a provider or a sink, so wrappers nest; the outermost sees what the inner ones let through.
//!
//! | Wrapper | Does |
//! |---|---|
//! | [`Filtered`] | takes users and groups out of scope |
//! | [`AllowAttributes`] | lets only named attributes through |
//! | [`DryRun`] | records what a sink would receive, and keeps it away |
//! | [`FanOut`] | delivers to several sinks that refuse nothing |
//!
//! ```
//! use idsync_core::memory::MemoryProvider;
//! use idsync_core::wrap::{AllowAttributes, Filtered};
//! use idsync_core::{GroupKind, Lifecycle};
//!
//! let everything = MemoryProvider::new();
//! let staff = Filtered::new(everything, "active users and native groups")
//!     .keep_users(|user| user.lifecycle() == Lifecycle::Active)
//!     .keep_groups(|group| group.kind == GroupKind::Native);
//! let provider = AllowAttributes::new(staff).for_users(["email", "displayName"]).for_groups(["description"]);
//! assert_eq!(provider.to_string(), "AllowAttributes(Filtered(Memory(memory:directory)))");
//! ```

mod allow_attributes;
mod dry_run;
mod fan_out;
mod filtered;
#[cfg(test)]
mod samples;

pub use allow_attributes::AllowAttributes;
pub use dry_run::DryRun;
pub use fan_out::FanOut;
pub use filtered::Filtered;
