//! No secret is printed, logged or kept, and none goes to anybody but the org.

use idsync::IdentityProvider;
use idsync_okta_emulator::{Dpop, Endpoint, Fault, FaultKind, OktaEmulator, Role};
use idsync_tests::{Sync, provider};
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What must be found nowhere: the key as it stands in the file, each of its lines, and whatever starts like a signed token.
fn canaries(emulator: &OktaEmulator) -> Vec<String> {
    let pem = emulator.private_key_pem();
    let lines = pem.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
    let tokens = [emulator.api_token().to_owned(), emulator.setup_token().to_owned(), "eyJ".to_owned()];
    lines.chain(tokens).collect()
}

fn search(place: &str, bytes: &[u8], canaries: &[String]) {
    for canary in canaries {
        let found = bytes.windows(canary.len()).position(|window| window == canary.as_bytes());
        assert!(found.is_none(), "{canary} is in {place} at {found:?}");
    }
}

#[tokio::test]
async fn p17_runs_that_succeed_and_fail_leave_no_secret_in_logs_output_or_files() {
    let emulator = OktaEmulator::builder().seed(41).users(250).groups(15).dpop(Dpop::Required).start().await.unwrap();
    let sync = Sync::new(&emulator);
    let canaries = canaries(&emulator);
    let org = emulator.org();
    let run = |name: &str, flags: &[&str]| {
        for level in ["trace", "info"] {
            let mut command = sync.command(flags);
            command.env("IDSYNC_LOG", level).env("IDSYNC_TEST_TOKEN", emulator.api_token());
            let output = command.output().unwrap();
            search(&format!("standard output of {name}"), &output.stdout, &canaries);
            search(&format!("standard error of {name} at {level}"), &output.stderr, &canaries);
            if level == "trace" {
                let log = String::from_utf8(output.stderr).unwrap();
                assert!(log.contains("okta.request"), "{name}: the log is there: {log}");
            }
        }
    };
    run("a run", &[]);
    run("a plan", &["--plan", "--json"]);
    org.revoke_tokens();
    run("a run with a revoked token", &[]);
    org.set_role(Role::None);
    run("a run without a role", &["--json", "--release"]);
    org.set_role(Role::ReadOnlyAdmin);
    org.set_app_active(false);
    run("a run of an inactive app", &["--release"]);
    org.set_app_active(true);
    emulator.faults().add(Fault::new(FaultKind::MalformedJson).on(Endpoint::Token).always());
    run("a run with a malformed token", &["--release"]);
    emulator.faults().clear();
    emulator.faults().add(Fault::new(FaultKind::MalformedJson).on(Endpoint::Users).always());
    run("a run with a malformed page", &[]);
    run("a run with a malformed page", &[]);
    run("the status", &["--status"]);
    emulator.faults().clear();

    let mut command = std::process::Command::new(idsync_tests::example("sync"));
    command.args(["--org", emulator.url(), "--api-token-env", "IDSYNC_TEST_TOKEN", "--release", "--database"]).arg(sync.database());
    command.env("IDSYNC_TEST_TOKEN", emulator.api_token()).env("IDSYNC_LOG", "trace");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    search("standard error of a run with an API token", &output.stderr, &canaries);
    search("standard output of a run with an API token", &output.stdout, &canaries);

    let mut searched = 0;
    for file in std::fs::read_dir(sync.folder()).unwrap().map(|file| file.unwrap().path()).filter(|path| *path != sync.key()) {
        search(&file.display().to_string(), &std::fs::read(&file).unwrap(), &canaries);
        searched += 1;
    }
    assert!(searched >= 2, "the database and its lock file");
    // The search itself works.
    let planted = format!("log {} end", canaries[0]);
    assert!(std::panic::catch_unwind(|| search("a planted text", planted.as_bytes(), &canaries)).is_err());
}

#[tokio::test]
async fn p17_logs_at_info_name_nobody() {
    let emulator = OktaEmulator::builder().seed(42).users(250).groups(15).start().await.unwrap();
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    let truth = emulator.org().truth();
    let users: Vec<_> = truth.users.keys().cloned().collect();
    users.iter().take(30).for_each(|user| assert!(emulator.org().delete_user(user)));
    emulator.faults().add(Fault::new(FaultKind::Status(500, idsync_okta_emulator::BodyShape::Okta)).on(Endpoint::Members).always());
    let output = sync.command(&[]).env("IDSYNC_LOG", "info").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("WARN"), "there is something to log: {log}");
    for (id, user) in &truth.users {
        let login = user.profile["login"].as_str().unwrap();
        assert!(!log.contains(id) && !log.contains(login), "{id} {login} is in the log: {log}");
    }
}

/// A stranger that takes down every byte that anybody sends.
struct Stranger {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Stranger {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let notes = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut bytes = [0; 4_096];
                stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
                notes.lock().unwrap().extend_from_slice(b"[connected]");
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    notes.lock().unwrap().extend_from_slice(&bytes[..count]);
                }
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn p16_row17_row18_strangers_receive_no_byte() {
    let stranger = Stranger::listen();
    let port = stranger.address.port();
    let emulator = OktaEmulator::builder().seed(43).users(450).groups(5).start().await.unwrap();
    let own_port = emulator.url().rsplit(':').next().unwrap().to_owned();
    let origins = [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        // The org's own address under another name, and with another name in front of it.
        format!("http://localhost:{own_port}"),
        format!("http://127.0.0.1:{own_port}@127.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://0x7f.1:{port}"),
    ];
    for origin in &origins {
        for kind in [FaultKind::ForeignNext(origin.clone()), FaultKind::Redirect(format!("{origin}/api/v1/users"))] {
            let name = format!("{kind:?}");
            let sync = Sync::new(&emulator);
            emulator.faults().add(Fault::new(kind).on(Endpoint::Users).always());
            let ended = sync.run(&[]);
            assert_eq!(ended.code, Some(5), "{name}: {ended:?}");
            emulator.faults().clear();
            assert_eq!(stranger.heard(), "", "{name}");
        }
    }
    let redirected = Fault::new(FaultKind::Redirect(format!("http://127.0.0.1:{port}/oauth2/v1/token"))).on(Endpoint::Token).always();
    emulator.faults().add(redirected);
    assert!(provider(&emulator).check().await.is_err());
    assert_eq!(stranger.heard(), "", "the assertion goes to the org alone");
    assert!(emulator.requests().entries().iter().all(|entry| !entry.is_foreign), "no request carried another host's name");
    // The stranger does listen.
    drop(std::net::TcpStream::connect(stranger.address).unwrap());
    while stranger.heard().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
