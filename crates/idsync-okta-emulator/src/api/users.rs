//! Users.

use super::cursor::{Form, Position};
use super::fields::Fields;
use super::listing::Listing;
use super::page::{Links, Page};
use super::records::UserRecord;
use super::select::Selection;
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{Shared, Status, User, text_member};
use crate::search::Dialect;
use crate::server::{Answer, Call, Failure};
use std::borrow::Cow;

/// The most users that `q` finds, which cannot be paged.
const FEW: usize = 10;

/// `GET /api/v1/users`.
pub(super) fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    if let Some(words) = call.query.get("q") {
        return quick(shared, call, caller, words);
    }
    let selection = Selection::of(call, Dialect::UserSearch, Dialect::UserFilter)?;
    let form = if selection.is_search() { Form::Id } else { Form::Digit };
    let (listing, start) = Listing::of(shared, call, form, Kind::User)?;
    let mut page = Page::new(listing, start);
    // An app without a role is not refused, it sees nobody (recorded).
    if caller.rights.users.is_nothing() {
        return Ok(Answer::page(page));
    }
    let most = call.limit().unwrap_or(FEW).min(call.most_rows.unwrap_or(usize::MAX));
    if selection.is_indexed() && start == Position::START && !shared.read().stale_users.is_empty() {
        shared.write().stale_users.begin();
    }
    let data = shared.read();
    let seen = caller.rights.users.seen(&data);
    let all = 0..data.users.len() as u32;
    let fields = call.query.get("fields").map(Fields::parse);
    match &selection {
        Selection::Everything => {
            // The plain list leaves out who is deactivated (recorded).
            let is_listed =
                |&index: &u32| data.user(index).is_some_and(|user| user.core.status != Status::Deprovisioned) && seen.has(index);
            fill(&mut page, rest(all, start).filter(is_listed), most, |index| shown(fields.as_ref(), data.user(index)));
        }
        Selection::Filter(filter) => {
            let is_met = |&index: &u32| {
                seen.has(index) && data.searched_user(index).is_some_and(|user| filter.is_met(&UserRecord::new(user), Dialect::UserFilter))
            };
            fill(&mut page, rest(all, start).filter(is_met), most, |index| shown(fields.as_ref(), data.searched_user(index)));
        }
        Selection::Search(search, order) => {
            let is_met = |&index: &u32| {
                seen.has(index) && data.searched_user(index).is_some_and(|user| search.is_met(&UserRecord::new(user), Dialect::UserSearch))
            };
            let json = |index| shown(fields.as_ref(), data.searched_user(index));
            match order {
                None => fill(&mut page, rest(all, start).filter(is_met), most, json),
                Some(order) => {
                    let found: Vec<u32> = all.filter(is_met).collect();
                    let sorted = order.sort(found, |index| data.searched_user(index).map(UserRecord::new));
                    fill(&mut page, after(&sorted, start), most, json);
                }
            }
        }
    }
    Ok(Answer::page(page))
}

/// A user with what is asked for of it.
fn shown<'a>(fields: Option<&Fields>, user: Option<&'a User>) -> Cow<'a, [u8]> {
    let json = user.map_or(&[][..], User::json);
    fields.map_or(Cow::Borrowed(json), |fields| fields.of(json))
}

/// `GET /api/v1/users/{id}`.
pub(super) fn one(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if caller.rights.users.is_nothing() {
        return Err(Failure::no_permission());
    }
    let data = shared.read();
    let user = data.find_user(id).ok_or_else(|| Failure::not_found(id, "User"))?;
    let index = data.user_index(user.core.id.as_str());
    if !index.is_some_and(|index| caller.rights.users.seen(&data).has(index)) {
        return Err(Failure::no_permission());
    }
    Ok(write(shared, user))
}

/// The user with this index, whoever asks.
pub(super) fn at(shared: &Shared, index: u32) -> Option<Answer> {
    shared.read().user(index).map(|user| write(shared, user))
}

