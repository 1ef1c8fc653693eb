//! Custom roles, resource sets and bindings.

use crate::support::Tested;
use idsync_okta_emulator::{CustomRoles, DeletionInUse, Quirks, TruthRole};
use serde_json::{Value, json};

impl Tested {
    /// A custom role with these permissions; returns its id.
    async fn made_role(&self, label: &str, permissions: &[&str]) -> String {
        let body = json!({"label": label, "description": "Reads", "permissions": permissions});
        self.done("POST", "/api/v1/iam/roles", body).await["id"].as_str().unwrap().to_owned()
    }

    /// A resource set with these paths, or names; returns its id.
    async fn made_set(&self, label: &str, resources: &[String]) -> String {
        let body = json!({"label": label, "description": "People", "resources": resources});
        self.done("POST", "/api/v1/iam/resource-sets", body).await["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_custom_role_over_users_and_groups_reads_them() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Least").await;
    org.granted(&id, "okta.users.read").await;
    org.granted(&id, "okta.groups.read").await;
    let role = org.made_role("Reader", &["okta.users.read", "okta.groups.read"]).await;
    let set = org.made_set("Everybody", &[org.at("/api/v1/users"), org.at("/api/v1/groups")]).await;
    let scope = "okta.users.read okta.groups.read";
    let token = org.token_of(&id, "Least key", &key, scope).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    assert_eq!(org.get_as(&token, "/api/v1/groups").await.error(), (403, "E0000006".to_owned()));
    let path = format!("/oauth2/v1/clients/{id}/roles");
    let body = json!({"type": "CUSTOM", "role": role, "resource-set": set});
    let answer = org.admin("POST", &path, body.clone()).await;
    let made = answer.json();
    assert_eq!((answer.status, &made["role"], &made["resource-set"], &made["label"]), (201, &json!(role), &json!(set), &json!("Reader")));
    assert!(made["id"].as_str().unwrap().starts_with("irb"));
    assert_eq!(org.admin("POST", &path, body).await.error(), (409, "E0000090".to_owned()));
    let everybody = org.rows("/api/v1/users").await;
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!(everybody));
    let groups = org.get_as(&token, "/api/v1/groups").await;
    assert_eq!(groups.json(), json!(org.rows("/api/v1/groups").await));
    assert_eq!(org.get_as(&token, &format!("/api/v1/groups/{}/users", groups.ids()[2])).await.status, 200);
    assert_eq!(org.get_as(&token, "/api/v1/org").await.status, 403, "it is not a standard role");
    assert!(matches!(&org.org().app(&id).unwrap().roles[..], [TruthRole::Custom { .. }]));
    org.done("DELETE", &format!("{path}/{}", made["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
}

#[tokio::test]
async fn a_role_shows_no_more_than_its_resources() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Narrow").await;
    org.org().grant_scope(&id, "okta.users.read");
    org.org().grant_scope(&id, "okta.groups.read");
    let groups = org.get("/api/v1/groups").await.ids();
    let (group, other) = (groups.last().unwrap(), &groups[3]);
    let users = org.get("/api/v1/users").await.ids();
    let role = org.made_role("Narrow reader", &["okta.users.read", "okta.groups.read"]).await;
    let org_id = org.done("GET", "/.well-known/okta-organization", Value::Null).await["id"].as_str().unwrap().to_owned();
    let resources = [
        org.at(&format!("/api/v1/users/{}", users[0])),
        format!("orn:okta:directory:{org_id}:groups:{group}"),
        org.at(&format!("/api/v1/groups/{group}/users")),
    ];
    let set = org.made_set("One group", &resources).await;
    org.done("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "CUSTOM", "role": role, "resource-set": set})).await;
    let scope = "okta.users.read okta.groups.read";
    let token = org.token_of(&id, "Narrow key", &key, scope).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(org.get_as(&token, "/api/v1/groups").await.ids(), std::slice::from_ref(group));
    assert_eq!(org.get_as(&token, &format!("/api/v1/groups/{other}")).await.status, 403);
    assert_eq!(org.get_as(&token, &format!("/api/v1/groups/{other}/users")).await.status, 403);
    let members = org.get_as(&token, &format!("/api/v1/groups/{group}/users")).await.ids();
    let seen = org.get_as(&token, "/api/v1/users?search=status+pr").await.ids();
    assert!(members.iter().chain([&users[0]]).all(|user| seen.contains(user)));
    assert!(seen.len() <= members.len() + 1 && seen.len() < org.org().truth().users.len());
    let hidden = users.iter().find(|user| !seen.contains(user)).unwrap();
    assert_eq!(org.get_as(&token, &format!("/api/v1/users/{hidden}")).await.status, 403);
    let own = org.get_as(&token, &format!("/api/v1/users/{}/groups", members[0])).await;
    assert_eq!(own.ids(), std::slice::from_ref(group));
}

#[tokio::test]
async fn roles_are_found_by_id_or_label_and_their_permissions_changed() {
    let org = Tested::start().await;
    let id = org.made_role("Custom one", &["okta.users.read"]).await;
    let by_label = org.admin("GET", "/api/v1/iam/roles/Custom%20one", Value::Null).await;
    assert_eq!(by_label.json()["id"], id);
    assert!(by_label.json().get("permissions").is_none(), "permissions are not echoed");
    let admin = format!("http://emulator-admin.localhost:{}", org.url().rsplit(':').next().unwrap());
    assert_eq!(by_label.link("self").unwrap(), format!("{admin}/api/v1/iam/roles/{id}"));
    let listed = org.done("GET", "/api/v1/iam/roles", Value::Null).await;
    assert_eq!(listed["roles"], json!([by_label.json()]));
    let path = format!("/api/v1/iam/roles/{id}/permissions");
    assert_eq!(org.admin("POST", &format!("{path}/okta.groups.read"), Value::Null).await.status, 204);
    let one = org.done("GET", &format!("{path}/okta.groups.read"), Value::Null).await;
    assert_eq!((&one["label"], &one["conditions"]), (&json!("okta.groups.read"), &Value::Null));
    assert_eq!(org.done("GET", &path, Value::Null).await["permissions"].as_array().unwrap().len(), 2);
    assert_eq!(org.admin("DELETE", &format!("{path}/okta.users.read"), Value::Null).await.status, 204);
    assert_eq!(org.org().custom_roles()[0].permissions, ["okta.groups.read"]);
    let renamed = org.done("PUT", &format!("/api/v1/iam/roles/{id}"), json!({"label": "Custom two", "description": "x"})).await;
    assert_eq!(renamed["label"], "Custom two");
    assert_eq!(org.admin("DELETE", "/api/v1/iam/roles/Custom%20two", Value::Null).await.status, 204);
    let gone = org.admin("GET", &format!("/api/v1/iam/roles/{id}"), Value::Null).await;
    assert!(gone.status == 404 && gone.text.contains(&format!("{id} (CustomRole)")), "{}", gone.text);
}

#[tokio::test]
async fn wrong_roles_and_sets_are_refused() {
    let org = Tested::start().await;
    org.made_role("Taken", &["okta.users.read"]).await;
    org.made_set("Taken", &[org.at("/api/v1/users")]).await;
    let taken = json!({"label": "Taken", "description": "x", "permissions": ["okta.users.read"]});
    let words = "label: There is already an admin role with this name.".to_owned();
    assert_eq!(org.admin("POST", "/api/v1/iam/roles", taken).await.refusal(), (400, "E0000001".to_owned(), words));
    let users = json!([org.at("/api/v1/users")]);
    for (path, body) in [
        ("/api/v1/iam/roles", json!({"description": "x", "permissions": ["okta.users.read"]})),
        ("/api/v1/iam/roles", json!({"label": "a", "permissions": ["okta.users.read"]})),
        ("/api/v1/iam/roles", json!({"label": "a", "description": "x", "permissions": []})),
        ("/api/v1/iam/roles", json!({"label": "a", "description": "x", "permissions": ["fly"]})),
        ("/api/v1/iam/resource-sets", json!({"label": "Taken", "description": "x", "resources": users})),
        ("/api/v1/iam/resource-sets", json!({"label": "a", "resources": users})),
        ("/api/v1/iam/resource-sets", json!({"label": "a", "description": "x", "resources": []})),
        ("/api/v1/iam/resource-sets", json!({"label": "a", "description": "x", "resources": ["https://other.okta.com/api/v1/users"]})),
    ] {
        assert_eq!(org.admin("POST", path, body.clone()).await.error(), (400, "E0000001".to_owned()), "{body}");
    }
    assert_eq!((org.org().custom_roles().len(), org.org().resource_sets().len()), (1, 1));
}

#[tokio::test]
async fn resource_sets_are_found_by_id_or_label_and_their_resources_changed() {
    let org = Tested::start().await;
    let id = org.made_set("My set", &[org.at("/api/v1/users")]).await;
    let by_label = org.admin("GET", "/api/v1/iam/resource-sets/My%20set", Value::Null).await;
    assert_eq!(
        (by_label.json()["id"].as_str(), by_label.link("self").unwrap()),
        (Some(id.as_str()), org.at(&format!("/api/v1/iam/resource-sets/{id}")))
    );
    assert_eq!(org.done("GET", "/api/v1/iam/resource-sets", Value::Null).await["resource-sets"], json!([by_label.json()]));
    let path = format!("/api/v1/iam/resource-sets/{id}/resources");
    let patched = org.admin("PATCH", &path, json!({"additions": [org.at("/api/v1/groups"), org.at("/api/v1/users")]})).await;
    assert_eq!((patched.status, patched.json()["id"].as_str()), (200, Some(id.as_str())));
    let resources = org.done("GET", &path, Value::Null).await["resources"].clone();
    assert_eq!(resources.as_array().unwrap().len(), 2, "what is there is not added again");
    assert_eq!(resources[1]["_links"]["groups"]["href"], org.at("/api/v1/groups"));
    let one = format!("{path}/{}", resources[0]["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &one, Value::Null).await, resources[0]);
    assert_eq!(org.admin("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(org.org().resource_sets()[0].resources, ["/api/v1/groups"]);
    assert_eq!(org.done("PUT", &format!("/api/v1/iam/resource-sets/{id}"), json!({"label": "b", "description": "y"})).await["label"], "b");
    assert_eq!(org.admin("DELETE", "/api/v1/iam/resource-sets/b", Value::Null).await.status, 204);
    for (method, rest) in
        [("GET", ""), ("DELETE", ""), ("GET", "/resources"), ("PATCH", "/resources"), ("DELETE", "/resources/x"), ("GET", "/bindings")]
    {
        let body = if method == "PATCH" { json!({"additions": ["x"]}) } else { Value::Null };
        let gone = org.admin(method, &format!("/api/v1/iam/resource-sets/{id}{rest}"), body).await;
        assert!(gone.status == 404 && gone.text.contains(&format!("{id} (IAMPolicy)")), "{method} {rest}: {}", gone.text);
    }
}

#[tokio::test]
async fn a_binding_gives_the_role_to_its_members() {
    let org = Tested::start().await;
    let (one, _) = org.made_app("Bound").await;
    let (two, _) = org.made_app("Bound later").await;
    let role = org.made_role("Binding reader", &["okta.users.read"]).await;
    let set = org.made_set("Users", &[org.at("/api/v1/users")]).await;
    let path = format!("/api/v1/iam/resource-sets/{set}/bindings");
    let url = |client: &str| org.at(&format!("/oauth2/v1/clients/{client}"));
    let user = org.at(&format!("/api/v1/users/{}", org.get("/api/v1/users").await.ids()[0]));
    let made = org.done("POST", &path, json!({"role": role, "members": [url(&one), user]})).await;
    assert!(made.get("id").is_none() && made["_links"]["self"]["href"] == org.at(&format!("{path}/{role}")));
    let roles = org.done("GET", &format!("/oauth2/v1/clients/{one}/roles"), Value::Null).await;
    assert_eq!((&roles[0]["type"], &roles[0]["role"]), (&json!("CUSTOM"), &json!(role)));
    assert_eq!(org.done("GET", &path, Value::Null).await["roles"][0]["id"], role);
    assert_eq!(org.done("GET", &format!("{path}/Binding%20reader"), Value::Null).await["id"], role);
    let members = format!("{path}/{role}/members");
    org.done("PATCH", &members, json!({"additions": [url(&two), url(&one)]})).await;
    let listed = org.done("GET", &members, Value::Null).await["members"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(listed[0]["created"].as_str().unwrap().ends_with("T00:00:00.000Z"), "the time is the midnight of the day");
    let first = format!("{members}/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &first, Value::Null).await, listed[0]);
    assert_eq!(org.admin("DELETE", &first, Value::Null).await.status, 204);
    assert!(org.org().app(&one).unwrap().roles.is_empty() && org.org().app(&two).unwrap().roles.len() == 1);
    assert_eq!(org.admin("DELETE", &format!("{path}/{role}"), Value::Null).await.status, 204);
    assert!(org.org().app(&two).unwrap().roles.is_empty());
    assert_eq!(org.admin("GET", &format!("{path}/{role}"), Value::Null).await.error(), (404, "E0000007".to_owned()));
    for body in [json!({"role": role}), json!({"role": role, "members": ["https://other.okta.com/api/v1/users/1"]})] {
        assert_eq!(org.admin("POST", &path, body).await.error(), (400, "E0000001".to_owned()));
    }
}

#[tokio::test]
async fn custom_roles_may_not_be_available() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Unlucky").await;
    let role = org.made_role("Existing", &["okta.users.read"]).await;
    for (custom_roles, expected) in [(CustomRoles::FeatureMissing, (401, "E0000015")), (CustomRoles::Forbidden, (403, "E0000006"))] {
        let mut quirks = Quirks::default();
        quirks.custom_roles = custom_roles;
        org.org().set_quirks(quirks);
        let assign = json!({"type": "CUSTOM", "role": role, "resource-set": "iamX"});
        for (method, path, body) in [
            ("GET", "/api/v1/iam/roles".to_owned(), Value::Null),
            ("POST", "/api/v1/iam/roles".to_owned(), json!({"label": "a", "description": "b", "permissions": ["okta.users.read"]})),
            ("GET", "/api/v1/iam/resource-sets".to_owned(), Value::Null),
            ("POST", format!("/oauth2/v1/clients/{id}/roles"), assign),
        ] {
            let (status, code) = org.admin(method, &path, body).await.error();
            assert_eq!((status, code.as_str()), expected, "{method} {path}");
        }
    }
    let standard = org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "READ_ONLY_ADMIN"})).await;
    assert_eq!(standard.status, 201, "standard roles are there all the same");
}

#[tokio::test]
async fn what_is_in_use_is_kept_unless_the_org_does_not_mind() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("User of roles").await;
    let role = org.made_role("Used", &["okta.users.read"]).await;
    let set = org.made_set("Used", &[org.at("/api/v1/users")]).await;
    let assign = json!({"type": "CUSTOM", "role": role, "resource-set": set});
    org.done("POST", &format!("/oauth2/v1/clients/{id}/roles"), assign).await;
    let paths = [format!("/api/v1/iam/roles/{role}"), format!("/api/v1/iam/resource-sets/{set}")];
    for path in &paths {
        assert_eq!(org.admin("DELETE", path, Value::Null).await.error(), (400, "E0000001".to_owned()));
    }
    let mut quirks = Quirks::default();
    quirks.deletion_in_use = DeletionInUse::Allowed;
    org.org().set_quirks(quirks);
    for path in &paths {
        assert_eq!(org.admin("DELETE", path, Value::Null).await.status, 204);
    }
    assert!(org.org().app(&id).unwrap().roles.is_empty());
}

#[tokio::test]
async fn lists_of_roles_are_paged_in_their_body() {
    let org = Tested::start().await;
    for number in 0..3 {
        org.made_role(&format!("Role {number}"), &["okta.users.read"]).await;
    }
    let first = org.done("GET", "/api/v1/iam/roles?limit=2", Value::Null).await;
    assert_eq!(first["roles"].as_array().unwrap().len(), 2);
    let next = first["_links"]["next"]["href"].as_str().unwrap();
    assert!(next.starts_with("http://emulator-admin.localhost:"), "{next}");
    let second = org.done("GET", &next[next.find("/api").unwrap()..], Value::Null).await;
    assert_eq!((second["roles"].as_array().unwrap().len(), second["_links"].get("next")), (1, None));
}
