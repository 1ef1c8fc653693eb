//! What can be listed.

use crate::faults::Fault;
use crate::world::World;
use idsync_core::{ErrorKind, Group, GroupId, User, UserId};

/// What a listing is of.
pub(crate) trait Rows: Send + 'static {
    /// What a row is.
    type Row: Clone + Send + 'static;
    /// The fault that ends it in an error.
    const FAILS: Fault;
    /// The fault that keeps rows out of it; `None` where nothing but the listing shows a row.
    const HIDES: Option<Fault>;
    /// The fault of records that make no sense.
    const MALFORMED: Fault;
    /// The same, without an id.
    const NAMELESS: Fault;

    /// What is listed, in order: the id of each row, and the row.
    fn rows<'a>(&'a self, world: &'a World, age: Age) -> Box<dyn Iterator<Item = (&'a str, Self::Row)> + 'a>;

    /// Why there is no such listing.
    fn refusal(&self, world: &World) -> Option<ErrorKind>;

    /// What the listing is called in a trace.
    fn name(&self) -> &str;

    /// Whether a directory that shows nothing shows none of these: it may show no users, no groups, or neither.
    fn shows_nothing(&self, salt: u64) -> bool;

    /// The group whose members are listed.
    fn of_group(&self) -> Option<&GroupId> {
        None
    }
}

/// Whether a listing lags behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Stale,
}

pub(crate) struct Users;
pub(crate) struct Groups;
pub(crate) struct MembersOf(pub(crate) GroupId);

impl Rows for Users {
    type Row = User;
    const FAILS: Fault = Fault::UsersFail;
    const HIDES: Option<Fault> = Some(Fault::UsersHidden);
    const MALFORMED: Fault = Fault::Malformed;
    const NAMELESS: Fault = Fault::MalformedNameless;

    fn rows<'a>(&'a self, world: &'a World, _age: Age) -> Box<dyn Iterator<Item = (&'a str, User)> + 'a> {
        Box::new(world.users.values().filter(|user| world.user_in_scope(&user.id)).map(|user| (user.id.as_str(), user.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.users.keys().any(|id| world.user_in_scope(id))).then_some(ErrorKind::PermissionDenied)
    }

    fn name(&self) -> &str {
        "users"
    }

    fn shows_nothing(&self, salt: u64) -> bool {
        !salt.is_multiple_of(3)
    }
}

impl Rows for Groups {
    type Row = Group;
    const FAILS: Fault = Fault::GroupsFail;
    const HIDES: Option<Fault> = Some(Fault::GroupsHidden);
    const MALFORMED: Fault = Fault::Malformed;
    const NAMELESS: Fault = Fault::MalformedNameless;

    fn rows<'a>(&'a self, world: &'a World, _age: Age) -> Box<dyn Iterator<Item = (&'a str, Group)> + 'a> {
        Box::new(world.groups.values().filter(|group| world.group_in_scope(&group.id)).map(|group| (group.id.as_str(), group.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.groups.keys().any(|id| world.group_in_scope(id))).then_some(ErrorKind::PermissionDenied)
    }

    fn name(&self) -> &str {
        "groups"
    }

    fn shows_nothing(&self, salt: u64) -> bool {
        salt % 3 != 1
    }
}

impl Rows for MembersOf {
    type Row = UserId;
    const FAILS: Fault = Fault::MembersFail;
    const HIDES: Option<Fault> = None;
    const MALFORMED: Fault = Fault::MalformedMembers;
    const NAMELESS: Fault = Fault::MalformedMembers;

    fn rows<'a>(&'a self, world: &'a World, age: Age) -> Box<dyn Iterator<Item = (&'a str, UserId)> + 'a> {
        let members = if age == Age::Stale { &world.past().1 } else { &world.members };
        Box::new(members.get(&self.0).into_iter().flatten().map(|id| (id.as_str(), id.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.group_in_scope(&self.0)).then_some(ErrorKind::NotFound)
    }

    fn name(&self) -> &str {
        self.0.as_str()
    }

    fn shows_nothing(&self, _salt: u64) -> bool {
        false
    }

    fn of_group(&self) -> Option<&GroupId> {
        Some(&self.0)
    }
}
