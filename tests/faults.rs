//! Everything that can go wrong with an org: the right exit code, a message that helps, nothing deleted that is still there, and a next
//! clean run that converges.

use idsync_okta_emulator::{BodyShape, Endpoint, Fault, FaultKind, Malformed, OktaEmulator};
use idsync_tests::{Contents, Ended, Sync};
use serde_json::json;
use std::time::Duration;

/// A fault, and what must come of it.
struct Case {
    fault: Fault,
    code: i32,
    /// What standard output or error must say.
    says: &'static str,
}

/// The run does what it would have done without the fault.
fn survived(fault: Fault) -> Case {
    Case { fault, code: 0, says: "Changed: " }
}

/// The run is not complete, and says why.
fn incomplete(fault: Fault, says: &'static str) -> Case {
    Case { fault, code: 5, says }
}

/// The org refused.
fn refused(fault: Fault, says: &'static str) -> Case {
    Case { fault, code: 4, says }
}

fn users(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Endpoint::Users)
}

fn groups(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Endpoint::Groups)
}

fn members(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Endpoint::Members)
}

fn token(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Endpoint::Token)
}

/// Probes ask for one entry; listings begin after them.
fn in_listing(fault: Fault) -> Fault {
    fault.skip(1)
}

#[tokio::test]
async fn p19_row12_an_org_whose_clock_is_days_off_is_read_by_its_own_time() {
    for skew in [-3 * 86_400, 3 * 86_400] {
        let world = World::new(77).await;
        world.emulator.org().set_clock_skew(skew);
        let ended = world.sync.run(&[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(Contents::of_database(&world.sync.database()), Contents::of_org(&world.emulator));
    }
}

/// Three pages of users and as many groups as fit a page, synced once; then people and groups come and go.
struct World {
    emulator: OktaEmulator,
    sync: Sync,
    before: Contents,
}

impl World {
    async fn new(seed: u64) -> Self {
        let emulator = OktaEmulator::builder().seed(seed).users(450).groups(210).memberships(1_500).start().await.unwrap();
        let sync = Sync::new(&emulator);
        let first = sync.run(&[]);
        assert_eq!(first.code, Some(0), "{first:?}");
        let before = Contents::of_database(&sync.database());
        let org = emulator.org();
        let newcomer = org.create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
        let (group, user) = before.memberships.first().cloned().unwrap();
        assert!(org.add_member(&group, &newcomer));
        assert!(org.delete_user(&user));
        let last = before.groups.keys().next_back().unwrap();
        assert!(org.delete_group(last));
        Self { emulator, sync, before }
    }

    fn run(&self, name: &str, case: Case) {
        let fault = format!("{name}: {:?}", case.fault);
        self.emulator.faults().add(case.fault);
        let ended = self.sync.run(&["--patience", "4"]);
        assert_eq!(ended.code, Some(case.code), "{fault}: {ended:?}");
        let Ended { stdout, stderr, .. } = &ended;
        assert!(stdout.contains(case.says) || stderr.contains(case.says), "{fault}: {ended:?}");
        assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{fault}: {ended:?}");
        assert!(
            case.code == 0 || stderr.lines().count() >= 2 || stdout.contains("Run it again"),
            "{fault}: what to do is missing: {ended:?}"
        );
        assert!(self.emulator.faults().fired() > 0, "{fault} did not strike");
        self.check_nothing_is_lost(&fault);
        self.emulator.faults().clear();
        let clean = self.sync.run(&[]);
        assert_eq!(clean.code, Some(0), "{fault}, then clean: {clean:?}");
        assert_eq!(Contents::of_database(&self.sync.database()), Contents::of_org(&self.emulator), "{fault}");
    }

    /// Whoever was there before and is there still is in the database.
    fn check_nothing_is_lost(&self, fault: &str) {
        let (now, truth) = (Contents::of_database(&self.sync.database()), Contents::of_org(&self.emulator));
        let users = self.before.users.keys().filter(|id| truth.users.contains_key(*id));
        assert!(users.into_iter().all(|id| now.users.contains_key(id)), "{fault}: a user was deleted");
        let groups = self.before.groups.keys().filter(|id| truth.groups.contains_key(*id));
        assert!(groups.into_iter().all(|id| now.groups.contains_key(id)), "{fault}: a group was deleted");
        let members = self.before.memberships.iter().filter(|pair| truth.memberships.contains(*pair));
        assert!(members.into_iter().all(|pair| now.memberships.contains(pair)), "{fault}: a membership was deleted");
    }
}

async fn each(name: &str, cases: Vec<Case>) {
    for (seed, case) in cases.into_iter().enumerate() {
        World::new(seed as u64 + 1).await.run(name, case);
    }
}

#[tokio::test]
async fn faults_that_pass_are_survived() {
    let status = |status, shape| FaultKind::Status(status, shape);
    let cases = vec![
        survived(users(status(500, BodyShape::Okta))),
        survived(in_listing(users(status(503, BodyShape::Empty)))),
        survived(groups(status(502, BodyShape::Html))),
        survived(members(status(504, BodyShape::Html)).times(3)),
        survived(token(status(503, BodyShape::Empty))),
        survived(in_listing(users(FaultKind::TruncatedBody))),
        survived(in_listing(users(FaultKind::Reset))),
        survived(members(FaultKind::ResetMidBody).times(2)),
        survived(in_listing(groups(FaultKind::MalformedJson))),
        survived(token(FaultKind::Reset)),
        survived(users(FaultKind::Delay(Duration::from_millis(300)))),
        survived(members(FaultKind::SlowBody { bytes: 200, tick: Duration::from_millis(2) }).times(3)),
        survived(users(FaultKind::InvalidCursor)),
        survived(users(FaultKind::LargeLimit500(100)).always()),
        survived(members(FaultKind::LargeLimit500(500)).times(2)),
    ];
    each("passing", cases).await;
}

#[tokio::test]
async fn p15_too_many_requests_are_waited_for() {
    let cases = vec![
        survived(in_listing(users(FaultKind::BucketLimit429(Duration::from_secs(1))))),
        survived(members(FaultKind::BucketLimit429(Duration::from_secs(1)))),
        survived(members(FaultKind::Concurrency429).times(2)),
        survived(token(FaultKind::Concurrency429)),
        survived(Fault::new(FaultKind::MissingRateHeaders).always()),
        survived(Fault::new(FaultKind::DuplicatedRateHeaders).always()),
    ];
    each("limits", cases).await;
}

#[tokio::test]
async fn p01_pages_in_odd_shapes_are_read_to_their_end() {
    let cases = vec![
        survived(Fault::new(FaultKind::JoinedLinkHeader).always()),
        survived(Fault::new(FaultKind::EmptyMiddlePage).times(4)),
        survived(in_listing(users(FaultKind::LoopingNext))),
        survived(Fault::new(FaultKind::EmptyLastPage).always()),
        survived(Fault::new(FaultKind::ShrunkPages).always()),
        survived(Fault::new(FaultKind::RepeatedRows).always()),
        survived(in_listing(users(FaultKind::ShiftedRows))),
        survived(in_listing(groups(FaultKind::ShiftedRows))),
        survived(users(FaultKind::UnknownMembers).always()),
        survived(members(FaultKind::UnknownMembers).always()),
        survived(Fault::new(FaultKind::SkewedDate(-7_200)).always()),
        survived(Fault::new(FaultKind::SkewedDate(86_400)).always()),
    ];
    each("shapes", cases).await;
}

#[tokio::test]
async fn p05_records_that_cannot_be_understood_are_held_and_reported() {
    let kinds = [
        Malformed::MissingId,
        Malformed::MissingStatus,
        Malformed::NotAnObject,
        Malformed::Null,
        Malformed::NumericId,
        Malformed::WrongTypes,
    ];
    let says = "Not understood: ";
    let in_users = kinds.map(|kind| Case { says, ..survived(in_listing(users(FaultKind::MalformedRecord(kind)))) });
    let in_groups = kinds.map(|kind| Case { says, ..survived(in_listing(groups(FaultKind::MalformedRecord(kind)))) });
    each("records", in_users.into_iter().chain(in_groups).collect()).await;
    let without_id = Case { says, ..survived(members(FaultKind::MalformedRecord(Malformed::MissingId)).times(3)) };
    each("records", vec![without_id]).await;
}

#[tokio::test]
async fn p01_a_read_that_cannot_be_completed_ends_with_5_and_deletes_nothing() {
    let status = |status, shape| FaultKind::Status(status, shape);
    let cases = vec![
        incomplete(in_listing(users(status(503, BodyShape::Empty))).always(), "gave up after"),
        incomplete(groups(status(500, BodyShape::Okta)).always(), "gave up after"),
        incomplete(members(status(500, BodyShape::Okta)).always(), "the members of"),
        incomplete(token(status(500, BodyShape::Html)).always(), "gave up after"),
        incomplete(in_listing(users(FaultKind::Reset)).always(), "gave up after"),
        incomplete(in_listing(users(FaultKind::MalformedJson)).always(), "not complete JSON"),
        incomplete(in_listing(users(FaultKind::TruncatedBody)).always(), "gave up after"),
        incomplete(in_listing(users(FaultKind::LoopingNext)).always(), "the listing cannot be completed"),
        incomplete(in_listing(users(FaultKind::SelfNext)).always(), "the listing cannot be completed"),
        incomplete(users(FaultKind::InvalidCursor).always(), "cursor"),
        incomplete(in_listing(users(FaultKind::DeepNesting(100_000))).always(), "nested too deeply"),
        incomplete(in_listing(users(FaultKind::HugeBody(300 * 1024 * 1024))), "exceeds the limit"),
        incomplete(in_listing(users(FaultKind::ForeignNext("http://127.0.0.1:9".to_owned()))), "link"),
        incomplete(in_listing(groups(FaultKind::ForeignNext("http://localhost:9".to_owned()))), "link"),
        incomplete(in_listing(users(FaultKind::Redirect("http://127.0.0.1:9/".to_owned()))), "redirect"),
        incomplete(members(FaultKind::VanishedGroup), "the members of 1 groups"),
        incomplete(in_listing(users(status(404, BodyShape::Html))), "404"),
    ];
    each("incomplete", cases).await;
}

#[tokio::test]
async fn p01_pages_without_an_end_are_given_up() {
    each("endless", vec![incomplete(in_listing(users(FaultKind::EndlessEmptyPages)).always(), "too many pages in a row are empty")]).await;
}

#[tokio::test]
async fn p02_an_empty_directory_and_a_refusal_end_with_4() {
    let status = |status, shape| FaultKind::Status(status, shape);
    let cases = vec![
        refused(users(FaultKind::EmptyUsers200).always(), "Read-Only Administrator"),
        refused(in_listing(users(FaultKind::EmptyUsers200)), "Read-Only Administrator"),
        refused(in_listing(users(status(403, BodyShape::Okta))), "does not allow this"),
        refused(users(status(401, BodyShape::Okta)).always(), "refused"),
    ];
    each("refused", cases).await;
}
