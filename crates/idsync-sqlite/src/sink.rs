//! The sink: the tables that people query.

use crate::SqliteFile;
use crate::error::{is_about_the_values, sqlite};
use crate::order::{Action, GroupRow, Order, UserRow};
use crate::schema::{by_user, check_owner, shrink};
use async_trait::async_trait;
use idsync_core::{
    Batch, BatchOutcome, ChangeOutcome, Counts, DirectoryId, DirectorySink, Error, ErrorKind, GroupId, Phase, Result, RunContext,
    SinkLimits, UserId,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter};
use std::fmt;
use std::num::NonZeroUsize;

/// The sink in an [`SqliteFile`].
#[derive(Debug, Clone)]
pub struct SqliteSink {
    file: SqliteFile,
}

impl SqliteSink {
    pub(crate) const fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

impl fmt::Display for SqliteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLite {}", self.file.path().display())
    }
}

#[async_trait]
impl DirectorySink for SqliteSink {
    fn limits(&self) -> SinkLimits {
        const BATCH: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();
        SinkLimits::default().with_max_batch(BATCH)
    }

    async fn begin(&self, run: &RunContext) -> Result<()> {
        let (run, path) = (run.clone(), self.file.path().to_owned());
        let work = move |connection: &mut Connection| {
            check_owner(connection, &run.directory, &path)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
            check_fence(&transaction, &run)?;
            by_user::leave_out_of_first_load(&transaction).map_err(sqlite)?;
            transaction.commit().map_err(sqlite)
        };
        self.file.shared.worker.call(work).await
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let (run, phase, path) = (batch.run.clone(), batch.phase, self.file.path().to_owned());
        let orders: Vec<_> = batch.deliveries.iter().map(Order::from).collect();
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
            check_owner(&transaction, &run.directory, &path)?;
            check_fence(&transaction, &run)?;
            own(&transaction, &run.directory)?;
            if phase == Phase::DeleteUsers {
                // Whether a user still is a member of something is looked up in it.
                by_user::make(&transaction).map_err(sqlite)?;
            }
            let log = Log::new(&run)?;
            let outcomes = orders.iter().map(|order| deliver(&transaction, &log, order)).collect::<Result<Vec<_>>>()?;
            transaction.commit().map_err(sqlite)?;
            Ok(outcomes.into_iter().collect())
        };
        self.file.shared.worker.call(work).await
    }

    async fn finish(&self, run: &RunContext, _applied: &Counts) -> Result<()> {
        let (run, path) = (run.clone(), self.file.path().to_owned());
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
            check_owner(&transaction, &run.directory, &path)?;
            check_fence(&transaction, &run)?;
            by_user::make(&transaction).map_err(sqlite)?;
            transaction.commit().map_err(sqlite)?;
            shrink(connection).map_err(sqlite)
        };
        self.file.shared.worker.call(work).await
    }
}

/// The state of the directory may be in the same file; then it knows of newer leases.
fn check_fence(transaction: &Transaction<'_>, run: &RunContext) -> Result<()> {
    let mut statement = transaction.prepare_cached("SELECT fence FROM idsync_directories WHERE directory = ?1").map_err(sqlite)?;
    let newest: Option<i64> = statement.query_row([run.directory.as_str()], |row| row.get(0)).optional().map_err(sqlite)?;
    match newest.and_then(|fence| u64::try_from(fence).ok()).filter(|newest| *newest > run.fence) {
        Some(_) => Err(Error::new(ErrorKind::Conflict, format!("a newer run holds {}; this one may not write any more", run.directory))
            .with_remedy("let the newer run end; then try again")),
        None => Ok(()),
    }
}

fn own(transaction: &Transaction<'_>, directory: &DirectoryId) -> Result<()> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO directory VALUES (1, ?1)")
        .map_err(sqlite)?
        .execute([directory.as_str()])
        .map_err(sqlite)?;
    Ok(())
}

/// What is the same for every entry in the log of one batch.
struct Log {
    change_set: String,
    from: i64,
    to: i64,
    read_at: String,
}

impl Log {
    fn new(run: &RunContext) -> Result<Self> {
        let (change_set, read_at) = (run.change_set.to_string(), run.read_at.to_string());
        Ok(Self { change_set, from: number(run.from.0)?, to: number(run.to.0)?, read_at })
    }
}

/// Applies one change, unless it was applied before.
fn deliver(transaction: &Transaction<'_>, log: &Log, order: &Order) -> Result<ChangeOutcome> {
    if is_known(transaction, log, order).map_err(sqlite)? {
        return Ok(ChangeOutcome::Unchanged);
    }
    match change(transaction, order)? {
        Effect::Changed => {
            record(transaction, log, order).map_err(sqlite)?;
            Ok(ChangeOutcome::Applied)
        }
        Effect::Nothing => Ok(ChangeOutcome::Unchanged),
        Effect::Refused(error) => Ok(ChangeOutcome::Failed(error)),
    }
}

