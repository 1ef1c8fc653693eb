//! Nothing is deleted on a bad read.

use super::faulty::Faults;
use super::synced;
use crate::support::{gid, member, uid};
use futures::executor::block_on;
use idsync_core::{Change, ChangeKind, DeletionReason, ErrorKind, RemovalReason, User, UserStatus};
use idsync_engine::{Outcome, SyncError};

#[test]
fn p01_a_listing_that_ends_in_an_error_deletes_nothing_and_changes_nothing() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::RateLimited, ErrorKind::InvalidData] {
        for listing in ["users", "groups"] {
            let world = synced();
            let before = world.sink.snapshot();
            world.provider.inner.remove_user(&uid("u12"));
            world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
            world.provider.set(|faults| match listing {
                "users" => faults.users_end_in = Some(kind),
                _ => faults.groups_end_in = Some(kind),
            });
            let error = block_on(world.engine.sync()).unwrap_err();
            assert!(matches!(error, SyncError::Read(_)), "{error:?}");
            assert_eq!(world.sink.snapshot(), before);
            world.converges();
        }
    }
}

#[test]
fn p01_row16_a_refused_read_deletes_nothing() {
    let refusals: [fn(&mut Faults); 4] = [
        |faults| faults.users_end_in = Some(ErrorKind::PermissionDenied),
        |faults| faults.groups_end_in = Some(ErrorKind::PermissionDenied),
        |faults| faults.members_end_in = Some(("g1", ErrorKind::Unauthenticated)),
        |faults| faults.no_members_may_be_read = true,
    ];
    for refuse in refusals {
        let world = synced();
        let before = world.sink.snapshot();
        world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
        world.provider.set(refuse);
        assert!(matches!(block_on(world.engine.sync()).unwrap_err(), SyncError::Refused(_)));
        assert_eq!(world.sink.snapshot(), before);
        world.converges();
    }
}

#[test]
fn p01_row16_a_role_that_goes_while_the_directory_is_read_deletes_nothing() {
    for unlisted in [vec![], vec!["u05"]] {
        let world = synced();
        let before = world.sink.snapshot();
        world.provider.set(|faults| {
            faults.unlisted_users = unlisted;
            faults.role_goes_after_checks = Some(1);
        });
        let error = block_on(world.engine.sync()).unwrap_err();
        assert!(matches!(&error, SyncError::Refused(_)), "{error:?}");
        assert_eq!(error.remedy(), "assign a role");
        assert_eq!(world.sink.snapshot(), before);
        world.converges();
    }
}

#[test]
fn p01_row28_a_group_that_failed_keeps_its_members_while_the_rest_goes_on() {
    let world = synced();
    world.provider.inner.remove_member(&member("g1", "u02"));
    world.provider.inner.remove_member(&member("g2", "u01"));
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::Unavailable)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.complete, report.evidence.groups_failed), (Outcome::Incomplete, false, 1));
    let memberships: Vec<_> = world.sink.snapshot().memberships().cloned().collect();
    assert_eq!(memberships, [member("g1", "u01"), member("g1", "u02"), member("g1", "u03")]);
    world.converges();
}

#[test]
fn p01_a_group_whose_members_may_not_be_read_keeps_them_while_the_rest_goes_on() {
    let world = synced();
    world.provider.inner.remove_member(&member("g1", "u01"));
    world.provider.inner.remove_member(&member("g2", "u01"));
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::PermissionDenied)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.complete, report.changes.total()), (Outcome::Incomplete, false, 1));
    assert_eq!((report.evidence.groups_failed, report.evidence.access_checks), (1, 3), "the role was still there");
    let failure = report.evidence.first_failure.as_ref().unwrap();
    assert!(failure.kind == "permission_denied" && failure.reason.contains("g1"), "{failure}");
    assert!(failure.remedy.as_ref().is_some_and(|remedy| remedy.contains("role")) && report.to_string().contains(&failure.reason));
    assert_eq!(world.sink.snapshot().memberships().count(), 3, "those of g1");
    world.provider.heal();
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    assert_eq!(world.sink.snapshot(), world.provider.inner.snapshot());
}

