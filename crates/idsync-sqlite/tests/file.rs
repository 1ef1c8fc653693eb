//! What is refused, what survives, and what is left alone.

use futures::FutureExt;
use futures::executor::block_on;
use idsync_core::{
    Batch, Change, ChangeOutcome, Counts, Delivery, DirectoryId, DirectorySink, ErrorKind, Group, GroupId, Head, JournalHeader, Membership,
    Phase, PlanHash, Revision, RunContext, Stage, StateStore, StoreCommit, Timestamp, User, UserId, UserStatus,
};
use idsync_sqlite::SqliteFile;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    (folder, path)
}

fn directory(name: &str) -> DirectoryId {
    DirectoryId::new(name).unwrap()
}

fn run(name: &str) -> RunContext {
    RunContext::new(directory(name), PlanHash::from_bytes([7; 16]), Revision(3), Timestamp::UNIX_EPOCH)
}

fn deliveries(run: &RunContext, changes: Vec<Change>) -> Vec<Delivery> {
    changes.into_iter().map(|change| Delivery::new(change.idempotency_key(&run.directory, run.from), change)).collect()
}

fn ana() -> User {
    User::new(UserId::new("00u1").unwrap(), UserStatus::Active)
        .with_login("ana@example.com")
        .with_attribute("email", "ana@example.com")
        .with_attribute("firstName", "Ana")
        .with_attribute("floor", 7)
}

async fn apply(file: &SqliteFile, run: &RunContext, phase: Phase, changes: Vec<Change>) -> idsync_core::Result<Vec<ChangeOutcome>> {
    let deliveries = deliveries(run, changes);
    Ok(file.sink().apply(Batch::new(run, phase, &deliveries)).await?.into_iter().collect())
}

async fn refusal(path: &Path) -> idsync_core::Error {
    let before = std::fs::read(path).unwrap();
    let error = SqliteFile::open(path).await.unwrap_err();
    assert_eq!(std::fs::read(path).unwrap(), before, "a refused file is not touched");
    assert!(error.remedy().is_some());
    error
}

#[tokio::test]
async fn a_new_file_is_readable_by_its_owner_alone_and_is_what_the_docs_say() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let run = run("okta:1");
    apply(&file, &run, Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    file.integrity_check().await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let reader = Connection::open(&path).unwrap();
    let text = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        text("SELECT login || '|' || status || '|' || lifecycle || '|' || email || '|' || first_name FROM users"),
        "ana@example.com|ACTIVE|active|ana@example.com|Ana"
    );
    assert_eq!(text("SELECT json_type(attributes, '$.floor') FROM users"), "integer");
    assert_eq!(text("SELECT kind || '|' || user_id || '|' || from_revision || '|' || to_revision FROM changes"), "user.created|00u1|3|4");
    assert_eq!(text("PRAGMA journal_mode"), "wal");
}

