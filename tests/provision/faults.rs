//! Interrupted at every single request, before and after the org acted: the next call ends with exactly one app.

use crate::world::{LABEL, World};
use idsync::okta::{AppSpec, Connection, KeyKind, KeySource, NewKey, OktaProvisioner, RetryPolicy, TokenBinding};
use idsync_okta_emulator::{BodyShape, Calls, Fault, FaultKind, KeyStatus};
use std::time::Duration;

/// How a request goes wrong.
fn kinds() -> [FaultKind; 4] {
    [FaultKind::Reset, FaultKind::LostAnswer, FaultKind::Status(503, BodyShape::Empty), FaultKind::StatusAfter(500, BodyShape::Okta)]
}

/// A provisioner without patience, so that one fault is enough to end it.
fn hasty(world: &World) -> OktaProvisioner {
    world.builder().retry(RetryPolicy::new(1, Duration::from_secs(5))).grace(Duration::ZERO).build().unwrap()
}

fn assert_as_wanted(world: &World, connection: &Connection, what: &str) {
    let app = world.the_app();
    assert_eq!(app.id, connection.app_id, "{what}");
    let mut scopes: Vec<_> = app.grants.iter().map(|grant| grant.scope.as_str()).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["okta.groups.read", "okta.users.read"], "{what}");
    assert_eq!((app.roles.len(), app.keys.len()), (1, 1), "{what}");
    assert!(app.keys.iter().all(|key| key.status == KeyStatus::Active), "{what}");
    let org = world.emulator.org();
    assert_eq!((org.custom_roles().len(), org.resource_sets().len()), (1, 1), "{what}");
}

#[tokio::test]
async fn row43_row44_apply_that_ends_at_any_request_is_made_up_for() {
    let clean = World::small().await;
    clean.apply(&clean.plain_spec()).await.unwrap();
    let requests = clean.emulator.requests().total() as u64;
    assert!(requests > 15, "{requests}");
    for kind in kinds() {
        for request in 0..requests {
            let world = World::small().await;
            let what = format!("{kind:?} at request {request} of {requests}");
            let fault = world.emulator.faults().add(Fault::new(kind.clone()).skip(request).times(1));
            let provisioner = hasty(&world);
            if let Ok(plan) = provisioner.plan(&world.plain_spec()).await {
                _ = provisioner.apply(&plan).await;
            }
            assert_eq!(fault.fired(), 1, "{what}");
            world.emulator.faults().clear();
            let connection = world.apply(&world.plain_spec()).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_as_wanted(&world, &connection, &what);
            let provisioner = world.provisioner();
            provisioner.revoke_setup_token().await.unwrap();
            world.assert_token_is_dead_and_unused();
        }
    }
}

/// The same with a provisioner that is patient, and so ends well by itself.
#[tokio::test]
async fn row44_one_fault_does_not_end_an_apply() {
    let clean = World::small().await;
    clean.apply(&clean.plain_spec()).await.unwrap();
    let writes = clean.emulator.requests().writing().count() as u64;
    for kind in [FaultKind::LostAnswer, FaultKind::StatusAfter(500, BodyShape::Okta), FaultKind::Ignored] {
        for write in 0..writes {
            let world = World::small().await;
            let what = format!("{kind:?} at write {write} of {writes}");
            let fault = world.emulator.faults().add(Fault::new(kind.clone()).of_calls(Calls::Writing).skip(write).times(1));
            let connection = world.apply(&world.plain_spec()).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_eq!(fault.fired(), 1, "{what}");
            assert_as_wanted(&world, &connection, &what);
        }
    }
}

#[tokio::test]
async fn row43_a_rotation_that_ends_at_any_request_is_made_up_for() {
    let new = NewKey::generate(KeyKind::Es256).unwrap().signing_key().clone();
    let clean = World::small().await;
    let connection = clean.apply(&clean.plain_spec()).await.unwrap();
    clean.emulator.clear_requests();
    clean.provisioner().rotate_key(&connection, &new, |_| Ok(())).await.unwrap();
    let requests = clean.emulator.requests().total() as u64;
    for kind in kinds() {
        for request in 0..requests {
            let world = World::small().await;
            let what = format!("{kind:?} at request {request} of {requests}");
            let connection = world.apply(&world.plain_spec()).await.unwrap();
            let fault = world.emulator.faults().add(Fault::new(kind.clone()).skip(request).times(1));
            _ = hasty(&world).rotate_key(&connection, &new, |_| Ok(())).await;
            assert_eq!(fault.fired(), 1, "{what}");
            world.emulator.faults().clear();
            let rotated =
                world.provisioner().rotate_key(&connection, &new, |_| Ok(())).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_as_wanted(&world, &rotated, &what);
            assert_eq!(world.the_app().keys[0].kid.as_deref(), Some(new.key_id()), "{what}");
            let spec = AppSpec::new(LABEL, KeySource::Private(new.clone())).unwrap().with_binding(TokenBinding::Bearer);
            assert_eq!(world.provisioner().plan(&spec).await.unwrap().steps, [], "{what}");
        }
    }
}

#[tokio::test]
async fn row43_a_teardown_that_ends_at_any_request_is_made_up_for() {
    let clean = World::small().await;
    let connection = clean.apply(&clean.plain_spec()).await.unwrap();
    clean.emulator.clear_requests();
    clean.provisioner().teardown(&connection).await.unwrap();
    let requests = clean.emulator.requests().total() as u64;
    for kind in kinds() {
        for request in 0..requests {
            let world = World::small().await;
            let what = format!("{kind:?} at request {request} of {requests}");
            let others = world.others();
            let connection = world.apply(&world.plain_spec()).await.unwrap();
            let fault = world.emulator.faults().add(Fault::new(kind.clone()).skip(request).times(1));
            _ = hasty(&world).teardown(&connection).await;
            assert_eq!(fault.fired(), 1, "{what}");
            world.emulator.faults().clear();
            world.provisioner().teardown(&connection).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let org = world.emulator.org();
            assert_eq!((world.apps(), org.custom_roles().len(), org.resource_sets().len()), (0, 0, 0), "{what}");
            assert_eq!(world.others(), others, "{what}");
        }
    }
}

/// A run that is killed leaves a request of which it never learns the answer.
#[tokio::test]
async fn row43_apply_that_is_killed_during_any_request_is_made_up_for() {
    let clean = World::small().await;
    clean.apply(&clean.plain_spec()).await.unwrap();
    let requests = clean.emulator.requests().total() as u64;
    for request in 0..requests {
        let world = World::small().await;
        let what = format!("killed during request {request} of {requests}");
        let fault = world.emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_secs(60))).skip(request).times(1));
        let (provisioner, spec) = (world.provisioner(), world.plain_spec());
        let run = async {
            let plan = provisioner.plan(&spec).await.unwrap();
            provisioner.apply(&plan).await.map(drop)
        };
        let struck = async {
            while fault.fired() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            ended = run => panic!("{what}: it ended before: {ended:?}"),
            () = struck => {}
        }
        world.emulator.faults().clear();
        let connection = world.apply(&world.plain_spec()).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_as_wanted(&world, &connection, &what);
    }
}
