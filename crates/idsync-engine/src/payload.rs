//! How a change is written into the journal: as little as is needed to say it again.

use crate::blocked::Subject;
use crate::packs::{Item, Pack};
use crate::record;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Change, DeletionReason, Digest, EntryId, Error, ErrorKind, FieldChange, Group, GroupId, Membership,
    Phase, Result, StagedKey, StagedRow, User, UserId,
};

pub(crate) const ADDED: u8 = b'a';
const CREATED: u8 = b'c';
const DELETED: u8 = b'd';
pub(crate) const REMOVED: u8 = b'r';
const UPDATED: u8 = b'u';

/// The position of a membership within its phase.
pub(crate) fn member_key(group: &str, user: &str) -> String {
    format!("{group}\0{user}")
}

/// Reads a key that [`member_key`] made.
pub(crate) fn parse_member_key(key: &str) -> Option<Membership> {
    let (group, user) = key.split_once('\0')?;
    Some(Membership::new(GroupId::new(group).ok()?, UserId::new(user).ok()?))
}

pub(crate) fn user_created(user: &User, digest: Digest) -> StagedRow {
    let write = BaseWrite::put(BaseKind::User, user.id.to_string(), BaseRecord::new(digest, record::of_user(user)));
    StagedRow::new(StagedKey::new(Phase::CreateUsers, user.id.to_string()), vec![CREATED], Some(write))
}

pub(crate) fn user_updated(phase: Phase, user: &User, changed: &[FieldChange], digest: Digest) -> Result<StagedRow> {
    let write = BaseWrite::put(BaseKind::User, user.id.to_string(), BaseRecord::new(digest, record::of_user(user)));
    Ok(StagedRow::new(StagedKey::new(phase, user.id.to_string()), tagged(UPDATED, &to_json(&changed)?), Some(write)))
}

pub(crate) fn user_deleted(id: &UserId, record: &[u8], reason: DeletionReason) -> StagedRow {
    let write = BaseWrite::delete(BaseKind::User, id.to_string());
    StagedRow::new(StagedKey::new(Phase::DeleteUsers, id.to_string()), deleted(record, reason), Some(write))
}

pub(crate) fn group_created(group: &Group, digest: Digest) -> StagedRow {
    let write = BaseWrite::put(BaseKind::Group, group.id.to_string(), BaseRecord::new(digest, record::of_group(group)));
    StagedRow::new(StagedKey::new(Phase::PutGroups, group.id.to_string()), vec![CREATED], Some(write))
}

pub(crate) fn group_updated(group: &Group, changed: &[FieldChange], digest: Digest) -> Result<StagedRow> {
    let write = BaseWrite::put(BaseKind::Group, group.id.to_string(), BaseRecord::new(digest, record::of_group(group)));
    Ok(StagedRow::new(StagedKey::new(Phase::PutGroups, group.id.to_string()), tagged(UPDATED, &to_json(&changed)?), Some(write)))
}

pub(crate) fn group_deleted(id: &GroupId, record: &[u8], reason: DeletionReason) -> StagedRow {
    let write = BaseWrite::delete(BaseKind::Group, id.to_string());
    StagedRow::new(StagedKey::new(Phase::DeleteGroups, id.to_string()), deleted(record, reason), Some(write))
}

/// What tells this row from any other in the hash of a plan. Records are represented by their digest, so that timestamps do not count.
pub(crate) fn identity(row: &StagedRow, mut add: impl FnMut(&[u8])) {
    let mut field = |bytes: &[u8]| {
        add(&(bytes.len() as u64).to_le_bytes());
        add(bytes);
    };
    field(&[row.position.phase as u8]);
    field(row.position.key.as_bytes());
    field(&row.payload);
    let digest = row.effect.as_ref().and_then(|effect| effect.record.as_ref()).map(|record| record.digest);
    field(&digest.unwrap_or_default().0);
}

/// What tells a held row from any other: what would be removed, or changed into what. Why it would go is not part of it, for nobody was
/// asked about it yet.
pub(crate) fn held_identity(row: &StagedRow, mut add: impl FnMut(&[u8])) {
    add(&[row.position.phase as u8]);
    add(&(row.position.key.len() as u64).to_le_bytes());
    add(row.position.key.as_bytes());
    let digest = row.effect.as_ref().and_then(|effect| effect.record.as_ref()).map(|record| record.digest);
    add(&digest.unwrap_or_default().0);
}