#[tokio::test]
async fn row36_other_files_are_refused_and_left_as_they_are() {
    let (_folder, path) = place();
    std::fs::write(&path, "just a text that somebody wrote, long enough to be taken for a header").unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("is not an SQLite file"), "{error}");

    let (_folder, path) = place();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let error = refusal(&path).await;
    assert!(error.to_string().contains("belongs to another program"), "{error}");

    let (folder, _path) = place();
    let error = SqliteFile::open(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("is a folder"), "{error}");
    let error = SqliteFile::open(folder.path().join("missing/acme.db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn row36_a_newer_version_is_refused() {
    let (_folder, path) = place();
    drop(SqliteFile::open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&path).await;
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[tokio::test]
async fn row36_a_damaged_file_is_an_error_and_never_an_empty_start() {
    let (_folder, path) = place();
    let run = run("okta:1");
    {
        let file = SqliteFile::open(&path).await.unwrap();
        let users =
            (0..2_000).map(|n| User::new(UserId::new(format!("00u{n}")).unwrap(), UserStatus::Active).with_login(format!("user{n}")));
        apply(&file, &run, Phase::CreateUsers, users.map(|user| Change::UserCreated { user }).collect()).await.unwrap();
    }
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4_096..length / 2].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let found = match SqliteFile::open(&path).await {
        Err(error) => error,
        Ok(file) => file.integrity_check().await.unwrap_err(),
    };
    assert_eq!(found.kind(), ErrorKind::InvalidData, "{found}");

    bytes.truncate(length / 3);
    std::fs::write(&path, &bytes).unwrap();
    let found = match SqliteFile::open(&path).await {
        Err(error) => error,
        Ok(file) => file.integrity_check().await.unwrap_err(),
    };
    assert_eq!(found.kind(), ErrorKind::InvalidData, "{found}");
}

#[tokio::test]
async fn row36_the_file_of_one_org_is_refused_for_another() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    apply(&file, &run("okta:1"), Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    let error = apply(&file, &run("okta:2"), Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("holds the directory okta:1, not okta:2"), "{error}");
    let error = file.store().acquire(&directory("okta:2"), "somebody").await.unwrap_err();
    assert!(error.to_string().contains("holds the directory okta:1, not okta:2"), "refused before anything is read: {error}");
    file.store().acquire(&directory("okta:1"), "somebody").await.unwrap();
}

#[tokio::test]
async fn p13_row37_two_handles_on_one_file_exclude_each_other_and_a_dropped_lease_frees_it() {
    let (_folder, path) = place();
    let (one, other) = (SqliteFile::open(&path).await.unwrap(), SqliteFile::open(&path).await.unwrap());
    let lease = one.store().acquire(&directory("okta:1"), "the first").await.unwrap();
    let error = other.store().acquire(&directory("okta:1"), "the second").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("the first"), "{error}");
    drop(lease);
    let lease = other.store().acquire(&directory("okta:1"), "the second").await.unwrap();
    other.store().begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
    other.store().release(&lease).await.unwrap();
    let later = one.store().acquire(&directory("okta:1"), "the first").await.unwrap();
    assert!(later.fence > lease.fence, "fencing numbers grow across handles");
}

#[tokio::test]
async fn p13_row37_a_lease_that_was_overtaken_by_another_process_writes_nothing() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let lease = file.store().acquire(&directory("okta:1"), "paused").await.unwrap();
    file.store().begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
    // Somebody took the directory over without the lock file, as on a file system that does not support locks.
    Connection::open(&path).unwrap().execute("UPDATE idsync_directories SET fence = fence + 1", []).unwrap();
    let error = file.store().commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(file.store().head(&directory("okta:1")).await.unwrap(), Some(Head::new(Revision(0), Vec::new())));
}

#[tokio::test]
async fn p11_a_key_that_was_applied_is_not_applied_again_and_a_refusal_leaves_the_rest() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let run = run("okta:1");
    let created = vec![Change::UserCreated { user: ana() }];
    assert!(matches!(apply(&file, &run, Phase::CreateUsers, created.clone()).await.unwrap()[..], [ChangeOutcome::Applied]));
    let deleted = vec![Change::UserDeleted { user: ana(), reason: idsync_core::DeletionReason::Deleted }];
    assert!(matches!(apply(&file, &run, Phase::DeleteUsers, deleted).await.unwrap()[..], [ChangeOutcome::Applied]));
    assert!(matches!(apply(&file, &run, Phase::CreateUsers, created).await.unwrap()[..], [ChangeOutcome::Unchanged]));
    let group = Group::new(GroupId::new("00g1").unwrap(), "Staff");
    apply(&file, &run, Phase::PutGroups, vec![Change::GroupCreated { group: group.clone() }]).await.unwrap();
    let ghost = Membership::new(group.id.clone(), UserId::new("00u404").unwrap());
    let outcomes = apply(&file, &run, Phase::AddMembers, vec![Change::GroupUserAdded { membership: ghost }]).await.unwrap();
    assert!(matches!(&outcomes[..], [ChangeOutcome::Failed(error)] if error.kind() == ErrorKind::Conflict), "{outcomes:?}");
    let reader = Connection::open(&path).unwrap();
    let count = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        (count("SELECT count(*) FROM users"), count("SELECT count(*) FROM groups"), count("SELECT count(*) FROM changes")),
        (0, 1, 3)
    );
}

