//! The program `watch` as people run it: one line a run, and a clean stop.

use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator};
use idsync_tests::{Contents, Ended, Sync, example};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

struct Watch {
    program: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

fn command(emulator: &OktaEmulator, sync: &Sync, flags: &[&str]) -> Command {
    let mut command = Command::new(example("watch"));
    command.args(["--org", emulator.url(), "--client-id", emulator.client_id(), "--key"]).arg(sync.key());
    command.arg("--database").arg(sync.database()).args(["--patience", "2"]).args(flags);
    command.env_remove("IDSYNC_LOG").stdin(Stdio::null());
    command
}

impl Watch {
    fn start(emulator: &OktaEmulator, sync: &Sync, flags: &[&str]) -> Self {
        let mut program = command(emulator, sync, flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Self { program, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the program goes on").unwrap()
    }

    /// The first line that is not about a run without changes.
    fn news(&mut self) -> String {
        loop {
            let line = self.line();
            if !line.contains("delta: no changes") {
                return line;
            }
        }
    }

    /// Stops it as a supervisor would.
    fn stop(self) -> Ended {
        let id = self.program.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        // What it still has to say must have somebody to say it to.
        let rest = std::thread::spawn(move || self.lines.map_while(Result::ok).count());
        let ended = Ended::with(self.program.wait_with_output().unwrap());
        rest.join().unwrap();
        ended
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_is_one_line_and_a_signal_ends_it_at_once() {
    let emulator = OktaEmulator::builder().seed(31).users(60).groups(8).memberships(200).start().await.unwrap();
    let sync = Sync::new(&emulator);
    let mut watch = Watch::start(&emulator, &sync, &["--every", "1s"]);
    let first = watch.line();
    assert!(first.contains("Z full: ") && first.contains(" users created, "), "{first}");
    let second = watch.line();
    assert!(second.contains("Z delta: no changes, 3 requests, "), "{second}");
    emulator.org().create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
    let news = watch.news();
    assert!(news.contains("Z delta: 1 user created, "), "{news}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    emulator.faults().add(Fault::new(FaultKind::ForeignNext("http://127.0.0.1:9".to_owned())).on(Endpoint::Groups).times(1));
    let failed = watch.news();
    assert!(failed.contains("Z failed: ") && failed.contains("; "), "{failed}");
    assert!(watch.line().contains("Z delta: no changes"), "it goes on");
    let ended = watch.stop();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), "watch: stopped\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_watch_that_is_stopped_in_the_middle_of_a_run_loses_nothing() {
    let emulator = OktaEmulator::builder().seed(32).users(300).groups(30).memberships(900).start().await.unwrap();
    let sync = Sync::new(&emulator);
    emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_secs(30))).on(Endpoint::Members).times(3));
    let watch = Watch::start(&emulator, &sync, &["--json"]);
    while emulator.requests().count(Endpoint::Members) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(watch.stop().code, Some(0));
    emulator.faults().clear();
    let mut again = Watch::start(&emulator, &sync, &["--json"]);
    let report: Value = serde_json::from_str(&again.line()).unwrap();
    assert_eq!((&report["mode"], &report["outcome"]), (&json!("full"), &json!("done")));
    assert_eq!(again.stop().code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_the_org_does_not_understand_is_told_with_its_flag() {
    let emulator = OktaEmulator::builder().seed(33).start().await.unwrap();
    let sync = Sync::new(&emulator);
    let mut text = Watch::start(&emulator, &sync, &["--user-search", "bogus(("]);
    let failed = text.line();
    assert!(
        failed.contains("Z failed: --user-search: the org does not understand `bogus((`") && failed.contains("; see which"),
        "{failed}"
    );
    assert_eq!(text.stop().code, Some(0));
    let mut object = Watch::start(&emulator, &sync, &["--group-search", "bogus((", "--json"]);
    let failed: Value = serde_json::from_str(&object.line()).unwrap();
    assert_eq!(failed["error"]["kind"], "usage");
    assert!(failed["error"]["message"].as_str().unwrap().starts_with("--group-search: "), "{failed}");
    assert_eq!(object.stop().code, Some(0));
}

#[tokio::test]
async fn wrong_usage_is_told_and_nothing_is_begun() {
    let emulator = OktaEmulator::start().await.unwrap();
    let sync = Sync::new(&emulator);
    for (flags, expected) in [
        (&["--every", "60"][..], "--every: `60` is not a time"),
        (&["--full-every", "soon"], "--full-every: `soon` is not a time"),
        (&["--plan"], "--plan"),
        (&["--full"], "--full"),
    ] {
        let ended = Ended::of(command(&emulator, &sync, flags));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected) && ended.stderr.contains("see watch --help"), "{ended:?}");
    }
    assert!(emulator.requests().total() == 0 && !sync.database().exists());
    let help = Ended::of(command(&emulator, &sync, &["--help"]));
    assert!(help.code == Some(0) && help.stdout.contains("--full-every"));
}
