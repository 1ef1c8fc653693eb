//! The program `provision` as an administrator runs it.

use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator, Role};
use idsync_tests::{Contents, Ended, example, write_private};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Place {
    emulator: OktaEmulator,
    folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let emulator = OktaEmulator::builder().seed(51).users(40).groups(5).memberships(120).without_app().start().await.unwrap();
        Self { emulator, folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, which may use this token, in the folder of this place.
    fn program(&self, token: Option<&str>) -> Command {
        let mut command = Command::new(example("provision"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_remove("IDSYNC_LOG");
        if let Some(token) = token {
            command.args(["--setup-token-env", "IDSYNC_TEST_SETUP_TOKEN"]).env("IDSYNC_TEST_SETUP_TOKEN", token);
        }
        command
    }

    fn command(&self, token: Option<&str>, flags: &[&str]) -> Command {
        let mut command = self.program(token);
        command.args(["--org", self.emulator.url()]).args(flags);
        command
    }

    /// Runs it with the token of a super administrator of its own.
    fn run(&self, flags: &[&str]) -> Ended {
        let token = self.emulator.org().create_api_token(Role::SuperAdmin);
        Ended::of(self.command(Some(token.secret()), flags))
    }

    fn json(&self, flags: &[&str]) -> (Option<i32>, Value) {
        json_of(&self.run(&[flags, &["--json"]].concat()))
    }

    fn sync(&self) -> Ended {
        let mut command = Command::new(example("sync"));
        command.current_dir(self.folder.path()).args(["--connection", "connection.json", "--database", "a.db", "--patience", "2"]);
        Ended::of(command)
    }

    /// How many keys the app has.
    fn keys(&self) -> usize {
        self.emulator.org().apps().into_iter().find(|app| app.label == "idsync").map_or(0, |app| app.keys.len())
    }

    fn apps(&self) -> usize {
        self.emulator.org().apps().into_iter().filter(|app| app.label == "idsync").count()
    }
}

/// Standard output must be exactly one object.
fn json_of(ended: &Ended) -> (Option<i32>, Value) {
    let object = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("not one JSON object: {error}: {ended:?}"));
    (ended.code, object)
}

#[tokio::test]
async fn connect_sync_rotate_sync_and_leave() {
    let place = Place::new().await;
    let planned = place.run(&["--plan", "--keep-setup-token"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains("create the service app with its key"), "{}", planned.stdout);
    assert_eq!((place.apps(), place.at("idsync-key.pem").exists()), (0, false), "a plan makes nothing");

    let made = place.run(&[]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for told in [
        "done: create the service app",
        "done: grant the scope okta.users.read",
        "done: read",
        "the setup token is revoked",
        "Next: cargo run --release --example sync -- --connection connection.json --plan",
    ] {
        assert!(made.stdout.contains(told), "{told}: {}", made.stdout);
    }
    #[cfg(unix)]
    for file in ["idsync-key.pem", "connection.json"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.at(file)).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{file} is for its owner alone");
    }
    assert!(!place.at("connection.json.journal").exists(), "nothing is left to undo");
    assert_eq!(place.sync().code, Some(0));
    assert_eq!(Contents::of_database(&place.at("a.db")), Contents::of_org(&place.emulator));

    let (code, again) = place.json(&[]);
    assert_eq!(
        (code, &again["outcome"], &again["steps"], &again["setup_token"]),
        (Some(0), &json!("provisioned"), &json!(0), &json!("revoked"))
    );
    assert_eq!(place.apps(), 1);

    let old = std::fs::read(place.at("idsync-key.pem")).unwrap();
    let (code, rotated) = place.json(&["--rotate"]);
    assert_eq!((code, &rotated["outcome"]), (Some(0), &json!("rotated")), "{rotated}");
    assert_eq!(place.json(&[]).1["steps"], 0, "the key is that of the connection");
    assert_eq!(place.keys(), 1);
    assert!(!place.at("idsync-key.pem").exists() && !place.at("idsync-key.pem.next").exists(), "the old key is gone");
    let key = place.at(rotated["connection"]["key_file"].as_str().unwrap());
    assert_ne!(std::fs::read(&key).unwrap(), old);
    assert_eq!(place.sync().code, Some(0));
    let again = place.run(&["--rotate"]);
    assert!(again.stdout.contains(&format!("the old key file {} is deleted", rotated["connection"]["key_file"].as_str().unwrap())));

    let token = place.emulator.org().create_api_token(Role::SuperAdmin);
    let mut teardown = place.program(Some(token.secret()));
    teardown.args(["--teardown", "--json"]); // the connection says in which org
    let (code, removed) = json_of(&Ended::of(teardown));
    assert_eq!((code, &removed["outcome"]), (Some(0), &json!("removed")), "{removed}");
    assert_eq!(place.apps(), 0);
    assert_eq!(place.json(&["--teardown"]).1["removed"], json!([]), "twice is fine");
    assert_eq!(place.sync().code, Some(4));
}

#[tokio::test]
async fn an_interrupted_run_tells_what_stands_and_is_undone_or_gone_on_with() {
    for undo in [true, false] {
        let place = Place::new().await;
        place
            .emulator
            .faults()
            .add(Fault::new(FaultKind::Status(403, idsync_okta_emulator::BodyShape::Okta)).on(Endpoint::Grants).skip(1).always());
        let failed = place.run(&[]);
        assert_eq!(failed.code, Some(4), "{failed:?}");
        assert!(failed.stderr.contains("What was made stands:") && failed.stderr.contains("--undo"), "{}", failed.stderr);
        assert!(place.at("connection.json.journal").exists());
        place.emulator.faults().clear();
        if undo {
            let undone = place.run(&["--undo"]);
            assert_eq!(undone.code, Some(0), "{undone:?}");
            assert_eq!((place.apps(), place.emulator.org().custom_roles().len()), (0, 0));
        } else {
            let made = place.run(&[]);
            assert_eq!(made.code, Some(0), "{made:?}");
            assert!(made.stderr.contains("an earlier run was interrupted"), "{}", made.stderr);
            assert_eq!(place.apps(), 1);
        }
        assert!(!place.at("connection.json.journal").exists());
    }
}

#[tokio::test]
async fn what_is_told_as_made_is_noted_before_and_can_be_undone_after_a_kill() {
    let place = Place::new().await;
    let token = place.emulator.org().create_api_token(Role::SuperAdmin);
    let mut run = place.command(Some(token.secret()), &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let told =
        BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok).any(|line| line.contains("done: create the service"));
    let noted = std::fs::read_to_string(place.at("connection.json.journal"));
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(told);
    let id = place.emulator.org().apps().into_iter().find(|app| app.label == "idsync").unwrap().id;
    assert!(noted.unwrap().contains(&id), "the app is noted before it is told");
    let undone = place.run(&["--undo"]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!((place.apps(), place.emulator.org().custom_roles().len()), (0, 0));
}

#[tokio::test]
async fn without_notes_nothing_is_undone_but_what_stands_is_told_and_the_token_stays() {
    let place = Place::new().await;
    let token = place.emulator.org().create_api_token(Role::SuperAdmin);
    let undo = || Ended::of(place.command(Some(token.secret()), &["--undo"]));
    let none = undo();
    assert_eq!(none.code, Some(0), "{none:?}");
    for told in ["connection.json.journal holds no notes", "No app with the label idsync", "The setup token is not revoked"] {
        assert!(none.stdout.contains(told), "{told}: {}", none.stdout);
    }
    assert_eq!(place.run(&[]).code, Some(0));
    let id = place.emulator.org().apps().into_iter().find(|app| app.label == "idsync").unwrap().id;
    let stands = undo();
    assert!(stands.stdout.contains(&id) && stands.stdout.contains("--teardown removes it"), "{stands:?}");
    std::fs::remove_file(place.at("connection.json")).unwrap();
    let stands = undo();
    assert!(stands.stdout.contains(&id) && stands.stdout.contains("run provision again"), "{stands:?}");
    let (code, object) = place.json(&["--undo"]);
    assert_eq!((code, &object["app_id"], &object["setup_token"]), (Some(0), &json!(id), &json!("kept")));
    assert_eq!(place.apps(), 1);
}

#[tokio::test]
async fn another_key_than_that_of_the_connection_is_one_more_and_that_is_told() {
    let place = Place::new().await;
    let (code, made) = place.json(&[]);
    assert_eq!((code, &made["other_keys"]), (Some(0), &json!([])));
    let told = format!("which are left alone: {}. To take them away, run --rotate", made["connection"]["key_id"].as_str().unwrap());
    let planned = place.run(&["--key", "other.pem", "--plan"]);
    assert!(planned.stdout.contains("add the key to the app") && planned.stdout.contains(&told), "{planned:?}");
    let (code, added) = place.json(&["--key", "other.pem"]);
    assert_eq!((code, &added["other_keys"]), (Some(0), &json!([made["connection"]["key_id"]])));
    assert_eq!((place.keys(), &added["connection"]["key_file"]), (2, &json!("other.pem")));
    assert!(place.run(&[]).stderr.contains(&told), "it is told until they are gone");
    assert_eq!(place.run(&["--rotate"]).code, Some(0));
    assert_eq!(place.keys(), 1);
    assert!(!place.run(&[]).stderr.contains("other keys"));
}

#[tokio::test]
async fn what_is_connected_to_one_org_is_not_lost_to_another() {
    let (place, other) = (Place::new().await, OktaEmulator::builder().seed(52).without_app().start().await.unwrap());
    let elsewhere = |flags: &[&str]| {
        let token = other.org().create_api_token(Role::SuperAdmin);
        let mut command = place.program(Some(token.secret()));
        command.args(["--org", other.url()]).args(flags);
        Ended::of(command)
    };
    place.emulator.faults().add(Fault::new(FaultKind::Status(403, idsync_okta_emulator::BodyShape::Okta)).on(Endpoint::Grants).always());
    assert_eq!(place.run(&[]).code, Some(4));
    place.emulator.faults().clear();
    let notes = std::fs::read(place.at("connection.json.journal")).unwrap();
    for flags in [&[][..], &["--undo"]] {
        let ended = elsewhere(flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains("notes what an interrupted run made in the org 00o"), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains("name another file with --connection"), "{flags:?}: {ended:?}");
    }
    assert!(std::fs::read(place.at("connection.json.journal")).unwrap() == notes);

    assert_eq!(place.run(&[]).code, Some(0));
    let connection = std::fs::read(place.at("connection.json")).unwrap();
    for (flags, told) in [
        (&[][..], "connection.json is a connection to the org 00o"),
        (&["--label", "another"], "connection.json is a connection to the org 00o"),
        (&["--rotate"], "the connection is to the org 00o"),
        (&["--teardown"], "the connection is to the org 00o"),
    ] {
        let ended = elsewhere(flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains(told), "{flags:?}: {ended:?}");
    }
    assert!(std::fs::read(place.at("connection.json")).unwrap() == connection);
    assert_eq!((place.apps(), place.keys()), (1, 1));
    assert!(other.org().apps().iter().all(|app| app.label != "idsync" && app.label != "another"));
    assert_eq!(elsewhere(&["--connection", "other.json", "--key", "other.pem"]).code, Some(0));
    assert_eq!(place.sync().code, Some(0));
}

#[tokio::test]
async fn while_another_run_is_at_work_a_run_ends_with_7_and_makes_nothing() {
    let place = Place::new().await;
    let other = std::fs::File::create(place.at("connection.json.lock")).unwrap();
    other.lock().unwrap();
    for flags in [&[][..], &["--rotate"], &["--undo"], &["--teardown"]] {
        let ended = place.run(flags);
        assert_eq!(ended.code, Some(7), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains("another run of provision is at work on connection.json"), "{flags:?}: {ended:?}");
    }
    assert_eq!((place.apps(), place.at("idsync-key.pem").exists()), (0, false));
    assert_eq!(place.run(&["--plan"]).code, Some(0), "who only looks is in nobody's way");
    drop(other);
    let made = place.run(&[]);
    assert_eq!((made.code, place.apps()), (Some(0), 1), "{made:?}");
    assert!(!place.at("connection.json.lock").exists(), "nothing is left behind");
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_a_refusal_with_4() {
    let place = Place::new().await;
    let ended = |token: Option<&str>, flags: &[&str]| Ended::of(place.command(token, flags));
    let nobody = ended(None, &[]);
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("--setup-token-env"), "{}", nobody.stderr);
    for (flags, told) in [
        (&["--plan", "--rotate"][..], "exclude each other"),
        (&["--role", "king"], "expected least-privilege, custom or READ_ONLY_ADMIN"),
        (&["--key-kind", "dsa"], "expected es256 or rsa3072"),
        (&["--rotate"], "connection.json cannot be read"),
        (&["--teardown"], "run provision first, or name the connection with --connection"),
        (&["--scopes", "okta.users.manage"], "is not a scope for reading"),
        (&["--scopes", "okta.users.read"], "--scopes: okta.groups.read must be among them"),
        (&["--setup-token", "00abc"], "--setup-token"),
    ] {
        let wrong = ended(Some("00abc"), flags);
        assert_eq!(wrong.code, Some(2), "{flags:?}: {wrong:?}");
        assert!(wrong.stderr.contains(told), "{flags:?}: {}", wrong.stderr);
    }
    let orgless = Ended::of({
        let mut command = place.program(Some("00abc"));
        command.arg("--rotate");
        command
    });
    assert_eq!(orgless.code, Some(2), "{orgless:?}");
    assert!(orgless.stderr.contains("connection.json cannot be read") && orgless.stderr.contains("run provision first"), "{orgless:?}");
    let refused = ended(Some("00nobodyknowsthis"), &[]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("the setup token is not valid"), "{}", refused.stderr);
    assert!(!place.at("idsync-key.pem").exists(), "no key is made for somebody who may not use it");
    let nowhere = ended(Some("00nobodyknowsthis"), &["--connection", "no/such/folder/c.json"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("check that the folder of the connection is there"), "{}", nowhere.stderr);
    let reader = place.emulator.org().create_api_token(Role::ReadOnlyAdmin);
    let refused = ended(Some(reader.secret()), &[]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(
        refused.stderr.contains("no super administrator") && refused.stderr.contains("ask a super administrator"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn terraform_and_the_steps_by_hand_need_no_token() {
    let place = Place::new().await;
    let written = Ended::of(place.command(None, &["--org", "acme.okta.com", "--terraform", "module"]));
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(std::fs::read_to_string(place.at("module/main.tf")).unwrap().contains("okta_app_oauth"));
    let steps = Ended::of(place.command(None, &["--org", "acme.okta.com", "--manual"]));
    assert_eq!(steps.code, Some(0), "{steps:?}");
    assert!(steps.stdout.contains("API Services") && !steps.stdout.contains("PRIVATE"), "{}", steps.stdout);
    assert_eq!(place.emulator.requests().total(), 0);
}

#[tokio::test]
async fn p17_neither_the_setup_token_nor_the_key_is_told_logged_or_written_elsewhere() {
    let place = Place::new().await;
    let token = place.emulator.org().create_api_token(Role::SuperAdmin);
    let mut command = place.command(Some(token.secret()), &[]);
    command.env("IDSYNC_LOG", "trace");
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("okta.request"), "the log is there");
    let key = std::fs::read_to_string(place.at("idsync-key.pem")).unwrap();
    let secrets: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).chain([token.secret()]).collect();
    let rest = std::fs::read_to_string(place.at("connection.json")).unwrap();
    for secret in secrets {
        for (name, text) in [("standard output", &ended.stdout), ("log", &ended.stderr), ("connection", &rest)] {
            assert!(!text.contains(secret), "a secret is in the {name}");
        }
    }
    // An assertion and an access token have three parts.
    let is_token = |word: &str| word.starts_with("eyJ") && word.matches('.').count() == 2;
    let words = ended.stderr.split(|c: char| c.is_whitespace() || c == '"');
    assert_eq!(words.filter(|word| is_token(word)).count(), 0);
    assert!(!place.at("connection.json.journal").exists());
    write_private(&place.at("token"), "00abc");
    let file = Ended::of(place.command(None, &["--setup-token-file", "token"]));
    assert_eq!(file.code, Some(4), "{file:?}");
}
