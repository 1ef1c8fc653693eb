//! Groups and their members.

use super::cursor::{Form, Position};
use super::listing::Listing;
use super::page::{Links, Page};
use super::records::GroupRecord;
use super::select::Selection;
use super::users::fill;
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{GroupsWithoutRole, Members, Shared};
use crate::search::Dialect;
use crate::server::{Answer, Call, Failure};

/// The most groups that `q` finds, which cannot be paged.
const FEW: usize = 300;

/// `GET /api/v1/groups`.
pub(super) fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let selection = Selection::of(call, Dialect::GroupSearch, Dialect::GroupFilter)?;
    let (listing, start) = Listing::of(shared, call, Form::Base64, Kind::Group)?;
    let mut page = Page::new(listing, start);
    if caller.rights.groups.is_nothing() {
        return match shared.access().groups_without_role {
            GroupsWithoutRole::EmptyList => Ok(Answer::page(page)),
            GroupsWithoutRole::Forbidden => Err(Failure::no_permission()),
        };
    }
    let most = call.limit().unwrap_or(FEW).min(call.most_rows.unwrap_or(usize::MAX));
    if selection.is_indexed() && start == Position::START && !shared.read().stale_groups.is_empty() {
        shared.write().stale_groups.begin();
    }
    let data = shared.read();
    let seen = caller.rights.groups.seen(&data);
    let rest = (start.after.map_or(0, |index| index.saturating_add(1))..data.groups.len() as u32).filter(|&index| seen.has(index));
    let json = |index| data.group(index).map_or(&[][..], |group| group.json());
    let searched = |index| data.searched_group(index).map_or(&[][..], |group| group.json());
    let words = call.query.get("q").map(str::to_lowercase);
    let is_named = |index: u32| {
        let Some(words) = &words else { return true };
        let name = data.group(index).and_then(|group| group.attributes().get("name")?.as_str().map(str::to_lowercase));
        name.is_some_and(|name| name.starts_with(words))
    };
    // Groups are far fewer than users, so that the whole of them is looked at for each page of a search.
    let found: Vec<u32> = match &selection {
        Selection::Everything => rest.filter(|&index| data.group(index).is_some() && is_named(index)).collect(),
        Selection::Filter(filter) => {
            let is_met =
                |index| data.searched_group(index).is_some_and(|group| filter.is_met(&GroupRecord::new(group), Dialect::GroupFilter));
            rest.filter(|&index| is_met(index) && is_named(index)).collect()
        }
        Selection::Search(search, order) => {
            let is_met =
                |index| data.searched_group(index).is_some_and(|group| search.is_met(&GroupRecord::new(group), Dialect::GroupSearch));
            match order {
                None => rest.filter(|&index| is_met(index)).collect(),
                Some(order) => {
                    let all: Vec<u32> = (0..data.groups.len() as u32).filter(|&index| seen.has(index) && is_met(index)).collect();
                    let sorted = order.sort(all, |index| data.searched_group(index).map(GroupRecord::new));
                    let skip = start.after.and_then(|index| sorted.iter().position(|&known| known == index)).map_or(0, |at| at + 1);
                    sorted[skip..].to_vec()
                }
            }
        }
    };
    if selection.is_indexed() {
        fill(&mut page, found.into_iter(), most, searched);
    } else {
        fill(&mut page, found.into_iter(), if words.is_some() { most.min(FEW) } else { most }, json);
    }
    if words.is_some() {
        // With `q` there are no links at all (recorded), so that what was cut off cannot be had.
        page.links = Links::None;
    }
    Ok(Answer::page(page))
}

/// `GET /api/v1/groups/{id}`.
pub(super) fn one(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if caller.rights.groups.is_nothing() {
        return Err(Failure::no_permission());
    }
    let data = shared.read();
    let index = data.group_index(id).ok_or_else(|| Failure::not_found(id, "UserGroup"))?;
    if !caller.rights.groups.seen(&data).has(index) {
        return Err(Failure::no_permission());
    }
    let group = data.group(index).ok_or_else(|| Failure::not_found(id, "UserGroup"))?;
    Ok(Answer::json(200, group.json().to_vec()))
}

/// `GET /api/v1/groups/{id}/users`: direct members, who is deactivated among them (reported).
pub(super) fn members(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    let (listing, start) = Listing::of(shared, call, Form::Id, Kind::User)?;
    let mut page = Page::new(listing, start);
    if caller.rights.groups.is_nothing() {
        return Ok(Answer::page(page));
    }
    let most = call.limit().unwrap_or(FEW).min(call.most_rows.unwrap_or(usize::MAX));
    let index = shared.read().group_index(id).ok_or_else(|| Failure::not_found(id, "UserGroup"))?;
    if !caller.rights.groups.seen(&shared.read()).has(index) {
        return Err(Failure::no_permission());
    }
    if start == Position::START && shared.read().stale_members.get(index).is_some() {
        shared.write().stale_members.begin_one(index);
    }
    let data = shared.read();
    let group = data.group(index).ok_or_else(|| Failure::not_found(id, "UserGroup"))?;
    let first = start.after.map_or(0, |index| index.saturating_add(1));
    let json = |index| data.user(index).map_or(&[][..], |user| user.json());
    let is_there = |index: &u32| data.user(*index).is_some();
    match (data.stale_members.get(index), &group.members) {
        (None, Members::Everyone) => fill(&mut page, (first..data.users.len() as u32).filter(is_there), most, json),
        (Some(members), _) | (None, Members::Listed(members)) => {
            let from = members.partition_point(|&member| member < first);
            fill(&mut page, members[from..].iter().copied().filter(is_there), most, json);
        }
    }
    Ok(Answer::page(page))
}
