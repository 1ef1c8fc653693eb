//! The least that a plan over a store in SQLite takes, once it is known what differs: reading, hashing, and rows as they are.

use crate::Data;
use crate::bare::{Bucket, Table, changed, changed_buckets, open};
use crate::generate::content::ID;
use crate::hashing::read_and_hash;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::path::Path;

/// As large as the packs that the engine stages.
const A_PACK: usize = 12 << 10;

/// Reads and hashes the directory afterwards, reads what differs from the file that holds the directory before, and keeps what was found
/// there in packs, in one transaction: rows as they are now, and of members that come and go as many bytes as their ids have.
///
/// What differs is found out first, without being measured; `measured` is called when that is done. Returns how many entries and
/// memberships differ, where a group that comes or goes has all of its members.
///
/// # Panics
/// The directories or the file cannot be read, or the file not written.
pub fn bare_plan(before: &Data, after: &Data, file: &Path, measured: impl FnOnce()) -> usize {
    let mut connection = open(file);
    connection.execute_batch("CREATE TABLE found (id INTEGER PRIMARY KEY, pack BLOB NOT NULL)").expect("a table can be made");
    let numbers = [Table::Groups, Table::Users].map(|table| numbers(&connection, table));
    let [groups, users] = &numbers;
    // In the order in which they are in the file, as a provider lists them.
    let mut entries = [(Table::Groups, groups), (Table::Users, users)].map(|(table, numbers)| {
        let changed = changed(before, after, table.name()).into_iter();
        (table, changed.map(|(id, row)| (numbers.get(&id).copied(), id, row)).collect::<Vec<_>>())
    });
    entries.iter_mut().for_each(|(_, changed)| changed.sort_by_key(|(number, ..)| *number));
    let buckets = changed_buckets(before, after).into_iter();
    let mut buckets: Vec<_> = buckets.map(|((group, bucket), later)| (groups.get(&group).copied(), bucket, group, later)).collect();
    buckets.sort_by_key(|(number, bucket, ..)| (*number, *bucket));
    measured();
    read_and_hash(after);
    let transaction = connection.transaction().expect("a transaction can be begun");
    let prepare = |sql: &str| transaction.prepare(sql).expect("the statement is valid");
    let mut packs = Packs { put: prepare("INSERT INTO found (pack) VALUES (?1)"), pack: Vec::with_capacity(2 * A_PACK) };
    let mut found = 0;
    for (table, changed) in &entries {
        let mut earlier = prepare(&format!("SELECT digest, record FROM {} WHERE rowid = ?1", table.name()));
        for (number, id, row) in changed {
            if let Some(number) = number {
                let same = earlier.query_row([number], |earlier| Ok(Some(earlier.get_ref(1)?.as_blob()?) == row.as_deref()));
                assert!(!same.expect("the row can be read"), "{id} is said to differ");
            }
            packs.push(id.as_bytes());
            packs.push(row.as_deref().unwrap_or_default());
            found += 1;
        }
    }
    let mut earlier = prepare("SELECT sum, members FROM buckets WHERE group_id = ?1 AND bucket = ?2");
    let mut held = Vec::new();
    for (number, bucket, group, later) in &buckets {
        held.clear();
        if let Some(number) = number {
            let read = earlier.query_row(params![number, bucket], |row| {
                held.extend(row.get_ref(1)?.as_blob()?.as_chunks().0.iter().map(|hash| u64::from_be_bytes(*hash)));
                Ok(())
            });
            read.optional().expect("the bucket can be read");
        }
        packs.push(group.as_bytes());
        for hash in differing(&held, later.as_ref().map_or(&[], Bucket::members)) {
            let mut id = [0; ID];
            id[..8].copy_from_slice(&hash.to_be_bytes());
            packs.push(&id);
            found += 1;
        }
    }
    packs.flush();
    drop((packs, earlier));
    transaction.commit().expect("the transaction can be committed");
    connection.close().expect("the file can be closed");
    found
}

/// Under which numbers the rows of a table are, by id.
fn numbers(connection: &Connection, table: Table) -> HashMap<String, i64> {
    let mut rows = connection.prepare(&format!("SELECT id, rowid FROM {}", table.name())).expect("the statement is valid");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("the rows can be read");
    rows.collect::<rusqlite::Result<_>>().expect("a row can be read")
}

/// What is in only one of two sorted lists.
fn differing<'a>(mut one: &'a [u64], mut other: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
    std::iter::from_fn(move || {
        loop {
            match (one.split_first(), other.split_first()) {
                (Some((first, rest)), Some((second, others))) if first == second => (one, other) = (rest, others),
                (Some((first, rest)), second) if second.is_none_or(|(second, _)| first < second) => {
                    one = rest;
                    return Some(*first);
                }
                (_, Some((second, others))) => {
                    other = others;
                    return Some(*second);
                }
                (_, None) => return None,
            }
        }
    })
}

/// Rows of many pieces each.
struct Packs<'a> {
    put: rusqlite::Statement<'a>,
    pack: Vec<u8>,
}

impl Packs<'_> {
    fn push(&mut self, piece: &[u8]) {
        self.pack.extend(piece);
        if self.pack.len() >= A_PACK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.pack.is_empty() {
            self.put.execute([&self.pack]).expect("a pack can be written");
            self.pack.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn what_is_in_one_list_only_is_found() {
        let found = |one: &[u64], other: &[u64]| differing(one, other).collect::<Vec<_>>();
        assert_eq!(found(&[1, 3, 5, 9], &[2, 3, 4, 9, 10]), [1, 2, 4, 5, 10]);
        assert_eq!((found(&[], &[7]), found(&[7], &[]), found(&[7], &[7])), (vec![7], vec![7], vec![]));
    }
}
