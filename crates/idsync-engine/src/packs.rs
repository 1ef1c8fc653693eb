//! Many memberships of one group in one row of the journal.
//!
//! Memberships are by far the most of what changes in a large directory, so they are staged in packs: the users of one group that join it,
//! or leave it, in order of their ids. The packs of one group do not overlap, so that their users come in order, too. What is decided about
//! one of them is a mark of a part of its row ([`Item::part`]).

use crate::payload::{ADDED, REMOVED, corrupt, member_key};
use idsync_core::{Change, Error, GroupId, Mark, Membership, Phase, RemovalReason, Result, StagedKey, StagedRow, UserId};
use memchr::memchr_iter;

/// How many memberships are in a pack at most.
const PACK: usize = 512;

/// The users of `group` that join it; they must be in order.
pub(crate) fn added<'a>(group: &'a str, users: &'a [UserId]) -> impl Iterator<Item = StagedRow> + 'a {
    users.chunks(PACK).map(move |users| pack(Phase::AddMembers, group, ADDED, users.iter().map(|user| (user, b'a'))))
}

/// The users of `group` that leave it, and why; they must be in order.
pub(crate) fn removed<'a>(group: &'a str, users: &'a [(UserId, RemovalReason)]) -> impl Iterator<Item = StagedRow> + 'a {
    users
        .chunks(PACK)
        .map(move |users| pack(Phase::RemoveMembers, group, REMOVED, users.iter().map(|(user, reason)| (user, reason_byte(*reason)))))
}

fn pack<'a>(phase: Phase, group: &str, tag: u8, users: impl Iterator<Item = (&'a UserId, u8)>) -> StagedRow {
    let (mut payload, mut first) = (vec![tag], None);
    for (user, reason) in users {
        first.get_or_insert(user);
        payload.push(reason);
        payload.extend_from_slice(user.as_str().as_bytes());
        payload.push(b'\n');
    }
    let first = first.map_or("", UserId::as_str);
    StagedRow::new(StagedKey::new(phase, member_key(group, first)), payload, None)
}

/// The row with another reason for those whom `is_meant` picks; `None` if it stays as it is.
pub(crate) fn with_reason(row: &StagedRow, reason: RemovalReason, mut is_meant: impl FnMut(&str) -> bool) -> Result<Option<StagedRow>> {
    let Some(pack) = Pack::of(row)? else { return Ok(None) };
    let (reason, mut payload, mut start) = (reason_byte(reason), row.payload.clone(), 1);
    for item in pack.items() {
        if is_meant(item.user()) {
            payload[start] = reason;
        }
        start += item.text.len() + 1;
    }
    Ok((payload != row.payload).then(|| StagedRow::new(row.position.clone(), payload, None)))
}

const fn reason_byte(reason: RemovalReason) -> u8 {
    match reason {
        RemovalReason::GroupDeleted => b'g',
        RemovalReason::OutOfScope => b'o',
        RemovalReason::UserDeleted => b'u',
        _ => b'l',
    }
}

/// A row that is a pack, read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pack<'a> {
    pub(crate) phase: Phase,
    pub(crate) group: &'a str,
    /// The items, each a letter for its reason, its user and a line's end.
    pub(crate) items: &'a str,
    row: &'a StagedRow,
}

impl<'a> Pack<'a> {
    /// Reads a row; `None` when it is not about memberships.
    pub(crate) fn of(row: &'a StagedRow) -> Result<Option<Self>> {
        let phase = row.position.phase;
        let expected = match phase {
            Phase::AddMembers => ADDED,
            Phase::RemoveMembers => REMOVED,
            _ => return Ok(None),
        };
        let (group, _) = row.position.key.split_once('\0').ok_or_else(unreadable)?;
        let (tag, items) = row.payload.split_first().ok_or_else(unreadable)?;
        let items = std::str::from_utf8(items).map_err(|_| unreadable())?;
        if *tag != expected || !items.ends_with('\n') {
            return Err(unreadable());
        }
        Ok(Some(Self { phase, group, items, row }))
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'a>> + Clone + use<'a> {
        let (phase, group, items, mut start) = (self.phase, self.group, self.items, 0);
        memchr_iter(b'\n', items.as_bytes()).map(move |end| {
            let text = items.get(start..end).unwrap_or_default();
            start = end + 1;
            Item { phase, group, text }
        })
    }

    pub(crate) fn group_id(&self) -> Result<GroupId> {
        GroupId::new(self.group).map_err(|_| unreadable())
    }

    pub(crate) fn len(&self) -> u64 {
        memchr_iter(b'\n', self.items.as_bytes()).count() as u64
    }

    /// The items with what was decided about each.
    pub(crate) fn marked(&self) -> impl Iterator<Item = (Item<'a>, Mark)> + use<'a> {
        let (mut parts, whole, group) = (self.row.parts.iter().peekable(), self.row.mark, self.group.len() + 1);
        self.items().map(move |item| {
            // Parts come in the order of the items, and each ends with a character that ids cannot hold.
            let is_this = |part: &&(StagedKey, Mark)| part.0.key.get(group..).and_then(|key| key.strip_suffix('\0')) == Some(item.user());
            (item, parts.next_if(is_this).map_or(whole, |(_, mark)| *mark))
        })
    }
}

/// One membership of a pack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    phase: Phase,
    pub(crate) group: &'a str,
    text: &'a str,
}

impl<'a> Item<'a> {
    pub(crate) fn user(&self) -> &'a str {
        self.text.get(1..).unwrap_or_default()
    }

