//! Writes a snapshot and the truth beside it.

use super::content::{Content, GROUP_ATTRIBUTES, ID, Mask, USER_ATTRIBUTES, purpose};
use super::truth::Truth;
use super::world::{GONE, World};
use idsync::{Attributes, ChangeKind};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes what is there before; the truth is that everything was created.
pub(super) fn before(world: &World, folder: &Path) {
    let mut snapshot = Writer::new(folder);
    for number in 0..world.size.users {
        snapshot.user(world, number, 0, Some(ChangeKind::UserCreated));
    }
    for number in 0..world.size.groups {
        snapshot.group(world, number, 0, Some(ChangeKind::GroupCreated));
        let members: Vec<_> = world.before(number).collect();
        snapshot.members(world, number, &members, |_| true);
    }
    snapshot.end(Vec::new());
}

/// Writes what is there afterwards.
pub(super) fn after(world: &World, folder: &Path) {
    let (mut snapshot, mut gone) = (Writer::new(folder), Vec::new());
    for (number, mask) in world.users.iter().enumerate() {
        match *mask {
            GONE => {
                snapshot.truth.add(ChangeKind::UserDeleted, &[world.user_id(number)]);
                gone.push(world.maker.id(purpose::USER_ID, number));
            }
            0 => snapshot.user(world, number, 0, None),
            mask => snapshot.user(world, number, mask, Some(ChangeKind::UserUpdated)),
        }
    }
    for number in world.size.users..world.size.users + world.new_users {
        snapshot.user(world, number, 0, Some(ChangeKind::UserCreated));
    }
    for (number, mask) in world.groups.iter().enumerate() {
        match *mask {
            GONE => {
                let id = world.maker.id(purpose::GROUP_ID, number);
                snapshot.truth.add(ChangeKind::GroupDeleted, &[text(&id)]);
                gone.push(id);
            }
            0 => snapshot.group(world, number, 0, None),
            mask => snapshot.group(world, number, mask, Some(ChangeKind::GroupUpdated)),
        }
        members_after(world, number, &mut snapshot);
    }
    for number in world.size.groups..world.size.groups + world.new_groups {
        snapshot.group(world, number, 0, Some(ChangeKind::GroupCreated));
        let members: Vec<_> = world.founders(number).collect();
        snapshot.members(world, number, &members, |_| true);
    }
    gone.sort_unstable();
    snapshot.end(gone);
}

fn members_after(world: &World, group: usize, snapshot: &mut Writer<'_>) {
    let (mut members, id) = (Vec::new(), world.maker.id(purpose::GROUP_ID, group));
    for user in world.before(group) {
        if world.ends(group, user) {
            snapshot.truth.add(ChangeKind::GroupUserRemoved, &[text(&id), world.user_id(user)]);
        } else {
            members.push(user);
        }
    }
    if world.groups[group] != GONE {
        let stayed = members.len();
        members.extend(world.joins(group));
        snapshot.members(world, group, &members, |place| place >= stayed);
    }
}

