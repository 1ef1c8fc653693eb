//! `idsync_index`: keys, digests and places of the base, in blocks of sorted entries.
//!
//! A row per entry would cost a search for each and more bytes than the entry. A block holds some hundred entries on one page, so an
//! index is read in one pass without touching a record, and a sorted bundle of changes writes each block that it touches once.

mod patch;

use self::patch::Patch;
use super::codec::{Input, common, number_size, put_key, put_number, text};
use super::directories::Row;
use super::records::{self, Append};
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord, Digest, IndexRow, Locator};
use rusqlite::{Connection, OptionalExtension, params};
use std::ops::Range;

/// The most bytes of a block and its first key: with what SQLite adds, they stay on one page of 4 KiB.
const ROOM: usize = 4_000;
/// Blocks read at a time.
const PAGE: i64 = 40;
/// How many entries these commonly have.
const ENTRIES: usize = 4_096;

/// What becomes of one entry.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) key: &'a [u8],
    pub(super) what: What<'a>,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    /// A record that is there already becomes the entry's.
    Adopt(Digest, i64),
    /// The record is written.
    Write(&'a BaseRecord),
    Delete,
}

#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    key: &'a [u8],
    digest: Digest,
    id: i64,
}

/// A block, read.
#[derive(Debug, Default)]
struct Entries {
    /// All keys, one after the other.
    keys: Vec<u8>,
    /// Where each key ends, and what belongs to it.
    rows: Vec<(usize, Digest, i64)>,
}

impl Entries {
    fn read(block: &[u8]) -> Result<Self, Problem> {
        let (mut entries, mut input, mut key) = (Self::default(), Input::new(block, 0), Vec::new());
        while !input.is_at_end() {
            input.key(&mut key)?;
            entries.keys.extend_from_slice(&key);
            entries.rows.push((entries.keys.len(), input.digest()?, input.id()?));
        }
        Ok(entries)
    }

    fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.rows.iter().scan(0, |start, (end, digest, id)| {
            let key = &self.keys[*start..*end];
            *start = *end;
            Some(Entry { key, digest: *digest, id: *id })
        })
    }
}

/// A row of the table. `first` is the key of the first entry, or one before it that was there once.
struct Block {
    id: i64,
    first: Vec<u8>,
    entries: Vec<u8>,
}

/// The block that a key belongs to: the last one that begins at or before it, or else the first one.
fn block_of(connection: &Connection, row: &Row, kind: BaseKind, key: &[u8]) -> Result<Option<Block>, Problem> {
    const AT: &str = "
        SELECT id, first, entries FROM idsync_index WHERE directory = ?1 AND kind = ?2 AND first <= ?3 ORDER BY first DESC LIMIT 1";
    const FIRST: &str = "SELECT id, first, entries FROM idsync_index WHERE directory = ?1 AND kind = ?2 ORDER BY first LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok(Block { id: row.get(0)?, first: row.get(1)?, entries: row.get(2)? });
    let at = connection.prepare_cached(AT)?.query_row(params![row.id, kind as u8, key], read).optional()?;
    if at.is_some() {
        return Ok(at);
    }
    Ok(connection.prepare_cached(FIRST)?.query_row(params![row.id, kind as u8], read).optional()?)
}

/// Where the next block begins.
fn end_of(connection: &Connection, row: &Row, kind: BaseKind, block: &Block) -> Result<Option<Vec<u8>>, Problem> {
    const SQL: &str = "SELECT first FROM idsync_index WHERE directory = ?1 AND kind = ?2 AND first > ?3 ORDER BY first LIMIT 1";
    Ok(connection.prepare_cached(SQL)?.query_row(params![row.id, kind as u8, block.first], |row| row.get(0)).optional()?)
}

