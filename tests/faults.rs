//! Everything that can go wrong with an org: the right exit code, a message that helps, nothing deleted that is still there, and a next
//! clean run that converges.

use idsync_okta_emulator::{BodyShape, Endpoint, Fault, FaultKind, Malformed, OktaEmulator};
use idsync_tests::{Contents, Ended, Sync};
use serde_json::json;
use std::collections::BTreeSet;
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

/// Tests that let each of their cases strike a world of its own; together they must leave no kind of fault out.
macro_rules! cases {
    ($($(#[$meta:meta])* fn $test:ident() { $cases:expr })+) => {
        $(
            $(#[$meta])*
            #[tokio::test]
            async fn $test() {
                for (seed, case) in $cases.into_iter().enumerate() {
                    World::new(seed as u64 + 1).await.run(stringify!($test), case);
                }
            }
        )+

        fn all_cases() -> Vec<Case> {
            let mut all = Vec::new();
            $(all.extend($cases);)+
            all
        }
    };
}

cases! {
    fn p15_row01_an_exhausted_bucket_is_waited_for() {
        vec![
            survived(in_listing(users(FaultKind::BucketLimit429(Duration::from_secs(1))))),
            survived(members(FaultKind::BucketLimit429(Duration::from_secs(1)))),
        ]
    }

    fn p15_row02_too_many_requests_at_once_become_fewer() {
        vec![survived(members(FaultKind::Concurrency429).times(2)), survived(token(FaultKind::Concurrency429))]
    }

    fn p15_row03_rate_limits_that_are_missing_or_contradict_themselves_are_survived() {
        vec![
            survived(Fault::new(FaultKind::MissingRateHeaders).always()),
            survived(Fault::new(FaultKind::DuplicatedRateHeaders).always()),
        ]
    }

    fn row04_errors_of_the_server_that_pass_are_survived() {
        vec![
            survived(users(FaultKind::Status(500, BodyShape::Okta))),
            survived(in_listing(users(FaultKind::Status(503, BodyShape::Empty)))),
            survived(groups(FaultKind::Status(502, BodyShape::Html))),
            survived(members(FaultKind::Status(504, BodyShape::Html)).times(3)),
            survived(token(FaultKind::Status(503, BodyShape::Empty))),
            survived(users(FaultKind::LargeLimit500(100)).always()),
            survived(members(FaultKind::LargeLimit500(500)).times(2)),
        ]
    }

    fn p01_row04_errors_of_the_server_that_stay_end_with_5_and_delete_nothing() {
        vec![
            incomplete(in_listing(users(FaultKind::Status(503, BodyShape::Empty))).always(), "gave up after"),
            incomplete(groups(FaultKind::Status(500, BodyShape::Okta)).always(), "gave up after"),
            incomplete(members(FaultKind::Status(500, BodyShape::Okta)).always(), "the members of"),
            incomplete(token(FaultKind::Status(500, BodyShape::Html)).always(), "gave up after"),
            incomplete(in_listing(users(FaultKind::Status(404, BodyShape::Html))), "404"),
        ]
    }

    fn p01_row05_connections_that_end_are_made_again_or_end_with_5() {
        vec![
            survived(in_listing(users(FaultKind::Reset))),
            survived(in_listing(users(FaultKind::LostAnswer))),
            survived(in_listing(users(FaultKind::StatusAfter(500, BodyShape::Okta)))),
            survived(members(FaultKind::ResetMidBody).times(2)),
            survived(token(FaultKind::Reset)),
            incomplete(in_listing(users(FaultKind::Reset)).always(), "gave up after"),
            incomplete(in_listing(users(FaultKind::ResetMidBody)).always(), "gave up after"),
        ]
    }

    fn p01_row06_bodies_that_are_not_whole_are_read_again_or_end_with_5() {
        vec![
            survived(in_listing(users(FaultKind::TruncatedBody))),
            survived(in_listing(groups(FaultKind::MalformedJson))),
            incomplete(in_listing(users(FaultKind::MalformedJson)).always(), "not complete JSON"),
            incomplete(in_listing(users(FaultKind::TruncatedBody)).always(), "gave up after"),
        ]
    }

    fn row07_slow_answers_are_waited_for() {
        vec![
            survived(users(FaultKind::Delay(Duration::from_millis(300)))),
            survived(members(FaultKind::SlowBody { bytes: 200, tick: Duration::from_millis(2) }).times(3)),
        ]
    }

    fn row08_a_cursor_that_is_refused_starts_the_listing_over_or_ends_with_5() {
        vec![survived(users(FaultKind::InvalidCursor)), incomplete(users(FaultKind::InvalidCursor).always(), "cursor")]
    }

    fn p01_row09_listings_that_lead_back_or_nowhere_end_with_5_and_delete_nothing() {
        vec![
            survived(in_listing(users(FaultKind::LoopingNext))),
            incomplete(in_listing(users(FaultKind::LoopingNext)).always(), "the listing cannot be completed"),
            incomplete(in_listing(users(FaultKind::SelfNext)).always(), "the listing cannot be completed"),
            incomplete(in_listing(users(FaultKind::EndlessEmptyPages)).always(), "too many pages in a row are empty"),
        ]
    }

    fn p01_row09_pages_in_odd_shapes_are_read_to_their_end() {
        vec![
            survived(Fault::new(FaultKind::JoinedLinkHeader).always()),
            survived(Fault::new(FaultKind::EmptyMiddlePage).times(4)),
            survived(Fault::new(FaultKind::EmptyLastPage).always()),
            survived(Fault::new(FaultKind::ShrunkPages).always()),
        ]
    }

    fn p03_row10_rows_that_come_twice_or_not_at_all_change_nothing() {
        vec![
            survived(Fault::new(FaultKind::RepeatedRows).always()),
            survived(in_listing(users(FaultKind::ShiftedRows))),
            survived(in_listing(groups(FaultKind::ShiftedRows))),
        ]
    }

    fn p19_row12_dates_that_are_off_are_survived() {
        vec![
            survived(Fault::new(FaultKind::SkewedDate(-7_200)).always()),
            survived(Fault::new(FaultKind::SkewedDate(86_400)).always()),
            survived(Fault::new(FaultKind::SkewedDate(-86_400)).always()),
            // The clock jumps while the program runs.
            survived(Fault::new(FaultKind::SkewedDate(86_400)).skip(4).times(3)),
        ]
    }

    fn row13_a_token_that_is_refused_is_replaced_once() {
        vec![
            survived(in_listing(users(FaultKind::Status(401, BodyShape::Okta)))),
            survived(members(FaultKind::Status(401, BodyShape::Okta))),
            refused(users(FaultKind::Status(401, BodyShape::Okta)).always(), "refused"),
        ]
    }

    fn p01_row16_a_refusal_ends_with_4_and_deletes_nothing() {
        vec![
            refused(in_listing(users(FaultKind::Status(403, BodyShape::Okta))), "does not allow this"),
            refused(members(FaultKind::Status(403, BodyShape::Okta)).always(), "does not allow this"),
        ]
    }

    fn p16_row17_links_to_elsewhere_end_with_5_and_delete_nothing() {
        vec![
            incomplete(in_listing(users(FaultKind::ForeignNext("http://127.0.0.1:9".to_owned()))), "link"),
            incomplete(in_listing(groups(FaultKind::ForeignNext("http://localhost:9".to_owned()))), "link"),
            incomplete(in_listing(users(FaultKind::NextOnAdminHost)), "link"),
        ]
    }

    fn p16_row18_redirects_end_with_5_and_delete_nothing() {
        vec![
            incomplete(in_listing(users(FaultKind::Redirect("http://127.0.0.1:9/".to_owned()))), "redirect"),
            incomplete(members(FaultKind::Redirect("/api/v1/groups".to_owned())), "redirect"),
        ]
    }

    fn p01_row19_answers_beyond_all_measure_end_with_5_and_delete_nothing() {
        vec![
            incomplete(in_listing(users(FaultKind::DeepNesting(100_000))).always(), "nested too deeply"),
            incomplete(in_listing(users(FaultKind::HugeBody(300 * 1024 * 1024))), "exceeds the limit"),
        ]
    }

    fn p09_row21_what_nobody_knows_yet_is_kept() {
        vec![
            survived(users(FaultKind::UnknownMembers).always()),
            survived(members(FaultKind::UnknownMembers).always()),
            survived(in_listing(users(FaultKind::UnknownKind("ON_LEAVE".to_owned())))),
        ]
    }

    fn p05_row22_records_that_cannot_be_understood_are_held_and_reported() {
        malformed_records()
    }

    fn p01_row23_a_group_that_vanishes_while_it_is_read_keeps_its_members() {
        vec![incomplete(members(FaultKind::VanishedGroup), "the members of 1 group and")]
    }

    fn p02_row25_an_empty_directory_ends_with_4_and_deletes_nothing() {
        vec![
            refused(users(FaultKind::EmptyUsers200).always(), "Read-Only Administrator"),
            refused(in_listing(users(FaultKind::EmptyUsers200)), "Read-Only Administrator"),
        ]
    }

    fn p01_row28_members_of_one_group_that_cannot_be_read_stay_and_the_rest_goes_on() {
        vec![
            incomplete(members(FaultKind::Status(404, BodyShape::Html)).skip(2), "the members of 1 group and"),
            incomplete(members(FaultKind::Status(403, BodyShape::Okta)).skip(2), "may see the members of this group"),
        ]
    }
}

fn malformed_records() -> Vec<Case> {
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
    let without_id = Case { says, ..survived(members(FaultKind::MalformedRecord(Malformed::MissingId)).times(3)) };
    in_users.into_iter().chain(in_groups).chain([without_id]).collect()
}

#[test]
fn every_kind_of_fault_has_a_case() {
    let tried: BTreeSet<_> = all_cases().iter().map(|case| case.fault.kind().name()).collect();
    // A sync writes nothing to the org; `provision/faults.rs` lets writes go wrong.
    const OF_WRITES: [&str; 1] = ["ignored"];
    let missing: Vec<_> = FaultKind::NAMES.iter().filter(|name| !tried.contains(*name) && !OF_WRITES.contains(name)).collect();
    assert!(missing.is_empty(), "no case lets {missing:?} strike");
}