#[tokio::test]
async fn p21_opening_looking_and_closing_writes_nothing() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    apply(&file, &run("okta:1"), Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    drop(file);
    let before = (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().modified().unwrap());
    let file = SqliteFile::open(&path).await.unwrap();
    let lease = file.store().acquire(&directory("okta:1"), "looking").await.unwrap();
    file.store().digest_key(&lease).await.unwrap();
    file.store().head(&lease.directory).await.unwrap();
    file.store().release(&lease).await.unwrap();
    drop((lease, file));
    assert_eq!((std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().modified().unwrap()), before);
    assert!(!path.with_extension("db-wal").exists(), "the write-ahead log is folded in on closing");
}

#[tokio::test]
async fn p13_a_run_that_was_overtaken_cannot_write_into_the_tables() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let store = file.store();
    let write = async |holder| {
        let lease = store.acquire(&directory("okta:1"), holder).await.unwrap();
        store.set_memo(&lease, "a memo", Some(vec![1])).await.unwrap();
        store.release(&lease).await.unwrap();
        lease.fence
    };
    let paused = run("okta:1").with_fence(write("paused").await);
    let newer = run("okta:1").with_fence(write("newer").await);
    assert!(newer.fence > paused.fence);
    let error = apply(&file, &paused, Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("a newer run holds okta:1"), "{error}");
    let users = || Connection::open(&path).unwrap().query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(users(), 0);
    apply(&file, &newer, Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    assert_eq!(users(), 1);
}

fn has_index(path: &Path) -> bool {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'memberships_by_user'";
    Connection::open(path).unwrap().prepare(sql).unwrap().exists([]).unwrap()
}

#[tokio::test]
async fn the_index_by_user_is_left_out_of_a_first_load_and_there_after_it() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let run = run("okta:1");
    assert!(has_index(&path));
    file.sink().begin(&run).await.unwrap();
    assert!(!has_index(&path), "there are no memberships yet");
    let group = Group::new(GroupId::new("00g1").unwrap(), "Staff");
    apply(&file, &run, Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    apply(&file, &run, Phase::PutGroups, vec![Change::GroupCreated { group: group.clone() }]).await.unwrap();
    let membership = Membership::new(group.id.clone(), ana().id);
    apply(&file, &run, Phase::AddMembers, vec![Change::GroupUserAdded { membership }]).await.unwrap();
    drop(file);

    // The load broke off, and goes on.
    let file = SqliteFile::open(&path).await.unwrap();
    file.sink().begin(&run).await.unwrap();
    assert!(!has_index(&path));
    file.sink().finish(&run, &Counts::default()).await.unwrap();
    assert!(has_index(&path));
    file.sink().begin(&run).await.unwrap();
    assert!(has_index(&path), "there are memberships, so this is no first load");

    // Whoever deletes users needs it.
    Connection::open(&path).unwrap().execute_batch("DROP INDEX memberships_by_user").unwrap();
    let deleted = vec![Change::UserDeleted { user: ana(), reason: idsync_core::DeletionReason::Deleted }];
    let outcomes = apply(&file, &run, Phase::DeleteUsers, deleted).await.unwrap();
    assert!(matches!(&outcomes[..], [ChangeOutcome::Failed(error)] if error.kind() == ErrorKind::Conflict), "{outcomes:?}");
    assert!(has_index(&path));
    file.integrity_check().await.unwrap();
}

