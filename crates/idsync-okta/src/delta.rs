//! Users that changed since a time by the org's clock.
//!
//! They are listed with `filter`, which alone of the selecting parameters is not said to be served from an index that lags behind
//! (Okta reference, List all users), though it may be; therefore each delta looks a while further back than to the one before. A
//! deactivated user is among them with the status DEPROVISIONED. One who was deleted leaves no trace, and is found by a full read.

use crate::error::Error;
use crate::paginate::{Listing, pages};
use crate::provider::{Deprovisioned, OktaProvider, is_deprovisioned, users_page};
use crate::transport::Route;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{ChangedUsers, Cursor, Error as CoreError, ErrorKind, GroupId, Page, Result, Timestamp, User, UserId};
use std::time::Duration;

/// How far a delta looks back behind the time of its cursor, if nothing else is said.
pub(crate) const OVERLAP: Duration = Duration::from_secs(10 * 60);

const VERSION: &str = "1:";

/// The cursor of a delta that begins at this time.
pub(crate) fn cursor(server_time: Timestamp) -> Cursor {
    Cursor::new(format!("{VERSION}{}", server_time.unix_millis()))
}

fn time_of(cursor: &Cursor) -> Option<Timestamp> {
    Timestamp::from_unix_millis(cursor.as_str().strip_prefix(VERSION)?.parse().ok()?)
}

impl OktaProvider {
    pub(crate) fn changed_since(&self, since: &Cursor) -> BoxStream<'static, Result<ChangedUsers>> {
        let client = self.client().clone();
        let Some(time) = time_of(since) else {
            let unknown = CoreError::new(ErrorKind::CursorExpired, "the cursor is not one of an Okta org");
            return stream::iter([Err(unknown)]).boxed();
        };
        if client.inner.identity.is_yet_to_come(time, client.inner.timer.now()) {
            let early = CoreError::new(ErrorKind::CursorExpired, "the cursor is ahead of the org's own time");
            return stream::iter([Err(early)]).boxed();
        }
        let filter = format!("lastUpdated ge \"{}\"", time.saturating_sub(self.overlap));
        let pages = pages(client, self.user_listing(None).with("filter", &filter), users_page);
        let state = (pages, 0_usize, self.clone());
        let visible = stream::try_unfold(state, |(mut pages, seen, provider)| async move {
            match pages.try_next().await? {
                Some(page) => {
                    let seen = seen + page.items.len() + page.held.len();
                    Ok(Some((page, (pages, seen, provider))))
                }
                None => {
                    if seen == 0 {
                        // Without its role an identity is shown nobody, as if nobody had changed.
                        provider.probe(Route::Users, "users").await?;
                    }
                    Ok::<_, Error>(None)
                }
            }
        });
        let (deprovisioned, scope) = (self.deprovisioned, self.scope.clone());
        let trimmed = visible.map_ok(move |mut page| {
            page.items.iter_mut().for_each(|user| scope.trim(user));
            sort_out(page, deprovisioned)
        });
        trimmed.map_err(given_up).boxed()
    }

    pub(crate) fn groups_of_user(&self, user: &UserId) -> BoxStream<'static, Result<Page<GroupId>>> {
        let path = match self.path(&["users", user.as_str(), "groups"]) {
            Ok(path) => path,
            Err(error) => return stream::iter([Err(error.into())]).boxed(),
        };
        let listing = Listing::without_limit(self.client(), Route::GroupsOfUser, path.path());
        let pages = pages(self.client().clone(), listing, crate::provider::groups_page);
        pages
            .map_ok(|page| Page::new(page.items.into_iter().map(|group| group.id).collect()).with_held(page.held))
            .map_err(Into::into)
            .boxed()
    }
}

/// What ended a delta. Where it is that the org cannot tell who changed, it can still tell who is there.
fn given_up(error: Error) -> CoreError {
    if error.is_unsearchable() {
        let unsearchable = CoreError::new(ErrorKind::CursorExpired, "the org cannot search its users for those who changed");
        return unsearchable.during(Route::Users.operation()).with_source(error);
    }
    error.into()
}

fn sort_out(page: Page<User>, deprovisioned: Deprovisioned) -> ChangedUsers {
    let Page { mut items, held, .. } = page;
    let departed = match deprovisioned {
        Deprovisioned::Exclude => items.extract_if(.., |user| is_deprovisioned(user)).map(|user| user.id).collect(),
        Deprovisioned::Include => Vec::new(),
    };
    ChangedUsers::new(items).with_departed(departed).with_held(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let time = Timestamp::from_unix_millis(1_774_000_000_000).unwrap();
        assert_eq!(time_of(&cursor(time)), Some(time));
        for text in ["", "1:", "1774000000000", "2:1774000000000", "1:soon"] {
            assert_eq!(time_of(&Cursor::new(text)), None, "{text}");
        }
    }
}
