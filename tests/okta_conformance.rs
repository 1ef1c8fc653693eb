//! The suite for providers, run for the one that reads Okta, over HTTP against an emulated org that holds what the suite seeds.

#[path = "okta_conformance/fixture.rs"]
mod fixture;
#[path = "okta_conformance/world.rs"]
mod world;

use fixture::{Denial, Emulated};
use idsync::IdentityProvider;
use idsync::conformance::provider;
use idsync::okta::{Deprovisioned, Everyone};
use idsync_okta_emulator::{Dpop, GroupsWithoutRole};
use std::sync::Arc;

#[tokio::test]
async fn okta_keeps_every_promise_for_users_who_are_not_deactivated() {
    let fixture = Emulated::start(Denial::Role(GroupsWithoutRole::Forbidden)).await;
    provider::all(&fixture).await.assert_passed_skipping(&[]);
}

#[tokio::test]
async fn okta_keeps_every_promise_for_all_users_and_the_members_of_everyone() {
    let fixture = Emulated::start(Denial::Role(GroupsWithoutRole::EmptyList)).await;
    let fixture = fixture.with_scope(Deprovisioned::Include, Everyone::Include);
    provider::all(&fixture).await.assert_passed_skipping(&[]);
}

#[tokio::test]
async fn okta_keeps_every_promise_as_one_provider_of_many_and_with_proof_of_possession() {
    let fixture = Emulated::start(Denial::Scope).await;
    fixture.org().set_dpop(Dpop::Required);
    let fixture = fixture.handing_out(|okta| {
        let any: Arc<dyn IdentityProvider> = Arc::new(okta);
        Arc::new(any)
    });
    provider::all(&fixture).await.assert_passed_skipping(&[]);
}
