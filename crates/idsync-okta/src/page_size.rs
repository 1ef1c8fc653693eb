//! Page sizes that follow what the org can bear.

use crate::builder::PageSizes;
use crate::transport::Route;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller pages than this do not help an overburdened server.
pub(crate) const SMALLEST_PAGE: u32 = 25;
/// Good pages before a larger one is tried; doubled when that fails.
const PATIENCE: u32 = 4;
const MOST_PATIENCE: u32 = 64;

/// The page sizes of one client: what one listing finds out is good for the next.
#[derive(Debug)]
pub(crate) struct AdaptedSizes {
    users: Adapted,
    groups: Adapted,
    members: Adapted,
}

/// The page size of one kind of listing: lowered when the org cannot cope, raised again when it can.
#[derive(Debug)]
struct Adapted(Mutex<State>);

#[derive(Debug)]
struct State {
    most: u32,
    now: u32,
    /// Good pages of this size in a row.
    good: u32,
    patience: u32,
    /// Whether the size was raised and has not proved good yet.
    is_on_trial: bool,
}

impl AdaptedSizes {
    pub(crate) fn new(sizes: PageSizes) -> Self {
        let most_groups = sizes.groups.max(sizes.groups_in_delta);
        let [users, groups, members] = [sizes.users, most_groups, sizes.members].map(Adapted::new);
        Self { users, groups, members }
    }

    const fn of(&self, route: Route) -> Option<&Adapted> {
        match route {
            Route::Users => Some(&self.users),
            Route::Groups => Some(&self.groups),
            Route::Members => Some(&self.members),
            _ => None,
        }
    }

    /// How many entries to ask for where `wanted` are wanted.
    pub(crate) fn now(&self, route: Route, wanted: u32) -> u32 {
        self.of(route).map_or(wanted, |adapted| adapted.lock().now.min(wanted))
    }

    /// A page came that was asked for with this size, at last.
    pub(crate) fn came(&self, route: Route, size: u32) {
        if let Some(adapted) = self.of(route) {
            adapted.lock().answered(size);
        }
    }

    /// The size was lowered for a page.
    pub(crate) fn lowered(&self, route: Route, size: u32) {
        if let Some(adapted) = self.of(route) {
            adapted.lock().lower(size);
        }
    }
}

impl Adapted {
    const fn new(most: u32) -> Self {
        Self(Mutex::new(State { most, now: most, good: 0, patience: PATIENCE, is_on_trial: false }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lower(&mut self, size: u32) {
        if size >= self.now {
            return;
        }
        if self.is_on_trial {
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
        (self.now, self.good, self.is_on_trial) = (size, 0, false);
    }

    fn answered(&mut self, size: u32) {
        if size < self.now {
            return;
        }
        self.good += 1;
        if self.good < self.patience {
            return;
        }
        (self.good, self.is_on_trial) = (0, self.now < self.most);
        if self.is_on_trial {
            self.now = self.now.saturating_mul(2).min(self.most);
        } else {
            self.patience = PATIENCE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row04_a_page_size_that_was_lowered_recovers_after_some_good_pages() {
        let sizes = AdaptedSizes::new(PageSizes::default());
        sizes.lowered(Route::Members, 250);
        let mut asked = Vec::new();
        for _ in 0..10 {
            let size = sizes.now(Route::Members, 1000);
            asked.push(size);
            sizes.came(Route::Members, size);
        }
        assert_eq!(asked, [250, 250, 250, 250, 500, 500, 500, 500, 1000, 1000]);
        assert_eq!(sizes.now(Route::Users, 200), 200, "each kind of listing has its own");
    }

    #[test]
    fn row04_a_size_that_fails_again_and_again_is_tried_ever_more_seldom() {
        let sizes = AdaptedSizes::new(PageSizes::default());
        let mut failures = 0;
        for _ in 0..1000 {
            let size = sizes.now(Route::Members, 1000);
            if size > 500 {
                failures += 1;
                sizes.lowered(Route::Members, 500);
            }
            sizes.came(Route::Members, size.min(500));
        }
        assert!(failures < 25, "{failures}");
    }
}
