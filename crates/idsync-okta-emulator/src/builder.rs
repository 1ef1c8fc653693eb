//! What org to start.

use crate::auth::{Dpop, KeyKind, NewKey};
use crate::data::Size;
use crate::emulator::OktaEmulator;
use crate::id::{Id, Kind, letters};
use crate::org::{Access, ApiTokens, App, Data, Org, Role, Shared};
use crate::random::digest;
use crate::rate::{RateLimits, Windows};
use crate::server;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

/// The scopes that a fresh app has.
const SCOPES: [&str; 3] = ["okta.users.read", "okta.groups.read", "okta.orgs.read"];

/// Says what org to start; made by [`OktaEmulator::builder`].
///
/// The same seed and the same sizes make the same people, groups, memberships and ids. Keys and tokens are different each time.
#[derive(Debug, Clone)]
#[must_use]
pub struct OktaEmulatorBuilder {
    seed: u64,
    size: Size,
    limits: RateLimits,
    dpop: Dpop,
    key: KeyKind,
    port: u16,
    clock_skew: i64,
}

impl OktaEmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            seed: 1,
            size: Size { users: 120, groups: 12, memberships: 600 },
            limits: RateLimits::unlimited(),
            dpop: Dpop::NotRequired,
            key: KeyKind::Ec256,
            port: 0,
            clock_skew: 0,
        }
    }

    /// Sets what the org is made from; 1 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of users, deactivated ones among them; 120 by default, 10 million at most.
    pub fn users(mut self, users: usize) -> Self {
        self.size.users = users.min(10_000_000) as u32;
        self
    }

    /// Sets the number of groups beside the two built-in ones, Everyone and Okta Administrators; 12 by default, 10 million at most. The
    /// first of them is the largest.
    pub fn groups(mut self, groups: usize) -> Self {
        self.size.groups = groups.min(10_000_000) as u32;
        self
    }

    /// Sets the number of memberships in all groups but Everyone; 600 by default. Okta Administrators has up to three of them. As nobody
    /// is in a group twice, there are fewer when they do not fit.
    pub fn memberships(mut self, memberships: usize) -> Self {
        self.size.memberships = memberships as u64;
        self
    }

    /// Sets the rate limits; unlimited by default.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether access tokens must be bound to a key; not required by default.
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = dpop;
        self
    }

    /// Sets the kind of the app's key; an elliptic curve key by default.
    pub fn key(mut self, key: KeyKind) -> Self {
        self.key = key;
        self
    }

    /// Sets the port; any free one by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Lets the org's clock run ahead of the machine's by this many seconds, or behind it with a negative number.
    pub fn clock_skew(mut self, seconds: i64) -> Self {
        self.clock_skew = seconds;
        self
    }

    /// Starts the org.
    ///
    /// # Errors
    ///
    /// When the port is taken, or no thread or key can be made.
    pub async fn start(self) -> io::Result<OktaEmulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let url = format!("http://{}", listener.local_addr()?);
        let (key, public) = NewKey::generate(self.key)?;
        let (seed, skew) = (self.seed, self.clock_skew);
        let tokens = ApiTokens { reader: secret(seed, "00r"), setup: secret(seed, "00s") };
        let base = url.clone();
        let make = move || {
            let scopes = SCOPES.map(str::to_owned).into();
            let app = App::new(Id::new(seed, Kind::App, 0), scopes, Role::ReadOnlyAdmin, self.dpop);
            let data = Data::generate(seed, self.size, &base);
            let shared = Shared::new(base, seed, data, Access::new(app, tokens, seed), Windows::new(self.limits));
            shared.clock.set_skew(skew);
            Arc::new(shared)
        };
        let (running, shared) = server::run(listener, make)?;
        // The thread ends without an answer only by a panic, which it has printed.
        let shared = shared.await.map_err(|_| io::Error::other("the org could not be made"))?;
        let org = Org { shared };
        org.register_key(&key, public);
        Ok(OktaEmulator::new(url, key, org, running))
    }
}

/// Forty-two characters, as API tokens have.
fn secret(seed: u64, prefix: &str) -> String {
    format!("{prefix}{}", letters(digest(seed ^ u64::from(std::process::id()), prefix.as_bytes()), 39))
}