/// Whether the log has this change already; it is looked for among the changes of the same entry. One that is not in the log yet is found
/// to be missing on the page that its own entry will be written to.
///
/// Only those count that came out of the same revision, with nothing behind them that did not. The state may be another one than before,
/// restored from a backup or begun anew; then revisions come again, and with them keys of changes that others were applied after.
fn is_known(transaction: &Transaction<'_>, log: &Log, order: &Order) -> rusqlite::Result<bool> {
    const SQL: &str = "SELECT from_revision, key FROM changes WHERE group_id IS ?1 AND user_id IS ?2 ORDER BY sequence DESC";
    let mut statement = transaction.prepare_cached(SQL)?;
    let mut changes = statement.query(params![group(order), user(order)])?;
    while let Some(change) = changes.next()? {
        if change.get::<_, i64>(0)? != log.from {
            return Ok(false);
        }
        if change.get_ref(1)?.as_blob()? == order.key.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn user(order: &Order) -> Option<&str> {
    order.user.as_ref().map(UserId::as_str)
}

fn group(order: &Order) -> Option<&str> {
    order.group.as_ref().map(GroupId::as_str)
}

enum Effect {
    Changed,
    Nothing,
    Refused(Error),
}

fn change(transaction: &Transaction<'_>, order: &Order) -> Result<Effect> {
    const ADD_MEMBER: &str = "INSERT INTO memberships (group_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    const REMOVE_MEMBER: &str = "DELETE FROM memberships WHERE group_id = ?1 AND user_id = ?2";
    let execute = |sql: &str, values: &[Option<&str>]| transaction.prepare_cached(sql)?.execute(params_from_iter(values));
    let (user, group) = (user(order), group(order));
    let changed = match &order.action {
        Action::PutUser(row) => put_user(transaction, user, row),
        Action::PutGroup(row) => put_group(transaction, group, row),
        Action::DeleteUser => execute("DELETE FROM users WHERE id = ?1", &[user]),
        Action::DeleteGroup => execute("DELETE FROM groups WHERE id = ?1", &[group]),
        Action::AddMember => execute(ADD_MEMBER, &[group, user]),
        Action::RemoveMember => execute(REMOVE_MEMBER, &[group, user]),
        Action::Unknown => {
            return Ok(Effect::Refused(Error::new(ErrorKind::Unsupported, "this version does not know this kind of change")));
        }
    };
    match changed {
        Ok(0) => Ok(Effect::Nothing),
        Ok(_) => Ok(Effect::Changed),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            let message = "something that this change refers to is not there, or still refers to what it deletes";
            Ok(Effect::Refused(Error::new(ErrorKind::Conflict, message).with_source(error)))
        }
        // A trigger of somebody else may have ended the transaction; then nothing that follows would belong together.
        Err(error) if is_about_the_values(&error) && !transaction.is_autocommit() => {
            Ok(Effect::Refused(Error::new(ErrorKind::InvalidData, "the database does not take these values").with_source(error)))
        }
        Err(error) => Err(sqlite(error)),
    }
}

fn put_user(transaction: &Transaction<'_>, id: Option<&str>, row: &UserRow) -> rusqlite::Result<usize> {
    const SQL: &str = "
        INSERT INTO users (id, login, status, lifecycle, attributes, extra, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET login = excluded.login, status = excluded.status, lifecycle = excluded.lifecycle,
            attributes = excluded.attributes, extra = excluded.extra, created = excluded.created, updated = excluded.updated";
    let UserRow { login, status, lifecycle, attributes, extra, created, updated } = row;
    transaction.prepare_cached(SQL)?.execute(params![id, login, status, lifecycle, attributes, extra, created, updated])
}

fn put_group(transaction: &Transaction<'_>, id: Option<&str>, row: &GroupRow) -> rusqlite::Result<usize> {
    const SQL: &str = "
        INSERT INTO groups (id, name, kind, attributes, extra, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, attributes = excluded.attributes,
            extra = excluded.extra, created = excluded.created, updated = excluded.updated";
    let GroupRow { name, kind, attributes, extra, created, updated } = row;
    transaction.prepare_cached(SQL)?.execute(params![id, name, kind, attributes, extra, created, updated])
}

/// Adds the change to the log, under its key.
fn record(transaction: &Transaction<'_>, log: &Log, order: &Order) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO changes (key, change_set, from_revision, to_revision, read_at, kind, user_id, group_id, reason, changed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (key, user, group) = (order.key.as_bytes().as_slice(), user(order), group(order));
    let values = params![key, log.change_set, log.from, log.to, log.read_at, order.kind, user, group, order.reason, order.changed];
    transaction.prepare_cached(SQL)?.execute(values)?;
    Ok(())
}

fn number(revision: u64) -> Result<i64> {
    i64::try_from(revision).map_err(|_| Error::new(ErrorKind::InvalidData, "a revision does not fit the database"))
}
