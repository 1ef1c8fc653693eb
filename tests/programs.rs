//! The programs as scripts and people use them: flags, exit codes, one JSON object, and what is printed when something is wrong.

use idsync::sqlite::SqliteFile;
use idsync::{DirectoryId, StateStore};
use idsync_okta_emulator::{OktaEmulator, Role};
use idsync_tests::{Contents, Ended, Sync, column, count, example};
use serde_json::{Value, json};
use std::process::Command;

async fn org() -> OktaEmulator {
    OktaEmulator::builder().seed(21).users(150).groups(12).memberships(700).start().await.unwrap()
}

/// The directory of an emulated org.
fn directory(sync: &Sync) -> DirectoryId {
    DirectoryId::new(&column(&sync.database(), "SELECT id FROM directory")[0]).unwrap()
}

#[tokio::test]
async fn json_is_one_object_with_the_documented_members() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let (code, first) = sync.json(&[]);
    assert_eq!(code, Some(0));
    let contents = Contents::of_database(&sync.database());
    assert_eq!(contents, Contents::of_org(&emulator));
    assert_eq!((&first["outcome"], &first["mode"], &first["complete"]), (&json!("done"), &json!("full"), &json!(true)));
    assert!(first["run"].is_string() && first["change_set"].as_str().is_some_and(|hash| hash.len() == 32), "{first}");
    let kinds = ["user.created", "user.updated", "user.deleted", "group.created", "group.updated", "group.deleted"];
    let kinds = [&kinds[..], &["group.user_added", "group.user_removed"]].concat();
    assert_eq!(first["changes"].as_object().unwrap().len(), 8);
    assert!(kinds.iter().all(|kind| first["changes"][kind].is_u64()), "{first}");
    assert_eq!(first["changes"]["user.created"], contents.users.len());
    assert_eq!(first["held"], json!({"total": 0, "hash": null, "reason": null, "by_kind": {}}));
    assert_eq!((&first["escrowed"], &first["error"]), (&json!(0), &Value::Null));
    let size = json!({"users": contents.users.len(), "groups": contents.groups.len(), "memberships": contents.memberships.len()});
    assert_eq!(first["directory"], size);
    let requests = &first["requests"];
    assert!(requests["by_bucket"]["users"].as_u64() > Some(0) && requests["max_in_flight"].as_u64() > Some(0), "{requests}");
    assert_eq!(requests["total"], emulator.requests().total(), "as many requests are reported as were received");
    assert_eq!((&requests["rate_limited"], &requests["retried"]), (&json!(0), &json!(0)));
    assert!(first["elapsed_ms"].is_u64());

    let (code, failed) = sync.json(&["--no-such-flag"]);
    assert_eq!((code, &failed["outcome"], &failed["error"]["kind"]), (Some(2), &json!("failed"), &json!("usage")));
    for member in first.as_object().unwrap().keys() {
        assert!(failed.get(member).is_some(), "{member} is there, whatever happens");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_expected() {
    let org = ["--org", "acme.okta.com"];
    let app = ["--org", "acme.okta.com", "--client-id", "0oa1", "--key", "missing.pem"];
    for (flags, expected) in [
        (&[][..], "--org is missing"),
        (&org[..], "how to sign in is missing"),
        (&[&org[..], &["--client-id", "0oa1"]].concat(), "--client-id needs --key"),
        (&[&org[..], &["--key", "k"]].concat(), "--key needs --client-id"),
        (&[&org[..], &["--api-token-env", "IDSYNC_TEST_NOT_SET"]].concat(), "IDSYNC_TEST_NOT_SET is not set"),
        (&app, "missing.pem"),
        (&["--org", "https://{yourOktaDomain}", "--client-id", "0oa1", "--key", "k"], "still a placeholder"),
        (&["--org", "http://acme.okta.com", "--client-id", "0oa1", "--key", "k"], "https"),
        (&["--connection", "nowhere.json"], "nowhere.json cannot be read"),
        (&["--connection", "nowhere.json"], "run provision first, or name the connection with --connection"),
        (&[&app[..], &["--group", "00g1", "--group-prefix", "eng"]].concat(), "exclude each other"),
        (&[&app[..], &["--users-in-groups", "--user-search", "id pr"]].concat(), "exclude each other"),
        (&[&app[..], &["--users-in-groups"]].concat(), "--users-in-groups needs --group"),
        (&[&app[..], &["--group", ""]].concat(), "is not an id"),
        (&[&app[..], &["--user-chains", "9"]].concat(), "is not a number from 1 to 8"),
        (&[&app[..], &["--plan", "--apply", "00000000000000000000000000000000"]].concat(), "exclude each other"),
        (&[&app[..], &["--apply", "xyz"]].concat(), "not the hash of a plan"),
        (&[&app[..], &["--approve", "12"]].concat(), "--approve: `12` is not the hash"),
        (&[&app[..], &["--held", "--reject", "00000000000000000000000000000000"]].concat(), "exclude each other"),
        (&[&app[..], &["--delete-limit", "150%"]].concat(), "not a limit"),
        (&[&app[..], &["--rate-share", "0%"]].concat(), "not a share"),
        (&[&app[..], &["--patience", "long"]].concat(), "not a number of seconds"),
        (&["--frobnicate"], "frobnicate"),
    ] {
        let mut command = Command::new(example("sync"));
        command.args(flags).current_dir(std::env::temp_dir());
        let ended = Ended::of(command);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{flags:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty() && !ended.stderr.contains("panicked"), "{ended:?}");
    }
    let mut help = Command::new(example("sync"));
    help.arg("--help");
    let help = Ended::of(help);
    assert_eq!(help.code, Some(0));
    for flag in ["--org", "--client-id", "--key", "--api-token-env", "--connection", "--database", "--plan", "--apply", "--delete-limit"] {
        assert!(help.stdout.contains(flag), "{flag} is in the help");
    }
    assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "the help fits a terminal");
}

