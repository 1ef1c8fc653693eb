//! Providers and sinks that change what another one shows or takes.
