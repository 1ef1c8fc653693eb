//! The sink: the tables that people query.

use crate::SqliteFile;
use crate::error::{is_constraint, sqlite};
use crate::schema::check_owner;
use async_trait::async_trait;
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeOutcome, Delivery, DirectoryId, DirectorySink, Error, ErrorKind, FieldChange, Group, GroupId,
    Membership, Result, RunContext, SinkLimits, Timestamps, User, UserId,
};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
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
        let (directory, path) = (run.directory.clone(), self.file.path().to_owned());
        self.file.shared.worker.call(move |connection| check_owner(connection, &directory, &path)).await
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let (run, deliveries) = (batch.run.clone(), batch.deliveries.to_vec());
        let path = self.file.path().to_owned();
        self.file
            .shared
            .worker
            .call(move |connection| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
                check_owner(&transaction, &run.directory, &path)?;
                check_fence(&transaction, &run)?;
                own(&transaction, &run.directory)?;
                let outcomes = deliveries.iter().map(|delivery| deliver(&transaction, &run, delivery)).collect::<Result<Vec<_>>>()?;
                transaction.commit().map_err(sqlite)?;
                Ok(outcomes.into_iter().collect())
            })
            .await
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

/// Applies one change, unless it was applied before.
fn deliver(transaction: &Transaction<'_>, run: &RunContext, delivery: &Delivery) -> Result<ChangeOutcome> {
    if is_known(transaction, delivery)? {
        return Ok(ChangeOutcome::Unchanged);
    }
    match change(transaction, &delivery.change)? {
        Effect::Changed => {
            record(transaction, run, delivery)?;
            Ok(ChangeOutcome::Applied)
        }
        Effect::Nothing => Ok(ChangeOutcome::Unchanged),
        Effect::Refused(error) => Ok(ChangeOutcome::Failed(error)),
    }
}

/// Whether the log has this change already; it is looked for among the changes of the same entry, of which there are few.
fn is_known(transaction: &Transaction<'_>, delivery: &Delivery) -> Result<bool> {
    const SQL: &str = "SELECT 1 FROM changes WHERE group_id IS ?1 AND user_id IS ?2 AND key = ?3";
    let change = &delivery.change;
    let entry = params![change.group().map(GroupId::as_str), change.user().map(UserId::as_str), delivery.key.as_bytes().as_slice()];
    let mut statement = transaction.prepare_cached(SQL).map_err(sqlite)?;
    statement.exists(entry).map_err(sqlite)
}

enum Effect {
    Changed,
    Nothing,
    Refused(Error),
}

fn change(transaction: &Transaction<'_>, change: &Change) -> Result<Effect> {
    let changed = match change {
        Change::UserCreated { user } | Change::UserUpdated { user, .. } => put_user(transaction, user),
        Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => put_group(transaction, group),
        Change::UserDeleted { user, .. } => execute(transaction, "DELETE FROM users WHERE id = ?1", params![user.id.as_str()]),
        Change::GroupDeleted { group, .. } => execute(transaction, "DELETE FROM groups WHERE id = ?1", params![group.id.as_str()]),
        Change::GroupUserAdded { membership } => add_member(transaction, membership),
        Change::GroupUserRemoved { membership, .. } => {
            let ids = params![membership.group.as_str(), membership.user.as_str()];
            execute(transaction, "DELETE FROM memberships WHERE group_id = ?1 AND user_id = ?2", ids)
        }
        _ => return Ok(Effect::Refused(Error::new(ErrorKind::Unsupported, "this version does not know this kind of change"))),
    };
    match changed {
        Ok(0) => Ok(Effect::Nothing),
        Ok(_) => Ok(Effect::Changed),
        Err(error) if is_constraint(&error) => {
            let message = "something that this change refers to is not there, or still refers to what it deletes";
            Ok(Effect::Refused(Error::new(ErrorKind::Conflict, message).with_source(error)))
        }
        Err(error) => Err(sqlite(error)),
    }
}

fn execute(transaction: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
    transaction.prepare_cached(sql)?.execute(values)
}

fn add_member(transaction: &Transaction<'_>, membership: &Membership) -> rusqlite::Result<usize> {
    let ids = params![membership.group.as_str(), membership.user.as_str()];
    execute(transaction, "INSERT INTO memberships (group_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING", ids)
}

fn put_user(transaction: &Transaction<'_>, user: &User) -> rusqlite::Result<usize> {
    const SQL: &str = "
        INSERT INTO users (id, login, status, lifecycle, attributes, extra, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET login = excluded.login, status = excluded.status, lifecycle = excluded.lifecycle,
            attributes = excluded.attributes, extra = excluded.extra, created = excluded.created, updated = excluded.updated";
    let (created, updated) = times(&user.timestamps);
    let values = params![
        user.id.as_str(),
        user.login,
        user.status.as_str(),
        user.lifecycle().as_str(),
        user.attributes.as_json(),
        user.extra.as_json(),
        created,
        updated
    ];
    execute(transaction, SQL, values)
}

fn put_group(transaction: &Transaction<'_>, group: &Group) -> rusqlite::Result<usize> {
    const SQL: &str = "
        INSERT INTO groups (id, name, kind, attributes, extra, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, attributes = excluded.attributes,
            extra = excluded.extra, created = excluded.created, updated = excluded.updated";
    let (created, updated) = times(&group.timestamps);
    let values =
        params![group.id.as_str(), group.name, group.kind.as_str(), group.attributes.as_json(), group.extra.as_json(), created, updated];
    execute(transaction, SQL, values)
}

fn times(timestamps: &Timestamps) -> (Option<String>, Option<String>) {
    (timestamps.created.map(|at| at.to_string()), timestamps.updated.map(|at| at.to_string()))
}

/// Adds the change to the log, under its key.
fn record(transaction: &Transaction<'_>, run: &RunContext, delivery: &Delivery) -> Result<()> {
    const SQL: &str = "
        INSERT INTO changes (key, change_set, from_revision, to_revision, read_at, kind, user_id, group_id, reason, changed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let change = &delivery.change;
    let values = params![
        delivery.key.as_bytes().as_slice(),
        run.change_set.to_string(),
        number(run.from.0)?,
        number(run.to.0)?,
        run.read_at.to_string(),
        change.kind().as_str(),
        change.user().map(UserId::as_str),
        change.group().map(GroupId::as_str),
        reason(change),
        fields(change).and_then(|fields| serde_json::to_string(fields).ok()),
    ];
    execute(transaction, SQL, values).map_err(sqlite)?;
    Ok(())
}

fn reason(change: &Change) -> Option<String> {
    let reason = match change {
        Change::UserDeleted { reason, .. } | Change::GroupDeleted { reason, .. } => serde_json::to_value(reason),
        Change::GroupUserRemoved { reason, .. } => serde_json::to_value(reason),
        _ => return None,
    };
    reason.ok().and_then(|reason| reason.as_str().map(str::to_owned))
}

const fn fields(change: &Change) -> Option<&Vec<FieldChange>> {
    match change {
        Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. } => Some(changed),
        _ => None,
    }
}

fn number(revision: u64) -> Result<i64> {
    i64::try_from(revision).map_err(|_| Error::new(ErrorKind::InvalidData, "a revision does not fit the database"))
}
