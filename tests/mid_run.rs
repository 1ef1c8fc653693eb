//! What an org takes away, or changes, while a run reads it: nothing is lost, the message helps, and the next run converges.

use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator, Org, Role};
use idsync_tests::{Contents, Ended, Sync};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

/// An org that was synced, and has changed since.
struct World {
    emulator: OktaEmulator,
    sync: Sync,
    before: Contents,
}

impl World {
    async fn new() -> Self {
        let emulator = OktaEmulator::builder().seed(91).users(300).groups(40).memberships(900).start().await.unwrap();
        let sync = Sync::new(&emulator);
        assert_eq!(sync.run(&[]).code, Some(0));
        let before = Contents::of_database(&sync.database());
        let org = emulator.org();
        let newcomer = org.create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
        let (group, user) = before.memberships.first().unwrap();
        assert!(org.add_member(group, &newcomer) && org.delete_user(user));
        Self { emulator, sync, before }
    }

    /// The groups whose members are read last.
    fn last_groups(&self) -> Vec<String> {
        self.before.groups.keys().rev().take(3).cloned().collect()
    }

    /// Starts a run, and lets something happen once everything is read but the members of the last groups.
    async fn during_a_run(&self, happens: impl FnOnce(&Org)) -> Ended {
        self.emulator.clear_requests();
        let late = self.last_groups().into_iter().map(|group| {
            let late = FaultKind::Delay(Duration::from_millis(900));
            self.emulator.faults().add(Fault::new(late).on(Endpoint::Members).for_id(group))
        });
        let late: Vec<_> = late.collect();
        let run = self.sync.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The users are a probe and two pages.
        let is_read = || {
            let users = self.emulator.requests().count_with_status(Endpoint::Users, 200);
            users >= 3 && late.iter().all(|fault| fault.fired() > 0)
        };
        while !is_read() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        happens(self.emulator.org());
        Ended::with(run.wait_with_output().unwrap())
    }

    /// The next run makes the database what the org is.
    fn converges(&self) {
        let clean = self.sync.run(&[]);
        assert_eq!(clean.code, Some(0), "{clean:?}");
        assert!(self.is_in_step());
    }

    fn is_in_step(&self) -> bool {
        Contents::of_database(&self.sync.database()) == Contents::of_org(&self.emulator)
    }
}

