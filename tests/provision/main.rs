//! An app from its first key to its end, against the emulated org, and whatever can come in between.

mod faults;
mod refusals;
mod schema;
mod world;

use idsync::engine::SyncEngine;
use idsync::okta::{AppRole, AppSpec, Error, KeyKind, KeySource, NewKey, OktaProvider, SetupFault, Step, TokenBinding, WantedRole};
use idsync::sqlite::SqliteFile;
use idsync_okta_emulator::{AdminApps, AppStatus, Credential, CustomRoles, Dpop, KeyStatus, OktaEmulator, Role, TruthRole};
use idsync_tests::Contents;
use std::time::Duration;
use world::{LABEL, World};

#[tokio::test]
async fn plan_apply_verify_sync_rotate_sync_teardown() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("directory.db");
    let provisioner = world.provisioner();

    let plan = provisioner.plan(&world.spec()).await.unwrap();
    assert_eq!(plan.app_id, None);
    assert_eq!(plan.steps.first(), Some(&Step::CreateApp));
    assert_eq!(world.writes(), 0, "a plan writes nothing");
    let connection = provisioner.apply(&plan).await.unwrap();
    assert!(matches!(connection.role, AppRole::Custom { .. }), "{:?}", connection.role);
    let app = world.the_app();
    assert_eq!((app.id.as_str(), app.dpop), (connection.app_id.as_str(), Dpop::Required));
    assert_eq!(app.grants.iter().map(|grant| grant.scope.as_str()).collect::<Vec<_>>(), ["okta.users.read", "okta.groups.read"]);
    let proof = provisioner.verify(&connection, &world.key).await.unwrap();
    assert!(proof.users > 0 && proof.groups > 0 && proof.members > 0, "{proof:?}");

    let writes = world.writes();
    let again = provisioner.plan(&world.spec()).await.unwrap();
    assert_eq!((again.app_id.as_deref(), &again.steps), (Some(connection.app_id.as_str()), &vec![]));
    assert_eq!(provisioner.apply(&again).await.unwrap(), connection);
    assert_eq!(world.writes(), writes, "a second apply makes no writing call at all");

    let file = SqliteFile::open(&database).await.unwrap();
    let sync = async |connection: &idsync::okta::Connection, key| {
        let client = connection.client(key).unwrap().build().unwrap();
        let engine = SyncEngine::builder(OktaProvider::new(client), file.store(), file.sink()).build();
        engine.sync().await
    };
    sync(&connection, &world.key).await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_org(&world.emulator));

    let new = NewKey::generate(KeyKind::Rsa3072).unwrap().signing_key().clone();
    let kept = std::sync::Mutex::new(None);
    let rotated = provisioner
        .rotate_key(&connection, &new, |connection| {
            assert_eq!(world.the_app().keys.len(), 2, "the old key still works when the new one is kept");
            *kept.lock().unwrap() = Some(connection.clone());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(kept.into_inner().unwrap().as_ref(), Some(&rotated));
    let keys: Vec<_> = world.the_app().keys.into_iter().filter_map(|key| key.kid).collect();
    assert_eq!(keys, [new.key_id()], "the old one is gone");
    world.emulator.org().create_group("Made later", None);
    sync(&rotated, &new).await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_org(&world.emulator));
    assert!(sync(&connection, &world.key).await.is_err(), "with the old key nothing is read any more");

    let others = world.others();
    let removed = provisioner.teardown(&rotated).await.unwrap();
    assert!(removed.removed.iter().any(|what| *what == format!("app {}", rotated.app_id)), "{removed:?}");
    assert_eq!((world.apps(), world.others()), (0, others), "ours is gone, and nothing else");
    assert_eq!((world.emulator.org().custom_roles().len(), world.emulator.org().resource_sets().len()), (0, 0));
    assert_eq!(provisioner.teardown(&rotated).await.unwrap().removed, [] as [&str; 0], "twice is fine");

    provisioner.revoke_setup_token().await.unwrap();
    provisioner.revoke_setup_token().await.unwrap();
    world.assert_token_is_dead_and_unused();
}

