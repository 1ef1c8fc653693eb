//! The tables of a file that was synced into, and the least that the same content costs to hash, to keep and to insert.

use crate::bare::{Bucket, Table, Write, buckets, count_for, digest, written};
use crate::hashing::cheap;
use crate::measure;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, Statement, params_from_iter};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

const USERS: &str = "id, login, status, lifecycle, attributes, extra, created, updated";
const GROUPS: &str = "id, name, kind, attributes, extra, created, updated";
const CHANGES: &str = "key, change_set, from_revision, to_revision, read_at, kind, user_id, group_id, reason, changed";
const NEWEST: &str = "to_revision = (SELECT max(to_revision) FROM changes)";
const MEMBERS: &str = "group_id, user_id";
/// Rows in a transaction: as many as 5,000 changes are, which write an entry and a line of the log each.
const BATCH: usize = 10_000;
/// What of a change is hashed into its key.
const KEYED: usize = 110;

/// What a row is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    User,
    Group,
    Membership,
    Change,
}

/// A file that was synced into.
#[derive(Debug)]
pub struct Tables {
    connection: Connection,
}

impl Tables {
    /// Opens it for reading.
    ///
    /// # Panics
    /// It cannot be opened.
    pub fn open(file: &Path) -> Self {
        Self { connection: Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file can be opened") }
    }

    /// How many users, groups and memberships there are.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn counts(&self) -> [u64; 3] {
        ["users", "groups", "memberships"].map(|table| {
            let count = self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
            u64::try_from(count.expect("a table can be counted")).expect("a count is not negative")
        })
    }