    /// Why it ends, if it does.
    pub(crate) fn reason(&self) -> RemovalReason {
        match self.text.as_bytes().first() {
            Some(b'g') => RemovalReason::GroupDeleted,
            Some(b'o') => RemovalReason::OutOfScope,
            Some(b'u') => RemovalReason::UserDeleted,
            _ => RemovalReason::Left,
        }
    }

    pub(crate) fn user_id(&self) -> Result<UserId> {
        UserId::new(self.user()).map_err(|_| unreadable())
    }

    pub(crate) fn group_id(&self) -> Result<GroupId> {
        GroupId::new(self.group).map_err(|_| unreadable())
    }

    pub(crate) fn membership(&self) -> Result<Membership> {
        Ok(Membership::new(self.group_id()?, self.user_id()?))
    }

    /// A row of this membership alone. Its position is that of the change in the plan.
    pub(crate) fn row(&self) -> StagedRow {
        let tag = if self.phase == Phase::AddMembers { ADDED } else { REMOVED };
        let mut payload = Vec::with_capacity(self.text.len() + 2);
        payload.push(tag);
        payload.extend_from_slice(self.text.as_bytes());
        payload.push(b'\n');
        StagedRow::new(StagedKey::new(self.phase, member_key(self.group, self.user())), payload, None)
    }

    /// The position of a mark that is about this membership of a pack, and no other.
    pub(crate) fn part(&self) -> StagedKey {
        part_of(StagedKey::new(self.phase, member_key(self.group, self.user())))
    }
}

/// One row for each change of a row, at the position of the change and with its own mark.
pub(crate) fn unpack(row: StagedRow) -> Result<Vec<StagedRow>> {
    match Pack::of(&row)? {
        Some(pack) => Ok(pack.marked().map(|(item, mark)| item.row().with_mark(mark)).collect()),
        None => Ok(vec![row]),
    }
}

/// The position of a membership in a plan.
pub(crate) fn position(phase: Phase, membership: &Membership) -> StagedKey {
    StagedKey::new(phase, member_key(membership.group.as_str(), membership.user.as_str()))
}

/// The row of one change of a membership, like [`Item::row`].
pub(crate) fn row_of(change: &Change) -> StagedRow {
    let (phase, reason) = match change {
        Change::GroupUserRemoved { reason, .. } => (Phase::RemoveMembers, reason_byte(*reason)),
        _ => (Phase::AddMembers, b'a'),
    };
    let tag = if phase == Phase::AddMembers { ADDED } else { REMOVED };
    let (group, user) = (change.group().map_or("", GroupId::as_str), change.user());
    pack(phase, group, tag, user.into_iter().map(|user| (user, reason)))
}

/// Where a mark about this change belongs: memberships are parts of packs, others rows of their own.
pub(crate) fn mark_position(position: StagedKey) -> StagedKey {
    if matches!(position.phase, Phase::AddMembers | Phase::RemoveMembers) { part_of(position) } else { position }
}

fn part_of(mut position: StagedKey) -> StagedKey {
    // After the pack that begins with this membership, and before whatever comes next.
    position.key.push('\0');
    position
}

fn unreadable() -> Error {
    corrupt("staged memberships that cannot be read back")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(count: usize) -> Vec<UserId> {
        (0..count).map(|number| UserId::new(format!("u{number:04}")).unwrap()).collect()
    }

    #[test]
    fn packs_keep_every_membership_in_order() {
        let (users, mut back) = (users(1_300), Vec::new());
        let rows: Vec<_> = added("g", &users).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows.is_sorted_by(|one, other| one.position < other.position));
        for row in &rows {
            back.extend(Pack::of(row).unwrap().unwrap().items().map(|item| item.user_id().unwrap()));
        }
        assert_eq!(back, users);
        let left: Vec<_> = users.into_iter().take(2).zip([RemovalReason::Left, RemovalReason::UserDeleted]).collect();
        let row = removed("g", &left).next().unwrap();
        let reasons: Vec<_> = Pack::of(&row).unwrap().unwrap().items().map(|item| item.reason()).collect();
        assert_eq!(reasons, [RemovalReason::Left, RemovalReason::UserDeleted]);
        for item in Pack::of(&row).unwrap().unwrap().items() {
            let change = Change::GroupUserRemoved { membership: item.membership().unwrap(), reason: item.reason() };
            assert_eq!(row_of(&change), item.row());
        }
    }

    #[test]
    fn marks_of_parts_find_their_items() {
        let users = ["a", "aa", "b"].map(|id| UserId::new(id).unwrap());
        let mut row = added("g", &users).next().unwrap().with_mark(Mark::Held);
        let items: Vec<_> = Pack::of(&row).unwrap().unwrap().items().map(|item| item.part()).collect();
        assert!(items.is_sorted() && items[0] > row.position);
        row.parts = vec![(items[0].clone(), Mark::Failed), (items[2].clone(), Mark::Apply)];
        let marks: Vec<_> = Pack::of(&row).unwrap().unwrap().marked().map(|(_, mark)| mark).collect();
        assert_eq!(marks, [Mark::Failed, Mark::Held, Mark::Apply]);
    }

    #[test]
    fn what_is_not_a_pack_is_refused() {
        let position = || StagedKey::new(Phase::AddMembers, "g\0u".to_owned());
        for payload in ["", "a", "ru\n", "aau"] {
            assert!(Pack::of(&StagedRow::new(position(), payload.into(), None)).is_err(), "{payload}");
        }
        let other = StagedRow::new(StagedKey::new(Phase::PutGroups, "g".to_owned()), Vec::new(), None);
        assert!(Pack::of(&other).unwrap().is_none());
    }
}
