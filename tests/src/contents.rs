//! What a database holds, and what it should hold.

use idsync::{Attributes, Snapshot};
use idsync_okta_emulator::{GroupType, OktaEmulator, Truth};
use rusqlite::Connection;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// A directory in the terms of the public tables.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// Users by id.
    pub users: BTreeMap<String, ShownUser>,
    /// Groups by id.
    pub groups: BTreeMap<String, ShownGroup>,
    /// Group and user of each membership.
    pub memberships: BTreeSet<(String, String)>,
}

/// A row of `users`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShownUser {
    /// The login.
    pub login: Option<String>,
    /// The status.
    pub status: String,
    /// The attributes that are not null.
    pub attributes: Map<String, Value>,
}

/// A row of `groups`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShownGroup {
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: String,
    /// The attributes that are not null.
    pub attributes: Map<String, Value>,
}

impl Contents {
    /// What the tables of this database hold, read by SQL as any other program would.
    ///
    /// # Panics
    /// The database is not what the documentation of its tables says.
    pub fn of_database(path: &Path) -> Self {
        let database = Connection::open(path).unwrap();
        let mut contents = Self::default();
        let mut users = database.prepare("SELECT id, login, status, attributes FROM users").unwrap();
        let mut rows = users.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let user = ShownUser { login: row.get(1).unwrap(), status: row.get(2).unwrap(), attributes: attributes(row.get(3).unwrap()) };
            contents.users.insert(row.get(0).unwrap(), user);
        }
        let mut groups = database.prepare("SELECT id, name, kind, attributes FROM groups").unwrap();
        let mut rows = groups.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let group = ShownGroup { name: row.get(1).unwrap(), kind: row.get(2).unwrap(), attributes: attributes(row.get(3).unwrap()) };
            contents.groups.insert(row.get(0).unwrap(), group);
        }
        let mut memberships = database.prepare("SELECT group_id, user_id FROM memberships").unwrap();
        let pairs = memberships.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        contents.memberships.extend(pairs.map(Result::unwrap));
        contents
    }

    /// What a sink in memory holds.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        let map = |attributes: &Attributes| present(attributes.iter().map(|(name, value)| (name.into_owned(), value)).collect());
        let users = snapshot.users().map(|user| {
            let shown = ShownUser { login: user.login.clone(), status: user.status.to_string(), attributes: map(&user.attributes) };
            (user.id.to_string(), shown)
        });
        let groups = snapshot.groups().map(|group| {
            let shown = ShownGroup { name: group.name.clone(), kind: group.kind.to_string(), attributes: map(&group.attributes) };
            (group.id.to_string(), shown)
        });
        let memberships = snapshot.memberships().map(|membership| (membership.group.to_string(), membership.user.to_string()));
        Self { users: users.collect(), groups: groups.collect(), memberships: memberships.collect() }
    }

    /// Whether the two are the same.
    ///
    /// # Errors
    /// What is only in one of them.
    pub fn same_as(&self, other: &Self) -> Result<(), String> {
        if self == other {
            return Ok(());
        }
        Err(format!("only here: {:?}; only there: {:?}", self.without(other), other.without(self)))
    }

    /// What is not in the other one, as text.
    fn without(&self, other: &Self) -> Vec<String> {
        let users = self.users.iter().filter(|(id, user)| other.users.get(*id) != Some(user)).map(|(id, user)| format!("{id} {user:?}"));
        let groups =
            self.groups.iter().filter(|(id, group)| other.groups.get(*id) != Some(group)).map(|(id, group)| format!("{id} {group:?}"));
        let memberships = self.memberships.difference(&other.memberships).map(|membership| format!("{membership:?}"));
        users.chain(groups).chain(memberships).collect()
    }

    /// What a sync with default scope must bring from this org.
    pub fn of_org(emulator: &OktaEmulator) -> Self {
        Self::of_truth(emulator.org().truth().in_scope())
    }

    /// What must be there when all of this was synced.
    pub fn of_truth(truth: Truth) -> Self {
        let users = truth.users.into_iter().map(|(id, user)| {
            let mut attributes = present(user.profile);
            let login = attributes.remove("login").and_then(|login| login.as_str().map(str::to_owned));
            (id, ShownUser { login, status: user.status.as_str().to_owned(), attributes })
        });
        let groups = truth.groups.into_iter().map(|(id, group)| {
            let mut attributes = present(group.profile);
            let name = attributes.remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
            (id, ShownGroup { name, kind: kind(group.kind).to_owned(), attributes })
        });
        Self { users: users.collect(), groups: groups.collect(), memberships: truth.memberships }
    }
}

fn attributes(json: String) -> Map<String, Value> {
    present(serde_json::from_str(&json).unwrap())
}

fn present(mut attributes: Map<String, Value>) -> Map<String, Value> {
    attributes.retain(|_, value| !value.is_null());
    attributes
}

fn kind(kind: GroupType) -> &'static str {
    match kind {
        GroupType::App => "imported",
        GroupType::BuiltIn => "built_in",
        GroupType::Okta => "native",
        _ => "a kind that the tests do not know",
    }
}

/// The number that a query answers.
///
/// # Panics
/// The query does not fit the database.
pub fn count(path: &Path, sql: &str) -> u64 {
    let number: i64 = Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    number.cast_unsigned()
}

/// One column of text.
///
/// # Panics
/// The query does not fit the database.
pub fn column(path: &Path, sql: &str) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A number for the rows of each table of a database: it is another one when the rows are.
///
/// # Panics
/// The database cannot be read.
pub fn fingerprints(path: &Path) -> BTreeMap<String, u64> {
    let database = Connection::open(path).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let names: Vec<String> = database.prepare(names).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    names.into_iter().map(|name| (name.clone(), fingerprint(&database, &name))).collect()
}

fn fingerprint(database: &Connection, table: &str) -> u64 {
    let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut hasher = DefaultHasher::new();
    while let Some(row) = rows.next().unwrap() {
        (0..columns).for_each(|column| format!("{:?}", row.get_ref(column).unwrap()).hash(&mut hasher));
    }
    hasher.finish()
}

/// How the runs ended that a database has records of, the first one first.
///
/// # Panics
/// The database cannot be read.
pub fn outcomes(path: &Path) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut statement = database.prepare("SELECT outcome FROM idsync_runs ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}
