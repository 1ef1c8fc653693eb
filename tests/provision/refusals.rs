//! What a person meets who lacks something: each case its own message with the next step, and nothing half-made behind.

use crate::world::{LABEL, World};
use idsync::Secret;
use idsync::okta::{ApiToken, Error, OktaProvisioner, OrgUrl, ProvisionError, RetryPolicy, SetupFault};
use idsync_okta_emulator::{BodyShape, CustomRoles, Endpoint, Fault, FaultKind, Method, Network, OktaEmulator, Role};
use serde_json::json;
use std::time::Duration;

fn fault_of(error: &Error) -> Option<&SetupFault> {
    match error {
        Error::Setup { fault, .. } => Some(fault),
        _ => None,
    }
}

fn with_token(emulator: &OktaEmulator, token: &str) -> OktaProvisioner {
    let token = ApiToken::new(Secret::new(token.to_owned()));
    let builder = OktaProvisioner::builder(OrgUrl::parse_or_local(emulator.url()).unwrap(), token);
    builder.retry(RetryPolicy::new(3, Duration::from_secs(5))).grace(Duration::from_millis(100)).build().unwrap()
}

#[tokio::test]
async fn p18_a_token_of_anybody_but_a_super_administrator_is_told_so_before_anything_is_written() {
    let world = World::new().await;
    for role in [Role::OrgAdmin, Role::ReadOnlyAdmin, Role::HelpDeskAdmin] {
        let token = world.emulator.org().create_api_token(role);
        let error = with_token(&world.emulator, token.secret()).plan(&world.spec()).await.unwrap_err();
        assert_eq!(fault_of(&error), Some(&SetupFault::NotSuperAdmin), "{role:?}: {error:?}");
        assert!(error.remedy().unwrap().contains("ask a super administrator"), "{error}");
    }
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn p18_a_token_that_is_wrong_or_revoked_is_told_so() {
    let world = World::new().await;
    let revoked = world.emulator.org().create_api_token(Role::SuperAdmin);
    assert!(world.emulator.org().revoke_api_token(revoked.id()));
    for token in ["00nobodyknowsthis", revoked.secret()] {
        let error = with_token(&world.emulator, token).preflight().await.unwrap_err();
        assert_eq!(fault_of(&error), Some(&SetupFault::TokenRefused), "{error:?}");
    }
}

#[tokio::test]
async fn p18_a_host_that_is_no_org_is_told_so_and_never_sees_the_token() {
    let world = World::new().await;
    world.emulator.faults().add(Fault::new(FaultKind::Status(404, BodyShape::Html)).on(Endpoint::Discovery).always());
    let error = world.provisioner().preflight().await.unwrap_err();
    assert!(matches!(error, Error::NotAnOrg { .. }), "{error:?}");
    assert!(world.emulator.requests().entries().iter().all(|entry| entry.credential.is_none()));
}

#[tokio::test]
async fn p18_a_full_org_is_told_so() {
    let world = World::new().await;
    world.quirks(|quirks| quirks.app_quota = Some(0));
    let error = world.apply(&world.spec()).await.unwrap_err();
    assert_eq!(fault_of(&error.source), Some(&SetupFault::AppQuota), "{error:?}");
    assert_eq!(world.apps(), 0);
}

#[tokio::test]
async fn p18_a_scope_that_okta_does_not_grant_is_named() {
    let world = World::new().await;
    let refusal = FaultKind::Status(400, BodyShape::Okta);
    world.emulator.faults().add(Fault::new(refusal).on(Endpoint::Grants).of_method(Method::Post).skip(2).always());
    let spec = world.spec().with_scopes(["okta.users.read", "okta.groups.read", "okta.logs.read"]).unwrap();
    let error = world.apply(&spec).await.unwrap_err();
    assert_eq!(fault_of(&error.source), Some(&SetupFault::ScopeRefused { scope: "okta.logs.read".to_owned() }), "{error:?}");
    assert!(!error.stands.is_empty());
}

#[tokio::test]
async fn p18_rights_that_go_on_the_way_are_told_with_what_stands() {
    let world = World::new().await;
    let token = world.emulator.org().create_api_token(Role::SuperAdmin);
    let provisioner = with_token(&world.emulator, token.secret());
    let plan = provisioner.plan(&world.spec()).await.unwrap();
    world.emulator.org().set_role_of_api_token(token.id(), Role::AppAdmin);
    let ProvisionError { source, stands, .. } = provisioner.apply(&plan).await.unwrap_err();
    assert!(matches!(fault_of(&source), Some(SetupFault::NotSuperAdmin | SetupFault::NotAllowed)), "{source:?}");
    assert!(stands.is_empty() || world.apps() == 1, "{stands:?}");
}

#[tokio::test]
async fn p18_a_network_zone_that_keeps_the_token_out_is_told_so() {
    let world = World::new().await;
    world.quirks(|quirks| quirks.network = Network::Outside);
    let error = world.provisioner().preflight().await.unwrap_err();
    assert_eq!(fault_of(&error), Some(&SetupFault::Address), "{error:?}");
}

#[tokio::test]
async fn p18_an_org_without_custom_roles_is_told_so_where_one_is_asked_for() {
    let world = World::new().await;
    world.quirks(|quirks| quirks.custom_roles = CustomRoles::Forbidden);
    let error = world.provisioner().plan(&world.spec().with_role(idsync::okta::WantedRole::Custom)).await.unwrap_err();
    assert!(matches!(fault_of(&error), Some(SetupFault::FeatureMissing | SetupFault::NotAllowed)), "{error:?}");
}

#[tokio::test]
async fn a_custom_role_that_was_not_made_here_is_neither_used_nor_changed() {
    let world = World::new().await;
    let label = format!("{LABEL} (directory reader)");
    let role = json!({"label": label, "description": "made by hand", "permissions": ["okta.users.manage"]});
    world.post("/api/v1/iam/roles", role).await;
    let writes = world.writes();
    let error = world.provisioner().plan(&world.spec()).await.unwrap_err();
    assert!(matches!(fault_of(&error), Some(SetupFault::ForeignRole { .. })), "{error:?}");
    assert_eq!(world.writes(), writes);
}

#[tokio::test]
async fn p02_a_role_that_shows_nobody_is_no_proof() {
    let world = World::new().await;
    let connection = world.apply(&world.spec()).await.unwrap();
    world.emulator.org().take_away_roles(&connection.app_id);
    let provisioner = with_token(&world.emulator, world.emulator.setup_token());
    let error = provisioner.verify(&connection, &world.key).await.unwrap_err();
    assert!(matches!(error, Error::EmptyDirectory { .. } | Error::Role { .. }), "{error:?}");
    assert!(error.remedy().unwrap().contains("Read-Only Administrator"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_does_no_harm() {
    for seconds in [-86_400, 86_400] {
        let world = World::new().await;
        world.emulator.org().set_clock_skew(seconds);
        world.apply(&world.spec()).await.unwrap();
    }
}

#[tokio::test]
async fn p15_the_tiny_limit_of_apps_is_waited_for() {
    let world = World::new().await;
    let fault =
        world.emulator.faults().add(Fault::new(FaultKind::BucketLimit429(Duration::from_secs(1))).on(Endpoint::Apps).skip(1).times(2));
    world.apply(&world.spec()).await.unwrap();
    assert_eq!(fault.fired(), 2);
    assert_eq!(world.apps(), 1);
}

#[test]
fn labels_and_scopes_that_cannot_be_are_refused() {
    let key = || idsync::okta::NewKey::generate(idsync::okta::KeyKind::Es256).unwrap().signing_key().clone();
    let spec = |label: &str| idsync::okta::AppSpec::new(label, idsync::okta::KeySource::Private(key())).ok();
    for label in ["", " ", " padded", "two\nlines", &"x".repeat(101)] {
        assert!(spec(label).is_none(), "{label:?}");
    }
    for scopes in [vec![], vec!["okta.users.manage"], vec!["openid"], vec!["okta.users.read okta.groups.read"]] {
        assert!(spec(LABEL).unwrap().with_scopes(scopes.clone()).is_err(), "{scopes:?}");
    }
}
