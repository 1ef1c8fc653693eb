//! The tables, their version, and what is checked before a file is used.

use crate::error::{in_file, sqlite, unusable};
use idsync_core::{DirectoryId, Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells files of idsync from other SQLite files: "idsy" in ASCII.
const APPLICATION_ID: i32 = 0x6964_7379;
/// The version of the tables below.
const VERSION: i32 = 1;
/// How long to wait for somebody else who writes.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE directory (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    login TEXT,
    status TEXT NOT NULL,
    lifecycle TEXT NOT NULL,
    attributes TEXT NOT NULL CHECK (json_valid(attributes)),
    extra TEXT NOT NULL CHECK (json_valid(extra)),
    created TEXT,
    updated TEXT,
    email TEXT GENERATED ALWAYS AS (attributes ->> '$.email') VIRTUAL,
    first_name TEXT GENERATED ALWAYS AS (attributes ->> '$.firstName') VIRTUAL,
    last_name TEXT GENERATED ALWAYS AS (attributes ->> '$.lastName') VIRTUAL,
    display_name TEXT GENERATED ALWAYS AS (attributes ->> '$.displayName') VIRTUAL
) WITHOUT ROWID;

CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    attributes TEXT NOT NULL CHECK (json_valid(attributes)),
    extra TEXT NOT NULL CHECK (json_valid(extra)),
    created TEXT,
    updated TEXT,
    description TEXT GENERATED ALWAYS AS (attributes ->> '$.description') VIRTUAL
) WITHOUT ROWID;

CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups(id),
    user_id TEXT NOT NULL REFERENCES users(id),
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL,
    change_set TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    to_revision INTEGER NOT NULL,
    read_at TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT,
    group_id TEXT,
    reason TEXT,
    changed TEXT CHECK (changed IS NULL OR json_valid(changed))
) STRICT;
-- By entry and not by key: keys are random, and a first sync would touch every page of an index of them with every batch.
CREATE INDEX changes_by_entry ON changes (group_id, user_id);

CREATE TABLE idsync_directories (
    id INTEGER PRIMARY KEY,
    directory TEXT NOT NULL UNIQUE,
    fence INTEGER NOT NULL,
    digest_key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;

CREATE TABLE idsync_index (
    id INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    first BLOB NOT NULL,
    entries BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idsync_index_by_key ON idsync_index (directory, kind, first);

CREATE TABLE idsync_records (
    id INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    digest BLOB NOT NULL,
    record BLOB NOT NULL
) STRICT;

CREATE TABLE idsync_pending (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    directory INTEGER NOT NULL
) STRICT;

CREATE TABLE idsync_beside (
    id INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    digest BLOB NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (directory, kind, key)
) STRICT;

CREATE TABLE idsync_journal (
    directory INTEGER PRIMARY KEY,
    stage TEXT NOT NULL,
    base INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    plan BLOB,
    through_phase INTEGER,
    through_key BLOB,
    note BLOB NOT NULL
) STRICT;

CREATE TABLE idsync_staged_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    directory INTEGER NOT NULL,
    age INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE idsync_staged (
    id INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    run INTEGER NOT NULL,
    first BLOB NOT NULL,
    rows BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idsync_staged_by_key ON idsync_staged (directory, phase, run, first);

CREATE TABLE idsync_marks (
    directory INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    key BLOB NOT NULL,
    mark INTEGER NOT NULL,
    PRIMARY KEY (directory, phase, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE idsync_memos (
    directory INTEGER NOT NULL,
    name TEXT NOT NULL,
    memo BLOB NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE idsync_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    directory INTEGER NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    report TEXT NOT NULL
) STRICT;
CREATE INDEX idsync_runs_by_directory ON idsync_runs (directory, id);
";

/// Opens the file, checks that it may be used, and makes the tables when it is new. The path is absolute: SQLite takes some names, such
/// as `:memory:`, for something else than files.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    connect(path).map_err(|error| in_file(path, error))
}

/// Makes the file if it is not there, and says where it really is: what has two names is one database, and has one lock.
pub(crate) fn place(path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        return Err(unusable(path, "is a folder", "name a file in it"));
    }
    create_private(path)?;
    path.canonicalize().map_err(|error| {
        let remedy = "check that its folder exists and may be read by you";
        unusable(path, "cannot be found", remedy).with_source(error)
    })
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    check_writable(&connection, path)?;
    check(&mut connection, path)?;
    configure(&connection).map_err(sqlite)?;
    create_tables(&mut connection).map_err(sqlite)?;
    Ok(connection)
}

/// Makes a new file readable by its owner alone: it holds a directory of people.
///
/// A file that is there is never opened here. Where a process closes a file, the system drops all locks that it holds on it, those of
/// SQLite's connections included, and others would take the database for one that nobody has open.
fn create_private(path: &Path) -> Result<()> {
    /// Nobody in this process opens a file that another thread is about to close.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.exists() {
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let remedy = "check that its folder exists and may be written by you";
            Err(unusable(path, "cannot be made", remedy).with_source(error))
        }
        _ => Ok(()),
    }
}

/// SQLite opens a file that it may not write all the same, and then makes files beside it that nobody may write either, also later.
fn check_writable(connection: &Connection, path: &Path) -> Result<()> {
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(sqlite)? {
        return Err(Error::new(idsync_core::ErrorKind::Unavailable, format!("{} cannot be written", path.display()))
            .with_remedy("make the file and its folder writable and run again; nothing was lost"));
    }
    Ok(())
}

fn check(connection: &mut Connection, path: &Path) -> Result<()> {
    let (application, version, tables) = match contents(connection) {
        Ok(contents) => contents,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(unusable(path, "is not an SQLite file", "name another file; this one was not touched").with_source(error));
        }
        Err(error) => return Err(sqlite(error)),
    };
    match (application, version) {
        (0, 0) if tables == 0 => Ok(()),
        (APPLICATION_ID, 1..=VERSION) => Ok(()),
        (APPLICATION_ID, newer) if newer > VERSION => Err(unusable(
            path,
            format_args!("has tables of version {newer}; this program knows versions up to {VERSION}"),
            "use the newer program that made it, or another file; this one was not touched",
        )),
        _ => Err(unusable(path, "belongs to another program", "name another file; this one was not touched")),
    }
}