#[tokio::test]
async fn the_index_by_user_is_made_when_a_load_died_before_it_was() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let store = file.store();
    let lease = store.acquire(&directory("okta:1"), "test").await.unwrap();
    let mut journal = JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH);
    journal.stage = Stage::Applying;
    store.begin_journal(&lease, journal.clone()).await.unwrap();
    let run = run("okta:1").with_fence(lease.fence);
    file.sink().begin(&run).await.unwrap();
    let group = Group::new(GroupId::new("00g1").unwrap(), "Staff");
    let membership = Membership::new(group.id.clone(), ana().id);
    apply(&file, &run, Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    apply(&file, &run, Phase::PutGroups, vec![Change::GroupCreated { group }]).await.unwrap();
    apply(&file, &run, Phase::AddMembers, vec![Change::GroupUserAdded { membership }]).await.unwrap();
    drop((file, store, lease));

    let store = SqliteFile::open(&path).await.unwrap().store();
    assert!(!has_index(&path), "the load goes on");
    let lease = store.acquire(&directory("okta:1"), "test").await.unwrap();
    journal.stage = Stage::Folding;
    store.update_journal(&lease, journal).await.unwrap();
    drop((store, lease));
    let store = SqliteFile::open(&path).await.unwrap().store();
    assert!(!has_index(&path), "nor is it over while the base is brought up to date");
    let lease = store.acquire(&directory("okta:1"), "test").await.unwrap();
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await.unwrap();
    drop((store, lease));
    let file = SqliteFile::open(&path).await.unwrap();
    assert!(has_index(&path), "the sink was never told that the load is over");
    file.integrity_check().await.unwrap();
}

#[tokio::test]
async fn p13_a_run_that_was_overtaken_neither_begins_nor_finishes() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let lease = file.store().acquire(&directory("okta:1"), "newer").await.unwrap();
    file.store().set_memo(&lease, "a memo", Some(vec![1])).await.unwrap();
    let overtaken = run("okta:1").with_fence(lease.fence - 1);
    assert_eq!(file.sink().begin(&overtaken).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(file.sink().finish(&overtaken, &Counts::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(has_index(&path));
}

#[test]
fn callers_that_are_not_polled_any_more_hold_up_nobody() {
    let (_folder, path) = place();
    let file = block_on(SqliteFile::open(path)).unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (store, id) = (file.store(), directory("okta:1"));
        for _ in 0..200 {
            // Each has asked, and nobody looks for the answers.
            let mut parked: Vec<_> = (0..4).map(|_| Box::pin(store.head(&id))).collect();
            parked.iter_mut().for_each(|call| drop(call.as_mut().now_or_never()));
            block_on(store.head(&id)).unwrap();
        }
        done.send(()).unwrap();
    });
    is_done.recv_timeout(std::time::Duration::from_secs(60)).expect("somebody waits for one who does not");
}

/// Whether the system knows of a lock that this process holds on the file.
#[cfg(target_os = "linux")]
fn is_locked(path: &Path) -> bool {
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap()).to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(4) == Some(&&*std::process::id().to_string()) && words.get(5).is_some_and(|file| file.ends_with(&format!(":{inode}")))
    })
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn p12_opening_a_file_twice_in_a_process_leaves_the_locks_of_the_first_handle_alone() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    apply(&file, &run("okta:1"), Phase::CreateUsers, vec![Change::UserCreated { user: ana() }]).await.unwrap();
    assert!(is_locked(&path));
    // Closing any descriptor of the file would drop the lock. Another process that reads then takes the file for one that nobody has open,
    // and removes the log that is written to.
    drop(SqliteFile::open(&path).await.unwrap());
    assert!(is_locked(&path));
}

