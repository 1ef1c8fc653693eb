//! The least that a store in SQLite can do: one transaction, prepared statements, and rows as they are.
//!
//! It holds what a diff needs of a directory: of each user and group the id, a keyed digest and the record, and of each group the members
//! as buckets of about 64, each with the sum of its members' hashes and the sorted first halves of them.

use crate::Data;
use crate::flat::{Flat, Row};
use crate::hashing::cheap;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

const TABLES: &str = "
    CREATE TABLE users (id TEXT PRIMARY KEY, digest BLOB NOT NULL, record BLOB NOT NULL);
    CREATE TABLE groups (id TEXT PRIMARY KEY, digest BLOB NOT NULL, record BLOB NOT NULL);
    CREATE TABLE buckets (
        group_id INTEGER NOT NULL, bucket INTEGER NOT NULL, sum BLOB NOT NULL, members BLOB NOT NULL, PRIMARY KEY (group_id, bucket)
    ) WITHOUT ROWID;";
/// At most; half as many at the least, and some 64 in all.
const A_BUCKET: usize = 90;

/// A row to be written.
pub(crate) enum Write<'a> {
    Entry { table: Table, id: &'a str, digest: blake3::Hash, record: &'a [u8] },
    Gone { table: Table, id: &'a str },
    Bucket { group: &'a str, bucket: u32, content: Option<&'a Bucket> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Groups,
    Users,
}

impl Table {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Users => "users",
        }
    }
}

/// Members of a group that belong together, with the sum of their hashes.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    sum: u128,
    members: Vec<u64>,
}

impl Bucket {
    /// The sorted first halves of their hashes.
    pub(crate) fn members(&self) -> &[u64] {
        &self.members
    }
}

/// Goes through the whole directory and, if there is a file to write to, writes it all there in one transaction.
///
/// # Panics
/// The directory cannot be read, or the file not written.
pub fn bare_load(data: &Data, file: Option<&Path>) {
    match file {
        Some(file) => written(file, |write| all(data, write)),
        None => all(data, &mut |write| _ = std::hint::black_box(write)),
    }
}

/// Writes what changed into a file that holds the directory before, in one transaction; `measured` is called right before it begins.
///
/// # Panics
/// The directories cannot be read, or the file not written.
pub fn bare_commit(before: &Data, after: &Data, file: &Path, measured: impl FnOnce()) {
    let entries = [(Table::Groups, changed(before, after, "groups")), (Table::Users, changed(before, after, "users"))];
    let buckets = changed_buckets(before, after);
    measured();
    written(file, |write| {
        for (table, changed) in &entries {
            for (id, row) in changed {
                match row {
                    Some(row) => write(Write::Entry { table: *table, id, digest: digest(row), record: row }),
                    // The buckets of a group that is gone are found by its row, which therefore goes last.
                    None if *table == Table::Users => write(Write::Gone { table: *table, id }),
                    None => {}
                }
            }
        }
        for ((group, bucket), content) in &buckets {
            write(Write::Bucket { group, bucket: *bucket, content: content.as_ref() });
        }
        let [(table, groups), _] = &entries;
        groups.iter().filter(|(_, row)| row.is_none()).for_each(|(id, _)| write(Write::Gone { table: *table, id }));
    });
}