/// Whose file it is, the version of its tables, and how many there are; all of one moment, for somebody else may be making them.
fn contents(connection: &mut Connection) -> rusqlite::Result<(i32, i32, i64)> {
    let moment = connection.transaction()?;
    let application = moment.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((application, version(&moment)?, tables))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    use_log(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // 8 MiB of pages. Four times as much made no difference that could be measured, in time or in bytes written, to a first load of
    // 1,000,000 rows, to reading them back, to 10,000 scattered rewrites of blocks of members, or to 3,000,000 memberships in the sink.
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // 16 MiB: a first load, which writes some pages over and over, took an eighth less time than with a quarter of that.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // Else SQLite parses most statements that sort anew each time they are bound, for a plan that might suit the values better.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // For lists of numbers as parameters.
    rusqlite::vtab::array::load_module(connection)?;
    // More than there are statements.
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Turns the write-ahead log on. SQLite does not wait for others that do the same with a new file, so that is done here.
#[expect(clippy::disallowed_methods, reason = "the thread is the database's own; no executor waits")]
fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            // It stays with another mode where it cannot have a log: without one nothing here is as it is said to be.
            Ok(_) => return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN), None)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && started.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
        }
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn create_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// The tables belong to one directory, for ids of two would mix.
pub(crate) fn check_owner(connection: &Connection, directory: &DirectoryId, path: &Path) -> Result<()> {
    let owner: Option<String> = connection.query_row("SELECT id FROM directory", [], |row| row.get(0)).optional().map_err(sqlite)?;
    match owner {
        Some(owner) if owner != directory.as_str() => Err(unusable(
            path,
            format_args!("holds the directory {owner}, not {directory}"),
            "use another database file for this org; this one was not touched",
        )),
        _ => Ok(()),
    }
}

/// Gives back memory that was needed for a while.
pub(crate) fn shrink(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA shrink_memory")
}

/// The index of memberships by user.
///
/// Memberships come by group, so their users are random: with the index in place, every batch of a first load writes nearly every page
/// of it again: 3,000,000 memberships wrote 26 GB, and write 2.2 GB without it, its making included. So a first load leaves it out, and it
/// is made when a run has delivered everything. A load that breaks off goes on without it. One that breaks off when nothing is left to
/// deliver is over, so that it is made when the file is opened again; where the state is kept elsewhere, by the next run that delivers
/// something.
pub(crate) mod by_user {
    use rusqlite::{Connection, ErrorCode, OptionalExtension};

    /// Drops the index as long as there are no memberships.
    pub(crate) fn leave_out_of_first_load(connection: &Connection) -> rusqlite::Result<()> {
        if connection.prepare_cached("SELECT 1 FROM memberships LIMIT 1")?.exists([])? {
            return Ok(());
        }
        connection.execute_batch("DROP INDEX IF EXISTS memberships_by_user")
    }

    /// Makes the index if it is not there, unless the state in this file says that a delivery is to be gone on with.
    ///
    /// Where somebody else writes, or there is no room, it is left to whoever opens the file next: all can be done without it.
    pub(crate) fn make_unless_loading(connection: &Connection) -> rusqlite::Result<()> {
        // Nearly always it is there, and nothing else is asked.
        const IS_THERE: &str = "SELECT 1 FROM sqlite_schema WHERE name = 'memberships_by_user'";
        // The stages are those of `Stage::is_delivering`.
        const IS_OVER: &str = "
            SELECT EXISTS (SELECT 1 FROM idsync_directories) AND EXISTS (SELECT 1 FROM memberships)
                AND NOT EXISTS (SELECT 1 FROM idsync_journal WHERE stage IN ('applying', 'folding'))";
        let is_there = connection.query_row(IS_THERE, [], |_| Ok(())).optional()?.is_some();
        if is_there || !connection.query_row(IS_OVER, [], |row| row.get(0))? {
            return Ok(());
        }
        match make(connection) {
            Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull)) => Ok(()),
            made => made,
        }
    }

    /// Makes the index if it is not there.
    pub(crate) fn make(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("CREATE INDEX IF NOT EXISTS memberships_by_user ON memberships (user_id)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row34_what_is_committed_is_on_the_disk_before_it_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.db");
        // The setting belongs to a connection and not to the file, so both the first and a later one must have it.
        for _ in 0..2 {
            let connection = open(&place(&path).unwrap()).unwrap();
            let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(number("synchronous"), 2, "FULL");
            let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    fn a_statement_is_parsed_once_whatever_it_is_bound_to() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&place(&folder.path().join("acme.db")).unwrap()).unwrap();
        for number in 0..5_i64 {
            const SQL: &str = "SELECT id FROM idsync_index WHERE directory = ?1 AND kind = ?2 AND first > ?3 ORDER BY first LIMIT ?4";
            let mut statement = connection.prepare_cached(SQL).unwrap();
            assert!(!statement.exists(rusqlite::params![number, number, b"", number + 1]).unwrap());
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        }
    }
}