/// Some entries after `after`.
pub(super) fn page(connection: &Connection, row: &Row, kind: BaseKind, after: Option<&str>) -> Result<Vec<IndexRow>, Problem> {
    const SQL: &str = "SELECT entries FROM idsync_index WHERE directory = ?1 AND kind = ?2 AND first >= ?3 ORDER BY first LIMIT ?4";
    let mut after = after.map(str::as_bytes);
    // Blocks may have been cut anew since `after` was read, so the page begins with the block that holds it now.
    let start = match after {
        Some(after) => block_of(connection, row, kind, after)?.map(|block| block.first).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut statement = connection.prepare_cached(SQL)?;
    let mut blocks = statement.query(params![row.id, kind as u8, start, PAGE])?;
    let mut page = Vec::new();
    while let Some(block) = blocks.next()? {
        if page.is_empty() {
            page.reserve(ENTRIES);
        }
        let block = block.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let (mut input, mut key) = (Input::new(block, 0), Vec::new());
        while !input.is_at_end() {
            input.key(&mut key)?;
            let (digest, id) = (input.digest()?, input.id()?);
            if after.is_some_and(|after| key.as_slice() <= after) {
                continue;
            }
            // So are all that follow.
            after = None;
            page.push(IndexRow::new(text(&key)?, digest, Locator(id.cast_unsigned())));
        }
    }
    Ok(page)
}

/// Makes changes, sorted by key and no two of one key. Records that no entry names any more are added to `dead`.
pub(super) fn apply(
    connection: &Connection,
    row: &Row,
    kind: BaseKind,
    changes: &[Change<'_>],
    dead: &mut Vec<i64>,
) -> Result<(), Problem> {
    let (mut rest, mut append) = (changes, None);
    while let Some(change) = rest.first() {
        let block = block_of(connection, row, kind, change.key)?;
        let end = match &block {
            Some(block) => end_of(connection, row, kind, block)?,
            None => None,
        };
        let here = end.as_ref().map_or(rest.len(), |end| rest.partition_point(|change| change.key < end.as_slice()));
        let (changes, later) = rest.split_at(here);
        rest = later;
        if let Some(block) = &block
            && let Some(patches) = patch::patches(&block.entries, changes)?
        {
            overwrite(connection, block, &patches, dead)?;
            continue;
        }
        let old = block.as_ref().map(|block| Entries::read(&block.entries)).transpose()?.unwrap_or_default();

        let mut entries = Vec::with_capacity(old.rows.len() + changes.len());
        let mut before = old.iter().peekable();
        for change in changes {
            entries.extend(std::iter::from_fn(|| before.next_if(|entry| entry.key < change.key)));
            let there = before.next_if(|entry| entry.key == change.key).map(|entry| entry.id);
            let entry = |digest, id| Entry { key: change.key, digest, id };
            match (&change.what, there) {
                (What::Adopt(digest, id), there) => {
                    dead.extend(there.filter(|there| there != id));
                    entries.push(entry(*digest, *id));
                }
                (What::Write(record), Some(id)) => {
                    records::replace(connection, id, record)?;
                    entries.push(entry(record.digest, id));
                }
                (What::Write(record), None) => {
                    let append = match &mut append {
                        Some(append) => append,
                        none => none.insert(Append::new(connection, row)?),
                    };
                    entries.push(entry(record.digest, append.add(kind, record)?));
                }
                (What::Delete, there) => dead.extend(there),
            }
        }
        entries.extend(before);
        write(connection, row, kind, block.as_ref(), &entries, end.is_none())?;
    }
    Ok(())
}

/// Changes entries of a block where they are.
fn overwrite(connection: &Connection, block: &Block, patches: &[Patch<'_>], dead: &mut Vec<i64>) -> Result<(), Problem> {
    let mut entries = block.entries.clone();
    for patch in patches {
        patch.write(&mut entries);
        dead.extend(patch.dead());
        if let Some(record) = patch.record {
            records::replace(connection, patch.there, record)?;
        }
    }
    if entries == block.entries { Ok(()) } else { update(connection, block, &entries) }
}

fn update(connection: &Connection, block: &Block, entries: &[u8]) -> Result<(), Problem> {
    connection.prepare_cached("UPDATE idsync_index SET entries = ?2 WHERE id = ?1")?.execute(params![block.id, entries])?;
    Ok(())
}

/// Writes entries in place of a block.
fn write(
    connection: &Connection,
    row: &Row,
    kind: BaseKind,
    block: Option<&Block>,
    entries: &[Entry<'_>],
    is_last: bool,
) -> Result<(), Problem> {
    const LOWER: &str = "UPDATE idsync_index SET entries = ?2, first = ?3 WHERE id = ?1";
    const INSERT: &str = "INSERT INTO idsync_index (directory, kind, first, entries) VALUES (?1, ?2, ?3, ?4)";
    const DELETE: &str = "DELETE FROM idsync_index WHERE id = ?1";
    let mut packed = pack(entries, is_last).into_iter();
    if let Some(block) = block {
        match packed.next() {
            Some((_, bytes)) if bytes == block.entries => {}
            Some((first, bytes)) if first < block.first.as_slice() => {
                connection.prepare_cached(LOWER)?.execute(params![block.id, bytes, first])?;
            }
            Some((_, bytes)) => update(connection, block, &bytes)?,
            None => _ = connection.prepare_cached(DELETE)?.execute([block.id])?,
        }
    }
    for (first, bytes) in packed {
        connection.prepare_cached(INSERT)?.execute(params![row.id, kind as u8, first, bytes])?;
    }
    Ok(())
}

/// Cuts entries into blocks, each with its first key. At the end of an index they are packed full, for what comes next is likely to lie
/// behind them; anywhere else they are spread evenly, so that there is room.
fn pack<'a>(entries: &[Entry<'a>], is_last: bool) -> Vec<(&'a [u8], Vec<u8>)> {
    let mut ranges = cut(entries, ROOM);
    if !is_last && ranges.len() > 1 {
        let whole: usize = ranges.iter().map(|(_, size)| size).sum();
        let even = whole / whole.div_ceil(ROOM);
        ranges = cut(entries, (even + even / 16).min(ROOM));
    }
    ranges.into_iter().map(|(range, size)| (entries[range.start].key, encode(&entries[range], size))).collect()
}

/// Ranges of entries that fit the room, with their sizes; an entry that is larger is alone.
fn cut(entries: &[Entry<'_>], room: usize) -> Vec<(Range<usize>, usize)> {
    let (mut ranges, mut start, mut size, mut before): (Vec<_>, _, _, &[u8]) = (Vec::new(), 0, 0, &[]);
    for (index, entry) in entries.iter().enumerate() {
        let more = size_of(entry, before);
        if index > start && size + more <= room {
            size += more;
        } else {
            if index > start {
                ranges.push((start..index, size));
            }
            // The first key of a block counts twice, for it stands in a column too.
            (start, size) = (index, size_of(entry, &[]) + entry.key.len());
        }
        before = entry.key;
    }
    if start < entries.len() {
        ranges.push((start..entries.len(), size));
    }
    ranges
}

/// What an entry needs, or a little more.
fn size_of(entry: &Entry<'_>, before: &[u8]) -> usize {
    let common = common(before, entry.key);
    let length = |number: usize| 1 + usize::from(number >= 0x80) + usize::from(number >= 0x4000) * 3;
    length(common) + length(entry.key.len() - common) + entry.key.len() - common + 16 + number_size(entry.id)
}

fn encode(entries: &[Entry<'_>], size: usize) -> Vec<u8> {
    let (mut block, mut before): (_, &[u8]) = (Vec::with_capacity(size), &[]);
    for entry in entries {
        put_key(&mut block, before, entry.key);
        block.extend_from_slice(&entry.digest.0);
        put_number(&mut block, entry.id.cast_unsigned());
        before = entry.key;
    }
    block
}