#[test]
fn p01_row16_a_role_that_is_gone_when_members_are_refused_refuses_the_read() {
    let world = synced();
    world.provider.set(|faults| {
        faults.members_end_in = Some(("g1", ErrorKind::PermissionDenied));
        faults.role_goes_after_checks = Some(1);
    });
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Refused(cause) if cause.remedy() == Some("assign a role")), "{error:?}");
}

#[test]
fn p02_row25_an_empty_directory_is_a_missing_role() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| faults.nothing = true);
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Refused(cause) if cause.kind() == ErrorKind::PermissionDenied), "{error:?}");
    assert!(error.remedy().contains("role"), "{}", error.remedy());
    assert_eq!(world.sink.snapshot(), before);
    world.converges();
}

#[test]
fn p03_row10_what_a_listing_did_not_show_is_asked_for_before_it_is_deleted() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u01", "u05"];
        faults.unlisted_groups = vec!["g1"];
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 0));
    assert_eq!((report.evidence.looked_up, report.evidence.still_there), (3, 3));
    assert_eq!(world.sink.snapshot(), before);
}

#[test]
fn p03_row10_a_rescued_entry_is_still_brought_up_to_date() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u05"), UserStatus::Suspended).with_login("user5"));
    world.provider.inner.remove_member(&member("g1", "u03"));
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u05"];
        faults.unlisted_groups = vec!["g1"];
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.changes.get(ChangeKind::UserUpdated), report.changes.get(ChangeKind::GroupUserRemoved)), (1, 1));
    assert_eq!(world.sink.snapshot(), world.provider.inner.snapshot());
}

#[test]
fn p03_row28_a_look_up_that_fails_confirms_nothing() {
    let world = synced();
    world.provider.inner.remove_user(&uid("u12"));
    world.provider.inner.remove_group(&gid("g3"));
    world.provider.set(|faults| faults.lookups_fail = true);
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.evidence.unconfirmed, report.changes.total()), (Outcome::Incomplete, 2, 0));
    world.converges();
    assert!(world.sink.snapshot().user(&uid("u12")).is_none());
}

#[test]
fn p03_a_group_that_is_found_and_whose_members_are_not_keeps_them_and_the_run_says_so() {
    let world = synced();
    world.provider.set(|faults| {
        faults.unlisted_groups = vec!["g1"];
        faults.members_end_in = Some(("g1", ErrorKind::NotFound));
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.evidence.groups_failed, report.directory.memberships), (Outcome::Incomplete, 1, 4));
    assert_eq!(world.sink.snapshot().memberships().count(), 4);
}

#[test]
fn p03_deprovisioned_confirms_and_is_the_reason() {
    let world = synced();
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u05"];
        faults.deprovisioned = Some("u05");
    });
    block_on(world.engine.sync()).unwrap();
    let last = world.sink.history().pop().unwrap().change;
    assert!(matches!(last, Change::UserDeleted { ref user, reason: DeletionReason::Deprovisioned } if user.id == uid("u05")), "{last:?}");
}

#[test]
fn row23_a_group_that_is_gone_when_its_members_are_read_is_not_a_group_everybody_left() {
    let world = synced();
    let before = world.sink.snapshot();
    // The look-up still finds it: the provider contradicts itself, so nothing happens to the group.
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::NotFound)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Incomplete, 0));
    assert_eq!(world.sink.snapshot(), before);
    world.converges();
}

#[test]
fn members_that_leave_the_scope_are_removed_for_that_reason() {
    let world = synced();
    world.provider.set(|faults| faults.members_out_of_scope = Some("g1"));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!(report.changes.get(ChangeKind::GroupUserRemoved), 3);
    let last = world.sink.history().pop().unwrap().change;
    assert!(matches!(last, Change::GroupUserRemoved { reason: RemovalReason::OutOfScope, .. }));
}
