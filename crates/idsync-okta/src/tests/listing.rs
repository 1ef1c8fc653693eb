use super::{Org, collect, fault, ok, user};
use crate::{Deprovisioned, Everyone, OktaProvider};
use idsync_core::{
    DeletionReason, ErrorKind, Group, GroupId, GroupKind, IdentityProvider, Lookup, MemberListing, ReadOptions, Retry, UserId,
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

const USERS: &str = "/api/v1/users";
const GROUPS: &str = "/api/v1/groups";
const DISCOVERY: &str = "/.well-known/okta-organization";

async fn users(provider: &OktaProvider) -> (Vec<String>, Option<idsync_core::Error>) {
    let (users, error) = collect(provider.users(ReadOptions::default())).await;
    (users.into_iter().map(|user| user.id.to_string()).collect(), error)
}

async fn members(provider: &OktaProvider, group: &str) -> (Vec<String>, Option<idsync_core::Error>) {
    let (members, error) = collect(provider.members(&GroupId::new(group).unwrap(), ReadOptions::default())).await;
    (members.into_iter().map(|id| id.to_string()).collect(), error)
}

fn page(ids: &[&str]) -> ResponseTemplate {
    ok(&ids.iter().map(|id| user(id)).collect::<Value>())
}

fn group_id(id: &str) -> GroupId {
    GroupId::new(id).unwrap()
}

#[tokio::test]
async fn p01_row09_pages_are_followed_until_there_is_no_next_whatever_they_hold() {
    let org = Org::start().await;
    let this = format!("<{}{USERS}?limit=200>; rel=\"self\"", org.server.uri());
    let joined = format!("{this}, {}", org.next(USERS, "c3"));
    org.answers(
        USERS,
        vec![
            page(&["a", "b"]).append_header("link", &*this).append_header("link", &*org.next(USERS, "c1%3D")),
            page(&[]).append_header("link", &*org.next(USERS, "c2")),
            page(&["c"]).append_header("link", &*joined),
            page(&[]).append_header("link", &*this),
        ],
    )
    .await;
    let (ids, error) = users(&org.provider()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(ids, ["a", "b", "c"]);
    let queries: Vec<_> = org.requests(USERS).await.iter().map(|request| request.url.query().unwrap().to_owned()).collect();
    assert_eq!(queries, ["limit=200", "after=c1%3D&limit=200", "after=c2&limit=200", "after=c3&limit=200"]);
}

#[tokio::test]
async fn p02_row25_an_empty_directory_is_a_missing_role() {
    let org = Org::start().await;
    org.answers(USERS, vec![ok(&json!([]))]).await;
    org.answers(GROUPS, vec![ok(&json!([]))]).await;
    let provider = org.provider();
    let (_, error) = users(&provider).await;
    let error = error.unwrap();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::PermissionDenied, Some("list users")));
    assert!(error.remedy().unwrap().contains("Read-Only Administrator"));
    let (_, error) = collect(provider.groups(ReadOptions::default())).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::PermissionDenied);
    assert_eq!(provider.check().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn p01_row09_a_next_that_comes_back_ends_the_read_with_an_error() {
    let org = Org::start().await;
    org.answers(USERS, vec![page(&["a"]).append_header("link", &*org.next(USERS, "same"))]).await;
    let (_, error) = users(&org.provider()).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::InvalidData);
    assert_eq!(org.requests(USERS).await.len(), 2);
}

