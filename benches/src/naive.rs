//! What somebody would write first: both snapshots in hash maps, and a comparison field by field.

use crate::flat::{Flat, Row};
use crate::generate::content::{Content, GROUP_ATTRIBUTES, USER_ATTRIBUTES};
use crate::{Data, Truth};
use idsync::ChangeKind;
use std::collections::{HashMap, HashSet};

/// An entry with each of its fields owned; the names of the attributes are the program's own.
#[derive(PartialEq)]
struct Entry<const ATTRIBUTES: usize> {
    name: String,
    state: String,
    attributes: [String; ATTRIBUTES],
}

type User = Entry<{ USER_ATTRIBUTES.len() }>;
type Group = Entry<{ GROUP_ATTRIBUTES.len() }>;

#[derive(Default)]
struct Loaded {
    users: HashMap<String, User>,
    groups: HashMap<String, Group>,
    members: HashMap<String, HashSet<String>>,
}

/// Loads both, and says what differs.
///
/// # Panics
/// A file cannot be read.
pub fn naive_diff(before: &Data, after: &Data) -> Truth {
    let (before, after, mut found) = (load(before), load(after), Truth::default());
    let kinds = [ChangeKind::UserCreated, ChangeKind::UserUpdated, ChangeKind::UserDeleted];
    entries(&before.users, &after.users, kinds, &USER_ATTRIBUTES, &mut found);
    let kinds = [ChangeKind::GroupCreated, ChangeKind::GroupUpdated, ChangeKind::GroupDeleted];
    entries(&before.groups, &after.groups, kinds, &GROUP_ATTRIBUTES, &mut found);
    let nobody = HashSet::new();
    for (group, members) in &after.members {
        let earlier = before.members.get(group).unwrap_or(&nobody);
        members.difference(earlier).for_each(|user| found.add(ChangeKind::GroupUserAdded, &[group, user]));
    }
    for (group, members) in &before.members {
        let later = after.members.get(group).unwrap_or(&nobody);
        members.difference(later).for_each(|user| found.add(ChangeKind::GroupUserRemoved, &[group, user]));
    }
    // What was measured is a program that ends here; giving back some hundred million texts is not part of a diff.
    std::mem::forget((before, after));
    found
}

fn entries<const ATTRIBUTES: usize>(
    before: &HashMap<String, Entry<ATTRIBUTES>>,
    after: &HashMap<String, Entry<ATTRIBUTES>>,
    [created, updated, deleted]: [ChangeKind; 3],
    names: &[&str],
    found: &mut Truth,
) {
    let mut json = String::new();
    for (id, entry) in after {
        let kind = match before.get(id) {
            None => created,
            Some(earlier) if earlier != entry => updated,
            Some(_) => continue,
        };
        Content::json(names, &entry.attributes, &mut json);
        found.add(kind, &[id, &entry.name, &entry.state, &json]);
    }
    before.keys().filter(|id| !after.contains_key(*id)).for_each(|id| found.add(deleted, &[id]));
}

fn load(data: &Data) -> Loaded {
    let mut loaded = Loaded { users: rows(data, "users"), groups: rows(data, "groups"), ..Loaded::default() };
    let mut file = Flat::open(&data.folder().join("members")).expect("the members can be opened");
    while let Some((group, count)) = file.section().expect("a section can be read") {
        let members = loaded.members.entry(group).or_default();
        file.members(count, |user| _ = members.insert(user.to_owned())).expect("the members can be read");
    }
    loaded
}

fn rows<const ATTRIBUTES: usize>(data: &Data, name: &str) -> HashMap<String, Entry<ATTRIBUTES>> {
    let (mut entries, mut file) = (HashMap::new(), Flat::open(&data.folder().join(name)).expect("the rows can be opened"));
    while let Some(row) = file.row().expect("a row can be read") {
        let Row { id, name, state, attributes: mut values } = Row::read(row);
        let attributes = std::array::from_fn(|_| values.next().map_or_else(String::new, |(_, value)| value.to_owned()));
        entries.insert(id.to_owned(), Entry { name: name.to_owned(), state: state.to_owned(), attributes });
    }
    entries
}