struct Writer<'a> {
    folder: &'a Path,
    users: BufWriter<File>,
    groups: BufWriter<File>,
    user_records: BufWriter<File>,
    group_records: BufWriter<File>,
    members: BufWriter<File>,
    /// For each group the first letters of its id, and where its members are.
    index: Vec<(u64, u64, u32)>,
    offset: u64,
    truth: Truth,
    content: Content,
    json: String,
    row: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(folder: &'a Path) -> Self {
        let file = |name: &str| BufWriter::with_capacity(1 << 20, File::create(folder.join(name)).expect("a file can be made"));
        Self {
            folder,
            users: file("users"),
            groups: file("groups"),
            user_records: file("users.records"),
            group_records: file("groups.records"),
            members: file("members"),
            index: Vec::new(),
            offset: 0,
            truth: Truth::default(),
            content: Content::default(),
            json: String::new(),
            row: Vec::new(),
        }
    }

    /// Writes a user, which is part of the truth if something happened to it.
    fn user(&mut self, world: &World, number: usize, mask: Mask, kind: Option<ChangeKind>) {
        world.maker.user(number, mask, &mut self.content);
        let id = world.user_id(number);
        row(&mut self.row, id, &self.content, &USER_ATTRIBUTES);
        self.users.write_all(&self.row).expect("a user can be written");
        record(&mut self.row, id, &self.content, &USER_ATTRIBUTES, &mut self.json);
        self.user_records.write_all(&self.row).expect("a user can be written");
        self.count(kind, id);
    }

    fn group(&mut self, world: &World, number: usize, mask: Mask, kind: Option<ChangeKind>) {
        world.maker.group(number, mask, &mut self.content);
        let id = world.maker.id(purpose::GROUP_ID, number);
        row(&mut self.row, text(&id), &self.content, &GROUP_ATTRIBUTES);
        self.groups.write_all(&self.row).expect("a group can be written");
        record(&mut self.row, text(&id), &self.content, &GROUP_ATTRIBUTES, &mut self.json);
        self.group_records.write_all(&self.row).expect("a group can be written");
        self.count(kind, text(&id));
    }

    /// Counts what was just written as a record.
    fn count(&mut self, kind: Option<ChangeKind>, id: &str) {
        let Some(kind) = kind else { return };
        self.truth.add(kind, &[id, &self.content.name, self.content.state, &self.json]);
    }

    /// Writes the members of a group; those at new places are part of the truth.
    fn members(&mut self, world: &World, group: usize, members: &[usize], is_new: impl Fn(usize) -> bool) {
        let id = world.maker.id(purpose::GROUP_ID, group);
        self.row.clear();
        self.row.push(ID as u8);
        self.row.extend(id);
        self.row.extend((members.len() as u32).to_le_bytes());
        for (place, user) in members.iter().enumerate() {
            let user = world.user_id(*user);
            self.row.push(ID as u8);
            self.row.extend(user.as_bytes());
            if is_new(place) {
                self.truth.add(ChangeKind::GroupUserAdded, &[text(&id), user]);
            }
        }
        self.members.write_all(&self.row).expect("members can be written");
        self.index.push((crate::flat::short(&id), self.offset, self.row.len() as u32));
        self.offset += self.row.len() as u64;
    }

    fn end(mut self, gone: Vec<[u8; ID]>) {
        for mut file in [self.users, self.groups, self.user_records, self.group_records, self.members] {
            file.flush().expect("a file can be written");
        }
        self.index.sort_unstable();
        assert!(self.index.is_sorted_by(|one, next| one.0 < next.0), "no two ids of groups begin the same");
        let index = self.index.iter().flat_map(|(id, offset, length)| {
            let numbers = [id.to_le_bytes(), offset.to_le_bytes(), u64::from(*length).to_le_bytes()];
            numbers.into_iter().flatten()
        });
        std::fs::write(self.folder.join("members.index"), index.collect::<Vec<_>>()).expect("the index can be written");
        std::fs::write(self.folder.join("gone"), gone.concat()).expect("who is gone can be written");
        self.truth.write(&self.folder.join("truth"));
    }
}

/// The length of the row, then its fields, each after its own length: id, two fixed ones, and names and values of attributes.
fn row(row: &mut Vec<u8>, id: &str, content: &Content, names: &[&str]) {
    let fixed = [id, &content.name, content.state];
    let attributes = names.iter().zip(&content.attributes).flat_map(|(name, value)| [*name, value.as_str()]);
    fields(row, fixed.into_iter().chain(attributes));
}

/// The same with the attributes as JSON, which is what is left of the row: an entry as it is normalised, and hashed.
fn record(row: &mut Vec<u8>, id: &str, content: &Content, names: &[&str], json: &mut String) {
    Content::json(names, &content.attributes, json);
    assert!(json.parse::<Attributes>().is_ok_and(|attributes| attributes.as_json() == json), "records are canonical");
    fields(row, [id, &content.name, content.state].into_iter());
    row.extend(json.as_bytes());
    put_length(row);
}

fn fields<'a>(row: &mut Vec<u8>, fields: impl Iterator<Item = &'a str>) {
    row.clear();
    row.extend([0; 4]);
    for field in fields {
        row.extend((field.len() as u16).to_le_bytes());
        row.extend(field.as_bytes());
    }
    put_length(row);
}

fn put_length(row: &mut [u8]) {
    let length = (row.len() as u32 - 4).to_le_bytes();
    row[..4].copy_from_slice(&length);
}

fn text(id: &[u8; ID]) -> &str {
    str::from_utf8(id).expect("ids are letters and digits")
}