/// The change that a row stands for.
pub(crate) fn change(row: &StagedRow) -> Result<Change> {
    let (tag, rest) = row.payload.split_first().ok_or_else(|| corrupt("a staged change without content"))?;
    match (row.position.phase, *tag) {
        (Phase::AddMembers | Phase::RemoveMembers, _) => {
            let item = only_item(row)?;
            let membership = item.membership()?;
            Ok(match row.position.phase {
                Phase::AddMembers => Change::GroupUserAdded { membership },
                _ => Change::GroupUserRemoved { membership, reason: item.reason() },
            })
        }
        (Phase::PutGroups, CREATED) => Ok(Change::GroupCreated { group: record::to_group(record_of(row)?)? }),
        (Phase::PutGroups, UPDATED) => Ok(Change::GroupUpdated { group: record::to_group(record_of(row)?)?, changed: from_json(rest)? }),
        (Phase::DeleteGroups, DELETED) => {
            let (reason, group) = parse_deleted(rest)?;
            Ok(Change::GroupDeleted { group: record::to_group(group)?, reason })
        }
        (Phase::CreateUsers, CREATED) => Ok(Change::UserCreated { user: record::to_user(record_of(row)?)? }),
        (Phase::UpdateUsers | Phase::Deactivate, UPDATED) => {
            Ok(Change::UserUpdated { user: record::to_user(record_of(row)?)?, changed: from_json(rest)? })
        }
        (Phase::DeleteUsers, DELETED) => {
            let (reason, user) = parse_deleted(rest)?;
            Ok(Change::UserDeleted { user: record::to_user(user)?, reason })
        }
        _ => Err(corrupt("a staged change of an unknown kind")),
    }
}

/// What kind of change a row stands for, without decoding it.
pub(crate) fn kind(row: &StagedRow) -> Result<idsync_core::ChangeKind> {
    use idsync_core::ChangeKind;
    let created = row.payload.first() == Some(&CREATED);
    Ok(match row.position.phase {
        Phase::Deactivate | Phase::UpdateUsers => ChangeKind::UserUpdated,
        Phase::RemoveMembers => ChangeKind::GroupUserRemoved,
        Phase::CreateUsers => ChangeKind::UserCreated,
        Phase::PutGroups if created => ChangeKind::GroupCreated,
        Phase::PutGroups => ChangeKind::GroupUpdated,
        Phase::AddMembers => ChangeKind::GroupUserAdded,
        Phase::DeleteGroups => ChangeKind::GroupDeleted,
        Phase::DeleteUsers => ChangeKind::UserDeleted,
        _ => return Err(corrupt("a staged change of an unknown phase")),
    })
}

/// The fields that a staged update changes; none for any other row.
pub(crate) fn changed_fields(row: &StagedRow) -> Result<Vec<FieldChange>> {
    match row.payload.split_first() {
        Some((&UPDATED, rest)) => from_json(rest),
        _ => Ok(Vec::new()),
    }
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| corrupt("a record that cannot be read back").with_source(error))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::new(ErrorKind::Other, "a record cannot be written as JSON").with_source(error))
}

/// The state does not say what this engine wrote into it.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the state store holds {what}"))
        .with_remedy("check the store for damage; restore it from a backup, or start with a new one")
}

fn tagged(tag: u8, rest: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(rest.len() + 1);
    payload.push(tag);
    payload.extend_from_slice(rest);
    payload
}

fn deleted(record: &[u8], reason: DeletionReason) -> Vec<u8> {
    let reason = match reason {
        DeletionReason::Deprovisioned => b'p',
        DeletionReason::OutOfScope => b'o',
        _ => b'd',
    };
    let mut payload = vec![DELETED, reason];
    payload.extend_from_slice(record);
    payload
}

fn parse_deleted(rest: &[u8]) -> Result<(DeletionReason, &[u8])> {
    let (reason, record) = rest.split_first().ok_or_else(|| corrupt("a staged deletion without its entry"))?;
    let reason = match reason {
        b'p' => DeletionReason::Deprovisioned,
        b'o' => DeletionReason::OutOfScope,
        _ => DeletionReason::Deleted,
    };
    Ok((reason, record))
}

fn record_of(row: &StagedRow) -> Result<&[u8]> {
    let record = row.effect.as_ref().and_then(|effect| effect.record.as_ref());
    record.map(|record| record.record.as_slice()).ok_or_else(|| corrupt("a staged change without its record"))
}

/// The membership of a row that is about one alone.
fn only_item(row: &StagedRow) -> Result<Item<'_>> {
    let mut items = Pack::of(row)?.into_iter().flat_map(|pack| pack.items());
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        _ => Err(corrupt("a staged membership that cannot be read back")),
    }
}

/// What a row is about, from its position alone. A pack is taken apart before.
pub(crate) fn subject(row: &StagedRow) -> Result<Subject> {
    let key = &row.position.key;
    let unreadable = |_| corrupt("a staged change whose position is not an id");
    let user = |key: &str| UserId::new(key).map(EntryId::User).map_err(unreadable);
    let group = |key: &str| GroupId::new(key).map(EntryId::Group).map_err(unreadable);
    let entries = match row.position.phase {
        Phase::AddMembers | Phase::RemoveMembers => {
            let (of, who) = key.split_once('\0').ok_or_else(|| corrupt("a staged membership that cannot be read back"))?;
            vec![group(of)?, user(who)?]
        }
        Phase::PutGroups | Phase::DeleteGroups => vec![group(key)?],
        _ => vec![user(key)?],
    };
    Ok(Subject { kind: kind(row)?, entries })
}
