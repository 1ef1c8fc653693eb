//! How users and groups are kept: the bytes of a record in the base, and in the journal.
//!
//! A first sync writes every entry and reads it back, and whoever changed is read and written again, so that JSON would be most of what
//! a run costs. A record is its version, which timestamps there are, these, and then the texts of the entry one after the other, each
//! behind its length. Attributes are the one text they are anyway.

use crate::payload::corrupt;
use idsync_core::{Attributes, Error, Group, GroupId, GroupKind, Result, Timestamp, Timestamps, User, UserId, UserStatus};

const VERSION: u8 = 1;
/// Set beside the timestamps of a user who has a login.
const LOGIN: u8 = 1 << 7;

pub(crate) fn of_user(user: &User) -> Vec<u8> {
    let login = user.login.as_deref();
    let texts = [user.id.as_str(), login.unwrap_or_default(), user.status.as_str(), user.attributes.as_json(), user.extra.as_json()];
    write(user.timestamps, if login.is_some() { LOGIN } else { 0 }, texts)
}

pub(crate) fn of_group(group: &Group) -> Vec<u8> {
    let texts = [group.id.as_str(), &group.name, group.kind.as_str(), group.attributes.as_json(), group.extra.as_json()];
    write(group.timestamps, 0, texts)
}

pub(crate) fn to_user(record: &[u8]) -> Result<User> {
    let Parts { timestamps, flags, texts: [id, login, status, attributes, extra] } = Parts::read(record).ok_or_else(unreadable)?;
    let mut user = User::new(UserId::new(id).map_err(|_| unreadable())?, UserStatus::from(status));
    user.login = (flags & LOGIN != 0).then(|| login.to_owned());
    user.attributes = to_attributes(attributes)?;
    user.extra = to_attributes(extra)?;
    user.timestamps = timestamps;
    Ok(user)
}

pub(crate) fn to_group(record: &[u8]) -> Result<Group> {
    let Parts { timestamps, texts: [id, name, kind, attributes, extra], .. } = Parts::read(record).ok_or_else(unreadable)?;
    let group = Group::new(GroupId::new(id).map_err(|_| unreadable())?, name);
    let mut group = group.with_kind(GroupKind::from(kind.to_owned()));
    group.attributes = to_attributes(attributes)?;
    group.extra = to_attributes(extra)?;
    group.timestamps = timestamps;
    Ok(group)
}

fn write(timestamps: Timestamps, mut flags: u8, texts: [&str; 5]) -> Vec<u8> {
    let Timestamps { created, updated, status_changed, last_login, members_updated, .. } = timestamps;
    let times = [created, updated, status_changed, last_login, members_updated];
    let mut record = Vec::with_capacity(2 + 8 * times.len() + texts.iter().map(|text| 3 + text.len()).sum::<usize>());
    record.extend([VERSION, 0]);
    for (bit, time) in times.into_iter().enumerate() {
        if let Some(time) = time {
            flags |= 1 << bit;
            record.extend_from_slice(&time.unix_millis().to_le_bytes());
        }
    }
    record[1] = flags;
    for text in texts {
        put_length(&mut record, text.len());
        record.extend_from_slice(text.as_bytes());
    }
    record
}

/// Writes a length, seven bits to a byte, the lowest first.
fn put_length(record: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        record.push(0x80 | (length & 0x7F) as u8);
        length >>= 7;
    }
    record.push(length as u8);
}

/// Takes a length off the front.
fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let (mut length, mut shift) = (0, 0);
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        length |= usize::from(byte & 0x7F).checked_shl(shift)?;
        shift += 7;
        if *byte < 0x80 {
            return Some(length);
        }
    }
}

/// A record, taken apart.
struct Parts<'a> {
    timestamps: Timestamps,
    flags: u8,
    texts: [&'a str; 5],
}