/// Everything that is in the directory.
fn all(data: &Data, write: &mut dyn FnMut(Write<'_>)) {
    for (table, name) in [(Table::Groups, "groups"), (Table::Users, "users")] {
        let mut rows = Flat::open(&data.folder().join(name)).expect("the rows can be opened");
        while let Some(row) = rows.row().expect("a row can be read") {
            write(Write::Entry { table, id: Row::read(row).id, digest: digest(row), record: row });
        }
    }
    sections(data, |group, hashes| {
        for (bucket, content) in buckets(hashes, count_for(hashes.len())) {
            write(Write::Bucket { group, bucket, content: Some(&content) });
        }
    });
}

/// Opens the file, so that what is committed is on the disk.
pub(crate) fn open(file: &Path) -> Connection {
    let connection = Connection::open(file).expect("the file can be opened");
    connection.pragma_update(None, "journal_mode", "WAL").expect("SQLite has a write-ahead log");
    connection.pragma_update(None, "synchronous", "FULL").expect("SQLite can be told to sync");
    // Four times the store's own: with as little, it would write the pages of its index of ids many times over, and be no floor.
    connection.pragma_update(None, "cache_size", -32_768).expect("SQLite has a cache");
    connection
}

/// Opens the file, writes in one transaction, and closes it again.
pub(crate) fn written(file: &Path, work: impl FnOnce(&mut dyn FnMut(Write<'_>))) {
    let mut connection = open(file);
    if !connection.table_exists(None, "users").expect("the file is a database") {
        connection.execute_batch(TABLES).expect("the tables can be made");
    }
    let transaction = connection.transaction().expect("a transaction can be begun");
    let prepare = |sql: &str| transaction.prepare(sql).expect("the statement is valid");
    let mut put = ["groups", "users"].map(|table| {
        let update = "ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, record = excluded.record";
        prepare(&format!("INSERT INTO {table} (id, digest, record) VALUES (?1, ?2, ?3) {update}"))
    });
    let mut delete = ["groups", "users"].map(|table| prepare(&format!("DELETE FROM {table} WHERE id = ?1")));
    let mut number = prepare("SELECT rowid FROM groups WHERE id = ?1");
    let mut put_bucket = prepare("INSERT OR REPLACE INTO buckets (group_id, bucket, sum, members) VALUES (?1, ?2, ?3, ?4)");
    let mut delete_bucket = prepare("DELETE FROM buckets WHERE group_id = ?1 AND bucket = ?2");
    let (mut group_number, mut list) = ((String::new(), 0_i64), Vec::new());
    work(&mut |write| {
        let rows = match write {
            Write::Entry { table, id, digest, record } => put[table as usize].execute(params![id, &digest.as_bytes()[..16], record]),
            Write::Gone { table, id } => delete[table as usize].execute([id]),
            Write::Bucket { group, bucket, content } => {
                if group_number.0 != group {
                    group_number = (group.to_owned(), number.query_row([group], |row| row.get(0)).expect("the group is there"));
                }
                match content {
                    Some(Bucket { sum, members }) => {
                        list.clear();
                        members.iter().for_each(|member| list.extend(member.to_be_bytes()));
                        put_bucket.execute(params![group_number.1, bucket, &sum.to_le_bytes()[..], list])
                    }
                    None => delete_bucket.execute(params![group_number.1, bucket]),
                }
            }
        };
        assert_eq!(rows.expect("a row can be written"), 1, "each write is one row");
    });
    drop((put, delete, number, put_bucket, delete_bucket));
    transaction.commit().expect("the transaction can be committed");
    connection.close().expect("the file can be closed");
}

pub(crate) fn digest(row: &[u8]) -> blake3::Hash {
    blake3::keyed_hash(&[7; blake3::KEY_LEN], row)
}

/// The rows that differ, by id; `None` for those that are gone.
pub(crate) fn changed(before: &Data, after: &Data, name: &str) -> BTreeMap<String, Option<Vec<u8>>> {
    let rows = |data: &Data, each: &mut dyn FnMut(&str, &[u8])| {
        let mut rows = Flat::open(&data.folder().join(name)).expect("the rows can be opened");
        while let Some(row) = rows.row().expect("a row can be read") {
            each(Row::read(row).id, row);
        }
    };
    let (mut known, mut changed) = (HashMap::new(), BTreeMap::new());
    rows(before, &mut |id, row| _ = known.insert(id.to_owned(), digest(row)));
    rows(after, &mut |id, row| {
        if known.remove(id) != Some(digest(row)) {
            changed.insert(id.to_owned(), Some(row.to_vec()));
        }
    });
    changed.extend(known.into_keys().map(|id| (id, None)));
    changed
}

/// The buckets that differ, each group spread over as many as before; `None` for those that are empty now.
pub(crate) fn changed_buckets(before: &Data, after: &Data) -> BTreeMap<(String, u32), Option<Bucket>> {
    let (mut changed, mut later) = (BTreeMap::new(), HashMap::new());
    sections(after, |group, hashes| _ = later.insert(group.to_owned(), hashes.to_vec()));
    let mut compare = |group: &str, earlier: &[u128], later: &[u128], count| {
        let (earlier, mut later) = (buckets(earlier, count), buckets(later, count));
        let numbers: HashSet<u32> = earlier.keys().chain(later.keys()).copied().collect();
        for bucket in numbers.into_iter().filter(|bucket| earlier.get(bucket) != later.get(bucket)).collect::<Vec<_>>() {
            changed.insert((group.to_owned(), bucket), later.remove(&bucket));
        }
    };
    sections(before, |group, hashes| {
        compare(group, hashes, &later.remove(group).unwrap_or_default(), count_for(hashes.len()));
    });
    for (group, hashes) in &later {
        compare(group, &[], hashes, count_for(hashes.len()));
    }
    changed
}

/// Hands the hashes of each group's members to `each`.
fn sections(data: &Data, mut each: impl FnMut(&str, &[u128])) {
    let (mut file, mut hashes) = (Flat::open(&data.folder().join("members")).expect("the members can be opened"), Vec::new());
    while let Some((group, count)) = file.section().expect("a section can be read") {
        hashes.clear();
        file.members(count, |user| hashes.push(cheap(user.as_bytes()))).expect("the members can be read");
        each(&group, &hashes);
    }
}

/// How many buckets suit a group of this size, as a power of two.
pub(crate) const fn count_for(members: usize) -> u32 {
    members.div_ceil(A_BUCKET).next_power_of_two().trailing_zeros()
}

pub(crate) fn buckets(hashes: &[u128], count: u32) -> BTreeMap<u32, Bucket> {
    let mut buckets = BTreeMap::<u32, Bucket>::new();
    for hash in hashes {
        let number = hash.checked_shr(128 - count).map_or(0, |number| number as u32);
        let bucket = buckets.entry(number).or_default();
        bucket.sum = bucket.sum.wrapping_add(*hash);
        bucket.members.push((hash >> 64) as u64);
    }
    buckets.values_mut().for_each(|bucket| bucket.members.sort_unstable());
    buckets
}
