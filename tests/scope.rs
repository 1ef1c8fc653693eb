//! Scopes that leave something out: it is not asked for, what leaves the scope is told from what was deleted, and both are guarded alike.

use idsync::engine::{Limit, Mode, Outcome, Safeguards, SyncEngine, SyncReport};
use idsync::okta::{GroupSelection, OktaProvider, SyncScope, UserSelection};
use idsync::{ChangeKind, GroupId, GroupKind};
use idsync_okta_emulator::{Endpoint, Lag, OktaEmulator};
use idsync_tests::{Contents, client_builder, column, file, provider};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

struct World {
    emulator: OktaEmulator,
    folder: TempDir,
    /// The groups whose names begin with `eng-`, and who is in them.
    teams: Vec<String>,
    engineers: BTreeSet<String>,
}

impl World {
    async fn new() -> Self {
        let emulator = OktaEmulator::builder().seed(61).users(120).groups(15).memberships(400).start().await.unwrap();
        let org = emulator.org();
        let users: Vec<_> = org.truth().in_scope().users.keys().cloned().collect();
        let teams: Vec<_> = ["eng-core", "ENG-web", "Eng-empty"].map(|name| org.create_group(name, None)).into();
        org.create_group("marketing eng-", None);
        let engineers: BTreeSet<_> = users.iter().step_by(9).cloned().collect();
        for (n, user) in engineers.iter().enumerate() {
            assert!(org.add_member(&teams[n % 2], user));
            org.update_user(user, &[("department", json!("Deep Engineering"))]);
        }
        Self { emulator, folder: tempfile::tempdir().unwrap(), teams, engineers }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    async fn engine(&self, scope: SyncScope) -> SyncEngine {
        let file = file(&self.database()).await;
        let provider: OktaProvider = provider(&self.emulator).with_scope(scope);
        SyncEngine::builder(provider, file.store(), file.sink()).safeguards(Safeguards::all(Limit::Unlimited)).build()
    }

    async fn sync(&self, scope: SyncScope) -> SyncReport {
        self.emulator.clear_requests();
        let report = self.engine(scope).await.sync().await.unwrap();
        assert_eq!(report.outcome, Outcome::Done, "{report}");
        report
    }

    fn contents(&self) -> Contents {
        Contents::of_database(&self.database())
    }

    /// What should be there: these groups, and these users.
    fn expected(&self, groups: impl Fn(&str) -> bool, users: impl Fn(&str) -> bool) -> Contents {
        let mut all = Contents::of_org(&self.emulator);
        all.groups.retain(|id, _| groups(id));
        all.users.retain(|id, _| users(id));
        all.memberships.retain(|(group, user)| groups(group) && users(user));
        all
    }
}

fn engineering() -> GroupSelection {
    GroupSelection::Matching { prefixes: vec!["eng-".to_owned()], kinds: vec![GroupKind::Native] }
}

#[tokio::test]
async fn groups_by_prefix_are_asked_for_and_no_others() {
    let world = World::new().await;
    let report = world.sync(SyncScope::all().with_groups(engineering())).await;
    assert_eq!(world.contents(), world.expected(|group| world.teams.iter().any(|team| team == group), |_| true));
    assert_eq!(report.directory.groups, 3);
    assert_eq!(world.emulator.requests().count(Endpoint::Members), 3, "the members of other groups are not asked for");
    // What changes within the scope is followed by deltas, although groups are searched.
    let org = world.emulator.org();
    assert!(org.add_member(&world.teams[2], world.engineers.first().unwrap()) && org.delete_group(&world.teams[1]));
    org.create_group("eng-new", None);
    let report = world.sync(SyncScope::all().with_groups(engineering())).await;
    assert_eq!(report.mode, Mode::Delta);
    let teams: Vec<_> = world.contents().groups.values().map(|group| group.name.clone()).collect();
    assert_eq!((teams.len(), report.changes.get(ChangeKind::GroupDeleted)), (3, 1), "{teams:?}");
}

#[tokio::test]
async fn p03_a_group_that_the_index_does_not_show_is_asked_for_and_one_that_was_renamed_leaves_the_scope() {
    let world = World::new().await;
    let scope = || SyncScope::all().with_groups(engineering());
    world.sync(scope()).await;
    let org = world.emulator.org();
    // The index shows the name of before for a while, and then the other way round.
    assert!(org.update_group(&world.teams[0], &[("name", json!("sales-core"))]));
    let report = world.sync(scope()).await;
    assert_eq!(report.changes.get(ChangeKind::GroupDeleted), 1);
    assert_eq!(column(&world.database(), "SELECT DISTINCT reason FROM changes WHERE kind = 'group.deleted'"), ["out_of_scope"]);
    org.set_lag(Lag::Time(Duration::from_secs(60)));
    assert!(org.update_group(&world.teams[1], &[("description", json!("was touched"))]));
    org.set_lag(Lag::None);
    assert!(org.update_group(&world.teams[0], &[("name", json!("eng-core"))]));
    let report = world.sync(scope()).await;
    assert_eq!((report.changes.get(ChangeKind::GroupCreated), report.changes.get(ChangeKind::GroupDeleted)), (1, 0));
    assert_eq!(world.contents(), world.expected(|group| world.teams.iter().any(|team| team == group), |_| true));
}

#[tokio::test]
async fn groups_by_id_and_by_expression() {
    let world = World::new().await;
    let ids = world.teams.iter().take(2).map(|id| GroupId::new(id).unwrap()).collect();
    world.sync(SyncScope::all().with_groups(GroupSelection::Ids(ids))).await;
    assert_eq!(world.contents(), world.expected(|group| world.teams[..2].iter().any(|team| team == group), |_| true));
    assert_eq!(world.emulator.requests().count(Endpoint::Group), 2);
    let report = world.sync(SyncScope::all().with_groups(GroupSelection::Expression(r#"profile.name sw "eng-w""#.to_owned()))).await;
    assert_eq!(report.mode, Mode::Full, "another scope");
    assert_eq!(world.contents(), world.expected(|group| world.teams[1] == group, |_| true));
    let reasons = column(&world.database(), "SELECT DISTINCT reason FROM changes WHERE kind = 'group.deleted'");
    assert_eq!(reasons, ["out_of_scope"]);
}

#[tokio::test]
async fn users_by_their_groups_and_by_expression() {
    let world = World::new().await;
    let in_groups = SyncScope::all().with_groups(engineering()).with_users(UserSelection::InGroups);
    let report = world.sync(in_groups.clone()).await;
    let is_team = |group: &str| world.teams.iter().any(|team| team == group);
    assert_eq!(world.contents(), world.expected(is_team, |user| world.engineers.contains(user)));
    assert_eq!(world.emulator.requests().count(Endpoint::Users), 2, "the listing of users is only asked whether it shows anybody");
    assert_eq!(report.directory.users, world.engineers.len() as u64);
    // One leaves the groups, and so the scope; one is deleted; one joins.
    let org = world.emulator.org();
    let mut engineers = world.engineers.iter();
    let (leaver, deleted) = (engineers.next().unwrap(), engineers.next().unwrap());
    let newcomer = world.emulator.org().truth().in_scope().users.into_keys().find(|user| !world.engineers.contains(user)).unwrap();
    for team in &world.teams {
        org.remove_member(team, leaver);
    }
    assert!(org.delete_user(deleted) && org.add_member(&world.teams[2], &newcomer));
    let report = world.sync(in_groups).await;
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 2));
    let mut reasons = column(&world.database(), "SELECT reason FROM changes WHERE kind = 'user.deleted'");
    reasons.sort();
    assert_eq!(reasons, ["deleted", "out_of_scope"]);
    let now = |user: &str| (world.engineers.contains(user) && user != leaver) || user == newcomer;
    assert_eq!(world.contents(), world.expected(is_team, now));

    let by_department = UserSelection::Expression(r#"profile.department eq "Deep Engineering""#.to_owned());
    world.sync(SyncScope::all().with_users(by_department.clone())).await;
    assert_eq!(world.contents(), world.expected(|_| true, |user| world.engineers.contains(user)));
    let mover = world.engineers.last().unwrap();
    assert!(org.update_user(mover, &[("department", json!("Sales"))]));
    world.sync(SyncScope::all().with_users(by_department)).await;
    assert_eq!(world.contents(), world.expected(|_| true, |user| world.engineers.contains(user) && user != mover));
}

#[tokio::test]
async fn attributes_that_are_not_named_are_not_even_sent() {
    let world = World::new().await;
    let scope = || SyncScope::all().with_attributes(["email", "department"]);
    world.sync(scope()).await;
    let mut expected = world.expected(|_| true, |_| true);
    for user in expected.users.values_mut() {
        user.attributes.retain(|name, _| name == "email" || name == "department");
    }
    assert_eq!(world.contents(), expected);
    let asked = world.emulator.requests();
    let listings: Vec<_> =
        asked.entries().iter().filter(|entry| entry.path == "/api/v1/users" && entry.query.contains("limit=200")).collect();
    assert!(!listings.is_empty() && listings.iter().all(|entry| entry.query.contains("fields=")), "{listings:?}");
    // A change of anything else is none, in deltas too, and a look-up shows no more than a listing.
    let user = world.engineers.first().unwrap();
    world.emulator.org().update_user(user, &[("title", json!("Chief"))]);
    let newcomer = world.emulator.org().create_user(json!({"login": "new@example.com", "email": "new@example.com", "title": "Dr"}));
    let report = world.sync(scope()).await;
    assert_eq!((report.mode, report.changes.total(), report.changes.get(ChangeKind::UserCreated)), (Mode::Delta, 1, 1));
    assert_eq!(world.contents().users[&newcomer].attributes.keys().collect::<Vec<_>>(), ["email"]);
    // Another list is another scope, and what was not let through appears.
    let report = world.sync(SyncScope::all().with_attributes(["email", "department", "title"])).await;
    assert_eq!(report.mode, Mode::Full);
    assert!(report.changes.get(ChangeKind::UserUpdated) > 1);
}

#[tokio::test]
async fn p04_leaving_the_scope_is_guarded_like_a_deletion() {
    let world = World::new().await;
    world.sync(SyncScope::all()).await;
    let before = world.contents();
    let file = file(&world.database()).await;
    let smaller = provider(&world.emulator).with_scope(SyncScope::all().with_groups(engineering()).with_users(UserSelection::InGroups));
    let engine = SyncEngine::builder(smaller, file.store(), file.sink()).build();
    let report = engine.sync().await.unwrap();
    assert_eq!(report.outcome, Outcome::Held, "{report}");
    assert_eq!(world.contents(), before);
    let hash = report.held.unwrap().hash;
    engine.approve(hash).await.unwrap();
    let report = engine.sync().await.unwrap();
    assert_eq!(report.outcome, Outcome::Done, "{report}");
    assert_eq!(world.contents().users.len(), world.engineers.len());
}

#[tokio::test]
async fn p02_p18_a_scope_without_anything_and_a_wrong_expression_are_told_apart_from_a_missing_role() {
    let world = World::new().await;
    world.sync(SyncScope::all()).await;
    let before = world.contents();
    let nothing = GroupSelection::Matching { prefixes: vec!["no such".to_owned()], kinds: Vec::new() };
    let error = world.engine(SyncScope::all().with_groups(nothing.clone())).await.sync().await.unwrap_err();
    assert_eq!(error.kind(), "invalid_config");
    let told = error.cause().unwrap().to_string();
    assert_eq!(told, "list groups: none of the groups of the org is in scope");
    let wrong = UserSelection::Expression("profile.department is Sales".to_owned());
    let error = world.engine(SyncScope::all().with_users(wrong)).await.sync().await.unwrap_err();
    assert!(error.cause().unwrap().to_string().contains("E0000031"), "{error}");
    world.emulator.org().take_away_roles(world.emulator.client_id());
    let client = client_builder(&world.emulator).build().unwrap();
    let file = file(&world.database()).await;
    let blind = OktaProvider::new(client).with_scope(SyncScope::all().with_groups(nothing));
    let error = SyncEngine::builder(blind, file.store(), file.sink()).build().sync().await.unwrap_err();
    assert_eq!(error.kind(), "permission_denied");
    assert_eq!(world.contents(), before);
}