#[tokio::test]
async fn the_role_and_the_binding_are_those_that_were_asked_for() {
    for (role, binding, key) in [
        (WantedRole::ReadOnlyAdmin, TokenBinding::Bearer, KeyKind::Es256),
        (WantedRole::Custom, TokenBinding::Dpop, KeyKind::Rsa3072),
        (WantedRole::LeastPrivilege, TokenBinding::Bearer, KeyKind::Rsa3072),
    ] {
        let world = World::new().await;
        let key = NewKey::generate(key).unwrap().signing_key().clone();
        let spec = AppSpec::new(LABEL, KeySource::Private(key)).unwrap().with_role(role).with_binding(binding);
        let connection = world.apply(&spec).await.unwrap();
        assert_eq!(connection.role == AppRole::ReadOnlyAdmin, role == WantedRole::ReadOnlyAdmin);
        assert_eq!(world.the_app().roles.len(), 1);
        assert_eq!(world.the_app().dpop == Dpop::Required, binding == TokenBinding::Dpop);
        let json = serde_json::to_string(&connection).unwrap();
        assert_eq!(serde_json::from_str::<idsync::okta::Connection>(&json).unwrap(), connection);
    }
}

#[tokio::test]
async fn without_custom_roles_the_app_gets_the_standard_role_and_keeps_it() {
    let world = World::new().await;
    world.quirks(|quirks| quirks.custom_roles = CustomRoles::FeatureMissing);
    let connection = world.apply(&world.spec()).await.unwrap();
    assert_eq!(connection.role, AppRole::ReadOnlyAdmin);
    world.quirks(|quirks| quirks.custom_roles = CustomRoles::Available);
    let writes = world.writes();
    assert_eq!(world.apply(&world.spec()).await.unwrap().role, AppRole::ReadOnlyAdmin);
    assert_eq!(world.writes(), writes);

    let world = World::new().await;
    world.quirks(|quirks| quirks.custom_roles = CustomRoles::FeatureMissing);
    let error = world.provisioner().plan(&world.spec().with_role(WantedRole::Custom)).await.unwrap_err();
    assert!(matches!(error, Error::Setup { fault: SetupFault::FeatureMissing, .. }), "{error:?}");
}

#[tokio::test]
async fn what_has_drifted_is_told_and_repaired() {
    type Drift = fn(&OktaEmulator, &str, &str);
    let drifts: [(&str, Drift); 8] = [
        ("grant the scope okta.groups.read", |emulator, app, _| assert!(emulator.org().take_away_grant(app, "okta.groups.read"))),
        ("revoke the scope okta.logs.read, which is not wanted", |emulator, app, _| {
            assert!(emulator.org().grant_scope(app, "okta.logs.read"))
        }),
        ("assign the custom role to the app", |emulator, app, _| assert!(emulator.org().take_away_roles(app))),
        ("take the role SUPER_ADMIN away from the app", |emulator, app, _| assert!(emulator.org().give_role(app, Role::SuperAdmin))),
        ("activate the app", |emulator, app, _| assert!(emulator.org().set_app_status(app, AppStatus::Inactive))),
        ("update the app: bind its tokens to a key", |emulator, app, _| assert!(emulator.org().set_app_dpop(app, Dpop::NotRequired))),
        ("activate the key of the app", |emulator, app, kid| assert!(emulator.org().set_key_status(app, kid, KeyStatus::Inactive))),
        ("take the role READ_ONLY_ADMIN away from the app", |emulator, app, _| {
            assert!(emulator.org().give_role(app, Role::ReadOnlyAdmin));
        }),
    ];
    for (told, drift) in drifts {
        let world = World::new().await;
        let connection = world.apply(&world.spec()).await.unwrap();
        drift(&world.emulator, &connection.app_id, world.key.key_id());
        let plan = world.provisioner().plan(&world.spec()).await.unwrap();
        let steps: Vec<_> = plan.steps.iter().map(ToString::to_string).collect();
        assert!(steps.iter().any(|step| step == told), "{told}: {steps:?}");
        assert_eq!(world.apply(&world.spec()).await.unwrap(), connection, "{told}");
        assert_eq!(world.provisioner().plan(&world.spec()).await.unwrap().steps, [], "{told}: repaired");
        let app = world.the_app();
        assert_eq!((app.roles.len(), app.grants.len(), app.status), (1, 2, AppStatus::Active), "{told}");
    }
}

#[tokio::test]
async fn an_app_that_refuses_changes_while_it_has_a_role_is_changed_without_one() {
    let world = World::new().await;
    world.quirks(|quirks| quirks.admin_apps = AdminApps::ChangedByNobody);
    let connection = world.apply(&world.spec()).await.unwrap();
    world.emulator.org().set_app_dpop(&connection.app_id, Dpop::NotRequired);
    assert_eq!(world.apply(&world.spec()).await.unwrap(), connection);
    let app = world.the_app();
    assert_eq!((app.dpop, app.roles.len()), (Dpop::Required, 1));
}

