//! An emulated org in which everything can go wrong that the suite can ask for.

use crate::world::{self, Scope};
use async_trait::async_trait;
use idsync::conformance::provider::{Fault, Injected, Listing, ProviderFixture};
use idsync::okta::{Deprovisioned, Everyone, OktaProvider, PageSizes, READER_SCOPES, RetryPolicy};
use idsync::{EntryId, IdentityProvider, Result, Snapshot};
use idsync_okta_emulator::{
    AddedFault, BodyShape, Endpoint, Fault as OrgFault, FaultKind, GroupsWithoutRole, Malformed, OktaEmulator, Org, Role,
};
use idsync_tests::client_builder;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Another attempt for what may pass; the suite's own faults do not.
const PATIENCE: RetryPolicy = RetryPolicy::new(2, Duration::from_millis(500));
const LISTINGS: [Endpoint; 3] = [Endpoint::Users, Endpoint::Groups, Endpoint::Members];

/// How an org takes a permission away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Denial {
    /// The app loses its admin role, and group listings answer like this.
    Role(GroupsWithoutRole),
    /// The app loses the scope.
    Scope,
}

/// The fixture: one org, and one client that reads it.
pub(crate) struct Emulated {
    emulator: OktaEmulator,
    provider: OktaProvider,
    scope: Scope,
    denial: Denial,
    hand_out: fn(OktaProvider) -> Arc<dyn IdentityProvider>,
    injected: Mutex<Vec<AddedFault>>,
    seconds_passed: AtomicI64,
}

impl Emulated {
    pub(crate) async fn start(denial: Denial) -> Self {
        let emulator = OktaEmulator::builder().users(0).groups(0).memberships(0).start().await.unwrap();
        // Smaller than the listings of the suite, and different from each other.
        let pages = PageSizes::default().with_users(4).with_groups(3).with_groups_in_delta(3).with_members(5);
        let client = client_builder(&emulator).page_sizes(pages).retry(PATIENCE).build().unwrap();
        if let Denial::Role(groups) = denial {
            emulator.org().set_groups_without_role(groups);
        }
        let (provider, scope) = (OktaProvider::new(client), Scope::default());
        Self {
            emulator,
            provider,
            scope,
            denial,
            hand_out: |okta| Arc::new(okta),
            injected: Mutex::default(),
            seconds_passed: AtomicI64::new(0),
        }
    }

    pub(crate) fn with_scope(self, deprovisioned: Deprovisioned, everyone: Everyone) -> Self {
        let provider = self.provider.include_deprovisioned(deprovisioned).include_everyone(everyone);
        Self { provider, scope: Scope { deprovisioned, everyone }, ..self }
    }

    pub(crate) fn handing_out(self, hand_out: fn(OktaProvider) -> Arc<dyn IdentityProvider>) -> Self {
        Self { hand_out, ..self }
    }

    pub(crate) fn org(&self) -> &Org {
        self.emulator.org()
    }

    fn break_it(&self, fault: OrgFault) {
        self.injected.lock().unwrap().push(self.emulator.faults().add(fault));
    }

    fn repair(&self) {
        let injected: Vec<_> = self.injected.lock().unwrap().drain(..).collect();
        assert!(
            injected.is_empty() || injected.iter().any(|fault| fault.fired() > 0),
            "nothing was proven, for none has struck of {injected:?}"
        );
        self.emulator.faults().clear();
        self.org().set_role(Role::ReadOnlyAdmin);
        // A token that was issued with fewer scopes stays out, so that the provider has to see for itself that it needs another one.
        self.org().set_granted_scopes(&READER_SCOPES);
    }

    fn deny(&self, listing: Listing) {
        match (self.denial, listing) {
            // Without a role Okta answers a listing of members with an empty one, as for a group that is empty. Only the other listings,
            // and `check`, which the engine asks once more at the end of a read, show that the role is gone.
            (Denial::Role(_), Listing::Users | Listing::Groups) => self.org().set_role(Role::None),
            (_, Listing::Users) => self.leave_scopes(&["okta.groups.read"]),
            _ => self.leave_scopes(&["okta.users.read"]),
        }
    }

    fn leave_scopes(&self, scopes: &[&str]) {
        self.org().set_granted_scopes(scopes);
        // Tokens that are out would keep their scopes for an hour.
        self.org().revoke_tokens();
    }
}

#[async_trait]
impl ProviderFixture for Emulated {
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
        self.repair();
        self.org().replace(&world::truth(world));
        for (record, text) in world::unknown_kinds(world) {
            for &endpoint in endpoints(&record) {
                self.emulator
                    .faults()
                    .add(OrgFault::new(FaultKind::UnknownKind(text.clone())).on(endpoint).of_record(id(&record)).always());
            }
        }
        Ok((self.hand_out)(self.provider.clone()))
    }

    fn shown(&self, world: &Snapshot) -> Snapshot {
        world::shown(world, self.scope, &self.org().truth())
    }

    async fn inject(&self, fault: &Fault) -> Result<Injected> {
        match fault {
            Fault::Break(listing) => {
                let broken = FaultKind::Status(503, BodyShape::Okta);
                self.break_it(OrgFault::new(broken).on(endpoint(*listing)).skip(1).always());
            }
            Fault::Deny(listing) => self.deny(*listing),
            Fault::EmptyPages => {
                for endpoint in LISTINGS {
                    // Were it always, the listing would not end: each empty page leads to the one that it took the place of.
                    self.break_it(OrgFault::new(FaultKind::EmptyMiddlePage).on(endpoint).skip(1).times(2));
                    self.break_it(OrgFault::new(FaultKind::EmptyLastPage).on(endpoint).always());
                }
            }
            Fault::Malform(entry) => {
                for &endpoint in endpoints(entry) {
                    let malformed = FaultKind::MalformedRecord(Malformed::WrongTypes);
                    self.break_it(OrgFault::new(malformed).on(endpoint).of_record(id(entry)).always());
                }
            }
            Fault::Repeat => LISTINGS.iter().for_each(|at| self.break_it(OrgFault::new(FaultKind::RepeatedRows).on(*at).always())),
            _ => return Ok(Injected::NotOffered),
        }
        Ok(Injected::Done)
    }

    /// Okta counts in seconds.
    async fn pass_time(&self) -> Result<()> {
        let ahead = self.seconds_passed.fetch_add(1, Ordering::Relaxed) + 1;
        self.org().set_clock_skew(ahead);
        Ok(())
    }

    fn requests(&self) -> Option<u64> {
        Some(self.emulator.requests().total() as u64)
    }
}

fn endpoint(listing: Listing) -> Endpoint {
    match listing {
        Listing::Groups => Endpoint::Groups,
        Listing::Members => Endpoint::Members,
        Listing::Users => Endpoint::Users,
        other => panic!("the suite lists {other:?}, which this fixture does not know"),
    }
}

/// Where a record is shown.
fn endpoints(entry: &EntryId) -> &'static [Endpoint] {
    match entry {
        EntryId::Group(_) => &[Endpoint::Groups, Endpoint::Group],
        EntryId::User(_) => &[Endpoint::Users, Endpoint::User, Endpoint::Members],
        other => panic!("the suite knows {other}, which this fixture does not"),
    }
}

fn id(entry: &EntryId) -> &str {
    match entry {
        EntryId::Group(id) => id.as_str(),
        EntryId::User(id) => id.as_str(),
        other => panic!("the suite knows {other}, which this fixture does not"),
    }
}
