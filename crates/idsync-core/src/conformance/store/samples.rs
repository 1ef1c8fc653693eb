//! Keys, rows and headers with something awkward in each.

use super::super::Unproven;
use super::super::tools::directory_id;
use crate::{
    BaseKind, BaseRecord, BaseWrite, Digest, DirectoryId, JournalHeader, Mark, Phase, Progress, Revision, RunRecord, StagedKey, StagedRow,
    Timestamp,
};

/// The directory that most checks use.
pub(super) fn directory() -> Result<DirectoryId, Unproven> {
    directory_id("conformance:ünë")
}

/// Keys that are out of order unless they are compared byte by byte: not by length, not by alphabet, not as numbers, not by UTF-16.
/// The engine's keys hold NUL between ids.
pub(super) const KEYS: [&str; 16] =
    ["", "a", "a\0b", "a\0\0", "aa", "B", "10", "9", "ä", "z", "Z", " ", "\u{FFFD}", "\u{1F600}", "e\u{301}", "%_'\"\\"];

/// All byte values.
pub(super) fn bytes() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

pub(super) const fn digest(seed: u8) -> Digest {
    let mut bytes = [0; 16];
    bytes[0] = seed;
    bytes[15] = !seed;
    Digest(bytes)
}

pub(super) fn record(seed: u8) -> BaseRecord {
    BaseRecord::new(digest(seed), vec![seed; usize::from(seed)])
}

pub(super) fn put(kind: BaseKind, key: &str, seed: u8) -> BaseWrite {
    BaseWrite::put(kind, key.to_owned(), record(seed))
}

pub(super) fn delete(kind: BaseKind, key: &str) -> BaseWrite {
    BaseWrite::delete(kind, key.to_owned())
}

pub(super) fn position(phase: Phase, key: &str) -> StagedKey {
    StagedKey::new(phase, key.to_owned())
}

/// A row that writes its own key into the base.
pub(super) fn row(phase: Phase, key: &str) -> StagedRow {
    StagedRow::new(position(phase, key), key.as_bytes().to_vec(), Some(put(BaseKind::User, key, 7)))
}

/// Rows of all phases, marks and effects, in order.
pub(super) fn rows() -> Vec<StagedRow> {
    let marks = [Mark::Apply, Mark::Held, Mark::Failed];
    let mut rows = Vec::new();
    for (number, phase) in Phase::ALL.into_iter().enumerate() {
        for (index, mark) in marks.into_iter().enumerate() {
            let key = format!("{}-{index}", KEYS[(number + index) % KEYS.len()]);
            let effect = match index {
                0 => Some(put(BaseKind::ALL[number % BaseKind::ALL.len()], &key, 9)),
                1 => Some(delete(BaseKind::User, &key)),
                _ => None,
            };
            rows.push(StagedRow::new(position(phase, &key), bytes(), effect).with_mark(mark));
        }
    }
    rows.sort_by(|one, other| one.position.cmp(&other.position));
    rows
}

/// A number of rows of two phases, in order, with keys that a store may page by.
pub(super) fn many(count: usize) -> Vec<StagedRow> {
    let phase = |number| if number < count / 2 { Phase::UpdateUsers } else { Phase::CreateUsers };
    (0..count).map(|number| row(phase(number), &format!("user\0{number:06}"))).collect()
}

pub(super) fn header(base: Revision) -> JournalHeader {
    JournalHeader::new(base, at(1_774_609_520_123))
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn progress(phase: Phase, key: &str) -> Progress {
    Progress::through(position(phase, key))
}

pub(super) fn run(number: i64) -> RunRecord {
    let report = format!("{{\"number\": {number}, \"text\": \"Zoë \u{1F600}\"}}");
    RunRecord::new(at(number), at(number + 1), String::from("done"), report)
}