/// Something that an org can take from the app.
struct Way<'a> {
    name: &'static str,
    take: &'a dyn Fn(),
    give: &'a dyn Fn(),
    /// What the message must name, beside the app.
    named: &'static str,
}

#[tokio::test]
async fn p18_row15_row16_what_the_org_refuses_ends_with_4_and_names_what_is_missing() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    let before = Contents::of_database(&sync.database());
    let app = emulator.client_id();
    let org = emulator.org();
    let both = ["okta.users.read", "okta.groups.read"];
    let ways: [Way<'_>; 4] = [
        Way {
            name: "role",
            take: &|| org.set_role(Role::None),
            give: &|| org.set_role(Role::ReadOnlyAdmin),
            named: "Read-Only Administrator",
        },
        Way {
            name: "one scope",
            take: &|| org.set_granted_scopes(&both[..1]),
            give: &|| org.set_granted_scopes(&both),
            named: "okta.groups.read",
        },
        Way { name: "all scopes", take: &|| org.set_granted_scopes(&[]), give: &|| org.set_granted_scopes(&both), named: "scope" },
        Way { name: "app", take: &|| org.set_app_active(false), give: &|| org.set_app_active(true), named: "active" },
    ];
    for Way { name, take, give, named } in ways {
        take();
        let ended = sync.run(&[]);
        assert_eq!(ended.code, Some(4), "{name}: {ended:?}");
        assert!(ended.stderr.contains(named) && ended.stderr.contains(app), "{name}: {}", ended.stderr);
        assert_eq!(Contents::of_database(&sync.database()), before, "{name}: nothing changes");
        give();
        let ended = sync.run(&[]);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(Contents::of_database(&sync.database()), before);
    }
}