#[tokio::test]
async fn p01_row09_a_next_in_an_odd_form_is_followed_or_ends_the_read_with_an_error() {
    for (form, is_read) in [
        (r#"<URL>; title="a \"quoted\" title"; rel="next""#, true),
        (r#"<?after=x&limit=200>; rel="next""#, true),
        (r#"<users?after=x>; rel="next""#, true),
        (r#"<URL; rel="next""#, false),
        (r#"<URL>; rel='next'"#, false),
        (r#"<URL>; rel="next"#, false),
    ] {
        let org = Org::start().await;
        let url = format!("{}{USERS}?after=x&limit=200", org.server.uri());
        org.answers(USERS, vec![page(&["a"]).append_header("link", &*form.replace("URL", &url)), page(&["b"])]).await;
        let (ids, error) = users(&org.provider()).await;
        if is_read {
            assert_eq!((ids, error.map(|error| error.to_string())), (vec!["a".to_owned(), "b".to_owned()], None), "{form}");
        } else {
            assert_eq!((ids.len(), error.unwrap().kind()), (0, ErrorKind::InvalidData), "{form}");
        }
    }
}

#[tokio::test]
async fn p01_row06_a_part_of_a_page_is_not_taken_for_all_of_it() {
    for status in [202, 203, 206] {
        let org = Org::start().await;
        org.answers(USERS, vec![ResponseTemplate::new(status).set_body_json(json!([user("a")]))]).await;
        let (ids, error) = users(&org.provider()).await;
        assert_eq!((ids.len(), error.unwrap().kind()), (0, ErrorKind::InvalidData), "{status}");
    }
}

#[tokio::test]
async fn p16_row17_row18_a_foreign_next_and_a_redirect_receive_not_one_request() {
    let (org, foreign) = (Org::start().await, Org::start().await);
    org.answers(DISCOVERY, vec![ok(&json!({"id": "00o1"}))]).await;
    org.answers(USERS, vec![page(&["a"]).append_header("link", &*foreign.next(USERS, "x"))]).await;
    let redirect = ResponseTemplate::new(307).insert_header("location", format!("{}{GROUPS}", foreign.server.uri()));
    org.answers(GROUPS, vec![redirect]).await;
    let provider = org.provider();
    let (ids, error) = users(&provider).await;
    assert_eq!((ids.len(), error.unwrap().kind()), (0, ErrorKind::InvalidData), "a page with such a link is not believed");
    let (_, error) = collect(provider.groups(ReadOptions::default())).await;
    let error = error.unwrap();
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidData, Retry::Never));
    assert!(foreign.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn p16_row17_a_next_on_another_host_of_the_org_is_followed_at_the_orgs_own() {
    let org = Org::start().await;
    org.answers(DISCOVERY, vec![ok(&json!({"id": "00o1", "_links": {"alternate": {"href": "https://login.acme.example"}}}))]).await;
    let port = org.server.address().port();
    let alternate = format!("<http://login.acme.example:{port}{USERS}?after=x&limit=200>; rel=\"next\"");
    org.answers(USERS, vec![page(&["a"]).append_header("link", &*alternate), page(&["b"])]).await;
    let (ids, error) = users(&org.provider()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test]
async fn row08_a_refused_cursor_starts_the_listing_over_twice_and_then_fails() {
    let org = Org::start().await;
    let (first, refused) = (page(&["a"]).append_header("link", &*org.next(USERS, "x")), fault(400, "E0000029"));
    org.answers(USERS, vec![first.clone(), refused.clone(), first.clone(), page(&["b"])]).await;
    let (ids, error) = users(&org.provider()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(ids, ["a", "a", "b"]);

    let org = Org::start().await;
    let first = page(&["a"]).append_header("link", &*org.next(USERS, "x"));
    org.answers(USERS, [first, refused].into_iter().cycle().take(8).collect()).await;
    let (ids, error) = users(&org.provider()).await;
    assert_eq!((ids.len(), error.unwrap().kind()), (3, ErrorKind::InvalidData));
}

#[tokio::test]
async fn deprovisioned_users_are_out_of_scope_unless_included() {
    let org = Org::start().await;
    let gone = json!({"id": "gone", "status": "DEPROVISIONED"});
    let page = ok(&json!([user("a"), gone]));
    org.answers("/api/v1/groups/g/users", vec![page]).await;
    org.answers("/api/v1/users/gone", vec![ok(&gone)]).await;
    let search = org.next(USERS, "s1");
    org.answers(USERS, vec![ok(&json!([user("a")])), ok(&json!([gone])).append_header("link", &*search), ok(&json!([]))]).await;

    let excluding = org.provider();
    let including = excluding.clone().include_deprovisioned(Deprovisioned::Include);
    assert_eq!(members(&excluding, "g").await.0, ["a"]);
    assert_eq!(members(&including, "g").await.0, ["a", "gone"]);
    let id = UserId::new("gone").unwrap();
    assert_eq!(excluding.user(&id).await.unwrap(), Lookup::OutOfScope(DeletionReason::Deprovisioned));
    assert!(matches!(including.user(&id).await.unwrap(), Lookup::Found(_)));

    let (ids, error) = users(&including).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(ids, ["a", "gone"]);
    let searches: Vec<_> = org.requests(USERS).await.iter().map(|request| request.url.query().unwrap().to_owned()).collect();
    assert_eq!(searches[1], "limit=200&search=status+eq+%22DEPROVISIONED%22");
    assert_eq!(searches[2], "after=s1&limit=200&search=status+eq+%22DEPROVISIONED%22", "what the link dropped is put back");
}

#[tokio::test]
async fn the_members_of_everyone_are_out_of_scope_unless_included() {
    let org = Org::start().await;
    let provider = org.provider();
    let group = |kind, name: &str| Group::new(group_id("00g1"), name).with_kind(kind);
    let everyone = group(GroupKind::BuiltIn, "Everyone");
    assert_eq!(provider.member_listing(&everyone), MemberListing::OutOfScope);
    assert_eq!(provider.member_listing(&group(GroupKind::BuiltIn, "Okta Administrators")), MemberListing::Listed);
    assert_eq!(provider.member_listing(&group(GroupKind::Native, "Everyone")), MemberListing::Listed);
    assert_eq!(provider.include_everyone(Everyone::Include).member_listing(&everyone), MemberListing::Listed);
}

#[tokio::test]
async fn p03_gone_is_only_what_okta_itself_calls_not_found() {
    let org = Org::start().await;
    org.answers("/api/v1/groups/gone/users", vec![fault(404, "E0000007")]).await;
    org.answers("/api/v1/groups/gone", vec![fault(404, "E0000007")]).await;
    org.answers("/api/v1/users/gone", vec![fault(404, "E0000007")]).await;
    org.answers("/api/v1/users/ana@example.com", vec![ok(&user("ana"))]).await;
    org.answers("/api/v1/users/unclear", vec![ResponseTemplate::new(404).set_body_string("<html>")]).await;
    let provider = org.provider();
    assert_eq!(members(&provider, "gone").await.1.unwrap().kind(), ErrorKind::NotFound);
    assert_eq!(provider.group(&group_id("gone")).await.unwrap(), Lookup::NotFound);
    let user = |id: &str| UserId::new(id).unwrap();
    assert_eq!(provider.user(&user("gone")).await.unwrap(), Lookup::NotFound);
    assert_eq!(provider.user(&user("ana@example.com")).await.unwrap(), Lookup::NotFound, "found by login, not by id");
    assert!(provider.user(&user("unclear")).await.is_err());
}

#[tokio::test]
async fn p03_an_answer_about_somebody_else_is_not_taken_for_an_absence() {
    let org = Org::start().await;
    org.answers("/api/v1/users/00u1", vec![ok(&user("00u2"))]).await;
    let without_login = json!({"id": "00u2", "status": "ACTIVE"});
    org.answers("/api/v1/users/ana", vec![ok(&without_login)]).await;
    org.answers("/api/v1/users/ANA@example.com", vec![ok(&user("ana"))]).await;
    org.answers("/api/v1/groups/00g1", vec![ok(&json!({"id": "00g2", "type": "OKTA_GROUP", "profile": {"name": "n"}}))]).await;
    let provider = org.provider();
    for id in ["00u1", "ana"] {
        assert_eq!(provider.user(&UserId::new(id).unwrap()).await.unwrap_err().kind(), ErrorKind::InvalidData, "{id}");
    }
    assert_eq!(provider.user(&UserId::new("ANA@example.com").unwrap()).await.unwrap(), Lookup::NotFound, "a login has no case");
    assert_eq!(provider.group(&group_id("00g1")).await.unwrap_err().kind(), ErrorKind::InvalidData);
}

#[tokio::test]
async fn p16_an_id_stays_one_segment_of_the_path() {
    let org = Org::start().await;
    let provider = org.provider();
    for id in ["../../oauth2/v1/token", "a/b?c#d", "..", "%2e%2e"] {
        _ = provider.user(&UserId::new(id).unwrap()).await;
        _ = members(&provider, id).await;
    }
    for request in org.server.received_requests().await.unwrap() {
        let path = request.url.path();
        let ours = path.starts_with("/api/v1/users") || path.starts_with("/api/v1/groups");
        assert!(ours && request.url.fragment().is_none() && !path.contains("oauth2/v1"), "{path}");
    }
}

#[tokio::test]
async fn the_directory_is_known_by_the_id_of_its_org() {
    let org = Org::start().await;
    let body = json!({"id": "00o1", "pipeline": "idx", "_links": {"organization": {"href": "https://acme.okta.com"}}});
    let answer = ok(&body).insert_header("date", "Thu, 27 Aug 2020 18:15:50 GMT");
    org.answers(DISCOVERY, vec![answer]).await;
    let info = org.provider().identify().await.unwrap();
    assert_eq!((info.id.as_str(), info.name.as_str()), ("okta:00o1", "127.0.0.1"));
    assert_eq!(info.scope, "deprovisioned=excluded everyone=excluded");
    assert_eq!(info.server_time.unwrap().to_string(), "2020-08-27T18:15:50.000Z");
    assert!(org.requests(DISCOVERY).await[0].headers.get("authorization").is_none());

    for answer in
        [ResponseTemplate::new(404), ResponseTemplate::new(401), ok(&json!({})), ResponseTemplate::new(200).set_body_string("<html>")]
    {
        let org = Org::start().await;
        org.answers(DISCOVERY, vec![answer]).await;
        assert_eq!(org.provider().identify().await.unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}

#[tokio::test]
async fn row41_nothing_is_requested_before_a_stream_is_polled() {
    let org = Org::start().await;
    let provider = org.provider();
    drop((provider.users(ReadOptions::default()), provider.groups(ReadOptions::default())));
    drop(provider.members(&group_id("g"), ReadOptions::default()));
    assert!(org.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn p03_an_id_that_a_url_cannot_hold_is_not_reported_as_gone() {
    let org = Org::start().await;
    // Where a URL parser would lead the questions.
    for path in ["/api/v1/users", "/api/v1/groups", "/api/v1/groups/users", "/api/v1", "/api/v1/"] {
        org.answers(path, vec![fault(404, "E0000007")]).await;
    }
    let provider = org.provider();
    for id in [".", ".."] {
        assert_eq!(provider.user(&UserId::new(id).unwrap()).await.unwrap_err().kind(), ErrorKind::InvalidConfig);
        assert_eq!(provider.group(&group_id(id)).await.unwrap_err().kind(), ErrorKind::InvalidConfig);
        assert_eq!(members(&provider, id).await.1.unwrap().kind(), ErrorKind::InvalidConfig);
    }
    assert_eq!(provider.usage().total, 0);
}

/// An org with these groups, of kinds and ids, and somebody in each group of which nothing else is said.
async fn org_with_groups(groups: &[(&str, &str)], refused: &[(&str, ResponseTemplate)]) -> Org {
    let org = Org::start().await;
    org.answers(USERS, vec![page(&["a"])]).await;
    let listed = groups.iter().map(|(kind, id)| json!({"id": id, "type": kind, "profile": {"name": id}})).collect::<Value>();
    org.answers(GROUPS, vec![ok(&listed)]).await;
    for (_, id) in groups {
        let answer = refused.iter().find(|(other, _)| other == id).map_or_else(|| page(&["a"]), |(_, answer)| answer.clone());
        org.answers(&format!("{GROUPS}/{id}/users"), vec![answer]).await;
    }
    org
}

#[tokio::test]
async fn p18_row23_one_group_that_is_gone_or_may_not_be_looked_into_does_not_disprove_access() {
    for refusal in [fault(403, "E0000006"), fault(404, "E0000007")] {
        let groups = [("BUILT_IN", "Everyone"), ("BUILT_IN", "admins"), ("OKTA_GROUP", "ops"), ("OKTA_GROUP", "sales")];
        let org = org_with_groups(&groups, &[("admins", refusal.clone()), ("ops", refusal.clone())]).await;
        assert_eq!(org.provider().sample().await.unwrap(), [1, 4, 1]);
        assert!(org.requests("/api/v1/groups/admins/users").await.is_empty(), "groups that people made come first");

        let org = org_with_groups(&groups[1..3], &[("admins", refusal.clone()), ("ops", refusal.clone())]).await;
        let error = org.provider().sample().await.unwrap_err();
        assert_eq!(error.operation(), Some("list the members of a group"), "no group is left: {error}");
    }
    let names: Vec<_> = (0..40).map(|n| format!("g{n}")).collect();
    let groups: Vec<_> = names.iter().map(|name| ("OKTA_GROUP", name.as_str())).collect();
    let refused: Vec<_> = names.iter().map(|name| (name.as_str(), fault(403, "E0000006"))).collect();
    let org = org_with_groups(&groups, &refused).await;
    let provider = org.provider();
    assert_eq!(provider.sample().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(provider.usage().total < 20, "a role that is missing is not asked about group by group");
}
