//! Changing the key of an app whose changes take a moment to show.

use super::{Org, World, app, fault, reply};
use crate::provision::spec::{AppSpec, KeySource};
use crate::provision::steps::is_key;
use crate::{KeyKind, NewKey, SigningKey};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;

const POST: &str = "POST /api/v1/apps/0oa1/credentials/jwks";
const LOOK: &str = "GET /api/v1/apps/0oa1";

fn key(id: &str, kid: &str, status: &str) -> Value {
    json!({"id": id, "kid": kid, "status": status, "kty": "EC", "crv": "P-256", "x": "x", "y": kid})
}

fn with_keys(keys: &[Value]) -> Value {
    let mut app = app("0oa1", "Sync");
    app["settings"]["oauthClient"]["jwks"]["keys"] = json!(keys);
    app
}

/// The new key, and an app with this one and two old ones.
fn rotating() -> (SigningKey, Value) {
    let new = NewKey::generate(KeyKind::Es256).unwrap().signing_key().clone();
    let mut own = serde_json::to_value(new.public_jwk().unwrap()).unwrap();
    own["id"] = json!("pks9");
    (new, with_keys(&[key("pks1", "old", "ACTIVE"), key("pks2", "older", "INACTIVE"), own]))
}

fn key_ids(org: &mut Org) -> Vec<Value> {
    org.keys("0oa1").unwrap().iter().map(|key| key["id"].clone()).collect()
}

#[tokio::test]
async fn a_new_key_that_shows_a_moment_later_is_not_registered_twice() {
    let world = World::of(|line, org, _| match line {
        // The first look after it was registered shows the app as it was.
        LOOK if org.count(POST) == 1 && org.log.iter().rev().skip(1).take_while(|line| *line != POST).count() == 0 => {
            Some(reply(200, app("0oa1", "Sync")))
        }
        POST if org.count(POST) > 1 => Some(fault(400, "E0000001")),
        _ => None,
    })
    .await;
    world.org().apps = vec![app("0oa1", "Sync")];
    let new = NewKey::generate(KeyKind::Es256).unwrap();
    world.provisioner().admin.have_key("0oa1", &new.signing_key().public_jwk().unwrap()).await.unwrap();
    assert_eq!(world.count(POST), 1);
    assert!(world.timer.slept()[0] >= Duration::from_millis(250), "{:?}", world.timer.slept());
}

/// As after a rotation that was interrupted when the key was registered.
#[tokio::test]
async fn a_key_that_is_refused_because_it_is_there_is_looked_for() {
    let world = World::of(|line, org, _| match line {
        LOOK if org.count(LOOK) < 4 => Some(reply(200, app("0oa1", "Sync"))),
        POST => Some(fault(400, "E0000001")),
        _ => None,
    })
    .await;
    world.org().apps = vec![app("0oa1", "Sync")];
    let new = NewKey::generate(KeyKind::Es256).unwrap();
    world.provisioner().admin.have_key("0oa1", &new.signing_key().public_jwk().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_okta_does_not_take_is_told_soon() {
    let world = World::of(|line, org, _| {
        (line == POST).then(|| {
            org.keys("0oa1").unwrap().clear();
            fault(400, "E0000001")
        })
    })
    .await;
    world.org().apps = vec![app("0oa1", "Sync")];
    let new = NewKey::generate(KeyKind::Es256).unwrap();
    let error = world.provisioner().admin.have_key("0oa1", &new.signing_key().public_jwk().unwrap()).await.unwrap_err();
    assert_eq!(error.detail().and_then(|detail| detail.code.as_deref()), Some("E0000001"));
    assert!(world.count(POST) <= 6, "{}", world.count(POST));
}

#[tokio::test]
async fn a_plan_names_the_other_keys_that_the_app_signs_in_with() {
    let (new, whole) = rotating();
    let world = World::new().await;
    world.org().apps = vec![whole];
    let plan = async |key: &SigningKey| {
        let spec = AppSpec::new("Sync", KeySource::Private(key.clone())).unwrap();
        world.provisioner().plan(&spec).await.unwrap().other_keys
    };
    assert_eq!(plan(&new).await, ["old"], "the older one is inactive");
    let another = NewKey::generate(KeyKind::Es256).unwrap();
    assert_eq!(plan(another.signing_key()).await, ["old", new.key_id()]);
}

#[tokio::test]
async fn old_keys_go_although_a_list_shows_them_as_they_were() {
    let (new, whole) = rotating();
    let stale = Mutex::new(Some(whole.clone()));
    let world = World::of(move |line, org, _| match line {
        // It is inactive already when it is deactivated, which is refused.
        "POST /api/v1/apps/0oa1/credentials/jwks/pks1/lifecycle/deactivate" => Some(fault(400, "E0000001")),
        LOOK if org.count(LOOK) < 3 => stale.lock().unwrap().clone().map(|whole| reply(200, whole)),
        _ => None,
    })
    .await;
    world.org().apps = vec![whole];
    let jwk = new.public_jwk().unwrap();
    world.provisioner().admin.retire_keys("0oa1", |key| !is_key(key, &jwk)).await.unwrap();
    assert_eq!(key_ids(&mut world.org()), ["pks9"]);
}

#[tokio::test]
async fn old_keys_that_go_at_once_are_not_waited_for() {
    let (new, whole) = rotating();
    let world = World::new().await;
    world.org().apps = vec![whole];
    let jwk = new.public_jwk().unwrap();
    world.provisioner().admin.retire_keys("0oa1", |key| !is_key(key, &jwk)).await.unwrap();
    assert_eq!(key_ids(&mut world.org()), ["pks9"]);
    assert_eq!(world.timer.slept(), [] as [Duration; 0]);
}