#[tokio::test]
async fn row11_an_entry_that_is_listed_twice_is_taken_as_it_came_last() {
    let world = World::new().await;
    let (org, faults) = (world.emulator.org(), world.emulator.faults());
    let truth = org.truth().in_scope();
    let has_title = |id: &&String| world.before.users.get(*id).is_some_and(|user| user.attributes.contains_key("title"));
    let mut users = truth.users.keys().filter(has_title);
    let (changed, restored) = (users.next().unwrap(), users.next().unwrap());
    let title = |user: &str, title: &str| assert!(org.update_user(user, &[("title", json!(title))]));
    let was = world.before.users[restored].attributes["title"].as_str().unwrap();
    title(restored, "Chief for a moment");
    // The second page is refused, so the listing starts over; by then the first page is another one.
    world.emulator.clear_requests();
    faults.add(Fault::new(FaultKind::Delay(Duration::from_millis(400))).on(Endpoint::Users).always());
    faults.add(Fault::new(FaultKind::InvalidCursor).on(Endpoint::Users));
    let run = world.sync.command(&["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while world.emulator.requests().count(Endpoint::Users) < 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    title(changed, "Chief of everything");
    title(restored, was);
    let ended = Ended::with(run.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(world.emulator.requests().count_with_status(Endpoint::Users, 400), 1, "the listing started over");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["changes"]["user.updated"], 1, "who is as before was not updated: {report}");
    assert!(world.is_in_step());
}

#[tokio::test]
async fn row13_tokens_that_end_while_the_directory_is_read_are_replaced() {
    let world = World::new().await;
    let ended = world.during_a_run(Org::revoke_tokens).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let requests = world.emulator.requests();
    assert!(requests.count_with_status(Endpoint::Members, 401) > 0, "the old token was refused");
    assert!(requests.count(Endpoint::Token) <= 3, "all who were refused wait for one new token");
    assert!(world.is_in_step());
}

/// What is taken while a run reads, how it is given back, and what the message must name.
struct Taken {
    take: fn(&OktaEmulator),
    give: fn(&OktaEmulator),
    named: &'static [&'static str],
}

async fn is_refused(taken: Taken) {
    let world = World::new().await;
    let ended = world.during_a_run(|_| (taken.take)(&world.emulator)).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    for named in taken.named.iter().chain([&world.emulator.client_id()]) {
        assert!(ended.stderr.contains(named), "{named} is not named: {}", ended.stderr);
    }
    assert!(ended.stderr.lines().count() >= 2, "what to do is missing: {ended:?}");
    assert_eq!(Contents::of_database(&world.sync.database()), world.before, "nothing is changed");
    (taken.give)(&world.emulator);
    world.converges();
}

#[tokio::test]
async fn p01_row14_a_key_that_is_taken_away_while_the_directory_is_read_ends_with_4() {
    is_refused(Taken {
        take: |emulator| {
            assert!(emulator.org().deactivate_key(emulator.key_id()));
            emulator.org().revoke_tokens();
        },
        give: |emulator| assert!(emulator.org().activate_key(emulator.key_id())),
        named: &["key"],
    })
    .await;
}

#[tokio::test]
async fn row14_a_token_outlives_the_key_that_it_was_asked_for_with() {
    let world = World::new().await;
    let ended = world.during_a_run(|org| assert!(org.deactivate_key(world.emulator.key_id()))).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(world.is_in_step());
}

#[tokio::test]
async fn p01_row15_an_app_that_is_deactivated_while_the_directory_is_read_ends_with_4() {
    is_refused(Taken {
        take: |emulator| emulator.org().set_app_active(false),
        give: |emulator| emulator.org().set_app_active(true),
        named: &["active"],
    })
    .await;
}

#[tokio::test]
async fn p01_row16_a_role_that_is_taken_away_while_the_directory_is_read_ends_with_4() {
    is_refused(Taken {
        take: |emulator| emulator.org().set_role(Role::None),
        give: |emulator| emulator.org().set_role(Role::ReadOnlyAdmin),
        named: &["Read-Only Administrator"],
    })
    .await;
}

#[tokio::test]
async fn p01_row16_a_scope_that_is_taken_away_while_the_directory_is_read_ends_with_4() {
    is_refused(Taken {
        take: |emulator| {
            emulator.org().set_granted_scopes(&["okta.users.read"]);
            emulator.org().revoke_tokens();
        },
        give: |emulator| emulator.org().set_granted_scopes(&["okta.users.read", "okta.groups.read"]),
        named: &["okta.groups.read"],
    })
    .await;
}

#[tokio::test]
async fn row23_groups_that_are_deleted_while_the_directory_is_read_are_gone_and_the_rest_goes_on() {
    let world = World::new().await;
    let groups = world.last_groups();
    let ended = world.during_a_run(|org| groups.iter().for_each(|group| assert!(org.delete_group(group)))).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(world.is_in_step());
}

#[tokio::test]
async fn row24_users_who_go_or_come_while_the_directory_is_read_are_in_step_after_the_next_run() {
    let world = World::new().await;
    let groups = world.last_groups();
    let leaver = world.before.memberships.iter().rev().find(|(group, _)| *group == groups[0]).map(|(_, user)| user.clone()).unwrap();
    let ended = world
        .during_a_run(|org| {
            assert!(org.delete_user(&leaver));
            let newcomer = org.create_user(json!({"login": "between@example.com", "email": "b@example.com"}));
            groups.iter().for_each(|group| assert!(org.add_member(group, &newcomer)));
        })
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let between = Contents::of_database(&world.sync.database());
    let has_both_ends = |(group, user): &(String, String)| between.groups.contains_key(group) && between.users.contains_key(user);
    assert!(between.memberships.iter().all(has_both_ends), "no membership without its user");
    assert!(!world.is_in_step(), "what came in between is not there yet");
    world.converges();
}
