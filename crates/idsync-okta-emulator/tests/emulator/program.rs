//! The program.

use crate::support::{Tested, send};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idsync-okta-emulator"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn end(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// A program that is interrupted with this.
struct Running(Child);

impl Running {
    /// Starts the program and reads what it says until it has said everything.
    fn start(arguments: &[&str]) -> (Self, String) {
        let mut child = program(arguments).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.ends_with("/emulator\n") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        (Self(child), said)
    }

    fn interrupt(mut self, signal: &str) -> bool {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap().success()
    }
}

fn word_after<'a>(said: &'a str, before: &str) -> &'a str {
    said.split_once(before).unwrap().1.split_whitespace().next().unwrap()
}

#[tokio::test]
async fn it_says_how_to_reach_it_and_ends_when_interrupted() {
    let folder = std::env::temp_dir().join(format!("emulator-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let key = folder.join("key.pem");
    fs::write(&key, "an older file").unwrap();
    let (running, said) = Running::start(&["--users", "30", "--groups=3", "--seed", "5", "--key-file", key.to_str().unwrap()]);
    let url = word_after(&said, "An Okta org runs at ");
    assert!(url.starts_with("http://127.0.0.1:") && word_after(&said, "client id").starts_with("0oa"));
    assert!(said.contains(&format!("--org {url} --client-id {} --key {}", word_after(&said, "client id"), key.display())));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    let client = Tested::start().await.http;
    let users = client.get(format!("{url}/api/v1/users")).header("authorization", format!("SSWS {}", word_after(&said, "API token")));
    assert_eq!(send(users).await.status, 200);
    assert!(running.interrupt("-INT"), "an interrupt is no failure");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_key_without_a_place_goes_to_a_folder_that_is_removed_with_it() {
    let (running, said) = Running::start(&["--dpop", "--rate-limits", "workforce"]);
    let key = PathBuf::from(word_after(&said, "key file"));
    assert_eq!(fs::metadata(key.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(key.exists() && running.interrupt("-TERM") && !key.parent().unwrap().exists());
}

#[test]
fn memberships_that_do_not_fit_are_told() {
    let (mut running, _) = Running::start(&["--users", "2", "--groups", "3", "--memberships", "99999999"]);
    let mut errors = running.0.stderr.take().unwrap();
    assert!(running.interrupt("-TERM"));
    let mut told = String::new();
    errors.read_to_string(&mut told).unwrap();
    assert!(told.contains("--memberships: of 99999999 only 8 fit"), "{told}");
}

#[test]
fn it_runs_even_if_nobody_reads_what_it_says() {
    let folder = std::env::temp_dir().join(format!("emulator-unread-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (reader, unread) = std::io::pipe().unwrap();
    drop(reader);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").map_or_else(|_| Stdio::null(), Stdio::from);
    for (out, key) in [(Stdio::from(unread), folder.join("one.pem")), (full, folder.join("other.pem"))] {
        let child = program(&["--key-file", key.to_str().unwrap()]).stdout(out).spawn().unwrap();
        while fs::metadata(&key).map_or(0, |file| file.len()) == 0 {
            std::thread::yield_now();
        }
        assert!(Running(child).interrupt("-TERM"), "it runs until it is interrupted");
    }
    let (reader, unread) = std::io::pipe().unwrap();
    drop(reader);
    assert!(program(&["--help"]).stdout(unread).status().unwrap().success());
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn it_may_start_before_anything_was_set_up() {
    let (running, said) = Running::start(&["--without-app", "--apps", "3", "--app-quota", "3"]);
    assert!(!said.contains("client id") && !said.contains("Sync it"), "{said}");
    let (url, token) = (word_after(&said, "An Okta org runs at "), word_after(&said, "setup token"));
    let client = Tested::start().await.http;
    let ask =
        |method: reqwest::Method| client.request(method, format!("{url}/api/v1/apps")).header("authorization", format!("SSWS {token}"));
    let listed = send(ask(reqwest::Method::GET)).await;
    assert_eq!((listed.status, listed.ids().len()), (200, 7));
    let body = Tested::app_body("One too many", &crate::signing::Key::fresh()).to_string();
    let refused = send(ask(reqwest::Method::POST).header("content-type", "application/json").body(body)).await;
    assert_eq!(refused.error(), (400, "E0000001".to_owned()));
    assert!(running.interrupt("-INT"));
}

#[test]
fn wrong_usage_ends_with_two_and_help_with_nothing() {
    let help = end(&["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--memberships"));
    for arguments in [vec!["--nonsense"], vec!["--users", "x"], vec!["--rate-limits", "much"], vec!["--port", "70000"]] {
        let output = end(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--help"));
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = end(&["--port", &taken.local_addr().unwrap().port().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--port: the port is taken"));
    let output = end(&["--key-file", "/no/such/folder/key.pem"]);
    assert!(
        output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("--key-file: the key cannot be written to")
    );
}
