//! What the sink is known to hold, and what stands beside it.

use super::directories::Row;
use super::index::{self, Change, What};
use super::{beside, records};
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord, BaseWrite, IndexRow, Locator};
use rusqlite::Connection;

/// Some rows after `after`, in order.
pub(crate) fn index(connection: &Connection, row: &Row, kind: BaseKind, after: Option<&str>) -> Result<Vec<IndexRow>, Problem> {
    if kind.is_of_the_base() { index::page(connection, row, kind, after) } else { beside::index(connection, row, kind, after) }
}

pub(crate) fn records(connection: &Connection, row: &Row, kind: BaseKind, places: &[Locator]) -> Result<Vec<Option<BaseRecord>>, Problem> {
    if kind.is_of_the_base() {
        let ids: Vec<_> = places.iter().map(|place| i64::try_from(place.0).ok()).collect();
        return records::get(connection, row, kind, &ids);
    }
    places.iter().map(|place| beside::record(connection, row, kind, *place)).collect()
}

/// Writes rows. Of two writes of one row, the later one counts.
pub(crate) fn write(connection: &Connection, row: &Row, writes: &[BaseWrite]) -> Result<(), Problem> {
    for write in writes.iter().filter(|write| !write.kind.is_of_the_base()) {
        beside::write(connection, row, write.kind, &write.key, write.record.as_ref())?;
    }
    let mut sorted: Vec<_> = writes.iter().filter(|write| write.kind.is_of_the_base()).collect();
    sorted.sort_by(|one, other| (one.kind, &one.key).cmp(&(other.kind, &other.key)));
    let last: Vec<_> = sorted.chunk_by(|one, other| one.kind == other.kind && one.key == other.key).filter_map(<[_]>::last).collect();
    let mut dead = Vec::new();
    for of_kind in last.chunk_by(|one, other| one.kind == other.kind) {
        let changes: Vec<_> = of_kind
            .iter()
            .map(|write| Change { key: write.key.as_bytes(), what: write.record.as_ref().map_or(What::Delete, What::Write) })
            .collect();
        index::apply(connection, row, of_kind[0].kind, &changes, &mut dead)?;
    }
    records::delete(connection, &mut dead)
}
