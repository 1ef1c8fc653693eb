//! Store and sink keep the contracts of their traits.

use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::conformance::sink::{self, Recorded, SinkFixture};
use idsync_core::conformance::store::{self, StoreFixture};
use idsync_core::{
    DirectorySink, Error, ErrorKind, Group, GroupId, GroupKind, IdempotencyKey, Membership, Result, Snapshot, StateStore, User, UserId,
    UserStatus,
};
use idsync_sqlite::SqliteFile;
use rusqlite::{Connection, Row};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A folder of its own, removed with the place.
struct Place(TempDir);

impl Place {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| Error::new(ErrorKind::Unavailable, "no folder").with_source(error))?;
        let place = Self(folder);
        SqliteFile::open(place.path()).await?;
        Ok(place)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("conformance.db")
    }

    fn rows<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let rows = || -> rusqlite::Result<Vec<T>> { Connection::open(self.path())?.prepare(sql)?.query_map([], read)?.collect() };
        rows().map_err(|error| Error::new(ErrorKind::Other, error.to_string()))
    }
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?).unwrap())
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let mut user = User::new(UserId::new(row.get::<_, String>(0)?).unwrap(), UserStatus::from(row.get::<_, String>(2)?));
    (user.login, user.attributes, user.extra) = (row.get(1)?, json(row, 3)?, json(row, 4)?);
    Ok(user)
}

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    let kind = GroupKind::from(row.get::<_, String>(2)?);
    let mut group = Group::new(GroupId::new(row.get::<_, String>(0)?).unwrap(), row.get::<_, String>(1)?).with_kind(kind);
    (group.attributes, group.extra) = (json(row, 3)?, json(row, 4)?);
    Ok(group)
}

struct Files;

#[async_trait]
impl StoreFixture for Files {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Place::new().await
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(SqliteFile::open(place.path()).await?.store()))
    }
}

#[async_trait]
impl SinkFixture for Files {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Place::new().await
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn DirectorySink>> {
        Ok(Arc::new(SqliteFile::open(place.path()).await?.sink()))
    }

    async fn observe(&self, place: &Place) -> Result<Option<String>> {
        let held = self.contents(place).await?.unwrap_or_default();
        let (users, groups) = (held.users().collect::<Vec<_>>(), held.groups().collect::<Vec<_>>());
        let picture = (serde_json::to_string(&users), serde_json::to_string(&groups), held.memberships().collect::<Vec<_>>());
        Ok(Some(format!("{picture:?}")))
    }

    async fn contents(&self, place: &Place) -> Result<Option<Snapshot>> {
        let mut builder = Snapshot::builder();
        for user in place.rows("SELECT id, login, status, attributes, extra FROM users", user)? {
            builder.user(user);
        }
        for group in place.rows("SELECT id, name, kind, attributes, extra FROM groups", group)? {
            builder.group(group);
        }
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        for (group, user) in place.rows("SELECT group_id, user_id FROM memberships", pair)? {
            builder.membership(Membership::new(GroupId::new(group).unwrap(), UserId::new(user).unwrap()));
        }
        Ok(Some(builder.finish()))
    }

    async fn history(&self, place: &Place) -> Result<Option<Vec<Recorded>>> {
        let recorded = |row: &Row<'_>| {
            let key = IdempotencyKey::from_bytes(row.get::<_, Vec<u8>>(0)?.try_into().unwrap());
            let changed = row.get::<_, Option<String>>(1)?.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default();
            Ok(Recorded::new(key).with_changed(changed))
        };
        Ok(Some(place.rows("SELECT key, changed FROM changes ORDER BY sequence", recorded)?))
    }
}

#[test]
fn the_store_keeps_every_promise() {
    let report = block_on(store::all(&Files));
    println!("{report}");
    report.assert_passed_skipping(&[]);
}

#[test]
fn the_sink_keeps_every_promise() {
    let report = block_on(sink::all(&Files));
    println!("{report}");
    report.assert_passed_skipping(&[]);
}
