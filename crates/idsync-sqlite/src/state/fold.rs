//! The end of a journal: what its rows do to the base.

use super::directories::Row;
use super::index::{self, Change, What};
use super::staged::Merge;
use super::staged::marks::Marks;
use super::staged::merge::Effect;
use super::{beside, records};
use crate::error::Problem;
use idsync_core::{BaseRecord, Mark};
use rusqlite::Connection;

/// Effects that are sorted at a time. They come in the order of their positions, which is nearly that of the base, so that most bundles
/// write other blocks of the index than the one before.
const BUNDLE: usize = 32_768;

/// Applies the effects of all rows that are to be applied, and deletes the records that nothing refers to afterwards.
pub(crate) fn fold(connection: &Connection, row: &Row) -> Result<(), Problem> {
    let mut merge = Merge::new(None).without_payloads();
    let mut marks = Marks::new(connection, row);
    let mut bundle = Vec::new();
    merge.refresh(connection, row)?;
    while let Some(found) = merge.next(connection, row)? {
        let mark = marks.of(&found.position)?;
        match found.effect {
            Some(effect) if mark == Mark::Apply => bundle.push(effect),
            Some(Effect { put: Some(put), .. }) => merge.lost().push(put.id),
            _ => {}
        }
        if bundle.len() >= BUNDLE {
            apply(connection, row, &mut bundle, merge.lost())?;
        }
    }
    apply(connection, row, &mut bundle, merge.lost())
}

fn apply(connection: &Connection, row: &Row, bundle: &mut Vec<Effect>, dead: &mut Vec<i64>) -> Result<(), Problem> {
    bundle.sort_by(|one, other| (one.kind, &one.key).cmp(&(other.kind, &other.key)));
    for of_kind in bundle.chunk_by(|one, other| one.kind == other.kind) {
        let kind = of_kind[0].kind;
        let mut changes = Vec::with_capacity(of_kind.len());
        for of_key in of_kind.chunk_by(|one, other| one.key == other.key) {
            let (last, before) = (&of_key[of_key.len() - 1], &of_key[..of_key.len() - 1]);
            dead.extend(before.iter().filter_map(|effect| effect.put).map(|put| put.id));
            if kind.is_of_the_base() {
                let what = last.put.map_or(What::Delete, |put| What::Adopt(put.digest, put.id));
                changes.push(Change { key: last.key.as_bytes(), what });
            } else {
                let record = last.put.map(|put| Ok::<_, Problem>(BaseRecord::new(put.digest, records::require(connection, put.id)?)));
                beside::write(connection, row, kind, &last.key, record.transpose()?.as_ref())?;
                dead.extend(last.put.map(|put| put.id));
            }
        }
        index::apply(connection, row, kind, &changes, dead)?;
    }
    bundle.clear();
    records::delete(connection, dead)
}