#[cfg(unix)]
#[tokio::test]
async fn p13_row37_a_file_with_two_names_has_one_lock() {
    let (folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let other = folder.path().join("another-name.db");
    std::os::unix::fs::symlink(&path, &other).unwrap();
    let same = SqliteFile::open(&other).await.unwrap();
    let _lease = file.store().acquire(&directory("okta:1"), "the first").await.unwrap();
    let error = same.store().acquire(&directory("okta:1"), "the second").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn p13_row37_of_two_leases_with_one_number_only_the_first_writer_goes_on() {
    let (_folder, path) = place();
    let (one, other) = (SqliteFile::open(&path).await.unwrap().store(), SqliteFile::open(&path).await.unwrap().store());
    let first = one.acquire(&directory("okta:1"), "the first").await.unwrap();
    // Somebody cleans up, or the file system knows no locks.
    std::fs::remove_file(path.with_extension("db.lock")).unwrap();
    let second = other.acquire(&directory("okta:1"), "the second").await.unwrap();
    assert_eq!(first.fence, second.fence, "nothing was written when they were taken");
    one.begin_journal(&first, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
    let error = other.begin_journal(&second, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    one.commit(&first, StoreCommit::new(Revision(0), Vec::new())).await.unwrap();
    drop(second);
    let later = other.acquire(&directory("okta:1"), "the second").await.unwrap();
    other.begin_journal(&later, JournalHeader::new(Revision(1), Timestamp::UNIX_EPOCH)).await.unwrap();
}

#[test]
fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let path = folder.path().join(format!("{number}.db"));
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| block_on(SqliteFile::open(&path)).map(drop))).collect();
            opened.into_iter().for_each(|opened| opened.join().unwrap().unwrap());
        });
    }
}

#[test]
fn the_executor_does_not_wait_for_whoever_holds_the_file() {
    let (_folder, path) = place();
    drop(block_on(SqliteFile::open(&path)).unwrap());
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE").unwrap();
    let mut opening = Box::pin(SqliteFile::open(&path));
    assert!(opening.as_mut().now_or_never().is_none(), "it waits elsewhere");
    drop(holder);
    block_on(opening).unwrap();
}

#[tokio::test]
async fn p11_a_key_counts_no_more_once_the_entry_changed_out_of_another_revision() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let (created, deleted) = (
        vec![Change::UserCreated { user: ana() }],
        vec![Change::UserDeleted { user: ana(), reason: idsync_core::DeletionReason::Deleted }],
    );
    let (earlier, mut later) = (run("okta:1"), run("okta:1"));
    later.from = Revision(4);
    let is_applied = |outcomes: Vec<ChangeOutcome>| matches!(outcomes[..], [ChangeOutcome::Applied]);
    assert!(is_applied(apply(&file, &earlier, Phase::CreateUsers, created.clone()).await.unwrap()));
    assert!(!is_applied(apply(&file, &earlier, Phase::CreateUsers, created.clone()).await.unwrap()), "delivered again");
    assert!(is_applied(apply(&file, &later, Phase::DeleteUsers, deleted.clone()).await.unwrap()));
    assert!(!is_applied(apply(&file, &later, Phase::DeleteUsers, deleted.clone()).await.unwrap()), "delivered again");
    // The state was restored from a backup, and the revision comes again.
    assert!(is_applied(apply(&file, &earlier, Phase::CreateUsers, created).await.unwrap()));
    assert!(is_applied(apply(&file, &later, Phase::DeleteUsers, deleted).await.unwrap()));
}

#[tokio::test]
async fn p05_values_that_sqlite_does_not_take_are_refused_one_by_one() {
    let (_folder, path) = place();
    let file = SqliteFile::open(&path).await.unwrap();
    let deep = (0..1_100).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let users = [User::new(UserId::new("00u0").unwrap(), UserStatus::Active).with_attribute("deep", deep), ana()];
    let created = users.into_iter().map(|user| Change::UserCreated { user }).collect();
    let outcomes = apply(&file, &run("okta:1"), Phase::CreateUsers, created).await.unwrap();
    assert!(
        matches!(&outcomes[..], [ChangeOutcome::Failed(error), ChangeOutcome::Applied] if error.kind() == ErrorKind::InvalidData),
        "{outcomes:?}"
    );
}