#[tokio::test]
async fn another_key_is_added_and_the_first_stays() {
    let world = World::new().await;
    world.apply(&world.spec()).await.unwrap();
    let other = NewKey::generate(KeyKind::Es256).unwrap().signing_key().clone();
    let spec = AppSpec::new(LABEL, KeySource::Private(other.clone())).unwrap();
    assert_eq!(world.provisioner().plan(&spec).await.unwrap().steps, [Step::AddKey]);
    let connection = world.apply(&spec).await.unwrap();
    assert_eq!((connection.key_id.as_deref(), world.the_app().keys.len()), (Some(other.key_id()), 2));
}

#[tokio::test]
async fn keys_may_stay_elsewhere() {
    let world = World::new().await;
    let spec = AppSpec::new(LABEL, KeySource::Public(world.key.public_jwk().unwrap())).unwrap();
    let connection = world.apply(&spec).await.unwrap();
    assert!(world.provisioner().verify(&connection, &world.key).await.unwrap().users > 0);

    let world = World::new().await;
    let address = "https://keys.example.com/jwks";
    world.emulator.org().publish_keys(address, &[serde_json::to_value(world.key.public_jwk().unwrap()).unwrap()]);
    let spec = AppSpec::new(LABEL, KeySource::JwksUri(address.parse().unwrap())).unwrap();
    let connection = world.apply(&spec).await.unwrap();
    assert_eq!(connection.key_id, None);
    assert!(world.provisioner().verify(&connection, &world.key).await.unwrap().users > 0);
    let writes = world.writes();
    world.apply(&spec).await.unwrap();
    assert_eq!(world.writes(), writes);
}

#[tokio::test]
async fn a_role_that_the_org_gives_to_every_new_app_is_taken_away() {
    let world = World::new().await;
    world.emulator.org().set_role_of_new_apps(Role::SuperAdmin);
    world.apply(&world.spec()).await.unwrap();
    assert!(
        world.the_app().roles.iter().all(|role| !matches!(role, TruthRole::Standard { role: Role::SuperAdmin, .. })),
        "{:?}",
        world.the_app().roles
    );
}

#[tokio::test]
async fn an_app_that_was_not_made_here_is_left_alone() {
    let world = World::new().await;
    let foreign = world.emulator.org().create_app(LABEL);
    world.emulator.org().create_app(&format!("{LABEL} of somebody else"));
    let error = world.provisioner().plan(&world.spec()).await.unwrap_err();
    assert!(matches!(&error, Error::Setup { fault: SetupFault::ForeignApp { app_id }, .. } if *app_id == foreign), "{error:?}");
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn it_takes_a_while_until_grants_and_roles_count() {
    let world = World::new().await;
    world.emulator.org().set_access_delay(6);
    world.apply(&world.spec()).await.unwrap();

    let world = World::new().await;
    world.emulator.org().set_access_delay(100_000);
    let provisioner = world.builder().grace(Duration::from_millis(300)).build().unwrap();
    let plan = provisioner.plan(&world.spec()).await.unwrap();
    let error = provisioner.apply(&plan).await.unwrap_err();
    assert!(!error.stands.is_empty(), "what was made stands, and is told");
    world.emulator.org().set_access_delay(0);
    let removed = provisioner.undo(&error.stands).await.unwrap();
    assert!(!removed.removed.is_empty());
    assert_eq!((world.apps(), world.emulator.org().custom_roles().len(), world.emulator.org().resource_sets().len()), (0, 0, 0));
}

#[tokio::test]
async fn the_share_of_the_rate_limits_is_set_once() {
    let world = World::new().await;
    let share = idsync::okta::RateShare::percent(75).unwrap();
    let spec = world.spec().with_rate_share(share);
    world.apply(&spec).await.unwrap();
    let writes = world.writes();
    world.apply(&spec).await.unwrap();
    assert_eq!(world.writes(), writes);
    let other = spec.with_rate_share(idsync::okta::RateShare::percent(60).unwrap());
    world.apply(&other).await.unwrap();
    assert_eq!(world.writes(), writes + 1);
}

#[tokio::test]
async fn the_setup_token_is_used_for_nothing_but_setting_up() {
    let world = World::new().await;
    world.apply(&world.spec()).await.unwrap();
    let provisioner = world.provisioner();
    provisioner.revoke_setup_token().await.unwrap();
    let log = world.emulator.requests();
    let read_with_it = log.entries().iter().any(|entry| {
        matches!(entry.credential, Some(Credential::ApiToken(_)))
            && (entry.path == "/api/v1/users" || entry.path.starts_with("/api/v1/groups"))
    });
    assert!(!read_with_it, "people are read with the new app alone");
}