    /// The id of every so manieth user.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn some_users(&self, step: usize) -> Vec<String> {
        self.some("SELECT id, '' FROM users", step).into_iter().map(|(user, _)| user).collect()
    }

    /// Group and user of every so manieth membership.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn some_memberships(&self, step: usize) -> Vec<(String, String)> {
        self.some("SELECT group_id, user_id FROM memberships", step)
    }

    /// CPU time of a keyed hash of every user, group and newest change, and of a cheap one of every member.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn hashed(&self) -> Duration {
        let all = "SELECT status, login, attributes, extra FROM users UNION ALL SELECT name, kind, attributes, extra FROM groups";
        let (entries, members) = (self.flat(all), self.flat("SELECT user_id FROM memberships"));
        let mut changes = self.flat(&format!("SELECT kind, group_id, user_id, key FROM changes WHERE {NEWEST}"));
        changes.iter_mut().for_each(|change| change.resize(KEYED, 0));
        let key = [7; blake3::KEY_LEN];
        let hash = || {
            entries.iter().chain(&changes).for_each(|content| _ = black_box(blake3::keyed_hash(&key, content)));
            black_box(members.iter().fold(0, |sum: u128, id| sum.wrapping_add(cheap(id))));
        };
        measure(hash).1.cpu
    }

    /// CPU time of a bare store of the same records and blocks of members; for a file that was written already, of those that changed.
    ///
    /// # Panics
    /// A file cannot be read or written.
    pub fn stored(&self, file: &Path) -> Duration {
        if file.exists() {
            let members = self.changed_members();
            let work = |write: &mut dyn FnMut(Write<'_>)| {
                let changed = format!("WHERE id IN (SELECT user_id FROM changes WHERE {NEWEST} AND group_id IS NULL)");
                self.records(Table::Users, &changed, write);
                for (group, buckets) in &members {
                    buckets.iter().for_each(|(bucket, content)| write(Write::Bucket { group, bucket: *bucket, content: content.as_ref() }));
                }
            };
            return beyond_reading(|| work(&mut |write| _ = black_box(write)), || written(file, work));
        }
        let work = |write: &mut dyn FnMut(Write<'_>)| {
            self.records(Table::Groups, "", write);
            self.records(Table::Users, "", write);
            let (mut group, mut hashes) = (String::new(), Vec::new());
            let mut flush = |group: &str, hashes: &mut Vec<u128>| {
                for (bucket, content) in buckets(hashes, count_for(hashes.len())) {
                    write(Write::Bucket { group, bucket, content: Some(&content) });
                }
                hashes.clear();
            };
            self.each("SELECT group_id, user_id FROM memberships ORDER BY group_id", |row| {
                if text(row, 0) != group.as_bytes() {
                    flush(&group, &mut hashes);
                    group = row.get(0).expect("an id is text");
                }
                hashes.push(cheap(text(row, 1)));
            });
            flush(&group, &mut hashes);
        };
        beyond_reading(|| work(&mut |write| _ = black_box(write)), || written(file, work))
    }

    /// CPU time of inserting the same rows into the same tables of a new file, in the order in which they came: each entry and its line
    /// of the log.
    ///
    /// # Panics
    /// A file cannot be read or written.
    pub fn inserted(&self, file: &Path) -> Duration {
        let target = target(file);
        let tables = "name IN ('users', 'groups', 'memberships', 'changes', 'changes_by_entry')";
        self.each(&format!("SELECT sql FROM sqlite_schema WHERE {tables} ORDER BY rootpage"), |row| {
            target.execute_batch(&row.get::<_, String>(0).expect("a definition is text")).expect("the tables can be made");
        });
        beyond_reading(
            || self.each_entry(&mut |_, values| _ = black_box(values)),
            || {
                let mut statements =
                    [("users", USERS), ("groups", GROUPS), ("memberships", MEMBERS), ("changes", CHANGES)].map(|(table, columns)| {
                        let places = vec!["?"; columns.split(',').count()].join(", ");
                        let insert = target.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({places})"));
                        insert.expect("the statement is valid")
                    });
                let mut rows = 0;
                self.each_entry(&mut |kind, values| {
                    if rows % BATCH == 0 {
                        target.execute_batch(if rows == 0 { "BEGIN" } else { "COMMIT; BEGIN" }).expect("a transaction can be begun");
                    }
                    rows += 1;
                    run(&mut statements[kind as usize], values.iter().copied());
                });
                target.execute_batch("COMMIT").expect("a transaction can be committed");
                target.execute_batch("CREATE INDEX memberships_by_user ON memberships (user_id)").expect("the index can be made");
            },
        )
    }

    /// Hands over all rows in the order in which they were made: each entry before its line of the log.
    fn each_entry(&self, each: &mut dyn FnMut(Kind, &[ValueRef<'_>])) {
        let by_id = |table, columns| {
            let statement = self.connection.prepare(&format!("SELECT {columns} FROM {table} WHERE id = ?1"));
            statement.expect("the statement is valid")
        };
        let (mut users, mut groups) = (by_id("users", USERS), by_id("groups", GROUPS));
        self.each(&format!("SELECT {CHANGES}, group_id, user_id FROM changes ORDER BY sequence"), |row| {
            let values: Vec<_> = all(row).collect();
            let (change, [group, user]) = values.split_last_chunk().expect("group and user come last");
            match (group, user) {
                (ValueRef::Null, user) => each_of(&mut users, *user, &mut |values| each(Kind::User, values)),
                (group, ValueRef::Null) => each_of(&mut groups, *group, &mut |values| each(Kind::Group, values)),
                (group, user) => each(Kind::Membership, &[*group, *user]),
            }
            each(Kind::Change, change);
        });
    }

    /// CPU time of writing the newest changes into a file that has all but them.
    ///
    /// # Panics
    /// A file cannot be read or written.
    pub fn updated(&self, file: &Path) -> Duration {
        let target = target(file);
        let members = |kind: &str| format!("SELECT group_id, user_id FROM changes WHERE kind = '{kind}' AND {NEWEST}");
        let users = format!("SELECT {USERS} FROM users WHERE id IN (SELECT user_id FROM changes WHERE {NEWEST} AND group_id IS NULL)");
        let set = "login = ?2, status = ?3, lifecycle = ?4, attributes = ?5, extra = ?6, created = ?7, updated = ?8";
        let work = [
            (users, format!("UPDATE users SET {set} WHERE id = ?1")),
            (members("group.user_removed"), "DELETE FROM memberships WHERE group_id = ?1 AND user_id = ?2".to_owned()),
            (members("group.user_added"), "INSERT INTO memberships (group_id, user_id) VALUES (?1, ?2)".to_owned()),
            (
                format!("SELECT {CHANGES} FROM changes WHERE {NEWEST}"),
                format!("INSERT INTO changes ({CHANGES}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
            ),
        ];
        let read = || work.iter().for_each(|(select, _)| self.each(select, |row| _ = black_box(all(row))));
        beyond_reading(read, || {
            target.execute_batch("BEGIN").expect("a transaction can be begun");
            for (select, sql) in &work {
                let mut statement = target.prepare(sql).expect("the statement is valid");
                self.each(select, |row| run(&mut statement, all(row)));
            }
            target.execute_batch("COMMIT").expect("a transaction can be committed");
        })
    }

    fn some(&self, sql: &str, step: usize) -> Vec<(String, String)> {
        let (mut some, mut place) = (Vec::new(), 0);
        self.each(sql, |row| {
            if place % step == step / 2 {
                some.push((row.get(0).expect("an id is text"), row.get(1).expect("an id is text")));
            }
            place += 1;
        });
        some
    }

    fn records(&self, table: Table, which: &str, write: &mut dyn FnMut(Write<'_>)) {
        let (name, columns) = if table == Table::Users { ("users", USERS) } else { ("groups", GROUPS) };
        let mut record = Vec::new();
        self.each(&format!("SELECT {columns} FROM {name} {which}"), |row| {
            record.clear();
            (1..row.as_ref().column_count()).for_each(|column| record.extend_from_slice(text(row, column)));
            let id = std::str::from_utf8(text(row, 0)).expect("an id is text");
            write(Write::Entry { table, id, digest: digest(&record), record: &record });
        });
    }

    /// The blocks in which a membership began or ended, by group.
    fn changed_members(&self) -> BTreeMap<String, BTreeMap<u32, Option<Bucket>>> {
        let mut changed = BTreeMap::<String, Vec<u128>>::new();
        self.each(&format!("SELECT group_id, user_id FROM changes WHERE {NEWEST} AND group_id IS NOT NULL"), |row| {
            changed.entry(row.get(0).expect("an id is text")).or_default().push(cheap(text(row, 1)));
        });
        let of_group = |(group, changed): (String, Vec<u128>)| {
            let mut hashes = Vec::new();
            self.each(&format!("SELECT user_id FROM memberships WHERE group_id = '{group}'"), |row| hashes.push(cheap(text(row, 0))));
            let count = count_for(hashes.len());
            let mut now = buckets(&hashes, count);
            let numbers = buckets(&changed, count).into_keys();
            // A block that is empty now may not have been written before: it stays as one that holds nothing.
            (group, numbers.map(|number| (number, Some(now.remove(&number).unwrap_or_default()))).collect())
        };
        changed.into_iter().map(of_group).collect()
    }

    fn flat(&self, sql: &str) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        self.each(sql, |row| rows.push(all(row).flat_map(bytes).copied().collect()));
        rows
    }

    fn each(&self, sql: &str, mut each: impl FnMut(&Row<'_>)) {
        let mut statement = self.connection.prepare(sql).expect("the statement is valid");
        let mut rows = statement.query([]).expect("the rows can be read");
        while let Some(row) = rows.next().expect("a row can be read") {
            each(row);
        }
    }
}

/// A file with the settings of the one that is synced into: as durable, as strict about foreign keys, with as long a log.
fn target(file: &Path) -> Connection {
    let target = Connection::open(file).expect("the file can be opened");
    let settings =
        [("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON"), ("cache_size", "-8192"), ("wal_autocheckpoint", "4000")];
    for (pragma, value) in settings {
        target.pragma_update(None, pragma, value).expect("SQLite has this setting");
    }
    target
}

/// What `write` takes beyond `read`, which it does as well.
fn beyond_reading(read: impl Fn(), write: impl FnOnce()) -> Duration {
    read();
    // Where little is written, one reading that takes long by chance would leave nothing of it.
    let mut readings = [(); 3].map(|()| measure(&read).1.cpu);
    readings.sort_unstable();
    measure(write).1.cpu.saturating_sub(readings[1])
}

/// Hands over the row with this id.
fn each_of(statement: &mut Statement<'_>, id: ValueRef<'_>, each: &mut dyn FnMut(&[ValueRef<'_>])) {
    let row = |row: &Row<'_>| {
        each(&all(row).collect::<Vec<_>>());
        Ok(())
    };
    statement.query_row([ToSqlOutput::Borrowed(id)], row).expect("an entry of the log is there");
}

fn run<'a>(statement: &mut Statement<'_>, values: impl Iterator<Item = ValueRef<'a>>) {
    let changed = statement.execute(params_from_iter(values.map(ToSqlOutput::Borrowed))).expect("a row can be written");
    assert_eq!(changed, 1, "each write is one row");
}

fn all<'a>(row: &'a Row<'_>) -> impl Iterator<Item = ValueRef<'a>> {
    (0..row.as_ref().column_count()).map(|column| row.get_ref(column).expect("the column is there"))
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> &'a [u8] {
    bytes(row.get_ref(column).expect("the column is there"))
}

const fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    }
}
