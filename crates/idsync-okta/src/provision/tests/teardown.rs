//! Removing an app that is not as it was made.

use super::{World, app, connection, reply};
use crate::error::{Error, SetupFault};
use crate::provision::connection::Connection;
use crate::provision::journal::{Journal, Made};
use crate::provision::spec::AppRole;
use crate::{KeyKind, NewKey, RetryPolicy};
use serde_json::json;
use std::time::Duration;
use wiremock::ResponseTemplate;

#[tokio::test]
async fn an_app_that_was_renamed_is_removed_and_not_taken_for_gone() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Renamed")];
    let removed = world.provisioner().teardown(&connection("0oa1")).await.unwrap();
    assert!(removed.removed.contains(&"app 0oa1".to_owned()), "{removed:?}");
    assert!(world.org().apps.is_empty());
}

#[tokio::test]
async fn of_two_apps_with_the_label_that_of_the_connection_is_removed() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Sync"), app("0oa2", "Sync")];
    world.provisioner().teardown(&connection("0oa2")).await.unwrap();
    let left: Vec<_> = world.org().apps.iter().map(|app| app["id"].clone()).collect();
    assert_eq!(left, ["0oa1"]);
}

fn names(error: &Error, wanted: &str) -> bool {
    matches!(error, Error::Setup { fault: SetupFault::MarkerGone { id }, .. } if id == wanted)
}

#[tokio::test]
async fn p18_an_app_whose_notes_were_written_over_is_neither_removed_nor_taken_for_gone() {
    let world = World::new().await;
    let mut noted = app("0oa1", "Sync");
    noted["settings"]["notes"]["admin"] = json!("ask Ana");
    world.org().apps = vec![noted];
    let provisioner = world.provisioner();
    let error = provisioner.teardown(&connection("0oa1")).await.unwrap_err();
    assert!(names(&error, "0oa1"), "{error:?}");
    assert!(error.remedy().unwrap().contains("notes for administrators"), "{error:?}");
    let mut journal = Journal::default();
    journal.push(Made::App { app_id: "0oa1".to_owned(), client_id: "0oa1".to_owned() });
    let error = provisioner.undo(&journal).await.unwrap_err();
    assert!(names(&error, "0oa1"), "{error:?}");
    assert_eq!(world.org().apps.len(), 1);
}

#[tokio::test]
async fn p18_a_custom_role_whose_description_was_written_over_is_not_taken_for_gone() {
    let world = World::new().await;
    world.org().custom_role = Some(json!({"id": "cr01", "description": "ask Ana"}));
    let mut connection = connection("0oa1");
    connection.role = AppRole::Custom { role_id: "cr01".to_owned(), resource_set_id: "iam1".to_owned() };
    let error = world.provisioner().teardown(&connection).await.unwrap_err();
    assert!(names(&error, "cr01"), "{error:?}");
}

#[tokio::test]
async fn the_key_of_an_app_that_was_renamed_is_changed_and_an_app_that_is_gone_is_told() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Renamed")];
    let mut connection = connection("0oa1");
    connection.org = world.server.uri();
    let key = NewKey::generate(KeyKind::Es256).unwrap();
    // The proof fails, for this org gives no access tokens; but by then the key is registered.
    world.provisioner().rotate_key(&connection, key.signing_key(), |_| Ok(())).await.unwrap_err();
    assert_eq!(world.count("POST /api/v1/apps/0oa1/credentials/jwks"), 1);

    world.org().apps.clear();
    let error = world.provisioner().rotate_key(&connection, key.signing_key(), |_| Ok(())).await.unwrap_err();
    assert!(matches!(&error, Error::Setup { fault: SetupFault::AppGone { app_id }, .. } if app_id == "0oa1"), "{error:?}");
    assert!(error.remedy().is_some());
}

#[tokio::test]
async fn p18_in_another_org_nothing_is_taken_for_gone_and_nobodys_token_is_sent_there() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Sync")];
    let (provisioner, key) = (world.provisioner(), NewKey::generate(KeyKind::Es256).unwrap());
    let elsewhere = Connection { org_id: "00o9".to_owned(), ..connection("0oa1") };
    for error in [
        provisioner.teardown(&elsewhere).await.unwrap_err(),
        provisioner.rotate_key(&elsewhere, key.signing_key(), |_| Ok(())).await.unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Setup { fault: SetupFault::OtherOrg { org_id }, .. } if org_id == "00o9"), "{error:?}");
        assert!(error.remedy().unwrap().contains("the org that the connection is to"));
    }
    assert_eq!(world.org().log, ["GET /.well-known/okta-organization"; 2]);
    let unnamed = Connection { org_id: String::new(), ..connection("0oa1") };
    assert!(provisioner.teardown(&unnamed).await.unwrap().removed.contains(&"app 0oa1".to_owned()));
}

const DELETE_ROLE: &str = "DELETE /api/v1/iam/roles/cr01";

#[tokio::test]
async fn what_goes_a_moment_later_is_waited_for() {
    let world = World::of(|line, org, _| match line {
        "GET /api/v1/iam/roles/cr01" if org.count(DELETE_ROLE) > 0 && org.count(line) < 5 => {
            Some(reply(200, json!({"id": "cr01", "description": "Made by idsync"})))
        }
        _ => None,
    })
    .await;
    world.org().custom_role = Some(json!({"id": "cr01", "description": "Made by idsync"}));
    let mut connection = connection("0oa1");
    connection.role = AppRole::Custom { role_id: "cr01".to_owned(), resource_set_id: "iam1".to_owned() };
    let removed = world.provisioner().teardown(&connection).await.unwrap();
    assert_eq!(removed.removed, ["custom role cr01"]);
    let slept = world.timer.slept();
    assert!(slept[0] >= Duration::from_millis(250) && slept[1] >= Duration::from_millis(500), "{slept:?}");
}

#[tokio::test]
async fn what_never_goes_is_given_up_and_told() {
    let world = World::of(|line, org, _| {
        (line == DELETE_ROLE).then(|| {
            org.custom_role = Some(json!({"id": "cr01", "description": "Made by idsync"}));
            ResponseTemplate::new(204)
        })
    })
    .await;
    world.org().custom_role = Some(json!({"id": "cr01", "description": "Made by idsync"}));
    let mut connection = connection("0oa1");
    connection.role = AppRole::Custom { role_id: "cr01".to_owned(), resource_set_id: "iam1".to_owned() };
    let provisioner = world.provisioner_with(RetryPolicy::new(3, Duration::from_secs(60)));
    let error = provisioner.teardown(&connection).await.unwrap_err();
    let Error::Exhausted { attempts: 3, last } = &error else { panic!("{error:?}") };
    assert!(matches!(**last, Error::Setup { fault: SetupFault::NotDone, .. }), "{last:?}");
    assert_eq!(world.count(DELETE_ROLE), 3);
}

#[tokio::test]
async fn an_app_with_hundreds_of_grants_is_removed() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Sync")];
    world.org().grants = (0..200).map(|number| json!({"id": format!("oag{number}"), "scopeId": format!("okta.s{number}.read")})).collect();
    world.provisioner().teardown(&connection("0oa1")).await.unwrap();
    let org = world.org();
    assert_eq!((org.apps.len(), org.grants.len()), (0, 0));
}
