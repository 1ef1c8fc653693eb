//! What org to start.

use crate::api::new_service_app;
use crate::auth::{Dpop, KeyKind, NewKey, PublicKey};
use crate::data::{self, FOUNDED, Size};
use crate::emulator::OktaEmulator;
use crate::id::{Id, Kind, letters};
use crate::org::{Access, Data, Grant, Managed, Org, Quirks, Role, Shared, Span};
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
    quirks: Quirks,
    reader: Reader,
}

/// Whether there is an app already that may read the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Absent,
    Present,
}

impl OktaEmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            seed: 1,
            size: Size { apps: 8, users: 120, groups: 12, memberships: 600 },
            limits: RateLimits::unlimited(),
            dpop: Dpop::NotRequired,
            key: KeyKind::Ec256,
            port: 0,
            clock_skew: 0,
            quirks: Quirks::default(),
            reader: Reader::Present,
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

    /// Sets the number of apps beside those that Okta makes itself and the emulator's own; 8 by default, 10,000 at most. They come before
    /// any that are made later.
    pub fn apps(mut self, apps: usize) -> Self {
        self.size.apps = apps.min(10_000) as u32;
        self
    }

    /// Leaves out the app that may read the org, as in an org where nothing was set up yet. [`OktaEmulator::client_id`] is then the id of no
    /// app, and the key is that of nobody.
    pub fn without_app(mut self) -> Self {
        self.reader = Reader::Absent;
        self
    }

    /// Sets how the org behaves where orgs differ.
    pub fn quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
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
        let secrets = Secrets { reader: secret(seed, "00r"), setup: secret(seed, "00s") };
        let client_id = Id::new(seed, Kind::App, data::app_count(self.size.apps)).to_string();
        let (base, kid, given) = (url.clone(), key.key_id().to_owned(), secrets.clone());
        let make = move || {
            let managed = self.managed(kid, public, given);
            let data = Data::generate(seed, self.size, &base);
            let shared = Shared::new(base, seed, data, Access::new(managed, self.quirks, seed), Windows::new(self.limits));
            shared.clock.set_skew(skew);
            shared.use_api_tokens();
            Arc::new(shared)
        };
        let (running, shared) = server::run(listener, make)?;
        // The thread ends without an answer only by a panic, which it has printed.
        let shared = shared.await.map_err(|_| io::Error::other("the org could not be made"))?;
        Ok(OktaEmulator::new(url, client_id, key, secrets, Org { shared }, running))
    }

    /// The apps and the API tokens of the org.
    fn managed(&self, kid: String, key: PublicKey, secrets: Secrets) -> Managed {
        let mut managed = Managed::new(self.seed, data::apps(self.seed, self.size.apps));
        managed.add_api_token("Setup".to_owned(), secrets.setup, Role::SuperAdmin, FOUNDED);
        managed.add_api_token("Reader".to_owned(), secrets.reader, Role::ReadOnlyAdmin, FOUNDED);
        let place = managed.reader;
        if self.reader == Reader::Absent {
            // Its id stays free, so that it never becomes that of another app.
            _ = managed.id(Kind::App);
            return managed;
        }
        new_service_app(&mut managed, "Emulated reader", FOUNDED);
        managed.register_key(place, kid, key, FOUNDED);
        managed.assign_role(place, Role::ReadOnlyAdmin, FOUNDED, Span::default());
        let client_id = managed.app(place).and_then(|app| app.client_id()).unwrap_or_default().to_owned();
        let by = (Id::new(self.seed, Kind::User, 0).to_string(), "User");
        for scope in SCOPES {
            let (id, client_id, scope) = (managed.id(Kind::Grant), client_id.clone(), scope.to_owned());
            managed.grants.push(Grant { id, client_id, scope, created: FOUNDED, by: by.clone(), span: Span::default() });
        }
        if let Some(client) = managed.app_mut(place).and_then(|app| app.client.as_mut()) {
            client.dpop = self.dpop;
        }
        managed
    }
}

/// The API tokens that are there from the start.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// Reads everything.
    pub(crate) reader: String,
    /// Belongs to the super admin.
    pub(crate) setup: String,
}

/// Forty-two characters, as API tokens have.
fn secret(seed: u64, prefix: &str) -> String {
    format!("{prefix}{}", letters(digest(seed ^ u64::from(std::process::id()), prefix.as_bytes()), 39))
}
