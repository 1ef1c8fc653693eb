//! Making an app in an org whose answers are late, lost or odd.

use super::{World, app, fault, reply, spec};
use crate::error::{Error, SetupFault};
use crate::provision::journal::Made;
use crate::provision::spec::{AppRole, AppSpec, KeySource, WantedRole};
use crate::{KeyKind, NewKey, RateShare, RetryPolicy};
use serde_json::{Value, json};
use std::time::Duration;

const POST: &str = "POST /api/v1/apps";
const LIST: &str = "GET /api/v1/apps";
const GRANT: &str = "POST /api/v1/apps/0oa1/grants";
const CREATE_ROLE: &str = "POST /api/v1/iam/roles";
const CREATE_SET: &str = "POST /api/v1/iam/resource-sets";

#[tokio::test]
async fn the_app_is_looked_for_by_its_id_while_the_search_lags() {
    let world = World::of(|line, org, _| match line {
        LIST => Some(reply(200, json!([]))),
        GRANT if org.count(GRANT) == 1 => Some(fault(500, "E0000009")),
        _ => None,
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    assert_eq!(provisioner.apply(&plan).await.unwrap().app_id, "0oa1");
    assert_eq!(world.count(POST), 1);
}

#[tokio::test]
async fn an_app_that_went_while_it_was_made_is_not_made_again() {
    let world = World::of(|line, org, _| {
        (line == GRANT).then(|| {
            org.apps.clear();
            fault(500, "E0000009")
        })
    })
    .await;
    world.org().apps = vec![app("0oa1", "Sync")];
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    let error = provisioner.apply(&plan).await.unwrap_err();
    assert!(matches!(error.source, Error::Setup { fault: SetupFault::AppGone { .. }, .. }), "{error:?}");
    assert_eq!(world.count(POST), 0);
}

#[tokio::test]
async fn an_app_whose_label_okta_changed_is_taken_as_the_one() {
    let world = World::of(|line, org, _| {
        (line == POST).then(|| {
            org.apps[0]["label"] = json!("Synchronisation");
            reply(200, org.apps[0].clone())
        })
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    assert_eq!(provisioner.apply(&plan).await.unwrap().app_id, "0oa1");
    assert_eq!(world.count(POST), 1);
}

fn labelled(label: &str) -> AppSpec {
    let key = NewKey::generate(KeyKind::Es256).unwrap().signing_key().public_jwk().unwrap();
    AppSpec::new(label, KeySource::Public(key)).unwrap()
}

#[tokio::test]
async fn an_app_is_found_again_whatever_okta_makes_of_the_blanks_in_its_label() {
    let kept: [fn(&str) -> String; 2] = [|label| label.split_whitespace().collect::<Vec<_>>().join(" "), str::to_owned];
    for kept in kept {
        let world = World::of(move |line, org, _| {
            (line == POST).then(|| {
                let made = org.apps.last_mut().unwrap();
                made["label"] = json!(kept(made["label"].as_str().unwrap()));
                reply(200, made.clone())
            })
        })
        .await;
        for label in ["Sync  of Acme", "Sync of\u{a0}\u{2003}Acme", "Sync of Acme"] {
            let provisioner = world.provisioner();
            let plan = provisioner.plan(&labelled(label)).await.unwrap();
            assert_eq!(provisioner.apply(&plan).await.unwrap().app_id, "0oa1", "{label:?}");
        }
        assert_eq!(world.count(POST), 1);
    }
}

#[tokio::test]
async fn an_app_of_somebody_else_is_not_taken_over_whatever_its_blanks() {
    let world = World::new().await;
    world.org().apps = vec![app("0oa1", "Sync  of Acme"), app("0oa2", "Sync of Acme 2")];
    let ours = world.provisioner().plan(&labelled("Sync of Acme")).await.unwrap();
    assert_eq!((ours.app_id.as_deref(), &ours.duplicates[..]), (Some("0oa1"), &[][..]));
    world.org().apps[0]["settings"]["notes"]["admin"] = json!("ask Ana");
    let error = world.provisioner().plan(&labelled("Sync of Acme")).await.unwrap_err();
    assert!(matches!(&error, Error::Setup { fault: SetupFault::ForeignApp { app_id }, .. } if app_id == "0oa1"), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_another_shape_makes_no_second_app() {
    let only_id = json!({"id": "0oa1"});
    for odd in [only_id, json!({"app": {"id": "0oa1"}}), json!("made"), Value::Null] {
        let answer = odd.clone();
        let world = World::of(move |line, _, _| (line == POST).then(|| reply(200, answer.clone()))).await;
        let provisioner = world.provisioner();
        let plan = provisioner.plan(&spec()).await.unwrap();
        assert_eq!(provisioner.apply(&plan).await.unwrap().app_id, "0oa1", "{odd}");
        assert_eq!(world.count(POST), 1, "{odd}");
    }
}

#[tokio::test]
async fn an_answer_that_names_only_the_id_is_enough_while_the_search_lags() {
    let world = World::of(|line, _, _| match line {
        LIST => Some(reply(200, json!([]))),
        POST => Some(reply(200, json!({"id": "0oa1"}))),
        _ => None,
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    assert_eq!(provisioner.apply(&plan).await.unwrap().app_id, "0oa1");
    assert_eq!(world.count(POST), 1);
}

#[tokio::test]
async fn an_app_that_was_made_and_cannot_be_found_is_told_and_not_made_again() {
    let world = World::of(|line, org, _| {
        (line == POST).then(|| {
            org.apps.clear();
            reply(200, json!({}))
        })
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    let error = provisioner.apply(&plan).await.unwrap_err().source;
    let Error::Exhausted { last, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**last, Error::Setup { fault: SetupFault::NotDone, .. }), "{last:?}");
    assert_eq!(world.count(POST), 1);
}

#[tokio::test]
async fn what_was_made_is_in_the_journal_also_where_its_answer_was_lost() {
    let world = World::of(|line, org, _| match line {
        CREATE_ROLE if org.count(CREATE_ROLE) == 1 => Some(fault(500, "E0000009")),
        CREATE_SET => {
            org.resource_set = None;
            Some(fault(400, "E0000003"))
        }
        _ => None,
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec().with_role(WantedRole::Custom)).await.unwrap();
    let stands = provisioner.apply(&plan).await.unwrap_err().stands;
    assert!(stands.made().contains(&Made::Role { role_id: "cr01".to_owned() }), "{stands:?}");
    provisioner.undo(&stands).await.unwrap();
    let org = world.org();
    assert!(org.custom_role.is_none() && org.apps.is_empty());
}

#[tokio::test]
async fn what_shows_when_the_last_attempt_is_over_is_in_the_journal_too() {
    let world = World::of(|line, _, _| match line {
        POST => Some(fault(500, "E0000009")),
        GRANT => Some(fault(400, "E0000003")),
        _ => None,
    })
    .await;
    let provisioner = world.provisioner_with(RetryPolicy::new(1, Duration::from_secs(5)));
    let plan = provisioner.plan(&spec()).await.unwrap();
    let stands = provisioner.apply(&plan).await.unwrap_err().stands;
    assert_eq!(stands.made(), [Made::App { app_id: "0oa1".to_owned(), client_id: "0oa1".to_owned() }]);
}

#[tokio::test]
async fn attempts_are_counted_and_the_last_failure_is_told() {
    for most in [1, 3] {
        let world = World::of(|line, org, _| {
            (line == POST).then(|| {
                org.apps.clear();
                fault(503, "E0000010")
            })
        })
        .await;
        let provisioner = world.provisioner_with(RetryPolicy::new(most, Duration::from_secs(60)));
        let plan = provisioner.plan(&spec()).await.unwrap();
        let error = provisioner.apply(&plan).await.unwrap_err().source;
        let Error::Exhausted { attempts, last } = &error else { panic!("{error:?}") };
        assert!(matches!(**last, Error::Api { status: 503, .. }), "{last:?}");
        assert_eq!((*attempts, world.count(POST)), (most, most as usize));
    }
}

#[tokio::test]
async fn a_grant_that_shows_a_moment_later_is_no_failure() {
    let world = World::of(|line, org, _| match line {
        "GET /api/v1/apps/0oa1/grants" if org.count(line) < 5 => Some(reply(200, json!([]))),
        GRANT if org.count(GRANT) > 2 => Some(fault(400, "E0000001")),
        _ => None,
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    provisioner.apply(&plan).await.unwrap();
    assert!(world.timer.slept().iter().any(|pause| *pause >= Duration::from_millis(250)), "{:?}", world.timer.slept());
}

/// The org has custom roles, but does not let an app have one.
#[tokio::test]
async fn the_custom_role_that_no_app_may_have_is_removed_again() {
    let world = World::of(|line, org, _| {
        let is_custom = org.roles.last().is_some_and(|role| role["type"] == "CUSTOM");
        (line == "POST /oauth2/v1/clients/0oa1/roles" && is_custom).then(|| {
            org.roles.pop();
            fault(401, "E0000015")
        })
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    assert_eq!(provisioner.apply(&plan).await.unwrap().role, AppRole::ReadOnlyAdmin);
    let org = world.org();
    assert!(org.custom_role.is_none() && org.resource_set.is_none());
}

/// The same where the org does not let it be removed either: the journal still lists it.
#[tokio::test]
async fn a_custom_role_that_cannot_be_removed_again_is_in_the_journal() {
    let world = World::of(|line, org, _| match line {
        CREATE_SET => {
            org.resource_set = None;
            Some(fault(401, "E0000015"))
        }
        "DELETE /api/v1/iam/roles/cr01" => Some(fault(401, "E0000015")),
        "POST /oauth2/v1/clients/0oa1/roles" => Some(fault(400, "E0000003")),
        _ => None,
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    let stands = provisioner.apply(&plan).await.unwrap_err().stands;
    assert!(stands.made().contains(&Made::Role { role_id: "cr01".to_owned() }), "{stands:?}");
}

#[tokio::test]
async fn the_share_of_the_rate_limits_is_found_on_the_second_page() {
    let world = World::of(|line, _, request| {
        let query = request.url.query().unwrap_or_default();
        (line == "GET /api/v1/principal-rate-limits").then(|| {
            if query.contains("after=") {
                return reply(200, json!([{"id": "rl51", "principalId": "0oa1", "defaultPercentage": 75}]));
            }
            let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            let others: Vec<_> =
                (0..50).map(|number| json!({"id": format!("rl{number}"), "principalId": format!("0oax{number}")})).collect();
            let next = format!("<http://{host}/api/v1/principal-rate-limits?after=50&limit=50>; rel=\"next\"");
            reply(200, json!(others)).append_header("link", next.as_str())
        })
    })
    .await;
    let provisioner = world.provisioner();
    let spec = spec().with_role(WantedRole::ReadOnlyAdmin).with_rate_share(RateShare::percent(75).unwrap());
    let plan = provisioner.plan(&spec).await.unwrap();
    provisioner.apply(&plan).await.unwrap();
    assert_eq!(world.count("POST /api/v1/principal-rate-limits"), 0);
}

#[tokio::test]
async fn an_app_of_which_members_have_another_shape_is_repaired() {
    for member in ["credentials", "settings"] {
        let world = World::of(|line, org, request| {
            (line == "PUT /api/v1/apps/0oa1").then(|| {
                org.apps[0] = serde_json::from_slice(&request.body).unwrap();
                reply(200, org.apps[0].clone())
            })
        })
        .await;
        let mut odd = app("0oa1", "Sync");
        match member {
            "settings" => odd["settings"]["oauthClient"]["grant_types"] = json!({}),
            _ => odd[member] = json!([]),
        }
        world.org().apps = vec![odd];
        let provisioner = world.provisioner();
        let plan = provisioner.plan(&spec()).await.unwrap();
        provisioner.apply(&plan).await.unwrap();
        assert_eq!(world.org().apps[0]["credentials"]["oauthClient"]["token_endpoint_auth_method"], "private_key_jwt", "{member}");
    }
}

#[tokio::test]
async fn p18_whatever_okta_answers_there_is_a_next_step() {
    let answers =
        [(400, "E0000040"), (400, "E0000001"), (400, "E0000003"), (404, "E0000007"), (404, "E0000008"), (409, "E0000195"), (418, "")];
    for (status, code) in answers {
        let world = World::of(move |line, org, _| {
            (line == POST).then(|| {
                org.apps.clear();
                fault(status, code)
            })
        })
        .await;
        let provisioner = world.provisioner();
        let plan = provisioner.plan(&spec()).await.unwrap();
        let error = provisioner.apply(&plan).await.unwrap_err().source;
        assert!(error.remedy().is_some(), "{status} {code}: {error:?}");
        assert_eq!(code == "E0000040", matches!(error, Error::Setup { fault: SetupFault::LabelTaken, .. }), "{error:?}");
    }
}

/// As old orgs have said it.
#[tokio::test]
async fn p18_a_label_that_another_app_has_is_told_also_by_its_cause() {
    let world = World::of(|line, org, _| {
        (line == POST).then(|| {
            org.apps.clear();
            let cause = "An active OpenID Connect Client instance with the label Sync already exists.";
            reply(400, json!({"errorCode": "E0000001", "errorCauses": [{"errorSummary": cause}]}))
        })
    })
    .await;
    let provisioner = world.provisioner();
    let plan = provisioner.plan(&spec()).await.unwrap();
    let error = provisioner.apply(&plan).await.unwrap_err().source;
    assert!(matches!(error, Error::Setup { fault: SetupFault::LabelTaken, .. }), "{error:?}");
}