impl<'a> Parts<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        let (&[version, flags], rest) = record.split_first_chunk()?;
        let mut rest = (version == VERSION).then_some(rest)?;
        let mut timestamps = Timestamps::NONE;
        let Timestamps { created, updated, status_changed, last_login, members_updated, .. } = &mut timestamps;
        for (bit, time) in [created, updated, status_changed, last_login, members_updated].into_iter().enumerate() {
            if flags & 1 << bit != 0 {
                let (millis, behind) = rest.split_first_chunk()?;
                *time = Some(Timestamp::from_unix_millis(i64::from_le_bytes(*millis))?);
                rest = behind;
            }
        }
        let mut texts = [""; 5];
        for text in &mut texts {
            let length = take_length(&mut rest)?;
            let (bytes, behind) = rest.split_at_checked(length)?;
            *text = str::from_utf8(bytes).ok()?;
            rest = behind;
        }
        rest.is_empty().then_some(Self { timestamps, flags, texts })
    }
}

fn to_attributes(text: &str) -> Result<Attributes> {
    text.parse().map_err(|error| unreadable().with_source(error))
}

fn unreadable() -> Error {
    corrupt("a record that cannot be read back")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    fn attributes() -> impl Strategy<Value = Attributes> {
        btree_map(".{0,8}", ".{0,12}", 0..4).prop_map(|pairs| pairs.into_iter().collect())
    }

    fn timestamps() -> impl Strategy<Value = Timestamps> {
        prop::array::uniform5(option::of(-4_000_000_000_000..4_000_000_000_000_i64)).prop_map(|times| {
            let [created, updated, status_changed, last_login, members_updated] =
                times.map(|millis| millis.and_then(Timestamp::from_unix_millis));
            let mut timestamps = Timestamps::NONE;
            (timestamps.created, timestamps.updated, timestamps.status_changed) = (created, updated, status_changed);
            (timestamps.last_login, timestamps.members_updated) = (last_login, members_updated);
            timestamps
        })
    }

    prop_compose! {
        fn user()(id in "[!-~é]{1,24}", login in option::of(".{0,9}"), status in "ACTIVE|SUSPENDED|[A-Z]{1,9}", attributes in attributes(),
            extra in attributes(), timestamps in timestamps()) -> User {
            let mut user = User::new(UserId::new(id).unwrap(), UserStatus::from(status));
            (user.login, user.attributes, user.extra, user.timestamps) = (login, attributes, extra, timestamps);
            user
        }
    }

    prop_compose! {
        fn group()(id in "[!-~é]{1,24}", name in ".{0,9}", kind in "native|built_in|[a-z]{1,9}", attributes in attributes(),
            extra in attributes(), timestamps in timestamps()) -> Group {
            let mut group = Group::new(GroupId::new(id).unwrap(), name).with_kind(GroupKind::from(kind));
            (group.attributes, group.extra, group.timestamps) = (attributes, extra, timestamps);
            group
        }
    }

    proptest! {
        #[test]
        fn entries_come_back_as_they_were(user in user(), group in group()) {
            prop_assert_eq!(to_user(&of_user(&user)).unwrap(), user);
            prop_assert_eq!(to_group(&of_group(&group)).unwrap(), group);
        }

        #[test]
        fn a_record_that_is_cut_or_longer_is_an_error(user in user(), cut in any::<prop::sample::Index>()) {
            let mut record = of_user(&user);
            prop_assert!(to_user(&record[..cut.index(record.len())]).is_err());
            record.push(0);
            prop_assert!(to_user(&record).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (to_user(&bytes), to_group(&bytes));
        }
    }

    #[test]
    fn nothing_of_an_entry_is_forgotten() {
        let names = |json: serde_json::Value| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let time = Timestamp::from_unix_millis(1);
        let mut timestamps = Timestamps::NONE;
        (timestamps.created, timestamps.updated, timestamps.status_changed) = (time, time, time);
        (timestamps.last_login, timestamps.members_updated) = (time, time);
        let mut user = User::new(UserId::new("u").unwrap(), UserStatus::Active).with_login("l").with_attribute("a", 1);
        user.extra.insert("e", 1);
        let mut group = Group::new(GroupId::new("g").unwrap(), "n").with_attribute("a", 1);
        group.extra.insert("e", 1);
        // A field that is new in the model has to be written, too.
        assert_eq!(names(serde_json::to_value(&user).unwrap()), ["attributes", "extra", "id", "login", "status", "timestamps"]);
        assert_eq!(names(serde_json::to_value(&group).unwrap()), ["attributes", "extra", "id", "kind", "name", "timestamps"]);
        assert_eq!(
            names(serde_json::to_value(timestamps).unwrap()),
            ["created", "last_login", "members_updated", "status_changed", "updated"]
        );
    }
}