fn write(shared: &Shared, user: &User) -> Answer {
    Answer::json(200, user.single(&shared.base)).with_header("etag", &format!("W/\"{:x}\"", crate::random::digest(2, user.json())))
}

/// `GET /api/v1/users/{id}/groups`.
pub(super) fn groups(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if caller.rights.users.is_nothing() {
        return Err(Failure::no_permission());
    }
    let (listing, start) = Listing::of(shared, call, Form::Id, Kind::Group)?;
    let mut page = Page::new(listing, start);
    let most = call.limit().unwrap_or(FEW).min(call.most_rows.unwrap_or(usize::MAX));
    let data = shared.read();
    let user = data.find_user(id).and_then(|user| data.user_index(user.core.id.as_str()));
    let user = user.ok_or_else(|| Failure::not_found(id, "User"))?;
    let (users, seen) = (caller.rights.users.seen(&data), caller.rights.groups.seen(&data));
    if !users.has(user) {
        return Err(Failure::no_permission());
    }
    let first = start.after.map_or(0, |index| index + 1);
    let groups = data.groups_of(user).filter(|&group| group >= first && seen.has(group));
    fill(&mut page, groups, most, |index| data.group(index).map_or(&[][..], |group| group.json()));
    Ok(Answer::page(page))
}

/// The start of a name or of the email; no pages, no links, nobody who is deactivated (recorded).
fn quick(shared: &Shared, call: &Call, caller: &Caller, words: &str) -> Result<Answer, Failure> {
    let (listing, start) = Listing::of(shared, call, Form::Digit, Kind::User)?;
    let mut page = Page::new(listing, start);
    page.links = Links::None;
    if caller.rights.users.is_nothing() {
        return Ok(Answer::page(page));
    }
    let words = format!("\"{}", words.to_lowercase());
    let most = call.query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(FEW).min(FEW);
    let data = shared.read();
    let seen = caller.rights.users.seen(&data);
    let found = data.users.iter().zip(0..).filter_map(|(user, index)| {
        let user = user.as_ref().filter(|user| user.core.status != Status::Deprovisioned && seen.has(index))?;
        let starts = |name| {
            let text = text_member(user.profile(), name).unwrap_or_default();
            String::from_utf8_lossy(text).to_lowercase().starts_with(&words)
        };
        ["firstName", "lastName", "email"].into_iter().any(starts).then_some((index, user))
    });
    for (index, user) in found.take(most) {
        page.push(index, user.json());
    }
    Ok(Answer::page(page))
}

/// The indexes that follow a place.
fn rest(all: std::ops::Range<u32>, start: Position) -> std::ops::Range<u32> {
    start.after.map_or(0, |index| index.saturating_add(1))..all.end
}

/// The rows of a sorted list that follow a place. Where the row before is gone, the rest of the list is.
fn after(sorted: &[u32], start: Position) -> impl Iterator<Item = u32> {
    let skip = match start.after {
        None => 0,
        Some(index) => sorted.iter().position(|&known| known == index).map_or(sorted.len(), |at| at + 1),
    };
    sorted[skip..].iter().copied()
}

/// Fills a page with the first rows.
pub(super) fn fill<'a, J: Into<Cow<'a, [u8]>>>(page: &mut Page, mut rows: impl Iterator<Item = u32>, most: usize, json: impl Fn(u32) -> J) {
    let mut count = 0;
    while count < most {
        let Some(index) = rows.next() else { return page.end(None) };
        let row: Cow<'_, [u8]> = json(index).into();
        if count == 0 {
            // Rows are about as long as the first; a page that outgrows the guess only grows once more.
            let guess = most.min(rows.size_hint().1.unwrap_or(most) + 1);
            page.reserve(guess * (row.len() + row.len() / 8 + 64), guess);
        }
        page.push(index, &row);
        count += 1;
    }
    page.end(rows.next());
}