#[tokio::test]
async fn p04_row26_too_many_removals_are_held_with_3_and_the_rest_goes_on() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    let org = emulator.org();
    let users: Vec<_> = org.truth().in_scope().users.into_keys().collect();
    users.iter().take(40).for_each(|user| assert!(org.delete_user(user)));
    org.create_user(json!({"login": "late@example.com", "email": "late@example.com"}));
    let (code, report) = sync.json(&[]);
    assert_eq!((code, &report["outcome"]), (Some(3), &json!("held")));
    assert_eq!(report["held"]["by_kind"]["user.deleted"], 40);
    assert_eq!((&report["changes"]["user.created"], &report["changes"]["user.deleted"]), (&json!(1), &json!(0)));
    assert_eq!(count(&sync.database(), "SELECT count(*) FROM users"), users.len() as u64 + 1);
    let ended = sync.run(&["--delete-limit", "off"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test]
async fn p04_what_is_held_is_shown_and_approved_or_rejected_by_its_hash() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    assert_eq!(sync.run(&["--held"]).stdout.trim(), "Nothing is held.");
    let org = emulator.org();
    let users: Vec<_> = org.truth().in_scope().users.into_keys().collect();
    users.iter().take(40).for_each(|user| assert!(org.delete_user(user)));
    assert_eq!(sync.run(&[]).code, Some(3));

    let shown = sync.run(&["--held"]);
    assert_eq!(shown.code, Some(3), "{shown:?}");
    for part in ["40 user.deleted", "… and 30 more", "@example.com (00u", ") from Okta Administrators (00g", "would lose", "--approve "] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let plan = sync.run(&["--plan"]);
    assert_eq!(plan.code, Some(3), "{plan:?}");
    assert!(plan.stdout.starts_with("Plan: no changes\nHeld: ") && !plan.stdout.contains("\n  - "), "{}", plan.stdout);
    let (code, object) = sync.json(&["--held"]);
    let hash = object["held"]["hash"].as_str().unwrap().to_owned();
    assert_eq!((code, &object["outcome"], &object["held_set"]["by_kind"]["user.deleted"]), (Some(3), &json!("held"), &json!(40)));
    assert!(shown.stdout.contains(&hash));

    let other = sync.run(&["--approve", "00000000000000000000000000000000"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("look at what is held now"), "{}", other.stderr);
    let rejected = sync.run(&["--reject", &hash]);
    assert_eq!(rejected.code, Some(0), "{rejected:?}");
    assert!(rejected.stdout.contains("They were rejected") && !rejected.stdout.contains("--reject"), "{}", rejected.stdout);
    assert_eq!(sync.run(&[]).code, Some(0), "a rejected set is not asked about again");
    assert_eq!(count(&sync.database(), "SELECT count(*) FROM users"), users.len() as u64);

    assert!(org.delete_user(&users[40]));
    let moved = sync.run(&["--approve", &hash]);
    assert_eq!(moved.code, Some(3), "{moved:?}");
    assert!(moved.stderr.contains(&format!("{hash} was not applied: the org wants something else by now")), "{}", moved.stderr);
    let hash = sync.json(&["--held"]).1["held"]["hash"].as_str().unwrap().to_owned();
    let approved = sync.run(&["--approve", &hash]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert!(!approved.stderr.contains("was not applied"), "{}", approved.stderr);
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    assert_eq!(sync.run(&["--held"]).code, Some(0));
}

#[tokio::test]
async fn p04_a_protected_login_stays() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let org = emulator.org();
    let keeper = org.create_user(json!({"login": "break.glass@example.com", "email": "b@example.com"}));
    sync.run(&[]);
    assert!(org.delete_user(&keeper));
    let ended = sync.run(&["--protect", "Break.Glass@example.com"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("Protected: 1 removal not made"), "{}", ended.stdout);
    assert_eq!(count(&sync.database(), &format!("SELECT count(*) FROM users WHERE id = '{keeper}'")), 1);
    assert_eq!(sync.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test]
async fn p14_a_plan_is_printed_and_applied_by_its_hash_or_refused() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let plan = sync.run(&["--plan"]);
    assert_eq!(plan.code, Some(0));
    assert_eq!(count(&sync.database(), "SELECT count(*) FROM users"), 0, "a plan changes nothing");
    assert!(plan.stdout.starts_with("Plan: ") && plan.stdout.contains("… and "), "counts first, long lists folded: {}", plan.stdout);
    let hash = plan.stdout.split("--apply ").nth(1).unwrap().trim().to_owned();
    let (code, json) = sync.json(&["--plan"]);
    assert_eq!((code, json["change_set"].as_str()), (Some(0), Some(hash.as_str())), "the same plan has the same hash");
    let counted: u64 = json["changes"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(json["plan"].as_array().unwrap().len() as u64, counted);

    let org = emulator.org();
    let newcomer = org.create_user(json!({"login": "between@example.com", "email": "between@example.com"}));
    let stale = sync.run(&["--apply", &hash]);
    assert_eq!(stale.code, Some(2), "it never works again: {stale:?}");
    assert!(
        stale.stderr.contains("the plan is not valid any more") && stale.stderr.contains("a plan made now would apply"),
        "{}",
        stale.stderr
    );
    assert_eq!(count(&sync.database(), "SELECT count(*) FROM users"), 0);
    let unknown = sync.run(&["--apply", "00000000000000000000000000000000"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(org.delete_user(&newcomer));
    let applied = sync.run(&["--apply", &hash]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test]
async fn p13_row37_a_directory_that_is_held_ends_with_7_and_names_the_holder() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    let directory = directory(&sync);
    let file = SqliteFile::open(sync.database()).await.unwrap();
    let lease = file.store().acquire(&directory, "the night shift").await.unwrap();
    let ended = sync.run(&[]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.stderr.contains("the night shift"), "{}", ended.stderr);
    drop(lease);
    assert_eq!(sync.run(&[]).code, Some(0));
}

#[tokio::test]
async fn row31_a_sink_that_refuses_or_fails_ends_with_6_and_the_next_run_converges() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    let tables = rusqlite::Connection::open(sync.database()).unwrap();
    tables.execute_batch("CREATE TRIGGER no_more BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no more'); END").unwrap();
    let org = emulator.org();
    let newcomer = org.create_user(json!({"login": "late@example.com", "email": "late@example.com"}));
    let group = org.create_group("Late", None);
    org.add_member(&group, &newcomer);
    let (code, report) = sync.json(&[]);
    assert_eq!((code, &report["outcome"], &report["escrowed"]), (Some(6), &json!("refused"), &json!(2)), "{report}");
    assert_eq!(report["changes"]["group.created"], 1, "what does not depend on it goes on");
    tables.execute_batch("DROP TRIGGER no_more").unwrap();
    assert_eq!(sync.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));

    tables.execute_batch("ALTER TABLE memberships RENAME TO elsewhere").unwrap();
    org.remove_member(&group, &newcomer);
    let ended = sync.run(&[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    tables.execute_batch("ALTER TABLE elsewhere RENAME TO memberships").unwrap();
    let ended = sync.run(&[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test]
async fn row36_the_database_of_another_org_or_program_is_refused_and_left_as_it_is() {
    let (one, other) = (org().await, OktaEmulator::builder().seed(99).start().await.unwrap());
    let (sync, elsewhere) = (Sync::new(&one), Sync::new(&other));
    sync.run(&[]);
    let before = std::fs::read(sync.database()).unwrap();
    let ended = elsewhere.run(&["--database", sync.database().to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("holds the directory"), "{}", ended.stderr);
    assert!(std::fs::read(sync.database()).unwrap() == before);
    std::fs::write(sync.folder().join("notes.txt"), "dear diary, this is no database and has to stay as it is").unwrap();
    let ended = sync.run(&["--database", sync.folder().join("notes.txt").to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("is not an SQLite file"), "{}", ended.stderr);
}

#[cfg(unix)]
#[tokio::test]
async fn who_only_looks_makes_no_database() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let hash = "00000000000000000000000000000000";
    for flags in [&["--status"][..], &["--held"], &["--approve", hash], &["--reject", hash]] {
        let ended = sync.run(flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains("there is no such database"), "{flags:?}: {}", ended.stderr);
    }
    assert!(!sync.database().exists());
    assert_eq!(sync.run(&["--plan"]).code, Some(0), "a plan is kept in it");
    assert_eq!(sync.run(&["--status"]).code, Some(0));
}

#[tokio::test]
async fn a_flag_that_matches_nobody_is_told() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    emulator.org().create_user(json!({"login": "keeper@example.com", "email": "k@example.com"}));
    let flags = ["--protect", "nobody@example.com", "--protect", "KEEPER@example.com", "--attributes", "nope,email"];
    let ended = sync.run(&flags);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for told in ["--protect: no user that was synced has the login nobody@", "--attributes: no user that was synced has the attribute nope"]
    {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("KEEPER") && !ended.stderr.contains("attribute email"), "{}", ended.stderr);
    assert_eq!(sync.run(&[&flags[..], &["--quiet"]].concat()).stderr, "");
}

#[tokio::test]
async fn a_search_that_the_org_does_not_understand_is_wrong_usage() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    for flag in ["--group-search", "--user-search"] {
        let ended = sync.run(&[flag, "bogus(("]);
        assert_eq!(ended.code, Some(2), "{flag}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{flag}: the org does not understand `bogus((`")), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn the_access_review_prints_who_is_in_which_group() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let org = emulator.org();
    let (group, user) =
        (org.create_group("Vault keepers", None), org.create_user(json!({"login": "keeper@example.com", "email": "k@example.com"})));
    org.add_member(&group, &user);
    sync.run(&[]);
    let review = |flags: &[&str]| {
        let mut command = Command::new(example("access_review"));
        command.arg("--database").arg(sync.database()).args(flags);
        Ended::of(command)
    };
    assert_eq!(review(&["--by", "group", "--find", "vault"]).stdout, "Vault keepers\n  keeper@example.com\n");
    assert_eq!(review(&["--by", "person", "--find", "keeper@"]).stdout, "keeper@example.com (active)\n  Vault keepers\n");
    let wrong = review(&["--by", "mood"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("neither person nor group"), "{}", wrong.stderr);
}

#[tokio::test]
async fn only_a_part_of_the_org_is_synced_when_that_is_asked_for() {
    let emulator = org().await;
    let group = emulator.org().create_group("eng-core", None);
    let member = emulator.org().truth().in_scope().users.into_keys().next().unwrap();
    assert!(emulator.org().add_member(&group, &member));
    let sync = Sync::new(&emulator).with_deltas();
    let scope = ["--group-prefix", "eng-", "--users-in-groups", "--attributes", "email, lastName", "--delete-limit", "off"];
    let (code, report) = sync.json(&scope);
    assert_eq!((code, &report["directory"]), (Some(0), &json!({"users": 1, "groups": 1, "memberships": 1})));
    let user = &Contents::of_database(&sync.database()).users[&member];
    assert_eq!(user.attributes.keys().collect::<Vec<_>>(), ["email", "lastName"]);
    let nothing = sync.run(&["--group-prefix", "no such"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    assert!(nothing.stderr.contains("none of the groups of the org is in scope"), "{nothing:?}");
    let (code, report) = sync.json(&[]);
    assert_eq!((code, &report["mode"]), (Some(0), &json!("full")), "another scope: {report}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    let (_, report) = sync.json(&[]);
    assert_eq!(report["mode"], "delta");
    // To sign in, the org, users, a look at one, groups, and the members of the group that is new.
    assert!(report["requests"]["total"].as_u64() <= Some(6), "{report}");
    let (_, report) = sync.json(&["--full", "--user-chains", "3"]);
    assert_eq!(report["changes"]["user.deleted"], 0);
    assert_eq!(report["mode"], "full");
}
